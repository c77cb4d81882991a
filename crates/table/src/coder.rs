//! Codes strings fast, batch after batch.

use std::sync::Arc;

use hashbrown::HashTable;

use crate::hash::{secret, seeded_hash, tail};
use crate::{Coded, NULL_CODE};

/// Beyond so many bytes of known strings the memory of earlier batches is dropped: whoever sends
/// ever new strings to a server must not fill its memory.
const REMEMBERED: usize = 4 << 20;

/// Gives each distinct string of a batch a code. Remembers strings between batches, so that
/// a value that comes again costs no allocation.
#[derive(Debug)]
pub struct Coder {
    seed: u64,
    known: HashTable<Known>,
    /// How many bytes the known strings take, about.
    bytes: usize,
    batch: u32,
    values: Vec<Arc<str>>,
    codes: Vec<u32>,
}

#[derive(Debug)]
struct Known {
    hash: u64,
    /// The first 8 bytes, which for most strings are all.
    start: u64,
    text: Arc<str>,
    batch: u32,
    code: u32,
}

impl Default for Coder {
    fn default() -> Coder {
        let (known, values, codes) = (HashTable::new(), Vec::new(), Vec::new());
        Coder { seed: secret(), known, bytes: 0, batch: 0, values, codes }
    }
}

impl Coder {
    /// Adds a row with this string.
    #[inline]
    pub fn push(&mut self, text: &str) {
        let code = self.code(text);
        self.codes.push(code);
    }

    /// Adds a row with null.
    #[inline]
    pub fn push_null(&mut self) {
        self.codes.push(NULL_CODE);
    }

    /// Adds a row with a code that `code` gave in this batch.
    #[inline]
    pub fn push_code(&mut self, code: u32) {
        self.codes.push(code);
    }

    /// How many rows the batch has so far.
    pub fn rows(&self) -> usize {
        self.codes.len()
    }

    /// The string's code in this batch.
    #[inline]
    pub fn code(&mut self, text: &str) -> u32 {
        let bytes = text.as_bytes();
        let hash = seeded_hash(bytes, self.seed);
        let start = match bytes.first_chunk::<8>() {
            Some(word) => u64::from_le_bytes(*word),
            None => tail(bytes),
        };
        let same = |known: &Known| {
            known.hash == hash
                && known.start == start
                && known.text.len() == bytes.len()
                && (bytes.len() <= 8 || known.text.as_bytes()[8..] == bytes[8..])
        };
        match self.known.find_mut(hash, same) {
            Some(known) => {
                if known.batch != self.batch {
                    known.batch = self.batch;
                    known.code = self.values.len() as u32;
                    self.values.push(known.text.clone());
                }
                known.code
            }
            None => {
                let (text, code) = (Arc::<str>::from(text), self.values.len() as u32);
                self.values.push(text.clone());
                let known = Known { hash, start, text, batch: self.batch, code };
                self.known.insert_unique(hash, known, |known| known.hash);
                self.bytes += bytes.len() + size_of::<Known>();
                code
            }
        }
    }

    /// The batch's strings; the next batch starts.
    pub fn finish(&mut self) -> Coded {
        self.batch = self.batch.wrapping_add(1);
        if self.bytes > REMEMBERED || self.batch == 0 {
            self.known = HashTable::new();
            self.bytes = 0;
        }
        Coded { values: Arc::new(std::mem::take(&mut self.values)), codes: std::mem::take(&mut self.codes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_start_anew_with_each_batch_and_strings_are_shared() {
        let mut coder = Coder::default();
        let mut batch = |texts: &[Option<&str>]| {
            for text in texts {
                match text {
                    Some(text) => coder.push(text),
                    None => coder.push_null(),
                }
            }
            coder.finish()
        };
        let first = batch(&[Some("a"), None, Some("a longer string"), Some("a")]);
        let second = batch(&[Some("a longer strinh"), Some("a")]);
        assert_eq!((first.get(0), first.get(1), first.get(2)), (Some("a"), None, Some("a longer string")));
        assert_eq!((second.get(0), second.get(1)), (Some("a longer strinh"), Some("a")));
        assert!(Arc::ptr_eq(&first.values[0], &second.values[1]));
    }
}
