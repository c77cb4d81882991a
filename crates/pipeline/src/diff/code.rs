//! What is concluded where two runs part, and nothing that was read off both sides says why.

use serde_json::Value;

use super::align::Slot;
use super::words::{self, both};
use super::{Cause, Findings, Side, State};

/// What a run says of its engine and host: the key, the kind of cause, and what it is called.
const FACTS: [(&str, &str, &str); 5] = [
    ("engine", "engine", "the version of the engine"),
    ("build", "build", "the build of the engine"),
    ("host", "host", "the host"),
    ("cpu", "host", "the processor"),
    ("simd", "host", "the kind of registers in use"),
];

/// Names a likely cause for the first stage that differs, if it has none; and the seed and the engine where they matter.
pub(crate) fn conclude(a: &Side, b: &Side, findings: &mut Findings) {
    let seeds = settings(a, b, "seed");
    let epochs = ["apply_epoch", "fit_epoch"].map(|key| settings(a, b, key));
    let digests_differ = a.digest.is_some() && b.digest.is_some() && a.digest != b.digest;
    let first = findings.first();
    let unexplained = first.filter(|at| findings.found[*at].causes.is_empty());
    if let Some(text) = seeds {
        let slot = unexplained.map_or(Slot::Settings, |at| slot_at(findings, at));
        findings.at(&slot).causes.insert(0, Cause::fact("seed", format!("the pipeline's seed is {text}")));
    } else if let Some(at) = unexplained.filter(|_| epochs.iter().all(Option::is_none)) {
        let cause = likely_code(a, b, findings, at);
        findings.found[at].causes.extend(cause);
    }
    for (epoch, name) in epochs.into_iter().zip(["apply epoch", "fit epoch"]) {
        let Some(text) = epoch else { continue };
        let slot =
            findings.first().filter(|_| unexplained.is_some()).map_or(Slot::Settings, |at| slot_at(findings, at));
        findings.at(&slot).causes.push(Cause::fact("epoch", format!("the engine's {name} is {text}")));
    }
    // Where nothing else is known to differ, nothing else explains other digests.
    let is_open = unexplained.is_some() || digests_differ && findings.first().is_none();
    for (key, kind, what) in FACTS {
        let (mine, theirs) = (a.facts.get(key), b.facts.get(key));
        if mine.is_none() || theirs.is_none() || mine == theirs {
            continue;
        }
        let text = words::differs(what, mine, theirs);
        if is_open {
            findings.at(&Slot::Settings).causes.push(Cause::likely(kind, text));
        } else {
            findings.notes.push(text);
        }
    }
}

fn slot_at(findings: &Findings, at: usize) -> Slot {
    findings.slots.iter().nth(at).expect("a place in the list").clone()
}

/// A setting that differs, in words.
fn settings(a: &Side, b: &Side, key: &str) -> Option<String> {
    let get = |side: &Side| -> Option<Value> { side.document.as_ref()?.get(key).cloned() };
    let (mine, theirs) = (get(a)?, get(b)?);
    (mine != theirs).then(|| both(Some(&mine), Some(&theirs)))
}

/// Same rows, same spec, same seed, same epochs; and yet another result.
fn likely_code(a: &Side, b: &Side, findings: &Findings, at: usize) -> Option<Cause> {
    // Without both documents a spec may have changed that nobody sees.
    if a.document.is_none() || b.document.is_none() {
        return Some(Cause::likely("unknown", "without the locks of both runs nothing says why"));
    }
    let fingerprint = |side: &Side| side.document.as_ref().and_then(|document| document.get("fingerprint").cloned());
    if fingerprint(a) != fingerprint(b) {
        return Some(Cause::likely("data", "the fingerprints of the data differ: what was learned is of other rows"));
    }
    let before = findings.found[..at].iter().any(|finding| finding.state() == State::Unknown);
    let same_so_far = if before { "as far as both sides tell" } else { "of the same rows" };
    match slot_at(findings, at) {
        Slot::Step(_) => {
            let title = findings.slots.title(at);
            let what =
                if findings.found[at].learned.is_empty() { "gives other values" } else { "learns something else" };
            let text = format!("{title} {what} {same_so_far}, by the same spec and seed: its code is another");
            Some(Cause::likely("step_code", text))
        }
        Slot::Model => {
            let text = format!(
                "the model learned something else {same_so_far}, by the same spec and seed: its code is another"
            );
            Some(Cause::likely("model_code", text))
        }
        Slot::Prediction => Some(Cause::likely(
            "host",
            "the same model gives other predictions of the same features: the host's floating-point arithmetic, or the engine's code, is another",
        )),
        Slot::Split => Some(Cause::likely(
            "split_code",
            "the same rows are split elsewise by the same spec and seed: the engine's code is another",
        )),
        Slot::Input | Slot::Settings | Slot::Files => None,
    }
}
