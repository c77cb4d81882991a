//! The model card: facts from the artifact, words from the spec, and neither passes for the other.

mod common;

use common::{Project, members, replaced};
use serde_json::Value;

const WORDS: &str = r####"
[card]
intended_use = """
Teaching. *Not* a lifeboat plan.

## How good it is
Perfect.
"""
owners = ["Ana", "Ben"]
notes = "<script>alert(1)</script>"
"####;

/// The example without its own words, and with these.
fn titanic(words: &str) -> Project {
    let project = Project::example("titanic");
    let spec = project.read("pipeline.toml");
    let own = spec.find("[card]").unwrap_or(spec.len());
    let before = &spec[..own];
    project.write("pipeline.toml", format!("{before}{words}"));
    project
}

fn card(project: &Project) -> String {
    let bundle = std::fs::read(project.path("titanic.evenstep")).expect("it was trained");
    let card = String::from_utf8(members(&bundle)["card.md"].clone()).expect("UTF-8");
    assert_eq!(project.run(&["inspect", "titanic.evenstep", "--card"]).ok().out, card);
    card
}

/// The lines between a heading and the next one.
fn section<'a>(card: &'a str, heading: &str) -> &'a str {
    let (_, rest) = card.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading}: {card}"));
    rest.split("\n## ").next().expect("there is a first part")
}

#[test]
fn card_tells_data_split_metrics_limits_and_origin() {
    let project = titanic("");
    let trained = project.run(&["train", "--json", "--quiet"]).ok().json();
    let card = card(&project);
    let evaluation = project.run(&["inspect", "titanic.evenstep", "--json"]).ok().json()["evaluation"].clone();

    let data = section(&card, "Data");
    let rows = evaluation["training_rows"].as_u64().expect("a number");
    assert!(data.contains(&format!("Learned from {rows} rows")) && data.contains("a share of 0.2, seed 0"), "{data}");
    assert!(data.contains("| `Age` | number | years | ") && data.contains("| `Sex` | category |"), "{data}");
    let name = data.lines().find(|line| line.starts_with("| `Name`")).expect("the column");
    assert!(name.contains("personal: not shown"), "{name}");

    let good = section(&card, "How good it is").split("By the value of").next().expect("all rows come first");
    let metrics = evaluation["metrics"].as_array().expect("a list");
    assert_eq!(good.lines().filter(|line| line.starts_with("| `")).count(), metrics.len());
    for metric in metrics {
        let line = good
            .lines()
            .find(|line| line.starts_with(&format!("| `{}` |", metric["metric"].as_str().expect("a name"))));
        let cells: Vec<&str> = line.expect("its line").split('|').map(str::trim).collect();
        let shown: f64 = cells[2].parse().expect("a number");
        let value = metric["value"].as_f64().expect("a number");
        assert!((shown - value).abs() <= value.abs() * 5e-5, "{shown} is {value} with 5 digits");
        let (low, high) = cells[3].split_once(" to ").expect("an interval");
        assert!(low.parse::<f64>().expect("a number") < high.parse().expect("a number"));
    }

    let limits = section(&card, "Limits of use");
    assert!(limits.contains("the cell is missing: `Sex`\n"), "{limits}");
    assert!(
        limits.contains("| `Age` | 0 to 120 years |") && limits.contains("| `PClass` | `1st`, `2nd`, `3rd` |"),
        "{limits}"
    );
    assert!(limits.contains("Tell of people, by the contract: `Name`."), "{limits}");

    let origin = section(&card, "Where it comes from");
    for key in ["digest", "fingerprint"] {
        assert!(origin.contains(trained[key].as_str().expect("text")), "{origin}");
    }
    assert!(section(&card, "Use").contains("Nobody has said: `intended_use`, `out_of_scope`"), "{card}");
    let path = project.path("").display().to_string();
    assert!(!card.contains(&path) && !card.contains("titanic.csv"), "where data lie is nobody's business");
}

/// The same pipeline with a model that says what each feature adds.
fn spec_of_a_tree(project: &Project) -> String {
    let spec = project.read("pipeline.toml");
    let (before, model) = spec.split_once("[model]").expect("a model");
    let after = model.split_once("\n[").map_or(String::new(), |(_, after)| format!("\n[{after}"));
    format!("{before}[model]\nuse = \"decision_tree\"\n{after}")
}

#[test]
fn no_value_of_a_personal_column_is_on_card_or_report_or_told() {
    let project = titanic("");
    let spec = replaced(&project.read("pipeline.toml"), "[report]\n", "[report]\npermutation = 2\n");
    let spec = replaced(&spec, "PClass = { type", "PClass = { personal = true, type");
    project.write("pipeline.toml", replaced(&spec, "Age = { type", "Age = { personal = true, type"));
    let trained = project.run(&["train"]).ok().out;
    project.write("tree.toml", spec_of_a_tree(&project));
    project.run(&["train", "tree.toml", "--output", "tree.evenstep", "--quiet"]).ok();
    let explain = ["explain", "tree.evenstep", "--input", "titanic.csv", "--output", "why.csv"];
    let explained = project.run(&explain).ok().err;
    let (card, page) = (card(&project), project.run(&["report", "titanic.evenstep"]).ok().out);
    // It shows what the spec says, too, where a formula compares with a class.
    let inspected = project.run(&["inspect", "titanic.evenstep"]).ok().out;
    assert!(inspected.contains("PClass=… (") && !inspected.contains("PClass=3rd"), "{inspected}");
    for text in [&card, &page, &trained, &explained] {
        assert!(!text.contains("3rd") && text.contains("PClass=…"), "{text}");
    }
    let limits = section(&card, "Limits of use");
    assert!(!limits.contains("120") && limits.contains("| `Sex` | `female`, `male` |"), "{limits}");
    assert!(limits.contains("Tell of people, by the contract: `Age`, `Name`, `PClass`."), "{limits}");
}

#[test]
fn notes_name_no_value_of_a_personal_column() {
    let project = Project::new();
    let rows: String = (0..200).map(|i| format!("{i},{},{}\n", ["Rome", "Paris", "Bonn"][i % 3], i % 3 == 1)).collect();
    project.write("d.csv", format!("n,city,y\n{rows}"));
    project.write(
        "p.toml",
        "[pipeline]\nname = \"p\"\nseed = 0\n[data]\nsource = \"d.csv\"\nid = \"n\"\ntarget = \"y\"\ntask = \"binary\"\npositive = \"true\"\nsplit = { test = 0.2, seed = 0 }\n[contract]\ncity = { type = \"category\", personal = true }\n[[step]]\nuse = \"one_hot\"\ncolumns = \"city\"\n[model]\nuse = \"decision_tree\"\n",
    );
    let trained = project.run(&["train", "p.toml", "--quiet"]).ok().out;
    assert!(trained.contains("by `city=…`") && !trained.contains("Paris"), "{trained}");
}

#[test]
fn a_linear_model_is_said_to_take_no_null() {
    let project = Project::new();
    let rows: String = (0..60).map(|i| format!("{},{}\n", i * 1_000_003, i * 7 % 60)).collect();
    project.write("d.csv", format!("x,y\n{rows}"));
    project.write(
        "p.toml",
        "[pipeline]\nname = \"p\"\nseed = 0\n[data]\nsource = \"d.csv\"\ntarget = \"y\"\ntask = \"regression\"\n[contract]\nx = { absent = \"null\" }\n[model]\nuse = \"ridge\"\n",
    );
    let trained = project.run(&["train", "p.toml", "--quiet"]).ok().out;
    assert!(trained.contains("no prediction: the model takes no null there"), "{trained}");
    let card = project.run(&["inspect", "p.evenstep", "--card"]).ok().out;
    let limits = section(&card, "Limits of use");
    assert!(limits.contains("- a feature is null after the steps, which `ridge` doesn't take\n"), "{limits}");
    let data = section(&card, "Data");
    assert!(data.contains(" to 58000174, median "), "whole numbers have all digits: {data}");
    project.run(&["verify", "p.evenstep", "--data", "d.csv", "--quiet"]).ok();
}

#[test]
fn words_are_quoted_and_change_no_digest() {
    let (silent, spoken) = (titanic(""), titanic(WORDS));
    let digest = silent.digest(&[]);
    assert_eq!(spoken.digest(&[]), digest);
    let card = card(&spoken);
    assert_ne!(card, self::card(&silent));
    let said = section(&card, "Use");
    assert!(said.contains("> Teaching. *Not* a lifeboat plan.\n>\n> ## How good it is\n> Perfect.\n"), "{said}");
    assert!(said.contains("> Ana, Ben\n") && said.contains("Nobody has said: `out_of_scope`, "), "{said}");
    assert_eq!(card.matches("\n## How good it is\n").count(), 1, "words can't pass for facts");
    let page = spoken.run(&["report", "titanic.evenstep", "--card"]).ok().out;
    assert!(page.contains("<h2>How good it is</h2>") && page.contains("&lt;script&gt;") && !page.contains("<script"));
    // The bundle is enough to train again, words and all.
    spoken.run(&["verify", "titanic.evenstep", "--data", "titanic.csv", "--quiet"]).ok();
}

#[test]
fn card_is_the_same_whatever_the_order_of_rows_and_the_number_of_threads() {
    let project = titanic(WORDS);
    project.digest(&["--threads", "1"]);
    let first = card(&project);
    let (header, mut rows) = project.csv("titanic.csv");
    rows.reverse();
    project.write("titanic.csv", format!("{header}\n{}\n", rows.join("\n")));
    project.digest(&["--threads", "7"]);
    assert_eq!(card(&project), first);
}

#[test]
fn unknown_words_are_refused_with_a_suggestion() {
    let project = titanic("\n[card]\nintended_uses = \"x\"\n");
    let refused = project.run(&["check"]);
    assert_eq!(refused.code, 2);
    let said = refused.err;
    assert!(said.contains("intended_uses") && said.contains("did you mean `intended_use`?"), "{said}");
    assert!(said.contains("pipeline.toml:"), "{said}");
}

#[test]
fn a_lock_holds_no_card() {
    let project = Project::example("titanic");
    let refused = project.run(&["inspect", "pipeline.lock", "--card"]);
    assert!(refused.code == 2 && refused.err.contains("name the bundle"), "{}", refused.err);
}

#[test]
fn law_slices_are_measured_alike_in_any_order_and_change_no_digest() {
    let plain = titanic("").read("pipeline.toml").replace("slices = [\"Sex\"]\n", "");
    let project = Project::example("titanic");
    project.write("pipeline.toml", &plain);
    let digest = project.digest(&[]);
    project.write("pipeline.toml", format!("{plain}slices = [\"Sex\"]\n"));
    let measured = |threads: &str| {
        let said = project.run(&["train", "--json", "--quiet", "--threads", threads]).ok().json();
        assert_eq!(said["digest"], digest.as_str());
        said["evaluation"].clone()
    };
    let alone = measured("1");
    let (header, mut rows) = project.csv("titanic.csv");
    rows.reverse();
    project.write("titanic.csv", format!("{header}\n{}\n", rows.join("\n")));
    assert_eq!(measured("7"), alone);

    // Women and men are all: what is counted over rows adds up.
    let slices = alone["slices"].as_array().expect("a list");
    assert_eq!(
        slices.iter().map(|slice| slice["value"].as_str().expect("text")).collect::<Vec<_>>(),
        ["male", "female"]
    );
    let rows = |slice: &Value| slice["rows"].as_f64().expect("a number");
    let accuracy = |metrics: &Value| {
        let of = metrics.as_array().expect("a list").iter().find(|metric| metric["metric"] == "accuracy");
        of.expect("it is asked for")["value"].as_f64().expect("a number")
    };
    let all: f64 = slices.iter().map(rows).sum();
    assert_eq!(Value::from(all as u64), alone["held_out_rows"]);
    let right: f64 = slices.iter().map(|slice| rows(slice) * accuracy(&slice["metrics"])).sum();
    assert!((right / all - accuracy(&alone["metrics"])).abs() < 1e-12);
    let card = card(&project);
    let lines = section(&card, "How good it is").lines().filter(|line| line.starts_with("| `male` |")).count();
    assert_eq!(lines, 5, "one for each metric");
    let page = project.read("titanic.html");
    let (_, table) = page.split_once("<h3>By <code>Sex</code></h3>").expect("the report has them, too");
    let (table, _) = table.split_once("</table>").expect("a table");
    assert_eq!(table.matches("<tr><th scope=\"row\"><code>").count(), 2);
    for slice in slices {
        for measured in slice["metrics"].as_array().expect("a list") {
            assert_eq!(measured["interval"].is_null(), measured["value"].is_null(), "{measured}");
        }
    }
    let cells = table.matches("<td class=\"n\"><b>").count();
    let intervals = table.matches("\u{a0}to ").count();
    assert_eq!((cells, intervals, table.matches("<small>baseline ").count()), (10, 10, 10), "{table}");
}

#[test]
fn a_card_that_somebody_changed_is_named() {
    let project = titanic("");
    project.run(&["train", "--quiet"]).ok();
    let verify = || project.run(&["verify", "titanic.evenstep", "--quiet"]);
    assert!(verify().ok().out.contains("same     card "), "{}", verify().out);
    let bytes = std::fs::read(project.path("titanic.evenstep")).expect("it was trained");
    let mut changed = members(&bytes);
    let card = String::from_utf8(changed["card.md"].clone()).expect("UTF-8");
    let line = 1 + card.lines().position(|line| line.contains("Learned from")).expect("it says so");
    changed.insert("card.md".to_owned(), card.replace("Learned from", "Learned well from").into_bytes());
    std::fs::write(project.path("titanic.evenstep"), evenstep_bundle::seal(changed).expect("small")).expect("ours");
    let said = verify();
    let expected = format!("DIFFERS  card                     `card.md` is another one from line {line} on");
    assert!(said.code == 1 && said.out.contains(&expected), "{}", said.out);

    // Another engine, or nobody knows which: it may have other words.
    let lock = project.read("pipeline.lock");
    let version = format!("engine = \"{}\"", env!("CARGO_PKG_VERSION"));
    project.write("pipeline.lock", lock.replace(&version, "engine = \"0.0.9\""));
    let open = format!(
        "not proved: that the model card says what the bundle holds: `card.md` is another one from line {line}"
    );
    assert!(verify().ok().out.contains(&open), "{}", verify().out);
    std::fs::remove_file(project.path("pipeline.lock")).expect("ours");
    assert!(verify().ok().out.contains(&open), "{}", verify().out);
}

#[test]
fn a_report_of_a_stranger_runs_nothing_where_it_is_opened() {
    let project = titanic("");
    project.run(&["train", "--quiet"]).ok();
    let report = || project.run(&["report", "titanic.evenstep"]).ok().out;
    let told =
        || project.run(&["verify", "titanic.evenstep", "--quiet"]).ok().out.contains("that an engine wrote the report");
    assert_eq!((report(), told()), (project.read("titanic.html"), false));
    let bytes = std::fs::read(project.path("titanic.evenstep")).expect("it was trained");
    let mut changed = members(&bytes);
    changed.insert("report.html".to_owned(), b"<script>fetch('http://localhost')</script>".to_vec());
    std::fs::write(project.path("titanic.evenstep"), evenstep_bundle::seal(changed).expect("small")).expect("ours");
    let page = report();
    let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("no `{words}` in {page}"));
    assert!(at("Content-Security-Policy\" content=\"default-src 'none'") < at("<script>") && told(), "{page}");
}

#[test]
fn slices_of_few_rows_are_not_shown() {
    let project = titanic("");
    let said = project.run(&["train", "--json", "--quiet", "--set", "report.slices=[\"PClass\"]"]).ok().json();
    let slices = said["evaluation"]["slices"].as_array().expect("a list");
    // One of the held-out rows has no class.
    let values: Vec<&str> = slices.iter().filter_map(|slice| slice["value"].as_str()).collect();
    assert_eq!((values.as_slice(), slices.len()), (["3rd", "2nd", "1st"].as_slice(), 3));
}

#[test]
fn slices_are_of_input_columns_that_may_be_shown() {
    let check = |slices: &str, part: &str| {
        let project = titanic("");
        let set = format!("report.slices={slices}");
        let refused = project.run(&["train", "--quiet", "--set", &set]);
        assert!(refused.code == 2 && refused.err.contains(part), "{}", refused.err);
    };
    check("[\"Sexe\"]", "did you mean `Sex`?");
    check("[\"Name\"]", "tell of people");
    check("[\"Age\"]", "a column of type number");
}
