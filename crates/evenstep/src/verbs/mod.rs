//! One file a verb.

pub(crate) mod check;
#[cfg(test)]
mod faults;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod report;
pub(crate) mod score;
#[cfg(feature = "serve")]
pub(crate) mod serve;
pub(crate) mod split;
pub(crate) mod train;
pub(crate) mod verify;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use evenstep_bundle::Opened;
use evenstep_files::{FileError, Output};
use evenstep_pipeline::{PipelineError, Spec};

use crate::Host;
use crate::cli::SpecArgs;

/// What a verb answers: its exit code, or an error to be shown.
pub(crate) type Answer = Result<ExitCode, PipelineError>;

/// The spec that the arguments name.
fn read_spec(args: &SpecArgs) -> Result<Spec, PipelineError> {
    Spec::read(&args.spec, &args.overrides)
}

/// The bundle at that path, read and found whole.
fn open_bundle(path: &Path) -> Result<Opened, PipelineError> {
    let bytes = read_bundle(path)?;
    evenstep_bundle::open(&bytes).map_err(|error| PipelineError::input(format!("`{}`: {error}", path.display())))
}

/// The bytes of the bundle at that path, whatever they are.
fn read_bundle(path: &Path) -> Result<Vec<u8>, PipelineError> {
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

/// Writes all files whole, or says why not.
fn write_files(host: &Host, files: &[(&Path, &[u8])]) -> Result<(), PipelineError> {
    let write = || {
        let outputs = files.iter().map(|(path, bytes)| {
            let mut output = Output::create(Arc::clone(&host.files), path)?;
            output.write_all(bytes).map_err(|error| FileError::new(path, "write", error))?;
            Ok(output)
        });
        evenstep_files::commit_all(outputs.collect::<Result<_, FileError>>()?)
    };
    write().map_err(file_error)
}

/// A file that can't be written.
fn file_error(error: FileError) -> PipelineError {
    PipelineError::input(error.to_string()).help(error.help().map(str::to_owned))
}

/// A file that can't be read.
fn unreadable(path: &Path, error: &std::io::Error) -> PipelineError {
    PipelineError::input(format!("`{}` can't be read: {error}", path.display()))
}
