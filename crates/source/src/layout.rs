//! What a file holds, before its rows are read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use evenstep_table::{ColumnName, did_you_mean};

use crate::blocks::{Blocks, Records};
use crate::format::{self, Compression, Format};
use crate::parquet_file::Footer;
use crate::reading::Plan;
use crate::stamp::Stamp;
use crate::{SourceError, SourceErrorKind, arrow_cells, arrow_file, csv, json};

/// A file of a source, with what its start or footer told.
#[derive(Debug)]
pub(crate) struct FileInfo {
    pub(crate) path: PathBuf,
    /// The path as messages show it.
    pub(crate) name: Arc<str>,
    pub(crate) format: Format,
    pub(crate) compression: Compression,
    /// The columns in the file's own order.
    pub(crate) columns: Vec<ColumnName>,
    /// What its folders say of all its rows, in columns that no file of the source has.
    pub(crate) constants: Vec<(ColumnName, Option<String>)>,
    pub(crate) details: Details,
    /// Columns that no table can hold, and what they are.
    pub(crate) unsupported: BTreeMap<ColumnName, String>,
    /// Columns that are an index without a name: see [`Source::index`](crate::Source::index).
    pub(crate) index: BTreeSet<ColumnName>,
    /// Columns that some rows lack.
    pub(crate) lacked: BTreeSet<ColumnName>,
    /// What it was before any of its bytes was read, if it is a file.
    pub(crate) stamp: Option<Stamp>,
}

/// What only one format has.
#[derive(Debug)]
pub(crate) enum Details {
    /// Delimited text.
    Delimited {
        /// What stands between fields.
        delimiter: u8,
    },
    /// JSON lines.
    Lines,
    /// Parquet.
    Parquet(Footer),
    /// Arrow IPC.
    Arrow,
    /// Rows in memory, cut small enough for many threads; and how many bytes each part stands for.
    Memory(Vec<(RecordBatch, u64)>),
}

/// Which columns of one file are wanted.
#[derive(Debug)]
pub(crate) struct Slots {
    /// For each column of the file: its position among the wanted, or `UNWANTED`.
    pub(crate) of_file: Vec<u32>,
    /// For each wanted column: its position in the file; ascending.
    pub(crate) in_file: Vec<usize>,
    /// For each wanted column: its position for whoever wants it.
    pub(crate) wanted: Vec<usize>,
    /// For each wanted column that the folders tell: its position among them, and for whoever wants it.
    pub(crate) constants: Vec<(usize, usize)>,
}

/// A column that nobody wants.
pub(crate) const UNWANTED: u32 = u32::MAX;

impl Slots {
    /// Which of the file's columns `position` wants, and where it wants them.
    pub(crate) fn new(file: &FileInfo, position: impl Fn(&ColumnName) -> Option<usize>) -> Slots {
        let constants = file.constants.iter().enumerate();
        let constants = constants.filter_map(|(place, (name, _))| Some((place, position(name)?))).collect();
        let of_file = vec![UNWANTED; file.columns.len()];
        let mut slots = Slots { of_file, in_file: Vec::new(), wanted: Vec::new(), constants };
        for (place, name) in file.columns.iter().enumerate() {
            if let Some(position) = position(name) {
                slots.of_file[place] = slots.wanted.len() as u32;
                slots.in_file.push(place);
                slots.wanted.push(position);
            }
        }
        slots
    }

    /// For whoever fills a plan's columns.
    pub(crate) fn of_plan(file: &FileInfo, plan: &Plan) -> Slots {
        Slots::new(file, |name| plan.columns.binary_search_by(|column| column.name.cmp(name)).ok())
    }

    /// For whoever looks at all columns that a table can hold.
    pub(crate) fn of_all(file: &FileInfo, columns: &BTreeMap<ColumnName, usize>) -> Slots {
        Slots::new(file, |name| columns.get(name).copied())
    }
}

impl FileInfo {
    /// Looks at a file's start or footer.
    pub(crate) fn look(path: &Path, base: &Path) -> Result<FileInfo, SourceError> {
        let Some((format, compression)) = format::of_path(path) else {
            let what = "the file's ending tells no format that is known";
            let error = SourceError::new(SourceErrorKind::Unsupported, what).in_file(path);
            let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
            return Err(match ending.as_ref().and_then(|ending| ending.to_str()) {
                _ if format::is_workbook(path) => error.help(csv::AS_CSV),
                Some("json") => error.help(
                    "one object a line is read, as `.jsonl`: `jq -c '.[]' a.json > a.jsonl` makes it of an array",
                ),
                Some("zip") => error.help("unpack it, and name what was in it"),
                _ => error.help(format!("endings are {}", format::ENDINGS)),
            });
        };
        let stamp = Stamp::of(path);
        let (mut unsupported, mut index, mut lacked) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        let mut types = |schema: &Schema| (unsupported, index) = (unsupported_types(schema), index_of_pandas(schema));
        let (columns, details) = match format {
            Format::Csv | Format::Tsv => {
                let opened = csv::open(path, format, compression)?;
                index = opened.index.into_iter().collect();
                (opened.columns, Details::Delimited { delimiter: opened.delimiter })
            }
            Format::JsonLines => {
                let mut blocks = Blocks::open(path, compression, Records::Lines)?;
                let columns;
                json::Names { columns, unsupported, lacked } = json::names(&mut blocks, path)?;
                (columns, Details::Lines)
            }
            Format::Parquet => {
                let (footer, columns) = Footer::read(path)?;
                types(&footer.schema());
                (columns, Details::Parquet(footer))
            }
            Format::Arrow => {
                let schema = arrow_file::Batches::open(path, None)?.schema();
                types(&schema);
                let names = column_names(schema.fields().iter().map(|field| field.name()));
                (names.map_err(|error| error.in_file(path))?, Details::Arrow)
            }
        };
        let name = path.strip_prefix(base).unwrap_or(path).to_string_lossy().into();
        let (path, constants) = (path.to_owned(), Vec::new());
        Ok(FileInfo { path, name, format, compression, columns, constants, details, unsupported, index, lacked, stamp })
    }

    /// Looks at rows in memory, which messages call `name`. None is copied.
    pub(crate) fn in_memory(
        name: &str,
        schema: &Schema,
        batches: Vec<RecordBatch>,
        rows_max: usize,
    ) -> Result<FileInfo, SourceError> {
        let path = Path::new(name);
        let columns = column_names(schema.fields().iter().map(|field| field.name()));
        let parts = batches.iter().flat_map(|batch| {
            let (rows, bytes) = (batch.num_rows(), batch.get_array_memory_size());
            (0..rows).step_by(rows_max).map(move |start| {
                let length = rows_max.min(rows - start);
                (batch.slice(start, length), (bytes as f64 * (length as f64 / rows as f64)) as u64)
            })
        });
        Ok(FileInfo {
            path: path.to_owned(),
            name: name.into(),
            format: Format::Arrow,
            compression: Compression::None,
            columns: columns.map_err(|error| error.in_file(path))?,
            constants: Vec::new(),
            details: Details::Memory(parts.collect()),
            unsupported: unsupported_types(schema),
            index: index_of_pandas(schema),
            lacked: BTreeSet::new(),
            stamp: None,
        })
    }

    /// Whether it is a frame of a program: its types were chosen, and its rows are counted from 0.
    pub(crate) fn is_frame(&self) -> bool {
        matches!(self.details, Details::Memory(_))
    }

    /// How many bytes it has, as far as the host tells.
    pub(crate) fn bytes(&self) -> u64 {
        match &self.details {
            Details::Memory(parts) => parts.iter().map(|(_, bytes)| bytes).sum(),
            _ => std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len()),
        }
    }
}

fn unsupported_types(schema: &Schema) -> BTreeMap<ColumnName, String> {
    let unsupported = schema
        .fields()
        .iter()
        .filter_map(|field| Some((ColumnName::new(field.name())?, arrow_cells::unsupported(field)?)));
    unsupported.collect()
}

/// The columns that pandas made of an index without a name: positions, as a rule, which say nothing of a row.
/// Source: "Developer" in the documentation of pandas, on metadata in Parquet.
fn index_of_pandas(schema: &Schema) -> BTreeSet<ColumnName> {
    let told: Option<serde_json::Value> =
        schema.metadata().get("pandas").and_then(|text| serde_json::from_str(text).ok());
    let index = told.as_ref().and_then(|told| told["index_columns"].as_array()).into_iter().flatten();
    let unnamed = index.filter_map(|name| name.as_str()).filter(|name| name.starts_with("__index_level_"));
    unnamed.filter_map(ColumnName::new).collect()
}

/// The names of a file's columns, none empty, none twice.
pub(crate) fn column_names<S: AsRef<str>>(names: impl Iterator<Item = S>) -> Result<Vec<ColumnName>, SourceError> {
    let mut seen = rustc_hash::FxHashMap::<ColumnName, usize>::default();
    let mut columns = Vec::new();
    for (number, name) in (1..).zip(names) {
        let Some(name) = ColumnName::new(name.as_ref()) else {
            let error = SourceError::columns(format!("column {number} of the file has no name"));
            return Err(error.help("name it, or leave it out"));
        };
        if let Some(first) = seen.insert(name.clone(), number) {
            return Err(SourceError::columns(format!(
                "columns {first} and {number} of the file are both named `{name}`"
            ))
            .of_column(&name)
            .help("columns are reached by name, so names must differ"));
        }
        columns.push(name);
    }
    Ok(columns)
}

/// The names that all files have together, in the order of the first that has them.
/// A file that lacks one which is wanted is an error.
pub(crate) fn common_columns(
    files: &[FileInfo],
    wanted: impl Fn(&ColumnName) -> bool,
) -> Result<Vec<ColumnName>, SourceError> {
    let mut columns: Vec<ColumnName> = Vec::new();
    let mut known = std::collections::BTreeMap::new();
    for file in files {
        for name in &file.columns {
            if !known.contains_key(name) {
                known.insert(name.clone(), file);
                columns.push(name.clone());
            }
        }
    }
    for file in files {
        let has: std::collections::BTreeSet<&ColumnName> = file.columns.iter().collect();
        if let Some(lacking) = columns.iter().find(|name| wanted(name) && !has.contains(name)) {
            let other = known[lacking];
            let without = files.iter().filter(|file| !file.columns.contains(lacking)).count();
            // Of several files the odd one is told.
            let (odd, what) = match 2 * without > files.len() {
                true => (other, format!("has column `{lacking}`, which {without} of {} files lack", files.len())),
                false => (file, format!("lacks column `{lacking}`, which {} has", other.name)),
            };
            let near = did_you_mean(lacking.as_str(), file.columns.iter().map(ColumnName::as_str));
            return Err(SourceError::columns(format!("the file {what}")).in_file(&odd.path).help(near.unwrap_or_else(
                || {
                    "all files of one source have the same columns, in any order, and name them in their first row"
                        .to_owned()
                },
            )));
        }
    }
    Ok(columns)
}
