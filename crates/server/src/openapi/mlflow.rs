//! MLflow's routes in the OpenAPI document.

use evenstep_pipeline::{Predictor, request};
use serde_json::{Map, Value, json};

use super::schemas::lists_schema;
use super::{KNOWN, PROBLEM, Refusal, operation, responses, schema, some_text, until_it_ends};

const ERROR: Refusal = Refusal { kind: "application/json", schema: "InvocationError" };

pub(super) fn paths(_: &Predictor) -> Vec<(String, Value)> {
    let answer = json!({ "description": "a prediction a row", "content": { "application/json": { "schema": schema("InvocationAnswer") } } });
    let statuses = ["400", "401", "403", "408", "413", "415", "421", "429", "504"];
    let mut invoke = operation("Predict (MLflow)", "invocations", responses(answer, &ERROR, &statuses));
    invoke["requestBody"] = json!({ "required": true, "content": {
        "application/json": { "schema": schema("Invocation") },
        "text/csv": { "schema": some_text("a header, and a line a row") },
        "application/vnd.apache.parquet": { "schema": some_text("a Parquet file") },
    } });
    let told = |summary: &str, name: &str, kind: &str, refusals: &[&str]| {
        let answer = json!({ "description": "it answers", "content": { kind: {} } });
        json!({ "get": operation(summary, name, responses(answer, &PROBLEM, refusals)) })
    };
    vec![
        ("/invocations".to_owned(), json!({ "post": invoke })),
        (
            "/ping".to_owned(),
            until_it_ends(told("Whether the server is ready (MLflow)", "ping", "application/json", &["421"])),
        ),
        ("/version".to_owned(), told("The version of what serves", "version", "text/plain; charset=utf-8", &KNOWN)),
    ]
}

pub(super) fn schemas(predictor: &Predictor) -> Map<String, Value> {
    let shape = |name: &str, of: Value| {
        json!({
            "type": "object",
            "properties": { name: of, "params": { "type": ["object", "null"], "maxProperties": 0 } },
            "required": [name],
            "additionalProperties": false,
        })
    };
    let rows = || json!({ "type": "array", "items": schema("Row") });
    let split = json!({
        "type": "object",
        "properties": {
            "columns": { "type": "array", "items": { "type": "string" } },
            "index": { "type": "array", "items": {} },
            "data": { "type": "array", "items": { "type": "array", "items": {} } },
        },
        "required": ["columns", "data"],
        "additionalProperties": false,
    });
    let header = request::answer_header(predictor);
    let prediction = if header.len() == 1 {
        json!({ "type": ["number", "null"] })
    } else {
        let cell = |(at, name): (usize, String)| {
            (name, json!({ "type": [if at == 0 { "string" } else { "number" }, "null"] }))
        };
        let cells: Map<String, Value> = header.iter().map(|(name, _)| name.to_string()).enumerate().map(cell).collect();
        json!({ "type": "object", "properties": cells })
    };
    let mut schemas = Map::new();
    let mut add = |name: &str, schema: Value| drop(schemas.insert(name.to_owned(), schema));
    let shapes = [
        ("InvocationSplit", shape("dataframe_split", split)),
        ("InvocationRecords", shape("dataframe_records", rows())),
        ("InvocationInstances", shape("instances", rows())),
        ("InvocationInputs", shape("inputs", lists_schema(predictor))),
    ];
    // Generators need a name for each.
    add("Invocation", json!({ "oneOf": shapes.each_ref().map(|(name, _)| schema(name)) }));
    shapes.into_iter().for_each(|(name, shape)| add(name, shape));
    add(
        "InvocationAnswer",
        json!({
            "type": "object",
            "properties": { "predictions": { "type": "array", "items": prediction } },
            "required": ["predictions"],
        }),
    );
    add(
        "InvocationError",
        json!({
            "type": "object",
            "properties": { "error_code": { "type": "string" }, "message": { "type": "string" } },
            "required": ["error_code", "message"],
        }),
    );
    schemas
}
