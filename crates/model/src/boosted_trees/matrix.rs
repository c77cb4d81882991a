//! The bins of every cell row by row: eight bytes side by side in one word, so that a histogram is
//! filled eight lanes at a time and stays in the first-level cache, and all of a row's words side by
//! side, so that a row of a small node is one cache miss. Features of few bins share a byte: it
//! tells the bins of all of them, and sums over the others' bins are each one's own.
//! Columns are kept once more by themselves, since rows are parted by one feature.
//! A category with more levels than a byte can tell has a column of two bytes a row instead.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use evenstep_exact::frequency::Frequency;
use evenstep_exact::pages::Pages;
use evenstep_exact::quantile::Distribution;
use evenstep_exact::reduce::{Partial, Workers};
use evenstep_table::{Batch, Column, ColumnName, Kind, NULL_BOOLEAN, NULL_INTEGER};
use serde::{Deserialize, Serialize};

use super::Direction;
use super::allowed::key_of;
use super::cuts::{BinLimits, Binning, Levels, thresholds};
use super::growing::Growing;
use super::means::{self, Means};
use super::passes::offsets;
use super::ranks::{Thresholds, ranks};
use super::rows::{self, Piece, Role};
use super::segments::thresholds_of;

/// The most lanes of a word.
pub(super) const LANES: usize = 8;

/// Words in a cache line.
const LINE_WORDS: usize = 8;

/// The bins of the features that can be split.
#[derive(Debug)]
pub(super) struct Matrix {
    /// Lane `i` is byte `i % in_word` of word `i / in_word` of its row. They begin where a cache line
    /// does: with `start`.
    words: Pages<u64>,
    start: usize,
    /// How many words a row takes, some of them perhaps empty.
    pub(super) stride: usize,
    /// How many lanes a word has: as few as the number of words allows, and in each as many.
    pub(super) in_word: usize,
    /// The features in each lane.
    pub(super) lanes: Vec<Vec<Share>>,
    /// The features with columns of their own, and their bins.
    pub(super) wide: Vec<(usize, Vec<u16>)>,
    /// The features, in the order of their names.
    pub(super) features: Vec<Feature>,
    /// The bins of each narrow feature once more, by row.
    columns: Vec<Pages<u8>>,
}

/// A feature's part of a lane, whose byte is the sum of each feature's bin times its stride.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Share {
    pub(super) feature: usize,
    pub(super) stride: usize,
    /// How many bins there are among the rows that are learned from. Another's byte is never read.
    pub(super) bins: usize,
}

/// A feature that has more than one bin.
#[derive(Clone, Debug)]
pub(super) struct Feature {
    /// Its position among the model's features.
    pub(super) position: usize,
    /// Its name.
    pub(super) name: ColumnName,
    /// What its draws are keyed by: its name.
    pub(super) key: u128,
    /// Which way predictions must go as it rises.
    pub(super) monotone: Option<Direction>,
    /// Its bins.
    pub(super) binning: Binning,
    /// Whether a row that is learned from has a null in it.
    pub(super) has_null: bool,
    place: Place,
}

/// Where a feature's bins are kept.
#[derive(Clone, Copy, Debug)]
enum Place {
    Narrow(usize),
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
        &self.words[self.start..]
    }

    /// The bin of a feature in a row.
    #[inline]
    pub(super) fn bin(&self, feature: usize, row: usize) -> u16 {
        match self.features[feature].place {
            Place::Narrow(at) => u16::from(self.columns[at][row]),
            Place::Wide(at) => self.wide[at].1[row],
        }
    }

    /// The bins of a feature by row.
    pub(super) fn column(&self, feature: usize) -> Bins<'_> {
        match self.features[feature].place {
            Place::Wide(at) => Bins::Wide(&self.wide[at].1),
            Place::Narrow(at) => Bins::Narrow(&self.columns[at]),
        }
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

impl Seen {
    fn cut(&self, kind: Kind, bins: BinLimits) -> Option<(Binning, bool)> {
        let binning = match kind {
            Kind::Category => Binning::Category(Levels::from_frequency(&self.levels, bins.min_rows)),
            _ => Binning::Number(thresholds(&self.numbers, bins)),
        };
        let empty = self.numbers.runs().is_empty() && self.levels.distinct() == 0;
        worth_it(binning, empty, self.nulls)
    }
}

/// How cells fall into bins, and whether some are null; None if all fall into one.
fn worth_it(binning: Binning, empty: bool, nulls: u64) -> Option<(Binning, bool)> {
    let has_null = nulls > 0;
    (!empty && binning.values() + usize::from(has_null) > 1).then_some((binning, has_null))
}

/// A column as this process has it: its numbers in any order, or its levels; and how many are null.
#[derive(Default)]
struct Looked {
    numbers: Vec<f64>,
    levels: Frequency<String>,
    nulls: u64,
}

impl Looked {
    fn cut(self, kind: Kind, bins: BinLimits) -> Option<(Binning, bool)> {
        if kind == Kind::Category {
            return self.seen().cut(kind, bins);
        }
        let empty = self.numbers.is_empty();
        worth_it(Binning::Number(thresholds_of(self.numbers, bins)), empty, self.nulls)
    }

    fn seen(self) -> Seen {
        Seen { numbers: Distribution::from_slice(&self.numbers), levels: self.levels, nulls: self.nulls }
    }
}

/// Cuts every feature by the rows that are learned from, and puts every row into its bins.
pub(super) fn build(growing: &Growing<'_>) -> Matrix {
    let Growing { spec, data, pieces, roles, .. } = growing;
    let (workers, batches, schema) = (growing.run.workers, data.batches, data.features);
    let names: Vec<(usize, &ColumnName, Kind)> =
        schema.iter().enumerate().map(|(position, (name, kind))| (position, name, *kind)).collect();
    let (mut features, mut narrow, mut wide) = (Vec::new(), Vec::new(), Vec::new());
    let bins = BinLimits { most: spec.bins as usize, min_rows: u64::from(spec.min_rows_in_bin) };
    let cuts = cut_all(workers, &names, |name, kind| look_at(batches, pieces, roles, name, kind), bins);
    let has_means = |levels: usize| growing.width == 1 && levels > spec.categories.means_above as usize;
    let is_long =
        |cut: &Option<(Binning, bool)>| matches!(cut, Some((Binning::Category(levels), _)) if has_means(levels.count));
    let folds = if cuts.iter().any(is_long) { means::folds(growing) } else { Vec::new() };
    for ((position, name, _), cut) in names.into_iter().zip(cuts) {
        let cut = match cut {
            Some((Binning::Category(levels), _)) if has_means(levels.count) => {
                let means = Means::of(levels, growing, &folds, name, bins);
                worth_it(Binning::Means(Box::new(means)), false, 0)
            }
            cut => cut,
        };
        let Some((binning, has_null)) = cut else { continue };
        let is_narrow = binning.last() <= u16::from(u8::MAX);
        let place = if is_narrow { Place::Narrow(narrow.len()) } else { Place::Wide(wide.len()) };
        if is_narrow { &mut narrow } else { &mut wide }.push(features.len());
        let (key, monotone) = (key_of(name.as_str()), spec.monotone.get(name.as_str()).copied());
        features.push(Feature { position, name: name.clone(), key, monotone, binning, has_null, place });
    }
    let lanes = share_lanes(narrow.iter().map(|at| (*at, features[*at].bins())));
    let rows = roles.len();
    let in_row = lanes.len().div_ceil(LANES);
    let in_word = lanes.len().div_ceil(in_row.max(1)).max(1);
    let stride = padded(in_row);
    let words = Pages::<u64>::zeros(rows * stride + LINE_WORDS);
    let start = words.as_ptr().align_offset(8 * LINE_WORDS).min(LINE_WORDS);
    let mut matrix = Matrix {
        words,
        start,
        stride,
        in_word,
        wide: wide.into_iter().map(|at| (at, vec![0; rows])).collect(),
        columns: narrow.iter().map(|_| Pages::zeros(rows)).collect(),
        lanes,
        features,
    };
    matrix.fill(workers, batches, pieces, &folds);
    matrix
}

/// Cuts every column by what is seen of it. A distribution takes more room than its column, so that no more
/// are held at a time than there are threads.
fn cut_all(
    workers: &Workers,
    columns: &[(usize, &ColumnName, Kind)],
    look_at: impl Fn(&ColumnName, Kind) -> Looked + Sync + Send,
    bins: BinLimits,
) -> Vec<Option<(Binning, bool)>> {
    if workers.are_alone() {
        return workers.map(columns.to_vec(), |(_, name, kind)| look_at(name, kind).cut(kind, bins));
    }
    let mut cuts = Vec::new();
    for some in columns.chunks(workers.count()) {
        let seen = workers.map(some.to_vec(), |(_, name, kind)| look_at(name, kind).seen());
        let seen = seen.into_iter().map(|seen| all_reduce(workers, seen)).zip(some);
        cuts.extend(seen.map(|(seen, (_, _, kind))| seen.cut(*kind, bins)));
    }
    cuts
}

/// Gives features, with their numbers of bins, to lanes: those of most bins first, each to the
/// first lane whose byte can tell its bins, too.
fn share_lanes(features: impl Iterator<Item = (usize, usize)>) -> Vec<Vec<Share>> {
    let mut features: Vec<(usize, usize)> = features.collect();
    features.sort_by_key(|(_, bins)| std::cmp::Reverse(*bins));
    let mut lanes: Vec<(usize, Vec<Share>)> = Vec::new();
    for (feature, bins) in features {
        let lane = match lanes.iter().position(|(values, _)| values * bins <= 256) {
            Some(lane) => lane,
            None => {
                lanes.push((1, Vec::new()));
                lanes.len() - 1
            }
        };
        let (values, shares) = &mut lanes[lane];
        shares.push(Share { feature, stride: *values, bins });
        *values *= bins;
    }
    lanes.into_iter().map(|(_, shares)| shares).collect()
}

/// A row of up to one cache line is made to lie within one.
fn padded(words: usize) -> usize {
    if (1..=LINE_WORDS).contains(&words) { words.next_power_of_two() } else { words }
}

/// Merges with what other processes saw. One column at a time, since these may have another number of threads.
fn all_reduce(workers: &Workers, mine: Seen) -> Seen {
    let mine = Mutex::new(mine);
    workers.fold(1, |_, partial: &mut Seen| {
        *partial = std::mem::take(&mut *mine.lock().expect("one task has no rival"));
    })
}

/// Sees the cells of a column in the rows that are learned from.
fn look_at(batches: &[Batch], pieces: &[Piece], roles: &[Role], name: &ColumnName, kind: Kind) -> Looked {
    let mut seen = Looked::default();
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
        let all = numbers.len();
        numbers.retain(|x| !x.is_nan());
        seen.nulls = (all - numbers.len()) as u64;
        seen.numbers = numbers;
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

/// Rows that are put into their bins together: they stay in the first-level cache.
const BLOCK_ROWS: usize = 512;

/// The places of some rows' bins.
struct Places<'a> {
    words: &'a mut [u64],
    columns: Vec<&'a mut [u8]>,
    wide: Vec<&'a mut [u16]>,
}

impl Matrix {
    fn fill(&mut self, workers: &Workers, batches: &[Batch], pieces: &[Piece], folds: &[u8]) {
        let Matrix { words, start, stride, in_word, lanes, wide, features, columns } = self;
        let (features, lanes, stride, in_word) = (&*features, &*lanes, *stride, *in_word);
        let tables: Vec<Vec<Table>> = workers.map(batches.iter().collect(), |batch| {
            features.iter().map(|feature| Table::of(&feature.binning, batch.column(&feature.name))).collect()
        });
        let mut rest = &mut words[*start..];
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let (words, after) = std::mem::take(&mut rest).split_at_mut(piece.rows.len() * stride);
            rest = after;
            parts.push(Places { words, columns: Vec::new(), wide: Vec::new() });
        }
        for column in columns {
            for (part, bins) in parts.iter_mut().zip(rows::split(pieces, column)) {
                part.columns.push(bins);
            }
        }
        for (_, column) in wide {
            for (part, bins) in parts.iter_mut().zip(rows::split(pieces, column)) {
                part.wide.push(bins);
            }
        }
        let parts = parts.into_iter().zip(offsets(pieces));
        rows::each(workers, pieces, parts, |piece, (mut places, of_piece)| {
            for first in (0..piece.rows.len()).step_by(BLOCK_ROWS) {
                let block = first..(first + BLOCK_ROWS).min(piece.rows.len());
                for (feature, table) in features.iter().zip(&tables[piece.batch]) {
                    let column = batches[piece.batch].column(&feature.name);
                    let cells = piece.rows.start + block.start..piece.rows.start + block.end;
                    let folds = folds.get(of_piece + block.start..of_piece + block.end).unwrap_or_default();
                    match feature.place {
                        Place::Narrow(at) => table.bins(column, cells, folds, &mut places.columns[at][block.clone()]),
                        Place::Wide(at) => table.bins(column, cells, folds, &mut places.wide[at][block.clone()]),
                    }
                }
                let words = &mut places.words[block.start * stride..block.end * stride];
                for (at, shares) in
                    lanes.iter().enumerate().flat_map(|(at, lane)| lane.iter().map(move |one| (at, one)))
                {
                    let Place::Narrow(column) = features[shares.feature].place else { continue };
                    let (last, factor) = ((shares.bins - 1) as u8, (shares.stride as u64) << (8 * (at % in_word)));
                    let words = words[at / in_word..].iter_mut().step_by(stride);
                    let bins = &places.columns[column][block.clone()];
                    words.zip(bins).for_each(|(word, bin)| *word += u64::from(*bin.min(&last)) * factor);
                }
            }
        });
    }
}

/// How the cells of a column of one batch are put into bins.
enum Table<'a> {
    /// Up to 255 thresholds, and the bin of null.
    Few(Thresholds, u16),
    /// Any number of thresholds, and the bin of null.
    Many(Vec<f64>, u16),
    /// The bin of each code, and that of null.
    Codes(Vec<u16>, u16),
    /// The bin of each code, that of null, and what their means are.
    Means(Vec<u16>, u16, &'a Means),
}

impl Table<'_> {
    fn of<'a>(binning: &'a Binning, column: &Column) -> Table<'a> {
        match (binning, column.coded()) {
            (Binning::Number(thresholds), _) if thresholds.len() > 255 => {
                Table::Many(thresholds.clone(), binning.null())
            }
            (Binning::Number(thresholds), _) => Table::Few(Thresholds::new(thresholds), binning.null()),
            (Binning::Category(levels), Some(coded)) => {
                Table::Codes(bins_of_values(levels, &coded.values), levels.null())
            }
            (Binning::Means(means), Some(coded)) => {
                Table::Means(bins_of_values(&means.levels, &coded.values), means.levels.null(), means)
            }
            _ => unreachable!("a category has codes"),
        }
    }

    /// Writes the bins of some cells, whose rows are in these folds.
    fn bins<B: TryFrom<u16>>(&self, column: &Column, rows: Range<usize>, folds: &[u8], out: &mut [B]) {
        let write = |place: &mut B, bin: u16| {
            *place = B::try_from(bin).unwrap_or_else(|_| unreachable!("a feature's place holds its bins"));
        };
        match (self, column.coded()) {
            (Table::Few(thresholds, null), _) => {
                let cells = cells(column, rows);
                let bin = |at: usize, rank: u8| if cells[at].is_nan() { *null } else { u16::from(rank) };
                ranks(thresholds, &cells, |at, rank| write(&mut out[at], bin(at, rank)));
            }
            (Table::Many(thresholds, null), _) => {
                for (place, cell) in out.iter_mut().zip(&*cells(column, rows)) {
                    let bin = thresholds.partition_point(|threshold| threshold < cell) as u16;
                    write(place, if cell.is_nan() { *null } else { bin });
                }
            }
            (Table::Codes(bins, null), Some(coded)) => {
                for (place, code) in out.iter_mut().zip(&coded.codes[rows]) {
                    write(place, bins.get(*code as usize).copied().unwrap_or(*null));
                }
            }
            (Table::Means(bins, null, means), Some(coded)) => {
                for ((place, code), fold) in out.iter_mut().zip(&coded.codes[rows]).zip(folds) {
                    let bin = bins.get(*code as usize).copied().unwrap_or(*null);
                    write(place, means.ranks(*fold)[usize::from(bin)]);
                }
            }
            _ => unreachable!("a category has codes"),
        }
    }
}
