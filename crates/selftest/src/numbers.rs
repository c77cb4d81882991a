//! Numbers as text and back, canonical JSON, and hashes.

use evenstep_exact::canonical::canonical_json;
use evenstep_exact::number::{parse_integer, parse_number, print_number};
use evenstep_exact::reduce::Workers;
use serde_json::json;

use crate::{Item, bits, hasher, points};

const WRITTEN: [&str; 16] = [
    "0.1",
    "-0",
    "1e400",
    "nan",
    "9007199254740993",
    "2.2250738585072011e-308",
    "4.9e-324",
    "1.7976931348623157e308",
    "0.30000000000000004",
    "1e23",
    "+5",
    ".5",
    "5.",
    "1_000",
    "123456789012345678901234567890",
    "9223372036854775808",
];

pub(crate) fn items(_: &Workers) -> Vec<Item> {
    let finite = || points(4096, -1e6, 1e6).filter(|x| x.is_finite());
    let mut printed = hasher();
    for x in finite() {
        printed.str(&print_number(x));
    }
    let back = finite().map(|x| parse_number(&print_number(x)).unwrap_or(f64::NAN));
    let mut read = hasher();
    for text in WRITTEN {
        match parse_number(text) {
            Some(x) => read.u64(x.to_bits()),
            None => read.null(),
        };
        match parse_integer(text) {
            Some(n) => read.i64(n),
            None => read.null(),
        };
    }
    let numbers: Vec<f64> = finite().take(100).collect();
    let value = json!({ "é": numbers, "a": u64::MAX, "b": i64::MIN, "c": [null, true, "\u{7f}\n\u{1f642}"], "": {} });
    let canonical = hasher().bytes(&canonical_json(&value)).finish();
    vec![
        ("printed".to_owned(), printed.finish()),
        ("read back".to_owned(), bits(back)),
        ("read".to_owned(), read.finish()),
        ("canonical JSON".to_owned(), canonical),
    ]
}
