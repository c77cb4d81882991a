//! A source of rows: one file, or many that hold one table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use evenstep_exact::reduce::{Partial, Workers};
use evenstep_table::check::{Breach, Found, Outcome};
use evenstep_table::infer::{Evidence, often_is_missing};
use evenstep_table::quality::{Place, Quality, Violation};
use evenstep_table::rule::Absent;
use evenstep_table::{Batch, ColumnName, MissingTokens, RuleSpec, closest, identity, some_of};

use crate::arrow_cells::refuse;
use crate::chunk::{Chunk, Origin, checked, id_of, violation};
use crate::kept::{Keeper, Kept, KeptPart};
use crate::known::{Known, LeftOut};
use crate::layout::{Details, FileInfo, Slots, common_columns};
use crate::queue::{Parts, Queue, Shared};
use crate::reading::{Mode, Plan, Reading};
use crate::stream::Stream;
use crate::typing::{Typer, see};
use crate::{SourceError, SourceErrorKind};

/// The most rows of a batch in memory.
const BATCH: usize = 1 << 16;
/// The most rows of a chunk of a stream.
const CHUNK: usize = 1 << 14;

/// A source of rows: one file, or many that hold one table.
#[derive(Clone, Debug)]
pub struct Source {
    files: Arc<[FileInfo]>,
    paths: Vec<PathBuf>,
    columns: Vec<ColumnName>,
    /// Which rows there are; all of them, if there is none.
    known: Option<Arc<Known>>,
}

/// What all rows together show of the columns.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Inferred {
    /// How many rows there are.
    pub rows: u64,
    /// What is known of each column.
    pub columns: BTreeMap<ColumnName, Evidence>,
    /// Rows that are left out because they were not known.
    pub left_out: LeftOut,
}

/// A table that was read.
#[derive(Debug, Default)]
pub struct Read {
    /// The rows in source order, without identity yet.
    pub batches: Vec<Batch>,
    /// Where each batch comes from.
    pub origins: Vec<Origin>,
    /// By file, what is to be added to the number of one of its rows for the row's number in the source, from 0.
    pub offsets: BTreeMap<Arc<str>, i64>,
    /// What was found.
    pub quality: Quality,
    /// The cells for which rows were set aside, by file and row.
    pub quarantine: Vec<Violation>,
    /// Columns of the source that were not wanted.
    pub extra: Vec<ColumnName>,
}

impl Source {
    /// Finds the files that `pattern` names, relative to `base`, and looks at their columns.
    ///
    /// The pattern is a path, or one with `*`, `?`, `[…]` and `**`; its files are sorted by path.
    pub fn open(pattern: &str, base: &Path) -> Result<Source, SourceError> {
        Source::open_wanting(pattern, base, |_| true)
    }

    /// The same for reading columns of which it is known that they are `wanted`: all files have these or none has; of others
    /// a file may have its own.
    pub fn open_wanting(
        pattern: &str,
        base: &Path,
        wanted: impl Fn(&ColumnName) -> bool,
    ) -> Result<Source, SourceError> {
        let paths = crate::find::paths(pattern, base)?;
        let look = |path: &PathBuf| FileInfo::look(path, base);
        let mut files: Vec<FileInfo> = paths.iter().map(look).collect::<Result<_, _>>()?;
        let mut columns = common_columns(&files, wanted)?;
        columns.extend(told_by_folders(&mut files, &columns, |path| crate::find::constants(pattern, base, path)));
        Ok(Source { files: files.into(), paths, columns, known: None })
    }

    /// Rows in memory, which messages call `name`. They are not copied, and must not change. Their types are what whoever made
    /// them chose: strings of digits are no numbers, as they may be in files. Rows are counted from 0.
    ///
    /// # Errors
    /// Columns without a name, or with the same one.
    pub fn of_batches(name: &str, schema: &Schema, batches: Vec<RecordBatch>) -> Result<Source, SourceError> {
        let info = FileInfo::in_memory(name, schema, batches, BATCH)?;
        let columns = info.columns.clone();
        Ok(Source { paths: vec![info.path.clone()], files: [info].into(), columns, known: None })
    }

    /// The same source as it was known by a moment, for training.
    #[must_use]
    pub fn known_by(self, known: Known) -> Source {
        Source { known: Some(Arc::new(known)), ..self }
    }

    /// The files, sorted by path.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// The size of all files together, which `progress` counts up to.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(FileInfo::bytes).sum()
    }

    /// The columns in the first file's own order; for views, as positions mean nothing.
    pub fn column_names(&self) -> &[ColumnName] {
        &self.columns
    }

    /// The columns for a message that misses one, and how they were told apart.
    pub fn columns_as_read(&self) -> String {
        let columns = listed(self.columns.iter().map(ColumnName::as_str));
        match self.files[0].details {
            Details::Delimited { delimiter: b'\t' } => format!("read with tabs, the file has {columns}"),
            Details::Delimited { delimiter } => {
                format!("read with `{}`, the file has {columns}", char::from(delimiter))
            }
            _ => format!("the file has {columns}"),
        }
    }

    /// Sees all rows, exactly, and says what each column's cells read as.
    ///
    /// `missing` are the tokens that stand for a missing value. `progress` is told how many
    /// bytes of the files were read since it was called last.
    pub fn infer(
        &self,
        missing: &[String],
        workers: &Workers,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Inferred, SourceError> {
        self.look(missing, None, None, workers, progress).map(|(inferred, _)| inferred)
    }

    /// The same of one column alone.
    pub fn infer_column(
        &self,
        column: &ColumnName,
        missing: &[String],
        workers: &Workers,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Evidence, SourceError> {
        let (mut inferred, _) = self.look(missing, None, Some(column), workers, progress)?;
        Ok(inferred.columns.remove(column).unwrap_or_default())
    }

    /// The same, and keeps the rows of text files as they are most likely to be wanted: for
    /// [`read_kept`](Self::read_kept) the files then need not be read again.
    ///
    /// `declared` is what the contract says of columns.
    pub fn infer_keeping(
        &self,
        missing: &[String],
        declared: &BTreeMap<ColumnName, RuleSpec>,
        workers: &Workers,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(Inferred, Kept), SourceError> {
        self.look(missing, Some(declared), None, workers, progress)
    }

    fn look(
        &self,
        missing: &[String],
        keeping: Option<&BTreeMap<ColumnName, RuleSpec>>,
        alone: Option<&ColumnName>,
        workers: &Workers,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(Inferred, Kept), SourceError> {
        let missing = Arc::new(MissingTokens::new(missing));
        let unsupported = self.unsupported();
        let wanted = |name: &&ColumnName| !unsupported.contains_key(*name) && alone.is_none_or(|alone| alone == *name);
        let supported: BTreeSet<&ColumnName> = self.columns.iter().filter(wanted).collect();
        let columns: BTreeMap<ColumnName, usize> =
            supported.into_iter().enumerate().map(|(place, name)| (name.clone(), place)).collect();
        let slots: Vec<Slots> = self.files.iter().map(|file| Slots::of_all(file, &columns)).collect();
        let queue = Queue::new(&self.files, &slots, Parts::Large, BATCH).known(self.known.as_deref());
        let shared = Shared::new(queue, progress);
        let parallel = workers.count() > 1;
        let left_out = Mutex::new(LeftOut::default());
        let kept = Mutex::new(Vec::new());
        let (rows, evidence): (u64, Vec<Evidence>) =
            workers.fold(workers.count(), |_, (rows, evidence): &mut (u64, Vec<Evidence>)| {
                evidence.resize_with(columns.len(), Evidence::default);
                let mut keeper = keeping.map(|declared| Keeper::new(&self.files, &slots, &columns, declared, &missing));
                shared.work(|part| {
                    left_out.lock().unwrap_or_else(PoisonError::into_inner).merge(part.left_out);
                    let part = match &mut keeper {
                        None => part,
                        Some(keeper) => match keeper.keep(part)? {
                            Err(part) => part,
                            Ok(part) => {
                                *rows += part.rows as u64;
                                kept.lock().unwrap_or_else(PoisonError::into_inner).push(part);
                                return Ok(());
                            }
                        },
                    };
                    let (file, slots) = (&self.files[part.file], &slots[part.file]);
                    *rows += see(file, slots, part, &missing, evidence, parallel)?;
                    Ok(())
                });
                for (evidence, seen) in evidence.iter_mut().zip(keeper.into_iter().flat_map(Keeper::into_evidence)) {
                    evidence.merge(seen);
                }
            });
        let offsets = shared.result()?;
        if rows == 0 {
            return Err(self.no_rows());
        }
        let left_out = left_out.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut parts = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        // All rows, or none: some files may know their types.
        if parts.iter().map(|part: &KeptPart| part.rows as u64).sum::<u64>() != rows {
            parts.clear();
        }
        parts.retain(|part| part.rows > 0);
        parts.sort_unstable_by_key(|part| part.index);
        let kept = Kept { columns: columns.keys().cloned().collect(), missing, parts, offsets };
        let columns = columns.into_iter().map(|(name, place)| (name, evidence[place].clone())).collect();
        Ok((Inferred { rows, columns, left_out }, kept))
    }

    /// Columns that no table can hold, lists and structs for example, with a word for what they are.
    pub fn unsupported(&self) -> BTreeMap<ColumnName, String> {
        self.files.iter().flat_map(|file| file.unsupported.clone()).collect()
    }

    /// Columns that are an index without a name, as pandas and R write it: a first column of a text file without one, and what
    /// pandas notes in Parquet and Arrow.
    pub fn index(&self) -> BTreeSet<ColumnName> {
        self.files.iter().flat_map(|file| file.index.clone()).collect()
    }

    /// Columns that some rows of JSON Lines lack.
    pub fn lacked(&self) -> BTreeSet<ColumnName> {
        self.files.iter().flat_map(|file| file.lacked.clone()).collect()
    }

    /// Refuses a column that no table can hold.
    pub fn refuse_unsupported(&self, name: &ColumnName) -> Result<(), SourceError> {
        let file = self.files.iter().find_map(|file| Some((file, file.unsupported.get(name)?)));
        file.map_or(Ok(()), |(file, what)| Err(refuse(name, what).in_file(&file.path)))
    }

    /// Reads all rows. Cells that break a rule whose policy is `reject` are an error.
    pub fn read(
        &self,
        reading: &Reading,
        workers: &Workers,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Read, SourceError> {
        self.read_kept(Kept::default(), reading, workers, progress)
    }

    /// The same, from what was kept of the source, as far as it will do.
    pub fn read_kept(
        &self,
        kept: Kept,
        reading: &Reading,
        workers: &Workers,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Read, SourceError> {
        let read = self.examine_kept(kept, reading, workers, progress)?;
        match read.quality.rejected.count {
            0 => Ok(read),
            _ => Err(rejected(&read.quality, "")),
        }
    }

    /// Reads all rows, whatever their cells break; what would be refused is in `quality.rejected`.
    pub fn examine(
        &self,
        reading: &Reading,
        workers: &Workers,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Read, SourceError> {
        self.examine_kept(Kept::default(), reading, workers, progress)
    }

    /// The same, from what was kept of the source, as far as it will do.
    pub fn examine_kept(
        &self,
        mut kept: Kept,
        reading: &Reading,
        workers: &Workers,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Read, SourceError> {
        let plan = reading.plan();
        let extra = self.check_columns(&plan)?;
        let offsets = std::mem::take(&mut kept.offsets);
        let (mut chunks, offsets) = match kept.typed(&plan) {
            Some(parts) => (workers.map(parts, |(origin, rows, typed)| checked(&plan, typed, rows, origin)), offsets),
            None => self.chunks(&plan, workers, progress)?,
        };
        let offsets = self.files.iter().map(|file| file.name.clone()).zip(offsets).collect();
        let quality = crate::chunk::merge_quality(chunks.iter_mut());
        let mut read = Read { quality, extra, offsets, ..Read::default() };
        if read.quality.rows == 0 && plan.mode == Mode::Training {
            return Err(self.no_rows());
        }
        for chunk in chunks {
            read.quarantine.extend(chunk.quarantine);
            if chunk.batch.rows() > 0 {
                read.batches.push(chunk.batch);
                read.origins.push(chunk.origin);
            }
        }
        if plan.mode == Mode::Training {
            read.check_unique(&plan, workers);
        }
        Ok(read)
    }

    fn chunks(
        &self,
        plan: &Plan,
        workers: &Workers,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(Vec<Chunk>, Vec<i64>), SourceError> {
        let slots: Vec<Slots> = self.files.iter().map(|file| Slots::of_plan(file, plan)).collect();
        let queue = Queue::new(&self.files, &slots, Parts::Large, BATCH).known(self.known.as_deref());
        let shared = Shared::new(queue, progress);
        let typer = || Typer::new(plan, &self.files, &slots, BATCH, workers.count() > 1);
        let parts = shared.collect(workers, typer, |typer, part| typer.read(part));
        let offsets = shared.result()?;
        Ok((parts.into_iter().flatten().collect(), offsets))
    }

    /// Reads rows in source order, a chunk of at most 16,384 at a time, in memory that does not
    /// grow with the source. A thread reads ahead.
    ///
    /// Cells that break a rule whose policy is `reject` are an error in place of their chunk.
    pub fn stream(&self, reading: &Reading) -> Result<Stream, SourceError> {
        let plan = reading.plan();
        self.check_columns(&plan)?;
        Ok(Stream::start(self.files.clone(), plan, CHUNK))
    }

    /// The columns that the source has and nobody wants; an error if it lacks one that is wanted.
    fn check_columns(&self, plan: &Plan) -> Result<Vec<ColumnName>, SourceError> {
        let wanted = |name: &ColumnName| plan.columns.binary_search_by(|column| column.name.cmp(name)).is_ok();
        let extra: Vec<ColumnName> = self.columns.iter().filter(|name| !wanted(name)).cloned().collect();
        let mut lacking: Vec<(&ColumnName, Option<&str>)> = Vec::new();
        for column in &plan.columns {
            self.refuse_unsupported(&column.name)?;
            if self.columns.contains(&column.name) {
                continue;
            }
            let near = closest(column.name.as_str(), extra.iter().map(ColumnName::as_str));
            let may_be_absent = plan.mode == Mode::Scoring && column.rule.absent == Absent::Null;
            if !may_be_absent || near.is_some() {
                lacking.push((&column.name, near));
            }
        }
        let said = match &lacking[..] {
            [] => return Ok(extra),
            [(name, _)] => format!("column `{name}` is missing"),
            several => format!("columns {} are missing", listed(several.iter().map(|(name, _)| name.as_str()))),
        };
        let error = SourceError::columns(said).of_column(lacking[0].0).in_file(&self.paths[0]);
        let near: Vec<&str> = lacking.iter().filter_map(|(_, near)| *near).collect();
        Err(error.help(match &near[..] {
            [] => self.columns_as_read(),
            [near] => format!("the file has a column of nearly that name: did you mean `{near}`?"),
            near => {
                format!("the file has columns of nearly those names: did you mean {}?", listed(near.iter().copied()))
            }
        }))
    }

    fn no_rows(&self) -> SourceError {
        if self.known.is_some() {
            return SourceError::malformed("there is no row that was known by then").in_file(&self.paths[0]);
        }
        SourceError::malformed("there are column names, but no rows").in_file(&self.paths[0])
    }
}

/// The columns that the files' folders tell, if those of each file tell the same ones, and no file has them itself.
fn told_by_folders(
    files: &mut [FileInfo],
    columns: &[ColumnName],
    constants: impl Fn(&Path) -> Vec<(ColumnName, Option<String>)>,
) -> Vec<ColumnName> {
    let told: Vec<_> = files.iter().map(|file| constants(&file.path)).collect();
    let names = |constants: &[(ColumnName, Option<String>)]| -> Vec<ColumnName> {
        constants.iter().map(|(name, _)| name.clone()).collect()
    };
    let first = told.first().map(|first| names(first)).unwrap_or_default();
    let are_new = first.iter().enumerate().all(|(at, name)| !columns.contains(name) && !first[..at].contains(name));
    if !are_new || told.iter().any(|told| names(told) != first) {
        return Vec::new();
    }
    for (file, told) in files.iter_mut().zip(told) {
        file.constants = told;
    }
    first
}

impl Read {
    /// The place of a row in its file.
    pub fn place(&self, at: identity::Position) -> Place {
        self.origins[at.batch as usize].place(at.row as usize)
    }

    /// Values that occur again in columns that say `unique` are refused.
    fn check_unique(&mut self, plan: &Plan, workers: &Workers) {
        for column in plan.columns.iter().filter(|column| column.rule.unique) {
            for rows in identity::repeated(&self.batches, &column.name, workers) {
                for at in rows.into_iter().skip(1) {
                    let batch = &self.batches[at.batch as usize];
                    let row = at.row as usize;
                    let place = self.origins[at.batch as usize].place(row);
                    let value = batch.column(&column.name).text(row);
                    let found = Found { row, breach: Breach::Unique, outcome: Outcome::Rejected, value };
                    let id = id_of(plan.id.iter().map(|id| batch.column(&plan.columns[*id].name)), row);
                    self.quality
                        .add(&column.name, &found, &place, || violation(column, &found, place.clone(), id.clone()));
                }
            }
        }
    }
}

/// The error that lists refused cells, of so many rows as are said.
pub(crate) fn rejected(quality: &Quality, among: &str) -> SourceError {
    let tally = quality.rejected.clone();
    let cells = if tally.count == 1 { "cell breaks" } else { "cells break" };
    let message = format!("{} {cells} a rule of the contract{among}", tally.count);
    let mut help = "change the data, or say in `[contract]` what becomes of such cells".to_owned();
    let invalid = tally.first.iter().filter(|found| found.rule == Breach::Invalid);
    if let Some(text) = invalid.filter_map(|found| found.value.as_deref()).find(|text| often_is_missing(text)) {
        help += &format!("; if `{text}` is to be a missing value, add it to `missing` in `[data]`");
    }
    SourceError::new(SourceErrorKind::Rejected(Box::new(tally)), message).help(help)
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    some_of(names.map(|name| format!("`{name}`")), 12, ", ")
}
