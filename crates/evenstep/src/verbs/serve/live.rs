//! The trace of live requests, written from time to time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use evenstep_files::{FileError, Output};
use evenstep_pipeline::trace::{Head, Origin, Recorder, Salt};
use evenstep_pipeline::{PipelineError, Predictor};
use jiff::Timestamp;
use serde_json::json;

use crate::verbs::{file_error, folder_of, write_files};
use crate::{Host, output, salt};

/// How often the trace of what was asked is written.
const TRACE_EVERY: Duration = Duration::from_secs(10);

/// The trace of live requests.
pub(super) struct Live<'a> {
    path: &'a Path,
    head: Head,
    salt: Salt,
    recorder: Arc<Recorder>,
    host: &'a Host,
    /// Whether remarks stand among the lines of a log in JSON.
    is_log_json: bool,
}

impl<'a> Live<'a> {
    /// Nothing is written yet: the file may be of a server that has the address. A place that can't be written is told at once.
    pub(super) fn start(
        path: &'a Path,
        predictor: &Predictor,
        is_log_json: bool,
        host: &'a Host,
    ) -> Result<Live<'a>, PipelineError> {
        let salt = salt::of_project(folder_of(path), &host.files)?;
        drop(Output::create(Arc::clone(&host.files), path).map_err(file_error)?);
        Ok(Live { path, head: predictor.trace_head(Origin::Serve), salt, recorder: Arc::default(), host, is_log_json })
    }

    /// Begins with an empty trace, once requests are taken; one of an earlier server is kept under another name.
    pub(super) fn begin(&self) {
        match self.keep_earlier() {
            Ok(None) => {}
            Ok(Some(kept)) => {
                let kept = output::path(&kept);
                self.tell("trace_kept", "file", &kept, &format!("the trace that was there is kept as `{kept}`"));
            }
            Err(error) => return self.tell_unwritten(&file_error(error)),
        }
        self.write().unwrap_or_else(|error| self.tell_unwritten(&error));
    }

    /// Gives a trace that is there the first free name of `live.1.trace`, `live.2.trace` …
    fn keep_earlier(&self) -> Result<Option<PathBuf>, FileError> {
        if !self.path.exists() {
            return Ok(None);
        }
        let free = (1_u64..).map(|number| self.path.with_extension(format!("{number}.trace")));
        let free = free.into_iter().find(|path| !path.exists()).expect("one of so many is free");
        let renamed = self.host.files.rename(self.path, &free);
        renamed.map(|()| Some(free)).map_err(|error| FileError::new(self.path, "rename", error))
    }

    fn tell_unwritten(&self, error: &PipelineError) {
        let because = error.to_string();
        self.tell("trace_not_written", "because", &because, &format!("the trace was not written: {because}"));
    }

    fn tell(&self, event: &str, key: &str, value: &str, remark: &str) {
        output::note(&told(self.is_log_json, event, key, value, remark));
    }

    /// What commits to rows as they are asked for.
    pub(super) fn recorder(&self) -> Arc<Recorder> {
        Arc::clone(&self.recorder)
    }

    fn write(&self) -> Result<(), PipelineError> {
        let trace = self.recorder.trace(self.head.clone(), &self.salt);
        write_files(&self.host.files, &[(self.path, trace.to_bytes().as_slice())])
    }

    /// Writes what has been asked since the last time, until the server stops; then once more.
    pub(super) fn write_until(&self, stopped: &Receiver<()>) -> Result<(), PipelineError> {
        let mut written = 0;
        loop {
            let is_over = stopped.recv_timeout(TRACE_EVERY) != Err(RecvTimeoutError::Timeout);
            let rows = self.recorder.rows();
            if rows != written || is_over {
                // A full disk must not stop the server; the next time may go well.
                match self.write() {
                    Ok(()) => written = rows,
                    Err(error) if is_over => return Err(error),
                    Err(error) => self.tell_unwritten(&error),
                }
            }
            if is_over {
                return Ok(());
            }
        }
    }
}

/// A remark, or a line of the log.
fn told(is_log_json: bool, event: &str, key: &str, value: &str, remark: &str) -> String {
    if !is_log_json {
        return remark.to_owned();
    }
    json!({ "time": Timestamp::now().to_string(), "event": event, key: value }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_of_json_lines_has_no_other_lines() {
        let told = |is_log_json| told(is_log_json, "trace_not_written", "because", "the disk is full", "it is full");
        assert_eq!(told(false), "it is full");
        let line: serde_json::Value = serde_json::from_str(&told(true)).expect("JSON");
        assert_eq!((&line["event"], &line["because"]), (&json!("trace_not_written"), &json!("the disk is full")));
        assert!(line["time"].is_string());
    }
}
