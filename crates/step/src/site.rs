//! Where a step stands in a pipeline.

use std::collections::BTreeMap;

use evenstep_exact::draw::Draws;
use evenstep_table::{ColumnName, Schema, Task};

/// What a step is told of its surroundings: compiled once, the same in training and serving.
#[derive(Clone, Debug)]
pub struct Site {
    /// The step's name and how often it came before, such as `target_encode/2`: unique in a pipeline.
    pub name: String,
    /// What `Step::reads` answered.
    pub columns: Vec<ColumnName>,
    /// The types of all columns as they arrive here.
    pub schema: Schema,
    /// The time zones that the contract gives to instants, by column.
    pub zones: BTreeMap<ColumnName, String>,
    /// What the pipeline predicts.
    pub task: Task,
    /// Draws under the purpose `<use>/<n-th use of it>`; each column draws within its own name.
    pub draws: Draws,
}
