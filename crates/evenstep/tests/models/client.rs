//! A client that keeps its connection, and says what it is told to.

use std::io::{BufRead, BufReader, Read, Write};

pub(crate) use crate::common::told::Told;

/// A connection, over TCP or TLS.
pub(crate) struct Connection<S: Read + Write>(BufReader<S>);

impl<S: Read + Write> Connection<S> {
    pub(crate) fn new(stream: S) -> Connection<S> {
        Connection(BufReader::new(stream))
    }

    /// Asks, and reads the answer to its end.
    pub(crate) fn ask(&mut self, method: &str, path: &str, head: &str, body: &[u8]) -> Told {
        self.send(&[head_of(method, path, head, body).as_bytes(), body].concat());
        self.told()
    }

    /// The same of what is refused, whose body is sent after the answer was read.
    pub(crate) fn ask_late(&mut self, method: &str, path: &str, head: &str, body: &[u8]) -> Told {
        self.send(head_of(method, path, head, body).as_bytes());
        let told = self.told();
        self.send(body);
        told
    }

    fn send(&mut self, bytes: &[u8]) {
        let stream = self.0.get_mut();
        stream.write_all(bytes).expect("it reads");
        stream.flush().expect("it reads");
    }

    fn told(&mut self) -> Told {
        let head = self.lines_until_blank();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut told = Told { status: status.unwrap_or_else(|| panic!("no status: {head}")), head, body: Vec::new() };
        match told.header("content-length") {
            Some(length) => {
                told.body = vec![0; length.parse().expect("a length")];
                self.0.read_exact(&mut told.body).expect("a body");
            }
            None => self.chunks(&mut told.body),
        }
        told
    }

    fn chunks(&mut self, body: &mut Vec<u8>) {
        loop {
            let size = self.line();
            let size = u64::from_str_radix(size.trim(), 16).unwrap_or_else(|_| panic!("a size of a chunk: {size}"));
            (&mut self.0).take(size).read_to_end(body).expect("a chunk");
            self.line();
            if size == 0 {
                return;
            }
        }
    }

    fn lines_until_blank(&mut self) -> String {
        let mut lines = String::new();
        loop {
            match self.line().trim_end() {
                "" => return lines,
                line => lines += &format!("{line}\n"),
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        assert!(line.ends_with('\n'), "the connection ended: `{line}`");
        line
    }
}

fn head_of(method: &str, path: &str, head: &str, body: &[u8]) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {}\r\n\r\n", body.len())
}
