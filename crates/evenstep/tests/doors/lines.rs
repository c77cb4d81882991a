//! Rows that come line by line.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::client::{JSON, LINES, Server, small};

#[test]
fn lines_are_answered_up_to_the_first_that_is_wrong_wherever_they_are_cut() {
    let server = small();
    let good = |n: usize| format!("{{\"x\": {}, \"z\": {}.5}}\n", n % 17, n % 5);
    let rows: String = (0..3000).map(good).collect();
    let whole = server.predict(LINES, "*/*", rows.as_bytes()).ok();
    assert_eq!(whole.lines().len(), 3000);
    assert_eq!(whole.lines()[2999]["row"], 2999);
    for wrong in ["{\"x\": \"a\", \"z\": 1}\n", "{\"x\": 1, \"w\": 1, \"z\": 1}\n", "[1]\n", "{\"x\": 1,\n"] {
        for before in [0, 1, 2500] {
            let rows: String = (0..before).map(good).chain([wrong.to_owned()]).chain((0..9).map(good)).collect();
            let lines = server.predict(LINES, LINES, rows.as_bytes()).ok().lines();
            assert_eq!(lines.len(), before + 1, "{wrong}");
            let last = &lines[before];
            assert_eq!(last["row"], before, "{last}");
            assert!(last["error"]["status"] == 422 || last["error"]["status"] == 400, "{last}");
            assert!(lines[..before].iter().all(|line| line["prediction"].is_number()));
        }
    }

    // Lines count as editors count them.
    let blank = good(1) + "\n\n{oops\n";
    let expected = "line 4: the line is no JSON: key must be a string at column 2";
    let told = server.predict(LINES, LINES, blank.as_bytes()).ok().lines();
    assert_eq!((&told[1]["error"]["detail"], &told[1]["row"]), (&expected.into(), &1.into()));
    assert_eq!(server.predict(LINES, JSON, blank.as_bytes()).json()["detail"], expected);
    let far = format!("{}{blank}", (0..2500).map(good).collect::<String>());
    let told = server.predict(LINES, LINES, far.as_bytes()).ok().lines();
    assert!(told[2501]["error"]["detail"].as_str().is_some_and(|detail| detail.starts_with("line 2504: ")));

    // The answer to what came is there before the rest was sent.
    let mut lines = Lines::begin(&server);
    for n in 0..3 {
        let line = good(n);
        let (start, end) = line.split_at(5);
        [start, end].into_iter().for_each(|piece| lines.send(piece));
        lines.read(n + 1);
    }
}

/// A body of lines under way, over HTTP/1.1.
struct Lines {
    stream: TcpStream,
    answered: String,
}

impl Lines {
    fn begin(server: &Server) -> Lines {
        let mut stream = TcpStream::connect(&server.address).expect("it listens");
        let head = format!(
            "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {LINES}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it reads");
        Lines { stream, answered: String::new() }
    }

    fn send(&mut self, piece: &str) {
        self.stream.write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).expect("it reads");
    }

    /// Reads until so many rows are answered.
    fn read(&mut self, rows: usize) {
        while self.answered.matches("prediction").count() < rows {
            let mut buffer = [0; 4096];
            let read = self.stream.read(&mut buffer).expect("it answers");
            self.answered += &String::from_utf8_lossy(&buffer[..read]);
            assert!(read > 0 && !self.answered.contains("error"), "{}", self.answered);
        }
    }
}

#[test]
fn a_long_line_leaves_nothing_behind() {
    let server = small();
    let long = format!("{}\n{{\"x\": 1, \"z\": 2}}\n", " ".repeat(1_000_000));
    let ask = |_| {
        let mut lines = Lines::begin(&server);
        lines.send(&long);
        lines.read(1);
        lines
    };
    let some: Vec<Lines> = (0..3).map(ask).collect();
    let before = server.memory();
    let more: Vec<Lines> = (0..60).map(ask).collect();
    let taken = || server.memory().zip(before).map(|(with, before)| with.saturating_sub(before));
    // What is free goes back to the system a little later.
    let begun = Instant::now();
    while taken().is_some_and(|megabytes| megabytes >= 20) && begun.elapsed() < Duration::from_secs(10) {
        sleep(Duration::from_millis(100));
    }
    let taken = taken();
    assert!(taken.is_none_or(|megabytes| megabytes < 20), "{taken:?} MB for {}", some.len() + more.len());
}

#[test]
fn a_line_may_have_a_mebibyte_wherever_it_is_cut() {
    const MOST: usize = 1 << 20;
    let server = small();
    let row = "{\"x\": 1, \"z\": 2}";
    let line = |bytes: usize| format!("{row}{}\n", " ".repeat(bytes - row.len()));
    for (lines, status, words) in [
        (line(MOST), None, ""),
        (line(MOST + 1), Some(413), "a line may have 1 MiB"),
        // Without an end.
        (line(2 * MOST).trim_end_matches('\n').to_owned(), Some(413), "a line may have 1 MiB"),
        // Blanks.
        (" ".repeat(MOST + 1) + "\n", Some(413), "a line may have 1 MiB"),
    ] {
        let body = format!("{row}\n{lines}{row}\n");
        let told = server.predict(LINES, LINES, body.as_bytes()).ok().lines();
        match status {
            None => assert_eq!(told.len(), 3),
            Some(status) => {
                assert_eq!(told.len(), 2, "{told:?}");
                assert_eq!((&told[1]["error"]["status"], &told[1]["row"]), (&status.into(), &1.into()));
                assert_eq!(told[1]["error"]["detail"], format!("line 2: {words}"));
            }
        }
        let told = server.predict(LINES, JSON, body.as_bytes());
        assert_eq!(told.status, status.unwrap_or(200));
        assert!(status.is_none() || told.text().contains(&format!("line 2: {words}")), "{}", told.text());
        // The line comes at once with the one before and the one after, or byte by byte: it is as long as it is.
        let head = format!(
            "POST /predict HTTP/1.0\r\nHost: localhost\r\nContent-Type: {LINES}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(&server.address).expect("it listens");
        stream.write_all(head.as_bytes()).expect("it reads");
        for piece in body.as_bytes().chunks(100_000) {
            let _ = stream.write_all(piece);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert_eq!(answer.contains(words) && !words.is_empty(), status.is_some(), "{answer}");
    }
}

#[test]
fn a_client_that_asks_first_is_told_to_go_on() {
    let server = small();
    let mut stream = TcpStream::connect(&server.address).expect("it listens");
    let row = b"{\"x\": 1, \"z\": 2}\n";
    let head = format!(
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {LINES}\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\nConnection: close\r\n\r\n",
        row.len()
    );
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut told = [0; 25];
    stream.read_exact(&mut told).expect("it says whether to go on");
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(row).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("prediction"), "{answer}");
}

#[cfg(unix)]
#[test]
fn lines_under_way_over_http_2_are_answered_before_their_client_is_told_that_the_server_ends() {
    // Kinds of frames, and the flag of the last of a request or an answer (RFC 9113, 6).
    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const RESET: u8 = 3;
    const GO_AWAY: u8 = 7;
    const LAST: u8 = 1;
    let mut server = small();
    let mut stream = TcpStream::connect(&*server.address).expect("it listens");
    let frame = |kind: u8, flags: u8, payload: &[u8]| {
        let length = (payload.len() as u32).to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    };
    let row = b"{\"x\": 1, \"z\": 2}\n";
    // `:method: POST`, `:scheme: http`, `:path`, `:authority` and `content-type` (RFC 7541).
    let head = b"\x83\x86\x04\x08/predict\x01\x09localhost\x0f\x10\x14application/x-ndjson";
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    stream.write_all(&[preface, &*frame(HEADERS, 4, head), &*frame(DATA, 0, row)].concat()).expect("it reads");
    let next = |stream: &mut TcpStream| {
        let mut head = [0; 9];
        stream.read_exact(&mut head).expect("a frame");
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).expect("all of it");
        (head[3], head[4], String::from_utf8_lossy(&payload).into_owned())
    };
    while next(&mut stream).0 != DATA {}
    server.tell_to_stop();
    sleep(Duration::from_millis(800));
    stream.write_all(&frame(DATA, LAST, row)).expect("it reads");
    loop {
        let (kind, flags, payload) = next(&mut stream);
        assert!(![RESET, GO_AWAY].contains(&kind), "{kind}: {payload}");
        if kind == DATA && flags & LAST == LAST {
            break;
        }
    }
    while next(&mut stream).0 != GO_AWAY {}
    server.wait();
}
