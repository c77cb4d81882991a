//! Whether the parts of a bundle that nothing is computed from say what the others do.

use evenstep_pipeline::{Spec, lock};
use evenstep_table::counted;
use serde_json::Value;

use crate::{Opened, card, sbom};

/// A part of a bundle, and what it came to: how many entries agree, or what doesn't.
pub type Consistency = (&'static str, Result<String, String>);

/// Compares lock, spec and bill of materials with the artifact. Whoever seals a bundle anew can make it whole with
/// parts of another one.
pub fn consistency(opened: &Opened) -> Vec<Consistency> {
    vec![("lock", of_lock(opened)), ("spec", of_spec(opened)), ("sbom", of_sbom(opened))]
}

/// The number of the first line in which the model card isn't what this engine writes of the artifact; none if it is.
/// Engines of other versions may have other words for the same facts.
pub fn first_line_of_another_card(opened: &Opened) -> Option<usize> {
    let expected = card::of(&opened.artifact, &opened.digest);
    if opened.card == expected {
        return None;
    }
    let same = opened.card.lines().zip(expected.lines()).take_while(|(found, expected)| found == expected).count();
    Some(same + 1)
}

fn of_lock(opened: &Opened) -> Result<String, String> {
    match lock::first_difference(&opened.lock, &opened.artifact) {
        None => Ok("says what the bundle holds".to_owned()),
        Some(key) => Err(format!("`pipeline.lock` says something else than the bundle holds under `{key}`")),
    }
}

fn of_spec(opened: &Opened) -> Result<String, String> {
    let artifact = &opened.artifact;
    let used = |name: &str, spec: &Value| {
        let mut table = spec.clone();
        if let Some(entries) = table.as_object_mut() {
            entries.insert("use".to_owned(), name.into());
        }
        without_nulls(&table)
    };
    let differs = |part: String| Err(format!("`spec.json` has another {part} than the bundle"));
    let seed = &artifact.spec["pipeline"]["seed"];
    if seed.as_u64().or_else(|| seed.as_str()?.parse().ok()) != Some(artifact.seed) {
        return differs("seed".to_owned());
    }
    if without_nulls(&artifact.spec["model"]) != used(&artifact.model.name, &artifact.model.spec) {
        return differs("model".to_owned());
    }
    let steps = artifact.spec["step"].as_array().map(Vec::as_slice).unwrap_or_default();
    for step in &artifact.steps {
        let written = step.number.checked_sub(1).and_then(|at| steps.get(at)).unwrap_or(&Value::Null);
        if without_nulls(written) != used(&step.name, &step.spec) {
            return differs(format!("step {}", step.number));
        }
    }
    let spec =
        Spec::from_resolved(&artifact.spec, "memory").map_err(|error| format!("`spec.json`: {}", error.message))?;
    let numbers = artifact.steps.iter().map(|step| step.number);
    if !numbers.eq(spec.choosing_steps() + 1..=steps.len()) {
        return differs("number of steps".to_owned());
    }
    if let Some(part) = spec.first_difference(artifact) {
        return differs(part.to_owned());
    }
    Ok(format!("trains `{}` after {}", artifact.model.name, counted(steps.len(), "step")))
}

fn of_sbom(opened: &Opened) -> Result<String, String> {
    let fits = sbom::fits(&opened.sbom, &opened.artifact, &opened.digest, &opened.budget());
    fits.map_err(|error| format!("`sbom.json`: {error}"))?;
    Ok("names this artifact and its data".to_owned())
}

/// The value with nulls left out at every depth, as a spec is written.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let kept = entries.iter().filter(|(_, value)| !value.is_null());
            kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}
