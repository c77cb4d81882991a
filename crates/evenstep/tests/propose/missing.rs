//! Marks of missing values, and words that may be one.

use crate::common::Project;
use crate::{holds, rows, trains, trains_file};

#[test]
fn columns_that_some_rows_of_json_lines_lack_are_told() {
    let line = |n: u32| {
        let town = if n.is_multiple_of(3) { String::new() } else { format!(r#", "town": "t{}""#, n % 5) };
        format!("{{\"x\": {}{town}, \"y\": {}}}\n", n % 7, n % 5)
    };
    let text: String = (0..90).map(line).collect();
    let (spec, _) = trains_file("d.jsonl", &text);
    assert!(spec.contains("# some rows lack `town`:"), "{spec}");
    let proposed = r#"town = { type = "category", absent = "null" }"#;
    assert!(spec.contains(proposed), "{spec}");
    let project = Project::new();
    project.write("d.jsonl", &text);
    project.write("one.jsonl", text.lines().next().expect("a line"));
    let score = ["score", "d.evenstep", "--input", "one.jsonl", "--output", "o.csv", "--quiet"];
    for taken in [false, true] {
        let contract = if taken { format!("[contract]\n{proposed}") } else { String::new() };
        project.write("d.toml", format!("{spec}\n{contract}\n"));
        project.run(&["train", "d.toml", "--quiet", "--output", "d.evenstep"]).ok();
        assert_eq!(project.run(&score).code, if taken { 0 } else { 2 });
    }
}

#[test]
fn a_column_that_some_rows_lack_and_the_contract_has_is_told_by_its_line() {
    let line = |n: u32| {
        let day = if n.is_multiple_of(3) { String::new() } else { format!(r#", "w": "{:02}.03.2024""#, 13 + n % 15) };
        format!("{{\"x\": {}{day}, \"y\": {}}}\n", n % 7, n % 5)
    };
    let (spec, _) = trains_file("d.jsonl", (0..90).map(line).collect::<String>());
    let proposed = r#"`w = { type = "date", format = "%d.%m.%Y", absent = "null" }`, instead of its line below"#;
    assert!(spec.contains(proposed), "{spec}");
}

#[test]
fn marks_of_missing_values_are_proposed_as_such() {
    for mark in [
        ".", "-", "--", "None", "missing", "unknown", "n.a.", "*", "#DIV/0!", "#VALUE!", "\\N", "ND", "(blank)", "  ",
        "k.A.",
    ] {
        let row =
            |n: usize| format!("{},{},{}", if n % 20 == 3 { mark.to_owned() } else { format!("{n}.5") }, n % 9, n % 5);
        let (spec, _) = trains_file("m.csv", rows("x,z,y", 400, row));
        let token = toml::Value::from(mark).to_string();
        holds(&spec, &[&format!("missing = [\"\", {token}]")]);
        assert!(!spec.contains("drop_columns"), "{mark}: {spec}");
    }
}

#[test]
fn a_mark_that_is_a_value_elsewhere_becomes_null_in_its_column_alone() {
    let row = |n: usize| {
        let x = if n % 20 == 3 { "None".to_owned() } else { format!("{n}.5") };
        format!(
            "{x},{},{},{}",
            ["None", "Gravel"][n % 2],
            if n % 10 == 1 { "low".into() } else { n.to_string() },
            n % 5
        )
    };
    let (spec, _) = trains_file("m.csv", rows("x,alley,level,y", 400, row));
    holds(
        &spec,
        &[
            "missing = [\"\"]",
            "# 20 of 400 cells are of another type than number: `None` × 20\nx = { type = \"number\", invalid = \"null\" }",
            "# 40 of 400 cells are of another type than integer: `low` × 40\nlevel = { type = \"integer\", invalid = \"null\" }",
        ],
    );
}

#[test]
fn a_word_that_says_that_nothing_is_known_may_stand_in_most_cells() {
    let (_, spec) = trains("x,z,y", |n| {
        let (known, none) = (format!("{}.5", n * 7 % 90), "unknown".to_owned());
        format!("{},{},{n}", if n % 3 == 0 { &known } else { &none }, if n % 2 == 0 { "none" } else { &known })
    });
    holds(&spec, &["missing = [\"\", \"unknown\"]"]);
    assert!(!spec.contains("\"none\""), "it may be a value: {spec}");
}

#[test]
fn a_mark_that_may_be_a_code_is_told() {
    let (_, text) = trains("x,land,y", |n| format!("{n},{},{}", ["NA", "DE", "ZA", "FR"][n % 4], n * 7 % 31));
    let told = "# `NA` counts as missing, and the values of `land` are codes of two letters: if it is one, take it out of `missing`";
    holds(&text, &[told]);
}
