//! The pipeline as stations, from the source to the prediction.

use crate::markup::{Markup, names, prose};
use crate::number::{count, plural};
use crate::{ModelBox, Page, StepBox, Task, charts};

/// A station of the pipeline's flow.
pub(super) struct Node {
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) summary: Markup,
    pub(super) columns: String,
    pub(super) lines: Vec<(&'static str, Markup)>,
    pub(super) all: Vec<(&'static str, Markup)>,
    pub(super) changes: Vec<(String, Markup, Markup)>,
    pub(super) members: Markup,
    pub(super) reach: Markup,
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

pub(super) fn flow(page: &Page) -> Vec<Node> {
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
