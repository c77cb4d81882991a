//! What a file looks like from outside: if that changed, what it holds may have.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file, and when it was last written, if it is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stamp {
    path: PathBuf,
    found: Option<Found>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Found {
    length: u64,
    modified: Option<SystemTime>,
    /// Which file goes by the name: what is renamed to it may have its length and time.
    file: (u64, u64, i64, i64),
}

impl Stamp {
    pub(crate) fn of(path: &Path) -> Stamp {
        let found = std::fs::metadata(path).ok().map(|metadata| Found {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            file: file(&metadata),
        });
        Stamp { path: path.to_owned(), found }
    }
}

#[cfg(unix)]
fn file(metadata: &Metadata) -> (u64, u64, i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn file(_: &Metadata) -> (u64, u64, i64, i64) {
    (0, 0, 0, 0)
}
