//! A client in TypeScript, of one file, with nothing beyond `fetch`.

use std::fmt::Write;

use evenstep_pipeline::Interface;
use evenstep_table::Kind;

use super::{Field, fields, filled, literal, one_line};

const CLIENT: &str = include_str!("client.ts");

/// The client of an interface.
pub fn typescript(interface: &Interface) -> String {
    let rows: String = fields(interface).iter().map(line).collect();
    let classes = interface.task.classes();
    let prediction = if classes.is_empty() {
        "number".to_owned()
    } else {
        classes.iter().map(|class| literal(class)).collect::<Vec<_>>().join(" | ")
    };
    let places = [
        ("NAME", one_line(&interface.name)),
        ("\"DIGEST\"", literal(&interface.digest())),
        ("\"MODEL\"", literal(&interface.name)),
        ("type Value = number", format!("type Value = {prediction}")),
        ("  // ROW\n", rows),
    ];
    filled(CLIENT, &places)
}

fn line(field: &Field<'_>) -> String {
    let kind = match field.kind {
        Kind::Number | Kind::Integer => "number",
        Kind::Boolean => "boolean",
        _ => "string",
    };
    let mut line = String::new();
    if !field.note.is_empty() {
        writeln!(line, "  /** {} */", field.note).expect("a string takes what is written");
    }
    let (optional, null) = (if field.is_required { "" } else { "?" }, if field.is_nullable { " | null" } else { "" });
    writeln!(line, "  {}{optional}: {kind}{null};", literal(field.name.as_str()))
        .expect("a string takes what is written");
    line
}
