//! Predicts many rows at a time: every value as one byte, and every split of a tree put to a whole block of rows at
//! once, whether they come to it or not. That is a few instructions for 64 rows; walking down costs as many for one.

use evenstep_exact::simd::widest;
use evenstep_table::NULL_CODE;

use super::cuts::Levels;
use super::grow::Child;
use super::matrix::cells;
use super::predict::Source;
use super::ranks::{Thresholds, ranks};
use super::tree::{Test, Tree};

/// Rows of a block: enough that one register's work hides the wait for another's.
pub(super) const ROWS: usize = 256;

/// The byte of null among numbers.
const NULL: u8 = 255;

/// The most splits of a tree: a byte tells them and two more.
const SPLITS: usize = 254;

/// A forest whose values, splits and leaves can be told by bytes.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Blocks {
    /// By feature that is read: the thresholds of its splits, then infinities. Unused for a category.
    thresholds: Vec<Thresholds>,
    trees: Vec<ByteTree>,
}

#[derive(Clone, PartialEq, Debug)]
struct ByteTree {
    splits: Vec<ByteSplit>,
    /// Of the leaf that a byte tells.
    values: Box<[f64; 256]>,
}

#[derive(Clone, PartialEq, Debug)]
struct ByteSplit {
    /// Which of the features that are read.
    feature: usize,
    test: ByteTest,
    /// The bytes of its children: a split's is its number. A leaf has one that no later split has.
    left: u8,
    right: u8,
}

#[derive(Clone, PartialEq, Debug)]
enum ByteTest {
    /// Ranks go left that are not above `last`, once `add` is added, which makes 0 of null where it goes left.
    Rank { add: u8, last: u8 },
    /// Bins go left whose bit is set.
    Levels([u64; 4]),
}

impl Blocks {
    /// The forest in bytes; None if some number has too many thresholds, a category too many levels, or a tree too many
    /// leaves. `features` are those that are read, in ascending order.
    pub(super) fn of(trees: &[Tree], features: &[u32], levels: &[Option<Levels>]) -> Option<Blocks> {
        let fits = |of: &Option<Levels>| of.as_ref().is_none_or(|levels| levels.unseen() <= u16::from(u8::MAX));
        if trees.iter().any(|tree| tree.splits.len() > SPLITS) || !levels.iter().all(fits) {
            return None;
        }
        let mut cuts = vec![Vec::new(); features.len()];
        let place = |feature: u32| features.binary_search(&feature).expect("all features that are read are listed");
        for split in trees.iter().flat_map(|tree| &tree.splits) {
            if let Test::Number { threshold, .. } = split.test {
                cuts[place(split.feature)].push(threshold);
            }
        }
        for cuts in &mut cuts {
            cuts.sort_unstable_by(f64::total_cmp);
            cuts.dedup();
        }
        if cuts.iter().any(|cuts| cuts.len() >= usize::from(NULL)) {
            return None;
        }
        let byte_tree = |tree: &Tree| {
            let mut values = Box::new([0.0; 256]);
            values[0] = tree.leaves[0];
            // Bytes that no split has, then those of splits that were done before.
            let mut unused = tree.splits.len() as u8..=u8::MAX;
            let mut done = 0..tree.splits.len() as u8;
            let mut byte_of = |child: Child| match child {
                Child::Split(split) => split as u8,
                Child::Leaf(leaf) => {
                    let byte = unused.next().or_else(|| done.next()).expect("a tree has one leaf more than splits");
                    values[usize::from(byte)] = tree.leaves[leaf as usize];
                    byte
                }
            };
            let splits = tree.splits.iter().map(|split| {
                let feature = place(split.feature);
                let test = match &split.test {
                    Test::Number { threshold, null_left } => {
                        let add = u8::from(*null_left);
                        ByteTest::Rank { add, last: cuts[feature].partition_point(|cut| cut < threshold) as u8 + add }
                    }
                    Test::Category(set) => {
                        ByteTest::Levels(std::array::from_fn(|word| set.0.get(word).copied().unwrap_or(0)))
                    }
                };
                let [left, right] = split.children.map(&mut byte_of);
                ByteSplit { feature, test, left, right }
            });
            let splits = splits.collect();
            ByteTree { splits, values }
        };
        let trees = trees.iter().map(byte_tree).collect();
        Some(Blocks { thresholds: cuts.iter().map(|cuts| Thresholds::new(cuts)).collect(), trees })
    }

    /// Adds every tree's leaf to the scores of all rows, `width` of each.
    pub(super) fn add_scores(&self, sources: &[Source<'_>], width: usize, scores: &mut [f64]) {
        let mut bytes = vec![[0; ROWS]; sources.len()];
        for (block, scores) in scores.chunks_mut(ROWS * width).enumerate() {
            let first = block * ROWS;
            let rows = first..first + scores.len() / width;
            for ((bytes, source), thresholds) in bytes.iter_mut().zip(sources).zip(&self.thresholds) {
                match source {
                    Source::Numbers(column) => {
                        let cells = cells(column, rows.clone());
                        ranks(thresholds, &cells, |at, rank| bytes[at] = if cells[at].is_nan() { NULL } else { rank });
                    }
                    Source::Codes(codes, bins, null) => {
                        for (byte, code) in bytes.iter_mut().zip(&codes[rows.clone()]) {
                            *byte = if *code == NULL_CODE { *null } else { bins[*code as usize] } as u8;
                        }
                    }
                }
            }
            widest!(self.add_block(&bytes, width, scores));
        }
    }

    #[inline(always)]
    fn add_block(&self, bytes: &[[u8; ROWS]], width: usize, scores: &mut [f64]) {
        for (tree, ByteTree { splits, values }) in self.trees.iter().enumerate() {
            let mut places = [0; ROWS];
            for (at, split) in splits.iter().enumerate() {
                let bytes = &bytes[split.feature];
                match &split.test {
                    ByteTest::Rank { add, last } => {
                        send(&mut places, at as u8, split, bytes, |rank| rank.wrapping_add(*add) <= *last);
                    }
                    ByteTest::Levels(set) => {
                        let sides = bytes.map(|bin| (set[usize::from(bin >> 6)] >> (bin & 63)) as u8 & 1);
                        send(&mut places, at as u8, split, &sides, |side| side == 1);
                    }
                }
            }
            let class = tree % width;
            for (scores, place) in scores.chunks_mut(width).zip(&places) {
                scores[class] += values[usize::from(*place)];
            }
        }
    }
}

/// Sends the rows that stand at a split on to its children.
#[inline(always)]
fn send(places: &mut [u8; ROWS], at: u8, split: &ByteSplit, bytes: &[u8; ROWS], goes_left: impl Fn(u8) -> bool) {
    let (left, right) = (split.left, split.right);
    for (place, byte) in places.iter_mut().zip(bytes) {
        let next = if goes_left(*byte) { left } else { right };
        *place = if *place == at { next } else { *place };
    }
}
