//! `explain`: what each feature adds to the prediction of each row, any source to any format.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use evenstep_pipeline::Predictor;
use evenstep_pipeline::explain::{self, Explained, Shape};
use evenstep_table::ColumnName;

use super::apart::apart;
use super::loaded::{Loaded, load};
use super::score::Told;
use super::train::short;
use super::{Answer, score, write_table};
use crate::cli::Explain;
use crate::{Host, output};

/// So many features are named when all is done.
const SHOWN: usize = 5;

pub(crate) fn explain(args: &Explain, host: &Host) -> Answer {
    let Loaded { predictor, environment, .. } = load(&args.bundle, host)?;
    predictor.base()?;
    let source = predictor.source(&args.input)?;
    score::note_missing_id(&predictor, &source, host);
    apart(source.paths().iter().map(PathBuf::as_path).chain([args.bundle.as_path()]), args.output.as_deref())?;
    let shape = Shape { top: args.top.map(|top| top.get()) };
    let header = shape.header(&predictor, &source);
    let explained = write_table(args.output.as_deref(), header, args.threads, host, |run, write| {
        let explained = explain::explain(&predictor, &source, run.workers, run.progress, shape, write)?;
        Ok((explained, None))
    })?;
    if args.output.is_some() && host.json {
        let quarantine = score::quarantine(args.output.as_deref(), &explained.scored);
        output::json(&Told { done: &explained, quarantine, environment });
    } else if !host.quiet {
        tell(&explained, &predictor, args.output.as_deref());
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(explained: &Explained, predictor: &Predictor, output: Option<&Path>) {
    score::tell(&explained.scored, "explained", output);
    let named = explained.importance.iter().filter_map(|of| Some((of, of.mean_absolute.filter(|mean| *mean > 0.0)?)));
    let called = |feature: &ColumnName| predictor.called(feature.as_str());
    let named: Vec<String> =
        named.take(SHOWN).map(|(of, size)| format!("{} {}", called(&of.feature), short(size))).collect();
    if !named.is_empty() {
        output::note(&format!("  most is added or taken by {} on average", named.join(", ")));
    }
}
