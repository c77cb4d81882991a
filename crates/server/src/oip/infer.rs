//! `POST /v2/models/M/infer`: tensors in, tensors out, as JSON or with their bytes after it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use evenstep_pipeline::Predictor;
use evenstep_pipeline::request::{self, Rows};
use serde_json::{Map, Value, json};

use super::{json, output, tensor};
use crate::Service;
use crate::dialect::Dialect;
use crate::models::Chosen;
use crate::problem::Problem;
use crate::work::{self, Asked, Said};

/// How many bytes of the body are JSON, if others follow.
const JSON_BYTES: HeaderName = HeaderName::from_static("inference-header-content-length");

pub(super) async fn infer(State(service): State<Arc<Service>>, chosen: Chosen, request: Request) -> Response {
    let Chosen(served) = chosen;
    let (head, body) = request.into_parts();
    let json_bytes = match json_bytes(&head.headers) {
        Ok(json_bytes) => json_bytes,
        Err(problem) => {
            service.metrics.asked(Some(served.name()), problem.status());
            return problem.into_response();
        }
    };
    let work = move |asked: &Asked, bytes: &[u8]| answer(asked, bytes, json_bytes);
    work::answer(Asked::new(service, served), Dialect::Inference, &head.headers, body, work).await
}

fn json_bytes(headers: &HeaderMap) -> Result<Option<usize>, Problem> {
    let mut lengths = headers.get_all(JSON_BYTES).iter();
    let Some(length) = lengths.next() else { return Ok(None) };
    if lengths.any(|other| other != length) {
        return Err(Problem::malformed("`Inference-Header-Content-Length` says two lengths"));
    }
    let length = length.to_str().ok().and_then(|length| length.trim().parse().ok());
    length.map(Some).ok_or_else(|| Problem::malformed("`Inference-Header-Content-Length` is no number of bytes"))
}

/// What a body asks for.
pub(crate) struct Read {
    id: Option<String>,
    outputs: Vec<output::Wanted>,
    pub(crate) rows: Rows<'static>,
}

/// Reads a body, of which so many bytes are JSON.
pub(crate) fn read(predictor: &Predictor, bytes: &[u8], json_bytes: Option<usize>) -> Result<Read, Problem> {
    let split = bytes.split_at_checked(json_bytes.unwrap_or(bytes.len()));
    let (text, binary) = split.ok_or_else(|| {
        Problem::malformed(format!("the body has {} bytes, fewer than its JSON is said to have", bytes.len()))
    })?;
    let body = request::parse(text, "the body")?;
    let Value::Object(mut body) = body else { return Err(Problem::malformed("the body is no object")) };
    let id = match body.remove("id") {
        // Some clients write out what they leave open.
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(id),
        Some(_) => return Err(Problem::malformed("`id` is no text")),
    };
    let parameters = json::parameters(body.remove("parameters"), "the request")?;
    let inputs = match body.remove("inputs") {
        Some(Value::Array(inputs)) => inputs,
        _ => return Err(Problem::malformed("`inputs` is no list of tensors")),
    };
    let header = request::answer_header(predictor);
    let outputs = output::wanted(json::outputs(body.remove("outputs"))?, &header, &parameters)?;
    let rows = Rows::columns(tensor::columns(json::tensors(inputs, binary)?)?)?;
    Ok(Read { id, outputs, rows })
}

fn answer(asked: &Asked, bytes: &[u8], json_bytes: Option<usize>) -> Result<Said, Problem> {
    let Read { id, outputs, rows } = read(&asked.served.predictor, bytes, json_bytes)?;
    let count = rows.len();
    let table = asked.table(rows)?;

    let (tensors, buffers) = json::answer(&outputs, &table.columns[table.ids..]);
    let mut told = Map::new();
    told.insert("model_name".to_owned(), json!(asked.served.name()));
    told.insert("model_version".to_owned(), json!(asked.served.version()));
    // Absent, not null, if it was: clients that are strict take no null.
    told.extend(id.map(|id| ("id".to_owned(), json!(id))));
    told.insert("outputs".to_owned(), Value::Array(tensors));
    let mut bytes = serde_json::to_vec(&Value::Object(told)).expect("answers are plain data");
    let (rows, flags) = (count, table.flags.len());
    if !outputs.iter().any(|output| output.binary) {
        return Ok(Said::of("application/json", bytes, rows, flags));
    }
    let header = Some((JSON_BYTES, bytes.len().into()));
    bytes.extend(buffers);
    Ok(Said { header, ..Said::of("application/octet-stream", bytes, rows, flags) })
}
