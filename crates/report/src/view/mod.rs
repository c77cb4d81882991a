//! From the page's data to what the template prints: which sections there are, and their words.

mod confusion;
mod data;
mod flow;
mod importance;
mod scores;
mod slices;

use askama::Template;

use crate::markup::{Markup, prose};
use crate::number::{count, plural};
use crate::{Page, Task, metric};

use confusion::{Confusion, confusion};
use data::{Card, ColumnRow, cards, classes, column_rows, missing, target};
use flow::{Node, flow};
use importance::{MeasuresTable, importance, learning, measures};
pub(crate) use scores::points;
use scores::{FoldRow, Headline, MetricRow, errors, fold_row, headline, metric_row};
use slices::{SliceTable, slices};

/// How many bars a list of bars has.
const BARS: usize = 30;

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
    slices: Vec<SliceTable>,
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
            slices: slices(page),
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
    if let Some(weight) = &page.weight {
        out.raw(", each weighted by its ").code(weight);
    }
    out.raw(".");
    out
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

fn figure(title: &'static str, caption: &str, chart: Option<Markup>) -> Option<Figure> {
    Some(Figure { title, caption: prose(caption), chart: chart? })
}

fn bar(label: String, value: String, length: f64, longest: f64) -> Bar {
    let width = if longest > 0.0 { (length / longest).clamp(0.0, 1.0) } else { 0.0 };
    Bar { label, width: format!("{:.1}", width * 100.0), part: String::new(), value }
}

/// Clauses as one sentence, or nothing.
fn sentence(clauses: &[String]) -> String {
    if clauses.is_empty() { String::new() } else { format!("{}.", clauses.join("; ")) }
}
