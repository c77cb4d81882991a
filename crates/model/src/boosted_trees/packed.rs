//! The trees of a model as they are stored: a list a property, split after split and leaf after leaf of every tree. A model that
//! was read from a bundle shares them with what was read, so that its trees are in memory once.

use std::ops::Range;
use std::sync::Arc;

use super::bin_set::BinSet;
use super::cuts::Levels;
use super::grow::Child;
use super::sets::{Sets, own_words};
use super::tree::{Test, Tree, TreeSplit};

/// Marks a child that is a leaf.
pub(super) const LEAF: u32 = 1 << 31;

// What a split's byte in `side` says.
pub(super) const NULL_LEFT: u8 = 1;
pub(super) const CATEGORY: u8 = 2;

/// Every tree, in lists; each is a tensor of a bundle.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Packed {
    /// How many splits each tree has. It has one leaf more.
    pub(super) splits: Arc<Vec<u32>>,
    pub(super) feature: Arc<Vec<u32>>,
    /// Of a split on a category, the number of its set.
    pub(super) threshold: Arc<Vec<f64>>,
    pub(super) side: Arc<Vec<u8>>,
    pub(super) left: Arc<Vec<u32>>,
    pub(super) right: Arc<Vec<u32>>,
    pub(super) gain: Arc<Vec<f64>>,
    pub(super) sets: Sets,
    pub(super) value: Arc<Vec<f64>>,
    pub(super) cover: Arc<Vec<f64>>,
}

impl Packed {
    /// Trees whose features have these levels.
    pub(super) fn of(trees: &[Tree], levels: &[Option<Levels>]) -> Packed {
        let splits = || trees.iter().flat_map(|tree| &tree.splits);
        let child = |child: Child| match child {
            Child::Split(split) => split,
            Child::Leaf(leaf) => leaf | LEAF,
        };
        let (sets, mut numbers) = Sets::of(splits(), levels);
        let threshold = |split: &TreeSplit| match split.test {
            Test::Number { threshold, .. } => threshold,
            Test::Category(_) => f64::from(numbers.next().expect("each set has a number")),
        };
        let threshold = list(splits().map(threshold));
        let side = |split: &TreeSplit| match split.test {
            Test::Number { null_left, .. } => u8::from(null_left) * NULL_LEFT,
            Test::Category(_) => CATEGORY,
        };
        Packed {
            splits: list(trees.iter().map(|tree| tree.splits.len() as u32)),
            feature: list(splits().map(|split| split.feature)),
            threshold,
            side: list(splits().map(side)),
            left: list(splits().map(|split| child(split.children[0]))),
            right: list(splits().map(|split| child(split.children[1]))),
            gain: list(splits().map(|split| split.gain)),
            sets,
            value: list(trees.iter().flat_map(|tree| tree.leaves.iter().copied())),
            cover: list(trees.iter().flat_map(|tree| tree.covers.iter().copied())),
        }
    }

    /// How many trees there are.
    pub(super) fn len(&self) -> usize {
        self.splits.len()
    }

    /// Each tree. `levels` are those of the features.
    pub(super) fn iter<'a>(&'a self, levels: &'a [Option<Levels>]) -> impl Iterator<Item = PackedTree<'a>> {
        let (mut first, mut leaf, mut own) = (0, 0, 0);
        self.splits.iter().map(move |count| {
            let (splits, leaves) = (first..first + *count as usize, leaf..leaf + *count as usize + 1);
            (first, leaf) = (splits.end, leaves.end);
            let mut tree = PackedTree { trees: self, levels, splits, leaves, own: Vec::new() };
            if self.sets.ends.is_empty() && !self.sets.words.is_empty() {
                tree.own = tree.splits.clone().map(|at| (own, own += self.own_words(at, levels)).0).collect();
            }
            tree
        })
    }

    fn own_words(&self, split: usize, levels: &[Option<Levels>]) -> usize {
        levels[self.feature[split] as usize].as_ref().map_or(0, |levels| own_words(levels.unseen()))
    }
}

/// One of the trees.
pub(super) struct PackedTree<'a> {
    trees: &'a Packed,
    levels: &'a [Option<Levels>],
    splits: Range<usize>,
    leaves: Range<usize>,
    /// Where the set of each split begins, if each has its own.
    own: Vec<usize>,
}

impl PackedTree<'_> {
    /// How many splits it has.
    pub(super) fn splits(&self) -> usize {
        self.splits.len()
    }

    /// The value of a leaf.
    pub(super) fn leaf(&self, leaf: u32) -> f64 {
        self.trees.value[self.leaves.start + leaf as usize]
    }

    /// The number of a split's set, if it has one that others may share.
    pub(super) fn shared_set(&self, split: u32) -> Option<usize> {
        let at = self.splits.start + split as usize;
        let may_be = !self.trees.sets.ends.is_empty() && self.trees.side[at] == CATEGORY;
        may_be.then(|| self.trees.threshold[at] as usize)
    }

    /// A split.
    pub(super) fn split(&self, split: u32) -> TreeSplit {
        let (trees, at) = (self.trees, self.splits.start + split as usize);
        let feature = trees.feature[at];
        let test = match &self.levels[feature as usize] {
            Some(levels) => {
                let words = match self.own.get(split as usize) {
                    Some(begin) => &trees.sets.words[*begin..][..own_words(levels.unseen())],
                    None => trees.sets.shared(trees.threshold[at] as usize),
                };
                let set = BinSet::restored(words, levels.unseen());
                Test::Category(Arc::new(set.expect("sets are looked at before they are kept")))
            }
            None => Test::Number { threshold: trees.threshold[at], null_left: trees.side[at] == NULL_LEFT },
        };
        let child = |child: u32| if child & LEAF == 0 { Child::Split(child) } else { Child::Leaf(child & !LEAF) };
        TreeSplit { feature, test, children: [trees.left[at], trees.right[at]].map(child), gain: trees.gain[at] }
    }

    /// The whole tree, unpacked.
    pub(super) fn unpacked(&self) -> Tree {
        Tree {
            splits: (0..self.splits() as u32).map(|split| self.split(split)).collect(),
            leaves: self.trees.value[self.leaves.clone()].to_vec(),
            covers: self.trees.cover[self.leaves.clone()].to_vec(),
        }
    }
}

fn list<T>(items: impl Iterator<Item = T>) -> Arc<Vec<T>> {
    Arc::new(items.collect())
}
