//! Made-up rows that every example of the catalogue can be fitted on: for the tests that walk it, and the self-test.

use std::sync::Arc;

use evenstep_exact::draw::{Draws, Seed};
use evenstep_table::{
    Batch, Clock, Coded, Column, ColumnName, Labels, NULL_BOOLEAN, NULL_DATE, NULL_INTEGER, RowKey, Task,
};

const CITIES: [&str; 8] = ["Paris", "Lyon", "Oslo", "Bergen", "Köln", "a,b", "a:b", "🙂"];

/// Rows with columns of every type, as the examples name them, and nulls in most.
pub fn people(rows: usize, task: &Task) -> Batch {
    let draws = Draws::new(Seed(7), "people");
    let key = |row: usize| (row as u128 + 1).to_le_bytes();
    let uniform = |row: usize, n: u32| draws.uniform_at(&key(row), n);
    let there = |row: usize, n: u32| uniform(row, n) > 0.15;
    let city = |row: usize| CITIES[(uniform(row, 2) * uniform(row, 3) * 8.0) as usize];
    let micros = |row: usize, n: u32| (uniform(row, n) * 1.9e15) as i64 - 200_000_000_000_000;
    let integer = |row: usize, n: u32, cell: i64| if there(row, n) { cell } else { NULL_INTEGER };
    let mut batch = Batch::new((0..rows).map(|row| RowKey(key(row))).collect());
    let mut insert = |name: &str, column: Column| batch.insert(ColumnName::new(name).expect("a name"), column);
    fn each<T>(rows: usize, of: impl Fn(usize) -> T) -> Vec<T> {
        (0..rows).map(of).collect()
    }
    let age = |row: usize| if there(row, 0) { (uniform(row, 1) * 80.0).floor() + 18.5 } else { f64::NAN };
    insert("age", Column::Number(each(rows, age)));
    insert("income", Column::Number(each(rows, |row| 1e3 / (0.01 + uniform(row, 4)))));
    let balance = |row: usize| draws.normal(&key(row), 5) * 1e3 + uniform(row, 6) * 2e3;
    insert("balance", Column::Number(each(rows, balance)));
    insert("children", Column::Integer(each(rows, |row| integer(row, 7, (uniform(row, 8) * 4.0) as i64))));
    insert("month", Column::Integer(each(rows, |row| (uniform(row, 9) * 12.0) as i64 + 1)));
    let member = |row: usize| if there(row, 10) { u8::from(uniform(row, 11) < 0.3) } else { NULL_BOOLEAN };
    insert("member", Column::Boolean(each(rows, member)));
    let cities = (0..rows).map(|row| there(row, 12).then(|| city(row)));
    insert("city", Column::Category(Coded::from_strings(cities)));
    insert("country", Column::Category(Coded::from_strings((0..rows).map(|_| Some("Atlantis")))));
    let notes = (0..rows).map(|row| Some(format!("note {row}")));
    insert("note", Column::Text(Coded::from_strings(notes)));
    let born = |row: usize| if there(row, 13) { (uniform(row, 14) * 2e4) as i32 - 8000 } else { NULL_DATE };
    insert("born", Column::Date(each(rows, born)));
    insert("signed_up", Column::Datetime(Clock::Civil, each(rows, |row| micros(row, 15))));
    insert("seen_at", Column::Datetime(Clock::Instant, each(rows, |row| integer(row, 16, micros(row, 17)))));
    let target = |row: usize| match task {
        Task::Regression | Task::Ranking => uniform(row, 18) * 10.0 + f64::from(u8::from(city(row) == "Oslo")),
        Task::Binary { .. } => f64::from(u8::from(uniform(row, 18) < 0.4)),
        Task::Multiclass { .. } => (uniform(row, 18) * 3.0).floor(),
    };
    let labels = Labels { occurrence: vec![0; rows], target: each(rows, target), ..Labels::default() };
    batch.labels = Some(Arc::new(labels));
    batch
}
