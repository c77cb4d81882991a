//! Two small runs and one difference: what `diff` says of it, and what it doesn't.

mod common;

use common::{Project, causes, members, replaced};
use serde_json::{Value, json};

#[test]
fn what_lies_beside_a_lock_and_is_not_of_it_is_told() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    train_in(&project, "b", SMALL, &small());
    let differs = |kind: &str, words: &[&str]| {
        let said = project.run(&["diff", "a/p.toml", "b/p.toml"]);
        let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
        assert_eq!((said.code, causes(&told)), (1, vec![(kind, false)]), "{told:#}");
        assert!(words.iter().all(|word| said.out.contains(word)), "{}", said.out);
    };
    // The spec was changed, and not trained again.
    project.write("b/p.toml", replaced(SMALL, "\"dummy\"", "\"ridge\""));
    differs("spec", &["the spec of B is not what its lock was made by", "dummy", "ridge"]);
    project.write("a/p.toml", replaced(SMALL, "\"dummy\"", "\"ridge\""));
    assert_eq!(project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).ok().json()["equal"], true);
    project.write("a/p.toml", SMALL);
    project.write("b/p.toml", SMALL);
    for file in ["b/p.evenstep", "b/p.trace"] {
        let bytes = std::fs::read(project.path(file)).expect("it is there");
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        project.write(file, flipped);
        differs("damaged", &[file, "beside B can't be read"]);
        project.write(file, bytes);
    }
    train_in(&project, "c", &replaced(SMALL, "seed = 1", "seed = 2"), &small());
    std::fs::copy(project.path("c/p.evenstep"), project.path("b/p.evenstep")).expect("copied");
    let said = project.run(&["diff", "a/p.toml", "b/p.toml"]).ok();
    assert!(said.out.contains("`b/p.evenstep` beside B is of another run"), "{}", said.out);
}

/// A small table of numbers with an id, of two categories, and a target.
fn write_small(project: &Project, name: &str, rows: &[[String; 5]]) {
    let lines = rows.iter().map(|row| row.join(",") + "\n").collect::<String>();
    project.write(name, "id,u,v,x,y\n".to_owned() + &lines);
}

/// Scores rows by `a/p.evenstep`, with a trace.
fn score_small(project: &Project, data: &str, rows: &[[String; 5]], trace: &str) {
    write_small(project, data, rows);
    project.run(&["score", "a/p.evenstep", "--input", data, "-o", "o.csv", "--trace", trace, "--quiet"]).ok();
}

fn small() -> Vec<[String; 5]> {
    let row = |n: usize| {
        let word = |from: usize| ["ab", "cd", "ef"][from % 3].to_owned();
        let day = format!("2024-{:02}-{:02}", 1 + n % 12, 1 + n % 28);
        [format!("{day} {n}"), word(n / 2), word(n * n / 5), (n % 17).to_string(), (n * 7 % 31).to_string()]
    };
    (0..80).map(row).collect()
}

const SMALL: &str = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"t.csv\"\ntarget = \"y\"\nid = \"id\"\ntask = \"regression\"\n[contract]\nx = { type = \"number\" }\n[[step]]\nuse = \"target_encode\"\ncolumns = [\"u\"]\n[model]\nuse = \"dummy\"\n";

/// Trains the spec in a folder of its own, on the table.
fn train_in(project: &Project, folder: &str, spec: &str, rows: &[[String; 5]]) {
    std::fs::create_dir_all(project.path(folder)).expect("the folder is ours");
    write_small(project, &format!("{folder}/t.csv"), rows);
    project.write(&format!("{folder}/p.toml"), spec);
    project.run(&["train", &format!("{folder}/p.toml"), "--quiet"]).ok();
}

fn salted() -> Project {
    let project = Project::new();
    std::fs::create_dir_all(project.path(".evenstep")).expect("the folder is ours");
    project.write(".evenstep/salt", [7; 32]);
    project
}

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
fn rows_that_the_spec_sets_aside_are_not_a_fact_of_the_data() {
    let project = salted();
    let mut rows = small();
    rows[5][3] = "five".to_owned();
    let nulls = replaced(SMALL, "\"number\"", "\"number\", invalid = \"null\"");
    train_in(&project, "a", &nulls, &rows);
    let check = |folder: &str, spec: &str, cause: &str| {
        train_in(&project, folder, spec, &rows);
        let diff = |more: &[&str]| {
            let told =
                project.run(&[&["diff", "a/p.toml", &format!("{folder}/p.toml"), "--json"], more].concat()).json();
            assert_eq!(told["first"]["stage"], "input", "{told:#}");
            assert!(causes(&told).contains(&(cause, false)), "{told:#}");
            told
        };
        let told = diff(&["--no-data"]);
        assert!(causes(&told).contains(&("data", true)), "{told:#}");
        // Where the files are there to be compared, they are not blamed.
        let told = diff(&[]);
        let noted = told["notes"].to_string().contains("the data of both are the same files, read elsewise");
        assert!(noted && !causes(&told).iter().any(|(kind, _)| *kind == "data"), "{told:#}");
    };
    check("quarantine", &replaced(&nulls, "\"null\"", "\"quarantine\""), "contract");
    let told = project.run(&["diff", "a/p.toml", "quarantine/p.toml", "--json"]).json();
    assert!(told["notes"].to_string().contains("B set 1 row aside for breaking the contract"), "{told:#}");
    check("category", &replaced(SMALL, "\"number\"", "\"category\""), "contract");
    check("bound", &replaced(&nulls, "\"null\"", "\"null\", max = 9, out_of_range = \"clip\""), "contract");
    check("id", &replaced(&nulls, "id = \"id\"\n", ""), "role");
}

#[test]
fn rows_not_yet_known_are_not_a_fact_of_the_data() {
    let project = salted();
    let rows: Vec<[String; 5]> = small()
        .into_iter()
        .enumerate()
        .map(|(n, [id, _, v, x, y])| [n.to_string(), id.split(' ').next().unwrap_or_default().to_owned(), v, x, y])
        .collect();
    let spec = replaced(&replaced(SMALL, "[\"u\"]", "[\"v\"]"), "id = \"id\"\n", "id = \"id\"\ntime = \"u\"\n");
    train_in(&project, "a", &spec, &rows);
    train_in(&project, "b", &replaced(&spec, "time = \"u\"\n", "time = \"u\"\nas_of = 2024-07-01\n"), &rows);
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    assert_eq!(causes(&told)[..1], [("role", false)], "{told:#}");
    assert!(told["notes"].to_string().contains("the same files, read elsewise: "), "{told:#}");
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json", "--no-data"]).json();
    assert!(causes(&told).contains(&("data", true)) && causes(&told).contains(&("role", false)), "{told:#}");
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

#[test]
fn a_target_that_went_missing_is_told_from_a_row_that_did() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    let mut rows = small();
    (5..8).for_each(|at| rows[at][4] = String::new());
    rows.remove(70);
    train_in(&project, "b", SMALL, &rows);
    let text = |runs: [&str; 2], more: &[&str]| {
        let told = project.run(&[&["diff", runs[0], runs[1], "--json"], more].concat()).json();
        let first = told["causes"][0].clone();
        (first["text"].as_str().unwrap_or_default().to_owned(), first["likely"] == true)
    };
    let (said, likely) = text(["a/p.toml", "b/p.toml"], &[]);
    assert!(
        !likely && said.contains("1 row in A only (id ") && said.contains("3 rows without a target in B"),
        "{said}"
    );
    let (said, likely) = text(["b/p.toml", "a/p.toml"], &[]);
    assert!(!likely && said.contains("1 row in B only") && said.contains("3 rows without a target in A"), "{said}");
    let (said, likely) = text(["a/p.toml", "b/p.toml"], &["--no-data"]);
    assert!(likely && said.contains("4 rows in A only"), "{said}");
}

#[test]
fn a_row_that_was_known_only_later_is_told_from_one_that_is_gone() {
    let project = salted();
    let mut rows = small();
    rows.iter_mut().enumerate().for_each(|(n, row)| row[2] = format!("2024-01-{:02}", 1 + n % 28));
    let spec = replaced(SMALL, "id = \"id\"\n", "id = \"id\"\nrecorded = \"v\"\nas_of = 2024-06-30\n");
    train_in(&project, "a", &spec, &rows);
    rows[7][2] = "2024-07-01".to_owned();
    rows.remove(70);
    train_in(&project, "b", &spec, &rows);
    let text = |runs: [&str; 2], more: &[&str]| {
        let told = project.run(&[&["diff", runs[0], runs[1], "--json"], more].concat()).json();
        let cause = told["causes"][0].clone();
        (cause["text"].as_str().unwrap_or_default().to_owned(), cause["likely"] == true)
    };
    let (said, likely) = text(["a/p.toml", "b/p.toml"], &[]);
    let expected = "1 row in A only (id 2024-11-15 70), 1 row left out in B by its `as_of` (id 2024-08-08 7)";
    assert!(!likely && said.contains(expected), "{said}");
    let (said, likely) = text(["b/p.toml", "a/p.toml"], &[]);
    let expected = "1 row in B only (id 2024-11-15 70), 1 row left out in A by its `as_of` (id 2024-08-08 7)";
    assert!(!likely && said.contains(expected), "{said}");
    let (said, likely) = text(["a/p.toml", "b/p.toml"], &["--no-data"]);
    assert!(likely && said.contains("2 rows in A only"), "{said}");
    // Whoever scores has it, and nothing else.
    project.run(&["score", "b/p.evenstep", "--input", "b/t.csv", "-o", "s.csv", "--trace", "s.trace", "--quiet"]).ok();
    let said = project.run(&["diff", "b/p.toml", "s.trace"]).ok().out;
    assert!(
        said.contains("note: 1 row left out in A by its `as_of` (id 2024-08-08 7), so no part of the training"),
        "{said}"
    );
}

#[test]
fn a_row_without_a_target_is_no_difference_of_training_and_scoring() {
    let project = salted();
    let mut rows = small();
    rows[6][4].clear();
    train_in(&project, "a", SMALL, &rows);
    let score = ["score", "a/p.evenstep", "--input", "a/t.csv", "--output", "s.csv", "--trace", "s.trace", "--quiet"];
    project.run(&score).ok();
    let said = project.run(&["diff", "a/p.toml", "s.trace"]).ok().out;
    assert!(said.contains("note: 1 row without a target in A") && said.contains("no part of the training"), "{said}");
    let told = project.run(&["diff", "a/p.toml", "s.trace", "--no-data", "--json"]).json();
    assert_eq!(causes(&told), [("data", true)], "{told:#}");
    // Without its trace nothing of the rows is compared.
    std::fs::remove_file(project.path("a/p.trace")).expect("it was there");
    let said = project.run(&["diff", "a/p.toml", "s.trace"]).ok().out;
    assert!(said.contains("nothing that was compared differs"), "{said}");
    assert_eq!(project.run(&["diff", "a/p.toml", "s.trace", "--json"]).ok().json()["open"], true);
}

#[test]
fn a_row_less_hides_no_column_that_changed() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    let mut rows = small();
    rows[3][1] = "zz".to_owned();
    (3..8).for_each(|at| rows[at][3] += "1");
    rows.remove(70);
    train_in(&project, "b", SMALL, &rows);
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    let said = told["causes"][0]["text"].as_str().unwrap_or_default();
    assert!(said.ends_with("; changed is `x` in 5 rows, `u` in 1 row"), "{said}");
    assert_eq!(told["stages"][0]["columns"], serde_json::json!(["u", "x"]), "{told:#}");
    // Nor a target.
    let mut rows = small();
    rows[9][4] = "99".to_owned();
    rows.remove(70);
    train_in(&project, "b", SMALL, &rows);
    let said = project.run(&["diff", "a/p.toml", "b/p.toml"]).out;
    assert!(said.contains("changed   id 2024-10-10 9  y: 1 → 99\n"), "{said}");
    assert!(said.contains("1 row changed (id 2024-10-10 9), 1 row in A only (id 2024-11-15 70)"), "{said}");
    let learned = "step 1 target_encode learned something else, from the training rows that differ (id 2024-10-10 9), \
                   not from those held out (id 2024-11-15 70)";
    assert!(said.contains(learned), "{said}");
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
fn another_evaluation_is_a_difference() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    let lock = project.read("a/p.lock");
    project.write("other.lock", replaced(&lock, "held_out_rows = ", "held_out_rows = 9"));
    let said = project.run(&["diff", "a/p.lock", "other.lock", "--json"]);
    let told = said.json();
    assert_eq!((said.code, causes(&told)), (1, vec![("evaluation", false)]), "{told:#}");
    // Nor does a lock of the same digest say anything else.
    let step = "use = \"target_encode\"\nversion = ";
    project.write("edited.lock", replaced(&lock, step, &format!("{step}9")));
    let said = project.run(&["diff", "a/p.lock", "edited.lock"]);
    let expected = "the locks are of one digest, and differ: step 1 target_encode version is ";
    assert!(said.code == 1 && said.out.contains(expected), "{}", said.out);
    // What a field's absence costs is not in every lock.
    project.write("measured.lock", lock + "\n[[evaluation.absent]]\nfield = \"x\"\n");
    project.run(&["diff", "a/p.lock", "measured.lock"]).ok();
}

#[test]
fn a_bundle_is_compared_by_what_it_holds() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    std::fs::create_dir(project.path("alone")).expect("the folder is ours");
    let bytes = std::fs::read(project.path("a/p.evenstep")).expect("the bundle is there");
    let with_lock = |change: fn(&str) -> String| {
        let mut members = members(&bytes);
        let lock = change(std::str::from_utf8(&members["pipeline.lock"]).expect("UTF-8"));
        members.insert("pipeline.lock".to_owned(), lock.into_bytes());
        project.write("alone/p.evenstep", evenstep_bundle::seal(members).expect("it is small"));
        project.run(&["diff", "a/p.lock", "alone/p.evenstep", "--json"]).json()
    };
    assert_eq!(with_lock(str::to_owned)["equal"], true);
    // What a lock says that isn't the artifact's is compared with nothing; that it was changed is told.
    let told = with_lock(|lock| replaced(lock, "\"target_encode\"", "\"one_hot\""));
    assert_eq!((causes(&told), &told["first"]["stage"]), (vec![("members", false)], &"files".into()), "{told:#}");

    let mut changed = members(&bytes);
    changed.insert("report.html".to_owned(), b"<p>all is well".to_vec());
    changed.insert("more.sh".to_owned(), b"#!/bin/sh".to_vec());
    changed.insert("golden.json".to_owned(), b"[]".to_vec());
    project.write("alone/p.evenstep", evenstep_bundle::seal(changed).expect("it is small"));
    let said = project.run(&["diff", "a/p.evenstep", "alone/p.evenstep"]);
    let told = "the bundles are of one artifact, and differ in `golden.json`; `more.sh`, in B only; `report.html`";
    assert!(said.code == 1 && said.out.contains(told), "{}", said.out);
}

#[test]
fn other_fingerprints_of_the_same_rows_are_told() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    train_in(&project, "b", SMALL, &small());
    // Rows of equal commitments with another fingerprint: somebody wrote into the lock.
    let lock = project.read("b/p.lock");
    let at = lock.find("\"fp1:").expect("a fingerprint") + 5;
    let other = if lock.as_bytes()[at] == b'0' { "1" } else { "0" };
    project.write("b/p.lock", format!("{}{other}{}", &lock[..at], &lock[at + 1..]));
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    let causes = causes(&told);
    assert!(causes.contains(&("data", true)), "{told:#}");
    assert!(causes.iter().all(|(kind, _)| *kind != "model_code"), "{told:#}");
}

#[test]
fn a_personal_id_is_not_shown() {
    let project = salted();
    let spec = replaced(SMALL, "[contract]\n", "[contract]\nid = { type = \"text\", personal = true }\n");
    let mut rows = small();
    (rows[0][0], rows[1][0]) = ("Zoe".to_owned(), "Zachary of the far North".to_owned());
    train_in(&project, "a", &spec, &rows);
    (rows[0][3], rows[1][3]) = ("99".to_owned(), "98".to_owned());
    train_in(&project, "b", SMALL, &rows);
    for data in [&[][..], &["--no-data"]] {
        for form in [&["--json"][..], &["--html", "page.html"]] {
            let said = project.run(&[&["diff", "a/p.toml", "b/p.toml"], data, form].concat());
            let page = if form.len() > 1 { project.read("page.html") } else { String::new() };
            let all = said.out + &page;
            let hex = "Zoe".bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
            assert!(["Zoe", "Zachary", &hex].iter().all(|name| !all.contains(name)), "{all}");
            assert!(data.is_empty() == all.contains("t.csv row 1") && all.contains("2 rows changed"), "{all}");
        }
    }
}

#[test]
fn no_message_shows_what_tells_of_people() {
    let project = salted();
    let contract = "u = { type = \"category\", personal = true }\nx = { type = \"number\", personal = true }\n";
    let spec = replaced(SMALL, "x = { type = \"number\" }\n", contract).replace("target_encode", "one_hot");
    let steps = "[[step]]\nuse = \"expression\"\nnew = \"e\"\nformula = \"x + 1\"\n\
                 [[step]]\nuse = \"standard_scale\"\ncolumns = [\"e\", \"x\"]\n[model]";
    let spec = replaced(&spec, "[model]", steps);
    train_in(&project, "a", &spec, &small());
    let mut rows = small();
    rows[3..40].iter_mut().for_each(|row| (row[1], row[3]) = ("Eve".to_owned(), "77.5".to_owned()));
    train_in(
        &project,
        "b",
        &replaced(&spec, "personal = true }\nx", "personal = true, values = [\"ab\", \"Eve\", \"cd\", \"ef\"] }\nx"),
        &rows,
    );
    for form in [&[][..], &["--json"], &["--html", "page.html"]] {
        let mut said = project.run(&[&["diff", "a/p.toml", "b/p.toml"], form].concat()).out;
        if form.contains(&"--html") {
            said.push_str(&project.read("page.html"));
        }
        assert!(!said.contains("Eve") && !said.contains("u=ab") && !said.contains("77.5"), "{said}");
        assert!(!said.contains("centre"), "{said}");
        assert!(said.contains("hidden: `x` is personal") && said.contains("u=…"), "{said}");
    }
}

#[test]
fn nothing_that_was_learned_of_a_personal_target_is_shown() {
    let project = salted();
    let spec = replaced(SMALL, "[contract]\n", "[contract]\ny = { type = \"number\", personal = true }\n");
    train_in(&project, "a", &spec, &small());
    let mut rows = small();
    rows[3..40].iter_mut().for_each(|row| row[4] = "900".to_owned());
    train_in(&project, "b", &spec, &rows);
    for form in [&[][..], &["--json"]] {
        let said = project.run(&[&["diff", "a/p.toml", "b/p.toml"], form].concat()).out;
        assert!(said.contains("hidden: `y` is personal"), "{said}");
        assert!(!said.contains("prior") && !said.contains("900"), "{said}");
    }
}

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
fn a_spec_without_a_source_names_its_run() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    project.write("a/p.toml", replaced(SMALL, "source = \"t.csv\"\n", ""));
    project.run(&["diff", "a/p.toml", "a/p.trace"]).ok();
}

#[test]
fn a_spec_without_its_lock_is_the_run_of_its_bundle() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    train_in(&project, "b", &replaced(SMALL, "seed = 1", "seed = 2"), &small());
    std::fs::remove_file(project.path("b/p.lock")).expect("it was there");
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    assert!(causes(&told).contains(&("seed", false)), "{told:#}");
    assert!(!told["notes"].to_string().contains("no trace"), "{told:#}");
    std::fs::remove_file(project.path("b/p.evenstep")).expect("it was there");
    let said = project.run(&["diff", "a/p.toml", "b/p.toml"]);
    assert!(said.code == 2 && said.err.contains("`b/p.lock` can't be read"), "{}", said.err);
}

#[test]
fn more_rows_than_a_trace_can_name_are_told_by_the_data() {
    let project = salted();
    let row = |n: usize| {
        let word = |from: usize| ["ab", "cd", "ef"][from % 3].to_owned();
        // Some have no target: they are left out.
        let y = if n % 50 == 7 { String::new() } else { (n * 7 % 31).to_string() };
        [n.to_string(), word(n / 2), word(n * n / 5), (n % 17).to_string(), y]
    };
    let before: Vec<[String; 5]> = (0..4000).map(row).collect();
    let mut after: Vec<[String; 5]> = (5..4002).map(row).collect();
    after[..3000].iter_mut().for_each(|row| row[3].push_str(".5"));
    train_in(&project, "a", SMALL, &before);
    train_in(&project, "b", SMALL, &after);
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    let text = told["causes"][0]["text"].as_str().unwrap_or_default();
    assert!(text.contains(": 2940 rows changed (id 5, 6, 8, 9, 10, …), 5 rows in A only (id 0, "), "{text}");
    assert!(text.contains("2 rows in B only (id 4000, 4001)"), "{text}");
    let rows = told["first"]["rows"].as_array().cloned().unwrap_or_default();
    assert_eq!((rows.len(), told["first"]["many"].as_bool()), (1007, Some(true)));
    let first = (&rows[0]["id"], &rows[0]["a"]["x"], &rows[0]["b"]["x"], &rows[0]["place_a"]);
    assert_eq!(first, (&"5".into(), &"5".into(), &"5.5".into(), &"t.csv row 6".into()));
    assert!(rows.iter().all(|row| row["a"].is_object() || row["b"].is_object()));
    // Once A's data are others, no row is told for what it was.
    project.write("a/t.csv", project.read("b/t.csv"));
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    assert_eq!(told["first"]["rows"].as_array().map(Vec::len), Some(0), "{told:#}");
    assert!(
        told["notes"].to_string().contains("the data of A can't be looked at: they are no longer what was traced"),
        "{told:#}"
    );
}

#[test]
fn a_run_of_no_row_is_not_the_same() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    score_small(&project, "a/t.csv", &small(), "a/all.trace");
    score_small(&project, "none.csv", &[], "a/none.trace");
    let said = project.run(&["diff", "a/all.trace", "a/none.trace", "--json"]);
    let told = said.json();
    assert_eq!((said.code, told["first"]["stage"].as_str()), (1, Some("input")), "{told:#}");
    assert!(told["causes"].to_string().contains("80 rows in A, no row in B"), "{told:#}");
}

#[test]
fn a_row_less_hides_no_prediction_that_changed() {
    let project = salted();
    train_in(&project, "a", &SMALL.replace("\"dummy\"", "\"boosted_trees\"\nmin_rows = 3"), &small());
    let (mut fewer, mut changed) = (small(), small());
    fewer.remove(9);
    changed.remove(9);
    changed[3][3] = "99".to_owned();
    score_small(&project, "all.csv", &small(), "all.trace");
    score_small(&project, "fewer.csv", &fewer, "fewer.trace");
    score_small(&project, "changed.csv", &changed, "changed.trace");
    let notes = |b: &str| {
        let told = project.run(&["diff", "all.trace", b, "--json"]).json();
        let state = told["stages"].as_array().and_then(|all| all.last()).map(|last| last["state"].to_string());
        format!("{} {}", state.unwrap_or_default(), told["notes"])
    };
    insta::assert_snapshot!(notes("fewer.trace"), @r#""unknown" ["the rows that both have are predicted alike: 80 rows of score in A, 79 rows of score in B","the data of A can't be looked at: nothing says where they are"]"#);
    insta::assert_snapshot!(notes("changed.trace"), @r#""differs" ["predictions of the rows that both have differ: 1 row changed (id 2024-04-04 3); 80 rows of score in A, 79 rows of score in B","the data of A can't be looked at: nothing says where they are","the data of B can't be looked at: nothing says where they are"]"#);
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
fn buckets_of_steps_and_predictions_tell_how_many_rows_differ() {
    let project = salted();
    train_in(&project, "a", &replaced(SMALL, "\"dummy\"", "\"boosted_trees\"\nmin_rows = 2"), &small());
    score_small(&project, "one.csv", &small(), "one.trace");
    let mut rows = small();
    (rows[3][1], rows[3][3]) = ("ef".to_owned(), "16".to_owned());
    score_small(&project, "two.csv", &rows, "two.trace");
    let told = project.run(&["diff", "one.trace", "two.trace", "--json"]).json();
    let differing: Vec<&Value> =
        told["stages"].as_array().expect("stages").iter().filter(|stage| stage["state"] == "differs").collect();
    assert!(differing.len() >= 3, "input, a step, the prediction: {told:#}");
    for stage in differing {
        assert_eq!(stage["buckets"], json!([1, 256]), "{stage:#}");
    }
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
fn what_is_said_of_rows_without_an_id_is_not_denied_elsewhere() {
    let project = salted();
    let spec = replaced(SMALL, "id = \"id\"\n", "");
    let spec = replaced(&spec, "x = { type = \"number\" }\n", "");
    train_in(&project, "a", &spec, &small());
    let diff = || project.run(&["diff", "a/p.toml", "b/p.toml"]).out;
    // A column that was renamed is in both.
    let spec_of_b = replaced(&spec, "[\"u\"]", "[\"w\"]");
    train_in(&project, "b", &spec, &small());
    project.write("b/t.csv", replaced(&project.read("b/t.csv"), "id,u,", "id,w,"));
    project.write("b/p.toml", spec_of_b);
    project.run(&["train", "b/p.toml", "--quiet"]).ok();
    let said = diff();
    assert!(said.contains("`u` of A has the values of column `w` of B") && !said.contains("is read in"), "{said}");
    assert!(said.contains("compared as a whole, not the rows"), "{said}");
    // Rows that are named are compared.
    let mut rows = small();
    rows[9][3] = "1.5".to_owned();
    train_in(&project, "b", &spec, &rows);
    let said = diff();
    assert!(said.contains("added     t.csv row 10  x: 1.5") && !said.contains("not the rows"), "{said}");
    assert!(said.contains("they are compared as they are written, and only where they come in"), "{said}");
}

#[test]
fn of_a_row_whose_other_side_is_gone_only_what_may_have_changed_is_shown() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    let mut rows = small();
    (rows[3][1], rows[4][3]) = ("zz".to_owned(), "99".to_owned());
    write_small(&project, "live.csv", &rows);
    project
        .run(&["score", "a/p.evenstep", "--input", "live.csv", "--output", "o.csv", "--trace", "s.trace", "--quiet"])
        .ok();
    let cells = |args: &[&str]| {
        let told = project.run(&[&["diff", "a/p.toml", "s.trace", "--json"], args].concat()).json();
        let rows = told["first"]["rows"].as_array().cloned().unwrap_or_default();
        let keys = |row: &Value| row["a"].as_object().map(|cells| cells.keys().cloned().collect::<Vec<_>>().join(" "));
        rows.iter().filter_map(keys).collect::<Vec<_>>()
    };
    assert_eq!(cells(&[]), ["u", "x"]);
    // The trace has no bundle beside it, but A's is of its artifact.
    assert_eq!(cells(&["--data-b", "live.csv"]), ["u", "x"]);
}

#[test]
fn rows_of_two_scorings_are_shown_though_one_has_no_id() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    let mut rows = small();
    rows[70][0].clear();
    score_small(&project, "before.csv", &rows, "a/before.trace");
    rows[4][3] = "99".to_owned();
    score_small(&project, "after.csv", &rows, "a/after.trace");
    let args = ["diff", "a/before.trace", "a/after.trace", "--data-a", "before.csv", "--data-b", "after.csv"];
    let told = project.run(&[&args[..], &["--json"]].concat()).json();
    assert!(!told["notes"].to_string().contains("can't be looked at"), "{told:#}");
    let row = &told["first"]["rows"][0];
    assert_eq!((&row["a"]["x"], &row["b"]["x"]), (&"4".into(), &"99".into()), "{told:#}");
}

#[test]
fn what_is_served_and_said_of_a_bundle_is_compared() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    train_in(&project, "b", &replaced(SMALL, "[data]", "[serving]\nmode = \"batch\"\n[data]"), &small());
    let said = project.run(&["diff", "a/p.evenstep", "b/p.evenstep", "--json"]);
    let told = said.json();
    assert_eq!((said.code, causes(&told)), (1, vec![("setting", false)]), "{told:#}");
}

#[test]
fn a_folder_of_several_runs_is_refused() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    std::fs::create_dir(project.path("two")).expect("the folder is ours");
    for name in ["two/x.evenstep", "two/y.evenstep"] {
        std::fs::copy(project.path("a/p.evenstep"), project.path(name)).expect("copied");
    }
    let said = project.run(&["diff", "two", "a/p.toml"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("holds several runs: `x.evenstep`, `y.evenstep`"), "{}", said.err);
}

#[test]
fn what_was_learned_elsewise_names_the_rows_it_was_learned_from() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    let split = project.run(&["split", "a/p.toml", "--quiet"]).ok().out;
    let first = |part: &str| {
        let line = split.lines().find(|line| line.ends_with(part)).expect("both parts have rows");
        line.split(',').next().and_then(|row| row.parse::<usize>().ok()).expect("the row's number")
    };
    let (held_out, training) = (first("test"), first("train"));
    let [held_out_id, training_id] = [held_out, training].map(|row| small()[row][0].clone());
    let check = |folder: &str, changed: &[usize], expected: &str| {
        let mut rows = small();
        changed.iter().for_each(|row| rows[*row][4] = "77".to_owned());
        train_in(&project, folder, SMALL, &rows);
        for data in [&[][..], &["--no-data"]] {
            let told =
                project.run(&[&["diff", "a/p.toml", &format!("{folder}/p.toml"), "--json"], data].concat()).json();
            let learned: Vec<&Value> =
                told["causes"].as_array().into_iter().flatten().filter(|cause| cause["kind"] == "learned").collect();
            assert_eq!(learned.is_empty(), expected.is_empty(), "{told:#}");
            for cause in learned {
                assert!(cause["text"].as_str().is_some_and(|text| text.contains(expected)), "{cause}");
                assert_eq!(cause["rows"], serde_json::json!([training_id]), "{cause}");
            }
        }
    };
    check("held_out", &[held_out], "");
    check("training", &[training], &format!("from the training rows that differ (id {training_id})"));
    let both =
        format!("from the training rows that differ (id {training_id}), not from those held out (id {held_out_id})");
    check("both", &[held_out, training], &both);
}

#[test]
fn what_was_learned_elsewise_names_the_step_that_gave_something_else() {
    let project = salted();
    let scaled = |spec: &str| {
        replaced(
            spec,
            "[model]\nuse = \"dummy\"",
            "[[step]]\nuse = \"standard_scale\"\ncolumns = [\"u\", \"x\"]\n[model]\nuse = \"boosted_trees\"\nmin_rows = 3",
        )
    };
    train_in(&project, "a", &scaled(SMALL), &small());
    train_in(&project, "b", &scaled(&replaced(SMALL, "[\"u\"]", "[\"u\"]\nsmoothing = 3.0")), &small());
    let told = project.run(&["diff", "a/p.toml", "b/p.toml"]).out;
    for what in ["step 2 standard_scale", "the model"] {
        let expected = format!("{what} learned something else, from what step 1 target_encode gives");
        assert!(told.contains(&expected), "{told}");
    }
    let split = "task = \"regression\"\nsplit = { seed = 5 }\n";
    train_in(&project, "b", &replaced(&scaled(SMALL), "task = \"regression\"\n", split), &small());
    let told = project.run(&["diff", "a/p.toml", "b/p.toml"]).out;
    assert!(told.contains("the model learned something else, from other rows, as others are held out"), "{told}");
    assert!(!told.contains("gives"), "{told}");
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

#[test]
fn what_was_learned_elsewise_is_laid_to_nothing_that_is_not_read() {
    let project = salted();
    let drop = "[[step]]\nuse = \"drop_columns\"\ncolumns = [\"v\"]\n[model]";
    let trees = "use = \"boosted_trees\"\nmin_rows = 3\nrow_sample = 0.5\n";
    let spec =
        SMALL.replace("target_encode", "one_hot").replace("[model]\nuse = \"dummy\"\n", &format!("{drop}\n{trees}"));
    train_in(&project, "a", &spec, &small());
    let check = |spec: &str, changed: &[(usize, usize, &str)], expected: &[(&str, bool)]| {
        let mut rows = small();
        changed.iter().for_each(|(row, column, cell)| rows[*row][*column] = (*cell).to_owned());
        train_in(&project, "b", spec, &rows);
        let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
        let causes = told["causes"].as_array().into_iter().flatten().filter(|cause| cause["kind"] == "learned");
        let all = causes.map(|cause| (cause["text"].as_str().unwrap_or_default(), cause["likely"] == true));
        assert_eq!(all.collect::<Vec<_>>(), expected, "{told:#}");
    };
    // Nothing reads `v` where it is dropped.
    let seed = replaced(&spec, "seed = 1", "seed = 2");
    check(&spec, &[(7, 2, "gh")], &[]);
    check(&seed, &[(7, 2, "gh")], &[("the model learned something else, by another seed", true)]);
    let rows: Vec<_> = (10..30).map(|row| (row, 3, "99")).collect();
    let told = |changed: &[(usize, usize, &str)]| {
        let mut rows = small();
        changed.iter().for_each(|(row, column, cell)| rows[*row][*column] = (*cell).to_owned());
        train_in(&project, "b", &spec, &rows);
        let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
        let causes = told["causes"].as_array().cloned().unwrap_or_default();
        causes.into_iter().find(|cause| cause["kind"] == "learned").expect("the model did")
    };
    let of_x = told(&rows);
    assert!(of_x["rows"].as_array().is_some_and(|rows| !rows.is_empty()), "{of_x}");
    let dropped: Vec<_> = (30..80).map(|row| (row, 2, "gh")).collect();
    assert_eq!(told(&[rows, dropped].concat()), of_x);
    // A weight that is dropped elsewhere.
    train_in(&project, "a", &replaced(&spec, "[\"v\"]", "[\"v\", \"x\"]"), &small());
    let weighed = replaced(&spec, "target = \"y\"", "target = \"y\"\nweight = \"x\"");
    check(&weighed, &[], &[("the model learned something else, by other weights", false)]);
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

/// Who has no traces, or traces under two salts, has the data.
#[test]
fn rows_are_named_by_the_data_where_no_trace_does() {
    let project = Project::new();
    let mut rows = small();
    train_in(&project, "a", SMALL, &rows);
    rows[7][3] = "99".to_owned();
    rows.remove(40);
    train_in(&project, "b", SMALL, &rows);
    let diff = |more: &[&str]| {
        let files = ["a/p.evenstep", "b/p.evenstep"];
        let told = project.run(&[&["diff", files[0], files[1], "--json"], more].concat()).json();
        let text = project.run(&[&["diff", files[0], files[1]], more].concat()).out;
        (told, text)
    };
    let check = |told: &Value, text: &str| {
        let rows = told["first"]["rows"].as_array().expect("rows");
        assert_eq!((told["first"]["stage"].as_str(), rows.len()), (Some("input"), 2), "{told:#}");
        assert_eq!((rows[0]["a"]["x"].as_str(), rows[0]["b"]["x"].as_str()), (Some("7"), Some("99")), "{told:#}");
        assert_eq!(rows[1]["change"], "removed", "{told:#}");
        assert!(causes(told).contains(&("data", false)), "{told:#}");
        assert!(
            text.contains("x: 7 → 99") && text.contains("1 row changed") && !text.contains("can't be named"),
            "{text}"
        );
    };
    let (told, text) = diff(&[]);
    check(&told, &text);
    std::fs::remove_file(project.path("b/p.trace")).expect("it is there");
    let (told, text) = diff(&[]);
    check(&told, &text);
    std::fs::remove_file(project.path("a/p.trace")).expect("it is there");
    let (told, text) = diff(&[]);
    check(&told, &text);
    assert!(
        text.contains("no trace of A and of B: rows and values at stages after the input are not compared"),
        "{text}"
    );
    let (told, text) = diff(&["--no-data"]);
    assert!(told["first"]["rows"].as_array().is_some_and(Vec::is_empty) && text.contains("fingerprints"), "{text}");
    // Data that are others by now prove nothing.
    rows[8][3] = "98".to_owned();
    write_small(&project, "b/t.csv", &rows);
    let (told, text) = diff(&[]);
    assert!(told["first"]["rows"].as_array().is_some_and(Vec::is_empty), "{told:#}");
    assert!(text.contains("the data of B can't be looked at: they are no longer what was trained on"), "{text}");
}

#[test]
fn a_personal_cell_that_changed_is_told_without_its_values() {
    let project = salted();
    let spec = replaced(SMALL, "x = { type = \"number\" }", "x = { type = \"number\", personal = true }");
    let mut rows = small();
    train_in(&project, "a", &spec, &rows);
    rows[7][3] = "99".to_owned();
    train_in(&project, "b", &spec, &rows);
    let said = project.run(&["diff", "a/p.toml", "b/p.toml"]).out;
    assert!(said.contains("x: (personal) → (personal)") && !said.contains("99"), "{said}");
}

#[test]
fn other_metrics_are_named() {
    let project = salted();
    let reported = |metrics: &str| format!("{SMALL}[report]\nmetrics = {metrics}\n");
    train_in(&project, "a", &reported("[\"rmse\"]"), &small());
    train_in(&project, "b", &reported("[\"mae\", \"rmse\"]"), &small());
    for [a, b] in [["a/p.lock", "b/p.lock"], ["a/p.evenstep", "b/p.evenstep"]] {
        let said = project.run(&["diff", a, b]);
        assert!(said.code == 1 && said.out.contains("`report.metrics` is"), "{}", said.out);
        assert!(!said.out.contains("all else is the same"), "{}", said.out);
    }
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

#[test]
fn what_the_same_lock_does_not_explain_is_laid_to_engine_and_host() {
    let project = salted();
    let spec = SMALL.replace("\"dummy\"", "\"boosted_trees\"\nmin_rows = 3");
    train_in(&project, "a", &spec, &small());
    let lock = project.read("a/p.lock");
    let line = |lock: &str, key: &str| lock.lines().find(|line| line.starts_with(key)).expect("it is there").to_owned();
    // B says of itself what A does, but came to something else.
    let check = |spec: &str, stage: &str, expected: &[(&str, bool)]| {
        train_in(&project, "b", spec, &small());
        let (mut lock, of_b) = (lock.clone(), project.read("b/p.lock"));
        for key in ["digest = ", "trace = "] {
            lock = replaced(&lock, &line(&lock, key), &line(&of_b, key));
        }
        let lock = replaced(&replaced(&lock, "simd = \"", "simd = \"not "), "engine = \"", "engine = \"9");
        project.write("b/p.lock", lock);
        std::fs::remove_file(project.path("b/p.evenstep")).expect("it was there");
        let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
        assert_eq!((told["first"]["stage"].as_str(), causes(&told)), (Some(stage), expected.to_vec()), "{told:#}");
    };
    let trees = replaced(&spec, "min_rows = 3", "min_rows = 3\nlearning_rate = 0.2");
    check(&trees, "prediction", &[("host", true), ("engine", true), ("host", true)]);
    let split = replaced(&spec, "task = \"regression\"\n", "task = \"regression\"\nsplit = { seed = 5 }\n");
    check(&split, "split", &[("split_code", true), ("engine", true), ("host", true)]);
    // Without its trace nothing else of it is known.
    std::fs::remove_file(project.path("b/p.trace")).expect("it was there");
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    assert_eq!(causes(&told), [("engine", true), ("host", true)], "{told:#}");
}
