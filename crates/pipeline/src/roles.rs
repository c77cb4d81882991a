//! What the columns of a source are for.

use std::collections::BTreeMap;

use evenstep_exact::canonical::canonical_value;
use evenstep_source::{Inferred, Source};
use evenstep_table::infer::Evidence;
use evenstep_table::{ColumnName, Kind, Rule, RuleSpec, did_you_mean};

use crate::PipelineError;
use crate::artifact::DataRoles;
use crate::spec::Spec;

/// The columns of the source by what they are for.
pub(crate) struct Roles {
    pub(crate) target: ColumnName,
    pub(crate) id: Vec<ColumnName>,
    pub(crate) weight: Option<ColumnName>,
    pub(crate) group: Option<ColumnName>,
    /// Roles without a part in the fit, by their keys: `time`, `recorded`.
    pub(crate) others: Vec<(&'static str, ColumnName)>,
}

impl Roles {
    pub(crate) fn of(spec: &Spec, source: &Source) -> Result<Roles, PipelineError> {
        let columns = source.column_names();
        let find = |key: &str, name: &str| {
            let found = columns.iter().find(|column| column.as_str() == name).cloned();
            let found = found.ok_or_else(|| {
                let near = did_you_mean(name, columns.iter().map(ColumnName::as_str));
                let near = near.map(|near| format!("{near} ")).unwrap_or_default();
                let error = PipelineError::input(format!("the data have no column `{name}`"))
                    .help(format!("{near}{}", source.columns_as_read()));
                spec.text.point(error, &["data", key], "not among the columns")
            })?;
            let read = source.refuse_unsupported(&found).map_err(PipelineError::from);
            read.map_err(|error| spec.text.point(error, &["data", key], "this column")).map(|()| found)
        };
        let optional = |key: &str, name: &Option<String>| name.as_ref().map(|name| find(key, name)).transpose();
        let data = &spec.data;
        let id = data.id.list().iter().map(|name| find("id", name)).collect::<Result<Vec<_>, _>>()?;
        let others = [("time", optional("time", &data.time)?), ("recorded", optional("recorded", &data.recorded)?)];
        let roles = Roles {
            target: find("target", &data.target)?,
            id,
            weight: optional("weight", &data.weight)?,
            group: optional("group", &data.group)?,
            others: others.into_iter().filter_map(|(key, name)| Some((key, name?))).collect(),
        };
        if roles.all().filter(|name| **name == roles.target).count() > 1 {
            let error = PipelineError::input(format!("`{}` is the target and can't be anything else", roles.target));
            return Err(spec.text.point(error, &["data", "target"], "named again"));
        }
        Ok(roles)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &ColumnName> {
        let some = self.weight.iter().chain(&self.group).chain(self.others.iter().map(|(_, name)| name));
        std::iter::once(&self.target).chain(&self.id).chain(some)
    }

    /// The roles as the artifact records them.
    pub(crate) fn recorded(self, spec: &Spec) -> DataRoles {
        DataRoles {
            id: self.id,
            target: self.target,
            weight: self.weight,
            group: self.group,
            split: canonical_value(&spec.data.split),
            missing: spec.data.missing.clone(),
            as_of: spec.data.as_of,
            zone: spec.data.zone.clone(),
        }
    }

    /// Those columns that enter a fit besides the inputs.
    pub(crate) fn used(&self) -> impl Iterator<Item = &ColumnName> {
        std::iter::once(&self.target).chain(&self.id).chain(&self.weight).chain(&self.group)
    }
}

/// The column's type, declared or inferred; None if it has no value.
pub(crate) fn kind_of(
    name: &ColumnName,
    inferred: &Inferred,
    declared: &BTreeMap<ColumnName, RuleSpec>,
) -> Option<Kind> {
    let found = inferred.columns.get(name).and_then(Evidence::kind);
    let undeclared = RuleSpec::default();
    let rule = Rule::resolve(declared.get(name).unwrap_or(&undeclared), found, None);
    rule.map_or(found, |rule| Some(rule.kind))
}

/// Without a value of the target there is nothing to learn, whatever its type.
pub(crate) fn refuse_no_target(
    spec: &Spec,
    roles: &Roles,
    inferred: &Inferred,
    declared: &BTreeMap<ColumnName, RuleSpec>,
) -> Result<(), PipelineError> {
    if kind_of(&roles.target, inferred, declared).is_some() {
        return Ok(());
    }
    let said = format!("the target `{}` has no value in any row, so there is nothing to learn", roles.target);
    let error = PipelineError::input(said)
        .help("`target` names the column to predict; which texts stand for no value, `missing` says".to_owned());
    Err(spec.text.point(error, &["data", "target"], "this column"))
}

/// A role that says when something happened needs a column that can say so.
pub(crate) fn refuse_no_time(
    spec: &Spec,
    roles: &Roles,
    inferred: &Inferred,
    declared: &BTreeMap<ColumnName, RuleSpec>,
) -> Result<(), PipelineError> {
    for (key, name) in &roles.others {
        let found = match kind_of(name, inferred, declared) {
            Some(kind @ (Kind::Boolean | Kind::Category | Kind::Text)) => format!("is of type {}", kind.word()),
            Some(_) => continue,
            None => "has no value in any row".to_owned(),
        };
        let said = format!("`{key}` is a date, a time, a datetime or a number, and column `{name}` {found}");
        let error = PipelineError::input(said).help(format!(
            "if its cells are dates in another form than ISO 8601: [contract] {} = {{ type = \"date\", format = \"%d.%m.%Y\" }}",
            crate::init::key(name)
        ));
        return Err(spec.text.point(error, &["data", key], "this column"));
    }
    Ok(())
}
