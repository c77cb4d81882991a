//! The spec as a bundle holds it: every default written out, and no source.

use std::path::Path;

use evenstep_exact::canonical::canonical_value;
use evenstep_table::{ColumnName, Rule, RuleSpec};
use serde_json::{Map, Value, json};

use super::Spec;
use crate::PipelineError;
use crate::artifact::Artifact;

impl Spec {
    /// The spec with every default written out, without its source and comments: what it takes to train again.
    pub fn resolved(&self) -> Value {
        let used = |name: &str, spec: Value| {
            let mut table = Map::from_iter([("use".to_owned(), json!(name))]);
            table.extend(spec.as_object().cloned().unwrap_or_default());
            table
        };
        let steps: Vec<_> = self.steps.iter().map(|step| used(step.name(), step.spec())).collect();
        let mut resolved = json!({
            "pipeline": self.pipeline,
            "data": self.data,
            "contract": self.contract,
            "step": steps,
            "model": used(self.model.name(), self.model.spec()),
            "report": self.report,
            "serving": self.serving,
        });
        if let Some(data) = resolved["data"].as_object_mut() {
            data.remove("source");
        }
        if !self.card.is_empty() {
            resolved["card"] = json!(self.card);
        }
        without_nulls(&mut resolved);
        resolved
    }

    /// The spec that [`Spec::resolved`] gave, with a source.
    ///
    /// # Errors
    /// A value that `resolved` would not have given.
    pub fn from_resolved(resolved: &Value, source: &str) -> Result<Spec, PipelineError> {
        let mut resolved = resolved.clone();
        let wrong = |error: &dyn std::fmt::Display| {
            PipelineError::input(format!("the spec in the bundle can't be used: {error}"))
        };
        let data = resolved.get_mut("data").and_then(Value::as_object_mut).ok_or_else(|| wrong(&"it has no `data`"))?;
        data.insert("source".to_owned(), json!(source));
        without_nulls(&mut resolved);
        for place in ["/pipeline/seed", "/data/split/seed"] {
            // Canonical JSON has integers beyond 2⁵³ as text.
            if let Some(seed) = resolved.pointer_mut(place)
                && let Some(number) = seed.as_str().and_then(|text| text.parse::<i64>().ok())
            {
                *seed = json!(number);
            }
        }
        let text = toml::to_string(&resolved).map_err(|error| wrong(&error))?;
        let mut spec = Spec::parse(Path::new("spec.json"), text)?;
        // Nobody wrote these lines: no error points at one.
        spec.text.text.clear();
        Ok(spec)
    }

    /// What an artifact has another of than this spec would give it, apart from its steps, model and seed; none if there is
    /// nothing.
    pub fn first_difference(&self, artifact: &Artifact) -> Option<&'static str> {
        let (data, recorded) = (&self.data, &artifact.data);
        let names = |names: &[ColumnName]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let name = |name: &Option<ColumnName>| name.as_ref().map(ToString::to_string);
        let has_rule = |(name, rule): (&String, &RuleSpec)| {
            let found = artifact.contract.columns.iter().find(|(column, _)| column.as_str() == name);
            // Of a column that nothing reads no rule is recorded.
            found.is_none_or(|(_, found)| {
                Rule::resolve(rule, Some(found.kind), data.zone.as_deref()).is_ok_and(|rule| rule == **found)
            })
        };
        let same = [
            ("name", self.pipeline.name == artifact.name),
            ("target", data.target == recorded.target.as_str()),
            ("id", data.id.list() == names(&recorded.id)),
            ("weight", data.weight == name(&recorded.weight)),
            ("group", data.group == name(&recorded.group)),
            ("split", canonical_value(&data.split) == recorded.split),
            ("`missing`", data.missing == recorded.missing),
            ("`as_of`", data.as_of == recorded.as_of),
            ("zone", data.zone == recorded.zone),
            ("`extra`", self.serving.extra == artifact.extra),
            ("contract", self.contract.iter().all(has_rule)),
        ];
        same.into_iter().find(|(_, same)| !same).map(|(what, _)| what)
    }
}

/// TOML knows no null: what is null is left out.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            entries.retain(|_, value| !value.is_null());
            entries.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_comes_back_from_its_resolved_form() {
        let text = r#"
            [pipeline]
            name = "p"
            seed = 1
            [data]
            source = "secret/place.csv"
            target = "y"
            split = { test = 0.25, seed = 3 }
            missing = ["", "NA"]
            [contract]
            "Lot.Frontage" = { type = "number", min = 0 }
            [[step]]
            use = "one_hot"
            columns = ["city"]
            [model]
            use = "boosted_trees"
            monotone = { "Lot.Frontage" = "increasing" }
            [card]
            owners = ["Ana"]
            notes = """
            two
            lines"""
        "#;
        let spec = Spec::parse(Path::new("p.toml"), text.to_owned()).expect("sound");
        let resolved = spec.resolved();
        assert!(!resolved.to_string().contains("secret"), "where data lie is nobody's business");
        let again = Spec::from_resolved(&resolved, "other.csv").expect("it came from a spec");
        assert_eq!(again.resolved(), resolved);
        assert_eq!((again.card.owners.as_slice(), again.card == spec.card), (&["Ana".to_owned()][..], true));
        assert_eq!((again.data.source.as_str(), again.data.split.seed), ("other.csv", 3));
        assert!(Spec::from_resolved(&json!({}), "other.csv").is_err());
        assert!(Spec::from_resolved(&json!({ "data": 1 }), "other.csv").is_err());
    }
}
