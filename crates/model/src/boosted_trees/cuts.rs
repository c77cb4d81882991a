//! Where one bin of a feature ends and the next begins.
//!
//! Exact: cuts come from the distribution of all training rows, never from a sample,
//! so no order or grouping of rows moves them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use evenstep_exact::frequency::Frequency;
use evenstep_exact::quantile::Distribution;

use super::means::Means;

/// The most bins that the levels of a category fall into: two bytes also tell null and unseen.
pub(super) const LEVELS_MAX: usize = 65_534;

/// How many bins there may be, and how full they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct BinLimits {
    /// The most into which numbers fall.
    pub(super) most: usize,
    /// The fewest training rows of one, where the values allow it.
    pub(super) min_rows: u64,
    /// How often the first and the last one are halved, towards the least and the greatest value, down to one row.
    pub(super) tails: usize,
}

/// How the cells of a feature fall into bins. BinLimits of values come first, then the bin of
/// null, then, for a category, the bin of levels that training never saw.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Binning {
    /// A number's bin is the count of thresholds that it exceeds.
    Number(Vec<f64>),
    /// A level has a bin.
    Category(Arc<Levels>),
    /// A level has the bin of its mean.
    Means(Box<Means>),
}

/// The levels of a category, by name. Rare ones share the last bin.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Levels {
    /// Their names, one after the other, sorted, so that they can be searched: a level takes little more than its name.
    names: String,
    /// Where each name ends.
    ends: Vec<usize>,
    /// The bin of each.
    bins: Vec<u16>,
    /// How many bins they fall into.
    pub(super) count: usize,
}

impl Binning {
    /// How many bins hold values.
    pub(super) fn values(&self) -> usize {
        match self {
            Binning::Number(thresholds) => thresholds.len() + 1,
            Binning::Category(levels) => levels.count,
            Binning::Means(means) => means.thresholds.len() + 1,
        }
    }

    /// The bin after which values are cut between two bins, where a node has no row in those between: the cut nearest to their middle.
    pub(super) fn middle(&self, last: u16, next: u16) -> u16 {
        let thresholds = match self {
            Binning::Number(thresholds) => &thresholds[..],
            Binning::Means(means) => &means.thresholds,
            Binning::Category(_) => return last,
        };
        let between = &thresholds[usize::from(last)..usize::from(next).min(thresholds.len())];
        let [Some(first), Some(end)] = [between.first(), between.last()] else { return last };
        let middle = midway(*first, *end);
        let above = between.partition_point(|cut| *cut < middle);
        let is_nearer = |at: usize| between[at] - middle < middle - between[at - 1];
        last + (if above > 0 && !is_nearer(above) { above - 1 } else { above }) as u16
    }

    /// The bin of nulls.
    pub(super) fn null(&self) -> u16 {
        self.values() as u16
    }

    /// The last bin that there is.
    pub(super) fn last(&self) -> u16 {
        match self {
            Binning::Number(_) | Binning::Means(_) => self.null(),
            Binning::Category(levels) => levels.unseen(),
        }
    }
}

impl Levels {
    /// None yet, with room for some whose names take so many bytes.
    pub(super) fn with_capacity(levels: usize, bytes: usize) -> Levels {
        let (ends, bins) = (Vec::with_capacity(levels), Vec::with_capacity(levels));
        Levels { names: String::with_capacity(bytes), ends, bins, count: 0 }
    }

    /// Adds a level, whose name has to come after those before.
    pub(super) fn push(&mut self, name: &str, bin: u16) {
        self.names.push_str(name);
        self.ends.push(self.names.len());
        self.bins.push(bin);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.bins.len()
    }

    fn name(&self, at: usize) -> &str {
        &self.names[at.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[at]]
    }

    /// The last name.
    pub(super) fn last(&self) -> Option<&str> {
        self.len().checked_sub(1).map(|at| self.name(at))
    }

    /// Each level with its bin, in the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u16)> {
        (0..self.len()).map(|at| (self.name(at), self.bins[at]))
    }

    /// The bin of a level, or that of levels which training never saw.
    pub(super) fn bin_or_unseen(&self, level: &str) -> u16 {
        self.bin(level).unwrap_or(self.unseen())
    }

    /// The bin of a level; None if training never saw it.
    pub(super) fn bin(&self, level: &str) -> Option<u16> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from.midpoint(to);
            match self.name(middle).cmp(level) {
                Ordering::Less => from = middle + 1,
                Ordering::Equal => return Some(self.bins[middle]),
                Ordering::Greater => to = middle,
            }
        }
        None
    }

    /// The bin of null.
    pub(super) fn null(&self) -> u16 {
        self.count as u16
    }

    /// The bin of what training never saw.
    pub(super) fn unseen(&self) -> u16 {
        self.count as u16 + 1
    }

    /// Gives each level a bin, in the order of their names. Those with fewer rows than a bin should
    /// have share the last one, and so do the rarest if there are too many; equally frequent ones by name.
    pub(super) fn from_frequency(seen: &Frequency<String>, min_rows: u64) -> Levels {
        Levels::of_most(seen, LEVELS_MAX, min_rows)
    }

    fn of_most(seen: &Frequency<String>, most: usize, min_rows: u64) -> Levels {
        let mut by_count: Vec<(&String, u64)> = seen.iter().collect();
        by_count.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let mut own = by_count.partition_point(|(_, count)| *count >= min_rows);
        if own + usize::from(own < by_count.len()) > most {
            own = most - 1;
        }
        let own_bin: BTreeMap<&str, bool> =
            by_count.iter().enumerate().map(|(rank, (name, _))| (name.as_str(), rank < own)).collect();
        let mut levels = Levels { count: own + usize::from(own < by_count.len()), ..Levels::default() };
        let mut next = 0;
        for (name, has_own) in own_bin {
            levels.push(name, if has_own { next } else { own } as u16);
            next += usize::from(has_own);
        }
        levels
    }
}

/// The thresholds that cut a distribution into bins of nearly equal row counts.
///
/// A value held by more rows than a bin should have gets a bin of its own; what remains is
/// shared out anew. Each threshold lies midway between neighbouring values.
/// Source: the greedy rule of LightGBM's `GreedyFindBin`, in exact integers and over all rows.
pub(super) fn thresholds(seen: &Distribution, bins: BinLimits) -> Vec<f64> {
    thresholds_of_runs(seen.runs(), bins)
}

/// The same, of the values in ascending order, each with its count of rows.
pub(super) fn thresholds_of_runs(runs: &[(f64, u64)], bins: BinLimits) -> Vec<f64> {
    let ends = if runs.len() <= bins.most { small_ends(runs, bins.min_rows) } else { ends_with_tails(runs, bins) };
    ends.into_iter().map(|end| midway(runs[end].0, runs[end + 1].0)).collect()
}

/// The least value of each bin, of the values in ascending order.
pub(super) fn least_of_bins(runs: &[(f64, u64)], thresholds: &[f64]) -> Vec<f64> {
    let after = |threshold: &f64| runs[runs.partition_point(|(value, _)| value <= threshold)].0;
    runs.first().map(|(value, _)| *value).into_iter().chain(thresholds.iter().map(after)).collect()
}

/// Every value on its own, unless it has too few rows.
fn small_ends(runs: &[(f64, u64)], min_rows: u64) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut rows = 0;
    for (at, (_, count)) in runs.iter().enumerate().take(runs.len().saturating_sub(1)) {
        rows += count;
        if rows >= min_rows {
            ends.push(at);
            rows = 0;
        }
    }
    ends
}

/// The last run of each bin but the last, of nearly equal bins whose first and last are halved.
fn ends_with_tails(runs: &[(f64, u64)], bins: BinLimits) -> Vec<usize> {
    let mut ends = equal_ends(runs, BinLimits { most: bins.most.saturating_sub(2 * bins.tails).max(2), ..bins });
    if let (Some(first), Some(last)) = (ends.first().copied(), ends.last().copied()) {
        ends.extend(halves(runs[last + 1..].iter(), bins.tails).map(|at| last + 1 + at));
        ends.extend(halves(runs[..=first].iter().rev(), bins.tails).map(|at| first - 1 - at));
        ends.sort_unstable();
    }
    ends
}

/// After which runs a bin is parted if what lies beyond is halved again and again.
fn halves<'a>(
    runs: impl ExactSizeIterator<Item = &'a (f64, u64)> + Clone,
    times: usize,
) -> impl Iterator<Item = usize> {
    let mut beyond: u64 = runs.clone().map(|(_, count)| count).sum();
    let (before_last, mut rows) = (runs.len() - 1, 0);
    let ends = runs.take(before_last).enumerate().filter_map(move |(at, (_, count))| {
        rows += count;
        let is_half = 2 * rows >= beyond;
        is_half.then(|| {
            (beyond, rows) = (beyond - rows, 0);
            at
        })
    });
    ends.take(times)
}

/// The last run of each bin but the last bin.
fn equal_ends(runs: &[(f64, u64)], bins: BinLimits) -> Vec<usize> {
    let mut cutter = Cutter::new(runs.iter().map(|(_, count)| count).sum(), bins);
    runs.iter().for_each(|(_, count)| cutter.count_big(*count));
    cutter.begin();
    let mut ends = Vec::new();
    for (at, pair) in runs.windows(2).enumerate() {
        if cutter.closes(pair[0].1, cutter.is_big(pair[1].1)) {
            ends.push(at);
            if cutter.is_done(ends.len()) {
                break;
            }
        }
    }
    ends
}

/// Says where bins end, as runs of equal values go by in ascending order.
pub(super) struct Cutter {
    most: u64,
    /// So many rows of one value, at least the mean of a bin, have a bin of their own.
    pub(super) big: u64,
    bins_left: u64,
    rows_left: u64,
    /// The mean of what is not big, as a fraction that changes when a bin is closed.
    mean: (u64, u64),
    rows: u64,
}

impl Cutter {
    /// For so many rows in all.
    pub(super) fn new(total: u64, bins: BinLimits) -> Cutter {
        let most = (bins.most as u64).min(total / bins.min_rows).max(1);
        Cutter { most, big: total.div_ceil(most), bins_left: most, rows_left: total, mean: (0, 1), rows: 0 }
    }

    /// Whether so many rows of one value have a bin of their own.
    pub(super) fn is_big(&self, count: u64) -> bool {
        count >= self.big
    }

    /// Sets a run aside if it is big. All are to be seen before the first goes by.
    pub(super) fn count_big(&mut self, count: u64) {
        if self.is_big(count) {
            self.bins_left -= 1;
            self.rows_left -= count;
        }
    }

    /// All big runs are set aside.
    pub(super) fn begin(&mut self) {
        self.mean = (self.rows_left, self.bins_left.max(1));
    }

    /// How many rows fill the bin, if so many that are not big do.
    pub(super) fn wanted(&self, rows: u64) -> Option<u64> {
        let (all, bins) = self.mean;
        if bins == 0 && all > 0 {
            return None;
        }
        let full = all.div_ceil(bins.max(1)).max(self.rows + 1);
        (self.rows + rows >= full).then(|| full - self.rows)
    }

    /// Whether the bin ends with a run: one that is big, fills it, or fills half of it before one that is big.
    pub(super) fn closes(&mut self, count: u64, next_is_big: bool) -> bool {
        let is_big = self.is_big(count);
        if !is_big {
            self.rows_left -= count;
        }
        self.rows += count;
        let full = self.rows * self.mean.1 >= self.mean.0;
        let half_before_big = next_is_big && 2 * self.rows * self.mean.1 >= self.mean.0;
        if !(is_big || full || half_before_big) {
            return false;
        }
        self.rows = 0;
        if !is_big {
            self.bins_left = self.bins_left.saturating_sub(1);
            self.mean = (self.rows_left, self.bins_left);
        }
        true
    }

    /// Whether so many ends are all there may be.
    pub(super) fn is_done(&self, ends: usize) -> bool {
        ends as u64 >= self.most - 1
    }
}

/// A number t with a ≤ t < b, midway if rounding allows.
pub(super) fn midway(a: f64, b: f64) -> f64 {
    let sum = a + b;
    let middle = if sum.is_finite() { sum * 0.5 } else { a * 0.5 + b * 0.5 };
    // −0 is 0.
    if a <= middle && middle < b { middle + 0.0 } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], most: usize, expected: &[f64]) {
        assert_eq!(thresholds(&Distribution::from_slice(values), BinLimits { most, min_rows: 3, tails: 0 }), expected);
    }

    #[test]
    fn thresholds_lie_midway_and_keep_three_rows_in_a_bin() {
        check(&[], 255, &[]);
        check(&[1.0; 9], 255, &[]);
        check(&[1.0, 1.0, 1.0, 2.0, 2.0, 2.0], 255, &[1.5]);
        check(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 255, &[3.5, 6.5]);
        assert_eq!(
            thresholds(&Distribution::from_slice(&[1.0, 2.0, 3.0]), BinLimits { most: 9, min_rows: 1, tails: 0 }),
            [1.5, 2.5]
        );
        check(&[f64::MAX, f64::MAX, f64::MAX, -f64::MAX, -f64::MAX, -f64::MAX], 255, &[0.0]);
    }

    #[test]
    fn a_cut_between_bins_is_one_that_is_there() {
        let binning = |cuts: &[f64]| Binning::Number(cuts.to_vec());
        assert_eq!(binning(&[1.0, 2.0, 4.0]).middle(0, 3), 1);
        // Half of a subnormal, twice, is more than it.
        let odd = f64::from_bits(3);
        assert_eq!(binning(&[odd]).middle(0, 1), 0);
        assert_eq!(binning(&[odd, f64::from_bits(5)]).middle(0, 2), 0);
        assert_eq!(binning(&[-f64::MAX, f64::MAX]).middle(0, 2), 0);
    }

    #[test]
    fn neighbouring_floats_are_told_apart() {
        let (a, b) = (1.0_f64, 1.0_f64.next_up());
        check(&[a, a, a, b, b, b], 255, &[a]);
    }

    #[test]
    fn a_heavy_value_has_a_bin_of_its_own_and_the_others_share_the_rest() {
        let mut values = vec![50.0; 900];
        values.extend((0..100).map(f64::from).filter(|x| *x != 50.0));
        let cuts = thresholds(&Distribution::from_slice(&values), BinLimits { most: 10, min_rows: 3, tails: 0 });
        assert!(cuts.len() <= 9 && cuts.len() >= 8, "{cuts:?}");
        assert!(cuts.contains(&49.5) && cuts.contains(&50.5), "{cuts:?}");
    }

    #[test]
    fn bins_have_nearly_equal_counts() {
        let values: Vec<f64> = (0..100_000).map(|i| f64::from(i).sqrt()).collect();
        let cuts = thresholds(&Distribution::from_slice(&values), BinLimits { most: 255, min_rows: 3, tails: 0 });
        assert_eq!(cuts.len(), 254);
        let mut rows = [0_u32; 255];
        values.iter().for_each(|value| rows[cuts.partition_point(|cut| cut < value)] += 1);
        assert!(rows.iter().all(|rows| (300..500).contains(rows)), "{rows:?}");
    }

    #[test]
    fn the_first_and_the_last_bin_are_halved_towards_the_extremes() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let check = |values: &[f64], tails: usize, expected: &[f64]| {
            let bins = BinLimits { most: 8 + 2 * tails, min_rows: 3, tails };
            assert_eq!(thresholds(&Distribution::from_slice(values), bins), expected, "{tails}");
        };
        let plain = [124.5, 249.5, 374.5, 499.5, 624.5, 749.5, 874.5];
        check(&values, 0, &plain);
        let (low, high) = ([30.5, 61.5], [937.5, 968.5]);
        check(&values, 2, &[&low[..], &plain[..], &high[..]].concat());
        // To the last row.
        let (low, high) = ([0.5, 2.5, 6.5, 14.5, 30.5, 61.5], [937.5, 968.5, 984.5, 992.5, 996.5, 998.5]);
        check(&values, 8, &[&low[..], &plain[..], &high[..]].concat());
        // One value is in one bin.
        let values: Vec<f64> = values.into_iter().map(|x| x.clamp(120.0, 900.0)).collect();
        assert!(
            thresholds(&Distribution::from_slice(&values), BinLimits { most: 24, min_rows: 3, tails: 8 }).len() < 23
        );
    }

    #[test]
    fn rare_levels_share_the_last_bin() {
        let mut seen = Frequency::default();
        for (level, count) in [("d", 5), ("a", 1), ("b", 9), ("c", 2), ("e", 5)] {
            seen.observe_n(level.to_owned(), count);
        }
        let check = |most: usize, bins: [u16; 5], count: usize| {
            let levels = Levels::of_most(&seen, most, 3);
            assert_eq!(["a", "b", "c", "d", "e"].map(|name| levels.bin(name).unwrap()), bins);
            assert_eq!((levels.count, levels.bin("f")), (count, None));
        };
        check(9, [3, 0, 3, 1, 2], 4);
        check(4, [3, 0, 3, 1, 2], 4);
        check(3, [2, 0, 2, 1, 2], 3);
    }
}
