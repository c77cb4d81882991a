//! Rows and weights that a fit must not stumble over.

use evenstep_exact::maths::ln;

use super::*;
use crate::ExtraTrees;
use crate::boosted_trees::Goss;

fn spec(of: serde_json::Value) -> BoostedTrees {
    serde_json::from_value(of).unwrap()
}

/// The share of the target's spread that a model accounts for, over the rows that weigh something.
fn r2(model: &Model, data: &Batch) -> f64 {
    let (labels, found) = (data.training(), predict(model, data).values);
    let rows: Vec<usize> = (0..data.rows()).filter(|row| labels.weight(*row) > 0.0).collect();
    let mean = rows.iter().map(|row| labels.target[*row]).sum::<f64>() / rows.len() as f64;
    let sum = |of: &dyn Fn(usize) -> f64| rows.iter().map(|row| of(*row) * of(*row)).sum::<f64>();
    1.0 - sum(&|row| found[row] - labels.target[row]) / sum(&|row| labels.target[row] - mean)
}

fn curve(rows: usize, target: impl Fn(f64) -> f64) -> Batch {
    let x: Vec<f64> = (0..rows).map(|row| row as f64 / rows as f64).collect();
    let y = x.iter().map(|x| target(*x)).collect();
    batch(vec![("x", numbers(x))], y)
}

/// Every fourth row weighs nothing, and is far off.
fn partly_weightless(rows: usize) -> Batch {
    let mut data = values(rows);
    let mut labels = data.training().clone();
    labels.weight = (0..rows).map(|row| [0.0, 1.0, 2.0, 1.5][row % 4]).collect();
    (0..rows).step_by(4).for_each(|row| labels.target[row] = if row % 8 == 0 { 1000.0 } else { 1e200 });
    data.labels = Some(Arc::new(labels));
    data
}

#[test]
fn rows_that_weigh_nothing_are_as_if_they_were_not_there() {
    let data = partly_weightless(2000);
    let kept: Vec<usize> = (0..2000).filter(|row| row % 4 != 0).collect();
    let without = data.take(&kept);
    for spec in [
        json!({ "trees": 20 }),
        json!({ "trees": 20, "goss": {} }),
        json!({ "trees": 20, "goss": {}, "early_stopping": { "rounds": 5 } }),
        json!({ "trees": 20, "objective": "absolute" }),
        json!({ "trees": 20, "row_sample": 0.5 }),
    ] {
        let of = |data| fit(&self::spec(spec.clone()), &Task::Regression, data).model;
        let (all, some) = (of(&data), of(&without));
        assert_eq!(predict(&all, &without), predict(&some, &without), "{spec}");
        assert!(r2(&all, &data) > 0.5, "{spec}");
    }
}

#[test]
fn watched_rows_are_not_learned_from_when_rows_are_drawn_by_gradient() {
    let data = weighted(values(3000), (0..3000).map(|row| 1.0 + f64::from(row % 2)).collect());
    let early = json!({ "trees": 8, "learning_rate": 0.05, "early_stopping": { "rounds": 8 } });
    let of = |goss| fit(&BoostedTrees { goss, ..spec(early.clone()) }, &Task::Regression, &data).model;
    // The first 20 rounds see all rows.
    assert_eq!(of(Some(Goss::default())), of(None));
}

#[test]
fn quantiles_of_leaves_keep_to_directions_in_any_unit() {
    for unit in [1e-6, 1.0, 1e6] {
        for objective in ["absolute", "quantile"] {
            let data = curve(1000, |x| unit * (3.0 * x + 0.3 * evenstep_exact::maths::sin(50.0 * x)));
            let plain = json!({ "objective": objective, "min_rows": 5, "trees": 60 });
            let bound =
                json!({ "objective": objective, "min_rows": 5, "trees": 60, "monotone": { "x": "increasing" } });
            let [plain, bound] = [plain, bound].map(|of| fit(&spec(of), &Task::Regression, &data).model);
            assert!(r2(&plain, &data) > 0.9 && r2(&bound, &data) > 0.9, "{objective} {unit}: {}", r2(&bound, &data));
            let found = predict(&bound, &data).values;
            assert!(found.windows(2).all(|pair| pair[0] <= pair[1]), "{objective} {unit}");
        }
    }
}

#[test]
fn a_rare_group_far_from_the_mean_is_not_overshot() {
    let flagged = |rows: usize, every: usize, rare: f64, usual: &dyn Fn(usize) -> f64| {
        let flag = (0..rows).map(|row| f64::from(u8::from(row % every == 0)));
        let y = (0..rows).map(|row| if row % every == 0 { rare } else { usual(row) });
        batch(vec![("flag", numbers(flag))], y.collect())
    };
    for (objective, data) in [
        ("gamma", flagged(1000, 40, 0.5, &|row| 1000.0 + (row % 7) as f64)),
        ("gamma", flagged(1000, 20, 1.0, &|_| 300.0)),
        ("gamma", flagged(1000, 20, 3e-50, &|_| 1e-48)),
        ("poisson", flagged(20_000, 300, 1000.0, &|row| (row % 3) as f64)),
        ("poisson", flagged(20_000, 300, 1e9, &|row| (row % 3) as f64)),
    ] {
        let model = fit(&spec(json!({ "objective": objective })), &Task::Regression, &data).model;
        assert!(r2(&model, &data) > 0.99, "{objective}: {}", r2(&model, &data));
    }
}

#[test]
fn trees_that_diverge_are_told() {
    let data = values(600);
    for of in [
        json!({ "learning_rate": 1e9 }),
        json!({ "learning_rate": 1e300 }),
        json!({ "learning_rate": 1e9, "goss": {} }),
    ] {
        let error = testing::fit(&spec(of), &Task::Regression, &data).unwrap_err();
        assert!(error.to_string().contains("diverge"), "{error}");
    }
}

#[test]
fn weights_beyond_use_are_refused() {
    let refused = |spec: BoostedTrees, data: &Batch| testing::fit(&spec, &binary(), data).unwrap_err().to_string();
    let tiny = weighted(two_classes(300), vec![1e-170; 300]);
    assert!(refused(BoostedTrees::default(), &tiny).contains("no weight is above 1e-170"));
    let huge = spec(json!({ "positive_weight": 1e16 }));
    assert!(refused(huge, &two_classes(300)).contains("at most 1e15"));
    let largest = weighted(two_classes(300), vec![crate::WEIGHT_MAX; 300]);
    let model = fit(&spec(json!({ "positive_weight": 1e15 })), &binary(), &largest).model;
    assert!(model.trees.len() > 0);
}

#[test]
fn a_ranking_without_anything_to_watch_keeps_every_tree() {
    let data = mixed(480, |_, u, _| f64::from(u8::from(u > 0.995)));
    let mut labels = data.training().clone();
    labels.group = (0..480_u128).map(|row| RowKey((row / 8).to_le_bytes())).collect();
    labels.target = (0..480).map(|row| f64::from(u8::from(row == 3))).collect();
    let mut data = data;
    data.labels = Some(Arc::new(labels));
    let stopping = spec(json!({ "trees": 12, "early_stopping": { "rounds": 3 }, "min_rows": 1 }));
    let trained = fit(&stopping, &Task::Ranking, &data);
    if trained.curve.iter().all(|point| point.watched.is_none()) {
        assert_eq!(trained.model.trees.len(), 12);
        assert_eq!(trained.notes, ["early stopping has no row to watch: every tree is kept"]);
    } else {
        panic!("the only relevant row is watched: change the seed");
    }
}

#[test]
fn drawn_cuts_part_a_node_down_to_its_last_rows() {
    let draws = Draws::new(Seed(4), "drawn");
    let u = |row: usize, n: u32| draws.uniform_at(&(row as u128).to_le_bytes(), n);
    let columns: Vec<Vec<f64>> = (0..4).map(|c| (0..1000).map(|row| u(row, c)).collect()).collect();
    let y = (0..1000).map(|row| columns.iter().map(|x| x[row]).sum::<f64>() + u(row, 9)).collect();
    let names = ["a", "b", "c", "d"];
    let data = batch(names.into_iter().zip(columns).map(|(name, x)| (name, numbers(x))).collect(), y);
    let model =
        testing::fit(&ExtraTrees { trees: 3, ..ExtraTrees::default() }, &Task::Regression, &data).unwrap().model;
    for tree in model.trees() {
        // Rows that share all their bins, and nodes cut at the end of a null gain, are the only ones left together.
        assert!(tree.splits.len() > 950, "{}", tree.splits.len());
    }
}

#[test]
fn a_share_made_of_a_count_is_that_count() {
    for features in 1..3000_usize {
        let root = (features as f64).sqrt().floor() as usize;
        let share = crate::averaged::features_of_a_node(None, &binary(), features);
        assert_eq!(super::super::allowed::count_of(share, features), root, "{features}");
    }
    assert_eq!(super::super::allowed::count_of(0.07, 100), 7);
    assert_eq!(super::super::allowed::count_of(0.071, 100), 8);
    assert_eq!(super::super::allowed::count_of(1e-9, 100), 1);
}

#[test]
fn a_rare_class_is_no_reason_to_go_astray() {
    let rare = |seed: u64| {
        let draws = Draws::new(Seed(seed), "rare");
        let u = |row: usize, n: u32| draws.uniform_at(&(row as u128).to_le_bytes(), n);
        let x = |n: u32| numbers((0..20_000).map(|row| u(row, n)));
        let share = |row: usize| if u(row, 0) > 0.95 && u(row, 1) > 0.8 { 0.5 } else { 0.0 };
        let y = (0..20_000).map(|row| f64::from(u8::from(u(row, 3) < share(row))));
        batch(vec![("a", x(0)), ("b", x(1)), ("c", x(2))], y.collect())
    };
    let (seen, fresh) = (rare(1), rare(2));
    let loss = |model: &Model| {
        let found = predict(model, &fresh).values;
        let one = |(p, y): (&f64, &f64)| -ln((if *y == 1.0 { *p } else { 1.0 - p }).max(1e-15));
        found.iter().zip(&fresh.training().target).map(one).sum::<f64>() / fresh.rows() as f64
    };
    let share = fresh.training().target.iter().sum::<f64>() / fresh.rows() as f64;
    let base = -share * ln(share) - (1.0 - share) * ln(1.0 - share);
    let found = loss(&fit(&BoostedTrees::default(), &binary(), &seen).model);
    assert!(found < 0.5 * base, "{found} is not much less than {base}");
}

#[test]
fn every_one_of_the_most_bins_is_told_apart_and_null_from_all() {
    let rows = 65_535 * 2 + 1;
    let value = |row: usize| if row == rows - 1 { f64::NAN } else { (row / 2) as f64 };
    // Null and the highest value differ from what is next to them.
    let target = |row: usize| if row + 3 >= rows { [10.0, 10.0, -10.0][row + 3 - rows] } else { 0.0 };
    let data = batch(vec![("x", numbers((0..rows).map(value)))], (0..rows).map(target).collect());
    let of = json!({
        "trees": 1, "learning_rate": 1, "leaves": 3, "bins": 65535, "min_rows_in_bin": 1, "min_rows": 1, "l2": 0,
    });
    let model = fit(&spec(of), &Task::Regression, &data).model;
    let found = predict(&model, &data).values;
    assert!((0..rows).all(|row| (found[row] - target(row)).abs() < 1e-9));
}
