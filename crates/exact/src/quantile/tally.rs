//! How much was seen where: exactly while the distinct values are few, by slots when they are many.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::reduce::Partial;
use crate::sum::ExactSum;

/// How much of something: a count of rows, or a sum of weights.
pub(super) trait Amount: Partial + Clone + Debug + PartialEq {
    /// What one row adds.
    type Term: Copy;
    /// An amount times an integer.
    type Product: Clone + Debug + Ord;
    fn add(&mut self, term: Self::Term);
    fn times(&self, n: u64) -> Self::Product;
    /// What so many rows without weights come to, as `times(1)` gives it.
    fn of_rows(n: u64) -> Self::Product;
    /// How many rows this is, unless it is a weight.
    fn rows(&self) -> Option<u64>;
}

impl Amount for u64 {
    type Term = ();
    type Product = u128;

    #[inline]
    fn add(&mut self, (): ()) {
        *self += 1;
    }

    fn times(&self, n: u64) -> u128 {
        u128::from(*self) * u128::from(n)
    }

    fn of_rows(n: u64) -> u128 {
        u128::from(n)
    }

    fn rows(&self) -> Option<u64> {
        Some(*self)
    }
}

impl Amount for ExactSum {
    type Term = f64;
    type Product = ExactSum;

    #[inline]
    fn add(&mut self, weight: f64) {
        ExactSum::add(self, weight);
    }

    fn times(&self, n: u64) -> ExactSum {
        ExactSum::times(self, n)
    }

    fn of_rows(n: u64) -> ExactSum {
        let mut rows = ExactSum::default();
        rows.add_times(1.0, n);
        rows
    }

    fn rows(&self) -> Option<u64> {
        None
    }
}

/// What bits of a value's place a round can see: those before `known` are the bucket's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sight {
    pub(super) known: u32,
    pub(super) bits: u32,
    /// The largest number of distinct values that a bucket keeps one by one.
    pub(super) few: usize,
}

impl Sight {
    /// Known bits before this round's.
    #[inline]
    pub(super) fn prefix(&self, place: u64) -> u64 {
        if self.known == 0 { 0 } else { place >> (64 - self.known) }
    }

    #[inline]
    fn slot(&self, place: u64) -> usize {
        ((place << self.known) >> (64 - self.bits)) as usize
    }
}

/// The amounts in one bucket of values.
///
/// The form depends only on what was seen, not on the way: `Few` up to a number of distinct
/// values, `Many` above it, from the first slot in use to the last one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "A: Serialize + DeserializeOwned")]
pub(super) enum Tally<A> {
    /// The place of each distinct value and its amount, in ascending order.
    Few(Vec<(u64, A)>),
    /// The amount in each slot from `first` on.
    Many { first: usize, slots: Vec<A> },
}

impl<A> Default for Tally<A> {
    fn default() -> Tally<A> {
        Tally::Few(Vec::new())
    }
}

impl<A: Amount> Tally<A> {
    /// Adds sorted rows.
    pub(super) fn add_sorted(&mut self, sight: Sight, rows: &[(u64, A::Term)]) {
        match self {
            Tally::Few(_) => {
                let runs = rows.chunk_by(|a, b| a.0 == b.0).map(|run| {
                    let mut amount = A::default();
                    run.iter().for_each(|row| amount.add(row.1));
                    (run[0].0, amount)
                });
                let runs = Tally::Few(runs.collect());
                self.merge(sight, runs);
            }
            Tally::Many { first, slots } => {
                for (place, term) in rows {
                    slot_of(first, slots, sight.slot(*place)).add(*term);
                }
            }
        }
    }

    /// Adds one row, if that is cheap.
    #[inline]
    pub(super) fn try_add(&mut self, sight: Sight, place: u64, term: A::Term) -> bool {
        match self {
            Tally::Few(_) => false,
            Tally::Many { first, slots } => {
                slot_of(first, slots, sight.slot(place)).add(term);
                true
            }
        }
    }

    pub(super) fn merge(&mut self, sight: Sight, other: Tally<A>) {
        match (&mut *self, other) {
            (Tally::Few(mine), Tally::Few(theirs)) => {
                let all = merge_runs(std::mem::take(mine), theirs);
                *mine = all;
                if mine.len() > sight.few {
                    let runs = std::mem::take(mine);
                    *self = Tally::Many { first: 0, slots: Vec::new() };
                    self.add_runs(sight, runs);
                }
            }
            (Tally::Many { .. }, Tally::Few(theirs)) => self.add_runs(sight, theirs),
            (Tally::Few(mine), mut theirs @ Tally::Many { .. }) => {
                theirs.add_runs(sight, std::mem::take(mine));
                *self = theirs;
            }
            (Tally::Many { first, slots }, Tally::Many { first: from, slots: theirs }) => {
                for (amount, slot) in theirs.into_iter().zip(from..) {
                    slot_of(first, slots, slot).merge(amount);
                }
            }
        }
    }

    fn add_runs(&mut self, sight: Sight, runs: Vec<(u64, A)>) {
        let Tally::Many { first, slots } = self else { unreachable!("runs go to slots") };
        for (place, amount) in runs {
            slot_of(first, slots, sight.slot(place)).merge(amount);
        }
    }

    /// Positions in ascending order and the amount up to and with each; positions are places or slots.
    pub(super) fn cumulated(&self, below: &A) -> Vec<(u64, A)> {
        let mut sum = below.clone();
        let mut up_to = |amount: &A| {
            sum.merge(amount.clone());
            sum.clone()
        };
        match self {
            Tally::Few(runs) => runs.iter().map(|(place, amount)| (*place, up_to(amount))).collect(),
            Tally::Many { first, slots } => {
                slots.iter().zip(*first as u64..).map(|(amount, slot)| (slot, up_to(amount))).collect()
            }
        }
    }
}

/// A slot, grown to if it is outside those in use.
#[inline]
fn slot_of<'a, A: Amount>(first: &mut usize, slots: &'a mut Vec<A>, slot: usize) -> &'a mut A {
    if slot.wrapping_sub(*first) >= slots.len() {
        grow(first, slots, slot);
    }
    &mut slots[slot - *first]
}

#[cold]
fn grow<A: Amount>(first: &mut usize, slots: &mut Vec<A>, slot: usize) {
    if slots.is_empty() {
        *first = slot;
    }
    if slot < *first {
        slots.splice(..0, std::iter::repeat_n(A::default(), *first - slot));
        *first = slot;
    } else {
        slots.resize(slot - *first + 1, A::default());
    }
}

/// Joins runs in ascending order.
pub(super) fn merge_runs<K: PartialOrd, A: Partial>(mine: Vec<(K, A)>, theirs: Vec<(K, A)>) -> Vec<(K, A)> {
    if mine.is_empty() {
        return theirs;
    }
    let mut all: Vec<(K, A)> = Vec::with_capacity(mine.len() + theirs.len());
    let (mut mine, mut theirs) = (mine.into_iter().peekable(), theirs.into_iter().peekable());
    while let (Some(a), Some(b)) = (mine.peek(), theirs.peek()) {
        let run = if a.0 < b.0 { mine.next() } else { theirs.next() };
        let run = run.expect("peeked");
        match all.last_mut() {
            Some(last) if last.0 == run.0 => last.1.merge(run.1),
            _ => all.push(run),
        }
    }
    for run in mine.chain(theirs) {
        match all.last_mut() {
            Some(last) if last.0 == run.0 => last.1.merge(run.1),
            _ => all.push(run),
        }
    }
    all
}
