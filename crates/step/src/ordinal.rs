//! Replaces each category by a whole number.
//!
//! Learns: the order of the values, and with it one number from 0 on for each. By `value`: strings by
//! their bytes, integers by size. By `target`: by the mean target of their training rows, for two
//! classes the share of the positive one, and by value where means are equal. Or as listed. Unseen
//! values and nulls are null.
//! Exact because values, or means as fractions of exact sums, are compared and nothing is rounded.
//! Known as feature-engine `OrdinalEncoder`, scikit-learn and category_encoders `OrdinalEncoder`.
//! Differs: `value` is the default, where feature-engine goes by the target, which lets a value's
//! number know its own rows' labels; feature-engine's `arbitrary` follows the order of the rows.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use evenstep_exact::reduce::{Next, Partial};
use evenstep_exact::sum::ExactSum;
use evenstep_table::{Batch, Column, Kind, NULL_INTEGER, Task};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Dictionary, WITH_LEVELS, has_levels, levels, look_up, replace};
use crate::{Columns, EachColumn, Place, StepError};

/// Replaces each category by a whole number.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ordinal {
    /// The columns to encode.
    pub columns: Columns,
    /// What the numbers go by.
    #[serde(default)]
    pub order: Order,
}

/// What the numbers go by.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "\"value\", \"target\" or a list of all values")]
pub enum Order {
    /// A rule.
    By(By),
    /// All values, from the first to the last, as `["low", "middle", "high"]`.
    Listed(Vec<String>),
}

/// A rule that orders values.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Their own order.
    Value,
    /// Their mean target.
    Target,
}

impl Default for Order {
    fn default() -> Order {
        Order::By(By::Value)
    }
}

impl EachColumn for Ordinal {
    const NAME: &'static str = "ordinal";
    const TAKES: &'static str = WITH_LEVELS;
    type Round = ();
    type Seen = BTreeMap<Arc<str>, (u64, ExactSum)>;
    type Learned = Dictionary<i64>;

    fn learns_from_target(&self) -> bool {
        self.order == Order::By(By::Target)
    }

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn takes(kind: Kind) -> bool {
        has_levels(kind)
    }

    fn start(&self, place: Place<'_>) -> Result<(), StepError> {
        if self.order == Order::By(By::Target) && matches!(place.site.task, Task::Multiclass { .. }) {
            return Err(StepError::new("a target of several classes gives values no order")
                .help("use `target_encode`, or `order = \"value\"`"));
        }
        if let Order::Listed(listed) = &self.order
            && let Some((_, twice)) = listed.iter().enumerate().find(|(at, value)| listed[..*at].contains(value))
        {
            return Err(StepError::new(format!("`order` lists `{twice}` twice")));
        }
        Ok(())
    }

    fn observe(&self, place: Place<'_>, (): &(), seen: &mut Self::Seen, batch: &Batch) {
        let coded = levels(place.cells(batch));
        let by_target = self.order == Order::By(By::Target);
        let mut sums = vec![(0, ExactSum::default()); coded.values.len()];
        for (row, code) in coded.codes.iter().enumerate() {
            if let Some((count, sum)) = sums.get_mut(*code as usize) {
                *count += 1;
                if by_target {
                    sum.add(batch.training().target[row]);
                }
            }
        }
        for (value, (count, sum)) in coded.values.iter().zip(sums).filter(|(_, (count, _))| *count > 0) {
            seen.entry(value.clone()).or_default().merge((count, sum));
        }
    }

    fn next(&self, place: Place<'_>, (): (), seen: Self::Seen) -> Result<Next<(), Dictionary<i64>>, StepError> {
        if seen.is_empty() {
            return Err(place.no_value());
        }
        let ordered: Vec<Arc<str>> = match &self.order {
            Order::Listed(listed) => {
                let unlisted = |value: &&Arc<str>| !listed.iter().any(|listed| ***value == **listed);
                if let Some(value) = seen.keys().find(unlisted) {
                    return Err(place
                        .error("has a value that `order` doesn't list")
                        .value(value)
                        .help("list every value of the training rows, spelt as they spell it"));
                }
                listed.iter().map(|value| Arc::from(value.as_str())).collect()
            }
            Order::By(by) => {
                let mut levels: Vec<(Arc<str>, (u64, ExactSum))> = seen.into_iter().collect();
                let by_value = |a: &str, b: &str| match place.kind() {
                    Kind::Integer => a.parse::<i64>().ok().cmp(&b.parse().ok()),
                    _ => a.cmp(b),
                };
                levels.sort_by(|(a, (a_count, a_sum)), (b, (b_count, b_sum))| {
                    let by_mean = match by {
                        By::Value => Ordering::Equal,
                        By::Target => a_sum.times(*b_count).cmp(&b_sum.times(*a_count)),
                    };
                    by_mean.then_with(|| by_value(a, b))
                });
                levels.into_iter().map(|(value, _)| value).collect()
            }
        };
        Ok(Next::Done(ordered.into_iter().zip(0..).collect()))
    }

    fn apply(&self, place: Place<'_>, learned: &Dictionary<i64>, batch: &mut Batch) -> Result<(), StepError> {
        replace(batch, place.column, |column| {
            let number = |value: &Arc<str>| learned.get(value).copied().unwrap_or(NULL_INTEGER);
            Ok(Column::Integer(look_up(&levels(&column), NULL_INTEGER, number)))
        })
    }

    fn accepts(&self, _: Place<'_>, learned: &Dictionary<i64>) -> bool {
        learned.all(|number| (0..learned.count() as i64).contains(number))
    }

    fn example() -> Ordinal {
        Ordinal { columns: Columns::named(["city"]), order: Order::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_live, fit_labelled, integers, strings};

    fn step(order: Order) -> Ordinal {
        Ordinal { columns: Columns::named(["x"]), order }
    }

    #[test]
    fn values_are_numbered_in_their_own_order_whatever_the_order_of_rows() {
        let training = strings(&[Some("b"), Some("c"), None, Some("a")]);
        let live = strings(&[Some("a"), Some("b"), Some("c"), Some("d"), None]);
        let after = integers(&[Some(0), Some(1), Some(2), None, None]);
        check_live(step(Order::default()), &[("x", training)], &[("x", live)], &[("x", after)]);
        let numbers = integers(&[Some(10), Some(9)]);
        check_live(
            step(Order::default()),
            &[("x", numbers.clone())],
            &[("x", numbers)],
            &[("x", integers(&[Some(1), Some(0)]))],
        );
    }

    #[test]
    fn a_listed_order_must_list_every_training_value() {
        let listed = Order::Listed(vec!["low".to_owned(), "high".to_owned()]);
        let training = strings(&[Some("high"), Some("low")]);
        let after = integers(&[Some(1), Some(0)]);
        check_live(step(listed.clone()), &[("x", training.clone())], &[("x", training)], &[("x", after)]);
        let typo = strings(&[Some("high"), Some("lwo")]);
        let error = crate::testing::fit(step(listed), &[("x", typo)]).err().expect("`lwo` is not listed");
        assert_eq!(error.message, "column `x` has a value that `order` doesn't list");
        assert_eq!(error.value.as_deref(), Some("lwo"));
    }

    #[test]
    fn by_target_means_are_compared_as_fractions_and_ties_go_by_value() {
        let by_target = step(Order::By(By::Target));
        let training = strings(&[Some("z"), Some("z"), Some("z"), Some("a"), Some("m"), Some("b")]);
        // z: (0.1 + 0.2 + 0.3)/3 is a hair below b's 0.2, as no float is a tenth; a and m tie.
        let target = [0.1, 0.2, 0.3, 7.0, 7.0, 0.2];
        let (fitted, _) = fit_labelled(by_target, &[("x", training)], Task::Regression, &target).expect("it fits");
        insta::assert_json_snapshot!(fitted.params(), @r#"
        {
          "x": {
            "a": 2,
            "b": 1,
            "m": 3,
            "z": 0
          }
        }
        "#);
    }
}
