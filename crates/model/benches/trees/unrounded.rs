//! Boosted trees without rounding, to compare with: the same splits, sought on sums of 64-bit floats that are added up row by row.
//!
//! Small and slow. It takes numbers of few values, each a bin of its own; of a spec `objective`, `trees`, `learning_rate`, `leaves`,
//! `min_rows` and `min_hessian`. All else is as `boosted_trees` has it by default.

use evenstep_exact::maths::{exp, ln, log1p, pow, sigmoid};
use evenstep_model::BoostedTrees;
use evenstep_table::{Batch, Column, ColumnName};

/// As in LightGBM's `poisson_max_delta_step`: e^0.7.
const POISSON_HESSIAN: f64 = 2.013_752_707_470_476_6;
const TWEEDIE_POWER: f64 = 1.5;
/// Leaves are drawn towards 0 as by so many rows.
const L2_ROWS: f64 = 3.0;

/// What was learned: where the score of each class starts, and trees, in each round class by class.
pub(crate) struct Model {
    objective: String,
    start: Vec<f64>,
    trees: Vec<Tree>,
}

/// Nodes, the root first.
type Tree = Vec<Node>;

#[derive(Clone, Copy)]
enum Node {
    Split { feature: usize, threshold: f64, null_left: bool, children: [usize; 2] },
    Leaf(f64),
}

/// One feature of all rows: its values in ascending order, and the place of each row's among them, or behind them of null.
struct Feature {
    values: Vec<f64>,
    bins: Vec<usize>,
}

/// Gradient, hessian, weight and rows.
#[derive(Clone, Copy, Default)]
struct Sums {
    gradient: f64,
    hessian: f64,
    weight: f64,
    rows: usize,
}

impl Sums {
    fn add(&mut self, other: Sums) {
        self.gradient += other.gradient;
        self.hessian += other.hessian;
        self.weight += other.weight;
        self.rows += other.rows;
    }

    fn without(self, other: Sums) -> Sums {
        Sums {
            gradient: self.gradient - other.gradient,
            hessian: self.hessian - other.hessian,
            weight: self.weight - other.weight,
            rows: self.rows - other.rows,
        }
    }

    fn score(self, l2: f64) -> f64 {
        self.gradient * self.gradient / (self.hessian + l2)
    }
}

/// A leaf that may be split.
struct Candidate {
    node: usize,
    rows: Vec<usize>,
    gain: f64,
    feature: usize,
    threshold: f64,
    null_left: bool,
}

/// What trees of a class keep to.
struct Limits<'a> {
    objective: &'a str,
    spec: &'a BoostedTrees,
    l2: f64,
    min_hessian: f64,
}

/// Learns from rows of numbers.
pub(crate) fn fit(spec: &BoostedTrees, objective: &str, batches: &[Batch], classes: usize) -> Model {
    let width = if classes > 2 { classes } else { 1 };
    let names: Vec<ColumnName> = batches[0].schema().into_keys().collect();
    let features: Vec<Feature> = names.iter().map(|name| feature(batches, name)).collect();
    let targets: Vec<f64> = batches.iter().flat_map(|batch| &batch.training().target).copied().collect();
    let weights: Vec<f64> =
        batches.iter().flat_map(|batch| (0..batch.rows()).map(|row| batch.training().weight(row))).collect();
    let weight: f64 = weights.iter().sum();
    let unit = (weight / targets.len() as f64).min(1.0);
    let mean = |class: usize| {
        let of_row = |y: f64| if width > 1 { f64::from(u8::from(y == class as f64)) } else { y };
        targets.iter().zip(&weights).map(|(y, w)| w * of_row(*y)).sum::<f64>() / weight
    };
    let means: Vec<f64> = (0..width).map(mean).collect();
    let start: Vec<f64> = means.iter().map(|mean| started(objective, *mean)).collect();
    let mut scores: Vec<Vec<f64>> = start.iter().map(|start| vec![*start; targets.len()]).collect();
    let mut trees = Vec::new();
    for _ in 0..spec.trees {
        let norms: Vec<f64> = (0..targets.len()).map(|row| norm(scores.iter().map(|of| of[row]))).collect();
        for class in 0..width {
            let of_row = |row: usize| {
                let (gradient, hessian) =
                    derivatives(objective, scores[class][row], targets[row], (class, width), norms[row]);
                Sums {
                    gradient: weights[row] * gradient,
                    hessian: weights[row] * hessian,
                    weight: weights[row],
                    rows: 1,
                }
            };
            let sums: Vec<Sums> = (0..targets.len()).map(of_row).collect();
            let limits = Limits {
                objective,
                spec,
                l2: L2_ROWS * unit * curvature(objective, means[class]),
                min_hessian: spec.min_hessian * unit,
            };
            let tree = limits.grow(&features, &sums);
            for (row, score) in scores[class].iter_mut().enumerate() {
                let value = |feature: usize| features[feature].value(row);
                *score += leaf(&tree, value);
            }
            trees.push(tree);
        }
    }
    Model { objective: objective.to_owned(), start, trees }
}

fn numbers(batches: &[Batch], name: &ColumnName) -> Vec<f64> {
    let cells = batches.iter().flat_map(|batch| match batch.column(name) {
        Column::Number(cells) => cells,
        _ => panic!("`{name}` is a number"),
    });
    cells.copied().collect()
}

fn feature(batches: &[Batch], name: &ColumnName) -> Feature {
    let cells = numbers(batches, name);
    let mut values: Vec<f64> = cells.iter().copied().filter(|cell| !cell.is_nan()).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    let bin = |cell: &f64| if cell.is_nan() { values.len() } else { values.partition_point(|value| value < cell) };
    Feature { bins: cells.iter().map(bin).collect(), values }
}

impl Feature {
    fn value(&self, row: usize) -> f64 {
        self.values.get(self.bins[row]).copied().unwrap_or(f64::NAN)
    }

    /// Midway to the next value; behind the last there is none but null.
    fn threshold(&self, bin: usize) -> f64 {
        self.values.get(bin + 1).map_or(f64::MAX, |next| (self.values[bin] + next) * 0.5)
    }
}

impl Limits<'_> {
    fn grow(&self, features: &[Feature], sums: &[Sums]) -> Tree {
        let all: Vec<usize> = (0..sums.len()).collect();
        let mut tree = vec![Node::Leaf(self.value(total(&all, sums)))];
        let mut waiting: Vec<Candidate> = self.best(0, all, features, sums).into_iter().collect();
        for _ in 1..self.spec.leaves {
            let Some(at) = (0..waiting.len()).rev().max_by(|a, b| waiting[*a].gain.total_cmp(&waiting[*b].gain)) else {
                break;
            };
            let Candidate { node, rows, feature, threshold, null_left, .. } = waiting.remove(at);
            let children = [tree.len(), tree.len() + 1];
            tree[node] = Node::Split { feature, threshold, null_left, children };
            let goes_left = |row: &usize| side(features[feature].value(*row), threshold, null_left) == 0;
            let (left, right): (Vec<usize>, Vec<usize>) = rows.into_iter().partition(goes_left);
            for (node, rows) in children.into_iter().zip([left, right]) {
                tree.push(Node::Leaf(self.value(total(&rows, sums))));
                waiting.extend(self.best(node, rows, features, sums));
            }
        }
        tree
    }

    /// The split of highest gain; of equal ones the first.
    fn best(&self, node: usize, rows: Vec<usize>, features: &[Feature], sums: &[Sums]) -> Option<Candidate> {
        let all = total(&rows, sums);
        let min_rows = self.spec.min_rows as usize;
        let share = if self.settles() { min_rows as f64 * all.hessian / all.rows as f64 } else { 0.0 };
        let min_hessian = self.min_hessian.max(share);
        let allows = |sums: Sums| sums.rows >= min_rows && sums.hessian >= min_hessian;
        let mut best = Candidate { node, rows, gain: 0.0, feature: 0, threshold: 0.0, null_left: false };
        for (feature, of) in features.iter().enumerate() {
            let mut bins = vec![Sums::default(); of.values.len() + 1];
            best.rows.iter().for_each(|row| bins[of.bins[*row]].add(sums[*row]));
            let nulls = bins.pop().unwrap_or_default();
            let mut below = Sums::default();
            for (bin, sums) in bins.into_iter().enumerate().filter(|(_, sums)| sums.rows > 0) {
                below.add(sums);
                for null_left in [true, false] {
                    let mut left = below;
                    if null_left {
                        left.add(nulls);
                    }
                    let right = all.without(left);
                    let gain = left.score(self.l2) + right.score(self.l2) - all.score(self.l2);
                    if allows(left) && allows(right) && gain > best.gain {
                        // Where there was no null, it goes to the heavier side.
                        let null_left = if nulls.rows > 0 { null_left } else { left.weight >= right.weight };
                        best = Candidate { gain, feature, threshold: of.threshold(bin), null_left, ..best };
                    }
                }
            }
        }
        (best.gain > 0.0).then_some(best)
    }

    fn settles(&self) -> bool {
        matches!(self.objective, "logistic" | "softmax")
    }

    /// A leaf's value, no further than where its loss is least.
    fn value(&self, Sums { gradient, hessian, .. }: Sums) -> f64 {
        let hessian = if self.settles() { hessian.max(self.min_hessian) } else { hessian };
        let value = -gradient / (hessian + self.l2);
        let value = match self.objective {
            "poisson" if gradient < 0.0 => value.min(log1p(-gradient * POISSON_HESSIAN / hessian)),
            "gamma" if gradient > 0.0 => value.max(-log1p(gradient / hessian)),
            _ => value,
        };
        self.spec.learning_rate * value
    }
}

fn total(rows: &[usize], sums: &[Sums]) -> Sums {
    rows.iter().fold(Sums::default(), |mut total, row| {
        total.add(sums[*row]);
        total
    })
}

fn side(value: f64, threshold: f64, null_left: bool) -> usize {
    usize::from(if value.is_nan() { !null_left } else { value > threshold })
}

fn leaf(tree: &Tree, value: impl Fn(usize) -> f64) -> f64 {
    let mut at = 0;
    loop {
        match tree[at] {
            Node::Leaf(value) => return value,
            Node::Split { feature, threshold, null_left, children } => {
                at = children[side(value(feature), threshold, null_left)];
            }
        }
    }
}

/// ln Σ eˣ.
fn norm(scores: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = scores.clone().fold(f64::NEG_INFINITY, f64::max);
    most + ln(scores.map(|score| exp(score - most)).sum())
}

/// Where scores start, by the mean of the target.
fn started(objective: &str, mean: f64) -> f64 {
    match objective {
        "squared" => mean,
        "logistic" => ln(mean / (1.0 - mean)),
        _ => ln(mean),
    }
}

/// The mean second derivative there; of classes as so many times the most that it can be.
fn curvature(objective: &str, mean: f64) -> f64 {
    match objective {
        "poisson" => mean * POISSON_HESSIAN,
        "tweedie" => pow(mean, 2.0 - TWEEDIE_POWER),
        "logistic" | "softmax" => 4.0 * mean * (1.0 - mean),
        _ => 1.0,
    }
}

/// Gradient and hessian of a row's loss.
fn derivatives(objective: &str, score: f64, y: f64, (class, width): (usize, usize), norm: f64) -> (f64, f64) {
    let spread = |g: f64| g.abs() * (1.0 - g.abs());
    match objective {
        "squared" => (score - y, 1.0),
        "poisson" => (exp(score) - y, exp(score) * POISSON_HESSIAN),
        "tweedie" => {
            let (a, b) = (y * exp((1.0 - TWEEDIE_POWER) * score), exp((2.0 - TWEEDIE_POWER) * score));
            (b - a, (TWEEDIE_POWER - 1.0) * a + (2.0 - TWEEDIE_POWER) * b)
        }
        "gamma" => (1.0 - y * exp(-score), y * exp(-score)),
        "logistic" => (sigmoid(score) - y, spread(sigmoid(score) - y)),
        "softmax" => {
            let g = exp(score - norm) - f64::from(u8::from(y == class as f64));
            (g, spread(g) * (width as f64 / (width as f64 - 1.0)))
        }
        other => panic!("`{other}` has no fit without rounding"),
    }
}

impl Model {
    /// The predictions of some rows, row by row.
    pub(crate) fn predict(&self, batches: &[Batch]) -> Vec<f64> {
        let names: Vec<ColumnName> = batches[0].schema().into_keys().collect();
        let columns: Vec<Vec<f64>> = names.iter().map(|name| numbers(batches, name)).collect();
        let rows: usize = batches.iter().map(Batch::rows).sum();
        let of_row = |row: usize| {
            let mut scores = self.start.clone();
            for (at, tree) in self.trees.iter().enumerate() {
                scores[at % self.start.len()] += leaf(tree, |feature| columns[feature][row]);
            }
            let norm = norm(scores.iter().copied());
            let finish = |score: f64| match &*self.objective {
                "squared" => score,
                "logistic" => sigmoid(score),
                "softmax" => exp(score - norm),
                _ => exp(score),
            };
            scores.into_iter().map(finish).collect::<Vec<f64>>()
        };
        (0..rows).flat_map(of_row).collect()
    }
}
