//! Cuts a text file into blocks of whole records, without looking into them.
//!
//! One thread at a time cuts; many type what was cut. Cutting only counts line ends, except
//! where there are quotes or blank lines.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use crate::SourceError;
use crate::buffers::{Buffer, Buffers};
use crate::fields::Blank;
use crate::format::{self, Compression};

/// How much is read at once.
const PIECE: usize = 256 << 10;
/// A block ends after the record that crosses this size.
const BLOCK: usize = 16 << 20;
/// No record is longer. A longer one is a quote that never closes, most likely.
const RECORD: usize = 64 << 20;

/// Whole records of one file, each ended by a line feed.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) bytes: Buffer,
    /// How many records it holds.
    pub(crate) rows: usize,
    /// The number of its first record in the file, from 1.
    pub(crate) first_row: u64,
    /// The line where it starts, from 1.
    pub(crate) first_line: u64,
    /// How many bytes of the file, compressed, were read for it.
    pub(crate) consumed: u64,
}

/// Where records end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Records {
    /// At line ends outside quotes; a quote opens a field only at its start.
    Csv {
        /// What stands between fields.
        delimiter: u8,
        /// What a blank line is.
        blank: Blank,
    },
    /// At every line end.
    Lines,
}

impl Records {
    /// Until more is known.
    pub(crate) const COMMAS: Records = Records::Csv { delimiter: b',', blank: Blank::Skipped };

    fn blank(self) -> Blank {
        match self {
            Records::Csv { blank, .. } => blank,
            Records::Lines => Blank::Skipped,
        }
    }
}

/// A file being cut.
pub(crate) struct Blocks {
    path: PathBuf,
    input: Box<dyn Read + Send>,
    consumed: std::sync::Arc<std::sync::atomic::AtomicU64>,
    reported: u64,
    compression: Compression,
    records: Records,
    /// How much is read at once.
    piece: usize,
    buffers: Buffers,
    /// Read, but not cut yet.
    rest: Buffer,
    ended: bool,
    next_row: u64,
    next_line: u64,
}

/// How far a block has been looked through.
#[derive(Default)]
struct Scan {
    /// Everything before this was looked at.
    at: usize,
    /// Complete records so far.
    rows: usize,
    /// Where the last complete record ends.
    end: usize,
    /// Where the quote stands that is open.
    quote: Option<usize>,
    /// Where a quote stands that took in lines up to the next one, which opens a field of its own, most likely.
    strayed: Option<usize>,
}

impl Blocks {
    /// Opens a file. Its byte order mark, if any, is skipped.
    pub(crate) fn open(path: &Path, compression: Compression, records: Records) -> Result<Blocks, SourceError> {
        Blocks::open_in_pieces(path, compression, records, PIECE)
    }

    fn open_in_pieces(
        path: &Path,
        compression: Compression,
        records: Records,
        piece: usize,
    ) -> Result<Blocks, SourceError> {
        let file = File::open(path).map_err(|error| SourceError::io(path, &error))?;
        let consumed = std::sync::Arc::default();
        let file = Counted { file, read: std::sync::Arc::clone(&consumed) };
        let input: Box<dyn Read + Send> = match compression {
            Compression::None => Box::new(file),
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
            Compression::Zstd => Box::new(zstd::Decoder::new(file).map_err(|error| SourceError::io(path, &error))?),
        };
        Blocks::begin(path, input, consumed, compression, records, piece)
    }

    /// Cuts bytes that are in memory; messages name them as a file would be.
    pub(crate) fn of_bytes(name: &Path, bytes: Vec<u8>, records: Records) -> Result<Blocks, SourceError> {
        let input = Box::new(Cursor::new(bytes));
        Blocks::begin(name, input, std::sync::Arc::default(), Compression::None, records, PIECE)
    }

    fn begin(
        path: &Path,
        input: Box<dyn Read + Send>,
        consumed: std::sync::Arc<std::sync::atomic::AtomicU64>,
        compression: Compression,
        records: Records,
        piece: usize,
    ) -> Result<Blocks, SourceError> {
        let buffers = Buffers::default();
        let mut blocks = Blocks {
            path: path.to_owned(),
            input,
            consumed,
            reported: 0,
            compression,
            records,
            piece,
            rest: buffers.take(0),
            buffers,
            ended: false,
            next_row: 1,
            next_line: 1,
        };
        blocks.read_piece()?;
        match blocks.rest.as_slice() {
            [0xef, 0xbb, 0xbf, ..] => drop(blocks.rest.drain(..3)),
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Err(not_utf8("UTF-32").in_file(path)),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(not_utf8("UTF-16").in_file(path)),
            start => format::refuse_binary(start).map_err(|error| error.in_file(path))?,
        }
        Ok(blocks)
    }

    /// The first bytes of the file, for looking at its delimiter.
    pub(crate) fn start(&self) -> &[u8] {
        &self.rest
    }

    /// Takes what the first bytes showed.
    pub(crate) fn set_records(&mut self, records: Records) {
        self.records = records;
    }

    /// Cuts off the header; rows are numbered from the record after it.
    pub(crate) fn header(&mut self) -> Result<Option<Block>, SourceError> {
        let header = self.next(1)?;
        self.next_row = 1;
        Ok(header.filter(|header| header.rows > 0))
    }

    /// The next block of at most so many records; None at the end of the file.
    pub(crate) fn next(&mut self, rows: usize) -> Result<Option<Block>, SourceError> {
        let mut scan = Scan::default();
        loop {
            self.scan(&mut scan, rows);
            if let Some(quote) = scan.strayed {
                return Err(self.strayed(quote));
            }
            if scan.rows == rows || scan.end >= BLOCK {
                break;
            }
            if self.rest.len() - scan.end > RECORD {
                return Err(self.endless(&scan));
            }
            if self.ended {
                if let Some(quote) = scan.quote {
                    return Err(self.unclosed(quote));
                }
                if scan.end < self.rest.len() {
                    // The last line may lack its end.
                    self.rest.push(b'\n');
                    continue;
                }
                break;
            }
            self.read_piece()?;
        }
        if scan.end == 0 {
            return Ok(None);
        }
        // The next block will be about as long.
        let mut rest = self.buffers.take(self.rest.len() / 8 * 9);
        rest.extend_from_slice(&self.rest[scan.end..]);
        let mut bytes = std::mem::replace(&mut self.rest, rest);
        bytes.truncate(scan.end);
        let lines = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        let consumed = self.consumed.load(std::sync::atomic::Ordering::Relaxed);
        let block = Block {
            rows: scan.rows,
            first_row: self.next_row,
            first_line: self.next_line,
            consumed: consumed - self.reported,
            bytes,
        };
        self.reported = consumed;
        self.next_row += scan.rows as u64;
        self.next_line += lines;
        Ok(Some(block))
    }

    fn read_piece(&mut self) -> Result<(), SourceError> {
        let before = self.rest.len();
        let read = self.input.by_ref().take(self.piece as u64).read_to_end(&mut self.rest);
        if let Err(error) = read {
            let what = match error.kind() {
                std::io::ErrorKind::UnexpectedEof => "the compressed file ends too early".to_owned(),
                _ if self.compression != Compression::None => format!("the compressed file is damaged: {error}"),
                _ => error.to_string(),
            };
            let error = SourceError::malformed(what).in_file(&self.path);
            return Err(match self.compression {
                Compression::None => error,
                _ => error.help("write it anew; if it was never compressed, take that ending off its name"),
            });
        }
        self.ended = self.rest.len() == before;
        Ok(())
    }

    /// Looks at what was read since the last look, up to the end of `limit` records.
    fn scan(&self, scan: &mut Scan, limit: usize) {
        while scan.at < self.rest.len() && scan.rows < limit {
            let end = self.rest.len().min(scan.at + self.piece);
            if scan.quote.is_none() && self.is_plain(scan.at, end) {
                let lines = memchr::memchr_iter(b'\n', &self.rest[scan.at..end]).count();
                if scan.rows + lines <= limit {
                    scan.rows += lines;
                    if let Some(last) = memchr::memrchr(b'\n', &self.rest[scan.at..end]) {
                        scan.end = scan.at + last + 1;
                    }
                    scan.at = end;
                    continue;
                }
            }
            if !self.scan_closely(scan, end, limit) {
                return;
            }
        }
    }

    /// Whether every line end in the range ends a record.
    fn is_plain(&self, start: usize, end: usize) -> bool {
        let quoted = self.records != Records::Lines && memchr::memchr(b'"', &self.rest[start..end]).is_some();
        if self.records.blank() == Blank::Record {
            return !quoted;
        }
        // Two more bytes, for a blank line across the edge of two pieces.
        let around = &self.rest[start.saturating_sub(2)..end];
        !quoted
            && !around.starts_with(b"\n")
            && !around.starts_with(b"\r\n")
            && memchr::memmem::find(around, b"\n\n").is_none()
            && memchr::memmem::find(around, b"\n\r\n").is_none()
    }

    /// False if more of the file is needed to go on.
    fn scan_closely(&self, scan: &mut Scan, end: usize, limit: usize) -> bool {
        let bytes = &self.rest;
        while scan.at < end {
            if let Some(quote) = scan.quote {
                let Some(found) = memchr::memchr(b'"', &bytes[scan.at..end]) else {
                    scan.at = end;
                    return true;
                };
                let at = scan.at + found;
                match bytes.get(at + 1) {
                    Some(b'"') => scan.at = at + 2,
                    // The end of what was read: whether it closes is seen with the next piece.
                    None if !self.ended => {
                        scan.quote = Some(quote);
                        scan.at = at;
                        return false;
                    }
                    next => {
                        scan.quote = None;
                        scan.at = at + 1;
                        let delimits =
                            |byte| matches!(self.records, Records::Csv { delimiter, .. } if delimiter == byte);
                        let ends = |byte: &u8| delimits(*byte) || b"\r\n \t".contains(byte);
                        if !next.is_none_or(ends) && memchr::memchr(b'\n', &bytes[quote..at]).is_some() {
                            scan.strayed = Some(quote);
                            return false;
                        }
                    }
                }
                continue;
            }
            let Some(found) = memchr::memchr2(b'"', b'\n', &bytes[scan.at..end]) else {
                scan.at = end;
                return true;
            };
            let at = scan.at + found;
            scan.at = at + 1;
            if bytes[at] == b'\n' {
                let blank = self.records.blank() == Blank::Skipped && matches!(&bytes[scan.end..at], [] | [b'\r']);
                scan.end = at + 1;
                if !blank {
                    scan.rows += 1;
                    if scan.rows == limit {
                        return true;
                    }
                }
            } else if let Records::Csv { delimiter, .. } = self.records
                && (at == scan.end || bytes[at - 1] == delimiter)
            {
                scan.quote = Some(at);
            }
        }
        true
    }

    fn line_at(&self, at: usize) -> u64 {
        self.next_line + memchr::memchr_iter(b'\n', &self.rest[..at]).count() as u64
    }

    fn unclosed(&self, quote: usize) -> SourceError {
        SourceError::malformed("a quoted field opens here and never closes")
            .in_file(&self.path)
            .at_line(self.line_at(quote))
            .help("close it with `\"`; a quote within quotes is written twice")
    }

    fn strayed(&self, quote: usize) -> SourceError {
        SourceError::malformed("a quoted field opens here, and text follows the quote that closes it some lines below")
            .in_file(&self.path)
            .at_line(self.line_at(quote))
            .help("close it with `\"` where it ends; a quote within quotes is written twice")
    }

    fn endless(&self, scan: &Scan) -> SourceError {
        if let Some(quote) = scan.quote {
            return self.unclosed(quote);
        }
        SourceError::malformed(format!("a record has more than {} MB", RECORD >> 20))
            .in_file(&self.path)
            .at_line(self.line_at(scan.end))
    }
}

impl std::fmt::Debug for Blocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blocks").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Counts what is read of a file, compressed as it is.
struct Counted {
    file: File,
    read: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

fn not_utf8(encoding: &str) -> SourceError {
    SourceError::malformed(format!("the file is in {encoding}, expected UTF-8")).help("save it as UTF-8")
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read.fetch_add(read as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fields::Fields;

    fn fields(text: &str, blank: Blank) -> Vec<Vec<String>> {
        let (mut fields, mut records) = (Fields::new(text, b',', blank), Vec::new());
        loop {
            let mut spans = Vec::new();
            if fields.record(|_, span| spans.push(span)).is_none() {
                return records;
            }
            records.push(spans.iter().map(|span| fields.text(*span).to_owned()).collect());
        }
    }

    proptest! {
        #[test]
        fn cutting_and_splitting_see_the_same_records(
            text in "([a-c\",\n]|\r\n|,\"|\",|\n\n|\n\r\n|é){0,150}", piece in 3usize..40, rows in 1usize..5,
            blank in prop_oneof![Just(Blank::Skipped), Just(Blank::Record)],
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("a.csv");
            std::fs::write(&path, &text).expect("written");
            let records = Records::Csv { delimiter: b',', blank };
            let mut blocks = Blocks::open_in_pieces(&path, Compression::None, records, piece).expect("opened");
            let (mut found, mut lines) = (Vec::new(), 1);
            let error = loop {
                match blocks.next(rows) {
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                    Ok(Some(block)) => {
                        prop_assert_eq!(block.first_row, found.len() as u64 + 1);
                        prop_assert_eq!(block.first_line, lines);
                        prop_assert!(block.rows <= rows);
                        let text = std::str::from_utf8(&block.bytes).expect("cut between characters");
                        let records = fields(text, blank);
                        prop_assert_eq!(records.len(), block.rows);
                        lines += text.matches('\n').count() as u64;
                        found.extend(records);
                    }
                }
            };
            match error {
                None => {
                    let whole = if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" };
                    prop_assert_eq!(found, fields(&whole, blank));
                }
                Some(error) => {
                    let told = error.message.contains("never closes") || error.message.contains("some lines below");
                    prop_assert!(told, "{}", error);
                }
            }
        }
    }
}
