//! From a source to rows that can be learned from: typed by the contract, with identity and labels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evenstep_exact::reduce::Workers;
use evenstep_model::WEIGHT_MAX;
use evenstep_source::{Inferred, Kept, Origin, Read, Reading, Source};
use evenstep_step::kit::Formula;
use evenstep_table::check::Breach;
use evenstep_table::fingerprint::fingerprint;
use evenstep_table::identity::{self, Identity};
use evenstep_table::infer::Evidence;
use evenstep_table::quality::{ColumnQuality, Quality, Violation};
use evenstep_table::{
    Batch, Column, ColumnName, Contract, Kind, Labels, RowKey, Rule, RuleSpec, Schema, Task, counted, did_you_mean,
};
use serde::Deserialize;

use crate::artifact::DataRoles;
use crate::as_of;
use crate::available::refuse_unavailable;
use crate::check::store_note;
use crate::roles::{Roles, kind_of, refuse_no_target, refuse_no_time};
use crate::spec::Spec;
use crate::target::{self, Target};
use crate::{PipelineError, Run, like_id, mixed};

/// So few numbers may have three digits after the point by chance.
const SOME: u64 = 10;

/// Rows ready to be split and learned from, and what was found on the way.
pub struct Prepared {
    /// The input columns, with keys and labels; for a trace, the id's columns, too.
    pub batches: Vec<Batch>,
    /// What is predicted.
    pub task: Task,
    /// The rules of all columns that are used.
    pub contract: Contract,
    /// The columns that steps or model read, in canonical order.
    pub inputs: Vec<ColumnName>,
    /// What the other columns are for.
    pub roles: DataRoles,
    /// The fingerprint of all columns that are used.
    pub fingerprint: String,
    /// What was found in the data.
    pub quality: Quality,
    /// How many columns the source has.
    pub source_columns: usize,
    /// Rows that the contract sets aside.
    pub quarantine: Vec<Violation>,
    /// Sentences for people.
    pub notes: Vec<String>,
    /// What is to be said of columns of text that would be of another type but for few cells.
    pub mixed: BTreeMap<ColumnName, mixed::Mixed>,
}

/// What is known before a row is read for good: the contract, and the columns that are needed.
pub struct Surveyed {
    /// The source.
    pub source: Source,
    /// What its cells look like.
    pub inferred: Inferred,
    /// Its rows, as far as they were kept when they were looked at.
    pub kept: Kept,
    /// The rules of all columns that are used.
    pub contract: Contract,
    /// The columns that steps or model read.
    pub inputs: Vec<ColumnName>,
    /// Sentences for people about rows and columns that are not there yet.
    pub notes: Vec<String>,
    /// What is to be said of columns of text that would be of another type but for few cells.
    pub(crate) mixed: BTreeMap<ColumnName, mixed::Mixed>,
    pub(crate) roles: Roles,
}

/// Opens the source, infers what the contract leaves open, and finds the columns that are needed.
///
/// # Errors
/// A source that can't be read, a column that isn't there, a contract that contradicts itself.
pub fn survey(spec: &Spec, run: &Run<'_>) -> Result<Surveyed, PipelineError> {
    let source = spec.source()?;
    let columns = source.column_names();
    let roles = Roles::of(spec, &source)?;
    no_step_names_the_target(spec, &roles.target)?;
    let declared = declared_rules(spec, columns)?;
    let known = as_of::known(spec, &source, &roles, &declared, run)?;
    let source = known.into_iter().fold(source, Source::known_by);
    run.progress.stage("look at types", Some(source.bytes()));
    let told = |bytes: u64| run.progress.done(bytes, "");
    let (inferred, kept) = source.infer_keeping(&spec.data.missing, &declared, run.workers, &told)?;
    refuse_no_target(spec, &roles, &inferred, &declared)?;
    refuse_no_time(spec, &roles, &inferred, &declared)?;
    let Chosen { inputs, unknown, unread, index } = inputs(spec, &source, &roles, &inferred, &declared)?;
    if inputs.is_empty() {
        let help = "besides the target and the id there has to be one that no step drops at once";
        let help = unreadable(&source, &unread).map_or_else(|| help.to_owned(), |told| format!("{help}; {told}"));
        let error = PipelineError::input("no column is left to learn from").help(help);
        return Err(spec.text.point(error, &["data", "target"], "this is to be learned"));
    }
    let mut notes = as_of::notes(spec, inferred.left_out, &unknown);
    let wanted: BTreeSet<&ColumnName> = inputs.iter().chain(roles.used()).collect();
    let evidence = inferred.columns.iter().filter(|(name, _)| wanted.contains(name));
    let evidence = evidence.map(|(name, evidence)| (name.clone(), evidence.clone())).collect();
    let mut declared: BTreeMap<_, _> = declared.into_iter().filter(|(name, _)| wanted.contains(name)).collect();
    for name in roles.id.iter().chain(&roles.group).filter(|name| !inputs.contains(name)) {
        if inferred.columns[name].kind_as_name() == Some(Kind::Category) {
            declared.entry(name.clone()).or_default().kind.get_or_insert(Kind::Category.into());
        }
    }
    let contract = Contract::resolve(&declared, &evidence, spec.data.zone.as_deref()).map_err(|error| {
        let help = mixed::of_column(spec, &error.column, &inferred, run).or(error.error.help);
        let said = PipelineError::input(format!("column `{}`: {}", error.column, error.error.message)).help(help);
        spec.text.point(said, &["contract", error.column.as_str(), error.error.key], "this rule")
    })?;
    notes.extend(unreadable(&source, &unread));
    if !index.is_empty() {
        let names: Vec<String> = index.iter().map(|name| format!("`{name}`")).collect();
        notes.push(format!("an index without a name, and so no input: {}", names.join(", ")));
    }
    let idle: Vec<String> = spec
        .contract
        .keys()
        .filter(|name| !wanted.iter().any(|one| one.as_str() == *name))
        .map(|name| format!("`{name}`"))
        .collect();
    if !idle.is_empty() {
        notes.push(format!("the contract is not held against columns that nothing reads: {}", idle.join(", ")));
    }
    if roles.group.is_none() {
        let known = inputs.iter().filter(|name| !roles.id.contains(name));
        notes.extend(like_id::judged_on_its_own(known, &inferred.columns, inferred.rows));
    }
    let is_empty = |name: &&ColumnName| inferred.columns.get(*name).is_some_and(|evidence| evidence.values() == 0);
    let empty: Vec<String> = inputs.iter().filter(is_empty).map(|name| format!("`{name}`")).collect();
    if !empty.is_empty() {
        notes.push(format!("without a value in any row, so that nothing is learned from them: {}", empty.join(", ")));
    }
    let is_text = |kind| matches!(kind, Kind::Category | Kind::Text);
    let texts = contract.columns.iter().filter(|(name, rule)| is_text(rule.kind) && !roles.id.contains(name));
    let told = |name: &ColumnName| {
        let evidence = &inferred.columns[name];
        let as_strings = || stored_as_strings(name, evidence).filter(|_| !mixed::is_declared(spec, name));
        written_for_people(name, evidence).or_else(as_strings)
    };
    notes.extend(texts.filter_map(|(name, _)| told(name)));
    let numbers = contract
        .columns
        .iter()
        .filter(|(name, rule)| rule.kind.is_numeric() && rule.format.is_none() && !roles.id.contains(name));
    notes.extend(numbers.filter_map(|(name, _)| maybe_thousands(name, &inferred.columns[name])));
    let mixed = mixed::of(spec, &contract, &inferred);
    mixed::refuse_target(spec, &roles.target, &contract, &inferred, run)?;
    notes.extend(mixed.values().map(|(_, told)| told.clone()));
    refuse_unavailable(spec, &contract, &inputs)?;
    Ok(Surveyed { source, inferred, kept, contract, inputs, notes, mixed, roles })
}

/// What is to be said of columns whose cells no column can hold.
fn unreadable(source: &Source, unread: &[ColumnName]) -> Option<String> {
    let unsupported = source.unsupported();
    let told: Vec<String> = unread.iter().map(|name| format!("`{name}` ({})", unsupported[name])).collect();
    (!told.is_empty()).then(|| format!("of a type that is not read, and so no inputs: {}", told.join(", ")))
}

/// What is to be said of a column whose numbers are text to every program.
fn written_for_people(name: &ColumnName, evidence: &Evidence) -> Option<String> {
    let formatted = evidence.formatted()?;
    Some(format!(
        "`{name}` is read as text, and each text is a word of its own: {} of its {} are numbers as people write \
         them, such as `1,5`, `$5`, `12%` or `.5`. Written as `1234.5` they are numbers, or with `format = \"1.234,56\"` in \
         `[contract]`",
        formatted,
        counted(evidence.values() as usize, "value"),
    ))
}

/// What is to be said of a frame's column whose numbers are strings.
fn stored_as_strings(name: &ColumnName, evidence: &Evidence) -> Option<String> {
    evidence.are_quantities_as_strings().then(|| {
        format!(
            "`{name}` is text, and each text is a word of its own, though all of its {} are numbers. If they are quantities, \
             hand them over as numbers, or say `type = \"number\"` of it in `[contract]`",
            counted(evidence.values() as usize, "value"),
        )
    })
}

/// What is to be said of a column whose points may set thousands apart.
pub(crate) fn maybe_thousands(name: &ColumnName, evidence: &Evidence) -> Option<String> {
    let cells = evidence.maybe_thousands();
    (cells >= SOME).then(|| {
        format!(
            "`{name}`: {cells} of its {} have a point, each before three digits, as `1.234` has. If that is more than \
             a thousand, say `format = \"1.234,56\"` in `[contract]`; if not, `format = \"1234.56\"`",
            counted(evidence.values() as usize, "value"),
        )
    })
}

/// The source as the spec has it known, if it has an `as_of`.
///
/// # Errors
/// As [`survey`].
pub(crate) fn as_known(spec: &Spec, source: Source, run: &Run<'_>) -> Result<Source, PipelineError> {
    let roles = Roles::of(spec, &source)?;
    let declared = declared_rules(spec, source.column_names())?;
    let known = as_of::known(spec, &source, &roles, &declared, run)?;
    Ok(known.into_iter().fold(source, Source::known_by))
}

fn declared_rules(spec: &Spec, columns: &[ColumnName]) -> Result<BTreeMap<ColumnName, RuleSpec>, PipelineError> {
    let mut declared = BTreeMap::new();
    for (name, rule) in &spec.contract {
        let Some(column) = columns.iter().find(|column| column.as_str() == name) else {
            let error = PipelineError::input(format!("the contract names column `{name}`, which the data don't have"))
                .help(did_you_mean(name, columns.iter().map(ColumnName::as_str)));
            return Err(spec.text.point(error, &["contract", name], "not among the columns"));
        };
        declared.insert(column.clone(), rule.clone());
    }
    Ok(declared)
}

/// A step that reads the target would know the answer.
fn no_step_names_the_target(spec: &Spec, target: &ColumnName) -> Result<(), PipelineError> {
    let Some(index) = step_that_names(spec, target) else { return Ok(()) };
    let step = spec.steps[index].name();
    let error = PipelineError::input(format!("step `{step}` names the target `{target}`: it would know the answer"))
        .help("live systems can't send what is yet to be predicted".to_owned());
    Err(spec.text.point(error, &["step", &index.to_string(), "use"], "this step"))
}

/// The first step in whose spec the column's name stands.
pub(crate) fn step_that_names(spec: &Spec, column: &ColumnName) -> Option<usize> {
    spec.steps.iter().position(|step| names(&step.spec(), column))
}

/// Whether the column's name stands in a step's spec, as a whole or in a formula.
pub(crate) fn names(spec: &serde_json::Value, column: &ColumnName) -> bool {
    fn stands_in(value: &serde_json::Value, column: &str) -> bool {
        match value {
            serde_json::Value::String(text) => text == column,
            serde_json::Value::Array(items) => items.iter().any(|item| stands_in(item, column)),
            serde_json::Value::Object(entries) => entries.values().any(|value| stands_in(value, column)),
            _ => false,
        }
    }
    let in_formula = |formula: &serde_json::Value| {
        Formula::deserialize(formula).is_ok_and(|formula| formula.names().any(|name| name == column))
    };
    spec.get("formula").is_some_and(in_formula)
        || ["columns", "from", "to"]
            .iter()
            .any(|key| spec.get(key).is_some_and(|value| stands_in(value, column.as_str())))
}

/// The columns without a role, by what becomes of them.
struct Chosen {
    /// Those that steps or model read; and the role columns that a step names.
    inputs: Vec<ColumnName>,
    /// Those of which nothing was known yet.
    unknown: Vec<ColumnName>,
    /// Those that no table can hold, and that nobody asks for.
    unread: Vec<ColumnName>,
    /// Those that pandas made of its index, and that nobody asks for.
    index: Vec<ColumnName>,
}

/// The inputs: the columns without a role, less those that steps at the head of the pipeline drop before
/// anybody reads them; and those role columns that a step names.
fn inputs(
    spec: &Spec,
    source: &Source,
    roles: &Roles,
    inferred: &Inferred,
    declared: &BTreeMap<ColumnName, RuleSpec>,
) -> Result<Chosen, PipelineError> {
    let role: BTreeSet<&ColumnName> = roles.all().collect();
    let kind = |name: &ColumnName| kind_of(name, inferred, declared);
    let index = source.index();
    let is_asked_for = |name: &ColumnName| declared.contains_key(name) || step_that_names(spec, name).is_some();
    let is_index = |name: &&ColumnName| index.contains(*name) && !is_asked_for(name);
    let columns = inferred.columns.keys().filter(|name| !role.contains(name));
    let (index, columns): (Vec<&ColumnName>, Vec<&ColumnName>) = columns.partition(is_index);
    let columns = columns.into_iter();
    // A column of which nothing was known yet may have come later: it is as if it weren't there.
    let is_unknown = |name: &&ColumnName| spec.data.as_of.is_some() && kind(name).is_none();
    let (unknown, columns): (Vec<&ColumnName>, Vec<&ColumnName>) = columns.partition(is_unknown);
    // Otherwise a column without any value has no type: while columns are chosen it counts as text.
    let columns = columns.into_iter();
    let mut schema: Schema = columns.map(|name| (name.clone(), kind(name).unwrap_or(Kind::Text))).collect();
    // What is never read may be dropped as well.
    let mut unread: Vec<ColumnName> = source.unsupported().into_keys().filter(|name| !role.contains(name)).collect();
    schema.extend(unread.iter().map(|name| (name.clone(), Kind::Text)));
    for (index, step) in spec.steps.iter().take(spec.choosing_steps()).enumerate() {
        schema = crate::steps::chosen(&**step, schema, index, &spec.text)?;
    }
    unread.retain(|name| schema.remove(name).is_some());
    if let Some(name) = unread.iter().find(|name| step_that_names(spec, name).is_some()) {
        source.refuse_unsupported(name)?;
    }
    if let Some(name) = schema.keys().find(|name| kind(name).is_none()) {
        return Err(PipelineError::input(format!("column `{name}` has no value in any row"))
            .help(format!("drop it before other steps: use = \"drop_columns\", columns = [\"{name}\"]")));
    }
    let named = role.into_iter().filter(|name| **name != roles.target && step_that_names(spec, name).is_some());
    let inputs: BTreeSet<ColumnName> = schema.keys().chain(named).cloned().collect();
    Ok(Chosen {
        inputs: inputs.into_iter().collect(),
        unknown: unknown.into_iter().cloned().collect(),
        unread,
        index: index.into_iter().cloned().collect(),
    })
}

/// Reads the rows and gives them identity and labels.
///
/// # Errors
/// Rows that break the contract, an id that is null or not unique, a target that can't be learned.
pub fn prepare(spec: &Spec, run: &Run<'_>) -> Result<Prepared, PipelineError> {
    let Surveyed { source, inferred, kept, contract, inputs, mut notes, mixed, roles } = survey(spec, run)?;
    run.progress.stage("read", Some(source.bytes()));
    let reading = Reading {
        missing: spec.data.missing.clone(),
        columns: contract.columns.clone(),
        id: roles.id.clone(),
        ..Reading::default()
    };
    let source_columns = source.column_names().len();
    let told = |bytes: u64| run.progress.done(bytes, "");
    drop(inferred);
    let read = source.read_kept(kept, &reading, run.workers, &told)?;
    let Read { mut batches, origins, quality, quarantine, .. } = read;
    notes.extend(store_note(&contract, &inputs));
    notes.extend(contract.columns.iter().filter_map(|(name, rule)| exchanged(rule, quality.columns.get(name)?)));
    if !quarantine.is_empty() {
        notes.push(format!("set aside for breaking the contract: {}", counted(quality.quarantined, "row")));
    }

    run.progress.stage("identify rows", None);
    identify(spec, &mut batches, &origins, &roles, &inputs, run.workers)?;
    let without = target::leave_out_rows_without(&mut batches, &roles.target);
    if without > 0 {
        notes.push(format!("left out for want of a target: {}", counted(without, "row")));
    }
    rank(&mut batches, &roles, run.workers, &mut notes);
    let target = Target::of(spec, &batches, &roles.target, run.workers)?;
    label(spec, &mut batches, &origins, &roles, &target, run.workers)?;
    let used: Schema = contract.schema();
    let fingerprint = fingerprint(&batches, &used, run.workers).to_string();
    if let Some(trace) = run.trace {
        trace.input(&batches, &used, &inputs, &roles.id, run.workers);
    }
    // Where there is a trace, it names rows by their id.
    let named = if run.trace.is_some() { roles.id.as_slice() } else { &[] };
    let kept: BTreeSet<&ColumnName> = inputs.iter().chain(named).collect();
    let batches = batches.into_iter().map(|batch| batch.retain(|name| kept.contains(name))).collect();
    let roles = roles.recorded(spec);
    Ok(Prepared {
        batches,
        task: target.task,
        contract,
        inputs,
        roles,
        fingerprint,
        quality,
        source_columns,
        quarantine,
        notes,
        mixed,
    })
}

/// What is to be said of a column that has cells with day and month exchanged, which became null: the first of them.
fn exchanged(rule: &Rule, seen: &ColumnQuality) -> Option<String> {
    let invalid = &seen.breaches.get(&Breach::Invalid)?.first;
    let is_exchanged = |cell: &&Violation| cell.value.as_ref().is_some_and(|text| rule.exchanged(text).is_some());
    invalid.iter().find(is_exchanged).map(ToString::to_string)
}

/// Gives every row its key.
pub(crate) fn identify(
    spec: &Spec,
    batches: &mut [Batch],
    origins: &[Origin],
    roles: &Roles,
    inputs: &[ColumnName],
    workers: &Workers,
) -> Result<(), PipelineError> {
    let identity = if roles.id.is_empty() {
        Identity::by_content(inputs.iter().cloned())
    } else {
        Identity::by_id(roles.id.iter().cloned())
    };
    let keys = workers.map(batches.iter().collect(), |batch: &Batch| identity.keys(batch));
    for ((batch, keys), origin) in batches.iter_mut().zip(keys).zip(origins) {
        let keys = keys.map_err(|nulls| {
            let error = PipelineError::input(format!("{} has no id", origin.place(nulls[0].row)));
            spec.text.point(error, &["data", "id"], "an id is never missing")
        })?;
        batch.keys = Arc::new(keys);
    }
    if identity.is_declared() { refuse_duplicates(spec, batches, origins, &identity, workers) } else { Ok(()) }
}

/// Gives every row its occurrence among the rows that are learned from, or judged on.
pub(crate) fn rank(batches: &mut [Batch], roles: &Roles, workers: &Workers, notes: &mut Vec<String>) {
    let occurrences = if roles.id.is_empty() {
        let first: Vec<ColumnName> = std::iter::once(&roles.target).chain(&roles.weight).cloned().collect();
        identity::occurrences(batches, &first, workers)
    } else {
        batches.iter().map(|batch| vec![0; batch.rows()]).collect()
    };
    let repeated = occurrences.iter().flatten().filter(|rank| **rank > 0).count();
    if repeated > 0 {
        let rows: usize = batches.iter().map(Batch::rows).sum();
        let many = if repeated * 10 > rows { "; declare an `id`, if columns tell them apart" } else { "" };
        notes.push(format!(
            "{} with the inputs of another row: without an id they stay on its side of every split{many}",
            counted(repeated, "row")
        ));
    }
    for (batch, occurrence) in batches.iter_mut().zip(occurrences) {
        batch.labels = Some(Arc::new(Labels { occurrence, ..Labels::default() }));
    }
}

/// Gives every row its target, weight and group.
fn label(
    spec: &Spec,
    batches: &mut [Batch],
    origins: &[Origin],
    roles: &Roles,
    target: &Target,
    workers: &Workers,
) -> Result<(), PipelineError> {
    let label = |(batch, origin): (&mut Batch, &Origin)| -> Result<(), PipelineError> {
        let weight = match &roles.weight {
            Some(name) => weights(spec, name, batch.column(name), origin)?,
            None => Vec::new(),
        };
        let group = match &roles.group {
            Some(name) => group_keys(name, batch),
            None => Vec::new(),
        };
        let task = &target.task;
        if let (Task::Ranking, Some(name)) = (task, &roles.group) {
            check_question(spec, name, batch.column(name), origin)?;
        }
        let target = target.code(batch.column(&roles.target));
        check_targets(spec, roles, batch, task, (&target, &weight), origin)?;
        let labels = batch.labels.as_mut().map(Arc::make_mut).expect("rows are identified first");
        *labels = Labels { occurrence: std::mem::take(&mut labels.occurrence), target, weight, group };
        Ok(())
    };
    workers.map(batches.iter_mut().zip(origins).collect(), label).into_iter().collect()
}

fn refuse_duplicates(
    spec: &Spec,
    batches: &[Batch],
    origins: &[Origin],
    identity: &Identity,
    workers: &Workers,
) -> Result<(), PipelineError> {
    let duplicates = identity::duplicates(batches, workers);
    let Some(first) = duplicates.first() else { return Ok(()) };
    let place = |at: &identity::Position| origins[at.batch as usize].place(at.row as usize).to_string();
    let places: Vec<String> = first.rows.iter().take(3).map(place).collect();
    let at = first.rows[0];
    let cell = |name| batches[at.batch as usize].column(name).text(at.row as usize).unwrap_or_default();
    let is_personal = identity.columns().iter().any(|name| is_personal(spec, name));
    let id: Vec<String> = identity.columns().iter().map(cell).collect();
    let named = if is_personal { "an id".to_owned() } else { format!("id `{}`", id.join(", ")) };
    let others = match duplicates.len() - 1 {
        0 => String::new(),
        n => format!("; not unique either: {}", counted(n, "other id")),
    };
    let error = PipelineError::input(format!("{named} stands in {}{others}", places.join(" and in ")))
        .help("name a column, or several, that tell every row apart; or leave `id` out".to_owned());
    Err(spec.text.point(error, &["data", "id"], "not unique"))
}

/// Whether no message may show what stands in a column.
fn is_personal(spec: &Spec, name: &ColumnName) -> bool {
    spec.contract.get(name.as_str()).is_some_and(|rule| rule.personal == Some(true))
}

/// The highest relevance: the gain of a row is 2 to its power.
const MOST_RELEVANT: f64 = 30.0;

/// Refuses a target that the task or the model's objective is not for, whichever side of a split it is on. A row of weight 0
/// counts in nothing.
fn check_targets(
    spec: &Spec,
    roles: &Roles,
    batch: &Batch,
    task: &Task,
    (targets, weights): (&[f64], &[f64]),
    origin: &Origin,
) -> Result<(), PipelineError> {
    let counts = |row: usize| weights.get(row).is_none_or(|weight| *weight > 0.0);
    let first = |allows: &dyn Fn(f64) -> bool| (0..targets.len()).find(|row| counts(*row) && !allows(targets[*row]));
    let aim = spec.model.aim();
    // Codes of classes are no numbers, and trees of classes have no such aim.
    let (strange, wanted) = match (task, aim.targets()) {
        (Task::Ranking, _) => {
            let wanted = format!("that of a ranking is a whole number from 0 to {MOST_RELEVANT}, the more the better");
            (first(&|target| target.fract() == 0.0 && (0.0..=MOST_RELEVANT).contains(&target)), wanted)
        }
        (Task::Regression, Some(takes)) => {
            let objective = spec.model.spec()["objective"].as_str().unwrap_or_default().to_owned();
            (first(&|target| aim.allows(target)), format!("`objective = \"{objective}\"` is for {takes}"))
        }
        _ => return Ok(()),
    };
    let Some(row) = strange else { return Ok(()) };
    let shown = |name: &&ColumnName| !is_personal(spec, name);
    let id: Vec<String> = roles.id.iter().filter(shown).filter_map(|name| batch.column(name).text(row)).collect();
    let id = if id.is_empty() { String::new() } else { format!(" (id {})", id.join(", ")) };
    let found = if shown(&&roles.target) { format!("is {}", targets[row]) } else { "is none of them".to_owned() };
    let message = format!("{}{id}: the target `{}` {found}, and {wanted}", origin.place(row), roles.target);
    let error = PipelineError::input(message);
    if *task == Task::Ranking {
        return Err(spec.text.point(error, &["data", "target"], "the target"));
    }
    let error = error.help("leave `objective` out, or correct or drop such rows".to_owned());
    Err(spec.text.point(error, &["model", "objective"], "this objective"))
}

/// The weight of each row: a number that is not negative. 0 is one, too: such a row counts in nothing.
fn weights(spec: &Spec, name: &ColumnName, column: &Column, origin: &Origin) -> Result<Vec<f64>, PipelineError> {
    let refused = |what: String, help: &str| {
        let error = PipelineError::input(what).help(help.to_owned());
        Err(spec.text.point(error, &["data", "weight"], "this column"))
    };
    let Some(numbers) = column.to_numbers() else {
        let what = format!("the weight `{name}` is of type {}", column.kind().word());
        return refused(what, "a weight is a number from 0");
    };
    let Some(row) = numbers.iter().position(|weight| !(0.0..=WEIGHT_MAX).contains(weight)) else {
        return Ok(numbers.into_owned());
    };
    let found = if numbers[row].is_nan() { "is missing".to_owned() } else { format!("is {}", numbers[row]) };
    let what = format!("{}: the weight `{name}` {found}", origin.place(row));
    refused(what, &format!("a weight is a number from 0 to {WEIGHT_MAX:e}; a row of weight 0 counts in nothing"))
}

/// Refuses a row of a ranking without a group: rows that nothing joins would be ranked against each other.
fn check_question(spec: &Spec, name: &ColumnName, column: &Column, origin: &Origin) -> Result<(), PipelineError> {
    let Some(row) = (0..column.rows()).find(|row| column.is_null(*row)) else { return Ok(()) };
    let error = PipelineError::input(format!("{}: the group `{name}` is missing", origin.place(row)))
        .help("rows of one group are ranked against each other: give the row its group, or drop it".to_owned());
    Err(spec.text.point(error, &["data", "group"], "this column"))
}

/// The identity of each row's group.
pub(crate) fn group_keys(name: &ColumnName, batch: &Batch) -> Vec<RowKey> {
    Identity::by_content([name.clone()]).keys(batch).expect("content has a key, null or not")
}
