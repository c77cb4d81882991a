//! The trace as a file: a name, the encoded commitments, and a hash of both.

use std::collections::{BTreeMap, BTreeSet};

use evenstep_table::ColumnName;
use serde::{Deserialize, Serialize};

use super::salt::{BUCKET_BYTES, Sealed};
use super::sketch::{bytes_of, shrinks};
use super::{Commitment, Commitments, Head, Root, Stage, Trace};

const NAME: &[u8] = b"evenstep trace 5";
const HASH_BYTES: usize = 32;

/// A file that is no trace, or one that was changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct TraceError(String);

/// A trace as it is encoded: the name of a column stands in it once, whatever number of stages wrote it.
#[derive(Serialize, Deserialize)]
pub(super) struct Body {
    head: Head,
    salt: [u8; 8],
    buckets: u32,
    names: Vec<ColumnName>,
    stages: Vec<StageBody>,
    sketches: BTreeMap<Stage, Sealed>,
}

#[derive(Serialize, Deserialize)]
struct StageBody {
    stage: Stage,
    rows: u64,
    row_set: Root,
    /// Each column by its place among the names.
    columns: Vec<(u32, Commitment)>,
    buckets: Vec<u8>,
}

impl From<Trace> for Body {
    fn from(trace: Trace) -> Body {
        let Trace { head, salt, buckets, stages, sketches } = trace;
        let all: BTreeSet<&ColumnName> = stages.values().flat_map(|stage| stage.columns.keys()).collect();
        let names: Vec<ColumnName> = all.into_iter().cloned().collect();
        let place = |name: &ColumnName| names.binary_search(name).expect("all are listed") as u32;
        let stage = |(stage, Commitments { rows, row_set, columns, buckets })| {
            let columns = columns.into_iter().map(|(name, column)| (place(&name), column)).collect();
            StageBody { stage, rows, row_set, columns, buckets }
        };
        let stages = stages.into_iter().map(stage).collect();
        Body { head, salt, buckets, names, stages, sketches }
    }
}

impl TryFrom<Body> for Trace {
    type Error = TraceError;

    fn try_from(body: Body) -> Result<Trace, TraceError> {
        let Body { head, salt, buckets, names, stages, sketches } = body;
        let named = |(place, column): (u32, Commitment)| Some((names.get(place as usize)?.clone(), column));
        let stage = |StageBody { stage, rows, row_set, columns, buckets }| {
            let columns = columns.into_iter().map(named).collect::<Option<_>>()?;
            Some((stage, Commitments { rows, row_set, columns, buckets }))
        };
        let stages = stages.into_iter().map(stage).collect::<Option<_>>();
        let stages = stages.ok_or_else(|| TraceError("a column has no name".to_owned()))?;
        Ok(Trace { head, salt, buckets, stages, sketches })
    }
}

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
        let stages: &BTreeMap<Stage, _> = &self.stages;
        let columns = stages.values().flat_map(|stage| stage.columns.values());
        let mut buckets = columns.map(|column| &column.buckets).chain(stages.values().map(|stage| &stage.buckets));
        buckets.all(|buckets| buckets.is_empty() || buckets.len() == self.buckets as usize * BUCKET_BYTES)
            && self.sketches.iter().all(|(stage, sealed)| {
                stages.contains_key(stage) && shrinks().any(|shrunk| bytes_of(shrunk) == sealed.len())
            })
    }
}
