//! The best cut of a number where nothing binds the values of leaves: many cuts side by side.

use evenstep_exact::simd::widest;

use super::histogram::{Bins, Sums};
use super::split::{Best, Criterion};

/// So many cuts are looked at together.
const BLOCK: usize = 256;

/// What lies left of each cut of a block: gradients, hessians and rows.
type Below = [[i64; BLOCK]; 3];

/// The cut of highest score; of equal ones the lower, then that which sends null left.
pub(super) fn best_cut(criterion: &Criterion, node: Sums, nulls: Sums, bins: Bins<'_>, values: usize) -> Option<Best> {
    let mut best: Option<Best> = None;
    let (mut sums, mut below) = ([0; 3], [[0; BLOCK]; 3]);
    for first in (0..values).step_by(BLOCK) {
        let count = BLOCK.min(values - first);
        let planes = [bins.gradients, bins.hessians, bins.rows];
        for ((plane, below), sum) in planes.into_iter().zip(&mut below).zip(&mut sums) {
            for (bin, below) in plane[first..first + count].iter().zip(below) {
                *sum += bin;
                *below = *sum;
            }
        }
        let sides = if nulls.rows > 0 { &[true, false][..] } else { &[false] };
        let of_side = |null_left: &bool| {
            let more = if *null_left { nulls } else { Sums::default() };
            let (score, at) = widest!(highest(criterion, node, more, &below, count))?;
            let [gradient, hessian, rows] = below.each_ref().map(|sums| sums[at]);
            let left = more + Sums { gradient, hessian, rows };
            Some(Best { score, left, bin: first + at, null_left: *null_left })
        };
        for found in sides.iter().filter_map(of_side) {
            let is_better =
                |best: Best| found.score > best.score || (found.score == best.score && found.bin < best.bin);
            if best.is_none_or(is_better) {
                best = Some(found);
            }
        }
    }
    best
}

/// The highest score of a block, and the first cut that has it; None if none may be made, or gains.
#[inline(always)]
fn highest(criterion: &Criterion, node: Sums, more: Sums, below: &Below, count: usize) -> Option<(f64, usize)> {
    let mut scores = [0; BLOCK];
    let [gradients, hessians, rows] = below.each_ref().map(|sums| &sums[..count]);
    let cuts = scores[..count].iter_mut().zip(gradients).zip(hessians).zip(rows);
    for (((score, gradient), hessian), rows) in cuts {
        let left = more + Sums { gradient: *gradient, hessian: *hessian, rows: *rows };
        let right = node - left;
        // Null alone is parted from values by the last of their bins, not by those before the first.
        let allowed = (*rows > 0) & criterion.allows(left) & criterion.allows(right);
        // Scores are not negative, so that their bits are in their order.
        let bits = (criterion.free_score(left) + criterion.free_score(right)).to_bits();
        *score = if allowed { bits } else { 0 };
    }
    let most = scores.iter().fold(0, |most, score| most.max(*score));
    let at = scores.iter().position(|score| *score == most)?;
    (most > 0).then(|| (f64::from_bits(most), at))
}
