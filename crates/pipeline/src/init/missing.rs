//! What stands for a missing value in data that nobody has described.

use std::collections::{BTreeMap, BTreeSet};

use evenstep_table::ColumnName;
use evenstep_table::date_format::date_format;
use evenstep_table::formatted::number_format;
use evenstep_table::infer::Evidence;

use super::declared::are_rather_classes;
use super::words::Words;

/// Of the values of a column so large a share may be marks.
pub(super) const MARKS: f64 = 0.3;
/// Beside nothing but numbers, so many may be a `.` or the like, which is how some programs write what they don't have, or words
/// that say so.
pub(super) const SIGNS: f64 = 0.95;

/// Texts that mean a missing value in any column.
const ALWAYS: [&str; 10] = ["NA", "N/A", "#N/A", "<NA>", "NULL", "null", "NaN", "nan", "n/a", "?"];

/// Texts that mean one in a column of numbers or dates, in lower case.
const THERE: &[&str] = &[
    "na",
    "n/a",
    "n.a.",
    "n.a",
    "n. a.",
    "#n/a",
    "<na>",
    "nan",
    "null",
    "(null)",
    "nil",
    "none",
    "(none)",
    "\\n",
    "nd",
    "n.d.",
    "missing",
    "(missing)",
    "unknown",
    "unk",
    "undefined",
    "not available",
    "not applicable",
    "not reported",
    "no data",
    "blank",
    "(blank)",
    "empty",
    "(empty)",
    "k.a.",
    "k. a.",
    "#div/0!",
    "#value!",
    "#ref!",
    "#num!",
    "#name?",
    "#null!",
    "#error!",
    "nat",
    "<null>",
    "tbd",
    "void",
    "not recorded",
    // What MySQL has for no day.
    "0000-00-00",
    "0000-00-00 00:00:00",
];

/// The texts that stand for a missing value wherever they are, in the order of their bytes.
///
/// `words` are those of the columns of strings.
pub fn missing(
    columns: &BTreeMap<ColumnName, Evidence>,
    words: &BTreeMap<ColumnName, Words>,
    target: &ColumnName,
) -> Vec<String> {
    let seen = columns.values().flat_map(|evidence| evidence.likely_missing().keys());
    let mut missing: BTreeSet<&str> = seen.map(String::as_str).filter(|text| ALWAYS.contains(text)).collect();
    let texts = words.values().flat_map(Words::iter).map(|(text, _)| text);
    missing.extend(texts.filter(|text| text.trim().is_empty()));
    let (better, strings): (Vec<_>, Vec<_>) =
        words.iter().partition(|(name, words)| is_better(&columns[*name], words, *name == target));
    // What is a value in some column can't be missing in all.
    let is_value = |text: &str| strings.iter().any(|(_, words)| words.iter().any(|(other, _)| other == text));
    let marks = better.iter().flat_map(|(_, words)| words.iter()).map(|(text, _)| text);
    missing.extend(marks.filter(|text| is_mark(text) && !is_value(text)));
    missing.into_iter().map(str::to_owned).collect()
}

/// Whether the text stands for a missing value where others are numbers or dates.
pub(super) fn is_mark(text: &str) -> bool {
    let text = text.trim();
    THERE.contains(&text.to_lowercase().as_str())
        || text.len() <= 4 && text.chars().all(|c| matches!(c, '.' | '-' | '–' | '—' | '_' | '*' | '?' | '#' | '/'))
}

/// Whether the text says that nothing is known, and not that there is nothing, as `none` may.
pub(super) fn is_sign(text: &str) -> bool {
    const NONE_THERE: [&str; 12] = [
        "nil",
        "none",
        "(none)",
        "missing",
        "(missing)",
        "blank",
        "(blank)",
        "empty",
        "(empty)",
        "not applicable",
        "tbd",
        "void",
    ];
    is_mark(text) && !NONE_THERE.contains(&text.trim().to_lowercase().as_str())
}

/// Whether the column would be one of numbers, dates or times, but for a few marks.
fn is_better(evidence: &Evidence, words: &Words, is_target: bool) -> bool {
    if is_target && are_rather_classes(evidence, words) && evidence.mostly().is_none() {
        return false;
    }
    let others: Vec<(&str, u64)> = words.iter().filter(|(text, _)| !is_mark(text)).collect();
    let marks = words.cells() - others.iter().map(|(_, count)| count).sum::<u64>();
    let signs_alone = evidence.numbers() > 0 && words.iter().all(|(text, _)| is_sign(text));
    let most = if signs_alone { SIGNS } else { MARKS };
    if marks == 0 || marks as f64 > most * evidence.values() as f64 {
        return false;
    }
    evidence.mostly_but(most).is_some()
        || date_format(others.clone()).is_some()
        || number_format(others, evidence.numbers()).is_some()
}
