//! Every function, over points of any size.

use evenstep_exact::maths::*;
use evenstep_exact::reduce::Workers;

use crate::{Item, bits, points};

/// How many points each function is asked at.
const POINTS: u64 = 4096;

type One = (&'static str, fn(f64) -> f64, (f64, f64));
type Two = (&'static str, fn(f64, f64) -> f64, (f64, f64));
type Slice = (&'static str, fn(&mut [f64]), (f64, f64));

/// Functions of one number, and the bounds between which they have something to say.
const OF_ONE: [One; 27] = [
    ("exp", exp, (-750.0, 715.0)),
    ("ln", ln, (0.0, 3.0)),
    ("log1p", log1p, (-1.0, 3.0)),
    ("sigmoid", sigmoid, (-50.0, 50.0)),
    ("log2", log2, (0.0, 3.0)),
    ("log10", log10, (0.0, 3.0)),
    ("expm1", expm1, (-5.0, 5.0)),
    ("sqrt", sqrt, (0.0, 1e9)),
    ("cbrt", cbrt, (-1e9, 1e9)),
    ("sin", sin, (-10.0, 10.0)),
    ("cos", cos, (-10.0, 10.0)),
    ("tan", tan, (-10.0, 10.0)),
    ("asin", asin, (-1.0, 1.0)),
    ("acos", acos, (-1.0, 1.0)),
    ("atan", atan, (-10.0, 10.0)),
    ("sinh", sinh, (-20.0, 20.0)),
    ("cosh", cosh, (-20.0, 20.0)),
    ("tanh", tanh, (-5.0, 5.0)),
    ("asinh", asinh, (-1e3, 1e3)),
    ("erf", erf, (-4.0, 4.0)),
    ("erfc", erfc, (-4.0, 20.0)),
    ("gamma", gamma, (-20.0, 100.0)),
    ("ln_gamma", ln_gamma, (-20.0, 1e5)),
    ("normal_cdf", normal_cdf, (-10.0, 10.0)),
    ("normal_quantile", normal_quantile, (0.0, 1.0)),
    ("multiply, add", |x| x * x + x, (-3.0, 3.0)),
    ("divide", |x| 1.0 / x, (-3.0, 3.0)),
];

const OF_TWO: [Two; 3] = [("pow", pow, (0.0, 30.0)), ("atan2", atan2, (-5.0, 5.0)), ("hypot", hypot, (-1e3, 1e3))];

const OF_SLICES: [Slice; 4] = [
    ("exp of slices", exp_slice, (-750.0, 715.0)),
    ("ln of slices", ln_slice, (0.0, 3.0)),
    ("log1p of slices", log1p_slice, (-1.0, 3.0)),
    ("sigmoid of slices", sigmoid_slice, (-50.0, 50.0)),
];

pub(crate) fn items(_: &Workers) -> Vec<Item> {
    let one = OF_ONE.iter().map(|(name, of, (low, high))| {
        // Which NaN a basic operation gives is the processor's affair; nothing of ours looks at it.
        let canonical = |y: f64| if y.is_nan() { f64::NAN } else { y };
        (*name, bits(points(POINTS, *low, *high).map(|x| canonical(of(x)))))
    });
    let two = OF_TWO.iter().map(|(name, of, (low, high))| {
        let others = points(POINTS + 1, *low, *high).skip(1);
        (*name, bits(points(POINTS, *low, *high).zip(others).map(|(x, y)| of(x, y))))
    });
    let slices = OF_SLICES.iter().map(|(name, of, (low, high))| {
        let mut values: Vec<f64> = points(POINTS + 3, *low, *high).collect();
        of(&mut values);
        (*name, bits(values))
    });
    one.chain(two).chain(slices).map(|(name, digest)| (name.to_owned(), digest)).collect()
}
