//! The operations on files that Evenstep needs, and the real ones.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// An open file.
pub trait File: Read + Write + Send {
    /// Makes sure that the file's bytes survive a power cut.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file system: each method is one operation that can fail.
pub trait Files: Send + Sync {
    /// A new, empty file; an existing one is an error.
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// An existing file, to be read.
    fn open(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// Gives a file another name in the same folder, in place of what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes sure that a folder's names survive a power cut.
    fn sync_dir(&self, folder: &Path) -> io::Result<()>;
    /// The files in a folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;
}

/// The host's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

/// The host's file system, where every file that is created is its owner's alone, from the first byte on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Private;

impl File for fs::File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl Files for Disk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(fs::File::create_new(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(fs::File::open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        // Windows has no handle of a folder that could be synced; its renames are in the journal.
        if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
        paths.sort_unstable();
        Ok(paths)
    }
}

impl Files for Private {
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Box::new(options.open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Disk.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }

    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        Disk.sync_dir(folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        Disk.list(folder)
    }
}
