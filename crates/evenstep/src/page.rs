//! A training as the report shows it.

use std::cmp::Reverse;

use evenstep_model::Importance;
use evenstep_model::metric::{self, curves};
use evenstep_pipeline::artifact::{Artifact, Evaluation, Measured, Slice, StepRecord};
use evenstep_pipeline::train::Trained;
use evenstep_report::{self as report, Page};
use evenstep_table::profile::{self, PROBABILITIES};
use evenstep_table::{ColumnName, Task, counted};
use serde_json::Value;

/// So many classes have a curve.
const CLASSES_DRAWN: usize = 6;

/// The page of a training.
pub(crate) fn page(trained: &Trained) -> Page {
    let (artifact, findings) = (&trained.artifact, &trained.findings);
    let scored = &findings.scores.model;
    let positive = 1;
    let watched = findings.curve.iter().filter_map(|point| point.watched.map(|loss| (point.round, loss)));
    let best = watched.reduce(|best, next| if next.1 < best.1 { next } else { best });
    let is_binary = matches!(artifact.task, Task::Binary { .. });
    let is_multiclass = matches!(artifact.task, Task::Multiclass { .. });
    let binary = |points: Result<Vec<(f64, f64)>, metric::Undefined>| {
        if is_binary { points.unwrap_or_default() } else { Vec::new() }
    };
    Page {
        name: artifact.name.clone(),
        version: artifact.version(),
        digest: artifact.digest(),
        fingerprint: artifact.fingerprint.clone(),
        task: match artifact.task {
            Task::Regression => report::Task::Regression,
            Task::Binary { .. } => report::Task::Binary,
            Task::Multiclass { .. } => report::Task::Multiclass,
            Task::Ranking => report::Task::Ranking,
        },
        target: artifact.data.target.to_string(),
        unit: artifact.contract.columns.get(&artifact.data.target).and_then(|rule| rule.unit.clone()),
        classes: artifact.task.classes().to_vec(),
        rows_training: artifact.evaluation.training_rows,
        rows_held_out: artifact.evaluation.held_out_rows,
        weight: artifact.data.weight.as_ref().map(ToString::to_string),
        seed: artifact.seed,
        baseline: Some(artifact.baseline()),
        metrics: metrics(&artifact.evaluation.metrics),
        interval_level: Some(metric::LEVEL),
        folds: folds(&artifact.evaluation),
        slices: slices(&artifact.evaluation),
        columns: columns(trained),
        target_profile: findings.target_profile.as_ref().map(|profile| target_profile(artifact, profile)),
        importance: findings
            .importance
            .iter()
            .map(|importance| report::Importance {
                feature: artifact.called(importance.feature.as_str()),
                share: importance.share,
            })
            .collect(),
        measures: measures(trained),
        loss_metric: artifact.evaluation.permutation.as_ref().map(|permutation| permutation.metric.clone()),
        curve: findings
            .curve
            .iter()
            .map(|point| report::CurvePoint {
                round: point.round.into(),
                training: point.training,
                watched: point.watched,
            })
            .collect(),
        best_round: best.map(|(round, _)| round.into()),
        roc: binary(curves::roc(scored, positive)),
        roc_by_class: if is_multiclass { roc_by_class(artifact.task.classes(), scored) } else { Vec::new() },
        precision_recall: binary(curves::precision_recall(scored, positive)),
        calibration: calibration(scored),
        residuals: curves::residuals(scored).ok().map(residuals),
        confusion: curves::confusion(scored).unwrap_or_default(),
        steps: artifact.steps.iter().map(|of| step(artifact, of)).collect(),
        model: report::ModelBox {
            model: artifact.model.name.clone(),
            parameters: parameters(&artifact.model.spec),
            ..report::ModelBox::default()
        },
        source_columns: findings.source_columns as u64,
        features: artifact.features.len() as u64,
        notes: notes(trained),
        ..Page::default()
    }
}

/// The features with every measure there is; those first without which the model loses most, or whose share is largest.
fn measures(trained: &Trained) -> Vec<report::Measures> {
    let permuted = trained.artifact.evaluation.permutation.as_ref().map_or(&[][..], |of| &of.features);
    let place = |feature: &ColumnName| permuted.iter().position(|of| of.feature == *feature);
    let line = |of: &Importance| {
        let loss = place(&of.feature).map(|at| &permuted[at]);
        report::Measures {
            feature: trained.artifact.called(of.feature.as_str()),
            share: of.share,
            splits: of.splits,
            cover: of.cover,
            loss: loss.and_then(|loss| loss.loss),
            loss_bounds: loss.and_then(|loss| loss.lowest.zip(loss.highest)),
        }
    };
    let mut features: Vec<&Importance> = trained.findings.importance.iter().collect();
    features.sort_by(|a, b| b.share.total_cmp(&a.share));
    features.sort_by_key(|of| place(&of.feature));
    features.into_iter().map(line).collect()
}

/// What there is to note, with features as people are told of them.
pub(crate) fn notes(trained: &Trained) -> Vec<String> {
    let features = || trained.artifact.features.keys().map(ColumnName::as_str);
    let called = |note: &String| {
        features().fold(note.clone(), |note, feature| match trained.artifact.called(feature) {
            called if called == feature => note,
            called => note.replace(&format!("`{feature}`"), &format!("`{called}`")),
        })
    };
    trained.findings.notes.iter().map(called).collect()
}

fn slices(evaluation: &Evaluation) -> Vec<report::SliceLine> {
    let line = |slice: &Slice| report::SliceLine {
        column: slice.column.to_string(),
        value: slice.value.clone(),
        rows: slice.rows,
        metrics: metrics(&slice.metrics),
    };
    evaluation.slices.iter().map(line).collect()
}

fn metrics(measured: &[Measured]) -> Vec<report::MetricLine> {
    let line = |measured: &Measured| report::MetricLine {
        name: measured.metric.clone(),
        value: measured.value,
        interval: measured.interval,
        baseline: measured.baseline,
        better_by: measured.gain(),
        higher_is_better: measured.higher_is_better,
        undefined: measured.undefined.clone(),
    };
    measured.iter().map(line).collect()
}

fn folds(evaluation: &Evaluation) -> Vec<report::FoldLine> {
    if evaluation.folds.is_empty() {
        return Vec::new();
    }
    let line = |measured: &Measured| {
        let name = &measured.metric;
        let values: Vec<Option<f64>> = evaluation.folds.iter().map(|fold| *fold.values.get(name)?).collect();
        let known: Vec<f64> = values.iter().copied().flatten().collect();
        let mean = (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64);
        let sd = mean.filter(|_| known.len() > 1).map(|mean| {
            let squares: f64 = known.iter().map(|value| (value - mean) * (value - mean)).sum();
            (squares / (known.len() - 1) as f64).sqrt()
        });
        report::FoldLine { name: name.clone(), mean, sd, values }
    };
    evaluation.metrics.iter().map(line).collect()
}

fn columns(trained: &Trained) -> Vec<report::ColumnProfile> {
    let artifact = &trained.artifact;
    let column = |(name, profile): (&ColumnName, &profile::ColumnProfile)| {
        let breaches = trained.findings.quality.columns.get(name).map(|quality| &quality.breaches);
        let invalid = breaches.and_then(|breaches| breaches.get(&evenstep_table::check::Breach::Invalid));
        report::ColumnProfile {
            unit: artifact.contract.columns.get(name).and_then(|rule| rule.unit.clone()),
            rows: artifact.profile.rows,
            invalid: invalid.map_or(0, |tally| tally.count),
            ..column_profile(name.as_str(), profile)
        }
    };
    artifact.profile.columns.iter().map(column).collect()
}

fn target_profile(artifact: &Artifact, profile: &profile::ColumnProfile) -> report::ColumnProfile {
    let target = &artifact.data.target;
    report::ColumnProfile {
        role: Some("target".to_owned()),
        unit: artifact.contract.columns.get(target).and_then(|rule| rule.unit.clone()),
        rows: artifact.profile.rows,
        ..column_profile(target.as_str(), profile)
    }
}

fn column_profile(name: &str, profile: &profile::ColumnProfile) -> report::ColumnProfile {
    let quantiles: Vec<(f64, f64)> = PROBABILITIES.into_iter().zip(profile.quantiles.iter().copied()).collect();
    let bins = profile.bounds.windows(2).zip(&profile.counts);
    report::ColumnProfile {
        name: name.to_owned(),
        kind: profile.kind.word().to_owned(),
        nulls: profile.nulls,
        distinct: profile.distinct,
        min: profile.quantiles.first().copied(),
        max: profile.quantiles.last().copied(),
        mean: profile.mean,
        quantiles,
        histogram: bins.map(|(bounds, count)| report::Bin { low: bounds[0], high: bounds[1], count: *count }).collect(),
        top: profile.top.clone(),
        ..report::ColumnProfile::default()
    }
}

/// The curves of the most frequent classes among the rows held out.
fn roc_by_class(classes: &[String], scored: &metric::Scored) -> Vec<(String, Vec<(f64, f64)>)> {
    let rows: Vec<u64> = curves::confusion(scored).unwrap_or_default().iter().map(|taken| taken.iter().sum()).collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|class| Reverse(rows[*class]));
    let drawn = order.into_iter().take(CLASSES_DRAWN);
    drawn.filter_map(|class| Some((classes[class].clone(), curves::roc(scored, class).ok()?))).collect()
}

fn calibration(scored: &metric::Scored) -> Vec<report::CalibrationBin> {
    let bins = curves::calibration(scored).unwrap_or_default().into_iter();
    bins.map(|bin| report::CalibrationBin { predicted: bin.predicted, observed: bin.observed, weight: bin.weight })
        .collect()
}

fn residuals(residuals: curves::Residuals) -> report::Residuals {
    let cloud = match residuals.cloud {
        curves::Cloud::Points(points) => report::Cloud::Points(points),
        curves::Cloud::Grid { predicted, actual, counts } => report::Cloud::Grid { predicted, actual, counts },
    };
    let bins = residuals.histogram.into_iter();
    report::Residuals {
        cloud,
        histogram: bins.map(|bin| report::Bin { low: bin.low, high: bin.high, count: bin.count }).collect(),
    }
}

fn step(artifact: &Artifact, step: &StepRecord) -> report::StepBox {
    let changed = |sign: char| {
        step.changes.iter().filter_map(|change| Some(artifact.called(change.strip_prefix(sign)?))).collect::<Vec<_>>()
    };
    report::StepBox {
        step: step.name.clone(),
        summary: format!("reads {}", counted(step.reads.len(), "column")),
        reads: step.reads.iter().map(|name| artifact.called(name.as_str())).collect(),
        adds: changed('+'),
        drops: changed('-'),
        retypes: changed('~'),
        changes: Vec::new(),
    }
}

fn parameters(spec: &Value) -> Vec<(String, String)> {
    let entries = spec.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    entries.map(|(name, value)| (name.clone(), value.to_string().trim_matches('"').to_owned())).collect()
}
