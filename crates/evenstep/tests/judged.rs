//! How a training is judged, and what it says of that.

mod common;

use common::{Project, Said};

const SPEC: &str = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"d.csv\"\nid = \"id\"\ntarget = \"y\"\n";

/// Trains on rows of `id` and these columns.
fn trained(header: &str, rows: usize, row: impl Fn(usize) -> String, spec: &str) -> (Project, Said) {
    let project = Project::new();
    let rows: String = (0..rows).map(|n| format!("{n},{}\n", row(n))).collect();
    project.write("d.csv", format!("id,{header}\n{rows}"));
    project.write("p.toml", format!("{SPEC}{spec}"));
    let said = project.run(&["train", "p.toml", "--quiet"]).ok();
    (project, said)
}

fn holds(said: &Said, words: &[&str]) {
    for word in words {
        assert!(said.out.contains(word), "no `{word}` in:\n{}", said.out);
    }
}

#[test]
fn a_quantile_is_judged_as_one() {
    let row = |n: usize| format!("{},{}", n * 37 % 101, n * 37 % 101 + n * 53 % 97);
    let (project, said) =
        trained("x,y", 400, row, "[model]\nuse = \"boosted_trees\"\nobjective = \"quantile\"\nquantile = 0.95\n");
    holds(&said, &["\n  pinball "]);
    assert!(!said.out.contains("not shown to be better"), "{}", said.out);
    let metrics = project.run(&["inspect", "p.evenstep", "--json"]).ok().json()["evaluation"]["metrics"].clone();
    assert_eq!(metrics[0]["metric"], "pinball");
    let of = |key: &str| metrics[0][key].as_f64().expect("a number");
    // Of the mean as the baseline it would be about 25.
    assert!(of("value") < of("baseline") && of("baseline") < 8.0, "{metrics}");
    let card = project.run(&["inspect", "p.evenstep", "--card"]).ok().out;
    assert!(card.contains("a baseline that always predicts the 0.95 quantile of the training target"), "{card}");
    project.run(&["report", "p.evenstep", "--output", "r.html"]).ok();
    assert!(project.read("r.html").contains("always predicts the 0.95 quantile of the training target"));
}

#[test]
fn counts_and_sizes_are_judged_by_their_deviance() {
    for (objective, metric) in
        [("poisson", "poisson_deviance"), ("gamma", "gamma_deviance"), ("tweedie", "tweedie_deviance")]
    {
        let row = |n: usize| format!("{},{}", n % 13, 1 + n % 13 + n % 3);
        let spec = format!("[model]\nuse = \"boosted_trees\"\nobjective = \"{objective}\"\n");
        let (project, _) = trained("x,y", 200, row, &spec);
        let told = project.run(&["train", "p.toml", "--quiet", "--json"]).ok().json();
        let names = told["evaluation"]["metrics"].as_array().expect("a list").iter().map(|of| &of["metric"]);
        assert_eq!(names.collect::<Vec<_>>(), [metric, "rmse", "mae", "r2"]);
        project.write("p.toml", format!("{SPEC}{spec}[report]\nmetrics = [\"mae\"]\n"));
        let named = project.run(&["train", "p.toml", "--quiet", "--json"]).ok().json();
        assert_eq!(named["evaluation"]["metrics"][0]["metric"], "mae");
    }
}

#[test]
fn folds_are_those_that_there_were_and_a_mean_says_over_how_many() {
    let spec = "group = \"g\"\nsplit = { test = 0.0, folds = 10 }\n[model]\nuse = \"dummy\"\n";
    let (project, said) = trained("x,g,y", 300, |n| format!("{},{},{}", n % 7, ["a", "b", "c"][n % 3], n % 7), spec);
    holds(&said, &["over 2 folds of the training rows:", "note: no row fell into 8 of 10 folds"]);
    let evaluation = project.run(&["inspect", "p.evenstep", "--json"]).ok().json()["evaluation"].clone();
    assert_eq!(evaluation["folds"].as_array().expect("a list").len(), 2, "two of three groups are in one fold");
    let rare = |n: usize| format!("{},{}", n % 11, if n == 3 || n == 17 { "v" } else { "u" });
    let (_, said) = trained("x,y", 40, rare, "split = { test = 0.0, folds = 5 }\n[model]\nuse = \"boosted_trees\"\n");
    holds(&said, &["over 5 folds of the training rows:", " of 5 folds\n"]);
    assert_eq!(said.out.matches("of 5 folds\n").count(), 2, "roc_auc and average_precision need both classes");
}

#[test]
fn trees_without_a_split_are_told_also_where_nothing_is_measured() {
    let row = |n: usize| format!("{},{}", n % 13, n % 13);
    let model = "[model]\nuse = \"boosted_trees\"\nmin_rows = 250\n";
    for split in ["split = { test = 0.0 }\n", ""] {
        let (_, said) = trained("x,y", 300, row, &format!("{split}{model}"));
        holds(&said, &["note: no tree has a split: one needs 250 rows on each side, by `min_rows`, and "]);
    }
}

#[test]
fn a_class_of_which_nothing_is_learned_is_told_whatever_the_model() {
    const HELD_OUT: usize = 3;
    for model in ["boosted_trees", "random_forest", "dummy", "logistic_regression"] {
        let row = |n: usize| format!("{},{}", n % 13, if n == HELD_OUT { "q" } else { ["a", "b", "c"][n % 3] });
        let (_, said) = trained("x,y", 200, row, &format!("[model]\nuse = \"{model}\"\n"));
        assert_eq!(said.out.matches("no training row is `q`, so it is not learned").count(), 1, "{}", said.out);
    }
    let row = |n: usize| format!("{},{}", n % 13, ["a", "b", "c"][n % 3]);
    let (_, said) = trained("x,y", 200, row, "[model]\nuse = \"boosted_trees\"\nclass_weights = { b = 0, c = 2 }\n");
    holds(&said, &["note: `class_weights` has 0 for `b`, so it is not learned"]);
    assert_eq!(said.out.matches("not learned").count(), 1, "{}", said.out);
    // Floats that are used as classes: many have one row each.
    let (_, said) =
        trained("x,y", 200, |n| format!("{},{n}.5", n % 13), "task = \"multiclass\"\n[model]\nuse = \"dummy\"\n");
    holds(&said, &["note: no training row is any of `", " more, so these classes are not learned"]);
    assert_eq!(said.out.matches("not learned").count(), 1, "{}", said.out);
}

#[test]
fn the_report_of_several_classes_draws_how_each_is_told_apart_and_what_promises_are_worth() {
    let row = |n: usize| format!("{},{}", n * 37 % 101, ["a", "b", "c"][(n * 37 % 101 + n % 9) / 40]);
    let (project, _) = trained("x,y", 400, row, "[model]\nuse = \"boosted_trees\"\ntrees = 9\n");
    let report = project.read("p.html");
    for part in ["id=\"roc-0-t\"", "id=\"roc-2-t\"", "id=\"calibration-t\"", "of the class that it calls"] {
        assert!(report.to_lowercase().contains(part), "no {part}");
    }
}

#[test]
fn what_a_model_learned_is_told_by_feature() {
    let (project, _) =
        trained("x,z,y", 200, |n| format!("{},{},{}", n % 13, n % 7, 2 * (n % 13)), "[model]\nuse = \"ridge\"\n");
    let told = project.run(&["inspect", "p.evenstep", "--model", "--json"]).ok().json();
    let numbers = |name: &str| told["model"]["tensors"][name].as_array().expect("a list").clone();
    assert_eq!((&told["model"]["features"], numbers("intercepts").len()), (&serde_json::json!(["x", "z"]), 1));
    let slope = numbers("coefficients")[0].as_f64().expect("a number");
    assert!((slope - 2.0).abs() < 0.1, "{slope}");
    let text = project.run(&["inspect", "p.evenstep", "--model"]).ok().out;
    let line = text.lines().find(|line| line.trim_start().starts_with("x ")).expect("a line of the feature");
    assert_eq!(line.split_whitespace().nth(1), Some(evenstep_exact::number::print_number(slope).as_str()), "{text}");
    let (project, _) =
        trained("x,y", 200, |n| format!("{},{}", n % 13, n % 13), "[model]\nuse = \"boosted_trees\"\ntrees = 3\n");
    let text = project.run(&["inspect", "p.evenstep", "--model"]).ok().out;
    assert!(text.contains("threshold") && !text.contains("coefficient"), "{text}");
}
