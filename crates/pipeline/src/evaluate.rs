//! Judging a model on rows that it has not seen.

use evenstep_exact::draw::Draws;
use evenstep_exact::reduce::Workers;
use evenstep_model::metric::{self, Metric, Scored, Undefined};
use evenstep_model::{Aim, Predictions};
use evenstep_table::check::SeenColumns;
use evenstep_table::rule::Unseen;
use evenstep_table::{Batch, Coded, Column, Contract, Labels, NULL_CODE, RowKey, Task};

use crate::PipelineError;
use crate::artifact::Measured;
use crate::spec::Spec;

/// Rows as the model and the baseline score them.
pub struct Scores {
    /// By the model.
    pub model: Scored,
    /// By the baseline.
    pub baseline: Scored,
    /// The rows' keys, or those of their groups.
    pub keys: Vec<RowKey>,
}

impl Scores {
    pub(crate) fn new(task: &Task, aim: Aim) -> Scores {
        let none = || Scored::new(task.clone()).with_aim(aim);
        Scores { model: none(), baseline: none(), keys: Vec::new() }
    }

    /// Some of the rows, by their positions.
    pub(crate) fn of_rows(&self, rows: &[usize]) -> Scores {
        Scores {
            model: self.model.of_rows(rows),
            baseline: self.baseline.of_rows(rows),
            keys: rows.iter().map(|row| self.keys[*row]).collect(),
        }
    }

    pub(crate) fn add(&mut self, keys: &[RowKey], labels: &Labels, model: Predictions, baseline: Predictions) {
        // Rows of a group were held out together, so that they are resampled together, too.
        self.keys.extend_from_slice(if labels.group.is_empty() { keys } else { &labels.group });
        self.model.add_groups(&labels.group);
        self.baseline.add_groups(&labels.group);
        self.model.add(&labels.target, &labels.weight, model);
        self.baseline.add(&labels.target, &labels.weight, baseline);
    }
}

/// The metrics that the spec asks for, or the usual ones of the task and the model.
pub(crate) fn metrics(spec: &Spec, task: &Task) -> Result<Vec<Metric>, PipelineError> {
    if spec.report.metrics.is_empty() {
        return Ok(metric::usual(task, spec.model.aim()));
    }
    let find = |name: &String| {
        metric::find(name).and_then(|metric| metric.suits(task).map(|()| metric)).map_err(|error| {
            let error = PipelineError::input(error.message).help(error.help);
            spec.text.point(error, &["report", "metrics"], "named here")
        })
    };
    spec.report.metrics.iter().map(find).collect()
}

/// Each metric with its interval, and the baseline's value.
pub(crate) fn measure(metrics: &[Metric], scores: &Scores, draws: &Draws, workers: &Workers) -> Vec<Measured> {
    let compared = metric::compare(metrics, &scores.model, &scores.baseline, &scores.keys, draws, workers);
    let measured = metrics.iter().zip(compared).map(|(metric, compared)| {
        let value = metric.value(&scores.model);
        Measured {
            metric: metric.name(),
            interval: compared.interval.filter(|_| value.is_ok()),
            better_by: compared.better_by,
            baseline: metric.value(&scores.baseline).ok(),
            higher_is_better: metric.higher_is_better,
            undefined: value.as_ref().err().map(|Undefined(reason)| reason.clone()),
            value: value.ok(),
        }
    });
    measured.collect()
}

/// Held-out rows as scoring would see them: categories that training never saw become null
/// where the contract says so.
pub(crate) fn by_policy(mut batches: Vec<Batch>, contract: &Contract, seen: &SeenColumns) -> Vec<Batch> {
    let to_null = contract.columns.iter().filter(|(_, rule)| rule.unseen == Unseen::Null);
    for (name, _) in to_null {
        let Some(known) = seen.get(name).and_then(|seen| seen.categories.as_ref()) else { continue };
        for batch in &mut batches {
            let Some(Column::Category(coded)) = batch.get(name.as_str()) else { continue };
            let kept = coded.map_values(|value| known.contains(value));
            let is_kept = |code: u32| kept.get(code as usize) == Some(&true);
            let codes = coded.codes.iter().map(|code| if is_kept(*code) { *code } else { NULL_CODE }).collect();
            let column = Column::Category(Coded { values: coded.values.clone(), codes });
            batch.insert(name.clone(), column);
        }
    }
    batches
}
