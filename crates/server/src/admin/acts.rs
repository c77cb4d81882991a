//! What administrators did, in a file that only grows: a line an act, of canonical JSON, that holds the hash of the line before it.
//! So a line that was changed or taken out is found, unless all that follow it were written anew: whoever keeps the last hash
//! elsewhere finds that, too.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use evenstep_exact::canonical::canonical_json;
use evenstep_files::{File, Files};
use serde_json::Value;

use crate::keys::hash;
use crate::limits::ACT_BYTES_MAX;

/// What stands before the first line.
const NONE_BEFORE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A file of acts that is added to.
pub struct ActLog {
    path: PathBuf,
    open: Mutex<Open>,
    /// The line that was begun when a server ended, and was taken out: nothing was done of it.
    pub(crate) mended: Option<u64>,
}

struct Open {
    /// In use until it is dropped, so that no other server goes on with what may stand there of an act that wasn't done.
    file: Box<dyn File>,
    is_unknown: bool,
    end: ActsEnd,
}

/// Where a file of acts ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActsEnd {
    /// How many lines it has.
    pub acts: u64,
    /// The SHA-256 of the last one without its line feed, in hex; zeros, if there is none.
    pub hash: String,
    bytes: u64,
}

/// A file of acts that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ActLogError {
    /// It can't be read or added to.
    #[error("`{0}` can't be used: {1}")]
    Unusable(PathBuf, #[source] io::Error),
    /// Its lines don't follow from each other.
    #[error("`{path}`, line {line}: {what}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl ActLog {
    /// Opens a file to add to, or makes it, and verifies what it has.
    ///
    /// # Errors
    /// A file that can't be read or added to, that another server adds to, or whose lines don't follow from each other.
    pub fn open(files: &dyn Files, path: &Path) -> Result<ActLog, ActLogError> {
        let unusable = |error| ActLogError::Unusable(path.to_owned(), error);
        let mut file = files.append(path).map_err(unusable)?;
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        files.sync_dir(folder).map_err(unusable)?;
        let (end, is_cut_off) = follow(path, &mut file, |_| ())?;
        if is_cut_off {
            file.cut(end.bytes).map_err(unusable)?;
        }
        let mended = is_cut_off.then_some(end.acts + 1);
        Ok(ActLog { path: path.to_owned(), open: Mutex::new(Open { file, is_unknown: false, end }), mended })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds an act, and the hash of the line before it; it is on disk then. The hash of its line.
    pub(crate) fn add(&self, mut act: Value) -> io::Result<String> {
        let open = &mut *self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.is_unknown {
            return Err(io::Error::other(
                "it could neither be written nor mended; look at its last line, and start the server anew",
            ));
        }
        if !open.file.is_at(&self.path)? {
            return Err(io::Error::other(
                "it was moved or removed since the server began to add to it; start the server anew",
            ));
        }
        act["before"] = Value::from(open.end.hash.as_str());
        let line = canonical_json(&act);
        let file = &mut open.file;
        let written = file.write_all(&[line.as_slice(), b"\n"].concat()).and_then(|()| file.sync());
        if let Err(error) = written {
            // What is there of the line says what wasn't done.
            open.is_unknown = file.cut(open.end.bytes).and_then(|()| file.sync()).is_err();
            return Err(error);
        }
        open.end = open.end.followed_by(&line);
        Ok(open.end.hash.clone())
    }
}

impl ActsEnd {
    fn followed_by(&self, line: &[u8]) -> ActsEnd {
        ActsEnd { acts: self.acts + 1, hash: hash(line), bytes: self.bytes + line.len() as u64 + 1 }
    }
}

/// Verifies a file of acts, tells each of them, and says where it ends.
///
/// # Errors
/// A file that can't be read, or whose lines don't follow from each other; what stands before such a line was told.
pub fn read_acts(path: &Path, tell: impl FnMut(&Value)) -> Result<ActsEnd, ActLogError> {
    let unusable = |error| ActLogError::Unusable(path.to_owned(), error);
    evenstep_files::must_end(path).map_err(unusable)?;
    let file = std::fs::File::open(path).map_err(unusable)?;
    match follow(path, file, tell)? {
        (end, false) => Ok(end),
        (end, true) => {
            let what = "it doesn't end: a server was cut off while it wrote it, and did nothing of it; the next one takes it out";
            Err(ActLogError::Broken { path: path.to_owned(), line: end.acts + 1, what })
        }
    }
}

/// Verifies what a file of acts holds.
pub(crate) fn check_acts(file: &[u8]) -> Result<(), ActLogError> {
    follow(Path::new("acts"), file, |_| ()).map(drop)
}

/// Follows whole lines to their end, and says whether part of another comes after it.
fn follow(path: &Path, file: impl Read, mut tell: impl FnMut(&Value)) -> Result<(ActsEnd, bool), ActLogError> {
    let mut lines = BufReader::new(file);
    let mut end = ActsEnd { acts: 0, hash: NONE_BEFORE.to_owned(), bytes: 0 };
    loop {
        let mut line = Vec::new();
        let read = lines.by_ref().take(ACT_BYTES_MAX).read_until(b'\n', &mut line);
        read.map_err(|error| ActLogError::Unusable(path.to_owned(), error))?;
        let is_long = line.len() as u64 == ACT_BYTES_MAX;
        let Some(line) = line.strip_suffix(b"\n").or(is_long.then_some(&line[..])) else {
            return Ok((end, !line.is_empty()));
        };
        let broken = |what| ActLogError::Broken { path: path.to_owned(), line: end.acts + 1, what };
        let act: Option<Value> = serde_json::from_slice(line).ok();
        let act = act.filter(|act| act.is_object() && canonical_json(act) == line);
        let act = act.ok_or_else(|| broken("it is no act as a server writes it: somebody changed it"))?;
        if act["before"] != end.hash {
            return Err(broken(match end.acts {
                0 => "its `before` says that there was a line before it, which somebody took out",
                _ => {
                    "its `before` isn't the hash of the line before it: somebody changed that one, or took out lines between them"
                }
            }));
        }
        tell(&act);
        end = end.followed_by(line);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evenstep_files::{Disk, Fault, Faulty, Lasting, Operation};
    use serde_json::json;

    use super::*;

    fn act(n: u64) -> Value {
        json!({ "act": "load", "model": "m", "version": n.to_string() })
    }

    fn log(folder: &Path, acts: u64) -> PathBuf {
        let path = folder.join("acts.jsonl");
        let log = ActLog::open(&Disk, &path).expect("it can be written");
        (1..=acts).for_each(|n| drop(log.add(act(n)).expect("it can be written")));
        path
    }

    fn count(path: &Path) -> Result<u64, String> {
        read_acts(path, |_| ()).map(|end| end.acts).map_err(|error| {
            let told = error.to_string();
            told.replace(&format!("`{}`, ", path.display()), "")
        })
    }

    #[test]
    fn a_log_is_gone_on_with_and_each_line_holds_the_hash_of_the_one_before() {
        let folder = tempfile::tempdir().expect("a folder");
        log(folder.path(), 2);
        let path = log(folder.path(), 1);
        assert_eq!(count(&path), Ok(3));
        let text = std::fs::read_to_string(&path).expect("it is there");
        let lines: Vec<&str> = text.lines().collect();
        let hash = |line: &str| hash(line.as_bytes());
        assert_eq!(lines[0], format!(r#"{{"act":"load","before":"{NONE_BEFORE}","model":"m","version":"1"}}"#));
        assert!(lines[1].contains(&hash(lines[0])) && lines[2].contains(&hash(lines[1])));
        assert_eq!(read_acts(&path, |_| ()).expect("it is whole").hash, hash(lines[2]));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
        }
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_added_to_a_log_that_was_moved_or_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = log(folder.path(), 1);
        let open = ActLog::open(&Disk, &path).expect("it is whole");
        let moved = folder.path().join("acts.1.jsonl");
        std::fs::rename(&path, &moved).expect("it can be moved");
        let refused = |open: &ActLog| open.add(act(2)).expect_err("it is elsewhere").to_string();
        assert!(refused(&open).contains("moved or removed"));
        std::fs::write(&path, "").expect("it can be written");
        assert!(refused(&open).contains("moved or removed"));
        assert_eq!(count(&moved), Ok(1));
        std::fs::rename(&moved, &path).expect("it can be moved");
        open.add(act(2)).expect("it is where it was");
        assert_eq!(count(&path), Ok(2));
    }

    #[test]
    fn a_line_that_was_changed_taken_out_or_put_elsewhere_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = log(folder.path(), 4);
        let text = std::fs::read_to_string(&path).expect("it is there");
        let lines: Vec<&str> = text.lines().collect();
        let check = |lines: &[&str], expected: &str| {
            std::fs::write(&path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).expect("written");
            let told = count(&path).expect_err(expected);
            assert!(told.starts_with(expected), "{told}");
            let error = ActLog::open(&Disk, &path).err().expect("no server goes on with it");
            assert!(error.to_string().ends_with(&told), "{error}");
        };
        let changed = lines[1].replace("\"2\"", "\"9\"");
        check(&[lines[0], &changed, lines[2], lines[3]], "line 3: its `before` isn't the hash of the line before it");
        check(&[lines[0], lines[2], lines[3]], "line 2: its `before` isn't the hash");
        check(&[lines[0], lines[2], lines[1], lines[3]], "line 2: its `before` isn't the hash");
        check(&lines[1..], "line 1: its `before` says that there was a line before it");
        check(&[lines[0], lines[1], "", lines[2]], "line 3: it is no act as a server writes it");
        check(&[lines[0], &format!("{} ", lines[1])], "line 2: it is no act");
        check(&[lines[0], "[]"], "line 2: it is no act");
        check(&[&"x".repeat(1 << 20)], "line 1: it is no act");
        check(&["null"], "line 1: it is no act");
        // Of the last line only its own hash tells.
        let last = lines[3].replace("\"4\"", "\"9\"");
        std::fs::write(&path, [lines[0], lines[1], lines[2], &last].map(|line| format!("{line}\n")).concat())
            .expect("written");
        let end = read_acts(&path, |_| ()).expect("its lines follow from each other");
        assert_ne!(end.hash, hash(lines[3].as_bytes()));
    }

    #[test]
    fn a_line_that_was_only_begun_is_taken_out_by_the_next_server() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = log(folder.path(), 2);
        let whole = std::fs::read(&path).expect("it is there");
        std::fs::write(&path, &whole[..whole.len() - 3]).expect("written");
        assert!(count(&path).expect_err("it is cut off").starts_with("line 2: it doesn't end"));
        let log = ActLog::open(&Disk, &path).expect("it goes on");
        assert_eq!(log.mended, Some(2));
        log.add(act(2)).expect("it can be written");
        assert_eq!(std::fs::read(&path).expect("it is there"), whole);
    }

    #[test]
    fn what_the_disk_refuses_is_not_there_and_the_log_goes_on() {
        let short = (Operation::Write, Fault::ShortWrite);
        for (operation, fault) in [(Operation::Write, Fault::DiskFull), (Operation::Sync, Fault::Io), short] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = log(folder.path(), 1);
            let files = Faulty::on(Disk, operation, fault, Lasting::Once);
            let log = ActLog::open(&files, &path).expect("it opens");
            // A short write goes on with what is left.
            assert_eq!(log.add(act(2)).is_ok(), fault == Fault::ShortWrite);
            assert_eq!(count(&path), Ok(if fault == Fault::ShortWrite { 2 } else { 1 }));
            log.add(act(3)).expect("the disk is well again");
            count(&path).expect("its lines follow from each other");
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = log(folder.path(), 1);
        let log =
            ActLog::open(&Faulty::on(Disk, Operation::Sync, Fault::Io, Lasting::Forever), &path).expect("it opens");
        log.add(act(2)).expect_err("it isn't on disk");
        let error = log.add(act(2)).expect_err("nobody knows how it ends");
        assert!(error.to_string().contains("start the server anew"), "{error}");
    }

    #[test]
    fn two_servers_do_not_add_to_one_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("acts.jsonl");
        let one = Arc::new(ActLog::open(&Disk, &path).expect("it can be written"));
        let error = ActLog::open(&Disk, &path).err().expect("it is in use");
        assert!(error.to_string().contains("another process is adding to it"), "{error}");
        drop(one);
        ActLog::open(&Disk, &path).expect("nobody has it in use");
        assert!(ActLog::open(&Disk, folder.path()).is_err());
    }
}
