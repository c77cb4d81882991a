//! A policy holds for whatever is served, however it comes.

use crate::common::Project;
use crate::server::{Server, digest, models, project};

fn sign(project: &Project, bundle: &str, key: &str) {
    project.run(&["sign", bundle, "--key", &format!("{key}.key"), "--replace"]).ok();
}

#[test]
fn bundles_that_the_policy_does_not_trust_are_served_by_no_way() {
    let project = project();
    for name in ["ana", "stranger"] {
        project.run(&["key", "new", "--output", &format!("{name}.key")]).ok();
    }
    let public: String = project.read("ana.key.pub").lines().filter(|line| !line.starts_with('-')).collect();
    project.write(
        "trust.toml",
        format!("[[key]]\nname = \"ana\"\nrole = \"owner\"\npublic = \"{public}\"\n\n[[rule]]\npipelines = [\"*\"]\n"),
    );
    let refused = |bundle: &str, expected: &str| {
        let said = project.run(&["serve", bundle, "--policy", "trust.toml", "--listen", "127.0.0.1:0"]);
        assert!(said.code == 1 && said.err.contains(expected), "{} {}", said.code, said.err);
    };
    refused("a.evenstep", "nobody has signed it");
    sign(&project, "a.evenstep", "stranger");
    refused("a.evenstep", "nobody whom the policy knows has signed it (unknown key");
    sign(&project, "a.evenstep", "ana");
    // What nobody known vouches for isn't looked at, be it a bundle or not.
    let mut changed = std::fs::read(project.path("a.evenstep")).expect("a bundle");
    changed.truncate(100);
    project.write("c.evenstep", &changed);
    refused("c.evenstep", "nobody has signed it");
    std::fs::copy(project.path("a.evenstep.dsse.json"), project.path("c.evenstep.dsse.json")).expect("copied");
    refused("c.evenstep", "what was signed is another artifact");

    let config = |version: &str| {
        format!("[models.p.versions]\n1 = \"a.evenstep\"\n{version}\n[models.p.aliases]\ndefault = \"1\"\n")
    };
    project.write("models.toml", config("2 = \"c.evenstep\""));
    let listed = ["serve", "--config", "models.toml", "--policy", "trust.toml", "--listen", "127.0.0.1:0"];
    let said = project.run(&listed);
    assert!(said.code == 1 && said.err.contains("what was signed is another artifact"), "{} {}", said.code, said.err);
    project.write("models.toml", config("2 = \"none.evenstep\""));
    let said = project.run(&listed);
    assert!(said.code == 2 && said.err.contains("`none.evenstep` can't be read"), "{} {}", said.code, said.err);
    // A secret that was put into the wrong file is not shown.
    for secret in [
        "evk_secret\n",
        "key = \"evk_secret\"\n",
        "models = \"evk_secret\"\n",
        "evk_0123456789abcdef0123456789abcdef = 1\n",
    ] {
        project.write("admin.key", secret);
        for wrong in [&["--policy", "admin.key", "a.evenstep"][..], &["--config", "admin.key"]] {
            let said = project.run(&[&["serve", "--listen", "127.0.0.1:0"], wrong].concat());
            assert!(said.code == 2 && said.err.contains("line 1, column"), "{} {}", said.code, said.err);
            assert!(!said.err.contains("evk_"), "{}", said.err);
        }
    }
    project.write("models.toml", config(""));
    let server = Server::with_admin(&project, &["--config", "models.toml", "--policy", "trust.toml"]);
    let load = || models(&project, &server, &["load", "b.evenstep", "--as", "2"]);
    let said = load();
    assert!(said.code == 1 && said.err.contains("nobody has signed it"), "{} {}", said.code, said.err);
    project.write("models.toml", config("2 = \"b.evenstep\""));
    assert!(server.line_with("models_refused").contains("nobody has signed it"));
    sign(&project, "b.evenstep", "stranger");
    assert!(load().err.contains("unknown key"));
    // Signatures of another bundle are none of this one.
    let own = project.read("b.evenstep.dsse.json");
    std::fs::copy(project.path("a.evenstep.dsse.json"), project.path("b.evenstep.dsse.json")).expect("copied");
    let said = load();
    assert!(said.code == 1 && said.err.contains("not signed as the policy asks for"), "{}", said.err);
    project.write("b.evenstep.dsse.json", own);
    assert_eq!(server.get("/models/p").ok().json()["versions"].as_array().map(Vec::len), Some(1));

    // The file that lists it is taken over once it is signed, without a word from anybody.
    sign(&project, "b.evenstep", "ana");
    server.line_with("models_changed");
    load().ok();
    assert_eq!(server.answers("/models/p/versions/2/predict"), digest(&project, "b.evenstep"));
    let (mut admin, key) = server.connect_admin();
    for (length, status) in [("1048577", 413), ("many", 400)] {
        let head = format!("{key}Content-Type: application/octet-stream\r\nEvenstep-Signatures-Length: {length}\r\n");
        assert_eq!(admin.ask("PUT", "/models/p/versions/3", &head, b"").status, status, "{length}");
    }
}
