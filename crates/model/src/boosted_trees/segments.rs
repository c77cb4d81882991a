//! Cuts without sorting: values are dealt out to segments that follow each other, and only segments in which a cut
//! falls are looked into. The cuts are those of the sorted values, to the last bit.

use evenstep_exact::quantile::Distribution;
use evenstep_exact::simd::widest;

use super::cuts::{BinLimits, Cutter, midway, thresholds, thresholds_of_runs};

/// Fewer values than this are sorted at once.
const SMALL: usize = 4096;

/// The most segments into which values are dealt out at once.
const BUCKETS: usize = 4096;

/// Segments that are dealt out again and again hold values of ever smaller scales: they are sorted in the end.
const DEPTH: usize = 4;

/// The thresholds that cut some values, none of them NaN, as [`thresholds`] does.
pub(super) fn thresholds_of(values: Vec<f64>, bins: BinLimits) -> Vec<f64> {
    if let Some(runs) = few_runs(&values) {
        return thresholds_of_runs(&runs, bins);
    }
    let cutter = Cutter::new(values.len() as u64, bins);
    let room = if values.len() < SMALL { 0 } else { values.len() };
    let mut dealt = Dealt { spare: vec![0.0; room], bucket_of: vec![0; room], values, segments: Vec::new() };
    if !dealt.spare.is_empty() {
        // A segment that is to be looked into is a small part of a bin.
        dealt.deal(0, dealt.values.len(), false, cutter.big as usize / 4, DEPTH);
    }
    if dealt.segments.len() <= bins.most {
        return thresholds(&Distribution::from_slice(&dealt.all()), bins);
    }
    dealt.cut(cutter)
}

/// Up to so many values are looked for one after the other, if the first of all rows have no more.
const FEW: usize = 8;
const FIRST: usize = 256;

/// The values and how often each stands there, if there are few: flags say.
fn few_runs(values: &[f64]) -> Option<Vec<(f64, u64)>> {
    let mut of_first = Vec::new();
    for value in values.iter().take(FIRST) {
        if !of_first.contains(value) {
            of_first.push(*value);
        }
        if of_first.len() > FEW {
            return None;
        }
    }
    let mut runs = Vec::new();
    let (mut left, mut next) = (values.len() as u64, least(values));
    while left > 0 {
        if runs.len() == FEW {
            return None;
        }
        let count = widest!(values.iter().map(|x| u64::from(*x == next)).sum::<u64>());
        // −0 is 0.
        runs.push((next + 0.0, count));
        left -= count;
        next = widest!(values.iter().fold(f64::INFINITY, |least, x| if *x < least && *x > next { *x } else { least }));
    }
    Some(runs)
}

/// Values in two places, and which of them hold each segment.
struct Dealt {
    values: Vec<f64>,
    spare: Vec<f64>,
    /// Room for the bucket of each value that is being dealt out.
    bucket_of: Vec<u16>,
    segments: Vec<Segment>,
}

/// Values that lie together, above those of all segments before.
#[derive(Clone, Copy)]
struct Segment {
    start: usize,
    end: usize,
    in_spare: bool,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// In any order; none is as frequent as a bin is full.
    Any,
    /// In ascending order.
    Sorted,
}

impl Dealt {
    /// All values, wherever each segment's are.
    fn all(mut self) -> Vec<f64> {
        for Segment { start, end, in_spare, .. } in self.segments {
            if in_spare {
                self.values[start..end].copy_from_slice(&self.spare[start..end]);
            }
        }
        self.values
    }

    fn part(&mut self, start: usize, end: usize, in_spare: bool) -> &mut [f64] {
        if in_spare { &mut self.spare[start..end] } else { &mut self.values[start..end] }
    }

    /// Deals out some values until segments are as small as asked for.
    fn deal(&mut self, start: usize, end: usize, in_spare: bool, small: usize, depth: usize) {
        let mut keep = |kind: Kind| self.segments.push(Segment { start, end, in_spare, kind });
        if end - start <= small {
            return keep(Kind::Any);
        }
        let (from, to) = match in_spare {
            true => (&mut self.spare[start..end], &mut self.values[start..end]),
            false => (&mut self.values[start..end], &mut self.spare[start..end]),
        };
        let (least, most) = from.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), x| {
            (if *x < least { *x } else { least }, if *x > most { *x } else { most })
        });
        let buckets = (4 * (end - start) / small.max(1)).clamp(2, BUCKETS);
        let scale = (buckets - 1) as f64 / (most - least);
        if least == most || depth == 0 || !(scale > 0.0 && scale.is_finite()) {
            from.sort_unstable_by(f64::total_cmp);
            return keep(Kind::Sorted);
        }
        let bucket_of = &mut self.bucket_of[..end - start];
        widest!(find_buckets(from, least, scale, bucket_of));
        let mut starts = vec![0_u32; buckets];
        bucket_of.iter().for_each(|bucket| starts[usize::from(*bucket)] += 1);
        let mut next = 0;
        for count in &mut starts {
            (next, *count) = (next + *count, next);
        }
        for (x, bucket) in from.iter().zip(&*bucket_of) {
            let place = &mut starts[usize::from(*bucket)];
            to[*place as usize] = *x;
            *place += 1;
        }
        let mut first = start;
        for end in starts.into_iter().map(|end| start + end as usize) {
            if end > first {
                self.deal(first, end, !in_spare, small, depth - 1);
                first = end;
            }
        }
    }

    fn cut(mut self, mut cutter: Cutter) -> Vec<f64> {
        for segment in self.segments.clone().into_iter().filter(|segment| segment.kind == Kind::Sorted) {
            let values = self.part(segment.start, segment.end, segment.in_spare);
            values.chunk_by(|a, b| a == b).for_each(|run| cutter.count_big(run.len() as u64));
        }
        cutter.begin();
        let mut cuts = Vec::new();
        for at in 0..self.segments.len() {
            let Segment { start, end, in_spare, kind } = self.segments[at];
            // The least value after the segment, and how often it stands there if that is more often than a bin is full.
            let after = self.segments.get(at + 1).copied().map(|Segment { start, end, in_spare, kind }| {
                let values = self.part(start, end, in_spare);
                match kind {
                    Kind::Any => (least(values), false),
                    Kind::Sorted => (values[0], cutter.is_big(values.partition_point(|x| *x <= values[0]) as u64)),
                }
            });
            let values = self.part(start, end, in_spare);
            match kind {
                Kind::Any => cut_any(values, after, &mut cutter, &mut cuts),
                Kind::Sorted => cut_sorted(values, after, &mut cutter, &mut cuts),
            }
            if cutter.is_done(cuts.len()) {
                break;
            }
        }
        cuts
    }
}

/// Which bucket each value falls into: of two values the higher never falls into the lower.
#[inline(always)]
fn find_buckets(values: &[f64], least: f64, scale: f64, buckets: &mut [u16]) {
    // Added to it, a small number is rounded to an integer, which its lowest bits then hold.
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    for (x, bucket) in values.iter().zip(buckets) {
        *bucket = ((x - least) * scale + MAGIC).to_bits() as u16;
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().fold(f64::INFINITY, |least, x| if *x < least { *x } else { least })
}

fn cut_sorted(values: &[f64], after: Option<(f64, bool)>, cutter: &mut Cutter, cuts: &mut Vec<f64>) {
    let mut runs = values.chunk_by(|a, b| a == b).peekable();
    while let Some(run) = runs.next() {
        let next = runs.peek().map(|next| (next[0], cutter.is_big(next.len() as u64))).or(after);
        let Some((next, next_is_big)) = next else { return };
        if cutter.closes(run.len() as u64, next_is_big) {
            cuts.push(midway(run[0], next));
            if cutter.is_done(cuts.len()) {
                return;
            }
        }
    }
}

fn cut_any(mut values: &mut [f64], after: Option<(f64, bool)>, cutter: &mut Cutter, cuts: &mut Vec<f64>) {
    loop {
        let Some(wanted) = cutter.wanted(values.len() as u64) else {
            // Not full before the end of the segment.
            let Some((next, next_is_big)) = after else { return };
            if !values.is_empty() && cutter.closes(values.len() as u64, next_is_big) {
                let last = values.iter().fold(f64::NEG_INFINITY, |most, x| if *x > most { *x } else { most });
                cuts.push(midway(last, next));
            }
            return;
        };
        // The value at which the bin is full, and all that equal it.
        let (_, last, _) = values.select_nth_unstable_by(wanted as usize - 1, f64::total_cmp);
        let last = *last;
        let mut below = wanted as usize;
        let mut at = below;
        while at < values.len() {
            if values[at] <= last {
                values.swap(at, below);
                below += 1;
            }
            at += 1;
        }
        let rest = &mut values[below..];
        let next = if rest.is_empty() { after } else { Some((least(rest), false)) };
        let Some((next, next_is_big)) = next else { return };
        assert!(cutter.closes(below as u64, next_is_big), "a bin that has the rows it wanted is full");
        cuts.push(midway(last, next));
        if cutter.is_done(cuts.len()) {
            return;
        }
        values = rest;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(values: Vec<f64>, most: usize) {
        let bins = BinLimits { most, min_rows: 3, tails: 0 };
        let expected = thresholds(&Distribution::from_slice(&values), bins);
        assert_eq!(thresholds_of(values, bins), expected, "{most}");
    }

    /// Numbers that look random, in [0, 1).
    fn noise(count: u32) -> impl Iterator<Item = f64> {
        (0..count).map(|at| f64::from(at.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24))
    }

    #[test]
    fn cuts_are_those_of_sorted_values() {
        for most in [2, 3, 10, 63, 255, 1000] {
            check(noise(20_000).collect(), most);
            check(noise(20_000).map(|x| (x * 600.0).floor()).collect(), most);
            // As many values as bins, so that each has its own, two of them so close that they are dealt out twice.
            let step = |x: f64| if (x * 97.0).fract() < 0.1 { 0.999 } else { (x * (most - 1) as f64).floor() };
            check(noise(20_000).map(step).collect(), most);
            check(noise(20_000).map(|x| if x < 0.3 { 0.5 } else { x }).collect(), most);
            check(noise(20_000).map(|x| if x < 0.1 { 7.0 } else { 1.0 / (1e-4 + x * x) }).collect(), most);
            check(noise(20_000).map(|x| evenstep_exact::maths::exp(400.0 * x)).collect(), most);
            check(noise(20_000).map(|x| if x < 0.5 { -0.0 } else { x - 0.75 }).collect(), most);
            check(
                noise(20_000).map(|x| [f64::NEG_INFINITY, -0.0, 0.0, 1.0, f64::INFINITY][(x * 5.0) as usize]).collect(),
                most,
            );
            check(noise(20_000).map(|x| if x < 0.999 { 0.0 } else { x }).collect(), most);
            check(noise(5000).chain([f64::INFINITY, f64::NEG_INFINITY, f64::MAX]).collect(), most);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn cuts_of_any_mixture_are_those_of_sorted_values(
            heavy in prop::collection::vec((0.0..1.0, 0.0..0.2), 0..6),
            power in 0.2..6.0,
            steps in prop_oneof![Just(f64::INFINITY), 300.0..3000.0],
            most in 2_usize..400,
        ) {
            let values = noise(12_000).zip(noise(12_000).map(|x| (x * 7919.0).fract())).map(|(x, u)| {
                let mut below = 0.0;
                for (value, share) in &heavy {
                    below += share;
                    if u < below {
                        return *value;
                    }
                }
                let x = evenstep_exact::maths::pow(x, power);
                if steps.is_finite() { (x * steps).floor() / steps } else { x }
            });
            check(values.collect(), most);
        }
    }
}
