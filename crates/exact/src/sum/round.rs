//! The one place where an exact number becomes a float.

/// (magnitude + a sticky bit below it)·2^exponent to the nearest float, ties to even.
///
/// With a sticky bit the magnitude has at least 64 bits, so that the bit lies below the
/// rounding place. Zero is +0; what rounds beyond the largest float is infinite.
pub(super) fn round(negative: bool, magnitude: u128, sticky: bool, exponent: i32) -> f64 {
    if magnitude == 0 {
        return 0.0;
    }
    let top = exponent + 127 - magnitude.leading_zeros() as i32;
    let unit = (top - 52).max(-1074);
    let dropped = unit - exponent;
    let kept = if dropped <= 0 {
        debug_assert!(!sticky, "a sticky bit lies below the rounding place");
        if top > 1023 {
            return if negative { f64::NEG_INFINITY } else { f64::INFINITY };
        }
        (magnitude << -dropped) as u64
    } else if dropped > 128 {
        0
    } else {
        let half = 1_u128 << (dropped - 1);
        let kept = if dropped == 128 { 0 } else { (magnitude >> dropped) as u64 };
        let rest = magnitude & (half | (half - 1));
        let up = rest > half || rest == half && (sticky || kept & 1 == 1);
        kept + u64::from(up)
    };
    if top > 1023 {
        return if negative { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    // The hidden bit of `kept`, if it is there, adds the last one to the exponent.
    let bits = (((unit + 1074) as u64) << 52) + kept;
    let rounded = f64::from_bits(bits);
    if negative && rounded != 0.0 { -rounded } else { rounded }
}
