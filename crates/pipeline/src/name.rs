//! What a pipeline may be called: files are called like it, and people look at it to tell which is which.

use serde::{Deserialize, Deserializer, de};

/// Checks a name, wherever it comes from.
///
/// # Errors
/// Nothing but dots and blanks, a slash of either kind, a control character, or one that turns the order of letters.
pub(crate) fn check(name: &str) -> Result<(), &'static str> {
    let hides = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if name.trim_matches(['.', ' ']).is_empty() || name.contains(|c| matches!(c, '/' | '\\') || hides(c)) {
        return Err(
            "a pipeline's name is more than dots, and holds no slash, no control character and none that turns the order of letters",
        );
    }
    Ok(())
}

/// Reads one: bundles and contracts come from strangers, too.
///
/// # Errors
/// As [`check`].
pub(crate) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = String::deserialize(from)?;
    check(&name).map_err(de::Error::custom)?;
    Ok(name)
}
