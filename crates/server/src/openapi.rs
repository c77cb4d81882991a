//! `GET /openapi.json`: the contract, for those who write clients.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use evenstep_pipeline::Predictor;
use evenstep_table::rule::{Absent, Missing, OutOfRange, Rule};
use evenstep_table::{Clock, ColumnName, Kind, Task};
use serde_json::{Map, Value, json};

use crate::Service;

pub(crate) async fn openapi(State(service): State<Arc<Service>>) -> Json<Value> {
    Json(service.openapi.clone())
}

/// The OpenAPI document of a predictor.
pub(crate) fn document(predictor: &Predictor) -> Value {
    let row = row_schema(predictor);
    let example = example(predictor);
    let problem = json!({ "description": "what is wrong", "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": predictor.name,
            "version": predictor.version,
            "description": format!("Predicts `{}`. Artifact {}.", predictor.data.target, predictor.digest),
        },
        "paths": {
            "/predict": { "post": {
                "summary": "Predict one row or many",
                "operationId": "predict",
                "requestBody": { "required": true, "content": { "application/json": {
                    "schema": { "oneOf": [
                        { "$ref": "#/components/schemas/Row" },
                        { "type": "array", "items": { "$ref": "#/components/schemas/Row" } },
                    ] },
                    "example": example,
                } } },
                "responses": {
                    "200": { "description": "one prediction a row, in the request's order", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Answer" } } } },
                    "400": problem, "401": problem, "408": problem, "413": problem, "415": problem, "421": problem,
                    "422": problem, "503": problem,
                },
            } },
            "/health": { "get": { "summary": "Which artifact answers", "operationId": "health", "responses": { "200": { "description": "it answers" } } } },
            "/metrics": { "get": { "summary": "Counters for Prometheus", "operationId": "metrics", "responses": { "200": { "description": "OpenMetrics text" } } } },
            "/openapi.json": { "get": { "summary": "This document", "operationId": "openapi", "responses": { "200": { "description": "OpenAPI 3.1" } } } },
        },
        // None, if the server asks for none.
        "security": [{}, { "bearer": [] }, { "header": [] }],
        "components": { "securitySchemes": {
            "bearer": { "type": "http", "scheme": "bearer" },
            "header": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
        }, "schemas": { "Row": row, "Answer": answer_schema(&predictor.task), "Problem": problem_schema() } },
    })
}

fn row_schema(predictor: &Predictor) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, rule) in fields(predictor) {
        properties.insert(name.to_string(), field_schema(rule));
        let is_input = predictor.inputs.contains(name);
        if is_input && rule.absent == Absent::Reject {
            required.push(json!(name));
        }
    }
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// The fields of a request: the input columns, and the id's, which are echoed.
fn fields(predictor: &Predictor) -> impl Iterator<Item = (&ColumnName, &Rule)> {
    let wanted = |name: &ColumnName| predictor.inputs.contains(name) || predictor.data.id.contains(name);
    predictor.contract.columns.iter().filter(move |(name, _)| wanted(name))
}

fn field_schema(rule: &Rule) -> Value {
    let (kind, format) = match rule.kind {
        Kind::Number => ("number", None),
        Kind::Integer => ("integer", Some("int64")),
        Kind::Boolean => ("boolean", None),
        Kind::Category | Kind::Text => ("string", None),
        Kind::Date => ("string", Some("date")),
        Kind::Time => ("string", Some("time")),
        Kind::Datetime(Clock::Instant) => ("string", Some("date-time")),
        Kind::Datetime(Clock::Civil) => ("string", None),
    };
    let mut schema = Map::new();
    let kind = if rule.missing == Missing::Allow { json!([kind, "null"]) } else { json!(kind) };
    schema.insert("type".to_owned(), kind);
    if let Some(format) = format.filter(|_| rule.format.is_none()) {
        schema.insert("format".to_owned(), json!(format));
    }
    let mut words = Vec::new();
    words.extend(rule.unit.as_ref().map(|unit| format!("in {unit}")));
    words.extend(rule.format.as_ref().map(|format| format!("written as {format}")));
    for (key, bound) in [("minimum", &rule.min), ("maximum", &rule.max)] {
        let Some(bound) = bound else { continue };
        let bound = serde_json::to_value(bound).unwrap_or(Value::Null);
        if rule.out_of_range == OutOfRange::Reject && bound.is_number() {
            schema.insert(key.to_owned(), bound);
        } else {
            words.push(format!("{key} {bound}"));
        }
    }
    if !words.is_empty() {
        schema.insert("description".to_owned(), json!(words.join(", ")));
    }
    Value::Object(schema)
}

fn example(predictor: &Predictor) -> Value {
    let row = fields(predictor).filter(|(name, _)| predictor.inputs.contains(name)).map(|(name, rule)| {
        let value = match rule.kind {
            _ if rule.values.as_ref().is_some_and(|values| !values.is_empty()) => {
                json!(rule.values.as_ref().map(|values| &values[0]))
            }
            Kind::Number => json!(1.5),
            Kind::Integer => json!(1),
            Kind::Boolean => json!(true),
            Kind::Category | Kind::Text => json!("a"),
            Kind::Date => json!("2024-12-30"),
            Kind::Time => json!("13:45:00"),
            Kind::Datetime(Clock::Civil) => json!("2024-12-30T13:45:00"),
            Kind::Datetime(Clock::Instant) => json!("2024-12-30T13:45:00Z"),
        };
        (name.to_string(), value)
    });
    Value::Object(row.collect())
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
    json!({ "type": "object", "properties": {
        "model": { "type": "string" },
        "version": { "type": "string" },
        "digest": { "type": "string" },
        "predictions": { "type": "array", "items": { "type": "object", "properties": row } },
    } })
}

fn problem_schema() -> Value {
    json!({ "type": "object", "properties": {
        "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" },
        "detail": { "type": "string" }, "count": { "type": "integer" },
        "errors": { "type": "array", "items": { "type": "object", "properties": {
            "row": { "type": "integer" }, "field": { "type": "string" }, "value": {}, "rule": { "type": "string" }, "message": { "type": "string" },
        } } },
    } })
}
