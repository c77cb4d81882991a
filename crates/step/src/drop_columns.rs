//! Drops columns.
//!
//! Learns: nothing.
//! Exact because it looks at no cell.
//! Known as feature-engine `DropFeatures(features_to_drop=)`, skrub `DropCols`. Differs: columns can be
//! chosen by type or pattern too.

use evenstep_table::{Batch, ColumnName, Schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Columns, Site, Step, StepError};

/// Drops columns.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropColumns {
    /// The columns to drop.
    pub columns: Columns,
}

impl Step for DropColumns {
    const NAME: &'static str = "drop_columns";
    learns_nothing!();

    fn reads(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError> {
        self.columns.resolve(schema, "any type", |_| true)
    }

    fn apply(&self, site: &Site, (): &(), batch: Batch) -> Result<Batch, StepError> {
        Ok(batch.retain(|name| site.columns.binary_search(name).is_err()))
    }

    fn only_chooses_columns(&self) -> bool {
        true
    }

    fn example() -> DropColumns {
        DropColumns { columns: Columns::named(["note"]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_live, numbers};

    #[test]
    fn all_other_columns_stay() {
        let x = || numbers(&[Some(1.0)]);
        let step = DropColumns { columns: Columns::named(["b", "a"]) };
        let before = [("a", x()), ("b", x()), ("c", x())];
        check_live(step, &before, &before, &[("c", x())]);
    }
}
