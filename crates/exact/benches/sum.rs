//! What exactness costs: each fast path beside the plain way.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use evenstep_exact::canonical::Hasher;
use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::moments::Centred;
use evenstep_exact::multiset::AdHash;
use evenstep_exact::quantile::{QuantileRound, Ranks, Rule};
use evenstep_exact::sum::ExactSum;
use evenstep_exact::{maths, number, sort};

fn main() {
    divan::main();
}

const LARGE: usize = 10_000_000;
const SMALL: usize = 100_000;

/// Normal numbers around 3, as a column of measurements has them.
fn values(n: usize) -> Vec<f64> {
    let draws = Draws::new(Seed(1), "bench");
    (0..n as u128).map(|i| 3.0 + draws.normal(&i.to_le_bytes(), 0)).collect()
}

/// Magnitudes from 1e-300 to 1e300, which no window holds.
fn wild(n: usize) -> Vec<f64> {
    let draws = Draws::new(Seed(2), "bench");
    let exponent = |i: u128| 600.0 * draws.uniform(&i.to_le_bytes()) - 300.0;
    (0..n as u128).map(|i| maths::pow(10.0, exponent(i)) * if i % 2 == 0 { 1.0 } else { -1.0 }).collect()
}

fn over(bencher: Bencher, values: Vec<f64>, f: impl Fn(&[f64]) -> f64 + Sync) {
    bencher.counter(ItemsCount::new(values.len())).bench(|| f(black_box(&values)));
}

#[divan::bench(args = [SMALL, LARGE], sample_count = 20)]
fn sum_plain(bencher: Bencher, n: usize) {
    over(bencher, values(n), |values| values.iter().sum());
}

#[divan::bench(args = [LARGE], sample_count = 20)]
fn sum_plain_wild(bencher: Bencher, n: usize) {
    over(bencher, wild(n), |values| values.iter().sum());
}

#[divan::bench(args = [SMALL, LARGE], sample_count = 20)]
fn sum_exact(bencher: Bencher, n: usize) {
    over(bencher, values(n), |values| {
        let mut sum = ExactSum::default();
        sum.add_slice(values);
        sum.value()
    });
}

#[divan::bench(args = [LARGE], sample_count = 20)]
fn sum_exact_wild(bencher: Bencher, n: usize) {
    over(bencher, wild(n), |values| {
        let mut sum = ExactSum::default();
        sum.add_slice(values);
        sum.value()
    });
}

#[divan::bench(args = [SMALL])]
fn sum_exact_one_by_one(bencher: Bencher, n: usize) {
    over(bencher, values(n), |values| {
        let mut sum = ExactSum::default();
        values.iter().for_each(|x| sum.add(*x));
        sum.value()
    });
}

#[divan::bench(args = [SMALL])]
fn sum_exact_products(bencher: Bencher, n: usize) {
    over(bencher, values(n), |values| {
        let mut sum = ExactSum::default();
        values.iter().for_each(|x| sum.add_product(*x, *x));
        sum.value()
    });
}

fn in_place(bencher: Bencher, f: impl Fn(&mut [f64]) + Sync) {
    bencher.counter(ItemsCount::new(4096_usize)).with_inputs(|| values(4096)).bench_local_refs(|values| f(values));
}

#[divan::bench]
fn exp_slice(bencher: Bencher) {
    in_place(bencher, maths::exp_slice);
}

#[divan::bench]
fn ln_slice(bencher: Bencher) {
    in_place(bencher, maths::ln_slice);
}

#[divan::bench]
fn log1p_slice(bencher: Bencher) {
    in_place(bencher, maths::log1p_slice);
}

#[divan::bench]
fn sigmoid_slice(bencher: Bencher) {
    in_place(bencher, maths::sigmoid_slice);
}

#[divan::bench(args = [4096, 1_000_000])]
fn sort_radix(bencher: Bencher, n: usize) {
    bencher.counter(ItemsCount::new(n)).with_inputs(|| values(n)).bench_local_refs(|values| sort::sort_floats(values));
}

#[divan::bench(args = [4096, 1_000_000])]
fn sort_std(bencher: Bencher, n: usize) {
    bencher
        .counter(ItemsCount::new(n))
        .with_inputs(|| values(n))
        .bench_local_refs(|values| values.sort_unstable_by(f64::total_cmp));
}

#[divan::bench]
fn adhash_add_64(bencher: Bencher) {
    let mut hash = AdHash::default();
    bencher.bench_local(|| hash.add(black_box(&[[7; 32]; 64])));
}

#[divan::bench]
fn draw_uniform(bencher: Bencher) {
    let draws = Draws::new(Seed(1), "bench");
    bencher.bench_local(|| draws.uniform(black_box(&[7; 16])));
}

#[divan::bench(args = [SMALL, LARGE], sample_count = 20)]
fn ranks(bencher: Bencher, n: usize) {
    let round = QuantileRound::start(&[0.5], Rule::AveragedInvertedCdf);
    over(bencher, values(n), |values| {
        let mut seen = Ranks::default();
        values.chunks(8192).for_each(|chunk| seen.observe(&round, chunk));
        black_box(&seen);
        0.0
    });
}

#[divan::bench(args = [SMALL])]
fn variance(bencher: Bencher, n: usize) {
    over(bencher, values(n), |values| {
        let mut seen = Centred::default();
        seen.observe_slice(values, 3.0);
        seen.variance(1).expect("values")
    });
}

#[divan::bench]
fn row_hash(bencher: Bencher) {
    let mut hasher = Hasher::new("evenstep bench");
    bencher.bench_local(|| hasher.reset().i64(black_box(7)).str("Bloomington").f64(0.1).finish16());
}

#[divan::bench]
fn number_parse(bencher: Bencher) {
    bencher.bench(|| number::parse_number(black_box("-12345.678")));
}

#[divan::bench]
fn number_parse_std(bencher: Bencher) {
    bencher.bench(|| black_box("-12345.678").parse::<f64>());
}

#[divan::bench]
fn number_print(bencher: Bencher) {
    let mut text = String::new();
    bencher.bench_local(|| {
        text.clear();
        number::write_number(&mut text, black_box(-12345.678))
    });
}
