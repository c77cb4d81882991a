//! Columns of text that would be of a better type but for a few cells, as a slip of the pen makes them.

use std::collections::BTreeMap;

use evenstep_source::Inferred;
use evenstep_table::{ColumnName, Contract, Kind, counted};

use crate::PipelineError;
use crate::init::{key, may_be_classes, shown};
use crate::spec::Spec;

/// What is to be said of such columns, whose types nobody has declared: which cells, and what the contract may say.
pub(crate) fn of(spec: &Spec, contract: &Contract, inferred: &Inferred) -> BTreeMap<ColumnName, String> {
    let told = |(name, rule): (&ColumnName, &evenstep_table::Rule)| {
        let is_text = matches!(rule.kind, Kind::Category | Kind::Text);
        let mostly = inferred.columns[name].mostly().filter(|_| is_text && !is_declared(spec, name))?;
        let examples = match (rule.personal, &mostly.examples[..]) {
            (true, _) | (_, []) => String::new(),
            (_, some) => {
                format!(" ({})", shown(some.iter().map(|(text, count)| (text.as_str(), *count)), mostly.others))
            }
        };
        let (kind, cells) = (mostly.kind.word(), counted(mostly.others, "cell"));
        let line = format!("[contract] {} = {{ type = \"{kind}\", invalid = \"null\" }}", key(name));
        Some((name.clone(), format!("`{name}` would be of type {kind}, but for {cells}{examples}: {line}")))
    };
    contract.columns.iter().filter_map(told).collect()
}

/// Refuses a target that is a number but in a few cells, unless somebody says that it has classes.
pub(crate) fn refuse_target(
    spec: &Spec,
    target: &ColumnName,
    inferred: &Inferred,
    mixed: &BTreeMap<ColumnName, String>,
) -> Result<(), PipelineError> {
    let evidence = &inferred.columns[target];
    let is_number = evidence.mostly().is_some_and(|mostly| mostly.kind.is_numeric());
    let Some(said) = mixed.get(target).filter(|_| is_number && spec.data.task.is_none() && !may_be_classes(evidence))
    else {
        return Ok(());
    };
    let error = PipelineError::input(format!("the target {said}"))
        .help("by that line the rows are left out; if all are classes, say `task = \"multiclass\"`".to_owned());
    Err(spec.text.point(error, &["data", "target"], "the target"))
}

/// An error about such a column is helped by what is to be said of it.
pub(crate) fn blame(error: PipelineError, mixed: &BTreeMap<ColumnName, String>) -> PipelineError {
    let about = mixed.iter().find(|(name, _)| error.message.contains(&format!("`{name}`")));
    match about {
        Some((_, said)) => error.help(said.clone()),
        None => error,
    }
}

pub(crate) fn is_declared(spec: &Spec, name: &ColumnName) -> bool {
    spec.contract.get(name.as_str()).is_some_and(|rule| rule.kind.is_some())
}
