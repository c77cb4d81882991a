//! The trees of a model as they are stored: a list a property, split after split and leaf after leaf of every tree. A model that
//! was read from a bundle shares them with what was read, so that its trees are in memory once.

use std::sync::Arc;

use super::cuts::Levels;
use super::grow::Child;
use super::split::BinSet;
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
    pub(super) threshold: Arc<Vec<f64>>,
    pub(super) side: Arc<Vec<u8>>,
    pub(super) left: Arc<Vec<u32>>,
    pub(super) right: Arc<Vec<u32>>,
    pub(super) gain: Arc<Vec<f64>>,
    /// The levels that go left, 32 a word, of the splits on categories.
    pub(super) sets: Arc<Vec<u32>>,
    pub(super) value: Arc<Vec<f64>>,
    pub(super) cover: Arc<Vec<f64>>,
}

impl Packed {
    pub(super) fn of(trees: &[Tree]) -> Packed {
        let splits = || trees.iter().flat_map(|tree| &tree.splits);
        let child = |child: Child| match child {
            Child::Split(split) => split,
            Child::Leaf(leaf) => leaf | LEAF,
        };
        let threshold = |split: &TreeSplit| match &split.test {
            Test::Number { threshold, .. } => *threshold,
            Test::Category(_) => 0.0,
        };
        let side = |split: &TreeSplit| match split.test {
            Test::Number { null_left, .. } => u8::from(null_left) * NULL_LEFT,
            Test::Category(_) => CATEGORY,
        };
        let sets = splits().filter_map(|split| match &split.test {
            Test::Category(set) => Some(&set.0),
            Test::Number { .. } => None,
        });
        let sets = sets.flatten().flat_map(|word| [*word as u32, (word >> 32) as u32]);
        Packed {
            splits: list(trees.iter().map(|tree| tree.splits.len() as u32)),
            feature: list(splits().map(|split| split.feature)),
            threshold: list(splits().map(threshold)),
            side: list(splits().map(side)),
            left: list(splits().map(|split| child(split.children[0]))),
            right: list(splits().map(|split| child(split.children[1]))),
            gain: list(splits().map(|split| split.gain)),
            sets: list(sets),
            value: list(trees.iter().flat_map(|tree| tree.leaves.iter().copied())),
            cover: list(trees.iter().flat_map(|tree| tree.covers.iter().copied())),
        }
    }

    /// How many trees there are.
    pub(super) fn len(&self) -> usize {
        self.splits.len()
    }

    /// Each tree, unpacked when it is asked for. `levels` are those of the features, by which sets have their lengths.
    pub(super) fn iter<'a>(&'a self, levels: &'a [Option<Levels>]) -> impl Iterator<Item = Tree> + 'a {
        let (mut first, mut leaf, mut word) = (0, 0, 0);
        self.splits.iter().map(move |count| {
            let (splits, leaves) = (first..first + *count as usize, leaf..=leaf + *count as usize);
            (first, leaf) = (splits.end, leaves.end() + 1);
            Tree {
                splits: splits.map(|at| self.split(at, levels, &mut word)).collect(),
                leaves: self.value[leaves.clone()].to_vec(),
                covers: self.cover[leaves].to_vec(),
            }
        })
    }

    /// The split at a place, whose set begins at a word if it is on a category.
    fn split(&self, at: usize, levels: &[Option<Levels>], word: &mut usize) -> TreeSplit {
        let feature = self.feature[at];
        let test = match &levels[feature as usize] {
            Some(levels) => {
                let mut set = BinSet::up_to(levels.unseen());
                for half in &mut set.0 {
                    *half = u64::from(self.sets[*word]) | u64::from(self.sets[*word + 1]) << 32;
                    *word += 2;
                }
                Test::Category(set)
            }
            None => Test::Number { threshold: self.threshold[at], null_left: self.side[at] == NULL_LEFT },
        };
        let child = |child: u32| if child & LEAF == 0 { Child::Split(child) } else { Child::Leaf(child & !LEAF) };
        TreeSplit { feature, test, children: [self.left[at], self.right[at]].map(child), gain: self.gain[at] }
    }
}

fn list<T>(items: impl Iterator<Item = T>) -> Arc<Vec<T>> {
    Arc::new(items.collect())
}
