//! Random numbers, which are functions of seed, purpose and key.

use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::multiset::AdHash;
use evenstep_exact::reduce::Workers;

use crate::{Item, bits, hasher};

const KEYS: u128 = 2000;

pub(crate) fn items(workers: &Workers) -> Vec<Item> {
    let draws = Draws::new(Seed(2026), "selftest").within("column");
    let keys: Vec<[u8; 16]> = (0..KEYS).map(|n| (n * 0x9e37_79b9_7f4a_7c15_f39c_c060).to_le_bytes()).collect();
    let all = |of: &dyn Fn(&[u8; 16], u32) -> u64| {
        let mut hasher = hasher();
        for (at, key) in keys.iter().enumerate() {
            hasher.u64(of(key, at as u32 % 5));
        }
        hasher.finish()
    };
    let normal = keys.iter().zip(0..).map(|(key, n)| draws.normal(key, n));
    let set: AdHash = workers.fold(keys.len(), |at, set: &mut AdHash| {
        set.add(&[hasher().bytes(&keys[at]).finish().0]);
    });
    vec![
        ("bits".to_owned(), all(&|key, n| draws.bits(key, n))),
        ("uniform".to_owned(), all(&|key, n| draws.uniform_at(key, n).to_bits())),
        ("normal".to_owned(), bits(normal)),
        ("below".to_owned(), all(&|key, n| draws.below(key, u64::from(n) * 1_000_003 + 1))),
        ("folds".to_owned(), all(&|key, n| u64::from(draws.fold(key, n + 2)))),
        ("bootstrap".to_owned(), all(&|key, n| u64::from(draws.bootstrap_count(key, n)))),
        ("set of hashes".to_owned(), set.digest()),
    ]
}
