//! The baseline: predicts the mean of the target or a quantile of it, or how often each class occurs.
//!
//! Learns: the exact weighted mean or quantile of the target, or the mean of each class, from training rows only.
//! Known as scikit-learn `DummyRegressor("mean")`, `DummyRegressor("quantile")` and `DummyClassifier("prior")`.

use evenstep_exact::quantile::{QuantileRound, Ranks, Rule};
use evenstep_exact::reduce::{Next, Partial};
use evenstep_exact::sum::ExactSum;
use evenstep_table::{Batch, ColumnName, Schema, Task};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Aim, Family, ModelError, Predictions, Run, Stored, Tensor, Trained, Training};

/// Predicts the mean, or the share of each class, whatever the features.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dummy {
    /// In a regression, which quantile of the target is predicted: 0.5 is the median. Without it, the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantile: Option<f64>,
}

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

    fn check_hyperparameters(&self) -> Result<(), ModelError> {
        match self.quantile {
            Some(quantile) if !(quantile > 0.0 && quantile < 1.0) => {
                Err(ModelError::new(format!("`quantile` is {quantile}: between 0 and 1 is expected")))
            }
            _ => Ok(()),
        }
    }

    fn check(&self, task: &Task, _: &Schema) -> Result<(), ModelError> {
        match self.quantile {
            Some(_) if *task != Task::Regression => Err(ModelError::new("`quantile` is for a regression")),
            _ => Family::check_hyperparameters(self),
        }
    }

    fn aim(&self) -> Aim {
        self.quantile.map_or(Aim::Mean, Aim::Quantile)
    }

    fn fit(&self, data: &Training<'_>, run: &Run<'_>) -> Result<Trained<Vec<f64>>, ModelError> {
        if let Some(quantile) = self.quantile {
            let model = quantile_of_target(quantile, data, run)?;
            return Ok(Trained { model, importance: Vec::new(), curve: Vec::new(), notes: Vec::new() });
        }
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
            return Err(no_weight());
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
        Dummy::default()
    }
}

fn no_weight() -> ModelError {
    ModelError::new("there is no row with a weight to learn from")
}

/// The least target that so large a share of the weight doesn't exceed; where the share is met exactly, midway to the next.
fn quantile_of_target(quantile: f64, data: &Training<'_>, run: &Run<'_>) -> Result<Vec<f64>, ModelError> {
    let mut round = QuantileRound::start(&[quantile], Rule::AveragedInvertedCdf);
    loop {
        let seen: Ranks = run.workers.fold(data.batches.len(), |task, seen: &mut Ranks| {
            let labels = data.batches[task].training();
            let weights: Vec<f64> = (0..labels.target.len()).map(|row| labels.weight(row)).collect();
            seen.observe_weighted(&round, &labels.target, &weights);
        });
        match round.next(seen) {
            Next::Again(next) => round = next,
            Next::Done(found) => return found.ok_or_else(no_weight),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{batch, fit};

    #[test]
    fn a_mean_is_rounded_once_whatever_the_sums_are() {
        let of = |target: Vec<f64>, weight: Vec<f64>| {
            fit(&Dummy::default(), &Task::Regression, &batch(Vec::new(), target, weight)).map(|trained| trained.model)
        };
        assert_eq!(of(vec![1e308, 1.5e308, 1.1e308], Vec::new()).unwrap(), [1.2e308]);
        assert_eq!(of(vec![1.0, 2.0, 9.0], vec![1e15, 1e15, 0.0]).unwrap(), [1.5]);
        assert!(of(vec![1.0], vec![0.0]).is_err());
    }
    #[test]
    fn a_quantile_is_one_of_the_weighted_rows() {
        let of = |quantile, weight: Vec<f64>| {
            let dummy = Dummy { quantile: Some(quantile) };
            fit(&dummy, &Task::Regression, &batch(Vec::new(), (1..=10).map(f64::from).collect(), weight))
                .map(|trained| trained.model)
        };
        assert_eq!(of(0.95, Vec::new()).unwrap(), [10.0]);
        assert_eq!(of(0.5, Vec::new()).unwrap(), [5.5]);
        assert_eq!(of(0.5, [vec![1.0; 9], vec![20.0]].concat()).unwrap(), [10.0]);
        assert!(of(0.5, vec![0.0; 10]).is_err());
        let checked = |quantile, task: Task| Dummy { quantile: Some(quantile) }.check(&task, &Schema::new()).is_ok();
        assert_eq!([0.0, 0.3, 1.0, f64::NAN].map(|q| checked(q, Task::Regression)), [false, true, false, false]);
        assert!(!checked(0.3, Task::Ranking));
    }
}
