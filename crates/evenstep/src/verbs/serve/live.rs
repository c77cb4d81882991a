//! The traces of live requests, written from time to time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenstep_files::{FileError, Output};
use evenstep_pipeline::PipelineError;
use evenstep_pipeline::artifact::version_of;
use evenstep_pipeline::trace::{Head, Salt};
use evenstep_server::{Traced, Traces};
use jiff::Timestamp;
use serde_json::json;

use crate::verbs::{file_error, folder_of, write_files};
use crate::{Host, output, salt};

/// How often the traces of what was asked are written.
const TRACE_EVERY: Duration = Duration::from_secs(10);

/// The traces of live requests.
pub(super) struct Live<'a> {
    place: Place<'a>,
    traces: Arc<Traces>,
    salt: Salt,
    /// How many rows are written, by name and digest.
    written: Mutex<BTreeMap<(String, String), u64>>,
    host: &'a Host,
    /// Whether remarks stand among the lines of a log in JSON.
    is_log_json: bool,
}

/// Where they are written.
enum Place<'a> {
    /// The trace of the one artifact that is served.
    File(&'a Path, Head),
    /// Of each artifact one, called by its name and digest.
    Folder(&'a Path),
}

impl<'a> Live<'a> {
    /// The trace of one artifact. Nothing is written yet: the file may be of a server that has the address. A place that can't be
    /// written is told at once.
    pub(super) fn of_one(
        path: &'a Path,
        head: Head,
        is_log_json: bool,
        host: &'a Host,
    ) -> Result<Live<'a>, PipelineError> {
        drop(Output::create(Arc::clone(&host.files), path).map_err(file_error)?);
        Live::at(Place::File(path, head), folder_of(path), is_log_json, host)
    }

    /// The traces of all artifacts that are served, in a folder.
    pub(super) fn of_all(folder: &'a Path, is_log_json: bool, host: &'a Host) -> Result<Live<'a>, PipelineError> {
        drop(Output::create(Arc::clone(&host.files), &folder.join("live.trace")).map_err(file_error)?);
        Live::at(Place::Folder(folder), folder, is_log_json, host)
    }

    fn at(place: Place<'a>, folder: &Path, is_log_json: bool, host: &'a Host) -> Result<Live<'a>, PipelineError> {
        let salt = salt::of_project(folder, &host.files)?;
        Ok(Live { place, traces: Arc::default(), salt, written: Mutex::default(), host, is_log_json })
    }

    /// Begins with an empty trace, where it is known of what, once requests are taken.
    pub(super) fn begin(&self) {
        if let Place::File(_, head) = &self.place {
            let begun = Traced { head: head.clone(), recorder: Arc::default() };
            self.go_on(&begun).unwrap_or_else(|error| self.tell_unwritten(&error));
        }
    }

    /// Gives a trace that is there, which is of an earlier server or time, the first free name of `live.1.trace`, `live.2.trace` …
    fn keep_earlier(&self, path: &Path) -> Result<(), PipelineError> {
        if !path.exists() {
            return Ok(());
        }
        let free = (1_u64..).map(|number| path.with_extension(format!("{number}.trace")));
        let free = free.into_iter().find(|path| !path.exists()).expect("one of so many is free");
        let renamed = self.host.files.rename(path, &free);
        renamed.map_err(|error| file_error(FileError::new(path, "rename", error)))?;
        let kept = output::path(&free);
        self.tell("trace_kept", "file", &kept, &format!("the trace that was there is kept as `{kept}`"));
        Ok(())
    }

    fn tell_unwritten(&self, error: &PipelineError) {
        let because = error.to_string();
        self.tell("trace_not_written", "because", &because, &format!("the trace was not written: {because}"));
    }

    fn tell(&self, event: &str, key: &str, value: &str, remark: &str) {
        output::note(&told(self.is_log_json, event, key, value, remark));
    }

    /// What commits to rows as they are asked for.
    pub(super) fn traces(&self) -> Arc<Traces> {
        Arc::clone(&self.traces)
    }

    fn path_of(&self, head: &Head) -> PathBuf {
        match &self.place {
            Place::File(path, _) => path.to_path_buf(),
            Place::Folder(folder) => folder.join(format!("{}-{}.trace", head.name, version_of(&head.digest))),
        }
    }

    /// Writes what an artifact was asked since the last time, if anything.
    fn go_on(&self, traced: &Traced) -> Result<(), PipelineError> {
        let Traced { head, recorder } = traced;
        let (of, rows) = (traced.key(), recorder.rows());
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.get(&of) != Some(&rows) {
            let path = self.path_of(head);
            if !written.contains_key(&of) {
                self.keep_earlier(&path)?;
            }
            let trace = recorder.trace(head.clone(), &self.salt);
            write_files(&self.host.files, &[(&path, trace.to_bytes().as_slice())])?;
            written.insert(of.clone(), rows);
        }
        if self.traces.forget(traced, rows) {
            written.remove(&of);
        }
        Ok(())
    }

    /// Writes what has been asked since the last time, until the server stops; then once more.
    pub(super) fn write_until(&self, stopped: &Receiver<()>) -> Result<(), PipelineError> {
        loop {
            let is_end = stopped.recv_timeout(TRACE_EVERY) != Err(RecvTimeoutError::Timeout);
            let all = self.traces.all();
            let failed: Vec<PipelineError> = all.iter().filter_map(|traced| self.go_on(traced).err()).collect();
            match failed.into_iter().next() {
                // A full disk must not stop the server; the next time may go well.
                Some(error) if !is_end => self.tell_unwritten(&error),
                Some(error) => return Err(error),
                None if is_end => return Ok(()),
                None => {}
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
