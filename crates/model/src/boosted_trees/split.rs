//! The best way to split a node in two, from its histogram.

use super::Categories;
use super::cuts::Binning;
use super::histogram::{Bins, Sums};
use super::matrix::Feature;

/// A set of bins.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct BinSet(pub(super) Vec<u64>);

impl BinSet {
    /// The empty set, of bins up to this one.
    pub(super) fn up_to(last: u16) -> BinSet {
        BinSet(vec![0; usize::from(last) / 64 + 1])
    }

    /// Whether the bin is in it.
    #[inline]
    pub(super) fn has(&self, bin: u16) -> bool {
        self.0[usize::from(bin >> 6)] >> (bin & 63) & 1 == 1
    }

    pub(super) fn add(&mut self, bin: u16) {
        self.0[usize::from(bin >> 6)] |= 1 << (bin & 63);
    }

    /// Whether all its bins are up to this one.
    pub(super) fn ends_at(&self, last: u16) -> bool {
        (u32::from(last) + 1..64 * self.0.len() as u32).all(|bin| !self.has(bin as u16))
    }
}

/// What a split must keep to, and what it is worth.
#[derive(Clone, Debug)]
pub(super) struct Criterion {
    pub(super) l1: f64,
    pub(super) l2: f64,
    pub(super) max_leaf_value: Option<f64>,
    pub(super) min_rows: i64,
    pub(super) min_hessian: f64,
    pub(super) min_gain: f64,
    pub(super) categories: Categories,
    pub(super) gradient_unit: f64,
    pub(super) hessian_unit: f64,
}

/// A split that may be made.
#[derive(Clone, Debug)]
pub(super) struct Split {
    /// The feature, by its place in the matrix.
    pub(super) feature: usize,
    /// How much the loss falls, to second order; above 0.
    pub(super) gain: f64,
    /// What goes left.
    pub(super) left: Sums,
    pub(super) rule: Rule,
}

/// Which bins go left.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Rule {
    /// The bins of numbers up to this one; and that of null, if anything is known of it.
    Number { last: u16, null: u16, null_left: Option<bool> },
    /// These bins; nothing is known of those that were not seen in the node.
    Category { left: BinSet, seen: BinSet, regularised: bool },
}

impl Rule {
    /// Whether a bin goes left.
    #[inline]
    pub(super) fn goes_left(&self, bin: u16) -> bool {
        match self {
            Rule::Number { last, null, null_left } => bin <= *last || (bin == *null && *null_left == Some(true)),
            Rule::Category { left, .. } => left.has(bin),
        }
    }

    /// Sends everything left, or right, of which nothing is known.
    pub(super) fn settle(&mut self, last_bin: u16, unknown_left: bool) {
        match self {
            Rule::Number { null_left, .. } => *null_left = null_left.or(Some(unknown_left)),
            Rule::Category { left, seen, .. } if unknown_left => {
                (0..=last_bin).filter(|bin| !seen.has(*bin)).for_each(|bin| left.add(bin));
            }
            Rule::Category { .. } => {}
        }
    }
}

/// A best split so far within one feature.
#[derive(Clone, Copy)]
struct Best {
    score: f64,
    left: Sums,
    bin: usize,
    null_left: bool,
}

impl Criterion {
    /// The split of highest gain; of equal ones that of the earlier feature, then of the lower bin,
    /// then that which sends null left.
    pub(super) fn best<'a>(
        &self,
        node: Sums,
        features: impl Iterator<Item = (usize, &'a Feature, Bins<'a>)>,
    ) -> Option<Split> {
        let unsplit = self.score(node, self.l2);
        let mut best: Option<Split> = None;
        for (at, feature, bins) in features {
            let bar = best.as_ref().map_or(self.min_gain, |split| split.gain);
            let found = match &feature.binning {
                Binning::Number(_) => self.best_of_number(node, unsplit, bar, bins, feature),
                Binning::Category(_) => self.best_of_category(node, unsplit, bar, bins, feature),
            };
            if let Some((gain, left, rule)) = found {
                best = Some(Split { feature: at, gain, left, rule });
            }
        }
        best
    }

    /// Whether a node may have children at all.
    pub(super) fn may_split(&self, node: Sums) -> bool {
        node.rows >= 2 * self.min_rows && self.hessian(node) >= 2.0 * self.min_hessian
    }

    fn hessian(&self, sums: Sums) -> f64 {
        sums.hessian as f64 * self.hessian_unit
    }

    #[inline]
    fn allows(&self, sums: Sums) -> bool {
        sums.rows >= self.min_rows && sums.hessian > 0 && self.hessian(sums) >= self.min_hessian
    }

    /// How much a leaf with these sums lowers the loss, twice.
    /// Source: Chen & Guestrin 2016, eq. 6 and 7.
    #[inline]
    fn score(&self, sums: Sums, l2: f64) -> f64 {
        let gradient = sums.gradient as f64 * self.gradient_unit;
        let curvature = self.hessian(sums) + l2;
        if self.l1 == 0.0 && self.max_leaf_value.is_none() {
            return gradient * gradient / curvature;
        }
        let shrunk = shrink(gradient, self.l1);
        let value = leaf_value(gradient, curvature, self.l1, self.max_leaf_value);
        -(2.0 * shrunk * value + curvature * value * value)
    }

    fn best_of_number(
        &self,
        node: Sums,
        unsplit: f64,
        bar: f64,
        bins: Bins<'_>,
        feature: &Feature,
    ) -> Option<(f64, Sums, Rule)> {
        let values = feature.binning.values();
        let nulls = if bins.len() > values { bins.at(values) } else { Sums::default() };
        let mut best: Option<Best> = None;
        let mut try_split = |left: Sums, bin: usize, null_left: bool| {
            let right = node - left;
            if self.allows(left) && self.allows(right) {
                let score = self.score(left, self.l2) + self.score(right, self.l2);
                if best.is_none_or(|best| score > best.score) {
                    best = Some(Best { score, left, bin, null_left });
                }
            }
        };
        let mut below = Sums::default();
        for bin in 0..values {
            let here = bins.at(bin);
            if here.rows == 0 {
                continue;
            }
            below = below + here;
            if nulls.rows > 0 {
                try_split(below + nulls, bin, true);
            }
            try_split(below, bin, false);
            if node.rows - below.rows < self.min_rows {
                break;
            }
        }
        let Best { score, left, bin, null_left } = best?;
        let gain = score - unsplit;
        let null_left = (nulls.rows > 0).then_some(null_left);
        let rule = Rule::Number { last: bin as u16, null: feature.binning.null(), null_left };
        (gain > bar).then_some((gain, left, rule))
    }

    /// The best set of levels: one against the others if there are few, else a run from either
    /// end of the levels sorted by their mean gradient.
    /// Source: Fisher 1958, "On grouping for maximum homogeneity"; bounds as in LightGBM.
    fn best_of_category(
        &self,
        node: Sums,
        unsplit: f64,
        bar: f64,
        bins: Bins<'_>,
        feature: &Feature,
    ) -> Option<(f64, Sums, Rule)> {
        let seen: Vec<u16> = (0..bins.len()).filter(|bin| bins.at(*bin).rows > 0).map(|bin| bin as u16).collect();
        let regularised = bins.len() > self.categories.one_hot_up_to as usize;
        let (score, sums, run) = match regularised {
            false => self.best_level(node, &seen, bins)?,
            true => self.best_run(node, &seen, bins)?,
        };
        let gain = score - unsplit;
        let set = |bins: &[u16]| {
            let mut set = BinSet::up_to(feature.binning.last());
            bins.iter().for_each(|bin| set.add(*bin));
            set
        };
        let rule = || Rule::Category { left: set(&run), seen: set(&seen), regularised };
        (gain > bar).then(|| (gain, sums, rule()))
    }

    fn best_level(&self, node: Sums, seen: &[u16], bins: Bins<'_>) -> Option<(f64, Sums, Vec<u16>)> {
        let mut best: Option<(f64, Sums, u16)> = None;
        for bin in seen {
            let left = bins.at(usize::from(*bin));
            let right = node - left;
            if self.allows(left) && self.allows(right) {
                let score = self.score(left, self.l2) + self.score(right, self.l2);
                if best.is_none_or(|best| score > best.0) {
                    best = Some((score, left, *bin));
                }
            }
        }
        let (score, left, bin) = best?;
        Some((score, left, vec![bin]))
    }

    fn best_run(&self, node: Sums, seen: &[u16], bins: Bins<'_>) -> Option<(f64, Sums, Vec<u16>)> {
        let Categories { smoothing, l2, max_per_split, min_rows, .. } = &self.categories;
        let mean = |bin: u16| {
            let sums = bins.at(usize::from(bin));
            sums.gradient as f64 * self.gradient_unit / (self.hessian(sums) + smoothing)
        };
        // A row counts by its share of the hessian: one whose class is settled says little, and levels
        // made of such rows would be set apart again and again. So did LightGBM, for want of counts;
        // with counts, the log loss on 16,000 rows with 3,300 levels was 2.5% higher.
        let evidence = |sums: Sums| sums.hessian as f64 * (node.rows as f64 / node.hessian as f64);
        let often = |bin: &&u16| evidence(bins.at(usize::from(**bin))) >= *smoothing;
        let mut sorted: Vec<(f64, u16)> = seen.iter().filter(often).map(|bin| (mean(*bin), *bin)).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let longest = (*max_per_split as usize).min(sorted.len().div_ceil(2));
        let l2 = self.l2 + l2;
        let group = f64::from(*min_rows);
        let mut best: Option<(f64, Sums, usize, bool)> = None;
        for reversed in [false, true] {
            let mut left = Sums::default();
            let mut since = Sums::default();
            for length in 1..=longest {
                let at = if reversed { sorted.len() - length } else { length - 1 };
                let here = bins.at(usize::from(sorted[at].1));
                left = left + here;
                since = since + here;
                let right = node - left;
                if !self.allows(left) {
                    continue;
                }
                if !self.allows(right) || evidence(right) < group {
                    break;
                }
                // A few rows more are no new candidate: they would only fit noise.
                if evidence(since) < group {
                    continue;
                }
                since = Sums::default();
                let score = self.score(left, l2) + self.score(right, l2);
                if best.is_none_or(|best| score > best.0) {
                    best = Some((score, left, length, reversed));
                }
            }
        }
        let (score, left, length, reversed) = best?;
        let run = if reversed { &sorted[sorted.len() - length..] } else { &sorted[..length] };
        Some((score, left, run.iter().map(|(_, bin)| *bin).collect()))
    }
}

/// A gradient moved towards 0 by `l1`.
#[inline]
fn shrink(gradient: f64, l1: f64) -> f64 {
    let magnitude = (gradient.abs() - l1).max(0.0);
    if gradient < 0.0 { -magnitude } else { magnitude }
}

/// The value of a leaf before it is multiplied by the learning rate.
pub(super) fn leaf_value(gradient: f64, curvature: f64, l1: f64, most: Option<f64>) -> f64 {
    if curvature <= 0.0 {
        return 0.0;
    }
    let value = -shrink(gradient, l1) / curvature + 0.0;
    most.map_or(value, |most| value.clamp(-most, most))
}
