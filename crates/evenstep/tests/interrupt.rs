//! Told to stop by Ctrl-C or a polite kill, the program stops at once, and leaves no half files.
#![cfg(unix)]

mod common;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::Project;

const SPEC: &str = r#"[pipeline]
name = "p"
seed = 1
[data]
source = "data.csv"
target = "y"
[model]
use = "boosted_trees"
trees = 2000
"#;

/// A small training, done, and a file that keeps the program busy for longer than any test waits.
fn project() -> Project {
    let project = Project::new();
    project.write("p.toml", SPEC);
    let rows = |count: u32| {
        let mut text = "x,z,y\n".to_owned();
        for n in 0..count {
            writeln!(text, "{},{},{}", n % 1009, n * 7 % 31, n * 5 % 37).expect("a string takes what is written");
        }
        text
    };
    project.write("data.csv", rows(200));
    project.run(&["train", "p.toml", "--quiet", "--set", "model.trees=2"]).ok();
    project.write("data.csv", rows(3_000_000));
    project
}

/// The signals that end a verb, and its exit code; whoever started these tests by `nohup` wants none of the third.
fn signals() -> Vec<(&'static str, i32)> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let hears = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 0);
    [("INT", 130), ("TERM", 143)].into_iter().chain(hears.then_some(("HUP", 129))).collect()
}

fn tell(child: &Child, signal: &str) {
    let kill = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
}

/// The exit code, which must come soon.
fn ended(child: &mut Child) -> Option<i32> {
    let told = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is ours") {
            return status.code();
        }
        assert!(told.elapsed() < Duration::from_secs(20), "it doesn't stop");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn names(project: &Project) -> Vec<String> {
    let files = std::fs::read_dir(project.path(".")).expect("the folder is there");
    let mut names: Vec<String> =
        files.map(|file| file.expect("a file").file_name().into_string().expect("UTF-8")).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_training_that_is_interrupted_leaves_the_old_files() {
    let project = project();
    let all =
        || names(&project).into_iter().map(|name| (std::fs::read(project.path(&name)).ok(), name)).collect::<Vec<_>>();
    let before = all();
    for (signal, code) in signals() {
        let mut child = project
            .command(&["train", "p.toml"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut said = String::new();
        BufReader::new(child.stderr.take().expect("it is piped")).read_line(&mut said).expect("it says what it does");
        tell(&child, signal);
        assert_eq!(ended(&mut child), Some(code), "SIG{signal} after: {said}");
        assert!(before == all(), "SIG{signal} changed files: {:?}", names(&project));
    }
}

#[test]
fn a_scoring_that_is_interrupted_leaves_the_old_file_and_none_beside_it() {
    let project = project();
    project.write("scores.csv", "old");
    let before = names(&project);
    for (signal, code) in signals() {
        let mut child = project
            .command(&["score", "p.evenstep", "--input", "data.csv", "--output", "scores.csv", "--quiet"])
            .spawn()
            .expect("it starts");
        let started = Instant::now();
        while names(&project) == before {
            assert!(started.elapsed() < Duration::from_secs(20), "nothing is written");
            std::thread::sleep(Duration::from_millis(1));
        }
        tell(&child, signal);
        assert_eq!(ended(&mut child), Some(code));
        assert_eq!(names(&project), before);
        assert_eq!(project.read("scores.csv"), "old");
    }
}

#[test]
fn a_server_that_is_told_to_stop_answers_first_what_it_was_asked() {
    let project = project();
    for signal in ["INT", "TERM"] {
        let (mut child, address) = common::serve(&project, "p.evenstep");
        let mut idle = TcpStream::connect(&address).expect("it listens");
        write!(idle, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it reads");
        idle.read_exact(&mut [0; 12]).expect("it answers, and the connection stays open");

        let body = r#"{"x": 1, "z": 2}"#;
        let mut asking = TcpStream::connect(&address).expect("it listens");
        write!(
            asking,
            "POST /predict HTTP/1.1\r\nContent-Type: application/json\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .expect("it reads");
        std::thread::sleep(Duration::from_millis(200));
        tell(&child, signal);
        std::thread::sleep(Duration::from_millis(200));
        assert!(child.try_wait().expect("it is ours").is_none(), "it waits for the request under way");
        asking.write_all(body.as_bytes()).expect("it reads");
        let mut answer = String::new();
        asking.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("prediction"), "{answer}");
        assert_eq!(ended(&mut child), Some(0));
    }
}

#[test]
fn a_server_that_is_told_to_stop_twice_waits_for_nobody() {
    let project = project();
    let (mut child, address) = common::serve(&project, "p.evenstep");
    let mut asking = TcpStream::connect(address).expect("it listens");
    asking
        .write_all(b"POST /predict HTTP/1.1\r\nContent-Type: application/json\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n")
        .expect("it reads");
    std::thread::sleep(Duration::from_millis(200));
    tell(&child, "TERM");
    std::thread::sleep(Duration::from_millis(200));
    assert!(child.try_wait().expect("it is ours").is_none(), "it waits for the request under way");
    let started = Instant::now();
    tell(&child, "INT");
    assert_eq!(ended(&mut child), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5), "it took {:?}", started.elapsed());
}

#[test]
fn a_client_that_never_ends_its_request_does_not_keep_the_server() {
    let project = project();
    let (mut child, address) = common::serve(&project, "p.evenstep");
    let mut asking = TcpStream::connect(address).expect("it listens");
    write!(
        asking,
        "POST /predict HTTP/1.1\r\nContent-Type: application/json\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    )
    .expect("it reads");
    std::thread::sleep(Duration::from_millis(200));
    tell(&child, "TERM");
    assert_eq!(ended(&mut child), Some(0));
}

#[test]
fn a_handshake_that_does_not_end_does_not_keep_the_server() {
    let project = project();
    let of = |part: &str| format!("{}/tests/models/tls/one.{part}.pem", env!("CARGO_MANIFEST_DIR"));
    let tls = ["--tls-cert", &of("cert"), "--tls-key", &of("key")];
    let mut command =
        project.command(&[&["serve", "p.evenstep", "--listen", "127.0.0.1:0", "--json"], &tls[..]].concat());
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
    let _silent = TcpStream::connect(common::address_of(&mut child)).expect("it listens");
    std::thread::sleep(Duration::from_millis(200));
    let started = Instant::now();
    tell(&child, "TERM");
    assert_eq!(ended(&mut child), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5), "it took {:?}", started.elapsed());
}
