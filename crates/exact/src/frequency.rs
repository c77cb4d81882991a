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
        Frequency {
            counts: BTreeMap::new(),
        }
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
