//! What heads of requests and answers say: formats, names, compression.

use evenstep_source::format::{Compression, Format};
use evenstep_source::write::Writer;
use evenstep_table::{Column, ColumnName, Kind};

use crate::client::{ARROW, JSON, LINES, small};

#[test]
fn an_answer_comes_in_the_format_that_is_most_welcome() {
    let server = small();
    for (accept, status, kind) in [
        ("text/csv", 200, "text/csv"),
        ("text/csv;q=0.5, application/x-ndjson", 200, LINES),
        ("text/html, */*;q=0.1", 200, JSON),
        (ARROW, 200, ARROW),
        ("text/html", 406, "application/problem+json"),
    ] {
        let told = server.predict(JSON, accept, br#"[{"x": 1, "z": 2}]"#);
        assert_eq!(told.status, status, "{accept}: {}", told.text());
        assert!(told.head.contains(&format!("content-type: {kind}\r\n")), "{accept}: {}", told.head);
        assert_eq!(told.head.contains("evenstep-digest: sha256:"), status == 200, "{}", told.head);
    }
    let names = server.get("/nowhere").text();
    for path in ["/predict", "/invocations", "/v2/models/NAME/infer", "/health", "/ping", "/version", "/openapi.json"] {
        assert!(names.contains(path), "{names}");
    }
}

#[test]
fn a_request_is_called_what_its_client_calls_it() {
    let server = small();
    let ask =
        |name: &str, row: &str| server.post("/predict", JSON, &format!("X-Request-Id: {name}\r\n"), row.as_bytes());
    let row = r#"{"x": 1, "z": 2}"#;
    assert!(ask("abc-7", row).ok().head.contains("x-request-id: abc-7\r\n"));
    assert_eq!(ask("abc-7", "[1]").json()["instance"], "abc-7");
    // What can't stand in a URI isn't repeated, and what went wrong has a name in any case.
    let long = "x".repeat(200);
    for name in ["a b", "<script>", &long, ""] {
        let told = ask(name, "[1]");
        let made = told.json()["instance"].as_str().expect("a name").to_owned();
        assert!(made.len() == 32 && made.bytes().all(|byte| byte.is_ascii_hexdigit()), "{made}");
        assert!(told.head.contains(&format!("x-request-id: {made}")), "{}", told.head);
    }
}

#[test]
fn bodies_and_answers_are_compressed_as_they_say() {
    let server = small();
    let name = |name| ColumnName::new(name).expect("a name");
    let compressed = |rows: i64, compression| {
        let header = vec![(name("x"), Kind::Integer), (name("z"), Kind::Integer)];
        let mut writer = Writer::new(Format::Csv, compression, Vec::new(), header, false).expect("a table");
        let column = Column::Integer((0..rows).map(|row| row % 9).collect());
        writer.write(&[&column, &column], &[]).expect("rows");
        writer.finish().expect("an end")
    };
    let plain = server.post("/predict", "text/csv", "", &compressed(500, Compression::None)).ok().json();
    assert_eq!(plain["predictions"].as_array().map(Vec::len), Some(500));
    for (encoding, compression) in [("gzip", Compression::Gzip), ("zstd", Compression::Zstd)] {
        let head = format!("Content-Encoding: {encoding}\r\n");
        let body = compressed(500, compression);
        assert_eq!(server.post("/predict", "text/csv", &head, &body).ok().json(), plain, "{encoding}");
        assert_eq!(server.post("/predict", "text/csv", &head, &body[..body.len() / 2]).status, 400, "{encoding}");
        assert_eq!(server.post("/predict", "text/csv", &head, &compressed(9_000_000, compression)).status, 413);
        let told = server.post("/predict", "text/csv", &format!("Accept-Encoding: {encoding}\r\n{head}"), &body).ok();
        assert!(told.head.contains(&format!("content-encoding: {encoding}")), "{}", told.head);
        assert!(told.body.len() < plain.to_string().len() / 4);
    }
    for (kind, encoding) in [("text/csv", "br"), (LINES, "gzip")] {
        assert_eq!(
            server.post("/predict", kind, &format!("Content-Encoding: {encoding}\r\n"), b"").status,
            415,
            "{kind}"
        );
    }
}
