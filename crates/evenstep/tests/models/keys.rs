//! Keys that are made, taken back and broken while the server runs.

use std::time::{Duration, Instant};

use crate::common::Project;
use crate::server::{Server, project};

fn made(project: &Project, name: &str, file: &str) -> String {
    let told = project.run(&["key", "api", name, "--file", file, "--json"]).ok().json();
    told["key"].as_str().expect("a key").to_owned()
}

/// Waits until a key gets that status.
fn wait_for(status: u16, mut ask: impl FnMut() -> u16) {
    let started = Instant::now();
    while ask() != status {
        assert!(started.elapsed() < Duration::from_secs(30), "it goes on as before");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_key_that_is_taken_back_opens_nothing_any_more_without_a_new_start() {
    let project = project();
    let crm = made(&project, "crm", "api-keys.toml");
    let server = Server::with_admin(&project, &["a.evenstep", "--api-keys", "api-keys.toml"]);
    let ask = |key: &str| server.connect().ask("GET", "/models", &format!("X-API-Key: {key}\r\n"), b"").status;
    assert_eq!(ask(&crm), 200);
    let batch = made(&project, "batch", "api-keys.toml");
    let line = server.line_with("keys_changed");
    assert!(line.contains("file=api-keys.toml keys=2"), "{line}");
    wait_for(200, || ask(&batch));

    let both = project.read("api-keys.toml");
    for (broken, why) in [
        ("[[key]\n", "line 1, column 7: unclosed array table"),
        ("[[key]]\nname = \"a\"\nsha256 = \"0\"\n", "64 hex digits"),
    ] {
        project.write("api-keys.toml", broken);
        let line = server.line_with("keys_refused");
        assert!(line.contains(why) && line.contains("go on being taken"), "{line}");
        assert_eq!((ask(&crm), ask(&batch)), (200, 200));
    }
    let last = both.rfind("[[key]]").expect("there are keys");
    project.write("api-keys.toml", &both[last..]);
    wait_for(401, || ask(&crm));
    assert_eq!(ask(&batch), 200);
    // The last one, too.
    project.write("api-keys.toml", "");
    wait_for(401, || ask(&batch));

    // Of those who change what is served.
    let (mut admin, boss) = server.connect_admin();
    assert_eq!(admin.ask("GET", "/models", &boss, b"").status, 200);
    std::fs::remove_file(project.path("admin-keys.toml")).expect("it was there");
    server.line_with("keys_refused");
    assert_eq!(admin.ask("GET", "/models", &boss, b"").status, 200);
    let other = made(&project, "other", "admin-keys.toml");
    wait_for(401, || admin.ask("GET", "/models", &boss, b"").status);
    assert_eq!(admin.ask("GET", "/models", &format!("X-API-Key: {other}\r\n"), b"").status, 200);
}
