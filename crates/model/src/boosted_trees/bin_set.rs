//! Sets of a category's bins.

/// A set of the bins up to some last one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum BinSet {
    /// A bit a bin.
    Bits(Vec<u64>),
    /// Few bins, in ascending order: the set, or, if `others`, all that is not in it.
    Few { bins: Vec<u16>, others: bool },
}

/// How many words of 64 bits the bins up to this one take.
pub(super) fn words_of_bits(last: u16) -> usize {
    usize::from(last) / 64 + 1
}

/// Whether a list of so many bins is shorter than bits, with a word of 32 bits for each and one for what they are.
fn is_few(bins: usize, last: u16) -> bool {
    bins + 1 < 2 * words_of_bits(last)
}

impl BinSet {
    /// These bins, in ascending order, in the shortest form.
    pub(super) fn of(bins: Vec<u16>, last: u16) -> BinSet {
        if is_few(bins.len(), last) {
            return BinSet::Few { bins, others: false };
        }
        let mut bits = vec![0; words_of_bits(last)];
        bins.iter().for_each(|bin| flip(&mut bits, *bin));
        let left_out = usize::from(last) + 1 - bins.len();
        if is_few(left_out, last) {
            let others = (0..=last).filter(|bin| !has_bit(&bits, *bin)).collect();
            return BinSet::Few { bins: others, others: true };
        }
        BinSet::Bits(bits)
    }

    /// Whether the bin is in it.
    #[inline]
    pub(super) fn has(&self, bin: u16) -> bool {
        match self {
            BinSet::Bits(bits) => has_bit(bits, bin),
            BinSet::Few { bins, others } => bins.binary_search(&bin).is_ok() != *others,
        }
    }

    /// The set, a part of `seen`, together with all bins that were not seen.
    pub(super) fn with_unseen(&self, seen: &BinSet, last: u16) -> BinSet {
        match seen {
            BinSet::Few { bins, others: false } => {
                let bins = bins.iter().copied().filter(|bin| !self.has(*bin)).collect();
                BinSet::Few { bins, others: true }
            }
            _ => BinSet::of((0..=last).filter(|bin| self.has(*bin) || !seen.has(*bin)).collect(), last),
        }
    }

    /// The same as bits.
    pub(super) fn bits(&self, last: u16) -> Vec<u64> {
        match self {
            BinSet::Bits(bits) => bits.clone(),
            BinSet::Few { bins, others } => {
                let mut bits = vec![0; words_of_bits(last)];
                if *others {
                    (0..=last).for_each(|bin| flip(&mut bits, bin));
                }
                bins.iter().for_each(|bin| flip(&mut bits, *bin));
                bits
            }
        }
    }

    /// As it is stored: bits, the lower half of each word first; or, where that is shorter, 1 for the others than the bins
    /// that follow, else 0.
    pub(super) fn stored(&self) -> Vec<u32> {
        match self {
            BinSet::Bits(bits) => bits.iter().flat_map(|word| [*word as u32, (word >> 32) as u32]).collect(),
            BinSet::Few { bins, others } => {
                std::iter::once(u32::from(*others)).chain(bins.iter().map(|bin| u32::from(*bin))).collect()
            }
        }
    }

    /// Whether no other form is shorter.
    pub(super) fn is_shortest(&self, last: u16) -> bool {
        let BinSet::Bits(bits) = self else { return true };
        let bins = bits.iter().map(|word| word.count_ones() as usize).sum();
        !is_few(bins, last) && !is_few(usize::from(last) + 1 - bins, last)
    }

    /// The set that was stored so, if there is one.
    pub(super) fn restored(stored: &[u32], last: u16) -> Option<BinSet> {
        if stored.len() == 2 * words_of_bits(last) {
            let bits = stored.chunks_exact(2).map(|word| u64::from(word[0]) | u64::from(word[1]) << 32);
            let bits: Vec<u64> = bits.collect();
            let is_within = (u32::from(last) + 1..64 * bits.len() as u32).all(|bin| !has_bit(&bits, bin as u16));
            return is_within.then_some(BinSet::Bits(bits));
        }
        let (others, bins) = stored.split_first().filter(|(others, bins)| **others < 2 && is_few(bins.len(), last))?;
        let is_list = bins.is_sorted_by(|a, b| a < b) && bins.last().is_none_or(|bin| *bin <= u32::from(last));
        is_list.then(|| BinSet::Few { bins: bins.iter().map(|bin| *bin as u16).collect(), others: *others == 1 })
    }
}

fn flip(bits: &mut [u64], bin: u16) {
    bits[usize::from(bin >> 6)] ^= 1 << (bin & 63);
}

#[inline]
fn has_bit(bits: &[u64], bin: u16) -> bool {
    bits[usize::from(bin >> 6)] >> (bin & 63) & 1 == 1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn last_and_bins() -> impl Strategy<Value = (u16, BTreeSet<u16>, BTreeSet<u16>)> {
        prop_oneof![0_u16..300, 60_000_u16..=65_535].prop_flat_map(|last| {
            let bins = || {
                let few = proptest::collection::btree_set(0..=last, 0..8);
                let most = few.prop_map(move |few| (0..=last).filter(|bin| !few.contains(bin)).collect());
                let some = any::<u64>().prop_map(move |mix| {
                    (0..=last).filter(|bin| mix.rotate_left(u32::from(*bin)).wrapping_mul(mix | 1) >> 63 == 1).collect()
                });
                prop_oneof![proptest::collection::btree_set(0..=last, 0..8), most, some]
            };
            (Just(last), bins(), bins())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_set_has_its_bins_in_any_form((last, left, more) in last_and_bins()) {
            let set = BinSet::of(left.iter().copied().collect(), last);
            let bits = set.bits(last);
            prop_assert!((0..=last).all(|bin| set.has(bin) == left.contains(&bin) && has_bit(&bits, bin) == set.has(bin)));
            let stored = set.stored();
            prop_assert!(stored.len() <= 2 * words_of_bits(last));
            prop_assert_eq!(BinSet::restored(&stored, last), Some(set.clone()));
            let in_bits = BinSet::Bits(bits);
            prop_assert_eq!(in_bits.is_shortest(last), in_bits == set);
            prop_assert_eq!(BinSet::restored(&in_bits.stored(), last), Some(in_bits));

            let seen = BinSet::of(left.union(&more).copied().collect(), last);
            let known = set.with_unseen(&seen, last);
            prop_assert!((0..=last).all(|bin| known.has(bin) == (set.has(bin) || !seen.has(bin))));
            // One set, one form.
            prop_assert_eq!(BinSet::of((0..=last).filter(|bin| known.has(*bin)).collect(), last), known);
        }
    }

    #[test]
    fn what_is_no_set_is_refused() {
        let last = 200;
        let check = |stored: &[u32], is_set: bool| {
            assert_eq!(BinSet::restored(stored, last).is_some(), is_set, "{stored:?}");
        };
        check(&[], false);
        check(&[0], true);
        check(&[1, 0, 200], true);
        check(&[2, 0], false);
        check(&[0, 201], false);
        check(&[0, 65_537], false);
        check(&[0, 3, 3], false);
        check(&[0, 4, 3], false);
        check(&[0, 0, 0, 0, 0, 0, 0x1ff, 0], true);
        check(&[0, 0, 0, 0, 0, 0, 0x200, 0], false);
        check(&[0; 9], false);
    }
}
