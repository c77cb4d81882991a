//! Categories of many levels, each level taken for the mean target of its rows: sets of levels that are chosen by what a
//! node holds would fit noise. So that no row's own target speaks for it, a row that is learned from sees the means of
//! the rows in other folds, drawn by identity; any other row sees those of all.
//! Sets of levels stay beside them, for what a level changes in how other columns act.
//! Source: Micci-Barreca 2001, "A preprocessing scheme for high-cardinality categorical attributes".

use std::sync::{Arc, OnceLock};

use evenstep_exact::reduce::Partial;
use evenstep_table::ColumnName;
use serde::{Deserialize, Serialize};

use super::bin_set::BinSet;
use super::cuts::{BinLimits, Levels, least_of_bins, thresholds_of_runs};
use super::fixed_point::FixedPoint;
use super::growing::Growing;
use super::matrix::bins_of_values;
use super::passes::offsets;
use super::quantise::{Largest, mix};
use super::rows::{self, Role};

/// Into so many parts the rows that are learned from fall.
const FOLDS: usize = 8;

/// The levels of a category, in the order of their means.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Means {
    pub(super) levels: Arc<Levels>,
    /// Of the means.
    pub(super) thresholds: Vec<f64>,
    /// How many thresholds the mean of each level's bin exceeds, then that of null and that of levels never seen: first
    /// as rows of each fold see it, then as other rows do.
    ranks: Vec<Vec<u16>>,
    /// What goes left of each threshold, once it is asked for: all splits there share it.
    sets: Vec<OnceLock<Arc<BinSet>>>,
}

/// What is seen of a bin's rows in one fold.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Sums {
    rows: u64,
    weight: i128,
    target: i128,
}

impl Partial for Sums {
    fn merge(&mut self, other: Sums) {
        self.rows += other.rows;
        self.weight += other.weight;
        self.target += other.target;
    }
}

impl std::ops::Sub for Sums {
    type Output = Sums;
    fn sub(self, other: Sums) -> Sums {
        Sums { rows: self.rows - other.rows, weight: self.weight - other.weight, target: self.target - other.target }
    }
}

/// The sums of every bin and fold.
#[derive(Default, Serialize, Deserialize)]
struct AllSums(Vec<Sums>);

impl Partial for AllSums {
    fn merge(&mut self, other: AllSums) {
        if self.0.is_empty() {
            *self = other;
        } else {
            self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| mine.merge(theirs));
        }
    }
}

/// The fold of every row; past the last one for those that are not learned from.
pub(super) fn folds(growing: &Growing<'_>) -> Vec<u8> {
    let key = growing.draws.within("category_means").bits(&[0; 16], 0);
    let fold = |seed: u32| ((u128::from(mix(seed, key)) * FOLDS as u128) >> 64) as u8;
    let fold = |(role, seed): (&Role, &u32)| if *role == Role::Learned { fold(*seed) } else { FOLDS as u8 };
    growing.roles.iter().zip(&growing.seeds).map(fold).collect()
}

impl Means {
    /// Takes the mean of every level of a column; and the least mean of each bin.
    pub(super) fn of(
        levels: Arc<Levels>,
        growing: &Growing<'_>,
        folds: &[u8],
        name: &ColumnName,
        bins: BinLimits,
    ) -> (Means, Vec<f64>) {
        let all = levels.count + 2;
        let target = |batch: usize, row: usize| growing.data.batches[batch].training().target[row];
        let weight = |row: usize| growing.weights.get(row).copied().unwrap_or(1.0);
        let largest = rows::fold(
            growing.run.workers,
            &growing.pieces,
            offsets(&growing.pieces),
            |piece, first, largest: &mut Largest| {
                let products = piece.rows.clone().zip(*first..).map(|(at, row)| weight(row) * target(piece.batch, at));
                largest.see(&products.collect::<Vec<f64>>(), &[]);
            },
        );
        let (of_weights, of_targets) = (FixedPoint::below(growing.weight_max), FixedPoint::below(largest.gradient));
        let seen = rows::fold(
            growing.run.workers,
            &growing.pieces,
            offsets(&growing.pieces),
            |piece, first, sums: &mut AllSums| {
                sums.0.resize_with(all * FOLDS, Sums::default);
                let coded = growing.data.batches[piece.batch].column(name).coded().expect("a category has codes");
                let bins = bins_of_values(&levels, &coded.values);
                for (at, row) in piece.rows.clone().zip(*first..).filter(|(_, row)| usize::from(folds[*row]) < FOLDS) {
                    let bin = bins.get(coded.codes[at] as usize).copied().unwrap_or(levels.null());
                    sums.0[usize::from(bin) * FOLDS + usize::from(folds[row])].merge(Sums {
                        rows: 1,
                        weight: of_weights.exact(weight(row)),
                        target: of_targets.exact(weight(row) * target(piece.batch, at)),
                    });
                }
            },
        );

        let total = |cells: &mut dyn Iterator<Item = &Sums>| {
            cells.fold(Sums::default(), |mut sum, cell| {
                sum.merge(*cell);
                sum
            })
        };
        let whole = total(&mut seen.0.iter());
        // A row of the prior weighs as much as one of the others.
        let weight_of_row = of_weights.value(whole.weight) / whole.rows as f64;
        let smoothing = growing.spec.categories.mean_smoothing * weight_of_row;
        // The means of all bins, without the rows of a fold if one is given, and their rows in it.
        let means = |fold: Option<usize>| -> Vec<(f64, u64)> {
            let none = Sums::default();
            let out = |cells: &[Sums]| fold.map_or(none, |fold| cells[fold]);
            let in_fold = fold.map_or(none, |fold| total(&mut seen.0.iter().skip(fold).step_by(FOLDS)));
            let mean = |sums: Sums, smoothing: f64, prior: f64| {
                let weight = of_weights.value(sums.weight) + smoothing;
                if weight > 0.0 { (of_targets.value(sums.target) + smoothing * prior) / weight } else { prior }
            };
            let prior = mean(whole - in_fold, 0.0, 0.0);
            // A level is drawn as far towards the prior without the fold's rows as with them, so that what is learned of
            // its mean holds for that of all its rows.
            let of_bin = |cells: &[Sums]| {
                let (all, out) = (total(&mut cells.iter()), out(cells));
                let kept = of_weights.value((all - out).weight) / of_weights.value(all.weight);
                let smoothing = if kept.is_nan() { smoothing } else { smoothing * kept };
                (mean(all - out, smoothing, prior) + 0.0, out.rows)
            };
            seen.0.chunks_exact(FOLDS).map(of_bin).collect()
        };
        let by_fold: Vec<Vec<(f64, u64)>> = (0..FOLDS).map(|fold| means(Some(fold))).collect();
        let mut runs: Vec<(f64, u64)> = by_fold.iter().flatten().copied().filter(|(_, rows)| *rows > 0).collect();
        runs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let runs: Vec<(f64, u64)> = runs
            .chunk_by(|a, b| a.0 == b.0)
            .map(|equal| (equal[0].0, equal.iter().map(|(_, rows)| rows).sum()))
            .collect();
        let thresholds = thresholds_of_runs(&runs, bins);
        let rank = |(mean, _): (f64, u64)| thresholds.partition_point(|threshold| *threshold < mean) as u16;
        let ranks = by_fold.into_iter().chain([means(None)]).map(|means| means.into_iter().map(rank).collect());
        let sets = vec![OnceLock::new(); thresholds.len() + 1];
        let least = least_of_bins(&runs, &thresholds);
        (Means { ranks: ranks.collect(), levels, thresholds, sets }, least)
    }

    /// The bins of the means of levels, as rows of a fold see them.
    pub(super) fn ranks(&self, fold: u8) -> &[u16] {
        &self.ranks[usize::from(fold)]
    }

    /// The levels' bins whose means fall into bins up to this one.
    pub(super) fn up_to(&self, last: u16) -> Arc<BinSet> {
        let set = || {
            let ranks = self.ranks(FOLDS as u8).iter().zip(0..);
            let bins = ranks.filter(|(rank, _)| **rank <= last).map(|(_, bin)| bin);
            Arc::new(BinSet::of(bins.collect(), self.levels.unseen()))
        };
        Arc::clone(self.sets[usize::from(last)].get_or_init(set))
    }
}
