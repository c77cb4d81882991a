//! What is wrong with a file is said with its place, and what to do.

use std::path::Path;

use evenstep_exact::reduce::Workers;
use evenstep_source::write::Writer;
use evenstep_source::{Mode, Reading, Source, SourceError};
use evenstep_table::{Column, ColumnName, Kind, Rule};

fn name(text: &str) -> ColumnName {
    ColumnName::new(text).expect("not empty")
}

fn told(error: &SourceError, folder: &Path) -> String {
    let mut text = error.to_string();
    if let Some(help) = &error.help {
        text += &format!("\nhelp: {help}");
    }
    text.replace(&*folder.to_string_lossy(), "DIR")
}

/// What is said when a file of these bytes is opened and looked through.
fn refusal(file: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(file), bytes).expect("written");
    let result = Source::open(file, folder.path()).and_then(|source| {
        source.infer(&[String::new()], &Workers::threads(2), &|_| ()).map(|inferred| (source, inferred))
    });
    match result {
        Err(error) => told(&error, folder.path()),
        Ok((_, inferred)) => format!("accepted: {inferred:?}"),
    }
}

/// What is said when columns of these kinds are read.
fn reading(file: &str, bytes: &[u8], columns: &[(&str, Kind)], mode: Mode) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(file), bytes).expect("written");
    let columns = columns.iter().map(|(column, kind)| (name(column), Rule::new(*kind).into())).collect();
    let reading = Reading { columns, mode, missing: vec![String::new()], ..Reading::default() };
    match Source::open(file, folder.path()).and_then(|source| source.read(&reading, &Workers::threads(1), &|_| ())) {
        Err(error) => told(&error, folder.path()),
        Ok(read) => format!("accepted: {:?}", read.quality),
    }
}

#[test]
fn empty_files_and_headers_alone() {
    insta::assert_snapshot!(refusal("a.csv", b""), @"DIR/a.csv: the file is empty, expected a header of column names");
    insta::assert_snapshot!(refusal("a.csv", b"\n\n"), @"DIR/a.csv: the file is empty, expected a header of column names");
    insta::assert_snapshot!(refusal("a.csv", b"a,b\n"), @"DIR/a.csv: there are column names, but no rows");
    insta::assert_snapshot!(refusal("a.jsonl", b"\n"), @"DIR/a.jsonl: the file is empty, expected a JSON object a line");
    insta::assert_snapshot!(refusal("a.parquet", b""), @"DIR/a.parquet: the file is empty, and its name says that it is Parquet");
    insta::assert_snapshot!(refusal("a.arrow", b""), @"DIR/a.arrow: the file is empty, and its name says that it is Arrow IPC");
}

#[test]
fn a_file_that_is_written_to_meanwhile_is_no_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.csv");
    std::fs::write(&path, "a\n1\n2\n").expect("written");
    let source = Source::open("a.csv", folder.path()).expect("a table");
    std::fs::write(&path, "a\n1\n3\n").expect("written");
    // Clocks of file systems may be slower than a test.
    let file = std::fs::File::options().write(true).open(&path).expect("it is there");
    let written = file.metadata().and_then(|metadata| metadata.modified()).expect("its time is known");
    file.set_modified(written + std::time::Duration::from_secs(1)).expect("its time is set");
    let columns = [(name("a"), Rule::new(Kind::Integer).into())].into();
    let (reading, workers) = (Reading { columns, ..Reading::default() }, Workers::threads(2));
    let refusals = [
        source.infer(&[], &workers, &|_| ()).err(),
        source.read(&reading, &workers, &|_| ()).err(),
        source.stream(&reading).expect("a stream").find_map(Result::err),
    ];
    for refusal in refusals {
        insta::allow_duplicates! {
            insta::assert_snapshot!(told(&refusal.expect("it changed"), folder.path()), @"
            DIR/a.csv: the file changed while it was read
            help: some rows may be old, and others new: run it again, or on a copy that nobody writes to
            ");
        }
    }
}

#[test]
fn headers_name_every_column_once() {
    insta::assert_snapshot!(refusal("a.csv", b"a,b,a\n1,2,3\n"), @"
        DIR/a.csv, line 1: columns 1 and 3 of the file are both named `a`
        help: columns are reached by name, so names must differ
        ");
    insta::assert_snapshot!(refusal("a.csv", b",a,index\n0,1,2\n"), @"
        DIR/a.csv, line 1: column 1 of the file has no name, and `index`, as it would be called, is column 3
        help: name it, or leave it out: pandas writes no index with `index=False`
        ");
    insta::assert_snapshot!(refusal("a.csv", b"a,,b\n0,1,2\n"), @"
        DIR/a.csv, line 1: column 2 of the file has no name
        help: name it, or leave it out
        ");
}

#[test]
fn a_stream_of_arrow_ends_with_its_file() {
    let cells = std::sync::Arc::new(arrow_array::Float64Array::from(vec![0.5, 1.5])) as arrow_array::ArrayRef;
    let batch = arrow_array::RecordBatch::try_from_iter([("a", cells)]).expect("one column");
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).expect("started");
    writer.write(&batch).and_then(|()| writer.finish()).expect("written");
    let stream = writer.into_inner().expect("finished");
    let mark = stream.len() - 8;
    for whole in [&stream[..], &stream[..mark], &[&stream[..mark], &[0; 4]].concat()] {
        assert!(refusal("a.arrows", whole).starts_with("accepted"), "{}", refusal("a.arrows", whole));
    }
    for more in [&stream[..], b"junk", b"x", &[0; 4], &[0; 64]] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(refusal("a.arrows", &[&stream, more].concat()), @"
                DIR/a.arrows: bytes come after the end of the stream
                help: one stream is read: put the batches of several into one, or into a file each
                ");
        }
    }
}

#[test]
fn a_column_of_arrow_counts_no_fewer_nulls_than_none() {
    let cells = std::sync::Arc::new(arrow_array::Float64Array::from(vec![Some(0.5), None, None]));
    let batch = arrow_array::RecordBatch::try_from_iter([("a", cells as arrow_array::ArrayRef)]).expect("one column");
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).expect("started");
    writer.write(&batch).and_then(|()| writer.finish()).expect("written");
    let mut stream = writer.into_inner().expect("finished");
    let node = [3_i64.to_le_bytes(), 2_i64.to_le_bytes()].concat();
    let at = stream.windows(16).position(|bytes| bytes == node).expect("3 cells, 2 of them null");
    stream[at + 8..at + 16].copy_from_slice(&(-1_i64).to_le_bytes());
    insta::assert_snapshot!(refusal("a.arrows", &stream), @"DIR/a.arrows: the file is damaged: a column counts fewer than no cells or nulls");
}

#[test]
fn rows_have_as_many_cells_as_the_header() {
    insta::assert_snapshot!(refusal("a.csv", b"a,b\n1,2\n\n1,2,3\n"), @"
        DIR/a.csv, line 4: the row has 3 cells, expected 2 as in the header
        help: a cell that holds the delimiter is written in quotes
        ");
    insta::assert_snapshot!(refusal("a.csv", b"a,b\n\"x\ny\",2\n1\n"), @"
        DIR/a.csv, line 4: the row has 1 cell, expected 2 as in the header
        help: a missing cell is written as nothing between two delimiters
        ");
}

#[test]
fn text_is_utf8() {
    insta::assert_snapshot!(refusal("a.csv", b"a,b\n1,2\n3,caf\xe9\n"), @"
        DIR/a.csv, line 3: column `b`: byte 0xe9 is not UTF-8
        help: save the file as UTF-8; `iconv -f cp1252 -t utf-8` makes it of what Windows writes
        ");
    insta::assert_snapshot!(refusal("a.csv", b"caf\xe9,b\n1,2\n"), @"
        DIR/a.csv, line 1: byte 0xe9 is not UTF-8
        help: save the file as UTF-8; `iconv -f cp1252 -t utf-8` makes it of what Windows writes
        ");
    insta::assert_snapshot!(refusal("a.csv", b"\xff\xfea\0,\0b\0\n\0"), @"
        DIR/a.csv: the file is in UTF-16, expected UTF-8
        help: save it as UTF-8
        ");
    insta::assert_snapshot!(refusal("a.jsonl", b"{\"a\":1}\n{\"a\":\"\xe9\"}\n"), @"
        DIR/a.jsonl, line 2: the line is not UTF-8
        help: save the file as UTF-8
        ");
}

#[test]
fn a_quote_stands_around_a_cell_or_twice_within_quotes() {
    insta::assert_snapshot!(refusal("a.csv", b"a,b\n1,2\n1,\"say \\\"hi\\\" 1\"\n"), @r#"
        DIR/a.csv, line 3: column `b`: text follows the quote that closes a cell
        help: write a cell that holds quotes in quotes, and those within it twice: `"say ""hi"""`
        "#);
    insta::assert_snapshot!(refusal("a.csv", b"a,b\n1,5\" pipe\n"), @r#"
        DIR/a.csv, line 2: column `b`: a quote stands within a cell that has no quotes around it
        help: write a cell that holds quotes in quotes, and those within it twice: `"say ""hi"""`
        "#);
    assert!(refusal("a.csv", b"a,b\n\"1\" ,\"x\"\"y\"\n").starts_with("accepted"));
}

#[test]
fn the_delimiter_is_what_splits_the_rows_as_it_splits_the_header() {
    let columns = |text: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.csv"), text).expect("written");
        let source = Source::open("a.csv", folder.path()).expect("a header");
        source.column_names().iter().map(ColumnName::as_str).collect::<Vec<_>>().join(" ~ ")
    };
    assert_eq!(columns("k,w|kg|x|z,y\n0,0.5,0\n1,0.5,0\n"), "k ~ w|kg|x|z ~ y");
    assert_eq!(
        columns("k;price, in EUR;size, in m, net, x;y\n0;0,5;0;0\n"),
        "k ~ price, in EUR ~ size, in m, net, x ~ y"
    );
    assert_eq!(columns("a;b\n\"1,2\";3\n\"4,5\";6\n"), "a ~ b");
    assert_eq!(columns("a\tb,c\n"), "a\tb ~ c", "without rows the header decides, and of equals the first");
    insta::assert_snapshot!(reading("a.csv", b"a;b\n1;2\n", &[("c_c", Kind::Integer)], Mode::Training), @"
        DIR/a.csv: column `c_c` is missing
        help: read with `;`, the file has `a`, `b`
        ");
}

#[test]
fn what_often_stands_for_a_missing_value_may_be_one() {
    insta::assert_snapshot!(reading("a.csv", b"a,b\n1,2\nNaN,2\n", &[("a", Kind::Number)], Mode::Training), @"
        1 cell breaks a rule of the contract
          a.csv, row 2, column `a`: `NaN` is not a number
        help: change the data, or say in `[contract]` what becomes of such cells; if `NaN` is to be a missing value, add it to `missing` in `[data]`
        ");
}

#[test]
fn what_a_file_is_instead_is_told() {
    insta::assert_snapshot!(refusal("a.csv", b"PAR1\x15\x04"), @"
        DIR/a.csv: the file is Parquet, and its name says that it is text
        help: let its name end with `.parquet`
        ");
    insta::assert_snapshot!(refusal("a.jsonl", b"\x1f\x8b\x08"), @"
        DIR/a.jsonl: the file is compressed by gzip, and its name says that it is text
        help: let its name end with `.gz`
        ");
    insta::assert_snapshot!(refusal("a.csv", b"\xff\xfe\0\0a\0\0\0"), @"
        DIR/a.csv: the file is in UTF-32, expected UTF-8
        help: save it as UTF-8
        ");
    insta::assert_snapshot!(refusal("a.arrow", b"a,b\n1,2\n3,4\n"), @"
        DIR/a.arrow: the file is text, and its name says that it is Arrow IPC
        help: let its name end with `.csv`, or as its format does
        ");
    insta::assert_snapshot!(refusal("a.parquet", b"ARROW1\0\0\xff\xff\xff\xff\x10\0"), @"
        DIR/a.parquet: the file is Arrow IPC, and its name says that it is Parquet
        help: let its name end with `.arrow`
        ");
    insta::assert_snapshot!(refusal("a.parquet", b"a,b\n1,2\n3,4\n"), @"
        DIR/a.parquet: the file is text, and its name says that it is Parquet
        help: let its name end with `.csv`, or as its format does
        ");
    insta::assert_snapshot!(refusal("a.parquet", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\0\0"), @"
        DIR/a.parquet: the file is compressed by gzip, and its name says that it is Parquet
        help: write it anew without: Parquet is compressed within
        ");
    insta::assert_snapshot!(refusal("a.parquet", b"PARE\x15\x04\0\0\0\0PARE"), @"
        DIR/a.parquet: the file is encrypted
        help: write it without encryption
        ");
    insta::assert_snapshot!(refusal("a.jsonl", b"{}\n{}\n"), @"DIR/a.jsonl: no object has a name, expected a JSON object a line");
}

#[test]
fn quotes_close_and_lines_end() {
    insta::assert_snapshot!(refusal("a.csv", b"a,b\n1,2\n1,\"2\n3,4\n"), @r#"
        DIR/a.csv, line 3: a quoted field opens here and never closes
        help: close it with `"`; a quote within quotes is written twice
        "#);
    insta::assert_snapshot!(refusal("a.csv", b"a,b\n1,\"2\n3,\"4\n5,6\n"), @r#"
        DIR/a.csv, line 2: a quoted field opens here, and text follows the quote that closes it some lines below
        help: close it with `"` where it ends; a quote within quotes is written twice
        "#);
    insta::assert_snapshot!(refusal("a.csv", b"a,b\r1,2\r3,4\r"), @"
        DIR/a.csv, line 1: lines end with carriage returns alone, expected line feeds
        help: save the file with line ends of today
        ");
    insta::assert_snapshot!(refusal("a.csv", b"sep=;\na;b\n1;2\n"), @"
        DIR/a.csv, line 1: `sep=;` is for spreadsheets, expected column names
        help: leave the line out: the delimiter is found without it
        ");
    insta::assert_snapshot!(refusal("a.csv", b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0"), @"
        DIR/a.csv: the file is a workbook or another archive, expected text
        help: save the sheet as CSV
        ");
}

#[test]
fn json_lines_are_objects_of_single_values() {
    insta::assert_snapshot!(refusal("a.jsonl", b"{\"a\":1}\n[1]\n"), @r#"
        DIR/a.jsonl, line 2: the line is a list, expected an object
        help: each line is one JSON object of single values: {"name": value, …}
        "#);
    insta::assert_snapshot!(refusal("a.jsonl", b"{\"a\":1}\n{\"a\":1\n"), @r#"
        DIR/a.jsonl, line 2: EOF while parsing an object, at character 6
        help: each line is one JSON object of single values: {"name": value, …}
        "#);
    insta::assert_snapshot!(refusal("a.jsonl", b"{\"a\":1}\n{\"a\":-Infinity}\n"), @"
        DIR/a.jsonl, line 2: invalid number, at character 7
        help: `Infinity` is no JSON: a value that is not there is `null`
        ");
    insta::assert_snapshot!(refusal("a.jsonl", b"{\"a\":1}\n{\"a\": NaN, \"b\":2}\n"), @"
        DIR/a.jsonl, line 2: expected value, at character 7
        help: `NaN` is no JSON: a value that is not there is `null`
        ");
    insta::assert_snapshot!(refusal("a.jsonl", b"{\"a\":1}\n\n{\"a\":[1]}\n"), @r#"
        DIR/a.jsonl, line 3: column `a` holds a list, expected single values
        help: each line is one JSON object of single values: {"name": value, …}
        "#);
    insta::assert_snapshot!(refusal("a.jsonl", b"{\"a\":{}}\n{\"a\":1}\n"), @r#"
        DIR/a.jsonl, line 1: column `a` holds an object, expected single values
        help: each line is one JSON object of single values: {"name": value, …}
        "#);
    insta::assert_snapshot!(refusal("a.jsonl", b"{\"a\":1,\"a\":2}\n"), @r#"
        DIR/a.jsonl, line 1: the object has `a` twice
        help: each line is one JSON object of single values: {"name": value, …}
        "#);
    insta::assert_snapshot!(refusal("a.jsonl", b"{\"\":1}\n"), @"
        DIR/a.jsonl: column 1 of the file has no name
        help: name it, or leave it out
        ");
}

#[test]
fn a_column_of_nothing_but_nested_values_is_refused_by_whoever_reads_it() {
    let rows = b"{\"a\":null,\"b\":1}\n{\"a\":[1],\"b\":2}\n{\"b\":3}\n";
    insta::assert_snapshot!(reading("a.jsonl", rows, &[("a", Kind::Integer)], Mode::Training), @"
        DIR/a.jsonl: column `a`: its values are a list, expected single values
        help: leave the column out, or write its parts as columns of their own
        ");
    assert!(reading("a.jsonl", rows, &[("b", Kind::Integer)], Mode::Training).starts_with("accepted"));
}

#[test]
fn damaged_binary_files() {
    insta::assert_snapshot!(refusal("a.parquet", b"PAR1 no footer here PAR1"), @"DIR/a.parquet: the file is damaged: Parquet file too small. Size is 24 but need 543519341");
    insta::assert_snapshot!(refusal("a.parquet", b"PAR1 cut off"), @"DIR/a.parquet: the file is damaged: Invalid Parquet file. Corrupt footer");
    insta::assert_snapshot!(refusal("a.arrow", b"ARROW1\0\0 cut off"), @"DIR/a.arrow: the file is damaged: it ends before its footer");
    insta::assert_snapshot!(refusal("a.feather", b"FEA1 old"), @"
        DIR/a.feather: the file is in the first Feather format, which is no longer read
        help: write it anew: Feather version 2 is Arrow IPC
        ");
    insta::assert_snapshot!(refusal("a.csv.gz", b"not gzip at all"), @"
        DIR/a.csv.gz: the compressed file is damaged: invalid gzip header
        help: write it anew; if it was never compressed, take that ending off its name
        ");
    insta::assert_snapshot!(refusal("a.csv.zst", b"not zstd at all"), @"
        DIR/a.csv.zst: the compressed file is damaged: Unknown frame descriptor
        help: write it anew; if it was never compressed, take that ending off its name
        ");
}

#[test]
fn files_that_are_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("houses.csv"), "a\n1\n").expect("written");
    let open = |pattern: &str| told(&Source::open(pattern, folder.path()).expect_err("nothing there"), folder.path());
    insta::assert_snapshot!(open("house.csv"), @"
        no file `house.csv`
        help: did you mean `houses.csv`?
        ");
    insta::assert_snapshot!(open("data/*.parquet"), @"
        no file `data/*.parquet`
        help: it was looked for from `DIR`, where the spec lies
        ");
    insta::assert_snapshot!(open("house*.csw"), @"
        no file `house*.csw`
        help: it was looked for from `DIR`, where the spec lies
        ");
    insta::assert_snapshot!(open("."), @"
        `.` is a folder, expected files
        help: name its files: `./*.csv`
        ");
    insta::assert_snapshot!(open("[.csv"), @"`DIR/[.csv` is no pattern: invalid range pattern");
    insta::assert_snapshot!(refusal("a.xlsx", b""), @"
        DIR/a.xlsx: the file's ending tells no format that is known
        help: save the sheet as CSV
        ");
    insta::assert_snapshot!(refusal("a.sav", b""), @"
        DIR/a.sav: the file's ending tells no format that is known
        help: endings are `.csv`, `.txt`, `.tsv`, `.jsonl`, `.ndjson`, `.parquet`, `.arrow`, `.feather`, also with `.gz` or `.zst` if text
        ");
}

#[test]
fn files_of_one_source_have_one_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("1.csv"), "a,price\n1,2\n").expect("written");
    std::fs::write(folder.path().join("2.csv"), "a,prices\n1,2\n").expect("written");
    let error = Source::open("*.csv", folder.path()).expect_err("two schemas");
    insta::assert_snapshot!(told(&error, folder.path()), @"
        DIR/1.csv: the file lacks column `prices`, which 2.csv has
        help: did you mean `price`?
        ");
    let wanting =
        |wanted: &'static str| Source::open_wanting("*.csv", folder.path(), move |name| name.as_str() == wanted);
    assert_eq!(wanting("a").expect("both have it").column_names().len(), 3);
    wanting("price").expect_err("one has it");
    // Of several files the odd one is told.
    std::fs::write(folder.path().join("0.csv"), "a,price\n1,2\n").expect("written");
    let error = Source::open("*.csv", folder.path()).expect_err("two schemas");
    insta::assert_snapshot!(told(&error, folder.path()), @"
        DIR/2.csv: the file has column `prices`, which 2 of 3 files lack
        help: did you mean `price`?
        ");
}

#[test]
fn missing_columns_are_named_with_what_is_near() {
    let wanted = [("Lot_Area", Kind::Integer)];
    insta::assert_snapshot!(reading("a.csv", b"LotArea,b\n1,2\n", &wanted, Mode::Training), @"
        DIR/a.csv: column `Lot_Area` is missing
        help: the file has a column of nearly that name: did you mean `LotArea`?
        ");
    insta::assert_snapshot!(reading("a.csv", b"x,y\n1,2\n", &wanted, Mode::Scoring), @"
        DIR/a.csv: column `Lot_Area` is missing
        help: read with `,`, the file has `x`, `y`
        ");
    let wanted = [("Lot_Area", Kind::Integer), ("Year", Kind::Integer), ("b", Kind::Integer)];
    insta::assert_snapshot!(reading("a.csv", b"LotArea,b\n1,2\n", &wanted, Mode::Scoring), @"
        DIR/a.csv: columns `Lot_Area`, `Year` are missing
        help: the file has a column of nearly that name: did you mean `LotArea`?
        ");
}

#[test]
fn refused_cells_are_listed_with_their_places() {
    let mut text = "n,d\n".to_owned();
    for row in 0..30 {
        text += if row % 2 == 0 { "1,2024-01-01\n" } else { "1.5,01/02/2024\n" };
    }
    let columns = [("n", Kind::Integer), ("d", Kind::Date)];
    insta::assert_snapshot!(reading("a.csv", text.as_bytes(), &columns, Mode::Training), @"
        30 cells break a rule of the contract
          a.csv, row 2, column `d`: `01/02/2024` is not a date in ISO 8601
          a.csv, row 2, column `n`: `1.5` is not an integer
          a.csv, row 4, column `d`: `01/02/2024` is not a date in ISO 8601
          a.csv, row 4, column `n`: `1.5` is not an integer
          a.csv, row 6, column `d`: `01/02/2024` is not a date in ISO 8601
          a.csv, row 6, column `n`: `1.5` is not an integer
          a.csv, row 8, column `d`: `01/02/2024` is not a date in ISO 8601
          a.csv, row 8, column `n`: `1.5` is not an integer
          a.csv, row 10, column `d`: `01/02/2024` is not a date in ISO 8601
          a.csv, row 10, column `n`: `1.5` is not an integer
          and 20 more
        help: change the data, or say in `[contract]` what becomes of such cells
        ");
}

#[test]
fn a_stream_that_ends_early_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = |rows: usize| {
        std::fs::write(folder.path().join("a.csv"), format!("n\n{}", "x\n".repeat(rows))).expect("written");
        let source = Source::open("a.csv", folder.path()).expect("a file");
        let columns = [(name("n"), Rule::new(Kind::Number).into())].into();
        let mut stream = source.stream(&Reading { columns, ..Reading::default() }).expect("a stream");
        stream.next().expect("a chunk").expect_err("no number").message
    };
    assert_eq!(told(100), "100 cells break a rule of the contract");
    assert_eq!(told(50_000), "16384 cells break a rule of the contract; what follows these rows wasn't looked at");
}

/// A disk on which so many bytes are left.
struct Disk(usize);

impl std::io::Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match bytes.len().min(self.0) {
            0 => Err(std::io::ErrorKind::StorageFull.into()),
            fits => {
                self.0 -= fits;
                Ok(fits)
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_with_what_to_do_in_every_format() {
    let cells = Column::Integer((0..1000).collect());
    let columns = vec![(ColumnName::new("x").expect("a name"), Kind::Integer)];
    for file in ["a.csv", "a.csv.gz", "a.jsonl.zst", "a.parquet", "a.arrow"] {
        for left in [0, 20, 400] {
            let started = Writer::for_path(Path::new(file), Disk(left), columns.clone(), false);
            let written = started.and_then(|mut writer| writer.write(&[&cells], &[]).and_then(|()| writer.finish()));
            let error = written.map(drop).expect_err("it is full");
            let help = error.help.as_deref().unwrap_or_default();
            assert!(help.starts_with("the disk is full: free some space"), "{file}, {left}: {error}, {help}");
            assert!(!error.message.contains("External"), "{error}");
        }
    }
}
