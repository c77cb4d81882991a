//! Binary files say how a value is stored; what it is follows from the value.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::{Float16Type, Int8Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Date64Array, Decimal128Array, DictionaryArray, FixedSizeBinaryArray,
    Float16Array, Float32Array, Float64Array, Int8Array, Int32Array, Int64Array, LargeStringArray, ListArray,
    NullArray, RecordBatch, StringArray, StringViewArray, StructArray, Time32SecondArray, Time64NanosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};
use arrow_schema::{Field, Schema};
use evenstep_exact::reduce::Workers;
use evenstep_source::{Known, Mode, Read, Reading, Source, SourceError};
use evenstep_table::check::Breach;
use evenstep_table::{Clock, ColumnName, Contract, Kind, Rule, RuleSpec};
use parquet::data_type::FixedLenByteArrayType;
use parquet::file::writer::SerializedFileWriter;

/// What messages call the rows in memory.
const MEMORY: &str = "memory";

fn name(text: &str) -> ColumnName {
    ColumnName::new(text).expect("not empty")
}

fn save(columns: &[(&str, ArrayRef)], folder: &Path) -> [&'static str; 3] {
    let nullable = columns.iter().map(|(name, array)| (*name, array.clone(), true));
    let batch = RecordBatch::try_from_iter_with_nullable(nullable).expect("columns of one length");
    let file = |file: &str| std::fs::File::create(folder.join(file)).expect("created");
    let mut writer = arrow_ipc::writer::FileWriter::try_new(file("f.arrow"), &batch.schema()).expect("started");
    writer.write(&batch).and_then(|()| writer.finish()).expect("written");
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(file("s.arrow"), &batch.schema()).expect("started");
    writer.write(&batch).and_then(|()| writer.finish()).expect("written");
    let mut writer = parquet::arrow::ArrowWriter::try_new(file("p.parquet"), batch.schema(), None).expect("started");
    writer.write(&batch).expect("written");
    writer.close().expect("written");
    ["f.arrow", "s.arrow", "p.parquet"]
}

/// A file; or `memory`, which is what `f.arrow` holds.
fn open(file: &str, folder: &Path) -> Result<Source, SourceError> {
    if file != MEMORY {
        return Source::open(file, folder);
    }
    let file = std::fs::File::open(folder.join("f.arrow")).expect("saved before");
    let reader = arrow_ipc::reader::FileReader::try_new(file, None).expect("saved before");
    let schema = reader.schema();
    let batches: Result<Vec<RecordBatch>, _> = reader.collect();
    Source::of_batches(MEMORY, &schema, batches.expect("saved before"))
}

fn read(file: &str, folder: &Path, declared: &str, missing: &[&str]) -> Result<(Contract, Read), SourceError> {
    let source = open(file, folder)?;
    let missing: Vec<String> = missing.iter().map(|token| (*token).to_owned()).collect();
    let inferred = source.infer(&missing, &Workers::threads(1), &|_| ())?;
    let declared: BTreeMap<ColumnName, RuleSpec> = serde_json::from_str(declared).expect("rules");
    let contract = Contract::resolve(&declared, &inferred.columns, None).unwrap_or_else(|error| panic!("{error}"));
    let reading = Reading { missing, columns: contract.columns.clone(), mode: Mode::Scoring, ..Reading::default() };
    Ok((contract, source.examine(&reading, &Workers::threads(1), &|_| ())?))
}

/// What the array is read to, in Arrow files, Arrow streams, Parquet and memory: its inferred type and texts.
fn check(array: ArrayRef, kind: Kind, expected: &[Option<&str>]) {
    check_with(array, "{}", &[""], kind, expected);
}

/// The same, but for memory.
fn check_files(array: ArrayRef, kind: Kind, expected: &[Option<&str>]) {
    check_all(array, "{}", &[""], &[], kind, expected);
}

fn check_with(array: ArrayRef, declared: &str, missing: &[&str], kind: Kind, expected: &[Option<&str>]) {
    check_all(array, declared, missing, &[MEMORY], kind, expected);
}

fn check_all(
    array: ArrayRef,
    declared: &str,
    missing: &[&str],
    others: &[&str],
    kind: Kind,
    expected: &[Option<&str>],
) {
    let folder = tempfile::tempdir().expect("a folder");
    let described = format!("{:?}", array.data_type());
    for file in save(&[("x", array)], folder.path()).into_iter().chain(others.iter().copied()) {
        let (contract, read) = read(file, folder.path(), declared, missing).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(contract.columns[&name("x")].kind, kind, "{file} {described}");
        let column = read.batches[0].column(&name("x"));
        let texts: Vec<Option<String>> = (0..column.rows()).map(|row| column.text(row)).collect();
        assert_eq!(texts.iter().map(Option::as_deref).collect::<Vec<_>>(), expected, "{file} {described}");
    }
}

#[test]
fn numbers_are_what_they_are_however_they_are_stored() {
    check(Arc::new(Int8Array::from(vec![Some(-5), None])), Kind::Integer, &[Some("-5"), None]);
    check(Arc::new(Int64Array::from(vec![9_007_199_254_740_993])), Kind::Integer, &[Some("9007199254740993")]);
    check(Arc::new(UInt64Array::from(vec![1, u64::MAX])), Kind::Number, &[Some("1"), Some("18446744073709552000")]);
    check(Arc::new(UInt64Array::from(vec![1, 2])), Kind::Integer, &[Some("1"), Some("2")]);
    check(Arc::new(Float64Array::from(vec![1.0, -0.0, f64::NAN])), Kind::Integer, &[Some("1"), Some("0"), None]);
    check(Arc::new(Float64Array::from(vec![1.5, -0.0])), Kind::Number, &[Some("1.5"), Some("0")]);
    // Widened exactly: not the same value as its short decimal.
    check(Arc::new(Float32Array::from(vec![0.1])), Kind::Number, &[Some("0.10000000149011612")]);
    let half = <Float16Type as arrow_array::ArrowPrimitiveType>::Native::from_f32(0.5);
    check(Arc::new(Float16Array::from(vec![half])), Kind::Number, &[Some("0.5")]);
    let decimals = Decimal128Array::from(vec![Some(150), Some(-25), None, Some(300)]);
    let decimals = decimals.with_precision_and_scale(20, 2).expect("fits");
    check(Arc::new(decimals), Kind::Number, &[Some("1.5"), Some("-0.25"), None, Some("3")]);
    let whole = Decimal128Array::from(vec![Some(700)]).with_precision_and_scale(20, 2).expect("fits");
    check(Arc::new(whole), Kind::Integer, &[Some("7")]);
}

#[test]
fn strings_are_read_like_cells_of_text_files() {
    check_files(Arc::new(StringArray::from(vec!["1", "2", ""])), Kind::Integer, &[Some("1"), Some("2"), None]);
    check(Arc::new(LargeStringArray::from(vec!["0.5", "x"])), Kind::Text, &[Some("0.5"), Some("x")]);
    check(
        Arc::new(StringViewArray::from(vec!["a", "a", "b", "b"])),
        Kind::Category,
        &[Some("a"), Some("a"), Some("b"), Some("b")],
    );
    let keys = [Some("a"), None, Some("b"), Some("a"), Some("b"), Some("NA")];
    let codes: DictionaryArray<Int8Type> = keys.into_iter().collect();
    check_with(
        Arc::new(codes),
        "{}",
        &["", "NA"],
        Kind::Category,
        &[Some("a"), None, Some("b"), Some("a"), Some("b"), None],
    );
    let numbers: DictionaryArray<Int32Type> = vec!["3", "4", "3"].into_iter().collect();
    check_files(Arc::new(numbers), Kind::Integer, &[Some("3"), Some("4"), Some("3")]);
    check(Arc::new(BooleanArray::from(vec![Some(true), None])), Kind::Boolean, &[Some("true"), None]);
    check_with(Arc::new(NullArray::new(2)), r#"{"x": {"type": "number"}}"#, &[], Kind::Number, &[None, None]);
}

#[test]
fn strings_of_a_frame_are_strings_unless_they_are_dates_or_mark_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let kind = |cells: ArrayRef| {
        save(&[("x", cells)], folder.path());
        let (contract, _) = read(MEMORY, folder.path(), "{}", &["", "?"]).expect("read");
        contract.columns[&name("x")].kind
    };
    let strings = |cells: [&str; 4]| kind(Arc::new(StringArray::from(cells.to_vec())));
    assert_eq!(strings(["1", "2", "1", "2"]), Kind::Category);
    assert_eq!(strings(["1", "2", "3", ""]), Kind::Text);
    assert_eq!(strings(["1.5", "2", "1.5", "2"]), Kind::Category);
    assert_eq!(strings(["true", "false", "true", "false"]), Kind::Category);
    assert_eq!(strings(["2024-12-30", "2024-12-31", "", "2024-12-30"]), Kind::Date);
    assert_eq!(strings(["1", "2", "3", "?"]), Kind::Integer, "a number, but for its mark");
    let coded: DictionaryArray<Int32Type> = ["3", "4", "3", "4"].into_iter().collect();
    assert_eq!(kind(Arc::new(coded)), Kind::Category);
    let marked: DictionaryArray<Int32Type> = ["3", "4", "?", "4"].into_iter().collect();
    assert_eq!(kind(Arc::new(marked)), Kind::Integer);
}

#[test]
fn times_are_exact_to_the_microsecond_or_invalid() {
    check(Arc::new(Date32Array::from(vec![0, 20_087])), Kind::Date, &[Some("1970-01-01"), Some("2024-12-30")]);
    check(Arc::new(Date64Array::from(vec![86_400_000])), Kind::Date, &[Some("1970-01-02")]);
    // Midnights only.
    check(Arc::new(TimestampSecondArray::from(vec![0, 86_400])), Kind::Date, &[Some("1970-01-01"), Some("1970-01-02")]);
    let civil = Kind::Datetime(Clock::Civil);
    check(
        Arc::new(TimestampMillisecondArray::from(vec![0, 1500])),
        civil,
        &[Some("1970-01-01T00:00:00"), Some("1970-01-01T00:00:01.5")],
    );
    let instants = TimestampSecondArray::from(vec![0]).with_timezone("Europe/Berlin");
    check(Arc::new(instants), Kind::Datetime(Clock::Instant), &[Some("1970-01-01T00:00:00Z")]);
    check(Arc::new(Time32SecondArray::from(vec![60])), Kind::Time, &[Some("00:01:00")]);
    check(Arc::new(Time64NanosecondArray::from(vec![1000])), Kind::Time, &[Some("00:00:00.000001")]);

    let folder = tempfile::tempdir().expect("a folder");
    let fine: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1_000, 1_001, -1]));
    for file in save(&[("x", fine)], folder.path()) {
        let (contract, read) = read(file, folder.path(), "{}", &[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(contract.columns[&name("x")].kind, civil);
        let tally = &read.quality.columns[&name("x")].breaches[&Breach::Invalid];
        let values: Vec<Option<&str>> = tally.first.iter().map(|violation| violation.value.as_deref()).collect();
        assert_eq!(values, [Some("1970-01-01T00:00:00.000001001"), Some("1969-12-31T23:59:59.999999999")], "{file}");
    }
}

#[test]
fn infinities_are_invalid_cells_in_every_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let infinite: ArrayRef = Arc::new(Float64Array::from(vec![1.5, f64::INFINITY]));
    save(&[("x", infinite)], folder.path());
    std::fs::write(folder.path().join("t.csv"), "x\n1.5\nInfinity\n").expect("written");
    std::fs::write(folder.path().join("l.jsonl"), "{\"x\":1.5}\n{\"x\":1e400}\n").expect("written");
    for file in [MEMORY, "f.arrow", "p.parquet", "t.csv", "l.jsonl"] {
        let (contract, read) = read(file, folder.path(), "{}", &[""]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(contract.columns[&name("x")].kind, Kind::Number, "{file}");
        assert_eq!(read.quality.columns[&name("x")].count(Breach::Invalid), 1, "{file}");
        let row = read.quality.rejected.first[0].place.row;
        assert_eq!(row, if file == MEMORY { 1 } else { 2 }, "rows of a frame are counted from 0: {file}");
    }
}

#[test]
fn a_missing_number_is_missed_in_every_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let coded: ArrayRef = Arc::new(Int32Array::from(vec![1, -999, 3]));
    save(&[("x", coded)], folder.path());
    std::fs::write(folder.path().join("t.csv"), "x\n1\n-999.0\n3\n").expect("written");
    std::fs::write(folder.path().join("l.jsonl"), "{\"x\":1}\n{\"x\":-999}\n{\"x\":3}\n").expect("written");
    for file in [MEMORY, "f.arrow", "p.parquet", "t.csv", "l.jsonl"] {
        let (_, read) = read(file, folder.path(), "{}", &["-999"]).unwrap_or_else(|error| panic!("{error}"));
        assert!(read.batches[0].column(&name("x")).is_null(1), "{file}");
    }
}

#[test]
fn lists_and_structs_are_left_alone_or_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
    let field = Arc::new(arrow_schema::Field::new("inner", arrow_schema::DataType::Int32, true));
    let structs = StructArray::from(vec![(field, Arc::new(Int32Array::from(vec![1])) as ArrayRef)]);
    let columns: [(&str, ArrayRef); 3] =
        [("tags", Arc::new(lists)), ("x", Arc::new(Int32Array::from(vec![7]))), ("place", Arc::new(structs))];
    for file in save(&columns, folder.path()).into_iter().chain([MEMORY]) {
        let (contract, read) = read(file, folder.path(), "{}", &[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(contract.columns.keys().map(ColumnName::as_str).collect::<Vec<_>>(), ["x"]);
        assert_eq!(read.batches[0].column(&name("x")).text(0).as_deref(), Some("7"));
        let source = open(file, folder.path()).expect("opened");
        assert_eq!(source.unsupported().len(), 2);
        let columns = BTreeMap::from([(name("tags"), Rule::new(Kind::Integer).into())]);
        let reading = Reading { columns, ..Reading::default() };
        let error = source.read(&reading, &Workers::threads(1), &|_| ()).expect_err("a list is no cell");
        let text = error.to_string().replace(&*folder.path().join(file).to_string_lossy(), "FILE");
        assert_eq!(text.replace(MEMORY, "FILE"), "FILE: column `tags`: its values are a list, expected single values");
    }
}

#[test]
fn uuids_are_read_as_their_text() {
    const TEXT: &str = "00112233-4455-6677-8899-aabbccddeeff";
    let bytes: Vec<u8> = (0..16).map(|place| place * 0x11).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let cells = FixedSizeBinaryArray::try_from_sparse_iter_with_size([Some(&bytes), None].into_iter(), 16);
    let cells: ArrayRef = Arc::new(cells.expect("16 bytes each"));
    let uuid = Field::new("x", cells.data_type().clone(), true).with_metadata([("ARROW:extension:name", "arrow.uuid")]);
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![uuid])), vec![cells]).expect("a column");
    let create = |file: &str| std::fs::File::create(folder.path().join(file)).expect("created");
    let mut writer = arrow_ipc::writer::FileWriter::try_new(create("f.arrow"), &batch.schema()).expect("started");
    writer.write(&batch).and_then(|()| writer.finish()).expect("written");
    // As programs write it that know Parquet alone.
    let schema = "message m { optional fixed_len_byte_array(16) x (UUID); }";
    let schema = Arc::new(parquet::schema::parser::parse_message_type(schema).expect("a schema"));
    let file = create("p.parquet");
    let mut writer = SerializedFileWriter::new(file, schema, Arc::default()).expect("started");
    let mut group = writer.next_row_group().expect("started");
    let mut column = group.next_column().expect("started").expect("one");
    let cells = [parquet::data_type::FixedLenByteArray::from(bytes)];
    column.typed::<FixedLenByteArrayType>().write_batch(&cells, Some(&[1, 0]), None).expect("written");
    column.close().and_then(|()| group.close().map(drop)).expect("written");
    writer.close().expect("written");
    for file in ["f.arrow", MEMORY, "p.parquet"] {
        let (contract, read) = read(file, folder.path(), "{}", &[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(contract.columns[&name("x")].kind, Kind::Text, "{file}");
        let column = read.batches[0].column(&name("x"));
        assert_eq!([column.text(0).as_deref(), column.text(1).as_deref()], [Some(TEXT), None], "{file}");
    }
}

#[test]
fn rows_in_memory_are_cut_and_left_out_like_those_of_a_file() {
    const ROWS: i32 = 150_000;
    let folder = tempfile::tempdir().expect("a folder");
    let days: ArrayRef = Arc::new((0..ROWS).map(|row| (row % 5 > 0).then_some(row / 10)).collect::<Date32Array>());
    let columns: [(&str, ArrayRef); 2] = [("x", Arc::new(Int32Array::from_iter_values(0..ROWS))), ("day", days)];
    save(&columns, folder.path());
    let reading = |columns: &[(&str, Kind)]| Reading {
        columns: columns.iter().map(|(column, kind)| (name(column), Rule::new(*kind).into())).collect(),
        ..Reading::default()
    };
    let of = |file: &str, known: bool, columns: &[(&str, Kind)]| {
        let source = open(file, folder.path()).expect("opened");
        let known = known.then(|| Known::new(name("day"), Rule::new(Kind::Date), &[], 9_000));
        let source = known.into_iter().fold(source, Source::known_by);
        let workers = Workers::threads(3);
        let read = source.read(&reading(columns), &workers, &|_| ()).expect("read");
        let texts: Vec<Option<String>> = read
            .batches
            .iter()
            .flat_map(|batch| (0..batch.rows()).map(move |row| batch.column(&name("x")).text(row)))
            .collect();
        let last = read.origins.last().expect("a batch");
        let last = last.place(read.batches.last().expect("a batch").rows() - 1).row;
        (texts, last, source.infer(&[], &workers, &|_| ()).expect("inferred"), read.batches.len())
    };
    for columns in [&[("x", Kind::Integer)][..], &[("x", Kind::Integer), ("day", Kind::Date)]] {
        for known in [false, true] {
            let (texts, last, inferred, batches) = of(MEMORY, known, columns);
            let (of_file, last_of_file, inferred_of_file, _) = of("f.arrow", known, columns);
            assert_eq!((texts.len(), last + 1), (of_file.len(), last_of_file));
            assert!(texts == of_file && inferred == inferred_of_file && batches >= 2);
        }
    }
    let source = open(MEMORY, folder.path()).expect("opened");
    let told = std::sync::atomic::AtomicU64::new(0);
    let add = |bytes| {
        told.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    };
    source.infer(&[], &Workers::threads(2), &add).expect("inferred");
    assert!(told.into_inner().abs_diff(source.bytes()) < 8, "progress counts up to all bytes");
}

#[test]
fn days_as_numbers_are_read_by_their_digits() {
    let declared = r#"{"x": {"type": "date", "format": "%Y%m%d"}}"#;
    let days = || vec![Some(20_240_131), None, Some(20_241_230)];
    let expected = [Some("2024-01-31"), None, Some("2024-12-30")];
    check_with(Arc::new(Int64Array::from(days())), declared, &[""], Kind::Date, &expected);
    check_with(Arc::new(Int32Array::from(vec![Some(20_240_131)])), declared, &["20240131"], Kind::Date, &[None]);
    let seconds = r#"{"x": {"type": "datetime", "format": "%s"}}"#;
    let kind = Kind::Datetime(Clock::Instant);
    check_with(Arc::new(UInt64Array::from(vec![90])), seconds, &[], kind, &[Some("1970-01-01T00:01:30Z")]);
}

#[test]
fn an_index_without_a_name_is_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let columns = ["x", "__index_level_0__", "day"].map(|name| Field::new(name, arrow_schema::DataType::Int32, false));
    let told = r#"{"index_columns": ["__index_level_0__", "day", {"kind": "range"}]}"#;
    let schema = Schema::new_with_metadata(columns.to_vec(), [("pandas", told)]);
    let cells = || Arc::new(Int32Array::from(vec![7, 8])) as ArrayRef;
    let batch = RecordBatch::try_new(Arc::new(schema), vec![cells(), cells(), cells()]).expect("a table");
    let create = |file: &str| std::fs::File::create(folder.path().join(file)).expect("created");
    let mut writer = arrow_ipc::writer::FileWriter::try_new(create("f.arrow"), &batch.schema()).expect("started");
    writer.write(&batch).and_then(|()| writer.finish()).expect("written");
    let mut writer = parquet::arrow::ArrowWriter::try_new(create("p.parquet"), batch.schema(), None).expect("started");
    writer.write(&batch).expect("written");
    writer.close().expect("written");
    for file in ["f.arrow", "p.parquet"] {
        let source = open(file, folder.path()).expect("opened");
        assert_eq!(source.index(), [name("__index_level_0__")].into(), "{file}");
        assert_eq!(source.column_names().len(), 3, "whoever asks for it may have it");
    }
    for (file, text) in [("f.csv", ",x\n7,1\n"), ("f.tsv", "\"\"\tx\n7\t1\n")] {
        std::fs::write(folder.path().join(file), text).expect("written");
        let source = open(file, folder.path()).expect("opened");
        assert_eq!(source.index(), [name("index")].into(), "{file}");
        assert_eq!(source.column_names(), [name("index"), name("x")], "{file}");
    }
}

#[test]
fn the_checksum_of_a_page_is_held_against_it() {
    // A column `x` of 1, 2, 3, as pyarrow writes it with `write_page_checksum`.
    const FILE: &str = "5041523115001524152415fdb789b50e1c15061500150615061c000000020000000601010000000200000003000000150419\
        2c35001806736368656d6115020015022502180178001606191c191c26001c15021925060019180178150016061656165626\
        08491c150015001502003c2906192600060000001656160626081656002820706172717565742d6370702d6172726f772076\
        657273696f6e2032362e302e31191c1c0000007a00000050415231";
    let digits = FILE.as_bytes().as_chunks::<2>().0;
    let byte = |digits: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(digits).expect("digits"), 16).expect("a byte");
    let mut bytes: Vec<u8> = digits.iter().map(byte).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let infer = |bytes: &[u8]| {
        std::fs::write(folder.path().join("a.parquet"), bytes).expect("written");
        let source = open("a.parquet", folder.path())?;
        source.infer(&[], &Workers::threads(1), &|_| ()).map(|inferred| inferred.rows)
    };
    assert_eq!(infer(&bytes).expect("it is whole"), 3);
    let cell = bytes.windows(4).position(|cell| cell == 2i32.to_le_bytes()).expect("the second cell");
    bytes[cell] ^= 4;
    let error = infer(&bytes).expect_err("it isn't").to_string();
    assert!(error.contains("the file is damaged: Page CRC checksum mismatch"), "{error}");
}

/// Every third prefix, and every byte changed, of small files: refused or read, never a panic.
#[test]
fn damaged_files_are_refused_without_a_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let strings: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("b")].into_iter().collect();
    let columns: [(&str, ArrayRef); 3] = [
        ("n", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("s", Arc::new(StringArray::from(vec!["x", "y", "z"]))),
        ("d", Arc::new(strings)),
    ];
    let workers = Workers::threads(1);
    for file in save(&columns, folder.path()) {
        let bytes = std::fs::read(folder.path().join(file)).expect("read");
        let damaged = folder.path().join(format!("damaged-{file}"));
        let mut refused = 0;
        let mut attempt = |bytes: &[u8]| {
            std::fs::write(&damaged, bytes).expect("written");
            let result = Source::open(&damaged.to_string_lossy(), Path::new(""))
                .and_then(|source| source.infer(&[], &workers, &|_| ()));
            if let Err(error) = result {
                assert!(error.to_string().contains("damaged-"), "{error}");
                refused += 1;
            }
        };
        (0..bytes.len()).step_by(3).for_each(|length| attempt(&bytes[..length]));
        let mut changed = bytes.clone();
        for place in 0..bytes.len() {
            changed[place] ^= [0x01, 0x80, 0xff][place % 3];
            attempt(&changed);
            changed[place] = bytes[place];
        }
        assert!(refused > bytes.len() / 3, "{file}: {refused} of {}", bytes.len());
    }
}
