//! What was found wrong with rows: exact counts, and the first places of each kind.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use evenstep_exact::reduce::Partial;
use serde::{Deserialize, Serialize};

use crate::ColumnName;
use crate::check::{Breach, Found};

/// So many places are shown of each kind.
pub const SHOWN: usize = 10;

/// Where a row stands: its file, and its number there, from 1, not counting the header.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Place {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The row's number among the file's rows of data.
    pub row: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, row {}", self.file, self.row)
    }
}

/// A cell that breaks a rule, with its place: a line of `NAME.quarantine.jsonl`, and of messages.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Violation {
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// The row's id, where one is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The column.
    pub column: ColumnName,
    /// What was there; None for nulls and for personal columns.
    pub value: Option<String>,
    /// Which rule it breaks.
    pub rule: Breach,
    /// How, for people.
    #[serde(skip)]
    pub because: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { place, id, column, value, rule, because } = self;
        write!(f, "{place}")?;
        if let Some(id) = id {
            write!(f, " (id {id})")?;
        }
        write!(f, ", column `{column}`: ")?;
        match value {
            _ if !because.is_empty() => f.write_str(because),
            Some(value) => write!(f, "`{value}` breaks rule `{}`", rule.word()),
            None => write!(f, "rule `{}`", rule.word()),
        }
    }
}

/// A count, with the first few places by file and row.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// How many there are.
    pub count: u64,
    /// The first of them, by file and row.
    pub first: Vec<Violation>,
}

impl Tally {
    /// Counts one more. `violation` is called only if it may be among the first.
    pub fn add(&mut self, place: &Place, violation: impl FnOnce() -> Violation) {
        self.count += 1;
        if self.first.len() == SHOWN && self.first[SHOWN - 1].place < *place {
            return;
        }
        let violation = violation();
        let at = self.first.partition_point(|earlier| *earlier <= violation);
        self.first.insert(at, violation);
        self.first.truncate(SHOWN);
    }
}

impl Partial for Tally {
    fn merge(&mut self, other: Tally) {
        self.count += other.count;
        self.first.extend(other.first);
        self.first.sort();
        self.first.truncate(SHOWN);
    }
}

/// What was found in one column.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ColumnQuality {
    /// Nulls, however they came about.
    pub nulls: u64,
    /// Nulls that were NaN in the source.
    pub nan: u64,
    /// Cells that break a rule, by rule.
    pub breaches: BTreeMap<Breach, Tally>,
}

impl ColumnQuality {
    /// How many cells break the rule.
    pub fn count(&self, breach: Breach) -> u64 {
        self.breaches.get(&breach).map_or(0, |tally| tally.count)
    }
}

impl Partial for ColumnQuality {
    fn merge(&mut self, other: ColumnQuality) {
        self.nulls += other.nulls;
        self.nan += other.nan;
        Partial::merge(&mut self.breaches, other.breaches);
    }
}

/// What was found in all columns.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Quality {
    /// Rows read.
    pub rows: u64,
    /// Rows set aside.
    pub quarantined: u64,
    /// By column.
    pub columns: BTreeMap<ColumnName, ColumnQuality>,
    /// Cells that are refused.
    pub rejected: Tally,
}

impl Quality {
    /// Notes a cell that breaks a rule.
    pub fn add(&mut self, column: &ColumnName, found: &Found, place: &Place, violation: impl Fn() -> Violation) {
        let quality = match self.columns.get_mut(column) {
            Some(quality) => quality,
            None => self.columns.entry(column.clone()).or_default(),
        };
        quality.breaches.entry(found.breach).or_default().add(place, &violation);
        if found.outcome == crate::check::Outcome::Rejected {
            self.rejected.add(place, violation);
        }
    }
}

impl Partial for Quality {
    fn merge(&mut self, other: Quality) {
        self.rows += other.rows;
        self.quarantined += other.quarantined;
        Partial::merge(&mut self.columns, other.columns);
        self.rejected.merge(other.rejected);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn violation(file: u8, row: u8) -> Violation {
        let place = Place { file: format!("{file}.csv").into(), row: row.into() };
        let column = ColumnName::new("x").expect("not empty");
        Violation { place, id: None, column, value: Some("v".to_owned()), rule: Breach::Min, because: String::new() }
    }

    fn tally(places: &[(u8, u8)]) -> Tally {
        let mut tally = Tally::default();
        for (file, row) in places {
            let violation = violation(*file, *row);
            tally.add(&violation.place.clone(), || violation);
        }
        tally
    }

    #[test]
    fn a_violation_is_a_line_of_json_and_of_text() {
        let mut violation = violation(1, 7);
        insta::assert_snapshot!(serde_json::to_string(&violation).expect("JSON"), @r#"{"file":"1.csv","row":7,"column":"x","value":"v","rule":"min"}"#);
        violation.id = Some("42".to_owned());
        insta::assert_snapshot!(violation, @"1.csv, row 7 (id 42), column `x`: `v` breaks rule `min`");
    }

    proptest! {
        #[test]
        fn the_first_places_don_t_depend_on_order_or_grouping(
            places in prop::collection::vec((0u8..3, 0u8..50), 0..60), cut in 0usize..60, turn in 0usize..60,
        ) {
            let whole = tally(&places);
            let mut turned = places.clone();
            turned.rotate_left(turn.min(places.len()));
            let (left, right) = turned.split_at(cut.min(turned.len()));
            let mut merged = tally(right);
            merged.merge(tally(left));
            prop_assert_eq!(&merged, &whole);
            let mut sorted = places;
            sorted.sort();
            let first: Vec<(String, u64)> =
                sorted.iter().take(SHOWN).map(|(file, row)| (format!("{file}.csv"), (*row).into())).collect();
            let found: Vec<(String, u64)> =
                whole.first.iter().map(|violation| (violation.place.file.to_string(), violation.place.row)).collect();
            prop_assert_eq!(found, first);
        }
    }
}
