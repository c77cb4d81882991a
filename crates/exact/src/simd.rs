//! The same Rust, compiled once more for wider registers, and the few instructions that no
//! compiler finds by itself: the one module with `unsafe`.
//!
//! The compiler vectorises a loop only where the result stays the same to the bit, and never
//! fuses a multiplication with an addition, so all compilations agree everywhere. It pays: a sum
//! or `exp` of a slice in cache takes half the time or less.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "only the caller of a function compiled for AVX can know that the processor has it")
)]

use std::sync::atomic::{AtomicU8, Ordering};

/// Which registers are used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// What every processor of the architecture has.
    Baseline,
    /// 256 bits on x86-64.
    Avx2,
    /// 512 bits on x86-64: the parts F, BW, DQ and VL.
    Avx512,
}

impl Level {
    /// All of them, the narrowest first.
    pub const ALL: [Level; 3] = [Level::Baseline, Level::Avx2, Level::Avx512];

    /// What `EVENSTEP_SIMD` calls it.
    pub fn word(self) -> &'static str {
        match self {
            Level::Baseline => "baseline",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }
}

/// The level in use, as its place in [`Level::ALL`]; any other number while nobody has asked.
static LEVEL: AtomicU8 = AtomicU8::new(u8::MAX);

/// The widest registers that this processor has, or that `EVENSTEP_SIMD` allows: `baseline`, `avx2` or `avx512`.
#[inline]
pub fn level() -> Level {
    match LEVEL.load(Ordering::Relaxed) {
        0 => Level::Baseline,
        1 => Level::Avx2,
        2 => Level::Avx512,
        _ => decide(),
    }
}

#[cold]
fn decide() -> Level {
    limit(named().unwrap_or(Level::Baseline))
}

/// The widest registers that `EVENSTEP_SIMD` allows: all, if it isn't set.
///
/// # Errors
/// A word that names none; what is computed then is by the baseline.
pub fn named() -> Result<Level, String> {
    match std::env::var("EVENSTEP_SIMD").unwrap_or_default() {
        word if word.is_empty() => Ok(Level::Avx512),
        word => Level::ALL.into_iter().find(|level| level.word() == word).ok_or(word),
    }
}

/// From now on, no wider registers are used than these, nor any that the processor lacks: for the self-test, which
/// computes everything by each kind. Not while others compute: a loop under way counts on what it found.
pub fn limit(most: Level) -> Level {
    let level = most.min(detected());
    LEVEL.store(level as u8, Ordering::Relaxed);
    level
}

/// Every level that this processor has, the narrowest first.
pub fn available() -> Vec<Level> {
    Level::ALL.into_iter().filter(|level| *level <= detected()).collect()
}

/// What the processor says that it can do, as far as results could come to depend on it.
pub fn features() -> Vec<&'static str> {
    let mut features = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! ask {
            ($($name:tt)*) => { $(if std::arch::is_x86_feature_detected!($name) { features.push($name); })* };
        }
        ask!("sse4.2" "avx" "avx2" "fma" "avx512f" "avx512bw" "avx512dq" "avx512vl");
    }
    #[cfg(target_arch = "aarch64")]
    {
        macro_rules! ask {
            ($($name:tt)*) => { $(if std::arch::is_aarch64_feature_detected!($name) { features.push($name); })* };
        }
        ask!("neon" "fp16" "sve" "sve2");
    }
    features.sort_unstable();
    features
}

#[cfg(target_arch = "x86_64")]
fn detected() -> Level {
    use std::arch::is_x86_feature_detected as has;
    if has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
        Level::Avx512
    } else if has!("avx2") && has!("popcnt") {
        Level::Avx2
    } else {
        Level::Baseline
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detected() -> Level {
    Level::Baseline
}

/// Evaluates an expression with the widest registers that there are: it is compiled once for each
/// level. What is called in it has to be inlined to be compiled so, too.
#[macro_export]
macro_rules! widest {
    ($work:expr) => {
        match $crate::simd::level() {
            $crate::simd::Level::Avx512 => $crate::simd::on_avx512(|| $work),
            $crate::simd::Level::Avx2 => $crate::simd::on_avx2(|| $work),
            $crate::simd::Level::Baseline => $work,
        }
    };
}
pub use widest;

/// Does the work with the registers of [`Level::Avx512`]. For [`widest!`]: a closure that is called
/// in one place alone is sure to be inlined there.
///
/// # Panics
/// If this processor has them not.
#[inline]
pub fn on_avx512<R>(work: impl FnOnce() -> R) -> R {
    assert!(level() >= Level::Avx512, "the level was checked");
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the processor has what its level says.
    return unsafe { with_avx512(work) };
    #[cfg(not(target_arch = "x86_64"))]
    work()
}

/// Does the work with the registers of [`Level::Avx2`].
///
/// # Panics
/// If this processor has them not.
#[inline]
pub fn on_avx2<R>(work: impl FnOnce() -> R) -> R {
    assert!(level() >= Level::Avx2, "the level was checked");
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the processor has what its level says.
    return unsafe { with_avx2(work) };
    #[cfg(not(target_arch = "x86_64"))]
    work()
}

// Inline puts these beside the closure, in whichever part of a crate that is: a large one is not inlined from afar.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn with_avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// Asks for an item to be brought into the first-level cache, or, if it is `far` from its use, into
/// the second; and goes on without waiting. Beyond the end it asks for nothing of use.
#[inline(always)]
pub fn prefetch<const FAR: bool, T>(items: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        let item = items.as_ptr().wrapping_add(at).cast();
        // SAFETY: the processor ignores a prefetch that it can't do, and every x86-64 has SSE.
        unsafe { if FAR { _mm_prefetch::<_MM_HINT_T1>(item) } else { _mm_prefetch::<_MM_HINT_T0>(item) } };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, at);
}

/// Parts items by one bit each: those with a 1 fill `ones`, the others `zeros`, both in their order.
///
/// `bits` has 64 items' in each word, the first in the lowest.
///
/// # Panics
/// Where `ones` and `zeros` haven't room for just these items.
pub fn part(items: &[u32], bits: &[u64], ones: &mut [u32], zeros: &mut [u32]) {
    assert_eq!(items.len(), ones.len() + zeros.len(), "each item has its place");
    assert_eq!(items.len().div_ceil(64), bits.len(), "each item has its bit");
    let done = match level() {
        // SAFETY: the processor has what its level says.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { part_avx512(items, bits, ones, zeros) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { part_avx2(items, bits, ones, zeros) },
        _ => Parted::default(),
    };
    part_rest(items, bits, ones, zeros, done);
}

/// How many items are in their places: whole multiples of 8.
#[derive(Clone, Copy, Default)]
struct Parted {
    items: usize,
    ones: usize,
}

fn part_rest(items: &[u32], bits: &[u64], ones: &mut [u32], zeros: &mut [u32], done: Parted) {
    let (mut one, mut zero) = (done.ones, done.items - done.ones);
    // Without a branch on the bit, which can't be foreseen: an item is written to both sides, and the next one over
    // it where it doesn't belong. A full side is written no more.
    for (at, item) in items.iter().enumerate().skip(done.items) {
        ones.get_mut(one).into_iter().chain(zeros.get_mut(zero)).for_each(|place| *place = *item);
        let bit = (bits[at / 64] >> (at % 64) & 1) as usize;
        (one, zero) = (one + bit, zero + 1 - bit);
    }
}

/// Parts sixteen items at a time, as long as sixteen fit into what is left of either side.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn part_avx512(items: &[u32], bits: &[u64], ones: &mut [u32], zeros: &mut [u32]) -> Parted {
    use std::arch::x86_64::{__m512i, _mm512_maskz_compress_epi32};
    use std::mem::transmute;
    let mut done = Parted::default();
    for sixteen in items.as_chunks::<16>().0 {
        let one = done.ones;
        let zero = done.items - one;
        let (Some(ones), Some(zeros)) = (ones.get_mut(one..one + 16), zeros.get_mut(zero..zero + 16)) else {
            break;
        };
        let mask = (bits[done.items / 64] >> (done.items % 64)) as u16;
        // SAFETY: sixteen integers of 32 bits are a register of 512, whatever they are.
        let all: __m512i = unsafe { transmute(*sixteen) };
        // SAFETY: as above.
        let parted: [[u32; 16]; 2] =
            unsafe { transmute([_mm512_maskz_compress_epi32(mask, all), _mm512_maskz_compress_epi32(!mask, all)]) };
        ones.copy_from_slice(&parted[0]);
        zeros.copy_from_slice(&parted[1]);
        done = Parted { items: done.items + 16, ones: one + mask.count_ones() as usize };
    }
    done
}

/// For each byte, where its ones stand in ascending order, then anything.
#[cfg(target_arch = "x86_64")]
static ONES: [[u32; 8]; 256] = {
    let mut ones = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut bit, mut count) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                ones[byte][count] = bit;
                count += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    ones
};

/// Parts eight items at a time, as long as eight fit into what is left of either side.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn part_avx2(items: &[u32], bits: &[u64], ones: &mut [u32], zeros: &mut [u32]) -> Parted {
    use std::arch::x86_64::{__m256i, _mm256_permutevar8x32_epi32};
    use std::mem::transmute;
    let mut done = Parted::default();
    for eight in items.as_chunks::<8>().0 {
        let one = done.ones;
        let zero = done.items - one;
        let (Some(ones), Some(zeros)) = (ones.get_mut(one..one + 8), zeros.get_mut(zero..zero + 8)) else {
            break;
        };
        let mask = (bits[done.items / 64] >> (done.items % 64)) as u8;
        // SAFETY: eight integers of 32 bits are a register of 256, whatever they are.
        let all: __m256i = unsafe { transmute(*eight) };
        let pick = |mask: u8| {
            // SAFETY: as above.
            let places: __m256i = unsafe { transmute(ONES[usize::from(mask)]) };
            let picked = _mm256_permutevar8x32_epi32(all, places);
            // SAFETY: as above.
            unsafe { transmute::<__m256i, [u32; 8]>(picked) }
        };
        ones.copy_from_slice(&pick(mask));
        zeros.copy_from_slice(&pick(!mask));
        done = Parted { items: done.items + 8, ones: one + mask.count_ones() as usize };
    }
    done
}

/// How many rows' bytes are looked up at a time: what is read of them was written long enough ago.
const LOOKED_UP: usize = 1024;

/// Sets the bit of each row whose byte is in a set, and clears the others'; counts the bits set.
///
/// `set` has the bit of byte `b` at `b % 32` of its word `b / 32`; `bits` has 64 rows' in each word,
/// the first in the lowest. Rows ascend.
///
/// # Panics
/// Where a row has no byte, or no bit.
pub fn mark(rows: &[u32], bytes: &[u8], set: &[u32; 8], bits: &mut [u64]) -> usize {
    assert_eq!(rows.len().div_ceil(64), bits.len(), "each row has its bit");
    let mut found = [0; LOOKED_UP];
    for (bits, rows) in bits.chunks_mut(LOOKED_UP / 64).zip(rows.chunks(LOOKED_UP)) {
        let (first, last) = (rows[0] as usize, rows[rows.len() - 1] as usize);
        if last - first + 1 == rows.len() {
            found[..rows.len()].copy_from_slice(&bytes[first..=last]);
        } else {
            // One by one: an instruction that gathers them takes longer on most processors.
            found.iter_mut().zip(rows).for_each(|(byte, row)| *byte = bytes[*row as usize]);
        }
        bits.iter_mut().zip(found.as_chunks::<64>().0).for_each(|(bits, bytes)| *bits = are_in(set, bytes));
        let beyond = bits.len() * 64 - rows.len();
        if let Some(last) = bits.last_mut() {
            *last &= u64::MAX >> beyond;
        }
    }
    bits.iter().map(|bits| bits.count_ones() as usize).sum()
}

/// A bit for each byte: whether it is in a set.
#[inline]
fn are_in(set: &[u32; 8], bytes: &[u8; 64]) -> u64 {
    match level() {
        Level::Baseline => are_in_one_by_one(set, bytes),
        // SAFETY: the processor has what its level says.
        #[cfg(target_arch = "x86_64")]
        _ => unsafe { are_in_avx2(set, bytes) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => are_in_one_by_one(set, bytes),
    }
}

fn are_in_one_by_one(set: &[u32; 8], bytes: &[u8; 64]) -> u64 {
    let is_in = |byte: u8| u64::from(set[usize::from(byte >> 5)] >> (byte & 31) & 1);
    bytes.iter().rev().fold(0, |bits, byte| bits << 1 | is_in(*byte))
}

/// Looks up 32 bytes at a time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn are_in_avx2(set: &[u32; 8], bytes: &[u8; 64]) -> u64 {
    use std::arch::x86_64::{
        __m256i, _mm256_and_si256, _mm256_blendv_epi8, _mm256_cmpeq_epi8, _mm256_movemask_epi8,
        _mm256_permute2x128_si256, _mm256_set1_epi8, _mm256_set1_epi64x, _mm256_shuffle_epi8, _mm256_srli_epi16,
    };
    use std::mem::transmute;
    // SAFETY: eight integers of 32 bits are a register of 256, whatever they are.
    let set: __m256i = unsafe { transmute(*set) };
    // A byte's upper five bits tell the set's byte, of the first sixteen or of the others, its lower three the bit.
    let (below, above) = (_mm256_permute2x128_si256::<0x00>(set, set), _mm256_permute2x128_si256::<0x11>(set, set));
    let powers = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64 as i64);
    let mut bits = 0;
    for (at, bytes) in bytes.as_chunks::<32>().0.iter().enumerate() {
        // SAFETY: 32 bytes are a register of 256 bits, whatever they are.
        let found: __m256i = unsafe { transmute::<[u8; 32], __m256i>(*bytes) };
        let index = _mm256_and_si256(_mm256_srli_epi16::<3>(found), _mm256_set1_epi8(0x0f));
        let eight = _mm256_blendv_epi8(_mm256_shuffle_epi8(below, index), _mm256_shuffle_epi8(above, index), found);
        let bit = _mm256_shuffle_epi8(powers, _mm256_and_si256(found, _mm256_set1_epi8(7)));
        let is_in = _mm256_cmpeq_epi8(_mm256_and_si256(eight, bit), bit);
        bits |= u64::from(_mm256_movemask_epi8(is_in) as u32) << (32 * at);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_parted_in_their_order_at_any_length() {
        for length in [0, 1, 15, 16, 17, 63, 64, 65, 1000] {
            for seed in [0, u64::MAX, 0x9e37_79b9_7f4a_7c15] {
                let items: Vec<u32> = (0..length).collect();
                let bits: Vec<u64> = (0..length.div_ceil(64)).map(|word| seed.rotate_left(word)).collect();
                let is_one = |item: &&u32| bits[**item as usize / 64] >> (**item % 64) & 1 == 1;
                let expected: (Vec<u32>, Vec<u32>) = items.iter().partition(is_one);
                let (mut ones, mut zeros) = (vec![0; expected.0.len()], vec![0; expected.1.len()]);
                part(&items, &bits, &mut ones, &mut zeros);
                assert_eq!((&ones, &zeros), (&expected.0, &expected.1));
                part_rest(&items, &bits, &mut ones, &mut zeros, Parted::default());
                assert_eq!((ones, zeros), expected);
            }
        }
    }

    #[test]
    fn rows_are_marked_whose_byte_is_in_the_set() {
        let bytes: Vec<u8> = (0..3000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for set in [[0; 8], [u32::MAX; 8], [0xdead_beef, 1, 2, 0x8000_0000, 0xffff, 0, 77, u32::MAX]] {
            for (length, step) in
                [0, 1, 63, 64, 65, 300, 1000].into_iter().flat_map(|length| [(length, 1), (3 * length, 3)])
            {
                let rows: Vec<u32> = (3000 - length..3000).step_by(step).collect();
                let is_in = |row: &u32| set[usize::from(bytes[*row as usize]) / 32] >> (bytes[*row as usize] % 32) & 1;
                let expected: Vec<u32> = rows.iter().map(is_in).collect();
                let mut bits = vec![u64::MAX; rows.len().div_ceil(64)];
                let count = mark(&rows, &bytes, &set, &mut bits);
                let marked: Vec<u32> = (0..rows.len()).map(|at| (bits[at / 64] >> (at % 64)) as u32 & 1).collect();
                assert_eq!((&marked, count), (&expected, expected.iter().sum::<u32>() as usize));
            }
            for bytes in bytes.as_chunks().0 {
                assert_eq!(are_in(&set, bytes), are_in_one_by_one(&set, bytes));
            }
        }
    }

    #[test]
    #[should_panic = "out of"]
    fn a_row_without_a_byte_is_refused() {
        mark(&(40..104).collect::<Vec<_>>(), &[0; 103], &[0; 8], &mut [0]);
    }
}
