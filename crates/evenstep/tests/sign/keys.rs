//! Files of keys and policies.

use std::process::Stdio;

use crate::common::Project;
use crate::signed;

#[test]
fn a_private_key_is_its_owners_alone_and_never_written_over() {
    let project = Project::new();
    project.run(&["key", "new"]).ok();
    let written = project.read("evenstep.key");
    assert!(written.starts_with("-----BEGIN PRIVATE KEY-----"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(project.path("evenstep.key")).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = project.run(&["key", "new"]);
    assert!(again.code == 2 && again.err.contains("`evenstep.key` is there already"), "{}", again.err);
    assert_eq!(project.read("evenstep.key"), written);
}

#[test]
#[cfg(unix)]
fn keys_have_their_modes_whatever_the_umask_and_a_private_one_that_others_can_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::example("titanic");
    project.run(&["train", "--quiet"]).ok();
    let mode = |name: &str| std::fs::metadata(project.path(name)).expect("it is there").permissions().mode() & 0o777;
    for umask in ["000", "077", "277"] {
        let made = std::process::Command::new("sh")
            .args(["-c", &format!("umask {umask}; exec \"$0\" key new --output of-{umask}.key")])
            .arg(env!("CARGO_BIN_EXE_evenstep"))
            .current_dir(project.path(""))
            .stdout(Stdio::null())
            .status();
        assert!(made.is_ok_and(|made| made.success()), "{umask}");
        let modes = [format!("of-{umask}.key"), format!("of-{umask}.key.pub")].map(|name| mode(&name));
        assert_eq!(modes, [0o600, 0o644], "{umask}");
    }
    let sign =
        |more: &[&str]| project.run(&[&["sign", "titanic.evenstep", "--key", "of-000.key"], more].concat()).ok().err;
    assert_eq!(sign(&[]), "");
    std::fs::set_permissions(project.path("of-000.key"), PermissionsExt::from_mode(0o640)).expect("set");
    assert!(sign(&[]).contains("others than its owner may use `of-000.key`: `chmod 600 of-000.key`"));
    assert_eq!(sign(&["--quiet"]), "");
}

#[test]
fn keys_and_policies_are_short_regular_files() {
    let project = signed();
    project.write("long", vec![b'#'; (1 << 20) + 1]);
    for args in
        [&["sign", "titanic.evenstep", "--key", "long"][..], &["verify", "titanic.evenstep", "--policy", "long"]]
    {
        let said = project.run(args);
        assert!(said.code == 2 && said.err.contains("`long` can't be read: it is longer than 1 MiB"), "{}", said.err);
    }
    project.write("titanic.evenstep.dsse.json", vec![b' '; (1 << 20) + 1]);
    let said = project.run(&["inspect", "titanic.evenstep.dsse.json"]);
    assert!(said.code == 2 && said.err.contains("it is longer than 1 MiB"), "{}", said.err);
    #[cfg(target_os = "linux")]
    {
        // Nothing of it is on disk; all of it would be in memory.
        let large = std::fs::File::create(project.path("large.evenstep")).expect("the folder is ours");
        large.set_len(64 << 30).expect("it is sparse");
        let said = project.run(&["inspect", "large.evenstep"]);
        assert!(said.code == 2 && said.err.contains("it doesn't begin like a bundle"), "{}", said.err);
        std::os::unix::fs::FileExt::write_all_at(&large, b"PK\x03\x04", 0).expect("written");
        let said = project.run(&["inspect", "large.evenstep"]);
        assert!(said.code == 2 && said.err.contains("and 4294967295 at most are expected"), "{}", said.err);
    }
    #[cfg(unix)]
    for args in [
        &["sign", "titanic.evenstep", "--key", "/dev/zero"][..],
        &["verify", "titanic.evenstep", "--policy", "/dev/zero"],
    ] {
        let said = project.run(args);
        assert!(said.code == 2 && said.err.contains("a regular file is expected"), "{}", said.err);
    }
}

/// Linux has names that are no UTF-8; JSON has none.
#[test]
#[cfg(target_os = "linux")]
fn names_that_are_no_text_are_told_to_machines_as_far_as_they_are() {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStrExt;
    let project = signed();
    let odd = |ending: &str| OsString::from(OsStr::from_bytes(&[b"odd-\xff", ending.as_bytes()].concat()));
    let cases: [(&[&str], &str, &str, &str); 7] = [
        (&["train", "--quiet", "--output"], ".evenstep", "bundle", "odd-\u{fffd}.evenstep"),
        (&["split", "--output"], ".csv", "output", "odd-\u{fffd}.csv"),
        (&["report", "titanic.evenstep", "--output"], ".html", "report", "odd-\u{fffd}.html"),
        (&["sign", "--key", "ana.key"], ".evenstep", "signatures", "odd-\u{fffd}.evenstep.dsse.json"),
        (&["key", "new", "--output"], ".key", "private", "odd-\u{fffd}.key"),
        (&["key", "api", "ana", "--file"], ".toml", "file", "odd-\u{fffd}.toml"),
        (&["init", "titanic.csv", "--target", "Survived", "--output"], ".toml", "spec", "odd-\u{fffd}.toml"),
    ];
    for (args, ending, key, expected) in cases {
        if args.contains(&"init") {
            std::fs::remove_file(project.path("").join(odd(".toml"))).expect("the keys were there");
        }
        let said = crate::common::said(project.command(args).arg(odd(ending)).arg("--json").output().expect("it runs"));
        assert_eq!(said.ok().json()[key], expected, "{args:?}");
    }
}
