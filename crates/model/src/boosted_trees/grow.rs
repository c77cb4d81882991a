//! Grows one tree, leaf by leaf: always the leaf whose split gains most.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use evenstep_exact::reduce::Workers;
use evenstep_exact::simd;

use super::Growth;
use super::allowed::{Allowed, Together};
use super::classes::Classes;
use super::few::Few;
use super::histogram::{self, Builder, Form, Histogram, Shape, Sums};
use super::matrix::{Bins, Matrix};
use super::order::{Order, Place, mark};
use super::quantise::mix;
use super::split::{Bounds, Criterion, Parent, Rule, Split};

/// Fewer bins than this are searched faster by one thread than shared.
const SMALL_BINS: usize = 4096;

/// To look at a row's bin of one feature takes as long as to sum up, take away and search so many bins.
const FEW: usize = 4;

/// Memory for the histograms of leaves that may still be split. Beyond it both children
/// of a split are built from rows, which takes longer and gives the same integers.
const HISTOGRAM_BYTES: usize = 1 << 30;

/// A tree while it is grown: in bins, not yet in values.
#[derive(Debug, Default)]
pub(super) struct Grown {
    /// In the order in which they were made: children come after their parents.
    pub(super) splits: Vec<GrownSplit>,
    pub(super) leaves: Vec<GrownLeaf>,
}

/// A leaf that rows came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct GrownLeaf {
    /// How many rows came to it, in all processes.
    pub(super) rows: i64,
    /// Whether it came from a split of many levels, which is regularised more.
    pub(super) regularised: bool,
    /// What its value lies between, before it is multiplied by the learning rate.
    pub(super) bounds: Bounds,
}

#[derive(Debug)]
pub(super) struct GrownSplit {
    pub(super) feature: usize,
    pub(super) gain: f64,
    pub(super) rule: Rule,
    pub(super) children: [Child; 2],
}

/// What stands below a split.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Child {
    Split(u32),
    Leaf(u32),
}

impl Grown {
    /// The leaf of a row by its bins.
    pub(super) fn leaf(&self, matrix: &Matrix, row: usize) -> u16 {
        if self.splits.is_empty() {
            return 0;
        }
        let mut at = 0;
        loop {
            let split = &self.splits[at];
            let side = usize::from(!split.rule.goes_left(matrix.bin(split.feature, row)));
            match split.children[side] {
                Child::Split(next) => at = next as usize,
                Child::Leaf(leaf) => return leaf as u16,
            }
        }
    }

    /// Sends bins of which a node saw nothing to its heavier child, left if both weigh the same.
    pub(super) fn settle<W: Copy + PartialOrd + std::ops::Add<Output = W>>(&mut self, matrix: &Matrix, leaves: &[W]) {
        let mut weights: Vec<Option<W>> = vec![None; self.splits.len()];
        for at in (0..self.splits.len()).rev() {
            let split = &mut self.splits[at];
            let [left, right] = split.children.map(|child| match child {
                Child::Leaf(leaf) => leaves[leaf as usize],
                Child::Split(split) => weights[split as usize].expect("children come after their parents"),
            });
            weights[at] = Some(left + right);
            split.rule.settle(matrix.features[split.feature].binning.last(), left >= right);
        }
    }
}

/// How far a tree may grow, and in which order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) leaves: usize,
    pub(super) depth: usize,
    pub(super) growth: Growth,
}

impl Limits {
    /// How soon a node is split: that of the greatest is the next.
    fn turn(&self, gain: f64, depth: usize) -> f64 {
        let every_node_has_a_turn = depth < 32 && self.depth < 32 && self.leaves >= 1 << self.depth;
        match self.growth {
            // Whatever the order, the tree is the same: the deepest first keeps the fewest histograms, and those at hand.
            _ if every_node_has_a_turn => depth as f64,
            Growth::Leaf => gain,
            Growth::Depth => -(depth as f64),
        }
    }
}

/// A leaf that may be split.
struct Candidate {
    turn: f64,
    split: Split,
    leaf: usize,
    node: Node,
    /// None if there was no room to keep it.
    histogram: Option<Histogram>,
}

struct Node {
    rows: Place,
    sums: Sums,
    bounds: Bounds,
    depth: usize,
    /// Which way it lies from the root, as the key of its draws.
    path: u64,
    together: Together,
    /// The split above, and on which side of it.
    parent: Option<(usize, usize)>,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Candidate) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Candidate) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The greatest is split next: that whose turn it is, then highest gain, first feature, oldest leaf.
impl Ord for Candidate {
    fn cmp(&self, other: &Candidate) -> Ordering {
        self.turn
            .total_cmp(&other.turn)
            .then(self.split.gain.total_cmp(&other.split.gain))
            .then(other.split.feature.cmp(&self.split.feature))
            .then(other.leaf.cmp(&self.leaf))
    }
}

/// A node and its leaf, how the node is split best, and its histogram if it has one.
type Searched = (Option<Split>, (Node, usize), Option<Histogram>);

/// What growing works with.
pub(super) struct Grower<'a> {
    pub(super) workers: &'a Workers,
    pub(super) matrix: &'a Matrix,
    pub(super) shape: &'a Shape,
    pub(super) builder: Builder<'a>,
    /// What a tree of several classes is grown by, in the place of the builder's gradients.
    pub(super) classes: Option<Classes<'a>>,
    pub(super) criterion: &'a Criterion,
    pub(super) allowed: &'a Allowed<'a>,
    /// What a leaf's value lies between at most.
    pub(super) bounds: Bounds,
    /// What the cuts of this tree are drawn by, if they are.
    pub(super) draw: Option<u64>,
    pub(super) limits: Limits,
}

/// The split of higher gain; of equal ones that of the earlier feature.
fn better(a: Option<Split>, b: Option<Split>) -> Option<Split> {
    match (a, b) {
        (Some(a), Some(b)) if (b.gain, a.feature) > (a.gain, b.feature) => Some(b),
        (a, b) => a.or(b),
    }
}

impl Grower<'_> {
    /// Grows a tree from some rows; tells also where the rows of each leaf lie.
    pub(super) fn grow(&self, order: &mut Order, rows: Place) -> (Grown, Vec<Place>) {
        let mut tree = Grown::default();
        let mut waiting = BinaryHeap::new();
        // The rows of every leaf, by its number.
        let mut leaves = vec![rows.clone()];
        tree.leaves.push(GrownLeaf { rows: rows.len() as i64, regularised: false, bounds: self.bounds });

        if let Some(first) = self.allowed.tree.iter().position(|may| *may) {
            let node = |sums: Sums| {
                let (bounds, together) = (self.bounds, self.allowed.root());
                Node { rows: rows.clone(), sums, bounds, depth: 0, path: 0, together, parent: None }
            };
            let (split, node, histogram) = match &self.classes {
                Some(classes) => {
                    let node = node(classes.total(order.rows(&rows), first));
                    (self.search_classes(classes, order, &node), node, None)
                }
                None => {
                    let form =
                        if self.workers.are_alone() { self.builder.form(rows.len() as i64) } else { Form::Apart };
                    let root = self.builder.build(order.rows(&rows), form);
                    let node = node(self.builder.feature(&root, first).total());
                    (self.search([(&node, &root)]).pop().flatten(), node, Some(root))
                }
            };
            waiting.extend(split.map(|split| self.candidate(split, 0, node, histogram)));
        }

        while tree.splits.len() + 1 < self.limits.leaves {
            let Some(Candidate { split, leaf, node, histogram, .. }) = waiting.pop() else { break };
            let at = tree.splits.len();
            let next = tree.leaves.len();
            let [left, right] = self.part(&split, order, &node.rows);
            let regularised = matches!(split.rule, Rule::Category { regularised: true, .. });
            if let Some((above, side)) = node.parent {
                tree.splits[above].children[side] = Child::Split(at as u32);
            }
            let children = [Child::Leaf(leaf as u32), Child::Leaf(next as u32)];
            let Split { feature, gain, rule, left: left_sums, bounds } = split;
            tree.splits.push(GrownSplit { feature, gain, rule, children });
            let of = |sums: Sums, bounds: Bounds| GrownLeaf { rows: sums.rows, regularised, bounds };
            tree.leaves[leaf] = of(left_sums, bounds[0]);
            tree.leaves.push(of(node.sums - left_sums, bounds[1]));
            leaves[leaf] = left.clone();
            leaves.push(right.clone());

            if tree.splits.len() + 1 == self.limits.leaves {
                break;
            }
            let child = |rows: Place, sums: Sums, side: usize| Node {
                rows,
                sums,
                bounds: bounds[side],
                depth: node.depth + 1,
                path: mix(side as u32, node.path.wrapping_add(1)),
                together: self.allowed.below(&node.together, feature),
                parent: Some((at, side)),
            };
            let left = child(left, left_sums, 0);
            let right = child(right, node.sums - left_sums, 1);
            let room = (waiting.len() + 2) * self.shape.bytes() <= HISTOGRAM_BYTES;
            let children = self.children(order, histogram, [(left, leaf), (right, next)]);
            for (split, (node, leaf), histogram) in children {
                let histogram = histogram.filter(|_| room);
                waiting.extend(split.map(|split| self.candidate(split, leaf, node, histogram)));
            }
        }
        (tree, leaves)
    }

    fn candidate(&self, split: Split, leaf: usize, node: Node, histogram: Option<Histogram>) -> Candidate {
        Candidate { turn: self.limits.turn(split.gain, node.depth), split, leaf, node, histogram }
    }

    /// Finds how the children of a node may be split, from the histogram of the one with fewer
    /// rows, and what it leaves of their parent's.
    fn children(&self, order: &Order, parent: Option<Histogram>, children: [(Node, usize); 2]) -> Vec<Searched> {
        let may = |node: &Node| node.depth < self.limits.depth && self.criterion.may_split(node.sums);
        let [left, right] = children;
        if !may(&left.0) && !may(&right.0) {
            return Vec::new();
        }
        if let Some(classes) = &self.classes {
            let children = [left, right].into_iter().filter(|(node, _)| may(node));
            let search = |(node, leaf): (Node, usize)| (self.search_classes(classes, order, &node), (node, leaf), None);
            return children.map(search).collect();
        }
        if self.are_few(&left.0.rows, &right.0.rows) {
            let children = [left, right].into_iter().filter(|(node, _)| may(node));
            let search = |(node, leaf): (Node, usize)| (self.search_few(order, &node), (node, leaf), None);
            return self.workers.map(children.collect(), search);
        }
        let left_is_smaller = left.0.sums.rows <= right.0.sums.rows;
        let (smaller, larger) = if left_is_smaller { (left, right) } else { (right, left) };
        let rows = order.rows(&smaller.0.rows);
        let nodes = [&smaller.0, &larger.0];
        let forms = nodes.map(|node| self.builder.form(node.sums.rows));
        let (found, small, large) = match parent {
            Some(parent) if self.builder.shares_columns(rows.len()) => {
                let may_split = nodes.map(|node| may(node).then(|| self.features(node)));
                let ((small, large), found) = self.builder.build_by_columns(
                    rows,
                    forms[0],
                    Some((parent, forms[1])),
                    |mut found: [Option<Split>; 2], features, small, large| {
                        let parts = [Some(small), large];
                        for ((at, found), part) in found.iter_mut().enumerate().zip(parts) {
                            if let (Some(part), Some(may_split)) = (part, &may_split[at]) {
                                let features = features.iter().copied().filter(|feature| may_split[*feature]);
                                let bins = |feature| self.builder.feature_of(part, feature);
                                *found = self.best(nodes[at], found.take(), features, bins);
                            }
                        }
                        found
                    },
                );
                let both = |[a, b]: [_; 2], [c, d]: [_; 2]| [better(a, c), better(b, d)];
                let large = large.expect("a parent leaves two children");
                let [left, right] = found.into_iter().fold([None, None], both);
                let or_on = |found: Option<Split>, node: &Node, histogram| {
                    found.or_else(|| if may(node) { self.draw_on_in(node, histogram) } else { None })
                };
                ([or_on(left, nodes[0], &small), or_on(right, nodes[1], &large)], small, large)
            }
            parent => {
                let mut small = self.builder.build(rows, forms[0]);
                let large = match parent {
                    Some(parent) => self.builder.rest(parent, &mut small, forms[1]),
                    None => self.builder.build(order.rows(&larger.0.rows), forms[1]),
                };
                let both = [(nodes[0], &small), (nodes[1], &large)];
                let mut found = self.search(both.into_iter().filter(|(node, _)| may(node))).into_iter();
                let found = nodes.map(|node| if may(node) { found.next().flatten() } else { None });
                (found, small, large)
            }
        };
        found
            .into_iter()
            .zip([(smaller, small), (larger, large)])
            .map(|(split, (child, histogram))| (split, child, Some(histogram)))
            .collect()
    }

    /// Whether it takes longer to sum up all bins than to look at the rows of two nodes feature by feature.
    fn are_few(&self, left: &Place, right: &Place) -> bool {
        let rows = left.len() + right.len();
        self.workers.are_alone()
            && FEW * rows * self.allowed.most() <= self.shape.bins()
            && rows <= self.builder.packing.block_rows()
    }

    /// The best split of a node of few rows.
    fn search_few(&self, order: &Order, node: &Node) -> Option<Split> {
        let rows = order.rows(&node.rows);
        let mut few = Few::new(&self.builder);
        let may_split = self.features(node);
        let mut better = |best: Option<Split>, at: usize| {
            let feature = (at, &self.matrix.features[at]);
            few.feature(at, rows, |bins| self.criterion.better(self.parent(node), best, feature, bins))
        };
        let best = (0..may_split.len()).filter(|at| may_split[*at]).fold(None, &mut better);
        best.or_else(|| self.draw_on(node, &may_split, |at| better(None, at)))
    }

    /// The split of a node on the first feature in turn that has one, where none has that it was to be split on; only averaged
    /// trees have it, which would else end where they were unlucky.
    fn draw_on(&self, node: &Node, seen: &[bool], split: impl FnMut(usize) -> Option<Split>) -> Option<Split> {
        if !self.criterion.is_averaged {
            return None;
        }
        let (features, _) = self.allowed.in_turn(&node.together, node.depth, node.path);
        features.into_iter().filter(|at| !seen[*at]).find_map(split)
    }

    /// The same of a node with a histogram.
    fn draw_on_in(&self, node: &Node, histogram: &Histogram) -> Option<Split> {
        let bins = |feature| self.builder.feature(histogram, feature);
        self.draw_on(node, &self.features(node), |at| self.best(node, None, [at].into_iter(), bins))
    }

    /// The best split of a node for all classes.
    fn search_classes(&self, classes: &Classes<'_>, order: &Order, node: &Node) -> Option<Split> {
        let (features, first) = self.allowed.in_turn(&node.together, node.depth, node.path);
        classes.search(order.rows(&node.rows), (&features, first), self.draw(node))
    }

    /// What the cuts of a node are drawn by, if they are.
    fn draw(&self, node: &Node) -> Option<u64> {
        self.draw.map(|draw| mix(node.path as u32, draw ^ (node.path >> 32)))
    }

    fn parent(&self, node: &Node) -> Parent {
        let draw = self.draw(node);
        Parent {
            sums: node.sums,
            hessian_min: self.criterion.hessian_min_of(node.sums),
            min_gain: self.criterion.min_gain_of(node.sums),
            bounds: node.bounds,
            draw,
        }
    }

    /// Which features a node may be split on.
    fn features(&self, node: &Node) -> Vec<bool> {
        self.allowed.features(&node.together, node.depth, node.path)
    }

    /// The best split of a node on some more features.
    fn best<'b>(
        &self,
        node: &Node,
        best: Option<Split>,
        features: impl Iterator<Item = usize>,
        bins: impl Fn(usize) -> histogram::Bins<'b>,
    ) -> Option<Split> {
        let parent = self.parent(node);
        features.fold(best, |best, at| self.criterion.better(parent, best, (at, &self.matrix.features[at]), bins(at)))
    }

    /// The best split of each node.
    fn search<'n>(&self, nodes: impl IntoIterator<Item = (&'n Node, &'n Histogram)>) -> Vec<Option<Split>> {
        let nodes: Vec<_> = nodes.into_iter().collect();
        let may_split: Vec<Vec<bool>> = nodes.iter().map(|(node, _)| self.features(node)).collect();
        let count = self.matrix.features.len();
        let tasks =
            if self.shape.bins() * nodes.len() < SMALL_BINS { 1 } else { (4 * self.workers.count()).min(count) };
        let part = |task: usize| count * task / tasks..count * (task + 1) / tasks;
        let jobs =
            nodes.iter().zip(&may_split).flat_map(|(node, may)| (0..tasks).map(move |task| (node, may, part(task))));
        let found = self.workers.map(jobs.collect(), |((node, histogram), may_split, features)| {
            let features = features.filter(|feature| may_split[*feature]);
            self.best(node, None, features, |feature| self.builder.feature(histogram, feature))
        });
        let mut found = found.into_iter();
        let best = nodes.iter().map(|(node, histogram)| {
            let best = found.by_ref().take(tasks).fold(None, better);
            best.or_else(|| self.draw_on_in(node, histogram))
        });
        best.collect()
    }

    /// Parts the rows of a node by a split.
    fn part(&self, split: &Split, order: &mut Order, place: &Place) -> [Place; 2] {
        let last = self.matrix.features[split.feature].binning.last();
        let goes_left = |bin: u16| bin <= last && split.rule.goes_left(bin);
        match self.matrix.column(split.feature) {
            Bins::Narrow(bytes, bins) => {
                let bin = |byte: u8| bins.map_or(byte, |bins| bins[usize::from(byte)]);
                let mut left = [0_u32; 8];
                for byte in (0..=u8::MAX).filter(|byte| goes_left(bin(*byte).into())) {
                    left[usize::from(byte / 32)] |= 1 << (byte % 32);
                }
                order.part(self.workers, place, |rows, bits| simd::mark(rows, bytes, &left, bits))
            }
            Bins::Wide(bins) if place.len() <= usize::from(last) => {
                let goes_left = |row: u32| split.rule.goes_left(bins[row as usize]);
                order.part(self.workers, place, |rows, bits| mark(rows, bits, goes_left))
            }
            Bins::Wide(bins) => {
                let left: Vec<bool> = (0..=last).map(goes_left).collect();
                let goes_left = |row: u32| left[usize::from(bins[row as usize])];
                order.part(self.workers, place, |rows, bits| mark(rows, bits, goes_left))
            }
        }
    }
}
