//! The library as C uses it, compiled by the host's own compiler.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use evenstep_pipeline::Predictor;
use evenstep_pipeline::request::{self, Rows};
use serde_json::Value;

/// So many rows of each example the museum has answers to.
const ROWS: usize = 200;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Where cargo puts the library, and this test.
fn built() -> PathBuf {
    std::env::current_exe().expect("it runs").parent().expect("it is in a folder").to_owned()
}

/// The cells of a line as they are written; the examples have no line breaks within cells.
fn cells(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    line.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
}

/// The rows of a table, and of those the columns that a bundle reads: others are refused.
fn rows(data: &str, predictor: &Predictor) -> String {
    let header = data.lines().next().expect("a header");
    let is_read = |name: &str| predictor.inputs.iter().any(|input| input.as_str() == name.trim_matches('"'));
    let read: Vec<bool> = cells(header).map(is_read).collect();
    let line = |line| {
        let kept = cells(line).zip(&read).filter(|(_, read)| **read);
        kept.map(|(cell, _)| cell).collect::<Vec<_>>().join(",")
    };
    data.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Compares an answer in JSON with a line of a score file, by bits.
fn check(answer: &Value, header: &str, line: &str) {
    let mut compared = 0;
    for (name, cell) in cells(header).zip(cells(line)) {
        let found = match name.strip_prefix("probability_") {
            Some(class) => &answer["probability"][class],
            None if name == "prediction" => &answer["prediction"],
            None => continue,
        };
        let same = match found.as_f64() {
            Some(number) => cell.parse::<f64>().is_ok_and(|cell| cell.to_bits() == number.to_bits()),
            None => found.as_str() == Some(cell),
        };
        assert!(same, "`{name}` is {found}, expected {cell}");
        compared += 1;
    }
    assert!(compared > 0, "{header}");
}

#[test]
fn a_program_in_c_gets_the_bits_of_score() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("embed");
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-pthread", "-I"]).arg(here("include"));
    cc.arg(here("tests/c/embed.c")).arg("-o").arg(&program).arg("-L").arg(built());
    run(cc.args(["-levenstep", &format!("-Wl,-rpath,{}", built().display())]));
    for (example, data) in [("houses", "ames.csv"), ("titanic", "titanic.csv"), ("credit", "credit.csv")] {
        let bundle = here(&format!("../evenstep/tests/museum/epoch-1/{example}.evenstep"));
        let data = read(&here(&format!("../../examples/{example}/{data}")));
        let file = folder.path().join("rows.csv");
        let bytes = std::fs::read(&bundle).expect("it is committed");
        let predictor = evenstep_bundle::open(&bytes).expect("it is whole").predictor().expect("it answers");
        let rows = rows(&data, &predictor);
        std::fs::write(&file, &rows).expect("the folder is ours");
        let said = run(Command::new(&program).arg(&bundle).arg(&file));
        let (name, answer) = said.split_once('\n').expect("two lines");
        assert_eq!(name, example);
        // All rows as a program in Rust has them, and of those as many as there are scores of as `score` has them.
        let asked = Rows::csv(&predictor, rows.as_bytes()).expect("it is a table");
        let in_rust = request::answer_rows(&predictor, asked, None).expect("all rows are answered").answers;
        assert_eq!(in_rust.len(), data.lines().count() - 1);
        assert!(answer.trim_end().as_bytes() == request::document(&predictor, &in_rust), "{example}");
        let answer: Value = serde_json::from_str(answer).expect("JSON");
        let answers = answer["predictions"].as_array().expect("a list");
        let expected = read(&bundle.with_extension("csv"));
        let (header, expected) = expected.split_once('\n').expect("a header");
        assert_eq!(expected.lines().count(), ROWS, "{example}");
        answers.iter().zip(expected.lines()).for_each(|(answer, line)| check(answer, header, line));
    }
}

#[test]
fn the_header_names_what_the_library_has_and_c_plus_plus_reads_it() {
    let names = |text: &str, before: &str| -> BTreeSet<String> {
        let parts = text.split(before).skip(1);
        let named = parts.map(|part| part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next());
        named.flatten().filter(|name| name.starts_with("evenstep_")).map(str::to_owned).collect()
    };
    let code = names(&read(&here("src/border.rs")), "extern \"C\" fn ");
    let header = read(&here("include/evenstep.h"));
    let told: BTreeSet<String> = header
        .split(['\n', ' ', '*'])
        .filter_map(|word| word.split_once('(').map(|(name, _)| name))
        .filter(|name| name.starts_with("evenstep_"))
        .map(str::to_owned)
        .collect();
    assert_eq!(code, told);
    assert!(code.len() > 8, "{code:?}");
    run(Command::new("cc")
        .args(["-x", "c++", "-std=c++17", "-Wall", "-Werror", "-fsyntax-only"])
        .arg(here("include/evenstep.h")));
}
