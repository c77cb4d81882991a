//! Leaving earlier trees out while a new one is grown, so that late trees matter as much as early ones.
//! Source: Vinayak & Gilad-Bachrach 2015, "DART: Dropouts meet Multiple Additive Regression Trees".

use evenstep_exact::draw::Draws;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grow::Grown;
use super::growing::{Growing, tree_key};
use super::matrix::Matrix;
use super::passes::offsets;
use super::rows::{self, Role};
use super::tree::Tree;

/// How trees are left out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dart {
    /// The chance of each earlier round.
    pub drop: f64,
    /// The most that are left out at once.
    pub most: u32,
    /// The chance that a round leaves out none.
    pub skip: f64,
}

impl Default for Dart {
    fn default() -> Dart {
        Dart { drop: 0.1, most: 50, skip: 0.5 }
    }
}

impl Dart {
    /// The earlier rounds that a round leaves out, in their order.
    pub(super) fn left_out(&self, draws: &Draws, round: u32) -> Vec<usize> {
        let draws = draws.within("dart");
        if draws.uniform(&tree_key(round, 0)) < self.skip {
            return Vec::new();
        }
        let drawn = (0..round).map(|earlier| (draws.uniform_at(&tree_key(round, 0), 1 + earlier), earlier as usize));
        let mut drawn: Vec<(f64, usize)> = drawn.filter(|(draw, _)| *draw < self.drop).collect();
        drawn.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut rounds: Vec<usize> = drawn.into_iter().take(self.most as usize).map(|(_, earlier)| earlier).collect();
        rounds.sort_unstable();
        rounds
    }
}

impl Growing<'_> {
    /// Adds the values of some rounds' trees to the scores, or takes them away.
    pub(super) fn add_rounds(&mut self, matrix: &Matrix, rounds: &[usize], grown: &[Grown], trees: &[Tree], sign: f64) {
        let roles = &self.roles;
        for class in 0..self.width {
            let states = rows::split(&self.pieces, &mut self.scores[class]).into_iter().zip(offsets(&self.pieces));
            rows::each(self.run.workers, &self.pieces, states, |_, (scores, first)| {
                for (at, score) in scores.iter_mut().enumerate().filter(|(at, _)| roles[first + at] != Role::Absent) {
                    for tree in rounds.iter().map(|round| round * self.width + class) {
                        let leaf = grown[tree].leaf(matrix, first + at);
                        *score += sign * trees[tree].leaves[usize::from(leaf)];
                    }
                }
            });
        }
    }
}

/// Makes the trees of some rounds count for less: together with the new tree they count for as much as they did alone.
pub(super) fn shrink(rounds: &[usize], width: usize, trees: &mut [Tree]) {
    let factor = rounds.len() as f64 / (rounds.len() + 1) as f64;
    let of_rounds = rounds.iter().flat_map(|round| round * width..(round + 1) * width);
    of_rounds.for_each(|tree| trees[tree].leaves.iter_mut().for_each(|value| *value *= factor));
}
