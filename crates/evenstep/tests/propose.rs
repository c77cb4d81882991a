//! `init`: what it proposes trains as it is, and what can't be is said before it is proposed.

mod common;

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
    project.run(&["init", "data.csv", "--target", "y", "--out", "p.toml", "--quiet"]).ok();
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
    project.run(&["init", "rows.csv", "--target", "y", "--out", "q.toml", "--quiet"]).ok();
    project.run(&["train", "q.toml", "--quiet"]).ok();
    let spec = project.read("q.toml");
    (project, spec)
}

#[test]
fn init_writes_over_nothing_and_its_proposal_trains() {
    let project = project();
    refused(&project, &["init", "data.csv", "--target", "y", "--out", "p.toml"], &["already there", "--force"]);
    refused(
        &project,
        &["init", "data.csv", "--target", "yy", "--out", "q.toml"],
        &["no column `yy`", "did you mean `y`?"],
    );
    project.write("days.csv", "x,day\n1,2026-01-01\n2,2026-01-02\n3,2026-01-04\n");
    refused(
        &project,
        &["init", "days.csv", "--target", "day", "--out", "q.toml"],
        &["the target `day` is of type date", "a number"],
    );
    project.run(&["init", "data.csv", "--target", "y", "--out", "q.toml", "--quiet"]).ok();
    project.run(&["check", "q.toml", "--quiet"]).ok();
    project.run(&["train", "q.toml", "--quiet"]).ok();
}

#[test]
fn columns_like_an_id_are_proposed_as_one_or_dropped_and_check_tells_of_them() {
    let project = project();
    let row = |n: usize| {
        format!("{},{},{},{},{}\n", 100 + n, n * n, if n == 7 { "".into() } else { format!("k{n}") }, n % 13, n % 5)
    };
    project.write("ids.csv", (0..100).fold("Order,PID,old_key,x,y\n".to_owned(), |text, n| text + &row(n)));
    project.run(&["init", "ids.csv", "--target", "y", "--out", "q.toml"]).ok();
    let spec = project.read("q.toml");
    assert!(spec.contains("id = \"PID\"\n"), "{spec}");
    assert!(spec.contains("# another value in every row, as an id has: Order, old_key\n"), "{spec}");
    project.run(&["train", "q.toml", "--quiet"]).ok();
    let said = project.run(&["check", "q.toml", "--quiet", "--set", "step.0.columns=\"old_key\""]).ok().out;
    assert!(
        said.contains("`Order` has another value in every row, as an id has, and is learned from: drop it"),
        "{said}"
    );
    project.write("data.csv", data() + &data()["x,z,y\n".len()..]);
    let said = project.run(&["check", "p.toml", "--quiet"]).ok().out;
    assert!(said.contains("100 rows with the inputs of another row"), "{said}");
    assert!(said.contains("declare an `id`, if columns tell them apart"), "{said}");
}

#[test]
fn cells_that_are_no_numbers_are_left_out_by_the_proposal() {
    let odd = |n: usize, odd: &str| if n == 7 { odd.to_owned() } else { format!("{}.5", n % 13) };
    let (_, spec) = trains("x,y", |n| format!("{},{}", odd(n, "inf"), n % 5));
    assert!(spec.contains("x = { type = \"number\", invalid = \"null\" }"), "{spec}");
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, odd(n, "unknown")));
    assert!(spec.contains("y = { type = \"number\", invalid = \"null\" }"), "{spec}");
    assert!(spec.contains("task = \"regression\""), "{spec}");
    let (_, spec) =
        trains("x,y", |n| format!("{},{}", n % 13, if n % 20 == 0 { "abc".into() } else { format!("{n}.5") }));
    assert!(spec.contains("task = \"multiclass\""), "so few values may be classes: {spec}");
    let (_, spec) = trains("price,x,y", |n| format!("\"{},50 €\",{},{}", n % 13, n % 7, n % 5));
    assert!(spec.contains("# `price` is text as it stands"), "{spec}");
}

#[test]
fn what_would_not_train_is_not_proposed() {
    let project = project();
    let init = |more: &[&'static str]| [&["init", "data.csv", "--target", "y", "--out", "q.toml"], more].concat();
    refused(&project, &init(&["--id", "y"]), &["`y` is the target"]);
    refused(&project, &init(&["--id", "x", "--id", "x"]), &["`x` is named twice"]);
    refused(
        &project,
        &init(&["--id", "x"]),
        &["`x` is no id", "13 values stand in several rows, the first of them `0`"],
    );
    project.write("data.csv", "x,y\n1,5\n2,5\n3,inf\n");
    refused(&project, &init(&[]), &["`5` wherever it is of type integer"]);
    let prices = (0..300).fold("x,y\n".to_owned(), |text, n| text + &format!("{},\"{n},5\"\n", n % 7));
    project.write("data.csv", prices);
    refused(&project, &init(&[]), &["numbers with a comma", "`1234.5`"]);
    project.write("data.csv", "x,y\n1,2\n,2\n3,2\n");
    refused(&project, &init(&[]), &["the same value in all rows"]);
    project.write("data.csv", "x,y\n1,2\n,3\n3,2\n");
    refused(&project, &init(&["--id", "x"]), &["`x` is no id: it is missing in 1 row"]);
    project.write("data.csv", "id,y\n1,2\n2,3\n3,2\n");
    refused(&project, &init(&["--id", "id"]), &["no column is left to learn from"]);
    assert!(!project.path("q.toml").exists(), "nothing is written");
}
