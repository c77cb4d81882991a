//! The maximum calibration error: how far probabilities are off in the worst of ten bins of equal width.
//! Bins hold their upper bound; empty ones are left out.
//!
//! Of two classes the positive one's probability is judged, of more the highest one.
//! Source: Naeini, Cooper & Hauskrecht 2015, AAAI 29(1).

use super::bins::of_bins;
use super::{Metric, Tasks};

pub(super) const METRIC: Metric = Metric::lower_is_better("mce", Tasks::Classes, |scored| {
    of_bins(scored, |bins| {
        let gaps = bins.iter().filter_map(|(bin, gap)| gap.divided_by(&bin.weight));
        gaps.reduce(f64::max)
    })
});
