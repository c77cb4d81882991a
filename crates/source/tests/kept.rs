//! What is kept while types are inferred is what reading by type gives.

use std::collections::BTreeMap;
use std::fmt::Write;

use evenstep_exact::reduce::Workers;
use evenstep_source::{Kept, Read, Reading, Source};
use evenstep_table::{ColumnName, Contract, RuleSpec};

/// So many rows that the last of them stand beyond those that a guess is made from.
const ROWS: usize = 9000;

/// A table of some usual columns and one that is looked at.
fn table(cell: impl Fn(usize) -> String) -> String {
    let mut text = "day,flag,x,town,n,when,looked at\n".to_owned();
    for row in 0..ROWS {
        let (day, flag) = (row % 28 + 1, if row % 3 == 0 { "true" } else { "" });
        let town = ["Basel", "", "\"Bern, old\"", "Chur"][row % 4];
        let (fraction, when) = (row % 7, row % 24);
        writeln!(text, "2020-02-{day:02},{flag},{row}.{fraction},{town},{row},2020-01-01T{when:02}:00,{}", cell(row))
            .expect("text");
    }
    text
}

fn cells(read: &Read) -> Vec<Vec<Option<String>>> {
    let row = |row: usize, batch: &evenstep_table::Batch| batch.columns().map(|(_, column)| column.text(row)).collect();
    read.batches.iter().flat_map(|batch| (0..batch.rows()).map(move |at| row(at, batch))).collect()
}

/// Reads one table with and without keeping; whether what was kept would do.
fn check(text: &str, ending: &str, declared: &[(&str, &str)]) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(format!("table.{ending}"));
    std::fs::write(&path, text).expect("written");
    let missing = vec![String::new(), "-9".to_owned()];
    let declared: BTreeMap<ColumnName, RuleSpec> = declared
        .iter()
        .map(|(name, rule)| {
            let rule = serde_json::from_str(rule).expect("a rule");
            (ColumnName::new(name).expect("a name"), rule)
        })
        .collect();
    let source = Source::open(&path.to_string_lossy(), folder.path()).expect("opened");
    let mut would_do = Vec::new();
    for threads in [1, 3] {
        let workers = Workers::threads(threads);
        let inferred = source.infer(&missing, &workers, &|_| ()).expect("inferred");
        let (seen, kept) = source.infer_keeping(&missing, &declared, &workers, &|_| ()).expect("inferred");
        assert_eq!(seen, inferred);
        let contract = Contract::resolve(&declared, &inferred.columns, None).expect("a contract");
        let reading = Reading { missing: missing.clone(), columns: contract.columns, ..Reading::default() };
        let read = source.examine(&reading, &workers, &|_| ()).expect("read");
        let again = std::cell::Cell::new(false);
        let from_kept = read_kept(&source, kept, &reading, &workers, &again);
        assert_eq!(cells(&from_kept), cells(&read));
        assert_eq!(from_kept.quality, read.quality);
        assert_eq!(from_kept.origins, read.origins);
        assert_eq!(from_kept.batches.len(), read.batches.len());
        for (mine, theirs) in from_kept.batches.iter().zip(&read.batches) {
            assert_eq!(mine.schema(), theirs.schema());
        }
        would_do.push(!again.get());
    }
    assert!(would_do.iter().all(|would| *would == would_do[0]), "threads don't matter to a file of one block");
    would_do[0]
}

fn read_kept(source: &Source, kept: Kept, reading: &Reading, workers: &Workers, again: &std::cell::Cell<bool>) -> Read {
    let bytes = std::sync::atomic::AtomicU64::new(0);
    let told = |read: u64| {
        bytes.fetch_add(read, std::sync::atomic::Ordering::Relaxed);
    };
    let read = source.examine_kept(kept, reading, workers, &told).expect("read");
    again.set(bytes.into_inner() > 0);
    read
}

fn late(early: &str, late: &str) -> impl Fn(usize) -> String {
    move |row| if row < ROWS - 100 { early } else { late }.to_owned()
}

#[test]
fn columns_of_one_type_are_read_once() {
    assert!(check(&table(|row| row.to_string()), "csv", &[]));
    assert!(check(&table(|row| format!("c{}", row % 50)), "csv", &[]));
    assert!(check(&table(|row| format!("own text of row {row}")), "csv", &[]));
    assert!(check(&table(|row| if row % 2 == 0 { "-9.0".to_owned() } else { row.to_string() }), "csv", &[]));
}

#[test]
fn whole_numbers_become_numbers_where_the_last_rows_say_so() {
    // A cell that is no whole number is no cell of the column that was guessed.
    assert!(!check(&table(late("12", "1.5")), "csv", &[]));
    assert!(check(&table(|row| row.to_string()), "csv", &[("looked at", r#"{"type": "number"}"#)]));
}

#[test]
fn a_late_surprise_makes_the_file_be_read_again() {
    for (first, last) in
        [("12", "twelve"), ("2020-01-01", "2020-01-01T10:00"), ("true", "maybe"), ("", "late"), ("012", "x")]
    {
        check(&table(late(first, last)), "csv", &[]);
    }
    assert!(!check(&table(late("12", "twelve")), "csv", &[]));
    assert!(check(&table(late("", "1.5")), "csv", &[]));
}

#[test]
fn a_declared_type_is_the_best_guess() {
    let postal = |row: usize| format!("{:05}", row % 90);
    assert!(check(&table(postal), "csv", &[("looked at", r#"{"type": "integer"}"#)]));
    assert!(check(&table(|row| (row % 9).to_string()), "csv", &[("looked at", r#"{"type": "category"}"#)]));
    let day = |row: usize| format!("{:02}.02.2020", row % 28 + 1);
    assert!(check(&table(day), "csv", &[("looked at", r##"{"type": "date", "format": "%d.%m.%Y"}"##)]));
    assert!(check(&table(late("7", "seven")), "csv", &[("looked at", r#"{"type": "integer", "invalid": "null"}"#)]));
}

#[test]
fn files_that_know_their_types_are_not_kept() {
    let lines: String = (0..20).map(|row| format!("{{\"a\": {row}, \"b\": \"x\"}}\n")).collect();
    assert!(!check(&lines, "jsonl", &[]));
}
