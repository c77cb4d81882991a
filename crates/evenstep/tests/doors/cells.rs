//! What becomes of cells that are too long, too large for a float, or of no column, whatever door they come through.

use evenstep_grpc::inference::model_infer_request::InferInputTensor;
use evenstep_grpc::inference::{InferTensorContents, ModelInferRequest, ModelInferResponse};
use evenstep_table::{ColumnName, Kind};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::client::{ARROW, JSON, LINES, PARQUET, Server};
use crate::common::Project;
use crate::example::{binary, column};

/// y of a number x and a category c; what else is sent is ignored.
fn server() -> Server {
    let project = Project::new();
    let rows: String = (0..200).map(|n| format!("{},{},{}\n", n % 17, ["a", "b"][n % 2], n % 17 + 3)).collect();
    project.write("data.csv", format!("x,c,y\n{rows}"));
    let spec = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"data.csv\"\ntarget = \"y\"\n[contract]\nx = { type = \"number\" }\nc = { unseen = \"null\" }\n[serving]\nextra = \"ignore\"\n[[step]]\nuse = \"one_hot\"\ncolumns = [\"c\"]\n[model]\nuse = \"ridge\"\n";
    project.write("pipeline.toml", spec);
    project.run(&["train", "--quiet"]).ok();
    Server::start(&project, "p.evenstep")
}

/// One row, as each door takes it, with a column `e` beside those of the contract.
fn doors(x: i64, c: &str) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let row = json!({ "x": x, "c": c, "e": 1 });
    let lists = json!({ "x": [x], "c": [c], "e": [1] });
    let tensor = |name: &str, datatype: &str, cell: Value| json!({ "name": name, "shape": [1], "datatype": datatype, "data": [cell] });
    let tensors = [tensor("x", "INT64", json!(x)), tensor("c", "BYTES", json!(c)), tensor("e", "INT64", json!(1))];
    let header = [("x", Kind::Integer), ("c", Kind::Category), ("e", Kind::Integer)];
    let columns = header.map(|(name, kind)| column(kind, std::slice::from_ref(&row[name])));
    let header = header.map(|(name, kind)| (ColumnName::new(name).expect("a name"), kind));
    let split = json!({ "dataframe_split": { "columns": ["x", "c", "e"], "data": [[x, c, 1]] } });
    let csv = format!("x,c,e\n{x},{c},1\n").into_bytes();
    let [arrow, parquet] = binary(header.to_vec(), &columns);
    let json = |body: Value| body.to_string().into_bytes();
    vec![
        ("/predict", JSON, json(row.clone())),
        ("/predict", JSON, json(json!([row]))),
        ("/predict", JSON, json(json!({ "columns": lists }))),
        ("/predict", "text/csv", csv.clone()),
        ("/predict", ARROW, arrow),
        ("/predict", PARQUET, parquet.clone()),
        ("/v2/models/p/infer", JSON, json(json!({ "inputs": tensors }))),
        ("/invocations", JSON, json(json!({ "instances": [row] }))),
        ("/invocations", JSON, json(json!({ "inputs": lists }))),
        ("/invocations", JSON, json(split)),
        ("/invocations", "text/csv", csv),
        ("/invocations", PARQUET, parquet),
    ]
}

/// The same by gRPC.
fn call(x: i64, c: &str) -> ModelInferRequest {
    let tensor = |name: &str, datatype: &str, contents| InferInputTensor {
        name: name.to_owned(),
        datatype: datatype.to_owned(),
        shape: vec![1],
        contents: Some(contents),
        ..InferInputTensor::default()
    };
    let integer = |x| InferTensorContents { int64_contents: vec![x], ..InferTensorContents::default() };
    let text = InferTensorContents { bytes_contents: vec![c.as_bytes().to_vec()], ..InferTensorContents::default() };
    let inputs = vec![tensor("x", "INT64", integer(x)), tensor("c", "BYTES", text), tensor("e", "INT64", integer(1))];
    ModelInferRequest { model_name: "p".to_owned(), inputs, ..ModelInferRequest::default() }
}

#[test]
fn a_text_of_more_than_a_mebibyte_is_refused_by_its_field() {
    let server = server();
    let (fits, long) = ("ö".repeat(1 << 19), "ö".repeat(1 << 19) + "x");
    let why = "`c`: a text may have 1 MiB, and this one has more";
    for ((path, kind, body), (_, _, too_long)) in doors(1, &fits).into_iter().zip(doors(1, &long)) {
        server.post(path, kind, "", &body).ok();
        let told = server.post(path, kind, "", &too_long);
        let status = if path == "/predict" { 422 } else { 400 };
        assert_eq!(told.status, status, "{path} {kind}: {}", told.text());
        let expected = if path == "/invocations" { "row 0: `c` is invalid" } else { why };
        assert!(told.text().contains(expected) && told.body.len() < 1000, "{path} {kind}: {}", told.text());
    }
    // A line has as much at most, so no text of it has more.
    let line = json!({ "x": 1, "c": long }).to_string();
    let told = server.predict(LINES, JSON, line.as_bytes());
    assert!((400..500).contains(&told.status) && told.body.len() < 1000, "{}", told.text());
    let caller = Caller::connect(&server.address);
    caller.call("ModelInfer", &call(1, &fits)).ok::<ModelInferResponse>();
    let told = caller.call("ModelInfer", &call(1, &long));
    assert!(told.code == Some(3) && told.text.contains(why), "{}", told.text);
}

#[test]
fn numbers_that_are_rounded_and_cells_that_nobody_knows_are_counted() {
    let server = server();
    let counted = |family: &str| {
        let metrics = server.get("/metrics").ok().text();
        let line = metrics.lines().find_map(|line| line.strip_prefix(family)?.rsplit(' ').next()?.parse::<u64>().ok());
        line.unwrap_or(0)
    };
    let (mut rounded, mut ignored) = (0, 0);
    for x in [1 << 53, (1 << 53) + 1, -(1 << 53) - 1, i64::MAX, (1 << 60)] {
        let is_rounded = u64::from(![1 << 53, 1 << 60].contains(&x));
        for (path, kind, body) in doors(x, "a") {
            server.post(path, kind, "", &body).ok();
            (rounded, ignored) = (rounded + is_rounded, ignored + 1);
            assert_eq!(
                counted("evenstep_rounded_cells_total{model=\"p\",column=\"x\"}"),
                rounded,
                "{path} {kind}: {x}"
            );
            assert_eq!(counted("evenstep_ignored_cells_total{model=\"p\"}"), ignored, "{path} {kind}");
        }
    }
    Caller::connect(&server.address).call("ModelInfer", &call((1 << 53) + 1, "a")).ok::<ModelInferResponse>();
    let lines = "{\"x\": 9007199254740993, \"c\": \"a\", \"e\": 1}\n{\"x\": 18446744073709551615, \"c\": \"a\"}\n";
    server.predict(LINES, LINES, lines.as_bytes()).ok();
    assert_eq!(counted("evenstep_rounded_cells_total{model=\"p\",column=\"x\"}"), rounded + 3);
    assert_eq!(counted("evenstep_ignored_cells_total{model=\"p\"}"), ignored + 2);
}
