//! The best cut of a number where nothing binds the values of leaves: the scores of many cuts are estimated side by
//! side, and only those that come near the highest are reckoned. Estimates err by less than a margin, so what is found
//! is what reckoning all would find.

use std::ops::{Add, Div, Mul, Sub};

use evenstep_exact::simd::widest;

use super::histogram::{Bins, Planes, Sums};
use super::quantise::Packing;
use super::split::{Best, Criterion};

/// So many cuts are looked at together.
const BLOCK: usize = 256;

/// So many estimates are compared together.
const LANES: usize = 16;

/// By how much of itself an estimate errs at most, many times over.
const NARROW_MARGIN: f64 = 1e-5;
const WIDE_MARGIN: f64 = 1e-9;

/// What lies left of each cut of a block: gradients, hessians and rows.
type Below<I> = [[I; BLOCK]; 3];

/// A node, as far as its cuts are concerned.
#[derive(Clone, Copy)]
pub(super) struct Cuts<'a> {
    pub(super) criterion: &'a Criterion,
    pub(super) node: Sums,
    /// The least sum of hessians of a child, in their units.
    pub(super) hessian_min: i64,
    pub(super) nulls: Sums,
    /// Cuts of no higher score are of no use.
    pub(super) bar: f64,
}

impl Criterion {
    /// Whether scores of so many rows can be estimated.
    pub(super) fn can_estimate(&self, rows: i64) -> bool {
        // Integers below 2⁵¹ are turned into floats at once; and `l2` is no more than all that is kept apart.
        let units = self.l1 == 0.0 && self.l2 <= 1e9 * self.hessian_unit;
        units && rows < 1 << (51 - self.sum_bits)
    }
}

/// The cut of highest score; of equal ones the lower, then that which sends null left. None also where no cut's
/// score is above the bar.
pub(super) fn best_cut(cuts: Cuts<'_>, bins: Bins<'_>, values: usize) -> Option<Best> {
    let mut best = None;
    match bins.sums {
        Planes::Packed(words, packing) if packing.is_narrow() && cuts.node.rows <= packing.block_rows() as i64 => {
            let (mut sum, mut below) = (0, [0; BLOCK]);
            for (block, words) in words[..values].chunks(BLOCK).enumerate() {
                add_up(words, &mut sum, &mut below);
                let mut parts = [[0_i32; BLOCK]; 3];
                widest!(take_apart(packing, &below, &mut parts));
                let sums = |at: usize| packing.sums(below[at]);
                cuts.block(block * BLOCK, words.len(), &parts, |n| n as i32, |n| n as f32, sums, &mut best);
            }
        }
        planes => {
            let (mut sum, mut below) = ([0; 3], [[0; BLOCK]; 3]);
            let mut parts = [[0; BLOCK]; 3];
            for first in (0..values).step_by(BLOCK) {
                let count = BLOCK.min(values - first);
                let bins = match planes {
                    Planes::Apart(planes) => planes.map(|plane| &plane[first..first + count]),
                    Planes::Packed(words, packing) => {
                        widest!(take_apart_wide(packing, &words[first..first + count], &mut parts));
                        parts.each_ref().map(|part| &part[..count])
                    }
                };
                for ((bins, sum), below) in bins.into_iter().zip(&mut sum).zip(&mut below) {
                    add_up(bins, sum, below);
                }
                let sums = |at: usize| Sums { gradient: below[0][at], hessian: below[1][at], rows: below[2][at] };
                cuts.block(first, count, &below, |n| n, small_float, sums, &mut best);
            }
        }
    }
    best
}

/// Writes down what lies left of each cut; after the last that of all, again and again.
fn add_up(bins: &[i64], sum: &mut i64, below: &mut [i64; BLOCK]) {
    let (of_bins, after) = below.split_at_mut(bins.len());
    for (bin, below) in bins.iter().zip(of_bins) {
        *sum = sum.wrapping_add(*bin);
        *below = *sum;
    }
    let filled = after.len().min(bins.len().next_multiple_of(LANES) - bins.len());
    after[..filled].fill(*sum);
}

#[inline(always)]
fn take_apart(packing: &Packing, below: &[i64; BLOCK], parts: &mut Below<i32>) {
    let [gradients, hessians, rows] = parts;
    let parts = gradients.iter_mut().zip(hessians).zip(rows);
    for (((gradient, hessian), rows), word) in parts.zip(below) {
        [*gradient, *hessian, *rows] = packing.take_apart_narrow(*word);
    }
}

#[inline(always)]
fn take_apart_wide(packing: &Packing, bins: &[i64], parts: &mut Below<i64>) {
    let [gradients, hessians, rows] = parts;
    let parts = gradients.iter_mut().zip(hessians).zip(rows);
    for (((gradient, hessian), rows), word) in parts.zip(bins) {
        [*gradient, *hessian, *rows] = packing.take_apart(*word as u64);
    }
}

/// An integer of less than 2⁵¹, either way, as a float. What processors without AVX-512 have for all integers takes
/// many times as long.
#[inline(always)]
fn small_float(n: i64) -> f64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    f64::from_bits((n as u64).wrapping_add(MAGIC.to_bits())) - MAGIC
}

/// What scores are estimated with.
trait Real: Copy + PartialOrd + Default + Into<f64> + Add<Output = Self> + Mul<Output = Self> + Div<Output = Self> {
    const MARGIN: f64;
    fn of(x: f64) -> Self;
}

impl Real for f32 {
    const MARGIN: f64 = NARROW_MARGIN;
    fn of(x: f64) -> f32 {
        x as f32
    }
}

impl Real for f64 {
    const MARGIN: f64 = WIDE_MARGIN;
    fn of(x: f64) -> f64 {
        x
    }
}

/// What both children of a cut must have.
#[derive(Clone, Copy)]
struct Least<I> {
    rows: I,
    hessian: I,
}

impl Cuts<'_> {
    /// Looks at a block of cuts, the first of which is after the bin `first`.
    #[expect(clippy::too_many_arguments, reason = "what is known of the block's integers, in two widths")]
    fn block<I, R>(
        &self,
        first: usize,
        count: usize,
        below: &Below<I>,
        integer: impl Fn(i64) -> I,
        real: impl Fn(I) -> R + Copy,
        sums: impl Fn(usize) -> Sums,
        best: &mut Option<Best>,
    ) where
        I: Copy + PartialOrd + Default + Add<Output = I> + Sub<Output = I>,
        R: Real,
    {
        let Criterion { min_rows, gradient_unit, hessian_unit, l2, .. } = *self.criterion;
        let whole = |sums: Sums| [sums.gradient, sums.hessian, sums.rows].map(&integer);
        // More than a node has is as much as anything more.
        let least = Least {
            rows: integer(min_rows.min(self.node.rows + 1)),
            hessian: integer(self.hessian_min.min(self.node.hessian + 1)),
        };
        let l2 = R::of(l2 / hessian_unit);
        let unit = gradient_unit * gradient_unit / hessian_unit;
        let sides = if self.nulls.rows > 0 { &[true, false][..] } else { &[false] };
        for null_left in sides {
            let more = if *null_left { self.nulls } else { Sums::default() };
            let mut estimates = [R::default(); BLOCK];
            let used = count.next_multiple_of(LANES);
            let node = whole(self.node);
            let most = widest!(estimate(below, used, node, whole(more), least, l2, real, &mut estimates));
            let most: f64 = most.into();
            let bar = best.map_or(self.bar, |best: Best| best.score.max(self.bar));
            if most <= 0.0 || most * unit * (1.0 + R::MARGIN) < bar * (1.0 - R::MARGIN) {
                continue;
            }
            let near = R::of(most * (1.0 - 2.0 * R::MARGIN));
            for (at, _) in estimates[..count].iter().enumerate().filter(|(_, estimate)| **estimate >= near) {
                let left = more + sums(at);
                let score = self.criterion.free_score(left) + self.criterion.free_score(self.node - left);
                let bin = first + at;
                if best.is_none_or(|best| score > best.score || (score == best.score && bin < best.bin)) {
                    *best = Some(Best { score, left, bin, null_left: *null_left });
                }
            }
        }
    }
}

/// Estimates the scores of cuts in units; 0 where one may not be made. Tells the highest.
#[inline(always)]
#[expect(
    clippy::too_many_arguments,
    reason = "it must be inlined to be compiled for wider registers, arguments cost nothing"
)]
fn estimate<I, R>(
    below: &Below<I>,
    used: usize,
    node: [I; 3],
    more: [I; 3],
    least: Least<I>,
    l2: R,
    real: impl Fn(I) -> R,
    estimates: &mut [R; BLOCK],
) -> R
where
    I: Copy + PartialOrd + Default + Add<Output = I> + Sub<Output = I>,
    R: Real,
{
    let zero = R::default();
    let mut highest = [zero; LANES];
    let [gradients, hessians, rows] = below.each_ref().map(|sums| sums[..used].as_chunks::<LANES>().0);
    let chunks = estimates[..used].as_chunks_mut::<LANES>().0.iter_mut().zip(gradients).zip(hessians).zip(rows);
    for (((estimates, gradients), hessians), rows) in chunks {
        for lane in 0..LANES {
            let left = [gradients[lane] + more[0], hessians[lane] + more[1], rows[lane] + more[2]];
            let right = [node[0] - left[0], node[1] - left[1], node[2] - left[2]];
            // Null alone is parted from values by the last of their bins, not by those before the first.
            let allowed = (rows[lane] > I::default())
                & (left[2] >= least.rows)
                & (right[2] >= least.rows)
                & (left[1] >= least.hessian)
                & (right[1] >= least.hessian);
            let [left_gradient, right_gradient] = [real(left[0]), real(right[0])];
            let [left_curvature, right_curvature] = [real(left[1]) + l2, real(right[1]) + l2];
            let sum =
                left_gradient * left_gradient * right_curvature + right_gradient * right_gradient * left_curvature;
            let estimate = sum / (left_curvature * right_curvature);
            let estimate = if allowed { estimate } else { zero };
            estimates[lane] = estimate;
            highest[lane] = if estimate > highest[lane] { estimate } else { highest[lane] };
        }
    }
    highest.into_iter().fold(zero, |most, one| if one > most { one } else { most })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::quantise::{Hessians, Largest};
    use super::super::{BoostedTrees, quantise};
    use super::*;

    /// Bins of `values` numbers and one of nulls, packed: what each row brings is drawn from `seed`.
    fn words(packing: &Packing, values: usize, rows: u32, most: f64, seed: u64) -> Vec<i64> {
        let draw = |row: u32, n: u64| quantise::mix(row, seed.wrapping_add(n));
        let mut words = vec![0_i64; values + 1];
        let (mut gradients, mut hessians, mut seeds, mut bins) = (vec![], vec![], vec![], vec![]);
        for row in 0..rows {
            let share = (draw(row, 1) >> 40) as f64 / f64::from(1 << 24);
            // Towards one end, with holes.
            bins.push(((share * share * (values + 1) as f64) as usize).min(values) / 3 * 3);
            gradients.push((draw(row, 2) >> 40) as f64 / f64::from(1 << 23) - 1.0);
            hessians.push(if packing.unit_hessian { 1.0 } else { (most * share).ceil().min(most) });
            seeds.push(draw(row, 3) as u32);
        }
        let mut packed = vec![0; rows as usize];
        packing.pack(&gradients, &hessians, &seeds, seed, &mut packed);
        bins.iter().zip(packed).for_each(|(bin, row)| {
            words[*bin] = words[*bin].wrapping_add(packing.spread(row) as i64);
        });
        words
    }

    /// What `best_cut` is to find, cut by cut.
    fn reckoned(cuts: Cuts<'_>, bins: Bins<'_>, values: usize) -> Option<(f64, usize, bool, Sums)> {
        let mut best: Option<(f64, usize, bool, Sums)> = None;
        let mut below = Sums::default();
        for bin in 0..values {
            below = below + bins.at(bin);
            for null_left in if cuts.nulls.rows > 0 { &[true, false][..] } else { &[false] } {
                let left = if *null_left { below + cuts.nulls } else { below };
                let right = cuts.node - left;
                if below.rows > 0 && [left, right].iter().all(|sums| cuts.criterion.allows(*sums, cuts.hessian_min)) {
                    let score = cuts.criterion.free_score(left) + cuts.criterion.free_score(right);
                    if score > best.map_or(0.0, |best| best.0) {
                        best = Some((score, bin, *null_left, left));
                    }
                }
            }
        }
        best
    }

    proptest! {
        #[test]
        fn what_is_estimated_first_is_what_reckoning_all_finds(
            seed: u64,
            kind in 0..4,
            bits in 8_u32..=15,
            values in 17_usize..600,
            rows in 1_u32..2000,
            beyond_a_block: bool,
            min_rows in 0_u32..40,
            min_hessian in 0.0_f64..20.0,
            l2 in prop_oneof![Just(0.0), 0.0_f64..50.0],
            times in prop_oneof![Just(1_i64), 2_i64..500],
            rows_by_hessian: bool,
        ) {
            let (hessians, most) = match kind {
                0 => (Hessians::One, 1.0),
                1 => (Hessians::Counts, 8.0),
                2 => (Hessians::weights(1.0), 3.0),
                _ => (Hessians::Any { gradient_bits: bits }, 3.0),
            };
            let packing = Packing::new(Largest { gradient: 1.0, hessian: most, error: 0.0 }, hessians);
            // No bin has more rows than a block, also where the node does.
            let block = packing.block_rows() as u32;
            let rows = if beyond_a_block { block + rows.min(block) } else { rows.min(block) };
            let times = times.min((1 << 19) / i64::from(rows));
            let words = words(&packing, values, rows, most, seed);
            let spec = BoostedTrees { min_rows, min_hessian, ..BoostedTrees::default() };
            let criterion = Criterion { rows_by_hessian, ..spec.criterion(&packing, l2) };
            let planes = |sum: fn(Sums) -> i64| words.iter().map(|word| times * sum(packing.sums(*word))).collect();
            let planes: [Vec<i64>; 3] = [planes(|sums| sums.gradient), planes(|sums| sums.hessian), planes(|sums| sums.rows)];
            let packed = Bins { sums: Planes::Packed(&words, &packing), few: None };
            let apart = Bins { sums: Planes::Apart(planes.each_ref().map(|plane| &plane[..])), few: None };
            for bins in [packed, apart] {
                let nulls = bins.at(values);
                let (node, criterion) = (bins.total(), &criterion);
                let cuts = Cuts { criterion, node, hessian_min: criterion.hessian_min_of(node), nulls, bar: 0.0 };
                prop_assert!(criterion.can_estimate(cuts.node.rows));
                let of_best = |best: Best| (best.score, best.bin, best.null_left, best.left);
                let expected = reckoned(cuts, bins, values);
                prop_assert_eq!(best_cut(cuts, bins, values).map(of_best), expected);
                if let Some((score, ..)) = expected {
                    let found = |bar: f64| best_cut(Cuts { bar, ..cuts }, bins, values).map(of_best);
                    prop_assert_eq!(found(score * (1.0 - 1e-12)), expected);
                    prop_assert_eq!(found(score * 1.001), None);
                }
            }
        }
    }
}
