//! The trace: what each stage of a run came to, column by column, without the data.
//!
//! A stage commits to every column that it wrote: cells are mixed with their row's key into sums, and sums of any two groups of
//! rows add up. So a trace doesn't depend on the order of rows, on chunks or on threads, and two of them tell at which stage and
//! in which column two runs part. In how many rows they do, buckets tell, into which rows fall by their key: of each column where
//! rows come in and go out, of all columns together that a step wrote.

mod file;
mod hash;
mod recorder;
mod salt;
mod sketch;
mod stage;
mod sums;

use std::collections::BTreeMap;

use evenstep_exact::canonical::{Digest, Hasher};
use evenstep_table::{ColumnName, Kind};
use serde::{Deserialize, Serialize};

pub use file::TraceError;
pub use recorder::Recorder;
pub use salt::{SALT_BYTES, Salt};
pub use sketch::{Element, Reconciled, RowName, Sketch};
pub use stage::{Form, Stage};
pub use sums::Sums;
pub(crate) use sums::{Named, Rows, bucket_of, contents, elements};

use file::Body;
use salt::Sealed;

use crate::Artifact;

/// What a run did with its rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Origin {
    /// It learned from some and was judged on the others.
    Train,
    /// It scored a file.
    Score,
    /// It answered live requests.
    Serve,
}

impl Origin {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Origin::Train => "train",
            Origin::Score => "score",
            Origin::Serve => "serve",
        }
    }
}

/// Which run a trace is of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Head {
    /// What the run did.
    pub origin: Origin,
    /// The pipeline's name.
    pub name: String,
    /// The digest of the artifact that was made or applied.
    pub digest: String,
    /// The columns of the declared id, in the order in which a row's name has them.
    pub id: Vec<ColumnName>,
}

impl Head {
    /// The head of a run that made or applied the artifact.
    pub fn of(artifact: &Artifact, origin: Origin) -> Head {
        Head { origin, name: artifact.name.clone(), digest: artifact.digest(), id: artifact.data.id.clone() }
    }
}

/// The commitments of one run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(into = "Body", try_from = "Body")]
pub struct Trace {
    /// Which run.
    pub head: Head,
    /// What tells whether two traces were written under one salt, so that their rows can be compared.
    salt: [u8; 8],
    /// How many buckets there are wherever there are some; 0 if there are too many columns for any.
    buckets: u32,
    /// The stages, in the order of the flow.
    stages: BTreeMap<Stage, Commitments>,
    /// The sketches of the rows at the input and at the output, sealed with the salt.
    sketches: BTreeMap<Stage, Sealed>,
}

/// 64 bits of a hash: they tell runs apart that nobody forged.
pub type Root = [u8; 8];

/// What one stage came to.
#[derive(Clone, PartialEq, Debug)]
pub struct Commitments {
    /// How many rows passed.
    pub rows: u64,
    /// Which rows passed: a hash of their keys, blind to their order.
    pub row_set: Root,
    /// Each column that the stage wrote.
    pub columns: BTreeMap<ColumnName, Commitment>,
    /// In a step: a keyed hash of each bucket, 8 bytes each.
    buckets: Vec<u8>,
}

/// What one column came to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Commitment {
    /// Its type.
    pub kind: Kind,
    /// How many of its cells are null.
    pub nulls: u64,
    /// The hash of all cells with their rows' keys.
    pub root: Root,
    /// At the input and at the output: the hash of all cells without the keys.
    pub values: Option<Root>,
    /// At the input and at the output: a keyed hash of each bucket, 8 bytes each.
    buckets: Vec<u8>,
}

/// In how many of so many buckets two columns differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spread {
    /// Buckets that differ.
    pub differ: usize,
    /// All buckets.
    pub of: usize,
}

impl Trace {
    /// The stages, in the order of the flow.
    pub fn stages(&self) -> &BTreeMap<Stage, Commitments> {
        &self.stages
    }

    /// The hash of all that was committed to, whatever the salt.
    pub fn root(&self) -> Digest {
        let mut hasher = Hasher::new("evenstep trace root 5");
        hasher.list(self.stages.len());
        for (stage, commitments) in &self.stages {
            hasher.str(&stage.to_string()).u64(commitments.rows).bytes(&commitments.row_set);
            hasher.list(commitments.columns.len());
            for (name, column) in &commitments.columns {
                hasher.str(name.as_str()).str(column.kind.word_in_hash()).u64(column.nulls).bytes(&column.root);
            }
        }
        hasher.finish()
    }

    /// The sketch of the rows at the input or the output; none if there is none, or the salt is another.
    pub fn sketch(&self, stage: &Stage, salt: &Salt) -> Option<Sketch> {
        Sketch::from_bytes(&self.sketches.get(stage)?.open(salt)?)
    }

    /// The same trace without the sketches: what names rows is left out, for those who may only see columns.
    #[must_use]
    pub fn without_rows(mut self) -> Trace {
        self.sketches.clear();
        self
    }

    /// Whether both were written under one salt.
    pub fn shares_salt_with(&self, other: &Trace) -> bool {
        self.salt == other.salt
    }

    /// Whether it was written under this salt.
    pub fn is_salted_with(&self, salt: &Salt) -> bool {
        self.salt == salt.name()
    }

    /// Which buckets of a column differ in the other trace; none if they can't be compared.
    pub fn spread(&self, mine: &Commitment, other: &Trace, theirs: &Commitment) -> Option<Spread> {
        let differing = self.differing_buckets(mine, other, theirs)?;
        Some(Spread { differ: differing.iter().filter(|differs| **differs).count(), of: differing.len() })
    }

    /// Bucket by bucket, whether a column differs in the other trace; none if they can't be compared.
    pub fn differing_buckets(&self, mine: &Commitment, other: &Trace, theirs: &Commitment) -> Option<Vec<bool>> {
        self.differing(&mine.buckets, other, &theirs.buckets)
    }

    /// Bucket by bucket, whether any column that a step wrote differs in the other trace; none if they can't be compared.
    pub fn differing_buckets_of_step(
        &self,
        mine: &Commitments,
        other: &Trace,
        theirs: &Commitments,
    ) -> Option<Vec<bool>> {
        self.differing(&mine.buckets, other, &theirs.buckets).filter(|_| mine.columns.keys().eq(theirs.columns.keys()))
    }

    fn differing(&self, mine: &[u8], other: &Trace, theirs: &[u8]) -> Option<Vec<bool>> {
        let comparable = self.shares_salt_with(other) && mine.len() == theirs.len() && !mine.is_empty();
        let pairs = || mine.chunks(salt::BUCKET_BYTES).zip(theirs.chunks(salt::BUCKET_BYTES));
        comparable.then(|| pairs().map(|(a, b)| a != b).collect())
    }
}

#[cfg(test)]
mod tests;
