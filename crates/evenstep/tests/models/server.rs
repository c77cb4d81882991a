//! Two bundles that answer differently, and a server of them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{Connection, Told};
use crate::common::{Project, Said};

pub(crate) const JSON: &str = "Content-Type: application/json\r\n";
pub(crate) const ROW: &str = r#"{"x": 1, "z": 2}"#;
pub(crate) const ADMIN: [&str; 4] = ["--admin", "127.0.0.1:0", "--admin-keys", "admin-keys.toml"];
/// More than a file system needs to tell times apart, less than a person waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// `a.evenstep` and `b.evenstep`, of one name and contract, whose answers differ, and `other.evenstep` of another name.
pub(crate) fn project() -> Project {
    let project = Project::new();
    let rows =
        |y: fn(u32) -> u32| (0..200).map(|n| format!("{},{},{}\n", n % 17, n * 7 % 23, y(n))).collect::<String>();
    project.write("a.csv", format!("x,z,y\n{}", rows(|n| n % 17 + 3)));
    project.write("b.csv", format!("x,z,y\n{}", rows(|n| n * 7 % 23 * 5 + 1000)));
    let spec = |name: &str| {
        format!(
            "[pipeline]\nname = \"{name}\"\nseed = 1\n[data]\nsource = \"a.csv\"\ntarget = \"y\"\n[contract]\nz = {{ type = \"number\" }}\n[model]\nuse = \"ridge\"\n"
        )
    };
    project.write("p.toml", spec("p"));
    project.write("q.toml", spec("q"));
    for (spec, data, bundle) in [("p.toml", "a.csv", "a"), ("p.toml", "b.csv", "b"), ("q.toml", "a.csv", "other")] {
        let (data, bundle) = (format!("data.source={data}"), format!("{bundle}.evenstep"));
        project.run(&["train", spec, "--quiet", "--set", &data, "--output", &bundle]).ok();
    }
    project
}

/// The digest of a bundle.
pub(crate) fn digest(project: &Project, bundle: &str) -> String {
    project.run(&["inspect", bundle, "--json"]).ok().json()["digest"].as_str().expect("a digest").to_owned()
}

/// What each bundle predicts of those rows, as `score` has it, by its digest.
pub(crate) fn expected(project: &Project, rows: &str) -> BTreeMap<String, Vec<f64>> {
    project.write("rows.csv", rows);
    let of = |bundle: &str| {
        let scores = project.run(&["score", bundle, "--input", "rows.csv", "--quiet"]).ok().out;
        let predictions = scores.lines().skip(1).map(|line| {
            line.split(',').nth(1).and_then(|cell| serde_json::from_str(cell).ok()).unwrap_or_else(|| panic!("{line}"))
        });
        (digest(project, bundle), predictions.collect())
    };
    BTreeMap::from([of("a.evenstep"), of("b.evenstep")])
}

/// A server that ends with the test.
pub(crate) struct Server {
    child: Child,
    /// What it said once it listened.
    pub(crate) told: Value,
    log: Mutex<Receiver<String>>,
    admin_key: Option<String>,
}

impl Server {
    /// A server with an admin listener, and the key `boss` to it.
    pub(crate) fn with_admin(project: &Project, args: &[&str]) -> Server {
        let key = Server::make_admin_key(project);
        let mut server = Server::start(project, &[args, &ADMIN].concat());
        server.admin_key = Some(key);
        server
    }

    /// The same where a file may have a kilobyte at most.
    #[cfg(unix)]
    pub(crate) fn with_admin_and_little_disk(project: &Project, args: &[&str]) -> Server {
        let key = Server::make_admin_key(project);
        let serve = project.command(&[&["serve", "--json", "--listen", "127.0.0.1:0"], args, &ADMIN].concat());
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -f 1; exec \"$0\" \"$@\""]).arg(serve.get_program());
        command.args(serve.get_args()).current_dir(project.path(""));
        let mut server = Server::of(command);
        server.admin_key = Some(key);
        server
    }

    fn make_admin_key(project: &Project) -> String {
        let made = project.run(&["key", "api", "boss", "--file", "admin-keys.toml", "--json"]).ok();
        let key = made.json()["key"].as_str().expect("a key").to_owned();
        project.write("admin.key", format!("{key}\n"));
        key
    }

    pub(crate) fn start(project: &Project, args: &[&str]) -> Server {
        Server::within(project, args, &[])
    }

    /// A server in an environment that has more than ours.
    pub(crate) fn within(project: &Project, args: &[&str], environment: &[(&str, &str)]) -> Server {
        let args = [&["serve", "--json", "--listen", "127.0.0.1:0"], args].concat();
        let mut command = project.command(&args);
        command.envs(environment.iter().copied());
        Server::of(command)
    }

    fn of(mut command: Command) -> Server {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let err = BufReader::new(child.stderr.take().expect("it is piped"));
        let (to, log) = channel();
        std::thread::spawn(move || err.lines().map_while(Result::ok).try_for_each(|line| to.send(line)));
        let mut line = String::new();
        let out = child.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut line).expect("it says where it listens");
        let told = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("it doesn't start: {line}{}", log.iter().collect::<Vec<_>>().join("\n")));
        Server { child, told, log: Mutex::new(log), admin_key: None }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn address(&self) -> &str {
        self.told["address"].as_str().expect("an address")
    }

    pub(crate) fn admin_address(&self) -> &str {
        self.told["admin"].as_str().expect("an address")
    }

    pub(crate) fn connect(&self) -> Connection<TcpStream> {
        connect(self.address())
    }

    /// A connection to the admin listener, and the head to ask there with.
    pub(crate) fn connect_admin(&self) -> (Connection<TcpStream>, String) {
        let key = self.admin_key.as_deref().expect("it has an admin listener");
        (connect(self.admin_address()), format!("Authorization: Bearer {key}\r\n"))
    }

    pub(crate) fn get(&self, path: &str) -> Told {
        self.connect().ask("GET", path, "", b"")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Told {
        self.connect().ask("POST", path, JSON, body.as_bytes())
    }

    /// The digest that answers a row at that path.
    pub(crate) fn answers(&self, path: &str) -> String {
        let told = self.post(path, ROW).ok();
        let digest = told.json()["digest"].as_str().expect("a digest").to_owned();
        assert_eq!(told.header("evenstep-digest"), Some(digest.as_str()));
        digest
    }

    /// Waits until the digest answers at that path.
    pub(crate) fn wait_for(&self, path: &str, digest: &str) {
        let started = Instant::now();
        while self.answers(path) != digest {
            assert!(started.elapsed() < PATIENCE, "`{path}` goes on answering as before");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The next line of the log that has those words.
    pub(crate) fn line_with(&self, words: &str) -> String {
        let log = self.log.lock().expect("no holder panics");
        loop {
            let line = log.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("the log says nothing of `{words}`"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Ends it as an operator does, and gives the rest of its log.
    pub(crate) fn end(mut self) -> Vec<String> {
        let killed = Command::new("kill").arg(self.id().to_string()).status();
        assert!(killed.is_ok_and(|killed| killed.success()));
        let ended = self.child.wait().expect("it ends");
        assert!(ended.success(), "{ended}");
        self.log.lock().expect("no holder panics").iter().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn connect(address: &str) -> Connection<TcpStream> {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    Connection::new(stream)
}

/// Runs `models` for a server.
pub(crate) fn models(project: &Project, server: &Server, args: &[&str]) -> Said {
    let url = format!("http://{}", server.admin_address());
    project.run(&[&["models"], args, &["--server", &url]].concat())
}
