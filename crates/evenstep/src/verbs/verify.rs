//! `verify`: trains again and compares, or proves that a bundle is whole.

use std::path::Path;
use std::process::ExitCode;

use evenstep_pipeline::lock::{Check, Lock};
use evenstep_pipeline::verify::{Order, Verified, verify as verify_spec};
use evenstep_pipeline::{PipelineError, Predictor, Spec};
use evenstep_table::counted;

use super::train::Outputs;
use super::{Answer, open_bundle, read_bundle, unreadable};
use crate::cli::Verify;
use crate::{Host, facts, output};

pub(crate) fn verify(args: &Verify, host: &Host) -> Answer {
    if args.subject.extension().is_some_and(|extension| extension == "evenstep") {
        return verify_bundle(&args.subject, host);
    }
    let spec = Spec::read(&args.subject, &args.overrides)?;
    let outputs = Outputs::beside(&args.subject, &spec);
    let text = std::fs::read_to_string(&outputs.lock).map_err(|error| {
        let said = unreadable(&outputs.lock, &error).help("`evenstep train` writes the lock".to_owned());
        if args.frozen { PipelineError::no(said.message.clone()).help(said.help) } else { said }
    })?;
    let lock = Lock::parse(&text)?;
    if args.frozen {
        refuse_uncommitted(&outputs.lock, &lock)?;
    }
    let order = if args.shuffle { Order::Shuffled } else { Order::AsRead };
    let (mut verified, threads) =
        host.run(args.threads, |run| verify_spec(&spec, &lock, order, run).map(|(v, _)| (v, run.workers.count())))?;
    if outputs.bundle.exists() {
        verified.checks.push(bundle_check(&outputs.bundle, &lock));
        verified.equal &= verified.checks.last().is_none_or(|check| check.equal);
    }
    let rows = if args.shuffle { "rows in another order" } else { "rows as they are read" };
    let how = format!("trained again in {:.2} s on {}, {rows}", verified.seconds, counted(threads, "thread"));
    Ok(tell(&verified, &how, host))
}

/// Under version control, the lock must be the one that is committed; its facts may be of a later run.
fn refuse_uncommitted(path: &Path, lock: &Lock) -> Result<(), PipelineError> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if facts::git(folder, &["rev-parse", "--is-inside-work-tree"]).is_none() {
        return Ok(());
    }
    let found = match facts::git(folder, &["show", &format!("HEAD:./{name}")]) {
        Some(committed) if Lock::parse(&committed).is_ok_and(|committed| committed == *lock) => return Ok(()),
        Some(_) => "is not as it was committed",
        None => "is not committed",
    };
    let message = format!("`{}` {found}, and `--frozen` takes no other lock", path.display());
    Err(PipelineError::no(message).help("commit it, or leave out `--frozen`".to_owned()))
}

/// Whether the bundle beside the spec is the one that the lock vouches for.
fn bundle_check(path: &Path, lock: &Lock) -> Check {
    let (equal, detail) = match open_bundle(path) {
        Ok(opened) if opened.artifact.digest() == lock.digest => (true, lock.digest.clone()),
        Ok(opened) => (false, format!("locked {}, in the bundle {}", lock.digest, opened.artifact.digest())),
        Err(error) => (false, error.message),
    };
    Check { name: "bundle".to_owned(), equal, detail }
}

fn verify_bundle(path: &Path, host: &Host) -> Answer {
    let bytes = read_bundle(path)?;
    let opened = match evenstep_bundle::open(&bytes) {
        Ok(opened) => opened,
        Err(error) => {
            let check = Check { name: "bundle".to_owned(), equal: false, detail: error.to_string() };
            let verified = Verified { equal: false, checks: vec![check], seconds: 0.0 };
            return Ok(tell(&verified, "this is no bundle as it was written", host));
        }
    };
    let whole = format!("{} as the manifest says", counted(opened.manifest.len(), "member"));
    let replayed = Predictor::load(&opened.artifact);
    let golden = match &replayed {
        Ok(_) => format!("{} rows give their bits on this host", opened.artifact.golden.len()),
        Err(error) => error.message.clone(),
    };
    let checks = vec![
        Check { name: "manifest".to_owned(), equal: true, detail: whole },
        Check { name: "identity".to_owned(), equal: true, detail: opened.artifact.digest() },
        Check { name: "golden rows".to_owned(), equal: replayed.is_ok(), detail: golden },
    ];
    let verified = Verified { equal: replayed.is_ok(), checks, seconds: 0.0 };
    Ok(tell(&verified, "not trained again: give the spec for that", host))
}

fn tell(verified: &Verified, how: &str, host: &Host) -> ExitCode {
    if host.json {
        output::json(verified);
    } else {
        for check in &verified.checks {
            let mark = if check.equal { "same   " } else { "DIFFERS" };
            output::line(&format!("  {mark}  {:24} {}", check.name, check.detail));
        }
        let verdict = if verified.equal { "equal" } else { "not equal" };
        output::line(&format!("\n  {verdict}: {how}"));
    }
    ExitCode::from(u8::from(!verified.equal))
}
