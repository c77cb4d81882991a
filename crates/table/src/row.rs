//! Row identity: what splits, folds and draws go by, never the position.

use evenstep_exact::canonical::Hasher;
use serde::{Deserialize, Serialize};

/// Which row this is: the hash of its declared id, else of its input columns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct RowKey(pub [u8; 16]);

/// A row of the training data: its key, and its rank among rows of equal keys. Fits only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct RowId(pub RowKey, pub u32);

impl RowId {
    /// Sixteen bytes for a keyed draw: the key itself for occurrence 0, else mixed with it.
    pub fn draw_key(&self) -> [u8; 16] {
        let mut bytes = self.0.0;
        if self.1 != 0 {
            bytes = Hasher::new("evenstep row id").bytes(&bytes).u64(self.1.into()).finish16();
        }
        bytes
    }
}
