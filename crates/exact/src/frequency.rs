//! How often each key occurs.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::reduce::Partial;

/// Counts by key, in key order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "K: Ord + Deserialize<'de>"))]
pub struct Frequency<K: Ord> {
    counts: BTreeMap<K, u64>,
}

impl<K: Ord> Default for Frequency<K> {
    fn default() -> Frequency<K> {
        Frequency { counts: BTreeMap::new() }
    }
}

impl<K: Ord> Frequency<K> {
    /// Counts a key once.
    pub fn observe(&mut self, key: K) {
        self.observe_n(key, 1);
    }

    /// Counts a key `n` times; zero times leaves no trace.
    pub fn observe_n(&mut self, key: K, n: u64) {
        if n > 0 {
            *self.counts.entry(key).or_default() += n;
        }
    }

    /// Counts a key once and makes it owned only when it is new.
    pub fn observe_ref<Q: Ord + ToOwned<Owned = K> + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        match self.counts.get_mut(key) {
            Some(count) => *count += 1,
            None => self.observe(key.to_owned()),
        }
    }

    /// How often a key was seen.
    pub fn count<Q: Ord + ?Sized>(&self, key: &Q) -> u64
    where
        K: Borrow<Q>,
    {
        self.counts.get(key).copied().unwrap_or(0)
    }

    /// The key seen most often; of equally frequent ones the smallest.
    pub fn most_frequent(&self) -> Option<&K> {
        let mut best: Option<(&K, u64)> = None;
        for (key, count) in self.iter() {
            if best.is_none_or(|(_, most)| count > most) {
                best = Some((key, count));
            }
        }
        best.map(|(key, _)| key)
    }

    /// How many keys differ.
    pub fn distinct(&self) -> usize {
        self.counts.len()
    }

    /// How many observations there were.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Every key and its count, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, u64)> {
        self.counts.iter().map(|(key, count)| (key, *count))
    }
}

impl<K: Ord + Send + Serialize + DeserializeOwned> Partial for Frequency<K> {
    fn merge(&mut self, other: Self) {
        for (key, count) in other.counts {
            self.observe_n(key, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reduce::{decode, encode};

    fn frequency(keys: &[String]) -> Frequency<String> {
        let mut frequency = Frequency::default();
        keys.iter().for_each(|key| frequency.observe_ref(key.as_str()));
        frequency
    }

    #[test]
    fn of_equally_frequent_keys_the_smallest_is_the_most_frequent() {
        let mut frequency = Frequency::default();
        assert_eq!(frequency.most_frequent(), None);
        for key in [3, 2, 3, 2, 1] {
            frequency.observe(key);
        }
        assert_eq!(frequency.most_frequent(), Some(&2));
        assert_eq!((frequency.distinct(), frequency.total()), (3, 5));
        assert_eq!((frequency.count(&3), frequency.count(&4)), (2, 0));
        assert!(frequency.iter().eq([(&1, 1), (&2, 2), (&3, 2)]));
    }

    #[test]
    fn a_key_seen_zero_times_is_not_there() {
        let mut frequency = Frequency::default();
        frequency.observe_n("a", 0);
        assert_eq!(frequency, Frequency::default());
    }

    proptest! {
        #[test]
        fn merging_is_blind_to_order_and_grouping(keys in prop::collection::vec("[a-c]{0,2}", 0..40), a in 0..40_usize, b in 0..40_usize) {
            let (a, b) = (a.min(b).min(keys.len()), a.max(b).min(keys.len()));
            let merged = |mut x: Frequency<String>, y: Frequency<String>| { x.merge(y); x };
            let (x, y, z) = (frequency(&keys[..a]), frequency(&keys[a..b]), frequency(&keys[b..]));
            let whole = frequency(&keys);
            prop_assert_eq!(&merged(merged(x.clone(), y.clone()), z.clone()), &whole);
            prop_assert_eq!(&merged(x.clone(), merged(y.clone(), z.clone())), &whole);
            prop_assert_eq!(&merged(z, merged(y, x)), &whole);
            prop_assert_eq!(&decode::<Frequency<String>>(&encode(&whole)), &whole);
            prop_assert_eq!(whole.total(), keys.len() as u64);
        }
    }
}
