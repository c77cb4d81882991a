//! The expected calibration error: how far probabilities are off, as the mean over ten bins of equal width,
//! by weight. Bins hold their upper bound; empty ones are left out.
//!
//! Of two classes the positive one's probability is judged, of more the highest one.
//! Source: Naeini, Cooper & Hauskrecht 2015, AAAI 29(1).

use evenstep_exact::reduce::Partial;
use evenstep_exact::sum::ExactSum;

use super::bins::of_bins;
use super::{Metric, Tasks};

pub(super) const METRIC: Metric = Metric::lower_is_better("ece", Tasks::Classes, |scored| {
    of_bins(scored, |bins| {
        let (mut gaps, mut weight) = (ExactSum::default(), ExactSum::default());
        for (bin, gap) in bins {
            gaps.merge(gap.clone());
            weight.merge(bin.weight.clone());
        }
        gaps.divided_by(&weight)
    })
});
