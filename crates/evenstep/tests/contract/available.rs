//! Features that live systems can't deliver, or may leave out.

use serde_json::Value;

use crate::common::Project;
use crate::{FIRST, LATER, data, trained};

#[test]
fn no_model_learns_from_what_nobody_can_send() {
    let project = trained();
    std::fs::remove_file(project.path("rents.evenstep")).expect("it was written");
    for verb in ["check", "train"] {
        let said = project.run(&[verb, "p.toml", "--quiet", "--set", "contract.city.available=no"]);
        assert_eq!(said.code, 2, "{}", said.out);
        let told: Vec<&str> = said.err.lines().filter(|line| line.contains('×') || line.contains("help:")).collect();
        let told = told.join("\n");
        // What is lost without it is known by the training of before.
        let lost = "; without it rmse was 164.81764, and 164.75304 with it, by the training of `p.lock`";
        assert_eq!(told.contains(lost), verb == "check", "{told}");
        insta::allow_duplicates! { insta::assert_snapshot!(told.replace(lost, ""), @r#"
        × column `city` is not available when predicting, and the model would learn from it, through step 2 `impute_most_frequent`, step 3 `one_hot`
        help: drop it before any other step: use = "drop_columns", columns = ["city"]; or say where it comes from: city = { available = "request" }
        "#) };
        assert!(!project.path("rents.evenstep").exists());
    }
    let said = project.run(&["check", "p.toml", "--quiet", "--set", "contract.area.available=no"]);
    assert!(said.err.contains("through step 4 `impute_median`"), "{}", said.err);
    assert!(said.err.contains("what the model loses without it, `evenstep train` measures where"), "{}", said.err);
    // Dropped before anybody reads it, it is no input.
    let dropped = "[[step]]\nuse = \"drop_columns\"\ncolumns = [\"Floor.No\"]\n";
    project.write("p.toml", FIRST.replace("target = ", "source = \"data.csv\"\ntarget = ") + dropped + LATER);
    project.run(&["train", "p.toml", "--quiet", "--set", "contract.\"Floor.No\".available=no"]).ok();
}

fn absent<'a>(evaluation: &'a Value, field: &str) -> &'a Value {
    let all = evaluation["absent"].as_array().expect("a list");
    all.iter().find(|absent| absent["field"] == field).unwrap_or_else(|| panic!("no {field}: {all:?}"))
}

fn metric(measured: &Value, name: &str, key: &str) -> f64 {
    let metrics = measured.as_array().expect("a list");
    let metric = metrics.iter().find(|metric| metric["metric"] == name).expect("it is measured");
    metric[key].as_f64().expect("a number")
}

#[test]
fn what_is_lost_without_a_field_is_what_scoring_without_it_loses() {
    let project = Project::new();
    project.write("p.toml", FIRST.replace("target = ", "source = \"data.csv\"\ntarget = ") + LATER);
    project.write("data.csv", data());
    let area = ["--set", "contract.area={ type = \"number\", absent = \"null\" }"];
    let trained_out = project.run(&[&["train", "p.toml", "--quiet"], &area[..]].concat()).ok().out;
    let trained = project.run(&[&["train", "p.toml", "--json", "--quiet"], &area[..]].concat()).ok().json();
    let evaluation = &trained["evaluation"];
    let without = absent(evaluation, "area");
    let (with, value) = (metric(&evaluation["metrics"], "rmse", "value"), metric(&without["metrics"], "rmse", "value"));
    let loss = metric(&without["metrics"], "rmse", "loss");
    assert!((value - with - loss).abs() < 1e-9 && loss > 50.0, "{with} {value} {loss}");
    // A higher r2 is better, so that its loss has the other sign.
    assert!(metric(&without["metrics"], "r2", "loss") > 0.0);

    // The same rows, by `score`, without the column.
    let parts = project.run(&[&["split", "p.toml", "--quiet"], &area[..]].concat()).ok().out;
    let (_, lines) = project.csv("data.csv");
    let held_out = parts.lines().zip(std::iter::once(None).chain(lines.iter().map(Some)));
    let held_out: Vec<&String> = held_out.filter_map(|(part, line)| line.filter(|_| part.ends_with(",test"))).collect();
    assert_eq!(held_out.len() as u64, evaluation["held_out_rows"].as_u64().expect("a number"));
    let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let row = |line: &&String| {
        let cells = cells(line);
        format!("{},{},{},{}\n", cells[0], cells[3], cells[4], cells[5])
    };
    project
        .write("without.csv", "flat,Floor.No,city,built\n".to_owned() + &held_out.iter().map(row).collect::<String>());
    project.run(&["score", "rents.evenstep", "--input", "without.csv", "--output", "scores.csv", "--quiet"]).ok();
    let (_, scores) = project.csv("scores.csv");
    let squares = scores.iter().zip(&held_out).map(|(score, line)| {
        let difference =
            cells(score)[1].parse::<f64>().expect("a number") - cells(line)[1].parse::<f64>().expect("a number");
        difference * difference
    });
    let rmse = (squares.sum::<f64>() / scores.len() as f64).sqrt();
    assert!((rmse - value).abs() < 1e-9 * value, "{rmse} {value}");

    // `check` tells it by the lock beside the spec, and what isn't measured yet.
    let more = ["--set", "contract.built={ type = \"date\", absent = \"null\" }"];
    let checked = project.run(&[&["check", "p.toml", "--quiet"], &area[..], &more[..]].concat()).ok().out;
    let table =
        trained_out.split_once("absent field").expect("it is told").1.split_once("\n\n").map_or("", |(table, _)| table);
    assert!(
        checked.contains("without a field that requests may leave out, by the training of `p.lock`:\n"),
        "{checked}"
    );
    assert!(checked.contains(table.trim_end()), "{checked}\n{table}");
    assert!(
        checked.contains("`evenstep train` measures what the model loses where requests leave out `built`\n"),
        "{checked}"
    );
    let other = ["--set", "pipeline.seed=77"];
    let checked = project.run(&[&["check", "p.toml", "--quiet"], &area[..], &other[..]].concat()).ok().out;
    assert!(checked.contains(", by the training of `p.lock`, which was of another spec:\n"), "{checked}");
    let checked = project.run(&[&["check", "p.toml", "--json", "--quiet"], &area[..]].concat()).ok().json();
    assert_eq!(checked["absent"], evaluation["absent"]);
    std::fs::remove_file(project.path("p.lock")).expect("it was written");
    let checked = project.run(&[&["check", "p.toml", "--quiet"], &area[..]].concat()).ok().out;
    assert!(
        checked.contains("where requests leave out `area`, `city`\n") && !checked.contains("absent field"),
        "{checked}"
    );
    project.run(&[&["train", "p.toml", "--quiet"], &area[..]].concat()).ok();

    let card = project.run(&["inspect", "rents.evenstep", "--card"]).ok().out;
    assert!(card.contains("| absent field | value | loss |") && card.contains("| `area` |"), "{card}");
    let told = project.run(&["inspect", "rents.evenstep"]).ok().out;
    assert!(told.contains("rmse without a field that requests may leave out:"), "{told}");
    project.run(&[&["verify", "p.toml", "--shuffle", "--quiet"], &area[..]].concat()).ok();
}

#[test]
fn a_lock_of_before_the_loss_was_measured_is_none_the_worse() {
    let project = trained();
    let lock = project.read("p.lock");
    let (before, rest) = lock.split_once("[[evaluation.absent]]").expect("it is measured");
    let rest = rest.split_once("\n[[evaluation.metrics]]").map_or("", |(_, rest)| rest);
    project.write("p.lock", format!("{before}\n[[evaluation.metrics]]{rest}"));
    project.run(&["verify", "p.toml", "--quiet"]).ok();
    project.write("p.lock", lock.replacen("loss = ", "loss = 1", 1));
    let said = project.run(&["verify", "p.toml", "--quiet"]);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.out.contains("DIFFERS  evaluation"), "{}", said.out);
}
