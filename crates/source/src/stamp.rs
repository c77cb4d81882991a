//! Whether files are still what they were before any of their bytes was read.

use std::fs::Metadata;
use std::path::Path;
use std::time::SystemTime;

use crate::layout::FileInfo;
use crate::{SourceError, SourceErrorKind};

/// A file's size, and when it was last written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp {
    bytes: u64,
    written: SystemTime,
}

impl Stamp {
    /// That of a file; None of a pipe or a device, which has neither.
    pub(crate) fn of(path: &Path) -> Option<Stamp> {
        let metadata = std::fs::metadata(path).ok().filter(Metadata::is_file)?;
        Some(Stamp { bytes: metadata.len(), written: metadata.modified().ok()? })
    }
}

/// Refuses what was read of files that somebody wrote to meanwhile: some rows may be old, and others new.
pub(crate) fn unchanged(files: &[FileInfo]) -> Result<(), SourceError> {
    let changed = files.iter().find(|file| file.stamp.is_some() && Stamp::of(&file.path) != file.stamp);
    changed.map_or(Ok(()), |file| {
        Err(SourceError::new(SourceErrorKind::Io, "the file changed while it was read")
            .in_file(&file.path)
            .help("some rows may be old, and others new: run it again, or on a copy that nobody writes to"))
    })
}
