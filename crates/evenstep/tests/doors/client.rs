//! A server, and a client that says what it is told to.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

pub(crate) use crate::common::told::Told;
use crate::common::{self, Project};

pub(crate) const ARROW: &str = "application/vnd.apache.arrow.stream";
pub(crate) const PARQUET: &str = "application/vnd.apache.parquet";
pub(crate) const LINES: &str = "application/x-ndjson";
pub(crate) const JSON: &str = "application/json";

/// A server that ends with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start(project: &Project, bundle: &str) -> Server {
        Server::of(project, &["serve", bundle])
    }

    /// What the arguments say, at a free port.
    pub(crate) fn of(project: &Project, args: &[&str]) -> Server {
        let args = [args, &["--listen", "127.0.0.1:0", "--json"]].concat();
        let mut child = project.command(&args).stdout(Stdio::piped()).spawn().expect("the program starts");
        let address = common::address_of(&mut child);
        Server { child, address }
    }

    /// A server of `p.evenstep`, with more said on its command line.
    pub(crate) fn with(project: &Project, more: &[&str]) -> Server {
        Server::of(project, &[&["serve", "p.evenstep"], more].concat())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Megabytes that it takes, where that is told.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self) -> Option<usize> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it takes memory");
        Some(line.trim_end_matches("kB").trim().parse::<usize>().expect("a number") >> 10)
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn memory(&self) -> Option<usize> {
        None
    }

    /// Tells it, politely, to stop.
    #[cfg(unix)]
    pub(crate) fn tell_to_stop(&self) {
        let killed = std::process::Command::new("kill").arg(self.id().to_string()).status();
        assert!(killed.expect("it runs").success());
    }

    /// Waits until it ended.
    pub(crate) fn wait(&mut self) {
        self.child.wait().expect("it ends");
    }

    pub(crate) fn post(&self, path: &str, kind: &str, more: &str, body: &[u8]) -> Told {
        let length = body.len();
        // As HTTP/1.0, an answer of unknown length ends with its connection.
        let head = format!(
            "POST {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: {kind}\r\n{more}Content-Length: {length}\r\n\r\n"
        );
        self.exchange(&[head.as_bytes(), body].concat())
    }

    pub(crate) fn get(&self, path: &str) -> Told {
        self.exchange(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())
    }

    pub(crate) fn exchange(&self, request: &[u8]) -> Told {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        // It may answer before it has read all, and close.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Told { status, head, body: answer[end + 4..].to_vec() }
    }

    pub(crate) fn predict(&self, kind: &str, accept: &str, body: &[u8]) -> Told {
        self.post("/predict", kind, &format!("Accept: {accept}\r\n"), body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server of the small bundle.
pub(crate) fn small() -> Server {
    Server::start(&small_project(), "p.evenstep")
}

/// A small bundle: y of x and z.
pub(crate) fn small_project() -> Project {
    let project = Project::new();
    let rows: String = (0..200).map(|n| format!("{},{},{}\n", n % 17, n * 7 % 23, n % 17 + 3)).collect();
    project.write("data.csv", format!("x,z,y\n{rows}"));
    let spec = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\ntarget = \"y\"\n[contract]\nz = { type = \"number\" }\n[model]\nuse = \"ridge\"\n";
    project.write("pipeline.toml", spec);
    project.run(&["train", "--quiet"]).ok();
    project
}
