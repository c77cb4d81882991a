//! `check`: spec, contract and data, without training.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use evenstep_exact::canonical::canonical_json;
use evenstep_pipeline::artifact::{AbsentField, Evaluation};
use evenstep_pipeline::{Interface, PipelineError, Run, Spec, check, is_unavailable, lock, retyped};
use evenstep_table::{ColumnName, counted, some_of};
use serde_json::{Value, json};

use super::kept::Promised;
use super::train::{short, tell_absent};
use super::{Answer, read_spec};
use crate::cli::Check;
use crate::training::Outputs;
use crate::{Host, output};

/// So many fields are named of which nothing is measured.
const FIELDS_TOLD: usize = 5;

pub(crate) fn check(args: &Check, host: &Host) -> Answer {
    let spec = read_spec(&args.spec)?;
    let locked = Locked::beside(&args.spec.spec, &spec.pipeline.name);
    let checked = host.run(args.spec.threads, |run| check::check(&spec, run));
    let mut checked = checked.map_err(|error| locked.with_what_is_lost(&spec, error))?;
    let kinds = checked.columns.iter().map(|(name, column)| (name.clone(), column.kind)).collect();
    let retyped = host.run(args.spec.threads, |run| locked.retyped(&spec, &kinds, run))?;
    checked.notes.splice(..0, retyped);
    if let (Some(contract), Some(interface)) = (&args.contract, &checked.interface) {
        Promised::read(contract, host)?.keep(interface, "the spec")?;
    }
    let may_be_absent = checked.interface.as_ref().map_or_else(Vec::new, Interface::may_be_absent);
    let (evaluation, unmeasured) = locked.without(&may_be_absent);
    if host.json {
        let mut told = json!(checked);
        told["absent"] = json!(evaluation.absent);
        output::json(&told);
        return Ok(ExitCode::from(u8::from(!checked.ok)));
    }
    output::line(&format!("{}, {}\n", counted(checked.rows, "row"), counted(checked.columns.len(), "column")));
    let mut rows = vec![["column", "type", "role", "missing", "distinct", "breaches"].map(str::to_owned).to_vec()];
    for (name, column) in &checked.columns {
        let breaches: Vec<String> =
            column.breaches.iter().map(|(rule, tally)| format!("{} {rule}", tally.count)).collect();
        let distinct = column.distinct.map_or("many".to_owned(), |distinct| distinct.to_string());
        let nulls = if column.nulls == 0 { String::new() } else { column.nulls.to_string() };
        rows.push(vec![name.to_string(), column.kind.into(), column.role.into(), nulls, distinct, breaches.join(", ")]);
    }
    output::table(&rows);
    for note in &checked.notes {
        output::line(&format!("  note: {note}"));
    }
    let breaches = checked.columns.values().flat_map(|column| column.breaches.values());
    for violation in breaches.flat_map(|tally| &tally.first) {
        output::line(&format!("  {violation}"));
    }
    let of_another = if locked.is_of(&spec) { "" } else { ", which was of another spec" };
    tell_absent(&evaluation, &format!(", by the training of `{}`{of_another}", locked.path.display()));
    if !unmeasured.is_empty() {
        let fields = some_of(unmeasured.iter().map(|name| format!("`{name}`")), FIELDS_TOLD, ", ");
        output::line(&format!("\n  `evenstep train` measures what the model loses where requests leave out {fields}"));
    }
    if checked.ok {
        output::line(&format!("\n  ok: {} would reach the model", counted(checked.features.len(), "feature")));
        return Ok(ExitCode::SUCCESS);
    }
    output::line(&format!("\n  no: the contract refuses {}", counted(checked.rejected.count, "cell")));
    Ok(ExitCode::from(1))
}

/// What the lock tells of the last training by a spec.
pub(crate) struct Locked {
    path: PathBuf,
    /// Null, if there is no lock, or none that can be read.
    document: Value,
    /// How good it was.
    evaluation: Evaluation,
}

impl Locked {
    pub(crate) fn beside(spec: &Path, pipeline: &str) -> Locked {
        let path = Outputs::beside(spec, pipeline).lock;
        let text = evenstep_files::read_regular_text(&path).ok();
        let (document, _) = text.and_then(|text| lock::document(&text).ok()).unwrap_or_default();
        let evaluation = serde_json::from_value(document["evaluation"].clone()).unwrap_or_default();
        Locked { path, document, evaluation }
    }

    /// What is to be said of columns that are of another type now, and were not declared.
    pub(crate) fn retyped(
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
    fn is_of(&self, spec: &Spec) -> bool {
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
    fn without(&self, fields: &[ColumnName]) -> (Evaluation, Vec<ColumnName>) {
        let mut evaluation = self.evaluation.clone();
        evaluation.absent.retain(|absent| fields.contains(&absent.field));
        let is_known = |name: &&ColumnName| evaluation.absent.iter().any(|absent| absent.field == **name);
        let unmeasured = fields.iter().filter(|name| !is_known(name)).cloned().collect();
        (evaluation, unmeasured)
    }

    /// The error, with what the model would lose without a field that nobody can send, if that is why.
    fn with_what_is_lost(&self, spec: &Spec, error: PipelineError) -> PipelineError {
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
