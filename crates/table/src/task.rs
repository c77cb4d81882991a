//! What a pipeline predicts.

use serde::{Deserialize, Serialize};

/// What is to be predicted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Task {
    /// A number.
    Regression,
    /// One of two classes; the target is 1 for the positive one.
    Binary {
        /// The negative class, then the positive one.
        classes: [String; 2],
    },
    /// One of several classes; the target is its position in the list.
    Multiclass {
        /// The classes, in canonical order.
        classes: Vec<String>,
    },
    /// An order of the rows of each group; the target is how relevant a row is, a whole number from 0.
    Ranking,
}

impl Task {
    /// The classes, in the order of their indices; none in a regression.
    pub fn classes(&self) -> &[String] {
        match self {
            Task::Regression | Task::Ranking => &[],
            Task::Binary { classes } => classes,
            Task::Multiclass { classes } => classes,
        }
    }
}
