//! The self-test: what an engine computes, part by part, has one digest on every host.
//!
//! Nothing is read and nothing written. Whatever a pipeline's answer rests on is computed from rows that are made up by
//! integer arithmetic: by each kind of registers that the processor has, on 1, 2 and 7 threads. The released
//! digests are compiled in, item by item, so that a host that gives other bits hears where.

mod draws;
mod maths;
mod models;
mod numbers;
mod pipelines;
mod quantiles;
mod released;
mod steps;
mod sums;
mod tables;

use evenstep_exact::canonical::{Digest, Hasher};
use evenstep_exact::reduce::Workers;
use evenstep_exact::simd::{self, Level};
use serde::Serialize;

pub use released::{Released, released};

/// The numbers of threads that everything is computed on.
pub const THREADS: [usize; 3] = [1, 2, 7];

/// One thing that is computed, and the digest of its bits.
type Item = (String, Digest);

/// What stands for an item that the engine refused to compute. No released item has it.
const REFUSED: Digest = Digest([0; 32]);

/// A part of the engine.
struct Part {
    name: &'static str,
    about: &'static str,
    items: fn(&Workers) -> Vec<Item>,
}

/// Bottom up: the first part that differs is the one to look at.
const PARTS: [Part; 9] = [
    Part { name: "numbers", about: "numbers read and printed, canonical JSON, hashes", items: numbers::items },
    Part { name: "maths", about: "functions, over points of any size", items: maths::items },
    Part { name: "sums", about: "exact sums, means, variances, correlations", items: sums::items },
    Part { name: "quantiles", about: "exact quantiles and sorting", items: quantiles::items },
    Part { name: "draws", about: "keyed random numbers", items: draws::items },
    Part { name: "tables", about: "row identity, fingerprints, profiles, dates", items: tables::items },
    Part { name: "steps", about: "every step fitted and applied", items: steps::items },
    Part { name: "models", about: "every model fitted, asked and explained", items: models::items },
    Part { name: "pipelines", about: "pipelines trained, loaded and asked", items: pipelines::items },
];

/// What came out.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Whether every bit is the released one.
    pub equal: bool,
    /// The digest of all items, as this host computes them with the narrowest registers on one thread.
    pub digest: String,
    /// The digest that it must be.
    pub released: String,
    /// The kinds of registers that were tried.
    pub simd: Vec<&'static str>,
    /// The numbers of threads that were tried.
    pub threads: Vec<usize>,
    /// Part by part.
    pub parts: Vec<PartOutcome>,
    /// Item by item: part, name, digest.
    #[serde(skip)]
    pub items: Vec<(&'static str, String, Digest)>,
}

/// What came out of a part.
#[derive(Clone, Debug, Serialize)]
pub struct PartOutcome {
    /// Its name.
    pub name: &'static str,
    /// What it computes.
    pub about: &'static str,
    /// Whether every bit is the released one.
    pub equal: bool,
    /// How many items it has.
    pub items: usize,
    /// The items that differ, each once, and where they did so first.
    pub differs: Vec<Difference>,
}

/// An item that has other bits.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// Which.
    pub item: String,
    /// The registers.
    pub simd: &'static str,
    /// The threads.
    pub threads: usize,
}

/// Computes everything, in every way that this host can. `told` hears which part is next.
///
/// Not beside other work: it changes which registers the process uses, and leaves it with the widest.
pub fn run(told: &dyn Fn(&str)) -> Outcome {
    let released = released();
    let mut outcome = Outcome {
        equal: true,
        digest: String::new(),
        released: released.digest.clone(),
        simd: simd::available().into_iter().map(Level::word).collect(),
        threads: THREADS.to_vec(),
        parts: Vec::new(),
        items: Vec::new(),
    };
    for part in &PARTS {
        let mut here = PartOutcome { name: part.name, about: part.about, equal: true, items: 0, differs: Vec::new() };
        for level in simd::available() {
            simd::limit(level);
            for threads in THREADS {
                told(&format!("{}, {} on {threads}", part.name, level.word()));
                let items = (part.items)(&Workers::threads(threads));
                for name in released.differing(part.name, &items) {
                    if here.differs.iter().all(|known| known.item != name) {
                        here.differs.push(Difference { item: name, simd: level.word(), threads });
                    }
                }
                if here.items == 0 {
                    here.items = items.len();
                    outcome.items.extend(items.into_iter().map(|(name, digest)| (part.name, name, digest)));
                }
            }
        }
        here.equal = here.differs.is_empty();
        outcome.equal &= here.equal;
        outcome.parts.push(here);
    }
    outcome.digest = digest_of(&outcome.items).to_string();
    outcome
}

/// The digest of everything.
fn digest_of(items: &[(&'static str, String, Digest)]) -> Digest {
    let mut hasher = hasher();
    for (part, name, digest) in items {
        hasher.str(part).str(name).bytes(&digest.0);
    }
    hasher.finish()
}

fn hasher() -> Hasher {
    Hasher::new("evenstep selftest 1")
}

/// The digest of numbers, bit by bit.
fn bits(numbers: impl IntoIterator<Item = f64>) -> Digest {
    let mut hasher = hasher();
    for x in numbers {
        hasher.u64(x.to_bits());
    }
    hasher.finish()
}

/// Points of any bits, and as many between two bounds, from integers alone.
fn points(count: u64, low: f64, high: f64) -> impl Iterator<Item = f64> {
    let mut state = 1_u64;
    (0..count).map(move |n| {
        // Knuth's multiplier and increment for a linear congruential generator, The Art of Computer Programming 2, 3.3.4.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bits = state ^ state >> 29;
        if n % 2 == 0 {
            f64::from_bits(bits)
        } else {
            low + (high - low) * ((bits >> 11) as f64 / (1_u64 << 53) as f64)
        }
    })
}
