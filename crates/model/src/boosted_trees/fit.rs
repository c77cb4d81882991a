//! Growing trees round by round: boosted ones on the gradients that the rounds before left, averaged ones each from
//! the start.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use evenstep_exact::draw::{Draws, poisson_one};
use evenstep_exact::pages::Pages;
use evenstep_exact::reduce::{Partial, Workers};
use evenstep_exact::sum::ExactSum;
use evenstep_table::{ColumnName, Task};
use serde::{Deserialize, Serialize};

use super::BoostedTrees;
use super::allowed::{Allowed, Interactions};
use super::cuts::Binning;
use super::fixed_point::{FixedPoint, PieceSums, ROWS};
use super::grow::{Grower, Grown, GrownLeaf, Limits};
use super::histogram::{Builder, Shape};
use super::loss::{HUBER_QUANTILE, Loss};
use super::matrix::{self, Matrix};
use super::objective::{Link, Objective, log_sum_exp};
use super::order::{NO_LEAF, Order, Place};
use super::predict::{Forest, Model};
use super::quantise::{Hessians, Largest, Packing, mix};
use super::rank::{Groups, Pairs, Ranking};
use super::residuals::Residuals;
use super::rows::{self, Piece, Role};
use super::split::{Bounds, leaf_value};
use super::tree::{COVER_MAX, Tree};
use crate::{CurvePoint, Importance, ModelError, Run, Trained, Training};

/// Without early stopping the loss is taken so many times: it costs as much as growing a small tree.
const CURVE_POINTS: u32 = 20;

/// Targets beyond this would overflow when squared and summed.
const TARGET_MAX: f64 = 1e100;

/// Gains below so many squares of the gradients' unit are noise. Boosting ends before it comes to them.
const NOISE: f64 = 64.0;

/// Up to so many rows times threads each thread grows averaged trees by itself, which takes some 60 bytes for each.
const APART_ROWS: usize = 64 << 20;

/// The share of the training rows that early stopping watches.
const WATCHED_SHARE: f64 = 0.1;

/// The rows of a fit, and all that changes with each tree.
struct Growing<'a> {
    spec: &'a BoostedTrees,
    averaged: Option<Averaged>,
    data: &'a Training<'a>,
    run: &'a Run<'a>,
    loss: Loss,
    /// How many trees a round has.
    width: usize,
    draws: Draws,
    pieces: Vec<Piece>,
    roles: Vec<Role>,
    all_learned: bool,
    /// 32 random bits of each row, from its identity.
    seeds: Vec<u32>,
    /// Each row's weight, times its class's, and how often it was drawn for a tree; empty if all are 1.
    weights: Vec<f64>,
    weight_max: f64,
    /// The same without draws, if there are any.
    undrawn: Vec<f64>,
    /// The scores of each class.
    scores: Vec<Vec<f64>>,
    /// For softmax, what makes a row's probabilities sum to 1.
    norms: Vec<f64>,
    ranking: Option<Ranking>,
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
    /// How many rows weigh other than 1, targets are too large, negative, and 0.
    uneven: u64,
    large: u64,
    negative: u64,
    zero: u64,
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
        self.zero += other.zero;
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

/// How trees differ that are averaged rather than boosted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Averaged {
    /// Whether each tree's rows are drawn with repetition.
    pub(crate) bootstrap: bool,
    /// Whether cuts are drawn at random.
    pub(crate) random_cuts: bool,
}

/// Learns trees from training rows.
pub(crate) fn fit(
    spec: &BoostedTrees,
    averaged: Option<Averaged>,
    data: &Training<'_>,
    run: &Run<'_>,
) -> Result<Trained<Model>, ModelError> {
    let objective = Objective::of(spec.objective, data.task)?;
    let (mut growing, seen) = Growing::new(spec, averaged, data, run, objective)?;
    let start = growing.start(&seen);
    for (scores, start) in growing.scores.iter_mut().zip(&start) {
        scores.fill(*start);
    }
    let matrix = matrix::build(run.workers, data.batches, &growing.pieces, &growing.roles, data.features, spec);
    let mut notes = Vec::new();
    let patience = spec.early_stopping.as_ref().map(|stopping| stopping.rounds).filter(|_| {
        if seen.watched == 0 {
            notes.push("early stopping has no row to watch: every tree is kept".to_owned());
        }
        seen.watched > 0
    });
    let (mut trees, curve) = run.workers.awake(|| growing.rounds(&matrix, patience));
    if let Some(patience) = patience
        && let Some(best) = best_round(&curve)
    {
        trees.truncate(best as usize * growing.width);
        notes.push(match curve.len() as u32 - best {
            after if after >= patience => {
                format!("stopped early: of {} rounds, round {best} was the best on rows not learned from", curve.len())
            }
            _ => format!("not stopped early: round {best} of {} was the best on rows not learned from", curve.len()),
        });
    }
    let importance = importance(&trees, data);
    let read: BTreeSet<u32> = trees.iter().flat_map(|tree| &tree.splits).map(|split| split.feature).collect();
    let mut levels = vec![None; data.features.len()];
    for feature in matrix.features.into_iter().filter(|feature| read.contains(&(feature.position as u32))) {
        if let Binning::Category(of) = feature.binning {
            levels[feature.position] = Some(of);
        }
    }
    let forest = Forest::new(&trees, &levels);
    let (link, start) = match averaged {
        None => (objective.link(), start),
        Some(_) if data.task.classes().is_empty() => (Link::Mean, vec![0.0; start.len()]),
        Some(_) => (Link::Share, vec![0.0; start.len()]),
    };
    Ok(Trained { model: Model { link, start, trees, levels, forest }, importance, curve, notes })
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

/// Whether all targets have a logarithm, or are at least 0, where the objective asks for it.
fn check_signs(objective: Objective, seen: &Seen) -> Result<(), ModelError> {
    let (bad, are, takes) = match objective {
        Objective::Poisson => (seen.negative, "negative", "counts"),
        Objective::Tweedie => (seen.negative, "negative", "sums of 0 and above"),
        Objective::Gamma => (seen.negative + seen.zero, "not above 0", "sizes above 0"),
        _ => return Ok(()),
    };
    if bad == 0 {
        return Ok(());
    }
    Err(ModelError::new(format!("{bad} targets are {are}"))
        .help(format!("`objective = \"{}\"` is for {takes}: leave it out, or drop these rows", objective.word())))
}

/// The key of a tree's draws.
fn tree_key(round: u32, class: usize) -> [u8; 16] {
    (u128::from(round) | (class as u128) << 64).to_le_bytes()
}

impl<'a> Growing<'a> {
    fn new(
        spec: &'a BoostedTrees,
        averaged: Option<Averaged>,
        data: &'a Training<'a>,
        run: &'a Run<'a>,
        objective: Objective,
    ) -> Result<(Growing<'a>, Seen), ModelError> {
        let pieces = rows::pieces(data.batches);
        let rows: usize = pieces.iter().map(|piece| piece.rows.len()).sum();
        if rows >= u32::MAX as usize {
            return Err(ModelError::new(format!("there are {rows} rows; trees take up to 4,294,967,294")));
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
                    seen.zero += u64::from(target == 0.0);
                    let key = labels.group.get(row).unwrap_or(&batch.keys[row]);
                    if watching.as_ref().is_some_and(|draws| draws.uniform(&key.0) < WATCHED_SHARE) {
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
                .help("trees square the target: divide it by a constant"));
        }
        check_signs(objective, &seen)?;
        if seen.uneven == 0 {
            weights = Vec::new();
        }
        let ranking = match objective {
            Objective::LambdaRank if averaged.is_none() => {
                Some(Pairs::Gain { truncation: spec.rank_truncation.unwrap_or(30) as usize })
            }
            Objective::PairwiseRank => Some(Pairs::Alike),
            _ => None,
        };
        let ranking = match ranking {
            Some(_) if !run.workers.are_alone() => {
                return Err(ModelError::new("a ranking is learned by one process"));
            }
            Some(_) if data.batches.iter().any(|batch| batch.training().group.len() < batch.rows()) => {
                return Err(ModelError::new("a ranking is learned from groups of rows, and rows have none"));
            }
            pairs => pairs.map(|pairs| Ranking {
                groups: Groups::of(data.batches, &pieces, &roles),
                pairs,
                targets: data.batches.iter().flat_map(|batch| &batch.training().target).copied().collect(),
                hessians: vec![0.0; rows],
            }),
        };
        let growing = Growing {
            spec,
            averaged,
            data,
            run,
            loss: match averaged {
                None => Loss::of(objective, spec, width),
                Some(_) if width > 1 => Loss::Share,
                Some(_) => Loss::Squared,
            },
            width,
            draws,
            all_learned: roles.iter().all(|role| *role == Role::Learned),
            pieces,
            roles,
            seeds,
            undrawn: if averaged.is_some_and(|averaged| averaged.bootstrap) { weights.clone() } else { Vec::new() },
            weights,
            weight_max: seen.weight_max,
            scores: vec![vec![0.0; rows]; width],
            norms: if objective == Objective::Softmax && averaged.is_none() { vec![0.0; rows] } else { Vec::new() },
            ranking,
            gradients: vec![0.0; rows],
            packed: Pages::zeros(rows),
            order: Order::of(rows),
            leaf_of_row: vec![NO_LEAF; rows],
        };
        Ok((growing, seen))
    }

    /// Grows all trees; tells them and the loss on the way.
    fn rounds(&mut self, matrix: &Matrix, patience: Option<u32>) -> (Vec<Tree>, Vec<CurvePoint>) {
        let rounds = self.spec.trees;
        let every = if patience.is_some() { 1 } else { rounds.div_ceil(CURVE_POINTS) };
        let drawn = self.averaged.is_some()
            || [self.spec.row_sample, self.spec.column_sample].iter().any(|share| *share < 1.0)
            || [self.spec.column_sample_by_level, self.spec.column_sample_by_node].iter().any(|share| *share < 1.0);
        let interactions = Interactions::of(self.spec, matrix);
        let threads = self.run.workers.count();
        let few_rows = self.roles.len().saturating_mul(threads) <= APART_ROWS;
        if self.averaged.is_some() && rounds > 1 && threads > 1 && few_rows && self.run.workers.are_alone() {
            return (self.rounds_apart(matrix, &interactions), Vec::new());
        }
        let mut trees = Vec::new();
        let mut curve: Vec<CurvePoint> = Vec::new();
        for round in 0..rounds {
            let before = trees.len();
            trees.extend(self.one_round(matrix, &interactions, round));
            if !drawn && trees[before..].iter().all(|tree| tree.splits.is_empty()) {
                trees.truncate(before);
                break;
            }
            let mut watched = None;
            if self.averaged.is_none() && ((round + 1) % every == 0 || round + 1 == rounds) {
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

    fn one_round(&mut self, matrix: &Matrix, interactions: &Interactions, round: u32) -> Vec<Tree> {
        self.draw_weights(round);
        self.take_norms();
        let shape = Shape::new(matrix, self.unit_hessian());
        (0..self.width).map(|class| self.grow(matrix, &shape, interactions, round, class)).collect()
    }

    /// Averaged trees know nothing of each other: each thread grows some of them by itself.
    fn rounds_apart(&self, matrix: &Matrix, interactions: &Interactions) -> Vec<Tree> {
        let alone = Workers::threads(1);
        let run = Run { workers: &alone, draws: self.run.draws.clone(), progress: &|_, _, _| () };
        let (idle, done) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
        let rounds: Vec<u32> = (0..self.spec.trees).collect();
        let trees = self.run.workers.map(rounds, |round| {
            let lock = || idle.lock().expect("a task that panicked ends the fit");
            let taken = lock().pop();
            let mut growing = taken.unwrap_or_else(|| self.apart(&run));
            let trees = growing.one_round(matrix, interactions, round);
            lock().push(growing);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            (self.run.progress)(done, self.spec.trees as usize, None);
            trees
        });
        trees.into_iter().flatten().collect()
    }

    /// The same rows, for another to grow trees from.
    fn apart<'b>(&'b self, run: &'b Run<'b>) -> Growing<'b> {
        let rows = self.roles.len();
        Growing {
            spec: self.spec,
            averaged: self.averaged,
            data: self.data,
            run,
            loss: self.loss,
            width: self.width,
            draws: self.draws.clone(),
            pieces: self.pieces.clone(),
            roles: self.roles.clone(),
            all_learned: self.all_learned,
            seeds: self.seeds.clone(),
            weights: self.weights.clone(),
            weight_max: self.weight_max,
            undrawn: self.undrawn.clone(),
            scores: self.scores.clone(),
            norms: Vec::new(),
            ranking: None,
            gradients: vec![0.0; rows],
            packed: Pages::zeros(rows),
            order: Order::of(rows),
            leaf_of_row: vec![NO_LEAF; rows],
        }
    }

    fn unit_hessian(&self) -> bool {
        self.hessians() == Hessians::One
    }

    fn hessians(&self) -> Hessians {
        match self.loss.unit_hessian() {
            true if self.weights.is_empty() => Hessians::One,
            true if self.averaged.is_some_and(|averaged| averaged.bootstrap) && self.undrawn.is_empty() => {
                Hessians::Counts
            }
            _ => Hessians::Any { gradient_bits: self.spec.gradient_bits },
        }
    }

    /// Where the score of each class starts.
    fn start(&mut self, seen: &Seen) -> Vec<f64> {
        let starts = |loss: Loss| {
            let mean = |sum: &ExactSum| loss.start(sum.divided_by(&seen.weight).unwrap_or(0.0));
            seen.targets.iter().map(mean).collect()
        };
        if let Loss::Huber { delta } = self.loss {
            let median = self.quantile_of_targets(0.5, |target| target);
            let delta =
                delta.unwrap_or_else(|| self.quantile_of_targets(HUBER_QUANTILE, |target| (target - median).abs()));
            // Where nearly all targets are one, any bound will do that is not 0.
            self.loss = Loss::Huber { delta: Some(if delta > 0.0 { delta } else { 1.0 }) };
            return vec![median];
        }
        match self.loss.leaf_quantile() {
            Some(level) => vec![self.quantile_of_targets(level, |target| target)],
            // Whole gradients are rounded to themselves: a node of one class is known for one.
            None if self.averaged.is_some() && !self.data.task.classes().is_empty() => vec![0.0; self.width],
            None => starts(self.loss),
        }
    }

    /// Grows one tree and adds its values to the scores.
    fn grow(&mut self, matrix: &Matrix, shape: &Shape, interactions: &Interactions, round: u32, class: usize) -> Tree {
        let largest = self.take_gradients(class);
        let packing = Packing::new(largest, self.hessians());
        self.round(&packing, round, class);
        let rows = self.choose_rows(round);
        let columns = self.choose_columns(matrix, round);
        let allowed = Allowed::of(self.spec, interactions, columns, &self.draws, (round, class), matrix);
        let mut criterion = self.spec.criterion(&packing);
        if self.averaged.is_some() {
            // What rounding alone may seem to gain in a node whose targets are equal.
            criterion.min_gain = criterion.min_gain.max(NOISE * packing.gradient_unit * packing.gradient_unit);
        }
        let depth = self.spec.depth.map_or(usize::MAX, |depth| depth as usize);
        let random_cuts = self.averaged.is_some_and(|averaged| averaged.random_cuts);
        let grower = Grower {
            workers: self.run.workers,
            matrix,
            shape,
            builder: Builder::new(self.run.workers, matrix, shape, &allowed.tree, packing, &self.packed),
            criterion: &criterion,
            allowed: &allowed,
            bounds: Bounds::around_zero(self.spec.max_leaf_value),
            draw: random_cuts.then(|| self.draws.within("cuts").bits(&tree_key(round, class), 0)),
            limits: Limits { leaves: self.spec.leaves as usize, depth, growth: self.spec.growth },
        };
        let (mut grown, leaves) = grower.grow(&mut self.order, rows);
        self.order.write_leaves(self.run.workers, &leaves, &mut self.leaf_of_row);
        let (sums, gradient, hessian) = self.weigh(&grown, largest, class);
        let weight = |(leaf, sums): (&GrownLeaf, &LeafSums)| match self.weights.is_empty() {
            true => i128::from(leaf.rows),
            false => sums.weight,
        };
        let weights: Vec<i128> = grown.leaves.iter().zip(&sums).map(weight).collect();
        grown.settle(matrix, &weights);
        let values: Vec<f64> = match self.loss.leaf_quantile() {
            Some(level) => {
                let quantiles = self.quantiles_of_residuals(grown.leaves.len(), level, class);
                quantiles.iter().zip(&grown.leaves).map(|(value, leaf)| leaf.bounds.clamp(*value)).collect()
            }
            None => {
                let value = |(leaf, sums): (&GrownLeaf, &LeafSums)| {
                    let l2 = self.spec.l2 + if leaf.regularised { self.spec.categories.l2 } else { 0.0 };
                    let curvature = hessian.value(sums.hessian) + l2;
                    leaf_value(gradient.value(sums.gradient), curvature, self.spec.l1, leaf.bounds)
                };
                grown.leaves.iter().zip(&sums).map(value).collect()
            }
        };
        let point = FixedPoint::below(self.weight_max);
        let cover = |weight: &i128| if self.weights.is_empty() { *weight as f64 } else { point.value(*weight) };
        let covers = weights.iter().map(|weight| cover(weight).min(COVER_MAX)).collect();
        if self.averaged.is_some() {
            let start = self.scores[class].first().copied().unwrap_or(0.0);
            return Tree::new(grown, values.iter().map(|value| start + value).collect(), covers, matrix);
        }
        let values: Vec<f64> = values.iter().map(|value| self.spec.learning_rate * value + 0.0).collect();
        self.add_values(matrix, &grown, &values, class);
        Tree::new(grown, values, covers, matrix)
    }

    /// Draws how often each row stands among those of the next tree: as often as not at all as once.
    fn draw_weights(&mut self, round: u32) {
        if !self.averaged.is_some_and(|averaged| averaged.bootstrap) {
            return;
        }
        let key = self.draws.within("bootstrap").bits(&tree_key(round, 0), 0);
        self.weights.resize(self.seeds.len(), 0.0);
        let (undrawn, roles) = (&self.undrawn, &self.roles);
        let states = rows::split(&self.pieces, &mut self.weights)
            .into_iter()
            .zip(rows::split_ref(&self.pieces, &self.seeds))
            .zip(offsets(&self.pieces));
        let most =
            rows::fold(self.run.workers, &self.pieces, states, |_, ((weights, seeds), first), most: &mut Largest| {
                for (at, (weight, seed)) in weights.iter_mut().zip(*seeds).enumerate() {
                    let times = match roles[*first + at] {
                        Role::Learned => f64::from(poisson_one(mix(*seed, key))),
                        _ => 0.0,
                    };
                    *weight = times * undrawn.get(*first + at).copied().unwrap_or(1.0);
                }
                most.see(weights, &[]);
            });
        self.weight_max = most.gradient;
        self.leaf_of_row.fill(NO_LEAF);
    }

    /// A weighted quantile of what a function makes of the targets.
    fn quantile_of_targets(&self, level: f64, value: impl Fn(f64) -> f64 + Sync) -> f64 {
        let values = |row: usize, target: f64| (self.roles[row] == Role::Learned).then(|| (0, value(target)));
        self.quantiles(1, level, values)[0]
    }

    /// A quantile of what is left of the target in each leaf.
    fn quantiles_of_residuals(&self, leaves: usize, level: f64, class: usize) -> Vec<f64> {
        let scores = &self.scores[class];
        self.quantiles(leaves, level, |row, target| {
            let leaf = self.leaf_of_row[row];
            (leaf != NO_LEAF).then(|| (usize::from(leaf), target - scores[row]))
        })
    }

    fn quantiles(
        &self,
        leaves: usize,
        level: f64,
        value: impl Fn(usize, f64) -> Option<(usize, f64)> + Sync,
    ) -> Vec<f64> {
        let states = offsets(&self.pieces);
        let seen = rows::fold(self.run.workers, &self.pieces, states, |piece, first, seen: &mut Residuals| {
            let targets = &self.data.batches[piece.batch].training().target[piece.rows.clone()];
            let weight = |row: usize| self.weights.get(row).copied().unwrap_or(1.0);
            let rows = targets.iter().enumerate().filter_map(|(at, target)| {
                let row = *first + at;
                value(row, *target).map(|(leaf, value)| (leaf, value, weight(row)))
            });
            seen.see(leaves, rows);
        });
        seen.quantiles(self.run.workers, level, &FixedPoint::below(self.weight_max))
    }

    /// For softmax: the logarithm of the sum of the exponentials of each row's scores.
    fn take_norms(&mut self) {
        if self.norms.is_empty() {
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
        let loss = self.loss;
        let (data, weights, roles, all_learned) = (self.data, &self.weights[..], &self.roles, self.all_learned);
        let norms = if self.norms.is_empty() { None } else { Some(rows::split_ref(&self.pieces, &self.norms)) };
        if let Some(Ranking { groups, pairs, targets, hessians }) = &mut self.ranking {
            groups.pull(self.run.workers, *pairs, &self.scores[class], targets, &mut self.gradients, hessians);
        }
        let hessians = self.ranking.as_ref().map_or(&[][..], |ranking| &ranking.hessians);
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
                if hessians.is_empty() {
                    loss.gradients(scores, norms.as_ref().map_or(&[], |norms| norms[*at]), targets, class, out);
                }
                let [weights, hessians] = [weights, hessians].map(|of| part(of, *first, targets.len()));
                let some = Rows { loss, scores, gradients: out, targets, weights, hessians };
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
        let loss = self.loss;
        let (data, weights) = (self.data, &self.weights[..]);
        let hessians = self.ranking.as_ref().map_or(&[][..], |ranking| &ranking.hessians);
        let key = self.draws.within("rounding").bits(&tree_key(round, class), 0);
        let states = rows::split(&self.pieces, &mut self.packed)
            .into_iter()
            .zip(rows::split_ref(&self.pieces, &self.gradients))
            .zip(rows::split_ref(&self.pieces, &self.scores[class]))
            .zip(rows::split_ref(&self.pieces, &self.seeds))
            .zip(offsets(&self.pieces));
        rows::each(self.run.workers, &self.pieces, states, |piece, ((((packed, gradients), scores), seeds), first)| {
            let targets = &data.batches[piece.batch].training().target[piece.rows.clone()];
            let [weights, hessians] = [weights, hessians].map(|of| part(of, first, targets.len()));
            let some = Rows { loss, scores, gradients, targets, weights, hessians };
            some.in_blocks(|start, gradients, hessians| {
                let block = start..start + gradients.len();
                packing.pack(gradients, hessians, &seeds[block.clone()], key, &mut packed[block]);
            });
        });
    }

    /// The rows that the next tree is grown from, in their order.
    fn choose_rows(&mut self, round: u32) -> Place {
        let (share, roles, weights) = (self.spec.row_sample, &self.roles, &self.weights);
        let all = 0..roles.len() as u32;
        let bootstrap = self.averaged.is_some_and(|averaged| averaged.bootstrap);
        if bootstrap {
            return self.order.start(all.filter(|row| weights[*row as usize] > 0.0));
        }
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
        let mut places: Vec<(u64, usize)> = matrix
            .features
            .iter()
            .enumerate()
            .map(|(at, feature)| (draws.bits(&feature.key.to_le_bytes(), round), at))
            .collect();
        places.sort_unstable();
        let mut may_split = vec![false; count];
        let most = ((share * count as f64).ceil() as usize).clamp(1, count);
        places[..most].iter().for_each(|(_, at)| may_split[*at] = true);
        may_split
    }

    /// Sums the gradients of every leaf, as they were before rounding.
    fn weigh(&self, grown: &Grown, largest: Largest, class: usize) -> (Vec<LeafSums>, FixedPoint, FixedPoint) {
        let loss = self.loss;
        let [gradient, hessian, weight] = [largest.gradient, largest.hessian, self.weight_max].map(FixedPoint::below);
        let states = offsets(&self.pieces);
        let sums = rows::fold(self.run.workers, &self.pieces, states, |piece, first, sums: &mut Vec<LeafSums>| {
            sums.resize_with(grown.leaves.len(), LeafSums::default);
            let targets = &self.data.batches[piece.batch].training().target[piece.rows.clone()];
            let leaves = &self.leaf_of_row[*first..*first + targets.len()];
            let gradients = &self.gradients[*first..*first + targets.len()];
            let scores = &self.scores[class][*first..*first + targets.len()];
            let weights = part(&self.weights, *first, targets.len());
            let [mut of_gradients, mut of_hessians, mut of_weights] =
                std::array::from_fn(|_| PieceSums::of(grown.leaves.len()));
            let hessians = self.ranking.as_ref().and_then(|of| part(&of.hessians, *first, targets.len()));
            Rows { loss, scores, gradients, targets, weights, hessians }.in_blocks(|start, gradients, hessians| {
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
        if let Some(Ranking { groups, targets, .. }) = &self.ranking {
            let losses = groups.losses(self.run.workers, &self.scores[0], targets);
            let of_role = |role: Role| {
                let (mut sum, mut count) = (ExactSum::default(), ExactSum::default());
                for (_, loss) in losses.iter().filter(|(row, _)| self.roles[*row as usize] == role) {
                    sum.add(*loss);
                    count.add(1.0);
                }
                sum.divided_by(&count)
            };
            let training = of_role(Role::Learned).unwrap_or(0.0);
            return CurvePoint { round, training, watched: of_role(Role::Watched) };
        }
        let states = offsets(&self.pieces);
        let losses = rows::fold(self.run.workers, &self.pieces, states, |piece, first, losses: &mut Losses| {
            let targets = &self.data.batches[piece.batch].training().target[piece.rows.clone()];
            let scores: Vec<&[f64]> = self.scores.iter().map(|of| &of[*first..*first + targets.len()]).collect();
            let mut of_row = vec![0.0; targets.len()];
            self.loss.values(&scores, targets, &mut of_row);
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

/// Rows of a piece, with their gradients.
struct Rows<'a> {
    loss: Loss,
    scores: &'a [f64],
    gradients: &'a [f64],
    targets: &'a [f64],
    weights: Option<&'a [f64]>,
    /// What the loss cannot tell of a row alone.
    hessians: Option<&'a [f64]>,
}

impl Rows<'_> {
    /// Hands on some rows at a time: the place of the first, and their gradients and hessians, weighted.
    fn in_blocks(&self, mut act: impl FnMut(usize, &[f64], &[f64])) {
        let (mut weighted, mut hessians) = ([0.0; ROWS], [0.0; ROWS]);
        for (at, (gradients, targets)) in self.gradients.chunks(ROWS).zip(self.targets.chunks(ROWS)).enumerate() {
            let hessians = &mut hessians[..gradients.len()];
            let scores = &self.scores[at * ROWS..][..gradients.len()];
            match self.hessians {
                Some(known) => hessians.copy_from_slice(&known[at * ROWS..][..gradients.len()]),
                None => self.loss.hessians(scores, gradients, targets, hessians),
            }
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

/// What is known of some rows, if it is of any.
fn part(all: &[f64], first: usize, rows: usize) -> Option<&[f64]> {
    (!all.is_empty()).then(|| &all[first..first + rows])
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
