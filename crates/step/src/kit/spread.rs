//! The mean of a column and its standard deviation, in two passes.

use evenstep_exact::maths;
use evenstep_exact::moments::{Centred, Extremes, Mean};
use evenstep_exact::reduce::{Next, Partial};
use serde::{Deserialize, Serialize};

/// A mean and the standard deviation from it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    /// The mean, rounded once.
    pub mean: f64,
    /// The standard deviation; 0 if all values are equal.
    pub sd: f64,
}

/// What is known of the mean.
#[derive(Clone, Copy, Debug)]
pub enum SpreadRound {
    /// Nothing yet.
    Mean,
    /// The mean, and a power of two that brings the largest value near 1, so that no square
    /// overflows and none vanishes. It changes no bit of a result that neither would touch.
    Deviations {
        /// The mean, as it is.
        mean: f64,
        /// The mean times the power of two.
        scaled: f64,
        /// The power of two.
        scale: f64,
    },
}

/// What a pass gathers.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct SpreadSeen {
    mean: Mean,
    extremes: Extremes,
    deviations: Centred,
}

impl SpreadRound {
    /// Sees values, none of them null.
    pub fn observe(&self, seen: &mut SpreadSeen, values: &[f64]) {
        match self {
            SpreadRound::Mean => {
                seen.mean.observe_slice(values);
                values.iter().for_each(|x| seen.extremes.observe(*x));
            }
            SpreadRound::Deviations { scaled, scale, .. } => {
                let near_one: Vec<f64> = values.iter().map(|x| x * scale).collect();
                seen.deviations.observe_slice(&near_one, *scaled);
            }
        }
    }

    /// The next round, or the spread; None without more than `ddof` values.
    pub fn next(self, seen: SpreadSeen, ddof: u32) -> Next<SpreadRound, Option<Spread>> {
        match self {
            SpreadRound::Mean => match (seen.mean.mean(), seen.extremes.min(), seen.extremes.max()) {
                (Some(mean), Some(min), Some(max)) => {
                    let scale = 1.0 / power_of_two_near(min.abs().max(max.abs()));
                    Next::Again(SpreadRound::Deviations { mean, scaled: mean * scale, scale })
                }
                _ => Next::Done(None),
            },
            SpreadRound::Deviations { mean, scale, .. } => {
                let variance = seen.deviations.variance(ddof);
                Next::Done(variance.map(|variance| Spread { mean, sd: maths::sqrt(variance) / scale }))
            }
        }
    }
}

impl Partial for SpreadSeen {
    fn merge(&mut self, other: SpreadSeen) {
        self.mean.merge(other.mean);
        self.extremes.merge(other.extremes);
        self.deviations.merge(other.deviations);
    }
}

/// The power of two below |x|, within those whose reciprocal is a normal number.
pub fn power_of_two_near(x: f64) -> f64 {
    let exponent = (x.abs().to_bits() >> 52).clamp(23, 2023);
    f64::from_bits(exponent << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(values: &[f64], ddof: u32) -> Option<Spread> {
        let mut round = SpreadRound::Mean;
        loop {
            let mut seen = SpreadSeen::default();
            round.observe(&mut seen, values);
            match round.next(seen, ddof) {
                Next::Again(again) => round = again,
                Next::Done(spread) => return spread,
            }
        }
    }

    #[test]
    fn deviations_are_those_of_the_textbook() {
        assert_eq!(spread(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0], 0), Some(Spread { mean: 5.0, sd: 2.0 }));
        assert_eq!(spread(&[1.0, 3.0], 1).map(|s| s.sd), Some(std::f64::consts::SQRT_2));
        assert_eq!(spread(&[1.0], 1), None);
        assert_eq!(spread(&[], 0), None);
        assert_eq!(spread(&[7.0; 5], 0), Some(Spread { mean: 7.0, sd: 0.0 }));
    }

    #[test]
    fn neither_huge_nor_tiny_values_lose_their_deviation() {
        for scale in [1e308, 1e-308, 2e-323] {
            let found = spread(&[-scale, scale], 0).map(|s| s.sd / scale);
            assert_eq!(found, Some(1.0), "at {scale:e}");
        }
    }
}
