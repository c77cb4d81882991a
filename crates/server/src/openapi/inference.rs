//! The Open Inference Protocol in the OpenAPI document.

use evenstep_pipeline::{Predictor, request};
use serde_json::{Map, Value, json};

use super::{KNOWN, Refusal, of_model, operation, responses, schema, some_text, text, until_it_ends};

const ERROR: Refusal = Refusal { kind: "application/json", schema: "InferenceError" };

pub(super) fn paths(predictor: &Predictor) -> Vec<(String, Value)> {
    let json = |description: &str, of: Value| json!({ "description": description, "content": { "application/json": { "schema": of } } });
    let told = |summary: &str, name: &str, of: &str, refusals: &[&str]| json!({ "get": operation(summary, name, responses(json("it answers", schema(of)), &ERROR, refusals)) });
    let server = |name: &str| told("What serves (Open Inference Protocol)", name, "InferenceServer", &KNOWN);
    let mut paths = vec![
        ("/v2".to_owned(), server("v2_server")),
        ("/v2/".to_owned(), server("v2_server_slash")),
        ("/v2/health/live".to_owned(), told("Whether the server lives", "v2_live", "InferenceLive", &["421"])),
        (
            "/v2/health/ready".to_owned(),
            until_it_ends(told("Whether the server is ready", "v2_ready", "InferenceReady", &["421"])),
        ),
    ];
    for (path, suffix, parameters) in of_model(predictor, "/v2/models") {
        let with_parameters = |mut item: Value| {
            item["parameters"] = parameters.clone();
            item
        };
        let refusals = ["401", "404", "421", "429"];
        let about = told("The model's tensors", &format!("v2_model{suffix}"), "InferenceModel", &refusals);
        let ready =
            told("Whether the model is ready", &format!("v2_model_ready{suffix}"), "InferenceModelReady", &refusals);
        let mut answer = json("a tensor for each output", schema("InferenceResponse"));
        answer["content"]["application/octet-stream"] =
            json!({ "schema": text("JSON, and the bytes of its tensors after it") });
        let statuses = ["400", "401", "403", "404", "408", "413", "415", "421", "429", "504"];
        let mut infer = operation("Predict", &format!("v2_infer{suffix}"), responses(answer, &ERROR, &statuses));
        infer["requestBody"] = json!({ "required": true, "content": {
            "application/json": { "schema": schema("InferenceRequest") },
            "application/octet-stream": { "schema": some_text("JSON of the length that `Inference-Header-Content-Length` tells, and the bytes of its tensors after it") },
        } });
        paths.push((path.clone(), with_parameters(about)));
        paths.push((format!("{path}/ready"), with_parameters(until_it_ends(ready))));
        paths.push((format!("{path}/infer"), with_parameters(json!({ "post": infer }))));
    }
    paths
}

pub(super) fn schemas(predictor: &Predictor) -> Map<String, Value> {
    let datatype = json!({ "type": "string", "enum": [
        "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES",
    ] });
    let string = || json!({ "type": "string" });
    let flag = || json!({ "type": "boolean" });
    let object = |properties: Value, required: &[&str]| json!({ "type": "object", "properties": properties, "required": required });
    let outputs: Vec<String> = request::answer_header(predictor).iter().map(|(name, _)| name.to_string()).collect();
    let lengths = json!({ "type": "array", "items": { "type": "integer", "minimum": 0 } });
    let about = object(
        json!({ "name": string(), "datatype": datatype, "shape": { "type": "array", "items": { "type": "integer" } } }),
        &["name", "datatype", "shape"],
    );
    let parameters = json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } });
    let mut with_binary = parameters.clone();
    with_binary["properties"] = json!({ "binary_data_output": flag() });
    let mut of_output = parameters.clone();
    of_output["properties"] = json!({ "binary_data": flag() });
    let tensor = json!({ "name": string(), "datatype": datatype, "shape": lengths, "parameters": parameters, "data": { "type": "array", "items": {} } });
    let mut schemas = Map::new();
    let mut add = |name: &str, schema: Value| drop(schemas.insert(name.to_owned(), schema));
    add("InferenceError", object(json!({ "error": string() }), &["error"]));
    add(
        "InferenceServer",
        object(
            json!({ "name": string(), "version": string(), "extensions": { "type": "array", "items": string() } }),
            &["name", "version", "extensions"],
        ),
    );
    add("InferenceLive", object(json!({ "live": flag() }), &["live"]));
    add("InferenceReady", object(json!({ "ready": flag() }), &["ready"]));
    add("InferenceModelReady", object(json!({ "name": string(), "ready": flag() }), &["name", "ready"]));
    add(
        "InferenceModel",
        object(
            json!({
                "name": string(),
                "versions": { "type": "array", "items": string() },
                "platform": string(),
                "inputs": { "type": "array", "items": about },
                "outputs": { "type": "array", "items": about },
            }),
            &["name", "platform", "inputs", "outputs"],
        ),
    );
    add(
        "InferenceRequest",
        object(
            json!({
                "id": string(),
                "parameters": with_binary,
                "inputs": { "type": "array", "minItems": 1, "items": object(tensor.clone(), &["name", "datatype", "shape"]) },
                "outputs": { "type": "array", "items": object(json!({ "name": { "type": "string", "enum": outputs }, "parameters": of_output }), &["name"]) },
            }),
            &["inputs"],
        ),
    );
    add(
        "InferenceResponse",
        object(
            json!({
                "model_name": string(),
                "model_version": string(),
                "id": string(),
                "outputs": { "type": "array", "items": object(tensor, &["name", "datatype", "shape"]) },
            }),
            &["model_name", "outputs"],
        ),
    );
    schemas
}
