//! Every command that the docs show is run, and prints what they say that it prints.
//! A line with `…` matches anything in its place; a line of `…` alone, any lines.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use common::{Project, address_of, examples, said};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

/// A command of a page, and what is printed beneath it.
struct Shown {
    command: String,
    output: Vec<String>,
}

fn pages() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("the docs are there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    let root = repository();
    let mut found = vec![root.join("README.md")];
    walk(&root.join("docs/src"), &mut found);
    found.sort();
    found
}

fn shown(text: &str) -> Vec<Shown> {
    let mut all = Vec::new();
    for block in text.split("```console\n").skip(1) {
        let block = block.split("\n```").next().unwrap_or_default();
        for line in block.lines() {
            match line.strip_prefix("$ ") {
                Some(command) => all.push(Shown { command: command.to_owned(), output: Vec::new() }),
                None => all.last_mut().expect("a block starts with a command").output.push(line.to_owned()),
            }
        }
    }
    all
}

/// The versions that a page says are served: how their digests start.
fn served(text: &str) -> Vec<&str> {
    let told = ["serving ", "\"version\":\""].into_iter().flat_map(|before| text.split(before).skip(1));
    told.filter_map(|rest| rest.get(..12)).filter(|word| word.bytes().all(|byte| byte.is_ascii_hexdigit())).collect()
}

/// The locks of a folder, one after the other.
fn locks(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    let locks = entries.filter(|path| path.extension().is_some_and(|extension| extension == "lock"));
    locks.map(|path| std::fs::read_to_string(path).expect("a lock is text")).collect()
}

fn without_blanks_at_the_end(mut lines: Vec<String>) -> Vec<String> {
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    lines
}

/// Whether the lines fit, `…` standing for anything.
fn fits(expected: &[String], said: &[&str]) -> bool {
    match (expected.split_first(), said.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first.trim() == "…" => {
            (0..=said.len()).any(|skipped| fits(rest, &said[skipped..]))
        }
        (Some((first, rest)), Some((line, lines))) => line_fits(first, line) && fits(rest, lines),
        _ => false,
    }
}

fn line_fits(expected: &str, line: &str) -> bool {
    let mut parts = expected.trim_end().split('…');
    let Some(mut rest) = parts.next().and_then(|first| line.trim_end().strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Where the docs' servers listen, unless they are told where.
const ADDRESS: &str = "127.0.0.1:8080";

/// A server that answers the commands after it, at an address of its own.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(mut shell: Command, server: &str) -> Running {
        let command = format!("exec {server} --json --listen 127.0.0.1:0");
        let mut child = shell.args(["-c", &command]).stdout(Stdio::piped()).spawn().expect("a shell runs");
        let address = address_of(&mut child);
        Running { child, address }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

#[test]
fn every_command_in_the_docs_prints_what_they_show() {
    let program = Path::new(env!("CARGO_BIN_EXE_evenstep")).parent().expect("a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let digests = include_str!("../../../docs/src/reference/digests.md");
    let (mut run, mut wrong) = (0, Vec::new());
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("the page is there");
        let commands = shown(&text);
        let folder = tempfile::tempdir().expect("a folder");
        let copied = Command::new("cp").args(["-r"]).arg(examples()).arg(folder.path()).status().expect("cp runs");
        assert!(copied.success());
        let shell = || {
            let mut shell = Command::new("sh");
            shell.current_dir(folder.path()).env("PATH", &path).env("NO_COLOR", "1");
            shell
        };
        let mut server: Option<Running> = None;
        for Shown { command, output } in commands {
            run += 1;
            if let Some(command) = command.strip_suffix(" &") {
                server = Some(Running::start(shell(), command));
                continue;
            }
            let asked = server.as_ref().map_or(command.clone(), |server| command.replace(ADDRESS, &server.address));
            let said = shell().args(["-c", &format!("{asked} 2>&1")]).output().expect("a shell runs");
            let said = String::from_utf8_lossy(&said.stdout).into_owned();
            let lines: Vec<&str> = said.trim_end().lines().collect();
            let output: Vec<String> = without_blanks_at_the_end(output);
            if !fits(&output, &lines) {
                wrong.push(format!("{}: `{command}` prints\n{said}", page.display()));
            }
        }
        let known = digests.to_owned() + &locks(folder.path());
        for version in served(&text).iter().filter(|version| !known.contains(&format!("sha256:{version}"))) {
            wrong.push(format!("{}: nobody trains version {version}", page.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(run > 10, "only {run} commands were found");
}

#[test]
fn every_page_of_the_book_is_in_its_summary_and_the_other_way_round() {
    let book = repository().join("docs/src");
    let summary = std::fs::read_to_string(book.join("SUMMARY.md")).expect("the summary is there");
    let named: Vec<PathBuf> =
        summary.split("](").skip(1).map(|rest| book.join(rest.split(')').next().unwrap_or_default())).collect();
    for path in &named {
        assert!(path.exists(), "{} is in the summary only", path.display());
    }
    for page in pages().iter().filter(|page| page.starts_with(&book) && !page.ends_with("SUMMARY.md")) {
        assert!(named.contains(page), "{} is not in the summary", page.display());
    }
}

/// Where a page's links go, and what its headings are called in links.
fn links(page: &Path) -> (Vec<String>, BTreeSet<String>) {
    let text = std::fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let (mut links, mut headings) = (Vec::new(), BTreeSet::new());
    let mut heading: Option<String> = None;
    for event in Parser::new(&text) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => links.push(dest_url.into_string()),
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => headings.extend(heading.take().map(|text| anchor(&text))),
            Event::Text(part) | Event::Code(part) => heading.iter_mut().for_each(|text| text.push_str(&part)),
            _ => {}
        }
    }
    (links, headings)
}

/// As mdBook and forges make it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_are_there() {
    let root = repository();
    let beside =
        ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "bench/README.md", "fuzz/README.md"];
    let (mut followed, mut wrong) = (0, Vec::new());
    for page in pages().into_iter().chain(beside.map(|name| root.join(name))) {
        let (links, _) = links(&page);
        for link in links.iter().filter(|link| !link.contains("://")) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { page.with_file_name(path) };
            let in_book =
                |path: &Path| path.canonicalize().is_ok_and(|path| path.ancestors().any(|at| at.ends_with("docs/src")));
            let leads = target.exists()
                && (heading.is_empty() || self::links(&target).1.contains(heading))
                // The site has no files but the book's.
                && (in_book(&target) || !in_book(&page));
            if !leads {
                wrong.push(format!("{}: {link}", page.display()));
            }
            followed += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(followed > 50, "only {followed} links were found");
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The cells of the row of a page's tables that begins with this one.
fn measured(page: &str, first: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("bench").join(page)).expect("it is committed");
    let row = text.lines().find(|line| line.starts_with(&format!("| {first} |")));
    let row = row.unwrap_or_else(|| panic!("no row `{first}` in {page}"));
    row.split('|').skip(2).map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn what_the_readme_says_of_speed_was_measured() {
    let readme = std::fs::read_to_string(repository().join("README.md")).expect("it is committed");
    let told = |page: &str, first: &str, cells: &[usize]| {
        let row = measured(page, first);
        let wrong: Vec<&String> = cells.iter().map(|at| &row[*at]).filter(|cell| !readme.contains(&***cell)).collect();
        assert!(wrong.is_empty(), "README.md doesn't say {wrong:?} of `{first}` in {page}");
    };
    told("RESULTS.md", "training, s: the whole process", &[0, 1]);
    told("RESULTS.md", "training, peak memory, MB", &[0, 1]);
    told("RESULTS.md", "scoring, rows/s: the whole process, file to file", &[0, 1]);
    told("RESULTS.md", "scoring, peak memory, MB", &[0]);
    told("RESULTS.md", "ROC AUC", &[0, 1]);
    told("SERVE.md", "one row, 64 connections | **Evenstep**", &[1, 5]);
    told("SERVE.md", "one row, 64 connections | constant", &[1]);
    told("SERVE.md", "one row, 64 connections | FastAPI", &[1]);
    let unseen = std::fs::read_to_string(repository().join("bench/UNSEEN.md")).expect("it is committed");
    let gain = |line: &str| line.split('|').nth(6)?.trim().strip_suffix('%')?.parse::<f64>().ok();
    let gains: Vec<f64> = unseen.lines().filter_map(gain).collect();
    let better = gains.iter().filter(|gain| **gain >= 0.0).count();
    let worst = gains.iter().copied().fold(0.0, f64::min);
    let not_chosen_with = unseen.lines().skip_while(|line| !line.starts_with("| hitters "));
    let later: Vec<f64> = not_chosen_with.take_while(|line| !line.starts_with("| flights ")).filter_map(gain).collect();
    let later = format!("{:.2}% better on average", later.iter().sum::<f64>() / later.len() as f64);
    for words in [format!("{better} of {}", gains.len()), format!("{:.2}% worse", -worst), later] {
        assert!(readme.contains(&words), "README.md doesn't say \"{words}\"");
    }
}

#[test]
fn what_the_page_of_the_server_says_of_strain_was_measured() {
    let page = std::fs::read_to_string(repository().join("docs/src/how-to/serve.md")).expect("it is committed");
    let strain = std::fs::read_to_string(repository().join("bench/STRAIN.md")).expect("it is committed");
    let memory = strain.lines().find(|line| line.starts_with("Memory: ")).and_then(|line| line.rsplit(", ").next());
    let memory = memory.and_then(|most| most.strip_suffix(" at most.")).expect("it ends with the most").to_owned();
    let of_the_peak = |first| measured("STRAIN.md", first)[5].clone();
    for told in ["10 rows", "100 rows", "100 rows, more clients"].map(of_the_peak).into_iter().chain([memory]) {
        assert!(page.contains(&told), "serve.md doesn't say {told}");
    }
}

#[test]
fn the_reader_of_the_docs_predicts_by_their_page_alone() {
    let project = Project::new();
    let word = |n: usize| ["ab", "cd", "ef", "gh", ""][n * n % 5];
    let number = |n: usize| if n % 9 == 4 { String::new() } else { format!("{}", (n * 37 % 101) as f64 / 8.0) };
    let row = |n: usize| {
        let [ten, two, three] = [10, 2, 3].map(|classes| (n * 7 % 31 + n % 3) % classes);
        format!("{},{},{},{},{ten},c{two},c{three}\n", number(n), number(n * n + 5), word(n), n.is_multiple_of(2))
    };
    let rows: String = (0..300).map(row).collect();
    project.write("t.csv", format!("u,v,w,b,ten,two,three\n{rows}"));
    let steps = "[[step]]\nuse = \"impute_mean\"\ncolumns = [\"u\", \"v\"]\n[[step]]\nuse = \"standard_scale\"\ncolumns = [\"u\", \"v\"]\n";
    let trees = "trees = 20\nmin_rows = 2\n";
    let cases = [
        ("regression", "ten", "boosted_trees", trees),
        ("binary", "two", "boosted_trees", trees),
        ("multiclass", "three", "boosted_trees", trees),
        ("regression", "ten", "boosted_trees", "objective = \"poisson\"\ntrees = 20\nmin_rows = 2\n"),
        ("regression", "ten", "random_forest", "trees = 20\n"),
        ("binary", "two", "extra_trees", "trees = 20\n"),
        ("multiclass", "three", "decision_tree", ""),
        ("regression", "ten", "ridge", ""),
        ("binary", "two", "logistic_regression", ""),
        ("multiclass", "three", "logistic_regression", ""),
        ("multiclass", "three", "dummy", ""),
    ];
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference/predict_bundle.py");
    for (at, (task, target, model, keys)) in cases.into_iter().enumerate() {
        let is_linear = ["ridge", "logistic_regression"].contains(&model);
        let dropped: Vec<String> = ["ten", "two", "three", "w"]
            .into_iter()
            .filter(|name| *name != target && (is_linear || *name != "w"))
            .map(|name| format!("{name:?}"))
            .collect();
        let positive = if task == "binary" { "positive = \"c1\"\n" } else { "" };
        let spec = format!(
            "[pipeline]\nname = \"p{at}\"\nseed = 1\n[data]\nsource = \"t.csv\"\ntarget = \"{target}\"\ntask = \"{task}\"\n{positive}\
             [[step]]\nuse = \"drop_columns\"\ncolumns = [{}]\n{}[model]\nuse = \"{model}\"\n{keys}",
            dropped.join(", "),
            if is_linear { steps } else { "" }
        );
        project.write("p.toml", spec);
        project.run(&["train", "p.toml", "--quiet"]).ok();
        let bundle = project.path(&format!("p{at}.evenstep"));
        let told = said(Command::new("python3").arg(&reader).arg(bundle).output().expect("python3 is there"));
        assert!(told.code == 0 && told.out.contains("numbers have the same bits"), "{model}: {}", told.err);
        // Where no `exp` is, nothing may differ.
        let has_exp = task != "regression" || keys.contains("poisson");
        assert!(has_exp || told.out.contains(", 0 are near"), "{model}: {}", told.out);
    }
    // A bundle with other steps is refused by the first; without them an example is read, as the script says.
    let houses = Project::example("houses");
    for (steps, expected) in [
        (&[][..], (1, "this reader doesn't know the step `impute_constant`")),
        (&["--set", "step=[]"], (0, "houses: ")),
    ] {
        houses.run(&[&["train", "pipeline.toml", "--output", "h.evenstep", "--quiet"], steps].concat()).ok();
        let told = said(Command::new("python3").arg(&reader).arg(houses.path("h.evenstep")).output().expect("python3"));
        assert_eq!((told.code, (told.out + &told.err).starts_with(expected.1)), (expected.0, true), "{}", told.err);
    }
}
