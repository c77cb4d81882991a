//! A file system whose N-th operation fails, for tests of what then happens.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Access, File, Files};

/// An operation that can fail.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Operation {
    /// Making a file.
    Create,
    /// Making a folder.
    CreateDir,
    /// Opening a file.
    Open,
    /// Reading from a file.
    Read,
    /// Writing to a file.
    Write,
    /// Syncing a file.
    Sync,
    /// Cutting a file.
    Cut,
    /// Renaming a file.
    Rename,
    /// Giving a file a second name.
    Link,
    /// Removing a file.
    Remove,
    /// Syncing a folder.
    SyncDir,
    /// Listing a folder.
    List,
}

/// How an operation fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The disk is full.
    DiskFull,
    /// The disk is broken.
    Io,
    /// A signal came; what is interrupted may be tried again.
    Interrupted,
    /// Only the first half is written; other operations fail as if the disk were full.
    ShortWrite,
}

/// For how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lasting {
    /// One operation fails.
    Once,
    /// It and all that follow fail.
    Forever,
}

/// Another file system, of which some operations fail. Operations are counted from 0.
#[derive(Clone, Debug)]
pub struct Faulty<F> {
    inner: F,
    faults: Arc<Faults>,
}

#[derive(Debug)]
struct Faults {
    fault: Fault,
    lasting: Lasting,
    first: usize,
    /// Count and fail only these; all when None.
    only: Option<Operation>,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    done: Vec<Operation>,
    failed: Vec<Operation>,
    counted: usize,
}

impl<F> Faulty<F> {
    /// Fails the `n`-th operation of any kind.
    pub fn new(inner: F, n: usize, fault: Fault, lasting: Lasting) -> Faulty<F> {
        Faulty::with(inner, n, None, fault, lasting)
    }

    /// Fails the first operation of one kind.
    pub fn on(inner: F, operation: Operation, fault: Fault, lasting: Lasting) -> Faulty<F> {
        Faulty::with(inner, 0, Some(operation), fault, lasting)
    }

    /// Fails the `n`-th write.
    pub fn writes_only(inner: F, n: usize, fault: Fault, lasting: Lasting) -> Faulty<F> {
        Faulty::with(inner, n, Some(Operation::Write), fault, lasting)
    }

    fn with(inner: F, first: usize, only: Option<Operation>, fault: Fault, lasting: Lasting) -> Faulty<F> {
        Faulty { inner, faults: Arc::new(Faults { fault, lasting, first, only, log: Mutex::default() }) }
    }

    /// The operations that failed, in their order.
    pub fn failed(&self) -> Vec<Operation> {
        self.faults.log().failed.clone()
    }

    /// How many operations there were.
    pub fn operations(&self) -> usize {
        self.faults.log().done.len()
    }

    /// How many operations of one kind there were.
    pub fn count(&self, operation: Operation) -> usize {
        self.faults.log().done.iter().filter(|done| **done == operation).count()
    }
}

impl Faults {
    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation; the fault, if it is to fail.
    fn meet(&self, operation: Operation) -> Option<Fault> {
        let mut log = self.log();
        log.done.push(operation);
        if self.only.is_some_and(|only| only != operation) {
            return None;
        }
        let n = log.counted;
        log.counted += 1;
        let fails = match self.lasting {
            Lasting::Once => n == self.first,
            Lasting::Forever => n >= self.first,
        };
        fails.then(|| {
            log.failed.push(operation);
            self.fault
        })
    }

    fn check(&self, operation: Operation) -> io::Result<()> {
        match self.meet(operation) {
            None => Ok(()),
            Some(fault) => Err(error(fault)),
        }
    }
}

fn error(fault: Fault) -> io::Error {
    match fault {
        Fault::DiskFull | Fault::ShortWrite => io::ErrorKind::StorageFull.into(),
        Fault::Io => io::Error::other("input/output error"),
        Fault::Interrupted => io::ErrorKind::Interrupted.into(),
    }
}

impl<F: Files> Files for Faulty<F> {
    fn create(&self, path: &Path, access: Access<'_>) -> io::Result<Box<dyn File>> {
        self.faults.check(Operation::Create)?;
        Ok(Box::new(FaultyFile { inner: self.inner.create(path, access)?, faults: self.faults.clone() }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.faults.check(Operation::CreateDir)?;
        self.inner.create_dir(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.faults.check(Operation::Open)?;
        Ok(Box::new(FaultyFile { inner: self.inner.open(path)?, faults: self.faults.clone() }))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.faults.check(Operation::Open)?;
        Ok(Box::new(FaultyFile { inner: self.inner.append(path)?, faults: self.faults.clone() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.faults.check(Operation::Rename)?;
        self.inner.rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.faults.check(Operation::Link)?;
        self.inner.link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.faults.check(Operation::Remove)?;
        self.inner.remove(path)
    }

    fn remove_unused(&self, path: &Path) -> io::Result<()> {
        self.faults.check(Operation::Remove)?;
        self.inner.remove_unused(path)
    }

    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        self.faults.check(Operation::SyncDir)?;
        self.inner.sync_dir(folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        self.faults.check(Operation::List)?;
        self.inner.list(folder)
    }
}

struct FaultyFile {
    inner: Box<dyn File>,
    faults: Arc<Faults>,
}

impl Read for FaultyFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.faults.check(Operation::Read)?;
        self.inner.read(buffer)
    }
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.faults.meet(Operation::Write) {
            None => self.inner.write(bytes),
            Some(Fault::ShortWrite) if bytes.len() > 1 => self.inner.write(&bytes[..bytes.len() / 2]),
            Some(Fault::ShortWrite) => self.inner.write(bytes),
            Some(fault) => Err(error(fault)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl File for FaultyFile {
    fn sync(&mut self) -> io::Result<()> {
        self.faults.check(Operation::Sync)?;
        self.inner.sync()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.faults.check(Operation::Cut)?;
        self.inner.cut(length)
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        self.inner.is_at(path)
    }
}
