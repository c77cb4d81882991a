//! The interface of a spec without data: what it declares is all there is, so that nothing may be left open.

use std::collections::BTreeMap;

use evenstep_table::rule::Bound;
use evenstep_table::{ColumnName, Contract, Kind, Rule, Schema, Task};

use super::{FORMAT, Interface};
use crate::available::refuse_unavailable;
use crate::init::{key, positive_of};
use crate::prepare::step_that_names;
use crate::spec::{Spec, TaskWord};
use crate::{PipelineError, steps};

/// Bounds further apart are no classes.
const MOST_CLASSES: i64 = 1000;

pub(super) fn of(spec: &Spec) -> Result<Interface, PipelineError> {
    let contract = contract(spec)?;
    let named = |key: &str, name: &str| {
        let found = contract.columns.keys().find(|column| column.as_str() == name).cloned();
        found.ok_or_else(|| {
            let what =
                format!("`{key}` names `{name}`, of which the contract says nothing, and there are no data to look at");
            let help = format!("[contract] {} = {{ type = \"number\" }}, or whatever it is", quoted(name));
            spec.text.point(PipelineError::input(what).help(help), &["data", key], "named here")
        })
    };
    let target = named("target", &spec.data.target)?;
    let id = spec.data.id.list().iter().map(|name| named("id", name)).collect::<Result<Vec<_>, _>>()?;
    let inputs = inputs(spec, &contract)?;
    refuse_unavailable(spec, &contract, &inputs)?;
    let task = task(spec, &target, &contract.columns[&target])?;
    if inputs.is_empty() {
        let error = PipelineError::input("the contract has no field to predict from")
            .help("declare what live systems send: [contract] age = { type = \"number\" }".to_owned());
        return Err(spec.text.point(error, &["contract"], "here"));
    }
    let interface = Interface {
        format: FORMAT,
        name: spec.pipeline.name.clone(),
        target,
        task,
        requires_id: !id.is_empty() && spec.draws(),
        id,
        inputs,
        missing: spec.data.missing.clone(),
        columns: contract,
        serving: spec.serving.clone(),
    };
    Ok(interface.narrowed())
}

/// Every declared rule, completed by the defaults.
fn contract(spec: &Spec) -> Result<Contract, PipelineError> {
    let mut declared = BTreeMap::new();
    for (name, rule) in &spec.contract {
        let pointed = |error: PipelineError| spec.text.point(error, &["contract", name], "this rule");
        if rule.kind.is_none() {
            let what = format!("column `{name}` has no `type`, and there are no data to infer it from");
            let help = format!("{} = {{ type = \"number\", … }}, or whatever it is", quoted(name));
            return Err(pointed(PipelineError::input(what).help(help)));
        }
        let column = ColumnName::new(name).ok_or_else(|| pointed(PipelineError::input("a column has no name")))?;
        declared.insert(column, rule.clone());
    }
    Contract::resolve(&declared, &BTreeMap::new(), spec.data.zone.as_deref()).map_err(|error| {
        let said =
            PipelineError::input(format!("column `{}`: {}", error.column, error.error.message)).help(error.error.help);
        spec.text.point(said, &["contract", error.column.as_str(), error.error.key], "this rule")
    })
}

/// The columns without a role, less those that steps at the head drop; and those with one that a step names.
fn inputs(spec: &Spec, contract: &Contract) -> Result<Vec<ColumnName>, PipelineError> {
    let data = &spec.data;
    let roles = [&data.weight, &data.group, &data.time, &data.recorded];
    let roles: Vec<&str> = roles.into_iter().flatten().chain(data.id.list()).map(String::as_str).collect();
    let has_role = |name: &ColumnName| name.as_str() == data.target || roles.contains(&name.as_str());
    let schema = contract.columns.iter().filter(|(name, _)| !has_role(name));
    let mut schema: Schema = schema.map(|(name, rule)| (name.clone(), rule.kind)).collect();
    for (index, step) in spec.steps.iter().take(spec.choosing_steps()).enumerate() {
        // What is dropped unseen needs no rule.
        for name in names(&step.spec()["columns"]) {
            schema.entry(name).or_insert(Kind::Text);
        }
        schema = steps::chosen(&**step, schema, index, &spec.text)?;
        if let Some(name) = schema.keys().find(|name| !contract.columns.contains_key(*name)) {
            let what = format!("step `{}` keeps column `{name}`, of which the contract says nothing", step.name());
            let help = format!("[contract] {} = {{ type = \"number\" }}, or whatever it is", key(name));
            let index = index.to_string();
            return Err(spec.text.point(PipelineError::input(what).help(help), &["step", &index, "use"], "this step"));
        }
    }
    let named = contract.columns.keys().filter(|name| roles.contains(&name.as_str()));
    for name in named.filter(|name| step_that_names(spec, name).is_some()) {
        schema.insert(name.clone(), contract.columns[name].kind);
    }
    Ok(schema.into_keys().collect())
}

/// The names that a step lists.
fn names(columns: &serde_json::Value) -> Vec<ColumnName> {
    let listed = columns.as_array().into_iter().flatten().chain([columns]);
    listed.filter_map(|name| ColumnName::new(name.as_str()?)).collect()
}

/// What the target's rule says of predictions.
fn task(spec: &Spec, target: &ColumnName, rule: &Rule) -> Result<Task, PipelineError> {
    let word = spec.data.task.unwrap_or(match rule.kind {
        Kind::Number | Kind::Integer => TaskWord::Regression,
        _ if classes(rule).is_some_and(|classes| classes.len() > 2) => TaskWord::Multiclass,
        _ => TaskWord::Binary,
    });
    let pointed = |error: PipelineError| Err(spec.text.point(error, &["contract", target.as_str()], "the target"));
    match word {
        TaskWord::Regression if !rule.kind.is_numeric() => {
            let what =
                format!("the target `{target}` is of type {}, and a regression predicts a number", rule.kind.word());
            return pointed(PipelineError::input(what));
        }
        TaskWord::Regression => return Ok(Task::Regression),
        TaskWord::Ranking => return Ok(Task::Ranking),
        TaskWord::Binary | TaskWord::Multiclass => {}
    }
    let Some(classes) = classes(rule) else {
        let what = format!("the contract doesn't say which classes the target `{target}` has");
        let help = format!("{} = {{ type = \"category\", values = [\"no\", \"yes\"] }}", key(target));
        return pointed(PipelineError::input(what).help(help));
    };
    if word == TaskWord::Multiclass {
        return Ok(Task::Multiclass { classes });
    }
    let Ok([first, second]) = <[String; 2]>::try_from(classes.clone()) else {
        let what = format!("a binary task has two classes, and the contract gives `{target}` {}", classes.len());
        return pointed(PipelineError::input(what));
    };
    let positive = spec.data.positive.clone().or_else(|| positive_of(&classes).cloned()).unwrap_or_default();
    if !classes.contains(&positive) {
        let error = PipelineError::input(format!("the target has no class `{positive}`"))
            .help(format!("its classes are {first} and {second}"));
        return Err(spec.text.point(error, &["data", "positive"], "not a class"));
    }
    let classes = if first == positive { [second, first] } else { [first, second] };
    Ok(Task::Binary { classes })
}

/// The classes, if the rule says which there are.
fn classes(rule: &Rule) -> Option<Vec<String>> {
    match (rule.kind, &rule.values, &rule.min, &rule.max) {
        (Kind::Boolean, ..) => Some(vec!["false".to_owned(), "true".to_owned()]),
        (_, Some(values), ..) => Some(values.clone()),
        (Kind::Integer, _, Some(Bound::Integer(min)), Some(Bound::Integer(max)))
            if max.checked_sub(*min)? < MOST_CLASSES =>
        {
            Some((*min..=*max).map(|class| class.to_string()).collect())
        }
        _ => None,
    }
}

fn quoted(name: &str) -> String {
    ColumnName::new(name).map_or_else(|| "\"\"".to_owned(), |name| key(&name))
}
