//! Bundles in the hands of somebody who wishes us ill. Whatever single byte is changed, the bundle is refused and the
//! part named; whatever else is changed and sealed anew, with every hash right, comes to a result or to an error:
//! without a panic, in bounded time, with little more memory than the file takes.
//!
//! `just mutants` runs many more.

#[path = "../../../fuzz/src/dice.rs"]
#[expect(dead_code, reason = "the corpus' test draws more")]
mod dice;
#[path = "../../../fuzz/src/mutants.rs"]
mod mutants;
#[path = "../../../fuzz/src/lib.rs"]
#[expect(dead_code, unreachable_pub, reason = "the targets of `cargo fuzz` see them from outside")]
mod targets;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use evenstep_exact::draw::{Draws, Seed};
use peak_alloc::PeakAlloc;

use dice::Dice;
use mutants::{Members, long_lists, many_times, mutant, shapes};
use targets::{BUNDLES, corpus, use_artifact};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Loading takes so many times the memory of the file at most, and so much for what does not depend on it, such as
/// columns, rules and golden rows.
const TIMES: usize = 4;
const MEMORY_FREE: usize = 512 << 10;
/// Some milliseconds are enough, also on a slow host.
const TIME_MAX: Duration = Duration::from_secs(5);

/// How many are made; `MUTANTS` changes it.
fn count(usual: u64) -> u64 {
    std::env::var("MUTANTS").map_or(usual, |count| count.parse().expect("a number"))
}

fn read(name: &str) -> (Vec<u8>, Members) {
    let bytes = std::fs::read(corpus().join(format!("bundle/{name}.evenstep"))).expect("it is committed");
    let (members, _) = evenstep_bundle::unseal(&bytes).expect("it is whole");
    let members = members.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.to_owned())).collect();
    (bytes, members)
}

/// One test, so that nothing else takes memory meanwhile.
#[test]
#[expect(clippy::print_stdout, reason = "who searches for long wants to see how far it is")]
fn a_bundle_that_was_changed_is_refused_or_does_no_harm() {
    for name in BUNDLES {
        let (bytes, _) = read(name);
        (0..bytes.len()).for_each(|at| flip(&bytes, at, at % 8));
        println!("every byte of {name} changed: {} refused, each with its part", bytes.len());
    }
    let (_, trees) = read("trees");
    ["../../x", "/tmp/x", "..\\x", "..", "x\u{1b}[2J"].iter().for_each(|name| call(&trees, name));
    let large = many_times(&trees, if count(0) > 0 { 6_000 } else { 400 });
    let draws = Draws::new(Seed(2026), "flips");
    let flips = if count(0) > 0 { 10_000 } else { 300 };
    for round in 0..flips {
        let mut dice = Dice::new(&draws, round);
        flip(&large, dice.below(large.len()), dice.below(8));
    }
    println!("{flips} bytes of {} MB changed: refused, each with its part", large.len() >> 20);

    let mut failures = BTreeMap::new();
    let mut worst = Worst::default();
    worst.try_out("a large bundle", &large, TIMES, &mut failures);
    for (what, bytes) in shapes(&trees, &read("levels").1) {
        let memory = worst.try_out(what, &bytes, TIMES, &mut failures);
        println!("{what}: {:.2} times its {} KB", memory as f64 / bytes.len() as f64, bytes.len() >> 10);
    }
    let bases: Vec<Members> = BUNDLES.iter().map(|name| read(name).1).collect();
    let mut most_of_lists = 0.0_f64;
    // Of longer ones fewer are tried.
    let longer =
        bases.iter().flat_map(|base| long_lists(base, 30_000).into_iter().step_by(if count(0) > 0 { 1 } else { 37 }));
    for (what, bytes) in bases.iter().flat_map(|base| long_lists(base, 2_000)).chain(longer) {
        let memory = worst.try_out(&what, &bytes, TIMES, &mut failures);
        let times = memory as f64 / bytes.len() as f64;
        if times > 3.0 {
            println!("{what}: {times:.2} of {} KB", bytes.len() >> 10);
        }
        most_of_lists = most_of_lists.max(times);
    }
    println!("lists of JSON that go on and on: {most_of_lists:.1} times at most");
    let draws = Draws::new(Seed(2026), "mutants");
    let (rounds, started) = (count(2_000), Instant::now());
    for round in 0..rounds {
        let mut dice = Dice::new(&draws, round);
        let base = dice.below(bases.len());
        let (bytes, what) = mutant(&bases[base], &mut dice);
        let what = format!("mutant {round} of {}: {what}", BUNDLES[base]);
        worst.try_out(&what, &bytes, TIMES, &mut failures);
    }
    println!("{rounds} mutants in {:.1?}: {worst:#?}", started.elapsed());
    assert!(worst.opened > rounds / 10 && worst.refused > rounds / 10, "both ways are tried: {worst:?}");
    let said: Vec<String> = failures.into_iter().map(|(what, input)| format!("{what}: {input}")).collect();
    assert!(said.is_empty(), "{}", said.join("\n"));
}

/// A bundle with one bit changed is refused, and the part named.
fn flip(bytes: &[u8], at: usize, bit: usize) {
    let mut changed = bytes.to_owned();
    changed[at] ^= 1 << bit;
    let Err(error) = evenstep_bundle::open(&changed) else { panic!("bit {bit} of byte {at} changes nothing") };
    let said = error.to_string();
    let part = ["member `", "entry", "header", "end record", "a member is called"];
    assert!(part.iter().any(|part| said.contains(part)), "byte {at}: {said}");
}

/// A bundle that is called like a path, or like what moves a terminal's cursor, is refused: files are called like it.
fn call(members: &Members, name: &str) {
    let mut members = members.clone();
    let mut head: serde_json::Value = serde_json::from_slice(&members["artifact.json"]).expect("it is JSON");
    head["name"] = name.into();
    members.insert("artifact.json".to_owned(), evenstep_exact::canonical::canonical_json(&head));
    let Err(error) = evenstep_bundle::open(&mutants::sealed(members)) else { panic!("it may be called {name:?}") };
    assert!(error.to_string().contains("`artifact.json`"), "{error}");
}

/// What happened to the bundles that were tried out.
#[derive(Default, Debug)]
struct Worst {
    opened: u64,
    refused: u64,
    scored: u64,
    /// Of those that take more than the free memory: the most memory, in percent of the file.
    memory_percent: usize,
    memory_bytes: usize,
    time: Duration,
}

impl Worst {
    fn try_out(&mut self, what: &str, bytes: &[u8], times: usize, failures: &mut BTreeMap<String, String>) -> usize {
        let mut fail = |kind: String| {
            failures.entry(kind).or_insert_with(|| what.to_owned());
        };
        MEMORY.reset_peak_usage();
        let (before, started) = (MEMORY.current_usage(), Instant::now());
        let loaded = catch_unwind(AssertUnwindSafe(|| {
            let opened = evenstep_bundle::open(bytes).map_err(|error| error.to_string())?;
            let predictor = opened.predictor();
            Ok::<_, String>((predictor.is_ok(), opened.artifact))
        }));
        let time = started.elapsed();
        let memory = MEMORY.peak_usage().saturating_sub(before);
        self.time = self.time.max(time);
        self.memory_bytes = self.memory_bytes.max(memory);
        if memory > MEMORY_FREE {
            self.memory_percent = self.memory_percent.max(100 * memory / bytes.len());
        }
        if memory > MEMORY_FREE + times * bytes.len() {
            fail(format!("{} KB for a file of {} KB", memory >> 10, bytes.len() >> 10));
        }
        match loaded {
            Err(_) => fail("a panic while it is loaded".to_owned()),
            Ok(Err(said)) => {
                assert!(!said.is_empty());
                self.refused += 1;
            }
            Ok(Ok((replayed, artifact))) => {
                self.opened += 1;
                self.scored += u64::from(replayed);
                if catch_unwind(AssertUnwindSafe(|| use_artifact(&artifact))).is_err() {
                    fail("a panic while it is used".to_owned());
                }
            }
        }
        if started.elapsed() > TIME_MAX {
            fail(format!("more than {TIME_MAX:?}"));
        }
        memory
    }
}
