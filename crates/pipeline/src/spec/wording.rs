//! What the readers of TOML and JSON say of a value that doesn't fit, in plain words.

use evenstep_table::did_you_mean;

/// What is wrong with the value under `path`, and what to write instead if that is known.
pub(super) fn plain(path: &[String], message: &str) -> (String, Option<String>) {
    let key = path.iter().rfind(|part| !part.starts_with('[')).map_or("this", String::as_str);
    if let Some((word, known)) = unknown("variant", message) {
        let help =
            did_you_mean(word, known.iter().copied()).unwrap_or_else(|| format!("known here: {}", known.join(", ")));
        return (format!("`{key}` can't be `{word}`"), Some(help));
    }
    let unfit = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    if let Some((found, expected)) = unfit.and_then(|unfit| unfit.rsplit_once(", expected ")) {
        let verb = if path.last().is_some_and(|part| part.starts_with('[')) { "holds" } else { "is" };
        let said = format!("`{key}` {verb} {}, but {} is expected", what(found), expectation(expected));
        let is_of_tables = what(found) == "a table" || path == ["step"];
        let tables = (expected == "a sequence" && is_of_tables).then(|| format!("write `[[{key}]]`"));
        let help = tables.or_else(|| {
            literal(found).and_then(|value| match expected {
                "a sequence" => Some(format!("write `{key} = [{value}]`")),
                _ if expectation(expected) == "a whole number from 0" && value.parse::<u64>().is_ok() => {
                    Some("it is too large".to_owned())
                }
                WORD if !value.starts_with('"') => Some(format!("write `{key} = \"{value}\"`")),
                _ if value == "false" && expectation(expected) == "a table" => Some(format!("leave `{key}` out")),
                _ => None,
            })
        });
        return (said, help);
    }
    // The words of an enum that takes values of several types begin so.
    if ["a ", "the ", "\""].iter().any(|start| message.starts_with(start)) {
        return (format!("`{key}` takes {message}"), None);
    }
    (message.replace("missing field", "missing key"), None)
}

/// What serde calls an enum.
const WORD: &str = "string or map";

/// The unknown field or variant, and the known ones.
pub(super) fn unknown<'a>(which: &str, message: &'a str) -> Option<(&'a str, Vec<&'a str>)> {
    let rest = message.strip_prefix("unknown ")?.strip_prefix(which)?.strip_prefix(" `")?;
    let (word, expected) = rest.split_once('`')?;
    Some((word, expected.split('`').skip(1).step_by(2).collect()))
}

/// The value in the message, as it was written.
fn literal(found: &str) -> Option<&str> {
    let quoted = found.strip_prefix("string ");
    quoted.or_else(|| found.split('`').nth(1))
}

/// What was found: numbers as they are, other values by what they are.
fn what(found: &str) -> &str {
    match found.split([' ', '`']).next().unwrap_or_default() {
        "string" => "a text",
        "sequence" => "a list",
        "map" => "a table",
        "unit" | "null" => "nothing",
        _ => literal(found).unwrap_or(found),
    }
}

fn expectation(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a string" => "a text",
        "a boolean" => "true or false",
        WORD => "a word",
        "a map" => "a table",
        "f32" | "f64" => "a number",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0",
        expected if expected.starts_with("a nonzero") => "a whole number from 1",
        expected if expected.starts_with("struct ") => "a table",
        expected => expected,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::Spec;

    /// What is said of a spec with one line changed.
    fn check(line: &str, written: &str) -> String {
        let text = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"a.csv\"\ntarget = \"y\"\n\
            [contract]\nx = {}\n[[step]]\nuse = \"log\"\ncolumns = \"x\"\n[model]\nuse = \"boosted_trees\"\n";
        assert!(text.contains(line), "{line}");
        match Spec::parse(Path::new("p.toml"), text.replace(line, written)) {
            Ok(_) => panic!("{written} reads"),
            Err(error) => [Some(error.message), error.help].into_iter().flatten().collect::<Vec<_>>().join(" | "),
        }
    }

    #[test]
    fn steps_are_tables() {
        let (said, help) = super::plain(&["step".to_owned()], "invalid type: integer `1`, expected a sequence");
        assert_eq!((said.as_str(), help.as_deref()), ("`step` is 1, but a list is expected", Some("write `[[step]]`")));
    }

    #[test]
    fn values_of_a_wrong_type_are_told_in_plain_words() {
        insta::assert_snapshot!(check("seed = 1", "seed = \"x\""), @"`seed` is a text, but a whole number from 0 is expected");
        insta::assert_snapshot!(check("seed = 1", "seed = -1"), @"`seed` is -1, but a whole number from 0 is expected");
        insta::assert_snapshot!(check("use = \"boosted_trees\"", "use = \"boosted_trees\"\ntrees = 100000000000"), @"`trees` is 100000000000, but a whole number from 0 is expected | it is too large");
        insta::assert_snapshot!(check("[[step]]", "[step]"), @"`step` is a table, but a list is expected | write `[[step]]`");
        insta::assert_snapshot!(check("seed = 1", "seed = 1.5"), @"`seed` is 1.5, but a whole number from 0 is expected");
        insta::assert_snapshot!(check("seed = 1\n", ""), @"missing key `seed`");
        insta::assert_snapshot!(check("\"boosted_trees\"", "\"boosted_trees\"\nearly_stopping = false"), @"`early_stopping` is false, but a table is expected | leave `early_stopping` out");
        insta::assert_snapshot!(check("\"boosted_trees\"", "\"boosted_trees\"\nclass_weights = \"even\""), @r#"`class_weights` is a text, but a table of weights by class, or "balanced", is expected"#);
        insta::assert_snapshot!(check("columns = \"x\"", "columns = \"x\"\nbase = 10"), @r#"`base` is 10, but a word is expected | write `base = "10"`"#);
        insta::assert_snapshot!(check("columns = \"x\"", "columns = \"x\"\nbase = \"3\""), @"unknown value `3` | it is one of e, 2, 10");
        insta::assert_snapshot!(check("name = \"p\"", "name = 5"), @"`name` is 5, but a text is expected");
        insta::assert_snapshot!(check("target = \"y\"", "target = [\"y\"]"), @"`target` is a list, but a text is expected");
        insta::assert_snapshot!(check("target = \"y\"", "target = \"y\"\nid = 5"), @"`id` takes a name or a list of names");
        insta::assert_snapshot!(check("target = \"y\"", "target = \"y\"\nmissing = \"NA\""), @r#"`missing` is a text, but a list is expected | write `missing = ["NA"]`"#);
        insta::assert_snapshot!(check("target = \"y\"", "target = \"y\"\nmissing = [\"NA\", -9]"), @"`missing` holds -9, but a text is expected");
        insta::assert_snapshot!(check("source = \"a.csv\"", "file = \"a.csv\""), @"unknown key `file` | it is called `source` here");
        insta::assert_snapshot!(check("target = \"y\"", "target = \"y\"\ndrop = [\"x\"]"), @r#"unknown key `drop` | a first step leaves columns out: `[[step]]` with `use = "drop_columns"` and `columns = ["…"]`"#);
        insta::assert_snapshot!(check("target = \"y\"", "target = \"y\"\nsplit = 0.2"), @"`split` is 0.2, but a table is expected");
        insta::assert_snapshot!(check("target = \"y\"", "target = \"y\"\ntask = \"binry\""), @"`task` can't be `binry` | did you mean `binary`?");
        insta::assert_snapshot!(check("x = {}", "x = \"number\""), @"`x` is a text, but a table is expected");
        insta::assert_snapshot!(check("x = {}", "x = { type = \"float\" }"), @"`type` can't be `float` | known here: number, integer, boolean, category, text, date, time, datetime");
        insta::assert_snapshot!(check("x = {}", "x = { min = true }"), @"`min` is true, but a number, or a date or time as text is expected");
        insta::assert_snapshot!(check("x = {}", "x = { mni = 3 }"), @"unknown key `mni` | did you mean `min`?");
        insta::assert_snapshot!(check("x = {}", "x = { minimum = 3 }"), @"unknown key `minimum` | it is called `min` here");
        insta::assert_snapshot!(check("x = {}", "x = { exclusiveMinimum = 3 }"), @"unknown key `exclusiveMinimum` | `min` and `max` are allowed values themselves: write the next one");
        insta::assert_snapshot!(check("x = {}", "x = { required = true }"), @r#"unknown key `required` | `absent = "null"` takes rows without the column; `absent = "reject"`, the default, refuses them"#);
        insta::assert_snapshot!(check("x = {}", "x = { pattern = \"a*\" }"), @"unknown key `pattern` | known here: type, missing, invalid, unseen, out_of_range, min, max, values, unique, unit, format, zone, personal, available, absent");
        insta::assert_snapshot!(check("x = {}", "Lot.Frontage = { min = 3 }"), @r#"unknown key `Frontage` | a name with a dot is written in quotes: "Lot.Frontage" = { … }"#);
        insta::assert_snapshot!(check("x = {}", "[contract.Lot.Frontage]\nmin = 3"), @r#"unknown key `Frontage` | a name with a dot is written in quotes: "Lot.Frontage" = { … }"#);
        insta::assert_snapshot!(check("x = {}", "x = { min = nan }"), @"`min` is NaN, but a finite number is expected");
        insta::assert_snapshot!(check("x = {}", "x = { max = -inf }"), @"`max` is -inf, but a finite number is expected");
        insta::assert_snapshot!(check("columns = \"x\"", "columns = 5"), @"`columns` takes the name of a column, a list of names, or a table of `type`, `pattern` and `except`");
        insta::assert_snapshot!(check("columns = \"x\"", "columns = { type = 5 }"), @"`columns` takes the name of a column, a list of names, or a table of `type`, `pattern` and `except`");
        insta::assert_snapshot!(check("use = \"boosted_trees\"", "use = \"boosted_trees\"\ntrees = \"many\""), @"`trees` is a text, but a whole number from 0 is expected");
        insta::assert_snapshot!(check("use = \"boosted_trees\"", "use = \"boosted_trees\"\ntrees = -3"), @"`trees` is -3, but a whole number from 0 is expected");
        insta::assert_snapshot!(check("use = \"boosted_trees\"", "use = \"boosted_trees\"\nlearning_rate = [0.1]"), @"`learning_rate` is a list, but a number is expected");
        insta::assert_snapshot!(check("[model]", "[report]\nmetrics = \"rmse\"\n[model]"), @r#"`metrics` is a text, but a list is expected | write `metrics = ["rmse"]`"#);
        insta::assert_snapshot!(check("[model]", "[card]\nlicense = \"MIT\"\n[model]"), @"unknown key `license` | did you mean `licence`?");
        insta::assert_snapshot!(check("[model]", "[card]\nowners = \"Ana\"\n[model]"), @r#"`owners` is a text, but a list is expected | write `owners = ["Ana"]`"#);
        insta::assert_snapshot!(check("use = \"log\"", "use = 5"), @"`use` is a name in quotes");
    }
}
