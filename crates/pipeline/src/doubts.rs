//! Doubts about a training that people should look into: a model that is no better than its baseline, or too good to be true.

use evenstep_model::Importance;
use evenstep_table::check::Breach;
use evenstep_table::quality::Quality;
use evenstep_table::rule::Invalid;
use evenstep_table::{Batch, Column, ColumnName, Contract, Task, counted, some_of};
use serde_json::Value;

use crate::artifact::{Evaluation, Measured};

/// A model with so small a part of its baseline's fault is nearly without one: of an error, and of what is missing to 1.
const ERROR: f64 = 0.05;
const MISSING: f64 = 0.002;
/// With so small a part it is without one, whatever it goes by.
const NO_ERROR: f64 = 0.01;
const NOTHING_MISSING: f64 = 1e-6;
/// Such a share of all gain is nearly all of it.
const NEARLY_ALL: f64 = 0.9;

/// So many classes are named in a sentence.
const SHOWN: usize = 5;

/// Of fewer rows held out, a model may be right by luck.
const ROWS: u64 = 20;

/// The classes of which nothing is learned: for want of a row that counts, or since the model's spec weighs them with 0.
pub(crate) fn unlearned(task: &Task, training: &[Batch], model: &Value) -> Vec<String> {
    if task.classes().is_empty() {
        return Vec::new();
    }
    let mut has_rows = vec![false; task.classes().len()];
    for labels in training.iter().map(Batch::training) {
        for (row, class) in labels.target.iter().enumerate() {
            has_rows[*class as usize] |= labels.weight(row) > 0.0;
        }
    }
    let names = |is_one: &dyn Fn(&String, bool) -> bool| -> Vec<String> {
        let classes = task.classes().iter().zip(&has_rows).filter(|(class, has_rows)| is_one(class, **has_rows));
        classes.map(|(class, _)| format!("`{class}`")).collect()
    };
    let sentence = |classes: Vec<String>, why: &str| match classes.len() {
        0 => None,
        1 => Some(format!("{why} {}, so it is not learned", classes[0])),
        _ => Some(format!("{why} any of {}, so these classes are not learned", some_of(classes, SHOWN, ", "))),
    };
    let without_rows = sentence(names(&|_, has_rows| !has_rows), "no training row is");
    let has_weight_0 = |class: &String, has_rows| has_rows && model["class_weights"][class] == 0.0;
    let without_weight = sentence(names(&has_weight_0), "`class_weights` has 0 for");
    without_rows.into_iter().chain(without_weight).collect()
}

/// Sentences on columns of which cells became null, since they are of another type. Where they stand depends on the rows' order.
pub(crate) fn nulled(contract: &Contract, quality: &Quality) -> Vec<String> {
    let count = |name: &ColumnName| quality.columns.get(name).map_or(0, |column| column.count(Breach::Invalid));
    let rules = contract.columns.iter().filter(|(_, rule)| rule.invalid == Invalid::Null);
    let told = rules.map(|(name, _)| (name, count(name))).filter(|(_, count)| *count > 0);
    let sentence =
        |(name, count)| format!("`{name}`: {} of another type became null, as its rule says", counted(count, "cell"));
    told.map(sentence).collect()
}

/// Sentences on columns that are the target, row by row, under another name.
pub(crate) fn copies(task: &Task, training: &[Batch], inputs: &[ColumnName]) -> Vec<String> {
    let classes = task.classes();
    let is_target = |column: &Column, row: usize, target: f64| match column {
        Column::Number(cells) if classes.is_empty() => cells[row] == target,
        Column::Integer(cells) if classes.is_empty() => cells[row] as f64 == target,
        _ => classes.get(target as usize).is_some_and(|class| column.text(row).as_ref() == Some(class)),
    };
    let mut targets = training.iter().flat_map(|batch| &batch.training().target);
    let first = targets.next();
    if targets.all(|target| Some(target) == first) {
        return Vec::new();
    }
    let is_copy = |name: &&ColumnName| {
        let of_batch = |batch: &Batch| {
            let column = batch.column(name);
            batch.training().target.iter().enumerate().all(|(row, target)| is_target(column, row, *target))
        };
        training.iter().all(of_batch)
    };
    inputs
        .iter()
        .filter(is_copy)
        .map(|name| format!("`{name}` is the target under another name, cell by cell of the rows learned from"))
        .collect()
}

/// Sentences for people, by the first metric.
pub(crate) fn of(evaluation: &Evaluation, importance: &[Importance]) -> Vec<String> {
    // One that is undefined on these rows says nothing.
    let defined = evaluation.metrics.iter().find(|measured| measured.value.is_some());
    let Some(first) = defined.filter(|_| evaluation.held_out_rows > 0) else { return Vec::new() };
    let metric = &first.metric;
    if first.is_no_better() {
        return vec![format!(
            "by `{metric}`, the model is not shown to be better than the baseline, which knows no feature"
        )];
    }
    if evaluation.held_out_rows < ROWS {
        let rows = counted(evaluation.held_out_rows, "row");
        let said = format!(
            "judged on {rows} only, which a model may get right by luck: `folds` of `data.split` judge it on all"
        );
        return if evaluation.folds.is_empty() { vec![said] } else { Vec::new() };
    }
    let mut by: Vec<&Importance> = importance.iter().collect();
    by.sort_by(|a, b| b.share.total_cmp(&a.share));
    let percent = |one: &Importance| format!("{:.0} %", (one.share * 100.0).floor());
    match by[..] {
        [top, ..] if top.share >= NEARLY_ALL && is_faultless(first, ERROR, MISSING) => vec![format!(
            "by `{metric}`, the model is nearly without fault, and that by `{feature}`: {} of its importance. Does \
             `{feature}` give the target away, and is it known when a prediction is wanted?",
            percent(top),
            feature = top.feature
        )],
        [top, next, ..] if is_faultless(first, NO_ERROR, NOTHING_MISSING) => vec![format!(
            "by `{metric}`, the model is without fault, most by `{}` ({} of its importance) and `{}` ({}). Does one of \
             them give the target away, and are they known when a prediction is wanted?",
            top.feature,
            percent(top),
            next.feature,
            percent(next)
        )],
        _ => Vec::new(),
    }
}

/// Whether the model has at most that part of its baseline's error, or of what is missing to 1.
fn is_faultless(measured: &Measured, error: f64, missing: f64) -> bool {
    let Some((value, baseline)) = measured.value.zip(measured.baseline) else { return false };
    if measured.higher_is_better { 1.0 - value <= missing * (1.0 - baseline) } else { value <= error * baseline }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evenstep_table::{Labels, RowKey};

    use super::*;

    fn measured(higher_is_better: bool, value: f64, baseline: f64) -> Measured {
        let (metric, interval) = ("m".to_owned(), Some((value - 0.01, value + 0.01)));
        Measured {
            metric,
            value: Some(value),
            interval,
            baseline: Some(baseline),
            better_by: None,
            higher_is_better,
            undefined: None,
        }
    }

    fn on_rows(held_out_rows: u64, measured: Measured) -> Evaluation {
        Evaluation { held_out_rows, metrics: vec![measured], ..Evaluation::default() }
    }

    #[test]
    fn what_is_no_better_than_nothing_or_too_good_is_told() {
        let by = |share| {
            let feature = |name, share| {
                let feature = ColumnName::new(name).expect("a name");
                Importance { feature, share, splits: None, cover: None }
            };
            [feature("other", 1.0 - share), feature("paid", share)]
        };
        let said =
            |higher, value, baseline, share| of(&on_rows(20, measured(higher, value, baseline)), &by(share)).join("\n");
        for (higher, value, baseline) in [(true, 0.505, 0.5), (true, 0.4, 0.5), (false, 2.0, 2.005), (false, 3.0, 2.0)]
        {
            assert!(said(higher, value, baseline, 0.99).contains("not shown to be better"), "{value} {baseline}");
        }
        for (higher, value, baseline) in [(true, 0.9995, 0.5), (false, 0.03, 2.0)] {
            assert!(said(higher, value, baseline, 0.99).contains("and that by `paid`: 99 %"), "{value} {baseline}");
            assert_eq!(said(higher, value, baseline, 0.6), "");
        }
        for (higher, value, baseline) in [(true, 1.0, 0.5), (false, 0.01, 2.0)] {
            let said = said(higher, value, baseline, 0.6);
            assert!(
                said.contains("without fault, most by `paid` (60 % of its importance) and `other` (40 %)"),
                "{said}"
            );
        }
        let paired = |better_by| {
            let measured = measured(false, 2.0, 2.005);
            of(&on_rows(20, Measured { better_by: Some(better_by), ..measured }), &[]).len()
        };
        assert_eq!([(0.004, 0.006), (0.0, 0.006), (-0.1, 0.1)].map(paired), [0, 1, 1]);
        assert_eq!(said(true, 0.95, 0.5, 0.99), "");
        assert_eq!(said(false, 0.5, 2.0, 0.99), "");
        assert!(of(&Evaluation::default(), &[]).is_empty());
        let right = || measured(true, 1.0, 0.5);
        let few = of(&on_rows(19, right()), &by(0.6)).join("\n");
        assert!(few.starts_with("judged on 19 rows only"), "{few}");
        let untold = Measured { interval: None, ..right() };
        assert!(of(&on_rows(3, untold), &by(0.6)).join("\n").contains("not shown to be better"));
    }

    #[test]
    fn a_column_that_is_the_target_is_named() {
        let name = |text: &str| ColumnName::new(text).expect("a name");
        let batch = |copy: [f64; 3], target: [f64; 3]| {
            let mut batch = Batch::new(vec![RowKey([0; 16]); 3]);
            batch.insert(name("copy"), Column::Number(copy.to_vec()));
            batch.insert(name("other"), Column::Number(vec![1.0, 2.0, 9.0]));
            batch.labels = Some(Arc::new(Labels { target: target.to_vec(), ..Labels::default() }));
            batch
        };
        let inputs = [name("copy"), name("other")];
        let said = |batches: &[Batch]| copies(&Task::Regression, batches, &inputs).join("\n");
        let same = batch([1.0, 2.5, 3.0], [1.0, 2.5, 3.0]);
        assert_eq!(
            said(std::slice::from_ref(&same)),
            "`copy` is the target under another name, cell by cell of the rows learned from"
        );
        assert_eq!(said(&[same, batch([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])]), "");
        assert_eq!(said(&[batch([1.0; 3], [1.0; 3])]), "");
    }
}
