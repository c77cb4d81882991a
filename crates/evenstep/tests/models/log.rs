//! What the log says of requests, and what it doesn't.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::server::{JSON, Server, digest, project};

#[test]
fn each_request_is_told_in_a_line_without_what_callers_sent() {
    let project = project();
    let key = project.run(&["key", "api", "crm", "--json"]).ok().json()["key"].as_str().expect("a key").to_owned();
    let server = Server::start(&project, &["a.evenstep", "--api-keys", "api-keys.toml", "--log", "json"]);
    let head =
        format!("Authorization: Bearer {key}\r\nX-Request-Id: mine-7\r\nCookie: hush-hush\r\nUser-Agent: hush\r\n");
    let mut connection = server.connect();
    let mut asked = Vec::new();
    let mut ask = |method: &str, path: &str, more: &str, body: &str| {
        let told = connection.ask(method, path, &format!("{head}{more}"), body.as_bytes());
        assert_eq!(told.header("x-request-id"), Some("mine-7"));
        asked.push(told.status);
    };
    let lines = "Content-Type: application/x-ndjson\r\n";
    ask("POST", "/predict?hush=1", JSON, r#"[{"x": 98765, "z": 2}, {"x": 1, "z": 2}]"#);
    ask("POST", "/predict", JSON, r#"{"x": "hush", "z": 2}"#);
    ask("POST", "/predict", JSON, r#"{"hush": "#);
    ask("POST", "/predict", lines, "{\"x\": 98765, \"z\": 2}\n{\"x\": 1, \"z\": 2}\n{\"x\": 1, \"z\": \"hush\"}\n");
    ask("POST", "/v2/models/p/infer", JSON, r#"{"id": "hush", "inputs": [{"name": "hush"}]}"#);
    ask("POST", "/models/hush/predict", JSON, "{}");
    ask("POST", "/inference.GRPCInferenceService/ModelInfer", "Content-Type: application/grpc\r\n", "hush");
    ask("HUSH", "/predict", "", "");
    ask("GET", "/hush", "", "");
    ask("GET", "/metrics", "", "");
    drop(connection);
    let unnamed = server.connect().ask("POST", "/predict", JSON, b"{}");
    let name = unnamed.header("x-request-id").expect("it is given a name").to_owned();
    let told = server.end();
    let all = told.join("\n");
    assert!(!all.contains("hush") && !all.contains("98765") && !all.contains(&key), "{all}");

    let lines: Vec<Value> = told.iter().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let mut of_me: Vec<&Value> = lines.iter().filter(|line| line["request"] == "mine-7").collect();
    assert_eq!(of_me.len(), asked.len(), "{all}");
    of_me.sort_by_key(|line| line["time"].as_str());
    assert!(of_me.iter().all(|line| line["key"] == "crm" && line["microseconds"].is_u64()), "{all}");
    let short: Vec<String> = of_me
        .iter()
        .map(|line| format!("{} {} {} {}", line["status"], line["method"], line["route"], line["rows"]))
        .collect();
    insta::assert_snapshot!(short.join("\n"), @r#"
    200 "POST" "/predict" 2
    422 "POST" "/predict" 0
    400 "POST" "/predict" 0
    200 "POST" "/predict" 2
    400 "POST" "/v2/models/{model}/infer" 0
    404 "POST" "/models/{model}/predict" null
    400 "POST" "/inference.GRPCInferenceService/ModelInfer" null
    405 "_OTHER" "/predict" null
    404 "GET" "none" null
    200 "GET" "/metrics" null
    "#);
    let first = of_me[0];
    assert_eq!((&first["model"], &first["digest"]), (&"p".into(), &digest(&project, "a.evenstep").into()));
    let refused = lines.iter().find(|line| line["request"] == name.as_str()).expect("it is told, too");
    assert_eq!((&refused["status"], &refused["key"]), (&401.into(), &Value::Null));
}

#[test]
fn requests_are_told_to_people_in_words_and_to_nobody_unless_asked() {
    let project = project();
    let told = |args: &[&str]| {
        let server = Server::start(&project, &[&["a.evenstep"], args].concat());
        server.answers("/predict");
        server.end().join("\n")
    };
    assert_eq!(told(&[]), "");
    let line = told(&["--log", "text"]);
    assert!(line.contains(" status=200 method=POST route=/predict request=") && line.contains(" rows=1 "), "{line}");
}

#[test]
fn an_answer_line_by_line_tells_how_it_ended() {
    let project = project();
    let server = Server::start(&project, &["a.evenstep", "--log", "json"]);
    let row = "{\"x\": 1, \"z\": 2}\n";
    let mut connection = server.connect();
    for body in [row.repeat(2), format!("{row}{{x}}\n"), format!("{row}{{\"x\": \"hush\", \"z\": 2}}\n")] {
        let told = connection.ask("POST", "/predict", "Content-Type: application/x-ndjson\r\n", body.as_bytes());
        assert_eq!(told.status, 200);
    }
    drop(connection);
    let metrics = server.get("/metrics").text();
    for status in [200, 400, 422] {
        assert!(
            metrics.contains(&format!("evenstep_requests_total{{status=\"{status}\",model=\"p\"}} 1")),
            "{metrics}"
        );
    }
    let lines: Vec<Value> = server.end().iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told: Vec<_> = lines
        .iter()
        .filter(|line| line["rows"].is_u64())
        .map(|line| (line["rows"].as_u64(), line["ended"].as_str()))
        .collect();
    assert_eq!(told, [(Some(2), None), (Some(1), Some("refused")), (Some(1), Some("refused"))]);
}

#[test]
fn a_call_that_is_refused_is_told_of_the_model_that_it_names() {
    let project = project();
    let server = Server::start(&project, &["a.evenstep", "other.evenstep", "--log", "json"]);
    let mut connection = server.connect();
    // A message whose first field is the model's name, in its frame; it has no tensors.
    for name in [b'p', b'q', b'r'] {
        let head = "Content-Type: application/grpc\r\n";
        connection.ask("POST", "/inference.GRPCInferenceService/ModelInfer", head, &[0, 0, 0, 0, 3, 0x0a, 1, name]);
    }
    drop(connection);
    let metrics = server.get("/metrics").text();
    for model in ["p", "q", ""] {
        let counted = metrics.lines().filter(|line| {
            line.starts_with("evenstep_requests_total{") && line.ends_with(&format!("model=\"{model}\"}} 1"))
        });
        assert_eq!(counted.count(), 1, "{metrics}");
    }
    let lines: Vec<Value> = server.end().iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let models: Vec<&Value> = lines.iter().take(3).map(|line| &line["model"]).collect();
    assert_eq!(models, [&Value::from("p"), &Value::from("q"), &Value::Null], "{lines:?}");
}

#[test]
fn a_request_that_gets_no_answer_is_told_too() {
    let project = project();
    let server = Server::start(&project, &["a.evenstep", "--log", "json"]);
    let half = |name: &str| {
        let mut stream = TcpStream::connect(server.address()).expect("it listens");
        let head = format!(
            "POST /predict HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: {name}\r\n{JSON}Content-Length: 20\r\n\r\n{{\"x\":"
        );
        stream.write_all(head.as_bytes()).expect("it reads");
        stream
    };
    let (gone, stays) = (half("gone"), half("stays"));
    // Both are being read.
    let answered = server.connect().ask("POST", "/predict", JSON, br#"{"x": 1, "z": 2}"#);
    assert_eq!(answered.status, 200);
    std::thread::sleep(Duration::from_millis(200));
    drop(gone);
    std::thread::sleep(Duration::from_millis(200));
    let lines = server.end();
    drop(stays);
    let of = |name: &str| {
        let line = lines.iter().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}: {lines:?}"));
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        format!("{} {} {}", line["status"], line["route"], line["ended"])
    };
    // Half a body that is closed is a wrong one; of another nobody knows.
    assert_eq!(of("gone"), r#"400 "/predict" null"#);
    assert_eq!(of("stays"), r#"null "/predict" "cut""#);
}
