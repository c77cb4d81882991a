//! Explains a batch: what each feature adds to each score, as exact Shapley values.
//!
//! The game is that of Lundberg et al. 2020, "From local explanations to global understanding with explainable AI
//! for trees", Nature Machine Intelligence 2: a row whose feature isn't known goes down both sides of its
//! splits, by the cover of each. A side that no training row went to gets no weight.
//!
//! To a leaf only the features on its path matter. With some of them known, it counts as its value times, for
//! each known feature, 1 if the row passes all its tests on the path, else 0; and for each other, the share of the cover that
//! passes. A Shapley value is what knowing the feature changes, when every other is known with chance t, integrated over t
//! from 0 to 1 (Owen 1972, "Multilinear extensions of games", Management Science 18). With d features on the
//! path that is a polynomial in t of a degree below d, so Gauss's quadrature with ⌈d/2⌉ points is exact, but for rounding. At one
//! point leaves share their products: one walk down a tree multiplies, one walk up adds, and a row costs as
//! much as the tree has nodes, times the points. Every number is positive on its way down, so nothing cancels.

use std::f64::consts::PI;
use std::sync::Arc;

use evenstep_exact::maths::cos;
use evenstep_exact::simd::widest;
use evenstep_table::{Batch, ColumnName};

use super::bin_set::BinSet;
use super::grow::Child;
use super::predict::Model;
use super::tree::{Test, Tree};
use crate::Contributions;

/// Rows that walk through a tree side by side: so many that the compiler makes a loop of each operation, and so
/// few that what a tree knows of them stays in the first-level cache.
const ABREAST: usize = 64;

/// One number of each row.
type Lanes = [f64; ABREAST];

/// A flag of each row: −1 or 0.
type Flags = [i8; ABREAST];

/// So many rows pass a tree before the next, since what is worked out for a tree takes as long as some dozens of rows.
const BLOCK_ROWS: usize = 1024;

/// What is worked out for so many points is held at a time. Few trees need more.
const POINTS: usize = 8;

/// What each feature adds to each row's scores.
pub(crate) fn explain(model: &Model, features: &[ColumnName], batch: &Batch) -> Contributions {
    let width = model.start.len();
    let read = model.forest.features();
    let plans: Vec<Plan> = model.trees().map(|tree| Plan::of(tree, read)).collect();
    let mut base = model.base(1);
    plans.iter().enumerate().for_each(|(tree, plan)| base[tree % width] += plan.expected);
    // Averaged trees add up to as many times the score as there are trees.
    let times = if model.link.is_mean() { model.rounds() } else { 1.0 };

    let sources = model.sources(features, batch);
    let mut values = vec![0.0; batch.rows() * width * features.len()];
    let mut out = values.chunks_exact_mut(features.len().max(1));
    for first in (0..batch.rows()).step_by(BLOCK_ROWS) {
        let rows = first..batch.rows().min(first + BLOCK_ROWS);
        let mut block = Block::new(rows.len(), read.len(), width);
        for (feature, source) in sources.iter().enumerate() {
            source.fill(rows.clone(), block.values_of(feature));
        }
        for (tree, plan) in plans.iter().enumerate() {
            plan.add(&mut block, tree % width);
        }
        for (row, class) in (0..rows.len()).flat_map(|row| (0..width).map(move |class| (row, class))) {
            let Some(out) = out.next() else { break };
            for (place, feature) in read.iter().enumerate() {
                let added = block.added(row, class, place) / times;
                out[*feature as usize] = if added.is_finite() { added + 0.0 } else { f64::NAN };
            }
        }
    }
    for base in &mut base {
        *base /= times;
        *base = if base.is_finite() { *base + 0.0 } else { f64::NAN };
    }
    Contributions { rows: batch.rows(), width, features: features.len(), base, values }
}

/// Some rows, `ABREAST` of them in each lane of numbers.
struct Block {
    /// How many features are read.
    stride: usize,
    width: usize,
    /// The cells, group of rows by group, and in each feature by feature.
    values: Vec<Lanes>,
    /// What features have added, group by group, class by class, feature by feature.
    added: Vec<Lanes>,
}

impl Block {
    fn new(rows: usize, stride: usize, width: usize) -> Block {
        let groups = rows.div_ceil(ABREAST);
        let zeros = |count: usize| vec![[0.0; ABREAST]; groups * count];
        Block { stride, width, values: zeros(stride), added: zeros(stride * width) }
    }

    /// The places of a feature's cells, row by row.
    fn values_of(&mut self, feature: usize) -> impl Iterator<Item = &mut f64> {
        self.values.iter_mut().skip(feature).step_by(self.stride).flatten()
    }

    fn added(&self, row: usize, class: usize, feature: usize) -> f64 {
        self.added[(row / ABREAST * self.width + class) * self.stride + feature][row % ABREAST]
    }

    /// The groups: cells, and what is added to a class.
    #[inline(always)]
    fn groups(&mut self, class: usize) -> impl Iterator<Item = (&[Lanes], &mut [Lanes])> {
        let (stride, width) = (self.stride, self.width);
        let added = self.added.chunks_exact_mut(stride * width);
        let added = added.map(move |added| &mut added[class * stride..][..stride]);
        self.values.chunks_exact(stride).zip(added)
    }
}

/// A tree as it is walked: its nodes are its splits and then its leaves. Beneath a split are two edges, left and right.
struct Plan {
    splits: Vec<Step>,
    edges: Vec<Edge>,
    /// How many features there are on the path of most.
    path: usize,
    /// The score of a row of which nothing is known.
    expected: f64,
}

struct Step {
    /// Its place among those that are read.
    feature: usize,
    threshold: f64,
    null_left: bool,
    /// In a split of a category, the bins that go left.
    set: Option<Arc<BinSet>>,
    /// The last edge on the way here that depends on the same feature.
    above: Option<usize>,
}

struct Edge {
    /// The node beneath.
    to: usize,
    /// Its value, if it is a leaf.
    value: Option<f64>,
    /// The share of the cover above that goes here.
    ratio: f64,
    /// The share that passes all tests of this feature from the root to here.
    share: f64,
}

impl Plan {
    fn of(tree: Tree, read: &[u32]) -> Plan {
        let covers = tree.covers_of_splits();
        let count = tree.splits.len();
        let mut plan = Plan { splits: Vec::new(), edges: Vec::new(), path: 0, expected: 0.0 };
        // The edge to each split, and how many features are on its path.
        let mut before: Vec<(Option<usize>, usize)> = vec![(None, 0); count];
        for (at, split) in tree.splits.into_iter().enumerate() {
            let (edge, path) = before[at];
            let feature = read.binary_search(&split.feature).expect("all features that are read are listed");
            // A path is short, but in a tree that a stranger made.
            let mut above = edge;
            while let Some(edge) = above.filter(|edge| plan.splits[edge / 2].feature != feature) {
                above = before[edge / 2].0;
            }
            let path = path + usize::from(above.is_none());
            plan.path = plan.path.max(path);
            for child in split.children {
                let (to, value, cover) = match child {
                    Child::Split(below) => {
                        before[below as usize] = (Some(plan.edges.len()), path);
                        (below as usize, None, covers[below as usize])
                    }
                    Child::Leaf(leaf) => {
                        let leaf = leaf as usize;
                        (count + leaf, Some(tree.leaves[leaf]), tree.covers[leaf])
                    }
                };
                let ratio = if covers[at] > 0.0 { cover / covers[at] } else { 0.0 };
                let share = above.map_or(ratio, |above| ratio * plan.edges[above].share);
                plan.edges.push(Edge { to, value, ratio, share });
            }
            let (threshold, null_left, set) = match split.test {
                Test::Number { threshold, null_left } => (threshold, null_left, None),
                Test::Category(set) => (0.0, false, Some(set)),
            };
            plan.splits.push(Step { feature, threshold, null_left, set, above });
        }
        plan.expected = plan.expected_of(&tree.leaves);
        plan
    }

    fn expected_of(&self, leaves: &[f64]) -> f64 {
        let mut expected = vec![0.0; self.splits.len()];
        for at in (0..self.splits.len()).rev() {
            let [left, right] = [2 * at, 2 * at + 1].map(|edge| &self.edges[edge]);
            let of = |edge: &Edge| edge.ratio * edge.value.unwrap_or_else(|| expected[edge.to]);
            expected[at] = of(left) + of(right);
        }
        expected.first().copied().unwrap_or_else(|| leaves[0])
    }

    /// Adds what the tree's features add to the scores of a class.
    fn add(&self, block: &mut Block, class: usize) {
        if self.splits.is_empty() {
            return;
        }
        let edges = self.edges.len();
        for points in quadrature(self.path.div_ceil(2)).chunks(POINTS) {
            let of_point = |point: &Point| (0..edges).map(|edge| self.factors(edge, *point)).collect::<Vec<Factors>>();
            let factors: Vec<Vec<Factors>> = points.iter().map(of_point).collect();
            widest!({
                let mut passed = vec![[0; ABREAST]; edges];
                let mut products = vec![[0.0; ABREAST]; edges + 1];
                for (values, added) in block.groups(class) {
                    self.test(values, &mut passed);
                    for (point, factors) in points.iter().zip(&factors) {
                        products[0] = [point.weight; ABREAST];
                        self.down(factors, &passed, &mut products);
                        self.up(factors, &passed, &mut products, added);
                    }
                }
            });
        }
    }

    /// Which rows pass, at each edge, all tests of its feature from the root to there.
    #[inline(always)]
    fn test(&self, values: &[Lanes], passed: &mut [Flags]) {
        for (at, step) in self.splits.iter().enumerate() {
            let (above, below) = passed.split_at_mut(2 * at);
            let [left, right] = &mut below[..2] else { unreachable!("beneath a split are two edges") };
            *left = step.goes_left(&values[step.feature]);
            *right = left.map(|left| !left);
            if let Some(edge) = step.above {
                for row in 0..ABREAST {
                    left[row] &= above[edge][row];
                    right[row] &= above[edge][row];
                }
            }
        }
    }

    /// Multiplies from the root down: a leaf's product ends with its value.
    #[inline(always)]
    fn down(&self, factors: &[Factors], passed: &[Flags], products: &mut [Lanes]) {
        for (at, (edge, factors)) in self.edges.iter().zip(factors).enumerate() {
            let Factors { down: [fails, passes], out, .. } = *factors;
            let (passed, before) = (&passed[at], self.before(at / 2, passed));
            let from = &products[at / 2];
            let mut to = [0.0; ABREAST];
            for row in 0..ABREAST {
                to[row] = from[row] * choose(before[row], choose(passed[row], passes, fails), out);
            }
            products[edge.to] = to;
        }
    }

    /// Adds up from the leaves, and tells the features on the way what they are worth.
    #[inline(always)]
    fn up(&self, factors: &[Factors], passed: &[Flags], products: &mut [Lanes], added: &mut [Lanes]) {
        for (at, step) in self.splits.iter().enumerate().rev() {
            let edges = [2 * at, 2 * at + 1];
            let [left, right] = edges.map(|edge| &products[self.edges[edge].to]);
            let [passed_left, passed_right] = edges.map(|edge| &passed[edge]);
            let [of_left, of_right] = edges.map(|edge| factors[edge].up);
            let (before, so_far) = (self.before(at, passed), &added[step.feature]);
            let (mut worth, mut sums) = ([0.0; ABREAST], [0.0; ABREAST]);
            for row in 0..ABREAST {
                let of_left = choose(passed_left[row], of_left[1], of_left[0]) * left[row];
                let of_right = choose(passed_right[row], of_right[1], of_right[0]) * right[row];
                worth[row] = so_far[row] + choose(before[row], of_left + of_right, 0.0);
                sums[row] = left[row] + right[row];
            }
            added[step.feature] = worth;
            products[at] = sums;
        }
    }

    /// Which rows pass all tests above a split that are of its feature.
    #[inline(always)]
    fn before<'f>(&self, split: usize, passed: &'f [Flags]) -> &'f Flags {
        self.splits[split].above.map_or(&[-1; ABREAST], |above| &passed[above])
    }

    /// What an edge does at a point.
    fn factors(&self, edge: usize, point: Point) -> Factors {
        let Edge { value, ratio, share, .. } = self.edges[edge];
        let above = self.splits[edge / 2].above.map(|above| self.edges[above].share);
        let value = value.unwrap_or(1.0);
        // The feature's factor in the product of a path, for a row that fails its tests and for one that passes.
        let failing = |share: f64| share * point.rest;
        let passing = |share: f64| share * point.rest + point.at;
        // What knowing the feature changes, over that factor. Whoever fails has no product if the share is 0.
        let lost = -1.0 / point.rest;
        let won = |share: f64| (1.0 - share) / passing(share);
        // A test on a feature that had one above takes its place.
        let (below, had) = above.map_or((1.0, 0.0), |above| (passing(above), won(above)));
        Factors {
            down: [value * failing(share) / below, value * passing(share) / below],
            out: value * ratio,
            up: [lost - had, won(share) - had],
        }
    }
}

impl Step {
    #[inline(always)]
    fn goes_left(&self, values: &Lanes) -> Flags {
        let flag = |yes: bool| -i8::from(yes);
        match &self.set {
            None => values.map(|value| flag((value <= self.threshold) | (value.is_nan() & self.null_left))),
            Some(set) => values.map(|value| flag(set.has(value as u16))),
        }
    }
}

/// The first number where the flag is set, else the second: by bits, since to choose between places in memory is slower.
#[inline(always)]
fn choose(flag: i8, yes: f64, no: f64) -> f64 {
    let flag = i64::from(flag) as u64;
    f64::from_bits(yes.to_bits() & flag | no.to_bits() & !flag)
}

/// What an edge does at a point: to rows that fail its test, and to rows that pass it.
#[derive(Clone, Copy)]
struct Factors {
    /// To the product of the path.
    down: [f64; 2],
    /// The same for a row that failed a test of this feature before.
    out: f64,
    /// To what the leaves beneath are worth to the feature, beyond what they were to the test above.
    up: [f64; 2],
}

/// A point of a quadrature over [0, 1].
#[derive(Clone, Copy)]
struct Point {
    at: f64,
    /// 1 − `at`.
    rest: f64,
    weight: f64,
}

/// Gauss's points and weights over [0, 1]: exact for polynomials of a degree below twice their number.
/// Found by Newton's steps from an estimate that is good enough for all of them.
fn quadrature(count: usize) -> Vec<Point> {
    let n = count as f64;
    (0..count)
        .map(|at| {
            let mut x = cos(PI * (at as f64 + 0.75) / (n + 0.5));
            let mut slope = 0.0;
            for _ in 0..NEWTON_STEPS {
                // Legendre's polynomial of this degree, and of the one before.
                let (mut now, mut before) = (1.0, 0.0);
                for degree in 0..count {
                    let degree = degree as f64;
                    (now, before) = (((2.0 * degree + 1.0) * x * now - degree * before) / (degree + 1.0), now);
                }
                slope = n * (x * now - before) / (x * x - 1.0);
                x -= now / slope;
            }
            let weight = 1.0 / ((1.0 - x * x) * slope * slope);
            Point { at: (1.0 + x) / 2.0, rest: (1.0 - x) / 2.0, weight }
        })
        .collect()
}

/// Each step doubles the digits, and the estimate has two.
const NEWTON_STEPS: usize = 5;

#[cfg(test)]
mod tests {
    use evenstep_table::{Coded, Column};
    use proptest::prelude::*;

    use super::*;
    use crate::boosted_trees::cuts::Levels;
    use crate::boosted_trees::objective::Link;
    use crate::boosted_trees::packed::Packed;
    use crate::boosted_trees::predict::Forest;
    use crate::boosted_trees::tree::TreeSplit;
    use crate::testing::{self, name};

    /// Features a to d: numbers, a flag, and a category of the levels `0`, `1` and `2`, whose bins are 3 for null and 4 for unseen.
    const CATEGORY: u32 = 3;

    /// The cells of a row: a category's is its bin.
    type Row = [f64; 4];

    fn batch(rows: &[Row]) -> Batch {
        let number = |feature: usize| Column::Number(rows.iter().map(|row| row[feature]).collect());
        let flag = |x: f64| if x.is_nan() { 2 } else { x as u8 };
        let level = |bin: f64| match bin {
            3.0 => None,
            4.0 => Some("unseen"),
            bin => Some(["0", "1", "2"][bin as usize]),
        };
        let columns = vec![
            ("a", number(0)),
            ("b", number(1)),
            ("c", Column::Boolean(rows.iter().map(|row| flag(row[2])).collect())),
            ("d", Column::Category(Coded::from_strings(rows.iter().map(|row| level(row[3]))))),
        ];
        testing::batch(columns, vec![0.0; rows.len()], Vec::new())
    }

    fn model(trees: Vec<Tree>, width: usize) -> Model {
        let mut of_d = Levels::default();
        of_d.count = 3;
        ["0", "1", "2"].iter().zip(0..).for_each(|(level, bin)| of_d.push(level, bin));
        let levels = vec![None, None, None, Some(of_d)];
        let trees = Packed::of(&trees, &levels);
        let start = [0.25, -1.0, 3.0][..width].to_vec();
        Model { link: Link::Identity, start, forest: Forest::new(&trees, &levels), trees, levels }
    }

    fn goes_left(split: &TreeSplit, cell: f64) -> bool {
        match &split.test {
            Test::Number { threshold, null_left } => {
                if cell.is_nan() {
                    *null_left
                } else {
                    cell <= *threshold
                }
            }
            Test::Category(set) => set.has(cell as u16),
        }
    }

    /// What a tree says of a row of which some features are known.
    fn value(tree: &Tree, covers: &[f64], at: Child, row: &[f64], known: usize) -> f64 {
        let Child::Split(at) = at else {
            let Child::Leaf(leaf) = at else { unreachable!() };
            return tree.leaves[leaf as usize];
        };
        let split = &tree.splits[at as usize];
        let below = |side: usize| value(tree, covers, split.children[side], row, known);
        if known >> split.feature & 1 == 1 {
            return below(usize::from(!goes_left(split, row[split.feature as usize])));
        }
        let cover = |child: Child| match child {
            Child::Split(split) => covers[split as usize],
            Child::Leaf(leaf) => tree.covers[leaf as usize],
        };
        let total = covers[at as usize];
        let share = |side: usize| if total > 0.0 { cover(split.children[side]) / total } else { 0.0 };
        share(0) * below(0) + share(1) * below(1)
    }

    /// By the definition: the mean, over all orders in which features may become known, of what each changes.
    fn by_definition(tree: &Tree, row: &[f64]) -> (f64, Vec<f64>) {
        let count = row.len();
        let covers = tree.covers_of_splits();
        let root = if tree.splits.is_empty() { Child::Leaf(0) } else { Child::Split(0) };
        let values: Vec<f64> = (0..1 << count).map(|known| value(tree, &covers, root, row, known)).collect();
        let factorial = |n: usize| (1..=n).fold(1.0, |product, n| product * n as f64);
        let of = |feature: usize| {
            let without = (0..1_usize << count).filter(|known| known >> feature & 1 == 0);
            without.fold(0.0, |sum, known| {
                let size = known.count_ones() as usize;
                let orders = factorial(size) * factorial(count - size - 1) / factorial(count);
                sum + orders * (values[known | 1 << feature] - values[known])
            })
        };
        (values[0], (0..count).map(of).collect())
    }

    #[track_caller]
    fn assert_explained(model: &Model, names: &[ColumnName], batch: &Batch, rows: &[&[f64]]) {
        let width = model.start.len();
        let found = explain(model, names, batch);
        let mut base = model.start.clone();
        let largest = model.trees().flat_map(|tree| tree.leaves).fold(1.0_f64, |most, leaf| most.max(leaf.abs()));
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * largest * model.trees.len() as f64;
        for (at, row) in rows.iter().enumerate() {
            let mut expected = vec![vec![0.0; names.len()]; width];
            base.clone_from(&model.start);
            for (tree, class) in model.trees().zip((0..width).cycle()) {
                let (nothing, of) = by_definition(&tree, row);
                base[class] += nothing;
                expected[class].iter_mut().zip(of).for_each(|(sum, of)| *sum += of);
            }
            for (class, expected) in expected.iter().enumerate() {
                let found = found.of(at, class);
                assert!(found.iter().zip(expected).all(|(a, b)| near(*a, *b)), "{row:?}: {found:?}, not {expected:?}");
            }
        }
        assert!(found.base.iter().zip(&base).all(|(a, b)| near(*a, *b)), "{:?}, not {base:?}", found.base);
        let scores = model.scores(names, batch);
        for (at, score) in scores.iter().enumerate() {
            let sum = found.base[at % width] + found.of(at / width, at % width).iter().sum::<f64>();
            assert!((sum - score).abs() <= 1e-9 * score.abs().max(largest), "{sum} is not {score}");
        }
    }

    fn names() -> Vec<ColumnName> {
        ["a", "b", "c", "d"].map(name).to_vec()
    }

    /// A tree grown from leaf to leaf: which of them is split next, by which feature, and how.
    fn grown(splits: &[(usize, u32, f64, bool, u64)], leaves: &[(f64, f64)]) -> Tree {
        let mut tree = Tree { splits: Vec::new(), leaves: Vec::new(), covers: Vec::new() };
        let mut parents: Vec<Option<(usize, usize)>> = vec![None];
        for (leaf, feature, threshold, null_left, set) in splits {
            let leaf = leaf % parents.len();
            let at = tree.splits.len();
            if let Some((above, side)) = parents[leaf] {
                tree.splits[above].children[side] = Child::Split(at as u32);
            }
            let test = match *feature {
                CATEGORY => Test::Category(Arc::new(BinSet::Bits(vec![set % 32]))),
                2 => Test::Number { threshold: 0.5, null_left: *null_left },
                _ => Test::Number { threshold: *threshold, null_left: *null_left },
            };
            let children = [Child::Leaf(leaf as u32), Child::Leaf(parents.len() as u32)];
            tree.splits.push(TreeSplit { feature: *feature, test, children, gain: 1.0 });
            parents[leaf] = Some((at, 0));
            parents.push(Some((at, 1)));
        }
        (tree.leaves, tree.covers) = leaves.iter().copied().cycle().take(parents.len()).unzip();
        tree
    }

    fn any_tree() -> impl Strategy<Value = Tree> {
        let split = (0_usize..12, 0_u32..4, -2.0..2.0, any::<bool>(), any::<u64>());
        let cover = prop_oneof![Just(0.0), 0.0..1.0, (1_u32..1000).prop_map(f64::from)];
        let leaf = (-10.0..10.0, cover);
        (proptest::collection::vec(split, 0..12), proptest::collection::vec(leaf, 1..13))
            .prop_map(|(splits, leaves)| grown(&splits, &leaves))
    }

    fn any_row() -> impl Strategy<Value = Row> {
        let number = || prop_oneof![Just(f64::NAN), -2.5..2.5];
        let flag = prop_oneof![Just(f64::NAN), Just(0.0), Just(1.0)];
        (number(), number(), flag, 0_u32..5).prop_map(|(a, b, c, d)| [a, b, c, f64::from(d)])
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn values_are_those_of_the_definition_and_add_up_to_the_score(
            trees in proptest::collection::vec(any_tree(), 1..4),
            rows in proptest::collection::vec(any_row(), 1..20),
            width in 1_usize..4,
        ) {
            let model = model(trees, width);
            let of_rows: Vec<&[f64]> = rows.iter().map(|row| &row[..]).collect();
            assert_explained(&model, &names(), &batch(&rows), &of_rows);
        }
    }

    /// Cover 3 against 1: unknown, a row is worth 0.75 · 4 = 3.
    #[test]
    fn a_stump_is_explained_by_its_feature() {
        let model = model(vec![grown(&[(0, 0, 0.0, false, 0)], &[(4.0, 3.0), (0.0, 1.0)])], 1);
        let found = explain(&model, &names(), &batch(&[[-1.0; 4], [1.0, 0.0, 0.0, 0.0], [f64::NAN, 0.0, 0.0, 0.0]]));
        assert_eq!(found.base, [3.25]);
        assert_eq!(found.of(0, 0), [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(found.of(1, 0), [-3.0, 0.0, 0.0, 0.0]);
        assert_eq!(found.of(2, 0), [-3.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_branch_without_cover_has_no_weight() {
        let split = |leaf, feature| (leaf, feature, 0.0, false, 0);
        let leaves = [(4.0, 2.0), (1.0, 0.0), (-7.0, 0.0)];
        let model = model(vec![grown(&[split(0, 0), split(1, 1)], &leaves)], 1);
        let rows = [[1.0, 1.0, 0.0, 0.0], [-1.0, 1.0, 0.0, 0.0], [1.0, -1.0, 0.0, 0.0]];
        let found = explain(&model, &names(), &batch(&rows));
        assert_eq!(found.base, [4.25], "the only leaf with cover");
        assert_eq!(found.of(1, 0), [0.0, 0.0, 0.0, 0.0]);
        assert_explained(&model, &names(), &batch(&rows), &[&rows[0], &rows[1], &rows[2]]);
    }

    /// So many features on one path that a tree is walked more than once.
    #[test]
    fn a_long_path_is_explained_in_several_walks() {
        for depth in [11, 12, 13, 14] {
            let names: Vec<ColumnName> = (0..depth).map(|at| name(&format!("x{at:02}"))).collect();
            let split = |at: usize| TreeSplit {
                feature: at as u32,
                test: Test::Number { threshold: 0.0, null_left: true },
                children: [
                    Child::Leaf(at as u32),
                    if at + 1 < depth { Child::Split(at as u32 + 1) } else { Child::Leaf(depth as u32) },
                ],
                gain: 1.0,
            };
            let tree = Tree {
                splits: (0..depth).map(split).collect(),
                leaves: (0..=depth).map(|leaf| (leaf * 7 % 5) as f64 - 2.0).collect(),
                covers: (0..=depth).map(|leaf| (1 + leaf * 3 % 7) as f64).collect(),
            };
            let levels = vec![None; depth];
            let trees = Packed::of(&[tree], &levels);
            let forest = Forest::new(&trees, &levels);
            let model = Model { link: Link::Identity, start: vec![0.0], trees, levels, forest };
            let row: Vec<f64> = (0..depth).map(|at| if at == 4 { -1.0 } else { 1.0 }).collect();
            let passes = vec![1.0; depth];
            let cells = |at: usize| Column::Number(vec![row[at], passes[at]]);
            let columns = names.iter().enumerate().map(|(at, name)| (name.as_str(), cells(at))).collect();
            let batch = testing::batch(columns, vec![0.0; 2], Vec::new());
            assert_explained(&model, &names, &batch, &[&row, &passes]);
        }
    }

    #[test]
    fn one_row_is_explained_like_a_batch() {
        let draws = evenstep_exact::draw::Draws::new(evenstep_exact::draw::Seed(1), "rows");
        let rows: Vec<Row> = (0..2 * BLOCK_ROWS + 3)
            .map(|row| std::array::from_fn(|at| draws.below(&((row * 4 + at) as u128).to_le_bytes(), 2) as f64))
            .collect();
        let splits = [(0, 0, 0.0, false, 0), (1, 3, 0.0, true, 5), (0, 1, 0.0, true, 0), (2, 0, 0.5, true, 0)];
        let trees = vec![grown(&splits, &[(0.1, 5.0), (0.7, 2.0), (-0.3, 1.0), (0.9, 4.0)]); 3];
        let model = model(trees, 3);
        let all = explain(&model, &names(), &batch(&rows));
        let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        for at in (0..rows.len()).step_by(101) {
            let one = explain(&model, &names(), &batch(&rows[at..=at]));
            for class in 0..3 {
                assert_eq!(bits(one.of(0, class)), bits(all.of(at, class)));
            }
        }
    }

    #[test]
    fn values_beyond_all_floats_are_null() {
        let leaves = [(f64::MAX, 1.0), (-f64::MAX, 1.0)];
        let model = model(vec![grown(&[(0, 0, 0.0, false, 0)], &leaves); 2], 1);
        let found = explain(&model, &names(), &batch(&[[1.0; 4]]));
        assert!(found.of(0, 0)[0].is_nan());
        assert_eq!(found.base, [0.25]);
    }

    #[test]
    fn a_quadrature_is_exact_for_polynomials() {
        for count in [1, 2, 3, 5, 8, 40, 300] {
            let points = quadrature(count);
            for degree in [0, 1, count, 2 * count - 1] {
                let integral: f64 =
                    points.iter().map(|point| point.weight * (0..degree).fold(1.0, |x, _| x * point.at)).sum();
                assert!(
                    (integral * (degree + 1) as f64 - 1.0).abs() < 1e-12,
                    "{count} points, degree {degree}: {integral}"
                );
            }
        }
    }

    /// A change here is a change of what `explain` answers.
    #[test]
    fn the_bits_of_an_explanation_stay() {
        let splits = [(0, 0, 0.0, false, 0), (1, 3, 0.0, true, 5), (0, 1, 0.0, true, 0), (2, 0, 0.5, true, 0)];
        let model = model(vec![grown(&splits, &[(0.1, 5.0), (0.7, 2.0), (-0.3, 1.0), (0.9, 4.0)])], 1);
        let found = explain(&model, &names(), &batch(&[[1.0, -1.0, 0.0, 2.0]]));
        assert_eq!(found.of(0, 0), [0.1161764705882353, -0.09411764705882353, 0.0, 0.3426470588235294]);
    }

    #[test]
    fn no_rows_have_no_values() {
        let model = model(vec![grown(&[(0, 0, 0.0, false, 0)], &[(4.0, 3.0), (0.0, 1.0)])], 1);
        assert_eq!(explain(&model, &names(), &batch(&[])).values, [0.0; 0]);
        let alone = super::Model { trees: Packed::default(), forest: Forest::new(&Packed::default(), &[]), ..model };
        assert_eq!(explain(&alone, &names(), &batch(&[[1.0; 4]])).values, [0.0; 4]);
    }
}
