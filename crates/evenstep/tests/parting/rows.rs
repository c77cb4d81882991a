//! Rows that changed, came or went.

use serde_json::{Value, json};

use crate::common::{Project, causes, replaced};
use crate::{SMALL, salted, score_small, small, train_in, write_small};

#[test]
fn rows_that_the_spec_sets_aside_are_not_a_fact_of_the_data() {
    let project = salted();
    let mut rows = small();
    rows[5][3] = "five".to_owned();
    let nulls = replaced(SMALL, "\"number\"", "\"number\", invalid = \"null\"");
    train_in(&project, "a", &nulls, &rows);
    let check = |folder: &str, spec: &str, cause: &str| {
        train_in(&project, folder, spec, &rows);
        let diff = |more: &[&str]| {
            let told =
                project.run(&[&["diff", "a/p.toml", &format!("{folder}/p.toml"), "--json"], more].concat()).json();
            assert_eq!(told["first"]["stage"], "input", "{told:#}");
            assert!(causes(&told).contains(&(cause, false)), "{told:#}");
            told
        };
        let told = diff(&["--no-data"]);
        assert!(causes(&told).contains(&("data", true)), "{told:#}");
        // Where the files are there to be compared, they are not blamed.
        let told = diff(&[]);
        let noted = told["notes"].to_string().contains("the data of both are the same files, read elsewise");
        assert!(noted && !causes(&told).iter().any(|(kind, _)| *kind == "data"), "{told:#}");
    };
    check("quarantine", &replaced(&nulls, "\"null\"", "\"quarantine\""), "contract");
    let told = project.run(&["diff", "a/p.toml", "quarantine/p.toml", "--json"]).json();
    assert!(told["notes"].to_string().contains("B set 1 row aside for breaking the contract"), "{told:#}");
    check("category", &replaced(SMALL, "\"number\"", "\"category\""), "contract");
    check("bound", &replaced(&nulls, "\"null\"", "\"null\", max = 9, out_of_range = \"clip\""), "contract");
    check("id", &replaced(&nulls, "id = \"id\"\n", ""), "role");
}

#[test]
fn rows_not_yet_known_are_not_a_fact_of_the_data() {
    let project = salted();
    let rows: Vec<[String; 5]> = small()
        .into_iter()
        .enumerate()
        .map(|(n, [id, _, v, x, y])| [n.to_string(), id.split(' ').next().unwrap_or_default().to_owned(), v, x, y])
        .collect();
    let spec = replaced(&replaced(SMALL, "[\"u\"]", "[\"v\"]"), "id = \"id\"\n", "id = \"id\"\ntime = \"u\"\n");
    train_in(&project, "a", &spec, &rows);
    train_in(&project, "b", &replaced(&spec, "time = \"u\"\n", "time = \"u\"\nas_of = 2024-07-01\n"), &rows);
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    assert_eq!(causes(&told)[..1], [("role", false)], "{told:#}");
    assert!(told["notes"].to_string().contains("the same files, read elsewise: "), "{told:#}");
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json", "--no-data"]).json();
    assert!(causes(&told).contains(&("data", true)) && causes(&told).contains(&("role", false)), "{told:#}");
}

#[test]
fn a_target_that_went_missing_is_told_from_a_row_that_did() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    let mut rows = small();
    (5..8).for_each(|at| rows[at][4] = String::new());
    rows.remove(70);
    train_in(&project, "b", SMALL, &rows);
    let text = |runs: [&str; 2], more: &[&str]| {
        let told = project.run(&[&["diff", runs[0], runs[1], "--json"], more].concat()).json();
        let first = told["causes"][0].clone();
        (first["text"].as_str().unwrap_or_default().to_owned(), first["likely"] == true)
    };
    let (said, likely) = text(["a/p.toml", "b/p.toml"], &[]);
    assert!(
        !likely && said.contains("1 row in A only (id ") && said.contains("3 rows without a target in B"),
        "{said}"
    );
    let (said, likely) = text(["b/p.toml", "a/p.toml"], &[]);
    assert!(!likely && said.contains("1 row in B only") && said.contains("3 rows without a target in A"), "{said}");
    let (said, likely) = text(["a/p.toml", "b/p.toml"], &["--no-data"]);
    assert!(likely && said.contains("4 rows in A only"), "{said}");
}

#[test]
fn a_row_that_was_known_only_later_is_told_from_one_that_is_gone() {
    let project = salted();
    let mut rows = small();
    rows.iter_mut().enumerate().for_each(|(n, row)| row[2] = format!("2024-01-{:02}", 1 + n % 28));
    let spec = replaced(SMALL, "id = \"id\"\n", "id = \"id\"\nrecorded = \"v\"\nas_of = 2024-06-30\n");
    train_in(&project, "a", &spec, &rows);
    rows[7][2] = "2024-07-01".to_owned();
    rows.remove(70);
    train_in(&project, "b", &spec, &rows);
    let text = |runs: [&str; 2], more: &[&str]| {
        let told = project.run(&[&["diff", runs[0], runs[1], "--json"], more].concat()).json();
        let cause = told["causes"][0].clone();
        (cause["text"].as_str().unwrap_or_default().to_owned(), cause["likely"] == true)
    };
    let (said, likely) = text(["a/p.toml", "b/p.toml"], &[]);
    let expected = "1 row in A only (id 2024-11-15 70), 1 row left out in B by its `as_of` (id 2024-08-08 7)";
    assert!(!likely && said.contains(expected), "{said}");
    let (said, likely) = text(["b/p.toml", "a/p.toml"], &[]);
    let expected = "1 row in B only (id 2024-11-15 70), 1 row left out in A by its `as_of` (id 2024-08-08 7)";
    assert!(!likely && said.contains(expected), "{said}");
    let (said, likely) = text(["a/p.toml", "b/p.toml"], &["--no-data"]);
    assert!(likely && said.contains("2 rows in A only"), "{said}");
    // Whoever scores has it, and nothing else.
    project.run(&["score", "b/p.evenstep", "--input", "b/t.csv", "-o", "s.csv", "--trace", "s.trace", "--quiet"]).ok();
    let said = project.run(&["diff", "b/p.toml", "s.trace"]).ok().out;
    assert!(
        said.contains("note: 1 row left out in A by its `as_of` (id 2024-08-08 7), so no part of the training"),
        "{said}"
    );
}

#[test]
fn a_row_without_a_target_is_no_difference_of_training_and_scoring() {
    let project = salted();
    let mut rows = small();
    rows[6][4].clear();
    train_in(&project, "a", SMALL, &rows);
    let score = ["score", "a/p.evenstep", "--input", "a/t.csv", "--output", "s.csv", "--trace", "s.trace", "--quiet"];
    project.run(&score).ok();
    let said = project.run(&["diff", "a/p.toml", "s.trace"]).ok().out;
    assert!(said.contains("note: 1 row without a target in A") && said.contains("no part of the training"), "{said}");
    let told = project.run(&["diff", "a/p.toml", "s.trace", "--no-data", "--json"]).json();
    assert_eq!(causes(&told), [("data", true)], "{told:#}");
    // Without its trace nothing of the rows is compared.
    std::fs::remove_file(project.path("a/p.trace")).expect("it was there");
    let said = project.run(&["diff", "a/p.toml", "s.trace"]).ok().out;
    assert!(said.contains("nothing that was compared differs"), "{said}");
    assert_eq!(project.run(&["diff", "a/p.toml", "s.trace", "--json"]).ok().json()["open"], true);
}

#[test]
fn a_row_less_hides_no_column_that_changed() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    let mut rows = small();
    rows[3][1] = "zz".to_owned();
    (3..8).for_each(|at| rows[at][3] += "1");
    rows.remove(70);
    train_in(&project, "b", SMALL, &rows);
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    let said = told["causes"][0]["text"].as_str().unwrap_or_default();
    assert!(said.ends_with("; changed is `x` in 5 rows, `u` in 1 row"), "{said}");
    assert_eq!(told["stages"][0]["columns"], serde_json::json!(["u", "x"]), "{told:#}");
    // Nor a target.
    let mut rows = small();
    rows[9][4] = "99".to_owned();
    rows.remove(70);
    train_in(&project, "b", SMALL, &rows);
    let said = project.run(&["diff", "a/p.toml", "b/p.toml"]).out;
    assert!(said.contains("changed   id 2024-10-10 9  y: 1 → 99\n"), "{said}");
    assert!(said.contains("1 row changed (id 2024-10-10 9), 1 row in A only (id 2024-11-15 70)"), "{said}");
    let learned = "step 1 target_encode learned something else, from the training rows that differ (id 2024-10-10 9), \
                   not from those held out (id 2024-11-15 70)";
    assert!(said.contains(learned), "{said}");
}

#[test]
fn more_rows_than_a_trace_can_name_are_told_by_the_data() {
    let project = salted();
    let row = |n: usize| {
        let word = |from: usize| ["ab", "cd", "ef"][from % 3].to_owned();
        // Some have no target: they are left out.
        let y = if n % 50 == 7 { String::new() } else { (n * 7 % 31).to_string() };
        [n.to_string(), word(n / 2), word(n * n / 5), (n % 17).to_string(), y]
    };
    let before: Vec<[String; 5]> = (0..4000).map(row).collect();
    let mut after: Vec<[String; 5]> = (5..4002).map(row).collect();
    after[..3000].iter_mut().for_each(|row| row[3].push_str(".5"));
    train_in(&project, "a", SMALL, &before);
    train_in(&project, "b", SMALL, &after);
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    let text = told["causes"][0]["text"].as_str().unwrap_or_default();
    assert!(text.contains(": 2940 rows changed (id 5, 6, 8, 9, 10, …), 5 rows in A only (id 0, "), "{text}");
    assert!(text.contains("2 rows in B only (id 4000, 4001)"), "{text}");
    let rows = told["first"]["rows"].as_array().cloned().unwrap_or_default();
    assert_eq!((rows.len(), told["first"]["many"].as_bool()), (1007, Some(true)));
    let first = (&rows[0]["id"], &rows[0]["a"]["x"], &rows[0]["b"]["x"], &rows[0]["place_a"]);
    assert_eq!(first, (&"5".into(), &"5".into(), &"5.5".into(), &"t.csv row 6".into()));
    assert!(rows.iter().all(|row| row["a"].is_object() || row["b"].is_object()));
    // Once A's data are others, no row is told for what it was.
    project.write("a/t.csv", project.read("b/t.csv"));
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    assert_eq!(told["first"]["rows"].as_array().map(Vec::len), Some(0), "{told:#}");
    assert!(
        told["notes"].to_string().contains("the data of A can't be looked at: they are no longer what was traced"),
        "{told:#}"
    );
}

#[test]
fn a_run_of_no_row_is_not_the_same() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    score_small(&project, "a/t.csv", &small(), "a/all.trace");
    score_small(&project, "none.csv", &[], "a/none.trace");
    let said = project.run(&["diff", "a/all.trace", "a/none.trace", "--json"]);
    let told = said.json();
    assert_eq!((said.code, told["first"]["stage"].as_str()), (1, Some("input")), "{told:#}");
    assert!(told["causes"].to_string().contains("80 rows in A, no row in B"), "{told:#}");
}

#[test]
fn a_row_less_hides_no_prediction_that_changed() {
    let project = salted();
    train_in(&project, "a", &SMALL.replace("\"dummy\"", "\"boosted_trees\"\nmin_rows = 3"), &small());
    let (mut fewer, mut changed) = (small(), small());
    fewer.remove(9);
    changed.remove(9);
    changed[3][3] = "99".to_owned();
    score_small(&project, "all.csv", &small(), "all.trace");
    score_small(&project, "fewer.csv", &fewer, "fewer.trace");
    score_small(&project, "changed.csv", &changed, "changed.trace");
    let notes = |b: &str| {
        let told = project.run(&["diff", "all.trace", b, "--json"]).json();
        let state = told["stages"].as_array().and_then(|all| all.last()).map(|last| last["state"].to_string());
        format!("{} {}", state.unwrap_or_default(), told["notes"])
    };
    insta::assert_snapshot!(notes("fewer.trace"), @r#""unknown" ["the rows that both have are predicted alike: 80 rows of score in A, 79 rows of score in B","the data of A can't be looked at: nothing says where they are"]"#);
    insta::assert_snapshot!(notes("changed.trace"), @r#""differs" ["predictions of the rows that both have differ: 1 row changed (id 2024-04-04 3); 80 rows of score in A, 79 rows of score in B","the data of A can't be looked at: nothing says where they are","the data of B can't be looked at: nothing says where they are"]"#);
}

#[test]
fn buckets_of_steps_and_predictions_tell_how_many_rows_differ() {
    let project = salted();
    train_in(&project, "a", &replaced(SMALL, "\"dummy\"", "\"boosted_trees\"\nmin_rows = 2"), &small());
    score_small(&project, "one.csv", &small(), "one.trace");
    let mut rows = small();
    (rows[3][1], rows[3][3]) = ("ef".to_owned(), "16".to_owned());
    score_small(&project, "two.csv", &rows, "two.trace");
    let told = project.run(&["diff", "one.trace", "two.trace", "--json"]).json();
    let differing: Vec<&Value> =
        told["stages"].as_array().expect("stages").iter().filter(|stage| stage["state"] == "differs").collect();
    assert!(differing.len() >= 3, "input, a step, the prediction: {told:#}");
    for stage in differing {
        assert_eq!(stage["buckets"], json!([1, 256]), "{stage:#}");
    }
}

#[test]
fn what_is_said_of_rows_without_an_id_is_not_denied_elsewhere() {
    let project = salted();
    let spec = replaced(SMALL, "id = \"id\"\n", "");
    let spec = replaced(&spec, "x = { type = \"number\" }\n", "");
    train_in(&project, "a", &spec, &small());
    let diff = || project.run(&["diff", "a/p.toml", "b/p.toml"]).out;
    // A column that was renamed is in both.
    let spec_of_b = replaced(&spec, "[\"u\"]", "[\"w\"]");
    train_in(&project, "b", &spec, &small());
    project.write("b/t.csv", replaced(&project.read("b/t.csv"), "id,u,", "id,w,"));
    project.write("b/p.toml", spec_of_b);
    project.run(&["train", "b/p.toml", "--quiet"]).ok();
    let said = diff();
    assert!(said.contains("`u` of A has the values of column `w` of B") && !said.contains("is read in"), "{said}");
    assert!(said.contains("compared as a whole, not the rows"), "{said}");
    // Rows that are named are compared.
    let mut rows = small();
    rows[9][3] = "1.5".to_owned();
    train_in(&project, "b", &spec, &rows);
    let said = diff();
    assert!(said.contains("added     t.csv row 10  x: 1.5") && !said.contains("not the rows"), "{said}");
    assert!(said.contains("they are compared as they are written, and only where they come in"), "{said}");
}

#[test]
fn of_a_row_whose_other_side_is_gone_only_what_may_have_changed_is_shown() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    let mut rows = small();
    (rows[3][1], rows[4][3]) = ("zz".to_owned(), "99".to_owned());
    write_small(&project, "live.csv", &rows);
    project
        .run(&["score", "a/p.evenstep", "--input", "live.csv", "--output", "o.csv", "--trace", "s.trace", "--quiet"])
        .ok();
    let cells = |args: &[&str]| {
        let told = project.run(&[&["diff", "a/p.toml", "s.trace", "--json"], args].concat()).json();
        let rows = told["first"]["rows"].as_array().cloned().unwrap_or_default();
        let keys = |row: &Value| row["a"].as_object().map(|cells| cells.keys().cloned().collect::<Vec<_>>().join(" "));
        rows.iter().filter_map(keys).collect::<Vec<_>>()
    };
    assert_eq!(cells(&[]), ["u", "x"]);
    // The trace has no bundle beside it, but A's is of its artifact.
    assert_eq!(cells(&["--data-b", "live.csv"]), ["u", "x"]);
}

#[test]
fn rows_of_two_scorings_are_shown_though_one_has_no_id() {
    let project = salted();
    train_in(&project, "a", SMALL, &small());
    let mut rows = small();
    rows[70][0].clear();
    score_small(&project, "before.csv", &rows, "a/before.trace");
    rows[4][3] = "99".to_owned();
    score_small(&project, "after.csv", &rows, "a/after.trace");
    let args = ["diff", "a/before.trace", "a/after.trace", "--data-a", "before.csv", "--data-b", "after.csv"];
    let told = project.run(&[&args[..], &["--json"]].concat()).json();
    assert!(!told["notes"].to_string().contains("can't be looked at"), "{told:#}");
    let row = &told["first"]["rows"][0];
    assert_eq!((&row["a"]["x"], &row["b"]["x"]), (&"4".into(), &"99".into()), "{told:#}");
}

/// Who has no traces, or traces under two salts, has the data.
#[test]
fn rows_are_named_by_the_data_where_no_trace_does() {
    let project = Project::new();
    let mut rows = small();
    train_in(&project, "a", SMALL, &rows);
    rows[7][3] = "99".to_owned();
    rows.remove(40);
    train_in(&project, "b", SMALL, &rows);
    let diff = |more: &[&str]| {
        let files = ["a/p.evenstep", "b/p.evenstep"];
        let told = project.run(&[&["diff", files[0], files[1], "--json"], more].concat()).json();
        let text = project.run(&[&["diff", files[0], files[1]], more].concat()).out;
        (told, text)
    };
    let check = |told: &Value, text: &str| {
        let rows = told["first"]["rows"].as_array().expect("rows");
        assert_eq!((told["first"]["stage"].as_str(), rows.len()), (Some("input"), 2), "{told:#}");
        assert_eq!((rows[0]["a"]["x"].as_str(), rows[0]["b"]["x"].as_str()), (Some("7"), Some("99")), "{told:#}");
        assert_eq!(rows[1]["change"], "removed", "{told:#}");
        assert!(causes(told).contains(&("data", false)), "{told:#}");
        assert!(
            text.contains("x: 7 → 99") && text.contains("1 row changed") && !text.contains("can't be named"),
            "{text}"
        );
    };
    let (told, text) = diff(&[]);
    check(&told, &text);
    std::fs::remove_file(project.path("b/p.trace")).expect("it is there");
    let (told, text) = diff(&[]);
    check(&told, &text);
    std::fs::remove_file(project.path("a/p.trace")).expect("it is there");
    let (told, text) = diff(&[]);
    check(&told, &text);
    assert!(
        text.contains("no trace of A and of B: rows and values at stages after the input are not compared"),
        "{text}"
    );
    let (told, text) = diff(&["--no-data"]);
    assert!(told["first"]["rows"].as_array().is_some_and(Vec::is_empty) && text.contains("fingerprints"), "{text}");
    // Data that are others by now prove nothing.
    rows[8][3] = "98".to_owned();
    write_small(&project, "b/t.csv", &rows);
    let (told, text) = diff(&[]);
    assert!(told["first"]["rows"].as_array().is_some_and(Vec::is_empty), "{told:#}");
    assert!(text.contains("the data of B can't be looked at: they are no longer what was trained on"), "{text}");
}

#[test]
fn a_row_that_is_gone_is_told_from_its_twin_without_a_target() {
    let project = salted();
    let spec = replaced(SMALL, "id = \"id\"\n", "");
    let mut rows: Vec<[String; 5]> = small()
        .into_iter()
        .map(|row| ["k".to_owned(), row[1].clone(), row[2].clone(), row[3].clone(), row[4].clone()])
        .collect();
    let mut twin = rows[7].clone();
    twin[4].clear();
    rows.push(twin);
    train_in(&project, "a", &spec, &rows);
    rows.remove(7);
    train_in(&project, "b", &spec, &rows);
    for (a, b, side) in [("a", "b", "A"), ("b", "a", "B")] {
        let told = project.run(&["diff", &format!("{a}/p.toml"), &format!("{b}/p.toml")]).out;
        assert!(told.contains(&format!("1 row in {side} only")) && !told.contains("without a target"), "{told}");
    }
}

#[test]
fn a_row_that_one_side_may_have_set_aside_is_only_likely_gone() {
    let project = salted();
    let spec = replaced(SMALL, "{ type = \"number\" }", "{ type = \"number\", invalid = \"quarantine\" }");
    let mut rows = small();
    train_in(&project, "a", &spec, &rows);
    rows[7][3] = "oops".to_owned();
    train_in(&project, "b", &spec, &rows);
    let told = project.run(&["diff", "a/p.toml", "b/p.toml", "--json"]).json();
    assert_eq!(causes(&told)[0], ("data", true), "{told:#}");
}

#[test]
fn of_equal_rows_as_many_lost_their_target_as_the_data_have_without_one() {
    let project = salted();
    let spec = replaced(SMALL, "id = \"id\"\n", "");
    let mut rows: Vec<[String; 5]> = small().into_iter().map(|[_, u, v, x, y]| ["k".to_owned(), u, v, x, y]).collect();
    rows.extend([rows[7].clone(), rows[7].clone()]);
    train_in(&project, "a", &spec, &rows);
    rows.pop();
    rows.last_mut().expect("a row")[4].clear();
    train_in(&project, "b", &spec, &rows);
    let told = project.run(&["diff", "a/p.toml", "b/p.toml"]).out;
    assert!(told.contains("1 row without a target in B") && told.contains("1 row in A only"), "{told}");
}
