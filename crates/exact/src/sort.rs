//! Floats as integers that sort like them, and a radix sort of those.

/// The place of a float in the total order, as an integer.
///
/// −0 is 0. NaN, which is null, comes after everything.
#[inline]
pub fn sortable(x: f64) -> u64 {
    if x.is_nan() {
        return u64::MAX;
    }
    let bits = (x + 0.0).to_bits();
    bits ^ (((bits as i64) >> 63) as u64 | 1 << 63)
}

/// The float at a place in the total order; the inverse of `sortable`.
#[inline]
pub fn from_sortable(place: u64) -> f64 {
    f64::from_bits(place ^ ((((!place) as i64) >> 63) as u64 | 1 << 63))
}

/// Sorts floats in ascending order, NaN last; −0 becomes 0.
pub fn sort_floats(values: &mut [f64]) {
    let mut places: Vec<u64> = values.iter().map(|x| sortable(*x)).collect();
    radix_sort(&mut places);
    for (x, place) in values.iter_mut().zip(places) {
        *x = from_sortable(place);
    }
}

/// Sorts integers in ascending order.
pub fn radix_sort(values: &mut [u64]) {
    radix_sort_by_key(values, |x| *x);
}

/// Sorts items by an integer key, in ascending order; equal keys keep their order.
pub fn radix_sort_by_key<T: Copy>(items: &mut [T], key: impl Fn(&T) -> u64) {
    items.sort_by_key(key);
}
