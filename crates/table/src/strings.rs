//! Distinct strings that lie one after the other in one text: of many short ones each takes little more than its letters.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Distinct strings in the order of their bytes. A clone shares them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Strings(Arc<Texts>);

/// Strings one after the other.
#[derive(PartialEq, Eq, Default)]
struct Texts {
    text: String,
    /// Where each ends.
    ends: Vec<u32>,
    /// Where each is, by its hash, or by the next that is free; empty if there are too many, or too many of like hashes.
    slots: Vec<u16>,
}

/// A slot that none is in.
const FREE: u16 = u16::MAX;
/// No string is farther from its slot: whoever chose strings of one hash gains nothing.
const STEPS_MAX: usize = 128;

impl Strings {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn get(&self, at: usize) -> &str {
        self.0.get(at)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        (0..self.len()).map(|at| self.get(at))
    }

    /// Which of them a string is.
    pub fn position(&self, string: &str) -> Option<usize> {
        if !self.0.slots.is_empty() {
            let taken = self.0.slots_of(string).map(|slot| self.0.slots[slot]).take_while(|at| *at != FREE);
            return taken.map(usize::from).find(|at| self.get(*at) == string);
        }
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle).cmp(string) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Whether a string is one of them.
    pub fn contains(&self, string: &str) -> bool {
        self.position(string).is_some()
    }
}

impl Texts {
    fn get(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.text[start..self.ends[at] as usize]
    }

    /// The slots in which a string may be, in order.
    fn slots_of(&self, string: &str) -> impl Iterator<Item = usize> + use<> {
        let slots = self.slots.len();
        let hash = FxBuildHasher.hash_one(string);
        let first = ((u128::from(hash) * slots as u128) >> 64) as usize;
        (0..STEPS_MAX.min(slots)).map(move |step| (first + step) % slots)
    }

    /// Lets strings be found by their hashes, which takes as long for many as for few.
    fn index(&mut self) {
        let count = self.ends.len();
        if count >= usize::from(FREE) {
            return;
        }
        self.slots = vec![FREE; 2 * count];
        for at in 0..count {
            let free = self.slots_of(self.get(at)).find(|slot| self.slots[*slot] == FREE);
            let Some(free) = free else {
                self.slots = Vec::new();
                return;
            };
            self.slots[free] = at as u16;
        }
    }
}

impl fmt::Debug for Strings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<S: AsRef<str>> FromIterator<S> for Strings {
    fn from_iter<I: IntoIterator<Item = S>>(strings: I) -> Strings {
        let mut gathered = Gathered::default();
        for string in strings {
            gathered.push(string.as_ref());
        }
        let order = gathered.order();
        gathered.sorted(&order)
    }
}

impl Serialize for Strings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Strings, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Gathered;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of distinct strings")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Gathered, A::Error> {
                let mut gathered = Gathered::default();
                while list.next_element_seed(&mut gathered)?.is_some() {}
                Ok(gathered)
            }
        }
        let gathered = deserializer.deserialize_seq(List)?;
        let order = gathered.distinct_order().map_err(D::Error::custom)?;
        Ok(gathered.sorted(&order))
    }
}

/// Strings as they come, which as a seed takes one more and says where it ends.
#[derive(Default)]
pub struct Gathered(Texts);

impl Gathered {
    /// One more; says where it ends.
    ///
    /// # Panics
    /// If all together take 4 GiB, which no artifact can hold.
    pub fn push(&mut self, string: &str) -> u32 {
        self.0.text.push_str(string);
        let end = u32::try_from(self.0.text.len()).expect("strings of less than 4 GiB");
        self.0.ends.push(end);
        end
    }

    /// Which of them comes first, second, and so on; of equal ones the last that came, alone.
    pub fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.0.ends.len() as u32).rev().collect();
        if (1..self.0.ends.len()).all(|at| self.0.get(at - 1) < self.0.get(at)) {
            order.reverse();
            return order;
        }
        order.sort_by_key(|at| self.0.get(*at as usize));
        order.dedup_by_key(|at| self.0.get(*at as usize));
        order
    }

    /// The same of strings that have to be distinct.
    ///
    /// # Errors
    /// Some string came twice.
    pub fn distinct_order(&self) -> Result<Vec<u32>, &'static str> {
        let order = self.order();
        if order.len() == self.0.ends.len() { Ok(order) } else { Err("a string is there twice") }
    }

    /// The strings in that order.
    pub fn sorted(mut self, order: &[u32]) -> Strings {
        if !order.iter().copied().eq(0..self.0.ends.len() as u32) {
            let mut sorted = Gathered::default();
            for at in order {
                sorted.push(self.0.get(*at as usize));
            }
            self = sorted;
        }
        self.0.text.shrink_to_fit();
        self.0.ends.shrink_to_fit();
        self.0.index();
        Strings(Arc::new(self.0))
    }
}

impl<'de> DeserializeSeed<'de> for &mut Gathered {
    type Value = u32;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u32, D::Error> {
        struct One<'a>(&'a mut Gathered);
        impl Visitor<'_> for One<'_> {
            type Value = u32;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: Error>(self, string: &str) -> Result<u32, E> {
                Ok(self.0.push(string))
            }
        }
        deserializer.deserialize_str(One(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_in_whatever_order_they_came() {
        let strings: Strings = ["b", "", "ab", "é", "b", "a"].into_iter().collect();
        assert_eq!(strings.iter().collect::<Vec<_>>(), ["", "a", "ab", "b", "é"]);
        for (at, string) in strings.iter().enumerate() {
            assert_eq!(strings.position(string), Some(at));
        }
        assert!(!strings.contains("c") && !Strings::default().contains(""));
        assert_eq!(strings, ["é", "b", "ab", "a", ""].into_iter().collect());
    }

    #[test]
    fn many_strings_are_found_with_hashes_and_without() {
        for count in [0, 1, 2, 1_000, 65_534, 65_535, 100_000] {
            let name = |n: usize| format!("level {}", n * 7);
            let strings: Strings = (0..count).map(name).collect();
            assert_eq!(strings.0.slots.is_empty(), count == 0 || count >= 65_535, "{count}");
            for n in (0..count).step_by(1 + count / 5_000) {
                assert_eq!(strings.position(&name(n)).map(|at| strings.get(at)), Some(name(n).as_str()));
                assert!(!strings.contains(&format!("level {}", n * 7 + 1)), "{n} of {count}");
            }
        }
    }

    #[test]
    fn what_is_written_is_read_and_no_string_is_there_twice() {
        let strings: Strings = ["é", "a\"b", ""].into_iter().collect();
        let json = serde_json::to_string(&strings).expect("plain data");
        assert_eq!(json, r#"["","a\"b","é"]"#);
        assert_eq!(serde_json::from_str::<Strings>(&json).expect("it was written"), strings);
        assert_eq!(serde_json::from_str::<Strings>(r#"["é","","a\"b"]"#).expect("any order"), strings);
        let error = serde_json::from_str::<Strings>(r#"["a","b","a"]"#).expect_err("twice").to_string();
        assert!(error.starts_with("a string is there twice"), "{error}");
        assert!(serde_json::from_str::<Strings>("[1]").is_err());
    }
}
