//! What is not shown, as it tells of people: names of columns that hold a value, and what was learned of personal columns.

use std::collections::BTreeSet;

use evenstep_table::ColumnName;
use serde_json::{Map, Value};

use super::Side;
use super::align::Pair;
use super::values::personal;
use super::words::{same, some_leaves};
use crate::artifact;

/// The rules of a personal column that hold values of it.
pub(crate) const HOLDS_VALUES: [&str; 3] = ["max", "min", "values"];

/// A column as it is shown: `PClass=…`, if the contract of either side says that its values tell of people.
pub(crate) fn called(a: &Side, b: &Side, name: &str) -> String {
    artifact::called(name, |column| {
        let rules = [a, b].into_iter().filter_map(|side| side.document.as_ref()?.get("contract")?.get(column));
        rules.map(|rule| rule["personal"] == true).reduce(|one, other| one || other)
    })
}

/// The same of several, each told once.
pub(crate) fn all_called(a: &Side, b: &Side, names: &[ColumnName]) -> Vec<ColumnName> {
    each_once(names.iter().filter_map(|name| ColumnName::new(&called(a, b, name.as_str()))))
}

/// Each of them where it comes first.
pub(crate) fn each_once<T: Ord + Clone>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    all.filter(|one| seen.insert(one.clone())).collect()
}

/// The target, if its values tell of people, on either side.
pub(crate) fn target(a: &Side, b: &Side) -> Option<ColumnName> {
    let of = |side: &Side| ColumnName::new(side.document.as_ref()?["data"]["target"].as_str()?);
    let personal = personal(a, b);
    [a, b].into_iter().filter_map(of).find(|name| personal.contains(name))
}

/// What is told in place of what was learned of a personal column.
pub(crate) fn is_personal(name: &str) -> String {
    format!("hidden: `{name}` is personal")
}

/// The columns that a step adds, as a document has it.
pub(crate) fn added(record: &Value) -> BTreeSet<ColumnName> {
    let changes = record.get("changes").and_then(Value::as_array).into_iter().flatten();
    changes.filter_map(|change| ColumnName::new(change.as_str()?.strip_prefix('+')?)).collect()
}

/// Personal columns, and those that these steps make of them.
pub(crate) fn with_derived(mut personal: BTreeSet<ColumnName>, steps: &[Pair]) -> BTreeSet<ColumnName> {
    for record in steps.iter().flat_map(|pair| [&pair.a, &pair.b]).flatten().filter_map(|step| step.record.as_ref()) {
        if !reads(record).is_disjoint(&personal) {
            personal.extend(added(record));
        }
    }
    personal
}

/// The columns that a step reads, as a document has it.
pub(crate) fn reads(record: &Value) -> BTreeSet<ColumnName> {
    names(record, "reads")
}

/// The columns that a document lists.
pub(crate) fn names(of: &Value, list: &str) -> BTreeSet<ColumnName> {
    let names = of.get(list).and_then(Value::as_array).into_iter().flatten();
    names.filter_map(|name| ColumnName::new(name.as_str()?)).collect()
}

/// Some of the leaves of what a step learned that differ, of personal columns only that they do.
pub(crate) fn leaves(
    (a, of_a): (&Side, &Value),
    (b, of_b): (&Side, &Value),
    reads: &BTreeSet<ColumnName>,
    personal: &BTreeSet<ColumnName>,
    told: usize,
) -> Option<String> {
    let hidden: BTreeSet<&ColumnName> = reads.intersection(personal).collect();
    if hidden.is_empty() {
        return some_leaves(of_a, of_b, told);
    }
    let is_by_column = |learned: &Value| {
        learned.as_object().is_some_and(|all| all.keys().all(|key| reads.iter().any(|name| name.as_str() == key)))
    };
    let is_by_column = is_by_column(of_a) && is_by_column(of_b);
    let is_hidden = |key: &str| !is_by_column || hidden.iter().any(|name| name.as_str() == key);
    let shown = |learned: &Value| -> Value {
        let all = learned.as_object().into_iter().flatten().filter(|(key, _)| !is_hidden(key));
        all.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>().into()
    };
    let differs = |name: &&&ColumnName| !is_by_column || !same(of_a.get(name.as_str()), of_b.get(name.as_str()));
    let hidden = each_once(hidden.iter().filter(differs).map(|name| is_personal(&called(a, b, name.as_str()))));
    let all: Vec<String> = some_leaves(&shown(of_a), &shown(of_b), told).into_iter().chain(hidden).collect();
    (!all.is_empty()).then(|| all.join("; "))
}
