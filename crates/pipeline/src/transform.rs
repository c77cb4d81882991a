//! The steps alone: what the model would be given of each row.

use evenstep_source::Source;
use evenstep_source::write::FLAGS;
use evenstep_table::{Batch, Column, ColumnName, Kind};

use crate::score::{Answers, Scored, after_ids, answer_all, header_of_ids};
use crate::{PipelineError, Predictor, Run};

/// The columns of a file of features: `id`, or the names of a composite one, or `row`; then what the steps make, in the
/// order of the names.
pub fn feature_header(predictor: &Predictor, source: &Source) -> Vec<(ColumnName, Kind)> {
    let features = predictor.steps.output.iter().map(|(name, kind)| (name.clone(), *kind));
    after_ids(header_of_ids(predictor, source), features, FLAGS)
}

/// Applies the steps to every row of the source and hands on what they make of it, chunk by chunk.
///
/// # Errors
/// A source that can't be read, rows that break the contract, or whatever `write` refuses.
pub fn transform(
    predictor: &Predictor,
    source: &Source,
    run: &Run<'_>,
    mut write: impl FnMut(&Answers) -> Result<(), PipelineError>,
) -> Result<Scored, PipelineError> {
    run.progress.stage("transform", None);
    let say = |batch: Batch, _: &[usize]| {
        let (features, lost) = predictor.steps.apply(batch)?;
        let columns: Vec<Column> = predictor.steps.output.keys().map(|name| features.column(name).clone()).collect();
        Ok((columns, lost, ()))
    };
    answer_all(predictor, source, run.workers, run.progress, 1, say, |answers, ()| write(answers))
}
