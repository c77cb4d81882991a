//! What the model loses when requests leave out a field that they may leave out (`absent = "null"`): the rows held out are
//! scored again without it, as the policy says.

use evenstep_model::metric::Metric;
use evenstep_table::rule::Absent;
use evenstep_table::{Batch, Column, ColumnName, Contract};

use crate::PipelineError;
use crate::artifact::{AbsentField, AbsentMetric};
use crate::evaluate::Scores;
use crate::no_numbers::NoNumbers;

/// The rows held out, scored without a field; or why they can't be.
pub(crate) type Without = (ColumnName, Result<Scores, PipelineError>);

/// The fields that requests may leave out.
pub(crate) fn fields(contract: &Contract, inputs: &[ColumnName]) -> Vec<ColumnName> {
    inputs.iter().filter(|name| contract.columns[*name].absent == Absent::Null).cloned().collect()
}

/// The rows scored once for each field, without it.
pub(crate) fn without(
    fields: &[ColumnName],
    rows: &[Batch],
    score: impl Fn(Vec<Batch>) -> Result<(Scores, NoNumbers), PipelineError>,
) -> Vec<Without> {
    let nulled = |name: &ColumnName| {
        let batches = rows.iter().map(|batch| {
            let mut batch = batch.clone();
            let nulls = Column::null(batch.column(name).kind(), batch.rows());
            batch.insert(name.clone(), nulls);
            batch
        });
        batches.collect()
    };
    fields.iter().map(|name| (name.clone(), score(nulled(name)).map(|(scores, _)| scores))).collect()
}

/// How much worse each metric is without each field; nothing, if no row was held out.
pub(crate) fn losses(without: Vec<Without>, metrics: &[Metric], whole: &Scores) -> Vec<AbsentField> {
    if whole.keys.is_empty() {
        return Vec::new();
    }
    let lost = |(field, scores): Without| match scores {
        Err(error) => AbsentField { field, metrics: Vec::new(), refused: Some(error.message) },
        Ok(scores) if scores.model.nulls() == whole.keys.len() => {
            AbsentField { field, metrics: Vec::new(), refused: Some("the model takes no null there".to_owned()) }
        }
        Ok(scores) => {
            let metrics = metrics.iter().map(|metric| {
                let (with, value) = (metric.value(&whole.model).ok(), metric.value(&scores.model).ok());
                let worse = |with: f64, value: f64| if metric.higher_is_better { with - value } else { value - with };
                // −0 is 0.
                let loss = with.zip(value).map(|(with, value)| worse(with, value) + 0.0);
                AbsentMetric { metric: metric.name(), value, loss }
            });
            AbsentField { field, metrics: metrics.collect(), refused: None }
        }
    };
    without.into_iter().map(lost).collect()
}
