//! A registry that answers as the specification says, and some that don't.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::*;
use crate::engine::tests::program;
use crate::image::digest;
use crate::{Contents, Engine};

/// How the registry behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Manner {
    /// Takes all from anybody.
    Open,
    /// Asks for name and password.
    Basic,
    /// Asks for a token, and gives one for name and password.
    Token,
    /// Isn't a registry.
    Other,
    /// Says another digest than the manifest's.
    Changes,
    /// Wants layers sent to another host, in the clear.
    Leaks,
}

/// What it was given and asked.
#[derive(Default)]
struct Kept {
    blobs: BTreeMap<String, Vec<u8>>,
    tags: BTreeMap<String, Vec<u8>>,
    asked: Vec<String>,
}

struct Fake {
    address: String,
    kept: Arc<Mutex<Kept>>,
}

/// `Ana:secret`, as `Authorization: Basic` writes it.
const ANA: &str = "Basic QW5hOnNlY3JldA==";

impl Fake {
    fn start(manner: Manner) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound").to_string();
        let kept = Arc::new(Mutex::new(Kept::default()));
        let (to, here) = (Arc::clone(&kept), address.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (to, here) = (Arc::clone(&to), here.clone());
                std::thread::spawn(move || converse(stream, manner, &to, &here));
            }
        });
        Fake { address, kept }
    }

    fn reference(&self) -> Reference {
        format!("{}/models/houses:1", self.address).parse().expect("a reference")
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.kept.lock().expect("nobody panicked").asked)
    }
}

struct Asked {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length").map_or(0, |size| size.parse().expect("a size"))];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, path, headers, body })
}

fn converse(stream: TcpStream, manner: Manner, kept: &Mutex<Kept>, here: &str) {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        let mut kept = kept.lock().expect("nobody panicked");
        kept.asked.push(format!("{} {}", asked.method, asked.path.split('?').next().unwrap_or_default()));
        let (status, headers, body) = answer(&asked, manner, &mut kept, here);
        drop(kept);
        let length = if asked.method == "HEAD" { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        let body = if asked.method == "HEAD" { "" } else { &body };
        let said = format!("HTTP/1.1 {status} Said\r\n{headers}{length}\r\n{body}");
        if reader.get_mut().write_all(said.as_bytes()).is_err() {
            return;
        }
    }
}

fn answer(asked: &Asked, manner: Manner, kept: &mut Kept, here: &str) -> (u16, String, String) {
    let plain = |status: u16| (status, String::new(), String::new());
    let shown = asked.headers.get("authorization").map_or("", String::as_str);
    let error = |status: u16, header: String, words: &str| {
        (status, header, format!("{{\"errors\":[{{\"code\":\"X\",\"message\":\"{words}\"}}]}}"))
    };
    if asked.path.starts_with("/token") {
        let right = shown == ANA && asked.path.contains("scope=repository%3Amodels%2Fhouses%3Apull%2Cpush");
        return if right {
            (200, String::new(), "{\"token\":\"t0\"}".to_owned())
        } else {
            error(401, String::new(), "who?")
        };
    }
    let wanted = match manner {
        Manner::Other => return plain(404),
        Manner::Basic => Some((ANA, "WWW-Authenticate: Basic realm=\"r\"\r\n".to_owned())),
        Manner::Token => {
            let scope = "repository:models/houses:pull,push";
            let to = format!("Bearer realm=\"http://{here}/token\",service=\"s\",scope=\"{scope}\"");
            Some(("Bearer t0", format!("WWW-Authenticate: {to}\r\n")))
        }
        Manner::Open | Manner::Changes | Manner::Leaks => None,
    };
    if let Some((_, challenge)) = wanted.filter(|(wanted, _)| *wanted != shown) {
        return error(401, challenge, "authentication required");
    }
    let rest = asked.path.strip_prefix("/v2/models/houses/").expect("the repository");
    match (asked.method.as_str(), rest.split_once('/').expect("a kind and a name")) {
        ("HEAD", ("blobs", name)) => plain(if kept.blobs.contains_key(name) { 200 } else { 404 }),
        ("POST", _) if manner == Manner::Leaks => {
            (202, "Location: http://example.com/up\r\n".to_owned(), String::new())
        }
        ("POST", ("blobs", "uploads/")) => {
            (202, "Location: /v2/models/houses/blobs/uploads/7?state=x\r\n".to_owned(), String::new())
        }
        ("PUT", ("blobs", name)) => {
            let told = name.strip_prefix("uploads/7?state=x&digest=").expect("where it was told").replace("%3A", ":");
            if told != digest(&asked.body) {
                return error(400, String::new(), "digest invalid");
            }
            kept.blobs.insert(told, asked.body.clone());
            plain(201)
        }
        ("PUT", ("manifests", tag)) => {
            assert_eq!(asked.headers["content-type"], "application/vnd.oci.image.manifest.v1+json");
            kept.tags.insert(tag.to_owned(), asked.body.clone());
            let told = if manner == Manner::Changes { digest(b"another") } else { digest(&asked.body) };
            (201, format!("Docker-Content-Digest: {told}\r\n"), String::new())
        }
        _ => plain(405),
    }
}

fn image(bundle: &[u8]) -> Image {
    let engine = Engine::new(program(62, None)).expect("it is static");
    Image::of(&engine, Contents { name: "houses", version: "0123456789ab", digest: "sha256:00", bundle })
}

/// A file of credentials; it goes when the folder goes.
fn credentials(registry: &str, auth: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.json");
    std::fs::write(&file, format!("{{\"auths\":{{\"{registry}\":{{\"auth\":\"{auth}\"}}}}}}")).expect("written");
    (folder, file)
}

#[test]
fn push_sends_every_blob_and_names_the_image_by_its_own_digest() {
    let (fake, image) = (Fake::start(Manner::Open), image(b"bundle"));
    let pushed = push(&image, &fake.reference(), None).expect("it is taken");
    assert_eq!(pushed, Pushed { digest: image.digest(), sent: 2, kept: 0 });
    let kept = fake.kept.lock().expect("nobody panicked");
    assert_eq!(kept.tags["1"], image.manifest);
    let blobs: BTreeSet<&Vec<u8>> = kept.blobs.values().collect();
    assert_eq!(blobs, image.layers.iter().chain([&image.config]).collect());
}

#[test]
fn push_sends_no_layer_that_is_there() {
    let fake = Fake::start(Manner::Open);
    push(&image(b"bundle"), &fake.reference(), None).expect("it is taken");
    fake.asked();
    let other = image(b"another bundle");
    let pushed = push(&other, &fake.reference(), None).expect("it is taken");
    assert_eq!(pushed, Pushed { digest: other.digest(), sent: 1, kept: 1 });
    fake.asked();
    let pushed = push(&other, &fake.reference(), None).expect("it is taken");
    assert_eq!((pushed.sent, pushed.kept), (0, 2));
    let asked = fake.asked();
    assert_eq!(asked.iter().filter(|asked| asked.starts_with("HEAD")).count(), 3);
    assert_eq!(asked.last().map(String::as_str), Some("PUT /v2/models/houses/manifests/1"));
    assert_eq!(asked.len(), 4, "{asked:?}");
}

#[test]
fn push_shows_the_credentials_that_docker_keeps() {
    for manner in [Manner::Basic, Manner::Token] {
        let (fake, image) = (Fake::start(manner), image(b"bundle"));
        let (_folder, file) = credentials(&fake.address, ANA.trim_start_matches("Basic "));
        let pushed = push(&image, &fake.reference(), Some(&file)).unwrap_or_else(|error| panic!("{manner:?}: {error}"));
        assert_eq!(pushed.digest, image.digest());
        let challenged = fake.asked().iter().filter(|asked| asked.contains("token")).count();
        assert_eq!(challenged, usize::from(manner == Manner::Token), "a token is fetched once");
    }
}

#[test]
fn push_says_that_credentials_are_missing_wrong_or_unreadable() {
    for manner in [Manner::Basic, Manner::Token] {
        let fake = Fake::start(manner);
        let refused = |file: Option<&Path>| {
            push(&image(b"bundle"), &fake.reference(), file).expect_err("nobody knows who asks").to_string()
        };
        let (folder, wrong) = credentials(&fake.address, "QW5hOndyb25n");
        assert!(refused(None).contains("there are none"), "{manner:?}");
        assert!(refused(Some(&folder.path().join("absent.json"))).contains("there are none"), "{manner:?}");
        let said = refused(Some(&wrong));
        assert!(said.contains("refuses a push to `models/houses`") && !said.contains("wrong"), "{manner:?}: {said}");
        std::fs::write(&wrong, "[]").expect("written");
        assert!(refused(Some(&wrong)).contains("is not what Docker writes"), "{manner:?}");
        assert!(fake.kept.lock().expect("nobody panicked").blobs.is_empty());
    }
}

#[test]
fn push_says_when_nobody_answers_or_somebody_who_is_no_registry() {
    let refused = |reference: &Reference| push(&image(b"bundle"), reference, None).expect_err("it is no registry");
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.local_addr().expect("it is bound")
    };
    let nobody = refused(&format!("{closed}/models/houses:1").parse().expect("a reference"));
    assert!(matches!(nobody, PushError::Unreachable { .. }), "{nobody}");
    assert!(nobody.to_string().contains(&closed.to_string()), "{nobody}");
    let other = refused(&Fake::start(Manner::Other).reference());
    assert!(matches!(other, PushError::NotFound { .. }), "{other}");
    let changes = refused(&Fake::start(Manner::Changes).reference());
    assert!(changes.to_string().contains("that its digest is"), "{changes}");
}

#[test]
fn push_sends_nothing_in_the_clear_to_another_host() {
    let fake = Fake::start(Manner::Leaks);
    let error = push(&image(b"bundle"), &fake.reference(), None).expect_err("the layer would leave the host");
    assert!(matches!(&error, PushError::Unsafe { address, .. } if address == "http://example.com/up"), "{error}");
}
