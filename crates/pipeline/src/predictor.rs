//! Applying an artifact: rows that keep the contract in, predictions out. No fit is near.

use std::sync::{Arc, OnceLock};

use evenstep_exact::budget::Budget;
use evenstep_exact::draw::Seed;
use evenstep_model::{AnyModel, Contributions, Predictions};
use evenstep_table::check::SeenColumns;
use evenstep_table::{Batch, Column, ColumnName, Contract, Schema, Task};

use crate::artifact::{Artifact, DataRoles, called};
use crate::interface::{Interface, serving_of};
use crate::request::RowTypers;
use crate::request::phases::{self, Phase};
use crate::score::{answer_columns, told};
use crate::spec::ServingSection;
use crate::steps::FittedSteps;
use crate::trace::{Head, Named, Origin, Stage, Sums};
use crate::{NoNumbers, PipelineError, golden};

/// A compiled artifact, ready to score.
pub struct Predictor {
    /// The pipeline's name.
    pub name: String,
    /// The artifact's digest.
    pub digest: String,
    /// The artifact's version.
    pub version: String,
    /// What is predicted.
    pub task: Task,
    /// What each column is for.
    pub data: DataRoles,
    /// What rows must keep to.
    pub contract: Contract,
    /// The columns that steps or model read.
    pub inputs: Vec<ColumnName>,
    /// What training saw of the input columns.
    pub seen: SeenColumns,
    /// How requests are taken.
    pub serving: ServingSection,
    /// Whether each row must say its id, since a step draws by it.
    pub requires_id: bool,
    /// The model's family.
    pub family: String,
    /// The features that the model reads, in canonical order.
    pub features: Schema,
    pub(crate) typers: OnceLock<RowTypers>,
    pub(crate) steps: FittedSteps,
    model: Box<dyn AnyModel>,
}

impl Predictor {
    /// Compiles an artifact and replays its golden rows.
    ///
    /// # Errors
    /// Parts that don't belong together, or a host that gives other bits than training did.
    pub fn load(artifact: &Artifact) -> Result<Predictor, PipelineError> {
        Predictor::load_as(artifact, artifact.digest(), &Budget::unlimited())
    }

    /// The same of an artifact whose digest is known, as that of a bundle is once it was checked: to hash a large one takes
    /// as long as to compile it. What its steps learned is read in no more memory than is left for it.
    ///
    /// # Errors
    /// As `load`.
    pub fn load_as(artifact: &Artifact, digest: String, budget: &Budget) -> Result<Predictor, PipelineError> {
        let predictor = Predictor::compile_as(artifact, digest, budget)?;
        golden::replay(&predictor, &artifact.golden, budget)?;
        Ok(predictor)
    }

    /// Compiles an artifact.
    ///
    /// # Errors
    /// Parts that don't belong together.
    pub fn compile(artifact: &Artifact) -> Result<Predictor, PipelineError> {
        Predictor::compile_as(artifact, artifact.digest(), &Budget::unlimited())
    }

    fn compile_as(artifact: &Artifact, digest: String, budget: &Budget) -> Result<Predictor, PipelineError> {
        let kinds = artifact.contract.schema();
        for (at, name) in artifact.data.id.iter().enumerate() {
            if !kinds.contains_key(name) || artifact.data.id[..at].contains(name) {
                return Err(PipelineError::input(format!("id column `{name}` has not one rule in the contract")));
            }
        }
        let input: Schema = artifact
            .inputs
            .iter()
            .map(|name| {
                let kind = kinds.get(name).copied();
                kind.map(|kind| (name.clone(), kind))
                    .ok_or_else(|| PipelineError::input(format!("input column `{name}` has no rule in the contract")))
            })
            .collect::<Result<_, _>>()?;
        let seed = Seed(artifact.seed);
        let steps = FittedSteps::load(&artifact.steps, &input, seed, &artifact.task, &artifact.contract, budget)?;
        for (name, kind) in &artifact.features {
            if steps.output.get(name) != Some(kind) {
                return Err(PipelineError::input(format!("the steps don't make feature `{name}`")));
            }
        }
        let family = evenstep_model::parse(&artifact.model.name, artifact.model.spec.clone())
            .map_err(|error| PipelineError::input(error.message).help(error.help))?;
        let model = Arc::clone(&family)
            .restore(&artifact.features, &artifact.task, &artifact.model.stored)
            .map_err(|error| PipelineError::input(error.message).help(error.help))?;
        Ok(Predictor {
            name: artifact.name.clone(),
            version: crate::artifact::version_of(&digest),
            digest,
            task: artifact.task.clone(),
            data: artifact.data.clone(),
            contract: artifact.contract.clone(),
            inputs: artifact.inputs.clone(),
            seen: artifact.seen.clone(),
            serving: ServingSection { extra: artifact.extra, ..serving_of(artifact)? },
            requires_id: steps.draw && !artifact.data.id.is_empty(),
            family: artifact.model.name.clone(),
            features: artifact.features.clone(),
            typers: OnceLock::new(),
            steps,
            model,
        })
    }

    /// What answers by an interface, with the model that is given and no steps: a mock.
    pub(crate) fn of_interface(
        interface: &Interface,
        digest: String,
        model: Box<dyn AnyModel>,
    ) -> Result<Predictor, PipelineError> {
        let kinds = interface.columns.schema();
        let input: Schema = interface.inputs.iter().map(|name| (name.clone(), kinds[name])).collect();
        let data = DataRoles {
            id: interface.id.clone(),
            target: interface.target.clone(),
            weight: None,
            group: None,
            split: serde_json::Value::Null,
            missing: interface.missing.clone(),
            as_of: None,
            zone: None,
        };
        Ok(Predictor {
            name: interface.name.clone(),
            version: crate::artifact::version_of(&digest),
            digest,
            task: interface.task.clone(),
            data,
            contract: interface.columns.clone(),
            inputs: interface.inputs.clone(),
            seen: SeenColumns::new(),
            serving: interface.serving.clone(),
            requires_id: interface.requires_id,
            family: "mock".to_owned(),
            features: input.clone(),
            typers: OnceLock::new(),
            steps: FittedSteps::load(&[], &input, Seed(0), &interface.task, &interface.columns, &Budget::of(0))?,
            model,
        })
    }

    /// Scores rows that have been read by the contract: their input columns typed, their keys set. Tells which
    /// results of steps were no numbers.
    ///
    /// # Errors
    /// A cell that a step's spec says to refuse.
    pub fn predict(&self, batch: Batch) -> Result<(Predictions, NoNumbers), PipelineError> {
        let (transformed, lost) = self.steps.apply(batch)?;
        phases::ended(Phase::Steps);
        let predictions = self.model.predict(&transformed);
        phases::ended(Phase::Model);
        Ok((predictions, lost))
    }

    /// Scores rows, and commits to what each stage makes of them; rows in `unanswered` get no prediction.
    ///
    /// # Errors
    /// As `predict`.
    pub(crate) fn predict_traced(
        &self,
        batch: Batch,
        unanswered: &[usize],
        id: &[ColumnName],
        sums: &mut Sums,
    ) -> Result<Traced, PipelineError> {
        let id: Vec<&Column> = id.iter().map(|name| batch.column(name)).collect();
        let rows = Named::of(&batch.keys, &id);
        sums.add_ends(&Stage::Input, &rows, batch.columns());
        let (transformed, no_numbers) = self.steps.apply_traced(batch, &rows.rows, sums)?;
        phases::ended(Phase::Steps);
        let mut predictions = self.model.predict(&transformed);
        phases::ended(Phase::Model);
        predictions.forget(unanswered);
        let said = add_predictions(sums, &self.task, &rows, &predictions);
        Ok(Traced { predictions, said, no_numbers })
    }

    /// A feature as messages call it: without the value in its name, if the contract says that those of its column tell of people.
    pub fn called(&self, feature: &str) -> String {
        called(feature, |column| self.contract.columns.get(column).map(|rule| rule.personal))
    }

    /// The head of a trace of what this artifact is applied to.
    pub fn trace_head(&self, origin: Origin) -> Head {
        Head { origin, name: self.name.clone(), digest: self.digest.clone(), id: self.data.id.clone() }
    }

    /// Scores rows, and says what each feature adds to their scores, if the model can.
    ///
    /// # Errors
    /// As `predict`.
    pub fn explain(&self, batch: Batch) -> Result<(Predictions, Option<Contributions>, NoNumbers), PipelineError> {
        let (transformed, lost) = self.steps.apply(batch)?;
        Ok((self.model.predict(&transformed), self.model.explain(&transformed), lost))
    }

    /// What the model says of rows of which nothing is known: the scores that contributions are added to.
    ///
    /// # Errors
    /// The model's family can't explain its scores.
    pub fn base(&self) -> Result<Vec<f64>, PipelineError> {
        let of_no_row = self.model.explain(&Batch::empty(&self.features));
        of_no_row.map(|contributions| contributions.base).ok_or_else(|| {
            PipelineError::input(format!("`{}` can't say what each feature adds to a prediction", self.family))
                .help("train a model that can, one of trees: `boosted_trees`, `random_forest`, `extra_trees` or `decision_tree`".to_owned())
        })
    }
}

/// What was said of rows at whose stages somebody looked.
pub(crate) struct Traced {
    pub(crate) predictions: Predictions,
    /// The same in columns, as they are told.
    pub(crate) said: Vec<Column>,
    pub(crate) no_numbers: NoNumbers,
}

/// Commits to what the model says, and gives it back in columns.
pub(crate) fn add_predictions(sums: &mut Sums, task: &Task, rows: &Named, predictions: &Predictions) -> Vec<Column> {
    let (names, columns) = (answer_columns(task), told(task, predictions));
    sums.add_ends(&Stage::Prediction, rows, names.iter().map(|(name, _)| name).zip(&columns));
    columns
}
