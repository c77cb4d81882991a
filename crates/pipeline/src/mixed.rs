//! Columns of text that would be of a better type but for a few cells, as a slip of the pen makes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenstep_source::Inferred;
use evenstep_table::infer::Mostly;
use evenstep_table::{ColumnName, Contract, Kind, Rule, counted};

use crate::init::{key, may_be_classes, shown};
use crate::retyped::first_of_other_type;
use crate::spec::TaskWord;
use crate::{PipelineError, Run, Spec};

/// The better type of a column, and what is to be said of it.
pub(crate) type Mixed = (Kind, String);

/// What is to be said of such columns, whose types nobody has declared: which cells, and what the contract may say.
pub(crate) fn of(spec: &Spec, contract: &Contract, inferred: &Inferred) -> BTreeMap<ColumnName, Mixed> {
    let told = |(name, rule): (&ColumnName, &Arc<Rule>)| {
        let mostly = inferred.columns[name].mostly().filter(|_| is_inferred_text(spec, name, rule))?;
        // A row needs its id.
        let invalid = if spec.data.id.list().iter().any(|id| id == name.as_str()) { "quarantine" } else { "null" };
        Some((name.clone(), (mostly.kind, but_for(name, &mostly, rule.personal, invalid))))
    };
    contract.columns.iter().filter_map(told).collect()
}

/// The same of one column, before there is a contract, and where the first of its other cells stands.
pub(crate) fn of_column(spec: &Spec, name: &ColumnName, inferred: &Inferred, run: &Run<'_>) -> Option<String> {
    let mostly = inferred.columns.get(name)?.mostly().filter(|mostly| mostly.others > 0 && !is_declared(spec, name))?;
    let is_personal = spec.contract.get(name.as_str()).and_then(|rule| rule.personal).unwrap_or_default();
    Some(but_for(name, &mostly, is_personal, "null") + &begins(spec, name, mostly.kind, run))
}

/// What a column would be but for which cells, and the line for the contract.
fn but_for(name: &ColumnName, mostly: &Mostly, is_personal: bool, invalid: &str) -> String {
    let examples = match &mostly.examples[..] {
        some if !some.is_empty() && !is_personal => {
            format!(" ({})", shown(some.iter().map(|(text, count)| (text.as_str(), *count)), mostly.others))
        }
        _ => String::new(),
    };
    let (kind, cells) = (mostly.kind.word(), counted(mostly.others, "cell"));
    let line = format!("[contract] {} = {{ type = \"{kind}\", invalid = \"{invalid}\" }}", key(name));
    format!("`{name}` would be of type {kind}, but for {cells}{examples}: {line}")
}

/// Refuses a target of many values most of which are numbers, unless somebody says that they are classes.
pub(crate) fn refuse_target(
    spec: &Spec,
    target: &ColumnName,
    contract: &Contract,
    inferred: &Inferred,
    run: &Run<'_>,
) -> Result<(), PipelineError> {
    let (evidence, rule) = (&inferred.columns[target], &contract.columns[target]);
    let wants_number = match spec.data.task {
        None => !may_be_classes(evidence),
        Some(task) => task == TaskWord::Regression,
    };
    let is_open = wants_number && is_inferred_text(spec, target, rule);
    let mostly = evidence.mostly_but(0.5).filter(|mostly| is_open && mostly.others > 0 && mostly.kind.is_quantity());
    let Some(mostly) = mostly else { return Ok(()) };
    let (told, place) = (but_for(target, &mostly, rule.personal, "null"), begins(spec, target, mostly.kind, run));
    let error = PipelineError::input(format!("the target {told}{place}"))
        .help("by that line the rows are left out; if all are classes, say `task = \"multiclass\"`".to_owned());
    Err(spec.text.point(error, &["data", "target"], "the target"))
}

/// An error about such a column is helped by what is to be said of it, and by where the first of its other cells stands.
pub(crate) fn blame(
    error: PipelineError,
    mixed: &BTreeMap<ColumnName, Mixed>,
    spec: &Spec,
    run: &Run<'_>,
) -> PipelineError {
    let about = mixed.iter().find(|(name, _)| error.message.contains(&format!("`{name}`")));
    let Some((name, (kind, told))) = about else { return error };
    error.help(format!("{told}{}", begins(spec, name, *kind, run)))
}

/// Where the first cell that is not of the type stands.
fn begins(spec: &Spec, name: &ColumnName, kind: Kind, run: &Run<'_>) -> String {
    first_of_other_type(spec, name, kind, run).map_or(String::new(), |first| format!("; it begins in {}", first.place))
}

fn is_inferred_text(spec: &Spec, name: &ColumnName, rule: &Rule) -> bool {
    matches!(rule.kind, Kind::Category | Kind::Text) && !is_declared(spec, name)
}

/// Whether the spec says of what type the column is.
pub(crate) fn is_declared(spec: &Spec, name: &ColumnName) -> bool {
    spec.contract.get(name.as_str()).is_some_and(|rule| rule.kind.is_some())
}
