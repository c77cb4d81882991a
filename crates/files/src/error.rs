//! What can go wrong with a file.

use std::io;
use std::path::{Path, PathBuf};

/// An operation on a file that the host refused.
#[derive(Debug, thiserror::Error)]
#[error("{}: {doing}: {source}", path.display())]
pub struct FileError {
    /// The file as its user knows it, not its temporary name.
    pub path: PathBuf,
    /// What was to be done: `write`, `sync`.
    pub doing: &'static str,
    /// What the host said.
    pub source: io::Error,
}

impl FileError {
    /// What the host said when something was to be done with a file.
    pub fn new(path: &Path, doing: &'static str, source: io::Error) -> FileError {
        FileError { path: path.to_owned(), doing, source }
    }

    /// What to do about it, where that is clear.
    pub fn help(&self) -> Option<&'static str> {
        help(self.source.kind())
    }
}

/// What to do where the host refuses to write, where that is clear.
pub fn help(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::StorageFull => Some("the disk is full: free some space, then run the same command again"),
        io::ErrorKind::FileTooLarge => {
            Some("no file may be that large here: ask for more (`ulimit -f`), or write less")
        }
        io::ErrorKind::PermissionDenied => Some("check who may write in this folder"),
        io::ErrorKind::NotFound => Some("check that the folder exists"),
        io::ErrorKind::ReadOnlyFilesystem => Some("choose a folder that can be written"),
        _ => None,
    }
}
