//! Parameters that several steps share, each of a type that can't be wrong.

use evenstep_table::ColumnName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::StepError;

/// Numbers whose range is part of their type: they are within it, or refused where they are read.
macro_rules! bounded {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident($type:ident, $type_name:literal): $x:ident => $holds:expr, $said:literal, { $($schema:tt)* };
    )*) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = $type_name, into = $type_name)]
        #[schemars(extend($($schema)*))]
        pub struct $name($type);

        #[allow(clippy::manual_range_contains, reason = "a range's `contains` is not const")]
        impl $name {
            /// The number, which is known when the program is written.
            pub const fn new($x: $type) -> $name {
                assert!($holds, $said);
                $name($x)
            }

            /// The number.
            pub const fn get(self) -> $type {
                self.0
            }
        }

        #[allow(clippy::manual_range_contains, reason = "as above")]
        impl TryFrom<$type> for $name {
            type Error = String;

            fn try_from($x: $type) -> Result<$name, String> {
                if $holds { Ok($name($x)) } else { Err(format!("{} is not {}", $x, $said)) }
            }
        }

        impl From<$name> for $type {
            fn from(bounded: $name) -> $type {
                bounded.0
            }
        }
    )*};
}

bounded! {
    /// A number in [0, 1].
    Fraction(f64, "f64"): x => 0.0 <= x && x <= 1.0, "between 0 and 1", { "minimum" = 0, "maximum" = 1 };
    /// A finite number above 0.
    Positive(f64, "f64"): x => 0.0 < x && x < f64::INFINITY, "above 0", { "exclusiveMinimum" = 0 };
    /// A finite number that is not negative.
    NotNegative(f64, "f64"): x => 0.0 <= x && x < f64::INFINITY, "0 or more", { "minimum" = 0 };
    /// A whole number from 2 to 1,000.
    Folds(u32, "u32"): n => 2 <= n && n <= 1000, "between 2 and 1000", { "minimum" = 2, "maximum" = 1000 };
    /// A whole number from 2 to 10,000.
    BinCount(u32, "u32"): n => 2 <= n && n <= 10_000, "between 2 and 10000", { "minimum" = 2, "maximum" = 10_000 };
}

/// The word `auto`, or a value.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "\"auto\" or a number in its range")]
pub enum AutoOr<T> {
    /// The word `auto`.
    Auto(Auto),
    /// As written.
    Is(T),
}

/// The word `auto`.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Auto {
    /// Learned from the training rows, or what is usual for the method or the column's type.
    Auto,
}

impl<T> AutoOr<T> {
    /// `auto`.
    pub const fn auto() -> AutoOr<T> {
        AutoOr::Auto(Auto::Auto)
    }
}

/// What becomes of a cell that a function is not defined for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDomain {
    /// It becomes null.
    #[default]
    Null,
    /// The batch is refused.
    Error,
}

impl OnDomain {
    /// Refuses the column if the spec says so and some cell is outside the domain.
    ///
    /// # Errors
    /// With `error`, if `any_outside`.
    pub fn check(
        self,
        column: &ColumnName,
        domain: impl std::fmt::Display,
        any_outside: impl FnOnce() -> bool,
    ) -> Result<(), StepError> {
        if self == OnDomain::Error && any_outside() {
            return Err(StepError::of(column, format!("column `{column}` has a value that is not {domain}"))
                .help("with `on_domain = \"null\"` such a value becomes null"));
        }
        Ok(())
    }
}

/// `true`, for serde.
pub fn default_true() -> bool {
    true
}

/// Whether `count` of `total` is at least the share, which is taken as the decimal that is
/// written: one in twenty is 0.05, though the float nearest to 0.05 is a little more.
pub fn is_share(count: u64, total: u64, share: Fraction) -> bool {
    let written = format!("{:e}", share.get());
    let (digits, exponent) = written.split_once('e').expect("a float in scientific notation");
    let exponent: i32 = exponent.parse().expect("an exponent");
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mantissa: u128 = format!("{whole}{fraction}").parse().expect("digits");
    // share = mantissa / 10^places, and the mantissa has 17 digits at most.
    let places = u32::try_from(fraction.len() as i32 - exponent).expect("a fraction is at most 1");
    let needed = mantissa * u128::from(total);
    match 10_u128.checked_pow(places).and_then(|scale| scale.checked_mul(u128::from(count))) {
        Some(had) => had >= needed,
        None => count > 0 || needed == 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_compared_as_the_decimals_that_are_written() {
        for (count, total, share, is) in [
            (1, 20, 0.05, true),
            (1, 21, 0.05, false),
            (3, 10, 0.3, true),
            (29, 100, 0.29, true),
            (0, 100, 0.0, true),
            (0, 0, 0.5, true),
            (7, 7, 1.0, true),
            (6, 7, 1.0, false),
            (1, u64::MAX, 1e-300, true),
            (0, 5, 1e-300, false),
            (u64::MAX, u64::MAX, 0.1 + 0.2, true),
        ] {
            assert_eq!(is_share(count, total, Fraction::new(share)), is, "{count} of {total} against {share}");
        }
    }
}
