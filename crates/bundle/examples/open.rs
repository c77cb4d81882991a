//! Times in this process how long a bundle takes to open, in milliseconds: `open BUNDLE ROUNDS` prints JSON.
//! `bench/bundle` calls it.

use std::fs::File;
use std::time::Instant;

use serde_json::json;

#[expect(clippy::print_stdout, reason = "it measures, and prints what it measured")]
fn main() {
    let mut args = std::env::args().skip(1);
    let (path, rounds) = (args.next().expect("a bundle"), args.next().expect("how many rounds"));
    let rounds: usize = rounds.parse().expect("a number");
    let [mut header, mut read, mut verified, mut compiled] = [const { Vec::new() }; 4];
    let timed = |of: &mut Vec<f64>, started: Instant| of.push(started.elapsed().as_secs_f64() * 1e3);
    let mut bytes = Vec::new();
    for _ in 0..rounds {
        let started = Instant::now();
        let manifest = evenstep_bundle::peek(&mut File::open(&path).expect("a file")).expect("a bundle");
        timed(&mut header, started);
        assert!(manifest.contains_key("model.safetensors"), "a bundle has a model");

        let started = Instant::now();
        bytes = std::fs::read(&path).expect("a file");
        timed(&mut read, started);

        let started = Instant::now();
        evenstep_bundle::unseal(&bytes).expect("a bundle");
        timed(&mut verified, started);

        let started = Instant::now();
        let opened = evenstep_bundle::open(&bytes).expect("a bundle");
        opened.predictor().expect("it answers");
        timed(&mut compiled, started);
    }
    let told = [("header", header), ("read", read), ("verified", verified), ("to_first_prediction", compiled)];
    let of = |(name, mut times): (&str, Vec<f64>)| {
        times.sort_by(f64::total_cmp);
        (
            name.to_owned(),
            json!({ "least": times[0], "median": times[times.len() / 2], "worst": times[times.len() - 1] }),
        )
    };
    let times: serde_json::Map<String, serde_json::Value> = told.into_iter().map(of).collect();
    println!(
        "{}",
        json!({ "bytes": bytes.len(), "rounds": rounds, "milliseconds": times, "debug": cfg!(debug_assertions) })
    );
}
