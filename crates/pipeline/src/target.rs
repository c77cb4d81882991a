//! The target: what kind of prediction it asks for, and its values as numbers.

use std::collections::{BTreeMap, BTreeSet};

use evenstep_exact::reduce::{Partial, Workers};
use evenstep_table::{Batch, Column, ColumnName, Kind, Task, did_you_mean, parse};
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::init::{positive_of, task_of};
use crate::spec::{Spec, TaskWord};

/// Values beyond this number are no classes.
const MOST_CLASSES: usize = 1000;

/// What is predicted, and how its values are coded.
pub(crate) struct Target {
    pub(crate) task: Task,
    codes: BTreeMap<String, f64>,
}

/// Takes out the rows whose target is missing; says how many there were.
pub(crate) fn leave_out_rows_without(batches: &mut Vec<Batch>, target: &ColumnName) -> usize {
    let mut left_out = 0;
    for batch in batches.iter_mut() {
        let column = batch.column(target);
        let kept: Vec<usize> = (0..batch.rows()).filter(|row| !column.is_null(*row)).collect();
        if kept.len() < batch.rows() {
            left_out += batch.rows() - kept.len();
            *batch = batch.take(&kept);
        }
    }
    batches.retain(|batch| batch.rows() > 0);
    left_out
}

impl Target {
    /// Looks at the target of all rows.
    pub(crate) fn of(
        spec: &Spec,
        batches: &[Batch],
        name: &ColumnName,
        workers: &Workers,
    ) -> Result<Target, PipelineError> {
        let refused =
            |message: String| spec.text.point(PipelineError::input(message), &["data", "target"], "the target");
        let Some(first) = batches.first() else {
            return Err(refused(format!("no row has a target `{name}`")));
        };
        let kind = first.column(name).kind();
        let values = distinct(batches, name, workers);
        let count = (values.len() <= MOST_CLASSES).then_some(values.len());
        if let [only] = values.as_slice() {
            let rows: usize = batches.iter().map(Batch::rows).sum();
            return Err(refused(match rows {
                1 => format!("one row only has a target `{name}`: a model learns from several"),
                _ => format!("the target `{name}` is `{only}` in all {rows} rows: there is nothing to learn"),
            }));
        }
        let word = spec.data.task.unwrap_or_else(|| task_of(kind, count));
        if word != TaskWord::Binary && spec.data.positive.is_some() {
            let error = PipelineError::input("a binary task alone has a positive class")
                .help("leave `positive` out, or say `task = \"binary\"`".to_owned());
            return Err(spec.text.point(error, &["data", "positive"], "here"));
        }
        if word == TaskWord::Regression {
            if !kind.is_numeric() {
                // As the texts of a frame may be.
                let are_numbers = count.is_some() && values.iter().all(|value| parse::number(value).is_some());
                let help = "all its texts are numbers: give numbers, or say `type = \"number\"` of it in `[contract]`";
                return Err(refused(format!(
                    "the target `{name}` is of type {}, and a regression predicts a number",
                    kind.word()
                ))
                .help(are_numbers.then(|| help.to_owned())));
            }
            return Ok(Target { task: Task::Regression, codes: BTreeMap::new() });
        }
        if word == TaskWord::Ranking {
            if !kind.is_numeric() {
                return Err(refused(format!(
                    "the target `{name}` is of type {}, and that of a ranking is a whole number",
                    kind.word()
                )));
            }
            if spec.data.group.is_none() {
                return Err(refused("a ranking is one of the rows of each group".to_owned())
                    .help_else(|| "`[data] group` names the column that tells groups apart".to_owned()));
            }
            return Ok(Target { task: Task::Ranking, codes: BTreeMap::new() });
        }
        let Some(count) = count else {
            return Err(refused(format!(
                "the target `{name}` has more than {MOST_CLASSES} values: they are no classes"
            )));
        };
        let mut classes = in_canonical_order(kind, values);
        if word == TaskWord::Binary {
            if count != 2 {
                let some = classes.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
                return Err(refused(format!(
                    "a binary task has two classes, and the target `{name}` has {count}: {some}"
                )));
            }
            let positive = positive(spec, &classes)?;
            if classes[0] == positive {
                classes.swap(0, 1);
            }
        }
        let codes = classes.iter().enumerate().map(|(code, class)| (class.clone(), code as f64)).collect();
        let task = match <[String; 2]>::try_from(classes) {
            Ok(classes) if word == TaskWord::Binary => Task::Binary { classes },
            Ok(classes) => Task::Multiclass { classes: classes.into() },
            Err(classes) => Task::Multiclass { classes },
        };
        Ok(Target { task, codes })
    }

    /// The target as numbers: the value, or the class's position.
    pub(crate) fn code(&self, column: &Column) -> Vec<f64> {
        if let (Task::Regression | Task::Ranking, Some(numbers)) = (&self.task, column.to_numbers()) {
            return numbers.into_owned();
        }
        let code = |text: &str| self.codes[text];
        match column.coded() {
            Some(coded) => {
                let codes = coded.map_values(code);
                coded.codes.iter().map(|at| codes[*at as usize]).collect()
            }
            None => {
                let mut known = BTreeMap::new();
                let mut code_of =
                    |row: usize, cell: i64| *known.entry(cell).or_insert_with(|| code(&text(column, row)));
                match column {
                    Column::Integer(cells) => cells.iter().enumerate().map(|(row, cell)| code_of(row, *cell)).collect(),
                    Column::Boolean(cells) => {
                        cells.iter().enumerate().map(|(row, cell)| code_of(row, i64::from(*cell))).collect()
                    }
                    _ => (0..column.rows()).map(|row| code(&text(column, row))).collect(),
                }
            }
        }
    }
}

fn text(column: &Column, row: usize) -> String {
    column.text(row).expect("rows without a target were left out")
}

fn positive(spec: &Spec, classes: &[String]) -> Result<String, PipelineError> {
    match &spec.data.positive {
        None => Ok(positive_of(classes).cloned().unwrap_or_default()),
        Some(positive) if classes.contains(positive) => Ok(positive.clone()),
        Some(positive) => {
            let error = PipelineError::input(format!("the target has no class `{positive}`"))
                .help(did_you_mean(positive, classes.iter().map(String::as_str)))
                .help_else(|| format!("its classes are {}", classes.join(" and ")));
            Err(spec.text.point(error, &["data", "positive"], "not a class"))
        }
    }
}

/// The distinct values, in the order of their bytes; one more than `MOST_CLASSES` if there are too many.
fn distinct(batches: &[Batch], name: &ColumnName, workers: &Workers) -> Vec<String> {
    let seen: Values = workers.fold(batches.len(), |task, seen: &mut Values| {
        let once;
        let column = match batches[task].column(name) {
            // A text of each distinct cell, not of each row.
            Column::Integer(cells) => {
                let mut cells = cells.clone();
                cells.sort_unstable();
                cells.dedup();
                once = Column::Integer(cells);
                &once
            }
            column => column,
        };
        match column.coded() {
            Some(coded) => {
                let used: BTreeSet<u32> = coded.codes.iter().copied().collect();
                used.iter().for_each(|code| seen.add(&coded.values[*code as usize]));
            }
            None => (0..column.rows()).filter_map(|row| column.text(row)).for_each(|text| seen.add(&text)),
        }
    });
    seen.0.into_iter().collect()
}

/// The least values, by their bytes, one more than may be classes.
#[derive(Default, Serialize, Deserialize)]
struct Values(BTreeSet<String>);

impl Values {
    fn add(&mut self, text: &str) {
        let full = self.0.len() > MOST_CLASSES;
        if full && self.0.last().is_some_and(|last| last.as_str() <= text) || self.0.contains(text) {
            return;
        }
        self.0.insert(text.to_owned());
        if full {
            self.0.pop_last();
        }
    }
}

impl Partial for Values {
    fn merge(&mut self, other: Values) {
        other.0.iter().for_each(|text| self.add(text));
    }
}

/// Numbers by value, false before true, anything else by its bytes.
fn in_canonical_order(kind: Kind, mut values: Vec<String>) -> Vec<String> {
    if matches!(kind, Kind::Number | Kind::Integer) {
        let number = |text: &String| evenstep_exact::number::parse_number(text).unwrap_or(0.0);
        values.sort_by(|a, b| number(a).total_cmp(&number(b)).then_with(|| a.cmp(b)));
    }
    values
}
