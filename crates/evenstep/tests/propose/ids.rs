//! Ids, indexes, ranks and copies.

use crate::common::Project;
use crate::{data, holds, project, rows, trains, trains_file};

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
fn a_quantity_is_no_id_because_it_counts_through() {
    let (spec, checked) = trains_file("y.csv", rows("year,x,y", 60, |n| format!("{},{},{}", 1950 + n, n % 9, n % 5)));
    assert!(!spec.contains("id = \"year\"") && !spec.contains("drop_columns"), "{spec}");
    assert!(!checked.contains("as an id has"), "{checked}");
    let (spec, _) = trains_file("n.csv", rows("Order,x,y", 60, |n| format!("{},{},{}", 1950 + n, n % 9, n % 5)));
    holds(&spec, &["# `Order` tells rows apart; it is no feature\nid = \"Order\"\n"]);
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
fn ranks_are_no_ids() {
    let (_, spec) = trains("literacy,wealth,y", |n| format!("{},{},{}", n * 7 % 100, n * 3 % 100, n % 29));
    assert!(!spec.contains("\nid = ") && !spec.contains("drop_columns"), "{spec}");
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
    // What is learned of one is judged on another row of it, though most have one alone.
    for (name, id) in [("caseid", (|n| n / 2) as fn(usize) -> usize), ("subject_id", |n| n + usize::from(n % 5 == 0))] {
        let (project, spec) = trains(&format!("{name},x,y"), |n| format!("{},{},{}", id(n) * id(n), n % 13, n % 29));
        holds(&spec, &[&format!("`group = \"{name}\"`")]);
        let checked = project.run(&["check", "q.toml", "--quiet"]).ok().out;
        assert!(checked.contains(&format!("`{name}` is called like an id, and stands in several rows")), "{checked}");
    }
    let (_, spec) = trains("humid,x,y", |n| format!("{},{},{}", n / 4, n % 13, n % 29));
    assert!(!spec.contains("called like an id"), "{spec}");
    let (_, spec) = trains("NO,y", |n| format!("{},{}", n / 4, n % 29));
    assert!(!spec.contains("called like an id"), "{spec}");
}
