//! The power of a power transform, by maximum likelihood.
//!
//! Both families bend a logarithm t by ψ = ±(e^(p·|t|) − 1)/p: Box–Cox with t = ln x and p = λ,
//! Yeo–Johnson with t = ±ln(1 + |x|), p = λ at and above 0 and p = 2 − λ below. The best λ is where
//!
//! g(λ) = mean(t) − cov(ψ, ∂ψ/∂λ) / var(ψ)
//!
//! is 0, and g falls everywhere: the likelihood is concave (Marchand et al. 2022, "SecureFedYJ",
//! NeurIPS). Three kinds of rounds find it. The first takes the range of x. The second counts t in
//! bins, on which g is solved to within the width of a bin. The others take g over all rows, each
//! term rounded once and summed exactly, and move λ by the slope of g until it moves by less than
//! 10⁻⁵; one such round is often enough.

use evenstep_exact::maths;
use evenstep_exact::moments::{Cross, Extremes};
use evenstep_exact::reduce::{Next, Partial};
use evenstep_exact::simd::widest;
use evenstep_exact::sum::ExactSum;
use serde::{Deserialize, Serialize};

/// Bins for the first approach.
const BINS: usize = 4096;
/// λ is sought between these.
const BOUND: f64 = 5.0;
/// No p·|t| may be larger, so that squares stay finite.
const LARGEST: f64 = 340.0;
/// The range of what is bent is no smaller share of the largest than this, so that values keep half of their digits.
const SPREAD: f64 = 1.0 / (1_u64 << 26) as f64;
/// λ is found when it moves by less: where it moves to is then a thousand times nearer.
const PRECISION: f64 = 1e-5;
/// Rounds over all rows, at most.
const ROUNDS: u32 = 40;
/// So many values are worked on at a time.
const BLOCK: usize = 1024;

/// A family of power transforms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// For x > 0. Box & Cox 1964, J. R. Stat. Soc. B 26.
    BoxCox,
    /// For every x. Yeo & Johnson 2000, Biometrika 87(4).
    YeoJohnson,
}

impl Family {
    /// The logarithm that is bent, with the sign of the branch.
    #[inline(always)]
    fn log(self, x: f64) -> f64 {
        match self {
            Family::BoxCox => maths::ln(x),
            Family::YeoJohnson => maths::log1p(x.abs()).copysign(x),
        }
    }

    /// Transforms every value; NaN outside the domain. λ = 1 is the identity, for Box–Cox less 1.
    pub fn transform(self, lambda: f64, values: &mut [f64]) {
        match self {
            Family::BoxCox if lambda == 1.0 => {
                values.iter_mut().for_each(|x| *x = if *x > 0.0 { *x - 1.0 } else { f64::NAN });
            }
            Family::BoxCox => {
                maths::ln_slice(values);
                let of = |t: f64| if t > f64::NEG_INFINITY { bent(lambda, t) } else { f64::NAN };
                widest!(values.iter_mut().for_each(|t| *t = of(*t)));
            }
            Family::YeoJohnson if lambda == 1.0 => {}
            Family::YeoJohnson => {
                let mut logs = Vec::with_capacity(values.len().min(BLOCK));
                for values in values.chunks_mut(BLOCK) {
                    logs.clear();
                    logs.extend(values.iter().map(|x| x.abs()));
                    maths::log1p_slice(&mut logs);
                    widest!(for (x, l) in values.iter_mut().zip(&logs) {
                        let (p, sign) = if *x < 0.0 { (2.0 - lambda, -1.0) } else { (lambda, 1.0) };
                        *x = sign * bent(p, *l);
                    });
                }
            }
        }
    }

    /// The λ between the bounds for which no transformed training value overflows, and for which they aren't nearly one
    /// value: where all are far from 0, a power of −5 leaves none of their digits.
    fn bounds(self, min: f64, max: f64) -> (f64, f64) {
        let share = |lambda: f64| {
            let mut ends = [min, max];
            self.transform(lambda, &mut ends);
            (ends[1] - ends[0]) / ends[0].abs().max(ends[1].abs())
        };
        let enough = SPREAD.min(share(1.0));
        // A share falls from λ = 1 to one of the ends, and with it the digits that are left.
        let within = |end: f64| {
            if share(end) >= enough {
                return end;
            }
            let (mut kept, mut lost) = (1.0, end);
            for _ in 0..60 {
                let middle = kept + (lost - kept) / 2.0;
                if share(middle) >= enough {
                    kept = middle;
                } else {
                    lost = middle;
                }
            }
            kept
        };
        let (low, high) = self.finite_bounds(min, max);
        (within(low), within(high))
    }

    /// The λ between the bounds for which no transformed training value overflows.
    fn finite_bounds(self, min: f64, max: f64) -> (f64, f64) {
        let (low, high) = (self.log(min), self.log(max));
        match self {
            Family::BoxCox => {
                let lowest = if low < 0.0 { LARGEST / low } else { -BOUND };
                let highest = if high > 0.0 { LARGEST / high } else { BOUND };
                (lowest.max(-BOUND), highest.min(BOUND))
            }
            Family::YeoJohnson => {
                let lowest = if low < 0.0 { 2.0 + LARGEST / low } else { -BOUND };
                let highest = if high > 0.0 { LARGEST / high } else { BOUND };
                (lowest.max(-BOUND), highest.min(BOUND))
            }
        }
    }
}

/// (e^(p·l) − 1)/p, and l for p = 0.
#[inline(always)]
fn bent(p: f64, l: f64) -> f64 {
    if p == 0.0 { l } else { maths::expm1(p * l) / p }
}

/// How the values of one column are measured.
#[derive(Clone, Copy, Debug)]
pub struct Lens {
    family: Family,
    side: Side,
    /// The smallest t, and how many bins a unit of t is.
    low: f64,
    bins_per_unit: f64,
    /// λ is sought between these.
    bounds: (f64, f64),
}

#[derive(Clone, Copy, Debug)]
enum Side {
    /// Values of any size and sign.
    Any,
    /// Values of one sign, of which none is twice another. Their logarithms are taken relative to
    /// one in their middle: that moves no optimum, and spares the difference of nearly equal numbers.
    Near { origin: f64, below: bool },
}

impl Lens {
    fn new(family: Family, min: f64, max: f64) -> Lens {
        let (near, far) = (min.abs().min(max.abs()), min.abs().max(max.abs()));
        let below = max < 0.0;
        let side = if (min >= 0.0 || below) && far / 2.0 <= near {
            Side::Near { origin: near + (far - near) / 2.0, below }
        } else {
            Side::Any
        };
        let lens = Lens { family, side, low: 0.0, bins_per_unit: 0.0, bounds: family.bounds(min, max) };
        let (low, high) = (lens.t(min), lens.t(max));
        Lens { low, bins_per_unit: BINS as f64 / (high - low), ..lens }
    }

    /// The t of each of some values.
    fn measure(&self, values: &[f64], t: &mut [f64; BLOCK]) {
        widest!(t.iter_mut().zip(values).for_each(|(t, x)| *t = self.t(*x)));
    }

    #[inline(always)]
    fn t(&self, x: f64) -> f64 {
        match self.side {
            Side::Any => self.family.log(x),
            Side::Near { origin, below } => {
                let unit = if self.family == Family::BoxCox { origin } else { 1.0 + origin };
                let l = maths::log1p((x.abs() - origin) / unit);
                if below { -l } else { l }
            }
        }
    }

    /// The power and the sign of the branch on which a value with this t lies.
    #[inline(always)]
    fn branch(&self, lambda: f64, t: f64) -> (f64, f64) {
        let below = match self.side {
            Side::Any => self.family == Family::YeoJohnson && t < 0.0,
            Side::Near { below, .. } => below,
        };
        if below { (2.0 - lambda, -1.0) } else { (lambda, 1.0) }
    }

    fn bin(&self, t: f64) -> usize {
        (((t - self.low) * self.bins_per_unit) as usize).min(BINS - 1)
    }

    fn middle(&self, bin: usize) -> f64 {
        self.low + (bin as f64 + 0.5) / self.bins_per_unit
    }

    /// ψ and ∂ψ/∂λ for a value with this t.
    #[inline(always)]
    fn psi(&self, lambda: f64, t: f64) -> (f64, f64) {
        let (p, sign) = self.branch(lambda, t);
        let l = sign * t;
        let z = p * l;
        // Near 0 by Σ zᵏ/(k + 1)! and Σ zᵏ/(k!·(k + 2)), as the closed forms lose what little is left.
        // Both are computed, so that the loop over rows vectorises.
        let h = 1.0 + z * (1.0 / 2.0 + z * (1.0 / 6.0 + z * (1.0 / 24.0 + z * (1.0 / 120.0 + z * (1.0 / 720.0)))));
        let d =
            1.0 / 2.0 + z * (1.0 / 3.0 + z * (1.0 / 8.0 + z * (1.0 / 30.0 + z * (1.0 / 144.0 + z * (1.0 / 840.0)))));
        let near = (sign * l * h, l * l * d);
        let e = maths::exp(z);
        let h = (e - 1.0) / p;
        let far = (sign * h, (l * e - h) / p);
        if z.abs() < 0.02 { near } else { far }
    }
}

/// What is known of λ.
#[derive(Clone, Copy, Debug)]
pub enum Search {
    /// Nothing yet.
    Range,
    /// The range of x.
    Shape(Lens),
    /// A λ to try.
    Slope {
        /// How values are measured.
        lens: Lens,
        /// The λ.
        lambda: f64,
        /// The optimum lies between these.
        between: (f64, f64),
        /// How g falls there, as far as is known.
        slope: f64,
        /// The λ tried before, and g there.
        before: Option<(f64, f64)>,
        /// How often was tried.
        tried: u32,
    },
}

/// What a pass gathers.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct Likelihood {
    /// The range of x.
    pub range: Extremes,
    shape: Vec<u64>,
    sums: Sums,
}

#[derive(Clone, Default, Debug, Serialize, Deserialize)]
struct Sums {
    t: ExactSum,
    psi: ExactSum,
    psi_psi: ExactSum,
    slope: ExactSum,
    psi_slope: ExactSum,
    count: u64,
}

impl Search {
    /// Sees values, none of them null and all in the domain.
    pub fn observe(&self, seen: &mut Likelihood, values: &[f64]) {
        match self {
            Search::Range => values.iter().for_each(|x| seen.range.observe(*x)),
            Search::Shape(lens) => {
                seen.shape.resize(BINS, 0);
                let mut t = [0.0; BLOCK];
                for block in values.chunks(BLOCK) {
                    lens.measure(block, &mut t);
                    t[..block.len()].iter().for_each(|t| seen.shape[lens.bin(*t)] += 1);
                }
            }
            Search::Slope { lens, lambda, .. } => {
                for block in values.chunks(BLOCK) {
                    seen.sums.observe(lens, *lambda, block);
                }
            }
        }
    }

    /// Another round, or the best λ; 1 where none is better than another.
    pub fn next(self, family: Family, seen: Likelihood) -> Next<Search, f64> {
        const IDENTITY: f64 = 1.0;
        match self {
            Search::Range => match (seen.range.min(), seen.range.max()) {
                (Some(min), Some(max)) if min < max => {
                    let lens = Lens::new(family, min, max);
                    // Values so close or so far apart that their logarithms can't be told apart or bent.
                    if lens.bins_per_unit.is_finite() && lens.bounds.0 < lens.bounds.1 {
                        Next::Again(Search::Shape(lens))
                    } else {
                        Next::Done(IDENTITY)
                    }
                }
                _ => Next::Done(IDENTITY),
            },
            Search::Shape(lens) => match solve(&lens, &seen.shape) {
                Some((lambda, slope)) => {
                    Next::Again(Search::Slope { lens, lambda, between: lens.bounds, slope, before: None, tried: 1 })
                }
                None => Next::Done(IDENTITY),
            },
            Search::Slope { lens, lambda, between: (low, high), slope, before, tried } => {
                let Some(g) = seen.sums.g() else { return Next::Done(IDENTITY) };
                if (g >= 0.0 && lambda == lens.bounds.1) || (g <= 0.0 && lambda == lens.bounds.0) {
                    return Next::Done(lambda);
                }
                let between = if g > 0.0 { (lambda, high) } else { (low, lambda) };
                let secant = before.map(|(at, was)| (g - was) / (lambda - at)).filter(|slope| *slope < 0.0);
                let slope = secant.unwrap_or(slope);
                let mut next = lambda - g / slope;
                if !(between.0..=between.1).contains(&next) {
                    // A bound of the search is tried itself; another has been.
                    let bound = if g > 0.0 { between.1 } else { between.0 };
                    let untried = bound == lens.bounds.0 || bound == lens.bounds.1;
                    next = if untried { bound } else { between.0 + (between.1 - between.0) / 2.0 };
                }
                if (next - lambda).abs() < PRECISION || tried == ROUNDS {
                    return Next::Done(next);
                }
                let before = Some((lambda, g));
                Next::Again(Search::Slope { lens, lambda: next, between, slope, before, tried: tried + 1 })
            }
        }
    }
}

impl Sums {
    fn observe(&mut self, lens: &Lens, lambda: f64, values: &[f64]) {
        let n = values.len();
        let (mut t, mut psi, mut slope) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
        lens.measure(values, &mut t);
        widest!(for ((psi, slope), t) in psi.iter_mut().zip(&mut slope).zip(&t[..n]) {
            (*psi, *slope) = lens.psi(lambda, *t);
        });
        self.t.add_slice(&t[..n]);
        self.psi.add_slice(&psi[..n]);
        self.slope.add_slice(&slope[..n]);
        self.psi_psi.add_terms(n, |i| psi[i] * psi[i]);
        self.psi_slope.add_terms(n, |i| psi[i] * slope[i]);
        self.count += n as u64;
    }

    /// g, or None where it has no value.
    fn g(self) -> Option<f64> {
        let mut weight = ExactSum::default();
        weight.add_times(1.0, self.count);
        let mean = self.t.divided_by(&weight)?;
        let pair = |x: &ExactSum, y: &ExactSum, xy: ExactSum| {
            Cross { x: x.clone(), y: y.clone(), xy, weight: weight.clone(), ..Cross::default() }.covariance(0)
        };
        let variance = pair(&self.psi, &self.psi, self.psi_psi)?;
        let covariance = pair(&self.psi, &self.slope, self.psi_slope)?;
        Some(mean - covariance / variance).filter(|g| g.is_finite())
    }
}

impl Partial for Sums {
    fn merge(&mut self, other: Sums) {
        self.t.merge(other.t);
        self.psi.merge(other.psi);
        self.psi_psi.merge(other.psi_psi);
        self.slope.merge(other.slope);
        self.psi_slope.merge(other.psi_slope);
        self.count += other.count;
    }
}

impl Partial for Likelihood {
    fn merge(&mut self, other: Likelihood) {
        self.range.merge(other.range);
        self.shape.merge(other.shape);
        self.sums.merge(other.sums);
    }
}

/// The root of g on the counted bins, within the bounds, and how g falls there.
fn solve(lens: &Lens, shape: &[u64]) -> Option<(f64, f64)> {
    let counted = shape.iter().enumerate().filter(|(_, count)| **count > 0);
    let points: Vec<(f64, f64)> = counted.map(|(bin, count)| (lens.middle(bin), *count as f64)).collect();
    let total: f64 = points.iter().map(|(_, count)| count).sum();
    let g = |lambda: f64| {
        let bent: Vec<(f64, f64)> = points.iter().map(|(t, _)| lens.psi(lambda, *t)).collect();
        let mean = |of: &dyn Fn(usize) -> f64| (0..points.len()).map(|i| points[i].1 * of(i)).sum::<f64>() / total;
        let (psi, slope) = (mean(&|i| bent[i].0), mean(&|i| bent[i].1));
        let variance = mean(&|i| (bent[i].0 - psi) * (bent[i].0 - psi));
        let covariance = mean(&|i| (bent[i].0 - psi) * (bent[i].1 - slope));
        mean(&|i| points[i].0) - covariance / variance
    };
    let (mut low, mut high) = lens.bounds;
    for _ in 0..30 {
        let middle = low + (high - low) / 2.0;
        if g(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    let lambda = if high == lens.bounds.1 { high } else { low };
    let step = (lens.bounds.1 - lens.bounds.0) * 1e-3;
    let slope = (g(lambda + step) - g(lambda - step)) / (2.0 * step);
    (slope < 0.0).then_some((lambda, slope))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(family: Family, values: &[f64]) -> f64 {
        let mut search = Search::Range;
        loop {
            let mut seen = Likelihood::default();
            search.observe(&mut seen, values);
            match search.next(family, seen) {
                Next::Again(again) => search = again,
                Next::Done(lambda) => return lambda,
            }
        }
    }

    #[track_caller]
    fn check(family: Family, values: &[f64], expected: f64) {
        let found = best(family, values);
        assert!((found - expected).abs() < 1e-9, "{family:?} of {values:?}: {found} instead of {expected}");
    }

    /// The roots of g in 80-bit floats by Brent's method; SciPy's optimisers agree to 8 digits.
    #[test]
    fn powers_are_those_of_other_libraries() {
        let skewed = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0, 30.0];
        check(Family::YeoJohnson, &skewed, -0.310_854_860_891_743_6);
        check(Family::YeoJohnson, &skewed.map(|x| -x), 2.310_854_860_891_743_6);
        check(Family::BoxCox, &skewed, -0.045_187_101_426_925_93);
        let both_signs = [-3.0, -1.5, -0.2, 0.1, 0.4, 1.0, 2.0, 3.5, 7.0, 12.0];
        check(Family::YeoJohnson, &both_signs, 0.584_130_286_778_078_9);
        let far_from_0 = [101.0, 120.0, 130.0, 145.0, 170.0, 190.0, 260.0];
        check(Family::BoxCox, &far_from_0, -0.766_351_736_918_501_3);
        check(Family::YeoJohnson, &far_from_0, -0.776_692_018_786_931_3);
    }

    #[test]
    fn a_power_stays_within_its_bounds() {
        let years = [2003.0, 1950.0, 1997.0, 2000.0, 2009.0];
        check(Family::YeoJohnson, &years, 5.0);
        check(Family::YeoJohnson, &years.map(|x| -x), -5.0);
        check(Family::BoxCox, &[20.5, 20.1, 24.0, 20.0, 20.2], -5.0);
    }

    #[test]
    fn values_far_from_0_are_told_apart_after_any_power() {
        let years = [1990.0, 1991.0, 1991.0, 1992.0, 1993.0, 1994.0, 1996.0, 1998.0, 2001.0, 2005.0, 2012.0, 2020.0];
        for (family, sign) in [(Family::YeoJohnson, 1.0), (Family::YeoJohnson, -1.0), (Family::BoxCox, 1.0)] {
            for offset in [0.0, 1e5, 1e9, 1e12] {
                let mut values = years.map(|x| sign * (x + offset));
                let lambda = best(family, &values);
                family.transform(lambda, &mut values);
                values.sort_by(f64::total_cmp);
                let different = values.windows(2).filter(|pair| pair[0] < pair[1]).count();
                assert_eq!(different, 10, "{family:?} of {sign} · years and {offset} by {lambda}: {values:?}");
            }
        }
    }

    #[test]
    fn without_a_best_power_values_stay_as_they_are() {
        for values in [&[7.0; 5][..], &[0.0], &[], &[1e308, -1e308], &[1.0, 1.0 + f64::EPSILON]] {
            check(Family::YeoJohnson, values, best(Family::YeoJohnson, values).clamp(-5.0, 5.0));
        }
        check(Family::YeoJohnson, &[7.0; 5], 1.0);
        check(Family::YeoJohnson, &[1e308, -1e308], 1.0);
        let mut values = [3.0, -2.5, 0.1];
        Family::YeoJohnson.transform(1.0, &mut values);
        assert_eq!(values, [3.0, -2.5, 0.1]);
    }

    #[test]
    fn no_training_value_overflows() {
        for values in [[1e-300, 1.0, 1e300], [1.0, 2.0, 1e308], [5e-324, 1e-10, 1.0]] {
            for family in [Family::BoxCox, Family::YeoJohnson] {
                let lambda = best(family, &values);
                let mut bent = values;
                family.transform(lambda, &mut bent);
                assert!(bent.iter().all(|x| x.is_finite()), "{family:?} of {values:?} by {lambda}: {bent:?}");
            }
        }
    }

    /// SciPy 1.17, `yeojohnson(x, 0.5)` and `boxcox(x, 0.25)`.
    #[test]
    fn values_are_bent_as_by_other_libraries() {
        let mut found = [-3.0, -1.5, -0.2, 0.1, 0.4, 12.0];
        let expected = [-4.666_666_67, -1.968_564_72, -0.209_689_43, 0.097_617_7, 0.366_431_91, 5.211_102_55];
        Family::YeoJohnson.transform(0.5, &mut found);
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-8), "{found:?}");
        let mut found = [0.5, 1.0, 1.5, 30.0];
        let expected = [-0.636_414_34, 0.0, 0.426_727_68, 5.361_389_28];
        Family::BoxCox.transform(0.25, &mut found);
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-8), "{found:?}");
    }
}
