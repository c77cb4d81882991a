//! What was learned elsewise, and from which rows.

use serde_json::{Value, json};

use crate::common::{causes, replaced};
use crate::{SMALL, salted, small, train_in, write_small};

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

#[test]
fn rows_that_weigh_nothing_teach_nothing() {
    let project = salted();
    let spec = replaced(&replaced(SMALL, "target = \"y\"", "target = \"y\"\nweight = \"x\""), "\"dummy\"", "\"ridge\"")
        .replace("[\"u\"]", "[\"u\", \"v\"]");
    let train = |folder: &str, changed: &[(usize, &str)]| {
        let mut rows = small();
        for row in [3, 4] {
            rows[row][3] = "0".to_owned();
        }
        changed.iter().for_each(|(row, target)| rows[*row][4] = (*target).to_owned());
        train_in(&project, folder, &replaced(&spec, "\"target_encode\"", "\"one_hot\""), &rows);
    };
    train("a", &[]);
    train("b", &[(4, "29"), (6, "30")]);
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    let learned = told["causes"].as_array().into_iter().flatten().find(|cause| cause["kind"] == "learned").cloned();
    let learned = learned.expect("the model did");
    assert_eq!((&learned["rows"], &learned["likely"]), (&json!([small()[6][0]]), &json!(false)), "{told:#}");
    // Without the data nobody knows what a row weighs.
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--no-data", "--json"]).json();
    assert!(causes(&told).contains(&("learned", true)), "{told:#}");
}

#[test]
fn what_was_scored_taught_nothing() {
    let project = salted();
    let spec = replaced(SMALL, "\"dummy\"", "\"ridge\"").replace("[\"u\"]", "[\"u\", \"v\"]");
    let mut rows = small();
    train_in(&project, "a", &spec, &rows);
    rows[6][3] = "98".to_owned();
    train_in(&project, "b", &spec, &rows);
    let mut scored = small();
    write_small(&project, "one.csv", &scored);
    scored[9][3] = "18".to_owned();
    write_small(&project, "two.csv", &scored);
    for (side, data) in [("a", "one.csv"), ("b", "two.csv")] {
        let (bundle, trace) = (format!("{side}/p.evenstep"), format!("{side}/new.trace"));
        project.run(&["score", &bundle, "--input", data, "-o", "o.csv", "--trace", &trace, "--quiet"]).ok();
    }
    let told = project.run(&["diff", "a/new.trace", "b/new.trace", "--data-a", "one.csv", "--data-b", "two.csv"]).out;
    let expected = "the model learned something else, from other training data, as their fingerprints differ";
    assert!(told.contains(expected) && told.contains("likely"), "{told}");
    assert!(!told.contains("from rows or cells that differ"), "{told}");
}
