//! Bad input: each is refused with a clear error, the right exit code, and nothing lost.

mod common;

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use common::{Project, Said, replaced, said};
use serde_json::Value;

const SPEC: &str = r#"[pipeline]
name = "p"
seed = 1

[data]
source = "data.csv"
target = "y"

[[step]]
use = "impute_median"
columns = ["x"]

[model]
use = "ridge"
"#;

fn data() -> String {
    (0..100).fold("x,z,y\n".to_owned(), |mut text, n| {
        writeln!(text, "{},{},{}", n % 13, n * 7 % 17, n * 3 % 29).expect("a string takes what is written");
        text
    })
}

fn project() -> Project {
    let project = Project::new();
    project.write("p.toml", SPEC);
    project.write("data.csv", data());
    project
}

/// Trains, and expects a refusal that holds all the words; none of them is a panic.
fn refused(project: &Project, words: &[&str]) -> Said {
    refused_by(project, &["train", "p.toml", "--quiet"], words)
}

fn refused_by(project: &Project, args: &[&str], words: &[&str]) -> Said {
    let said = project.run(args);
    assert_eq!(said.code, 2, "{}\n{}", said.out, said.err);
    let flat = said.err.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(flat.contains(word), "no `{word}` in:\n{}", said.err);
    }
    assert!(!said.err.contains("panicked"), "{}", said.err);
    assert!(!project.path("p.evenstep").exists(), "nothing is written");
    said
}

#[test]
fn a_number_of_threads_that_is_none_is_refused() {
    let project = project();
    for threads in ["-1", "1.5", "all"] {
        refused_by(&project, &["train", "--threads", threads], &["--threads", "a whole number from 0"]);
    }
}

#[test]
fn a_bound_that_is_no_number_is_pointed_at() {
    let project = project();
    for (kind, bound) in [("number", "nan"), ("integer", "-inf"), ("date", "inf"), ("time", "nan"), ("datetime", "nan")]
    {
        let rule = format!("[contract]\nx = {{ type = \"{kind}\", max = {bound} }}\n[[step]]");
        project.write("p.toml", replaced(SPEC, "[[step]]", &rule));
        for verb in ["check", "train", "contract"] {
            refused_by(&project, &[verb, "p.toml"], &["`max` is", "a finite number is expected", "p.toml:10"]);
        }
    }
    project.write("p.toml", SPEC);
    refused_by(&project, &["check", "p.toml", "--set", "contract.x.min=nan"], &["`min` is NaN", "[p.toml:"]);
}

#[test]
fn an_integer_that_toml_has_not_is_pointed_at() {
    let project = project();
    for (from, to, place) in [
        ("seed = 1", "seed = 12345678901234567890", "p.toml:3:8"),
        ("[data]", "[data]\nsplit = { seed = 9223372036854775808 }", "p.toml:6:18"),
        ("[[step]]", "[contract]\nx = { min = 0x8000000000000000 }\n[[step]]", "p.toml:10:13"),
    ] {
        project.write("p.toml", replaced(SPEC, from, to));
        refused(&project, &["beyond the integers of TOML, -2^63 to 2^63 - 1", place]);
        refused_by(&project, &["check", "p.toml", "--set", "pipeline.name=q"], &["beyond the integers of TOML", place]);
    }
    project.write("p.toml", replaced(SPEC, "seed = 1", "seed = 9223372036854775807"));
    project.run(&["train", "p.toml", "--quiet"]).ok();
    project.run(&["verify", "p.toml", "--quiet"]).ok();
}

#[test]
fn a_cell_that_makes_another_type_of_a_locked_column_is_told_with_its_place() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let mut lines: Vec<String> = data().lines().map(str::to_owned).collect();
    lines[6] = replaced(&lines[6], ",", ",1O");
    project.write("data.csv", lines.join("\n") + "\n");
    let expected = "`z` is read as category, and was integer when `p.lock` was written (data.csv, row 6, column `z`: ";
    let keeps = "[contract] z = { type = \"integer\" } keeps it";
    let spec = replaced(SPEC, "[model]", "[[step]]\nuse = \"one_hot\"\ncolumns = { type = \"category\" }\n[model]");
    project.write("p.toml", &spec);
    let checked = project.run(&["check", "p.toml", "--quiet"]).ok().out;
    assert!(checked.contains(expected) && checked.contains("1O") && checked.contains(keeps), "{checked}");
    let trained = project.run(&["train", "p.toml", "--json", "--quiet"]).ok().json();
    let first = trained["notes"][0].as_str().unwrap_or_default();
    assert!(first.starts_with(expected), "{trained:#}");
    // The lock that was written has the new type.
    let checked = project.run(&["check", "p.toml", "--quiet"]).ok().out;
    assert!(!checked.contains("p.lock"), "{checked}");
    project.write("p.toml", replaced(&spec, "[[step]]", "[contract]\nz = { type = \"text\" }\n[[step]]"));
    let said = project.run(&["check", "p.toml", "--quiet"]);
    assert!(!said.out.contains("was category when"), "what is declared is no surprise: {}", said.out);
}

#[test]
fn a_damaged_bundle_is_one_whatever_it_is_called() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let bytes = std::fs::read(project.path("p.evenstep")).expect("it was written");
    let mut flipped = bytes.clone();
    flipped[0] ^= 0x80;
    let cut = &bytes[..bytes.len() / 2];
    for (name, bytes) in [("model.bin", flipped.as_slice()), ("bundle", cut), ("p.toml.bak", cut)] {
        project.write(name, bytes);
        let said = project.run(&["verify", name, "--quiet"]);
        assert!(said.code == 1 && said.out.contains("it was damaged, or is none"), "{name}: {}{}", said.out, said.err);
        assert!(!format!("{}{}", said.out, said.err).contains("UTF-8"), "{}{}", said.out, said.err);
    }
    project.write("whole", &bytes);
    project.run(&["verify", "whole", "--quiet"]).ok();
}

#[test]
fn what_is_nested_deeply_is_not_shown_in_full() {
    let project = project();
    let deep = format!("[data]\nsource = {}{}\n", "[".repeat(50_000), "]".repeat(50_000));
    project.write("p.toml", deep);
    let said = refused(&project, &["p.toml"]);
    assert!(said.err.len() < 3_000, "{} bytes: {}", said.err.len(), &said.err[..1_000]);
}

#[test]
fn the_spec_as_it_is_trains() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
}

#[test]
fn a_spec_that_does_not_parse_is_pointed_at() {
    let project = project();
    project.write("p.toml", SPEC.replace("seed = 1", "seed = = 1"));
    refused(&project, &["p.toml:3"]);
}

#[test]
fn an_unknown_step_parameter_model_metric_or_key_is_pointed_at_with_a_suggestion() {
    for (from, to, words) in [
        (
            "impute_median",
            "impute_medain",
            ["unknown step `impute_medain`", "did you mean `impute_median`?", "p.toml:10"],
        ),
        (
            "columns = [\"x\"]",
            "colums = [\"x\"]",
            ["unknown parameter `colums`", "did you mean `columns`?", "p.toml:11"],
        ),
        ("\"ridge\"", "\"rigde\"", ["unknown model `rigde`", "did you mean `ridge`?", "p.toml:14"]),
        ("target =", "traget =", ["unknown key `traget`", "did you mean `target`?", "p.toml:7"]),
        (
            "\"ridge\"",
            "\"ridge\"\n[report]\nmetrics = [\"rsme\"]",
            ["unknown metric `rsme`", "did you mean `rmse`?", "p.toml:16"],
        ),
        ("\"ridge\"", "\"boosted_trees\"\nnum_leaves = 5", ["num_leaves", "`leaves`", "p.toml:15"]),
        (
            "\"ridge\"",
            "\"boosted_trees\"\nearly_stopping = { rounds = 5, validation = nan }",
            ["`validation` is nan or an infinity", "a number is expected", "p.toml:15"],
        ),
        (
            "\"ridge\"",
            "\"boosted_trees\"\nmin_rows = 2\nearly_stopping = { rounds = 0 }",
            ["`early_stopping.rounds`", "between 1 and", "p.toml:16"],
        ),
        ("\"ridge\"", "\"boosted_trees\"\nleaves = 1", ["`leaves` is 1", "between 2 and 32768", "p.toml:15"]),
        ("impute_median", "impute_by_median", ["unknown step", "`impute_median`", "p.toml:10"]),
        ("impute_median", "discretise_equal_width", ["unknown step", "there is `discretize_width`", "p.toml:10"]),
    ] {
        let project = project();
        project.write("p.toml", SPEC.replace(from, to));
        refused(&project, &words);
    }
}

#[test]
fn a_parameter_of_the_wrong_type_is_pointed_at() {
    let project = project();
    project.write("p.toml", SPEC.replace("\"ridge\"", "\"ridge\"\nalpha = \"much\""));
    refused(&project, &["p.toml:15", "much"]);
}

#[test]
fn a_split_names_rows_by_number_and_by_declared_id() {
    let project = project();
    project.write("data.csv", (0..5).fold("id,x,z,y\n".to_owned(), |text, n| text + &format!("\"a,{n}\",{n},1,{n}\n")));
    let head = |id: &str| {
        let said = project.run(&["split", "p.toml", "--quiet", "--set", id]).ok().out;
        said.lines().take(2).map(str::to_owned).collect::<Vec<_>>().join(" | ")
    };
    insta::assert_snapshot!(head("pipeline.seed=1"), @"row,part | 0,train");
    insta::assert_snapshot!(head("data.id=id"), @r#"row,id,part | 0,"a,0",train"#);
    insta::assert_snapshot!(head("data.id=[\"x\", \"id\"]"), @r#"row,x,id,part | 0,0,"a,0",test"#);
    // Rows that are set aside count, too, though they stand at the end of a file or are all that it has.
    project.write("part-a.csv", "x,z,y\n0,1,0\n1,1,1\n?,1,2\n");
    project.write("part-b.csv", "x,z,y\n?,1,3\n");
    project.write("part-c.csv", "x,z,y\n4,1,4\n?,1,5\n6,1,6\n");
    let contract = "[contract]\nx = { type = \"integer\", invalid = \"quarantine\" }\n[[step]]";
    project.write("p.toml", replaced(&replaced(SPEC, "data.csv", "part-*.csv"), "[[step]]", contract));
    let said = project.run(&["split", "p.toml", "--quiet"]).ok().out;
    let rows: Vec<&str> = said.lines().skip(1).map(|line| &line[..1]).collect();
    assert_eq!(rows, ["0", "1", "4", "6"], "{said}");
}

/// Rows with a list in `tags`, which no table holds.
fn nested() -> String {
    let line = |n: i32| format!("{{\"x\":{n},\"z\":{},\"tags\":[{n}],\"y\":{}}}\n", n * 7 % 17, n * 3 % 29);
    (0..100).map(line).collect()
}

#[test]
fn a_column_that_no_table_holds_has_no_role() {
    let project = project();
    project.write("data.jsonl", nested());
    let said = ["column `tags`: its values are a list, expected single values"];
    for role in ["id", "target", "group", "weight", "time", "recorded"] {
        for verb in ["check", "train", "split"] {
            let set = format!("data.{role}=tags");
            refused_by(&project, &[verb, "p.toml", "--set", "data.source=data.jsonl", "--set", &set], &said);
        }
    }
    let of_two = "data.id=[\"x\",\"tags\"]";
    refused_by(&project, &["split", "p.toml", "--set", "data.source=data.jsonl", "--set", of_two], &said);
}

#[test]
fn a_column_that_no_table_holds_is_noted_dropped_or_refused_by_the_step_that_reads_it() {
    let project = project();
    project.write("data.jsonl", nested());
    let train = |steps: &str| {
        project.write("p.toml", SPEC.replace("data.csv", "data.jsonl").replacen("[[step]]", steps, 1));
        project.run(&["train", "p.toml"])
    };
    let note = "of a type that is not read, and so no inputs: `tags` (a list)";
    assert!(train("[[step]]").ok().out.contains(note));
    let drop = "[[step]]\nuse = \"drop_columns\"\ncolumns = [\"tags\"]\n\n[[step]]";
    assert!(!train(drop).ok().out.contains(note));
    std::fs::remove_file(project.path("p.evenstep")).expect("it was written");
    project.write("p.toml", SPEC.replace("data.csv", "data.jsonl").replace("[\"x\"]", "[\"x\", \"tags\"]"));
    refused(&project, &["column `tags`: its values are a list, expected single values"]);
}

#[test]
fn steps_are_numbered_as_in_the_spec_though_the_first_only_choose_columns() {
    let project = project();
    let drop = "[[step]]\nuse = \"drop_columns\"\ncolumns = [\"z\"]\n\n[[step]]";
    project.write("p.toml", SPEC.replace("[[step]]", drop));
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let said = project.run(&["verify", "p.toml", "--quiet"]).ok().out;
    assert!(said.contains("step 2 impute_median") && !said.contains("step 1"), "{said}");
    let said = project.run(&["inspect", "p.evenstep"]).ok().out;
    assert!(said.contains("  2. impute_median"), "{said}");
}

#[test]
fn a_ranking_of_words_and_endless_repetitions_are_refused() {
    let project = project();
    let ranking = SPEC.replace("[data]", "[data]\ntask = \"ranking\"\ngroup = \"z\"");
    for kind in ["category", "text"] {
        project.write("p.toml", format!("{ranking}[contract]\ny = {{ type = \"{kind}\" }}\n"));
        refused(&project, &["of a ranking is a whole number"]);
    }
    project.write("p.toml", &ranking);
    project.write("data.csv", data() + "5,1,40\n");
    refused(&project, &["row 101", "the target `y` is 40, and that of a ranking is a whole number from 0 to 30"]);
    project.write("data.csv", data());
    project.write("p.toml", format!("{SPEC}[report]\npermutation = 4000000000\n"));
    refused(&project, &["`permutation` is 1000 at most"]);
    project.write("p.toml", SPEC.replace("[data]", "[data]\nsplit = { repeats = 3 }"));
    refused(&project, &["`repeats` is how often there are other `folds`"]);
    project.write("p.toml", SPEC.replace("[data]", "[data]\npositive = \"yes\""));
    refused(&project, &["a binary task alone has a positive class"]);
    project.write("p.toml", SPEC.replace("[data]", "[data]\nsplit = { folds = 1000000 }"));
    refused(&project, &["`folds` is 1000 at most"]);
    project.write("p.toml", SPEC.replace("[data]", "[data]\ngroup = \"g\"\nsplit = { test = 0.0, folds = 2 }"));
    project.write("data.csv", data().replace("\n", ",one\n").replacen(",one", ",g", 1));
    refused(&project, &["holds all rows", "leave `folds` out"]);
}

#[test]
fn the_ends_of_floats_and_no_row_held_out_are_told() {
    let project = project();
    project.write(
        "p.toml",
        format!("{SPEC}[report]\npermutation = 2\n").replace("[data]", "[data]\nsplit = { test = 0 }"),
    );
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let rows: String = (0..60).map(|row| format!("{row},{}e307,0\n", row % 9)).collect();
    project.write("data.csv", format!("x,y,z\n{rows}"));
    project.write("p.toml", SPEC.replace("ridge", "dummy"));
    assert!(project.run(&["train", "p.toml"]).ok().out.contains("e+307"));
}

#[test]
fn an_id_of_people_is_not_shown() {
    let project = project();
    project.write("data.csv", "n,x,y\nAnn Secret,1,2\nAnn Secret,3,4\n");
    let spec = SPEC.replace("[data]", "[data]\nid = \"n\"") + "[contract]\nn = { personal = true }\n";
    project.write("p.toml", spec);
    let said = refused(&project, &["an id stands in data.csv, row 1 and in data.csv, row 2"]);
    assert!(!said.err.contains("Secret"), "{}", said.err);
}

#[test]
fn a_column_that_is_not_there_is_named_with_a_suggestion() {
    let project = project();
    project.write("p.toml", SPEC.replace("columns = [\"x\"]", "columns = [\"zz\"]"));
    refused(&project, &["there is no column `zz`", "did you mean `z`?"]);
    project.write("p.toml", SPEC.replace("target = \"y\"", "target = \"Y\""));
    refused(&project, &["no column `Y`", "did you mean `y`?", "p.toml:7"]);
}

#[test]
fn calendar_parts_are_those_of_the_zone_in_the_contract() {
    let project = project();
    let row = |n: usize| format!("2024-05-{:02}T00:30:00Z,{n}\n", n % 28 + 1);
    project.write("data.csv", (0..60).fold("at,y\n".to_owned(), |text, n| text + &row(n)));
    let parts = "use = \"datetime_parts\"\ncolumns = \"at\"\nparts = [\"hour\"]\n\n[[step]]\nuse = \"impute_median\"\ncolumns = \"at_hour\"";
    project.write("p.toml", SPEC.replace("use = \"impute_median\"\ncolumns = [\"x\"]", parts));
    for (zone, hour) in [("UTC", 0), ("Asia/Tokyo", 9)] {
        project.run(&["train", "p.toml", "--quiet", "--set", &format!("contract.at.zone={zone}")]).ok();
        let steps = project.run(&["inspect", "p.evenstep", "--json"]).ok().json()["steps"].clone();
        assert_eq!(steps[1]["params"]["at_hour"], hour, "{steps}");
    }
}

#[test]
fn a_time_that_tells_no_time_is_refused() {
    let project = project();
    project.write("data.csv", "x,z,at,y\n1,2,3.5.2024,3\n2,1,4.5.2024,5\n3,3,4.5.2024,8\n");
    project.write("p.toml", SPEC.replace("target = \"y\"", "target = \"y\"\ntime = \"at\""));
    refused(&project, &["`time` is a date", "column `at` is of type text", "p.toml:8", "format = \"%d.%m.%Y\""]);
    refused_by(&project, &["check", "p.toml"], &["`time` is a date"]);
    let declared = r#"contract.at={ type = "date", format = "%d.%m.%Y" }"#;
    project.run(&["check", "p.toml", "--quiet", "--set", declared]).ok();
}

#[test]
fn the_target_among_the_features_is_refused() {
    let project = project();
    project.write("p.toml", SPEC.replace("columns = [\"x\"]", "columns = [\"x\", \"y\"]"));
    refused(&project, &["`y`", "target", "p.toml:10"]);
}

#[test]
fn files_that_hold_no_table_are_refused() {
    for (bytes, words) in [
        (b"".to_vec(), "empty"),
        (b"x,z,y\n".to_vec(), "no rows"),
        (b"x,z,y\n1,2,3\n4,5\n".to_vec(), "line 3"),
        (b"x,x,y\n1,2,3\n".to_vec(), "`x`"),
        (b"x,z,y\n1,\xff\xfe,3\n".to_vec(), "UTF-8"),
        (b"x,z,y\n1,2,\"3\n".to_vec(), "line"),
    ] {
        let project = project();
        project.write("data.csv", bytes);
        refused(&project, &[words]);
    }
}

#[test]
fn one_row_is_too_few() {
    let project = project();
    project.write("data.csv", "x,z,y\n1,2,3\n");
    refused(&project, &["one row only has a target `y`"]);
}

#[test]
fn an_all_missing_column_and_a_constant_target_and_a_single_class_are_refused_by_name() {
    let project = project();
    project.write("data.csv", data().replace("x,z,y", "x,z,y,w").replace('\n', ",\n").replacen("w,\n", "w\n", 1));
    refused(&project, &["`w`", "drop_columns"]);
    project.write("p.toml", format!("{SPEC}[contract]\nw = {{ type = \"number\" }}\n"));
    let said = project.run(&["check", "p.toml", "--quiet", "--set", "model.use=boosted_trees"]).ok().out;
    assert!(said.contains("without a value in any row, so that nothing is learned from them: `w`"), "{said}");
    project.write("p.toml", SPEC);
    let constant = data().lines().skip(1).fold("x,z,y\n".to_owned(), |text, line| {
        let (rest, _) = line.rsplit_once(',').expect("cells");
        format!("{text}{rest},5\n")
    });
    project.write("data.csv", constant);
    refused(&project, &["the target `y` is `5` in all 100 rows"]);
    project.write(
        "p.toml",
        SPEC.replace("target = \"y\"", "target = \"y\"\ntask = \"binary\"").replace("ridge", "logistic_regression"),
    );
    refused(&project, &["`y`", "nothing to learn"]);
}

#[test]
fn rows_without_a_target_are_left_out_and_counted() {
    let project = project();
    let whole = data();
    let rows = whole.lines().enumerate().map(|(at, line)| {
        let (rest, _) = line.rsplit_once(',').expect("cells");
        if at % 10 == 3 { format!("{rest},\n") } else { format!("{line}\n") }
    });
    project.write("data.csv", rows.collect::<String>());
    let said = project.run(&["train", "p.toml", "--json", "--quiet"]).ok().json();
    assert_eq!(said["rows"], 90);
    assert!(said["notes"].to_string().contains("left out for want of a target: 10 rows"), "{}", said["notes"]);
}

#[test]
fn ids_that_are_missing_or_not_unique_are_located() {
    let project = project();
    project.write("p.toml", SPEC.replace("target = \"y\"", "target = \"y\"\nid = \"z\""));
    refused(&project, &["stands in", "data.csv, row", "p.toml:8"]);
    project.write("data.csv", "x,z,y\n1,1,3\n2,,4\n3,3,7\n");
    refused(&project, &["data.csv, row 2", "has no id"]);
}

#[test]
fn cells_that_break_the_contract_are_located_and_check_counts_them() {
    let project = project();
    project.write(
        "p.toml",
        format!("{SPEC}[contract]\nx = {{ type = \"number\", min = 0 }}\nz = {{ type = \"number\" }}\n"),
    );
    project.write("data.csv", data().replacen("\n1,7,", "\n1,seven,", 1));
    refused(&project, &["data.csv", "row 2", "`z`", "`seven`"]);
    let checked = project.run(&["check", "p.toml", "--json", "--quiet"]);
    assert_eq!(checked.code, 1, "{}", checked.err);
    assert_eq!(checked.json()["columns"]["z"]["breaches"]["invalid"]["count"], 1);
    project.write("p.toml", SPEC.to_owned() + "[contract]\nz = { type = \"number\", invalid = \"null\" }\n");
    project.run(&["train", "p.toml", "--quiet", "--set", "step.0.columns=[\"x\", \"z\"]"]).ok();
}

#[test]
fn a_feature_store_that_cannot_be_asked_is_told() {
    let project = project();
    for verb in ["check", "train"] {
        let said = project.run(&[verb, "p.toml", "--quiet", "--set", "contract.z.available=store"]).ok().out;
        assert!(said.contains("no feature store can be asked yet, so requests must bring z"), "{said}");
    }
}

#[test]
fn missing_files_are_told_apart_from_unreadable_ones() {
    let project = project();
    refused_by(&project, &["train", "q.toml"], &["`q.toml` can't be read", "evenstep init"]);
    refused_by(
        &project,
        &["train", "data.csv"],
        &["`data.csv` is a data file", "evenstep init data.csv --target COLUMN"],
    );
    project.write("p.toml", SPEC.replace("data.csv", "dta.csv"));
    refused(&project, &["dta.csv", "did you mean"]);
    refused_by(&project, &["score", "p.evenstep", "--input", "data.csv"], &["`p.evenstep` can't be read"]);
}

#[test]
fn a_truncated_or_changed_bundle_is_refused() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet", "--output", "b.evenstep"]).ok();
    let bytes = std::fs::read(project.path("b.evenstep")).expect("written");
    for cut in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        project.write("cut.evenstep", &bytes[..cut]);
        refused_by(&project, &["score", "cut.evenstep", "--input", "data.csv"], &["cut.evenstep"]);
        let said = project.run(&["verify", "cut.evenstep", "--json"]);
        assert_eq!((said.code, &said.json()["equal"]), (1, &false.into()), "damage is a no: {}", said.err);
    }
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    project.write("changed.evenstep", changed);
    refused_by(&project, &["inspect", "changed.evenstep"], &["changed.evenstep"]);
    let said = project.run(&["verify", "changed.evenstep"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.out.contains("DIFFERS  bundle"), "{}", said.out);
    refused_by(&project, &["verify", "none.evenstep"], &["`none.evenstep` can't be read"]);
}

#[test]
fn frozen_takes_only_the_lock_that_is_committed() {
    let project = project();
    let git = |args: &[&str]| {
        let own = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
        let mut git = Command::new("git");
        let status = git.args(own).args(args).current_dir(project.path(".")).stdout(Stdio::null()).status();
        assert!(status.expect("git runs").success(), "git {args:?}");
    };
    let frozen = |code: i32, word: &str| {
        let said = project.run(&["verify", "p.toml", "--frozen", "--quiet"]);
        assert_eq!(said.code, code, "{}\n{}", said.out, said.err);
        assert!(said.err.contains(word), "no `{word}` in:\n{}", said.err);
    };
    frozen(1, "`p.lock` can't be read");
    project.run(&["train", "p.toml", "--quiet"]).ok();
    frozen(0, "");
    let told = |json: Value| json["not_proved"].to_string().contains("in no git repository");
    assert!(told(project.run(&["verify", "p.toml", "--frozen", "--json", "--quiet"]).json()));
    assert!(!told(project.run(&["verify", "p.toml", "--json", "--quiet"]).json()));
    git(&["init", "--quiet"]);
    frozen(1, "`p.lock` is not committed");
    git(&["add", "p.lock"]);
    git(&["commit", "--quiet", "--message=Train"]);
    frozen(0, "");
    project.run(&["train", "p.toml", "--quiet", "--threads", "1"]).ok();
    frozen(0, "");
    project.write("p.lock", project.read("p.lock").replace("seed = 1", "seed = 2"));
    frozen(1, "is not as it was committed");
    // Who can't ask git doesn't know.
    for (name, value) in [("PATH", "/nonexistent"), ("GIT_DIR", "/nonexistent")] {
        let mut verify = project.command(&["verify", "p.toml", "--frozen", "--quiet"]);
        let said = said(verify.env(name, value).output().expect("the program starts"));
        assert_eq!(said.code, 1, "{name}: {}\n{}", said.out, said.err);
        assert!(said.err.contains("isn't known: git fails"), "{}", said.err);
    }
    let said = project.run(&["verify", "p.evenstep", "--frozen"]);
    assert!(said.code == 2 && said.err.contains("`--frozen` goes with a spec"), "{}", said.err);
}

/// A repository that came with the folder runs nothing, and is asked all the same whether anything was changed.
#[test]
#[cfg(unix)]
fn a_training_runs_no_program_that_a_repository_names() {
    let project = project();
    let git = |args: &[&str]| {
        let own = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
        let git = Command::new("git").args(own).args(args).current_dir(project.path("")).output().expect("git runs");
        assert!(git.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&git.stderr));
    };
    let dirty = || {
        project.run(&["train", "p.toml", "--quiet"]).ok();
        project.read("p.lock").lines().find_map(|line| line.strip_prefix("dirty = ").map(str::to_owned))
    };
    git(&["init", "--quiet"]);
    project.write(".gitignore", "p.*\n!p.toml\n.evenstep\nran\n");
    project.write(".gitattributes", "data.csv filter=evil\n");
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message=Begin"]);
    assert_eq!(dirty().as_deref(), Some("false"));
    let run = format!("touch {}; false", project.path("ran").display());
    for key in ["core.fsmonitor", "filter.evil.clean", "filter.evil.process"] {
        git(&["config", key, &run]);
    }
    git(&["config", "filter.evil.required", "true"]);
    std::fs::create_dir(project.path("hooks")).expect("the folder is ours");
    let hook = project.write("hooks/post-index-change", format!("#!/bin/sh\n{run}\n"));
    std::fs::set_permissions(hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
    std::fs::write(project.path(".git/info/exclude"), "hooks\n").expect("the folder is ours");
    git(&["config", "core.hooksPath", "hooks"]);
    // Git looks into what was touched.
    project.write("data.csv", project.read("data.csv"));
    assert_eq!((dirty().as_deref(), project.path("ran").exists()), (Some("false"), false));
    project.write("data.csv", project.read("data.csv") + "1,2,3\n");
    assert_eq!((dirty().as_deref(), project.path("ran").exists()), (Some("true"), false));
    project.run(&["verify", "p.toml", "--frozen"]);
    assert!(!project.path("ran").exists());
}

#[test]
fn score_refuses_a_missing_column_by_name_and_does_not_care_about_order() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet", "--output", "b.evenstep"]).ok();
    project.write("new.csv", "zz,x\n1,2\n");
    refused_by(
        &project,
        &["score", "b.evenstep", "--input", "new.csv"],
        &["column `z` is missing", "did you mean `zz`?"],
    );
    project.write("a.csv", "x,z\n1,2\n3,4\n");
    project.write("b.csv", "more,z,x\n7,2,1\n8,4,3\n");
    let scores = |input: &str| project.run(&["score", "b.evenstep", "--input", input, "--quiet"]).ok();
    assert_eq!(scores("a.csv").out, scores("b.csv").out);
    assert_eq!(scores("b.csv").err, "", "quiet is quiet");
    let dash = project.run(&["score", "b.evenstep", "--input", "a.csv", "-o", "-", "--quiet"]).ok();
    assert_eq!(dash.out, scores("a.csv").out, "`-` is stdout");
    let late = (0..40_000).fold("x,z\n".to_owned(), |text, n| text + if n == 39_999 { "1,two\n" } else { "1,2\n" });
    project.write("late.csv", late);
    let said = refused_by(&project, &["score", "b.evenstep", "--input", "late.csv"], &["row 40000", "`two`"]);
    assert_eq!(said.out, "", "nothing is printed before all rows are acceptable");
}

#[test]
fn explain_says_which_models_it_can_explain() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let args = ["explain", "p.evenstep", "--input", "data.csv", "--output", "reasons.csv"];
    let said = project.run(&args);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("`ridge` can't say what each feature adds"), "{}", said.err);
    assert!(said.err.contains("`boosted_trees`"), "{}", said.err);
    assert!(!project.path("reasons.csv").exists());
    let spec = SPEC.replace("ridge", "boosted_trees");
    project.write("p.toml", spec);
    project.run(&["train", "p.toml", "--quiet"]).ok();
    project.write("short.csv", "x\n1\n");
    let said = project.run(&["explain", "p.evenstep", "--input", "short.csv", "--output", "reasons.csv"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains('z'), "{}", said.err);
    assert!(!project.path("reasons.csv").exists(), "nothing is written unless all rows are acceptable");
    project.write("none.csv", "x,z\n");
    project.run(&["explain", "p.evenstep", "--input", "none.csv", "--output", "reasons.csv"]).ok();
    assert_eq!(project.read("reasons.csv").lines().count(), 1);
    project.run(&args).ok();
    assert_eq!(project.read("reasons.csv").lines().count(), 101);
}

#[test]
fn output_that_cannot_be_written_is_an_error_and_the_old_files_stay() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet", "--output", "b.evenstep"]).ok();
    let said = project.run(&["train", "p.toml", "--quiet", "--output", "no/such/folder/b.evenstep"]);
    assert_eq!(said.code, 2, "{}", said.err);
    let said = project.run(&["score", "b.evenstep", "--input", "data.csv", "--output", "scores.xyz"]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("scores.xyz"), "{}", said.err);
}

#[test]
fn what_is_read_is_not_written_over() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    project.write("p.quarantine.jsonl", "{\"x\":1,\"z\":2,\"y\":3}\n");
    let read = ["p.toml", "data.csv", "p.evenstep", "p.quarantine.jsonl"]
        .map(|name| (name, std::fs::read(project.path(name)).expect("it is there")));
    let score = ["score", "p.evenstep", "--input", "data.csv"];
    for args in [
        &[&score[..], &["--output", "data.csv"]].concat()[..],
        &[&score[..], &["--output", "./p.evenstep"]].concat(),
        &[&score[..], &["--output", "s.csv", "--trace", "s.csv"]].concat(),
        &["report", "p.evenstep", "--output", "p.evenstep"],
        &["split", "p.toml", "--output", "data.csv"],
        &["split", "p.toml", "--set", "data.source=*.csv", "--output", "data.csv"],
        &["train", "p.toml", "--set", "data.source=*.jsonl"],
        &["train", "p.toml", "--output", "p.toml"],
        &["train", "p.toml", "--output", "data.csv"],
        &["diff", "p.toml", "p.evenstep", "--html", "p.toml"],
        &["diff", ".", "p.evenstep", "--html", "p.trace"],
        &["init", "data.csv", "--target", "y", "--output", "data.csv", "--force"],
        &["init", "data.csv", "--target", "y", "--output", "p.lock", "--force"],
        &["contract", "p.evenstep", "--output", "p.evenstep"],
        &["contract", "p.toml", "--output", "data.csv"],
        &["serve", "p.evenstep", "--listen", "127.0.0.1:0", "--trace", "p.evenstep"],
    ] {
        let said = project.run(args);
        let told = ["can't be written: it is", "is no name for"].iter().any(|words| said.err.contains(words));
        assert!(said.code == 2 && told, "{args:?}: {}", said.err);
        for (name, bytes) in &read {
            assert!(std::fs::read(project.path(name)).expect("it is there") == *bytes, "{args:?} changed {name}");
        }
    }
}

/// `/dev/full` takes nothing.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_is_lost_on_its_way_out_is_an_error() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let into = |to: Stdio, args: &[&str]| {
        let output = project.command(args).stdout(to).output().expect("the program starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let score: &[&str] = &["score", "p.evenstep", "--input", "data.csv", "--quiet"];
    for args in [score, &["inspect", "p.evenstep"], &["check", "p.toml", "--json"], &["schema"], &["sbom"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
        let (code, said) = into(full.into(), args);
        assert_eq!(code, Some(2), "{args:?}: {said}");
        assert!(said.contains("stdout can't be written") && said.contains("No space left"), "{args:?}: {said}");
        // A reader that went away has what it wanted.
        let (gone, pipe) = std::io::pipe().expect("a pipe");
        drop(gone);
        assert_eq!(into(pipe.into(), args).0, Some(0), "{args:?}");
    }
}

#[test]
fn outputs_are_called_like_the_pipeline_and_out_leaves_the_committed_lock_alone() {
    let project = project();
    project.write("q.toml", SPEC.replace("name = \"p\"", "name = \"houses v1.2\""));
    project.run(&["train", "q.toml", "--quiet"]).ok();
    let lock = project.read("q.lock");
    std::fs::create_dir(project.path("trials")).expect("the folder is ours");
    for (out, stem) in
        [("trial.evenstep", "trial"), ("trials", "trials/houses v1.2"), ("trials/", "trials/houses v1.2")]
    {
        project.run(&["train", "q.toml", "--quiet", "--set", "pipeline.seed=2", "--output", out]).ok();
        for extension in ["evenstep", "html", "lock"] {
            let path = project.path(&format!("{stem}.{extension}"));
            assert!(std::fs::remove_file(&path).is_ok(), "--output {out} writes {}", path.display());
        }
    }
    for written in ["houses v1.2.evenstep", "houses v1.2.html"] {
        assert!(project.path(written).exists(), "{written}");
    }
    assert_eq!(project.read("q.lock"), lock);
    let said = project.run(&["train", "q.toml", "--quiet", "--output", "trial.lock"]);
    assert_eq!(said.code, 2, "{}", said.err);
}

#[test]
fn a_folder_that_is_not_there_is_told_before_anything_is_done() {
    let project = project();
    for out in ["absent/", "absent/p.evenstep"] {
        refused_by(
            &project,
            &["train", "p.toml", "--set", "data.source=absent.csv", "--output", out],
            &["there is no folder `absent`"],
        );
    }
}

#[test]
fn what_is_named_in_place_of_something_else_is_told() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    for (args, words) in [
        (&["inspect", "p.toml"][..], ["is a spec", "`evenstep train p.toml`"]),
        (&["check", "p.evenstep"], ["is a bundle", "`evenstep inspect p.evenstep`"]),
        (&["score", "p.evenstep", "--input", "/dev/null"], ["a pipe or a device", "write them to a file"]),
        (&["verify", "p.evenstep", "--shuffle"], ["the data aren't named", "`--data FILE`"]),
        (&["verify", "p.evenstep", "--set", "model.l2=1"], ["goes with a spec", "as it was trained"]),
        (&["image", "p.evenstep"], ["`--output image.tar`", "`--push"]),
        (&["image", "p.evenstep", "--output", "p.evenstep"], ["it is read", "another file"]),
        (&["image", "p.evenstep", "--output", "data.csv"], ["is no name for an image", "`.tar`"]),
        (&["report", "p.evenstep", "--output", "p.toml"], ["is no name for a page", "`.html`"]),
        (&["score", "p.evenstep", "--input", "data.csv", "--trace", "p.toml"], ["is no name for a trace", "`.trace`"]),
        (
            &["score", "p.evenstep", "--input", "data.csv", "--output", "s.csv", "--trace", "s.csv.quarantine.jsonl"],
            ["is written already", "another file"],
        ),
        (&["serve", "p.evenstep", "--trace", "data.csv"], ["is no name for a trace", "`.trace`"]),
        (&["serve"], ["nothing to serve", "`--config FILE`"]),
        (&["serve", "p.evenstep", "--listen", "8080"], ["HOST:PORT", "localhost:8080"]),
    ] {
        let said = project.run(args);
        assert_eq!(said.code, 2, "{args:?}: {}", said.err);
        for word in words {
            assert!(said.err.contains(word), "{args:?}: no `{word}` in {}", said.err);
        }
    }
}

#[test]
fn machines_are_told_in_json() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let told = |args: &[&str]| project.run(args).json();
    assert_eq!(told(&["check", "p.toml", "--json", "--set", "model.ll2=1"])["error"]["file"], "p.toml");
    let error = told(&["check", "p.toml", "--json", "--set", "model.ll2=1"])["error"].clone();
    assert_eq!((&error["line"], error["column"].is_u64()), (&15.into(), true), "{error}");
    assert!(told(&["chekc", "--json"])["error"]["message"].as_str().is_some_and(|said| said.contains("'check'")));
    assert!(told(&["report", "p.evenstep", "--json"])["page"].as_str().is_some_and(|page| page.starts_with("<!")));
    let rows = project.run(&["score", "p.evenstep", "--input", "data.csv", "--json", "--quiet"]).ok().out;
    let rows: Vec<serde_json::Value> = rows.lines().map(|row| row.parse().expect("a row is JSON")).collect();
    assert_eq!(rows.len(), 100);
    assert!(rows[0]["prediction"].is_f64(), "{}", rows[0]);
    project.run(&["split", "p.toml", "--output", "split.jsonl"]).ok();
    assert!(project.read("split.jsonl").starts_with("{\"row\":"));
}

#[test]
fn machines_are_told_the_place_that_people_are_told() {
    let project = project();
    let error = |args: &[&str]| {
        let said = project.run(&[args, &["--json", "--quiet"]].concat());
        assert_eq!(said.code, 2, "{args:?}: {}", said.err);
        said.json()["error"].take()
    };
    for verb in ["check", "train", "verify", "split", "contract", "mock"] {
        assert_eq!(error(&[verb, "none.toml"])["file"], "none.toml", "{verb}");
        project.write("latin.toml", b"# gr\xf6\xdfe\n");
        if verb != "verify" {
            assert_eq!(error(&[verb, "latin.toml"])["file"], "latin.toml", "{verb}");
        }
    }
    for (data, named) in [("none.csv", "no file `none.csv`"), ("none-*.csv", "no file `none-*.csv`")] {
        let told = error(&["train", "p.toml", "--set", &format!("data.source={data}")]);
        assert_eq!((&told["file"], &told["message"]), (&data.into(), &named.into()));
    }
    let contract = "[contract]\nz = { type = \"integer\", max = 3, out_of_range = \"reject\" }\n[[step]]";
    project.write("p.toml", replaced(SPEC, "[[step]]", contract));
    let told = error(&["train", "p.toml"]);
    assert_eq!((&told["file"], &told["line"], &told["column"]), (&"data.csv".into(), &Value::Null, &"z".into()));
    let cells = told["cells"].as_array().expect("cells");
    insta::assert_snapshot!(cells[0], @r#"{"file":"data.csv","row":2,"column":"z","value":"7","rule":"max"}"#);
    assert_eq!(cells.len(), 10);
    project.write(
        "p.toml",
        replaced(SPEC, "[[step]]", "[contract]\n\"größe漢字\" = { type = \"number\", mni = 3 }\n[[step]]"),
    );
    let told = error(&["check", "p.toml"]);
    let place = format!("[p.toml:{}:{}]", told["line"], told["column"]);
    assert!(project.run(&["check", "p.toml"]).err.contains(&place), "{place}");
}

#[test]
fn a_contract_that_goes_into_a_file_is_told_to_machines() {
    let project = project();
    let told = project.run(&["contract", "p.toml", "--output", "c.json", "--json"]).ok().json();
    assert_eq!(told, serde_json::json!({ "contract": "c.json" }));
    assert!(project.read("c.json").starts_with('{'));
}

#[test]
fn what_a_training_can_make_nothing_of_is_told() {
    let project = project();
    project.write("p.toml", SPEC.replace("[[step]]\nuse = \"impute_median\"\ncolumns = [\"x\"]\n", ""));
    project.write("data.csv", "y\n1\n2\n3\n4\n");
    refused(&project, &["no column is left to learn from"]);
    let rows = (0..100)
        .fold("g,x,amount,y\n".to_owned(), |text, n| text + &format!("a,{},\"{},5 €\",{}\n", n % 13, n % 7, n % 5));
    project.write("data.csv", rows);
    project.write(
        "p.toml",
        project
            .read("p.toml")
            .replace("[data]", "[data]\nsplit = { test = 0.2, seed = 3 }\ngroup = \"g\"")
            .replace("ridge", "dummy"),
    );
    let said = project.run(&["train", "p.toml"]).ok().out;
    assert!(said.contains("`amount` is read as text") && said.contains("100 of its 100 values"), "{said}");
    assert!(said.contains("judged on no row") && said.contains("which are held out whole"), "{said}");
}

/// A bundle of which most are short names, each of which is some dozen times larger in memory.
#[test]
fn twenty_thousand_levels_train() {
    let project = project();
    let rows = (0..40_000).fold("x,y\n".to_owned(), |mut text, n| {
        writeln!(text, "k{},{}", n % 19_999, n % 7).expect("a string takes what is written");
        text
    });
    project.write("data.csv", rows);
    let steps = "use = \"target_encode\"\ncolumns = [\"x\"]\n\n[[step]]\nuse = \"standard_scale\"";
    project.write("p.toml", SPEC.replace("use = \"impute_median\"", steps));
    project.run(&["train", "p.toml", "--quiet"]).ok();
    project.run(&["score", "p.evenstep", "--input", "data.csv", "--quiet"]).ok();
}

#[test]
fn tables_of_many_columns_or_classes_make_bundles_that_load() {
    let train = |columns: usize, rows: usize, cell: &dyn Fn(usize) -> String, target: &dyn Fn(usize) -> String| {
        let names: Vec<String> = (0..columns).map(|n| format!("c{n}")).collect();
        let mut csv = format!("id,{},y\n", names.join(","));
        for row in 0..rows {
            let cells: Vec<String> = (0..columns).map(|column| cell(row * 31 + column * 7 + row / 3)).collect();
            csv.push_str(&format!("{row},{},{}\n", cells.join(","), target(row)));
        }
        let project = Project::new();
        project.write("data.csv", csv);
        let spec = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\nid = \"id\"\ntarget = \"y\"\n[model]\nuse = \"dummy\"\n";
        project.write("p.toml", spec);
        project.run(&["train", "p.toml", "--quiet"]).ok();
        project.run(&["verify", "p.evenstep"]).ok();
    };
    let number = |row: usize| format!("{}.5", row % 17);
    // What is read of these takes the most memory for the bytes of its bundle.
    train(1_409, 40, &|n| if n.is_multiple_of(3) { String::new() } else { "1".to_owned() }, &number);
    train(1_409, 20, &|n| ["a", "b", "c"][n % 3].to_owned(), &number);
    train(2_817, 20, &|n| (n % 100).to_string(), &number);
    for classes in [257, 1_000] {
        train(1, 2 * classes, &|n| (n % 10).to_string(), &|row| format!("k{}", row % classes));
    }
}

#[test]
fn ten_thousand_columns_train() {
    let project = project();
    let names: Vec<String> = (0..10_000).map(|n| format!("c{n}")).collect();
    let mut text = names.join(",") + ",y\n";
    for row in 0..40_u64 {
        for n in 0..10_000_u64 {
            write!(text, "{},", (row * 31 + n * 17) % 97).expect("a string takes what is written");
        }
        writeln!(text, "{}", row * 7 % 11).expect("a string takes what is written");
    }
    project.write("data.csv", text);
    project.write("p.toml", SPEC.replace("\"x\"", "\"c1\"").replace("\"ridge\"", "\"boosted_trees\"\ntrees = 2"));
    project.run(&["train", "p.toml", "--quiet"]).ok();
}

#[test]
fn a_bound_of_a_column_with_a_word_in_it_says_where_the_word_stands() {
    let project = Project::new();
    let age = |n: u32| if n == 40 { "twelve".to_owned() } else { (n % 60).to_string() };
    let rows: String = (0..200).map(|n| format!("{n},{},{}\n", age(n), n * 3 % 11)).collect();
    project.write("data.csv", format!("id,age,y\n{rows}"));
    let spec = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\nid = \"id\"\ntarget = \"y\"\n[model]\nuse = \"boosted_trees\"\n[contract]\nage = { min = 0 }\n";
    project.write("p.toml", spec);
    let said = project.run(&["check", "p.toml"]);
    let told = said.err.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    assert!(said.code == 2 && told.contains("would be of type integer, but for 1 cell (`twelve`)"), "{told}");
    assert!(told.contains("it begins in data.csv, row 41"), "{told}");
}

#[cfg(unix)]
#[test]
fn data_behind_a_link_keep_the_name_they_were_given() {
    let project = Project::new();
    std::fs::create_dir(project.path("cache")).expect("the folder is ours");
    let rows: String = (0..60).map(|n| format!("{n},{},{}\n", n % 7, n * 3 % 11)).collect();
    project.write("cache/abcdef", format!("id,x,y\n{rows}"));
    std::os::unix::fs::symlink("cache/abcdef", project.path("data.csv")).expect("the folder is ours");
    project.run(&["init", "data.csv", "--target", "y", "--quiet"]).ok();
    assert!(project.read("pipeline.toml").contains("source = \"data.csv\""), "{}", project.read("pipeline.toml"));
    project.run(&["train", "--quiet"]).ok();
}

#[test]
fn what_would_be_refused_after_a_training_is_known_before_it() {
    let project = Project::example("titanic");
    project.run(&["train", "--quiet"]).ok();
    let lock = project.read("pipeline.lock");
    let check = |args: &[&str], code: i32, told: &str| {
        let said = project.run(&[&["train", "--set", "pipeline.seed=9"], args].concat());
        assert!(said.code == code && said.err.contains(told), "{args:?}: {} {}", said.code, said.err);
        assert!(!said.err.contains("evaluate"), "{args:?} trains: {}", said.err);
        assert_eq!(project.read("pipeline.lock"), lock);
    };
    check(&["--contract", "no.json"], 2, "`no.json`");
    std::fs::remove_file(project.path("pipeline.lock")).expect("it was written");
    let said = project.run(&["train", "--frozen"]);
    assert!(said.code == 1 && said.err.contains("train once without `--frozen`"), "{}", said.err);
    assert!(!said.err.contains("evaluate"), "{}", said.err);
}

#[cfg(unix)]
#[test]
fn a_training_that_is_killed_leaves_the_old_files() {
    let project = Project::example("houses");
    project.run(&["train", "pipeline.toml", "--quiet"]).ok();
    let files =
        || ["houses.evenstep", "pipeline.lock", "houses.html"].map(|name| std::fs::read(project.path(name)).ok());
    let old = files();
    for milliseconds in [5, 40, 150, 400] {
        let mut child = project
            .command(&["train", "pipeline.toml", "--quiet", "--set", "pipeline.seed=5"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        // A slow host is killed before it writes, a fast one may be done: old or new, and whole.
        let finished = child.try_wait().expect("it runs").is_some();
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        if finished {
            project.run(&["verify", "houses.evenstep", "--quiet"]).ok();
            return;
        }
        let now = files();
        let whole = now.iter().zip(&old).all(|(now, old)| now == old);
        assert!(whole || project.run(&["verify", "houses.evenstep", "--quiet"]).code == 0);
    }
}

#[test]
fn an_error_that_nobody_reads_is_no_panic() {
    let project = Project::new();
    let mut child = project.command(&["check", "missing.toml"]).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(2));
}

#[test]
fn a_glob_that_the_shell_took_apart_is_told() {
    let project = Project::new();
    project.write("a.csv", "x,y\n1,2\n");
    project.write("b.csv", "x,y\n1,2\n");
    let said = project.run(&["init", "a.csv", "b.csv", "--target", "y"]);
    assert_eq!(said.code, 2, "{}", said.out);
    assert!(said.err.contains("unexpected argument 'b.csv'") && said.err.contains("in quotes"), "{}", said.err);
    assert!(!project.run(&["init", "a.csv", "c.csv", "--target", "y"]).err.contains("in quotes"));
}

#[test]
fn a_slip_in_a_column_of_numbers_is_named() {
    let project = Project::new();
    let rows = |at: usize, cell: &str, y: &str| {
        let x = |n: usize| if n == at { cell.to_owned() } else { format!("{n}.5") };
        let y = |n: usize| if n == at { y.to_owned() } else { format!("{}.25", n * 7 % 113) };
        (0..300).map(|n| format!("{},{},{}\n", x(n), n % 13, y(n))).collect::<String>()
    };
    let spec = |more: &str| {
        format!(
            "[pipeline]\nname = \"p\"\nseed = 0\n[data]\nsource = \"d.csv\"\ntarget = \"y\"\n{more}[model]\nuse = \"boosted_trees\"\n"
        )
    };
    project.write("d.csv", format!("lot.area,z,y\n{}", rows(5, "31 sqft", "1")));
    project.write("p.toml", spec(""));
    let line = "[contract] \"lot.area\" = { type = \"number\", invalid = \"null\" }";
    for verb in ["train", "check"] {
        let said = project.run(&[verb, "p.toml", "--quiet"]);
        assert_eq!(said.code, 2, "{}", said.out);
        assert!(said.err.contains("but for 1 cell (`31 sqft`)") && said.err.contains(line), "{}", said.err);
        assert!(said.err.contains("; it begins in d.csv, row 6"), "{}", said.err);
    }
    // A row needs its id.
    project.write("p.toml", spec("id = \"lot.area\"\n"));
    let said = project.run(&["check", "p.toml", "--quiet"]);
    let line = line.replace("\"null\"", "\"quarantine\"");
    assert!(said.out.contains(&line) || said.err.contains(&line), "{}{}", said.out, said.err);
    project.write("p.toml", spec(""));
    project.write("d.csv", format!("x,z,y\n{}", rows(5, "1", "abc")));
    let said = project.run(&["train", "p.toml", "--quiet"]);
    assert_eq!(said.code, 2, "{}", said.out);
    assert!(said.err.contains("the target `y` would be of type number, but for 1 cell (`abc`)"), "{}", said.err);
    // So it is where the spec says that a number is predicted, and of how many values ever.
    project.write("p.toml", spec("task = \"regression\"\n"));
    let many: String =
        (0..1500).map(|n| format!("{n},{}\n", if n == 99 { "cheap".into() } else { format!("{n}.5") })).collect();
    for data in [project.read("d.csv"), format!("x,y\n{many}")] {
        project.write("d.csv", data);
        let said = project.run(&["check", "p.toml", "--quiet"]);
        assert_eq!(said.code, 2, "{}", said.out);
        assert!(
            said.err.contains("but for 1 cell (`") && said.err.contains("; it begins in d.csv, row "),
            "{}",
            said.err
        );
    }
    project.write("p.toml", spec(""));
    project.write("d.csv", format!("x,z,y\n{}", rows(5, "1", "abc")));
    // However many are none.
    project.write("d.csv", project.read("d.csv").replace("3.25\n", "absent\n"));
    let said = project.run(&["train", "p.toml", "--quiet"]);
    assert!(said.err.contains("the target `y` would be of type number, but for") && said.code == 2, "{}", said.err);
    // Nobody is told what is personal.
    project.write("p.toml", spec("[contract]\ny = { personal = true }\n"));
    assert!(!project.run(&["train", "p.toml", "--quiet"]).err.contains("abc"));
    project.write("p.toml", spec("[contract]\ny = { type = \"number\", invalid = \"null\" }\n"));
    project.run(&["train", "p.toml", "--quiet"]).ok();
}

#[test]
fn a_personal_id_is_told_of_no_refused_cell() {
    let project = Project::new();
    project.write("d.csv", "id,x,y\nZoe,a,1\nMax,2,2\nIda,3,3\n");
    project.write(
        "p.toml",
        "[pipeline]\nname = \"p\"\nseed = 0\n[data]\nsource = \"d.csv\"\ntarget = \"y\"\nid = \"id\"\ntask = \"regression\"\n[contract]\nid = { type = \"text\", personal = true }\nx = { type = \"number\", invalid = \"quarantine\" }\n[model]\nuse = \"dummy\"\n",
    );
    let said = project.run(&["check", "p.toml", "--json"]);
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let all = said.out + &said.err + &project.read("p.quarantine.jsonl");
    assert!(all.contains("\"row\":1") && !all.contains("Zoe"), "{all}");
}

#[test]
fn names_from_data_do_nothing_to_a_terminal_and_break_no_table() {
    let project = Project::new();
    let rows = (0..60).fold(String::new(), |text, n| format!("{text}{},{},{}\n", n % 13, n * 7 % 17, n * 3 % 29));
    project.write("data.csv", format!("\"x\u{1b}[31m\",\"z\nz\u{202e}\",y\n{rows}"));
    project.write("p.toml", replaced(SPEC, "[[step]]\nuse = \"impute_median\"\ncolumns = [\"x\"]\n", ""));
    let train = project.run(&["train", "p.toml"]).ok();
    let all = [
        &["check", "p.toml"][..],
        &["contract", "p.toml"],
        &["inspect", "p.evenstep"],
        &["score", "p.evenstep", "--input", "data.csv", "--output", "s.csv"],
        &["diff", "p.toml", "p.evenstep"],
    ];
    for said in std::iter::once(train).chain(all.map(|args| project.run(args).ok())) {
        let text = said.out + &said.err;
        assert!(!text.contains(['\u{1b}', '\u{202e}']) && !text.contains("z\nz"), "{text}");
    }
    project.write("p.toml", SPEC.replace("name = \"p\"", "name = \"p\u{202e}q\""));
    let said = project.run(&["train", "p.toml"]);
    assert!(said.code == 2 && said.err.contains("turns the order of letters"), "{}", said.err);
}

#[test]
fn files_that_are_scored_may_have_columns_of_their_own() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    project.write("in-1.csv", "x,z\n1,2\n");
    project.write("in-2.csv", "z,x,more\n2,1,5\n");
    let said = project.run(&["score", "p.evenstep", "--input", "in-*.csv"]).ok();
    assert!(said.out.lines().count() == 3 && said.err.contains("ignored: more"), "{}\n{}", said.out, said.err);
}

#[test]
fn what_is_set_aside_is_named_by_the_whole_name_of_the_scores() {
    let project = project();
    let spec = replaced(SPEC, "[[step]]", "[contract]\nx = { type = \"number\", invalid = \"quarantine\" }\n[[step]]");
    project.write("p.toml", replaced(&spec, "target = \"y\"", "target = \"y\"\nid = \"id\""));
    let rows = (0..60).fold(String::new(), |text, n| format!("{text}{n},{},{},{}\n", n % 13, n * 7 % 17, n * 3 % 29));
    project.write("data.csv", format!("id,x,z,y\n{rows}"));
    project.run(&["train", "p.toml", "--quiet"]).ok();
    project.write("bad.csv", "x,z\none,2\n");
    let score =
        |input: &str| project.run(&["score", "p.evenstep", "--input", input, "--output", "p.csv", "--json"]).ok();
    let said = score("bad.csv");
    assert_eq!(said.json()["quarantine"], "p.csv.quarantine.jsonl");
    assert!(said.err.contains("the input has no `id`: rows are numbered"), "{}", said.err);
    assert!(project.read("p.csv.quarantine.jsonl").contains("invalid"));
    project.write("data.csv", format!("id,x,z,y\n{rows}60,one,2,3\n"));
    project.run(&["train", "p.toml", "--quiet"]).ok();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| project.path(name).metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!(["p.csv.quarantine.jsonl", "p.quarantine.jsonl"].map(mode), [0o600; 2], "it holds values");
        std::fs::set_permissions(project.path("p.csv.quarantine.jsonl"), PermissionsExt::from_mode(0o640))
            .expect("set");
        score("bad.csv");
        assert_eq!(mode("p.csv.quarantine.jsonl"), 0o640, "its owner has said so");
    }
    project.write("data.csv", format!("id,x,z,y\n{rows}"));
    let said = score("data.csv");
    assert_eq!((&said.json()["quarantine"], said.err.contains("the input has no")), (&Value::Null, false));
    assert_eq!(project.read("p.csv.quarantine.jsonl"), "", "what was said of other rows is gone");
}

#[test]
fn a_file_that_cant_be_used_is_named_for_machines_and_told_for_what_it_is() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    project.write("no.toml", "no policy");
    project.write("no.evenstep", "no bundle");
    project.write("no.html", "<p>");
    let told = |args: &[&str], file: &str, words: &str| {
        let said = project.run(&[args, &["--json"]].concat());
        let error = &said.json()["error"];
        assert!(said.code == 2 && error["file"] == file, "{args:?}: {error}");
        assert!(error["message"].as_str().is_some_and(|said| said.contains(words)), "{args:?}: {error}");
    };
    told(&["verify", "p.evenstep", "--policy", "no.toml"], "no.toml", "doesn't parse");
    told(&["inspect", "no.evenstep"], "no.evenstep", "doesn't begin like a bundle");
    told(&["inspect", "p.trace"], "p.trace", "is a trace, and a bundle is wanted");
    project.write("rows.csv", "x,y\n1,2\n");
    told(&["inspect", "rows.csv"], "rows.csv", "is a data file, and a bundle is wanted");
    told(&["inspect", "."], ".", "is a folder, and a bundle is wanted");
    let said = project.run(&["train", "."]);
    assert!(said.err.contains("`.` is a folder, and a spec is wanted"), "{}", said.err);
    project.write("p.lock", "no lock");
    told(&["verify", "p.toml"], "p.lock", "`p.lock`: the lock doesn't parse");
    let said = project.run(&["verify", "no.html"]);
    assert!(said.err.contains("is a page, and a spec or a bundle is verified"), "{}", said.err);
    project.write("p.evenstep.dsse.json", "{}");
    let said = project.run(&["verify", "p.evenstep.dsse.json"]);
    assert!(said.err.contains("is a file of JSON, as signatures are, and a spec or a bundle"), "{}", said.err);
    let said = project.run(&["verify", "."]);
    assert!(said.err.contains("`.` is a folder, and a spec or a bundle is verified"), "{}", said.err);
    let said = project.run(&["check", "p.toml", "--set", "pipeline.seed=18446744073709551615"]);
    assert!(said.err.contains("beyond the integers of TOML"), "{}", said.err);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", project.path("link.csv")).expect("made");
        for args in [&["--input", "link.csv"][..], &["--input", "data.csv", "--output", "link.csv"]] {
            let said = project.run(&[&["score", "p.evenstep"], args].concat());
            assert!(said.code == 2 && said.err.contains("a link to a file that isn't there"), "{}", said.err);
        }
        std::os::unix::fs::symlink("loop.csv", project.path("loop.csv")).expect("made");
        let said = project.run(&["score", "p.evenstep", "--input", "loop.csv"]);
        assert!(said.code == 2 && said.err.contains("a link that can't be followed"), "{}", said.err);
    }
}

#[test]
fn what_is_wrong_is_pointed_at_where_it_is_written() {
    let project = project();
    project.write("empty.csv", (0..100).fold("x,z,y\n".to_owned(), |text, n| text + &format!("{n},{},\n", n % 7)));
    let check = |from: &str, to: &str, words: &[&str]| {
        project.write("p.toml", replaced(SPEC, from, to));
        refused(&project, words);
    };
    check("data.csv", "empty.csv", &["the target `y` has no value in any row", "p.toml:7:10"]);
    check("[\"x\"]", "{ type = \"number\", except = [\"qq\"] }", &["`qq`", "p.toml:11:40"]);
    check("[model]\nuse = \"ridge\"\n", "", &["missing key `model`", "p.toml:1:1", "no `[model]` beside it"]);
}

#[test]
fn a_lock_is_no_spec_and_has_no_members() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let check = |args: &[&str], words: &str| {
        let said = project.run(args);
        assert!(said.code == 2 && said.err.contains(words), "{args:?}: {}", said.err);
    };
    check(&["train", "p.lock"], "`p.lock` is a lock, and a spec is wanted");
    check(&["train", "p.lock"], "such as `p.toml`");
    check(&["inspect", "p.lock", "--members"], "a lock has no members, no model and no model card");
    check(&["inspect", "p.lock", "--card"], "a lock has no members, no model and no model card");
}

#[test]
fn a_spec_is_compared_whatever_it_is_called() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    for name in ["experiment", "p.txt", "p.conf"] {
        project.write(name, SPEC);
        project.run(&["train", name, "--quiet"]).ok();
        project.run(&["diff", "p.toml", name]).ok();
    }
    let said = project.run(&["diff", "p.toml", "data.csv"]);
    assert!(said.code == 2 && said.err.contains("neither a spec, nor a lock"), "{}", said.err);
}

#[test]
fn what_goes_to_files_alone_goes_to_no_dash() {
    let project = project();
    for args in [
        &["init", "data.csv", "--target", "y", "--output", "-"][..],
        &["train", "p.toml", "--output", "-"],
        &["train", "p.toml", "--out", "-"],
        &["key", "new", "-o", "-"],
    ] {
        refused_by(&project, args, &["this goes to a file, and not to stdout", "`./-`"]);
        assert!(!project.path("-").exists() && !project.path("-.evenstep").exists(), "{args:?}");
    }
}

#[test]
fn a_number_below_zero_is_told_as_one() {
    let project = project();
    let explain = ["explain", "p.evenstep", "--input", "data.csv", "--top", "-1"];
    refused_by(&project, &explain, &["invalid value '-1' for '--top <TOP>'", "a whole number from 1"]);
    refused_by(&project, &["serve", "p.evenstep", "--shutdown-delay", "-1"], &["invalid value '-1'"]);
}

#[test]
fn an_input_without_a_name_is_told() {
    let project = project();
    let empty = ["name of the file is empty", "`data/*.csv`"];
    refused_by(&project, &["init", "", "--target", "y"], &empty);
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let said = project.run(&["score", "p.evenstep", "--input", ""]);
    assert!(said.code == 2 && empty.iter().all(|words| said.err.contains(words)), "{}", said.err);
}

#[test]
fn a_hyperparameter_out_of_range_is_told_before_the_data_are_read() {
    let project = project();
    std::fs::remove_file(project.path("data.csv")).expect("it was written");
    for (model, said) in [
        ("ridge\"\nalpha = -1.0", "`alpha` is -1, and a penalty is at least 0"),
        ("logistic_regression\"\nC = 0.0", "`C` is 0, and it is above 0"),
        ("boosted_trees\"\nleaves = 1", "`leaves` is 1, but it lies between 2 and 32768"),
        ("boosted_trees\"\nquantile = 1.5", "`quantile` is 1.5, but it is between 0 and 1"),
        ("random_forest\"\ntrees = 0", "`trees` is 0, but it lies between 1 and 100000"),
        ("extra_trees\"\ncategories = { l2 = 3.0 }", "`categories.l2` says nothing to `extra_trees`"),
        ("dummy\"\nquantile = 2.0", "`quantile` is 2: between 0 and 1 is expected"),
    ] {
        project.write("p.toml", SPEC.replace("ridge\"", model));
        refused(&project, &[said, "p.toml:"]);
    }
}

#[test]
fn a_null_that_no_model_takes_is_told_with_the_step_that_left_it() {
    let project = project();
    let log = SPEC.replace("use = \"impute_median\"\ncolumns = [\"x\"]", "use = \"log\"\ncolumns = [\"z\"]");
    project.write("p.toml", log);
    refused(&project, &["`z` is null in", "step 1 `log` gave no finite number for", "of `z`", "add `impute_median`"]);
}
