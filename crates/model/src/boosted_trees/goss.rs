//! Growing trees from the rows whose gradients are largest, and from a share of the others that stands for all of them.
//! Source: Ke et al. 2017, "LightGBM: A Highly Efficient Gradient Boosting Decision Tree".

use evenstep_exact::reduce::Partial;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fixed_point::FixedPoint;
use super::growing::{Growing, share_of, tree_key};
use super::order::NO_LEAF;
use super::passes::offsets;
use super::quantise::{Largest, mix};
use super::residuals::Residuals;
use super::rows::{self, Role};
use crate::ModelError;

/// Which rows a tree is grown from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Goss {
    /// The share of rows that are kept for their large gradients.
    pub top: f64,
    /// The share of rows that are drawn from the others, by their identity; they weigh more in turn.
    pub other: f64,
}

impl Default for Goss {
    fn default() -> Goss {
        Goss { top: 0.2, other: 0.1 }
    }
}

/// How many rows are learned from, pull more than a bar, and just as much.
#[derive(Default, Serialize, Deserialize)]
struct Counts {
    learned: u64,
    above: u64,
    tied: u64,
}

impl Partial for Counts {
    fn merge(&mut self, other: Counts) {
        self.learned += other.learned;
        self.above += other.above;
        self.tied += other.tied;
    }
}

impl Growing<'_> {
    /// Weighs rows for a round: those with large gradients as they are, of the others those that are drawn, the more.
    /// The first rounds, which tell one row's gradient from another's, see all rows.
    pub(super) fn draw_by_gradient(&mut self, goss: &Goss, round: u32) -> Result<(), ModelError> {
        self.weights.clone_from(&self.undrawn);
        if f64::from(round) < (1.0 / self.spec.learning_rate).ceil() {
            return Ok(());
        }
        let pulls = self.pulls(round)?;
        let bar = self.quantile_of_rows(1.0 - goss.top, &pulls);
        let counts = self.counts(bar, &pulls);
        // Where most rows pull alike, as by the absolute error, those at the bar are drawn, too.
        let at_the_bar = (goss.top * counts.learned as f64 - counts.above as f64) / counts.tied.max(1) as f64;
        let chance = (goss.other / (1.0 - goss.top)).min(1.0);
        let [key, key_at_the_bar] = [0, 1].map(|n| self.draws.within("goss").bits(&tree_key(round, 0), n));
        self.weights.resize(pulls.len(), 0.0);
        let (undrawn, roles) = (&self.undrawn, &self.roles);
        let states = rows::split(&self.pieces, &mut self.weights)
            .into_iter()
            .zip(rows::split_ref(&self.pieces, &self.seeds))
            .zip(rows::split_ref(&self.pieces, &pulls))
            .zip(offsets(&self.pieces));
        let most = rows::fold(self.run.workers, &self.pieces, states, |_, state, most: &mut Largest| {
            let (((weights, seeds), pulls), first) = state;
            for (at, (weight, seed)) in weights.iter_mut().zip(*seeds).enumerate() {
                let is_kept =
                    |pull: f64| pull > bar || (pull == bar && share_of(mix(*seed, key_at_the_bar)) < at_the_bar);
                let times = match roles[*first + at] {
                    Role::Learned if is_kept(pulls[at]) => 1.0,
                    Role::Learned if share_of(mix(*seed, key)) < chance => 1.0 / chance,
                    _ => 0.0,
                };
                *weight = times * undrawn.get(*first + at).copied().unwrap_or(1.0);
            }
            most.see(weights, &[]);
        });
        self.weight_max = most.gradient;
        self.leaf_of_row.fill(NO_LEAF);
        Ok(())
    }

    /// What each row brings to a tree: the sum over classes of gradient times hessian, without sign.
    fn pulls(&mut self, round: u32) -> Result<Vec<f64>, ModelError> {
        let mut pulls = vec![0.0; self.roles.len()];
        for class in 0..self.width {
            self.take_gradients(round, class)?;
            let states = rows::split(&self.pieces, &mut pulls).into_iter().zip(offsets(&self.pieces));
            rows::each(self.run.workers, &self.pieces, states, |piece, (pulls, first)| {
                self.rows_of(piece, first, class).in_blocks(|start, gradients, hessians| {
                    for (pull, (gradient, hessian)) in pulls[start..].iter_mut().zip(gradients.iter().zip(hessians)) {
                        *pull += (gradient * hessian).abs();
                    }
                });
            });
        }
        Ok(pulls)
    }

    /// How the rows that are learned from pull, measured by a bar.
    fn counts(&self, bar: f64, pulls: &[f64]) -> Counts {
        rows::fold(self.run.workers, &self.pieces, offsets(&self.pieces), |piece, first, counts: &mut Counts| {
            for row in (*first..*first + piece.rows.len()).filter(|row| self.roles[*row] == Role::Learned) {
                counts.learned += 1;
                counts.above += u64::from(pulls[row] > bar);
                counts.tied += u64::from(pulls[row] == bar);
            }
        })
    }

    /// A quantile over the rows that are learned from, each counting once.
    fn quantile_of_rows(&self, level: f64, values: &[f64]) -> f64 {
        let states = offsets(&self.pieces);
        let seen = rows::fold(self.run.workers, &self.pieces, states, |piece, first, seen: &mut Residuals| {
            let learned = (*first..*first + piece.rows.len()).filter(|row| self.roles[*row] == Role::Learned);
            seen.see(1, learned.map(|row| (0, values[row], 1.0)));
        });
        seen.quantiles(self.run.workers, level, &FixedPoint::below(1.0))[0]
    }
}
