//! Sums of gradients, hessians and rows in every bin of a node: integers, so that
//! threads, blocks of rows and machines may share the work in any way.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use evenstep_exact::reduce::{Partial, Workers};
use evenstep_exact::simd::{prefetch, widest};
use serde::{Deserialize, Serialize};

use super::matrix::{LANES, Matrix, Share};
use super::quantise::Packing;

/// Fewer updates than this are done faster by one thread than shared.
const SMALL_UPDATES: usize = 1 << 17;

/// From so many words for each thread on these are shared out, and not the rows.
const MANY_WORDS: usize = 8;

/// So many words of rows stay in a cache that is at hand.
const AT_HAND_WORDS: usize = 1 << 16;

/// How many words of a row are worked on together: the sums of their features almost fit into the first-level cache.
const GROUP: usize = 4;

/// How many rows ahead of their use rows are asked for: from memory, then from the next cache.
const FAR: usize = 32;
const NEAR: usize = 8;

/// Where each feature's bins lie in a histogram: those of a word's features together.
#[derive(Debug)]
pub(super) struct Shape {
    /// The bins of each feature.
    ranges: Vec<Range<usize>>,
    /// The first bin of each word's features, and that after the last word's.
    words: Vec<usize>,
    total: usize,
    unit_hessian: bool,
}

/// The sums of a node, plane by plane: gradients, then hessians if rows differ in them, then rows.
#[derive(Default, Debug, Serialize, Deserialize)]
pub(super) struct Histogram {
    sums: Vec<i64>,
    /// Where its room goes when it is done with.
    #[serde(skip)]
    room: Room,
}

/// Room for histograms, used again and again: to be given new room by the system takes longer than to sum up a node.
#[derive(Clone, Default, Debug)]
pub(super) struct Room(Arc<Mutex<Vec<Vec<i64>>>>);

impl Room {
    /// Room for so many sums, which hold anything.
    fn take(&self, length: usize) -> Histogram {
        let spare = self.0.lock().ok().and_then(|mut spare| spare.pop());
        let mut sums = spare.unwrap_or_default();
        sums.resize(length, 0);
        Histogram { sums, room: self.clone() }
    }
}

impl Drop for Histogram {
    fn drop(&mut self) {
        if !self.sums.is_empty()
            && let Ok(mut spare) = self.room.0.lock()
        {
            spare.push(std::mem::take(&mut self.sums));
        }
    }
}

impl Partial for Histogram {
    fn merge(&mut self, other: Histogram) {
        if self.sums.is_empty() {
            *self = other;
        } else if !other.sums.is_empty() {
            assert_eq!(self.sums.len(), other.sums.len(), "histograms of one tree have one shape");
            self.sums.iter_mut().zip(&other.sums).for_each(|(mine, theirs)| *mine = mine.wrapping_add(*theirs));
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
    pub(super) gradients: &'a [i64],
    pub(super) hessians: &'a [i64],
    pub(super) rows: &'a [i64],
    /// Which have rows, in ascending order, if they are so few that they were written down.
    pub(super) few: Option<&'a [u16]>,
}

impl Bins<'_> {
    /// Which bins have rows, in ascending order.
    pub(super) fn seen(&self) -> Cow<'_, [u16]> {
        match self.few {
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
        let mut shape = Shape { ranges: vec![0..0; matrix.features.len()], words: Vec::new(), total: 0, unit_hessian };
        for lanes in matrix.lanes.chunks(matrix.in_word) {
            shape.words.push(shape.total);
            lanes.iter().flatten().for_each(|share| shape.add(matrix, share.feature));
        }
        shape.words.push(shape.total);
        matrix.wide.iter().for_each(|(feature, _)| shape.add(matrix, *feature));
        shape
    }

    fn add(&mut self, matrix: &Matrix, feature: usize) {
        self.ranges[feature] = self.total..self.total + matrix.features[feature].bins();
        self.total = self.ranges[feature].end;
    }

    /// How many bytes a histogram takes.
    pub(super) fn bytes(&self) -> usize {
        8 * self.total * if self.unit_hessian { 2 } else { 3 }
    }

    /// How many bins there are in all.
    pub(super) fn bins(&self) -> usize {
        self.total
    }

    /// One feature's part.
    #[inline]
    pub(super) fn feature<'a>(&self, histogram: &'a Histogram, feature: usize) -> Bins<'a> {
        let plane = |at: usize| &histogram.sums[at * self.total..][self.ranges[feature].clone()];
        match self.unit_hessian {
            true => Bins { gradients: plane(0), hessians: plane(1), rows: plane(1), few: None },
            false => Bins { gradients: plane(0), hessians: plane(1), rows: plane(2), few: None },
        }
    }
}

impl Histogram {
    /// Takes away what a child holds, which leaves the other child.
    pub(super) fn subtract(&mut self, child: &Histogram) {
        assert_eq!(self.sums.len(), child.sums.len(), "a child has its parent's shape");
        self.sums.iter_mut().zip(&child.sums).for_each(|(mine, theirs)| *mine = mine.wrapping_sub(*theirs));
    }
}

/// A part of a histogram's planes: that of some features that lie together.
pub(super) struct Part<'p> {
    /// The first bin.
    first: usize,
    /// Gradients, hessians if rows differ in them, and rows.
    planes: [&'p mut [i64]; 3],
}

impl<'p> Part<'p> {
    /// Cuts off the bins before one.
    fn split_off(&mut self, end: usize) -> Part<'p> {
        let length = end - self.first;
        let planes =
            self.planes.each_mut().map(|plane| plane.split_off_mut(..length.min(plane.len())).unwrap_or_default());
        let part = Part { first: self.first, planes };
        self.first = end;
        part
    }

    fn clear(&mut self) {
        self.planes.iter_mut().for_each(|plane| plane.fill(0));
    }

    fn subtract(&mut self, child: &Part<'_>) {
        for (mine, theirs) in self.planes.iter_mut().zip(&child.planes) {
            mine.iter_mut().zip(theirs.iter()).for_each(|(mine, theirs)| *mine = mine.wrapping_sub(*theirs));
        }
    }

    /// One feature's part.
    pub(super) fn feature(&self, shape: &Shape, feature: usize) -> Bins<'_> {
        let bins = &shape.ranges[feature];
        let plane = |at: usize| &self.planes[at][bins.start - self.first..bins.end - self.first];
        Bins { gradients: plane(0), hessians: plane(if shape.unit_hessian { 2 } else { 1 }), rows: plane(2), few: None }
    }
}

/// What is summed up together: words of the rows, or a feature with a column of its own.
#[derive(Clone, Copy)]
enum Columns<'a> {
    Words(&'a [usize]),
    Wide(usize),
}

/// The packed sums of a group of words, and of a wide feature.
#[derive(Default)]
struct Scratch {
    words: Vec<[[u64; 256]; LANES]>,
    wide: Vec<u64>,
}

/// Builds histograms of any node of a tree.
pub(super) struct Builder<'a> {
    workers: &'a Workers,
    pub(super) matrix: &'a Matrix,
    shape: &'a Shape,
    /// The words of a row that hold a feature that this tree may use.
    active: Vec<usize>,
    /// Which of the wide features this tree may use.
    active_wide: Vec<usize>,
    pub(super) packing: Packing,
    pub(super) gradients: &'a [u32],
    scratch: Mutex<Vec<Scratch>>,
    room: &'a Room,
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
        room: &'a Room,
    ) -> Builder<'a> {
        let lanes = matrix.lanes.chunks(matrix.in_word).enumerate();
        let may = |lanes: &[Vec<Share>]| lanes.iter().flatten().any(|share| may_split[share.feature]);
        let active = lanes.filter(|(_, lanes)| may(lanes)).map(|(word, _)| word).collect();
        let active_wide = (0..matrix.wide.len()).filter(|at| may_split[matrix.wide[*at].0]).collect();
        Builder { workers, matrix, shape, active, active_wide, packing, gradients, scratch: Mutex::default(), room }
    }

    /// Of so many rows the packed sums need not be taken apart before the last.
    pub(super) fn block_rows(&self) -> usize {
        self.packing.block_rows()
    }

    /// The histogram of some rows, which ascend.
    pub(super) fn build(&self, rows: &[u32]) -> Histogram {
        match self.shares_columns(rows.len()) {
            true => self.build_by_columns(rows, None, |_, _, _| ()).0,
            false => self.build_by_rows(rows),
        }
    }

    /// Whether threads had better take columns of so many rows than some of the rows each: then nothing is to be
    /// merged, but all of them look at every row.
    pub(super) fn shares_columns(&self, rows: usize) -> bool {
        let (threads, words) = (self.workers.count(), self.active.len());
        let at_hand = rows * self.matrix.stride <= AT_HAND_WORDS;
        threads > 1
            && self.workers.are_alone()
            && (words >= MANY_WORDS * threads || (at_hand && words + self.active_wide.len() >= threads))
    }

    /// A histogram of nothing.
    fn zeros(&self) -> Histogram {
        let mut histogram = self.room.take(self.shape.bytes() / 8);
        histogram.sums.fill(0);
        histogram
    }

    /// Each thread takes some of the rows.
    fn build_by_rows(&self, rows: &[u32]) -> Histogram {
        let threads = if rows.len() * self.matrix.features.len() < SMALL_UPDATES { 1 } else { self.workers.count() };
        // As many for each thread, and all of one size.
        let count = rows.len().div_ceil(self.block_rows()).next_multiple_of(threads);
        let blocks: Vec<&[u32]> = rows.chunks(rows.len().div_ceil(count.max(1)).max(1)).collect();
        let block = |at: usize, sums: &mut Histogram| {
            if sums.sums.is_empty() {
                *sums = self.zeros();
            }
            let mut part = self.whole(sums);
            self.with_scratch(|scratch| {
                for columns in self.columns(self.active.len()) {
                    self.add(columns, blocks[at], scratch, &mut part);
                }
            });
        };
        let sums = match threads {
            1 => self.workers.fold(1, |_, sums| (0..blocks.len()).for_each(|at| block(at, sums))),
            _ => self.workers.fold(blocks.len(), block),
        };
        if sums.sums.is_empty() { self.zeros() } else { sums }
    }

    /// Each thread takes some of the columns, whose sums lie apart. What the parent holds of them is lessened
    /// by the new sums, and then `act` is told both and the columns' features, which ascend.
    pub(super) fn build_by_columns<R: Send>(
        &self,
        rows: &[u32],
        parent: Option<&mut Histogram>,
        act: impl Fn(&[usize], &Part<'_>, Option<&Part<'_>>) -> R + Sync,
    ) -> (Histogram, Vec<R>) {
        let mut sums = self.room.take(self.shape.bytes() / 8);
        let threads = self.workers.count();
        let shares = if self.active.len() >= MANY_WORDS * threads { 2 * threads } else { threads };
        let columns = self.columns(self.active.len().div_ceil(shares));
        let end = |at: usize| match columns.get(at + 1) {
            Some(Columns::Words(words)) => self.shape.words[words[0]],
            Some(Columns::Wide(at)) => self.shape.ranges[self.matrix.wide[*at].0].start,
            None => self.shape.total,
        };
        let mut mine = self.whole(&mut sums);
        let mut parents = parent.map(|parent| self.whole(parent));
        let part = |at: usize| {
            let parent = parents.as_mut().map(|parents| parents.split_off(end(at)));
            (columns[at], mine.split_off(end(at)), parent)
        };
        let tasks = (0..columns.len()).map(part).collect();
        let found = self.workers.map(tasks, |(columns, mut part, mut parent)| {
            part.clear();
            self.with_scratch(|scratch| {
                for block in rows.chunks(self.block_rows()) {
                    self.add(columns, block, scratch, &mut part);
                }
            });
            if let Some(parent) = &mut parent {
                parent.subtract(&part);
            }
            act(&self.features(columns), &part, parent.as_ref())
        });
        (sums, found)
    }

    /// The features in some columns, in ascending order.
    fn features(&self, columns: Columns<'_>) -> Vec<usize> {
        match columns {
            Columns::Wide(at) => vec![self.matrix.wide[at].0],
            Columns::Words(words) => {
                let lanes = words.iter().flat_map(|word| self.matrix.lanes.chunks(self.matrix.in_word).nth(*word));
                let mut features: Vec<usize> = lanes.flatten().flatten().map(|share| share.feature).collect();
                features.sort_unstable();
                features
            }
        }
    }

    fn whole<'p>(&self, histogram: &'p mut Histogram) -> Part<'p> {
        Part { first: 0, planes: self.planes(&mut histogram.sums) }
    }

    /// The active columns, so many words at a time.
    fn columns(&self, words: usize) -> Vec<Columns<'_>> {
        let wide = self.active_wide.iter().map(|at| Columns::Wide(*at));
        self.active.chunks(words.max(1)).map(Columns::Words).chain(wide).collect()
    }

    /// The planes of a whole histogram; that of hessians is empty where all are 1.
    fn planes<'p>(&self, sums: &'p mut [i64]) -> [&'p mut [i64]; 3] {
        let (gradients, rest) = sums.split_at_mut(self.shape.total);
        let (hessians, counts) = rest.split_at_mut(if self.shape.unit_hessian { 0 } else { self.shape.total });
        [gradients, hessians, counts]
    }

    fn with_scratch(&self, act: impl FnOnce(&mut Scratch)) {
        let lock = || self.scratch.lock().expect("a task that panicked ends the fit");
        let mut scratch = lock().pop().unwrap_or_default();
        act(&mut scratch);
        lock().push(scratch);
    }

    /// Adds every row's word to its bin of the features in some columns. There are no more rows than a block has.
    fn add(&self, columns: Columns<'_>, rows: &[u32], scratch: &mut Scratch, part: &mut Part<'_>) {
        match columns {
            Columns::Words(words) => {
                let groups = words.len().div_ceil(GROUP).max(1);
                let size = words.len().div_ceil(groups).max(1);
                scratch.words.resize(scratch.words.len().max(size), [[0; 256]; LANES]);
                for words in words.chunks(size) {
                    self.add_words(words, &mut scratch.words[..words.len()], rows);
                    for (word, packed) in words.iter().zip(&mut scratch.words) {
                        self.unpack_word(*word, packed, part);
                    }
                }
            }
            Columns::Wide(at) => {
                let (feature, bins) = &self.matrix.wide[at];
                scratch.wide.resize(scratch.wide.len().max(self.matrix.features[*feature].bins()), 0);
                for row in rows {
                    let sum = &mut scratch.wide[usize::from(bins[*row as usize])];
                    *sum = sum.wrapping_add(self.packing.spread(self.gradients[*row as usize]));
                }
                self.unpack_feature(*feature, &mut scratch.wide, part);
            }
        }
    }

    fn add_words(&self, words: &[usize], sums: &mut [[[u64; 256]; LANES]], rows: &[u32]) {
        match self.matrix.in_word {
            1 => self.add_group::<1>(words, sums, rows),
            2 => self.add_group::<2>(words, sums, rows),
            3 => self.add_group::<3>(words, sums, rows),
            4 => self.add_group::<4>(words, sums, rows),
            5 => self.add_group::<5>(words, sums, rows),
            6 => self.add_group::<6>(words, sums, rows),
            7 => self.add_group::<7>(words, sums, rows),
            _ => self.add_group::<8>(words, sums, rows),
        }
    }

    /// One loop for each number of words and of lanes in them.
    fn add_group<const USED: usize>(&self, active: &[usize], sums: &mut [[[u64; 256]; LANES]], rows: &[u32]) {
        match *active {
            [a] => self.add_rows::<USED, 1>([a], sums, rows),
            [a, b] => self.add_rows::<USED, 2>([a, b], sums, rows),
            [a, b, c] => self.add_rows::<USED, 3>([a, b, c], sums, rows),
            [a, b, c, d] => self.add_rows::<USED, 4>([a, b, c, d], sums, rows),
            _ => unreachable!("a group has up to {GROUP} words"),
        }
    }

    /// Adds every row's word to its bin of the features in some of a row's words.
    fn add_rows<const USED: usize, const WORDS: usize>(
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

    /// Adds the packed sums of a word's features to the wide ones, and leaves zeros.
    fn unpack_word(&self, word: usize, packed: &mut [[u64; 256]; LANES], part: &mut Part<'_>) {
        let lanes = &self.matrix.lanes[word * self.matrix.in_word..];
        let lanes = &lanes[..lanes.len().min(self.matrix.in_word)];
        // The last word may have empty lanes, whose bytes are 0.
        packed[lanes.len()..].iter_mut().for_each(|packed| packed[0] = 0);
        for (lane, packed) in lanes.iter().zip(packed) {
            match &lane[..] {
                [one] => self.unpack_feature(one.feature, packed, part),
                shares => {
                    // Feature after feature is summed up and summed out.
                    for share in shares.iter().rev() {
                        self.unpack_feature(share.feature, &mut sums_of(share, packed), part);
                        sum_out(share, packed);
                    }
                    packed.fill(0);
                }
            }
        }
    }

    fn unpack_feature(&self, feature: usize, packed: &mut [u64], part: &mut Part<'_>) {
        let bins = &self.shape.ranges[feature];
        let bins = bins.start - part.first..bins.end - part.first;
        let [gradients, hessians, counts] = &mut part.planes;
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

/// The sums of the bins of the last feature in a lane that it shares: its bins' blocks lie one after the other.
fn sums_of(share: &Share, packed: &[u64]) -> [u64; 256] {
    let mut sums = [0_u64; 256];
    for (sum, packed) in sums.iter_mut().zip(packed.chunks(share.stride).take(share.bins)) {
        *sum = packed.iter().fold(0, |sum, word| sum.wrapping_add(*word));
    }
    sums
}

/// Adds the blocks of the last feature's bins up into the first.
fn sum_out(share: &Share, packed: &mut [u64]) {
    let (first, others) = packed.split_at_mut(share.stride);
    for other in others.chunks(share.stride).take(share.bins - 1) {
        first.iter_mut().zip(other).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
    }
}
