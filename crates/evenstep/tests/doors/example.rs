//! An example's rows, in every format.

use evenstep_source::format::{Compression, Format};
use evenstep_source::write::Writer;
use evenstep_table::{Coded, Column, ColumnName, Kind};
use serde_json::{Map, Value, json};

use crate::client::Server;
use crate::common::table::Table;
use crate::common::{Project, data_of};

type Row = Map<String, Value>;

/// An example's rows by several doors, its score file, and its server.
pub(crate) struct Example {
    pub(crate) server: Server,
    pub(crate) bundle: Vec<u8>,
    pub(crate) rows: Vec<Row>,
    pub(crate) kinds: Vec<(String, Kind)>,
    /// Lines of the score file, without what tells the rows apart.
    pub(crate) scored: Vec<Value>,
}

impl Example {
    pub(crate) fn titanic() -> Example {
        let project = Project::example("titanic");
        project.run(&["train", "--quiet"]).ok();
        let data = data_of("titanic");
        project.run(&["score", "titanic.evenstep", "--input", &data, "--output", "all.jsonl", "--quiet"]).ok();
        let lines = project.read("all.jsonl");
        let scored: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let server = Server::start(&project, "titanic.evenstep");
        let document = server.get("/openapi.json").ok().json();
        let properties = document["components"]["schemas"]["Row"]["properties"].as_object().expect("fields").clone();
        let rows = Table::read(&project.read(&data)).requests(&properties);
        let kind = |property: &Value| match property["type"].as_str().or(property["type"][0].as_str()) {
            Some("number") => Kind::Number,
            Some("integer") => Kind::Integer,
            _ => Kind::Category,
        };
        let kinds = properties.iter().map(|(name, property)| (name.clone(), kind(property))).collect();
        let bundle = std::fs::read(project.path("titanic.evenstep")).expect("a bundle");
        // A server holds its bundle in memory: the folder may go.
        Example { server, bundle, rows, kinds, scored }
    }

    pub(crate) fn column(&self, name: &str) -> Vec<Value> {
        self.rows.iter().map(|row| row.get(name).cloned().unwrap_or(Value::Null)).collect()
    }

    pub(crate) fn columns(&self) -> Row {
        self.kinds.iter().map(|(name, _)| (name.clone(), Value::Array(self.column(name)))).collect()
    }

    pub(crate) fn csv(&self) -> String {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let names: Vec<String> = self.kinds.iter().map(|(name, _)| quoted(name)).collect();
        let cell = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => quoted(text),
            value => value.to_string(),
        };
        let line = |row: &Row| self.kinds.iter().map(|(name, _)| cell(&row[name])).collect::<Vec<_>>().join(",");
        let lines: Vec<String> = std::iter::once(names.join(",")).chain(self.rows.iter().map(line)).collect();
        lines.join("\n")
    }

    /// All rows, as a stream of Arrow and as Parquet.
    pub(crate) fn binary(&self) -> [Vec<u8>; 2] {
        let header = self.kinds.iter().map(|(name, kind)| (ColumnName::new(name).expect("a name"), *kind)).collect();
        let columns: Vec<Column> = self.kinds.iter().map(|(name, kind)| column(*kind, &self.column(name))).collect();
        binary(header, &columns)
    }

    /// The tensors of all columns, and the bytes of those that are numbers.
    pub(crate) fn tensors(&self, binary: bool) -> (Vec<Value>, Vec<u8>) {
        let mut bytes = Vec::new();
        let tensor = |(name, kind): &(String, Kind)| {
            let cells = self.column(name);
            let datatype = if *kind == Kind::Category { "BYTES" } else { "FP64" };
            let mut tensor = json!({ "name": name, "shape": [cells.len(), 1], "datatype": datatype });
            if binary && datatype == "FP64" {
                // A null is NaN.
                cells.iter().for_each(|cell| bytes.extend(cell.as_f64().unwrap_or(f64::NAN).to_le_bytes()));
                tensor["parameters"] = json!({ "binary_data_size": cells.len() * 8 });
            } else {
                tensor["data"] = cells.into();
            }
            tensor
        };
        (self.kinds.iter().rev().map(tensor).collect(), bytes)
    }

    /// Compares an answer with the score file by bits.
    pub(crate) fn check(&self, door: &str, answers: &[Value], cell: impl Fn(&Value, &str) -> Value) {
        assert_eq!(answers.len(), self.scored.len(), "{door}");
        for (row, (answer, scored)) in answers.iter().zip(&self.scored).enumerate() {
            for name in ["prediction", "probability_0", "probability_1"] {
                let (found, expected) = (cell(answer, name), &scored[name]);
                let same = match (found.as_f64(), expected.as_f64()) {
                    (Some(a), Some(b)) => a.to_bits() == b.to_bits(),
                    _ => found == *expected,
                };
                assert!(same, "{door}, row {row}: {name} is {found}, expected {expected}");
            }
        }
    }
}

/// Columns as a stream of Arrow and as Parquet.
pub(crate) fn binary(header: Vec<(ColumnName, Kind)>, columns: &[Column]) -> [Vec<u8>; 2] {
    let stream = Writer::arrow_stream(Vec::new(), header.clone(), false);
    let file = Writer::new(Format::Parquet, Compression::None, Vec::new(), header, false);
    [stream, file].map(|writer| {
        let mut writer = writer.expect("a start");
        writer.write(&columns.iter().collect::<Vec<_>>(), &[]).expect("rows");
        writer.finish().expect("an end")
    })
}

pub(crate) fn column(kind: Kind, cells: &[Value]) -> Column {
    match kind {
        Kind::Number => Column::Number(cells.iter().map(|cell| cell.as_f64().unwrap_or(f64::NAN)).collect()),
        Kind::Integer => {
            Column::Integer(cells.iter().map(|cell| cell.as_i64().unwrap_or(evenstep_table::NULL_INTEGER)).collect())
        }
        _ => Column::Category(Coded::from_strings(cells.iter().map(Value::as_str))),
    }
}

pub(crate) fn small_binary() -> [Vec<u8>; 2] {
    let name = |name| ColumnName::new(name).expect("a name");
    let columns = [Column::Integer(vec![1, 2, 3]), Column::Number(vec![0.5, f64::NAN, 2.5])];
    binary(vec![(name("x"), Kind::Integer), (name("z"), Kind::Number)], &columns)
}
