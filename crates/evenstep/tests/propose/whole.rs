//! The proposal as a whole: it trains, and its model suits the rows.

use crate::common::Project;
use crate::{holds, noise, project, refused, rows, trains, trains_file};

#[test]
fn init_writes_over_nothing_and_its_proposal_trains() {
    let project = project();
    refused(&project, &["init", "data.csv", "--target", "y", "--output", "p.toml"], &["already there", "--force"]);
    refused(
        &project,
        &["init", "data.csv", "--target", "yy", "--output", "q.toml"],
        &["no column `yy`", "did you mean `y`?"],
    );
    project.write("days.csv", "x,day\n1,2026-01-01\n2,2026-01-02\n3,2026-01-04\n");
    refused(
        &project,
        &["init", "days.csv", "--target", "day", "--output", "q.toml"],
        &["the target `day` is of type date", "a number"],
    );
    refused(&project, &["init", "nope.csv", "--target", "y", "--output", "p.toml"], &["no file `nope.csv`"]);
    project.write("same.csv", "x,y\n1,2\n2,2\n");
    refused(&project, &["init", "same.csv", "--target", "y", "--output", "q.toml"], &["same.csv: the target `y` has"]);
    let said = project.run(&["init", "same.csv", "--target", "y", "--output", "q.toml", "--json"]).json();
    assert_eq!(said["error"]["file"], "same.csv");
    project.run(&["init", "data.csv", "--target", "y", "--output", "q.toml", "--quiet"]).ok();
    project.run(&["check", "q.toml", "--quiet"]).ok();
    project.run(&["train", "q.toml", "--quiet"]).ok();
}

#[test]
fn trees_are_proposed_as_they_suit_the_rows_in_any_order() {
    let proposed = |row: fn(usize) -> String| {
        let project = Project::new();
        let init = |order: &dyn Fn(usize) -> usize| {
            project.write("d.csv", rows("row_id,x,z,y", 200, |n| row(order(n))));
            project.run(&["init", "d.csv", "--target", "y", "--output", "q.toml", "--quiet", "--force"]).ok();
            project.read("q.toml")
        };
        let spec = init(&|n| n);
        assert_eq!(init(&|n| 199 - n), spec, "no proposal depends on the order of rows");
        project.run(&["train", "q.toml", "--quiet"]).ok();
        spec
    };
    let certain = proposed(|n| format!("{n},{},{},{}", n % 2 * 9 + noise(n) % 5, noise(n + 500), ["a", "b"][n % 2]));
    holds(&certain, &["# of 4 ways, log_loss in folds of the rows to learn from: 0.0", "trees = 220\n", "l2 = 0\n"]);
    let doubtful = proposed(|n| format!("{n},{},{},{}", noise(n) % 50, noise(n + 500), ["a", "b"][noise(n + 900) % 2]));
    holds(&doubtful, &["of 4 ways, log_loss", "trees = 80\n", "l2 = 2\n"]);
    let number = proposed(|n| format!("{n},{},{},{}", noise(n) % 50, noise(n + 500), noise(n + 900)));
    holds(&number, &["of 2 ways, rmse", "trees = 60\n", "l2 = 4\n"]);
}

#[test]
fn many_trees_are_proposed_for_a_number_of_which_many_rows_tell_much() {
    let (x, z) = (|n: usize| noise(n) % 100, |n: usize| noise(n + 500) % 100);
    let (spec, _) =
        trains_file("d.csv", rows("row_id,x,z,y", 600, |n| format!("{n},{},{},{}", x(n), z(n), x(n) * z(n))));
    holds(&spec, &["of 3 ways, rmse", "trees = 400\n", "min_rows = 8\nl2 = 4\n"]);
}

#[test]
fn few_rows_are_learned_from() {
    // Two of three classes are told apart by one cut.
    let text = rows("x,y", 36, |n| format!("{}.5,{}", 10 * (n % 3) + n / 3, ["a", "b", "c"][n % 3]));
    let project = Project::new();
    project.write("d.csv", text);
    project.run(&["init", "d.csv", "--target", "y", "--output", "q.toml", "--quiet"]).ok();
    assert!(project.read("q.toml").contains("min_rows = 6\n"), "{}", project.read("q.toml"));
    let said = project.run(&["train", "q.toml", "--quiet"]).ok().out;
    assert!(!said.contains("no tree has a split"), "{said}");
}

#[test]
fn categories_of_few_rows_a_level_are_encoded_where_there_are_several_classes() {
    let row =
        |n: usize, classes: usize| format!("L{},{},{}", n * 7 % 200, n % 13, ["k0", "k1", "k2"][n * 7 % 200 % classes]);
    let (project, proposed) = (Project::new(), "use = \"target_encode\"\ncolumns = [\"c\"]\n");
    project.write("d.csv", rows("c,x,y", 1000, |n| row(n, 3)));
    project.run(&["init", "d.csv", "--target", "y", "--output", "q.toml", "--quiet"]).ok();
    let spec = project.read("q.toml");
    assert!(spec.contains(proposed), "{spec}");
    let accuracy = |said: &serde_json::Value| said["evaluation"]["metrics"][1]["value"].as_f64().expect("a number");
    let encoded = project.run(&["train", "q.toml", "--quiet", "--json"]).ok().json();
    assert!(accuracy(&encoded) > 0.9, "{}", encoded["evaluation"]);
    project.write("q.toml", spec.replace(&format!("[[step]]                         # their values have too few rows each for trees of several classes\n{proposed}"), ""));
    let plain = project.run(&["train", "q.toml", "--quiet"]).ok().out;
    assert!(plain.contains("note: `c` has 199 levels of 4.1 rows in the mean"), "{plain}");
    project.write("d.csv", rows("c,x,y", 1000, |n| row(n, 2)));
    project.run(&["init", "d.csv", "--target", "y", "--output", "q.toml", "--quiet", "--force"]).ok();
    assert!(!project.read("q.toml").contains("target_encode"), "two classes need it not");
}

#[test]
fn what_would_not_train_is_not_proposed() {
    let project = project();
    let init = |more: &[&'static str]| [&["init", "data.csv", "--target", "y", "--output", "q.toml"], more].concat();
    refused(&project, &init(&["--id", "y"]), &["`y` is the target"]);
    refused(&project, &init(&["--id", "x", "--id", "x"]), &["`x` is named twice"]);
    refused(&project, &init(&["--id", "x"]), &["`x` is no id", "13 values stand in several rows, such as `0`"]);
    project.write("data.csv", "x,y\n1,5\n2,5\n3,inf\n");
    refused(&project, &init(&[]), &["`5` wherever it is of type integer"]);
    let prices =
        (0..300).fold("x,y\n".to_owned(), |text, n| text + &format!("{},\"{n}{}\"\n", n % 7, [",5", ".5 €"][n % 2]));
    project.write("data.csv", prices);
    refused(&project, &init(&[]), &["numbers as people write them, which are text: `0,5`", "`1234.5`"]);
    project.write("data.csv", rows("x,y", 40, |n| format!("{},{n}.5e110", n % 7)));
    refused(&project, &init(&[]), &["`y`: 40 targets are beyond ±1e100", "divide it by a constant"]);
    project.write("data.csv", "x,y\n1,2\n,2\n3,2\n");
    refused(&project, &init(&[]), &["the same value in all rows"]);
    project.write("data.csv", "x,y\n1,2\n,3\n3,2\n");
    refused(&project, &init(&["--id", "x"]), &["`x` is no id: it is missing in 1 row"]);
    project.write("data.csv", "id,y\n1,2\n2,3\n3,2\n");
    refused(&project, &init(&[]), &["no column is left to learn from", "`id` tells rows apart, as an id does"]);
    assert!(!project.path("q.toml").exists(), "nothing is written");
}

#[test]
fn what_stands_in_a_comment_ends_no_line() {
    let class = |n: usize| if n.is_multiple_of(3) { "\"k\nevil = 1\"" } else { "v" };
    let (_, spec) = trains("id,b,\"a\n[model]\",y", |n| format!("{n},{},\"x\n[model] {n}\",{}", n % 7, class(n)));
    assert!(spec.contains("of k evil = 1 (34 rows), v (66 rows)"), "{spec}");
}

#[test]
fn what_is_written_in_more_than_one_way_is_told() {
    let row = |n: usize| {
        let cells = [
            format!("{:02}.{:02}.{:02}", 1 + n % 28, 1 + n % 12, n % 100),
            if n.is_multiple_of(4) { "25".to_owned() } else { format!("{}%", n % 90) },
            if n.is_multiple_of(3) { format!("{}.50 €", n % 40) } else { format!("${}.50", n % 40) },
            if n % 9 < 5 { ".".to_owned() } else { format!("{n}.5") },
            format!("\"{},{:03}\"", n % 2, n * 37 % 1000),
            (n % 7).to_string(),
        ];
        cells.join(",")
    };
    let (spec, _) = trains_file("f.csv", rows("born,\"share\n(%)\",mixed,few,part,y", 100, row));
    holds(
        &spec,
        &[
            "# years of two digits are read as 1969 to 2068\n",
            "born = { type = \"date\", format = \"%d.%m.%y\" }\n",
            "# 25 of 100 cells have no `%`, and are read as if they had: 25 is 25 %\n",
            "\"share\\n(%)\" = { type = \"number\", format = \"1234.56%\" }\n",
            "`mixed` is text as it stands",
            "missing = [\"\", \".\"]\n",
            "part = { type = \"number\", format = \"1234,56\" }\n",
        ],
    );
    assert!(!spec.contains("few = "), "{spec}");
}

#[test]
fn what_is_written_like_a_code_a_month_or_a_limit_may_be_something_else() {
    // A measurement that no row shares, and a series of days.
    let (_, spec) = trains("mass,day,y", |n| {
        format!("{}.25kg,{:02}-{}-20{:02},{}", n + 50, 1 + n % 28, ["Jan", "Oct"][n % 2], n / 2, n % 29)
    });
    holds(
        &spec,
        &["mass = { type = \"number\", format = \"1234.56kg\"", "day = { type = \"date\", format = \"%d-%b-%Y\" }"],
    );
    assert!(!spec.contains("\nid = "), "{spec}");
    // Seasons, one of which is no month.
    let (_, spec) = trains("season,y", |n| format!("{}-{:02},{}", 2001 + n % 12, (n % 12 + 2) % 100, n % 29));
    assert!(!spec.contains("season ="), "{spec}");
    let (_, spec) =
        trains("season,y", |n| format!("{}-{:02},{}", 2001 + n % 9, if n == 50 { 13 } else { n % 12 + 1 }, n % 29));
    assert!(!spec.contains("season ="), "{spec}");
    let (_, spec) = trains("x,y", |n| {
        format!("{},{}", n % 7, ["2003-04", "2004-05", "2005-09", "2006-01", "2006-02", "2006-03"][n % 6])
    });
    holds(&spec, &["task = \"multiclass\""]);
    // Months have neither days nor weeks.
    let (_, spec) = trains("since,y", |n| format!("{}-{:02},{}", 2015 + n % 5, 1 + n % 12, n % 29));
    holds(&spec, &["columns = [\"since\"]\nparts = [\"year\", \"month\"]"]);
    // What lies below a limit and what lies above are not one.
    let flagged = |n: usize| {
        if n.is_multiple_of(9) {
            "<0.5".into()
        } else if n % 9 == 1 {
            ">99".into()
        } else {
            format!("{}.25", n % 30)
        }
    };
    let (_, spec) = trains("dose,y", |n| format!("{},{}", flagged(n), n % 29));
    assert!(!spec.contains("dose ="), "{spec}");
}
