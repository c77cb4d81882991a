//! Two small runs and one difference: what `diff` says of it, and what it doesn't.

mod cells;
mod columns;
#[path = "../common/mod.rs"]
mod common;
mod learned;
mod personal;
mod rows;
mod sides;

use common::Project;

/// A small table of numbers with an id, of two categories, and a target.
fn write_small(project: &Project, name: &str, rows: &[[String; 5]]) {
    let lines = rows.iter().map(|row| row.join(",") + "\n").collect::<String>();
    project.write(name, "id,u,v,x,y\n".to_owned() + &lines);
}

/// Scores rows by `a/p.evenstep`, with a trace.
fn score_small(project: &Project, data: &str, rows: &[[String; 5]], trace: &str) {
    write_small(project, data, rows);
    project.run(&["score", "a/p.evenstep", "--input", data, "-o", "o.csv", "--trace", trace, "--quiet"]).ok();
}

fn small() -> Vec<[String; 5]> {
    let row = |n: usize| {
        let word = |from: usize| ["ab", "cd", "ef"][from % 3].to_owned();
        let day = format!("2024-{:02}-{:02}", 1 + n % 12, 1 + n % 28);
        [format!("{day} {n}"), word(n / 2), word(n * n / 5), (n % 17).to_string(), (n * 7 % 31).to_string()]
    };
    (0..80).map(row).collect()
}

const SMALL: &str = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"t.csv\"\ntarget = \"y\"\nid = \"id\"\ntask = \"regression\"\n[contract]\nx = { type = \"number\" }\n[[step]]\nuse = \"target_encode\"\ncolumns = [\"u\"]\n[model]\nuse = \"dummy\"\n";

/// Trains the spec in a folder of its own, on the table.
fn train_in(project: &Project, folder: &str, spec: &str, rows: &[[String; 5]]) {
    std::fs::create_dir_all(project.path(folder)).expect("the folder is ours");
    write_small(project, &format!("{folder}/t.csv"), rows);
    project.write(&format!("{folder}/p.toml"), spec);
    project.run(&["train", &format!("{folder}/p.toml"), "--quiet"]).ok();
}

fn salted() -> Project {
    let project = Project::new();
    std::fs::create_dir_all(project.path(".evenstep")).expect("the folder is ours");
    project.write(".evenstep/salt", [7; 32]);
    project
}
