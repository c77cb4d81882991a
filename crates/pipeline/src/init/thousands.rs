//! Which sign stands before thousands and which before fractions, as the other columns tell.

use std::collections::{BTreeMap, BTreeSet};

use evenstep_table::infer::Evidence;
use evenstep_table::{ColumnName, Kind};

use super::{Declared, Words};

fn has_comma(format: &str) -> bool {
    format.contains("234,56")
}

/// Reads numbers that may be meant in two ways as the other columns are, if all of these have one sign before their fractions.
pub fn settle_signs<'a>(
    columns: impl Iterator<Item = (&'a ColumnName, &'a Evidence)>,
    words: &BTreeMap<ColumnName, Words>,
    declared: &mut BTreeMap<ColumnName, Declared>,
) {
    let tells = |(name, evidence): (&'a ColumnName, &'a Evidence)| {
        let format = declared.get(name).filter(|declared| declared.other.is_none()).and_then(|of| of.format.as_ref());
        let is_seen = |words: &Words| words.iter().any(|(text, _)| text.contains(['.', ',']));
        match format {
            Some(format) => words.get(name).is_some_and(is_seen).then(|| (has_comma(format), name)),
            None => {
                let is_plain = evidence.kind() == Some(Kind::Number) && !declared.contains_key(name);
                (is_plain && evidence.pointed() > 0 && evidence.maybe_thousands() == 0).then_some((false, name))
            }
        }
    };
    let told: Vec<(bool, &ColumnName)> = columns.filter_map(tells).collect();
    let signs: BTreeSet<bool> = told.iter().map(|(is_comma, _)| *is_comma).collect();
    let [(is_comma, by), ..] = told[..] else { return };
    if signs.len() > 1 {
        return;
    }
    for declared in declared.values_mut() {
        let Some(other) = declared.other.take() else { continue };
        if declared.format.as_deref().is_some_and(has_comma) != is_comma {
            declared.format = Some(other);
        }
        let sign = if is_comma { "comma" } else { "point" };
        declared.why.push(format!("no cell tells what stands before the fraction: a {sign}, as in `{by}`"));
    }
}

/// Where some column has a comma before its fractions, a column all of whose points stand before three digits has thousands.
pub fn settle_points<'a>(
    columns: impl Iterator<Item = (&'a ColumnName, &'a Evidence)>,
    declared: &mut BTreeMap<ColumnName, Declared>,
) {
    let has_comma = |declared: &Declared| declared.format.as_deref().is_some_and(has_comma);
    let Some((other, _)) = declared.iter().find(|(_, declared)| has_comma(declared)) else { return };
    let why = format!("a point stands before three digits or nowhere: thousands, as `{other}` has commas");
    for (name, _) in columns.filter(|(_, evidence)| evidence.maybe_thousands() > 0) {
        let format = Some("1.234,56".to_owned());
        declared.insert(name.clone(), Declared { format, ..Declared::new(Kind::Number, why.clone()) });
    }
}
