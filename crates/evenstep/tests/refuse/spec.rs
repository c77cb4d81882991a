//! What is wrong in a spec, or in how the program is called.

use serde_json::Value;

use crate::common::replaced;
use crate::{SPEC, data, project, refused, refused_by};

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
fn a_feature_store_that_cannot_be_asked_is_told() {
    let project = project();
    for verb in ["check", "train"] {
        let said = project.run(&[verb, "p.toml", "--quiet", "--set", "contract.z.available=store"]).ok().out;
        assert!(said.contains("no feature store can be asked yet, so requests must bring z"), "{said}");
    }
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
        assert_eq!((&told["file"], &told["message"]), (&"p.toml".into(), &named.into()));
        assert_eq!((&told["line"], &told["column"]), (&6.into(), &10.into()));
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
fn a_number_below_zero_is_told_as_one() {
    let project = project();
    let explain = ["explain", "p.evenstep", "--input", "data.csv", "--top", "-1"];
    refused_by(&project, &explain, &["invalid value '-1' for '--top <TOP>'", "a whole number from 1"]);
    refused_by(&project, &["serve", "p.evenstep", "--shutdown-delay", "-1"], &["invalid value '-1'"]);
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
