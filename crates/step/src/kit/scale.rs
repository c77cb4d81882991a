//! A shift and a division: what scalers learn.

use evenstep_table::Column;
use serde::{Deserialize, Serialize};

/// What is taken from a number, and by what the rest is divided.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Taken away.
    pub centre: f64,
    /// Divides the rest.
    pub divisor: f64,
}

impl Scale {
    /// A scale that leaves what does not vary undivided.
    pub fn new(centre: f64, spread: f64) -> Scale {
        Scale { centre, divisor: if spread > 0.0 { spread } else { 1.0 } }
    }

    /// The scaled cells.
    pub fn map(&self, mut cells: Vec<f64>) -> Column {
        for cell in &mut cells {
            *cell = (*cell - self.centre) / self.divisor;
        }
        Column::Number(cells)
    }

    /// Whether a fit could have learned it.
    pub fn is_sound(&self) -> bool {
        self.centre.is_finite() && self.divisor.is_finite() && self.divisor > 0.0
    }
}
