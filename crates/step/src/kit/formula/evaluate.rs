//! A formula's value for every row of a batch, one node after the other.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use evenstep_exact::maths;
use evenstep_table::{Batch, Coded, Column, NULL_BOOLEAN, NULL_CODE};

use super::lost::{Before, Lost, not_finite};
use super::{Formula, Function, What};

/// A value for each row, or one for all rows.
#[derive(Clone)]
pub(super) enum Cells<'a> {
    /// NaN is null.
    Number(Cow<'a, [f64]>),
    /// 0, 1 or `NULL_BOOLEAN`.
    Boolean(Cow<'a, [u8]>),
    Text(Cow<'a, Coded>),
    Null,
    /// A column of another type.
    Other(&'a Column),
}

impl Formula {
    /// The value for each row; and how many are null because an operation gave no finite number.
    pub fn evaluate(&self, batch: &Batch) -> (Column, u64) {
        let mut values: Vec<(Cells<'_>, Lost)> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let value = match &node.what {
                What::Number(x) => Cells::Number(Cow::Owned(vec![*x])),
                What::Boolean(yes) => Cells::Boolean(Cow::Owned(vec![u8::from(*yes)])),
                What::Text(text) => {
                    Cells::Text(Cow::Owned(Coded { values: Arc::new(vec![text.clone()]), codes: vec![0] }))
                }
                What::Null => Cells::Null,
                What::Column(name) => Cells::of(batch.column(name)),
                What::Call(function, operands) => {
                    // Each node has one place where it is used.
                    let take = |at: &usize| std::mem::replace(&mut values[*at], (Cells::Null, None));
                    let (operands, lost): (Vec<Cells<'_>>, Vec<Lost>) = operands.iter().map(take).unzip();
                    let before = Before::of(*function, &operands, lost);
                    let (value, fresh) = call(*function, operands);
                    let lost = before.after(fresh, &value);
                    values.push((value, lost));
                    continue;
                }
            };
            values.push((value, None));
        }
        let rows = batch.rows();
        let (value, lost) = values.pop().expect("a formula has a node");
        let lost = lost.map_or(0, |lost| spread(lost.into(), rows).iter().filter(|lost| **lost).count() as u64);
        let column = match value {
            Cells::Number(cells) => Column::Number(spread(cells, rows)),
            Cells::Boolean(cells) => Column::Boolean(spread(cells, rows)),
            Cells::Text(coded) => {
                let Coded { values, codes } = coded.into_owned();
                Column::Category(Coded { values, codes: spread(codes.into(), rows) })
            }
            Cells::Null | Cells::Other(_) => unreachable!("the type of the result was checked"),
        };
        (column, lost)
    }
}

/// One value for each row.
fn spread<T: Copy>(cells: Cow<'_, [T]>, rows: usize) -> Vec<T> {
    if cells.len() == rows { cells.into_owned() } else { vec![cells[0]; rows] }
}

impl<'a> Cells<'a> {
    fn of(column: &'a Column) -> Cells<'a> {
        match column {
            Column::Boolean(cells) => Cells::Boolean(Cow::Borrowed(cells)),
            Column::Category(coded) | Column::Text(coded) => Cells::Text(Cow::Borrowed(coded)),
            column => column.to_numbers().map_or(Cells::Other(column), Cells::Number),
        }
    }

    fn numbers(self) -> Cow<'a, [f64]> {
        match self {
            Cells::Number(cells) => cells,
            Cells::Null => Cow::Owned(vec![f64::NAN]),
            _ => unreachable!("types were checked"),
        }
    }

    pub(super) fn booleans(self) -> Cow<'a, [u8]> {
        match self {
            Cells::Boolean(cells) => cells,
            Cells::Null => Cow::Owned(vec![NULL_BOOLEAN]),
            _ => unreachable!("types were checked"),
        }
    }

    fn texts(self) -> Cow<'a, Coded> {
        match self {
            Cells::Text(coded) => coded,
            Cells::Null => Cow::Owned(Coded { values: Arc::default(), codes: vec![NULL_CODE] }),
            _ => unreachable!("types were checked"),
        }
    }
}

/// What a function gives; and, if it is one of numbers, in which rows it gave no finite number of finite ones.
fn call(function: Function, operands: Vec<Cells<'_>>) -> (Cells<'_>, Lost) {
    let value = match function {
        Function::Negate => return number(operands, |x| -x),
        Function::Abs => return number(operands, f64::abs),
        Function::Ln => return number(operands, maths::ln),
        Function::Log1p => return number(operands, maths::log1p),
        Function::Exp => return number(operands, maths::exp),
        Function::Sqrt => return number(operands, maths::sqrt),
        Function::Floor => return number(operands, f64::floor),
        Function::Ceil => return number(operands, f64::ceil),
        Function::Round => return number(operands, f64::round),
        Function::Add => return numbers(operands, |x, y| x + y),
        Function::Subtract => return numbers(operands, |x, y| x - y),
        Function::Multiply => return numbers(operands, |x, y| x * y),
        Function::Divide => return numbers(operands, |x, y| x / y),
        Function::Pow => {
            return numbers(operands, |x, y| if x.is_nan() || y.is_nan() { f64::NAN } else { maths::pow(x, y) });
        }
        Function::Min => return numbers(operands, |x, y| if x.is_nan() || x < y { x } else { y }),
        Function::Max => return numbers(operands, |x, y| if x.is_nan() || x > y { x } else { y }),
        Function::Less => comparison(operands, |x, y| x < y),
        Function::LessOrEqual => comparison(operands, |x, y| x <= y),
        Function::Greater => comparison(operands, |x, y| x > y),
        Function::GreaterOrEqual => comparison(operands, |x, y| x >= y),
        Function::Equal => equality(operands, true),
        Function::NotEqual => equality(operands, false),
        Function::Not => {
            let [a] = take(operands);
            let not = |a: &u8| if *a == NULL_BOOLEAN { NULL_BOOLEAN } else { 1 - a };
            Cells::Boolean(a.booleans().iter().map(not).collect())
        }
        Function::And => booleans(operands, |a, b| match (a, b) {
            (0, _) | (_, 0) => 0,
            (1, 1) => 1,
            _ => NULL_BOOLEAN,
        }),
        Function::Or => booleans(operands, |a, b| match (a, b) {
            (1, _) | (_, 1) => 1,
            (0, 0) => 0,
            _ => NULL_BOOLEAN,
        }),
        Function::If => {
            let [condition, yes, no] = take(operands);
            choose(&condition.booleans(), yes, no)
        }
        Function::Coalesce => {
            let mut operands = operands.into_iter();
            let first = operands.next().expect("it takes two or more");
            operands.fold(first, |known, next| {
                let is_null = nulls(&known);
                choose(&is_null, next, known)
            })
        }
        Function::IsNull => {
            let [a] = take(operands);
            Cells::Boolean(nulls(&a).into())
        }
    };
    (value, None)
}

fn take<const N: usize>(operands: Vec<Cells<'_>>) -> [Cells<'_>; N] {
    operands.try_into().unwrap_or_else(|_| unreachable!("operands were counted"))
}

/// Whether each cell is null.
pub(super) fn nulls(cells: &Cells<'_>) -> Vec<u8> {
    match cells {
        Cells::Number(cells) => cells.iter().map(|x| u8::from(x.is_nan())).collect(),
        Cells::Boolean(cells) => cells.iter().map(|a| u8::from(*a == NULL_BOOLEAN)).collect(),
        Cells::Text(coded) => coded.codes.iter().map(|code| u8::from(*code == NULL_CODE)).collect(),
        Cells::Null => vec![1],
        Cells::Other(column) => (0..column.rows()).map(|row| u8::from(column.is_null(row))).collect(),
    }
}

/// How many cells come of so many and so many, one standing for any number.
fn length(a: usize, b: usize) -> usize {
    if a == 1 { b } else { a }
}

/// The cell for a row, where there may be one for all.
pub(super) fn at<T: Copy>(cells: &[T], row: usize) -> T {
    if cells.len() == 1 { cells[0] } else { cells[row] }
}

fn zip<A: Copy, B: Copy, R>(a: &[A], b: &[B], of: impl Fn(A, B) -> R) -> Vec<R> {
    match (a.len(), b.len()) {
        (_, 1) => a.iter().map(|x| of(*x, b[0])).collect(),
        (1, _) => b.iter().map(|y| of(a[0], *y)).collect(),
        _ => a.iter().zip(b).map(|(x, y)| of(*x, *y)).collect(),
    }
}

/// No number is infinite or −0: what is not finite is null, at every node.
fn canonical(x: f64) -> f64 {
    if x.is_finite() { x + 0.0 } else { f64::NAN }
}

fn number<'a>(operands: Vec<Cells<'a>>, of: impl Fn(f64) -> f64) -> (Cells<'a>, Lost) {
    let [a] = take(operands);
    let a = a.numbers();
    let cells: Vec<f64> = a.iter().map(|x| canonical(of(*x))).collect();
    let lost = not_finite(&cells, &a, &a);
    (Cells::Number(cells.into()), lost)
}

fn numbers<'a>(operands: Vec<Cells<'a>>, of: impl Fn(f64, f64) -> f64) -> (Cells<'a>, Lost) {
    let mut all = operands.into_iter().map(Cells::numbers);
    let mut cells = all.next().expect("it takes two or more");
    let mut lost = None;
    for next in all {
        let both = zip(&cells, &next, |x, y| canonical(of(x, y)));
        // Only what takes two gives what is not finite: the lowest and highest of many is one of them.
        lost = not_finite(&both, &cells, &next);
        cells = Cow::Owned(both);
    }
    (Cells::Number(cells), lost)
}

fn booleans<'a>(operands: Vec<Cells<'a>>, of: impl Fn(u8, u8) -> u8) -> Cells<'a> {
    let [a, b] = take(operands);
    Cells::Boolean(zip(&a.booleans(), &b.booleans(), of).into())
}

fn comparison<'a>(operands: Vec<Cells<'a>>, of: impl Fn(f64, f64) -> bool) -> Cells<'a> {
    let [a, b] = take(operands);
    let compare = |x: f64, y: f64| if x.is_nan() || y.is_nan() { NULL_BOOLEAN } else { u8::from(of(x, y)) };
    Cells::Boolean(zip(&a.numbers(), &b.numbers(), compare).into())
}

fn equality(operands: Vec<Cells<'_>>, equal: bool) -> Cells<'_> {
    let [a, b] = take(operands);
    let answer = |null: bool, same: bool| if null { NULL_BOOLEAN } else { u8::from(same == equal) };
    Cells::Boolean(Cow::Owned(match (a, b) {
        (Cells::Number(a), Cells::Number(b)) => zip(&a, &b, |x, y| answer(x.is_nan() || y.is_nan(), x == y)),
        (Cells::Boolean(a), Cells::Boolean(b)) => {
            zip(&a, &b, |x, y| answer(x == NULL_BOOLEAN || y == NULL_BOOLEAN, x == y))
        }
        (Cells::Text(a), Cells::Text(b)) => {
            let (_, codes) = joined(&a, &b);
            zip(&a.codes, &codes, |x, y| answer(x == NULL_CODE || y == NULL_CODE, x == y))
        }
        _ => unreachable!("types were checked"),
    }))
}

/// For each row the one or the other; null where the condition is.
fn choose<'a>(condition: &[u8], yes: Cells<'a>, no: Cells<'a>) -> Cells<'a> {
    fn pick<T: Copy>(condition: &[u8], yes: &[T], no: &[T], null: T) -> Vec<T> {
        let rows = length(length(condition.len(), yes.len()), no.len());
        let cell = |row| match at(condition, row) {
            1 => at(yes, row),
            0 => at(no, row),
            _ => null,
        };
        (0..rows).map(cell).collect()
    }
    match (&yes, &no) {
        (Cells::Null, Cells::Null) => Cells::Null,
        (Cells::Number(_), _) | (_, Cells::Number(_)) => {
            Cells::Number(pick(condition, &yes.numbers(), &no.numbers(), f64::NAN).into())
        }
        (Cells::Boolean(_), _) | (_, Cells::Boolean(_)) => {
            Cells::Boolean(pick(condition, &yes.booleans(), &no.booleans(), NULL_BOOLEAN).into())
        }
        _ => {
            let (yes, no) = (yes.texts(), no.texts());
            let (values, no) = joined(&yes, &no);
            Cells::Text(Cow::Owned(Coded {
                values: Arc::new(values),
                codes: pick(condition, &yes.codes, &no, NULL_CODE),
            }))
        }
    }
}

/// The values of both, first those of `a` with their codes, and what codes `b` has among them.
fn joined(a: &Coded, b: &Coded) -> (Vec<Arc<str>>, Vec<u32>) {
    let mut values = a.values.to_vec();
    let mut known: HashMap<Arc<str>, u32> = values.iter().cloned().zip(0..).collect();
    let codes = crate::kit::look_up(b, NULL_CODE, |value| {
        *known.entry(value.clone()).or_insert_with(|| {
            values.push(value.clone());
            values.len() as u32 - 1
        })
    });
    (values, codes)
}
