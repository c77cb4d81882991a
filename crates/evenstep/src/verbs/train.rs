//! `train`: fits, evaluates, and writes lock, bundle, report and trace: all of them, or none.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use evenstep_exact::number::print_number;
use evenstep_pipeline::artifact::{Evaluation, Measured, Permutation, Slice};
use evenstep_pipeline::lock::Lock;
use evenstep_pipeline::{Artifact, Interface, PipelineError, Spec};
use evenstep_table::counted;
use serde_json::json;

use super::kept::Promised;
use super::locked::Locked;
use super::{Answer, files_of, read_spec};
use crate::cli::Train;
use crate::training::{Made, Outputs};
use crate::{Host, output, page, salt};

/// So many features are told of, those that matter most.
const FEATURES_TOLD: usize = 10;

pub(crate) fn train(args: &Train, host: &Host) -> Answer {
    let spec = read_spec(&args.spec)?;
    let committed = Outputs::beside(&args.spec.spec, &spec.pipeline.name);
    let outputs = args.output.as_deref().map(|out| Outputs::at(out, &spec.pipeline.name)).transpose()?;
    let written = outputs.as_ref().unwrap_or(&committed);
    written.try_out(files_of(&args.spec, &spec).iter().map(PathBuf::as_path), &host.files)?;
    // What is refused after a training is known before it.
    let frozen = args.frozen.then(|| locked_digest(&committed.lock)).transpose()?;
    let promised = args.contract.as_deref().map(|contract| Promised::read(contract, host)).transpose()?;
    if !args.no_trace {
        salt::of_project(spec.folder(), &host.files)?;
    }
    let locked = Locked::beside(&args.spec.spec, &spec.pipeline.name);
    let mut made = host.run(args.spec.threads, |run| Made::train(&spec, !args.no_trace, run))?;
    if let Some(locked) = frozen {
        same_as_locked(&locked, &made.trained.artifact.digest())?;
    }
    if let Some(promised) = promised {
        promised.keep(&Interface::of(&made.trained.artifact)?, "the bundle")?;
    }
    let outputs = outputs.unwrap_or(committed);
    let packed = made.pack(&host.files)?;
    // What an earlier lock says is nothing of this training: it is told, and in no file.
    let rules = made.trained.artifact.contract.columns.iter();
    let kinds = rules.map(|(name, rule)| (name.clone(), rule.kind.word())).collect();
    let retyped = host.run(args.spec.threads, |run| locked.retyped(&spec, &kinds, run))?;
    made.trained.findings.notes.splice(..0, retyped);
    packed.write(&outputs, &host.files)?;
    tell(&spec, &made, &outputs, !args.no_trace, host);
    Ok(ExitCode::SUCCESS)
}

fn locked_digest(path: &Path) -> Result<String, PipelineError> {
    let text = evenstep_files::read_regular_text(path).map_err(|error| {
        PipelineError::no(super::unreadable(path, &error).message)
            .help("train once without `--frozen`: it writes the lock".to_owned())
    })?;
    Ok(Lock::parse(&text).map_err(|error| super::unusable(path, error))?.digest)
}

fn same_as_locked(locked: &str, digest: &str) -> Result<(), PipelineError> {
    if locked == digest {
        return Ok(());
    }
    Err(PipelineError::no(format!("the digest would differ from the lock's: locked {locked}, now {digest}"))
        .help("nothing was written; `evenstep verify` says what differs".to_owned()))
}

fn tell(spec: &Spec, made: &Made, outputs: &Outputs, traced: bool, host: &Host) {
    if host.json {
        let mut told = made.told();
        let trace = traced.then(|| output::path(&outputs.trace));
        let written = [("bundle", &outputs.bundle), ("lock", &outputs.lock), ("report", &outputs.report)];
        told.extend(written.map(|(name, path)| (name.to_owned(), json!(output::path(path)))));
        told.insert("trace".to_owned(), json!(trace));
        output::json(&told);
        return;
    }
    let trained = &made.trained;
    let artifact = &trained.artifact;
    let evaluation = &artifact.evaluation;
    let rows = (evaluation.training_rows, evaluation.held_out_rows);
    output::line(&format!(
        "{}: `{}` learned from {} of `{}`, judged on {}\n",
        artifact.name,
        artifact.model.name,
        counted(rows.0, "row"),
        spec.data.source,
        counted(rows.1, "other")
    ));
    tell_metrics(artifact);
    for note in page::notes(trained) {
        output::line(&format!("  note: {note}"));
    }
    output::line(&format!("\n  digest  {}", artifact.digest()));
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
pub(crate) fn tell_metrics(artifact: &Artifact) {
    let evaluation = &artifact.evaluation;
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
        tell_permutation(permutation, artifact);
    }
    tell_absent(evaluation, "");
    tell_folds(evaluation);
}

/// The metrics over the folds of a cross-validation; of one that some folds leave undefined, also over how many.
fn tell_folds(evaluation: &Evaluation) {
    let folds = evaluation.folds.len();
    if folds == 0 {
        return;
    }
    output::line(&format!("\n  over {} of the training rows:", counted(folds, "fold")));
    let mut rows = vec![["metric", "mean", "lowest", "highest"].map(str::to_owned).to_vec()];
    for measured in &evaluation.metrics {
        let values: Vec<f64> = evaluation.folds.iter().filter_map(|fold| *fold.values.get(&measured.metric)?).collect();
        let told = |value: Option<f64>| value.map_or("–".into(), short);
        let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        let (low, high) = (values.iter().copied().reduce(f64::min), values.iter().copied().reduce(f64::max));
        let mut row = vec![measured.metric.clone(), told(mean), told(low), told(high)];
        if values.len() < folds {
            row.push(format!("{} of {folds} folds", values.len()));
        }
        rows.push(row);
    }
    output::table(&rows);
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
fn tell_permutation(permutation: &Permutation, artifact: &Artifact) {
    let times = counted(permutation.repeats, "time");
    output::line(&format!("\n  what {} loses when a feature's cells are shuffled, {times}:", permutation.metric));
    let mut rows = vec![["feature", "mean", "lowest", "highest"].map(str::to_owned).to_vec()];
    let told = |value: Option<f64>| value.map_or("–".into(), short);
    for of in permutation.features.iter().take(FEATURES_TOLD) {
        rows.push(vec![artifact.called(of.feature.as_str()), told(of.loss), told(of.lowest), told(of.highest)]);
    }
    output::table(&rows);
    if let Some(more) = permutation.features.len().checked_sub(FEATURES_TOLD).filter(|more| *more > 0) {
        output::line(&format!("  and {}", counted(more, "other")));
    }
}

/// The first metric without each field that requests may leave out, and what is to be said of it; the bundle has all.
pub(super) fn tell_absent(evaluation: &Evaluation, more: &str) {
    let Some(first) = evaluation.metrics.first().filter(|_| !evaluation.absent.is_empty()) else { return };
    output::line(&format!("\n  {} without a field that requests may leave out{more}:", first.metric));
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

/// Of smaller numbers as many digits after the point would say little.
const SMALL: f64 = 1e-3;

/// A number in a table: five digits after the point, or three that count.
pub(super) fn short(value: f64) -> String {
    let rounded =
        if value.abs() < SMALL { format!("{value:.2e}").parse().ok() } else { Some((value * 1e5).round() / 1e5) };
    print_number(rounded.filter(|rounded: &f64| rounded.is_finite()).unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_table_keep_digits_that_say_something() {
        let check = |value: f64, expected: &str| assert_eq!(short(value), expected);
        check(0.841274, "0.84127");
        check(20351.87654321, "20351.87654");
        check(0.0, "0");
        check(0.0000011055, "0.00000111");
        check(-0.00012345, "-0.000123");
        check(f64::MAX, &print_number(f64::MAX));
    }
}
