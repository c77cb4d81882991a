//! Arrow IPC, as a file or a stream.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};

use crate::SourceError;
use crate::guard::guard;
use crate::parquet_file::sentence;

/// The batches of a file, one after the other.
pub(crate) struct Batches {
    path: PathBuf,
    reader: Reader,
}

enum Reader {
    File(Box<FileReader<BufReader<File>>>),
    Stream(Box<StreamReader<BufReader<File>>>),
}

impl Batches {
    /// Opens a file; with a list, only columns at these positions are read.
    pub(crate) fn open(path: &Path, columns: Option<Vec<usize>>) -> Result<Batches, SourceError> {
        let io = |error: std::io::Error| SourceError::io(path, &error);
        let mut file = File::open(path).map_err(io)?;
        let mut magic = Vec::new();
        file.by_ref().take(6).read_to_end(&mut magic).map_err(io)?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        if magic.starts_with(b"FEA1") {
            return Err(SourceError::malformed("the file is in the first Feather format, which is no longer read")
                .in_file(path)
                .help("write it anew: Feather version 2 is Arrow IPC"));
        }
        let is_file = magic == b"ARROW1";
        if is_file {
            guard(path, || check_footer(&mut file))?;
            file.seek(SeekFrom::Start(0)).map_err(io)?;
        }
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
            next.transpose().map_err(malformed)
        });
        next.transpose()
    }
}

/// Refuses a footer whose parts lie beyond the file: the reader would first allocate what they claim.
fn check_footer(file: &mut File) -> Result<(), SourceError> {
    let damaged = |what: &str| SourceError::malformed(format!("the file is damaged: {what}"));
    let io = |error: std::io::Error| damaged(&error.to_string());
    let size = file.seek(SeekFrom::End(0)).map_err(io)?;
    let mut end = [0; 10];
    if size < 2 * end.len() as u64 {
        return Err(damaged("it ends before its footer"));
    }
    file.seek(SeekFrom::End(-10)).and_then(|_| file.read_exact(&mut end)).map_err(io)?;
    if &end[4..] != b"ARROW1" {
        return Err(damaged("it ends before its footer"));
    }
    let length = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]]));
    if length + 10 > size {
        return Err(damaged("its footer is larger than the file"));
    }
    let mut bytes = vec![0; length as usize];
    file.seek(SeekFrom::Start(size - 10 - length)).and_then(|_| file.read_exact(&mut bytes)).map_err(io)?;
    let footer = arrow::ipc::root_as_footer(&bytes).map_err(|error| damaged(&error.to_string()))?;
    let blocks = footer.recordBatches().into_iter().flatten().chain(footer.dictionaries().into_iter().flatten());
    for block in blocks {
        let parts = [block.offset(), block.metaDataLength().into(), block.bodyLength()];
        let end = parts.iter().try_fold(0u64, |sum, part| sum.checked_add(u64::try_from(*part).ok()?));
        if end.is_none_or(|end| end > size) {
            return Err(damaged("a batch lies beyond its end"));
        }
    }
    Ok(())
}

fn malformed(error: ArrowError) -> SourceError {
    SourceError::malformed(sentence(&error.to_string()))
}
