//! Calls readers that may panic on damaged files.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Once;

use crate::SourceError;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// What `read` gives, or an error if it panics: the arrow and parquet crates do on some damaged
/// files, and regard it as a bug of theirs, not a weakness.
pub(crate) fn guard<T>(path: &Path, read: impl FnOnce() -> Result<T, SourceError>) -> Result<T, SourceError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                report(info);
            }
        }));
    });
    let before = GUARDED.replace(true);
    // What `read` left half done is dropped with the error.
    let result = catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(before);
    let result = result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(SourceError::malformed(format!("the file is damaged: {}", text.unwrap_or("its reader gave up"))))
    });
    result.map_err(|error| error.in_file(path))
}
