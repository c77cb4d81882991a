//! The rows of a fit, and how trees are grown from them round by round.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use evenstep_exact::draw::{Draws, poisson_one};
use evenstep_exact::reduce::Workers;

use super::BoostedTrees;
use super::allowed::{Allowed, Interactions, keep};
use super::cuts::Binning;
use super::dart::shrink;
use super::fit::{Averaged, best_round};
use super::fixed_point::FixedPoint;
use super::grow::{Grower, Grown, GrownLeaf, Limits};
use super::histogram::{Builder, Room, Shape};
use super::loss::Loss;
use super::matrix::Matrix;
use super::monotone;
use super::order::{NO_LEAF, Order, Place};
use super::passes::{LeafSums, offsets};
use super::quantise::{Hessians, Largest, Packing, mix};
use super::rank::Ranking;
use super::rows::{self, Piece, Role};
use super::split::{Bounds, leaf_value};
use super::tree::Tree;
use crate::{CurvePoint, ModelError, Run, Training};

/// Without early stopping the loss is taken so many times: it costs as much as growing a small tree.
const CURVE_POINTS: u32 = 20;

/// Gains below so many squares of the gradients' unit are noise. Boosting ends before it comes to them.
const NOISE: f64 = 64.0;
/// The same where hessians are weights and gradients have half as many bits: a score of cuts by chance gain a fifth of it.
const WEIGHT_NOISE: f64 = 8.0;

/// Up to so many rows times threads each thread grows averaged trees by itself, which takes some 60 bytes for each.
const APART_ROWS: usize = 64 << 20;

/// The rows of a fit, and all that changes with each tree.
pub(super) struct Growing<'a> {
    pub(super) spec: &'a BoostedTrees,
    pub(super) averaged: Option<Averaged>,
    pub(super) data: &'a Training<'a>,
    pub(super) run: &'a Run<'a>,
    pub(super) loss: Loss,
    /// How many trees a round has.
    pub(super) width: usize,
    pub(super) draws: Draws,
    pub(super) pieces: Vec<Piece>,
    pub(super) roles: Vec<Role>,
    pub(super) all_learned: bool,
    /// 32 random bits of each row, from its identity.
    pub(super) seeds: Vec<u32>,
    /// Each row's weight, times its class's, and how often it was drawn for a tree; empty if all are 1.
    pub(super) weights: Vec<f64>,
    pub(super) weight_max: f64,
    /// The largest weight as so many times the mean of those that are learned from, before any draw.
    pub(super) weight_largest: f64,
    /// The same without draws, if rows are drawn by weighing them.
    pub(super) undrawn: Vec<f64>,
    /// By how much the leaves of each class are drawn towards 0.
    pub(super) l2: Vec<f64>,
    /// The scores of each class.
    pub(super) scores: Vec<Vec<f64>>,
    /// For softmax, what makes a row's probabilities sum to 1.
    pub(super) norms: Vec<f64>,
    pub(super) ranking: Option<Ranking>,
    /// Not weighted.
    pub(super) gradients: Vec<f64>,
    /// Gradient and hessian of each row, rounded.
    pub(super) packed: Vec<u32>,
    pub(super) order: Order,
    pub(super) leaf_of_row: Vec<u16>,
    /// By how much the next tree's values are multiplied.
    pub(super) rate: f64,
    pub(super) room: Room,
}

/// The key of a tree's draws.
pub(super) fn tree_key(round: u32, class: usize) -> [u8; 16] {
    (u128::from(round) | (class as u128) << 64).to_le_bytes()
}

/// Bits as a number in [0, 1).
pub(super) fn share_of(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

impl<'a> Growing<'a> {
    /// Grows all trees; tells them and the loss on the way.
    ///
    /// # Errors
    /// A loss or a gradient is beyond floats.
    pub(super) fn rounds(
        &mut self,
        matrix: &Matrix,
        patience: Option<u32>,
    ) -> Result<(Vec<Tree>, Vec<CurvePoint>), ModelError> {
        let rounds = self.spec.trees;
        let every = if patience.is_some() { 1 } else { rounds.div_ceil(CURVE_POINTS) };
        let drawn = self.averaged.is_some()
            || self.spec.goss.is_some()
            || self.spec.dart.is_some()
            || [self.spec.row_sample, self.spec.column_sample].iter().any(|share| *share < 1.0)
            || [self.spec.column_sample_by_level, self.spec.column_sample_by_node].iter().any(|share| *share < 1.0);
        let interactions = Interactions::of(self.spec, matrix);
        let threads = self.run.workers.count();
        let few_rows = self.roles.len().saturating_mul(threads) <= APART_ROWS;
        if self.averaged.is_some() && rounds > 1 && threads > 1 && few_rows && self.run.workers.are_alone() {
            return Ok((self.rounds_apart(matrix, &interactions)?, Vec::new()));
        }
        let (mut trees, mut grown) = (Vec::new(), Vec::new());
        let mut curve: Vec<CurvePoint> = Vec::new();
        for round in 0..rounds {
            let before = trees.len();
            let left_out = self.spec.dart.as_ref().map_or(Vec::new(), |dart| dart.left_out(&self.draws, round));
            self.rate = self.spec.learning_rate / (1 + left_out.len()) as f64;
            self.add_rounds(matrix, &left_out, &grown, &trees, -1.0);
            for (tree, as_grown) in self.one_round(matrix, &interactions, round)? {
                trees.push(tree);
                grown.extend(as_grown.filter(|_| self.spec.dart.is_some()));
            }
            shrink(&left_out, self.width, &mut trees);
            self.add_rounds(matrix, &left_out, &grown, &trees, 1.0);
            if !drawn && trees[before..].iter().all(|tree| tree.splits.is_empty()) {
                trees.truncate(before);
                break;
            }
            let mut watched = None;
            if self.averaged.is_none() && ((round + 1) % every == 0 || round + 1 == rounds) {
                let point = self.losses(round + 1)?;
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
        Ok((trees, curve))
    }

    fn one_round(
        &mut self,
        matrix: &Matrix,
        interactions: &Interactions,
        round: u32,
    ) -> Result<Vec<(Tree, Option<Grown>)>, ModelError> {
        self.take_norms();
        self.draw_weights(round)?;
        if self.averaged.is_some() && self.width > 1 {
            return Ok(self.grow_for_all(matrix, interactions, round).into_iter().map(|tree| (tree, None)).collect());
        }
        let shape = Shape::new(matrix, self.unit_hessian());
        (0..self.width).map(|class| self.grow(matrix, &shape, interactions, round, class)).collect()
    }

    /// Averaged trees know nothing of each other: each thread grows some of them by itself.
    fn rounds_apart(&self, matrix: &Matrix, interactions: &Interactions) -> Result<Vec<Tree>, ModelError> {
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
        let trees = trees.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(trees.into_iter().flatten().map(|(tree, _)| tree).collect())
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
            weight_largest: self.weight_largest,
            undrawn: self.undrawn.clone(),
            l2: self.l2.clone(),
            scores: self.scores.clone(),
            norms: Vec::new(),
            ranking: None,
            gradients: vec![0.0; rows],
            packed: vec![0; rows],
            order: Order::of(rows),
            leaf_of_row: vec![NO_LEAF; rows],
            rate: self.rate,
            room: self.room.clone(),
        }
    }

    fn unit_hessian(&self) -> bool {
        self.hessians() == Hessians::One
    }

    pub(super) fn hessians(&self) -> Hessians {
        match self.loss.unit_hessian() {
            true if self.weights.is_empty() => Hessians::One,
            true if self.has_bootstrap() && self.undrawn.is_empty() => Hessians::Counts,
            _ if self.averaged.is_some() => Hessians::weights(self.weight_largest),
            _ => Hessians::Any { gradient_bits: self.spec.gradient_bits },
        }
    }

    /// Grows one tree and adds its values to the scores.
    fn grow(
        &mut self,
        matrix: &Matrix,
        shape: &Shape,
        interactions: &Interactions,
        round: u32,
        class: usize,
    ) -> Result<(Tree, Option<Grown>), ModelError> {
        let largest = self.take_gradients(round, class)?;
        let packing = Packing::new(largest, self.hessians());
        self.round(&packing, round, class);
        let rows = self.choose_rows(round);
        let columns = self.choose_columns(matrix, round);
        let allowed = Allowed::of(self.spec, interactions, columns, &self.draws, (round, class), matrix);
        let mut criterion = self.spec.criterion(&packing, self.l2[class]);
        criterion.rows_by_hessian = self.loss.settles();
        if matrix.features.iter().any(|feature| matches!(feature.binning, Binning::Means(_))) {
            criterion.noise = self.noise(&packing);
        }
        if self.averaged.is_some() {
            criterion.is_averaged = true;
            // What rounding alone may seem to gain in a node whose targets are equal.
            match self.hessians() {
                Hessians::Weights { .. } => criterion.weight_noise = WEIGHT_NOISE,
                _ => criterion.min_gain = criterion.min_gain.max(NOISE * packing.gradient_unit * packing.gradient_unit),
            }
        }
        let grower = Grower {
            workers: self.run.workers,
            matrix,
            shape,
            builder: Builder::new(self.run.workers, matrix, shape, &allowed.tree, packing, &self.packed, &self.room),
            classes: None,
            criterion: &criterion,
            allowed: &allowed,
            bounds: Bounds::around_zero(self.spec.max_leaf_value),
            draw: self.draw_of_cuts(round, class),
            limits: self.limits(),
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
                // What the search took values for is in another unit: gradients say which way to go, not how far.
                let mut values = self.quantiles_of_residuals(grown.leaves.len(), level, class);
                values.iter_mut().for_each(|value| *value = grower.bounds.clamp(*value));
                monotone::keep(&grown, matrix, &weights, &mut values);
                values
            }
            None => {
                let value = |(leaf, sums): (&GrownLeaf, &LeafSums)| {
                    let l2 = self.l2[class] + if leaf.regularised { self.spec.categories.l2 } else { 0.0 };
                    let [gradient, hessian] = [gradient.value(sums.gradient), hessian.value(sums.hessian)];
                    // Rounded, a leaf may have had enough of it.
                    let hessian = if self.loss.settles() { hessian.max(self.spec.min_hessian) } else { hessian };
                    let value = leaf_value(gradient, hessian + l2, self.spec.l1, Bounds::around_zero(None));
                    leaf.bounds.clamp(self.loss.no_further(value, gradient, hessian))
                };
                grown.leaves.iter().zip(&sums).map(value).collect()
            }
        };
        let point = FixedPoint::below(self.weight_max);
        let cover = |weight: &i128| if self.weights.is_empty() { *weight as f64 } else { point.value(*weight) };
        let covers = weights.iter().map(cover).collect();
        if self.averaged.is_some() {
            let start = self.scores[class].first().copied().unwrap_or(0.0);
            let tree = Tree::new(&grown, values.iter().map(|value| start + value).collect(), covers, matrix);
            return Ok((tree, None));
        }
        let values: Vec<f64> = values.iter().map(|value| self.rate * value + 0.0).collect();
        self.add_values(matrix, &grown, &values, class);
        let tree = Tree::new(&grown, values, covers, matrix);
        Ok((tree, Some(grown)))
    }

    /// What the cuts of a tree are drawn by, if they are.
    pub(super) fn draw_of_cuts(&self, round: u32, class: usize) -> Option<u64> {
        let random_cuts = self.averaged.is_some_and(|averaged| averaged.random_cuts);
        random_cuts.then(|| self.draws.within("cuts").bits(&tree_key(round, class), 0))
    }

    pub(super) fn limits(&self) -> Limits {
        let depth = self.spec.depth.map_or(usize::MAX, |depth| depth as usize);
        Limits { leaves: self.spec.leaves as usize, depth, growth: self.spec.growth }
    }

    /// Weighs the rows of the next trees, if their draws are weights.
    fn draw_weights(&mut self, round: u32) -> Result<(), ModelError> {
        if let Some(goss) = &self.spec.goss {
            self.draw_by_gradient(goss, round)?;
        } else if self.has_bootstrap() {
            self.draw_with_repetition(round);
        }
        Ok(())
    }

    fn has_bootstrap(&self) -> bool {
        self.averaged.is_some_and(|averaged| averaged.bootstrap)
    }

    /// Draws how often each row stands among those of the next tree: as often as not at all as once.
    fn draw_with_repetition(&mut self, round: u32) {
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

    /// The rows that the next tree is grown from, in their order.
    pub(super) fn choose_rows(&mut self, round: u32) -> Place {
        let (share, roles, weights) = (self.spec.row_sample, &self.roles, &self.weights);
        let all = 0..roles.len() as u32;
        if (self.has_bootstrap() || self.spec.goss.is_some()) && !weights.is_empty() {
            let is_drawn = |row: usize| roles[row] == Role::Learned && weights[row] > 0.0;
            return self.order.start(all.filter(|row| is_drawn(*row as usize)));
        }
        if share >= 1.0 {
            return match self.all_learned {
                true => self.order.start(all),
                false => self.order.start(all.filter(|row| roles[*row as usize] == Role::Learned)),
            };
        }
        let round = round - round % self.spec.row_sample_every;
        let key = self.draws.within("row_sample").bits(&tree_key(round, 0), 0);
        let drawn = |row: usize| share_of(mix(self.seeds[row], key));
        let chosen = |row: &u32| roles[*row as usize] == Role::Learned && drawn(*row as usize) < share;
        self.leaf_of_row.fill(NO_LEAF);
        self.order.start(all.filter(chosen))
    }

    /// Which columns the next tree may use: those with the lowest draws.
    pub(super) fn choose_columns(&self, matrix: &Matrix, round: u32) -> Vec<bool> {
        let mut may_split = vec![true; matrix.features.len()];
        if self.spec.column_sample < 1.0 {
            let draws = self.draws.within("column_sample");
            let drawn = |at: usize| draws.bits(&matrix.features[at].key.to_le_bytes(), round);
            keep(self.spec.column_sample, matrix, &mut may_split, drawn);
        }
        may_split
    }
}
