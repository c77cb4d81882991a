//! A client in Python, of one file, with nothing beyond its standard library.

use std::fmt::Write;

use evenstep_pipeline::Interface;
use evenstep_table::Kind;

use super::{Field, fields, filled, literal, one_line};

const CLIENT: &str = include_str!("client.py");

/// The client of an interface.
pub fn python(interface: &Interface) -> String {
    let fields = fields(interface);
    let of =
        |required: bool| fields.iter().filter(move |field| field.is_required == required).map(line).collect::<String>();
    let classes = interface.task.classes();
    let prediction = if classes.is_empty() {
        "float".to_owned()
    } else {
        let classes: Vec<String> = classes.iter().map(|class| literal(class)).collect();
        format!("Literal[{}]", classes.join(", "))
    };
    let places = [
        ("NAME", one_line(&interface.name).replace(['\\', '"'], "")),
        ("\"DIGEST\"", literal(&interface.digest())),
        ("\"MODEL\"", literal(&interface.name)),
        ("PREDICTION = float", format!("PREDICTION = {prediction}")),
        ("    # REQUIRED\n", of(true)),
        ("    # OPTIONAL\n", of(false)),
    ];
    filled(CLIENT, &places)
}

fn line(field: &Field<'_>) -> String {
    let kind = match field.kind {
        Kind::Number => "float",
        Kind::Integer => "int",
        Kind::Boolean => "bool",
        _ => "str",
    };
    let kind = if field.is_nullable { format!("Optional[{kind}]") } else { kind.to_owned() };
    let mut line = format!("    {}: {kind},", literal(field.name.as_str()));
    if !field.note.is_empty() {
        write!(line, "  # {}", field.note).expect("a string takes what is written");
    }
    line + "\n"
}
