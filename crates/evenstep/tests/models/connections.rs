//! How long a connection lives.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::server::{Server, project};

#[test]
fn a_connection_outlives_a_pause_and_a_head_that_does_not_end_closes_it() {
    let project = project();
    let server = Server::start(&project, &["a.evenstep"]);
    let mut connection = server.connect();
    let mut slow = TcpStream::connect(server.address()).expect("it listens");
    slow.write_all(b"GET /health HTTP/1.1\r\nHost: loc").expect("it reads");
    let began = Instant::now();
    assert_eq!(connection.ask("GET", "/health", "", b"").status, 200);
    // What it sends after it was refused is no head that doesn't end.
    let mut refused = server.connect();
    assert_eq!(
        refused.ask_late("POST", "/nowhere", "Content-Type: application/json\r\n", &vec![b' '; 300_000]).status,
        404
    );
    sleep(Duration::from_secs(11));
    assert_eq!(connection.ask("GET", "/health", "", b"").status, 200, "after a pause");
    assert_eq!(refused.ask("GET", "/health", "", b"").status, 200);
    slow.set_read_timeout(Some(Duration::from_secs(10))).expect("a time");
    let closed = match slow.read(&mut [0; 64]) {
        Ok(bytes) => bytes == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    };
    assert!(closed, "after {:?}", began.elapsed());
}

#[test]
fn a_request_that_comes_as_the_server_ends_is_answered_and_told_to_be_the_last() {
    let project = project();
    let server = Server::start(&project, &["a.evenstep"]);
    let mut connection = server.connect();
    assert_eq!(connection.ask("GET", "/health", "", b"").status, 200);
    let killed = std::process::Command::new("kill").arg(server.id().to_string()).status();
    assert!(killed.is_ok_and(|killed| killed.success()));
    sleep(Duration::from_millis(100));
    // Answered, but others should be asked from now on.
    let told = connection.ask("GET", "/health", "", b"");
    assert_eq!((told.status, told.header("connection")), (503, Some("close")));
    assert_eq!(told.json()["status"], "ending");
    server.end();
}
