//! The artifact's bill of materials: what it is, what it learned from, and what runs it, as CycloneDX 1.6.
//!
//! It tells nothing of the engine's build or host: a bundle has the same bytes wherever it was made. What an
//! engine is made of, `evenstep sbom` tells; which engine made a bundle, its attestation.

use evenstep_exact::budget::Budget;
use evenstep_exact::canonical::CanonicalText;
use evenstep_exact::number::print_number;
use evenstep_pipeline::Artifact;
use evenstep_pipeline::artifact::version_of;
use evenstep_table::Task;
use serde_json::{Value, json};

/// The model as a component with its card, and beneath it the data and the engine.
pub(crate) fn of(artifact: &Artifact, digest: &str) -> Value {
    let property = |name: &str, value: String| json!({ "name": format!("evenstep:{name}"), "value": value });
    let evaluation = &artifact.evaluation;
    let personal: Vec<String> = artifact
        .contract
        .columns
        .iter()
        .filter(|(_, rule)| rule.personal)
        .map(|(name, _)| format!("column `{name}`"))
        .collect();
    let mut data = json!({
        "bom-ref": "training-data",
        "type": "dataset",
        "name": "training data",
        "contents": { "properties": [
            property("fingerprint", artifact.fingerprint.clone()),
            property("training_rows", evaluation.training_rows.to_string()),
            property("held_out_rows", evaluation.held_out_rows.to_string()),
        ] },
    });
    if !personal.is_empty() {
        data["sensitiveData"] = json!(personal);
    }
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": {
            "bom-ref": "model",
            "type": "machine-learning-model",
            "name": artifact.name,
            "version": version_of(digest),
            "hashes": [{ "alg": "SHA-256", "content": digest.trim_start_matches("sha256:") }],
            "modelCard": card(artifact),
            "properties": [property("seed", artifact.seed.to_string()), property("fit_epoch", artifact.epochs.fit.to_string())],
        } },
        "components": [
            { "bom-ref": "data", "type": "data", "name": "training data", "data": [data] },
            {
                "bom-ref": "engine",
                "type": "application",
                "name": "evenstep",
                "description": "any engine that answers for the apply epoch",
                "properties": [property("apply_epoch", artifact.epochs.apply.to_string())],
            },
        ],
        "dependencies": [
            { "ref": "model", "dependsOn": ["data", "engine"] },
            { "ref": "data" },
            { "ref": "engine" },
        ],
    })
}

/// CycloneDX's model card: what it does, and how well.
fn card(artifact: &Artifact) -> Value {
    let task = match artifact.task {
        Task::Regression => "regression",
        Task::Binary { .. } => "binary classification",
        Task::Multiclass { .. } => "multiclass classification",
        Task::Ranking => "ranking",
    };
    let kinds = artifact.contract.schema();
    let inputs = artifact.inputs.iter().map(|name| {
        let kind = kinds.get(name).map_or("unknown", |kind| kind.word());
        json!({ "format": format!("{name}: {kind}") })
    });
    let outputs = match artifact.task.classes() {
        [] => vec![json!({ "format": "number" })],
        classes => classes.iter().map(|class| json!({ "format": format!("probability of {class}") })).collect(),
    };
    let metrics = artifact.evaluation.metrics.iter().filter_map(|measured| {
        let mut metric =
            json!({ "type": measured.metric, "value": print_number(measured.value?), "slice": "rows held out" });
        if let Some((low, high)) = measured.interval {
            metric["confidenceInterval"] = json!({ "lowerBound": print_number(low), "upperBound": print_number(high) });
        }
        Some(metric)
    });
    json!({
        "modelParameters": {
            "approach": { "type": "supervised" },
            "task": task,
            "architectureFamily": artifact.model.name,
            "datasets": [{ "ref": "training-data" }],
            "inputs": inputs.collect::<Vec<_>>(),
            "outputs": outputs,
        },
        "quantitativeAnalysis": { "performanceMetrics": metrics.collect::<Vec<_>>() },
    })
}

/// Whether a bill belongs to an artifact; else what doesn't fit.
pub(crate) fn fits(bill: &CanonicalText, artifact: &Artifact, digest: &str, budget: &Budget) -> Result<(), String> {
    let expected = of(artifact, digest);
    if *bill == CanonicalText::of(&expected) {
        return Ok(());
    }
    // That of an engine which tells more, or less.
    let bill: Value = budget.read(bill.as_str().as_bytes()).map_err(|error| error.to_string())?;
    let expect = |place: &str, expected: &str| {
        let found = bill.pointer(place).and_then(Value::as_str);
        if found == Some(expected) {
            return Ok(());
        }
        Err(format!(
            "`{place}` is {}, and `{expected}` is expected",
            found.map_or("missing".to_owned(), |x| format!("`{x}`"))
        ))
    };
    expect("/bomFormat", "CycloneDX")?;
    expect("/metadata/component/version", &version_of(digest))?;
    expect("/metadata/component/hashes/0/content", digest.trim_start_matches("sha256:"))?;
    expect("/components/0/data/0/contents/properties/0/value", &artifact.fingerprint)?;
    let told = |bill: &Value, place: &str| bill.pointer(place).cloned();
    let parts = [
        "/metadata/component/name",
        "/metadata/component/modelCard/modelParameters",
        "/metadata/component/modelCard/quantitativeAnalysis",
        "/metadata/component/properties",
        "/components/0",
    ];
    match parts.into_iter().find(|place| told(&bill, place) != told(&expected, place)) {
        None => Ok(()),
        Some(place) => Err(format!("what is under `{place}` isn't what the bundle holds")),
    }
}
