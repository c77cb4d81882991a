//! How much rows of each class weigh.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use evenstep_exact::reduce::Partial;
use evenstep_exact::sum::ExactSum;
use evenstep_table::{Batch, Labels, Task, did_you_mean};
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{ModelError, Run, Training, WEIGHT_MAX};

/// How much a row of each class weighs, times its own weight.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ClassWeights {
    /// By class; 1 for classes that are not named.
    Each(BTreeMap<String, f64>),
    /// A word for how they follow from the rows.
    By(Rule),
}

/// How the weights of classes follow from the training rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// All classes together weigh as much as before, and each as much as any other: the weight of all rows, by the number of
    /// classes that have rows and by the weight of the rows of the class.
    Balanced,
}

impl Default for ClassWeights {
    fn default() -> ClassWeights {
        ClassWeights::Each(BTreeMap::new())
    }
}

impl ClassWeights {
    /// Whether every class weighs 1.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, ClassWeights::Each(weights) if weights.is_empty())
    }

    /// Refuses weights that are none, and those of classes that the target doesn't have.
    pub(crate) fn check(&self, task: &Task) -> Result<(), ModelError> {
        let classes = task.classes();
        if !self.is_empty() && classes.is_empty() {
            return Err(ModelError::new("`class_weights` is for classes, and the target has none")
                .help("`[data] weight` names a column with the weight of each row"));
        }
        let ClassWeights::Each(weights) = self else { return Ok(()) };
        for (class, weight) in weights {
            if !(0.0..=WEIGHT_MAX).contains(weight) {
                return Err(ModelError::new(format!(
                    "`class_weights.{class}` is {weight:?}, but it is 0 or above, and at most {WEIGHT_MAX:e}"
                )));
            }
        }
        let Some(unknown) = weights.keys().find(|class| !classes.contains(class)) else { return Ok(()) };
        let error = ModelError::new(format!("`class_weights` names `{unknown}`, which is no class of the target"));
        Err(match did_you_mean(unknown, classes.iter().map(String::as_str)) {
            Some(help) => error.help(help),
            None => error,
        })
    }

    /// The training rows, each with its weight times that of its class.
    pub(crate) fn weighted<'a>(&self, data: &Training<'a>, run: &Run<'_>) -> Cow<'a, [Batch]> {
        let of_class = self.of(data, run);
        if of_class.is_empty() {
            return Cow::Borrowed(data.batches);
        }
        let weighted = |batch: &Batch| {
            let labels = batch.training();
            let weight = labels.target.iter().enumerate();
            let weight = weight.map(|(row, class)| labels.weight(row) * of_class[*class as usize]).collect();
            let labels = Labels { weight, ..labels.clone() };
            let mut batch = batch.clone();
            batch.labels = Some(Arc::new(labels));
            batch
        };
        data.batches.iter().map(weighted).collect()
    }

    /// The weight of each class by its index; none if all are 1.
    pub(crate) fn of(&self, data: &Training<'_>, run: &Run<'_>) -> Vec<f64> {
        match self {
            ClassWeights::Each(weights) if weights.is_empty() => Vec::new(),
            ClassWeights::Each(weights) => {
                data.task.classes().iter().map(|class| weights.get(class).copied().unwrap_or(1.0)).collect()
            }
            ClassWeights::By(Rule::Balanced) => balanced(data, run),
        }
    }
}

/// n / (k · nᵢ) where k classes have rows, as scikit-learn's `compute_class_weight`, with weights in place of counts.
/// Source: King & Zeng 2001, Political Analysis 9(2).
fn balanced(data: &Training<'_>, run: &Run<'_>) -> Vec<f64> {
    let sums = rows_of_classes(data, run);
    let all: f64 = sums.iter().sum();
    let classes = sums.iter().filter(|sum| **sum > 0.0).count() as f64;
    // Of a class without rows no weight is asked for.
    sums.iter().map(|sum| if *sum > 0.0 { (all / (classes * sum)).min(WEIGHT_MAX) } else { 1.0 }).collect()
}

/// What the rows of each class weigh together.
pub(crate) fn rows_of_classes(data: &Training<'_>, run: &Run<'_>) -> Vec<f64> {
    let classes = data.task.classes().len();
    let Sums(sums) = run.workers.fold(data.batches.len(), |task, Sums(sums): &mut Sums| {
        let labels = data.batches[task].training();
        sums.resize_with(classes, ExactSum::default);
        for (row, class) in labels.target.iter().enumerate() {
            sums[*class as usize].add(labels.weight(row));
        }
    });
    sums.iter().map(ExactSum::value).collect()
}

/// The weight of each class's rows.
#[derive(Default, Serialize, Deserialize)]
struct Sums(Vec<ExactSum>);

impl Partial for Sums {
    fn merge(&mut self, other: Sums) {
        self.0.merge(other.0);
    }
}

impl<'de> Deserialize<'de> for ClassWeights {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<ClassWeights, D::Error> {
        struct Written;
        impl<'de> Visitor<'de> for Written {
            type Value = ClassWeights;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of weights by class, or \"balanced\",")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<ClassWeights, E> {
                match word {
                    "balanced" => Ok(ClassWeights::By(Rule::Balanced)),
                    _ => Err(E::invalid_value(Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ClassWeights, A::Error> {
                BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(ClassWeights::Each)
            }
        }
        from.deserialize_any(Written)
    }
}

#[cfg(test)]
mod tests {
    use evenstep_exact::draw::{Draws, Seed};
    use evenstep_exact::reduce::Workers;
    use evenstep_table::{Column, Schema};

    use super::*;
    use crate::testing::{batch, multiclass};

    fn balanced(batches: &[Batch]) -> Vec<f64> {
        let (workers, task, features) = (Workers::threads(2), multiclass(4), Schema::new());
        let run = Run { workers: &workers, draws: Draws::new(Seed(0), "t"), progress: &|_, _, _| () };
        ClassWeights::By(Rule::Balanced).of(&Training { batches, features: &features, task: &task }, &run)
    }

    /// scikit-learn 1.9.1 `compute_class_weight("balanced")`: n / (k · nᵢ), of the classes that have rows.
    #[test]
    fn balanced_classes_weigh_as_in_scikit_learn() {
        let x = |rows: usize| vec![("x", Column::Number(vec![0.0; rows]))];
        let plain = batch(x(6), vec![0.0, 0.0, 0.0, 1.0, 1.0, 3.0], Vec::new());
        assert_eq!(balanced(std::slice::from_ref(&plain)), [6.0 / 9.0, 6.0 / 6.0, 1.0, 6.0 / 3.0]);
        assert_eq!(balanced(&[plain.take(&[5, 1, 3]), plain.take(&[4, 2, 0])]), balanced(&[plain]));
        let weighted = batch(x(3), vec![0.0, 1.0, 1.0], vec![0.5, 1.5, 2.0]);
        assert_eq!(balanced(&[weighted]), [4.0 / (2.0 * 0.5), 4.0 / (2.0 * 3.5), 1.0, 1.0]);
    }

    #[test]
    fn a_class_that_weighs_next_to_nothing_has_a_weight_that_is_a_number() {
        let rows = batch(vec![("x", Column::Number(vec![0.0; 2]))], vec![0.0, 1.0], vec![1.0, 1e-310]);
        assert_eq!(balanced(&[rows])[1], WEIGHT_MAX);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for written in [r#""balanced""#, r#"{"a":2.0}"#] {
            let weights: ClassWeights = serde_json::from_str(written).expect("it reads");
            assert_eq!(serde_json::to_string(&weights).expect("plain data"), written);
        }
        let error = serde_json::from_str::<ClassWeights>(r#""even""#).expect_err("no such word").to_string();
        assert!(error.contains("invalid value: string \"even\", expected a table"), "{error}");
    }
}
