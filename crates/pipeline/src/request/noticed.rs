//! What is noticed of rows that are answered, for those who count it.

use evenstep_source::TypedRows;
use evenstep_table::ColumnName;

use crate::NoNumbers;

/// What was noticed of rows that were answered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Noticed {
    /// Results of steps that were no numbers.
    pub no_numbers: NoNumbers,
    /// How many cells of which columns are missing, whether they were sent as null, came to it by the contract, or weren't sent.
    pub missing: Vec<(ColumnName, u64)>,
    /// How many whole numbers of which columns no float is, so that the nearest was taken.
    pub rounded: Vec<(ColumnName, u64)>,
    /// How many cells were sent that nobody knows, where these are ignored.
    pub ignored: u64,
}

impl Noticed {
    /// Takes it out of rows that were read.
    pub(super) fn of(no_numbers: NoNumbers, read: &mut TypedRows) -> Noticed {
        let columns = std::mem::take(&mut read.quality.columns).into_iter().map(|(name, found)| (name, found.nulls));
        let missing = columns.filter(|(_, nulls)| *nulls > 0).collect();
        Noticed { no_numbers, missing, rounded: std::mem::take(&mut read.rounded), ignored: read.ignored }
    }
}
