use super::processes::check_two_processes;
use super::*;
use crate::{DecisionTree, ExtraTrees, RandomForest};

fn forest() -> RandomForest {
    RandomForest { trees: 20, depth: Some(8), ..RandomForest::default() }
}

fn extra() -> ExtraTrees {
    ExtraTrees { trees: 20, depth: Some(8), ..ExtraTrees::default() }
}

fn squared_error(model: &Model, data: &Batch) -> f64 {
    let found = predict(model, data).values;
    found.iter().zip(&data.training().target).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / data.rows() as f64
}

#[test]
fn laws_of_averaged_trees() {
    let weights = (0..3000).map(|row| [1.0, 0.5, 0.0, 2.25][row % 4]).collect();
    let uneven = (0..3000).map(|row| if row % 500 == 7 { 300.0 } else { 1.0 + (row % 3) as f64 }).collect();
    for (task, data) in [
        (Task::Regression, values(3000)),
        (binary(), two_classes(30_000)),
        (multiclass(3), three_classes(3000)),
        (binary(), weighted(two_classes(3000), weights)),
        (Task::Regression, weighted(values(3000), uneven)),
    ] {
        check_laws(&RandomForest { trees: 3, ..forest() }, &task, &data);
        check_laws(&ExtraTrees { trees: 3, ..extra() }, &task, &data);
        check_laws(&DecisionTree::default(), &task, &data);
    }
}

#[test]
fn a_tree_alone_learns_its_rows_by_heart() {
    let data = values(1500);
    let fine = DecisionTree { bins: 5000, ..DecisionTree::default() };
    assert!(squared_error(&testing::fit(&fine, &Task::Regression, &data).unwrap().model, &data) < 1.0);
    let classes = two_classes(1500);
    let model = testing::fit(&fine, &binary(), &classes).unwrap().model;
    let right = predict(&model, &classes).values;
    assert!(right.iter().all(|p| (0.0..=1.0).contains(p)));
    assert!(right.iter().zip(&classes.training().target).filter(|(p, y)| p == y).count() > 1450);
}

#[test]
fn a_row_of_much_weight_leaves_the_others_theirs() {
    let data = values(2000);
    let heavy = weighted(values(2000), (0..2000).map(|row| if row == 7 { 1000.0 } else { 1.0 }).collect());
    let error = |data: &Batch| squared_error(&testing::fit(&extra(), &Task::Regression, data).unwrap().model, data);
    let (even, uneven) = (error(&data), error(&heavy));
    assert!(uneven < 1.5 * even, "{uneven} to {even}");
}

#[test]
fn drawn_sets_of_levels_take_no_options_of_sorted_ones() {
    let categories = crate::averaged::Categories { smoothing: 9.0, ..Default::default() };
    let spec = ExtraTrees { categories, ..extra() };
    let error = testing::fit(&spec, &Task::Regression, &values(30)).expect_err("refused");
    assert_eq!(error.message, "`categories.smoothing` says nothing to `extra_trees`");
}

#[test]
fn a_node_of_one_class_is_a_leaf() {
    let y = by_threes(600).map(|x| f64::from(u8::from(x >= 50.0)));
    let data = batch(vec![("x", numbers(by_threes(600)))], y.collect());
    let model = testing::fit(&DecisionTree::default(), &binary(), &data).unwrap().model;
    assert_eq!(
        (model.trees().next().unwrap().splits.len(), &model.trees().next().unwrap().leaves[..]),
        (1, &[0.0, 1.0][..])
    );
    let forest = testing::fit(&RandomForest { trees: 7, ..RandomForest::default() }, &binary(), &data).unwrap().model;
    assert!(forest.trees().all(|tree| tree.splits.len() <= 1));
    assert_eq!(predict(&forest, &data).values[..140], [0.0; 140]);
    let constant = batch(vec![("x", numbers(by_threes(60)))], vec![0.3; 60]);
    let model = testing::fit(&RandomForest::default(), &Task::Regression, &constant).unwrap().model;
    assert!(model.trees().all(|tree| tree.splits.is_empty()) && model.trees.len() == 100);
    assert!((predict(&model, &constant).values[0] - 0.3).abs() < 1e-12);
}

#[test]
fn many_trees_err_less_than_one() {
    let (train, test) = (values(3000), values(6000));
    let test = test.take(&(3000..6000).collect::<Vec<_>>());
    let error = |model: Model| squared_error(&model, &test);
    let one = error(testing::fit(&DecisionTree::default(), &Task::Regression, &train).unwrap().model);
    let many = RandomForest { trees: 50, column_sample_by_node: Some(0.4), ..RandomForest::default() };
    let forest = error(testing::fit(&many, &Task::Regression, &train).unwrap().model);
    let drawn = error(
        testing::fit(&ExtraTrees { trees: 50, ..ExtraTrees::default() }, &Task::Regression, &train).unwrap().model,
    );
    assert!(forest < 0.7 * one && drawn < 0.9 * one, "{one} {forest} {drawn}");
}

#[test]
fn one_tree_tells_the_shares_of_all_classes() {
    let data = three_classes(1500);
    let fine = DecisionTree { bins: 5000, ..DecisionTree::default() };
    let model = testing::fit(&fine, &multiclass(3), &data).unwrap().model;
    let found = predict(&model, &data);
    let right = (0..1500).filter(|row| found.row(*row)[data.training().target[*row] as usize] == 1.0).count();
    assert!(right > 1450, "{right}");
    for model in [model, testing::fit(&extra(), &multiclass(3), &data).unwrap().model] {
        let trees: Vec<_> = model.trees().collect();
        for round in trees.chunks(3) {
            assert!(round.iter().all(|tree| tree.splits == round[0].splits && tree.covers == round[0].covers));
            let shares = (0..round[0].leaves.len()).map(|leaf| round.iter().map(|tree| tree.leaves[leaf]).sum::<f64>());
            assert!(shares.into_iter().all(|sum| (sum - 1.0).abs() < 1e-12));
        }
    }
}

#[test]
fn a_split_for_all_classes_has_the_least_impurity() {
    let cell = |row: usize| (row * 7919 % 23) as f64;
    let names: Vec<String> = (0..400).map(|row| format!("level {}", row * 31 % 4)).collect();
    let x: Vec<f64> = (0..400).map(|row| if row % 7 == 0 { f64::NAN } else { cell(row) }).collect();
    let target: Vec<f64> = (0..400)
        .map(|row| match row {
            row if row % 7 == 0 => 2.0,
            row if row % 3 == 0 => f64::from(u8::from(cell(row) > 9.0)),
            row => (row * 31 % 4 % 3) as f64,
        })
        .collect();
    let weight: Vec<f64> = (0..400).map(|row| [1.0, 2.0, 0.0, 0.5][row % 4]).collect();
    let impurity = |left: &dyn Fn(usize) -> bool| {
        let mut sides = [[0.0; 3]; 2];
        (0..400).for_each(|row| sides[usize::from(left(row))][target[row] as usize] += weight[row]);
        let of = |side: [f64; 3]| {
            let all: f64 = side.iter().sum();
            if all == 0.0 { f64::INFINITY } else { all - side.iter().map(|of| of * of).sum::<f64>() / all }
        };
        of(sides[0]) + of(sides[1])
    };
    let of_number = |null_left: bool| {
        let x = &x;
        let at = move |cut: usize| impurity(&|row| if x[row].is_nan() { null_left } else { x[row] <= cut as f64 });
        (0..23).map(at).collect::<Vec<_>>()
    };
    let of_levels = |bits: u32| impurity(&|row| bits >> (row * 31 % 4) & 1 == 1);
    let numbers_alone = [of_number(true), of_number(false)].concat().into_iter().fold(f64::INFINITY, f64::min);
    let levels_alone = (1..15).map(of_levels).fold(f64::INFINITY, f64::min);
    let columns = [("x", numbers(x.clone())), ("level", category(names.iter().map(|name| &**name)))];
    for (column, expected) in columns.into_iter().zip([numbers_alone, levels_alone]) {
        let data = weighted(batch(vec![column], target.clone()), weight.clone());
        let spec = DecisionTree { leaves: 2, ..DecisionTree::default() };
        let model = testing::fit(&spec, &multiclass(3), &data).unwrap().model;
        let found = predict(&model, &data);
        let (first, all) = (found.row(1).to_vec(), impurity(&|_| true) + impurity(&|_| false));
        assert!(all.is_infinite());
        let of_model = impurity(&|row| found.row(row) == first);
        assert!((of_model - expected).abs() < 1e-9, "{of_model} {expected}");
    }
}

#[test]
fn values_are_cut_midway_between_those_of_a_node() {
    let x = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    let z = x.map(|x| f64::from(u8::from(x % 4.0 != 0.0)));
    let target = x.map(|x| if x % 4.0 != 0.0 { 1.0 } else { f64::from(u8::from(x == 8.0)) * 2.0 });
    let far = target.map(|y| if y == 1.0 { 99.0 } else { y });
    for (task, target) in [(multiclass(3), target), (Task::Regression, far)] {
        let data = batch(vec![("x", numbers(x)), ("z", numbers(z))], target.to_vec());
        let model = testing::fit(&DecisionTree::default(), &task, &data).unwrap().model;
        // Of the rows whose z is 0 the values are 0, 4 and 8; others have those between.
        assert_eq!(cuts_of(&model, 0), [5.5]);
    }
}

#[test]
fn two_processes_grow_what_one_does() {
    let weights = (0..2000).map(|row| [1.0, 0.5, 0.0, 2.25][row % 4]).collect();
    for data in [three_classes(2000), weighted(three_classes(2000), weights)] {
        check_two_processes(&RandomForest { trees: 3, ..forest() }, &multiclass(3), &data);
        check_two_processes(&ExtraTrees { trees: 3, ..extra() }, &multiclass(3), &data);
    }
}

#[test]
fn shares_of_classes_sum_to_1() {
    let data = three_classes(2000);
    for model in [
        testing::fit(&forest(), &multiclass(3), &data).unwrap().model,
        testing::fit(&extra(), &multiclass(3), &data).unwrap().model,
        testing::fit(&DecisionTree { depth: Some(3), ..DecisionTree::default() }, &multiclass(3), &data).unwrap().model,
    ] {
        let found = predict(&model, &data);
        assert!((0..found.rows()).all(|row| (found.row(row).iter().sum::<f64>() - 1.0).abs() < 1e-12));
    }
}

#[test]
fn few_large_targets_leave_the_others_theirs() {
    let x: Vec<f64> = (0..4000).map(|row| f64::from(row) / 4000.0).collect();
    let y: Vec<f64> = x.iter().map(|x| if *x > 0.999 { 1e5 * x } else { (10.0 * x).floor() }).collect();
    let data = batch(vec![("x", numbers(x))], y.clone());
    let off = |data: &Batch| {
        let model = testing::fit(&forest(), &Task::Regression, data).unwrap().model;
        let found = predict(&model, data).values;
        let mut off: Vec<f64> = found.iter().zip(&y).map(|(a, b)| (a - b).abs()).collect();
        off.sort_by(f64::total_cmp);
        off[2000]
    };
    let weights = |of: [f64; 4]| (0..4000).map(|row| of[row % 4]).collect();
    assert!(off(&data) < 0.01, "{}", off(&data));
    for of in [[1.5; 4], [1.0, 2.5, 0.25, 0.5]] {
        let data = weighted(data.clone(), weights(of));
        assert!(off(&data) < 0.1, "{}", off(&data));
    }
}

#[test]
fn the_rows_of_extreme_values_are_told_apart() {
    let x: Vec<f64> = (0..4000).map(|row| f64::from(row) / 4000.0).collect();
    let y: Vec<f64> = (0..4000).map(|row| if row >= 3998 { 1000.0 } else { 0.0 }).collect();
    let data = batch(vec![("x", numbers(x))], y);
    let tree = testing::fit(&DecisionTree::default(), &Task::Regression, &data).unwrap().model;
    let found = predict(&tree, &data).values;
    assert_eq!(found[3990..], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1000.0, 1000.0]);
}

#[test]
fn nodes_of_equal_targets_are_no_further_split_whatever_rows_weigh() {
    let x: Vec<f64> = (0..5000).map(|row| f64::from(row) / 5000.0).collect();
    let z: Vec<f64> = (0..5000).map(|row| f64::from(row * 7919 % 5000)).collect();
    let y: Vec<f64> = x.iter().map(|x| f64::from(u8::from(*x > 0.5))).collect();
    let data = batch(vec![("x", numbers(x)), ("z", numbers(z))], y);
    let data = weighted(data, (0..5000).map(|row| 0.5 + f64::from(row * 31 % 101) / 100.0).collect());
    for task in [Task::Regression, binary()] {
        let tree = testing::fit(&DecisionTree::default(), &task, &data).unwrap().model;
        assert!(tree.trees.feature.len() <= 12, "{} splits", tree.trees.feature.len());
    }
}

#[test]
fn small_nodes_are_split_by_categories() {
    let names: Vec<String> = (0..20).map(|level| format!("level {level}")).collect();
    let level = |row: usize| row * 7919 % 20;
    let cells = category((0..2000).map(|row| &*names[level(row)]));
    let x: Vec<f64> = (0..2000).map(|row| (row / 20) as f64).collect();
    let y = (0..2000).map(|row| 10.0 * x[row] + level(row) as f64).collect();
    let data = batch(vec![("cat", cells), ("x", numbers(x))], y);
    let model = testing::fit(&forest(), &Task::Regression, &data).unwrap().model;
    let found = predict(&model, &data).values;
    let off = found.iter().zip(&data.training().target).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / 2000.0;
    // The levels alone vary by 33.
    assert!(off < 20.0, "{off}");
}

/// The thresholds of a feature in the first tree.
fn cuts_of(model: &Model, feature: u32) -> Vec<f64> {
    let of_feature = model.trees().next().unwrap().splits.into_iter().filter(|split| split.feature == feature);
    let threshold = |split: super::super::tree::TreeSplit| match split.test {
        super::super::tree::Test::Number { threshold, .. } => threshold,
        other => panic!("{other:?}"),
    };
    of_feature.map(threshold).collect()
}

/// Which share of many trees of one split parts the first value from the others.
fn cuts_after(model: &Model, threshold: f64) -> f64 {
    let cuts: Vec<f64> = model
        .trees()
        .map(|tree| match tree.splits[0].test {
            super::super::tree::Test::Number { threshold, .. } => threshold,
            ref other => panic!("{other:?}"),
        })
        .collect();
    cuts.iter().filter(|cut| **cut == threshold).count() as f64 / cuts.len() as f64
}

#[test]
fn cuts_are_drawn_evenly_between_the_least_and_the_greatest_value() {
    let spec = ExtraTrees { leaves: 2, trees: 1000, ..extra() };
    let check = |values: [f64; 3], threshold: f64, expected: f64| {
        let data = batch(vec![("x", numbers((0..90).map(|row| values[row % 3])))], (0..90).map(f64::from).collect());
        let share = cuts_after(&testing::fit(&spec, &Task::Regression, &data).unwrap().model, threshold);
        assert!((share - expected).abs() < 0.05, "{values:?}: {share}");
    };
    check([0.0, 1.0, 2.0], 0.5, 0.5);
    check([0.0, 1.0, 10.0], 0.5, 0.1);
    check([0.0, 9.0, 10.0], 4.5, 0.9);
}

#[test]
fn a_drawn_set_of_levels_is_never_all_or_none() {
    for levels in [2, 3, 5] {
        let data = batch(
            vec![("x", category((0..90).map(|row| ["a", "b", "c", "d", "e"][row % levels])))],
            (0..90).map(|row| [0.0, 1.0, 5.0, 2.0, 9.0][row % levels]).collect(),
        );
        let model = testing::fit(&extra(), &Task::Regression, &data).unwrap().model;
        assert!(model.trees().all(|tree| tree.leaves.len() == levels), "{levels}");
    }
}

#[test]
fn a_node_is_split_where_any_feature_splits_it_whichever_are_drawn() {
    let column = |of: &dyn Fn(usize) -> usize| numbers((0..256).map(|row| of(row) as f64));
    let bits = (0..8).map(|bit| column(&|row| row >> bit & 1));
    let coarse = (0..4).map(|key| column(&|row| (row / 4 * (2 * key + 1) + key) % 64));
    let fine = (0..2).map(|bit| column(&|row| row >> bit & 1));
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for columns in [bits.collect::<Vec<_>>(), coarse.chain(fine).collect()] {
        let target = (0..256).map(|row| f64::from(row * 37 % 256)).collect();
        let data = batch(NAMES.into_iter().zip(columns).collect(), target);
        let spec =
            RandomForest { trees: 5, bootstrap: false, column_sample_by_node: Some(0.01), ..RandomForest::default() };
        for threads in [1, 2] {
            let model = testing::fit_on(&spec, &Task::Regression, &data.schema(), std::slice::from_ref(&data), threads)
                .unwrap()
                .model;
            assert!(model.trees().all(|tree| tree.leaves.len() == 256));
        }
    }
}

#[test]
fn a_row_that_no_class_claims_has_the_shares_of_all_rows() {
    let data = batch(vec![("x", numbers((0..4).map(f64::from)))], vec![0.0, 1.0, 1.0, 2.0]);
    let mut model = testing::fit(&DecisionTree::default(), &multiclass(3), &data).unwrap().model;
    assert_eq!(model.start, [0.25, 0.5, 0.25]);
    let scores = |model: &Model| {
        let mut scores = vec![0.0; 3];
        model.link.finish(&mut scores, model.rounds(), &model.start);
        scores
    };
    assert_eq!(scores(&model), [0.25, 0.5, 0.25]);
    model.start = vec![0.0; 3];
    assert_eq!(scores(&model), [1.0 / 3.0; 3]);
}

#[test]
fn weights_cost_no_split() {
    let [x, far] = [7, 2].map(|of| (0..2000).map(move |row| f64::from(row % of)).collect::<Vec<f64>>());
    let y: Vec<f64> = x.iter().zip(&far).map(|(x, far)| x + 100.0 * far).collect();
    let data = batch(vec![("far", numbers(far)), ("x", numbers(x))], y.clone());
    for of in [[3.0; 2], [0.7; 2], [1.0, 10.0], [1.0, 300.0]] {
        let data = weighted(data.clone(), (0..2000).map(|row| of[row % 2]).collect());
        for found in [
            predict(&testing::fit(&DecisionTree::default(), &Task::Regression, &data).unwrap().model, &data),
            predict(&testing::fit(&forest(), &Task::Regression, &data).unwrap().model, &data),
        ] {
            let off = found.values.iter().zip(&y).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off < 1e-9, "{of:?}: {off}");
        }
    }
}

#[test]
fn a_tree_for_which_no_row_is_drawn_knows_how_often_each_class_is() {
    let data = batch(vec![("x", numbers([1.0, 2.0, 3.0]))], vec![0.0, 1.0, 2.0]);
    let model = testing::fit(&RandomForest { trees: 60, ..forest() }, &multiclass(3), &data).unwrap().model;
    let found = predict(&model, &data);
    assert!(found.values.iter().all(|share| (0.0..=1.0).contains(share)), "{:?}", found.values);
}
