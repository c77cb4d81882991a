//! The listener for those who say what is served, and `models`, which asks it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{JSON, Server, digest, models, project};

const ROUTES: [(&str, &str); 9] = [
    ("GET", "/models"),
    ("GET", "/models/p"),
    ("DELETE", "/models/p"),
    ("PUT", "/models/p/versions/2"),
    ("DELETE", "/models/p/versions/2"),
    ("PUT", "/models/p/aliases/next"),
    ("DELETE", "/models/p/aliases/next"),
    ("POST", "/models/p/aliases/next/rollback"),
    ("GET", "/health"),
];

#[test]
fn no_admin_route_answers_without_its_own_key_or_beyond_its_names() {
    let project = project();
    let client = project.run(&["key", "api", "crm", "--json"]).ok().json()["key"].as_str().expect("a key").to_owned();
    let server = Server::with_admin(&project, &["a.evenstep", "--api-keys", "api-keys.toml"]);
    let (mut admin, key) = server.connect_admin();
    let mut asked = 0;
    for (method, path) in ROUTES.into_iter().chain([("GET", "/nowhere"), ("POST", "/models"), ("PUT", "/models/p")]) {
        // Whoever may ask for predictions may not say what gives them.
        for wrong in ["", "Authorization: Bearer evk_x\r\n", &format!("X-API-Key: {client}\r\n")] {
            let told = admin.ask(method, path, &format!("{wrong}{JSON}"), b"{\"version\": \"2\"}");
            assert_eq!(told.status, 401, "{method} {path}: {}", told.text());
            assert!(!told.text().contains("sha256:"), "{}", told.text());
            asked += 1;
        }
        let elsewhere = format!("{key}Content-Type: application/json\r\nX: y\r\n");
        let told = server.connect().ask(method, path, &elsewhere, b"");
        assert_eq!(told.status, if path == "/health" { 200 } else { 401 }, "an admin's key asks for no predictions");
    }
    assert_eq!(asked, 36);
    assert_eq!(admin.ask("GET", "/models", &key, b"").ok().json()["default"], "p");
    let foreign = admin.ask("GET", "http://evil.example/models", &key, b"");
    assert_eq!(foreign.status, 421, "{}", foreign.text());
    for (method, path) in ROUTES.into_iter().filter(|(method, _)| *method != "GET") {
        let told = admin.ask(method, path, &format!("{key}{JSON}Origin: https://evil.example\r\n"), b"{}");
        assert_eq!(told.status, 403, "{method} {path}: {}", told.text());
        assert_eq!(told.header("content-type"), Some("application/problem+json"));
    }

    let mut door = server.connect();
    // What is no name is told as everything else is.
    let head = format!("X-API-Key: {client}\r\n");
    for told in [
        door.ask("GET", "/models/%ff", &head, b""),
        admin.ask("GET", "/models/%ff", &key, b""),
        admin.ask("DELETE", "/models/p/versions/%ff", &key, b""),
    ] {
        assert_eq!((told.status, told.header("content-type")), (400, Some("application/problem+json")));
    }

    // None of it is there where predictions are asked for.
    for (method, path) in [("PUT", "/models/p/versions/2"), ("DELETE", "/models/p"), ("PUT", "/models/p/aliases/next")]
    {
        let told = door.ask(method, path, &head, b"");
        assert!([404, 405].contains(&told.status), "{method} {path}: {}", told.status);
    }
}

#[test]
fn an_admin_listener_is_off_by_default_and_never_open() {
    let project = project();
    let server = Server::start(&project, &["a.evenstep"]);
    assert_eq!(server.told["admin"], Value::Null);
    project.write("none.toml", "");
    project.run(&["key", "api", "boss", "--file", "admin-keys.toml"]).ok();
    for (args, expected) in [
        (&["--admin", "127.0.0.1:0"][..], "--admin-keys"),
        (&["--admin", "127.0.0.1:0", "--admin-keys", "none.toml"], "has no keys"),
        (&["--admin", "127.0.0.1:0", "--admin-keys", "missing.toml"], "can't be read"),
        (&["--admin", "0.0.0.0:0", "--admin-keys", "admin-keys.toml"], "--tls-cert"),
    ] {
        let said = project.run(&[&["serve", "a.evenstep", "--listen", "127.0.0.1:0"], args].concat());
        assert!(said.code == 2 && said.err.contains(expected), "{args:?}: {}", said.err);
    }
    let one = ["--listen", "127.0.0.1:9", "--admin", "127.0.0.1:9", "--admin-keys", "admin-keys.toml"];
    let said = project.run(&[&["serve", "a.evenstep"], &one[..]].concat());
    assert!(said.code == 2 && said.err.contains("another than `--listen`"), "{}", said.err);
}

#[test]
fn a_version_is_loaded_made_the_default_and_rolled_back_by_the_command_line() {
    let project = project();
    let (a, b) = (digest(&project, "a.evenstep"), digest(&project, "b.evenstep"));
    project.write("models.toml", "[models.p.versions]\n1 = \"a.evenstep\"\n");
    let server = Server::with_admin(&project, &["--config", "models.toml", "--log", "json"]);
    let run = |args: &[&str]| models(&project, &server, args);
    run(&["load", "b.evenstep", "--as", "2"]).ok();
    assert_eq!(server.answers("/predict"), a);
    assert_eq!(server.answers("/models/p/versions/2/predict"), b);
    let listed = run(&["alias", "p", "default", "2"]).ok().out;
    assert_eq!(listed, format!("  p  1  {a}\n  p  2  {b}  default\n"));
    assert_eq!(server.answers("/predict"), b);
    let told = run(&["rollback", "p", "--json"]).ok().json();
    assert_eq!(told["aliases"], json!({ "default": { "version": "1", "earlier": [] } }));
    assert_eq!(server.answers("/predict"), a);
    // What lay between two turns to one version is gone: nothing is left to turn back to.
    run(&["alias", "p", "default", "2"]).ok();
    run(&["load", "b.evenstep", "--as", "3"]).ok();
    for version in ["3", "2"] {
        run(&["alias", "p", "default", version]).ok();
    }
    for version in ["1", "3"] {
        run(&["unload", "p", version]).ok();
    }
    let again = run(&["rollback", "p"]);
    assert!(again.code == 1 && again.err.contains("pointed at nothing that is loaded before `2`"), "{}", again.err);
    run(&["load", "a.evenstep", "--as", "1"]).ok();
    run(&["alias", "p", "default", "1"]).ok();
    // By its own name and version.
    run(&["load", "other.evenstep"]).ok();
    run(&["load", "a.evenstep", "--model", "q", "--version", "4"]).ok();
    assert_eq!(server.answers("/models/q/versions/4/predict"), a);
    assert_eq!(server.answers("/models/q/predict"), digest(&project, "other.evenstep"));
    run(&["alias", "p", "next", "2"]).ok();
    let line = server.line_with("\"alias\":\"next\"");
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((&line["event"], &line["by"], &line["version"]), (&json!("pointed"), &json!("boss"), &json!("2")));

    std::fs::copy(project.path("b.evenstep"), project.path("broken.evenstep")).expect("copied");
    let mut bytes = std::fs::read(project.path("b.evenstep")).expect("read");
    bytes[200] ^= 1;
    let (mut admin, key) = server.connect_admin();
    let told =
        admin.ask("PUT", "/models/p/versions/3", &format!("{key}Content-Type: application/octet-stream\r\n"), &bytes);
    assert_eq!(told.status, 422, "{}", told.text());
    let said = |args: &[&str]| {
        let said = run(args);
        assert_eq!(said.code, 1, "{args:?}: {} {}", said.out, said.err);
        said.err.trim().trim_start_matches("× ").to_owned()
    };
    insta::assert_snapshot!([
        said(&["load", "a.evenstep", "--as", "2"]),
        said(&["load", "a.evenstep", "--as", "next"]),
        said(&["load", "a.evenstep", "--as", "a b"]),
        said(&["load", "a.evenstep", "--as", "default"]),
        said(&["unload", "p", "1"]),
        said(&["unload", "p", "22"]),
        said(&["unload", "p"]),
        said(&["alias", "p", "next", "3"]),
        said(&["alias", "p", "2", "1"]),
        said(&["alias", "p", "default", "--delete"]),
        said(&["alias", "p", "nxt", "--delete"]),
        said(&["rollback", "p", "next"]),
        said(&["rollback", "z"]),
    ].join("\n").replace(&b, "DIGEST"), @"
    version `2` of `p` is loaded, and is DIGEST; load it as another version
    `next` is an alias of `p`; load it as another version
    `a b` is no name of a version: it has 1 to 64 letters, digits, `-`, `_` or `.`, and not dots alone
    `default` is an alias of `p`; load it as another version
    alias `default` of `p` points at version `1`; point it elsewhere first
    model `p` has no version `22`; there are `1`, `2`
    `p` answers where no model is named, so it stays
    model `p` has no version `3`; there are `1`, `2`
    `2` is a version of `p`, so it can't be an alias, too
    every model has an alias `default`
    model `p` has no alias `nxt`; did you mean `next`?
    alias `next` of `p` pointed at nothing that is loaded before `2`
    no model `z` is served; there are `p`, `q`
    ");
    run(&["alias", "p", "next", "--delete"]).ok();
    run(&["unload", "p", "2"]).ok();
    run(&["unload", "q"]).ok();
    assert_eq!(server.get("/models/q").status, 404);
    assert_eq!(run(&["list"]).ok().out, format!("  p  1  {a}  default\n"));
}

#[test]
fn a_client_without_a_server_or_a_key_is_told_what_is_missing() {
    let project = project();
    let server = Server::with_admin(&project, &["a.evenstep"]);
    project.write("wrong.key", "evk_wrong");
    project.write("two.key", "evk_a evk_b");
    let url = format!("http://{}", server.admin_address());
    let predictions = format!("http://{}", server.address());
    for (args, code, expected) in [
        (&["--server", url.as_str(), "--key-file", "wrong.key"][..], 2, "doesn't know the key"),
        (&["--server", &url, "--key-file", "two.key"], 2, "holds no key"),
        (&["--server", &url, "--key-file", "none.key"], 2, "--key-file"),
        (&["--server", "http://models.example:9090"], 2, "in the clear"),
        (&["--server", "https://localhost:9090"], 2, "--ca FILE"),
        (&["--server", "localhost:9090"], 2, "is no address"),
        (&["--server", "http://127.0.0.1:1"], 2, "can't be asked"),
        (&["--server", &predictions], 2, "answers requests for predictions"),
    ] {
        let said = project.run(&[&["models", "list"], args].concat());
        assert!(said.code == code && said.err.contains(expected), "{args:?}: {} {}", said.code, said.err);
    }
}

#[test]
fn who_is_refused_where_models_are_changed_is_told_in_the_log_without_the_key() {
    let project = project();
    let client = project.run(&["key", "api", "crm", "--json"]).ok().json()["key"].as_str().expect("a key").to_owned();
    let server = Server::with_admin(&project, &["a.evenstep", "--api-keys", "api-keys.toml"]);
    let (mut admin, _) = server.connect_admin();
    for _ in 0..20 {
        assert_eq!(admin.ask("GET", "/models", "Authorization: Bearer evk_secret\r\n", b"").status, 401);
    }
    let first = server.line_with("admin_refused");
    assert!(first.contains("status=401 from=127.0.0.1") && !first.contains("key="), "{first}");
    // Once a second at most; what isn't told is counted.
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(admin.ask("GET", "/models", &format!("X-API-Key: {client}\r\n"), b"").status, 401);
    let second = server.line_with("admin_refused");
    assert!(second.contains("key=crm") && second.contains("untold_before="), "{second}");
    std::thread::sleep(Duration::from_millis(1100));
    let (mut admin, boss) = server.connect_admin();
    assert_eq!(admin.ask("DELETE", "/models/p/versions/none", &boss, b"").status, 404);
    let third = server.line_with("admin_refused");
    assert!(third.contains("status=404") && third.contains("key=boss"), "{third}");
    let all = [vec![first, second, third], server.end()].concat().join("\n");
    assert!(!all.contains("evk_"), "{all}");
}

#[test]
fn what_an_alias_is_to_point_at_is_an_object() {
    let project = project();
    let server = Server::with_admin(&project, &["a.evenstep"]);
    let (mut admin, key) = server.connect_admin();
    let mut said = |body: &str| {
        let told = admin.ask("PUT", "/models/p/aliases/next", &format!("{key}{JSON}"), body.as_bytes());
        format!("{} {}", told.status, told.json()["detail"].as_str().expect("words"))
    };
    let twice = "{\"version\": \"1\", \"version\": \"2\"}";
    let said = [said("[]"), said("[\"2\"]"), said("{}"), said("{\"version\": 2}"), said("{"), said(twice)];
    insta::assert_snapshot!(said.join("\n"), @r#"
    400 the body is not as `{"version": "…"}`: it is no object
    400 the body is not as `{"version": "…"}`: it is no object
    400 the body is not as `{"version": "…"}`: missing field `version` at line 1 column 2
    400 the body is not as `{"version": "…"}`: invalid type: integer `2`, expected a string at line 1 column 13
    400 the body is not as `{"version": "…"}`: EOF while parsing an object at line 1 column 1
    400 the body is not as `{"version": "…"}`: duplicate field `version` at line 1 column 26
    "#);
    let wide = format!("{key}Content-Type: application/json; charset=utf-16\r\n");
    assert_eq!(admin.ask("PUT", "/models/p/aliases/next", &wide, b"{\"version\": \"1\"}").status, 415);
}

#[test]
fn requests_that_the_admin_listener_has_no_place_for_count_among_none_for_predictions() {
    const PLACES: u32 = 96;
    let project = project();
    let server = Server::with_admin(&project, &["a.evenstep"]);
    let frame = |kind: u8, stream: u32, payload: &[u8]| {
        let length = (payload.len() as u32).to_be_bytes();
        [&length[1..], &[kind, if kind == 1 { 4 } else { 0 }], &stream.to_be_bytes(), payload].concat()
    };
    let mut stream = TcpStream::connect(server.admin_address()).expect("it listens");
    let mut asked = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(4, 0, b"")].concat();
    // `:method: POST`, `:scheme: http`, `:path` and `:authority` (RFC 7541), whose bodies don't follow.
    let head = b"\x83\x86\x04\x07/models\x01\x09localhost";
    (0..=PLACES).for_each(|at| asked.extend(frame(1, 1 + 2 * at, head)));
    stream.write_all(&asked).expect("it reads");
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).expect("a frame");
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).expect("all of it");
        if (head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]])) == (1, 1 + 2 * PLACES) {
            // `503`, as RFC 7541 packs it.
            assert!(payload.windows(3).any(|three| three == b"\x6c\x0c\xff"), "{payload:x?}");
            break;
        }
    }
    let metrics = server.connect().ask("GET", "/metrics", "", b"").ok().text();
    assert!(!metrics.contains("503"), "{metrics}");
}
