//! `NAME.lock`: what a training came to, readable and diffable, committed beside the spec.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::PipelineError;
use crate::artifact::{Artifact, digest_of, digest_of_params, stored_digest};

const HEAD: &str = "# Written by `evenstep train`; commit it beside the spec. `evenstep verify` proves it.\n";

/// What varies from run to run: it is told, and enters no digest.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Facts(pub BTreeMap<String, Value>);

/// The lock as the bundle holds it: without digest and facts.
pub fn body(artifact: &Artifact) -> String {
    HEAD.to_owned() + &toml_of(&content(artifact))
}

/// The lock as it lies beside the spec.
pub fn text(artifact: &Artifact, facts: &Facts) -> String {
    let mut content = content(artifact);
    content["digest"] = json!(artifact.digest());
    content["facts"] = json!(facts.0);
    HEAD.to_owned() + &toml_of(&content)
}

/// The facts that a lock tells; none if it is no lock.
pub fn facts(text: &str) -> Facts {
    let told = toml::from_str::<toml::Table>(text).ok().and_then(|mut content| content.remove("facts"));
    let facts = told.and_then(|facts| serde_json::to_value(facts).ok());
    Facts(facts.and_then(|facts| serde_json::from_value(facts).ok()).unwrap_or_default())
}

fn content(artifact: &Artifact) -> Value {
    let steps: Vec<Value> = artifact
        .steps
        .iter()
        .map(|step| {
            json!({
                "number": step.number,
                "use": step.name,
                "version": step.version,
                "spec": step.spec,
                "reads": step.reads,
                "changes": step.changes,
                "params": digest_of_params(&step.params),
                "from": artifact.fingerprint,
                "hash": digest_of(&(&step.name, &step.spec, &step.reads, &step.params)),
            })
        })
        .collect();
    json!({
        "format": 1,
        "apply_epoch": artifact.epochs.apply,
        "fit_epoch": artifact.epochs.fit,
        "seed": artifact.seed,
        "fingerprint": artifact.fingerprint,
        "task": artifact.task,
        "data": artifact.data,
        "inputs": artifact.inputs,
        "extra": artifact.extra,
        "seen": digest_of(&artifact.seen),
        "contract": artifact.contract,
        "step": steps,
        "features": artifact.features,
        "model": {
            "use": artifact.model.name,
            "version": artifact.model.version,
            "spec": artifact.model.spec,
            "learned": stored_digest(&artifact.model.stored),
        },
        "evaluation": artifact.evaluation,
    })
}

/// TOML knows no null: what is null is left out. Integers beyond i64 are strings.
fn toml_of(value: &Value) -> String {
    fn convert(value: &Value) -> Option<toml::Value> {
        Some(match value {
            Value::Null => return None,
            Value::Bool(yes) => (*yes).into(),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => integer.into(),
                None if number.is_u64() => number.to_string().into(),
                None => number.as_f64()?.into(),
            },
            Value::String(text) => text.as_str().into(),
            Value::Array(items) => toml::Value::Array(items.iter().filter_map(convert).collect()),
            Value::Object(entries) => toml::Value::Table(
                entries.iter().filter_map(|(key, value)| Some((key.clone(), convert(value)?))).collect(),
            ),
        })
    }
    let table = convert(value).expect("the lock is a table");
    toml::to_string_pretty(&table).expect("the lock is plain data")
}

/// What a lock says, also the one inside of a bundle, which has no digest; and the facts of the run, if it has any.
///
/// # Errors
/// Text that no training writes.
pub fn document(text: &str) -> Result<(Value, Facts), PipelineError> {
    let mut content: toml::Table =
        toml::from_str(text).map_err(|error| PipelineError::input(format!("the lock doesn't parse: {error}")))?;
    let facts = match content.remove("facts") {
        Some(toml::Value::Table(facts)) => facts,
        _ => toml::Table::new(),
    };
    let plain = |value: &toml::Value| serde_json::to_value(value).expect("a lock is plain data");
    let facts = facts.iter().map(|(name, fact)| (name.clone(), plain(fact))).collect();
    Ok((plain(&toml::Value::Table(content)), Facts(facts)))
}

/// The first key under which a bundle's lock says something else than the artifact; none if there is none.
pub fn first_difference(text: &str, artifact: &Artifact) -> Option<String> {
    differs(&whole_numbers(&toml::from_str(text).unwrap_or_default()), artifact)
}

/// The same of a lock of its own, which has the digest and facts of the run, too.
pub fn first_difference_but_facts(text: &str, artifact: &Artifact) -> Option<String> {
    let mut mine: toml::Table = toml::from_str(text).unwrap_or_default();
    mine.retain(|key, _| !["digest", "facts"].contains(&key));
    differs(&whole_numbers(&mine), artifact)
}

fn differs(mine: &toml::Table, artifact: &Artifact) -> Option<String> {
    let theirs = whole_numbers(&toml::from_str(&body(artifact)).unwrap_or_default());
    mine.keys().chain(theirs.keys()).find(|key| mine.get(*key) != theirs.get(*key)).cloned()
}

/// Canonical JSON, from which a bundle's parts are read, writes 1.0 as 1, and integers beyond 2⁵³ as texts: so they are compared.
fn whole_numbers(table: &toml::Table) -> toml::Table {
    fn whole(value: &toml::Value) -> toml::Value {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        match value {
            toml::Value::Float(x) if x.fract() == 0.0 && x.abs() <= EXACT => toml::Value::Integer(*x as i64),
            toml::Value::Integer(n) if n.unsigned_abs() > EXACT as u64 => toml::Value::String(n.to_string()),
            toml::Value::Array(items) => toml::Value::Array(items.iter().map(whole).collect()),
            toml::Value::Table(entries) => toml::Value::Table(whole_numbers(entries)),
            other => other.clone(),
        }
    }
    table.iter().map(|(key, value)| (key.clone(), whole(value))).collect()
}

/// A lock that was read, without its facts.
#[derive(Clone, PartialEq, Debug)]
pub struct Lock {
    /// The digest that it vouches for.
    pub digest: String,
    content: toml::Table,
}

impl Lock {
    /// What an artifact is locked to.
    pub fn of(artifact: &Artifact) -> Lock {
        Lock::parse(&text(artifact, &Facts::default())).expect("we wrote it")
    }

    /// Reads a lock.
    ///
    /// # Errors
    /// Text that `text` would not have written.
    pub fn parse(text: &str) -> Result<Lock, PipelineError> {
        let mut content: toml::Table =
            toml::from_str(text).map_err(|error| PipelineError::input(format!("the lock doesn't parse: {error}")))?;
        content.remove("facts");
        match content.remove("digest") {
            Some(toml::Value::String(digest)) => Ok(Lock { digest, content }),
            _ => {
                Err(PipelineError::input("the lock has no digest").help("`evenstep train` writes a new one".to_owned()))
            }
        }
    }

    /// The lock's parts, for machines.
    pub fn json(&self) -> Value {
        let mut parts = serde_json::to_value(&self.content).expect("the lock is plain data");
        parts["digest"] = json!(self.digest);
        parts
    }

    /// Compares part by part with what an artifact would be locked to: name, equality, detail.
    pub fn compare(&self, artifact: &Artifact) -> Vec<Check> {
        let other: toml::Table = toml::from_str(&toml_of(&content(artifact))).expect("we wrote it");
        let (locked, other) = (whole_numbers(&self.content), whole_numbers(&other));
        let mut checks = Vec::new();
        let mut check = |name: &str, mine: Option<&toml::Value>, theirs: Option<&toml::Value>| {
            checks.push(Check::of(name, mine, theirs));
        };
        for part in ["fit_epoch", "fingerprint", "data", "contract", "inputs", "features"] {
            check(part, locked.get(part), other.get(part));
        }
        let steps =
            |table: &toml::Table| table.get("step").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        let (mine, theirs) = (steps(&locked), steps(&other));
        for index in 0..mine.len().max(theirs.len()) {
            let (mine, theirs) = (mine.get(index), theirs.get(index));
            let either = mine.or(theirs);
            let used = either.and_then(|step| step.get("use")?.as_str()).unwrap_or("?");
            let number = either.and_then(|step| step.get("number")?.as_integer()).unwrap_or(index as i64 + 1);
            let hash = |step: Option<&toml::Value>| step.and_then(|step| step.get("hash")).cloned();
            let name = format!("step {number} {used}");
            check(&name, hash(mine).as_ref(), hash(theirs).as_ref());
            if hash(mine) == hash(theirs) {
                // What the hash stands for is written beside it, for people and for `diff`.
                let parts = |step: Option<&toml::Value>| step.and_then(toml::Value::as_table).cloned();
                let [mine, theirs] = [mine, theirs].map(|step| parts(step).unwrap_or_default());
                rest(&format!("{name}: "), &mine, &theirs, &[], &mut check);
            }
        }
        let spec = |table: &toml::Table| {
            let mut model = table.get("model").and_then(toml::Value::as_table).cloned().unwrap_or_default();
            model.remove("learned");
            model.remove("version");
            model
        };
        let (mine, theirs) = (spec(&locked), spec(&other));
        let detail = if mine == theirs { digest_of(&mine).short() } else { differing(&mine, &theirs).join("; ") };
        checks.push(Check { name: "hyperparameters".to_owned(), equal: mine == theirs, detail });
        let mut check = |name: &str, mine: Option<&toml::Value>, theirs: Option<&toml::Value>| {
            checks.push(Check::of(name, mine, theirs));
        };
        let learned = |table: &toml::Table| table.get("model").and_then(|model| model.get("learned")).cloned();
        check("model", learned(&locked).as_ref(), learned(&other).as_ref());
        let evaluation = |table: &toml::Table| {
            let mut evaluation = table.get("evaluation").and_then(toml::Value::as_table).cloned().unwrap_or_default();
            // Locks of before it was measured are none the worse.
            if locked.get("evaluation").is_some_and(|locked| locked.get("absent").is_none()) {
                evaluation.remove("absent");
            }
            evaluation
        };
        let (mine, theirs) = (evaluation(&locked), evaluation(&other));
        let detail = if mine == theirs { digest_of(&mine).short() } else { measured(&mine, &theirs).join("; ") };
        checks.push(Check { name: "evaluation".to_owned(), equal: mine == theirs, detail });
        let mut check = |name: &str, mine: Option<&toml::Value>, theirs: Option<&toml::Value>| {
            checks.push(Check::of(name, mine, theirs));
        };
        rest("", &locked, &other, &COMPARED, &mut check);
        let model = |table: &toml::Table| table.get("model").and_then(toml::Value::as_table).cloned();
        let [mine, theirs] = [&locked, &other].map(|table| model(table).unwrap_or_default());
        rest("model: ", &mine, &theirs, &["use", "spec", "learned"], &mut check);
        let digest = artifact.digest();
        check("digest", Some(&self.digest.as_str().into()), Some(&digest.into()));
        checks
    }
}

/// What is compared by itself.
const COMPARED: [&str; 9] =
    ["fit_epoch", "fingerprint", "data", "contract", "inputs", "features", "step", "model", "evaluation"];

/// Compares all keys but some; tells of those that differ. What was written before versions were is none the worse.
fn rest(
    of: &str,
    mine: &toml::Table,
    theirs: &toml::Table,
    but: &[&str],
    check: &mut impl FnMut(&str, Option<&toml::Value>, Option<&toml::Value>),
) {
    let keys: BTreeSet<&String> = mine.keys().chain(theirs.keys()).collect();
    for key in keys.into_iter().filter(|key| !but.contains(&key.as_str())) {
        let is_older = key == "version" && !mine.contains_key(key);
        if mine.get(key) != theirs.get(key) && !is_older {
            check(&format!("{of}{key}"), mine.get(key), theirs.get(key));
        }
    }
}

/// One thing that was compared.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Check {
    /// What.
    pub name: String,
    /// Whether it is the same.
    pub equal: bool,
    /// What it is; or both, where they differ.
    pub detail: String,
}

impl Check {
    fn of(name: &str, mine: Option<&toml::Value>, theirs: Option<&toml::Value>) -> Check {
        let equal = mine == theirs;
        let detail = if equal { said(mine) } else { format!("locked {}, now {}", said(mine), said(theirs)) };
        Check { name: name.to_owned(), equal, detail }
    }
}

/// The entries that differ, one by one; those of a model's `spec` are its parameters.
fn differing(mine: &toml::Table, theirs: &toml::Table) -> Vec<String> {
    let flat = |table: &toml::Table| -> BTreeMap<String, toml::Value> {
        let spec = table.get("spec").and_then(toml::Value::as_table).into_iter().flatten();
        let named = table.iter().filter(|(name, _)| *name != "spec");
        named.chain(spec).map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let (mine, theirs) = (flat(mine), flat(theirs));
    let names: BTreeSet<&String> = mine.keys().chain(theirs.keys()).collect();
    let differ = names.into_iter().filter(|name| mine.get(*name) != theirs.get(*name));
    differ.map(|name| format!("`{name}` locked {}, now {}", said(mine.get(name)), said(theirs.get(name)))).collect()
}

/// The metrics that differ, one by one; else the parts of the evaluation that do.
fn measured(mine: &toml::Table, theirs: &toml::Table) -> Vec<String> {
    let values = |evaluation: &toml::Table| -> toml::Table {
        let all = evaluation.get("metrics").and_then(toml::Value::as_array).into_iter().flatten();
        all.filter_map(|of| Some((of.get("metric")?.as_str()?.to_owned(), of.get("value")?.clone()))).collect()
    };
    let metrics = differing(&values(mine), &values(theirs));
    if metrics.is_empty() { differing(mine, theirs) } else { metrics }
}

fn said(value: Option<&toml::Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(toml::Value::String(text)) => text.clone(),
        Some(value @ (toml::Value::Array(_) | toml::Value::Table(_))) => digest_of(value).short(),
        Some(value) => value.to_string(),
    }
}
