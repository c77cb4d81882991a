//! What is seen of the rows before the first tree, and where their scores start.

use evenstep_exact::reduce::Partial;
use evenstep_exact::sum::ExactSum;
use evenstep_table::Task;
use serde::{Deserialize, Serialize};

use super::fit::Averaged;
use super::growing::Growing;
use super::histogram::Room;
use super::loss::{HUBER_QUANTILE, Loss};
use super::objective::Objective;
use super::order::{NO_LEAF, Order};
use super::rank::{Groups, Pairs, Ranking};
use super::rows::{self, Role};
use super::{BoostedTrees, Start, VALIDATION};
use crate::{Aim, Family as _, ModelError, Run, TARGET_MAX, Training, too_large};

/// The squares of targets below this are nearly 0.
const TARGET_MIN: f64 = 1e-150;

/// Squares of gradients would vanish below it, summed up over no matter how many rows.
const WEIGHT_MIN: f64 = 1e-40;

/// As much as so many rows draws leaves towards 0. Of 0, 1, 3, 5 and 10 it was the best on eight public tables.
const L2_ROWS: f64 = 3.0;

/// What is seen of the rows before the first tree.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Seen {
    targets: Vec<ExactSum>,
    weight: ExactSum,
    pub(super) learned: u64,
    pub(super) watched: u64,
    /// How many rows weigh other than 1, targets are too large, none that the objective is for, and 0.
    uneven: u64,
    large: u64,
    refused: u64,
    zero: u64,
    one: u64,
    weight_max: f64,
    target_max: f64,
}

impl Partial for Seen {
    fn merge(&mut self, other: Seen) {
        self.targets.merge(other.targets);
        self.weight.merge(other.weight);
        self.learned += other.learned;
        self.watched += other.watched;
        self.uneven += other.uneven;
        self.large += other.large;
        self.refused += other.refused;
        self.zero += other.zero;
        self.one += other.one;
        self.target_max = self.target_max.max(other.target_max);
        self.weight_max = self.weight_max.max(other.weight_max);
    }
}

impl Seen {
    /// The mean of the target, or each class's share of rows.
    pub(super) fn means(&self) -> impl Iterator<Item = f64> {
        self.targets.iter().map(|sum| sum.divided_by(&self.weight).unwrap_or(0.0))
    }

    /// The mean weight, or 1 if that is less: weights that count rows are those; shares of a whole are small, and all that a leaf has.
    pub(super) fn weight_unit(&self) -> f64 {
        (self.weight.value() / self.learned as f64).min(1.0)
    }

    /// Whether all targets are so small that their squares vanish.
    pub(super) fn is_vanishing(&self) -> bool {
        self.target_max < TARGET_MIN
    }

    /// Whether every target is 0 or 1.
    pub(super) fn is_of_flags(&self) -> bool {
        self.zero + self.one == self.learned + self.watched
    }

    /// The largest weight as so many times the mean.
    pub(super) fn weight_largest(&self) -> f64 {
        self.weight_max * self.learned as f64 / self.weight.value()
    }
}

/// Whether all targets have a logarithm, or are at least 0, where the objective asks for it.
fn check_signs(objective: Objective, aim: Aim, seen: &Seen) -> Result<(), ModelError> {
    let Some(takes) = aim.targets().filter(|_| seen.refused > 0) else { return Ok(()) };
    let are = if aim.allows(0.0) { "negative" } else { "not above 0" };
    Err(ModelError::new(format!("{} targets are {are}", seen.refused))
        .help(format!("`objective = \"{}\"` is for {takes}: leave it out, or drop these rows", objective.word())))
}

impl<'a> Growing<'a> {
    pub(super) fn new(
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
        let class_weights = spec.weights_of_classes(data, run);
        let aim = spec.aim();
        let draws = run.draws.within("model");
        let (mut roles, mut seeds, mut weights) = (vec![Role::Absent; rows], vec![0; rows], vec![1.0; rows]);
        let states = rows::split(&pieces, &mut roles)
            .into_iter()
            .zip(rows::split(&pieces, &mut seeds))
            .zip(rows::split(&pieces, &mut weights));
        let of_row = draws.within("row");
        let watched = spec.early_stopping.as_ref().map(|stopping| stopping.validation.unwrap_or(VALIDATION));
        let watching = watched.map(|share| (run.draws.within("early_stopping"), share));
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
                    seen.refused += u64::from(!aim.allows(target));
                    seen.zero += u64::from(target == 0.0);
                    seen.one += u64::from(target == 1.0);
                    seen.target_max = seen.target_max.max(target.abs());
                    let key = labels.group.get(row).unwrap_or(&batch.keys[row]);
                    if watching.as_ref().is_some_and(|(draws, share)| draws.uniform(&key.0) < *share) {
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
            let error = ModelError::new("there is no row with a weight to learn from");
            return Err(match seen.watched {
                0 => error,
                _ => error.help("`early_stopping.validation` leaves all rows to be watched: lower it"),
            });
        }
        if seen.large > 0 {
            return Err(too_large(seen.large));
        }
        if seen.weight_max < WEIGHT_MIN {
            return Err(ModelError::new(format!("no weight is above {:e}", seen.weight_max))
                .help("multiply the weights by a constant"));
        }
        check_signs(objective, aim, &seen)?;
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
            Some(_) if data.batches.iter().any(|batch| batch.training().group.len() < batch.rows()) => {
                return Err(ModelError::new("a ranking is learned from groups of rows, and rows have none"));
            }
            None => None,
            Some(pairs) => Some(Ranking {
                groups: Groups::of(run.workers, data.batches, &pieces, &roles)?,
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
                Some(_) => Loss::Squared,
            },
            width,
            draws,
            all_learned: roles.iter().all(|role| *role == Role::Learned),
            pieces,
            roles,
            seeds,
            undrawn: match averaged.is_some_and(|averaged| averaged.bootstrap) || spec.goss.is_some() {
                true => weights.clone(),
                false => Vec::new(),
            },
            weights,
            weight_max: seen.weight_max,
            weight_largest: seen.weight_largest(),
            l2: vec![spec.l2.unwrap_or(0.0); width],
            scores: vec![vec![0.0; rows]; width],
            norms: if objective == Objective::Softmax && averaged.is_none() { vec![0.0; rows] } else { Vec::new() },
            ranking,
            gradients: vec![0.0; rows],
            packed: vec![0; rows],
            order: Order::of(rows),
            leaf_of_row: vec![NO_LEAF; rows],
            rate: spec.learning_rate,
            room: Room::default(),
        };
        Ok((growing, seen))
    }

    /// By how much the leaves of each class are drawn towards 0, if the spec leaves it open.
    pub(super) fn draw_leaves(&mut self, seen: &Seen) {
        if self.spec.l2.is_none() && self.averaged.is_none() {
            let weight = seen.weight_unit();
            self.l2 = seen.means().map(|mean| L2_ROWS * weight * self.loss.curvature(mean)).collect();
        }
    }

    /// Where the score of each class starts.
    pub(super) fn start(&mut self, seen: &Seen) -> Vec<f64> {
        if let Loss::Huber { delta } = self.loss {
            let median = self.quantile_of_targets(0.5, |target| target);
            let delta =
                delta.unwrap_or_else(|| self.quantile_of_targets(HUBER_QUANTILE, |target| (target - median).abs()));
            // Where nearly all targets are one, any bound will do that is not 0.
            self.loss = Loss::Huber { delta: Some(if delta > 0.0 { delta } else { 1.0 }) };
            return vec![if self.spec.start == Start::Zero { 0.0 } else { median }];
        }
        if self.spec.start == Start::Zero {
            return vec![0.0; self.width];
        }
        match self.loss.leaf_quantile() {
            Some(level) => vec![self.quantile_of_targets(level, |target| target)],
            // Whole gradients are rounded to themselves: a node of one class is known for one.
            None if self.averaged.is_some() && !self.data.task.classes().is_empty() => vec![0.0; self.width],
            None => seen.means().map(|mean| self.loss.start(mean)).collect(),
        }
    }

    /// A weighted quantile of what a function makes of the targets.
    fn quantile_of_targets(&self, level: f64, value: impl Fn(f64) -> f64 + Sync) -> f64 {
        let values = |row: usize, target: f64| (self.roles[row] == Role::Learned).then(|| (0, value(target)));
        self.quantiles(1, level, values)[0]
    }
}
