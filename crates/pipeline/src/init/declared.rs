//! What the contract is to say of a column that reads as less than it is.

use std::collections::BTreeSet;

use evenstep_table::date_format::{DIGITS, Swapped, date_format};
use evenstep_table::formatted::number_format;
use evenstep_table::infer::{Evidence, Mostly, Reads, reads};
use evenstep_table::quality::Tally;
use evenstep_table::rule::Invalid;
use evenstep_table::{ColumnName, Kind, Rule, counted, parse};

use super::missing::{MARKS, SIGNS, is_mark, is_sign};
use super::words::{Words, shown};
use super::{key, quoted};
use crate::called::{is_code, is_date, is_quantity};
use crate::like_id;

/// So few different words beside numbers are no values of their own.
const FEW_WORDS: usize = 3;
/// With more points for each comma, commas are slips.
const FEW_COMMAS: u64 = 10;
/// Texts in a smaller share of the cells are not what the column holds.
const RARE: f64 = 0.1;
/// Fewer different numbers may be codes.
const FEW_NUMBERS: usize = 20;
/// Words in so small a share of the cells are slips beside numbers, however many there are.
const SLIPS: f64 = 0.05;
/// Beside numbers, so large a share may be beyond one limit.
const BEYOND: f64 = 0.6;
/// Fewer whole numbers that read as days may be so by chance: they may count within one month.
const FEW_DAYS: usize = 31;

/// A column's entry in the contract, and why it stands there.
#[derive(Clone, PartialEq, Debug)]
pub struct Declared {
    /// The column's type.
    pub kind: Kind,
    /// How numbers, dates or times are written.
    pub format: Option<String>,
    /// The format with day and month exchanged, if it fits as well as far as was seen.
    pub exchanged: Option<String>,
    /// The format with the signs of thousands and of the fraction exchanged, if no cell tells which is which.
    pub(super) other: Option<String>,
    /// Whether cells of another type are to become null.
    pub invalid_null: bool,
    /// Sentences for people.
    pub why: Vec<String>,
}

impl Declared {
    pub(super) fn new(kind: Kind, why: String) -> Declared {
        Declared { kind, format: None, exchanged: None, other: None, invalid_null: false, why: vec![why] }
    }

    /// Whole numbers such as 20150902, if all of them are days.
    pub fn days() -> Declared {
        let why = "whole numbers that all read as days by this format".to_owned();
        Declared { format: Some(DIGITS.to_owned()), ..Declared::new(Kind::Date, why) }
    }

    /// An inferred type that few cells don't have.
    pub fn but_few(kind: Kind, few: &Tally, values: u64) -> Declared {
        let why = others(kind, few.count, values, &first(few));
        Declared { invalid_null: true, ..Declared::new(kind, why) }
    }

    /// Lets the few cells that are not of the type become null.
    pub fn null_few(&mut self, few: &Tally, values: u64) {
        self.invalid_null = true;
        self.why.push(others(self.kind, few.count, values, &first(few)));
    }

    /// Takes the format with day and month exchanged, if there is one.
    pub fn exchange(&mut self) {
        self.format = self.exchanged.take().or(self.format.take());
    }

    /// The rule with day and month exchanged, if no cell has told yet which is meant.
    pub fn exchanged_rule(&self) -> Option<Rule> {
        self.exchanged.as_ref().map(|format| Rule { format: Some(format.clone()), ..self.rule() })
    }

    /// The rule, by which cells that don't fit become null.
    pub fn rule(&self) -> Rule {
        Rule { format: self.format.clone(), invalid: Invalid::Null, ..Rule::new(self.kind) }
    }

    /// Whether its dates are months, which are written without a day.
    pub fn is_of_months(&self) -> bool {
        self.kind == Kind::Date && self.format.as_ref().is_some_and(|format| !format.contains("%d"))
    }

    /// Whether its numbers are written with a currency, a unit or a percent sign.
    fn has_unit(&self) -> bool {
        let is_of_number = |c: char| c.is_ascii_digit() || c.is_whitespace() || ".,'’-()".contains(c);
        self.format.as_ref().is_some_and(|format| !format.chars().all(is_of_number))
    }

    /// Sentences for people, each a line.
    pub(super) fn comments(&self) -> Vec<String> {
        let mut comments = self.why.clone();
        comments.extend(self.exchanged.as_ref().map(|other| {
            format!("no value tells which of both numbers is the day: if it is the other, write `{other}`")
        }));
        comments.extend(self.other.as_ref().map(|other| {
            format!(
                "no cell tells whether thousands or the fraction are set apart: if it is the other, write `{other}`"
            )
        }));
        comments
    }

    /// The line of the contract.
    pub(crate) fn line(&self, name: &ColumnName) -> String {
        let format = self.format.iter().map(|format| format!(", format = {}", quoted(format)));
        let invalid = self.invalid_null.then(|| ", invalid = \"null\"".to_owned());
        let rest: String = format.chain(invalid).collect();
        format!("{} = {{ type = {}{rest} }}", key(name), quoted(self.kind.word()))
    }
}

/// Whether whole numbers of that name may be days such as 20150902, which is yet to be tried on all cells.
pub fn may_be_days(name: &ColumnName, evidence: &Evidence) -> bool {
    let is_plain = evidence.kind() == Some(Kind::Integer) && evidence.pointed() == 0 && evidence.mostly().is_none();
    let many = evidence.distinct().is_none_or(|distinct| distinct > FEW_DAYS);
    is_plain && (is_date(name.as_str()) || many && !like_id::is_called_so(name.as_str()) && !is_code(name.as_str()))
}

/// What is to be said of the column, if its inferred type won't do. Formats of dates are yet to be tried on all cells.
pub fn declare(name: &ColumnName, evidence: &Evidence, words: Option<&Words>, is_target: bool) -> Option<Declared> {
    let kind = evidence.kind()?;
    let none = Words::default();
    let words = words.unwrap_or(&none);
    if !matches!(kind, Kind::Category | Kind::Text) {
        return evidence.mostly().map(|mostly| of_mostly(&mostly, evidence, words));
    }
    // What can't be classes is predicted as numbers if half of the cells are.
    let may_be_classes = is_target && are_rather_classes(evidence, words);
    let is_quantity =
        |numbers: &Declared| numbers.has_unit() && evidence.distinct().is_none_or(|distinct| distinct > 2);
    if let Some(numbers) = for_people(evidence, words).filter(|numbers| !may_be_classes || is_quantity(numbers)) {
        return Some(numbers);
    }
    if let Some(mostly) = evidence.mostly_but(MARKS).filter(|mostly| mostly.kind == Kind::Integer)
        && are_codes(name, words)
    {
        let others = counted(mostly.others, "cell");
        let why = format!("codes, not quantities: beside whole numbers there are {others} such as {}", words.shown());
        return (kind == Kind::Category).then(|| Declared::new(kind, why));
    }
    let few_words = || but_few_words(evidence, words).filter(|_| !may_be_classes);
    let commas: u64 = words.iter().filter(|(text, _)| has_comma(text)).map(|(_, count)| count).sum();
    let few_commas =
        || evidence.mostly_but(MARKS).filter(|mostly| mostly.kind.is_quantity() && mostly.others == commas);
    let half = || evidence.mostly_but(0.5).filter(|mostly| is_target && !may_be_classes && mostly.kind.is_numeric());
    let mostly = evidence.mostly().or_else(few_words).or_else(few_commas).or_else(half);
    let dates = || by_format(evidence, words).filter(|dates| !may_be_classes || !dates.is_of_months());
    let declared = mostly.map(|mostly| of_mostly(&mostly, evidence, words)).or_else(dates);
    let told = (commas > 0).then(|| {
        format!(
            "{} with a comma: written with a point before the fraction, as the others, they are read",
            counted(commas as usize, "cell")
        )
    });
    declared.map(|declared| Declared {
        why: declared.why.into_iter().chain(told).chain(unknown(is_target, words)).collect(),
        ..declared
    })
}

/// What a target beyond a limit costs.
fn unknown(is_target: bool, words: &Words) -> Option<String> {
    let beyond = words.iter().any(|(text, _)| is_target && is_flagged(text));
    beyond.then(|| {
        "their rows are left out, and the model learns of no such values: if they matter, give them numbers, such as half the limit"
            .to_owned()
    })
}

/// Whether so few values may be classes of a target, whatever they look like.
pub(crate) fn may_be_classes(evidence: &Evidence) -> bool {
    evidence.distinct().is_some_and(|distinct| distinct <= 100 && distinct as u64 * 2 <= evidence.values())
}

/// Whether the values of a target are rather classes than numbers beside which nothing is known, or a few words stand.
pub(super) fn are_rather_classes(evidence: &Evidence, words: &Words) -> bool {
    let is_plain = |mostly: &Mostly| {
        let are_signs =
            mostly.others as f64 <= MARKS * evidence.values() as f64 && words.iter().all(|(text, _)| is_sign(text));
        mostly.kind.is_numeric() && (are_signs || words.distinct().is_some_and(|others| has_many_but(evidence, others)))
    };
    may_be_classes(evidence) && !but_few_words(evidence, words).is_some_and(|mostly| is_plain(&mostly))
}

fn of_mostly(mostly: &Mostly, evidence: &Evidence, words: &Words) -> Declared {
    let examples = match words.cells() {
        0 => shown(mostly.examples.iter().map(|(text, count)| (text.as_str(), *count)), mostly.others),
        _ => words.shown(),
    };
    let why = others(mostly.kind, mostly.others, evidence.values(), &examples);
    Declared { invalid_null: true, ..Declared::new(mostly.kind, why) }
}

fn others(kind: Kind, others: u64, values: u64, examples: &str) -> String {
    let are = if others == 1 { "is" } else { "are" };
    format!("{others} of {values} cells {are} of another type than {}: {examples}", kind.word())
}

/// The first cells, and how many others there are.
fn first(tally: &Tally) -> String {
    let values = tally.first.iter().filter_map(|violation| Some((violation.value.as_deref()?, 1)));
    shown(values, tally.count)
}

/// Whether whole numbers, which their file holds as floats or writes with a point, may have a fraction another day. As values they are
/// integers, so this is told, and no type is made of it: the same rows in another format are the same pipeline.
pub(super) fn is_written_whole(name: &ColumnName, evidence: &Evidence) -> bool {
    let is_quantity = evidence.distinct().is_none_or(|distinct| distinct > 2) && !like_id::is_called_so(name.as_str());
    evidence.kind() == Some(Kind::Integer) && evidence.mostly().is_none() && evidence.pointed() > 0 && is_quantity
}

/// Whether what is beside whole numbers says that these are codes, such as `98101-1234`.
fn are_codes(name: &ColumnName, words: &Words) -> bool {
    let digits = |text: &str| text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let joined = |text: &str| text.split_once('-').is_some_and(|(a, b)| digits(a) && digits(b));
    let code = |text: &str| {
        let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b' ');
        text.bytes().all(is_sign) && text.bytes().any(|byte| byte.is_ascii_digit())
    };
    let all = |is: &dyn Fn(&str) -> bool| words.cells() > 0 && words.iter().all(|(text, _)| is(text) || is_mark(text));
    let any = words.iter().any(|(text, _)| code(text));
    any && !is_quantity(name.as_str()) && (all(&joined) || is_code(name.as_str()) && all(&code))
}

/// What the column is but for few words, which repeat.
fn but_few_words(evidence: &Evidence, words: &Words) -> Option<Mostly> {
    let all = |is: &dyn Fn(&str) -> bool| words.cells() > 0 && words.iter().all(|(text, _)| is(text));
    let (marks, others): (Vec<_>, Vec<_>) = words.iter().partition(|(text, _)| is_mark(text));
    let (flagged, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|(text, _)| is_flagged(text));
    // What is below and what is above are not one, if as categories they need not be.
    let side = |text: &str| text.trim().chars().next().filter(|c| !c.is_ascii_digit());
    let sides: BTreeSet<Option<char>> = flagged.iter().map(|(text, _)| side(text)).collect();
    if sides.len() > 1 && evidence.kind() == Some(Kind::Category) {
        return None;
    }
    let most = match () {
        () if all(&is_sign) => SIGNS,
        () if all(&is_flagged) && sides.len() == 1 => BEYOND,
        () => MARKS,
    };
    let mostly = evidence.mostly_but(most).filter(|mostly| mostly.kind != Kind::Boolean)?;
    let many = has_many_but(evidence, marks.len() + flagged.len() + others.len());
    let are_marks = flagged.is_empty() && others.is_empty();
    let cells = others.iter().map(|(_, count)| count).sum::<u64>() as f64;
    let are_slips = cells <= SLIPS * evidence.values() as f64 && others.iter().all(|(text, _)| is_word(text));
    let are_few = are_slips && mostly.kind.is_numeric() || are_few_words(&others);
    (words.cells() == mostly.others && are_few && (are_marks || many)).then_some(mostly)
}

/// Whether a text is a number of which less is known than of others: `<0.5`, `> 100`, `~3`, `12*`.
fn is_flagged(text: &str) -> bool {
    let number = text.trim().trim_start_matches(['<', '>', '≤', '≥', '=', '~', '≈']);
    let number = number.trim_end_matches(['*', '†', '‡', '+']);
    number.len() < text.trim().len() && parse::number(number).is_some()
}

fn is_word(text: &str) -> bool {
    text.contains(char::is_alphabetic) && !text.contains(|c: char| c.is_ascii_digit())
}

/// Whether the texts are few words, each in several cells.
fn are_few_words(texts: &[(&str, u64)]) -> bool {
    texts.len() <= FEW_WORDS && texts.iter().all(|(text, count)| *count > 1 && is_word(text))
}

/// Whether a column has many values but so many.
fn has_many_but(evidence: &Evidence, others: usize) -> bool {
    evidence.distinct().is_none_or(|distinct| distinct > others + FEW_NUMBERS)
}

/// Whether a comma stands before the number's fraction, which thousands would make three digits.
fn has_comma(text: &str) -> bool {
    let fraction = text.trim().split_once(',').map(|(_, fraction)| fraction);
    reads(text) == Reads::Formatted
        && fraction.is_some_and(|digits| digits.len() != 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Numbers that are written for people, beside which others may be written as programs read them.
fn for_people(evidence: &Evidence, words: &Words) -> Option<Declared> {
    let (marked, mut numbers): (Vec<_>, Vec<_>) = words.iter().partition(|(text, _)| is_mark(text));
    let few: Vec<(&str, u64)> = numbers.iter().copied().filter(|(text, _)| is_word(text)).collect();
    let few_cells = few.iter().map(|(_, count)| count).sum::<u64>();
    let has_words = !few.is_empty()
        && are_few_words(&few)
        && few_cells as f64 <= MARKS * evidence.values() as f64
        && has_many_but(evidence, marked.len() + few.len());
    if has_words {
        numbers.retain(|(text, _)| !is_word(text));
    }
    let marks: u64 = marked.iter().map(|(_, count)| count).sum();
    if words.cells() + evidence.numbers() < evidence.values() || numbers.is_empty() {
        return None;
    }
    let examples: Vec<String> = numbers.iter().take(2).map(|(text, _)| format!("`{text}`")).collect();
    let found = number_format(numbers.iter().copied(), evidence.numbers())?;
    // A comma here and there, where points stand before three digits: most are fractions, and the comma is a slip. So it is where
    // more points can't set thousands apart.
    let commas: u64 = numbers.iter().filter(|(text, _)| text.contains(',')).map(|(_, count)| count).sum();
    let pointed = if evidence.maybe_thousands() > 0 { evidence.pointed() / FEW_COMMAS } else { evidence.pointed() };
    if found.format.contains("234,56") && pointed > commas {
        return None;
    }
    let why = format!("numbers that no program reads as they stand, such as {}", examples.join(", "));
    let mut declared = Declared { format: Some(found.format), other: found.other, ..Declared::new(Kind::Number, why) };
    if has_words {
        let (cells, all) = (few_cells + marks, few.into_iter().chain(marked));
        declared.invalid_null = true;
        declared.why.push(others(Kind::Number, cells, evidence.values(), &shown(all, cells)));
    }
    let bare = evidence.numbers() + numbers.iter().filter(|(text, _)| !text.contains('%')).map(|(_, n)| n).sum::<u64>();
    if bare > 0 && declared.format.as_ref().is_some_and(|format| format.contains('%')) {
        let of = evidence.values() - marks;
        declared.why.push(format!("{bare} of {of} cells have no `%`, and are read as if they had: 25 is 25 %"));
    }
    Some(declared)
}

/// Dates or times that are not written in ISO 8601. Some may be, as `2024-10-10` is beside `2024-9-9`.
fn by_format(evidence: &Evidence, words: &Words) -> Option<Declared> {
    let dates: Vec<(&str, u64)> = words.iter().filter(|(text, _)| !is_mark(text)).collect();
    let cells: u64 = dates.iter().map(|(_, count)| count).sum();
    if (cells as f64) < RARE * evidence.values() as f64 {
        return None;
    }
    let found = date_format(dates.iter().copied())?;
    // Beside those in ISO 8601 which it doesn't read, no format is the column's.
    if evidence.days() as f64 > SLIPS * evidence.values() as f64 && !found.format.starts_with("%Y-%m-%d") {
        return None;
    }
    let reads = |text: &str| parse::moment(found.kind, Some(&found.format), text).is_some();
    let reading = dates.iter().filter(|(text, _)| reads(text));
    let examples: Vec<String> = reading.take(2).map(|(text, _)| format!("`{text}`")).collect();
    let why = format!("not written in ISO 8601, but as {}", examples.join(", "));
    let of_two_digits = found.format.contains("%y").then(|| "years of two digits are read as 1969 to 2068".to_owned());
    let mut declared = Declared { format: Some(found.format), ..Declared::new(found.kind, why) };
    declared.exchanged = found.exchanged;
    declared.why.extend(of_two_digits);
    declared.why.extend(found.swapped.map(|Swapped { cells, example, other }| {
        format!(
            "day and month come in both orders: {} such as `{example}` beside others such as `{other}`; of what reads both ways some may be misread",
            counted(cells as usize, "cell")
        )
    }));
    Some(declared)
}
