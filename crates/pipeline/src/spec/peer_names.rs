//! What other tools call the keys of a column's rule, for people who bring theirs along.

/// What to write instead of a peer's key, if it is known.
pub(super) fn answer(written: &str) -> Option<String> {
    let written = written.to_lowercase().replace(['-', '_'], "");
    let is_called = |(names, _): &&(&[&str], &str)| names.contains(&written.as_str());
    let called = || Some(format!("it is called `{}` here", CALLED.iter().find(is_called)?.1));
    called().or_else(|| Some(INSTEAD.iter().find(is_called)?.1.to_owned()))
}

type Names = &'static [(&'static [&'static str], &'static str)];

/// JSON Schema, pandera, Great Expectations, dbt and pandas; without case, `-` or `_`.
const CALLED: Names = &[
    (&["dtype", "datatype", "kind"], "type"),
    (&["minimum", "minvalue", "ge", "gte", "greaterthanorequalto", "lower", "lowerbound", "atleast"], "min"),
    (&["maximum", "maxvalue", "le", "lte", "lessthanorequalto", "upper", "upperbound", "atmost"], "max"),
    (&["enum", "isin", "valueset", "acceptedvalues", "allowed", "allowedvalues", "categories", "levels"], "values"),
    (&["outofbounds", "outliers", "clip"], "out_of_range"),
    (&["unknown", "handleunknown"], "unseen"),
    (&["errors", "onerror", "coerce"], "invalid"),
    (&["distinct", "primarykey", "uniqueitems"], "unique"),
    (&["dateformat", "strptime"], "format"),
    (&["tz", "timezone"], "zone"),
    (&["pii", "sensitive"], "personal"),
];

const INSTEAD: Names = &[
    (
        &["required", "optional"],
        "`absent = \"null\"` takes rows without the column; `absent = \"reject\"`, the default, refuses them",
    ),
    (
        &["nullable", "null", "nulls", "allownull", "notnull", "na"],
        "`missing = \"reject\"` refuses nulls; `missing = \"allow\"`, the default, takes them",
    ),
    (
        &["default", "fill", "fillna"],
        "`absent = \"null\"` takes rows without the column, and a step such as `impute_constant` fills it in",
    ),
    (&["range", "inrange", "between"], "`min` and `max` say it, both of which are allowed values"),
    (
        &["exclusiveminimum", "gt", "greaterthan", "exclusivemaximum", "lt", "lessthan"],
        "`min` and `max` are allowed values themselves: write the next one",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_otherwise_here_is_a_key_of_ours() {
        let schema = schemars::schema_for!(evenstep_table::RuleSpec).to_value();
        let keys = schema["properties"].as_object().expect("a table");
        for (names, called) in CALLED {
            assert!(keys.contains_key(*called), "{called}");
            assert!(names.iter().all(|name| !keys.contains_key(*name)), "{called}");
        }
    }
}
