//! The laws, through the program: one digest whatever the threads, orders, files and formats;
//! and one row's score is its score in a batch, by bits, through HTTP too.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Child;

use common::table::{Table, Typed, cells, shuffled};
use common::{EXAMPLES, Project, data_of};
use evenstep_exact::maths;
use serde_json::Value;

const SPEC: &str = "pipeline.toml";

#[test]
fn law_one_digest_for_any_thread_count() {
    for example in EXAMPLES {
        let project = Project::example(example);
        let one = project.digest(&[SPEC, "--threads", "1"]);
        for threads in ["2", "7"] {
            assert_eq!(project.digest(&[SPEC, "--threads", threads]), one, "{example} on {threads} threads");
        }
    }
}

#[test]
fn law_one_trace_for_any_thread_count_and_row_order() {
    for example in EXAMPLES {
        let project = Project::example(example);
        let data = data_of(example);
        let trace = |threads: &str| {
            project.digest(&[SPEC, "--threads", threads]);
            std::fs::read(project.path(&format!("{example}.trace"))).expect("it was written")
        };
        let one = trace("1");
        assert!(one.len() <= 256 << 10, "{example}: {} bytes", one.len());
        assert!(trace("7") == one, "{example} on 7 threads");
        let (header, lines) = project.csv(&data);
        project.write(&data, header + "\n" + &shuffled(&lines).join("\n") + "\n");
        assert!(trace("2") == one, "{example} with rows in another order");
    }
}

/// Of a level that the processor lacks, the one below is used.
#[test]
fn law_one_digest_for_any_registers() {
    let large = Project::new();
    let row = |n: u64| {
        let bits = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n.wrapping_mul(0xd134_2543_de82_ef95) >> 17;
        let [a, b, c, d] = [bits & 0xffff, bits >> 16 & 0xff, bits >> 24 & 7, bits >> 27 & 0xfff];
        let number = if d % 11 == 0 { String::new() } else { format!("{}", d as f64 / 7.0 - 100.0) };
        format!("{n},{a},{number},g{c},{},{}\n", b % 2, (a as f64 / 9.0) % 7.0 + (d + c * b) as f64 / 512.0)
    };
    let rows: String = (0..60_000).map(row).collect();
    large.write("large.csv", format!("id,a,number,group,flag,y\n{rows}"));
    let spec = "[pipeline]\nname = \"large\"\nseed = 1\n[data]\nsource = \"large.csv\"\nid = \"id\"\ntarget = \"y\"\n\
                [[step]]\nuse = \"impute_median\"\ncolumns = [\"number\"]\n[[step]]\nuse = \"yeo_johnson\"\ncolumns = [\"number\"]\n\
                [model]\nuse = \"boosted_trees\"\ntrees = 20\n";
    large.write(SPEC, spec);
    let projects = EXAMPLES.map(Project::example).into_iter().chain([large]);
    for project in projects {
        let digest = |level: &str| {
            let mut command = project.command(&["train", SPEC, "--json", "--quiet"]);
            common::said(command.env("EVENSTEP_SIMD", level).output().expect("the program starts")).ok().json()["digest"]
                .clone()
        };
        let widest = digest("avx512");
        for level in ["avx2", "baseline"] {
            assert_eq!(digest(level), widest, "{level} in {}", project.path(SPEC).display());
        }
    }
}

/// Numbers of JSON are floats, so that integers beyond 2^53 are texts in a bundle, and floats there look like integers.
#[test]
fn law_what_is_beyond_2_to_the_53_comes_back_from_a_bundle() {
    let project = Project::new();
    let row = |n: i64| {
        let account = if n % 9 == 0 { String::new() } else { (10_000_000_000_000_001 + n % 7).to_string() };
        let amount = if n % 5 == 0 { String::new() } else { format!("{}e17", n as f64 / 3.0) };
        let day =
            if n % 3 == 0 { "9999-12-31T23:59:59".to_owned() } else { format!("2024-01-{:02}T00:00:00", n % 28 + 1) };
        format!("{n},{account},{amount},{day},{},{}\n", i64::MAX - n, n % 13)
    };
    project.write("large.csv", "id,account,amount,day,most,y\n".to_owned() + &(1..200).map(row).collect::<String>());
    let spec = r#"
        [pipeline]
        name = "large"
        seed = 9007199254740993
        [data]
        source = "large.csv"
        id = "id"
        target = "y"
        task = "regression"
        split = { test = 0.25, seed = 9223372036854775807 }
        [contract]
        account = { min = -9007199254740993, max = 9223372036854775807 }
        amount = { type = "number", max = 1e21, min = -100000000000000000 }
        [[step]]
        use = "impute_constant"
        columns = ["account"]
        value = 9007199254740995
        [[step]]
        use = "impute_most_frequent"
        columns = ["day", "most"]
        [[step]]
        use = "impute_median"
        columns = ["amount"]
        [[step]]
        use = "standard_scale"
        columns = ["amount"]
        [[step]]
        use = "datetime_parts"
        columns = ["day"]
        parts = ["year"]
        [model]
        use = "ridge"
    "#;
    project.write(SPEC, spec);
    project.digest(&[SPEC]);
    project.run(&["score", "large.evenstep", "--input", "large.csv", "--output", "scores.csv"]).ok();
    project.run(&["verify", SPEC, "--shuffle"]).ok();
    project.run(&["verify", "large.evenstep", "--data", "large.csv"]).ok();
}

#[test]
fn law_one_digest_for_any_row_order_and_any_number_of_files() {
    for example in EXAMPLES {
        let project = Project::example(example);
        let as_it_is = project.digest(&[SPEC]);
        let (header, lines) = project.csv(&data_of(example));
        let lines = shuffled(&lines);
        project.write("shuffled.csv", format!("{header}\n{}\n", lines.join("\n")));
        assert_eq!(project.digest(&[SPEC, "--set", "data.source=shuffled.csv"]), as_it_is, "{example} shuffled");
        for (n, part) in lines.chunks(lines.len().div_ceil(10)).enumerate() {
            project.write(&format!("part-{n}.csv"), format!("{header}\n{}\n", part.join("\n")));
        }
        assert_eq!(project.digest(&[SPEC, "--set", "data.source=part-*.csv"]), as_it_is, "{example} in ten files");
    }
}

#[test]
fn law_one_digest_for_any_column_order_and_format() {
    for example in EXAMPLES {
        let project = Project::example(example);
        let as_it_is = project.digest(&[SPEC]);
        let table = Table::read(&project.read(&data_of(example)));
        project.write("reversed.csv", table.reversed_csv());
        assert_eq!(
            project.digest(&[SPEC, "--set", "data.source=reversed.csv"]),
            as_it_is,
            "{example} reversed columns"
        );
        project.write("same.jsonl", table.json_lines());
        assert_eq!(project.digest(&[SPEC, "--set", "data.source=same.jsonl"]), as_it_is, "{example} as JSON lines");
        let typed = Typed::of(&project, &data_of(example));
        for name in ["same.parquet", "same.arrow"] {
            typed.write(&project, &data_of(example), name);
            let source = format!("data.source={name}");
            assert_eq!(project.digest(&[SPEC, "--set", &source]), as_it_is, "{example} in {name}");
        }
    }
}

#[test]
fn law_the_committed_locks_hold_whatever_built_the_program() {
    for example in EXAMPLES {
        let project = Project::example(example);
        let said = project.run(&["verify", SPEC, "--frozen", "--json", "--quiet"]);
        assert_eq!(said.code, 0, "{example}: {}\n{}", said.out, said.err);
    }
}

#[test]
fn law_verify_proves_a_training_on_other_threads_and_orders() {
    for example in EXAMPLES {
        let project = Project::example(example);
        project.run(&["train", SPEC, "--quiet"]).ok();
        let said = project.run(&["verify", SPEC, "--threads", "1", "--shuffle", "--json", "--quiet"]).ok();
        assert_eq!(said.json()["equal"], true, "{example}");
        let bundle = project.run(&["verify", &format!("{example}.evenstep"), "--json", "--quiet"]).ok();
        assert_eq!(bundle.json()["equal"], true, "{example}");
    }
}

#[test]
fn law_the_same_training_writes_the_same_bundle_and_report() {
    let project = Project::example("titanic");
    let files = || ["titanic.evenstep", "titanic.html"].map(|name| std::fs::read(project.path(name)).expect("written"));
    project.run(&["train", SPEC, "--quiet", "--threads", "1"]).ok();
    let first = files();
    project.run(&["train", SPEC, "--quiet", "--threads", "2"]).ok();
    assert!(first == files(), "bundle and report are the same bytes");
}

#[test]
fn law_another_seed_or_cell_is_another_digest_and_verify_says_what_differs() {
    let project = Project::example("credit");
    let as_it_is = project.digest(&[SPEC]);
    let data = data_of("credit");
    let text = project.read(&data);
    let changed = text.replacen(",60,", ",61,", 1);
    assert_ne!(text, changed);
    project.write(&data, changed);
    let said = project.run(&["verify", SPEC, "--json", "--quiet"]);
    assert_eq!(said.code, 1);
    let checks = said.json()["checks"].as_array().expect("checks").clone();
    let fingerprint = checks.iter().find(|check| check["name"] == "fingerprint").expect("it is compared");
    assert_eq!(fingerprint["equal"], false);
    let frozen = project.run(&["train", SPEC, "--frozen", "--quiet"]);
    assert_eq!(frozen.code, 1, "{}", frozen.err);
    assert_ne!(project.digest(&[SPEC, "--set", "pipeline.seed=999"]), as_it_is);
}

#[test]
fn law_one_row_scores_like_a_batch_by_bits_through_http_too() {
    for example in EXAMPLES {
        let project = Project::example(example);
        project.run(&["train", SPEC, "--quiet"]).ok();
        let data = data_of(example);
        let bundle = format!("{example}.evenstep");
        project.run(&["score", &bundle, "--input", &data, "--output", "all.jsonl", "--quiet"]).ok();
        let batch: Vec<Value> =
            project.read("all.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let server = Server::start(&project, &bundle);
        let properties = server.get("/openapi.json")["components"]["schemas"]["Row"]["properties"].clone();
        let rows = Table::read(&project.read(&data)).requests(properties.as_object().expect("fields"));
        assert_eq!(rows.len(), batch.len());
        let mut compared = 0;
        for (row, in_batch) in rows.iter().zip(&batch) {
            let alone = server.predict(&Value::Object(row.clone()));
            assert!(same(&alone[0]["prediction"], &in_batch["prediction"]), "{example}: {row:?}");
            for (class, probability) in alone[0]["probability"].as_object().into_iter().flatten() {
                assert!(same(probability, &in_batch[format!("probability_{class}")]), "{example}: {row:?}");
            }
            compared += 1;
        }
        assert_eq!(compared, batch.len());
        let together = server.predict(&Value::Array(rows.iter().take(500).cloned().map(Value::Object).collect()));
        for (together, in_batch) in together.as_array().expect("a list").iter().zip(&batch) {
            assert!(same(&together["prediction"], &in_batch["prediction"]));
        }
    }
}

#[test]
fn law_permutation_importance_has_one_answer_and_enters_no_digest() {
    let permuted = ["--set", "report.permutation=3"];
    for (project, source) in [(Project::example("houses"), "ames.csv"), (three_classes(), "three.csv")] {
        let digest = project.digest(&[]);
        let measured = |threads: &str| {
            let args = [&["train", "--json", "--quiet", "--threads", threads], &permuted[..]].concat();
            let said = project.run(&args).ok().json();
            assert_eq!(said["digest"], digest.as_str(), "what is reported is no part of the identity");
            said["evaluation"]["permutation"].clone()
        };
        let alone = measured("1");
        assert_eq!(measured("7"), alone);
        let (header, lines) = project.csv(source);
        project.write(source, format!("{header}\n{}\n", shuffled(&lines).join("\n")));
        assert_eq!(measured("2"), alone, "rows in another order");

        assert_eq!(alone["repeats"], 3);
        let losses: Vec<f64> = alone["features"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|of| {
                let number = |key: &str| of[key].as_f64().expect("a number");
                assert!(number("lowest") <= number("loss") && number("loss") <= number("highest"), "{of}");
                number("loss")
            })
            .collect();
        assert!(losses[0] > 0.0 && losses.is_sorted_by(|a, b| a >= b), "{losses:?}");
        let report = project.read(if source == "ames.csv" { "houses.html" } else { "three.html" });
        assert!(report.contains("lost when shuffled"), "the report has a table");
    }
    // A feature that the target doesn't depend on is worth nothing; one that it does, much.
    let project = Project::new();
    let rows: String = (0..400).map(|n| format!("{},{},{}\n", n * 7 % 20, n * 13 % 11, n * 7 % 20 * 3)).collect();
    project.write("data.csv", format!("x,noise,y\n{rows}"));
    let spec = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\ntarget = \"y\"\n[model]\nuse = \"ridge\"\n\
                [report]\nmetrics = [\"r2\"]\npermutation = 5\n";
    project.write(SPEC, spec);
    let said = project.run(&["train", "--json", "--quiet"]).ok().json();
    let features = &said["evaluation"]["permutation"]["features"];
    assert_eq!(features[0]["feature"], "x");
    assert!(features[0]["loss"].as_f64().expect("a number") > 1.0, "{features}");
    assert!(features[1]["loss"].as_f64().expect("a number").abs() < 0.01, "{features}");
    let printed = project.run(&["train", "--quiet"]).ok().out;
    assert!(printed.contains("what r2 loses when a feature's cells are shuffled, 5 times:"), "{printed}");
}

/// Three classes, so that each row has three lines; numbers with gaps, a category and a flag.
fn three_classes() -> Project {
    let project = Project::new();
    let row = |n: u64| {
        let bits = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let [a, b, c] = [bits % 97, bits >> 8 & 0x3f, bits >> 16 & 3];
        let number = if b == 7 { String::new() } else { format!("{}.5", b) };
        format!("{n},{a},{number},g{c},{}\n", ["low", "middle", "high"][((a + 4 * b + 40 * c) / 130).min(2) as usize])
    };
    let rows: String = (0..5000).map(row).collect();
    project.write("three.csv", format!("id,a,number,group,y\n{rows}"));
    let spec = "[pipeline]\nname = \"three\"\nseed = 1\n[data]\nsource = \"three.csv\"\nid = \"id\"\ntarget = \"y\"\n\
                [model]\nuse = \"boosted_trees\"\ntrees = 10\n";
    project.write(SPEC, spec);
    project
}

#[test]
fn law_an_explanation_has_one_text_and_adds_up_to_the_score() {
    let explain = |project: &Project, bundle: &str, input: &str, threads: &str, level: &str| {
        let args = ["explain", bundle, "--input", input, "--threads", threads, "--quiet"];
        common::said(project.command(&args).env("EVENSTEP_SIMD", level).output().expect("the program starts")).ok().out
    };
    for (project, name, input) in [
        (Project::example("houses"), "houses", "ames.csv"),
        (Project::example("credit"), "credit", "credit.csv"),
        (three_classes(), "three", "three.csv"),
    ] {
        project.digest(&[]);
        let bundle = format!("{name}.evenstep");
        let all = explain(&project, &bundle, input, "1", "avx512");
        for (threads, level) in [("2", "avx512"), ("7", "avx2"), ("1", "baseline")] {
            assert!(explain(&project, &bundle, input, threads, level) == all, "{name}: {threads} threads, {level}");
        }
        // One row has the text that it has among all.
        let (header, lines) = project.csv(input);
        project.write("one.csv", format!("{header}\n{}\n", lines[100]));
        let one = explain(&project, &bundle, "one.csv", "2", "avx512");
        let explained: Vec<Vec<String>> = all.lines().map(cells).collect();
        let lines_of_row = one.lines().count() - 1;
        assert_eq!(lines_of_row, if name == "three" { 3 } else { 1 });
        for (line, expected) in one.lines().skip(1).zip(&explained[1 + 100 * lines_of_row..]) {
            assert_eq!(cells(line)[1..], expected[1..], "{name}");
        }

        let head = &explained[0];
        let place = |name: &str| head.iter().position(|cell| cell == name);
        let number = |cell: &String| cell.parse::<f64>().expect("a number");
        let base = place("base").expect("a base");
        let scores: Vec<f64> = explained[1..]
            .iter()
            .map(|line| {
                line[base..]
                    .iter()
                    .zip(&head[base..])
                    .filter(|(_, name)| *name != "flags")
                    .map(|(x, _)| number(x))
                    .sum()
            })
            .collect();
        for (at, line) in explained[1..].iter().enumerate() {
            let (said, expected) = match name {
                "houses" => (number(&line[1]), scores[at]),
                "credit" => {
                    let p = number(&line[place("probability_bad").expect("a probability")]);
                    (p, maths::sigmoid(scores[at]))
                }
                _ => {
                    let row = &scores[at / 3 * 3..][..3];
                    let total: f64 = row.iter().map(|score| maths::exp(*score)).sum();
                    (number(&line[place("probability").expect("a probability")]), maths::exp(scores[at]) / total)
                }
            };
            assert!((said - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{name}, line {at}: {said}, {expected}");
        }

        let args = ["explain", &bundle, "--input", input, "--output", "top.csv", "--top", "2", "--json", "--quiet"];
        let summary = project.run(&args).ok().json();
        let (head, lines) = project.csv("top.csv");
        assert!(head.ends_with(",base,feature_1,contribution_1,feature_2,contribution_2,rest,flags"), "{head}");
        assert_eq!(lines.len(), scores.len());
        let sizes: Vec<f64> = summary["importance"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|of| of["mean_absolute"].as_f64().expect("a number"))
            .collect();
        assert!(sizes[0] > 0.0 && sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

/// The program, serving a project's bundle.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(project: &Project, bundle: &str) -> Server {
        let (child, address) = common::serve(project, bundle);
        Server { child, address }
    }

    fn get(&self, path: &str) -> Value {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).1
    }

    fn predict(&self, body: &Value) -> Value {
        let body = body.to_string();
        let head = format!(
            "POST /predict HTTP/1.1\r\nContent-Type: application/json\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let (status, answer) = self.exchange(&(head + &body));
        assert_eq!(status, 200, "{answer}");
        answer["predictions"].clone()
    }

    fn exchange(&self, request: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, serde_json::from_str(body).expect("JSON"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
