//! What a bundle holds, member by member, and how an artifact goes in and comes out.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use evenstep_exact::budget::Budget;
use evenstep_exact::canonical::{self, CanonicalText, CanonicalValue, Digest, canonical_json};
use evenstep_model::Stored;
use evenstep_pipeline::artifact::{APPLIED, Epochs, digest_of_identity};
use evenstep_pipeline::{Artifact, ArtifactHead, ModelRecord, PipelineError, Predictor};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::archive::{Entry, shown};
use crate::bounded::AtMost;
use crate::{archive, card, sbom, tensors};

/// The form of identity and members.
const FORMAT: u32 = 1;

/// A bundle that can't be used: nothing of it is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BundleError {
    /// A file that was damaged, whose parts don't belong together, or that is none.
    #[error("{0}")]
    Broken(String),
    /// A format or an apply epoch that this engine doesn't know.
    #[error("{0}")]
    Unknown(String),
}

/// A bundle that has been read and found whole.
pub struct Opened {
    /// What it is for.
    pub artifact: Artifact,
    /// The artifact's digest: that of the identity, which was compared with the artifact.
    pub digest: String,
    /// The lock, without its digest line and facts.
    pub lock: String,
    /// The report, as HTML.
    pub report: String,
    /// The model card, as Markdown.
    pub card: String,
    /// What it is made of, as CycloneDX.
    pub sbom: CanonicalText,
    /// Every member with its size and BLAKE3 digest.
    pub manifest: Manifest,
    /// The names of members that this engine doesn't know, which nothing is read of.
    pub unknown: Vec<String>,
    /// How much memory is left for what a predictor reads.
    left: usize,
}

impl Opened {
    /// What answers by this bundle, once its golden rows gave their bits.
    ///
    /// # Errors
    /// As [`Predictor::load`].
    pub fn predictor(&self) -> Result<Predictor, PipelineError> {
        Predictor::load_as(&self.artifact, self.digest.clone(), &self.budget())
    }

    /// The memory that is left for what is read of it later.
    pub(crate) fn budget(&self) -> Budget {
        Budget::of(self.left)
    }
}

/// What a manifest says of each member, by its name.
pub type Manifest = BTreeMap<String, Member>;

/// A line of the manifest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its size in bytes.
    pub size: u64,
    /// Its BLAKE3 digest.
    pub blake3: Digest,
}

/// What an identity says first: whether the rest can be understood.
#[derive(Deserialize)]
struct Stated {
    format: u32,
    epochs: Epochs,
}

/// The members of a bundle but the manifest, by name.
pub type Members<'a> = BTreeMap<&'a str, &'a [u8]>;

/// The member that lists the others.
const MANIFEST: &str = "manifest.json";
/// More golden rows than a training makes, which is 32.
const GOLDEN_ROWS: usize = 64;
/// What holds the model's numbers.
const WEIGHTS: &str = "model.safetensors";
/// Reading the other members takes so many halves of their bytes at most, and so much that does not depend on them.
const MEMORY_HALVES: usize = 7;
const MEMORY_FREE: usize = 160 << 10;
/// What is kept as it is.
const TEXTS: [&str; 3] = ["card.md", "pipeline.lock", "report.html"];
/// From so many bytes on, several threads hash them.
const LARGE: usize = 1 << 20;

#[derive(Serialize, Deserialize)]
struct ModelFacts {
    #[serde(rename = "use")]
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(deserialize_with = "canonical::value")]
    spec: Value,
    #[serde(deserialize_with = "canonical::value")]
    facts: Value,
}

/// The bundle's bytes.
///
/// # Errors
/// An artifact that takes 4 GiB.
pub fn pack(artifact: &Artifact, lock: &str, report: &str) -> Result<Vec<u8>, BundleError> {
    let identity = canonical_json(&artifact.identity());
    let digest = digest_of_identity(&identity);
    let model = ModelFacts {
        name: artifact.model.name.clone(),
        version: artifact.model.version,
        spec: artifact.model.spec.clone(),
        facts: artifact.model.stored.facts.clone(),
    };
    let members: BTreeMap<String, Vec<u8>> = [
        ("identity.json", identity),
        ("spec.json", canonical_json(&artifact.spec)),
        ("artifact.json", canonical_json(&artifact.head())),
        ("contract.json", canonical_json(&artifact.contract)),
        ("steps.json", canonical_json(&artifact.steps)),
        ("model.json", canonical_json(&model)),
        (WEIGHTS, tensors::write(&artifact.model.stored.tensors)),
        ("profile.json", canonical_json(&artifact.profile)),
        ("evaluation.json", canonical_json(&artifact.evaluation)),
        ("golden.json", canonical_json(&artifact.golden)),
        ("card.md", card::of(artifact, &digest).into_bytes()),
        ("sbom.json", canonical_json(&sbom::of(artifact, &digest))),
        ("pipeline.lock", lock.as_bytes().to_vec()),
        ("report.html", report.as_bytes().to_vec()),
    ]
    .into_iter()
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .collect();
    seal(members)
}

/// The file of these members, with a manifest of them.
///
/// # Errors
/// Members that take 4 GiB.
pub fn seal(mut members: BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, BundleError> {
    let manifest: Manifest = members.iter().map(|(name, bytes)| (name.clone(), Member::of(bytes))).collect();
    members.insert(MANIFEST.to_owned(), canonical_json(&manifest));
    archive::pack(&members).map_err(|error| BundleError::Broken(error.to_string()))
}

impl Member {
    fn of(bytes: &[u8]) -> Member {
        let hash = match bytes.len() {
            // Threads are worth waking.
            LARGE.. => *blake3::Hasher::new().update_rayon(bytes).finalize().as_bytes(),
            _ => *blake3::hash(bytes).as_bytes(),
        };
        Member { size: bytes.len() as u64, blake3: Digest(hash) }
    }
}

/// Reads a bundle, checks every member against the manifest and the identity against what is in it.
///
/// # Errors
/// A file that is cut short or was changed, or whose parts don't belong together.
pub fn open(bytes: &[u8]) -> Result<Opened, BundleError> {
    let (mut members, manifest) = unseal(bytes)?;
    let stated = members.get("identity.json").copied();
    let mut budget = budget(&members);
    let artifact = read_artifact(&mut members, &mut budget)?;
    let identity = canonical_json(&artifact.identity());
    if Some(identity.as_slice()) != stated {
        return Err(BundleError::Broken("`identity.json` doesn't describe what the bundle holds".to_owned()));
    }
    let text = |name: &str, bytes: &[u8]| {
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| BundleError::Broken(format!("`{name}` is not UTF-8")))
    };
    let lock = text("pipeline.lock", take(&mut members, "pipeline.lock")?)?;
    let report = text("report.html", take(&mut members, "report.html")?)?;
    let card = text("card.md", take(&mut members, "card.md")?)?;
    let sbom = read("sbom.json", take(&mut members, "sbom.json")?, &budget)?;
    let unknown = members.keys().map(ToString::to_string).collect();
    let (digest, left) = (digest_of_identity(&identity), budget.left());
    Ok(Opened { artifact, digest, lock, report, card, sbom, manifest, unknown, left })
}

/// The members of a bundle and their manifest, which fit each other to the byte; what they say is not looked at.
///
/// # Errors
/// A file that is cut short or was changed; the error names the part.
pub fn unseal(bytes: &[u8]) -> Result<(Members<'_>, Manifest), BundleError> {
    let entries = archive::unpack(bytes).map_err(|error| BundleError::Broken(error.to_string()))?;
    let changed =
        |name: &str| BundleError::Broken(format!("member `{name}` is not as it was written: the bundle was changed"));
    let check = |entry: &Entry<'_>| {
        let (crc, member) = join(entry.bytes.len(), || crc_of(entry.bytes), || Member::of(entry.bytes));
        if crc == entry.crc { Ok((entry.name.to_owned(), member)) } else { Err(changed(entry.name)) }
    };
    let mut found: Manifest = entries.iter().map(check).collect::<Result<_, _>>()?;
    let mut members: Members<'_> = entries.iter().map(|entry| (entry.name, entry.bytes)).collect();
    let manifest = take(&mut members, MANIFEST)?;
    found.remove(MANIFEST);
    if canonical_json(&found) != manifest {
        let manifest: Manifest = parse(MANIFEST, manifest)?;
        let all = manifest.keys().chain(found.keys());
        return Err(match all.into_iter().find(|name| manifest.get(*name) != found.get(*name)) {
            Some(name) => BundleError::Broken(format!(
                "member `{}` is not what the manifest says: the bundle was changed",
                shown(name)
            )),
            None => BundleError::Broken(format!("`{MANIFEST}` is not in canonical form")),
        });
    }
    Ok((members, found))
}

/// What a bundle says of its members, read without them: as fast from a large bundle as from a small one, and a claim
/// until `open` has looked at every byte.
///
/// # Errors
/// A file that is no bundle.
pub fn peek(file: &mut (impl Read + Seek)) -> Result<Manifest, BundleError> {
    let bytes = archive::read_one(file, MANIFEST).map_err(|error| BundleError::Broken(error.to_string()))?;
    parse(MANIFEST, &bytes.ok_or_else(|| missing(MANIFEST))?)
}

/// The CRC-32 of bytes, by several threads if they are many.
fn crc_of(bytes: &[u8]) -> u32 {
    if bytes.len() < 2 * LARGE {
        return crc32fast::hash(bytes);
    }
    let (left, right) = bytes.split_at(bytes.len() / 2);
    let hasher = |bytes: &[u8]| {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(bytes);
        hasher
    };
    let (mut left, right) = rayon::join(|| hasher(left), || hasher(right));
    left.combine(&right);
    left.finalize()
}

/// Both at once, if there are enough bytes.
fn join<A: Send, B: Send>(bytes: usize, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    if bytes < LARGE { (a(), b()) } else { rayon::join(a, b) }
}

/// The artifact that members hold, whoever wrote them: whoever changed a member may have sealed it anew.
///
/// # Errors
/// A member that is missing, or no such part.
pub fn artifact(members: &mut Members<'_>) -> Result<Artifact, BundleError> {
    let mut budget = budget(members);
    read_artifact(members, &mut budget)
}

fn read_artifact(members: &mut Members<'_>, budget: &mut Budget) -> Result<Artifact, BundleError> {
    let mut take = |name: &str| take(members, name);
    let epochs = stated(take("identity.json")?)?;
    let head: ArtifactHead = read_copied("artifact.json", take("artifact.json")?, 2, budget)?;
    let model: ModelFacts = read("model.json", take("model.json")?, budget)?;
    let weights =
        tensors::read(take(WEIGHTS)?).map_err(|error| BundleError::Broken(format!("`{WEIGHTS}`: {error}")))?;
    let contract = read("contract.json", take("contract.json")?, budget)?;
    let CanonicalValue(spec) = read("spec.json", take("spec.json")?, budget)?;
    let AtMost(golden): AtMost<_, GOLDEN_ROWS> = read("golden.json", take("golden.json")?, budget)?;
    Ok(Artifact::from_parts(
        epochs,
        spec,
        head,
        contract,
        read("steps.json", take("steps.json")?, budget)?,
        ModelRecord {
            name: model.name,
            version: model.version,
            spec: model.spec,
            stored: Stored { facts: model.facts, tensors: weights },
        },
        read("profile.json", take("profile.json")?, budget)?,
        read("evaluation.json", take("evaluation.json")?, budget)?,
        golden,
    ))
}

/// The epochs of the engine that made the bundle, if this one answers for them.
fn stated(identity: &[u8]) -> Result<Epochs, BundleError> {
    let Stated { format, epochs } = parse("identity.json", identity)?;
    if format != FORMAT {
        let message = format!("the bundle is of format {format}, and this engine reads format {FORMAT}");
        return Err(BundleError::Unknown(message));
    }
    if !APPLIED.contains(&epochs.apply) {
        let applied = APPLIED.map(|epoch| epoch.to_string()).join(", ");
        let message = format!(
            "the bundle answers by apply epoch {}, and this engine answers by apply epoch {applied} only: its bits would be \
             others. An engine of the release that made it answers, or train again with this one",
            epochs.apply
        );
        return Err(BundleError::Unknown(message));
    }
    Ok(epochs)
}

fn take<'a>(members: &mut Members<'a>, name: &str) -> Result<&'a [u8], BundleError> {
    members.remove(name).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> BundleError {
    BundleError::Broken(format!("the bundle has no `{name}`"))
}

/// What the members may take in memory once they are read: a multiple of all but the model's numbers, which are read as they are,
/// and less what is kept as text.
fn budget(members: &Members<'_>) -> Budget {
    let bytes =
        |names: &[&str]| -> usize { names.iter().filter_map(|name| members.get(name)).map(|it| it.len()).sum() };
    let all: usize = members.values().map(|bytes| bytes.len()).sum();
    let read = (all - bytes(&[WEIGHTS])) * MEMORY_HALVES / 2;
    Budget::of(MEMORY_FREE + read - bytes(&TEXTS))
}

/// The same of a member that goes on as long as whoever wrote it likes.
fn read<T: DeserializeOwned>(name: &str, bytes: &[u8], budget: &Budget) -> Result<T, BundleError> {
    budget.read(bytes).map_err(|error| BundleError::Broken(format!("`{name}`: {error}")))
}

/// The same of a member of which there are so many copies once there is a predictor.
fn read_copied<T: DeserializeOwned>(
    name: &str,
    bytes: &[u8],
    copies: usize,
    budget: &mut Budget,
) -> Result<T, BundleError> {
    let of_one = Budget::of(budget.left() / copies);
    let value = read(name, bytes, &of_one)?;
    *budget = Budget::of(copies * of_one.left());
    Ok(value)
}

fn parse<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, BundleError> {
    serde_json::from_slice(bytes).map_err(|error| BundleError::Broken(format!("`{name}`: {error}")))
}
