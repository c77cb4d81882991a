//! The reference of steps, models and metrics is printed from the code that runs.
//! `UPDATE_DOCS=1 cargo test -p evenstep --test reference` writes it anew.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

const BY: &str = "<!-- Printed from the code; `just docs` writes it anew. -->\n\n";

/// What holds of every step.
const UNWEIGHTED: &str = "Steps learn from the training rows alone, in the order in which they stand, and from each row alike: `[data] weight` counts in models and
metrics, not here, as in scikit-learn.\n\n";

/// The doc comment at the top of a file, as Markdown.
fn page(source: &str) -> String {
    let lines = source.lines().take_while(|line| line.starts_with("//!"));
    lines.map(|line| line[3..].strip_prefix(' ').unwrap_or(&line[3..])).collect::<Vec<_>>().join("\n")
}

/// The parameters of a spec, with their defaults and meanings.
fn parameters(schema: &Value, defaults: &Value) -> String {
    let mut text = String::new();
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let meaning = property["description"].as_str().unwrap_or_default().replace('\n', " ");
        let default = match property.get("default").or_else(|| defaults.get(name)) {
            _ if required.contains(&name.as_str()) => "required".to_owned(),
            Some(Value::Null) | None => "none by default".to_owned(),
            Some(value) => format!("default `{value}`"),
        };
        writeln!(text, "- `{name}` ({default}): {meaning}").expect("a string takes what is written");
    }
    if text.is_empty() { "It has no parameters.\n".to_owned() } else { text }
}

fn example(table: &str, name: &str, spec: &Value) -> String {
    let mut spec = spec.clone();
    let without_nulls = spec.as_object_mut().expect("a spec is a table");
    without_nulls.retain(|_, value| !value.is_null());
    let body: String = without_nulls
        .iter()
        .map(|(key, value)| {
            let value = toml_of(value);
            format!("{key} = {value}\n")
        })
        .collect();
    format!("```toml\n{table}\nuse = \"{name}\"\n{body}```\n")
}

fn toml_of(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(toml_of).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries = entries.iter().filter(|(_, value)| !value.is_null());
            let entries: Vec<String> = entries.map(|(key, value)| format!("{key} = {}", toml_of(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        value => value.to_string(),
    }
}

fn up_to_date(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, text).expect("the folder is there");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "{name} is not what the code says: `just docs` writes it anew");
}

#[test]
fn steps() {
    let mut text = format!("# Steps\n\n{BY}{UNWEIGHTED}");
    let mut group = "";
    for entry in evenstep_step::CATALOGUE {
        if entry.group != group {
            group = entry.group;
            writeln!(text, "## {}\n", group.trim()).expect("a string takes what is written");
        }
        let schema = (entry.schema)().to_value();
        let spec = (entry.example)().spec();
        let parts = (page(entry.source), parameters(&schema, &spec), example("[[step]]", entry.name, &spec));
        writeln!(text, "### `{}`\n\n{}\n\n{}\n{}", entry.name, parts.0, parts.1, parts.2)
            .expect("a string takes what is written");
    }
    up_to_date("steps.md", &text);
}

#[test]
fn models() {
    let mut text = format!("# Models\n\n{BY}");
    for entry in evenstep_model::CATALOGUE {
        let schema = (entry.schema)().to_value();
        let spec = (entry.example)().spec();
        let parts = (page(entry.source), parameters(&schema, &spec), example("[model]", entry.name, &spec));
        writeln!(text, "## `{}`\n\n{}\n\n{}\n{}", entry.name, parts.0, parts.1, parts.2)
            .expect("a string takes what is written");
    }
    up_to_date("models.md", &text);
}

#[test]
fn metrics() {
    let mut text = format!("# Metrics\n\n{BY}");
    for metric in evenstep_model::metric::METRICS {
        let better = if metric.higher_is_better { "Higher is better." } else { "Lower is better." };
        writeln!(text, "## `{}`\n\n{}\n\n{better}\n", metric.name, page(metric.source))
            .expect("a string takes what is written");
    }
    up_to_date("metrics.md", &text);
}
