//! A file that lists what to serve, while it changes.

use std::io::Write;

use serde_json::Value;

use crate::common::{Project, address_of, members};
use crate::server::{JSON, ROW, Server, digest, models, project};

const TWO: &str = r#"
default = "p"

[models.p.versions]
1 = "a.evenstep"
2 = "b.evenstep"

[models.p.aliases]
default = "1"
next = "2"

[models.other.versions]
1 = "other.evenstep"
"#;

#[test]
fn every_version_and_alias_answers_under_the_names_that_the_file_gives() {
    let project = project();
    project.write("models.toml", TWO);
    let server = Server::start(&project, &["--config", "models.toml"]);
    let of = |name: &str| digest(&project, &format!("{name}.evenstep"));
    for (path, bundle) in [
        ("/predict", "a"),
        ("/models/p/predict", "a"),
        ("/models/p/versions/1/predict", "a"),
        ("/models/p/versions/2/predict", "b"),
        ("/models/p/versions/next/predict", "b"),
        ("/models/p/versions/default/predict", "a"),
        ("/models/other/predict", "other"),
        ("/models/other/versions/1/predict", "other"),
    ] {
        assert_eq!(server.answers(path), of(bundle), "{path}");
    }
    let told = server.post("/models/p/versions/next/predict", ROW).ok().json();
    assert_eq!((&told["model"], &told["version"]), (&Value::from("p"), &Value::from("2")));
    let told = server.get("/v2/models/p").ok().json();
    assert_eq!(told["versions"], serde_json::json!(["1", "2"]));
    assert_eq!(server.get("/v2/models/other/versions/1/ready").status, 200);
    let document = server.get("/models/other/openapi.json").ok().json();
    assert_eq!((&document["info"]["title"], &document["info"]["version"]), (&Value::from("other"), &Value::from("1")));
    assert_eq!(server.get("/openapi.json").ok().json()["info"]["title"], "p");
    let listed = server.get("/models").ok().json();
    assert_eq!((&listed["default"], &listed["models"][1]["aliases"]["next"]), (&Value::from("p"), &Value::from("2")));
    let said = |path: &str| {
        let row = if path.contains("next") { "{}" } else { ROW };
        let told = server.connect().ask("POST", path, JSON, row.as_bytes());
        format!("{} {}", told.status, told.json()["detail"].as_str().unwrap_or_default())
    };
    insta::assert_snapshot!([
        said("/models/ohter/predict"),
        said("/models/z/predict"),
        said("/models/p/versions/nxt/predict"),
        said("/models/p/versions/9/predict"),
        said("/models/p/versions/next/predict"),
    ].join("\n"), @r"
    404 no model `ohter` is served; did you mean `other`?
    404 no model `z` is served; there are `other`, `p`
    404 model `p` has no version or alias `nxt`; did you mean `next`?
    404 model `p` has no version or alias `9`; there are `1`, `2`, `default`, `next`
    422 2 fields break the contract; see /models/p/versions/2/openapi.json
    ");
}

#[test]
fn a_file_that_changes_is_served_and_one_that_is_wrong_is_not() {
    let project = project();
    let (a, b) = (digest(&project, "a.evenstep"), digest(&project, "b.evenstep"));
    project.write("models.toml", TWO);
    let server = Server::with_admin(&project, &["--config", "models.toml"]);
    assert_eq!(server.answers("/predict"), a);
    project.write("models.toml", TWO.replace("default = \"1\"", "default = \"2\""));
    server.wait_for("/predict", &b);
    server.line_with("models_changed");

    let broken = |text: &str, expected: &str| {
        project.write("models.toml", text);
        let line = server.line_with("models_refused");
        assert!(line.contains(expected) && line.contains("models.toml"), "{line}");
        assert_eq!(server.answers("/predict"), b);
        assert_eq!(server.answers("/models/other/predict"), digest(&project, "other.evenstep"));
    };
    broken("[models.p.versions", "line 1, column ");
    broken(&TWO.replace("\"a.evenstep\"", "\"missing.evenstep\""), "`missing.evenstep` can't be read");
    broken(&TWO.replace("\"a.evenstep\"", "\"a.csv\""), "version `1` of `p`");
    write_with_other_golden_rows(&project, "a.evenstep", "lying.evenstep");
    broken(&TWO.replace("\"a.evenstep\"", "\"lying.evenstep\""), "golden row");

    // The file is as it was; what an alias pointed at is remembered.
    project.write(
        "models.toml",
        TWO.replace("default = \"1\"", "default = \"2\"").replace("next = \"2\"", "next = \"1\""),
    );
    server.wait_for("/models/p/versions/next/predict", &a);
    models(&project, &server, &["rollback", "p"]).ok();
    assert_eq!(server.answers("/predict"), a);
    let again = models(&project, &server, &["rollback", "p"]);
    assert!(again.code == 1 && again.err.contains("pointed at nothing that is loaded before `1`"), "{}", again.err);
}

#[test]
fn what_an_administrator_did_stands_until_the_file_says_something_else() {
    let project = project();
    let (a, b) = (digest(&project, "a.evenstep"), digest(&project, "b.evenstep"));
    project.write("models.toml", TWO);
    let server = Server::with_admin(&project, &["--config", "models.toml"]);
    models(&project, &server, &["alias", "p", "default", "2"]).ok();
    assert_eq!(server.answers("/predict"), b);
    // The same bytes, and an edit that is taken back.
    let bytes = std::fs::read(project.path("a.evenstep")).expect("read");
    project.write("a.evenstep", &bytes);
    project.write("models.toml", "[models.p.versions");
    server.line_with("models_refused");
    project.write("models.toml", TWO);
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert_eq!(server.answers("/predict"), b);
    project.write("models.toml", TWO.replace("next = \"2\"", "next = \"1\""));
    server.wait_for("/predict", &a);
    let line = server.line_with("models_changed");
    assert!(line.contains("alias `default` of `p` is `2`") && !line.contains("is `1`"), "{line}");
    let line = server.line_with("alias_undone");
    assert!(line.ends_with("alias_undone model=p alias=default was=2 now=1"), "{line}");
    // What the file itself points elsewhere undoes nothing.
    project.write("models.toml", TWO);
    server.wait_for("/models/p/versions/next/predict", &b);
    assert!(!server.end().concat().contains("alias_undone"));
}

#[test]
fn a_contract_that_changes_under_a_name_is_told_as_breaking_or_compatible() {
    let project = project();
    let train = |rule: &str, out: &str| {
        project.run(&["train", "p.toml", "--quiet", "--set", &format!("contract.z.{rule}"), "--output", out]).ok();
    };
    train("missing=\"reject\"", "strict.evenstep");
    train("absent=\"null\"", "lenient.evenstep");
    let file = |bundle: &str| format!("[models.p.versions]\nlatest = \"{bundle}.evenstep\"\n");
    project.write("models.toml", file("a"));
    let server = Server::with_admin(&project, &["--config", "models.toml"]);
    for (file_of, expected) in [
        ("lenient", "verdict=compatible changes=[\"compatible: field `z`: requests do without it now\"]"),
        ("strict", "verdict=breaking changes=[\"breaking: field `z`: "),
    ] {
        project.write("models.toml", file(file_of));
        let line = server.line_with("contract_changed");
        assert!(line.contains("model=p version=latest default_before=latest") && line.contains(expected), "{line}");
    }
    models(&project, &server, &["load", "a.evenstep", "--as", "loose"]).ok();
    let line = server.line_with("contract_changed");
    assert!(line.contains("version=loose default_before=latest verdict=compatible"), "{line}");
    // The same contract is not worth a word.
    models(&project, &server, &["load", "strict.evenstep", "--as", "again"]).ok();
    models(&project, &server, &["alias", "p", "default", "again"]).ok();
    server.line_with("pointed");
    assert!(!server.end().concat().contains("contract_changed"));
}

#[test]
fn a_bundle_that_is_written_anew_is_served_anew_once_it_is_whole() {
    let project = project();
    let (a, b) = (digest(&project, "a.evenstep"), digest(&project, "b.evenstep"));
    std::fs::copy(project.path("a.evenstep"), project.path("latest.evenstep")).expect("copied");
    project.write("models.toml", "[models.p.versions]\nlatest = \"latest.evenstep\"\n");
    let server = Server::start(&project, &["--config", "models.toml"]);
    assert_eq!(server.answers("/predict"), a);
    let bytes = std::fs::read(project.path("b.evenstep")).expect("read");
    project.write("latest.evenstep", &bytes[..bytes.len() / 2]);
    server.line_with("models_refused");
    assert_eq!(server.answers("/predict"), a);
    let is_taken = |expected: u8| {
        let metrics = server.connect().ask("GET", "/metrics", "", b"").ok().text();
        assert!(metrics.contains(&format!("\nevenstep_config_last_reload_successful {expected}\n")), "{metrics}");
    };
    is_taken(0);
    // A signal to hang up is asked for nothing but to look at once, and is always answered by a line.
    let hang_up = || {
        let told = std::process::Command::new("kill").args(["-HUP", &server.id().to_string()]).status();
        assert!(told.is_ok_and(|told| told.success()));
    };
    hang_up();
    server.line_with("models_refused");
    let old = std::fs::read(project.path("a.evenstep")).expect("read");
    project.write("latest.evenstep", &old);
    server.line_with("models_unchanged");
    is_taken(1);
    hang_up();
    server.line_with("models_unchanged");
    project.write("latest.evenstep", &bytes);
    hang_up();
    server.wait_for("/predict", &b);
}

#[cfg(unix)]
#[test]
fn what_never_ends_is_refused_and_keeps_nothing_from_its_end() {
    let project = project();
    let made = std::process::Command::new("mkfifo").arg(project.path("pipe.evenstep")).status();
    assert!(made.is_ok_and(|made| made.success()));
    std::os::unix::fs::symlink("/dev/zero", project.path("zero.evenstep")).expect("the folder is ours");
    let file = |bundle: &str| format!("[models.p.versions]\n1 = \"{bundle}\"\n");
    project.write("models.toml", file("a.evenstep"));
    let server = Server::with_admin(&project, &["--config", "models.toml"]);
    let a = digest(&project, "a.evenstep");
    for endless in ["zero.evenstep", "pipe.evenstep"] {
        project.write("models.toml", file(endless));
        let line = server.line_with("models_refused");
        assert!(line.contains(endless) && line.contains("a regular file is expected"), "{line}");
        assert_eq!(server.answers("/predict"), a);
        let said = models(&project, &server, &["load", endless]);
        assert!(said.code == 2 && said.err.contains("a regular file is expected"), "{}", said.err);
        for args in [
            &["serve", endless, "--listen", "127.0.0.1:0"][..],
            &["serve", "--config", endless, "--listen", "127.0.0.1:0"],
            &["score", endless, "--input", "a.csv"],
            &["explain", endless, "--input", "a.csv"],
            &["inspect", endless],
            &["inspect", endless, "--members"],
            &["verify", endless],
        ] {
            let said = project.run(args);
            assert!(said.code == 2 && said.err.contains("a regular file is expected"), "{args:?}: {}", said.err);
        }
    }
    server.end();
}

#[test]
fn a_signal_to_hang_up_ends_no_server() {
    let project = project();
    let server = Server::start(&project, &["a.evenstep"]);
    let told = std::process::Command::new("kill").args(["-HUP", &server.id().to_string()]).status();
    assert!(told.is_ok_and(|told| told.success()));
    let line = server.line_with("bundles_not_read_anew");
    assert!(line.contains("--config FILE"), "{line}");
    assert_eq!(server.answers("/predict"), digest(&project, "a.evenstep"));
    assert_eq!(server.end(), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn a_signal_to_hang_up_ends_no_server_that_still_reads_what_to_serve() {
    let project = project();
    project.run(&["key", "api", "crm"]).ok();
    let pipe = project.path("keys.pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|made| made.success()));
    let args = ["serve", "a.evenstep", "--api-keys", "keys.pipe", "--listen", "127.0.0.1:0", "--json"];
    let mut child = project.command(&args).stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    // It is opened once the server wants to read.
    let mut keys = std::fs::File::options().write(true).open(&pipe).expect("it is ours");
    let told = std::process::Command::new("kill").args(["-HUP", &child.id().to_string()]).status();
    assert!(told.is_ok_and(|told| told.success()));
    std::thread::sleep(std::time::Duration::from_millis(200));
    let is_there = child.try_wait().expect("it is ours").is_none();
    let _ = keys.write_all(project.read("api-keys.toml").as_bytes());
    drop(keys);
    let listens = is_there && !address_of(&mut child).is_empty();
    let _ = child.kill();
    let _ = child.wait();
    assert!(listens, "the signal ended it");
}

#[test]
fn a_server_that_cannot_serve_what_it_is_told_to_does_not_start() {
    let project = project();
    write_with_other_golden_rows(&project, "a.evenstep", "lying.evenstep");
    project.write("lying.toml", "[models.p.versions]\n1 = \"lying.evenstep\"\n");
    project.write("empty.toml", "");
    project.write("misspelt.toml", "default = \"q\"\n[models.p.versions]\n1 = \"a.evenstep\"\n");
    for (args, expected) in [
        (&["--config", "lying.toml"][..], "golden row"),
        (&["--config", "empty.toml"], "missing field `models`"),
        (&["--config", "misspelt.toml"], "`default` is `q`"),
        (&["--config", "nowhere.toml"], "`nowhere.toml` can't be read"),
        (&["lying.evenstep"], "golden row"),
        (&["a.evenstep", "other.evenstep", "a.evenstep"], "is given twice"),
        (&["a.evenstep", "b.evenstep", "--trace", "live.trace"], "would be the trace of one bundle"),
        (&["a.evenstep", "--config", "empty.toml"], "cannot be used with"),
    ] {
        let said = project.run(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
        assert!(said.code > 0 && said.err.contains(expected), "{args:?}: {} {}", said.code, said.err);
    }
}

#[test]
fn several_bundles_are_served_by_their_own_names() {
    let project = project();
    let server = Server::start(&project, &["b.evenstep", "a.evenstep", "other.evenstep"]);
    let of = |name: &str| digest(&project, &format!("{name}.evenstep"));
    assert_eq!(server.told["models"].as_array().map(Vec::len), Some(3), "{}", server.told);
    assert_eq!(server.answers("/predict"), of("b"));
    assert_eq!(server.answers("/models/q/predict"), of("other"));
    let paths = |place: &str| server.get(&format!("{place}/openapi.json")).ok().json()["paths"].clone();
    assert!(paths("")["/predict"].is_object() && paths("/models/p")["/predict"].is_object());
    for path in ["/predict", "/invocations"] {
        assert!(paths("/models/q")[path].is_null(), "another model answers there: {path}");
    }
    assert!(paths("/models/q")["/models/{model}/predict"].is_object());
    let version = |name: &str| of(name)["sha256:".len()..][..12].to_owned();
    for name in ["a", "b"] {
        assert_eq!(server.answers(&format!("/models/p/versions/{}/predict", version(name))), of(name));
    }
}

/// A bundle whose golden rows no host gives.
fn write_with_other_golden_rows(project: &Project, from: &str, to: &str) {
    let mut members = members(&std::fs::read(project.path(from)).expect("read"));
    let golden = String::from_utf8(members["golden.json"].clone()).expect("JSON");
    let other = golden.replacen("\"bits\":[\"40", "\"bits\":[\"3f", 1);
    assert_ne!(other, golden, "{golden}");
    members.insert("golden.json".to_owned(), other.into_bytes());
    project.write(to, evenstep_bundle::seal(members).expect("it is small"));
}
