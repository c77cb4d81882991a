//! Maps numbers to [0, 1], the smallest training value to 0 and the largest to 1.
//!
//! Learns: the smallest and the largest value of each column among the training rows. Live values
//! beyond them lie outside [0, 1], unless `clip` is set. A constant column becomes 0. Nulls stay null.
//! Exact because extremes are, and because it divides.
//! Known as scikit-learn `MinMaxScaler(feature_range=(0, 1), clip=False)`. Differs: scikit-learn
//! multiplies and adds, which need not map the largest value to 1.

use evenstep_exact::moments::Extremes;
use evenstep_exact::reduce::Next;
use evenstep_table::{Column, ColumnName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::Scale;
use crate::{Columns, EachNumber, Place, StepError};

/// Maps numbers to [0, 1].
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MinMaxScale {
    /// The columns to scale.
    pub columns: Columns,
    /// Values beyond those of training become 0 or 1.
    #[serde(default)]
    pub clip: bool,
}

impl EachNumber for MinMaxScale {
    const NAME: &'static str = "min_max_scale";
    type Round = ();
    type Seen = Extremes;
    type Learned = Scale;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn start(&self) {}

    fn observe(&self, (): &(), seen: &mut Extremes, values: &[f64]) {
        values.iter().for_each(|x| seen.observe(*x));
    }

    fn next(&self, place: Place<'_>, (): (), seen: Extremes) -> Result<Next<(), Scale>, StepError> {
        let (Some(min), Some(max)) = (seen.min(), seen.max()) else { return Err(place.no_value()) };
        let scale = Scale::new(min, max - min);
        if scale.is_sound() { Ok(Next::Done(scale)) } else { Err(place.error("spans more than the largest number")) }
    }

    fn map(&self, _: &ColumnName, scale: &Scale, cells: Vec<f64>) -> Result<Column, StepError> {
        let Column::Number(mut cells) = scale.map(cells) else { unreachable!("a scale gives numbers") };
        if self.clip {
            for cell in cells.iter_mut().filter(|cell| !cell.is_nan()) {
                *cell = cell.clamp(0.0, 1.0);
            }
        }
        Ok(Column::Number(cells))
    }

    fn accepts(&self, scale: &Scale) -> bool {
        scale.is_sound()
    }

    fn example() -> MinMaxScale {
        MinMaxScale { columns: Columns::named(["age"]), clip: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_live, check_numbers, numbers};

    #[test]
    fn training_values_fill_the_unit_interval_and_others_go_beyond_unless_clipped() {
        let step = |clip| MinMaxScale { columns: Columns::named(["x"]), clip };
        check_numbers(step(false), &[Some(3.0), None, Some(5.0), Some(4.0)], &[Some(0.0), None, Some(1.0), Some(0.5)]);
        check_numbers(step(false), &[Some(3.0), Some(3.0)], &[Some(0.0), Some(0.0)]);
        for (clip, after) in [(false, [Some(-1.0), Some(2.0), None]), (true, [Some(0.0), Some(1.0), None])] {
            let (training, live) = (numbers(&[Some(0.0), Some(2.0)]), numbers(&[Some(-2.0), Some(4.0), None]));
            check_live(step(clip), &[("x", training)], &[("x", live)], &[("x", numbers(&after))]);
        }
    }
}
