//! What is signed says: inputs, maker, libraries, facts.

use serde_json::Value;

use crate::common::Project;
use crate::{payload, plant, sign, signed};

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
