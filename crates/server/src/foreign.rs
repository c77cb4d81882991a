//! What is done first with bytes that others send, without a server around it: for those who search for bytes that a reader
//! stumbles over.

use evenstep_pipeline::Predictor;
use evenstep_pipeline::request::{Refusal, Rows};

use crate::encoding::Encoding;
use crate::limits::BODY_BYTES_MAX;
use crate::problem::Problem;
use crate::{admin, lines, mlflow, models, oip};

/// The rows of a body of the Open Inference Protocol over HTTP, of which so many bytes are JSON; all, if it isn't said.
///
/// # Errors
/// A body that is none, tensors that aren't columns, or outputs that the model hasn't.
pub fn tensors(predictor: &Predictor, body: &[u8], json_bytes: Option<usize>) -> Result<Rows<'static>, Refusal> {
    oip::read(predictor, body, json_bytes).map(|asked| asked.rows).map_err(refused)
}

/// The rows of a call of the same protocol.
///
/// # Errors
/// A message that is none, or tensors that aren't columns.
#[cfg(feature = "grpc")]
pub fn call(body: &[u8]) -> Result<Rows<'static>, Refusal> {
    oip::grpc_rows(body)
}

/// The rows of a body in MLflow's shapes.
///
/// # Errors
/// A body in none of them.
pub fn invocation(body: &[u8]) -> Result<Rows<'static>, Refusal> {
    mlflow::rows(body)
}

/// The rows of a body with an object a line.
///
/// # Errors
/// A line that is none.
pub fn objects_by_line(predictor: &Predictor, body: &[u8]) -> Result<Rows<'static>, Refusal> {
    lines::all(predictor, body).map_err(refused)
}

/// A body without its compression, by the name that `Content-Encoding` has for it; None, if there is no such name. It has 16 MiB
/// at most.
///
/// # Errors
/// A body that isn't compressed so, or is larger.
pub fn inflated(encoding: &str, body: &[u8]) -> Option<Result<Vec<u8>, Refusal>> {
    Some(Encoding::named(encoding)?.inflate(body, BODY_BYTES_MAX).map_err(refused))
}

/// Whether a text says what to serve, as the file of `serve --config` does.
///
/// # Errors
/// Why not.
pub fn config(text: &str) -> Result<(), String> {
    models::check_config(text)
}

/// Whether the lines of a file of acts follow from each other.
///
/// # Errors
/// The first that doesn't.
pub fn acts(file: &[u8]) -> Result<(), String> {
    admin::check_acts(file).map_err(|error| error.to_string())
}

/// Whether a body says what an alias is to point at.
///
/// # Errors
/// Why not.
pub fn alias_target(body: &[u8]) -> Result<(), String> {
    admin::check_target(body)
}

fn refused(problem: Problem) -> Refusal {
    Refusal::Malformed(problem.in_words())
}
