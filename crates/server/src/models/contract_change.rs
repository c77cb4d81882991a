//! What a change of what is served does to the clients of a model.

use std::sync::Arc;

use evenstep_pipeline::Interface;
use evenstep_pipeline::interface::{Verdict, compare};
use serde_json::{Value, json};

use super::{Replaced, Served};
use crate::Service;

/// So many changes of a contract are told.
const TOLD: usize = 20;

impl Service {
    /// Tells of each bundle that came by a change, and of each that became the default of its model, how its contract differs from
    /// that of the default before.
    pub(crate) fn tell_contracts(&self, Replaced { before, after }: &Replaced) {
        for (name, model) in &after.models {
            let Some(old) = before.models.get(name) else { continue };
            let is_there = |served: &Arc<Served>| old.versions.values().any(|other| Arc::ptr_eq(other, served));
            let is_default = |served| Arc::ptr_eq(model.default(), served) && !Arc::ptr_eq(old.default(), served);
            for served in model.versions.values().filter(|served| !is_there(served) || is_default(served)) {
                if let Some(members) = change(old.default(), served) {
                    self.log.event("contract_changed", &members);
                }
            }
        }
    }
}

/// How the contract of a bundle differs from that of another; None if it doesn't.
fn change(old: &Served, new: &Served) -> Option<[(&'static str, Value); 5]> {
    let of = |served: &Served| Interface::of_predictor(&served.predictor);
    let comparison = compare(&of(old), &of(new));
    if comparison.changes.is_empty() {
        return None;
    }
    let verdict = if comparison.compatible { Verdict::Compatible } else { Verdict::Breaking };
    let told = comparison.changes.iter().take(TOLD);
    let told: Vec<String> = told.map(|change| format!("{}: {}", change.verdict.word(), change.line())).collect();
    Some([
        ("model", json!(new.name())),
        ("version", json!(new.version())),
        ("default_before", json!(old.version())),
        ("verdict", json!(verdict)),
        ("changes", json!(told)),
    ])
}
