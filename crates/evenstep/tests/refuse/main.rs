//! Bad input: each is refused with a clear error, the right exit code, and nothing lost.

#[path = "../common/mod.rs"]
mod common;
mod data;
mod files;
mod spec;

use std::fmt::Write as _;

use common::{Project, Said};

pub(crate) const SPEC: &str = r#"[pipeline]
name = "p"
seed = 1

[data]
source = "data.csv"
target = "y"

[[step]]
use = "impute_median"
columns = ["x"]

[model]
use = "ridge"
"#;

pub(crate) fn data() -> String {
    (0..100).fold("x,z,y\n".to_owned(), |mut text, n| {
        writeln!(text, "{},{},{}", n % 13, n * 7 % 17, n * 3 % 29).expect("a string takes what is written");
        text
    })
}

pub(crate) fn project() -> Project {
    let project = Project::new();
    project.write("p.toml", SPEC);
    project.write("data.csv", data());
    project
}

/// Trains, and expects a refusal that holds all the words; none of them is a panic.
pub(crate) fn refused(project: &Project, words: &[&str]) -> Said {
    refused_by(project, &["train", "p.toml", "--quiet"], words)
}

pub(crate) fn refused_by(project: &Project, args: &[&str], words: &[&str]) -> Said {
    let said = project.run(args);
    assert_eq!(said.code, 2, "{}\n{}", said.out, said.err);
    let flat = said.err.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(flat.contains(word), "no `{word}` in:\n{}", said.err);
    }
    assert!(!said.err.contains("panicked"), "{}", said.err);
    assert!(!project.path("p.evenstep").exists(), "nothing is written");
    said
}
