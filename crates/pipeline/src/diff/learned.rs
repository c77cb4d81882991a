//! What steps and the model learned something else from: rows that differ and are learned from, rows that another split
//! gives them, what earlier steps give.

use std::collections::{BTreeMap, BTreeSet};

use evenstep_exact::draw::Seed;
use evenstep_table::{Batch, Coded, Column, ColumnName, Identity, Kind, RowKey};
use serde_json::Value;

use super::align::{Pair, Slot, StepOf};
use super::commitments::Seen;
use super::hidden::{self, names, reads};
use super::reread::is_scoring;
use super::rows::{Change, RowChange, ids_told};
use super::values::personal;
use super::words::same;
use super::{Findings, Side, State};
use crate::split::Split;
use crate::trace::{Form, Origin, Stage};

/// How it is told that values were learned elsewise.
pub(crate) const LEARNED: &str = "learned something else";

/// The roles of columns that a model learns from, and that are no inputs.
const LABELS: [&str; 3] = ["target", "weight", "group"];

/// Says of all that was learned elsewise by the same spec what it was learned from.
pub(crate) fn explain(a: &Side, b: &Side, findings: &mut Findings) {
    let settings = Settings::of(a, b, findings);
    let mut flow = Flow::from_input(a, b, findings);
    let slots: Vec<Slot> = findings.slots.iter().cloned().collect();
    for (at, slot) in slots.iter().enumerate() {
        let learner = match slot {
            Slot::Step(pair) => Learner::step(a, b, &findings.slots.pairs()[*pair]),
            Slot::Model => Learner::model(a, b),
            _ => continue,
        };
        let finding = &findings.found[at];
        let which = finding.learned.iter().position(|cause| cause.kind == "learned");
        if let Some(which) = which.filter(|_| finding.causes.is_empty())
            && let Some(reason) = reason(a, b, findings, &settings, &learner, flow.origins(&learner))
        {
            let cause = &mut findings.found[at].learned[which];
            cause.text = cause.text.replacen(LEARNED, &format!("{LEARNED}, {}", reason.text), 1);
            cause.likely = reason.likely;
            cause.rows = reason.learned_from;
        }
        if let Slot::Step(pair) = slot {
            flow.through(a, b, findings, at, &findings.slots.pairs()[*pair], &learner);
        }
    }
}

/// What all that learns has in common, and is another on the other side.
struct Settings {
    seed: bool,
    target: bool,
    weight: bool,
    /// Others are held out.
    split: bool,
    /// That is only concluded: they are drawn elsewise, or by another id or group.
    split_likely: bool,
    /// The rows differ, or are read elsewise, which isn't known.
    data_likely: bool,
    /// A column is likely another's new name.
    renamed: bool,
    /// What came in was scored: it is not what anything was learned from.
    scored: bool,
    /// The data of both trainings differ.
    fingerprint: bool,
}

impl Settings {
    fn of(a: &Side, b: &Side, findings: &mut Findings) -> Settings {
        let of = |side: &Side, pointer: &str| side.document.as_ref().and_then(|all| all.pointer(pointer)).cloned();
        let differs = |pointer: &str| !same(of(a, pointer).as_ref(), of(b, pointer).as_ref());
        let split = findings.at(&Slot::Split);
        let (traced, is_set_elsewise) = (split.seen.state, !split.causes.is_empty());
        let has_other_keys = findings.unmatched || ["/data/id", "/data/group", "/data/time"].into_iter().any(differs);
        let is_concluded = traced == State::Unknown && (is_set_elsewise || has_other_keys);
        let causes = &findings.at(&Slot::Input).causes;
        let of_kind = |kind: &str| causes.iter().find(|cause| cause.kind == kind);
        let (data, renamed) = (of_kind("data").cloned(), of_kind("renamed").is_some());
        Settings {
            seed: differs("/seed"),
            target: differs("/data/target"),
            weight: differs("/data/weight"),
            split: traced == State::Differs || is_concluded,
            split_likely: is_concluded,
            renamed,
            data_likely: data.is_some_and(|cause| cause.likely),
            scored: [a, b].into_iter().any(is_scoring),
            fingerprint: differs("/fingerprint"),
        }
    }
}

/// What reads columns and learns: a step, or the model.
struct Learner {
    /// What it reads, on either side.
    reads: BTreeSet<ColumnName>,
    /// It doesn't read the same on both.
    reads_others: bool,
    /// What it learns from besides: a step from no row's weight.
    labels: BTreeSet<ColumnName>,
    is_weighted: bool,
    /// Some rows it may not learn from that are not held out: those of a class without weight, or that it only watches.
    may_skip_rows: bool,
    /// What its columns are called.
    called: &'static str,
}

impl Learner {
    fn step(a: &Side, b: &Side, pair: &Pair) -> Learner {
        let reads = |step: &Option<StepOf>| {
            step.as_ref().and_then(|step| step.record.as_ref()).map_or_else(BTreeSet::new, reads)
        };
        // What training rows get follows from folds, and these from groups.
        let labels: &[&str] = if pair.learns_from_target() { &["target", "group"] } else { &[] };
        Learner { labels: roles(a, b, labels), ..Learner::of(reads(&pair.a), reads(&pair.b), "columns") }
    }

    fn model(a: &Side, b: &Side) -> Learner {
        let reads = |side: &Side| {
            let features = side.document.as_ref().and_then(|document| document.get("features")?.as_object());
            features.into_iter().flat_map(|all| all.keys()).filter_map(|name| ColumnName::new(name)).collect()
        };
        let labels = roles(a, b, &LABELS);
        let may_skip_rows = [a, b].into_iter().any(may_skip_rows);
        Learner { labels, is_weighted: true, may_skip_rows, ..Learner::of(reads(a), reads(b), "features") }
    }

    fn of(a: BTreeSet<ColumnName>, b: BTreeSet<ColumnName>, called: &'static str) -> Learner {
        let (reads_others, reads) = (a != b, &a | &b);
        Learner { reads, reads_others, labels: BTreeSet::new(), is_weighted: false, may_skip_rows: false, called }
    }
}

fn may_skip_rows(side: &Side) -> bool {
    let spec = side.document.as_ref().and_then(|document| document.pointer("/model/spec"));
    let weights = spec.and_then(|spec| spec.get("class_weights")?.as_object());
    let has_none = weights.is_some_and(|weights| weights.values().any(|weight| weight.as_f64() == Some(0.0)));
    has_none || spec.is_some_and(|spec| spec.get("early_stopping").is_some_and(|stopping| !stopping.is_null()))
}

/// The columns that have these roles on either side.
fn roles(a: &Side, b: &Side, roles: &[&str]) -> BTreeSet<ColumnName> {
    let data = [a, b].into_iter().filter_map(|side| side.document.as_ref()?.get("data"));
    data.flat_map(|data| roles.iter().filter_map(|role| ColumnName::new(data.get(*role)?.as_str()?))).collect()
}

/// What a difference comes from.
#[derive(Clone, Default)]
struct Origins {
    /// Columns of the input that differ, or may.
    inputs: BTreeSet<ColumnName>,
    /// Steps that give something else for reasons of their own, by their places; and whether that is only likely.
    steps: BTreeMap<usize, bool>,
}

impl Origins {
    fn extend(&mut self, other: &Origins) {
        self.inputs.extend(other.inputs.iter().cloned());
        self.steps.extend(&other.steps);
    }
}

/// What the differences of each column come from, as far as the steps so far.
struct Flow {
    columns: BTreeMap<ColumnName, Origins>,
    labels: BTreeSet<ColumnName>,
}

impl Flow {
    fn from_input(a: &Side, b: &Side, findings: &mut Findings) -> Flow {
        let stage = |side: &Side, stage: &Stage| side.trace.as_ref()?.stages().get(stage).cloned();
        let of_both = |which: &Stage| stage(a, which).zip(stage(b, which));
        let is_known = of_both(&Stage::Input).is_some_and(|(a, b)| a.row_set == b.row_set && a.rows == b.rows);
        let seen = &findings.at(&Slot::Input).seen;
        let input =
            |side: &Side| side.document.as_ref().map_or_else(BTreeSet::new, |document| names(document, "inputs"));
        let may_differ = |name: &ColumnName| !is_known || seen.columns.contains(name);
        let columns = &input(a) | &input(b);
        let from_itself =
            |name: ColumnName| (name.clone(), Origins { inputs: BTreeSet::from([name]), ..Origins::default() });
        let labels = of_both(&Stage::Labels).map(|(a, b)| a.columns.into_keys().chain(b.columns.into_keys()));
        Flow {
            columns: columns.into_iter().filter(may_differ).map(from_itself).collect(),
            labels: labels.into_iter().flatten().filter(may_differ).collect(),
        }
    }

    fn origins(&self, learner: &Learner) -> Origins {
        let mut all = Origins::default();
        learner.reads.iter().filter_map(|name| self.columns.get(name)).for_each(|origins| all.extend(origins));
        all.inputs.extend(self.labels.intersection(&learner.labels).cloned());
        all
    }

    /// What the step makes of it: only columns that differ after it have an origin, as far as traces tell.
    fn through(&mut self, a: &Side, b: &Side, findings: &Findings, at: usize, pair: &Pair, learner: &Learner) {
        let finding = &findings.found[at];
        let mut origins = self.origins(learner);
        let is_known = finding.seen.state != State::Unknown;
        // What it learned elsewise has its reasons, which hold for what comes after it, too.
        let gives_others =
            || is_known && finding.learned.is_empty() && origins.inputs.is_empty() && origins.steps.is_empty();
        if !finding.causes.is_empty() || gives_others() {
            // A step that one side lacks, or has elsewhere, may yet give the same.
            origins.steps.insert(at, !is_known || pair.a.is_none() || pair.b.is_none());
        }
        let of_trace = |side: &Side, step: &Option<StepOf>| -> BTreeSet<ColumnName> {
            let stage = |step: &StepOf| Stage::step(step.number, &step.name, Form::Applied);
            let stage =
                side.trace.as_ref().zip(step.as_ref()).and_then(|(trace, step)| trace.stages().get(&stage(step)));
            stage.into_iter().flat_map(|stage| stage.columns.keys().cloned()).collect()
        };
        let written = &of_trace(a, &pair.a) | &of_trace(b, &pair.b);
        let written = if written.is_empty() && !is_known { &learner.reads | &added(pair) } else { written };
        for name in written {
            if !is_known || finding.seen.columns.contains(&name) {
                self.columns.insert(name, origins.clone());
            } else {
                self.columns.remove(&name);
            }
        }
    }
}

/// The columns that a step adds, as the documents have it.
fn added(pair: &Pair) -> BTreeSet<ColumnName> {
    let records = [&pair.a, &pair.b].into_iter().flatten().filter_map(|step| step.record.as_ref());
    records.flat_map(hidden::added).collect()
}

/// What something was learned from.
struct Reason {
    text: String,
    likely: bool,
    /// The ids of the rows that differ and are learned from, as far as they are known.
    learned_from: Vec<Value>,
}

/// Why that came to something else; None if nothing is known.
fn reason(
    a: &Side,
    b: &Side,
    findings: &Findings,
    settings: &Settings,
    learner: &Learner,
    origins: Origins,
) -> Option<Reason> {
    let rows = match settings.scored {
        true => None,
        false => from_rows(a, b, findings, settings, learner, &origins.inputs),
    };
    let mut texts = Vec::new();
    // What steps give, and another target, are known to differ; of the seed it isn't known who draws by it.
    let mut likely = settings.seed || settings.split_likely;
    if settings.split {
        texts.push("from other rows, as others are held out".to_owned());
    }
    for (step, is_likely) in &origins.steps {
        texts.push(format!("from what {} gives", findings.slots.title(*step)));
        likely |= is_likely;
    }
    if settings.scored && settings.fingerprint {
        texts.push("from other training data, as their fingerprints differ".to_owned());
        likely = true;
    }
    texts.extend((settings.target && !learner.labels.is_empty()).then(|| "from another target".to_owned()));
    texts.extend((settings.weight && learner.is_weighted).then(|| "by other weights".to_owned()));
    if learner.reads_others && !settings.renamed {
        texts.push(format!("from other {}", learner.called));
    }
    let rows = rows.filter(|rows| rows.are_learned_from || texts.is_empty() && !settings.seed);
    if let Some(rows) = &rows {
        texts.insert(0, rows.text.clone());
        likely |= rows.likely || settings.data_likely;
    }
    if texts.is_empty() && settings.seed {
        texts.push("by another seed".to_owned());
    }
    let learned_from = rows.map(|rows| rows.learned_from).unwrap_or_default();
    (!texts.is_empty()).then(|| Reason { text: texts.join(" and "), likely, learned_from })
}

/// Rows that differ.
struct Rows {
    text: String,
    likely: bool,
    /// Some are learned from, as far as that is known.
    are_learned_from: bool,
    learned_from: Vec<Value>,
}

/// What is known of the rows that differ in any of these columns; None if none does.
fn from_rows(
    a: &Side,
    b: &Side,
    findings: &Findings,
    settings: &Settings,
    learner: &Learner,
    columns: &BTreeSet<ColumnName>,
) -> Option<Rows> {
    let input = &findings.found[findings.slots.position(&Slot::Input)];
    let is_traced = input.seen.state == State::Differs;
    if columns.is_empty() || !is_traced && !input.causes.iter().any(|cause| cause.kind == "data") {
        return None;
    }
    let has_other_causes =
        || findings.found.iter().flat_map(|finding| &finding.causes).any(|cause| cause.kind != "data");
    let (changed, labels) = (&findings.rows, roles(a, b, &LABELS));
    // A label of another type is the same number, unless others are read elsewise, too.
    let is_read_elsewise = |name: &&ColumnName| changed.others_are_read_elsewise || !labels.contains(*name);
    let is_retyped = changed.view.as_text.intersection(columns).any(|name| is_read_elsewise(&name));
    let unknown = || Rows {
        text: format!("from rows or cells that differ{}", if is_retyped { ", or are read elsewise" } else { "" }),
        likely: !is_traced && has_other_causes(),
        are_learned_from: !settings.data_likely,
        learned_from: Vec::new(),
    };
    let personal = personal(a, b);
    let mut rows: Vec<(&RowChange, Option<bool>)> =
        changed.input.iter().map(|row| (row, differs_in(row, columns, &input.seen, key(row, a), &personal))).collect();
    rows.retain(|(_, differs)| *differs != Some(false));
    let is_weighted = learner.is_weighted && !roles(a, b, &["weight"]).is_empty();
    let weightless: Vec<&RowChange> = match is_weighted {
        true => rows.extract_if(.., |(row, _)| row.is_weightless == Some(true)).map(|(row, _)| row).collect(),
        false => Vec::new(),
    };
    if rows.is_empty() && !weightless.is_empty() && !changed.many {
        return Some(Rows {
            text: format!("though the rows that differ weigh nothing{}", ids_told(&weightless, false)),
            likely: false,
            are_learned_from: false,
            learned_from: Vec::new(),
        });
    }
    let may_weigh_nothing = is_weighted && rows.iter().any(|(row, _)| row.is_weightless.is_none());
    // Of columns that were exchanged, all rows differ.
    let is_exchanged = |name: &ColumnName| {
        changed.view.called.contains_key(name) && changed.view.called.values().any(|of_a| of_a == name)
    };
    let split = split_of(a, b).filter(|_| {
        !settings.split && !is_retyped && !changed.unnamed && !rows.is_empty() && !columns.iter().any(is_exchanged)
    });
    let parts = split.and_then(|split| {
        let is_held_out = |row: &RowChange| Some(split.holds_out(&key(row, a)?));
        rows.iter().map(|(row, _)| Some((*row, is_held_out(row)?))).collect::<Option<Vec<_>>>()
    });
    let Some(parts) = parts else { return Some(unknown()) };
    let part = |is_out: bool| -> Vec<&RowChange> {
        parts.iter().filter(|(_, is_held_out)| *is_held_out == is_out).map(|(row, _)| *row).collect()
    };
    let (held_out, learned_from) = (part(true), part(false));
    let text = match (learned_from.is_empty(), held_out.is_empty()) {
        (true, _) if changed.many => return Some(unknown()),
        (true, _) => format!("though the rows that differ are held out{}", ids_told(&held_out, false)),
        (_, true) => format!("from the training rows that differ{}", ids_told(&learned_from, changed.many)),
        _ => format!(
            "from the training rows that differ{}, not from those held out{}",
            ids_told(&learned_from, changed.many),
            ids_told(&held_out, changed.many)
        ),
    };
    let may_be_skipped = learner.may_skip_rows && !learned_from.is_empty();
    Some(Rows {
        text,
        likely: rows.iter().any(|(_, differs)| differs.is_none()) || may_weigh_nothing || may_be_skipped,
        are_learned_from: !learned_from.is_empty(),
        learned_from: learned_from.into_iter().map(RowChange::called).collect(),
    })
}

/// Whether a row differs in any of the columns: by its cells, or else by what buckets tell; None if that isn't known.
fn differs_in(
    row: &RowChange,
    columns: &BTreeSet<ColumnName>,
    seen: &Seen,
    key: Option<RowKey>,
    personal: &BTreeSet<ColumnName>,
) -> Option<bool> {
    if row.change != Change::Changed {
        return Some(true);
    }
    let cells = row.a.as_ref().zip(row.b.as_ref()).filter(|_| columns.is_disjoint(personal));
    if let Some((a, b)) = cells {
        return Some(a.keys().chain(b.keys()).any(|name| columns.contains(name)));
    }
    let (these, others): (Vec<&ColumnName>, Vec<&ColumnName>) =
        seen.columns.iter().partition(|name| columns.contains(*name));
    let differ_none = |names: &[&ColumnName]| {
        names.iter().all(|name| key.and_then(|key| seen.differs_in_bucket(name, &key)) == Some(false))
    };
    match (differ_none(&others), differ_none(&these)) {
        _ if seen.columns.is_empty() => None,
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// The split that both trainings have, if it goes by rows.
fn split_of(a: &Side, b: &Side) -> Option<Split> {
    let of = |side: &Side| {
        let is_training = side.trace.as_ref()?.head.origin == Origin::Train;
        let data = side.document.as_ref().filter(|_| is_training)?.get("data")?;
        let split = data.get("split").filter(|_| data.get("group").is_none_or(Value::is_null))?;
        Some((split.get("seed")?.as_u64()?, split.get("test")?.as_f64()?))
    };
    let (seed, test) = of(a).filter(|split| Some(*split) == of(b))?;
    Some(Split::new(Seed(seed), test))
}

/// The key of a row: as its data gave it, or else by its id, as far as the trace has it.
fn key(row: &RowChange, side: &Side) -> Option<RowKey> {
    if row.row_key.is_some() {
        return row.row_key;
    }
    let name = row.name()?;
    if let Some(key) = name.key() {
        return Some(key);
    }
    let trace = side.trace.as_ref()?;
    let id = name.id()?;
    let columns = trace.head.id.as_slice();
    let parts: Vec<&str> = id.split('\u{1f}').collect();
    if parts.len() != columns.len() {
        return None;
    }
    let mut batch = Batch::unkeyed(1);
    for (name, part) in columns.iter().zip(parts) {
        let column = match trace.stages().get(&Stage::Input)?.columns.get(name)?.kind {
            Kind::Integer => Column::Integer(vec![part.parse().ok()?]),
            Kind::Category => Column::Category(Coded::from_strings([Some(part)])),
            Kind::Text => Column::Text(Coded::from_strings([Some(part)])),
            _ => return None,
        };
        batch.insert(name.clone(), column);
    }
    Identity::by_id(columns.iter().cloned()).keys(&batch).ok()?.first().copied()
}
