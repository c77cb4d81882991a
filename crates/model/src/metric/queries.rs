//! What metrics of rankings share: the rows of each group by descending score.

use evenstep_exact::maths;
use evenstep_exact::sort::sortable;
use evenstep_exact::sum::ExactSum;

use super::{Prepared, Scored, Undefined, undefined};

/// A group of rows: how relevant each is, by descending score.
pub(super) struct Query {
    relevance: Vec<f64>,
    /// Where each run of equal scores ends.
    ends: Vec<usize>,
}

impl Query {
    /// Each run of equal scores: the position of its first row, from 0, and the relevance of its rows.
    pub(super) fn runs(&self) -> impl Iterator<Item = (usize, &[f64])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| (start, &self.relevance[start..*end]))
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.relevance.len()
    }

    /// How many rows are relevant at all.
    pub(super) fn relevant(&self) -> usize {
        relevant(&self.relevance)
    }

    /// Each run of equal scores: the share of relevant rows among those that score as high, and how many relevant rows
    /// it has among the first `most`, of which rows of equal scores share the last.
    pub(super) fn relevant_within(&self, most: usize) -> impl Iterator<Item = (f64, f64)> {
        self.runs().scan(0, move |found, (start, run)| {
            let here = relevant(run);
            *found += here;
            let within = run.len().min(most.saturating_sub(start));
            Some((*found as f64 / (start + run.len()) as f64, here as f64 * within as f64 / run.len() as f64))
        })
    }

    /// The discounted gain of the first `most` rows, where rows of equal scores share theirs.
    pub(super) fn gain(&self, most: usize) -> f64 {
        let run = |(start, relevance): (usize, &[f64])| {
            let mean = relevance.iter().map(|relevance| gain_of(*relevance)).sum::<f64>() / relevance.len() as f64;
            mean * (start..(start + relevance.len()).min(most)).map(discount).sum::<f64>()
        };
        self.runs().map(run).sum()
    }

    /// The highest discounted gain that an order of the rows could have.
    pub(super) fn best_gain(&self, most: usize) -> f64 {
        best_gain(self.relevance.clone(), most)
    }
}

fn relevant(relevance: &[f64]) -> usize {
    relevance.iter().filter(|relevance| **relevance > 0.0).count()
}

/// The highest discounted gain that an order of rows of this relevance could have in its first rows.
pub(crate) fn best_gain(mut relevance: Vec<f64>, most: usize) -> f64 {
    relevance.sort_by(|a, b| b.total_cmp(a));
    relevance.iter().take(most).enumerate().map(|(at, relevance)| gain_of(*relevance) * discount(at)).sum()
}

/// 2ʳ − 1: a whole number.
pub(crate) fn gain_of(relevance: f64) -> f64 {
    (1_u64 << (relevance as u64).min(62)) as f64 - 1.0
}

/// What a position counts, from 0.
pub(crate) fn discount(at: usize) -> f64 {
    1.0 / maths::log2(at as f64 + 2.0)
}

/// The weighted mean over groups of a number; groups of which it is None are left out. A group weighs what its rows do in the
/// mean.
pub(super) fn mean_over<'a>(scored: &'a Scored, of: impl Fn(&Query) -> Option<f64>) -> Result<Prepared<'a>, Undefined> {
    let mut rows: Vec<usize> = (0..scored.rows()).filter(|row| scored.weights().of(*row) > 0.0).collect();
    let place = |row: &usize| (scored.group(*row), !sortable(scored.prediction(*row)[0]), *row);
    rows.sort_unstable_by_key(place);
    let mut values = Vec::new();
    for group in rows.chunk_by(|a, b| scored.group(*a) == scored.group(*b)) {
        let score = |row: usize| scored.prediction(row)[0];
        let relevance = group.iter().map(|row| scored.target(*row)).collect();
        let runs = group.chunk_by(|a, b| score(*a) == score(*b));
        let ends = runs.scan(0, |end, run| {
            *end += run.len();
            Some(*end)
        });
        let query = Query { relevance, ends: ends.collect() };
        let weight = || mean_weight(group.iter().map(|row| scored.weights().of(*row)));
        values.extend(of(&query).map(|value| (group[0], value, weight())));
    }
    if values.is_empty() {
        return undefined("no group has a relevant row");
    }
    Ok(Box::new(move |weights| {
        let (mut sum, mut total) = (ExactSum::default(), ExactSum::default());
        for (row, value, weight) in &values {
            // A resample holds a group as a whole.
            let weight = weight * f64::from(weights.count(*row));
            sum.add_product(*value, weight);
            total.add(weight);
        }
        sum.divided_by(&total).map_or_else(|| undefined("no group has a weight"), Ok)
    }))
}

/// What a group weighs whose rows have these weights.
pub(crate) fn mean_weight(weights: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count: ExactSum = [weights.len() as f64].into_iter().collect();
    weights.collect::<ExactSum>().divided_by(&count).unwrap_or(0.0)
}
