//! The texts of a column that are no numbers, no dates in ISO 8601 and no truth values, counted.

use std::collections::BTreeMap;

use evenstep_table::Coded;
use evenstep_table::infer::{Reads, reads};

/// So many different texts are counted.
const COUNTED: usize = 20_000;
/// So many are shown.
const SHOWN: usize = 3;

/// The texts of a column that read as nothing better, with the number of their cells.
#[derive(Clone, Debug, Default)]
pub struct Words {
    counts: BTreeMap<Box<str>, u64>,
    /// Cells with other texts, after the first 20,000 different ones.
    others: u64,
}

impl Words {
    /// Sees cells.
    pub fn see(&mut self, coded: &Coded) {
        for (text, count) in coded.values.iter().zip(coded.counts()).filter(|(_, count)| *count > 0) {
            if !matches!(reads(text), Reads::Other | Reads::Formatted | Reads::NotFinite) {
                continue;
            }
            if let Some(known) = self.counts.get_mut(&**text) {
                *known += count;
            } else if self.counts.len() < COUNTED {
                self.counts.insert((&**text).into(), count);
            } else {
                self.others += count;
            }
        }
    }

    /// Takes out what stands for a missing value.
    pub fn leave_out(&mut self, missing: &[String]) {
        self.counts.retain(|text, _| missing.iter().all(|token| **token != **text));
    }

    /// The texts with the number of their cells, in the order of their bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts.iter().map(|(text, count)| (&**text, *count))
    }

    /// How many different texts there are; None if not all of them were counted.
    pub fn distinct(&self) -> Option<usize> {
        (self.others == 0).then_some(self.counts.len())
    }

    /// How many cells they have.
    pub fn cells(&self) -> u64 {
        self.counts.values().sum::<u64>() + self.others
    }

    /// Three of them, the most frequent first, and how many cells have others: for people.
    pub fn shown(&self) -> String {
        shown(self.iter(), self.cells())
    }
}

/// Three of the texts, the most frequent first, and how many cells have others.
pub(crate) fn shown<'a>(texts: impl Iterator<Item = (&'a str, u64)>, cells: u64) -> String {
    let mut texts: Vec<(&str, u64)> = texts.collect();
    texts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    texts.truncate(SHOWN);
    let rest = cells - texts.iter().map(|(_, count)| count).sum::<u64>();
    let one = |(text, count): &(&str, u64)| {
        // A comment is a line.
        let text = evenstep_table::shortened(text).replace(char::is_control, " ");
        if *count == 1 { format!("`{text}`") } else { format!("`{text}` × {count}") }
    };
    let told = texts.iter().map(one).collect::<Vec<_>>().join(", ");
    match rest {
        0 => told,
        1 => format!("{told} and 1 other"),
        rest => format!("{told} and {rest} others"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_no_numbers_are_counted_and_shown() {
        let mut words = Words::default();
        let cells = ["1", ".", "2.5", ".", "2024-01-01", "true", "b", "c", "d", "e", "."];
        words.see(&Coded::from_strings(cells.map(Some)));
        assert_eq!((words.cells(), words.distinct()), (7, Some(5)));
        assert_eq!(words.shown(), "`.` × 3, `b`, `c` and 2 others");
        words.leave_out(&[".".to_owned()]);
        assert_eq!(words.shown(), "`b`, `c`, `d` and 1 other");
    }
}
