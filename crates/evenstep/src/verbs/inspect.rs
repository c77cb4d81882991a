//! `inspect`: all that a bundle, a lock or a file of signatures holds.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use evenstep_bundle::{Manifest, Member, Opened};
use evenstep_pipeline::artifact::version_of;
use evenstep_pipeline::lock::Lock;
use evenstep_pipeline::{FileKind, PipelineError};
use evenstep_table::counted;
use serde_json::{Value, json};

use super::{Answer, learned, open_bundle, unreadable, unusable};
use crate::cli::Inspect;
use crate::{Host, attestation, output};

pub(crate) fn inspect(args: &Inspect, host: &Host) -> Answer {
    if FileKind::of(&args.subject) == Some(FileKind::Lock) {
        refuse_parts(args, "a lock has", "the bundle beside it")?;
        lock(&args.subject, host)?;
    } else if args.subject.to_string_lossy().ends_with(".dsse.json") {
        refuse_parts(args, "signatures have", "the bundle that they lie beside")?;
        signatures(&args.subject, host)?;
    } else if args.members {
        let manifest = peek(&args.subject)?;
        if host.json { output::json(&json!({ "members": manifest })) } else { tell_members(&manifest) }
    } else {
        bundle(&open_bundle(&args.subject)?, args, host);
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses to show parts that a bundle alone has.
fn refuse_parts(args: &Inspect, what_has: &str, instead: &str) -> Result<(), PipelineError> {
    if !(args.card || args.members || args.model) {
        return Ok(());
    }
    let error = PipelineError::input(format!("{what_has} no members, no model and no model card"));
    Err(error.help(format!("name {instead}")))
}

fn lock(path: &Path, host: &Host) -> Result<(), PipelineError> {
    let text = evenstep_files::read_regular_text(path).map_err(|error| unreadable(path, &error))?;
    let lock = Lock::parse(&text).map_err(|error| unusable(path, error))?;
    if host.json {
        output::json(&lock.json())
    } else {
        output::text(&text)
    }
    Ok(())
}

fn bundle(opened: &Opened, args: &Inspect, host: &Host) {
    match (args.card, args.model, host.json) {
        (true, _, true) => output::json(&json!({ "card": opened.card })),
        (true, _, false) => output::text(&opened.card),
        (false, true, true) => output::json(&learned::described(&opened.artifact)),
        (false, true, false) => learned::tell(&opened.artifact),
        (false, false, true) => output::json(&described(opened)),
        (false, false, false) => tell_people(opened),
    }
}

/// The statement that signatures are of, and which keys are said to have signed it.
fn signatures(path: &Path, host: &Host) -> Result<(), PipelineError> {
    let envelope = attestation::read(path)?.ok_or_else(|| unreadable(path, &ErrorKind::NotFound.into()))?;
    let statement = envelope.statement().map_err(|error| unusable(path, error))?;
    let keys = envelope.signatures.iter().map(|signature| signature.keyid.as_deref().unwrap_or("not named"));
    if host.json {
        output::json(&json!({ "statement": statement, "keys": keys.collect::<Vec<_>>() }));
        return Ok(());
    }
    for (field, value) in statement.fields() {
        output::line(&output::one_line(&format!("{field} = {value}")));
    }
    output::line("\nsignatures, which `evenstep verify --policy FILE` judges:");
    keys.for_each(|key| output::line(&output::one_line(&format!("  {key}"))));
    Ok(())
}

/// The manifest of the bundle at that path, which is not read beyond it.
fn peek(path: &Path) -> Result<Manifest, PipelineError> {
    FileKind::expect_at(path, &[FileKind::Bundle])?;
    let opened = evenstep_files::must_end(path).and_then(|()| File::open(path));
    let mut file = opened.map_err(|error| unreadable(path, &error))?;
    evenstep_bundle::peek(&mut file).map_err(|error| unusable(path, error))
}

/// All that a bundle holds, for machines.
pub fn described(opened: &Opened) -> Value {
    let artifact = &opened.artifact;
    json!({
        "name": artifact.name,
        "version": version_of(&opened.digest),
        "digest": opened.digest,
        "identity": artifact.identity(),
        "contract": artifact.contract,
        "steps": artifact.steps,
        "evaluation": artifact.evaluation,
        "profile": artifact.profile,
        "golden": artifact.golden,
        "members": opened.manifest,
    })
}

fn tell_people(opened: &Opened) {
    let artifact = &opened.artifact;
    output::line(&format!("{} {}", artifact.name, version_of(&opened.digest)));
    output::line(&format!("  digest       {}", opened.digest));
    output::line(&format!("  fingerprint  {}", artifact.fingerprint));
    output::line(&format!("  seed         {}", artifact.seed));
    output::line(&format!("  target       {}", artifact.data.target));
    output::line(&format!("  classes      {}", none_or(artifact.task.classes())));
    let id: Vec<String> = artifact.data.id.iter().map(ToString::to_string).collect();
    output::line(&format!("  id           {}", none_or(&id)));

    output::line(&format!("\ncontract: {}", counted(artifact.contract.columns.len(), "column")));
    for (name, rule) in &artifact.contract.columns {
        let rule = serde_json::to_value(rule).unwrap_or(Value::Null);
        let words: Vec<String> =
            rule.as_object().into_iter().flatten().map(|(key, value)| format!("{key} {value}")).collect();
        let name = output::one_line(name.as_str());
        output::line(&format!("  {name}: {}", words.join(", ").replace('"', "")));
    }

    output::line(&format!("\nsteps: {}", artifact.steps.len()));
    for (step, tells_of_people) in artifact.steps.iter().zip(artifact.steps_that_tell_of_people()) {
        output::line(&format!("  {}. {} {}", step.number, step.name, compact(&step.spec)));
        let learned = match tells_of_people {
            true => "what tells of people: `--json` has it".to_owned(),
            false => shortened(step.params.as_str(), 160),
        };
        output::line(&format!("     learned {learned}"));
        if !step.changes.is_empty() {
            let called = |change: &String| {
                let (sign, name) = change.split_at(change.chars().next().map_or(0, char::len_utf8));
                format!("{sign}{}", artifact.called(name))
            };
            let mut changes: Vec<String> = step.changes.iter().map(called).collect();
            changes.dedup();
            output::line(&format!("     columns {}", shortened(&changes.join(", "), 160)));
        }
    }

    output::line(&format!("\nmodel: {} {}", artifact.model.name, compact(&artifact.model.spec)));
    let mut features: Vec<String> = artifact
        .features
        .iter()
        .map(|(name, kind)| format!("{} ({})", artifact.called(name.as_str()), kind.word()))
        .collect();
    features.dedup();
    let features = format!("  {}: {}", counted(artifact.features.len(), "feature"), features.join(", "));
    output::line(&output::one_line(&features));

    output::line(&format!(
        "\nevaluation: {} learned from, {} held out",
        counted(artifact.evaluation.training_rows, "row"),
        artifact.evaluation.held_out_rows
    ));
    super::train::tell_metrics(artifact);

    output::line(&format!("\ngolden rows: {}", artifact.golden.len()));
    output::line("members:");
    tell_members(&opened.manifest);
}

fn tell_members(manifest: &Manifest) {
    let row = |(name, member): (&String, &Member)| vec![name.clone(), member.size.to_string(), member.blake3.short()];
    output::table(&manifest.iter().map(row).collect::<Vec<_>>());
}

fn none_or(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

fn compact(value: &Value) -> String {
    value.to_string()
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}
