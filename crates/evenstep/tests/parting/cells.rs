//! Cells that are read or written elsewise.

use serde_json::json;

use crate::common::{causes, replaced};
use crate::{SMALL, salted, small, train_in, write_small};

#[test]
fn an_id_breaks_no_line() {
    let project = salted();
    let mut rows = small();
    rows[3][0] = "\"k\n5\"".to_owned();
    train_in(&project, "a", SMALL, &rows);
    rows[3][3] = "77".to_owned();
    train_in(&project, "b", SMALL, &rows);
    let said = project.run(&["diff", "a/p.toml", "b/p.toml"]).out;
    assert!(said.contains("id \"k\\n5\"  x: 3 → 77") && said.contains("1 row changed (id \"k\\n5\")"), "{said}");
}

#[test]
fn a_cell_that_makes_a_column_a_text_is_the_one_that_changed() {
    let project = salted();
    let spec = replaced(SMALL, "x = { type = \"number\" }\n", "");
    let rows: Vec<[String; 5]> = (0..300)
        .map(|n| [n.to_string(), "ab".into(), "cd".into(), (n % 17).to_string(), (n * 7 % 31).to_string()])
        .collect();
    train_in(&project, "a", &spec, &rows);
    let mut slip = rows;
    slip[40][3] = "6 ft".to_owned();
    train_in(&project, "b", &spec, &slip);
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    let first = &told["first"]["rows"];
    assert_eq!((first.as_array().map(Vec::len), &first[0]["b"]["x"]), (Some(1), &"6 ft".into()), "{told:#}");
    let causes = told["causes"].to_string();
    assert!(
        causes.contains("in column `x`, read as integer in A and as category in B: 1 row changed (id 40)"),
        "{causes}"
    );
    assert!(!causes.contains("out_of_range"), "{causes}");
}

#[test]
fn a_cell_that_changes_how_all_others_are_read_is_the_one_that_changed() {
    let project = salted();
    let spec = replaced(SMALL, "x = { type = \"number\" }\n", "");
    let row = |n: usize| {
        let day = format!("2024-01-{:02}", 1 + n % 28);
        [n.to_string(), "ab".into(), day, (9_007_199_254_740_993 + n * 7).to_string(), (n * 7 % 31).to_string()]
    };
    let rows: Vec<[String; 5]> = (0..80).map(row).collect();
    let spec = replaced(&spec, "[model]", "[[step]]\nuse = \"drop_columns\"\ncolumns = [\"v\"]\n[model]");
    train_in(&project, "a", &spec, &rows);
    let changes = [
        (2, "2024-01-13T01:00:00", "read as date in A and as datetime in B: 1 row changed (id 40)"),
        (3, "99999999999999999999999", "read as integer in A and as number in B: 1 row changed (id 40)"),
        (0, "k1", "read as integer in A and as text in B: 1 row in A only (id 40), 1 row in B only (id k1)"),
    ];
    let check = |changed: &[[String; 5]], expected: &str| {
        train_in(&project, "b", &spec, changed);
        let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
        let data = told["causes"].as_array().into_iter().flatten().find(|cause| cause["kind"] == "data");
        let text = data.and_then(|cause| cause["text"].as_str()).unwrap_or_default();
        assert!(text.ends_with(expected), "{told:#}");
    };
    for (column, cell, expected) in changes {
        let mut changed = rows.clone();
        cell.clone_into(&mut changed[40][column]);
        check(&changed, &format!("{expected}, others are only read elsewise"));
    }
    let mut all = rows.clone();
    all.iter_mut().for_each(|row| row[3] = format!("{}.5", row[0]));
    check(&all, "read as integer in A and as number in B: 80 rows changed (id 0, 1, 2, 3, 4, …)");
}

#[test]
fn a_cell_that_makes_a_label_be_of_another_type_is_shown() {
    let project = salted();
    let spec = replaced(SMALL, "target = \"y\"", "target = \"y\"\nweight = \"v\"");
    let mut rows = small();
    rows.iter_mut().for_each(|row| row[2] = "2".to_owned());
    train_in(&project, "a", &spec, &rows);
    let check = |column: usize, cell: &str, shown: [&str; 2]| {
        let mut rows = rows.clone();
        rows[9][column] = cell.to_owned();
        train_in(&project, "b", &spec, &rows);
        for (runs, shown) in [["a/p.toml", "b/p.toml"], ["b/p.toml", "a/p.toml"]].into_iter().zip(shown) {
            let said = project.run(&["diff", runs[0], runs[1]]).out;
            assert!(
                said.contains(shown)
                    && said.contains(
                        ": 1 row changed (id 2024-10-10 9)
"
                    ),
                "{said}"
            );
            assert!(!said.contains("can't be looked at") && !said.contains("read elsewise"), "{said}");
        }
    };
    check(4, "123.5", ["y: 1 → 123.5", "y: 123.5 → 1"]);
    check(2, "2.5", ["v: 2 → 2.5", "v: 2.5 → 2"]);
}

#[test]
fn a_zone_that_only_the_cells_say_is_laid_to_the_data() {
    let project = salted();
    let times = |zone: &str| {
        let mut rows = small();
        rows.iter_mut()
            .enumerate()
            .for_each(|(n, row)| row[2] = format!("2024-03-{:02}T10:{:02}:00{zone}", 1 + n % 28, n % 60));
        rows
    };
    let spec = replaced(SMALL, "[model]", "[[step]]\nuse = \"drop_columns\"\ncolumns = [\"v\"]\n[model]");
    train_in(&project, "a", &spec, &times(""));
    let check = |spec: &str, expected: &[(&str, bool)]| {
        train_in(&project, "b", spec, &times("Z"));
        let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
        assert_eq!(causes(&told), expected, "{told:#}");
        told
    };
    let told = check(&spec, &[("contract", true), ("data", false)]);
    let data = "the data differ in column `v`: its times have a zone in B only";
    assert_eq!((&told["first"]["column"], &told["causes"][1]["text"]), (&"v".into(), &data.into()), "{told:#}");
    let declared = replaced(&spec, "[contract]\n", "[contract]\nv = { type = \"datetime\", zone = \"UTC\" }\n");
    check(&declared, &[("contract", false)]);
}

/// By another type every row is another; whose cell made it so, only the data tell, wherever the diff is asked for.
#[test]
fn without_the_data_no_row_is_told_for_the_type_of_its_column() {
    let project = salted();
    let globbed = replaced(SMALL, "t.csv", "t*.csv").replace("x = { type = \"number\" }\n", "");
    let mut rows = small();
    train_in(&project, "a", &globbed, &rows);
    rows[7][3] = "1x7".to_owned();
    train_in(&project, "b", &globbed, &rows);
    let diff = |args: &[&str]| project.run(&[&["diff", "a/p.toml", "b/p.toml", "--json"], args].concat()).json();
    let told = diff(&[]);
    assert_eq!(told["first"]["rows"].as_array().map(Vec::len), Some(1), "{told:#}");
    assert_eq!(told["first"]["rows"][0]["b"]["x"], "1x7", "{told:#}");
    let told = diff(&["--no-data"]);
    assert_eq!((&told["first"]["column"], &told["first"]["rows"]), (&json!("x"), &json!([])), "{told:#}");
    assert!(!told.to_string().contains("rows changed"), "{told:#}");
}

/// Both locks name one file, which is no longer what either read.
#[test]
fn data_that_were_edited_in_place_are_not_taken_for_the_same() {
    let project = salted();
    let spec = SMALL.replace("x = { type = \"number\" }\n", "");
    let mut rows = small();
    for (folder, cell) in [("a", "17"), ("b", "1x7")] {
        rows[7][3] = cell.to_owned();
        write_small(&project, "t.csv", &rows);
        project.write("p.toml", &spec);
        std::fs::create_dir_all(project.path(folder)).expect("the folder is ours");
        project.run(&["train", "p.toml", "--output", &format!("{folder}/p.evenstep"), "--quiet"]).ok();
    }
    let told = project.run(&["diff", "a/p.lock", "b/p.lock"]).out;
    assert!(
        told.contains("the data of A can't be looked at") && told.contains("the data differ in column `x`"),
        "{told}"
    );
    assert!(!told.contains("the same files"), "{told}");
}
