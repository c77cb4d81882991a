//! The artifact: all that determines the answers, and the digest that names it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use evenstep_exact::canonical::{self, CanonicalText, Digest, Hasher, canonical_json};
use evenstep_model::{Aim, Stored, Tensor};
use evenstep_source::Extra;
use evenstep_table::check::SeenColumns;
use evenstep_table::profile::Profile;
use evenstep_table::{ColumnName, Contract, Schema, Task};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::golden::GoldenRow;
use crate::spec::AsOf;

/// Rises when applying a bundle would give other bits.
pub const APPLY_EPOCH: u32 = 1;
/// Rises when training would give other bits.
pub const FIT_EPOCH: u32 = 1;

/// The apply epochs whose bundles this engine answers for.
pub const APPLIED: [u32; 1] = [1];

/// Which bits an engine gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Epochs {
    /// Rises when applying a bundle would give other bits.
    pub apply: u32,
    /// Rises when training would give other bits.
    pub fit: u32,
}

impl Epochs {
    /// Those of this engine.
    pub const NOW: Epochs = Epochs { apply: APPLY_EPOCH, fit: FIT_EPOCH };
}

/// What a training made: enough to score, to explain itself, and to be reproduced.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// What the pipeline is called.
    pub name: String,
    /// The epochs of the engine that made it.
    pub epochs: Epochs,
    /// The spec, with every default written out and without a source: what it takes to train again.
    pub spec: Value,
    /// The seed of steps and model.
    pub seed: u64,
    /// What is predicted.
    pub task: Task,
    /// The resolved `[data]` section, without the source.
    pub data: DataRoles,
    /// What live systems send: the rules of the input columns and of the id.
    pub contract: Contract,
    /// The columns that steps or model read.
    pub inputs: Vec<ColumnName>,
    /// What training saw of each input column: what `unseen` goes by.
    pub seen: SeenColumns,
    /// What happens to unknown fields of a request.
    pub extra: Extra,
    /// The steps, in order.
    pub steps: Vec<StepRecord>,
    /// The features that the model reads, in canonical order.
    pub features: Schema,
    /// The model.
    pub model: ModelRecord,
    /// The fingerprint of the columns used.
    pub fingerprint: String,
    /// What the training data looked like.
    pub profile: Profile,
    /// How good the model is on rows that it has not seen.
    pub evaluation: Evaluation,
    /// Rows made up from the contract, and what they score: replayed wherever the artifact is loaded.
    pub golden: Vec<GoldenRow>,
}

/// `[data]` as it matters to the answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DataRoles {
    /// The id's columns.
    pub id: Vec<ColumnName>,
    /// What is predicted.
    pub target: ColumnName,
    /// The weight's column.
    pub weight: Option<ColumnName>,
    /// The group's column.
    pub group: Option<ColumnName>,
    /// The split.
    #[serde(deserialize_with = "canonical::value")]
    pub split: Value,
    /// What stands for a missing value.
    pub missing: Vec<String>,
    /// Only rows that were known by then were learned from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<AsOf>,
    /// Where the clocks hang whose readings civil columns are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// A step as it is recorded.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StepRecord {
    /// Its number in the spec, from 1: steps at the head that only choose columns count, and are not recorded.
    pub number: usize,
    /// What `use = "…"` calls it.
    #[serde(rename = "use")]
    pub name: String,
    /// The version of its code; none in what was written before versions were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Its parameters, defaults written out.
    #[serde(deserialize_with = "canonical::value")]
    pub spec: Value,
    /// The columns that it reads.
    pub reads: Vec<ColumnName>,
    /// What becomes of columns: `-gone`, `+new`, `~retyped integer → number`.
    pub changes: Vec<String>,
    /// What it learned.
    pub params: CanonicalText,
}

/// The model as it is recorded.
#[derive(Clone, PartialEq, Debug)]
pub struct ModelRecord {
    /// What `use = "…"` calls it.
    pub name: String,
    /// The version of its code; none in what was written before versions were.
    pub version: Option<u32>,
    /// Its hyperparameters, defaults written out.
    pub spec: Value,
    /// What it learned.
    pub stored: Stored,
}

impl ModelRecord {
    /// What predictions are of the target.
    fn aim(&self) -> Aim {
        evenstep_model::parse(&self.name, self.spec.clone()).map(|family| family.aim()).unwrap_or_default()
    }
}

/// How a model did.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Evaluation {
    /// How many rows were learned from.
    pub training_rows: u64,
    /// How many rows were held out.
    pub held_out_rows: u64,
    /// Each metric, on the rows held out.
    pub metrics: Vec<Measured>,
    /// Each metric over the folds of a cross-validation, if there was one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folds: Vec<FoldMetrics>,
    /// Each metric on parts of the rows held out, if that was asked for: by column, those with most rows first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<Slice>,
    /// What the first metric loses without each feature, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permutation: Option<Permutation>,
    /// What is lost without each field that requests may leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<AbsentField>,
}

/// A metric's value, with the baseline's beside it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// The metric.
    pub metric: String,
    /// Its value; null if undefined.
    pub value: Option<f64>,
    /// The bounds of its 95% bootstrap interval.
    pub interval: Option<(f64, f64)>,
    /// What the baseline reaches on the same rows.
    pub baseline: Option<f64>,
    /// The bounds of the same interval of how much better than the baseline's the value is: below 0 it is worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub better_by: Option<(f64, f64)>,
    /// Whether more is better.
    pub higher_is_better: bool,
    /// Why the value is undefined, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undefined: Option<String>,
}

impl Measured {
    /// The bounds of by how much it is better than the baseline. Bundles made before hold only the interval, less certain,
    /// and the baseline as if it were known.
    pub fn gain(&self) -> Option<(f64, f64)> {
        let from_interval = || {
            let ((low, high), baseline) = self.interval.zip(self.baseline)?;
            Some(if self.higher_is_better {
                (low - baseline, high - baseline)
            } else {
                (baseline - high, baseline - low)
            })
        };
        self.better_by.or_else(from_interval)
    }

    /// Whether it leaves open that the baseline is as good: of so few rows that no difference can be told, none is shown.
    pub fn is_no_better(&self) -> bool {
        let are_both_known = self.value.is_some() && self.baseline.is_some();
        are_both_known && self.gain().is_none_or(|(least, _)| least <= 0.0)
    }
}

/// How a model did on the held-out rows with one value of a column.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Slice {
    /// The column.
    pub column: ColumnName,
    /// The value; null where it is missing.
    pub value: Option<String>,
    /// How many rows have it.
    pub rows: u64,
    /// Each metric on them.
    pub metrics: Vec<Measured>,
}

/// How much worse a metric gets when the cells of one feature are dealt out anew among the rows held out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Permutation {
    /// The metric.
    pub metric: String,
    /// How often the cells were dealt out.
    pub repeats: u32,
    /// Those first without which the metric loses most.
    pub features: Vec<PermutedFeature>,
}

/// What a metric loses without a feature.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PermutedFeature {
    /// The feature.
    pub feature: ColumnName,
    /// The mean loss over all repeats, in the metric's own unit: above 0 where the model needs the feature. Null if undefined.
    pub loss: Option<f64>,
    /// The lowest of them.
    pub lowest: Option<f64>,
    /// The highest.
    pub highest: Option<f64>,
}

/// How a model does on the rows held out when none of them has a field.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AbsentField {
    /// The field.
    pub field: ColumnName,
    /// Each metric without it.
    pub metrics: Vec<AbsentMetric>,
    /// Why rows without it get no prediction, if they don't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A metric when a field is absent.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AbsentMetric {
    /// The metric.
    pub metric: String,
    /// Its value; null if undefined.
    pub value: Option<f64>,
    /// How much worse that is, in the metric's own unit: above 0 where the model needs the field.
    pub loss: Option<f64>,
}

/// The metrics of one fold.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FoldMetrics {
    /// Which repeat, from 0.
    pub repeat: u32,
    /// Which fold, from 0.
    pub fold: u32,
    /// Metric and value.
    pub values: BTreeMap<String, Option<f64>>,
}

/// The artifact's small parts, in one member of the bundle.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ArtifactHead {
    #[serde(deserialize_with = "crate::name::read")]
    name: String,
    #[serde(deserialize_with = "canonical::integer")]
    seed: u64,
    task: Task,
    data: DataRoles,
    inputs: Vec<ColumnName>,
    seen: SeenColumns,
    extra: Extra,
    features: Schema,
    fingerprint: String,
}

/// The name of a feature without what tells of people; of each column that there is, it is told whether its values do.
pub(crate) fn called(feature: &str, is_personal: impl Fn(&str) -> Option<bool>) -> String {
    let is_of_personal = |before: &str| {
        let ends = before.match_indices('_').map(|(at, _)| at).rev();
        std::iter::once(before.len()).chain(ends).find_map(|end| is_personal(&before[..end])) == Some(true)
    };
    let personal = feature.match_indices('=').map(|(at, _)| &feature[..at]).find(|before| is_of_personal(before));
    personal.map_or_else(|| feature.to_owned(), |before| format!("{before}=…"))
}

impl Artifact {
    /// A feature as pages and cards call it: `PClass=3rd` without its value, if the contract says that those of the column tell of
    /// people. Which column a feature is of, names tell.
    pub fn called(&self, feature: &str) -> String {
        called(feature, |column| self.contract.columns.get(column).map(|rule| rule.personal))
    }

    /// Of each step, whether it learned from columns that tell of people, or from what steps made of them.
    pub fn steps_that_tell_of_people(&self) -> Vec<bool> {
        let named = self.contract.columns.iter().filter(|(_, rule)| rule.personal).map(|(name, _)| name.as_str());
        let mut personal: BTreeSet<&str> = named.collect();
        let steps = self.steps.iter().map(|step| {
            let tells = step.reads.iter().any(|name| personal.contains(name.as_str()));
            if tells {
                personal.extend(step.changes.iter().filter_map(|change| change.strip_prefix('+')));
            }
            tells
        });
        steps.collect()
    }

    /// What the baseline of its training does, after "a baseline that".
    pub fn baseline(&self) -> String {
        match (&self.task, self.model.aim()) {
            (Task::Regression, Aim::Quantile(quantile)) => {
                format!("always predicts the {quantile} quantile of the training target")
            }
            (Task::Regression, _) => "always predicts the training mean".to_owned(),
            (Task::Ranking, _) => "scores all rows alike".to_owned(),
            (Task::Binary { .. } | Task::Multiclass { .. }, _) => {
                "always predicts the classes' training frequencies".to_owned()
            }
        }
    }

    /// The small parts.
    pub fn head(&self) -> ArtifactHead {
        ArtifactHead {
            name: self.name.clone(),
            seed: self.seed,
            task: self.task.clone(),
            data: self.data.clone(),
            inputs: self.inputs.clone(),
            seen: self.seen.clone(),
            extra: self.extra,
            features: self.features.clone(),
            fingerprint: self.fingerprint.clone(),
        }
    }

    /// The artifact from all its parts.
    #[expect(clippy::too_many_arguments, reason = "one for each member of a bundle")]
    pub fn from_parts(
        epochs: Epochs,
        spec: Value,
        head: ArtifactHead,
        contract: Contract,
        steps: Vec<StepRecord>,
        model: ModelRecord,
        profile: Profile,
        evaluation: Evaluation,
        golden: Vec<GoldenRow>,
    ) -> Artifact {
        let ArtifactHead { name, seed, task, data, inputs, seen, extra, features, fingerprint } = head;
        Artifact {
            name,
            epochs,
            spec,
            seed,
            task,
            data,
            contract,
            inputs,
            seen,
            extra,
            steps,
            features,
            model,
            fingerprint,
            profile,
            evaluation,
            golden,
        }
    }

    /// The canonical list of what determines the answers: `identity.json`.
    pub fn identity(&self) -> impl Serialize {
        let model = &self.model;
        let steps = self.steps.iter().map(|step| StepIdentity {
            name: &step.name,
            spec: &step.spec,
            reads: &step.reads,
            params: digest_of_params(&step.params),
        });
        Identity {
            format: 1,
            epochs: self.epochs,
            seed: self.seed,
            task: &self.task,
            data: &self.data,
            contract: &self.contract,
            inputs: &self.inputs,
            seen: digest_of(&self.seen),
            extra: self.extra,
            fingerprint: &self.fingerprint,
            steps: steps.collect(),
            features: &self.features,
            model: ModelIdentity { name: &model.name, spec: &model.spec, learned: stored_digest(&model.stored) },
        }
    }

    /// The digest that names the artifact: `sha256:` and 64 hex digits of the identity.
    pub fn digest(&self) -> String {
        digest_of_identity(&canonical_json(&self.identity()))
    }

    /// The version, until a registry numbers it: the first 12 hex digits of the digest.
    pub fn version(&self) -> String {
        version_of(&self.digest())
    }
}

/// What [`Artifact::identity`] says.
#[derive(Serialize)]
struct Identity<'a> {
    format: u32,
    epochs: Epochs,
    seed: u64,
    task: &'a Task,
    data: &'a DataRoles,
    contract: &'a Contract,
    inputs: &'a [ColumnName],
    seen: Digest,
    extra: Extra,
    fingerprint: &'a str,
    steps: Vec<StepIdentity<'a>>,
    features: &'a Schema,
    model: ModelIdentity<'a>,
}

#[derive(Serialize)]
struct StepIdentity<'a> {
    #[serde(rename = "use")]
    name: &'a str,
    spec: &'a Value,
    reads: &'a [ColumnName],
    params: Digest,
}

#[derive(Serialize)]
struct ModelIdentity<'a> {
    #[serde(rename = "use")]
    name: &'a str,
    spec: &'a Value,
    learned: Digest,
}

/// The digest that names the artifact of this identity, in canonical form.
pub fn digest_of_identity(identity: &[u8]) -> String {
    use sha2::Digest as _;
    let hex: String = sha2::Sha256::digest(identity).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// The first 12 hex digits of a digest.
pub fn version_of(digest: &str) -> String {
    digest.trim_start_matches("sha256:").chars().take(12).collect()
}

/// The BLAKE3 digest of a value's canonical JSON.
pub fn digest_of<T: Serialize>(value: &T) -> Digest {
    Hasher::new("evenstep params 1").bytes(&canonical_json(value)).finish()
}

/// The same of what a step learned.
pub fn digest_of_params(params: &CanonicalText) -> Digest {
    Hasher::new("evenstep params 1").bytes(params.as_str().as_bytes()).finish()
}

/// The BLAKE3 digest of a stored model.
pub fn stored_digest(stored: &Stored) -> Digest {
    let mut hasher = Hasher::new("evenstep model 1");
    hasher.bytes(&canonical_json(&stored.facts)).list(stored.tensors.len());
    for (name, tensor) in &stored.tensors {
        hasher.str(name);
        match tensor {
            Tensor::F64(cells) => hasher.str("f64").bytes(&little_endian(cells, |x| x.to_le_bytes())),
            Tensor::I64(cells) => hasher.str("i64").bytes(&little_endian(cells, |x| x.to_le_bytes())),
            Tensor::U32(cells) => hasher.str("u32").bytes(&little_endian(cells, |x| x.to_le_bytes())),
            Tensor::U8(cells) => hasher.str("u8").bytes(cells),
        };
    }
    hasher.finish()
}

/// Cells as bytes, where they are if the host has them in that order.
fn little_endian<T: bytemuck::NoUninit, const N: usize>(cells: &[T], bytes: impl Fn(T) -> [u8; N]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        return Cow::Borrowed(bytemuck::cast_slice(cells));
    }
    Cow::Owned(cells.iter().flat_map(|x| bytes(*x)).collect())
}
