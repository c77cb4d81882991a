//! Groups the rare values of a category under one name.
//!
//! Learns: the values that are frequent among the training rows that have one. A value is kept if its
//! share is at least `min_frequency`; any other, and any that training never saw, becomes
//! `replace_with`. Nulls stay null. Integers and booleans are taken by their text; what comes out is a
//! category.
//! Exact because counts are compared with the limit as fractions, the limit being the decimal that is
//! written: with 0.05, one row in twenty is enough.
//! Known as feature-engine `RareLabelEncoder(tol=0.05, replace_with="Rare")`; scikit-learn has
//! `OneHotEncoder(min_frequency=)`. Differs: feature-engine leaves columns of 10 values or fewer as
//! they are (`n_categories`), this step never does.

use std::sync::Arc;

use evenstep_exact::reduce::Next;
use evenstep_table::{Batch, Coded, Column, Kind, NULL_CODE, Strings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Fraction, Levels, WITH_LEVELS, count_levels, has_levels, is_share, levels, look_up, replace};
use crate::{Columns, EachColumn, Place, StepError};

/// Groups the rare values of a category under one name.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RareLabels {
    /// The columns whose values are grouped.
    pub columns: Columns,
    /// The share of rows from which on a value is kept.
    #[serde(default = "one_in_twenty")]
    pub min_frequency: Fraction,
    /// What rare values become.
    #[serde(default = "rare")]
    pub replace_with: String,
}

fn one_in_twenty() -> Fraction {
    Fraction::new(0.05)
}

fn rare() -> String {
    "Rare".to_owned()
}

impl EachColumn for RareLabels {
    const NAME: &'static str = "rare_labels";
    const TAKES: &'static str = WITH_LEVELS;
    type Round = ();
    type Seen = Levels;
    type Learned = Strings;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn takes(kind: Kind) -> bool {
        has_levels(kind)
    }

    fn start(&self, _: Place<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn observe(&self, place: Place<'_>, (): &(), seen: &mut Levels, batch: &Batch) {
        count_levels(&levels(place.cells(batch)), seen);
    }

    fn next(&self, place: Place<'_>, (): (), seen: Levels) -> Result<Next<(), Strings>, StepError> {
        if self.replace_with.is_empty() {
            return Err(place
                .error("can't have an empty text for its rare values, as files have one for null")
                .help("give `replace_with` a word, such as \"Rare\""));
        }
        let total = seen.total() - seen.count(&None);
        if total == 0 {
            return Err(place.no_value());
        }
        let kept = seen.iter().filter(|(_, count)| is_share(*count, total, self.min_frequency));
        Ok(Next::Done(kept.filter_map(|(level, _)| level.clone()).collect()))
    }

    fn apply(&self, place: Place<'_>, kept: &Strings, batch: &mut Batch) -> Result<(), StepError> {
        replace(batch, place.column, |column| {
            let (mut values, mut rare) = (Vec::new(), None);
            let mut code_of = |value: Arc<str>| {
                values.push(value);
                values.len() as u32 - 1
            };
            let codes = look_up(&levels(&column), NULL_CODE, |value| {
                // A level may be called as rare ones are.
                match kept.contains(value) && **value != *self.replace_with {
                    true => code_of(value.clone()),
                    false => *rare.get_or_insert_with(|| code_of(self.replace_with.as_str().into())),
                }
            });
            Ok(Column::Category(Coded { values: Arc::new(values), codes }))
        })
    }

    fn accepts(&self, _: Place<'_>, _: &Strings) -> bool {
        true
    }

    fn example() -> RareLabels {
        RareLabels { columns: Columns::named(["city"]), min_frequency: one_in_twenty(), replace_with: rare() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, check_live, fit, strings};

    fn step(min_frequency: f64) -> RareLabels {
        let min_frequency = Fraction::new(min_frequency);
        RareLabels { columns: Columns::named(["x"]), min_frequency, replace_with: rare() }
    }

    #[test]
    fn a_value_at_exactly_the_limit_is_kept() {
        let mut cells = vec![Some("common"); 19];
        cells.push(Some("once"));
        check(step(0.05), &[("x", strings(&cells))], &[("x", strings(&cells))]);
        let mut after = cells.clone();
        cells.push(Some("common"));
        after[19] = Some("Rare");
        after.push(Some("common"));
        check(step(0.05), &[("x", strings(&cells))], &[("x", strings(&after))]);
    }

    #[test]
    fn an_empty_text_stands_for_no_values() {
        let step = RareLabels { replace_with: String::new(), ..step(0.05) };
        let error = fit(step, &[("x", strings(&[Some("a")]))]).err().expect("it is empty");
        assert_eq!(
            error.message,
            "column `x` can't have an empty text for its rare values, as files have one for null"
        );
    }

    #[test]
    fn nulls_count_neither_as_rows_nor_as_a_value_and_unseen_values_are_rare() {
        let training = strings(&[Some("a"), Some("a"), Some("b"), None, None, None]);
        let live = strings(&[Some("a"), Some("b"), Some("c"), None]);
        let after = strings(&[Some("a"), Some("Rare"), Some("Rare"), None]);
        check_live(step(0.5), &[("x", training)], &[("x", live)], &[("x", after)]);
    }
}
