//! The released digests are those that this host computes, in every way that it can.

use std::fmt::Write;
use std::path::Path;

use evenstep_exact::simd;
use evenstep_selftest::{Outcome, run};

const HEAD: &str =
    "# The digest of everything, then each item's, shortened. They change only with an epoch, or with an item.\n";

fn text(outcome: &Outcome) -> String {
    let mut text = format!("{HEAD}everything {}\n", outcome.digest);
    for (part, name, digest) in &outcome.items {
        writeln!(text, "{part} {name} {}", &digest.to_string()[..16]).expect("a string takes what is written");
    }
    text
}

/// After an item was added, or an epoch raised: `UPDATE_RELEASED=1 cargo test -p evenstep-selftest`.
#[test]
fn every_way_of_computing_gives_the_released_digest() {
    let outcome = run(&|_| ());
    let refused: Vec<_> = outcome.items.iter().filter(|(.., digest)| digest.0 == [0; 32]).collect();
    assert!(refused.is_empty(), "what is refused is not tested: {refused:?}");
    if std::env::var_os("UPDATE_RELEASED").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("released.txt");
        std::fs::write(path, text(&outcome)).expect("the folder is there");
        return;
    }
    let differs: Vec<String> = outcome.parts.iter().map(|part| format!("{}: {:?}", part.name, part.differs)).collect();
    assert!(outcome.equal, "{differs:#?}\nif this is on purpose, `UPDATE_RELEASED=1 cargo test -p evenstep-selftest`");
    assert_eq!(outcome.digest, outcome.released);
    assert_eq!(simd::level(), *simd::available().last().expect("there is a baseline"), "the widest are in use again");
    assert_eq!(outcome.items.iter().filter(|(part, ..)| *part == "steps").count(), evenstep_step::CATALOGUE.len());
    assert!(outcome.items.iter().filter(|(part, ..)| *part == "models").count() > evenstep_model::CATALOGUE.len());
}
