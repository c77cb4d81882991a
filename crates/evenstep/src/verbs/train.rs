//! `train`: fits, evaluates, and writes lock, bundle, report and trace: all of them, or none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use evenstep_exact::number::print_number;
use evenstep_pipeline::artifact::{Evaluation, Measured, Permutation, Slice};
use evenstep_pipeline::lock::Lock;
use evenstep_pipeline::trace::{Head, Origin, Recorder, Trace};
use evenstep_pipeline::{Artifact, Interface, PipelineError, Run, Spec, lock, train};
use evenstep_table::counted;
use serde_json::json;

use super::kept::Promised;
use super::{Answer, aside, read_spec, write_files};
use crate::cli::Train;
use crate::{Host, facts, output, salt};

/// So many features are told of, those that matter most.
const FEATURES_TOLD: usize = 10;

/// Where a training writes.
pub(crate) struct Outputs {
    pub(crate) lock: PathBuf,
    pub(crate) bundle: PathBuf,
    pub(crate) report: PathBuf,
    pub(crate) trace: PathBuf,
}

impl Outputs {
    /// Beside the spec: the lock is called like the spec's file, bundle and report like the pipeline.
    pub(crate) fn beside(path: &Path, spec: &Spec) -> Outputs {
        let named = |extension: &str| path.with_file_name(format!("{}.{extension}", spec.pipeline.name));
        Outputs {
            lock: path.with_extension("lock"),
            bundle: named("evenstep"),
            report: named("html"),
            trace: named("trace"),
        }
    }

    /// Where `--out` says: it names a folder, or the bundle itself, and lock and report go beside it.
    fn at(out: &Path, spec: &Spec) -> Result<Outputs, PipelineError> {
        let is_folder = out.is_dir() || out.as_os_str().as_encoded_bytes().ends_with(b"/");
        let bundle = if is_folder { out.join(format!("{}.evenstep", spec.pipeline.name)) } else { out.to_owned() };
        let beside = |extension: &str| bundle.with_extension(extension);
        let outputs = Outputs { lock: beside("lock"), report: beside("html"), trace: beside("trace"), bundle };
        if [&outputs.lock, &outputs.report, &outputs.trace].contains(&&outputs.bundle) {
            return Err(PipelineError::input(format!("`--out {}` is no name for a bundle", out.display()))
                .help("lock, report and trace are written beside it: let it end in `.evenstep`".to_owned()));
        }
        Ok(outputs)
    }
}

pub(crate) fn train(args: &Train, host: &Host) -> Answer {
    let spec = read_spec(&args.spec)?;
    let committed = Outputs::beside(&args.spec.spec, &spec);
    let outputs = args.out.as_deref().map(|out| Outputs::at(out, &spec)).transpose()?;
    let recorder = Recorder::default();
    let (trained, threads) = host.run(args.spec.threads, |run| {
        let trace = (!args.no_trace).then_some(&recorder);
        let run = Run { workers: run.workers, progress: run.progress, trace };
        train::train(&spec, &run).map(|trained| (trained, run.workers.count()))
    })?;
    let digest = trained.artifact.digest();
    if args.frozen {
        same_as_locked(&committed.lock, &digest)?;
    }
    if let Some(contract) = &args.contract {
        Promised::read(contract, host)?.keep(&Interface::of(&trained.artifact)?, "the bundle")?;
    }
    let outputs = outputs.unwrap_or(committed);
    let trace = if args.no_trace { None } else { Some(trace_of(&trained.artifact, &recorder, spec.folder())?) };
    let mut facts = facts::gather(spec.folder(), &spec.data.source, threads, &trained.seconds);
    if !trained.findings.no_numbers.is_empty() {
        facts.0.insert("no_numbers".to_owned(), json!(trained.findings.no_numbers));
    }
    if let Some(trace) = &trace {
        facts.0.insert("trace".to_owned(), json!(trace.root()));
    }
    let report = evenstep_report::html(&crate::page::page(&trained));
    let bundle = evenstep_bundle::pack(&trained.artifact, &lock::body(&trained.artifact), &report)
        .map_err(|error| PipelineError::input(error.to_string()))?;
    let lock = lock::text(&trained.artifact, &facts);
    let quarantine = aside::lines(&trained.findings.quarantine);
    let quarantine_path = aside::path_beside(&outputs.lock);
    let mut files = vec![
        (outputs.bundle.as_path(), bundle.as_slice()),
        (outputs.report.as_path(), report.as_bytes()),
        (outputs.lock.as_path(), lock.as_bytes()),
    ];
    let trace = trace.map(|trace| trace.to_bytes());
    if let Some(trace) = &trace {
        files.push((outputs.trace.as_path(), trace.as_slice()));
    }
    if !quarantine.is_empty() {
        files.push((quarantine_path.as_path(), quarantine.as_bytes()));
    }
    write_files(host, &files)?;
    tell(&spec, &trained, &digest, &outputs, trace.is_some(), host);
    Ok(ExitCode::SUCCESS)
}

/// The trace of this training, under the salt of the spec's project.
fn trace_of(artifact: &Artifact, recorder: &Recorder, folder: &Path) -> Result<Trace, PipelineError> {
    Ok(recorder.trace(Head::of(artifact, Origin::Train), &salt::of_project(folder)?))
}

fn same_as_locked(path: &Path, digest: &str) -> Result<(), PipelineError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        PipelineError::no(super::unreadable(path, &error).message)
            .help("train once without `--frozen`: it writes the lock".to_owned())
    })?;
    let locked = Lock::parse(&text)?.digest;
    if locked == *digest {
        return Ok(());
    }
    Err(PipelineError::no(format!("the digest would differ from the lock's: locked {locked}, now {digest}"))
        .help("nothing was written; `evenstep verify` says what differs".to_owned()))
}

fn tell(spec: &Spec, trained: &train::Trained, digest: &str, outputs: &Outputs, traced: bool, host: &Host) {
    let artifact = &trained.artifact;
    let evaluation = &artifact.evaluation;
    if host.json {
        let metrics: BTreeMap<&str, Option<f64>> =
            evaluation.metrics.iter().map(|measured| (measured.metric.as_str(), measured.value)).collect();
        output::json(&json!({
            "name": artifact.name,
            "version": artifact.version(),
            "digest": digest,
            "fingerprint": artifact.fingerprint,
            "rows": evaluation.training_rows + evaluation.held_out_rows,
            "metrics": metrics,
            "evaluation": evaluation,
            "notes": trained.findings.notes,
            "no_numbers": trained.findings.no_numbers,
            "bundle": outputs.bundle,
            "lock": outputs.lock,
            "report": outputs.report,
            "trace": traced.then_some(&outputs.trace),
            "seconds": trained.seconds,
            "peak_bytes": facts::peak_bytes(),
        }));
        return;
    }
    let rows = (evaluation.training_rows, evaluation.held_out_rows);
    output::line(&format!(
        "{}: `{}` learned from {} of `{}`, judged on {}\n",
        artifact.name,
        artifact.model.name,
        counted(rows.0, "row"),
        spec.data.source,
        counted(rows.1, "other")
    ));
    tell_metrics(evaluation);
    for note in &trained.findings.notes {
        output::line(&format!("  note: {note}"));
    }
    output::line(&format!("\n  digest  {digest}"));
    let written = [("bundle", &outputs.bundle), ("lock", &outputs.lock), ("report", &outputs.report)];
    for (name, path) in written.into_iter().chain(traced.then_some(("trace", &outputs.trace))) {
        output::line(&format!("  {name:6}  {}", path.display()));
    }
    let seconds = &trained.seconds;
    output::line(&format!(
        "\n  {:.2} s: read {:.2}, steps {:.2}, model {:.2}, evaluate {:.2}",
        seconds.total, seconds.read, seconds.steps, seconds.model, seconds.evaluate
    ));
}

/// The metrics, with their intervals and the baseline beside them.
pub(crate) fn tell_metrics(evaluation: &Evaluation) {
    let mut rows = vec![["metric", "value", "95% interval", "baseline"].map(str::to_owned).to_vec()];
    for measured in &evaluation.metrics {
        let value = measured.value.map_or_else(|| measured.undefined.clone().unwrap_or("–".into()), short);
        let interval =
            measured.interval.map_or("–".into(), |(low, high)| format!("{} – {}", short(low), short(high)));
        rows.push(vec![measured.metric.clone(), value, interval, measured.baseline.map_or("–".into(), short)]);
    }
    output::table(&rows);
    tell_slices(&evaluation.slices);
    if let Some(permutation) = &evaluation.permutation {
        tell_permutation(permutation);
    }
    tell_absent(evaluation);
    if !evaluation.folds.is_empty() {
        output::line(&format!("\n  over {} folds of the training rows:", evaluation.folds.len()));
        let mut rows = vec![["metric", "mean", "lowest", "highest"].map(str::to_owned).to_vec()];
        for measured in &evaluation.metrics {
            let values: Vec<f64> =
                evaluation.folds.iter().filter_map(|fold| *fold.values.get(&measured.metric)?).collect();
            if values.is_empty() {
                continue;
            }
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            rows.push(vec![measured.metric.clone(), short(mean), short(low), short(high)]);
        }
        output::table(&rows);
    }
}

/// The first metric on parts of the rows held out; the model card has all.
fn tell_slices(slices: &[Slice]) {
    let firsts: Vec<(&Slice, &Measured)> =
        slices.iter().filter_map(|slice| Some((slice, slice.metrics.first()?))).collect();
    let Some((_, first)) = firsts.first() else { return };
    output::line(&format!("\n  {} by slices:", first.metric));
    let mut rows = vec![["column", "value", "rows", &first.metric, "95% interval"].map(str::to_owned).to_vec()];
    for (slice, measured) in firsts {
        rows.push(vec![
            slice.column.to_string(),
            slice.value.clone().unwrap_or_else(|| "missing".to_owned()),
            slice.rows.to_string(),
            measured.value.map_or("–".into(), short),
            measured.interval.map_or("–".into(), |(low, high)| format!("{} – {}", short(low), short(high))),
        ]);
    }
    output::table(&rows);
}

/// What the first metric loses without a feature, of those that matter most.
fn tell_permutation(permutation: &Permutation) {
    let times = counted(permutation.repeats, "time");
    output::line(&format!("\n  what {} loses when a feature's cells are shuffled, {times}:", permutation.metric));
    let mut rows = vec![["feature", "mean", "lowest", "highest"].map(str::to_owned).to_vec()];
    let told = |value: Option<f64>| value.map_or("–".into(), short);
    for of in permutation.features.iter().take(FEATURES_TOLD) {
        rows.push(vec![of.feature.to_string(), told(of.loss), told(of.lowest), told(of.highest)]);
    }
    output::table(&rows);
    if let Some(more) = permutation.features.len().checked_sub(FEATURES_TOLD).filter(|more| *more > 0) {
        output::line(&format!("  and {}", counted(more, "other")));
    }
}

/// The first metric without each field that requests may leave out; the bundle has all.
fn tell_absent(evaluation: &Evaluation) {
    let Some(first) = evaluation.metrics.first().filter(|_| !evaluation.absent.is_empty()) else { return };
    output::line(&format!("\n  {} without a field that requests may leave out:", first.metric));
    let mut rows = vec![["absent field", &first.metric, "loss"].map(str::to_owned).to_vec()];
    for absent in &evaluation.absent {
        let measured = absent.metrics.iter().find(|measured| measured.metric == first.metric);
        let told = |value: Option<f64>| value.map_or("–".into(), short);
        let value = absent
            .refused
            .as_ref()
            .map_or_else(|| told(measured.and_then(|measured| measured.value)), |why| format!("no prediction: {why}"));
        rows.push(vec![absent.field.to_string(), value, told(measured.and_then(|measured| measured.loss))]);
    }
    output::table(&rows);
}

/// A number in a table: five digits after the point.
fn short(value: f64) -> String {
    print_number((value * 1e5).round() / 1e5)
}
