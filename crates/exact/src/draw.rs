//! Randomness as a pure function of seed, purpose and identity. There is no state to advance.

use serde::{Deserialize, Serialize};

use crate::canonical::Hasher;
use crate::maths;
use crate::simd::widest;

/// What all draws of a run derive from. It has no default: every draw has a recorded seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

/// The draws of one purpose, keyed by row or by anything else that has 16 bytes of identity.
///
/// The purpose chooses two Philox keys. The identity is the counter: its block under the
/// first key gives draws 0 and 1. For draw `n` from 2 on, the block plus ⌊n/2⌋ is the counter
/// under the second key. Every stage is a bijection, so the draws of one identity
/// come from distinct counters, and two identities meet only as 128-bit hashes do.
#[derive(Clone, Debug)]
pub struct Draws {
    seed: Seed,
    purpose: String,
    keys: [[u32; 2]; 2],
}

impl Draws {
    /// The draws for a purpose.
    pub fn new(seed: Seed, purpose: &str) -> Draws {
        let digest = Hasher::new("evenstep draws").u64(seed.0).str(purpose).finish().0;
        let word = |at: usize| u32::from_le_bytes(digest[4 * at..4 * at + 4].try_into().expect("4 bytes"));
        Draws { seed, purpose: purpose.to_owned(), keys: [[word(0), word(1)], [word(2), word(3)]] }
    }

    /// The draws for a purpose inside this one: `<purpose>/<name>`.
    ///
    /// In `name`, `~` and `/` are written `~0` and `~1`, so that no two paths share draws.
    #[must_use]
    pub fn within(&self, name: &str) -> Draws {
        let name = name.replace('~', "~0").replace('/', "~1");
        Draws::new(self.seed, &format!("{}/{name}", self.purpose))
    }

    /// What these draws are for.
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// 64 random bits: the `n`-th draw of a key.
    #[inline(always)]
    pub fn bits(&self, key: &[u8; 16], n: u32) -> u64 {
        self.pair(key, n / 2)[(n % 2) as usize]
    }

    /// 2 · 64 random bits: draws 2·`n` and 2·`n` + 1 of a key, which take no longer than one of them.
    #[inline(always)]
    pub fn pair(&self, key: &[u8; 16], n: u32) -> [u64; 2] {
        let word = |at: usize| u32::from_le_bytes([key[at], key[at + 1], key[at + 2], key[at + 3]]);
        let first = philox([word(0), word(4), word(8), word(12)], self.keys[0]);
        let block = if n == 0 { first } else { philox(plus(first, n), self.keys[1]) };
        let long = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        [long(block[0], block[1]), long(block[2], block[3])]
    }

    /// A number in [0, 1), a multiple of 2^−53.
    #[inline]
    pub fn uniform(&self, key: &[u8; 16]) -> f64 {
        self.uniform_at(key, 0)
    }

    /// The `n`-th number in [0, 1) of a key.
    #[inline]
    pub fn uniform_at(&self, key: &[u8; 16], n: u32) -> f64 {
        (self.bits(key, n) >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// The `n`-th standard normal number of a key, by the inverse of the distribution function.
    pub fn normal(&self, key: &[u8; 16], n: u32) -> f64 {
        let middle = (self.bits(key, n) >> 12) as f64 + 0.5;
        maths::normal_quantile(middle * (1.0 / (1_u64 << 52) as f64))
    }

    /// An integer below `n`: ⌊n·u⌋ of 64 random bits, so that no value's chance is off by more than 2^−64.
    pub fn below(&self, key: &[u8; 16], n: u64) -> u64 {
        assert!(n > 0, "there is no integer below 0");
        ((u128::from(self.bits(key, 0)) * u128::from(n)) >> 64) as u64
    }

    /// One of the items, each with the same chance; `None` if there are none.
    pub fn choose<'a, T>(&self, key: &[u8; 16], items: &'a [T]) -> Option<&'a T> {
        (!items.is_empty()).then(|| &items[self.below(key, items.len() as u64) as usize])
    }

    /// A place in a random order: sort by it, then by the key itself.
    #[inline]
    pub fn priority(&self, key: &[u8; 16]) -> u64 {
        self.bits(key, 0)
    }

    /// The fold ⌊k·u⌋ of a key, with the `u` of `uniform`.
    #[inline(always)]
    pub fn fold(&self, key: &[u8; 16], k: u32) -> u32 {
        assert!(k > 0, "there is at least one fold");
        let u = self.bits(key, 0) >> 11;
        // A product of so many bits fits into a word.
        let fold = if k < 1 << 11 { (u * u64::from(k)) >> 53 } else { ((u128::from(u) * u128::from(k)) >> 53) as u64 };
        fold as u32
    }

    /// The fold of each key, which takes a fraction of what they take one by one.
    pub fn folds(&self, keys: &[[u8; 16]], k: u32) -> Vec<u32> {
        let mut folds = vec![0; keys.len()];
        widest!(for (fold, key) in folds.iter_mut().zip(keys) {
            *fold = self.fold(key, k);
        });
        folds
    }

    /// True with chance `p`: u < p.
    #[inline]
    pub fn bernoulli(&self, key: &[u8; 16], p: f64) -> bool {
        self.uniform(key) < p
    }

    /// How often a bootstrap sample holds a key, in the `n`-th sample: Poisson with mean 1.
    pub fn bootstrap_count(&self, key: &[u8; 16], n: u32) -> u32 {
        poisson_one(self.bits(key, n))
    }
}

/// A Poisson variable of mean 1, by 64 random bits.
pub fn poisson_one(bits: u64) -> u32 {
    POISSON_ONE.iter().take_while(|bound| bits >= **bound).count() as u32
}

/// ⌊2^64 · P(count ≤ k)⌋ of a Poisson distribution with mean 1.
const POISSON_ONE: [u64; 20] = [
    0x5e2d_58d8_b3bc_df1a,
    0xbc5a_b1b1_6779_be35,
    0xeb71_5e1d_c158_2dc2,
    0xfb23_9797_34a2_52f1,
    0xff10_25f5_9174_dc3d,
    0xffd9_0f3b_a405_5e19,
    0xfffa_8b71_fc72_c913,
    0xffff_540c_0914_b3c9,
    0xffff_ed1f_4aa8_f120,
    0xffff_fe21_6e64_1462,
    0xffff_ffd4_d85d_3183,
    0xffff_fffc_6da2_62b4,
    0xffff_ffff_ba12_d178,
    0xffff_ffff_fb07_c64c,
    0xffff_ffff_ffab_8ea5,
    0xffff_ffff_fffa_be22,
    0xffff_ffff_ffff_b11a,
    0xffff_ffff_ffff_fba1,
    0xffff_ffff_ffff_ffc5,
    0xffff_ffff_ffff_fffd,
];

/// Philox 4×32 with 10 rounds, in words of 32 bits, so that loops over keys vectorise.
/// Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
#[inline(always)]
fn philox(mut x: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let [mut k0, mut k1] = key;
    for _ in 0..10 {
        let a = u64::from(x[0]) * 0xd251_1f53;
        let b = u64::from(x[2]) * 0xcd9e_8d57;
        x = [(b >> 32) as u32 ^ x[1] ^ k0, b as u32, (a >> 32) as u32 ^ x[3] ^ k1, a as u32];
        k0 = k0.wrapping_add(0x9e37_79b9);
        k1 = k1.wrapping_add(0xbb67_ae85);
    }
    x
}

/// A number of 128 bits in words, the lowest first, and another.
#[inline(always)]
fn plus(x: [u32; 4], n: u32) -> [u32; 4] {
    let mut carried = n;
    x.map(|word| {
        let (sum, carries) = word.overflowing_add(carried);
        carried = u32::from(carries);
        sum
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const SEED: Seed = Seed(2026);

    fn keys(n: u32) -> impl Iterator<Item = [u8; 16]> {
        (0..n).map(|i| u128::from(i).to_le_bytes())
    }

    #[test]
    fn philox_gives_its_published_answers() {
        let check = |counter: [u32; 4], key, expected: [u32; 4]| {
            assert_eq!(philox(counter, key), expected);
        };
        // Random123, kat_vectors.
        check([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        check([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        check(
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        );
    }

    #[test]
    fn a_number_is_added_with_its_carry() {
        let check = |x: u128, n: u32| {
            let words = |x: u128| [0, 32, 64, 96].map(|shift| (x >> shift) as u32);
            assert_eq!(plus(words(x), n), words(x.wrapping_add(u128::from(n))), "{x:x} + {n:x}");
        };
        for x in [0, 1, 0xffff_fffe, u128::from(u64::MAX), u128::MAX - 1, u128::MAX, u128::MAX << 64, 7 << 96] {
            [0, 1, 2, 0xffff_ffff].into_iter().for_each(|n| check(x, n));
        }
    }

    #[test]
    fn many_folds_are_those_of_each_key() {
        let draws = Draws::new(SEED, "folds");
        let keys: Vec<[u8; 16]> = keys(1001).collect();
        for k in [1, 5, 2047, 2048, 1_000_003, u32::MAX] {
            let each: Vec<u32> = keys.iter().map(|key| draws.fold(key, k)).collect();
            assert_eq!(draws.folds(&keys, k), each);
            let middle = |key: &[u8; 16]| ((u128::from(draws.bits(key, 0) >> 11) * u128::from(k)) >> 53) as u32;
            assert_eq!(each, keys.iter().map(middle).collect::<Vec<u32>>());
        }
    }

    #[test]
    fn draws_are_golden() {
        let draws = Draws::new(SEED, "holdout");
        let key = [7; 16];
        let bits = [0, 1, 2, 3, u32::MAX].map(|n| draws.bits(&key, n));
        insta::assert_debug_snapshot!(bits.map(|bits| format!("{bits:016x}")), @r#"
        [
            "85caf7047742cda1",
            "3b7e265153797a86",
            "83cd87a39ef85f13",
            "a0d2474d5437c777",
            "4bf37bddab3b3c07",
        ]
        "#);
        insta::assert_debug_snapshot!((draws.uniform(&key), draws.normal(&key, 1), draws.fold(&key, 5)), @r#"
        (
            0.5226282487776742,
            -0.7309866902788077,
            2,
        )
        "#);
    }

    #[test]
    fn a_draw_depends_on_seed_purpose_key_and_number() {
        let outer = Draws::new(SEED, "a");
        let purposes = [
            outer.clone(),
            outer.within("b"),
            outer.within("b").within("c"),
            outer.within("b/c"),
            outer.within("b~1c"),
            outer.within(""),
            Draws::new(Seed(2027), "a"),
        ];
        let mut seen = HashSet::new();
        for draws in &purposes {
            for key in keys(10) {
                (0..10).for_each(|n| assert!(seen.insert(draws.bits(&key, n)), "{}", draws.purpose()));
            }
        }
        assert_eq!(outer.within("b").bits(&[1; 16], 3), Draws::new(SEED, "a/b").bits(&[1; 16], 3));
    }

    /// Are counts as far from their expectations as chance has it? The bound is 5 standard deviations or more.
    #[track_caller]
    fn check_counts(counts: &[u32], expected: &[f64]) {
        let squares = counts.iter().zip(expected).map(|(count, expected)| {
            let difference = f64::from(*count) - expected;
            difference * difference / expected
        });
        let (chi, free) = (squares.sum::<f64>(), (counts.len() - 1) as f64);
        assert!((chi - free).abs() < 5.0 * maths::sqrt(2.0 * free), "{counts:?} instead of {expected:?}");
    }

    #[test]
    fn draws_are_spread_evenly() {
        const N: u32 = 100_000;
        for n in [0, 1, 2, 3] {
            let draws = Draws::new(SEED, "spread");
            let mut counts = [0; 100];
            keys(N).for_each(|key| counts[(100.0 * draws.uniform_at(&key, n)) as usize] += 1);
            check_counts(&counts, &[f64::from(N) / 100.0; 100]);
        }
        let draws = Draws::new(SEED, "folds");
        let (mut folds, mut below) = ([0; 7], [0; 7]);
        for key in keys(N) {
            folds[draws.fold(&key, 7) as usize] += 1;
            below[draws.below(&key, 7) as usize] += 1;
            assert_eq!(draws.fold(&key, 7), (7.0 * draws.uniform(&key)) as u32);
        }
        check_counts(&folds, &[f64::from(N) / 7.0; 7]);
        check_counts(&below, &[f64::from(N) / 7.0; 7]);
    }

    #[test]
    fn normal_draws_are_normal() {
        const N: u32 = 100_000;
        let draws = Draws::new(SEED, "normal");
        let mut counts = [0; 50];
        keys(N).for_each(|key| counts[(50.0 * maths::normal_cdf(draws.normal(&key, 0))) as usize] += 1);
        check_counts(&counts, &[f64::from(N) / 50.0; 50]);
    }

    #[test]
    fn bootstrap_counts_are_poisson() {
        const N: u32 = 100_000;
        let draws = Draws::new(SEED, "bootstrap");
        let mut counts = [0; 7];
        keys(N).for_each(|key| counts[draws.bootstrap_count(&key, 3).min(6) as usize] += 1);
        let mut expected: Vec<f64> =
            (0..6).map(|k| f64::from(N) * maths::exp(-1.0) / maths::gamma(f64::from(k) + 1.0)).collect();
        expected.push(f64::from(N) - expected.iter().sum::<f64>());
        check_counts(&counts, &expected);
        assert!(POISSON_ONE.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn bernoulli_and_choose_keep_to_their_bounds() {
        let draws = Draws::new(SEED, "bounds");
        for key in keys(1000) {
            assert!(!draws.bernoulli(&key, 0.0) && draws.bernoulli(&key, 1.0));
            assert!([1, 2, 3].contains(draws.choose(&key, &[1, 2, 3]).expect("an item")));
            assert_eq!(draws.choose::<u8>(&key, &[]), None);
            assert_eq!((draws.below(&key, 1), draws.fold(&key, 1)), (0, 0));
        }
    }
}
