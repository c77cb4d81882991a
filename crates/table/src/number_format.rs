//! Numbers that are written for people, such as `1.234,56 €`.

use std::ops::Range;

use evenstep_exact::number::parse_number;

/// How numbers are written, shown by example: how a column writes 1234.56 — with or without a sign for thousands, and with
/// what stands before and after, which a cell may leave out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct NumberFormat {
    before: Box<str>,
    thousands: Option<char>,
    point: char,
    after: Box<str>,
}

impl NumberFormat {
    /// Reads an example.
    ///
    /// # Errors
    /// One that isn't 1234.56, in words.
    pub(crate) fn parse(example: &str) -> Result<NumberFormat, String> {
        let wrong = || format!("`{example}` doesn't show how 1234.56 is written");
        let Range { start, end } = digits(example).ok_or_else(wrong)?;
        let number = &example[start..end];
        let (whole, after_point) = number.split_at(number.len() - 2);
        let point = whole.chars().next_back().filter(|c| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let whole = &whole[..whole.len() - point.len_utf8()];
        let thousands = match whole.strip_prefix('1').and_then(|rest| rest.strip_suffix("234")) {
            Some("") => None,
            Some(sign) if sign.chars().count() == 1 => sign.chars().next(),
            _ => return Err(wrong()),
        };
        let is_sign = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '(' | ')');
        if after_point != "56" || !is_sign(point) || thousands.is_some_and(|sign| !is_sign(sign) || sign == point) {
            return Err(wrong());
        }
        let of = |part: &str| Box::from(part.trim());
        Ok(NumberFormat { before: of(&example[..start]), thousands, point, after: of(&example[end..]) })
    }

    /// The cell as every program writes it: `-1.234,50 €` is `-1234.50`, and so is what stands in brackets, as accountants
    /// write what is below zero, and with its sign behind; `,5` is `0.5`, and `€ -` is 0, as spreadsheets write it.
    /// None if thousands are told apart elsewise.
    pub(crate) fn plain(&self, cell: &str) -> Option<String> {
        let text = cell.trim();
        if self.point == '.' && parse_number(text).is_some() {
            return Some(text.to_owned());
        }
        let mut signs = String::new();
        let text = match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
            Some(text) => {
                signs.push('(');
                text.trim()
            }
            None => text,
        };
        let text = signed(text, &mut signs);
        let without = text.strip_prefix(&*self.before).unwrap_or(text).trim_start();
        let without = signed_behind(signed(without, &mut signs), &mut signs);
        let without = without.strip_suffix(&*self.after).unwrap_or(without).trim_end();
        let has_unit = without.len() < text.len();
        let text = signed_behind(without, &mut signs);
        let (whole, part) = match text.split_once(self.point) {
            Some((whole, part)) => (whole, Some(part)),
            None => (text, None),
        };
        let mut plain = match signs.as_str() {
            "-" if text.is_empty() && has_unit => return Some("0".to_owned()),
            "" | "+" => String::new(),
            "-" | "(" => "-".to_owned(),
            _ => return None,
        };
        fn all_digits(text: &str) -> bool {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
        }
        match self.thousands.filter(|sign| whole.contains(*sign)) {
            None if all_digits(whole) => plain.push_str(whole),
            None if whole.is_empty() && part.is_some_and(all_digits) => plain.push('0'),
            None => return None,
            Some(sign) => {
                for (at, group) in whole.split(sign).enumerate() {
                    // What begins with 0 has no thousands: `0.847` is less than 1, however numbers are written.
                    let fits = if at == 0 {
                        (1..=3).contains(&group.len()) && !group.starts_with('0')
                    } else {
                        group.len() == 3
                    };
                    if !fits || !all_digits(group) {
                        return None;
                    }
                    plain.push_str(group);
                }
            }
        }
        if let Some(part) = part.filter(|part| !part.is_empty()) {
            if !all_digits(part) {
                return None;
            }
            plain.push('.');
            plain.push_str(part);
        }
        Some(plain)
    }
}

/// The text without the sign before it.
fn signed<'a>(text: &'a str, signs: &mut String) -> &'a str {
    let Some(sign @ ('+' | '-' | '−')) = text.chars().next() else { return text };
    signs.push(if sign == '+' { '+' } else { '-' });
    text[sign.len_utf8()..].trim_start()
}

/// The text without the minus behind it.
fn signed_behind<'a>(text: &'a str, signs: &mut String) -> &'a str {
    let Some(rest) = text.strip_suffix('-') else { return text };
    signs.push('-');
    rest.trim_end()
}

/// From the first digit to the last.
pub(crate) fn digits_of(text: &str) -> Option<Range<usize>> {
    let is_digit = |c: char| c.is_ascii_digit();
    Some(text.find(is_digit)?..text.rfind(is_digit)? + 1)
}

/// From the first digit to the last, if two digits end it.
fn digits(text: &str) -> Option<Range<usize>> {
    let found = digits_of(text)?;
    (found.len() > 2 && text.is_char_boundary(found.end - 2)).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_example_shows() {
        let check = |example: &str, cells: &[(&str, Option<&str>)]| {
            let format = NumberFormat::parse(example).expect(example);
            for (cell, plain) in cells {
                assert_eq!(format.plain(cell).as_deref(), *plain, "{cell} as {example}");
            }
        };
        check(
            "1.234,56 €",
            &[
                ("1.234,56 €", Some("1234.56")),
                ("-1.234,5€", Some("-1234.5")),
                ("−12", Some("-12")),
                ("1.234.567", Some("1234567")),
                ("1234567,8", Some("1234567.8")),
                // A point that tells no thousands apart may be one of a number that is written elsewise.
                ("1.5", None),
                ("1234.567", None),
                ("1,5,6", None),
                ("1e5", None),
                ("€", None),
                ("12,50- €", Some("-12.50")),
                ("12,50 €-", Some("-12.50")),
                ("-12,50-", None),
                ("- €", Some("0")),
                ("-", None),
                ("( €)", None),
                ("", None),
                ("- -1", None),
                (",5", Some("0.5")),
                ("0.847", None),
                ("0.847,5", None),
                ("5,", Some("5")),
            ],
        );
        check(
            "$1,234.56",
            &[
                ("$75,900", Some("75900")),
                ("-$1.50", Some("-1.50")),
                ("$-1.50", Some("-1.50")),
                ("($855)", Some("-855")),
                ("(-855)", None),
                ("$ -", Some("0")),
                ("-", None),
                ("1,5", None),
                ("£5", None),
            ],
        );
        check("1234.56%", &[("25%", Some("25")), ("12.5 %", Some("12.5")), ("1,234", None)]);
        check("1 234,56", &[("12 345", Some("12345")), ("12 34", None)]);
        check("1'234.56", &[("1'000'000", Some("1000000"))]);
        check("1\u{a0}234,56", &[("1\u{a0}234,5", Some("1234.5"))]);
    }

    #[test]
    fn what_shows_no_number_is_refused() {
        for example in
            ["", "%d", "1", "12", "1234", "1.234.56", "1,234,56", "1234,5", "12,34.56", "1e234.56", "56", "é5"]
        {
            assert!(NumberFormat::parse(example).is_err(), "{example}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_is_no_panic(example: String, cell: String) {
            if let Ok(format) = NumberFormat::parse(&example) {
                let _ = format.plain(&cell);
            }
            let _ = NumberFormat::parse("1.234,56 €").map(|format| format.plain(&cell));
        }
    }

    #[test]
    fn a_decimal_of_a_file_with_types_is_read_as_it_is() {
        use std::sync::Arc;

        use crate::build::{ColumnBuilder, Strictness, Value};
        use crate::{Column, Kind, Rule};

        let rule = Rule { format: Some("1.234,56".into()), ..Rule::new(Kind::Number) };
        let mut column = ColumnBuilder::new(&rule, Arc::default(), Strictness::File);
        column.push(Value::Decimal("1.234"));
        column.push(Value::Text("1.234"));
        let Column::Number(cells) = column.finish().column else { panic!("numbers") };
        assert_eq!(cells[..], [1.234, 1234.0]);
    }
}
