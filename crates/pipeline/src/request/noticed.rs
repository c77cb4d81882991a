//! What is noticed of rows that are answered, for those who count it.

use evenstep_table::ColumnName;
use evenstep_table::quality::Quality;

use crate::NoNumbers;

/// What was noticed of rows that were answered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Noticed {
    /// Results of steps that were no numbers.
    pub no_numbers: NoNumbers,
    /// How many cells of which columns are missing, whether they were sent as null, came to it by the contract, or weren't sent.
    pub missing: Vec<(ColumnName, u64)>,
}

impl Noticed {
    pub(super) fn of(no_numbers: NoNumbers, quality: Quality) -> Noticed {
        let columns = quality.columns.into_iter().map(|(name, found)| (name, found.nulls));
        Noticed { no_numbers, missing: columns.filter(|(_, nulls)| *nulls > 0).collect() }
    }
}
