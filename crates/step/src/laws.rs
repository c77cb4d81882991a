//! The laws, for every step of the catalogue. Nothing opts out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, Mutex};

use evenstep_exact::budget::Budget;
use evenstep_exact::canonical::{CanonicalText, canonical_json};
use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::{Peers, Workers};
use evenstep_table::{Batch, Clock, Coded, Column, ColumnName, RowKey, Task};
use serde_json::{Value, json};

use crate::catalogue::Entry;
use crate::fitted::{AnyFitted, written};
use crate::sample::people;
use crate::testing::{assert_equal, column_texts, fit_batches, site, strings};
use crate::{CATALOGUE, StepError, parse};

/// How many steps there are. A battery that skips is green; this one counts.
const STEPS: usize = 31;
const ROWS: usize = 300;

/// Runs a law for every step, and names the one that breaks it.
fn for_every_step(law: impl Fn(&Entry)) {
    let mut ran = 0;
    for entry in CATALOGUE {
        if let Err(broken) = catch_unwind(AssertUnwindSafe(|| law(entry))) {
            let said = broken.downcast_ref::<String>().map(String::as_str).or(broken.downcast_ref::<&str>().copied());
            panic!("`{}` breaks the law: {}", entry.name, said.unwrap_or("it panics"));
        }
        ran += 1;
    }
    assert_eq!(ran, STEPS, "every step is put to every law");
}

fn tasks() -> [Task; 3] {
    let classes = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
    [
        Task::Regression,
        Task::Binary { classes: classes(&["no", "yes"]).try_into().expect("two classes") },
        Task::Multiclass { classes: classes(&["a", "b", "c"]) },
    ]
}

/// The same rows in another order, cut elsewhere, with columns added the other way round and
/// strings coded afresh in each batch.
fn rearranged(batch: &Batch, seed: u64, cuts: &[usize]) -> Vec<Batch> {
    let draws = Draws::new(Seed(seed), "order");
    let mut order: Vec<usize> = (0..batch.rows()).collect();
    order.sort_by_key(|row| draws.priority(&(*row as u128).to_le_bytes()));
    let mut bounds = vec![0];
    bounds.extend(cuts.iter().copied().filter(|cut| *cut < order.len()));
    bounds.push(order.len());
    let part = |bounds: &[usize]| {
        let taken = batch.take(&order[bounds[0]..bounds[1]]);
        let mut part = Batch::new(taken.keys.to_vec());
        part.labels = taken.labels.clone();
        let columns: Vec<(ColumnName, Column)> =
            taken.columns().map(|(name, column)| (name.clone(), recoded(column))).collect();
        for (name, column) in columns.into_iter().rev() {
            part.insert(name, column);
        }
        part
    };
    bounds.windows(2).map(part).collect()
}

fn recoded(column: &Column) -> Column {
    let afresh = |coded: &Coded| Coded::from_strings((0..coded.codes.len()).map(|row| coded.get(row)));
    match column {
        Column::Category(coded) => Column::Category(afresh(coded)),
        Column::Text(coded) => Column::Text(afresh(coded)),
        other => other.clone(),
    }
}

fn fitted(entry: &Entry, batches: &[Batch], task: &Task, threads: usize) -> Result<Box<dyn AnyFitted>, StepError> {
    fit_batches((entry.example)(), batches, task.clone(), threads)
}

fn params(fitted: &dyn AnyFitted) -> String {
    String::from_utf8(canonical_json(&fitted.params())).expect("JSON is UTF-8")
}

/// Every cell of a batch, by row key and column.
fn cells(batch: &Batch) -> std::collections::BTreeMap<(RowKey, ColumnName), Option<String>> {
    let mut cells = std::collections::BTreeMap::new();
    for (name, column) in batch.columns() {
        for (key, text) in batch.keys.iter().zip(column_texts(column)) {
            cells.insert((*key, name.clone()), text);
        }
    }
    cells
}

#[test]
fn neither_order_nor_chunks_nor_threads_nor_column_order_show() {
    for_every_step(|entry| {
        for task in tasks() {
            let people = people(ROWS, &task);
            let reference = fitted(entry, std::slice::from_ref(&people), &task, 1).expect("the example fits");
            let expected = cells(&reference.apply_training(people.clone()).expect("it applies"));
            let single: Vec<usize> = (1..ROWS).collect();
            let arrangements: [(&[usize], usize); 5] =
                [(&[], 1), (&[1, 2, 150], 2), (&[10, 20, 30, 200, 299], 7), (&[100, 200], 1), (&single, 2)];
            for (seed, (cuts, threads)) in arrangements.into_iter().enumerate() {
                let batches = rearranged(&people, seed as u64, cuts);
                let again = fitted(entry, &batches, &task, threads).expect("the same rows fit");
                assert_eq!(params(&*again), params(&*reference), "{cuts:?} on {threads} threads");
                let mut found = std::collections::BTreeMap::new();
                for batch in batches {
                    found.extend(cells(&again.apply_training(batch).expect("it applies")));
                }
                assert_eq!(found, expected, "training rows, {cuts:?} on {threads} threads");
            }
        }
    });
}

#[test]
fn a_step_says_whether_it_learns_from_the_target() {
    for_every_step(|entry| {
        for task in tasks() {
            let people = people(ROWS, &task);
            let mut turned = people.clone();
            let labels = turned.labels.as_mut().map(Arc::make_mut).expect("they are training rows");
            labels.target.rotate_left(ROWS / 3);
            let [one, other] = [people, turned].map(|rows| fitted(entry, &[rows], &task, 1).expect("it fits"));
            assert_eq!(params(&*one) != params(&*other), (entry.example)().learns_from_target());
        }
    });
}

/// Two processes that see half of the rows each, and all of what either saw.
struct Pair {
    both: Barrier,
    brought: Mutex<Vec<Vec<u8>>>,
}

impl Peers for Pair {
    fn all_reduce(&self, mine: Vec<u8>, merge: &dyn Fn(Vec<u8>, Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        self.brought.lock().expect("no panic").push(mine);
        self.both.wait();
        let brought = self.brought.lock().expect("no panic").clone();
        if self.both.wait().is_leader() {
            self.brought.lock().expect("no panic").clear();
        }
        self.both.wait();
        brought.into_iter().reduce(merge).expect("two brought something")
    }
}

#[test]
fn two_processes_learn_what_one_does() {
    for_every_step(|entry| {
        for task in tasks() {
            let people = people(ROWS, &task);
            let reference = fitted(entry, std::slice::from_ref(&people), &task, 1).expect("the example fits");
            let pair = Arc::new(Pair { both: Barrier::new(2), brought: Mutex::default() });
            let halves = rearranged(&people, 9, &[120]);
            let learn = |half: &Batch| {
                let step = (entry.example)();
                let site = site(&*step, half, task.clone()).expect("the columns are there");
                let workers = Workers::threads(1).with_peers(pair.clone());
                params(&*step.fit(site, std::slice::from_ref(half), &workers).expect("the example fits"))
            };
            std::thread::scope(|scope| {
                for learned in halves.iter().map(|half| scope.spawn(|| learn(half))).collect::<Vec<_>>() {
                    assert_eq!(learned.join().expect("no panic"), params(&*reference));
                }
            });
        }
    });
}

#[test]
fn one_row_is_a_batch_and_an_empty_batch_has_its_columns() {
    for_every_step(|entry| {
        for task in tasks() {
            let people = people(ROWS, &task);
            let fitted = fitted(entry, std::slice::from_ref(&people), &task, 1).expect("the example fits");
            let together = fitted.apply(people.clone()).expect("it applies");
            for row in 0..40 {
                let alone = fitted.apply(rearranged(&people.take(&[row]), 0, &[]).remove(0)).expect("it applies");
                assert_equal(&alone, &together.take(&[row]));
            }
            let empty = fitted.apply(Batch::empty(&people.schema())).expect("it applies");
            assert_eq!((empty.rows(), empty.schema()), (0, together.schema()));
            // While scoring there are no labels.
            let mut live = people.clone();
            live.labels = None;
            assert_equal(&fitted.apply(live).expect("it applies"), &together);
        }
    });
}

/// What a trace commits to follows from an empty batch.
#[test]
fn columns_that_an_empty_batch_leaves_in_place_keep_every_cell_and_training_has_a_form_of_its_own_where_it_says_so() {
    for_every_step(|entry| {
        for task in tasks() {
            let people = people(ROWS, &task);
            let fitted = fitted(entry, std::slice::from_ref(&people), &task, 1).expect("the example fits");
            let empty = Batch::empty(&people.schema());
            let written = written(&empty, &fitted.apply(empty.clone()).expect("it applies"));
            let after = fitted.apply(people.clone()).expect("it applies");
            let left = |batch: &Batch| {
                cells(&batch.clone().retain(|name| !written.contains(name) && after.get(name.as_str()).is_some()))
            };
            assert_eq!(left(&after), left(&people));
            let training = fitted.apply_training(people.clone()).expect("it applies");
            assert_eq!(cells(&training) == cells(&after), !fitted.has_training_form());
        }
    });
}

#[test]
fn parameters_and_spec_go_there_and_back_through_json() {
    for_every_step(|entry| {
        for task in tasks() {
            let people = people(ROWS, &task);
            let fitted = fitted(entry, std::slice::from_ref(&people), &task, 1).expect("the example fits");
            let reread = |value: Value| -> Value { serde_json::from_str(&value.to_string()).expect("JSON") };
            let step = parse(entry.name, reread(fitted.spec())).expect("a spec reads back");
            assert_eq!(step.spec(), fitted.spec());
            let site = site(&*step, &people, task).expect("the columns are there");
            let loaded = step
                .load(site, &CanonicalText::of(&fitted.params()), &Budget::unlimited())
                .expect("its own parameters load");
            assert_eq!(params(&*loaded), params(&*fitted));
            assert_equal(
                &loaded.apply(people.clone()).expect("it applies"),
                &fitted.apply(people).expect("it applies"),
            );
        }
    });
}

/// Rows with what no training row had: all nulls, extremes, unseen and strange strings.
fn strangers() -> Batch {
    let floats = [f64::NAN, 1e308, -1e308, f64::MAX, f64::MIN, 5e-324, -5e-324, 2.2e-308, 0.0, -1.0, 1e-300, 1e16];
    let integers = [i64::MIN, i64::MAX, i64::MIN + 1, 0, -1, 1, 13, 1 << 53, -(1 << 53) - 1, 7, 1 << 40, 2];
    let days = [i32::MIN, i32::MAX, i32::MIN + 1, 0, -1, 1, 3_000_000, -5_000_000, 7, 1 << 20, 2, 3];
    let long = "x".repeat(70_000);
    let texts = [None, Some(""), Some("\0"), Some("Paris "), Some("Rare"), Some("🙂"), Some(&*long), Some("a,b")];
    let texts: Vec<Option<&str>> = texts.into_iter().cycle().take(12).collect();
    let number = || Column::Number(floats.to_vec());
    let integer = || Column::Integer(integers.to_vec());
    let mut batch = crate::testing::batch(&[
        ("age", number()),
        ("income", number()),
        ("balance", number()),
        ("children", integer()),
        ("month", integer()),
        ("member", Column::Boolean([2, 0, 1].repeat(4))),
        ("city", strings(&texts)),
        ("country", strings(&texts)),
        ("note", Column::Text(Coded::from_strings(texts.iter().copied()))),
        ("born", Column::Date(days.to_vec())),
        ("signed_up", Column::Datetime(Clock::Civil, integers.to_vec())),
        ("seen_at", Column::Datetime(Clock::Instant, integers.to_vec())),
    ]);
    batch.keys = Arc::new((0..12_u128).map(|row| RowKey((row << 64).to_le_bytes())).collect());
    batch
}

#[test]
fn strange_live_rows_are_answered_or_refused() {
    for_every_step(|entry| {
        for task in tasks() {
            let people = people(ROWS, &task);
            let fitted = fitted(entry, std::slice::from_ref(&people), &task, 1).expect("the example fits");
            let mut live = strangers();
            live.labels = None;
            let after = fitted.apply(live.clone()).expect("no example refuses a cell");
            let expected = fitted.apply(Batch::empty(&people.schema())).expect("it applies").schema();
            assert_eq!(after.schema(), expected);
            for row in 0..live.rows() {
                assert_equal(&fitted.apply(live.take(&[row])).expect("it applies"), &after.take(&[row]));
            }
        }
    });
}

#[test]
fn strange_training_rows_are_learned_from_or_refused_in_any_order() {
    for_every_step(|entry| {
        for task in tasks() {
            let strange = strangers();
            let mut people = people(strange.rows(), &task);
            for (name, column) in strange.columns() {
                people.insert(name.clone(), column.clone());
            }
            for rows in [vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], vec![0], vec![1], vec![5, 6, 7], vec![]] {
                let some = people.take(&rows);
                let learned = |batches: &[Batch], threads| {
                    let fitted = fitted(entry, batches, &task, threads)?;
                    fitted.apply(people.clone())?;
                    Ok::<String, StepError>(params(&*fitted))
                };
                let expected = learned(std::slice::from_ref(&some), 1);
                for (seed, threads) in [(1, 1), (2, 2), (3, 7)] {
                    assert_eq!(learned(&rearranged(&some, seed, &[1, 5]), threads), expected, "{rows:?}");
                }
            }
        }
    });
}

/// The value with each part in turn replaced by what an attacker would write there, or left out.
fn tampered(value: &Value) -> Vec<Value> {
    let mut all: Vec<Value> = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(0.5),
        json!(1e308),
        json!(-1e308),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("Paris"),
        json!([]),
        json!({}),
        json!([0, 0]),
        json!([1e308, -1e308]),
        json!(["b", "a", "a"]),
        json!({"a": 1, "b": []}),
    ]
    .to_vec();
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate().take(3) {
                let with = |changed: Option<Value>| {
                    let mut items = items.clone();
                    match changed {
                        Some(changed) => items[at] = changed,
                        None => drop(items.remove(at)),
                    }
                    Value::Array(items)
                };
                all.extend(tampered(item).into_iter().map(Some).chain([None]).map(with));
            }
            all.push(items.iter().rev().cloned().collect());
        }
        Value::Object(members) => {
            for (name, member) in members.iter().take(8) {
                let with = |changed: Option<Value>| {
                    let mut members = members.clone();
                    match changed {
                        Some(changed) => drop(members.insert(name.clone(), changed)),
                        None => drop(members.remove(name)),
                    }
                    Value::Object(members)
                };
                all.extend(tampered(member).into_iter().map(Some).chain([None]).map(with));
            }
            let mut more = members.clone();
            more.insert("income".to_owned(), members.values().next().cloned().unwrap_or_default());
            all.push(Value::Object(more));
        }
        _ => {}
    }
    all
}

#[test]
fn tampered_parameters_are_refused_or_applied_without_panic() {
    for_every_step(|entry| {
        for task in tasks() {
            let people = people(40, &task);
            let fitted = fitted(entry, std::slice::from_ref(&people), &task, 1).expect("the example fits");
            for params in tampered(&fitted.params()) {
                let step = (entry.example)();
                let site = site(&*step, &people, task.clone()).expect("the columns are there");
                if let Ok(fitted) = step.load(site, &CanonicalText::of(&params), &Budget::unlimited()) {
                    for batch in [people.clone(), strangers(), Batch::empty(&people.schema())] {
                        let _ = fitted.apply(batch);
                    }
                }
            }
        }
    });
}

#[test]
fn tampered_specs_are_refused_or_work_without_panic() {
    for_every_step(|entry| {
        let task = Task::Regression;
        let people = people(40, &task);
        for spec in tampered(&(entry.example)().spec()) {
            if let Ok(step) = parse(entry.name, spec)
                && let Ok(fitted) = fit_batches(step, std::slice::from_ref(&people), task.clone(), 1)
            {
                for batch in [people.clone(), strangers(), Batch::empty(&people.schema())] {
                    let _ = fitted.apply(batch);
                }
            }
        }
    });
}

#[test]
fn an_unknown_parameter_is_told_with_a_suggestion() {
    for_every_step(|entry| {
        let mut spec = (entry.example)().spec();
        let members = spec.as_object_mut().expect("a spec is a table");
        let name = members.keys().next_back().expect("a parameter").clone();
        let value = members.remove(&name).expect("it is there");
        let misspelt = format!("{name}x");
        members.insert(misspelt.clone(), value);
        let error = parse(entry.name, spec).err().expect("no such parameter");
        assert_eq!(error.message, format!("unknown parameter `{misspelt}`"));
        assert_eq!(error.path, [misspelt]);
        assert_eq!(error.help, Some(format!("did you mean `{name}`?")));
    });
}

#[test]
fn every_step_has_a_group_a_schema_and_a_page() {
    let mut names = std::collections::BTreeSet::new();
    for_every_step(|entry| {
        assert!(["Missing values", "Categories", "Numbers", "Dates and times", "Columns"].contains(&entry.group));
        let schema = (entry.schema)();
        let properties = schema.get("properties").and_then(Value::as_object).expect("parameters");
        for (name, property) in properties {
            assert!(property.get("description").is_some(), "`{name}` has a line in the reference");
        }
        let page = entry.page();
        for part in ["Learns: ", "Exact because ", "Known as ", "Differs:"] {
            assert!(page.contains(part), "the page says {part:?}");
        }
    });
    names.extend(CATALOGUE.iter().map(|entry| entry.name));
    assert_eq!(names.len(), STEPS, "names are distinct");
}

#[test]
fn an_unknown_value_is_told_with_a_suggestion() {
    for (name, spec, path, message, help) in [
        (
            "cap_outliers",
            json!({"columns": "x", "method": "guassian"}),
            "method",
            "unknown value `guassian`",
            Some("did you mean `gaussian`?"),
        ),
        (
            "discretize_width",
            json!({"columns": "x", "closed": "both"}),
            "closed",
            "unknown value `both`",
            Some("it is one of right, left"),
        ),
        ("discretize_width", json!({"columns": "x", "bins": 1}), "bins", "1 is not between 2 and 10000", None),
        (
            "rare_labels",
            json!({"columns": "x", "min_frequency": 1.5}),
            "min_frequency",
            "1.5 is not between 0 and 1",
            None,
        ),
        (
            "target_encode",
            json!({"columns": "x", "smoothing": "atuo"}),
            "smoothing",
            "\"auto\" or a number in its range",
            None,
        ),
        (
            "log",
            json!({"columns": 5}),
            "columns",
            "the name of a column, a list of names, or a table of `type`, `pattern` and `except`",
            None,
        ),
    ] {
        let error = parse(name, spec).err().expect("no such value");
        assert_eq!((error.path, error.message.as_str()), (vec![path.to_owned()], message));
        assert_eq!(error.help.as_deref(), help);
    }
}

#[test]
fn an_unknown_step_is_told_with_a_suggestion() {
    for (name, help) in [
        ("impute_medain", "did you mean `impute_median`?"),
        ("RareLabelEncoder", "here it is called `rare_labels`"),
        ("MeanMedianImputer", "here it is called `impute_mean` or `impute_median`"),
        ("OneHotEncoder", "here it is called `one_hot`"),
        ("standardise", "here it is called `standard_scale`"),
        ("normalize", "here it is called `standard_scale` or `min_max_scale` or `robust_scale`"),
        ("label_encode", "here it is called `ordinal`"),
        ("get_dummies", "here it is called `one_hot`"),
        ("PowerTransformer", "here it is called `power` or `box_cox` or `yeo_johnson`"),
        ("log_trnasform", "there are `log`, `log_plus_constant`"),
    ] {
        let error = parse(name, json!({})).err().expect("no such step");
        assert_eq!(error.message, format!("unknown step `{name}`"));
        assert_eq!(error.help.as_deref(), Some(help));
    }
    let help = |name: &str| parse(name, json!({})).err().expect("no such step").help.unwrap_or_default();
    assert!(help("clip").contains("out_of_range") && help("lag").starts_with("a step sees one row"));
    assert!(help("something else").starts_with("there are missing_indicator, impute_mean, "));
}
