//! `split`: the part of every row, for those who compare on the same rows.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use evenstep_pipeline::PipelineError;
use evenstep_pipeline::parts::{self, Part, Parted, Parts};
use evenstep_pipeline::score::after_ids;
use evenstep_source::format::{Compression, Format};
use evenstep_source::write::Writer;
use evenstep_table::{Coded, Column, ColumnName, Kind};
use serde_json::json;

use super::apart::apart;
use super::{Answer, files_of, read_spec, write_files};
use crate::cli::Split;
use crate::{Host, output};

pub(crate) fn split(args: &Split, host: &Host) -> Answer {
    let spec = read_spec(&args.spec)?;
    apart(files_of(&args.spec, &spec).iter().map(PathBuf::as_path), args.output.as_deref())?;
    let parts = host.run(args.spec.threads, |run| parts::parts(&spec, run))?;
    let text = table(&parts, args.output.as_deref())?;
    match &args.output {
        Some(path) => write_files(&host.files, &[(path, &text)])?,
        None if !host.json => output::raw(&text),
        None => {}
    }
    if host.json {
        let all = parts.batches.iter().flat_map(|batch| &batch.parts);
        let count = |wanted: Part| all.clone().filter(|part| **part == wanted).count();
        output::json(
            &json!({ "train": count(Part::Train), "test": count(Part::Test), "none": count(Part::None), "output": args.output.as_deref().map(output::path) }),
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn table(parts: &Parts, path: Option<&Path>) -> Result<Vec<u8>, PipelineError> {
    let name = |name: &str| ColumnName::new(name).expect("a name");
    let mut header = after_ids(parts.id.clone(), [(name("part"), Kind::Category)], "row");
    header.insert(0, (name("row"), Kind::Integer));
    let mut writer = match path {
        Some(path) => Writer::for_path(path, Vec::new(), header, false)?,
        None => Writer::new(Format::Csv, Compression::None, Vec::new(), header, false)?,
    };
    for Parted { rows, id, parts } in &parts.batches {
        let words = Coded::from_strings(parts.iter().map(|part| Some(part.word())));
        let (row, part) = (Column::Integer(rows.clone()), Column::Category(words));
        let columns: Vec<&Column> = std::iter::once(&row).chain(id).chain([&part]).collect();
        writer.write(&columns, &[])?;
    }
    Ok(writer.finish()?)
}
