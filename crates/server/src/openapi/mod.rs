//! `GET /openapi.json`: the contract, for those who write clients.

mod inference;
mod mlflow;
pub(crate) mod schemas;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use evenstep_pipeline::{Predictor, ServingSection, mock};
use serde_json::{Map, Value, json};

use crate::Service;
use crate::formats::Format;

pub(crate) async fn openapi(State(service): State<Arc<Service>>) -> Json<Value> {
    Json(service.openapi.clone())
}

/// The OpenAPI document of a predictor.
pub(crate) fn document(predictor: &Predictor, serving: &ServingSection) -> Value {
    let mut paths = Map::new();
    paths.extend(native(predictor));
    paths.extend(inference::paths(predictor));
    paths.extend(mlflow::paths(predictor));
    let mut schemas = schemas::native(predictor);
    schemas.extend(inference::schemas(predictor));
    schemas.extend(mlflow::schemas(predictor));
    let answers = match predictor.digest.strip_prefix(mock::PREFIX) {
        None => format!("Artifact {}.", predictor.digest),
        Some(contract) => format!("There is no model yet: answers are made up, by contract sha256:{contract}."),
    };
    let mut info = json!({
        "title": predictor.name,
        "version": predictor.version,
        "description": format!("Predicts `{}`. {answers}", predictor.data.target),
    });
    if !serving.latency.is_empty() {
        info["x-latency"] = json!(serving.latency);
    }
    json!({
        "openapi": "3.1.0",
        "info": info,
        "paths": paths,
        // None, if the server asks for none.
        "security": [{}, { "bearer": [] }, { "header": [] }],
        "components": { "securitySchemes": {
            "bearer": { "type": "http", "scheme": "bearer" },
            "header": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
        }, "schemas": schemas },
    })
}

fn native(predictor: &Predictor) -> Vec<(String, Value)> {
    let answer = json!({ "description": "one prediction a row, in the request's order", "content": {
        Format::Json.media_type(): { "schema": schema("Answer") },
        Format::Csv.media_type(): { "schema": text("the columns of a score file") },
        Format::Arrow.media_type(): { "schema": text("the columns of a score file, as an Arrow IPC stream") },
        Format::Lines.media_type(): { "schema": text("an object a row, as in a score file; a last one with `error`, if a row has no answer") },
    } });
    let body = json!({ "required": true, "content": {
        Format::Json.media_type(): {
            "schema": { "oneOf": [schema("Row"), { "type": "array", "items": schema("Row") }, schema("Columns")] },
            "example": schemas::example(predictor),
        },
        Format::Csv.media_type(): { "schema": text("a header, and a line a row") },
        Format::Arrow.media_type(): { "schema": text("an Arrow IPC stream") },
        Format::Lines.media_type(): { "schema": text("an object a line, each a row; answered while they come") },
    } });
    let predict = operation(
        "Predict one row or many",
        "predict",
        responses(answer, &PROBLEM, &["400", "401", "406", "408", "413", "415", "421", "422", "503"]),
    );
    let told = |summary: &str, name: &str, kind: &str, of: Value| {
        let answer = json!({ "description": "it answers", "content": { kind: { "schema": of } } });
        // Whoever looks after the process may have no key.
        let refusals: &[&str] = if name == "health" { &["421"] } else { &["401", "421"] };
        json!({ "get": operation(summary, name, responses(answer, &PROBLEM, refusals)) })
    };
    let object = || json!({ "type": "object" });
    let metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let with_body = |mut operation: Value, body: Value| {
        operation["requestBody"] = body;
        json!({ "post": operation })
    };
    vec![
        ("/predict".to_owned(), with_body(predict, body)),
        ("/health".to_owned(), told("Which artifact answers", "health", "application/json", object())),
        ("/metrics".to_owned(), told("Counters for Prometheus", "metrics", metrics, text("OpenMetrics"))),
        ("/openapi.json".to_owned(), told("This document", "openapi", "application/json", object())),
    ]
}

/// A schema by its name.
fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

/// How a protocol tells what is wrong: its media type and its schema.
struct Refusal {
    kind: &'static str,
    schema: &'static str,
}

const PROBLEM: Refusal = Refusal { kind: "application/problem+json", schema: "Problem" };

/// An answer, and the statuses of refusals.
fn responses(answer: Value, refusal: &Refusal, statuses: &[&str]) -> Value {
    let refused =
        json!({ "description": "what is wrong", "content": { refusal.kind: { "schema": schema(refusal.schema) } } });
    let mut responses = Map::new();
    responses.insert("200".to_owned(), answer);
    responses.extend(statuses.iter().map(|status| ((*status).to_owned(), refused.clone())));
    Value::Object(responses)
}

fn operation(summary: &str, name: &str, responses: Value) -> Value {
    json!({ "summary": summary, "operationId": name, "responses": responses })
}
