//! Training: the main path, from a spec to an artifact and what is to be told of it.

use std::sync::Arc;
use std::time::Instant;

use evenstep_exact::canonical::CanonicalText;
use evenstep_exact::draw::Draws;
use evenstep_model::{
    Aim, AnyFamily, AnyModel, CurvePoint, Importance, ModelError, Run as ModelRun, Trained as Fit, Training,
};
use evenstep_table::profile::{ColumnProfile, Profile};
use evenstep_table::quality::{Quality, Violation};
use evenstep_table::{Batch, Coded, Column, ColumnName, Contract, Schema, Task, counted};
use serde::Serialize;
use serde_json::json;

use crate::artifact::{Artifact, Epochs, Evaluation, FoldMetrics, ModelRecord, Permutation, StepRecord};
use crate::evaluate::Scores;
use crate::predictor::add_predictions;
use crate::prepare::{Prepared, prepare};
use crate::seen::seen_columns;
use crate::spec::Spec;
use crate::split::Split;
use crate::steps::{FittedSteps, Fitting};
use crate::trace::{Named, Recorder, Sums};
use crate::{NoNumbers, PipelineError, Predictor, Run, absent, doubts, evaluate, golden, mixed, permutation, slices};

/// What a training came to.
pub struct Trained {
    /// What scores.
    pub artifact: Artifact,
    /// What people want to see of it.
    pub findings: Findings,
    /// How long each part took.
    pub seconds: Seconds,
}

/// What people want to see of a training, besides the artifact.
pub struct Findings {
    /// What each feature contributed.
    pub importance: Vec<Importance>,
    /// How the fit went.
    pub curve: Vec<CurvePoint>,
    /// Sentences about data and fit.
    pub notes: Vec<String>,
    /// What was found in the data.
    pub quality: Quality,
    /// The cells for which rows were set aside.
    pub quarantine: Vec<Violation>,
    /// How many columns the source has.
    pub source_columns: usize,
    /// What the target looks like among the rows learned from.
    pub target_profile: Option<ColumnProfile>,
    /// The held-out rows, as they were scored.
    pub scores: Scores,
    /// Results of steps that were no numbers, in the rows learned from and those held out.
    pub no_numbers: NoNumbers,
}

/// How long each part took, in seconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Seconds {
    /// Reading and checking the data.
    pub read: f64,
    /// Fitting and applying the steps.
    pub steps: f64,
    /// Fitting the model.
    pub model: f64,
    /// Evaluating, and cross-validating if asked for.
    pub evaluate: f64,
    /// All of it.
    pub total: f64,
}

/// Steps and model, fitted on the same rows.
struct Fitted {
    steps: FittedSteps,
    model: Box<dyn AnyModel>,
    baseline: Box<dyn AnyModel>,
    features: Schema,
    importance: Vec<Importance>,
    curve: Vec<CurvePoint>,
    notes: Vec<String>,
    no_numbers: NoNumbers,
}

/// Reads, splits, fits, and evaluates.
///
/// # Errors
/// A spec, data, step or model that can't be used.
pub fn train(spec: &Spec, run: &Run<'_>) -> Result<Trained, PipelineError> {
    let started = Instant::now();
    let prepared = prepare(spec, run)?;
    let read = started.elapsed();
    train_prepared(spec, prepared, run).map(|mut trained| {
        trained.seconds.read = read.as_secs_f64();
        trained.seconds.total = started.elapsed().as_secs_f64();
        trained
    })
}

/// Trains on rows that have been read: what `verify` does with the same rows in another order.
///
/// # Errors
/// As `train`.
pub fn train_prepared(spec: &Spec, mut prepared: Prepared, run: &Run<'_>) -> Result<Trained, PipelineError> {
    let mut seconds = Seconds::default();
    let split = Split::new(spec.split_seed(), spec.data.split.test);
    let (seen, held_out) = split.by_row_key(std::mem::take(&mut prepared.batches), run.workers);
    let (seen, _) = apart(seen, &prepared.inputs);
    let (held_out, held_out_ids) = apart(held_out, &prepared.inputs);
    let rows = |batches: &[Batch]| batches.iter().map(|batch| batch.rows() as u64).sum();
    let (training_rows, held_out_rows) = (rows(&seen), rows(&held_out));
    if training_rows == 0 {
        let message = format!("{} held out, and none is left to learn from", counted(held_out_rows, "row"));
        let help = match (&spec.data.group, prepared.roles.id.is_empty()) {
            (Some(_), _) => {
                "groups are held out whole, and there are few: give it more groups, a smaller `test`, or another `seed` in `split`"
            }
            (None, true) => {
                "without an `id` equal rows are one, and there are few different ones: name a column that tells rows apart, or give a smaller `test`"
            }
            (None, false) => "give it more rows, or a smaller `test`",
        };
        return Err(PipelineError::input(message).help(help.to_owned()));
    }
    if held_out_rows == 0 && spec.data.split.test > 0.0 {
        let of = match (&spec.data.group, prepared.roles.id.is_empty()) {
            (Some(_), _) => "these groups, which are held out whole",
            (None, true) => "so few different rows: without an id equal ones are one",
            (None, false) => "so few rows",
        };
        prepared.notes.push(format!("judged on no row: `test = {}` holds out none of {of}", spec.data.split.test));
    }
    if let Some(trace) = run.trace {
        trace.split(&seen, &held_out, run.workers);
    }
    let slices = slices::columns(spec, &prepared.contract, &prepared.inputs)?;
    let profile = impersonal(Profile::of(&seen, run.workers), &prepared.contract);
    let seen_columns = seen_columns(&seen, run.workers);
    let target_profile = target_profile(&prepared, &seen, run);
    let mut doubts_of_data = doubts::unlearned(&prepared.task, &seen, &spec.model.spec());
    doubts_of_data.extend(doubts::nulled(&prepared.contract, &prepared.quality));
    doubts_of_data.extend(doubts::copies(&prepared.task, &seen, &prepared.inputs));
    let folds = cross_validate(spec, &prepared, &split, &seen, run, &mut seconds);
    let folds = folds.map_err(|error| mixed::blame(error, &prepared.mixed, spec, run))?;
    let folds_asked = spec.data.split.folds as usize * spec.data.split.repeats as usize;
    if folds.len() < folds_asked {
        prepared.notes.push(format!("no row fell into {} of {folds_asked} folds", folds_asked - folds.len()));
    }
    let fitted = fit(spec, &prepared, seen, run, &mut seconds);
    let mut fitted = fitted.map_err(|error| mixed::blame(error, &prepared.mixed, spec, run))?;

    let clock = Instant::now();
    run.progress.stage("evaluate", None);
    let held_out = evaluate::by_policy(held_out, &prepared.contract, &seen_columns);
    let slices = slices::parts(&slices, &held_out);
    let permutation = permute(spec, &prepared.task, &fitted, &held_out, run)?;
    let nullable = absent::fields(&prepared.contract, &prepared.inputs);
    let without = absent::without(&nullable, &held_out, |rows| score(&fitted, &prepared.task, rows, run, None));
    let traced = run.trace.map(|trace| Traced { trace, id: &prepared.roles.id, batches: &held_out_ids });
    let (scores, no_numbers) = score(&fitted, &prepared.task, held_out, run, traced)?;
    fitted.no_numbers.merge(no_numbers);
    let draws = Draws::new(spec.seed(), "bootstrap");
    let metrics = evaluate::metrics(spec, &prepared.task)?;
    let slices = slices::measure(slices, &metrics, &scores, &draws, run.workers);
    let absent = absent::losses(without, &metrics, &scores);
    let metrics = evaluate::measure(&metrics, &scores, &draws, run.workers);
    let mut artifact = Artifact {
        name: spec.pipeline.name.clone(),
        epochs: Epochs::NOW,
        spec: spec.resolved(),
        seed: spec.pipeline.seed,
        task: prepared.task,
        data: prepared.roles,
        contract: prepared.contract,
        inputs: prepared.inputs,
        seen: seen_columns,
        extra: spec.serving.extra,
        steps: records(&fitted.steps, spec.choosing_steps()),
        features: fitted.features,
        model: ModelRecord {
            name: spec.model.name().to_owned(),
            version: Some(spec.model.version()),
            spec: spec.model.spec(),
            stored: fitted.model.store(),
        },
        fingerprint: prepared.fingerprint,
        profile,
        evaluation: Evaluation { training_rows, held_out_rows, metrics, folds, slices, permutation, absent },
        golden: Vec::new(),
    };
    artifact.golden = golden::make(&Predictor::compile(&artifact)?, &artifact)?;
    seconds.evaluate += clock.elapsed().as_secs_f64();
    prepared.notes.extend(doubts_of_data);
    prepared.notes.extend(fitted.steps.idle());
    prepared.notes.extend(fitted.notes);
    prepared.notes.extend(fitted.no_numbers.sentences());
    if artifact.model.name != "dummy" {
        prepared.notes.extend(doubts::of(&artifact.evaluation, &fitted.importance));
    }
    let findings = Findings {
        importance: fitted.importance,
        curve: fitted.curve,
        notes: prepared.notes,
        quality: prepared.quality,
        quarantine: prepared.quarantine,
        source_columns: prepared.source_columns,
        target_profile,
        scores,
        no_numbers: fitted.no_numbers,
    };
    Ok(Trained { artifact, findings, seconds })
}

/// The profile without the values of columns that tell of people: counts remain.
fn impersonal(mut profile: Profile, contract: &Contract) -> Profile {
    for (name, column) in &mut profile.columns {
        if contract.columns.get(name).is_some_and(|rule| rule.personal) {
            *column = ColumnProfile {
                mean: None,
                quantiles: Vec::new(),
                bounds: Vec::new(),
                counts: Vec::new(),
                top: Vec::new(),
                ..column.clone()
            };
        }
    }
    profile
}

/// The target among the rows learned from, as a number or a class.
fn target_profile(prepared: &Prepared, seen: &[Batch], run: &Run<'_>) -> Option<ColumnProfile> {
    let name = &prepared.roles.target;
    let classes = prepared.task.classes();
    let alone = seen.iter().map(|batch| {
        let target = &batch.training().target;
        let mut alone = Batch::new(batch.keys.to_vec());
        let column = match classes {
            [] => Column::Number(target.clone()),
            classes => {
                let values = classes.iter().map(|class| class.as_str().into()).collect();
                let codes = target.iter().map(|class| *class as u32).collect();
                Column::Category(Coded { values: Arc::new(values), codes })
            }
        };
        alone.insert(name.clone(), column);
        alone
    });
    Profile::of(&alone.collect::<Vec<_>>(), run.workers).columns.remove(name)
}

/// The features that would reach the model: steps are fitted, the model is only asked.
///
/// # Errors
/// A step that can't learn, or features that the model doesn't take.
pub(crate) fn check_steps(spec: &Spec, prepared: Prepared, run: &Run<'_>) -> Result<FittedSteps, PipelineError> {
    let split = Split::new(spec.split_seed(), spec.data.split.test);
    let (seen, _) = split.by_row_key(prepared.batches, run.workers);
    let fitting = Fitting {
        seed: spec.seed(),
        id: &prepared.roles.id,
        target: &spec.data.target,
        task: &prepared.task,
        contract: &prepared.contract,
        workers: run.workers,
        text: &spec.text,
        first: spec.choosing_steps(),
        progress: &|_, _, _| (),
        trace: None,
    };
    let (steps, ..) = FittedSteps::fit(spec.fresh_steps(), seen, &fitting)?;
    spec.model.check(&prepared.task, &steps.output).map_err(|error| spec.blame_model(error))?;
    Ok(steps)
}

/// Fits steps, then the model and the baseline on what the steps made.
fn fit(
    spec: &Spec,
    prepared: &Prepared,
    seen: Vec<Batch>,
    run: &Run<'_>,
    seconds: &mut Seconds,
) -> Result<Fitted, PipelineError> {
    let clock = Instant::now();
    let task = &prepared.task;
    let told = |index: usize, count: usize, name: &str| {
        if index == 0 {
            run.progress.stage("fit steps", Some(count as u64));
        }
        run.progress.done(index as u64, name);
    };
    let fitting = Fitting {
        seed: spec.seed(),
        id: &prepared.roles.id,
        target: &spec.data.target,
        task,
        contract: &prepared.contract,
        workers: run.workers,
        text: &spec.text,
        first: spec.choosing_steps(),
        progress: &told,
        trace: run.trace,
    };
    let (steps, transformed, no_numbers) = FittedSteps::fit(spec.fresh_steps(), seen, &fitting)?;
    seconds.steps += clock.elapsed().as_secs_f64();

    let clock = Instant::now();
    let features = steps.output.clone();
    let data = Training { batches: &transformed, features: &features, task };
    spec.model.check(task, &features).map_err(|error| spec.blame_model(error))?;
    let failed = |error| spec.blame_model(no_numbers.explain(error));
    let baseline = fit_family(spec, baseline_family(spec.model.aim()), &data, run).map_err(failed)?.model;
    run.progress.stage(&format!("fit {}", spec.model.name()), None);
    let fit = fit_family(spec, Arc::clone(&spec.model), &data, run).map_err(failed)?;
    seconds.model += clock.elapsed().as_secs_f64();
    let Fit { model, importance, curve, notes } = fit;
    Ok(Fitted { steps, model, baseline, features, importance, curve, notes, no_numbers })
}

/// The best that one answer for all rows can be: the mean, or the quantile that the model predicts.
fn baseline_family(aim: Aim) -> Arc<dyn AnyFamily> {
    let written = if let Aim::Quantile(quantile) = aim { json!({ "quantile": quantile }) } else { json!({}) };
    evenstep_model::parse("dummy", written).expect("the baseline is in the catalogue")
}

fn fit_family(
    spec: &Spec,
    family: Arc<dyn AnyFamily>,
    data: &Training<'_>,
    run: &Run<'_>,
) -> Result<Fit<Box<dyn AnyModel>>, ModelError> {
    let told = |done: usize, total: usize, score: Option<f64>| {
        let note = score.map_or(String::new(), |score| format!("of {total}, {score:.5}"));
        run.progress.done(done as u64, &note);
    };
    let draws = Draws::new(spec.seed(), family.name());
    let model_run = ModelRun { workers: run.workers, draws, progress: &told };
    family.fit(data, &model_run)
}

/// The metrics of each fold that the spec asks for, of the rows that aren't held out, without a training on all of them.
///
/// # Errors
/// As `train`.
pub fn cross_validation(spec: &Spec, run: &Run<'_>) -> Result<Vec<FoldMetrics>, PipelineError> {
    let mut prepared = prepare(spec, run)?;
    let split = Split::new(spec.split_seed(), spec.data.split.test);
    let (seen, _) = split.by_row_key(std::mem::take(&mut prepared.batches), run.workers);
    let (seen, _) = apart(seen, &prepared.inputs);
    cross_validate(spec, &prepared, &split, &seen, run, &mut Seconds::default())
}

/// Metrics over folds of the training rows, each scored by steps and a model that never saw it.
fn cross_validate(
    spec: &Spec,
    prepared: &Prepared,
    split: &Split,
    seen: &[Batch],
    run: &Run<'_>,
    seconds: &mut Seconds,
) -> Result<Vec<FoldMetrics>, PipelineError> {
    let section = spec.data.split;
    let metrics = evaluate::metrics(spec, &prepared.task)?;
    let mut measured = Vec::new();
    if section.folds == 0 {
        return Ok(measured);
    }
    let clock = Instant::now();
    // A trace is of the model that is shipped.
    let run = &Run { trace: None, ..*run };
    for repeat in 0..section.repeats {
        for fold in 0..section.folds {
            let (outside, inside) = split.by_fold(seen.to_vec(), (repeat, section.folds, fold), run.workers);
            if outside.iter().all(|batch| batch.rows() == 0) {
                let message =
                    format!("fold {} of {} holds all rows, and none is left to learn from", fold + 1, section.folds);
                let error = PipelineError::input(message)
                    .help("give it more rows, or more groups, or leave `folds` out".to_owned());
                return Err(spec.text.point(error, &["data", "split", "folds"], "so many folds"));
            }
            if inside.iter().all(|batch| batch.rows() == 0) {
                continue;
            }
            let inside = evaluate::by_policy(inside, &prepared.contract, &seen_columns(&outside, run.workers));
            let fitted = fit(spec, prepared, outside, run, &mut Seconds::default())?;
            let (scores, _) = score(&fitted, &prepared.task, inside, run, None)?;
            let values = metrics.iter().map(|metric| (metric.name(), metric.value(&scores.model).ok()));
            measured.push(FoldMetrics { repeat, fold, values: values.collect() });
        }
    }
    seconds.evaluate += clock.elapsed().as_secs_f64();
    Ok(measured)
}

/// What the first metric loses without each feature, if the spec asks for it.
fn permute(
    spec: &Spec,
    task: &Task,
    fitted: &Fitted,
    held_out: &[Batch],
    run: &Run<'_>,
) -> Result<Option<Permutation>, PipelineError> {
    let metrics = evaluate::metrics(spec, task)?;
    let (Some(metric), true) = (metrics.first(), spec.report.permutation > 0) else { return Ok(None) };
    let transformed = run.workers.map(held_out.to_vec(), |batch| fitted.steps.apply(batch).map(|(batch, _)| batch));
    let transformed: Vec<Batch> = transformed.into_iter().collect::<Result<_, _>>()?;
    let draws = Draws::new(spec.seed(), "permutation");
    let repeats = spec.report.permutation;
    Ok(permutation::importance(metric, task, &*fitted.model, &transformed, repeats, &draws, run.workers))
}

/// What the trace of rows that are scored needs: the same batches with their ids.
#[derive(Clone, Copy)]
struct Traced<'a> {
    trace: &'a Recorder,
    id: &'a [ColumnName],
    batches: &'a [Batch],
}

/// The batches with only the input columns, and as they are.
fn apart(batches: Vec<Batch>, inputs: &[ColumnName]) -> (Vec<Batch>, Vec<Batch>) {
    let is_input = |name: &ColumnName| inputs.binary_search(name).is_ok();
    (batches.iter().map(|batch| batch.clone().retain(is_input)).collect(), batches)
}

/// Rows as model and baseline score them, and which results of steps were no numbers.
fn score(
    fitted: &Fitted,
    task: &Task,
    batches: Vec<Batch>,
    run: &Run<'_>,
    traced: Option<Traced<'_>>,
) -> Result<(Scores, NoNumbers), PipelineError> {
    let batches = batches.into_iter().enumerate().collect();
    let answered = run.workers.map(batches, |(at, batch): (usize, Batch)| -> Result<_, PipelineError> {
        let (keys, labels) = (Arc::clone(&batch.keys), batch.labels.clone());
        let labels = labels.expect("held-out rows carry their labels");
        let Some(Traced { trace, id, batches }) = traced else {
            let (transformed, lost) = fitted.steps.apply(batch)?;
            return Ok((keys, labels, fitted.model.predict(&transformed), fitted.baseline.predict(&transformed), lost));
        };
        let mut sums = Sums::default();
        let id: Vec<&Column> = id.iter().map(|name| batches[at].column(name)).collect();
        let named = Named::of(&keys, &id);
        let (transformed, lost) = fitted.steps.apply_traced(batch, &named.rows, &mut sums)?;
        let model = fitted.model.predict(&transformed);
        add_predictions(&mut sums, task, &named, &model);
        trace.merge(sums);
        Ok((keys, labels, model, fitted.baseline.predict(&transformed), lost))
    });
    let (mut scores, mut no_numbers) = (Scores::new(task, fitted.model.aim()), NoNumbers::default());
    for answer in answered {
        let (keys, labels, model, baseline, lost) = answer?;
        no_numbers.merge(lost);
        scores.add(&keys, &labels, model, baseline);
    }
    Ok((scores, no_numbers))
}

/// The steps, of which so many stand before the first in the spec.
fn records(steps: &FittedSteps, before: usize) -> Vec<StepRecord> {
    let record = |(index, step): (usize, &crate::steps::FittedStep)| StepRecord {
        number: before + index + 1,
        name: step.name.to_owned(),
        version: Some(step.fitted.version()),
        spec: step.fitted.spec(),
        reads: step.fitted.site().columns.clone(),
        changes: step.changes.clone(),
        params: CanonicalText::of(&step.fitted.params()),
    };
    steps.iter().enumerate().map(record).collect()
}
