//! Parts of files to evidence, and to typed and checked columns.

use evenstep_table::build::{ColumnBuilder, Strictness, Typed, Value};
use evenstep_table::infer::Evidence;
use evenstep_table::{ColumnName, MissingTokens};

use crate::SourceError;
use crate::chunk::{Chunk, Origin, checked};
use crate::csv::{self, Seeing};
use crate::layout::{Details, FileInfo, Slots};
use crate::queue::{Part, Work};
use crate::reading::Plan;

/// Adds what a part shows of the columns to their evidence; how many rows it has.
pub(crate) fn see(
    file: &FileInfo,
    columns: &[ColumnName],
    work: Work,
    missing: &MissingTokens,
    evidence: &mut [Evidence],
) -> Result<u64, SourceError> {
    // The file's own order, which may differ from the first file's.
    let place = |name: &ColumnName| columns.iter().position(|column| column == name);
    let in_file: Vec<usize> = if *columns == *file.columns {
        (0..columns.len()).collect()
    } else {
        file.columns.iter().map(|name| place(name).expect("all files have the same columns")).collect()
    };
    let mut of_file = vec![0; columns.len()];
    let mut by_place: Vec<Option<&mut Evidence>> = evidence.iter_mut().map(Some).collect();
    let mut seeing: Vec<Seeing<'_>> = Vec::with_capacity(columns.len());
    for (position, place) in in_file.into_iter().enumerate() {
        of_file[position] = position as u32;
        seeing.push(Seeing { evidence: by_place[place].take().expect("names differ"), missing });
    }
    let rows = match (&file.details, work) {
        (Details::Delimited { delimiter }, Work::Block(block)) => {
            csv::read_block(file, *delimiter, &block, &of_file, &mut seeing)?
        }
        _ => todo!(),
    };
    Ok(rows as u64)
}

/// What one thread needs to type parts: builders that keep their memory from part to part.
pub(crate) struct Typer<'a> {
    plan: &'a Plan,
    files: &'a [FileInfo],
    slots: Vec<Option<Slots>>,
    /// In the plan's order.
    builders: Vec<Option<ColumnBuilder>>,
}

impl<'a> Typer<'a> {
    pub(crate) fn new(plan: &'a Plan, files: &'a [FileInfo]) -> Typer<'a> {
        let builder =
            |rule| Some(ColumnBuilder::new(rule, plan.missing.clone(), Strictness::File));
        let builders = plan.columns.iter().map(|column| builder(&column.rule)).collect();
        Typer { plan, files, slots: files.iter().map(|_| None).collect(), builders }
    }

    /// The part's rows, typed and checked.
    pub(crate) fn read(&mut self, part: Part) -> Result<Vec<Chunk>, SourceError> {
        let file = &self.files[part.file];
        let slots = self.slots[part.file].get_or_insert_with(|| file.slots(self.plan));
        let take = |position: &usize| self.builders[*position].take().expect("every builder is back");
        let mut wanted: Vec<ColumnBuilder> = slots.in_plan.iter().map(take).collect();
        let (rows, first_row) = match (&file.details, part.work) {
            (Details::Delimited { delimiter }, Work::Block(block)) => {
                wanted.iter_mut().for_each(|builder| builder.reserve(block.rows));
                (csv::read_block(file, *delimiter, &block, &slots.of_file, &mut wanted)?, block.first_row)
            }
            _ => todo!(),
        };
        for (position, builder) in slots.in_plan.iter().zip(wanted) {
            self.builders[*position] = Some(builder);
        }
        for position in &slots.absent {
            let builder = self.builders[*position].as_mut().expect("every builder is back");
            (0..rows).for_each(|_| builder.push(Value::Null));
        }
        let finish = |builder: &mut Option<ColumnBuilder>| builder.as_mut().expect("every builder is back").finish();
        let typed: Vec<Typed> = self.builders.iter_mut().map(finish).collect();
        let origin = Origin { file: file.name.clone(), first_row, kept: None };
        Ok(vec![checked(self.plan, typed, &slots.absent, rows, origin)])
    }
}
