//! How good the model is, and what it was compared with.

use std::collections::BTreeSet;

use evenstep_pipeline::Artifact;
use evenstep_pipeline::artifact::{Evaluation, Measured};
use evenstep_table::{ColumnName, counted};

use super::markdown::{Markdown, code, number, plain};

pub(super) fn of(artifact: &Artifact, card: &mut Markdown) {
    let evaluation = &artifact.evaluation;
    card.heading("How good it is");
    if evaluation.held_out_rows == 0 {
        card.paragraph("No rows were held out, so nothing is known of how good it is on others.");
        return;
    }
    let weighted = artifact
        .data
        .weight
        .as_ref()
        .map_or_else(String::new, |weight| format!(", each weighted by its {}", code(weight.as_str())));
    card.paragraph(&format!(
        "Measured once, on {} that it has not seen{weighted}. Intervals are of 95%, by bootstrap over those rows. It is compared \
         with a baseline that {}.",
        counted(evaluation.held_out_rows, "row"),
        artifact.baseline()
    ));
    let rows = evaluation.metrics.iter().map(|measured| {
        [
            format!("`{}`", measured.metric),
            measured.value.map_or_else(|| undefined(measured), number),
            interval(measured),
            measured.baseline.map_or_else(none, number),
            if measured.higher_is_better { "higher" } else { "lower" }.to_owned(),
        ]
    });
    card.table(["metric", "value", "95% interval", "baseline", "better is"], rows);
    for measured in evaluation.metrics.iter().filter(|measured| measured.is_no_better()) {
        let why = match measured.gain() {
            Some(_) => {
                "the 95% interval of the difference, on the same resamples of these rows, reaches to no difference, or beyond it"
            }
            None => "from these rows no interval of the difference can be told",
        };
        card.paragraph(&format!("By `{}` it is **not shown to be better than the baseline**: {why}.", measured.metric));
    }
    slices(evaluation, card);
    folds(evaluation, card);
    permutation(artifact, card);
    absent(evaluation, card);
    card.paragraph("Numbers are shown with 5 digits; `evaluation.json` in the bundle has all.");
}

/// A table a column: its values, and every metric with its interval.
fn slices(evaluation: &Evaluation, card: &mut Markdown) {
    let columns: BTreeSet<&ColumnName> = evaluation.slices.iter().map(|slice| &slice.column).collect();
    for column in columns {
        card.paragraph(&format!(
            "By the value of {}, those with most rows first. The fewer rows, the wider the interval, and the less it says:",
            code(column.as_str())
        ));
        let mut lines = Vec::new();
        for slice in evaluation.slices.iter().filter(|slice| slice.column == *column) {
            let value = slice.value.as_deref().map_or("missing".to_owned(), code);
            for measured in &slice.metrics {
                lines.push([
                    value.clone(),
                    slice.rows.to_string(),
                    format!("`{}`", measured.metric),
                    measured.value.map_or_else(|| undefined(measured), number),
                    interval(measured),
                    measured.baseline.map_or_else(none, number),
                ]);
            }
        }
        card.table(["rows with", "so many", "metric", "value", "95% interval", "baseline"], lines);
    }
}

fn interval(measured: &Measured) -> String {
    measured.interval.map_or_else(none, |(low, high)| format!("{} to {}", number(low), number(high)))
}

fn folds(evaluation: &Evaluation, card: &mut Markdown) {
    if evaluation.folds.is_empty() {
        return;
    }
    card.paragraph(&format!(
        "In cross-validation over the training rows, {}:",
        counted(evaluation.folds.len(), "fold")
    ));
    let rows = evaluation.metrics.iter().map(|measured| {
        let of = |fold: &evenstep_pipeline::artifact::FoldMetrics| *fold.values.get(&measured.metric)?;
        let values: Vec<f64> = evaluation.folds.iter().filter_map(of).collect();
        let least = values.iter().copied().reduce(f64::min);
        let most = values.iter().copied().reduce(f64::max);
        [format!("`{}`", measured.metric), least.map_or_else(none, number), most.map_or_else(none, number)]
    });
    card.table(["metric", "lowest fold", "highest fold"], rows);
}

fn permutation(artifact: &Artifact, card: &mut Markdown) {
    let Some(permutation) = &artifact.evaluation.permutation else { return };
    let named = permutation.features.iter().filter(|feature| feature.loss.is_some_and(|loss| loss > 0.0)).take(10);
    card.paragraph(&format!("Features without which `{}` loses most, on the rows held out:", permutation.metric));
    card.table(
        ["feature", "loss"],
        named.map(|feature| [code(&artifact.called(feature.feature.as_str())), feature.loss.map_or_else(none, number)]),
    );
}

/// The first metric without each field that requests may leave out.
fn absent(evaluation: &Evaluation, card: &mut Markdown) {
    let Some(first) = evaluation.metrics.first().filter(|_| !evaluation.absent.is_empty()) else { return };
    card.paragraph(&format!(
        "Requests may leave fields out. `{}` on the rows held out, if none of them had the field, and how much worse that is:",
        first.metric
    ));
    let rows = evaluation.absent.iter().map(|absent| {
        let measured = absent.metrics.iter().find(|measured| measured.metric == first.metric);
        let value = measured.and_then(|measured| measured.value).map_or_else(none, number);
        [
            code(absent.field.as_str()),
            absent.refused.as_ref().map_or(value, |why| format!("no prediction: {}", plain(why))),
            measured.and_then(|measured| measured.loss).map_or_else(none, number),
        ]
    });
    card.table(["absent field", "value", "loss"], rows);
}

fn undefined(measured: &Measured) -> String {
    measured.undefined.as_ref().map_or_else(none, |why| format!("undefined: {}", plain(why)))
}

fn none() -> String {
    "–".to_owned()
}
