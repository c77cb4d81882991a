//! `mock`: the server's own doors, with answers that are made up.

use std::time::Instant;

use serde_json::{Value, json};

use crate::client::{JSON, LINES, Server};
use crate::{FIRST, ROW, common::Project, first};

fn predictions(server: &Server, body: &Value) -> Vec<Value> {
    let told = server.predict(JSON, JSON, body.to_string().as_bytes()).ok();
    assert!(told.head.to_ascii_lowercase().contains("evenstep-mock: true"), "{}", told.head);
    let told = told.json();
    assert!(told["digest"].as_str().is_some_and(|digest| digest.starts_with("mock:")), "{told}");
    let predictions = told["predictions"].as_array().expect("a list");
    predictions.iter().map(|told| told["prediction"].clone()).collect()
}

#[test]
fn answers_depend_on_what_a_row_holds_and_on_nothing_else() {
    let project = first();
    let server = Server::of(&project, &["mock", "first.toml", "--latency", "none"]);
    let row: Value = serde_json::from_str(ROW).expect("a row");
    let rows: Vec<Value> = (0..50)
        .map(|n| {
            let mut row = row.clone();
            row["area"] = json!(20 + n);
            row
        })
        .collect();
    let together = predictions(&server, &json!(rows));
    for (row, expected) in rows.iter().zip(&together) {
        assert_eq!(predictions(&server, row), std::slice::from_ref(expected), "alone as among others");
        let number = expected.as_f64().expect("a number");
        assert!((200.0..=5000.0).contains(&number), "{number} is beyond the contract");
    }
    let mut distinct: Vec<String> = together.iter().map(Value::to_string).collect();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), rows.len());
    // An id names a row, and says nothing of its flat.
    let mut named = rows[0].clone();
    named["flat"] = json!(7);
    assert_eq!(predictions(&server, &named), [together[0].clone()]);

    // Another day, another process.
    let again = Server::of(&project, &["mock", "first.toml", "--latency", "none"]);
    assert_eq!(predictions(&again, &json!(rows)), together);

    // Every door gives the same.
    let lines: Vec<u8> = rows.iter().flat_map(|row| format!("{row}\n").into_bytes()).collect();
    let told = server.predict(LINES, LINES, &lines).ok();
    let by_lines: Vec<Value> = told.lines().iter().map(|line| line["prediction"].clone()).collect();
    assert_eq!(by_lines, together);
    let tensors = json!({ "inputs": [
        { "name": "area", "shape": [1], "datatype": "FP64", "data": [20] },
        { "name": "Floor.No", "shape": [1], "datatype": "INT64", "data": [2] },
        { "name": "city", "shape": [1], "datatype": "BYTES", "data": ["Bern"] },
        { "name": "built", "shape": [1], "datatype": "BYTES", "data": ["1950-06-01"] },
    ] });
    let told = server.post("/v2/models/rents/infer", JSON, "", tensors.to_string().as_bytes()).ok().json();
    assert_eq!(told["outputs"][0]["data"][0], together[0]);
    assert!(server.get("/health").ok().json()["version"].as_str().is_some_and(|version| version.starts_with("mock-")));
}

#[test]
fn a_mock_refuses_what_the_contract_refuses() {
    let server = Server::of(&first(), &["mock", "first.toml"]);
    let told = server.predict(JSON, JSON, br#"{"area": null, "Floor.No": "x", "twon": "Bern"}"#);
    assert_eq!(told.status, 422, "{}", told.text());
    let mut told: Vec<String> = told.json()["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| error["message"].as_str().expect("words").to_owned())
        .collect();
    told.sort();
    insta::assert_snapshot!(told.join("\n"), @r"
    `Floor.No`: `x` is a text, where an integer is expected
    `area`: the value is missing
    `built`: the column is missing
    `twon` is not in the contract: leave it out
    ");
    let told = server.predict(JSON, JSON, br#"{"area": 50, "Floor.No": 1, "built": null}"#).ok().json();
    assert_eq!(told["predictions"][0]["flags"], json!([{ "field": "city", "rule": "absent" }]));
}

/// Half of the latency is the middle, and half of that the least.
#[test]
fn a_request_whose_client_no_longer_waits_is_told_so() {
    let project = first();
    let server = Server::of(&project, &["mock", "first.toml", "--latency", "2 s"]);
    let shapes = [
        ("/predict", JSON, ROW.to_owned()),
        ("/predict", "text/csv", "amount,city\n50.5,Rome\n".to_owned()),
        ("/invocations", JSON, format!(r#"{{"dataframe_records": [{ROW}]}}"#)),
        ("/v2/models/rents/infer", JSON, r#"{"inputs": []}"#.to_owned()),
    ];
    for (path, kind, body) in &shapes {
        for header in ["Evenstep-Timeout-Ms: 20", "X-Envoy-Expected-Rq-Timeout-Ms: 20"] {
            let told = server.post(path, kind, &format!("{header}\r\n"), body.as_bytes());
            let name = header.split(':').next().expect("a name").to_lowercase();
            assert_eq!(told.status, 504, "{path}: {}", told.text());
            assert!(told.text().contains(&format!("the time of `{name}` is over")), "{path}: {}", told.text());
        }
        let told = server.post(path, kind, "Evenstep-Timeout-Ms: soon\r\n", body.as_bytes());
        assert!(
            told.status == 400 && told.text().contains("`evenstep-timeout-ms` is no time"),
            "{path}: {}",
            told.text()
        );
    }
    server.post("/predict", JSON, "Evenstep-Timeout-Ms: 60000\r\n", ROW.as_bytes()).ok();
    let counted = server.get("/metrics").ok().text();
    assert!(counted.contains(r#"evenstep_requests_total{status="504",model="rents"} 8"#), "{counted}");
    assert!(counted.contains(r#"evenstep_rows_total{model="rents"} 1"#), "{counted}");
}

#[test]
fn answers_take_as_long_as_is_said() {
    let project = first();
    let server = Server::of(&project, &["mock", "first.toml", "--latency", "80 ms"]);
    let took = |n: u32| {
        let started = Instant::now();
        server.predict(JSON, JSON, ROW.replace("50.5", &n.to_string()).as_bytes()).ok();
        started.elapsed().as_millis()
    };
    let all: Vec<u128> = (10..20).map(took).collect();
    // Half of 80 ms is the middle, and half of that the least.
    assert!(all.iter().all(|took| *took >= 20), "{all:?}");
    let said = project.run(&["mock", "first.toml", "--latency", "soon"]);
    assert_eq!(said.code, 2);
    insta::assert_snapshot!(said.err.trim(), @r#"
    there are no data to look at: the contract is what the spec declares
      × `--latency soon`: expected a length of time such as "5 ms", not `soon`
      help: write `--latency none` for answers at once
    "#);
}

#[test]
fn classes_are_drawn_with_their_probabilities() {
    let project = Project::new();
    let rent = "rent = { type = \"number\", min = 200, max = 5000, unit = \"CHF\" }";
    for (classes, name) in [(&["no", "yes"][..], "two.toml"), (&["a", "b", "c"][..], "three.toml")] {
        let rule = format!("rent = {{ type = \"category\", values = {classes:?} }}");
        project.write(name, FIRST.replace(rent, &rule));
        let server = Server::of(&project, &["mock", name, "--latency", "none"]);
        let rows: Vec<Value> = (0..60).map(|n| json!({ "area": 10 + n, "Floor.No": n, "built": null })).collect();
        let told = server.predict(JSON, JSON, json!(rows).to_string().as_bytes()).ok().json();
        let mut chosen = Vec::new();
        for told in told["predictions"].as_array().expect("a list") {
            let of = |class: &str| told["probability"][class].as_f64().expect("a probability");
            let all: f64 = classes.iter().map(|class| of(class)).sum();
            assert!((all - 1.0).abs() < 1e-9, "{told}");
            let class = told["prediction"].as_str().expect("a class");
            assert!(classes.iter().all(|other| of(class) >= of(other)), "{told}");
            chosen.push(class.to_owned());
        }
        chosen.sort();
        chosen.dedup();
        assert_eq!(chosen, classes, "each is drawn now and then");
    }
}

#[test]
fn a_contract_that_leaves_something_open_is_refused_with_what_to_write() {
    let project = first();
    let refused = |old: &str, new: &str| {
        assert!(FIRST.contains(old), "{old}");
        project.write("open.toml", FIRST.replace(old, new));
        let said = project.run(&["mock", "open.toml", "--listen", "127.0.0.1:0", "--quiet"]);
        assert_eq!(said.code, 2, "{}{}", said.out, said.err);
        said.err
            .lines()
            .filter(|line| line.contains('×') || line.contains("help:"))
            .map(str::trim)
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(refused("built = { type = \"date\" }", "built = { missing = \"reject\" }"), @r#"
    × column `built` has no `type`, and there are no data to infer it from
    help: built = { type = "number", … }, or whatever it is
    "#);
    insta::assert_snapshot!(refused("target = \"rent\"", "target = \"price\""), @r#"
    × `target` names `price`, of which the contract says nothing, and there are no data to look at
    help: [contract] price = { type = "number" }, or whatever it is
    "#);
    insta::assert_snapshot!(refused("rent = { type = \"number\", min = 200, max = 5000, unit = \"CHF\" }", "rent = { type = \"category\" }"), @r#"
    × the contract doesn't say which classes the target `rent` has
    help: rent = { type = "category", values = ["no", "yes"] }
    "#);
    insta::assert_snapshot!(refused("absent = \"null\"", "available = \"no\""), @r#"
    × column `city` is not available when predicting, and the model would learn from it as it is
    help: drop it before any other step: use = "drop_columns", columns = ["city"]; or say where it comes from: city = { available = "request" }
    "#);
    insta::assert_snapshot!(refused("latency = { p50 = \"1 ms\", p99 = \"500 ms\" }", "mode = \"batch\""), @r#"
    × the contract of `rents` is of files alone: `[serving] mode = "batch"`
    help: score files by `evenstep score`, or train with `mode = "both"`
    "#);
    insta::assert_snapshot!(refused("[serving]", "[[step]]\nuse = \"select_columns\"\ncolumns = [\"area\", \"size\"]\n[serving]"), @r#"
    × step `select_columns` keeps column `size`, of which the contract says nothing
    help: [contract] size = { type = "number" }, or whatever it is
    "#);
}

#[test]
fn the_documented_example_keeps_to_the_formats_of_dates() {
    let project = first();

    for format in ["%d.%m.%Y", "%Y/%j"] {
        let written = FIRST.replace("{ type = \"date\" }", &format!("{{ type = \"date\", format = \"{format}\" }}"));
        project.write("first.toml", written);
        let server = Server::of(&project, &["mock", "first.toml", "--latency", "none"]);
        let document = server.get("/openapi.json").json();
        let row = &document["paths"]["/predict"]["post"]["requestBody"]["content"][JSON]["example"];
        let told = server.predict(JSON, JSON, row.to_string().as_bytes()).ok();
        assert!(row["built"].is_string() && told.status == 200, "{row}");
    }
}
