//! The reference of steps, models and metrics is printed from the code that runs.
//! `UPDATE_DOCS=1 cargo test -p evenstep --test reference` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use evenstep_exact::canonical::canonical_json;
use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::Workers;
use evenstep_step::sample::people;
use evenstep_step::{Entry, Site};
use evenstep_table::Task;
use serde_json::Value;

const BY: &str = "<!-- Printed from the code; `just docs` writes it anew. -->\n\n";

/// What holds of every step.
const UNWEIGHTED: &str = "Steps learn from the training rows alone, in the order in which they stand, and from each row alike: `[data] weight` counts in models and
metrics, not here, as in scikit-learn. `columns` takes a name, a list of names, or [types and patterns](pipeline-toml.md#step).\n\n";

/// What a metric is for.
const JUDGED: &str = "Each metric judges predictions of one kind: of numbers (regressions), of two classes, of three or more, of classes however many, or
rankings. One that doesn't suit the task is refused. [`[report] metrics`](pipeline-toml.md#report) has the defaults. Another number may
stand after an `@`, such as `ndcg@5`.\n\n";

/// The doc comment at the top of a file, as Markdown.
fn page(source: &str) -> String {
    let lines = source.lines().take_while(|line| line.starts_with("//!"));
    lines.map(|line| line[3..].strip_prefix(' ').unwrap_or(&line[3..])).collect::<Vec<_>>().join("\n")
}

fn all_parameters(schema: &Value) -> String {
    let text = parameters(schema, schema, "");
    if text.is_empty() { "It has no parameters.\n".to_owned() } else { text }
}

/// The parameters of a table, with their defaults and meanings; beneath each, the values or keys that it takes.
fn parameters(schema: &Value, root: &Value, indent: &str) -> String {
    let mut text = String::new();
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let kind = definition(property, root);
        let default = match (property.get("default").filter(|value| !value.is_null()), written_empty(kind)) {
            _ if required.contains(&name.as_str()) => " (required)".to_owned(),
            (None, None) => " (optional)".to_owned(),
            (None, Some(empty)) => format!(" (optional; `{}` if written empty)", toml_of(&empty)),
            (Some(default), Some(empty)) if *default == empty => String::new(),
            (Some(default), _) => format!(" (default `{}`)", toml_of(default)),
        };
        let is_plain = kind["type"].is_string() && kind["type"] != "object";
        let range = if is_plain && !std::ptr::eq(kind, property) { meaning(kind) } else { String::new() };
        let meaning = format!("{} {range}", meaning(property));
        writeln!(text, "{indent}- `{name}`{default}: {}", meaning.trim_end()).expect("a string takes what is written");
        text.push_str(&values(kind, root, &format!("{indent}  ")));
    }
    text
}

fn meaning(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ")
}

/// What a schema refers to, be it by a value that may be left out.
fn definition<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let given = match schema["anyOf"].as_array().map(Vec::as_slice) {
        Some([given, null]) if null["type"] == "null" => given,
        _ => schema,
    };
    let name = given["$ref"].as_str().and_then(|place| place.strip_prefix("#/$defs/"));
    name.map_or(given, |name| &root["$defs"][name])
}

/// The table that is meant where none of its keys is written.
fn written_empty(table: &Value) -> Option<Value> {
    let keys = table["properties"].as_object()?.iter();
    Some(keys.map(|(key, property)| (key.clone(), property["default"].clone())).collect())
}

/// The words that a parameter may be, and what else it may be then; or the keys of its table.
fn values(kind: &Value, root: &Value, indent: &str) -> String {
    let line = |form: &str, of: &Value| format!("{indent}- {form}: {}\n", meaning(of));
    let words = |kind: &Value| -> String {
        let words = kind["oneOf"].as_array().into_iter().flatten();
        words.map(|word| line(&format!("`{}`", word["const"]), word)).collect()
    };
    let forms: Vec<&Value> =
        kind["anyOf"].as_array().into_iter().flatten().map(|form| definition(form, root)).collect();
    if forms.iter().all(|form| form["oneOf"].is_null()) {
        return words(kind) + &parameters(kind, root, indent);
    }
    let form = |form: &&Value| match form["type"].as_str() {
        Some("array") => line("a list", form),
        Some("object") => line("a table", form),
        Some(_) => line("a number", form),
        None => words(form),
    };
    forms.iter().map(form).collect()
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

/// So many made-up rows are learned from for what the pages show.
const ROWS: usize = 40;

/// What the example learns of made-up rows, as a bundle holds it.
fn learned(entry: &Entry) -> String {
    let batch = people(ROWS, &Task::Regression);
    let step = (entry.example)();
    let site = Site {
        columns: step.reads(&batch.schema()).expect("the rows have what it reads"),
        schema: batch.schema(),
        zones: BTreeMap::new(),
        task: Task::Regression,
        draws: Draws::new(Seed(1), entry.name),
        name: entry.name.to_owned(),
    };
    let fitted = step.fit(site, &[batch], &Workers::threads(1)).expect("the example fits");
    match fitted.params() {
        Value::Null => "A bundle has no `params` of it: they are `null`.\n".to_owned(),
        params => {
            let json = String::from_utf8(canonical_json(&params)).expect("JSON is UTF-8");
            format!("`params` in a bundle, as learned of made-up rows:\n\n```json\n{json}\n```\n")
        }
    }
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
        let parts = (page(entry.source), all_parameters(&schema), example("[[step]]", entry.name, &spec));
        writeln!(text, "### `{}`\n\n{}\n\n{}\n{}\n{}", entry.name, parts.0, parts.1, parts.2, learned(entry))
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
        let parts = (page(entry.source), all_parameters(&schema), example("[model]", entry.name, &spec));
        writeln!(text, "## `{}`\n\n{}\n\n{}\n{}", entry.name, parts.0, parts.1, parts.2)
            .expect("a string takes what is written");
    }
    up_to_date("models.md", &text);
}

#[test]
fn metrics() {
    let mut text = format!("# Metrics\n\n{BY}{JUDGED}");
    for metric in evenstep_model::metric::METRICS {
        let better = if metric.higher_is_better { "Higher is better." } else { "Lower is better." };
        writeln!(text, "## `{}`\n\n{}\n\nJudges {}. {better}\n", metric.name(), page(metric.source), metric.judges())
            .expect("a string takes what is written");
    }
    up_to_date("metrics.md", &text);
}
