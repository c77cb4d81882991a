//! How well the model does: the main metric, all metrics, folds, and where it errs.

use super::{Figure, figure};
use crate::markup::{Markup, prose};
use crate::metric::{self, Verdict, finite};
use crate::number::human;
use crate::{Page, Task, charts};

/// The main metric.
pub(super) struct Headline {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) unit: String,
    pub(super) verdict: Option<Verdict>,
    pub(super) sentences: Markup,
    pub(super) chart: Markup,
}

/// A line of the metrics' table.
pub(super) struct MetricRow {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) direction: &'static str,
    pub(super) value: String,
    pub(super) undefined: Markup,
    pub(super) interval: String,
    pub(super) baseline: String,
    pub(super) verdict: Option<Verdict>,
    pub(super) strip: Markup,
}

/// A line of the folds' table.
pub(super) struct FoldRow {
    pub(super) label: String,
    pub(super) mean: String,
    pub(super) sd: String,
    pub(super) folds: String,
    pub(super) strip: Markup,
}

pub(super) fn headline(page: &Page) -> Option<Headline> {
    let line = page.metrics.first()?;
    let value = finite(line.value).map_or_else(|| "undefined".to_owned(), |value| metric::print(&line.name, value));
    let unit = metric::unit(page, &line.name).filter(|_| line.value.is_some()).unwrap_or_default();
    let label = metric::label(&line.name);
    let axis = if unit.is_empty() { label.clone() } else { format!("{label}, {unit}") };
    let folds = page.folds.iter().find(|fold| fold.name == line.name);
    Some(Headline {
        label,
        value,
        unit: unit.to_owned(),
        verdict: metric::verdict(line),
        sentences: metric::sentences(page, line),
        chart: charts::comparison(line, folds, &axis).unwrap_or_default(),
    })
}

pub(super) fn metric_row(line: &crate::MetricLine) -> MetricRow {
    let print = |x: Option<f64>| finite(x).map_or_else(String::new, |x| metric::print(&line.name, x));
    let verdict = metric::verdict(line);
    let undefined = match (finite(line.value), &line.undefined) {
        (None, Some(why)) => prose(why),
        (None, None) => prose("undefined"),
        _ => Markup::new(),
    };
    MetricRow {
        name: line.name.clone(),
        label: metric::label(&line.name),
        direction: if line.higher_is_better { "higher is better" } else { "lower is better" },
        value: print(line.value),
        undefined,
        interval: interval(line),
        baseline: print(line.baseline),
        verdict,
        strip: charts::strip(line, verdict.map_or("", Verdict::word)).unwrap_or_default(),
    }
}

/// A metric's interval, if it has one.
pub(super) fn interval(line: &crate::MetricLine) -> String {
    metric::interval(line).map_or_else(String::new, |(low, high)| {
        format!("{}\u{a0}to {}", metric::print(&line.name, low), metric::print(&line.name, high))
    })
}

pub(super) fn fold_row(line: &crate::FoldLine) -> FoldRow {
    let print = |x: Option<f64>| finite(x).map_or_else(|| "–".to_owned(), |x| metric::print(&line.name, x));
    FoldRow {
        label: metric::label(&line.name),
        mean: print(line.mean),
        sd: print(line.sd),
        folds: line.values.iter().map(|x| print(*x)).collect::<Vec<_>>().join(" · "),
        strip: charts::fold_strip(line).unwrap_or_default(),
    }
}

/// A metric's value by its name.
fn measured(page: &Page, name: &str) -> Option<f64> {
    page.metrics.iter().find(|line| line.name == name).and_then(|line| finite(line.value))
}

pub(super) fn errors(page: &Page) -> Vec<Figure> {
    let mut out = Vec::new();
    if let Some(residuals) = &page.residuals {
        out.extend(figure(
            "Predicted and actual",
            "On the dashed line a prediction is exact; above it the actual value is higher.",
            charts::cloud(&residuals.cloud, page.unit.as_deref()),
        ));
        let axis = match &page.unit {
            Some(unit) => format!("actual less predicted, {unit}"),
            None => "actual less predicted".to_owned(),
        };
        out.extend(figure(
            "Residuals",
            "How far off: right of zero the model said too little, left of it too much.",
            charts::histogram("residuals", "Residuals", &axis, &residuals.histogram, &[("exact", 0.0)]),
        ));
    }
    out.extend(figure(
        "Ranking",
        "Every threshold's trade: positives found against false alarms. Chance is the dashed line.",
        charts::roc("roc", &page.roc, measured(page, "roc_auc")),
    ));
    for (at, (class, points)) in page.roc_by_class.iter().enumerate() {
        let caption = format!("`{class}` against the others: its rows found against false alarms, at every threshold.");
        out.extend(figure("Ranking", &caption, charts::roc(&format!("roc-{at}"), points, None)));
    }
    out.extend(figure(
        "Precision and recall",
        "How many of the positive calls are right, as more of the positives are found.",
        charts::precision_recall(&page.precision_recall, measured(page, "average_precision")),
    ));
    let miss = calibration_error(page);
    let mut caption = match page.task {
        Task::Multiclass => {
            "Of the class that it calls: when it says 30%, it should be right in 30% of the cases, on the dashed line."
        }
        _ => "When it says 30%, it should happen in 30% of the cases: on the dashed line.",
    }
    .to_owned();
    if let Some(miss) = miss {
        caption.push_str(&format!(" On average it is {} points away.", points(miss)));
    }
    out.extend(figure("Calibration", &caption, charts::calibration(&page.calibration, miss)));
    out
}

/// A share as percentage points, to a tenth.
pub(crate) fn points(share: f64) -> String {
    human((share * 1000.0).round() / 10.0)
}

/// The weighted mean distance from stated to observed.
fn calibration_error(page: &Page) -> Option<f64> {
    let weight: f64 = page.calibration.iter().map(|bin| bin.weight).sum();
    let miss: f64 = page.calibration.iter().map(|bin| bin.weight * (bin.predicted - bin.observed).abs()).sum();
    finite(Some(miss / weight))
}
