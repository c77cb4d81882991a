//! The bins of every cell, one byte each: eight features side by side in one word a row,
//! so that a histogram is filled eight features at a time, and stays in the first-level cache.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use evenstep_exact::frequency::Frequency;
use evenstep_exact::quantile::Distribution;
use evenstep_exact::reduce::{Partial, Workers};
use evenstep_table::{Batch, Column, ColumnName, Kind, NULL_BOOLEAN, NULL_INTEGER, Schema};
use serde::{Deserialize, Serialize};

use super::cuts::{Binning, Levels, bin_of, thresholds};
use super::rows::{self, Piece, Role};

/// Features in a group.
pub(super) const LANES: usize = 8;

/// The bins of the features that can be split, in groups.
#[derive(Debug)]
pub(super) struct Matrix {
    /// One word a row for each group; feature `i` is byte `i % LANES` of group `i / LANES`.
    pub(super) groups: Vec<Vec<u64>>,
    /// The features in the groups, in the order of their names.
    pub(super) features: Vec<Feature>,
}

/// A feature that has more than one bin.
#[derive(Clone, Debug)]
pub(super) struct Feature {
    /// Its position among the model's features.
    pub(super) position: usize,
    /// Its name.
    pub(super) name: ColumnName,
    /// Its bins.
    pub(super) binning: Binning,
    /// Whether a row that is learned from has a null in it.
    pub(super) has_null: bool,
}

impl Feature {
    /// How many bins rows that are learned from fall into.
    pub(super) fn bins(&self) -> usize {
        self.binning.values() + usize::from(self.has_null)
    }
}

impl Matrix {
    /// The bin of a feature in a row.
    #[inline]
    pub(super) fn bin(&self, feature: usize, row: usize) -> u8 {
        (self.groups[feature / LANES][row] >> (8 * (feature % LANES))) as u8
    }
}

/// What is seen of one column: the values of a number, or the levels of a category; and how many are null.
#[derive(Default, Serialize, Deserialize)]
struct Seen {
    numbers: Distribution,
    levels: Frequency<String>,
    nulls: u64,
}

impl Partial for Seen {
    fn merge(&mut self, other: Seen) {
        self.numbers.merge(other.numbers);
        self.levels.merge(other.levels);
        self.nulls += other.nulls;
    }
}

/// Cuts every feature by the rows that are learned from, and puts every row into its bins.
pub(super) fn build(
    workers: &Workers,
    batches: &[Batch],
    pieces: &[Piece],
    roles: &[Role],
    schema: &Schema,
    bins: usize,
) -> Matrix {
    let names: Vec<(usize, &ColumnName, Kind)> =
        schema.iter().enumerate().map(|(position, (name, kind))| (position, name, *kind)).collect();
    let mut features = Vec::new();
    // As many columns at a time as there are threads: a distribution takes more room than its column.
    for some in names.chunks(workers.count().max(1)) {
        let seen = workers.map(some.to_vec(), |(_, name, kind)| look_at(batches, pieces, roles, name, kind));
        let seen = all_reduce(workers, seen);
        for ((position, name, kind), seen) in some.iter().zip(seen) {
            let has_null = seen.nulls > 0;
            let binning = match kind {
                Kind::Category => Binning::Category(Levels::from_frequency(&seen.levels, bins)),
                _ => Binning::Number(thresholds(&seen.numbers, bins)),
            };
            let empty = seen.numbers.runs().is_empty() && seen.levels.distinct() == 0;
            let feature = Feature { position: *position, name: (*name).clone(), binning, has_null };
            if !empty && feature.bins() > 1 {
                features.push(feature);
            }
        }
    }
    let groups = fill(workers, batches, pieces, &features);
    Matrix { groups, features }
}

/// Merges with what other processes saw.
fn all_reduce(workers: &Workers, mine: Vec<Seen>) -> Vec<Seen> {
    let mine = std::sync::Mutex::new(mine);
    workers.fold(1, |_, partial: &mut Vec<Seen>| {
        *partial = std::mem::take(&mut *mine.lock().expect("one task has no rival"));
    })
}

/// Sees the cells of a column in the rows that are learned from.
fn look_at(batches: &[Batch], pieces: &[Piece], roles: &[Role], name: &ColumnName, kind: Kind) -> Seen {
    let mut seen = Seen::default();
    let all_learned = roles.iter().all(|role| *role == Role::Learned);
    let mut first = 0;
    let mut numbers = Vec::new();
    if kind != Kind::Category {
        numbers.reserve_exact(roles.len());
    }
    for piece in pieces {
        let roles = &roles[first..first + piece.rows.len()];
        first += piece.rows.len();
        let column = batches[piece.batch].column(name);
        let learned = |row: usize| all_learned || roles[row] == Role::Learned;
        match column.coded() {
            Some(coded) => {
                let mut counts = vec![0_u64; coded.values.len()];
                for (row, code) in coded.codes[piece.rows.clone()].iter().enumerate() {
                    if learned(row) {
                        match counts.get_mut(*code as usize) {
                            Some(count) => *count += 1,
                            None => seen.nulls += 1,
                        }
                    }
                }
                for (value, count) in coded.values.iter().zip(counts) {
                    if count > 0 {
                        seen.levels.observe_n((**value).to_owned(), count);
                    }
                }
            }
            None => {
                let cells = cells(column, piece.rows.clone());
                let cells = cells.iter().enumerate().filter(|(row, _)| learned(*row)).map(|(_, cell)| *cell);
                numbers.extend(cells);
            }
        }
    }
    if kind != Kind::Category {
        seen.nulls = numbers.iter().filter(|x| x.is_nan()).count() as u64;
        seen.numbers = Distribution::from_slice(&numbers);
    }
    seen
}

/// Some cells of a numeric column, NaN for null.
pub(super) fn cells(column: &Column, rows: Range<usize>) -> Cow<'_, [f64]> {
    match column {
        Column::Number(cells) => cells[rows].into(),
        Column::Integer(cells) => {
            cells[rows].iter().map(|n| if *n == NULL_INTEGER { f64::NAN } else { *n as f64 }).collect()
        }
        Column::Boolean(cells) => {
            cells[rows].iter().map(|b| if *b == NULL_BOOLEAN { f64::NAN } else { f64::from(*b) }).collect()
        }
        _ => panic!("`check` lets only numeric columns and categories pass"),
    }
}

/// The bin of each of a batch's listed values.
pub(super) fn bins_of_values(levels: &Levels, values: &[Arc<str>]) -> Vec<u8> {
    values.iter().map(|value| levels.bin(value).unwrap_or(levels.unseen())).collect()
}

fn fill(workers: &Workers, batches: &[Batch], pieces: &[Piece], features: &[Feature]) -> Vec<Vec<u64>> {
    let rows: usize = batches.iter().map(Batch::rows).sum();
    let codes: Vec<Vec<Option<Vec<u8>>>> = workers.map(batches.iter().collect(), |batch| {
        let of = |feature: &Feature| match &feature.binning {
            Binning::Category(levels) => {
                batch.column(&feature.name).coded().map(|coded| bins_of_values(levels, &coded.values))
            }
            Binning::Number(_) => None,
        };
        features.iter().map(of).collect()
    });
    let mut groups = vec![vec![0_u64; rows]; features.len().div_ceil(LANES)];
    let mut parts: Vec<Vec<&mut [u64]>> = pieces.iter().map(|_| Vec::new()).collect();
    for group in &mut groups {
        for (part, words) in parts.iter_mut().zip(rows::split(pieces, group)) {
            part.push(words);
        }
    }
    rows::fold(workers, pieces, parts, |piece, words, (): &mut ()| {
        for (at, feature) in features.iter().enumerate() {
            let words = &mut *words[at / LANES];
            let shift = 8 * (at % LANES);
            let null = feature.binning.null();
            let column = batches[piece.batch].column(&feature.name);
            match (&feature.binning, &codes[piece.batch][at]) {
                (Binning::Number(thresholds), _) => {
                    for (word, cell) in words.iter_mut().zip(&*cells(column, piece.rows.clone())) {
                        let bin = if cell.is_nan() { null } else { bin_of(thresholds, *cell) };
                        *word |= u64::from(bin) << shift;
                    }
                }
                (Binning::Category(_), bins) => {
                    let bins = bins.as_ref().expect("a category has codes");
                    let coded = column.coded().expect("a category has codes");
                    for (word, code) in words.iter_mut().zip(&coded.codes[piece.rows.clone()]) {
                        let bin = bins.get(*code as usize).copied().unwrap_or(null);
                        *word |= u64::from(bin) << shift;
                    }
                }
            }
        }
    });
    groups
}
