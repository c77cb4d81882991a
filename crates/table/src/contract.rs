//! The contract: what every column must be, in training, in files and in live requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::infer::Evidence;
use crate::rule::{ContractError, Rule, RuleSpec};
use crate::{ColumnName, Kind};

/// The rules of all columns, by name.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Contract {
    /// The columns' rules, shared by whatever is compiled from them: of a thousand columns they are large.
    pub columns: BTreeMap<ColumnName, Arc<Rule>>,
}

impl<'de> Deserialize<'de> for Contract {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Contract, D::Error> {
        // Whoever counts what is read sees whole rules.
        let rules = BTreeMap::<ColumnName, Rule>::deserialize(from)?;
        Ok(Contract { columns: rules.into_iter().map(|(name, rule)| (name, Arc::new(rule))).collect() })
    }
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
            columns.insert(name.clone(), Arc::new(rule));
        }
        Ok(Contract { columns })
    }

    /// The types of the columns.
    pub fn schema(&self) -> BTreeMap<ColumnName, Kind> {
        self.columns.iter().map(|(name, rule)| (name.clone(), rule.kind)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(cells: &[&str]) -> Evidence {
        let mut evidence = Evidence::default();
        cells.iter().for_each(|cell| if cell.is_empty() { evidence.null() } else { evidence.text(cell) });
        evidence
    }

    fn resolve(declared: &str, data: &[(&str, &[&str])]) -> Result<Contract, ContractError> {
        let name = |name: &str| ColumnName::new(name).expect("not empty");
        let inferred = data.iter().map(|(column, cells)| (name(column), evidence(cells))).collect();
        Contract::resolve(&serde_json::from_str(declared).expect("rules"), &inferred, None)
    }

    #[test]
    fn what_is_declared_wins_and_the_rest_is_inferred() {
        let declared = r#"{"zip": {"type": "category"}, "n": {"min": 0}, "at": {"type": "datetime"}}"#;
        let data: [(&str, &[&str]); 4] =
            [("zip", &["10115"]), ("n", &["1", "2"]), ("x", &["0.5"]), ("at", &["2024-01-01T00:00:00Z"])];
        let contract = resolve(declared, &data).expect("consistent");
        let kinds: Vec<(&str, Kind)> = contract.columns.iter().map(|(name, rule)| (name.as_str(), rule.kind)).collect();
        let instant = Kind::Datetime(crate::Clock::Instant);
        assert_eq!(kinds, [("at", instant), ("n", Kind::Integer), ("x", Kind::Number), ("zip", Kind::Category)]);
    }

    #[test]
    fn an_all_missing_column_is_refused_by_name() {
        let error = resolve("{}", &[("pool", &["", ""])]).expect_err("nothing to infer from");
        insta::assert_snapshot!(error, @"column `pool`: every value is missing, so its type is unknown");
        assert!(resolve(r#"{"pool": {"type": "text"}}"#, &[("pool", &["", ""])]).is_ok());
    }

    #[test]
    fn a_rule_that_does_not_fit_the_inferred_type_names_its_column() {
        let error = resolve(r#"{"area": {"min": 1}}"#, &[("area", &["big", "small"])]).expect_err("text has no bounds");
        insta::assert_snapshot!(error, @"column `area`: `min` means nothing for a column of type text");
    }
}
