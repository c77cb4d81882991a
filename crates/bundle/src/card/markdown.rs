//! Markdown as the card writes it: a few shapes, and texts of strangers that stay texts.

use std::borrow::Cow;

use evenstep_exact::number::print_number;

/// So many digits of a number are shown.
const DIGITS: usize = 5;
/// From here on, numbers have no digits after the point.
const WHOLE: f64 = 1e5;

/// A document, line by line.
#[derive(Default)]
pub(super) struct Markdown(String);

impl Markdown {
    /// A line and an end of paragraph.
    pub(super) fn line(&mut self, text: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(text);
        self.0.push('\n');
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.line(&format!("## {text}"));
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.line(text);
    }

    /// An item of a list; what stands before is another item, or a paragraph.
    pub(super) fn item(&mut self, text: &str) {
        let follows = self.0.lines().next_back().is_some_and(|last| last.starts_with("- "));
        let item = format!("- {text}");
        if follows {
            self.0.push_str(&item);
            self.0.push('\n');
        } else {
            self.line(&item);
        }
    }

    /// What people wrote, Markdown or not: set apart, line by line, so that it can't end the quotation.
    pub(super) fn quote(&mut self, text: &str) {
        // A carriage return alone ends a line of Markdown, too.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let lines: Vec<String> =
            text.trim().lines().map(|line| format!("> {}", line.trim_end()).trim_end().to_owned()).collect();
        self.line(&lines.join("\n"));
    }

    /// A table; cells are Markdown.
    pub(super) fn table<const N: usize>(&mut self, header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
        let mut lines = vec![format!("| {} |", header.join(" | ")), format!("|{}", "---|".repeat(N))];
        // A bar would begin a cell, even within a name; one after a backslash doesn't, for every reader.
        let cell = |cell: &String| cell.replace("\\|", "|").replace('|', "\\|");
        lines.extend(
            rows.into_iter().map(|row| format!("| {} |", row.iter().map(cell).collect::<Vec<_>>().join(" | "))),
        );
        self.line(&lines.join("\n"));
    }

    pub(super) fn text(self) -> String {
        self.0
    }
}

/// A name or value from anywhere, as code: nothing in it is Markdown.
pub(super) fn code(text: &str) -> String {
    let text = one_line(text);
    let longest = text.split(|letter: char| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    // CommonMark takes one space off each end, if both have one.
    let touches = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) || text.is_empty();
    if touches { format!("{fence} {text} {fence}") } else { format!("{fence}{text}{fence}") }
}

/// A text from anywhere, within a sentence: its signs are escaped.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    for letter in one_line(text).chars() {
        if letter.is_ascii_punctuation() && !matches!(letter, ',' | '.' | '-' | '\'' | '(' | ')' | '/' | '%') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        Cow::Owned(text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// A number with so many digits that a person can take it in, and all of those before the point.
pub(super) fn number(x: f64) -> String {
    if x.abs() >= WHOLE {
        return print_number(x.round());
    }
    // The standard library rounds the exact value of the float.
    print_number(format!("{x:.*e}", DIGITS - 1).parse().unwrap_or(x))
}

/// A share in percent, with one digit after the point.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0%".to_owned();
    }
    let tenths = (u128::from(part) * 2000 / u128::from(whole)).div_ceil(2);
    match tenths {
        0 => "under 0.1%".to_owned(),
        1000 if part < whole => "over 99.9%".to_owned(),
        tenths => format!("{}.{}%", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names_whatever_is_in_them() {
        let check = |text: &str, written: &str| assert_eq!(code(text), written);
        check("Lot.Frontage", "`Lot.Frontage`");
        check("a`b", "``a`b``");
        check("`a", "`` `a ``");
        check("a\nb", "`a b`");
        check(" ", "`   `");
        assert_eq!(plain("a *b* <i> [x](y)"), "a \\*b\\* \\<i\\> \\[x\\](y)");
    }

    #[test]
    fn a_quotation_can_not_be_left() {
        let mut card = Markdown::default();
        card.quote("one\n\n# two\rthree\r\n");
        assert_eq!(card.text(), "> one\n>\n> # two\n> three\n");
    }

    #[test]
    fn a_bar_in_a_cell_begins_no_cell() {
        let mut card = Markdown::default();
        card.table(["a", "b"], [["x|y".to_owned(), "z".to_owned()]]);
        assert_eq!(card.text(), "| a | b |\n|---|---|\n| x\\|y | z |\n");
    }

    #[test]
    fn numbers_have_five_digits_at_most() {
        let check = |x: f64, written: &str| assert_eq!(number(x), written);
        check(20795.635495902767, "20796");
        check(0.07942348499065265, "0.079423");
        check(123_456_789.4, "123456789");
        check(-99_999.96, "-100000");
        check(-0.5, "-0.5");
        check(0.0, "0");
        check(f64::MAX, "1.7976931348623157e+308");
        assert_eq!(percent(1, 3), "33.3%");
        assert_eq!(percent(2, 3), "66.7%");
        assert_eq!(percent(0, 7), "0%");
        assert_eq!(percent(1, 100_000), "under 0.1%");
        assert_eq!(percent(99_999, 100_000), "over 99.9%");
        assert_eq!(percent(7, 7), "100.0%");
    }
}
