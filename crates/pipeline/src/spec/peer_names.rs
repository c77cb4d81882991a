//! What other tools call the keys of `[data]` and of a column's rule, for people who bring theirs along.

/// What to write in `[data]` instead of a key that isn't ours, if it is known.
pub(super) fn of_data(written: &str) -> Option<String> {
    answer(written, DATA_CALLED, DATA_INSTEAD)
}

/// What to write in the rule of a column instead of a peer's key, if it is known.
pub(super) fn of_rule(written: &str) -> Option<String> {
    answer(written, CALLED, INSTEAD)
}

fn answer(written: &str, called: Names, instead: Names) -> Option<String> {
    let written = written.to_lowercase().replace(['-', '_'], "");
    let is_meant = |(names, _): &&(&[&str], &str)| names.contains(&written.as_str());
    let called = || Some(format!("it is called `{}` here", called.iter().find(is_meant)?.1));
    called().or_else(|| Some(instead.iter().find(is_meant)?.1.to_owned()))
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

const DATA_CALLED: Names = &[
    (&["file", "files", "path", "paths", "filename", "input", "csv", "parquet", "train", "data", "url"], "source"),
    (&["label", "labels", "y", "outcome", "response", "dependent", "predict", "targetcolumn"], "target"),
    (&["ids", "key", "keys", "index", "primarykey", "idcolumn", "rowid", "identity"], "id"),
    (&["sampleweight", "sampleweights", "weights", "weightcolumn"], "weight"),
    (&["groups", "query", "qid", "groupcolumn"], "group"),
    (&["date", "timestamp", "timecolumn", "eventtime", "when"], "time"),
    (&["tz", "timezone"], "zone"),
    (&["na", "navalues", "nullvalues", "nulls", "missingvalues"], "missing"),
    (&["problem", "tasktype", "objective", "kind"], "task"),
    (&["pos", "poslabel", "positiveclass", "positivelabel"], "positive"),
];

const DATA_INSTEAD: Names = &[
    (
        &["drop", "ignore", "exclude", "dropcolumns", "ignorecolumns"],
        "a first step leaves columns out: `[[step]]` with `use = \"drop_columns\"` and `columns = [\"…\"]`",
    ),
    (
        &["columns", "features", "usecols", "select"],
        "a first step chooses columns: `[[step]]` with `use = \"select_columns\"` and `columns = [\"…\"]`",
    ),
    (&["test", "testsize", "testfraction", "holdout"], "it stands in `split`: `split = { test = 0.2 }`"),
    (&["folds", "cv", "kfold", "nsplits", "nfolds"], "it stands in `split`: `split = { folds = 5 }`"),
    (&["seed", "randomstate"], "`[pipeline] seed` is that of every draw, `split = { seed = 0 }` that of the split"),
    (&["types", "dtypes", "dtype", "schema"], "types stand in `[contract]`: `Age = { type = \"number\" }`"),
    (
        &["sep", "separator", "delimiter", "encoding", "header", "format"],
        "how a file is written is seen from its name and its first lines",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_otherwise_here_is_a_key_of_ours() {
        let check = |schema: schemars::Schema, called: Names, instead: Names| {
            let schema = schema.to_value();
            let keys = schema["properties"].as_object().expect("a table");
            assert!(called.iter().all(|(_, ours)| keys.contains_key(*ours)));
            let mut all: Vec<&str> =
                called.iter().chain(instead).flat_map(|(names, _)| names.iter().copied()).collect();
            assert!(!all.iter().any(|name| keys.contains_key(*name)), "{all:?}");
            all.sort_unstable();
            assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "{all:?}");
        };
        check(schemars::schema_for!(evenstep_table::RuleSpec), CALLED, INSTEAD);
        check(schemars::schema_for!(crate::spec::DataSection), DATA_CALLED, DATA_INSTEAD);
    }
}
