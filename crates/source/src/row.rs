//! Rows of a request: JSON objects to a batch, by the same rules as files.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use evenstep_table::build::{ColumnBuilder, Strictness, Value};
use evenstep_table::check::Breach;
use evenstep_table::quality::Quality;
use evenstep_table::{Batch, ColumnName, did_you_mean};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::chunk::{Flag, Origin, checked};
use crate::reading::{Mode, Plan, Reading};

/// At most so many errors are told of one request.
const TOLD: usize = 100;

/// What becomes of names that nobody knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// They are refused, with a suggestion.
    #[default]
    Reject,
    /// They are ignored.
    Ignore,
}

/// Types the rows of requests. Made once, used by many threads.
#[derive(Debug)]
pub struct RowTyper {
    plan: Plan,
    names: BTreeMap<ColumnName, usize>,
    /// Names that rows may have besides, to be echoed.
    also: BTreeSet<ColumnName>,
    extra: Extra,
    /// Builders that wait for the next request.
    idle: Mutex<Vec<Vec<ColumnBuilder>>>,
}

/// Rows of a request, typed and checked.
#[derive(Debug)]
pub struct TypedRows {
    /// The rows, without identity yet. Where cells are refused they are null.
    pub batch: Batch,
    /// What is said with the predictions, by row, then by name.
    pub flags: Vec<Flag>,
    /// Rows whose prediction is null, in order.
    pub unanswered: Vec<usize>,
    /// What is refused, by row, then by name; at most 100. Empty means that the rows may be scored.
    pub errors: Vec<RowError>,
    /// How much is refused altogether.
    pub error_count: usize,
    /// What was found, for counters.
    pub quality: Quality,
}

/// A member of a row that is refused: an entry of `errors` in an answer of status 422.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RowError {
    /// The row within the request, from 0.
    pub row: usize,
    /// The member's name.
    pub field: String,
    /// Its value; None if it has none, or one that tells of people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    /// The rule that it breaks.
    pub rule: Breach,
    /// What is wrong, for people.
    pub message: String,
}

impl RowTyper {
    /// For rows with the columns of `reading`, which may also have those of `also`.
    pub fn new(reading: &Reading, also: impl IntoIterator<Item = ColumnName>, extra: Extra) -> RowTyper {
        let mut plan = Reading { mode: Mode::Scoring, ..reading.clone() }.plan();
        plan.refusals = TOLD;
        let names = plan.columns.iter().enumerate().map(|(place, column)| (column.name.clone(), place)).collect();
        RowTyper { plan, names, also: also.into_iter().collect(), extra, idle: Mutex::default() }
    }

    /// Types and checks the rows of a request.
    pub fn rows(&self, rows: &[Map<String, Json>]) -> TypedRows {
        let mut builders = self.take_builders();
        let mut known = vec![0; rows.len()];
        for (planned, builder) in self.plan.columns.iter().zip(&mut builders) {
            for (row, known) in rows.iter().zip(&mut known) {
                match row.get(planned.name.as_str()) {
                    Some(json) => {
                        *known += 1;
                        with_value(json, |value| builder.push(value));
                    }
                    None => builder.push_absent(),
                }
            }
        }
        let typed = builders.iter_mut().map(ColumnBuilder::finish).collect();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(builders);
        let origin = Origin { file: "request".into(), first_row: 0, kept: None };
        let mut chunk = checked(&self.plan, typed, rows.len(), origin);

        let mut errors: Vec<RowError> = std::mem::take(&mut chunk.refused)
            .into_iter()
            .map(|refused| {
                let (row, field) = (refused.place.row as usize, refused.column.to_string());
                let personal = self.plan.columns[self.names[&refused.column]].rule.personal;
                let value = rows[row].get(&field).filter(|_| !personal).cloned();
                let message = format!("`{field}`: {}", refused.because);
                RowError { row, field, value, rule: refused.rule, message }
            })
            .collect();
        let mut error_count = chunk.quality.rejected.count as usize;
        if self.extra == Extra::Reject {
            let strange = (0..rows.len()).filter(|row| rows[*row].len() > known[*row]);
            for error in strange.flat_map(|row| self.unknown(row, &rows[row])) {
                error_count += 1;
                if errors.len() < 2 * TOLD {
                    errors.push(error);
                }
            }
        }
        errors.sort_by(|a, b| (a.row, &a.field).cmp(&(b.row, &b.field)));
        errors.truncate(TOLD);
        TypedRows {
            batch: chunk.batch,
            flags: chunk.flags,
            unanswered: chunk.unanswered,
            errors,
            error_count,
            quality: chunk.quality,
        }
    }

    fn take_builders(&self) -> Vec<ColumnBuilder> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| {
            let builder = |rule| ColumnBuilder::new(rule, self.plan.missing.clone(), Strictness::Request);
            self.plan.columns.iter().map(|column| builder(&column.rule)).collect()
        })
    }

    fn unknown(&self, row: usize, members: &Map<String, Json>) -> Vec<RowError> {
        let known = |name: &str| self.names.contains_key(name) || self.also.contains(name);
        let lacking = || self.names.keys().map(ColumnName::as_str).filter(|name| !members.contains_key(*name));
        let strange = members.keys().filter(|name| !known(name));
        strange
            .map(|field| {
                let near = did_you_mean(field, lacking()).map(|near| format!(", {near}")).unwrap_or_default();
                let message = format!("`{field}` is not in the contract{near}");
                RowError { row, field: field.clone(), value: None, rule: Breach::Unknown, message }
            })
            .collect()
    }
}

fn with_value(json: &Json, take: impl FnOnce(Value<'_>)) {
    let text: Cow<'_, str>;
    take(match json {
        Json::Null => Value::Null,
        Json::Bool(yes) => Value::Boolean(*yes),
        Json::String(text) => Value::Text(text),
        Json::Array(_) => Value::Foreign("a list"),
        Json::Object(_) => Value::Foreign("an object"),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => Value::Integer(integer),
            (None, Some(natural)) => {
                text = natural.to_string().into();
                Value::Decimal(&text)
            }
            (None, None) => Value::Float(number.as_f64().unwrap_or(f64::INFINITY)),
        },
    });
}

#[cfg(test)]
mod tests {
    use evenstep_table::check::Seen;
    use evenstep_table::{Column, Kind, Rule, RuleSpec};

    use super::*;

    fn name(text: &str) -> ColumnName {
        ColumnName::new(text).expect("not empty")
    }

    fn typer(rules: &str, seen: &[(&str, Seen)]) -> RowTyper {
        let specs: BTreeMap<ColumnName, RuleSpec> = serde_json::from_str(rules).expect("rules");
        let resolve =
            |(name, spec): (ColumnName, RuleSpec)| (name, Rule::resolve(&spec, None, None).expect("consistent"));
        let reading = Reading {
            missing: vec![String::new(), "NA".to_owned()],
            columns: specs.into_iter().map(resolve).collect(),
            seen: seen.iter().map(|(column, seen)| (name(column), seen.clone())).collect(),
            ..Reading::default()
        };
        RowTyper::new(&reading, [name("id")], Extra::Reject)
    }

    fn check(typer: &RowTyper, rows: &str) -> TypedRows {
        let rows: Vec<Map<String, Json>> = serde_json::from_str(rows).expect("rows");
        typer.rows(&rows)
    }

    fn messages(typed: &TypedRows) -> Vec<String> {
        typed.errors.iter().map(|error| format!("{} {} {}", error.row, error.rule.word(), error.message)).collect()
    }

    #[test]
    fn json_has_types_and_a_mistaken_one_is_refused() {
        for (kind, json, accepted) in [
            ("number", "3", true),
            ("number", "true", false),
            ("number", "\"3.5\"", false),
            ("number", "\"NA\"", true),
            ("number", "null", true),
            ("number", "9007199254740993", true),
            ("number", "18446744073709551616", true),
            ("integer", "4.0", true),
            ("integer", "4.5", false),
            ("integer", "9223372036854775808", false),
            ("integer", "9007199254740993", true),
            ("integer", "\"7\"", false),
            ("category", "7", false),
            ("category", "true", false),
            ("category", "\"7\"", true),
            ("text", "[1]", false),
            ("boolean", "true", true),
            ("boolean", "1", false),
            ("boolean", "\"true\"", false),
            ("date", "\"2024-12-30\"", true),
            ("date", "20240101", false),
            ("date", "\"30.12.2024\"", false),
            ("datetime", "\"2024-01-02T03:04:05\"", true),
            ("datetime", "\"2024-01-02T03:04:05Z\"", false),
            ("datetime", "1704164645000", false),
            ("text", "{}", false),
        ] {
            let typer = typer(&format!("{{\"x\": {{\"type\": \"{kind}\"}}}}"), &[]);
            let typed = check(&typer, &format!("[{{\"x\": {json}}}]"));
            assert_eq!(typed.errors.is_empty(), accepted, "{json} for {kind}: {:?}", messages(&typed));
        }
    }

    #[test]
    fn an_instant_is_the_same_in_any_zone_and_a_naive_time_is_refused() {
        let typer = typer(r#"{"at": {"type": "datetime", "zone": "Europe/Berlin"}}"#, &[]);
        let typed = check(
            &typer,
            r#"[{"at": "2024-01-02T03:04:05Z"}, {"at": "2024-01-02T05:04:05+02:00"}, {"at": "2024-01-02T03:04:05"}]"#,
        );
        let Some(Column::Datetime(_, cells)) = typed.batch.get("at") else { panic!("a datetime") };
        assert_eq!(cells[0], cells[1]);
        insta::assert_snapshot!(messages(&typed).join("\n"), @"2 invalid `at`: `2024-01-02T03:04:05` is not an instant in ISO 8601, with `Z` or an offset, to the microsecond");
    }

    #[test]
    fn every_policy_refuses_or_flags_by_name() {
        let rules = r#"{
            "age": {"type": "integer", "min": 0, "max": 120, "missing": "reject"},
            "height": {"type": "number", "max": 2.5, "out_of_range": "clip", "absent": "null"},
            "sex": {"type": "category", "values": ["f", "m"], "unseen": "null"},
            "town": {"type": "category"},
            "weight": {"type": "number", "invalid": "quarantine", "personal": true}
        }"#;
        let seen = [("town", Seen { nulls: false, categories: Some(vec!["Bonn".into()]) })];
        let typed = check(
            &typer(rules, &seen),
            r#"[
            {"id": 7, "age": 30, "height": 3, "sex": "x", "town": "Rome", "weight": "heavy"},
            {"age": -1, "sex": "f", "town": null, "weight": 70.5, "heigth": 1.8},
            {"age": null, "height": null, "sex": "m", "weight": null}
        ]"#,
        );
        insta::assert_snapshot!(messages(&typed).join("\n"), @"
        1 unknown `heigth` is not in the contract, did you mean `height`?
        2 missing `age`: the value is missing
        2 absent `town`: the column is missing
        ");
        let flags: Vec<String> =
            typed.flags.iter().map(|flag| format!("{} {} {}", flag.row, flag.field, flag.rule.word())).collect();
        insta::assert_snapshot!(flags.join("\n"), @"
        0 height max
        0 sex values
        0 town unseen
        0 weight invalid
        1 age min
        1 height absent
        1 town missing
        ");
        assert_eq!(typed.unanswered, [0]);
        assert_eq!(typed.error_count, 3);
        let Some(Column::Number(heights)) = typed.batch.get("height") else { panic!("numbers") };
        assert_eq!(heights[0], 2.5);
    }

    #[test]
    fn a_personal_value_is_not_repeated() {
        let typer = typer(r#"{"x": {"type": "integer", "personal": true}}"#, &[]);
        let typed = check(&typer, r#"[{"x": "secret"}]"#);
        insta::assert_snapshot!(serde_json::to_string(&typed.errors).expect("JSON"), @r#"[{"row":0,"field":"x","rule":"invalid","message":"`x`: the value is not an integer"}]"#);
    }

    #[test]
    fn a_hundred_errors_are_told_and_all_are_counted() {
        let typer = typer(r#"{"x": {"type": "integer"}}"#, &[]);
        let rows: Vec<String> = (0..300).map(|row| format!("{{\"x\": \"{row}\"}}")).collect();
        let typed = check(&typer, &format!("[{}]", rows.join(",")));
        assert_eq!((typed.errors.len(), typed.error_count), (100, 300));
        assert_eq!(typed.errors[99].row, 99);
    }

    #[test]
    fn one_row_is_typed_as_in_a_batch() {
        let rules = r#"{"n": {"type": "number"}, "c": {"type": "category"}, "d": {"type": "date"}}"#;
        let typer = typer(rules, &[]);
        let rows = r#"[{"n": 1, "c": "a", "d": "2024-01-01"}, {"n": null, "c": "b", "d": "2024-01-02T00:00:00"}, {"n": -0.0, "c": "a", "d": null}]"#;
        let rows: Vec<Map<String, Json>> = serde_json::from_str(rows).expect("rows");
        let whole = typer.rows(&rows);
        for (at, row) in rows.iter().enumerate() {
            let alone = typer.rows(std::slice::from_ref(row));
            for (name, column) in alone.batch.columns() {
                assert_eq!(column.text(0), whole.batch.column(name).text(at));
            }
        }
        assert_eq!(whole.batch.schema().get("d"), Some(&Kind::Date));
    }
}
