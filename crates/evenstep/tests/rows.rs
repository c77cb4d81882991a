//! Which rows are learned from, how much each counts, and what becomes of results that are no number.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;

use common::{Project, serve};
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
    let scored = project.run(&["score", "p.evenstep", "--input", "data.csv", "--output", "s.csv"]).ok();
    assert!(scored.err.contains(sentence), "{}", scored.err);

    let (mut server, address) = serve(&project, "p.evenstep");
    let ask = |request: &str, body: &str| {
        let mut stream = TcpStream::connect(&address).expect("it listens");
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    };
    let before = ask("GET /metrics", "");
    assert!(!before.contains("evenstep_no_numbers_total{"), "golden rows are not counted: {before}");
    ask("POST /predict", r#"[{"id": 1, "x": 3, "z": 0}, {"id": 2, "x": -1, "z": 1}, {"id": 3, "x": null, "z": 0}]"#);
    let after = ask("GET /metrics", "");
    let _ = server.kill();
    let _ = server.wait();
    assert!(after.contains("evenstep_no_numbers_total{step=\"1 expression\",column=\"q\"} 1\n"), "{after}");
    assert!(after.contains("evenstep_no_numbers_total{step=\"2 log\",column=\"x\"} 1\n"), "{after}");
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
