//! The baseline: predicts the mean of the target, or how often each class occurs.
//!
//! Learns: the exact weighted mean of the target, or of each class, from training rows only.
//! Known as scikit-learn `DummyRegressor("mean")` and `DummyClassifier("prior")`.

use evenstep_exact::reduce::Partial;
use evenstep_exact::sum::ExactSum;
use evenstep_table::{Batch, ColumnName, Schema, Task};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Family, ModelError, Predictions, Run, Stored, Tensor, Trained, Training};

/// Predicts the mean, or the share of each class, whatever the features.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dummy {}

/// What is seen of the target: its weighted sum by output, and the sum of weights.
#[derive(Default, Serialize, Deserialize)]
struct Seen {
    sums: Vec<ExactSum>,
    weight: ExactSum,
}

impl Partial for Seen {
    fn merge(&mut self, other: Seen) {
        self.sums.merge(other.sums);
        self.weight.merge(other.weight);
    }
}

impl Family for Dummy {
    const NAME: &'static str = "dummy";
    type Model = Vec<f64>;

    fn check(&self, _: &Task, _: &Schema) -> Result<(), ModelError> {
        Ok(())
    }

    fn fit(&self, data: &Training<'_>, run: &Run<'_>) -> Result<Trained<Vec<f64>>, ModelError> {
        let classes = match data.task {
            Task::Multiclass { classes } => Some(classes.len()),
            _ => None,
        };
        let seen: Seen = run.workers.fold(data.batches.len(), |task, seen: &mut Seen| {
            let batch = &data.batches[task];
            let labels = batch.training();
            seen.sums.resize_with(classes.unwrap_or(1), ExactSum::default);
            for row in 0..batch.rows() {
                let weight = labels.weight(row);
                seen.weight.add(weight);
                match classes {
                    Some(_) => seen.sums[labels.target[row] as usize].add(weight),
                    None => seen.sums[0].add_product(weight, labels.target[row]),
                }
            }
        });
        if seen.weight.is_zero() {
            return Err(ModelError::new("there is no row with a weight to learn from"));
        }
        let model = seen.sums.iter().filter_map(|sum| sum.divided_by(&seen.weight)).collect();
        Ok(Trained { model, importance: Vec::new(), curve: Vec::new(), notes: Vec::new() })
    }

    fn predict(&self, model: &Vec<f64>, _: &[ColumnName], batch: &Batch) -> Predictions {
        Predictions { width: model.len(), values: model.repeat(batch.rows()) }
    }

    fn store(&self, model: &Vec<f64>) -> Stored {
        Stored {
            facts: serde_json::json!({}),
            tensors: [("output".to_owned(), Tensor::F64(model.clone().into()))].into(),
        }
    }

    fn restore(&self, _: &Schema, task: &Task, stored: &Stored) -> Result<Vec<f64>, ModelError> {
        let width = if let Task::Multiclass { classes } = task { classes.len() } else { 1 };
        match stored.tensors.get("output") {
            Some(Tensor::F64(model)) if model.len() == width && model.iter().all(|x| x.is_finite()) => {
                Ok(model.to_vec())
            }
            _ => Err(ModelError::new(format!("a `dummy` model holds {width} finite numbers"))),
        }
    }

    fn example() -> Dummy {
        Dummy {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{batch, fit};

    #[test]
    fn a_mean_is_rounded_once_whatever_the_sums_are() {
        let of = |target: Vec<f64>, weight: Vec<f64>| {
            fit(&Dummy {}, &Task::Regression, &batch(Vec::new(), target, weight)).map(|trained| trained.model)
        };
        assert_eq!(of(vec![1e308, 1.5e308, 1.1e308], Vec::new()).unwrap(), [1.2e308]);
        assert_eq!(of(vec![1.0, 2.0, 9.0], vec![1e15, 1e15, 0.0]).unwrap(), [1.5]);
        assert!(of(vec![1.0], vec![0.0]).is_err());
    }
}
