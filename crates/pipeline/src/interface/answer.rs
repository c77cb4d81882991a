//! What changes of the answers, and of how they are given.

use evenstep_source::Extra;
use evenstep_table::{ColumnName, Rule, Task};

use super::Interface;
use super::compare::{Change, Changes};
use super::field::{is_within, range, unit};
use crate::spec::{Mode, Time};

pub(super) fn compare(old: &Interface, new: &Interface, found: &mut Vec<Change>) {
    let mut changes = Changes { found, place: "answer".to_owned(), field: None };
    if old.name != new.name {
        let what = format!("the model is called `{}` now, and its address `/v2/models/{}` with it", new.name, new.name);
        changes.add(true, "name", what);
    }
    if old.target != new.target {
        changes.add(true, "target", format!("it predicts `{}` now, and `{}` before", new.target, old.target));
    }
    task(&old.task, &new.task, &mut changes);
    let (before, after) = (old.target_rule(), new.target_rule());
    if old.task == Task::Regression && new.task == Task::Regression {
        target(before, after, &mut changes);
    }
    unit(before, after, &mut changes);
    id(old, new, &mut changes);
    let mut changes = Changes { place: "serving".to_owned(), ..changes };
    match (old.serving.extra, new.serving.extra) {
        (Extra::Ignore, Extra::Reject) => changes.add(true, "extra", "unknown fields are refused now"),
        (Extra::Reject, Extra::Ignore) => changes.add(false, "extra", "unknown fields are ignored now"),
        _ => {}
    }
    mode(old.serving.mode, new.serving.mode, &mut changes);
    let (before, after) = (&old.serving.latency, &new.serving.latency);
    slower("p50", before.p50, after.p50, &mut changes);
    slower("p99", before.p99, after.p99, &mut changes);
}

/// By what answers name their rows. A column that no request had names none of those that are asked about.
fn id(old: &Interface, new: &Interface, changes: &mut Changes<'_>) {
    if old.id == new.id || old.id.is_empty() && !new.id.iter().any(|name| old.inputs.contains(name)) {
        return;
    }
    let told = |id: &[ColumnName]| match id {
        [] => "their number".to_owned(),
        columns => columns.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    };
    changes.add(true, "id", format!("rows are named by {} now, and by {} before", told(&new.id), told(&old.id)));
}

/// What numbers are learned from: a model isn't held to it, so no client breaks by it.
fn target(old: &Rule, new: &Rule, changes: &mut Changes<'_>) {
    if old.kind != new.kind {
        let what =
            format!("it learns from values of type {} now, and of type {} before", new.kind.word(), old.kind.word());
        changes.add(false, "type", what);
    }
    if !is_within(old, new) || !is_within(new, old) {
        changes.add(false, "range", format!("it learns from {} now, and from {} before", of(new), of(old)));
    }
}

fn of(rule: &Rule) -> String {
    match range(rule) {
        any if rule.min.is_none() && rule.max.is_none() => any,
        bounds => format!("values {bounds}"),
    }
}

fn task(old: &Task, new: &Task, changes: &mut Changes<'_>) {
    if std::mem::discriminant(old) != std::mem::discriminant(new) {
        changes.add(true, "task", format!("it is {} now, and {} before", told(new), told(old)));
        return;
    }
    let (before, after) = (old.classes(), new.classes());
    for class in before.iter().filter(|class| !after.contains(class)) {
        changes.add(true, "classes", format!("class `{class}` is gone, and its probability with it"));
    }
    for class in after.iter().filter(|class| !before.contains(class)) {
        changes.add(true, "classes", format!("class `{class}` is new, and clients don't know it"));
    }
    if before != after && before.len() == after.len() && before.iter().all(|class| after.contains(class)) {
        changes.add(false, "classes", "the same classes in another order; answers name them");
    }
}

fn told(task: &Task) -> String {
    match task {
        Task::Regression => "a number".to_owned(),
        Task::Binary { .. } => "one of two classes".to_owned(),
        Task::Multiclass { classes } => format!("one of {} classes", classes.len()),
        Task::Ranking => "a score to rank by".to_owned(),
    }
}

fn mode(old: Mode, new: Mode, changes: &mut Changes<'_>) {
    if old == new {
        return;
    }
    let what = format!("`mode` is \"{}\" now, and \"{}\" before", new.word(), old.word());
    changes.add(new != Mode::Both, "mode", what);
}

fn slower(which: &'static str, old: Option<Time>, new: Option<Time>, changes: &mut Changes<'_>) {
    match (old, new) {
        (Some(before), Some(after)) if after != before => {
            changes.add(after > before, which, format!("`{which}` may be {after} now, and {before} before"));
        }
        (Some(before), None) => changes.add(true, which, format!("`{which}` may be anything now, and {before} before")),
        (None, Some(after)) => changes.add(false, which, format!("`{which}` is {after} at most now")),
        _ => {}
    }
}
