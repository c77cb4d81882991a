//! The contract: what every column must be, in training, in files and in live requests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::infer::Evidence;
use crate::rule::{ContractError, Rule, RuleSpec};
use crate::{ColumnName, Kind};

/// The rules of all columns, by name.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Contract {
    /// The columns' rules.
    pub columns: BTreeMap<ColumnName, Rule>,
}

impl Contract {
    /// What a person declared, completed by what the data show.
    ///
    /// Every column of `inferred` gets a rule. A declared column that the data lack gets one
    /// if its type is declared. `zone` is what instants have by default.
    pub fn resolve(
        declared: &BTreeMap<ColumnName, RuleSpec>,
        inferred: &BTreeMap<ColumnName, Evidence>,
        zone: Option<&str>,
    ) -> Result<Contract, ContractError> {
        let nothing = RuleSpec::default();
        let names = declared.keys().chain(inferred.keys());
        let mut columns = BTreeMap::new();
        for name in names {
            if columns.contains_key(name) {
                continue;
            }
            let spec = declared.get(name).unwrap_or(&nothing);
            let evidence = inferred.get(name);
            let kind = evidence.and_then(|evidence| match spec.kind {
                Some(_) => Some(Kind::Datetime(evidence.likely_clock())),
                None => evidence.kind(),
            });
            let rule =
                Rule::resolve(spec, kind, zone).map_err(|error| ContractError { column: name.clone(), error })?;
            columns.insert(name.clone(), rule);
        }
        Ok(Contract { columns })
    }

    /// The types of the columns.
    pub fn schema(&self) -> BTreeMap<ColumnName, Kind> {
        self.columns.iter().map(|(name, rule)| (name.clone(), rule.kind)).collect()
    }
}
