//! Numbers, with what people write before, behind and among their digits.

use crate::common::Project;
use crate::{holds, rows, trains, trains_file};

#[test]
fn cells_that_are_no_numbers_are_left_out_by_the_proposal() {
    let odd = |n: usize, odd: &str| if n == 7 { odd.to_owned() } else { format!("{}.5", n % 13) };
    let (_, spec) = trains("x,y", |n| format!("{},{}", odd(n, "inf"), n % 5));
    assert!(spec.contains("x = { type = \"number\", invalid = \"null\" }"), "{spec}");
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, odd(n, "late")));
    assert!(spec.contains("y = { type = \"number\", invalid = \"null\" }"), "{spec}");
    assert!(spec.contains("task = \"regression\""), "{spec}");
    let odd_often = |n: usize, value: usize| if n.is_multiple_of(20) { "abc".to_owned() } else { format!("{value}.5") };
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, odd_often(n, n % 9)));
    assert!(spec.contains("task = \"multiclass\""), "so few values may be classes: {spec}");
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, odd_often(n, n)));
    assert!(spec.contains("task = \"regression\""), "so many are no classes: {spec}");
}

#[test]
fn whole_numbers_are_one_pipeline_however_they_are_written() {
    let project = Project::new();
    let digest = |point: &str| {
        let row = |n: usize| format!("{}{point},{}{point},{}{point},{}", 20 + n % 50, n % 17, n % 2, n % 29);
        project.write("d.csv", rows("age,z,flag,y", 200, row));
        project.run(&["init", "d.csv", "--target", "y", "--output", "q.toml", "--quiet", "--force"]).ok();
        project.run(&["train", "q.toml", "--quiet", "--json"]).ok().json()["digest"].clone()
    };
    assert_eq!(digest(""), digest(".0"));
    holds(
        &project.read("q.toml"),
        &[
            "# whole so far, but written as `20.0` or held as floats: `age`, `z`\n",
            "is to be a `number` in the contract\n",
        ],
    );
}

#[test]
fn another_whole_number_in_every_row_is_told() {
    let row = |n: usize| format!("{},{},{n}.5,{},{}", 9_000 + n * n, n * n * 3, n * n, n % 29);
    let (_, spec) = trains("account,price,part,turns,y", row);
    holds(
        &spec,
        &["# another whole number in every row: `account`, `turns`\n# what only tells rows apart, as an id does,"],
    );
    let (_, spec) = trains("account,y", |n| format!("{},{}", 9_000 + (n * n).min(9_000), n % 29));
    assert!(!spec.contains("in every row"), "{spec}");
}

#[test]
fn codes_with_a_few_longer_ones_are_a_category() {
    let row = |n: usize| {
        format!(
            "{}{},{},{}",
            98101 + n % 50,
            if n % 150 == 3 { format!("-{}", 1000 + n) } else { String::new() },
            n % 9,
            n % 5
        )
    };
    let (spec, checked) = trains_file("z.csv", rows("zip,x,y", 3000, row));
    holds(
        &spec,
        &["beside whole numbers there are 20 cells such as `", " and 17 others\nzip = { type = \"category\" }"],
    );
    assert!(!checked.contains("would be of type"), "{checked}");
    let row = |n: usize| format!("{},{}", if n % 150 == 3 { format!("a{n}") } else { (n % 70).to_string() }, n % 5);
    let (spec, _) = trains_file("o.csv", rows("x,y", 3000, row));
    holds(&spec, &["# 20 of 3000 cells are of another type than integer: `a1053`, `a1203`, `a1353` and 17 others\n"]);
}

#[test]
fn cells_that_no_program_reads_as_numbers_are_named() {
    let row = |n: usize| format!("{},{}", ["\"1,5\"", "2.5 €", "2"][n % 3], n % 7);
    let (spec, checked) = trains_file("f.csv", rows("x,y", 99, row));
    holds(&spec, &["# `x` is text as it stands, since no program reads as numbers: `1,5` × 33, `2.5 €` × 33\n"]);
    holds(&checked, &["`x` is read as text", "66 of its 99 values are numbers as people write them"]);
}

#[test]
fn how_numbers_are_written_for_people_is_proposed() {
    let written = |n: usize| {
        let (thousands, units) = (n / 7 + 1, n * 37 % 1000);
        let cells = [
            ["1e5", "+3", ".5", "5.", "2"][n % 5].to_owned(),
            format!("\"$75,{:03}\"", n % 3),
            if n == 5 { "n/a".to_owned() } else { format!("\"{thousands}.{units:03},50 €\"") },
            format!("{} %", n % 90),
            if n.is_multiple_of(25) { format!("\"1,{units:03}.5\"") } else { format!("{units}.5") },
            format!("\"{},{}\"", n * 3 % 29, n % 10),
        ];
        cells.join(",")
    };
    let (spec, _) = trains_file("f.csv", rows("x,dollars,euros,share,few,y", 100, written));
    holds(
        &spec,
        &[
            "x = { type = \"number\", format = \"1234.56\" }\n",
            "# no cell tells whether thousands or the fraction are set apart: if it is the other, write `$1234,56`\n",
            "dollars = { type = \"number\", format = \"$1,234.56\" }\n",
            "# numbers that no program reads as they stand, such as `1.000,50 €`, `1.037,50 €`\n",
            "euros = { type = \"number\", format = \"1.234,56 €\" }\n",
            "share = { type = \"number\", format = \"1234.56 %\" }\n",
            "few = { type = \"number\", format = \"1,234.56\" }\n",
            "y = { type = \"number\", format = \"1234,56\" }\n",
            "task = \"regression\"",
            "missing = [\"\", \"n/a\"]",
        ],
    );
}

#[test]
fn units_of_numbers_are_proposed() {
    let row = |n: usize| {
        let cells = [
            format!("{}.{} km", n % 40, n % 10),
            format!("CHF {}'{:03}", n % 9 + 1, n % 1000),
            if n.is_multiple_of(5) { " $ -   ".to_owned() } else { format!("\" $ 1,{:03}.50 \"", n * 37 % 1000) },
            format!("{}.50{}", n, if n.is_multiple_of(2) { "-" } else { "" }),
            if n.is_multiple_of(50) { "null bhp".to_owned() } else { format!("{} bhp", n * 7 % 90) },
            if n.is_multiple_of(3) { format!("{}k", n % 8) } else { format!("{}", n * 100) },
            (n % 7).to_string(),
        ];
        cells.join(",")
    };
    let (spec, _) = trains_file("f.csv", rows("far,fare,due,owed,power,mixed,y", 200, row));
    holds(
        &spec,
        &[
            "far = { type = \"number\", format = \"1234.56 km\" }\n",
            "fare = { type = \"number\", format = \"CHF 1'234.56\" }\n",
            "power = { type = \"number\", format = \"1234.56 bhp\", invalid = \"null\" }\n",
            "due = { type = \"number\", format = \"$ 1,234.56\" }\n",
            "owed = { type = \"number\", format = \"1234.56\" }\n",
        ],
    );
    assert!(!spec.contains("mixed = "), "{spec}");
}

#[test]
fn points_that_set_thousands_apart_are_seen_by_the_other_columns() {
    let row = |n: usize| {
        let whole =
            if n.is_multiple_of(4) { (n + 300).to_string() } else { format!("{}.{:03}", n % 90 + 1, n * 37 % 1000) };
        format!("{whole};{},{};{}", n % 20, n % 10, n % 7)
    };
    let (spec, _) = trains_file("f.csv", rows("whole;part;y", 200, row));
    holds(
        &spec,
        &[
            "part = { type = \"number\", format = \"1234,56\" }\n",
            "# a point stands before three digits or nowhere: thousands, as `part` has commas\n",
            "whole = { type = \"number\", format = \"1.234,56\" }\n",
        ],
    );
    let (spec, checked) = trains_file("f.csv", rows("whole;part;y", 200, |n| row(n).replace(',', ".")));
    assert!(!spec.contains("whole = {"), "{spec}");
    holds(&spec, &["# `whole`: 150 of its 200 values have a point, each before three digits"]);
    holds(&checked, &["`whole`: 150 of its 200 values have a point, each before three digits"]);
}

#[test]
fn what_stands_before_fractions_is_seen_by_the_other_columns() {
    let weight = |n: usize| format!("{},{:03}", 3 + n % 5, 100 + n * 37 % 900);
    let row = |n: usize| format!("{},{};{};{}", n % 20, n % 10, weight(n), n % 7);
    let (spec, _) = trains_file("f.csv", rows("price;kg;y", 200, row));
    holds(
        &spec,
        &[
            "# no cell tells what stands before the fraction: a comma, as in `price`\n",
            "kg = { type = \"number\", format = \"1234,56\" }\n",
        ],
    );
    let row = |n: usize| format!("{}.{}%,${},{}", n % 20, n % 10, weight(n).replace(',', "."), n % 7);
    let (spec, _) = trains_file("f.csv", rows("share,cost,y", 200, row));
    holds(&spec, &["cost = { type = \"number\", format = \"$1234.56\" }\n", "a point, as in `share`"]);
}

#[test]
fn a_comma_among_points_is_a_slip() {
    let weight =
        |n: usize| if n == 7 { "\"61,5\"".to_owned() } else { format!("{}.{:03}", 50 + n % 30, n * 37 % 1000) };
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, weight(n)));
    holds(&spec, &["y = { type = \"number\", invalid = \"null\" }"]);
}

#[test]
fn commas_among_points_are_told_and_the_column_stays_one_of_numbers() {
    let weight = |n: usize| {
        if n.is_multiple_of(10) { format!("\"{n},5\"") } else { format!("{n}.{}", n % 7) }
    };
    let (_, spec) = trains("x,y", |n| format!("{},{}", weight(n), n % 29));
    holds(
        &spec,
        &[
            "# 10 of 100 cells are of another type than number: `0,5`, `10,5`, `20,5` and 7 others\n",
            "# 10 cells with a comma: written with a point before the fraction, as the others, they are read\n",
            "x = { type = \"number\", invalid = \"null\" }",
        ],
    );
}

#[test]
fn numbers_with_signs_that_nothing_reads_are_no_free_text() {
    let row = |n: usize| format!("\"₹{},{:02},{:03}\",{}.5M,{}‰,{}", n % 9 + 1, n, n * 7, n, n, n % 29);
    let (spec, _) = trains_file("s.csv", rows("rupees,sales,share,y", 100, row));
    holds(
        &spec,
        &[
            "# numbers with signs, by which they are texts: rupees, share\n",
            "# `rupees` is text as it stands, since no program reads as numbers: `₹1,",
        ],
    );
    assert!(!spec.contains("free text"), "{spec}");
}

#[test]
fn numbers_far_from_all_others_are_asked_about() {
    let far = |n: usize, mark: &'static str| if n % 25 == 3 { mark.to_owned() } else { (n * 7 % 61).to_string() };
    let row = |n: usize| format!("{},{},{},{}.5,{}", far(n, "-999"), far(n, "9999"), far(n, "-1"), far(n, "0"), n % 29);
    let (_, spec) = trains("low,high,near,part,y", row);
    let told = |column, number| {
        format!(
            "# `{column}`: {number} in 4.0 % of the rows, far from all others: if it means that nothing is known, add \"{number}\" to `missing`\n"
        )
    };
    holds(&spec, &[&told("low", "-999"), &told("high", "9999")]);
    assert!(!spec.contains("`near`") && !spec.contains("`part`"), "{spec}");
}

#[test]
fn integers_that_no_float_holds_are_told() {
    let (_, checked) =
        trains_file("i.csv", rows("big,y", 100, |n| format!("{},{}", 9_007_199_254_740_993 + n % 9, n % 5)));
    holds(&checked, &["`big` has integers beyond 2^53"]);
    let (_, checked) =
        trains_file("i.csv", rows("big,y", 100, |n| format!("{},{}", 18_446_744_073_709_551_616 + n as u128, n % 5)));
    holds(&checked, &["`big` has integers beyond 2^53"]);
}

#[test]
fn classes_below_and_above_a_limit_are_no_numbers_that_nothing_reads() {
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, [">50K", "<=50K", "<=50K"][n % 3]));
    holds(&spec, &["task = \"binary\"", "positive = \">50K\""]);
    assert!(!spec.contains("is text as it stands"), "{spec}");
}

#[test]
fn numbers_beyond_a_limit_become_null_in_a_column_of_numbers() {
    let flagged = |n: usize| if n.is_multiple_of(9) { format!("<{}.5", n / 50) } else { format!("{n}.25") };
    let (_, spec) = trains("dose,y", |n| format!("{},{}", flagged(n), n % 29));
    holds(
        &spec,
        &["dose = { type = \"number\", invalid = \"null\" }", "12 of 100 cells are of another type than number"],
    );
    let (_, spec) = trains("rooms,y", |n| format!("{},{}", ["1", "2", "3+"][n % 3], n % 29));
    assert!(!spec.contains("rooms ="), "a few numbers and a last one are classes:\n{spec}");
}

#[test]
fn one_limit_may_be_that_of_half_the_numbers_and_a_target_beyond_it_is_told() {
    let (_, spec) = trains("dose,y", |n| {
        let dose = if n % 2 == 0 { "<0.5".to_owned() } else { format!("{n}.25") };
        format!("{dose},{}", n % 29)
    });
    holds(&spec, &["dose = { type = \"number\", invalid = \"null\" }"]);
    let (_, spec) = trains("x,y", |n| {
        let dose = if n.is_multiple_of(5) { "<0.5".to_owned() } else { format!("{n}.25") };
        format!("{},{dose}", n % 29)
    });
    holds(&spec, &["y = {", "# their rows are left out, and the model learns of no such values"]);
}

#[test]
fn a_few_words_among_numbers_are_slips() {
    let cell = |n: usize| match n {
        7 => "tbc".to_owned(),
        11 => "see note".to_owned(),
        n => (n * 7 % 61).to_string(),
    };
    let (_, spec) = trains("x,y", |n| format!("{},{}", cell(n), n % 29));
    holds(&spec, &["x = { type = \"integer\", invalid = \"null\" }", "`see note`, `tbc`"]);
    let (_, spec) =
        trains("x,z,y", |n| format!("{},{n}.5,{}", if n % 50 == 7 { "136A".to_owned() } else { cell(n + 20) }, n % 29));
    assert!(!spec.contains("x = {"), "what has a digit may be a code:\n{spec}");
}

#[test]
fn a_word_among_money_becomes_null() {
    let fee = |n: usize| if n.is_multiple_of(5) { "PrivacySuppressed".to_owned() } else { format!("\"$1,{n:03}.00\"") };
    let (_, spec) = trains("fee,y", |n| format!("{},{}", fee(n), n % 29));
    holds(
        &spec,
        &[
            "fee = { type = \"number\", format = \"$1,234.56\", invalid = \"null\" }",
            "20 of 100 cells are of another type than number: `PrivacySuppressed` × 20",
        ],
    );
}
