//! What an answer costs without HTTP: from a request's bytes to the answer's, one thread.
//!
//! ```sh
//! cargo run --release -p evenstep-bundle --example answer -- FILE.evenstep BODY…
//! ```

use std::time::Instant;

use evenstep_pipeline::request::{Rows, answer, answer_table};

fn main() {
    let mut files = std::env::args().skip(1);
    let bundle = std::fs::read(files.next().expect("a bundle")).expect("it reads");
    let predictor = evenstep_bundle::open(&bundle).expect("a bundle").predictor().expect("it loads");
    let bodies: Vec<Vec<u8>> = files.map(|file| std::fs::read(file).expect("it reads")).collect();
    let is_arrow = bodies[0].first() != Some(&b'{') && bodies[0].first() != Some(&b'[');
    for _ in 0..7 {
        let (started, mut count, mut bytes) = (Instant::now(), 0, 0);
        while started.elapsed().as_millis() < 700 {
            for body in &bodies {
                if is_arrow {
                    let rows = Rows::arrow(body).expect("rows");
                    bytes += answer_table(&predictor, rows, 0, None).expect("an answer").columns.len();
                } else {
                    bytes += serde_json::to_vec(&answer(&predictor, body).expect("an answer")).expect("plain data").len();
                }
                count += 1;
            }
        }
        println!("{:.2} µs an answer", started.elapsed().as_secs_f64() * 1e6 / f64::from(count));
        assert!(bytes > 0);
    }
}
