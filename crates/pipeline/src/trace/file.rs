//! The trace as a file: a name, the encoded commitments, and a hash of both.

use std::collections::BTreeMap;

use super::salt::BUCKET_BYTES;
use super::sketch::{bytes_of, shrinks};
use super::{Stage, Trace};

const NAME: &[u8] = b"evenstep trace 3";
const HASH_BYTES: usize = 32;

/// A file that is no trace, or one that was changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct TraceError(String);

impl Trace {
    /// The file's bytes: the same for the same run under the same salt.
    pub fn to_bytes(&self) -> Vec<u8> {
        Trace::file_of(&postcard::to_allocvec(self).expect("a trace is plain data"))
    }

    /// The file of these encoded commitments, whoever encoded them.
    pub fn file_of(body: &[u8]) -> Vec<u8> {
        let mut bytes = [NAME, body].concat();
        let hash = blake3::hash(&bytes);
        bytes.extend(hash.as_bytes());
        bytes
    }

    /// Reads a trace.
    ///
    /// # Errors
    /// Bytes that `to_bytes` would not have written.
    pub fn from_bytes(bytes: &[u8]) -> Result<Trace, TraceError> {
        let refused = |said: &str| Err(TraceError(said.to_owned()));
        let Some(rest) = bytes.strip_prefix(NAME) else {
            return match bytes.strip_prefix(&NAME[..NAME.len() - 1]) {
                Some(_) => refused("it is a trace of a version that this engine doesn't read"),
                None => refused("it is no trace"),
            };
        };
        let Some((body, hash)) = rest.split_last_chunk::<HASH_BYTES>() else {
            return refused("the trace is cut short");
        };
        if blake3::hash(&bytes[..bytes.len() - HASH_BYTES]) != *hash {
            return refused("the trace was changed or cut short: its bytes don't have the hash at its end");
        }
        let trace: Trace = match postcard::from_bytes(body) {
            Ok(trace) => trace,
            Err(error) => return refused(&format!("the trace doesn't decode: {error}")),
        };
        if !trace.is_consistent() || trace.to_bytes() != bytes {
            return refused("the trace is not written as an engine writes it");
        }
        Ok(trace)
    }

    /// Whether all lengths are what they must be.
    fn is_consistent(&self) -> bool {
        let mut columns = self.stages.values().flat_map(|stage| stage.columns.values());
        let stages: &BTreeMap<Stage, _> = &self.stages;
        columns.all(|column| column.buckets.len() == self.buckets as usize * BUCKET_BYTES)
            && self.sketches.iter().all(|(stage, sealed)| {
                stages.contains_key(stage) && shrinks().any(|shrunk| bytes_of(shrunk) == sealed.len())
            })
    }
}
