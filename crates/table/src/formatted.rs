//! Numbers as people write them, which no program reads, and the format by which a contract does.

use std::collections::BTreeSet;

use crate::number_format::{NumberFormat, digits_of};

/// How thousands are told apart, and what stands before the fraction: where a number could be read in several of these ways,
/// the first is taken.
const WAYS: [(Option<char>, char); 12] = [
    (Some(','), '.'),
    (Some('.'), ','),
    (Some('\''), '.'),
    (Some('’'), '.'),
    (Some(' '), ','),
    (Some('\u{a0}'), ','),
    (Some('\u{202f}'), ','),
    (Some(' '), '.'),
    (Some('\u{a0}'), '.'),
    (Some('\u{202f}'), '.'),
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

/// The format that nearly all of the texts fit, each with its number of cells. Numbers that programs read have none, and
/// `bare` is how many cells beside the texts are such.
pub fn number_format<'a>(texts: impl IntoIterator<Item = (&'a str, u64)>, bare: u64) -> Option<Written> {
    let texts: Vec<(&str, u64)> = texts.into_iter().collect();
    let cells: u64 = texts.iter().map(|(_, count)| count).sum();
    let formatted: Vec<(&str, u64)> = texts.into_iter().filter(|(text, _)| is_written(text)).collect();
    if formatted.iter().map(|(_, count)| count).sum::<u64>() * 100 < cells * FITTING {
        return None;
    }
    // Nine digits in groups, all alike, are how telephones are called.
    let is_called = |sign: char| sign.is_whitespace() && formatted.iter().all(|(text, _)| is_telephone(text, sign));
    let (before, after) = unit_of(&formatted, bare)?;
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

/// What stands before the numbers and after them, as some of them have it. None, if they have two units, or if some have none
/// and may be of another: 800 beside 1.5k.
fn unit_of(texts: &[(&str, u64)], bare: u64) -> Option<(String, String)> {
    let around = || texts.iter().filter_map(|(text, _)| Some((*text, around(text)?)));
    let mut units: BTreeSet<&str> = around().flat_map(|(_, (before, after))| [before, after]).collect();
    units.remove("");
    let is_left_out = bare > 0 || around().any(|(_, parts)| parts == ("", ""));
    if units.len() > 1 || is_left_out && units.iter().any(|unit| is_word(unit)) {
        return None;
    }
    let space = |next: Option<char>| next.filter(|c| c.is_whitespace()).map(String::from).unwrap_or_default();
    let before = around().filter(|(_, (before, _))| !before.is_empty()).find_map(|(text, (before, _))| {
        let (_, rest) = text.split_once(before)?;
        Some(format!("{before}{}", space(rest.chars().next())))
    });
    let after = around().filter(|(_, (_, after))| !after.is_empty()).find_map(|(text, (_, after))| {
        let (rest, _) = text.rsplit_once(after)?;
        Some(format!("{}{after}", space(rest.chars().next_back())))
    });
    Some((before.unwrap_or_default(), after.unwrap_or_default()))
}

/// What stands before a number and after it, without its signs; none of what has no digit.
fn around(text: &str) -> Option<(&str, &str)> {
    let at = digits_of(text)?;
    let is_sign = |c: char| matches!(c, '+' | '-' | '−' | '(' | ')') || c.is_whitespace();
    // A point before digits is theirs, unless it ends a word: `.5`, `Rs. 5`.
    let before = text[..at.start].trim_matches(is_sign);
    let bare = before.trim_end_matches(['.', ',']);
    let before = if bare.ends_with(char::is_alphabetic) { before } else { bare.trim_end_matches(is_sign) };
    Some((before, text[at.end..].trim_start_matches(['.', ',']).trim_matches(is_sign)))
}

/// Whether a text is a number as people write it, with whatever unit; or no money, as spreadsheets write it: `$ -`.
fn is_written(text: &str) -> bool {
    let Some((before, after)) = around(text) else { return is_no_money(text) };
    let signs = |unit: &str| unit.chars().all(|c| SIGNS.contains(&c));
    let is_number = || {
        let number = &text[digits_of(text).expect("it has digits")];
        // What begins with zeros is a code.
        let is_code = number.len() > 1 && number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit());
        !is_code && is_formatted(number)
    };
    is_formatted(text)
        || (signs(before) || CURRENCIES.contains(&before)) && (signs(after) || is_unit(after)) && is_number()
}

/// Whether a text is a number with signs around it, whether or not a format reads it: `₹1,23,456`, `1.2M`, `5‰`.
pub fn is_signed(text: &str) -> bool {
    let is_digits = |c: char| c.is_ascii_digit() || c.is_whitespace() || matches!(c, '.' | ',' | '\'' | '’');
    let (Some(at), Some((before, after))) = (digits_of(text), around(text)) else { return false };
    let is_sign =
        |unit: &str| !unit.is_empty() && unit.chars().count() <= 2 && !unit.contains(|c: char| c.is_alphanumeric());
    let is_before = is_sign(before) || CURRENCIES.contains(&before);
    let is_after = is_sign(after) || MULTIPLES.contains(&after);
    text[at].chars().all(is_digits)
        && (is_before && after.is_empty() || before.is_empty() && is_after || is_before && is_after)
}

/// What stands behind a number for a thousand, a million and more.
const MULTIPLES: [&str; 8] = ["k", "K", "m", "M", "mn", "b", "B", "bn"];

/// Signs of currencies and of hundredths, which may be left out.
const SIGNS: &[char] = &['$', '€', '£', '¥', '₹', '%'];
/// What else stands before an amount: no other word does, since those before numbers name places, rooms and models.
const CURRENCIES: [&str; 39] = [
    "A$", "AED", "ARS", "AUD", "BRL", "C$", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EUR", "Fr.", "GBP",
    "HKD", "HUF", "IDR", "ILS", "INR", "JPY", "KRW", "Kr", "MXN", "NOK", "NZD", "PLN", "R$", "RUB", "Rs", "Rs.", "S$",
    "SEK", "SGD", "TRY", "US$", "USD", "kr",
];
/// No unit is longer.
const LONGEST_UNIT: usize = 16;

/// Whether the text may be the unit of the number before it: `km`, `mg/dL`, `sq ft`.
fn is_unit(text: &str) -> bool {
    let is_sign = |c: char| matches!(c, '/' | '%' | '°' | '²' | '³' | '.' | '·' | '$' | ' ') || c.is_alphabetic();
    text.contains(char::is_alphabetic) && text.chars().count() <= LONGEST_UNIT && text.chars().all(is_sign)
}

/// Whether a unit is a word, without which a number may be one of something else.
fn is_word(unit: &str) -> bool {
    unit.contains(char::is_alphabetic) && !CURRENCIES.contains(&unit)
}

/// Whether the text is what spreadsheets show of no money.
fn is_no_money(text: &str) -> bool {
    let bare = text.trim_matches(|c: char| c.is_whitespace() || SIGNS.contains(&c));
    bare == "-" && text.contains(SIGNS)
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
    const GROUPS: [char; 7] = [',', '.', '\'', '’', ' ', '\u{a0}', '\u{202f}'];
    fn unsigned(text: &str) -> &str {
        let text = text.trim();
        // Some set the sign behind: `12.50-`.
        text.strip_suffix('-').unwrap_or(text.trim_start_matches(['+', '-', '−'])).trim()
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
            let found = number_format(texts.iter().map(|text| (*text, 1)), 0);
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
        check(&["12 km", "7.5 km"], Some("1234.56 km"), None);
        check(&["26.6km/kg", "998km/kg"], Some("1234.56km/kg"), None);
        check(&["CHF 1'200", "CHF 950"], Some("CHF 1'234.56"), None);
        check(&["Rs. 1,200", "950"], Some("Rs. 1,234.56"), Some("Rs. 1234,56"));
        check(&["803.60 USD", "1,003.5 USD"], Some("1,234.56 USD"), None);
        check(&["1 000 kr", "2,5 kr"], Some("1 234,56 kr"), None);
        check(&["R$ 1.234,50", "R$ 3"], Some("R$ 1.234,56"), None);
        check(&[" $ 1,234.50 ", " $ -   ", "$3"], Some("$ 1,234.56"), None);
        check(&["12.50-", "3.00"], Some("1234.56"), None);
        check(&["1\u{202f}234,5", "7"], Some("1\u{202f}234,56"), None);
        // Another unit, or none; codes, ordinals, and what a number is one of.
        check(&["1.5 km", "800 m"], None, None);
        check(&["1.5k", "800"], None, None);
        check(&["007 A", "012 A"], None, None);
        check(&["1st", "2nd", "3rd"], None, None);
        check(&["Room 12", "Room 7"], None, None);
        check(&["FL 33101", "FL 33012"], None, None);
        check(&[], None, None);
    }

    #[test]
    fn numbers_with_signs_are_known_whatever_reads_them() {
        for text in ["₹1,23,456", "1.2M", "5‰", "$1.2k", "$1,200", "5 °", "- 3 ‰", "Rs. 1,23,456"] {
            assert!(is_signed(text), "{text}");
        }
        for text in ["1,234", "12A", "A12", "C-17", "1-2", "5 km", "Room 7", "2024-01-01", "(555) 123-4567", "%", ""] {
            assert!(!is_signed(text), "{text}");
        }
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
            "12.50-",
            "12,5 €-",
            "1\u{202f}234",
        ] {
            assert!(is_formatted(text), "{text}");
        }
        for text in ["30.12.2024", "10.0.0.1", "1,2,3", "a1", "%", "$", "1-2", "12 34", "1,234,56", "Unit 5", "€"] {
            assert!(!is_formatted(text), "{text}");
        }
    }
}
