//! What can be proved of a training: that it gives again what is locked; or of a bundle alone.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use evenstep_attest::{Policy, sha256};
use evenstep_bundle::{BundleError, Opened};
use evenstep_pipeline::artifact::{Artifact, Epochs};
use evenstep_pipeline::lock::{Check, Facts, Lock};
use evenstep_pipeline::verify::{Order, Verified, verify as verify_spec, verify_artifact};
use evenstep_pipeline::{PipelineError, Run, Spec, lock};
use evenstep_source::Source;
use evenstep_table::counted;
use serde::Serialize;

use crate::environment::{Difference, differences};
use crate::training::Outputs;
use crate::verbs::init::for_shell;
use crate::verbs::{folder_of, open_bundle, read_bundle, unreadable, unusable};
use crate::{attestation, facts};

/// The check of a lock's facts against those that were signed.
pub(crate) const FACTS: &str = "facts";

/// What was found, what that proves, and what it cost.
#[derive(Default, Serialize)]
pub struct Found {
    /// Whether every check is passed.
    pub equal: bool,
    /// What was compared.
    pub checks: Vec<Check>,
    /// How long it took to train again.
    pub seconds: f64,
    /// What is proved, if everything is equal.
    pub proved: Vec<String>,
    /// What isn't, and what would prove it.
    pub not_proved: Vec<String>,
    /// How engine and host differ from those that trained.
    pub(crate) environment: Vec<Difference>,
    /// What it cost.
    pub cost: Cost,
    /// How it was trained again, or why not.
    pub how: String,
}

/// What a verification cost.
#[derive(Default, Serialize)]
pub struct Cost {
    /// All of it, in seconds.
    pub seconds: f64,
    /// Bytes of data and bundle.
    pub bytes_read: u64,
}

/// A policy, and the hash of its text.
type Trusted = (Policy, String);

/// How to verify.
#[derive(Default)]
pub struct How {
    /// Give rows and columns in another order.
    pub shuffle: bool,
    /// Take no lock that is missing, or not as it was committed.
    pub frozen: bool,
    /// Whose signatures a bundle is to have.
    pub policy: Option<Trusted>,
}

impl Found {
    fn check(&mut self, name: &str, result: Result<String, String>) -> bool {
        let equal = result.is_ok();
        let (Ok(detail) | Err(detail)) = result;
        self.checks.push(Check { name: name.to_owned(), equal, detail });
        equal
    }

    fn is_same(&self, name: &str) -> bool {
        self.checks.iter().any(|check| check.equal && check.name == name)
    }

    fn prove(&mut self, what: &str) {
        self.proved.push(what.to_owned());
    }

    fn leave_open(&mut self, what: &str) {
        self.not_proved.push(what.to_owned());
    }

    /// Whether everything is equal, now that all is compared.
    fn judged(mut self, started: Instant) -> Found {
        self.equal = self.checks.iter().all(|check| check.equal);
        self.cost.seconds = (started.elapsed().as_secs_f64() * 1e3).round() / 1e3;
        if !self.equal {
            self.proved.clear();
        }
        self
    }

    fn add(&mut self, verified: Verified) {
        self.checks.extend(verified.checks);
        self.seconds = verified.seconds;
    }
}

/// Trains again by the spec in that file, and compares with the lock beside it.
///
/// # Errors
/// A lock that isn't there or can't be read, and whatever training refuses.
pub fn of_spec(path: &Path, spec: &Spec, how: &How, run: &Run<'_>) -> Result<Found, PipelineError> {
    let started = Instant::now();
    let outputs = Outputs::beside(path, &spec.pipeline.name);
    let text = evenstep_files::read_regular_text(&outputs.lock).map_err(|error| {
        let said = unreadable(&outputs.lock, &error).help("`evenstep train` writes the lock".to_owned());
        if how.frozen { PipelineError::no(said.message.clone()).help(said.help).of_file(&outputs.lock) } else { said }
    })?;
    let lock = Lock::parse(&text).map_err(|error| unusable(&outputs.lock, error))?;
    let known = attestation::known(&outputs.bundle, &lock.digest).unwrap_or_else(|| lock::facts(&text));
    let mut found = Found { environment: differences(&known.0, Epochs::NOW), ..Found::default() };
    if how.frozen && !is_committed(&outputs.lock, &lock)? {
        found.leave_open("that the lock is the one that was committed: it is in no git repository");
    }
    found.cost.bytes_read = spec.source()?.bytes();
    let (verified, again) = verify_spec(spec, &lock, how.order(), run)?;
    found.add(verified);
    found.prove("training again by this spec, on this data, gives what is locked");
    if outputs.bundle.exists() {
        let result = bundle_check(&outputs.bundle, &lock, &again.artifact);
        found.check("bundle", result.map(|()| lock.digest.clone()));
        found.prove("the bundle beside the spec is what is locked, and what training again gives");
        found.leave_open(
            "that the bundle's report and model card say what it holds: `verify` of the bundle compares the card",
        );
        found.cost.bytes_read += size(&outputs.bundle);
        signatures(&mut found, how, Some(&outputs.bundle), None, Some(&lock::facts(&text)))?;
    } else {
        let none = format!("there is no `{}`", outputs.bundle.display());
        found.leave_open(&format!("that any bundle is what is locked: {none}"));
        if how.policy.is_some() {
            found.check("signatures", Err(none));
        }
    }
    found.how = trained(&found, how, run);
    Ok(found.judged(started))
}

impl How {
    fn order(&self) -> Order {
        if self.shuffle { Order::Shuffled } else { Order::AsRead }
    }
}

fn trained(found: &Found, how: &How, run: &Run<'_>) -> String {
    let rows = if how.shuffle { "rows in another order" } else { "rows as they are read" };
    format!("trained again in {:.2} s on {}, {rows}", found.seconds, counted(run.workers.count(), "thread"))
}

/// Under version control, the lock must be the one that is committed; its facts may be of a later run. False where there is
/// no repository.
fn is_committed(path: &Path, lock: &Lock) -> Result<bool, PipelineError> {
    let folder = folder_of(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if facts::git(folder, &["rev-parse", "--is-inside-work-tree"]).is_none() {
        let above = folder.canonicalize().map_err(|error| unreadable(folder, &error))?;
        let Some(root) = above.ancestors().find(|folder| folder.join(".git").exists()) else { return Ok(false) };
        let message = format!("whether `{}` is as it was committed isn't known: git fails", path.display());
        let root = for_shell(root);
        return Err(PipelineError::no(message).help(format!("`git -C {root} status` says why")));
    }
    let found = match facts::git(folder, &["show", &format!("HEAD:./{name}")]) {
        Some(committed) if Lock::parse(&committed).is_ok_and(|committed| committed == *lock) => return Ok(true),
        Some(_) => "is not as it was committed",
        None => "is not committed",
    };
    let message = format!("`{}` {found}, and `--frozen` takes no other lock", path.display());
    Err(PipelineError::no(message).help("commit it, or leave out `--frozen`".to_owned()))
}

/// Whether the bundle beside the spec is the one that the lock vouches for, with all that training again gives.
fn bundle_check(path: &Path, lock: &Lock, again: &Artifact) -> Result<(), String> {
    let opened = open_bundle(path).map_err(|error| error.message)?;
    if opened.digest != lock.digest {
        return Err(format!("locked {}, in the bundle {}", lock.digest, opened.digest));
    }
    for (_, result) in evenstep_bundle::consistency(&opened) {
        result?;
    }
    if again.digest() != lock.digest {
        // What training again gives is another artifact, which is told already.
        return Ok(());
    }
    // As it is read from a bundle: there and back again, some numbers are written in another way.
    let packed = evenstep_bundle::pack(again, "", "").map_err(|error| error.to_string())?;
    let again = evenstep_bundle::open(&packed).map_err(|error| error.to_string())?.artifact;
    let is_same = |name: &str, same: bool| match same {
        true => Ok(()),
        false => Err(format!("training again gives another {name} than the bundle holds")),
    };
    let artifact = &opened.artifact;
    is_same("name", artifact.name == again.name)?;
    is_same("evaluation", artifact.evaluation == again.evaluation)?;
    is_same("profile", artifact.profile == again.profile)?;
    is_same("spec", artifact.spec == again.spec)?;
    is_same("golden row", artifact.golden == again.golden)
}

/// Proves of a bundle, whose bytes these are, what can be proved, and trains it again if there are data. `path` is its
/// file, if it has one; `again` is given the spec that the bundle holds, and says on what it is trained again.
///
/// # Errors
/// Whatever training refuses. A bundle that isn't one is an answer.
pub fn of_bundle(
    bytes: &[u8],
    path: Option<&Path>,
    again: Option<Again>,
    how: &How,
    run: &Run<'_>,
) -> Result<Found, PipelineError> {
    let started = Instant::now();
    let mut found = Found::default();
    found.cost.bytes_read = bytes.len() as u64;
    let opened = match evenstep_bundle::open(bytes) {
        Ok(opened) => opened,
        Err(error) => {
            found.check("bundle", Err(error.to_string()));
            found.how = match error {
                BundleError::Broken(_) => "this is no bundle as it was written: it was damaged, or is none",
                BundleError::Unknown(_) => "this is a bundle for another engine, and nothing of it was compared",
            }
            .to_owned();
            return Ok(found.judged(started));
        }
    };
    let facts = parts(&mut found, path, &opened);
    let is_trained_again = again.is_some();
    let artifact = &opened.artifact;
    found.how = "not trained again: give `--data FILE` for that".to_owned();
    match again {
        None => {
            found.leave_open("that training gives this artifact: `--data FILE` trains it again");
            found.leave_open(
                "that the profile is of the training rows: no digest covers it, and `--data FILE` compares it",
            );
        }
        Some(again) => {
            let spec = match again {
                Again::Named(data) => Spec::from_resolved(&artifact.spec, &data)?,
                Again::Rows(rows) => Spec::from_resolved(&artifact.spec, "memory")?.over(rows),
            };
            found.cost.bytes_read += spec.source()?.bytes();
            let verified = verify_artifact(artifact, &spec, how.order(), run)?;
            let is_other = verified.checks.len() == 1;
            found.add(verified);
            found.how =
                if is_other { "not trained again: these are other data".to_owned() } else { trained(&found, how, run) };
            found.prove("training again on this data gives this artifact");
        }
    }
    signatures(&mut found, how, path, Some(bytes), facts.as_ref())?;
    // Whoever changes what was learned can seal golden rows that fit it.
    let is_vouched_for = is_trained_again || found.is_same("signatures") || found.is_same("lock beside");
    match artifact.golden.len() {
        0 => {}
        _ if is_vouched_for => found.prove("this host answers with the bits that training gave"),
        rows => found
            .prove(&format!("this host gives the bits that the bundle states for its {}", counted(rows, "golden row"))),
    }
    if !is_trained_again && !found.is_same("signatures") {
        let vouched = match found.is_same("lock beside") {
            true => "the lock beside it has the same, which is as good as the place that it comes from",
            false => "a lock or a signature that you trust vouches for them",
        };
        found.leave_open(&format!(
            "that the metrics are those of the rows held out: no digest covers them; training again on the data compares them, and {vouched}"
        ));
    }
    let known = path.and_then(|path| attestation::known(path, &opened.digest));
    found.environment = differences(&known.unwrap_or_default().0, artifact.epochs);
    Ok(found.judged(started))
}

/// On what a bundle is trained again.
pub enum Again {
    /// A file, or a glob of many.
    Named(String),
    /// Rows that are at hand.
    Rows(Source),
}

/// Each part of a bundle: that it is there as it was written, and says what the others do.
fn parts(found: &mut Found, path: Option<&Path>, opened: &Opened) -> Option<Facts> {
    let artifact = &opened.artifact;
    found.check("manifest", Ok(format!("{} as the manifest says", counted(opened.manifest.len(), "member"))));
    found.check("identity", Ok(opened.digest.clone()));
    for (part, result) in evenstep_bundle::consistency(opened) {
        found.check(part, result);
    }
    found.prove("the bundle is whole, and its parts belong together");
    for name in &opened.unknown {
        found.leave_open(&format!("what `{name}` is for: this engine knows no such member"));
    }
    let replayed = opened.predictor();
    let rows = format!("{} rows give their bits on this host", artifact.golden.len());
    found.check("golden rows", replayed.map(|_| rows).map_err(|error| error.message));
    if artifact.golden.is_empty() {
        found.leave_open("that this host answers with the bits that training gave: the bundle has no golden row");
    }
    let beside = path.and_then(|path| attestation::lock_beside(path, &opened.digest));
    match &beside {
        Some(text) => {
            let differs = lock::first_difference_but_facts(text, artifact);
            let said = differs.map_or(Ok("vouches for this digest".to_owned()), |key| {
                Err(format!("has this digest, and says something else than the bundle under `{key}`"))
            });
            found.check("lock beside", said);
        }
        None => match path.and_then(attestation::unreadable_lock_beside) {
            Some(why) => drop(found.check("lock beside", Err(why))),
            None => {
                let why = match path.and_then(attestation::other_lock_beside) {
                    Some((path, digest)) => format!("`{}` beside it is of another one, {digest}", path.display()),
                    None => "no lock lies beside it".to_owned(),
                };
                found.leave_open(&format!("that it is the artifact you mean: {why}"));
            }
        },
    }
    let facts = beside.map(|text| lock::facts(&text));
    card(found, opened, facts.as_ref());
    found.leave_open("that the report says what the bundle holds: its pictures are of data that no bundle has");
    if !evenstep_report::is_of_this_engine(&opened.report) {
        found.leave_open("that an engine wrote the report: it doesn't begin as those of this one do, and `report` gives it out so that nothing in it runs");
    }
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

/// Who signed the bundle, and whether that is enough. What was read of it already is what is judged.
fn signatures(
    found: &mut Found,
    how: &How,
    bundle: Option<&Path>,
    bytes: Option<&[u8]>,
    facts: Option<&Facts>,
) -> Result<(), PipelineError> {
    let beside = bundle.map(attestation::beside);
    found.cost.bytes_read += beside.as_deref().map_or(0, size);
    let bytes_of = |bundle: &Path| match bytes {
        Some(bytes) => Ok(Cow::Borrowed(bytes)),
        None => read_bundle(bundle).map(Cow::Owned).map_err(|error| error.message),
    };
    let envelope_at = |beside: &Path| attestation::read(beside).map_err(|error| error.message);
    if let (Some(bundle), Some(facts)) = (bundle, facts)
        && let Ok(Some(envelope)) = envelope_at(&attestation::beside(bundle))
        && let Some(said) = attestation::facts_against(&envelope, &bytes_of(bundle).unwrap_or_default(), facts)
    {
        found.check(FACTS, said);
    }
    let Some((policy, hash)) = &how.policy else {
        let unjudged = |(bundle, beside): (&Path, PathBuf)| match envelope_at(&beside)? {
            Some(envelope) => attestation::unjudged(&envelope, &bytes_of(bundle)?),
            None => Ok("nobody has signed it"),
        };
        let said = bundle.zip(beside).map_or(Ok("nobody has signed it"), unjudged);
        let said = said.map_or_else(|why| format!("what is beside it can't be read: {why}"), str::to_owned);
        found.leave_open(&format!("who made it: {said}"));
        return Ok(());
    };
    let judged = match bundle.zip(beside) {
        None => Err("what signs a bundle lies beside its file, and this one has none".to_owned()),
        Some((bundle, beside)) => envelope_at(&beside).and_then(|envelope| {
            let bytes = bytes_of(bundle)?;
            let opened = evenstep_bundle::open(&bytes).map_err(|error| error.to_string())?;
            attestation::judged(&sha256(&bytes), &opened, envelope.as_ref(), policy)
        }),
    };
    found.check("signatures", judged);
    found.prove(&format!("those whom the policy trusts have signed it (policy sha256:{hash})"));
    Ok(())
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}
