//! Files that end. What a path names may also be a pipe, in which nobody may ever write, or a device that gives bytes for ever.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Refuses what is no regular file, without opening it: to open a pipe is to wait for its writer. A folder is left to whoever
/// opens it: the host has words for that.
///
/// # Errors
/// No file, or one of another kind.
pub fn must_end(path: &Path) -> io::Result<()> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_file() || kind.is_dir() {
        return Ok(());
    }
    Err(io::Error::new(ErrorKind::InvalidInput, "it is a pipe or a device, and a regular file is expected"))
}

/// All bytes of a regular file.
///
/// # Errors
/// No file, one of another kind, or one that can't be read.
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    must_end(path)?;
    fs::read(path)
}

/// The same of a text.
///
/// # Errors
/// As `read_regular`, or bytes that are no UTF-8.
pub fn read_regular_text(path: &Path) -> io::Result<String> {
    must_end(path)?;
    fs::read_to_string(path)
}

/// More than any key or policy has.
const SHORT: u64 = 1 << 20;

/// The same of a text of at most 1 MiB, as keys and policies are: a mistaken path costs no memory.
///
/// # Errors
/// As `read_regular_text`, or a longer text.
pub fn read_short_text(path: &Path) -> io::Result<String> {
    must_end(path)?;
    let mut text = String::new();
    fs::File::open(path)?.take(SHORT + 1).read_to_string(&mut text)?;
    if text.len() as u64 > SHORT {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is longer than 1 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_never_ends_is_refused_and_what_is_not_there_is_told_as_always() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|made| made.success()));
        for path in [pipe.as_path(), Path::new("/dev/zero")] {
            let read =
                [read_regular(path).map(drop), read_regular_text(path).map(drop), read_short_text(path).map(drop)];
            let said = read.map(|read| {
                let error = read.expect_err("it never ends");
                error.to_string()
            });
            assert!(said.iter().all(|said| said.contains("a regular file is expected")), "{said:?}");
        }
        let file = folder.path().join("file");
        fs::write(&file, "text").expect("written");
        assert_eq!(read_regular(&file).expect("it ends"), b"text");
        assert_eq!(read_regular_text(&file).expect("it ends"), "text");
        assert_eq!(read_short_text(&file).expect("it ends"), "text");
        fs::write(&file, vec![b'a'; 1 << 20]).expect("written");
        assert_eq!(read_short_text(&file).expect("it is short").len(), 1 << 20);
        fs::write(&file, vec![b'a'; (1 << 20) + 1]).expect("written");
        assert_eq!(read_short_text(&file).expect_err("it is long").to_string(), "it is longer than 1 MiB");
        assert_eq!(read_regular(&folder.path().join("none")).expect_err("it isn't there").kind(), ErrorKind::NotFound);
        assert_eq!(read_regular(folder.path()).expect_err("it is a folder").kind(), ErrorKind::IsADirectory);
    }
}
