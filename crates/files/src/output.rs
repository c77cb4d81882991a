//! Files that become visible whole or not at all.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Access, File, FileError, Files};

/// A file that is written beside its target and takes its place when committed.
///
/// Dropped without that, it leaves no trace. Leftovers of a process that was killed are removed
/// when the same target is written next.
pub struct Output {
    files: Arc<dyn Files>,
    target: PathBuf,
    aside: PathBuf,
    /// None once prepared.
    file: Option<BufWriter<Box<dyn File>>>,
    /// What was written, in use until it has its name.
    prepared: Option<Box<dyn File>>,
    /// A second name of what was there before, until all files that belong together have their names.
    kept: Option<PathBuf>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Writing,
    /// Written and synced, under its temporary name.
    Prepared,
    /// Some operation failed. Bytes may be lost though later operations succeed: a failed sync
    /// marks pages clean (Rebello et al., ATC'20), so nothing is tried again.
    Failed,
    /// There is no temporary file any more.
    Done,
}

/// Held while files that belong together get their names.
static RENAMING: Mutex<()> = Mutex::new(());

/// The temporary files that this process is writing, and the number of the next one.
static LIVE: Mutex<(BTreeSet<PathBuf>, u64)> = Mutex::new((BTreeSet::new(), 0));

impl Output {
    /// Starts to write `target`, or what it links to, which keeps its bytes for now.
    pub fn create(files: Arc<dyn Files>, target: &Path) -> Result<Output, FileError> {
        Output::start(files, target, None)
    }

    /// The same, for its owner alone; who else may read one that is there, its owner has said.
    pub fn create_private(files: Arc<dyn Files>, target: &Path) -> Result<Output, FileError> {
        let access = (!target.exists()).then_some(Access::Private);
        Output::start(files, target, access)
    }

    /// Itself with all its bytes, which show once it is committed.
    pub fn filled(mut self, bytes: &[u8]) -> Result<Output, FileError> {
        self.write_all(bytes).map_err(|error| FileError::new(&self.target, "write", error))?;
        Ok(self)
    }

    fn start(files: Arc<dyn Files>, target: &Path, access: Option<Access<'static>>) -> Result<Output, FileError> {
        let fail = |error| FileError::new(target, "create", error);
        let found = target.metadata();
        if found.as_ref().is_ok_and(|found| !found.is_file()) {
            return Err(fail(io::Error::other("it is no file, but a folder, a device or a pipe")));
        }
        if found.is_err() && target.is_symlink() {
            return Err(fail(io::Error::other("it is a link to a file that isn't there")));
        }
        let linked = target.is_symlink().then(|| target.canonicalize()).transpose().map_err(fail)?;
        let target = linked.as_deref().unwrap_or(target);
        let name = target.file_name().ok_or_else(|| fail(io::Error::other("not the name of a file")))?;
        let folder = folder(target);
        let stem = stem(name);
        remove_leftovers(&*files, folder, &stem);
        let create = |aside: &Path| files.create(aside, access.unwrap_or(Access::Like(target)));
        let (aside, file) = named_aside(folder, &stem, create).map_err(fail)?;
        let file = Some(BufWriter::with_capacity(1 << 18, file));
        let target = target.to_owned();
        Ok(Output { files, target, aside, file, prepared: None, kept: None, state: State::Writing })
    }

    /// The file that is to be written.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Makes what was written visible, and durable.
    ///
    /// When this fails before the rename, the target has its old bytes; when syncing the folder
    /// fails, it has the new ones, though a power cut may bring the old ones back.
    pub fn commit(mut self) -> Result<(), FileError> {
        self.prepare()?;
        let _renaming = renaming();
        self.rename()?;
        self.sync_folder()
    }

    fn prepare(&mut self) -> Result<(), FileError> {
        if self.state != State::Writing {
            return Err(self.fail("write", io::Error::other("an earlier operation on it failed")));
        }
        let writer = self.file.take().expect("open while writing");
        let mut file = match writer.into_inner() {
            Ok(file) => file,
            Err(error) => {
                let (error, writer) = error.into_parts();
                // What is still in the buffer must not be tried again when the writer is dropped.
                drop(writer.into_parts());
                return Err(self.fail("write", error));
            }
        };
        file.sync().map_err(|error| self.fail("sync", error))?;
        self.prepared = Some(file);
        self.state = State::Prepared;
        Ok(())
    }

    fn rename(&mut self) -> Result<(), FileError> {
        assert_eq!(self.state, State::Prepared, "only what is synced is renamed");
        let renamed = self.files.rename(&self.aside, &self.target);
        renamed.map_err(|error| self.fail("rename", error))?;
        self.state = State::Done;
        Ok(())
    }

    /// Keeps what is there under a second name, where the file system has such.
    fn keep(&mut self) {
        let Some(name) = self.target.file_name() else { return };
        let link = |aside: &Path| self.files.link(&self.target, aside);
        self.kept = named_aside(folder(&self.target), &stem(name), link).ok().map(|(kept, ())| kept);
    }

    /// Gives back its name to what was kept, or takes that of a file that is new.
    fn put_back(&mut self, is_new: bool) {
        let _ = match self.kept.take() {
            Some(kept) => {
                live().0.remove(&kept);
                self.files.rename(&kept, &self.target)
            }
            None if is_new => self.files.remove(&self.target),
            None => Ok(()),
        };
    }

    /// Removes the second name of what was there.
    fn let_go(&mut self) {
        if let Some(kept) = self.kept.take() {
            // What can't be removed is removed with the next write.
            let _ = self.files.remove(&kept);
            live().0.remove(&kept);
        }
    }

    fn sync_folder(&self) -> Result<(), FileError> {
        let synced = self.files.sync_dir(folder(&self.target));
        synced.map_err(|error| FileError::new(&self.target, "sync the folder", error))
    }

    fn fail(&mut self, doing: &'static str, error: io::Error) -> FileError {
        self.state = State::Failed;
        FileError::new(&self.target, doing, error)
    }
}

/// Commits several files: all are written and synced before the first is renamed.
///
/// An error while preparing leaves every target as it was, and so does one while renaming, where the file system can keep what
/// was there under a second name. Elsewhere, and after a crash, earlier targets can be new and later ones old, each whole; so
/// files that belong together name each other by digest.
pub fn commit_all(mut outputs: Vec<Output>) -> Result<(), FileError> {
    for output in &mut outputs {
        output.prepare()?;
    }
    let _renaming = renaming();
    let is_new: Vec<bool> = outputs.iter().map(|output| !output.target.exists()).collect();
    outputs.iter_mut().zip(&is_new).filter(|(_, is_new)| !**is_new).for_each(|(output, _)| output.keep());
    let renamed = outputs.iter_mut().try_for_each(Output::rename);
    if let Err(error) = renamed {
        let done = outputs.iter_mut().zip(is_new).filter(|(output, _)| output.state == State::Done);
        done.for_each(|(output, is_new)| output.put_back(is_new));
        outputs.iter_mut().for_each(Output::let_go);
        return Err(error);
    }
    outputs.iter_mut().for_each(Output::let_go);
    let mut synced: Vec<&Path> = Vec::new();
    for output in &outputs {
        let folder = folder(&output.target);
        if !synced.contains(&folder) {
            output.sync_folder()?;
            synced.push(folder);
        }
    }
    Ok(())
}

/// For a process that is told to stop: removes every temporary file that it is writing. Files that
/// are being renamed together are waited for, so either all of them are old or all of them are new.
///
/// From then on no file is started and none takes its place: the caller ends the process.
pub fn abandon(files: &dyn Files) {
    let renaming = renaming();
    let live = live();
    for path in &live.0 {
        // What can't be removed is removed with the next write.
        let _ = files.remove(path);
    }
    std::mem::forget((renaming, live));
}

/// Writes a whole file; its target has the old bytes until it has the new ones.
pub fn write(files: &Arc<dyn Files>, target: &Path, bytes: &[u8]) -> Result<(), FileError> {
    Output::create(files.clone(), target)?.filled(bytes)?.commit()
}

/// Writes a whole file for whom it is, whoever might read and write what was there.
pub fn write_for(
    access: Access<'static>,
    files: &Arc<dyn Files>,
    target: &Path,
    bytes: &[u8],
) -> Result<(), FileError> {
    Output::start(files.clone(), target, Some(access))?.filled(bytes)?.commit()
}

/// Reads a whole file.
pub fn read(files: &dyn Files, path: &Path) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let mut file = files.open(path).map_err(|error| FileError::new(path, "open", error))?;
    file.read_to_end(&mut bytes).map_err(|error| FileError::new(path, "read", error))?;
    Ok(bytes)
}

/// How the names of temporary files for a target begin.
fn stem(name: &OsStr) -> String {
    format!(".{}.tmp-", name.to_string_lossy())
}

/// Makes a temporary file, under a name that nobody has.
fn named_aside<T>(folder: &Path, stem: &str, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    // Held until the file is there, so that `abandon` never misses one.
    let mut live = live();
    let (aside, made) = loop {
        let aside = folder.join(format!("{stem}{}-{}", std::process::id(), live.1));
        live.1 += 1;
        match make(&aside) {
            // Of a process of the same number on another host, or in another container.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => break (aside, made?),
        }
    };
    live.0.insert(aside.clone());
    Ok((aside, made))
}

pub(crate) fn folder(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn renaming() -> MutexGuard<'static, ()> {
    RENAMING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn live() -> MutexGuard<'static, (BTreeSet<PathBuf>, u64)> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether so ends the name of a temporary file: by a process and a number.
fn is_ours(ending: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    ending.split_once('-').is_some_and(|(process, number)| is_number(process) && is_number(number))
}

/// Removes temporary files that no process is writing. A failure is no reason not to write:
/// it will show itself with the file that is to be written, or not matter.
fn remove_leftovers(files: &dyn Files, folder: &Path, stem: &str) {
    for path in files.list(folder).unwrap_or_default() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.strip_prefix(stem).is_some_and(is_ours) && !live().0.contains(&path) {
            let _ = files.remove_unused(&path);
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.state != State::Writing {
            return Err(io::Error::other("an earlier operation on this file failed"));
        }
        let written = self.file.as_mut().expect("open while writing").write(bytes);
        if let Err(error) = &written
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.state = State::Failed;
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        // Nothing is visible before `commit`, which flushes.
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(writer) = self.file.take() {
            // Its buffer is thrown away, not written.
            drop(writer.into_parts());
        }
        if self.state != State::Done {
            // What cannot be removed now is removed when the target is written next.
            let _ = self.files.remove(&self.aside);
        }
        live().0.remove(&self.aside);
    }
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("target", &self.target).field("state", &self.state).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Disk, Fault, Faulty, Lasting, Operation};

    const OLD: &[u8] = b"old";

    fn names(folder: &Path) -> Vec<String> {
        let paths = Disk.list(folder).expect("the folder is there");
        paths.iter().map(|path| path.file_name().expect("a name").to_string_lossy().into_owned()).collect()
    }

    /// Runs `act` with every operation failing in turn; returns how many there are.
    fn sweep(
        targets: &[&str],
        fault: Fault,
        lasting: Lasting,
        act: impl Fn(&Arc<dyn Files>, &Path) -> Result<(), FileError>,
    ) -> usize {
        let new = vec![b'n'; 600_000];
        for n in 0.. {
            let folder = tempfile::tempdir().expect("a folder");
            for target in targets {
                std::fs::write(folder.path().join(target), OLD).expect("written");
            }
            let faulty = Arc::new(Faulty::new(Disk, n, fault, lasting));
            let files: Arc<dyn Files> = faulty.clone();
            let result = act(&files, folder.path());
            let failed = faulty.failed();
            for target in targets {
                let bytes = std::fs::read(folder.path().join(target)).expect("the target is there");
                assert!(bytes == OLD || bytes == new, "operation {n}: {} bytes are neither old nor new", bytes.len());
                if result.is_ok() {
                    assert_eq!(bytes, new, "operation {n}: committed");
                }
            }
            if lasting == Lasting::Once {
                let is_old = |target: &&&str| std::fs::read(folder.path().join(target)).is_ok_and(|bytes| bytes == OLD);
                let old = targets.iter().filter(is_old).count();
                assert!(old == 0 || old == targets.len(), "operation {n} ({failed:?}): {old} are old, others new");
            }
            if !failed.contains(&Operation::Remove) {
                assert_eq!(names(folder.path()), targets, "operation {n} ({failed:?}): nothing is left over");
            }
            match failed.first() {
                None => {
                    result.expect("without a fault it succeeds");
                    assert!(n > 4, "the sweep reached no operation");
                    return n;
                }
                Some(Operation::List | Operation::Link | Operation::Remove) => {}
                Some(_) => assert!(result.is_err(), "operation {n} failed: {failed:?}"),
            }
        }
        unreachable!("some n is beyond all operations")
    }

    #[test]
    fn whatever_fails_a_target_is_old_or_new_and_nothing_is_left() {
        for fault in [Fault::DiskFull, Fault::Io] {
            for lasting in [Lasting::Once, Lasting::Forever] {
                let bytes = vec![b'n'; 600_000];
                sweep(&["a"], fault, lasting, |files, folder| write(files, &folder.join("a"), &bytes));
            }
        }
    }

    #[test]
    fn whatever_fails_several_targets_are_old_or_new_each() {
        for fault in [Fault::DiskFull, Fault::Io] {
            for lasting in [Lasting::Once, Lasting::Forever] {
                let operations = sweep(&["a", "b", "c"], fault, lasting, |files, folder| {
                    let mut outputs = Vec::new();
                    for name in ["a", "b", "c"] {
                        let mut output = Output::create(files.clone(), &folder.join(name))?;
                        let written = output.write_all(&vec![b'n'; 600_000]);
                        written.map_err(|error| FileError::new(&folder.join(name), "write", error))?;
                        outputs.push(output);
                    }
                    commit_all(outputs)
                });
                assert!(operations > 12, "{operations}");
            }
        }
    }

    #[test]
    fn short_and_interrupted_writes_are_gone_on_with() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("a");
        for fault in [Fault::ShortWrite, Fault::Interrupted] {
            for n in 0..20 {
                let lasting = if fault == Fault::ShortWrite { Lasting::Forever } else { Lasting::Once };
                let files: Arc<dyn Files> = Arc::new(Faulty::writes_only(Disk, n, fault, lasting));
                let bytes: Vec<u8> = (0..600_000).map(|byte| byte as u8).collect();
                write(&files, &target, &bytes).expect("written");
                assert_eq!(std::fs::read(&target).expect("read"), bytes);
            }
        }
    }

    #[test]
    fn a_failed_sync_is_not_tried_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let faulty = Arc::new(Faulty::on(Disk, Operation::Sync, Fault::Io, Lasting::Once));
        let mut output = Output::create(faulty.clone(), &folder.path().join("a")).expect("created");
        output.write_all(b"new").expect("written");
        assert!(output.commit().is_err());
        assert_eq!(faulty.count(Operation::Sync), 1);
        assert_eq!(faulty.count(Operation::Rename), 0);
    }

    #[test]
    fn leftovers_of_a_killed_process_are_removed_with_the_next_write() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(".a.tmp-1-0"), b"left").expect("written");
        let same_id = format!(".a.tmp-{}-1000000", std::process::id());
        std::fs::write(folder.path().join(same_id), b"left").expect("written");
        std::fs::write(folder.path().join(".b.tmp-1-0"), b"other").expect("written");
        std::fs::write(folder.path().join(".a.tmp-notes"), b"somebody's").expect("written");
        let files: Arc<dyn Files> = Arc::new(Disk);
        write(&files, &folder.path().join("a"), b"new").expect("written");
        assert_eq!(names(folder.path()), [".a.tmp-notes", ".b.tmp-1-0", "a"]);
    }

    #[test]
    fn what_another_process_is_writing_is_left_to_it() {
        let folder = tempfile::tempdir().expect("a folder");
        // Held through another handle, as another process would.
        let theirs = folder.path().join(".a.tmp-1-0");
        let held = Disk.create(&theirs, Access::Private).expect("created");
        let files: Arc<dyn Files> = Arc::new(Disk);
        write(&files, &folder.path().join("a"), b"new").expect("written");
        assert_eq!(names(folder.path()), [".a.tmp-1-0", "a"]);
        drop(held);
        write(&files, &folder.path().join("a"), b"new").expect("written");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_one() {
        let (folder, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let (link, file) = (folder.path().join("link"), other.path().join("file"));
        std::fs::write(&file, OLD).expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("made");
        let files: Arc<dyn Files> = Arc::new(Disk);
        write(&files, &link, b"new").expect("written");
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&file).expect("read"), b"new");
        assert_eq!(names(folder.path()), ["link"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_its_owner_narrowed_stays_so() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("a");
        std::fs::write(&target, OLD).expect("written");
        for mode in [0o600, 0o640, 0o666] {
            std::fs::set_permissions(&target, PermissionsExt::from_mode(mode)).expect("ours");
            write(&(Arc::new(Disk) as Arc<dyn Files>), &target, b"new").expect("written");
            assert_eq!(target.metadata().expect("it is there").permissions().mode() & 0o777, mode);
        }
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = write(&(Arc::new(Disk) as Arc<dyn Files>), folder.path(), b"new").expect_err("it is a folder");
        assert!(error.to_string().contains("no file"), "{error}");
        #[cfg(unix)]
        {
            Output::create(Arc::new(Disk), Path::new("/dev/null")).expect_err("it is a device");
            let link = folder.path().join("link");
            std::os::unix::fs::symlink("nowhere", &link).expect("made");
            let error = Output::create(Arc::new(Disk), &link).expect_err("it leads nowhere");
            assert!(error.to_string().contains("a link to a file that isn't there"), "{error}");
            assert!(error.help().is_none());
        }
    }

    #[test]
    fn dropped_without_commit_nothing_happened() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut output = Output::create(Arc::new(Disk), &folder.path().join("a")).expect("created");
        output.write_all(b"new").expect("written");
        drop(output);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn an_error_names_the_file_and_what_was_done() {
        let files: Arc<dyn Files> = Arc::new(Faulty::on(Disk, Operation::Sync, Fault::DiskFull, Lasting::Once));
        let folder = tempfile::tempdir().expect("a folder");
        let error = write(&files, &folder.path().join("model.lock"), b"new").expect_err("the disk is full");
        let text = error.to_string().replace(&*folder.path().to_string_lossy(), "DIR");
        insta::assert_snapshot!(text, @"DIR/model.lock: sync: no storage space");
        assert!(error.help().is_some());
    }
}
