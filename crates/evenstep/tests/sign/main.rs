//! Keys, signatures and policies, through the whole program.

mod bundles;
#[path = "../common/mod.rs"]
mod common;
mod keys;
mod signatures;
mod statement;

use common::Project;
use serde_json::Value;

/// A trained project with the keys of two people and of a stranger.
fn signed() -> Project {
    let project = Project::example("titanic");
    project.run(&["train", "--quiet"]).ok();
    for name in ["ana", "ben", "stranger"] {
        project.run(&["key", "new", "--output", &format!("{name}.key")]).ok();
    }
    project
}

/// The policy that trusts Ana, an owner, and Ben.
fn policy(project: &Project, rule: &str) {
    let key = |name: &str, role: &str| {
        let line: String =
            project.read(&format!("{name}.key.pub")).lines().filter(|line| !line.starts_with('-')).collect();
        format!("[[key]]\nname = \"{name}\"\nrole = \"{role}\"\npublic = \"{line}\"\n\n")
    };
    let text = format!("{}{}[[rule]]\n{rule}\n", key("ana", "owner"), key("ben", "review"));
    project.write("trust.toml", text);
}

fn sign(project: &Project, name: &str) {
    project.run(&["sign", "titanic.evenstep", "--key", &format!("{name}.key")]).ok();
}

/// The exit code, and what is said of the signatures.
fn verified(project: &Project) -> (i32, String) {
    let said = project.run(&["verify", "titanic.evenstep", "--policy", "trust.toml", "--json", "--quiet"]);
    let json: Value = said.json();
    let check = |check: &&Value| ["signatures", "bundle"].iter().any(|name| check["name"] == *name);
    let of = json["checks"].as_array().into_iter().flatten().rfind(check);
    let detail = of.map_or(&json["error"]["message"], |check| &check["detail"]);
    (said.code, detail.as_str().unwrap_or_default().to_owned())
}

const ANY: &str = "pipelines = [\"*\"]";

const BOTH: &str = "pipelines = [\"tit*\"]\nneed = 2";

/// Plants another statement beside the bundle.
fn plant(project: &Project, signatures: Option<Value>, change: impl FnOnce(&mut Value)) {
    let mut envelope: Value = serde_json::from_str(&project.read("titanic.evenstep.dsse.json")).expect("JSON");
    let mut statement = payload(envelope["payload"].as_str().expect("text"));
    change(&mut statement);
    let statement = serde_json::from_value(statement).expect("a statement");
    let planted = serde_json::to_value(evenstep_attest::Envelope::new(&statement)).expect("JSON");
    envelope["payload"] = planted["payload"].clone();
    if let Some(signatures) = signatures {
        envelope["signatures"] = signatures;
    }
    project.write("titanic.evenstep.dsse.json", envelope.to_string() + "\n");
}

/// What people are told, without what it cost.
fn verified_text(project: &Project) -> String {
    let said = project.run(&["verify", "titanic.evenstep", "--policy", "trust.toml", "--quiet"]);
    said.out.lines().filter(|line| line.trim_start().starts_with("proved:")).collect()
}

fn payload(text: &str) -> Value {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter_map(|byte| LETTERS.iter().position(|letter| *letter == byte));
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for digit in digits {
        (held, bits) = (held << 6 | digit as u32, bits + 6);
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    serde_json::from_slice(&bytes).expect("the payload is JSON")
}
