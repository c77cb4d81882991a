//! Rows, columns and cells that nothing can be learned from, or that break what was promised of them.

use std::fmt::Write as _;

use crate::common::{Project, replaced};
use crate::{SPEC, data, project, refused, refused_by};

#[test]
fn a_cell_that_makes_another_type_of_a_locked_column_is_told_with_its_place() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let mut lines: Vec<String> = data().lines().map(str::to_owned).collect();
    lines[6] = replaced(&lines[6], ",", ",1O");
    project.write("data.csv", lines.join("\n") + "\n");
    let expected = "`z` is read as category, and was integer when `p.lock` was written (data.csv, row 6, column `z`: ";
    let keeps = "[contract] z = { type = \"integer\" } keeps it";
    let spec = replaced(SPEC, "[model]", "[[step]]\nuse = \"one_hot\"\ncolumns = { type = \"category\" }\n[model]");
    project.write("p.toml", &spec);
    let checked = project.run(&["check", "p.toml", "--quiet"]).ok().out;
    assert!(checked.contains(expected) && checked.contains("1O") && checked.contains(keeps), "{checked}");
    let trained = project.run(&["train", "p.toml", "--json", "--quiet"]).ok().json();
    let first = trained["notes"][0].as_str().unwrap_or_default();
    assert!(first.starts_with(expected), "{trained:#}");
    // The lock that was written has the new type.
    let checked = project.run(&["check", "p.toml", "--quiet"]).ok().out;
    assert!(!checked.contains("p.lock"), "{checked}");
    project.write("p.toml", replaced(&spec, "[[step]]", "[contract]\nz = { type = \"text\" }\n[[step]]"));
    let said = project.run(&["check", "p.toml", "--quiet"]);
    assert!(!said.out.contains("was category when"), "what is declared is no surprise: {}", said.out);
}

#[test]
fn a_split_names_rows_by_number_and_by_declared_id() {
    let project = project();
    project.write("data.csv", (0..5).fold("id,x,z,y\n".to_owned(), |text, n| text + &format!("\"a,{n}\",{n},1,{n}\n")));
    let head = |id: &str| {
        let said = project.run(&["split", "p.toml", "--quiet", "--set", id]).ok().out;
        said.lines().take(2).map(str::to_owned).collect::<Vec<_>>().join(" | ")
    };
    insta::assert_snapshot!(head("pipeline.seed=1"), @"row,part | 0,train");
    insta::assert_snapshot!(head("data.id=id"), @r#"row,id,part | 0,"a,0",train"#);
    insta::assert_snapshot!(head("data.id=[\"x\", \"id\"]"), @r#"row,x,id,part | 0,0,"a,0",test"#);
    // Rows that are set aside count, too, though they stand at the end of a file or are all that it has.
    project.write("part-a.csv", "x,z,y\n0,1,0\n1,1,1\n?,1,2\n");
    project.write("part-b.csv", "x,z,y\n?,1,3\n");
    project.write("part-c.csv", "x,z,y\n4,1,4\n?,1,5\n6,1,6\n");
    let contract = "[contract]\nx = { type = \"integer\", invalid = \"quarantine\" }\n[[step]]";
    project.write("p.toml", replaced(&replaced(SPEC, "data.csv", "part-*.csv"), "[[step]]", contract));
    let said = project.run(&["split", "p.toml", "--quiet"]).ok().out;
    let rows: Vec<&str> = said.lines().skip(1).map(|line| &line[..1]).collect();
    assert_eq!(rows, ["0", "1", "4", "6"], "{said}");
}

/// Rows with a list in `tags`, which no table holds.
fn nested() -> String {
    let line = |n: i32| format!("{{\"x\":{n},\"z\":{},\"tags\":[{n}],\"y\":{}}}\n", n * 7 % 17, n * 3 % 29);
    (0..100).map(line).collect()
}

#[test]
fn a_column_that_no_table_holds_has_no_role() {
    let project = project();
    project.write("data.jsonl", nested());
    let said = ["column `tags`: its values are a list, expected single values"];
    for role in ["id", "target", "group", "weight", "time", "recorded"] {
        for verb in ["check", "train", "split"] {
            let set = format!("data.{role}=tags");
            refused_by(&project, &[verb, "p.toml", "--set", "data.source=data.jsonl", "--set", &set], &said);
        }
    }
    let of_two = "data.id=[\"x\",\"tags\"]";
    refused_by(&project, &["split", "p.toml", "--set", "data.source=data.jsonl", "--set", of_two], &said);
}

#[test]
fn a_column_that_no_table_holds_is_noted_dropped_or_refused_by_the_step_that_reads_it() {
    let project = project();
    project.write("data.jsonl", nested());
    let train = |steps: &str| {
        project.write("p.toml", SPEC.replace("data.csv", "data.jsonl").replacen("[[step]]", steps, 1));
        project.run(&["train", "p.toml"])
    };
    let note = "of a type that is not read, and so no inputs: `tags` (a list)";
    assert!(train("[[step]]").ok().out.contains(note));
    let drop = "[[step]]\nuse = \"drop_columns\"\ncolumns = [\"tags\"]\n\n[[step]]";
    assert!(!train(drop).ok().out.contains(note));
    std::fs::remove_file(project.path("p.evenstep")).expect("it was written");
    project.write("p.toml", SPEC.replace("data.csv", "data.jsonl").replace("[\"x\"]", "[\"x\", \"tags\"]"));
    refused(&project, &["column `tags`: its values are a list, expected single values"]);
}

#[test]
fn the_ends_of_floats_and_no_row_held_out_are_told() {
    let project = project();
    project.write(
        "p.toml",
        format!("{SPEC}[report]\npermutation = 2\n").replace("[data]", "[data]\nsplit = { test = 0 }"),
    );
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let rows: String = (0..60).map(|row| format!("{row},{}e307,0\n", row % 9)).collect();
    project.write("data.csv", format!("x,y,z\n{rows}"));
    project.write("p.toml", SPEC.replace("ridge", "dummy"));
    assert!(project.run(&["train", "p.toml"]).ok().out.contains("e+307"));
}

#[test]
fn an_id_of_people_is_not_shown() {
    let project = project();
    project.write("data.csv", "n,x,y\nAnn Secret,1,2\nAnn Secret,3,4\n");
    let spec = SPEC.replace("[data]", "[data]\nid = \"n\"") + "[contract]\nn = { personal = true }\n";
    project.write("p.toml", spec);
    let said = refused(&project, &["an id stands in data.csv, row 1 and in data.csv, row 2"]);
    assert!(!said.err.contains("Secret"), "{}", said.err);
}

#[test]
fn one_row_is_too_few() {
    let project = project();
    project.write("data.csv", "x,z,y\n1,2,3\n");
    refused(&project, &["one row only has a target `y`"]);
}

#[test]
fn an_all_missing_column_and_a_constant_target_and_a_single_class_are_refused_by_name() {
    let project = project();
    project.write("data.csv", data().replace("x,z,y", "x,z,y,w").replace('\n', ",\n").replacen("w,\n", "w\n", 1));
    refused(&project, &["`w`", "drop_columns"]);
    project.write("p.toml", format!("{SPEC}[contract]\nw = {{ type = \"number\" }}\n"));
    let said = project.run(&["check", "p.toml", "--quiet", "--set", "model.use=boosted_trees"]).ok().out;
    assert!(said.contains("without a value in any row, so that nothing is learned from them: `w`"), "{said}");
    project.write("p.toml", SPEC);
    let constant = data().lines().skip(1).fold("x,z,y\n".to_owned(), |text, line| {
        let (rest, _) = line.rsplit_once(',').expect("cells");
        format!("{text}{rest},5\n")
    });
    project.write("data.csv", constant);
    refused(&project, &["the target `y` is `5` in all 100 rows"]);
    project.write(
        "p.toml",
        SPEC.replace("target = \"y\"", "target = \"y\"\ntask = \"binary\"").replace("ridge", "logistic_regression"),
    );
    refused(&project, &["`y`", "nothing to learn"]);
}

#[test]
fn rows_without_a_target_are_left_out_and_counted() {
    let project = project();
    let whole = data();
    let rows = whole.lines().enumerate().map(|(at, line)| {
        let (rest, _) = line.rsplit_once(',').expect("cells");
        if at % 10 == 3 { format!("{rest},\n") } else { format!("{line}\n") }
    });
    project.write("data.csv", rows.collect::<String>());
    let said = project.run(&["train", "p.toml", "--json", "--quiet"]).ok().json();
    assert_eq!(said["rows"], 90);
    assert!(said["notes"].to_string().contains("left out for want of a target: 10 rows"), "{}", said["notes"]);
}

#[test]
fn ids_that_are_missing_or_not_unique_are_located() {
    let project = project();
    project.write("p.toml", SPEC.replace("target = \"y\"", "target = \"y\"\nid = \"z\""));
    refused(&project, &["stands in", "data.csv, row", "p.toml:8"]);
    project.write("data.csv", "x,z,y\n1,1,3\n2,,4\n3,3,7\n");
    refused(&project, &["data.csv, row 2", "has no id"]);
}

#[test]
fn cells_that_break_the_contract_are_located_and_check_counts_them() {
    let project = project();
    project.write(
        "p.toml",
        format!("{SPEC}[contract]\nx = {{ type = \"number\", min = 0 }}\nz = {{ type = \"number\" }}\n"),
    );
    project.write("data.csv", data().replacen("\n1,7,", "\n1,seven,", 1));
    refused(&project, &["data.csv", "row 2", "`z`", "`seven`"]);
    let checked = project.run(&["check", "p.toml", "--json", "--quiet"]);
    assert_eq!(checked.code, 1, "{}", checked.err);
    assert_eq!(checked.json()["columns"]["z"]["breaches"]["invalid"]["count"], 1);
    project.write("p.toml", SPEC.to_owned() + "[contract]\nz = { type = \"number\", invalid = \"null\" }\n");
    project.run(&["train", "p.toml", "--quiet", "--set", "step.0.columns=[\"x\", \"z\"]"]).ok();
}

#[test]
fn score_refuses_a_missing_column_by_name_and_does_not_care_about_order() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet", "--output", "b.evenstep"]).ok();
    project.write("new.csv", "zz,x\n1,2\n");
    refused_by(
        &project,
        &["score", "b.evenstep", "--input", "new.csv"],
        &["column `z` is missing", "did you mean `zz`?"],
    );
    project.write("a.csv", "x,z\n1,2\n3,4\n");
    project.write("b.csv", "more,z,x\n7,2,1\n8,4,3\n");
    let scores = |input: &str| project.run(&["score", "b.evenstep", "--input", input, "--quiet"]).ok();
    assert_eq!(scores("a.csv").out, scores("b.csv").out);
    assert_eq!(scores("b.csv").err, "", "quiet is quiet");
    let dash = project.run(&["score", "b.evenstep", "--input", "a.csv", "-o", "-", "--quiet"]).ok();
    assert_eq!(dash.out, scores("a.csv").out, "`-` is stdout");
    let late = (0..40_000).fold("x,z\n".to_owned(), |text, n| text + if n == 39_999 { "1,two\n" } else { "1,2\n" });
    project.write("late.csv", late);
    let said = refused_by(&project, &["score", "b.evenstep", "--input", "late.csv"], &["row 40000", "`two`"]);
    assert_eq!(said.out, "", "nothing is printed before all rows are acceptable");
}

#[test]
fn what_a_training_can_make_nothing_of_is_told() {
    let project = project();
    project.write("p.toml", SPEC.replace("[[step]]\nuse = \"impute_median\"\ncolumns = [\"x\"]\n", ""));
    project.write("data.csv", "y\n1\n2\n3\n4\n");
    refused(&project, &["no column is left to learn from"]);
    project.write("rows.jsonl", "{\"a\":{\"b\":1},\"y\":1}\n{\"a\":{\"b\":2},\"y\":2}\n");
    let set = ["train", "p.toml", "--quiet", "--set", "data.source=rows.jsonl"];
    refused_by(
        &project,
        &set,
        &["no column is left to learn from", "of a type that is not read, and so no inputs: `a`"],
    );
    let rows = (0..100)
        .fold("g,x,amount,y\n".to_owned(), |text, n| text + &format!("a,{},\"{},5 €\",{}\n", n % 13, n % 7, n % 5));
    project.write("data.csv", rows);
    project.write(
        "p.toml",
        project
            .read("p.toml")
            .replace("[data]", "[data]\nsplit = { test = 0.2, seed = 3 }\ngroup = \"g\"")
            .replace("ridge", "dummy"),
    );
    let said = project.run(&["train", "p.toml"]).ok().out;
    assert!(said.contains("`amount` is read as text") && said.contains("100 of its 100 values"), "{said}");
    assert!(said.contains("judged on no row") && said.contains("which are held out whole"), "{said}");
}

/// A bundle of which most are short names, each of which is some dozen times larger in memory.
#[test]
fn twenty_thousand_levels_train() {
    let project = project();
    let rows = (0..40_000).fold("x,y\n".to_owned(), |mut text, n| {
        writeln!(text, "k{},{}", n % 19_999, n % 7).expect("a string takes what is written");
        text
    });
    project.write("data.csv", rows);
    let steps = "use = \"target_encode\"\ncolumns = [\"x\"]\n\n[[step]]\nuse = \"standard_scale\"";
    project.write("p.toml", SPEC.replace("use = \"impute_median\"", steps));
    project.run(&["train", "p.toml", "--quiet"]).ok();
    project.run(&["score", "p.evenstep", "--input", "data.csv", "--quiet"]).ok();
}

#[test]
fn tables_of_many_columns_or_classes_make_bundles_that_load() {
    let train = |columns: usize, rows: usize, cell: &dyn Fn(usize) -> String, target: &dyn Fn(usize) -> String| {
        let names: Vec<String> = (0..columns).map(|n| format!("c{n}")).collect();
        let mut csv = format!("id,{},y\n", names.join(","));
        for row in 0..rows {
            let cells: Vec<String> = (0..columns).map(|column| cell(row * 31 + column * 7 + row / 3)).collect();
            csv.push_str(&format!("{row},{},{}\n", cells.join(","), target(row)));
        }
        let project = Project::new();
        project.write("data.csv", csv);
        let spec = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\nid = \"id\"\ntarget = \"y\"\n[model]\nuse = \"dummy\"\n";
        project.write("p.toml", spec);
        project.run(&["train", "p.toml", "--quiet"]).ok();
        project.run(&["verify", "p.evenstep"]).ok();
    };
    let number = |row: usize| format!("{}.5", row % 17);
    // What is read of these takes the most memory for the bytes of its bundle.
    train(1_409, 40, &|n| if n.is_multiple_of(3) { String::new() } else { "1".to_owned() }, &number);
    train(1_409, 20, &|n| ["a", "b", "c"][n % 3].to_owned(), &number);
    train(2_817, 20, &|n| (n % 100).to_string(), &number);
    for classes in [257, 1_000] {
        train(1, 2 * classes, &|n| (n % 10).to_string(), &|row| format!("k{}", row % classes));
    }
}

#[test]
fn ten_thousand_columns_train() {
    let project = project();
    let names: Vec<String> = (0..10_000).map(|n| format!("c{n}")).collect();
    let mut text = names.join(",") + ",y\n";
    for row in 0..40_u64 {
        for n in 0..10_000_u64 {
            write!(text, "{},", (row * 31 + n * 17) % 97).expect("a string takes what is written");
        }
        writeln!(text, "{}", row * 7 % 11).expect("a string takes what is written");
    }
    project.write("data.csv", text);
    project.write("p.toml", SPEC.replace("\"x\"", "\"c1\"").replace("\"ridge\"", "\"boosted_trees\"\ntrees = 2"));
    project.run(&["train", "p.toml", "--quiet"]).ok();
}

#[test]
fn a_bound_of_a_column_with_a_word_in_it_says_where_the_word_stands() {
    let project = Project::new();
    let age = |n: u32| if n == 40 { "twelve".to_owned() } else { (n % 60).to_string() };
    let rows: String = (0..200).map(|n| format!("{n},{},{}\n", age(n), n * 3 % 11)).collect();
    project.write("data.csv", format!("id,age,y\n{rows}"));
    let spec = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\nid = \"id\"\ntarget = \"y\"\n[model]\nuse = \"boosted_trees\"\n[contract]\nage = { min = 0 }\n";
    project.write("p.toml", spec);
    let said = project.run(&["check", "p.toml"]);
    let told = said.err.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    assert!(said.code == 2 && told.contains("would be of type integer, but for 1 cell (`twelve`)"), "{told}");
    assert!(told.contains("it begins in data.csv, row 41"), "{told}");
}

#[test]
fn a_slip_in_a_column_of_numbers_is_named() {
    let project = Project::new();
    let rows = |at: usize, cell: &str, y: &str| {
        let x = |n: usize| if n == at { cell.to_owned() } else { format!("{n}.5") };
        let y = |n: usize| if n == at { y.to_owned() } else { format!("{}.25", n * 7 % 113) };
        (0..300).map(|n| format!("{},{},{}\n", x(n), n % 13, y(n))).collect::<String>()
    };
    let spec = |more: &str| {
        format!(
            "[pipeline]\nname = \"p\"\nseed = 0\n[data]\nsource = \"d.csv\"\ntarget = \"y\"\n{more}[model]\nuse = \"boosted_trees\"\n"
        )
    };
    project.write("d.csv", format!("lot.area,z,y\n{}", rows(5, "31 sqft", "1")));
    project.write("p.toml", spec(""));
    let line = "[contract] \"lot.area\" = { type = \"number\", invalid = \"null\" }";
    for verb in ["train", "check"] {
        let said = project.run(&[verb, "p.toml", "--quiet"]);
        assert_eq!(said.code, 2, "{}", said.out);
        assert!(said.err.contains("but for 1 cell (`31 sqft`)") && said.err.contains(line), "{}", said.err);
        assert!(said.err.contains("; it begins in d.csv, row 6"), "{}", said.err);
    }
    // A row needs its id.
    project.write("p.toml", spec("id = \"lot.area\"\n"));
    let said = project.run(&["check", "p.toml", "--quiet"]);
    let line = line.replace("\"null\"", "\"quarantine\"");
    assert!(said.out.contains(&line) || said.err.contains(&line), "{}{}", said.out, said.err);
    project.write("p.toml", spec(""));
    project.write("d.csv", format!("x,z,y\n{}", rows(5, "1", "abc")));
    let said = project.run(&["train", "p.toml", "--quiet"]);
    assert_eq!(said.code, 2, "{}", said.out);
    assert!(said.err.contains("the target `y` would be of type number, but for 1 cell (`abc`)"), "{}", said.err);
    // So it is where the spec says that a number is predicted, and of how many values ever.
    project.write("p.toml", spec("task = \"regression\"\n"));
    let many: String =
        (0..1500).map(|n| format!("{n},{}\n", if n == 99 { "cheap".into() } else { format!("{n}.5") })).collect();
    for data in [project.read("d.csv"), format!("x,y\n{many}")] {
        project.write("d.csv", data);
        let said = project.run(&["check", "p.toml", "--quiet"]);
        assert_eq!(said.code, 2, "{}", said.out);
        assert!(
            said.err.contains("but for 1 cell (`") && said.err.contains("; it begins in d.csv, row "),
            "{}",
            said.err
        );
    }
    project.write("p.toml", spec(""));
    project.write("d.csv", format!("x,z,y\n{}", rows(5, "1", "abc")));
    // However many are none.
    project.write("d.csv", project.read("d.csv").replace("3.25\n", "absent\n"));
    let said = project.run(&["train", "p.toml", "--quiet"]);
    assert!(said.err.contains("the target `y` would be of type number, but for") && said.code == 2, "{}", said.err);
    // Nobody is told what is personal.
    project.write("p.toml", spec("[contract]\ny = { personal = true }\n"));
    assert!(!project.run(&["train", "p.toml", "--quiet"]).err.contains("abc"));
    project.write("p.toml", spec("[contract]\ny = { type = \"number\", invalid = \"null\" }\n"));
    project.run(&["train", "p.toml", "--quiet"]).ok();
}

#[test]
fn a_step_names_the_value_that_it_refuses_unless_it_is_personal() {
    let project = Project::new();
    project.write("d.csv", "x,y\nlow,1\nlwo,2\nlow,3\n");
    let spec = "[pipeline]\nname = \"p\"\nseed = 0\n[data]\nsource = \"d.csv\"\ntarget = \"y\"\ntask = \"regression\"\nsplit = { test = 0 }\n[contract]\nx = { type = \"category\", personal = false }\n[[step]]\nuse = \"ordinal\"\ncolumns = \"x\"\norder = [\"low\"]\n[model]\nuse = \"dummy\"\n";
    project.write("p.toml", spec);
    let said = project.run(&["train", "p.toml", "--quiet"]);
    assert!(said.err.contains("has a value that `order` doesn't list: `lwo`") && said.code == 2, "{}", said.err);
    project.write("p.toml", replaced(spec, "personal = false", "personal = true"));
    let said = project.run(&["train", "p.toml", "--quiet"]);
    assert!(said.err.contains("has a value that `order` doesn't list\n") && !said.err.contains("lwo"), "{}", said.err);
}

#[test]
fn a_personal_id_is_told_of_no_refused_cell() {
    let project = Project::new();
    project.write("d.csv", "id,x,y\nZoe,a,1\nMax,2,2\nIda,3,3\n");
    project.write(
        "p.toml",
        "[pipeline]\nname = \"p\"\nseed = 0\n[data]\nsource = \"d.csv\"\ntarget = \"y\"\nid = \"id\"\ntask = \"regression\"\n[contract]\nid = { type = \"text\", personal = true }\nx = { type = \"number\", invalid = \"quarantine\" }\n[model]\nuse = \"dummy\"\n",
    );
    let said = project.run(&["check", "p.toml", "--json"]);
    project.run(&["train", "p.toml", "--quiet"]).ok();
    let all = said.out + &said.err + &project.read("p.quarantine.jsonl");
    assert!(all.contains("\"row\":1") && !all.contains("Zoe"), "{all}");
}

#[test]
fn names_from_data_do_nothing_to_a_terminal_and_break_no_table() {
    let project = Project::new();
    let rows = (0..60).fold(String::new(), |text, n| format!("{text}{},{},{}\n", n % 13, n * 7 % 17, n * 3 % 29));
    project.write("data.csv", format!("\"x\u{1b}[31m\",\"z\nz\u{202e}\",y\n{rows}"));
    project.write("p.toml", replaced(SPEC, "[[step]]\nuse = \"impute_median\"\ncolumns = [\"x\"]\n", ""));
    let train = project.run(&["train", "p.toml"]).ok();
    let all = [
        &["check", "p.toml"][..],
        &["contract", "p.toml"],
        &["inspect", "p.evenstep"],
        &["score", "p.evenstep", "--input", "data.csv", "--output", "s.csv"],
        &["diff", "p.toml", "p.evenstep"],
    ];
    for said in std::iter::once(train).chain(all.map(|args| project.run(args).ok())) {
        let text = said.out + &said.err;
        assert!(!text.contains(['\u{1b}', '\u{202e}']) && !text.contains("z\nz"), "{text}");
    }
    project.write("p.toml", SPEC.replace("name = \"p\"", "name = \"p\u{202e}q\""));
    let said = project.run(&["train", "p.toml"]);
    assert!(said.code == 2 && said.err.contains("turns the order of letters"), "{}", said.err);
}

#[test]
fn files_that_are_scored_may_have_columns_of_their_own() {
    let project = project();
    project.run(&["train", "p.toml", "--quiet"]).ok();
    project.write("in-1.csv", "x,z\n1,2\n");
    project.write("in-2.csv", "z,x,more\n2,1,5\n");
    let said = project.run(&["score", "p.evenstep", "--input", "in-*.csv"]).ok();
    assert!(said.out.lines().count() == 3 && said.err.contains("ignored: more"), "{}\n{}", said.out, said.err);
}

#[test]
fn a_null_that_no_model_takes_is_told_with_the_step_that_left_it() {
    let project = project();
    let log = SPEC.replace("use = \"impute_median\"\ncolumns = [\"x\"]", "use = \"log\"\ncolumns = [\"z\"]");
    project.write("p.toml", log);
    refused(&project, &["`z` is null in", "step 1 `log` gave no finite number for", "of `z`", "add `impute_median`"]);
}
