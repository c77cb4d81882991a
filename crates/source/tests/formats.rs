//! One table in every format: equal values are equal columns, keys and fingerprints.

use std::collections::BTreeMap;
use std::path::Path;

use evenstep_exact::reduce::Workers;
use evenstep_source::{Mode, Read, Reading, Source};
use evenstep_table::{
    Batch, Clock, Coded, Column, ColumnName, Contract, Fingerprint, Identity, Kind, NULL_BOOLEAN, NULL_DATE,
    NULL_INTEGER, RowKey, RuleSpec, Schema, fingerprint, identity, shuffle,
};
use proptest::prelude::*;

const ENDINGS: [&str; 8] = ["csv", "csv.gz", "csv.zst", "tsv", "jsonl", "ndjson.gz", "parquet", "arrow"];

fn name(text: &str) -> ColumnName {
    ColumnName::new(text).expect("not empty")
}

/// What a person would see of a table, with its identity.
#[derive(Debug, PartialEq)]
struct Seen {
    schema: Schema,
    rows: Vec<Vec<Option<String>>>,
    keys: Vec<RowKey>,
    fingerprint: Fingerprint,
}

fn seen(mut read: Read, schema: &Schema) -> Seen {
    let workers = Workers::threads(2);
    let by_content = Identity::by_content(schema.keys().cloned());
    for batch in &mut read.batches {
        batch.keys = by_content.keys(batch).expect("content has a key").into();
    }
    let ranks = identity::occurrences(&read.batches, &[], &workers);
    for (batch, occurrence) in read.batches.iter_mut().zip(ranks) {
        batch.labels = Some(evenstep_table::Labels { occurrence, ..Default::default() }.into());
    }
    let row = |batch: &Batch, row: usize| batch.columns().map(|(_, column)| column.text(row)).collect();
    Seen {
        schema: read.batches.first().map(Batch::schema).unwrap_or_default(),
        rows: read.batches.iter().flat_map(|batch| (0..batch.rows()).map(move |at| row(batch, at))).collect(),
        keys: read.batches.iter().flat_map(|batch| batch.keys.iter().copied()).collect(),
        fingerprint: fingerprint(&read.batches, schema, &workers),
    }
}

fn open(pattern: &str, folder: &Path) -> Source {
    Source::open(pattern, folder).unwrap_or_else(|error| panic!("{error}"))
}

fn load(pattern: &str, folder: &Path, threads: usize) -> Seen {
    let source = open(pattern, folder);
    let workers = Workers::threads(threads);
    let missing = vec![String::new(), "NA".to_owned()];
    let inferred = source.infer(&missing, &workers, &|_| ()).unwrap_or_else(|error| panic!("{error}"));
    let declared: BTreeMap<ColumnName, RuleSpec> = inferred
        .columns
        .iter()
        .filter(|(_, evidence)| evidence.kind().is_none())
        .map(|(name, _)| (name.clone(), serde_json::from_str(r#"{"type": "text"}"#).expect("a rule")))
        .collect();
    let contract = Contract::resolve(&declared, &inferred.columns, None).expect("consistent");
    let schema = contract.schema();
    let reading = Reading { missing, columns: contract.columns, ..Reading::default() };
    let read = source.read(&reading, &workers, &|_| ()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.quality.rows, inferred.rows);
    seen(read, &schema)
}

/// A column of every kind, with nulls, edge cases and equal rows.
fn table() -> Batch {
    let rows = 12;
    let mut batch = Batch::unkeyed(rows);
    let numbers = [0.1, f64::NAN, -1.5e300, 5e-324, 1e21, 0.0, 123_456.789, 0.1, 2.0, 3.0, 2.5, 0.1];
    batch.insert(name("number"), Column::Number(numbers.to_vec()));
    let integers = [1, NULL_INTEGER, i64::MAX, -i64::MAX, 0, 9_007_199_254_740_993, 7, 1, 2, 3, 4, 1];
    batch.insert(name("integer"), Column::Integer(integers.to_vec()));
    batch.insert(name("boolean"), Column::Boolean(vec![1, 0, NULL_BOOLEAN, 1, 0, 1, 1, 1, 0, 0, 0, 1]));
    let codes = ["a", "b,c", "", "\"q\"", "line\nbreak", "ü😀", "a", "a", "b,c", "\"q\"", "line\nbreak", "a"];
    let text = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
    let codes: Vec<_> = codes.iter().map(|code| code.replace("ü😀", "a")).collect();
    batch.insert(
        name("cätégory, quoted"),
        Column::Category(Coded::from_strings(codes.iter().map(|c| text(&c.as_str())))),
    );
    let zip = ["01234", "1234", "00", "7", "01234", "", "1", "01234", "5", "6", "7", "01234"];
    batch.insert(name("zip"), Column::Category(Coded::from_strings(zip.iter().map(text))));
    let texts = ["x1", "x2", "x3", "x4", "x5", " x6 ", "x7\r\n", "x1", "\"", "x10", "x11", "x1"];
    batch.insert(name("text"), Column::Text(Coded::from_strings(texts.iter().map(text))));
    batch.insert(name("date"), Column::Date(vec![0, -1, NULL_DATE, 20_000, 1, 2, 3, 0, 5, 6, 7, 0]));
    let micros: Vec<i64> =
        (0..12).map(|row| [1, 2, NULL_INTEGER, 86_399_999_999, 0][[0, 1, 2, 3, 4, 1, 2, 0, 3, 4, 1, 0][row]]).collect();
    batch.insert(name("time"), Column::Time(micros.clone()));
    let far =
        |shift: i64| micros.iter().map(move |cell| if *cell == NULL_INTEGER { *cell } else { *cell * 40_000 + shift });
    batch.insert(name("civil"), Column::Datetime(Clock::Civil, far(-1).collect()));
    batch.insert(name("instant"), Column::Datetime(Clock::Instant, far(0).collect()));
    batch
}

fn save(batch: &Batch, names: &[&str], file: &Path) {
    let columns: Vec<(ColumnName, Kind)> =
        names.iter().map(|text| (name(text), batch.column(&name(text)).kind())).collect();
    let to = std::fs::File::create(file).expect("created");
    let mut writer = evenstep_source::write::Writer::for_path(file, to, columns, false).expect("started");
    let columns: Vec<&Column> = names.iter().map(|text| batch.column(&name(text))).collect();
    writer.write(&columns, &[]).expect("written");
    writer.finish().expect("finished");
}

fn rows_of(batch: &Batch) -> Vec<Vec<Option<String>>> {
    (0..batch.rows()).map(|row| batch.columns().map(|(_, column)| column.text(row)).collect()).collect()
}

#[test]
fn every_format_gives_the_same_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = table();
    let mut names: Vec<String> = table.columns().map(|(name, _)| name.to_string()).collect();
    let mut first: Option<Seen> = None;
    for (turn, ending) in ENDINGS.iter().enumerate() {
        // In every format the columns stand in another order.
        names.rotate_left(1);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let file = format!("{turn}.{ending}");
        save(&table, &names, &folder.path().join(&file));
        let seen = load(&file, folder.path(), 1 + turn % 3);
        assert_eq!(seen.schema, table.schema(), "{ending}");
        assert_eq!(seen.rows, rows_of(&table), "{ending}");
        if let Some(first) = &first {
            assert_eq!(seen, *first, "{ending}");
        }
        first.get_or_insert(seen);
    }
}

#[test]
fn large_floats_are_no_integers_in_json_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("x.jsonl");
    let mut batch = Batch::unkeyed(4);
    batch.insert(name("x"), Column::Number(vec![5.0, 9_007_199_254_740_992.0, -1e20, 1e300]));
    save(&batch, &["x"], &file);
    let text = std::fs::read_to_string(&file).expect("written");
    assert_eq!(text, "{\"x\":5}\n{\"x\":9007199254740992.0}\n{\"x\":-1e+20}\n{\"x\":1e+300}\n");
}

#[test]
fn partitions_row_order_and_threads_move_no_fingerprint() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wide = Batch::unkeyed(3000);
    wide.insert(name("n"), Column::Integer((0..3000).map(|n| n % 700).collect()));
    wide.insert(name("x"), Column::Number((0..3000).map(|n| f64::from(n % 100) / 8.0).collect()));
    let words = (0..3000).map(|n| (n % 9 > 0).then(|| format!("word {}", n % 13)));
    wide.insert(name("c"), Column::Category(Coded::from_strings(words)));
    save(&wide, &["n", "x", "c"], &folder.path().join("whole.csv"));
    let whole = load("whole.csv", folder.path(), 1);
    let (mut keys, mut rows) = (whole.keys.clone(), whole.rows.clone());
    keys.sort();
    rows.sort();
    for (parts, ending) in [(1, "csv"), (3, "parquet"), (9, "csv"), (4, "jsonl"), (2, "arrow")] {
        let part = format!("{parts}{ending}");
        std::fs::create_dir(folder.path().join(&part)).expect("created");
        for (number, batch) in
            shuffle::shuffled(std::slice::from_ref(&wide), parts, 3000usize.div_ceil(parts as usize)).iter().enumerate()
        {
            let names = if number % 2 == 0 { ["n", "x", "c"] } else { ["c", "n", "x"] };
            save(batch, &names, &folder.path().join(format!("{part}/{number}.{ending}")));
        }
        for threads in [1, 2, 7] {
            let mut seen = load(&format!("{part}/*.{ending}"), folder.path(), threads);
            assert_eq!(seen.fingerprint, whole.fingerprint, "{parts} parts of {ending}, {threads} threads");
            seen.keys.sort();
            seen.rows.sort();
            assert_eq!((&seen.keys, &seen.rows), (&keys, &rows), "{parts} parts of {ending}");
        }
    }
}

#[test]
fn a_stream_gives_what_a_read_gives() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut long = Batch::unkeyed(70_000);
    long.insert(name("n"), Column::Integer((0..70_000).collect()));
    let words = (0..70_000).map(|n| Some(format!("w{}", n % 1000)));
    long.insert(name("c"), Column::Category(Coded::from_strings(words)));
    for ending in ENDINGS {
        let file = format!("long.{ending}");
        save(&long, &["n", "c"], &folder.path().join(&file));
        let source = open(&file, folder.path());
        let columns =
            long.schema().into_iter().map(|(name, kind)| (name, evenstep_table::Rule::new(kind).into())).collect();
        let reading = Reading { columns, mode: Mode::Scoring, ..Reading::default() };
        let (mut rows, mut largest) = (Vec::new(), 0);
        for chunk in source.stream(&reading).expect("the columns are there") {
            let chunk = chunk.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(chunk.origin.first_row, rows.len() as u64 + 1, "{ending}");
            largest = largest.max(chunk.batch.rows());
            rows.extend(rows_of(&chunk.batch));
        }
        assert!(largest <= 16_384, "{ending}: {largest}");
        assert_eq!(rows, rows_of(&long), "{ending}");
    }
}

#[test]
fn a_blank_line_of_one_column_is_a_missing_cell() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |text: &str, expected: &[Option<&str>]| {
        std::fs::write(folder.path().join("a.csv"), text).expect("written");
        let rows: Vec<Vec<Option<String>>> = load("a.csv", folder.path(), 2).rows;
        assert_eq!(rows.iter().map(|row| row[0].as_deref()).collect::<Vec<_>>(), expected, "{text:?}");
    };
    check("x\n1\n\n3\n\n5\n", &[Some("1"), None, Some("3"), None, Some("5")]);
    check("x\r\n\r\n2\r\n\r\n", &[None, Some("2"), None]);
    check("\nx\n1\n\n3", &[Some("1"), None, Some("3")]);
    check("x,y\n1,2\n\n3,4\n", &[Some("1"), Some("3")]);
}

#[test]
fn integers_of_any_length_are_names_in_json_lines_as_in_a_csv() {
    let folder = tempfile::tempdir().expect("a folder");
    let ids = ["18446744073709551617", "18446744073709551618", "-9223372036854775809", "7"];
    let lines: String = ids.iter().map(|id| format!("{{\"id\": {id}}}\n")).collect();
    std::fs::write(folder.path().join("t.csv"), format!("id\n{}\n", ids.join("\n"))).expect("written");
    std::fs::write(folder.path().join("t.jsonl"), lines).expect("written");
    let texts = |file: &str| {
        let source = open(file, folder.path());
        let workers = Workers::threads(1);
        let inferred = source.infer(&[], &workers, &|_| ()).expect("it is read");
        let kind = inferred.columns["id"].kind_as_name().expect("it has values");
        let columns = [(name("id"), evenstep_table::Rule::new(kind).into())].into();
        let read = source.read(&Reading { columns, ..Reading::default() }, &workers, &|_| ()).expect("it is read");
        let [batch] = &read.batches[..] else { panic!("one batch") };
        (0..4).map(|row| batch.column(&name("id")).text(row).expect("there")).collect::<Vec<_>>()
    };
    assert_eq!(texts("t.csv"), ids);
    assert_eq!(texts("t.jsonl"), ids);
}

#[test]
fn folders_tell_columns_of_all_their_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        std::fs::write(path, text).expect("written");
    };
    for (year, place) in [("2023", "a%2Fb"), ("2023", "c%"), ("2024", "__HIVE_DEFAULT_PARTITION__"), ("2024", "c")] {
        write(&format!("d/year={year}/place={place}/f.csv"), "x\n1\n2\n");
        write(&format!("d/year={year}/place={place}/f.jsonl"), "{\"x\":1}\n{\"x\":2}\n");
    }
    write(
        "whole.csv",
        "x,year,place\n1,2023,a/b\n2,2023,a/b\n1,2023,c%\n2,2023,c%\n1,2024,\n2,2024,\n1,2024,c\n2,2024,c\n",
    );
    let whole = load("whole.csv", folder.path(), 1);
    assert_eq!(whole.schema[&name("year")], Kind::Integer);
    for ending in ["csv", "jsonl"] {
        let mut seen = load(&format!("d/*/*/*.{ending}"), folder.path(), 2);
        assert_eq!(seen.fingerprint, whole.fingerprint, "{ending}");
        seen.rows.sort();
        let mut rows = whole.rows.clone();
        rows.sort();
        assert_eq!(seen.rows, rows, "{ending}");
    }
    // What was known by the end of 2023, where that is what the folders tell.
    let known = |file: &str, rule: Kind| {
        let known = evenstep_source::Known::new(name("year"), evenstep_table::Rule::new(rule), &[], 19_722);
        open(file, folder.path()).known_by(known).infer(&[], &Workers::threads(1), &|_| ()).expect("read")
    };
    for (day, ending) in [("2023-12-31", "csv"), ("2024-01-01", "csv"), ("2023-12-31", "jsonl")] {
        write(
            &format!("k/year={day}/f.{ending}"),
            if ending == "csv" { "x\n1\n2\n" } else { "{\"x\":1}\n{\"x\":2}\n" },
        );
    }
    let inferred = known("k/*/*.csv", Kind::Date);
    assert_eq!((inferred.rows, inferred.left_out.later), (2, 2));
    assert_eq!(known("k/*/*.jsonl", Kind::Date).rows, 2);
    // The file's own column goes before; and what is fixed in the pattern tells nothing apart.
    write("e/x=9/f.csv", "x\n1\n2\n");
    assert_eq!(open("e/*/*.csv", folder.path()).column_names(), [name("x")]);
    assert_eq!(open("d/year=2024/place=c/*.csv", folder.path()).column_names(), [name("x")]);
}

#[test]
fn a_folder_that_a_pattern_is_looked_for_from_is_none_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let (within, decoy) = (folder.path().join("run[1]"), folder.path().join("run1"));
    for (folder, name) in [(&within, "part-a.csv"), (&within, "part-b.csv"), (&decoy, "part-c.csv")] {
        std::fs::create_dir_all(folder).expect("created");
        std::fs::write(folder.join(name), "x\n1\n").expect("written");
    }
    let source = open("part-*.csv", &within);
    assert_eq!(source.paths(), [within.join("part-a.csv"), within.join("part-b.csv")]);
}

#[test]
fn a_pattern_takes_nothing_that_is_hidden() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join(".checkpoints")).expect("created");
    for file in ["a.csv", ".b.csv", ".checkpoints/a.csv"] {
        std::fs::write(folder.path().join(file), "x\n1\n").expect("written");
    }
    let found = |pattern: &str| {
        let source = open(pattern, folder.path());
        let names = source.paths().iter().map(|path| path.strip_prefix(folder.path()).expect("below").to_owned());
        names.map(|path| path.to_string_lossy().replace('\\', "/")).collect::<Vec<_>>()
    };
    assert_eq!(found("*.csv"), ["a.csv"]);
    assert_eq!(found("**/*.csv"), ["a.csv"]);
    assert_eq!(found(".*.csv"), [".b.csv"]);
    assert_eq!(found(".checkpoints/*.csv"), [".checkpoints/a.csv"]);
}

#[test]
fn ten_thousand_columns_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let header: Vec<String> = (0..10_000).map(|n| format!("c{n}")).collect();
    let mut text = header.join(",") + "\n";
    for row in 0..50 {
        let cells: Vec<String> = (0..10_000).map(|n| ((n + row) % 97).to_string()).collect();
        text += &(cells.join(",") + "\n");
    }
    std::fs::write(folder.path().join("wide.csv"), text).expect("written");
    let seen = load("wide.csv", folder.path(), 2);
    assert_eq!((seen.rows.len(), seen.schema.len()), (50, 10_000));
    assert!(seen.schema.values().all(|kind| *kind == Kind::Integer));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn whatever_the_cells_all_formats_agree(
        numbers in prop::collection::vec(prop_oneof![Just(f64::NAN), any::<f64>(), (-1000i32..1000).prop_map(|n| f64::from(n) / 4.0)], 1..20),
        texts in prop::collection::vec("[a-cA-C0-9 ,\"\n\r;']{0,4}|true|NaN|inf|1e400|2024-01-0[1-4]|-?0?[0-9]{1,3}", 20),
    ) {
        let rows = numbers.len();
        let mut batch = Batch::unkeyed(rows);
        batch.insert(name("x"), Column::Number(numbers));
        let text = |text: &String| (!text.is_empty() && text != "NA").then(|| text.clone());
        batch.insert(name("t"), Column::Text(Coded::from_strings(texts[..rows].iter().map(text))));
        let folder = tempfile::tempdir().expect("a folder");
        let mut schemas = Vec::new();
        for ending in ["csv", "jsonl", "parquet", "arrow"] {
            save(&batch, &["t", "x"], &folder.path().join(format!("t.{ending}")));
            let source = open(&format!("t.{ending}"), folder.path());
            let inferred = source.infer(&[String::new(), "NA".to_owned()], &Workers::threads(1), &|_| ()).expect("rows");
            // All but how numbers were written.
            let seen = inferred.columns.into_iter().map(|(name, seen)| {
                (name, seen.kind(), seen.nulls, seen.values(), seen.distinct(), seen.mostly_but(1.0), seen.likely_missing().clone())
            });
            schemas.push((inferred.rows, seen.collect::<Vec<_>>()));
        }
        for inferred in &schemas[1..] {
            prop_assert_eq!(inferred, &schemas[0]);
        }
    }
}
