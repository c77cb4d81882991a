//! What linear models share: the features as a matrix, its Gram, a solver, and a prediction.
//!
//! Rows are seen through [`Design`] only. What is summed over them is either exact
//! ([`Slope`]) or in fixed point ([`Gram`]), so no order or grouping of rows shows.

mod curvature;
mod design;
mod gram;
mod minimise;
mod weighted;

pub(crate) use curvature::Curvature;
pub(crate) use design::{Block, Design};
pub(crate) use minimise::{Rule, minimise};
pub(crate) use weighted::Weighted;

use evenstep_table::{ColumnName, Kind, Schema};

use crate::ModelError;

/// Refuses features that are no numbers, and names the step that makes them so.
pub(crate) fn numbers_only(family: &str, features: &Schema) -> Result<(), ModelError> {
    let Some((name, kind)) = features.iter().find(|(_, kind)| !kind.is_numeric()) else {
        return Ok(());
    };
    let help = match kind {
        Kind::Category => format!("add `one_hot` or `target_encode` for `{name}` before the model"),
        Kind::Date | Kind::Time | Kind::Datetime(_) => format!("add `datetime_parts` for `{name}` before the model"),
        _ => format!("leave `{name}` out with `drop_columns`, or declare it a category and add `one_hot`"),
    };
    let message = format!("`{family}` takes numbers, and `{name}` is a {}", kind.word());
    Err(ModelError::of(name, message).help(help))
}

/// The error for a feature with nulls among the training rows.
fn nulls(family: &str, name: &ColumnName, nulls: u64) -> ModelError {
    let rows = if nulls == 1 { "1 training row".to_owned() } else { format!("{nulls} training rows") };
    ModelError::of(name, format!("`{name}` is null in {rows}, and `{family}` needs a number in each"))
        .help(format!("add `impute_median` for `{name}` before the model"))
}

/// The error for coefficients beyond all floats.
pub(crate) fn too_large() -> ModelError {
    ModelError::new("a coefficient would be larger than the largest number")
        .help("bring the target and the features to a common scale")
}

/// The sum of products of two vectors, added in their order.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (x, y)| sum + x * y)
}

/// 2 to a power within the normal floats.
pub(crate) fn power_of_two(exponent: i32) -> f64 {
    assert!((-1022..=1023).contains(&exponent), "2^{exponent} is a normal float");
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// The least exponent whose power of two is at least `x`, kept where powers and their inverses are normal.
pub(crate) fn exponent_above(x: f64) -> i32 {
    let bits = x.to_bits();
    let below = (bits >> 52 & 0x7ff) as i32 - 1023;
    (below + i32::from(bits << 12 != 0)).clamp(-1000, 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_of_two_bounds_from_above() {
        for (x, exponent) in [(1.0, 0), (1.5, 1), (2.0, 1), (0.75, 0), (0.5, -1), (1e300, 997), (0.0, -1000)] {
            assert_eq!(exponent_above(x), exponent, "{x}");
            assert!(x <= power_of_two(exponent), "{x}");
        }
        assert_eq!(exponent_above(f64::MAX), 1000, "beyond it a column is scaled as well as it can be");
    }
}
