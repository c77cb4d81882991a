//! What tables are known by: the identity of rows, fingerprints, profiles, dates as text.

use evenstep_exact::canonical::canonical_json;
use evenstep_exact::reduce::Workers;
use evenstep_table::profile::Profile;
use evenstep_table::{Batch, Identity, Task, calendar, fingerprint};

use crate::{Item, hasher};

const ROWS: usize = 400;

pub(crate) fn items(workers: &Workers) -> Vec<Item> {
    let people = evenstep_step::sample::people(ROWS, &Task::Regression);
    let batches = in_parts(&people, workers.count());
    let identity = Identity::by_content(people.schema().into_keys());
    let mut keys: Vec<_> = batches.iter().flat_map(|batch| identity.keys(batch).unwrap_or_default()).collect();
    keys.sort_unstable();
    let mut identities = hasher();
    for key in &keys {
        identities.bytes(&key.0);
    }
    let profile = hasher().bytes(&canonical_json(&Profile::of(&batches, workers))).finish();
    let fingerprint = hasher().str(&fingerprint(&batches, &people.schema(), workers).to_string()).finish();
    let mut dates = hasher();
    for day in (-800_000..800_000).step_by(997) {
        dates.str(&calendar::print_date(day));
    }
    vec![
        ("identity".to_owned(), identities.finish()),
        ("fingerprint".to_owned(), fingerprint),
        ("profile".to_owned(), profile),
        ("dates".to_owned(), dates.finish()),
    ]
}

/// The same rows in another order and in other batches for each number of threads, which must not show.
pub(crate) fn in_parts(batch: &Batch, threads: usize) -> Vec<Batch> {
    let rows = batch.rows();
    // A step that has no divisor in common with the number of rows comes by each of them once.
    let step = (threads * 6 + 1..).find(|step| divisor(*step, rows) == 1).expect("primes are many");
    let order: Vec<usize> = (0..rows).map(|row| (row * step + threads) % rows).collect();
    order.chunks(rows.div_ceil(2 * threads + 1)).map(|part| batch.take(part)).collect()
}

fn divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { divisor(b, a % b) }
}
