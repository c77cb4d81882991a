//! Replaces numbers by the bin that they fall into, of bins of equal width.
//!
//! Learns: the smallest and the largest training value of each column; between them lie `bins` bins.
//! Values beyond fall into the first or the last. A constant column has one bin. Nulls stay null.
//! Exact because extremes are.
//! Known as feature-engine `EqualWidthDiscretiser(bins=10)`, scikit-learn
//! `KBinsDiscretizer(strategy="uniform")`. Differs: `closed` says which end of a bin belongs to it, the
//! right one as in feature-engine and not in scikit-learn; bins are numbers, not indicators.

use evenstep_exact::moments::Extremes;
use evenstep_exact::reduce::Next;
use evenstep_table::{Column, ColumnName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{BinAs, BinCount, Closed, Edges};
use crate::{Columns, EachNumber, Place, StepError};

/// Replaces numbers by their bin, of bins of equal width.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscretizeWidth {
    /// The columns to cut into bins.
    pub columns: Columns,
    /// How many bins.
    #[serde(default = "ten")]
    pub bins: BinCount,
    /// Which end of a bin belongs to it.
    #[serde(default)]
    pub closed: Closed,
    /// What a bin is called.
    #[serde(default, rename = "as")]
    pub bin_as: BinAs,
}

fn ten() -> BinCount {
    BinCount::new(10)
}

impl EachNumber for DiscretizeWidth {
    const NAME: &'static str = "discretize_width";
    type Round = ();
    type Seen = Extremes;
    type Learned = Edges;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn start(&self) {}

    fn observe(&self, (): &(), seen: &mut Extremes, values: &[f64]) {
        values.iter().for_each(|x| seen.observe(*x));
    }

    fn next(&self, place: Place<'_>, (): (), seen: Extremes) -> Result<Next<(), Edges>, StepError> {
        let (Some(min), Some(max)) = (seen.min(), seen.max()) else { return Err(place.no_value()) };
        if min == max {
            return Ok(Next::Done(Edges::new(Vec::new())));
        }
        let bins = f64::from(self.bins.get());
        // Halved, where the range itself is beyond the largest number.
        let (half, whole) = if (max - min).is_finite() { (1.0, 1.0) } else { (0.5, 2.0) };
        let width = (max * half - min * half) / bins;
        let edge = |i: u32| (min * half + f64::from(i) * width) * whole;
        Ok(Next::Done(Edges::new((1..self.bins.get()).map(edge).collect())))
    }

    fn map(&self, _: &ColumnName, edges: &Edges, cells: Vec<f64>) -> Result<Column, StepError> {
        Ok(edges.map(&cells, self.closed, self.bin_as))
    }

    fn accepts(&self, edges: &Edges) -> bool {
        edges.are_sound()
    }

    fn example() -> DiscretizeWidth {
        DiscretizeWidth { columns: Columns::named(["age"]), bins: ten(), closed: Closed::Right, bin_as: BinAs::Integer }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{check_live, integers, numbers, strings};

    fn check(spec: serde_json::Value, live: &[Option<f64>], after: Column) {
        let step: DiscretizeWidth = serde_json::from_value(spec).expect("a spec");
        let training = numbers(&[Some(0.0), None, Some(4.0)]);
        check_live(step, &[("x", training)], &[("x", numbers(live))], &[("x", after)]);
    }

    #[test]
    fn an_edge_belongs_to_the_bin_that_is_closed_there() {
        let live = [Some(-1.0), Some(0.0), Some(1.0), Some(1.5), Some(2.0), Some(4.0), Some(9.0), None];
        let right = [Some(0), Some(0), Some(0), Some(1), Some(1), Some(3), Some(3), None];
        check(json!({"columns": "x", "bins": 4}), &live, integers(&right));
        let left = [Some(0), Some(0), Some(1), Some(1), Some(2), Some(3), Some(3), None];
        check(json!({"columns": "x", "bins": 4, "closed": "left"}), &live, integers(&left));
        let category = strings(&[Some("0"), Some("3"), None]);
        check(json!({"columns": "x", "bins": 4, "as": "category"}), &[Some(0.0), Some(4.0), None], category);
    }

    /// feature-engine 1.9.4, `EqualWidthDiscretiser(bins=4)`.
    #[test]
    fn bins_are_those_of_other_libraries() {
        let cells = [1.2, 3.4, 2.2, 9.1, 5.5, 7.7, 0.3, 4.4, 6.1, 8.8, 2.9].map(Some);
        let step: DiscretizeWidth = serde_json::from_value(json!({"columns": "x", "bins": 4})).expect("a spec");
        let bins = integers(&[0, 1, 0, 3, 2, 3, 0, 1, 2, 3, 1].map(Some));
        check_live(step, &[("x", numbers(&cells))], &[("x", numbers(&cells))], &[("x", bins)]);
    }

    #[test]
    fn a_constant_column_has_one_bin_and_the_widest_one_has_edges() {
        let step = || serde_json::from_value::<DiscretizeWidth>(json!({"columns": "x", "bins": 2})).expect("a spec");
        let constant = numbers(&[Some(7.0), Some(7.0)]);
        check_live(step(), &[("x", constant.clone())], &[("x", constant)], &[("x", integers(&[Some(0), Some(0)]))]);
        let widest = numbers(&[Some(-1e308), Some(1e308)]);
        check_live(step(), &[("x", widest.clone())], &[("x", widest)], &[("x", integers(&[Some(0), Some(1)]))]);
    }
}
