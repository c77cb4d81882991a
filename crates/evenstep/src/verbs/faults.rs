//! Every operation on files fails once, in turn: what is on disk afterwards is old or new, whole.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evenstep_files::{Disk, Fault, Faulty, Lasting};

use super::Answer;
use crate::Host;
use crate::cli::{Score, SpecArgs, Train};

const FAULTS: [(Fault, Lasting); 7] = [
    (Fault::DiskFull, Lasting::Once),
    (Fault::DiskFull, Lasting::Forever),
    (Fault::Io, Lasting::Once),
    (Fault::Io, Lasting::Forever),
    (Fault::Interrupted, Lasting::Once),
    (Fault::ShortWrite, Lasting::Once),
    (Fault::ShortWrite, Lasting::Forever),
];

fn project(folder: &Path) -> PathBuf {
    let mut data = String::from("id,x,y\n");
    for n in 0..60 {
        writeln!(data, "{n},{},{}", n % 7, n * 3 % 11).expect("a string takes what is written");
    }
    std::fs::write(folder.join("data.csv"), data).expect("the folder is ours");
    let spec = folder.join("p.toml");
    let text = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\nid = \"id\"\ntarget = \"y\"\n[model]\nuse = \"ridge\"\n";
    std::fs::write(&spec, text).expect("the folder is ours");
    spec
}

fn train(spec: &Path, overrides: &[&str], host: &Host) -> Answer {
    let overrides = overrides.iter().map(|one| one.parse().expect("a key and a value")).collect();
    let spec = SpecArgs { spec: spec.to_owned(), overrides, threads: 1 };
    super::train::train(&Train { spec, output: None, frozen: false, contract: None, no_trace: false }, host)
}

fn host(files: Arc<dyn evenstep_files::Files>) -> Host {
    Host { json: true, quiet: true, files }
}

/// The bytes of the files; facts, which time stamps, are left out of locks.
fn state(paths: &[PathBuf]) -> Vec<Option<Vec<u8>>> {
    let read = |path: &PathBuf| {
        let bytes = std::fs::read(path).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let without_facts = text.split("[facts]").next().map(|text| text.as_bytes().to_vec());
        if path.extension().is_some_and(|extension| extension == "lock") { without_facts } else { Some(bytes) }
    };
    paths.iter().map(read).collect()
}

/// Runs `verb` with its n-th operation failing, for every n and every fault, from the same old state.
fn sweep(folder: &Path, paths: &[PathBuf], reset: impl Fn(), verb: impl Fn(&Host) -> Answer) {
    reset();
    let old = state(paths);
    verb(&host(Arc::new(Disk))).expect("without a fault it works");
    let new = state(paths);
    assert_ne!(old, new, "the verb changes something");
    let mut failures = 0;
    for (fault, lasting) in FAULTS {
        for n in 0.. {
            reset();
            let files = Faulty::new(Disk, n, fault, lasting);
            let answer = verb(&host(Arc::new(files.clone())));
            let failed = files.failed();
            let after = state(paths);
            for ((path, after), (old, new)) in paths.iter().zip(&after).zip(old.iter().zip(&new)) {
                assert!(
                    after == old || after == new,
                    "{} is a third state, {fault:?} {lasting:?} at {n}",
                    path.display()
                );
            }
            if lasting == Lasting::Once {
                assert!(after == old || after == new, "of one training all or none, {fault:?} at {n}: {failed:?}");
            }
            if failed.is_empty() {
                assert_eq!(after, new);
                break;
            }
            failures += 1;
            if answer.is_ok() {
                assert_eq!(after, new, "it says that it worked, {fault:?} {lasting:?} at {n}");
            }
        }
    }
    assert!(failures > 3 * FAULTS.len(), "only {failures} operations failed");
    reset();
    verb(&host(Arc::new(Disk))).expect("it works again");
    let left: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is ours")
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| name.contains(".tmp"))
        .collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

#[test]
fn train_leaves_old_files_or_new_ones_whichever_operation_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = project(folder.path());
    let paths = ["evenstep", "lock", "html", "trace"].map(|extension| spec.with_extension(extension)).to_vec();
    train(&spec, &["pipeline.seed=2"], &host(Arc::new(Disk))).expect("the first training works");
    let saved: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).expect("it was written")).collect();
    let reset =
        || paths.iter().zip(&saved).for_each(|(path, bytes)| std::fs::write(path, bytes).expect("the folder is ours"));
    sweep(folder.path(), &paths, reset, |host| train(&spec, &[], host));
}

#[test]
fn a_first_training_leaves_a_whole_salt_that_nobody_commits_or_none_whichever_operation_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spec, home) = (project(folder.path()), folder.path().join(".evenstep"));
    for (fault, lasting) in FAULTS {
        for n in 0.. {
            if home.exists() {
                std::fs::remove_dir_all(&home).expect("the folder is ours");
            }
            let files = Faulty::new(Disk, n, fault, lasting);
            let answer = train(&spec, &[], &host(Arc::new(files.clone())));
            let read = |name: &str| std::fs::read(home.join(name)).ok();
            if let Some(salt) = read("salt") {
                assert_eq!(
                    (salt.len(), read(".gitignore").as_deref()),
                    (32, Some(&b"*\n"[..])),
                    "{fault:?} {lasting:?} at {n}"
                );
            }
            assert!(answer.is_err() || read("salt").is_some(), "{fault:?} {lasting:?} at {n}");
            if files.failed().is_empty() {
                break;
            }
        }
    }
}

#[test]
fn score_leaves_the_old_table_and_trace_or_the_new_ones_whichever_operation_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = project(folder.path());
    train(&spec, &[], &host(Arc::new(Disk))).expect("the training works");
    let paths = ["scores.csv", "scores.trace"].map(|name| folder.path().join(name));
    let reset =
        || paths.iter().for_each(|path| std::fs::write(path, "what was there before").expect("the folder is ours"));
    let args = Score {
        bundle: spec.with_extension("evenstep"),
        input: folder.path().join("data.csv").display().to_string(),
        output: Some(paths[0].clone()),
        trace: Some(paths[1].clone()),
        threads: 1,
    };
    sweep(folder.path(), &paths, reset, |host| super::score::score(&args, host));
}
