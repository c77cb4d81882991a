//! One file a verb.

pub(crate) mod apart;
pub(crate) mod aside;
pub(crate) mod check;
pub(crate) mod completions;
#[cfg(feature = "serve")]
pub(crate) mod contract;
pub(crate) mod diff;
pub(crate) mod explain;
#[cfg(test)]
mod faults;
pub(crate) mod image;
pub(crate) mod init;
pub(crate) mod inspect;
mod kept;
pub(crate) mod key;
mod learned;
#[cfg(not(feature = "serve"))]
pub(crate) mod left_out;
mod loaded;
mod locked;
pub(crate) mod manual;
#[cfg(feature = "serve")]
pub(crate) mod mock;
#[cfg(feature = "serve")]
pub(crate) mod models;
pub(crate) mod report;
pub(crate) mod sbom;
pub(crate) mod schema;
pub(crate) mod score;
pub(crate) mod selftest;
#[cfg(feature = "serve")]
pub(crate) mod serve;
pub(crate) mod sign;
pub(crate) mod split;
pub(crate) mod train;
pub(crate) mod verify;

use std::fmt::Display;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use evenstep_bundle::Opened;
use evenstep_files::{FileError, Files, Output};
use evenstep_pipeline::score::Answers;
use evenstep_pipeline::{FileKind, PipelineError, Run, Spec};
use evenstep_source::SourceError;
use evenstep_source::format::{Compression, Format};
use evenstep_source::write::Writer;
use evenstep_table::{ColumnName, Kind};

use self::aside::Aside;
use crate::Host;
use crate::cli::SpecArgs;

/// So many bytes for stdout wait in memory at most.
const IN_MEMORY: usize = 1 << 24;

/// What a verb answers: its exit code, or an error to be shown.
pub(crate) type Answer = Result<ExitCode, PipelineError>;

/// The spec that the arguments name.
fn read_spec(args: &SpecArgs) -> Result<Spec, PipelineError> {
    Spec::read(&args.spec, &args.overrides)
}

/// The files that are read of a spec: its own, and those of its data that are there.
fn files_of(args: &SpecArgs, spec: &Spec) -> Vec<PathBuf> {
    let data = spec.source().map(|source| source.paths().to_vec());
    [vec![args.spec.clone()], data.unwrap_or_default()].concat()
}

/// The bundle at that path, read and found whole.
pub(crate) fn open_bundle(path: &Path) -> Result<Opened, PipelineError> {
    let bytes = read_bundle(path)?;
    evenstep_bundle::open(&bytes).map_err(|error| unusable(path, error))
}

/// The bytes of the bundle at that path, whatever they are.
pub(crate) fn read_bundle(path: &Path) -> Result<Vec<u8>, PipelineError> {
    FileKind::expect_at(path, &[FileKind::Bundle])?;
    evenstep_files::read_regular_that_begins(path, evenstep_bundle::BEGINNING, evenstep_bundle::BYTES_MAX)
        .map_err(|error| unreadable(path, &error))
}

/// Writes all files whole, or says why not.
///
/// # Errors
/// A file that can't be written; then those of them that were there are as they were.
pub fn write_files(through: &Arc<dyn Files>, files: &[(&Path, &[u8])]) -> Result<(), PipelineError> {
    let write = || {
        let outputs = files.iter().map(|(path, bytes)| Output::create(Arc::clone(through), path)?.filled(bytes));
        evenstep_files::commit_all(outputs.collect::<Result<_, FileError>>()?)
    };
    write().map_err(file_error)
}

/// Writes a table as it comes about, with flags if there are any: to a file, in the format that its name tells,
/// or to stdout as CSV, or JSON Lines for machines. Beside a file stands why rows were set aside. Nothing is there before the
/// last row was found acceptable, and with it comes the file that `work` has written besides, or neither.
fn write_table<T>(
    output: Option<&Path>,
    header: Vec<(ColumnName, Kind)>,
    threads: usize,
    host: &Host,
    work: impl FnOnce(
        &Run<'_>,
        &mut dyn FnMut(&Answers) -> Result<(), PipelineError>,
    ) -> Result<(T, Option<Output>), PipelineError>,
) -> Result<T, PipelineError> {
    fn fill<W: Write + Send, T>(
        output: Option<&Path>,
        mut writer: Writer<W>,
        mut aside: Option<&mut Aside>,
        work: impl FnOnce(&mut dyn FnMut(&Answers) -> Result<(), PipelineError>) -> Result<T, PipelineError>,
    ) -> Result<(T, W), PipelineError> {
        let failed = |error| PipelineError::from(SourceError { file: output.map(Path::to_owned), ..error });
        let done = work(&mut |answers| {
            aside.as_mut().map_or(Ok(()), |aside| aside.add(&answers.quarantine))?;
            writer.write(&answers.columns.iter().collect::<Vec<_>>(), &answers.flags).map_err(failed)
        })?;
        Ok((done, writer.finish().map_err(failed)?))
    }
    if let Some(path) = output {
        let file = Output::create(Arc::clone(&host.files), path).map_err(file_error)?;
        let writer = Writer::for_path(path, BufWriter::with_capacity(1 << 20, file), header, true)?;
        let mut aside = Aside::beside(path, Arc::clone(&host.files));
        let work = |run: &Run<'_>| fill(output, writer, Some(&mut aside), |write| work(run, write));
        let ((done, besides), file) = host.run(threads, work)?;
        let file = file.into_inner().map_err(|error| file_error(FileError::new(path, "write", error.into_error())))?;
        let files = [Some(file), aside.into_output()?, besides].into_iter().flatten().collect();
        evenstep_files::commit_all(files).map_err(file_error)?;
        return Ok(done);
    }
    // What is long waits on disk.
    let to = BufWriter::new(tempfile::spooled_tempfile(IN_MEMORY));
    let format = if host.json { Format::JsonLines } else { Format::Csv };
    let writer = Writer::new(format, Compression::None, to, header, true)?;
    let ((done, besides), to) = host.run(threads, |run| fill(None, writer, None, |write| work(run, write)))?;
    let waits = |error: io::Error| PipelineError::input(format!("what is to be printed can't wait on disk: {error}"));
    let mut waiting = to.into_inner().map_err(|error| waits(error.into_error()))?;
    waiting.rewind().map_err(waits)?;
    besides.map_or(Ok(()), Output::commit).map_err(file_error)?;
    // A reader that went away has what it wanted.
    crate::output::copy(waiting);
    Ok(done)
}

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// A file that can't be written.
pub(crate) fn file_error(error: FileError) -> PipelineError {
    PipelineError::input(error.to_string()).help(error.help().map(str::to_owned))
}

/// A file that can't be read.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> PipelineError {
    let near = if error.kind() == io::ErrorKind::NotFound { evenstep_source::near(path) } else { None };
    PipelineError::input(format!("`{}` can't be read: {error}", path.display())).help(near).of_file(path)
}

/// A file that is read, and can't be used.
pub(crate) fn unusable(path: &Path, error: impl Display) -> PipelineError {
    PipelineError::input(format!("`{}`: {error}", path.display())).of_file(path)
}
