//! Chunks of rows, one after the other, read ahead by a thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use crate::chunk::Chunk;
use crate::layout::{FileInfo, Slots};
use crate::queue::{Parts, Queue};
use crate::reading::Plan;
use crate::source::rejected;
use crate::stamp::unchanged;
use crate::typing::Typer;
use crate::{SourceError, SourceErrorKind};

/// So many chunks wait at most.
const AHEAD: usize = 4;

/// Chunks of rows in source order; ends after the first error.
#[derive(Debug)]
pub struct Stream {
    chunks: Receiver<Result<Chunk, SourceError>>,
    /// None once it has ended.
    thread: Option<JoinHandle<()>>,
}

impl Stream {
    pub(crate) fn start(files: Arc<[FileInfo]>, plan: Plan, rows: usize) -> Stream {
        let (to, chunks) = sync_channel(AHEAD);
        let thread = std::thread::Builder::new().spawn(move || {
            let slots: Vec<Slots> = files.iter().map(|file| Slots::of_plan(file, &plan)).collect();
            let mut queue = Queue::new(&files, &slots, Parts::Small, rows);
            let mut typer = Typer::new(&plan, &files, &slots, rows, false);
            loop {
                let read = match queue.next() {
                    Ok(Some(part)) => typer.read(part),
                    Ok(None) => match unchanged(&files) {
                        Ok(()) => return,
                        Err(error) => Err(error),
                    },
                    Err(error) => Err(error),
                };
                let results: Vec<Result<Chunk, SourceError>> = match read {
                    Ok(chunks) => chunks.into_iter().map(|chunk| accepted(chunk, rows)).collect(),
                    Err(error) => vec![Err(unchanged(&files).err().unwrap_or(error))],
                };
                for result in results {
                    let last = result.is_err();
                    // Nobody listens any more, or there is nothing more to tell.
                    if to.send(result).is_err() || last {
                        return;
                    }
                }
            }
        });
        match thread {
            Ok(thread) => Stream { chunks, thread: Some(thread) },
            Err(error) => Stream::refused(no_thread(&error)),
        }
    }

    fn refused(error: SourceError) -> Stream {
        let (to, chunks) = sync_channel(1);
        to.send(Err(error)).expect("there is room for one");
        Stream { chunks, thread: None }
    }
}

fn no_thread(error: &std::io::Error) -> SourceError {
    SourceError::new(SourceErrorKind::Io, format!("no thread can be started that reads ahead: {error}"))
        .help("the host limits threads: `ulimit -u`, or a container's limit of processes")
}

fn accepted(chunk: Chunk, rows_most: usize) -> Result<Chunk, SourceError> {
    if chunk.quality.rejected.count == 0 {
        return Ok(chunk);
    }
    let among = if chunk.batch.rows() < rows_most { "" } else { "; what follows these rows wasn't looked at" };
    Err(rejected(&chunk.quality, among))
}

impl Iterator for Stream {
    type Item = Result<Chunk, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Ok(chunk) = self.chunks.recv() {
            return Some(chunk);
        }
        // A thread that died of a bug must not pass for the end of the rows.
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
        None
    }
}
