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
    card.paragraph("A row is refused, or has no prediction, if");
    list(artifact, &inputs, &REFUSED, card);
    if artifact.extra == evenstep_source::Extra::Reject {
        card.item("a request has a field that is not in the contract");
    }
    card.paragraph("A row is answered, and its prediction flagged, if a cell is");
    list(artifact, &inputs, &FLAGGED, card);
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

/// An item for each case that some column is in.
fn list(artifact: &Artifact, inputs: &[(&ColumnName, &Rule)], cases: &[Case], card: &mut Markdown) {
    let mut none = true;
    for (words, applies) in cases {
        let names: Vec<String> = inputs
            .iter()
            .filter(|(name, rule)| applies(rule, artifact, name))
            .map(|(name, _)| code(name.as_str()))
            .collect();
        let columns = match names.len() {
            0 => continue,
            all if all == inputs.len() => "every column".to_owned(),
            _ => names.join(", "),
        };
        none = false;
        card.item(&format!("{words}: {columns}"));
    }
    if none {
        card.item("(nothing)");
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
