//! The server, by clients that mean it ill, have no key, or are merely slow.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use common::Project;

const ROUTES: [(&str, &str, &str); 23] = [
    ("POST", "/predict", ROW),
    ("GET", "/health", ""),
    ("GET", "/metrics", ""),
    ("GET", "/openapi.json", ""),
    ("GET", "/models", ""),
    ("GET", "/models/p", ""),
    ("GET", "/models/p/openapi.json", ""),
    ("POST", "/models/p/predict", ROW),
    ("GET", "/models/p/versions/VERSION/openapi.json", ""),
    ("POST", "/models/p/versions/VERSION/predict", ROW),
    ("GET", "/v2", ""),
    ("GET", "/v2/", ""),
    ("GET", "/v2/health/live", ""),
    ("GET", "/v2/health/ready", ""),
    ("GET", "/v2/models/p", ""),
    ("GET", "/v2/models/p/ready", ""),
    ("POST", "/v2/models/p/infer", TENSORS),
    ("GET", "/v2/models/p/versions/VERSION", ""),
    ("GET", "/v2/models/p/versions/VERSION/ready", ""),
    ("POST", "/v2/models/p/versions/VERSION/infer", TENSORS),
    ("GET", "/ping", ""),
    ("GET", "/version", ""),
    ("POST", "/invocations", r#"{"instances": [{"x": 1, "z": 2}]}"#),
];
/// They tell whether the process is well, and nothing of the model.
const OPEN: [&str; 4] = ["/health", "/ping", "/v2/health/live", "/v2/health/ready"];
const ROW: &str = r#"{"x": 1, "z": 2}"#;
const TENSORS: &str = r#"{"inputs": [{"name": "x", "shape": [1], "datatype": "INT64", "data": [1]}, {"name": "z", "shape": [1], "datatype": "INT64", "data": [2]}]}"#;

/// A small bundle of its own: `p.evenstep`.
fn project() -> Project {
    let project = Project::new();
    let rows: String = (0..200).map(|n| format!("{},{},{}\n", n % 17, n * 7 % 23, n % 17 + 3)).collect();
    project.write("data.csv", format!("x,z,y\n{rows}"));
    let spec =
        "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\ntarget = \"y\"\n[model]\nuse = \"ridge\"\n";
    project.write("pipeline.toml", spec);
    project.run(&["train", "--quiet"]).ok();
    project
}

/// A server that ends with the test.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(project: &Project, more: &[&str]) -> Server {
        let args = [&["serve", "p.evenstep", "--json", "--listen"], more].concat();
        let mut child = project.command(&args).stdout(Stdio::piped()).spawn().expect("the program starts");
        let address = common::address_of(&mut child);
        Server { child, address }
    }

    /// The status and the whole answer to a request that ends its connection.
    fn ask(&self, method: &str, path: &str, head: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nConnection: close\r\n{head}Content-Length: {length}\r\n\r\n{body}")
            .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("no status: {answer}")), answer)
    }

    /// The routes, with the version that is served in their paths.
    fn routes(&self, head: &str) -> Vec<(&'static str, String, &'static str)> {
        let document = self.ask("GET", "/openapi.json", head, "").1;
        let (_, document) = document.split_once("\r\n\r\n").expect("a body");
        let document: serde_json::Value = serde_json::from_str(document).expect("JSON");
        let version = document["info"]["version"].as_str().expect("a version");
        let routes: Vec<_> =
            ROUTES.into_iter().map(|(method, path, body)| (method, path.replace("VERSION", version), body)).collect();
        // Nothing is served that this list, and so a test, leaves out.
        let told = document["paths"].as_object().expect("paths");
        let named = |path: &str| path.replace("{model}", "p").replace("{version}", version);
        let mut told: Vec<String> = told.keys().map(|path| named(path)).collect();
        let mut listed: Vec<String> = routes.iter().map(|(_, path, _)| path.clone()).collect();
        told.sort();
        listed.sort();
        assert_eq!(told, listed);
        routes
    }

    fn status(&self, method: &str, path: &str, head: &str, body: &str) -> u16 {
        self.ask(method, path, head, body).0
    }

    fn predicts(&self) -> bool {
        self.status("POST", "/predict", "Host: localhost\r\nContent-Type: application/json\r\n", ROW) == 200
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn who_finds_another_program_at_an_address_is_told_how_to_take_a_free_one() {
    let project = project();
    let server = Server::start(&project, &["127.0.0.1:0"]);
    let taken = server.address.as_str();
    project.run(&["key", "api", "admin", "--file", "admin.toml"]).ok();
    let admin = ["serve", "p.evenstep", "--listen", "127.0.0.1:0", "--admin", taken, "--admin-keys", "admin.toml"];
    for (args, option) in [
        (&["serve", "p.evenstep", "--listen", taken][..], "--listen"),
        (&["mock", "pipeline.toml", "--listen", taken], "--listen"),
        (&admin, "--admin"),
    ] {
        let said = project.run(args);
        assert_eq!(said.code, 2, "{}", said.err);
        assert!(said.err.contains(taken) && said.err.contains(&format!("{option} 127.0.0.1:0")), "{}", said.err);
    }
}

#[test]
fn beyond_this_host_nobody_is_served_unless_keys_are_asked_for_or_it_is_said() {
    let project = project();
    let said = project.run(&["serve", "p.evenstep", "--listen", "0.0.0.0:0"]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("key api") && said.err.contains("--insecure"), "{}", said.err);
    let server = Server::start(&project, &["0.0.0.0:0", "--insecure"]);
    let told = |server: &Server, host: &str| server.status("GET", "/health", &format!("Host: {host}\r\n"), "");
    let near = ["10.1.2.3:80", "houses", "[::1]", "localhost:8080"].map(|host| told(&server, host));
    // A page's own name may have been made to point here.
    assert_eq!((near, told(&server, "any.example")), ([200; 4], 421));
    let server = Server::start(&project, &["0.0.0.0:0", "--insecure", "--allow-host", "any.example"]);
    assert_eq!((told(&server, "any.example"), told(&server, "other.example")), (200, 421));

    project.write("none.toml", "");
    for (keys, expected) in [("none.toml", "has no keys"), ("missing.toml", "can't be read"), ("data.csv", "line 1")] {
        let said = project.run(&["serve", "p.evenstep", "--listen", "0.0.0.0:0", "--api-keys", keys]);
        assert_eq!(said.code, 2, "{}", said.err);
        assert!(said.err.contains(expected) && said.err.contains(keys), "{}", said.err);
    }
}

#[test]
fn a_bundle_that_another_engine_trained_is_said_in_one_line() {
    let project = project();
    let said = |more: &[&str]| {
        let args = [&["serve", "p.evenstep", "--listen", "127.0.0.1:0"], more].concat();
        let mut child =
            project.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut first = String::new();
        let out = child.stdout.as_mut().expect("it is piped");
        BufReader::new(out).read_line(&mut first).expect("it says that it listens");
        child.kill().expect("it runs");
        let output = child.wait_with_output().expect("it ends");
        (first, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (_, remarks) = said(&[]);
    assert!(!remarks.contains("trained by"), "{remarks}");
    let lock = project.read("pipeline.lock");
    let version = env!("CARGO_PKG_VERSION");
    let other = lock.replace(&format!("engine = \"{version}\""), "engine = \"0.0.9\"");
    assert_ne!(other, lock, "a lock tells the engine");
    project.write("pipeline.lock", &other);
    let remark =
        format!("trained by engine 0.0.9, and here it is {version}: the golden rows give the same bits all the same");
    let (_, remarks) = said(&[]);
    assert_eq!(remarks.lines().filter(|line| line.contains(&remark)).count(), 1, "{remarks}");
    let (_, remarks) = said(&["--quiet"]);
    assert!(!remarks.contains("trained by"), "{remarks}");
    let (first, _) = said(&["--json"]);
    let told: serde_json::Value = serde_json::from_str(&first).expect("JSON");
    assert_eq!(told["environment"][0]["name"], "engine");
    assert_eq!(told["environment"][0]["then"], "0.0.9");
    // A lock of another bundle tells nothing of this one.
    project.write("pipeline.lock", other.replace("sha256:", "sha256:0"));
    let (_, remarks) = said(&[]);
    assert!(!remarks.contains("trained by"), "{remarks}");
}

#[test]
fn every_route_but_the_health_of_the_process_needs_a_key() {
    let project = project();
    let key = project.run(&["key", "api", "crm", "--json"]).ok().json()["key"].as_str().expect("a key").to_owned();
    let other = project.run(&["key", "api", "batch"]).ok().out.trim().to_owned();
    let again = project.run(&["key", "api", "crm"]);
    assert_eq!(again.code, 2, "{}", again.err);
    let kept = project.read("api-keys.toml");
    assert!(kept.contains("crm") && kept.contains("batch") && !kept.contains(&key[4..]), "{kept}");

    let server = Server::start(&project, &["127.0.0.1:0", "--api-keys", "api-keys.toml"]);
    let host = "Host: localhost\r\nContent-Type: application/json\r\n";
    let routes = server.routes(&format!("{host}X-API-Key: {other}\r\n"));
    let others =
        [("GET", "/nowhere".to_owned(), ""), ("PUT", "/predict".to_owned(), ""), ("GET", "/v2/x".to_owned(), "")];
    for (method, path, body) in routes.iter().chain(&others) {
        for wrong in [String::new(), format!("Authorization: Bearer {key}x\r\n"), "X-API-Key: \r\n".to_owned()] {
            let (status, answer) = server.ask(method, path, &format!("{host}{wrong}"), body);
            let expected = if OPEN.contains(&path.as_str()) { 200 } else { 401 };
            assert_eq!(status, expected, "{method} {path} with `{wrong}`: {answer}");
            assert!(!answer.contains("sha256:"), "it tells of the model: {answer}");
        }
    }
    for right in [format!("Authorization: Bearer {key}\r\n"), format!("X-API-Key: {other}\r\n")] {
        for (method, path, body) in &routes {
            assert_eq!(server.status(method, path, &format!("{host}{right}"), body), 200, "{method} {path}");
        }
    }
}

#[test]
fn a_page_of_another_site_gets_no_answer() {
    let project = project();
    for none in ["", "http://x", "*.example.com", "a b", "models.example:8080", "[::g]"] {
        let said = project.run(&["serve", "p.evenstep", "--allow-host", none]);
        assert!(said.code == 2 && said.err.contains("expected a name without scheme"), "{none}: {}", said.err);
    }
    let server = Server::start(&project, &["127.0.0.1:0", "--allow-host", "models.example"]);
    let json = "Content-Type: application/json\r\n";
    for (host, expected) in [
        ("localhost", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:80", 200),
        ("LOCALHOST", 200),
        ("models.example:443", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("", 421),
    ] {
        assert_eq!(server.status("POST", "/predict", &format!("Host: {host}\r\n{json}"), ROW), expected, "{host}");
    }
    // What a form, or a script that doesn't ask first, can send.
    let mut posted = 0;
    for (_, path, body) in server.routes("Host: localhost\r\n").iter().filter(|(method, _, _)| *method == "POST") {
        for kind in [
            "Origin: http://localhost\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
            "Content-Type: text/plain\r\n",
            "Content-Type: text/plain; application/json\r\n",
            "Content-Type: application/x-www-form-urlencoded\r\n",
            "Content-Type: multipart/form-data; boundary=x\r\n",
        ] {
            assert_eq!(server.status("POST", path, &format!("Host: localhost\r\n{kind}"), body), 415, "{path} {kind}");
            posted += 1;
        }
        for (origin, expected) in [
            ("http://localhost", 200),
            ("https://models.example", 200),
            ("http://localhost:3000", 403),
            ("https://evil.example", 403),
            ("null", 403),
        ] {
            let head = format!("Host: localhost\r\nOrigin: {origin}\r\nContent-Type: application/json\r\n");
            let (status, answer) = server.ask("POST", path, &head, body);
            assert_eq!(status, expected, "{path} {origin}: {answer}");
            let (allowed, _) = server.ask("OPTIONS", path, &head, "");
            assert_eq!(allowed, if expected == 403 { 403 } else { 405 }, "{path} {origin}");
            assert!(!answer.to_ascii_lowercase().contains("access-control-allow"), "{answer}");
        }
        let (status, answer) =
            server.ask("POST", path, "Host: evil.example\r\nContent-Type: application/json\r\n", body);
        assert_eq!(status, 421, "{path}: {answer}");
    }
    assert_eq!(posted, 36);
    // What only tells changes nothing, and no other page can read it.
    assert_eq!(server.status("GET", "/models", "Host: localhost\r\nOrigin: https://evil.example\r\n", ""), 200);
    assert_eq!(server.status("POST", "/predict", "Host: localhost\r\n", ROW), 415);
    // Triton's clients say no type.
    assert_eq!(server.status("POST", "/v2/models/p/infer", "Host: localhost\r\n", TENSORS), 200);
    let with_charset = "Host: localhost\r\nContent-Type: application/json; charset=utf-8\r\n";
    assert_eq!(server.status("POST", "/predict", with_charset, ROW), 200);
}

#[test]
fn a_body_that_is_too_large_is_refused_while_it_comes() {
    let project = project();
    let server = Server::start(&project, &["127.0.0.1:0"]);
    let mut stream = TcpStream::connect(&server.address).expect("it listens");
    write!(stream, "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        .expect("it reads");
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(1 << 16));
    // It stops reading at the limit, so that a write may fail.
    let sent = (0..1000).take_while(|_| stream.write_all(chunk.as_bytes()).is_ok()).count();
    assert!(sent < 1000, "64 MB were taken");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(server.predicts());
}

#[test]
fn slow_and_silent_clients_are_closed_and_others_answered_meanwhile() {
    let project = project();
    let server = Server::start(&project, &["127.0.0.1:0"]);
    let connect = || TcpStream::connect(&server.address).expect("it listens");
    let silent: Vec<TcpStream> = (0..200).map(|_| connect()).collect();
    let begun: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = connect();
            stream.write_all(b"POST /predict HTTP/1.1\r\nHost: local").expect("it reads");
            stream
        })
        .collect();
    let garbage: Vec<TcpStream> = (0..50)
        .map(|n: u8| {
            let mut stream = connect();
            stream.write_all(&[n.wrapping_mul(37), 0xff, 0, n, b'\n', b'\r', 0x80, b'\n']).expect("it reads");
            stream
        })
        .collect();
    let started = Instant::now();
    assert!(server.predicts());
    assert!(started.elapsed() < Duration::from_secs(5), "others wait");
    for mut stream in silent.into_iter().chain(begun).chain(garbage) {
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time");
        let mut answer = Vec::new();
        // Closed, by whatever way; a time that runs out is neither.
        if let Err(error) = stream.read_to_end(&mut answer) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        }
    }
    assert!(server.predicts());
}

#[test]
fn who_speaks_no_http_is_told_so_and_kept_from_coming_back_at_once() {
    let project = project();
    let server = Server::start(&project, &["127.0.0.1:0"]);
    let mut stream = TcpStream::connect(&server.address).expect("it listens");
    stream.write_all(b"\xff\0\r\n\r\n").expect("it reads");
    stream.set_read_timeout(Some(Duration::from_millis(500))).expect("a time");
    let mut answer = Vec::new();
    let error = stream.read_to_end(&mut answer).expect_err("it isn't closed yet");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&answer));
    assert!(server.predicts());
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time");
    assert_eq!(stream.read(&mut [0; 1]).expect("it is closed in the end"), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn as_many_connect_as_there_are_files_for_and_one_address_leaves_some_to_others() {
    let project = project();
    // As a shell limits it, and what the log says first.
    let start = |limit: &str| {
        let program = env!("CARGO_BIN_EXE_evenstep");
        let command =
            format!("ulimit {limit} && exec '{program}' serve p.evenstep --json --listen 127.0.0.1:0 2> said");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &command]).current_dir(project.path("")).stdout(Stdio::piped());
        let mut child = shell.spawn().expect("a shell");
        let address = common::address_of(&mut child);
        Server { child, address }
    };
    let silent = |server: &Server| -> Vec<TcpStream> {
        (0..200).map(|_| TcpStream::connect(&server.address).expect("it listens")).collect()
    };
    // What is given unasked is few, and what is given to who asks is enough.
    let server = start("-S -n 64");
    let clients = silent(&server);
    assert!(server.predicts());
    drop((clients, server));
    assert_eq!(project.read("said"), "");

    let server = start("-n 64");
    let clients = silent(&server);
    // It is written beside the answers.
    let started = Instant::now();
    while project.read("said").is_empty() && started.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let said = project.read("said");
    assert!(said.contains("fewer_connections connections=40 from_one_address=30"), "{said}");
    assert!(said.contains("64 files"), "{said}");
    let asked = |from: &str| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a thread");
        let address = server.address.parse().expect("an address");
        let mut stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
            socket.bind(format!("{from}:0").parse().expect("an address")).expect("an address of this host");
            socket.connect(address).await.expect("it listens").into_std().expect("a socket")
        });
        stream.set_nonblocking(false).expect("a socket");
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    assert!(!asked("127.0.0.1").starts_with("HTTP/1.1 200"));
    let answer = asked("127.0.0.2");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(clients);
}

#[test]
fn who_finds_too_many_waiting_is_sent_away_at_once() {
    // As many as there are threads are answered, and 256 wait.
    let clients = std::thread::available_parallelism().map_or(1, usize::from) + 256 + 150;
    let project = project();
    let server = Server::start(&project, &["127.0.0.1:0"]);
    // Each is so large that it takes a thread of its own.
    let rows = format!("[{}]", vec![ROW; 6000].join(","));
    let head = format!(
        "POST /predict HTTP/1.1\r\nConnection: close\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        rows.len()
    );
    let (first, last) = rows.split_at(rows.len() - 1);
    // All of them end their bodies at once.
    let barrier = Barrier::new(clients);
    let answers: Vec<(u16, String, Duration)> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = TcpStream::connect(&server.address).expect("it listens");
                    write!(stream, "{head}{first}").expect("it reads");
                    barrier.wait();
                    let started = Instant::now();
                    stream.write_all(last.as_bytes()).expect("it reads");
                    let mut answer = String::new();
                    stream.read_to_string(&mut answer).expect("it answers");
                    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
                    (status.expect("a status"), answer, started.elapsed())
                })
            })
            .collect();
        asking.into_iter().map(|one| one.join().expect("it is answered")).collect()
    });
    let (shed, good): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, ..)| *status != 200);
    assert!(!good.is_empty() && !shed.is_empty(), "{} are answered, {} are sent away", good.len(), shed.len());
    for (status, answer, _) in &shed {
        assert_eq!(*status, 503, "{answer}");
        assert!(answer.contains("retry-after: 1\r\n") && answer.contains("too many requests at once"), "{answer}");
    }
    // They need not wait until those before them were answered.
    let mut took: Vec<Duration> = shed.iter().map(|(_, _, took)| *took).collect();
    took.sort();
    let last = good.iter().map(|(_, _, took)| *took).max().expect("some were answered");
    assert!(took[took.len() / 2] < last / 2, "{:?} of {last:?}", took[took.len() / 2]);
    assert!(server.predicts());
}

#[test]
fn who_takes_back_what_it_asks_for_is_closed() {
    const VOLLEY: u32 = 10;
    let project = project();
    let server = Server::start(&project, &["127.0.0.1:0"]);
    // Before it is looked at, and while its body is awaited.
    for wait in [Duration::ZERO, Duration::from_millis(5)] {
        let mut stream = TcpStream::connect(&server.address).expect("it listens");
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").expect("it reads");
        for volley in 0..100_u32 {
            let ids = (0..VOLLEY).map(|at| 1 + 2 * (volley * VOLLEY + at));
            // `:method: POST`, `:scheme: http`, `:path`, `:authority` and `content-type` (RFC 7541), whose body would follow;
            // and that they are cancelled (RFC 9113, 6.4).
            let head = |id| frame(1, 4, id, b"\x83\x86\x04\x08/predict\x01\x09localhost\x0f\x10\x10application/json");
            let asked: Vec<u8> = ids.clone().flat_map(head).collect();
            let reset: Vec<u8> = ids.flat_map(|id| frame(3, 0, id, &[0, 0, 0, 8])).collect();
            let sent = stream.write_all(&asked).and_then(|()| {
                std::thread::sleep(wait);
                stream.write_all(&reset)
            });
            if sent.is_err() {
                break;
            }
        }
        // Before it would be closed for asking nothing.
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time");
        let mut said = Vec::new();
        if let Err(error) = stream.read_to_end(&mut said) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "1,000 requests were taken back: {error}");
        }
    }
    assert!(server.predicts());
}

/// A frame of HTTP/2 (RFC 9113, 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[test]
fn http_2_is_spoken_to_those_who_know_it() {
    let project = project();
    let server = Server::start(&project, &["127.0.0.1:0"]);
    let mut stream = TcpStream::connect(&server.address).expect("it listens");
    // The preface, and a frame of no settings (RFC 9113, 3.4 and 6.5).
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").expect("it reads");
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).expect("it answers");
    assert_eq!(frame[3], 4, "a frame of settings: {frame:?}");
}
