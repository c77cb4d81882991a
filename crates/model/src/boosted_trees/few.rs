//! The sums of single features in a node of few rows: to sum up all bins of all features would take longer.

use super::histogram::{Bins, Builder, Planes};
use super::matrix::Bins as Column;

/// The sums of single features in a node of few rows, without a histogram of all.
pub(super) struct Few<'a> {
    builder: &'a Builder<'a>,
    packed: Vec<i64>,
    seen: Vec<u16>,
}

impl<'a> Few<'a> {
    /// For features of any number of bins.
    pub(super) fn new(builder: &'a Builder<'a>) -> Few<'a> {
        Few { builder, packed: Vec::new(), seen: Vec::new() }
    }

    /// Hands on the sums of one feature over some rows, no more than a block has.
    pub(super) fn feature<R>(&mut self, feature: usize, rows: &[u32], act: impl FnOnce(Bins<'_>) -> R) -> R {
        let Builder { matrix, packing, gradients, .. } = self.builder;
        let bins = matrix.features[feature].bins();
        if self.packed.len() < bins {
            self.packed.resize(bins, 0);
        }
        let mut add = |row: u32, bin: u16| {
            let sum = &mut self.packed[usize::from(bin)];
            // Every row adds to the count, so that 0 means none.
            if *sum == 0 {
                self.seen.push(bin);
            }
            *sum = sum.wrapping_add(packing.spread(gradients[row as usize]) as i64);
        };
        match matrix.column(feature) {
            Column::Narrow(of, None) => rows.iter().for_each(|row| add(*row, of[*row as usize].into())),
            Column::Narrow(of, Some(bins)) => {
                rows.iter().for_each(|row| add(*row, bins[usize::from(of[*row as usize])].into()));
            }
            Column::Wide(of) => rows.iter().for_each(|row| add(*row, of[*row as usize])),
        }
        self.seen.sort_unstable();
        let found = act(Bins { sums: Planes::Packed(&self.packed[..bins], packing), few: Some(&self.seen) });
        for bin in self.seen.drain(..) {
            self.packed[usize::from(bin)] = 0;
        }
        found
    }
}
