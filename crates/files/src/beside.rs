//! What lies beside a file, under its name and something more.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What the name of a bundle's signatures ends with.
pub const SIGNATURES: &str = ".dsse.json";

/// The file beside that one whose name ends with that, too: `houses.evenstep.dsse.json`.
pub fn beside(path: &Path, end: &str) -> PathBuf {
    let mut beside = OsString::from(path);
    beside.push(end);
    beside.into()
}
