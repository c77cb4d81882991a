//! The curvature of a penalised loss, factored, and what it makes of a slope.

use evenstep_exact::reduce::Workers;
use evenstep_table::ColumnName;

use super::gram::Gram;
use super::{Block, Design, dot, power_of_two};

/// What is left of a column, once all before it are taken out, below which it is one of their combinations.
/// A Gram's rounding moves a column by 2^−28, so a step over one that is kept is off by 2^−6 of itself; slopes correct it.
const SINGULAR: f64 = 1.0 / (1_u64 << 44) as f64;

/// How many features a note names.
const SHOWN: usize = 5;

/// `share · XᵀWX + penalties`, as the Cholesky factor L of L·Lᵀ, row by row.
///
/// A column that is a combination of those before it, in canonical order, is left out:
/// its coefficient stays 0, and theirs stand in for it.
pub(crate) struct Curvature {
    factor: Vec<Vec<f64>>,
    /// The standard deviation of each column, but 0 for the ones.
    spread: Vec<f64>,
    left_out: Vec<bool>,
}

impl Curvature {
    /// Sees every row once. Additions run in canonical column order.
    pub(crate) fn of(design: &Design<'_>, workers: &Workers, share: f64, penalties: &[f64]) -> Curvature {
        Curvature::factored(&Gram::of(design, workers), share, penalties)
    }

    /// The same where rows bend the loss as `bend` leaves in place of the first of their scores by some coefficients, in
    /// units of 2^`exponent`, in which the largest is at most 1.
    pub(crate) fn measured(
        design: &Design<'_>,
        workers: &Workers,
        coefficients: &[f64],
        exponent: i32,
        bend: impl Fn(&Block<'_>, &mut [f64]) + Sync,
        penalties: &[f64],
    ) -> Curvature {
        let gram = Gram::weighted(design, workers, coefficients, |block, scores| {
            bend(block, scores);
            scores[..block.rows()].iter_mut().for_each(|bend| *bend *= power_of_two(-exponent));
        });
        Curvature::factored(&gram, power_of_two(exponent), penalties)
    }

    fn factored(gram: &Gram, share: f64, penalties: &[f64]) -> Curvature {
        let width = gram.width();
        assert_eq!(penalties.len(), width, "one penalty a column");
        let spread = (0..width).map(|column| {
            let mean = gram.sum(0, column) / gram.sum(0, 0);
            (gram.sum(column, column) / gram.sum(0, 0) - mean * mean).max(0.0).sqrt()
        });
        let spread = spread.collect();
        let mut factor: Vec<Vec<f64>> = Vec::with_capacity(width);
        let mut left_out = vec![false; width];
        for i in 0..width {
            let mut row = vec![0.0; i + 1];
            let whole = share * gram.sum(i, i) + penalties[i];
            for (j, earlier) in factor.iter().enumerate() {
                if !left_out[j] {
                    row[j] = (share * gram.sum(i, j) - dot(&row[..j], &earlier[..j])) / earlier[j];
                }
            }
            let rest = whole - dot(&row[..i], &row[..i]);
            left_out[i] = rest <= SINGULAR * whole;
            row[i] = rest.max(SINGULAR * whole).sqrt();
            factor.push(row);
        }
        Curvature { factor, spread, left_out }
    }

    /// The step x for which curvature · x = slope.
    pub(crate) fn solve(&self, slope: &[f64]) -> Vec<f64> {
        let width = self.factor.len();
        assert_eq!(slope.len(), width, "one slope a column");
        let mut x = self.half_solve(slope);
        x.iter_mut().zip(&self.left_out).filter(|(_, out)| **out).for_each(|(x, _)| *x = 0.0);
        for i in (0..width).rev().filter(|i| !self.left_out[*i]) {
            x[i] /= self.factor[i][i];
            let known = x[i];
            x[..i].iter_mut().zip(&self.factor[i]).for_each(|(x, factor)| *x -= factor * known);
        }
        x
    }

    /// slope · x for that step: twice what it is to win. A column that is left out counts for what it would win at
    /// the most, which is next to nothing where it is a combination of others.
    pub(crate) fn promise(&self, slope: &[f64]) -> f64 {
        let x = self.half_solve(slope);
        dot(&x, &x)
    }

    /// The x for which L·x = slope. A column that is left out shows in no other's x.
    fn half_solve(&self, slope: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; slope.len()];
        let mut known = x.clone();
        for (i, row) in self.factor.iter().enumerate() {
            let rest = slope[i] - dot(&row[..i], &known[..i]);
            x[i] = if row[i] > 0.0 { rest / row[i] } else { 0.0 };
            known[i] = if self.left_out[i] { 0.0 } else { x[i] };
        }
        x
    }

    /// The standard deviation of each column of the matrix.
    pub(crate) fn spread(&self) -> &[f64] {
        &self.spread
    }

    /// A sentence about the features that were left out, if any, and have no coefficient but 0.
    pub(crate) fn note(&self, design: &Design<'_>, coefficients: &[f64]) -> Option<String> {
        let width = self.left_out.len();
        let idle = |column: usize| coefficients.iter().skip(column).step_by(width).all(|x| *x == 0.0);
        let names: Vec<&ColumnName> = design
            .names()
            .zip(1..)
            .filter(|(_, column)| self.left_out[*column] && idle(*column))
            .map(|(name, _)| name)
            .collect();
        let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
        let shown = match names.len() {
            0 => return None,
            1 => format!("{} is a sum of multiples of other features, so it has no weight of its own", shown[0]),
            some if some <= SHOWN => {
                format!(
                    "{} are sums of multiples of other features, so they have no weights of their own",
                    shown.join(", ")
                )
            }
            more => format!(
                "{} and {} more are sums of multiples of other features, so they have no weights of their own",
                shown.join(", "),
                more - SHOWN
            ),
        };
        Some(format!("{shown}: leave out what is not needed with `drop_columns`, or raise the penalty"))
    }
}
