//! The operations on files that Evenstep needs, and the real ones.

use std::fs::{self, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::must_end;

/// An open file.
pub trait File: Read + Write + Send {
    /// Makes sure that the file's bytes survive a power cut.
    fn sync(&mut self) -> io::Result<()>;
    /// Takes all away after so many bytes.
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// Whether it is what that path names: it may have been moved or removed since it was opened.
    fn is_at(&self, path: &Path) -> io::Result<bool>;
}

/// A file system: each method is one operation that can fail.
pub trait Files: Send + Sync {
    /// A new, empty file, in use until it is dropped; an existing one is an error.
    fn create(&self, path: &Path, access: Access<'_>) -> io::Result<Box<dyn File>>;
    /// A new folder; an existing one is an error.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// An existing file, to be read.
    fn open(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// A file to add to, made for its owner alone if it isn't there, in use until it is dropped; one in use is an error. What is
    /// read of it begins at its start, what is written goes to its end.
    fn append(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// Gives a file another name in the same folder, in place of what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a second name in the same folder; one that is taken is an error.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes a file unless some process has it in use since it was created.
    fn remove_unused(&self, path: &Path) -> io::Result<()>;
    /// Makes sure that a folder's names survive a power cut.
    fn sync_dir(&self, folder: &Path) -> io::Result<()>;
    /// The files in a folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;
}

/// The host's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

/// Who may read and write a new file, from its first byte on.
#[derive(Clone, Copy, Debug)]
pub enum Access<'a> {
    /// Who may read and write this file; if it isn't there, whoever the process lets.
    Like(&'a Path),
    /// Its owner alone.
    Private,
    /// Its owner, and to read everybody.
    Public,
}

impl File for fs::File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    #[cfg(unix)]
    fn is_at(&self, path: &Path) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt;
        let own = self.metadata()?;
        match fs::metadata(path) {
            Ok(there) => Ok((there.dev(), there.ino()) == (own.dev(), own.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// There nobody moves or removes what is open.
    #[cfg(not(unix))]
    fn is_at(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }
}

/// A new file of this mode, in use until it is closed, where the file system has locks.
fn new(path: &Path, mode: u32) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let file = options.open(path)?;
    let _ = file.try_lock();
    Ok(file)
}

#[cfg(unix)]
fn new_like(path: &Path, like: &Path) -> io::Result<Box<dyn File>> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let Ok(like) = fs::metadata(like) else { return Ok(Box::new(new(path, 0o666)?)) };
    let file = new(path, like.mode() & 0o666)?;
    // Only the superuser gives files away; whoever else replaces one owns it.
    let _ = fchown(&file, Some(like.uid()), Some(like.gid()));
    file.set_permissions(like.permissions())?;
    Ok(Box::new(file))
}

#[cfg(not(unix))]
fn new_like(path: &Path, _: &Path) -> io::Result<Box<dyn File>> {
    Ok(Box::new(new(path, 0)?))
}

/// Whatever the process takes from new files.
fn new_of_mode(path: &Path, mode: u32) -> io::Result<Box<dyn File>> {
    let file = new(path, mode)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    Ok(Box::new(file))
}

impl Files for Disk {
    fn create(&self, path: &Path, access: Access<'_>) -> io::Result<Box<dyn File>> {
        match access {
            Access::Like(like) => new_like(path, like),
            Access::Private => new_of_mode(path, 0o600),
            Access::Public => new_of_mode(path, 0o644),
        }
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(fs::File::open(path)?))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn File>> {
        if path.exists() {
            must_end(path)?;
        }
        let mut options = fs::OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(io::Error::other("another process is adding to it")),
            // Where the file system has no locks, nobody can tell.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Box::new(file)),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_unused(&self, path: &Path) -> io::Result<()> {
        match fs::File::open(path)?.try_lock() {
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            // A file system without locks can't tell; a leftover is likelier than two writers.
            Ok(()) | Err(TryLockError::Error(_)) => fs::remove_file(path),
        }
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
