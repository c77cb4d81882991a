//! `score`: batch scoring, any source to any format, in bounded memory.

use std::io::{self, BufWriter, Seek, Write};
use std::process::ExitCode;
use std::sync::Arc;

use evenstep_files::Output;
use evenstep_pipeline::score::{self, Scored};
use evenstep_pipeline::{PipelineError, Predictor, Run};
use evenstep_source::Source;
use evenstep_source::format::{Compression, Format};
use evenstep_source::write::Writer;
use evenstep_table::counted;

use super::{Answer, file_error, open_bundle};
use crate::cli::Score;
use crate::{Host, output};

/// So many bytes for stdout wait in memory at most.
const IN_MEMORY: usize = 1 << 24;

pub(crate) fn score(args: &Score, host: &Host) -> Answer {
    let opened = open_bundle(&args.bundle)?;
    let predictor = Predictor::load(&opened.artifact)?;
    let source = Source::open(&args.input, std::path::Path::new("."))?;
    let header = score::header(&predictor, &source);
    let scored = match &args.output {
        Some(path) => {
            let file = Output::create(Arc::clone(&host.files), path).map_err(file_error)?;
            let writer = Writer::for_path(path, BufWriter::with_capacity(1 << 20, file), header, true)?;
            let (scored, file) = host.run(args.threads, |run| stream(&predictor, &source, writer, run))?;
            let file = file.into_inner().map_err(|error| {
                PipelineError::input(format!("`{}` can't be written: {}", path.display(), error.error()))
            })?;
            file.commit().map_err(file_error)?;
            scored
        }
        None => {
            // Nothing is printed before the last row was found acceptable; what is long waits on disk.
            let to = BufWriter::new(tempfile::spooled_tempfile(IN_MEMORY));
            let writer = Writer::new(Format::Csv, Compression::None, to, header, true)?;
            let (scored, to) = host.run(args.threads, |run| stream(&predictor, &source, writer, run))?;
            let waits = |error: io::Error| PipelineError::input(format!("scores can't wait on disk: {error}"));
            let mut waiting = to.into_inner().map_err(|error| waits(error.into_error()))?;
            waiting.rewind().map_err(waits)?;
            // A reader that went away has what it wanted.
            let _ = io::copy(&mut waiting, &mut io::stdout());
            scored
        }
    };
    tell(&scored, args, host);
    Ok(ExitCode::SUCCESS)
}

fn stream<W: Write + Send>(
    predictor: &Predictor,
    source: &Source,
    mut writer: Writer<W>,
    run: &Run<'_>,
) -> Result<(Scored, W), PipelineError> {
    let scored = score::score(predictor, source, run.workers, run.progress, |answers| {
        writer.write(&answers.columns.iter().collect::<Vec<_>>(), &answers.flags).map_err(PipelineError::from)
    })?;
    Ok((scored, writer.finish()?))
}

fn tell(scored: &Scored, args: &Score, host: &Host) {
    if args.output.is_some() && host.json {
        output::json(scored);
        return;
    }
    if host.quiet {
        return;
    }
    let mut said = format!("{} scored", counted(scored.rows, "row"));
    if scored.unanswered > 0 {
        said += &format!(", {} of them without an answer", scored.unanswered);
    }
    output::note(&said);
    for (flag, count) in &scored.flags {
        output::note(&format!("  flagged {count} × {flag}"));
    }
    if !scored.ignored.is_empty() {
        let names: Vec<&str> = scored.ignored.iter().map(evenstep_table::ColumnName::as_str).collect();
        output::note(&format!("  ignored: {}", names.join(", ")));
    }
}
