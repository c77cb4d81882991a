//! What fits call for every row: functions without branches, so that loops over them vectorise.

/// e to the x, within 1 ulp.
///
/// Source: FreeBSD `e_exp.c` (Sun 1993), without its branches, so that slices vectorise.
#[inline(always)]
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
    let y = scaled(y, integer(k));
    if x.is_nan() { f64::NAN } else { y }
}

/// e to the x, less 1, within 1 ulp: accurate near 0.
///
/// Source: FreeBSD `s_expm1.c` (Sun 1993), without its branches, so that slices vectorise.
#[inline(always)]
pub fn expm1(x: f64) -> f64 {
    // Beyond these bounds the result is infinite or −1, and the scale stays in range.
    let bounded = if x > 710.0 { 710.0 } else { x };
    let bounded = if bounded < -60.0 { -60.0 } else { bounded };
    let quotient = bounded * std::f64::consts::LOG2_E + 0.5_f64.copysign(bounded);
    let nearest = quotient + TO_INTEGER - TO_INTEGER;
    let cut = if nearest.abs() > quotient.abs() { nearest - 1.0_f64.copysign(quotient) } else { nearest };
    let k = if x.abs() >= HALF_LN_2 { cut } else { 0.0 };
    let (high, low) = (bounded - k * LN_2_HIGH, k * LN_2_LOW);
    let r = high - low;
    let c = high - r - low;
    let half = 0.5 * r;
    let z = r * half;
    let p = 1.0 + z * (EXPM1[0] + z * (EXPM1[1] + z * (EXPM1[2] + z * (EXPM1[3] + z * EXPM1[4]))));
    let t = 3.0 - p * half;
    let e = z * ((p - t) / (6.0 - r * t));
    let near = r - (r * e - z);
    let e = r * (e - c) - c - z;
    let y = r - e;
    let double = if r < -0.25 { -2.0 * (e - (r + 0.5)) } else { 1.0 + 2.0 * y };

    let inverse = power(integer(k).wrapping_neg());
    // What is less than the last digit of 1 is taken from the sum itself.
    let is_far = !(0.0..=56.0).contains(&k);
    let part = if k < 20.0 { y + (1.0 - inverse) } else { r - (e + inverse) + 1.0 };
    let part = if is_far { y + 1.0 } else { part };
    let scaled = scaled(part, integer(k));
    let far = if is_far { scaled - 1.0 } else { scaled };

    let y = if k == -1.0 { 0.5 * y - 0.5 } else { far };
    let y = if k == 1.0 { double } else { y };
    let y = if k == 0.0 { near } else { y };
    let y = if x <= LEAST_EXPM1 { -1.0 } else { y };
    let y = if x > MOST_EXPM1 { f64::INFINITY } else { y };
    if x.is_nan() { f64::NAN } else { y + 0.0 }
}

/// A float that is whole and moderate, as an integer in two's complement.
#[inline(always)]
fn integer(k: f64) -> u64 {
    (k + TO_INTEGER).to_bits().wrapping_sub(TO_INTEGER.to_bits())
}

/// 2^k, where that is a normal float.
#[inline(always)]
fn power(k: u64) -> f64 {
    f64::from_bits(k.wrapping_add(1023) << 52)
}

/// y·2^k, in two factors, since 2^k may be no float where y·2^k is one.
#[inline(always)]
fn scaled(y: f64, k: u64) -> f64 {
    let half = (k.wrapping_add(2048) >> 1).wrapping_sub(1024);
    y * power(half) * power(k.wrapping_sub(half))
}

/// The first float whose upper half is above that of ½·ln 2.
const HALF_LN_2: f64 = f64::from_bits(0x3fd6_2e43 << 32);
/// −56·ln 2, where nothing is left of e^x beside 1.
const LEAST_EXPM1: f64 = f64::from_bits(0xc043_687a << 32);
/// ln of the largest float.
const MOST_EXPM1: f64 = f64::from_bits(0x4086_2e42_fefa_39ef);
const EXPM1: [f64; 5] = [
    f64::from_bits(0xbfa1_1111_1111_10f4),
    f64::from_bits(0x3f5a_01a0_19fe_5585),
    f64::from_bits(0xbf14_ce19_9eaa_dbb7),
    f64::from_bits(0x3ed0_cfca_86e6_5239),
    f64::from_bits(0xbe8a_fdb7_6e09_c32d),
];

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
#[inline(always)]
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
#[inline(always)]
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
#[inline(always)]
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
#[inline(always)]
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
#[inline(always)]
pub fn sigmoid(x: f64) -> f64 {
    let e = exp(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}
