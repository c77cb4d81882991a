//! Rows in the order of their scores, for metrics that ask nothing else of a score.

use evenstep_exact::sort::{from_sortable, radix_sort_by_key, sortable};
use evenstep_table::Task;

use super::weights::{Weights, float};
use super::{Prepared, Scored, Undefined, undefined};

/// Rows by descending score.
#[derive(Debug)]
pub(super) struct Ranking {
    /// Row numbers; the low bit says whether the row is of the class.
    rows: Vec<u64>,
    /// Where each run of equal scores ends.
    ends: Vec<usize>,
    /// The score of each run.
    scores: Vec<f64>,
}

/// The weight of rows of the class, and of the others.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Tally {
    pub(super) positive: u128,
    pub(super) negative: u128,
}

impl Ranking {
    pub(super) fn new(scores: impl Iterator<Item = f64>, positive: impl Fn(usize) -> bool) -> Ranking {
        let mut places: Vec<(u64, u64)> =
            scores.enumerate().map(|(row, x)| (!sortable(x), (row as u64) << 1 | u64::from(positive(row)))).collect();
        radix_sort_by_key(&mut places, |(place, _)| *place);
        let mut ranking = Ranking { rows: Vec::with_capacity(places.len()), ends: Vec::new(), scores: Vec::new() };
        for run in places.chunk_by(|a, b| a.0 == b.0) {
            ranking.rows.extend(run.iter().map(|(_, row)| row));
            ranking.ends.push(ranking.rows.len());
            ranking.scores.push(from_sortable(!run[0].0));
        }
        ranking
    }

    /// Every run of equal scores that weighs something, from the highest score.
    pub(super) fn runs<'a>(&'a self, weights: Weights<'a>) -> impl Iterator<Item = (f64, Tally)> + 'a {
        let mut from = 0;
        let runs = self.ends.iter().zip(&self.scores).map(move |(end, score)| {
            let mut tally = Tally::default();
            for row in &self.rows[from..*end] {
                let units = weights.units((row >> 1) as usize);
                *(if row & 1 == 1 { &mut tally.positive } else { &mut tally.negative }) += units;
            }
            from = *end;
            (*score, tally)
        });
        runs.filter(|(_, tally)| *tally != Tally::default())
    }

    /// All rows together.
    pub(super) fn total(&self, weights: Weights<'_>) -> Tally {
        let mut total = Tally::default();
        self.runs(weights).for_each(|(_, tally)| total.add(tally));
        total
    }
}

impl Tally {
    pub(super) fn add(&mut self, other: Tally) {
        self.positive += other.positive;
        self.negative += other.negative;
    }

    /// The share of the class.
    pub(super) fn precision(self) -> f64 {
        float(self.positive) / float(self.positive + self.negative)
    }
}

/// A metric of a binary task's ranking, given the totals, of which neither is 0.
pub(super) fn of_both(
    scored: &Scored,
    of: impl Fn(&Ranking, Weights<'_>, Tally) -> f64 + Send + Sync + 'static,
) -> Result<Prepared<'_>, Undefined> {
    of_class(scored, 0, of)
}

/// The same, for one class against the others.
pub(super) fn of_class(
    scored: &Scored,
    class: usize,
    of: impl Fn(&Ranking, Weights<'_>, Tally) -> f64 + Send + Sync + 'static,
) -> Result<Prepared<'_>, Undefined> {
    let ranking = scored.ranking(class);
    let name = match scored.task() {
        Task::Binary { classes: [_, positive] } => positive,
        task => &task.classes()[class],
    };
    Ok(Box::new(move |weights| {
        let total = ranking.total(weights);
        match (total.positive, total.negative) {
            (0, _) => undefined(format!("no row is `{}`", name)),
            (_, 0) => undefined(format!("every row is `{}`", name)),
            _ => Ok(of(ranking, weights, total)),
        }
    }))
}
