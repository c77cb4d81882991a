//! What the engine says of its own build. Nothing of it differs between two folders, and none of it is needed: a
//! tarball without git builds as well.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    told("RUSTC", &said(&variable("RUSTC"), &["--version"]).unwrap_or_default());
    told("TARGET", &variable("TARGET"));
    told("PROFILE", &variable("PROFILE"));
    let features = std::env::vars().filter_map(|(name, _)| Some(name.strip_prefix("CARGO_FEATURE_")?.to_lowercase()));
    let mut features: Vec<String> = features.filter(|feature| feature != "default").collect();
    features.sort_unstable();
    told("FEATURES", &features.join(" "));
    // A debug build is nobody's release: to ask git would compile it anew after each commit.
    let commit = if variable("PROFILE") == "release" { commit() } else { None };
    let (commit, dirty) = commit.unwrap_or_default();
    told("COMMIT", &commit);
    told("DIRTY", &dirty);
    keep_lock();
}

/// Copies the lock file of what is compiled to where the code includes it; an empty one, if there is none. In a
/// published crate it lies beside the manifest, in the repository above it.
fn keep_lock() {
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let lock = Path::new(&folder).ancestors().map(|folder| folder.join("Cargo.lock")).find(|path| path.is_file());
    let text = lock.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    if let Some(path) = lock {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    std::fs::write(Path::new(&out).join("Cargo.lock"), text).expect("cargo gives a folder to write to");
}

fn told(name: &str, value: &str) {
    println!("cargo::rustc-env=EVENSTEP_BUILD_{name}={value}");
}

/// The commit of what is compiled, and whether files differ from it.
fn commit() -> Option<(String, String)> {
    let published = Path::new(".cargo_vcs_info.json");
    if let Ok(text) = std::fs::read_to_string(published) {
        let (_, rest) = text.split_once("\"sha1\": \"")?;
        return Some((rest.split('"').next()?.to_owned(), text.contains("\"dirty\": true").to_string()));
    }
    let commit = said("git", &["rev-parse", "HEAD"])?;
    let root = said("git", &["rev-parse", "--show-toplevel"])?;
    let compiled = ["crates", "Cargo.toml", "Cargo.lock"].map(|name| format!("{root}/{name}"));
    for path in &compiled {
        println!("cargo::rerun-if-changed={path}");
    }
    if let Some(log) = said("git", &["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
    let mut status = vec!["status", "--porcelain", "--untracked-files=no", "--"];
    status.extend(compiled.iter().map(String::as_str));
    let changes = said("git", &status)?;
    Some((commit, (!changes.is_empty()).to_string()))
}

/// What a program says, if it is there and content.
fn said(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
