//! The same table in another order of rows and with other batches, to prove that neither matters.

use std::collections::BTreeMap;

use evenstep_exact::canonical::Hasher;

use crate::{Batch, Coded, Column, ColumnName, RowKey};

/// The rows of all batches in an order that follows from the seed, in batches of `rows` rows.
///
/// Identity and labels go with their rows.
pub fn shuffled(batches: &[Batch], seed: u64, rows: usize) -> Vec<Batch> {
    let mut hasher = Hasher::new("evenstep shuffle");
    let mut order: Vec<([u8; 16], u32, u32)> = Vec::new();
    for (batch, content) in batches.iter().enumerate() {
        for row in 0..content.rows() {
            let place = hasher.reset().u64(seed).u64(batch as u64).u64(row as u64).finish16();
            order.push((place, batch as u32, row as u32));
        }
    }
    order.sort_unstable();
    order.chunks(rows.max(1)).map(|chunk| gather(batches, chunk)).collect()
}

fn gather(batches: &[Batch], rows: &[([u8; 16], u32, u32)]) -> Batch {
    // Row by row from batch to batch: each batch's rows first, then put in their order.
    let mut by_batch = BTreeMap::<u32, Vec<(usize, usize)>>::new();
    for (place, (_, batch, row)) in rows.iter().enumerate() {
        by_batch.entry(*batch).or_default().push((place, *row as usize));
    }
    let mut places = Vec::with_capacity(rows.len());
    let mut parts = Vec::new();
    for (batch, rows) in by_batch {
        places.extend(rows.iter().map(|(place, _)| *place));
        let rows: Vec<usize> = rows.into_iter().map(|(_, row)| row).collect();
        parts.push(batches[batch as usize].take(&rows));
    }
    let mut order = vec![0; places.len()];
    for (from, to) in places.into_iter().enumerate() {
        order[to] = from;
    }
    concatenated(&parts).take(&order)
}

/// The rows of all batches in one, in their order. All have the same columns.
pub fn concatenated(batches: &[Batch]) -> Batch {
    let rows = batches.iter().map(Batch::rows).sum();
    let mut whole = Batch::unkeyed(rows);
    whole.keys = batches.iter().flat_map(|batch| batch.keys.iter().copied()).collect::<Vec<RowKey>>().into();
    let names: Vec<ColumnName> =
        batches.first().map(|batch| batch.columns().map(|(name, _)| name.clone()).collect()).unwrap_or_default();
    for name in names {
        let parts: Vec<&Column> = batches.iter().map(|batch| batch.column(&name)).collect();
        whole.insert(name, concatenated_column(&parts));
    }
    if let Some(first) = batches.first().and_then(|batch| batch.labels.as_ref()) {
        let mut labels = crate::Labels::default();
        for batch in batches {
            let theirs = batch.training();
            assert_eq!(theirs.weight.is_empty(), first.weight.is_empty(), "all rows have weights, or none");
            assert_eq!(theirs.group.is_empty(), first.group.is_empty(), "all rows have groups, or none");
            labels.occurrence.extend(&theirs.occurrence);
            labels.target.extend(&theirs.target);
            labels.weight.extend(&theirs.weight);
            labels.group.extend(&theirs.group);
        }
        whole.labels = Some(labels.into());
    }
    whole
}

fn concatenated_column(parts: &[&Column]) -> Column {
    macro_rules! join {
        ($variant:path) => {
            parts.iter().flat_map(|part| match part {
                $variant(cells) => cells.iter().copied(),
                other => panic!("a column has one type, not also {:?}", other.kind()),
            })
        };
    }
    match parts.first() {
        None => Column::Number(Vec::new()),
        Some(Column::Number(_)) => Column::Number(join!(Column::Number).collect()),
        Some(Column::Integer(_)) => Column::Integer(join!(Column::Integer).collect()),
        Some(Column::Boolean(_)) => Column::Boolean(join!(Column::Boolean).collect()),
        Some(Column::Date(_)) => Column::Date(join!(Column::Date).collect()),
        Some(Column::Time(_)) => Column::Time(join!(Column::Time).collect()),
        Some(Column::Datetime(clock, _)) => {
            let cells = parts.iter().flat_map(|part| match part {
                Column::Datetime(other, cells) if other == clock => cells.iter().copied(),
                other => panic!("a column has one type, not also {:?}", other.kind()),
            });
            Column::Datetime(*clock, cells.collect())
        }
        Some(Column::Category(_)) => Column::Category(concatenated_strings(parts)),
        Some(Column::Text(_)) => Column::Text(concatenated_strings(parts)),
    }
}

fn concatenated_strings(parts: &[&Column]) -> Coded {
    let mut coder = crate::Coder::default();
    for part in parts {
        let coded = part.coded().expect("a column has one type");
        // A value that no row of the part has gets no code.
        let mut codes: Vec<Option<u32>> = vec![None; coded.values.len()];
        for code in &coded.codes {
            match coded.values.get(*code as usize) {
                Some(value) => {
                    let code = *codes[*code as usize].get_or_insert_with(|| coder.code(value));
                    coder.push_code(code);
                }
                None => coder.push_null(),
            }
        }
    }
    coder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize) -> Batch {
        let mut batch = Batch::new((0..rows).map(|row| RowKey([row as u8; 16])).collect());
        let name = |name| ColumnName::new(name).expect("not empty");
        batch.insert(name("n"), Column::Integer((0..rows as i64).collect()));
        let texts = (0..rows).map(|row| (row % 3 > 0).then(|| format!("v{}", row % 5)));
        batch.insert(name("c"), Column::Category(Coded::from_strings(texts)));
        batch
    }

    fn lines(batches: &[Batch]) -> Vec<String> {
        let line = |batch: &Batch, row: usize| {
            let cells: Vec<Option<String>> = batch.columns().map(|(_, column)| column.text(row)).collect();
            format!("{:?} {cells:?}", batch.keys[row])
        };
        batches.iter().flat_map(|batch| (0..batch.rows()).map(move |row| line(batch, row))).collect()
    }

    #[test]
    fn every_row_is_there_once_with_its_key() {
        let batches = [table(7), table(20), table(1)];
        let moved = shuffled(&batches, 1, 5);
        assert_eq!(moved.iter().map(Batch::rows).collect::<Vec<_>>(), [5, 5, 5, 5, 5, 3]);
        let (mut before, mut after) = (lines(&batches), lines(&moved));
        assert_ne!(before, after);
        before.sort();
        after.sort();
        assert_eq!(before, after);
        assert_eq!(lines(&shuffled(&batches, 1, 28)), lines(&moved));
        assert_ne!(lines(&shuffled(&batches, 2, 28)), lines(&moved));
    }
}
