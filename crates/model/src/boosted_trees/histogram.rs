//! Sums of gradients, hessians and rows in every bin of a node: integers, so that
//! threads, blocks of rows and machines may share the work in any way.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use evenstep_exact::reduce::{Partial, Workers};
use evenstep_exact::simd::{prefetch, widest};
use serde::{Deserialize, Serialize};

use super::lanes::{Lane, Share};
use super::matrix::{LANES, Matrix};
use super::quantise::Packing;

/// Fewer updates than this are done faster by one thread than shared.
const SMALL_UPDATES: usize = 1 << 17;

/// From so many words for each thread on these are shared out, and not the rows.
const MANY_WORDS: usize = 8;

/// So many words of rows stay in a cache that is at hand.
const AT_HAND_WORDS: usize = 1 << 16;

/// How many words of a row are worked on together: the sums of their features almost fit into the first-level cache.
const GROUP: usize = 4;

/// How many wide features are worked on together, if they have no more bins than stay at hand.
const WIDE_GROUP: usize = 4;
const WIDE_BINS: usize = 1 << 15;

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

/// How the sums of a node are kept.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Form {
    /// Plane by plane: gradients, then hessians if rows differ in them, then rows.
    #[default]
    Apart,
    /// A word a bin, packed as rows are: of nodes with no more rows than a block has. They take a third of the time.
    Packed,
}

/// The sums of a node.
#[derive(Default, Debug, Serialize, Deserialize)]
pub(super) struct Histogram {
    form: Form,
    sums: Vec<i64>,
    /// Where its room goes when it is done with.
    #[serde(skip)]
    room: Room,
}

/// Room for histograms, used again and again: to be given new room by the system takes longer than to sum up a node.
#[derive(Clone, Default, Debug)]
pub(super) struct Room(Arc<Mutex<Spare>>);

/// Room of either form.
#[derive(Default, Debug)]
struct Spare {
    apart: Vec<Vec<i64>>,
    packed: Vec<Vec<i64>>,
}

impl Spare {
    fn of(&mut self, form: Form) -> &mut Vec<Vec<i64>> {
        match form {
            Form::Apart => &mut self.apart,
            Form::Packed => &mut self.packed,
        }
    }
}

impl Room {
    /// Room for so many sums, which hold anything.
    fn take(&self, form: Form, length: usize) -> Histogram {
        let spare = self.0.lock().ok().and_then(|mut spare| spare.of(form).pop());
        let mut sums = spare.unwrap_or_default();
        sums.resize(length, 0);
        Histogram { form, sums, room: self.clone() }
    }
}

impl Drop for Histogram {
    fn drop(&mut self) {
        if !self.sums.is_empty()
            && let Ok(mut spare) = self.room.0.lock()
        {
            spare.of(self.form).push(std::mem::take(&mut self.sums));
        }
    }
}

impl Partial for Histogram {
    fn merge(&mut self, other: Histogram) {
        if self.sums.is_empty() {
            *self = other;
        } else if !other.sums.is_empty() {
            assert_eq!(
                (self.form, self.sums.len()),
                (other.form, other.sums.len()),
                "histograms of one node have one shape"
            );
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
    pub(super) sums: Planes<'a>,
    /// Which have rows, in ascending order, if they are so few that they were written down.
    pub(super) few: Option<&'a [u16]>,
}

/// The sums of bins.
#[derive(Clone, Copy)]
pub(super) enum Planes<'a> {
    /// Gradients, hessians and rows.
    Apart([&'a [i64]; 3]),
    /// All three in a word.
    Packed(&'a [i64], &'a Packing),
}

impl Bins<'_> {
    /// Which bins have rows, in ascending order.
    pub(super) fn seen(&self) -> Cow<'_, [u16]> {
        match self.few {
            Some(seen) => Cow::Borrowed(seen),
            None => (0..self.len()).filter(|bin| self.at(*bin).rows > 0).map(|bin| bin as u16).collect(),
        }
    }

    /// Hands on the sums of each bin that has rows and at least so much hessian, in ascending order.
    #[inline(always)]
    pub(super) fn each_from(&self, hessian: i64, mut act: impl FnMut(u16, Sums)) {
        let mut take = |bin: u16| {
            let sums = self.at(usize::from(bin));
            if sums.rows > 0 {
                act(bin, sums);
            }
        };
        match (self.few, self.sums) {
            (Some(few), _) => few.iter().for_each(|bin| take(*bin)),
            (None, Planes::Packed(words, packing)) => {
                let least = packing.least_word(hessian);
                let has_it = |(word, _): &(&i64, u16)| packing.without_gradient(**word) >= least;
                words.iter().zip(0..).filter(has_it).for_each(|(_, bin)| take(bin));
            }
            (None, Planes::Apart([_, hessians, _])) => {
                hessians.iter().zip(0..).filter(|(sum, _)| **sum >= hessian).for_each(|(_, bin)| take(bin));
            }
        }
    }

    /// How many bins there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        match self.sums {
            Planes::Apart([.., rows]) => rows.len(),
            Planes::Packed(words, _) => words.len(),
        }
    }

    /// The sums of a bin.
    #[inline]
    pub(super) fn at(&self, bin: usize) -> Sums {
        match self.sums {
            Planes::Apart([gradients, hessians, rows]) => {
                Sums { gradient: gradients[bin], hessian: hessians[bin], rows: rows[bin] }
            }
            Planes::Packed(words, packing) => packing.sums(words[bin]),
        }
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
            lanes.iter().flat_map(Lane::features).for_each(|feature| shape.add(matrix, feature));
        }
        shape.words.push(shape.total);
        matrix.wide.iter().for_each(|(feature, _)| shape.add(matrix, *feature));
        shape
    }

    fn add(&mut self, matrix: &Matrix, feature: usize) {
        self.ranges[feature] = self.total..self.total + matrix.features[feature].bins();
        self.total = self.ranges[feature].end;
    }

    /// How many bytes a histogram takes at most.
    pub(super) fn bytes(&self) -> usize {
        8 * self.length(Form::Apart)
    }

    fn length(&self, form: Form) -> usize {
        match form {
            Form::Packed => self.total,
            Form::Apart => self.total * if self.unit_hessian { 2 } else { 3 },
        }
    }

    /// How many bins there are in all.
    pub(super) fn bins(&self) -> usize {
        self.total
    }
}

/// A part of a histogram: that of some features that lie together.
pub(super) struct Part<'p> {
    /// The first bin.
    first: usize,
    form: Form,
    /// Gradients, hessians if rows differ in them, and rows; or nothing but words.
    planes: [&'p mut [i64]; 3],
}

impl<'p> Part<'p> {
    /// Cuts off the bins before one.
    fn split_off(&mut self, end: usize) -> Part<'p> {
        let length = end - self.first;
        let planes =
            self.planes.each_mut().map(|plane| plane.split_off_mut(..length.min(plane.len())).unwrap_or_default());
        let part = Part { first: self.first, planes, form: self.form };
        self.first = end;
        part
    }

    /// The part of some bins.
    fn within(&mut self, bins: &Range<usize>) -> Part<'_> {
        let range = bins.start - self.first..bins.end - self.first;
        let planes = self.planes.each_mut().map(|plane| plane.get_mut(range.clone()).unwrap_or_default());
        Part { first: bins.start, form: self.form, planes }
    }

    fn clear(&mut self) {
        self.planes.iter_mut().for_each(|plane| plane.fill(0));
    }

    /// Takes away what a child holds, which leaves the other child.
    fn subtract(&mut self, child: &Part<'_>, packing: &Packing) {
        match (self.form, child.form) {
            (Form::Apart, Form::Packed) => {
                let [gradients, hessians, rows] = &mut self.planes;
                let mut hessians = hessians.iter_mut();
                for ((word, gradient), rows) in child.planes[0].iter().zip(&mut **gradients).zip(&mut **rows) {
                    let [g, h, n] = packing.take_apart(*word as u64);
                    *gradient = gradient.wrapping_sub(g);
                    *rows = rows.wrapping_sub(n);
                    if let Some(hessian) = hessians.next() {
                        *hessian = hessian.wrapping_sub(h);
                    }
                }
            }
            _ => {
                assert_eq!(self.form, child.form, "a child has no more rows than its parent");
                for (mine, theirs) in self.planes.iter_mut().zip(&child.planes) {
                    mine.iter_mut().zip(theirs.iter()).for_each(|(mine, theirs)| *mine = mine.wrapping_sub(*theirs));
                }
            }
        }
    }

    /// Packs what a child leaves of its parent, where the child is packed, and the parent is not.
    fn pack_rest(&mut self, parent: &Part<'_>, child: &Part<'_>, packing: &Packing) {
        let [gradients, hessians, rows] = &parent.planes;
        let bins = self.planes[0].iter_mut().zip(child.planes[0].iter());
        for (at, (rest, child)) in bins.enumerate() {
            let hessian = hessians.get(at).copied().unwrap_or_default();
            *rest = packing.put_together([gradients[at], hessian, rows[at]]).wrapping_sub(*child);
        }
    }
}

/// What is left of a node's histogram once that of a child is taken away.
struct Rest<'p> {
    parent: Part<'p>,
    /// Where it goes if it takes another form.
    packed: Option<Part<'p>>,
}

impl<'p> Rest<'p> {
    fn split_off(&mut self, end: usize) -> Rest<'p> {
        Rest { parent: self.parent.split_off(end), packed: self.packed.as_mut().map(|part| part.split_off(end)) }
    }

    /// Takes away what a child holds of some bins; tells what is left.
    fn subtract(&mut self, bins: &Range<usize>, child: &Part<'_>, packing: &Packing) -> Part<'_> {
        let mut parent = self.parent.within(bins);
        match &mut self.packed {
            None => {
                widest!(parent.subtract(child, packing));
                parent
            }
            Some(packed) => {
                let mut packed = packed.within(bins);
                widest!(packed.pack_rest(&parent, child, packing));
                packed
            }
        }
    }
}

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
pub(super) type Children = (Histogram, Option<Histogram>);

/// The packed sums of a group of words, and of wide features.
#[derive(Default)]
struct Scratch {
    words: Vec<[[u64; 256]; LANES]>,
    wide: [Vec<u64>; WIDE_GROUP],
}

/// Builds histograms of any node of a tree.
pub(super) struct Builder<'a> {
    workers: &'a Workers,
    pub(super) matrix: &'a Matrix,
    shape: &'a Shape,
    /// The words of a row that hold a feature that this tree may use.
    active: Vec<usize>,
    /// Which of the wide features this tree may use, those together that are summed up together.
    active_wide: Vec<Vec<usize>>,
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
        let may = |lanes: &[Lane]| lanes.iter().flat_map(Lane::features).any(|feature| may_split[feature]);
        let active = lanes.filter(|(_, lanes)| may(lanes)).map(|(word, _)| word).collect();
        let wide: Vec<usize> = (0..matrix.wide.len()).filter(|at| may_split[matrix.wide[*at].0]).collect();
        let active_wide = wide_groups(matrix, &wide, workers.count());
        Builder { workers, matrix, shape, active, active_wide, packing, gradients, scratch: Mutex::default(), room }
    }

    /// Of so many rows the packed sums need not be taken apart before the last.
    pub(super) fn block_rows(&self) -> usize {
        self.packing.block_rows()
    }

    /// In which form the sums of so many rows are kept.
    pub(super) fn form(&self, rows: i64) -> Form {
        if rows <= self.block_rows() as i64 { Form::Packed } else { Form::Apart }
    }

    /// One feature's part of a histogram.
    pub(super) fn feature<'h>(&'h self, histogram: &'h Histogram, feature: usize) -> Bins<'h> {
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
    pub(super) fn feature_of<'h>(&'h self, part: &'h Part<'_>, feature: usize) -> Bins<'h> {
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
    pub(super) fn build(&self, rows: &[u32], form: Form) -> Histogram {
        match self.shares_columns(rows.len()) {
            true => self.build_by_columns(rows, form, None, |(), _, _, _| ()).0.0,
            false => self.build_by_rows(rows, form),
        }
    }

    /// What a child leaves of its parent's histogram, in a form that holds it.
    pub(super) fn rest(&self, mut parent: Histogram, child: &mut Histogram, form: Form) -> Histogram {
        let all = 0..self.shape.total;
        let mut packed = (form != parent.form).then(|| self.room.take(form, self.shape.length(form)));
        let whole = packed.as_mut().map(|packed| self.whole(packed));
        Rest { parent: self.whole(&mut parent), packed: whole }.subtract(&all, &self.whole(child), &self.packing);
        packed.unwrap_or(parent)
    }

    /// Whether threads had better take columns of so many rows than some of the rows each: then nothing is to be
    /// merged, but all of them look at every row.
    pub(super) fn shares_columns(&self, rows: usize) -> bool {
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
    pub(super) fn build_by_columns<R: Default + Send>(
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
                self.add_words(words, &mut scratch.words[..words.len()], rows);
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
