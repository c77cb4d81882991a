//! The sets of levels that splits send left, as they are stored. Each split has its own, as bits; or, where these are large and it
//! takes at most half as much, sets that are alike are stored once and in the shortest form: those of a category of
//! thousands of levels would be nearly all of a forest.

use std::collections::HashMap;
use std::sync::Arc;

use super::bin_set::{BinSet, words_of_bits};
use super::cuts::Levels;
use super::tree::{Test, TreeSplit};

/// All sets, by the order in which splits have them first.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Sets {
    /// One after the other.
    pub(super) words: Arc<Vec<u32>>,
    /// Where each ends; none if each split has its own.
    pub(super) ends: Arc<Vec<u32>>,
}

/// The splits' own sets are large from so many words of 32 bits on.
const LARGE: usize = 1 << 14;

/// Whether splits share so many sets, of so many words, if their own would take `of_splits`.
pub(super) fn are_worth(words: usize, sets: usize, of_splits: usize) -> bool {
    of_splits >= LARGE && 2 * (words + sets) <= of_splits
}

/// How many words a split's own set takes.
pub(super) fn own_words(last: u16) -> usize {
    2 * words_of_bits(last)
}

impl Sets {
    /// The sets of some splits, and the number of each split's: 0 if it is its own.
    pub(super) fn of<'t>(
        splits: impl Iterator<Item = &'t TreeSplit> + Clone,
        levels: &[Option<Levels>],
    ) -> (Sets, impl Iterator<Item = u32>) {
        let sets = splits.filter_map(|split| match &split.test {
            Test::Category(set) => {
                let levels = levels[split.feature as usize].as_ref().expect("a category has levels");
                Some((split.feature, levels.unseen(), &**set))
            }
            Test::Number { .. } => None,
        });
        let of_splits: usize = sets.clone().map(|(_, last, _)| own_words(last)).sum();
        let (mut words, mut ends, mut numbers, mut known) = (Vec::new(), Vec::new(), Vec::new(), HashMap::new());
        for (feature, _, set) in sets.clone() {
            let next = known.len() as u32;
            let number = *known.entry((feature, set)).or_insert(next);
            if number == next {
                words.extend(set.stored());
                ends.push(u32::try_from(words.len()).expect("sets take less than 16 GiB"));
            }
            numbers.push(number);
        }
        if !are_worth(words.len(), ends.len(), of_splits) {
            words = sets.flat_map(|(_, last, set)| BinSet::Bits(set.bits(last)).stored()).collect();
            ends.clear();
            numbers.fill(0);
        }
        (Sets { words: Arc::new(words), ends: Arc::new(ends) }, numbers.into_iter())
    }

    /// The words of a set that splits share, by its number.
    pub(super) fn shared(&self, number: usize) -> &[u32] {
        let begin = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.words[begin as usize..self.ends[number] as usize]
    }
}
