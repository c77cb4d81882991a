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

/// The same of a file that begins so, and has no more bytes than that. Of one that begins in another way the beginning alone: whoever
/// knows what the file should be refuses it by that, and a large one in its place costs no memory.
///
/// # Errors
/// As `read_regular`, or a longer file.
pub fn read_regular_that_begins(path: &Path, beginning: &[u8], bytes_max: u64) -> io::Result<Vec<u8>> {
    must_end(path)?;
    let mut file = fs::File::open(path)?;
    let mut bytes = Vec::new();
    file.by_ref().take(beginning.len() as u64).read_to_end(&mut bytes)?;
    if bytes != beginning {
        return Ok(bytes);
    }
    let length = file.metadata()?.len();
    if length > bytes_max {
        return Err(io::Error::new(
            ErrorKind::InvalidData,
            format!("it has {length} bytes, and {bytes_max} at most are expected"),
        ));
    }
    bytes.reserve_exact((length as usize).saturating_sub(bytes.len()));
    file.take(bytes_max - bytes.len() as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether there is a regular file that begins so.
pub fn begins_with(path: &Path, beginning: &[u8]) -> bool {
    let begins = || {
        must_end(path)?;
        let mut found = vec![0; beginning.len()];
        fs::File::open(path)?.read_exact(&mut found)?;
        io::Result::Ok(found == beginning)
    };
    begins().unwrap_or(false)
}

/// The same of a text of at most 1 MiB, as keys, policies and signatures are: a mistaken path costs no memory.
///
/// # Errors
/// As `read_regular_text`, or a longer text.
pub fn read_short_text(path: &Path) -> io::Result<String> {
    read_text_up_to(path, 1)
}

/// The same of a text of at most so many MiB.
///
/// # Errors
/// As `read_short_text`.
pub fn read_text_up_to(path: &Path, mib_max: u64) -> io::Result<String> {
    must_end(path)?;
    let (mut text, bytes_max) = (String::new(), mib_max << 20);
    fs::File::open(path)?.take(bytes_max + 1).read_to_string(&mut text)?;
    if text.len() as u64 > bytes_max {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("it is longer than {mib_max} MiB")));
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
        let begins = |beginning: &[u8], most| read_regular_that_begins(&file, beginning, most);
        assert_eq!(begins(b"te", 4).expect("it does"), b"text");
        assert_eq!(begins(b"to", 4).expect("it is no such file"), b"te");
        assert_eq!(begins(b"text and more", 40).expect("it is no such file"), b"text");
        assert!(begins_with(&file, b"te") && !begins_with(&file, b"to") && !begins_with(&file, b"text and more"));
        let long = begins(b"te", 3).expect_err("it is long").to_string();
        assert_eq!(long, "it has 4 bytes, and 3 at most are expected");
        fs::write(&file, vec![b'a'; 1 << 20]).expect("written");
        assert_eq!(read_short_text(&file).expect("it is short").len(), 1 << 20);
        fs::write(&file, vec![b'a'; (1 << 20) + 1]).expect("written");
        assert_eq!(read_short_text(&file).expect_err("it is long").to_string(), "it is longer than 1 MiB");
        assert_eq!(read_regular(&folder.path().join("none")).expect_err("it isn't there").kind(), ErrorKind::NotFound);
        assert_eq!(read_regular(folder.path()).expect_err("it is a folder").kind(), ErrorKind::IsADirectory);
    }
}
