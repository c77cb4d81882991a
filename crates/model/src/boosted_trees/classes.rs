//! The best split of a node for all classes at once, by the Gini impurity of its rows: what averaged trees of several
//! classes are grown by. Feature by feature the rows of each bin and class are counted; no histogram is kept.
//!
//! Source: Breiman et al. 1984, "Classification and regression trees".

use std::sync::Mutex;

use evenstep_exact::reduce::{Partial, Workers};
use serde::{Deserialize, Serialize};

use super::bin_set::BinSet;
use super::cuts::Binning;
use super::histogram::Sums;
use super::matrix::{Bins, Feature, Matrix};
use super::split::{Bounds, Criterion, Rule, Split, draw_of, drawn_cut, drawn_levels};

/// Fewer looks at rows than this are taken faster by one thread than shared.
const SMALL_LOOKS: usize = 1 << 16;

/// Up to so many bins times classes have a place each while they are counted; of more, those that rows bring are sorted.
const PLACES: usize = 1 << 16;

/// Levels are sorted by their share of each of so many classes, those that weigh most in the node.
const SORTED_BY: usize = 8;

/// A gain below this share of the node's weight is what rounding makes of none.
const NOISE: f64 = 1e-12;

/// The split of higher gain; of equal ones the first, by the turn of their features: were it always that of one name, few rows
/// would make all trees alike.
fn better(a: Option<Split>, b: Option<Split>) -> Option<Split> {
    match (a, b) {
        (Some(a), Some(b)) if b.gain > a.gain => Some(b),
        (a, b) => a.or(b),
    }
}

/// The rows of one bin and one class.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
struct Cell {
    bin: u16,
    class: u16,
    /// In units.
    weight: u64,
    rows: u64,
}

impl Cell {
    fn key(&self) -> (u16, u16) {
        (self.bin, self.class)
    }
}

/// The rows of a node by their bins of one feature and their classes, in ascending order.
#[derive(Default, Serialize, Deserialize)]
struct Tally(Vec<Cell>);

impl Tally {
    /// Of cells in any order, some of which may be of one bin and class.
    fn of(mut cells: Vec<Cell>) -> Tally {
        cells.sort_unstable_by_key(Cell::key);
        cells.dedup_by(|next, cell| {
            let same = next.key() == cell.key();
            if same {
                cell.weight += next.weight;
                cell.rows += next.rows;
            }
            same
        });
        Tally(cells)
    }

    /// The cells of each bin.
    fn bins(&self) -> impl Iterator<Item = &[Cell]> {
        self.0.chunk_by(|a, b| a.bin == b.bin)
    }

    fn bin(&self, bin: u16) -> &[Cell] {
        let start = self.0.partition_point(|cell| cell.bin < bin);
        let rest = &self.0[start..];
        &rest[..rest.partition_point(|cell| cell.bin == bin)]
    }

    fn seen(&self) -> Vec<u16> {
        self.bins().map(|cells| cells[0].bin).collect()
    }
}

impl Partial for Tally {
    fn merge(&mut self, other: Tally) {
        let mut cells = std::mem::take(&mut self.0);
        cells.extend(other.0);
        *self = Tally::of(cells);
    }
}

/// The lowest and the highest class among some rows.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Range(Option<(u16, u16)>);

impl Partial for Range {
    fn merge(&mut self, other: Range) {
        self.0 = match (self.0, other.0) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
    }
}

/// The rows on one side of a cut.
#[derive(Clone)]
struct Side {
    /// The weight of each class.
    of: Vec<u64>,
    weight: u64,
    rows: u64,
    /// The sum over the classes of the square of each one's weight.
    squares: u128,
}

impl Side {
    fn none(classes: usize) -> Side {
        Side { of: vec![0; classes], weight: 0, rows: 0, squares: 0 }
    }

    fn add(&mut self, cell: &Cell) {
        let of = &mut self.of[usize::from(cell.class)];
        self.squares += u128::from(cell.weight) * u128::from(2 * *of + cell.weight);
        *of += cell.weight;
        self.weight += cell.weight;
        self.rows += cell.rows;
    }

    fn take(&mut self, cell: &Cell) {
        let of = &mut self.of[usize::from(cell.class)];
        *of -= cell.weight;
        self.squares -= u128::from(cell.weight) * u128::from(2 * *of + cell.weight);
        self.weight -= cell.weight;
        self.rows -= cell.rows;
    }

    /// The weight without the part that is Gini's impurity.
    fn score(&self) -> f64 {
        let squares = u64::try_from(self.squares).map_or(self.squares as f64, |squares| squares as f64);
        squares / self.weight as f64
    }

    fn sums(&self) -> Sums {
        Sums { gradient: 0, hessian: self.weight as i64, rows: self.rows as i64 }
    }
}

/// Both sides of a cut.
#[derive(Clone)]
struct Cut {
    left: Side,
    right: Side,
}

impl Cut {
    fn send_left(&mut self, cells: &[Cell]) {
        for cell in cells {
            self.right.take(cell);
            self.left.add(cell);
        }
    }

    fn score(&self) -> f64 {
        self.left.score() + self.right.score()
    }
}

/// Room to count in, used again and again: all zeros between one count and the next.
#[derive(Default)]
struct Places {
    /// Weight and rows.
    of: Vec<[u64; 2]>,
    seen: Vec<u32>,
}

/// What the trees of several classes are grown by.
pub(super) struct Classes<'a> {
    workers: &'a Workers,
    matrix: &'a Matrix,
    criterion: &'a Criterion,
    /// How many classes there are.
    count: usize,
    /// The class of each row.
    of_row: &'a [u16],
    /// The weight of each row, in units.
    weights: &'a [u32],
    unit: f64,
    places: Mutex<Vec<Places>>,
}

impl<'a> Classes<'a> {
    pub(super) fn new(
        workers: &'a Workers,
        matrix: &'a Matrix,
        criterion: &'a Criterion,
        (count, of_row): (usize, &'a [u16]),
        (weights, unit): (&'a [u32], f64),
    ) -> Classes<'a> {
        Classes { workers, matrix, criterion, count, of_row, weights, unit, places: Mutex::default() }
    }

    /// The sums of some rows, by a feature that may be split.
    pub(super) fn total(&self, rows: &[u32], feature: usize) -> Sums {
        let tally = self.tallies(rows, &[feature]).pop().unwrap_or_default();
        self.all(&tally).sums()
    }

    /// The best split of a node on one of the first so many features; where none of them has any, on the first of the others
    /// that has one.
    pub(super) fn search(
        &self,
        rows: &[u32],
        (features, first): (&[usize], usize),
        draw: Option<u64>,
    ) -> Option<Split> {
        let classes = self.range(rows);
        if classes.0.is_none_or(|(lowest, highest)| lowest == highest) {
            return None;
        }
        let (first, others) = features.split_at(first);
        let best = self.best(rows, first, draw);
        others.iter().fold(best, |best, feature| best.or_else(|| self.best(rows, &[*feature], draw)))
    }

    fn range(&self, rows: &[u32]) -> Range {
        self.workers.fold(1, |_, range: &mut Range| {
            for row in rows {
                let class = self.of_row[*row as usize];
                range.merge(Range(Some((class, class))));
            }
        })
    }

    fn best(&self, rows: &[u32], features: &[usize], draw: Option<u64>) -> Option<Split> {
        if !self.workers.are_alone() {
            let tallies = self.tallies(rows, features);
            let splits = features.iter().zip(&tallies).map(|(feature, tally)| self.split(*feature, tally, draw));
            return splits.fold(None, better);
        }
        let some = |features: &[usize]| {
            let mut places = self.places();
            let splits = features.iter().map(|at| self.split(*at, &self.tally(rows, *at, &mut places), draw));
            let best = splits.fold(None, better);
            self.give_back(places);
            best
        };
        let tasks = if rows.len() * features.len() < SMALL_LOOKS { 1 } else { 4 * self.workers.count() };
        let tasks: Vec<&[usize]> = features.chunks(features.len().div_ceil(tasks).max(1)).collect();
        self.workers.map(tasks, some).into_iter().fold(None, better)
    }

    fn places(&self) -> Places {
        self.places.lock().expect("a task that panicked ends the fit").pop().unwrap_or_default()
    }

    fn give_back(&self, places: Places) {
        self.places.lock().expect("a task that panicked ends the fit").push(places);
    }

    /// The rows by each of some features, in all processes.
    fn tallies(&self, rows: &[u32], features: &[usize]) -> Vec<Tally> {
        self.workers.fold(1, |_, tallies: &mut Vec<Tally>| {
            let mut places = self.places();
            *tallies = features.iter().map(|at| self.tally(rows, *at, &mut places)).collect();
            self.give_back(places);
        })
    }

    fn tally(&self, rows: &[u32], feature: usize, places: &mut Places) -> Tally {
        match self.matrix.column(feature) {
            Bins::Narrow(of, None) => self.count(rows, feature, places, |row| of[row].into()),
            Bins::Narrow(of, Some(bins)) => self.count(rows, feature, places, |row| bins[usize::from(of[row])].into()),
            Bins::Wide(of) => self.count(rows, feature, places, |row| of[row]),
        }
    }

    fn count(&self, rows: &[u32], feature: usize, places: &mut Places, bin: impl Fn(usize) -> u16) -> Tally {
        let count = self.matrix.features[feature].bins() * self.count;
        let rows = rows.iter().map(|row| *row as usize);
        if count > PLACES {
            let cell =
                |row: usize| Cell { bin: bin(row), class: self.of_row[row], weight: self.weights[row].into(), rows: 1 };
            return Tally::of(rows.map(cell).collect());
        }
        if places.of.len() < count {
            places.of.resize(count, [0; 2]);
        }
        for row in rows {
            let at = usize::from(bin(row)) * self.count + usize::from(self.of_row[row]);
            let [weight, rows] = &mut places.of[at];
            if *rows == 0 {
                places.seen.push(at as u32);
            }
            *weight += u64::from(self.weights[row]);
            *rows += 1;
        }
        places.seen.sort_unstable();
        let cell = |at: u32| {
            let [weight, rows] = std::mem::take(&mut places.of[at as usize]);
            let (bin, class) = (at as usize / self.count, at as usize % self.count);
            Cell { bin: bin as u16, class: class as u16, weight, rows }
        };
        Tally(places.seen.drain(..).map(cell).collect())
    }

    fn all(&self, tally: &Tally) -> Side {
        let mut all = Side::none(self.count);
        tally.0.iter().for_each(|cell| all.add(cell));
        all
    }

    /// The best split on a feature.
    fn split(&self, at: usize, tally: &Tally, draw: Option<u64>) -> Option<Split> {
        let feature = &self.matrix.features[at];
        let all = self.all(tally);
        let draw = draw.map(|draw| draw_of(draw, feature));
        let mut found = Found { classes: self, best: None };
        let cut = Cut { left: Side::none(self.count), right: all.clone() };
        match &feature.binning {
            Binning::Number(_) | Binning::Means(_) => found.number(cut, tally, feature, draw),
            Binning::Category(_) => found.category(cut, tally, feature, draw),
        }
        let (score, left, goes) = found.best?;
        let gain = (score - all.score()) * self.unit;
        let least = self.criterion.min_gain.max(NOISE * all.weight as f64 * self.unit);
        let none = Bounds::around_zero(None);
        (gain > least).then(|| Split { feature: at, gain, left, bounds: [none; 2], rule: goes.of(tally, feature) })
    }

    fn allows(&self, side: &Side) -> bool {
        side.rows as i64 >= self.criterion.min_rows && side.weight > 0
    }
}

/// What goes left of a cut.
enum Goes {
    Numbers { last: u16, null_left: Option<bool>, is_drawn: bool },
    Levels { bins: Vec<u16>, regularised: bool },
}

impl Goes {
    fn of(self, tally: &Tally, feature: &Feature) -> Rule {
        let last_bin = feature.binning.last();
        match self {
            Goes::Numbers { last, null_left, is_drawn } => {
                let null = feature.binning.null();
                let next = tally.bins().map(|cells| cells[0].bin).find(|bin| (last + 1..null).contains(bin));
                let last = next.filter(|_| !is_drawn).map_or(last, |next| feature.binning.middle(last, next));
                Rule::Number { last, null, null_left }
            }
            Goes::Levels { mut bins, regularised } => {
                bins.sort_unstable();
                Rule::Category {
                    left: BinSet::of(bins, last_bin),
                    seen: BinSet::of(tally.seen(), last_bin),
                    regularised,
                }
            }
        }
    }
}

/// The best cut so far within one feature: its score, what goes left, and how that is told.
struct Found<'a> {
    classes: &'a Classes<'a>,
    best: Option<(f64, Sums, Goes)>,
}

impl Found<'_> {
    /// Keeps a cut that may be made and is better than those before.
    fn try_cut(&mut self, cut: &Cut, is_first: impl Fn(&Goes) -> bool, goes: impl FnOnce() -> Goes) {
        if !self.classes.allows(&cut.left) || !self.classes.allows(&cut.right) {
            return;
        }
        let score = cut.score();
        let is_better = |(best, _, of): &(f64, Sums, Goes)| score > *best || (score == *best && is_first(of));
        if self.best.as_ref().is_none_or(is_better) {
            self.best = Some((score, cut.left.sums(), goes()));
        }
    }

    /// Of equal cuts the lower is kept, then that which sends null left.
    fn number(&mut self, cut: Cut, tally: &Tally, feature: &Feature, draw: Option<u64>) {
        let null = feature.binning.null();
        let nulls = tally.bin(null);
        let drawn = draw.map(|draw| drawn_cut(&tally.seen(), &feature.least, draw) as u16);
        let is_drawn = drawn.is_some();
        for null_left in if nulls.is_empty() { &[false][..] } else { &[true, false] } {
            let mut cut = cut.clone();
            if *null_left {
                cut.send_left(nulls);
            }
            let mut try_at = |cut: &Cut, bin: u16| {
                let is_lower = |goes: &Goes| matches!(goes, Goes::Numbers { last, .. } if bin < *last);
                let null_left = (!nulls.is_empty()).then_some(*null_left);
                self.try_cut(cut, is_lower, || Goes::Numbers { last: bin, null_left, is_drawn });
            };
            for cells in tally.bins() {
                let bin = cells[0].bin;
                if bin >= null || drawn.is_some_and(|drawn| bin > drawn) {
                    break;
                }
                cut.send_left(cells);
                if drawn.is_none() {
                    try_at(&cut, bin);
                }
            }
            if let Some(drawn) = drawn {
                try_at(&cut, drawn);
            }
        }
    }

    /// One level against the others if there are few, else a run from either end of the levels sorted by their shares of a class.
    fn category(&mut self, cut: Cut, tally: &Tally, feature: &Feature, draw: Option<u64>) {
        let seen = tally.seen();
        let categories = &self.classes.criterion.categories;
        if let Some(draw) = draw {
            let Some(bins) = drawn_levels(&seen, draw) else { return };
            let mut cut = cut;
            bins.iter().for_each(|bin| cut.send_left(tally.bin(*bin)));
            return self.try_cut(&cut, |_| false, || Goes::Levels { bins, regularised: false });
        }
        if feature.bins() <= categories.one_hot_up_to as usize {
            for bin in seen {
                let mut cut = cut.clone();
                cut.send_left(tally.bin(bin));
                self.try_cut(&cut, |_| false, || Goes::Levels { bins: vec![bin], regularised: false });
            }
            return;
        }
        let rows_of_weight = cut.right.rows as f64 / cut.right.weight as f64;
        let evidence = |weight: u64| weight as f64 * rows_of_weight;
        let weight_of = |cells: &[Cell]| cells.iter().map(|cell| cell.weight).sum::<u64>();
        let levels: Vec<(&[Cell], u64)> = tally
            .bins()
            .map(|cells| (cells, weight_of(cells)))
            .filter(|(_, weight)| evidence(*weight) >= categories.smoothing)
            .collect();
        let longest = (categories.max_per_split as usize).min(levels.len().div_ceil(2));
        let mut classes: Vec<usize> = (0..self.classes.count).filter(|class| cut.right.of[*class] > 0).collect();
        classes.sort_by_key(|class| std::cmp::Reverse(cut.right.of[*class]));
        for class in classes.into_iter().take(SORTED_BY) {
            let share = |(cells, weight): &(&[Cell], u64)| {
                let of_class = cells.iter().find(|cell| usize::from(cell.class) == class).map_or(0, |cell| cell.weight);
                evidence(of_class) / (evidence(*weight) + categories.smoothing)
            };
            let mut sorted: Vec<(f64, &[Cell])> = levels.iter().map(|level| (share(level), level.0)).collect();
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
            self.runs(&cut, sorted.iter().map(|(_, cells)| *cells).take(longest), &evidence);
            self.runs(&cut, sorted.iter().rev().map(|(_, cells)| *cells).take(longest), &evidence);
        }
    }

    /// Sends level after level left.
    fn runs<'t>(&mut self, cut: &Cut, levels: impl Iterator<Item = &'t [Cell]>, evidence: &impl Fn(u64) -> f64) {
        let group = f64::from(self.classes.criterion.categories.min_rows);
        let (mut cut, mut bins, mut before) = (cut.clone(), Vec::new(), 0);
        for cells in levels {
            cut.send_left(cells);
            bins.push(cells[0].bin);
            if evidence(cut.right.weight) < group {
                break;
            }
            // A few rows more are no new candidate: they would only fit noise.
            if evidence(cut.left.weight - before) >= group {
                before = cut.left.weight;
                self.try_cut(&cut, |_| false, || Goes::Levels { bins: bins.clone(), regularised: true });
            }
        }
    }
}
