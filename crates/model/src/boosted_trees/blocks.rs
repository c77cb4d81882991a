//! Predicts many rows at a time: every value as one byte, and every split of a tree put to a whole block of rows at
//! once, whether they come to it or not. That is a few instructions for 64 rows; walking down costs as many for one.

use evenstep_exact::simd::widest;
use evenstep_table::{Column, NULL_CODE};

use super::cuts::Levels;
use super::grow::Child;
use super::packed::{CATEGORY, Packed, PackedTree};
use super::predict::Source;
use super::ranks::{Thresholds, ranks};
use super::tree::{Test, TreeSplit};

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
    /// Tree after tree: how many splits each has, all splits, and the values of all leaves, a tree's in the order of their bytes.
    trees: Vec<u8>,
    splits: Vec<ByteSplit>,
    values: Vec<f64>,
    /// The sets of levels that go left, one after the other.
    sets: Vec<u64>,
}

#[derive(Clone, PartialEq, Debug)]
struct ByteSplit {
    /// Which of the features that are read.
    feature: u32,
    test: ByteTest,
    /// The bytes of its children: a split's is its number. A leaf has one that no later split has.
    left: u8,
    right: u8,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum ByteTest {
    /// Ranks go left that are not above `last`, once `add` is added, which makes 0 of null where it goes left.
    Rank { add: u8, last: u8 },
    /// Bins go left whose bit is set, in so many words of `sets` from there on.
    Levels { from: u32, words: u8 },
}

impl Blocks {
    /// The forest in bytes; None if some number has too many thresholds, a category too many levels, or a tree too many
    /// leaves. `features` are those that are read, in ascending order.
    pub(super) fn of(trees: &Packed, features: &[u32], levels: &[Option<Levels>]) -> Option<Blocks> {
        let fits = |of: &Option<Levels>| of.as_ref().is_none_or(|levels| levels.unseen() <= u16::from(u8::MAX));
        if trees.splits.iter().any(|splits| *splits as usize > SPLITS) || !levels.iter().all(fits) {
            return None;
        }
        // Most trees are one leaf: there is nothing to gain.
        if trees.feature.len() < trees.len() {
            return None;
        }
        let mut cuts = vec![Vec::new(); features.len()];
        let place = |feature: u32| features.binary_search(&feature).expect("all features that are read are listed");
        let numbers = trees.side.iter().zip(&*trees.threshold).zip(&*trees.feature);
        for ((_, threshold), feature) in numbers.filter(|((side, _), _)| **side != CATEGORY) {
            cuts[place(*feature)].push(*threshold);
        }
        for cuts in &mut cuts {
            cuts.sort_unstable_by(f64::total_cmp);
            cuts.dedup();
        }
        if cuts.iter().any(|cuts| cuts.len() >= usize::from(NULL)) {
            return None;
        }
        let mut blocks = Blocks {
            thresholds: cuts.iter().map(|cuts| Thresholds::new(cuts)).collect(),
            trees: trees.splits.iter().map(|splits| *splits as u8).collect(),
            splits: Vec::with_capacity(trees.feature.len()),
            values: Vec::with_capacity(trees.value.len()),
            sets: Vec::with_capacity(trees.sets.words.len() / 2),
        };
        let mut places = vec![None; trees.sets.ends.len()];
        for tree in trees.iter(levels) {
            let test = |blocks: &mut Blocks, at: u32, split: &TreeSplit| match &split.test {
                Test::Number { threshold, null_left } => {
                    let (cuts, add) = (&cuts[place(split.feature)], u8::from(*null_left));
                    ByteTest::Rank { add, last: cuts.partition_point(|cut| cut < threshold) as u8 + add }
                }
                Test::Category(set) => {
                    let last = levels[split.feature as usize].as_ref().expect("a category has levels").unseen();
                    let mut add = || blocks.add_set(&set.bits(last));
                    match tree.shared_set(at) {
                        Some(set) => *places[set].get_or_insert_with(add),
                        None => add(),
                    }
                }
            };
            blocks.add(&tree, test, place);
        }
        blocks.sets.shrink_to_fit();
        Some(blocks)
    }

    fn add_set(&mut self, bits: &[u64]) -> ByteTest {
        let from = self.sets.len() as u32;
        self.sets.extend(bits);
        ByteTest::Levels { from, words: bits.len() as u8 }
    }

    fn add(
        &mut self,
        tree: &PackedTree<'_>,
        mut test: impl FnMut(&mut Blocks, u32, &TreeSplit) -> ByteTest,
        place: impl Fn(u32) -> usize,
    ) {
        // A tree without a split has its leaf where rows begin.
        let mut leaves = leaf_bytes(tree.splits());
        let mut byte_of = |blocks: &mut Blocks, child: Child| match child {
            Child::Split(split) => split as u8,
            Child::Leaf(leaf) => {
                blocks.values.push(tree.leaf(leaf));
                leaves.next().expect("a tree has one leaf more than splits")
            }
        };
        for at in 0..tree.splits() as u32 {
            let split = tree.split(at);
            let test = test(self, at, &split);
            let [left, right] = split.children.map(|child| byte_of(self, child));
            self.splits.push(ByteSplit { feature: place(split.feature) as u32, test, left, right });
        }
        if tree.splits() == 0 {
            byte_of(self, Child::Leaf(0));
        }
    }

    /// Adds every tree's leaf to the scores of all rows, `width` of each.
    pub(super) fn add_scores(&self, sources: &[Source<'_>], width: usize, scores: &mut [f64]) {
        let mut bytes = vec![[0; ROWS]; sources.len()];
        let mut numbers = [0.0; ROWS];
        for (block, scores) in scores.chunks_mut(ROWS * width).enumerate() {
            let first = block * ROWS;
            let rows = first..first + scores.len() / width;
            for ((bytes, source), thresholds) in bytes.iter_mut().zip(sources).zip(&self.thresholds) {
                match source {
                    Source::Numbers(column) => {
                        let cells = match column {
                            Column::Number(cells) => &cells[rows.clone()],
                            _ => {
                                source.fill(rows.clone(), numbers.iter_mut());
                                &numbers[..rows.len()]
                            }
                        };
                        ranks(thresholds, cells, |at, rank| bytes[at] = if cells[at].is_nan() { NULL } else { rank });
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
        let (mut splits, mut leaves) = (&self.splits[..], &self.values[..]);
        // Of the leaf that a byte tells; a byte that is no leaf of this tree is one of another, or none.
        let mut values = [0.0; 256];
        for (tree, count) in self.trees.iter().enumerate() {
            let (of_tree, rest) = splits.split_at(usize::from(*count));
            let (of_leaves, rest_of_leaves) = leaves.split_at(usize::from(*count) + 1);
            (splits, leaves) = (rest, rest_of_leaves);
            leaf_bytes(of_tree.len()).zip(of_leaves).for_each(|(byte, value)| values[usize::from(byte)] = *value);
            let mut places = [0; ROWS];
            for (at, split) in of_tree.iter().enumerate() {
                let bytes = &bytes[split.feature as usize];
                match &split.test {
                    ByteTest::Rank { add, last } => {
                        send(&mut places, at as u8, split, bytes, |rank| rank.wrapping_add(*add) <= *last);
                    }
                    ByteTest::Levels { from, words } => {
                        let mut set = [0; 4];
                        let words = usize::from(*words);
                        set[..words].copy_from_slice(&self.sets[*from as usize..][..words]);
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

/// The bytes of a tree's leaves in the order in which its splits lead to them: those that no split has, then those of splits
/// that were done before. The only leaf of a tree is where rows begin.
#[inline(always)]
fn leaf_bytes(splits: usize) -> impl Iterator<Item = u8> {
    (splits as u8..=u8::MAX).chain(0..splits as u8)
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
