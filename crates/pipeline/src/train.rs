//! Training: the main path, from a spec to an artifact and what is to be told of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use evenstep_exact::draw::Draws;
use evenstep_model::metric::{Curves, Scored};
use evenstep_model::{AnyFamily, AnyModel, CurvePoint, Importance, Run as ModelRun, Trained as Fit, Training};
use evenstep_table::{Batch, Schema, Task};
use serde::Serialize;

use crate::artifact::{Artifact, DataRoles, Evaluation, FoldMetrics, ModelRecord, StepRecord};
use crate::prepare::{Prepared, prepare};
use crate::spec::Spec;
use crate::split::Split;
use crate::steps::{FittedSteps, Fitting};
use crate::{PipelineError, Predictor, Run, evaluate, golden};

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
    /// Pictures of the errors on held-out rows.
    pub curves: Option<Curves>,
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
    let (seen, held_out) = split.by_row_key(std::mem::take(&mut prepared.batches));
    let folds = cross_validate(spec, &prepared, &split, &seen, run, &mut seconds)?;
    let rows = |batches: &[Batch]| batches.iter().map(|batch| batch.rows() as u64).sum();
    let training_rows = rows(&seen);
    let fitted = fit(spec, &prepared.task, seen, run, &mut seconds)?;

    let clock = Instant::now();
    run.progress.stage("evaluate", None);
    let metrics = evaluate::metrics(spec, &prepared.task)?;
    let scored = score(&fitted, &held_out, run)?;
    let measured = evaluate::measure(&metrics, &scored, &split_draws(spec), run.workers);
    let evaluation = Evaluation { training_rows, held_out_rows: rows(&held_out), metrics: measured, folds };
    let curves = (scored.model.rows() > 0).then(|| Curves::of(&scored.model));
    drop(held_out);

    let mut artifact = Artifact {
        name: spec.pipeline.name.clone(),
        seed: spec.pipeline.seed,
        task: prepared.task.clone(),
        data: roles(spec, &prepared),
        contract: prepared.contract.clone(),
        inputs: prepared.inputs.clone(),
        seen: prepared.seen.clone(),
        extra: spec.serving.extra,
        steps: records(&fitted.steps),
        features: fitted.features.clone(),
        model: ModelRecord { name: spec.model.name().to_owned(), spec: spec.model.spec(), stored: fitted.model.store() },
        fingerprint: prepared.fingerprint.clone(),
        profile: prepared.profile.clone(),
        evaluation,
        golden: Vec::new(),
    };
    artifact.golden = golden::make(&Predictor::compile(&artifact)?, &artifact.profile, spec.seed())?;
    seconds.evaluate += clock.elapsed().as_secs_f64();
    let notes = prepared.notes.iter().chain(&fitted.notes).cloned().collect();
    let findings = Findings { importance: fitted.importance, curve: fitted.curve, notes, curves };
    Ok(Trained { artifact, findings, seconds })
}

/// Fits steps, then the model and the baseline on what the steps made.
fn fit(
    spec: &Spec,
    task: &Task,
    seen: Vec<Batch>,
    run: &Run<'_>,
    seconds: &mut Seconds,
) -> Result<Fitted, PipelineError> {
    let clock = Instant::now();
    let told = |index: usize, count: usize, name: &str| {
        if index == 0 {
            run.progress.stage("fit steps", Some(count as u64));
        }
        run.progress.done(index as u64, name);
    };
    let fitting = Fitting { seed: spec.seed(), task, workers: run.workers, text: &spec.text, progress: &told };
    let (steps, transformed) = FittedSteps::fit(spec.fresh_steps(), seen, &fitting)?;
    seconds.steps += clock.elapsed().as_secs_f64();

    let clock = Instant::now();
    let features = steps.output.clone();
    let data = Training { batches: &transformed, features: &features, task };
    spec.model.check(task, &features).map_err(|error| spec.point_at_model(error))?;
    let baseline = fit_family(spec, baseline_family(), &data, run)?.model;
    run.progress.stage(&format!("fit {}", spec.model.name()), None);
    let fit = fit_family(spec, Arc::clone(&spec.model), &data, run)?;
    seconds.model += clock.elapsed().as_secs_f64();
    let Fit { model, importance, curve, notes } = fit;
    Ok(Fitted { steps, model, baseline, features, importance, curve, notes })
}

fn baseline_family() -> Arc<dyn AnyFamily> {
    evenstep_model::parse("dummy", serde_json::json!({})).expect("the baseline is in the catalogue")
}

fn fit_family(
    spec: &Spec,
    family: Arc<dyn AnyFamily>,
    data: &Training<'_>,
    run: &Run<'_>,
) -> Result<Fit<Box<dyn AnyModel>>, PipelineError> {
    let told = |done: usize, total: usize, score: Option<f64>| {
        let note = score.map_or(String::new(), |score| format!("of {total}, {score:.5}"));
        run.progress.done(done as u64, &note);
    };
    let draws = Draws::new(spec.seed(), family.name());
    let watched = Draws::new(spec.seed(), "early_stopping");
    let model_run = ModelRun { workers: run.workers, draws, watched, progress: &told };
    family.fit(data, &model_run).map_err(|error| spec.point_at_model(error))
}

/// The held-out rows as model and baseline score them.
struct ScoredBoth {
    model: Scored,
    baseline: Scored,
}

impl evaluate::Pair for ScoredBoth {
    fn model(&self) -> &Scored {
        &self.model
    }

    fn baseline(&self) -> &Scored {
        &self.baseline
    }
}

fn score(fitted: &Fitted, batches: &[Batch], run: &Run<'_>) -> Result<ScoredBoth, PipelineError> {
    todo_scored(fitted, batches, run)
}
