//! What shells complete, and what `man` shows.

mod common;

use std::fs;
use std::process::Command;

use common::Project;

#[test]
fn bash_completes_verbs_and_options() {
    let project = Project::new();
    let script = project.run(&["completions", "bash"]);
    assert_eq!(script.code, 0, "{}", script.err);
    project.write("evenstep.bash", script.out);
    let completed = |words: &str| {
        let ask = format!(
            "source ./evenstep.bash; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _evenstep evenstep \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        let said = Command::new("bash").args(["-c", &ask]).current_dir(project.path("")).output().expect("bash runs");
        String::from_utf8(said.stdout).expect("text").trim().to_owned()
    };
    assert_eq!(completed("evenstep tr"), "train");
    assert_eq!(completed("evenstep verify --shu"), "--shuffle");
    assert_eq!(completed("evenstep completions zs"), "zsh");
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_written_is_an_error() {
    let project = Project::new();
    for args in [&["--help"][..], &["train", "--help"], &["--version"]] {
        let full = fs::File::options().write(true).open("/dev/full").expect("Linux has it");
        let said = project.command(args).stdout(full).output().expect("the program starts");
        let told = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.code() == Some(2) && told.contains("stdout can't be written"), "{args:?}: {told}");
    }
}

#[test]
fn other_shells_have_scripts_and_an_unknown_one_is_told_which() {
    let project = Project::new();
    for (shell, says) in [
        ("zsh", "#compdef evenstep"),
        ("fish", "complete -c evenstep"),
        ("elvish", "evenstep"),
        ("powershell", "evenstep"),
    ] {
        let script = project.run(&["completions", shell]);
        assert!(script.code == 0 && script.out.contains(says), "{shell}: {}", script.out);
    }
    let refused = project.run(&["completions", "tcsh"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("possible values: bash"), "{}", refused.err);
}

#[test]
fn the_manual_has_a_page_for_each_verb_and_names_every_option() {
    let project = Project::new();
    let written = project.run(&["manual", "--output", "man/man1"]);
    assert_eq!(written.code, 0, "{}", written.err);
    let help = project.run(&["--help"]).out;
    let verbs = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("verbs are listed");
    let verbs = verbs
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|verb| !verb.is_empty() && *verb != "help");
    let mut seen = 0;
    for verb in verbs {
        let page =
            fs::read_to_string(project.path(&format!("man/man1/evenstep-{verb}.1"))).expect("each verb has a page");
        let page = page.replace("\\-", "-");
        assert!(page.contains(&format!(".TH evenstep-{verb} 1")), "{page}");
        for option in project.run(&[verb, "--help"]).out.split_whitespace().filter(|word| word.starts_with("--")) {
            let option = option.trim_end_matches(|letter: char| !letter.is_ascii_lowercase());
            assert!(page.contains(option), "{verb}: {option} is not on its page");
        }
        seen += 1;
    }
    assert!(seen >= 20, "only {seen} verbs were found");
    assert!(written.out.contains("man/man1/evenstep-key-new.1"), "verbs below verbs have pages, too: {}", written.out);
}
