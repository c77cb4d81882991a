//! TLS, by certificates that are the tests' own and vouch for nothing.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::client::Connection;
use crate::common::Project;
use crate::server::{JSON, ROW, Server, digest, project};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/tls").join(name)
}

/// Takes the certificate of that name for the server's.
fn take(project: &Project, name: &str) {
    for part in ["key", "cert"] {
        std::fs::copy(file(&format!("{name}.{part}.pem")), project.path(&format!("{part}.pem"))).expect("copied");
    }
}

/// A connection that trusts one certificate; None if the server shows another.
fn connect(server: &Server, name: &str, protocols: &[&str]) -> Option<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(file(&format!("{name}.cert.pem"))).expect("PEM");
    roots.add(certificate).expect("a certificate");
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let host = ServerName::try_from("localhost").expect("a name");
    let mut connection = ClientConnection::new(Arc::new(config), host).expect("a configuration");
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).ok()?;
    }
    Some(StreamOwned::new(connection, stream))
}

const ARGS: [&str; 5] = ["a.evenstep", "--tls-cert", "cert.pem", "--tls-key", "key.pem"];

#[test]
fn predictions_and_changes_are_asked_for_by_tls() {
    let project = project();
    take(&project, "one");
    let server = Server::with_admin(&project, &ARGS);
    let stream = connect(&server, "one", &["http/1.1"]).expect("it is known");
    let told = Connection::new(stream).ask("POST", "/predict", JSON, ROW.as_bytes()).ok().json();
    assert_eq!(told["digest"], digest(&project, "a.evenstep"));
    let stream = connect(&server, "one", &["h2", "http/1.1"]).expect("it is known");
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
    assert!(connect(&server, "two", &[]).is_none(), "it is not who it isn't");

    // Who speaks in the clear is told so, and keeps nobody waiting.
    let mut plain = TcpStream::connect(server.address()).expect("it listens");
    std::io::Write::write_all(&mut plain, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut plain, &mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("this port speaks TLS"), "{answer}");

    let well = |certificate: &str| {
        let path = file(certificate);
        let certificate = path.to_str().expect("UTF-8");
        project.run(&["serve", "--check", "--listen", server.address(), "--tls-cert", certificate]).code
    };
    assert_eq!((well("one.cert.pem"), well("two.cert.pem")), (0, 1));
    let said = project.run(&["serve", "a.evenstep", "--tls-cert", "one.cert.pem"]);
    assert!(said.code == 2 && said.err.contains("--tls-key"), "{}", said.err);

    let said = project.run(&["models", "list", "--server", &format!("http://{}", server.admin_address())]);
    assert!(said.code == 1 && said.err.contains("ask it by https://"), "{}", said.err);
    let url = format!("https://{}", server.admin_address().replace("127.0.0.1", "localhost"));
    let ask = |certificate: &str| {
        let path = file(certificate);
        project.run(&["models", "list", "--server", &url, "--ca", path.to_str().expect("UTF-8")])
    };
    assert!(ask("one.cert.pem").ok().out.contains("default"));
    let said = ask("two.cert.pem");
    assert!(said.code == 2 && said.err.contains("can't be asked"), "{}", said.err);
}

#[test]
fn a_server_is_known_by_its_very_certificate_though_it_may_vouch_for_others() {
    let project = project();
    // As `openssl req -x509` makes it.
    take(&project, "authority");
    let server = Server::with_admin(&project, &ARGS);
    let url = format!("https://{}", server.admin_address());
    let ask = |certificate: &str| project.run(&["models", "list", "--server", &url, "--ca", certificate]);
    assert!(ask("cert.pem").ok().out.contains("default"));
    let other = file("one.cert.pem");
    let said = ask(other.to_str().expect("UTF-8"));
    assert!(said.code == 2 && said.err.contains("can't be asked"), "{}", said.err);
    // Of several, none answers in the name of another.
    let both = project.read("cert.pem") + &std::fs::read_to_string(&other).expect("it is committed");
    project.write("both.pem", both);
    let said = ask("both.pem");
    assert!(said.code == 2 && said.err.contains("can't be asked"), "{}", said.err);
    take(&project, "old");
    server.line_with("certificate_changed");
    let said = ask("cert.pem");
    assert!(said.code == 2 && said.err.contains("expired"), "{}", said.err);
}

#[test]
fn a_silent_client_of_tls_is_closed_in_time() {
    let project = project();
    take(&project, "one");
    let server = Server::start(&project, &ARGS);
    let mut silent = TcpStream::connect(server.address()).expect("it listens");
    silent.set_read_timeout(Some(Duration::from_secs(30))).expect("a time");
    let started = Instant::now();
    let read = std::io::Read::read(&mut silent, &mut [0]);
    assert!(matches!(read, Ok(0)), "it is closed: {read:?}");
    assert!(started.elapsed() < Duration::from_secs(20), "it took {:?}", started.elapsed());
}

#[test]
fn a_certificate_that_is_renewed_is_shown_without_a_new_start() {
    let project = project();
    take(&project, "one");
    let server = Server::start(&project, &ARGS);
    assert!(connect(&server, "two", &[]).is_none());
    // Half of a renewal: the key of another certificate.
    std::fs::copy(file("two.key.pem"), project.path("key.pem")).expect("copied");
    let line = server.line_with("certificate_refused");
    assert!(line.contains("key.pem"), "{line}");
    assert!(connect(&server, "one", &[]).is_some(), "it goes on");
    take(&project, "two");
    server.line_with("certificate_changed");
    assert!(connect(&server, "two", &[]).is_some());
    assert!(connect(&server, "one", &[]).is_none());
}

#[test]
fn a_certificate_that_ended_is_told_at_the_start_and_when_it_is_read_anew() {
    let project = project();
    take(&project, "old");
    let server = Server::start(&project, &ARGS);
    let told = || {
        let line = server.line_with("certificate_expired");
        assert!(line.contains("ended=2021-02-03T04:05:06Z"), "{line}");
    };
    told();
    take(&project, "one");
    server.line_with("certificate_changed");
    let metrics = || {
        let stream = connect(&server, "one", &["http/1.1"]).expect("it is known");
        Connection::new(stream).ask("GET", "/metrics", "", b"").ok().text()
    };
    // The end of the year 2119; it is measured once the change was told.
    let started = Instant::now();
    while !metrics().contains("\nevenstep_certificate_expiry_seconds 4733510400\n") {
        assert!(started.elapsed() < Duration::from_secs(30), "{}", metrics());
    }
    take(&project, "old");
    told();
}

#[test]
fn files_that_are_no_certificate_and_key_are_refused_at_the_start() {
    let project = project();
    take(&project, "one");
    std::fs::copy(file("two.key.pem"), project.path("other.pem")).expect("copied");
    for other in ["locked", "ed448"] {
        std::fs::copy(file(&format!("one.{other}.pem")), project.path(&format!("{other}.pem"))).expect("copied");
    }
    for (certificate, key, expected) in [
        ("cert.pem", "other.pem", "`other.pem` is the key of another certificate than `cert.pem`"),
        ("cert.pem", "a.csv", "`a.csv` holds no private key as PEM"),
        ("cert.pem", "cert.pem", "`cert.pem` holds no private key as PEM"),
        ("cert.pem", "ed448.pem", "`ed448.pem` is a key of a kind that is not spoken here"),
        ("a.csv", "key.pem", "`a.csv` holds no certificate"),
        ("missing.pem", "key.pem", "`missing.pem` can't be read"),
        ("cert.pem", "locked.pem", "`openssl pkey -in locked.pem -out key.pem`"),
    ] {
        let args = ["serve", "a.evenstep", "--listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key];
        let said = project.run(&args);
        assert!(said.code == 2 && said.err.contains(expected), "{}", said.err);
    }
}
