//! Many terms at once: blocks of them, split into integers by additions that vectorise.

use std::hint::black_box;

use super::{ExactSum, is_rounded_product, parts};
use crate::simd::widest;

/// As many integers of 53 bits as fit in 64.
const BLOCK: usize = 1024;

/// Adds `term(0)` to `term(count - 1)`, gathered block by block.
#[inline]
pub(super) fn add_terms(sum: &mut ExactSum, count: usize, term: impl Fn(usize) -> f64) {
    let mut adder = Adder { sum, bound: 0 };
    let mut block = [0.0; BLOCK];
    for from in (0..count).step_by(BLOCK) {
        let length = BLOCK.min(count - from);
        for (x, i) in block[..length].iter_mut().zip(from..) {
            *x = term(i);
        }
        adder.add(&block[..length]);
    }
}

/// Adds the rounded products of `factors(0)` to `factors(count - 1)`, gathered block by block.
#[inline]
pub(super) fn add_rounded_products(sum: &mut ExactSum, count: usize, factors: impl Fn(usize) -> (f64, f64)) {
    let mut adder = Adder { sum, bound: 0 };
    let mut block = [0.0; BLOCK];
    for from in (0..count).step_by(BLOCK) {
        let length = BLOCK.min(count - from);
        let mut rounded = true;
        for (product, i) in block[..length].iter_mut().zip(from..) {
            let (a, b) = factors(i);
            *product = a * b;
            rounded &= is_rounded_product(*product, a, b);
        }
        if rounded {
            adder.add(&block[..length]);
        } else {
            (from..from + length).for_each(|i| {
                let (a, b) = factors(i);
                adder.sum.add_rounded_product(a, b);
            });
        }
    }
}

/// Adds every value of a slice.
pub(super) fn add_slice(sum: &mut ExactSum, values: &[f64]) {
    let mut adder = Adder { sum, bound: 0 };
    for block in values.chunks(BLOCK) {
        touch(block);
        adder.add(block);
    }
}

/// Asks memory for the whole block at once. The sum of a cold slice takes a quarter less time,
/// since the arithmetic that follows lets the core see few loads ahead.
fn touch(block: &[f64]) {
    let line = 64 / size_of::<f64>();
    black_box(block.iter().step_by(line).fold(0, |all, x| all | x.to_bits()));
}

/// Adds blocks, and expects each to be bounded as the one before it: to measure first costs a fifth more.
struct Adder<'a> {
    sum: &'a mut ExactSum,
    bound: i32,
}

impl Adder<'_> {
    fn add(&mut self, block: &[f64]) {
        if block.len() < 16 {
            return block.iter().for_each(|x| self.sum.add(*x));
        }
        let split = widest!(split(block, self.bound)).or_else(|| {
            self.bound = bound(block);
            widest!(split(block, self.bound))
        });
        match split {
            Some((total, exponent)) => self.sum.add_scaled(total, exponent),
            None => add_chunks(self.sum, block),
        }
    }
}

/// The least e such that every magnitude is below 2^e.
fn bound(block: &[f64]) -> i32 {
    let largest = block.iter().fold(0, |largest, x| largest.max(x.to_bits() << 1));
    (largest >> 53) as i32 - 1022
}

/// The sum of a block as an integer and an exponent, if every magnitude is below 2^e and no bit below 2^(e−102).
///
/// Adding 1.5·2^(e+1) leaves in the low bits of a float the value as a multiple of
/// 2^(e−51), rounded; taking it away again gives that multiple as a float, and what the
/// rounding left, exactly. Once more gives a multiple of 2^(e−102). If then nothing is left
/// of any value, both integers add up to the sum: none is above 2^51, so 2^10 fit in 64 bits.
/// Source: Rump, Ogita & Oishi 2008, SIAM J. Sci. Comput. 31(1), "extraction".
#[inline(always)]
fn split(block: &[f64], e: i32) -> Option<(i128, i32)> {
    if !(-800..=1000).contains(&e) {
        return None;
    }
    let (upper, lower) = (1.5 * power_of_two(e + 1), 1.5 * power_of_two(e - 50));
    let (mut high, mut low, mut moved, mut left) = (0_u64, 0_u64, 0_u64, 0_u64);
    for x in block {
        let first = x + upper;
        let rest = x - (first - upper);
        let second = rest + lower;
        high = high.wrapping_add(first.to_bits());
        low = low.wrapping_add(second.to_bits());
        moved |= first.to_bits() ^ upper.to_bits();
        left |= (rest - (second - lower)).to_bits();
    }
    // A value that is too large, infinite or NaN moves the exponent.
    if moved >> 52 != 0 || left << 1 != 0 {
        return None;
    }
    let total = |sum: u64, offset: f64| {
        let offsets = offset.to_bits().wrapping_mul(block.len() as u64);
        i128::from(sum.wrapping_sub(offsets) as i64)
    };
    Some(((total(high, upper) << 51) + total(low, lower), e - 102))
}

fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// Adds a block whose values span many places: each into two of 66 integers.
///
/// Integer k counts units of 2^(32k − 1074), and a value's share of it is below 2^53.
/// Source: Neal 2015, arXiv 1505.05571, the small superaccumulator.
fn add_chunks(sum: &mut ExactSum, block: &[f64]) {
    let mut chunks = [0_i64; 66];
    for x in block {
        let (mantissa, exponent) = parts(*x);
        let place = (exponent + 1074) as usize;
        let shifted = i128::from(mantissa) << (place % 32);
        chunks[place / 32] += (shifted & 0xffff_ffff) as i64;
        chunks[place / 32 + 1] += (shifted >> 32) as i64;
    }
    for (chunk, at) in chunks.into_iter().zip(0..) {
        if chunk != 0 {
            sum.add_scaled(i128::from(chunk), 32 * at - 1074);
        }
    }
}
