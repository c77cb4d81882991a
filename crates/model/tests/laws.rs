//! What every family of the catalogue keeps to. Nothing can opt out.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};

use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::{Peers, Workers};
use evenstep_model::{AnyFamily, AnyModel, CATALOGUE, ModelError, Run, Stored, Tensor, Trained, Training, parse};
use evenstep_table::{Batch, Coded, Column, ColumnName, Labels, RowKey, Schema, Task};
use serde_json::{Value, json};

const ROWS: usize = 300;

/// A task with its rows, in one batch.
struct Case {
    about: String,
    task: Task,
    rows: Batch,
}

fn name(name: &str) -> ColumnName {
    ColumnName::new(name).expect("a name")
}

fn tasks() -> [Task; 3] {
    let classes = || ["no", "yes"].map(str::to_owned);
    let three = ["a", "b", "c"].map(str::to_owned).into();
    [Task::Regression, Task::Binary { classes: classes() }, Task::Multiclass { classes: three }]
}

/// Features of three types, some with nulls and one a category if `mixed`, and a target that depends on them.
fn rows(task: &Task, mixed: bool, weighted: bool) -> Batch {
    let draws = Draws::new(Seed(11), "laws");
    // Row 7 k has the key of row 7 k − 1: equal keys are told apart by their occurrence.
    let key = |row: usize| if row.is_multiple_of(7) && row > 0 { row - 1 } else { row };
    let keys: Vec<RowKey> = (0..ROWS).map(|row| RowKey((key(row) as u128).to_le_bytes())).collect();
    let draw = |n: u32| (0..ROWS).map(move |row| (row as u128).to_le_bytes()).map(move |row| (row, n));
    let uniform = |n: u32| draw(n).map(|(row, n)| draws.uniform_at(&row, n)).collect::<Vec<f64>>();
    let (width, height, noise) = (uniform(0), uniform(1), uniform(2));
    let count: Vec<i64> = uniform(3).iter().map(|x| (x * 12.0) as i64 - 4).collect();
    let flag: Vec<u8> = uniform(4).iter().map(|x| u8::from(*x < 0.3)).collect();
    let score = |row: usize| {
        10.0 * width[row] - 3.0 * height[row] * height[row]
            + 0.3 * count[row] as f64
            + f64::from(flag[row])
            + noise[row]
    };
    let target = |row: usize| match task {
        Task::Regression | Task::Ranking => score(row),
        Task::Binary { .. } => f64::from(u8::from(score(row) > 5.0)),
        Task::Multiclass { .. } => f64::from(u8::from(score(row) > 3.0) + u8::from(score(row) > 6.0)),
    };
    let mut batch = Batch::new(keys);
    let with_nulls = |cells: &[f64]| {
        let null = |row: usize| mixed && (row * 13).is_multiple_of(11);
        cells.iter().enumerate().map(|(row, x)| if null(row) { f64::NAN } else { *x }).collect()
    };
    batch.insert(name("width"), Column::Number(with_nulls(&width)));
    batch.insert(name("height"), Column::Number(height.iter().map(|x| x * 1e6 - 3e5).collect()));
    batch.insert(name("count"), Column::Integer(count.clone()));
    batch.insert(name("flag"), Column::Boolean(flag.clone()));
    batch.insert(name("always"), Column::Number(vec![0.1; ROWS]));
    if mixed {
        let level =
            |row: usize| (!row.is_multiple_of(9)).then(|| ["north", "south", "east", "west", "é"][row * 31 % 5]);
        batch.insert(name("place"), Column::Category(Coded::from_strings((0..ROWS).map(level))));
    }
    batch.labels = Some(Arc::new(Labels {
        occurrence: (0..ROWS).map(|row| (row - key(row)) as u32).collect(),
        target: (0..ROWS).map(target).collect(),
        weight: if weighted { uniform(5).iter().map(|x| (x * 4.0).floor() / 3.0).collect() } else { Vec::new() },
        ..Labels::default()
    }));
    batch
}

/// Every case that the family says it can do.
fn cases(family: &Arc<dyn AnyFamily>) -> Vec<Case> {
    let mut cases = Vec::new();
    for task in tasks() {
        for (mixed, weighted) in [(false, false), (false, true), (true, false), (true, true)] {
            let rows = rows(&task, mixed, weighted);
            if family.check(&task, &rows.schema()).is_ok() {
                let about = format!("{}, {task:?}, mixed {mixed}, weighted {weighted}", family.name());
                cases.push(Case { about, task: task.clone(), rows });
            }
        }
    }
    cases
}

type Fitted = Result<Trained<Box<dyn AnyModel>>, ModelError>;

fn fit(family: &Arc<dyn AnyFamily>, task: &Task, features: &Schema, batches: &[Batch], threads: usize) -> Fitted {
    fit_by(family, task, features, batches, &Workers::threads(threads))
}

fn fit_by(family: &Arc<dyn AnyFamily>, task: &Task, features: &Schema, batches: &[Batch], workers: &Workers) -> Fitted {
    let run = Run { workers, draws: Draws::new(Seed(2026), "model"), progress: &|_, _, _| () };
    family.clone().fit(&Training { batches, features, task }, &run)
}

/// A model to the last bit.
fn bits(stored: &Stored) -> String {
    let tensor = |tensor: &Tensor| match tensor {
        Tensor::F64(numbers) => format!("{:x?}", numbers.iter().map(|x| x.to_bits()).collect::<Vec<u64>>()),
        other => format!("{other:?}"),
    };
    let tensors: Vec<String> = stored.tensors.iter().map(|(name, of)| format!("{name}: {}", tensor(of))).collect();
    format!("{} {}", stored.facts, tensors.join("\n"))
}

/// All that a fit says, to the last bit; of an error its message.
fn outcome(fitted: Fitted) -> String {
    match fitted {
        Ok(trained) => {
            let shares: Vec<u64> = trained.importance.iter().map(|of| of.share.to_bits()).collect();
            format!("{}\n{shares:x?}\n{:?}\n{:?}", bits(&trained.model.store()), trained.curve, trained.notes)
        }
        Err(error) => error.message,
    }
}

/// The rows in another order and grouping, their columns added in another order.
fn regrouped(rows: &Batch, order: &[usize], chunk: usize) -> Vec<Batch> {
    let reordered = |batch: Batch| {
        let mut other = Batch::new(batch.keys.to_vec());
        let mut columns: Vec<(&ColumnName, &Column)> = batch.columns().collect();
        columns.reverse();
        columns.into_iter().for_each(|(name, column)| other.insert(name.clone(), column.clone()));
        other.labels = batch.labels.clone();
        other
    };
    order.chunks(chunk).map(|rows_of_chunk| reordered(rows.take(rows_of_chunk))).collect()
}

/// Rows as scoring sees them.
fn unlabelled(mut rows: Batch) -> Batch {
    rows.labels = None;
    rows
}

fn predicted(model: &dyn AnyModel, rows: &Batch) -> Vec<u64> {
    model.predict(rows).values.iter().map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() }).collect()
}

/// What the features of each row add, if the family can say.
fn explained(model: &dyn AnyModel, rows: &Batch) -> Option<Vec<u64>> {
    let contributions = model.explain(rows)?;
    assert_eq!(contributions.features, model.features().len());
    assert_eq!(contributions.values.len(), rows.rows() * contributions.width * contributions.features);
    assert_eq!(contributions.width, model.predict(rows).width);
    Some(contributions.values.iter().map(|x| x.to_bits()).collect())
}

#[test]
fn no_order_grouping_or_thread_changes_a_bit() {
    let mut ran = 0;
    for entry in CATALOGUE {
        let family = (entry.example)();
        for Case { about, task, rows } in cases(&family) {
            let features = rows.schema();
            let whole = outcome(fit(&family, &task, &features, std::slice::from_ref(&rows), 1));
            let orders: [Vec<usize>; 3] = [
                (0..ROWS).rev().collect(),
                (0..ROWS).map(|row| row * 7 % ROWS).collect(),
                (0..ROWS).map(|row| (row * 77 + 5) % ROWS).collect(),
            ];
            for (order, chunk, threads) in [(&orders[0], 1, 2), (&orders[1], 64, 7), (&orders[2], ROWS, 1)] {
                let mut batches = regrouped(&rows, order, chunk);
                batches.insert(batches.len() / 2, rows.take(&[]));
                assert_eq!(outcome(fit(&family, &task, &features, &batches, threads)), whole, "{about}");
                ran += 1;
            }
        }
    }
    // Cases of each family, in the order of the catalogue, times three groupings.
    assert_eq!(ran, (4 * 12 + 12 + 2 + 4) * 3);
}

/// Two processes that hold some of the rows each, and share nothing but the bytes that either brings.
struct Pair {
    both: Barrier,
    brought: Mutex<Vec<Vec<u8>>>,
    rounds: AtomicUsize,
}

impl Peers for Pair {
    fn all_reduce(&self, mine: Vec<u8>, merge: &dyn Fn(Vec<u8>, Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        self.brought.lock().expect("no panic").push(mine);
        self.both.wait();
        let brought = self.brought.lock().expect("no panic").clone();
        if self.both.wait().is_leader() {
            self.brought.lock().expect("no panic").clear();
            self.rounds.fetch_add(1, Ordering::Relaxed);
        }
        self.both.wait();
        brought.into_iter().reduce(merge).expect("two brought something")
    }
}

#[test]
fn two_processes_learn_what_one_does() {
    let mut ran = 0;
    for entry in CATALOGUE {
        let family = (entry.example)();
        for Case { about, task, rows } in cases(&family) {
            let features = rows.schema();
            let alone = outcome(fit(&family, &task, &features, std::slice::from_ref(&rows), 1));
            let pair = Arc::new(Pair { both: Barrier::new(2), brought: Mutex::default(), rounds: AtomicUsize::new(0) });
            let learn = |is_third: bool| {
                let mine: Vec<usize> = (0..ROWS).filter(|row| row.is_multiple_of(3) == is_third).collect();
                let workers = Workers::threads(if is_third { 3 } else { 1 }).with_peers(pair.clone());
                outcome(fit_by(&family, &task, &features, &[rows.take(&mine)], &workers))
            };
            std::thread::scope(|scope| {
                let third = scope.spawn(|| learn(true));
                assert_eq!(learn(false), alone, "{about}: two thirds of the rows");
                assert_eq!(third.join().expect("no panic"), alone, "{about}: a third of the rows");
            });
            assert!(pair.rounds.load(Ordering::Relaxed) > 0, "{about}: each saw what the other had");
            ran += 1;
        }
    }
    // Cases of each family, in the order of the catalogue.
    assert_eq!(ran, 4 * 12 + 12 + 2 + 4);
}

#[test]
fn one_row_is_predicted_as_in_a_batch() {
    let mut ran = 0;
    for entry in CATALOGUE {
        let family = (entry.example)();
        for Case { about, task, rows } in cases(&family) {
            let features = rows.schema();
            let Ok(trained) = fit(&family, &task, &features, std::slice::from_ref(&rows), 2) else { continue };
            assert!(trained.model.features().iter().eq(features.keys()), "{about}: features in canonical order");
            let scored = unlabelled(rows.clone());
            let all = predicted(&*trained.model, &scored);
            let width = trained.model.predict(&scored).width;
            assert_eq!(width, if let Task::Multiclass { classes } = &task { classes.len() } else { 1 }, "{about}");
            let explained_together = explained(&*trained.model, &scored);
            let (mut one_by_one, mut explained_one_by_one) = (Vec::new(), Vec::new());
            for row in 0..ROWS {
                let mut one = scored.take(&[row]);
                one.insert(name("unheard of"), Column::Number(vec![f64::NAN]));
                one_by_one.extend(predicted(&*trained.model, &one));
                explained_one_by_one.extend(explained(&*trained.model, &one).unwrap_or_default());
            }
            assert_eq!(one_by_one, all, "{about}");
            assert_eq!(explained_one_by_one, explained_together.unwrap_or_default(), "{about}: an explanation");
            assert_eq!(predicted(&*trained.model, &scored.take(&[])), [0; 0], "{about}: no row, no prediction");
            check_probabilities(&about, &task, &*trained.model, &scored);
            ran += 1;
        }
    }
    assert!(ran >= 2 * CATALOGUE.len(), "{ran} models");
}

fn check_probabilities(about: &str, task: &Task, model: &dyn AnyModel, rows: &Batch) {
    let predictions = model.predict(rows);
    for row in 0..predictions.rows() {
        let of_row = predictions.row(row);
        if of_row[0].is_nan() {
            assert!(of_row.iter().all(|x| x.is_nan()), "{about}: a null prediction is null as a whole");
            continue;
        }
        assert!(of_row.iter().all(|x| x.is_finite()), "{about}: {of_row:?}");
        if *task != Task::Regression {
            assert!(of_row.iter().all(|x| (0.0..=1.0).contains(x)), "{about}: {of_row:?}");
        }
        if let Task::Multiclass { .. } = task {
            assert!((of_row.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{about}: {of_row:?}");
        }
    }
}

#[test]
fn models_are_restored_to_the_bit_and_damaged_ones_are_refused() {
    let mut ran = 0;
    for entry in CATALOGUE {
        let family = (entry.example)();
        for Case { about, task, rows } in cases(&family) {
            let features = rows.schema();
            let Ok(trained) = fit(&family, &task, &features, std::slice::from_ref(&rows), 2) else { continue };
            let stored = trained.model.store();
            let restored = family.clone().restore(&features, &task, &stored).expect(&about);
            assert_eq!(bits(&restored.store()), bits(&stored), "{about}");
            assert_eq!(predicted(&*restored, &rows), predicted(&*trained.model, &rows), "{about}");
            for of in stored.tensors.keys() {
                for damage in [remove, shorten, lengthen, poison] {
                    let mut damaged = stored.clone();
                    if damage(&mut damaged, of) {
                        let restored = family.clone().restore(&features, &task, &damaged);
                        assert!(restored.is_err(), "{about}: damaged `{of}` is taken for sound");
                        ran += 1;
                    }
                }
            }
        }
    }
    assert!(ran >= 4 * CATALOGUE.len(), "{ran} damages");
}

fn remove(stored: &mut Stored, name: &str) -> bool {
    stored.tensors.remove(name).is_some()
}

fn shorten(stored: &mut Stored, name: &str) -> bool {
    match stored.tensors.get_mut(name).expect("it is there") {
        Tensor::F64(of) => Arc::make_mut(of).pop().is_some(),
        Tensor::I64(of) => Arc::make_mut(of).pop().is_some(),
        Tensor::U32(of) => Arc::make_mut(of).pop().is_some(),
        Tensor::U8(of) => Arc::make_mut(of).pop().is_some(),
    }
}

fn lengthen(stored: &mut Stored, name: &str) -> bool {
    match stored.tensors.get_mut(name).expect("it is there") {
        Tensor::F64(of) => Arc::make_mut(of).push(0.5),
        Tensor::I64(of) => Arc::make_mut(of).push(1),
        Tensor::U32(of) => Arc::make_mut(of).push(1),
        Tensor::U8(of) => Arc::make_mut(of).push(1),
    }
    true
}

fn poison(stored: &mut Stored, name: &str) -> bool {
    match stored.tensors.get_mut(name) {
        Some(Tensor::F64(of)) if !of.is_empty() => Arc::make_mut(of)[0] = f64::INFINITY,
        _ => return false,
    }
    true
}

/// Rows of which little or nothing can be learned: an error or a model, but never a panic.
#[test]
fn tiny_empty_and_constant_rows_are_no_accident() {
    let mut ran = 0;
    for entry in CATALOGUE {
        let family = (entry.example)();
        for Case { about, task, rows } in cases(&family) {
            let features = rows.schema();
            let mut weightless = rows.clone();
            let mut labels = rows.training().clone();
            labels.weight = vec![0.0; ROWS];
            weightless.labels = Some(Arc::new(labels.clone()));
            labels.weight = Vec::new();
            labels.target = vec![1.0; ROWS];
            let mut constant_target = rows.clone();
            constant_target.labels = Some(Arc::new(labels));
            let nothing: &[Batch] = &[];
            let data: Vec<Vec<Batch>> = vec![
                nothing.to_vec(),
                vec![rows.take(&[])],
                vec![rows.take(&[1])],
                vec![rows.take(&[1]), rows.take(&[2])],
                vec![rows.take(&[5; 40])],
                vec![weightless],
                vec![constant_target],
                vec![rows.clone().retain(|_| false)],
            ];
            for (which, batches) in data.iter().enumerate() {
                let features = if which == 7 { Schema::new() } else { features.clone() };
                match fit(&family, &task, &features, batches, 2) {
                    Err(error) => assert!(!error.message.is_empty(), "{about}"),
                    Ok(trained) => {
                        assert!(![0, 1, 5].contains(&which), "{about}: a model of nothing, {which}");
                        check_probabilities(&about, &task, &*trained.model, &unlabelled(rows.clone()));
                    }
                }
                ran += 1;
            }
        }
    }
    assert_eq!(ran, (4 * 12 + 12 + 2 + 4) * 8);
}

#[test]
fn specs_are_read_back_with_every_default_written_out() {
    for entry in CATALOGUE {
        let family = (entry.example)();
        let again = parse(entry.name, family.spec()).expect(entry.name);
        assert_eq!(again.spec(), family.spec(), "{}", entry.name);
        assert_eq!((again.name(), family.name()), (entry.name, entry.name));
        assert!(entry.source.starts_with("//! "), "`{}` has a page", entry.name);
        let schema = (entry.schema)().to_value();
        let properties = schema["properties"].as_object().cloned().unwrap_or_default();
        for (property, of) in &properties {
            assert!(
                of["description"].is_string() || of["$ref"].is_string(),
                "`{}.{property}` is described",
                entry.name
            );
        }
        let spec = family.spec();
        assert!(spec.as_object().unwrap().keys().all(|key| properties.contains_key(key)), "{}", entry.name);
    }
}

#[test]
fn a_misspelt_parameter_is_told_by_path_with_a_suggestion() {
    let mut ran = 0;
    for entry in CATALOGUE {
        let spec = (entry.example)().spec();
        for key in spec.as_object().unwrap().keys().filter(|key| key.len() > 3) {
            let misspelt = key[..key.len() - 1].to_owned();
            let error = refused(entry.name, json!({ misspelt.clone(): 1 }));
            assert_eq!(error.path, std::slice::from_ref(&misspelt), "{}", entry.name);
            assert_eq!(error.message, format!("unknown parameter `{misspelt}`"));
            assert_eq!(error.help, Some(format!("did you mean `{key}`?")), "{}", entry.name);
            ran += 1;
        }
        let error = refused(entry.name, json!({ "colour of the sky": 1 }));
        assert!(error.help.is_some_and(|help| help.starts_with("it takes")), "{}", entry.name);
    }
    assert!(ran >= 15, "{ran} parameters");
    let error = refused("boosted_trees", json!({ "early_stopping": { "round": 5 } }));
    assert_eq!(
        (error.path.join("."), error.help),
        ("early_stopping.round".to_owned(), Some("did you mean `rounds`?".to_owned()))
    );
    let error = refused("ridge", json!({ "alpha": "strong" }));
    assert_eq!(error.path, ["alpha"]);
    assert!(error.message.contains("invalid type"), "{error}");
}

#[test]
fn peers_names_are_answered_with_ours() {
    let check = |family: &str, written: &str, help: &str| {
        let error = refused(family, json!({ written: 1 }));
        assert_eq!(error.help.as_deref(), Some(help), "{family}.{written}");
    };
    check("boosted_trees", "num_leaves", "`num_leaves` is called `leaves` here");
    check("boosted_trees", "n_estimators", "`n_estimators` is called `trees` here");
    check("boosted_trees", "eta", "`eta` is called `learning_rate` here");
    check("boosted_trees", "subsample", "`subsample` is called `row_sample` here");
    check("boosted_trees", "l2_leaf_reg", "`l2_leaf_reg` is called `l2` here");
    check("boosted_trees", "scale_pos_weight", "`scale_pos_weight` is called `positive_weight` here");
    check("boosted_trees", "random_state", "every draw derives from `[pipeline] seed`");
    let forest = "`goss` and `dart` are set by name; a forest is a model, `use = \"random_forest\"`";
    check("boosted_trees", "boosting_type", forest);
    let alpha = "XGBoost's is `l1`; LightGBM's is `quantile`, or with `objective = \"huber\"` `huber_delta`";
    check("boosted_trees", "alpha", alpha);
    check("ridge", "lambda", "`lambda` is called `alpha` here");
    check("ridge", "fit_intercept", "there is always an intercept");
    check("logistic_regression", "alpha", "`C` is the inverse of the penalty, 1/alpha");
    check("logistic_regression", "tolerance", "`tolerance` is called `tol` here");
    check("logistic_regression", "n_jobs", "`train --threads N` sets them, and no result depends on it");
    let unknown = |name: &str| {
        let error = refused(name, json!({}));
        (error.path.join("."), error.message, error.help.unwrap_or_default())
    };
    let told = |name: &str, help: &str| ("use".to_owned(), format!("unknown model `{name}`"), help.to_owned());
    assert_eq!(unknown("boosted_treess"), told("boosted_treess", "did you mean `boosted_trees`?"));
    assert_eq!(unknown("LGBMClassifier"), told("LGBMClassifier", "it is called `boosted_trees` here"));
    assert_eq!(unknown("linear_regression"), told("linear_regression", "it is called `ridge` here"));
}

fn refused(name: &str, written: Value) -> evenstep_model::ParseError {
    parse(name, written).err().expect("it is refused")
}

#[test]
fn linear_models_name_the_step_to_add() {
    let draw = |task: &Task, kind: Column| {
        let mut rows = rows(task, false, false);
        rows.insert(name("place"), kind);
        rows
    };
    for (family, task) in [("ridge", &tasks()[0]), ("logistic_regression", &tasks()[1])] {
        let family = parse(family, json!({})).expect("defaults");
        let strings = || Coded::from_strings((0..ROWS).map(|_| Some("x")));
        for (column, what, help) in [
            (Column::Category(strings()), "category", "add `one_hot` or `target_encode` for `place` before the model"),
            (Column::Date(vec![1; ROWS]), "date", "add `datetime_parts` for `place` before the model"),
            (
                Column::Text(strings()),
                "text",
                "leave `place` out with `drop_columns`, or declare it a category and add `one_hot`",
            ),
        ] {
            let rows = draw(task, column);
            let error = family.check(task, &rows.schema()).unwrap_err();
            assert_eq!(error.message, format!("`{}` takes numbers, and `place` is a {what}", family.name()));
            assert_eq!((error.column, error.help.as_deref()), (Some(name("place")), Some(help)));
        }
        let mut nulls = vec![1.0; ROWS];
        (nulls[3], nulls[200]) = (f64::NAN, f64::NAN);
        let rows = draw(task, Column::Number(nulls));
        let error =
            fit(&family, task, &rows.schema(), std::slice::from_ref(&rows), 2).err().expect("a null is refused");
        assert_eq!(
            error.message,
            format!("`place` is null in 2 training rows, and `{}` needs a number in each", family.name())
        );
        assert_eq!(error.help.as_deref(), Some("add `impute_median` for `place` before the model"));
    }
}

#[test]
fn a_null_at_scoring_gives_a_null_prediction() {
    for (family, task) in [("ridge", 0), ("logistic_regression", 1), ("logistic_regression", 2)] {
        let task = &tasks()[task];
        let family = parse(family, json!({})).expect("defaults");
        let rows = rows(task, false, false);
        let trained = fit(&family, task, &rows.schema(), std::slice::from_ref(&rows), 2).unwrap();
        for (column, _) in rows.columns() {
            let mut one = unlabelled(rows.take(&[4]));
            let null = match one.column(column) {
                Column::Integer(_) => Column::Integer(vec![evenstep_table::NULL_INTEGER]),
                Column::Boolean(_) => Column::Boolean(vec![evenstep_table::NULL_BOOLEAN]),
                _ => Column::Number(vec![f64::NAN]),
            };
            one.insert(column.clone(), null);
            let predictions = trained.model.predict(&one);
            assert!(predictions.values.iter().all(|x| x.is_nan()), "`{column}` null, and {predictions:?}");
        }
    }
}
