//! The contract in the languages of those who ask: OpenAPI, JSON Schema, Protocol Buffers, and clients to copy.

mod proto;
mod python;
mod typescript;

use evenstep_pipeline::interface::{told, unlisted};
use evenstep_pipeline::{Interface, PipelineError, mock};
use evenstep_table::rule::Missing;
use evenstep_table::{ColumnName, Kind, Rule};
use serde_json::{Value, json};

use crate::openapi;

pub use proto::proto;
pub use python::python;
pub use typescript::typescript;

/// The OpenAPI document of an interface: of a bundle that one which its server tells, if its version and digest are given.
///
/// # Errors
/// An interface that names a column without a rule.
pub fn openapi(interface: &Interface, bundle: Option<(&str, &str)>) -> Result<Value, PipelineError> {
    let mut predictor = mock::predictor(interface)?;
    if let Some((version, digest)) = bundle {
        (predictor.version, predictor.digest) = (version.to_owned(), digest.to_owned());
    }
    let mut document = openapi::document(&predictor);
    document["security"] = openapi::security(false);
    Ok(document)
}

/// The JSON Schema of a row; those of the answer and of a problem are among its definitions.
///
/// # Errors
/// An interface that names a column without a rule.
pub fn json_schema(interface: &Interface) -> Result<Value, PipelineError> {
    let mut schemas = openapi::schemas::native(&mock::predictor(interface)?);
    let mut row = schemas.remove("Row").expect("there are rows");
    schemas.remove("Columns");
    row["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    row["title"] = json!(interface.name);
    row["description"] =
        json!(format!("A row to predict `{}` for. Contract {}.", interface.target, interface.digest()));
    row["$defs"] = Value::Object(schemas);
    Ok(row)
}

/// A field, as clients see it.
struct Field<'a> {
    name: &'a ColumnName,
    kind: Kind,
    is_required: bool,
    is_nullable: bool,
    /// What the types don't say, in one line.
    note: String,
}

fn fields(interface: &Interface) -> Vec<Field<'_>> {
    let fields = interface.fields().map(|(name, rule)| Field {
        name,
        kind: rule.kind,
        is_required: interface.requires(name),
        is_nullable: rule.missing == Missing::Allow,
        note: note(rule),
    });
    fields.collect()
}

/// Unit, bounds, values and format.
fn note(rule: &Rule) -> String {
    let mut words: Vec<String> = Vec::new();
    match rule.kind {
        Kind::Date | Kind::Time | Kind::Datetime(_) => {
            words.push(rule.format.as_ref().map_or_else(
                || format!("{} in ISO 8601", rule.kind.word()),
                |format| format!("{} written as {format}", rule.kind.word()),
            ));
        }
        _ => {}
    }
    words.extend(rule.unit.as_ref().map(|unit| format!("in {unit}")));
    words.extend(rule.min.as_ref().map(|min| format!("from {}", told(min))));
    words.extend(rule.max.as_ref().map(|max| format!("up to {}", told(max))));
    words.extend(rule.values.as_ref().filter(|values| values.len() <= 12).map(|values| values.join(" | ")));
    words.extend(unlisted(rule).map(str::to_owned));
    one_line(&words.join(", "))
}

/// A template with its places filled in one pass: what is put in may look like a place.
fn filled(template: &str, places: &[(&str, String)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((at, (place, what))) =
        places.iter().filter_map(|place| Some((rest.find(place.0)?, place))).min_by_key(|(at, _)| *at)
    {
        text += &rest[..at];
        text += what;
        rest = &rest[at + place.len()..];
    }
    text + rest
}

/// Text for a comment: nothing in it can end one.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect::<String>()
        .replace("*/", "* /")
}

/// A string literal, which JSON, Python and TypeScript write alike.
fn literal(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}
