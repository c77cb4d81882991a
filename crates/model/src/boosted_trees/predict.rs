//! Predicts a batch: the same bits for one row as for many, since each row's leaves are added
//! up tree by tree.

use std::cell::RefCell;
use std::ops::Range;

use evenstep_table::{Batch, Column, ColumnName, NULL_CODE};

use super::bin_set::BinSet;
use super::blocks::Blocks;
use super::cuts::Levels;
use super::grow::Child;
use super::matrix::{bins_of_values, number};
use super::objective::Link;
use super::packed::{self, Packed, PackedTree};
use super::tree::{Test, Tree, TreeSplit};
use crate::Predictions;

/// The values of so many cells are held at a time: they stay in the first-level cache.
const BLOCK_CELLS: usize = 2048;

/// Rows that walk down a tree side by side, or trees that a row walks down, so that one's cache miss is another's progress.
const ABREAST: usize = 8;

/// Fewer rows than this walk down the trees.
const SMALL_ROWS: usize = 32;

/// After so many steps it is seen whether all have come to their leaves.
const STEPS: u32 = 3;

/// Every tree in one list of nodes, and what is needed to walk through it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Forest {
    nodes: Vec<Node>,
    /// The value of each node that is a leaf.
    values: Vec<f64>,
    /// The sets of levels that go left, one after the other: those that are bits, and those that are lists.
    sets: Vec<u64>,
    lists: Vec<u16>,
    /// The root of each tree and how many steps its deepest leaf is away.
    trees: Vec<(u32, u32)>,
    /// The features that are read, by their position in the model.
    features: Vec<u32>,
    /// Whether all splits are on numbers.
    numbers_only: bool,
    /// The same for many rows at a time, if that can be.
    blocks: Option<Blocks>,
}

/// A split, or a leaf, which leads to itself.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Node {
    /// Values that are not above it go left. In a split of a category, the place of its set.
    threshold: f64,
    /// The child on the left; the one on the right comes after it.
    left: u32,
    /// Which of the values that are read, and the flags below.
    feature: u32,
}

const NULL_LEFT: u32 = 1 << 31;
const CATEGORY: u32 = 1 << 30;
const LISTED: u32 = 1 << 29;
const FEATURE: u32 = LISTED - 1;

/// Where a set begins in `sets`; or twice where it begins in `lists`, and 1 if the others go left, times 2¹⁶, and how long it is.
#[derive(Clone, Copy)]
struct SetPlace(u64);

impl Forest {
    /// Lays trees out for prediction.
    pub(super) fn new(trees: &Packed, levels: &[Option<Levels>]) -> Forest {
        let used: std::collections::BTreeSet<u32> = trees.feature.iter().copied().collect();
        // What stays is as large as it has to be: a bundle's trees take no memory that its file doesn't account for.
        let nodes = 2 * trees.feature.len() + trees.len();
        let mut forest = Forest {
            nodes: Vec::with_capacity(nodes),
            values: Vec::with_capacity(nodes),
            sets: Vec::with_capacity(trees.sets.words.len() / 2),
            lists: Vec::new(),
            trees: Vec::with_capacity(trees.len()),
            features: used.into_iter().collect(),
            numbers_only: trees.side.iter().all(|side| *side != packed::CATEGORY),
            blocks: None,
        };
        let mut places = vec![None; trees.sets.ends.len()];
        trees.iter(levels).for_each(|tree| forest.add(&tree, &mut places));
        forest.sets.shrink_to_fit();
        forest.lists.shrink_to_fit();
        forest.blocks = Blocks::of(trees, &forest.features, levels);
        forest
    }

    /// The features that are read, by their position in the model.
    pub(super) fn features(&self) -> &[u32] {
        &self.features
    }

    /// Adds a tree, level by level, so that siblings are neighbours and what most rows pass is close together. `places` has where
    /// shared sets are that were added before.
    fn add(&mut self, tree: &PackedTree<'_>, places: &mut [Option<SetPlace>]) {
        let root = self.nodes.len() as u32;
        let first = if tree.splits() == 0 { Child::Leaf(0) } else { Child::Split(0) };
        let mut level = vec![first];
        let (mut next, mut depth) = (root, 0);
        while !level.is_empty() {
            next += level.len() as u32;
            // As many as there will be: a list that grows would take more than the tree.
            let splits = level.iter().filter(|child| matches!(child, Child::Split(_))).count();
            let mut below = Vec::with_capacity(2 * splits);
            for child in level {
                match child {
                    Child::Leaf(leaf) => {
                        let itself = self.nodes.len() as u32;
                        self.nodes.push(Node { threshold: f64::INFINITY, left: itself, feature: NULL_LEFT });
                        self.values.push(tree.leaf(leaf));
                    }
                    Child::Split(at) => {
                        let split = tree.split(at);
                        let left = next + below.len() as u32;
                        below.extend(split.children);
                        self.add_split(&split, left, tree.shared_set(at).map(|set| &mut places[set]));
                    }
                }
            }
            depth += u32::from(!below.is_empty());
            level = below;
        }
        self.trees.push((root, depth));
    }

    fn add_split(&mut self, split: &TreeSplit, left: u32, shared: Option<&mut Option<SetPlace>>) {
        let feature =
            self.features.binary_search(&split.feature).expect("all features that are read are listed") as u32;
        let (threshold, flags) = match &split.test {
            Test::Number { threshold, null_left } => (*threshold, if *null_left { NULL_LEFT } else { 0 }),
            Test::Category(set) => {
                let place = match shared {
                    Some(place) => *place.get_or_insert_with(|| self.add_set(set)),
                    None => self.add_set(set),
                };
                (place.0 as f64, if matches!(**set, BinSet::Bits(_)) { CATEGORY } else { CATEGORY | LISTED })
            }
        };
        self.nodes.push(Node { threshold, left, feature: feature | flags });
        self.values.push(0.0);
    }

    fn add_set(&mut self, set: &BinSet) -> SetPlace {
        let place = match set {
            BinSet::Bits(bits) => {
                self.sets.extend(bits);
                self.sets.len() - bits.len()
            }
            BinSet::Few { bins, others } => {
                self.lists.extend(bins);
                (self.lists.len() - bins.len()) << 17 | usize::from(*others) << 16 | bins.len()
            }
        };
        SetPlace(place as u64)
    }

    /// The next node of a row at a node.
    #[inline]
    fn step<const NUMBERS_ONLY: bool>(&self, at: u32, values: &[f64]) -> u32 {
        let node = &self.nodes[at as usize];
        let value = values[(node.feature & FEATURE) as usize];
        let left = if !NUMBERS_ONLY && node.feature & CATEGORY != 0 {
            let (bin, place) = (value as usize, node.threshold as usize);
            match node.feature & LISTED {
                0 => self.sets[place + bin / 64] >> (bin % 64) & 1 == 1,
                _ => {
                    let bins = &self.lists[place >> 17..][..place & 0xffff];
                    bins.binary_search(&(bin as u16)).is_ok() != (place >> 16 & 1 == 1)
                }
            }
        } else {
            // Without a branch: which way a row goes can't be foreseen.
            (value <= node.threshold) | (value.is_nan() & (node.feature & NULL_LEFT != 0))
        };
        node.left + u32::from(!left)
    }

    /// Adds every tree's leaf to the scores of some rows: `width` scores and `stride` values a row.
    fn add_scores(&self, values: &[f64], stride: usize, width: usize, scores: &mut [f64]) {
        match self.numbers_only {
            true => self.add_scores_of::<true>(values, stride, width, scores),
            false => self.add_scores_of::<false>(values, stride, width, scores),
        }
    }

    fn add_scores_of<const NUMBERS_ONLY: bool>(&self, values: &[f64], stride: usize, width: usize, scores: &mut [f64]) {
        let rows = scores.len() / width;
        let together = rows / ABREAST * ABREAST;
        if together > 0 {
            for (tree, (root, depth)) in self.trees.iter().enumerate() {
                let class = tree % width;
                for row in (0..together).step_by(ABREAST) {
                    let values: [&[f64]; ABREAST] = std::array::from_fn(|i| &values[(row + i) * stride..][..stride]);
                    let leaves = self.leaves::<NUMBERS_ONLY>([*root; ABREAST], *depth, values);
                    for (i, leaf) in leaves.iter().enumerate() {
                        scores[(row + i) * width + class] += self.values[*leaf as usize];
                    }
                }
            }
        }
        for row in together..rows {
            let (values, scores) = (&values[row * stride..][..stride], &mut scores[row * width..][..width]);
            for (first, trees) in self.trees.chunks(ABREAST).enumerate() {
                let roots = std::array::from_fn(|i| trees.get(i).unwrap_or(&trees[0]).0);
                let depth = trees.iter().map(|(_, depth)| *depth).max().unwrap_or(0);
                let leaves = self.leaves::<NUMBERS_ONLY>(roots, depth, [values; ABREAST]);
                for (i, leaf) in leaves.iter().enumerate().take(trees.len()) {
                    scores[(first * ABREAST + i) % width] += self.values[*leaf as usize];
                }
            }
        }
    }

    /// The leaves that some rows come to, of one tree each, side by side: what one waits for, another does not.
    #[inline(always)]
    fn leaves<const NUMBERS_ONLY: bool>(
        &self,
        mut at: [u32; ABREAST],
        depth: u32,
        values: [&[f64]; ABREAST],
    ) -> [u32; ABREAST] {
        for _ in 0..depth.div_ceil(STEPS) {
            let before = at;
            for _ in 0..STEPS {
                for (at, values) in at.iter_mut().zip(values) {
                    *at = self.step::<NUMBERS_ONLY>(*at, values);
                }
            }
            if at == before {
                break;
            }
        }
        at
    }
}

/// What a fit learned.
#[derive(Clone, PartialEq, Debug)]
pub struct Model {
    pub(super) link: Link,
    /// Where the score of each class starts, or the one score there is; of averaged trees of several classes, their shares of all
    /// rows.
    pub(super) start: Vec<f64>,
    /// Round by round, in each round class by class.
    pub(super) trees: Packed,
    /// The levels of each feature that is a category, by its position.
    pub(super) levels: Vec<Option<Levels>>,
    pub(super) forest: Forest,
}

/// A column that is read, and how.
pub(super) enum Source<'a> {
    Numbers(&'a Column),
    /// Codes, the bin of each, and the bin of null.
    Codes(&'a [u32], Vec<u16>, u16),
}

thread_local! {
    /// The values of the rows that walk down the trees. Each thread keeps its own, so that a row takes nothing from the heap.
    static VALUES: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

impl Source<'_> {
    /// Puts the values of some rows, or their bins, in their places.
    pub(super) fn fill<'p>(&self, rows: Range<usize>, places: impl Iterator<Item = &'p mut f64>) {
        match self {
            Source::Numbers(column) => places.zip(rows).for_each(|(place, row)| *place = number(column, row)),
            Source::Codes(codes, bins, null) => {
                for (place, code) in places.zip(&codes[rows]) {
                    let bin = if *code == NULL_CODE { *null } else { bins[*code as usize] };
                    *place = f64::from(bin);
                }
            }
        }
    }
}

impl Model {
    /// The columns that the forest reads, in its order, each with its levels if it is a category.
    fn columns<'a, 'b>(
        &'a self,
        features: &'a [ColumnName],
        batch: &'b Batch,
    ) -> impl Iterator<Item = (&'b Column, Option<&'a Levels>)> {
        let column = |at: &u32| (batch.column(&features[*at as usize]), self.levels[*at as usize].as_ref());
        self.forest.features.iter().map(column)
    }

    /// The same, each level looked up.
    pub(super) fn sources<'a>(&self, features: &[ColumnName], batch: &'a Batch) -> Vec<Source<'a>> {
        let source = |(column, levels): (&'a Column, Option<&Levels>)| match (levels, column.coded()) {
            (Some(levels), Some(coded)) => {
                Source::Codes(&coded.codes, bins_of_values(levels, &coded.values), levels.null())
            }
            _ => Source::Numbers(column),
        };
        self.columns(features, batch).map(source).collect()
    }

    /// Every tree, unpacked.
    pub(super) fn trees(&self) -> impl Iterator<Item = Tree> {
        self.trees.iter(&self.levels).map(|tree| tree.unpacked())
    }

    /// What trees are added to, of so many rows.
    pub(super) fn base(&self, rows: usize) -> Vec<f64> {
        if self.link == Link::Share { vec![0.0; self.start.len() * rows] } else { self.start.repeat(rows) }
    }

    /// How many trees each score is a sum over.
    pub(super) fn rounds(&self) -> f64 {
        (self.trees.len() / self.start.len()) as f64
    }

    pub(crate) fn predict(&self, features: &[ColumnName], batch: &Batch) -> Predictions {
        let width = self.start.len();
        let mut values = self.scores(features, batch);
        values.chunks_mut(width).for_each(|row| self.link.finish(row, self.rounds(), &self.start));
        Predictions { width, values }
    }

    /// What the trees add up to, row by row and in each class by class.
    pub(super) fn scores(&self, features: &[ColumnName], batch: &Batch) -> Vec<f64> {
        let (width, rows) = (self.start.len(), batch.rows());
        let mut scores = self.base(rows);
        if rows < SMALL_ROWS {
            self.walk(rows, &mut scores, |rows, values, stride| {
                for (feature, (column, levels)) in self.columns(features, batch).enumerate() {
                    let places = values[feature..].iter_mut().step_by(stride);
                    places.zip(rows.clone()).for_each(|(place, row)| *place = value(column, levels, row));
                }
            });
            return scores;
        }
        let sources = self.sources(features, batch);
        match &self.forest.blocks {
            Some(blocks) => blocks.add_scores(&sources, width, &mut scores),
            None => self.walk(rows, &mut scores, |rows, values, stride| {
                for (feature, source) in sources.iter().enumerate() {
                    source.fill(rows.clone(), values[feature..].iter_mut().step_by(stride));
                }
            }),
        }
        scores
    }

    /// Lets every row walk down every tree. `fill` is given some rows, and places for their values, so many a row.
    fn walk(&self, rows: usize, scores: &mut [f64], fill: impl Fn(Range<usize>, &mut [f64], usize)) {
        let width = self.start.len();
        // A forest of single leaves reads no column.
        let stride = self.forest.features.len().max(1);
        let block = (BLOCK_CELLS / stride).max(ABREAST);
        VALUES.with_borrow_mut(|values| {
            values.resize(stride * block.min(rows), 0.0);
            for (at, scores) in scores.chunks_mut(block * width).enumerate() {
                let rows = at * block..at * block + scores.len() / width;
                fill(rows, values, stride);
                self.forest.add_scores(values, stride, width, scores);
            }
        });
    }
}

/// A cell as it is read: a number, or the bin of a level.
fn value(column: &Column, levels: Option<&Levels>, row: usize) -> f64 {
    match (levels, column.coded()) {
        (Some(levels), Some(coded)) => {
            f64::from(coded.get(row).map_or(levels.null(), |level| levels.bin_or_unseen(level)))
        }
        _ => number(column, row),
    }
}
