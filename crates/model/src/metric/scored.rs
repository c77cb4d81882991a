//! Rows with what was predicted and what is true.

use std::sync::OnceLock;

use evenstep_table::{RowKey, Task};

use super::ranking::Ranking;
use super::weights::{Weights, units};
use super::{Undefined, undefined};
use crate::{Aim, Predictions};

/// Rows whose target is known and was predicted.
#[derive(Debug)]
pub struct Scored {
    task: Task,
    aim: Aim,
    target: Vec<f64>,
    /// Empty when every row weighs 1.
    weight: Vec<f64>,
    /// The group of each row, in a ranking.
    groups: Vec<RowKey>,
    width: usize,
    predictions: Vec<f64>,
    units: OnceLock<Vec<u128>>,
    sound: OnceLock<Result<(), Undefined>>,
    /// By class; one for two classes.
    rankings: Vec<OnceLock<Ranking>>,
}

impl Scored {
    /// No rows yet.
    pub fn new(task: Task) -> Scored {
        let width = if let Task::Multiclass { classes } = &task { classes.len() } else { 1 };
        Scored {
            task,
            aim: Aim::Mean,
            target: Vec::new(),
            weight: Vec::new(),
            groups: Vec::new(),
            width,
            predictions: Vec::new(),
            units: OnceLock::new(),
            sound: OnceLock::new(),
            rankings: (0..width).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The same rows, whose predictions are of that kind.
    #[must_use]
    pub fn with_aim(self, aim: Aim) -> Scored {
        Scored { aim, ..self }
    }

    /// Adds the groups of rows that are added to a ranking.
    pub fn add_groups(&mut self, groups: &[RowKey]) {
        self.groups.extend_from_slice(groups);
    }

    /// Adds rows; no weights mean 1 for each.
    pub fn add(&mut self, target: &[f64], weight: &[f64], predictions: Predictions) {
        assert_eq!(predictions.width, self.width, "one number, or one a class");
        assert_eq!(predictions.values.len(), target.len() * self.width, "a prediction for each target");
        assert!(weight.is_empty() || weight.len() == target.len(), "a weight for each target, or for none");
        assert!(weight.iter().all(|weight| *weight >= 0.0 && weight.is_finite()), "a weight is at least 0");
        let classes = self.task.classes().len() as f64;
        let known = |target: &f64| if classes == 0.0 { target.is_finite() } else { (0.0..classes).contains(target) };
        assert!(target.iter().all(known), "a target is a number, or the index of a class");
        if self.weight.is_empty() && !weight.is_empty() {
            self.weight = vec![1.0; self.target.len()];
        }
        if !weight.is_empty() {
            self.weight.extend_from_slice(weight);
        } else if !self.weight.is_empty() {
            self.weight.resize(self.target.len() + target.len(), 1.0);
        }
        self.target.extend_from_slice(target);
        self.predictions.extend(predictions.values);
        self.units.take();
        self.sound.take();
        self.rankings.iter_mut().for_each(|ranking| drop(ranking.take()));
    }

    /// Some of the rows, by their positions.
    pub fn of_rows(&self, rows: &[usize]) -> Scored {
        let mut some = Scored::new(self.task.clone()).with_aim(self.aim);
        some.target = rows.iter().map(|row| self.target[*row]).collect();
        if !self.weight.is_empty() {
            some.weight = rows.iter().map(|row| self.weight[*row]).collect();
        }
        if !self.groups.is_empty() {
            some.groups = rows.iter().map(|row| self.groups[*row]).collect();
        }
        some.predictions = rows.iter().flat_map(|row| self.prediction(*row).iter().copied()).collect();
        some
    }

    /// What is predicted.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.target.len()
    }

    /// How many rows have no prediction.
    pub fn nulls(&self) -> usize {
        (0..self.rows()).filter(|row| self.prediction(*row).iter().any(|x| !x.is_finite())).count()
    }

    /// The quantile that is predicted; the median, if it isn't one.
    pub(super) fn quantile(&self) -> f64 {
        if let Aim::Quantile(quantile) = self.aim { quantile } else { 0.5 }
    }

    /// The power of the mean that the variance is taken to be.
    pub(super) fn power(&self) -> f64 {
        if let Aim::Tweedie(power) = self.aim { power } else { 1.5 }
    }

    pub(super) fn target(&self, row: usize) -> f64 {
        self.target[row]
    }

    pub(super) fn group(&self, row: usize) -> RowKey {
        self.groups[row]
    }

    pub(super) fn prediction(&self, row: usize) -> &[f64] {
        &self.predictions[row * self.width..][..self.width]
    }

    /// The class of a row, in a task with classes.
    pub(super) fn class(&self, row: usize) -> usize {
        self.target[row] as usize
    }

    /// The class that is predicted: the positive one from 0.5 on, or the most
    /// probable one, of equals the first.
    pub(super) fn predicted_class(&self, row: usize) -> usize {
        match self.prediction(row) {
            [positive] => usize::from(*positive >= 0.5),
            classes => {
                (1..classes.len()).fold(0, |best, class| if classes[class] > classes[best] { class } else { best })
            }
        }
    }

    /// The weights that the rows came with.
    pub(super) fn weights(&self) -> Weights<'_> {
        Weights { own: &self.weight, units: self.units.get_or_init(|| units(&self.weight)), counts: &[] }
    }

    /// The rows in the order of a column of predictions: a class's, or the positive one's of two classes.
    pub(super) fn ranking(&self, column: usize) -> &Ranking {
        let positive = if self.width == 1 { 1 } else { column };
        self.rankings[column].get_or_init(|| {
            let scores = self.predictions.iter().skip(column).step_by(self.width);
            Ranking::new(scores.copied(), |row| self.class(row) == positive)
        })
    }

    /// Whether there is anything to judge.
    pub(super) fn sound(&self) -> Result<(), Undefined> {
        let sound = || {
            if self.rows() == 0 {
                return undefined("there is no row");
            }
            if self.task == Task::Ranking && self.groups.len() != self.rows() {
                return undefined("rows have no group");
            }
            if !self.weight.is_empty() && self.weight.iter().all(|weight| *weight == 0.0) {
                return undefined("no row has a weight");
            }
            match self.nulls() {
                0 => Ok(()),
                nulls => undefined(format!("{} no prediction", rows_have(nulls))),
            }
        };
        self.sound.get_or_init(sound).clone()
    }

    /// A number for each row that weighs something, 0 for the others.
    pub(super) fn terms(&self, reason: &str, term: impl Fn(f64, &[f64]) -> f64) -> Result<Vec<f64>, Undefined> {
        let weights = self.weights();
        let of = |row: usize| {
            if weights.of(row) == 0.0 { 0.0 } else { term(self.target(row), self.prediction(row)) }
        };
        let terms: Vec<f64> = (0..self.rows()).map(of).collect();
        let faults = |fault: fn(&f64) -> bool| terms.iter().filter(|term| fault(term)).count();
        match (faults(|term| term.is_nan()), faults(|term| term.is_infinite())) {
            (0, 0) => Ok(terms),
            (0, infinite) => undefined(format!("{} an error beyond the largest number", rows_have(infinite))),
            (nan, _) => undefined(format!("{} {reason}", rows_have(nan))),
        }
    }
}

/// `1 row has`, `7 rows have`.
pub(super) fn rows_have(rows: usize) -> String {
    if rows == 1 { "1 row has".to_owned() } else { format!("{rows} rows have") }
}
