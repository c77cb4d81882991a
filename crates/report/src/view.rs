//! From the page's data to what the template prints: which sections there are, and their words.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;

use crate::markup::{Markup, names, prose, shortened};
use crate::metric::{self, Verdict, finite};
use crate::number::{cell, count, human, percent, plural, share};
use crate::{ColumnProfile, Measures, ModelBox, Page, StepBox, Task, charts};

/// How many features are drawn.
const CARDS: usize = 60;
/// How many rows the table of columns has.
const TABLE: usize = 1_000;
/// How many bars a list of bars has.
const BARS: usize = 30;
/// How many classes the confusion matrix tells apart.
const CLASSES: usize = 24;

/// The whole report.
#[derive(Template)]
#[template(path = "report.html", whitespace = "minimize")]
pub(crate) struct Report<'a> {
    page: &'a Page,
    title: String,
    introduction: Markup,
    contents: Vec<(&'static str, &'static str)>,
    headline: Option<Headline>,
    metrics: Vec<MetricRow>,
    folds: Vec<FoldRow>,
    interval_name: String,
    baseline_does: Markup,
    notes: Vec<Markup>,
    warnings: Vec<Markup>,
    errors: Vec<Figure>,
    confusion: Option<Confusion>,
    importance: Option<Bars>,
    measures: Option<MeasuresTable>,
    learning: Option<Figure>,
    flow: Vec<Node>,
    target: Option<Figure>,
    classes: Option<Bars>,
    missing: Option<Bars>,
    cards: Vec<Card>,
    cards_note: String,
    columns: Vec<ColumnRow>,
    columns_note: String,
    facts: Vec<(&'static str, String)>,
}

/// Several measures of each feature: what they are called, and their values.
struct MeasuresTable {
    heads: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

/// The main metric.
struct Headline {
    label: String,
    value: String,
    unit: String,
    verdict: Option<Verdict>,
    sentences: Markup,
    chart: Markup,
}

/// A line of the metrics' table.
struct MetricRow {
    name: String,
    label: String,
    direction: &'static str,
    value: String,
    undefined: Markup,
    interval: String,
    baseline: String,
    verdict: Option<Verdict>,
    strip: Markup,
}

/// A line of the folds' table.
struct FoldRow {
    label: String,
    mean: String,
    sd: String,
    folds: String,
    strip: Markup,
}

/// A chart with its heading and what to see in it.
struct Figure {
    title: &'static str,
    caption: Markup,
    chart: Markup,
}

/// A list of bars with its heading and what to see in it.
struct Bars {
    caption: Markup,
    bars: Vec<Bar>,
    rest: String,
}

/// One bar: its length as a share of the longest, and a part of it set apart.
struct Bar {
    label: String,
    width: String,
    part: String,
    value: String,
}

/// Actual against predicted classes.
struct Confusion {
    caption: Markup,
    classes: Vec<String>,
    rows: Vec<ConfusionRow>,
    precisions: Vec<String>,
}

impl Confusion {
    /// Whether it fits beside a chart.
    fn is_small(&self) -> bool {
        self.classes.len() <= 4
    }
}

/// One actual class.
struct ConfusionRow {
    class: String,
    cells: Vec<ConfusionCell>,
    recall: String,
}

/// How often one class was taken for another; `heat` is its share of the actual class.
struct ConfusionCell {
    count: String,
    heat: String,
    right: bool,
}

/// A station of the pipeline's flow.
struct Node {
    kind: &'static str,
    title: String,
    summary: Markup,
    columns: String,
    lines: Vec<(&'static str, Markup)>,
    all: Vec<(&'static str, Markup)>,
    changes: Vec<(String, Markup, Markup)>,
    members: Markup,
    reach: Markup,
}

/// One feature's distribution.
struct Card {
    name: String,
    meta: String,
    missing: String,
    chart: Markup,
    bars: Vec<Bar>,
    low: String,
    middle: String,
    high: String,
}

/// A line of the columns' table.
struct ColumnRow {
    name: String,
    kind: String,
    missing: String,
    distinct: String,
    low: String,
    middle: String,
    mean: String,
    high: String,
    top: String,
}

impl<'a> Report<'a> {
    pub(crate) fn new(page: &'a Page) -> Report<'a> {
        let (cards, cards_note) = cards(page);
        let (columns, columns_note) = column_rows(page);
        let mut report = Report {
            page,
            title: format!("{} · training report", page.name),
            introduction: introduction(page),
            contents: Vec::new(),
            headline: headline(page),
            metrics: page.metrics.iter().map(metric_row).collect(),
            folds: page.folds.iter().map(fold_row).collect(),
            interval_name: format!("{}interval", metric::level(page)),
            baseline_does: prose(metric::baseline_does(page)),
            notes: page.notes.iter().map(|note| prose(note)).collect(),
            warnings: page.warnings.iter().map(|warning| prose(warning)).collect(),
            errors: errors(page),
            confusion: confusion(page),
            importance: importance(page),
            measures: measures(page),
            learning: learning(page),
            flow: flow(page),
            target: target(page),
            classes: classes(page),
            missing: missing(page),
            cards,
            cards_note,
            columns,
            columns_note,
            facts: facts(page),
        };
        report.contents = report.sections();
        report
    }

    fn sections(&self) -> Vec<(&'static str, &'static str)> {
        [
            (!self.metrics.is_empty() || !self.folds.is_empty(), "metrics", "Metrics"),
            (self.has_errors(), "errors", "Where it errs"),
            (self.importance.is_some(), "importance", "What matters"),
            (self.learning.is_some(), "learning", "How it learned"),
            (!self.flow.is_empty(), "pipeline", "Pipeline"),
            (self.has_data(), "data", "Data"),
            (!self.facts.is_empty(), "identity", "Identity"),
        ]
        .into_iter()
        .filter_map(|(there, id, title)| there.then_some((id, title)))
        .collect()
    }

    fn has_errors(&self) -> bool {
        !self.errors.is_empty() || self.confusion.is_some()
    }

    fn has_stream(&self) -> bool {
        self.flow.iter().any(|node| !node.reach.is_empty())
    }

    fn has_data(&self) -> bool {
        self.target.is_some() || self.classes.is_some() || self.missing.is_some() || !self.page.columns.is_empty()
    }
}

fn introduction(page: &Page) -> Markup {
    let mut out = Markup::new();
    if page.target.is_empty() {
        return out;
    }
    match page.task {
        Task::Regression => out.raw("Predicts the number ").code(&page.target),
        Task::Binary => match page.classes.last() {
            Some(positive) => out.raw("Predicts whether ").code(&page.target).raw(" is ").code(positive),
            None => out.raw("Predicts whether ").code(&page.target).raw(" holds"),
        },
        Task::Ranking => out.raw("Ranks the rows of each group by ").code(&page.target),
        Task::Multiclass => {
            out.raw("Predicts ").code(&page.target);
            if !page.classes.is_empty() {
                out.raw(format_args!(", one of {} classes", page.classes.len()));
            }
            &mut out
        }
    };
    if page.rows_training > 0 {
        out.raw(", learned from ").text(&plural(page.rows_training, "row", "rows"));
    }
    if page.rows_held_out > 0 {
        out.raw(", measured on ").text(&count(page.rows_held_out)).raw(" that were held out");
    }
    out.raw(".");
    out
}

fn headline(page: &Page) -> Option<Headline> {
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

fn metric_row(line: &crate::MetricLine) -> MetricRow {
    let print = |x: Option<f64>| finite(x).map_or_else(String::new, |x| metric::print(&line.name, x));
    let verdict = metric::verdict(line);
    let interval = metric::interval(line).map_or_else(String::new, |(low, high)| {
        format!("{}\u{a0}to {}", metric::print(&line.name, low), metric::print(&line.name, high))
    });
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
        interval,
        baseline: print(line.baseline),
        verdict,
        strip: charts::strip(line, verdict.map_or("", Verdict::word)).unwrap_or_default(),
    }
}

fn fold_row(line: &crate::FoldLine) -> FoldRow {
    let print = |x: Option<f64>| finite(x).map_or_else(|| "–".to_owned(), |x| metric::print(&line.name, x));
    FoldRow {
        label: metric::label(&line.name),
        mean: print(line.mean),
        sd: print(line.sd),
        folds: line.values.iter().map(|x| print(*x)).collect::<Vec<_>>().join(" · "),
        strip: charts::fold_strip(line).unwrap_or_default(),
    }
}

fn figure(title: &'static str, caption: &str, chart: Option<Markup>) -> Option<Figure> {
    Some(Figure { title, caption: prose(caption), chart: chart? })
}

/// A metric's value by its name.
fn measured(page: &Page, name: &str) -> Option<f64> {
    page.metrics.iter().find(|line| line.name == name).and_then(|line| finite(line.value))
}

fn errors(page: &Page) -> Vec<Figure> {
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
        charts::roc(&page.roc, measured(page, "roc_auc")),
    ));
    out.extend(figure(
        "Precision and recall",
        "How many of the positive calls are right, as more of the positives are found.",
        charts::precision_recall(&page.precision_recall, measured(page, "average_precision")),
    ));
    let miss = calibration_error(page);
    let mut caption = "When it says 30%, it should happen in 30% of the cases: on the dashed line.".to_owned();
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

fn confusion(page: &Page) -> Option<Confusion> {
    let n = page.confusion.len();
    if n == 0 || page.confusion.iter().any(|row| row.len() != n) || page.classes.len() != n {
        return None;
    }
    let (groups, classes) = grouped_classes(page);
    let width = classes.len();
    let mut counts = vec![vec![0u64; width]; width];
    for (actual, row) in page.confusion.iter().enumerate() {
        for (predicted, n) in row.iter().enumerate() {
            counts[groups[actual]][groups[predicted]] += n;
        }
    }
    // What the matrix folds together is right only where the original classes agree.
    let right: u64 = (0..n).map(|i| page.confusion[i][i]).sum();
    let all: u64 = counts.iter().flatten().sum();
    if all == 0 {
        return None;
    }
    let folded = n > CLASSES;
    let of = |part: u64, whole: u64| if whole == 0 { "–".to_owned() } else { percent(share(part, whole)) };
    let row = |i: usize| {
        let total: u64 = counts[i].iter().sum();
        let is_rest = folded && i + 1 == width;
        let cell = |j: usize| {
            // The root, or rare mistakes would not be seen; half, or the count could not be read.
            let heat = share(counts[i][j], total).sqrt() / 2.0;
            ConfusionCell { count: count(counts[i][j]), heat: format!("{heat:.2}"), right: i == j && !is_rest }
        };
        ConfusionRow {
            class: classes[i].clone(),
            cells: (0..width).map(cell).collect(),
            recall: if is_rest { "–".to_owned() } else { of(counts[i][i], total) },
        }
    };
    let precision = |j: usize| {
        let is_rest = folded && j + 1 == width;
        if is_rest { "–".to_owned() } else { of(counts[j][j], counts.iter().map(|row| row[j]).sum()) }
    };
    let mut caption = Markup::new();
    caption.text(&format!("{} of {} rows are in the right class. ", count(right), count(all)));
    worst_confusion(page, &mut caption);
    Some(Confusion {
        caption,
        rows: (0..width).map(row).collect(),
        precisions: (0..width).map(precision).collect(),
        classes,
    })
}

/// Which column of the matrix each class has, and the columns' names: the largest classes, then the rest.
fn grouped_classes(page: &Page) -> (Vec<usize>, Vec<String>) {
    let n = page.classes.len();
    if n <= CLASSES {
        return ((0..n).collect(), page.classes.clone());
    }
    let size = |class: usize| page.confusion[class].iter().sum::<u64>();
    let mut largest: Vec<usize> = (0..n).collect();
    largest.sort_by_key(|class| (std::cmp::Reverse(size(*class)), *class));
    largest.truncate(CLASSES - 1);
    largest.sort_unstable();
    let groups = (0..n).map(|class| largest.binary_search(&class).unwrap_or(CLASSES - 1)).collect();
    let mut names: Vec<String> = largest.iter().map(|class| page.classes[*class].clone()).collect();
    names.push(format!("{} others", count((n + 1 - CLASSES) as u64)));
    (groups, names)
}

fn worst_confusion(page: &Page, out: &mut Markup) {
    let wrong = page.confusion.iter().enumerate().flat_map(|(actual, row)| {
        row.iter().enumerate().filter(move |(predicted, _)| *predicted != actual).map(move |(p, n)| (*n, actual, p))
    });
    // The first of equals: `max_by_key` takes the last.
    let worst = wrong.fold((0, 0, 0), |worst, next| if next.0 > worst.0 { next } else { worst });
    if worst.0 > 0 {
        out.raw("The most frequent mistake: ").code(&page.classes[worst.1]).raw(" taken for ");
        out.code(&page.classes[worst.2]).raw(format_args!(", {}.", plural(worst.0, "time", "times")));
    } else {
        out.raw("There are no mistakes.");
    }
}

fn bar(label: String, value: String, length: f64, longest: f64) -> Bar {
    let width = if longest > 0.0 { (length / longest).clamp(0.0, 1.0) } else { 0.0 };
    Bar { label, width: format!("{:.1}", width * 100.0), part: String::new(), value }
}

fn importance(page: &Page) -> Option<Bars> {
    let mut features: Vec<_> = page.importance.iter().filter(|one| one.share.is_finite() && one.share > 0.0).collect();
    features.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.feature.cmp(&b.feature)));
    let (first, unused) = (features.first()?, page.importance.len() - features.len());
    let mut caption = Markup::new();
    caption.code(&first.feature).raw(" matters most, with ").text(&percent(first.share)).raw(" of the whole");
    let half = features.iter().scan(0.0, |sum, one| {
        *sum += one.share;
        Some(*sum)
    });
    match half.take_while(|sum| *sum < 0.5).count() + 1 {
        needed if needed > 1 && needed < features.len() => {
            caption
                .raw(format_args!("; half of it is in {needed} of {} features", count(page.importance.len() as u64)));
        }
        _ => {}
    }
    caption.raw(". ").raw(prose(page.importance_note.as_deref().unwrap_or_default()));
    let bars = |one: &&crate::Importance| bar(one.feature.clone(), percent(one.share), one.share, first.share);
    let rest: f64 = features.iter().skip(BARS).map(|one| one.share).sum();
    let mut words = Vec::new();
    if features.len() > BARS {
        let others = plural((features.len() - BARS) as u64, "other feature has", "other features have");
        words.push(format!("{others} {} together", percent(rest)));
    }
    if unused > 0 {
        words.push(plural(unused as u64, "feature is not used at all", "features are not used at all"));
    }
    Some(Bars { caption, bars: features.iter().take(BARS).map(bars).collect(), rest: sentence(&words) })
}

fn measures(page: &Page) -> Option<MeasuresTable> {
    let any = |known: fn(&Measures) -> bool| page.measures.iter().any(known);
    let (splits, cover, loss) =
        (any(|one| one.splits.is_some()), any(|one| one.cover.is_some()), any(|one| one.loss.is_some()));
    if !splits && !cover && !loss {
        return None;
    }
    let metric = page.loss_metric.as_deref().map_or_else(|| "loss".to_owned(), metric::label);
    let heads = [
        (true, "Share".to_owned()),
        (splits, "Splits".to_owned()),
        (cover, "Share of rows parted".to_owned()),
        (loss, format!("{metric} lost when shuffled")),
        (loss, "Least to most".to_owned()),
    ];
    let bounds = |(low, high): (f64, f64)| format!("{} to {}", human(low), human(high));
    let row = |one: &Measures| {
        let cells = [
            percent(one.share),
            one.splits.map_or_else(String::new, count),
            one.cover.map_or_else(String::new, percent),
            one.loss.map_or_else(String::new, human),
            one.loss_bounds.map_or_else(String::new, bounds),
        ];
        let shown = cells.into_iter().zip(&heads).filter_map(|(cell, (shown, _))| shown.then_some(cell));
        (one.feature.clone(), shown.collect())
    };
    let rows = page.measures.iter().map(row).collect();
    Some(MeasuresTable {
        rows,
        heads: heads.iter().filter(|(shown, _)| *shown).map(|(_, head)| head.clone()).collect(),
    })
}

/// Clauses as one sentence, or nothing.
fn sentence(clauses: &[String]) -> String {
    if clauses.is_empty() { String::new() } else { format!("{}.", clauses.join("; ")) }
}

fn learning(page: &Page) -> Option<Figure> {
    let loss = page.curve_metric.as_deref().map_or_else(|| "loss".to_owned(), metric::label);
    let chart = charts::learning(&page.curve, &loss, page.best_round)?;
    let mut caption = Markup::new();
    caption.raw("<span class=\"key quiet\"></span>on the rows that it learned from");
    if page.curve.iter().any(|point| point.watched.is_some()) {
        caption.raw(", <span class=\"key\"></span>on rows that it watched to know when to stop");
    }
    caption.raw(". ");
    if let (Some(best), Some(last)) = (page.best_round, page.curve.last()) {
        let rounds = plural(last.round, "round", "rounds");
        caption.text(&format!("Of {rounds}, round {} was kept.", count(best)));
    }
    Some(Figure { title: "Loss by round", caption, chart })
}

fn flow(page: &Page) -> Vec<Node> {
    if page.steps.is_empty() && page.model.model.is_empty() {
        return Vec::new();
    }
    let inputs = page.columns.iter().filter(|column| column.role.is_none()).count() as u64;
    let start = if page.source_columns > 0 { page.source_columns } else { inputs };
    let mut now = start;
    let mut widths = vec![start];
    for step in &page.steps {
        now = (now + step.adds.len() as u64).saturating_sub(step.drops.len() as u64);
        widths.push(now);
    }
    let features = if page.features > 0 { page.features } else { now };
    // Unless all widths are known there is no stream.
    let most = if start == 0 { 0 } else { widths.iter().copied().chain([features]).max().unwrap_or(1) };
    let mut out = vec![Node {
        kind: "source",
        title: "Source".to_owned(),
        summary: prose(&match page.rows_training + page.rows_held_out {
            0 => String::new(),
            rows => plural(rows, "row", "rows"),
        }),
        columns: columns_of(start),
        reach: charts::reach(start, start, most),
        ..Node::default()
    }];
    out.extend(page.steps.iter().zip(widths.windows(2)).map(|(step, width)| step_node(step, width[0], width[1], most)));
    if !page.model.model.is_empty() {
        out.push(model_node(page, now, features, most));
    }
    out.push(prediction_node(page, features, most));
    out
}

fn columns_of(n: u64) -> String {
    if n == 0 { String::new() } else { plural(n, "column", "columns") }
}

impl Default for Node {
    fn default() -> Node {
        Node {
            kind: "step",
            title: String::new(),
            summary: Markup::new(),
            columns: String::new(),
            lines: Vec::new(),
            all: Vec::new(),
            changes: Vec::new(),
            members: Markup::new(),
            reach: Markup::new(),
        }
    }
}

fn step_node(step: &StepBox, before: u64, after: u64, most: u64) -> Node {
    const SHOWN: usize = 4;
    const LISTED: usize = 200;
    let lists = [("reads", &step.reads), ("adds", &step.adds), ("drops", &step.drops), ("retypes", &step.retypes)];
    let used = lists.iter().filter(|(_, list)| !list.is_empty());
    let change = |change: &crate::Change| {
        let before = charts::silhouette_beside(&change.before)?;
        Some((change.column.clone(), before, charts::silhouette_beside(&change.after)?))
    };
    Node {
        title: step.step.clone(),
        summary: prose(&step.summary),
        columns: if before == after { String::new() } else { format!("{} → {}", count(before), columns_of(after)) },
        lines: used.clone().map(|(verb, list)| (*verb, names(list, SHOWN))).collect(),
        all: used.filter(|(_, list)| list.len() > SHOWN).map(|(verb, list)| (*verb, names(list, LISTED))).collect(),
        changes: step.changes.iter().filter_map(change).collect(),
        reach: charts::reach(before, after, most),
        ..Node::default()
    }
}

fn model_node(page: &Page, before: u64, features: u64, most: u64) -> Node {
    Node {
        kind: "model",
        title: page.model.model.clone(),
        summary: prose(&page.model.summary),
        columns: match features {
            0 => String::new(),
            n => plural(n, "feature", "features"),
        },
        members: members(&page.model.members),
        reach: charts::reach(before, features, most),
        ..Node::default()
    }
}

/// The models within a model, side by side. Here and not in the template, as they nest.
fn members(models: &[ModelBox]) -> Markup {
    let mut out = Markup::new();
    if models.is_empty() {
        return out;
    }
    out.raw("<ul class=\"members\">");
    for model in models {
        out.raw("<li><strong>").text(&model.model).raw("</strong>");
        let parameters = model.parameters.iter().map(|(name, value)| format!("{name} {value}"));
        let parameters = parameters.collect::<Vec<_>>().join(" · ");
        for line in [&model.summary, &parameters].into_iter().filter(|line| !line.is_empty()) {
            out.raw("<span>").text(line).raw("</span>");
        }
        out.raw(members(&model.members)).raw("</li>");
    }
    out.raw("</ul>");
    out
}

fn prediction_node(page: &Page, features: u64, most: u64) -> Node {
    let mut summary = Markup::new();
    match page.task {
        Task::Regression => {
            summary.code(&page.target);
            if let Some(unit) = &page.unit {
                summary.raw(", in ").text(unit);
            }
        }
        Task::Ranking => {
            summary.raw("a score: the higher, the sooner a row of its group comes by ").code(&page.target);
        }
        Task::Binary | Task::Multiclass => {
            summary.code(&page.target).raw(", with a probability for ").raw(match page.classes.len() {
                0 => Markup::new().raw("each class").clone(),
                _ => names(&page.classes, 6),
            });
        }
    }
    Node {
        kind: "prediction",
        title: "Prediction".to_owned(),
        summary,
        reach: charts::reach(features, 1, most),
        ..Node::default()
    }
}

fn target(page: &Page) -> Option<Figure> {
    let profile = page.target_profile.as_ref().filter(|_| page.task == Task::Regression)?;
    let axis = match &page.unit {
        Some(unit) => format!("{}, {unit}", page.target),
        None => page.target.clone(),
    };
    let median = median(profile);
    let marks: Vec<(String, f64)> =
        median.map(|x| (format!("median {}", cell(print_kind(profile), x)), x)).into_iter().collect();
    let marks: Vec<(&str, f64)> = marks.iter().map(|(label, x)| (&**label, *x)).collect();
    let chart = charts::histogram("target", "Distribution of the target", &axis, &profile.histogram, &marks)?;
    let mut caption = Markup::new();
    caption.code(&page.target).raw(" over the training rows. ");
    if let (Some(low), Some(high)) = (finite(profile.min), finite(profile.max)) {
        caption.text(&charts::spread(print_kind(profile), low, median, high));
    }
    Some(Figure { title: "The target", caption, chart })
}

fn classes(page: &Page) -> Option<Bars> {
    let profile = page.target_profile.as_ref().filter(|_| page.task != Task::Regression)?;
    let (most, all) = (profile.top.iter().map(|(_, n)| *n).max()?, profile.rows - profile.nulls.min(profile.rows));
    let value = |n: u64| format!("{} · {}", count(n), percent(share(n, all)));
    let bars =
        profile.top.iter().take(BARS).map(|(class, n)| bar(shortened(class, 80), value(*n), *n as f64, most as f64));
    let mut caption = Markup::new();
    caption.raw("The classes of ").code(&page.target).raw(" in the training rows.");
    let rest = match profile.top.len() {
        n if n > BARS => sentence(&[plural((n - BARS) as u64, "more class", "more classes")]),
        _ => String::new(),
    };
    Some(Bars { caption, bars: bars.collect(), rest })
}

/// What of a column is missing, in [0, 1].
fn missing_share(column: &ColumnProfile) -> f64 {
    share(column.nulls.min(column.rows), column.rows)
}

fn missing(page: &Page) -> Option<Bars> {
    let mut gaps: Vec<&ColumnProfile> = page.columns.iter().filter(|column| column.nulls > 0).collect();
    gaps.sort_by(|a, b| missing_share(b).total_cmp(&missing_share(a)).then_with(|| a.name.cmp(&b.name)));
    gaps.first()?;
    let whole = page.columns.len() - gaps.len();
    let bars = |column: &&ColumnProfile| {
        let gap = missing_share(column);
        let mut bar = bar(column.name.clone(), percent(gap), gap, 1.0);
        if column.invalid > 0 {
            bar.part = format!("{:.1}", share(column.invalid.min(column.nulls), column.nulls) * 100.0);
            bar.value.push_str(&format!(" · {} invalid", count(column.invalid)));
        }
        bar
    };
    let mut caption = Markup::new();
    caption.text(&format!(
        "{} of {} have gaps; the others are complete.",
        count(gaps.len() as u64),
        plural(page.columns.len() as u64, "column", "columns")
    ));
    if whole == 0 {
        caption = prose("Every column has gaps.");
    }
    let rest = match gaps.len() {
        n if n > BARS => {
            let least = percent(missing_share(gaps[BARS]));
            sentence(&[format!("{}, at most {least} each", plural((n - BARS) as u64, "more column", "more columns"))])
        }
        _ => String::new(),
    };
    Some(Bars { caption, bars: gaps.iter().take(BARS).map(bars).collect(), rest })
}

/// The kind by which a column's numbers are printed: whole numbers beyond four digits as any number.
fn print_kind(column: &ColumnProfile) -> &str {
    let largest = [column.min, column.max].into_iter().flatten().map(f64::abs).fold(0.0, f64::max);
    if column.kind == "integer" && largest >= 10_000.0 { "number" } else { &column.kind }
}

fn median(column: &ColumnProfile) -> Option<f64> {
    let middle = column.quantiles.iter().find(|(level, _)| *level == 0.5);
    finite(middle.map(|(_, value)| *value))
}

/// The columns, those first whose features matter most.
fn by_importance(page: &Page) -> Vec<&ColumnProfile> {
    let names: BTreeSet<&str> = page.columns.iter().map(|column| &*column.name).collect();
    let mut shares: BTreeMap<&str, f64> = BTreeMap::new();
    for one in page.importance.iter().filter(|one| one.share.is_finite()) {
        if let Some(column) = origin(&names, &one.feature) {
            *shares.entry(column).or_default() += one.share;
        }
    }
    let share = |column: &ColumnProfile| shares.get(&*column.name).copied().unwrap_or(0.0);
    let mut columns: Vec<&ColumnProfile> = page.columns.iter().collect();
    columns.sort_by(|a, b| share(b).total_cmp(&share(a)));
    columns
}

/// The column that a feature was made of, as far as names tell: `<column>_<suffix>`, `<column>=<value>`.
fn origin<'a>(columns: &BTreeSet<&'a str>, feature: &str) -> Option<&'a str> {
    let ends = feature.match_indices(['_', '=']).map(|(i, _)| i);
    let ends = [feature.len()].into_iter().chain(ends.rev());
    ends.into_iter().find_map(|end| columns.get(&feature[..end]).copied())
}

fn cards(page: &Page) -> (Vec<Card>, String) {
    let columns = by_importance(page);
    let cards = columns.iter().take(CARDS).enumerate().map(|(i, column)| card(i, column)).collect();
    let rest = &columns[columns.len().min(CARDS)..];
    if rest.is_empty() {
        return (cards, String::new());
    }
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for column in rest {
        *kinds.entry(&column.kind).or_default() += 1;
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, n)| format!("{} {kind}", count(*n))).collect();
    let gaps = rest.iter().filter(|column| column.nulls > 0).count() as u64;
    let note = format!(
        "Not drawn: {} ({}), {} of them with gaps.",
        plural(rest.len() as u64, "column that matters less", "columns that matter less"),
        kinds.join(", "),
        count(gaps)
    );
    (cards, note)
}

fn card(i: usize, column: &ColumnProfile) -> Card {
    let print = |x: Option<f64>| finite(x).map_or_else(String::new, |x| cell(print_kind(column), x));
    let (low, middle, high) = (print(column.min), print(median(column)), print(column.max));
    let values = column.rows - column.nulls.min(column.rows);
    let described = match (&*low, &*high) {
        ("", _) | (_, "") => plural(values, "value", "values"),
        (low, high) => format!("{}, from {low} to {high}", plural(values, "value", "values")),
    };
    let chart = charts::silhouette(&format!("column-{i}"), &column.name, &described, &column.histogram);
    let mut meta = vec![column.kind.clone()];
    meta.extend(column.role.clone());
    meta.extend(column.unit.clone());
    match column.distinct {
        Some(1) => meta.push("one value".to_owned()),
        Some(n) if column.histogram.is_empty() => meta.push(format!("{} distinct", count(n))),
        _ => {}
    }
    let shown = chart.is_some();
    Card {
        name: column.name.clone(),
        meta: meta.iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join(" · "),
        missing: if column.nulls > 0 { percent(missing_share(column)) } else { String::new() },
        chart: chart.unwrap_or_default(),
        bars: if shown { Vec::new() } else { top_bars(column, values) },
        low: if shown { low } else { String::new() },
        // Three dates don't fit below a card's chart.
        middle: if shown && !column.kind.starts_with("date") { middle } else { String::new() },
        high: if shown { high } else { String::new() },
    }
}

/// The most frequent values and the rest, as bars.
fn top_bars(column: &ColumnProfile, values: u64) -> Vec<Bar> {
    let most_shown = if column.top.len() <= 5 { 5 } else { 4 };
    let shown: u64 = column.top.iter().take(most_shown).map(|(_, n)| *n).sum();
    let rest = values.saturating_sub(shown);
    let most = column.top.iter().take(most_shown).map(|(_, n)| *n).max().unwrap_or(0).max(1) as f64;
    let one = |label: String, n: u64| bar(label, percent(share(n, values)), n as f64, most);
    let mut bars: Vec<Bar> =
        column.top.iter().take(most_shown).map(|(value, n)| one(shortened(value, 80), *n)).collect();
    if rest > 0 && !bars.is_empty() {
        let mut others = one("others".to_owned(), rest);
        others.part = "100".to_owned();
        bars.push(others);
    }
    bars
}

fn column_rows(page: &Page) -> (Vec<ColumnRow>, String) {
    let rows = page.columns.iter().take(TABLE).map(|column| {
        let print = |x: Option<f64>| finite(x).map_or_else(String::new, |x| cell(print_kind(column), x));
        let role = column.role.iter().map(|role| format!(" · {role}")).collect::<String>();
        ColumnRow {
            name: column.name.clone(),
            kind: format!("{}{role}", column.kind),
            missing: if column.nulls > 0 { percent(missing_share(column)) } else { String::new() },
            distinct: column.distinct.map_or_else(String::new, count),
            low: print(column.min),
            middle: print(median(column)),
            mean: print(column.mean),
            high: print(column.max),
            top: column.top.first().map_or_else(String::new, |(value, n)| {
                format!("{} ({})", shortened(value, 24), percent(share(*n, column.rows)))
            }),
        }
    });
    let note = match page.columns.len() {
        n if n > TABLE => format!("Not listed here: {}.", plural((n - TABLE) as u64, "more column", "more columns")),
        _ => String::new(),
    };
    (rows.collect(), note)
}

fn facts(page: &Page) -> Vec<(&'static str, String)> {
    let number = |n: u64| if n == 0 { String::new() } else { count(n) };
    let facts = [
        ("Version", page.version.clone()),
        ("Digest", page.digest.clone()),
        ("Data", page.fingerprint.clone()),
        ("Rows learned from", number(page.rows_training)),
        ("Rows held out", number(page.rows_held_out)),
    ];
    if page.version.is_empty() && page.digest.is_empty() {
        return Vec::new();
    }
    let mut facts: Vec<_> = facts.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    facts.push(("Seed", page.seed.to_string()));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_traced_to_their_column_by_name() {
        let columns = BTreeSet::from(["area", "area_total", "city"]);
        let check = |feature: &str, column: Option<&str>| assert_eq!(origin(&columns, feature), column);
        check("area", Some("area"));
        check("area_missing", Some("area"));
        check("area_total_log", Some("area_total"));
        check("city=a_b=c", Some("city"));
        check("town", None);
        check("_", None);
    }
}
