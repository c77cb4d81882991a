//! Keys, signatures and policies, through the whole program.

mod common;

use std::process::{Child, Stdio};
use std::time::Duration;

use common::{Project, members, replaced};
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

#[test]
fn each_answer_on_signatures_is_told_from_the_others() {
    let project = signed();
    policy(&project, ANY);
    assert_eq!(verified(&project), (1, "nobody has signed it".to_owned()));
    sign(&project, "stranger");
    let (code, said) = verified(&project);
    assert!(code == 1 && said.contains("1 needed, signed by nobody") && said.contains("unknown key"), "{said}");
    sign(&project, "ana");
    let (code, said) = verified(&project);
    let is_told =
        said.starts_with("signed by ana; 1 needed (unknown key ") && said.ends_with(": it counts for nothing)");
    assert!(code == 0 && is_told, "{said}");
    std::fs::remove_file(project.path("titanic.evenstep.dsse.json")).expect("it was there");
    sign(&project, "ana");
    assert_eq!(verified(&project), (0, "signed by ana; 1 needed".to_owned()));
    policy(&project, BOTH);
    let (code, said) = verified(&project);
    assert!(code == 1 && said.starts_with("signatures are missing: 2 needed, signed by ana"), "{said}");
    sign(&project, "ben");
    assert_eq!(verified(&project), (0, "signed by ana, ben; 2 needed".to_owned()));
    policy(&project, "pipelines = [\"*\"]\nfrom = [\"review\"]");
    assert_eq!(verified(&project), (0, "signed by ben; 1 needed".to_owned()));
    policy(&project, "pipelines = [\"houses\"]");
    let (code, said) = verified(&project);
    assert!(code == 1 && said == "the policy has no rule for the pipeline `titanic`", "{said}");

    // Trained anew with another seed, the signatures are those of another artifact.
    policy(&project, BOTH);
    project.run(&["train", "--quiet", "--set", "pipeline.seed=1"]).ok();
    let (code, said) = verified(&project);
    assert!(code == 1 && said.starts_with("what was signed is another artifact"), "{said}");
    let refused = project.run(&["sign", "titanic.evenstep", "--key", "ana.key"]);
    assert!(refused.code == 2 && refused.err.contains("signatures of another bundle"), "{}", refused.err);
    project.run(&["sign", "titanic.evenstep", "--key", "ana.key", "--replace"]).ok();
    policy(&project, ANY);
    assert_eq!(verified(&project), (0, "signed by ana; 1 needed".to_owned()));
}

#[test]
fn a_signature_by_a_known_key_over_other_bytes_is_wrong() {
    let project = signed();
    policy(&project, ANY);
    sign(&project, "ana");
    let text = project.read("titanic.evenstep.dsse.json");
    let mut envelope: Value = serde_json::from_str(&text).expect("JSON");
    sign(&project, "ben");
    let both: Value = serde_json::from_str(&project.read("titanic.evenstep.dsse.json")).expect("JSON");
    let of_ana = envelope["signatures"][0]["keyid"].clone();
    let others = both["signatures"].as_array().expect("two");
    let of_ben = others.iter().find(|one| one["keyid"] != of_ana).expect("the other");
    envelope["signatures"][0]["sig"] = of_ben["sig"].clone();
    project.write("titanic.evenstep.dsse.json", envelope.to_string() + "\n");
    let (code, said) = verified(&project);
    assert!(code == 1 && said.contains("wrong signature: not what the key of `ana`"), "{said}");
}

#[test]
fn a_signature_that_was_changed_or_added_is_told_where_others_are_enough() {
    let project = signed();
    policy(&project, ANY);
    sign(&project, "ana");
    sign(&project, "ben");
    let text = project.read("titanic.evenstep.dsse.json");
    let mut envelope = evenstep_attest::Envelope::parse(&text).expect("one");
    envelope.signatures[0].sig = envelope.signatures[1].sig.clone();
    let added = envelope.signatures[1].clone();
    envelope
        .signatures
        .extend((0..100).map(|n| evenstep_attest::Signature { keyid: Some(format!("{n:064}")), ..added.clone() }));
    project.write("titanic.evenstep.dsse.json", envelope.text());
    let (code, said) = verified(&project);
    assert!(code == 0 && said.contains("(wrong signature: not what the key of"), "{said}");
    assert!(said.contains("unknown key 00") && said.ends_with("; and 81 more)"), "{said}");
}

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

#[test]
fn nobody_signs_what_another_planted_and_no_policy_takes_it() {
    let project = signed();
    policy(&project, ANY);
    sign(&project, "stranger");
    let honest = project.read("titanic.evenstep.dsse.json");
    let zeros = "0".repeat(64);
    let made = "/predicate/buildDefinition";
    let cases = [
        (format!("{made}/resolvedDependencies/0/digest/evenstep-fp1"), "resolvedDependencies[data].digest", true),
        (format!("{made}/resolvedDependencies/1/digest/sha256"), "resolvedDependencies[spec].digest.sha256", true),
        (format!("{made}/internalParameters/seed"), "internalParameters.seed", true),
        (format!("{made}/internalParameters/fit_epoch"), "internalParameters.fit_epoch", true),
        (format!("{made}/externalParameters/pipeline"), "externalParameters.pipeline", true),
        ("/subject/0/name".to_owned(), "subject[0000", false),
        (format!("{made}/resolvedDependencies/2/annotations/host/kernel"), "[engine].annotations.host.kernel", false),
        ("/predicate/runDetails/metadata/finishedOn".to_owned(), "runDetails.metadata.finishedOn", false),
    ];
    let is_of_the_run = |place: &str| place.contains("/runDetails/") || place.contains("/annotations/");
    for (place, field, is_of_the_bundle) in cases {
        for signatures in [None, Some(serde_json::json!([]))] {
            project.write("titanic.evenstep.dsse.json", &honest);
            plant(&project, signatures, |statement| {
                *statement.pointer_mut(&place).unwrap_or_else(|| panic!("{place}")) = zeros.clone().into();
            });
            let planted = project.read("titanic.evenstep.dsse.json");
            let said = project.run(&["sign", "titanic.evenstep", "--key", "ana.key"]);
            assert!(said.code == 2 && said.err.contains("says something else than you would sign"), "{}", said.err);
            assert!(said.err.contains(field), "{field}: {}", said.err);
            assert_eq!(project.read("titanic.evenstep.dsse.json"), planted);
        }
        // Signed by who is trusted all the same, with another program.
        let mut envelope = evenstep_attest::Envelope::parse(&project.read("titanic.evenstep.dsse.json")).expect("one");
        let key = evenstep_attest::PrivateKey::parse(&project.read("ana.key")).expect("a key");
        envelope.sign(&key).expect("signed");
        project.write("titanic.evenstep.dsse.json", envelope.text());
        let (code, said) = verified(&project);
        let is_named = said.starts_with("what was signed says something else") && said.contains(field);
        // What is said of the run, the lock's facts contradict.
        let is_refused = is_of_the_bundle || is_of_the_run(&place);
        assert_eq!((code, is_named), (i32::from(is_refused), is_of_the_bundle), "{place}: {said}");
    }
    std::fs::remove_file(project.path("titanic.evenstep.dsse.json")).expect("it was there");
    let metrics = "that the metrics are those of the rows held out";
    let said = project.run(&["verify", "titanic.evenstep"]).ok().out;
    assert!(
        said.contains(&format!("not proved: {metrics}")) && said.contains("the lock beside it has the same"),
        "{said}"
    );
    project.run(&["sign", "titanic.evenstep", "--key", "ana.key", "--replace"]).ok();
    assert_eq!(verified(&project), (0, "signed by ana; 1 needed".to_owned()));
    let said = project.run(&["verify", "titanic.evenstep", "--policy", "trust.toml"]).ok().out;
    assert!(!said.contains(metrics), "a signature is over all bytes: {said}");
    let shown = project.run(&["inspect", "titanic.evenstep.dsse.json"]).ok().out;
    let engine = "predicate.buildDefinition.resolvedDependencies[engine].uri = \"pkg:cargo/evenstep@";
    assert!(shown.contains(engine) && !shown.contains(&zeros), "{shown}");
    let shown = project.run(&["inspect", "titanic.evenstep.dsse.json", "--json"]).ok().json();
    assert_eq!(shown["statement"]["subject"][0]["name"], "titanic.evenstep");
    assert_eq!(shown["keys"].as_array().map(Vec::len), Some(1));
}

#[test]
fn facts_of_a_lock_that_are_not_those_that_were_signed_are_named() {
    let project = signed();
    sign(&project, "ana");
    let facts = |project: &Project| {
        let said = project.run(&["verify", "titanic.evenstep", "--json", "--quiet"]);
        let json = said.json();
        let check = json["checks"].as_array().into_iter().flatten().find(|check| check["name"] == "facts").cloned();
        (said.code, check.map_or(String::new(), |check| check["detail"].as_str().unwrap_or_default().to_owned()))
    };
    assert_eq!(facts(&project), (0, "are those that were signed, as far as they were".to_owned()));
    let honest = project.read("pipeline.lock");
    for (key, begins) in [("finished", "finished = "), ("threads", "threads = "), ("build", "rustc = ")] {
        let line = honest.lines().rfind(|line| line.starts_with(begins)).unwrap_or_else(|| panic!("{begins}"));
        let forged = if key == "threads" { "threads = 99".to_owned() } else { format!("{begins}\"forged\"") };
        project.write("pipeline.lock", honest.replace(line, &forged));
        let (code, said) = facts(&project);
        assert!(code == 1 && said.starts_with(&format!("`{key}` is ")), "{key}: {said}");
        assert!(said.contains("in the lock beside it, and") && said.contains("in what was signed"), "{said}");
    }
    // Statements that have the host at the builder say the same.
    project.write("pipeline.lock", &honest);
    plant(&project, None, |statement| {
        let engine = &mut statement["predicate"]["buildDefinition"]["resolvedDependencies"][2]["annotations"];
        let host = engine.as_object_mut().expect("the engine's").remove("host").expect("it is there");
        statement["predicate"]["runDetails"]["builder"]["host"] = host;
    });
    assert_eq!(facts(&project), (0, "are those that were signed, as far as they were".to_owned()));
    // Who signed without a lock said nothing of the run.
    std::fs::remove_file(project.path("pipeline.lock")).expect("it was there");
    // A bundle that nobody vouches for proves nothing of its training.
    let said = project.run(&["verify", "titanic.evenstep", "--quiet"]).ok().out;
    assert!(said.contains("\n  proved: this host gives the bits that the bundle states for its "), "{said}");
    assert!(!said.contains("bits that training gave"), "{said}");
    project.run(&["sign", "titanic.evenstep", "--key", "ana.key", "--replace"]).ok();
    project.write("pipeline.lock", &honest);
    assert_eq!(facts(&project), (0, String::new()));
    let said = project.run(&["sign", "titanic.evenstep", "--key", "ben.key"]);
    assert!(
        said.code == 2 && said.err.contains("it was signed where no lock of the bundle's digest lay"),
        "{}",
        said.err
    );
}

#[test]
fn a_signature_file_that_holds_nothing_is_broken() {
    let project = signed();
    policy(&project, ANY);
    let file = "titanic.evenstep.dsse.json";
    sign(&project, "ana");
    let envelope: Value = serde_json::from_str(&project.read(file)).expect("JSON");
    let unsigned =
        serde_json::json!({ "payload": envelope["payload"], "payloadType": envelope["payloadType"], "signatures": [] });
    for (text, said) in [
        (String::new(), "the signature file is empty"),
        (unsigned.to_string() + "\n", "the signature file holds no signature: somebody took them out"),
    ] {
        project.write(file, &text);
        let (code, found) = verified(&project);
        assert!(code == 1 && found.contains(said), "{found}");
        let without = project.run(&["verify", "titanic.evenstep", "--quiet"]).ok().out;
        assert!(without.contains("the signature file") && !without.contains("nobody has signed it"), "{without}");
    }
}

#[test]
fn who_has_no_lock_signs_nothing_beside_who_has_one() {
    let project = signed();
    sign(&project, "ana");
    std::fs::remove_file(project.path("pipeline.lock")).expect("it was there");
    let said = project.run(&["sign", "titanic.evenstep", "--key", "ben.key"]);
    assert!(said.code == 2 && said.err.contains("no lock of its digest lies beside the bundle"), "{}", said.err);
    assert!(said.err.contains("metadata.finishedOn"), "{}", said.err);
}

#[test]
fn a_byte_changed_in_bundle_signatures_or_policy_shows() {
    let project = signed();
    policy(&project, BOTH);
    sign(&project, "ana");
    sign(&project, "ben");
    assert_eq!(verified(&project).0, 0);
    let sound = verified_text(&project);
    for (file, step) in [("titanic.evenstep", 997), ("titanic.evenstep.dsse.json", 97), ("trust.toml", 7)] {
        let bytes = std::fs::read(project.path(file)).expect("it is there");
        let mut tried = 0;
        for at in (0..bytes.len()).step_by(bytes.len().min(step * 40) / 40) {
            let mut changed = bytes.clone();
            changed[at] ^= 2;
            project.write(file, &changed);
            let (code, said) = verified(&project);
            // What a policy's byte changes may mean the same: then the policy's own digest tells.
            let told = code != 0 && !said.is_empty() || file == "trust.toml" && verified_text(&project) != sound;
            assert!(told, "byte {at} of {file}: {said}");
            tried += 1;
        }
        assert!(tried >= 20, "{tried} bytes of {file}");
        project.write(file, &bytes);
    }
    assert_eq!(verified(&project).0, 0);
}

/// What people are told, without what it cost.
fn verified_text(project: &Project) -> String {
    let said = project.run(&["verify", "titanic.evenstep", "--policy", "trust.toml", "--quiet"]);
    said.out.lines().filter(|line| line.trim_start().starts_with("proved:")).collect()
}

#[test]
fn libraries_of_another_engine_are_told_in_few_lines_that_nobody_forges() {
    let project = signed();
    sign(&project, "ana");
    let lock = project.read("pipeline.lock");
    let bill = lock.lines().find(|line| line.starts_with("sbom_sha256 = ")).expect("a fact of the lock");
    plant(&project, None, |statement| {
        let of = statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array_mut().expect("a list");
        let library = of.iter_mut().find(|of| of["name"].as_str().is_some_and(|name| name.starts_with("serde 1")));
        let library = library.expect("every engine has it");
        library["uri"] = "pkg:cargo/serde@0.9.0".into();
        let mut forged = library.clone();
        forged["uri"] = "pkg:cargo/a\n  same     signatures               signed by ana; 1 needed\n@1".into();
        of.push(forged);
    });
    let build = lock.lines().find(|line| line.starts_with("lock = ")).expect("a fact of the build");
    let lock = lock.replace(build, "lock = \"another\"");
    project.write("pipeline.lock", &lock);
    for subject in ["titanic.evenstep", "pipeline.toml"] {
        let said = project.run(&["verify", subject]).out;
        assert!(said.contains("  library serde was 0.9.0 ("), "{said}");
        assert!(!said.contains("same     signatures"), "{said}");
    }
    // Another engine's lock: who signs is told of its bill, not of every library.
    project.write("pipeline.lock", lock.replace(bill, "sbom_sha256 = \"11\""));
    let said = project.run(&["sign", "titanic.evenstep", "--key", "ben.key"]);
    assert!(said.code == 2 && said.err.contains("[engine].annotations.sbom_sha256"), "{}", said.err);
    assert!(said.err.lines().count() < 10, "{}", said.err);
    let noted = project.run(&["score", "titanic.evenstep", "--input", "titanic.csv", "--output", "s.csv"]).ok().err;
    assert!(noted.contains("trained by other libraries"), "{noted}");
}

#[test]
fn what_is_signed_says_what_went_in_and_who_made_it() {
    let project = signed();
    sign(&project, "ana");
    let trained = project.run(&["inspect", "titanic.evenstep", "--json"]).ok().json();
    let envelope: Value = serde_json::from_str(&project.read("titanic.evenstep.dsse.json")).expect("JSON");
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    let statement = payload(envelope["payload"].as_str().expect("text"));
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
    let digest = trained["digest"].as_str().expect("a digest").trim_start_matches("sha256:");
    assert_eq!(statement["subject"][0]["digest"]["evenstep"], digest);
    let made = &statement["predicate"]["buildDefinition"];
    let dependencies = made["resolvedDependencies"].as_array().expect("a list");
    let named = |name: &str| dependencies.iter().find(|of| of["name"] == name).expect(name);
    let fingerprint = trained["identity"]["fingerprint"].as_str().expect("a fingerprint");
    assert_eq!(named("data")["digest"]["evenstep-fp1"], fingerprint.trim_start_matches("fp1:"));
    assert!(named("spec")["digest"]["sha256"].is_string());
    assert_eq!(named("engine")["uri"], format!("pkg:cargo/evenstep@{}", env!("CARGO_PKG_VERSION")));
    assert!(named("engine")["annotations"]["rustc"].is_string());
    let run = &statement["predicate"]["runDetails"];
    assert!(run["metadata"]["finishedOn"].is_string(), "{run}");
    // The builder has what SLSA gives it, and no more.
    assert!(named("engine")["annotations"]["host"]["cpu"].is_array(), "{dependencies:?}");
    assert_eq!(run["builder"].as_object().expect("an object").keys().collect::<Vec<_>>(), ["id", "version"]);
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

#[test]
fn a_private_key_is_its_owners_alone_and_never_written_over() {
    let project = Project::new();
    project.run(&["key", "new"]).ok();
    let written = project.read("evenstep.key");
    assert!(written.starts_with("-----BEGIN PRIVATE KEY-----"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(project.path("evenstep.key")).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = project.run(&["key", "new"]);
    assert!(again.code == 2 && again.err.contains("`evenstep.key` is there already"), "{}", again.err);
    assert_eq!(project.read("evenstep.key"), written);
}

#[test]
#[cfg(unix)]
fn keys_have_their_modes_whatever_the_umask_and_a_private_one_that_others_can_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::example("titanic");
    project.run(&["train", "--quiet"]).ok();
    let mode = |name: &str| std::fs::metadata(project.path(name)).expect("it is there").permissions().mode() & 0o777;
    for umask in ["000", "077", "277"] {
        let made = std::process::Command::new("sh")
            .args(["-c", &format!("umask {umask}; exec \"$0\" key new --output of-{umask}.key")])
            .arg(env!("CARGO_BIN_EXE_evenstep"))
            .current_dir(project.path(""))
            .stdout(Stdio::null())
            .status();
        assert!(made.is_ok_and(|made| made.success()), "{umask}");
        let modes = [format!("of-{umask}.key"), format!("of-{umask}.key.pub")].map(|name| mode(&name));
        assert_eq!(modes, [0o600, 0o644], "{umask}");
    }
    let sign =
        |more: &[&str]| project.run(&[&["sign", "titanic.evenstep", "--key", "of-000.key"], more].concat()).ok().err;
    assert_eq!(sign(&[]), "");
    std::fs::set_permissions(project.path("of-000.key"), PermissionsExt::from_mode(0o640)).expect("set");
    assert!(sign(&[]).contains("others than its owner may use `of-000.key`: `chmod 600 of-000.key`"));
    assert_eq!(sign(&["--quiet"]), "");
}

#[test]
fn keys_and_policies_are_short_regular_files() {
    let project = signed();
    project.write("long", vec![b'#'; (1 << 20) + 1]);
    for args in
        [&["sign", "titanic.evenstep", "--key", "long"][..], &["verify", "titanic.evenstep", "--policy", "long"]]
    {
        let said = project.run(args);
        assert!(said.code == 2 && said.err.contains("`long` can't be read: it is longer than 1 MiB"), "{}", said.err);
    }
    project.write("titanic.evenstep.dsse.json", vec![b' '; (1 << 20) + 1]);
    let said = project.run(&["inspect", "titanic.evenstep.dsse.json"]);
    assert!(said.code == 2 && said.err.contains("it is longer than 1 MiB"), "{}", said.err);
    #[cfg(target_os = "linux")]
    {
        // Nothing of it is on disk; all of it would be in memory.
        let large = std::fs::File::create(project.path("large.evenstep")).expect("the folder is ours");
        large.set_len(64 << 30).expect("it is sparse");
        let said = project.run(&["inspect", "large.evenstep"]);
        assert!(said.code == 2 && said.err.contains("it doesn't begin like a bundle"), "{}", said.err);
        std::os::unix::fs::FileExt::write_all_at(&large, b"PK\x03\x04", 0).expect("written");
        let said = project.run(&["inspect", "large.evenstep"]);
        assert!(said.code == 2 && said.err.contains("and 4294967295 at most are expected"), "{}", said.err);
    }
    #[cfg(unix)]
    for args in [
        &["sign", "titanic.evenstep", "--key", "/dev/zero"][..],
        &["verify", "titanic.evenstep", "--policy", "/dev/zero"],
    ] {
        let said = project.run(args);
        assert!(said.code == 2 && said.err.contains("a regular file is expected"), "{}", said.err);
    }
}

/// Linux has names that are no UTF-8; JSON has none.
#[test]
#[cfg(target_os = "linux")]
fn names_that_are_no_text_are_told_to_machines_as_far_as_they_are() {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStrExt;
    let project = signed();
    let odd = |ending: &str| OsString::from(OsStr::from_bytes(&[b"odd-\xff", ending.as_bytes()].concat()));
    let cases: [(&[&str], &str, &str, &str); 7] = [
        (&["train", "--quiet", "--output"], ".evenstep", "bundle", "odd-\u{fffd}.evenstep"),
        (&["split", "--output"], ".csv", "output", "odd-\u{fffd}.csv"),
        (&["report", "titanic.evenstep", "--output"], ".html", "report", "odd-\u{fffd}.html"),
        (&["sign", "--key", "ana.key"], ".evenstep", "signatures", "odd-\u{fffd}.evenstep.dsse.json"),
        (&["key", "new", "--output"], ".key", "private", "odd-\u{fffd}.key"),
        (&["key", "api", "ana", "--file"], ".toml", "file", "odd-\u{fffd}.toml"),
        (&["init", "titanic.csv", "--target", "Survived", "--output"], ".toml", "spec", "odd-\u{fffd}.toml"),
    ];
    for (args, ending, key, expected) in cases {
        if args.contains(&"init") {
            std::fs::remove_file(project.path("").join(odd(".toml"))).expect("the keys were there");
        }
        let said = common::said(project.command(args).arg(odd(ending)).arg("--json").output().expect("it runs"));
        assert_eq!(said.ok().json()[key], expected, "{args:?}");
    }
}

/// Where the host starts no thread more, the thread that is there does the work.
#[test]
#[cfg(target_os = "linux")]
fn without_threads_a_training_gives_the_same_bits() {
    let project = Project::example("titanic");
    let digest = project.digest(&[]);
    // The superuser has no limit of processes: somebody else is asked for, where that can be.
    let limited = |program: &str| {
        let mut command = std::process::Command::new("setpriv");
        command
            .args(["--reuid=65534", "--clear-groups", "prlimit", "--nproc=0:0", program])
            .current_dir(project.path(""));
        command
    };
    let is_limited = limited("true").status().is_ok_and(|ran| ran.success());
    if !is_limited {
        return;
    }
    std::process::Command::new("chown")
        .args(["-R", "65534", "."])
        .current_dir(project.path(""))
        .status()
        .expect("it runs");
    let mut command = limited(env!("CARGO_BIN_EXE_evenstep"));
    let said = common::said(command.args(["train", "--json", "--quiet"]).output().expect("it runs"));
    assert_eq!(said.ok().json()["digest"], digest);
}

#[test]
#[cfg(unix)]
fn of_those_who_write_at_once_each_is_heard() {
    let project = signed();
    let names: Vec<String> = (0..12).map(|n| format!("of-{n}")).collect();
    let each = |args: &dyn Fn(&str) -> Vec<String>| {
        let start = |name: &String| {
            let args = args(name);
            let mut command = project.command(&args.iter().map(String::as_str).collect::<Vec<_>>());
            command.stdout(Stdio::null()).spawn().expect("the program starts")
        };
        let started: Vec<Child> = names.iter().map(start).collect();
        started.into_iter().for_each(|mut child| assert!(child.wait().expect("it ends").success()));
    };
    let words = |text: String| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    each(&|name| words(format!("key new --output {name}.key")));
    each(&|name| words(format!("sign titanic.evenstep --key {name}.key")));
    let envelope: Value = serde_json::from_str(&project.read("titanic.evenstep.dsse.json")).expect("JSON");
    assert_eq!(envelope["signatures"].as_array().map(Vec::len), Some(names.len()));
    each(&|name| words(format!("key api {name} --file keys.toml")));
    let keys = project.read("keys.toml");
    assert!(names.iter().all(|name| keys.contains(&format!("\"{name}\""))), "{keys}");

    // Of those who want one name, one gets it, with a pair that belongs together.
    let start =
        |_| project.command(&["key", "new", "--output", "one.key"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let started: Vec<Child> = (0..12).map(|n| start(n).expect("the program starts")).collect();
    let made = started.into_iter().filter_map(|mut child| child.wait().ok()).filter(|ended| ended.success()).count();
    let private = evenstep_attest::PrivateKey::parse(&project.read("one.key")).expect("a key");
    assert_eq!((made, private.public().pem()), (1, project.read("one.key.pub")));

    // A training writes once another is done with it.
    let turn = evenstep_files::Turn::wait(&project.path("pipeline.lock"));
    let lock = project.read("pipeline.lock");
    let mut child = project.command(&["train", "--quiet", "--set", "pipeline.seed=1"]);
    let mut child = child.stdout(Stdio::null()).spawn().expect("the program starts");
    std::thread::sleep(Duration::from_secs(5));
    assert!(child.try_wait().expect("it runs").is_none() && project.read("pipeline.lock") == lock);
    drop(turn);
    assert!(child.wait().expect("it ends").success() && project.read("pipeline.lock") != lock);
}

#[test]
fn a_bundle_is_verified_against_data() {
    let project = Project::example("titanic");
    project.run(&["train", "--quiet"]).ok();
    for lock in ["pipeline.lock", "pipeline.toml"] {
        std::fs::remove_file(project.path(lock)).expect("it was there");
    }
    let verify = |data: &str, more: &[&str]| {
        let args = [&["verify", "titanic.evenstep", "--data", data, "--json", "--quiet"], more].concat();
        project.run(&args)
    };
    let said = verify("titanic.csv", &["--shuffle", "--threads", "2"]);
    let json = said.json();
    assert_eq!((said.code, &json["equal"]), (0, &Value::Bool(true)), "{json:#}");
    let proved = json["proved"].to_string();
    assert!(proved.contains("training again on this data gives this artifact"), "{proved}");
    assert!(json["cost"]["bytes_read"].as_u64().is_some_and(|bytes| bytes > 50_000));

    project.write("other.csv", project.read("titanic.csv").replacen(",29,female", ",30,female", 1));
    let said = verify("other.csv", &[]);
    let json = said.json();
    let checks = json["checks"].as_array().expect("checks");
    let differs: Vec<&Value> = checks.iter().filter(|check| check["equal"] == false).collect();
    assert_eq!((said.code, differs.len()), (1, 1), "{json:#}");
    assert!(differs[0]["name"] == "fingerprint" && differs[0]["detail"].as_str().expect("text").contains("other rows"));
    assert_eq!(json["proved"], serde_json::json!([]), "nothing is proved if something differs");
}

#[test]
fn parts_of_another_bundle_sealed_in_are_named() {
    let project = Project::example("titanic");
    project.run(&["train", "--quiet"]).ok();
    std::fs::copy(project.path("titanic.evenstep"), project.path("one.evenstep")).expect("copied");
    project.run(&["train", "--quiet", "--set", "pipeline.seed=7"]).ok();
    project.run(&["key", "new", "--output", "ana.key"]).ok();
    let of = |name: &str| members(&std::fs::read(project.path(name)).expect("read"));
    let (one, other) = (of("one.evenstep"), of("titanic.evenstep"));
    for (member, part) in
        [("pipeline.lock", "lock"), ("spec.json", "spec"), ("sbom.json", "sbom"), ("golden.json", "golden rows")]
    {
        let mut mixed = one.clone();
        let mut bytes = other[member].clone();
        if member == "golden.json" {
            let text = String::from_utf8(bytes).expect("JSON").replacen("\"bits\":[\"3f", "\"bits\":[\"40", 1);
            bytes = text.into_bytes();
        }
        mixed.insert(member.to_owned(), bytes);
        project.write("mixed.evenstep", evenstep_bundle::seal(mixed).expect("it is small"));
        let said = project.run(&["verify", "mixed.evenstep", "--json"]);
        let json = said.json();
        let checks = json["checks"].as_array().expect("checks").iter();
        let differs: Vec<&Value> = checks.filter(|check| check["equal"] == false).map(|check| &check["name"]).collect();
        assert_eq!((said.code, differs), (1, vec![&Value::from(part)]), "{member}");
        let said = project.run(&["sign", "mixed.evenstep", "--key", "ana.key"]);
        let refused = format!("`mixed.evenstep` isn't what it says, and isn't signed: {part}: ");
        assert!(said.code == 1 && said.err.contains(&refused), "{}", said.err);
        assert!(!project.path("mixed.evenstep.dsse.json").exists());
    }
    // A member that nobody knows.
    let mut foreign = one.clone();
    foreign.insert("bin/more.sh".to_owned(), b"#!/bin/sh".to_vec());
    project.write("foreign.evenstep", evenstep_bundle::seal(foreign).expect("it is small"));
    let said = project.run(&["verify", "foreign.evenstep"]).ok();
    assert!(said.out.contains("not proved: what `bin/more.sh` is for"), "{}", said.out);
    // A bill of this artifact with a better metric.
    let mut boasting = one.clone();
    let mut bill: Value = serde_json::from_slice(&one["sbom.json"]).expect("JSON");
    bill["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0]["value"] =
        "0.999".into();
    boasting.insert("sbom.json".to_owned(), serde_json::to_vec(&bill).expect("JSON"));
    project.write("boasting.evenstep", evenstep_bundle::seal(boasting).expect("it is small"));
    let said = project.run(&["verify", "boasting.evenstep"]);
    assert!(said.code == 1 && said.out.contains("quantitativeAnalysis` isn't what the bundle holds"), "{}", said.out);
}

#[test]
fn a_bundle_of_an_epoch_to_come_is_refused_by_name() {
    let project = Project::example("titanic");
    project.run(&["train", "--quiet"]).ok();
    let bytes = std::fs::read(project.path("titanic.evenstep")).expect("read");
    let sealed = |from: &str, to: &str| {
        let mut members = members(&bytes);
        let identity = String::from_utf8(members["identity.json"].clone()).expect("JSON");
        assert!(identity.contains(from), "{identity}");
        members.insert("identity.json".to_owned(), identity.replacen(from, to, 1).into_bytes());
        project.write("other.evenstep", evenstep_bundle::seal(members).expect("it is small"))
    };
    sealed("\"apply\":1", "\"apply\":9");
    for verb in [&["score", "other.evenstep", "--input", "titanic.csv"][..], &["inspect", "other.evenstep"]] {
        let said = project.run(verb);
        assert_eq!(said.code, 2);
        let told = said.err.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert!(
            told.contains("the bundle answers by apply epoch 9, and this engine answers by apply epoch 1 only"),
            "{told}"
        );
    }
    let said = project.run(&["verify", "other.evenstep"]);
    assert!(said.code == 1 && said.out.contains("apply epoch 9"), "{}", said.out);
    assert!(said.out.contains("not equal: this is a bundle for another engine"), "{}", said.out);
    sealed("\"format\":1", "\"format\":2");
    assert!(project.run(&["inspect", "other.evenstep"]).err.contains("is of format 2"));

    // The fit epoch says how it was trained: it is answered for all the same, and `verify` says so.
    sealed("\"fit\":1", "\"fit\":2");
    project.run(&["score", "other.evenstep", "--input", "titanic.csv"]).ok();
    let said = project.run(&["verify", "other.evenstep"]);
    assert!(said.out.contains("fit epoch was 2, here it is 1: training may give other bits"), "{}", said.out);
}

#[test]
fn who_answers_says_in_one_line_that_another_engine_trained() {
    let project = Project::example("titanic");
    project.run(&["train", "--quiet"]).ok();
    let score = |more: &[&str]| {
        let args = ["score", "titanic.evenstep", "--input", "titanic.csv", "--output", "scores.csv"];
        project.run(&[&args[..], more].concat()).ok()
    };
    let explain = ["explain", "titanic.evenstep", "--input", "titanic.csv", "--output", "why.csv"];
    assert!(!score(&[]).err.contains("trained by"), "the same engine says nothing");
    assert_eq!(score(&["--json"]).json()["environment"], Value::Null);

    // Another processor changes no answer: only machines are told.
    let lock = project.read("pipeline.lock");
    let cpu = lock.lines().find(|line| line.starts_with("simd = ")).expect("a fact");
    project.write("pipeline.lock", lock.replace(cpu, "simd = \"another\""));
    assert!(!score(&[]).err.contains("another"));
    assert_eq!(score(&["--json"]).json()["environment"][0]["name"], "simd");

    // Another engine is told; if there is no lock, by what was signed.
    let engine = lock.lines().find(|line| line.starts_with("engine = ")).expect("a fact");
    project.write("pipeline.lock", lock.replace(engine, "engine = \"0.0.7\""));
    let expected = "trained by engine 0.0.7, and here it is ";
    project.run(&["key", "new", "--output", "ana.key"]).ok();
    sign(&project, "ana");
    for lock in [true, false] {
        if !lock {
            std::fs::remove_file(project.path("pipeline.lock")).expect("it was there");
        }
        // This model can't be explained; that is said after the bundle was loaded.
        for said in [score(&[]), project.run(&explain)] {
            assert_eq!(said.err.matches(expected).count(), 1, "{}", said.err);
        }
        let told = &score(&["--json"]).json()["environment"][0];
        assert!(told["name"] == "engine" && told["then"] == "0.0.7" && told["matters"] == false, "{told}");
    }
    assert!(!score(&["--quiet"]).err.contains("trained by"));

    // What was signed of another artifact says nothing of this one.
    project.run(&["train", "--quiet", "--set", "pipeline.seed=5", "--output", "other.evenstep"]).ok();
    std::fs::copy(project.path("titanic.evenstep.dsse.json"), project.path("other.evenstep.dsse.json"))
        .expect("copied");
    for lock in ["other.lock", "pipeline.lock"].map(|name| project.path(name)).iter().filter(|lock| lock.exists()) {
        std::fs::remove_file(lock).expect("it was there");
    }
    let other = ["score", "other.evenstep", "--input", "titanic.csv", "--output", "scores.csv"];
    assert!(!project.run(&other).ok().err.contains("trained by"));
}

#[test]
fn a_bundle_is_whole_whatever_its_split() {
    let project = Project::example("titanic");
    for split in ["test=0", "test=0.5", "folds=2", "seed=9007199254740993"] {
        project.run(&["train", "--quiet", "--set", &format!("data.split.{split}")]).ok();
        project.run(&["verify", "titanic.evenstep"]).ok();
    }
}

/// What no digest covers is held against what training again gives.
#[test]
fn a_bundle_beside_its_spec_that_boasts_is_no_reproduction() {
    let project = Project::example("titanic");
    project.run(&["train", "--quiet"]).ok();
    let honest = std::fs::read(project.path("titanic.evenstep")).expect("read");
    let verify = |member: &str, change: &dyn Fn(&mut Value)| {
        let mut members = members(&honest);
        let mut value: Value = serde_json::from_slice(&members[member]).expect("JSON");
        change(&mut value);
        members.insert(member.to_owned(), serde_json::to_vec(&value).expect("JSON"));
        project.write("titanic.evenstep", evenstep_bundle::seal(members).expect("it is small"));
        let of = |args: &[&str]| {
            let said = project.run(args);
            (said.code, said.out)
        };
        [of(&["verify", "--json", "--quiet"]), of(&["verify", "titanic.evenstep", "--json", "--quiet"])]
    };
    let said = verify("golden.json", &|_| ());
    assert!(said.iter().all(|(code, _)| *code == 0), "{said:?}");
    assert!(said[1].1.contains("that the profile is of the training rows"), "{said:?}");
    assert!(said[1].1.contains("that the metrics are those of the rows held out"), "{said:?}");
    let [(spec, _), (bundle, told)] =
        verify("evaluation.json", &|evaluation| evaluation["metrics"][0]["value"] = 0.999.into());
    assert_eq!((spec, bundle), (1, 1), "{told}");
    // A lock that boasts is told by the metric.
    let lock = project.read("pipeline.lock");
    let value = "]\nmetric = \"roc_auc\"\nvalue = 0.8";
    project.write("pipeline.lock", replaced(&lock, value, &value.replace("0.8", "0.9")));
    let said = project.run(&["verify", "--quiet"]);
    assert!(
        said.code == 1 && said.out.contains("DIFFERS  evaluation               `roc_auc` locked 0.94"),
        "{}",
        said.out
    );
    project.write("pipeline.lock", lock);
    let [(spec, _), (bundle, told)] = verify("golden.json", &|golden| *golden = serde_json::json!([]));
    assert_eq!((spec, bundle), (1, 0));
    assert!(told.contains("the bundle has no golden row"), "{told}");
    let said = project.run(&["verify", "titanic.evenstep", "--data", "titanic.csv", "--quiet"]);
    assert!(said.code == 1 && said.out.contains("DIFFERS  golden rows again"), "{}", said.out);
    for (place, value) in [
        ("/data/target", Value::from("Age")),
        ("/data/split/test", 0.5.into()),
        ("/pipeline/name", "other".into()),
        ("/serving/extra", "ignore".into()),
    ] {
        let [(spec, _), (bundle, told)] =
            verify("spec.json", &|spec| *spec.pointer_mut(place).unwrap_or_else(|| panic!("{place}")) = value.clone());
        assert_eq!((spec, bundle), (1, 1), "{place}: {told}");
    }
    let [_, (bundle, told)] = verify("spec.json", &|spec| {
        let steps = spec["step"].as_array_mut().expect("steps");
        steps.push(serde_json::json!({"use": "log", "columns": ["Age"]}));
    });
    assert!(bundle == 1 && told.contains("number of steps"), "{told}");
    std::fs::remove_file(project.path("titanic.evenstep")).expect("it was there");
    let said = project.run(&["verify", "--quiet"]).ok();
    assert!(said.out.contains("not proved: that any bundle is what is locked"), "{}", said.out);
}

#[test]
fn a_word_changed_in_a_lock_shows() {
    let project = Project::example("titanic");
    project.run(&["train", "--quiet"]).ok();
    let lock = project.read("pipeline.lock");
    for (from, to) in [
        ("apply_epoch = 1", "apply_epoch = 9"),
        ("extra = \"reject\"", "extra = \"ignore\""),
        ("format = 1", "format = 2"),
        ("seen = \"", "seen = \"0"),
        ("reads = [", "reads = [\"Age\","),
        ("params = \"", "params = \"0"),
        ("digest = \"", "more = 1\ndigest = \""),
    ] {
        assert!(lock.contains(from), "{from}: {lock}");
        project.write("pipeline.lock", lock.replacen(from, to, 1));
        let said = project.run(&["verify", "--quiet"]);
        assert_eq!(said.code, 1, "{from}: {}", said.out);
        let said = project.run(&["verify", "titanic.evenstep", "--quiet"]);
        assert_eq!(said.code, 1, "{from}: {}", said.out);
        assert!(said.out.contains("has this digest, and says something else than the bundle under `"), "{}", said.out);
    }
    project.write("pipeline.lock", "no lock");
    let said = project.run(&["verify", "titanic.evenstep", "--quiet"]);
    assert!(said.code == 1 && said.out.contains("`pipeline.lock` can't be read"), "{}", said.out);
}

#[test]
fn a_signature_counts_up_to_the_day_that_it_says() {
    let project = signed();
    policy(&project, ANY);
    let sign_until = |day: &str, name: &str| {
        project.run(&["sign", "titanic.evenstep", "--key", &format!("{name}.key"), "--expires", day])
    };
    let over = sign_until("2020-01-01", "ana");
    assert!(over.code == 2 && over.err.contains("`2020-01-01` is over"), "{}", over.err);
    assert_eq!(sign_until("2999-02-30", "ana").code, 2);
    sign_until("2999-12-31", "ana").ok();
    assert_eq!(verified(&project), (0, "signed by ana; 1 needed; it counts until 2999-12-31".to_owned()));
    // All who sign a bundle say the same of it.
    let said = project.run(&["sign", "titanic.evenstep", "--key", "ben.key"]);
    assert!(said.code == 2 && said.err.contains("metadata.evenstep_expiresOn"), "{}", said.err);
    assert!(said.err.contains("with `--expires 2999-12-31` you sign the same"), "{}", said.err);
    sign_until("2999-12-31", "ben").ok();
    policy(&project, BOTH);
    assert_eq!(verified(&project), (0, "signed by ana, ben; 2 needed; it counts until 2999-12-31".to_owned()));

    // Who changes the day has to sign it anew.
    let day = |project: &Project, day: &str| {
        plant(project, None, |statement| {
            statement["predicate"]["runDetails"]["metadata"]["evenstep_expiresOn"] = day.into();
        });
    };
    policy(&project, ANY);
    day(&project, "3000-12-31");
    let (code, said) = verified(&project);
    assert!(code == 1 && said.contains("wrong signature"), "{said}");
    day(&project, "2020-01-01");
    let mut envelope = evenstep_attest::Envelope::parse(&project.read("titanic.evenstep.dsse.json")).expect("one");
    envelope.sign(&evenstep_attest::PrivateKey::parse(&project.read("ana.key")).expect("a key")).expect("signed");
    project.write("titanic.evenstep.dsse.json", envelope.text());
    let (code, said) = verified(&project);
    assert!(code == 1 && said.starts_with("what was signed counted until 2020-01-01, and no longer"), "{said}");
    let served = project.run(&["serve", "titanic.evenstep", "--listen", "127.0.0.1:0", "--policy", "trust.toml"]);
    assert!(served.code == 1 && served.err.contains("counted until 2020-01-01"), "{}", served.err);
}

#[test]
fn an_artifact_that_is_withdrawn_is_refused_with_the_reason() {
    let project = signed();
    policy(&project, ANY);
    sign(&project, "ana");
    assert_eq!(verified(&project), (0, "signed by ana; 1 needed".to_owned()));
    let digest = project.run(&["inspect", "titanic.evenstep", "--json"]).ok().json()["digest"].clone();
    let digest = digest.as_str().expect("a digest");
    let withdrawn = format!("[[withdrawn]]\ndigest = \"{digest}\"\nreason = \"it learned from rows of 1911\"\n");
    project.write("trust.toml", project.read("trust.toml") + &withdrawn);
    let refused = "the policy trusts it no more, whoever signed it: it learned from rows of 1911";
    assert_eq!(verified(&project), (1, refused.to_owned()));
    let served = project.run(&["serve", "titanic.evenstep", "--listen", "127.0.0.1:0", "--policy", "trust.toml"]);
    assert!(served.code == 1 && served.err.contains("it learned from rows of 1911"), "{}", served.err);
}
