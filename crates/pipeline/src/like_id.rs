//! Columns that tell rows apart and say no more of them: an id, whoever forgot to declare it.

use std::collections::BTreeMap;

use evenstep_exact::reduce::Workers;
use evenstep_table::infer::Evidence;
use evenstep_table::{Batch, Coded, Column, ColumnName, Kind, NULL_INTEGER, identity};

use crate::called::{is_date, is_quantity, words};

/// In fewer rows, whole numbers may count through by chance, or be round.
const FEW: usize = 10;
/// In fewer rows, the whole numbers of a measure may well all differ.
const MANY: usize = 100;
/// Last words of names of ids, and of quantities: `order_no`, `Reynolds number`.
const NUMBERS: [&str; 2] = ["no", "number"];
/// Of so many rows one may share its value with another, where nearly all are told apart.
const NEARLY: usize = 50;
/// Shorter texts of letters and digits in any order may be words.
const LONG: usize = 8;

/// Whether a column of that type can be an id.
pub fn can_be(kind: Kind) -> bool {
    matches!(kind, Kind::Integer | Kind::Category | Kind::Text)
}

/// Those of the columns that tell rows apart and say no more of them.
pub fn find(names: impl IntoIterator<Item = ColumnName>, batches: &[Batch], workers: &Workers) -> Vec<ColumnName> {
    let mut found = names.into_iter().filter(|name| is_like(name, batches, workers)).collect();
    retain_no_ranks(&mut found, batches);
    found
}

/// Those of the columns that are called like an id of something and tell nearly all rows apart, but not all.
pub fn find_nearly(
    names: impl IntoIterator<Item = ColumnName>,
    batches: &[Batch],
    workers: &Workers,
) -> Vec<ColumnName> {
    let rows: usize = batches.iter().map(Batch::rows).sum();
    let is_nearly = |name: &ColumnName| {
        let repeated: usize = identity::repeated(batches, name, workers).iter().map(Vec::len).sum();
        may_group(name.as_str()) && mostly_there(name, batches) && (1..=rows / NEARLY).contains(&repeated)
    };
    names.into_iter().filter(is_nearly).collect()
}

/// Those of the columns that have another whole number in each of many rows, and are called like no quantity: what they are called
/// doesn't tell whether they are ids or measures.
pub fn find_unique(
    names: impl IntoIterator<Item = ColumnName>,
    batches: &[Batch],
    workers: &Workers,
) -> Vec<ColumnName> {
    let rows: usize = batches.iter().map(Batch::rows).sum();
    let is_unique = |name: &ColumnName| {
        let are_whole = |batch: &Batch| batch.column(name).kind() == Kind::Integer && batch.column(name).nulls() == 0;
        !is_quantity(name.as_str())
            && batches.iter().all(are_whole)
            && identity::repeated(batches, name, workers).is_empty()
    };
    names.into_iter().filter(|name| rows >= MANY && is_unique(name)).collect()
}

/// Whether no value occurs twice in a column that is called like an id, whose whole numbers count through
/// and are called like no quantity (a year in every row is a feature), or whose texts are codes.
fn is_like(name: &ColumnName, batches: &[Batch], workers: &Workers) -> bool {
    let kind = batches.first().map(|batch| batch.column(name).kind());
    kind.is_some_and(can_be)
        && (is_called_so(name.as_str()) && mostly_there(name, batches) && !are_round(name, batches)
            || !is_quantity(name.as_str()) && count_through(name, batches)
            || !is_quantity(name.as_str())
                && !is_date(name.as_str())
                && batches.iter().all(|batch| batch.column(name).coded().is_some())
                && are_codes(batches.iter().filter_map(|batch| batch.column(name).coded()).flat_map(texts)))
        && identity::repeated(batches, name, workers).is_empty()
}

/// Whether a word of the name is one for ids, or its last word is, or it is an index: `PassengerId`, `order_no`, `id.old`.
pub fn is_called_so(name: &str) -> bool {
    const ALONE: [&str; 7] = ["index", "idx", "rowname", "rownames", "no", "number", "nummer"];
    may_group(name) || is_unnamed(name) || matches!(&words(name)[..], [alone] if ALONE.contains(&alone.as_str()))
}

/// Whether the name is the one by which pandas reads a first column without a name, as it writes an index: `Unnamed: 0`, and
/// `Unnamed: 0.1` if it does so twice.
pub fn is_unnamed(name: &str) -> bool {
    matches!(&words(name)[..], [unnamed, first, ..] if unnamed == "unnamed" && first == "0")
}

/// Whether the name is that of an id of something that several rows may be about: `customer_id`. An index, and a number of nothing
/// else, is one of rows or a quantity.
pub fn may_group(name: &str) -> bool {
    const ANYWHERE: [&str; 3] = ["id", "uuid", "guid"];
    const LAST: [&str; 4] = ["pid", "uid", "key", "nr"];
    // As German and its neighbours join it to what is numbered: `Kundennummer`.
    const JOINED: &str = "nummer";
    let words = words(name);
    let Some(last) = words.last() else { return false };
    words.iter().any(|word| ANYWHERE.contains(&word.as_str()) || is_joined(word))
        || LAST.contains(&last.as_str())
        || words.len() > 1 && (NUMBERS.contains(&last.as_str()) || last == JOINED)
        || last.len() > JOINED.len() && last.ends_with(JOINED)
}

/// Whether a word is that for an id and what it is of, written as one: `caseid`, `idcode`.
fn is_joined(word: &str) -> bool {
    const OF: [&str; 36] = [
        "account",
        "booking",
        "case",
        "client",
        "company",
        "cust",
        "customer",
        "device",
        "doc",
        "emp",
        "employee",
        "event",
        "firm",
        "house",
        "household",
        "item",
        "loan",
        "member",
        "object",
        "order",
        "patient",
        "person",
        "player",
        "product",
        "record",
        "school",
        "session",
        "store",
        "student",
        "subj",
        "subject",
        "trans",
        "transaction",
        "unit",
        "user",
        "visit",
    ];
    const FIRST: [&str; 3] = ["idcode", "idno", "idnum"];
    FIRST.contains(&word) || word.strip_suffix("id").is_some_and(|of| OF.contains(&of))
}

/// Whether a column, by its name an id of something, has several rows to many values, as far as is known.
pub(crate) fn repeats(name: &ColumnName, evidence: &Evidence, rows: u64) -> bool {
    let kind = evidence.kind_as_name();
    let distinct = evidence.distinct().map_or(0, |distinct| distinct as u64);
    let nearly_all = rows - rows / NEARLY as u64;
    kind.is_some_and(can_be)
        && may_group(name.as_str())
        && evidence.nulls == 0
        && distinct > FEW as u64
        && distinct < nearly_all
}

/// What is to be said of an id that is learned from, and each value of which has a few rows.
pub(crate) fn judged_on_its_own<'a>(
    mut inputs: impl Iterator<Item = &'a ColumnName>,
    columns: &BTreeMap<ColumnName, Evidence>,
    rows: u64,
) -> Option<String> {
    /// Of more rows than these on average, it is rather a category.
    const FEW_ROWS: u64 = 50;
    let have_few = |evidence: &Evidence| evidence.distinct().is_some_and(|distinct| distinct as u64 * FEW_ROWS >= rows);
    let is_one = |name: &&ColumnName| {
        columns.get(*name).is_some_and(|evidence| have_few(evidence) && repeats(name, evidence, rows))
    };
    inputs.find(is_one).map(|name| {
        format!(
            "`{name}` is called like an id, and stands in several rows: what is learned of one is judged on another. With \
             `group = \"{name}\"` under `[data]` all rows of one are held out together"
        )
    })
}

/// Takes back those that count through, each in an order of its own: these are ranks. What counts through as the rows come numbers
/// them.
fn retain_no_ranks(names: &mut Vec<ColumnName>, batches: &[Batch]) {
    let counting: Vec<(ColumnName, Vec<i64>)> = names
        .iter()
        .filter(|name| !is_called_so(name.as_str()) && count_through(name, batches))
        .map(|name| (name.clone(), integers(name, batches).collect()))
        .filter(|(_, cells): &(_, Vec<i64>)| !are_equal(cells.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]))))
        .collect();
    let run_alike = |a: &[i64], b: &[i64]| {
        let pairs = || a.iter().zip(b);
        are_equal(pairs().map(|(a, b)| a.wrapping_sub(*b))) || are_equal(pairs().map(|(a, b)| a.wrapping_add(*b)))
    };
    let is_alone = |(name, cells): &(ColumnName, Vec<i64>)| {
        !counting.iter().any(|(other, others)| other != name && run_alike(cells, others))
    };
    let ranks: Vec<&ColumnName> = counting.iter().filter(|one| is_alone(one)).map(|(name, _)| name).collect();
    if ranks.len() > 1 {
        names.retain(|name| !ranks.contains(&name));
    }
}

fn are_equal(mut numbers: impl Iterator<Item = i64>) -> bool {
    let first = numbers.next();
    numbers.all(|number| Some(number) == first)
}

/// Whether the name may be that of a quantity, and the numbers are round as those of ids aren't.
fn are_round(name: &ColumnName, batches: &[Batch]) -> bool {
    let is_round = |cell: i64| cell == NULL_INTEGER || cell % 5 == 0;
    words(name.as_str()).last().is_some_and(|word| NUMBERS.contains(&word.as_str()))
        && batches.iter().map(Batch::rows).sum::<usize>() >= FEW
        && batches.iter().all(|batch| batch.column(name).kind() == Kind::Integer)
        && integers(name, batches).all(is_round)
}

fn integers<'a>(name: &'a ColumnName, batches: &'a [Batch]) -> impl Iterator<Item = i64> + 'a {
    let cells = |batch: &'a Batch| match batch.column(name) {
        Column::Integer(cells) => cells.as_slice(),
        _ => &[],
    };
    batches.iter().flat_map(move |batch| cells(batch).iter().copied())
}

fn mostly_there(name: &ColumnName, batches: &[Batch]) -> bool {
    let rows: usize = batches.iter().map(Batch::rows).sum();
    batches.iter().map(|batch| batch.column(name).nulls()).sum::<usize>() * 2 < rows
}

/// Whether the values span just as many whole numbers as there are rows.
fn count_through(name: &ColumnName, batches: &[Batch]) -> bool {
    let (mut rows, mut least, mut greatest) = (0, i64::MAX, i64::MIN);
    for cell in integers(name, batches) {
        rows += 1;
        least = least.min(cell);
        greatest = greatest.max(cell);
    }
    // A null is the least of all, and no span is so wide.
    rows >= FEW as i128 && i128::from(greatest) - i128::from(least) == rows - 1
}

fn texts(coded: &Coded) -> impl Iterator<Item = &str> {
    coded.values.iter().map(|text| &**text)
}

/// Whether the texts are codes of letters and digits: a number behind letters, as `C-17`, or so many signs of both kinds, as
/// `7f3a9c01`. A number before letters is a measurement, and what has a point or a stroke a number or a date.
pub fn are_codes<'a>(mut texts: impl Iterator<Item = &'a str>) -> bool {
    let has = |text: &str, is: fn(char) -> bool| text.contains(is);
    let is_code = |text: &str| {
        has(text, |c| c.is_ascii_digit())
            && has(text, |c| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '#' | ':'))
    };
    let Some(first) = texts.next().filter(|text| is_code(text)) else { return false };
    let (mut same_length, mut same_shape, mut count) = (first.len() >= LONG, true, 1);
    for text in texts {
        same_length &= text.len() == first.len();
        same_shape = same_shape && shape(text) == shape(first);
        count += 1;
        if !is_code(text) || !(same_length || same_shape) {
            return false;
        }
    }
    count >= FEW && (!same_shape || first.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// The text with every run of digits as one.
fn shape(text: &str) -> String {
    let mut shape: Vec<char> = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape.dedup_by(|a, b| *a == '0' && *b == '0');
    shape.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, column: Column) -> bool {
        let name = ColumnName::new(name).expect("a name");
        let mut batch = Batch::unkeyed(column.rows());
        batch.insert(name.clone(), column);
        is_like(&name, &[batch], &Workers::threads(1))
    }

    #[test]
    fn names_of_ids_are_known_by_their_words() {
        for name in
            ["id", "PID", "PassengerId", "ParcelID", "customer_id", "order no", "Order.No", "uuid", "id_old", "index"]
                .into_iter()
                .chain(["SK_ID_CURR", "Kundennummer", "Personal-Nummer", "Unnamed: 0", "Unnamed:0", "Unnamed: 0.1"])
        {
            assert!(is_called_so(name), "{name}");
        }
        for name in
            ["paid", "width", "humid", "monkey", "identity", "area", "Year.Built", "price_index", "Unnamed: 32", ""]
        {
            assert!(!is_called_so(name), "{name}");
        }
    }

    #[test]
    fn of_several_columns_that_count_through_ranks_have_an_order_of_their_own() {
        let rows = 20;
        let cell = |column: &str, n: i64| match column {
            "row" => n,
            "back" => 100 - n,
            "literacy" => n * 7 % 20,
            "wealth" => n * 3 % 20,
            "clergy_id" => n * 9 % 20,
            _ => n * n,
        };
        let name = |text: &&str| ColumnName::new(text).expect("a name");
        let kept = |all: &[&str]| {
            let mut batch = Batch::unkeyed(rows);
            for text in all {
                batch.insert(name(text), Column::Integer((0..rows as i64).map(|n| cell(text, n)).collect()));
            }
            let mut names: Vec<ColumnName> = all.iter().map(name).collect();
            retain_no_ranks(&mut names, &[batch]);
            names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(kept(&["row", "literacy", "wealth", "squares"]), ["row", "squares"]);
        assert_eq!(kept(&["literacy", "wealth"]), [""; 0]);
        assert_eq!(kept(&["literacy"]), ["literacy"]);
        assert_eq!(kept(&["row", "back"]), ["row", "back"]);
        assert_eq!(kept(&["clergy_id", "wealth"]), ["clergy_id", "wealth"]);
    }

    #[test]
    fn an_id_repeats_no_value_and_is_called_so_or_counts_through() {
        let integers = |cells: &[i64]| Column::Integer(cells.to_vec());
        let shuffled: Vec<i64> = (0..20).map(|n| 100 + n * 7 % 20).collect();
        let squares: Vec<i64> = (0..20).map(|n| n * n).collect();
        assert!(check("Order", integers(&shuffled)));
        assert!(!check("area", integers(&squares)));
        assert!(!check("year", integers(&shuffled)) && !check("Age", integers(&shuffled)));
        assert!(check("year_id", integers(&shuffled)) && check("age_code", integers(&shuffled)));
        assert!(check("PID", integers(&squares)));
        let round: Vec<i64> = (1..20).map(|n| n * n * 10).collect();
        assert!(check("order no", integers(&squares)) && !check("Reynolds number", integers(&round)));
        assert!(check("id", integers(&round)));
        assert!(check("PID", integers(&[5, 9, NULL_INTEGER])));
        assert!(!check("PID", integers(&[5, NULL_INTEGER, NULL_INTEGER])));
        assert!(!check("PID", integers(&[5, 9, 9])));
        assert!(!check("rank", integers(&[1, 2, 3])), "so few may count by chance");
        let texts = |texts: &[&str]| Column::Text(Coded::from_strings(texts.iter().map(|text| Some(*text))));
        assert!(check("key", texts(&["a", "b", "c"])));
        assert!(!check("name", texts(&["a", "b", "c"])));
        let codes = |code: fn(usize) -> String| {
            let codes: Vec<String> = (5..25).map(code).collect();
            check("ref", Column::Text(Coded::from_strings(codes.iter().map(|text| Some(text.as_str())))))
        };
        assert!(codes(|n| format!("C-{n}")), "of one shape");
        assert!(codes(|n| format!("{:08x}a", n * 40_503_999)), "of one length");
        assert!(
            !codes(|n| format!("{n}kg")) && !codes(|n| format!("{n}.5V")) && !codes(|n| format!("201501{n:02}T0000"))
        );
        assert!(!codes(|n| format!("flat {n}")) && !codes(|n| format!("${n}.50")) && !codes(|n| "x".repeat(n) + "1"));
        assert!(!check("id", Column::Number(vec![0.5, 1.5])));
    }
}
