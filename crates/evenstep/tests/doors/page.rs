//! The page for people.

use crate::client::{Server, small_project};

#[test]
fn the_page_is_for_everyone_and_tells_nothing_of_the_model_itself() {
    let project = small_project();
    let key = project.run(&["key", "api", "crm"]).ok().out.trim().to_owned();
    let server = Server::with(&project, &["--api-keys", "api-keys.toml"]);
    let told = server.get("/docs").ok();
    assert!(told.head.contains("content-type: text/html; charset=utf-8\r\n"), "{}", told.head);
    let policy = told.head.lines().find_map(|line| line.strip_prefix("content-security-policy: ")).expect("a policy");
    assert!(policy.starts_with("default-src 'none'; connect-src 'self'; script-src 'sha256-"), "{policy}");
    let page = told.text();
    let version =
        server.exchange(format!("GET /v2/models/p HTTP/1.0\r\nHost: localhost\r\nX-API-Key: {key}\r\n\r\n").as_bytes());
    let version = version.ok().json()["versions"][0].as_str().expect("a version").to_owned();
    assert!(!page.contains(&version) && !page.contains("ridge"), "it tells of the model");
    // What it shows it reads from there, with a key.
    assert_eq!(server.get("/openapi.json").status, 401);
}
