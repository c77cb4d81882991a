//! What metrics mean, in words, and how a value compares with the baseline's.

use crate::markup::{Markup, prose};
use crate::number::{human, percent, plural};
use crate::{MetricLine, Page, Task};

/// How a metric's values are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Measure {
    /// In the target's own unit.
    Target,
    /// As a percentage.
    Share,
    /// As a plain number.
    Plain,
}

/// A metric that people have a word for.
struct Known {
    name: &'static str,
    label: &'static str,
    measure: Measure,
    /// What a value says, `{}` its place; "the model" is the subject.
    says: &'static str,
    /// The value of a model without fault.
    perfect: f64,
}

const fn known(name: &'static str, label: &'static str, measure: Measure, perfect: f64, says: &'static str) -> Known {
    Known { name, label, measure, says, perfect }
}

use Measure::{Plain, Share, Target};

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    known("rmse", "Root mean squared error", Target, 0.0, "misses by {}, large misses counting more (the root of the mean square)"),
    known("mae", "Mean absolute error", Target, 0.0, "misses by {} on average"),
    known("median_absolute_error", "Median absolute error", Target, 0.0, "misses by less than {} for half of them"),
    known("max_error", "Largest error", Target, 0.0, "misses by {} at worst"),
    known("mse", "Mean squared error", Plain, 0.0, "misses by {} in the mean square"),
    known("r2", "R²", Plain, 1.0, "has an R² of {}, where 1 is perfect and 0 no better than one constant answer"),
    known("explained_variance", "Explained variance", Plain, 1.0, "explains {} of the variance, where 1 is all of it"),
    known("mape", "Mean absolute percentage error", Share, 0.0, "misses by {} of the actual value on average"),
    known("smape", "Symmetric percentage error", Share, 0.0, "has a symmetric percentage error of {}"),
    known("wape", "Weighted percentage error", Share, 0.0, "misses by {} of the total"),
    known("rmsle", "Root mean squared log error", Plain, 0.0, "misses by {} on the scale of logarithms"),
    known("accuracy", "Accuracy", Share, 1.0, "is right for {} of them"),
    known("balanced_accuracy", "Balanced accuracy", Share, 1.0, "is right for {} of a class, taking the mean over classes"),
    known("precision", "Precision", Share, 1.0, "is right in {} of the cases that it calls positive"),
    known("recall", "Recall", Share, 1.0, "finds {} of the positive cases"),
    known("f1", "F1", Plain, 1.0, "has an F1 of {}, the harmonic mean of precision and recall"),
    known("roc_auc", "Area under the ROC curve", Plain, 1.0, "tells the classes apart with an area under the ROC curve of {}, where 0.5 is chance and 1 perfect"),
    known("average_precision", "Average precision", Plain, 1.0, "has an average precision of {} over all thresholds"),
    known("log_loss", "Log loss", Plain, 0.0, "has a log loss of {}, where 0 is perfect and confident mistakes cost most"),
    known("brier", "Brier score", Plain, 0.0, "has a Brier score of {}, the mean square by which its probabilities miss"),
    known("matthews", "Matthews correlation", Plain, 1.0, "has a Matthews correlation of {}, where 1 is perfect and 0 chance"),
    known("cohen_kappa", "Cohen's kappa", Plain, 1.0, "agrees with the truth by a kappa of {}, where 1 is perfect and 0 chance"),
    known("ece", "Expected calibration error", Plain, 0.0, "states probabilities that are off by {} on average"),
];

fn find(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// The metric's name in words.
pub(crate) fn label(name: &str) -> String {
    find(name).map_or_else(|| name.replace('_', " "), |known| known.label.to_owned())
}

/// A metric's value, without a unit.
pub(crate) fn print(name: &str, value: f64) -> String {
    match find(name).map(|known| known.measure) {
        Some(Share) => percent(value),
        _ => human(value),
    }
}

/// Whether a metric's values are printed as percentages.
pub(crate) fn is_share(name: &str) -> bool {
    find(name).is_some_and(|known| known.measure == Share)
}

/// The unit that a metric's values have.
pub(crate) fn unit<'a>(page: &'a Page, name: &str) -> Option<&'a str> {
    find(name).filter(|known| known.measure == Target).and(page.unit.as_deref())
}

/// How the model compares with the baseline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// The whole interval of the difference is better.
    Better,
    /// No difference lies in that interval, or the value is not worse, and there is no interval.
    Unclear,
    /// The whole interval of the difference is worse; or the value, and there is no interval.
    Worse,
}

impl Verdict {
    /// The verdict in a word, which is its class in the style sheet as well.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Verdict::Better => "better",
            Verdict::Unclear => "unclear",
            Verdict::Worse => "worse",
        }
    }

    /// The verdict in a few words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Verdict::Better => "better than the baseline",
            Verdict::Unclear => "not clearly better than the baseline",
            Verdict::Worse => "worse than the baseline",
        }
    }
}

/// The line's verdict, if there is something to compare.
pub(crate) fn verdict(line: &MetricLine) -> Option<Verdict> {
    let (value, baseline) = (finite(line.value)?, finite(line.baseline)?);
    let gain = if line.higher_is_better { value - baseline } else { baseline - value };
    Some(match both_finite(line.better_by) {
        Some((least, _)) if least > 0.0 => Verdict::Better,
        Some((_, most)) if most < 0.0 => Verdict::Worse,
        None if gain < 0.0 => Verdict::Worse,
        _ => Verdict::Unclear,
    })
}

/// The line's interval, if both ends are numbers.
pub(crate) fn interval(line: &MetricLine) -> Option<(f64, f64)> {
    both_finite(line.interval)
}

fn both_finite(interval: Option<(f64, f64)>) -> Option<(f64, f64)> {
    interval.filter(|(low, high)| low.is_finite() && high.is_finite() && low <= high)
}

/// A number that is one.
pub(crate) fn finite(x: Option<f64>) -> Option<f64> {
    x.filter(|x| x.is_finite())
}

/// What the metric says of the model, in sentences.
pub(crate) fn sentences(page: &Page, line: &MetricLine) -> Markup {
    let mut out = Markup::new();
    let Some(value) = finite(line.value) else {
        out.raw("There is no ").text(&label(&line.name)).raw(" to report");
        if let Some(why) = &line.undefined {
            out.raw(": ").raw(prose(why));
        }
        out.raw(".");
        return out;
    };
    match page.rows_held_out {
        0 => out.raw("The model "),
        n => {
            out.raw("On ").text(&plural(n, "row", "rows")).raw(" that it had never seen, ");
            if let Some(weight) = &page.weight {
                out.raw("each weighted by its ").code(weight).raw(", ");
            }
            out.raw("the model ")
        }
    };
    says(&mut out, page, line, value);
    if let Some((low, high)) = interval(line) {
        out.raw("; the ").text(&level(page)).raw("interval reaches from ").text(&print(&line.name, low));
        out.raw(" to ").text(&print(&line.name, high));
    }
    out.raw(". ");
    against_baseline(&mut out, page, line, value);
    out
}

/// The intervals' level as an adjective: `95% `, or nothing.
pub(crate) fn level(page: &Page) -> String {
    finite(page.interval_level).map_or_else(String::new, |level| format!("{} ", percent(level)))
}

fn says(out: &mut Markup, page: &Page, line: &MetricLine, value: f64) {
    let with_unit = match unit(page, &line.name) {
        Some(unit) => format!("{} {unit}", print(&line.name, value)),
        None => print(&line.name, value),
    };
    let generic = "has a {label} of {}";
    let says = find(&line.name).map_or(generic, |known| known.says).replace("{label}", &label(&line.name));
    let (before, after) = says.split_once("{}").unwrap_or((&says, ""));
    out.text(before).raw("<strong>").text(&with_unit).raw("</strong>").text(after);
}

fn against_baseline(out: &mut Markup, page: &Page, line: &MetricLine, value: f64) {
    let (Some(baseline), Some(verdict)) = (finite(line.baseline), verdict(line)) else { return };
    out.raw("A baseline that ").raw(prose(baseline_does(page))).raw(" gets ").text(&print(&line.name, baseline));
    if let Some(change) = change(line, value, baseline) {
        out.raw(": ").text(&change);
    }
    out.raw(match (verdict, both_finite(line.better_by)) {
        (Verdict::Better, _) => ". Even the unfavourable end of the difference's interval beats it.",
        (Verdict::Unclear, Some(_)) => ". The difference's interval, on the same rows, holds 0: it may be luck.",
        (Verdict::Unclear, None) if value == baseline => ". That is no difference.",
        (Verdict::Unclear, None) => ". These rows are too few for an interval of the difference: it may be luck.",
        (Verdict::Worse, Some(_)) => {
            ". The difference's whole interval is worse: this model should not be used as it is."
        }
        (Verdict::Worse, None) => ". This model should not be used as it is.",
    });
}

/// What the baseline does, after "a baseline that".
pub(crate) fn baseline_does(page: &Page) -> &str {
    page.baseline.as_deref().unwrap_or(match page.task {
        Task::Regression => "always predicts the training mean",
        Task::Ranking => "scores every row alike",
        Task::Binary | Task::Multiclass => "always predicts the classes' training frequencies",
    })
}

/// How far the model is from the baseline, relative to what there is to gain.
fn change(line: &MetricLine, value: f64, baseline: f64) -> Option<String> {
    let perfect = find(&line.name).map(|known| known.perfect);
    let gain = if line.higher_is_better { value - baseline } else { baseline - value };
    match perfect {
        Some(perfect) if line.higher_is_better && gain > 0.0 && baseline < perfect => {
            Some(format!("the model closes {} of the gap from there to perfect", percent(gain / (perfect - baseline))))
        }
        Some(_) if !line.higher_is_better && baseline > 0.0 && gain != 0.0 => {
            let direction = if gain > 0.0 { "lower" } else { "higher" };
            Some(format!("the model's is {} {direction}", percent((gain / baseline).abs())))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(value: f64, better_by: Option<(f64, f64)>, higher_is_better: bool) -> MetricLine {
        let name = if higher_is_better { "roc_auc" } else { "rmse" }.to_owned();
        let (value, baseline) = (Some(value), Some(0.5));
        MetricLine { name, value, baseline, better_by, higher_is_better, ..MetricLine::default() }
    }

    #[test]
    fn a_verdict_needs_the_whole_interval_of_the_difference() {
        let check = |line, expected| assert_eq!(verdict(&line), Some(expected));
        check(line(0.8, Some((0.1, 0.4)), true), Verdict::Better);
        check(line(0.8, Some((0.0, 0.4)), true), Verdict::Unclear);
        check(line(0.8, Some((-0.1, 0.4)), true), Verdict::Unclear);
        check(line(0.3, Some((-0.3, -0.1)), true), Verdict::Worse);
        check(line(0.3, Some((0.1, 0.3)), false), Verdict::Better);
        check(line(0.8, Some((-0.4, -0.1)), false), Verdict::Worse);
        check(line(0.8, None, true), Verdict::Unclear);
        check(line(0.8, None, false), Verdict::Worse);
        check(line(0.5, None, false), Verdict::Unclear);
        assert_eq!(verdict(&line(f64::NAN, None, true)), None);
    }

    #[test]
    fn sentences_say_what_the_number_means() {
        let page = Page { rows_held_out: 586, interval_level: Some(0.95), unit: Some("<$>".into()), ..Page::default() };
        let check = |line: MetricLine, expected: &str| assert_eq!(sentences(&page, &line).to_string(), expected);
        check(
            MetricLine { interval: Some((0.2, 0.4)), ..line(0.3, Some((0.1, 0.3)), false) },
            "On 586 rows that it had never seen, the model misses by <strong>0.3 &#60;$&#62;</strong>, large misses \
             counting more (the root of the mean square); the 95% interval reaches from 0.2 to 0.4. A baseline that \
             always predicts the training mean gets 0.5: the model&#39;s is 40% lower. Even the \
             unfavourable end of the difference's interval beats it.",
        );
        check(
            MetricLine { name: "lift@10".into(), undefined: Some("no positives".into()), ..MetricLine::default() },
            "There is no lift@10 to report: no positives.",
        );
    }
}
