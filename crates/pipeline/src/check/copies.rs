//! Rows held out that are copies of rows learned from, under another id.

use std::collections::HashSet;

use evenstep_exact::reduce::Workers;
use evenstep_table::{Batch, ColumnName, Identity, RowKey, counted};

use crate::prepare::Prepared;
use crate::spec::Spec;
use crate::split::Split;

/// Of so many rows held out one may be alike by chance.
const ONE_IN: usize = 20;

/// What is to be said if many of the rows held out have the inputs and the target of a row that is learned from. Rows without an
/// id stay on one side, and so do those of a group.
pub(super) fn of(spec: &Spec, prepared: &Prepared, workers: &Workers) -> Option<String> {
    if prepared.roles.id.is_empty() || spec.data.group.is_some() {
        return None;
    }
    let inputs = prepared.inputs.iter().filter(|name| !prepared.roles.id.contains(name));
    let identity = Identity::by_content(inputs.cloned().collect::<Vec<ColumnName>>());
    let split = Split::new(spec.split_seed(), spec.data.split.test);
    let rows = |batch: &Batch| -> Vec<(bool, RowKey, u64)> {
        let content = identity.keys(batch).expect("content has a key");
        let targets = batch.training().target.iter().map(|target| target.to_bits());
        let rows = batch.keys.iter().zip(content).zip(targets);
        rows.map(|((key, content), target)| (split.holds_out(key), content, target)).collect()
    };
    let rows = workers.map(prepared.batches.iter().collect(), rows).concat();
    let seen: HashSet<_> = rows.iter().filter(|row| !row.0).map(|row| (row.1, row.2)).collect();
    let held_out = rows.iter().filter(|row| row.0);
    let copies = held_out.clone().filter(|row| seen.contains(&(row.1, row.2))).count();
    // Where there are few different rows, as of two booleans, each has many that are like it.
    let are_different = 2 * seen.len() > rows.len() - held_out.clone().count();
    (are_different && copies * ONE_IN > held_out.count()).then(|| {
        format!(
            "{} held out with the inputs and the target of a row that is learned from, under another id: if they are copies, the \
             model is judged too well. Name what copies share as `group`, or leave `id` out",
            counted(copies, "row")
        )
    })
}
