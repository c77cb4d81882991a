//! Sums of gradients, hessians and rows in every bin of a node: integers, so that
//! threads, blocks of rows and machines may share the work in any way.

use std::sync::Mutex;

use evenstep_exact::reduce::{Partial, Workers};
use serde::{Deserialize, Serialize};

use super::matrix::{LANES, Matrix};
use super::quantise::{BLOCK_ROWS, Packing};

/// Fewer updates than this are done faster by one thread than shared.
const SMALL_UPDATES: usize = 1 << 17;

/// Rows whose bins are fetched together: many cache misses at once, then none.
const FETCHED_ROWS: usize = 512;

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
    words: Vec<u64>,
    bins: Vec<u64>,
}

/// Builds histograms of any node of a tree.
pub(super) struct Builder<'a> {
    workers: &'a Workers,
    matrix: &'a Matrix,
    shape: &'a Shape,
    /// Which groups hold a feature that this tree may use.
    active: Vec<bool>,
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
        let active = may_split.chunks(LANES).map(|group| group.contains(&true)).collect();
        Builder { workers, matrix, shape, active, packing, words, scratch: Mutex::default() }
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
            packed: vec![[[0; 256]; LANES]; self.matrix.groups.len()],
            words: Vec::with_capacity(BLOCK_ROWS),
            bins: Vec::with_capacity(FETCHED_ROWS),
        });
        self.pack(rows, &mut scratch);
        self.unpack(&mut scratch, sums);
        self.scratch.lock().expect("a task that panicked ends the fit").push(scratch);
    }

    /// Adds every row's word to its bin of every feature.
    fn pack(&self, rows: &[u32], scratch: &mut Scratch) {
        let Scratch { packed, words, bins } = scratch;
        let first = rows.first().map_or(0, |row| *row as usize);
        let dense = rows.last().is_some_and(|last| *last as usize - first + 1 == rows.len());
        let words = if dense {
            &self.words[first..first + rows.len()]
        } else {
            words.clear();
            words.extend(rows.iter().map(|row| self.words[*row as usize]));
            &words[..]
        };
        for (at, group) in self.matrix.groups.iter().enumerate().filter(|(at, _)| self.active[*at]) {
            let lanes = (self.matrix.features.len() - at * LANES).min(LANES);
            let sums = &mut packed[at];
            if dense {
                add_lanes(lanes, sums, &group[first..first + rows.len()], words);
                continue;
            }
            for (rows, words) in rows.chunks(FETCHED_ROWS).zip(words.chunks(FETCHED_ROWS)) {
                bins.clear();
                bins.extend(rows.iter().map(|row| group[*row as usize]));
                add_lanes(lanes, sums, bins, words);
            }
        }
    }

    /// Adds the packed sums to the wide ones, and leaves zeros.
    fn unpack(&self, scratch: &mut Scratch, sums: &mut Histogram) {
        if sums.0.is_empty() {
            sums.0 = vec![0; self.shape.bytes() / 8];
        }
        let total = self.shape.total();
        let (gradients, rest) = sums.0.split_at_mut(total);
        let (hessians, counts) = rest.split_at_mut(if self.shape.unit_hessian { 0 } else { total });
        for feature in 0..self.matrix.features.len() {
            if !self.active[feature / LANES] {
                continue;
            }
            let bins = self.shape.offsets[feature]..self.shape.offsets[feature + 1];
            let packed = &mut scratch.packed[feature / LANES][feature % LANES][..bins.len()];
            let (gradients, counts) = (&mut gradients[bins.clone()], &mut counts[bins.clone()]);
            if self.shape.unit_hessian {
                for ((word, gradient), count) in packed.iter_mut().zip(gradients).zip(counts) {
                    let [g, _, n] = self.packing.take_apart(std::mem::take(word));
                    *gradient = gradient.wrapping_add(g);
                    *count += n;
                }
            } else {
                let hessians = &mut hessians[bins];
                for (((word, gradient), hessian), count) in packed.iter_mut().zip(gradients).zip(hessians).zip(counts) {
                    let [g, h, n] = self.packing.take_apart(std::mem::take(word));
                    *gradient = gradient.wrapping_add(g);
                    *hessian += h;
                    *count += n;
                }
            }
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
