//! The bills of materials of engine and bundle, held to what CycloneDX 1.6 requires.
//! `UPDATE_DOCS=1 cargo test -p evenstep --test sbom` writes the list of the engine's libraries anew.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use common::Project;
use serde_json::Value;

const HEAD: &str = "# Every crate of the engine for Linux: name, version, licence. `just docs` writes it anew.\n";
const PUSH_HEAD: &str = "# Those that `--features push` adds.\n";

/// The crates that are compiled into the engine with these features besides its own, as cargo resolves them.
fn resolved(features: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--features", features])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let by_id = |list: &Value| -> BTreeMap<String, Value> {
        let items = list.as_array().expect("a list").iter();
        items.map(|item| (item["id"].as_str().expect("an id").to_owned(), item.clone())).collect()
    };
    let (packages, nodes) = (by_id(&metadata["packages"]), by_id(&metadata["resolve"]["nodes"]));
    let root = packages.iter().find(|(_, package)| package["name"] == "evenstep").expect("the program").0.clone();
    let (mut found, mut next) = (BTreeSet::new(), vec![root]);
    while let Some(id) = next.pop() {
        let compiled_in = |dependency: &&Value| {
            dependency["dep_kinds"].as_array().expect("a list").iter().any(|kind| kind["kind"].is_null())
        };
        let depends = nodes[&id]["deps"].as_array().expect("a list").iter().filter(compiled_in);
        next.extend(depends.map(|dependency| dependency["pkg"].as_str().expect("an id").to_owned()));
        next.retain(|id| !found.contains(id));
        found.insert(id);
    }
    let word = |package: &Value, key: &str| package[key].as_str().unwrap_or("unknown").to_owned();
    found
        .iter()
        .map(|id| &packages[id])
        // A slash for `OR` was written before there was a standard.
        .map(|package| {
            format!(
                "{} {} {}",
                word(package, "name"),
                word(package, "version"),
                word(package, "license").replace('/', " OR ")
            )
        })
        .collect()
}

/// What is in that file, if it is what cargo resolves.
fn written(name: &str, head: &str, lines: &BTreeSet<String>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let resolved = lines.iter().fold(head.to_owned(), |mut text, line| {
        writeln!(text, "{line}").expect("a string takes what is written");
        text
    });
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &resolved).expect("the folder is there");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == resolved, "{name} is not what cargo resolves: `just docs` writes it anew");
    written
}

#[test]
fn every_library_of_the_engine_is_listed_with_its_licence() {
    let (engine, pushes) = (resolved(""), resolved("push"));
    assert!(engine.is_subset(&pushes), "a feature takes nothing away");
    let added = pushes.difference(&engine).cloned().collect();
    for listed in [written("components.txt", HEAD, &engine), written("components-push.txt", PUSH_HEAD, &added)] {
        assert!(listed.lines().count() > 5, "so few:\n{listed}");
        assert!(!listed.contains(" unknown"), "a crate says no licence:\n{listed}");
    }
}

/// What the schema of CycloneDX 1.6 requires of what we write, by hand: `just interop` asks the schema itself.
fn check(bill: &Value) {
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&Value::from("CycloneDX"), &Value::from("1.6")));
    assert!(bill["version"].as_u64().is_some_and(|version| version >= 1));
    let components = bill["components"].as_array().expect("components");
    let all = components.iter().chain([&bill["metadata"]["component"]]);
    let types = ["application", "library", "data", "machine-learning-model"];
    let mut references = BTreeSet::new();
    for component in all {
        assert!(types.iter().any(|kind| component["type"] == *kind), "{component}");
        assert!(component["name"].as_str().is_some_and(|name| !name.is_empty()), "{component}");
        assert!(references.insert(component["bom-ref"].as_str().expect("a reference").to_owned()), "{component}");
        for hash in component["hashes"].as_array().into_iter().flatten() {
            let content = hash["content"].as_str().expect("a hash");
            assert!(hash["alg"] == "SHA-256" && content.len() == 64, "{hash}");
            assert!(content.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
        }
    }
    for dependency in bill["dependencies"].as_array().expect("dependencies") {
        let on = dependency["dependsOn"].as_array().into_iter().flatten();
        for reference in on.chain([&dependency["ref"]]) {
            assert!(references.contains(reference.as_str().expect("a reference")), "{reference} is a component");
        }
    }
}

#[test]
fn the_engines_bill_names_every_library_with_version_licence_and_checksum() {
    let project = Project::new();
    let bill = project.run(&["sbom"]).ok().json();
    check(&bill);
    let components = bill["components"].as_array().expect("components");
    assert!(components.len() > 100, "only {} components", components.len());
    for component in components {
        let ours = component["name"].as_str().expect("a name").starts_with("evenstep-");
        assert!(component["licenses"][0]["expression"].is_string(), "{component}");
        assert_eq!(component["hashes"].is_array(), !ours, "what comes from a registry has a checksum: {component}");
    }
    let depends = bill["dependencies"].as_array().expect("dependencies");
    let ours = depends.iter().find(|of| of["ref"] == bill["metadata"]["component"]["bom-ref"]).expect("the engine");
    assert!(ours["dependsOn"].as_array().is_some_and(|on| on.len() > 10), "{ours}");
}

#[test]
fn a_bundles_bill_names_model_and_data_and_nothing_of_the_engines_build() {
    let project = Project::example("titanic");
    let trained = project.run(&["train", "--json", "--quiet"]).ok().json();
    let bill = project.run(&["sbom", "titanic.evenstep"]).ok().json();
    check(&bill);
    let model = &bill["metadata"]["component"];
    assert_eq!(model["type"], "machine-learning-model");
    assert_eq!(
        model["modelCard"]["modelParameters"]["datasets"][0]["ref"],
        bill["components"][0]["data"][0]["bom-ref"]
    );
    assert_eq!(bill["components"][0]["data"][0]["contents"]["properties"][0]["value"], trained["fingerprint"]);
    assert_eq!(bill["components"][0]["data"][0]["sensitiveData"][0], "column `Name`");
    let text = bill.to_string();
    for word in [env!("CARGO_PKG_VERSION"), std::env::consts::ARCH, "rustc", "pkg:"] {
        assert!(!text.contains(word), "a bundle has the same bytes wherever it was made, and `{word}` is in its bill");
    }
}
