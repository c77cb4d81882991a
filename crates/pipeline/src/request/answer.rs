//! What is said of one row.

use evenstep_model::Predictions;
use evenstep_table::{ColumnName, Task};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::Predictor;
use crate::score::{label, probability};

/// What is said of the rows of a request, and who says it.
#[derive(Serialize)]
struct Document<'p> {
    model: &'p str,
    version: &'p str,
    digest: &'p str,
    predictions: &'p [Answer<'p>],
}

/// The body of an answer in JSON.
pub fn document(predictor: &Predictor, predictions: &[Answer<'_>]) -> Vec<u8> {
    let Predictor { name: model, version, digest, .. } = predictor;
    serde_json::to_vec(&Document { model, version, digest, predictions }).expect("answers are plain data")
}

/// What is said of one row.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Answer<'p> {
    /// The row's id: its one column, or an object of several; else its index in the request.
    pub id: Value,
    /// A number or a class; null where the contract or the model gives none.
    pub prediction: Prediction<'p>,
    /// The probability of each class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<Probabilities<'p>>,
    /// Rules that the row breaks without being refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flagged>,
}

/// A rule that a row breaks without being refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Flagged {
    /// The column.
    pub field: ColumnName,
    /// The rule.
    pub rule: &'static str,
}

/// What a row is predicted to be.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(untagged)]
pub enum Prediction<'p> {
    /// A finite number.
    Number(f64),
    /// One of the classes.
    Class(&'p str),
    /// None.
    Null,
}

/// The probability of each class.
#[derive(Clone, PartialEq, Debug)]
pub struct Probabilities<'p> {
    task: &'p Task,
    outputs: Vec<f64>,
}

impl Serialize for Probabilities<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let classes = self.task.classes();
        let mut members = to.serialize_map(Some(classes.len()))?;
        for (class, name) in classes.iter().enumerate() {
            members.serialize_entry(name, &probability(self.task, &self.outputs, class))?;
        }
        members.end()
    }
}

impl<'p> Answer<'p> {
    pub(super) fn new(task: &'p Task, predictions: &Predictions, row: usize, id: Value, flags: Vec<Flagged>) -> Self {
        let (classes, outputs) = (task.classes(), predictions.row(row));
        let chosen = label(task, outputs);
        let prediction = match chosen {
            Some(class) => Prediction::Class(&classes[class]),
            None if classes.is_empty() && outputs[0].is_finite() => Prediction::Number(outputs[0]),
            None => Prediction::Null,
        };
        let probability = chosen.map(|_| Probabilities { task, outputs: outputs.to_vec() });
        Answer { id, prediction, probability, flags }
    }
}
