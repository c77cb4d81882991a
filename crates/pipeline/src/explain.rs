//! Explanations of many rows: what each feature adds to each score, chunk by chunk as in batch scoring.

use evenstep_exact::reduce::{Partial, Workers};
use evenstep_exact::sum::ExactSum;
use evenstep_model::{Contributions, Predictions};
use evenstep_source::Source;
use evenstep_source::write::FLAGS;
use evenstep_table::{Batch, Coded, Column, ColumnName, Kind, Task};

use crate::score::{Answers, Scored, after_ids, answer_all, header_of_ids, told};
use crate::{PipelineError, Predictor, Progress};

/// What was explained.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Explained {
    /// The rows.
    #[serde(flatten)]
    pub scored: Scored,
    /// The score of which nothing is known; of several classes, one each.
    pub base: Vec<f64>,
    /// The features, those that add most first.
    pub importance: Vec<MeanContribution>,
}

/// How much a feature adds, or takes away.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct MeanContribution {
    /// The feature.
    pub feature: ColumnName,
    /// The mean of its contributions without their signs, over rows and classes; null without rows.
    pub mean_absolute: Option<f64>,
}

/// How explanations are written: a column a feature, or so many features a row, those that add most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// All of them if it is none.
    pub top: Option<usize>,
}

impl Shape {
    /// The columns: what tells rows apart, what is predicted, the base, and what features add to it.
    /// Several classes have a line each, since each has a score of its own.
    pub fn header(self, predictor: &Predictor, source: &Source) -> Vec<(ColumnName, Kind)> {
        let column = |name: &str, kind: Kind| (ColumnName::new(name).expect("a name"), kind);
        let mut header = Vec::new();
        match &predictor.task {
            Task::Regression | Task::Ranking => header.push(column("prediction", Kind::Number)),
            Task::Binary { classes } => {
                header.push(column("prediction", Kind::Category));
                header.extend(classes.iter().map(|class| column(&format!("probability_{class}"), Kind::Number)));
            }
            Task::Multiclass { .. } => header.extend([
                column("prediction", Kind::Category),
                column("class", Kind::Category),
                column("probability", Kind::Number),
            ]),
        }
        header.push(column("base", Kind::Number));
        match self.top {
            None => {
                let features = predictor.features.keys();
                header.extend(features.map(|feature| column(&format!("contribution_{feature}"), Kind::Number)));
            }
            Some(top) => {
                for place in 1..=top.min(predictor.features.len()) {
                    header.push(column(&format!("feature_{place}"), Kind::Category));
                    header.push(column(&format!("contribution_{place}"), Kind::Number));
                }
                header.push(column("rest", Kind::Number));
            }
        }
        after_ids(header_of_ids(predictor, source), header, FLAGS)
    }

    /// Contributions as columns, a line for each score of each row.
    fn columns(self, features: &[&ColumnName], contributions: &Contributions) -> Vec<Column> {
        let lines = || (0..contributions.lines()).map(|line| contributions.line(line));
        let Some(top) = self.top else {
            return (0..features.len())
                .map(|feature| Column::Number(lines().map(|line| line[feature]).collect()))
                .collect();
        };
        let top = top.min(features.len());
        let ranked: Vec<Vec<usize>> = lines().map(ranked).collect();
        let mut columns = Vec::new();
        for place in 0..top {
            let at = || ranked.iter().map(|ranked| ranked[place]);
            let named = at().zip(lines()).map(|(at, line)| (!line[at].is_nan()).then(|| features[at].as_str()));
            columns.push(Column::Category(Coded::from_strings(named)));
            columns.push(Column::Number(at().zip(lines()).map(|(at, line)| line[at]).collect()));
        }
        let rest = ranked.iter().zip(lines()).map(|(ranked, line)| {
            let mut rest = ranked[top..].to_vec();
            rest.sort_unstable();
            rest.iter().fold(0.0, |sum, at| sum + line[*at])
        });
        columns.push(Column::Number(rest.collect()));
        columns
    }
}

/// The features of a line, those that add or take most first; of equals in canonical order.
fn ranked(line: &[f64]) -> Vec<usize> {
    let size = |at: usize| if line[at].is_nan() { -1.0 } else { line[at].abs() };
    let mut order: Vec<usize> = (0..line.len()).collect();
    order.sort_by(|a, b| size(*b).total_cmp(&size(*a)));
    order
}

/// The sums of the contributions of each feature without their signs.
#[derive(Default)]
struct Sums {
    features: Vec<ExactSum>,
    lines: u64,
}

impl Sums {
    fn of(contributions: &Contributions, unanswered: usize) -> Sums {
        let (features, values) = (contributions.features, &contributions.values);
        let lines = contributions.lines();
        let sum = |feature: usize| {
            let mut sum = ExactSum::default();
            // What is null adds nothing.
            sum.add_terms(lines, |line| {
                let x = values[line * features + feature].abs();
                if x.is_finite() { x } else { 0.0 }
            });
            sum
        };
        Sums { features: (0..features).map(sum).collect(), lines: (lines - unanswered * contributions.width) as u64 }
    }

    fn merge(&mut self, other: Sums) {
        self.features.merge(other.features);
        self.lines += other.lines;
    }

    fn means(&self, features: &[&ColumnName]) -> Vec<MeanContribution> {
        let mut lines = ExactSum::default();
        lines.add(self.lines as f64);
        let mean = |at: usize| self.features.get(at).and_then(|sum| sum.divided_by(&lines));
        let of = |(at, feature): (usize, &&ColumnName)| MeanContribution {
            feature: (*feature).clone(),
            mean_absolute: mean(at),
        };
        let mut means: Vec<MeanContribution> = features.iter().enumerate().map(of).collect();
        means.sort_by(|a, b| b.mean_absolute.unwrap_or(0.0).total_cmp(&a.mean_absolute.unwrap_or(0.0)));
        means
    }
}

/// Explains every row of the source and hands the answers over, chunk by chunk.
///
/// # Errors
/// A model that can't explain its scores; and as for scoring.
pub fn explain(
    predictor: &Predictor,
    source: &Source,
    workers: &Workers,
    progress: &dyn Progress,
    shape: Shape,
    mut write: impl FnMut(&Answers) -> Result<(), PipelineError>,
) -> Result<Explained, PipelineError> {
    let base = predictor.base()?;
    let features: Vec<&ColumnName> = predictor.features.keys().collect();
    progress.stage("explain", None);
    let say = |batch: Batch, unanswered: &[usize]| {
        let (mut predictions, contributions, lost) = predictor.explain(batch)?;
        let mut contributions = contributions.expect("it has a base, so it explains");
        predictions.forget(unanswered);
        contributions.forget(unanswered);
        let mut columns = predicted(&predictor.task, &predictions);
        columns.push(Column::Number(base.repeat(predictions.rows())));
        columns.extend(shape.columns(&features, &contributions));
        Ok((columns, lost, Sums::of(&contributions, unanswered.len())))
    };
    let mut sums = Sums::default();
    let scored = answer_all(predictor, source, workers, progress, base.len(), say, |answers, more| {
        sums.merge(more);
        write(answers)
    })?;
    Ok(Explained { scored, importance: sums.means(&features), base })
}

/// Predictions as columns: as they are scored, but of several classes a line each.
fn predicted(task: &Task, predictions: &Predictions) -> Vec<Column> {
    let Task::Multiclass { classes } = task else { return told(task, predictions) };
    let label = &told(task, predictions)[0];
    let each_row = |row: usize| std::iter::repeat_n(row, classes.len());
    let rows: Vec<usize> = (0..predictions.rows()).flat_map(each_row).collect();
    let class = (0..predictions.rows()).flat_map(|_| classes).map(Some);
    vec![label.take(&rows), Column::Category(Coded::from_strings(class)), Column::Number(predictions.values.clone())]
}
