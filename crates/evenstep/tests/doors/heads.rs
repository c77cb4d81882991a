//! What heads of requests and answers say: formats, names, compression.

use std::io::{Read, Write};
use std::net::TcpStream;

use evenstep_source::format::{Compression, Format};
use evenstep_source::write::Writer;
use evenstep_table::{Column, ColumnName, Kind};
use serde_json::json;

use crate::client::{ARROW, JSON, LINES, Server, Told, small, small_project};

#[test]
fn an_answer_comes_in_the_format_that_is_most_welcome() {
    let server = small();
    for (accept, status, kind) in [
        ("text/csv", 200, "text/csv; charset=utf-8; header=present"),
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
fn small_bodies_of_many_rows_are_refused() {
    let server = small();
    let rows = 262_145;
    for (kind, body) in [
        ("text/csv", format!("x,z\n{}", "1,1\n".repeat(rows))),
        (JSON, format!("[{}{{}}]", "{},".repeat(rows))),
        (JSON, format!(r#"{{"columns":{{"x":[{}1]}}}}"#, "1,".repeat(rows - 1))),
    ] {
        let told = server.post("/predict", kind, "", body.as_bytes());
        assert!(told.status == 413 && told.text().contains("may have 262144 rows"), "{kind}: {}", told.text());
    }
    let told = server.post("/predict", LINES, "Accept: text/csv\r\n", "{}\n".repeat(rows).as_bytes());
    assert_eq!(told.status, 413);
}

#[test]
fn a_small_body_of_far_more_cells_is_answered_on_a_thread_of_its_own_or_refused() {
    let project = small_project();
    let spec = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\ntarget = \"y\"\n[contract]\nz = { type = \"number\", absent = \"null\" }\n[model]\nuse = \"boosted_trees\"\ntrees = 3\n";
    project.write("pipeline.toml", spec);
    project.run(&["train", "--quiet"]).ok();
    let server = Server::start(&project, "p.evenstep");
    let rows = |count: usize| format!("x\n{}", "3\n".repeat(count));
    let lines = |count| {
        let told = server.post("/predict", "text/csv", "Accept: text/csv\r\n", rows(count).as_bytes()).ok();
        let first = told.text().lines().nth(1).map(|line| line.split_once(',').expect("an index").1.to_owned());
        (told.text().lines().count() - 1, first)
    };
    let (one, many) = (lines(1), lines(32_000));
    assert_eq!((one.0, many.0, one.1), (1, 32_000, many.1));
    // Compressed, they take a thousandth.
    let nested = format!("[{}[0]]", "[0],".repeat(2_000_000));
    let told = server.post("/predict", JSON, "", nested.as_bytes());
    assert!(told.status == 413 && told.text().contains("more values than 256 MiB"), "{}", told.text());
    // Which of many rows is the odd one is told even where the values of all of them are too many.
    let rows = vec![r#"{"x":1,"z":2,"a":[[[[[[[[1]]]]]]]]}"#; 200_000];
    let told = server.post("/predict", JSON, "", format!(r#"[{{"x":1,"z":2}},{}]"#, rows.join(",")).as_bytes());
    assert!(told.status == 413 && told.text().contains("; row 1 is the first that isn't as"), "{}", told.text());
}

#[test]
fn values_are_told_in_short() {
    let server = small();
    for long in [json!("x".repeat(1_000_000)), json!(vec![1; 100_000])] {
        let told = server.predict(JSON, JSON, json!({ "x": long, "z": 1 }).to_string().as_bytes());
        assert!(told.status == 422 && told.body.len() < 1000, "{}", told.body.len());
    }
    // So are names, whoever tells them.
    let name = "é".repeat(500_000);
    let [twice, columns] = [format!("{{\"{name}\":1,\"{name}\":2}}"), format!("{{\"columns\":{{\"{name}\":2}}}}")];
    let input = json!({ "inputs": [{ "name": name, "datatype": "FP0", "shape": [1], "data": [1] }] }).to_string();
    let shape = json!({ name.as_str(): [] }).to_string();
    let inferred = "/v2/models/p/infer";
    for (path, body) in [("/predict", &twice), ("/predict", &columns), ("/invocations", &shape), (inferred, &input)] {
        let told = server.post(path, JSON, "", body.as_bytes());
        assert!(told.status == 400 && told.body.len() < 5000, "{path}: {} {}", told.status, told.body.len());
    }
    let told = server.post("/predict", "text/csv", "", format!("x,z,{name},{name}\n1,2,3,4\n").as_bytes());
    assert!(
        told.status == 400 && told.text().contains("are both named") && told.body.len() < 5000,
        "{} {:.300}",
        told.status,
        told.text()
    );
    let path = format!("/models/{}/predict", "x".repeat(20_000));
    let told = server.post(&path, JSON, "", b"{}");
    assert!(told.status == 404 && told.text().contains("is served") && told.body.len() < 5000, "{}", told.status);
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

/// What is answered to a head, without what was said before the answer itself.
fn answered(server: &Server, head: &str, body: &[u8]) -> Told {
    let head = format!("{}\r\n\r\n", head.replace('\n', "\r\n"));
    server.exchange(&[head.as_bytes(), body].concat())
}

#[test]
fn a_head_that_can_be_read_in_two_ways_is_refused() {
    let server = small();
    for (head, status) in [
        ("GET /health HTTP/1.1\nConnection: close\nHost: localhost", 200),
        ("GET /health HTTP/1.0", 421),
        ("GET /health HTTP/1.1\nConnection: close", 400),
        ("GET /health HTTP/1.1\nConnection: close\nHost: localhost\nHost: evil.example", 400),
        ("GET /health HTTP/1.1\nConnection: close\nHost: evil.example\nHost: localhost", 400),
        ("GET /health HTTP/1.1\nConnection: close\nHost: me@localhost", 400),
        ("GET /health HTTP/1.1\nConnection: close\nHost: localhost:port", 400),
        ("GET http://localhost/health HTTP/1.1\nConnection: close", 400),
        ("GET http://evil.example/health HTTP/1.1\nConnection: close\nHost: localhost", 421),
    ] {
        let told = answered(&server, head, b"");
        assert_eq!(told.status, status, "{head}: {}", told.text());
    }
    let chunked = |coding: &str| {
        let head = "POST /predict HTTP/1.1\nConnection: close\nHost: localhost\nContent-Type: application/json";
        let body = b"10\r\n{\"x\": 1, \"z\": 2}\r\n0\r\n\r\n";
        answered(&server, &format!("{head}\nTransfer-Encoding: {coding}"), body)
    };
    assert_eq!(chunked("chunked").status, 200);
    assert_eq!(chunked("Chunked ").status, 200);
    let told = chunked("gzip, chunked");
    assert!(told.status == 501 && told.text().contains("Content-Encoding"), "{}", told.text());

    let infer = |lengths: &str| server.post("/v2/models/p/infer", JSON, lengths, b"{}");
    let one = "Inference-Header-Content-Length: 2\r\n";
    assert!(infer(&one.repeat(2)).text().contains("`inputs`"), "it says the same twice");
    let told = infer(&format!("{one}{}", one.replace('2', "1")));
    assert!(told.status == 400 && told.text().contains("two lengths"), "{}", told.text());
}

#[test]
fn a_body_that_is_said_to_be_too_large_is_refused_before_it_is_sent() {
    let server = small();
    for path in ["/predict", "/invocations", "/v2/models/p/infer"] {
        let head = format!(
            "POST {path} HTTP/1.1\nHost: localhost\nContent-Type: application/json\nContent-Length: {}\nExpect: 100-continue\nConnection: close",
            (16 << 20) + 1
        );
        let told = answered(&server, &head, b"");
        assert!(told.status == 413 && told.head.starts_with("HTTP/1.1 413"), "{path}: {}", told.head);
    }
    // Who sends it all the same reads why.
    let told = server.post("/predict", JSON, "", &vec![b' '; 17 << 20]);
    assert_eq!(told.status, 413);
}

#[test]
fn what_is_refused_or_kept_for_its_coding_says_so() {
    let server = small();
    let row = br#"{"x": 1, "z": 2}"#;
    let refused = |kind: &str, coding: &str| {
        let told = server.post("/predict", kind, &format!("Content-Encoding: {coding}\r\n"), row);
        assert_eq!(told.status, 415, "{}", told.text());
        let accepted = told.head.lines().find_map(|line| line.strip_prefix("accept-encoding: "));
        (accepted.expect("it says how").to_owned(), told.json()["detail"].as_str().expect("words").to_owned())
    };
    assert_eq!(refused(JSON, "br").0, "gzip, zstd, deflate");
    let (accepted, words) = refused(LINES, "gzip");
    assert!(accepted == "identity" && words.contains("(`gzip`)") && words.contains("sent as they are"), "{words}");
    assert_eq!(server.post("/predict", LINES, "Content-Encoding: identity\r\n", row).status, 200);

    let many = format!("[{}]", vec!["{\"x\": 1, \"z\": 2}"; 100].join(","));
    for more in ["", "Accept-Encoding: br\r\n", "Accept-Encoding: x-gzip\r\n"] {
        let told = server.post("/predict", JSON, more, many.as_bytes()).ok();
        assert!(told.head.contains("vary: accept-encoding"), "{}", told.head);
        assert_eq!(told.head.contains("content-encoding: gzip"), more.contains("x-gzip"), "{}", told.head);
    }
    assert!(!server.predict(JSON, JSON, row).head.contains("vary"), "it is the same for all");
    assert!(server.predict(JSON, "", row).ok().head.contains(&format!("content-type: {JSON}")));
}

#[test]
fn a_row_without_an_id_beside_others_breaks_no_rule() {
    let project = small_project();
    project.write(
        "data.csv",
        (0..200).fold("k,x,z,y\n".to_owned(), |text, n| format!("{text}{n},{},{},{n}\n", n % 17, n % 23)),
    );
    project.run(&["train", "--quiet", "--set", "data.id=k"]).ok();
    let server = Server::start(&project, "p.evenstep");
    let told = server.predict(JSON, JSON, br#"[{"k": 7, "x": 1, "z": 2}, {"x": 1, "z": 2}]"#).ok().json();
    assert_eq!((&told["predictions"][0]["id"], &told["predictions"][1]["id"]), (&json!(7), &json!(null)));
    assert!(told["predictions"][1]["flags"].is_null(), "{told}");
}

#[cfg(unix)]
#[test]
fn who_connected_before_the_server_is_told_to_stop_is_answered() {
    let mut server = small();
    let signal = |name: &str| {
        let kill = format!("kill -{name} {}", server.id());
        assert!(std::process::Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
    };
    signal("STOP");
    let connect = |_| {
        let mut stream = TcpStream::connect(&*server.address).expect("the system takes it");
        stream.write_all(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is sent");
        stream
    };
    let waiting: Vec<TcpStream> = (0..5).map(connect).collect();
    signal("TERM");
    signal("CONT");
    for mut stream in waiting {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it is answered, and closed");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    server.wait();
}

#[cfg(unix)]
#[test]
fn who_asks_while_the_server_leaves_is_answered_and_told_to_ask_elsewhere() {
    let project = small_project();
    let mut server = Server::with(&project, &["--shutdown-delay", "3600"]);
    let row = br#"{"x": 1, "z": 2}"#;
    assert_eq!(server.get("/health").status, 200);
    server.tell_to_stop();
    while server.get("/health").status == 200 {}
    assert_eq!(server.get("/health").json()["status"], "ending");
    assert_eq!(server.get("/v2/health/ready").status, 503);
    assert_eq!(server.get("/v2/health/live").status, 200);
    server.predict(JSON, JSON, row).ok();
    server.tell_to_stop();
    server.wait();
}
