//! Rows in the order of their scores, for metrics that ask nothing else of a score.

use evenstep_exact::simd::widest;
use evenstep_exact::sort::{from_sortable, radix_sort_by_key, sortable};
use evenstep_table::Task;

use super::weights::{Weights, float};
use super::{Prepared, Scored, Undefined, undefined};

/// Rows by descending score.
#[derive(Debug)]
pub(super) struct Ranking {
    rows: Vec<Ranked>,
    /// The score of each run of equal ones.
    scores: Vec<f64>,
    /// By row: 255 for one of the class, 0 for another.
    of_class: Vec<u8>,
}

/// A row's number; the bits below it say whether it is the last of its score, and whether it is of the class.
#[derive(Clone, Copy, Debug)]
struct Ranked(u64);

impl Ranked {
    #[inline]
    fn row(self) -> usize {
        (self.0 >> 2) as usize
    }

    #[inline]
    fn is_last(self) -> bool {
        self.0 & 2 != 0
    }

    #[inline]
    fn is_positive(self) -> bool {
        self.0 & 1 != 0
    }
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
            scores.enumerate().map(|(row, x)| (!sortable(x), (row as u64) << 2 | u64::from(positive(row)))).collect();
        let of_class = places.iter().map(|(_, row)| if row & 1 == 1 { u8::MAX } else { 0 }).collect();
        radix_sort_by_key(&mut places, |(place, _)| *place);
        let mut ranking = Ranking { rows: Vec::with_capacity(places.len()), scores: Vec::new(), of_class };
        for run in places.chunk_by(|a, b| a.0 == b.0) {
            let bits = run.iter().enumerate().map(|(at, (_, row))| row | if at + 1 == run.len() { 2 } else { 0 });
            ranking.rows.extend(bits.map(Ranked));
            ranking.scores.push(from_sortable(!run[0].0));
        }
        ranking
    }

    /// Every row from the highest score, with whether it is the last of its score.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, bool)> {
        self.rows.iter().map(|row| (row.row(), row.is_last()))
    }

    /// Every run of equal scores that weighs something, from the highest score.
    pub(super) fn runs<'a>(&'a self, weights: Weights<'a>) -> impl Iterator<Item = (f64, Tally)> + 'a {
        let mut rows = self.rows.iter();
        let runs = self.scores.iter().map(move |score| {
            let mut tally = Tally::default();
            for row in rows.by_ref() {
                let units = weights.units(row.row());
                *(if row.is_positive() { &mut tally.positive } else { &mut tally.negative }) += units;
                if row.is_last() {
                    break;
                }
            }
            (*score, tally)
        });
        runs.filter(|(_, tally)| *tally != Tally::default())
    }

    /// Twice the pairs of a row of the class and another that scores less, and once those that score the same.
    /// For rows without weights of their own, of which there are so few that 64 bits hold it: else None.
    pub(super) fn pairs_won(&self, weights: Weights<'_>) -> Option<u64> {
        let few = self.rows.len() < 1 << 28;
        if !few || !weights.units.is_empty() || weights.counts.is_empty() {
            return None;
        }
        let (mut won, mut above, mut positive, mut negative) = (0_u64, 0_u64, 0_u64, 0_u64);
        for row in &self.rows {
            let count = u64::from(weights.counts[row.row()]);
            let of_class = if row.is_positive() { count } else { 0 };
            positive += of_class;
            negative += count - of_class;
            if row.is_last() {
                won += negative * (2 * above + positive);
                above += positive;
                (positive, negative) = (0, 0);
            }
        }
        Some(won)
    }

    /// All rows together.
    pub(super) fn total(&self, weights: Weights<'_>) -> Tally {
        let mut total = Tally::default();
        if weights.units.is_empty() && !weights.counts.is_empty() {
            // As many counts as a sum of 32 bits holds.
            for (counts, of_class) in weights.counts.chunks(1 << 20).zip(self.of_class.chunks(1 << 20)) {
                let rows = counts.iter().zip(of_class);
                let [positive, all] = widest!(rows.fold([0_u32; 2], |[positive, all], (count, of_class)| {
                    [positive + u32::from(count & of_class), all + u32::from(*count)]
                }));
                total.add(Tally { positive: positive.into(), negative: (all - positive).into() });
            }
            return total;
        }
        self.runs(weights).for_each(|(_, tally)| total.add(tally));
        total
    }
}

impl Tally {
    pub(super) fn all(self) -> u128 {
        self.positive + self.negative
    }

    pub(super) fn add(&mut self, other: Tally) {
        self.positive += other.positive;
        self.negative += other.negative;
    }

    /// The share of the class.
    pub(super) fn precision(self) -> f64 {
        float(self.positive) / float(self.all())
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
