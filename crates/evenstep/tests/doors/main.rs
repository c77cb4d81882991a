//! Every door of the server gives the bits of `score`, whatever the protocol; and whatever comes through one, broken as it
//! may be, gets an answer that blames no bug.

mod caller;
mod cells;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod crowd;
mod example;
mod grpc;
mod heads;
mod lines;
mod metrics;
mod page;
mod together;
mod wrong;

use client::{ARROW, JSON, LINES, PARQUET, small};
use evenstep_pipeline::request;
use example::Example;
use serde_json::{Value, json};

#[test]
fn every_door_gives_the_bits_of_score() {
    let example = Example::titanic();
    let server = &example.server;
    let member = |answer: &Value, name: &str| answer[name].clone();
    let native = |answer: &Value, name: &str| match name.strip_prefix("probability_") {
        Some(class) => answer["probability"][class].clone(),
        None => answer[name].clone(),
    };
    let objects = Value::from(example.rows.iter().cloned().map(Value::Object).collect::<Vec<_>>());
    let columns = json!({ "columns": example.columns() }).to_string();
    let lines: String = example.rows.iter().map(|row| json!(row).to_string() + "\n").collect();
    let (csv, [arrow, parquet], list) = (example.csv().into_bytes(), example.binary(), objects.to_string());
    let predictor = evenstep_bundle::open(&example.bundle).expect("it is whole").predictor().expect("it answers");
    let answers = request::answer(&predictor, list.as_bytes()).expect("all rows are answered");
    let answers: Vec<Value> = answers.iter().map(|answer| json!(answer)).collect();
    example.check("a call in Rust", &answers, native);
    let doors: [(&str, &[u8]); 6] = [
        (JSON, list.as_bytes()),
        (JSON, columns.as_bytes()),
        ("text/csv", &csv),
        (ARROW, &arrow),
        (PARQUET, &parquet),
        (LINES, lines.as_bytes()),
    ];
    for (kind, body) in doors {
        let told = server.predict(kind, JSON, body).ok().json();
        example.check(kind, told["predictions"].as_array().expect("a list"), native);
        example.check(kind, &server.predict(kind, LINES, body).ok().lines(), member);
        let told = server.predict(kind, "text/csv", body).ok().text();
        let (header, lines) = told.split_once('\n').expect("a header");
        assert_eq!(header, "row,prediction,probability_0,probability_1,flags", "the columns of a score file");
        let table: Vec<Value> = lines
            .lines()
            .map(|line| {
                let cells: Vec<&str> = line.splitn(5, ',').collect();
                let number = |at: usize| serde_json::from_str::<Value>(cells[at]).expect("a number");
                json!({ "prediction": cells[1], "probability_0": number(2), "probability_1": number(3) })
            })
            .collect();
        example.check(kind, &table, member);
        // Whatever reads Arrow reads it; that another library does, `tests/clients.sh` shows.
        assert!(server.predict(kind, ARROW, body).ok().body.starts_with(&[0xff; 4]));
        assert!(server.predict(kind, PARQUET, body).ok().body.starts_with(b"PAR1"));
    }

    let path = "/v2/models/titanic/infer";
    let outputs = ["prediction", "probability_0", "probability_1"];
    for binary in [false, true] {
        let (tensors, bytes) = example.tensors(binary);
        let wanted: Vec<Value> =
            outputs.iter().map(|name| json!({ "name": name, "parameters": { "binary_data": binary } })).collect();
        let head = json!({ "id": "42", "inputs": tensors, "outputs": wanted }).to_string();
        let more = if binary { format!("Inference-Header-Content-Length: {}\r\n", head.len()) } else { String::new() };
        let told = server.post(path, "application/octet-stream", &more, &[head.as_bytes(), &bytes].concat()).ok();
        let length = told.head.lines().find_map(|line| line.strip_prefix("inference-header-content-length: "));
        let length = length.map_or(told.body.len(), |length| length.parse().expect("a length"));
        let (head, mut bytes) = told.body.split_at(length);
        let answer: Value = serde_json::from_slice(head).expect("JSON");
        assert_eq!((&answer["id"], &answer["model_name"]), (&json!("42"), &json!("titanic")));
        let tensors: Vec<Vec<Value>> = answer["outputs"]
            .as_array()
            .expect("outputs")
            .iter()
            .map(|tensor| {
                let Some(size) = tensor["parameters"]["binary_data_size"].as_u64() else {
                    return tensor["data"].as_array().expect("data").clone();
                };
                let (own, rest) = bytes.split_at(size as usize);
                bytes = rest;
                match tensor["datatype"].as_str() {
                    Some("BYTES") => texts(own),
                    _ => own.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes).into()).collect(),
                }
            })
            .collect();
        assert!(bytes.is_empty());
        let rows: Vec<Value> =
            (0..tensors[0].len()).map(|row| json!([tensors[0][row], tensors[1][row], tensors[2][row]])).collect();
        let place = |name: &str| outputs.iter().position(|output| *output == name).expect("it was asked for");
        example.check(&format!("OIP, binary: {binary}"), &rows, |row, name| row[place(name)].clone());
    }

    let names: Vec<&String> = example.kinds.iter().map(|(name, _)| name).collect();
    let data: Vec<Value> =
        example.rows.iter().map(|row| names.iter().map(|name| row[*name].clone()).collect()).collect();
    for body in [
        json!({ "dataframe_split": { "columns": names, "index": (0..data.len()).collect::<Vec<_>>(), "data": data } }),
        json!({ "dataframe_records": objects }),
        json!({ "instances": objects, "params": {} }),
        json!({ "inputs": example.columns() }),
    ] {
        let told = server.post("/invocations", JSON, "", body.to_string().as_bytes()).ok().json();
        example.check("MLflow", told["predictions"].as_array().expect("a list"), member);
    }
    let told = server.post("/invocations", "text/csv; charset=utf-8", "", &csv).ok().json();
    example.check("MLflow, CSV", told["predictions"].as_array().expect("a list"), member);
    let told = server.post("/invocations", PARQUET, "", &parquet).ok().json();
    example.check("MLflow, Parquet", told["predictions"].as_array().expect("a list"), member);
}

#[test]
fn gaps_and_narrow_types_keep_their_value_in_tensors() {
    let server = small();
    let expected =
        |row: &str| server.predict(JSON, JSON, row.as_bytes()).ok().json()["predictions"][0]["prediction"].clone();
    let infer = |body: &str| {
        let told = server.post("/v2/models/p/infer", JSON, "", body.as_bytes()).ok().json();
        assert!(told.get("id").is_none(), "an id that nobody gave is absent: {told}");
        told["outputs"][0]["data"].clone()
    };
    let gap = expected(r#"{"x": 2, "z": null}"#);
    for z in [
        r#""datatype":"FP64","data":[null]"#,
        // The mask says which are there: the first isn't.
        r#""datatype":"INT32","data":[7],"parameters":{"null_mask":"AA=="}"#,
    ] {
        let body = format!(
            r#"{{"inputs":[{{"name":"x","shape":[1],"datatype":"UINT8","data":[2]}},{{"name":"z","shape":[1,1],{z}}}]}}"#
        );
        assert_eq!(infer(&body), json!([gap]), "{z}");
    }
    // 0.1 as a narrow float is another number; it is widened exactly.
    let narrow = format!(r#"{{"x": 2, "z": {}}}"#, f64::from(0.1f32));
    let body = r#"{"inputs":[{"name":"x","shape":[1],"datatype":"FP16","data":[2.0]},{"name":"z","shape":[1],"datatype":"FP32","data":[0.1]}]}"#;
    assert_eq!(infer(body), json!([expected(&narrow)]));
    // As clients write it that write out what they leave open.
    let open = r#"{"id":null,"parameters":null,"outputs":null,"inputs":[{"name":"x","shape":[1],"datatype":"INT64","parameters":null,"data":[2]},{"name":"z","shape":[1],"datatype":"FP64","data":[null]}]}"#;
    assert_eq!(infer(open), json!([gap]));
    let several = r#"{"inputs":[{"name":"any","shape":[2,2],"datatype":"FP64","data":[[0.5,2],[null,2]],"parameters":{"columns":"z,x"}}]}"#;
    assert_eq!(infer(several), json!([expected(r#"{"x": 2, "z": 0.5}"#), gap]));
}

/// The bytes of a tensor of texts, by the binary extension.
fn texts(mut bytes: &[u8]) -> Vec<Value> {
    let mut texts = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (text, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        texts.push(String::from_utf8_lossy(text).into());
        bytes = rest;
    }
    texts
}
