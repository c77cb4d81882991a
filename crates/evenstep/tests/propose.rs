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
    project.run(&["init", "data.csv", "--target", "y", "--output", "p.toml", "--quiet"]).ok();
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
    project.run(&["init", "rows.csv", "--target", "y", "--output", "q.toml", "--quiet"]).ok();
    project.run(&["train", "q.toml", "--quiet"]).ok();
    let spec = project.read("q.toml");
    (project, spec)
}

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
fn columns_like_an_id_are_proposed_as_one_or_dropped_and_check_tells_of_them() {
    let project = project();
    let row = |n: usize| {
        format!("{},{},{},{},{}\n", 100 + n, n * n, if n == 7 { "".into() } else { format!("k{n}") }, n % 13, n % 5)
    };
    project.write("ids.csv", (0..100).fold("Order,PID,old_key,x,y\n".to_owned(), |text, n| text + &row(n)));
    project.run(&["init", "ids.csv", "--target", "y", "--output", "q.toml"]).ok();
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
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, odd(n, "late")));
    assert!(spec.contains("y = { type = \"number\", invalid = \"null\" }"), "{spec}");
    assert!(spec.contains("task = \"regression\""), "{spec}");
    let odd_often = |n: usize, value: usize| if n.is_multiple_of(20) { "abc".to_owned() } else { format!("{value}.5") };
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, odd_often(n, n % 9)));
    assert!(spec.contains("task = \"multiclass\""), "so few values may be classes: {spec}");
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, odd_often(n, n)));
    assert!(spec.contains("task = \"regression\""), "so many are no classes: {spec}");
}

#[test]
fn a_first_column_without_a_name_is_the_id_if_it_tells_rows_apart_and_no_input_otherwise() {
    let init = |header: &str, row: fn(usize) -> String| {
        let project = Project::new();
        project.write("d.csv", rows(header, 100, row));
        project.run(&["init", "d.csv", "--target", "y", "--output", "q.toml", "--quiet"]).ok();
        let said = project.run(&["train", "q.toml", "--quiet"]).ok().out;
        (project.read("q.toml"), said)
    };
    let (spec, _) = init(",x,y", |n| format!("{n},{},{}", n % 7, n % 5));
    assert!(spec.contains("id = \"index\"\n"), "{spec}");
    let (spec, _) = init("\"\",x,y", |n| format!("\"Mazda {n}\",{},{}", n % 7, n % 5));
    assert!(spec.contains("id = \"index\"\n"), "{spec}");
    let (spec, said) = init(",zone_id,x,y", |n| format!("{n},{},{},{}", 999 - n, n % 7, n % 5));
    assert!(spec.contains("id = \"zone_id\"\n"), "{spec}");
    assert!(said.contains("note: an index without a name, and so no input: `index`"), "{said}");
    let (spec, said) = init(",x,y", |n| format!("{},{},{}", n / 2, n % 7, n % 5));
    assert!(spec.contains("# `index` is an index without a name, and so no input\n"), "{spec}");
    assert!(said.contains("note: an index without a name, and so no input: `index`"), "{said}");
}

/// Some number that nothing else tells.
fn noise(n: usize) -> usize {
    (n * n * 31 + n * 17) * 7919 % 10_007
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
    refused(
        &project,
        &init(&["--id", "x"]),
        &["`x` is no id", "13 values stand in several rows, the first of them `0`"],
    );
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
    refused(&project, &init(&["--id", "id"]), &["no column is left to learn from"]);
    assert!(!project.path("q.toml").exists(), "nothing is written");
}

#[test]
fn columns_that_some_rows_of_json_lines_lack_are_told() {
    let line = |n: u32| {
        let town = if n.is_multiple_of(3) { String::new() } else { format!(r#", "town": "t{}""#, n % 5) };
        format!("{{\"x\": {}{town}, \"y\": {}}}\n", n % 7, n % 5)
    };
    let text: String = (0..90).map(line).collect();
    let (spec, _) = trains_file("d.jsonl", &text);
    assert!(spec.contains("# some rows lack `town`:"), "{spec}");
    let proposed = r#"town = { type = "category", absent = "null" }"#;
    assert!(spec.contains(proposed), "{spec}");
    let project = Project::new();
    project.write("d.jsonl", &text);
    project.write("one.jsonl", text.lines().next().expect("a line"));
    let score = ["score", "d.evenstep", "--input", "one.jsonl", "--output", "o.csv", "--quiet"];
    for taken in [false, true] {
        let contract = if taken { format!("[contract]\n{proposed}") } else { String::new() };
        project.write("d.toml", format!("{spec}\n{contract}\n"));
        project.run(&["train", "d.toml", "--quiet", "--output", "d.evenstep"]).ok();
        assert_eq!(project.run(&score).code, if taken { 0 } else { 2 });
    }
}

#[test]
fn a_column_that_some_rows_lack_and_the_contract_has_is_told_by_its_line() {
    let line = |n: u32| {
        let day = if n.is_multiple_of(3) { String::new() } else { format!(r#", "w": "{:02}.03.2024""#, 13 + n % 15) };
        format!("{{\"x\": {}{day}, \"y\": {}}}\n", n % 7, n % 5)
    };
    let (spec, _) = trains_file("d.jsonl", (0..90).map(line).collect::<String>());
    let proposed = r#"`w = { type = "date", format = "%d.%m.%Y", absent = "null" }`, instead of its line below"#;
    assert!(spec.contains(proposed), "{spec}");
}

/// Proposes a spec for a file, trains it, checks it, and gives its text and what the check said.
fn trains_file(file: &str, text: impl AsRef<[u8]>) -> (String, String) {
    let project = Project::new();
    project.write(file, text);
    project.run(&["init", file, "--target", "y", "--output", "q.toml", "--quiet"]).ok();
    project.run(&["train", "q.toml", "--quiet"]).ok();
    let checked = project.run(&["check", "q.toml", "--quiet"]).ok().out;
    (project.read("q.toml"), checked)
}

fn rows(header: &str, rows: usize, row: impl Fn(usize) -> String) -> String {
    (0..rows).fold(format!("{header}\n"), |text, n| text + &row(n) + "\n")
}

fn holds(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
}

#[test]
fn dates_as_people_write_them_are_dates_of_the_proposal() {
    let (year, month, day) = (|n: usize| 2015 + n % 5, |n: usize| 1 + n % 12, |n: usize| 1 + n % 28);
    let row = |n: usize| {
        let (y, m, d) = (year(n), month(n), day(n));
        format!(
            "{d}/{m}/{y},{m:02}/{d:02}/{y} 1{}:00 PM,{y}/{m:02}/{d:02} 00:{:02}:36,{}/{}/2020,{y}{m:02}{d:02},{},{y}-{m:02},{}",
            n % 3,
            n % 60,
            1 + n % 9,
            1 + n / 9 % 9,
            if n == 5 { "late".to_owned() } else { format!("{d}.{m}.{y}") },
            n % 7
        )
    };
    let (spec, _) = trains_file("d.csv", rows("uk,us,log,either,start_date,odd,since,y", 200, row));
    holds(
        &spec,
        &[
            "uk = { type = \"date\", format = \"%d/%m/%Y\" }",
            "us = { type = \"datetime\", format = \"%m/%d/%Y %I:%M %p\" }",
            "log = { type = \"datetime\", format = \"%Y/%m/%d %H:%M:%S\" }",
            "if it is the other, write `%m/%d/%Y`\neither = { type = \"date\", format = \"%d/%m/%Y\" }",
            "start_date = { type = \"date\", format = \"%Y%m%d\" }",
            "# 1 of 200 cells is of another type than date: `late`",
            "odd = { type = \"date\", format = \"%d.%m.%Y\", invalid = \"null\" }",
            "since = { type = \"date\", format = \"%Y-%m\" }",
            "columns = [\"either\", \"odd\", \"start_date\", \"uk\"]",
            "columns = [\"since\"]",
            "columns = [\"log\", \"us\"]",
        ],
    );
}

#[test]
fn moments_with_a_zone_or_a_weekday_are_datetimes_of_the_proposal() {
    let row = |n: usize| {
        let (day, hour) = (5 + n % 7, n % 24);
        let weekday = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][n % 7];
        format!(
            "2018-03-{day:02} {hour:02}:26:21 UTC,\"{weekday}, {day:02} Mar 2018 {hour:02}:31:00 +0100\",{weekday} Mar {day:>2} {hour:02}:31:00 2018,{day:02}/Mar/2018:{hour:02}:31:00 +0000,{}",
            n % 29
        )
    };
    let (spec, _) = trains_file("d.csv", rows("zone,feed,clock,log,y", 200, row));
    holds(
        &spec,
        &[
            "zone = { type = \"datetime\", format = \"%Y-%m-%d %H:%M:%S UTC\" }",
            "feed = { type = \"datetime\", format = \"%a, %d %b %Y %H:%M:%S %z\" }",
            "clock = { type = \"datetime\", format = \"%a %b %d %H:%M:%S %Y\" }",
            "log = { type = \"datetime\", format = \"%d/%b/%Y:%H:%M:%S %z\" }",
            "columns = [\"clock\", \"feed\", \"log\", \"zone\"]",
        ],
    );
}

#[test]
fn check_tells_of_texts_that_look_like_dates() {
    let project = Project::new();
    project.write("d.csv", rows("day,x,y", 100, |n| format!("{}/3/2020,{},{}", 1 + n % 28, n % 7, n % 5)));
    project.write(
        "p.toml",
        "[pipeline]\nname = \"p\"\nseed = 0\n[data]\nsource = \"d.csv\"\ntarget = \"y\"\n[model]\nuse = \"boosted_trees\"\n",
    );
    let look =
        "the values of `day` look like dates or times: [contract] day = { type = \"date\", format = \"%d/%m/%Y\" }";
    let said = project.run(&["check", "p.toml", "--quiet", "--set", "contract.x.type=integer"]).ok().out;
    holds(&said, &[look]);
    let said = project.run(&["check", "p.toml", "--quiet", "--set", "contract.day.type=category"]).ok().out;
    assert!(!said.contains("look like dates"), "{said}");
}

#[test]
fn days_and_months_in_both_orders_are_told() {
    let project = Project::new();
    let day_first = |n: usize| format!("{:02}/{:02}/2024", 1 + n % 28, 1 + n % 12);
    let month_first = |n: usize| format!("{:02}/{:02}/2024", 1 + n % 12, 1 + n % 28);
    // A few in the other order.
    let few = |n: usize| if n % 50 == 49 { month_first(n + 13) } else { day_first(n) };
    project.write("d.csv", rows("sold,x,y", 200, |n| format!("{},{},{}", few(n), n % 13, n % 29)));
    project.run(&["init", "d.csv", "--target", "y", "--output", "q.toml", "--quiet"]).ok();
    let spec = project.read("q.toml");
    holds(
        &spec,
        &[
            "# day and month come in both orders: 2 cells such as `07/23/2024` beside others such as `13/01/2024`; of what reads both ways some may be misread\n",
            "sold = { type = \"date\", format = \"%d/%m/%Y\", invalid = \"null\" }",
        ],
    );
    project.write("q.toml", spec.replace(", invalid = \"null\"", ""));
    let said = project.run(&["check", "q.toml", "--quiet"]).out;
    holds(&said, &["`07/23/2024` is not a date written as `%d/%m/%Y`, but as `%m/%d/%Y`: what reads both ways may"]);
    // Those that become null are told by a training, too.
    project.write("q.toml", &spec);
    let said = project.run(&["train", "q.toml", "--quiet"]).ok().out;
    holds(&said, &["note: d.csv, row 150, column `sold`: `07/23/2024` is not a date written as `%d/%m/%Y`, but as"]);
    // As many in either.
    let half = |n: usize| if n.is_multiple_of(2) { month_first(n) } else { day_first(n) };
    project.write("d.csv", rows("sold,x,y", 200, |n| format!("{},{},{}", half(n), n % 13, n % 29)));
    project.run(&["init", "d.csv", "--target", "y", "--output", "q.toml", "--quiet", "--force"]).ok();
    holds(&project.read("q.toml"), &["# `sold` is text as it stands: its dates are written in two ways, `"]);
    let said = project.run(&["check", "q.toml", "--quiet", "--set", "step=[]"]).out;
    holds(&said, &["its dates are written in two ways, `"]);
}

#[test]
fn whole_numbers_are_one_pipeline_however_they_are_written() {
    let project = Project::new();
    let digest = |point: &str| {
        let row = |n: usize| format!("{}{point},{}{point},{}{point},{}", 20 + n % 50, n % 17, n % 2, n % 29);
        project.write("d.csv", rows("age,z,flag,y", 200, row));
        project.run(&["init", "d.csv", "--target", "y", "--output", "q.toml", "--quiet", "--force"]).ok();
        project.run(&["train", "q.toml", "--quiet", "--json"]).ok().json()["digest"].clone()
    };
    assert_eq!(digest(""), digest(".0"));
    holds(
        &project.read("q.toml"),
        &[
            "# whole so far, but written as `20.0` or held as floats: `age`, `z`\n",
            "is to be a `number` in the contract\n",
        ],
    );
}

#[test]
fn a_date_target_is_refused_however_it_is_written() {
    let project = Project::new();
    project.write("d.csv", rows("x,y", 100, |n| format!("{},{}/{}/2020", n % 9, 1 + n % 28, 1 + n % 12)));
    refused(&project, &["init", "d.csv", "--target", "y"], &["the target `y` is of type date"]);
}

#[test]
fn marks_of_missing_values_are_proposed_as_such() {
    for mark in [
        ".", "-", "--", "None", "missing", "unknown", "n.a.", "*", "#DIV/0!", "#VALUE!", "\\N", "ND", "(blank)", "  ",
        "k.A.",
    ] {
        let row =
            |n: usize| format!("{},{},{}", if n % 20 == 3 { mark.to_owned() } else { format!("{n}.5") }, n % 9, n % 5);
        let (spec, _) = trains_file("m.csv", rows("x,z,y", 400, row));
        let token = toml::Value::from(mark).to_string();
        holds(&spec, &[&format!("missing = [\"\", {token}]")]);
        assert!(!spec.contains("drop_columns"), "{mark}: {spec}");
    }
}

#[test]
fn the_zero_day_of_databases_is_no_day() {
    let day = |n: usize| {
        if n.is_multiple_of(9) { "0000-00-00".to_owned() } else { format!("2024-0{}-1{}", 1 + n % 9, n % 10) }
    };
    let (spec, _) = trains_file("z.csv", rows("day,x,y", 200, |n| format!("{},{},{}", day(n), n % 13, n % 29)));
    holds(&spec, &["missing = [\"\", \"0000-00-00\"]", "columns = [\"day\"]\nparts = "]);
}

#[test]
fn a_mark_that_is_a_value_elsewhere_becomes_null_in_its_column_alone() {
    let row = |n: usize| {
        let x = if n % 20 == 3 { "None".to_owned() } else { format!("{n}.5") };
        format!(
            "{x},{},{},{}",
            ["None", "Gravel"][n % 2],
            if n % 10 == 1 { "low".into() } else { n.to_string() },
            n % 5
        )
    };
    let (spec, _) = trains_file("m.csv", rows("x,alley,level,y", 400, row));
    holds(
        &spec,
        &[
            "missing = [\"\"]",
            "# 20 of 400 cells are of another type than number: `None` × 20\nx = { type = \"number\", invalid = \"null\" }",
            "# 40 of 400 cells are of another type than integer: `low` × 40\nlevel = { type = \"integer\", invalid = \"null\" }",
        ],
    );
}

#[test]
fn times_finer_than_a_microsecond_are_dropped_and_told() {
    let row = |n: usize| {
        let rare = if n == 7 { "001" } else { "000" };
        format!(
            "2024-01-01T00:00:{:02}.123456789,2024-01-01T00:00:{:02}.123456{rare},{},{}",
            n % 60,
            n % 60,
            n % 9,
            n % 5
        )
    };
    let (spec, _) = trains_file("t.csv", rows("fine,rare,x,y", 100, row));
    holds(
        &spec,
        &[
            "# finer than a microsecond, which no type holds; cut off after six digits they are dates and times: fine\n",
            "# 1 of 100 cells is of another type than datetime: `2024-01-01T00:00:07.123456001`\nrare = { type = \"datetime\", invalid = \"null\" }",
            "columns = [\"rare\"]",
        ],
    );
}

#[test]
fn a_target_of_ever_new_texts_is_refused() {
    let project = Project::new();
    for count in [40, 1000] {
        project.write("e.csv", rows("x,y", count, |n| format!("{},n{}@example.org", n % 9, n - usize::from(n == 1))));
        refused(&project, &["init", "e.csv", "--target", "y"], &["has another text in nearly every row"]);
    }
    let (spec, _) = trains_file("few.csv", rows("x,y", 40, |n| format!("{},c{}", n % 9, n % 4)));
    holds(&spec, &["task = \"multiclass\""]);
}

#[test]
fn an_index_that_pandas_read_is_no_input() {
    let row = |n: usize| format!("{},k{n},{},{}", n * 3, n % 13, n % 29);
    let (_, spec) = trains("Unnamed: 0,x,z,y", |n| format!("{},{},{},{}", n * n, n % 7, n % 13, n % 29));
    holds(&spec, &["id = \"Unnamed: 0\"\n"]);
    let (_, spec) = trains("Unnamed: 0,user_id,z,y", row);
    holds(&spec, &["id = \"user_id\"\n", "# another value in every row, as an id has: Unnamed: 0\n"]);
    let (_, spec) = trains("Unnamed: 0,z,y", |n| format!("{},{},{}", n / 2, n % 13, n % 29));
    holds(&spec, &["# an index without a name, as pandas reads one: Unnamed: 0\n"]);
}

#[test]
fn another_whole_number_in_every_row_is_told() {
    let row = |n: usize| format!("{},{},{n}.5,{},{}", 9_000 + n * n, n * n * 3, n * n, n % 29);
    let (_, spec) = trains("account,price,part,turns,y", row);
    holds(
        &spec,
        &["# another whole number in every row: `account`, `turns`\n# what only tells rows apart, as an id does,"],
    );
    let (_, spec) = trains("account,y", |n| format!("{},{}", 9_000 + (n * n).min(9_000), n % 29));
    assert!(!spec.contains("in every row"), "{spec}");
}

#[test]
fn a_quantity_is_no_id_because_it_counts_through() {
    let (spec, checked) = trains_file("y.csv", rows("year,x,y", 60, |n| format!("{},{},{}", 1950 + n, n % 9, n % 5)));
    assert!(!spec.contains("id = \"year\"") && !spec.contains("drop_columns"), "{spec}");
    assert!(!checked.contains("as an id has"), "{checked}");
    let (spec, _) = trains_file("n.csv", rows("Order,x,y", 60, |n| format!("{},{},{}", 1950 + n, n % 9, n % 5)));
    holds(&spec, &["# `Order` tells rows apart; it is no feature\nid = \"Order\"\n"]);
}

#[test]
fn codes_with_a_few_longer_ones_are_a_category() {
    let row = |n: usize| {
        format!(
            "{}{},{},{}",
            98101 + n % 50,
            if n % 150 == 3 { format!("-{}", 1000 + n) } else { String::new() },
            n % 9,
            n % 5
        )
    };
    let (spec, checked) = trains_file("z.csv", rows("zip,x,y", 3000, row));
    holds(
        &spec,
        &["beside whole numbers there are 20 cells such as `", " and 17 others\nzip = { type = \"category\" }"],
    );
    assert!(!checked.contains("would be of type"), "{checked}");
    let row = |n: usize| format!("{},{}", if n % 150 == 3 { format!("a{n}") } else { (n % 70).to_string() }, n % 5);
    let (spec, _) = trains_file("o.csv", rows("x,y", 3000, row));
    holds(&spec, &["# 20 of 3000 cells are of another type than integer: `a1053`, `a1203`, `a1353` and 17 others\n"]);
}

#[test]
fn cells_that_no_program_reads_as_numbers_are_named() {
    let row = |n: usize| format!("{},{}", ["\"1,5\"", "2.5 €", "2"][n % 3], n % 7);
    let (spec, checked) = trains_file("f.csv", rows("x,y", 99, row));
    holds(&spec, &["# `x` is text as it stands, since no program reads as numbers: `1,5` × 33, `2.5 €` × 33\n"]);
    holds(&checked, &["`x` is read as text", "66 of its 99 values are numbers as people write them"]);
}

#[test]
fn how_numbers_are_written_for_people_is_proposed() {
    let written = |n: usize| {
        let (thousands, units) = (n / 7 + 1, n * 37 % 1000);
        let cells = [
            ["1e5", "+3", ".5", "5.", "2"][n % 5].to_owned(),
            format!("\"$75,{:03}\"", n % 3),
            if n == 5 { "n/a".to_owned() } else { format!("\"{thousands}.{units:03},50 €\"") },
            format!("{} %", n % 90),
            if n.is_multiple_of(25) { format!("\"1,{units:03}.5\"") } else { format!("{units}.5") },
            format!("\"{},{}\"", n * 3 % 29, n % 10),
        ];
        cells.join(",")
    };
    let (spec, _) = trains_file("f.csv", rows("x,dollars,euros,share,few,y", 100, written));
    holds(
        &spec,
        &[
            "x = { type = \"number\", format = \"1234.56\" }\n",
            "# no cell tells whether thousands or the fraction are set apart: if it is the other, write `$1234,56`\n",
            "dollars = { type = \"number\", format = \"$1,234.56\" }\n",
            "# numbers that no program reads as they stand, such as `1.000,50 €`, `1.037,50 €`\n",
            "euros = { type = \"number\", format = \"1.234,56 €\" }\n",
            "share = { type = \"number\", format = \"1234.56 %\" }\n",
            "few = { type = \"number\", format = \"1,234.56\" }\n",
            "y = { type = \"number\", format = \"1234,56\" }\n",
            "task = \"regression\"",
            "missing = [\"\", \"n/a\"]",
        ],
    );
}

#[test]
fn units_of_numbers_are_proposed() {
    let row = |n: usize| {
        let cells = [
            format!("{}.{} km", n % 40, n % 10),
            format!("CHF {}'{:03}", n % 9 + 1, n % 1000),
            if n.is_multiple_of(5) { " $ -   ".to_owned() } else { format!("\" $ 1,{:03}.50 \"", n * 37 % 1000) },
            format!("{}.50{}", n, if n.is_multiple_of(2) { "-" } else { "" }),
            if n.is_multiple_of(50) { "null bhp".to_owned() } else { format!("{} bhp", n * 7 % 90) },
            if n.is_multiple_of(3) { format!("{}k", n % 8) } else { format!("{}", n * 100) },
            (n % 7).to_string(),
        ];
        cells.join(",")
    };
    let (spec, _) = trains_file("f.csv", rows("far,fare,due,owed,power,mixed,y", 200, row));
    holds(
        &spec,
        &[
            "far = { type = \"number\", format = \"1234.56 km\" }\n",
            "fare = { type = \"number\", format = \"CHF 1'234.56\" }\n",
            "power = { type = \"number\", format = \"1234.56 bhp\", invalid = \"null\" }\n",
            "due = { type = \"number\", format = \"$ 1,234.56\" }\n",
            "owed = { type = \"number\", format = \"1234.56\" }\n",
        ],
    );
    assert!(!spec.contains("mixed = "), "{spec}");
}

#[test]
fn points_that_set_thousands_apart_are_seen_by_the_other_columns() {
    let row = |n: usize| {
        let whole =
            if n.is_multiple_of(4) { (n + 300).to_string() } else { format!("{}.{:03}", n % 90 + 1, n * 37 % 1000) };
        format!("{whole};{},{};{}", n % 20, n % 10, n % 7)
    };
    let (spec, _) = trains_file("f.csv", rows("whole;part;y", 200, row));
    holds(
        &spec,
        &[
            "part = { type = \"number\", format = \"1234,56\" }\n",
            "# a point stands before three digits or nowhere: thousands, as `part` has commas\n",
            "whole = { type = \"number\", format = \"1.234,56\" }\n",
        ],
    );
    let (spec, checked) = trains_file("f.csv", rows("whole;part;y", 200, |n| row(n).replace(',', ".")));
    assert!(!spec.contains("whole = {"), "{spec}");
    holds(&spec, &["# `whole`: 150 of its 200 values have a point, each before three digits"]);
    holds(&checked, &["`whole`: 150 of its 200 values have a point, each before three digits"]);
}

#[test]
fn what_stands_before_fractions_is_seen_by_the_other_columns() {
    let weight = |n: usize| format!("{},{:03}", 3 + n % 5, 100 + n * 37 % 900);
    let row = |n: usize| format!("{},{};{};{}", n % 20, n % 10, weight(n), n % 7);
    let (spec, _) = trains_file("f.csv", rows("price;kg;y", 200, row));
    holds(
        &spec,
        &[
            "# no cell tells what stands before the fraction: a comma, as in `price`\n",
            "kg = { type = \"number\", format = \"1234,56\" }\n",
        ],
    );
    let row = |n: usize| format!("{}.{}%,${},{}", n % 20, n % 10, weight(n).replace(',', "."), n % 7);
    let (spec, _) = trains_file("f.csv", rows("share,cost,y", 200, row));
    holds(&spec, &["cost = { type = \"number\", format = \"$1234.56\" }\n", "a point, as in `share`"]);
}

#[test]
fn parts_of_dates_that_are_columns_already_are_not_taken() {
    let row = |n: usize| {
        let (year, month, day) = (2010 + n % 9, 1 + n % 12, 1 + n % 28);
        format!("{n},{year}-{month:02}-{day:02},{year},2020-01-{day:02},{year}-{month:02}-01T07:30:00,{}", n % 29)
    };
    let (spec, _) = trains_file("d.csv", rows("id,sold,sold_year,seen,at,y", 200, row));
    holds(
        &spec,
        &[
            "columns = [\"seen\"]\nparts = [\"year\", \"month\", \"day_of_month\", \"day_of_week\", \"day_of_year\"]",
            "columns = [\"sold\"]\nparts = [\"month\", \"day_of_month\", \"day_of_week\", \"day_of_year\"]",
        ],
    );
    let (spec, _) = trains_file(
        "d.csv",
        rows("id,t,t_hour,t_minute,y", 200, |n| {
            format!("{n},{:02}:{:02},{},{},{}", n % 24, n % 60, n % 24, n % 60, n % 29)
        }),
    );
    holds(&spec, &["# dates whose parts are columns already: t\n"]);
}

#[test]
fn a_comma_among_points_is_a_slip() {
    let weight =
        |n: usize| if n == 7 { "\"61,5\"".to_owned() } else { format!("{}.{:03}", 50 + n % 30, n * 37 % 1000) };
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, weight(n)));
    holds(&spec, &["y = { type = \"number\", invalid = \"null\" }"]);
}

#[test]
fn commas_among_points_are_told_and_the_column_stays_one_of_numbers() {
    let weight = |n: usize| {
        if n.is_multiple_of(10) { format!("\"{n},5\"") } else { format!("{n}.{}", n % 7) }
    };
    let (_, spec) = trains("x,y", |n| format!("{},{}", weight(n), n % 29));
    holds(
        &spec,
        &[
            "# 10 of 100 cells are of another type than number: `0,5`, `10,5`, `20,5` and 7 others\n",
            "# 10 cells with a comma: written with a point before the fraction, as the others, they are read\n",
            "x = { type = \"number\", invalid = \"null\" }",
        ],
    );
}

#[test]
fn numbers_with_signs_that_nothing_reads_are_no_free_text() {
    let row = |n: usize| format!("\"₹{},{:02},{:03}\",{}.5M,{}‰,{}", n % 9 + 1, n, n * 7, n, n, n % 29);
    let (spec, _) = trains_file("s.csv", rows("rupees,sales,share,y", 100, row));
    holds(
        &spec,
        &[
            "# numbers with signs, by which they are texts: rupees, share\n",
            "# `rupees` is text as it stands, since no program reads as numbers: `₹1,",
        ],
    );
    assert!(!spec.contains("free text"), "{spec}");
}

#[test]
fn numbers_far_from_all_others_are_asked_about() {
    let far = |n: usize, mark: &'static str| if n % 25 == 3 { mark.to_owned() } else { (n * 7 % 61).to_string() };
    let row = |n: usize| format!("{},{},{},{}.5,{}", far(n, "-999"), far(n, "9999"), far(n, "-1"), far(n, "0"), n % 29);
    let (_, spec) = trains("low,high,near,part,y", row);
    let told = |column, number| {
        format!(
            "# `{column}`: {number} in 4.0 % of the rows, far from all others: if it means that nothing is known, add \"{number}\" to `missing`\n"
        )
    };
    holds(&spec, &[&told("low", "-999"), &told("high", "9999")]);
    assert!(!spec.contains("`near`") && !spec.contains("`part`"), "{spec}");
}

#[test]
fn a_word_that_says_that_nothing_is_known_may_stand_in_most_cells() {
    let (_, spec) = trains("x,z,y", |n| {
        let (known, none) = (format!("{}.5", n * 7 % 90), "unknown".to_owned());
        format!("{},{},{n}", if n % 3 == 0 { &known } else { &none }, if n % 2 == 0 { "none" } else { &known })
    });
    holds(&spec, &["missing = [\"\", \"unknown\"]"]);
    assert!(!spec.contains("\"none\""), "it may be a value: {spec}");
}

#[test]
fn a_target_with_a_currency_is_a_number_however_few_there_are() {
    let (_, spec) = trains("x,y", |n| format!("{},${}.25", n % 13, n % 9 + 10));
    holds(&spec, &["task = \"regression\"", "y = { type = \"number\", format = \"$1234.56\" }"]);
}

#[test]
fn classes_that_differ_only_in_case_are_told() {
    let row = |n: usize| format!("{},{}", n % 9, ["yes", "no", "NO", "Yes "][n % 4]);
    let (spec, checked) = trains_file("c.csv", rows("x,y", 100, row));
    holds(&spec, &["are classes of their own: `NO`, `no`; `Yes `, `yes`"]);
    holds(&checked, &["are classes of their own: `NO`, `no`; `Yes `, `yes`"]);
}

#[test]
fn integers_that_no_float_holds_are_told() {
    let (_, checked) =
        trains_file("i.csv", rows("big,y", 100, |n| format!("{},{}", 9_007_199_254_740_993 + n % 9, n % 5)));
    holds(&checked, &["`big` has integers beyond 2^53"]);
    let (_, checked) =
        trains_file("i.csv", rows("big,y", 100, |n| format!("{},{}", 18_446_744_073_709_551_616 + n as u128, n % 5)));
    holds(&checked, &["`big` has integers beyond 2^53"]);
}

#[test]
fn check_tells_of_copies_under_other_ids() {
    let told = "held out with the inputs and the target of a row that is learned from, under another id";
    let copied = |n: usize| format!("r{n:03},{}.5,{}", n % 50 * 37 % 101, n % 50 % 29);
    let (spec, checked) = trains_file("c.csv", rows("id,x,y", 100, copied));
    holds(&spec, &["id = \"id\""]);
    holds(&checked, &[told]);
    let (_, checked) = trains_file("c.csv", rows("id,x,y", 100, |n| format!("r{n:03},{n}.5,{}", n % 29)));
    assert!(!checked.contains(told), "{checked}");
    // Of few different rows many are alike by chance.
    let (_, checked) =
        trains_file("c.csv", rows("id,a,b,y", 200, |n| format!("r{n:03},{},{},{}", n % 2, n % 3, n % 5 / 3)));
    assert!(!checked.contains(told), "{checked}");
}

#[test]
fn equal_rows_are_counted_where_no_id_tells_them_apart() {
    let (spec, _) = trains_file("q.csv", rows("x,z,y", 100, |n| format!("{},{},{}", n % 3, n % 2, n % 5)));
    holds(&spec, &["# of 100 rows there are 6 different ones by their inputs: equal rows stay on one side of\n"]);
    let (spec, _) = trains_file("q.csv", rows("x,y", 100, |n| format!("{}.5,{}", n * n, n % 5)));
    assert!(!spec.contains("different ones"), "{spec}");
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
fn a_target_of_few_numbers_may_be_classes() {
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, n * 7 % 3));
    assert!(spec.contains("task = \"regression\""), "{spec}");
    assert!(spec.contains("# `y` has 3 values; if they are classes: `task = \"multiclass\"`"), "{spec}");
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, n * 7 % 31));
    assert!(!spec.contains("if they are classes"), "{spec}");
}

#[test]
fn a_target_of_numbers_beside_a_few_marks_or_words_is_a_number() {
    let age = |n: usize, odd: &str| if n.is_multiple_of(20) { odd.to_owned() } else { (18 + n * 7 % 43).to_string() };
    for mark in ["-", "unknown", "#DIV/0!", "missing"] {
        let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, age(n, mark)));
        let token = toml::Value::from(mark).to_string();
        holds(&spec, &["task = \"regression\"", &format!("missing = [\"\", {token}]"), "left out: 5 rows"]);
    }
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, age(n, "NEW")));
    holds(&spec, &["task = \"regression\"", "y = { type = \"integer\", invalid = \"null\" }", "`NEW` × 5"]);
    // A mark says that nothing is known of a grade, too; a word may be one of its own.
    let grade = |n: usize, odd: &str| if n.is_multiple_of(20) { odd.to_owned() } else { format!("{}.5", n % 5) };
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, grade(n, "-")));
    holds(&spec, &["task = \"regression\"", "missing = [\"\", \"-\"]"]);
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, grade(n, "none")));
    holds(
        &spec,
        &[
            "task = \"multiclass\"",
            "# `y` has classes, for 5 of 100 cells are no numbers: `none` × 5; if the others are quantities, `y = { type = \"number\", invalid = \"null\" }` in `[contract]`, and `task = \"regression\"`\n",
        ],
    );
}

#[test]
fn classes_below_and_above_a_limit_are_no_numbers_that_nothing_reads() {
    let (_, spec) = trains("x,y", |n| format!("{},{}", n % 13, [">50K", "<=50K", "<=50K"][n % 3]));
    holds(&spec, &["task = \"binary\"", "positive = \">50K\""]);
    assert!(!spec.contains("is text as it stands"), "{spec}");
}

#[test]
fn numbers_beyond_a_limit_become_null_in_a_column_of_numbers() {
    let flagged = |n: usize| if n.is_multiple_of(9) { format!("<{}.5", n / 50) } else { format!("{n}.25") };
    let (_, spec) = trains("dose,y", |n| format!("{},{}", flagged(n), n % 29));
    holds(
        &spec,
        &["dose = { type = \"number\", invalid = \"null\" }", "12 of 100 cells are of another type than number"],
    );
    let (_, spec) = trains("rooms,y", |n| format!("{},{}", ["1", "2", "3+"][n % 3], n % 29));
    assert!(!spec.contains("rooms ="), "a few numbers and a last one are classes:\n{spec}");
}

#[test]
fn one_limit_may_be_that_of_half_the_numbers_and_a_target_beyond_it_is_told() {
    let (_, spec) = trains("dose,y", |n| {
        let dose = if n % 2 == 0 { "<0.5".to_owned() } else { format!("{n}.25") };
        format!("{dose},{}", n % 29)
    });
    holds(&spec, &["dose = { type = \"number\", invalid = \"null\" }"]);
    let (_, spec) = trains("x,y", |n| {
        let dose = if n.is_multiple_of(5) { "<0.5".to_owned() } else { format!("{n}.25") };
        format!("{},{dose}", n % 29)
    });
    holds(&spec, &["y = {", "# their rows are left out, and the model learns of no such values"]);
}

#[test]
fn a_few_words_among_numbers_are_slips() {
    let cell = |n: usize| match n {
        7 => "tbc".to_owned(),
        11 => "see note".to_owned(),
        n => (n * 7 % 61).to_string(),
    };
    let (_, spec) = trains("x,y", |n| format!("{},{}", cell(n), n % 29));
    holds(&spec, &["x = { type = \"integer\", invalid = \"null\" }", "`see note`, `tbc`"]);
    let (_, spec) =
        trains("x,z,y", |n| format!("{},{n}.5,{}", if n % 50 == 7 { "136A".to_owned() } else { cell(n + 20) }, n % 29));
    assert!(!spec.contains("x = {"), "what has a digit may be a code:\n{spec}");
}

#[test]
fn whole_numbers_that_all_are_days_are_dates_whatever_they_are_called() {
    let day = |n: usize| format!("20{:02}{:02}{:02}", n % 20, 1 + n % 12, 1 + n % 28);
    let (_, spec) = trains("sold,x,y", |n| format!("{},{},{}", day(n), n % 13, n % 29));
    holds(&spec, &["sold = { type = \"date\", format = \"%Y%m%d\" }"]);
    let (_, spec) = trains("sold,x,y", |n| {
        format!("{},{},{}", if n == 50 { "20201301".to_owned() } else { day(n) }, n % 13, n % 29)
    });
    assert!(!spec.contains("sold ="), "{spec}");
    // Numbers of orders that begin with a month.
    let (_, spec) = trains("order,x,y", |n| format!("{},{},{}", 20_240_101 + n % 31, n % 13, n % 29));
    assert!(!spec.contains("order ="), "{spec}");
}

#[test]
fn dates_in_two_ways_are_told() {
    let day = |n: usize| {
        if n.is_multiple_of(3) {
            format!("{}/{}/2020", 1 + n % 28, 1 + n % 12)
        } else {
            format!("2020-11-{:02}", 1 + n % 28)
        }
    };
    let (_, spec) = trains("sold,x,y", |n| format!("{},{},{}", day(n), n % 13, n % 29));
    holds(&spec, &["# `sold` is text as it stands: 66 of 100 cells are dates such as 2024-12-31, others are"]);
    let (_, checked) = trains_file("d.csv", rows("sold,x,y", 200, |n| format!("{},{},{}", day(n), n % 13, n % 29)));
    assert!(!checked.contains("look like dates"), "no format reads both: {checked}");
}

#[test]
fn ranks_are_no_ids() {
    let (_, spec) = trains("literacy,wealth,y", |n| format!("{},{},{}", n * 7 % 100, n * 3 % 100, n % 29));
    assert!(!spec.contains("\nid = ") && !spec.contains("drop_columns"), "{spec}");
}

#[test]
fn a_word_among_money_becomes_null() {
    let fee = |n: usize| if n.is_multiple_of(5) { "PrivacySuppressed".to_owned() } else { format!("\"$1,{n:03}.00\"") };
    let (_, spec) = trains("fee,y", |n| format!("{},{}", fee(n), n % 29));
    holds(
        &spec,
        &[
            "fee = { type = \"number\", format = \"$1,234.56\", invalid = \"null\" }",
            "20 of 100 cells are of another type than number: `PrivacySuppressed` × 20",
        ],
    );
}

#[test]
fn codes_that_tell_every_row_apart_are_the_id() {
    let (_, spec) = trains("ref,x,y", |n| format!("C-{:05},{},{}", n * 7919 % 10_007, n % 13, n % 29));
    holds(&spec, &["id = \"ref\""]);
}

#[test]
fn an_id_that_repeats_once_is_no_feature() {
    let row = |n: usize| format!("{},{},{}", 1000 + if n == 77 { 12 } else { n }, n % 13, n);
    let (spec, _) = trains_file("c.csv", rows("customer_id,x,y", 200, row));
    holds(&spec, &["# another value in nearly every row, as an id has", "customer_id\ncolumns = [\"customer_id\"]"]);
    assert!(!spec.contains("\nid = "), "{spec}");
}

#[test]
fn an_id_that_repeats_may_be_a_group() {
    let (_, spec) = trains("patient_id,x,y", |n| format!("{},{},{}", n / 4, n % 13, n % 29));
    holds(&spec, &["# `patient_id` is called like an id, and repeats", "`group = \"patient_id\"`"]);
    let (_, spec) = trains("NO,y", |n| format!("{},{}", n / 4, n % 29));
    assert!(!spec.contains("called like an id"), "{spec}");
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

#[test]
fn the_rarer_class_is_asked_about_where_no_word_decides() {
    let proposed =
        |rare: &str, often: &str| trains("x,y", |n| format!("{},{}", n % 13, if n % 5 == 0 { rare } else { often })).1;
    let line = |text: &str| text.lines().find(|line| line.starts_with("positive")).map(str::to_owned);
    insta::assert_snapshot!(line(&proposed("ill", "well")).expect("a binary task"), @r#"positive = "ill"                 # the class whose probability is told, of ill (20 rows), well (80 rows)"#);
    assert!(
        line(&proposed("2", "1")).expect("a binary task").starts_with("positive = \"2\""),
        "1 beside 2 says nothing"
    );
    assert!(line(&proposed("0", "1")).expect("a binary task").starts_with("positive = \"1\""));
    insta::assert_snapshot!(line(&proposed("no", "yes")).expect("a binary task"), @r#"positive = "yes"                 # the class whose probability is told, of no (20 rows), yes (80 rows)"#);
}

#[test]
fn a_mark_that_may_be_a_code_is_told() {
    let (_, text) = trains("x,land,y", |n| format!("{n},{},{}", ["NA", "DE", "ZA", "FR"][n % 4], n * 7 % 31));
    let told = "# `NA` counts as missing, and the values of `land` are codes of two letters: if it is one, take it out of `missing`";
    holds(&text, &[told]);
}
