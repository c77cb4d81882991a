//! What training saw of each column: by this, scoring tells what is new.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evenstep_exact::reduce::{Partial, Workers};
use evenstep_table::check::{Seen, SeenColumns};
use evenstep_table::{Batch, ColumnName, Kind, NULL_CODE};
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
struct SeenSoFar {
    nulls: bool,
    categories: BTreeSet<Arc<str>>,
}

impl Partial for SeenSoFar {
    fn merge(&mut self, other: SeenSoFar) {
        self.nulls |= other.nulls;
        self.categories.extend(other.categories);
    }
}

/// What the batches hold of each column.
pub(crate) fn seen_columns(batches: &[Batch], workers: &Workers) -> SeenColumns {
    let schema = batches.first().map(Batch::schema).unwrap_or_default();
    let seen: BTreeMap<ColumnName, SeenSoFar> =
        workers.fold(batches.len(), |task, seen: &mut BTreeMap<_, SeenSoFar>| {
            for (name, column) in batches[task].columns() {
                let seen = seen.entry(name.clone()).or_default();
                seen.nulls |= column.nulls() > 0;
                if let (Kind::Category, Some(coded)) = (column.kind(), column.coded()) {
                    let mut used = vec![false; coded.values.len()];
                    coded.codes.iter().filter(|code| **code != NULL_CODE).for_each(|code| used[*code as usize] = true);
                    let values = coded
                        .values
                        .iter()
                        .zip(used)
                        .filter(|(value, used)| *used && !seen.categories.contains(*value));
                    let new: Vec<Arc<str>> = values.map(|(value, _)| Arc::clone(value)).collect();
                    seen.categories.extend(new);
                }
            }
        });
    let told = |(name, so_far): (ColumnName, SeenSoFar)| {
        let is_category = schema.get(&name) == Some(&Kind::Category);
        let categories = is_category.then(|| so_far.categories.into_iter().collect());
        (name, Seen { nulls: so_far.nulls, categories })
    };
    seen.into_iter().map(told).collect()
}
