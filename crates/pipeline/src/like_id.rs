//! Columns that tell rows apart and say no more of them: an id, whoever forgot to declare it.

use evenstep_exact::reduce::Workers;
use evenstep_table::{Batch, Column, ColumnName, Kind, identity};

use crate::called::{is_quantity, words};

/// In fewer rows, whole numbers may count through by chance.
const FEW: usize = 10;

/// Whether a column of that type can be an id.
pub fn can_be(kind: Kind) -> bool {
    matches!(kind, Kind::Integer | Kind::Category | Kind::Text)
}

/// Whether no value occurs twice in a column that is called like an id, or whose whole numbers count through
/// and are called like no quantity: a year in every row is a feature.
pub fn is_like(name: &ColumnName, batches: &[Batch], workers: &Workers) -> bool {
    let kind = batches.first().map(|batch| batch.column(name).kind());
    kind.is_some_and(can_be)
        && (is_called_so(name.as_str()) && mostly_there(name, batches)
            || !is_quantity(name.as_str()) && count_through(name, batches))
        && identity::repeated(batches, name, workers).is_empty()
}

/// Whether the name's last word, or its first, is one for ids: `PassengerId`, `order_no`, `id.old`.
pub fn is_called_so(name: &str) -> bool {
    const LAST: [&str; 9] = ["id", "pid", "uid", "uuid", "guid", "key", "no", "nr", "number"];
    const FIRST: [&str; 3] = ["id", "uuid", "guid"];
    const ALONE: [&str; 4] = ["index", "idx", "rowname", "rownames"];
    let words = words(name);
    let is_in = |word: Option<&String>, known: &[&str]| word.is_some_and(|word| known.contains(&word.as_str()));
    is_in(words.last(), &LAST) || is_in(words.first(), &FIRST) || words.len() == 1 && is_in(words.first(), &ALONE)
}

fn mostly_there(name: &ColumnName, batches: &[Batch]) -> bool {
    let rows: usize = batches.iter().map(Batch::rows).sum();
    batches.iter().map(|batch| batch.column(name).nulls()).sum::<usize>() * 2 < rows
}

/// Whether the values span just as many whole numbers as there are rows.
fn count_through(name: &ColumnName, batches: &[Batch]) -> bool {
    let (mut rows, mut least, mut greatest) = (0, i64::MAX, i64::MIN);
    for batch in batches {
        let Column::Integer(cells) = batch.column(name) else { return false };
        rows += cells.len();
        least = cells.iter().copied().fold(least, i64::min);
        greatest = cells.iter().copied().fold(greatest, i64::max);
    }
    // A null is the least of all, and no span is so wide.
    rows >= FEW && i128::from(greatest) - i128::from(least) == rows as i128 - 1
}

#[cfg(test)]
mod tests {
    use evenstep_table::{Coded, NULL_INTEGER};

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
        {
            assert!(is_called_so(name), "{name}");
        }
        for name in ["paid", "width", "humid", "monkey", "identity", "area", "Year.Built", "price_index", ""] {
            assert!(!is_called_so(name), "{name}");
        }
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
        assert!(check("PID", integers(&[5, 9, NULL_INTEGER])));
        assert!(!check("PID", integers(&[5, NULL_INTEGER, NULL_INTEGER])));
        assert!(!check("PID", integers(&[5, 9, 9])));
        assert!(!check("rank", integers(&[1, 2, 3])), "so few may count by chance");
        let texts = |texts: &[&str]| Column::Text(Coded::from_strings(texts.iter().map(|text| Some(*text))));
        assert!(check("key", texts(&["a", "b", "c"])));
        assert!(!check("name", texts(&["a", "b", "c"])));
        assert!(!check("id", Column::Number(vec![0.5, 1.5])));
    }
}
