//! Whatever parses foreign bytes: every file of `fuzz/corpus`, and thousands of mutations of each,
//! come to a result or to an error with a message. No panic, and no memory for a length that
//! bytes only claim. The targets are those of `cargo fuzz`, here on any compiler.

#[path = "../../../fuzz/src/dice.rs"]
mod dice;
#[expect(unreachable_pub, reason = "the targets of `cargo fuzz` see them from outside")]
#[path = "../../../fuzz/src/lib.rs"]
mod targets;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use dice::{Dice, changed_json};
use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::Workers;
use evenstep_pipeline::lock::Facts;
use evenstep_pipeline::trace::{Head, Origin, Recorder, SALT_BYTES, Salt};
use evenstep_pipeline::{Run, Silent, Spec, lock, train};
use peak_alloc::PeakAlloc;
use targets::{BUNDLES, TARGETS, Target, corpus};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Mutations of each file; `FUZZ_MUTATIONS` changes it.
const MUTATIONS: u64 = 200;
/// No input of the corpus has more than some kilobytes: what takes more was claimed, not there.
const MEMORY_MAX: usize = 64 << 20;
/// An input takes some milliseconds, also on a slow host.
const TIME_MAX: Duration = Duration::from_secs(5);

#[test]
#[expect(clippy::print_stdout, reason = "who searches for long wants to see how far it is")]
fn no_bytes_make_a_reader_panic_or_swell() {
    let mutations = std::env::var("FUZZ_MUTATIONS").map_or(MUTATIONS, |count| count.parse().expect("a number"));
    let only = std::env::var("FUZZ_TARGET").ok();
    let mut failures = BTreeMap::new();
    for target in TARGETS.iter().filter(|(name, _)| only.as_ref().is_none_or(|only| only == name)) {
        let started = Instant::now();
        let ran = replay(target, mutations, &mut failures);
        assert!(ran > mutations, "target `{}` has a corpus", target.0);
        println!("{:14} {ran:6} inputs in {:.1?}", target.0, started.elapsed());
    }
    let said: Vec<String> = failures.into_iter().map(|(what, input)| format!("{input}: {what}")).collect();
    assert!(said.is_empty(), "add the input to the corpus, and mend what it found:\n{}", said.join("\n"));
}

/// Gives a target its corpus and mutations of it; how many inputs that were.
fn replay((name, run): &Target, mutations: u64, failures: &mut BTreeMap<String, String>) -> u64 {
    let files = files(&corpus().join(name));
    let draws = Draws::new(Seed(2026), "fuzz").within(name);
    let last = &Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-last"));
    let mut ran = 0;
    for (file, bytes) in &files {
        for round in 0..=mutations {
            let input = if round == 0 { bytes.clone() } else { mutated(bytes, &files, &draws.within(file), round) };
            // What ends the process ends it here: the input is there to be looked at.
            std::fs::write(last, &input).expect("the folder is ours");
            if let Err(what) = survive(*run, &input) {
                let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{round}-{file}"));
                std::fs::write(&path, &input).expect("the folder is ours");
                failures.entry(what).or_insert_with(|| path.display().to_string());
            }
            ran += 1;
        }
    }
    ran
}

/// The files of a folder, by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("every target has a corpus");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.sort_unstable();
    let name = |path: &Path| path.file_name().expect("a file").to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read(path).expect("a file"))).collect()
}

fn survive(run: fn(&[u8]), input: &[u8]) -> Result<(), String> {
    MEMORY.reset_peak_usage();
    let (before, started) = (MEMORY.current_usage(), Instant::now());
    catch_unwind(AssertUnwindSafe(|| run(input))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        text.unwrap_or("a panic").to_owned()
    })?;
    if started.elapsed() > TIME_MAX {
        return Err(format!("more than {TIME_MAX:?} for so few bytes"));
    }
    let swollen = MEMORY.peak_usage().saturating_sub(before);
    if swollen > MEMORY_MAX { Err(format!("more than {} MB for so few bytes", MEMORY_MAX >> 20)) } else { Ok(()) }
}

/// What readers are known to stumble over.
const WORDS: [&str; 30] = [
    "\"",
    "\"\"",
    ",",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\u{feff}",
    "é",
    "\u{10ffff}",
    "nan",
    "-inf",
    "-0",
    "1e999",
    "1e-999",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "4294967296",
    "0",
    "-1",
    "true",
    "null",
    "[",
    "{",
    "}",
    "[[[[[[[[",
    "2024-02-30",
    "-262144-01-01T00:00:00Z",
    "= ",
];

/// A file with some changes that follow from its name and the round alone.
fn mutated(bytes: &[u8], files: &[(String, Vec<u8>)], draws: &Draws, round: u64) -> Vec<u8> {
    let mut dice = Dice::new(draws, round);
    if dice.below(2) == 0
        && let Some(changed) = changed_json(bytes, &mut dice)
    {
        return changed;
    }
    let mut bytes = bytes.to_owned();
    // A header that names what the rest belongs to is left alone mostly.
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len());
        match dice.below(9) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
            1 if !bytes.is_empty() => bytes[at] = *dice.of(&[0, 1, 0x7f, 0x80, 0xff]),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(dice.range(&bytes, 40))),
            4 => {
                let again = bytes[dice.range(&bytes, 200)].to_owned();
                bytes.splice(at..at, again);
            }
            5 => {
                let other = &dice.of(files).1;
                let piece = other[dice.range(other, 400)].to_owned();
                let gone = dice.range(&bytes, 400);
                bytes.splice(gone, piece);
            }
            6 => {
                let number: i64 = *dice.of(&[-1, i64::MIN, i64::MAX, 1 << 31, i64::from(i32::MAX), 0, 1 << 40]);
                let width = *dice.of(&[2, 4, 8]);
                for (byte, new) in bytes.iter_mut().skip(at).zip(number.to_le_bytes().into_iter().take(width)) {
                    *byte = new;
                }
            }
            7 => {
                let word = dice.of(&WORDS).bytes();
                bytes.splice(at..at, word);
            }
            _ => {
                // A digit, a letter or a sign becomes another: what is text stays text.
                let place = bytes.iter().skip(at).position(u8::is_ascii_alphanumeric);
                if let Some(place) = place {
                    bytes[at + place] = *dice.of(b"0123456789-.eaZ_");
                }
            }
        }
    }
    bytes
}

/// After the format of bundles changed:
/// `cargo test -p evenstep --test fuzz_corpus -- --ignored`
#[test]
#[ignore = "writes the corpus' bundles, their members and locks anew"]
fn write_the_bundles_of_the_corpus() {
    let workers = Workers::threads(1);
    for name in BUNDLES {
        let mut spec = Spec::read(&corpus().join(format!("spec/{name}.toml")), &[]).expect("a spec");
        spec.data.source = "../../base/data.csv".to_owned();
        let recorder = Recorder::default();
        let run = Run { workers: &workers, progress: &Silent, trace: Some(&recorder) };
        let artifact = train::train(&spec, &run).expect("it trains").artifact;
        let bytes = evenstep_bundle::pack(&artifact, &lock::body(&artifact), "").expect("it is small");
        let (mut members, _) = evenstep_bundle::unseal(&bytes).expect("it was written now");
        // The list of libraries is long, and nothing reads it.
        members.insert("sbom.json", b"{}");
        let write = |path: String, bytes: &[u8]| std::fs::write(corpus().join(path), bytes).expect("written");
        for (member, bytes) in members.iter().filter(|(member, _)| !UNREAD.contains(member)) {
            let content = [format!("{name} {member}\n").as_bytes(), bytes].concat();
            write(format!("bundle_member/{name}-{member}"), &content);
        }
        // Sketches are long, and sealed: no change of them is one that opens.
        let trace = recorder.trace(Head::of(&artifact, Origin::Train), &Salt::new(&[7; SALT_BYTES])).without_rows();
        write(format!("trace/{name}.trace"), &trace.to_bytes());
        write(format!("lock/{name}.lock"), lock::text(&artifact, &Facts::default()).as_bytes());
        let members = members.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.to_owned())).collect();
        write(format!("bundle/{name}.evenstep"), &evenstep_bundle::seal(members).expect("it is small"));
    }
}

/// Members that are not read when an artifact is.
const UNREAD: [&str; 5] = ["sbom.json", "report.html", "card.md", "identity.json", "pipeline.lock"];
