//! The stages that a trace commits to.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in the flow of the data; ordered as the data flow.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Stage {
    /// Rows as they were read by the contract.
    Input,
    /// In a training: what is known of rows besides, target, weight and group.
    Labels,
    /// Which rows are held out.
    Split,
    /// What a step made of the columns that it writes.
    Step {
        /// Its number in the spec, from 1.
        number: u32,
        /// What `use = "…"` calls it.
        name: String,
        /// Which form of its output.
        form: Form,
    },
    /// What the model says; in a training, of the rows held out.
    Prediction,
}

/// Which form of a step's output.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Form {
    /// Where the training rows get another one than all others: what they get.
    Training,
    /// What scoring gives.
    Applied,
}

impl Stage {
    /// The stage of a step.
    pub fn step(number: usize, name: &str, form: Form) -> Stage {
        Stage::Step { number: u32::try_from(number).unwrap_or(u32::MAX), name: name.to_owned(), form }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stage::Input => f.write_str("input"),
            Stage::Labels => f.write_str("labels"),
            Stage::Split => f.write_str("split"),
            Stage::Step { number, name, form: Form::Applied } => write!(f, "step {number} {name}"),
            Stage::Step { number, name, form: Form::Training } => write!(f, "step {number} {name}, training rows"),
            Stage::Prediction => f.write_str("prediction"),
        }
    }
}
