//! Parts of files to evidence, and to typed and checked columns.

use arrow_array::{ArrayRef, RecordBatch};
use evenstep_table::MissingTokens;
use evenstep_table::build::{ColumnBuilder, Strictness, Typed, Value};
use evenstep_table::infer::Evidence;

use crate::arrow_cells::{Seeing, Target, feed};
use crate::chunk::{Chunk, Origin, checked};
use crate::guard::guard;
use crate::layout::{Details, FileInfo, Slots};
use crate::parquet_file::Footer;
use crate::queue::{Part, Work};
use crate::reading::Plan;
use crate::{SourceError, csv, json};

/// Adds what a part shows of the columns to their evidence; how many rows it has.
pub(crate) fn see(
    file: &FileInfo,
    slots: &Slots,
    part: Part,
    missing: &MissingTokens,
    evidence: &mut [Evidence],
    parallel: bool,
) -> Result<u64, SourceError> {
    let mut places: Vec<Option<&mut Evidence>> = evidence.iter_mut().map(Some).collect();
    let take = |place: &usize| Seeing {
        evidence: places[*place].take().expect("names differ"),
        missing,
        is_frame: file.is_frame(),
    };
    let mut seeing: Vec<Seeing<'_>> = slots.wanted.iter().map(take).collect();
    let rows = match (&file.details, part.work) {
        (Details::Delimited { delimiter }, Work::Block(block)) => {
            csv::read_block(file, *delimiter, &block, &slots.of_file, &mut seeing)?
        }
        (_, Work::Block(block)) => {
            let push = |slot: usize, value: Value<'_>| seeing[slot].push(value);
            json::read_block(file, &block, &slots.of_file, &vec![false; slots.wanted.len()], push)?
        }
        (Details::Parquet(footer), Work::Group(group)) => {
            each_column(file, footer, group, slots, (usize::MAX, parallel), seeing, |_| ())?;
            footer.groups()[group] as usize
        }
        (_, Work::Group(_)) => unreachable!("only Parquet has row groups"),
        (_, Work::Batch(batch)) => {
            guard(&file.path, || {
                batch.columns().iter().zip(&mut seeing).try_for_each(|(array, seeing)| feed(array, seeing))
            })?;
            batch.num_rows()
        }
    };
    for (constant, place) in &slots.constants {
        match &file.constants[*constant].1 {
            Some(text) if !missing.contains(text) => evidence[*place].repeated(text, rows as u64),
            _ => evidence[*place].nulls += rows as u64,
        }
    }
    Ok(rows as u64)
}

/// What one thread needs to type parts: builders that keep their memory from part to part.
pub(crate) struct Typer<'a> {
    plan: &'a Plan,
    files: &'a [FileInfo],
    slots: &'a [Slots],
    /// The most rows of a chunk.
    rows: usize,
    /// Whether other threads may help with one part.
    parallel: bool,
    /// In the plan's order; None while a builder is lent.
    builders: Vec<Option<ColumnBuilder>>,
}

impl<'a> Typer<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        files: &'a [FileInfo],
        slots: &'a [Slots],
        rows: usize,
        parallel: bool,
    ) -> Typer<'a> {
        let builder = |rule| Some(ColumnBuilder::new(rule, plan.missing.clone(), Strictness::File));
        let builders = plan.columns.iter().map(|column| builder(&column.rule)).collect();
        Typer { plan, files, slots, rows, parallel, builders }
    }

    /// The part's rows, typed and checked.
    pub(crate) fn read(&mut self, part: Part) -> Result<Vec<Chunk>, SourceError> {
        let (file, slots) = (&self.files[part.file], &self.slots[part.file]);
        let take = |position: &usize| self.builders[*position].take().expect("every builder is back");
        let mut wanted: Vec<ColumnBuilder> = slots.wanted.iter().map(take).collect();
        let mut chunks = Vec::new();
        let mut rows_of = Rows { next: part.first_row, kept: part.kept.map(Vec::into_iter) };
        match (&file.details, part.work) {
            (Details::Delimited { delimiter }, Work::Block(block)) => {
                wanted.iter_mut().for_each(|builder| builder.reserve(block.rows));
                let rows = csv::read_block(file, *delimiter, &block, &slots.of_file, &mut wanted)?;
                drop(block);
                chunks.push(self.chunk(part.file, finish(&mut wanted), rows, &mut rows_of));
            }
            (_, Work::Block(block)) => {
                let strings: Vec<bool> = wanted.iter().map(ColumnBuilder::holds_strings).collect();
                let push = |slot: usize, value: Value<'_>| wanted[slot].push(value);
                let rows = json::read_block(file, &block, &slots.of_file, &strings, push)?;
                drop(block);
                chunks.push(self.chunk(part.file, finish(&mut wanted), rows, &mut rows_of));
            }
            (Details::Parquet(footer), Work::Group(group)) => {
                let how = (self.rows, self.parallel);
                let columns = each_column(file, footer, group, slots, how, wanted, ColumnBuilder::finish)?;
                let (builders, pieces): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
                wanted = builders;
                for (rows, typed) in transposed(pieces, footer.groups()[group], self.rows) {
                    chunks.push(self.chunk(part.file, typed, rows, &mut rows_of));
                }
            }
            (_, Work::Group(_)) => unreachable!("only Parquet has row groups"),
            (_, Work::Batch(batch)) => {
                for start in (0..batch.num_rows()).step_by(self.rows) {
                    let rows = self.rows.min(batch.num_rows() - start);
                    let typed = guard(&file.path, || type_batch(&batch.slice(start, rows), &mut wanted))?;
                    chunks.push(self.chunk(part.file, typed, rows, &mut rows_of));
                }
            }
        }
        for (position, builder) in slots.wanted.iter().zip(wanted) {
            self.builders[*position] = Some(builder);
        }
        Ok(chunks)
    }

    /// Rows whose wanted columns are typed; the plan's others are absent.
    fn chunk(&mut self, file: usize, typed: Vec<Typed>, rows: usize, rows_of: &mut Rows) -> Chunk {
        let mut all: Vec<Option<Typed>> = self.plan.columns.iter().map(|_| None).collect();
        for (position, typed) in self.slots[file].wanted.iter().zip(typed) {
            all[*position] = Some(typed);
        }
        let (info, slots) = (&self.files[file], &self.slots[file]);
        let typed = all.into_iter().zip(&mut self.builders).enumerate().map(|(position, (typed, builder))| {
            typed.unwrap_or_else(|| {
                let builder = builder.as_mut().expect("only builders of wanted columns are lent");
                match slots.constants.iter().find(|(_, wanted)| *wanted == position) {
                    Some((place, _)) => {
                        let value = info.constants[*place].1.as_deref();
                        builder.references(&[value], std::iter::repeat_n(Some(0), rows));
                    }
                    None => (0..rows).for_each(|_| builder.push_absent()),
                }
                builder.finish()
            })
        });
        let typed = typed.collect();
        let origin = rows_of.origin(&self.files[file], rows);
        checked(self.plan, typed, rows, origin)
    }
}

/// The rows of a part that come next.
struct Rows {
    /// The number of the next one in the file; where rows were left out, of the part's first one.
    next: u64,
    kept: Option<std::vec::IntoIter<usize>>,
}

impl Rows {
    /// Where the next rows come from.
    fn origin(&mut self, file: &FileInfo, rows: usize) -> Origin {
        let (first_row, kept) = (self.next, self.kept.as_mut().map(|kept| kept.take(rows).collect()));
        if kept.is_none() {
            self.next += rows as u64;
        }
        Origin { file: file.name.clone(), first_row, kept }
    }
}

fn finish(builders: &mut [ColumnBuilder]) -> Vec<Typed> {
    builders.iter_mut().map(ColumnBuilder::finish).collect()
}

fn type_batch(batch: &RecordBatch, builders: &mut [ColumnBuilder]) -> Result<Vec<Typed>, SourceError> {
    assert_eq!(batch.num_columns(), builders.len(), "the reader gives what it was asked for");
    for (array, builder) in batch.columns().iter().zip(&mut *builders) {
        feed(array, builder)?;
    }
    Ok(finish(builders))
}

/// A target with what it made of every so many rows.
type Fed<T, P> = (T, Vec<P>);

/// Reads the wanted columns of a row group, some of them at a time, in parallel if asked to.
/// `done` is called after every `rows` rows.
fn each_column<T: Target + Send, P: Send>(
    file: &FileInfo,
    footer: &Footer,
    group: usize,
    slots: &Slots,
    (rows, parallel): (usize, bool),
    targets: Vec<T>,
    done: impl Fn(&mut T) -> P + Sync,
) -> Result<Vec<Fed<T, P>>, SourceError> {
    use rayon::prelude::*;
    // Few enough readers for wide files, enough tasks for many threads.
    let at_once = slots.in_file.len().div_ceil(16).max(1);
    let batch = rows.min(1 << 16);
    let read = |(columns, mut targets): (&[usize], Vec<T>)| -> Result<Vec<Fed<T, P>>, SourceError> {
        let mut pieces: Vec<Vec<P>> = targets.iter().map(|_| Vec::new()).collect();
        let mut left = footer.groups()[group];
        let torn = || {
            let what = "the file is damaged: a row group has not as many rows as its footer says";
            SourceError::malformed(what).in_file(&file.path)
        };
        for read in footer.batches(&file.path, Some(group), columns, batch)? {
            let read = read?;
            // Pieces of all columns have the same rows.
            if read.num_rows() as u64 != left.min(batch as u64) {
                return Err(torn());
            }
            left -= read.num_rows() as u64;
            guard(&file.path, || {
                let columns: &[ArrayRef] = read.columns();
                assert_eq!(columns.len(), targets.len(), "the reader gives what it was asked for");
                for ((array, target), pieces) in columns.iter().zip(&mut targets).zip(&mut pieces) {
                    feed(array, target)?;
                    pieces.push(done(target));
                }
                Ok(())
            })?;
        }
        if left > 0 && !columns.is_empty() {
            return Err(torn());
        }
        Ok(targets.into_iter().zip(pieces).collect())
    };
    let mut targets = targets.into_iter();
    let tasks: Vec<(&[usize], Vec<T>)> = slots
        .in_file
        .chunks(at_once)
        .map(|columns| (columns, targets.by_ref().take(columns.len()).collect()))
        .collect();
    let results: Vec<Result<_, SourceError>> =
        if parallel { tasks.into_par_iter().map(read).collect() } else { tasks.into_iter().map(read).collect() };
    let mut all = Vec::new();
    for result in results {
        all.extend(result?);
    }
    Ok(all)
}

/// Columns of pieces to pieces of columns, with their rows.
fn transposed(columns: Vec<Vec<Typed>>, rows: u64, piece: usize) -> Vec<(usize, Vec<Typed>)> {
    let mut pieces: Vec<(usize, Vec<Typed>)> = (0..rows as usize)
        .step_by(piece)
        .map(|start| (piece.min(rows as usize - start), Vec::with_capacity(columns.len())))
        .collect();
    for column in columns {
        assert_eq!(column.len(), pieces.len(), "all columns of a row group have its rows");
        for (typed, (rows, piece)) in column.into_iter().zip(&mut pieces) {
            assert_eq!(typed.column.rows(), *rows, "all columns of a row group have its rows");
            piece.push(typed);
        }
    }
    pieces
}
