//! Where two runs part: the first stage, column and rows that differ, and why.
//!
//! What is known of a run is its document (the lock), its artifact and its trace, as far as they are at hand.
//! They are compared in the order in which data flow. What is read off both sides is said as a fact; what
//! is concluded from it is called likely.

mod align;
mod at_hand;
mod code;
mod commitments;
mod document;
mod files;
mod hidden;
mod learned;
mod reconcile;
mod reread;
mod rows;
mod twins;
mod values;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;

use evenstep_exact::canonical::Digest;
use evenstep_exact::reduce::Workers;
use evenstep_table::ColumnName;
use serde::Serialize;
use serde_json::Value;

use crate::Artifact;
use crate::trace::{Origin, Salt, Trace};

pub use reread::UNREAD;
pub use rows::{Cells, Change, RowChange};
pub use words::visible;

use align::{Slot, Slots};

/// What is known of one run.
#[derive(Default)]
pub struct Side {
    /// What the person called it.
    pub name: String,
    /// The digest of the artifact that it made or applied.
    pub digest: Option<String>,
    /// What the lock says.
    pub document: Option<Value>,
    /// What the lock says of the run itself.
    pub facts: BTreeMap<String, Value>,
    /// The artifact.
    pub artifact: Option<Artifact>,
    /// The members of the bundle that the artifact is from, each with its digest.
    pub members: BTreeMap<String, Digest>,
    /// What its stages committed to.
    pub trace: Option<Trace>,
    /// What opens the trace's sketches.
    pub salt: Option<Salt>,
    /// Where its rows may still be read.
    pub data: Option<Data>,
    /// The spec as its file says it now, with every default written out, if a spec was named.
    pub spec: Option<Value>,
    /// Sentences on files of the run that can't be read.
    pub damaged: Vec<String>,
    /// Sentences on files beside it that are of other runs.
    pub foreign: Vec<String>,
}

/// A source, and the folder that it is relative to.
#[derive(Clone, Debug)]
pub struct Data {
    /// A path or a pattern of paths.
    pub source: String,
    /// Where a relative path starts.
    pub base: PathBuf,
}

/// What the comparison came to.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// Whether nothing differs, as far as both sides tell; false if no row of one can be matched with one of the other.
    pub equal: bool,
    /// Whether one side tells of rows, or of predictions, that the other has none of to be compared with.
    pub open: bool,
    /// Where the runs part.
    pub first: Option<Place>,
    /// Why, the first in the flow of the data first.
    pub causes: Vec<Cause>,
    /// Stage by stage.
    pub stages: Vec<StageLine>,
    /// What could not be compared, and what doesn't matter.
    pub notes: Vec<String>,
}

/// Where two runs part.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// The stage.
    pub stage: String,
    /// The column, if one can be named.
    pub column: Option<ColumnName>,
    /// The rows, as far as they can be named.
    pub rows: Vec<RowChange>,
    /// Whether there are more rows than can be named, or than are told.
    pub many: bool,
}

/// Why two runs differ.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Cause {
    /// A word for programs.
    pub kind: &'static str,
    /// Whether it is concluded, not read off both sides.
    pub likely: bool,
    /// A sentence for people.
    pub text: String,
    /// What was set in A, whole, where it is a setting that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<Value>,
    /// What was set in B.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<Value>,
    /// Of what was learned elsewise: the rows that differ and are learned from, by their ids or keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Value>,
}

/// How a stage compares.
#[derive(Clone, Debug, Serialize)]
pub struct StageLine {
    /// Its name.
    pub stage: String,
    /// The comparison's result.
    pub state: State,
    /// The columns that differ.
    pub columns: Vec<ColumnName>,
    /// In how much of the rows any of them differs, as far as buckets tell: so many of so many.
    pub buckets: Option<(usize, usize)>,
}

/// How a stage, or a column, compares.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing differs.
    Same,
    /// Something does.
    Differs,
    /// Not known of one side at least, or of other rows.
    #[default]
    Unknown,
}

impl Cause {
    fn fact(kind: &'static str, text: impl Into<String>) -> Cause {
        Cause { kind, likely: false, text: text.into(), a: None, b: None, rows: Vec::new() }
    }

    /// A setting of that name, which differs.
    fn setting(kind: &'static str, what: &str, a: Option<&Value>, b: Option<&Value>) -> Cause {
        Cause { a: a.cloned(), b: b.cloned(), ..Cause::fact(kind, words::differs(what, a, b)) }
    }

    fn likely(kind: &'static str, text: impl Into<String>) -> Cause {
        Cause { likely: true, ..Cause::fact(kind, text) }
    }
}

/// What was found at one stage.
#[derive(Default)]
struct Finding {
    causes: Vec<Cause>,
    /// The columns that causes are about.
    about: Vec<ColumnName>,
    /// What the traces say.
    seen: commitments::Seen,
    /// What was learned elsewise; it is told after all causes.
    learned: Vec<Cause>,
}

impl Finding {
    fn differs(&self) -> bool {
        !self.causes.is_empty() || self.seen.state == State::Differs || !self.learned.is_empty()
    }

    fn state(&self) -> State {
        if self.differs() { State::Differs } else { self.seen.state }
    }
}

/// All that was found, stage by stage.
pub(crate) struct Findings {
    slots: Slots,
    found: Vec<Finding>,
    notes: Vec<String>,
    rows: rows::Changed,
    /// Which rows of A are which of B isn't known.
    unmatched: bool,
    /// Both traces have predictions, of rows that nobody compared.
    uncompared: bool,
}

impl Findings {
    fn at(&mut self, slot: &Slot) -> &mut Finding {
        let at = self.slots.position(slot);
        &mut self.found[at]
    }

    /// Notes something down, once.
    fn note(&mut self, text: String) {
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    fn first(&self) -> Option<usize> {
        self.found.iter().position(Finding::differs)
    }
}

/// Compares two runs.
pub fn diff(a: &Side, b: &Side, workers: &Workers) -> Difference {
    let slots = Slots::of(a, b);
    let found = slots.iter().map(|_| Finding::default()).collect();
    let mut findings = Findings {
        slots,
        found,
        notes: Vec::new(),
        rows: rows::Changed::default(),
        unmatched: false,
        uncompared: false,
    };
    commitments::compare(a, b, &mut findings, workers);
    let at_hand = at_hand::traced(a, b, &mut findings.notes, workers);
    if let Some([a, b]) = &at_hand {
        commitments::compare_inputs(a, b, &mut findings, workers);
    }
    document::compare(a, b, &mut findings);
    files::compare(a, b, &mut findings);
    let [of_a, of_b] = at_hand.as_ref().map_or([a, b], |[a, b]| [a, b]);
    values::read(of_a, of_b, &mut findings, workers);
    learned::explain(a, b, &mut findings);
    code::conclude(a, b, &mut findings);
    told(a, b, at_hand.is_some(), findings)
}

fn told(a: &Side, b: &Side, are_read_again: bool, findings: Findings) -> Difference {
    let first = findings.first();
    let digests_differ = a.digest.is_some() && b.digest.is_some() && a.digest != b.digest;
    let equal = first.is_none() && !digests_differ && !findings.unmatched;
    let Findings { slots, found, mut notes, rows, unmatched, uncompared } = findings;
    let title = |at: usize| slots.title(at);
    let place = first.map(|at| {
        let finding = &found[at];
        let of_rows = if at == slots.position(&Slot::Input) { rows.input() } else { rows.at_output(&slots, at) };
        let seen = &finding.seen.columns;
        // The stage's own line says no other.
        let of_cells = of_rows.column.filter(|column| seen.is_empty() || seen.contains(column));
        // Which column rows of one side alone differ in, no cause says.
        let of_cause = || finding.about.first().filter(|_| of_rows.rows.is_empty()).cloned();
        let column = of_cells.or_else(|| finding.seen.column()).or_else(of_cause);
        let column = column.and_then(|column| ColumnName::new(&hidden::called(a, b, column.as_str())));
        Place { stage: title(at), column, rows: of_rows.rows, many: of_rows.many }
    });
    let stages = found.iter().enumerate().filter(|(at, finding)| !slots.is_hidden(*at) || finding.differs());
    let stages = stages.map(|(at, finding)| StageLine {
        stage: title(at),
        state: finding.state(),
        columns: hidden::all_called(
            a,
            b,
            if finding.seen.columns.is_empty() { &finding.about } else { &finding.seen.columns },
        ),
        buckets: finding.seen.spread().map(|spread| (spread.differ, spread.of)),
    });
    let stages = stages.collect();
    let (mut causes, mut learned) = (Vec::new(), Vec::new());
    for finding in found {
        causes.extend(finding.causes);
        learned.extend(finding.learned);
    }
    causes.extend(learned);
    let mut kept: Vec<Cause> = Vec::new();
    for cause in causes {
        if !kept.contains(&cause) {
            kept.push(cause);
        }
    }
    if let Some((mine, theirs)) = a.digest.as_ref().zip(b.digest.as_ref())
        && digests_differ
        && (a.document.is_none() || b.document.is_none())
    {
        kept.retain(|cause| cause.kind != "unknown");
        kept.push(Cause::fact(
            "artifact",
            format!(
                "the artifact is `{mine}` in A and `{theirs}` in B; a lock or a bundle beside each tells what differs"
            ),
        ));
    }
    if !equal && kept.is_empty() && unmatched {
        let text = "which row of A is which of B isn't known, so neither are their cells and predictions compared";
        kept.push(Cause::fact("unmatched", text));
    }
    if !equal && kept.is_empty() {
        let what = if digests_differ { "the digests differ" } else { "what was read differs" };
        kept.push(Cause::likely("unknown", format!("{what}, and nothing that is at hand of both sides says why")));
    }
    if a.trace.is_none() || b.trace.is_none() {
        let without: Vec<&str> =
            [a, b].into_iter().filter(|side| side.trace.is_none()).map(|side| side.name.as_str()).collect();
        let which = if are_read_again { "at stages after the input" } else { "at each stage" };
        notes.push(format!("no trace of {}: rows and values {which} are not compared", without.join(" and of ")));
    }
    // Two trainings of one digest had the same data, whatever traces tell.
    let tells_of_rows = |side: &Side| side.trace.as_ref().is_some_and(|trace| trace.head.origin != Origin::Train);
    let has_no_trace = |side: &Side| side.trace.is_none();
    let open = tells_of_rows(a) && has_no_trace(b) || tells_of_rows(b) && has_no_trace(a) || uncompared;
    Difference { equal, open, first: place, causes: kept, stages, notes }
}
