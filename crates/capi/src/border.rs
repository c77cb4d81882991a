//! What C sees. Nothing unwinds over the border, and NULL is an error that is told.
#![allow(unsafe_code, reason = "a foreign interface: pointers come from outside, and names are exported")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::ptr::null;

use crate::model::{Failure, Model};

const OK: i32 = 0;
const REFUSED: i32 = 1;
const UNUSABLE: i32 = 2;
const BUG: i32 = 70;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => panic!("a version has no zero byte"),
};

#[unsafe(no_mangle)]
extern "C" fn evenstep_version() -> *const c_char {
    VERSION.as_ptr()
}

/// # Safety
/// `path` is a text or NULL, `model` and `error` are places to write to or NULL.
#[unsafe(no_mangle)]
unsafe extern "C" fn evenstep_open(path: *const c_char, model: *mut *mut Model, error: *mut *mut c_char) -> i32 {
    // SAFETY: the caller hands over a text that ends with a zero, or NULL.
    let path = (!path.is_null()).then(|| unsafe { CStr::from_ptr(path) });
    // SAFETY: as the caller promises.
    unsafe { opened(model, error, || Model::read(&path_of(path.ok_or_else(|| none("path"))?)?)) }
}

/// # Safety
/// `bytes` has `length` bytes or is NULL, `model` and `error` are places to write to or NULL.
#[unsafe(no_mangle)]
unsafe extern "C" fn evenstep_open_bytes(
    bytes: *const u8,
    length: usize,
    model: *mut *mut Model,
    error: *mut *mut c_char,
) -> i32 {
    // SAFETY: as the caller promises.
    let bytes = unsafe { slice("bytes", bytes, length) };
    // SAFETY: as the caller promises.
    unsafe { opened(model, error, || Model::open(bytes?)) }
}

/// # Safety
/// `model` is NULL, or what opening gave; nobody uses it any more.
#[unsafe(no_mangle)]
unsafe extern "C" fn evenstep_close(model: *mut Model) {
    if !model.is_null() {
        // SAFETY: it was a box when it was opened, and is closed once.
        drop(unsafe { Box::from_raw(model) });
    }
}

/// # Safety
/// `model` is NULL, or open.
#[unsafe(no_mangle)]
unsafe extern "C" fn evenstep_name(model: *const Model) -> *const c_char {
    // SAFETY: as the caller promises.
    unsafe { model.as_ref() }.map_or(null(), |model| model.name.as_ptr())
}

/// # Safety
/// `model` is NULL, or open.
#[unsafe(no_mangle)]
unsafe extern "C" fn evenstep_digest(model: *const Model) -> *const c_char {
    // SAFETY: as the caller promises.
    unsafe { model.as_ref() }.map_or(null(), |model| model.digest.as_ptr())
}

/// # Safety
/// `model` is NULL, or open.
#[unsafe(no_mangle)]
unsafe extern "C" fn evenstep_contract(model: *const Model) -> *const c_char {
    // SAFETY: as the caller promises.
    unsafe { model.as_ref() }.map_or(null(), |model| model.contract.as_ptr())
}

/// # Safety
/// `model` is NULL or open, `rows` has `length` bytes or is NULL, `answer` and `error` are places to write to or NULL.
#[unsafe(no_mangle)]
unsafe extern "C" fn evenstep_predict(
    model: *const Model,
    format: i32,
    rows: *const c_void,
    length: usize,
    answer: *mut *mut c_char,
    error: *mut *mut c_char,
) -> i32 {
    // SAFETY: as the caller promises.
    let (model, rows) = unsafe { (model.as_ref(), slice("rows", rows.cast(), length)) };
    // SAFETY: as the caller promises.
    unsafe {
        told(answer, error, "answer", || {
            let model = model.ok_or_else(|| none("model"))?;
            model.predict(format, rows?).map(into_text)
        })
    }
}

/// # Safety
/// `text` is NULL, or a text that was handed out and not given back yet.
#[unsafe(no_mangle)]
unsafe extern "C" fn evenstep_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: it came of `into_text`.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// # Safety
/// As `told`.
unsafe fn opened(
    model: *mut *mut Model,
    error: *mut *mut c_char,
    open: impl FnOnce() -> Result<Model, Failure>,
) -> i32 {
    // SAFETY: as the caller promises.
    unsafe { told(model, error, "model", || open().map(|model| Box::into_raw(Box::new(model)))) }
}

/// Does the work, writes what came of it to its place, and says what it was. Without a place for it nothing is done.
///
/// # Safety
/// Both are places to write to, or NULL.
unsafe fn told<T>(
    place: *mut *mut T,
    error: *mut *mut c_char,
    name: &str,
    work: impl FnOnce() -> Result<*mut T, Failure>,
) -> i32 {
    let done = if place.is_null() {
        Err(none(name))
    } else {
        // What is shared is only read.
        let caught = catch_unwind(AssertUnwindSafe(work));
        caught.unwrap_or_else(|_| Err(Failure::Bug("the call ran into a bug".to_owned())))
    };
    let (status, text) = match done {
        Ok(made) => {
            // SAFETY: it isn't NULL, and so a place to write to.
            unsafe { place.write(made) };
            return OK;
        }
        Err(Failure::Refused(text)) => (REFUSED, text),
        Err(Failure::Unusable(text)) => (UNUSABLE, text),
        Err(Failure::Bug(text)) => (BUG, text),
    };
    if !error.is_null() {
        // SAFETY: it isn't NULL, and so a place to write to.
        unsafe { error.write(into_text(text)) };
    }
    status
}

/// A text for C, which takes none with a zero in it.
fn into_text(text: String) -> *mut c_char {
    CString::new(text.replace('\0', "\u{fffd}")).expect("zeros were replaced").into_raw()
}

fn none(name: &str) -> Failure {
    Failure::Unusable(format!("`{name}` is NULL"))
}

#[cfg(unix)]
fn path_of(path: &CStr) -> Result<PathBuf, Failure> {
    use std::os::unix::ffi::OsStrExt;
    Ok(std::ffi::OsStr::from_bytes(path.to_bytes()).into())
}

#[cfg(not(unix))]
fn path_of(path: &CStr) -> Result<PathBuf, Failure> {
    path.to_str().map(PathBuf::from).map_err(|_| Failure::Unusable("`path` is not UTF-8".to_owned()))
}

/// # Safety
/// `bytes` has `length` bytes that nobody changes, or is NULL, or `length` is more than there can be.
unsafe fn slice<'a>(name: &str, bytes: *const u8, length: usize) -> Result<&'a [u8], Failure> {
    if bytes.is_null() {
        return Err(none(name));
    }
    if isize::try_from(length).is_err() {
        // As of a read that failed, and gave -1.
        return Err(Failure::Unusable(format!("`length` of `{name}` is {length}, more than any memory has")));
    }
    // SAFETY: as the caller promises, and no longer than a slice may be.
    Ok(unsafe { std::slice::from_raw_parts(bytes, length) })
}
