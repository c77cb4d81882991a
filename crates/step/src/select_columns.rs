//! Keeps some columns and drops all others.
//!
//! Learns: nothing.
//! Exact because it looks at no cell.
//! Known as scikit-learn `ColumnTransformer(remainder="drop")` and skrub `SelectCols`. Differs: columns
//! are chosen by name, type or pattern, never by position.

use evenstep_table::{Batch, ColumnName, Schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Columns, Site, Step, StepError};

/// Keeps some columns and drops all others.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectColumns {
    /// The columns to keep.
    pub columns: Columns,
}

impl Step for SelectColumns {
    const NAME: &'static str = "select_columns";
    learns_nothing!();

    fn reads(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError> {
        self.columns.resolve(schema, "any type", |_| true)
    }

    fn apply(&self, site: &Site, (): &(), batch: Batch) -> Result<Batch, StepError> {
        Ok(batch.retain(|name| site.columns.binary_search(name).is_ok()))
    }

    fn only_chooses_columns(&self) -> bool {
        true
    }

    fn example() -> SelectColumns {
        SelectColumns { columns: Columns::named(["age", "city"]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_live, numbers};

    #[test]
    fn all_other_columns_go() {
        let x = || numbers(&[Some(1.0)]);
        let step = SelectColumns { columns: Columns::named(["b", "a"]) };
        let before = [("a", x()), ("b", x()), ("c", x())];
        check_live(step, &before, &before, &[("a", x()), ("b", x())]);
    }
}
