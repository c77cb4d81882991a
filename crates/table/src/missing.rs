//! Which cells stand for a missing value.

use crate::build::Value;
use crate::iso::{self, Iso};
use crate::number_format::NumberFormat;
use crate::parse;

/// The tokens of `[data] missing`, ready to be asked a million times.
///
/// A token stands for itself, byte for byte. One that is a number, such as `-999`, or a date or time, such as `1900-01-01`, stands
/// for that value however it is written, so that text files and binary ones miss the same cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MissingTokens {
    texts: Vec<Box<str>>,
    numbers: Vec<f64>,
    moments: Vec<Iso>,
    /// Bit n is set when some token has n bytes; bit 63 for all longer ones.
    lengths: u64,
}

impl MissingTokens {
    /// The given tokens.
    pub fn new<S: AsRef<str>>(tokens: &[S]) -> MissingTokens {
        let texts: Vec<Box<str>> = tokens.iter().map(|token| token.as_ref().into()).collect();
        let lengths = texts.iter().fold(0, |lengths, token| lengths | 1 << token.len().min(63));
        let numbers = texts.iter().filter_map(|token| parse::number(token)).collect();
        let moments = texts.iter().filter_map(|token| iso::parse(token)).map(day_of_midnight).collect();
        MissingTokens { texts, numbers, moments, lengths }
    }

    /// Whether the text stands for a missing value.
    #[inline]
    pub fn contains(&self, text: &str) -> bool {
        self.contains_text(text)
            || (self.has_numbers() && parse::number(text).is_some_and(|number| self.contains_number(number)))
            || (!self.moments.is_empty() && iso::parse(text).is_some_and(|moment| self.contains_iso(moment)))
    }

    fn contains_iso(&self, moment: Iso) -> bool {
        self.moments.contains(&day_of_midnight(moment))
    }

    /// Whether the text stands for a missing value where numbers are written in `format`.
    #[inline]
    pub(crate) fn contains_as(&self, text: &str, format: Option<&NumberFormat>) -> bool {
        match format {
            None => self.contains(text),
            Some(format) => {
                self.contains_text(text)
                    || (self.has_numbers() && format.plain(text).is_some_and(|plain| self.contains(&plain)))
            }
        }
    }

    /// Whether the number stands for a missing value.
    #[inline]
    pub fn contains_number(&self, number: f64) -> bool {
        self.numbers.contains(&number)
    }

    /// Whether the date or time of a binary file stands for a missing value.
    #[inline]
    pub(crate) fn contains_moment(&self, value: Value<'_>) -> bool {
        !self.moments.is_empty()
            && match value {
                Value::Date(days) => self.contains_iso(Iso::Date(days)),
                Value::Time(micros) => self.contains_iso(Iso::Time(micros)),
                Value::Civil(micros) => self.contains_iso(Iso::Civil(micros)),
                Value::Instant(micros) => self.contains_iso(Iso::Instant(micros)),
                _ => false,
            }
    }

    #[inline]
    pub(crate) fn has_numbers(&self) -> bool {
        !self.numbers.is_empty()
    }

    #[inline]
    pub(crate) fn contains_text(&self, text: &str) -> bool {
        self.lengths & (1 << text.len().min(63)) != 0
            && (text.is_empty() || self.texts.iter().any(|token| **token == *text))
    }
}

/// A column of days may hold midnights in a binary file.
fn day_of_midnight(moment: Iso) -> Iso {
    match moment {
        Iso::Civil(micros) if micros % iso::DAY == 0 => i32::try_from(micros / iso::DAY).map_or(moment, Iso::Date),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_missing_however_it_is_written() {
        let tokens = MissingTokens::new(&["", "NA", "-999"]);
        for text in ["", "NA", "-999", "-999.0", " -999"] {
            assert!(tokens.contains(text), "{text}");
        }
        for text in [" ", "na", "999", "-99"] {
            assert!(!tokens.contains(text), "{text}");
        }
        assert!(!MissingTokens::new(&["NA"]).contains(""));
    }

    #[test]
    fn a_moment_is_missing_however_it_is_written() {
        let tokens = MissingTokens::new(&["1900-01-01 00:00:00", "00:00"]);
        for text in ["1900-01-01", "1900-01-01T00:00:00", "1900-01-01 00:00:00.000", "00:00:00"] {
            assert!(tokens.contains(text), "{text}");
        }
        let days = -25_567;
        assert!(tokens.contains_moment(Value::Date(days)));
        assert!(tokens.contains_moment(Value::Civil(i64::from(days) * iso::DAY)));
        assert!(!tokens.contains_moment(Value::Instant(i64::from(days) * iso::DAY)));
        assert!(!tokens.contains("1900-01-01T00:00:01") && !tokens.contains("1900-01-01T00:00:00Z"));
    }
}
