//! What a proposal says of columns beside what it does with them.

use evenstep_table::infer::Evidence;
use evenstep_table::{ColumnName, Kind};

use super::{Seen, quoted};
use crate::like_id;
use crate::look_alike::look_alike;

/// Numbers of so many values may be classes.
const FEW_VALUES: usize = 10;

/// Sentences for people, each a line.
pub(super) fn of(seen: &Seen<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    for (name, evidence) in seen.columns {
        let Some(words) = seen.words.get(name).filter(|words| words.cells() > 0) else { continue };
        let is_string =
            matches!(seen.kind(name), Some(Kind::Category | Kind::Text)) && !seen.declared.contains_key(name);
        if is_string && evidence.days() > 0 {
            remarks.push(format!(
                "`{name}` is text as it stands: {} of {} cells are dates such as 2024-12-31, others are {}",
                evidence.days(),
                evidence.values(),
                words.shown()
            ));
            remarks.push("written in one way all of them are dates".to_owned());
        }
        let is_code = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        let mut tokens = seen.missing.iter().filter(|_| is_string && evidence.nulls > 0);
        if let Some(token) = tokens.find(|token| is_code(token))
            && words.iter().all(|(text, _)| is_code(text))
        {
            remarks.push(format!(
                "`{token}` counts as missing, and the values of `{name}` are codes of two letters: if it is one, take it out of `missing`"
            ));
        }
        let numbers = evidence.numbers() + evidence.formatted().unwrap_or_default();
        if is_string && numbers * 2 >= evidence.values() {
            remarks
                .push(format!("`{name}` is text as it stands, since no program reads as numbers: {}", words.shown()));
            remarks.push(
                "written as `1234.5` they are numbers, or with `format = \"1.234,56\"` in the contract".to_owned(),
            );
        }
    }
    if let Some(group) = group_of(seen) {
        remarks.push(format!(
            "`{group}` is called like an id, and repeats: if rows of one must stay together, so that the test"
        ));
        remarks.push(format!("rows are of others than were learned from: `group = {}`", quoted(group.as_str())));
    }
    if let Some(few @ 3..=FEW_VALUES) = seen.columns.get(seen.target).and_then(|target| target.distinct())
        && seen.kind(seen.target) == Some(Kind::Integer)
    {
        remarks.push(format!("`{}` has {few} values; if they are classes: `task = \"multiclass\"`", seen.target));
    }
    let unread: Vec<String> = seen.unread.iter().map(|(name, what)| format!("`{name}` ({what})")).collect();
    if !unread.is_empty() {
        remarks.push(format!("of a type that is not read, and so no inputs: {}", unread.join(", ")));
    }
    remarks.extend(look_alike(&seen.classes.keys().collect::<Vec<_>>()));
    remarks
}

/// A column that is called like an id and has several rows to most of its values.
fn group_of<'a>(seen: &Seen<'a>) -> Option<&'a ColumnName> {
    let repeats = |name: &ColumnName, evidence: &Evidence| {
        let is_id = seen.kind(name).is_some_and(like_id::can_be) && like_id::may_group(name.as_str());
        let repeats =
            evidence.distinct().is_none_or(|distinct| distinct > FEW_VALUES && distinct as u64 * 2 <= seen.rows);
        is_id && repeats && evidence.nulls == 0 && name != seen.target && !seen.id.contains(name)
    };
    seen.columns.iter().find(|(name, evidence)| repeats(name, evidence)).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn columns_that_are_not_read_are_named() {
        let name = |text| ColumnName::new(text).expect("a name");
        let unread: BTreeMap<ColumnName, String> =
            [("tags", "a list"), ("took", "durations")].map(|(column, what)| (name(column), what.to_owned())).into();
        let seen = Seen {
            source: "",
            name: "p",
            columns: &BTreeMap::new(),
            rows: 1,
            target: &name("y"),
            id: &[],
            like_ids: &[],
            declared: &BTreeMap::new(),
            too_fine: &[],
            words: &BTreeMap::new(),
            unread: &unread,
            different: None,
            missing: &[],
            classes: &BTreeMap::new(),
        };
        let told = "of a type that is not read, and so no inputs: `tags` (a list), `took` (durations)";
        assert_eq!(of(&seen), [told]);
    }
}
