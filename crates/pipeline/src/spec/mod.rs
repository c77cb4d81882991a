//! `pipeline.toml`: what a person writes.

mod as_of;
mod overrides;
mod parse;
mod peer_names;
mod resolved;
mod schema;
mod serving;
mod text;
mod wording;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use evenstep_exact::draw::Seed;
use evenstep_model::{AnyFamily, ModelError};
use evenstep_source::{Source, SourceErrorKind};
use evenstep_step::AnyStep;
use evenstep_table::RuleSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::PipelineError;

pub use as_of::AsOf;
pub use overrides::Override;
pub use schema::json_schema;
pub use serving::{Latency, Mode, ServingSection, Time};
pub(crate) use text::SpecText;

/// A spec that has been read: its steps and model are known, its columns are not looked at yet.
pub struct Spec {
    /// `[pipeline]`.
    pub pipeline: PipelineSection,
    /// `[data]`.
    pub data: DataSection,
    /// `[contract]`, by column.
    pub contract: BTreeMap<String, RuleSpec>,
    /// `[[step]]`, in order.
    pub steps: Vec<Box<dyn AnyStep>>,
    /// `[model]`.
    pub model: Arc<dyn AnyFamily>,
    /// `[report]`.
    pub report: ReportSection,
    /// `[serving]`.
    pub serving: ServingSection,
    /// `[card]`.
    pub card: CardSection,
    /// The rows, if they are at hand: then nobody looks where `[data]` says.
    pub(crate) rows: Option<Source>,
    /// The text, to point into.
    pub(crate) text: SpecText,
}

/// `[pipeline]`: what it is called, and where every draw comes from.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PipelineSection {
    /// The name, for people and for the served answers.
    pub name: String,
    /// Every draw of steps and models derives from it.
    pub seed: u64,
}

/// `[data]`: where rows come from and what their columns are for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSection {
    /// A file or a glob, relative to the spec; a contract can do without.
    #[serde(default)]
    pub source: String,
    /// The column or columns that tell rows apart for good.
    #[serde(default, skip_serializing_if = "Names::is_empty")]
    pub id: Names,
    /// What is to be predicted.
    pub target: String,
    /// What kind of prediction; inferred from the target if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskWord>,
    /// The positive class of a binary task; if absent, the one that reads as `1`, `true`, `yes`, `y`, `t`, `positive`, `bad`, `default`
    /// or `churn`, else the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<String>,
    /// How much each row counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// Rows of equal group stay on one side of every split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// When the row's event happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// When the row was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<String>,
    /// Only rows that were known by then are learned from: by `recorded`, else by `time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<AsOf>,
    /// Where the clocks hang whose readings the datetimes without an offset are, and where instants have their days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Which rows are held out.
    #[serde(default)]
    pub split: SplitSection,
    /// What stands for a missing value, in every format and in live requests.
    #[serde(default = "empty_is_missing")]
    pub missing: Vec<String>,
}

/// One name or several.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a name or a list of names")]
pub enum Names {
    /// None given.
    #[default]
    None,
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Names {
    /// The names.
    pub fn list(&self) -> &[String] {
        match self {
            Names::None => &[],
            Names::One(name) => std::slice::from_ref(name),
            Names::Many(names) => names,
        }
    }

    fn is_empty(&self) -> bool {
        self.list().is_empty()
    }
}

/// The kinds of prediction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskWord {
    /// A number.
    Regression,
    /// One of two classes.
    Binary,
    /// One of several classes.
    Multiclass,
    /// The order of the rows of each group, by how relevant they are.
    Ranking,
}

/// `split`: by row key, so that rows that come later never move the others.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SplitSection {
    /// The fraction held out for the test at the end.
    pub test: f64,
    /// Its own seed, so that different pipelines hold out the same rows.
    pub seed: u64,
    /// Cross-validation over the training rows, if at least 2.
    pub folds: u32,
    /// How often the cross-validation is repeated with other folds.
    pub repeats: u32,
}

impl Default for SplitSection {
    fn default() -> SplitSection {
        SplitSection { test: 0.2, seed: 0, folds: 0, repeats: 1 }
    }
}

/// `[report]`: what is measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportSection {
    /// Metrics, by name; the usual ones of the task and the model's objective if absent.
    #[serde(default)]
    pub metrics: Vec<String>,
    /// How often the cells of each feature are dealt out anew among the rows held out, to see what the first
    /// metric loses; 0: not at all.
    #[serde(default)]
    pub permutation: u32,
    /// Input columns by whose values the metrics are measured apart, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<String>,
}

/// `[card]`: what only people can say of a model. The model card quotes it; the digest doesn't cover it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CardSection {
    /// What the model is for, and for whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intended_use: Option<String>,
    /// What it must not be used for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_scope: Option<String>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
    /// Where they are reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Under which terms it may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Whom it may harm, and what was done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ethical_considerations: Option<String>,
    /// Whatever else there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

impl CardSection {
    /// Whether nobody said anything.
    pub fn is_empty(&self) -> bool {
        *self == CardSection::default()
    }
}

fn empty_is_missing() -> Vec<String> {
    vec![String::new()]
}

impl Spec {
    /// The same spec, for rows that are at hand.
    #[must_use]
    pub fn over(self, rows: Source) -> Spec {
        Spec { rows: Some(rows), ..self }
    }

    /// Where its rows come from.
    ///
    /// # Errors
    /// Files that can't be read.
    pub fn source(&self) -> Result<Source, PipelineError> {
        match &self.rows {
            Some(rows) => Ok(rows.clone()),
            None => Source::open(&self.data.source, self.folder()).map_err(|error| match error.kind {
                SourceErrorKind::NotFound => self.text.point(error.into(), &["data", "source"], "named here"),
                _ => error.into(),
            }),
        }
    }

    /// The text that it was read from, overrides and all.
    pub fn written(&self) -> &str {
        &self.text.text
    }

    /// What its source is called.
    pub fn source_name(&self) -> &str {
        if self.rows.is_some() { "memory" } else { &self.data.source }
    }

    /// The folder that relative paths start from.
    pub fn folder(&self) -> &Path {
        self.text.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// How many steps at the head only choose columns: they decide what the inputs are, and are
    /// done before any row is looked at.
    pub fn choosing_steps(&self) -> usize {
        self.steps.iter().take_while(|step| step.only_chooses_columns()).count()
    }

    /// Whether a step draws for each row, also where the pipeline is applied.
    pub fn draws(&self) -> bool {
        self.steps.iter().any(|step| step.draws_when_applied())
    }

    /// The other steps once more, not fitted yet.
    pub fn fresh_steps(&self) -> Vec<Box<dyn AnyStep>> {
        let again = |step: &dyn AnyStep| evenstep_step::parse(step.name(), step.spec());
        let others = self.steps.iter().skip(self.choosing_steps());
        others.map(|step| again(&**step).expect("a spec that was read reads again")).collect()
    }

    /// What is wrong with the model, pointing at the hyperparameter that is named.
    pub(crate) fn blame_model(&self, error: ModelError) -> PipelineError {
        let said = PipelineError::input(format!("model `{}`: {}", self.model.name(), error.message));
        self.text.point_named(said.help(error.help), &["model"], &error.message)
    }

    /// The seed of steps and model.
    pub fn seed(&self) -> Seed {
        Seed(self.pipeline.seed)
    }

    /// The seed of holdout and folds.
    pub fn split_seed(&self) -> Seed {
        Seed(self.data.split.seed)
    }
}
