//! Bundles of every released epoch, which must load and answer with the bits that they had.

mod common;

use std::path::{Path, PathBuf};

use common::{EXAMPLES, Project, data_of, examples, members};
use evenstep_pipeline::artifact::{APPLIED, APPLY_EPOCH};

/// So many rows of each example are asked.
const ROWS: usize = 200;

fn museum() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/museum")
}

fn room(epoch: u32) -> PathBuf {
    museum().join(format!("epoch-{epoch}"))
}

/// What a bundle answers to the first rows of its example, every digit of it.
fn answers(bundle: &Path, example: &str) -> String {
    let project = Project::new();
    let data = std::fs::read_to_string(examples().join(example).join(data_of(example))).expect("the example is there");
    let rows: Vec<&str> = data.lines().take(ROWS + 1).collect();
    project.write("rows.csv", rows.join("\n") + "\n");
    let bundle = bundle.to_str().expect("UTF-8");
    project.run(&["score", bundle, "--input", "rows.csv", "--output", "answers.csv", "--quiet"]).ok();
    project.read("answers.csv")
}

#[test]
fn a_bundle_of_any_epoch_answers_with_the_bits_that_it_had() {
    let mut asked = 0;
    for epoch in APPLIED {
        for example in EXAMPLES {
            let bundle = room(epoch).join(format!("{example}.evenstep"));
            let expected = std::fs::read_to_string(bundle.with_extension("csv")).expect("each bundle has its answers");
            assert_eq!(answers(&bundle, example), expected, "{example} of epoch {epoch}");
            let project = Project::new();
            let said = project.run(&["verify", bundle.to_str().expect("UTF-8"), "--quiet"]);
            assert_eq!(said.code, 0, "{}", said.out);
            asked += 1;
        }
    }
    assert_eq!(asked, APPLIED.len() * EXAMPLES.len());
    assert_eq!(APPLIED.last(), Some(&APPLY_EPOCH), "the engine answers for its own epoch");
}

#[test]
fn every_room_of_the_museum_is_of_an_epoch_that_the_engine_answers_for() {
    for room in std::fs::read_dir(museum()).expect("it is committed") {
        let name = room.expect("a folder").file_name().into_string().expect("UTF-8");
        assert!(APPLIED.iter().any(|epoch| name == format!("epoch-{epoch}")), "{name}");
    }
}

/// When an epoch is raised, before its first release: `cargo test -p evenstep --test museum -- --ignored`.
#[test]
#[ignore = "puts bundles of this engine's epoch into the museum"]
fn open_a_room_for_this_epoch() {
    std::fs::create_dir_all(room(APPLY_EPOCH)).expect("the folder is ours");
    for example in EXAMPLES {
        let project = Project::example(example);
        let trained = project.run(&["train", "--json", "--quiet"]).ok().json();
        let bytes = std::fs::read(project.path(trained["bundle"].as_str().expect("a path").trim_start_matches("./")));
        let mut members = members(&bytes.expect("it was written"));
        // Nothing is computed from the report, which is longer than the rest.
        members.insert("report.html".to_owned(), Vec::new());
        let bundle = room(APPLY_EPOCH).join(format!("{example}.evenstep"));
        std::fs::write(&bundle, evenstep_bundle::seal(members).expect("it is small")).expect("the folder is ours");
        std::fs::write(bundle.with_extension("csv"), answers(&bundle, example)).expect("the folder is ours");
    }
}
