//! Boosting: each round's trees are grown on the gradients that the rounds before left.

use evenstep_exact::canonical::Hasher;
use evenstep_exact::draw::Draws;
use evenstep_exact::pages::Pages;
use evenstep_exact::reduce::Partial;
use evenstep_exact::simd::widest;
use evenstep_exact::sum::ExactSum;
use evenstep_table::{ColumnName, Task};
use serde::{Deserialize, Serialize};

use super::BoostedTrees;
use super::cuts::Binning;
use super::grow::{Grower, Grown, GrownLeaf, Limits};
use super::histogram::{Builder, Shape};
use super::matrix::{self, Matrix};
use super::objective::{Objective, log_sum_exp};
use super::order::{NO_LEAF, Order, Place};
use super::predict::{Forest, Model};
use super::quantise::{Largest, Packing, mix, nearest, power_of_two_above};
use super::rows::{self, PIECE_ROWS, Piece, Role};
use super::split::leaf_value;
use super::tree::{COVER_MAX, Tree};
use crate::{CurvePoint, Importance, ModelError, Run, Trained, Training};

/// Without early stopping the loss is taken so many times: it costs as much as growing a small tree.
const CURVE_POINTS: u32 = 20;

/// Targets beyond this would overflow when squared and summed.
const TARGET_MAX: f64 = 1e100;

/// The share of the training rows that early stopping watches.
const WATCHED_SHARE: f64 = 0.1;

/// The rows of a fit, and all that changes with each tree.
struct Boosting<'a> {
    spec: &'a BoostedTrees,
    data: &'a Training<'a>,
    run: &'a Run<'a>,
    objective: Objective,
    /// How many trees a round has.
    width: usize,
    draws: Draws,
    pieces: Vec<Piece>,
    roles: Vec<Role>,
    all_learned: bool,
    /// 32 random bits of each row, from its identity.
    seeds: Vec<u32>,
    /// Each row's weight, times its class's; empty if all are 1.
    weights: Vec<f64>,
    weight_max: f64,
    /// The scores of each class.
    scores: Vec<Vec<f64>>,
    /// For softmax, what makes a row's probabilities sum to 1.
    norms: Vec<f64>,
    /// Not weighted.
    gradients: Vec<f64>,
    /// Gradient and hessian of each row, rounded.
    packed: Pages<u32>,
    order: Order,
    leaf_of_row: Vec<u16>,
}

/// What is seen of the rows before the first tree.
#[derive(Default, Serialize, Deserialize)]
struct Seen {
    targets: Vec<ExactSum>,
    weight: ExactSum,
    learned: u64,
    watched: u64,
    /// How many rows weigh other than 1, targets are too large, and targets are negative.
    uneven: u64,
    large: u64,
    negative: u64,
    weight_max: f64,
}

impl Partial for Seen {
    fn merge(&mut self, other: Seen) {
        self.targets.merge(other.targets);
        self.weight.merge(other.weight);
        self.learned += other.learned;
        self.watched += other.watched;
        self.uneven += other.uneven;
        self.large += other.large;
        self.negative += other.negative;
        self.weight_max = self.weight_max.max(other.weight_max);
    }
}

/// The sums of a leaf in fixed point, so exact in any order.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct LeafSums {
    gradient: i128,
    hessian: i128,
    /// Of the rows' weights, if these differ.
    weight: i128,
}

impl Partial for LeafSums {
    fn merge(&mut self, other: LeafSums) {
        self.gradient += other.gradient;
        self.hessian += other.hessian;
        self.weight += other.weight;
    }
}

/// The loss so far: sums over rows that are learned from, and over those that are watched.
#[derive(Default, Serialize, Deserialize)]
struct Losses {
    learned: ExactSum,
    learned_weight: ExactSum,
    watched: ExactSum,
    watched_weight: ExactSum,
}

impl Partial for Losses {
    fn merge(&mut self, other: Losses) {
        self.learned.merge(other.learned);
        self.learned_weight.merge(other.learned_weight);
        self.watched.merge(other.watched);
        self.watched_weight.merge(other.watched_weight);
    }
}

/// Floats in fixed point, 78 bits below a power of two that is not below any magnitude: upper bits
/// and lower ones, so that the sums of a piece are exact in 64 bits each.
struct FixedPoint {
    factor: f64,
    unit: f64,
}

/// A piece has up to 2¹⁴ rows, so that 48 bits of each add up to less than 63.
const UPPER_BITS: u32 = 48;
const LOWER_BITS: u32 = 30;
const _: () = assert!(PIECE_ROWS <= 1 << (62 - UPPER_BITS));

impl FixedPoint {
    fn below(largest: f64) -> FixedPoint {
        let unit = power_of_two_above(largest) * (1.0 / (1_u64 << UPPER_BITS) as f64);
        FixedPoint { factor: if unit > 0.0 { 1.0 / unit } else { 0.0 }, unit }
    }

    #[inline(always)]
    fn of(&self, x: f64) -> [i64; 2] {
        let scaled = x * self.factor;
        let (upper, rest) = nearest(scaled);
        [upper, nearest(rest * f64::from(1_u32 << LOWER_BITS)).0]
    }

    fn value(&self, sum: i128) -> f64 {
        sum as f64 * (self.unit / f64::from(1_u32 << LOWER_BITS))
    }
}

/// The sums of a quantity in every leaf, over the rows of a piece: of its upper bits, and of its lower ones.
struct PieceSums(Vec<[i64; 2]>);

impl PieceSums {
    fn of(leaves: usize) -> PieceSums {
        PieceSums(vec![[0; 2]; leaves])
    }

    /// Adds up to `ROWS` rows, each to its leaf, if it came to one.
    fn add(&mut self, leaves: &[u16], values: &[f64], point: &FixedPoint) {
        let mut terms = [[0; 2]; ROWS];
        let terms = &mut terms[..leaves.len()];
        widest!(terms.iter_mut().zip(values).for_each(|(term, value)| *term = point.of(*value)));
        for (leaf, term) in leaves.iter().zip(terms) {
            if let Some(sums) = self.0.get_mut(usize::from(*leaf)) {
                sums.iter_mut().zip(term).for_each(|(sum, term)| *sum += *term);
            }
        }
    }

    fn sum(&self, leaf: usize) -> i128 {
        let [upper, lower] = self.0[leaf].map(i128::from);
        (upper << LOWER_BITS) + lower
    }
}

/// Learns trees from training rows.
pub(super) fn fit(spec: &BoostedTrees, data: &Training<'_>, run: &Run<'_>) -> Result<Trained<Model>, ModelError> {
    let objective = Objective::of(spec.objective, data.task)?;
    let (mut boosting, seen) = Boosting::new(spec, data, run, objective)?;
    let start = objective.start(&seen.targets, &seen.weight);
    for (scores, start) in boosting.scores.iter_mut().zip(&start) {
        scores.fill(*start);
    }
    let matrix =
        matrix::build(run.workers, data.batches, &boosting.pieces, &boosting.roles, data.features, spec.bins as usize);
    let mut notes = Vec::new();
    let patience = spec.early_stopping.as_ref().map(|stopping| stopping.rounds).filter(|_| {
        if seen.watched == 0 {
            notes.push("early stopping has no row to watch: every tree is kept".to_owned());
        }
        seen.watched > 0
    });
    let (mut trees, curve) = run.workers.awake(|| boosting.rounds(&matrix, patience));
    if let Some(patience) = patience
        && let Some(best) = best_round(&curve)
    {
        trees.truncate(best as usize * boosting.width);
        notes.push(match curve.len() as u32 - best {
            after if after >= patience => {
                format!("stopped early: of {} rounds, round {best} was the best on rows not learned from", curve.len())
            }
            _ => format!("not stopped early: round {best} of {} was the best on rows not learned from", curve.len()),
        });
    }
    let importance = importance(&trees, data);
    let forest = Forest::new(&trees);
    let mut levels = vec![None; data.features.len()];
    for feature in matrix.features.into_iter().filter(|feature| forest.reads(feature.position)) {
        if let Binning::Category(of) = feature.binning {
            levels[feature.position] = Some(of);
        }
    }
    Ok(Trained { model: Model { objective, start, trees, levels, forest }, importance, curve, notes })
}

/// The round with the lowest watched loss, the earliest of equal ones.
fn best_round(curve: &[CurvePoint]) -> Option<u32> {
    let mut best: Option<CurvePoint> = None;
    for point in curve {
        if best.is_none_or(|best| point.watched < best.watched) {
            best = Some(*point);
        }
    }
    best.map(|point| point.round)
}

/// Each feature's share of the sum of all gains, how many splits are on it, and its share of their covers.
fn importance(trees: &[Tree], data: &Training<'_>) -> Vec<Importance> {
    let none = || vec![ExactSum::default(); data.features.len()];
    let (mut gains, mut covers, mut splits) = (none(), none(), vec![0; data.features.len()]);
    let (mut gain, mut cover) = (ExactSum::default(), ExactSum::default());
    for tree in trees {
        for (split, of_split) in tree.splits.iter().zip(tree.covers_of_splits()) {
            let feature = split.feature as usize;
            gains[feature].add(split.gain);
            covers[feature].add(of_split);
            splits[feature] += 1;
            gain.add(split.gain);
            cover.add(of_split);
        }
    }
    let of = |(at, name): (usize, &ColumnName)| Importance {
        feature: name.clone(),
        share: gains[at].divided_by(&gain).unwrap_or(0.0),
        splits: Some(splits[at]),
        cover: Some(covers[at].divided_by(&cover).unwrap_or(0.0)),
    };
    data.features.keys().enumerate().map(of).collect()
}

/// The key of a tree's draws.
fn tree_key(round: u32, class: usize) -> [u8; 16] {
    (u128::from(round) | (class as u128) << 64).to_le_bytes()
}

impl<'a> Boosting<'a> {
    fn new(
        spec: &'a BoostedTrees,
        data: &'a Training<'a>,
        run: &'a Run<'a>,
        objective: Objective,
    ) -> Result<(Boosting<'a>, Seen), ModelError> {
        let pieces = rows::pieces(data.batches);
        let rows: usize = pieces.iter().map(|piece| piece.rows.len()).sum();
        if rows >= u32::MAX as usize {
            return Err(ModelError::new(format!("there are {rows} rows; `boosted_trees` takes up to 4,294,967,294")));
        }
        let width = if let Task::Multiclass { classes } = data.task { classes.len() } else { 1 };
        let class_weights = spec.weights_of_classes(data.task);
        let draws = run.draws.within("model");
        let (mut roles, mut seeds, mut weights) = (vec![Role::Absent; rows], vec![0; rows], vec![1.0; rows]);
        let states = rows::split(&pieces, &mut roles)
            .into_iter()
            .zip(rows::split(&pieces, &mut seeds))
            .zip(rows::split(&pieces, &mut weights));
        let of_row = draws.within("row");
        let watching = spec.early_stopping.is_some().then(|| run.draws.within("early_stopping"));
        let seen: Seen =
            rows::fold(run.workers, &pieces, states, |piece, ((roles, seeds), weights), seen: &mut Seen| {
                let batch = &data.batches[piece.batch];
                let labels = batch.training();
                seen.targets.resize_with(width, ExactSum::default);
                for (at, row) in piece.rows.clone().enumerate() {
                    let target = labels.target[row];
                    let class_weight = if class_weights.is_empty() { 1.0 } else { class_weights[target as usize] };
                    let weight = labels.weight(row) * class_weight;
                    if weight <= 0.0 {
                        continue;
                    }
                    weights[at] = weight;
                    seen.weight_max = seen.weight_max.max(weight);
                    seen.uneven += u64::from(weight != 1.0);
                    seen.large += u64::from(target.abs() > TARGET_MAX);
                    seen.negative += u64::from(target < 0.0);
                    if watching.as_ref().is_some_and(|draws| draws.uniform(&batch.keys[row].0) < WATCHED_SHARE) {
                        roles[at] = Role::Watched;
                        seen.watched += 1;
                        continue;
                    }
                    roles[at] = Role::Learned;
                    seeds[at] = of_row.bits(&batch.row_id(row).draw_key(), 0) as u32;
                    seen.learned += 1;
                    seen.weight.add(weight);
                    match width {
                        1 => seen.targets[0].add_product(weight, target),
                        _ => seen.targets[target as usize].add(weight),
                    }
                }
            });
        if seen.learned == 0 {
            return Err(ModelError::new("there is no row with a weight to learn from"));
        }
        if seen.large > 0 {
            return Err(ModelError::new(format!("{} targets are beyond ±1e100", seen.large))
                .help("`boosted_trees` squares the target: divide it by a constant"));
        }
        if objective == Objective::Poisson && seen.negative > 0 {
            return Err(ModelError::new(format!("{} targets are negative", seen.negative))
                .help("`objective = \"poisson\"` is for counts: leave it out, or drop these rows"));
        }
        if seen.uneven == 0 {
            weights = Vec::new();
        }
        let boosting = Boosting {
            spec,
            data,
            run,
            objective,
            width,
            draws,
            all_learned: roles.iter().all(|role| *role == Role::Learned),
            pieces,
            roles,
            seeds,
            weights,
            weight_max: seen.weight_max,
            scores: vec![vec![0.0; rows]; width],
            norms: if width > 1 { vec![0.0; rows] } else { Vec::new() },
            gradients: vec![0.0; rows],
            packed: Pages::zeros(rows),
            order: Order::of(rows),
            leaf_of_row: vec![NO_LEAF; rows],
        };
        Ok((boosting, seen))
    }

    /// Grows all trees; tells them and the loss on the way.
    fn rounds(&mut self, matrix: &Matrix, patience: Option<u32>) -> (Vec<Tree>, Vec<CurvePoint>) {
        let rounds = self.spec.trees;
        let every = if patience.is_some() { 1 } else { rounds.div_ceil(CURVE_POINTS) };
        let sampled = self.spec.row_sample < 1.0 || self.spec.column_sample < 1.0;
        let shape = Shape::new(matrix, self.unit_hessian());
        let mut trees = Vec::new();
        let mut curve: Vec<CurvePoint> = Vec::new();
        for round in 0..rounds {
            self.take_norms();
            let before = trees.len();
            for class in 0..self.width {
                trees.push(self.grow(matrix, &shape, round, class));
            }
            if !sampled && trees[before..].iter().all(|tree| tree.splits.is_empty()) {
                trees.truncate(before);
                break;
            }
            let mut watched = None;
            if (round + 1) % every == 0 || round + 1 == rounds {
                let point = self.losses(round + 1);
                watched = point.watched;
                curve.push(point);
            }
            (self.run.progress)(round as usize + 1, rounds as usize, watched);
            if let Some(patience) = patience
                && best_round(&curve).is_some_and(|best| round + 1 - best >= patience)
            {
                break;
            }
        }
        (trees, curve)
    }

    fn unit_hessian(&self) -> bool {
        self.objective.unit_hessian() && self.weights.is_empty()
    }

    fn classes(&self) -> f64 {
        self.width as f64
    }

    /// Grows one tree and adds its values to the scores.
    fn grow(&mut self, matrix: &Matrix, shape: &Shape, round: u32, class: usize) -> Tree {
        let largest = self.take_gradients(class);
        let packing = Packing::new(largest, self.unit_hessian());
        self.round(&packing, round, class);
        let rows = self.choose_rows(round);
        let may_split = self.choose_columns(matrix, round);
        let criterion = self.spec.criterion(&packing);
        let depth = self.spec.depth.map_or(usize::MAX, |depth| depth as usize);
        let grower = Grower {
            workers: self.run.workers,
            matrix,
            shape,
            builder: Builder::new(self.run.workers, matrix, shape, &may_split, packing, &self.packed),
            criterion: &criterion,
            may_split: &may_split,
            limits: Limits { leaves: self.spec.leaves as usize, depth },
        };
        let (mut grown, leaves) = grower.grow(&mut self.order, rows);
        self.order.write_leaves(self.run.workers, &leaves, &mut self.leaf_of_row);
        let (sums, gradient, hessian) = self.weigh(&grown, largest);
        let weight = |(leaf, sums): (&GrownLeaf, &LeafSums)| match self.weights.is_empty() {
            true => i128::from(leaf.rows),
            false => sums.weight,
        };
        let weights: Vec<i128> = grown.leaves.iter().zip(&sums).map(weight).collect();
        grown.settle(matrix, &weights);
        let values: Vec<f64> = grown
            .leaves
            .iter()
            .zip(&sums)
            .map(|(leaf, sums)| {
                let l2 = self.spec.l2 + if leaf.regularised { self.spec.categories.l2 } else { 0.0 };
                let curvature = hessian.value(sums.hessian) + l2;
                let value =
                    leaf_value(gradient.value(sums.gradient), curvature, self.spec.l1, self.spec.max_leaf_value);
                self.spec.learning_rate * value + 0.0
            })
            .collect();
        self.add_values(matrix, &grown, &values, class);
        let point = FixedPoint::below(self.weight_max);
        let cover = |weight: &i128| if self.weights.is_empty() { *weight as f64 } else { point.value(*weight) };
        let covers = weights.iter().map(|weight| cover(weight).min(COVER_MAX)).collect();
        Tree::new(grown, values, covers, matrix)
    }

    /// For softmax: the logarithm of the sum of the exponentials of each row's scores.
    fn take_norms(&mut self) {
        if self.width == 1 {
            return;
        }
        let scores: Vec<Vec<&[f64]>> = self.scores.iter().map(|of| rows::split_ref(&self.pieces, of)).collect();
        let states = rows::split(&self.pieces, &mut self.norms).into_iter().enumerate();
        rows::each(self.run.workers, &self.pieces, states, |_, (piece, norms)| {
            for (row, norm) in norms.iter_mut().enumerate() {
                *norm = log_sum_exp(scores.iter().map(|of| of[piece][row]));
            }
        });
    }

    fn take_gradients(&mut self, class: usize) -> Largest {
        let (objective, classes) = (self.objective, self.classes());
        let (data, weights, roles, all_learned) = (self.data, &self.weights[..], &self.roles, self.all_learned);
        let norms = if self.norms.is_empty() { None } else { Some(rows::split_ref(&self.pieces, &self.norms)) };
        let states = rows::split(&self.pieces, &mut self.gradients)
            .into_iter()
            .zip(rows::split_ref(&self.pieces, &self.scores[class]))
            .zip(offsets(&self.pieces))
            .enumerate();
        rows::fold(
            self.run.workers,
            &self.pieces,
            states,
            |piece, (at, ((out, scores), first)), largest: &mut Largest| {
                let targets = &data.batches[piece.batch].training().target[piece.rows.clone()];
                objective.gradients(scores, norms.as_ref().map_or(&[], |norms| norms[*at]), targets, class, out);
                let some =
                    Rows { objective, classes, gradients: out, targets, weights: part(weights, *first, targets.len()) };
                some.in_blocks(|start, gradients, hessians| {
                    let roles = &roles[*first + start..][..gradients.len()];
                    if all_learned {
                        return largest.see(gradients, hessians);
                    }
                    for (row, _) in roles.iter().enumerate().filter(|(_, role)| **role == Role::Learned) {
                        largest.see(&gradients[row..=row], &hessians[row..=row]);
                    }
                });
            },
        )
    }

    /// Rounds every gradient to an integer, at random by row, round, class and whether it is gradient or hessian.
    fn round(&mut self, packing: &Packing, round: u32, class: usize) {
        let (objective, classes) = (self.objective, self.classes());
        let (data, weights) = (self.data, &self.weights[..]);
        let key = self.draws.within("rounding").bits(&tree_key(round, class), 0);
        let states = rows::split(&self.pieces, &mut self.packed)
            .into_iter()
            .zip(rows::split_ref(&self.pieces, &self.gradients))
            .zip(rows::split_ref(&self.pieces, &self.seeds))
            .zip(offsets(&self.pieces));
        rows::each(self.run.workers, &self.pieces, states, |piece, (((packed, gradients), seeds), first)| {
            let targets = &data.batches[piece.batch].training().target[piece.rows.clone()];
            let some = Rows { objective, classes, gradients, targets, weights: part(weights, first, targets.len()) };
            some.in_blocks(|start, gradients, hessians| {
                let block = start..start + gradients.len();
                packing.pack(gradients, hessians, &seeds[block.clone()], key, &mut packed[block]);
            });
        });
    }

    /// The rows that the next tree is grown from, in their order.
    fn choose_rows(&mut self, round: u32) -> Place {
        let (share, roles) = (self.spec.row_sample, &self.roles);
        let all = 0..roles.len() as u32;
        if share >= 1.0 {
            return match self.all_learned {
                true => self.order.start(all),
                false => self.order.start(all.filter(|row| roles[*row as usize] == Role::Learned)),
            };
        }
        let round = round - round % self.spec.row_sample_every;
        let key = self.draws.within("row_sample").bits(&tree_key(round, 0), 0);
        let drawn = |row: usize| (mix(self.seeds[row], key) >> 11) as f64 * (1.0 / (1_u64 << 53) as f64);
        let chosen = |row: &u32| roles[*row as usize] == Role::Learned && drawn(*row as usize) < share;
        self.leaf_of_row.fill(NO_LEAF);
        self.order.start(all.filter(chosen))
    }

    /// Which columns the next tree may use: those with the lowest draws.
    fn choose_columns(&self, matrix: &Matrix, round: u32) -> Vec<bool> {
        let count = matrix.features.len();
        let share = self.spec.column_sample;
        if share >= 1.0 || count == 0 {
            return vec![true; count];
        }
        let draws = self.draws.within("column_sample");
        let key = |name: &ColumnName| Hasher::new("evenstep column name").str(name.as_str()).finish16();
        let mut places: Vec<(u64, usize)> = matrix
            .features
            .iter()
            .enumerate()
            .map(|(at, feature)| (draws.bits(&key(&feature.name), round), at))
            .collect();
        places.sort_unstable();
        let mut may_split = vec![false; count];
        let most = ((share * count as f64).ceil() as usize).clamp(1, count);
        places[..most].iter().for_each(|(_, at)| may_split[*at] = true);
        may_split
    }

    /// Sums the gradients of every leaf, as they were before rounding.
    fn weigh(&self, grown: &Grown, largest: Largest) -> (Vec<LeafSums>, FixedPoint, FixedPoint) {
        let (objective, classes) = (self.objective, self.classes());
        let [gradient, hessian, weight] = [largest.gradient, largest.hessian, self.weight_max].map(FixedPoint::below);
        let states = offsets(&self.pieces);
        let sums = rows::fold(self.run.workers, &self.pieces, states, |piece, first, sums: &mut Vec<LeafSums>| {
            sums.resize_with(grown.leaves.len(), LeafSums::default);
            let targets = &self.data.batches[piece.batch].training().target[piece.rows.clone()];
            let leaves = &self.leaf_of_row[*first..*first + targets.len()];
            let gradients = &self.gradients[*first..*first + targets.len()];
            let weights = part(&self.weights, *first, targets.len());
            let [mut of_gradients, mut of_hessians, mut of_weights] =
                std::array::from_fn(|_| PieceSums::of(grown.leaves.len()));
            Rows { objective, classes, gradients, targets, weights }.in_blocks(|start, gradients, hessians| {
                let leaves = &leaves[start..start + gradients.len()];
                of_gradients.add(leaves, gradients, &gradient);
                of_hessians.add(leaves, hessians, &hessian);
                if let Some(weights) = weights {
                    of_weights.add(leaves, &weights[start..start + gradients.len()], &weight);
                }
            });
            for (leaf, sums) in sums.iter_mut().enumerate() {
                let [gradient, hessian, weight] = [&of_gradients, &of_hessians, &of_weights].map(|sums| sums.sum(leaf));
                sums.merge(LeafSums { gradient, hessian, weight });
            }
        });
        (sums, gradient, hessian)
    }

    /// Adds each row's leaf to its score. Rows that the tree was not grown from walk down it.
    fn add_values(&mut self, matrix: &Matrix, grown: &Grown, values: &[f64], class: usize) {
        let roles = &self.roles;
        let states = rows::split(&self.pieces, &mut self.scores[class])
            .into_iter()
            .zip(rows::split_ref(&self.pieces, &self.leaf_of_row))
            .zip(offsets(&self.pieces));
        rows::each(self.run.workers, &self.pieces, states, |_, ((scores, leaves), first)| {
            for (at, (score, leaf)) in scores.iter_mut().zip(leaves).enumerate() {
                let leaf = match *leaf {
                    NO_LEAF if roles[first + at] == Role::Absent => continue,
                    NO_LEAF => grown.leaf(matrix, first + at),
                    leaf => leaf,
                };
                *score += values[usize::from(leaf)];
            }
        });
    }

    fn losses(&self, round: u32) -> CurvePoint {
        let states = offsets(&self.pieces);
        let losses = rows::fold(self.run.workers, &self.pieces, states, |piece, first, losses: &mut Losses| {
            let targets = &self.data.batches[piece.batch].training().target[piece.rows.clone()];
            let scores: Vec<&[f64]> = self.scores.iter().map(|of| &of[*first..*first + targets.len()]).collect();
            let mut of_row = vec![0.0; targets.len()];
            self.objective.losses(&scores, targets, &mut of_row);
            for (role, sum, total) in [
                (Role::Learned, &mut losses.learned, &mut losses.learned_weight),
                (Role::Watched, &mut losses.watched, &mut losses.watched_weight),
            ] {
                let weight = |at: usize| match self.roles[*first + at] {
                    other if other != role => 0.0,
                    _ if self.weights.is_empty() => 1.0,
                    _ => self.weights[*first + at],
                };
                sum.add_terms(targets.len(), |at| weight(at) * of_row[at]);
                total.add_terms(targets.len(), weight);
            }
        });
        CurvePoint {
            round,
            training: losses.learned.divided_by(&losses.learned_weight).unwrap_or(0.0),
            watched: losses.watched.divided_by(&losses.watched_weight),
        }
    }
}

/// So many rows are worked on together: what is known of them stays in the first-level cache.
const ROWS: usize = 512;

/// Rows of a piece, with their gradients.
struct Rows<'a> {
    objective: Objective,
    classes: f64,
    gradients: &'a [f64],
    targets: &'a [f64],
    weights: Option<&'a [f64]>,
}

impl Rows<'_> {
    /// Hands on some rows at a time: the place of the first, and their gradients and hessians, weighted.
    fn in_blocks(&self, mut act: impl FnMut(usize, &[f64], &[f64])) {
        let (mut weighted, mut hessians) = ([0.0; ROWS], [0.0; ROWS]);
        for (at, (gradients, targets)) in self.gradients.chunks(ROWS).zip(self.targets.chunks(ROWS)).enumerate() {
            let hessians = &mut hessians[..gradients.len()];
            self.objective.hessians(gradients, targets, self.classes, hessians);
            let Some(weights) = self.weights else {
                act(at * ROWS, gradients, hessians);
                continue;
            };
            let weights = &weights[at * ROWS..];
            let weighted = &mut weighted[..gradients.len()];
            for (row, (gradient, hessian)) in weighted.iter_mut().zip(&mut *hessians).enumerate() {
                *gradient = weights[row] * gradients[row];
                *hessian *= weights[row];
            }
            act(at * ROWS, weighted, hessians);
        }
    }
}

/// The weights of some rows; None if all weigh 1.
fn part(weights: &[f64], first: usize, rows: usize) -> Option<&[f64]> {
    (!weights.is_empty()).then(|| &weights[first..first + rows])
}

/// The first row of every piece.
fn offsets(pieces: &[Piece]) -> Vec<usize> {
    let mut next = 0;
    pieces
        .iter()
        .map(|piece| {
            let first = next;
            next += piece.rows.len();
            first
        })
        .collect()
}
