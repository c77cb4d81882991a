//! Protocol Buffers: messages for rows and predictions, to be sent through whatever carries messages.

use std::collections::BTreeSet;

use evenstep_pipeline::Interface;
use evenstep_table::Kind;
use sha2::{Digest, Sha256};

use super::{fields, literal, one_line};

/// Field numbers go up to here, and those of a range in between are the library's own.
const NUMBER_MAX: u32 = (1 << 29) - 1;
const RESERVED: std::ops::RangeInclusive<u32> = 19_000..=19_999;

/// The messages of an interface.
pub fn proto(interface: &Interface) -> String {
    let (fields, mut taken) = (fields(interface), BTreeSet::new());
    let numbered: Vec<(&str, u32)> =
        fields.iter().map(|field| (field.name.as_str(), number(field.name.as_str(), &mut taken))).collect();
    let lines = fields.iter().zip(identifiers(&numbered)).zip(&numbered).map(|((field, name), (_, number))| {
        let kind = match field.kind {
            Kind::Number => "double",
            Kind::Integer => "int64",
            Kind::Boolean => "bool",
            _ => "string",
        };
        // The compiler takes no name in brackets, which stand for extensions.
        let is_bracketed = field.name.as_str().starts_with('[') && field.name.as_str().ends_with(']');
        let json = match is_bracketed {
            true => String::new(),
            false => format!(" [json_name = {}]", literal(field.name.as_str())),
        };
        let required = if field.is_required { "required" } else { "may be left out" };
        let note = if field.note.is_empty() { String::new() } else { format!(", {}", field.note) };
        format!("  // {required}{note}\n  optional {kind} {name} = {number}{json};\n")
    });
    let rows: String = lines.collect();
    let prediction = if interface.task.classes().is_empty() { "double" } else { "string" };
    let probability = if interface.task.classes().is_empty() {
        String::new()
    } else {
        "  // Of each class.\n  map<string, double> probability = 3;\n".to_owned()
    };
    format!(
        r#"// Rows and predictions of {name}: written by `evenstep contract` from contract
// {digest}.
// A field's number comes from its name, so that a field that is added or taken away moves no other.
//
// For whatever carries messages between programs of one's own: no route of the server takes them, nor their JSON, which
// writes int64 as text. `POST /predict` takes rows as JSON by their names, with numbers as numbers: `[{{"name": 1}}]`.
syntax = "proto3";

package evenstep.{package};

import "google/protobuf/struct.proto";

// A row to predict for.
message Row {{
{rows}}}

message PredictRequest {{
  repeated Row rows = 1;
}}

message PredictResponse {{
  string model = 1;
  string version = 2;
  string digest = 3;
  repeated Prediction predictions = 4;
}}

message Prediction {{
  // The row's id if it was sent, else its number.
  google.protobuf.Value id = 1;
  // None where the contract or the model gives none.
  optional {prediction} prediction = 2;
{probability}  repeated Flag flags = 4;
}}

// A rule of the contract that the row breaks without being refused.
message Flag {{
  string field = 1;
  string rule = 2;
}}
"#,
        name = one_line(&interface.name),
        digest = interface.digest(),
        package = identifier(&interface.name),
    )
}

/// Small letters, digits and underscores, beginning with a letter.
fn identifier(name: &str) -> String {
    let mut written = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() && before.is_ascii_lowercase() {
            written.push('_');
        }
        written.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
        before = c;
    }
    if written.starts_with(|c: char| c.is_ascii_alphabetic()) {
        written
    } else {
        format!("f_{}", written.trim_start_matches('_'))
    }
}

/// The identifier of each field, with its number behind it if another has one that JSON writes alike: `x_1` is `x1` there. A field
/// that is called as its identifier comes before those that aren't.
fn identifiers(fields: &[(&str, u32)]) -> Vec<String> {
    let mut identifiers: Vec<String> = fields.iter().map(|(name, _)| identifier(name)).collect();
    let mut order: Vec<usize> = (0..fields.len()).collect();
    order.sort_by_key(|at| identifiers[*at] != fields[*at].0);
    let mut taken = BTreeSet::new();
    for at in order {
        let identifier = &mut identifiers[at];
        if !taken.insert(identifier.replace('_', "")) {
            *identifier = format!("{identifier}_{}", fields[at].1);
            taken.insert(identifier.replace('_', ""));
        }
    }
    identifiers
}

/// A number that depends on the name alone; by another hash of it, should two names have one.
fn number(name: &str, taken: &mut BTreeSet<u32>) -> u32 {
    let hashed = |salt: u32| {
        let digest = Sha256::new().chain_update(salt.to_le_bytes()).chain_update(name).finalize();
        u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]) % NUMBER_MAX + 1
    };
    let free = |number: &u32| !RESERVED.contains(number) && !taken.contains(number);
    let number = (0..).map(hashed).find(free).expect("there are more numbers than columns");
    taken.insert(number);
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_identifiers_and_numbers_stay() {
        for (name, expected) in [
            ("Lot.Frontage", "lot_frontage"),
            ("PClass", "pclass"),
            ("roomArea", "room_area"),
            ("2nd Floor", "f_2nd_floor"),
            ("é", "f_"),
            ("_x", "f_x"),
        ] {
            assert_eq!(identifier(name), expected);
        }
        for (names, expected) in [
            (["x1", "x_1", "y"], ["x1", "x_1_8", "y"]),
            (["PM2.5", "PM25", "k"], ["pm2_5", "pm25_8", "k"]),
            (["A-B", "a_b", "aB"], ["a_b_7", "a_b", "a_b_9"]),
        ] {
            let fields: Vec<(&str, u32)> = names.into_iter().zip(7..).collect();
            assert_eq!(identifiers(&fields), expected);
        }
        let of = |names: &[&str]| {
            let mut taken = BTreeSet::new();
            names.iter().map(|name| number(name, &mut taken)).collect::<Vec<_>>()
        };
        let (few, more) = (of(&["a", "c"]), of(&["a", "b", "c"]));
        assert_eq!([few[0], few[1]], [more[0], more[2]]);
        assert!(more.iter().all(|number| (1..=NUMBER_MAX).contains(number)));
    }
}
