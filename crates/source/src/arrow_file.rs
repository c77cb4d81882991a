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
        let file = BufReader::with_capacity(1 << 20, file);
        let reader = guard(path, || {
            Ok(if magic == b"ARROW1" {
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

fn malformed(error: ArrowError) -> SourceError {
    SourceError::malformed(sentence(&error.to_string()))
}
