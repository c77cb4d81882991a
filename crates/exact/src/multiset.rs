//! The hash of a multiset: order-free, incremental and collision-resistant.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::canonical::{Digest, Hasher};
use crate::reduce::Partial;

const LANES: usize = 1024;

/// LtHash: 1,024 lanes of 16 bits, wrapping sums of each element's expansion.
///
/// An element is a 32-byte digest, expanded to 2,048 bytes by BLAKE3. Adding one element
/// 2^16 times cannot be seen, so elements should be distinct.
/// Source: Bellare & Micciancio 1997; Lewi et al. 2019, "Securing update propagation with homomorphic hashing".
#[derive(Clone, PartialEq, Eq)]
pub struct LtHash(Box<[u16; LANES]>);

impl LtHash {
    /// Adds an element.
    pub fn add(&mut self, element: &[u8; 32]) {
        self.combine(element, u16::wrapping_add);
    }

    /// Takes an element away that was added.
    pub fn remove(&mut self, element: &[u8; 32]) {
        self.combine(element, u16::wrapping_sub);
    }

    /// The digest of the multiset.
    pub fn digest(&self) -> Digest {
        Hasher::new("evenstep lthash")
            .bytes(&self.to_bytes())
            .finish()
    }

    #[inline]
    fn combine(&mut self, element: &[u8; 32], join: impl Fn(u16, u16) -> u16) {
        let mut expanded = [0; 2 * LANES];
        blake3::Hasher::new()
            .update(element)
            .finalize_xof()
            .fill(&mut expanded);
        for (lane, bytes) in self.0.iter_mut().zip(expanded.chunks_exact(2)) {
            *lane = join(*lane, u16::from_le_bytes([bytes[0], bytes[1]]));
        }
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
