//! Replaces a category by one boolean column for each of its values, `<column>=<value>`.
//!
//! Learns: the names of the new columns, one for each value among the training rows, in the order of
//! their bytes. With `top`, only the most frequent ones; of equally frequent ones the smallest. With
//! `drop_last`, not the last one. A value without a column, which may be one that training never saw,
//! is false everywhere. So is null, unless `missing = "category"` gives it a column of its own,
//! `<column>_missing`. The column itself is dropped.
//! Exact because it counts.
//! Known as feature-engine `OneHotEncoder(top_categories=, drop_last=)`, scikit-learn
//! `OneHotEncoder(max_categories=, drop=)`. Differs: columns are booleans; a tie for `top` goes by
//! value, where feature-engine goes by the order of the rows; an unseen value is no error. With
//! `drop_last`, an unseen value looks like the dropped one, as in the others.

use std::num::NonZeroU32;
use std::sync::Arc;

use evenstep_exact::reduce::Next;
use evenstep_table::{Batch, Column, ColumnName, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Levels, WITH_LEVELS, count_levels, has_levels, insert_new, levels, look_up};
use crate::{Columns, EachColumn, Place, StepError};

/// Replaces a category by one boolean column for each of its values.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OneHot {
    /// The columns to encode.
    pub columns: Columns,
    /// Only so many of the most frequent values get a column.
    #[serde(default)]
    pub top: Option<NonZeroU32>,
    /// The last value gets no column, as it follows from the others. Not together with `top`.
    #[serde(default)]
    pub drop_last: bool,
    /// What a null is.
    #[serde(default)]
    pub missing: Missing,
}

/// What a null is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// None of the values.
    #[default]
    Zeros,
    /// A value of its own.
    Category,
}

impl EachColumn for OneHot {
    const NAME: &'static str = "one_hot";
    const TAKES: &'static str = WITH_LEVELS;
    type Round = ();
    type Seen = Levels;
    type Learned = Vec<ColumnName>;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn takes(kind: Kind) -> bool {
        has_levels(kind)
    }

    fn start(&self, _: Place<'_>) -> Result<(), StepError> {
        if self.top.is_some() && self.drop_last {
            return Err(StepError::new("`drop_last` says nothing together with `top`")
                .help("with `top`, values without a column are told from none of the others; leave `drop_last` out"));
        }
        Ok(())
    }

    fn observe(&self, place: Place<'_>, (): &(), seen: &mut Levels, batch: &Batch) {
        count_levels(&levels(place.cells(batch)), seen);
    }

    fn next(&self, place: Place<'_>, (): (), seen: Levels) -> Result<Next<(), Vec<ColumnName>>, StepError> {
        let mut counted: Vec<(Arc<str>, u64)> =
            seen.iter().filter_map(|(level, count)| Some((level.clone()?, count))).collect();
        if counted.is_empty() {
            return Err(place.no_value());
        }
        if let Some(top) = self.top {
            counted.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.cmp(b)));
            counted.truncate(top.get() as usize);
            counted.sort();
        }
        if self.drop_last {
            counted.pop();
        }
        Ok(Next::Done(counted.iter().map(|(level, _)| place.column.equal_to(level)).collect()))
    }

    fn apply(&self, place: Place<'_>, learned: &Vec<ColumnName>, batch: &mut Batch) -> Result<(), StepError> {
        let column = batch.remove(place.column.as_str()).expect("the plan counts on the column");
        let (none, null) = (usize::MAX, learned.len());
        let prefix = place.column.as_str().len() + 1;
        let at = |value: &Arc<str>| learned.binary_search_by(|name| name.as_str()[prefix..].cmp(value)).unwrap_or(none);
        let places = look_up(&levels(&column), null, at);
        let mut indicators = vec![vec![0; batch.rows()]; learned.len() + 1];
        for (row, place) in places.into_iter().enumerate() {
            if let Some(indicator) = indicators.get_mut(place) {
                indicator[row] = 1;
            }
        }
        let missing = indicators.pop().expect("one indicator more than values");
        for (name, indicator) in learned.iter().zip(indicators) {
            insert_new(batch, name.clone(), Column::Boolean(indicator))?;
        }
        match self.missing {
            Missing::Zeros => Ok(()),
            Missing::Category => insert_new(batch, place.column.with_suffix("missing"), Column::Boolean(missing)),
        }
    }

    fn accepts(&self, place: Place<'_>, learned: &Vec<ColumnName>) -> bool {
        let prefix = place.column.equal_to("");
        learned.iter().all(|name| name.as_str().starts_with(prefix.as_str())) && learned.is_sorted_by(|a, b| a < b)
    }

    fn example() -> OneHot {
        OneHot { columns: Columns::named(["city", "children"]), top: None, drop_last: false, missing: Missing::Zeros }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{boolean, check_live, fit, integers, strings};

    fn step() -> OneHot {
        OneHot { columns: Columns::named(["x"]), top: None, drop_last: false, missing: Missing::Zeros }
    }

    fn yes(cells: [u8; 4]) -> Column {
        Column::Boolean(cells.to_vec())
    }

    #[test]
    fn each_value_gets_a_column_and_an_unseen_one_or_a_null_is_none_of_them() {
        let training = strings(&[Some("b"), Some("a"), None, Some("b")]);
        let live = strings(&[Some("a"), Some("b"), Some("c"), None]);
        check_live(
            step(),
            &[("x", training.clone())],
            &[("x", live.clone())],
            &[("x=a", yes([1, 0, 0, 0])), ("x=b", yes([0, 1, 0, 0]))],
        );
        let with_null = OneHot { missing: Missing::Category, drop_last: true, ..step() };
        check_live(
            with_null,
            &[("x", training)],
            &[("x", live)],
            &[("x=a", yes([1, 0, 0, 0])), ("x_missing", yes([0, 0, 0, 1]))],
        );
    }

    #[test]
    fn a_tie_for_the_top_goes_by_value_whatever_the_order_of_rows() {
        let top = || OneHot { top: NonZeroU32::new(1), ..step() };
        for training in [[Some("b"), Some("a")], [Some("a"), Some("b")]] {
            let training = strings(&training);
            check_live(
                top(),
                &[("x", training.clone())],
                &[("x", strings(&[Some("a"), Some("b")]))],
                &[("x=a", Column::Boolean(vec![1, 0]))],
            );
        }
    }

    #[test]
    fn integers_and_booleans_have_values_too() {
        check_live(
            step(),
            &[("x", integers(&[Some(1), Some(-1)]))],
            &[("x", integers(&[Some(-1), None]))],
            &[("x=-1", Column::Boolean(vec![1, 0])), ("x=1", Column::Boolean(vec![0, 0]))],
        );
        check_live(
            step(),
            &[("x", boolean(&[Some(true)]))],
            &[("x", boolean(&[Some(true), Some(false)]))],
            &[("x=true", Column::Boolean(vec![1, 0]))],
        );
    }

    #[test]
    fn a_new_name_that_is_taken_is_refused() {
        let columns = [("x", strings(&[Some("a")])), ("x=a", boolean(&[None]))];
        let fitted = fit(step(), &columns).expect("the name is found out when applied");
        let error = fitted.apply(crate::testing::batch(&columns)).expect_err("`x=a` is there");
        assert_eq!(error.message, "the new column `x=a` has the name of one that is there already");
    }
}
