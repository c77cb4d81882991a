//! Splits records of delimited text into fields, quotes right, without copying.
//!
//! As RFC 4180, and where that is silent as `csv-core`: a quote opens a field only at its
//! start, one that closes may be followed by more text, and blank lines are no records, unless there is but one column.

/// A field: where its text stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    start: u32,
    /// The length; the highest bit says that the text stands in the scratch.
    length: u32,
}

const IN_SCRATCH: u32 = 1 << 31;

/// What a blank line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Blank {
    /// Nothing.
    Skipped,
    /// A record of one column, whose cell is empty.
    Record,
}

impl Blank {
    /// In a table of so many columns.
    pub(crate) fn of(columns: usize) -> Blank {
        if columns == 1 { Blank::Record } else { Blank::Skipped }
    }
}

/// A block of records being split.
pub(crate) struct Fields<'a> {
    text: &'a str,
    marks: Marks<'a>,
    blank: Blank,
    /// Where the next record starts.
    at: usize,
    started: usize,
    /// Texts of fields that are not as they stand in the file.
    scratch: String,
    stray: Option<Stray>,
}

/// A quote that no writer of CSV leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stray {
    /// Where it stands in the text.
    pub(crate) at: usize,
    /// The position of its field in the record.
    pub(crate) field: usize,
    /// Whether it closes the field, and more text follows; else it stands within a field that has no quotes around it.
    pub(crate) closes: bool,
}

impl<'a> Fields<'a> {
    /// Splits whole records, the last of which ends with a line feed.
    pub(crate) fn new(text: &'a str, delimiter: u8, blank: Blank) -> Fields<'a> {
        debug_assert!(text.is_empty() || text.ends_with('\n'), "blocks hold whole records");
        let marks = Marks::new(text.as_bytes(), delimiter);
        Fields { text, marks, blank, at: 0, started: 0, scratch: String::new(), stray: None }
    }

    /// The text of a field; good until the next `clear`.
    #[inline]
    pub(crate) fn text(&self, span: Span) -> &str {
        let start = span.start as usize;
        if span.length & IN_SCRATCH == 0 {
            &self.text[start..start + span.length as usize]
        } else {
            &self.scratch[start..start + (span.length & !IN_SCRATCH) as usize]
        }
    }

    /// The text that is split.
    pub(crate) fn whole(&self) -> &'a str {
        self.text
    }

    /// Forgets the texts of earlier records.
    pub(crate) fn clear(&mut self) {
        self.scratch.clear();
    }

    /// Where the record starts that was given last.
    pub(crate) fn position(&self) -> usize {
        self.started
    }

    /// The first quote where none may be, in the records so far.
    #[inline]
    pub(crate) fn stray(&self) -> Option<Stray> {
        self.stray
    }

    /// The next record, field by field, as (its position, its text); how many there were.
    /// None at the end.
    #[inline]
    pub(crate) fn record(&mut self, mut field: impl FnMut(usize, Span)) -> Option<usize> {
        let bytes = self.text.as_bytes();
        loop {
            match &bytes[self.at..] {
                [] => return None,
                _ if self.blank == Blank::Record => break,
                [b'\n', ..] => self.at += 1,
                [b'\r', b'\n', ..] => self.at += 2,
                _ => break,
            }
            self.marks.next();
        }
        let mut start = self.at;
        self.started = start;
        let mut fields = 0;
        loop {
            if bytes[start] == b'"' {
                let (span, end) = self.quoted(start, fields);
                field(fields, span);
                fields += 1;
                start = end + 1;
                if bytes[end] == b'\n' {
                    break;
                }
                continue;
            }
            let end = loop {
                let mark = self.marks.next();
                if bytes[mark] != b'"' {
                    break mark;
                }
                self.stray.get_or_insert(Stray { at: mark, field: fields, closes: false });
            };
            if bytes[end] == b'\n' {
                let text_end = if end > start && bytes[end - 1] == b'\r' { end - 1 } else { end };
                field(fields, span(start, text_end));
                fields += 1;
                start = end + 1;
                break;
            }
            field(fields, span(start, end));
            fields += 1;
            start = end + 1;
        }
        self.at = start;
        Some(fields)
    }

    /// A field that starts with a quote, and where the mark stands that ends it.
    #[cold]
    fn quoted(&mut self, start: usize, field: usize) -> (Span, usize) {
        let bytes = self.text.as_bytes();
        let opening = self.marks.next();
        debug_assert_eq!(opening, start);
        let mut doubled = false;
        let closing = loop {
            let mark = self.marks.next();
            if bytes[mark] != b'"' {
                continue;
            }
            if bytes[mark + 1] != b'"' {
                break mark;
            }
            self.marks.next();
            doubled = true;
        };
        let end = loop {
            let mark = self.marks.next();
            if bytes[mark] != b'"' {
                break mark;
            }
        };
        let tail = &self.text[closing + 1..end];
        let tail = if bytes[end] == b'\n' { tail.strip_suffix('\r').unwrap_or(tail) } else { tail };
        if !doubled && tail.is_empty() {
            return (span(start + 1, closing), end);
        }
        if !tail.trim_ascii().is_empty() {
            self.stray.get_or_insert(Stray { at: closing, field, closes: true });
        }
        let from = self.scratch.len();
        self.scratch.push_str(&self.text[start + 1..closing].replace("\"\"", "\""));
        self.scratch.push_str(tail);
        let length = (self.scratch.len() - from) as u32 | IN_SCRATCH;
        (Span { start: from as u32, length }, end)
    }
}

fn span(start: usize, end: usize) -> Span {
    Span { start: start as u32, length: (end - start) as u32 }
}

/// The places of delimiters, quotes and line feeds, found eight bytes at a time.
struct Marks<'a> {
    bytes: &'a [u8],
    delimiter: u64,
    /// A bit for each of the 64 bytes from `base` that is a mark not yet given.
    mask: u64,
    base: usize,
}

impl<'a> Marks<'a> {
    fn new(bytes: &'a [u8], delimiter: u8) -> Marks<'a> {
        let mut marks = Marks { bytes, delimiter: LOW * u64::from(delimiter), mask: 0, base: 0 };
        marks.mask = marks.look(0);
        marks
    }

    /// The next mark. There is one: whoever asks has not seen the last line feed yet.
    #[inline]
    fn next(&mut self) -> usize {
        while self.mask == 0 {
            self.base += 64;
            assert!(self.base < self.bytes.len(), "a block ends with a line feed");
            self.mask = self.look(self.base);
        }
        let place = self.base + self.mask.trailing_zeros() as usize;
        self.mask &= self.mask - 1;
        place
    }

    #[inline]
    fn look(&self, base: usize) -> u64 {
        match self.bytes.get(base..base + 64) {
            Some(bytes) => self.mask_of(bytes.try_into().expect("64 bytes")),
            None => {
                let mut padded = [0; 64];
                let rest = self.bytes.get(base..).unwrap_or_default();
                padded[..rest.len()].copy_from_slice(rest);
                self.mask_of(&padded)
            }
        }
    }

    #[inline]
    fn mask_of(&self, bytes: &[u8; 64]) -> u64 {
        const QUOTE: u64 = LOW * b'"' as u64;
        const FEED: u64 = LOW * b'\n' as u64;
        let mut mask = 0;
        for (index, word) in bytes.as_chunks::<8>().0.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let found = zero_bytes(word ^ self.delimiter) | zero_bytes(word ^ QUOTE) | zero_bytes(word ^ FEED);
            // Gathers the highest bits of eight bytes into one byte.
            let gathered = (found >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
            mask |= gathered << (8 * index);
        }
        mask
    }
}

const LOW: u64 = 0x0101_0101_0101_0101;

/// The highest bit of every byte that is zero, and no other.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    const REST: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    !(((word & REST) + REST) | word | REST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str) -> Vec<Vec<String>> {
        let mut fields = Fields::new(text, b',', Blank::Skipped);
        let mut records = Vec::new();
        loop {
            let mut spans = Vec::new();
            let Some(count) = fields.record(|_, span| spans.push(span)) else { return records };
            assert_eq!(count, spans.len());
            records.push(spans.iter().map(|span| fields.text(*span).to_owned()).collect());
        }
    }

    /// What `csv-core` makes of the same text.
    fn oracle(text: &str) -> Vec<Vec<String>> {
        let mut reader = csv_core::Reader::new();
        let (mut output, mut ends) = (vec![0; text.len() + 16], vec![0; text.len() + 16]);
        let (mut records, mut input) = (Vec::new(), text.as_bytes());
        loop {
            let (result, read, _, count) = reader.read_record(input, &mut output, &mut ends);
            input = &input[read..];
            match result {
                csv_core::ReadRecordResult::InputEmpty => {}
                csv_core::ReadRecordResult::Record => {
                    let starts = std::iter::once(0).chain(ends.iter().copied());
                    let spans = starts.zip(&ends[..count]);
                    let text = |(start, end): (usize, &usize)| String::from_utf8_lossy(&output[start..*end]).into();
                    records.push(spans.map(text).collect());
                }
                csv_core::ReadRecordResult::End => return records,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn quotes_are_right() {
        let check = |text: &str, expected: &[&[&str]]| assert_eq!(split(text), expected, "{text}");
        check("a,b\n", &[&["a", "b"]]);
        check("a,b\r\nc,\r\n", &[&["a", "b"], &["c", ""]]);
        check("\"a,\nb\",c\n", &[&["a,\nb", "c"]]);
        check("\"say \"\"hi\"\"\",\"\"\n", &[&["say \"hi\"", ""]]);
        check("5\" pipe,x\n", &[&["5\" pipe", "x"]]);
        check("\"a\"b,c\r\n", &[&["ab", "c"]]);
        check("\n\na\n\r\n,\n", &[&["a"], &["", ""]]);
        check("é,\"ü\"\n", &[&["é", "ü"]]);
    }

    #[test]
    fn marks_are_found_wherever_they_stand() {
        for place in 0..200 {
            let mut text = "é".repeat(100);
            text.insert(place & !1, ',');
            text.push('\n');
            assert_eq!(split(&text)[0].len(), 2, "{place}");
        }
    }

    proptest! {
        #[test]
        fn fields_are_those_of_csv_core(text in "([a-c\",\n]|\r\n|,\"|\",){0,120}") {
            // A quote that never closes is an error before it comes here.
            let text = format!("{text}\n");
            let expected = oracle(&text);
            let closed = oracle(&format!("{text}z\n")).len() > expected.len();
            prop_assume!(closed);
            prop_assert_eq!(split(&text), expected);
        }
    }
}
