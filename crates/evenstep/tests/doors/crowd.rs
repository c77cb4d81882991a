//! Requests over HTTP/2 that are many, don't end, or are refused before they did.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::caller::{Caller, Open};
use crate::client::{JSON, small};

/// Requests that one address may have under way, of all that there are places for.
const OF_ONE: usize = 3072;
const AT_ONCE: usize = 128;

#[test]
fn requests_without_their_bodies_take_places_of_which_there_are_so_many() {
    let server = small();
    let row = br#"{"x": 1, "z": 2}"#;
    let before = server.memory();
    let padding = "x".repeat(12 << 10);
    let head = [("content-type", JSON), ("content-length", "16000000"), ("x-padding", &padding)];
    let connect = || {
        let caller = Caller::connect(&server.address);
        let open = caller.leave_open("/predict", &head, AT_ONCE);
        (caller, open)
    };
    let mut crowd: Vec<(Caller, Vec<Open>)> = (0..OF_ONE / AT_ONCE + 6).map(|_| connect()).collect();
    sleep(Duration::from_millis(500));
    let mut refused = 0;
    for (caller, open) in &mut crowd {
        for status in open.iter_mut().filter_map(|open| caller.status_of(open)) {
            assert_eq!(status, 503);
            refused += 1;
        }
    }
    assert_eq!(refused, crowd.len() * AT_ONCE - OF_ONE);
    let taken = server.memory().zip(before).map(|(with, before)| with - before);
    assert!(taken.is_none_or(|megabytes| megabytes < 300), "{taken:?} MB");
    // Whoever has a place is answered as ever, and who has none learns so whatever it sends.
    server.predict(JSON, JSON, row).ok();
    let (status, reset) =
        Caller::connect(&server.address).send_late("/predict", &[("content-type", JSON)], vec![b' '; 300_000]);
    assert_eq!((status, reset), (503, None));

    drop(crowd);
    let (caller, began) = (Caller::connect(&server.address), Instant::now());
    while caller.send("/predict", &[("content-type", JSON)], row.to_vec()).http != 200 {
        assert!(began.elapsed() < Duration::from_secs(10), "the places are free again");
    }
}

#[test]
fn who_is_refused_may_send_its_body_to_the_end() {
    let server = small();
    let caller = Caller::connect(&server.address);
    for (path, status) in [("/nowhere", 404), ("/v2/models/q/infer", 404), ("/health", 405)] {
        let (answered, reset) = caller.send_late(path, &[("content-type", JSON)], vec![b' '; 300_000]);
        assert_eq!((answered, reset), (status, None), "{path}");
    }
    let long = "x".repeat(17 << 10);
    assert_eq!(caller.send("/predict", &[("content-type", JSON), ("x-long", &long)], Vec::new()).http, 431);
}
