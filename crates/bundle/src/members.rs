//! What a bundle holds, member by member, and how an artifact goes in and comes out.

use std::collections::{BTreeMap, BTreeSet};

use evenstep_exact::canonical::canonical_json;
use evenstep_model::Stored;
use evenstep_pipeline::artifact::{APPLIED, Epochs};
use evenstep_pipeline::{Artifact, ArtifactHead, ModelRecord};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{archive, card, sbom, tensors};

/// The form of identity and members.
const FORMAT: u32 = 1;

/// A bundle that can't be used: nothing of it is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BundleError(pub String);

/// A bundle that has been read and found whole.
pub struct Opened {
    /// What it is for.
    pub artifact: Artifact,
    /// The lock, without its digest line and facts.
    pub lock: String,
    /// The report, as HTML.
    pub report: String,
    /// What it is made of, as CycloneDX.
    pub sbom: Value,
    /// Every member with its size and BLAKE3 digest.
    pub manifest: Manifest,
}

/// What a manifest says of each member, by its name.
pub type Manifest = BTreeMap<String, Member>;

/// A line of the manifest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Member {
    /// Its size in bytes.
    pub size: u64,
    /// Its BLAKE3 digest, in hex.
    pub blake3: String,
}

/// What an identity says first: whether the rest can be understood.
#[derive(Deserialize)]
struct Stated {
    format: u32,
    epochs: Epochs,
}

#[derive(Serialize, Deserialize)]
struct ModelFacts {
    #[serde(rename = "use")]
    name: String,
    spec: Value,
    facts: Value,
}

/// The bundle's bytes.
pub fn pack(artifact: &Artifact, lock: &str, report: &str) -> Vec<u8> {
    let model = ModelFacts {
        name: artifact.model.name.clone(),
        spec: artifact.model.spec.clone(),
        facts: artifact.model.stored.facts.clone(),
    };
    let members: BTreeMap<String, Vec<u8>> = [
        ("identity.json", canonical_json(&artifact.identity())),
        ("spec.json", canonical_json(&artifact.spec)),
        ("artifact.json", canonical_json(&artifact.head())),
        ("contract.json", canonical_json(&artifact.contract)),
        ("steps.json", canonical_json(&artifact.steps)),
        ("model.json", canonical_json(&model)),
        ("model.safetensors", tensors::write(&artifact.model.stored.tensors)),
        ("profile.json", canonical_json(&artifact.profile)),
        ("evaluation.json", canonical_json(&artifact.evaluation)),
        ("golden.json", canonical_json(&artifact.golden)),
        ("card.md", card::of(artifact).into_bytes()),
        ("sbom.json", canonical_json(&sbom::of(artifact))),
        ("pipeline.lock", lock.as_bytes().to_vec()),
        ("report.html", report.as_bytes().to_vec()),
    ]
    .into_iter()
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .collect();
    seal(members)
}

/// The file of these members, with a manifest of them.
pub fn seal(mut members: BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    members.insert("manifest.json".to_owned(), canonical_json(&manifest_of(&members)));
    archive::pack(&members)
}

fn manifest_of(members: &BTreeMap<String, Vec<u8>>) -> Manifest {
    let member =
        |bytes: &Vec<u8>| Member { size: bytes.len() as u64, blake3: blake3::hash(bytes).to_hex().to_string() };
    members.iter().map(|(name, bytes)| (name.clone(), member(bytes))).collect()
}

/// Reads a bundle, checks every member against the manifest and the identity against what is in it.
///
/// # Errors
/// A file that is cut short or was changed, or whose parts don't belong together.
pub fn open(bytes: &[u8]) -> Result<Opened, BundleError> {
    let (mut members, manifest) = unseal(bytes)?;
    let identity = members.get("identity.json").cloned();
    let artifact = artifact(&mut members)?;
    if Some(canonical_json(&artifact.identity())) != identity {
        return Err(BundleError("`identity.json` doesn't describe what the bundle holds".to_owned()));
    }
    let text = |name: &str, bytes: Vec<u8>| {
        String::from_utf8(bytes).map_err(|_| BundleError(format!("`{name}` is not UTF-8")))
    };
    let lock = text("pipeline.lock", take(&mut members, "pipeline.lock")?)?;
    let report = text("report.html", take(&mut members, "report.html")?)?;
    let sbom = parse("sbom.json", &take(&mut members, "sbom.json")?)?;
    Ok(Opened { artifact, lock, report, sbom, manifest })
}

/// The members of a bundle and their manifest, which fit each other; what they say is not looked at.
///
/// # Errors
/// A file that is cut short or was changed.
pub fn unseal(bytes: &[u8]) -> Result<(BTreeMap<String, Vec<u8>>, Manifest), BundleError> {
    let mut members = archive::unpack(bytes).map_err(|error| BundleError(error.to_string()))?;
    let manifest: Manifest = parse("manifest.json", &take(&mut members, "manifest.json")?)?;
    let found = manifest_of(&members);
    let all: BTreeSet<&String> = manifest.keys().chain(found.keys()).collect();
    let changed: Vec<&str> =
        all.into_iter().filter(|name| manifest.get(*name) != found.get(*name)).map(String::as_str).collect();
    match changed.as_slice() {
        [] => {}
        [name] => {
            return Err(BundleError(format!("member `{name}` is not what the manifest says: the bundle was changed")));
        }
        names => {
            let names = names.join("`, `");
            return Err(BundleError(format!(
                "members `{names}` are not what the manifest says: the bundle was changed"
            )));
        }
    }
    Ok((members, manifest))
}

/// The artifact that members hold, whoever wrote them: whoever changed a member may have sealed it anew.
///
/// # Errors
/// A member that is missing, or no such part.
pub fn artifact(members: &mut BTreeMap<String, Vec<u8>>) -> Result<Artifact, BundleError> {
    let mut take = |name: &str| take(members, name);
    let epochs = stated(&take("identity.json")?)?;
    let head: ArtifactHead = parse("artifact.json", &take("artifact.json")?)?;
    let model: ModelFacts = parse("model.json", &take("model.json")?)?;
    let weights = tensors::read(&take("model.safetensors")?)
        .map_err(|error| BundleError(format!("`model.safetensors`: {error}")))?;
    Ok(Artifact::from_parts(
        epochs,
        parse("spec.json", &take("spec.json")?)?,
        head,
        parse("contract.json", &take("contract.json")?)?,
        parse("steps.json", &take("steps.json")?)?,
        ModelRecord { name: model.name, spec: model.spec, stored: Stored { facts: model.facts, tensors: weights } },
        parse("profile.json", &take("profile.json")?)?,
        parse("evaluation.json", &take("evaluation.json")?)?,
        parse("golden.json", &take("golden.json")?)?,
    ))
}

/// The epochs of the engine that made the bundle, if this one answers for them.
fn stated(identity: &[u8]) -> Result<Epochs, BundleError> {
    let Stated { format, epochs } = parse("identity.json", identity)?;
    if format != FORMAT {
        let message = format!("the bundle is of format {format}, and this engine reads format {FORMAT}");
        return Err(BundleError(message));
    }
    if !APPLIED.contains(&epochs.apply) {
        let applied = APPLIED.map(|epoch| epoch.to_string()).join(", ");
        let message = format!(
            "the bundle answers by apply epoch {}, and this engine answers by apply epoch {applied} only: its bits would be \
             others. An engine of the release that made it answers, or train again with this one",
            epochs.apply
        );
        return Err(BundleError(message));
    }
    Ok(epochs)
}

fn take(members: &mut BTreeMap<String, Vec<u8>>, name: &str) -> Result<Vec<u8>, BundleError> {
    members.remove(name).ok_or_else(|| BundleError(format!("the bundle has no `{name}`")))
}

fn parse<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, BundleError> {
    serde_json::from_slice(bytes).map_err(|error| BundleError(format!("`{name}`: {error}")))
}
