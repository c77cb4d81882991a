//! Arrow IPC, as a file or a stream.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, DataType, Schema};

use crate::format::taken_for;
use crate::guard::guard;
use crate::parquet_file::sentence;
use crate::{SourceError, SourceErrorKind};

/// Rows without a byte: only nulls, of a type that has no other values. More are refused, since their
/// number is but a claim.
const NULLS_MAX: usize = 1 << 22;

/// The batches of a file, one after the other.
pub(crate) struct Batches {
    path: PathBuf,
    reader: Reader,
}

enum Reader {
    File(Box<FileReader<BufReader<Box<dyn Input>>>>),
    Stream(Box<StreamReader<BufReader<Box<dyn Input>>>>),
}

/// What batches are read from.
trait Input: Read + Seek + Send {}

impl<T: Read + Seek + Send> Input for T {}

impl Batches {
    /// Opens a file; with a list, only columns at these positions are read.
    pub(crate) fn open(path: &Path, columns: Option<Vec<usize>>) -> Result<Batches, SourceError> {
        let io = |error| SourceError::io(path, &error);
        let mut file = Box::new(File::open(path).map_err(io)?);
        let mut start = Vec::new();
        file.by_ref().take(512).read_to_end(&mut start).map_err(io)?;
        if !start.starts_with(b"FEA1")
            && let Some(error) = taken_for(&start, "Arrow IPC")
        {
            return Err(error.in_file(path));
        }
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        Batches::over(path, file, columns, u64::MAX)
    }

    /// Reads what is in memory; messages name it as a file would be. Compressed columns that claim more than
    /// `inflated_bytes_max` together are refused.
    pub(crate) fn of_bytes(path: &Path, bytes: Vec<u8>, inflated_bytes_max: u64) -> Result<Batches, SourceError> {
        Batches::over(path, Box::new(Cursor::new(bytes)), None, inflated_bytes_max)
    }

    fn over(
        path: &Path,
        mut file: Box<dyn Input>,
        columns: Option<Vec<usize>>,
        inflated_bytes_max: u64,
    ) -> Result<Batches, SourceError> {
        let io = |error: std::io::Error| SourceError::io(path, &error);
        let mut magic = Vec::new();
        file.by_ref().take(6).read_to_end(&mut magic).map_err(io)?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        if magic.starts_with(b"FEA1") {
            return Err(SourceError::malformed("the file is in the first Feather format, which is no longer read")
                .in_file(path)
                .help("write it anew: Feather version 2 is Arrow IPC"));
        }
        let is_file = magic == b"ARROW1";
        let mut claims = Claims { left: inflated_bytes_max };
        guard(
            path,
            || {
                if is_file { check_footer(&mut file, &mut claims) } else { check_stream(&mut file, &mut claims) }
            },
        )?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        let file = BufReader::with_capacity(1 << 20, file);
        let reader = guard(path, || {
            Ok(if is_file {
                Reader::File(Box::new(FileReader::try_new(file, columns).map_err(malformed)?))
            } else {
                Reader::Stream(Box::new(StreamReader::try_new(file, columns).map_err(malformed)?))
            })
        })?;
        Ok(Batches { path: path.to_owned(), reader })
    }

    /// The columns' types.
    pub(crate) fn schema(&self) -> Arc<Schema> {
        match &self.reader {
            Reader::File(reader) => reader.schema(),
            Reader::Stream(reader) => reader.schema(),
        }
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = &mut self.reader;
        let next = guard(&self.path, || {
            let next = match reader {
                Reader::File(reader) => reader.next(),
                Reader::Stream(reader) => reader.next(),
            };
            let batch = next.transpose().map_err(malformed)?;
            let nulls =
                |batch: &RecordBatch| batch.columns().iter().all(|column| *column.data_type() == DataType::Null);
            match batch {
                Some(batch) if batch.num_rows() > NULLS_MAX && nulls(&batch) => {
                    Err(damaged("a batch claims millions of rows and holds none of them"))
                }
                batch => Ok(batch),
            }
        });
        next.transpose()
    }
}

/// Refuses a footer whose parts lie beyond the file: the reader would first allocate what they claim.
fn check_footer(file: &mut Box<dyn Input>, claims: &mut Claims) -> Result<(), SourceError> {
    let size = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
    let mut end = [0; 10];
    if size < 2 * end.len() as u64 {
        return Err(damaged("it ends before its footer"));
    }
    file.seek(SeekFrom::End(-10)).and_then(|_| file.read_exact(&mut end)).map_err(unreadable)?;
    if &end[4..] != b"ARROW1" {
        return Err(damaged("it ends before its footer"));
    }
    let length = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]]));
    if length + 10 > size {
        return Err(damaged("its footer is larger than the file"));
    }
    let mut bytes = vec![0; length as usize];
    file.seek(SeekFrom::Start(size - 10 - length)).and_then(|_| file.read_exact(&mut bytes)).map_err(unreadable)?;
    let footer = arrow_ipc::root_as_footer(&bytes).map_err(|error| damaged(&error.to_string()))?;
    let blocks = footer.recordBatches().into_iter().flatten().chain(footer.dictionaries().into_iter().flatten());
    for block in blocks {
        let parts = [block.offset(), block.metaDataLength().into(), block.bodyLength()];
        let end = parts.iter().try_fold(0u64, |sum, part| sum.checked_add(u64::try_from(*part).ok()?));
        if end.is_none_or(|end| end > size) {
            return Err(beyond());
        }
        if let Some(message) = Message::read(file, block.offset() as u64, size)? {
            message.check(file, block.offset() as u64 + block.metaDataLength() as u64, claims)?;
        }
    }
    Ok(())
}

/// Looks through the messages of a stream like `check_footer` through a file's blocks.
fn check_stream(file: &mut Box<dyn Input>, claims: &mut Claims) -> Result<(), SourceError> {
    let size = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
    let mut at = 0;
    while let Some(message) = Message::read(file, at, size)? {
        message.check(file, message.end, claims)?;
        at = message.end.checked_add(message.body).filter(|end| *end <= size).ok_or_else(beyond)?;
    }
    let mut rest = Vec::new();
    file.seek(SeekFrom::Start(at)).and_then(|_| file.take(9).read_to_end(&mut rest)).map_err(unreadable)?;
    // Nothing, or the mark of the end, which old writers make half as long.
    match rest.as_slice() {
        [] | [0, 0, 0, 0] | [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0] => Ok(()),
        _ => Err(SourceError::malformed("bytes come after the end of the stream")
            .help("one stream is read: put the batches of several into one, or into a file each")),
    }
}

/// How much compressed columns may still claim, all together.
struct Claims {
    left: u64,
}

impl Claims {
    fn take(&mut self, bytes: u64) -> Result<(), SourceError> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            SourceError::new(SourceErrorKind::Unsupported, "its columns are too large once they are decompressed")
                .help("send the rows in several parts, or uncompressed")
        })?;
        Ok(())
    }
}

/// A message's own part, without the body.
struct Message {
    bytes: Vec<u8>,
    /// Where it ends in the file.
    end: u64,
    /// How long its body is.
    body: u64,
}

impl Message {
    /// The message at a place of the file; None at the end of a stream.
    fn read(file: &mut Box<dyn Input>, at: u64, size: u64) -> Result<Option<Message>, SourceError> {
        let mut start = [0; 8];
        let available = size.saturating_sub(at).min(8) as usize;
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut start[..available])).map_err(unreadable)?;
        // Old writers leave out the mark before the length.
        let (length, from) = if start[..4] == [0xff; 4] { (&start[4..], 8) } else { (&start[..4], 4) };
        let length = u64::from(u32::from_le_bytes(length.try_into().expect("4 bytes")));
        if length == 0 || at + from > size {
            return Ok(None);
        }
        let end = at + from + length;
        if end > size {
            return Err(beyond());
        }
        let mut bytes = vec![0; length as usize];
        file.seek(SeekFrom::Start(at + from)).and_then(|_| file.read_exact(&mut bytes)).map_err(unreadable)?;
        let body = arrow_ipc::root_as_message(&bytes).map_err(|error| damaged(&error.to_string()))?.bodyLength();
        let body = u64::try_from(body).map_err(|_| damaged("a batch is shorter than nothing"))?;
        Ok(Some(Message { bytes, end, body }))
    }

    /// Refuses columns that count less than nothing, or claim more than what they are compressed to can hold.
    fn check(&self, file: &mut Box<dyn Input>, body: u64, claims: &mut Claims) -> Result<(), SourceError> {
        let message = arrow_ipc::root_as_message(&self.bytes).map_err(|error| damaged(&error.to_string()))?;
        let dictionary = message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
        let Some(batch) = message.header_as_record_batch().or(dictionary) else { return Ok(()) };
        // The reader takes less than no null for none.
        if batch.nodes().into_iter().flatten().any(|node| node.null_count() < 0 || node.length() < 0) {
            return Err(damaged("a column counts fewer than no cells or nulls"));
        }
        let Some(compression) = batch.compression() else { return Ok(()) };
        // LZ4 adds 255 bytes by a byte at most; Zstandard repeats one byte 128 KB long by four.
        let most = if compression.codec() == CompressionType::LZ4_FRAME { 255 } else { 32 << 10 };
        for buffer in batch.buffers().into_iter().flatten() {
            let (Ok(at), Ok(length)) = (u64::try_from(buffer.offset()), u64::try_from(buffer.length())) else {
                return Err(damaged("a column lies before its batch"));
            };
            if length < 8 {
                continue;
            }
            let mut claimed = [0; 8];
            let at = body.checked_add(at).ok_or_else(|| damaged("a column lies beyond its batch"))?;
            file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut claimed)).map_err(unreadable)?;
            // What stands there as it is says less than nothing of itself.
            let claimed = u64::try_from(i64::from_le_bytes(claimed)).unwrap_or(0);
            if claimed > length.saturating_mul(most) {
                return Err(damaged("a column claims more than its bytes can hold"));
            }
            claims.take(claimed)?;
        }
        Ok(())
    }
}

fn damaged(what: &str) -> SourceError {
    SourceError::malformed(format!("the file is damaged: {what}"))
}

fn beyond() -> SourceError {
    damaged("a batch lies beyond its end")
}

fn unreadable(error: std::io::Error) -> SourceError {
    damaged(&error.to_string())
}

fn malformed(error: ArrowError) -> SourceError {
    SourceError::malformed(sentence(&error.to_string()))
}
