//! Finds the files that a pattern names.

use std::path::{Component, Path, PathBuf};

use evenstep_table::did_you_mean;

use crate::{SourceError, SourceErrorKind};

/// The files of a path or pattern, sorted; at least one.
pub(crate) fn paths(pattern: &str, base: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let whole = base.join(pattern);
    if whole.is_file() {
        return Ok(vec![whole]);
    }
    if whole.is_dir() {
        let error = SourceError::new(SourceErrorKind::NotFound, format!("`{pattern}` is a folder, expected files"));
        return Err(error.help(format!("name its files: `{}/*.csv`", pattern.trim_end_matches('/'))));
    }
    if whole.exists() {
        let error = SourceError::new(SourceErrorKind::Unsupported, format!("`{pattern}` is a pipe or a device"));
        return Err(error.help("rows are read more than once: write them to a file, and name that"));
    }
    if whole.is_symlink() {
        let error =
            SourceError::new(SourceErrorKind::NotFound, format!("`{pattern}` is a link to a file that isn't there"));
        return Err(error);
    }
    let mut paths = matches(&whole)?;
    if paths.is_empty() {
        let error = SourceError::new(SourceErrorKind::NotFound, format!("no file `{pattern}`"));
        return Err(error.help(near(&whole).unwrap_or_else(|| looked_in(base))));
    }
    paths.sort_unstable();
    Ok(paths)
}

fn looked_in(base: &Path) -> String {
    match base.components().all(|component| component == Component::CurDir) {
        true => "it was looked for from the folder where you are".to_owned(),
        false => format!("it was looked for from `{}`, where the spec lies", base.display()),
    }
}

fn matches(pattern: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let bad = |error: glob::PatternError| {
        let what = format!("`{}` is no pattern: {}", pattern.display(), error.msg);
        SourceError::new(SourceErrorKind::NotFound, what)
    };
    let found = glob::glob(&pattern.to_string_lossy()).map_err(bad)?;
    let paths = found.collect::<Result<Vec<_>, _>>();
    let paths = paths.map_err(|error| SourceError::io(error.path(), error.error()))?;
    Ok(paths.into_iter().filter(|path| path.is_file()).collect())
}

/// A file of nearly that name in the folder.
fn near(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let files = std::fs::read_dir(path.parent()?).ok()?;
    let mut names: Vec<String> = files.filter_map(|file| file.ok()?.file_name().into_string().ok()).collect();
    names.sort_unstable();
    did_you_mean(name, names.iter().map(String::as_str))
}
