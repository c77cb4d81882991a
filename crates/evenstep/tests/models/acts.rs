//! What administrators did, as the server writes it down.

use serde_json::{Value, json};

use crate::common::Project;
use crate::server::{ADMIN, JSON, Server, digest, models, project};

const LOGGED: [&str; 4] = ["--config", "models.toml", "--admin-log", "acts.jsonl"];

fn configured() -> Project {
    let project = project();
    project.write("models.toml", "[models.p.versions]\n1 = \"a.evenstep\"\n");
    project
}

fn acts(project: &Project) -> Vec<Value> {
    project.read("acts.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn each_act_is_written_down_with_who_did_it_and_what_came_of_it() {
    let project = configured();
    let (a, b) = (digest(&project, "a.evenstep"), digest(&project, "b.evenstep"));
    let server = Server::with_admin(&project, &LOGGED);
    let run = |args: &[&str]| models(&project, &server, args);
    run(&["load", "b.evenstep", "--as", "2"]).ok();
    run(&["load", "b.evenstep", "--as", "2"]).ok();
    run(&["alias", "p", "default", "2"]).ok();
    run(&["alias", "p", "next", "2"]).ok();
    run(&["rollback", "p"]).ok();
    run(&["alias", "p", "next", "--delete"]).ok();
    run(&["unload", "p", "2"]).ok();
    assert_eq!(run(&["unload", "p"]).code, 1);
    assert_eq!(run(&["load", "b.evenstep", "--as", "default"]).code, 1);
    let (mut admin, key) = server.connect_admin();
    let broken =
        admin.ask("PUT", "/models/p/versions/3", &format!("{key}Content-Type: application/octet-stream\r\n"), b"x");
    assert_eq!(broken.status, 422);
    // Who has no key does nothing.
    assert_eq!(admin.ask("DELETE", "/models/p", JSON, b"").status, 401);

    let expected = json!([
        { "act": "load", "version": "2", "digest": b, "outcome": "done" },
        { "act": "load", "version": "2", "digest": b, "outcome": "unchanged" },
        { "act": "point", "alias": "default", "version": "2", "digest": b, "outcome": "done" },
        { "act": "point", "alias": "next", "version": "2", "digest": b, "outcome": "done" },
        { "act": "roll_back", "alias": "default", "version": "1", "digest": a, "outcome": "done" },
        { "act": "delete_alias", "alias": "next", "version": "2", "digest": b, "outcome": "done" },
        { "act": "unload", "version": "2", "digest": b, "outcome": "done" },
        { "act": "unload", "outcome": "refused", "status": 409 },
        { "act": "load", "version": "default", "digest": b, "outcome": "refused", "status": 409 },
        { "act": "load", "version": "3", "outcome": "refused", "status": 422 },
    ]);
    let mut written = acts(&project);
    for act in &mut written {
        let act = act.as_object_mut().expect("an object");
        assert_eq!((act.remove("by"), act.remove("model")), (Some(json!("boss")), Some(json!("p"))));
        assert!(act.remove("time").is_some() && act.remove("before").is_some());
    }
    assert_eq!(Value::from(written), expected);
    // What is no name is written down as it came, and begins no line where people read it.
    assert_eq!(admin.ask("DELETE", "/models/p%0A%20%202026%20%20ben", &key, b"").status, 404);

    // The log of the server names the line, so that none is cut off its end unseen.
    let told = project.run(&["models", "log", "acts.jsonl", "--json"]).ok().json();
    assert_eq!(told["acts"].as_array().map(Vec::len), Some(11));
    let unloaded = server.line_with("unloaded");
    assert!(
        unloaded.contains(&format!("line={}", acts(&project)[7]["before"].as_str().expect("a hash"))),
        "{unloaded}"
    );
    let shown = project.run(&["models", "log", "acts.jsonl"]).ok().out;
    assert!(shown.contains("  boss  point  model p  alias next  version 2  done\n"), "{shown}");
    assert_eq!(shown.lines().count(), 11 + 2, "{shown}");
    assert!(shown.ends_with(&format!(
        "\n\n  whole: 11 acts, the last line's hash is {}\n",
        told["hash"].as_str().expect("a hash")
    )));
}

#[test]
fn a_server_goes_on_with_a_log_that_is_whole_and_with_no_other() {
    let project = configured();
    let serve = [&["serve", "--listen", "127.0.0.1:0"], &LOGGED[..], &ADMIN].concat();
    for _ in 0..2 {
        let server = Server::with_admin(&project, &LOGGED);
        models(&project, &server, &["alias", "p", "next", "1"]).ok();
        let second = project.run(&serve);
        assert!(second.code == 2 && second.err.contains("another process is adding to it"), "{}", second.err);
        drop(server);
        std::fs::remove_file(project.path("admin-keys.toml")).expect("it was there");
    }
    assert_eq!(acts(&project).len(), 2);
    project.run(&["key", "api", "boss", "--file", "admin-keys.toml"]).ok();

    project.write("acts.jsonl", project.read("acts.jsonl").replacen("boss", "ross", 1));
    let refused = project.run(&serve);
    let why = "`acts.jsonl`, line 2: its `before` isn't the hash of the line before it";
    assert!(refused.code == 2 && refused.err.contains(why), "{}", refused.err);
    let shown = project.run(&["models", "log", "acts.jsonl"]);
    assert!(shown.code == 1 && shown.err.contains(why) && shown.out.contains("ross"), "{}{}", shown.out, shown.err);
    assert_eq!(project.run(&["models", "log", "none.jsonl"]).code, 2);
    let without = project.run(&["serve", "a.evenstep", "--admin-log", "acts.jsonl"]);
    assert!(without.code == 2 && without.err.contains("--admin"), "{}", without.err);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_written_down_is_not_done() {
    let project = configured();
    let server = Server::with_admin_and_little_disk(&project, &LOGGED);
    let (mut admin, key) = server.connect_admin();
    let mut point = |alias: usize| {
        admin.ask("PUT", &format!("/models/p/aliases/a{alias}"), &format!("{key}{JSON}"), b"{\"version\": \"1\"}")
    };
    let done = (0..10).take_while(|alias| point(*alias).status == 200).count();
    assert!((1..9).contains(&done), "{done} acts have room");
    for _ in 0..2 {
        let told = point(done);
        assert_eq!(told.status, 503, "{}", told.text());
        assert!(told.text().contains("nothing was done"), "{}", told.text());
    }
    let line = server.line_with("act_not_written");
    assert!(line.contains("because="), "{line}");
    let aliases = server.get("/models/p").json()["aliases"].as_object().map(serde_json::Map::len);
    assert_eq!(aliases, Some(done + 1), "`default` is one, too");
    let told = project.run(&["models", "log", "acts.jsonl", "--json"]).ok().json();
    assert_eq!(told["acts"].as_array().map(Vec::len), Some(done));
}
