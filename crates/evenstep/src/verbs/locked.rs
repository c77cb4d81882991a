//! What the lock beside a spec tells of its last training.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evenstep_exact::canonical::canonical_json;
use evenstep_pipeline::artifact::{AbsentField, Evaluation};
use evenstep_pipeline::{PipelineError, Run, Spec, is_unavailable, lock, retyped};
use evenstep_table::ColumnName;
use serde_json::{Value, json};

use super::train::short;
use crate::training::Outputs;

/// What the lock tells of the last training by a spec.
pub(super) struct Locked {
    pub(super) path: PathBuf,
    /// Null, if there is no lock, or none that can be read.
    document: Value,
    /// How good it was.
    evaluation: Evaluation,
}

impl Locked {
    pub(super) fn beside(spec: &Path, pipeline: &str) -> Locked {
        let path = Outputs::beside(spec, pipeline).lock;
        let text = evenstep_files::read_regular_text(&path).ok();
        let (document, _) = text.and_then(|text| lock::document(&text).ok()).unwrap_or_default();
        let evaluation = serde_json::from_value(document["evaluation"].clone()).unwrap_or_default();
        Locked { path, document, evaluation }
    }

    /// What is to be said of columns that are of another type now, and were not declared.
    pub(super) fn retyped(
        &self,
        spec: &Spec,
        now: &BTreeMap<ColumnName, &'static str>,
        run: &Run<'_>,
    ) -> Result<Vec<String>, PipelineError> {
        let Ok(contract) = serde_json::from_value(self.document["contract"].clone()) else { return Ok(Vec::new()) };
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        retyped(spec, &contract, &name, now, run)
    }

    /// Whether the lock has the seed, the split, the steps and the model of this spec.
    pub(super) fn is_of(&self, spec: &Spec) -> bool {
        let resolved = spec.resolved();
        let used = |of: &Value| {
            let mut used = of["spec"].clone();
            used.as_object_mut().map(|used| used.insert("use".to_owned(), of["use"].clone()));
            used
        };
        let steps = self.document["step"].as_array().map(Vec::as_slice).unwrap_or_default();
        let written = resolved["step"].as_array().map(Vec::as_slice).unwrap_or_default();
        let lock = json!([
            self.document["seed"],
            self.document["data"]["split"],
            used(&self.document["model"]),
            steps.iter().map(used).collect::<Vec<_>>(),
        ]);
        let spec = json!([
            resolved["pipeline"]["seed"],
            resolved["data"]["split"],
            resolved["model"],
            written.get(spec.choosing_steps()..),
        ]);
        canonical_json(&lock) == canonical_json(&spec)
    }

    /// The evaluation with what is lost without some fields, and those of them of which it isn't known.
    pub(super) fn without(&self, fields: &[ColumnName]) -> (Evaluation, Vec<ColumnName>) {
        let mut evaluation = self.evaluation.clone();
        evaluation.absent.retain(|absent| fields.contains(&absent.field));
        let is_known = |name: &&ColumnName| evaluation.absent.iter().any(|absent| absent.field == **name);
        let unmeasured = fields.iter().filter(|name| !is_known(name)).cloned().collect();
        (evaluation, unmeasured)
    }

    /// The error, with what the model would lose without a field that nobody can send, if that is why.
    pub(super) fn with_what_is_lost(&self, spec: &Spec, error: PipelineError) -> PipelineError {
        let names = spec.contract.keys().filter_map(|name| ColumnName::new(name));
        let Some(name) = names.into_iter().find(|name| is_unavailable(name, &error)) else { return error };
        let told = |absent: &AbsentField| {
            let first = self.evaluation.metrics.first()?;
            let without = absent.metrics.iter().find(|without| without.metric == first.metric)?;
            let (with, without) = (short(first.value?), short(without.value?));
            let path = self.path.display();
            Some(format!("without it {} was {without}, and {with} with it, by the training of `{path}`", first.metric))
        };
        let measured = self.evaluation.absent.iter().find(|absent| absent.field == name).and_then(told);
        let lost = measured.unwrap_or_else(|| {
            "what the model loses without it, `evenstep train` measures where requests may leave it out: \
             available = \"request\", absent = \"null\""
                .to_owned()
        });
        let help = error.help.as_ref().map_or(lost.clone(), |help| format!("{help}; {lost}"));
        error.help(help)
    }
}
