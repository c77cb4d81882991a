//! The keys that are taken at this moment, read anew when their file changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::http::HeaderMap;

use crate::keys::{ApiKeys, KeysError};
use crate::models::Stamp;

/// A file of keys that is watched.
#[derive(Debug)]
pub struct Keyring {
    path: PathBuf,
    current: RwLock<Arc<ApiKeys>>,
    seen: Mutex<Stamp>,
}

impl Keyring {
    /// The keys of a file.
    ///
    /// # Errors
    /// A file that can't be read, or holds something else.
    pub fn open(path: &Path) -> Result<Keyring, KeysError> {
        // Looked at before it is read: what changes meanwhile is read again.
        let seen = Mutex::new(Stamp::of(path));
        let keys = ApiKeys::parse(&std::fs::read_to_string(path)?)?;
        Ok(Keyring { path: path.to_owned(), current: RwLock::new(Arc::new(keys)), seen })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.now().is_empty()
    }

    /// The name of the key that a request shows, if it is taken.
    pub(crate) fn named(&self, headers: &HeaderMap) -> Option<String> {
        self.now().named(headers).map(str::to_owned)
    }

    /// The same of a request that counts; or how long its client has to wait, that asks more often than it may.
    pub(crate) fn admitted(&self, headers: &HeaderMap) -> Option<Result<String, Duration>> {
        Some(self.now().admitted(headers)?.map(str::to_owned))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file if it changed, and says how many keys are taken then; none is, if there is none. None if it didn't.
    pub(crate) fn look(&self) -> Option<Result<usize, KeysError>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Stamp::of(&self.path);
        if *seen == now {
            return None;
        }
        *seen = now;
        let text = evenstep_files::read_regular_text(&self.path);
        let keys = text.map_err(KeysError::from).and_then(|text| ApiKeys::parse(&text));
        Some(keys.map(|keys| {
            let count = keys.len();
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
            count
        }))
    }

    fn now(&self) -> Arc<ApiKeys> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}
