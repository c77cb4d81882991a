//! Which rows are held out, and which fold a row is in: by its key, so that rows that come
//! later never move the others.

use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::Workers;
use evenstep_table::{Batch, RowKey};

/// The split of a pipeline's rows.
pub struct Split {
    holdout: Draws,
    fraction: f64,
    seed: Seed,
}

impl Split {
    /// Holds out each row with probability `fraction`.
    pub fn new(seed: Seed, fraction: f64) -> Split {
        Split { holdout: Draws::new(seed, "holdout"), fraction, seed }
    }

    /// Whether the row is held out.
    pub fn holds_out(&self, key: &RowKey) -> bool {
        self.holdout.uniform(&key.0) < self.fraction
    }

    /// The rows to learn from, and the rows held out.
    pub fn by_row_key(&self, batches: Vec<Batch>, workers: &Workers) -> (Vec<Batch>, Vec<Batch>) {
        parted(batches, workers, |key| self.holds_out(key))
    }

    /// The rows outside of a fold, and the rows in it.
    pub fn by_fold(
        &self,
        batches: Vec<Batch>,
        (repeat, folds, fold): (u32, u32, u32),
        workers: &Workers,
    ) -> (Vec<Batch>, Vec<Batch>) {
        let draws = Draws::new(self.seed, &format!("fold/{repeat}"));
        parted(batches, workers, |key| draws.fold(&key.0, folds) == fold)
    }
}

/// Rows for which `out` doesn't hold, and rows for which it does; the key is the
/// group's where the spec names a group.
fn parted(batches: Vec<Batch>, workers: &Workers, out: impl Fn(&RowKey) -> bool + Sync) -> (Vec<Batch>, Vec<Batch>) {
    let part = |batch: Batch| {
        let groups = batch.labels.as_ref().map(|labels| labels.group.as_slice()).unwrap_or_default();
        let key = |row: usize| groups.get(row).unwrap_or(&batch.keys[row]);
        let (outside, inside): (Vec<usize>, Vec<usize>) = (0..batch.rows()).partition(|row| out(key(*row)));
        (batch.take(&inside), batch.take(&outside))
    };
    let (mut seen, mut held_out): (Vec<Batch>, Vec<Batch>) = workers.map(batches, part).into_iter().unzip();
    seen.retain(|batch| batch.rows() > 0);
    held_out.retain(|batch| batch.rows() > 0);
    (seen, held_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u128) -> RowKey {
        RowKey((n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).to_le_bytes())
    }

    #[test]
    fn the_split_follows_the_row_key_not_the_position() {
        let split = Split::new(Seed(0), 0.2);
        let keys: Vec<RowKey> = (0..10_000).map(key).collect();
        let out = |batch: Batch| {
            let (_, held_out) = split.by_row_key(vec![batch], &Workers::threads(1));
            let mut keys: Vec<RowKey> = held_out.iter().flat_map(|batch| batch.keys.iter().copied()).collect();
            keys.sort();
            keys
        };
        let forwards = out(Batch::new(keys.clone()));
        let backwards = out(Batch::new(keys.iter().rev().copied().collect()));
        assert_eq!(forwards, backwards);
        assert!((1_800..2_200).contains(&forwards.len()), "{} of 10,000", forwards.len());
    }

    #[test]
    fn each_row_is_in_one_fold_of_each_repeat_and_repeats_differ() {
        let split = Split::new(Seed(0), 0.2);
        let keys: Vec<RowKey> = (0..1_000).map(key).collect();
        let of_fold = |repeat, fold| {
            let (_, inside) = split.by_fold(vec![Batch::new(keys.clone())], (repeat, 5, fold), &Workers::threads(1));
            inside.iter().flat_map(|batch| batch.keys.iter().copied()).collect::<Vec<RowKey>>()
        };
        let mut all: Vec<RowKey> = (0..5).flat_map(|fold| of_fold(0, fold)).collect();
        all.sort();
        let mut sorted = keys.clone();
        sorted.sort();
        assert_eq!(all, sorted);
        assert_ne!(of_fold(0, 0), of_fold(1, 0));
    }
}
