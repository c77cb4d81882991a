//! Numbers as people write them, which no program reads, and the format by which a contract does.

use std::collections::BTreeSet;

use crate::number_format::{NumberFormat, digits_of};

/// How thousands are told apart, and what stands before the fraction: where a number could be read in several of these ways,
/// the first is taken.
const WAYS: [(Option<char>, char); 11] = [
    (Some(','), '.'),
    (Some('.'), ','),
    (Some('\''), '.'),
    (Some('’'), '.'),
    (Some(' '), ','),
    (Some('\u{a0}'), ','),
    (Some('\u{202f}'), ','),
    (Some(' '), '.'),
    (Some('\u{a0}'), '.'),
    (None, '.'),
    (None, ','),
];
/// So many of a hundred cells a format must read.
const FITTING: u64 = 95;

/// How the numbers of a column are written for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// The format, as a contract has it: how 1234.56 is written.
    pub format: String,
    /// Another, by which the numbers are others, if it reads as many cells.
    pub other: Option<String>,
}

/// The format that nearly all of the texts fit, each with its number of cells. Numbers that programs read have none.
pub fn number_format<'a>(texts: impl IntoIterator<Item = (&'a str, u64)>) -> Option<Written> {
    let texts: Vec<(&str, u64)> = texts.into_iter().collect();
    let cells: u64 = texts.iter().map(|(_, count)| count).sum();
    let formatted: Vec<(&str, u64)> = texts.into_iter().filter(|(text, _)| is_formatted(text)).collect();
    if formatted.iter().map(|(_, count)| count).sum::<u64>() * 100 < cells * FITTING {
        return None;
    }
    // Nine digits in groups, all alike, are how telephones are called.
    let is_called = |sign: char| sign.is_whitespace() && formatted.iter().all(|(text, _)| is_telephone(text, sign));
    let around: Vec<(&str, &str)> = formatted.iter().filter_map(|(text, _)| around(text)).collect();
    // Numbers of two units are no numbers of one column.
    let units: BTreeSet<&str> = around.iter().flat_map(|(before, after)| [*before, after.trim_start()]).collect();
    if units.iter().filter(|unit| !unit.is_empty()).count() > 1 {
        return None;
    }
    let before = around.iter().map(|(before, _)| *before).find(|part| !part.is_empty()).unwrap_or_default();
    let after = around.iter().map(|(_, after)| *after).find(|part| !part.is_empty()).unwrap_or_default();
    let fitting = WAYS.into_iter().filter_map(|(thousands, point)| {
        let sign = thousands.map(String::from).unwrap_or_default();
        let example = format!("{before}1{sign}234{point}56{after}");
        let format = NumberFormat::parse(&example).ok()?;
        let fits = |text: &str| format.plain(text).is_some();
        let is_seen =
            |sign: char| !is_called(sign) && formatted.iter().any(|(text, _)| has_thousands(text, sign) && fits(text));
        let count: u64 = formatted.iter().filter(|(text, _)| fits(text)).map(|(_, count)| count).sum();
        (thousands.is_none_or(is_seen) && count > 0 && count * 100 >= cells * FITTING)
            .then_some((count, example, format))
    });
    let mut fitting: Vec<(u64, String, NumberFormat)> = fitting.collect();
    let most = fitting.iter().map(|(count, ..)| *count).max()?;
    fitting.retain(|(count, ..)| *count == most);
    let mut fitting = fitting.into_iter().map(|(_, example, format)| (example, format));
    let (format, first) = fitting.next()?;
    let differs = |other: &NumberFormat| formatted.iter().any(|(text, _)| other.plain(text) != first.plain(text));
    let other = fitting.find(|(_, other)| differs(other)).map(|(example, _)| example);
    Some(Written { format, other })
}

/// Signs of a number, which are none of its unit.
const NO_SIGN: &[char] = &['+', '-', '−', '(', ')', ' ', '.', ','];

/// What stands before a number and after it, without its signs.
fn around(text: &str) -> Option<(&str, &str)> {
    let at = digits_of(text)?;
    Some((text[..at.start].trim_matches(NO_SIGN), text[at.end..].trim_end_matches(NO_SIGN)))
}

/// Whether the text is three groups of three digits.
fn is_telephone(text: &str, sign: char) -> bool {
    let groups: Vec<&str> = text.split(sign).collect();
    groups.len() == 3 && groups.iter().all(|group| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether the sign stands before three digits, as that of thousands does.
fn has_thousands(text: &str, sign: char) -> bool {
    text.match_indices(sign).any(|(at, sign)| {
        let (before, after) = (&text[..at], &text[at + sign.len()..]);
        before.ends_with(|c: char| c.is_ascii_digit()) && after.bytes().take(3).filter(u8::is_ascii_digit).count() == 3
    })
}

/// Whether a text is a number with a comma for its point, digits in groups of three, a currency or a percent sign:
/// `1.234,50 €`, `$1,000`, `12 %`, `3,5`.
pub(crate) fn is_formatted(text: &str) -> bool {
    const SIGNS: &[char] = &['$', '€', '£', '¥', '₹', '%'];
    const GROUPS: [char; 5] = [',', '.', '\'', ' ', '\u{a0}'];
    fn unsigned(text: &str) -> &str {
        text.trim_start_matches(['+', '-', '−']).trim()
    }
    if !text.bytes().any(|byte| byte.is_ascii_digit()) || text.len() > 40 {
        return false;
    }
    let text = text.trim();
    // Accountants set in brackets what is below zero.
    let text = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let bare = unsigned(unsigned(text).trim_matches(SIGNS).trim());
    let (whole, fraction) = match bare.rfind([',', '.']) {
        // What is grouped alone has no fraction: `1,234,567`.
        Some(at) if bare.matches(&bare[at..=at]).count() == 1 => (&bare[..at], &bare[at + 1..]),
        _ => (bare, ""),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let grouped = |by: char| {
        let mut groups = whole.split(by);
        let first = groups.next().unwrap_or_default();
        digits(first) && (1..=3).contains(&first.len()) && groups.all(|group| digits(group) && group.len() == 3)
    };
    digits(fraction) && !bare.is_empty() && (digits(whole) || GROUPS.into_iter().any(grouped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_numbers_are_written_is_seen() {
        let check = |texts: &[&str], format: Option<&str>, other: Option<&str>| {
            let found = number_format(texts.iter().map(|text| (*text, 1)));
            let expected = format.map(|format| Written { format: format.to_owned(), other: other.map(str::to_owned) });
            assert_eq!(found, expected, "{texts:?}");
        };
        check(&["$1,234.50", "$950", "-$12.5", "($3)"], Some("$1,234.56"), None);
        check(&["1.234,50 €", "950,00 €", "12 €"], Some("1.234,56 €"), None);
        check(&["3,5", "12,25"], Some("1234,56"), None);
        check(&["12%", "7%", "7.5%"], Some("1234.56%"), None);
        check(&[".5", "12.", "-.25"], Some("1234.56"), None);
        check(&["12%", "7%"], Some("1234.56%"), None);
        check(&["1 234,5", "12,0"], Some("1 234,56"), None);
        check(&["1'234.50", "17'000"], Some("1'234.56"), None);
        check(&["1,234,567", "1,234"], Some("1,234.56"), None);
        check(&["803.60 €", "$458.73"], None, None);
        check(&["0,102", "-0,082", "1,239"], Some("1234,56"), None);
        check(&["612 345 678", "911 222 333"], None, None);
        check(&["612 345 678", "1 222 333"], Some("1 234,56"), None);
        // One point five, or thousands?
        check(&["1,234", "12,500"], Some("1,234.56"), Some("1234,56"));
        check(&["1.234 €", "2.500 €"], Some("1.234,56 €"), Some("1234.56 €"));
        check(&["1,234.50", "red", "green"], None, None);
        check(&["1,5", "2.5 m", "3"], None, None);
        check(&[], None, None);
    }

    #[test]
    fn numbers_as_people_write_them_are_known() {
        for text in [
            "1,5",
            "-1,5",
            "1.234,50",
            "1.234,50 €",
            "$1,000",
            "-$1,000.25",
            "$-3",
            "12 %",
            "12%",
            "1 234 567",
            "£5",
            "1'000.5",
            "1,234,567",
            "€ 3",
            "($1,200)",
        ] {
            assert!(is_formatted(text), "{text}");
        }
        for text in ["30.12.2024", "10.0.0.1", "1,2,3", "a1", "%", "$", "1-2", "12 34", "1,234,56", "Unit 5", "€"] {
            assert!(!is_formatted(text), "{text}");
        }
    }
}
