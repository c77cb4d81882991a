//! What `diff` is given: a spec, a lock, a bundle, a trace or a folder; and the files that belong with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evenstep_bundle::Opened;
use evenstep_pipeline::diff::{Data, Side};
use evenstep_pipeline::lock::{self, Facts};
use evenstep_pipeline::trace::Trace;
use evenstep_pipeline::{FileKind, PipelineError, Spec};
use evenstep_source::Source;
use serde_json::Value;

use super::super::{folder_of, open_bundle, unreadable, unusable};
use crate::salt;
use crate::training::Outputs;

/// The files of one run, as far as there are any.
#[derive(Default)]
struct Files {
    lock: Option<PathBuf>,
    bundle: Option<PathBuf>,
    trace: Option<PathBuf>,
}

/// A lock that was read.
struct Locked {
    document: Value,
    facts: Facts,
    digest: String,
}

/// All that is known of the run that the path names.
pub(super) fn read(path: &Path, called: &str) -> Result<Side, PipelineError> {
    let path = &inside(path)?;
    let named = kind_of(path)?;
    let files = files_of(path, named)?;
    // What was named must be readable; what lies beside it is taken if it belongs with it.
    let mut side = Side { name: called.to_owned(), ..Side::default() };
    match named {
        FileKind::Trace => {
            let trace = read_trace(path)?;
            side.digest = Some(trace.head.digest.clone());
            side.trace = Some(trace);
        }
        FileKind::Bundle => take_bundle(&mut side, open_bundle(path)?)?,
        _ => {
            let lock = files.lock.as_deref().ok_or_else(|| no_lock(path))?;
            match files.bundle.as_deref().filter(|bundle| named == FileKind::Spec && bundle.is_file() && !lock.exists())
            {
                Some(bundle) => take_bundle(&mut side, open_bundle(bundle)?)?,
                None => take_lock(&mut side, read_lock(lock)?),
            }
            if named == FileKind::Spec {
                side.spec = Spec::read(path, &[]).ok().map(|spec| spec.resolved());
            }
        }
    }
    let digest = side.digest.clone().unwrap_or_default();
    if side.document.is_none() || named == FileKind::Bundle {
        let belongs = |locked: &Locked| locked.digest == digest;
        let candidates = candidates(files.lock.as_deref(), path, "lock");
        if let Some(locked) = candidates.iter().filter_map(|lock| read_lock(lock).ok()).find(belongs) {
            take_lock(&mut side, locked);
        }
    }
    if side.artifact.is_none() {
        let candidates = candidates(files.bundle.as_deref(), path, "evenstep");
        let mut bundles = candidates.iter().filter_map(|bundle| open_bundle(bundle).ok());
        let found = bundles.find(|opened| opened.digest == digest);
        if found.is_none() {
            beside(&mut side, files.bundle.as_deref(), |path| open_bundle(path).map(drop));
        }
        if let Some(opened) = found {
            let known = side.document.is_some();
            let (document, facts) = (side.document.take(), std::mem::take(&mut side.facts));
            take_bundle(&mut side, opened)?;
            if known {
                (side.document, side.facts) = (document, facts);
            }
        }
    }
    if side.trace.is_none() {
        let candidates = candidates(files.trace.as_deref(), path, "trace");
        let mut traces = candidates.iter().filter_map(|trace| read_trace(trace).ok());
        side.trace = traces.find(|trace| is_of_run(trace, &digest, &side.facts));
        if side.trace.is_none() {
            beside(&mut side, files.trace.as_deref(), |path| read_trace(path).map(drop));
        }
    }
    if let Some(trace) = &side.trace {
        let folders = [folder_of(path), Path::new(".")];
        side.salt = folders.into_iter().filter_map(salt::known).find(|salt| trace.is_salted_with(salt));
    }
    side.data = source_of(&side.facts, folder_of(path)).filter(|_| is_training(&side));
    Ok(side)
}

/// Tells of a file that belongs with the run by its name, and is not of it.
fn beside(side: &mut Side, file: Option<&Path>, open: impl Fn(&Path) -> Result<(), PipelineError>) {
    let Some(path) = file.filter(|path| path.is_file()) else { return };
    let (called, shown) = (&side.name, path.display());
    match open(path) {
        Ok(()) => side.foreign.push(format!("`{shown}` beside {called} is of another run, and was not compared")),
        Err(error) => side.damaged.push(format!("`{shown}` beside {called} can't be read: {}", error.message)),
    }
}

/// The data of a side, as the person says; else as its lock says, unless nothing is to be read.
pub(super) fn set_data(side: &mut Side, data: Option<&str>, no_data: bool) {
    if no_data {
        side.data = None;
    } else if let Some(source) = data {
        side.data = Some(Data { source: source.to_owned(), base: PathBuf::from(".") });
    }
}

fn is_training(side: &Side) -> bool {
    side.trace.as_ref().is_none_or(|trace| trace.head.origin == evenstep_pipeline::trace::Origin::Train)
}

/// A trace of the training itself: of that artifact, and the one that the lock names, if it names one.
fn is_of_run(trace: &Trace, digest: &str, facts: &BTreeMap<String, Value>) -> bool {
    let named = facts.get("trace").and_then(Value::as_str);
    trace.head.digest == digest
        && trace.head.origin == evenstep_pipeline::trace::Origin::Train
        && named.is_none_or(|root| root == trace.root().to_string())
}

/// In a folder, the spec; else its one lock, bundle or trace.
fn inside(path: &Path) -> Result<PathBuf, PipelineError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let spec = path.join("pipeline.toml");
    if spec.is_file() {
        return Ok(spec);
    }
    let all = ["lock", "evenstep", "trace"].map(|extension| siblings(path, extension));
    let first = all.into_iter().find(|found| !found.is_empty()).unwrap_or_default();
    if let [one, other, ..] = &first[..] {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let message = format!("`{}` holds several runs: `{}`, `{}` …", path.display(), name(one), name(other));
        return Err(PipelineError::input(message).help("name the file of one".to_owned()));
    }
    first.into_iter().next().ok_or_else(|| {
        PipelineError::input(format!("`{}` holds neither a spec, nor a lock, a bundle or a trace", path.display()))
            .help("name one of these, or a folder that `evenstep train` wrote to".to_owned())
    })
}

/// What the path names, by its ending or else by how it begins: a text with another ending, or none, is a spec.
fn kind_of(path: &Path) -> Result<FileKind, PipelineError> {
    if !path.exists() {
        return Err(PipelineError::input(format!("there is no `{}`", path.display())));
    }
    FileKind::expect_at(path, &[FileKind::Spec, FileKind::Lock, FileKind::Bundle, FileKind::Trace])?;
    let by_content = || match evenstep_files::begins_with(path, evenstep_bundle::BEGINNING) {
        true => FileKind::Bundle,
        false => FileKind::Spec,
    };
    Ok(FileKind::of(path).unwrap_or_else(by_content))
}

fn files_of(path: &Path, named: FileKind) -> Result<Files, PipelineError> {
    if named == FileKind::Spec {
        let outputs = Outputs::beside(path, &Spec::read_contract(path, &[])?.pipeline.name);
        return Ok(Files { lock: Some(outputs.lock), bundle: Some(outputs.bundle), trace: Some(outputs.trace) });
    }
    let beside = |extension: &str| Some(path.with_extension(extension));
    Ok(Files { lock: beside("lock"), bundle: beside("evenstep"), trace: beside("trace") })
}

/// The likeliest file first, then all others of its kind in the folder.
fn candidates(likely: Option<&Path>, path: &Path, extension: &str) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = likely.filter(|path| path.is_file()).map(Path::to_owned).into_iter().collect();
    all.extend(siblings(folder_of(path), extension).into_iter().filter(|other| Some(other.as_path()) != likely));
    all
}

fn siblings(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.is_file() && path.extension().is_some_and(|found| found == extension)).collect();
    found.sort_unstable();
    found
}

fn no_lock(path: &Path) -> PipelineError {
    PipelineError::input(format!("`{}` has no lock", path.display()))
        .help("`evenstep train` writes the lock".to_owned())
}

fn read_lock(path: &Path) -> Result<Locked, PipelineError> {
    let text = evenstep_files::read_regular_text(path)
        .map_err(|error| unreadable(path, &error).help("`evenstep train` writes the lock".to_owned()))?;
    let (mut document, facts) = lock::document(&text).map_err(|error| unusable(path, error))?;
    let digest = document.as_object_mut().and_then(|parts| parts.remove("digest"));
    let Some(digest) = digest.as_ref().and_then(Value::as_str) else {
        return Err(unusable(path, "the lock has no digest").help("`evenstep train` writes a new one".to_owned()));
    };
    Ok(Locked { document, facts, digest: digest.to_owned() })
}

fn take_lock(side: &mut Side, locked: Locked) {
    side.document = Some(locked.document);
    side.facts = locked.facts.0;
    side.digest.get_or_insert(locked.digest);
}

fn take_bundle(side: &mut Side, opened: Opened) -> Result<(), PipelineError> {
    // Nobody has compared the lock inside with the artifact yet.
    let is_of_it = lock::first_difference(&opened.lock, &opened.artifact).is_none();
    let text = if is_of_it { opened.lock } else { lock::body(&opened.artifact) };
    side.document = Some(lock::document(&text)?.0);
    side.digest = Some(opened.digest);
    side.artifact = Some(opened.artifact);
    side.members = opened.manifest.into_iter().map(|(name, member)| (name, member.blake3)).collect();
    Ok(())
}

fn read_trace(path: &Path) -> Result<Trace, PipelineError> {
    let bytes = evenstep_files::read_regular(path).map_err(|error| unreadable(path, &error))?;
    Trace::from_bytes(&bytes).map_err(|error| unusable(path, error))
}

/// The source that the lock names, relative to the lock's folder.
fn source_of(facts: &BTreeMap<String, Value>, folder: &Path) -> Option<Data> {
    let source = facts.get("source")?.as_str()?.to_owned();
    // A lock that `--output` put elsewhere names a source that is relative to the spec, likely here.
    // A glob names no file, but some.
    let is_here = folder.join(&source).exists() || Source::open(&source, folder).is_ok();
    let base = if is_here { folder } else { Path::new(".") };
    Some(Data { source, base: base.to_owned() })
}
