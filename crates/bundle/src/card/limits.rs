//! Limits of use: what is refused, what is answered with a flag, and what the contract allows.

use evenstep_pipeline::Artifact;
use evenstep_table::rule::{Absent, Bound, Invalid, Missing, OutOfRange, Unseen};
use evenstep_table::{ColumnName, Kind, Rule};

use super::markdown::{Markdown, code, number, plain};

/// What a rule may say of a column, and whether it does.
type Case = (&'static str, fn(&Rule, &Artifact, &ColumnName) -> bool);

/// What a row is refused for.
const REFUSED: [Case; 6] = [
    ("the column is absent", |rule, _, _| rule.absent == Absent::Reject),
    ("the cell is missing", |rule, _, _| rule.missing == Missing::Reject),
    ("the cell is not of its type", |rule, _, _| rule.invalid == Invalid::Reject),
    ("the value is out of its range", |rule, _, _| is_bounded(rule) && rule.out_of_range == OutOfRange::Reject),
    ("the category was not seen in training", |rule, _, _| {
        rule.kind == Kind::Category && rule.unseen == Unseen::Reject
    }),
    ("the row is set aside, since a cell is not of its type", |rule, _, _| rule.invalid == Invalid::Quarantine),
];

/// What a row is answered in spite of, with a flag.
const FLAGGED: [Case; 6] = [
    ("missing, though training saw no gap", |rule, artifact, name| {
        rule.missing == Missing::Allow && artifact.seen.get(name).is_some_and(|seen| !seen.nulls)
    }),
    ("out of its range, and taken as it is", |rule, _, _| is_bounded(rule) && rule.out_of_range == OutOfRange::Flag),
    ("out of its range, and the bound or nothing taken instead", |rule, _, _| {
        is_bounded(rule) && matches!(rule.out_of_range, OutOfRange::Clip | OutOfRange::Null)
    }),
    ("a category that training did not see, taken as unseen or missing", |rule, _, _| {
        rule.kind == Kind::Category && rule.unseen != Unseen::Reject
    }),
    ("not of its type, and taken as missing", |rule, _, _| rule.invalid == Invalid::Null),
    ("absent, and taken as missing", |rule, _, _| rule.absent == Absent::Null),
];

pub(super) fn of(artifact: &Artifact, card: &mut Markdown) {
    card.heading("Limits of use");
    let inputs: Vec<(&ColumnName, &Rule)> =
        artifact.inputs.iter().filter_map(|name| Some((name, &**artifact.contract.columns.get(name)?))).collect();
    let mut refused = cases(artifact, &inputs, &REFUSED);
    if artifact.extra == evenstep_source::Extra::Reject {
        refused.push("a request has a field that is not in the contract".to_owned());
    }
    let model = &artifact.model.name;
    if evenstep_model::CATALOGUE.iter().any(|entry| entry.name == *model && !entry.takes_null) {
        refused.push(format!("a feature is null after the steps, which `{model}` doesn't take"));
    }
    list("A row is refused, or has no prediction, if", refused, card);
    list(
        "Other rows are answered, and the prediction is flagged if a cell is",
        cases(artifact, &inputs, &FLAGGED),
        card,
    );
    let shown = inputs.iter().filter(|(_, rule)| !rule.personal);
    let bounded: Vec<[String; 2]> =
        shown.filter_map(|(name, rule)| Some([code(name.as_str()), allowed(rule)?])).collect();
    if !bounded.is_empty() {
        card.paragraph("The contract allows these values:");
        card.table(["column", "allowed"], bounded);
    }
    let personal: Vec<String> =
        inputs.iter().filter(|(_, rule)| rule.personal).map(|(name, _)| code(name.as_str())).collect();
    if !personal.is_empty() {
        card.paragraph(&format!("Tell of people, by the contract: {}.", personal.join(", ")));
    }
}

/// The cases that some column is in, with the columns.
fn cases(artifact: &Artifact, inputs: &[(&ColumnName, &Rule)], cases: &[Case]) -> Vec<String> {
    let case = |(words, applies): &Case| {
        let are_in = inputs.iter().filter(|(name, rule)| applies(rule, artifact, name));
        let names: Vec<String> = are_in.map(|(name, _)| code(name.as_str())).collect();
        match names.len() {
            0 => None,
            all if all == inputs.len() => Some(format!("{words}: every column")),
            _ => Some(format!("{words}: {}", names.join(", "))),
        }
    };
    cases.iter().filter_map(case).collect()
}

fn list(title: &str, mut items: Vec<String>, card: &mut Markdown) {
    if items.is_empty() {
        items.push("(nothing)".to_owned());
    }
    card.paragraph(title);
    for item in items {
        card.item(&item);
    }
}

fn is_bounded(rule: &Rule) -> bool {
    rule.min.is_some() || rule.max.is_some()
}

/// What the rule allows, if it says so.
fn allowed(rule: &Rule) -> Option<String> {
    if let Some(values) = &rule.values {
        return Some(values.iter().map(|value| code(value)).collect::<Vec<_>>().join(", "));
    }
    let unit = rule.unit.as_ref().map_or_else(String::new, |unit| format!(" {}", plain(unit)));
    match (&rule.min, &rule.max) {
        (Some(min), Some(max)) => Some(format!("{} to {}{unit}", bound(min), bound(max))),
        (Some(min), None) => Some(format!("from {}{unit}", bound(min))),
        (None, Some(max)) => Some(format!("up to {}{unit}", bound(max))),
        (None, None) => None,
    }
}

fn bound(bound: &Bound) -> String {
    match bound {
        Bound::Number(x) => number(*x),
        Bound::Integer(n) => n.to_string(),
        Bound::Text(text) => plain(text),
    }
}
