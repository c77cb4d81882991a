//! The serving contract as a whole: which fields a request brings, what the answer is, and how fast. A bundle has one, and
//! so has a spec before any model exists.

mod answer;
mod compare;
mod declared;
mod field;

use std::collections::BTreeSet;
use std::sync::Arc;

use evenstep_exact::canonical::canonical_json;
use evenstep_table::check::SeenColumns;
use evenstep_table::rule::{Absent, Unseen};
use evenstep_table::{ColumnName, Contract, Rule, Task};
use serde::{Deserialize, Serialize};

use crate::absent;
use crate::artifact::{StepRecord, digest_of_identity};
use crate::prepare::{Prepared, prepare};
use crate::spec::{ServingSection, Spec};
use crate::{Artifact, PipelineError, Predictor, Run};

pub use compare::{Change, Comparison, Verdict, compare};
pub use field::{told, unlisted};

/// The form of the document.
const FORMAT: u32 = 1;
/// Of more categories that training saw none is listed: nobody reads them, and generators make a type of all.
const LISTED_MAX: usize = 1000;

/// What a pipeline promises to those who ask it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    /// The form of this document, 1.
    #[serde(rename = "evenstep_contract")]
    format: u32,
    /// What the pipeline is called.
    #[serde(deserialize_with = "crate::name::read")]
    pub name: String,
    /// The column that is predicted.
    pub target: ColumnName,
    /// What a prediction is.
    pub task: Task,
    /// The columns that requests may bring to have them echoed.
    pub id: Vec<ColumnName>,
    /// Whether they must, since a step draws by them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub requires_id: bool,
    /// The fields that predictions are made from, in canonical order.
    pub inputs: Vec<ColumnName>,
    /// What stands for a missing value.
    pub missing: Vec<String>,
    /// The rules of inputs, id and target.
    pub columns: Contract,
    /// How requests are taken.
    pub serving: ServingSection,
}

/// Where the interface of a spec comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The data were read: what the contract leaves open was inferred.
    Data,
    /// There are no data: what the contract declares is all there is.
    Declared,
}

impl Interface {
    /// The fields that requests may leave out.
    pub fn may_be_absent(&self) -> Vec<ColumnName> {
        absent::fields(&self.columns, &self.inputs)
    }

    /// That of an artifact.
    ///
    /// # Errors
    /// A spec that no training would have written.
    pub fn of(artifact: &Artifact) -> Result<Interface, PipelineError> {
        let data = &artifact.data;
        let interface = Interface {
            format: FORMAT,
            name: artifact.name.clone(),
            target: data.target.clone(),
            task: artifact.task.clone(),
            id: data.id.clone(),
            requires_id: !data.id.is_empty() && draws(artifact)?,
            inputs: artifact.inputs.clone(),
            missing: data.missing.clone(),
            columns: artifact.contract.clone(),
            serving: serving_of(artifact)?,
        };
        interface.narrowed().taking(&artifact.seen).checked("the bundle")
    }

    /// That of a predictor, under the name that it answers by.
    pub fn of_predictor(predictor: &Predictor) -> Interface {
        let Predictor { name, task, data, requires_id, contract, inputs, seen, serving, .. } = predictor;
        let interface = Interface {
            format: FORMAT,
            name: name.clone(),
            target: data.target.clone(),
            task: task.clone(),
            id: data.id.clone(),
            requires_id: *requires_id,
            inputs: inputs.clone(),
            missing: data.missing.clone(),
            columns: contract.clone(),
            serving: serving.clone(),
        };
        interface.narrowed().taking(seen)
    }

    /// That of a spec: by its data where they can be read, else by what it declares.
    ///
    /// # Errors
    /// Data that no training could start from; without data, a contract that leaves something open.
    pub fn of_spec(spec: &Spec, run: &Run<'_>) -> Result<(Interface, Origin), PipelineError> {
        let has_data = (spec.rows.is_some() || !spec.data.source.is_empty()) && spec.source().is_ok();
        if has_data {
            return Ok((Interface::of_prepared(spec, &prepare(spec, run)?), Origin::Data));
        }
        Ok((declared::of(spec)?, Origin::Declared))
    }

    pub(crate) fn of_prepared(spec: &Spec, prepared: &Prepared) -> Interface {
        let interface = Interface {
            format: FORMAT,
            name: spec.pipeline.name.clone(),
            target: prepared.roles.target.clone(),
            task: prepared.task.clone(),
            id: prepared.roles.id.clone(),
            requires_id: !prepared.roles.id.is_empty() && spec.draws(),
            inputs: prepared.inputs.clone(),
            missing: spec.data.missing.clone(),
            columns: prepared.contract.clone(),
            serving: spec.serving.clone(),
        };
        interface.narrowed()
    }

    /// Itself, without the rules of columns that nobody sends or is told.
    fn narrowed(mut self) -> Interface {
        let Interface { target, id, requires_id, inputs, columns, .. } = &mut self;
        columns.columns.retain(|name, _| name == target || id.contains(name) || inputs.contains(name));
        if *requires_id {
            for (_, rule) in columns.columns.iter_mut().filter(|(name, _)| id.contains(name)) {
                *rule = rule.required().into();
            }
        }
        self
    }

    /// Itself, with the categories that are taken where others are refused: those that training saw.
    fn taking(mut self, seen: &SeenColumns) -> Interface {
        let refusing = self.columns.columns.iter_mut().filter(|(_, rule)| rule.unseen == Unseen::Reject);
        for (name, rule) in refusing.filter(|(_, rule)| !rule.personal) {
            let categories = seen.get(name).and_then(|seen| seen.categories.as_ref());
            let Some(categories) = categories.filter(|all| all.len() <= LISTED_MAX) else { continue };
            let is_listed = |category: &&str| {
                rule.values.as_ref().is_none_or(|values| values.iter().any(|value| value == category))
            };
            let taken: Vec<String> = categories.iter().filter(is_listed).map(str::to_owned).collect();
            if !taken.is_empty() {
                Arc::make_mut(rule).values = Some(taken);
            }
        }
        self
    }

    /// That of a document, whoever wrote it.
    ///
    /// # Errors
    /// Another document, or one that contradicts itself.
    pub fn parse(document: &[u8]) -> Result<Interface, PipelineError> {
        let read: Interface = serde_json::from_slice(document)
            .map_err(|error| PipelineError::input(format!("this is no contract of evenstep: {error}")))?;
        if read.format != FORMAT {
            let what = format!("the contract is of form {}, and this engine reads form {FORMAT}", read.format);
            return Err(PipelineError::input(what));
        }
        read.checked("the contract")
    }

    /// Itself, if every column that it names has a rule.
    fn checked(self, what: &str) -> Result<Interface, PipelineError> {
        let named = self.inputs.iter().chain(&self.id).chain([&self.target]);
        for name in named {
            if !self.columns.columns.contains_key(name) {
                return Err(PipelineError::input(format!("{what} names column `{name}`, and has no rule for it")));
            }
        }
        for list in [&self.inputs, &self.id] {
            let mut seen = BTreeSet::new();
            if let Some(twice) = list.iter().find(|name| !seen.insert(*name)) {
                return Err(PipelineError::input(format!("{what} names column `{twice}` twice")));
            }
        }
        if self.inputs.is_empty() {
            return Err(PipelineError::input(format!("{what} has no field to predict from")));
        }
        if self.requires_id && self.id.is_empty() {
            return Err(PipelineError::input(format!("{what} requires an id, and names no column of it")));
        }
        if matches!(&self.task, Task::Multiclass { classes } if classes.is_empty()) {
            return Err(PipelineError::input(format!("{what} says of no class that `{}` may be it", self.target)));
        }
        if let Some((_, message, help)) = self.serving.wrong() {
            return Err(PipelineError::input(message).help(help.to_owned()));
        }
        Ok(self)
    }

    /// The document.
    pub fn document(&self) -> String {
        serde_json::to_string_pretty(self).expect("a contract is plain data") + "\n"
    }

    /// `sha256:` and 64 hex digits of the document in canonical form.
    pub fn digest(&self) -> String {
        digest_of_identity(&canonical_json(self))
    }

    /// The fields of a request, in canonical order: inputs, and the id's columns.
    pub fn fields(&self) -> impl Iterator<Item = (&ColumnName, &Rule)> {
        let wanted = |name: &ColumnName| self.inputs.contains(name) || self.id.contains(name);
        self.columns.columns.iter().filter(move |(name, _)| wanted(name)).map(|(name, rule)| (name, &**rule))
    }

    /// Whether a request without the field is refused.
    pub fn requires(&self, name: &ColumnName) -> bool {
        let is_wanted = self.inputs.contains(name) || self.requires_id && self.id.contains(name);
        is_wanted && self.columns.columns.get(name).is_some_and(|rule| rule.absent == Absent::Reject)
    }

    /// What is known of the target.
    pub fn target_rule(&self) -> &Rule {
        &self.columns.columns[&self.target]
    }
}

/// Whether a step of an artifact draws where it is applied.
///
/// # Errors
/// A step that no training would have written.
fn draws(artifact: &Artifact) -> Result<bool, PipelineError> {
    let step = |record: &StepRecord| {
        let step = evenstep_step::parse(&record.name, record.spec.clone());
        step.map(|step| step.draws_when_applied()).map_err(|error| PipelineError::input(error.to_string()))
    };
    artifact.steps.iter().map(step).try_fold(false, |any, draws| Ok(any | draws?))
}

/// What an artifact's spec says of serving; nothing in bundles of before it could.
///
/// # Errors
/// A section that no training would have written.
pub fn serving_of(artifact: &Artifact) -> Result<ServingSection, PipelineError> {
    let section = artifact.spec.get("serving").cloned().unwrap_or_else(|| serde_json::json!({}));
    serde_json::from_value(section)
        .map_err(|error| PipelineError::input(format!("the bundle's `[serving]` can't be used: {error}")))
}
