//! What is broken, or breaks the contract.

use serde_json::json;

use crate::client::{ARROW, JSON, LINES, PARQUET, Server, small, small_project};
use crate::example::small_binary;

#[test]
fn no_bytes_through_any_door_are_a_bug_or_an_end() {
    let server = small();
    let oip = br#"{"inputs":[{"name":"x","shape":[2],"datatype":"INT64","parameters":{"binary_data_size":16}},{"name":"z","shape":[2],"datatype":"FP32","data":[1,null]}]}"#;
    let more = format!("Inference-Header-Content-Length: {}\r\n", oip.len());
    let binary = [&oip[..], &1i64.to_le_bytes(), &2i64.to_le_bytes()].concat();
    let infer = "/v2/models/p/infer";
    let plain = br#"{"id":"a","inputs":[{"name":"x","shape":[2],"datatype":"INT64","data":[1,2]},{"name":"z","shape":[2],"datatype":"FP64","data":[0.5,1]}]}"#;
    let split = br#"{"dataframe_split":{"columns":["x","z"],"index":[0],"data":[[1,2.5]]}}"#;
    let [arrow, parquet] = small_binary();
    let doors: [(&str, &str, &str, Vec<u8>); 9] = [
        ("/predict", JSON, "", br#"{"columns":{"x":[1,2],"z":[0.5,null]}}"#.to_vec()),
        ("/predict", "text/csv", "", b"x,\"z\"\n1,0.5\n2,\n".to_vec()),
        ("/predict", LINES, "", b"{\"x\":1,\"z\":2}\n\n{\"z\":1e5,\"x\":3}\n".to_vec()),
        ("/predict", ARROW, "", arrow),
        (infer, JSON, "", plain.to_vec()),
        (infer, "application/octet-stream", &more, binary),
        ("/invocations", JSON, "", split.to_vec()),
        ("/invocations", "text/csv", "", b"z,x\n1,0\n".to_vec()),
        ("/invocations", PARQUET, "", parquet),
    ];
    for (path, kind, more, body) in doors {
        server.post(path, kind, more, &body).ok();
        let mut inputs = 0;
        let mut ask = |body: &[u8], what: String| {
            let told = server.post(path, kind, more, body);
            assert!(
                told.status < 500 && !told.text().contains("\"status\":500"),
                "{path} {kind}, {what}: {}",
                told.text()
            );
            inputs += 1;
        };
        for at in 0..body.len() {
            ask(&body[..at], format!("{at} bytes of it"));
            for change in [1, 0x80, 0xff] {
                let mut changed = body.clone();
                changed[at] ^= change;
                ask(&changed, format!("byte {at} xor {change}"));
            }
        }
        assert_eq!(inputs, body.len() * 4);
    }
    let row = br#"{"x": 1, "z": 2}"#;
    assert_eq!(server.predict(JSON, JSON, row).status, 200);
}

#[test]
fn what_is_wrong_is_told_in_the_words_of_each_protocol() {
    let server = small();
    let infer = "/v2/models/p/infer";
    let tensor = |name: &str, datatype: &str, shape: &str, data: &str| {
        format!(r#"{{"name":"{name}","datatype":"{datatype}","shape":{shape},{data}}}"#)
    };
    let x = tensor("x", "INT64", "[1]", r#""data":[1]"#);
    let with = |tensors: &[&str]| format!(r#"{{"inputs":[{}]}}"#, tensors.join(","));
    let z = |datatype: &str, shape: &str, data: &str| with(&[&x, &tensor("z", datatype, shape, data)]);
    let mut said = Vec::new();
    let mut ask = |path: &str, kind: &str, body: &str| {
        let told = server.post(path, kind, "X-Request-Id: a-1\r\n", body.as_bytes());
        assert!(told.head.contains("x-request-id: a-1"), "{}", told.head);
        said.push(format!("{} {}", told.status, told.text().trim_end()));
    };
    ask(infer, JSON, "[]");
    ask(infer, JSON, r#"{"inputs":[]}"#);
    ask(infer, JSON, &z("FP64", "[2]", r#""data":[1]"#));
    let both = |shape: &str, data: &str| {
        format!(
            r#"{{"inputs":[{{"name":"a","datatype":"FP64","shape":{shape},"parameters":{{"columns":"x,z"}},"data":{data}}}]}}"#
        )
    };
    ask(infer, JSON, &both("[2,2]", "[[1,2],[3,4]]"));
    for data in ["[[1,2,3,4]]", "[[1,2],[3],[4]]", "[[[1,3,2]],4]", "[[1],[2],[3],[4]]", "[[[1],[2]],[[3],[4]]]", "1"] {
        ask(infer, JSON, &both("[2,2]", data));
    }
    ask(infer, JSON, &z("FP64", "[9223372036854775807,4]", r#""data":[1]"#));
    ask(infer, JSON, &z("FP64", "[1,1,1]", r#""data":[1]"#));
    ask(infer, JSON, &z("FP128", "[1]", r#""data":[1]"#));
    ask(infer, JSON, &z("INT8", "[1]", r#""data":[300]"#));
    ask(infer, JSON, &z("BYTES", "[1]", r#""data":["1"]"#));
    ask(infer, JSON, &z("FP64", "[1]", r#""parameters":{"binary_data_size":8}"#));
    ask(infer, JSON, &z("FP64", "[2]", r#""data":[1,2]"#));
    ask(infer, JSON, &with(&[&x]));
    ask(infer, JSON, &with(&[&x, &x]));
    ask(infer, JSON, r#"{"inputs":[],"outputs":[{"name":"predicton"}]}"#);
    ask("/v2/models/q/infer", JSON, "{}");
    ask("/v2/models/p/versions/1/infer", JSON, "{}");
    ask(infer, "text/plain", "{}");
    ask("/v2/nowhere", JSON, "{}");
    ask("/invocations", JSON, r#"{"instances":[{"x":"secret","z":1}]}"#);
    ask("/invocations", JSON, r#"{"instances":[{"x":4.5,"z":1}]}"#);
    ask("/invocations", JSON, r#"{"instances":[{"x":1,"x":2,"z":1}]}"#);
    ask("/invocations", JSON, r#"{"instances":[],"inputs":{}}"#);
    ask("/invocations", JSON, r#"{"instances":[[1,2]]}"#);
    ask("/invocations", JSON, r#"{"dataframe_split":{"columns":["x","x"],"data":[[1,2]]}}"#);
    ask("/invocations", JSON, r#"{"dataframe_split":{"columns":["x","z"],"data":[[1]]}}"#);
    ask("/invocations", JSON, r#"{"instances":[{"x":1,"z":NaN}]}"#);
    ask("/invocations", JSON, r#"{"instances":[],"params":{"a":1}}"#);
    ask("/invocations", "application/json; charset=latin1", "{}");
    ask("/invocations", "text/plain", "{}");
    ask("/predict", JSON, r#"{"columns":{"x":[1],"z":[1,2]}}"#);
    ask("/predict", JSON, r#"{"columns":{"x":[1],"z":2}}"#);
    ask("/predict", JSON, r#"{"columns":{"x":[1],"zz":[2]}}"#);
    ask("/predict", JSON, r#"{"columns":{"x":[1],"z":[2]},"y":1}"#);
    ask("/predict", "text/csv", "x,z\n1,2,3\n");
    ask("/predict", "text/csv", "x,z\nnan,2\n");
    ask("/predict", "text/csv", "");
    ask("/predict", ARROW, "nothing of it");
    ask("/predict", "application/xml", "<x/>");
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_number_that_is_too_large_is_a_cell_that_the_contract_judges() {
    let project = small_project();
    let server = Server::start(&project, "p.evenstep");
    let row = r#"{"x": 1, "z": 1e400}"#;
    let expected = json!({ "row": 0, "field": "z", "value": "1e400", "rule": "invalid", "message": "`z`: `1e400` is larger than any float of 64 bits" });
    for body in [row, &format!("[{row}]"), r#"{"columns": {"x": [1], "z": [1e400]}}"#] {
        let told = server.predict(JSON, JSON, body.as_bytes());
        assert_eq!(told.status, 422, "{}", told.text());
        assert!(told.head.contains("content-type: application/problem+json"), "{}", told.head);
        assert_eq!(told.json()["errors"], json!([expected]), "{body}");
    }
    let lines = format!("{{\"x\": 1, \"z\": 2}}\n{row}\n");
    let told = server.predict(LINES, LINES, lines.as_bytes()).ok().lines();
    assert_eq!(
        (told.len(), &told[1]["error"]["status"], &told[1]["error"]["errors"][0]["value"]),
        (2, &json!(422), &json!("1e400"))
    );
    let told = server.predict(LINES, JSON, lines.as_bytes());
    assert_eq!((told.status, &told.json()["errors"][0]["row"]), (422, &json!(1)));
    let told = server.post("/invocations", JSON, "", format!(r#"{{"instances": [{row}]}}"#).as_bytes());
    assert!(told.status == 400 && told.text().contains("row 0: `z` is invalid"), "{}", told.text());
    let told = server.predict(JSON, JSON, b"[1e400]");
    assert!(told.status == 400 && told.text().contains("row 0 is no object"), "{}", told.text());

    project.run(&["train", "--quiet", "--set", "contract.z.invalid=\"null\"", "--output", "n.evenstep"]).ok();
    let told = Server::start(&project, "n.evenstep").predict(JSON, JSON, row.as_bytes()).ok().json();
    assert_eq!(told["predictions"][0]["flags"], json!([{ "field": "z", "rule": "invalid" }]));
}
