//! What is wrong with a spec, said before any fit.

use std::ops::Range;

use evenstep_table::{ColumnName, Kind, Schema, Task, did_you_mean};

use super::objective::Objective;
use super::{BoostedTrees, Direction, EarlyStopping, VALIDATION};
use crate::{ModelError, WEIGHT_MAX};

/// Whether trees of these hyperparameters can do the task with these features.
pub(crate) fn check(spec: &BoostedTrees, task: &Task, features: &Schema) -> Result<(), ModelError> {
    spec.check_ranges()?;
    spec.check_classes(task)?;
    spec.check_objective(task)?;
    spec.check_names(task, features)?;
    check_features("boosted_trees", features)
}

/// Whether trees can split all features.
pub(crate) fn check_features(family: &str, features: &Schema) -> Result<(), ModelError> {
    features.iter().try_for_each(|(name, kind)| check_feature(family, name, *kind))
}

fn check_feature(family: &str, name: &ColumnName, kind: Kind) -> Result<(), ModelError> {
    let (what, help) = match kind {
        Kind::Number | Kind::Integer | Kind::Boolean | Kind::Category => return Ok(()),
        Kind::Text => ("a text", "give it `type = \"category\"` in `[contract]`, or leave it out by `drop_columns`"),
        Kind::Date => ("a date", "add `datetime_parts` or `datetime_difference`"),
        Kind::Time => ("a time", "add `datetime_parts`"),
        Kind::Datetime(_) => ("a datetime", "add `datetime_parts` or `datetime_difference`"),
    };
    Err(ModelError::of(name, format!("`{family}` can't split `{name}`, {what}")).help(help))
}

impl BoostedTrees {
    pub(crate) fn check_ranges(&self) -> Result<(), ModelError> {
        let whole = |name: &str, value: u32, least: u32, most: u32| match value {
            _ if (least..=most).contains(&value) => Ok(()),
            _ => Err(ModelError::new(format!("`{name}` is {value}, but it lies between {least} and {most}"))),
        };
        let real = |name: &str, value: f64, allowed: bool, expected: &str| match allowed && value.is_finite() {
            true => Ok(()),
            false => Err(ModelError::new(format!("`{name}` is {value:?}, but it is {expected}"))),
        };
        let above = |name: &str, value: f64| real(name, value, value > 0.0, "above 0");
        let not_below = |name: &str, value: f64| real(name, value, value >= 0.0, "0 or above");
        let share = |name: &str, value: f64| real(name, value, value > 0.0 && value <= 1.0, "above 0 and at most 1");
        let within = |name: &str, value: Option<f64>, range: Range<f64>, expected: &str| {
            value.map_or(Ok(()), |value| real(name, value, value > range.start && value < range.end, expected))
        };
        within("quantile", self.quantile, 0.0..1.0, "between 0 and 1")?;
        within("huber_delta", self.huber_delta, 0.0..f64::INFINITY, "above 0")?;
        within("tweedie_power", self.tweedie_power, 1.0..2.0, "between 1 and 2")?;
        whole("trees", self.trees, 1, 100_000)?;
        above("learning_rate", self.learning_rate)?;
        whole("leaves", self.leaves, 2, 32_768)?;
        whole("depth", self.depth.unwrap_or(1), 1, 32_768)?;
        whole("rank_truncation", self.rank_truncation.unwrap_or(1), 1, u32::MAX)?;
        whole("gradient_bits", self.gradient_bits, 8, 15)?;
        whole("bins", self.bins, 2, 65_535)?;
        whole("min_rows_in_bin", self.min_rows_in_bin, 1, u32::MAX)?;
        whole("min_rows", self.min_rows, 1, u32::MAX)?;
        not_below("min_hessian", self.min_hessian)?;
        not_below("l2", self.l2.unwrap_or(0.0))?;
        not_below("l1", self.l1)?;
        not_below("min_gain", self.min_gain)?;
        above("max_leaf_value", self.max_leaf_value.unwrap_or(1.0))?;
        share("row_sample", self.row_sample)?;
        whole("row_sample_every", self.row_sample_every, 1, u32::MAX)?;
        if self.row_sample_every > 1 && self.row_sample == 1.0 {
            return Err(ModelError::new("`row_sample_every` says nothing without `row_sample`, which draws rows"));
        }
        if let Some(goss) = &self.goss {
            let both = goss.top > 0.0 && goss.other > 0.0 && goss.top + goss.other <= 1.0;
            real("goss.top", goss.top, both, "above 0, as `goss.other` is, and both together at most 1")?;
            if self.row_sample < 1.0 {
                return Err(ModelError::new("`goss` and `row_sample` both draw rows: write one of them"));
            }
        }
        if let Some(dart) = &self.dart {
            share("dart.drop", dart.drop)?;
            whole("dart.most", dart.most, 1, u32::MAX)?;
            real("dart.skip", dart.skip, (0.0..1.0).contains(&dart.skip), "0 or above, and below 1")?;
            if self.early_stopping.is_some() {
                return Err(ModelError::new("`early_stopping` keeps the first trees, and `dart` changes them later")
                    .help("leave one of them out"));
            }
        }
        share("column_sample", self.column_sample)?;
        share("column_sample_by_level", self.column_sample_by_level)?;
        share("column_sample_by_node", self.column_sample_by_node)?;
        if let Some(EarlyStopping { rounds, validation }) = self.early_stopping {
            whole("early_stopping.rounds", rounds, 1, u32::MAX)?;
            let share = validation.unwrap_or(VALIDATION);
            real("early_stopping.validation", share, share > 0.0 && share < 1.0, "above 0 and below 1")?;
        }
        not_below("categories.mean_smoothing", self.categories.mean_smoothing)?;
        not_below("categories.smoothing", self.categories.smoothing)?;
        not_below("categories.l2", self.categories.l2)?;
        whole("categories.max_per_split", self.categories.max_per_split, 1, u32::MAX)?;
        above("positive_weight", self.positive_weight)?;
        let most = format!("above 0, and at most {WEIGHT_MAX:e}");
        real("positive_weight", self.positive_weight, self.positive_weight <= WEIGHT_MAX, &most)
    }

    pub(crate) fn check_classes(&self, task: &Task) -> Result<(), ModelError> {
        let classes = task.classes();
        if matches!(task, Task::Multiclass { .. }) && classes.len() < 2 {
            return Err(ModelError::new(format!("a multiclass task has at least 2 classes, not {}", classes.len())));
        }
        if self.positive_weight != 1.0 && !matches!(task, Task::Binary { .. }) {
            return Err(ModelError::new("`positive_weight` is for a binary task").help(match classes {
                [] => "`[data] weight` names a column with the weight of each row",
                _ => "write `class_weights`",
            }));
        }
        if self.positive_weight != 1.0 && !self.class_weights.is_empty() {
            return Err(ModelError::new("`positive_weight` and `class_weights` say the same: write one of them"));
        }
        self.class_weights.check(task)
    }

    fn check_objective(&self, task: &Task) -> Result<(), ModelError> {
        let objective = Objective::of(self.objective, task)?;
        let numbers = [
            ("quantile", self.quantile, Objective::Quantile),
            ("huber_delta", self.huber_delta, Objective::Huber),
            ("tweedie_power", self.tweedie_power, Objective::Tweedie),
        ];
        if self.rank_truncation.is_some() && objective != Objective::LambdaRank {
            return Err(ModelError::new("`rank_truncation` is for `objective = \"lambda_rank\"`"));
        }
        for (name, value, of) in numbers {
            if value.is_some() && objective != of {
                let message = format!("`{name}` says nothing to `objective = \"{}\"`", objective.word());
                return Err(ModelError::new(message).help(format!("it is for `objective = \"{}\"`", of.word())));
            }
        }
        Ok(())
    }

    fn check_names(&self, task: &Task, features: &Schema) -> Result<(), ModelError> {
        let known = |key: &str, name: &str| match features.iter().find(|(feature, _)| feature.as_str() == name) {
            Some((_, kind)) => Ok(*kind),
            None => {
                let error = ModelError::new(format!("`{key}` names `{name}`, which is no feature of the model"));
                Err(match did_you_mean(name, features.keys().map(ColumnName::as_str)) {
                    Some(help) => error.help(help),
                    None => error,
                })
            }
        };
        for (name, direction) in &self.monotone {
            if known("monotone", name)? == Kind::Category {
                let word = if *direction == Direction::Increasing { "rises" } else { "falls" };
                return Err(ModelError::new(format!("`monotone` names `{name}`, a category, of which nothing {word}"))
                    .help("encode it as a number first, with `ordinal` say"));
            }
        }
        if !self.monotone.is_empty() && matches!(task, Task::Multiclass { .. }) {
            return Err(ModelError::new("`monotone` is for one score, but a multiclass task has one for each class"));
        }
        self.interactions.iter().flatten().try_for_each(|name| known("interactions", name).map(drop))
    }
}
