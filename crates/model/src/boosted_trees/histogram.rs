//! Sums of gradients, hessians and rows in every bin of a node: integers, so that
//! threads, blocks of rows and machines may share the work in any way.

use std::sync::Mutex;

use evenstep_exact::reduce::{Partial, Workers};
use evenstep_exact::simd::prefetch;
use serde::{Deserialize, Serialize};

use super::matrix::{LANES, Matrix};
use super::quantise::{BLOCK_ROWS, Packing};

/// Fewer updates than this are done faster by one thread than shared.
const SMALL_UPDATES: usize = 1 << 17;

/// Words that are fetched together: many cache misses at once, then none.
const FETCHED_WORDS: usize = 8192;

/// How many rows ahead of their use rows are asked for.
const AHEAD: usize = 32;

/// Where each feature's bins lie in a histogram.
#[derive(Debug)]
pub(super) struct Shape {
    /// The first bin of each feature, and the number of all bins.
    offsets: Vec<usize>,
    unit_hessian: bool,
}

/// The sums of a node, plane by plane: gradients, then hessians if rows differ in them, then rows.
#[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Histogram(Vec<i64>);

impl Partial for Histogram {
    fn merge(&mut self, other: Histogram) {
        if self.0.is_empty() {
            *self = other;
        } else if !other.0.is_empty() {
            assert_eq!(self.0.len(), other.0.len(), "histograms of one tree have one shape");
            self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine = mine.wrapping_add(theirs));
        }
    }
}

/// The sums of one bin, or of many.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Sums {
    pub(super) gradient: i64,
    pub(super) hessian: i64,
    pub(super) rows: i64,
}

impl std::ops::Add for Sums {
    type Output = Sums;
    #[inline]
    fn add(self, other: Sums) -> Sums {
        Sums {
            gradient: self.gradient + other.gradient,
            hessian: self.hessian + other.hessian,
            rows: self.rows + other.rows,
        }
    }
}

impl std::ops::Sub for Sums {
    type Output = Sums;
    #[inline]
    fn sub(self, other: Sums) -> Sums {
        Sums {
            gradient: self.gradient - other.gradient,
            hessian: self.hessian - other.hessian,
            rows: self.rows - other.rows,
        }
    }
}

/// One feature's part of a histogram.
#[derive(Clone, Copy)]
pub(super) struct Bins<'a> {
    gradients: &'a [i64],
    hessians: &'a [i64],
    rows: &'a [i64],
}

impl Bins<'_> {
    /// How many bins there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The sums of a bin.
    #[inline]
    pub(super) fn at(&self, bin: usize) -> Sums {
        Sums { gradient: self.gradients[bin], hessian: self.hessians[bin], rows: self.rows[bin] }
    }

    /// The sums of all bins.
    pub(super) fn total(&self) -> Sums {
        (0..self.len()).map(|bin| self.at(bin)).fold(Sums::default(), |sum, bin| sum + bin)
    }
}

impl Shape {
    /// The shape of the histograms of a matrix.
    pub(super) fn new(matrix: &Matrix, unit_hessian: bool) -> Shape {
        let mut offsets = vec![0];
        let mut next = 0;
        for feature in &matrix.features {
            next += feature.bins();
            offsets.push(next);
        }
        Shape { offsets, unit_hessian }
    }

    fn total(&self) -> usize {
        self.offsets[self.offsets.len() - 1]
    }

    /// How many bytes a histogram takes.
    pub(super) fn bytes(&self) -> usize {
        8 * self.total() * if self.unit_hessian { 2 } else { 3 }
    }

    /// How many bins there are in all.
    pub(super) fn bins(&self) -> usize {
        self.total()
    }

    /// One feature's part.
    #[inline]
    pub(super) fn feature<'a>(&self, histogram: &'a Histogram, feature: usize) -> Bins<'a> {
        let total = self.total();
        let bins = self.offsets[feature]..self.offsets[feature + 1];
        let plane = |at: usize| &histogram.0[at * total..][bins.clone()];
        match self.unit_hessian {
            true => Bins { gradients: plane(0), hessians: plane(1), rows: plane(1) },
            false => Bins { gradients: plane(0), hessians: plane(1), rows: plane(2) },
        }
    }
}

impl Histogram {
    /// Takes away what a child holds, which leaves the other child.
    pub(super) fn subtract(&mut self, child: &Histogram) {
        assert_eq!(self.0.len(), child.0.len(), "a child has its parent's shape");
        self.0.iter_mut().zip(&child.0).for_each(|(mine, theirs)| *mine = mine.wrapping_sub(*theirs));
    }
}

/// What a thread works with: the packed sums of a block of rows, and what it fetched of them.
struct Scratch {
    packed: Vec<[[u64; 256]; LANES]>,
    packed_wide: Vec<Vec<u64>>,
    words: Vec<u64>,
    bins: Vec<u64>,
}

/// Builds histograms of any node of a tree.
pub(super) struct Builder<'a> {
    workers: &'a Workers,
    matrix: &'a Matrix,
    shape: &'a Shape,
    /// The words of a row that hold a feature that this tree may use.
    active: Vec<usize>,
    /// Which of the wide features this tree may use.
    active_wide: Vec<usize>,
    packing: Packing,
    words: &'a [u64],
    scratch: Mutex<Vec<Scratch>>,
}

impl<'a> Builder<'a> {
    /// A builder for the tree whose gradients are in `words`, of the features for which `may_split` holds.
    pub(super) fn new(
        workers: &'a Workers,
        matrix: &'a Matrix,
        shape: &'a Shape,
        may_split: &[bool],
        packing: Packing,
        words: &'a [u64],
    ) -> Builder<'a> {
        let holds_one = |at: &usize| matrix.lanes[at * LANES..].iter().take(LANES).any(|lane| may_split[*lane]);
        let active = (0..matrix.lanes.len().div_ceil(LANES)).filter(holds_one).collect();
        let active_wide = (0..matrix.wide.len()).filter(|at| may_split[matrix.wide[*at].0]).collect();
        Builder { workers, matrix, shape, active, active_wide, packing, words, scratch: Mutex::default() }
    }

    /// The histogram of some rows, which ascend.
    pub(super) fn build(&self, rows: &[u32]) -> Histogram {
        let blocks: Vec<&[u32]> = rows.chunks(BLOCK_ROWS).collect();
        let block = |at: usize, sums: &mut Histogram| self.add_block(blocks[at], sums);
        let mut histogram = if rows.len() * self.matrix.features.len() < SMALL_UPDATES {
            self.workers.fold(1, |_, sums| (0..blocks.len()).for_each(|at| block(at, sums)))
        } else {
            self.workers.fold(blocks.len(), block)
        };
        histogram.0.resize(self.shape.bytes() / 8, 0);
        histogram
    }

    fn add_block(&self, rows: &[u32], sums: &mut Histogram) {
        let taken = self.scratch.lock().expect("a task that panicked ends the fit").pop();
        let mut scratch = taken.unwrap_or_else(|| Scratch {
            packed: vec![[[0; 256]; LANES]; self.active.len()],
            packed_wide: self.active_wide.iter().map(|at| vec![0; self.wide_bins(*at)]).collect(),
            words: Vec::new(),
            bins: Vec::new(),
        });
        self.pack(rows, &mut scratch);
        self.unpack(&mut scratch, sums);
        self.scratch.lock().expect("a task that panicked ends the fit").push(scratch);
    }

    /// Adds every row's word to its bin of every feature.
    fn pack(&self, rows: &[u32], scratch: &mut Scratch) {
        let Scratch { packed, packed_wide, words, bins } = scratch;
        let most = (FETCHED_WORDS / self.active.len().max(1)).clamp(256, BLOCK_ROWS);
        for rows in rows.chunks(most) {
            bins.resize(self.active.len() * rows.len(), 0);
            words.resize(rows.len(), 0);
            match *self.active {
                [] => self.fetch::<0>(rows, words, bins),
                [0] => self.fetch::<1>(rows, words, bins),
                [0, 1] => self.fetch::<2>(rows, words, bins),
                [0, 1, 2] => self.fetch::<3>(rows, words, bins),
                [0, 1, 2, 3] => self.fetch::<4>(rows, words, bins),
                [0, 1, 2, 3, 4] => self.fetch::<5>(rows, words, bins),
                [0, 1, 2, 3, 4, 5] => self.fetch::<6>(rows, words, bins),
                [0, 1, 2, 3, 4, 5, 6] => self.fetch::<7>(rows, words, bins),
                [0, 1, 2, 3, 4, 5, 6, 7] => self.fetch::<8>(rows, words, bins),
                _ => self.fetch_some(rows, words, bins),
            }
            for ((active, sums), bins) in self.active.iter().zip(packed.iter_mut()).zip(bins.chunks(rows.len())) {
                add_lanes((self.matrix.lanes.len() - active * LANES).min(LANES), sums, bins, words);
            }
            for (active, sums) in self.active_wide.iter().zip(packed_wide.iter_mut()) {
                let (_, bins) = &self.matrix.wide[*active];
                for (row, word) in rows.iter().zip(&*words) {
                    let sum = &mut sums[usize::from(bins[*row as usize])];
                    *sum = sum.wrapping_add(*word);
                }
            }
        }
    }

    /// How many bins a wide feature's rows fall into.
    fn wide_bins(&self, at: usize) -> usize {
        self.matrix.features[self.matrix.wide[at].0].bins()
    }

    /// Copies the gradients of some rows, and the first words of each, each kind by itself.
    fn fetch<const WORDS: usize>(&self, rows: &[u32], words: &mut [u64], bins: &mut [u64]) {
        let (stride, all) = (self.matrix.stride, self.matrix.words());
        let mut chunks = bins.chunks_mut(rows.len());
        let mut places: [&mut [u64]; WORDS] = std::array::from_fn(|_| chunks.next().expect("one for each word"));
        for (at, row) in rows.iter().enumerate() {
            self.ask(rows, at);
            words[at] = self.words[*row as usize];
            let row = &all[*row as usize * stride..][..WORDS];
            for word in 0..WORDS {
                places[word][at] = row[word];
            }
        }
    }

    /// Copies the gradients of some rows, and the active ones of their words, each kind by itself.
    fn fetch_some(&self, rows: &[u32], words: &mut [u64], bins: &mut [u64]) {
        let (stride, all) = (self.matrix.stride, self.matrix.words());
        for (at, row) in rows.iter().enumerate() {
            self.ask(rows, at);
            words[at] = self.words[*row as usize];
            let row = &all[*row as usize * stride..][..stride];
            for (active, place) in self.active.iter().zip(bins[at..].iter_mut().step_by(rows.len())) {
                *place = row[*active];
            }
        }
    }

    /// Asks for the row that comes some rows later: rows lie apart, and no processor guesses where.
    #[inline]
    fn ask(&self, rows: &[u32], at: usize) {
        if let Some(row) = rows.get(at + AHEAD) {
            prefetch(self.words, *row as usize);
            prefetch(self.matrix.words(), *row as usize * self.matrix.stride);
        }
    }

    /// Adds the packed sums to the wide ones, and leaves zeros.
    fn unpack(&self, scratch: &mut Scratch, sums: &mut Histogram) {
        if sums.0.is_empty() {
            sums.0 = vec![0; self.shape.bytes() / 8];
        }
        let lanes = self.active.iter().flat_map(|active| {
            &self.matrix.lanes[active * LANES..][..LANES.min(self.matrix.lanes.len() - active * LANES)]
        });
        let narrow = scratch.packed.iter_mut().flatten().map(|packed| &mut packed[..]);
        for (feature, packed) in lanes.zip(narrow) {
            self.unpack_feature(*feature, packed, sums);
        }
        for (active, packed) in self.active_wide.iter().zip(&mut scratch.packed_wide) {
            self.unpack_feature(self.matrix.wide[*active].0, packed, sums);
        }
    }

    fn unpack_feature(&self, feature: usize, packed: &mut [u64], sums: &mut Histogram) {
        let total = self.shape.total();
        let (gradients, rest) = sums.0.split_at_mut(total);
        let (hessians, counts) = rest.split_at_mut(if self.shape.unit_hessian { 0 } else { total });
        let bins = self.shape.offsets[feature]..self.shape.offsets[feature + 1];
        let (gradients, counts) = (&mut gradients[bins.clone()], &mut counts[bins.clone()]);
        let packed = &mut packed[..gradients.len()];
        if self.shape.unit_hessian {
            for ((word, gradient), count) in packed.iter_mut().zip(gradients).zip(counts) {
                let [g, _, n] = self.packing.take_apart(std::mem::take(word));
                *gradient = gradient.wrapping_add(g);
                *count += n;
            }
            return;
        }
        for (((word, gradient), hessian), count) in
            packed.iter_mut().zip(gradients).zip(&mut hessians[bins]).zip(counts)
        {
            let [g, h, n] = self.packing.take_apart(std::mem::take(word));
            *gradient = gradient.wrapping_add(g);
            *hessian += h;
            *count += n;
        }
    }
}

/// One loop for each number of lanes, so that a last group does no work for features it doesn't have.
fn add_lanes(lanes: usize, sums: &mut [[u64; 256]; LANES], bins: &[u64], words: &[u64]) {
    match lanes {
        1 => add::<1>(sums, bins, words),
        2 => add::<2>(sums, bins, words),
        3 => add::<3>(sums, bins, words),
        4 => add::<4>(sums, bins, words),
        5 => add::<5>(sums, bins, words),
        6 => add::<6>(sums, bins, words),
        7 => add::<7>(sums, bins, words),
        _ => add::<8>(sums, bins, words),
    }
}

#[inline]
fn add<const USED: usize>(sums: &mut [[u64; 256]; LANES], bins: &[u64], words: &[u64]) {
    for (bins, word) in bins.iter().zip(words) {
        for lane in 0..USED {
            let sum = &mut sums[lane][usize::from((bins >> (8 * lane)) as u8)];
            *sum = sum.wrapping_add(*word);
        }
    }
}
