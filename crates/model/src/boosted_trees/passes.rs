//! What is done to every row between one tree and the next.

use std::ops::Range;

use evenstep_exact::reduce::Partial;
use evenstep_exact::simd::widest;
use evenstep_exact::sum::ExactSum;
use serde::{Deserialize, Serialize};

use super::fixed_point::{FixedPoint, PieceSums, ROWS};
use super::grow::Grown;
use super::growing::{Growing, tree_key};
use super::loss::Loss;
use super::matrix::Matrix;
use super::objective::log_sum_exp;
use super::order::NO_LEAF;
use super::quantise::{Hessians, Largest, Packing};
use super::rank::Ranking;
use super::residuals::Residuals;
use super::rows::{self, Piece, Role};
use crate::{CurvePoint, ModelError};

/// The square of a sum of so large gradients is still a float, over any number of rows. Targets and weights that are let
/// through stay far below.
const GRADIENT_MAX: f64 = 1e140;

/// The sums of a leaf in fixed point, so exact in any order.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct LeafSums {
    pub(super) gradient: i128,
    pub(super) hessian: i128,
    /// Of the rows' weights, if these differ.
    pub(super) weight: i128,
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
    /// Whether a row's loss is beyond floats.
    diverged: bool,
}

impl Partial for Losses {
    fn merge(&mut self, other: Losses) {
        self.learned.merge(other.learned);
        self.learned_weight.merge(other.learned_weight);
        self.watched.merge(other.watched);
        self.watched_weight.merge(other.watched_weight);
        self.diverged |= other.diverged;
    }
}

/// Rounded gradients and their squares, hessians and rows.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Spread {
    gradients: i128,
    squares: i128,
    hessians: i128,
    rows: i128,
}

impl Partial for Spread {
    fn merge(&mut self, other: Spread) {
        self.gradients += other.gradients;
        self.squares += other.squares;
        self.hessians += other.hessians;
        self.rows += other.rows;
    }
}

impl Growing<'_> {
    /// For softmax: the logarithm of the sum of the exponentials of each row's scores.
    pub(super) fn take_norms(&mut self) {
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

    /// Takes every row's gradient; tells the largest.
    ///
    /// # Errors
    /// One is beyond use.
    pub(super) fn take_gradients(&mut self, round: u32, class: usize) -> Result<Largest, ModelError> {
        let loss = self.loss;
        let follows = matches!(self.hessians(), Hessians::Weights { .. });
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
        let largest = rows::fold(
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
                    let mut see = |rows: Range<usize>| {
                        largest.see(&gradients[rows.clone()], &hessians[rows.clone()]);
                        if follows {
                            largest.see_errors(&gradients[rows.clone()], &hessians[rows]);
                        }
                    };
                    if all_learned {
                        return see(0..gradients.len());
                    }
                    for (row, _) in roles.iter().enumerate().filter(|(_, role)| **role == Role::Learned) {
                        see(row..row + 1);
                    }
                });
            },
        );
        // What is no number is the largest.
        let is_small = |x: f64| x <= GRADIENT_MAX;
        if is_small(largest.gradient) && is_small(largest.hessian) { Ok(largest) } else { Err(diverged(round)) }
    }

    /// The rows of a piece that starts at a row, with the gradients as they were last taken.
    pub(super) fn rows_of(&self, piece: &Piece, first: usize, class: usize) -> Rows<'_> {
        let rows = piece.rows.len();
        let hessians = self.ranking.as_ref().map_or(&[][..], |ranking| &ranking.hessians);
        Rows {
            loss: self.loss,
            scores: &self.scores[class][first..first + rows],
            gradients: &self.gradients[first..first + rows],
            targets: &self.data.batches[piece.batch].training().target[piece.rows.clone()],
            weights: part(&self.weights, first, rows),
            hessians: part(hessians, first, rows),
        }
    }

    /// Rounds every gradient to an integer, at random by row, round, class and whether it is gradient or hessian.
    pub(super) fn round(&mut self, packing: &Packing, round: u32, class: usize) {
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

    /// What a leaf whose rows are drawn at random seems to gain on average: what gradients vary by, in hessians.
    pub(super) fn noise(&self, packing: &Packing) -> f64 {
        let states =
            rows::split_ref(&self.pieces, &self.packed).into_iter().zip(rows::split_ref(&self.pieces, &self.roles));
        let seen = rows::fold(self.run.workers, &self.pieces, states, |_, (packed, roles), seen: &mut Spread| {
            // Of so few rows that their squares add up to less than 2⁶³.
            let block = 1 << (62_u32.saturating_sub(2 * packing.sum_bits)).min(12);
            for (packed, roles) in packed.chunks(block).zip(roles.chunks(block)) {
                let of_row = |(packed, role): (&u32, &Role)| {
                    let [gradient, hessian, _] = packing.take_apart(packing.spread(*packed));
                    let is_learned = i64::from(*role == Role::Learned);
                    [gradient * is_learned, hessian * is_learned, is_learned]
                };
                let rows = packed.iter().zip(roles).map(of_row);
                let sums = widest!(rows.fold([0; 4], |[gradients, squares, hessians, rows], [g, h, n]| {
                    [gradients + g, squares + g * g, hessians + h, rows + n]
                }));
                let [gradients, squares, hessians, rows] = sums.map(i128::from);
                seen.merge(Spread { gradients, squares, hessians, rows });
            }
        });
        if seen.hessians <= 0 {
            return 0.0;
        }
        let sum = seen.gradients as f64;
        let spread = (seen.squares as f64 - sum * sum / seen.rows as f64).max(0.0);
        spread * packing.gradient_unit * packing.gradient_unit / (seen.hessians as f64 * packing.hessian_unit)
    }

    /// Sums the gradients of every leaf, as they were before rounding.
    pub(super) fn weigh(
        &self,
        grown: &Grown,
        largest: Largest,
        class: usize,
    ) -> (Vec<LeafSums>, FixedPoint, FixedPoint) {
        let [gradient, hessian, weight] = [largest.gradient, largest.hessian, self.weight_max].map(FixedPoint::below);
        let states = offsets(&self.pieces);
        let sums = rows::fold(self.run.workers, &self.pieces, states, |piece, first, sums: &mut Vec<LeafSums>| {
            sums.resize_with(grown.leaves.len(), LeafSums::default);
            let leaves = &self.leaf_of_row[*first..*first + piece.rows.len()];
            let weights = part(&self.weights, *first, piece.rows.len());
            let [mut of_gradients, mut of_hessians, mut of_weights] =
                std::array::from_fn(|_| PieceSums::of(grown.leaves.len()));
            self.rows_of(piece, *first, class).in_blocks(|start, gradients, hessians| {
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

    /// A quantile of what is left of the target in each leaf.
    pub(super) fn quantiles_of_residuals(&self, leaves: usize, level: f64, class: usize) -> Vec<f64> {
        let scores = &self.scores[class];
        self.quantiles(leaves, level, |row, target| {
            let leaf = self.leaf_of_row[row];
            (leaf != NO_LEAF).then(|| (usize::from(leaf), target - scores[row]))
        })
    }

    pub(super) fn quantiles(
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

    /// Adds each row's leaf to its score. Rows that the tree was not grown from walk down it.
    pub(super) fn add_values(&mut self, matrix: &Matrix, grown: &Grown, values: &[f64], class: usize) {
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

    /// The mean loss of the rows that are learned from, and of those that are watched, after so many rounds.
    ///
    /// # Errors
    /// A row's is beyond floats.
    pub(super) fn losses(&self, round: u32) -> Result<CurvePoint, ModelError> {
        let weights = if self.spec.goss.is_some() { &self.undrawn } else { &self.weights };
        let losses = match &self.ranking {
            Some(ranking) => self.losses_of_groups(ranking, weights),
            None => self.losses_of_rows(weights),
        };
        if losses.diverged {
            return Err(diverged(round));
        }
        Ok(CurvePoint {
            round,
            training: losses.learned.divided_by(&losses.learned_weight).unwrap_or(0.0),
            watched: losses.watched.divided_by(&losses.watched_weight),
        })
    }

    fn losses_of_groups(&self, ranking: &Ranking, weights: &[f64]) -> Losses {
        let of_groups = ranking.groups.losses(self.run.workers, &self.scores[0], &ranking.targets, weights);
        self.run.workers.fold(1, |_, losses: &mut Losses| {
            for (row, loss, weight) in &of_groups {
                let (sum, total) = match self.roles[*row as usize] {
                    Role::Watched => (&mut losses.watched, &mut losses.watched_weight),
                    _ => (&mut losses.learned, &mut losses.learned_weight),
                };
                sum.add_product(*loss, *weight);
                total.add(*weight);
            }
        })
    }

    fn losses_of_rows(&self, weights: &[f64]) -> Losses {
        let states = offsets(&self.pieces);
        rows::fold(self.run.workers, &self.pieces, states, |piece, first, losses: &mut Losses| {
            let targets = &self.data.batches[piece.batch].training().target[piece.rows.clone()];
            let scores: Vec<&[f64]> = self.scores.iter().map(|of| &of[*first..*first + targets.len()]).collect();
            let mut of_row = vec![0.0; targets.len()];
            self.loss.values(&scores, targets, &mut of_row);
            if self.all_learned && weights.is_empty() {
                losses.diverged |= of_row.iter().any(|loss| !loss.is_finite());
                if !losses.diverged {
                    losses.learned.add_slice(&of_row);
                    losses.learned_weight.add_times(1.0, of_row.len() as u64);
                }
                return;
            }
            for (role, sum, total) in [
                (Role::Learned, &mut losses.learned, &mut losses.learned_weight),
                (Role::Watched, &mut losses.watched, &mut losses.watched_weight),
            ] {
                let weight = |at: usize| match self.roles[*first + at] {
                    other if other != role => 0.0,
                    _ if weights.is_empty() => 1.0,
                    _ => weights[*first + at],
                };
                // A row that counts in nothing may have any loss.
                let term = |at: usize| if weight(at) > 0.0 { weight(at) * of_row[at] } else { 0.0 };
                let terms: Vec<f64> = (0..targets.len()).map(term).collect();
                if terms.iter().any(|term| !term.is_finite()) {
                    losses.diverged = true;
                    return;
                }
                sum.add_slice(&terms);
                total.add_terms(targets.len(), weight);
            }
        })
    }
}

fn diverged(rounds: u32) -> ModelError {
    ModelError::new(format!("the trees diverge: after {rounds} rounds an error is beyond the largest number"))
        .help("lower `learning_rate`, or divide the target by a constant")
}

/// Rows of a piece, with their gradients.
pub(super) struct Rows<'a> {
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
    pub(super) fn in_blocks(&self, mut act: impl FnMut(usize, &[f64], &[f64])) {
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
pub(super) fn offsets(pieces: &[Piece]) -> Vec<usize> {
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
