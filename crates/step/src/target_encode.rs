//! Replaces each category by the mean target of its training rows, drawn towards the mean of all.
//!
//! Learns: for every value, and for null if training has one, (sum + m·prior)/(count + m); the prior is
//! the mean of all rows. `smoothing` is m, or `"auto"`: the variance of the target among the value's
//! rows, over its variance among all. A value that training never saw is the prior, and so is a null if
//! training has none. In a regression this is the mean, with two classes the share of the positive one;
//! with more, each class has a column `<column>_<class>` of shares, and the column itself is dropped.
//! While training, each row is encoded from the other folds alone, prior and variances too: no row's
//! own label is in its value, and the only row of a value has the prior of the other folds. Folds are
//! drawn by row identity, rows of equal inputs apart; where rows are split by group, by the group. Without
//! a row in any other fold the value is null.
//! Exact because sums and sums of squares are, and what a fold takes away is taken exactly.
//! Known as scikit-learn `TargetEncoder(smooth="auto", cv=5)`, feature-engine
//! `MeanEncoder(smoothing=0.0)`, category_encoders `MEstimateEncoder`. Differs: folds follow row
//! identity, not position; null is a level of its own; feature-engine encodes training rows with their
//! own labels.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use evenstep_exact::reduce::{Next, Partial};
use evenstep_exact::sum::ExactSum;
use evenstep_table::{Batch, Column, Kind, Task};
use schemars::JsonSchema;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::kit::{AutoOr, Dictionary, Folds, NotNegative, WITH_LEVELS, has_levels, insert_new, levels, look_up};
use crate::{Columns, EachColumn, Place, StepError};

/// Replaces each category by the mean target of its training rows.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetEncode {
    /// The columns to encode.
    pub columns: Columns,
    /// So many rows' worth of the mean of all rows is mixed into a value's own.
    #[serde(default = "AutoOr::<NotNegative>::auto")]
    pub smoothing: AutoOr<NotNegative>,
    /// Into so many parts training rows fall; each is encoded from the others.
    #[serde(default = "five")]
    pub folds: Folds,
}

fn five() -> Folds {
    Folds::new(5)
}

/// What each value becomes: one number for each output, the outputs being the classes, or one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoding {
    values: Dictionary<Encoded>,
    null: Option<Vec<f64>>,
    prior: Vec<f64>,
    /// The same without the rows of a fold, one after the other for each fold. Only training needs it.
    #[serde(skip)]
    out_of_fold: Option<Box<Encoding>>,
}

/// What a value becomes. There are many, mostly of one number.
#[derive(Clone, PartialEq, Debug)]
enum Encoded {
    One(f64),
    Many(Box<[f64]>),
}

impl Encoded {
    fn as_slice(&self) -> &[f64] {
        match self {
            Encoded::One(x) => std::slice::from_ref(x),
            Encoded::Many(all) => all,
        }
    }
}

impl From<Vec<f64>> for Encoded {
    fn from(all: Vec<f64>) -> Encoded {
        if let [x] = all[..] { Encoded::One(x) } else { Encoded::Many(all.into()) }
    }
}

impl Serialize for Encoded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_slice().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Encoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Encoded, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Encoded;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of numbers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Encoded, A::Error> {
                let mut first = None;
                if list.next_element_seed(Put(&mut first))?.is_none() {
                    return Ok(Encoded::Many(Box::default()));
                }
                let (first, mut all) = (first.unwrap_or(f64::NAN), Vec::new());
                while let Some(x) = list.next_element()? {
                    all.push(x);
                }
                if all.is_empty() {
                    return Ok(Encoded::One(first));
                }
                all.insert(0, first);
                Ok(Encoded::Many(all.into()))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// A number that is put where there is room for it already.
struct Put<'a>(&'a mut Option<f64>);

impl<'de> DeserializeSeed<'de> for Put<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        *self.0 = Some(f64::deserialize(deserializer)?);
        Ok(())
    }
}

/// Sums of the target by value; None is null.
type Seen = BTreeMap<Option<Arc<str>>, Sums>;

/// One entry for each fold, or for each class of each fold. Classes are counted, numbers summed.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct Sums {
    rows: Vec<u64>,
    hits: Vec<u64>,
    sums: Vec<ExactSum>,
    squares: Vec<ExactSum>,
}

impl Sums {
    /// Nothing seen yet in so many folds.
    fn new(folds: usize, task: &Task) -> Sums {
        let rows = vec![0; folds];
        match task {
            Task::Regression | Task::Ranking => {
                let zeros = vec![ExactSum::default(); folds];
                Sums { rows, hits: Vec::new(), sums: zeros.clone(), squares: zeros }
            }
            _ => Sums { rows, hits: vec![0; folds * outputs(task)], sums: Vec::new(), squares: Vec::new() },
        }
    }

    fn add(&mut self, fold: usize, target: f64, task: &Task) {
        self.rows[fold] += 1;
        match task {
            Task::Regression | Task::Ranking => {
                self.sums[fold].add(target);
                self.squares[fold].add_product(target, target);
            }
            Task::Binary { .. } => self.hits[fold] += u64::from(target == 1.0),
            Task::Multiclass { classes } => self.hits[fold * classes.len() + target as usize] += 1,
        }
    }

    /// What one fold tells of one output.
    fn fold(&self, fold: usize, output: usize, outputs: usize) -> Known {
        match self.hits.get(fold * outputs + output) {
            Some(hits) => {
                let mut sum = ExactSum::default();
                sum.add_times(1.0, *hits);
                Known { rows: self.rows[fold], squares: sum.clone(), sum }
            }
            None => Known { rows: self.rows[fold], sum: self.sums[fold].clone(), squares: self.squares[fold].clone() },
        }
    }

    /// What all folds tell of one output.
    fn total(&self, output: usize, outputs: usize) -> Known {
        let mut total = Known::default();
        for fold in 0..self.rows.len() {
            let Known { rows, sum, squares } = self.fold(fold, output, outputs);
            total.rows += rows;
            total.sum.merge(sum);
            total.squares.merge(squares);
        }
        total
    }
}

impl Partial for Sums {
    fn merge(&mut self, other: Sums) {
        self.rows.merge(other.rows);
        self.hits.merge(other.hits);
        self.sums.merge(other.sums);
        self.squares.merge(other.squares);
    }
}

/// How many numbers a value becomes.
fn outputs(task: &Task) -> usize {
    match task {
        Task::Multiclass { classes } => classes.len(),
        _ => 1,
    }
}

/// What some rows tell of one output.
#[derive(Clone, Default)]
struct Known {
    rows: u64,
    sum: ExactSum,
    squares: ExactSum,
}

impl Known {
    fn without(&self, fold: &Known) -> Known {
        let mut others = self.clone();
        others.rows -= fold.rows;
        others.sum.subtract(&fold.sum);
        others.squares.subtract(&fold.squares);
        others
    }

    fn mean(&self) -> Option<f64> {
        let mut rows = ExactSum::default();
        rows.add_times(1.0, self.rows);
        self.sum.divided_by(&rows)
    }

    fn variance(&self) -> f64 {
        // (n·Σy² − (Σy)²)/n², where only the quotient is rounded.
        let mut spread = self.squares.times(self.rows);
        spread.subtract(&self.sum.times_sum(&self.sum));
        let mut rows = ExactSum::default();
        rows.add_times(self.rows as f64, self.rows);
        spread.divided_by(&rows).unwrap_or(0.0)
    }

    /// What stands for these rows among all; null without any.
    fn encoded(&self, all: &Known, smoothing: AutoOr<NotNegative>) -> f64 {
        let Some(prior) = all.mean() else { return f64::NAN };
        if self.rows == 0 {
            return prior;
        }
        let m = match smoothing {
            AutoOr::Is(m) => m.get(),
            // Micci-Barreca 2001, SIGKDD Explorations 3(1), as in scikit-learn.
            AutoOr::Auto(_) => self.variance() / all.variance(),
        };
        // Without variance among all rows there is but one mean.
        if !m.is_finite() {
            return prior;
        }
        let (mut sum, mut rows) = (self.sum.clone(), ExactSum::default());
        sum.add_product(m, prior);
        rows.add_times(1.0, self.rows);
        rows.add(m);
        sum.divided_by(&rows).unwrap_or(prior)
    }
}

impl TargetEncode {
    /// What each value becomes, given what there is to know of each output, or of each fold and output.
    fn encoding(&self, seen: &Seen, all: &Sums, known: impl Fn(&Sums) -> Vec<Known>) -> Encoding {
        let all = known(all);
        let encoded = |sums: &Sums| -> Vec<f64> {
            known(sums).iter().zip(&all).map(|(known, all)| known.encoded(all, self.smoothing)).collect()
        };
        Encoding {
            values: seen
                .iter()
                .filter_map(|(value, sums)| Some((value.clone()?, Encoded::from(encoded(sums)))))
                .collect(),
            null: seen.get(&None).map(encoded),
            prior: all.iter().map(|all| all.mean().unwrap_or(f64::NAN)).collect(),
            out_of_fold: None,
        }
    }

    fn put(
        place: Place<'_>,
        encoding: &Encoding,
        fold: impl Fn(usize) -> usize,
        batch: &mut Batch,
    ) -> Result<(), StepError> {
        let column = batch.remove(place.column.as_str()).expect("the plan counts on the column");
        let prior = encoding.prior.as_slice();
        let null = encoding.null.as_deref().unwrap_or(prior);
        let known = |value: &Arc<str>| encoding.values.get(value).map_or(prior, Encoded::as_slice);
        let rows = look_up(&levels(&column), null, known);
        let outputs = outputs(&place.site.task);
        for output in 0..outputs {
            let cells = rows.iter().enumerate().map(|(row, encoded)| encoded[fold(row) * outputs + output]).collect();
            let name = match &place.site.task {
                Task::Multiclass { classes } => place.column.with_suffix(&classes[output]),
                _ => place.column.clone(),
            };
            insert_new(batch, name, Column::Number(cells))?;
        }
        Ok(())
    }

    /// The fold of each row of a fit.
    fn folds_of(&self, place: Place<'_>, batch: &Batch) -> Vec<u32> {
        let groups = &batch.training().group;
        let key = |row| groups.get(row).map_or_else(|| batch.row_id(row).draw_key(), |group| group.0);
        let keys: Vec<[u8; 16]> = (0..batch.rows()).map(key).collect();
        place.draws().folds(&keys, self.folds.get())
    }
}

impl EachColumn for TargetEncode {
    const NAME: &'static str = "target_encode";
    const TAKES: &'static str = WITH_LEVELS;
    type Round = ();
    type Seen = Seen;
    type Learned = Encoding;

    fn learns_from_target(&self) -> bool {
        true
    }

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn takes(kind: Kind) -> bool {
        has_levels(kind)
    }

    fn start(&self, _: Place<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn observe(&self, place: Place<'_>, (): &(), seen: &mut Seen, batch: &Batch) {
        let (task, folds) = (&place.site.task, self.folds.get() as usize);
        let coded = levels(place.cells(batch));
        let (folds_of, target) = (self.folds_of(place, batch), &batch.training().target);
        let nulls = coded.values.len();
        let mut sums: Vec<Option<Sums>> = vec![None; nulls + 1];
        for (row, code) in coded.codes.iter().enumerate() {
            let sums = sums[(*code as usize).min(nulls)].get_or_insert_with(|| Sums::new(folds, task));
            sums.add(folds_of[row] as usize, target[row], task);
        }
        let values = coded.values.iter().map(|value| Some(value.clone())).chain([None]);
        for (value, sums) in values.zip(sums) {
            if let Some(sums) = sums {
                seen.entry(value).or_default().merge(sums);
            }
        }
    }

    fn next(&self, place: Place<'_>, (): (), seen: Seen) -> Result<Next<(), Encoding>, StepError> {
        if seen.keys().all(Option::is_none) {
            return Err(place.no_value());
        }
        let mut all = Sums::default();
        seen.values().for_each(|sums| all.merge(sums.clone()));
        let (outputs, folds) = (outputs(&place.site.task), self.folds.get() as usize);
        let totals = |sums: &Sums| -> Vec<Known> { (0..outputs).map(|output| sums.total(output, outputs)).collect() };
        let others = |sums: &Sums| {
            let totals = totals(sums);
            let folds_and_outputs = (0..folds).flat_map(|fold| (0..outputs).map(move |output| (fold, output)));
            folds_and_outputs.map(|(fold, output)| totals[output].without(&sums.fold(fold, output, outputs))).collect()
        };
        let out_of_fold = Some(Box::new(self.encoding(&seen, &all, others)));
        Ok(Next::Done(Encoding { out_of_fold, ..self.encoding(&seen, &all, totals) }))
    }

    fn apply(&self, place: Place<'_>, learned: &Encoding, batch: &mut Batch) -> Result<(), StepError> {
        TargetEncode::put(place, learned, |_| 0, batch)
    }

    fn apply_training(&self, place: Place<'_>, learned: &Encoding, batch: &mut Batch) -> Result<(), StepError> {
        let Some(out_of_fold) = &learned.out_of_fold else {
            return Err(StepError::new("the values of training rows are known only to the fit that learned them"));
        };
        let folds = self.folds_of(place, batch);
        TargetEncode::put(place, out_of_fold, |row| folds[row] as usize, batch)
    }

    fn has_training_form(&self) -> bool {
        true
    }

    fn accepts(&self, place: Place<'_>, learned: &Encoding) -> bool {
        let outputs = outputs(&place.site.task);
        let whole = |encoded: &[f64]| encoded.len() == outputs && encoded.iter().all(|x| x.is_finite());
        whole(&learned.prior)
            && learned.null.iter().all(|null| whole(null))
            && learned.values.all(|encoded| whole(encoded.as_slice()))
    }

    fn example() -> TargetEncode {
        TargetEncode { columns: Columns::named(["city"]), smoothing: AutoOr::auto(), folds: five() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{assert_equal, fit_labelled, strings};

    fn step(smoothing: Value) -> TargetEncode {
        serde_json::from_value(json!({"columns": "x", "smoothing": smoothing})).expect("a spec")
    }

    fn classes<const N: usize>(names: [&str; N]) -> [String; N] {
        names.map(str::to_owned)
    }

    /// scikit-learn 1.9.1, `TargetEncoder(smooth=…).fit(…).encodings_`, but for the last digits.
    #[test]
    fn values_are_those_of_other_libraries() {
        let cells = strings(&[Some("a"), Some("a"), Some("a"), Some("b"), Some("b"), Some("c")]);
        let binary = Task::Binary { classes: classes(["no", "yes"]) };
        let multiclass = Task::Multiclass { classes: classes(["k", "l", "m"]).to_vec() };
        let third = 1.0 / 3.0;
        for (smoothing, task, target, expected) in [
            (
                json!("auto"),
                Task::Regression,
                [1.0, 2.0, 6.0, 3.0, 5.0, 10.0],
                [vec![3.222_811_671_087_533], vec![4.026_548_672_566_371_5], vec![10.0]],
            ),
            (json!(2), Task::Regression, [1.0, 2.0, 6.0, 3.0, 5.0, 10.0], [vec![3.6], vec![4.25], vec![19.0 * third]]),
            (json!(0), Task::Regression, [1.0, 2.0, 6.0, 3.0, 5.0, 10.0], [vec![3.0], vec![4.0], vec![10.0]]),
            (
                json!("auto"),
                binary,
                [0.0, 1.0, 1.0, 0.0, 0.0, 1.0],
                [vec![0.628_571_428_571_428_6], vec![0.0], vec![1.0]],
            ),
            (
                json!("auto"),
                multiclass,
                [0.0, 1.0, 2.0, 0.0, 0.0, 1.0],
                [
                    vec![0.371_428_571_428_571_4, third, 0.275_362_318_840_579_7],
                    vec![1.0, 0.0, 0.0],
                    vec![0.0, 1.0, 0.0],
                ],
            ),
        ] {
            let (fitted, _) = fit_labelled(step(smoothing), &[("x", cells.clone())], task, &target).expect("it fits");
            for (value, expected) in ["a", "b", "c"].iter().zip(expected) {
                let found = &fitted.params()["x"]["values"][value];
                let found: Vec<f64> = found.as_array().expect("a list").iter().filter_map(Value::as_f64).collect();
                let near =
                    found.len() == expected.len() && found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-14);
                assert!(near, "{value}: {found:?} instead of {expected:?}");
            }
        }
    }

    #[test]
    fn no_training_value_knows_its_own_label() {
        // The only row of its value, in a crowd; then the same with another label.
        let mut cells: Vec<Option<&str>> = ["a", "b", "c"].iter().copied().map(Some).cycle().take(60).collect();
        cells[17] = Some("only");
        cells[18] = None;
        let column = strings(&cells);
        let mut target: Vec<f64> = (0..60).map(|row| f64::from(row % 7)).collect();
        let mut out_of_fold = |label: f64, row: usize| {
            target[row] = label;
            let fitted = fit_labelled(step(json!("auto")), &[("x", column.clone())], Task::Regression, &target);
            let (fitted, batch) = fitted.expect("it fits");
            let Some(Column::Number(cells)) = fitted.apply_training(batch).expect("it applies").get("x").cloned()
            else {
                panic!("a regression gives numbers")
            };
            cells
        };
        let (before, after) = (out_of_fold(3.0, 17), out_of_fold(1e6, 17));
        assert_eq!(before[17].to_bits(), after[17].to_bits());
        let (before, after) = (out_of_fold(3.0, 18), out_of_fold(-1e6, 18));
        assert_eq!(before[18].to_bits(), after[18].to_bits(), "null is a value, and this its only row");
        for row in [0, 5, 30] {
            let (before, after) = (out_of_fold(3.0, row), out_of_fold(1e6, row));
            assert_eq!(before[row].to_bits(), after[row].to_bits(), "row {row}");
            assert_ne!(before, after, "other rows do know it");
        }
    }

    #[test]
    fn rows_that_are_split_by_group_do_not_know_their_groups_labels() {
        let groups: Vec<Option<&str>> =
            ["g", "h", "i", "j", "k", "l"].iter().copied().map(Some).cycle().take(60).collect();
        let column = strings(&groups);
        let out_of_fold = |label: f64| {
            let mut batch = crate::testing::batch(&[("x", column.clone())]);
            let target = |row: usize| if row % 6 == 2 { label } else { row as f64 };
            let group = |row: usize| evenstep_table::RowKey([(row % 6) as u8; 16]);
            batch.labels = Some(Arc::new(evenstep_table::Labels {
                occurrence: vec![0; 60],
                target: (0..60).map(target).collect(),
                group: (0..60).map(group).collect(),
                ..Default::default()
            }));
            let step = Box::new(step(json!(0)));
            let fitted = crate::testing::fit_batches(step, std::slice::from_ref(&batch), Task::Regression, 1);
            let after = fitted.expect("it fits").apply_training(batch).expect("it applies");
            crate::testing::column_texts(after.get("x").expect("it is replaced"))
        };
        let (before, after) = (out_of_fold(1.0), out_of_fold(1e6));
        assert!((0..60).filter(|row| row % 6 == 2).all(|row| before[row] == after[row]));
        assert_ne!(before, after);
    }

    #[test]
    fn rows_of_equal_inputs_are_in_folds_of_their_own() {
        let mut batch = crate::testing::batch(&[("x", strings(&[Some("a"); 60]))]);
        batch.keys = Arc::new(vec![batch.keys[0]; 60]);
        batch.labels = Some(Arc::new(evenstep_table::Labels {
            occurrence: (0..60).collect(),
            target: (0..60).map(|row| f64::from(row % 2)).collect(),
            ..Default::default()
        }));
        let fitted =
            crate::testing::fit_batches(Box::new(step(json!(0))), std::slice::from_ref(&batch), Task::Regression, 1);
        let after = fitted.expect("it fits").apply_training(batch).expect("it applies");
        let texts = crate::testing::column_texts(after.get("x").expect("it is replaced"));
        let values: std::collections::BTreeSet<_> = texts.iter().collect();
        assert!(texts.iter().all(Option::is_some) && values.len() > 2, "{texts:?}");
    }

    #[test]
    fn the_only_row_of_a_value_has_the_prior_of_the_other_folds() {
        let cells: Vec<String> = (0..40).map(|row| format!("own {row}")).collect();
        let cells: Vec<Option<&str>> = cells.iter().map(|cell| Some(cell.as_str())).collect();
        let target: Vec<f64> = (0..40).map(f64::from).collect();
        let fitted = fit_labelled(step(json!("auto")), &[("x", strings(&cells))], Task::Regression, &target);
        let (fitted, batch) = fitted.expect("it fits");
        let site = fitted.site().clone();
        let draws = site.draws.within("x");
        let folds: Vec<u32> = batch.keys.iter().map(|key| draws.fold(&key.0, 5)).collect();
        let after = fitted.apply_training(batch).expect("it applies");
        for row in 0..40 {
            let others: Vec<f64> =
                (0..40).filter(|other| folds[*other] != folds[row]).map(|other| target[other]).collect();
            let mean = others.iter().sum::<f64>() / others.len() as f64;
            assert_eq!(after.get("x").and_then(|x| x.text(row)), Some(evenstep_exact::number::print_number(mean)));
        }
    }

    #[test]
    fn unseen_values_and_a_null_without_training_have_the_prior() {
        let training = strings(&[Some("a"), Some("b"), Some("a"), Some("b")]);
        let fitted = fit_labelled(step(json!(1)), &[("x", training)], Task::Regression, &[1.0, 2.0, 3.0, 6.0]);
        let (fitted, _) = fitted.expect("it fits");
        let live = crate::testing::batch(&[("x", strings(&[Some("a"), Some("?"), None]))]);
        let after = crate::testing::numbers(&[Some(7.0 / 3.0), Some(3.0), Some(3.0)]);
        assert_equal(&fitted.apply(live).expect("it applies"), &crate::testing::batch(&[("x", after)]));
    }

    #[test]
    fn each_of_several_classes_has_a_column() {
        let task = Task::Multiclass { classes: classes(["k", "l", "m"]).to_vec() };
        let training = strings(&[Some("a"), Some("b"), Some("a")]);
        let (fitted, batch) =
            fit_labelled(step(json!(0)), &[("x", training)], task, &[0.0, 1.0, 2.0]).expect("it fits");
        let names: Vec<String> =
            fitted.apply(batch).expect("it applies").columns().map(|(name, _)| name.to_string()).collect();
        assert_eq!(names, ["x_k", "x_l", "x_m"]);
    }
}
