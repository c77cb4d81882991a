//! What a file is, by the ending that such files have.

use std::ffi::OsStr;
use std::path::Path;

use crate::PipelineError;

/// What may lie at a path that somebody names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    /// A folder.
    Folder,
    /// What says how to train.
    Spec,
    /// What a training came to.
    Lock,
    /// A sealed artifact.
    Bundle,
    /// What the stages of a run committed to.
    Trace,
    /// A page to be looked at.
    Page,
    /// Signatures, or an array of rows, which nothing reads.
    Json,
    /// A private key, or the public one to it.
    Key,
    /// Rows.
    Data,
}

impl FileKind {
    /// What a path names. None if its ending tells nothing: a spec may be a text of any name.
    pub fn of(path: &Path) -> Option<FileKind> {
        if path.is_dir() {
            return Some(FileKind::Folder);
        }
        match path.extension().and_then(OsStr::to_str).unwrap_or_default() {
            "toml" => Some(FileKind::Spec),
            "lock" => Some(FileKind::Lock),
            "evenstep" => Some(FileKind::Bundle),
            "trace" => Some(FileKind::Trace),
            "html" => Some(FileKind::Page),
            "json" => Some(FileKind::Json),
            "key" | "pub" => Some(FileKind::Key),
            "txt" => None,
            _ => evenstep_source::format::of_path(path).map(|_| FileKind::Data),
        }
    }

    /// The word for one.
    pub fn word(self) -> &'static str {
        match self {
            FileKind::Folder => "a folder",
            FileKind::Spec => "a spec",
            FileKind::Lock => "a lock",
            FileKind::Bundle => "a bundle",
            FileKind::Trace => "a trace",
            FileKind::Page => "a page",
            FileKind::Json => "a file of JSON",
            FileKind::Key => "a key",
            FileKind::Data => "a data file",
        }
    }

    /// Takes a path at which a file of one of these kinds may be, or nothing.
    ///
    /// # Errors
    /// Its ending says that it is of another kind; with how to come by one of the first.
    pub fn expect_at(path: &Path, wanted: &[FileKind]) -> Result<(), PipelineError> {
        let found = FileKind::of(path).filter(|found| !wanted.contains(found) && path.exists());
        let (Some(found), [first, others @ ..]) = (found, wanted) else { return Ok(()) };
        let words = others.iter().fold(first.word().to_owned(), |words, kind| format!("{words} or {}", kind.word()));
        let message = format!("`{}` is {}, and {words} is wanted", path.display(), found.word());
        Err(PipelineError::input(message).of_file(path).help(first.instead_of(found, path)))
    }

    /// How to come by one where another kind of file was named.
    fn instead_of(self, found: FileKind, path: &Path) -> Option<String> {
        let shown = path.display();
        match (self, found) {
            (FileKind::Spec, FileKind::Folder) => {
                Some(format!("name the spec in it, such as `{}`", path.join("pipeline.toml").display()))
            }
            (FileKind::Spec, FileKind::Bundle) => {
                Some(format!("`evenstep inspect {shown}` shows the spec that it was trained by"))
            }
            (FileKind::Spec, FileKind::Lock | FileKind::Trace | FileKind::Page) => {
                Some(format!("name the spec beside it, such as `{}`", path.with_extension("toml").display()))
            }
            (FileKind::Spec, FileKind::Data) => {
                Some(format!("`evenstep init {shown} --target COLUMN` proposes a spec for it"))
            }
            (FileKind::Bundle, FileKind::Spec) => Some(format!("`evenstep train {shown}` makes one of it")),
            (FileKind::Bundle, FileKind::Data) => {
                Some(format!("`evenstep init {shown} --target COLUMN` proposes a spec, which trains one"))
            }
            _ => None,
        }
    }
}
