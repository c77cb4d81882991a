//! What was asked live, artifact by artifact.

use serde_json::Value;

use crate::common::Project;
use crate::server::{ADMIN, Server, digest, models, project};

const ROWS: [&str; 3] = [r#"{"x": 1, "z": 2}"#, r#"{"x": 3, "z": 4}"#, r#"{"x": 5, "z": 6}"#];
const CSV: &str = "x,z\n1,2\n3,4\n5,6\n";

/// The live trace of a bundle, under the name that it has there.
fn live(project: &Project, bundle: &str, name: &str) -> String {
    format!("live/{name}-{}.trace", &digest(project, bundle)["sha256:".len()..][..12])
}

/// What `diff` says of a live trace and of these rows, scored.
fn diff(project: &Project, bundle: &str, rows: &str, live: &str) -> Value {
    project.write("rows.csv", rows);
    let score = ["score", bundle, "--input", "rows.csv", "-o", "s.csv", "--trace", "scored.trace", "--quiet"];
    project.run(&score).ok();
    project.run(&["diff", "scored.trace", live, "--json"]).json()
}

#[test]
fn each_artifact_that_answers_has_a_trace_of_its_own() {
    let project = project();
    std::fs::create_dir(project.path("live")).expect("the folder is ours");
    let server = Server::with_admin(&project, &["a.evenstep", "other.evenstep", "--trace", "live"]);
    for row in ROWS {
        server.post("/predict", row).ok();
    }
    models(&project, &server, &["load", "b.evenstep", "--as", "next"]).ok();
    for row in &ROWS[..2] {
        server.post("/models/p/versions/next/predict", row).ok();
    }
    server.end();
    let told = diff(&project, "a.evenstep", CSV, &live(&project, "a.evenstep", "p"));
    assert_eq!(told["equal"], true, "{told:#}");
    let told = diff(&project, "b.evenstep", "x,z\n1,2\n3,4\n", &live(&project, "b.evenstep", "p"));
    assert_eq!(told["equal"], true, "{told:#}");
    let told = diff(&project, "b.evenstep", CSV, &live(&project, "b.evenstep", "p"));
    assert_eq!(told["first"]["stage"], "input", "{told:#}");
    assert!(!project.path(&live(&project, "other.evenstep", "q")).exists(), "it was asked nothing");
}

#[test]
fn a_server_by_a_file_traces_under_the_names_that_the_file_gives_and_keeps_what_is_there() {
    let project = project();
    std::fs::create_dir(project.path("live")).expect("the folder is ours");
    project.write("models.toml", "[models.house.versions]\n1 = \"a.evenstep\"\n");
    let trace = live(&project, "a.evenstep", "house");
    for kept in [false, true] {
        let server = Server::start(&project, &["--config", "models.toml", "--trace", "live"]);
        for row in ROWS {
            server.post("/predict", row).ok();
        }
        server.end();
        let told = diff(&project, "a.evenstep", CSV, &trace);
        assert_eq!(told["equal"], true, "{told:#}");
        assert_eq!(project.path(&trace.replace(".trace", ".1.trace")).exists(), kept);
    }
}

#[test]
fn a_server_that_finds_its_address_taken_leaves_the_trace_of_who_has_it() {
    let project = project();
    let server = Server::start(&project, &["a.evenstep", "--trace", "live.trace"]);
    for row in ROWS {
        server.post("/predict", row).ok();
    }
    let said = project.run(&["serve", "a.evenstep", "--listen", server.address(), "--trace", "live.trace"]);
    assert!(said.code == 2 && said.err.contains("another program listens there"), "{}", said.err);
    server.end();
    assert_eq!(diff(&project, "a.evenstep", CSV, "live.trace")["equal"], true);
    assert!(!project.path("live.1.trace").exists());
}

#[test]
fn a_file_is_the_trace_of_one_bundle_alone() {
    let project = project();
    project.run(&["key", "api", "boss", "--file", "admin-keys.toml"]).ok();
    for args in [&["a.evenstep", "other.evenstep"][..], &[&["a.evenstep"][..], &ADMIN].concat()] {
        let said = project.run(&[&["serve", "--listen", "127.0.0.1:0", "--trace", "live.trace"], args].concat());
        assert!(said.code == 2 && said.err.contains("would be the trace of one bundle"), "{}", said.err);
    }
}
