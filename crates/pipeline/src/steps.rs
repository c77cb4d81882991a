//! The steps of a pipeline: fitted one after the other, or loaded from an artifact.

use std::collections::BTreeMap;

use evenstep_exact::budget::Budget;
use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::Workers;
use evenstep_step::{AnyFitted, AnyStep, Site, StepError, written};
use evenstep_table::{Batch, ColumnName, Contract, Schema, Task};

use crate::artifact::StepRecord;
use crate::spec::SpecText;
use crate::trace::{Form, Recorder, Rows, Stage, Sums};
use crate::{NoNumbers, PipelineError};

/// Steps that have learned, in order.
pub(crate) struct FittedSteps {
    steps: Vec<FittedStep>,
    /// The types of the columns that come out.
    pub(crate) output: Schema,
    /// Whether one of them draws when it is applied, so that rows need their keys.
    pub(crate) draw: bool,
}

/// One of them.
pub(crate) struct FittedStep {
    /// Its number in the spec, from 1.
    number: usize,
    /// What `use = "…"` calls it.
    pub(crate) name: &'static str,
    /// What it learned, and how it is applied.
    pub(crate) fitted: Box<dyn AnyFitted>,
    /// See [`StepRecord::changes`](crate::artifact::StepRecord::changes).
    pub(crate) changes: Vec<String>,
    /// The columns that it writes; all others it leaves as they are.
    writes: Vec<ColumnName>,
    /// Whether it finds no column to read.
    finds_none: bool,
    /// What it is called in a trace, where scoring gives what it gives.
    stage: Stage,
}

/// What a fit of steps is told.
pub(crate) struct Fitting<'a> {
    /// The pipeline's seed.
    pub(crate) seed: Seed,
    /// The columns that tell rows apart, which rows bring when they are scored.
    pub(crate) id: &'a [ColumnName],
    /// The column that is predicted.
    pub(crate) target: &'a str,
    /// What is predicted.
    pub(crate) task: &'a Task,
    /// The rules of the columns.
    pub(crate) contract: &'a Contract,
    /// The work is done by these.
    pub(crate) workers: &'a Workers,
    /// To point at the step that fails.
    pub(crate) text: &'a SpecText,
    /// Which step of the text is the first to be fitted.
    pub(crate) first: usize,
    /// Told which step of how many is fitted next.
    pub(crate) progress: &'a dyn Fn(usize, usize, &str),
    /// Commits to what each step makes of the rows, if there is to be a trace.
    pub(crate) trace: Option<&'a Recorder>,
}

impl FittedSteps {
    /// Fits each step on what the steps before it made of the training rows; gives back the
    /// rows as the model is to see them, and which results were no numbers.
    ///
    /// # Errors
    /// A step that can't learn from these rows; it points into the spec.
    pub(crate) fn fit(
        steps: Vec<Box<dyn AnyStep>>,
        mut batches: Vec<Batch>,
        fitting: &Fitting<'_>,
    ) -> Result<(FittedSteps, Vec<Batch>, NoNumbers), PipelineError> {
        let mut sites = Sites::new(fitting.seed, fitting.task, fitting.contract);
        let schema = batches.first().map(Batch::schema).unwrap_or_default();
        let mut shape = Batch::empty(&schema);
        let (mut fitted_steps, mut lost) = (Vec::new(), NoNumbers::default());
        let count = steps.len();
        let draw = steps.iter().any(|step| step.draws_when_applied());
        for (index, step) in steps.into_iter().enumerate() {
            let (name, number) = (step.name(), fitting.first + index + 1);
            (fitting.progress)(index, count, name);
            let refused =
                |error: StepError| pointed(fitting.text, fitting.first + index, name, telling(error, fitting.contract));
            let site = sites.next(&*step, shape.schema()).map_err(refused)?;
            let finds_none = site.columns.is_empty();
            let fitted = step.fit(site, &batches, fitting.workers).map_err(refused)?;
            let after = fitted.apply(shape.clone()).map_err(refused)?;
            let (before, new) = (shape.schema(), after.schema());
            if new.contains_key(fitting.target) {
                let message = format!("the new column `{}` has the name of the target", fitting.target);
                return Err(refused(StepError::new(message).help("give it another name".to_owned())));
            }
            if let Some(id) = fitting.id.iter().find(|id| new.contains_key(*id) && !before.contains_key(*id)) {
                let message =
                    format!("the new column `{id}` has the name of the id, which rows bring when they are scored");
                return Err(refused(StepError::of(id, message).help("give it another name".to_owned())));
            }
            let (changes, writes) = (changes(&before, &new), written(&shape, &after));
            batches = fitting
                .workers
                .map(batches, |batch| fitted.apply_training(batch))
                .into_iter()
                .collect::<Result<_, _>>()
                .map_err(refused)?;
            batches.iter_mut().for_each(|batch| lost.take(number, name, batch));
            shape = after;
            let stage = |form| Stage::step(number, name, form);
            if let Some(trace) = fitting.trace {
                let form = if fitted.has_training_form() { Form::Training } else { Form::Applied };
                trace.step(&stage(form), &batches, &writes, fitting.workers);
            }
            let stage = stage(Form::Applied);
            fitted_steps.push(FittedStep { number, name, stage, fitted, changes, writes, finds_none });
        }
        Ok((FittedSteps { steps: fitted_steps, output: shape.schema(), draw }, batches, lost))
    }

    /// The steps of an artifact.
    ///
    /// # Errors
    /// Specs or parameters that no fit would have written.
    pub(crate) fn load(
        records: &[StepRecord],
        input: &Schema,
        seed: Seed,
        task: &Task,
        contract: &Contract,
        budget: &Budget,
    ) -> Result<FittedSteps, PipelineError> {
        let mut sites = Sites::new(seed, task, contract);
        let mut shape = Batch::empty(input);
        let (mut steps, mut draw) = (Vec::new(), false);
        for StepRecord { number, name, spec, params, .. } in records {
            let refused = |error: StepError| PipelineError::input(format!("step `{name}`: {error}")).help(error.help);
            let step =
                evenstep_step::parse(name, spec.clone()).map_err(|error| PipelineError::input(error.to_string()))?;
            let known = step.name();
            draw |= step.draws_when_applied();
            let site = sites.next(&*step, shape.schema()).map_err(refused)?;
            let finds_none = site.columns.is_empty();
            let fitted = step.load(site, params, budget).map_err(refused)?;
            let after = fitted.apply(shape.clone()).map_err(refused)?;
            let (changes, writes) = (changes(&shape.schema(), &after.schema()), written(&shape, &after));
            shape = after;
            let stage = Stage::step(*number, known, Form::Applied);
            steps.push(FittedStep { number: *number, name: known, stage, fitted, changes, writes, finds_none });
        }
        Ok(FittedSteps { steps, output: shape.schema(), draw })
    }

    /// The steps, in order.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &FittedStep> {
        self.steps.iter()
    }

    /// Sentences on steps that do nothing, since no column here is what they are for.
    pub(crate) fn idle(&self) -> Vec<String> {
        let is_idle = |step: &&FittedStep| step.finds_none && step.changes.is_empty() && step.writes.is_empty();
        let idle = self.steps.iter().filter(is_idle);
        idle.map(|step| format!("step {} `{}` does nothing: it finds no column", step.number, step.name)).collect()
    }

    /// Applies every step: the same for one row as for a million. Tells which results were no numbers.
    ///
    /// # Errors
    /// A cell that a step's spec says to refuse.
    pub(crate) fn apply(&self, batch: Batch) -> Result<(Batch, NoNumbers), PipelineError> {
        self.apply_with(batch, |_, _, _| ())
    }

    /// Applies every step, and commits to what each makes of the rows.
    ///
    /// # Errors
    /// As `apply`.
    pub(crate) fn apply_traced(
        &self,
        batch: Batch,
        rows: &Rows,
        sums: &mut Sums,
    ) -> Result<(Batch, NoNumbers), PipelineError> {
        self.apply_with(batch, |stage, writes, batch| {
            sums.add(stage, rows, writes.iter().map(|name| (name, batch.column(name))));
        })
    }

    fn apply_with(
        &self,
        mut batch: Batch,
        mut seen: impl FnMut(&Stage, &[ColumnName], &Batch),
    ) -> Result<(Batch, NoNumbers), PipelineError> {
        let mut lost = NoNumbers::default();
        for step in &self.steps {
            batch = step
                .fitted
                .apply(batch)
                .map_err(|error| PipelineError::input(format!("step `{}`: {error}", step.name)).help(error.help))?;
            lost.take(step.number, step.name, &mut batch);
            seen(&step.stage, &step.writes, &batch);
        }
        Ok((batch, lost))
    }
}

/// Gives every step its place: its name counts how often it came before.
struct Sites<'a> {
    seed: Seed,
    task: &'a Task,
    zones: BTreeMap<ColumnName, String>,
    uses: BTreeMap<&'static str, u32>,
}

impl<'a> Sites<'a> {
    fn new(seed: Seed, task: &'a Task, contract: &Contract) -> Sites<'a> {
        let zones = contract.columns.iter().filter_map(|(name, rule)| Some((name.clone(), rule.zone.clone()?)));
        Sites { seed, task, zones: zones.collect(), uses: BTreeMap::new() }
    }

    fn next(&mut self, step: &dyn AnyStep, schema: Schema) -> Result<Site, StepError> {
        let count = self.uses.entry(step.name()).or_default();
        *count += 1;
        let name = format!("{}/{count}", step.name());
        let draws = Draws::new(self.seed, &name);
        Ok(Site {
            columns: step.reads(&schema)?,
            schema,
            zones: self.zones.clone(),
            task: self.task.clone(),
            draws,
            name,
        })
    }
}

/// The columns that a step leaves which only chooses among them.
pub(crate) fn chosen(
    step: &dyn AnyStep,
    schema: Schema,
    index: usize,
    text: &SpecText,
) -> Result<Schema, PipelineError> {
    let name = step.name();
    let refused = |error: StepError| pointed(text, index, name, error);
    let step = evenstep_step::parse(name, step.spec()).expect("a spec that was read reads again");
    let draws = Draws::new(Seed(0), name);
    let columns = step.reads(&schema).map_err(refused)?;
    let zones = BTreeMap::new();
    let site = Site { name: name.to_owned(), columns, zones, task: Task::Regression, draws, schema: schema.clone() };
    let shape = Batch::empty(&schema);
    let fitted = step.fit(site, std::slice::from_ref(&shape), &Workers::threads(1)).map_err(refused)?;
    Ok(fitted.apply(shape).map_err(refused)?.schema())
}

fn changes(before: &Schema, after: &Schema) -> Vec<String> {
    let gone = before.keys().filter(|name| !after.contains_key(*name)).map(|name| format!("-{name}"));
    let new = after.iter().filter_map(|(name, kind)| match before.get(name) {
        None => Some(format!("+{name}")),
        Some(old) if old != kind => Some(format!("~{name} {} → {}", old.word(), kind.word())),
        Some(_) => None,
    });
    gone.chain(new).collect()
}

/// The error, its message with the value that is wrong; without it, if that may tell of people.
fn telling(error: StepError, contract: &Contract) -> StepError {
    let rule = error.column.as_ref().and_then(|column| contract.columns.get(column));
    // A step made the column that has no rule, of one that may be personal.
    let is_personal = rule.map_or_else(|| contract.columns.values().any(|rule| rule.personal), |rule| rule.personal);
    match &error.value {
        Some(value) if !is_personal => StepError { message: format!("{}: `{value}`", error.message), ..error },
        _ => error,
    }
}

fn pointed(text: &SpecText, index: usize, name: &str, error: StepError) -> PipelineError {
    let said = PipelineError::input(format!("step `{name}`: {}", error.message)).help(error.help.clone());
    let index = index.to_string();
    text.point_named(said, &["step", &index], &error.message)
}

#[cfg(test)]
mod tests {
    use evenstep_table::Kind;

    use super::*;

    #[test]
    fn changes_tell_what_is_gone_what_is_new_and_what_has_another_type() {
        let schema = |columns: &[(&str, Kind)]| -> Schema {
            columns.iter().map(|(name, kind)| (ColumnName::new(name).expect("a name"), *kind)).collect()
        };
        let before = schema(&[("a", Kind::Integer), ("b", Kind::Category), ("c", Kind::Number)]);
        let after = schema(&[("a", Kind::Number), ("b=x", Kind::Boolean), ("c", Kind::Number)]);
        assert_eq!(changes(&before, &after), ["-b", "~a integer → number", "+b=x"]);
    }
}
