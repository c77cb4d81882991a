//! What changes of the fields of a request.

use std::cmp::Ordering;

use evenstep_exact::number::print_number;
use evenstep_source::Extra;
use evenstep_table::rule::{Bound, Invalid, Missing, OutOfRange, Unseen};
use evenstep_table::{Clock, ColumnName, Kind, Rule};

use super::Interface;
use super::compare::{Change, Changes};

pub(super) fn compare(old: &Interface, new: &Interface, found: &mut Vec<Change>) {
    let of = |interface: &Interface, name: &ColumnName| {
        let is_field = interface.inputs.contains(name) || interface.id.contains(name);
        interface.columns.columns.get(name).filter(|_| is_field).cloned()
    };
    let names = old
        .columns
        .columns
        .keys()
        .chain(new.columns.columns.keys().filter(|name| !old.columns.columns.contains_key(*name)));
    for name in names {
        let changes = &mut Changes { found, place: format!("field `{name}`"), field: Some(name.clone()) };
        match (of(old, name), of(new, name)) {
            (Some(before), Some(after)) => {
                required((old.requires(name), new.requires(name)), changes);
                rules(&before, &after, changes);
            }
            (Some(_), None) => match new.serving.extra {
                Extra::Reject => changes.add(true, "removed", "removed, and requests that have it are refused"),
                Extra::Ignore => changes.add(false, "removed", "removed, and ignored where requests have it"),
            },
            (None, Some(_)) if new.requires(name) => {
                changes.add(true, "added", "added, and requests without it are refused");
            }
            (None, Some(_)) => changes.add(false, "added", "added, and requests do without it"),
            (None, None) => {}
        }
    }
    let mut changes = Changes { found, place: "missing values".to_owned(), field: None };
    for token in old.missing.iter().filter(|token| !new.missing.contains(token)) {
        changes.add(true, "missing", format!("`{token}` no longer stands for one"));
    }
    for token in new.missing.iter().filter(|token| !old.missing.contains(token)) {
        let refused = new.fields().find(|(name, rule)| {
            let could_be = of(old, name).is_some_and(|before| may_hold(before.kind, token));
            could_be && rule.missing == Missing::Reject
        });
        let but = refused.map_or(String::new(), |(name, _)| format!(", and field `{name}` refuses it"));
        changes.add(refused.is_some(), "missing", format!("`{token}` stands for one now{but}"));
    }
}

/// Whether a text may be a value: without a digit, it is no number, date or time.
fn may_hold(kind: Kind, text: &str) -> bool {
    matches!(kind, Kind::Category | Kind::Text) || text.contains(|c: char| c.is_ascii_digit())
}

fn required(is_required: (bool, bool), changes: &mut Changes<'_>) {
    match is_required {
        (false, true) => changes.add(true, "absent", "requests without it are refused now"),
        (true, false) => changes.add(false, "absent", "requests do without it now"),
        _ => {}
    }
}

/// Every policy that says what becomes of a cell.
fn rules(old: &Rule, new: &Rule, changes: &mut Changes<'_>) {
    if old.kind != new.kind {
        let widened = matches!(
            (old.kind, new.kind),
            (Kind::Integer, Kind::Number) | (Kind::Category, Kind::Text) | (Kind::Text, Kind::Category)
        );
        let what = format!("type {} is {} now", word(old.kind), word(new.kind));
        let why = if widened { "what was one is the other too" } else { "what was one may not be the other" };
        changes.add(!widened, "type", format!("{what}: {why}"));
    }
    match (old.missing, new.missing) {
        (Missing::Allow, Missing::Reject) => changes.add(true, "missing", "a null is refused now"),
        (Missing::Reject, Missing::Allow) => changes.add(false, "missing", "a null is taken now"),
        _ => {}
    }
    if old.invalid != new.invalid {
        let is_breaking = leniency(new.invalid) < leniency(old.invalid);
        let what = format!("a cell of another type {}, and now it {}", was(old.invalid), is(new.invalid));
        changes.add(is_breaking, "invalid", what);
    }
    bounds(old, new, changes);
    values(old, new, changes);
    if old.format != new.format {
        let told = |format: &Option<String>| {
            format.as_ref().map_or("in ISO 8601".to_owned(), |format| format!("as `{format}`"))
        };
        changes.add(true, "format", format!("written {} before, {} now", told(&old.format), told(&new.format)));
    }
    if old.zone != new.zone && old.kind == new.kind {
        changes.add(false, "zone", "its days are those of another zone; what is sent stays");
    }
    unit(old, new, changes);
    if old.available != new.available {
        changes.add(false, "available", "whoever asks has it from elsewhere now; what is sent stays");
    }
    match (old.personal, new.personal) {
        (false, true) => changes.add(false, "personal", "the contract says now that it tells of people"),
        (true, false) => changes.add(false, "personal", "the contract no longer says that it tells of people"),
        _ => {}
    }
}

/// A type in words; datetimes are of two.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Datetime(Clock::Civil) => "datetime without an offset",
        Kind::Datetime(Clock::Instant) => "datetime with an offset",
        kind => kind.word(),
    }
}

/// The more answers a policy leaves, the higher.
fn leniency(invalid: Invalid) -> u8 {
    match invalid {
        Invalid::Reject => 0,
        Invalid::Quarantine => 1,
        Invalid::Null => 2,
    }
}

fn was(invalid: Invalid) -> &'static str {
    match invalid {
        Invalid::Reject => "was refused",
        Invalid::Quarantine => "had its row answered by null",
        Invalid::Null => "was taken for a null",
    }
}

fn is(invalid: Invalid) -> &'static str {
    match invalid {
        Invalid::Reject => "is refused",
        Invalid::Quarantine => "has its row answered by null",
        Invalid::Null => "is taken for a null",
    }
}

/// Bounds refuse only where the contract says so; elsewhere they flag, clip or forget.
fn bounds(old: &Rule, new: &Rule, changes: &mut Changes<'_>) {
    let is_bounded = |rule: &Rule| rule.min.is_some() || rule.max.is_some();
    if !is_bounded(old) && !is_bounded(new) {
        return;
    }
    if is_within(old, new) && is_within(new, old) {
        if old.out_of_range != new.out_of_range {
            let (before, after) = (outside(old.out_of_range), outside(new.out_of_range));
            let what = format!("values outside of {} were {before}, and are {after} now", range(new));
            changes.add(new.out_of_range == OutOfRange::Reject, "out_of_range", what);
        }
        return;
    }
    let refuses = |rule: &Rule| is_bounded(rule) && rule.out_of_range == OutOfRange::Reject;
    let takes_all_of = |outer: &Rule, inner: &Rule| !refuses(outer) || refuses(inner) && is_within(outer, inner);
    let what = format!("{} before, {} now", range(old), range(new));
    if !takes_all_of(new, old) {
        changes.add(true, "out_of_range", format!("{what}: values are refused that were not"));
    } else if !takes_all_of(old, new) {
        changes.add(false, "out_of_range", format!("{what}: values are taken that were refused"));
    } else {
        changes.add(false, "out_of_range", format!("{what}: none is refused"));
    }
}

/// What happens to a value outside of its bounds.
fn outside(policy: OutOfRange) -> &'static str {
    match policy {
        OutOfRange::Flag => "flagged",
        OutOfRange::Clip => "flagged and set to the bound",
        OutOfRange::Null => "flagged and taken for null",
        OutOfRange::Reject => "refused",
    }
}

/// Whether everything within `inner`'s bounds is within `outer`'s.
pub(super) fn is_within(outer: &Rule, inner: &Rule) -> bool {
    let holds = |outer: &Option<Bound>, inner: &Option<Bound>, wrong: Ordering| match (outer, inner) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(outer), Some(inner)) => order(outer, inner).is_some_and(|order| order != wrong),
    };
    holds(&outer.min, &inner.min, Ordering::Greater) && holds(&outer.max, &inner.max, Ordering::Less)
}

fn order(a: &Bound, b: &Bound) -> Option<Ordering> {
    let number = |bound: &Bound| match bound {
        Bound::Number(number) => Some(*number),
        Bound::Integer(integer) => Some(*integer as f64),
        Bound::Text(_) => None,
    };
    match (a, b) {
        (Bound::Integer(a), Bound::Integer(b)) => Some(a.cmp(b)),
        // Canonical ISO 8601 is in the order of its letters, but for the last of an instant.
        (Bound::Text(a), Bound::Text(b)) => Some(a.trim_end_matches('Z').cmp(b.trim_end_matches('Z'))),
        _ => number(a)?.partial_cmp(&number(b)?),
    }
}

/// The bounds in words.
pub(super) fn range(rule: &Rule) -> String {
    match (&rule.min, &rule.max) {
        (None, None) => "any value".to_owned(),
        (Some(min), None) => format!("from {}", told(min)),
        (None, Some(max)) => format!("up to {}", told(max)),
        (Some(min), Some(max)) => format!("{} to {}", told(min), told(max)),
    }
}

/// A bound as people write it.
pub fn told(bound: &Bound) -> String {
    match bound {
        Bound::Number(number) => print_number(*number),
        Bound::Integer(integer) => integer.to_string(),
        Bound::Text(text) => text.clone(),
    }
}

/// A category is refused only where the contract says so, too. A text may be any, and none is.
fn values(old: &Rule, new: &Rule, changes: &mut Changes<'_>) {
    if (old.unseen, &old.values) == (new.unseen, &new.values)
        || new.kind != Kind::Category
        || !matches!(old.kind, Kind::Category | Kind::Text)
    {
        return;
    }
    let refuses = |rule: &Rule| rule.unseen == Unseen::Reject;
    match (refuses(old), refuses(new)) {
        (false, true) => changes.add(true, "unseen", "categories that are not known are refused now"),
        (true, false) => changes.add(false, "unseen", "categories that are not known are taken now"),
        (true, true) => match (&old.values, &new.values) {
            (Some(old), Some(new)) if !old.iter().all(|value| new.contains(value)) => {
                changes.add(true, "values", "some categories are refused that were not");
            }
            (Some(_), Some(_)) => changes.add(false, "values", "some categories are taken that were refused"),
            (Some(_), None) => changes.add(true, "values", "which categories are taken is no longer said"),
            (None, _) => changes.add(false, "values", "the contract says now which categories are taken"),
        },
        (false, false) => changes.add(false, "values", "other categories are flagged, none is refused"),
    }
}

/// What is said of a column that refuses categories, if the contract doesn't list those that it takes.
pub fn unlisted(rule: &Rule) -> Option<&'static str> {
    let is_unlisted = rule.kind == Kind::Category && rule.unseen == Unseen::Reject && rule.values.is_none();
    is_unlisted.then_some("a category that training never saw is refused")
}

pub(super) fn unit(old: &Rule, new: &Rule, changes: &mut Changes<'_>) {
    match (&old.unit, &new.unit) {
        (Some(before), Some(after)) if before != after => {
            changes.add(
                true,
                "unit",
                format!("in {after} now, and in {before} before: the same number means another thing"),
            );
        }
        (None, Some(after)) => changes.add(false, "unit", format!("the contract says now that it is in {after}")),
        (Some(before), None) => {
            changes.add(false, "unit", format!("the contract no longer says that it is in {before}"))
        }
        _ => {}
    }
}
