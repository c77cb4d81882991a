//! Probabilities in ten bins, beside how often what they promise came true.

use evenstep_exact::sum::ExactSum;

use super::{Prepared, Scored, Undefined, Weights, undefined};

/// The upper bounds of the bins, which belong to them.
pub(super) const BOUNDS: [f64; 10] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

/// What is in one bin.
#[derive(Clone, Default)]
pub(super) struct Bin {
    /// The sum of weights.
    pub(super) weight: ExactSum,
    /// The sum of probabilities, weighted.
    pub(super) predicted: ExactSum,
    /// The weight of rows for which it came true.
    pub(super) observed: ExactSum,
}

impl Bin {
    /// How far probabilities and outcomes are apart, summed: the absolute difference of both sums.
    fn gap(&self) -> ExactSum {
        let (mut gap, mut other) = (self.observed.clone(), self.predicted.clone());
        gap.subtract(&self.predicted);
        other.subtract(&self.observed);
        gap.max(other)
    }
}

/// The rows of one bin, with what their probabilities promise: that the row is of the positive class, or of
/// the class predicted, if there are more than two.
#[derive(Clone, Default)]
struct Promises {
    /// Row and probability.
    made: Vec<(usize, f64)>,
    /// Rows for which it came true.
    kept: Vec<usize>,
}

fn promises(scored: &Scored) -> Vec<Promises> {
    let mut bins = vec![Promises::default(); BOUNDS.len()];
    for row in 0..scored.rows() {
        let (probability, kept) = match scored.prediction(row) {
            [positive] => (*positive, scored.class(row) == 1),
            classes => {
                let predicted = scored.predicted_class(row);
                (classes[predicted], scored.class(row) == predicted)
            }
        };
        let bin = BOUNDS.iter().position(|bound| probability <= *bound).unwrap_or(BOUNDS.len() - 1);
        bins[bin].made.push((row, probability));
        if kept {
            bins[bin].kept.push(row);
        }
    }
    bins
}

impl Promises {
    fn weigh(&self, weights: Weights<'_>) -> Bin {
        Bin {
            weight: weights.sum_of(self.made.len(), |at| (self.made[at].0, 1.0)),
            predicted: weights.sum_of(self.made.len(), |at| self.made[at]),
            observed: weights.sum_of(self.kept.len(), |at| (self.kept[at], 1.0)),
        }
    }
}

/// The bins of all rows.
pub(super) fn bins(scored: &Scored) -> Vec<Bin> {
    promises(scored).iter().map(|bin| bin.weigh(scored.weights())).collect()
}

/// A metric of the bins that are not empty, each with its gap.
pub(super) fn of_bins(
    scored: &Scored,
    of: impl Fn(&[(Bin, ExactSum)]) -> Option<f64> + Send + Sync + 'static,
) -> Result<Prepared<'_>, Undefined> {
    let promises = promises(scored);
    Ok(Box::new(move |weights| {
        let bins = promises.iter().map(|bin| bin.weigh(weights)).filter(|bin| !bin.weight.is_zero());
        let bins: Vec<(Bin, ExactSum)> = bins.map(|bin| (bin.clone(), bin.gap())).collect();
        of(&bins).map_or_else(|| undefined("no row has a weight"), Ok)
    }))
}
