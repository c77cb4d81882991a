//! The bins of every cell, one byte each, row by row: eight features side by side in one word,
//! so that a histogram is filled eight features at a time and stays in the first-level cache,
//! and all of a row's words side by side, so that a row of a small node is one cache miss.
//! Columns that trees split on are kept once more by themselves, since rows are parted by one feature.
//! A category with more levels than a byte can tell has a column of two bytes a row instead.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use evenstep_exact::frequency::Frequency;
use evenstep_exact::quantile::Distribution;
use evenstep_exact::reduce::{Partial, Workers};
use evenstep_table::{Batch, Column, ColumnName, Kind, NULL_BOOLEAN, NULL_INTEGER, Schema};
use serde::{Deserialize, Serialize};

use super::cuts::{Binning, Levels, bin_of, thresholds};
use super::rows::{self, Piece, Role};

/// The most lanes of a word.
pub(super) const LANES: usize = 8;

/// Words in a cache line.
const LINE_WORDS: usize = 8;

/// The bins of the features that can be split.
#[derive(Debug)]
pub(super) struct Matrix {
    /// Lane `i` is byte `i % in_word` of word `i / in_word` of its row. Before the first row there is
    /// room, so that it begins where a cache line does.
    room: Vec<u64>,
    start: usize,
    /// How many words a row takes, some of them perhaps empty.
    pub(super) stride: usize,
    /// How many lanes a word has: as few as the number of words allows, and in each as many.
    pub(super) in_word: usize,
    /// The feature in each lane.
    pub(super) lanes: Vec<usize>,
    /// The features with columns of their own, and their bins.
    pub(super) wide: Vec<(usize, Vec<u16>)>,
    /// The features, in the order of their names.
    pub(super) features: Vec<Feature>,
    /// The bins of a lane once more, from when it is first split on.
    columns: Vec<OnceLock<Vec<u8>>>,
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
    place: Place,
}

/// Where a feature's bins are kept.
#[derive(Clone, Copy, Debug)]
enum Place {
    Lane(usize),
    Wide(usize),
}

/// The bins of one feature by row.
#[derive(Clone, Copy)]
pub(super) enum Bins<'a> {
    Narrow(&'a [u8]),
    Wide(&'a [u16]),
}

impl Feature {
    /// How many bins rows that are learned from fall into.
    pub(super) fn bins(&self) -> usize {
        self.binning.values() + usize::from(self.has_null)
    }
}

impl Matrix {
    /// The words of all rows.
    #[inline]
    pub(super) fn words(&self) -> &[u64] {
        &self.room[self.start..]
    }

    /// The bin of a feature in a row.
    #[inline]
    pub(super) fn bin(&self, feature: usize, row: usize) -> u16 {
        match self.features[feature].place {
            Place::Lane(at) => u16::from(lane(self.words()[row * self.stride + at / self.in_word], at % self.in_word)),
            Place::Wide(at) => self.wide[at].1[row],
        }
    }

    /// The bins of a feature by row.
    pub(super) fn column(&self, feature: usize) -> Bins<'_> {
        match self.features[feature].place {
            Place::Wide(at) => Bins::Wide(&self.wide[at].1),
            Place::Lane(at) => Bins::Narrow(self.columns[at].get_or_init(|| {
                let words = self.words()[at / self.in_word..].iter().step_by(self.stride);
                words.map(|word| lane(*word, at % self.in_word)).collect()
            })),
        }
    }
}

#[inline]
fn lane(word: u64, lane: usize) -> u8 {
    (word >> (8 * lane)) as u8
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
    let (mut features, mut lanes, mut wide) = (Vec::new(), Vec::new(), 0);
    // As many columns at a time as there are threads: a distribution takes more room than its column.
    for some in names.chunks(workers.count().max(1)) {
        let seen = workers.map(some.to_vec(), |(_, name, kind)| look_at(batches, pieces, roles, name, kind));
        let seen = all_reduce(workers, seen);
        for ((position, name, kind), seen) in some.iter().zip(seen) {
            let has_null = seen.nulls > 0;
            let binning = match kind {
                Kind::Category => Binning::Category(Levels::from_frequency(&seen.levels)),
                _ => Binning::Number(thresholds(&seen.numbers, bins)),
            };
            let empty = seen.numbers.runs().is_empty() && seen.levels.distinct() == 0;
            let place = if binning.last() <= u16::from(u8::MAX) { Place::Lane(lanes.len()) } else { Place::Wide(wide) };
            let feature = Feature { position: *position, name: (*name).clone(), binning, has_null, place };
            if empty || feature.bins() == 1 {
                continue;
            }
            match place {
                Place::Lane(_) => lanes.push(features.len()),
                Place::Wide(_) => wide += 1,
            }
            features.push(feature);
        }
    }
    let rows = roles.len();
    let words = lanes.len().div_ceil(LANES);
    let in_word = lanes.len().div_ceil(words.max(1)).max(1);
    let stride = padded(words);
    let room: Vec<u64> = vec![0; rows * stride + LINE_WORDS];
    let start = room.as_ptr().align_offset(8 * LINE_WORDS).min(LINE_WORDS);
    let is_wide = |at: &usize| matches!(features[*at].place, Place::Wide(_));
    let mut matrix = Matrix {
        room,
        start,
        stride,
        in_word,
        wide: (0..features.len()).filter(is_wide).map(|at| (at, vec![0; rows])).collect(),
        columns: lanes.iter().map(|_| OnceLock::new()).collect(),
        lanes,
        features,
    };
    matrix.fill(workers, batches, pieces);
    matrix
}

/// A row of up to one cache line is made to lie within one.
fn padded(words: usize) -> usize {
    if (1..=LINE_WORDS).contains(&words) { words.next_power_of_two() } else { words }
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
pub(super) fn bins_of_values(levels: &Levels, values: &[Arc<str>]) -> Vec<u16> {
    values.iter().map(|value| levels.bin(value).unwrap_or(levels.unseen())).collect()
}

/// The places of some rows' bins.
struct Places<'a> {
    words: &'a mut [u64],
    wide: Vec<&'a mut [u16]>,
}

impl Matrix {
    fn fill(&mut self, workers: &Workers, batches: &[Batch], pieces: &[Piece]) {
        let Matrix { features, stride, in_word, .. } = &*self;
        let (stride, in_word) = (*stride, *in_word);
        let codes: Vec<Vec<Option<Vec<u16>>>> = workers.map(batches.iter().collect(), |batch| {
            let of = |feature: &Feature| match &feature.binning {
                Binning::Category(levels) => {
                    batch.column(&feature.name).coded().map(|coded| bins_of_values(levels, &coded.values))
                }
                Binning::Number(_) => None,
            };
            features.iter().map(of).collect()
        });
        let mut rest = &mut self.room[self.start..];
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let (words, after) = std::mem::take(&mut rest).split_at_mut(piece.rows.len() * stride);
            rest = after;
            parts.push(Places { words, wide: Vec::new() });
        }
        for (_, column) in &mut self.wide {
            for (part, bins) in parts.iter_mut().zip(rows::split(pieces, column)) {
                part.wide.push(bins);
            }
        }
        let features = &self.features;
        rows::fold(workers, pieces, parts, |piece, places, (): &mut ()| {
            for (feature, codes) in features.iter().zip(&codes[piece.batch]) {
                let column = batches[piece.batch].column(&feature.name);
                fill_piece(feature, codes.as_deref(), column, piece.rows.clone(), (stride, in_word), places);
            }
        });
    }
}

/// Puts some rows of a feature into its bins.
fn fill_piece(
    feature: &Feature,
    codes: Option<&[u16]>,
    column: &Column,
    rows: Range<usize>,
    (stride, in_word): (usize, usize),
    places: &mut Places<'_>,
) {
    let null = feature.binning.null();
    let mut write = |bins: &mut dyn Iterator<Item = u16>| match feature.place {
        Place::Lane(at) => {
            let words = places.words[at / in_word..].iter_mut().step_by(stride);
            words.zip(bins).for_each(|(word, bin)| *word |= u64::from(bin) << (8 * (at % in_word)));
        }
        Place::Wide(at) => places.wide[at].iter_mut().zip(bins).for_each(|(place, bin)| *place = bin),
    };
    match (&feature.binning, codes, column.coded()) {
        (Binning::Category(_), Some(codes), Some(coded)) => {
            write(&mut coded.codes[rows].iter().map(|code| codes.get(*code as usize).copied().unwrap_or(null)));
        }
        (Binning::Number(thresholds), ..) => {
            let bin = |cell: &f64| if cell.is_nan() { null } else { bin_of(thresholds, *cell) };
            write(&mut cells(column, rows).iter().map(bin));
        }
        _ => unreachable!("a category has codes"),
    }
}
