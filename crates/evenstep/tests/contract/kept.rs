//! Changes of a contract, told apart; and what refuses to break one.

use crate::client::{JSON, Server};
use crate::common::Project;
use crate::{FIRST, ROW, first, trained};

fn diff(project: &Project, old: &str, new: &str) -> (i32, String) {
    let said = project.run(&["contract", "diff", old, new, "--quiet"]);
    (said.code, said.out)
}

#[test]
fn changes_are_told_apart_by_what_they_do_to_clients() {
    let project = trained();
    assert_eq!(diff(&project, "first.toml", "rents.evenstep").0, 0);
    insta::assert_snapshot!(diff(&project, "first.toml", "first.toml").1, @"  the contracts are the same");
    let widened = FIRST
        .replace("built = ", "garden = { type = \"boolean\", absent = \"null\" }\nbuilt = ")
        .replace("min = 5, missing = \"reject\"", "min = 5")
        .replace("500 ms", "400 ms");
    project.write("wider.toml", widened);
    let (code, told) = diff(&project, "first.toml", "wider.toml");
    assert_eq!(code, 0);
    insta::assert_snapshot!(told, @r"
    compatible  field `area`: a null is taken now
    compatible  field `garden`: added, and requests do without it
    compatible  serving: `p99` may be 400ms now, and 500ms before

    compatible: clients go on as they are
    ");
    let (code, told) = diff(&project, "wider.toml", "first.toml");
    assert_eq!(code, 1);
    insta::assert_snapshot!(told, @r"
    breaking    field `area`: a null is refused now
    breaking    field `garden`: removed, and requests that have it are refused
    breaking    serving: `p99` may be 500ms now, and 400ms before

    breaking: some clients are refused, or can't read their answers
    ");
    let said = project.run(&["contract", "diff", "wider.toml", "rents.evenstep", "--json", "--quiet"]);
    let json = said.json();
    assert_eq!((said.code, &json["compatible"]), (1, &false.into()));
    assert_eq!(json["changes"][0]["verdict"], "breaking");
    assert!(json["changes"].as_array().expect("a list").iter().any(|change| change["field"] == "garden"), "{json}");
    assert_eq!(project.run(&["contract", "diff", "first.toml", "none.toml"]).code, 2);
}

#[test]
fn no_bundle_breaks_a_contract_unseen() {
    let project = trained();
    // Data that bring a column of which the contract knows nothing: the model would need it.
    let data = project.read("data.csv").replace("built\n", "built,lift\n").replace("-06-01\n", "-06-01,true\n");
    project.write("more.csv", data);
    let more = "data.source=more.csv";
    std::fs::remove_file(project.path("p.lock")).expect("it was written");
    let refused = |args: &[&str]| {
        let said = project.run(&[args, &["--quiet"]].concat());
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        said.err.lines().map(str::trim).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(refused(&["check", "p.toml", "--set", more, "--contract", "first.toml"]), @r"
    × the spec breaks the contract `first.toml` by 1 change: field `lift`: added, and requests without it are refused
    help: `evenstep contract diff OLD NEW` tells every change, and why
    ");
    let told = refused(&["train", "p.toml", "--set", more, "--contract", "first.toml"]);
    assert!(told.contains("the bundle breaks the contract `first.toml` by 1 change"), "{told}");
    assert!(!project.path("p.lock").exists(), "nothing is written");
    project.run(&["check", "p.toml", "--contract", "first.toml", "--quiet"]).ok();
    project.run(&["train", "p.toml", "--contract", "first.toml", "--quiet"]).ok();

    project.run(&["train", "p.toml", "--set", more, "--output", "more.evenstep", "--quiet"]).ok();
    let told = refused(&["serve", "more.evenstep", "--contract", "first.toml", "--listen", "127.0.0.1:0"]);
    assert!(told.contains("field `lift`"), "{told}");
    let server = Server::of(&project, &["serve", "rents.evenstep", "--contract", "first.toml"]);
    server.predict(JSON, JSON, ROW.as_bytes()).ok();
}

#[test]
fn files_alone_are_not_served_and_requests_alone_are_scored_with_a_word() {
    let project = trained();
    let serving = ["--set", "serving={ mode = \"batch\" }"];
    project.run(&[&["train", "p.toml", "--output", "batch.evenstep", "--quiet"], &serving[..]].concat()).ok();
    for args in [&["serve", "batch.evenstep"][..], &["mock", "batch.evenstep"][..]] {
        let said = project.run(&[args, &["--listen", "127.0.0.1:0", "--quiet"]].concat());
        assert_eq!(said.code, 2, "{}", said.err);
        assert!(said.err.contains("files alone") && said.err.contains("mode = \"both\""), "{}", said.err);
    }
    project.run(&["score", "batch.evenstep", "--input", "data.csv", "--output", "scores.csv"]).ok();
    let serving = ["--set", "serving={ mode = \"online\" }"];
    project.run(&[&["train", "p.toml", "--output", "online.evenstep", "--quiet"], &serving[..]].concat()).ok();
    let said = project.run(&["score", "online.evenstep", "--input", "data.csv", "--output", "scores.csv"]).ok();
    assert!(said.err.contains("requests alone"), "{}", said.err);
}

#[test]
fn what_serving_says_changes_no_digest_and_is_measured() {
    let project = trained();
    let digest = project.digest(&["p.toml"]);
    assert_eq!(
        project.digest(&["p.toml", "--set", "serving.latency={ p99 = \"1 us\" }", "--output", "fast.evenstep"]),
        digest
    );
    assert_ne!(project.digest(&["p.toml", "--set", "serving.extra=ignore", "--output", "lax.evenstep"]), digest);

    let server = Server::of(&project, &["serve", "fast.evenstep"]);
    for _ in 0..3 {
        server.predict(JSON, JSON, ROW.as_bytes()).ok();
    }
    let metrics = server.get("/metrics").ok().text();
    assert!(
        ["1e-6", "0.000001"]
            .iter()
            .any(|budget| metrics.contains(&format!("evenstep_budget_seconds{{model=\"rents\"}} {budget}"))),
        "{metrics}"
    );
    assert!(metrics.contains(r#"evenstep_over_budget_total{model="rents"} 3"#), "{metrics}");

    let unknown = ROW.replacen('{', "{\"lift\": true, ", 1);
    assert_eq!(server.predict(JSON, JSON, unknown.as_bytes()).status, 422);
    let lax = Server::of(&project, &["serve", "lax.evenstep"]);
    lax.predict(JSON, JSON, unknown.as_bytes()).ok();
    let row = &lax.get("/openapi.json").ok().json()["components"]["schemas"]["Row"];
    assert_eq!(row["additionalProperties"], true);
    assert!(!lax.get("/metrics").ok().text().contains(r#"evenstep_budget_seconds{model="rents"} 1"#));
}

#[test]
fn a_contract_alone_is_no_spec_to_train_by() {
    let project = first();
    for verb in ["check", "train"] {
        let said = project.run(&[verb, "first.toml", "--quiet"]);
        assert_eq!(said.code, 2);
        assert!(said.err.contains("missing key `source`") && said.err.contains("evenstep mock"), "{}", said.err);
        let said = project.run(&[verb, "first.toml", "--quiet", "--set", "data.source=data.csv"]);
        assert!(said.err.contains("missing key `model`"), "{}", said.err);
        let said = project.run(&[verb, "first.toml", "--quiet", "--set", "data.source="]);
        assert!(said.err.contains("`source` names no file"), "{}", said.err);
    }
}
