//! What the host allows: its clock, copying in memory, adding into small tables.

use std::hint::black_box;
use std::time::Instant;

use serde_json::{Value, json};

/// Each figure is the best of several, since whatever else runs can only slow it down.
const TRIES: usize = 7;

pub(crate) fn measure() -> Value {
    let scatter = [scatter_adds_per_s::<4>(), scatter_adds_per_s::<8>(), scatter_adds_per_s::<14>()];
    json!({
        "clock_ghz": clock_hz() / 1e9,
        "copy_gb_s_1": copied_bytes_per_s(1) / 1e9,
        "copy_gb_s": copied_bytes_per_s(2) / 1e9,
        "scatter_adds_s": scatter.into_iter().fold(0.0, f64::max),
    })
}

fn best(mut per_s: impl FnMut() -> f64) -> f64 {
    (0..TRIES).map(|_| per_s()).fold(0.0, f64::max)
}

/// From a chain of multiplications (3 cycles) and exclusive ors (1 cycle), each waiting for the one before.
fn clock_hz() -> f64 {
    const STEPS: u64 = 50_000_000;
    best(|| {
        let begun = Instant::now();
        let mut x = black_box(1_u64);
        for step in 0..STEPS {
            x = x.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ step;
        }
        black_box(x);
        4.0 * STEPS as f64 / begun.elapsed().as_secs_f64()
    })
}

/// Bytes read and bytes written, by all threads together.
fn copied_bytes_per_s(threads: usize) -> f64 {
    const BYTES: usize = 128 << 20;
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = (0..threads).map(|_| (vec![1; BYTES], vec![2; BYTES])).collect();
    best(|| {
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for (from, to) in &mut pairs {
                scope.spawn(|| black_box(to).copy_from_slice(black_box(from)));
            }
        });
        (2 * BYTES * threads) as f64 / begun.elapsed().as_secs_f64()
    })
}

/// Additions of a word to an entry of a table of 256 that a byte names: a histogram's inner loop with
/// tables and bytes in the first-level cache, on one thread.
fn scatter_adds_per_s<const TABLES: usize>() -> f64 {
    const ROWS: usize = 1024;
    const PASSES: usize = 4000;
    let mut state = 7_u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let rows: Vec<[u8; TABLES]> = (0..ROWS).map(|_| std::array::from_fn(|_| byte())).collect();
    let mut tables = [[0_u64; 256]; TABLES];
    best(|| {
        let begun = Instant::now();
        for pass in 0..PASSES as u64 {
            for row in black_box(&rows) {
                for (table, byte) in tables.iter_mut().zip(row) {
                    table[usize::from(*byte)] += pass;
                }
            }
        }
        black_box(&tables);
        (ROWS * TABLES * PASSES) as f64 / begun.elapsed().as_secs_f64()
    })
}
