//! A project's salt: 32 random bytes in `.evenstep/`, under which traces keep what they say of single rows.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evenstep_files::{Access, FileError, Files, Turn, write, write_for};
use evenstep_pipeline::PipelineError;
use evenstep_pipeline::trace::{SALT_BYTES, Salt};

use crate::verbs::folder_of;

const FOLDER: &str = ".evenstep";
const NAME: &str = "salt";

/// The salt of the project that the folder belongs to, made if it has none.
pub(crate) fn of_project(folder: &Path, files: &Arc<dyn Files>) -> Result<Salt, PipelineError> {
    let home = home(folder);
    let path = home.join(NAME);
    if !path.exists() {
        check_own(&home, folder)?;
        create(&home, &path, files).map_err(|error| {
            let is_full = error.source.kind() == io::ErrorKind::StorageFull;
            let help = error.help().filter(|_| is_full);
            let help = help.unwrap_or("a trace needs a salt; leave the trace out, or make the folder writable");
            PipelineError::input(format!("`{}` can't be written: {}", error.path.display(), error.source))
                .help(help.to_owned())
        })?;
    }
    read(&path, folder)
}

/// The salt of the project that the folder belongs to, if it has one.
pub(crate) fn known(folder: &Path) -> Option<Salt> {
    read(&home(folder).join(NAME), folder).ok()
}

/// `.evenstep/` of the nearest folder upwards that has one of our own, or that is a git repository; else of the folder itself.
fn home(folder: &Path) -> PathBuf {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let is_project = |above: &&Path| {
        let home = above.join(FOLDER);
        if home.is_dir() { check_own(&home, &folder).is_ok() } else { above.join(".git").exists() }
    };
    folder.ancestors().find(is_project).unwrap_or(&folder).join(FOLDER)
}

/// Whoever chose the salt can read ids out of traces: it is nobody's but ours, the superuser's, or of whoever has the folder.
///
/// # Errors
/// A path that is there and somebody else's, or that all may write.
#[cfg(unix)]
fn check_own(path: &Path, folder: &Path) -> Result<(), PipelineError> {
    use std::os::unix::fs::MetadataExt;
    let Ok(found) = path.metadata() else { return Ok(()) };
    let is_ours = found.uid() == rustix::process::geteuid().as_raw() || found.uid() == 0;
    let is_own = is_ours || folder.metadata().is_ok_and(|folder| folder.uid() == found.uid());
    if is_own && found.mode() & 0o002 == 0 {
        return Ok(());
    }
    let message =
        format!("`{}` is somebody else's, or all may write it, so that its salt is no secret", path.display());
    Err(PipelineError::input(message)
        .help("remove it, or `chmod o-w` it if it is yours; `train --no-trace` needs none".to_owned()))
}

/// There, folders are not shared in that way.
#[cfg(not(unix))]
fn check_own(_: &Path, _: &Path) -> Result<(), PipelineError> {
    Ok(())
}

fn read(path: &Path, folder: &Path) -> Result<Salt, PipelineError> {
    check_own(folder_of(path), folder)?;
    check_own(path, folder)?;
    let bytes = evenstep_files::read_regular(path).map_err(|error| {
        PipelineError::input(format!("the salt `{}` can't be read: {error}", path.display()))
            .help("a trace needs it: `train --no-trace` leaves the trace out".to_owned())
    })?;
    let bytes: &[u8; SALT_BYTES] = bytes.as_slice().try_into().map_err(|_| {
        PipelineError::input(format!("the salt `{}` has {} bytes instead of {SALT_BYTES}", path.display(), bytes.len()))
            .help(
                "remove it: the next trace makes another, and rows of older traces can't be named any more".to_owned(),
            )
    })?;
    Ok(Salt::new(bytes))
}

/// For its owner alone; of two processes that try, the first one's stays, where folders can be locked.
fn create(home: &Path, path: &Path, files: &Arc<dyn Files>) -> Result<(), FileError> {
    // Not the folders above: a mistyped path is told, not made.
    match files.create_dir(home) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(FileError::new(home, "create", error));
        }
        _ => {}
    }
    let _turn = Turn::wait(path);
    if path.exists() {
        return Ok(());
    }
    // First, so that there is never a salt that goes under version control.
    write(files, &home.join(".gitignore"), b"*\n")?;
    let mut bytes = [0; SALT_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| FileError::new(path, "create", error.into()))?;
    write_for(Access::Private, files, path, &bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use evenstep_files::Disk;

    use super::*;

    #[test]
    fn a_salt_is_made_once_and_found_from_below() {
        let disk: Arc<dyn Files> = Arc::new(Disk);
        let project = tempfile::tempdir().expect("a folder");
        let below = project.path().join("a/b");
        fs::create_dir_all(&below).expect("the folder is ours");
        let path = project.path().join(FOLDER).join(NAME);
        fs::create_dir(project.path().join(".git")).expect("the folder is ours");
        of_project(&below, &disk).expect("it is made");
        let first = fs::read(&path).expect("it is there");
        of_project(&below, &disk).expect("it is found");
        assert_eq!(fs::read(&path).expect("it is there"), first);
        assert!(!below.join(FOLDER).exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::{PermissionsExt, chown};
            let home = |below: &str| project.path().join(below).join(FOLDER);
            let may = |mode| fs::set_permissions(home(""), PermissionsExt::from_mode(mode)).expect("it is ours");
            let nearest = || super::home(&below);
            may(0o757);
            assert_eq!(nearest(), home("a/b"), "one that all may write is none");
            may(0o755);
            assert_eq!(nearest(), home(""));
            if rustix::process::geteuid().is_root() {
                chown(&path, Some(65534), None).expect("the superuser may");
                let said = of_project(&below, &disk).expect_err("it is somebody else's").message;
                assert!(said.contains("is somebody else's"), "{said}");
                chown(home(""), Some(65534), None).expect("the superuser may");
                assert_eq!(nearest(), home("a/b"));
                [home(""), path.clone()].iter().for_each(|path| chown(path, Some(0), None).expect("the superuser may"));
            }
        }
        let missing = tempfile::tempdir().expect("a folder").path().join("missing");
        assert!(of_project(&missing, &disk).is_err() && !missing.exists(), "no folder is made for a mistyped path");
        fs::write(&path, "short").expect("the folder is ours");
        assert!(of_project(&below, &disk).expect_err("it is short").message.ends_with("has 5 bytes instead of 32"));
    }
}
