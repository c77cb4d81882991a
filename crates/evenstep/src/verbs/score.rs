//! `score`: batch scoring, any source to any format, in bounded memory.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use evenstep_files::Output;
use evenstep_pipeline::score::{self, Scored};
use evenstep_pipeline::trace::{Origin, Recorder};
use evenstep_pipeline::{Mode, PipelineError, Predictor, Run};
use evenstep_source::Source;
use evenstep_table::counted;
use serde::Serialize;

use super::apart::{apart, called_as};
use super::aside::path_beside;
use super::loaded::{Loaded, load};
use super::{Answer, file_error, folder_of, write_table};
use crate::cli::Score;
use crate::environment::Difference;
use crate::{Host, output, salt};

/// What was done, and where it differs from where the bundle was trained.
#[derive(Serialize)]
pub(super) struct Told<'a, T> {
    #[serde(flatten)]
    pub(super) done: &'a T,
    /// The file that says why rows have no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quarantine: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) environment: Vec<Difference>,
}

pub(crate) fn score(args: &Score, host: &Host) -> Answer {
    let Loaded { predictor, interface, environment, .. } = load(&args.bundle, host)?;
    if interface.serving.mode == Mode::Online && !host.quiet {
        output::note("the contract is of requests alone, `[serving] mode = \"online\"`: a file is scored all the same");
    }
    let source = predictor.source(&args.input)?;
    note_missing_id(&predictor, &source, host);
    let inputs = source.paths().iter().map(PathBuf::as_path).chain([args.bundle.as_path()]);
    let aside = args.output.as_deref().map(path_beside);
    apart(inputs, args.output.as_deref().into_iter().chain(aside.as_deref()).chain(args.trace.as_deref()))?;
    args.trace.as_deref().map_or(Ok(()), |path| called_as(path, "a trace", "trace"))?;
    let header = score::header(&predictor, &source);
    let recorder = Recorder::default();
    // Before an hour of scoring, not after it.
    let recorded = args.trace.as_deref().map(|path| -> Result<_, PipelineError> {
        let salt = salt::of_project(folder_of(path), &host.files)?;
        Ok((Output::create(Arc::clone(&host.files), path).map_err(file_error)?, salt))
    });
    let recorded = recorded.transpose()?;
    let scored = write_table(args.output.as_deref(), header, args.threads, host, |run, write| {
        let trace = recorded.is_some().then_some(&recorder);
        let run = Run { workers: run.workers, progress: run.progress, trace };
        let scored = score::score(&predictor, &source, &run, write)?;
        let written = recorded
            .map(|(file, salt)| file.filled(&recorder.trace(predictor.trace_head(Origin::Score), &salt).to_bytes()));
        Ok((scored, written.transpose().map_err(file_error)?))
    })?;
    if args.output.is_some() && host.json {
        let quarantine = quarantine(args.output.as_deref(), &scored);
        output::json(&Told { done: &scored, quarantine, environment });
    } else if !host.quiet {
        tell(&scored, "scored", args.output.as_deref());
    }
    Ok(ExitCode::SUCCESS)
}

/// Says that rows are only numbered, for want of their id.
pub(super) fn note_missing_id(predictor: &Predictor, source: &Source, host: &Host) {
    if predictor.reading(Some(source.column_names())).id.len() < predictor.data.id.len() && !host.quiet {
        let id: Vec<String> = predictor.data.id.iter().map(|name| format!("`{name}`")).collect();
        output::note(&format!("the input has no {}: rows are numbered in `row`, from 0", id.join(" and ")));
    }
}

/// Where it is said why rows have no answer, if some have none.
pub(super) fn quarantine(path: Option<&Path>, scored: &Scored) -> Option<String> {
    path.filter(|_| scored.set_aside > 0).map(|path| output::path(&path_beside(path)).into_owned())
}

/// Says how many rows were scored, or whatever was done, and what was odd about them.
pub(crate) fn tell(scored: &Scored, done: &str, path: Option<&Path>) {
    let mut said = format!("{} {done}", counted(scored.rows, "row"));
    if scored.unanswered > 0 {
        said += &format!(", {} of them without an answer", scored.unanswered);
    }
    output::note(&said);
    if let Some(path) = quarantine(path, scored) {
        output::note(&format!("  why is said in `{path}`"));
    }
    if scored.without_id > 0 {
        output::note(&format!("  {} without an id, or with a part of one alone", counted(scored.without_id, "row")));
    }
    for (flag, count) in &scored.flags {
        let why = scored.all_unseen.get(flag).map(|why| format!(", in all rows: {why}")).unwrap_or_default();
        output::note(&format!("  flagged {count} × {flag}{why}"));
    }
    for sentence in scored.no_numbers.sentences() {
        output::note(&format!("  {sentence}"));
    }
    if !scored.ignored.is_empty() {
        let names: Vec<&str> = scored.ignored.iter().map(evenstep_table::ColumnName::as_str).collect();
        output::note(&format!("  ignored: {}", names.join(", ")));
    }
}
