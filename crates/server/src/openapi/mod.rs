//! `GET /openapi.json`: the contract, for those who write clients.

mod inference;
mod mlflow;
pub(crate) mod schemas;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use evenstep_pipeline::{Predictor, mock};
use serde_json::{Map, Value, json};

use crate::Service;
use crate::exposition::Exposition;
use crate::formats::Format;
use crate::guard::OPEN;
use crate::models::Chosen;

/// Where the default model answers, and no other.
const OF_DEFAULT: [&str; 2] = ["/predict", "/invocations"];

/// The document of the model that the path names, or of the default one.
pub(crate) async fn openapi(State(service): State<Arc<Service>>, Chosen(served): Chosen) -> Response {
    let is_default = Arc::ptr_eq(service.models.now().default(), &served);
    let document = if is_default { &served.openapi } else { &served.openapi_alone };
    let security = format!("{{\"security\":{},", security(service.guard.asks_for_keys()));
    let document = [security.as_bytes(), &document[1..]].concat();
    ([(header::CONTENT_TYPE, Format::Json.media_type())], document).into_response()
}

/// How a request shows a key, if there may be one, or must be.
pub(crate) fn security(is_asked_for: bool) -> Value {
    let keys = [json!({ "bearer": [] }), json!({ "header": [] })];
    let none = (!is_asked_for).then(|| json!({}));
    none.into_iter().chain(keys).collect()
}

/// The same document without the routes at which the default model answers.
pub(crate) fn alone(mut document: Value) -> Value {
    let paths = document["paths"].as_object_mut().expect("a document has paths");
    paths.retain(|path, _| !OF_DEFAULT.contains(&path.as_str()));
    document
}

/// The OpenAPI document of a predictor, but for the keys, which are its server's to ask for.
pub(crate) fn document(predictor: &Predictor) -> Value {
    let mut paths = Map::new();
    paths.extend(native(predictor));
    paths.extend(inference::paths(predictor));
    paths.extend(mlflow::paths(predictor));
    for (path, item) in &mut paths {
        if OPEN.contains(&path.as_str()) {
            // With a key, `/health` tells which artifact answers.
            item["get"]["security"] = if path == "/health" { security(false) } else { json!([]) };
        }
    }
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
    if !predictor.serving.latency.is_empty() {
        info["x-latency"] = json!(predictor.serving.latency);
    }
    json!({
        "openapi": "3.1.0",
        "info": info,
        "paths": paths,
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
        Format::Parquet.media_type(): { "schema": text("the columns of a score file") },
        Format::Lines.media_type(): { "schema": text("an object a row, as in a score file; a last one with `error`, if a row has no answer") },
    } });
    let body = json!({ "required": true, "content": {
        Format::Json.media_type(): {
            "schema": { "oneOf": [schema("Row"), { "type": "array", "items": schema("Row") }, schema("Columns")] },
            "example": schemas::example(predictor),
        },
        Format::Csv.media_type(): { "schema": some_text("a header, and a line a row") },
        Format::Arrow.media_type(): { "schema": some_text("an Arrow IPC stream") },
        Format::Parquet.media_type(): { "schema": some_text("a Parquet file") },
        Format::Lines.media_type(): { "schema": text("an object a line, each a row; answered while they come") },
    } });
    let predict = |name: &str, more: &[&str]| {
        let statuses = [&["400", "401", "403", "406", "408", "413", "415", "421", "422", "429", "504"], more].concat();
        let mut operation = operation("Predict one row or many", name, responses(answer.clone(), &PROBLEM, &statuses));
        operation["requestBody"] = body.clone();
        json!({ "post": operation })
    };
    let told = |summary: &str, name: &str, content: Value, refusals: &[&str]| {
        let answer = json!({ "description": "it answers", "content": content });
        json!({ "get": operation(summary, name, responses(answer, &PROBLEM, refusals)) })
    };
    let json = |summary: &str, name: &str, members: &[&str], refusals: &[&str]| {
        let schema = json!({ "type": "object", "required": members });
        let object = json!({ Format::Json.media_type(): { "schema": schema } });
        told(summary, name, object, refusals)
    };
    let metrics = json!({
        Exposition::Classic.media_type(): { "schema": text("the text of Prometheus") },
        Exposition::OpenMetrics.media_type(): { "schema": text("OpenMetrics, if `Accept` names it") },
    });
    let metrics = told("Counters for Prometheus", "metrics", metrics, &KNOWN);
    let document = ["openapi", "info", "paths"];
    let mut paths = vec![
        ("/predict".to_owned(), predict("predict", &[])),
        // Whoever looks after the process may have no key.
        ("/health".to_owned(), until_it_ends(json("Which artifact answers", "health", &["status"], &["421"]))),
        ("/metrics".to_owned(), metrics),
        ("/openapi.json".to_owned(), json("This document", "openapi", &document, &KNOWN)),
        ("/models".to_owned(), json("The models that are served", "models", &["default", "models"], &KNOWN)),
    ];
    let refusals = [&KNOWN[..], &["404"]].concat();
    for (path, suffix, parameters) in of_model(predictor, "/models") {
        let with_parameters = |mut item: Value| {
            item["parameters"] = parameters.clone();
            item
        };
        if suffix.is_empty() {
            let about = json("A model's versions and aliases", "model", &["versions", "aliases"], &refusals);
            paths.push((path.clone(), with_parameters(about)));
        }
        let contract = json("The document of a model", &format!("model_openapi{suffix}"), &document, &refusals);
        paths.push((format!("{path}/openapi.json"), with_parameters(contract)));
        let predict = predict(&format!("model_predict{suffix}"), &["404"]);
        paths.push((format!("{path}/predict"), with_parameters(predict)));
    }
    paths
}

/// The same of what is told by another status once the server was told to stop: the status of a server that is busy, too.
fn until_it_ends(mut item: Value) -> Value {
    let responses = &mut item["get"]["responses"];
    let told = responses["200"]["content"].clone();
    let busy = &mut responses["503"];
    busy["description"] = json!("it ends, or what is wrong");
    for (kind, told) in told.as_object().into_iter().flatten() {
        let of_kind = &mut busy["content"][kind];
        *of_kind = if of_kind.is_null() {
            told.clone()
        } else {
            json!({ "schema": { "anyOf": [told["schema"], of_kind["schema"]] } })
        };
    }
    item
}

/// How a request is refused wherever a key is asked for.
const KNOWN: [&str; 3] = ["401", "421", "429"];

/// The paths of a model and of a version of it, what tells their operations apart, and their parameters.
fn of_model(predictor: &Predictor, under: &str) -> [(String, &'static str, Value); 2] {
    let parameter = |name: &str, value: &str| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "enum": [value] } });
    let (model, version) = (parameter("model", &predictor.name), parameter("version", &predictor.version));
    [
        (format!("{under}/{{model}}"), "", json!([model])),
        (format!("{under}/{{model}}/versions/{{version}}"), "_version", json!([model, version])),
    ]
}

/// A schema by its name.
fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

/// One that isn't empty.
fn some_text(description: &str) -> Value {
    json!({ "type": "string", "description": description, "minLength": 1 })
}

/// How a protocol tells what is wrong: its media type and its schema.
struct Refusal {
    kind: &'static str,
    schema: &'static str,
}

const PROBLEM: Refusal = Refusal { kind: "application/problem+json", schema: "Problem" };

/// An answer, and the statuses of refusals: these, and that of a server that is busy.
fn responses(answer: Value, refusal: &Refusal, statuses: &[&str]) -> Value {
    let refused =
        json!({ "description": "what is wrong", "content": { refusal.kind: { "schema": schema(refusal.schema) } } });
    let mut responses = Map::new();
    responses.insert("200".to_owned(), answer);
    responses.extend(statuses.iter().chain(&["503"]).map(|status| ((*status).to_owned(), refused.clone())));
    Value::Object(responses)
}

fn operation(summary: &str, name: &str, responses: Value) -> Value {
    json!({ "summary": summary, "operationId": name, "responses": responses })
}
