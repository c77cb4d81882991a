//! `inspect --model`: the numbers that a model learned.

use std::fmt::Display;

use evenstep_exact::number::print_number;
use evenstep_model::Tensor;
use evenstep_pipeline::Artifact;
use evenstep_table::counted;
use serde_json::{Map, Value, json};

use crate::output;

/// So many numbers of a tensor are told, and so many outputs of a linear model.
const TOLD: usize = 6;
/// What linear models call the weight of each feature, output by output.
const COEFFICIENTS: &str = "coefficients";

/// All of it, for machines. A number that is none, or beyond all, is null.
pub(super) fn described(artifact: &Artifact) -> Value {
    let values = |tensor: &Tensor| match tensor {
        Tensor::F64(values) => json!(**values),
        Tensor::I64(values) => json!(**values),
        Tensor::U32(values) => json!(**values),
        Tensor::U8(values) => json!(**values),
    };
    let tensors = artifact.model.stored.tensors.iter().map(|(name, tensor)| (name.clone(), values(tensor)));
    json!({ "model": {
        "name": artifact.model.name,
        "hyperparameters": artifact.model.spec,
        "features": artifact.features.keys().collect::<Vec<_>>(),
        "classes": artifact.task.classes(),
        "facts": artifact.model.stored.facts,
        "tensors": tensors.collect::<Map<String, Value>>(),
    } })
}

/// The weights of a linear model by its features; of others how many numbers there are, and the first of them.
pub(super) fn tell(artifact: &Artifact) {
    let stored = &artifact.model.stored;
    output::line(&format!("{} of {}", artifact.model.name, counted(artifact.features.len(), "feature")));
    if stored.facts.as_object().is_some_and(|facts| !facts.is_empty()) {
        output::line(&output::one_line(&format!("facts: {}", stored.facts)));
    }
    output::line("tensors:");
    let row = |(name, tensor): (&String, &Tensor)| {
        let (kind, length, first) = match tensor {
            Tensor::F64(values) => ("F64", values.len(), first(values.iter().map(|value| print(*value)))),
            Tensor::I64(values) => ("I64", values.len(), first(values.iter())),
            Tensor::U32(values) => ("U32", values.len(), first(values.iter())),
            Tensor::U8(values) => ("U8", values.len(), first(values.iter())),
        };
        vec![name.clone(), kind.to_owned(), length.to_string(), first]
    };
    output::table(&stored.tensors.iter().map(row).collect::<Vec<_>>());
    if let Some(Tensor::F64(coefficients)) = stored.tensors.get(COEFFICIENTS) {
        tell_coefficients(artifact, coefficients);
    }
}

fn tell_coefficients(artifact: &Artifact, coefficients: &[f64]) {
    let outputs: Vec<&[f64]> = coefficients.chunks_exact(artifact.features.len().max(1)).collect();
    let classes = artifact.task.classes();
    let named = |output: usize| match classes {
        several if several.len() == outputs.len() => several[output].clone(),
        _ => "coefficient".to_owned(),
    };
    let head = std::iter::once("feature".to_owned()).chain((0..outputs.len().min(TOLD)).map(named)).collect();
    let row = |(at, name): (usize, String)| {
        std::iter::once(name).chain(outputs.iter().take(TOLD).map(|output| print(output[at]))).collect()
    };
    let features = artifact.features.keys().map(ToString::to_string).enumerate().map(row);
    output::line("");
    output::table(&std::iter::once(head).chain(features).collect::<Vec<Vec<String>>>());
    if let Some(more) = outputs.len().checked_sub(TOLD).filter(|more| *more > 0) {
        output::line(&format!("and for {}, which `--json` tells", counted(more, "other")));
    }
}

fn first(values: impl ExactSizeIterator<Item = impl Display>) -> String {
    let more = if values.len() > TOLD { " …" } else { "" };
    values.take(TOLD).map(|value| value.to_string()).collect::<Vec<_>>().join(" ") + more
}

fn print(value: f64) -> String {
    if value.is_finite() { print_number(value) } else { value.to_string() }
}
