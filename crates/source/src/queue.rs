//! Hands out the parts of a source, in order, to whoever is free.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow_array::RecordBatch;
use evenstep_exact::reduce::Workers;

use crate::blocks::{Block, Blocks, Records};
use crate::known::{Known, LeftOut};
use crate::layout::{Details, FileInfo, Slots};
use crate::stamp::unchanged;
use crate::{SourceError, arrow_file, csv, parquet_file};

/// A part of a source that one thread reads.
pub(crate) struct Part {
    /// Its place among all parts of the source.
    pub(crate) index: usize,
    /// Its file's place among the source's files.
    pub(crate) file: usize,
    /// The number of its first row in the file, from 1.
    pub(crate) first_row: u64,
    pub(crate) work: Work,
    /// How many bytes of the file it stands for.
    pub(crate) bytes: u64,
    /// When rows were left out: which of its rows are left.
    pub(crate) kept: Option<Vec<usize>>,
    pub(crate) left_out: LeftOut,
}

/// What a part is.
pub(crate) enum Work {
    /// Whole records of a text file.
    Block(Block),
    /// A row group of a Parquet file, to be read by whoever takes the part.
    Group(usize),
    /// Rows with the wanted columns.
    Batch(RecordBatch),
}

/// How parts are cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Parts {
    /// As large as is good for many threads.
    Large,
    /// As small as is good for memory.
    Small,
}

/// The parts of all files, one after the other.
pub(crate) struct Queue<'a> {
    files: &'a [FileInfo],
    /// Which columns are wanted, file by file.
    slots: &'a [Slots],
    parts: Parts,
    /// The most rows of a part, where that can be chosen.
    rows: usize,
    /// Which rows there are; all of them, if there is none.
    known: Option<&'a Known>,
    file: usize,
    open: Option<Open>,
    next: usize,
    next_row: u64,
    /// How many rows were handed out.
    rows_given: u64,
    /// What each file's row numbers lack to be those of the source, which count from 0.
    offsets: Vec<i64>,
}

enum Open {
    Text(Blocks),
    Groups(std::vec::IntoIter<(usize, u64, u64)>),
    Parquet(parquet_file::Batches),
    Arrow(arrow_file::Batches),
    /// The next part of rows in memory, and the columns that are wanted of it.
    Memory(usize, Vec<usize>),
}

impl<'a> Queue<'a> {
    pub(crate) fn new(files: &'a [FileInfo], slots: &'a [Slots], parts: Parts, rows: usize) -> Queue<'a> {
        let (known, open, offsets) = (None, None, Vec::new());
        Queue { files, slots, parts, rows, known, file: 0, open, next: 0, next_row: 1, rows_given: 0, offsets }
    }

    /// The same, of the rows that are known.
    pub(crate) fn known(self, known: Option<&'a Known>) -> Queue<'a> {
        // Rows are chosen when all their columns are at hand.
        let parts = if known.is_some() { Parts::Small } else { self.parts };
        Queue { known, parts, ..self }
    }

    /// The next part; None when there is no more.
    pub(crate) fn next(&mut self) -> Result<Option<Part>, SourceError> {
        while self.file < self.files.len() {
            if self.open.is_none() {
                self.open = Some(self.open_file()?);
                self.next_row = u64::from(!self.files[self.file].is_frame());
                self.offsets.push(self.rows_given as i64 - self.next_row as i64);
            }
            let rows_at_once = self.rows;
            let details = &self.files[self.file].details;
            let found = match self.open.as_mut().expect("just opened") {
                Open::Text(blocks) => blocks.next(rows_at_once)?.map(|block| {
                    self.next_row = block.first_row;
                    (block.rows as u64, block.consumed, Work::Block(block))
                }),
                Open::Groups(groups) => groups.next().map(|(group, rows, bytes)| (rows, bytes, Work::Group(group))),
                Open::Parquet(batches) => batches.next().transpose()?.map(of_batch),
                Open::Arrow(batches) => batches.next().transpose()?.map(of_batch),
                Open::Memory(next, columns) => {
                    let Details::Memory(parts) = details else { unreachable!("it was opened as rows in memory") };
                    let part = parts.get(*next);
                    *next += 1;
                    part.map(|(batch, bytes)| {
                        let wanted = batch.project(columns).expect("the columns are those of its schema");
                        (batch.num_rows() as u64, *bytes, Work::Batch(wanted))
                    })
                }
            };
            match found {
                Some((rows, bytes, work)) => {
                    let (index, file, first_row) = (self.next, self.file, self.next_row);
                    let part = Part { index, file, first_row, work, bytes, kept: None, left_out: LeftOut::default() };
                    self.next += 1;
                    self.next_row += rows;
                    self.rows_given += rows;
                    return Ok(Some(part));
                }
                None => {
                    self.file += 1;
                    self.open = None;
                }
            }
        }
        Ok(None)
    }

    fn open_file(&self) -> Result<Open, SourceError> {
        let info = &self.files[self.file];
        let mut columns = self.slots[self.file].in_file.clone();
        if let Some(place) = self.known.and_then(|known| known.place(info)) {
            columns.push(place);
            columns.sort_unstable();
            columns.dedup();
        }
        Ok(match &info.details {
            Details::Delimited { .. } => Open::Text(csv::open(&info.path, info.format, info.compression)?.blocks),
            Details::Lines => Open::Text(Blocks::open(&info.path, info.compression, Records::Lines)?),
            Details::Parquet(footer) if self.parts == Parts::Large => {
                let rows = footer.groups().into_iter().enumerate();
                let groups: Vec<_> = rows.map(|(group, rows)| (group, rows, footer.bytes(group))).collect();
                Open::Groups(groups.into_iter())
            }
            Details::Parquet(footer) => Open::Parquet(footer.batches(&info.path, None, &columns, self.rows)?),
            Details::Memory(_) => Open::Memory(0, columns),
            Details::Arrow => Open::Arrow(arrow_file::Batches::open(&info.path, Some(columns))?),
        })
    }
}

fn of_batch(batch: RecordBatch) -> (u64, u64, Work) {
    (batch.num_rows() as u64, batch.get_array_memory_size() as u64, Work::Batch(batch))
}

/// A queue that threads share. The first error by place in the source wins, whichever thread met it.
pub(crate) struct Shared<'a> {
    files: &'a [FileInfo],
    slots: &'a [Slots],
    known: Option<&'a Known>,
    queue: Mutex<Queue<'a>>,
    failed: AtomicBool,
    errors: Mutex<Vec<(usize, SourceError)>>,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl<'a> Shared<'a> {
    pub(crate) fn new(queue: Queue<'a>, progress: &'a (dyn Fn(u64) + Sync)) -> Shared<'a> {
        let Queue { files, slots, known, .. } = queue;
        let (queue, errors) = (Mutex::new(queue), Mutex::default());
        Shared { files, slots, known, queue, failed: AtomicBool::new(false), errors, progress }
    }

    /// Takes parts until there is none, or something failed.
    pub(crate) fn work(&self, mut read: impl FnMut(Part) -> Result<(), SourceError>) {
        while let Some(part) = self.next() {
            let (index, bytes) = (part.index, part.bytes);
            match self.only_known(part).and_then(&mut read) {
                Ok(()) => (self.progress)(bytes),
                Err(error) => self.fail(index, error),
            }
        }
    }

    fn next(&self) -> Option<Part> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if self.failed.load(Ordering::Relaxed) {
            return None;
        }
        // It is noted before anybody else asks, who might be told another error of the same place.
        queue.next().unwrap_or_else(|error| {
            self.fail(queue.next, error);
            None
        })
    }

    fn only_known(&self, part: Part) -> Result<Part, SourceError> {
        match self.known {
            Some(known) => known.only(&self.files[part.file], &self.slots[part.file], part),
            None => Ok(part),
        }
    }

    fn fail(&self, place: usize, error: SourceError) {
        self.failed.store(true, Ordering::Relaxed);
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).push((place, error));
    }

    /// What each file's row numbers lack to be those of the source; the first error, if there was one. That a file was written to
    /// meanwhile comes before what it seemed to hold.
    pub(crate) fn result(self) -> Result<Vec<i64>, SourceError> {
        unchanged(self.files)?;
        let errors = self.errors.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Every part before a failed one was handed out before it, and is finished by now.
        match errors.into_iter().min_by_key(|(place, _)| *place) {
            Some((_, error)) => Err(error),
            None => Ok(self.queue.into_inner().unwrap_or_else(PoisonError::into_inner).offsets),
        }
    }

    /// What every thread makes of its parts, in the order of the source.
    pub(crate) fn collect<S, R: Send>(
        &self,
        workers: &Workers,
        state: impl Fn() -> S + Sync,
        read: impl Fn(&mut S, Part) -> Result<R, SourceError> + Sync,
    ) -> Vec<R> {
        let threads: Vec<()> = vec![(); workers.count()];
        let each = workers.map(threads, |()| {
            let (mut state, mut results) = (state(), Vec::new());
            self.work(|part| {
                let index = part.index;
                results.push((index, read(&mut state, part)?));
                Ok(())
            });
            results
        });
        let mut results: Vec<(usize, R)> = each.into_iter().flatten().collect();
        results.sort_unstable_by_key(|(index, _)| *index);
        results.into_iter().map(|(_, result)| result).collect()
    }
}
