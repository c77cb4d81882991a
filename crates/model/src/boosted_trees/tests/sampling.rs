use super::*;
use crate::boosted_trees::{Dart, Goss, Start};

fn goss() -> BoostedTrees {
    BoostedTrees { trees: 12, learning_rate: 0.5, goss: Some(Goss::default()), ..BoostedTrees::default() }
}

fn dart() -> BoostedTrees {
    let dart = Dart { drop: 0.3, most: 3, skip: 0.2 };
    BoostedTrees { trees: 12, dart: Some(dart), ..BoostedTrees::default() }
}

#[test]
fn laws_of_rows_drawn_by_gradient() {
    let weights = |rows: usize| (0..rows).map(|row| [1.0, 0.5, 0.0, 2.25][row % 4]).collect();
    check_laws(&goss(), &binary(), &two_classes(30_000));
    check_laws(&goss(), &binary(), &weighted(two_classes(3000), weights(3000)));
    check_laws(&goss(), &multiclass(3), &three_classes(3000));
    let absolute: BoostedTrees = serde_json::from_value(json!({ "objective": "absolute" })).unwrap();
    let spec = BoostedTrees { objective: absolute.objective, ..goss() };
    check_laws(&spec, &Task::Regression, &values(3000));
    let watched = BoostedTrees { early_stopping: Some(EarlyStopping { rounds: 3, validation: None }), ..goss() };
    check_laws(&watched, &Task::Regression, &values(3000));
}

#[test]
fn laws_of_trees_left_out() {
    check_laws(&dart(), &binary(), &two_classes(30_000));
    check_laws(&BoostedTrees { row_sample: 0.7, ..dart() }, &multiclass(3), &three_classes(3000));
    check_laws(&dart(), &Task::Regression, &values(3000));
}

#[test]
fn rows_of_large_gradients_stand_for_all() {
    let data = two_classes(20_000);
    let all = fit(&BoostedTrees { goss: None, ..goss() }, &binary(), &data);
    let some = fit(&goss(), &binary(), &data);
    let first = |trained: &Trained<Model>| trained.model.trees().take(2).collect::<Vec<_>>();
    assert_eq!(first(&some), first(&all), "the first rounds see all rows");
    assert_ne!(some.model.trees().nth(2).unwrap(), all.model.trees().nth(2).unwrap());
    let loss = |trained: &Trained<Model>| trained.curve.last().unwrap().training;
    assert!(loss(&some) < 1.2 * loss(&all), "{} {}", loss(&some), loss(&all));
    let every = Some(Goss { top: 0.5, other: 0.5 });
    assert_eq!(
        fit(&BoostedTrees { goss: every, ..goss() }, &binary(), &data).model,
        all.model,
        "all rows are all rows"
    );
    let weight: f64 = some.model.trees().nth(5).unwrap().covers.iter().sum();
    assert!((weight / 20_000.0 - 1.0).abs() < 0.05, "those drawn weigh as much as all: {weight}");
}

#[test]
fn of_rows_that_all_pull_alike_a_share_is_kept() {
    let data = values(20_000);
    let absolute: BoostedTrees = serde_json::from_value(json!({ "objective": "absolute" })).unwrap();
    let half = Some(Goss { top: 0.5, other: 1e-9 });
    let some = fit(&BoostedTrees { objective: absolute.objective, goss: half, ..goss() }, &Task::Regression, &data);
    let weight: f64 = some.model.trees().nth(5).unwrap().covers.iter().sum();
    assert!((weight / 10_000.0 - 1.0).abs() < 0.05, "half of the rows: {weight}");
}

#[test]
fn trees_left_out_count_for_less() {
    let data = values(3000);
    let trained = fit(&dart(), &Task::Regression, &data);
    let of_predictions: f64 = predict(&trained.model, &data)
        .values
        .iter()
        .zip(&data.training().target)
        .map(|(found, target)| (found - target) * (found - target))
        .sum::<f64>()
        / data.rows() as f64;
    let told = trained.curve.last().unwrap().training;
    assert!((told - of_predictions).abs() < 1e-9 * told, "{told} {of_predictions}");
    let plain = fit(&BoostedTrees { dart: None, ..dart() }, &Task::Regression, &data);
    let largest =
        |of: &Trained<Model>| of.model.trees().next().unwrap().leaves.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    assert!(largest(&trained) < largest(&plain), "the first tree was left out");
    let never = Dart { skip: 0.999_999, ..Dart::default() };
    let never = BoostedTrees { dart: Some(never), ..dart() };
    assert_eq!(fit(&never, &Task::Regression, &data).model, plain.model);
}

#[test]
fn the_rounds_left_out_are_no_more_than_asked_for() {
    let draws = Draws::new(Seed(1), "test");
    let dart = Dart { drop: 0.5, most: 4, skip: 0.25 };
    let left_out: Vec<Vec<usize>> = (0..400).map(|round| dart.left_out(&draws, round)).collect();
    assert!(left_out.iter().enumerate().all(|(round, out)| out.len() <= 4 && out.iter().all(|one| *one < round)));
    assert!(left_out.iter().all(|out| out.is_sorted()));
    let none = left_out[50..].iter().filter(|out| out.is_empty()).count();
    assert!((60..120).contains(&none), "{none}");
}

#[test]
fn scores_may_start_at_0() {
    for task in [Task::Regression, binary()] {
        let data = if task == Task::Regression { values(600) } else { two_classes(600) };
        let model = fit(&BoostedTrees { start: Start::Zero, ..stump() }, &task, &data).model;
        assert_eq!(model.start, [0.0]);
    }
}

#[test]
fn bins_have_the_rows_asked_for() {
    let data = batch(vec![("x", numbers(by_threes(60)))], by_threes(60).collect());
    let thresholds = |rows: u32| {
        let spec =
            BoostedTrees { min_rows: 1, leaves: 60, min_rows_in_bin: rows, l2: Some(0.0), ..BoostedTrees::default() };
        fit(&spec, &Task::Regression, &data).model.trees().next().unwrap().splits.len()
    };
    assert_eq!([thresholds(1), thresholds(3), thresholds(9)], [19, 19, 6]);
}

#[test]
fn two_ways_to_draw_rows_are_one_too_many() {
    let refused = |written: serde_json::Value, expected: &str| {
        let spec: BoostedTrees = serde_json::from_value(written).unwrap();
        let error = Family::check(&spec, &binary(), &Schema::new()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    refused(json!({ "goss": {}, "row_sample": 0.5 }), "`goss` and `row_sample` both draw rows");
    refused(json!({ "goss": { "top": 0.9, "other": 0.2 } }), "`goss.top` is 0.9");
    refused(json!({ "dart": {}, "early_stopping": {} }), "`dart` changes them later");
    refused(json!({ "dart": { "skip": 1.0 } }), "`dart.skip` is 1.0");
}
