//! How many thresholds numbers exceed: a search without a branch, of many numbers side by side.

use evenstep_exact::simd::widest;

/// Numbers that are searched for together.
const TOGETHER: usize = 32;

/// Thresholds that ascend, at most 255, and then infinities.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Thresholds {
    all: Box<[f64; 256]>,
    /// The highest power of two that is no more than their count.
    first_step: u64,
}

impl Thresholds {
    /// Takes up to 255 of them.
    pub(super) fn new(thresholds: &[f64]) -> Thresholds {
        let mut all = Box::new([f64::INFINITY; 256]);
        all[..thresholds.len()].copy_from_slice(thresholds);
        Thresholds { all, first_step: thresholds.len().checked_ilog2().map_or(0, |log| 1 << log) }
    }
}

/// Tells, for each number, how many of the thresholds it exceeds.
#[inline]
pub(super) fn ranks(thresholds: &Thresholds, numbers: &[f64], mut tell: impl FnMut(usize, u8)) {
    for (block, numbers) in numbers.chunks(TOGETHER).enumerate() {
        let mut some = [0.0; TOGETHER];
        some[..numbers.len()].copy_from_slice(numbers);
        let ranks = widest!(ranks_of(thresholds, &some));
        (0..numbers.len()).for_each(|at| tell(block * TOGETHER + at, ranks[at]));
    }
}

#[inline(always)]
fn ranks_of(thresholds: &Thresholds, numbers: &[f64; TOGETHER]) -> [u8; TOGETHER] {
    let mut ranks = [0_u64; TOGETHER];
    let mut step = thresholds.first_step;
    while step > 0 {
        for (rank, number) in ranks.iter_mut().zip(numbers) {
            let exceeds = thresholds.all[((*rank + step - 1) & 255) as usize] < *number;
            *rank += if exceeds { step } else { 0 };
        }
        step >>= 1;
    }
    ranks.map(|rank| rank as u8)
}
