//! Keys that are made, taken back and broken while the server runs.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::Project;
use crate::server::{JSON, ROW, Server, project};

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
    let told = server.connect().ask("GET", "/openapi.json", &format!("X-API-Key: {crm}\r\n"), b"").ok().json();
    assert_eq!(told["security"], json!([{ "bearer": [] }, { "header": [] }]));
    assert_eq!(told["paths"]["/v2/health/live"]["get"]["security"], json!([]));
    assert_eq!(told["paths"]["/health"]["get"]["security"][0], json!({}), "with a key it tells more");
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

#[test]
fn a_key_may_ask_so_often_and_no_more() {
    let project = project();
    let made = |name: &str, more: &[&str]| {
        let args = [&["key", "api", name, "--json"], more].concat();
        project.run(&args).ok().json()["key"].as_str().expect("a key").to_owned()
    };
    // So seldom that a slow machine makes no difference.
    let slow = made("slow", &["--requests-per-second", "0.01"]);
    let free = made("free", &[]);
    assert!(project.read("api-keys.toml").contains("requests_per_second = 0.01\n"));
    for wrong in ["0", "-1", "1000001", "NaN", "inf", "often"] {
        let refused = project.run(&["key", "api", "never", "--requests-per-second", wrong]);
        assert!(refused.code == 2 && refused.err.contains("such as 10 or 0.5"), "{}", refused.err);
    }
    let told = |name: &str, more: &[&str]| {
        project.run(&[&["key", "api", name, "--file", "others.toml", "--json"], more].concat()).ok().json()
    };
    assert_eq!(told("slow", &["--requests-per-second", "0.5"])["requests_per_second"], 0.5);
    assert!(told("free", &[])["requests_per_second"].is_null());

    let server = Server::start(&project, &["a.evenstep", "--api-keys", "api-keys.toml", "--log", "json"]);
    let ask = |method: &str, path: &str, key: &str| {
        server.connect().ask(method, path, &format!("{JSON}X-API-Key: {key}\r\n"), ROW.as_bytes())
    };
    assert_eq!(ask("POST", "/predict", &slow).status, 200);
    for path in ["/predict", "/models/p/predict", "/v2/models/p/infer", "/invocations"] {
        let told = ask("POST", path, &slow);
        assert_eq!(told.status, 429, "{path}: {}", told.text());
        let seconds: u64 = told.header("retry-after").and_then(|wait| wait.parse().ok()).expect("when to come back");
        assert!((1..=100).contains(&seconds), "{seconds}");
    }
    let problem = ask("GET", "/models", &slow).json();
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.starts_with("the key may not ask so often; try again in "), "{detail}");
    let line = server.line_with("\"status\":429");
    assert!(line.contains("\"key\":\"slow\""), "{line}");
    // Whether the process is well may be asked however often.
    for path in ["/health", "/v2/health/live"] {
        assert_eq!(ask("GET", path, &slow).status, 200);
    }
    for _ in 0..20 {
        assert_eq!(ask("POST", "/predict", &free).status, 200);
    }
    let metrics = ask("GET", "/metrics", &free).text();
    assert!(metrics.contains("evenstep_requests_total{status=\"429\",model=\"\"} 5\n"), "{metrics}");

    // The file is read anew, with what it says then.
    project.write("api-keys.toml", project.read("api-keys.toml").replace("requests_per_second = 0.01\n", ""));
    wait_for(200, || ask("POST", "/predict", &slow).status);
    assert_eq!(ask("POST", "/predict", &slow).status, 200);
}

#[cfg(unix)]
#[test]
fn a_file_of_keys_is_made_for_its_owner_and_stays_as_its_owner_has_it() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new();
    made(&project, "a", "api-keys.toml");
    let path = project.path("api-keys.toml");
    let mode = || std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    // The server may run as somebody else of a group.
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).expect("set");
    made(&project, "b", "api-keys.toml");
    assert_eq!(mode(), 0o640);
}
