//! `verify`: trains again and compares, or proves of a bundle what can be proved of it.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use evenstep_bundle::Opened;
use evenstep_pipeline::artifact::Epochs;
use evenstep_pipeline::lock::{Check, Facts, Lock};
use evenstep_pipeline::verify::{Order, Verified, verify as verify_spec, verify_artifact};
use evenstep_pipeline::{PipelineError, Spec, lock};
use evenstep_source::Source;
use evenstep_table::counted;
use serde::Serialize;

use super::train::Outputs;
use super::{Answer, open_bundle, read_bundle, unreadable};
use crate::cli::Verify;
use crate::environment::{Difference, differences};
use crate::{Host, attestation, facts, output};

/// What was found, what that proves, and what it cost.
#[derive(Default, Serialize)]
struct Found {
    equal: bool,
    checks: Vec<Check>,
    /// How long it took to train again.
    seconds: f64,
    /// What is proved, if everything is equal.
    proved: Vec<String>,
    /// What isn't, and what would prove it.
    not_proved: Vec<String>,
    /// How engine and host differ from those that trained.
    environment: Vec<Difference>,
    cost: Cost,
}

#[derive(Default, Serialize)]
struct Cost {
    seconds: f64,
    bytes_read: u64,
}

impl Found {
    fn check(&mut self, name: &str, result: Result<String, String>) -> bool {
        let equal = result.is_ok();
        let (Ok(detail) | Err(detail)) = result;
        self.checks.push(Check { name: name.to_owned(), equal, detail });
        equal
    }

    fn prove(&mut self, what: &str) {
        self.proved.push(what.to_owned());
    }

    fn leave_open(&mut self, what: &str) {
        self.not_proved.push(what.to_owned());
    }

    fn add(&mut self, verified: Verified) {
        self.checks.extend(verified.checks);
        self.seconds = verified.seconds;
    }
}

pub(crate) fn verify(args: &Verify, host: &Host) -> Answer {
    let started = Instant::now();
    let (mut found, how) = if args.subject.extension().is_some_and(|extension| extension == "evenstep") {
        of_bundle(args, host)?
    } else {
        of_spec(args, host)?
    };
    found.equal = found.checks.iter().all(|check| check.equal);
    found.cost.seconds = (started.elapsed().as_secs_f64() * 1e3).round() / 1e3;
    if !found.equal {
        found.proved.clear();
    }
    tell(&found, &how, host);
    Ok(ExitCode::from(u8::from(!found.equal)))
}

/// Trains again from the data that the spec names.
fn of_spec(args: &Verify, host: &Host) -> Result<(Found, String), PipelineError> {
    if args.data.is_some() {
        return Err(PipelineError::input("`--data` goes with a bundle, and this is a spec")
            .help("a spec names its data: `--set data.source=FILE` names others".to_owned()));
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
    let mut found = Found { environment: differences(&lock::facts(&text).0, Epochs::NOW), ..Found::default() };
    found.cost.bytes_read = Source::open(&spec.data.source, spec.folder())?.bytes();
    let (verified, threads) = host.run(args.threads, |run| {
        verify_spec(&spec, &lock, order(args), run).map(|(verified, _)| (verified, run.workers.count()))
    })?;
    found.add(verified);
    found.prove("training again by this spec, on this data, gives what is locked");
    if outputs.bundle.exists() {
        found.checks.push(bundle_check(&outputs.bundle, &lock));
        found.prove("the bundle beside the spec is what is locked");
        found.cost.bytes_read += size(&outputs.bundle);
        signatures(&mut found, args, &outputs.bundle)?;
    } else if args.policy.is_some() {
        found.check("signatures", Err(format!("there is no bundle `{}`", outputs.bundle.display())));
    }
    let how = trained(&found, threads, args);
    Ok((found, how))
}

fn order(args: &Verify) -> Order {
    if args.shuffle { Order::Shuffled } else { Order::AsRead }
}

fn trained(found: &Found, threads: usize, args: &Verify) -> String {
    let rows = if args.shuffle { "rows in another order" } else { "rows as they are read" };
    format!("trained again in {:.2} s on {}, {rows}", found.seconds, counted(threads, "thread"))
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
        Ok(opened) if opened.digest == lock.digest => (true, lock.digest.clone()),
        Ok(opened) => (false, format!("locked {}, in the bundle {}", lock.digest, opened.digest)),
        Err(error) => (false, error.message),
    };
    Check { name: "bundle".to_owned(), equal, detail }
}

/// Proves of a bundle alone what can be proved, and trains it again if there are data.
fn of_bundle(args: &Verify, host: &Host) -> Result<(Found, String), PipelineError> {
    let path = args.subject.as_path();
    let bytes = read_bundle(path)?;
    let mut found = Found::default();
    found.cost.bytes_read = bytes.len() as u64;
    let opened = match evenstep_bundle::open(&bytes) {
        Ok(opened) => opened,
        Err(error) => {
            found.check("bundle", Err(error.to_string()));
            return Ok((found, "this is no bundle as it was written".to_owned()));
        }
    };
    let facts = parts(&mut found, path, &opened);
    let artifact = &opened.artifact;
    let mut how = "not trained again: give `--data FILE` for that".to_owned();
    match &args.data {
        None => found.leave_open("that training gives this artifact: `--data FILE` trains it again"),
        Some(data) => {
            found.cost.bytes_read += Source::open(data, Path::new("."))?.bytes();
            let verify = |run: &evenstep_pipeline::Run<'_>| {
                verify_artifact(artifact, data, order(args), run).map(|verified| (verified, run.workers.count()))
            };
            let (verified, threads) = host.run(args.threads, verify)?;
            let is_other = verified.checks.len() == 1;
            found.add(verified);
            how = if is_other {
                "not trained again: these are other data".to_owned()
            } else {
                trained(&found, threads, args)
            };
            found.prove("training again on this data gives this artifact");
        }
    }
    signatures(&mut found, args, path)?;
    found.environment = differences(&facts.unwrap_or_default().0, artifact.epochs);
    Ok((found, how))
}

/// Each part of a bundle: that it is there as it was written, and says what the others do.
fn parts(found: &mut Found, path: &Path, opened: &Opened) -> Option<Facts> {
    let artifact = &opened.artifact;
    found.check("manifest", Ok(format!("{} as the manifest says", counted(opened.manifest.len(), "member"))));
    found.check("identity", Ok(opened.digest.clone()));
    for (part, result) in evenstep_bundle::consistency(opened) {
        found.check(part, result);
    }
    found.prove("the bundle is whole, and its parts belong together");
    let replayed = opened.predictor();
    let rows = format!("{} rows give their bits on this host", artifact.golden.len());
    found.check("golden rows", replayed.map(|_| rows).map_err(|error| error.message));
    found.prove("this host answers with the bits that training gave");
    let facts = attestation::facts(path, &opened.digest);
    if facts.is_some() {
        found.check("lock beside", Ok("vouches for this digest".to_owned()));
    } else {
        found.leave_open("that it is the artifact you mean: no lock beside it has its digest");
    }
    card(found, opened, facts.as_ref());
    facts
}

/// Whether the model card says what the bundle holds. No digest covers it, and another engine may have other words.
fn card(found: &mut Found, opened: &Opened, facts: Option<&Facts>) {
    let Some(line) = evenstep_bundle::first_line_of_another_card(opened) else {
        found.check("card", Ok("says what the bundle holds".to_owned()));
        return;
    };
    let differs = format!("`card.md` is another one from line {line} on than this engine writes");
    let is_of_this_engine = facts.is_some_and(|facts| {
        let same = |difference: &Difference| !["engine", "build commit"].contains(&difference.name.as_str());
        differences(&facts.0, opened.artifact.epochs).iter().all(same)
    });
    if is_of_this_engine {
        found.check("card", Err(format!("{differs}, which trained: somebody changed it")));
    } else {
        found.leave_open(&format!("that the model card says what the bundle holds: {differs}"));
    }
}

/// Who signed the bundle, and whether that is enough.
fn signatures(found: &mut Found, args: &Verify, bundle: &Path) -> Result<(), PipelineError> {
    let beside = attestation::beside(bundle);
    found.cost.bytes_read += size(&beside);
    let Some(path) = &args.policy else {
        let signed =
            if beside.exists() { "it is signed: `--policy FILE` says whom to trust" } else { "nobody has signed it" };
        found.leave_open(&format!("who made it: {signed}"));
        return Ok(());
    };
    let (policy, hash) = attestation::policy(path)?;
    let judged = attestation::read(&beside).map_err(|error| error.message).and_then(|envelope| {
        let bytes = read_bundle(bundle).map_err(|error| error.message)?;
        let opened = evenstep_bundle::open(&bytes).map_err(|error| error.to_string())?;
        attestation::judged(&bytes, &opened, envelope.as_ref(), &policy)
    });
    found.check("signatures", judged);
    found.prove(&format!("those whom the policy trusts have signed it (policy sha256:{hash})"));
    Ok(())
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn tell(found: &Found, how: &str, host: &Host) {
    if host.json {
        output::json(found);
        return;
    }
    for check in &found.checks {
        let mark = if check.equal { "same   " } else { "DIFFERS" };
        output::line(&format!("  {mark}  {:24} {}", check.name, check.detail));
    }
    output::line("");
    for what in &found.proved {
        output::line(&format!("  proved: {what}"));
    }
    for what in &found.not_proved {
        output::line(&format!("  not proved: {what}"));
    }
    for Difference { name, then, now, matters } in &found.environment {
        let matters = if *matters { "training may give other bits" } else { "no digest depends on it" };
        output::line(&format!("  {name} was {then}, here it is {now}: {matters}"));
    }
    output::line(&format!("  cost: {:.2} s, {} read", found.cost.seconds, bytes(found.cost.bytes_read)));
    let verdict = if found.equal { "equal" } else { "not equal" };
    output::line(&format!("\n  {verdict}: {how}"));
}

/// A size for people.
fn bytes(count: u64) -> String {
    match count {
        0..10_000 => counted(count as usize, "byte"),
        10_000..10_000_000 => format!("{} kB", count / 1000),
        _ => format!("{} MB", count / 1_000_000),
    }
}
