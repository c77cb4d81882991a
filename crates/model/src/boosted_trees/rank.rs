//! Losses of rankings: each pair of rows of a group of which one is more relevant pulls their scores apart.
//! Source: Burges 2010, "From RankNet to LambdaRank to LambdaMART".

use std::cmp::Ordering;
use std::collections::BTreeMap;

use evenstep_exact::maths;
use evenstep_exact::reduce::Workers;
use evenstep_table::{Batch, counted};

use super::rows::{Piece, Role};
use crate::ModelError;
use crate::metric::queries::{best_gain, discount, gain_of, mean_weight};

/// The rows of each group, as numbers of rows of the fit. Within a group they are in the order of their identities,
/// so that whatever is added up over a group is added in one order.
pub(super) struct Groups {
    rows: Vec<u32>,
    /// Where each group ends.
    ends: Vec<usize>,
}

/// What a ranking is learned from besides scores.
pub(super) struct Ranking {
    pub(super) groups: Groups,
    pub(super) pairs: Pairs,
    /// How relevant each row is.
    pub(super) targets: Vec<f64>,
    /// The second derivative of each row.
    pub(super) hessians: Vec<f64>,
}

/// How pairs are weighed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pairs {
    /// By what exchanging two rows would do to the discounted gain; one of them is among so many at the top.
    Gain { truncation: usize },
    /// All alike.
    Alike,
}

/// What the pairs of a row come to.
#[derive(Clone, Copy, Default)]
struct Pull {
    gradient: f64,
    hessian: f64,
}

impl Groups {
    /// Groups all rows that are present.
    ///
    /// # Errors
    /// A group has rows here and in another process: what its rows pull at each other is seen by neither.
    pub(super) fn of(
        workers: &Workers,
        batches: &[Batch],
        pieces: &[Piece],
        roles: &[Role],
    ) -> Result<Groups, ModelError> {
        let places = pieces.iter().flat_map(|piece| piece.rows.clone().map(move |row| (piece.batch, row)));
        let present = places.enumerate().filter(|(row, _)| roles[*row] != Role::Absent);
        let mut rows: Vec<(u32, usize, usize)> = present.map(|(row, (batch, at))| (row as u32, batch, at)).collect();
        let group = |(_, batch, at): &(u32, usize, usize)| batches[*batch].training().group[*at];
        let identity = |(_, batch, at): &(u32, usize, usize)| batches[*batch].row_id(*at).draw_key();
        rows.sort_unstable_by(|a, b| group(a).cmp(&group(b)).then_with(|| identity(a).cmp(&identity(b))));
        let groups: Vec<_> = rows.chunk_by(|a, b| group(a) == group(b)).collect();
        if !workers.are_alone() {
            let processes = workers.fold(1, |_, processes: &mut BTreeMap<[u8; 16], u64>| {
                processes.extend(groups.iter().map(|rows| (group(&rows[0]).0, 1)));
            });
            let apart = processes.values().filter(|processes| **processes > 1).count();
            if apart > 0 {
                let groups = counted(apart as u64, "group");
                return Err(ModelError::new(format!("{groups} of the ranking came to more than one process"))
                    .help("give all rows of a group to one process"));
            }
        }
        let ends = groups.iter().scan(0, |end, rows| {
            *end += rows.len();
            Some(*end)
        });
        let ends = ends.collect();
        Ok(Groups { rows: rows.into_iter().map(|(row, _, _)| row).collect(), ends })
    }

    fn each(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.rows[start..*end])
    }

    /// Works on each group, many at a time on a thread, and hands on its rows with what came of it.
    fn map<R: Send>(&self, workers: &Workers, work: impl Fn(&[u32]) -> R + Sync) -> Vec<(&[u32], R)> {
        let groups: Vec<&[u32]> = self.each().collect();
        let some = groups.chunks(groups.len().div_ceil(8 * workers.count()).max(1)).collect();
        let done = workers.map(some, |groups: &[&[u32]]| groups.iter().map(|rows| work(rows)).collect::<Vec<R>>());
        groups.into_iter().zip(done.into_iter().flatten()).collect()
    }

    /// Writes the gradient and hessian of every row.
    pub(super) fn pull(
        &self,
        workers: &Workers,
        pairs: Pairs,
        scores: &[f64],
        targets: &[f64],
        gradients: &mut [f64],
        hessians: &mut [f64],
    ) {
        for (rows, pulls) in self.map(workers, |rows| pulls(rows, pairs, scores, targets)) {
            for (row, pull) in rows.iter().zip(pulls) {
                gradients[*row as usize] = pull.gradient;
                hessians[*row as usize] = pull.hessian;
            }
        }
    }

    /// What each group's order lacks of the best discounted gain, with one of its rows and what it weighs, if weights are
    /// given; groups without a relevant row lack nothing and are left out.
    pub(super) fn losses(
        &self,
        workers: &Workers,
        scores: &[f64],
        targets: &[f64],
        weights: &[f64],
    ) -> Vec<(u32, f64, f64)> {
        let weight = |rows: &[u32]| match weights.is_empty() {
            true => 1.0,
            false => mean_weight(rows.iter().map(|row| weights[*row as usize])),
        };
        let loss = |rows: &[u32]| {
            let best = best_gain(relevance(rows, targets), usize::MAX);
            let ordered = by_score(rows, scores);
            let gain =
                ordered.iter().enumerate().map(|(at, place)| gain_of(targets[rows[*place] as usize]) * discount(at));
            (best > 0.0).then(|| 1.0 - gain.sum::<f64>() / best)
        };
        let losses = self.map(workers, loss).into_iter();
        losses.filter_map(|(rows, loss)| loss.map(|loss| (rows[0], loss, weight(rows)))).collect()
    }
}

/// The places of a group's rows by descending score; of equal ones in the order of their identities.
fn by_score(rows: &[u32], scores: &[f64]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..rows.len()).collect();
    let score = |place: usize| scores[rows[place] as usize];
    places.sort_by(|a, b| score(*b).partial_cmp(&score(*a)).unwrap_or(Ordering::Equal));
    places
}

fn pulls(rows: &[u32], pairs: Pairs, scores: &[f64], targets: &[f64]) -> Vec<Pull> {
    let mut pulls = vec![Pull::default(); rows.len()];
    let places = by_score(rows, scores);
    let (truncation, best) = match pairs {
        Pairs::Gain { truncation } => (truncation, best_gain(relevance(rows, targets), truncation)),
        Pairs::Alike => (rows.len(), 1.0),
    };
    if best == 0.0 {
        return pulls;
    }
    let target = |place: usize| targets[rows[place] as usize];
    let score = |place: usize| scores[rows[place] as usize];
    let spread = places.first().zip(places.last()).map_or(0.0, |(first, last)| score(*first) - score(*last));
    let mut total = 0.0;
    for (at, one) in places.iter().enumerate().take(truncation) {
        for (below, other) in places.iter().enumerate().skip(at + 1) {
            let (high, low) = match target(*one).partial_cmp(&target(*other)) {
                Some(Ordering::Greater) => (*one, *other),
                Some(Ordering::Less) => (*other, *one),
                _ => continue,
            };
            let ahead = score(high) - score(low);
            let weight = match pairs {
                Pairs::Alike => 1.0,
                Pairs::Gain { .. } => {
                    let gain = gain_of(target(high)) - gain_of(target(low));
                    let weight = gain * (discount(at) - discount(below)).abs() / best;
                    // Once scores differ, pairs that are near each other count more.
                    if spread > 0.0 { weight / (0.01 + ahead.abs()) } else { weight }
                }
            };
            let wrong = maths::sigmoid(-ahead);
            let (gradient, hessian) = (weight * wrong, weight * wrong * (1.0 - wrong));
            pulls[high].gradient -= gradient;
            pulls[low].gradient += gradient;
            pulls[high].hessian += hessian;
            pulls[low].hessian += hessian;
            total += 2.0 * gradient;
        }
    }
    if matches!(pairs, Pairs::Gain { .. }) && total > 0.0 {
        // Large groups count more than small ones, but not by all their pairs.
        let factor = maths::log2(1.0 + total) / total;
        for pull in &mut pulls {
            pull.gradient *= factor;
            pull.hessian *= factor;
        }
    }
    pulls
}

fn relevance(rows: &[u32], targets: &[f64]) -> Vec<f64> {
    rows.iter().map(|row| targets[*row as usize]).collect()
}
