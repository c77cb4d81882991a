//! The table of digests in the docs: each example trained in many ways, on each kind of host at hand. `just digests`.

mod common;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use common::table::{Table, Typed, shuffled};
use common::{EXAMPLES, Project, data_of, examples, said};
use evenstep_exact::simd;

const PAGE: &str = "../../docs/src/reference/digests.md";
const FORMATS: [&str; 4] = ["csv", "jsonl", "parquet", "arrow"];
const THREADS: [&str; 3] = ["1", "2", "7"];

/// A program, and the registers that it is held to.
struct Host {
    architecture: &'static str,
    registers: &'static str,
    program: Vec<String>,
    /// An emulated one is slow: it reads CSV in every way, and each other format once.
    emulated: bool,
}

fn hosts() -> Vec<Host> {
    let ours = |level: simd::Level| Host {
        architecture: std::env::consts::ARCH,
        registers: level.word(),
        program: vec![env!("CARGO_BIN_EXE_evenstep").to_owned()],
        emulated: false,
    };
    let mut hosts: Vec<Host> = simd::available().into_iter().map(ours).collect();
    if let Some(line) = std::env::var("EVENSTEP_AARCH64").ok().filter(|line| !line.is_empty()) {
        let program = line.split(' ').map(str::to_owned).collect();
        hosts.push(Host { architecture: "aarch64", registers: "baseline", program, emulated: true });
    }
    hosts
}

/// The example's rows in both orders, the second with its columns reversed, each as one file and as ten, in every
/// format: `ORDER-FILES-N.FORMAT`.
fn write_all(project: &Project, data: &str) {
    let typed = Typed::of(project, data);
    let turned = Table::read(&project.read(data)).reversed_csv();
    let (head, lines) = turned.split_once('\n').expect("a header");
    let lines: Vec<String> = lines.lines().map(str::to_owned).collect();
    let (header, given) = project.csv(data);
    for (order, header, lines) in [("given", header, given), ("turned", head.to_owned(), shuffled(&lines))] {
        for files in [1, 10] {
            for (n, part) in lines.chunks(lines.len().div_ceil(files)).enumerate() {
                let name = format!("{order}-{files}-{n}");
                let text = format!("{header}\n{}\n", part.join("\n"));
                project.write(&format!("{name}.jsonl"), Table::read(&text).json_lines());
                project.write(&format!("{name}.csv"), text);
                for format in ["parquet", "arrow"] {
                    typed.write(project, &format!("{name}.csv"), &format!("{name}.{format}"));
                }
            }
        }
    }
}

impl Host {
    fn digest(&self, project: &Project, source: &str, threads: &str) -> String {
        let source = format!("data.source={source}");
        let output = Command::new(&self.program[0])
            .args(&self.program[1..])
            .args(["train", "pipeline.toml", "--json", "--quiet", "--no-trace", "--threads", threads, "--set", &source])
            .current_dir(project.path(""))
            .env("EVENSTEP_SIMD", self.registers)
            .output()
            .expect("the program starts");
        said(output).ok().json()["digest"].as_str().expect("a digest").to_owned()
    }

    /// How many trainings from files of this format, and the digests that they gave.
    fn digests(&self, project: &Project, format: &str) -> (usize, Vec<String>) {
        let mut found = Vec::new();
        for order in ["given", "turned"] {
            for files in ["1", "10"] {
                for threads in THREADS {
                    found.push(self.digest(project, &format!("{order}-{files}-*.{format}"), threads));
                    if self.emulated && format != "csv" {
                        return (1, found);
                    }
                }
            }
        }
        let trainings = found.len();
        found.sort();
        found.dedup();
        (trainings, found)
    }
}

#[test]
#[ignore = "it trains some hundreds of times, and rewrites the page: `just digests`"]
fn one_digest_in_each_way_on_each_host() {
    let mut page = "# Digests\n\n\
        The digest of each example, trained in many ways. A line counts the trainings: on 1, 2 and 7 threads; rows in \
        the order of the file, and rows shuffled with the columns reversed; one file, and ten. The registers are the \
        widest that the program was allowed (`EVENSTEP_SIMD`).\n\n`just digests` makes this page again, and fails where two digests differ.\n"
        .to_owned();
    for example in EXAMPLES {
        let project = Project::example(example);
        write_all(&project, &data_of(example));
        let locked = std::fs::read_to_string(examples().join(example).join("pipeline.lock")).expect("a lock");
        page += &format!(
            "\n## {example}\n\n| architecture | registers | format | trainings | digest |\n|---|---|---|---:|---|\n"
        );
        for host in hosts() {
            for format in FORMATS {
                let (trainings, digests) = host.digests(&project, format);
                let Host { architecture, registers, .. } = host;
                let [digest] = &digests[..] else {
                    panic!("{example}, {architecture}, {registers}, {format}: {digests:?}")
                };
                assert!(locked.contains(digest.as_str()), "{digest} is not the lock's");
                writeln!(page, "| {architecture} | {registers} | {format} | {trainings} | `{digest}` |")
                    .expect("a string");
            }
        }
    }
    std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE), page).expect("the docs are ours");
}
