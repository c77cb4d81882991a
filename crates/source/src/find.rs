//! Finds the files that a pattern names.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use evenstep_table::{ColumnName, did_you_mean};

use crate::{SourceError, SourceErrorKind};

/// The files of a path or pattern, sorted; at least one.
pub(crate) fn paths(pattern: &str, base: &Path) -> Result<Vec<PathBuf>, SourceError> {
    if pattern.is_empty() {
        let error = SourceError::new(SourceErrorKind::NotFound, "the name of the file is empty");
        return Err(error.help("name a file, or many by a glob: `data/*.csv`"));
    }
    let whole = base.join(pattern);
    found(pattern, base, &whole).map_err(|error| error.in_file(whole.strip_prefix(".").unwrap_or(&whole)))
}

fn found(pattern: &str, base: &Path, whole: &Path) -> Result<Vec<PathBuf>, SourceError> {
    if whole.is_file() {
        return Ok(vec![whole.to_owned()]);
    }
    if whole.is_dir() {
        let error = SourceError::new(SourceErrorKind::NotFound, format!("`{pattern}` is a folder, expected files"));
        return Err(error.help(format!("name its files: `{}/*.csv`", pattern.trim_end_matches('/'))));
    }
    if whole.exists() {
        let error = SourceError::new(SourceErrorKind::Unsupported, "it is a pipe or a device, expected a file");
        return Err(error.help("rows are read more than once: write them to a file, and name that"));
    }
    if whole.is_symlink() {
        let what = match std::fs::metadata(whole) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                format!("`{pattern}` is a link that can't be followed: {error}")
            }
            _ => format!("`{pattern}` is a link to a file that isn't there"),
        };
        return Err(SourceError::new(SourceErrorKind::NotFound, what));
    }
    if let Err(error) = whole.metadata()
        && error.kind() == ErrorKind::PermissionDenied
    {
        return Err(SourceError::io(whole, &error));
    }
    let mut paths = matches(pattern, base)?;
    if paths.is_empty() {
        let error = SourceError::new(SourceErrorKind::NotFound, format!("no file `{pattern}`"));
        // What is nearly called like a pattern doesn't fit it.
        let near = near(whole).filter(|_| !is_pattern(pattern));
        let help = near.or_else(|| elsewhere(pattern)).or_else(|| no_folder(pattern, whole));
        return Err(error.help(help.unwrap_or_else(|| looked_in(base))));
    }
    paths.sort_unstable();
    Ok(paths)
}

/// What the folders of a file that fits a pattern say of all its rows: `year=2024/region=n`, as Apache Hive writes it.
pub(crate) fn constants(pattern: &str, base: &Path, path: &Path) -> Vec<(ColumnName, Option<String>)> {
    let below = below(pattern, base, path);
    let folders = below.parent().into_iter().flat_map(Path::components);
    let constant = |folder: Component<'_>| {
        let (name, value) = folder.as_os_str().to_str()?.split_once('=')?;
        let value = (value != "__HIVE_DEFAULT_PARTITION__").then(|| decoded(value));
        Some((ColumnName::new(&decoded(name))?, value))
    };
    folders.filter_map(constant).collect()
}

/// A text in which `%2F` stands for `/`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).filter(|code| *first == b'%' && code.iter().all(u8::is_ascii_hexdigit));
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// What a name means to others, and not here.
fn elsewhere(pattern: &str) -> Option<String> {
    if pattern == "-" {
        return Some("rows are read from files: write them to one, and name that".to_owned());
    }
    if pattern.starts_with('~') || pattern.contains('$') {
        return Some("`~` and `$NAME` are read by a shell alone: write the folder's name".to_owned());
    }
    let (scheme, _) = pattern.split_once("://")?;
    Some(format!("`{scheme}://` isn't read: bring the file here, and name that"))
}

/// The first folder of the path that isn't there.
fn no_folder(pattern: &str, whole: &Path) -> Option<String> {
    let folders = whole.parent()?.ancestors().filter(|folder| !folder.as_os_str().is_empty());
    let lacking = folders.take_while(|folder| !folder.exists()).last()?;
    let near = near(lacking).map(|near| format!("; {near}")).unwrap_or_default();
    let lacking = lacking.strip_prefix(".").unwrap_or(lacking);
    (!is_pattern(pattern)).then(|| format!("there is no folder `{}`{near}", lacking.display()))
}

fn looked_in(base: &Path) -> String {
    match base.components().all(|component| component == Component::CurDir) {
        true => "it was looked for from the folder where you are".to_owned(),
        false => format!("it was looked for from `{}`, where the spec lies", base.display()),
    }
}

fn matches(pattern: &str, base: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let bad = |error: glob::PatternError| {
        let what = format!("`{}` is no pattern: {}", base.join(pattern).display(), error.msg);
        SourceError::new(SourceErrorKind::NotFound, what)
    };
    // A folder stands for itself, though it be called `run[1]`.
    let whole = Path::new(&glob::Pattern::escape(&base.to_string_lossy())).join(pattern);
    let found = glob::glob(&whole.to_string_lossy()).map_err(bad)?;
    let paths = found.collect::<Result<Vec<_>, _>>();
    let paths = paths.map_err(|error| SourceError::io(error.path(), error.error()))?;
    let is_data = |path: &PathBuf| path.is_file() && !is_hidden(pattern, &below(pattern, base, path));
    Ok(paths.into_iter().filter(is_data).collect())
}

/// Whether a program hid it, and the pattern doesn't ask for such: checkpoints, files that are still being written.
fn is_hidden(pattern: &str, below: &Path) -> bool {
    let asked = Path::new(pattern).components().filter_map(|part| part.as_os_str().to_str());
    let asked = asked.filter(|part| part.starts_with('.')).filter_map(|part| glob::Pattern::new(part).ok());
    let asked: Vec<glob::Pattern> = asked.collect();
    let parts = below.components().map(|part| part.as_os_str().to_string_lossy());
    let mut hidden = parts.filter(|part| part.starts_with('.'));
    hidden.any(|part| !asked.iter().any(|asked| asked.matches(&part)))
}

/// What of a path that fits a pattern lies below the part that stands for itself.
fn below(pattern: &str, base: &Path, path: &Path) -> PathBuf {
    let is_fixed = |part: &Component<'_>| !is_pattern(&part.as_os_str().to_string_lossy());
    let fixed: PathBuf = Path::new(pattern).components().take_while(is_fixed).collect();
    let plain = |path: &Path| path.components().filter(|part| *part != Component::CurDir).collect::<PathBuf>();
    plain(path).strip_prefix(plain(&base.join(fixed))).map(Path::to_owned).unwrap_or_default()
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// ``did you mean `ames.csv`?``, if a file in the folder is nearly called so.
pub fn near(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let files = std::fs::read_dir(folder).ok()?;
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    // What programs hide is seldom meant.
    let mut names: Vec<String> = names.filter(|found| name.starts_with('.') || !found.starts_with('.')).collect();
    names.sort_unstable();
    did_you_mean(name, names.iter().map(String::as_str))
}
