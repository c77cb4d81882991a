//! Files that can't be read or written, or are not what they are taken for.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::common::{Project, replaced, said};
use crate::{SPEC, project, refused, refused_by};

#[test]
fn a_damaged_bundle_is_one_whatever_it_is_called() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let bytes = std::fs::read(project.path("p.evenstep")).expect("it was written");
    let mut flipped = bytes.clone();
    flipped[0] ^= 0x80;
    let cut = &bytes[..bytes.len() / 2];
    for (name, bytes) in [("model.bin", flipped.as_slice()), ("bundle", cut), ("p.toml.bak", cut)] {
        project.write(name, bytes);
        let said = project.run(&["verify", name, "--quiet"]);
        assert!(said.code == 1 && said.out.contains("it was damaged, or is none"), "{name}: {}{}", said.out, said.err);
        assert!(!format!("{}{}", said.out, said.err).contains("UTF-8"), "{}{}", said.out, said.err);
    }
    project.write("whole", &bytes);
    project.run(&["verify", "whole", "--quiet"]).ok();
}

#[test]
fn files_that_hold_no_table_are_refused() {
    for (bytes, words) in [
        (b"".to_vec(), "empty"),
        (b"x,z,y\n".to_vec(), "no rows"),
        (b"x,z,y\n1,2,3\n4,5\n".to_vec(), "line 3"),
        (b"x,x,y\n1,2,3\n".to_vec(), "`x`"),
        (b"x,z,y\n1,\xff\xfe,3\n".to_vec(), "UTF-8"),
        (b"x,z,y\n1,2,\"3\n".to_vec(), "line"),
    ] {
        let project = project();
        project.write("data.csv", bytes);
        refused(&project, &[words]);
    }
}

#[test]
fn missing_files_are_told_apart_from_unreadable_ones() {
    let project = project();
    refused_by(&project, &["train", "none.toml"], &["`none.toml` can't be read", "evenstep init"]);
    refused_by(
        &project,
        &["train", "data.csv"],
        &["`data.csv` is a data file", "evenstep init data.csv --target COLUMN"],
    );
    project.write("p.toml", SPEC.replace("data.csv", "dta.csv"));
    refused(&project, &["dta.csv", "did you mean"]);
    refused_by(&project, &["score", "p.evenstep", "--input", "data.csv"], &["`p.evenstep` can't be read"]);
    project.write("scores.evenstep", "");
    std::fs::create_dir(project.path("tables")).expect("the folder is ours");
    refused_by(&project, &["score", "score.evenstep", "--input", "data.csv"], &["did you mean `scores.evenstep`?"]);
    refused_by(&project, &["train", "pp.toml"], &["did you mean `p.toml`?"]);
    std::fs::create_dir_all(project.path(".evenstep")).expect("the folder is ours");
    let said = project.run(&["score", "e.evenstep", "--input", "data.csv"]);
    assert!(said.code == 2 && !said.err.contains("did you mean"), "{}", said.err);
    for (source, words) in [
        ("table/a.csv", "there is no folder `table`; did you mean `tables`?"),
        ("~/a.csv", "are read by a shell alone"),
        ("s3://tables/a.csv", "`s3://` isn't read"),
        ("tables/*.csv", "it was looked for"),
    ] {
        project.write("p.toml", SPEC.replace("data.csv", source));
        refused(&project, &[words, "p.toml:6:10"]);
    }
    for path in [r"C:\tables\a.csv", r"C:\Users\ana\a.csv"] {
        project.write("p.toml", SPEC.replace("data.csv", path));
        refused(&project, &["in single quotes", "p.toml:6"]);
    }
    project.write("a$b2024.csv", "x\n");
    project.write("p.toml", SPEC.replace("data.csv", "a$b204.csv"));
    refused(&project, &["did you mean", "a$b2024.csv"]);
}

#[test]
fn a_spec_of_another_encoding_is_told_with_the_place_where_that_shows() {
    let project = project();
    project.write("p.toml", [b"# a caf\xe9\n", SPEC.as_bytes()].concat());
    refused(&project, &["`p.toml` is no UTF-8: line 1, column 8", "save it as UTF-8"]);
    let wide = SPEC.encode_utf16().flat_map(u16::to_le_bytes);
    project.write("p.toml", [0xff, 0xfe].into_iter().chain(wide).collect::<Vec<u8>>());
    refused(&project, &["`p.toml` is no UTF-8: line 1, column 1", "it is UTF-16"]);
}

/// Whoever may write no large file is told so, as on a disk that is full.
#[cfg(unix)]
#[test]
fn a_file_that_may_not_grow_is_an_error_and_leaves_nothing() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let before = project.read("p.lock");
    let train = project.command(&["train", "p.toml", "--quiet", "--set", "pipeline.seed=2"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 8; exec \"$0\" \"$@\""]).arg(train.get_program()).args(train.get_args());
    let said = limited.current_dir(project.path("")).output().expect("the shell starts");
    let error = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.code() == Some(2) && error.contains("`ulimit -f`"), "{error}");
    assert_eq!(project.read("p.lock"), before);
    let left = std::fs::read_dir(project.path("")).expect("the folder is ours");
    let left = left.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    assert_eq!(left.filter(|name| name.contains(".tmp-")).count(), 0);
}

#[test]
fn a_truncated_or_changed_bundle_is_refused() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet", "--output", "b.evenstep"]).ok();
    let bytes = std::fs::read(project.path("b.evenstep")).expect("written");
    for cut in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        project.write("cut.evenstep", &bytes[..cut]);
        refused_by(&project, &["score", "cut.evenstep", "--input", "data.csv"], &["cut.evenstep"]);
        let said = project.run(&["verify", "cut.evenstep", "--json"]);
        assert_eq!((said.code, &said.json()["equal"]), (1, &false.into()), "damage is a no: {}", said.err);
    }
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    project.write("changed.evenstep", changed);
    refused_by(&project, &["inspect", "changed.evenstep"], &["changed.evenstep"]);
    let said = project.run(&["verify", "changed.evenstep"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.out.contains("DIFFERS  bundle"), "{}", said.out);
    refused_by(&project, &["verify", "none.evenstep"], &["`none.evenstep` can't be read"]);
}

#[test]
fn frozen_takes_only_the_lock_that_is_committed() {
    let project = project();
    let git = |args: &[&str]| {
        let own = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
        let mut git = Command::new("git");
        let status = git.args(own).args(args).current_dir(project.path(".")).stdout(Stdio::null()).status();
        assert!(status.expect("git runs").success(), "git {args:?}");
    };
    let frozen = |code: i32, word: &str| {
        let said = project.run(&["verify", "p.toml", "--frozen", "--quiet"]);
        assert_eq!(said.code, code, "{}\n{}", said.out, said.err);
        assert!(said.err.contains(word), "no `{word}` in:\n{}", said.err);
    };
    frozen(1, "`p.lock` can't be read");
    project.run(&["train", "p.toml", "--quiet"]).ok();
    frozen(0, "");
    let told = |json: Value| json["not_proved"].to_string().contains("in no git repository");
    assert!(told(project.run(&["verify", "p.toml", "--frozen", "--json", "--quiet"]).json()));
    assert!(!told(project.run(&["verify", "p.toml", "--json", "--quiet"]).json()));
    git(&["init", "--quiet"]);
    frozen(1, "`p.lock` is not committed");
    git(&["add", "p.lock"]);
    git(&["commit", "--quiet", "--message=Train"]);
    frozen(0, "");
    project.run(&["train", "p.toml", "--quiet", "--threads", "1"]).ok();
    frozen(0, "");
    project.write("p.lock", project.read("p.lock").replace("seed = 1", "seed = 2"));
    frozen(1, "is not as it was committed");
    // Who can't ask git doesn't know.
    for (name, value) in [("PATH", "/nonexistent"), ("GIT_DIR", "/nonexistent")] {
        let mut verify = project.command(&["verify", "p.toml", "--frozen", "--quiet"]);
        let said = said(verify.env(name, value).output().expect("the program starts"));
        assert_eq!(said.code, 1, "{name}: {}\n{}", said.out, said.err);
        assert!(said.err.contains("isn't known: git fails"), "{}", said.err);
    }
    let said = project.run(&["verify", "p.evenstep", "--frozen"]);
    assert!(said.code == 2 && said.err.contains("`--frozen` goes with a spec"), "{}", said.err);
}

/// A repository that came with the folder runs nothing, and is asked all the same whether anything was changed.
#[test]
#[cfg(unix)]
fn a_training_runs_no_program_that_a_repository_names() {
    let project = project();
    let git = |args: &[&str]| {
        let own = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
        let git = Command::new("git").args(own).args(args).current_dir(project.path("")).output().expect("git runs");
        assert!(git.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&git.stderr));
    };
    let dirty = || {
        project.run(&["train", "p.toml", "--quiet"]).ok();
        project.read("p.lock").lines().find_map(|line| line.strip_prefix("dirty = ").map(str::to_owned))
    };
    git(&["init", "--quiet"]);
    project.write(".gitignore", "p.*\n!p.toml\n.evenstep\nran\n");
    project.write(".gitattributes", "data.csv filter=evil\n");
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message=Begin"]);
    assert_eq!(dirty().as_deref(), Some("false"));
    let run = format!("touch {}; false", project.path("ran").display());
    for key in ["core.fsmonitor", "filter.evil.clean", "filter.evil.process"] {
        git(&["config", key, &run]);
    }
    git(&["config", "filter.evil.required", "true"]);
    std::fs::create_dir(project.path("hooks")).expect("the folder is ours");
    let hook = project.write("hooks/post-index-change", format!("#!/bin/sh\n{run}\n"));
    std::fs::set_permissions(hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
    std::fs::write(project.path(".git/info/exclude"), "hooks\n").expect("the folder is ours");
    git(&["config", "core.hooksPath", "hooks"]);
    // Git looks into what was touched.
    project.write("data.csv", project.read("data.csv"));
    assert_eq!((dirty().as_deref(), project.path("ran").exists()), (Some("false"), false));
    project.write("data.csv", project.read("data.csv") + "1,2,3\n");
    assert_eq!((dirty().as_deref(), project.path("ran").exists()), (Some("true"), false));
    project.run(&["verify", "p.toml", "--frozen"]);
    assert!(!project.path("ran").exists());
}

#[test]
fn output_that_cannot_be_written_is_an_error_and_the_old_files_stay() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet", "--output", "b.evenstep"]).ok();
    let said = project.run(&["train", "p.toml", "--quiet", "--output", "no/such/folder/b.evenstep"]);
    assert_eq!(said.code, 2, "{}", said.err);
    let said = project.run(&["score", "b.evenstep", "--input", "data.csv", "--output", "scores.xyz"]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("scores.xyz"), "{}", said.err);
}

#[test]
fn what_is_read_is_not_written_over() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    project.write("p.quarantine.jsonl", "{\"x\":1,\"z\":2,\"y\":3}\n");
    project.write("id_ed25519", "-----BEGIN PRIVATE KEY-----\n");
    let read = ["p.toml", "data.csv", "p.evenstep", "p.quarantine.jsonl", "id_ed25519"]
        .map(|name| (name, std::fs::read(project.path(name)).expect("it is there")));
    let score = ["score", "p.evenstep", "--input", "data.csv"];
    for args in [
        &[&score[..], &["--output", "data.csv"]].concat()[..],
        &[&score[..], &["--output", "./p.evenstep"]].concat(),
        &[&score[..], &["--output", "s.csv", "--trace", "s.csv"]].concat(),
        &["report", "p.evenstep", "--output", "p.evenstep"],
        &["split", "p.toml", "--output", "data.csv"],
        &["split", "p.toml", "--set", "data.source=*.csv", "--output", "data.csv"],
        &["train", "p.toml", "--set", "data.source=*.jsonl"],
        &["train", "p.toml", "--output", "p.toml"],
        &["train", "p.toml", "--output", "data.csv"],
        &["diff", "p.toml", "p.evenstep", "--html", "p.toml"],
        &["diff", ".", "p.evenstep", "--html", "p.trace"],
        &["init", "data.csv", "--target", "y", "--output", "data.csv", "--force"],
        &["init", "data.csv", "--target", "y", "--output", "p.lock", "--force"],
        &["contract", "p.evenstep", "--output", "p.evenstep"],
        &["contract", "p.toml", "--output", "data.csv"],
        &["serve", "p.evenstep", "--listen", "127.0.0.1:0", "--trace", "p.evenstep"],
        &["image", "p.evenstep", "--output", "id_ed25519"],
    ] {
        let said = project.run(args);
        let told =
            ["can't be written: it is", "is no name for", "is no archive"].iter().any(|words| said.err.contains(words));
        assert!(said.code == 2 && told, "{args:?}: {}", said.err);
        for (name, bytes) in &read {
            assert!(std::fs::read(project.path(name)).expect("it is there") == *bytes, "{args:?} changed {name}");
        }
    }
}

/// `/dev/full` takes nothing.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_is_lost_on_its_way_out_is_an_error() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let into = |to: Stdio, args: &[&str]| {
        let output = project.command(args).stdout(to).output().expect("the program starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let score: &[&str] = &["score", "p.evenstep", "--input", "data.csv", "--quiet"];
    for args in [score, &["inspect", "p.evenstep"], &["check", "p.toml", "--json"], &["schema"], &["sbom"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
        let (code, said) = into(full.into(), args);
        assert_eq!(code, Some(2), "{args:?}: {said}");
        assert!(said.contains("stdout can't be written") && said.contains("No space left"), "{args:?}: {said}");
        // A reader that went away has what it wanted.
        let (gone, pipe) = std::io::pipe().expect("a pipe");
        drop(gone);
        assert_eq!(into(pipe.into(), args).0, Some(0), "{args:?}");
    }
}

#[test]
fn outputs_are_called_like_the_pipeline_and_out_leaves_the_committed_lock_alone() {
    let project = project();
    project.write("q.toml", SPEC.replace("name = \"p\"", "name = \"houses v1.2\""));
    project.run(&["train", "q.toml", "--quiet"]).ok();
    let lock = project.read("q.lock");
    std::fs::create_dir(project.path("trials")).expect("the folder is ours");
    for (out, stem) in
        [("trial.evenstep", "trial"), ("trials", "trials/houses v1.2"), ("trials/", "trials/houses v1.2")]
    {
        project.run(&["train", "q.toml", "--quiet", "--set", "pipeline.seed=2", "--output", out]).ok();
        for extension in ["evenstep", "html", "lock"] {
            let path = project.path(&format!("{stem}.{extension}"));
            assert!(std::fs::remove_file(&path).is_ok(), "--output {out} writes {}", path.display());
        }
    }
    for written in ["houses v1.2.evenstep", "houses v1.2.html"] {
        assert!(project.path(written).exists(), "{written}");
    }
    assert_eq!(project.read("q.lock"), lock);
    let said = project.run(&["train", "q.toml", "--quiet", "--output", "trial.lock"]);
    assert_eq!(said.code, 2, "{}", said.err);
}

#[test]
fn a_folder_that_is_not_there_is_told_before_anything_is_done() {
    let project = project();
    for out in ["absent/", "absent/p.evenstep"] {
        refused_by(
            &project,
            &["train", "p.toml", "--set", "data.source=absent.csv", "--output", out],
            &["there is no folder `absent`"],
        );
    }
}

#[test]
fn what_is_named_in_place_of_something_else_is_told() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    for (args, words) in [
        (&["inspect", "p.toml"][..], ["is a spec", "`evenstep train p.toml`"]),
        (&["check", "p.evenstep"], ["is a bundle", "`evenstep inspect p.evenstep`"]),
        (&["score", "p.evenstep", "--input", "/dev/null"], ["a pipe or a device", "write them to a file"]),
        (&["verify", "p.evenstep", "--shuffle"], ["the data aren't named", "`--data FILE`"]),
        (&["verify", "p.evenstep", "--set", "model.l2=1"], ["goes with a spec", "as it was trained"]),
        (&["image", "p.evenstep"], ["`--output image.tar`", "`--push"]),
        (&["image", "p.evenstep", "--output", "p.evenstep"], ["it is read", "another file"]),
        (&["image", "p.evenstep", "--output", "data.csv"], ["is no name for an image", "`.tar`"]),
        (&["image", "p.evenstep", "--output", "ana.key"], ["is no name for an image", "`.tar`"]),
        (&["image", "p.evenstep", "--output", "p.evenstep.dsse.json"], ["is no name for an image", "`.tar`"]),
        (&["report", "p.evenstep", "--output", "p.toml"], ["is no name for a page", "`.html`"]),
        (&["score", "p.evenstep", "--input", "data.csv", "--trace", "p.toml"], ["is no name for a trace", "`.trace`"]),
        (
            &["score", "p.evenstep", "--input", "data.csv", "--output", "s.csv", "--trace", "s.csv.quarantine.jsonl"],
            ["is written already", "another file"],
        ),
        (&["serve", "p.evenstep", "--trace", "data.csv"], ["is no name for a trace", "`.trace`"]),
        (&["serve"], ["nothing to serve", "`--config FILE`"]),
        (&["serve", "p.evenstep", "--listen", "8080"], ["HOST:PORT", "localhost:8080"]),
    ] {
        let said = project.run(args);
        assert_eq!(said.code, 2, "{args:?}: {}", said.err);
        for word in words {
            assert!(said.err.contains(word), "{args:?}: no `{word}` in {}", said.err);
        }
    }
}

#[test]
fn a_contract_that_goes_into_a_file_is_told_to_machines() {
    let project = project();
    let told = project.run(&["contract", "p.toml", "--output", "c.json", "--json"]).ok().json();
    assert_eq!(told, serde_json::json!({ "contract": "c.json" }));
    assert!(project.read("c.json").starts_with('{'));
}

#[cfg(unix)]
#[test]
fn data_behind_a_link_keep_the_name_they_were_given() {
    let project = Project::new();
    std::fs::create_dir(project.path("cache")).expect("the folder is ours");
    let rows: String = (0..60).map(|n| format!("{n},{},{}\n", n % 7, n * 3 % 11)).collect();
    project.write("cache/abcdef", format!("id,x,y\n{rows}"));
    std::os::unix::fs::symlink("cache/abcdef", project.path("data.csv")).expect("the folder is ours");
    project.run(&["init", "data.csv", "--target", "y", "--quiet"]).ok();
    assert!(project.read("pipeline.toml").contains("source = \"data.csv\""), "{}", project.read("pipeline.toml"));
    project.run(&["train", "--quiet"]).ok();
}

#[test]
fn what_would_be_refused_after_a_training_is_known_before_it() {
    let project = Project::example("titanic");
    project.run(&["train", "--quiet"]).ok();
    let lock = project.read("pipeline.lock");
    let check = |args: &[&str], code: i32, told: &str| {
        let said = project.run(&[&["train", "--set", "pipeline.seed=9"], args].concat());
        assert!(said.code == code && said.err.contains(told), "{args:?}: {} {}", said.code, said.err);
        assert!(!said.err.contains("evaluate"), "{args:?} trains: {}", said.err);
        assert_eq!(project.read("pipeline.lock"), lock);
    };
    check(&["--contract", "no.json"], 2, "`no.json`");
    std::fs::remove_file(project.path("pipeline.lock")).expect("it was written");
    let said = project.run(&["train", "--frozen"]);
    assert!(said.code == 1 && said.err.contains("train once without `--frozen`"), "{}", said.err);
    assert!(!said.err.contains("evaluate"), "{}", said.err);
}

#[cfg(unix)]
#[test]
fn a_training_that_is_killed_leaves_the_old_files() {
    let project = Project::example("houses");
    project.run(&["train", "pipeline.toml", "--quiet"]).ok();
    let files =
        || ["houses.evenstep", "pipeline.lock", "houses.html"].map(|name| std::fs::read(project.path(name)).ok());
    let old = files();
    for milliseconds in [5, 40, 150, 400] {
        let mut child = project
            .command(&["train", "pipeline.toml", "--quiet", "--set", "pipeline.seed=5"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        // A slow host is killed before it writes, a fast one may be done: old or new, and whole.
        let finished = child.try_wait().expect("it runs").is_some();
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        if finished {
            project.run(&["verify", "houses.evenstep", "--quiet"]).ok();
            return;
        }
        let now = files();
        let whole = now.iter().zip(&old).all(|(now, old)| now == old);
        assert!(whole || project.run(&["verify", "houses.evenstep", "--quiet"]).code == 0);
    }
}

#[test]
fn an_error_that_nobody_reads_is_no_panic() {
    let project = Project::new();
    let mut child = project.command(&["check", "missing.toml"]).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(2));
}

#[test]
fn a_glob_that_the_shell_took_apart_is_told() {
    let project = Project::new();
    project.write("a.csv", "x,y\n1,2\n");
    project.write("b.csv", "x,y\n1,2\n");
    let said = project.run(&["init", "a.csv", "b.csv", "--target", "y"]);
    assert_eq!(said.code, 2, "{}", said.out);
    assert!(said.err.contains("unexpected argument 'b.csv'") && said.err.contains("in quotes"), "{}", said.err);
    assert!(!project.run(&["init", "a.csv", "c.csv", "--target", "y"]).err.contains("in quotes"));
}

#[test]
fn what_is_set_aside_is_named_by_the_whole_name_of_the_scores() {
    let project = project();
    let spec = replaced(SPEC, "[[step]]", "[contract]\nx = { type = \"number\", invalid = \"quarantine\" }\n[[step]]");
    project.write("p.toml", replaced(&spec, "target = \"y\"", "target = \"y\"\nid = \"id\""));
    let rows = (0..60).fold(String::new(), |text, n| format!("{text}{n},{},{},{}\n", n % 13, n * 7 % 17, n * 3 % 29));
    project.write("data.csv", format!("id,x,z,y\n{rows}"));
    project.run(&["train", "p.toml", "--quiet"]).ok();
    project.write("bad.csv", "x,z\none,2\n");
    let score =
        |input: &str| project.run(&["score", "p.evenstep", "--input", input, "--output", "p.csv", "--json"]).ok();
    let said = score("bad.csv");
    assert_eq!(said.json()["quarantine"], "p.csv.quarantine.jsonl");
    assert!(said.err.contains("the input has no `id`: rows are numbered"), "{}", said.err);
    assert!(project.read("p.csv.quarantine.jsonl").contains("invalid"));
    project.write("ids.csv", "id,x,z\n1,1,2\n,1,2\n,1,2\n");
    assert_eq!(score("ids.csv").json()["without_id"], 2);
    let said = project.run(&["score", "p.evenstep", "--input", "ids.csv", "--output", "p.csv"]).ok();
    assert!(said.err.contains("2 rows without an id"), "{}", said.err);
    project.write("data.csv", format!("id,x,z,y\n{rows}60,one,2,3\n"));
    project.run(&["train", "p.toml", "--quiet"]).ok();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| project.path(name).metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!(["p.csv.quarantine.jsonl", "p.quarantine.jsonl"].map(mode), [0o600; 2], "it holds values");
        std::fs::set_permissions(project.path("p.csv.quarantine.jsonl"), PermissionsExt::from_mode(0o640))
            .expect("set");
        score("bad.csv");
        assert_eq!(mode("p.csv.quarantine.jsonl"), 0o640, "its owner has said so");
    }
    project.write("data.csv", format!("id,x,z,y\n{rows}"));
    let said = score("data.csv");
    assert_eq!((&said.json()["quarantine"], said.err.contains("the input has no")), (&Value::Null, false));
    assert_eq!(project.read("p.csv.quarantine.jsonl"), "", "what was said of other rows is gone");
}

#[test]
fn a_file_that_cant_be_used_is_named_for_machines_and_told_for_what_it_is() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    project.write("no.toml", "no policy");
    project.write("no.evenstep", "no bundle");
    project.write("no.html", "<p>");
    let told = |args: &[&str], file: &str, words: &str| {
        let said = project.run(&[args, &["--json"]].concat());
        let error = &said.json()["error"];
        assert!(said.code == 2 && error["file"] == file, "{args:?}: {error}");
        assert!(error["message"].as_str().is_some_and(|said| said.contains(words)), "{args:?}: {error}");
    };
    told(&["verify", "p.evenstep", "--policy", "no.toml"], "no.toml", "doesn't parse");
    told(&["inspect", "no.evenstep"], "no.evenstep", "doesn't begin like a bundle");
    told(&["inspect", "p.trace"], "p.trace", "is a trace, and a bundle is wanted");
    project.write("rows.csv", "x,y\n1,2\n");
    told(&["inspect", "rows.csv"], "rows.csv", "is a data file, and a bundle is wanted");
    told(&["inspect", "."], ".", "is a folder, and a bundle is wanted");
    let said = project.run(&["train", "."]);
    assert!(said.err.contains("`.` is a folder, and a spec is wanted"), "{}", said.err);
    project.write("p.lock", "no lock");
    told(&["verify", "p.toml"], "p.lock", "`p.lock`: the lock doesn't parse");
    let said = project.run(&["verify", "no.html"]);
    assert!(said.err.contains("is a page, and a spec or a bundle is wanted"), "{}", said.err);
    project.write("p.evenstep.dsse.json", "{}");
    let said = project.run(&["verify", "p.evenstep.dsse.json"]);
    assert!(said.err.contains("is a file of JSON, and a spec or a bundle"), "{}", said.err);
    let said = project.run(&["verify", "."]);
    assert!(said.err.contains("`.` is a folder, and a spec or a bundle is wanted"), "{}", said.err);
    let said = project.run(&["check", "p.toml", "--set", "pipeline.seed=18446744073709551615"]);
    assert!(said.err.contains("beyond the integers of TOML"), "{}", said.err);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", project.path("link.csv")).expect("made");
        for args in [&["--input", "link.csv"][..], &["--input", "data.csv", "--output", "link.csv"]] {
            let said = project.run(&[&["score", "p.evenstep"], args].concat());
            assert!(said.code == 2 && said.err.contains("a link to a file that isn't there"), "{}", said.err);
        }
        std::os::unix::fs::symlink("loop.csv", project.path("loop.csv")).expect("made");
        let said = project.run(&["score", "p.evenstep", "--input", "loop.csv"]);
        assert!(said.code == 2 && said.err.contains("a link that can't be followed"), "{}", said.err);
    }
}

#[test]
fn a_lock_is_no_spec_and_has_no_members() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let check = |args: &[&str], words: &str| {
        let said = project.run(args);
        assert!(said.code == 2 && said.err.contains(words), "{args:?}: {}", said.err);
    };
    check(&["train", "p.lock"], "`p.lock` is a lock, and a spec is wanted");
    check(&["train", "p.lock"], "such as `p.toml`");
    check(&["inspect", "p.lock", "--members"], "a lock has no members, no model and no model card");
    check(&["inspect", "p.lock", "--card"], "a lock has no members, no model and no model card");
}

#[test]
fn a_spec_or_a_bundle_is_compared_whatever_it_is_called() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    std::fs::copy(project.path("p.evenstep"), project.path("p.bundle")).expect("copied");
    project.run(&["diff", "p.evenstep", "p.bundle"]).ok();
    for name in ["experiment", "p.txt", "p.conf"] {
        project.write(name, SPEC);
        project.run(&["train", name, "--quiet"]).ok();
        project.run(&["diff", "p.toml", name]).ok();
    }
    let said = project.run(&["diff", "p.toml", "data.csv"]);
    assert!(
        said.code == 2 && said.err.contains("is a data file, and a spec or a lock or a bundle or a trace is wanted"),
        "{}",
        said.err
    );
}

#[test]
fn what_goes_to_files_alone_goes_to_no_dash() {
    let project = project();
    for args in [
        &["init", "data.csv", "--target", "y", "--output", "-"][..],
        &["train", "p.toml", "--output", "-"],
        &["train", "p.toml", "--out", "-"],
        &["key", "new", "-o", "-"],
    ] {
        refused_by(&project, args, &["this goes to a file, and not to stdout", "`./-`"]);
        assert!(!project.path("-").exists() && !project.path("-.evenstep").exists(), "{args:?}");
    }
}

#[test]
fn an_input_without_a_name_is_told() {
    let project = project();
    let empty = ["name of the file is empty", "`data/*.csv`"];
    refused_by(&project, &["init", "", "--target", "y"], &empty);
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let said = project.run(&["score", "p.evenstep", "--input", ""]);
    assert!(said.code == 2 && empty.iter().all(|words| said.err.contains(words)), "{}", said.err);
}
