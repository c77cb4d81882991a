//! What is to be predicted: its task, and its classes.

use crate::common::Project;
use crate::{holds, refused, rows, trains, trains_file};

#[test]
fn a_target_of_ever_new_texts_is_refused() {
    let project = Project::new();
    for count in [40, 1000] {
        project.write("e.csv", rows("x,y", count, |n| format!("{},n{}@example.org", n % 9, n - usize::from(n == 1))));
        refused(&project, &["init", "e.csv", "--target", "y"], &["has another text in nearly every row"]);
    }
    let (spec, _) = trains_file("few.csv", rows("x,y", 40, |n| format!("{},c{}", n % 9, n % 4)));
    holds(&spec, &["task = \"multiclass\""]);
}

#[test]
fn a_target_with_a_currency_is_a_number_however_few_there_are() {
    let (_, spec) = trains("x,y", |n| format!("{},${}.25", n % 13, n % 9 + 10));
    holds(&spec, &["task = \"regression\"", "y = { type = \"number\", format = \"$1234.56\" }"]);
}

#[test]
fn classes_that_differ_only_in_case_are_told() {
    let row = |n: usize| format!("{},{}", n % 9, ["yes", "no", "NO", "Yes "][n % 4]);
    let (spec, checked) = trains_file("c.csv", rows("x,y", 100, row));
    holds(&spec, &["are classes of their own: `NO`, `no`; `Yes `, `yes`"]);
    holds(&checked, &["are classes of their own: `NO`, `no`; `Yes `, `yes`"]);
}

#[test]
fn a_target_of_few_numbers_may_be_classes() {
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, n * 7 % 3));
    assert!(spec.contains("task = \"regression\""), "{spec}");
    assert!(spec.contains("# `y` has 3 values; if they are classes: `task = \"multiclass\"`"), "{spec}");
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, n * 7 % 31));
    assert!(!spec.contains("if they are classes"), "{spec}");
}

#[test]
fn a_target_of_numbers_beside_a_few_marks_or_words_is_a_number() {
    let age = |n: usize, odd: &str| if n.is_multiple_of(20) { odd.to_owned() } else { (18 + n * 7 % 43).to_string() };
    for mark in ["-", "unknown", "#DIV/0!", "missing"] {
        let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, age(n, mark)));
        let token = toml::Value::from(mark).to_string();
        holds(&spec, &["task = \"regression\"", &format!("missing = [\"\", {token}]"), "left out: 5 rows"]);
    }
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, age(n, "NEW")));
    holds(&spec, &["task = \"regression\"", "y = { type = \"integer\", invalid = \"null\" }", "`NEW` × 5"]);
    // A mark says that nothing is known of a grade, too; a word may be one of its own.
    let grade = |n: usize, odd: &str| if n.is_multiple_of(20) { odd.to_owned() } else { format!("{}.5", n % 5) };
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, grade(n, "-")));
    holds(&spec, &["task = \"regression\"", "missing = [\"\", \"-\"]"]);
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, grade(n, "none")));
    holds(
        &spec,
        &[
            "task = \"multiclass\"",
            "# `y` has classes, for 5 of 100 cells are no numbers: `none` × 5; if the others are quantities, `y = { type = \"number\", invalid = \"null\" }` in `[contract]`, and `task = \"regression\"`\n",
        ],
    );
}

#[test]
fn the_rarer_class_is_asked_about_where_no_word_decides() {
    let proposed =
        |rare: &str, often: &str| trains("x,y", |n| format!("{},{}", n % 13, if n % 5 == 0 { rare } else { often })).1;
    let line = |text: &str| text.lines().find(|line| line.starts_with("positive")).map(str::to_owned);
    insta::assert_snapshot!(line(&proposed("ill", "well")).expect("a binary task"), @r#"positive = "ill"                 # the class whose probability is told, of ill (20 rows), well (80 rows)"#);
    assert!(
        line(&proposed("2", "1")).expect("a binary task").starts_with("positive = \"2\""),
        "1 beside 2 says nothing"
    );
    assert!(line(&proposed("0", "1")).expect("a binary task").starts_with("positive = \"1\""));
    insta::assert_snapshot!(line(&proposed("no", "yes")).expect("a binary task"), @r#"positive = "yes"                 # the class whose probability is told, of no (20 rows), yes (80 rows)"#);
}
