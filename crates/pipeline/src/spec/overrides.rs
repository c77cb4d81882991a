//! One value of a spec changed for one run: `--set data.source=other.csv`.

use std::path::Path;
use std::str::FromStr;

use toml_edit::{Key, TableLike, Value};

use super::SpecText;
use crate::PipelineError;

/// A value, and the path of the key that it is written under.
#[derive(Clone, Debug)]
pub struct Override {
    keys: Vec<String>,
    value: Value,
}

impl FromStr for Override {
    type Err = String;

    /// The key is a path as in TOML: what holds a dot, or `=`, stands in quotes. The value is TOML, or else text.
    fn from_str(written: &str) -> Result<Override, String> {
        let mut cuts = written.match_indices('=').map(|(at, _)| written.split_at(at));
        let quoted = cuts.clone().find_map(|(key, value)| Some((path(Key::parse(key).ok()?), value)));
        // Without quotes, a key may also hold letters that TOML has in quotes only: `contract.Größe.min`.
        let bare = || {
            let (key, value) = cuts.next()?;
            let is_bare = !key.contains('"') && key.split('.').all(|part| !part.trim().is_empty());
            is_bare.then(|| (key.split('.').map(str::to_owned).collect(), value))
        };
        let (keys, value) = quoted.or_else(bare).ok_or(
            "write KEY=VALUE, such as `data.source=other.csv`; a name with a dot stands in quotes: `contract.\"a.b\".min=0`",
        )?;
        let value = &value[1..];
        let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
        let read =
            value.parse().or_else(|_| match digits.is_empty() || digits.contains(|c: char| !c.is_ascii_digit()) {
                true => Ok(Value::from(value)),
                false => {
                    Err(format!("{value} is beyond the integers of TOML, -2^63 to 2^63 - 1; a text stands in quotes"))
                }
            })?;
        Ok(Override { keys, value: read })
    }
}

fn path(keys: Vec<Key>) -> Vec<String> {
    keys.iter().map(|key| key.get().to_owned()).collect()
}

/// The text with some values replaced.
pub(super) fn apply(path: &Path, text: String, overrides: &[Override]) -> Result<String, PipelineError> {
    let unreadable = |error| SpecText::new(path, text.clone()).unreadable(&error);
    let mut document: toml_edit::DocumentMut = text.parse().map_err(unreadable)?;
    for Override { keys, value } in overrides {
        let missing = || {
            let said = format!("`{}` can't be set: there is no table to hold it", keys.join("."));
            let steps = (keys[0] == "step").then(|| "steps are counted from 0, and `--set` adds none".to_owned());
            PipelineError::input(said).help(steps)
        };
        let adds_a_step = matches!(keys[0].as_str(), "step" | "steps") && !document.contains_key(&keys[0]);
        if adds_a_step && keys.len() > 1 {
            return Err(missing());
        }
        set(document.as_table_mut(), keys, value.clone(), false).ok_or_else(missing)?;
    }
    Ok(document.to_string())
}

/// Stands beside what was set: who is shown the line shall not look for it in the file.
const REMARK: &str = "  # set for this run";

/// Sets the value under `keys`; a key that is a number chooses an entry of an array of tables. A table that is written
/// `in_line` has no room for a remark.
fn set(table: &mut dyn TableLike, keys: &[String], value: Value, in_line: bool) -> Option<()> {
    let (first, rest) = keys.split_first()?;
    if rest.is_empty() {
        let remark = if in_line { "" } else { REMARK };
        table.insert(first, toml_edit::value(value.decorated(" ", remark)));
        return Some(());
    }
    let item = table.entry(first).or_insert_with(toml_edit::table);
    if let Some(tables) = item.as_array_of_tables_mut() {
        return set(tables.get_mut(rest[0].parse().ok()?)?, &rest[1..], value, in_line);
    }
    let in_line = in_line || item.is_inline_table();
    set(item.as_table_like_mut()?, rest, value, in_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, expected: &str) {
        let text = "[data]\nsource = \"a.csv\"\n\n[[step]]\nuse = \"log\"\n".to_owned();
        let changed = match written.parse() {
            Err(error) => error,
            Ok(one) => apply(Path::new("p.toml"), text.clone(), &[one]).unwrap_or_else(|error| error.message),
        };
        let changed = changed.replace(REMARK, "");
        let new: Vec<&str> =
            changed.lines().filter(|line| !line.is_empty() && !text.lines().any(|old| old == *line)).collect();
        assert_eq!(new.join("; "), expected, "{written}");
    }

    #[test]
    fn a_key_is_a_path_as_in_toml() {
        check("data.source=other.csv", r#"source = "other.csv""#);
        check("data.split.test=0.3", "[data.split]; test = 0.3");
        check("step.0.columns=[\"x\"]", r#"columns = ["x"]"#);
        check(r#"contract."Lot.Frontage".min=0"#, r#"[contract]; [contract."Lot.Frontage"]; min = 0"#);
        check(r#"contract.'a=b'.min=0"#, r#"[contract]; [contract."a=b"]; min = 0"#);
        check("contract.Größe.unit=a=b", r#"[contract]; [contract."Größe"]; unit = "a=b""#);
        check("step.1.columns=x", "`step.1.columns` can't be set: there is no table to hold it");
        check("model.class_weights.1=5", "[model]; [model.class_weights]; 1 = 5");
        check("contract.2020.min=0", "[contract]; [contract.2020]; min = 0");
        check("steps.0.columns=x", "`steps.0.columns` can't be set: there is no table to hold it");
    }

    #[test]
    fn what_was_set_is_told_from_what_is_written_where_there_is_room() {
        let text = "[data]\nsplit = { test = 0.2 }\nrows = 3\n".to_owned();
        let set = ["data.split.test=0.3", "data.rows=7"].map(|one| one.parse().expect("a key and a value"));
        let changed = apply(Path::new("p.toml"), text, &set).expect("both have a table");
        assert_eq!(changed, "[data]\nsplit = { test = 0.3}\nrows = 7  # set for this run\n");
    }

    #[test]
    fn an_integer_that_toml_has_not_is_no_text() {
        check(
            "data.rows=18446744073709551615",
            "18446744073709551615 is beyond the integers of TOML, -2^63 to 2^63 - 1; a text stands in quotes",
        );
        check("data.rows=9223372036854775807", "rows = 9223372036854775807");
        check("data.source=-", "source = \"-\"");
    }

    #[test]
    fn what_is_no_key_and_value_is_refused() {
        for written in ["data.source", "=x", "data..source=x", "contract.\"a.b.min=0", ""] {
            let error = written.parse::<Override>().expect_err(written);
            assert!(error.starts_with("write KEY=VALUE"), "{written}");
        }
    }
}
