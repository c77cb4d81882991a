use evenstep_exact::reduce::{Partial, Workers, decode, encode};
use evenstep_table::{Batch, Clock, Coded, Column, ColumnName, Identity, shuffle};
use proptest::prelude::*;

use super::*;

fn name(text: &str) -> ColumnName {
    ColumnName::new(text).expect("a name")
}

fn head() -> Head {
    Head { origin: Origin::Train, name: "p".to_owned(), digest: "sha256:0".to_owned(), id: vec![name("id")] }
}

fn salt() -> Salt {
    Salt::new(&[7; SALT_BYTES])
}

/// Rows of an id, a number and a string.
fn table(rows: impl Iterator<Item = i64>, change: impl Fn(i64) -> f64) -> Batch {
    let rows: Vec<i64> = rows.collect();
    let mut batch = Batch::unkeyed(rows.len());
    batch.insert(name("x"), Column::Number(rows.iter().map(|n| change(*n)).collect()));
    let strings = rows.iter().map(|n| (n % 7 != 0).then(|| format!("c{}", n % 5)));
    batch.insert(name("c"), Column::Category(Coded::from_strings(strings)));
    batch.insert(name("id"), Column::Integer(rows));
    batch.keys = Identity::by_id([name("id")]).keys(&batch).expect("no id is null").into();
    batch
}

fn sums(batch: &Batch) -> Sums {
    let mut sums = Sums::default();
    let cells = || batch.columns();
    sums.add_ends(&Stage::Input, &Named::of(&batch.keys, &[batch.column(&name("id"))]), cells());
    sums.add(&Stage::step(1, "log", Form::Applied), &Rows::of(&batch.keys), [(&name("x"), batch.column(&name("x")))]);
    sums
}

fn sealed(sums: Sums) -> Trace {
    let recorder = Recorder::default();
    recorder.merge(sums);
    recorder.trace(head(), &salt())
}

fn trace(batch: &Batch) -> Trace {
    sealed(sums(batch))
}

/// The ids that only one side has, as `-` and `+`.
fn changed(a: &Trace, b: &Trace) -> String {
    let sketch = |trace: &Trace| trace.sketch(&Stage::Input, &salt()).expect("it is sealed with the salt");
    match sketch(a).reconcile(&sketch(b)) {
        Reconciled::Many => "many".to_owned(),
        Reconciled::All { first, second } => {
            let word = |sign: &str, element: &Element| format!("{sign}{}", element.name.id().expect("a short id"));
            let words = first.iter().map(|e| word("-", e)).chain(second.iter().map(|e| word("+", e)));
            words.collect::<Vec<_>>().join(" ")
        }
    }
}

#[test]
fn a_changed_cell_is_in_one_column_one_bucket_and_one_row() {
    let before = trace(&table(0..10_000, |n| n as f64));
    let after = trace(&table(0..10_000, |n| if n == 777 { 0.5 } else { n as f64 }));
    assert_ne!(before.root(), after.root());
    let (a, b) = (&before.stages()[&Stage::Input], &after.stages()[&Stage::Input]);
    assert_eq!((a.rows, &a.row_set), (b.rows, &b.row_set));
    let differing: Vec<&ColumnName> = a.columns.keys().filter(|name| a.columns[*name] != b.columns[*name]).collect();
    assert_eq!(differing, [&name("x")]);
    let spread = before.spread(&a.columns[&name("x")], &after, &b.columns[&name("x")]);
    assert_eq!(spread, Some(Spread { differ: 1, of: 256 }));
    assert_eq!(changed(&before, &after), "-777 +777");
}

#[test]
fn cells_that_changed_places_are_seen_though_the_values_are_the_same() {
    let swapped = |n: i64| match n {
        3 => 5.0,
        5 => 3.0,
        n => n as f64,
    };
    let (a, b) = (trace(&table(0..50, |n| n as f64)), trace(&table(0..50, swapped)));
    let column = |trace: &Trace| trace.stages()[&Stage::Input].columns[&name("x")].clone();
    assert_eq!(column(&a).values, column(&b).values);
    assert_ne!(column(&a).root, column(&b).root);
    assert_eq!(changed(&a, &b), "-3 -5 +3 +5");
}

/// Rows without an id that are equal, and ids that occur twice.
#[test]
fn rows_that_share_a_key_are_no_sum() {
    let of = |cells: [f64; 3]| {
        let mut batch = table([7, 7, 7].into_iter(), |n| n as f64);
        batch.insert(name("x"), Column::Number(cells.to_vec()));
        trace(&batch)
    };
    let same = [[100.0, 110.0, 104.0], [104.0, 100.0, 110.0]].map(of);
    assert_eq!(same[0].root(), same[1].root(), "which of them has which isn't known");
    for other in [[105.0, 105.0, 104.0], [100.0, 111.0, 103.0], [99.0, 112.0, 103.0], [0.0, 0.0, 314.0]].map(of) {
        let stages = same[0].stages().iter().zip(other.stages());
        stages.for_each(|((_, mine), (stage, theirs))| {
            assert_ne!(mine.columns[&name("x")].root, theirs.columns[&name("x")].root, "{stage}");
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Small whole numbers and their halves are like one another in most of their bits.
    #[test]
    fn cells_that_share_a_key_are_told_from_others_of_the_same_sum(
        mut a in proptest::collection::vec(-40..40_i32, 4),
        mut b in proptest::collection::vec(-40..40_i32, 3),
        scale in proptest::sample::select(vec![0.5, 1.0, 1024.0, 0.1]),
    ) {
        b.push(a.iter().sum::<i32>() - b.iter().sum::<i32>());
        let roots = |cells: &[i32]| {
            let mut batch = table(std::iter::repeat_n(7, cells.len()), |n| n as f64);
            batch.insert(name("x"), Column::Number(cells.iter().map(|n| f64::from(*n) * scale).collect()));
            let sums = sums(&batch);
            let of = |passed: &super::sums::Passed| passed.columns[&name("x")].clone();
            let ends = of(&sums.stages[&Stage::Input]);
            let step = of(&sums.stages[&Stage::step(1, "log", Form::Applied)]);
            (ends.whole(), ends.values, step.whole())
        };
        let (of_a, of_b) = (roots(&a), roots(&b));
        a.sort_unstable();
        b.sort_unstable();
        let same = a == b;
        prop_assert_eq!((of_a.0 == of_b.0, of_a.1 == of_b.1, of_a.2 == of_b.2), (same, same, same));
    }
}

#[test]
fn an_instant_is_no_reading_of_a_clock() {
    let root = |clock: Clock| {
        let mut batch = table(0..50, |n| n as f64);
        batch.remove("x");
        batch.insert(name("x"), Column::Datetime(clock, (0..50).collect()));
        trace(&batch).root()
    };
    assert_ne!(root(Clock::Civil), root(Clock::Instant));
}

#[test]
fn five_hundred_changed_rows_are_named_and_ten_thousand_are_many() {
    let changed_from = |from: i64| move |n: i64| if n >= from { n as f64 + 0.5 } else { n as f64 };
    let before = trace(&table(0..20_000, |n| n as f64));
    let few = changed(&before, &trace(&table(0..20_000, changed_from(19_500))));
    assert_eq!(few.split(' ').count(), 1_000);
    assert_eq!(changed(&before, &trace(&table(0..20_000, changed_from(10_000)))), "many");
}

#[test]
fn another_salt_hides_rows_and_leaves_the_root() {
    let batch = table(0..100, |n| n as f64);
    let (one, recorder) = (trace(&batch), Recorder::default());
    recorder.merge(sums(&batch));
    let other = recorder.trace(head(), &Salt::new(&[8; SALT_BYTES]));
    assert_eq!(one.root(), other.root());
    assert!(one.sketch(&Stage::Input, &Salt::new(&[8; SALT_BYTES])).is_none() && !one.shares_salt_with(&other));
    let column = |trace: &Trace| trace.stages()[&Stage::Input].columns[&name("x")].clone();
    assert_eq!(one.spread(&column(&one), &other, &column(&other)), None);
}

#[test]
fn however_many_columns_and_rows_there_are_the_file_stays_small() {
    let batch = table(0..1_000, |n| n as f64);
    let bytes = |steps: usize, columns: usize| {
        let mut sums = Sums::default();
        let names: Vec<ColumnName> = (0..columns).map(|n| name(&format!("column {n}"))).collect();
        let cells = || names.iter().map(|name| (name, batch.column(&self::name("x"))));
        for step in 0..steps {
            sums.add(&Stage::step(step, "log", Form::Applied), &Rows::of(&batch.keys), cells());
        }
        sums.add_ends(&Stage::Input, &Named::of(&batch.keys, &[]), cells());
        for stage in [Stage::Labels, Stage::Prediction] {
            sums.add_ends(&stage, &Named::of(&batch.keys, &[]), batch.columns());
        }
        sealed(sums).to_bytes().len()
    };
    for (steps, columns) in [(0, 30), (30, 30), (3, 300), (3, 700), (3, 1_000), (3, 1_700), (3, 3_000), (1, 5_000)] {
        assert!(bytes(steps, columns) <= 256 << 10, "{} bytes with {columns} columns", bytes(steps, columns));
    }
    // Beyond, a column takes some seventeen bytes where it is written, and those of its name.
    let more = bytes(3, 10_000);
    assert!(more <= 17 * 40_000 + 14 * 10_000 + (64 << 10), "{more} bytes");
}

#[test]
fn bytes_that_were_changed_or_cut_short_are_refused() {
    let bytes = trace(&table(0..10, |n| n as f64)).to_bytes();
    assert_eq!(Trace::from_bytes(&bytes).expect("as it was written").to_bytes(), bytes);
    let error = |bytes: &[u8]| Trace::from_bytes(bytes).expect_err("it was changed").to_string();
    for at in (0..bytes.len()).step_by(97) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(!error(&changed).is_empty());
        assert!(!error(&bytes[..at]).is_empty());
    }
    insta::assert_snapshot!(error(b"PK"), @"it is no trace");
    insta::assert_snapshot!(error(&bytes[..40]), @"the trace is cut short");
    insta::assert_snapshot!(error(&bytes[..60]), @"the trace was changed or cut short: its bytes don't have the hash at its end");
    let later = [b"evenstep trace 9", &bytes[16..]].concat();
    insta::assert_snapshot!(error(&later), @"it is a trace of a version that this engine doesn't read");
}

proptest! {
    #[test]
    fn a_trace_is_blind_to_order_chunks_and_threads(
        rows in prop::collection::vec(0..200_i64, 1..80), seed in any::<u64>(), size in 1..40_usize, threads in 1..4_usize,
    ) {
        let whole = table(rows.into_iter(), |n| n as f64 / 3.0);
        let expected = trace(&whole).to_bytes();
        let parts = shuffle::shuffled(std::slice::from_ref(&whole), seed, size);
        let gathered = Workers::threads(threads).fold(parts.len(), |task, all: &mut Sums| all.merge(sums(&parts[task])));
        prop_assert_eq!(&sealed(decode(&encode(&gathered))).to_bytes(), &expected);
        let backwards = parts.iter().rev().fold(Sums::default(), |mut all, part| { all.merge(sums(part)); all });
        prop_assert_eq!(&sealed(backwards).to_bytes(), &expected);
    }
}
