//! Columns that changed, came, went, or changed places.

use serde_json::Value;

use crate::common::{causes, replaced};
use crate::{SMALL, salted, small, train_in};

#[test]
fn a_step_that_wrote_another_column_is_not_the_same() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    train_in(&project, "b", &replaced(SMALL, "[\"u\"]", "[\"v\"]"), &small());
    for name in ["a", "b"] {
        std::fs::create_dir(project.path(&format!("{name}_alone"))).expect("the folder is ours");
        std::fs::rename(project.path(&format!("{name}/p.trace")), project.path(&format!("{name}_alone/p.trace")))
            .expect("moved");
    }
    let told = project.run(&["diff", "a_alone", "b_alone", "--json"]).json();
    let first = &told["first"];
    assert_eq!(
        (first["stage"].as_str(), first["column"].as_str()),
        (Some("step 1 target_encode"), Some("u")),
        "{told:#}"
    );
}

#[test]
fn a_role_or_a_column_more_is_not_a_difference_of_the_data() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    let check = |folder: &str, spec: &str, column: &str| {
        train_in(&project, folder, spec, &small());
        let told = project.run(&["diff", "a/p.toml", &format!("{folder}/p.toml"), "--json"]).json();
        assert_eq!((&told["first"]["stage"], &told["first"]["column"]), (&"input".into(), &column.into()), "{told:#}");
        assert!(causes(&told).iter().all(|(kind, _)| *kind != "data"), "{told:#}");
        told
    };
    check("weight", &replaced(SMALL, "target = \"y\"", "target = \"y\"\nweight = \"x\""), "x");
    let head = |name: &str, columns: &str| {
        replaced(SMALL, "[[step]]", &format!("[[step]]\nuse = \"{name}\"\ncolumns = {columns}\n[[step]]"))
    };
    // What chooses columns before rows are read is in no lock, and yet the cause.
    let told = check("drop", &head("drop_columns", "[\"v\"]"), "v");
    assert_eq!(causes(&told)[..2], [("step_added", false), ("column", false)], "{told:#}");
    assert_eq!(told["causes"][0]["text"], "step 1 drop_columns is in B only: {\"columns\":[\"v\"]}");
    let between = |folder: &str, spec: &str| {
        train_in(&project, folder, spec, &small());
        project.run(&["diff", "drop/p.toml", &format!("{folder}/p.toml")]).out
    };
    let said = between("more", &head("drop_columns", "[\"v\", \"x\"]"));
    let expected =
        "why\n  step 1 drop_columns: `columns` is [\"v\"] in A and [\"v\",\"x\"] in B\n  column `x` is read in A only";
    assert!(said.contains(expected), "{said}");
    // The same columns by another step make the same artifact.
    let said = between("select", &head("select_columns", "[\"u\", \"x\"]"));
    let expected = "they part at settings\n\nwhy\n  step 1 drop_columns is in A only: {\"columns\":[\"v\"]}\n  step 1 select_columns is in B only";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn a_column_whose_cells_differ_is_named_before_one_that_a_cause_is_about() {
    let project = salted();
    let bounded = |max: u32| replaced(SMALL, "\"number\"", &format!("\"number\", max = {max}"));
    train_in(&project, "a", &bounded(100), &small());
    let mut rows = small();
    rows[17][1] = "gh".to_owned();
    train_in(&project, "b", &bounded(99), &rows);
    let first = |folders: [&str; 2], more: &[&str]| {
        let [a, b] = folders.map(|folder| format!("{folder}/p.toml"));
        let told = project.run(&[&["diff", &a, &b, "--json"], more].concat()).json();
        (told["first"]["stage"].as_str().unwrap_or_default().to_owned(), told["first"]["column"].clone())
    };
    assert_eq!(first(["a", "b"], &["--no-data"]), ("input".to_owned(), "u".into()));
    rows.iter_mut().for_each(|row| row[2] = format!("{}.5", row[4]));
    rows[9][3].clear();
    let imputed = |name: &str| SMALL.replace("target_encode", name).replace("[\"u\"]", "[\"v\", \"x\"]");
    train_in(&project, "mean", &imputed("impute_mean"), &rows);
    train_in(&project, "median", &imputed("impute_median"), &rows);
    assert_eq!(first(["mean", "median"], &[]), ("step 1 impute_mean".to_owned(), "x".into()));
    // Of another version it isn't known where it matters.
    std::fs::create_dir(project.path("alone")).expect("the folder is ours");
    let lock = replaced(
        &project.read("mean/p.lock"),
        "use = \"impute_mean\"\nversion = 1",
        "use = \"impute_mean\"\nversion = 2",
    );
    let digest = lock.lines().find(|line| line.starts_with("digest = ")).expect("it is there").to_owned();
    project.write("alone/p.lock", replaced(&lock, &digest, &digest.replace(['1', '2', '3'], "0")));
    let told = project.run(&["diff", "mean/p.lock", "alone/p.lock", "--json"]).json();
    assert_eq!((causes(&told)[0], &told["first"]["column"]), (("step_code", false), &Value::Null), "{told:#}");
}

/// Sketches of other columns have nothing in common, but the data do.
#[test]
fn a_column_more_hides_no_row_that_changed() {
    let project = salted();
    let rows = small();
    train_in(&project, "a", SMALL, &rows);
    train_in(&project, "b", SMALL, &rows);
    let table = |rows: &[[String; 5]]| {
        let lines = rows.iter().enumerate().map(|(n, row)| format!("{},{}\n", row.join(","), n % 5));
        "id,u,v,x,y,more\n".to_owned() + &lines.collect::<String>()
    };
    let train = |rows: &[[String; 5]]| {
        project.write("b/t.csv", table(rows));
        project.run(&["train", "b/p.toml", "--quiet"]).ok();
    };
    let diff = |more: &[&str]| project.run(&[&["diff", "a/p.toml", "b/p.toml"], more].concat()).out;
    let mut changed = rows.clone();
    changed[9][3] = "99".to_owned();
    train(&changed);
    let said = diff(&[]);
    assert!(said.contains("    changed   id 2024-10-10 9  x: 9 → 99\n"), "{said}");
    assert!(said.contains("  the data differ in column `x`: 1 row changed (id 2024-10-10 9)\n"), "{said}");
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    assert_eq!(causes(&told)[..2], [("column", false), ("data", false)], "{told:#}");
    assert_eq!(told["first"]["rows"].as_array().map(Vec::len), Some(1), "{told:#}");
    assert!(diff(&["--no-data"]).contains("the data differ in column `x`, in 1 of "), "{}", diff(&["--no-data"]));
    changed.remove(70);
    train(&changed);
    let said = diff(&[]);
    assert!(
        said.contains("removed   id 2024-11-15 70 ") && said.contains("changed   id 2024-10-10 9  x: 9 → 99"),
        "{said}"
    );
    assert!(said.contains("; changed is `x` in 1 row"), "{said}");
    // Data that are others by now name nothing, and that is said.
    project.write("b/t.csv", table(&rows));
    let said = diff(&[]);
    assert!(said.contains("the data of B can't be looked at: they are no longer what was traced"), "{said}");
    assert_eq!(said.matches("can't be looked at").count(), 1, "{said}");
    assert!(!said.contains("removed ") && !said.contains("changed "), "{said}");
}

#[test]
fn buckets_are_of_all_columns_that_differ() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    let mut rows = small();
    rows[3][1] = "zz".to_owned();
    rows.iter_mut().for_each(|row| row[3] += "1");
    train_in(&project, "b", SMALL, &rows);
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    let input = &told["stages"][0];
    assert_eq!((&input["columns"][0], &input["columns"][1]), (&"u".into(), &"x".into()), "{told:#}");
    assert!(input["buckets"][0].as_u64() > Some(8), "all rows differ in `x`: {input:#}");
}

#[test]
fn columns_whose_values_went_round_are_named() {
    let project = salted();
    let categories = "u = { type = \"category\" }\nv = { type = \"category\" }\nx = { type = \"category\" }\n";
    let spec = replaced(SMALL, "x = { type = \"number\" }\n", categories);
    let spec = replaced(&spec, "[[step]]\nuse = \"target_encode\"\ncolumns = [\"u\"]\n", "");
    train_in(&project, "a", &spec, &small());
    let mut rows = small();
    rows.iter_mut().for_each(|row| row[1..4].rotate_left(1));
    train_in(&project, "b", &spec, &rows);
    let said = project.run(&["diff", "a/p.toml", "b/p.toml"]).out;
    let expected = "\nwhy\n  likely: `u` of A is `x` of B, `x` is `v`, `v` is `u`: their values were exchanged\n";
    assert!(said.contains(expected), "{said}");
    // What changed besides is told of its own column.
    let mut rows = small();
    rows.iter_mut().for_each(|row| row.swap(1, 2));
    rows[7][3] = "other".to_owned();
    train_in(&project, "b", &spec, &rows);
    let said = project.run(&["diff", "a/p.toml", "b/p.toml"]).out;
    assert!(said.contains("`u` of A is `v` of B, and the reverse: their values were exchanged"), "{said}");
    assert!(said.contains("the data differ in column `x`: 1 row changed (id 2024-08-08 7)\n"), "{said}");
}

/// Two columns that differ in every row, of so many rows that every bucket has some.
#[test]
fn columns_that_were_exchanged_in_every_bucket_are_a_fact() {
    let project = salted();
    let spec = replaced(SMALL, "[[step]]\nuse = \"target_encode\"\ncolumns = [\"u\"]\n", "");
    let row =
        |n: usize| [n.to_string(), (3 * n).to_string(), (7 * n + 5).to_string(), "1".to_owned(), (n % 9).to_string()];
    let mut rows: Vec<[String; 5]> = (0..4_000).map(row).collect();
    train_in(&project, "a", &spec, &rows);
    rows.iter_mut().for_each(|row| row.swap(1, 2));
    train_in(&project, "b", &spec, &rows);
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    assert!(causes(&told).contains(&("exchanged", false)), "{told:#}");
    // A cell that changed besides hides it no more than it does a new name.
    rows[17][1] = "8".to_owned();
    train_in(&project, "b", &spec, &rows);
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    assert_eq!(causes(&told)[..2], [("exchanged", true), ("data", true)], "{told:#}");
    let text =
        "`u` of A is `v` of B, and the reverse, but in some rows: their values were exchanged, and cells changed";
    assert_eq!(told["causes"][0]["text"], text);
    let row = &told["first"]["rows"][0];
    assert_eq!((told["first"]["rows"].as_array().map(Vec::len), &row["id"]), (Some(1), &"17".into()), "{told:#}");
    assert_eq!((&row["a"]["v"], &row["b"]["v"]), (&"124".into(), &"8".into()), "{told:#}");
}

#[test]
fn two_columns_that_one_took_in_are_no_circle() {
    let project = salted();
    let spec = replaced(SMALL, "[[step]]\nuse = \"target_encode\"\ncolumns = [\"u\"]\n", "");
    let spec = replaced(&spec, "x = {", "u = { type = \"number\" }\nv = { type = \"number\" }\nx = {");
    // Of u and v few rows are more than 0, each in others: most buckets of either are those of their sum.
    let row = |n: usize| {
        let few = |from: usize| if n % 16 == from { n + 1 } else { 0 };
        [n, few(0), few(8), 7 * n + 5, n % 9].map(|n| n.to_string())
    };
    let mut rows: Vec<[String; 5]> = (0..2_000).map(row).collect();
    train_in(&project, "a", &spec, &rows);
    for (n, row) in rows.iter_mut().enumerate() {
        let sum = if row[1] == "0" { row[2].clone() } else { row[1].clone() };
        let [_, u, v, x, _] = row;
        (*v, *x, *u) = (x.clone(), sum, (3 * n + 1).to_string());
    }
    train_in(&project, "b", &spec, &rows);
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    assert!(causes(&told).iter().all(|(cause, _)| *cause != "exchanged"), "{told:#}");
    assert_eq!(told["stages"][0]["columns"], serde_json::json!(["u", "v", "x"]), "{told:#}");
}

#[test]
fn cells_that_changed_places_in_a_row_are_not_exchanged_columns() {
    let project = salted();
    let spec = replaced(SMALL, "[[step]]\nuse = \"target_encode\"\ncolumns = [\"u\"]\n", "");
    let check = |u: fn(usize) -> String, v: fn(usize) -> String, swapped: &[usize]| {
        let mut rows = small();
        rows.iter_mut().enumerate().for_each(|(n, row)| (row[1], row[2]) = (u(n), v(n)));
        train_in(&project, "a", &spec, &rows);
        swapped.iter().for_each(|row| rows[*row].swap(1, 2));
        train_in(&project, "b", &spec, &rows);
        let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
        assert_eq!(causes(&told)[..2], [("exchanged", true), ("data", false)], "{told:#}");
        let rows = told["first"]["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert_eq!(rows.len(), swapped.len(), "{told:#}");
        assert_eq!(rows[0]["a"]["u"], rows[0]["b"]["v"], "{told:#}");
    };
    check(|n| n.to_string(), |n| (n + usize::from(n == 9)).to_string(), &[9]);
    // Flags that were both recoded look so, too.
    check(|n| (n % 3 == 0).to_string(), |n| (n % 3 != 0).to_string(), &(0..80).collect::<Vec<_>>());
}

#[test]
fn flags_that_are_seldom_set_are_not_one_column_for_that() {
    let project = salted();
    let spec = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"t.csv\"\ntarget = \"y\"\nid = \"id\"\n[model]\nuse = \"ridge\"\n";
    for (folder, flag, set) in [("a", "manual_review", [3, 9]), ("b", "is_vip", [4, 77])] {
        let row = |n: usize| format!("{n},{},{},{}\n", n % 17, set.contains(&n), n * 7 % 31);
        std::fs::create_dir_all(project.path(folder)).expect("the folder is ours");
        project.write(&format!("{folder}/t.csv"), format!("id,x,{flag},y\n") + &(0..500).map(row).collect::<String>());
        project.write(&format!("{folder}/p.toml"), spec);
        project.run(&["train", &format!("{folder}/p.toml"), "--quiet"]).ok();
    }
    let said = project.run(&["diff", "a/p.toml", "b/p.toml"]).out;
    assert!(said.contains("column `is_vip` is read in B only") && !said.contains("renamed"), "{said}");
}
