//! What `GET /metrics` tells, by a reader that takes nothing for granted.

use std::collections::BTreeMap;

use crate::client::{JSON, Server, small};

const OPEN_METRICS: &str = "application/openmetrics-text";

fn told(server: &Server, accept: &str) -> (String, String) {
    let told = server
        .exchange(format!("GET /metrics HTTP/1.0\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n").as_bytes())
        .ok();
    let kind = told.head.lines().find_map(|line| line.strip_prefix("content-type: ")).expect("a type").to_owned();
    (kind, told.text())
}

/// How many samples each family has; every one has a type and a help before them, and no other.
fn families(text: &str, suffix_of_counters: &str) -> BTreeMap<String, usize> {
    let (mut helped, mut samples) = (String::new(), BTreeMap::new());
    let mut typed = BTreeMap::<String, String>::new();
    for line in text.lines() {
        match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
            ["#", "HELP", name, help] => {
                assert!(help.len() > 10, "{line}");
                helped = name.to_owned();
            }
            ["#", "TYPE", name, kind] => {
                assert_eq!(helped, name, "no help of {name}");
                let known = typed.insert(name.to_owned(), kind.to_owned());
                assert!(known.is_none(), "{name} has two types");
            }
            _ => {
                let name = line.split(['{', ' ']).next().expect("a name");
                let (_, value) = line.rsplit_once(' ').expect("a value");
                value.parse::<f64>().unwrap_or_else(|_| panic!("no value: {line}"));
                let (family, kind) = typed
                    .iter()
                    .filter(|(family, _)| name.starts_with(family.as_str()))
                    .max_by_key(|(family, _)| family.len())
                    .expect("a type");
                let suffixes: &[&str] = match kind.as_str() {
                    "counter" => &[suffix_of_counters],
                    "histogram" => &["_bucket", "_sum", "_count"],
                    _ => &[""],
                };
                assert!(
                    suffixes.iter().any(|suffix| name == format!("{family}{suffix}")),
                    "{line} of a {kind} {family}"
                );
                *samples.entry(family.clone()).or_default() += 1;
            }
        }
    }
    samples
}

#[test]
fn metrics_are_told_in_the_classic_text_or_as_open_metrics() {
    let server = small();
    server.predict(JSON, JSON, br#"{"x": 1, "z": 2}"#).ok();
    server.predict(JSON, JSON, br#"{"x": null, "z": 2}"#).ok();
    server.predict(JSON, JSON, br#"{"x": "no", "z": 2}"#);
    // What Prometheus asks for, and whoever says nothing.
    for accept in ["text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "*/*"] {
        let (kind, text) = told(&server, accept);
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
        let families = families(&text, "");
        assert_eq!(families["evenstep_requests_total"], 2, "{text}");
        assert!(text.contains("evenstep_missing_cells_total{model=\"p\",column=\"x\"} 1\n"), "{text}");
        assert!(text.contains("evenstep_refused_cells_total{model=\"p\",rule=\"invalid\"} 1\n"), "{text}");
        for stage in ["wait", "parse", "steps", "model", "write"] {
            assert!(text.contains(&format!("evenstep_stage_seconds_count{{stage=\"{stage}\"}} 2\n")), "{text}");
        }
        assert_eq!(families["evenstep_rows_total"], 1);
        assert_eq!(families["evenstep_connections"], 1);
        assert_eq!(families["evenstep_model_info"], 1);
        assert!(text.contains("evenstep_model_info{model=\"p\",version=\""), "{text}");
        assert!(families["evenstep_request_seconds"] > 10);
        assert!(!text.contains("# EOF"));
    }
    let (kind, text) =
        told(&server, "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2");
    assert!(kind.starts_with(OPEN_METRICS), "{kind}");
    let text = text.strip_suffix("# EOF\n").expect("an end");
    assert_eq!(families(text, "_total")["evenstep_requests"], 2);
}
