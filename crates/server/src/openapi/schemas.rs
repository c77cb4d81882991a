//! What rows, answers and problems look like.

use evenstep_pipeline::interface::unlisted;
use evenstep_pipeline::{Interface, Predictor};
use evenstep_source::Extra;
use evenstep_table::rule::{Bound, Missing, OutOfRange, Rule, Unseen};
use evenstep_table::{Clock, Kind, NULL_INTEGER, Task, some_of};
use jiff::Timestamp;
use jiff::fmt::strtime;
use serde_json::{Map, Value, json};

/// What is read as a time of day, as a date before one, and as an offset after it.
const TIME: &str = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,6}0*)?)?";
const DATE: &str = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
const OFFSET: &str = "([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)";

/// So many values are told of a column that may have others.
const VALUES: usize = 20;

pub(crate) fn native(predictor: &Predictor) -> Map<String, Value> {
    let mut schemas = Map::new();
    schemas.insert("Row".to_owned(), row_schema(predictor));
    schemas.insert("Columns".to_owned(), columns_schema(predictor));
    schemas.insert("Answer".to_owned(), answer_schema(&predictor.task));
    schemas.insert("Problem".to_owned(), problem_schema());
    schemas
}

pub(super) fn row_schema(predictor: &Predictor) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let interface = Interface::of_predictor(predictor);
    for (name, rule) in interface.fields() {
        properties.insert(name.to_string(), field_schema(rule, &interface.missing));
        if interface.requires(name) {
            required.push(json!(name));
        }
    }
    let additional = predictor.serving.extra == Extra::Ignore;
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": additional })
}

/// `{"columns": {name: [value, …]}}`
fn columns_schema(predictor: &Predictor) -> Value {
    json!({
        "type": "object",
        "properties": { "columns": lists_schema(predictor) },
        "required": ["columns"],
        "additionalProperties": false,
    })
}

/// A list for each column, all of one length.
pub(super) fn lists_schema(predictor: &Predictor) -> Value {
    let mut lists = row_schema(predictor);
    if let Some(properties) = lists["properties"].as_object_mut() {
        for column in properties.values_mut() {
            *column = json!({ "type": "array", "items": column.take() });
        }
    }
    lists["description"] = json!("lists of one length");
    lists
}

/// The schema of a field, where some texts stand for null.
fn field_schema(rule: &Rule, missing: &[String]) -> Value {
    let (kind, format) = match rule.kind {
        Kind::Number => ("number", None),
        Kind::Integer => ("integer", Some("int64")),
        Kind::Boolean => ("boolean", None),
        Kind::Category | Kind::Text => ("string", None),
        Kind::Date => ("string", Some("date")),
        // The format `time` of JSON Schema asks for an offset, which a time of day has not.
        Kind::Time => ("string", None),
        Kind::Datetime(Clock::Instant) => ("string", Some("date-time")),
        Kind::Datetime(Clock::Civil) => ("string", None),
    };
    let mut schema = Map::new();
    let kind = if rule.missing == Missing::Allow { json!([kind, "null"]) } else { json!(kind) };
    schema.insert("type".to_owned(), kind);
    if let Some(format) = format.filter(|_| rule.format.is_none()) {
        schema.insert("format".to_owned(), json!(format));
    }
    let pattern = match rule.kind {
        Kind::Time => Some(format!("^{TIME}$")),
        Kind::Datetime(Clock::Civil) => Some(format!("^{DATE}([Tt ]{TIME})?$")),
        Kind::Datetime(Clock::Instant) => Some(format!("^{DATE}[Tt ]{TIME}{OFFSET}$")),
        _ => None,
    };
    if let Some(pattern) = pattern.filter(|_| rule.format.is_none()) {
        schema.insert("pattern".to_owned(), json!(pattern));
    }
    if rule.kind == Kind::Integer {
        // What no column of integers holds is refused, whatever its bounds.
        schema.insert("minimum".to_owned(), json!(NULL_INTEGER + 1));
        schema.insert("maximum".to_owned(), json!(i64::MAX));
    }
    let mut words = Vec::new();
    match &rule.values {
        Some(values) if rule.unseen == Unseen::Reject => {
            let (texts, null) = match rule.missing {
                Missing::Allow => (missing, Some(Value::Null)),
                Missing::Reject => (&[][..], None),
            };
            let texts = texts.iter().filter(|text| !values.contains(text));
            let taken = values.iter().chain(texts).map(|value| json!(value)).chain(null);
            schema.insert("enum".to_owned(), taken.collect());
        }
        Some(values) => {
            words.push(format!("known are {}", some_of(values.iter().map(|value| format!("`{value}`")), VALUES, ", ")))
        }
        None => words.extend(unlisted(rule).map(str::to_owned)),
    }
    words.extend(rule.unit.as_ref().map(|unit| format!("in {unit}")));
    // Numbers in JSON are numbers.
    words
        .extend(rule.format.as_ref().filter(|_| !rule.kind.is_quantity()).map(|format| format!("written as {format}")));
    for (key, bound) in [("minimum", &rule.min), ("maximum", &rule.max)] {
        let Some(bound) = bound else { continue };
        let bound = serde_json::to_value(bound).unwrap_or(Value::Null);
        if rule.out_of_range == OutOfRange::Reject && bound.is_number() {
            schema.insert(key.to_owned(), bound);
        } else {
            words.push(format!("{key} {bound}"));
        }
    }
    if matches!(rule.kind, Kind::Category | Kind::Text) && !schema.contains_key("enum") {
        match (missing.iter().any(String::is_empty), rule.missing) {
            (true, Missing::Allow) => words.push("an empty text is null".to_owned()),
            (true, _) => drop(schema.insert("minLength".to_owned(), json!(1))),
            (false, _) => words.push("an empty text is a value".to_owned()),
        }
    }
    let is_held_to_a_form = schema.contains_key("format") || schema.contains_key("pattern");
    if schema["type"] == json!(["string", "null"]) && is_held_to_a_form && !missing.is_empty() {
        let texts = json!({ "type": "string", "enum": missing, "description": "stands for null" });
        schema = Map::from_iter([("anyOf".to_owned(), json!([schema, texts]))]);
    }
    if !words.is_empty() {
        schema.insert("description".to_owned(), json!(words.join(", ")));
    }
    Value::Object(schema)
}

pub(super) fn example(predictor: &Predictor) -> Value {
    let interface = Interface::of_predictor(predictor);
    let inputs = interface.fields().filter(|(name, _)| predictor.inputs.contains(name));
    let row = inputs.map(|(name, rule)| {
        let value = match rule.kind {
            Kind::Date | Kind::Time | Kind::Datetime(_) => json!(moment(rule)),
            _ if rule.values.as_ref().is_some_and(|values| !values.is_empty()) => {
                json!(rule.values.as_ref().map(|values| &values[0]))
            }
            Kind::Number => {
                let number = |bound: &Bound| if let Bound::Number(number) = bound { Some(*number) } else { None };
                json!(between(1.5, rule.min.as_ref().and_then(number), rule.max.as_ref().and_then(number)))
            }
            Kind::Integer => {
                let integer = |bound: &Bound| if let Bound::Integer(integer) = bound { Some(*integer) } else { None };
                json!(between(1, rule.min.as_ref().and_then(integer), rule.max.as_ref().and_then(integer)))
            }
            Kind::Boolean => json!(true),
            Kind::Category | Kind::Text => json!("a"),
        };
        (name.to_string(), value)
    });
    Value::Object(row.collect())
}

/// A value, or the bound of its column that it lies beyond.
fn between<T: PartialOrd>(value: T, min: Option<T>, max: Option<T>) -> T {
    let value = min.into_iter().fold(value, |value, min| if value < min { min } else { value });
    max.into_iter().fold(value, |value, max| if value > max { max } else { value })
}

/// One date or time, written as the column's are, and within its bounds, unless it has a format of its own.
fn moment(rule: &Rule) -> String {
    let format = rule.format.as_deref().unwrap_or(match rule.kind {
        Kind::Date => "%Y-%m-%d",
        Kind::Time => "%H:%M:%S",
        Kind::Datetime(Clock::Instant) => "%Y-%m-%dT%H:%M:%SZ",
        _ => "%Y-%m-%dT%H:%M:%S",
    });
    let moment: Timestamp = "2024-12-30T13:45:00Z".parse().expect("it is one");
    // What can be read in a format can be written in it.
    let moment = strtime::format(format, moment).unwrap_or_default();
    // Bounds are in ISO 8601, whose order is that of its texts, if these have one form.
    let text = |bound: &Bound| if let Bound::Text(text) = bound { Some(text.clone()) } else { None };
    let [min, max] = [&rule.min, &rule.max].map(|bound| {
        bound.as_ref().and_then(text).filter(|bound| rule.format.is_none() && bound.len() == moment.len())
    });
    between(moment, min, max)
}

fn answer_schema(task: &Task) -> Value {
    let prediction = match task {
        Task::Regression | Task::Ranking => json!({ "type": ["number", "null"] }),
        _ => {
            let classes = task.classes().iter().map(|class| json!(class));
            json!({ "type": ["string", "null"], "enum": classes.chain([Value::Null]).collect::<Vec<_>>() })
        }
    };
    let mut row = json!({ "id": {}, "prediction": prediction, "flags": { "type": "array", "items": {
        "type": "object", "properties": { "field": { "type": "string" }, "rule": { "type": "string" } },
    } } });
    if !task.classes().is_empty() {
        let classes: Map<String, Value> = task
            .classes()
            .iter()
            .map(|class| (class.clone(), json!({ "type": "number", "minimum": 0, "maximum": 1 })))
            .collect();
        row["probability"] = json!({ "type": ["object", "null"], "properties": classes });
    }
    json!({ "type": "object", "required": ["model", "version", "digest", "predictions"], "properties": {
        "model": { "type": "string" },
        "version": { "type": "string" },
        "digest": { "type": "string" },
        "predictions": { "type": "array", "items": { "type": "object", "required": ["prediction"], "properties": row } },
    } })
}

fn problem_schema() -> Value {
    json!({ "type": "object", "required": ["type", "title", "status", "detail"], "properties": {
        "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" },
        "detail": { "type": "string" }, "instance": { "type": "string" }, "count": { "type": "integer" },
        "errors": { "type": "array", "items": { "type": "object", "required": ["row", "field", "rule", "message"], "properties": {
            "row": { "type": "integer" }, "field": { "type": "string" }, "value": {}, "rule": { "type": "string" }, "message": { "type": "string" },
        } } },
    } })
}
