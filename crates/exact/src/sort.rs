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
    if place == u64::MAX {
        return f64::NAN;
    }
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
    if values.len() < SMALL {
        return values.sort_unstable();
    }
    radix_sort_by_key(values, |x| *x);
}

/// Sorts items by an integer key, in ascending order; equal keys keep their order.
///
/// Four passes over 8 bits each, from the lowest, order the items by the first 32 bits from which on
/// any two keys differ. Those left with equal bits are few, or equal, and are compared.
pub fn radix_sort_by_key<T: Copy>(items: &mut [T], key: impl Fn(&T) -> u64) {
    if items.len() < SMALL {
        return items.sort_by_key(key);
    }
    let first = key(&items[0]);
    let differing = items.iter().fold(0, |all, item| all | (key(item) ^ first));
    let low = (64 - differing.leading_zeros()).saturating_sub(DIGITS as u32 * BITS);
    let digit = |item: &T, i: usize| (key(item) >> low >> (BITS * i as u32)) as usize & (BUCKETS - 1);

    let mut counts = [[0_usize; BUCKETS]; DIGITS];
    for item in items.iter() {
        for (i, counts) in counts.iter_mut().enumerate() {
            counts[digit(item, i)] += 1;
        }
    }
    let mut spare = items.to_vec();
    let (mut from, mut to) = (&mut *items, &mut *spare);
    let mut swapped = false;
    for (i, starts) in counts.iter_mut().enumerate() {
        if starts.contains(&from.len()) {
            continue;
        }
        let mut start = 0;
        for count in starts.iter_mut() {
            (start, *count) = (start + *count, start);
        }
        for item in from.iter() {
            let place = &mut starts[digit(item, i)];
            to[*place] = *item;
            *place += 1;
        }
        (from, to) = (to, from);
        swapped = !swapped;
    }
    if swapped {
        items.copy_from_slice(&spare);
    }
    if low > 0 {
        let seen = |item: &T| key(item) >> low;
        for equal in items.chunk_by_mut(|a, b| seen(a) == seen(b)).filter(|run| run.len() > 1) {
            equal.sort_by_key(&key);
        }
    }
}

const BITS: u32 = 8;
const BUCKETS: usize = 1 << BITS;
const DIGITS: usize = 4;

/// Below this length comparing is faster than counting.
const SMALL: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_are_in_the_order_of_the_floats() {
        let ascending = [
            f64::NEG_INFINITY,
            f64::MIN,
            -1.0,
            -f64::MIN_POSITIVE,
            -f64::from_bits(1),
            0.0,
            f64::from_bits(1),
            1.0,
            f64::MAX,
        ];
        let places = ascending.map(sortable);
        assert!(places.is_sorted_by(|a, b| a < b));
        assert_eq!(places.map(from_sortable), ascending);
        assert_eq!(sortable(-0.0), sortable(0.0));
        assert_eq!(from_sortable(sortable(-0.0)).to_bits(), 0);
        assert_eq!(sortable(-f64::NAN), u64::MAX);
        assert!(from_sortable(u64::MAX).is_nan());
    }

    #[test]
    fn constant_bytes_are_skipped_and_nothing_is_lost() {
        for n in [0, 1, 255, 256, 257, 10_000] {
            let mut values: Vec<u64> = (0..n).map(|i| ((i * 7919) % 1000) << 20).collect();
            let mut expected = values.clone();
            expected.sort_unstable();
            radix_sort(&mut values);
            assert_eq!(values, expected);
        }
    }

    proptest! {
        #[test]
        fn floats_are_sorted_as_the_standard_library_does(mut values in prop::collection::vec(any::<f64>(), 0..1000)) {
            let mut expected: Vec<f64> = values.iter().map(|x| if x.is_nan() { f64::NAN } else { x + 0.0 }).collect();
            expected.sort_by(f64::total_cmp);
            sort_floats(&mut values);
            let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&values), bits(&expected));
        }

        #[test]
        fn equal_keys_keep_their_order(keys in prop::collection::vec(0..50_u64, 0..1000)) {
            let mut items: Vec<(u64, usize)> = keys.into_iter().zip(0..).collect();
            let mut expected = items.clone();
            expected.sort_by_key(|item| item.0);
            radix_sort_by_key(&mut items, |item| item.0);
            prop_assert_eq!(items, expected);
        }
    }
}
