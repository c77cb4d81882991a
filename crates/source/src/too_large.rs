//! Numbers that no float holds, such as `1e400`: JSON may have them, and a cell that is one is only an invalid cell.

use serde_json::{Map, Value as Json};

/// The one member of the object that stands in the place of such a number. No contract takes an object for a cell, so that
/// whoever sends one like it gains nothing.
const MEMBER: &str = "$evenstep::too_large";

/// What rows in JSON have in the place of such a number.
pub fn too_large(number: &str) -> Json {
    Json::Object(Map::from_iter([(MEMBER.to_owned(), number.into())]))
}

/// The number in whose place an object stands; None of any other.
pub fn too_large_in(object: &Map<String, Json>) -> Option<&str> {
    if object.len() == 1 { object.get(MEMBER)?.as_str() } else { None }
}

/// A cell as messages show it.
pub(crate) fn shown(cell: &Json) -> Json {
    match cell.as_object().and_then(too_large_in) {
        Some(number) => number.into(),
        None => cell.clone(),
    }
}
