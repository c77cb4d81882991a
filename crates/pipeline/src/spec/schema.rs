//! The JSON Schema of specs, for editors: steps, models and their parameters come from the catalogues, so that it can't say
//! other than what is read.

use schemars::{Schema, schema_for};
use serde_json::{Map, Value, json};

use super::parse::Written;

/// The JSON Schema of `pipeline.toml`.
pub fn json_schema() -> Value {
    let mut root = schema_for!(Written).to_value();
    root["title"] = json!("pipeline.toml of evenstep");
    root["description"] =
        json!("A pipeline: where rows come from, what they must be, what is made of them, and what learns.");
    let mut definitions = take_definitions(&mut root);
    let steps = evenstep_step::CATALOGUE.iter().map(|entry| (entry.name, entry.schema));
    let steps = chosen_by_use("step", steps, &mut definitions);
    let models = evenstep_model::CATALOGUE.iter().map(|entry| (entry.name, entry.schema));
    let models = chosen_by_use("model", models, &mut definitions);
    let properties = &mut root["properties"];
    properties["step"] = described(&properties["step"], json!({ "type": "array", "items": { "oneOf": steps } }));
    properties["model"] = described(&properties["model"], json!({ "oneOf": models }));
    root["$defs"] = Value::Object(definitions);
    root
}

/// The schema, with the description of the one whose place it takes.
fn described(old: &Value, mut schema: Value) -> Value {
    schema["description"] = old["description"].clone();
    schema
}

/// One schema for each entry of a catalogue, told apart by what `use` says.
fn chosen_by_use(
    table: &str,
    entries: impl Iterator<Item = (&'static str, fn() -> Schema)>,
    definitions: &mut Map<String, Value>,
) -> Vec<Value> {
    let chosen = entries.map(|(name, schema)| {
        let mut schema = schema().to_value();
        let key = format!("{table}.{name}");
        // Two entries may mean different things by one name.
        for (own, mut definition) in take_definitions(&mut schema) {
            point_within(&key, &mut definition);
            definitions.insert(format!("{key}.{own}"), definition);
        }
        point_within(&key, &mut schema);
        let object = schema.as_object_mut().expect("parameters are an object");
        for known_already in ["$schema", "title"] {
            object.remove(known_already);
        }
        let mut properties = Map::from_iter([("use".to_owned(), json!({ "const": name }))]);
        if let Some(Value::Object(own)) = object.remove("properties") {
            properties.extend(own);
        }
        object.insert("properties".to_owned(), Value::Object(properties));
        let mut required = vec![json!("use")];
        if let Some(Value::Array(own)) = object.remove("required") {
            required.extend(own);
        }
        object.insert("required".to_owned(), Value::Array(required));
        definitions.insert(key.clone(), schema);
        json!({ "$ref": format!("#/$defs/{key}") })
    });
    chosen.collect()
}

fn take_definitions(schema: &mut Value) -> Map<String, Value> {
    match schema.as_object_mut().and_then(|object| object.remove("$defs")) {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    }
}

/// Lets references point to definitions under the entry's own name.
fn point_within(key: &str, schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            for (name, value) in entries {
                match value {
                    Value::String(to) if name == "$ref" => *to = to.replace("#/$defs/", &format!("#/$defs/{key}.")),
                    value => point_within(key, value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point_within(key, item)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(entries) => {
                found.extend(entries.get("$ref").and_then(Value::as_str).map(str::to_owned));
                entries.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let schema = json_schema();
        let mut found = Vec::new();
        references(&schema, &mut found);
        assert!(found.len() > evenstep_step::CATALOGUE.len());
        for to in found {
            assert!(schema.pointer(to.trim_start_matches('#')).is_some(), "{to}");
        }
    }

    #[test]
    fn every_step_and_model_is_there_and_knows_the_keys_of_its_example() {
        let schema = json_schema();
        let examples = evenstep_step::CATALOGUE.iter().map(|entry| ("step", entry.name, (entry.example)().spec()));
        let models = evenstep_model::CATALOGUE.iter().map(|entry| ("model", entry.name, (entry.example)().spec()));
        for (table, name, spec) in examples.chain(models) {
            let entry = &schema["$defs"][format!("{table}.{name}")];
            assert_eq!((&entry["properties"]["use"]["const"], &entry["required"][0]), (&json!(name), &json!("use")));
            assert_eq!(entry["additionalProperties"], json!(false), "{name} takes any key");
            for key in spec.as_object().expect("parameters").keys() {
                assert!(entry["properties"].get(key).is_some(), "{name} has no `{key}`");
            }
        }
    }
}
