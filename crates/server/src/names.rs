//! Names that people give, of keys, models, versions and aliases: they stand in paths, lists and lines of a log as they are.

/// The longest name, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 64;

/// Whether a name has 1 to 64 letters, digits, `-`, `_` or `.`, and isn't only dots, which a path would lose.
pub(crate) fn is_name(name: &str) -> bool {
    let is_plain = name.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c));
    is_plain && (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().any(|c| c != b'.')
}
