//! The hash of a multiset: order-free, incremental and collision-resistant.

mod expansion;

use expansion::WORDS;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::canonical::{Digest, Hasher};
use crate::reduce::Partial;

/// AdHash: the sum of each element's expansion, modulo 2^4096.
///
/// An element is a 32-byte digest, expanded to 512 bytes by BLAKE3. The cheapest attack known looks for sums among
/// ever more lists of elements, which takes about 2^127 steps at 4,096 bits: no fewer than to find two digests that
/// are equal. Adding many elements at a time is faster than one after the other.
/// Source: Bellare & Micciancio 1997, "A new paradigm for collision-free hashing", 5; the attack: Wagner 2002,
/// "A generalized birthday problem", 4.
#[derive(Clone, PartialEq, Eq)]
pub struct AdHash([u32; WORDS]);

impl AdHash {
    /// Adds elements, fewer than 2^32.
    pub fn add(&mut self, elements: &[[u8; 32]]) {
        self.plus(&expansion::sum(elements), 0);
    }

    /// Takes elements away that were added.
    pub fn remove(&mut self, elements: &[[u8; 32]]) {
        // −x is !x + 1.
        self.plus(&expansion::sum(elements).map(|word| !word), 1);
    }

    /// The digest of the multiset.
    pub fn digest(&self) -> Digest {
        Hasher::new("evenstep adhash").bytes(&self.to_bytes()).finish()
    }

    fn plus(&mut self, other: &[u32; WORDS], mut carry: u64) {
        for (mine, other) in self.0.iter_mut().zip(other) {
            carry += u64::from(*mine) + u64::from(*other);
            *mine = carry as u32;
            carry >>= 32;
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
    }
}

impl Default for AdHash {
    fn default() -> AdHash {
        AdHash([0; WORDS])
    }
}

impl Partial for AdHash {
    fn merge(&mut self, other: AdHash) {
        self.plus(&other.0, 0);
    }
}

impl std::fmt::Debug for AdHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AdHash({})", self.digest().short())
    }
}

impl Serialize for AdHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_bytes().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AdHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AdHash, D::Error> {
        let bytes = Vec::<u8>::deserialize(deserializer)?;
        let (words, rest) = bytes.as_chunks::<4>();
        let words = words.iter().map(|word| u32::from_le_bytes(*word)).collect::<Vec<u32>>().try_into();
        match words {
            Ok(words) if rest.is_empty() => Ok(AdHash(words)),
            _ => Err(D::Error::invalid_length(bytes.len(), &"512 bytes")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reduce::{decode, encode};

    fn hash(elements: &[u8]) -> AdHash {
        let elements: Vec<[u8; 32]> = elements.iter().map(|element| [*element; 32]).collect();
        let mut hash = AdHash::default();
        hash.add(&elements);
        hash
    }

    #[test]
    fn digests_are_golden() {
        insta::assert_snapshot!(hash(&[]).digest(), @"ff173233219d908167b2ccf1b980cf5481afc0deaa1245c137361e80d1e21975");
        insta::assert_snapshot!(hash(&[1, 2, 3]).digest(), @"69246dea4f2c54e382f856332817d75a3e3801a6561cdc6a8fc7e98c3f13c976");
    }

    #[test]
    fn one_element_is_its_expansion() {
        for first in 0..100 {
            let element: [u8; 32] = std::array::from_fn(|place| (place as u8).wrapping_mul(7).wrapping_add(first));
            let mut expanded = [0; 512];
            blake3::Hasher::new().update(&element).finalize_xof().fill(&mut expanded);
            let mut hash = AdHash::default();
            hash.add(&[element]);
            assert_eq!(hash.to_bytes(), expanded);
        }
    }

    #[test]
    fn sums_are_those_of_big_numbers() {
        use num_bigint::BigUint;
        let elements: Vec<[u8; 32]> = (0..200).map(|at| [at; 32]).collect();
        let expansion = |element: &[u8; 32]| {
            let mut hash = AdHash::default();
            hash.add(&[*element]);
            BigUint::from_bytes_le(&hash.to_bytes())
        };
        let sum: BigUint = elements.iter().map(expansion).sum();
        let mut hash = AdHash::default();
        hash.add(&elements);
        assert_eq!(BigUint::from_bytes_le(&hash.to_bytes()), sum % (BigUint::from(1_u8) << 4096));
    }

    #[test]
    fn an_element_counts_as_often_as_it_was_added() {
        assert_ne!(hash(&[1]), hash(&[1, 1]));
        assert_ne!(hash(&[1, 1]), hash(&[]));
        let mut twice = hash(&[1, 2, 1]);
        twice.remove(&[[1; 32]]);
        assert_eq!(twice, hash(&[2, 1]));
    }

    #[test]
    fn bytes_of_another_length_are_refused() {
        assert!(postcard::from_bytes::<AdHash>(&encode(&vec![0_u8; 511])).is_err());
    }

    proptest! {
        #[test]
        fn merging_is_blind_to_order_and_grouping(elements in prop::collection::vec(any::<u8>(), 0..20), a in 0..20_usize, b in 0..20_usize) {
            let (a, b) = (a.min(b).min(elements.len()), a.max(b).min(elements.len()));
            let merged = |mut x: AdHash, y: AdHash| { x.merge(y); x };
            let (x, y, z) = (hash(&elements[..a]), hash(&elements[a..b]), hash(&elements[b..]));
            let whole = hash(&elements);
            prop_assert_eq!(&merged(merged(x.clone(), y.clone()), z.clone()), &whole);
            prop_assert_eq!(&merged(x.clone(), merged(y.clone(), z.clone())), &whole);
            prop_assert_eq!(&merged(z, merged(y, x)), &whole);
            prop_assert_eq!(&decode::<AdHash>(&encode(&whole)), &whole);
        }
    }
}
