//! What becomes of cells and rows that a contract doesn't expect.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of a null.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// It stays; flagged where training saw none.
    #[default]
    Allow,
    /// It is refused.
    Reject,
}

/// What becomes of a cell that is not of its column's type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Invalid {
    /// It is refused.
    #[default]
    Reject,
    /// It becomes null, and is flagged.
    Null,
    /// Its row is set aside: no part of training, a null prediction when scored.
    Quarantine,
}

/// What becomes of a category outside `values`, or that training never saw.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unseen {
    /// It stays, and is flagged; steps and models know it as unseen.
    #[default]
    Other,
    /// It becomes null, and is flagged.
    Null,
    /// It is refused.
    Reject,
}

/// What becomes of a value below `min` or above `max`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutOfRange {
    /// It stays, and is flagged.
    #[default]
    Flag,
    /// The bound takes its place, and it is flagged.
    Clip,
    /// It becomes null, and is flagged.
    Null,
    /// It is refused.
    Reject,
}

/// Where the value comes from when a prediction is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Available {
    /// The request brings it.
    #[default]
    Request,
    /// A feature store has it.
    Store,
    /// Nobody has it yet: it must not reach a model.
    No,
}

/// What becomes of rows that lack the column.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// They are refused.
    #[default]
    Reject,
    /// The cell is null, and flagged.
    Null,
}
