//! A bundle against data, its spec, and other bundles.

use serde_json::Value;

use crate::common::{Project, members, replaced};

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
    let said = crate::common::said(command.args(["train", "--json", "--quiet"]).output().expect("it runs"));
    assert_eq!(said.ok().json()["digest"], digest);
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

    // The first step of the spec leaves `SexCode` out.
    let lacks_the_left_out = replaced(&project.read("titanic.csv"), "SexCode", "Code");
    for data in ["Name,Price\na,1\n", &lacks_the_left_out] {
        project.write("other.csv", data);
        let said = verify("other.csv", &[]).json();
        let detail =
            said["checks"].as_array().and_then(|checks| checks.last()).map(|check| check["detail"].to_string());
        assert!(detail.is_some_and(|detail| detail.contains("`other.csv` has no column")), "{said:#}");
    }
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
