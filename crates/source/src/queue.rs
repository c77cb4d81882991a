//! Hands out the parts of a source, in order, to whoever is free.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use evenstep_exact::reduce::Workers;

use crate::SourceError;
use crate::blocks::{Block, Blocks};
use crate::layout::{Details, FileInfo};

/// A part of a source that one thread reads.
pub(crate) struct Part {
    /// Its place among all parts of the source.
    pub(crate) index: usize,
    /// Its file's place among the source's files.
    pub(crate) file: usize,
    pub(crate) work: Work,
    /// How many bytes of the file it stands for.
    pub(crate) bytes: u64,
}

/// What a part is.
pub(crate) enum Work {
    /// Whole records of a text file.
    Block(Block),
}

/// The parts of all files, one after the other.
pub(crate) struct Queue<'a> {
    files: &'a [FileInfo],
    /// The most rows of a part.
    rows: usize,
    file: usize,
    open: Option<Open>,
    next: usize,
}

enum Open {
    Text(Blocks),
}

impl<'a> Queue<'a> {
    pub(crate) fn new(files: &'a [FileInfo], rows: usize) -> Queue<'a> {
        Queue { files, rows, file: 0, open: None, next: 0 }
    }

    /// The next part; None when there is no more.
    pub(crate) fn next(&mut self) -> Result<Option<Part>, SourceError> {
        while let Some(info) = self.files.get(self.file) {
            let open = match &mut self.open {
                Some(open) => open,
                None => self.open.insert(open(info)?),
            };
            let part = match open {
                Open::Text(blocks) => blocks.next(self.rows)?.map(|block| (block.consumed, Work::Block(block))),
            };
            match part {
                Some((bytes, work)) => {
                    let index = self.next;
                    self.next += 1;
                    return Ok(Some(Part { index, file: self.file, work, bytes }));
                }
                None => {
                    self.file += 1;
                    self.open = None;
                }
            }
        }
        Ok(None)
    }
}

fn open(info: &FileInfo) -> Result<Open, SourceError> {
    Ok(match &info.details {
        Details::Delimited { .. } => Open::Text(crate::csv::open(&info.path, info.format, info.compression)?.0),
        Details::Lines => todo!(),
    })
}

/// A queue that threads share. The first error by place in the source wins, whichever thread met it.
pub(crate) struct Shared<'a> {
    queue: Mutex<Queue<'a>>,
    failed: AtomicBool,
    errors: Mutex<Vec<(usize, SourceError)>>,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl<'a> Shared<'a> {
    pub(crate) fn new(queue: Queue<'a>, progress: &'a (dyn Fn(u64) + Sync)) -> Shared<'a> {
        Shared { queue: Mutex::new(queue), failed: AtomicBool::new(false), errors: Mutex::default(), progress }
    }

    /// Takes parts until there is none, or something failed.
    pub(crate) fn work(&self, mut read: impl FnMut(Part) -> Result<(), SourceError>) {
        while !self.failed.load(Ordering::Relaxed) {
            let (part, place) = {
                let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                (queue.next(), queue.next)
            };
            match part {
                Ok(None) => return,
                Err(error) => return self.fail(place, error),
                Ok(Some(part)) => {
                    let (index, bytes) = (part.index, part.bytes);
                    match read(part) {
                        Ok(()) => (self.progress)(bytes),
                        Err(error) => self.fail(index, error),
                    }
                }
            }
        }
    }

    fn fail(&self, place: usize, error: SourceError) {
        self.failed.store(true, Ordering::Relaxed);
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).push((place, error));
    }

    /// The first error, if there was one.
    pub(crate) fn result(self) -> Result<(), SourceError> {
        let errors = self.errors.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Every part before a failed one was handed out before it, and is finished by now.
        match errors.into_iter().min_by_key(|(place, _)| *place) {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    }

    /// What every thread makes of its parts.
    pub(crate) fn collect<S, R: Send>(
        &self,
        workers: &Workers,
        state: impl Fn() -> S + Sync,
        read: impl Fn(&mut S, Part) -> Result<R, SourceError> + Sync,
    ) -> Vec<(usize, R)> {
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
        results
    }
}
