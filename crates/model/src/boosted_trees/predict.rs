//! Predicts a batch: the same bits for one row as for many, since each row's leaves are added
//! up tree by tree.

use evenstep_table::{Batch, Column, ColumnName, NULL_CODE};

use super::cuts::Levels;
use super::grow::Child;
use super::matrix::{bins_of_values, cells};
use super::objective::Objective;
use super::split::BinSet;
use super::tree::{Test, Tree};
use crate::Predictions;

/// The values of so many cells are held at a time: they stay in the first-level cache.
const BLOCK_CELLS: usize = 2048;

/// Rows that walk down a tree side by side, so that one's cache miss is another's progress.
const ABREAST: usize = 8;

/// Every tree in one list of nodes, and what is needed to walk through it.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Forest {
    nodes: Vec<Node>,
    sets: Vec<BinSet>,
    /// The root of each tree and how many steps its deepest leaf is away.
    trees: Vec<(u32, u32)>,
    /// The features that are read, by their position in the model.
    features: Vec<u32>,
}

/// A split, or a leaf, which leads to itself.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Node {
    /// The threshold of a number, the value of a leaf.
    value: f64,
    /// Which of the values that are read.
    feature: u32,
    /// Right, then left.
    children: [u32; 2],
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    NullRight,
    NullLeft,
    /// A place in `sets`.
    Category(u32),
}

impl Forest {
    /// Lays trees out for prediction.
    pub(super) fn new(trees: &[Tree]) -> Forest {
        let mut forest = Forest::default();
        let used = trees.iter().flat_map(|tree| &tree.splits).map(|split| split.feature);
        let used: std::collections::BTreeSet<u32> = used.collect();
        forest.features = used.into_iter().collect();
        trees.iter().for_each(|tree| forest.add(tree));
        forest
    }

    /// Whether any tree reads the feature at this position.
    pub(super) fn reads(&self, position: usize) -> bool {
        self.features.binary_search(&(position as u32)).is_ok()
    }

    fn add(&mut self, tree: &Tree) {
        let root = self.nodes.len() as u32;
        let splits = tree.splits.len() as u32;
        let place = |child: Child| match child {
            Child::Split(split) => root + split,
            Child::Leaf(leaf) => root + splits + leaf,
        };
        let mut depths = vec![0_u32; tree.splits.len()];
        let mut deepest = 0;
        for (at, split) in tree.splits.iter().enumerate() {
            for child in split.children {
                match child {
                    Child::Split(below) => depths[below as usize] = depths[at] + 1,
                    Child::Leaf(_) => deepest = deepest.max(depths[at] + 1),
                }
            }
            let (value, kind) = match split.test {
                Test::Number { threshold, null_left: true } => (threshold, Kind::NullLeft),
                Test::Number { threshold, null_left: false } => (threshold, Kind::NullRight),
                Test::Category(set) => {
                    self.sets.push(set);
                    (0.0, Kind::Category(self.sets.len() as u32 - 1))
                }
            };
            let feature = self.features.binary_search(&split.feature).expect("all used features are listed") as u32;
            let [left, right] = split.children.map(place);
            self.nodes.push(Node { value, feature, children: [right, left], kind });
        }
        for (leaf, value) in tree.leaves.iter().enumerate() {
            let itself = root + splits + leaf as u32;
            self.nodes.push(Node { value: *value, feature: 0, children: [itself; 2], kind: Kind::NullRight });
        }
        self.trees.push((root, deepest));
    }

    /// The next node of a row at a node.
    #[inline]
    fn step(&self, at: u32, values: &[f64]) -> u32 {
        let node = &self.nodes[at as usize];
        let value = values[node.feature as usize];
        let left = match node.kind {
            Kind::NullRight => value <= node.value,
            Kind::NullLeft => value <= node.value || value.is_nan(),
            Kind::Category(set) => self.sets[set as usize].has(value as u8),
        };
        node.children[usize::from(left)]
    }

    /// Adds every tree's leaf to the scores of some rows: `width` scores and `stride` values a row.
    fn add_scores(&self, values: &[f64], stride: usize, width: usize, scores: &mut [f64]) {
        let rows = scores.len() / width;
        for (tree, (root, deepest)) in self.trees.iter().enumerate() {
            let class = tree % width;
            let mut row = 0;
            while row + ABREAST <= rows {
                let values: [&[f64]; ABREAST] = std::array::from_fn(|i| &values[(row + i) * stride..][..stride]);
                let mut at = [*root; ABREAST];
                for _ in 0..*deepest {
                    at = std::array::from_fn(|i| self.step(at[i], values[i]));
                }
                for (i, at) in at.iter().enumerate() {
                    scores[(row + i) * width + class] += self.nodes[*at as usize].value;
                }
                row += ABREAST;
            }
            for row in row..rows {
                let values = &values[row * stride..][..stride];
                let mut at = *root;
                for _ in 0..*deepest {
                    at = self.step(at, values);
                }
                scores[row * width + class] += self.nodes[at as usize].value;
            }
        }
    }
}

/// What a fit learned.
#[derive(Clone, PartialEq, Debug)]
pub struct Model {
    pub(super) objective: Objective,
    /// Where the score of each class starts, or the one score there is.
    pub(super) start: Vec<f64>,
    /// Round by round, in each round class by class.
    pub(super) trees: Vec<Tree>,
    /// The levels of each feature that is a category, by its position.
    pub(super) levels: Vec<Option<Levels>>,
    pub(super) forest: Forest,
}

/// A column that is read, and how.
enum Source<'a> {
    Numbers(&'a Column),
    /// Codes, the bin of each, and the bin of null.
    Codes(&'a [u32], Vec<u8>, u8),
}

impl Model {
    pub(super) fn predict(&self, features: &[ColumnName], batch: &Batch) -> Predictions {
        let width = self.start.len();
        let mut scores = self.start.repeat(batch.rows());
        let sources: Vec<Source<'_>> = self
            .forest
            .features
            .iter()
            .map(|feature| {
                let column = batch.column(&features[*feature as usize]);
                match (&self.levels[*feature as usize], column.coded()) {
                    (Some(levels), Some(coded)) => {
                        Source::Codes(&coded.codes, bins_of_values(levels, &coded.values), levels.null())
                    }
                    _ => Source::Numbers(column),
                }
            })
            .collect();
        // A forest of single leaves reads no column.
        let stride = sources.len().max(1);
        let block = (BLOCK_CELLS / stride).max(ABREAST);
        let mut values = vec![0.0; stride * block.min(batch.rows())];
        for (at, scores) in scores.chunks_mut(block * width).enumerate() {
            let rows = at * block..at * block + scores.len() / width;
            for (feature, source) in sources.iter().enumerate() {
                let places = values[feature..].iter_mut().step_by(stride);
                match source {
                    Source::Numbers(column) => {
                        places.zip(&*cells(column, rows.clone())).for_each(|(place, cell)| *place = *cell);
                    }
                    Source::Codes(codes, bins, null) => {
                        for (place, code) in places.zip(&codes[rows.clone()]) {
                            let bin = if *code == NULL_CODE { *null } else { bins[*code as usize] };
                            *place = f64::from(bin);
                        }
                    }
                }
            }
            self.forest.add_scores(&values, stride, width, scores);
        }
        scores.chunks_mut(width).for_each(|row| self.objective.finish(row));
        Predictions { width, values: scores }
    }
}
