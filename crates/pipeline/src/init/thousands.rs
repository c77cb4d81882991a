//! Points that set thousands apart, as the other columns' commas tell.

use std::collections::BTreeMap;

use evenstep_table::infer::Evidence;
use evenstep_table::{ColumnName, Kind};

use super::Declared;

/// Where some column has a comma before its fractions, a column all of whose points stand before three digits has thousands.
pub fn settle_points<'a>(
    columns: impl Iterator<Item = (&'a ColumnName, &'a Evidence)>,
    declared: &mut BTreeMap<ColumnName, Declared>,
) {
    let has_comma = |declared: &Declared| declared.format.as_ref().is_some_and(|format| format.contains("234,56"));
    let Some((other, _)) = declared.iter().find(|(_, declared)| has_comma(declared)) else { return };
    let why = format!("a point stands before three digits or nowhere: thousands, as `{other}` has commas");
    for (name, _) in columns.filter(|(_, evidence)| evidence.maybe_thousands() > 0) {
        let format = Some("1.234,56".to_owned());
        declared.insert(name.clone(), Declared { format, ..Declared::new(Kind::Number, why.clone()) });
    }
}
