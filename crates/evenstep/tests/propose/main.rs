//! `init`: what it proposes trains as it is, and what can't be is said before it is proposed.

#[path = "../common/mod.rs"]
mod common;
mod dates;
mod ids;
mod missing;
mod numbers;
mod targets;
mod whole;

use std::fmt::Write as _;

use common::Project;

fn data() -> String {
    (0..100).fold("x,z,y\n".to_owned(), |mut text, n| {
        writeln!(text, "{},{},{}", n % 13, n * 7 % 17, n * 3 % 29).expect("a string takes what is written");
        text
    })
}

fn project() -> Project {
    let project = Project::new();
    project.write("data.csv", data());
    project.run(&["init", "data.csv", "--target", "y", "--output", "p.toml", "--quiet"]).ok();
    project
}

fn refused(project: &Project, args: &[&str], words: &[&str]) {
    let said = project.run(args);
    assert_eq!(said.code, 2, "{}\n{}", said.out, said.err);
    for word in words {
        assert!(said.err.contains(word), "no `{word}` in:\n{}", said.err);
    }
}

/// Proposes a spec for the rows, trains it, and gives its text.
fn trains(header: &str, row: impl Fn(usize) -> String) -> (Project, String) {
    let project = Project::new();
    let rows: String = (0..100).map(|n| row(n) + "\n").collect();
    project.write("rows.csv", format!("{header}\n{rows}"));
    project.run(&["init", "rows.csv", "--target", "y", "--output", "q.toml", "--quiet"]).ok();
    project.run(&["train", "q.toml", "--quiet"]).ok();
    let spec = project.read("q.toml");
    (project, spec)
}

/// Some number that nothing else tells.
fn noise(n: usize) -> usize {
    (n * n * 31 + n * 17) * 7919 % 10_007
}

/// Proposes a spec for a file, trains it, checks it, and gives its text and what the check said.
fn trains_file(file: &str, text: impl AsRef<[u8]>) -> (String, String) {
    let project = Project::new();
    project.write(file, text);
    project.run(&["init", file, "--target", "y", "--output", "q.toml", "--quiet"]).ok();
    project.run(&["train", "q.toml", "--quiet"]).ok();
    let checked = project.run(&["check", "q.toml", "--quiet"]).ok().out;
    (project.read("q.toml"), checked)
}

fn rows(header: &str, rows: usize, row: impl Fn(usize) -> String) -> String {
    (0..rows).fold(format!("{header}\n"), |text, n| text + &row(n) + "\n")
}

fn holds(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
}
