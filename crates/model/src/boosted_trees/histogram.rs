//! Sums of gradients, hessians and rows in every bin of a node: integers, so that
//! threads, blocks of rows and machines may share the work in any way.

use std::borrow::Cow;
use std::sync::Mutex;

use evenstep_exact::reduce::{Partial, Workers};
use evenstep_exact::simd::{prefetch, widest};
use serde::{Deserialize, Serialize};

use super::matrix::{LANES, Matrix, Share};
use super::quantise::Packing;

/// Fewer updates than this are done faster by one thread than shared.
const SMALL_UPDATES: usize = 1 << 17;

/// How many words of a row are worked on together: the sums of their features almost fit into the first-level cache.
const GROUP: usize = 4;

/// How many rows ahead of their use rows are asked for: from memory, then from the next cache.
const FAR: usize = 32;
const NEAR: usize = 8;

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
    /// Which have rows, in ascending order, if that is known.
    seen: Option<&'a [u16]>,
}

impl Bins<'_> {
    /// Which bins have rows, in ascending order, if they are so few that they were written down.
    pub(super) fn few(&self) -> Option<&[u16]> {
        self.seen
    }

    /// Which bins have rows, in ascending order.
    pub(super) fn seen(&self) -> Cow<'_, [u16]> {
        match self.seen {
            Some(seen) => Cow::Borrowed(seen),
            None => (0..self.len()).filter(|bin| self.rows[*bin] > 0).map(|bin| bin as u16).collect(),
        }
    }

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
            true => Bins { gradients: plane(0), hessians: plane(1), rows: plane(1), seen: None },
            false => Bins { gradients: plane(0), hessians: plane(1), rows: plane(2), seen: None },
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
    gradients: &'a [u32],
    scratch: Mutex<Vec<Scratch>>,
}

impl<'a> Builder<'a> {
    /// A builder for the tree whose rounded gradients are given, of the features for which `may_split` holds.
    pub(super) fn new(
        workers: &'a Workers,
        matrix: &'a Matrix,
        shape: &'a Shape,
        may_split: &[bool],
        packing: Packing,
        gradients: &'a [u32],
    ) -> Builder<'a> {
        let lanes = matrix.lanes.chunks(matrix.in_word).enumerate();
        let may = |lanes: &[Vec<Share>]| lanes.iter().flatten().any(|share| may_split[share.feature]);
        let active = lanes.filter(|(_, lanes)| may(lanes)).map(|(word, _)| word).collect();
        let active_wide = (0..matrix.wide.len()).filter(|at| may_split[matrix.wide[*at].0]).collect();
        Builder { workers, matrix, shape, active, active_wide, packing, gradients, scratch: Mutex::default() }
    }

    /// Of so many rows the packed sums need not be taken apart before the last.
    pub(super) fn block_rows(&self) -> usize {
        self.packing.block_rows()
    }

    /// The histogram of some rows, which ascend.
    pub(super) fn build(&self, rows: &[u32]) -> Histogram {
        let threads = if rows.len() * self.matrix.features.len() < SMALL_UPDATES { 1 } else { self.workers.count() };
        // As many for each thread, and all of one size.
        let count = rows.len().div_ceil(self.packing.block_rows()).next_multiple_of(threads);
        let blocks: Vec<&[u32]> = rows.chunks(rows.len().div_ceil(count.max(1)).max(1)).collect();
        let block = |at: usize, sums: &mut Histogram| self.add_block(blocks[at], sums);
        let mut histogram = match threads {
            1 => self.workers.fold(1, |_, sums| (0..blocks.len()).for_each(|at| block(at, sums))),
            _ => self.workers.fold(blocks.len(), block),
        };
        histogram.0.resize(self.shape.bytes() / 8, 0);
        histogram
    }

    fn add_block(&self, rows: &[u32], sums: &mut Histogram) {
        let taken = self.scratch.lock().expect("a task that panicked ends the fit").pop();
        let mut scratch = taken.unwrap_or_else(|| Scratch {
            packed: vec![[[0; 256]; LANES]; self.active.len()],
            packed_wide: self.active_wide.iter().map(|at| vec![0; self.wide_bins(*at)]).collect(),
        });
        self.pack(rows, &mut scratch);
        self.unpack(&mut scratch, sums);
        self.scratch.lock().expect("a task that panicked ends the fit").push(scratch);
    }

    /// Adds every row's word to its bin of every feature.
    fn pack(&self, rows: &[u32], scratch: &mut Scratch) {
        let groups = self.active.len().div_ceil(GROUP).max(1);
        let size = self.active.len().div_ceil(groups).max(1);
        for (active, sums) in self.active.chunks(size).zip(scratch.packed.chunks_mut(size)) {
            match self.matrix.in_word {
                1 => self.add_group::<1>(active, sums, rows),
                2 => self.add_group::<2>(active, sums, rows),
                3 => self.add_group::<3>(active, sums, rows),
                4 => self.add_group::<4>(active, sums, rows),
                5 => self.add_group::<5>(active, sums, rows),
                6 => self.add_group::<6>(active, sums, rows),
                7 => self.add_group::<7>(active, sums, rows),
                _ => self.add_group::<8>(active, sums, rows),
            }
        }
        for (active, sums) in self.active_wide.iter().zip(&mut scratch.packed_wide) {
            let (_, bins) = &self.matrix.wide[*active];
            for row in rows {
                let sum = &mut sums[usize::from(bins[*row as usize])];
                *sum = sum.wrapping_add(self.packing.spread(self.gradients[*row as usize]));
            }
        }
    }

    /// One loop for each number of words and of lanes in them.
    fn add_group<const USED: usize>(&self, active: &[usize], sums: &mut [[[u64; 256]; LANES]], rows: &[u32]) {
        match *active {
            [a] => self.add::<USED, 1>([a], sums, rows),
            [a, b] => self.add::<USED, 2>([a, b], sums, rows),
            [a, b, c] => self.add::<USED, 3>([a, b, c], sums, rows),
            [a, b, c, d] => self.add::<USED, 4>([a, b, c, d], sums, rows),
            _ => unreachable!("a group has up to {GROUP} words"),
        }
    }

    /// Adds every row's word to its bin of the features in some of a row's words.
    fn add<const USED: usize, const WORDS: usize>(
        &self,
        active: [usize; WORDS],
        sums: &mut [[[u64; 256]; LANES]],
        rows: &[u32],
    ) {
        let sums: &mut [_; WORDS] = sums.try_into().expect("each word has its sums");
        let (stride, all) = (self.matrix.stride, self.matrix.words());
        for (at, row) in rows.iter().enumerate() {
            // Rows lie apart, and no processor guesses where.
            if let Some(row) = rows.get(at + FAR) {
                prefetch::<true, _>(self.gradients, *row as usize);
                prefetch::<true, _>(all, *row as usize * stride + active[0]);
            }
            if let Some(row) = rows.get(at + NEAR) {
                prefetch::<false, _>(self.gradients, *row as usize);
                prefetch::<false, _>(all, *row as usize * stride + active[0]);
            }
            let word = self.packing.spread(self.gradients[*row as usize]);
            let bins = &all[*row as usize * stride..][..stride];
            for (active, sums) in active.iter().zip(&mut *sums) {
                let bins = bins[*active];
                for (lane, sums) in sums[..USED].iter_mut().enumerate() {
                    let sum = &mut sums[usize::from((bins >> (8 * lane)) as u8)];
                    *sum = sum.wrapping_add(word);
                }
            }
        }
    }

    /// How many bins a wide feature's rows fall into.
    fn wide_bins(&self, at: usize) -> usize {
        self.matrix.features[self.matrix.wide[at].0].bins()
    }

    /// Adds the packed sums to the wide ones, and leaves zeros.
    fn unpack(&self, scratch: &mut Scratch, sums: &mut Histogram) {
        if sums.0.is_empty() {
            sums.0 = vec![0; self.shape.bytes() / 8];
        }
        let lanes = self.active.iter().flat_map(|active| {
            let lanes = &self.matrix.lanes[active * self.matrix.in_word..];
            &lanes[..self.matrix.in_word.min(lanes.len())]
        });
        let narrow = scratch.packed.iter_mut().flat_map(|packed| &mut packed[..self.matrix.in_word]);
        let narrow = narrow.map(|packed| &mut packed[..]);
        for (lane, packed) in lanes.zip(narrow) {
            match &lane[..] {
                [one] => self.unpack_feature(one.feature, packed, sums),
                shares => {
                    for share in shares {
                        self.unpack_feature(share.feature, &mut sums_of(share, packed), sums);
                    }
                    packed.fill(0);
                }
            }
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
        let words = packed.iter_mut().zip(gradients).zip(counts).map(|((word, gradient), count)| {
            let [g, h, n] = self.packing.take_apart(std::mem::take(word));
            *gradient = gradient.wrapping_add(g);
            *count = count.wrapping_add(n);
            h
        });
        match self.shape.unit_hessian {
            true => widest!(words.for_each(drop)),
            false => {
                let add = |(h, hessian): (i64, &mut i64)| *hessian = hessian.wrapping_add(h);
                widest!(words.zip(&mut hessians[bins]).for_each(add));
            }
        }
    }
}

/// The sums of single features in a node of few rows, without a histogram of all.
pub(super) struct Few<'a> {
    builder: &'a Builder<'a>,
    packed: Vec<u64>,
    sums: [Vec<i64>; 3],
    seen: Vec<u16>,
}

impl<'a> Few<'a> {
    /// For features of any number of bins.
    pub(super) fn new(builder: &'a Builder<'a>) -> Few<'a> {
        Few { builder, packed: Vec::new(), sums: Default::default(), seen: Vec::new() }
    }

    /// Hands on the sums of one feature over some rows, no more than a block has.
    pub(super) fn feature<R>(&mut self, feature: usize, rows: &[u32], act: impl FnOnce(Bins<'_>) -> R) -> R {
        let Builder { matrix, packing, gradients, .. } = self.builder;
        let bins = matrix.features[feature].bins();
        if self.packed.len() < bins {
            self.packed.resize(bins, 0);
            self.sums.iter_mut().for_each(|sums| sums.resize(bins, 0));
        }
        let mut add = |row: u32, bin: u16| {
            let sum = &mut self.packed[usize::from(bin)];
            // Every row adds to the count, so that 0 means none.
            if *sum == 0 {
                self.seen.push(bin);
            }
            *sum = sum.wrapping_add(packing.spread(gradients[row as usize]));
        };
        match matrix.column(feature) {
            super::matrix::Bins::Narrow(of) => rows.iter().for_each(|row| add(*row, of[*row as usize].into())),
            super::matrix::Bins::Wide(of) => rows.iter().for_each(|row| add(*row, of[*row as usize])),
        }
        self.seen.sort_unstable();
        for bin in &self.seen {
            let bin = usize::from(*bin);
            let sums = packing.take_apart(std::mem::take(&mut self.packed[bin]));
            self.sums.iter_mut().zip(sums).for_each(|(plane, sum)| plane[bin] = sum);
        }
        let [gradients, hessians, counts] = self.sums.each_ref().map(|sums| &sums[..bins]);
        let found = act(Bins { gradients, hessians, rows: counts, seen: Some(&self.seen) });
        for bin in self.seen.drain(..) {
            self.sums.iter_mut().for_each(|plane| plane[usize::from(bin)] = 0);
        }
        found
    }
}

/// The sums of one feature's bins in a lane that it shares.
fn sums_of(share: &Share, packed: &[u64]) -> [u64; 256] {
    let mut sums = [0_u64; 256];
    for packed in packed.chunks(share.stride * share.bins) {
        for (sum, packed) in sums.iter_mut().zip(packed.chunks(share.stride)) {
            *sum = packed.iter().fold(*sum, |sum, word| sum.wrapping_add(*word));
        }
    }
    sums
}
