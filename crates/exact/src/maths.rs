//! Functions that give the same bits on every host.
//!
//! Only IEEE basic operations, multiply then add; never the platform's library. Errors are
//! below 1 ulp for `exp`, `ln` and `log1p`, and a few ulps at most elsewhere. No function returns −0,
//! and every NaN has the same bits.

/// e to the x, within 1 ulp.
///
/// Source: FreeBSD `e_exp.c` (Sun 1993), without its branches, so that slices vectorise.
#[inline]
pub fn exp(x: f64) -> f64 {
    // Beyond these bounds the result is infinite or 0 by itself, and the scale stays in range.
    let bounded = if x > 710.0 { 710.0 } else { x };
    let bounded = if bounded < -746.0 { -746.0 } else { bounded };
    let shifted = bounded * std::f64::consts::LOG2_E + TO_INTEGER;
    let k = shifted - TO_INTEGER;
    let (high, low) = (bounded - k * LN_2_HIGH, k * LN_2_LOW);
    let r = high - low;
    let z = r * r;
    let c = r - z * (EXP[0] + z * (EXP[1] + z * (EXP[2] + z * (EXP[3] + z * EXP[4]))));
    let y = 1.0 + (r * c / (2.0 - c) - low + high);
    // In two factors, since 2^k may be no float where y·2^k is one.
    let k = shifted.to_bits().wrapping_sub(TO_INTEGER.to_bits()).wrapping_add(2048);
    let half = k >> 1;
    let power = |k: u64| f64::from_bits(k.wrapping_sub(1024).wrapping_add(1023) << 52);
    let y = y * power(half) * power(k.wrapping_sub(half));
    if x.is_nan() { f64::NAN } else { y }
}

/// Added to a float of moderate size and taken away again, it leaves the nearest integer.
const TO_INTEGER: f64 = 1.5 * (1_u64 << 52) as f64;
const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN_2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
const EXP: [f64; 5] = [
    f64::from_bits(0x3fc5_5555_5555_553e),
    f64::from_bits(0xbf66_c16c_16be_bd93),
    f64::from_bits(0x3f11_566a_af25_de2c),
    f64::from_bits(0xbebb_bd41_c5d2_6bf1),
    f64::from_bits(0x3e66_3769_72be_a4d0),
];

/// The natural logarithm, within 1 ulp: −∞ at 0, NaN below.
///
/// Source: FreeBSD `e_log.c` (Sun 1993), without its branches, so that slices vectorise.
#[inline]
pub fn ln(x: f64) -> f64 {
    let subnormal = x < f64::MIN_POSITIVE;
    let (scale, places) = if subnormal { ((1_u64 << 54) as f64, 54.0) } else { (1.0, 0.0) };
    let (k, f) = near_one(x * scale);
    let y = ln_of_parts(k - places, f, 0.0);
    let y = if x > f64::MAX { x } else { y };
    let edge = if x == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    if x > 0.0 { y } else { edge }
}

/// ln(1 + x), within 1 ulp: accurate near 0, −∞ at −1, NaN below.
///
/// Source: FreeBSD `s_log1p.c` (Sun 1993), without its branches, so that slices vectorise.
#[inline]
pub fn log1p(x: f64) -> f64 {
    let u = 1.0 + x;
    let (k, f) = near_one(u);
    // What rounding took from u; Knuth's sum of two, which needs no larger one.
    let lost = (1.0 - (u - (u - 1.0))) + (x - (u - 1.0));
    let correction = if k < 54.0 { lost / u } else { 0.0 };
    let near = k == 0.0;
    let (f, correction) = (if near { x } else { f }, if near { 0.0 } else { correction });
    let y = ln_of_parts(k, f, correction);
    let y = if x > f64::MAX { x } else { y };
    let edge = if x == -1.0 { f64::NEG_INFINITY } else { f64::NAN };
    if x > -1.0 { y } else { edge }
}

/// A normal positive float as 2^k·(1 + f), with 1 + f between √½ and √2.
#[inline]
fn near_one(x: f64) -> (f64, f64) {
    const ONE: u64 = 1.0_f64.to_bits();
    // √½, cut to its upper half.
    const LEAST: u64 = 0x3fe6_a09e << 32;
    let bits = x.to_bits().wrapping_add(ONE - LEAST);
    // An integer in the low bits of 2^52 becomes a float without a conversion, which SSE2 lacks.
    let whole = (1_u64 << 52) as f64;
    let k = f64::from_bits(whole.to_bits() | bits >> 52) - (whole + 1023.0);
    (k, f64::from_bits((bits & ((1 << 52) - 1)) + LEAST) - 1.0)
}

/// k·ln 2 + ln(1 + f) + correction.
#[inline]
fn ln_of_parts(k: f64, f: f64, correction: f64) -> f64 {
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (LN[1] + w * (LN[3] + w * LN[5]));
    let odd = z * (LN[0] + w * (LN[2] + w * (LN[4] + w * LN[6])));
    let r = odd + even;
    s * (half_square + r) + (k * LN_2_LOW + correction) - half_square + f + k * LN_2_HIGH
}

const LN: [f64; 7] = [
    f64::from_bits(0x3fe5_5555_5555_5593),
    f64::from_bits(0x3fd9_9999_9997_fa04),
    f64::from_bits(0x3fd2_4924_9422_9359),
    f64::from_bits(0x3fcc_71c5_1d8e_78af),
    f64::from_bits(0x3fc7_4664_96cb_03de),
    f64::from_bits(0x3fc3_9a09_d078_c69f),
    f64::from_bits(0x3fc2_f112_df3e_5244),
];

/// The logistic function 1 / (1 + e^−x).
///
/// By e^−|x|, which never overflows, so that neither tail loses digits.
#[inline]
pub fn sigmoid(x: f64) -> f64 {
    let e = exp(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

macro_rules! slices {
    ($($(#[$doc:meta])* $name:ident = $function:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(values: &mut [f64]) {
            for x in values {
                *x = $function(*x);
            }
        }
    )*};
}

slices! {
    /// `exp` of every value, in place.
    exp_slice = exp;
    /// `ln` of every value, in place.
    ln_slice = ln;
    /// `log1p` of every value, in place.
    log1p_slice = log1p;
    /// `sigmoid` of every value, in place.
    sigmoid_slice = sigmoid;
}

macro_rules! from_libm {
    ($($(#[$doc:meta])* $name:ident($($argument:ident),*) = $function:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name($($argument: f64),*) -> f64 {
            canonical(libm::$function($($argument),*))
        }
    )*};
}

/// One NaN, since its sign differs by processor, and one zero.
#[inline]
fn canonical(x: f64) -> f64 {
    if x.is_nan() { f64::NAN } else { x + 0.0 }
}

/// The square root, correctly rounded; NaN below 0.
#[inline]
pub fn sqrt(x: f64) -> f64 {
    // A basic operation of IEEE 754, so every processor gives the same bits.
    canonical(x.sqrt())
}

from_libm! {
    /// The logarithm to base 2.
    log2(x) = log2;
    /// The logarithm to base 10.
    log10(x) = log10;
    /// e to the x, less 1; accurate near 0.
    expm1(x) = expm1;
    /// x to the y.
    pow(x, y) = pow;
    /// The cube root.
    cbrt(x) = cbrt;
    /// The length of the vector (x, y).
    hypot(x, y) = hypot;
    /// The sine.
    sin(x) = sin;
    /// The cosine.
    cos(x) = cos;
    /// The tangent.
    tan(x) = tan;
    /// The arc sine.
    asin(x) = asin;
    /// The arc cosine.
    acos(x) = acos;
    /// The arc tangent.
    atan(x) = atan;
    /// The angle of the point (x, y), from −π to π.
    atan2(y, x) = atan2;
    /// The hyperbolic sine.
    sinh(x) = sinh;
    /// The hyperbolic cosine.
    cosh(x) = cosh;
    /// The hyperbolic tangent.
    tanh(x) = tanh;
    /// The inverse hyperbolic sine.
    asinh(x) = asinh;
    /// The error function.
    erf(x) = erf;
    /// 1 − erf(x), accurate for large x.
    erfc(x) = erfc;
    /// The gamma function.
    gamma(x) = tgamma;
    /// The logarithm of the gamma function's absolute value.
    ln_gamma(x) = lgamma;
}

/// The standard normal distribution function.
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// The inverse of the standard normal distribution function: the x below which lies the share `p`.
///
/// Infinite at 0 and 1, NaN outside. Source: Wichura 1988, AS 241 (PPND16).
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * ratio(r, &CENTRE);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail == 0.0 {
        return if q < 0.0 {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        };
    }
    let r = sqrt(-ln(tail));
    let x = if r <= 5.0 {
        ratio(r - 1.6, &MIDDLE)
    } else {
        ratio(r - 5.0, &FAR)
    };
    if q < 0.0 { -x } else { x }
}

fn ratio(r: f64, [numerator, denominator]: &[[f64; 8]; 2]) -> f64 {
    let polynomial = |terms: &[f64; 8]| terms.iter().fold(0.0, |value, term| value * r + term);
    polynomial(numerator) / polynomial(denominator)
}

// Coefficients of AS 241 as printed, the highest power first.
#[expect(clippy::excessive_precision, reason = "the digits of the source")]
const CENTRE: [[f64; 8]; 2] = [
    [
        2.5090809287301226727e3,
        3.3430575583588128105e4,
        6.7265770927008700853e4,
        4.5921953931549871457e4,
        1.3731693765509461125e4,
        1.9715909503065514427e3,
        1.3314166789178437745e2,
        3.3871328727963666080e0,
    ],
    [
        5.2264952788528545610e3,
        2.8729085735721942674e4,
        3.9307895800092710610e4,
        2.1213794301586595867e4,
        5.3941960214247511077e3,
        6.8718700749205790830e2,
        4.2313330701600911252e1,
        1.0,
    ],
];
#[expect(clippy::excessive_precision, reason = "the digits of the source")]
const MIDDLE: [[f64; 8]; 2] = [
    [
        7.74545014278341407640e-4,
        2.27238449892691845833e-2,
        2.41780725177450611770e-1,
        1.27045825245236838258e0,
        3.64784832476320460504e0,
        5.76949722146069140550e0,
        4.63033784615654529590e0,
        1.42343711074968357734e0,
    ],
    [
        1.05075007164441684324e-9,
        5.47593808499534494600e-4,
        1.51986665636164571966e-2,
        1.48103976427480074590e-1,
        6.89767334985100004550e-1,
        1.67638483018380384940e0,
        2.05319162663775882187e0,
        1.0,
    ],
];
#[expect(clippy::excessive_precision, reason = "the digits of the source")]
const FAR: [[f64; 8]; 2] = [
    [
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        1.24266094738807843860e-3,
        2.65321895265761230930e-2,
        2.96560571828504891230e-1,
        1.78482653991729133580e0,
        5.46378491116411436990e0,
        6.65790464350110377720e0,
    ],
    [
        2.04426310338993978564e-15,
        1.42151175831644588870e-7,
        1.84631831751005468180e-5,
        7.86869131145613259100e-4,
        1.48753612908506148525e-2,
        1.36929880922735805310e-1,
        5.99832206555887937690e-1,
        1.0,
    ],
];
