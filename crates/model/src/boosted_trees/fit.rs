//! Learning trees: boosted ones on the gradients that the rounds before left, averaged ones each from the start.

use std::collections::BTreeSet;
use std::sync::Arc;

use evenstep_exact::sum::ExactSum;
use evenstep_table::{ColumnName, Task, counted};

use super::BoostedTrees;
use super::begin::Seen;
use super::cuts::Binning;
use super::growing::Growing;
use super::matrix::{self, Feature};
use super::objective::{Link, Objective};
use super::packed::Packed;
use super::predict::{Forest, Model};
use super::tree::Tree;
use crate::{CurvePoint, Importance, ModelError, Run, Trained, Training};

/// How trees differ that are averaged rather than boosted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Averaged {
    /// Whether each tree's rows are drawn with repetition.
    pub(crate) bootstrap: bool,
    /// Whether cuts are drawn at random.
    pub(crate) random_cuts: bool,
}

/// Learns trees from training rows.
pub(crate) fn fit(
    spec: &BoostedTrees,
    averaged: Option<Averaged>,
    data: &Training<'_>,
    run: &Run<'_>,
) -> Result<Trained<Model>, ModelError> {
    let objective = Objective::of(spec.objective, data.task)?;
    let (mut growing, seen) = Growing::new(spec, averaged, data, run, objective)?;
    let spec = &spec.by_weight(seen.weight_unit());
    growing.spec = spec;
    growing.draw_leaves(&seen);
    let start = growing.start(&seen);
    for (scores, start) in growing.scores.iter_mut().zip(&start) {
        scores.fill(*start);
    }
    let matrix = matrix::build(&growing);
    let mut notes = Vec::new();
    let patience = spec.early_stopping.as_ref().map(|stopping| stopping.rounds);
    let (mut trees, curve) = run.workers.awake(|| growing.rounds(&matrix, patience))?;
    if let Some(patience) = patience.filter(|_| !trees.is_empty()) {
        notes.push(match best_round(&curve) {
            None => "early stopping has no row to watch: every tree is kept".to_owned(),
            Some(best) => {
                trees.truncate(best as usize * growing.width);
                let (rounds, stopped) = (curve.len() as u32, "was the best on rows not learned from");
                match rounds - best >= patience {
                    true => format!("stopped early: of {rounds} rounds, round {best} {stopped}"),
                    false => format!("not stopped early: round {best} of {rounds} {stopped}"),
                }
            }
        });
    }
    if trees.iter().all(|tree| tree.splits.is_empty()) {
        notes.push(no_split(spec, data.task, &seen, &matrix.features));
    }
    let is_of_counts = matches!(objective, Objective::Poisson | Objective::Tweedie);
    if is_of_counts && seen.is_of_flags() {
        notes.push(format!(
            "every target is 0 or 1, which are rather classes than {}: `task = \"binary\"` tells their probabilities",
            if objective == Objective::Poisson { "counts" } else { "sums" }
        ));
    }
    if averaged.is_none() && growing.width > 1 {
        notes.extend(matrix.features.iter().filter_map(|feature| sparse(spec, feature, seen.learned)));
    }
    let importance = importance(&trees, data);
    let read: BTreeSet<u32> = trees.iter().flat_map(|tree| &tree.splits).map(|split| split.feature).collect();
    let mut levels = vec![None; data.features.len()];
    for feature in matrix.features.into_iter().filter(|feature| read.contains(&(feature.position as u32))) {
        if let Binning::Category(of) = feature.binning {
            levels[feature.position] = Some(Arc::unwrap_or_clone(of));
        }
    }
    let trees = Packed::of(&trees, &levels);
    let forest = Forest::new(&trees, &levels);
    let (link, start) = match averaged {
        None => (objective.link(), start),
        Some(_) if data.task.classes().is_empty() => (Link::Mean, vec![0.0; start.len()]),
        Some(_) if growing.width > 1 => (Link::Share, seen.means().collect()),
        Some(_) => (Link::Share, vec![0.0]),
    };
    Ok(Trained { model: Model { link, start, trees, levels, forest }, importance, curve, notes })
}

/// That no tree has a split, and what likely forbids one: of `min_rows` and `min_hessian` the one that asks for more rows of so large
/// a weight. `features` are those that vary.
fn no_split(spec: &BoostedTrees, task: &Task, seen: &Seen, features: &[Feature]) -> String {
    let by_rows = f64::from(spec.min_rows) * seen.weight_unit() >= spec.min_hessian;
    let likely = match () {
        () if features.is_empty() => {
            ": each feature has one value in the rows learned from, or falls into one bin by `min_rows_in_bin`"
                .to_owned()
        }
        () if u64::from(spec.min_rows) * 2 > seen.learned => format!(
            ": one needs {} on each side, by `min_rows`, and {} learned from",
            counted(u64::from(spec.min_rows), "row"),
            if seen.learned == 1 { "1 is".to_owned() } else { format!("{} are", seen.learned) },
        ),
        () if task.classes().is_empty() && seen.is_vanishing() => {
            ": the targets are so small that their squares vanish. Multiply them by a constant".to_owned()
        }
        () if spec.min_gain > 0.0 => ": a smaller `min_gain` may allow some".to_owned(),
        () if !by_rows => ": where weights are small, a smaller `min_hessian` allows some".to_owned(),
        () => {
            let rows = (spec.min_rows > 1)
                .then(|| format!("leaves {} on each side, by `min_rows`,", counted(u64::from(spec.min_rows), "row")));
            let direction = (!spec.monotone.is_empty()).then(|| "keeps to `monotone`".to_owned());
            match rows.into_iter().chain(direction).collect::<Vec<_>>().join(" and ") {
                limits if limits.is_empty() => ": none lowers the loss".to_owned(),
                limits => format!(": none that {limits} lowers the loss"),
            }
        }
    };
    format!("no tree has a split{likely}")
}

/// That the levels of a category have too few rows each to be set apart. Other tasks have the mean of each level, too.
fn sparse(spec: &BoostedTrees, feature: &Feature, rows: u64) -> Option<String> {
    let Binning::Category(levels) = &feature.binning else { return None };
    let (name, mean) = (&feature.name, rows as f64 / levels.len() as f64);
    let is_sparse = levels.len() > spec.categories.one_hot_up_to as usize && mean < spec.categories.smoothing;
    is_sparse.then(|| {
        format!(
            "`{name}` has {} levels of {mean:.1} rows in the mean, of which trees of several classes learn little: \
             the step `target_encode` makes numbers of them",
            levels.len()
        )
    })
}

/// The round with the lowest watched loss, the earliest of equal ones; None if nothing was watched.
pub(super) fn best_round(curve: &[CurvePoint]) -> Option<u32> {
    let watched = curve.iter().filter_map(|point| Some((point.watched?, point.round)));
    watched.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, round)| round)
}

/// Each feature's share of the sum of all gains, how many splits are on it, and its share of their covers.
fn importance(trees: &[Tree], data: &Training<'_>) -> Vec<Importance> {
    let none = || vec![ExactSum::default(); data.features.len()];
    let (mut gains, mut covers, mut splits) = (none(), none(), vec![0; data.features.len()]);
    let (mut gain, mut cover) = (ExactSum::default(), ExactSum::default());
    for tree in trees {
        for (split, of_split) in tree.splits.iter().zip(tree.covers_of_splits()) {
            let feature = split.feature as usize;
            gains[feature].add(split.gain);
            covers[feature].add(of_split);
            splits[feature] += 1;
            gain.add(split.gain);
            cover.add(of_split);
        }
    }
    let of = |(at, name): (usize, &ColumnName)| Importance {
        feature: name.clone(),
        share: gains[at].divided_by(&gain).unwrap_or(0.0),
        splits: Some(splits[at]),
        cover: Some(covers[at].divided_by(&cover).unwrap_or(0.0)),
    };
    data.features.keys().enumerate().map(of).collect()
}
