//! A folder of its own for each test, and the program to run in it.
#![allow(dead_code, reason = "each test binary uses a part")]

pub(crate) mod table;
pub(crate) mod told;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The examples, each with its data.
pub(crate) const EXAMPLES: [&str; 3] = ["houses", "titanic", "credit"];

/// A folder that is gone after the test.
pub(crate) struct Project {
    folder: TempDir,
}

/// What the program said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The result as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }

    /// Itself, if it went well.
    pub(crate) fn ok(self) -> Said {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self
    }
}

impl Project {
    pub(crate) fn new() -> Project {
        Project { folder: tempfile::tempdir().expect("a folder") }
    }

    /// A copy of one of the examples.
    pub(crate) fn example(name: &str) -> Project {
        let project = Project::new();
        let from = examples().join(name);
        for entry in std::fs::read_dir(&from).expect("the example is there") {
            let path = entry.expect("a file").path();
            let wanted = path
                .extension()
                .is_some_and(|extension| ["csv", "toml", "lock"].iter().any(|known| extension == *known));
            if wanted {
                std::fs::copy(&path, project.path(path.file_name().expect("a name").to_str().expect("UTF-8")))
                    .expect("copied");
            }
        }
        project
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("the folder is ours");
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("the file is there")
    }

    /// Runs the program in the folder.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        said(self.command(args).output().expect("the program starts"))
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evenstep"));
        command.args(args).current_dir(self.folder.path()).env("NO_COLOR", "1");
        command
    }

    /// Trains and gives the digest.
    pub(crate) fn digest(&self, args: &[&str]) -> String {
        let all: Vec<&str> = ["train", "--json", "--quiet"].iter().chain(args).copied().collect();
        self.run(&all).ok().json()["digest"].as_str().expect("a digest").to_owned()
    }

    /// The CSV file of the folder: its header and its lines.
    pub(crate) fn csv(&self, name: &str) -> (String, Vec<String>) {
        let text = self.read(name);
        let mut lines = text.lines().map(str::to_owned);
        (lines.next().expect("a header"), lines.collect())
    }
}

/// Serves a bundle at a free port; gives the process and its address once it listens.
pub(crate) fn serve(project: &Project, bundle: &str) -> (Child, String) {
    let mut command = project.command(&["serve", bundle, "--listen", "127.0.0.1:0", "--json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
    let address = address_of(&mut child);
    (child, address)
}

/// Where a server with `--json` says that it listens, once it does.
pub(crate) fn address_of(child: &mut Child) -> String {
    let mut line = String::new();
    let out = child.stdout.take().expect("it is piped");
    BufReader::new(out).read_line(&mut line).expect("it says where it listens");
    let said: Value = serde_json::from_str(&line).expect("JSON");
    said["address"].as_str().expect("an address").to_owned()
}

pub(crate) fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The committed examples.
pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// The name of an example's data file.
pub(crate) fn data_of(example: &str) -> String {
    let folder = examples().join(example);
    let names = std::fs::read_dir(folder)
        .expect("the example is there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.into_iter().find(|name| name.ends_with(".csv")).expect("a CSV file")
}

/// The members of a bundle but its manifest, to be changed.
pub(crate) fn members(bundle: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let (members, _) = evenstep_bundle::unseal(bundle).expect("it is whole");
    members.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.to_owned())).collect()
}

/// The text with the first of what stands in it replaced.
pub(crate) fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "`{from}` stands in the text");
    text.replacen(from, to, 1)
}

/// Of each cause of a difference its kind, and whether it is likely.
pub(crate) fn causes(told: &Value) -> Vec<(&str, bool)> {
    let causes = told["causes"].as_array().into_iter().flatten();
    causes.filter_map(|cause| Some((cause["kind"].as_str()?, cause["likely"] == true))).collect()
}
