//! Signatures: right, wrong, foreign, planted, expired, withdrawn.

use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::common::Project;
use crate::{ANY, BOTH, plant, policy, sign, signed, verified, verified_text};

#[test]
fn each_answer_on_signatures_is_told_from_the_others() {
    let project = signed();
    policy(&project, ANY);
    assert_eq!(verified(&project), (1, "nobody has signed it".to_owned()));
    sign(&project, "stranger");
    let (code, said) = verified(&project);
    assert!(code == 1 && said.starts_with("nobody whom the policy knows") && said.contains("unknown key"), "{said}");
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
