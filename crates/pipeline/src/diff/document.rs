//! What two locks, or the artifacts that they are of, say: spec, contract, roles, and what was learned.

use std::collections::BTreeSet;

use evenstep_table::{ColumnName, some_of};
use serde_json::{Value, json};

use super::align::{self, Pair, Slot, StepOf};
use super::commitments::DATA_DIFFER;
use super::hidden::{self, HOLDS_VALUES};
use super::learned::LEARNED;
use super::reread::is_scoring;
use super::values;
use super::words::{both, entries, same, some_leaves, visible, word};
use super::{Cause, Findings, Side, State, files};
use crate::trace::{Origin, Stage};

/// So many values that were learned elsewise are told of a step.
const LEARNED_TOLD: usize = 3;
/// So many values of an evaluation.
const EVALUATION_TOLD: usize = 3;
/// So many entries of locks of one digest.
const EDITS_TOLD: usize = 3;
/// The keys of a rule by which no row is set aside, and no cell read elsewise.
const CHANGES_NO_CELL: [&str; 4] = ["available", "personal", "unique", "unit"];

/// The roles that one column has.
const NAMES_A_COLUMN: [&str; 4] = ["group", "target", "time", "weight"];

/// Compares the documents, if both are at hand.
pub(crate) fn compare(a: &Side, b: &Side, findings: &mut Findings) {
    let (Some(of_a), Some(of_b)) = (&a.document, &b.document) else {
        if a.document.is_none() && b.document.is_none() && a.digest.is_some() && a.digest == b.digest {
            return;
        }
        let without: Vec<&str> =
            [a, b].into_iter().filter(|side| side.document.is_none()).map(|side| side.name.as_str()).collect();
        findings.notes.push(format!("no lock or bundle of {}: specs are not compared", without.join(" and of ")));
        if a.digest.is_none() || a.digest != b.digest {
            unsure_of_data(&mut findings.at(&Slot::Input).causes);
        }
        return;
    };
    roles(of_a, of_b, hidden::target(a, b), findings);
    head(a, b, of_a, of_b, findings);
    contract(a, b, of_a, of_b, findings);
    fingerprint(a, b, of_a, of_b, findings);
    // By the rules cells are read.
    findings.at(&Slot::Input).causes.sort_by_key(|cause| cause.kind == "data");
    let split = |document: &Value| document.pointer("/data/split").cloned();
    for (key, mine, theirs) in entries(split(of_a).as_ref(), split(of_b).as_ref()) {
        let cause = Cause::setting("split", &format!("`split.{key}`"), mine, theirs);
        findings.at(&Slot::Split).causes.push(cause);
    }
    for at in 0..findings.slots.pairs().len() {
        step(at, a, b, findings);
    }
    model(a, b, of_a, of_b, findings);
    for key in ["extra", "format"] {
        let (mine, theirs) = (of_a.get(key), of_b.get(key));
        if !same(mine, theirs) {
            let cause = Cause::setting("setting", &format!("`{key}`"), mine, theirs);
            findings.at(&Slot::Settings).causes.push(cause);
        }
    }
    let is_all_else_the_same = findings.first().is_none();
    let [mine, theirs] = [of_a, of_b].map(metrics);
    if mine != theirs {
        let cause = Cause::setting("setting", "`report.metrics`", Some(&json!(mine)), Some(&json!(theirs)));
        findings.at(&Slot::Settings).causes.push(cause);
    } else if is_all_else_the_same {
        evaluation(of_a, of_b, findings);
        edited(a, b, of_a, of_b, findings);
    }
}

/// Two locks of one digest say the same, unless builds count versions of code apart, or somebody edited one.
fn edited(a: &Side, b: &Side, of_a: &Value, of_b: &Value, findings: &mut Findings) {
    if a.digest.is_none() || a.digest != b.digest {
        return;
    }
    let by_title = |document: &Value| {
        let mut all = document.as_object().cloned().unwrap_or_default();
        // These are told elsewhere.
        ["apply_epoch", "evaluation", "fit_epoch", "seed"].iter().for_each(|key| drop(all.remove(*key)));
        let steps = all.remove("step");
        let steps = steps.as_ref().and_then(Value::as_array).into_iter().flatten();
        let title = |step: &Value| format!("step {} {}", step["number"], step["use"].as_str().unwrap_or("?"));
        all.extend(steps.map(|step| (title(step), step.clone())));
        Value::from(all)
    };
    if let Some(told) = some_leaves(&by_title(of_a), &by_title(of_b), EDITS_TOLD) {
        let text = format!("the locks are of one digest, and differ: {told}");
        findings.at(&Slot::Files).causes.push(Cause::fact("lock", text));
    }
}

/// Id, target, weight, group, missing tokens, task.
fn roles(a: &Value, b: &Value, target: Option<ColumnName>, findings: &mut Findings) {
    let input = findings.at(&Slot::Input);
    for (key, mine, theirs) in entries(a.get("data"), b.get("data")) {
        let kind = match key {
            "split" => continue,
            "missing" => "missing",
            _ => "role",
        };
        unsure_of_data(&mut input.causes);
        input.causes.push(Cause::setting(kind, &format!("`data.{key}`"), mine, theirs));
        if NAMES_A_COLUMN.contains(&key) {
            input.about.extend(mine.or(theirs).and_then(Value::as_str).and_then(ColumnName::new));
        }
    }
    for (key, mine, theirs) in entries(a.get("task"), b.get("task")) {
        if let Some(target) = target.as_ref().filter(|_| key == "classes") {
            let text = format!("the task's classes differ ({})", hidden::is_personal(target.as_str()));
            input.causes.push(Cause::fact("task", text));
            continue;
        }
        input.causes.push(Cause::setting("task", &format!("the task's `{key}`"), mine, theirs));
    }
}

/// Steps at the head that only choose columns: no lock has them, but what the inputs are follows from them.
fn head(a: &Side, b: &Side, of_a: &Value, of_b: &Value, findings: &mut Findings) {
    let (Some(mine), Some(theirs)) = (files::spec(a), files::spec(b)) else { return };
    let told = align::pairs(choosing(mine), choosing(theirs)).iter().flat_map(specs).collect::<Vec<_>>();
    // A spec as it is now may be another than that of the training.
    let likely = a.artifact.is_none() || b.artifact.is_none();
    let causes = told.into_iter().map(|cause| Cause { likely, ..cause });
    match same(of_a.get("inputs"), of_b.get("inputs")) {
        true => findings.at(&Slot::Settings).causes.extend(causes),
        false => drop(findings.at(&Slot::Input).causes.splice(..0, causes)),
    }
}

/// The steps at the head of a spec that only choose columns.
fn choosing(spec: &Value) -> Vec<StepOf> {
    let steps = spec.get("step").and_then(Value::as_array).into_iter().flatten().enumerate();
    let step = |(at, written): (usize, &Value)| {
        let mut spec = written.as_object()?.clone();
        let name = spec.remove("use")?.as_str()?.to_owned();
        let chooses = evenstep_step::parse(&name, spec.clone().into()).is_ok_and(|step| step.only_chooses_columns());
        chooses.then(|| StepOf { number: at + 1, name, record: Some(json!({ "spec": spec })) })
    };
    steps.map_while(step).collect()
}

/// Rules, column by column and key by key. Columns that one side lacks are told by the traces, or here.
fn contract(a: &Side, b: &Side, of_a: &Value, of_b: &Value, findings: &mut Findings) {
    let rows = |side: &Side| {
        let stage = side.trace.as_ref()?.stages().get(&Stage::Input)?;
        Some((stage.rows, stage.row_set))
    };
    let same_rows = rows(a) == rows(b);
    let data_differ = findings.at(&Slot::Input).seen.state == State::Differs;
    let traced = findings.at(&Slot::Input).seen.state != State::Unknown;
    let personal = values::personal(a, b);
    let fingerprints_differ = !same(of_a.get("fingerprint"), of_b.get("fingerprint"));
    let input = findings.at(&Slot::Input);
    // Traces tell of columns even where they match no row.
    let traced = traced || input.causes.iter().any(|cause| ["column", "renamed"].contains(&cause.kind));
    for (column, mine, theirs) in entries(of_a.get("contract"), of_b.get("contract")) {
        let name = ColumnName::new(column);
        let (Some(_), Some(_)) = (mine, theirs) else {
            if !same_rows && mine.or(theirs).is_some_and(|rule| rule["invalid"] == "quarantine") {
                unsure_of_data(&mut input.causes);
            }
            if !traced {
                let side = if mine.is_some() { "A" } else { "B" };
                input.causes.push(Cause::fact("column", format!("column `{column}` is read in {side} only")));
                input.about.extend(name);
            }
            continue;
        };
        let declares =
            |key: &str| [a, b].map(|side| Some(!side.artifact.as_ref()?.spec["contract"][column][key].is_null()));
        let differing = entries(mine, theirs);
        // With an inferred type goes what holds of it.
        let retyped =
            data_differ && differing.iter().any(|(key, ..)| *key == "type") && declares("type") == [Some(false); 2];
        for (key, mine, theirs) in differing {
            if retyped && key != "type" && declares(key) == [Some(false); 2] {
                continue;
            }
            let what = format!("the contract of `{column}`: `{key}`");
            let rule = if HOLDS_VALUES.contains(&key) && name.as_ref().is_some_and(|name| personal.contains(name)) {
                Cause::fact("contract", format!("{what} differs, hidden: `{column}` is personal"))
            } else {
                Cause::setting("contract", &what, mine, theirs)
            };
            // An undeclared type or zone is what the cells say; whether it was declared, a lock doesn't tell.
            let declared = declares(key);
            let may_follow = match key {
                "type" => data_differ,
                "zone" => fingerprints_differ && (mine.is_none() || theirs.is_none()),
                _ => false,
            };
            let follows_data = may_follow && !declared.contains(&Some(true));
            let is_known = declared == [Some(false); 2];
            let concerned = !same_rows || name.as_ref().is_some_and(|name| input.seen.columns.contains(name));
            if concerned && !CHANGES_NO_CELL.contains(&key) && !(follows_data && is_known) {
                unsure_of_data(&mut input.causes);
            }
            input.causes.push(if follows_data {
                Cause { likely: true, text: format!("{}; undeclared, it follows the data", rule.text), ..rule }
            } else {
                rule
            });
            // Instants are the same with a zone and without: no commitment tells of it.
            if follows_data && key == "zone" {
                let side = if mine.is_some() { "A" } else { "B" };
                let text = format!("{DATA_DIFFER} in column `{column}`: its times have a zone in {side} only");
                input.causes.push(Cause { likely: !is_known, ..Cause::fact("data", text) });
            }
        }
        input.about.extend(name);
    }
    if !same_rows && [a, b].into_iter().any(sets_rows_aside) || reads_levels_elsewise(a, b, &input.seen.columns) {
        unsure_of_data(&mut input.causes);
    }
}

/// Whether rows that the data have may be missing for breaking the contract: a training says so, a scoring's rules allow it.
fn sets_rows_aside(side: &Side) -> bool {
    let rules = side.document.as_ref().and_then(|document| document.get("contract")?.as_object());
    let is_allowed = |rule: &Value| ["invalid", "missing", "out_of_range"].iter().any(|key| rule[*key] == "quarantine");
    match is_scoring(side) {
        true => rules.is_some_and(|rules| rules.values().any(is_allowed)),
        false => side.facts.contains_key("set_aside"),
    }
}

/// Whether a scoring makes nulls of values that training never saw, and the trainings may have seen others.
fn reads_levels_elsewise(a: &Side, b: &Side, columns: &[ColumnName]) -> bool {
    let becomes_null = |side: &Side, name: &ColumnName| {
        let rule = side.document.as_ref().and_then(|document| document.get("contract")?.get(name.as_str()));
        is_scoring(side) && rule.is_some_and(|rule| rule["unseen"] == "null")
    };
    let levels = |side: &Side, name: &ColumnName| Some(side.artifact.as_ref()?.seen.get(name)?.categories.clone());
    let of_other_levels = |name: &ColumnName| levels(a, name).is_none() || levels(a, name) != levels(b, name);
    a.digest != b.digest
        && columns.iter().any(|name| [a, b].iter().any(|side| becomes_null(side, name)) && of_other_levels(name))
}

/// Cells that are read by other rules may differ for that reason alone.
fn unsure_of_data(causes: &mut [Cause]) {
    causes.iter_mut().filter(|cause| cause.kind == "data").for_each(|cause| cause.likely = true);
}

/// Without traces, this is all that is known of the data. It also tells what they don't: which of equal rows is which.
fn fingerprint(a: &Side, b: &Side, of_a: &Value, of_b: &Value, findings: &mut Findings) {
    let of_training = |side: &Side| side.trace.as_ref().is_none_or(|trace| trace.head.origin == Origin::Train);
    let traced = findings.at(&Slot::Input).seen.state;
    let told = traced == State::Differs || (traced == State::Same && !(of_training(a) && of_training(b)));
    if same(of_a.get("fingerprint"), of_b.get("fingerprint")) || told {
        return;
    }
    let input = findings.at(&Slot::Input);
    let of_other_columns =
        input.causes.iter().any(|cause| matches!(cause.kind, "column" | "renamed" | "role" | "contract" | "missing"));
    if of_other_columns && traced == State::Same {
        // What both read of the data is the same.
        return;
    }
    let rows = |document: &Value| {
        let count = |key: &str| document.pointer(&format!("/evaluation/{key}")).and_then(Value::as_u64);
        Some(count("training_rows")? + count("held_out_rows")?)
    };
    let counts = match (rows(of_a), rows(of_b)) {
        (Some(a), Some(b)) if a != b => format!(" ({a} rows in A and {b} in B)"),
        _ => String::new(),
    };
    let text = format!("the fingerprints of the data differ{counts}");
    input.causes.push(if of_other_columns {
        Cause::likely("data", format!("{text}: of the columns, or of the rows, too"))
    } else if traced == State::Same {
        let text = format!(
            "{text}, but not the rows learned from: others were left out, or equal ones are told apart elsewise"
        );
        Cause::likely("data", text)
    } else {
        Cause::fact("data", text)
    });
}

/// What the model was judged by.
fn metrics(document: &Value) -> Vec<&str> {
    let measured = document.pointer("/evaluation/metrics").and_then(Value::as_array).into_iter().flatten();
    measured.filter_map(|measured| measured["metric"].as_str()).collect()
}

/// How good the model is said to be, which follows from all else. Locks of before it was measured what absence costs are
/// none the worse.
fn evaluation(a: &Value, b: &Value, findings: &mut Findings) {
    let of = |document: &Value| document.get("evaluation").cloned().unwrap_or_default();
    let (mut mine, mut theirs) = (of(a), of(b));
    if mine.get("absent").is_none() || theirs.get("absent").is_none() {
        [&mut mine, &mut theirs]
            .into_iter()
            .filter_map(Value::as_object_mut)
            .for_each(|parts| drop(parts.remove("absent")));
    }
    if let Some(told) = some_leaves(&mine, &theirs, EVALUATION_TOLD) {
        let alone = same(a.get("seed"), b.get("seed"));
        let so_far = if alone { "all else is the same, but not the evaluation" } else { "the evaluation is another" };
        let text = format!("{so_far}: {told}");
        findings.at(&Slot::Settings).causes.push(Cause::fact("evaluation", text));
    }
}

fn step(at: usize, a: &Side, b: &Side, findings: &mut Findings) {
    let pair = findings.slots.pairs()[at].clone();
    let title = pair.title();
    let moved =
        findings.slots.moved(at).map(|places| (places, places.map(|at| findings.slots.pairs()[at].step().number)));
    let personal = hidden::with_derived(values::personal(a, b), &findings.slots.pairs()[..at]);
    let finding = findings.at(&Slot::Step(at));
    if let Some(([a, b], [in_a, in_b])) = moved {
        if at == a.min(b) {
            let name = &pair.step().name;
            let text = format!("step {in_a} {name} of A is step {in_b} of B: it was moved");
            finding.causes.push(Cause::fact("step_moved", text));
            finding.about.extend(columns_of(&pair));
        }
        return;
    }
    finding.causes.extend(specs(&pair));
    let (Some(mine), Some(theirs)) = (&pair.a, &pair.b) else {
        finding.about.extend(columns_of(&pair));
        return;
    };
    let (Some(of_a), Some(of_b)) = (&mine.record, &theirs.record) else { return };
    let reads = &hidden::reads(of_a) | &hidden::reads(of_b);
    if !same(of_a.get("params"), of_b.get("params")) {
        let record = |side: &Side, step: &StepOf| {
            let artifact = side.artifact.as_ref()?;
            artifact.steps.iter().find(|record| record.number == step.number).map(|record| record.params.value())
        };
        let both = record(a, mine).zip(record(b, theirs));
        let by_column = both.iter().flat_map(|(x, y)| entries(Some(x), Some(y)));
        finding.about.extend(by_column.filter_map(|(key, ..)| ColumnName::new(key)).filter(|key| reads.contains(key)));
        let what = match hidden::target(a, b).filter(|_| pair.learns_from_target()) {
            Some(target) => Some(hidden::is_personal(target.as_str())),
            None => both.and_then(|(x, y)| hidden::leaves((a, &x), (b, &y), &reads, &personal, LEARNED_TOLD)),
        };
        let what = what.map_or_else(String::new, colon);
        finding.learned.push(Cause::fact("learned", format!("{title} {LEARNED}{what}")));
    }
    if let Some(versions) = versions(a, b, Some(of_a), Some(of_b)) {
        finding.causes.push(Cause::fact("step_code", format!("the code of {title} is {versions}")));
        finding.about.extend(only(reads));
    }
}

/// How the specs of a step differ; or that one side alone has it.
fn specs(pair: &Pair) -> Vec<Cause> {
    let title = pair.title();
    let spec = |step: &Option<StepOf>| step.as_ref().and_then(|step| step.record.as_ref()?.get("spec")).cloned();
    let (mine, theirs) = (spec(&pair.a), spec(&pair.b));
    let lone = |kind, side: &str, spec: Option<Value>| {
        vec![Cause::fact(kind, format!("{title} is in {side} only: {}", word(spec.as_ref())))]
    };
    match (&pair.a, &pair.b) {
        (Some(_), None) => lone("step_removed", "A", mine),
        (None, _) => lone("step_added", "B", theirs),
        _ => {
            let differing = entries(mine.as_ref(), theirs.as_ref()).into_iter();
            differing.map(|(key, a, b)| Cause::setting("step", &format!("{title}: `{key}`"), a, b)).collect()
        }
    }
}

fn colon(told: String) -> String {
    format!(": {told}")
}

/// The columns that the step makes, drops or gives another type; else the one that it reads, if it reads no other.
fn columns_of(pair: &Pair) -> Vec<ColumnName> {
    let Some(record) = &pair.step().record else { return Vec::new() };
    let changes = record.get("changes").and_then(Value::as_array).into_iter().flatten();
    let name = |change: &str| {
        let (sign, changed) = change.split_at_checked(1)?;
        let retyped = changed.rsplit_once(" → ").and_then(|(before, _)| before.rsplit_once(' '));
        ColumnName::new(retyped.filter(|_| sign == "~").map_or(changed, |(name, _)| name))
    };
    let changed: Vec<ColumnName> = changes.filter_map(|change| name(change.as_str()?)).collect();
    if changed.is_empty() { only(hidden::reads(record)).into_iter().collect() } else { changed }
}

/// The column, if it is one.
fn only(columns: BTreeSet<ColumnName>) -> Option<ColumnName> {
    if columns.len() == 1 { columns.into_iter().next() } else { None }
}

/// Which version each side's code is, if they noted down different ones; of one digest they come to the same.
fn versions(a: &Side, b: &Side, of_a: Option<&Value>, of_b: Option<&Value>) -> Option<String> {
    let version = |of: Option<&Value>| of?.get("version")?.as_u64();
    let (mine, theirs) = (version(of_a)?, version(of_b)?);
    let same_answers = a.digest.is_some() && a.digest == b.digest;
    (mine != theirs && !same_answers).then(|| format!("version {mine} in A and version {theirs} in B"))
}

fn model(a: &Side, b: &Side, of_a: &Value, of_b: &Value, findings: &mut Findings) {
    let (mine, theirs) = (of_a.get("model"), of_b.get("model"));
    let part = |model: Option<&Value>, key: &str| model.and_then(|model| model.get(key)).cloned();
    let used = (part(mine, "use"), part(theirs, "use"));
    let finding = findings.at(&Slot::Model);
    if !same(used.0.as_ref(), used.1.as_ref()) {
        finding.causes.push(Cause::setting("model", "the model", used.0.as_ref(), used.1.as_ref()));
    } else {
        let specs = (part(mine, "spec"), part(theirs, "spec"));
        for (key, mine, theirs) in entries(specs.0.as_ref(), specs.1.as_ref()) {
            finding.causes.push(Cause::setting("hyperparameter", &format!("the model's `{key}`"), mine, theirs));
        }
        if let Some(versions) = versions(a, b, mine, theirs) {
            finding.causes.push(Cause::fact("model_code", format!("the code of the model is {versions}")));
        }
    }
    if !same(part(mine, "learned").as_ref(), part(theirs, "learned").as_ref()) && finding.causes.is_empty() {
        let both = a.artifact.as_ref().zip(b.artifact.as_ref());
        let both = both.filter(|_| hidden::target(a, b).is_none());
        let facts = both.and_then(|(a, b)| some_leaves(&a.model.stored.facts, &b.model.stored.facts, LEARNED_TOLD));
        let what = facts.map_or_else(String::new, colon);
        finding.learned.push(Cause::fact("learned", format!("the model {LEARNED}{what}")));
    }
    if finding.causes.is_empty() && finding.learned.is_empty() {
        finding.seen.state = State::Same;
    }
    let features = (of_a.get("features"), of_b.get("features"));
    let told = |(name, mine, theirs): (&str, Option<&Value>, Option<&Value>)| {
        let name = hidden::called(a, b, name);
        let name = visible(&name);
        match (mine, theirs) {
            (Some(_), None) => format!("`{name}` is in A only"),
            (None, Some(_)) => format!("`{name}` is in B only"),
            _ => format!("`{name}` is {}", both(mine, theirs)),
        }
    };
    let differing = entries(features.0, features.1);
    if !differing.is_empty() {
        let all = hidden::each_once(differing.into_iter().map(told));
        let text = format!("the model's features differ: {}", some_of(all, LEARNED_TOLD, "; "));
        findings.at(&Slot::Model).learned.push(Cause::fact("features", text));
    }
}
