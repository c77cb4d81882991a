//! Fills each missing value with one drawn from the column's training values.
//!
//! Learns: the pool, which is the multiset of training values, so that frequent ones are drawn often.
//! Of more than 65,536 rows with a value, those are kept whose keyed draw is smallest. The column keeps
//! its type.
//! Exact because the pool is a set chosen by row identity, and sorted; because the draw for a row is a
//! pure function of seed, column and the row's key: the same alone, in a batch, in another order, on
//! another host, and independent for another key. Without a declared id, rows of equal content have
//! equal keys and draw equally. So requests must carry the id.
//! Known as feature-engine `RandomSampleImputer`. Differs: there is no generator whose state depends on
//! the rows before; feature-engine with `seed="general"` fills rows that are sent one by one all alike.

use std::sync::Arc;

use evenstep_exact::reduce::{Next, Partial};
use evenstep_table::{Batch, Kind, RowId};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::kit::{Cell, replace};
use crate::{Columns, EachColumn, Place, StepError};

/// How many values a pool holds at most.
const POOL: usize = 65_536;

/// Fills each missing value with one drawn from the column's training values.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImputeRandomSample {
    /// The columns to fill.
    pub columns: Columns,
}

/// Cells in order, in runs of equal ones: each with how many cells there are up to the end of its run.
#[derive(Default)]
pub struct Pool(Vec<(Cell, usize)>);

impl Pool {
    fn add(&mut self, cell: Cell, count: usize) {
        let before = self.count();
        match self.0.last_mut().filter(|(last, _)| *last == cell) {
            Some((_, end)) => *end += count,
            None if count == 0 => {}
            None => self.0.push((cell, before + count)),
        }
    }

    fn count(&self) -> usize {
        self.0.last().map_or(0, |(_, end)| *end)
    }

    /// The cell at a place among all of them.
    fn get(&self, at: usize) -> &Cell {
        &self.0[self.0.partition_point(|(_, end)| *end <= at)].0
    }
}

/// Rows with a value: those with the smallest draws, and perhaps some more.
#[derive(Default, Serialize, Deserialize)]
pub struct Sample {
    rows: Vec<(u64, RowId, Cell)>,
    /// Above this draw no row can be among the smallest; None while all can.
    limit: Option<u64>,
}

impl Sample {
    fn add(&mut self, draw: u64, row: RowId, cell: impl FnOnce() -> Cell) {
        if self.limit.is_none_or(|limit| draw <= limit) {
            self.rows.push((draw, row, cell()));
            if self.rows.len() >= 2 * POOL {
                self.shrink();
            }
        }
    }

    fn shrink(&mut self) {
        if self.rows.len() > POOL {
            self.rows.select_nth_unstable_by_key(POOL - 1, |(draw, row, _)| (*draw, *row));
            self.rows.truncate(POOL);
            self.limit = Some(self.rows[POOL - 1].0);
        }
    }
}

impl Partial for Sample {
    fn merge(&mut self, other: Sample) {
        self.rows.extend(other.rows);
        self.shrink();
    }
}

impl Serialize for Pool {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut before = 0;
        serializer.collect_seq(self.0.iter().map(|(cell, end)| (cell, end - std::mem::replace(&mut before, *end))))
    }
}

impl<'de> Deserialize<'de> for Pool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pool, D::Error> {
        let mut pool = Pool::default();
        for (cell, count) in Vec::<(Cell, usize)>::deserialize(deserializer)? {
            if count > POOL - pool.count() {
                return Err(serde::de::Error::custom(format!("a pool holds {POOL} values at most")));
            }
            pool.add(cell, count);
        }
        Ok(pool)
    }
}

impl EachColumn for ImputeRandomSample {
    const NAME: &'static str = "impute_random_sample";
    const TAKES: &'static str = "any type";
    type Round = ();
    type Seen = Sample;
    type Learned = Pool;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn takes(_: Kind) -> bool {
        true
    }

    fn start(&self, _: Place<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn observe(&self, place: Place<'_>, (): &(), seen: &mut Sample, batch: &Batch) {
        let draws = place.draws().within("pool");
        let column = place.cells(batch);
        for row in (0..batch.rows()).filter(|row| !column.is_null(*row)) {
            let id = batch.row_id(row);
            let cell = || Cell::of(column, row).expect("the cell is not null");
            seen.add(draws.priority(&id.draw_key()), id, cell);
        }
    }

    fn next(&self, place: Place<'_>, (): (), mut seen: Sample) -> Result<Next<(), Pool>, StepError> {
        seen.shrink();
        let mut cells: Vec<Cell> = seen.rows.into_iter().map(|(_, _, cell)| cell).collect();
        cells.sort_by(Cell::order);
        if cells.is_empty() {
            return Err(place.no_value());
        }
        let mut pool = Pool::default();
        cells.into_iter().for_each(|cell| pool.add(cell, 1));
        Ok(Next::Done(pool))
    }

    fn apply(&self, place: Place<'_>, pool: &Pool, batch: &mut Batch) -> Result<(), StepError> {
        let draws = place.draws();
        let keys = Arc::clone(&batch.keys);
        replace(batch, place.column, |mut column| {
            let count = pool.count() as u64;
            Cell::fill(&mut column, |row| pool.get(draws.below(&keys[row].0, count) as usize));
            Ok(column)
        })
    }

    fn accepts(&self, place: Place<'_>, pool: &Pool) -> bool {
        pool.count() > 0 && pool.0.iter().all(|(cell, _)| cell.fits(place.kind()))
    }

    fn draws_when_applied(&self) -> bool {
        true
    }

    fn example() -> ImputeRandomSample {
        ImputeRandomSample { columns: Columns::named(["age", "city"]) }
    }
}

#[cfg(test)]
mod tests {
    use evenstep_table::{Column, RowKey};

    use super::*;
    use crate::testing::{batch, fit, numbers};

    fn filled(ids: &[u8], cells: &[Option<f64>]) -> Vec<f64> {
        let training: Vec<Option<f64>> = (0..100).map(|i| Some(f64::from(i))).collect();
        let step = ImputeRandomSample { columns: Columns::named(["x"]) };
        let fitted = fit(step, &[("x", numbers(&training))]).expect("it fits");
        let mut live = batch(&[("x", numbers(cells))]);
        live.keys = Arc::new(ids.iter().map(|id| RowKey([*id; 16])).collect());
        let after = fitted.apply(live).expect("it applies");
        let Some(Column::Number(cells)) = after.get("x") else { panic!("numbers stay numbers") };
        cells.clone()
    }

    #[test]
    fn a_batch_of_eight_is_eight_single_rows_and_the_shuffled_batch() {
        let ids = [1, 2, 3, 4, 5, 6, 7, 8];
        let together = filled(&ids, &[None; 8]);
        let single: Vec<f64> = ids.iter().flat_map(|id| filled(&[*id], &[None])).collect();
        let mut backwards = filled(&[8, 7, 6, 5, 4, 3, 2, 1], &[None; 8]);
        backwards.reverse();
        assert_eq!(together, single);
        assert_eq!(together, backwards);
        let mut distinct = together.clone();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        assert!(distinct.len() > 4, "equal content with another id draws independently: {together:?}");
    }

    #[test]
    fn a_pool_is_capped_by_row_identity_whatever_the_order() {
        let rows = 3 * POOL as u32;
        let sample = |order: &mut dyn Iterator<Item = u32>| {
            let mut sample = Sample::default();
            for i in order {
                let id = RowId(RowKey(u128::from(i).to_le_bytes()), 0);
                sample.add(u64::from(i.wrapping_mul(2_654_435_761)), id, || Cell::Integer(i.into()));
            }
            sample.shrink();
            let mut rows: Vec<RowId> = sample.rows.into_iter().map(|(_, row, _)| row).collect();
            rows.sort();
            rows
        };
        let forwards = sample(&mut (0..rows));
        assert_eq!(forwards.len(), POOL);
        assert_eq!(forwards, sample(&mut (0..rows).rev()));
    }

    #[test]
    fn a_pool_is_as_large_as_its_runs_and_gives_each_cell_as_often_as_it_was_there() {
        let text = r#"[[{"integer":1},3],[{"integer":2},65532],[{"integer":3},1]]"#;
        let pool: Pool = serde_json::from_str(text).expect("a pool");
        assert_eq!((pool.0.len(), pool.count()), (3, POOL));
        let of = |at| match pool.get(at) {
            Cell::Integer(cell) => *cell,
            _ => panic!("integers"),
        };
        assert_eq!([0, 2, 3, 65_534, 65_535].map(of), [1, 1, 2, 2, 3]);
        assert_eq!(serde_json::to_string(&pool).expect("plain data"), text);
    }

    #[test]
    fn a_pool_of_absurd_size_is_refused_before_it_is_laid_out() {
        let refused = serde_json::from_str::<Pool>(r#"[[{"integer":1},65536],[{"integer":2},1]]"#);
        assert!(refused.is_err());
        assert!(serde_json::from_str::<Pool>(r#"[[{"integer":1},18446744073709551615]]"#).is_err());
    }
}
