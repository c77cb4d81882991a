//! Which of several ways to grow trees suits the rows: by cross-validation, on those that the proposal doesn't hold out.

use std::path::Path;

use evenstep_pipeline::init::{Growth, Seen, propose};
use evenstep_pipeline::{Run, Silent, Spec, train};
use evenstep_source::Source;

/// How many parts of the rows are predicted by trees that learned from the others.
const FOLDS: u32 = 3;

/// The text of the spec with the best way, or with the usual one if none can be told.
pub(super) fn propose_best(seen: &Seen<'_>, source: &Source, run: &Run<'_>) -> String {
    let ways = Growth::ways(seen);
    let usual = propose(seen, &ways[0], None);
    if ways.len() == 1 {
        return usual;
    }
    let metric = Growth::metric(seen);
    run.progress.stage("compare ways to grow trees", Some(ways.len() as u64));
    let mut measured = Vec::new();
    for way in &ways {
        let Some(loss) = loss(&propose(seen, way, None), metric, source, run) else { return usual };
        measured.push((loss, way));
        run.progress.done(measured.len() as u64, "");
    }
    // The first of equals, as a sort moves none.
    measured.sort_by(|a, b| a.0.total_cmp(&b.0));
    let losses: Vec<String> = measured.iter().map(|(loss, _)| format!("{loss:.5}")).collect();
    let (best, others) = (&losses[0], losses[1..].join(" and "));
    let remark =
        format!("of {} ways, {metric} in folds of the rows to learn from: {best}, others {others}", ways.len());
    propose(seen, measured[0].1, Some(&remark))
}

/// The mean over folds; None where it can't be had, as of a fold without a row.
fn loss(text: &str, metric: &str, source: &Source, run: &Run<'_>) -> Option<f64> {
    let mut spec = Spec::parse_over(Path::new("proposal"), text.to_owned(), source.clone()).ok()?;
    spec.data.split.folds = FOLDS;
    spec.report.metrics = vec![metric.to_owned()];
    let folds = train::cross_validation(&spec, &Run { progress: &Silent, ..*run }).ok()?;
    let losses: Vec<f64> = folds.iter().map(|fold| fold.values[metric]).collect::<Option<_>>()?;
    (!losses.is_empty()).then(|| losses.iter().sum::<f64>() / losses.len() as f64)
}
