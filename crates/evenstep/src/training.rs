//! A training and all that is written of it: lock, bundle, report and trace, all of them or none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evenstep_files::{FileError, Files, Output, Turn};
use evenstep_pipeline::lock::Facts;
use evenstep_pipeline::trace::{Head, Origin, Recorder};
use evenstep_pipeline::train::{self, Trained};
use evenstep_pipeline::{PipelineError, Run, Spec, lock};
use serde_json::{Map, Value, json};

use crate::verbs::apart::{apart, called_as};
use crate::verbs::{aside, file_error};
use crate::{facts, page, salt};

/// How the name of the file ends that says why rows were set aside.
const QUARANTINE: &str = "quarantine.jsonl";

/// Where a training writes.
pub struct Outputs {
    /// The lock.
    pub lock: PathBuf,
    /// The bundle.
    pub bundle: PathBuf,
    /// The report.
    pub report: PathBuf,
    /// The trace.
    pub trace: PathBuf,
    /// Why rows were set aside, if any were.
    pub quarantine: PathBuf,
}

impl Outputs {
    /// Beside the spec: the lock is called like the spec's file, bundle and report like the pipeline.
    pub fn beside(path: &Path, pipeline: &str) -> Outputs {
        let named = |extension: &str| path.with_file_name(format!("{pipeline}.{extension}"));
        Outputs {
            lock: path.with_extension("lock"),
            bundle: named("evenstep"),
            report: named("html"),
            trace: named("trace"),
            quarantine: path.with_extension(QUARANTINE),
        }
    }

    /// Where `--output` says: it names a folder, or the bundle itself, and lock and report go beside it.
    ///
    /// # Errors
    /// A name that one of the others would have.
    pub fn at(out: &Path, pipeline: &str) -> Result<Outputs, PipelineError> {
        let is_folder = out.is_dir() || out.as_os_str().as_encoded_bytes().ends_with(b"/");
        let bundle = if is_folder { out.join(format!("{pipeline}.evenstep")) } else { out.to_owned() };
        called_as(&bundle, "a bundle", "evenstep")?;
        let beside = |extension: &str| bundle.with_extension(extension);
        let [lock, report, trace, quarantine] = ["lock", "html", "trace", QUARANTINE].map(beside);
        let outputs = Outputs { bundle, lock, report, trace, quarantine };
        if [&outputs.lock, &outputs.report, &outputs.trace].contains(&&outputs.bundle) {
            return Err(PipelineError::input(format!("`{}` is no name for a bundle", out.display()))
                .help("lock, report and trace are written beside it: let it end in `.evenstep`".to_owned()));
        }
        Ok(outputs)
    }

    /// Starts to write each, and leaves it at that: what would fail after a training is known before it.
    ///
    /// # Errors
    /// A file that can't be written, or is among those that are read.
    pub fn try_out<'a>(
        &'a self,
        read: impl IntoIterator<Item = &'a Path>,
        through: &Arc<dyn Files>,
    ) -> Result<(), PipelineError> {
        apart(read, self.paths())?;
        let start = |path| Output::create(Arc::clone(through), path).map(drop);
        self.paths().into_iter().try_for_each(start).map_err(file_error)
    }

    /// All of them.
    pub fn paths(&self) -> [&Path; 5] {
        [&self.bundle, &self.lock, &self.report, &self.trace, &self.quarantine]
    }
}

/// A training that nothing is written of yet.
pub struct Made {
    /// What it came to.
    pub trained: Trained,
    /// What commits to its stages, if there is to be a trace.
    recorder: Option<Recorder>,
    threads: usize,
    /// Where relative paths of its spec start, and what its source is called.
    folder: PathBuf,
    source: String,
}

impl Made {
    /// Fits and evaluates.
    ///
    /// # Errors
    /// As [`train::train`].
    pub fn train(spec: &Spec, traced: bool, run: &Run<'_>) -> Result<Made, PipelineError> {
        let recorder = traced.then(Recorder::default);
        let run = Run { workers: run.workers, progress: run.progress, trace: recorder.as_ref() };
        let trained = train::train(spec, &run)?;
        Ok(Made {
            trained,
            threads: run.workers.count(),
            folder: spec.folder().to_owned(),
            source: spec.source_name().to_owned(),
            recorder,
        })
    }

    /// Whether a trace is written of it.
    pub fn is_traced(&self) -> bool {
        self.recorder.is_some()
    }

    /// What machines are told of it.
    pub fn told(&self) -> Map<String, Value> {
        let Trained { artifact, findings, seconds } = &self.trained;
        let evaluation = &artifact.evaluation;
        let metrics: BTreeMap<&str, Option<f64>> =
            evaluation.metrics.iter().map(|measured| (measured.metric.as_str(), measured.value)).collect();
        let told = json!({
            "name": artifact.name,
            "version": artifact.version(),
            "digest": artifact.digest(),
            "fingerprint": artifact.fingerprint,
            "rows": evaluation.training_rows + evaluation.held_out_rows,
            "metrics": metrics,
            "evaluation": evaluation,
            "importance": findings.importance,
            "notes": findings.notes,
            "no_numbers": findings.no_numbers,
            "seconds": seconds,
            "peak_bytes": facts::peak_bytes(),
        });
        let Value::Object(told) = told else { unreachable!("it is written as an object above") };
        told
    }

    /// The report, and the bundle that holds it.
    ///
    /// # Errors
    /// A bundle that would be too large.
    pub fn bundle(&self) -> Result<(String, Vec<u8>), PipelineError> {
        let artifact = &self.trained.artifact;
        let report = evenstep_report::html(&page::page(&self.trained));
        let bundle = evenstep_bundle::pack(artifact, &lock::body(artifact), &report)
            .map_err(|error| PipelineError::input(error.to_string()))?;
        Ok((report, bundle))
    }

    /// All that is to be written. A trace is salted by the project of the spec, which is given a salt if it has none.
    ///
    /// # Errors
    /// A salt that can be neither read nor made, or whatever [`Made::bundle`] refuses.
    pub fn pack(&self, files: &Arc<dyn Files>) -> Result<Packed, PipelineError> {
        let Trained { artifact, findings, seconds } = &self.trained;
        let trace = self.recorder.as_ref().map(|recorder| -> Result<_, PipelineError> {
            Ok(recorder.trace(Head::of(artifact, Origin::Train), &salt::of_project(&self.folder, files)?))
        });
        let trace = trace.transpose()?;
        let mut facts: Facts = facts::gather(&self.folder, &self.source, self.threads, seconds);
        if !findings.no_numbers.is_empty() {
            facts.0.insert("no_numbers".to_owned(), json!(findings.no_numbers));
        }
        if findings.quality.quarantined > 0 {
            facts.0.insert("set_aside".to_owned(), json!(findings.quality.quarantined));
        }
        if let Some(trace) = &trace {
            facts.0.insert("trace".to_owned(), json!(trace.root()));
        }
        let (report, bundle) = self.bundle()?;
        // What would not answer is not written.
        evenstep_bundle::open(&bundle)
            .map_err(|error| PipelineError::bug(format!("a bundle that can't be read was made: {error}")))?
            .predictor()?;
        Ok(Packed {
            bundle,
            report,
            lock: lock::text(artifact, &facts),
            trace: trace.map(|trace| trace.to_bytes()),
            quarantine: aside::lines(&findings.quarantine),
        })
    }
}

/// The files of a training.
pub struct Packed {
    bundle: Vec<u8>,
    report: String,
    lock: String,
    trace: Option<Vec<u8>>,
    /// Why rows were set aside, a line each.
    quarantine: String,
}

impl Packed {
    /// Writes them, each whole or not at all.
    ///
    /// # Errors
    /// A file that can't be written.
    pub fn write(&self, outputs: &Outputs, through: &Arc<dyn Files>) -> Result<(), PipelineError> {
        // Two trainings at once leave all files of the one or all of the other.
        let _turn = Turn::wait(&outputs.lock);
        let mut files = vec![
            (outputs.bundle.as_path(), self.bundle.as_slice()),
            (outputs.report.as_path(), self.report.as_bytes()),
        ];
        if let Some(trace) = &self.trace {
            files.push((outputs.trace.as_path(), trace.as_slice()));
        }
        let write = || {
            let filled = |(path, bytes)| Output::create(Arc::clone(through), path)?.filled(bytes);
            let mut written: Vec<Output> = files.into_iter().map(filled).collect::<Result<_, FileError>>()?;
            // That of an earlier training says no more than this one.
            if !self.quarantine.is_empty() || outputs.quarantine.exists() {
                let quarantine = Output::create_private(Arc::clone(through), &outputs.quarantine)?;
                written.push(quarantine.filled(self.quarantine.as_bytes())?);
            }
            // It names the bundle: of a set that a crash tore apart it is the old one.
            written.push(Output::create(Arc::clone(through), &outputs.lock)?.filled(self.lock.as_bytes())?);
            evenstep_files::commit_all(written)
        };
        write().map_err(file_error)
    }
}
