use super::*;
use crate::RandomForest;
use crate::boosted_trees::Categories;

fn by_means(above: u32) -> Categories {
    Categories { means_above: above, ..Categories::default() }
}

fn spec() -> BoostedTrees {
    BoostedTrees { trees: 8, categories: by_means(8), ..BoostedTrees::default() }
}

/// A level for each row, of so many, and a target that depends on it as much as asked for.
fn levels(rows: usize, count: usize, seed: u64, depends: f64) -> Batch {
    let draws = Draws::new(Seed(seed), "levels");
    let u = |row: usize, n: u32| draws.uniform_at(&(row as u128).to_le_bytes(), n);
    let level = |row: usize| (u(row, 0) * count as f64) as usize;
    let names: Vec<String> = (0..count).map(|level| format!("level {level}")).collect();
    let effect = |level: usize| ((level * 7919) % count) as f64 / count as f64 - 0.5;
    let y = (0..rows).map(|row| depends * effect(level(row)) + u(row, 1));
    batch(vec![("cat", category((0..rows).map(|row| &*names[level(row)])))], y.collect())
}

fn squared_error(model: &Model, data: &Batch) -> f64 {
    let found = predict(model, data).values;
    found.iter().zip(&data.training().target).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / data.rows() as f64
}

#[test]
fn laws_of_categories_by_their_means() {
    let weights = |rows: usize| (0..rows).map(|row| [1.0, 0.5, 0.0, 2.25][row % 4]).collect();
    check_laws(&spec(), &binary(), &two_classes(30_000));
    check_laws(&spec(), &Task::Regression, &weighted(values(3000), weights(3000)));
    let stopping = Some(EarlyStopping { rounds: 3, validation: None });
    check_laws(&BoostedTrees { early_stopping: stopping, row_sample: 0.7, ..spec() }, &binary(), &two_classes(3000));
    check_laws(
        &BoostedTrees { column_sample: 0.5, column_sample_by_node: 0.5, ..spec() },
        &binary(),
        &two_classes(3000),
    );
    check_laws(&BoostedTrees { bins: 1000, ..spec() }, &Task::Regression, &levels(20_000, 3000, 1, 1.0));
    let categories = crate::averaged::Categories { means_above: 8, ..Default::default() };
    let forest = RandomForest { trees: 3, depth: Some(6), categories, ..RandomForest::default() };
    check_laws(&forest, &Task::Regression, &values(3000));
}

#[test]
fn no_level_has_rows_enough_for_any_smoothing() {
    for smoothing in [0.0, 1e-300, 1e18, 1e300] {
        let categories = Categories { smoothing, means_above: 1_000_000, ..Categories::default() };
        let spec = BoostedTrees { categories, trees: 3, ..BoostedTrees::default() };
        let model = fit(&spec, &binary(), &two_classes(500)).model;
        let on_sets = model.trees().any(|tree| !tree.splits.is_empty());
        assert!(on_sets, "{smoothing}: numbers are split all the same");
    }
}

#[test]
fn levels_of_noise_are_not_learned() {
    let (seen, fresh) = (levels(6000, 300, 1, 0.0), levels(6000, 300, 2, 0.0));
    let fit = |above: u32| {
        let spec = BoostedTrees { categories: by_means(above), trees: 50, ..BoostedTrees::default() };
        fit(&spec, &Task::Regression, &seen).model
    };
    let (sets, means) = (fit(10_000), fit(50));
    assert!(squared_error(&means, &fresh) < squared_error(&sets, &fresh));
    assert!(squared_error(&means, &fresh) < 1.04 / 12.0, "{}", squared_error(&means, &fresh));
}

#[test]
fn levels_that_matter_are_learned() {
    let (seen, fresh) = (levels(20_000, 200, 1, 10.0), levels(2000, 200, 2, 10.0));
    let spec = BoostedTrees { categories: by_means(50), ..BoostedTrees::default() };
    let model = fit(&spec, &Task::Regression, &seen).model;
    assert!(squared_error(&model, &fresh) < 1.15 / 12.0, "{}", squared_error(&model, &fresh));
}

#[test]
fn levels_that_change_how_another_column_acts_are_learned() {
    let data = |seed: u64| {
        let draws = Draws::new(Seed(seed), "levels");
        let u = |row: usize, n: u32| draws.uniform_at(&(row as u128).to_le_bytes(), n);
        let level = |row: usize| (u(row, 0) * 60.0) as usize;
        let names: Vec<String> = (0..60).map(|level| format!("level {level}")).collect();
        let slope = |level: usize| ((level * 7919) % 60) as f64 / 30.0 - 1.0;
        let x: Vec<f64> = (0..12_000).map(|row| u(row, 1) - 0.5).collect();
        let y = (0..12_000).map(|row| 10.0 * slope(level(row)) * x[row]).collect();
        let cells = category((0..12_000).map(|row| &*names[level(row)]));
        batch(vec![("cat", cells), ("x", Column::Number(x))], y)
    };
    let (seen, fresh) = (data(1), data(2));
    let error = |one_hot_up_to: u32| {
        // As many as there are: no sets of several levels.
        let categories = Categories { one_hot_up_to, ..Categories::default() };
        let model = fit(&BoostedTrees { categories, ..BoostedTrees::default() }, &Task::Regression, &seen).model;
        squared_error(&model, &fresh)
    };
    let (with_sets, without) = (error(4), error(1000));
    assert!(with_sets < 0.1 * without, "{with_sets} {without}");
}

#[test]
fn null_and_levels_never_seen_have_the_mean_of_all() {
    let seen = levels(20_000, 200, 1, 10.0);
    let spec = BoostedTrees { categories: by_means(50), ..BoostedTrees::default() };
    let model = fit(&spec, &Task::Regression, &seen).model;
    let others = batch(vec![("cat", category(["", "never seen", "level 3"]))], vec![0.0; 3]);
    let found = predict(&model, &others).values;
    assert_eq!(found[0], found[1]);
    assert!((found[0] - 0.5).abs() < 0.5, "{found:?}");
}

#[test]
fn what_is_learned_of_means_without_a_fold_holds_for_those_of_all() {
    let level = |row: usize| row / 30;
    let names: Vec<String> = (0..100).map(|level| format!("level {level}")).collect();
    let cells = category((0..3000).map(|row| &*names[level(row)]));
    let data = batch(vec![("cat", cells)], (0..3000).map(|row| level(row) as f64).collect());
    let model = fit(&BoostedTrees::default(), &Task::Regression, &data).model;
    assert!(squared_error(&model, &data) < 0.01, "{}", squared_error(&model, &data));
}

#[test]
fn the_unit_of_weights_moves_no_mean() {
    let data = levels(6000, 300, 1, 3.0);
    let off = |weight: f64| {
        let data = weighted(data.clone(), vec![weight; 6000]);
        let model = testing::fit(&RandomForest { trees: 10, ..RandomForest::default() }, &Task::Regression, &data)
            .unwrap()
            .model;
        squared_error(&model, &levels(2000, 300, 2, 3.0))
    };
    let as_they_are = off(1.0);
    assert!(
        [1e-3, 1e6].map(off).iter().all(|off| *off < 1.1 * as_they_are),
        "{as_they_are} {:?}",
        [1e-3, 1e6].map(off)
    );
}
