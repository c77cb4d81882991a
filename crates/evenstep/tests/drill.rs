//! The fault drill: seeded differences, one at a time, and whether `diff` names the stage, the column
//! and the rows; and that it never says a wrong cause as a fact.

mod common;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Project, Said, causes, replaced};
use serde_json::Value;

const ROWS: usize = 400;
/// Of the cases, so many must be named in full.
const RIGHT_AT_LEAST: usize = 61;

const SPEC: &str = r#"
[pipeline]
name = "p"
seed = 1
[data]
source = "data.csv"
id = "id"
target = "y"
weight = "w"
split = { test = 0.25, seed = 0 }
missing = ["", "NA"]
[contract]
x = { type = "number", min = 0, unit = "cm" }
seen = { type = "datetime", zone = "Europe/Paris" }
[[step]]
use = "missing_indicator"
columns = ["x"]
[[step]]
use = "impute_median"
columns = ["x"]
[[step]]
use = "datetime_parts"
columns = ["seen"]
parts = ["hour"]
[[step]]
use = "discretize_width"
columns = ["n"]
bins = 5
[[step]]
use = "expression"
new = "late"
formula = "x + 1"
[[step]]
use = "impute_constant"
columns = ["color"]
value = "none"
[[step]]
use = "one_hot"
columns = ["color"]
[[step]]
use = "target_encode"
columns = ["city"]
[[step]]
use = "standard_scale"
columns = ["x"]
[model]
use = "boosted_trees"
trees = 5
learning_rate = 0.1
row_sample = 0.8
"#;

type Table = Vec<Vec<String>>;

/// A header, and rows of an id, a number, an integer, two categories, an instant, a target and a weight.
fn table() -> Table {
    let header = ["id", "x", "n", "color", "city", "seen", "y", "w"].map(str::to_owned).to_vec();
    let row = |n: usize| {
        let mixed = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let x = if n % 13 == 5 { String::new() } else { format!("{}", (mixed % 1000) as f64 / 8.0) };
        let color = ["red", "green", "blue", "NA"][(mixed >> 10) as usize % 4];
        let city = ["Paris", "Oslo", "Rome", "Bern", "Riga", "Bonn"][(mixed >> 14) as usize % 6];
        let seen = format!("2024-{:02}-{:02}T{:02}:30:00Z", 1 + n % 12, 1 + n % 28, n % 24);
        let y = format!("{}", (mixed % 997) as f64 / 4.0 + n as f64 / 64.0);
        vec![
            (1000 + n).to_string(),
            x,
            (mixed % 50).to_string(),
            color.to_owned(),
            city.to_owned(),
            seen,
            y,
            (1 + n % 3).to_string(),
        ]
    };
    std::iter::once(header).chain((0..ROWS).map(row)).collect()
}

fn csv(table: &Table) -> String {
    table.iter().map(|row| row.join(",") + "\n").collect()
}

/// The row's place in the table, by its id.
fn at(id: usize) -> usize {
    id - 1000 + 1
}

fn set(table: &mut Table, id: usize, column: usize, value: &str) {
    assert_ne!(table[at(id)][column], value, "the case changes something");
    table[at(id)][column] = value.to_owned();
}

/// What is done to the second run.
#[derive(Default)]
struct Second {
    table: Table,
    spec: String,
    /// Changes the lock after the training; the bundle goes, so that nothing else says what it was.
    lock: Option<fn(String) -> String>,
    /// Scores the table with A's bundle instead of training.
    scores: bool,
}

/// A difference, and what `diff` must say of it.
struct Case {
    name: &'static str,
    change: fn(&mut Second),
    stage: &'static str,
    column: Option<&'static str>,
    /// The ids of all rows that differ; None where rows are not to be named.
    rows: Option<&'static [&'static str]>,
    cause: &'static str,
    likely: bool,
}

macro_rules! case {
    ($name:literal, $stage:literal, $column:expr, $rows:expr, $cause:literal, $change:expr) => {
        Case { name: $name, change: $change, stage: $stage, column: $column, rows: $rows, cause: $cause, likely: false }
    };
    (likely $name:literal, $stage:literal, $column:expr, $rows:expr, $cause:literal, $change:expr) => {
        Case { name: $name, change: $change, stage: $stage, column: $column, rows: $rows, cause: $cause, likely: true }
    };
}

const X: Option<&str> = Some("x");

fn cases() -> Vec<Case> {
    vec![
        case!("the same again", "", None, None, "", |_| ()),
        case!("columns in another order", "", None, None, "", |second| {
            second.table.iter_mut().for_each(|row| row.reverse());
        }),
        case!("rows in another order", "", None, None, "", |second| second.table[1..].reverse()),
        case!("a changed number", "input", X, Some(&["1017"]), "data", |s| set(&mut s.table, 1017, 1, "3.25")),
        case!("a number parsed elsewise", "input", X, Some(&["1100"]), "data", |s| {
            let cell = s.table[at(1100)][1].clone() + "0000001";
            let cell = if cell.contains('.') { cell } else { cell.replacen("0000001", ".0000001", 1) };
            set(&mut s.table, 1100, 1, &cell);
        }),
        case!("a missing cell is there", "input", X, Some(&["1005"]), "data", |s| set(&mut s.table, 1005, 1, "1.5")),
        case!("a cell went missing", "input", X, Some(&["1001"]), "data", |s| set(&mut s.table, 1001, 1, "")),
        case!("a mean that moved", "input", X, Some(&["1001", "1002", "1003"]), "data", |s| {
            (1001..1004).for_each(|id| set(&mut s.table, id, 1, "99999"));
        }),
        case!(
            "cells that two learners read",
            "input",
            Some("city"),
            Some(&["1016", "1017", "1018", "1019"]),
            "data",
            |s| {
                set(&mut s.table, 1016, 1, "77777");
                set(&mut s.table, 1017, 2, "77");
                set(&mut s.table, 1018, 6, "0.5");
                set(&mut s.table, 1019, 4, "Ulm");
            }
        ),
        case!("two cells that changed places", "input", X, Some(&["1020", "1021"]), "data", |s| {
            let (a, b) = (s.table[at(1020)][1].clone(), s.table[at(1021)][1].clone());
            set(&mut s.table, 1020, 1, &b);
            set(&mut s.table, 1021, 1, &a);
        }),
        case!("an integer became a number", "input", Some("n"), Some(&["1030"]), "data", |s| set(
            &mut s.table,
            1030,
            2,
            "3.5"
        )),
        case!("a letter of a category", "input", Some("color"), Some(&["1040"]), "data", |s| set(
            &mut s.table,
            1040,
            3,
            "rad"
        )),
        case!("a category renamed in a few rows", "input", Some("city"), None, "data", |s| {
            s.table[1..40].iter_mut().filter(|row| row[4] == "Oslo").for_each(|row| row[4] = "Christiania".to_owned());
        }),
        case!("a category renamed everywhere", "input", Some("city"), None, "data", |s| {
            s.table.iter_mut().filter(|row| row[4] == "Oslo").for_each(|row| row[4] = "Christiania".to_owned());
        }),
        case!("an instant an hour later", "input", Some("seen"), Some(&["1050"]), "data", |s| {
            let cell = s.table[at(1050)][5].replace('Z', "-01:00");
            set(&mut s.table, 1050, 5, &cell);
        }),
        case!("another target", "input", Some("y"), Some(&["1060"]), "data", |s| set(&mut s.table, 1060, 6, "0.5")),
        case!("another target, and another weight", "input", Some("w"), Some(&["1060", "1061"]), "data", |s| {
            set(&mut s.table, 1060, 6, "0.5");
            set(&mut s.table, 1061, 7, "9");
        }),
        case!("a dropped row", "input", None, Some(&["1070"]), "data", |s| drop(s.table.remove(at(1070)))),
        case!("an added row", "input", None, Some(&["9001"]), "data", |s| {
            let mut row = s.table[at(1071)].clone();
            row[0] = "9001".to_owned();
            s.table.push(row);
        }),
        case!("a row with another id", "input", Some("id"), Some(&["1072", "9002"]), "data", |s| set(
            &mut s.table,
            1072,
            0,
            "9002"
        )),
        case!("a unit changed in the data", "input", X, None, "data", |s| {
            s.table[1..].iter_mut().filter(|row| !row[1].is_empty()).for_each(|row| {
                row[1] = format!("{}", row[1].parse::<f64>().expect("a number") * 2.0 + 0.5);
            });
        }),
        case!("a renamed column", "input", Some("n"), None, "renamed", |s| {
            s.table[0][2] = "number".to_owned();
            s.spec = replaced(&s.spec, "columns = [\"n\"]", "columns = [\"number\"]");
        }),
        case!("a renamed column of which a cell changed", "input", Some("n"), Some(&["1017"]), "renamed", |s| {
            set(&mut s.table, 1017, 2, "77");
            s.table[0][2] = "number".to_owned();
            s.spec = replaced(&s.spec, "columns = [\"n\"]", "columns = [\"number\"]");
        }),
        case!(likely "two columns under each other's name", "input", Some("city"), None, "exchanged", |s| {
            s.table[1..].iter_mut().for_each(|row| row.swap(3, 4));
        }),
        case!("a column more", "input", Some("more"), None, "column", |s| {
            s.table[0].push("more".to_owned());
            s.table[1..].iter_mut().enumerate().for_each(|(n, row)| row.push((n % 7).to_string()));
        }),
        case!("a unit in the contract", "input", X, None, "contract", |s| s.spec =
            replaced(&s.spec, "\"cm\"", "\"inch\"")),
        case!("a bound in the contract", "input", X, None, "contract", |s| s.spec =
            replaced(&s.spec, "min = 0", "min = -1")),
        case!("a policy in the contract", "input", X, None, "contract", |s| {
            s.spec = replaced(&s.spec, "min = 0", "min = 0, invalid = \"null\"");
        }),
        case!("a time zone in the contract", "input", Some("seen"), None, "contract", |s| {
            s.spec = replaced(&s.spec, "Europe/Paris", "Asia/Tokyo");
        }),
        case!("another missing token", "input", Some("color"), None, "missing", |s| {
            s.spec = replaced(&s.spec, "\"NA\"]", "\"NA\", \"red\"]");
        }),
        case!("another weight column", "input", None, None, "role", |s| {
            s.spec = replaced(&s.spec, "weight = \"w\"", "weight = \"n\"");
            s.spec = replaced(&s.spec, "[[step]]\nuse = \"discretize_width\"\ncolumns = [\"n\"]\nbins = 5\n", "");
        }),
        case!("no weight, and another target", "input", Some("y"), Some(&["1060"]), "role", |s| {
            s.spec = replaced(&s.spec, "weight = \"w\"\n", "");
            set(&mut s.table, 1060, 6, "0.5");
        }),
        case!("another target column", "input", None, None, "role", |s| {
            s.spec = replaced(&s.spec, "target = \"y\"", "target = \"n\"");
            s.spec = replaced(&s.spec, "[[step]]\nuse = \"discretize_width\"\ncolumns = [\"n\"]\nbins = 5\n", "");
        }),
        case!("another split seed", "split", None, None, "split", |s| {
            s.spec = replaced(&s.spec, "test = 0.25, seed = 0", "test = 0.25, seed = 7");
        }),
        case!("another share held out", "split", None, None, "split", |s| s.spec =
            replaced(&s.spec, "test = 0.25", "test = 0.3")),
        case!("a step removed", "step 1 missing_indicator", Some("x_missing"), None, "step_removed", |s| {
            s.spec = replaced(&s.spec, "[[step]]\nuse = \"missing_indicator\"\ncolumns = [\"x\"]\n", "");
        }),
        case!("a step added", "step 2 power", X, None, "step_added", |s| {
            let step = "[[step]]\nuse = \"power\"\ncolumns = [\"x\"]\nexponent = 2\n[[step]]\nuse = \"impute_median\"";
            s.spec = replaced(&s.spec, "[[step]]\nuse = \"impute_median\"", step);
        }),
        case!("a step moved", "step 2 standard_scale", X, None, "step_moved", |s| {
            let step = "[[step]]\nuse = \"standard_scale\"\ncolumns = [\"x\"]\n";
            s.spec = replaced(
                &replaced(&s.spec, step, ""),
                "[[step]]\nuse = \"impute_median\"",
                &format!("{step}[[step]]\nuse = \"impute_median\""),
            );
        }),
        case!("another step in its place", "step 2 impute_median", X, None, "step_removed", |s| {
            s.spec = replaced(&s.spec, "impute_median", "impute_mean");
        }),
        case!("off by one in the bins", "step 4 discretize_width", Some("n"), None, "step", |s| {
            s.spec = replaced(&s.spec, "bins = 5", "bins = 6");
        }),
        case!("off by one in a formula", "step 5 expression", Some("late"), None, "step", |s| {
            s.spec = replaced(&s.spec, "x + 1", "x + 2");
        }),
        case!("another constant", "step 6 impute_constant", Some("color"), None, "step", |s| {
            s.spec = replaced(&s.spec, "value = \"none\"", "value = \"red\"");
        }),
        case!("another part of a date", "step 3 datetime_parts", Some("seen_hour"), None, "step", |s| {
            s.spec = replaced(&s.spec, "[\"hour\"]", "[\"minute\"]");
        }),
        case!("another smoothing", "step 8 target_encode", Some("city"), None, "step", |s| {
            s.spec = replaced(&s.spec, "columns = [\"city\"]", "columns = [\"city\"]\nsmoothing = 50.0");
        }),
        case!("a scale without a mean", "step 9 standard_scale", X, None, "step", |s| {
            s.spec = replaced(&s.spec, "[model]", "with_mean = false\n[model]");
        }),
        case!("another seed", "step 8 target_encode", Some("city"), None, "seed", |s| s.spec =
            replaced(&s.spec, "seed = 1\n", "seed = 2\n")),
        case!("a learning rate", "model", None, None, "hyperparameter", |s| {
            s.spec = replaced(&s.spec, "learning_rate = 0.1", "learning_rate = 0.2");
        }),
        case!("more trees", "model", None, None, "hyperparameter", |s| s.spec =
            replaced(&s.spec, "trees = 5", "trees = 6")),
        case!("another model", "model", None, None, "model", |s| {
            let from = s.spec.find("[model]").expect("a model");
            s.spec.truncate(from);
            s.spec += "[model]\nuse = \"ridge\"\n";
        }),
        case!(likely "another code of a step", "step 5 expression", Some("late"), None, "step_code", |s| {
            s.spec = replaced(&s.spec, "x + 1", "x + 2");
            s.lock = Some(|lock| replaced(&lock, "x + 2", "x + 1"));
        }),
        case!("another version of a step's code", "step 5 expression", Some("late"), None, "step_code", |s| {
            s.spec = replaced(&s.spec, "x + 1", "x + 2");
            s.lock = Some(|lock| {
                let lock = replaced(&lock, "x + 2", "x + 1");
                let (before, step) = lock.split_at(lock.find("use = \"expression\"").expect("the step is locked"));
                before.to_owned() + &replaced(step, "version = 1", "version = 2")
            });
        }),
        case!("another version of the model's code", "model", None, None, "model_code", |s| {
            s.spec = replaced(&s.spec, "learning_rate = 0.1", "learning_rate = 0.2");
            s.lock = Some(|lock| {
                let lock = replaced(&lock, "learning_rate = 0.2", "learning_rate = 0.1");
                let (before, model) = lock.split_at(lock.find("use = \"boosted_trees\"").expect("the model is locked"));
                before.to_owned() + &replaced(model, "version = 1", "version = 2")
            });
        }),
        case!("a lock from before versions were noted down", "step 5 expression", Some("late"), None, "step", |s| {
            s.spec = replaced(&s.spec, "x + 1", "x + 2");
            s.lock =
                Some(|lock| lock.lines().filter(|line| !line.starts_with("version = ")).collect::<Vec<_>>().join("\n"));
        }),
        case!(likely "another code of the model", "model", None, None, "model_code", |s| {
            s.spec = replaced(&s.spec, "learning_rate = 0.1", "learning_rate = 0.2");
            s.lock = Some(|lock| replaced(&lock, "learning_rate = 0.2", "learning_rate = 0.1"));
        }),
        case!(likely "an engine of another version", "step 5 expression", Some("late"), None, "engine", |s| {
            s.spec = replaced(&s.spec, "x + 1", "x + 2");
            s.lock = Some(|lock| replaced(&replaced(&lock, "x + 2", "x + 1"), "engine = \"", "engine = \"9"));
        }),
        case!(likely "another build of the engine", "model", None, None, "build", |s| {
            s.spec = replaced(&s.spec, "learning_rate = 0.1", "learning_rate = 0.2");
            s.lock = Some(|lock| {
                replaced(&replaced(&lock, "learning_rate = 0.2", "learning_rate = 0.1"), "rustc = \"", "rustc = \"9")
            });
        }),
        case!(likely "other registers", "model", None, None, "host", |s| {
            s.spec = replaced(&s.spec, "learning_rate = 0.1", "learning_rate = 0.2");
            s.lock = Some(|lock| {
                replaced(&replaced(&lock, "learning_rate = 0.2", "learning_rate = 0.1"), "simd = \"", "simd = \"not ")
            });
        }),
        case!("another epoch", "model", None, None, "epoch", |s| {
            s.spec = replaced(&s.spec, "learning_rate = 0.1", "learning_rate = 0.2");
            s.lock = Some(|lock| {
                let lock = replaced(&lock, "learning_rate = 0.2", "learning_rate = 0.1");
                replaced(&lock, "fit_epoch = 1", "fit_epoch = 2")
            });
        }),
        case!("research and scoring", "", None, None, "", |s| s.scores = true),
        case!("research and scoring of a changed cell", "input", Some("color"), Some(&["1080"]), "data", |s| {
            s.scores = true;
            set(&mut s.table, 1080, 3, "reddish");
        }),
        case!("research and scoring of a row less", "input", None, Some(&["1090"]), "data", |s| {
            s.scores = true;
            s.table.remove(at(1090));
        }),
    ]
}

/// Runs a case beside the first run; gives what `diff` says.
fn run(project: &Project, case: &Case, number: usize) -> Value {
    let mut second = Second { table: table(), spec: SPEC.to_owned(), ..Second::default() };
    (case.change)(&mut second);
    let folder = format!("case{number}");
    std::fs::create_dir(project.path(&folder)).expect("the folder is ours");
    let path = |name: &str| format!("{folder}/{name}");
    project.write(&path("data.csv"), csv(&second.table));
    let right = |said: Said| assert_eq!(said.code, 0, "{}: {}{}", case.name, said.out, said.err);
    let b = if second.scores {
        let (data, trace) = (path("data.csv"), path("scores.trace"));
        let output = path("scores.csv");
        right(project.run(&[
            "score",
            "a/p.evenstep",
            "--input",
            &data,
            "--output",
            &output,
            "--trace",
            &trace,
            "--quiet",
        ]));
        std::fs::copy(project.path("a/p.evenstep"), project.path(&path("p.evenstep"))).expect("copied");
        trace
    } else {
        project.write(&path("pipeline.toml"), &second.spec);
        right(project.run(&["train", &path("pipeline.toml"), "--quiet", "--threads", "1"]));
        path("pipeline.toml")
    };
    if let Some(change) = second.lock {
        let lock = path("pipeline.lock");
        project.write(&lock, change(project.read(&lock)));
        std::fs::remove_file(project.path(&path("p.evenstep"))).expect("it was there");
    }
    let said = project.run(&["diff", "a/pipeline.toml", &b, "--json"]);
    let told = said.json();
    assert_eq!(said.code, i32::from(told["equal"] != true), "{}: {}", case.name, said.out);
    told
}

/// What is wrong with what was said; empty if nothing is.
fn judge(case: &Case, told: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |what: &str, found: String, expected: String| {
        if found != expected {
            wrong.push(format!("{what}: {found} instead of {expected}"));
        }
    };
    let first = &told["first"];
    expect("equal", told["equal"].to_string(), case.stage.is_empty().to_string());
    expect("stage", first["stage"].as_str().unwrap_or_default().to_owned(), case.stage.to_owned());
    if case.column.is_some() || case.cause == "data" {
        expect("column", format!("{:?}", first["column"].as_str()), format!("{:?}", case.column));
    }
    if let Some(rows) = case.rows {
        let mut found: Vec<&str> =
            first["rows"].as_array().into_iter().flatten().filter_map(|row| row["id"].as_str()).collect();
        found.sort_unstable();
        expect("rows", format!("{found:?}"), format!("{rows:?}"));
    }
    let causes: BTreeMap<&str, bool> = told["causes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|cause| Some((cause["kind"].as_str()?, cause["likely"] == true)))
        .collect();
    if !case.cause.is_empty() {
        let expected = (case.cause, case.likely || case.cause == "renamed");
        expect(
            "cause",
            format!("{:?}", causes.get_key_value(case.cause)),
            format!("{:?}", Some((&expected.0, &expected.1))),
        );
    }
    wrong
}

/// The columns of the data that each learner of the spec reads, by itself or through earlier steps.
fn reads(learner: &str) -> &'static [&'static str] {
    match learner {
        "discretize_width" => &["n"],
        "one_hot" | "impute_constant" => &["color"],
        "target_encode" => &["city", "y"],
        "the model" => &["x", "n", "color", "city", "seen", "y", "w"],
        _ => &["x"],
    }
}

/// Rows that something is said to be learned from, though they have no other cell there.
fn wrongly_learned_from(told: &Value) -> Vec<String> {
    let changed = told["first"]["rows"].as_array().cloned().unwrap_or_default();
    let causes = told["causes"].as_array().into_iter().flatten().filter(|cause| cause["kind"] == "learned");
    let wrong = |cause: &Value| -> Option<String> {
        let text = cause["text"].as_str()?;
        let learner = if text.starts_with("the model") { "the model" } else { text.split(' ').nth(2)? };
        let is_right = |id: &Value| {
            let row = changed.iter().find(|row| row["id"] == *id)?;
            let mut cells = row["a"].as_object().into_iter().chain(row["b"].as_object()).flat_map(|cells| cells.keys());
            Some(row["change"] != "changed" || cells.any(|name| reads(learner).contains(&name.as_str())))
        };
        let all_right = cause["rows"].as_array().into_iter().flatten().all(|id| is_right(id).unwrap_or(false));
        (!all_right).then(|| cause.to_string())
    };
    causes.filter_map(wrong).collect()
}

/// Facts that a case can't have: what was not changed is not blamed.
fn blamed(case: &Case, told: &Value) -> Vec<String> {
    // What follows from another cause is a fact, too, and told after it.
    let follows: &[&str] = match case.cause {
        "renamed" | "column" => &["learned", "features", "step", "column", "renamed"],
        "role" => &["learned", "features", "step_removed", "column", "task", "contract", "data"],
        "data" => &["learned", "features"],
        "missing" => &["learned", "features", "data"],
        "step_removed" | "step_added" => &["learned", "features", "step_added", "step_removed"],
        "model" => &["features"],
        _ => &["learned", "features"],
    };
    let causes = told["causes"].as_array().into_iter().flatten();
    let facts = causes.filter(|cause| cause["likely"] != true).filter_map(|cause| cause["kind"].as_str());
    let facts = facts.filter(|kind| *kind != case.cause && !follows.contains(kind)).map(str::to_owned);
    facts.chain(wrongly_learned_from(told)).collect()
}

#[test]
fn forty_eight_seeded_differences_are_named() {
    let project = Project::new();
    std::fs::create_dir_all(project.path(".evenstep")).expect("the folder is ours");
    project.write(".evenstep/salt", [7; 32]);
    std::fs::create_dir(project.path("a")).expect("the folder is ours");
    project.write("a/data.csv", csv(&table()));
    project.write("a/pipeline.toml", SPEC);
    project.run(&["train", "a/pipeline.toml", "--quiet"]).ok();
    let cases = cases();
    assert!(cases.len() >= 48, "{} cases", cases.len());
    let (next, right) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (failures, blames) = (Mutex::new(BTreeMap::new()), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(at) else { return };
                    let told = run(&project, case, at);
                    let (wrong, blamed) = (judge(case, &told), blamed(case, &told));
                    if wrong.is_empty() {
                        right.fetch_add(1, Ordering::Relaxed);
                    } else {
                        let _ = failures
                            .lock()
                            .expect("no panic holds it")
                            .insert(case.name, format!("{wrong:?} {told:#}"));
                    }
                    if !blamed.is_empty() {
                        let _ =
                            blames.lock().expect("no panic holds it").insert(case.name, format!("{blamed:?} {told:#}"));
                    }
                }
            });
        }
    });
    let blames = blames.into_inner().expect("no panic holds it");
    assert!(blames.is_empty(), "a wrong cause is said as a fact: {blames:#?}");
    let failures = failures.into_inner().expect("no panic holds it");
    assert!(right.into_inner() >= RIGHT_AT_LEAST, "{failures:#?}");
}

#[test]
fn duplicated_rows_without_an_id_are_named_by_their_places() {
    let project = Project::new();
    let mut rows = table();
    project.write("data.csv", csv(&rows));
    let spec = replaced(SPEC, "id = \"id\"\n", "");
    project.write("a.toml", replaced(&spec, "\"p\"", "\"a\""));
    project.write("b.toml", replaced(&replaced(&spec, "\"p\"", "\"b\""), "data.csv", "more.csv"));
    rows.extend([rows[at(1201)].clone(), rows[at(1201)].clone()]);
    project.write("more.csv", csv(&rows));
    project.run(&["train", "a.toml", "--quiet"]).ok();
    project.run(&["train", "b.toml", "--quiet"]).ok();
    let told = project.run(&["diff", "a.toml", "b.toml", "--json"]).json();
    let added = told["first"]["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    let places: Vec<_> = added.iter().filter_map(|row| row["place_b"].as_str()).collect();
    assert_eq!(places, ["more.csv row 401", "more.csv row 402"], "{told:#}");
    let x = rows[at(1201)][1].as_str();
    assert!(
        added.iter().all(|row| (row["change"].as_str(), row["b"]["x"].as_str()) == (Some("added"), Some(x))),
        "{told:#}"
    );
}

#[test]
fn values_are_shown_of_the_data_that_was_traced_and_of_no_other() {
    let project = Project::new();
    let mut rows = table();
    project.write("data.csv", csv(&rows));
    project.write("a.toml", replaced(SPEC, "\"p\"", "\"a\""));
    project.write("b.toml", replaced(SPEC, "\"p\"", "\"b\""));
    project.run(&["train", "a.toml", "--quiet"]).ok();
    set(&mut rows, 1200, 3, "ivory");
    project.write("data.csv", csv(&rows));
    project.run(&["train", "b.toml", "--quiet"]).ok();
    // A's data were overwritten: only B's cell is known.
    let told = project.run(&["diff", "a.toml", "b.toml", "--json"]).json();
    let row = &told["first"]["rows"][0];
    assert_eq!((row["id"].as_str(), row["b"]["color"].as_str()), (Some("1200"), Some("ivory")), "{told:#}");
    assert!(row.get("a").is_none(), "{told:#}");
    assert_eq!(row["b"].as_object().map(serde_json::Map::len), Some(1), "no other cell differs: {told:#}");
    assert_eq!(told["first"]["column"], "color");
    let page = project.run(&["diff", "a.toml", "b.toml", "--html", "page.html"]);
    assert_eq!(page.code, 1, "{}", page.err);
    assert!(project.read("page.html").contains("They part at input, column <code>color</code>"));
    let nothing = project.run(&["diff", "a.toml", "a.trace", "--json"]).ok().json();
    assert_eq!(nothing["equal"], true, "{nothing:#}");
    assert_eq!(project.run(&["diff", "a.toml", "nowhere.lock"]).code, 2);
    assert_eq!(project.run(&["diff", "a.toml", "data.csv"]).code, 2);
}

/// Asks for a prediction of each row, and gives what was answered.
#[cfg(unix)]
fn ask(address: &str, body: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).expect("it listens");
    let head = format!(
        "POST /predict HTTP/1.1\r\nContent-Type: application/json\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

/// Asks a server for a prediction of each row, whose fields `change` may change, and keeps a trace.
#[cfg(unix)]
fn ask_live(
    project: &Project,
    rows: &[Vec<String>],
    trace: &str,
    change: impl Fn(&mut serde_json::Map<String, Value>),
) {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let serve = ["serve", "p.evenstep", "--listen", "127.0.0.1:0", "--json", "--trace", trace];
    let mut child = project.command(&serve).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("it says where it listens");
    let address =
        serde_json::from_str::<Value>(&line).expect("JSON")["address"].as_str().expect("an address").to_owned();
    for row in &rows[1..] {
        let mut fields = serde_json::Map::new();
        for (name, cell) in rows[0].iter().zip(row).filter(|(name, _)| !["w", "y"].contains(&name.as_str())) {
            let number = ["id", "x", "n"].contains(&name.as_str());
            let value = match cell.as_str() {
                "" | "NA" => Value::Null,
                cell if number => serde_json::from_str(cell).expect("a number"),
                cell => cell.into(),
            };
            fields.insert(name.clone(), value);
        }
        change(&mut fields);
        let answer = ask(&address, &Value::Object(fields).to_string());
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let kill = format!("kill -TERM {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
    assert!(child.wait().expect("it ends").success());
}

#[test]
#[cfg(unix)]
fn what_was_asked_live_is_compared_with_a_scored_file() {
    let project = Project::new();
    let rows = table();
    project.write("data.csv", csv(&rows));
    project.write("p.toml", SPEC);
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let few: Table = rows[..=20].to_vec();
    project.write("few.csv", csv(&few));
    project.run(&["score", "p.evenstep", "--input", "few.csv", "--output", "out.csv", "--trace", "scored.trace"]).ok();

    // One live row is not what was scored.
    ask_live(&project, &few, "live.trace", |fields| {
        if fields["id"] == 1007 {
            fields.insert("n".to_owned(), 49.into());
        }
    });
    let told = project.run(&["diff", "scored.trace", "live.trace", "--data-a", "few.csv", "--json"]).json();
    assert_eq!(
        (told["first"]["stage"].as_str(), told["first"]["column"].as_str()),
        (Some("input"), Some("n")),
        "{told:#}"
    );
    let row = &told["first"]["rows"][0];
    assert_eq!((row["id"].as_str(), row["change"].as_str()), (Some("1007"), Some("changed")), "{told:#}");
    assert_eq!(row["a"]["n"].as_str(), Some(rows[at(1007)][2].as_str()), "{told:#}");

    // Its trace is kept by the next server. Of rows without their id nobody knows which of them are which.
    ask_live(&project, &few, "live.trace", |fields| drop(fields.remove("id")));
    let said = project.run(&["diff", "scored.trace", "live.trace", "--json"]);
    let told = said.json();
    let kept = project.run(&["diff", "scored.trace", "live.1.trace", "--data-a", "few.csv", "--json"]).json();
    assert_eq!(kept["first"]["rows"][0]["id"].as_str(), Some("1007"), "{kept:#}");
    assert_eq!((said.code, causes(&told)), (1, vec![("unmatched", false)]), "{told:#}");
    assert!(told["notes"].to_string().contains("by `id` in A and by all of their columns in B"), "{told:#}");
    let said = project.run(&["diff", "scored.trace", "live.trace", "--html", "page.html"]);
    assert!(said.out.contains("  not shown to be the same"), "{}", said.out);
    assert!(project.read("page.html").contains("Not shown to be the same."));
}
