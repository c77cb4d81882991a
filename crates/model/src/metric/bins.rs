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

/// A probability, what bin it is in, and whether what it promises came true: that the row is of the positive
/// class, or of the class predicted, if there are more than two.
struct Promise {
    bin: usize,
    probability: f64,
    kept: bool,
}

fn promise(scored: &Scored, row: usize) -> Promise {
    let (probability, kept) = match scored.prediction(row) {
        [positive] => (*positive, scored.class(row) == 1),
        classes => {
            let predicted = scored.predicted_class(row);
            (classes[predicted], scored.class(row) == predicted)
        }
    };
    let bin = BOUNDS.iter().position(|bound| probability <= *bound).unwrap_or(BOUNDS.len() - 1);
    Promise { bin, probability, kept }
}

/// The ten bins of all rows.
pub(super) fn bins(scored: &Scored) -> Vec<Bin> {
    let promises: Vec<Promise> = (0..scored.rows()).map(|row| promise(scored, row)).collect();
    fill(&promises, scored.weights())
}

fn fill(promises: &[Promise], weights: Weights<'_>) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); BOUNDS.len()];
    for (row, promise) in promises.iter().enumerate() {
        let (bin, weight) = (&mut bins[promise.bin], weights.of(row));
        bin.weight.add(weight);
        bin.predicted.add_product(weight, promise.probability);
        if promise.kept {
            bin.observed.add(weight);
        }
    }
    bins
}

/// A metric of the bins that are not empty, each with its gap.
pub(super) fn of_bins(
    scored: &Scored,
    of: impl Fn(&[(Bin, ExactSum)]) -> Option<f64> + Send + Sync + 'static,
) -> Result<Prepared<'_>, Undefined> {
    let promises: Vec<Promise> = (0..scored.rows()).map(|row| promise(scored, row)).collect();
    Ok(Box::new(move |weights| {
        let bins = fill(&promises, weights).into_iter().filter(|bin| !bin.weight.is_zero());
        let bins: Vec<(Bin, ExactSum)> = bins.map(|bin| (bin.clone(), bin.gap())).collect();
        of(&bins).map_or_else(|| undefined("no row has a weight"), Ok)
    }))
}
