//! Which rows are learned from, how much each counts, and what becomes of results that are no number.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;

use common::{Project, members, serve};
use serde_json::json;

/// A pipeline whose steps meet what has no logarithm and no quotient.
fn project_without_numbers() -> Project {
    let project = Project::new();
    let row = |n: u32| format!("{n},{},{},{}\n", i64::from(n % 20) - 4, n % 5, n % 7);
    project.write("data.csv", format!("id,x,z,y\n{}", (0..200).map(row).collect::<String>()));
    let spec = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\nid = \"id\"\ntarget = \"y\"\n\
        [[step]]\nuse = \"expression\"\nnew = \"q\"\nformula = \"x / z\"\n\
        [[step]]\nuse = \"log\"\ncolumns = [\"x\"]\n[model]\nuse = \"boosted_trees\"\ntrees = 2\n";
    project.write("pipeline.toml", spec);
    project
}

/// The answer to a request, with its head.
fn ask(address: &str, request: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn rows_that_a_step_draws_for_say_their_id() {
    let project = Project::new();
    let row =
        |n: u32| format!("{n},{},{}\n", if n.is_multiple_of(3) { String::new() } else { (n % 11).to_string() }, n % 7);
    project.write("data.csv", format!("id,x,y\n{}", (0..200).map(row).collect::<String>()));
    let spec = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\nid = \"id\"\ntarget = \"y\"\n\
        [[step]]\nuse = \"impute_random_sample\"\ncolumns = [\"x\"]\n[model]\nuse = \"ridge\"\n";
    project.write("pipeline.toml", spec);
    project.run(&["train", "--quiet"]).ok();
    assert!(!members(&std::fs::read(project.path("p.evenstep")).expect("it was written"))["golden.json"].is_empty());
    for (rows, rule) in [("x\n1\n\"\"\n", "column `id` is missing"), ("id,x\n7,1\n,2\n", "id")] {
        project.write("rows.csv", rows);
        let said = project.run(&["score", "p.evenstep", "--input", "rows.csv", "--output", "s.csv"]);
        assert!(said.code == 2 && said.err.contains(rule), "{}", said.err);
    }
    let contract = project.run(&["contract", "p.evenstep"]).ok().out;
    let told = contract.lines().find(|line| line.trim_start().starts_with("id ")).expect("it is a field");
    assert_eq!(told.split_whitespace().collect::<Vec<_>>()[..4], ["id", "integer", "refused", "refused"], "{contract}");

    let (mut server, address) = serve(&project, "p.evenstep");
    for (body, status) in [
        (r#"{"id": 3, "x": null}"#, "200"),
        (r#"{"x": null}"#, "422"),
        (r#"[{"id": 3, "x": 1}, {"x": 1}]"#, "422"),
        (r#"{"id": null, "x": 1}"#, "422"),
        (r#"{"columns": {"x": [1]}}"#, "422"),
    ] {
        let answer = ask(&address, "POST /predict", body);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{body}: {answer}");
    }
    server.kill().and_then(|()| server.wait()).expect("it ran");
    let mock = project.run(&["contract", "pipeline.toml", "--json"]).ok().json();
    assert_eq!(mock["requires_id"], true, "{mock}");
}

#[test]
fn a_result_that_is_no_number_is_counted_wherever_steps_are_applied() {
    let project = project_without_numbers();
    let lost = json!([
        { "step": 1, "use": "expression", "column": "q", "cells": 40 },
        { "step": 2, "use": "log", "column": "x", "cells": 50 },
    ]);
    let trained = project.run(&["train", "--json", "--quiet", "--threads", "1"]).ok().json();
    assert_eq!(trained["no_numbers"], lost);
    let bundle = std::fs::read(project.path("p.evenstep")).expect("it was written");
    let told = project.run(&["train", "--quiet", "--threads", "2"]).ok();
    let sentence = "step 2 `log` gave no finite number for 50 cells of `x`: null stands there";
    assert!(told.out.contains(sentence), "{}", told.out);
    assert!(project.read("p.html").contains("gave no finite number for 50 cells"));
    assert_eq!(bundle, std::fs::read(project.path("p.evenstep")).expect("it was written"), "counts have no order");
    let lock: toml::Table = project.read("pipeline.lock").parse().expect("TOML");
    assert_eq!(json!(lock["facts"]["no_numbers"]), lost);

    let scored = project.run(&["score", "p.evenstep", "--input", "data.csv", "--output", "s.csv", "--json"]).ok();
    assert_eq!(scored.json()["no_numbers"], lost);
    let is_null = |line: &&str| line.split(',').nth(1) == Some("");
    assert_eq!(scored.json()["unanswered"], project.read("s.csv").lines().filter(is_null).count());
    let scored = project.run(&["score", "p.evenstep", "--input", "data.csv", "--output", "s.csv"]).ok();
    assert!(scored.err.contains(sentence), "{}", scored.err);

    let (mut server, address) = serve(&project, "p.evenstep");
    let ask = |request: &str, body: &str| ask(&address, request, body);
    let before = ask("GET /metrics", "");
    assert!(!before.contains("evenstep_no_numbers_total{"), "golden rows are not counted: {before}");
    ask("POST /predict", r#"[{"id": 1, "x": 3, "z": 0}, {"id": 2, "x": -1, "z": 1}, {"id": 3, "x": null, "z": 0}]"#);
    let after = ask("GET /metrics", "");
    let _ = server.kill();
    let _ = server.wait();
    assert!(after.contains("evenstep_no_numbers_total{model=\"p\",step=\"1 expression\",column=\"q\"} 1\n"), "{after}");
    assert!(after.contains("evenstep_no_numbers_total{model=\"p\",step=\"2 log\",column=\"x\"} 1\n"), "{after}");
}

#[test]
fn where_every_result_is_a_number_nothing_is_said() {
    let project = project_without_numbers();
    let spec = project.read("pipeline.toml").replace("x / z", "x * z").replace("\"log\"", "\"standard_scale\"");
    project.write("pipeline.toml", spec);
    let trained = project.run(&["train", "--json", "--quiet"]).ok().json();
    assert_eq!(trained["no_numbers"], json!([]));
    assert!(!project.read("pipeline.lock").contains("no_numbers"));
}

/// Sales, one a day of October; some are written down later, in no order, and one never.
fn sales(later: &str) -> Project {
    let project = Project::new();
    let row = |n: u32| format!("{n},{},{},2026-10-{:02}T{:02}:30:00Z\n", n % 7, n % 7 * 3 + n % 5, n % 31 + 1, n % 24);
    project.write("sales.csv", format!("id,rooms,price,loaded\n{}{later}", (0..200).map(row).collect::<String>()));
    project.write("pipeline.toml", SALES);
    project
}

const SALES: &str = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"sales.csv\"\nid = \"id\"\ntarget = \"price\"\n\
    recorded = \"loaded\"\nas_of = 2026-11-01T00:00:00Z\nsplit = { folds = 3 }\n[model]\nuse = \"ridge\"\n";
/// They repeat an id, have another type, break a rule, and bring a level of their own; one has no date.
const LATER: &str =
    "7,2,1,2026-11-01T00:00:01Z\n900,many,x,2026-11-02T00:00:00Z\n,,,2027-01-01T00:00:00+05:00\n901,1,2,\n";

#[test]
fn rows_that_were_known_only_later_change_nothing() {
    let (then, now) = (sales(""), sales(LATER));
    let digest = then.digest(&["--threads", "1"]);
    assert_eq!(now.digest(&["--threads", "2"]), digest);
    let told = now.run(&["train", "--quiet"]).ok();
    for note in ["later than 2026-11-01T00:00:00Z, by `recorded`: 3 rows", "for want of a `recorded`: 1 row"] {
        assert!(told.out.contains(note), "{}", told.out);
    }
    let checked = now.run(&["check", "--quiet"]).ok();
    assert!(checked.out.contains("by `recorded`: 3 rows"), "{}", checked.out);
    let verified = now.run(&["verify", "--shuffle", "--quiet"]).ok();
    assert!(verified.out.contains(&digest), "{}", verified.out);
    let bundle = now.run(&["verify", "p.evenstep", "--data", "sales.csv", "--quiet"]);
    assert_eq!(bundle.code, 0, "{}{}", bundle.out, bundle.err);
    let parts = |project: &Project| project.run(&["split", "--quiet"]).ok().out;
    assert_eq!(parts(&then), parts(&now));
    let trained = now.run(&["train", "--quiet", "--set", "data.as_of=2026-10-15", "--output", "earlier.evenstep"]);
    assert_eq!(trained.code, 0, "{}", trained.err);
    let told = now.run(&["diff", "p.evenstep", "earlier.evenstep"]);
    assert!(told.out.contains("`data.as_of` is `2026-11-01T00:00:00Z` in A and `2026-10-15` in B"), "{}", told.out);
    // The rows that are on one side only are found in the file, whose later rows nobody looks at.
    let told = now.run(&["diff", "p.evenstep", "earlier.evenstep", "--json"]).json();
    assert_eq!(told["first"]["rows"][0]["place_a"], "sales.csv row 16", "{told}");
    assert!(!told["notes"].to_string().contains("can't be looked at"), "{told}");
    // Rows are told of by their number in the file.
    let spoilt = sales(&format!("{LATER}902,1,2,2026-10-01T00:00:00Z\n902,1,2,2026-10-01T00:00:00Z\n"));
    let said = spoilt.run(&["train", "--quiet"]);
    assert!(said.err.contains("row 205 and in sales.csv, row 206"), "{}", said.err);

    let all = now.run(&["train", "--quiet", "--set", "data.as_of=2027-06-01"]);
    assert_eq!(all.code, 2, "the later rows can't be learned from: {}", all.out);
    let earlier = now.run(&["train", "--json", "--quiet", "--set", "data.as_of=2026-10-15"]).ok().json();
    assert_ne!(earlier["digest"], digest);
    assert_eq!(earlier["rows"], (0..200).filter(|n| n % 31 < 15).count());
}

#[test]
fn what_was_known_is_the_same_in_every_format() {
    let project = sales(LATER);
    let digest = project.digest(&[]);
    let lines: Vec<String> =
        common::table::Table::read(&project.read("sales.csv")).json_lines().lines().map(str::to_owned).collect();
    let with_more =
        lines.iter().map(|line| line.replace("\"id\":900", "\"new\":1,\"id\":900") + "\n").collect::<String>();
    project.write("sales.jsonl", with_more);
    assert_eq!(project.digest(&["--set", "data.source=sales.jsonl"]), digest);
    let without_odd =
        project.read("sales.csv").lines().filter(|line| !line.contains("many")).collect::<Vec<_>>().join("\n");
    project.write("plain.csv", without_odd + "\n");
    let typed = common::table::Typed::of(&project, "plain.csv");
    for format in ["parquet", "arrow"] {
        typed.write(&project, "plain.csv", &format!("sales.{format}"));
        assert_eq!(project.digest(&["--set", &format!("data.source=sales.{format}")]), digest, "{format}");
    }
}

#[test]
fn a_day_counts_to_its_end_and_clocks_need_a_zone() {
    let project = Project::new();
    let row = |n: u32| format!("{n},{},2026-10-{:02},2026-10-{:02} {:02}:00\n", n % 7, n % 30 + 1, n % 30 + 1, n % 24);
    project.write("data.csv", format!("x,y,day,clock\n{}", (0..300).map(row).collect::<String>()));
    let rows = |by: &str, as_of: &str, more: &str| {
        let spec = format!(
            "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\ntarget = \"y\"\ntime = \"{by}\"\nas_of = {as_of}\n{more}[[step]]\nuse = \"select_columns\"\ncolumns = [\"x\"]\n[model]\nuse = \"ridge\"\n"
        );
        project.write("pipeline.toml", spec);
        let said = project.run(&["train", "--json", "--quiet"]);
        if said.code == 0 { said.json()["rows"].to_string() } else { said.err }
    };
    assert_eq!(rows("day", "2026-10-15", ""), "150");
    assert_eq!(rows("clock", "2026-10-15", ""), "150");
    assert_eq!(rows("day", "\"2026-10-15T00:00\"", ""), "150");
    assert_eq!(rows("clock", "2026-10-15T02:00:00", ""), "142", "of the 15th two");
    let berlin = "zone = \"Europe/Berlin\"\n";
    assert_eq!(rows("clock", "2026-10-15T21:59:59Z", berlin), "150");
    assert_eq!(rows("day", "2026-10-14T22:00:00Z", berlin), "150");
    assert_eq!(rows("day", "2026-10-14T21:59:59Z", berlin), "140");
    for (by, as_of, more, expected) in [
        ("clock", "2026-10-15T00:00:00Z", "", "zone = \"Europe/Berlin\""),
        ("x", "2026-10-15", "", "is of type integer"),
        ("day", "2025-10-15", "", "no row that was known by then"),
        ("day", "2026-10-15", "zone = \"Mars/Olympus\"\n", "unknown time zone"),
        ("day", "\"October\"", "", "is no date and no datetime"),
    ] {
        let said = rows(by, as_of, more);
        assert!(said.contains(expected), "{by} {as_of}: {said}");
    }
    project.write("pipeline.toml", SALES.replace("recorded = \"loaded\"\n", ""));
    let said = project.run(&["check", "--quiet"]);
    assert!(
        said.code == 2 && said.err.contains("`as_of` needs a column") && said.err.contains("recorded ="),
        "{}",
        said.err
    );
}

/// A step and a model, with weights of their own in a column; `weight` is its cell in each row.
fn weighted(model: &str, weight: impl Fn(u32) -> String) -> Project {
    let project = Project::new();
    let row = |n: u32| format!("{n},{},{},{},{}\n", n % 9, n * 7 % 11, n % 9 * 2 + n % 4, weight(n));
    project.write("data.csv", format!("id,x,z,y,w\n{}", (0..300).map(row).collect::<String>()));
    let spec = format!(
        "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\nid = \"id\"\ntarget = \"y\"\nweight = \"w\"\n\
        [[step]]\nuse = \"standard_scale\"\ncolumns = [\"x\"]\n[model]\nuse = \"{model}\"\n"
    );
    project.write("pipeline.toml", spec);
    project
}

#[test]
fn weights_count_in_models_and_metrics_and_not_in_steps() {
    let lock = |weight: fn(u32) -> String| -> toml::Table {
        let project = weighted("ridge", weight);
        project.run(&["train", "--quiet"]).ok();
        assert!(project.read("p.html").contains("each weighted by its <code>w</code>"));
        let members = members(&std::fs::read(project.path("p.evenstep")).expect("it was written"));
        let card = String::from_utf8_lossy(&members["card.md"]).into_owned();
        assert!(card.contains("Each row weighs as much as its `w` says"), "{card}");
        assert!(card.contains("that it has not seen, each weighted by its `w`."), "{card}");
        project.read("pipeline.lock").parse().expect("TOML")
    };
    let (light, heavy) = (lock(|_| "1".to_owned()), lock(|n| (n % 3).to_string()));
    assert_eq!(light["step"][0]["params"], heavy["step"][0]["params"]);
    assert_ne!(light["model"]["learned"], heavy["model"]["learned"]);
    assert_ne!(light["evaluation"]["metrics"], heavy["evaluation"]["metrics"]);
    // Weights in another unit are the same weights, to metrics.
    let doubled = lock(|_| "2".to_owned());
    assert_eq!(light["evaluation"]["metrics"][0]["baseline"], doubled["evaluation"]["metrics"][0]["baseline"]);
}

#[test]
fn a_weight_that_is_none_is_refused_with_its_row() {
    for (cell, expected) in [
        ("", "data.csv, row 42: the weight `w` is missing"),
        ("-0.5", "data.csv, row 42: the weight `w` is -0.5"),
        ("heavy", "the weight `w` is of type category"),
    ] {
        let project = weighted("ridge", |n| if n == 41 { cell.to_owned() } else { "1".to_owned() });
        let said = project.run(&["train", "--quiet"]);
        assert!(said.code == 2 && said.err.contains(expected) && said.err.contains("number from 0"), "{}", said.err);
        assert!(said.err.contains("pipeline.toml"), "it points into the spec: {}", said.err);
    }
    for model in ["ridge", "boosted_trees"] {
        let said = weighted(model, |_| "0".to_owned()).run(&["train", "--quiet"]);
        assert!(said.code == 2 && said.err.contains("weight"), "{model}: {}", said.err);
    }
}

#[test]
fn a_target_that_an_objective_is_not_for_is_refused_with_its_row_on_either_side_of_a_split() {
    let project = Project::new();
    let train = |strange: u32, y: &str, weight: u32, objective: &str| {
        let row = |n: u32| match n == strange {
            true => format!("{n},{},{y},{weight}\n", n % 9),
            false => format!("{n},{},{},1\n", n % 9, n % 9 * 2 + n % 4 + 1),
        };
        project.write("data.csv", format!("id,x,y,w\n{}", (0..60).map(row).collect::<String>()));
        let spec = format!(
            "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\nid = \"id\"\ntarget = \"y\"\nweight = \"w\"\n\
            [model]\nuse = \"boosted_trees\"\nobjective = \"{objective}\"\n"
        );
        project.write("pipeline.toml", spec);
        project.run(&["train", "--quiet"])
    };
    for (objective, y, takes) in
        [("poisson", "-1", "counts"), ("tweedie", "-0.5", "sums of 0 and above"), ("gamma", "0", "sizes above 0")]
    {
        // A fifth of them is held out.
        for strange in 0..20 {
            let said = train(strange, y, 1, objective);
            let place = format!("data.csv, row {} (id {strange}): the target `y` is {y}", strange + 1);
            let expected = format!("{place}, and `objective = \"{objective}\"` is for {takes}");
            let found: String = said.err.split_whitespace().collect::<Vec<_>>().join(" ").replace(" │ ", " ");
            assert!(said.code == 2 && found.contains(&expected), "{expected}: {}", said.err);
        }
        train(3, y, 0, objective).ok();
    }
}

/// What a row is called is the cell of its id, as the contract reads it, through every door.
#[test]
fn a_row_is_called_by_its_id_as_it_was_read() {
    let project = Project::new();
    let rows: String = (0..200).map(|n| format!("{n},{},{}\n", n % 9, n % 11)).collect();
    project.write("data.csv", format!("id,x,y\n{rows}"));
    let spec = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\nid = \"id\"\ntarget = \"y\"\n\
        missing = [\"\", \"NA\", \"-1\"]\n[model]\nuse = \"ridge\"\n";
    project.write("pipeline.toml", spec);
    project.run(&["train", "--quiet"]).ok();
    let (mut server, address) = serve(&project, "p.evenstep");
    let check = |body: serde_json::Value, expected: serde_json::Value| {
        let answer = ask(&address, "POST /predict", &body.to_string());
        let (_, told) = answer.split_once("\r\n\r\n").expect("a body");
        let told: serde_json::Value = told.parse().unwrap_or_else(|_| panic!("{answer}"));
        let predictions = told["predictions"].as_array().unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(predictions.iter().map(|one| one["id"].clone()).collect::<serde_json::Value>(), expected, "{body}");
    };
    for (id, expected) in
        [(json!(7), json!(7)), (json!(5.0), json!(5)), (json!("NA"), json!(null)), (json!(-1), json!(null))]
    {
        check(json!({ "id": id, "x": 1 }), json!([expected]));
        check(json!({ "columns": { "id": [id], "x": [1] } }), json!([expected]));
        // What is out of the ordinary is read in another way.
        check(json!([{ "id": id, "x": 1 }, { "id": 3, "x": 4 }, { "x": 2 }]), json!([expected, 3, null]));
    }
    // Beside rows that have ids an index would be the id of another; without any it says which row is meant.
    check(json!([{ "id": 1, "x": 1 }, { "x": 2 }]), json!([1, null]));
    check(json!([{ "x": 1 }, { "x": 2 }]), json!([0, 1]));
    let _ = server.kill();
    let _ = server.wait();
}

/// Rows that are learned from are what they are, whatever others have no target.
#[test]
fn rows_without_a_target_move_no_other() {
    let trained = |more: &str| {
        let project = Project::new();
        let rows: String = (0..200).map(|n| format!("{},{},{}\n", n % 9, n % 7, n % 11)).collect();
        project.write("data.csv", format!("x,z,y\n{rows}{more}"));
        let spec = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\ntarget = \"y\"\n[model]\nuse = \"random_forest\"\ntrees = 5\n";
        project.write("pipeline.toml", spec);
        project.run(&["train", "--quiet", "--json"]).ok().json()["digest"].clone()
    };
    let without: String = (0..90).map(|n| format!("{},{},\n", n % 9, n % 7)).collect();
    assert_eq!(trained(&without), trained(""));
}

/// Numbers written for people, in whatever file, are those that they stand for.
#[test]
fn numbers_of_a_spreadsheet_are_read_by_their_format() {
    let project = Project::new();
    let cents = |row: i64| (row * 7919) % 1_000_000 - 300_000;
    let plain = |row: i64| {
        format!("{}{}.{:02}", if cents(row) < 0 { "-" } else { "" }, cents(row).abs() / 100, cents(row).abs() % 100)
    };
    let german = |row: i64| {
        let (sign, whole, part) =
            (if cents(row) < 0 { "-" } else { "" }, cents(row).abs() / 100, cents(row).abs() % 100);
        match whole {
            1000.. => format!("{sign}{}.{:03},{part:02} €", whole / 1000, whole % 1000),
            _ => format!("{sign}{whole},{part:02} €"),
        }
    };
    let table = |separator: char, cell: &dyn Fn(i64) -> String| {
        let row = |row| format!("{row}{separator}{}{separator}{}\n", cell(row), row % 13);
        format!("id{separator}x{separator}y\n") + &(0..200).map(row).collect::<String>()
    };
    project.write("plain.csv", table(',', &plain));
    project.write("german.csv", table(';', &german));
    let lines = (0..200).map(|row| format!("{{\"id\": {row}, \"x\": \"{}\", \"y\": {}}}\n", german(row), row % 13));
    project.write("german.jsonl", lines.collect::<String>());
    let spec = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"plain.csv\"\nid = \"id\"\ntarget = \"y\"\n\
        [contract]\nx = { type = \"number\", format = \"1.234,56 €\" }\n[model]\nuse = \"ridge\"\n";
    let scores = |source: &str, spec: &str| {
        project.write("pipeline.toml", spec.replace("plain.csv", source));
        project.run(&["train", "--quiet"]).ok();
        project.run(&["score", "p.evenstep", "--input", source, "--output", "scores.csv", "--quiet"]).ok();
        project.read("scores.csv")
    };
    let expected = scores("plain.csv", &spec.replace(", format = \"1.234,56 €\"", ""));
    assert_eq!(scores("german.csv", spec), expected);
    assert_eq!(scores("german.jsonl", spec), expected);
    let (mut server, address) = serve(&project, "p.evenstep");
    let answer = ask(&address, "POST /predict", r#"{"id": 7, "x": -2445.67}"#);
    server.kill().expect("it runs");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // A number that is written elsewise is told, not guessed.
    project.write("german.csv", table(';', &|row| if row == 5 { "12.5".to_owned() } else { german(row) }));
    let said = project.run(&["score", "p.evenstep", "--input", "german.csv", "--output", "scores.csv"]);
    assert!(said.code == 2 && said.err.contains("`12.5` is not a number written as `1.234,56 €`"), "{}", said.err);
    project.write("pipeline.toml", spec.replace("1.234,56 €", "1.2"));
    let said = project.run(&["train"]);
    assert!(said.code == 2 && said.err.contains("doesn't show how 1234.56 is written"), "{}", said.err);
}

fn small(steps: &str, data: &str) -> Project {
    let project = Project::new();
    let rows: String = (0..60).map(|n| format!("{n},{},{},{}\n", n % 20 + 1, 2000 + n % 9, n % 7)).collect();
    project.write("data.csv", format!("id,x,t,y\n{rows}"));
    project.write(
        "p.toml",
        format!("[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\nid = \"id\"\ntarget = \"y\"\ntask = \"regression\"\n{data}{steps}[model]\nuse = \"ridge\"\n"),
    );
    project
}

#[test]
fn a_step_that_takes_no_value_below_0_trains_on_those_above() {
    for step in ["log", "power", "box_cox", "log_plus_constant"] {
        let exponent = if step == "power" { "exponent = 0.5\n" } else { "" };
        let project =
            small(&format!("[[step]]\nuse = \"{step}\"\ncolumns = [\"x\"]\non_domain = \"error\"\n{exponent}"), "");
        project.run(&["train", "p.toml", "--quiet"]).ok();
        project.run(&["score", "p.evenstep", "--input", "data.csv", "--output", "s.csv", "--quiet"]).ok();
    }
}

#[test]
fn a_step_that_finds_no_column_is_told_and_one_that_finds_some_is_not() {
    let step = |kind: &str| format!("[[step]]\nuse = \"standard_scale\"\ncolumns = {{ type = \"{kind}\" }}\n");
    let project = small(&format!("{}{}", step("date"), step("number")), "");
    for verb in ["check", "train"] {
        let said = project.run(&[verb, "p.toml", "--quiet"]).ok().out;
        assert!(said.contains("step 1 `standard_scale` does nothing: it finds no column"), "{said}");
        assert!(!said.contains("step 2"), "{said}");
    }
}

#[test]
fn a_new_column_is_called_neither_like_the_id_nor_like_the_target() {
    for (name, role) in [("id", "the id"), ("y", "the target")] {
        let step = format!("[[step]]\nuse = \"expression\"\nnew = \"{name}\"\nformula = \"x + 1\"\n");
        let project = small(&step, "");
        for verb in ["check", "train"] {
            let said = project.run(&[verb, "p.toml", "--quiet"]);
            assert_eq!(said.code, 2, "{}", said.out);
            assert!(said.err.contains(&format!("the new column `{name}` has the name of {role}")), "{}", said.err);
        }
    }
    let said = small("[[step]]\nuse = \"expression\"\nnew = \"\"\nformula = \"x + 1\"\n", "").run(&["check", "p.toml"]);
    assert!(said.err.contains("no column has an empty name"), "{}", said.err);
}

#[test]
fn a_column_that_a_formula_names_is_an_input_whatever_its_role() {
    let step = |formula: &str| format!("[[step]]\nuse = \"expression\"\nnew = \"age\"\nformula = \"{formula}\"\n");
    for formula in ["2025 - t", "if(\\\"O'Brien\\\" == 'x', 0, 2025 - t)"] {
        small(&step(formula), "time = \"t\"\n").run(&["train", "p.toml", "--quiet"]).ok();
    }
    let said = small(&step("y - 1"), "").run(&["train", "p.toml", "--quiet"]);
    assert!(said.err.contains("names the target `y`"), "{}", said.err);
}

const BY_ID: &str = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\nid = \"id\"\ntarget = \"y\"\n\
    task = \"regression\"\n[model]\nuse = \"boosted_trees\"\ntrees = 2\n";

#[test]
fn an_id_and_a_group_beyond_64_bits_are_exact_in_every_format() {
    let project = Project::new();
    let huge = |n: u64| 10_499_958_131_665_514_997 + n;
    let csv = (0..200).map(|n| format!("{},{},{},{}\n", huge(n), huge(n / 5), n % 9, n % 7)).collect::<String>();
    project.write("data.csv", format!("id,group,x,y\n{csv}"));
    let line = |n| format!("{{\"id\":{},\"group\":{},\"x\":{},\"y\":{}}}\n", huge(n), huge(n / 5), n % 9, n % 7);
    project.write("data.jsonl", (0..200).map(line).collect::<String>());
    project.write("pipeline.toml", BY_ID.replace("target =", "group = \"group\"\ntarget ="));
    let digest = project.digest(&[]);
    assert_eq!(project.digest(&["--set", "data.source=data.jsonl"]), digest);
    for file in ["data.csv", "data.jsonl"] {
        let scores = project.run(&["score", "p.evenstep", "--input", file, "--quiet"]).ok().out;
        let first = scores.lines().nth(1).expect("a row");
        assert!(first.starts_with("10499958131665514997,"), "{file}: {first}");
    }
    let parts = project.run(&["split", "--json", "--quiet", "--output", "parts.csv"]).ok().json();
    assert!(parts["test"].as_u64().is_some_and(|rows| rows > 0 && rows < 100), "{parts}");
}

#[test]
fn no_column_that_is_written_is_called_like_another() {
    let project = Project::new();
    let row = |n: u32| format!("{n},{n},{n},{n},{},{}\n", n % 9, n % 7);
    project.write("data.csv", format!("prediction,flags,row,part,x,y\n{}", (0..60).map(row).collect::<String>()));
    let header = |id: &str, verb: &[&str]| {
        project.write("pipeline.toml", BY_ID.replace("\"id\"", id));
        project.run(&["train", "--quiet"]).ok();
        project.run(verb).ok().out.lines().next().expect("a header").to_owned()
    };
    let score = ["score", "p.evenstep", "--input", "data.csv", "--quiet"];
    let explain = ["explain", "p.evenstep", "--input", "data.csv", "--quiet"];
    insta::assert_snapshot!(header(r#"["prediction", "flags"]"#, &score), @"id_prediction,id_flags,prediction,flags");
    insta::assert_snapshot!(header(r#"["prediction", "row"]"#, &explain), @"id_prediction,row,prediction,base,contribution_flags,contribution_part,contribution_x,flags");
    insta::assert_snapshot!(header(r#"["row", "part"]"#, &["split", "--quiet"]), @"row,id_row,id_part,part");
    insta::assert_snapshot!(header(r#"["row", "part"]"#, &score), @"row,part,prediction,flags");
}

#[test]
fn a_category_that_is_spelt_otherwise_in_every_row_is_told() {
    let project = Project::new();
    let row = |flag: fn(u32) -> &'static str| {
        let row = |n: u32| format!("{n},{},{}\n", flag(n % 2), n % 7);
        format!("id,x,y\n{}", (0..60).map(row).collect::<String>())
    };
    project.write("data.csv", row(|n| ["False", "True"][n as usize]));
    project.write("new.csv", row(|n| ["false", "true"][n as usize]));
    project.write("pipeline.toml", format!("{BY_ID}[contract]\nx = {{ type = \"category\" }}\n"));
    project.run(&["train", "--quiet"]).ok();
    let said = project.run(&["score", "p.evenstep", "--input", "new.csv", "--output", "scores.csv"]).ok().err;
    let told = "flagged 60 × x: unseen, in all rows: training saw `False`, `True`, the rows have `false`";
    assert!(said.contains(told), "{said}");
}

#[test]
fn numbers_in_columns_of_text_are_read_as_they_are_written_in_json_lines_too() {
    let project = Project::new();
    let written = |n: u32| ["1.50", "1.5", "2", "123456789012345678901234567"][n as usize % 4];
    let csv = (0..60).map(|n| format!("{n},{},{}\n", written(n), n % 7)).collect::<String>();
    project.write("data.csv", format!("id,x,y\n{csv}"));
    let line = |n| format!("{{\"id\":{n},\"x\":{},\"y\":{}}}\n", written(n), n % 7);
    project.write("data.jsonl", (0..60).map(line).collect::<String>());
    project.write("pipeline.toml", format!("{BY_ID}[contract]\nx = {{ type = \"category\" }}\n"));
    assert_eq!(project.digest(&["--set", "data.source=data.jsonl"]), project.digest(&[]));
}
