//! What a verb reads it doesn't write over, and what it writes has a place each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evenstep_pipeline::{FileKind, PipelineError};

use super::init::for_shell;

/// Checks that before anything is done.
///
/// # Errors
/// A path that is to be written and is read, is to be written twice, or lies in a folder that isn't there, or is none.
pub(crate) fn apart<'a>(
    read: impl IntoIterator<Item = &'a Path>,
    written: impl IntoIterator<Item = &'a Path>,
) -> Result<(), PipelineError> {
    let mut taken: BTreeMap<PathBuf, &str> = read.into_iter().map(|path| (real(path), "is read")).collect();
    for path in written {
        let folder = super::folder_of(path);
        // Below a file no folder can be made either.
        if let Some(file) = folder.ancestors().find(|above| above.is_file()) {
            let message = format!("`{}` can't be written: `{}` is no folder", path.display(), file.display());
            return Err(PipelineError::input(message).help("name another file".to_owned()));
        }
        if !folder.is_dir() {
            let message = format!("`{}` can't be written: there is no folder `{}`", path.display(), folder.display());
            return Err(PipelineError::input(message).help(format!("`mkdir -p {}` makes it", for_shell(folder))));
        }
        if let Some(why) = taken.insert(real(path), "is written already") {
            let message = format!("`{}` can't be written: it {why}", path.display());
            return Err(PipelineError::input(message).help("name another file".to_owned()));
        }
    }
    Ok(())
}

/// Checks that what is written isn't called like a file of another kind.
///
/// # Errors
/// Such a name.
pub(crate) fn called_as(path: &Path, what: &str, ending: &str) -> Result<(), PipelineError> {
    let is_called_so = path.extension().is_some_and(|found| found == ending);
    if is_called_so || matches!(FileKind::of(path), None | Some(FileKind::Folder)) {
        return Ok(());
    }
    Err(PipelineError::input(format!("`{}` is no name for {what}", path.display()))
        .help(format!("let it end in `.{ending}`")))
}

/// The file itself, by whatever links and folders it was named.
fn real(path: &Path) -> PathBuf {
    let there = || path.canonicalize().ok();
    let to_be = || Some(super::folder_of(path).canonicalize().ok()?.join(path.file_name()?));
    there().or_else(to_be).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_any_of_its_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a"), "").expect("written");
        std::fs::create_dir(at("sub")).expect("made");
        let told = |read: &str, written: &[&str]| {
            let written: Vec<PathBuf> = written.iter().map(|name| at(name)).collect();
            apart([at(read).as_path()], written.iter().map(PathBuf::as_path)).err().map(|error| error.message)
        };
        assert_eq!(told("a", &["b", "c"]), None);
        assert!(told("a", &["sub/../a"]).is_some_and(|said| said.ends_with("it is read")));
        assert!(told("a", &["b", "sub/../b"]).is_some_and(|said| said.ends_with("it is written already")));
        assert_eq!(told("not/there", &["b"]), None);
        assert!(told("not/there", &["b", "b"]).is_some());
        assert!(told("a", &["not/here"]).is_some_and(|said| said.contains("there is no folder")));
        assert!(told("not/there", &["a/b/c"]).is_some_and(|said| said.ends_with("a` is no folder")));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("a"), at("link")).expect("made");
            assert!(told("a", &["link"]).is_some());
        }
    }
}
