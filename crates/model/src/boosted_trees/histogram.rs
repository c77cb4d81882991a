//! Sums of gradients, hessians and rows in every bin of a node: integers, so that
//! threads, blocks of rows and machines may share the work in any way.

mod builder;
mod updates;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use evenstep_exact::reduce::Partial;
use evenstep_exact::simd::widest;
use serde::{Deserialize, Serialize};

pub(super) use self::builder::Builder;
use super::lanes::Lane;
use super::matrix::Matrix;
use super::quantise::Packing;

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
