//! What is signed of a bundle, and where it lies: which artifact, learned from what, by which engine, when.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evenstep_attest::{
    AttestError, BUILD_TYPE, Because, BuildDefinition, Envelope, Policy, Predicate, Resource, RunDetails, Signed,
    Statement, Subject, Verdict, judge, refused_unread, sha256,
};
use evenstep_bundle::Opened;
use evenstep_exact::canonical::canonical_json;
use evenstep_pipeline::lock::{Facts, Lock};
use evenstep_pipeline::{Artifact, PipelineError, lock};
use evenstep_table::shortened;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::environment::{LIBRARIES, SBOM};
use crate::sbom::{self, Library};
use crate::verbs::folder_of;

/// Of so many signatures is told what they are worth.
const TOLD_SIGNATURES: usize = 20;
/// On what the engine ran.
const HOST: &str = "host";

/// Where a bundle's signatures lie: `houses.evenstep.dsse.json`.
pub(crate) fn beside(bundle: &Path) -> PathBuf {
    evenstep_files::beside(bundle, evenstep_files::SIGNATURES)
}

/// The signatures at that path, if there is a file.
pub(crate) fn read(path: &Path) -> Result<Option<Envelope>, PipelineError> {
    match evenstep_files::read_short_text(path) {
        Ok(text) => Envelope::parse(&text).map(Some).map_err(|error| super::verbs::unusable(path, error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(super::verbs::unreadable(path, &error)),
    }
}

/// What is known of signatures without knowing whom to trust.
///
/// # Errors
/// A sentence on signatures that can't be read.
pub(crate) fn unjudged(envelope: &Envelope, bytes: &[u8]) -> Result<&'static str, String> {
    let statement = envelope.statement().map_err(|error| error.to_string())?;
    let hash = sha256(bytes);
    let is_of_it = statement.subject.iter().any(|of| of.digest.get("sha256") == Some(&hash));
    Ok(match (is_of_it, envelope.signatures.is_empty()) {
        (_, true) => "the signature file beside it holds no signature",
        (true, false) => "it is signed: `--policy FILE` says whom to trust",
        (false, false) => "what is signed beside it is another file",
    })
}

/// The facts of the training that made the bundle: those of a lock of its digest that lies beside it.
pub(crate) fn facts(bundle: &Path, artifact: &str) -> Option<Facts> {
    lock_beside(bundle, artifact).map(|text| lock::facts(&text))
}

/// A lock beside the bundle that has its digest.
pub(crate) fn lock_beside(bundle: &Path, artifact: &str) -> Option<String> {
    // A training names its lock after the spec, which may be called anything.
    let entries = std::fs::read_dir(folder_of(bundle)).into_iter().flatten().flatten();
    let mut others: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    others.retain(|path| path.extension().is_some_and(|ending| ending == "lock"));
    others.sort_unstable();
    locks_beside(bundle).into_iter().chain(others).find_map(|path| {
        let text = evenstep_files::read_regular_text(&path).ok()?;
        (Lock::parse(&text).ok()?.digest == artifact).then_some(text)
    })
}

/// Where the bundle's lock lies as a rule.
fn locks_beside(bundle: &Path) -> [PathBuf; 2] {
    [bundle.with_extension("lock"), bundle.with_file_name("pipeline.lock")]
}

/// The lock beside the bundle that is of another artifact, and which, if there is one.
pub(crate) fn other_lock_beside(bundle: &Path) -> Option<(PathBuf, String)> {
    locks_beside(bundle).into_iter().find_map(|path| {
        let text = evenstep_files::read_regular_text(&path).ok()?;
        Some((path, Lock::parse(&text).ok()?.digest))
    })
}

/// Why a lock beside the bundle can't be read, if one can't.
pub(crate) fn unreadable_lock_beside(bundle: &Path) -> Option<String> {
    locks_beside(bundle).iter().filter(|path| path.exists()).find_map(|path| {
        let read = evenstep_files::read_regular_text(path).map_err(|error| error.to_string());
        let error = read.and_then(|text| Lock::parse(&text).map_err(|error| error.message)).err()?;
        Some(format!("`{}` can't be read: {error}", path.display()))
    })
}

/// What a statement beside the bundle says of engine and host; whether the signatures are good is not asked.
pub(crate) fn signed(bundle: &Path, artifact: &str) -> Option<Facts> {
    let Statement { subject, predicate, .. } = read(&beside(bundle)).ok()??.statement().ok()?;
    if subject.iter().all(|subject| subject.digest.get("evenstep").is_none_or(|digest| digest != hex(artifact))) {
        return None;
    }
    Some(told_of_run(predicate))
}

/// The facts of the training, as a lock or a statement beside the bundle says them: with the engine's libraries, if the statement
/// has them.
pub(crate) fn known(bundle: &Path, artifact: &str) -> Option<Facts> {
    let signed = signed(bundle, artifact);
    let Some(mut facts) = facts(bundle, artifact) else { return signed };
    let libraries = signed
        .filter(|signed| signed.0.get(SBOM) == facts.0.get(SBOM))
        .and_then(|mut signed| signed.0.remove(LIBRARIES));
    facts.0.extend(libraries.map(|libraries| (LIBRARIES.to_owned(), libraries)));
    Some(facts)
}

/// What a statement says of the run, under the names of a lock's facts.
fn told_of_run(predicate: Predicate) -> Facts {
    let RunDetails { builder, metadata } = predicate.run_details;
    // Statements may have the host at the builder, where SLSA has no place for it.
    let mut facts: BTreeMap<String, Value> = of_host(builder.get(HOST)).collect();
    facts.extend(builder.get("version").and_then(|of| of.get("evenstep")).map(|v| ("engine".to_owned(), v.clone())));
    let times = ["started", "finished"].map(|name| (name.to_owned(), metadata.get(&format!("{name}On")).cloned()));
    facts.extend(times.into_iter().filter_map(|(name, time)| Some((name, time?))));
    let mut libraries = Vec::new();
    for mut dependency in predicate.build_definition.resolved_dependencies {
        match dependency.name.as_str() {
            "engine" => {
                facts.extend(dependency.annotations.remove(SBOM).map(|digest| (SBOM.to_owned(), digest)));
                facts.extend(of_host(dependency.annotations.remove(HOST).as_ref()));
                facts.insert("build".to_owned(), Value::Object(dependency.annotations));
            }
            "repository" => {
                facts.extend(dependency.digest.remove("gitCommit").map(|commit| ("commit".to_owned(), commit.into())));
                facts.extend(dependency.annotations.remove("dirty").map(|dirty| ("dirty".to_owned(), dirty)));
            }
            _ => libraries.extend(
                dependency.uri.zip(dependency.digest.get("sha256")).and_then(|(url, sum)| Library::at(&url, sum)),
            ),
        }
    }
    if !libraries.is_empty() {
        facts.insert(LIBRARIES.to_owned(), json!(sbom::versions(libraries)));
    }
    Facts(facts)
}

fn of_host(told: Option<&Value>) -> impl Iterator<Item = (String, Value)> {
    told.and_then(Value::as_object).cloned().unwrap_or_default().into_iter()
}

/// Where the facts of a lock are others than those that were signed with it, if something was signed of the run.
pub(crate) fn facts_against(envelope: &Envelope, bytes: &[u8], locked: &Facts) -> Option<Result<String, String>> {
    let statement = envelope.statement().ok()?;
    let is_of_it = statement.subject.iter().any(|of| of.digest.get("sha256") == Some(&sha256(bytes)));
    let Facts(mut signed) = told_of_run(statement.predicate);
    // A lock has the digest of the libraries, if an engine wrote it that knows of it.
    signed.remove(LIBRARIES);
    signed.retain(|name, _| name != SBOM || locked.0.contains_key(SBOM));
    // Who signed where no lock lay said nothing of the run.
    if !is_of_it || envelope.signatures.is_empty() || !signed.contains_key("engine") {
        return None;
    }
    let told = |fact: Option<&Value>| fact.map_or("nothing".to_owned(), |fact| shortened(&fact.to_string()));
    let differing = signed.iter().find(|(name, fact)| locked.0.get(*name) != Some(fact));
    Some(differing.map_or(Ok("are those that were signed, as far as they were".to_owned()), |(name, fact)| {
        let (here, there) = (told(locked.0.get(name)), told(Some(fact)));
        Err(format!(
            "`{name}` is {here} in the lock beside it, and {there} in what was signed: the lock was changed, or is of another run"
        ))
    }))
}

/// The statement of how a bundle, whose file has that name and SHA-256, was made. Who signs it vouches for it.
pub(crate) fn statement(name: &str, hash: &str, artifact: &Artifact, facts: Facts) -> Statement {
    let mut subject = Resource::new(name, "sha256", hash);
    subject.digest.insert("evenstep".to_owned(), hex(&artifact.digest()).to_owned());
    let Facts(facts) = facts;
    let fact = |name: &str| facts.get(name).cloned();
    let mut dependencies = vec![
        Resource::new("data", "evenstep-fp1", artifact.fingerprint.trim_start_matches("fp1:")),
        Resource::new("spec", "sha256", &sha256(&canonical_json(&artifact.spec))),
    ];
    if let Some(commit) = fact("commit").as_ref().and_then(Value::as_str) {
        let mut repository = Resource::new("repository", "gitCommit", commit);
        repository.annotations.extend(fact("dirty").map(|dirty| ("dirty".to_owned(), dirty)));
        dependencies.push(repository);
    }
    dependencies.push(engine(&facts));
    if facts.get(SBOM).and_then(Value::as_str) == Some(&sbom::digest()) {
        dependencies.extend(sbom::libraries().iter().map(resource));
    }
    let made = BuildDefinition {
        build_type: BUILD_TYPE.to_owned(),
        external_parameters: Map::from_iter([("pipeline".to_owned(), json!(artifact.name))]),
        internal_parameters: Map::from_iter([
            ("seed".to_owned(), json!(artifact.seed.to_string())),
            ("apply_epoch".to_owned(), json!(artifact.epochs.apply)),
            ("fit_epoch".to_owned(), json!(artifact.epochs.fit)),
        ]),
        resolved_dependencies: dependencies,
    };
    let version = facts.get("engine").cloned().unwrap_or(Value::Null);
    let builder = Map::from_iter([
        ("id".to_owned(), json!("https://github.com/evenstep/evenstep")),
        ("version".to_owned(), if version.is_null() { json!({}) } else { json!({ "evenstep": version }) }),
    ]);
    let metadata =
        ["started", "finished"].into_iter().filter_map(|name| Some((format!("{name}On"), facts.get(name)?.clone())));
    Statement::new(subject, made, RunDetails { builder, metadata: metadata.collect() })
}

fn resource(library: &Library) -> Resource {
    let name = format!("{} {}", library.name, library.version);
    Resource { uri: Some(library.url()), ..Resource::new(&name, "sha256", &library.checksum) }
}

/// The engine that trained, and its host.
fn engine(facts: &BTreeMap<String, Value>) -> Resource {
    let version = facts.get("engine").and_then(Value::as_str).unwrap_or("unknown");
    let mut engine = Resource { name: "engine".to_owned(), ..Resource::default() };
    engine.uri = Some(format!("pkg:cargo/evenstep@{version}"));
    let build = facts.get("build").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(commit) = build.get("commit").and_then(Value::as_str) {
        engine.digest.insert("gitCommit".to_owned(), commit.to_owned());
    }
    engine.annotations.extend(facts.get(SBOM).map(|digest| (SBOM.to_owned(), digest.clone())));
    engine.annotations.extend(build);
    let host: Map<String, Value> = ["host", "kernel", "cpu", "simd", "threads"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), facts.get(name)?.clone())))
        .collect();
    if !host.is_empty() {
        engine.annotations.insert(HOST.to_owned(), host.into());
    }
    engine
}

/// The 64 digits of a digest.
pub(crate) fn hex(digest: &str) -> &str {
    digest.trim_start_matches("sha256:")
}

/// A key, policy or envelope that can't be used.
pub(crate) fn refused(error: &AttestError) -> PipelineError {
    PipelineError::input(error.to_string())
}

/// The policy in a file.
pub(crate) fn policy(path: &Path) -> Result<(Policy, String), PipelineError> {
    let text = evenstep_files::read_short_text(path).map_err(|error| super::verbs::unreadable(path, &error))?;
    let policy = Policy::parse(&text);
    let policy = policy.map_err(|error| super::verbs::unusable(path, error))?;
    Ok((policy, sha256(text.as_bytes())))
}

/// Whether anybody whose key the policy has vouches for a file of that SHA-256. What strangers wrote isn't even looked at.
///
/// # Errors
/// Why nobody does.
pub(crate) fn vouched(hash: &str, envelope: Option<&Envelope>, policy: &Policy) -> Result<(), String> {
    let refused = refused_unread(envelope, hash, policy).map_err(|error| error.to_string())?;
    refused.map_or(Ok(()), |verdict| Err(told(&verdict)))
}

/// Whether a bundle, whose file has that SHA-256, is signed as the policy asks for; and why, or why not.
pub(crate) fn judged(
    hash: &str,
    opened: &Opened,
    envelope: Option<&Envelope>,
    policy: &Policy,
) -> Result<String, String> {
    let own = statement("", hash, &opened.artifact, Facts::default());
    let subject = Subject { pipeline: &opened.artifact.name, statement: &own };
    let verdict = judge(envelope, &subject, policy, today()).map_err(|error| error.to_string())?;
    let said = told(&verdict);
    if verdict.trusted { Ok(said) } else { Err(said) }
}

/// The day in UTC, as signatures count them.
pub(crate) fn today() -> Date {
    TimeZone::UTC.to_datetime(Timestamp::now()).date()
}

/// What a verdict says, and after it each signature.
fn told(verdict: &Verdict) -> String {
    let is_worth_telling = |signature: &&Signed| match verdict.because {
        // Without a rule no signature could count.
        Because::NoRule { .. } => false,
        // Those that are no reason for it are nobody's: somebody added or changed them.
        _ => !verdict.trusted || matches!(signature, Signed::UnknownKey { .. } | Signed::Wrong { .. }),
    };
    let signatures: Vec<String> = verdict.signatures.iter().filter(is_worth_telling).map(ToString::to_string).collect();
    let more = signatures.len().saturating_sub(TOLD_SIGNATURES);
    let shown = signatures.iter().take(TOLD_SIGNATURES).cloned().chain((more > 0).then(|| format!("and {more} more")));
    match signatures.is_empty() {
        true => verdict.because.to_string(),
        false => format!("{} ({})", verdict.because, shown.collect::<Vec<_>>().join("; ")),
    }
}
