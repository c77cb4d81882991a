//! From what was seen to where to look next.

use std::collections::BTreeMap;

use super::Rule;
use super::fraction::Fraction;
use super::tally::{Amount, Sight, Tally};
use crate::reduce::Next;
use crate::sort::from_sortable;
use crate::sum::ExactSum;

/// What the first round looks at.
pub(super) const START: Sight = Sight { known: 0, bits: 16, few: 4096 };

/// The order statistics that one quantile is made of.
#[derive(Clone, Debug)]
pub(super) struct Wanted<A: Amount> {
    pub(super) targets: [Target<A>; 2],
    pub(super) blend: Blend,
}

/// The first value at which the amount so far, times an integer, reaches a bound or exceeds it;
/// the last value, if none does.
#[derive(Clone, Debug)]
pub(super) struct Target<A: Amount> {
    times: u64,
    bound: A::Product,
    exceed: bool,
}

/// A value `part / whole` of the way from one to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blend {
    part: u64,
    whole: u64,
}

impl<A: Amount> Wanted<A> {
    pub(super) fn new(p: Fraction, rule: Rule, total: &A) -> Wanted<A> {
        let target = |exceed| Target { times: p.denominator, bound: total.times(p.numerator), exceed };
        match rule {
            Rule::InvertedCdf => Wanted { targets: [target(false), target(false)], blend: Blend { part: 0, whole: 1 } },
            Rule::AveragedInvertedCdf => {
                Wanted { targets: [target(false), target(true)], blend: Blend { part: 1, whole: 2 } }
            }
            Rule::Linear => {
                let rows = total.rows().expect("a weighted quantile is an inverted distribution function");
                let (last, whole) = (rows - 1, p.denominator);
                let steps = u128::from(last) * u128::from(p.numerator);
                let (rank, part) = ((steps / u128::from(whole)) as u64, (steps % u128::from(whole)) as u64);
                let target = |rank: u64| Target { times: 1, bound: A::of_rows(rank), exceed: true };
                Wanted { targets: [target(rank), target(last.min(rank + 1))], blend: Blend { part, whole } }
            }
        }
    }
}

impl<A: Amount> Target<A> {
    pub(super) fn is_met(&self, amount: &A) -> bool {
        let product = amount.times(self.times);
        if self.exceed { product > self.bound } else { product >= self.bound }
    }
}

impl Blend {
    /// Rounded once.
    pub(super) fn of(self, from: f64, to: f64) -> f64 {
        if self.part == 0 || from == to {
            return from;
        }
        let (mut sum, mut whole) = (ExactSum::default(), ExactSum::default());
        sum.add_times(from, self.whole - self.part);
        sum.add_times(to, self.part);
        whole.add_times(1.0, self.whole);
        sum.divided_by(&whole).expect("a part of something")
    }
}

/// What is known between two rounds: in which buckets the wanted values lie.
#[derive(Clone, Debug)]
pub(super) struct Narrowed<A: Amount> {
    pub(super) sight: Sight,
    /// The leading bits of each bucket, ascending, and the amount of all values below it.
    pub(super) prefixes: Vec<u64>,
    below: Vec<A>,
    quantiles: Vec<(Wanted<A>, [Whereabouts; 2])>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Whereabouts {
    Found(f64),
    Within { prefix: u64 },
}

impl<A: Amount> Narrowed<A> {
    pub(super) fn start(probabilities: &[Fraction], rule: Rule, tallies: &[Tally<A>]) -> Narrowed<A> {
        let none = A::default();
        let all = tallies[0].cumulated(&none);
        let total = &all.last().expect("something was seen").1;
        let anywhere = [Whereabouts::Within { prefix: 0 }; 2];
        let quantiles = probabilities.iter().map(|p| (Wanted::new(*p, rule, total), anywhere)).collect();
        Narrowed { sight: START, prefixes: vec![0], below: vec![none], quantiles }
    }

    pub(super) fn next<S>(mut self, tallies: &[Tally<A>], search: fn(Narrowed<A>) -> S) -> Next<S, Vec<f64>> {
        let Sight { known, bits, .. } = self.sight;
        let cumulated: Vec<_> = tallies.iter().zip(&self.below).map(|(tally, below)| tally.cumulated(below)).collect();
        let mut buckets = BTreeMap::new();
        for (wanted, places) in &mut self.quantiles {
            for (target, place) in wanted.targets.iter().zip(places) {
                let Whereabouts::Within { prefix } = *place else { continue };
                let bucket = self.prefixes.binary_search(&prefix).expect("a bucket of this round");
                let up_to = &cumulated[bucket];
                let at = up_to.partition_point(|(_, amount)| !target.is_met(amount)).min(up_to.len() - 1);
                let position = up_to[at].0;
                *place = match tallies[bucket] {
                    Tally::Few(_) => Whereabouts::Found(from_sortable(position)),
                    Tally::Many { .. } if known + bits == 64 => {
                        Whereabouts::Found(from_sortable(prefix << bits | position))
                    }
                    Tally::Many { .. } => {
                        let prefix = prefix << bits | position;
                        let below = if at == 0 { &self.below[bucket] } else { &up_to[at - 1].1 };
                        buckets.entry(prefix).or_insert_with(|| below.clone());
                        Whereabouts::Within { prefix }
                    }
                };
            }
        }
        if buckets.is_empty() {
            let found = |place| match place {
                Whereabouts::Found(x) => x,
                Whereabouts::Within { .. } => unreachable!("a bucket would be left"),
            };
            let blended =
                |(wanted, [from, to]): &(Wanted<A>, [Whereabouts; 2])| wanted.blend.of(found(*from), found(*to));
            return Next::Done(self.quantiles.iter().map(blended).collect());
        }
        // Some hundred quantiles at once may have as many buckets, which share the memory.
        let few = (1 << 16) / buckets.len();
        self.sight = Sight { known: known + bits, bits: 12, few: few.clamp(256, START.few) };
        (self.prefixes, self.below) = buckets.into_iter().unzip();
        Next::Again(search(self))
    }
}
