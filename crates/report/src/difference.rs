//! The page that shows where two runs part.

use askama::Template;

use crate::markup::{Markup, prose};

/// What the page shows: plain data. In sentences, what stands between backticks is set as a name.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Difference {
    /// What A is called.
    pub a: String,
    /// What B is called.
    pub b: String,
    /// Where they part, as a sentence; empty if they don't.
    pub parting: String,
    /// Why, the first in the flow first.
    pub causes: Vec<DifferenceCause>,
    /// The pipeline, from the source to the prediction.
    pub stages: Vec<DifferenceStage>,
    /// The rows that differ: what became of it, its id, the column, A's cell, B's cell.
    pub rows: Vec<[String; 5]>,
    /// What is said of the rows that are not listed.
    pub rows_note: String,
    /// Remarks, a sentence each.
    pub notes: Vec<String>,
}

/// One cause.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct DifferenceCause {
    /// A word for it.
    pub kind: String,
    /// Whether it is concluded, not read off both sides.
    pub likely: bool,
    /// A sentence.
    pub text: String,
}

/// One stage of the pipeline.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct DifferenceStage {
    /// Its name.
    pub title: String,
    /// How it compares.
    pub state: DifferenceState,
    /// The columns that differ, and how far.
    pub summary: String,
    /// Whether this is where the runs part.
    pub parts: bool,
}

/// How a stage compares.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DifferenceState {
    /// Nothing differs.
    Same,
    /// Something does.
    Differs,
    /// It can't be told.
    #[default]
    Unknown,
}

impl DifferenceState {
    fn word(self) -> &'static str {
        match self {
            DifferenceState::Same => "same",
            DifferenceState::Differs => "differs",
            DifferenceState::Unknown => "not compared",
        }
    }

    fn class(self) -> &'static str {
        match self {
            DifferenceState::Same => "same",
            DifferenceState::Differs => "differs",
            DifferenceState::Unknown => "unknown",
        }
    }
}

#[derive(Template)]
#[template(path = "difference.html", whitespace = "minimize")]
struct View<'a> {
    page: &'a Difference,
    parting: Markup,
    causes: Vec<(&'a DifferenceCause, Markup)>,
    stages: Vec<(&'a DifferenceStage, Markup)>,
    rows_note: Markup,
    notes: Vec<Markup>,
}

/// The page as one HTML file, the same bytes for the same difference.
pub fn difference_html(page: &Difference) -> String {
    let view = View {
        page,
        parting: prose(&page.parting),
        causes: page.causes.iter().map(|cause| (cause, prose(&cause.text))).collect(),
        stages: page.stages.iter().map(|stage| (stage, prose(&stage.summary))).collect(),
        rows_note: prose(&page.rows_note),
        notes: page.notes.iter().map(|note| prose(note)).collect(),
    };
    view.render().unwrap_or_else(|error| unreachable!("a string takes all that is written: {error}"))
}
