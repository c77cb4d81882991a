//! What the files of a run say of each other: a spec that was changed since, a file that can't be read or is of another run.

use std::collections::BTreeSet;

use evenstep_table::counted;
use serde_json::{Value, json};

use super::align::Slot;
use super::words::{leaves, some_leaves, visible};
use super::{Cause, Findings, Side};

/// So many values are told of specs.
const TOLD: usize = 3;
/// What a spec says of the artifact that no lock says, and no prediction follows from.
const OF_THE_ARTIFACT_ALONE: [&str; 4] = ["/pipeline/name", "/serving/mode", "/serving/latency", "/card"];

/// Compares what is not of the runs themselves, after all that is.
pub(crate) fn compare(a: &Side, b: &Side, findings: &mut Findings) {
    for side in [a, b] {
        let damaged = side.damaged.iter().map(|text| Cause::fact("damaged", text.clone()));
        findings.at(&Slot::Files).causes.extend(damaged);
        findings.notes.extend(side.foreign.iter().cloned());
        if let Some(rows) = side.facts.get("set_aside").and_then(Value::as_u64) {
            findings.notes.push(format!(
                "{} set {} aside for breaking the contract, which its `.quarantine.jsonl` names: such a row is told as one \
                 that {} doesn't have",
                side.name,
                counted(rows, "row"),
                side.name
            ));
        }
        if is_stale(side) {
            let name = &side.name;
            let note =
                format!("the spec of {name} is not what its lock was made by: what the lock says is what is compared");
            findings.notes.push(note);
        }
    }
    if let (Some(mine), Some(theirs)) = (&a.artifact, &b.artifact) {
        for key in OF_THE_ARTIFACT_ALONE {
            let name = format!("`{}`", key.trim_start_matches('/').replace('/', "."));
            let part = |spec: &Value| json!({ &name: spec.pointer(key) });
            let told = leaves(&part(&mine.spec), &part(&theirs.spec), TOLD);
            let causes = told.into_iter().map(|told| Cause::fact("setting", told));
            findings.at(&Slot::Settings).causes.extend(causes);
        }
    }
    if (is_stale(a) || is_stale(b)) && findings.first().is_none() {
        let (Some(mine), Some(theirs)) = (spec(a), spec(b)) else { return };
        if let Some(told) = some_leaves(mine, theirs, TOLD) {
            let text = format!("the specs as they are now differ, but not the locks: {told}");
            findings.at(&Slot::Files).causes.push(Cause::fact("spec", text));
        }
    }
    if findings.first().is_none() && a.digest == b.digest {
        members(a, b, findings);
    }
}

/// Bundles of one artifact have the same bytes, unless engines of other words wrote them, or somebody changed one.
fn members(a: &Side, b: &Side, findings: &mut Findings) {
    if a.members.is_empty() || b.members.is_empty() {
        return;
    }
    let names: BTreeSet<&String> = a.members.keys().chain(b.members.keys()).collect();
    let told = |name: &&String| match (a.members.get(*name), b.members.get(*name)) {
        (mine, theirs) if mine == theirs => None,
        (Some(_), Some(_)) => Some(format!("`{}`", visible(name))),
        (mine, _) => Some(format!("`{}`, in {} only", visible(name), if mine.is_some() { "A" } else { "B" })),
    };
    let differing: Vec<String> = names.iter().filter_map(told).collect();
    if !differing.is_empty() {
        let text = format!("the bundles are of one artifact, and differ in {}", differing.join("; "));
        findings.at(&Slot::Files).causes.push(Cause::fact("members", text));
    }
}

/// The spec as it is now, else as it was when the artifact was made.
pub(crate) fn spec(side: &Side) -> Option<&Value> {
    side.spec.as_ref().or(side.artifact.as_ref().map(|artifact| &artifact.spec))
}

/// Whether the spec was changed after the artifact was made.
fn is_stale(side: &Side) -> bool {
    let made_by = side.artifact.as_ref().map(|artifact| &artifact.spec);
    side.spec.as_ref().zip(made_by).is_some_and(|(now, then)| !leaves(now, then, 1).is_empty())
}
