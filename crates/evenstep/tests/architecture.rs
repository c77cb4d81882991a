//! `ARCHITECTURE.md` says which crate may know which: nothing else is let in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().and_then(Path::parent).expect("the crate is two folders down")
}

/// The crates of the table, and those that each names as known.
fn drawn() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page is there");
    let table = text.split("## The crates").nth(1).and_then(|rest| rest.split("## ").next()).expect("the section");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let name = quoted(cells[0]).remove(0);
        (name, quoted(cells[2]).into_iter().collect())
    })
    .collect()
}

/// What a crate may know: what its line names, and what those may know.
fn allowed(drawn: &BTreeMap<String, BTreeSet<String>>, name: &str) -> BTreeSet<String> {
    let named = &drawn[name];
    named.iter().flat_map(|known| allowed(drawn, known).into_iter().chain([known.clone()])).collect()
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

fn dependencies(package: &Value) -> impl Iterator<Item = &str> {
    let all = package["dependencies"].as_array().expect("dependencies");
    all.iter().filter(|dependency| dependency["kind"] != "dev").filter_map(|dependency| dependency["name"].as_str())
}

#[test]
fn every_arrow_between_crates_is_drawn_and_points_down() {
    let drawn = drawn();
    let mut looked_at = 0;
    for package in packages() {
        let name = package["name"].as_str().expect("a name");
        let Some(name) = name.strip_prefix("evenstep-") else { continue };
        assert!(drawn.contains_key(name), "crate `{name}` is not in ARCHITECTURE.md");
        if drawn[name].is_empty() && name == "report" {
            // It may know whatever it shows.
            continue;
        }
        let allowed = allowed(&drawn, name);
        for known in dependencies(&package).filter_map(|known| known.strip_prefix("evenstep-")) {
            assert!(allowed.contains(known), "`{name}` may not know `{known}`");
        }
        looked_at += 1;
    }
    assert!(looked_at >= 9, "only {looked_at} crates were looked at");
}

#[test]
fn nothing_beneath_the_pipeline_knows_toml_or_http() {
    for package in packages() {
        let name = package["name"].as_str().expect("a name").trim_start_matches("evenstep-");
        if ["files", "exact", "table", "source", "step", "model"].contains(&name) {
            for library in ["toml", "toml_edit", "axum", "tokio", "clap"] {
                assert!(dependencies(&package).all(|known| known != library), "`{name}` may not know `{library}`");
            }
        }
    }
}

/// Nothing goes out but what somebody asked for: answers of `serve`, and what asks servers, collectors and registries by address.
#[test]
fn only_the_server_and_what_pushes_images_know_a_network() {
    const NETWORK: [&str; 5] = ["TcpStream", "TcpListener", "UdpSocket", "tokio::net", "ureq"];
    const MAY: [&str; 2] = ["server/src/", "image/src/push/"];
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).expect("a source")));
            }
        }
    }
    let crates = root().join("crates");
    let mut sources = Vec::new();
    for package in std::fs::read_dir(&crates).expect("the crates") {
        walk(&package.expect("an entry").path().join("src"), &mut sources);
    }
    let may = |path: &str| MAY.iter().any(|may| path.starts_with(crates.join(may).to_str().expect("UTF-8")));
    let (allowed, others): (Vec<_>, Vec<_>) = sources.iter().partition(|(path, _)| may(path));
    assert!(
        allowed.iter().any(|(_, text)| NETWORK.iter().any(|word| text.contains(word))),
        "it looks for the wrong words"
    );
    assert!(others.len() > 100, "only {} files were looked at", others.len());
    for (path, text) in others {
        assert!(NETWORK.iter().all(|word| !text.contains(word)), "{path} knows a network");
    }
}
