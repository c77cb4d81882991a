//! Holds typed columns against their rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use crate::build::Typed;
use crate::rule::{self, Absent, BoundKey, Invalid, Missing, OutOfRange, Rule, Unseen};
use crate::{Coded, Column, ColumnName, NULL_CODE, NULL_DATE, NULL_INTEGER, Strings};

/// The rule that a cell breaks, by its key in the contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breach {
    /// A null.
    Missing,
    /// Not of the column's type.
    Invalid,
    /// Below the least allowed value.
    Min,
    /// Above the greatest allowed value.
    Max,
    /// Not one of the allowed categories.
    Values,
    /// A category that training never saw.
    Unseen,
    /// A value that occurs more than once.
    Unique,
    /// A column that is not there.
    Absent,
    /// A column that nobody asked for.
    Unknown,
}

impl Breach {
    /// The word for it in flags and errors.
    pub fn word(self) -> &'static str {
        match self {
            Breach::Missing => "missing",
            Breach::Invalid => "invalid",
            Breach::Min => "min",
            Breach::Max => "max",
            Breach::Values => "values",
            Breach::Unseen => "unseen",
            Breach::Unique => "unique",
            Breach::Absent => "absent",
            Breach::Unknown => "unknown",
        }
    }
}

/// What became of the cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It stays as it is, and is flagged.
    Kept,
    /// The bound took its place, and it is flagged.
    Clipped,
    /// It became null, and is flagged.
    Nulled,
    /// Its row is set aside.
    Quarantined,
    /// It is refused.
    Rejected,
}

/// A cell that breaks a rule.
#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    /// The row within the batch.
    pub row: usize,
    /// Which rule.
    pub breach: Breach,
    /// What became of it.
    pub outcome: Outcome,
    /// What was there; None for nulls.
    pub value: Option<String>,
}

/// What training saw of a column, for telling what is new.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Whether there were nulls.
    pub nulls: bool,
    /// The categories, in the order of their bytes; None for columns of other types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Strings>,
}

/// What training saw, by column.
pub type SeenColumns = BTreeMap<ColumnName, Seen>;

/// One column's rule, ready to be applied batch after batch.
#[derive(Debug)]
pub struct Checker {
    rule: Rule,
    min: Option<BoundKey>,
    max: Option<BoundKey>,
    values: Option<FxHashSet<Arc<str>>>,
    seen: Option<Strings>,
    nulls_are_new: bool,
}

impl Checker {
    /// Checks by the rule; also by what training saw, when scoring.
    pub fn new(rule: &Rule, seen: Option<&Seen>) -> Checker {
        let bound = |bound: &Option<rule::Bound>| bound.as_ref().map(|bound| rule::order(rule.kind, bound));
        let values = rule.values.as_ref();
        Checker {
            min: bound(&rule.min),
            max: bound(&rule.max),
            values: values.map(|values| values.iter().map(|value| value.as_str().into()).collect()),
            seen: seen.and_then(|seen| seen.categories.clone()),
            nulls_are_new: seen.is_some_and(|seen| !seen.nulls),
            rule: rule.clone(),
        }
    }

    /// The column after its rule, and every cell that breaks it, in no particular order.
    pub fn check(&self, typed: Typed, mut found: impl FnMut(Found)) -> Column {
        let Typed { mut column, invalid, absent, .. } = typed;
        let mut explained: Vec<usize> = invalid.iter().map(|cell| cell.row).chain(absent.iter().copied()).collect();
        explained.sort_unstable();
        self.check_nulls(&column, &explained, &mut found);
        for row in absent {
            let outcome = match self.rule.absent {
                Absent::Reject => Outcome::Rejected,
                Absent::Null => Outcome::Nulled,
            };
            found(Found { row, breach: Breach::Absent, outcome, value: None });
        }
        for cell in invalid {
            let outcome = match self.rule.invalid {
                Invalid::Reject => Outcome::Rejected,
                Invalid::Null => Outcome::Nulled,
                Invalid::Quarantine => Outcome::Quarantined,
            };
            found(Found { row: cell.row, breach: Breach::Invalid, outcome, value: Some((*cell.value).into()) });
        }
        if self.min.is_some() || self.max.is_some() {
            self.check_range(&mut column, &mut found);
        }
        if let Column::Category(coded) = &mut column {
            self.check_categories(coded, &mut found);
        }
        column
    }

    /// `explained` rows are null in the column without being missing.
    fn check_nulls(&self, column: &Column, explained: &[usize], found: &mut impl FnMut(Found)) {
        let outcome = match self.rule.missing {
            Missing::Reject => Outcome::Rejected,
            Missing::Allow if self.nulls_are_new => Outcome::Kept,
            Missing::Allow => return,
        };
        let mut explained = explained.iter().copied().peekable();
        for row in 0..column.rows() {
            if column.is_null(row) && explained.next_if_eq(&row).is_none() {
                found(Found { row, breach: Breach::Missing, outcome, value: None });
            }
        }
    }

    fn check_range(&self, column: &mut Column, found: &mut impl FnMut(Found)) {
        let float = |bound: Option<BoundKey>, open: f64| match bound {
            Some(BoundKey::Number(bound)) => bound,
            Some(BoundKey::Integer(bound)) => bound as f64,
            None => open,
        };
        let integer = |bound: Option<BoundKey>, open: i64| match bound {
            Some(BoundKey::Integer(bound)) => bound,
            _ => open,
        };
        let before = column.clone_if(self.rule.out_of_range != OutOfRange::Flag);
        let mut breaches = Vec::new();
        let (least, most) = (integer(self.min, i64::MIN), integer(self.max, i64::MAX));
        match column {
            Column::Number(cells) => {
                let range = (float(self.min, f64::NEG_INFINITY), float(self.max, f64::INFINITY));
                self.clamp(cells, range, f64::NAN, &mut breaches);
            }
            Column::Integer(cells) | Column::Time(cells) | Column::Datetime(_, cells) => {
                self.clamp(cells, (least, most), NULL_INTEGER, &mut breaches);
            }
            Column::Date(cells) => {
                let bound = |n: i64| i32::try_from(n).unwrap_or(if n < 0 { i32::MIN } else { i32::MAX });
                self.clamp(cells, (bound(least), bound(most)), NULL_DATE, &mut breaches);
            }
            Column::Boolean(_) | Column::Category(_) | Column::Text(_) => {}
        }
        let outcome = match self.rule.out_of_range {
            OutOfRange::Flag => Outcome::Kept,
            OutOfRange::Clip => Outcome::Clipped,
            OutOfRange::Null => Outcome::Nulled,
            OutOfRange::Reject => Outcome::Rejected,
        };
        for (row, breach) in breaches {
            let value = before.as_ref().unwrap_or(column).text(row);
            found(Found { row, breach, outcome, value });
        }
    }

    fn clamp<T: PartialOrd + Copy>(
        &self,
        cells: &mut [T],
        (min, max): (T, T),
        null: T,
        breaches: &mut Vec<(usize, Breach)>,
    ) {
        for (row, cell) in cells.iter_mut().enumerate() {
            // A null integer is less than any bound; NaN is in no order with any.
            let (breach, bound) = if *cell < min && *cell != null {
                (Breach::Min, min)
            } else if *cell > max {
                (Breach::Max, max)
            } else {
                continue;
            };
            breaches.push((row, breach));
            match self.rule.out_of_range {
                OutOfRange::Clip => *cell = bound,
                OutOfRange::Null => *cell = null,
                OutOfRange::Flag | OutOfRange::Reject => {}
            }
        }
    }

    fn check_categories(&self, coded: &mut Coded, found: &mut impl FnMut(Found)) {
        let breaches = coded.map_values(|value| {
            if self.values.as_ref().is_some_and(|values| !values.contains(value)) {
                Some(Breach::Values)
            } else if self.seen.as_ref().is_some_and(|seen| !seen.contains(value)) {
                Some(Breach::Unseen)
            } else {
                None
            }
        });
        if breaches.iter().all(Option::is_none) {
            return;
        }
        let outcome = match self.rule.unseen {
            Unseen::Other => Outcome::Kept,
            Unseen::Null => Outcome::Nulled,
            Unseen::Reject => Outcome::Rejected,
        };
        for row in 0..coded.codes.len() {
            let Some(Some(breach)) = breaches.get(coded.codes[row] as usize) else { continue };
            found(Found { row, breach: *breach, outcome, value: coded.get(row).map(str::to_owned) });
            if outcome == Outcome::Nulled {
                coded.codes[row] = NULL_CODE;
            }
        }
    }
}

impl Column {
    fn clone_if(&self, wanted: bool) -> Option<Column> {
        wanted.then(|| self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MissingTokens;
    use crate::build::{ColumnBuilder, Strictness};

    /// What becomes of the cells: their texts, then what was found as `row:rule:outcome`.
    fn check(rule: &str, seen: Option<Seen>, cells: &[&str]) -> String {
        let rule: Rule = serde_json::from_str(rule).expect("a rule");
        let mut builder = ColumnBuilder::new(&rule, Arc::new(MissingTokens::new(&[""])), Strictness::File);
        builder.texts(cells.iter().copied());
        let mut findings = Vec::new();
        let column = Checker::new(&rule, seen.as_ref()).check(builder.finish(), |found| {
            let value = found.value.unwrap_or_default();
            findings.push((found.row, format!("{}:{}:{:?}:{value}", found.row, found.breach.word(), found.outcome)));
        });
        findings.sort();
        let texts: Vec<String> = (0..cells.len()).map(|row| column.text(row).unwrap_or("∅".to_owned())).collect();
        let findings: Vec<String> = findings.into_iter().map(|(_, finding)| finding).collect();
        format!("{} | {}", texts.join(" "), findings.join(" "))
    }

    #[test]
    fn every_policy_does_what_it_says() {
        let cells = ["1", "", "x", "9"];
        insta::assert_snapshot!(check(r#"{"type": "integer"}"#, None, &cells), @"1 ∅ ∅ 9 | 2:invalid:Rejected:x");
        insta::assert_snapshot!(check(r#"{"type": "integer", "missing": "reject", "invalid": "null"}"#, None, &cells), @"1 ∅ ∅ 9 | 1:missing:Rejected: 2:invalid:Nulled:x");
        insta::assert_snapshot!(check(r#"{"type": "integer", "invalid": "quarantine", "max": 5}"#, None, &cells), @"1 ∅ ∅ 9 | 2:invalid:Quarantined:x 3:max:Kept:9");
        insta::assert_snapshot!(check(r#"{"type": "number", "min": 2, "max": 5, "out_of_range": "clip", "invalid": "null"}"#, None, &cells), @"2 ∅ ∅ 5 | 0:min:Clipped:1 2:invalid:Nulled:x 3:max:Clipped:9");
        insta::assert_snapshot!(check(r#"{"type": "number", "min": 2, "max": 5, "out_of_range": "null", "invalid": "null"}"#, None, &cells), @"∅ ∅ ∅ ∅ | 0:min:Nulled:1 2:invalid:Nulled:x 3:max:Nulled:9");
        insta::assert_snapshot!(check(r#"{"type": "integer", "max": 5, "out_of_range": "reject", "invalid": "null"}"#, None, &cells), @"1 ∅ ∅ 9 | 2:invalid:Nulled:x 3:max:Rejected:9");
    }

    #[test]
    fn categories_are_held_against_values_and_training() {
        let seen = || Some(Seen { nulls: false, categories: Some(["a", "b"].into_iter().collect()) });
        let cells = ["a", "b", "c", ""];
        insta::assert_snapshot!(check(r#"{"type": "category"}"#, None, &cells), @"a b c ∅ |");
        insta::assert_snapshot!(check(r#"{"type": "category"}"#, seen(), &cells), @"a b c ∅ | 2:unseen:Kept:c 3:missing:Kept:");
        insta::assert_snapshot!(check(r#"{"type": "category", "values": ["a", "c"], "unseen": "null"}"#, seen(), &cells), @"a ∅ ∅ ∅ | 1:values:Nulled:b 2:unseen:Nulled:c 3:missing:Kept:");
        insta::assert_snapshot!(check(r#"{"type": "category", "unseen": "reject"}"#, seen(), &cells), @"a b c ∅ | 2:unseen:Rejected:c 3:missing:Kept:");
        let nulls = Some(Seen { nulls: true, categories: None });
        insta::assert_snapshot!(check(r#"{"type": "category"}"#, nulls, &cells), @"a b c ∅ |");
    }

    #[test]
    fn dates_and_times_have_bounds() {
        let cells = ["2023-12-31", "2024-01-01", "", "2025-01-01"];
        insta::assert_snapshot!(check(r#"{"type": "date", "min": "2024-01-01", "max": "2024-12-31", "out_of_range": "clip"}"#, None, &cells), @"2024-01-01 2024-01-01 ∅ 2024-12-31 | 0:min:Clipped:2023-12-31 3:max:Clipped:2025-01-01");
        insta::assert_snapshot!(check(r#"{"type": "datetime", "min": "2024-01-01T00:00"}"#, None, &cells), @"2023-12-31T00:00:00 2024-01-01T00:00:00 ∅ 2025-01-01T00:00:00 | 0:min:Kept:2023-12-31T00:00:00");
    }
}
