//! The bins of every cell row by row: eight bytes side by side in one word, so that a histogram is
//! filled eight lanes at a time and stays in the first-level cache, and all of a row's words side by
//! side, so that a row of a small node is one cache miss. Features of few bins share a byte: it
//! tells the bins of all of them, and sums over the others' bins are each one's own.
//! Lanes are kept once more by themselves, since rows are parted by one feature.
//! A category with more levels than a byte can tell has a column of two bytes a row instead.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use evenstep_exact::frequency::Frequency;
use evenstep_exact::quantile::Distribution;
use evenstep_exact::reduce::{Partial, Workers};
use evenstep_table::{Batch, Column, ColumnName, Kind, NULL_BOOLEAN, NULL_INTEGER};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::Direction;
use super::allowed::key_of;
use super::cuts::{BinLimits, Binning, Levels, least_of_bins, thresholds};
use super::growing::Growing;
use super::lanes::{Bundle, Lane, Member, Sampled, bundle, share_lanes};
use super::means::{self, Means};
use super::passes::offsets;
use super::ranks::{Thresholds, ranks};
use super::rows::{self, Piece, Role};
use super::segments::thresholds_of;
use super::words::{LINE_WORDS, Words};

/// So often the first and the last bin of a number are halved.
const TAILS: usize = 8;

/// The most lanes of a word.
pub(super) const LANES: usize = 8;

/// A bin of so many rows is too heavy for a packed sum, unless gradients have fewer bits than as a rule.
const HEAVY_ROWS: usize = 1 << 14;

/// The bins of the features that can be split.
#[derive(Debug)]
pub(super) struct Matrix {
    /// Lane `i` is byte `i % in_word` of word `i / in_word` of its row.
    words: Words,
    /// How many words a row takes, some of them perhaps empty.
    pub(super) stride: usize,
    /// How many lanes a word has: as few as the number of words allows, and in each as many.
    pub(super) in_word: usize,
    /// What each lane tells.
    pub(super) lanes: Vec<Lane>,
    /// The features with columns of their own, and their bins.
    pub(super) wide: Vec<(usize, Vec<u16>)>,
    /// The features, in the order of their names.
    pub(super) features: Vec<Feature>,
    /// The byte of each lane once more, by row.
    columns: Vec<Vec<u8>>,
    /// The bins, by feature and row, that a shared lane cannot tell; of rows that are not learned from.
    apart: FxHashMap<(usize, usize), u16>,
    /// No bin of any feature holds more rows.
    pub(super) heaviest: usize,
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
    /// The least value of each bin of a number, or of a mean, where cuts are drawn between them.
    pub(super) least: Vec<f64>,
    /// Whether a row that is learned from has a null in it.
    pub(super) has_null: bool,
    place: Place,
}

/// Where a feature's bins are kept.
#[derive(Clone, Debug)]
enum Place {
    /// In a lane; if others share it, with the bin that each byte stands for.
    Lane(usize, Option<Box<[u8; 256]>>),
    Wide(usize),
}

/// The bins of one feature by row.
#[derive(Clone, Copy)]
pub(super) enum Bins<'a> {
    /// The bytes of a lane; if others share it, with the bin that each byte stands for.
    Narrow(&'a [u8], Option<&'a [u8; 256]>),
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
        self.words.all()
    }

    /// The bin of a feature in a row.
    #[inline]
    pub(super) fn bin(&self, feature: usize, row: usize) -> u16 {
        match &self.features[feature].place {
            Place::Wide(at) => self.wide[*at].1[row],
            Place::Lane(lane, None) => self.columns[*lane][row].into(),
            Place::Lane(lane, Some(bins)) => match self.apart.get(&(feature, row)) {
                Some(bin) => *bin,
                None => bins[usize::from(self.columns[*lane][row])].into(),
            },
        }
    }

    /// The bins of a feature by row that is learned from.
    pub(super) fn column(&self, feature: usize) -> Bins<'_> {
        match &self.features[feature].place {
            Place::Wide(at) => Bins::Wide(&self.wide[*at].1),
            Place::Lane(lane, bins) => Bins::Narrow(&self.columns[*lane], bins.as_deref()),
        }
    }

    /// How many rows the heaviest bin of any feature holds; all rows, once one is known to be heavy.
    fn count_heaviest(&self, workers: &Workers, rows: usize) -> usize {
        if self.features.iter().any(|feature| rows / feature.bins() >= HEAVY_ROWS) {
            return rows;
        }
        let is_heavy = AtomicBool::new(false);
        let of_feature = |feature: usize| {
            if is_heavy.load(Ordering::Relaxed) {
                return rows;
            }
            let mut counts = vec![0_usize; usize::from(self.features[feature].binning.last()) + 1];
            match self.column(feature) {
                Bins::Narrow(bytes, None) => bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1),
                Bins::Narrow(bytes, Some(bins)) => {
                    bytes.iter().for_each(|byte| counts[usize::from(bins[usize::from(*byte)])] += 1);
                }
                Bins::Wide(bins) => bins.iter().for_each(|bin| counts[usize::from(*bin)] += 1),
            }
            let heaviest = counts.into_iter().max().unwrap_or(rows);
            is_heavy.fetch_or(heaviest >= HEAVY_ROWS, Ordering::Relaxed);
            heaviest
        };
        workers.map((0..self.features.len()).collect(), of_feature).into_iter().max().unwrap_or(rows)
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
    fn cut(&self, kind: Kind, bins: BinLimits, with_least: bool) -> Option<Cut> {
        let binning = match kind {
            Kind::Category => Binning::Category(Arc::new(Levels::from_frequency(&self.levels, bins.min_rows))),
            _ => Binning::Number(thresholds(&self.numbers, bins)),
        };
        let runs = self.numbers.runs();
        let least = match &binning {
            Binning::Number(thresholds) if with_least => least_of_bins(runs, thresholds),
            _ => Vec::new(),
        };
        let empty = runs.is_empty() && self.levels.distinct() == 0;
        Cut::of(binning, least, empty, self.nulls)
    }
}

/// How cells fall into bins, the least of each if it is wanted, and whether some are null.
struct Cut {
    binning: Binning,
    least: Vec<f64>,
    has_null: bool,
}

impl Cut {
    /// None if all cells fall into one bin.
    fn of(binning: Binning, least: Vec<f64>, empty: bool, nulls: u64) -> Option<Cut> {
        let has_null = nulls > 0;
        (!empty && binning.values() + usize::from(has_null) > 1).then_some(Cut { binning, least, has_null })
    }
}

/// A column as this process has it: its numbers in any order, or its levels; and how many are null.
#[derive(Default)]
struct Looked {
    numbers: Vec<f64>,
    levels: Frequency<String>,
    nulls: u64,
}

impl Looked {
    fn cut(self, kind: Kind, bins: BinLimits, with_least: bool) -> Option<Cut> {
        if kind == Kind::Category || bins.tails > 0 || with_least {
            return self.seen().cut(kind, bins, with_least);
        }
        let empty = self.numbers.is_empty();
        Cut::of(Binning::Number(thresholds_of(self.numbers, bins)), Vec::new(), empty, self.nulls)
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
    let (mut features, mut wide) = (Vec::new(), Vec::new());
    let most = spec.bins as usize;
    // A tree of its own can tell apart few rows of extreme values, as later trees don't.
    let tails = if growing.averaged.is_some() { TAILS.min(most / 16) } else { 0 };
    let bins = BinLimits { most, min_rows: u64::from(spec.min_rows_in_bin), tails };
    let with_least = growing.averaged.is_some_and(|averaged| averaged.random_cuts);
    let cuts = cut_all(workers, &names, |name, kind| look_at(batches, pieces, roles, name, kind), bins, with_least);
    let has_means = |levels: usize| growing.width == 1 && levels > spec.categories.means_above as usize;
    let is_long = |cut: &Option<Cut>| matches!(cut, Some(Cut { binning: Binning::Category(levels), .. }) if has_means(levels.count));
    let folds = if cuts.iter().any(is_long) { means::folds(growing) } else { Vec::new() };
    for ((position, name, _), cut) in names.into_iter().zip(cuts) {
        let Some(cut) = cut else { continue };
        // A category of many levels is two features: its means and its levels.
        let of_means = match &cut.binning {
            Binning::Category(levels) if has_means(levels.count) => {
                let (means, least) = Means::of(Arc::clone(levels), growing, &folds, name, bins);
                Cut::of(Binning::Means(Box::new(means)), least, false, 0)
            }
            _ => None,
        };
        let (key, monotone) = (key_of(name.as_str()), spec.monotone.get(name.as_str()).copied());
        for Cut { binning, least, has_null } in of_means.into_iter().chain([cut]) {
            let is_wide = binning.last() > u16::from(u8::MAX);
            // Which lane tells a narrow one is said below.
            let place = if is_wide { Place::Wide(wide.len()) } else { Place::Lane(0, None) };
            if is_wide {
                wide.push(features.len());
            }
            features.push(Feature { position, name: name.clone(), key, monotone, binning, least, has_null, place });
        }
    }
    let tables: Vec<Vec<Table<'_>>> = workers.map(batches.iter().collect(), |batch| {
        features.iter().map(|feature: &Feature| Table::of(&feature.binning, batch.column(&feature.name))).collect()
    });
    let rows = Filling { workers, batches, pieces, roles, folds: &folds, tables: &tables };
    let narrow = features.iter().enumerate().filter(|(_, feature)| matches!(feature.place, Place::Lane(..)));
    let narrow: Vec<Member> = narrow.map(|(at, feature)| Member::lone(at, feature.bins())).collect();
    let mut bundles = if workers.are_alone() { rows.bundles(&features, &narrow) } else { Vec::new() };
    let matrix = loop {
        let bundled: BTreeSet<usize> = bundles.iter().flatten().map(|member| member.feature).collect();
        let lone = narrow.iter().filter(|member| !bundled.contains(&member.feature)).map(|member| vec![*member]);
        let lanes = share_lanes(bundles.iter().cloned().chain(lone));
        let mut matrix = Matrix::of(lanes, &wide, roles.len());
        let clashing = matrix.fill(&rows, &features);
        if clashing.is_empty() {
            break matrix;
        }
        // What some rows promised others do not keep: those features stay by themselves.
        bundles.iter_mut().for_each(|bundle| bundle.retain(|member| !clashing.contains(&member.feature)));
    };
    drop(tables);
    for (at, lane) in matrix.lanes.iter().enumerate() {
        for share in &lane.shares {
            for member in &share.members {
                let bins = lane.alone().is_none().then(|| Lane::bins_of_bytes(share, member));
                features[member.feature].place = Place::Lane(at, bins);
            }
        }
    }
    let matrix = Matrix { features, ..matrix };
    Matrix { heaviest: matrix.count_heaviest(workers, roles.len()), ..matrix }
}

/// Cuts every column by what is seen of it. A distribution takes more room than its column, so that no more
/// are held at a time than there are threads.
fn cut_all(
    workers: &Workers,
    columns: &[(usize, &ColumnName, Kind)],
    look_at: impl Fn(&ColumnName, Kind) -> Looked + Sync + Send,
    bins: BinLimits,
    with_least: bool,
) -> Vec<Option<Cut>> {
    if workers.are_alone() {
        return workers.map(columns.to_vec(), |(_, name, kind)| look_at(name, kind).cut(kind, bins, with_least));
    }
    let mut cuts = Vec::new();
    for some in columns.chunks(workers.count()) {
        let seen = workers.map(some.to_vec(), |(_, name, kind)| look_at(name, kind).seen());
        let seen = seen.into_iter().map(|seen| all_reduce(workers, seen)).zip(some);
        cuts.extend(seen.map(|(seen, (_, _, kind))| seen.cut(*kind, bins, with_least)));
    }
    cuts
}

/// A row of up to one cache line is made to lie within one, and so is each half line of a long row.
fn padded(words: usize) -> usize {
    match words {
        1..=LINE_WORDS => words.next_power_of_two(),
        _ if words >= 4 * LINE_WORDS => words.next_multiple_of(LINE_WORDS / 2),
        _ => words,
    }
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

/// A cell of a numeric column, NaN for null.
#[inline]
pub(super) fn number(column: &Column, row: usize) -> f64 {
    match column {
        Column::Number(cells) => cells[row],
        Column::Integer(cells) if cells[row] == NULL_INTEGER => f64::NAN,
        Column::Integer(cells) => cells[row] as f64,
        Column::Boolean(cells) if cells[row] == NULL_BOOLEAN => f64::NAN,
        Column::Boolean(cells) => f64::from(cells[row]),
        _ => panic!("`check` lets only numeric columns and categories pass"),
    }
}

/// Some cells of a numeric column, NaN for null.
fn cells(column: &Column, rows: Range<usize>) -> Cow<'_, [f64]> {
    match column {
        Column::Number(cells) => cells[rows].into(),
        _ => rows.map(|row| number(column, row)).collect(),
    }
}

/// The bin of each of a batch's listed values.
pub(super) fn bins_of_values(levels: &Levels, values: &[Arc<str>]) -> Vec<u16> {
    values.iter().map(|value| levels.bin_or_unseen(value)).collect()
}

/// Rows that are put into their bins together: they stay in the first-level cache.
const BLOCK_ROWS: usize = 512;

/// The places of some rows' bins.
struct Places<'a> {
    words: &'a mut [u64],
    columns: Vec<&'a mut [u8]>,
    wide: Vec<&'a mut [u16]>,
}

/// The rows that a matrix is filled with.
struct Filling<'a> {
    workers: &'a Workers,
    batches: &'a [Batch],
    pieces: &'a [Piece],
    roles: &'a [Role],
    folds: &'a [u8],
    /// By batch, then by feature.
    tables: &'a [Vec<Table<'a>>],
}

/// So many blocks of rows say which features may be bundled.
const SAMPLED_BLOCKS: usize = 32;

/// A feature of more bins is not bundled.
const BUNDLED_BINS: usize = 64;

impl Filling<'_> {
    /// Writes the bins of a feature in some rows of a piece, which begins with the row `of_piece`.
    fn bins<B: TryFrom<u16>>(
        &self,
        (at, feature): (usize, &Feature),
        (piece, of_piece): (&Piece, usize),
        block: &Range<usize>,
        out: &mut [B],
    ) {
        let column = self.batches[piece.batch].column(&feature.name);
        let cells = piece.rows.start + block.start..piece.rows.start + block.end;
        let folds = self.folds.get(of_piece + block.start..of_piece + block.end).unwrap_or_default();
        self.tables[piece.batch][at].bins(column, cells, folds, out);
    }

    /// The bundles that some rows suggest.
    fn bundles(&self, features: &[Feature], narrow: &[Member]) -> Vec<Bundle> {
        let blocks = self.pieces.iter().zip(offsets(self.pieces)).flat_map(|(piece, first)| {
            let starts = (0..piece.rows.len()).step_by(BLOCK_ROWS);
            starts.map(move |start| (piece, first, start..(start + BLOCK_ROWS).min(piece.rows.len())))
        });
        let blocks: Vec<_> = blocks.collect();
        let every = blocks.len().div_ceil(SAMPLED_BLOCKS).max(1);
        let few: Vec<Member> = narrow.iter().filter(|member| member.bins <= BUNDLED_BINS).copied().collect();
        let sampled = self.workers.map(few, |member| {
            let mut bins = Vec::new();
            for (piece, first, block) in blocks.iter().step_by(every) {
                let mut of_block = vec![0_u8; block.len()];
                self.bins((member.feature, &features[member.feature]), (*piece, *first), block, &mut of_block);
                let roles = &self.roles[first + block.start..][..block.len()];
                let learned = of_block.iter().zip(roles).filter(|(_, role)| **role == Role::Learned);
                bins.extend(learned.map(|(bin, _)| *bin));
            }
            let mut counts = [0_usize; 256];
            bins.iter().for_each(|bin| counts[usize::from(*bin)] += 1);
            let usual = (0..member.bins).max_by_key(|bin| counts[*bin]).unwrap_or(0);
            let of_bits =
                |bins: &[u8]| bins.iter().fold(0, |bits, bin| bits << 1 | u64::from(usize::from(*bin) != usual));
            let is_rare = 4 * (bins.len() - counts[usual]) <= bins.len();
            let unusual = bins.chunks(64).map(of_bits).collect();
            is_rare.then_some(Sampled { member: Member { usual, ..member }, unusual })
        });
        bundle(sampled.into_iter().flatten().collect()).into_iter().filter(|bundle| bundle.len() > 1).collect()
    }
}

impl Matrix {
    /// Room for so many rows.
    fn of(lanes: Vec<Lane>, wide: &[usize], rows: usize) -> Matrix {
        let in_row = lanes.len().div_ceil(LANES);
        let in_word = lanes.len().div_ceil(in_row.max(1)).max(1);
        let stride = padded(in_row);
        Matrix {
            words: Words::zeros(rows * stride),
            stride,
            in_word,
            wide: wide.iter().map(|at| (*at, vec![0; rows])).collect(),
            columns: lanes.iter().map(|_| vec![0; rows]).collect(),
            lanes,
            features: Vec::new(),
            apart: FxHashMap::default(),
            heaviest: rows,
        }
    }

    /// Puts all rows into their bins. Tells the features that are unusual where a companion is.
    fn fill(&mut self, filling: &Filling<'_>, features: &[Feature]) -> BTreeSet<usize> {
        let Matrix { words, stride, in_word, lanes, wide, columns, apart, .. } = self;
        let (lanes, stride, in_word) = (&*lanes, *stride, *in_word);
        let Filling { workers, pieces, roles, .. } = *filling;
        let mut rest = words.all_mut();
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let (words, after) = std::mem::take(&mut rest).split_at_mut(piece.rows.len() * stride);
            rest = after;
            parts.push(Places { words, columns: Vec::new(), wide: Vec::new() });
        }
        for column in columns {
            for (part, bytes) in parts.iter_mut().zip(rows::split(pieces, column)) {
                part.columns.push(bytes);
            }
        }
        let mut wide_features = Vec::new();
        for (feature, column) in wide {
            wide_features.push(*feature);
            for (part, bins) in parts.iter_mut().zip(rows::split(pieces, column)) {
                part.wide.push(bins);
            }
        }
        let parts = parts.into_iter().zip(offsets(pieces));
        let (clashing, apart) = (Mutex::new(BTreeSet::new()), Mutex::new(apart));
        let odd = |feature: usize, row: usize, bin: u8| match roles[row] {
            Role::Learned => {
                clashing.lock().expect("a task that panicked ends the fit").insert(feature);
            }
            _ => {
                apart.lock().expect("a task that panicked ends the fit").insert((feature, row), bin.into());
            }
        };
        rows::each(workers, pieces, parts, |piece, (mut places, of_piece)| {
            for first in (0..piece.rows.len()).step_by(BLOCK_ROWS) {
                let block = first..(first + BLOCK_ROWS).min(piece.rows.len());
                let piece = (piece, of_piece);
                for (feature, bins) in wide_features.iter().zip(&mut places.wide) {
                    filling.bins((*feature, &features[*feature]), piece, &block, &mut bins[block.clone()]);
                }
                let words = &mut places.words[block.start * stride..block.end * stride];
                for (at, (lane, column)) in lanes.iter().zip(&mut places.columns).enumerate() {
                    let bytes = &mut column[block.clone()];
                    match lane.alone() {
                        Some(feature) => filling.bins((feature, &features[feature]), piece, &block, bytes),
                        None => {
                            let bins = |feature: usize, bins: &mut [u8]| {
                                filling.bins((feature, &features[feature]), piece, &block, bins);
                            };
                            lane.fill(bytes, bins, |feature, row, bin| odd(feature, of_piece + block.start + row, bin));
                        }
                    }
                    let words = words[at / in_word..].iter_mut().step_by(stride);
                    words.zip(&*bytes).for_each(|(word, byte)| *word |= u64::from(*byte) << (8 * (at % in_word)));
                }
            }
        });
        clashing.into_inner().expect("a task that panicked ends the fit")
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
