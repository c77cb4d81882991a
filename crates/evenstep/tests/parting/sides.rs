//! What may be compared: specs, locks, bundles, traces, and what lies beside them.

use crate::common::{causes, members, replaced};
use crate::{SMALL, salted, score_small, small, train_in, write_small};

#[test]
fn what_lies_beside_a_lock_and_is_not_of_it_is_told() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    train_in(&project, "b", SMALL, &small());
    let differs = |kind: &str, words: &[&str]| {
        let said = project.run(&["diff", "a/p.toml", "b/p.toml"]);
        let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
        assert_eq!((said.code, causes(&told)), (1, vec![(kind, false)]), "{told:#}");
        assert!(words.iter().all(|word| said.out.contains(word)), "{}", said.out);
    };
    // The spec was changed, and not trained again.
    project.write("b/p.toml", replaced(SMALL, "\"dummy\"", "\"ridge\""));
    differs("spec", &["the spec of B is not what its lock was made by", "dummy", "ridge"]);
    project.write("a/p.toml", replaced(SMALL, "\"dummy\"", "\"ridge\""));
    assert_eq!(project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).ok().json()["equal"], true);
    project.write("a/p.toml", SMALL);
    project.write("b/p.toml", SMALL);
    for file in ["b/p.evenstep", "b/p.trace"] {
        let bytes = std::fs::read(project.path(file)).expect("it is there");
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        project.write(file, flipped);
        differs("damaged", &[file, "beside B can't be read"]);
        project.write(file, bytes);
    }
    train_in(&project, "c", &replaced(SMALL, "seed = 1", "seed = 2"), &small());
    std::fs::copy(project.path("c/p.evenstep"), project.path("b/p.evenstep")).expect("copied");
    let said = project.run(&["diff", "a/p.toml", "b/p.toml"]).ok();
    assert!(said.out.contains("`b/p.evenstep` beside B is of another run"), "{}", said.out);
}

#[test]
fn a_bundle_is_compared_by_what_it_holds() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    std::fs::create_dir(project.path("alone")).expect("the folder is ours");
    let bytes = std::fs::read(project.path("a/p.evenstep")).expect("the bundle is there");
    let with_lock = |change: fn(&str) -> String| {
        let mut members = members(&bytes);
        let lock = change(std::str::from_utf8(&members["pipeline.lock"]).expect("UTF-8"));
        members.insert("pipeline.lock".to_owned(), lock.into_bytes());
        project.write("alone/p.evenstep", evenstep_bundle::seal(members).expect("it is small"));
        project.run(&["diff", "a/p.lock", "alone/p.evenstep", "--json"]).json()
    };
    assert_eq!(with_lock(str::to_owned)["equal"], true);
    // What a lock says that isn't the artifact's is compared with nothing; that it was changed is told.
    let told = with_lock(|lock| replaced(lock, "\"target_encode\"", "\"one_hot\""));
    assert_eq!((causes(&told), &told["first"]["stage"]), (vec![("members", false)], &"files".into()), "{told:#}");

    let mut changed = members(&bytes);
    changed.insert("report.html".to_owned(), b"<p>all is well".to_vec());
    changed.insert("more.sh".to_owned(), b"#!/bin/sh".to_vec());
    changed.insert("golden.json".to_owned(), b"[]".to_vec());
    project.write("alone/p.evenstep", evenstep_bundle::seal(changed).expect("it is small"));
    let said = project.run(&["diff", "a/p.evenstep", "alone/p.evenstep"]);
    let told = "the bundles are of one artifact, and differ in `golden.json`; `more.sh`, in B only; `report.html`";
    assert!(said.code == 1 && said.out.contains(told), "{}", said.out);
}

#[test]
fn other_fingerprints_of_the_same_rows_are_told() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    train_in(&project, "b", SMALL, &small());
    // Rows of equal commitments with another fingerprint: somebody wrote into the lock.
    let lock = project.read("b/p.lock");
    let at = lock.find("\"fp1:").expect("a fingerprint") + 5;
    let other = if lock.as_bytes()[at] == b'0' { "1" } else { "0" };
    project.write("b/p.lock", format!("{}{other}{}", &lock[..at], &lock[at + 1..]));
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    let causes = causes(&told);
    assert!(causes.contains(&("data", true)), "{told:#}");
    assert!(causes.iter().all(|(kind, _)| *kind != "model_code"), "{told:#}");
}

#[test]
fn a_spec_without_a_source_names_its_run() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    project.write("a/p.toml", replaced(SMALL, "source = \"t.csv\"\n", ""));
    project.run(&["diff", "a/p.toml", "a/p.trace"]).ok();
}

#[test]
fn a_spec_without_its_lock_is_the_run_of_its_bundle() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    train_in(&project, "b", &replaced(SMALL, "seed = 1", "seed = 2"), &small());
    std::fs::remove_file(project.path("b/p.lock")).expect("it was there");
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    assert!(causes(&told).contains(&("seed", false)), "{told:#}");
    assert!(!told["notes"].to_string().contains("no trace"), "{told:#}");
    std::fs::remove_file(project.path("b/p.evenstep")).expect("it was there");
    let said = project.run(&["diff", "a/p.toml", "b/p.toml"]);
    assert!(said.code == 2 && said.err.contains("`b/p.lock` can't be read"), "{}", said.err);
}

#[test]
fn what_is_served_and_said_of_a_bundle_is_compared() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    train_in(&project, "b", &replaced(SMALL, "[data]", "[serving]\nmode = \"batch\"\n[data]"), &small());
    let said = project.run(&["diff", "a/p.evenstep", "b/p.evenstep", "--json"]);
    let told = said.json();
    assert_eq!((said.code, causes(&told)), (1, vec![("setting", false)]), "{told:#}");
}

#[test]
fn a_folder_of_several_runs_is_refused() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    std::fs::create_dir(project.path("two")).expect("the folder is ours");
    for name in ["two/x.evenstep", "two/y.evenstep"] {
        std::fs::copy(project.path("a/p.evenstep"), project.path(name)).expect("copied");
    }
    let said = project.run(&["diff", "two", "a/p.toml"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("holds several runs: `x.evenstep`, `y.evenstep`"), "{}", said.err);
}

/// What a value becomes that training never saw depends on what that saw.
#[test]
fn one_file_that_two_bundles_score_is_no_fact_of_the_data() {
    let project = salted();
    let spec = replaced(SMALL, "[contract]\n", "[contract]\nu = { type = \"category\", unseen = \"null\" }\n");
    let (all, fewer): (Vec<_>, Vec<_>) = (small(), small().into_iter().filter(|row| row[1] != "ef").collect());
    train_in(&project, "a", &spec, &all);
    train_in(&project, "b", &spec, &fewer);
    write_small(&project, "new.csv", &all);
    for side in ["a", "b"] {
        let (bundle, trace) = (format!("{side}/p.evenstep"), format!("{side}/new.trace"));
        project.run(&["score", &bundle, "--input", "new.csv", "-o", "o.csv", "--trace", &trace, "--quiet"]).ok();
    }
    let check = |a: &str, b: &str| {
        let told = project.run(&["diff", a, b, "--no-data", "--json"]).json();
        let all = causes(&told);
        assert!(all.contains(&("data", true)) && !all.contains(&("data", false)), "{told:#}");
    };
    check("a/new.trace", "b/new.trace");
    for side in ["a", "b"] {
        std::fs::rename(project.path(&format!("{side}/new.trace")), project.path(&format!("{side}.trace")))
            .expect("moved");
    }
    check("a.trace", "b.trace");
}

#[test]
fn a_trace_of_no_row_has_the_steps_of_its_bundle() {
    let project = salted();
    train_in(&project, "a", &replaced(SMALL, "target_encode", "one_hot"), &small());
    score_small(&project, "some.csv", &small(), "a/some.trace");
    score_small(&project, "none.csv", &[], "none.trace");
    let told = project.run(&["diff", "a/some.trace", "none.trace", "--json"]).json();
    let differing: Vec<&str> = told["stages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|stage| stage["state"] == "differs")
        .filter_map(|stage| stage["stage"].as_str())
        .collect();
    assert_eq!(differing, ["input"], "{told:#}");
}
