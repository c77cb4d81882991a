//! What a proposal says of columns beside what it does with them.

use evenstep_exact::number::print_number;
use evenstep_table::date_format::two_date_formats;
use evenstep_table::infer::Evidence;
use evenstep_table::{Clock, ColumnName, Kind, counted, some_of};

use super::declared::is_written_whole;
use super::{Seen, Words, key, quoted};
use crate::like_id;
use crate::look_alike::look_alike;
use crate::prepare::maybe_thousands;

/// So many columns are named of which the same is said.
const WHOLE_TOLD: usize = 8;
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
        } else if is_string && let Some(told) = dates_in_two_ways(name, words) {
            remarks.push(told);
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
        // Of a target, what lies below a limit and what lies above are classes: `<=50K`, `>50K`.
        let are_bands =
            name == seen.target && words.iter().any(|(text, _)| text.trim_start().starts_with(['<', '>', '≤', '≥']));
        if is_string && !are_bands && seen.are_signed(name) {
            remarks
                .push(format!("`{name}` is text as it stands, since no program reads as numbers: {}", words.shown()));
            let by_format = evidence.formatted().map_or("", |_| ", or with `format = \"1.234,56\"` in the contract");
            remarks.push(format!("written as `1234.5` they are numbers{by_format}"));
        }
    }
    let numbers = seen.columns.iter().filter(|(name, evidence)| {
        evidence.kind().is_some_and(Kind::is_numeric) && !seen.declared.contains_key(*name) && !seen.id.contains(name)
    });
    remarks.extend(numbers.filter_map(|(name, evidence)| maybe_thousands(name, evidence)));
    for (name, far) in seen.far {
        for (number, rows) in far {
            let number = print_number(*number);
            let percent = *rows as f64 * 100.0 / seen.rows as f64;
            remarks.push(format!(
                "`{name}`: {number} in {percent:.1} % of the rows, far from all others: if it means that nothing is known, add \"{number}\" to `missing`"
            ));
        }
    }
    let is_input =
        |name: &ColumnName| name != seen.target && !seen.id.contains(name) && !seen.declared.contains_key(name);
    let whole = seen.columns.iter().filter(|(name, evidence)| is_input(name) && is_written_whole(name, evidence));
    let whole = some_of(whole.map(|(name, _)| format!("`{name}`")), WHOLE_TOLD, ", ");
    if !whole.is_empty() {
        remarks.push(format!("whole so far, but written as `20.0` or held as floats: {whole}"));
        remarks.push("what may have a fraction another day is to be a `number` in the contract".to_owned());
    }
    let unique = seen.unique.iter().filter(|name| is_input(name));
    let unique = some_of(unique.map(|name| format!("`{name}`")), WHOLE_TOLD, ", ");
    if !unique.is_empty() {
        remarks.push(format!("another whole number in every row: {unique}"));
        remarks.push("what only tells rows apart, as an id does, is to be dropped, or named as `id`".to_owned());
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
    let inputs = seen.inputs();
    let instants = inputs.iter().filter(|name| seen.kind(name) == Some(Kind::Datetime(Clock::Instant)));
    let instants = some_of(instants.map(|name| format!("`{name}`")), WHOLE_TOLD, ", ");
    if !instants.is_empty() {
        remarks.push(format!("instants, whose days and hours are counted in UTC: {instants}"));
        remarks.push("where they are counted elsewhere: `zone = \"Europe/Berlin\"`, or another one".to_owned());
    }
    remarks.extend(classes_beside_numbers(seen));
    for name in seen.index {
        remarks.push(format!("`{name}` is an index without a name, and so no input"));
    }
    let unread: Vec<String> = seen.unread.iter().map(|(name, what)| format!("`{name}` ({what})")).collect();
    if !unread.is_empty() {
        remarks.push(format!("of a type that is not read, and so no inputs: {}", unread.join(", ")));
    }
    let lacked = seen.lacked.iter().filter(|name| inputs.contains(name));
    let lacked: Vec<(&ColumnName, Kind)> = lacked.filter_map(|name| Some((name, seen.kind(name)?))).collect();
    if !lacked.is_empty() {
        let names = some_of(lacked.iter().map(|(name, _)| format!("`{name}`")), WHOLE_TOLD, ", ");
        remarks.push(format!("some rows lack {names}: a live row that does is refused, unless the contract takes it"));
        let (name, kind) = lacked[0];
        let (line, instead) = match seen.declared.get(name) {
            Some(declared) => (declared.line(name), ", instead of its line below"),
            None => (format!("{} = {{ type = \"{}\" }}", key(name), kind.word()), ""),
        };
        let line = line.replace(" }", ", absent = \"null\" }");
        remarks.push(format!("for missing: `{line}`{instead}"));
    }
    remarks.extend(look_alike(&seen.classes.keys().collect::<Vec<_>>()));
    remarks
}

/// What is to be said of a column of texts that are dates in two ways.
pub(crate) fn dates_in_two_ways(name: &ColumnName, words: &Words) -> Option<String> {
    let [(this, these), (that, those)] = two_date_formats(words.iter())?;
    Some(format!(
        "`{name}` is text as it stands: its dates are written in two ways, `{this}` ({}) and `{that}` ({})",
        counted(these as usize, "cell"),
        counted(those as usize, "cell")
    ))
}

/// What is to be said of a target of classes most of which are numbers.
fn classes_beside_numbers(seen: &Seen<'_>) -> Option<String> {
    let (target, words) = (seen.target, seen.words.get(seen.target)?);
    let mostly = seen.columns[target].mostly_but(0.5).filter(|mostly| mostly.kind.is_numeric())?;
    (!seen.declared.contains_key(target)).then(|| {
        format!(
            "`{target}` has classes, for {} of {} cells are no numbers: {}; if the others are quantities, `{} = {{ type = \"{}\", invalid = \"null\" }}` in `[contract]`, and `task = \"regression\"`",
            mostly.others,
            seen.columns[target].values(),
            words.shown(),
            key(target),
            mostly.kind.word()
        )
    })
}

/// A column that is called like an id and has several rows to many of its values.
fn group_of<'a>(seen: &Seen<'a>) -> Option<&'a ColumnName> {
    let tells_apart =
        |name: &ColumnName| [seen.like_ids, seen.nearly_ids, seen.unique].iter().any(|some| some.contains(name));
    let is_group = |name: &ColumnName, evidence: &Evidence| {
        let is_one = name == seen.target || seen.id.contains(name) || tells_apart(name);
        // Of too many values to count, which tell no rows apart, several must have more rows than one.
        let has_many = || {
            evidence.distinct().is_none()
                && like_id::may_group(name.as_str())
                && evidence.nulls == 0
                && seen.kind(name).is_some_and(like_id::can_be)
        };
        !is_one && (like_id::repeats(name, evidence, seen.rows) || has_many())
    };
    seen.columns.iter().find(|(name, evidence)| is_group(name, evidence)).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

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
            nearly_ids: &[],
            unique: &[],
            index: &[],
            declared: &BTreeMap::new(),
            too_fine: &[],
            words: &BTreeMap::new(),
            unread: &unread,
            lacked: &BTreeSet::new(),
            different: None,
            missing: &[],
            far: &BTreeMap::new(),
            classes: &BTreeMap::new(),
        };
        let told = "of a type that is not read, and so no inputs: `tags` (a list), `took` (durations)";
        assert_eq!(of(&seen), [told]);
    }
}
