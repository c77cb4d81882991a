//! What a file holds, before its rows are read.

use std::path::PathBuf;
use std::sync::Arc;

use evenstep_table::{ColumnName, did_you_mean};

use crate::SourceError;
use crate::format::{Compression, Format};
use crate::reading::Plan;

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
    pub(crate) details: Details,
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
}

/// Where the wanted columns stand in one file.
#[derive(Debug)]
pub(crate) struct Slots {
    /// For each column of the file: its position among the wanted, or `UNWANTED`.
    pub(crate) of_file: Vec<u32>,
    /// For each wanted column that the file has: its position in the plan.
    pub(crate) in_plan: Vec<usize>,
    /// Positions in the plan of columns that the file lacks, which are null.
    pub(crate) absent: Vec<usize>,
}

/// A column that nobody asked for.
pub(crate) const UNWANTED: u32 = u32::MAX;

impl FileInfo {
    /// Where the plan's columns stand in this file. Those that it lacks must be allowed to be absent.
    pub(crate) fn slots(&self, plan: &Plan) -> Slots {
        let mut of_file = vec![UNWANTED; self.columns.len()];
        let mut in_plan = Vec::new();
        for (position, name) in self.columns.iter().enumerate() {
            if let Ok(planned) = plan.columns.binary_search_by(|column| column.name.cmp(name)) {
                of_file[position] = in_plan.len() as u32;
                in_plan.push(planned);
            }
        }
        let absent = (0..plan.columns.len()).filter(|planned| !in_plan.contains(planned)).collect();
        Slots { of_file, in_plan, absent }
    }
}

/// The names of a file's columns, none empty, none twice.
pub(crate) fn column_names<S: AsRef<str>>(names: impl Iterator<Item = S>) -> Result<Vec<ColumnName>, SourceError> {
    let mut seen = rustc_hash::FxHashMap::<ColumnName, usize>::default();
    let mut columns = Vec::new();
    for (position, name) in names.enumerate() {
        let number = position + 1;
        let Some(name) = ColumnName::new(name.as_ref()) else {
            let error = SourceError::columns(format!("column {number} of the file has no name"));
            return Err(match position {
                0 => error.help("name it, or leave it out: pandas writes no index with `index=False`"),
                _ => error.help("name it, or leave it out"),
            });
        };
        if let Some(first) = seen.insert(name.clone(), number) {
            return Err(SourceError::columns(format!("the file has two columns `{name}`, the {first}th and the {number}th"))
                .of_column(&name)
                .help("columns are reached by name, so names must differ"));
        }
        columns.push(name);
    }
    Ok(columns)
}

/// The names that all files have together, in the order of the first that has them.
/// A file that lacks one is an error.
pub(crate) fn common_columns(files: &[FileInfo]) -> Result<Vec<ColumnName>, SourceError> {
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
        if let Some(lacking) = columns.iter().find(|name| !has.contains(name)) {
            let other = &known[lacking].name;
            let error = SourceError::columns(format!("the file lacks column `{lacking}`, which {other} has"));
            let near = did_you_mean(lacking.as_str(), file.columns.iter().map(ColumnName::as_str));
            return Err(error.in_file(&file.path).help(near.unwrap_or_else(|| {
                "all files of one source have the same columns, in any order".to_owned()
            })));
        }
    }
    Ok(columns)
}
