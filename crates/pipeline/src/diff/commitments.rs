//! What two traces say: rows first, then columns, stage by stage.

use std::collections::{BTreeMap, BTreeSet};

use evenstep_exact::reduce::Workers;
use evenstep_table::{ColumnName, RowKey, counted};
use serde_json::Value;

use super::align::{Pair, Slot, StepOf};
use super::reconcile::{called_as, reconcile_data, reconcile_viewed};
use super::reread::{Names, View};
use super::rows::{Change, Changed};
use super::twins::{BUCKETS_LEAST, Renamed, exchange, exchanged, followed, may_be_cells, renamed, renamed_and_changed};
use super::values::personal;
use super::{Cause, Finding, Findings, Side, State};
use crate::trace::{
    Commitment, Commitments, Element, Form, Origin, Reconciled, Root, RowName, Sketch, Spread, Stage, Trace, bucket_of,
};

/// What two traces say of one stage.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) state: State,
    /// The columns that differ.
    pub(crate) columns: Vec<ColumnName>,
    /// Bucket by bucket, whether a column differs, as far as both traces tell.
    pub(crate) buckets: BTreeMap<ColumnName, Vec<bool>>,
}

impl Seen {
    pub(crate) fn column(&self) -> Option<ColumnName> {
        self.columns.first().cloned()
    }

    /// In how many buckets of rows any of the columns differs, if that is known of all of them.
    pub(crate) fn spread(&self) -> Option<Spread> {
        let known: Vec<&Vec<bool>> = self.columns.iter().map(|name| self.buckets.get(name)).collect::<Option<_>>()?;
        let of = known.first()?.len();
        Some(Spread { differ: (0..of).filter(|bucket| known.iter().any(|column| column[*bucket])).count(), of })
    }

    /// Whether a column differs in the bucket of the row, if that is known.
    pub(crate) fn differs_in_bucket(&self, name: &ColumnName, row: &RowKey) -> Option<bool> {
        let buckets = self.buckets.get(name)?;
        Some(buckets[usize::from(bucket_of(row)) * buckets.len() / 256])
    }

    fn add(&mut self, name: &ColumnName, buckets: Option<Vec<bool>>) {
        if !self.columns.contains(name) {
            self.columns.push(name.clone());
        }
        let Some(buckets) = buckets else { return };
        let known = self.buckets.entry(name.clone()).or_insert_with(|| vec![false; buckets.len()]);
        known.iter_mut().zip(buckets).for_each(|(known, differs)| *known |= differs);
    }
}

/// Compares the traces, if both are at hand.
pub(crate) fn compare(a: &Side, b: &Side, findings: &mut Findings, workers: &Workers) {
    let (Some(of_a), Some(of_b)) = (&a.trace, &b.trace) else { return };
    if !of_a.shares_salt_with(of_b) {
        findings.notes.push(OTHER_SALTS.to_owned());
    }
    let mut walk = Walk::new(of_a, of_b, workers);
    walk.input(a, b, findings);
    walk.split(findings);
    for at in 0..findings.slots.pairs().len() {
        let pair = findings.slots.pairs()[at].clone();
        let seen = walk.step(&pair);
        findings.at(&Slot::Step(at)).seen = seen;
    }
    walk.prediction(a, b, findings);
}

/// What traces say that name no rows of each other.
const OTHER_SALTS: &str = "the traces were written under different salts: rows can't be named. A folder `.evenstep` above both \
                           gives trainings one salt";

/// Compares what came in alone, in place of what other traces said of it.
pub(crate) fn compare_inputs(a: &Side, b: &Side, findings: &mut Findings, workers: &Workers) {
    let (Some(of_a), Some(of_b)) = (&a.trace, &b.trace) else { return };
    findings.notes.retain(|note| note != OTHER_SALTS);
    *findings.at(&Slot::Input) = Finding::default();
    findings.unmatched = false;
    Walk::new(of_a, of_b, workers).input(a, b, findings);
}

/// What each column last came to, and of which rows.
type Latest<'a> = BTreeMap<ColumnName, (&'a Commitment, Root)>;

/// The traces, and what each column last came to.
struct Walk<'a> {
    a: &'a Trace,
    b: &'a Trace,
    workers: &'a Workers,
    latest_a: Latest<'a>,
    latest_b: Latest<'a>,
    /// Columns of which one run has the training form and the other has not.
    tainted: BTreeSet<ColumnName>,
}

impl<'a> Walk<'a> {
    fn new(a: &'a Trace, b: &'a Trace, workers: &'a Workers) -> Walk<'a> {
        let (latest_a, latest_b) = (BTreeMap::new(), BTreeMap::new());
        Walk { a, b, workers, latest_a, latest_b, tainted: BTreeSet::new() }
    }

    fn input(&mut self, a: &Side, b: &Side, findings: &mut Findings) {
        let stages = (self.a.stages().get(&Stage::Input), self.b.stages().get(&Stage::Input));
        let (Some(of_a), Some(of_b)) = stages else {
            none_read(stages, findings);
            return;
        };
        let origins_differ = self.a.head.origin != self.b.head.origin;
        let only_a = only_in(of_a, of_b);
        let only_b = only_in(of_b, of_a);
        // Without an id, a row's key comes from the names and types of all inputs.
        let keys_comparable = self.a.head.id == self.b.head.id
            && if self.a.head.id.is_empty() {
                only_a.is_empty() && only_b.is_empty() && same_kinds(of_a, of_b)
            } else {
                self.a.head.id.iter().all(|name| kind(of_a, name) == kind(of_b, name))
            };
        let same_rows = of_a.row_set == of_b.row_set && of_a.rows == of_b.rows;
        let finding = findings.at(&Slot::Input);
        finding.seen.state = State::Same;
        let mut pairs = Vec::new();
        if !origins_differ {
            pairs = renamed(of_a, of_b, keys_comparable && same_rows, &only_a, &only_b);
            if keys_comparable && same_rows {
                let rest = |names: &[&'a ColumnName]| -> Vec<&'a ColumnName> {
                    let is_paired =
                        |name: &ColumnName| pairs.iter().any(|pair| [pair.before, pair.after].contains(&name));
                    names.iter().filter(|name| !is_paired(name)).copied().collect()
                };
                let rest = (rest(&only_a), rest(&only_b));
                pairs.extend(renamed_and_changed((self.a, of_a), (self.b, of_b), &rest.0, &rest.1));
            }
        }
        for Renamed { before, after, differ } in &pairs {
            let text = match differ {
                None => format!("column `{before}` of A has the values of column `{after}` of B: it was renamed"),
                Some(Spread { differ, of }) => format!(
                    "column `{before}` of A has the values of column `{after}` of B, but in {differ} of {of} buckets of rows: \
                     it was renamed, and cells of it changed"
                ),
            };
            finding.causes.push(Cause::likely("renamed", text));
            finding.about.push((*before).clone());
        }
        if !origins_differ {
            let unnamed = only_a
                .iter()
                .filter(|name| !pairs.iter().any(|pair| pair.before == **name))
                .map(|name| (name, "A", self.b))
                .chain(
                    only_b
                        .iter()
                        .filter(|name| !pairs.iter().any(|pair| pair.after == **name))
                        .map(|name| (name, "B", self.a)),
                );
            for (name, side, other) in unnamed {
                // A column with another role is told with the roles.
                if other.stages().get(&Stage::Labels).is_some_and(|labels| labels.columns.contains_key(*name)) {
                    continue;
                }
                finding.causes.push(Cause::fact("column", format!("column `{name}` is read in {side} only")));
                finding.about.push((*name).clone());
            }
        }
        let common: Vec<&ColumnName> = of_a.columns.keys().filter(|name| of_b.columns.contains_key(*name)).collect();
        let values = |name: &&&ColumnName| of_a.columns[**name].values != of_b.columns[**name].values;
        let roots = |name: &&&ColumnName| of_a.columns[**name].root != of_b.columns[**name].root;
        let differing: Vec<&ColumnName> = if keys_comparable && same_rows {
            common.iter().filter(roots).copied().collect()
        } else if of_a.rows == of_b.rows {
            common.iter().filter(values).copied().collect()
        } else {
            Vec::new()
        };
        let circles = if keys_comparable && same_rows {
            exchanged((self.a, of_a), (self.b, of_b), &differing)
        } else {
            Vec::new()
        };
        for circle in &circles {
            let is_changed =
                followed(circle).any(|(before, after)| of_a.columns[before].root != of_b.columns[after].root);
            let text = exchange(circle, is_changed);
            let is_sure = !is_changed
                && circle.iter().all(|name| {
                    let spread = self.a.spread(&of_a.columns[*name], self.b, &of_b.columns[*name]);
                    spread.is_some_and(|spread| spread.of >= BUCKETS_LEAST && spread.differ == spread.of)
                });
            finding.causes.push(if is_sure {
                Cause::fact("exchanged", text)
            } else {
                Cause::likely("exchanged", text)
            });
            finding.about.extend(circle.iter().map(|name| (*name).clone()));
            finding.seen.state = State::Differs;
        }
        // Where it may be cells that changed, these are told as well.
        let circles: Vec<_> =
            circles.into_iter().filter(|circle| !may_be_cells((self.a, of_a), (self.b, of_b), circle)).collect();
        let differing: Vec<&ColumnName> =
            differing.into_iter().filter(|name| !circles.iter().flatten().any(|other| other == name)).collect();
        let rows_differ = !differing.is_empty() || (keys_comparable && !same_rows) || of_a.rows != of_b.rows;
        for name in &differing {
            // Of other rows buckets tell nothing.
            let comparable = keys_comparable && same_rows;
            let buckets = || self.a.differing_buckets(&of_a.columns[*name], self.b, &of_b.columns[*name]);
            finding.seen.add(name, comparable.then(buckets).flatten());
        }
        if !keys_comparable {
            findings.unmatched = of_a.rows > 0 || of_b.rows > 0;
            findings.at(&Slot::Input).seen.state = State::Unknown;
        }
        let labels = self.labels(same_rows && keys_comparable);
        for name in &labels {
            let [mine, theirs] = [self.a, self.b].map(|trace| &trace.stages()[&Stage::Labels].columns[*name]);
            let buckets = (same_rows && keys_comparable).then(|| self.a.differing_buckets(mine, self.b, theirs));
            findings.at(&Slot::Input).seen.add(name, buckets.flatten());
        }
        let renamed = pairs.iter().filter(|pair| pair.differ.is_some()).map(|pair| (pair.before, pair.after));
        let in_circles = circles.iter().flat_map(|circle| followed(circle));
        let in_circles = in_circles.filter(|(before, after)| of_a.columns[*before].root != of_b.columns[*after].root);
        // Of columns with another name in B, those whose cells changed as well.
        let changed_pairs: Vec<_> = renamed.chain(in_circles).collect();
        let renamed_differ = !changed_pairs.is_empty();
        for (before, after) in &changed_pairs {
            let buckets = self.a.differing_buckets(&of_a.columns[*before], self.b, &of_b.columns[*after]);
            findings.at(&Slot::Input).seen.add(before, buckets);
        }
        if rows_differ || renamed_differ || !labels.is_empty() {
            findings.at(&Slot::Input).seen.state = State::Differs;
            let mut changed = Changed::default();
            // By ids of two types, rows can still be told apart as they are written.
            let same_id = only_a.is_empty() && only_b.is_empty() && self.a.head.id == self.b.head.id;
            if (keys_comparable || same_id) && (rows_differ || renamed_differ) {
                let renamed = pairs.iter().map(|pair| (pair.after, pair.before));
                let next = circles.iter().flat_map(|circle| followed(circle)).map(|(before, after)| (after, before));
                let called = renamed.chain(next).map(|(after, before)| (after.clone(), before.clone())).collect();
                changed = self.reconciled_called(a, b, &Stage::Input, &called, findings);
            }
            let are_left_out = origins_differ && changed.is_left_out();
            if are_left_out {
                let text = format!("{}, so no part of the training: what else was read is the same", changed.summary());
                findings.notes.push(text);
                findings.at(&Slot::Input).seen.state = State::Unknown;
                changed = Changed::default();
            }
            // Of other rows no commitment tells whether a label differs, but a few of them hide none that does.
            let may_differ = !labels.is_empty() || !same_rows && !changed.many && self.have_labels();
            if keys_comparable && may_differ && changed.is_known() {
                let mut of_labels = self.reconciled(a, b, &Stage::Labels, findings);
                if !same_rows {
                    of_labels.input.retain(|row| row.change == Change::Changed);
                }
                changed.join(of_labels);
            }
            let differing: Vec<(&ColumnName, u64, u64)> = differing
                .iter()
                .map(|name| (*name, of_a.columns[*name].nulls, of_b.columns[*name].nulls))
                .chain(
                    changed_pairs
                        .iter()
                        .map(|(before, after)| (*before, of_a.columns[*before].nulls, of_b.columns[*after].nulls)),
                )
                .chain(labels.iter().map(|name| (*name, 0, 0)))
                .collect();
            let text = said_of_rows(&changed, of_a, of_b, &differing, findings.at(&Slot::Input).seen.spread(), a, b);
            let is_sure = !changed.unsure && !renamed_differ;
            let cause = if is_sure { Cause::fact("data", text) } else { Cause::likely("data", text) };
            // What is known of a renamed column alone is told with its name.
            let is_told = are_left_out || !rows_differ && labels.is_empty() && changed.input.is_empty();
            findings.at(&Slot::Input).causes.extend((!is_told).then_some(cause));
            findings.rows = changed;
        }
        for name in circles.into_iter().flatten() {
            let buckets = self.a.differing_buckets(&of_a.columns[name], self.b, &of_b.columns[name]);
            findings.at(&Slot::Input).seen.add(name, buckets);
        }
        if !keys_comparable {
            findings.notes.push(self.told_apart(of_a, of_b, !findings.rows.input.is_empty()));
        }
        remember(&mut self.latest_a, of_a);
        remember(&mut self.latest_b, of_b);
    }

    /// What rows of both sides, which have no keys in common, are told apart by, and what is compared all the same.
    fn told_apart(&self, of_a: &Commitments, of_b: &Commitments, are_named: bool) -> String {
        let by = |trace: &Trace, stage: &Commitments| match trace.head.id.as_slice() {
            id if !id.is_empty() && id.iter().all(|name| stage.columns.contains_key(name)) => {
                format!("by {}", id.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and "))
            }
            _ => "by all of their columns".to_owned(),
        };
        let what = match are_named {
            true => "they are compared as they are written, and only where they come in",
            false => "the values of each column are compared as a whole, not the rows",
        };
        format!("rows are told apart {} in A and {} in B: {what}", by(self.a, of_a), by(self.b, of_b))
    }

    fn have_labels(&self) -> bool {
        [self.a, self.b].iter().all(|trace| trace.stages().contains_key(&Stage::Labels))
    }

    /// The labels that differ, if rows are the same; or if their values do.
    fn labels(&self, same_rows: bool) -> Vec<&'a ColumnName> {
        let (Some(a), Some(b)) = (self.a.stages().get(&Stage::Labels), self.b.stages().get(&Stage::Labels)) else {
            return Vec::new();
        };
        let differs = |name: &ColumnName, mine: &Commitment| {
            let Some(theirs) = b.columns.get(name) else { return false };
            if same_rows { mine.root != theirs.root } else { a.rows == b.rows && mine.values != theirs.values }
        };
        a.columns.iter().filter(|(name, mine)| differs(name, mine)).map(|(name, _)| name).collect()
    }

    fn split(&mut self, findings: &mut Findings) {
        let (Some(a), Some(b)) = (self.a.stages().get(&Stage::Split), self.b.stages().get(&Stage::Split)) else {
            return;
        };
        let seen = &mut findings.at(&Slot::Split).seen;
        if a.row_set != b.row_set {
            return;
        }
        let differs =
            a.columns.iter().any(|(name, column)| b.columns.get(name).map(|other| other.root) != Some(column.root));
        seen.state = if differs { State::Differs } else { State::Same };
        let buckets = self.a.differing_buckets_of_step(a, self.b, b);
        a.columns.keys().filter(|_| differs).for_each(|name| seen.add(name, buckets.clone()));
    }

    fn step(&mut self, pair: &Pair) -> Seen {
        let mut seen = Seen::default();
        for form in [Form::Training, Form::Applied] {
            let find = |trace: &'a Trace, step: &Option<StepOf>| -> Option<&'a Commitments> {
                let step = step.as_ref()?;
                trace.stages().get(&Stage::step(step.number, &step.name, form))
            };
            let (a, b) = (find(self.a, &pair.a), find(self.b, &pair.b));
            if form == Form::Training && self.a.head.origin != self.b.head.origin {
                let names = a.into_iter().chain(b).flat_map(|stage| stage.columns.keys().cloned());
                self.tainted.extend(names);
            }
            if pair.a.is_some() && pair.b.is_some() {
                self.stage(a, b, &mut seen);
            } else {
                seen.state = State::Differs;
                let gives_others = |stage: &'a Commitments, latest: &Latest<'a>| {
                    let before = |name: &ColumnName| latest_of(latest, name, stage);
                    let differs = |(name, column): &(&ColumnName, &Commitment)| {
                        before(name).is_none_or(|before| !are_alike(column, before))
                    };
                    stage.columns.iter().filter(differs).map(|(name, _)| name.clone()).collect::<Vec<_>>()
                };
                seen.columns.extend(a.into_iter().flat_map(|stage| gives_others(stage, &self.latest_b)));
                seen.columns.extend(b.into_iter().flat_map(|stage| gives_others(stage, &self.latest_a)));
            }
            a.into_iter().for_each(|stage| remember(&mut self.latest_a, stage));
            b.into_iter().for_each(|stage| remember(&mut self.latest_b, stage));
        }
        if self.reads_tainted(pair) {
            let written = seen.columns.drain(..).collect::<Vec<_>>();
            self.tainted.extend(written);
            seen = Seen::default();
        }
        seen.columns.sort_unstable();
        seen.columns.dedup();
        seen
    }

    /// Whether the step writes or reads a column that was made of a training form on one side only.
    fn reads_tainted(&self, pair: &Pair) -> bool {
        let Some(record) = &pair.step().record else {
            return !self.tainted.is_empty();
        };
        let reads = record.get("reads").and_then(Value::as_array).into_iter().flatten();
        reads.filter_map(Value::as_str).any(|name| self.tainted.iter().any(|tainted| tainted.as_str() == name))
    }

    fn stage(&self, a: Option<&'a Commitments>, b: Option<&'a Commitments>, seen: &mut Seen) {
        let (Some(a), Some(b)) = (a, b) else { return };
        if a.row_set != b.row_set || a.rows != b.rows {
            return;
        }
        if seen.state == State::Unknown {
            seen.state = State::Same;
        }
        let names: BTreeSet<&ColumnName> = a.columns.keys().chain(b.columns.keys()).collect();
        let buckets = self.a.differing_buckets_of_step(a, self.b, b);
        for name in names {
            let last = |stage: &'a Commitments, latest: &Latest<'a>| {
                stage.columns.get(name).or_else(|| latest_of(latest, name, stage))
            };
            let (mine, theirs) = (last(a, &self.latest_a), last(b, &self.latest_b));
            // What one side alone wrote is another set of columns, unless the other has the same of these rows.
            let same = mine.zip(theirs).is_some_and(|(a, b)| are_alike(a, b));
            if !same {
                seen.state = State::Differs;
                let of_columns = || self.a.differing_buckets(mine?, self.b, theirs?);
                seen.add(name, buckets.clone().or_else(of_columns));
            }
        }
    }

    fn prediction(&mut self, a: &Side, b: &Side, findings: &mut Findings) {
        let (Some(of_a), Some(of_b)) =
            (self.a.stages().get(&Stage::Prediction), self.b.stages().get(&Stage::Prediction))
        else {
            return;
        };
        if findings.unmatched {
            return;
        }
        if of_a.row_set != of_b.row_set || of_a.rows != of_b.rows {
            self.prediction_of_both(a, b, (of_a, of_b), findings);
            return;
        }
        let mut seen = Seen::default();
        self.stage(Some(of_a), Some(of_b), &mut seen);
        if seen.state == State::Differs {
            let output = self.reconciled(a, b, &Stage::Prediction, findings);
            findings.rows.output = output.input;
        }
        findings.at(&Slot::Prediction).seen = seen;
    }

    /// Where one side has other rows: the predictions of those that both have, as far as few differ.
    fn prediction_of_both(&self, a: &Side, b: &Side, of: (&Commitments, &Commitments), findings: &mut Findings) {
        let told = |stage: &Commitments, trace: &Trace| {
            let which = if trace.head.origin == Origin::Train { "held-out " } else { "" };
            format!("{} of {}", counted(stage.rows, &format!("{which}row")), trace.head.origin.word())
        };
        let rows = format!("{} in A, {} in B", told(of.0, self.a), told(of.1, self.b));
        let mut found = self.reconciled(a, b, &Stage::Prediction, findings);
        let only_in_a = found.input.iter().filter(|row| row.change == Change::Removed).count() as u64;
        if found.many || found.unnamed || only_in_a == of.0.rows {
            findings.notes.push(format!("predictions are not compared, as they are of other rows: {rows}"));
            findings.uncompared = true;
            return;
        }
        found.input.retain(|row| row.change == Change::Changed);
        if found.input.is_empty() {
            findings.notes.push(format!("the rows that both have are predicted alike: {rows}"));
            return;
        }
        findings.notes.push(format!("predictions of the rows that both have differ: {}; {rows}", found.summary()));
        findings.at(&Slot::Prediction).seen.state = State::Differs;
        findings.rows.output = found.input;
    }

    /// The elements by which two stages differ: as their sketches recover them, or else the data, if these are at hand.
    fn elements_apart(
        &self,
        (a, mine): (&Side, &Sketch),
        (b, theirs): (&Side, &Sketch),
        stage: &Stage,
        view: &View,
        findings: &mut Findings,
    ) -> Result<[Vec<Element>; 2], Box<Changed>> {
        let unnamed = || Box::new(Changed { unnamed: true, ..Changed::default() });
        let many = || Box::new(Changed { many: true, ..Changed::default() });
        let mut or = |unknown: Box<Changed>, why: String| {
            findings.note(why);
            unknown
        };
        if !view.lone.is_empty() {
            let found = reconcile_viewed((a, mine), (b, theirs), stage, view, self.workers);
            return found.map_err(|why| or(unnamed(), why));
        }
        let reconciled = match view.called.is_empty() {
            true => mine.reconcile(theirs),
            false => {
                let called = called_as(b, theirs, stage, view, self.workers).map_err(|why| or(unnamed(), why))?;
                mine.reconcile(&called)
            }
        };
        match reconciled {
            Reconciled::All { first, second } => Ok([first, second]),
            Reconciled::Many if *stage == Stage::Prediction || !view.called.is_empty() => Err(many()),
            Reconciled::Many => {
                let found = reconcile_data((a, mine), (b, theirs), stage, self.workers);
                found.map_err(|why| or(many(), why))
            }
        }
    }

    /// The rows by which two stages differ.
    fn reconciled(&self, a: &Side, b: &Side, stage: &Stage, findings: &mut Findings) -> Changed {
        self.reconciled_called(a, b, stage, &Names::new(), findings)
    }

    /// The same where columns have other names in B.
    fn reconciled_called(&self, a: &Side, b: &Side, stage: &Stage, called: &Names, findings: &mut Findings) -> Changed {
        let salt = a.salt.as_ref().filter(|salt| self.a.is_salted_with(salt)).or(b.salt.as_ref());
        let sketches = salt.and_then(|salt| self.a.sketch(stage, salt).zip(self.b.sketch(stage, salt)));
        let Some((mine, theirs)) = sketches else { return Changed { unnamed: true, ..Changed::default() } };
        let stages = self.a.stages().get(stage).zip(self.b.stages().get(stage));
        let is_output = *stage == Stage::Prediction;
        let lone = stages.filter(|_| !is_output).map(|(of_a, of_b)| lone(of_a, of_b, called)).unwrap_or_default();
        let mut view = View { called: called.clone(), lone, ..View::default() };
        let [first, second] = match self.elements_apart((a, &mine), (b, &theirs), stage, &view, findings) {
            Ok(found) => found,
            Err(unknown) => return *unknown,
        };
        let retyped = stages.map(|(of_a, of_b)| retyped(of_a, of_b)).unwrap_or_default();
        let written = match retyped.is_empty() || is_output || !called.is_empty() {
            true => None,
            false => {
                let as_text = View { as_text: retyped.clone(), ..view.clone() };
                let written = reconcile_viewed((a, &mine), (b, &theirs), stage, &as_text, self.workers);
                written.map_err(|why| findings.note(why)).ok()
            }
        };
        let id = &self.a.head.id;
        // Every row is another by its type, which says of no cell that it changed.
        let are_all_others = written.is_none() && !retyped.is_empty() && !is_output && called.is_empty();
        if are_all_others && retyped.iter().any(|name| id.is_empty() || id.contains(name)) {
            return Changed { unnamed: true, ..Changed::default() };
        }
        let [first, second] = if are_all_others { lone_rows(&first, &second) } else { [first, second] };
        let read_elsewise = first.len();
        let [first, second] = match &written {
            // Values that are the same by either type are so however they are written.
            Some(written) if !id.is_empty() => {
                let differing: BTreeSet<RowName> = first.iter().chain(&second).map(|element| element.name).collect();
                let of = |all: &[Element]| all.iter().filter(|row| differing.contains(&row.name)).copied().collect();
                written.each_ref().map(|all| of(all))
            }
            Some(written) => written.clone(),
            None => [first, second],
        };
        let personal = personal(a, b);
        let shown = !id.iter().chain(&self.b.head.id).any(|name| personal.contains(name));
        let mut changed = Changed::of(stage, &first, &second, shown.then_some(id.as_slice()));
        changed.others_are_read_elsewise = first.len() < read_elsewise;
        changed.unnamed = are_all_others;
        view.as_text = if written.is_some() { retyped } else { BTreeSet::new() };
        changed.view = view;
        // Only a training refuses an id that repeats.
        changed.may_repeat = id.is_empty() || [self.a, self.b].iter().any(|trace| trace.head.origin != Origin::Train);
        if *stage == Stage::Input {
            changed.look_for_left_out((a, &mine), (b, &theirs), stage, self.workers);
        }
        changed.keep_first();
        changed
    }
}

/// The rows whose name the other side doesn't have.
fn lone_rows(first: &[Element], second: &[Element]) -> [Vec<Element>; 2] {
    let names = |rows: &[Element]| rows.iter().map(|row| row.name).collect::<BTreeSet<RowName>>();
    let (of_first, of_second) = (names(first), names(second));
    let lone = |rows: &[Element], others: &BTreeSet<RowName>| {
        rows.iter().filter(|row| !others.contains(&row.name)).copied().collect()
    };
    [lone(first, &of_second), lone(second, &of_first)]
}

fn remember<'a>(latest: &mut Latest<'a>, stage: &'a Commitments) {
    latest.extend(stage.columns.iter().map(|(name, column)| (name.clone(), (column, stage.row_set))));
}

/// What a column last came to, if it was of the rows of the stage.
fn latest_of<'a>(latest: &Latest<'a>, name: &ColumnName, stage: &Commitments) -> Option<&'a Commitment> {
    latest.get(name).filter(|(_, rows)| *rows == stage.row_set).map(|(column, _)| *column)
}

/// Whether two columns of the same rows have the same cells.
fn are_alike(a: &Commitment, b: &Commitment) -> bool {
    a.root == b.root && a.kind == b.kind
}

/// Says which side has read no row.
fn none_read(stages: (Option<&Commitments>, Option<&Commitments>), findings: &mut Findings) {
    let told = |stage: Option<&Commitments>| stage.map_or("no row".to_owned(), |stage| counted(stage.rows, "row"));
    let (a, b) = stages;
    if a.is_none() && b.is_none() {
        findings.notes.push("neither trace is of any row".to_owned());
        return;
    }
    let finding = findings.at(&Slot::Input);
    finding.seen.state = State::Differs;
    finding.causes.push(Cause::fact("data", format!("the data differ: {} in A, {} in B", told(a), told(b))));
}

/// The columns that one stage has and the other has not.
fn only_in<'a>(stage: &'a Commitments, other: &Commitments) -> Vec<&'a ColumnName> {
    stage.columns.keys().filter(|name| !other.columns.contains_key(*name)).collect()
}

/// The columns that one of two stages has and the other has not, whatever B calls those of A.
fn lone(a: &Commitments, b: &Commitments, called: &Names) -> BTreeSet<ColumnName> {
    let is_paired = |name: &&&ColumnName| called.keys().chain(called.values()).any(|other| other == **name);
    let all = only_in(a, b).into_iter().chain(only_in(b, a)).collect::<Vec<_>>();
    all.iter().filter(|name| !is_paired(name)).map(|name| (*name).clone()).collect()
}

fn kind(stage: &Commitments, name: &ColumnName) -> Option<evenstep_table::Kind> {
    stage.columns.get(name).map(|column| column.kind)
}

/// The columns that two stages have by two types.
fn retyped(a: &Commitments, b: &Commitments) -> BTreeSet<ColumnName> {
    let is_retyped = |(name, column): &(&ColumnName, &Commitment)| {
        b.columns.get(*name).is_some_and(|other| other.kind.word() != column.kind.word())
    };
    a.columns.iter().filter(is_retyped).map(|(name, _)| name.clone()).collect()
}

fn same_kinds(a: &Commitments, b: &Commitments) -> bool {
    a.columns.iter().all(|(name, column)| b.columns.get(name).is_none_or(|other| other.kind == column.kind))
}

/// How it is told that the data differ.
pub(crate) const DATA_DIFFER: &str = "the data differ";

/// What is said of rows that differ at the input.
fn said_of_rows(
    changed: &Changed,
    of_a: &Commitments,
    of_b: &Commitments,
    columns: &[(&ColumnName, u64, u64)],
    spread: Option<Spread>,
    a: &Side,
    b: &Side,
) -> String {
    let retyped = |name: &ColumnName| {
        let kinds = (kind(of_a, name)?.word(), kind(of_b, name)?.word());
        (kinds.0 != kinds.1).then(|| format!(", read as {} in A and as {} in B", kinds.0, kinds.1))
    };
    let in_columns = match columns {
        [] => String::new(),
        [(one, ..)] => format!(" in column `{one}`{}", retyped(one).unwrap_or_default()),
        [(first, ..), ..] => format!(" in {}, the first of them `{first}`", counted(columns.len(), "column")),
    };
    let counts = if of_a.rows == of_b.rows {
        String::new()
    } else {
        format!(" ({} in A, {} in B)", counted(of_a.rows, "row"), of_b.rows)
    };
    let nulls: Vec<String> = columns
        .iter()
        .filter(|(_, mine, theirs)| mine != theirs)
        .map(|(name, mine, theirs)| format!("`{name}` has {mine} missing cells in A and {theirs} in B"))
        .take(3)
        .collect();
    let nulls = if nulls.is_empty() { String::new() } else { format!("; {}", nulls.join(", ")) };
    if !changed.input.is_empty() {
        let others = if changed.others_are_read_elsewise { ", others are only read elsewise" } else { "" };
        return format!("{DATA_DIFFER}{in_columns}: {}{others}{counts}{nulls}", changed.summary());
    }
    let about = spread.filter(|spread| spread.differ < spread.of && spread.of >= 16);
    let about = about.map_or(String::new(), |Spread { differ, of }| format!(", in {differ} of {of} buckets of rows"));
    let which = match (changed.many, a.salt.is_some() || b.salt.is_some()) {
        (true, _) => "; more rows than a trace can name",
        (false, false) => "; without the project's salt rows can't be named",
        (false, true) => "",
    };
    format!("{DATA_DIFFER}{in_columns}{about}{counts}{nulls}{which}")
}
