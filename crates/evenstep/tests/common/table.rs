//! The values of an example's file, to be written otherwise.

use std::collections::BTreeMap;
use std::fs::File;

use evenstep_exact::reduce::Workers;
use evenstep_source::write::Writer;
use evenstep_source::{Reading, Source};
use evenstep_table::{Column, ColumnName, Contract, Kind};
use serde_json::{Map, Value};

use super::Project;

/// The lines in another order, the same on every run.
pub(crate) fn shuffled(lines: &[String]) -> Vec<String> {
    let mut keyed: Vec<(u64, &String)> =
        lines.iter().enumerate().map(|(n, line)| ((n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15), line)).collect();
    keyed.sort();
    keyed.into_iter().map(|(_, line)| line.clone()).collect()
}

/// Writes an example's values in formats that have types, as they are inferred from its text.
pub(crate) struct Typed {
    reading: Reading,
    header: Vec<(ColumnName, Kind)>,
}

impl Typed {
    pub(crate) fn of(project: &Project, data: &str) -> Typed {
        let missing = ["", "NA"].map(str::to_owned).to_vec();
        let source = Source::open(data, &project.path("")).expect("it is there");
        let inferred = source.infer(&missing, &Workers::threads(2), &|_| ()).expect("it is a table");
        let columns =
            Contract::resolve(&BTreeMap::new(), &inferred.columns, None).expect("every type is known").columns;
        let header = columns.iter().map(|(name, rule)| (name.clone(), rule.kind)).collect();
        Typed { reading: Reading { missing, columns, ..Reading::default() }, header }
    }

    pub(crate) fn write(&self, project: &Project, from: &str, to: &str) {
        let source = Source::open(from, &project.path("")).expect("it is there");
        let read = source.read(&self.reading, &Workers::threads(2), &|_| ()).expect("it reads as it was inferred");
        let path = project.path(to);
        let file = File::create(&path).expect("the folder is ours");
        let mut writer = Writer::for_path(&path, file, self.header.clone(), false).expect("a format that is known");
        for batch in &read.batches {
            let cells: Vec<&Column> = self.header.iter().map(|(name, _)| batch.column(name)).collect();
            writer.write(&cells, &[]).expect("the disk takes it");
        }
        writer.finish().expect("the disk takes it");
    }
}

/// A CSV file's cells, for tests that write them differently.
pub(crate) struct Table {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn read(text: &str) -> Table {
        let mut rows = text.lines().map(cells);
        Table { names: rows.next().expect("a header"), rows: rows.collect() }
    }

    pub(crate) fn reversed_csv(&self) -> String {
        let line = |cells: &Vec<String>| {
            let cells: Vec<String> =
                cells.iter().rev().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            cells.join(",") + "\n"
        };
        std::iter::once(&self.names).chain(&self.rows).map(line).collect()
    }

    pub(crate) fn json_lines(&self) -> String {
        let object = |cells: &Vec<String>| {
            let fields = self.names.iter().zip(cells).map(|(name, cell)| (name.clone(), typed(cell)));
            Value::Object(fields.collect()).to_string() + "\n"
        };
        self.rows.iter().map(object).collect()
    }

    /// The rows as requests: only what the contract knows, each cell as its type.
    pub(crate) fn requests(&self, properties: &Map<String, Value>) -> Vec<Map<String, Value>> {
        let request = |cells: &Vec<String>| {
            let fields = self.names.iter().zip(cells).filter_map(|(name, cell)| {
                let kind = &properties.get(name)?["type"];
                let is_text = kind == "string" || kind[0] == "string";
                let value = if cell.is_empty() || cell == "NA" {
                    Value::Null
                } else if is_text {
                    cell.clone().into()
                } else {
                    typed(cell)
                };
                Some((name.clone(), value))
            });
            fields.collect()
        };
        self.rows.iter().map(request).collect()
    }
}

fn typed(cell: &str) -> Value {
    if cell.is_empty() || cell == "NA" {
        return Value::Null;
    }
    let leading_zero = cell.len() > 1 && cell.starts_with('0') && !cell.starts_with("0.");
    let number = (!leading_zero).then(|| serde_json::from_str::<serde_json::Number>(cell).ok()).flatten();
    number.map_or_else(|| Value::String(cell.to_owned()), Value::Number)
}

/// The cells of a line; the examples have no line breaks within cells.
pub(crate) fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    cells.push(cell);
    cells
}
