//! How many thresholds numbers exceed: a search without a branch, of many numbers side by side.

use evenstep_exact::simd::widest;

/// Numbers that are searched for together.
const TOGETHER: usize = 32;

/// Tells, for each number, how many of the thresholds it exceeds. These ascend, at most 255, and end in infinities.
#[inline]
pub(super) fn ranks(thresholds: &[f64; 256], numbers: &[f64], mut tell: impl FnMut(usize, u8)) {
    for (block, numbers) in numbers.chunks(TOGETHER).enumerate() {
        let mut some = [0.0; TOGETHER];
        some[..numbers.len()].copy_from_slice(numbers);
        let ranks = widest!(ranks_of(thresholds, &some));
        (0..numbers.len()).for_each(|at| tell(block * TOGETHER + at, ranks[at]));
    }
}

#[inline(always)]
fn ranks_of(thresholds: &[f64; 256], numbers: &[f64; TOGETHER]) -> [u8; TOGETHER] {
    let mut ranks = [0_u64; TOGETHER];
    for step in [128, 64, 32, 16, 8, 4, 2, 1] {
        for (rank, number) in ranks.iter_mut().zip(numbers) {
            let exceeds = thresholds[((*rank + step - 1) & 255) as usize] < *number;
            *rank += if exceeds { step } else { 0 };
        }
    }
    ranks.map(|rank| rank as u8)
}
