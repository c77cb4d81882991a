//! Builds histograms: sums up rows in every bin, by many threads, in the order that caches like.

use std::ops::Range;
use std::sync::Mutex;

use evenstep_exact::reduce::Workers;
use evenstep_exact::simd::widest;

use super::super::lanes::{Lane, Share};
use super::super::matrix::{LANES, Matrix};
use super::super::quantise::Packing;
use super::updates::{GROUP, Updates};
use super::{Bins, Form, Histogram, Part, Planes, Rest, Room, Shape};

/// Fewer updates than this are done faster by one thread than shared.
const SMALL_UPDATES: usize = 1 << 17;

/// From so many words for each thread on these are shared out, and not the rows.
const MANY_WORDS: usize = 8;

/// So many rows are added by one thread at a time, where packed sums hold them.
const BLOCK_ROWS: usize = 1 << 16;

/// So many words of rows stay in a cache that is at hand.
const AT_HAND_WORDS: usize = 1 << 16;

/// How many wide features are worked on together, if they have no more bins than stay at hand.
const WIDE_GROUP: usize = 4;
const WIDE_BINS: usize = 1 << 15;

/// What is summed up together: words of the rows, or features with columns of their own.
#[derive(Clone, Copy)]
enum Columns<'a> {
    Words(&'a [usize]),
    Wide(&'a [usize]),
}

impl<'a> Columns<'a> {
    /// As many words at a time as are worked on together.
    fn groups(self) -> Vec<Columns<'a>> {
        match self {
            Columns::Wide(_) => vec![self],
            Columns::Words(words) => {
                let groups = words.len().div_ceil(GROUP).max(1);
                words.chunks(words.len().div_ceil(groups).max(1)).map(Columns::Words).collect()
            }
        }
    }
}

/// The two children of a node: that with fewer rows, and the other if it is known.
pub(in crate::boosted_trees) type Children = (Histogram, Option<Histogram>);

/// The packed sums of a group of words, and of wide features.
#[derive(Default)]
struct Scratch {
    words: Vec<[[u64; 256]; LANES]>,
    /// The words of some rows.
    spread: Vec<u64>,
    wide: [Vec<u64>; WIDE_GROUP],
}

/// Builds histograms of any node of a tree.
pub(in crate::boosted_trees) struct Builder<'a> {
    workers: &'a Workers,
    pub(in crate::boosted_trees) matrix: &'a Matrix,
    shape: &'a Shape,
    /// The words of a row that hold a feature that this tree may use.
    active: Vec<usize>,
    /// Which of the wide features this tree may use, those together that are summed up together.
    active_wide: Vec<Vec<usize>>,
    pub(in crate::boosted_trees) packing: Packing,
    pub(in crate::boosted_trees) gradients: &'a [u32],
    scratch: Mutex<Vec<Scratch>>,
    room: &'a Room,
}

impl<'a> Builder<'a> {
    /// A builder for the tree whose rounded gradients are given, of the features for which `may_split` holds.
    pub(in crate::boosted_trees) fn new(
        workers: &'a Workers,
        matrix: &'a Matrix,
        shape: &'a Shape,
        may_split: &[bool],
        packing: Packing,
        gradients: &'a [u32],
        room: &'a Room,
    ) -> Builder<'a> {
        let lanes = matrix.lanes.chunks(matrix.in_word).enumerate();
        let may = |lanes: &[Lane]| lanes.iter().flat_map(Lane::features).any(|feature| may_split[feature]);
        let active = lanes.filter(|(_, lanes)| may(lanes)).map(|(word, _)| word).collect();
        let wide: Vec<usize> = (0..matrix.wide.len()).filter(|at| may_split[matrix.wide[*at].0]).collect();
        let active_wide = wide_groups(matrix, &wide, workers.count());
        Builder { workers, matrix, shape, active, active_wide, packing, gradients, scratch: Mutex::default(), room }
    }

    /// Of so many rows the packed sums need not be taken apart before the last.
    fn block_rows(&self) -> usize {
        if self.bins_are_light() { BLOCK_ROWS } else { self.packing.block_rows() }
    }

    /// Whether a packed sum holds each bin of all rows.
    fn bins_are_light(&self) -> bool {
        self.workers.are_alone() && self.matrix.heaviest <= self.packing.block_rows()
    }

    /// In which form the sums of so many rows are kept.
    pub(in crate::boosted_trees) fn form(&self, rows: i64) -> Form {
        let is_packed = rows <= self.packing.block_rows() as i64 || self.bins_are_light();
        if is_packed { Form::Packed } else { Form::Apart }
    }

    /// One feature's part of a histogram.
    pub(in crate::boosted_trees) fn feature<'h>(&'h self, histogram: &'h Histogram, feature: usize) -> Bins<'h> {
        let bins = &self.shape.ranges[feature];
        let plane = |at: usize| &histogram.sums[at * self.shape.total..][bins.clone()];
        let sums = match (histogram.form, self.shape.unit_hessian) {
            (Form::Packed, _) => Planes::Packed(plane(0), &self.packing),
            (Form::Apart, true) => Planes::Apart([plane(0), plane(1), plane(1)]),
            (Form::Apart, false) => Planes::Apart([plane(0), plane(1), plane(2)]),
        };
        Bins { sums, few: None }
    }

    /// One feature's part of a part.
    pub(in crate::boosted_trees) fn feature_of<'h>(&'h self, part: &'h Part<'_>, feature: usize) -> Bins<'h> {
        let bins = &self.shape.ranges[feature];
        let plane = |at: usize| &part.planes[at][bins.start - part.first..bins.end - part.first];
        let sums = match (part.form, self.shape.unit_hessian) {
            (Form::Packed, _) => Planes::Packed(plane(0), &self.packing),
            (Form::Apart, true) => Planes::Apart([plane(0), plane(2), plane(2)]),
            (Form::Apart, false) => Planes::Apart([plane(0), plane(1), plane(2)]),
        };
        Bins { sums, few: None }
    }

    /// The histogram of some rows, which ascend, in a form that holds them.
    pub(in crate::boosted_trees) fn build(&self, rows: &[u32], form: Form) -> Histogram {
        match self.shares_columns(rows.len()) {
            true => self.build_by_columns(rows, form, None, |(), _, _, _| ()).0.0,
            false => self.build_by_rows(rows, form),
        }
    }

    /// What a child leaves of its parent's histogram, in a form that holds it.
    pub(in crate::boosted_trees) fn rest(&self, mut parent: Histogram, child: &mut Histogram, form: Form) -> Histogram {
        let all = 0..self.shape.total;
        let mut packed = (form != parent.form).then(|| self.room.take(form, self.shape.length(form)));
        let whole = packed.as_mut().map(|packed| self.whole(packed));
        Rest { parent: self.whole(&mut parent), packed: whole }.subtract(&all, &self.whole(child), &self.packing);
        packed.unwrap_or(parent)
    }

    /// Whether threads had better take columns of so many rows than some of the rows each: then nothing is to be
    /// merged, but all of them look at every row.
    pub(in crate::boosted_trees) fn shares_columns(&self, rows: usize) -> bool {
        let (threads, words) = (self.workers.count(), self.active.len());
        let at_hand = rows * self.matrix.stride <= AT_HAND_WORDS;
        self.workers.are_alone()
            && (threads == 1 || words >= MANY_WORDS * threads || (at_hand && words + self.active_wide.len() >= threads))
    }

    /// A histogram of nothing.
    fn zeros(&self, form: Form) -> Histogram {
        let mut histogram = self.room.take(form, self.shape.length(form));
        histogram.sums.fill(0);
        histogram
    }

    /// Each thread takes some of the rows.
    fn build_by_rows(&self, rows: &[u32], form: Form) -> Histogram {
        let threads = if rows.len() * self.matrix.features.len() < SMALL_UPDATES { 1 } else { self.workers.count() };
        // As many for each thread, and all of one size.
        let count = rows.len().div_ceil(self.block_rows()).next_multiple_of(threads);
        let blocks: Vec<&[u32]> = rows.chunks(rows.len().div_ceil(count.max(1)).max(1)).collect();
        let groups: Vec<_> = self.columns(self.active.len()).into_iter().flat_map(Columns::groups).collect();
        let block = |at: usize, sums: &mut Histogram| {
            if sums.sums.is_empty() {
                *sums = self.zeros(form);
            }
            let mut part = self.whole(sums);
            self.with_scratch(|scratch| {
                groups.iter().for_each(|group| self.add(*group, blocks[at], scratch, &mut part));
            });
        };
        let sums = match threads {
            1 => self.workers.fold(1, |_, sums| (0..blocks.len()).for_each(|at| block(at, sums))),
            _ => self.workers.fold(blocks.len(), block),
        };
        if sums.sums.is_empty() { self.zeros(form) } else { sums }
    }

    /// Each thread takes some of the columns, whose sums lie apart. Where the parent's histogram is given, and the
    /// form of the child that it holds besides, the rows' part is taken away from it. `act` is told word by word what
    /// was found before, the word's features, which ascend, and the sums of both children.
    pub(in crate::boosted_trees) fn build_by_columns<R: Default + Send>(
        &self,
        rows: &[u32],
        form: Form,
        parent: Option<(Histogram, Form)>,
        act: impl Fn(R, &[usize], &Part<'_>, Option<&Part<'_>>) -> R + Sync,
    ) -> (Children, Vec<R>) {
        let mut sums = self.room.take(form, self.shape.length(form));
        let threads = self.workers.count();
        let many = self.active.len() >= MANY_WORDS * threads;
        let share = match many {
            true => self.active.len().div_ceil(2 * threads).next_multiple_of(GROUP),
            false => self.active.len().div_ceil(threads),
        };
        let columns = self.columns(share);
        let end = |at: usize| match columns.get(at + 1) {
            Some(Columns::Words(words)) => self.shape.words[words[0]],
            Some(Columns::Wide(of)) => self.shape.ranges[self.matrix.wide[of[0]].0].start,
            None => self.shape.total,
        };
        let (mut parent, form_of_rest) = parent.unzip();
        let other_form = form_of_rest.filter(|form| parent.as_ref().is_some_and(|parent| parent.form != *form));
        let mut packed = other_form.map(|form| self.room.take(form, self.shape.length(form)));
        let mut mine = self.whole(&mut sums);
        let packed_part = packed.as_mut().map(|packed| self.whole(packed));
        let mut rest = parent.as_mut().map(|parent| Rest { parent: self.whole(parent), packed: packed_part });
        let part = |at: usize| {
            let rest = rest.as_mut().map(|rest| rest.split_off(end(at)));
            (columns[at], mine.split_off(end(at)), rest)
        };
        let tasks = (0..columns.len()).map(part).collect();
        let found = self.workers.map(tasks, |(columns, mut part, mut rest): (_, _, Option<Rest<'_>>)| {
            let mut found = R::default();
            self.with_scratch(|scratch| {
                for group in columns.groups() {
                    let places = self.places(group);
                    places.iter().for_each(|(bins, _)| part.within(bins).clear());
                    for block in rows.chunks(self.block_rows()) {
                        self.add(group, block, scratch, &mut part);
                    }
                    // While these sums are at hand.
                    for (bins, features) in places {
                        let part = part.within(&bins);
                        let rest = rest.as_mut().map(|rest| rest.subtract(&bins, &part, &self.packing));
                        found = act(std::mem::take(&mut found), &features, &part, rest.as_ref());
                    }
                }
            });
            found
        });
        ((sums, packed.or(parent)), found)
    }

    /// Where the bins of some columns lie, word by word, and the features that they are of, in ascending order.
    fn places(&self, columns: Columns<'_>) -> Vec<(Range<usize>, Vec<usize>)> {
        match columns {
            Columns::Wide(of) => {
                let features = of.iter().map(|at| self.matrix.wide[*at].0);
                features.map(|feature| (self.shape.ranges[feature].clone(), vec![feature])).collect()
            }
            Columns::Words(words) => {
                let of_word = |word: &usize| {
                    let lanes = self.matrix.lanes.iter().skip(word * self.matrix.in_word).take(self.matrix.in_word);
                    let mut features: Vec<usize> = lanes.flat_map(Lane::features).collect();
                    features.sort_unstable();
                    (self.shape.words[*word]..self.shape.words[*word + 1], features)
                };
                words.iter().map(of_word).collect()
            }
        }
    }

    fn whole<'p>(&self, histogram: &'p mut Histogram) -> Part<'p> {
        let sums = &mut histogram.sums[..];
        let planes = match histogram.form {
            Form::Packed => [sums, &mut [], &mut []],
            Form::Apart => {
                let (gradients, rest) = sums.split_at_mut(self.shape.total);
                let (hessians, counts) = rest.split_at_mut(if self.shape.unit_hessian { 0 } else { self.shape.total });
                [gradients, hessians, counts]
            }
        };
        Part { first: 0, form: histogram.form, planes }
    }

    /// The active columns, so many words at a time.
    fn columns(&self, words: usize) -> Vec<Columns<'_>> {
        let wide = self.active_wide.iter().map(|of| Columns::Wide(of));
        self.active.chunks(words.max(1)).map(Columns::Words).chain(wide).collect()
    }

    fn with_scratch(&self, act: impl FnOnce(&mut Scratch)) {
        let lock = || self.scratch.lock().expect("a task that panicked ends the fit");
        let mut scratch = lock().pop().unwrap_or_default();
        act(&mut scratch);
        lock().push(scratch);
    }

    /// Adds every row's word to its bin of the features in a group of columns. There are no more rows than a block has.
    fn add(&self, columns: Columns<'_>, rows: &[u32], scratch: &mut Scratch, part: &mut Part<'_>) {
        match columns {
            Columns::Words(words) => {
                scratch.words.resize(scratch.words.len().max(words.len()), [[0; 256]; LANES]);
                let updates = Updates {
                    bins: self.matrix.words(),
                    stride: self.matrix.stride,
                    in_word: self.matrix.in_word,
                    gradients: self.gradients,
                    packing: &self.packing,
                };
                updates.add(words, rows, &mut scratch.words[..words.len()], &mut scratch.spread);
                for (word, packed) in words.iter().zip(&mut scratch.words) {
                    self.unpack_word(*word, packed, part);
                }
            }
            Columns::Wide(&[a]) => self.add_wide([a], rows, scratch, part),
            Columns::Wide(&[a, b]) => self.add_wide([a, b], rows, scratch, part),
            Columns::Wide(&[a, b, c]) => self.add_wide([a, b, c], rows, scratch, part),
            Columns::Wide(&[a, b, c, d]) => self.add_wide([a, b, c, d], rows, scratch, part),
            Columns::Wide(_) => unreachable!("a group has one to {WIDE_GROUP} features"),
        }
    }

    fn add_wide<const OF: usize>(&self, of: [usize; OF], rows: &[u32], scratch: &mut Scratch, part: &mut Part<'_>) {
        let wide = of.map(|at| &self.matrix.wide[at]);
        for ((feature, _), sums) in wide.iter().zip(&mut scratch.wide) {
            sums.resize(sums.len().max(self.matrix.features[*feature].bins()), 0);
        }
        let sums: &mut [_; OF] = scratch.wide.first_chunk_mut().expect("each feature has its sums");
        for row in rows {
            let word = self.packing.spread(self.gradients[*row as usize]);
            for ((_, bins), sums) in wide.iter().zip(&mut *sums) {
                let sum = &mut sums[usize::from(bins[*row as usize])];
                *sum = sum.wrapping_add(word);
            }
        }
        for ((feature, _), sums) in wide.iter().zip(sums) {
            self.unpack_feature(*feature, sums, part);
        }
    }

    /// Adds the packed sums of a word's features to the wide ones, and leaves zeros.
    fn unpack_word(&self, word: usize, packed: &mut [[u64; 256]; LANES], part: &mut Part<'_>) {
        let lanes = &self.matrix.lanes[word * self.matrix.in_word..];
        let lanes = &lanes[..lanes.len().min(self.matrix.in_word)];
        // The last word may have empty lanes, whose bytes are 0.
        packed[lanes.len()..].iter_mut().for_each(|packed| packed[0] = 0);
        let mut of_feature = [0; 256];
        for (lane, packed) in lanes.iter().zip(packed) {
            if let Some(feature) = lane.alone() {
                self.unpack_feature(feature, packed, part);
                continue;
            }
            // Share after share is summed up and summed out.
            for share in lane.shares.iter().rev() {
                let sums = sums_of(share, packed);
                let total = sums.iter().fold(0, |total: u64, sum| total.wrapping_add(*sum));
                for member in &share.members {
                    member.sums(&sums, total, &mut of_feature);
                    self.unpack_feature(member.feature, &mut of_feature, part);
                }
                sum_out(share, packed);
            }
            packed.fill(0);
        }
    }

    fn unpack_feature(&self, feature: usize, packed: &mut [u64], part: &mut Part<'_>) {
        let bins = &self.shape.ranges[feature];
        let bins = bins.start - part.first..bins.end - part.first;
        let [gradients, hessians, counts] = &mut part.planes;
        if part.form == Form::Packed {
            let add = |(sum, word): (&mut i64, &mut u64)| *sum = sum.wrapping_add(std::mem::take(word) as i64);
            return widest!(gradients[bins].iter_mut().zip(packed).for_each(add));
        }
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

/// Wide features, in their order, in groups of much the same size, so that threads have as many each.
fn wide_groups(matrix: &Matrix, wide: &[usize], threads: usize) -> Vec<Vec<usize>> {
    let most = wide.iter().map(|at| matrix.features[matrix.wide[*at].0].bins()).max().unwrap_or(1);
    let size = (WIDE_BINS / most).clamp(1, WIDE_GROUP);
    let groups = match wide.len().div_ceil(size) {
        few @ (0 | 1) => few,
        many => many.next_multiple_of(threads).min(wide.len()),
    };
    (0..groups).map(|at| wide[at * wide.len() / groups..(at + 1) * wide.len() / groups].to_vec()).collect()
}

/// The sums of the values of the last share of a lane: its values' blocks lie one after the other.
fn sums_of(share: &Share, packed: &[u64]) -> [u64; 256] {
    let mut sums = [0_u64; 256];
    for (sum, packed) in sums.iter_mut().zip(packed.chunks(share.stride)).take(share.values) {
        *sum = packed.iter().fold(0, |sum, word| sum.wrapping_add(*word));
    }
    sums
}

/// Adds the blocks of the last share's values up into the first.
fn sum_out(share: &Share, packed: &mut [u64]) {
    let (first, others) = packed.split_at_mut(share.stride);
    for other in others.chunks(share.stride).take(share.values - 1) {
        first.iter_mut().zip(other).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
    }
}
