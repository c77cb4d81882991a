use super::*;

fn monotone(direction: Direction) -> BoostedTrees {
    BoostedTrees { trees: 40, monotone: [("n00".to_owned(), direction)].into(), ..BoostedTrees::default() }
}

/// Predictions of some rows with one feature at ever higher values.
fn along(model: &Model, data: &Batch, feature: &str) -> Vec<Vec<f64>> {
    let rows: Vec<usize> = (0..60).collect();
    (0..=40)
        .map(|step| {
            let mut some = data.take(&rows);
            some.insert(name(feature), numbers(vec![f64::from(step) / 40.0; rows.len()]));
            predict(model, &some).values
        })
        .collect()
}

#[test]
fn predictions_follow_the_direction_of_a_monotone_feature() {
    let bumpy = |rows| mixed(rows, |x, u, level| evenstep_exact::maths::sin(9.0 * x) + u + (level % 3) as f64);
    let data = bumpy(3000);
    let up = |spec: &BoostedTrees| {
        let lines = along(&fit(spec, &Task::Regression, &data).model, &data, "n00");
        let moved = |keep: &dyn Fn(f64, f64) -> bool| {
            lines.windows(2).all(|pair| pair[0].iter().zip(&pair[1]).all(|(a, b)| keep(*a, *b)))
        };
        (moved(&|a, b| a <= b), moved(&|a, b| a >= b))
    };
    assert_eq!(up(&BoostedTrees::default()), (false, false));
    assert_eq!(up(&monotone(Direction::Increasing)), (true, false));
    assert!(up(&monotone(Direction::Decreasing)).1);
    check_laws(&BoostedTrees { trees: 5, ..monotone(Direction::Increasing) }, &Task::Regression, &data);
    let classes = two_classes(3000);
    let model = fit(&monotone(Direction::Decreasing), &binary(), &classes).model;
    let lines = along(&model, &classes, "n00");
    assert!(lines.windows(2).all(|pair| pair[0].iter().zip(&pair[1]).all(|(a, b)| a >= b)));
}

#[test]
fn branches_split_on_features_of_one_set() {
    let data = values(3000);
    let sets: Vec<Vec<String>> = vec![vec!["n00".into(), "n01".into()], vec!["n01".into(), "cat".into()]];
    let spec = BoostedTrees { trees: 10, interactions: sets.clone(), ..BoostedTrees::default() };
    let model = fit(&spec, &Task::Regression, &data).model;
    let names: Vec<ColumnName> = data.schema().into_keys().collect();
    let mut in_sets = 0;
    for tree in model.trees() {
        let mut above: Vec<Vec<&str>> = vec![Vec::new(); tree.splits.len()];
        for (at, split) in tree.splits.iter().enumerate() {
            let mut branch = above[at].clone();
            branch.push(names[split.feature as usize].as_str());
            let named = |name: &&str| sets.iter().flatten().any(|one| one == name);
            let within = |set: &Vec<String>| branch.iter().all(|name| set.iter().any(|one| one == name));
            assert!(sets.iter().any(within) || !branch.iter().any(named), "{branch:?}");
            in_sets += usize::from(branch.len() > 1 && branch.iter().all(named));
            for child in split.children {
                if let crate::boosted_trees::grow::Child::Split(next) = child {
                    above[next as usize] = branch.clone();
                }
            }
        }
    }
    assert!(in_sets > 0);
    check_laws(&BoostedTrees { trees: 3, ..spec }, &Task::Regression, &data);
}

#[test]
fn growth_by_depth_fills_level_after_level() {
    let data = values(4000);
    let spec = BoostedTrees { trees: 1, leaves: 8, growth: Growth::Depth, ..BoostedTrees::default() };
    let depths = |tree: &crate::boosted_trees::tree::Tree| {
        let mut depth = vec![1; tree.splits.len()];
        for (at, split) in tree.splits.iter().enumerate() {
            for child in split.children {
                if let crate::boosted_trees::grow::Child::Split(next) = child {
                    depth[next as usize] = depth[at] + 1;
                }
            }
        }
        depth
    };
    let tree = fit(&spec, &Task::Regression, &data).model.trees().next().unwrap();
    assert_eq!(depths(&tree), [1, 2, 2, 3, 3, 3, 3]);
    check_laws(&BoostedTrees { trees: 4, depth: Some(4), leaves: 12, ..spec }, &Task::Regression, &data);
}

#[test]
fn the_order_of_growth_is_nothing_to_a_tree_without_a_bound_on_leaves() {
    let data = values(3000);
    let fit = |growth: Growth, leaves: u32| {
        let spec = BoostedTrees { trees: 3, depth: Some(4), leaves, growth, ..BoostedTrees::default() };
        predict(&fit(&spec, &Task::Regression, &data).model, &data).values
    };
    assert_eq!(fit(Growth::Leaf, 16), fit(Growth::Depth, 16));
    assert_eq!(fit(Growth::Leaf, 16), fit(Growth::Leaf, 30_000));
}

#[test]
fn features_are_drawn_by_level_and_by_node() {
    let data = values(3000);
    for spec in [
        BoostedTrees { column_sample_by_node: 0.2, ..BoostedTrees::default() },
        BoostedTrees { column_sample_by_level: 0.2, column_sample: 0.8, ..BoostedTrees::default() },
    ] {
        let model = fit(&BoostedTrees { trees: 20, ..spec.clone() }, &Task::Regression, &data).model;
        let roots: std::collections::BTreeSet<u32> = model.trees().map(|tree| tree.splits[0].feature).collect();
        assert!(roots.len() > 3, "{roots:?}");
        check_laws(&BoostedTrees { trees: 3, ..spec }, &Task::Regression, &data);
    }
}

#[test]
fn wrong_constraints_are_said_before_the_fit() {
    let features: Schema = [(name("area"), numbers([]).kind()), (name("street"), category([]).kind())].into();
    let check = |written: serde_json::Value, task: &Task, expected: &str| {
        let spec: BoostedTrees = serde_json::from_value(written).unwrap();
        let error = Family::check(&spec, task, &features).unwrap_err();
        let said = format!("{error}; {}", error.help.clone().unwrap_or_default());
        assert!(said.contains(expected), "{said}");
    };
    check(json!({ "monotone": { "are": "increasing" } }), &Task::Regression, "did you mean `area`?");
    check(json!({ "monotone": { "street": "increasing" } }), &Task::Regression, "a category, of which nothing rises");
    check(json!({ "monotone": { "area": "increasing" } }), &multiclass(3), "one for each class");
    check(json!({ "interactions": [["area", "stret"]] }), &Task::Regression, "did you mean `street`?");
    check(json!({ "quantile": 0.3 }), &Task::Regression, "it is for `objective = \"quantile\"`");
    check(json!({ "quantile": 1.0, "objective": "quantile" }), &Task::Regression, "between 0 and 1");
    check(json!({ "tweedie_power": 2.0, "objective": "tweedie" }), &Task::Regression, "between 1 and 2");
    check(json!({ "gradient_bits": 16 }), &Task::Regression, "it lies between 8 and 15");
    check(json!({ "column_sample_by_node": 0.0 }), &Task::Regression, "above 0 and at most 1");
}
