use super::*;
use crate::boosted_trees::loss::Loss;
use crate::boosted_trees::objective::Objective;

fn spec(written: serde_json::Value) -> BoostedTrees {
    serde_json::from_value(written).unwrap()
}

/// Positive, and in one row of 20 a hundred times as large.
fn heavy_tailed(rows: usize) -> Batch {
    mixed(rows, |x, u, level| (1.0 + 3.0 * x + u) * if level % 20 == 7 && u > 0.5 { 100.0 } else { 1.0 })
}

fn mean(errors: impl Iterator<Item = f64>) -> f64 {
    let errors: Vec<f64> = errors.collect();
    errors.iter().sum::<f64>() / errors.len() as f64
}

#[test]
fn every_objective_of_numbers_lowers_its_loss_and_keeps_the_laws() {
    for objective in ["squared", "absolute", "huber", "quantile", "poisson", "tweedie", "gamma"] {
        let data = heavy_tailed(3000);
        let spec = spec(json!({ "objective": objective, "trees": 20, "row_sample": 0.8 }));
        let curve = fit(&spec, &Task::Regression, &data).curve;
        assert!(curve[19].training < curve[0].training, "{objective}: {curve:?}");
        check_laws(&BoostedTrees { trees: 4, ..spec }, &Task::Regression, &data);
    }
}

#[test]
fn weights_keep_the_laws_with_every_objective() {
    for objective in ["absolute", "huber", "quantile", "tweedie", "gamma"] {
        let weights = (0..1500).map(|row| [1.0, 0.5, 0.0, 2.25][row % 4]).collect();
        let data = weighted(heavy_tailed(1500), weights);
        check_laws(&spec(json!({ "objective": objective, "trees": 3 })), &Task::Regression, &data);
    }
}

#[test]
fn absolute_error_starts_at_the_median_and_leaves_are_medians() {
    let y = by_threes(60).map(|x| if x < 10.0 { x } else { 100.0 * x });
    let data = batch(vec![("x", numbers(by_threes(60)))], y.collect());
    let model = fit(&BoostedTrees { objective: Some(Objective::Absolute), ..stump() }, &Task::Regression, &data).model;
    assert_eq!(model.start, [0.5 * 9.0 + 0.5 * 1000.0]);
    let found = predict(&model, &data).values;
    assert!((found[0] - 4.5).abs() < 1e-9 && (found[59] - 1450.0).abs() < 1e-9, "{found:?}");
}

#[test]
fn single_rows_far_away_sway_the_mean_but_not_the_median_nor_huber() {
    let target = |row: usize| if row == 17 { 1e6 } else { (row % 10) as f64 };
    let x = (0..400).map(|row| (row % 10) as f64);
    let data = batch(vec![("x", numbers(x))], (0..400).map(target).collect());
    let error = |objective: &str| {
        let model = fit(&spec(json!({ "objective": objective })), &Task::Regression, &data).model;
        mean(
            predict(&model, &data)
                .values
                .iter()
                .enumerate()
                .filter(|(row, _)| *row != 17)
                .map(|(row, x)| (x - target(row)).abs()),
        )
    };
    assert!(error("squared") > 1000.0);
    assert!(error("absolute") < 0.1, "{}", error("absolute"));
    assert!(error("huber") < 0.5, "{}", error("huber"));
}

#[test]
fn a_quantile_has_its_share_of_rows_below_it() {
    let data = mixed(4000, |x, u, _| x + u);
    for level in [0.1, 0.5, 0.9] {
        let spec = spec(json!({ "objective": "quantile", "quantile": level, "trees": 40, "min_rows": 100 }));
        let found = predict(&fit(&spec, &Task::Regression, &data).model, &data).values;
        let below = found.iter().zip(&data.training().target).filter(|(found, y)| y <= found).count();
        assert!((below as f64 / 4000.0 - level).abs() < 0.02, "{level}: {below}");
    }
}

#[test]
fn means_of_skewed_targets_are_kept() {
    let data = heavy_tailed(4000);
    let whole = mean(data.training().target.iter().copied());
    for objective in ["poisson", "tweedie"] {
        let model = fit(&spec(json!({ "objective": objective, "trees": 60 })), &Task::Regression, &data).model;
        let found = mean(predict(&model, &data).values.into_iter());
        assert!((found / whole - 1.0).abs() < 0.2, "{objective}: {found} and {whole}");
    }
}

#[test]
fn gradients_and_hessians_are_the_derivatives_of_the_loss() {
    let (scores, targets) = ([-1.5, -0.2, 0.4, 1.3], [0.5, 2.0, 1.0, 3.0]);
    let step = 1e-5;
    for loss in
        [Loss::Squared, Loss::Tweedie { power: 1.3 }, Loss::Gamma, Loss::Poisson, Loss::Huber { delta: Some(1.0) }]
    {
        let value = |by: f64| {
            let moved = scores.map(|score| score + by);
            let mut out = [0.0; 4];
            loss.values(&[&moved], &targets, &mut out);
            out
        };
        let (mut g, mut h) = ([0.0; 4], [0.0; 4]);
        loss.gradients(&scores, &[], &targets, 0, &mut g);
        loss.hessians(&scores, &g, &targets, &mut h);
        let (up, down, here) = (value(step), value(-step), value(0.0));
        // The squared loss is shown without its half, and Poisson's second derivative is damped.
        let (halved, damped) = match loss {
            Loss::Squared => (2.0, 1.0),
            Loss::Poisson => (1.0, 2.013_752_707_470_476_6),
            _ => (1.0, 1.0),
        };
        for row in 0..4 {
            let slope = (up[row] - down[row]) / (2.0 * step * halved);
            assert!((slope - g[row]).abs() < 1e-6 * (1.0 + slope.abs()), "{loss:?}: {slope} and {}", g[row]);
            let bend = (up[row] + down[row] - 2.0 * here[row]) / (step * step * halved);
            if !matches!(loss, Loss::Huber { .. }) {
                assert!((bend * damped - h[row]).abs() < 1e-3 * (1.0 + bend.abs()), "{loss:?}: {bend} and {}", h[row]);
            }
        }
    }
}

#[test]
fn targets_that_an_objective_cannot_take_are_counted() {
    let said = |objective: &str, y: f64| -> ModelError {
        let mut target = vec![1.0; 50];
        target[3] = y;
        let data = batch(vec![("x", numbers(by_threes(50)))], target);
        testing::fit(&spec(json!({ "objective": objective })), &Task::Regression, &data).unwrap_err()
    };
    for (objective, y, expected) in [
        ("poisson", -1.0, "1 targets are negative"),
        ("tweedie", -1.0, "1 targets are negative"),
        ("gamma", 0.0, "1 targets are not above 0"),
    ] {
        let error = said(objective, y);
        assert!(error.message.contains(expected), "{error}");
        assert!(error.help.unwrap().contains(objective));
    }
}

#[test]
fn more_bits_come_nearer_to_the_unrounded_fit() {
    let data = two_classes(4000);
    let leaves = |bits: u32| {
        let spec = BoostedTrees { gradient_bits: bits, trees: 1, ..BoostedTrees::default() };
        fit(&spec, &binary(), &data).curve[0].training
    };
    let exact = leaves(15);
    assert!((leaves(8) - exact).abs() < 0.01 && (leaves(13) - exact).abs() < 0.001);
    check_laws(&BoostedTrees { gradient_bits: 15, trees: 2, ..BoostedTrees::default() }, &binary(), &data);
}
