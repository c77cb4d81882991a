mod averaged;
mod constraints;
mod means;
mod objectives;
mod odd;
mod processes;
mod ranking;
mod sampling;

use std::sync::Arc;

use evenstep_exact::canonical::Hasher;
use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::{Peers, Workers};
use evenstep_table::{Batch, Coded, Column, ColumnName, Labels, RowKey, Schema, Task};
use proptest::prelude::*;
use serde_json::json;

use super::{BoostedTrees, Direction, EarlyStopping, Growth, Model};
use crate::testing::{binary, multiclass, name};
use crate::{Family, ModelError, Predictions, RandomForest, Run, Stored, Tensor, Trained, Training, testing};

/// Rows with keys that do not depend on where they stand, but on `n` alone.
fn batch(columns: Vec<(&str, Column)>, target: Vec<f64>) -> Batch {
    let draws = Draws::new(Seed(3), "keys");
    let key = |n: usize| {
        let n = (n as u128).to_le_bytes();
        let bits = u128::from(draws.bits(&n, 0)) | u128::from(draws.bits(&n, 1)) << 64;
        RowKey(bits.to_le_bytes())
    };
    let mut batch = Batch::new((0..target.len()).map(key).collect());
    for (column, cells) in columns {
        batch.insert(name(column), cells);
    }
    batch.labels = Some(Arc::new(Labels { occurrence: vec![0; target.len()], target, ..Labels::default() }));
    batch
}

fn weighted(mut batch: Batch, weight: Vec<f64>) -> Batch {
    let labels = Labels { weight, ..batch.training().clone() };
    batch.labels = Some(Arc::new(labels));
    batch
}

fn numbers(cells: impl IntoIterator<Item = f64>) -> Column {
    Column::Number(cells.into_iter().collect())
}

fn category<'a>(cells: impl IntoIterator<Item = &'a str>) -> Column {
    Column::Category(Coded::from_strings(cells.into_iter().map(|cell| (!cell.is_empty()).then_some(cell))))
}

fn fit(spec: &BoostedTrees, task: &Task, batch: &Batch) -> Trained<Model> {
    testing::fit(spec, task, batch).unwrap()
}

fn predict(model: &Model, batch: &Batch) -> Predictions {
    let features: Vec<ColumnName> = batch.schema().into_keys().collect();
    model.predict(&features, batch)
}

fn digest(stored: &Stored) -> String {
    let mut hasher = Hasher::new("test");
    hasher.str(&stored.facts.to_string());
    for (name, tensor) in &stored.tensors {
        hasher.str(name);
        match tensor {
            Tensor::F64(all) => all.iter().fold(&mut hasher, |hasher, x| hasher.u64(x.to_bits())),
            Tensor::I64(all) => all.iter().fold(&mut hasher, |hasher, x| hasher.i64(*x)),
            Tensor::U32(all) => all.iter().fold(&mut hasher, |hasher, x| hasher.u64(u64::from(*x))),
            Tensor::U8(all) => hasher.bytes(all),
        };
    }
    hasher.finish().short()
}

/// A step in `x` at 10, and nothing else: small enough to be worked out by hand.
/// Each value stands in three rows, so that each has its bin.
fn step() -> Batch {
    let y = (0..60).map(|row| if row < 30 { 1.0 } else { 5.0 });
    batch(vec![("x", numbers(by_threes(60)))], y.collect())
}

/// 0, 0, 0, 1, 1, 1, 2 …
fn by_threes(rows: u32) -> impl Iterator<Item = f64> {
    (0..rows).map(|row| f64::from(row / 3))
}

fn stump() -> BoostedTrees {
    BoostedTrees { trees: 1, learning_rate: 1.0, leaves: 2, min_rows: 1, l2: Some(0.0), ..BoostedTrees::default() }
}

/// Numbers with nulls, a category with nulls and rare levels, a constant and an empty column.
fn mixed(rows: usize, target: impl Fn(f64, f64, usize) -> f64) -> Batch {
    let draws = Draws::new(Seed(1), "mixed");
    let u = |row: usize, n: u32| draws.uniform_at(&(row as u128).to_le_bytes(), n);
    let columns: Vec<Vec<f64>> = (0..12).map(|c| (0..rows).map(|row| u(row, c)).collect()).collect();
    let level = |row: usize| ((u(row, 20) * u(row, 21)) * 40.0) as usize;
    let levels: Vec<String> = (0..40).map(|level| format!("level {level}")).collect();
    let y = (0..rows).map(|row| target(columns[0][row] + columns[1][row] * columns[2][row], u(row, 30), level(row)));
    let mut all = vec![
        ("cat", category((0..rows).map(|row| if u(row, 22) < 0.05 { "" } else { &levels[level(row)] }))),
        ("few", category((0..rows).map(|row| ["a", "b", "c"][level(row) % 3]))),
        ("constant", numbers(vec![3.0; rows])),
        ("empty", numbers(vec![f64::NAN; rows])),
        ("flag", Column::Boolean((0..rows).map(|row| u8::from(u(row, 23) < 0.5)).collect())),
        ("count", Column::Integer((0..rows).map(|row| (u(row, 24) * 9.0) as i64).collect())),
    ];
    let names = ["n00", "n01", "n02", "n03", "n04", "n05", "n06", "n07", "n08", "n09", "n10", "n11"];
    for (at, cells) in columns.iter().enumerate() {
        let with_nulls = (0..rows).map(|row| if u(row, 40 + at as u32) < 0.1 { f64::NAN } else { cells[row] });
        all.push((names[at], numbers(with_nulls)));
    }
    batch(all, y.collect())
}

fn two_classes(rows: usize) -> Batch {
    mixed(rows, |x, u, level| f64::from(u8::from(x + 0.1 * (level % 5) as f64 + u > 1.6)))
}

fn three_classes(rows: usize) -> Batch {
    mixed(rows, |x, u, level| (x + 0.1 * (level % 5) as f64 + u).clamp(0.0, 2.9).floor())
}

fn values(rows: usize) -> Batch {
    mixed(rows, |x, u, level| 10.0 * x + u + (level % 7) as f64)
}

fn sampled() -> BoostedTrees {
    BoostedTrees { trees: 6, row_sample: 0.7, row_sample_every: 2, column_sample: 0.6, ..BoostedTrees::default() }
}

#[test]
fn a_stump_is_the_two_means() {
    let data = step();
    let model = fit(&stump(), &Task::Regression, &data).model;
    assert_eq!(model.start, [3.0]);
    assert_eq!(model.trees.len(), 1);
    assert_eq!(predict(&model, &data).values, data.training().target);
    let edges = batch(vec![("x", numbers([f64::MIN, 9.5, 9.5_f64.next_up(), f64::MAX]))], vec![0.0; 4]);
    assert_eq!(predict(&model, &edges).values, [1.0, 1.0, 5.0, 5.0]);
}

#[test]
fn a_logistic_leaf_is_one_newton_step() {
    let y = (0..120).map(|row| f64::from(u8::from(row >= 60 && row % 4 != 0)));
    let data = batch(vec![("x", numbers(by_threes(120)))], y.collect());
    // 45 of 120: p = 0.375. Left: all 60 rows are 0, so −60·p / (60·p·(1 − p)) = −1.6.
    let model = fit(&stump(), &binary(), &data).model;
    let leaves = model.trees().next().unwrap().leaves;
    assert!((model.start[0] - evenstep_exact::maths::ln(0.6)).abs() < 1e-15);
    assert!((leaves[0] + 1.6).abs() < 1e-12, "{leaves:?}");
    assert!((leaves[1] - 1.6).abs() < 1e-12, "{leaves:?}");
}

#[test]
fn regularisation_shrinks_and_clips_leaves() {
    let data = step();
    let leaves = |spec: BoostedTrees| fit(&spec, &Task::Regression, &data).model.trees().next().unwrap().leaves.clone();
    assert_eq!(leaves(stump()), [-2.0, 2.0]);
    assert_eq!(leaves(BoostedTrees { l2: Some(30.0), ..stump() }), [-1.0, 1.0]);
    assert_eq!(leaves(BoostedTrees { l1: 30.0, ..stump() }), [-1.0, 1.0]);
    let as_three_rows = |data: &Batch, task: &Task, expected: [f64; 2]| {
        let spec = BoostedTrees { l2: None, ..stump() };
        let leaves = fit(&spec, task, data).model.trees().next().unwrap().leaves.clone();
        assert!(leaves.iter().zip(expected).all(|(leaf, value)| (leaf - value).abs() < 1e-12), "{leaves:?}");
    };
    as_three_rows(&data, &Task::Regression, [-2.0 * 30.0 / 33.0, 2.0 * 30.0 / 33.0]);
    as_three_rows(&weighted(step(), vec![0.1; 60]), &Task::Regression, [-2.0 * 30.0 / 33.0, 2.0 * 30.0 / 33.0]);
    as_three_rows(&weighted(step(), vec![3.0; 60]), &Task::Regression, [-2.0 * 90.0 / 93.0, 2.0 * 90.0 / 93.0]);
    let halves = batch(vec![("x", numbers(by_threes(60)))], (0..60).map(|row| f64::from(u8::from(row < 30))).collect());
    as_three_rows(&halves, &binary(), [15.0 / 10.5, -15.0 / 10.5]);
    assert_eq!(leaves(BoostedTrees { max_leaf_value: Some(0.5), ..stump() }), [-0.5, 0.5]);
    // The split gains 60·4 = 240.
    assert_eq!(leaves(BoostedTrees { min_gain: 239.9, ..stump() }).len(), 2);
    assert!(fit(&BoostedTrees { min_gain: 240.0, ..stump() }, &Task::Regression, &data).model.trees.len() == 0);
}

#[test]
fn small_weights_alone_forbid_no_split() {
    let small = 1.0 / (1_u64 << 40) as f64;
    let of = |spec: &BoostedTrees, task: &Task, weight: f64| {
        let number = |x: f64, u: f64, level: usize| 10.0 * x + u + (level % 7) as f64;
        let data = mixed(600, |x, u, level| match task {
            Task::Regression => number(x, u, level),
            _ => f64::from(u8::from(number(x, u, level) > 8.0)),
        });
        let data = weighted(data.retain(|name| name.as_str().starts_with('n')), vec![weight; 600]);
        let model = fit(spec, task, &data).model;
        (model.trees.len(), predict(&model, &data).values)
    };
    let spec = BoostedTrees { trees: 5, ..BoostedTrees::default() };
    for task in [Task::Regression, binary()] {
        let learned = of(&spec, &task, small);
        assert_eq!(learned.0, 5);
        assert_eq!(learned, of(&spec, &task, 0.5), "the unit of weights below 1 moves nothing");
    }
    let written = BoostedTrees { min_hessian: 0.002, ..spec };
    assert_eq!(of(&written, &Task::Regression, small).0, 0, "what is written is meant as it stands");
}

#[test]
fn trees_without_a_split_are_told_with_what_forbids_one() {
    let said = |spec: &BoostedTrees, data: Batch| fit(spec, &Task::Regression, &data).notes;
    let rows = BoostedTrees { min_rows: 40, ..stump() };
    assert_eq!(
        said(&rows, step()),
        ["no tree has a split: one needs 40 rows on each side, by `min_rows`, and 60 are learned from"]
    );
    let gain = BoostedTrees { min_gain: 1e300, ..stump() };
    assert_eq!(said(&gain, step()), ["no tree has a split: a smaller `min_gain` may allow some"]);
    let targets = step().training().target.iter().map(|target| target * 1e-200).collect();
    let small = batch(vec![("x", step().column(&name("x")).clone())], targets);
    assert_eq!(
        said(&stump(), small),
        ["no tree has a split: the targets are so small that their squares vanish. Multiply them by a constant"]
    );
    let hessian = BoostedTrees { min_hessian: 0.5, ..stump() };
    let light = weighted(step(), vec![0.01; 60]);
    assert_eq!(
        said(&hessian, light),
        ["no tree has a split: where weights are small, a smaller `min_hessian` allows some"]
    );
    let constant = batch(vec![("x", numbers(vec![1.0; 60]))], step().training().target.clone());
    assert_eq!(
        said(&stump(), constant),
        [
            "no tree has a split: each feature has one value in the rows learned from, or falls into one bin by `min_rows_in_bin`"
        ]
    );
    let rare =
        batch(vec![("x", numbers((0..60).map(|row| f64::from(u8::from(row < 5)))))], step().training().target.clone());
    let some = BoostedTrees { min_rows: 6, ..stump() };
    assert_eq!(
        said(&some, rare.clone()),
        ["no tree has a split: none that leaves 6 rows on each side, by `min_rows`, lowers the loss"]
    );
    let up = [("x".to_owned(), Direction::Increasing)].into();
    assert_eq!(
        said(
            &BoostedTrees { monotone: up, ..stump() },
            batch(
                vec![("x", step().column(&name("x")).clone())],
                step().training().target.iter().map(|y| -y).collect()
            )
        ),
        ["no tree has a split: none that keeps to `monotone` lowers the loss"]
    );
    assert_eq!(said(&stump(), step()), Vec::<String>::new());
}

#[test]
fn min_rows_counts_rows_and_depth_counts_splits() {
    let data = values(600);
    let spec = BoostedTrees { trees: 3, min_rows: 50, leaves: 31, depth: Some(3), ..BoostedTrees::default() };
    let model = fit(&spec, &Task::Regression, &data).model;
    for tree in model.trees() {
        assert!(tree.leaves.len() <= 8, "three levels of splits");
    }
    let single = BoostedTrees { trees: 1, learning_rate: 1.0, ..spec };
    let predictions = predict(&fit(&single, &Task::Regression, &data).model, &data).values;
    let mut sorted = predictions.clone();
    sorted.sort_by(f64::total_cmp);
    for leaf in sorted.chunk_by(|a, b| a == b) {
        assert!(leaf.len() >= 50, "a leaf of {}", leaf.len());
    }
}

#[test]
fn nothing_to_split_leaves_the_mean() {
    let data = batch(
        vec![("a", numbers(vec![1.0; 50])), ("b", numbers(vec![f64::NAN; 50]))],
        (0..50).map(f64::from).collect(),
    );
    let trained = fit(&BoostedTrees::default(), &Task::Regression, &data);
    assert!(trained.model.trees.len() == 0);
    assert_eq!(predict(&trained.model, &data).values, vec![24.5; 50]);
    assert_eq!(trained.importance.iter().map(|of| of.share).collect::<Vec<_>>(), [0.0, 0.0]);
    let none = batch(vec![], (0..50).map(f64::from).collect());
    assert_eq!(predict(&fit(&BoostedTrees::default(), &Task::Regression, &none).model, &none).values, vec![24.5; 50]);
}

#[test]
fn a_null_goes_where_training_found_it_better() {
    for (null, expected) in [(1.0, 1.0), (5.0, 5.0)] {
        let x = by_threes(90).map(|x| if x >= 20.0 { f64::NAN } else { x });
        let y = by_threes(90).map(|x| match x {
            20.0.. => null,
            10.0.. => 5.0,
            _ => 1.0,
        });
        let data = batch(vec![("x", numbers(x))], y.collect());
        let model = fit(&stump(), &Task::Regression, &data).model;
        let live = batch(vec![("x", numbers([f64::NAN, 0.0, 19.0]))], vec![0.0; 3]);
        assert_eq!(predict(&model, &live).values, [expected, 1.0, 5.0]);
    }
}

#[test]
fn null_alone_can_be_split_off() {
    let x = (0..30).map(|x| if x >= 20 { f64::NAN } else { f64::from(x) });
    let data = batch(vec![("x", numbers(x))], (0..30).map(|x| if x >= 20 { 9.0 } else { 0.0 }).collect());
    let model = fit(&stump(), &Task::Regression, &data).model;
    let live = batch(vec![("x", numbers([f64::NAN, -1e300, 1e300]))], vec![0.0; 3]);
    assert_eq!(predict(&model, &live).values, [9.0, 0.0, 0.0]);
}

#[test]
fn a_null_that_training_never_saw_goes_to_the_heavier_child_and_left_in_a_tie() {
    let check = |heavy_left: f64, expected: f64| {
        let y = by_threes(60).map(|x| if x < heavy_left { 1.0 } else { 5.0 });
        let data = batch(vec![("x", numbers(by_threes(60)))], y.collect());
        let model = fit(&stump(), &Task::Regression, &data).model;
        let live = batch(vec![("x", numbers([f64::NAN]))], vec![0.0]);
        assert_eq!(predict(&model, &live).values, [expected]);
    };
    check(12.0, 1.0);
    check(8.0, 5.0);
    check(10.0, 1.0);
}

#[test]
fn an_unseen_level_goes_to_the_heavier_child() {
    let levels = ["a", "a", "a", "b", "b"];
    let data = batch(
        vec![("x", category((0..50).map(|row| levels[row % 5])))],
        (0..50).map(|row| if row % 5 < 3 { 1.0 } else { 5.0 }).collect(),
    );
    let model = fit(&stump(), &Task::Regression, &data).model;
    let live = batch(vec![("x", category(["a", "b", "new", ""]))], vec![0.0; 4]);
    assert_eq!(predict(&model, &live).values, [1.0, 5.0, 1.0, 1.0]);
    let swapped = batch(
        vec![("x", category((0..50).map(|row| levels[row % 5])))],
        (0..50).map(|row| if row % 5 < 3 { 5.0 } else { 1.0 }).collect(),
    );
    let model = fit(&stump(), &Task::Regression, &swapped).model;
    assert_eq!(predict(&model, &live).values, [5.0, 1.0, 5.0, 5.0]);
}

#[test]
fn a_null_in_a_category_is_learned() {
    let levels = ["a", "a", "a", "b", ""];
    let data = batch(
        vec![("x", category((0..100).map(|row| levels[row % 5])))],
        (0..100).map(|row| if row % 5 < 3 { 1.0 } else { 5.0 }).collect(),
    );
    let spec = BoostedTrees { leaves: 3, ..stump() };
    let model = fit(&spec, &Task::Regression, &data).model;
    let live = batch(vec![("x", category(["a", "b", "", "new"]))], vec![0.0; 4]);
    assert_eq!(predict(&model, &live).values[..3], [1.0, 5.0, 5.0]);
}

#[test]
fn many_levels_are_parted_by_their_mean() {
    let levels: Vec<String> = (0..20).map(|level| format!("{:02}", level * 7 % 20)).collect();
    let rows = 4000;
    let data = batch(
        vec![("x", category((0..rows).map(|row| levels[row % 20].as_str())))],
        (0..rows).map(|row| if levels[row % 20].as_bytes()[1].is_multiple_of(2) { 1.0 } else { 5.0 }).collect(),
    );
    let model = fit(&stump(), &Task::Regression, &data).model;
    let live = batch(vec![("x", category(levels.iter().map(String::as_str)))], vec![0.0; 20]);
    for (level, value) in levels.iter().zip(predict(&model, &live).values) {
        let expected = if level.as_bytes()[1].is_multiple_of(2) { 1.0 } else { 5.0 };
        // The regularisation of categories, 10 against 2000 rows, holds back a little.
        assert!((value - expected).abs() < 0.02, "{level}: {value}");
    }
}

#[test]
fn a_category_may_have_more_levels_than_a_byte_tells() {
    let levels: Vec<String> = (0..1000).map(|level| format!("{level:03}")).collect();
    let rows = 40_000;
    let cells = |rows: usize| category((0..rows).map(|row| levels[row % 1000].as_str()));
    let y = (0..rows).map(|row| if row * 7 % 1000 < 500 { 1.0 } else { 5.0 });
    let data = batch(vec![("x", cells(rows))], y.collect());
    let spec = BoostedTrees { trees: 30, learning_rate: 0.3, ..BoostedTrees::default() };
    let model = fit(&spec, &Task::Regression, &data).model;
    assert_eq!(model.levels[0].as_ref().unwrap().count, 1000);
    let live =
        batch(vec![("x", cells(1000))], (0..1000).map(|row| if row * 7 % 1000 < 500 { 1.0 } else { 5.0 }).collect());
    for (value, expected) in predict(&model, &live).values.iter().zip(&live.training().target) {
        assert!((value - expected).abs() < 0.5, "{value} is not {expected}");
    }
    check_laws(&BoostedTrees { trees: 3, ..spec }, &Task::Regression, &data);
}

/// What a fit comes to must not depend on how its rows and columns are dealt out.
fn check_laws<F: Family<Model = Model>>(spec: &F, task: &Task, data: &Batch) {
    let rows = data.rows();
    let expected = testing::fit(spec, task, data).unwrap().model;
    let bytes = digest(&super::store::store(&expected));
    let check = |batches: &[Batch], threads: usize, what: &str| {
        let model = testing::fit_on(spec, task, &data.schema(), batches, threads).unwrap().model;
        assert_eq!(digest(&super::store::store(&model)), bytes, "{what}");
    };
    for threads in [2, 7] {
        check(std::slice::from_ref(data), threads, "threads");
    }
    let draws = Draws::new(Seed(5), "shuffle");
    let mut shuffled: Vec<usize> = (0..rows).collect();
    shuffled.sort_by_key(|row| draws.priority(&(*row as u128).to_le_bytes()));
    check(&[data.take(&shuffled)], 2, "row order");
    let chunked: Vec<Batch> = shuffled.chunks(997).map(|rows| data.take(rows)).collect();
    check(&chunked, 2, "chunks");
    let mut reversed = Batch::new(data.keys.to_vec());
    reversed.labels = data.labels.clone();
    let mut columns: Vec<_> = data.columns().collect();
    columns.reverse();
    columns.iter().for_each(|(name, column)| reversed.insert((*name).clone(), (*column).clone()));
    check(&[reversed], 1, "column order");

    let all = predict(&expected, data);
    for row in (0..rows).step_by(rows / 50) {
        let single = predict(&expected, &data.take(&[row]));
        let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&single.values), bits(all.row(row)), "one row is a batch");
    }
    check_explanation(&expected, data);
    let stored = super::store::store(&expected);
    let restored = super::store::restore(&data.schema(), task, &stored).unwrap();
    assert_eq!(restored, expected, "there and back");
}

/// Base and contributions add up to the score, and one row has the bits of a batch.
fn check_explanation(model: &Model, data: &Batch) {
    let features: Vec<ColumnName> = data.schema().into_keys().collect();
    let some: Vec<usize> = (0..data.rows()).step_by(data.rows().div_ceil(2000)).collect();
    let some = data.take(&some);
    let explained = super::shap::explain(model, &features, &some);
    let times = if model.link.is_mean() { model.rounds() } else { 1.0 };
    let scores: Vec<f64> = model.scores(&features, &some).iter().map(|score| score / times).collect();
    for (at, score) in scores.iter().enumerate() {
        let (row, class) = (at / explained.width, at % explained.width);
        let sum = explained.of(row, class).iter().fold(explained.base[class], |sum, added| sum + added);
        assert!((sum - score).abs() <= 1e-9 * score.abs().max(1.0), "{sum} is not {score}");
    }
    for row in (0..some.rows()).step_by(97) {
        let single = super::shap::explain(model, &features, &some.take(&[row]));
        let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        for class in 0..single.width {
            assert_eq!(bits(single.of(0, class)), bits(explained.of(row, class)), "one row is a batch");
        }
    }
}

/// A process that is not alone for all it knows, so that it bundles no features.
struct Nobody;

impl Peers for Nobody {
    fn all_reduce(&self, mine: Vec<u8>, _: &dyn Fn(Vec<u8>, Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        mine
    }
}

#[test]
fn bundled_features_are_learned_from_as_others_are() {
    let rows = 40_000;
    let draws = Draws::new(Seed(5), "flags");
    let u = |row: usize, n: u32| draws.uniform_at(&(row as u128).to_le_bytes(), n);
    let code = |row: usize, of: u32| (u(row, of) * u(row, of + 10) * 20.0) as usize;
    let names: Vec<String> = (0..40).map(|flag| format!("flag {flag:02}")).collect();
    let flags = names.iter().enumerate().map(|(flag, name)| {
        let (of, level) = (flag as u32 / 20, flag % 20);
        // Hardly ever more than one of a kind: the rows that were looked at first may say never.
        let cell = |row: usize| f64::from(code(row, of) == level || (u(row, 50 + of) < 1e-4 && level == 3));
        // Nulls that are seldom seen, and of one flag only in rows that may be watched.
        let is_null = |row: usize| (flag == 7 && u(row, 60) < 0.01) || (flag == 9 && u(row, 61) < 1e-4);
        (&name[..], numbers((0..rows).map(move |row| if is_null(row) { f64::NAN } else { cell(row) })))
    });
    let columns = flags.chain([("x", numbers((0..rows).map(|row| u(row, 70))))]).collect();
    let odds = |row: usize| 0.2 + 0.05 * (code(row, 0) % 7) as f64 + 0.3 * f64::from(code(row, 1) == 2) * u(row, 70);
    let data = batch(columns, (0..rows).map(|row| f64::from(u(row, 80) < odds(row))).collect());
    let stopping = Some(EarlyStopping { rounds: 5, validation: None });
    for spec in [
        BoostedTrees { trees: 5, ..BoostedTrees::default() },
        BoostedTrees { trees: 5, early_stopping: stopping, row_sample: 0.5, ..BoostedTrees::default() },
    ] {
        let learn = |workers: Workers| {
            let features = data.schema();
            let run = Run { workers: &workers, draws: Draws::new(Seed(7), "model"), progress: &|_, _, _| () };
            let batches = std::slice::from_ref(&data);
            Family::fit(&spec, &Training { batches, features: &features, task: &binary() }, &run).unwrap().model
        };
        let apart = learn(Workers::threads(2).with_peers(Arc::new(Nobody)));
        for threads in [1, 2, 7] {
            assert_eq!(learn(Workers::threads(threads)), apart, "{threads} threads");
        }
    }
}

#[test]
fn laws_of_a_regression() {
    let spec = BoostedTrees { trees: 6, ..BoostedTrees::default() };
    check_laws(&spec, &Task::Regression, &values(40_000));
}

#[test]
fn laws_of_many_columns() {
    let rows = 10_000;
    let draws = Draws::new(Seed(1), "many");
    let u = |row: usize, n: u32| draws.uniform_at(&(row as u128).to_le_bytes(), n);
    let names: Vec<String> = (0..200).map(|at| format!("c{at:03}")).collect();
    let cells = |at: u32| {
        numbers((0..rows).map(|row| if at.is_multiple_of(3) { (u(row, at) * 3.0).floor() } else { u(row, at) }))
    };
    let columns = names.iter().zip(0..).map(|(name, at)| (name.as_str(), cells(at)));
    let y = (0..rows).map(|row| f64::from(u8::from(u(row, 1) + u(row, 130) * u(row, 64) > 0.8)));
    let data = batch(columns.collect(), y.collect());
    check_laws(&BoostedTrees { trees: 3, ..BoostedTrees::default() }, &binary(), &data);
}

#[test]
fn laws_of_two_classes() {
    let spec = BoostedTrees { trees: 6, positive_weight: 3.0, ..BoostedTrees::default() };
    check_laws(&spec, &binary(), &two_classes(40_000));
}

#[test]
fn laws_of_sampling() {
    check_laws(&sampled(), &binary(), &two_classes(40_000));
    check_laws(&sampled(), &Task::Regression, &values(3000));
}

#[test]
fn laws_of_several_classes() {
    check_laws(&sampled(), &multiclass(3), &three_classes(30_000));
}

#[test]
fn laws_of_early_stopping_and_weights() {
    let data = two_classes(30_000);
    let weights = (0..data.rows()).map(|row| [1.0, 0.5, 0.0, 2.25][row % 4]).collect();
    let spec = BoostedTrees {
        early_stopping: Some(EarlyStopping { rounds: 3, validation: None }),
        learning_rate: 0.5,
        ..sampled()
    };
    check_laws(&spec, &binary(), &weighted(data, weights));
}

#[test]
fn a_row_of_weight_0_is_as_if_it_were_not_there() {
    let data = two_classes(3000);
    let kept: Vec<usize> = (0..data.rows()).filter(|row| !row.is_multiple_of(3)).collect();
    let weights = (0..data.rows()).map(|row| if row % 3 == 0 { 0.0 } else { 1.5 }).collect();
    let with = fit(&sampled(), &binary(), &weighted(data.clone(), weights)).model;
    let without = fit(&sampled(), &binary(), &weighted(data.take(&kept), vec![1.5; kept.len()])).model;
    assert_eq!(with, without);
}

#[test]
fn weights_of_1_are_no_weights() {
    let data = values(3000);
    let plain = fit(&sampled(), &Task::Regression, &data).model;
    assert_eq!(fit(&sampled(), &Task::Regression, &weighted(data, vec![1.0; 3000])).model, plain);
}

#[test]
fn a_row_of_weight_2_is_that_row_twice() {
    // Few values, so that counts move no cut; whole gradients, so that rounding moves no sum.
    let rows = 400;
    let x: Vec<f64> = (0..rows).map(|row| f64::from(row % 8)).collect();
    let y: Vec<f64> = x
        .iter()
        .map(|x| {
            if *x < 3.0 {
                0.0
            } else if *x < 6.0 {
                4.0
            } else {
                12.0
            }
        })
        .collect();
    let once = batch(vec![("x", numbers(x.clone()))], y.clone());
    let weights = x.iter().map(|x| if *x < 3.0 { 2.0 } else { 1.0 }).collect();
    let heavy = weighted(once.clone(), weights);
    let twice: Vec<usize> = (0..rows as usize).flat_map(|row| vec![row; if x[row] < 3.0 { 2 } else { 1 }]).collect();
    let mut twice = once.take(&twice);
    let mut labels = twice.training().clone();
    let mut last = None;
    labels.occurrence = twice.keys.iter().map(|key| u32::from(last.replace(*key) == Some(*key))).collect();
    twice.labels = Some(Arc::new(labels));
    let spec = BoostedTrees { trees: 2, leaves: 3, min_rows: 1, learning_rate: 0.5, ..BoostedTrees::default() };
    let a = predict(&fit(&spec, &Task::Regression, &heavy).model, &once).values;
    let b = predict(&fit(&spec, &Task::Regression, &twice).model, &once).values;
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12), "{:?} {:?}", &a[..8], &b[..8]);
}

#[test]
fn covers_are_the_weights_of_the_rows_that_came_to_each_leaf() {
    let covers = |data: &Batch| fit(&stump(), &Task::Regression, data).model.trees().next().unwrap().covers.clone();
    assert_eq!(covers(&step()), [30.0, 30.0]);
    let tenths = weighted(step(), (0..60).map(|row| if row < 30 { 0.1 } else { 1.0 }).collect());
    assert_eq!(covers(&tenths), [3.0, 30.0], "thirty times 0.1, rounded once");
    let model = fit(&sampled(), &binary(), &two_classes(3000)).model;
    for tree in model.trees() {
        let rows: f64 = tree.covers.iter().sum();
        assert!(rows > 1900.0 && rows < 2300.0, "the rows that a tree was grown from, {rows}");
        assert_eq!(tree.covers_of_splits()[0], rows);
    }
}

#[test]
fn early_stopping_keeps_the_best_round() {
    let noise = |rows| mixed(rows, |x, u, _| x + 3.0 * u);
    let spec = BoostedTrees {
        trees: 200,
        learning_rate: 0.5,
        early_stopping: Some(EarlyStopping { rounds: 5, validation: None }),
        ..BoostedTrees::default()
    };
    let trained = fit(&spec, &Task::Regression, &noise(2000));
    let best = trained.model.trees.len();
    assert_eq!(trained.curve.len(), best + 5, "stopped five rounds after the best");
    let watched: Vec<f64> = trained.curve.iter().map(|point| point.watched.unwrap()).collect();
    assert!(watched[..best - 1].iter().all(|loss| *loss > watched[best - 1]), "the earliest of the best");
    assert!(watched[best..].iter().all(|loss| *loss >= watched[best - 1]));
    assert!(trained.notes[0].contains(&format!("round {best} was the best")), "{:?}", trained.notes);
}

#[test]
fn early_stopping_watches_the_share_that_is_asked_for() {
    let data = mixed(2000, |x, u, _| x + 3.0 * u);
    let rows_of_first_tree = |validation: Option<f64>| {
        let stopping = Some(EarlyStopping { rounds: 5, validation });
        let model =
            fit(&BoostedTrees { trees: 3, early_stopping: stopping, ..stump() }, &Task::Regression, &data).model;
        model.trees().next().unwrap().covers.iter().sum::<f64>()
    };
    assert_eq!(rows_of_first_tree(None), rows_of_first_tree(Some(0.1)), "the default");
    for share in [0.1, 0.25, 0.5] {
        let watched = 1.0 - rows_of_first_tree(Some(share)) / 2000.0;
        assert!((watched - share).abs() < 0.04, "{share}: {watched}");
    }
}

#[test]
fn the_curve_is_the_loss_of_the_predictions() {
    let data = two_classes(2000);
    let spec = BoostedTrees { trees: 7, ..BoostedTrees::default() };
    let trained = fit(&spec, &binary(), &data);
    let last = trained.curve.last().unwrap();
    let loss: f64 = predict(&trained.model, &data)
        .values
        .iter()
        .zip(&data.training().target)
        .map(|(p, y)| -evenstep_exact::maths::ln(if *y == 1.0 { *p } else { 1.0 - p }))
        .sum();
    assert_eq!((last.round, last.watched), (7, None));
    assert!((last.training - loss / 2000.0).abs() < 1e-12);
}

#[test]
fn boosting_learns() {
    let data = three_classes(6000);
    let trained = fit(&BoostedTrees { trees: 30, ..BoostedTrees::default() }, &multiclass(3), &data);
    let predictions = predict(&trained.model, &data);
    let right = (0..data.rows()).filter(|row| {
        let p = predictions.row(*row);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let best = (0..3).max_by(|a, b| p[*a].total_cmp(&p[*b])).unwrap();
        best as f64 == data.training().target[*row]
    });
    assert!(right.count() > 4200);
    let share = |feature: &str| trained.importance.iter().find(|of| of.feature.as_str() == feature).unwrap().share;
    assert!(share("n00") > 0.2 && share("n05") < share("n00") && share("constant") == 0.0);
    assert!((trained.importance.iter().map(|of| of.share).sum::<f64>() - 1.0).abs() < 1e-12);
    let splits: u64 = trained.importance.iter().filter_map(|of| of.splits).sum();
    assert_eq!(splits, trained.model.trees().map(|tree| tree.splits.len() as u64).sum::<u64>());
    assert!((trained.importance.iter().filter_map(|of| of.cover).sum::<f64>() - 1.0).abs() < 1e-12);
    let counts = mixed(4000, |x, u, _| (x * 3.0 + u).floor());
    let spec: BoostedTrees = serde_json::from_value(json!({ "objective": "poisson", "trees": 50 })).unwrap();
    let trained = fit(&spec, &Task::Regression, &counts);
    assert!(trained.curve.last().unwrap().training < trained.curve[0].training);
    assert!(predict(&trained.model, &counts).values.iter().all(|mean| *mean > 0.0));
}

#[test]
fn what_cannot_be_done_is_said_before_the_fit() {
    let check = |written: serde_json::Value, task: &Task, kind: Column, expected: &str| {
        let spec: BoostedTrees = serde_json::from_value(written).unwrap();
        let features: Schema = [(name("x"), kind.kind())].into();
        let error = Family::check(&spec, task, &features).unwrap_err();
        let said = format!("{error}; {}", error.help.clone().unwrap_or_default());
        assert!(said.contains(expected), "{said}");
    };
    let number = || numbers([]);
    let text = Column::Text(Coded::default());
    check(json!({ "bins": 1 }), &binary(), number(), "`bins` is 1, but it lies between 2 and 65535");
    check(json!({ "learning_rate": 0.0 }), &binary(), number(), "`learning_rate` is 0.0, but it is above 0");
    check(json!({ "objective": "squared" }), &binary(), number(), "write `logistic`");
    check(json!({ "class_weights": { "yess": 2.0 } }), &binary(), number(), "did you mean `yes`?");
    check(json!({ "positive_weight": 2.0 }), &Task::Regression, number(), "`[data] weight`");
    check(json!({ "positive_weight": 2.0 }), &multiclass(3), number(), "write `class_weights`");
    check(json!({ "class_weights": "balanced" }), &Task::Regression, number(), "`[data] weight`");
    check(json!({}), &binary(), text, "`drop_columns`");
    check(json!({}), &binary(), Column::Date(Vec::new()), "`datetime_parts`");
}

#[test]
fn a_spec_is_written_out_and_read_back() {
    let spec = BoostedTrees::example();
    let written = serde_json::to_value(&spec).unwrap();
    assert_eq!(written["leaves"], 31);
    assert_eq!(serde_json::from_value::<BoostedTrees>(written).unwrap(), spec);
    assert!(serde_json::from_value::<BoostedTrees>(json!({ "num_leaves": 3 })).is_err());
}

/// A small model with every kind of split.
fn small() -> (Batch, Model) {
    let data = two_classes(500);
    let model = fit(&BoostedTrees { trees: 3, leaves: 8, ..BoostedTrees::default() }, &binary(), &data).model;
    (data, model)
}

/// The same of a forest whose splits share sets of levels, short ones and long ones.
fn small_with_many_levels() -> (Batch, Model) {
    let level = |row: usize| row % 2000;
    let names: Vec<String> = (0..6000).map(|row| format!("level {}", level(row))).collect();
    let y = (0..6000_u32).map(|row| f64::from(row.wrapping_mul(2_654_435_761) >> 31));
    let cells = category(names.iter().map(|name| &**name));
    let data = batch(vec![("cat", cells), ("x", numbers(by_threes(6000)))], y.collect());
    let spec = RandomForest { trees: 10, depth: Some(10), ..RandomForest::default() };
    let model = testing::fit(&spec, &binary(), &data).unwrap().model;
    (data, model)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a stranger changes: an error, or a model that predicts without a panic.
    #[test]
    fn a_strange_model_is_refused_or_harmless(
        which in 0_usize..2,
        tensor in 0_usize..16,
        at in any::<prop::sample::Index>(),
        bits in prop_oneof![any::<u64>(), 0_u64..40, Just(u64::MAX), Just(1 << 31), (0_u64..9).prop_map(|leaf| leaf | 1 << 31)],
        change in 0..4,
    ) {
        thread_local! {
            static SMALL: [(Batch, Model); 2] = [small(), small_with_many_levels()];
        }
        SMALL.with(|small| {
            let (data, model) = &small[which];
            let mut stored = super::store::store(model);
            assert_eq!(stored.tensors.len(), 15 + which);
            let name = stored.tensors.keys().nth(tensor % stored.tensors.len()).unwrap().clone();
            fn edit<T: Copy>(all: &mut Arc<Vec<T>>, at: prop::sample::Index, to: T, change: i32) {
                let all = Arc::make_mut(all);
                match change {
                    0 if !all.is_empty() => { let at = at.index(all.len()); all[at] = to; }
                    1 if !all.is_empty() => { all.remove(at.index(all.len())); }
                    2 => all.insert(at.index(all.len() + 1), to),
                    _ => all.truncate(at.index(all.len() + 1)),
                }
            }
            match stored.tensors.get_mut(&name).unwrap() {
                Tensor::F64(all) => edit(all, at, f64::from_bits(bits), change),
                Tensor::I64(all) => edit(all, at, bits as i64, change),
                Tensor::U32(all) => edit(all, at, bits as u32, change),
                Tensor::U8(all) => edit(all, at, bits as u8, change),
            }
            if let Ok(model) = super::store::restore(&data.schema(), &binary(), &stored) {
                assert_eq!(predict(&model, data).rows(), data.rows());
                assert_eq!(super::store::store(&model), stored, "what is taken is what we would write");
            }
        });
    }
}

#[test]
fn circles_and_shared_children_are_refused() {
    let (data, model) = small();
    let broken = |edit: &dyn Fn(&mut Stored)| {
        let mut stored = super::store::store(&model);
        edit(&mut stored);
        super::store::restore(&data.schema(), &binary(), &stored).unwrap_err().message
    };
    let set = |stored: &mut Stored, name: &str, at: usize, to: u32| match stored.tensors.get_mut(name) {
        Some(Tensor::U32(all)) => Arc::make_mut(all)[at] = to,
        _ => panic!(),
    };
    assert!(broken(&|stored| set(stored, "left", 0, 0)).contains("can't be below it"));
    assert!(broken(&|stored| set(stored, "splits", 0, u32::MAX)).contains("more splits than are stored"));
    assert!(broken(&|stored| set(stored, "feature", 0, 1 << 20)).contains("a split is on feature 1048576"));
    assert!(broken(&|stored| stored.facts = json!({ "link": "softmax" })).contains("do not suit the task"));
    assert!(broken(&|stored| stored.facts = json!({ "link": "none" })).contains("its link alone"));
    for cover in [-1.0, -0.0, f64::NAN, f64::INFINITY, 1e300] {
        let message = broken(&|stored| match stored.tensors.get_mut("cover") {
            Some(Tensor::F64(all)) => Arc::make_mut(all)[1] = cover,
            _ => panic!(),
        });
        assert!(message.contains("cover"), "{message}");
    }
    assert!(
        broken(&|stored| {
            stored.tensors.remove("gain");
        })
        .contains("there is no `gain`")
    );
    assert!(
        broken(&|stored| {
            stored.tensors.insert("more".to_owned(), Tensor::U8(Arc::default()));
        })
        .contains("`more`")
    );
}
