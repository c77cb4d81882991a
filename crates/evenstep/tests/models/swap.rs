//! What is served is swapped while it answers.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::client::{Connection, Told};
use crate::server::{JSON, Server, digest, expected, project};

const SWAPS: usize = 1000;
const ROWS: usize = 40;
/// So many that the body is answered on another thread.
const MANY: usize = 2000;

fn rows(count: usize) -> Vec<(usize, usize)> {
    (0..count).map(|n| (n % 17, n * 5 % 23)).collect()
}

fn csv(rows: &[(usize, usize)]) -> String {
    let lines: String = rows.iter().map(|(x, z)| format!("{x},{z}\n")).collect();
    format!("x,z\n{lines}")
}

/// A way to ask for the predictions of all rows.
type Door = fn(&mut Connection<TcpStream>) -> (Told, Vec<f64>);

fn numbers<'a>(values: impl Iterator<Item = &'a Value>) -> Vec<f64> {
    values.map(|value| value.as_f64().expect("a number")).collect()
}

fn native(connection: &mut Connection<TcpStream>, path: &str) -> (Told, Vec<f64>) {
    let body: Vec<Value> = rows(ROWS).iter().map(|(x, z)| json!({ "x": x, "z": z })).collect();
    let told = connection.ask("POST", path, JSON, json!(body).to_string().as_bytes()).ok();
    let answer = told.json();
    assert_eq!(told.header("evenstep-digest"), answer["digest"].as_str());
    let predictions = numbers(answer["predictions"].as_array().expect("a list").iter().map(|of| &of["prediction"]));
    (told, predictions)
}

const DOORS: [Door; 6] = [
    |connection| native(connection, "/predict"),
    |connection| native(connection, "/models/p/versions/default/predict"),
    |connection| {
        let head = "Content-Type: text/csv\r\nAccept: text/csv\r\n";
        let told = connection.ask("POST", "/predict", head, csv(&rows(MANY)).as_bytes()).ok();
        let cell = |line: &str| line.split(',').nth(1).and_then(|cell| cell.parse().ok()).expect("a number");
        let predictions = told.text().lines().skip(1).map(cell).collect();
        (told, predictions)
    },
    |connection| {
        let lines: String = rows(ROWS).iter().map(|(x, z)| format!("{}\n", json!({ "x": x, "z": z }))).collect();
        let head = "Content-Type: application/x-ndjson\r\n";
        let told = connection.ask("POST", "/models/p/predict", head, lines.as_bytes()).ok();
        let lines: Vec<Value> = told.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let predictions = numbers(lines.iter().map(|line| &line["prediction"]));
        (told, predictions)
    },
    |connection| {
        let of =
            |name: &str, data: Vec<usize>| json!({ "name": name, "shape": [ROWS], "datatype": "INT64", "data": data });
        let (x, z) = rows(ROWS).into_iter().unzip();
        let body = json!({ "inputs": [of("x", x), of("z", z)] }).to_string();
        let told = connection.ask("POST", "/v2/models/p/infer", JSON, body.as_bytes()).ok();
        let predictions = numbers(told.json()["outputs"][0]["data"].as_array().expect("data").iter());
        (told, predictions)
    },
    |connection| {
        let (x, z): (Vec<usize>, Vec<usize>) = rows(ROWS).into_iter().unzip();
        let body = json!({ "inputs": { "x": x, "z": z } }).to_string();
        let told = connection.ask("POST", "/invocations", JSON, body.as_bytes()).ok();
        let predictions = numbers(told.json()["predictions"].as_array().expect("a list").iter());
        (told, predictions)
    },
];

/// Loads the bundles in turn, each as a version of its own, makes it the default, and unloads the one before.
fn swap(server: &Server, bundles: &[Vec<u8>; 2], first: &str) {
    let (mut admin, key) = server.connect_admin();
    let binary = format!("{key}Content-Type: application/octet-stream\r\n");
    let mut before = first.to_owned();
    for swap in 1..=SWAPS {
        let version = format!("swap-{swap}");
        admin.ask("PUT", &format!("/models/p/versions/{version}"), &binary, &bundles[swap % 2]).ok();
        let target = json!({ "version": version }).to_string();
        admin.ask("PUT", "/models/p/aliases/default", &format!("{key}{JSON}"), target.as_bytes()).ok();
        admin.ask("DELETE", &format!("/models/p/versions/{before}"), &key, b"").ok();
        before = version;
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "who judges wants to see how many answers were compared")]
fn a_thousand_swaps_under_load_fail_no_request_and_mix_no_answer() {
    let project = project();
    let few = expected(&project, &csv(&rows(ROWS)));
    let many = expected(&project, &csv(&rows(MANY)));
    let bundles = ["a.evenstep", "b.evenstep"].map(|name| std::fs::read(project.path(name)).expect("it was trained"));
    let server = Server::with_admin(&project, &["a.evenstep"]);
    let first = server.told["version"].as_str().expect("a version").to_owned();
    let over = AtomicBool::new(false);
    let answered: Vec<BTreeMap<String, usize>> = std::thread::scope(|scope| {
        let asking = DOORS.map(|door| {
            let (server, over, few, many) = (&server, &over, &few, &many);
            scope.spawn(move || {
                let mut connection = server.connect();
                let mut seen = BTreeMap::new();
                while !over.load(Ordering::Relaxed) {
                    let (told, predictions) = door(&mut connection);
                    let digest = told.header("evenstep-digest").expect("it says which artifact answers").to_owned();
                    let expected = if predictions.len() == MANY { many } else { few };
                    assert_eq!(predictions, expected[&digest], "an answer is of the artifact that it names, wholly");
                    *seen.entry(digest).or_default() += 1;
                }
                seen
            })
        });
        let swapped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| swap(&server, &bundles, &first)));
        over.store(true, Ordering::Relaxed);
        let answered = asking.map(|asking| asking.join().expect("no request fails")).into();
        swapped.expect("no swap fails");
        answered
    });
    for seen in &answered {
        assert_eq!(seen.len(), 2, "each door was answered by both: {seen:?}");
    }
    let total: usize = answered.iter().flat_map(BTreeMap::values).sum();
    println!("{SWAPS} swaps, {total} answers, 0 failed, 0 mixed");
    assert!(total > SWAPS / 4, "only {total} requests were asked meanwhile");
    assert_eq!(server.answers("/predict"), digest(&project, "a.evenstep"), "the last swap was to it");
    let now = server.get("/models").ok().json();
    assert_eq!(now["models"][0]["versions"].as_array().map(Vec::len), Some(1), "the others are gone: {now}");
}
