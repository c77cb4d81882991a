//! Gathers a trace while a run goes on.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use evenstep_exact::canonical::Hasher;
use evenstep_exact::reduce::{Partial, Workers};
use evenstep_table::{Batch, Column, ColumnName, Schema};

use super::salt::{BUCKET_BYTES, Salt, Sealed};
use super::sketch::{SHRUNK_MOST, Sketch, bytes_of, shrinks};
use super::sums::{BUCKETS, ColumnSum, Named, Passed, Rows, Sums};
use super::{Commitment, Commitments, Head, Root, Stage, Trace};

/// All stored buckets together take no more bytes.
const BUCKET_BYTES_MAX: usize = 64 << 10;
/// Sketches are smaller where a trace would take more bytes with them.
const TRACE_BYTES_MAX: usize = 256 << 10;
/// What a sealed sketch takes besides its cells, at most.
const SEAL_BYTES: usize = 64;

/// What a run has committed to so far. Its size follows from the columns, not from the rows.
#[derive(Debug, Default)]
pub struct Recorder {
    sums: Mutex<Sums>,
}

impl Recorder {
    /// Works on what has been gathered.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Sums) -> T) -> T {
        // Sums that a panic left half added would only tell of a difference.
        work(&mut self.sums.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds what was gathered elsewhere.
    pub(crate) fn merge(&self, sums: Sums) {
        self.with(|all| all.merge(sums));
    }

    /// Commits to rows as they come in: to what live rows have, too, and to what they haven't.
    pub(crate) fn input(
        &self,
        batches: &[Batch],
        columns: &Schema,
        inputs: &[ColumnName],
        id: &[ColumnName],
        workers: &Workers,
    ) {
        let is_live = |name: &&ColumnName| inputs.binary_search(name).is_ok() || id.contains(name);
        let (live, labels): (Vec<&ColumnName>, Vec<&ColumnName>) = columns.keys().partition(is_live);
        self.merge(workers.fold(batches.len(), |task, sums: &mut Sums| {
            let batch = &batches[task];
            let id: Vec<&Column> = id.iter().map(|name| batch.column(name)).collect();
            let rows = Named::of(&batch.keys, &id);
            for (stage, names) in [(Stage::Input, &live), (Stage::Labels, &labels)] {
                sums.add_ends(&stage, &rows, names.iter().map(|name| (*name, batch.column(name))));
            }
        }));
    }

    /// Commits to which rows are learned from, and which are held out.
    pub(crate) fn split(&self, seen: &[Batch], held_out: &[Batch], workers: &Workers) {
        let name = ColumnName::new("held out").expect("a name");
        let batches: Vec<(&Batch, u8)> =
            seen.iter().map(|batch| (batch, 0)).chain(held_out.iter().map(|batch| (batch, 1))).collect();
        self.merge(workers.fold(batches.len(), |task, sums: &mut Sums| {
            let (batch, is_out) = batches[task];
            let column = Column::Boolean(vec![is_out; batch.rows()]);
            sums.add(&Stage::Split, &Rows::of(&batch.keys), [(&name, &column)]);
        }));
    }

    /// Commits to the columns that a step wrote.
    pub(crate) fn step(&self, stage: &Stage, batches: &[Batch], writes: &[ColumnName], workers: &Workers) {
        self.merge(workers.fold(batches.len(), |task, sums: &mut Sums| {
            let batch = &batches[task];
            sums.add(stage, &Rows::of(&batch.keys), writes.iter().map(|name| (name, batch.column(name))));
        }));
    }

    /// The trace of what has passed so far.
    pub fn trace(&self, head: Head, salt: &Salt) -> Trace {
        self.with(|sums| seal(head, sums, salt))
    }

    /// How many rows have come in so far.
    pub fn rows(&self) -> u64 {
        self.with(|sums| sums.stages.get(&Stage::Input).map_or(0, |passed| passed.rows))
    }
}

fn seal(head: Head, sums: &Sums, salt: &Salt) -> Trace {
    let with_buckets = |buckets: usize| Trace {
        head: head.clone(),
        salt: salt.name(),
        buckets: buckets as u32,
        sketches: BTreeMap::new(),
        stages: sums.stages.iter().map(|(stage, passed)| (stage.clone(), committed(passed, buckets, salt))).collect(),
    };
    let lists = |passed: &Passed| if passed.ends.is_some() { passed.columns.len() } else { 1 };
    let room = TRACE_BYTES_MAX.saturating_sub(with_buckets(0).to_bytes().len()) / 2;
    let mut trace = with_buckets(stored_buckets(sums.stages.values().map(lists).sum(), room.min(BUCKET_BYTES_MAX)));
    let ends = || sums.stages.iter().filter_map(|(stage, passed)| Some((stage, passed.ends.as_ref()?)));
    let room = TRACE_BYTES_MAX.saturating_sub(trace.to_bytes().len() + SEAL_BYTES * ends().count());
    let shrunk = shrinks().find(|shrunk| ends().count() * bytes_of(*shrunk) <= room).unwrap_or(SHRUNK_MOST);
    let sealed = |(stage, sketch): (&Stage, &Sketch)| (stage.clone(), Sealed::new(sketch.to_bytes(shrunk), salt));
    trace.sketches = ends().map(sealed).collect();
    trace
}

/// As many as fit, a power of two; none where there are so many lists of them that a few would tell nothing.
fn stored_buckets(lists: usize, room: usize) -> usize {
    let fit = room / (BUCKET_BYTES * lists.max(1));
    match fit {
        0..4 => 0,
        fit => (1 << fit.ilog2()).min(BUCKETS),
    }
}

fn committed(passed: &Passed, buckets: usize, salt: &Salt) -> Commitments {
    let columns: BTreeMap<ColumnName, Commitment> = passed
        .columns
        .iter()
        .filter_map(|(name, sum)| Some((name.clone(), column(sum, passed.ends.is_some(), buckets, salt)?)))
        .collect();
    Commitments {
        rows: passed.rows,
        row_set: root("evenstep trace rows", passed.row_set),
        columns,
        buckets: folded(&passed.buckets, buckets, salt),
    }
}

fn column(sum: &ColumnSum, is_end: bool, buckets: usize, salt: &Salt) -> Option<Commitment> {
    Some(Commitment {
        kind: sum.kind?,
        nulls: sum.nulls,
        root: root("evenstep trace column", sum.whole()),
        values: is_end.then(|| root("evenstep trace values", sum.values)),
        buckets: folded(&sum.buckets, buckets, salt),
    })
}

/// What is stored of buckets: a keyed hash of each, if there are any.
fn folded(sums: &[u64], buckets: usize, salt: &Salt) -> Vec<u8> {
    // The highest bits of a row's hash choose its bucket, so that neighbours fold into one.
    let parts = sums.chunks(BUCKETS / buckets.max(1)).take(buckets);
    let sum = |parts: &[u64]| parts.iter().fold(0_u64, |all, part| all.wrapping_add(*part));
    parts.enumerate().flat_map(|(bucket, parts)| salt.bucket(bucket, sum(parts))).collect()
}

fn root(domain: &str, sum: u64) -> Root {
    *Hasher::new(domain).u64(sum).finish16().first_chunk().expect("8 of 16 bytes")
}
