//! The Open Inference Protocol by calls of gRPC, and what every server of gRPC tells.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use evenstep_grpc::framed;
use evenstep_grpc::inference::infer_parameter::ParameterChoice;
use evenstep_grpc::inference::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};
use evenstep_grpc::inference::{
    InferParameter, InferTensorContents, ModelInferRequest, ModelInferResponse, ModelMetadataRequest,
    ModelMetadataResponse, ModelReadyRequest, ModelReadyResponse, ServerLiveRequest, ServerLiveResponse,
    ServerMetadataRequest, ServerMetadataResponse, ServerReadyRequest, ServerReadyResponse,
};
use evenstep_table::Kind;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::caller::{Called, Caller};
use crate::client::{JSON, Server, small, small_project};
use crate::example::Example;
use crate::texts;

const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";
const HEALTH: &str = "/grpc.health.v1.Health/Check";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const OUTPUTS: [&str; 3] = ["prediction", "probability_0", "probability_1"];

fn tensor(name: &str, datatype: &str, shape: &[i64], contents: InferTensorContents) -> InferInputTensor {
    InferInputTensor {
        name: name.to_owned(),
        datatype: datatype.to_owned(),
        shape: shape.to_vec(),
        contents: Some(contents),
        ..InferInputTensor::default()
    }
}

fn floats(cells: &[f64]) -> InferTensorContents {
    InferTensorContents { fp64_contents: cells.to_vec(), ..InferTensorContents::default() }
}

fn integers(cells: &[i32]) -> InferTensorContents {
    InferTensorContents { int_contents: cells.to_vec(), ..InferTensorContents::default() }
}

/// A parameter that is a text.
fn text(name: &str, text: &str) -> BTreeMap<String, InferParameter> {
    let parameter_choice = Some(ParameterChoice::StringParam(text.to_owned()));
    BTreeMap::from([(name.to_owned(), InferParameter { parameter_choice })])
}

fn ask(inputs: Vec<InferInputTensor>) -> ModelInferRequest {
    ModelInferRequest { model_name: "p".to_owned(), inputs, ..ModelInferRequest::default() }
}

/// A request for one row of the small bundle, in lists.
fn row(x: i32, z: f64) -> ModelInferRequest {
    ask(vec![tensor("x", "INT32", &[1], integers(&[x])), tensor("z", "FP64", &[1], floats(&[z]))])
}

/// The same, with elements as bytes.
fn raw(mut asked: ModelInferRequest) -> ModelInferRequest {
    for input in &mut asked.inputs {
        let contents = input.contents.take().unwrap_or_default();
        let mut bytes = Vec::new();
        contents.int_contents.iter().for_each(|cell| bytes.extend(cell.to_le_bytes()));
        contents.fp64_contents.iter().for_each(|cell| bytes.extend(cell.to_le_bytes()));
        for text in contents.bytes_contents {
            bytes.extend((text.len() as u32).to_le_bytes());
            bytes.extend(text);
        }
        asked.raw_input_contents.push(bytes);
    }
    asked
}

fn served_version(server: &Server) -> String {
    server.get("/v2/models/p").ok().json()["versions"][0].as_str().expect("a version").to_owned()
}

/// The cells of an answer, output by output, however they were sent.
fn cells(answer: &ModelInferResponse) -> Vec<Vec<Value>> {
    let cells = |(at, output): (usize, &evenstep_grpc::inference::model_infer_response::InferOutputTensor)| {
        let bytes = answer.raw_output_contents.get(at);
        let contents = output.contents.clone().unwrap_or_default();
        let string = |text: &Vec<u8>| Value::from(String::from_utf8(text.clone()).expect("UTF-8"));
        let cells: Vec<Value> = match (bytes, output.datatype.as_str()) {
            (Some(bytes), "BYTES") => texts(bytes),
            (Some(bytes), _) => bytes.as_chunks::<8>().0.iter().map(|cell| f64::from_le_bytes(*cell).into()).collect(),
            (None, "BYTES") => contents.bytes_contents.iter().map(string).collect(),
            (None, _) => contents.fp64_contents.into_iter().map(Value::from).collect(),
        };
        assert_eq!(output.shape, [cells.len() as i64], "{}", output.name);
        cells
    };
    answer.outputs.iter().enumerate().map(cells).collect()
}

/// The one prediction of an answer.
fn prediction(called: &Called) -> Value {
    let cells = cells(&called.ok());
    assert_eq!((cells.len(), cells[0].len()), (1, 1));
    cells[0][0].clone()
}

#[test]
fn calls_give_the_bits_of_score_in_bytes_and_in_lists() {
    let example = Example::titanic();
    let caller = Caller::connect(&example.server.address);
    let inputs = example.kinds.iter().rev().map(|(name, kind)| {
        let cells = example.column(name);
        let shape = [cells.len() as i64, 1];
        if *kind == Kind::Category {
            let bytes_contents = cells.iter().map(|cell| cell.as_str().unwrap_or_default().into()).collect();
            tensor(name, "BYTES", &shape, InferTensorContents { bytes_contents, ..InferTensorContents::default() })
        } else {
            let cells: Vec<f64> = cells.iter().map(|cell| cell.as_f64().unwrap_or(f64::NAN)).collect();
            tensor(name, "FP64", &shape, floats(&cells))
        }
    });
    let output = |name: &str| InferRequestedOutputTensor { name: name.to_owned(), parameters: BTreeMap::new() };
    let asked = ModelInferRequest {
        model_name: "titanic".to_owned(),
        id: "42".to_owned(),
        outputs: OUTPUTS.into_iter().map(output).collect(),
        ..ask(inputs.collect())
    };
    for (asked, in_bytes) in [(asked.clone(), false), (raw(asked), true)] {
        let answer: ModelInferResponse = caller.call("ModelInfer", &asked).ok();
        assert_eq!((answer.model_name.as_str(), answer.id.as_str()), ("titanic", "42"));
        assert_eq!(answer.raw_output_contents.len(), if in_bytes { 3 } else { 0 }, "as it was asked, so it is told");
        assert_eq!(
            answer.outputs.iter().filter(|output| output.contents.is_some()).count(),
            if in_bytes { 0 } else { 3 }
        );
        let cells = cells(&answer);
        let rows: Vec<Value> =
            (0..cells[0].len()).map(|row| json!([cells[0][row], cells[1][row], cells[2][row]])).collect();
        let place = |name: &str| OUTPUTS.iter().position(|output| *output == name).expect("it was asked for");
        example.check(&format!("gRPC, bytes: {in_bytes}"), &rows, |row, name| row[place(name)].clone());
    }
}

#[test]
fn server_and_model_tell_what_they_are() {
    let server = small();
    let caller = Caller::connect(&server.address);
    let version = served_version(&server);
    assert!(caller.call("ServerLive", &ServerLiveRequest {}).ok::<ServerLiveResponse>().live);
    assert!(caller.call("ServerReady", &ServerReadyRequest {}).ok::<ServerReadyResponse>().ready);
    let told: ServerMetadataResponse = caller.call("ServerMetadata", &ServerMetadataRequest {}).ok();
    assert_eq!((told.name.as_str(), told.version.as_str()), ("evenstep", env!("CARGO_PKG_VERSION")));
    for version in ["", &version] {
        let (name, version) = ("p".to_owned(), version.to_owned());
        let asked = ModelReadyRequest { name: name.clone(), version: version.clone() };
        assert!(caller.call("ModelReady", &asked).ok::<ModelReadyResponse>().ready);
        let unknown = ModelReadyRequest { name: "q".to_owned(), ..asked };
        assert!(!caller.call("ModelReady", &unknown).ok::<ModelReadyResponse>().ready);
        let told: ModelMetadataResponse = caller.call("ModelMetadata", &ModelMetadataRequest { name, version }).ok();
        let tensors = told.inputs.iter().chain(&told.outputs);
        let tensors: Vec<String> = tensors.map(|it| format!("{} {} {:?}", it.name, it.datatype, it.shape)).collect();
        assert_eq!(tensors, ["x INT64 [-1]", "z FP64 [-1]", "prediction FP64 [-1]"]);
    }
}

#[test]
fn gaps_and_narrow_types_keep_their_value_in_calls() {
    let server = small();
    let caller = Caller::connect(&server.address);
    let expected =
        |row: &str| server.predict(JSON, JSON, row.as_bytes()).ok().json()["predictions"][0]["prediction"].clone();
    let told = |asked: &ModelInferRequest| prediction(&caller.call("ModelInfer", asked));
    let gap = expected(r#"{"x": 2, "z": null}"#);
    let mut masked = row(2, 7.0);
    masked.inputs[1].parameters = text("null_mask", "AA==");
    for asked in [row(2, f64::NAN), masked] {
        assert_eq!(told(&asked), gap);
        assert_eq!(told(&raw(asked)), gap);
    }
    // 0.1 as a narrow float is another number; it is widened exactly.
    let narrow = expected(&format!(r#"{{"x": 2, "z": {}}}"#, f64::from(0.1f32)));
    let list = InferTensorContents { fp32_contents: vec![0.1], ..InferTensorContents::default() };
    let x = InferTensorContents { uint_contents: vec![2], ..InferTensorContents::default() };
    assert_eq!(told(&ask(vec![tensor("z", "FP32", &[1], list), tensor("x", "UINT8", &[1], x)])), narrow);
    let mut bytes = ask(vec![
        tensor("x", "FP16", &[1], InferTensorContents::default()),
        tensor("z", "FP32", &[1], InferTensorContents::default()),
    ]);
    bytes.raw_input_contents = vec![vec![0, 0x40], 0.1f32.to_le_bytes().to_vec()];
    assert_eq!(told(&bytes), narrow);
    let mut several = ask(vec![tensor("any", "FP64", &[1, 2], floats(&[0.5, 2.0]))]);
    several.inputs[0].parameters = text("columns", "z,x");
    assert_eq!(told(&several), expected(r#"{"x": 2, "z": 0.5}"#));
}

#[test]
fn what_is_wrong_with_a_call_is_told_by_its_status() {
    let server = small();
    let caller = Caller::connect(&server.address);
    let mut said = Vec::new();
    let mut tell = |called: Called| {
        assert_eq!((called.http, called.body.len()), (200, 0), "{}", called.text);
        said.push(format!("{} {}", called.code.expect("a status"), called.text));
    };
    let good = || row(1, 2.0);
    let with = |change: fn(&mut ModelInferRequest)| {
        let mut asked = good();
        change(&mut asked);
        asked
    };
    for asked in [
        with(|asked| asked.model_name = "q".to_owned()),
        with(|asked| asked.model_version = "7".to_owned()),
        with(|asked| asked.inputs.clear()),
        with(|asked| drop(asked.inputs.pop())),
        with(|asked| asked.inputs.push(tensor("zz", "FP64", &[1], floats(&[1.0])))),
        with(|asked| asked.inputs.push(asked.inputs[0].clone())),
        with(|asked| asked.inputs[0].name.clear()),
        with(|asked| asked.inputs[1].shape = vec![2]),
        with(|asked| asked.inputs[1].shape = vec![-1]),
        with(|asked| asked.inputs[1].shape = vec![i64::MAX, 4]),
        with(|asked| asked.inputs[1].shape = vec![1, 1, 1]),
        with(|asked| asked.inputs[1] = tensor("z", "FP64", &[2], floats(&[1.0, 2.0]))),
        with(|asked| asked.inputs[1].datatype = "FP128".to_owned()),
        with(|asked| asked.inputs[1].datatype = "FP32".to_owned()),
        with(|asked| asked.inputs[1].datatype = "FP16".to_owned()),
        with(|asked| asked.inputs[0] = tensor("x", "INT8", &[1], integers(&[300]))),
        with(|asked| asked.inputs[0] = tensor("x", "BYTES", &[1], text_contents(&["many"]))),
        with(|asked| asked.inputs[0].contents = Some(text_contents(&["1"]))),
        with(|asked| asked.inputs[0].parameters = text("null_mask", "?")),
        with(|asked| asked.raw_input_contents = vec![vec![0; 4]]),
        with(|asked| asked.raw_input_contents = vec![vec![0; 4], vec![0; 8]]),
        with(|asked| {
            *asked = raw(asked.clone());
            asked.raw_input_contents[1].pop();
        }),
        with(|asked| {
            let name = "predicton".to_owned();
            asked.outputs.push(InferRequestedOutputTensor { name, parameters: BTreeMap::new() });
        }),
    ] {
        tell(caller.call("ModelInfer", &asked));
    }
    let body = framed(&good());
    tell(caller.send(INFER, &[], Vec::new()));
    tell(caller.send(INFER, &[], body[..body.len() - 1].to_vec()));
    tell(caller.send(INFER, &[], vec![0, 0, 0, 0, 2, 0x2a, 9]));
    tell(caller.send(INFER, &[("grpc-encoding", "gzip")], [&[1], &body[1..]].concat()));
    tell(caller.call("ModelConfig", &good()));
    tell(caller.send("/some.Service/Method", &[], body.clone()));
    tell(caller.send("/predict", &[], body.clone()));
    let version = served_version(&server);
    insta::assert_snapshot!(said.join("\n").replace(&version, "VERSION"));

    // What isn't said to be a call isn't answered as one.
    let told = caller.send(INFER, &[("content-type", "text/plain")], body.clone());
    assert_eq!((told.http, told.code), (415, None));
    let told = caller.send(INFER, &[("x-request-id", "a-1")], body);
    assert_eq!((told.code, told.head["x-request-id"].to_str().ok()), (Some(0), Some("a-1")));
}

fn text_contents(texts: &[&str]) -> InferTensorContents {
    let bytes_contents = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    InferTensorContents { bytes_contents, ..InferTensorContents::default() }
}

#[test]
fn no_bytes_of_a_call_are_a_bug_or_an_end() {
    const INTERNAL: Option<u16> = Some(13);
    let server = small();
    let caller = Caller::connect(&server.address);
    for asked in [row(1, 2.0), raw(row(1, 2.0))] {
        let body = framed(&asked);
        caller.send(INFER, &[], body.clone()).ok::<ModelInferResponse>();
        let try_it = |body: Vec<u8>, what: String| {
            let told = caller.send(INFER, &[], body);
            assert!(told.http == 200 && told.code.is_some() && told.code != INTERNAL, "{what}: {}", told.text);
        };
        for at in 0..body.len() {
            try_it(body[..at].to_vec(), format!("{at} bytes of it"));
            for change in [1, 0x80, 0xff] {
                let mut changed = body.clone();
                changed[at] ^= change;
                try_it(changed, format!("byte {at} xor {change}"));
            }
        }
    }
    // Health and reflection.
    for path in [HEALTH, REFLECTION] {
        for body in [vec![], vec![0], vec![0, 0xff, 0xff, 0xff, 0xff], vec![7; 9], vec![0, 0, 0, 0, 1, 0xff]] {
            assert_eq!(caller.send(path, &[], body).http, 200, "{path}");
        }
    }
    caller.call("ModelInfer", &row(1, 2.0)).ok::<ModelInferResponse>();
}

#[test]
fn a_call_takes_no_more_than_a_request() {
    const RESOURCE_EXHAUSTED: Option<u16> = Some(8);
    let server = small();
    let caller = Caller::connect(&server.address);
    let body = |message: &[u8]| [&[0], &(message.len() as u32).to_be_bytes()[..], message].concat();
    // A text that is too large, and 16 MiB of tensors that are nothing.
    let told = caller.send(INFER, &[], body(&vec![0; 17 << 20]));
    assert_eq!((told.code, told.text.contains("16 MiB")), (RESOURCE_EXHAUSTED, true), "{}", told.text);
    let told = caller.send(INFER, &[], body(&[0x2a, 0].repeat(8_000_000)));
    assert_eq!((told.code, told.text.contains("fields")), (RESOURCE_EXHAUSTED, true), "{}", told.text);
    caller.call("ModelInfer", &row(1, 2.0)).ok::<ModelInferResponse>();
}

#[test]
fn every_call_but_the_health_of_the_process_needs_a_key() {
    const UNAUTHENTICATED: Option<u16> = Some(16);
    let project = small_project();
    let key = project.run(&["key", "api", "crm"]).ok().out.trim().to_owned();
    let server = Server::with(&project, &["--api-keys", "api-keys.toml"]);
    let caller = Caller::connect(&server.address);
    let infer = framed(&row(1, 2.0));
    let empty = vec![0; 5];
    let list = vec![0, 0, 0, 0, 3, 0x3a, 1, b'*'];
    let asked = framed(&ModelReadyRequest { name: "p".to_owned(), version: String::new() });
    let method = |name: &str| format!("/inference.GRPCInferenceService/{name}");
    let bearer = format!("Bearer {key}");
    for (path, body, is_open) in [
        (method("ModelInfer"), &infer, false),
        (method("ModelReady"), &asked, false),
        (method("ModelMetadata"), &asked, false),
        (method("ServerMetadata"), &empty, false),
        ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo".to_owned(), &list, false),
        ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo".to_owned(), &list, false),
        (method("ServerLive"), &empty, true),
        (method("ServerReady"), &empty, true),
        (HEALTH.to_owned(), &empty, true),
    ] {
        for wrong in [&[][..], &[("authorization", "Bearer evk_no")], &[("x-api-key", "")]] {
            let told = caller.send(&path, wrong, body.clone());
            assert_eq!(
                told.code,
                if is_open { Some(0) } else { UNAUTHENTICATED },
                "{path} with {wrong:?}: {}",
                told.text
            );
        }
        for right in [("authorization", bearer.as_str()), ("x-api-key", key.as_str())] {
            let told = caller.send(&path, &[right], body.clone());
            assert_eq!(told.code, Some(0), "{path}: {}", told.text);
        }
    }
}

#[test]
fn a_key_may_call_so_often_and_no_more() {
    const RESOURCE_EXHAUSTED: Option<u16> = Some(8);
    let project = small_project();
    let key = project.run(&["key", "api", "crm", "--requests-per-second", "0.01"]).ok().out.trim().to_owned();
    let server = Server::with(&project, &["--api-keys", "api-keys.toml"]);
    let caller = Caller::connect(&server.address);
    let call = |path: &str, body: Vec<u8>| caller.send(path, &[("x-api-key", &key)], body);
    assert_eq!(call(INFER, framed(&row(1, 2.0))).code, Some(0));
    let told = call(INFER, framed(&row(1, 2.0)));
    assert_eq!(told.code, RESOURCE_EXHAUSTED, "{}", told.text);
    assert!(told.text.starts_with("the key may not ask so often; try again in "), "{}", told.text);
    assert_eq!(call(HEALTH, vec![0; 5]).code, Some(0));
}

#[test]
fn health_and_reflection_are_told() {
    const NOT_FOUND: Option<u16> = Some(5);
    let server = small();
    let caller = Caller::connect(&server.address);
    let named = |tag: u8, name: &str| {
        let length = name.len() as u8;
        [&[0, 0, 0, 0, length + 2, tag, length], name.as_bytes()].concat()
    };
    for name in ["", "inference.GRPCInferenceService"] {
        // `status` is `SERVING`.
        assert_eq!(caller.send(HEALTH, &[], named(0x0a, name)).body, [0, 0, 0, 0, 2, 0x08, 1], "{name}");
    }
    assert_eq!(caller.send(HEALTH, &[], named(0x0a, "another")).code, NOT_FOUND);
    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        let told = |tag: u8, name: &str| {
            let called = caller.send(&path, &[], named(tag, name));
            assert_eq!(called.code, Some(0), "{}", called.text);
            String::from_utf8_lossy(&called.body).into_owned()
        };
        let services = told(0x3a, "*");
        for service in [
            "inference.GRPCInferenceService",
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
        ] {
            assert!(services.contains(service), "{services}");
        }
        let file = told(0x22, "inference.GRPCInferenceService.ModelInfer");
        assert!(file.contains("raw_input_contents") && file.contains("InferTensorContents"), "{file}");
    }
}

#[test]
fn who_watches_the_health_keeps_no_server_from_stopping() {
    let watch = |asked: Vec<u8>| {
        let told = ended_with_the_server(|caller| caller.send("/grpc.health.v1.Health/Watch", &[], asked));
        assert_eq!(told.code, Some(0));
        told.body
    };
    // It serves, then it doesn't, and the stream ends as a stream does.
    assert_eq!(watch(vec![0; 5]), [0, 0, 0, 0, 2, 0x08, 1, 0, 0, 0, 0, 2, 0x08, 2]);
    // Another service isn't known, and may be watched.
    assert_eq!(watch(vec![0, 0, 0, 0, 3, 0x0a, 1, b'x']), [0, 0, 0, 0, 2, 0x08, 3]);
}

#[test]
fn who_may_ask_more_by_reflection_keeps_no_server_from_stopping() {
    let told = ended_with_the_server(|caller| caller.begin(REFLECTION, &[]));
    assert_eq!((told.code, told.body.len()), (Some(0), 0), "{}", told.text);
}

/// How a call ends that lasts until the server is told to stop; none may keep it for long.
fn ended_with_the_server(call: impl FnOnce(Caller) -> Called + Send + 'static) -> Called {
    let mut server = small();
    let caller = Caller::connect(&server.address);
    let lasting = std::thread::spawn(move || call(caller));
    std::thread::sleep(Duration::from_millis(500));
    assert!(!lasting.is_finished(), "it is told what changes, once it does");
    let started = Instant::now();
    server.tell_to_stop();
    let told = lasting.join().expect("it ends");
    server.wait();
    assert!(started.elapsed() < Duration::from_secs(8), "it waited for a call that lasts");
    told
}

#[test]
fn a_call_whose_client_no_longer_waits_is_told_so() {
    const INVALID_ARGUMENT: Option<u16> = Some(3);
    const DEADLINE_EXCEEDED: Option<u16> = Some(4);
    let server = small();
    let caller = Caller::connect(&server.address);
    let started = Instant::now();
    // Its message never comes.
    for path in [INFER, "/inference.GRPCInferenceService/ModelReady"] {
        let told = caller.begin(path, &[("grpc-timeout", "200m")]);
        assert_eq!((told.code, told.text.contains("grpc-timeout")), (DEADLINE_EXCEEDED, true), "{}", told.text);
    }
    assert!((Duration::from_millis(400)..Duration::from_secs(20)).contains(&started.elapsed()));
    let body = framed(&row(1, 2.0));
    caller.send(INFER, &[("grpc-timeout", "1M")], body.clone()).ok::<ModelInferResponse>();
    for wrong in ["", "5", "S", "123456789S", "5 S", "-1S"] {
        let told = caller.send(INFER, &[("grpc-timeout", wrong)], body.clone());
        assert_eq!(
            (told.code, told.text.contains("`grpc-timeout`")),
            (INVALID_ARGUMENT, true),
            "{wrong}: {}",
            told.text
        );
    }
    assert!(server.get("/metrics").ok().text().contains(r#"evenstep_requests_total{status="504",model=""} 2"#));
}

#[test]
fn messages_may_be_compressed_and_no_bomb_goes_off() {
    const INVALID_ARGUMENT: Option<u16> = Some(3);
    const RESOURCE_EXHAUSTED: Option<u16> = Some(8);
    const UNIMPLEMENTED: Option<u16> = Some(12);
    let server = small();
    let caller = Caller::connect(&server.address);
    let asked = framed(&row(1, 2.0));
    let expected = prediction(&caller.send(INFER, &[], asked.clone()));
    let gzip = [("grpc-encoding", "gzip")];
    // Each message says for itself whether it is.
    for body in [asked.clone(), compressed(&asked[5..])] {
        assert_eq!(prediction(&caller.send(INFER, &gzip, body)), expected);
    }
    let ready = framed(&ModelReadyRequest { name: "p".to_owned(), version: String::new() });
    let path = "/inference.GRPCInferenceService/ModelReady";
    assert!(caller.send(path, &gzip, compressed(&ready[5..])).ok::<ModelReadyResponse>().ready);
    assert_eq!(caller.send(HEALTH, &gzip, compressed(b"")).body, [0, 0, 0, 0, 2, 0x08, 1]);
    assert_eq!(caller.send(REFLECTION, &gzip, compressed(&[0x3a, 1, b'*'])).code, Some(0));

    let told = caller.send(INFER, &[], compressed(&asked[5..]));
    assert_eq!((told.code, told.text.contains("grpc-encoding")), (UNIMPLEMENTED, true), "{}", told.text);
    let told = caller.send(INFER, &[("grpc-encoding", "snappy")], compressed(&asked[5..]));
    assert_eq!(told.code, UNIMPLEMENTED, "{}", told.text);
    assert_eq!(told.head["grpc-accept-encoding"].to_str().ok(), Some("identity,gzip,deflate,zstd"));
    assert_eq!(caller.send(INFER, &gzip, [&[1], &asked[1..]].concat()).code, INVALID_ARGUMENT);
    let mut cut = compressed(&asked[5..]);
    cut.pop();
    assert_eq!(caller.send(INFER, &gzip, cut).code, INVALID_ARGUMENT);
    // 16 KiB of nothing, compressed, and a little more than a body may have.
    for (path, bytes) in [(INFER, (16 << 20) + 1), (path, (16 << 10) + 1), (HEALTH, 1 << 20), (REFLECTION, 1 << 20)] {
        let told = caller.send(path, &gzip, compressed(&vec![0; bytes]));
        // The library ends a call of reflection that it can't read without an answer, and without a word.
        assert!(path == REFLECTION || told.code.is_some_and(|code| code != 0), "{path}: {}", told.text);
        assert!(told.body.is_empty(), "{path}");
        assert!(!path.contains("inference.") || told.code == RESOURCE_EXHAUSTED, "{path}: {}", told.text);
    }
    caller.send(INFER, &gzip, compressed(&asked[5..])).ok::<ModelInferResponse>();
}

/// The frame of a message that is compressed by gzip.
fn compressed(message: &[u8]) -> Vec<u8> {
    let mut to = GzEncoder::new(Vec::new(), Compression::default());
    to.write_all(message).expect("memory takes it");
    let message = to.finish().expect("memory takes it");
    [&[1], &(message.len() as u32).to_be_bytes()[..], &message].concat()
}

#[test]
fn a_call_to_two_hosts_is_refused() {
    let server = small();
    let caller = Caller::connect(&server.address);
    let named = |host: &str| {
        let called = caller.send(HEALTH, &[("host", host)], vec![0; 5]);
        (called.code, called.text)
    };
    assert_eq!(named(&server.address), (Some(0), String::new()));
    let (code, text) = named("evil.example");
    assert!(code == Some(3) && text.contains("`:authority`"), "{code:?} {text}");
}
