//! Traces of requests, as a collector of OpenTelemetry gets them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use evenstep_grpc::Message;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value::{IntValue, StringValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value;

use crate::server::{JSON, ROW, Server, digest, project};

const PARENT: &str = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// A collector: its address, and what it was sent.
fn collector() -> (String, Receiver<(String, ExportTraceServiceRequest)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = format!("http://{}", listener.local_addr().expect("it has an address"));
    let (to, sent) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("somebody sends");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).expect("a head");
                head.extend(byte);
            }
            let head = String::from_utf8(head).expect("text").to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
            let mut body = vec![0; length.parse().expect("a number")];
            stream.read_exact(&mut body).expect("a body");
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").expect("it reads");
            let message = ExportTraceServiceRequest::decode(&body[..]).expect("a message of OTLP");
            if to.send((head, message)).is_err() {
                return;
            }
        }
    });
    (address, sent)
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| match pair.value.clone().and_then(|value| value.value) {
        Some(StringValue(text)) => text,
        Some(IntValue(number)) => number.to_string(),
        other => panic!("{}: {other:?}", pair.key),
    };
    attributes.iter().map(|pair| (pair.key.clone(), text(pair))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_request_is_a_span_of_its_clients_trace_and_holds_nothing_of_what_it_sent() {
    let project = project();
    let (address, sent) = collector();
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", address.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let server = Server::within(&project, &["a.evenstep", "--log", "json"], &environment);
    let head = format!("{JSON}{PARENT}X-Request-Id: mine-7\r\nCookie: hush-hush\r\n");
    let mut connection = server.connect();
    assert_eq!(connection.ask("POST", "/predict?hush=1", &head, ROW.as_bytes()).status, 200);
    assert_eq!(connection.ask("POST", "/predict", &head, br#"{"x": "hush", "z": 2}"#).status, 422);
    assert_eq!(connection.ask("GET", "/hush", "", b"").status, 404);
    // Its status says that the call was answered, and the trace what it was answered.
    let call = ("/inference.GRPCInferenceService/ModelInfer", "Content-Type: application/grpc\r\n");
    assert_eq!(connection.ask("POST", call.0, call.1, b"hush").status, 200);
    assert_eq!(connection.ask("HUSH", "/predict", "", b"").status, 405);
    drop(connection);
    let told = server.end();
    let sent: Vec<_> = sent.try_iter().collect();
    let all = format!("{sent:?}");
    assert!(!all.to_lowercase().contains("hush") && !all.contains("mine-7"), "{all}");
    let (head, _) = sent.first().expect("something is sent");
    assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf\r\n"), "{head}");
    let of_resource: Vec<_> = sent.iter().flat_map(|(_, message)| &message.resource_spans).collect();
    let resource = texts(&of_resource[0].resource.as_ref().expect("a resource").attributes);
    assert_eq!(resource["service.name"], "evenstep");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    let spans: Vec<&Span> =
        of_resource.iter().flat_map(|spans| &spans.scope_spans).flat_map(|spans| &spans.spans).collect();
    let named = |name: &str, status: &str| {
        let found = spans.iter().find(|span| {
            span.name == name && texts(&span.attributes).get("http.response.status_code").is_some_and(|it| it == status)
        });
        *found.unwrap_or_else(|| panic!("no {name} of {status}: {all}"))
    };

    let answered = named("POST /predict", "200");
    assert_eq!((hex(&answered.trace_id).as_str(), hex(&answered.parent_span_id).as_str()), (TRACE, "b7ad6b7169203331"));
    let attributes = texts(&answered.attributes);
    assert_eq!(attributes["http.request.method"], "POST");
    assert_eq!(attributes["http.route"], "/predict");
    assert_eq!(attributes["evenstep.model"], "p");
    assert_eq!(attributes["evenstep.digest"], digest(&project, "a.evenstep"));
    assert_eq!(attributes["evenstep.rows"], "1");
    // Its parts follow one another, and fill it.
    let parts: Vec<&&Span> = spans.iter().filter(|span| span.parent_span_id == answered.span_id).collect();
    let names: Vec<&str> = parts.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["wait", "parse", "steps", "model", "write"]);
    assert!(parts.iter().all(|part| part.trace_id == answered.trace_id));
    assert_eq!(parts[0].start_time_unix_nano, answered.start_time_unix_nano);
    assert!(parts.windows(2).all(|two| two[0].end_time_unix_nano == two[1].start_time_unix_nano), "{parts:?}");
    assert!(parts[4].end_time_unix_nano <= answered.end_time_unix_nano);

    assert_eq!(hex(&named("POST /predict", "422").trace_id), TRACE);
    let nowhere = named("GET none", "404");
    assert!(nowhere.parent_span_id.is_empty() && hex(&nowhere.trace_id) != TRACE, "a trace of its own");
    named("POST /inference.GRPCInferenceService/ModelInfer", "400");
    named("_OTHER /predict", "405");
    // The log names the trace of each.
    let lines: Vec<Value> = told.iter().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let traces: Vec<&str> = lines.iter().filter_map(|line| line["trace"].as_str()).collect();
    assert_eq!(traces[..3], [TRACE, TRACE, &hex(&nowhere.trace_id)]);
}

#[test]
fn no_collector_keeps_a_request_or_the_end_of_the_server_waiting() {
    let project = project();
    // One that takes all and says nothing, and one that isn't there.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let silent_address = format!("http://{}", silent.local_addr().expect("it has an address"));
    for (address, is_refused) in [(silent_address.as_str(), false), ("http://127.0.0.1:1", true)] {
        let environment = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", address),
            ("OTEL_BSP_SCHEDULE_DELAY", "10"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "16"),
        ];
        let server = Server::within(&project, &["a.evenstep"], &environment);
        let started = Instant::now();
        let mut connection = server.connect();
        for _ in 0..200 {
            assert_eq!(connection.ask("POST", "/predict", JSON, ROW.as_bytes()).status, 200);
        }
        assert!(started.elapsed() < Duration::from_secs(8), "requests wait: {:?}", started.elapsed());
        let metrics = connection.ask("GET", "/metrics", "", b"").ok().text();
        let lost = metrics.lines().find_map(|line| line.strip_prefix("evenstep_spans_lost_total "));
        // Six a request, of which few wait.
        let lost: usize = lost.and_then(|lost| lost.parse().ok()).expect("a count");
        assert!((900..1200).contains(&lost), "{lost}");
        drop(connection);
        let ending = Instant::now();
        let told = server.end().join("\n");
        assert!(ending.elapsed() < Duration::from_secs(8), "its end waits: {:?}", ending.elapsed());
        assert_eq!(told.contains("traces_refused"), is_refused, "{told}");
        // Once when it began, and once at the end.
        assert_eq!(told.matches("traces_lost spans=").count(), 2, "{told}");
        let spans = told.split("traces_lost spans=").skip(1).map(|line| {
            let digits = line.split(|c: char| !c.is_ascii_digit()).next();
            digits.and_then(|spans| spans.parse::<usize>().ok()).expect("a count")
        });
        assert_eq!(spans.sum::<usize>(), 200 * 6 + 1, "none is forgotten, not of those on their way: {told}");
    }
}

#[test]
fn without_a_collector_the_log_names_the_trace_that_a_client_says() {
    let project = project();
    let server = Server::start(&project, &["a.evenstep", "--log", "json"]);
    let mut connection = server.connect();
    for head in [PARENT, "traceparent: 00-hush\r\n", ""] {
        assert_eq!(connection.ask("POST", "/predict", &format!("{JSON}{head}"), ROW.as_bytes()).status, 200);
    }
    drop(connection);
    let told = server.end();
    let lines: Vec<Value> = told.iter().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let traces: Vec<&Value> = lines.iter().map(|line| &line["trace"]).collect();
    assert_eq!(traces, [&Value::from(TRACE), &Value::Null, &Value::Null]);
}
