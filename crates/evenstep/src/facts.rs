//! What varies from run to run: told in the lock's `[facts]`, and in no digest.

use std::path::Path;
use std::process::Command;

use evenstep_pipeline::lock::Facts;
use evenstep_pipeline::train::Seconds;
use serde_json::json;

use crate::environment;

/// The facts of this run.
pub(crate) fn gather(folder: &Path, source: &str, threads: usize, seconds: &Seconds) -> Facts {
    let mut facts = Facts::default();
    let mut fact = |name: &str, value: serde_json::Value| facts.0.insert(name.to_owned(), value);
    for (name, value) in environment::here() {
        fact(&name, value);
    }
    fact("source", json!(source));
    fact("threads", json!(threads));
    fact("seconds", json!((seconds.total * 1e3).round() / 1e3));
    fact("finished", json!(now()));
    if let Some(commit) = git(folder, &["rev-parse", "HEAD"]) {
        fact("commit", json!(commit));
        fact("dirty", json!(changes(folder).is_none_or(|changes| !changes.is_empty())));
    }
    facts
}

/// What differs from the commit; nothing if git fails. Filters would be run, so there are none: a file that one changes, and that
/// was touched, counts as changed.
fn changes(folder: &Path) -> Option<String> {
    let filters = git(folder, &["config", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|required)$"]);
    let none: Vec<String> = filters.iter().flat_map(|names| names.lines()).map(|name| format!("{name}=")).collect();
    // Such a name would be taken for another.
    if none.iter().any(|none| none.matches('=').count() > 1) {
        return None;
    }
    let without = none.iter().flat_map(|none| ["-c", none]);
    git(folder, &without.chain(["status", "--porcelain", "--ignore-submodules=dirty"]).collect::<Vec<_>>())
}

#[expect(clippy::disallowed_methods, reason = "a fact about the run, outside of every digest")]
fn now() -> String {
    let now = std::time::SystemTime::now();
    jiff::Timestamp::try_from(now).map_or(String::new(), |now| now.round(jiff::Unit::Second).unwrap_or(now).to_string())
}

/// What git says of the folder; nothing if it fails. A repository that came with the folder names programs in its configuration:
/// none of them is run, and no object is fetched.
pub(crate) fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let nothing_runs = ["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];
    let mut git = Command::new("git");
    git.env("GIT_ALLOW_PROTOCOL", "").arg("-C").arg(folder).args(nothing_runs);
    let output = git.args(args).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The most memory that this process has held, where the host tells.
pub(crate) fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes * 1024)
}
