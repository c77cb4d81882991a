//! What an answer costs without HTTP: from a request's bytes to the answer's, one thread.
//!
//! ```sh
//! cargo run --release -p evenstep-bundle --example answer -- FILE.evenstep BODY…
//! ```
#![allow(clippy::print_stdout, reason = "it shows what was measured")]

use std::time::Instant;

use evenstep_pipeline::request::{Rows, answer_rows, answer_table};

fn main() {
    let mut files = std::env::args().skip(1);
    let bundle = std::fs::read(files.next().expect("a bundle")).expect("it reads");
    let predictor = evenstep_bundle::open(&bundle).expect("a bundle").predictor().expect("it loads");
    let bodies: Vec<Vec<u8>> = files.map(|file| std::fs::read(file).expect("it reads")).collect();
    let is_arrow = bodies[0].first() != Some(&b'{') && bodies[0].first() != Some(&b'[');
    for _ in 0..5 {
        let (started, mut count, mut parts) = (Instant::now(), 0, [0.0; 3]);
        while started.elapsed().as_millis() < 1000 {
            for body in &bodies {
                let begun = Instant::now();
                let rows =
                    if is_arrow { Rows::arrow(body) } else { Rows::of_contract(&predictor, body) }.expect("rows");
                let read = Instant::now();
                let said = if is_arrow {
                    answer_table(&predictor, rows, 0, None).expect("an answer").columns.len()
                } else {
                    let answered = answer_rows(&predictor, rows, None).expect("an answer");
                    parts[1] += read.elapsed().as_secs_f64();
                    serde_json::to_vec(&answered.answers).expect("plain data").len()
                };
                assert!(said > 0);
                parts[0] += (read - begun).as_secs_f64();
                parts[2] += begun.elapsed().as_secs_f64();
                count += 1;
            }
        }
        let [read, answered, told] = parts.map(|seconds| seconds * 1e6 / f64::from(count));
        println!("{read:.2} µs read, {answered:.2} answered, {told:.2} with all");
    }
}
