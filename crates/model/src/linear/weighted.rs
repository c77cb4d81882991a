//! What a linear model has learned: an intercept and a coefficient a feature, for each output.

use evenstep_table::{Batch, ColumnName, Schema};
use serde_json::json;

use crate::{ModelError, Stored, Tensor};

/// Intercepts by output, and coefficients by output and then feature, in canonical order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Weighted {
    pub(crate) intercepts: Vec<f64>,
    pub(crate) coefficients: Vec<f64>,
}

impl Weighted {
    /// Intercept plus coefficient times feature, in canonical order, row by row for each output in turn.
    /// A null in any feature makes the score NaN, and so does one that is beyond all floats.
    pub(crate) fn scores(&self, features: &[ColumnName], batch: &Batch) -> Vec<Vec<f64>> {
        assert_eq!(self.coefficients.len(), self.intercepts.len() * features.len(), "one coefficient a feature");
        let mut scores: Vec<Vec<f64>> =
            self.intercepts.iter().map(|intercept| vec![*intercept; batch.rows()]).collect();
        for (at, name) in features.iter().enumerate() {
            let cells = batch.column(name).to_numbers().expect("`check` lets only numbers through");
            for (output, scores) in scores.iter_mut().enumerate() {
                let coefficient = self.coefficients[output * features.len() + at];
                scores.iter_mut().zip(&*cells).for_each(|(score, x)| *score += coefficient * x);
            }
        }
        scores.iter_mut().flatten().filter(|score| score.is_infinite()).for_each(|score| *score = f64::NAN);
        scores
    }

    pub(crate) fn store(&self) -> Stored {
        let tensors = [
            ("coefficients".to_owned(), Tensor::F64(self.coefficients.clone().into())),
            ("intercepts".to_owned(), Tensor::F64(self.intercepts.clone().into())),
        ];
        Stored { facts: json!({}), tensors: tensors.into() }
    }

    /// What `store` wrote.
    pub(crate) fn restore(
        family: &str,
        features: &Schema,
        outputs: usize,
        stored: &Stored,
    ) -> Result<Weighted, ModelError> {
        let numbers = |name: &str, count: Option<usize>| match stored.tensors.get(name) {
            Some(Tensor::F64(numbers)) if Some(numbers.len()) == count && numbers.iter().all(|x| x.is_finite()) => {
                Ok(numbers.to_vec())
            }
            _ => Err(ModelError::new(format!(
                "a `{family}` model of {} features and {outputs} outputs has so many finite `{name}`",
                features.len()
            ))),
        };
        Ok(Weighted {
            intercepts: numbers("intercepts", Some(outputs))?,
            coefficients: numbers("coefficients", outputs.checked_mul(features.len()))?,
        })
    }
}
