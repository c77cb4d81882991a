//! Bundle, report and image have the same bytes wherever they are made: in another folder, time, time zone,
//! language and user, with other rights of new files, and with files that were created in another order.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::examples;

/// Where a training takes place.
struct Surroundings {
    folder: &'static str,
    zone: &'static str,
    language: &'static str,
    umask: &'static str,
    /// The order in which the parts of the data are created.
    parts: [usize; 3],
    /// Runs the program as somebody else, at another time, where the host allows it.
    through: &'static [&'static [&'static str]],
}

const HERE: Surroundings =
    Surroundings { folder: "here", zone: "UTC", language: "C", umask: "022", parts: [0, 1, 2], through: &[] };
const ELSEWHERE: Surroundings = Surroundings {
    folder: "a much longer path/with spaces/and ümlauts",
    zone: "Pacific/Kiritimati",
    language: "tr_TR.UTF-8",
    umask: "077",
    parts: [2, 0, 1],
    through: &[&["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], &["faketime", "2031-12-31 23:59:59"]],
};

/// What a training and an image of it are, to the byte.
#[derive(PartialEq)]
struct Made {
    bundle: Vec<u8>,
    report: Vec<u8>,
    image: Vec<u8>,
    lock: String,
}

/// The surroundings that this host can give. Those that are left out are told; where changes are judged, none may be, but for
/// another user, whom the superuser alone can become.
#[expect(clippy::print_stderr, reason = "what was not tried is told to whoever runs the test")]
fn possible(through: &'static [&'static [&'static str]]) -> Vec<&'static str> {
    let is_root = || Command::new("id").arg("-u").output().is_ok_and(|said| said.stdout == b"0\n");
    let works = |through: &&&[&str]| {
        let program = env!("CARGO_BIN_EXE_evenstep");
        let tried = Command::new(through[0]).args(&through[1..]).args([program, "--version"]).output();
        let works = tried.is_ok_and(|tried| tried.status.success());
        if !works {
            eprintln!("left out: `{}` does not run here", through.join(" "));
            let may_be =
                std::env::var_os("EVENSTEP_ALL_SURROUNDINGS").is_none() || (through[0] == "setpriv" && !is_root());
            assert!(may_be, "`{}` is needed here: `.ci/run` installs it", through[0]);
        }
        works
    };
    through.iter().filter(works).flat_map(|through| through.iter().copied()).collect()
}

#[test]
fn bundle_report_and_image_have_the_same_bytes_in_other_surroundings() {
    let (here, elsewhere) = (made(&HERE), made(&ELSEWHERE));
    assert!(here.bundle == elsewhere.bundle, "the bundles differ");
    assert!(here.report == elsewhere.report, "the reports differ");
    assert!(here.image == elsewhere.image, "the images differ");
    assert_eq!(here.lock, elsewhere.lock);
    assert!(here.image.len() > here.bundle.len() && here.lock.contains("digest"));
}

fn made(surroundings: &Surroundings) -> Made {
    let root = tempfile::tempdir().expect("a folder");
    let folder = root.path().join(surroundings.folder);
    fs::create_dir_all(folder.join("parts")).expect("created");
    fs::copy(examples().join("titanic/pipeline.toml"), folder.join("pipeline.toml")).expect("copied");
    let rows = fs::read_to_string(examples().join("titanic/titanic.csv")).expect("it is committed");
    let (header, rows) = rows.split_once('\n').expect("a header");
    let rows: Vec<&str> = rows.lines().collect();
    for part in surroundings.parts {
        let third = rows.len() / 3;
        let end = if part == 2 { rows.len() } else { (part + 1) * third };
        let text = format!("{header}\n{}\n", rows[part * third..end].join("\n"));
        fs::write(folder.join(format!("parts/{part}.csv")), text).expect("written");
    }
    fs::write(folder.join("engine"), engine()).expect("written");
    open_to_all(root.path());

    let through = possible(surroundings.through);
    run(surroundings, &through, &folder, &["train", "pipeline.toml", "--quiet", "--set", "data.source=parts/*.csv"]);
    run(surroundings, &through, &folder, &["image", "titanic.evenstep", "--output", "image.tar", "--engine", "engine"]);
    let read = |name: &str| fs::read(folder.join(name)).expect("it was written");
    let lock = String::from_utf8(read("pipeline.lock")).expect("text");
    let (lock, _) = lock.split_once("[facts]").expect("facts come last");
    Made {
        bundle: read("titanic.evenstep"),
        report: read("titanic.html"),
        image: read("image.tar"),
        lock: lock.to_owned(),
    }
}

fn run(surroundings: &Surroundings, through: &[&str], folder: &Path, arguments: &[&str]) {
    let program = env!("CARGO_BIN_EXE_evenstep");
    let words: Vec<&str> = through.iter().copied().chain([program]).chain(arguments.iter().copied()).collect();
    let script = format!("umask {} && exec \"$@\"", surroundings.umask);
    let output = Command::new("sh")
        .args(["-c", &script, "sh"])
        .args(words)
        .current_dir(folder)
        .env("TZ", surroundings.zone)
        .env("LANG", surroundings.language)
        .env("LC_ALL", surroundings.language)
        .output()
        .expect("a shell runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Lets another user write there.
fn open_to_all(root: &Path) {
    let status = Command::new("chmod").args(["-R", "a+rwX"]).arg(root).status().expect("chmod runs");
    assert!(status.success());
}

/// The headers of a static program for x86-64: an image holds it, nobody runs it.
fn engine() -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[16] = 2;
    bytes[18] = 62;
    bytes
}

#[test]
fn an_engine_that_needs_libraries_is_refused_with_the_command_that_builds_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/bundle/trees.evenstep");
    let image: PathBuf = folder.path().join("image.tar");
    // The program under test is linked dynamically, as tests are.
    let output = Command::new(env!("CARGO_BIN_EXE_evenstep"))
        .args(["image".as_ref(), bundle.as_os_str(), "--output".as_ref(), image.as_os_str()])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("ld-linux") && said.contains("crt-static") && !image.exists(), "{said}");
}

#[test]
fn a_push_that_can_not_be_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let image: PathBuf = folder.path().join("image.tar");
    let output = Command::new(env!("CARGO_BIN_EXE_evenstep"))
        .args(["image", "absent.evenstep", "--push", "houses", "--output"])
        .arg(&image)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let reason = if cfg!(feature = "push") { "it names no registry" } else { "--features push" };
    assert!(said.contains(reason) && !image.exists(), "{said}");
}
