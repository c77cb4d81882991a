//! The software bill of materials: what the engine that trained is made of, as CycloneDX 1.5.

use evenstep_pipeline::Artifact;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Lockfile {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
}

/// The artifact as a component, and every library of the engine beneath it.
pub(crate) fn of(artifact: &Artifact) -> Value {
    let lock: Lockfile = toml::from_str(include_str!("../../../Cargo.lock")).expect("cargo writes its lock file");
    let components: Vec<Value> = lock
        .package
        .iter()
        .map(|package| {
            let mut component = json!({
                "type": "library",
                "name": package.name,
                "version": package.version,
                "purl": format!("pkg:cargo/{}@{}", package.name, package.version),
            });
            if let Some(checksum) = &package.checksum {
                component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
            }
            if package.source.is_none() {
                component["type"] = json!("application");
            }
            component
        })
        .collect();
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "machine-learning-model",
            "name": artifact.name,
            "version": artifact.version(),
        } },
        "components": components,
    })
}
