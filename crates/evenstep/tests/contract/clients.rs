//! What is written for clients, and whether it works.

use std::process::Command;

use serde_json::{Value, json};

use crate::client::Server;
use crate::common::{Project, Said, said};
use crate::{FIRST, first, trained};

fn written(project: &Project, subject: &str, format: &str) -> String {
    project.run(&["contract", subject, "--format", format, "--quiet"]).ok().out
}

#[test]
fn openapi_is_what_a_server_tells_before_a_model_exists_and_after() {
    let project = trained();
    let of = |subject: &str| -> Value { serde_json::from_str(&written(&project, subject, "openapi")).expect("JSON") };
    let mock = Server::of(&project, &["mock", "first.toml"]);
    let server = Server::of(&project, &["serve", "rents.evenstep"]);
    let (told_by_mock, told) = (mock.get("/openapi.json").ok().json(), server.get("/openapi.json").ok().json());
    assert_eq!(of("first.toml"), told_by_mock);
    assert_eq!(of("rents.evenstep"), told);
    assert_eq!(told["security"][0], json!({}), "the server asks for no key");
    assert_eq!(without_items(&told), Vec::<String>::new());
    // Research first or contract first: clients see one contract.
    assert_eq!(told["components"]["schemas"]["Row"], told_by_mock["components"]["schemas"]["Row"]);
    assert_eq!(told["info"]["x-latency"], json!({ "p50": "1ms", "p99": "500ms" }));
    insta::assert_snapshot!(told_by_mock["info"]["description"].as_str().expect("words").split("sha256:").next().expect("words"), @"Predicts `rent`. There is no model yet: answers are made up, by contract");
}

/// Where a schema says nothing of what is in a list, of which generators make nothing.
fn without_items(schema: &Value) -> Vec<String> {
    let own = (schema["type"] == "array" && schema["items"].is_null()).then(|| schema.to_string());
    let within = match schema {
        Value::Object(members) => members.values().flat_map(without_items).collect(),
        Value::Array(list) => list.iter().flat_map(without_items).collect(),
        _ => Vec::new(),
    };
    own.into_iter().chain(within).collect()
}

#[test]
fn contract_is_a_document_that_stands_for_the_spec() {
    let project = trained();
    project.run(&["contract", "first.toml", "--format", "json", "--output", "contract.json", "--quiet"]).ok();
    let document: Value = serde_json::from_str(&project.read("contract.json")).expect("JSON");
    assert_eq!((&document["evenstep_contract"], &document["target"]), (&1.into(), &"rent".into()));
    for format in ["json", "openapi", "json-schema", "proto", "python", "typescript"] {
        assert_eq!(written(&project, "contract.json", format), written(&project, "first.toml", format), "{format}");
    }
    // What training locked is what was promised.
    assert_eq!(written(&project, "rents.evenstep", "json"), written(&project, "first.toml", "json"));
    insta::assert_snapshot!(project.run(&["contract", "contract.json"]).ok().out, @r#"
    rents predicts `rent`: a number in CHF

      field         type   absent  missing     from                  rule
      Floor.No   integer  refused  allowed  request
      area        number  refused  refused  request  min 5, square metres
      built         date  refused  allowed  request
      city      category     null  allowed  request           Bern | Chur
      flat       integer   echoed  allowed  request

      serving   {"extra":"reject","latency":{"p50":"1ms","p99":"500ms"}}
      contract  sha256:16c868d1be024fb8c3b035dc359f8ae9dd97912e6013793392d6376b47b96378
    "#);
    for (what, words) in [
        (document.to_string().replace("\"target\":\"rent\"", "\"target\":\"price\""), "has no rule"),
        (document.to_string().replace("\"evenstep_contract\":1", "\"evenstep_contract\":2"), "form 2"),
        (document.to_string().replace("[\"flat\"]", "[\"flat\",\"flat\"]"), "`flat` twice"),
        ("{}".to_owned(), "no contract of evenstep"),
    ] {
        project.write("other.json", &what);
        let said = project.run(&["contract", "other.json"]);
        assert_eq!(said.code, 2, "{what}");
        assert!(said.err.contains(words) && said.err.contains("other.json"), "{}", said.err);
    }
}

#[test]
fn messages_of_protocol_buffers_keep_their_numbers() {
    let project = first();
    let before = written(&project, "first.toml", "proto");
    insta::assert_snapshot!(before.lines().filter(|line| !line.contains("sha256:")).collect::<Vec<_>>().join("\n"), @r#"
    // Rows and predictions of rents: written by `evenstep contract` from contract
    // A field's number comes from its name, so that a field that is added or taken away moves no other.
    //
    // For whatever carries messages between programs of one's own: no route of the server takes them, nor their JSON, which
    // writes int64 as text. `POST /predict` takes rows as JSON by their names, with numbers as numbers: `[{"name": 1}]`.
    syntax = "proto3";

    package evenstep.rents;

    import "google/protobuf/struct.proto";

    // A row to predict for.
    message Row {
      // required
      optional int64 floor_no = 412193775 [json_name = "Floor.No"];
      // required, in square metres, from 5
      optional double area = 210378056 [json_name = "area"];
      // required, date in ISO 8601
      optional string built = 2064235 [json_name = "built"];
      // may be left out, Bern | Chur
      optional string city = 287753417 [json_name = "city"];
      // may be left out
      optional int64 flat = 498740839 [json_name = "flat"];
    }

    message PredictRequest {
      repeated Row rows = 1;
    }

    message PredictResponse {
      string model = 1;
      string version = 2;
      string digest = 3;
      repeated Prediction predictions = 4;
    }

    message Prediction {
      // The row's id if it was sent, else its number.
      google.protobuf.Value id = 1;
      // None where the contract or the model gives none.
      optional double prediction = 2;
      repeated Flag flags = 4;
    }

    // A rule of the contract that the row breaks without being refused.
    message Flag {
      string field = 1;
      string rule = 2;
    }
    "#);
    project.write("more.toml", FIRST.replace("city = ", "attic = { type = \"boolean\" }\ncity = "));
    let after = written(&project, "more.toml", "proto");
    for line in before.lines().filter(|line| line.contains("json_name")) {
        assert!(after.contains(line), "{line} moved:\n{after}");
    }
}

#[test]
fn the_client_in_typescript_has_the_types_of_the_contract() {
    let text = written(&first(), "first.toml", "typescript");
    let row = text.split("export interface Row {\n").nth(1).and_then(|rest| rest.split("\n}").next());
    insta::assert_snapshot!(row.expect("a row"), @r#"
    "Floor.No": number | null;
    /** in square metres, from 5 */
    "area": number;
    /** date in ISO 8601 */
    "built": string | null;
    /** Bern | Chur */
    "city"?: string | null;
    "flat"?: number | null;
    "#);
}

/// Asks a server by the client that was written, and prints what it answers.
const ASK: &str = r#"
import datetime, json, sys
import client
from decimal import Decimal
from client import Client, Refused, Row

server = Client(sys.argv[1])
row: Row = {"area": 50.5, "Floor.No": 2, "built": "1950-06-01"}
both = server.predict([row, {**row, "city": "Chur"}])
assert all(isinstance(told["prediction"], float) for told in both), both
assert both[0]["flags"] == [{"field": "city", "rule": "absent"}], both
assert "flags" not in both[1], both
try:
    server.predict([{"area": None, "Floor.No": 2, "built": None}])
    sys.exit("it was not refused")
except Refused as refused:
    assert refused.status == 422 and refused.errors[0]["field"] == "area", refused.errors
    assert "; row 0: `area`" in str(refused), refused
assert server.predict([{**row, "built": datetime.date(1950, 6, 1)}]) == both[:1]
assert server.predict([{**row, "area": Decimal("50.50"), "Floor.No": Decimal(2)}]) == both[:1]
missing = {**row, "Floor.No": None}
assert server.predict([{**row, "Floor.No": float("nan")}]) == server.predict([missing])
assert server.predict([{**row, "Floor.No": Decimal("nan")}]) == server.predict([missing])
for cell, expected in [(float("inf"), "infinite"), (datetime.timedelta(1), "timedelta"), (b"x", "bytes"), ([1], "list")]:
    try:
        server.predict([row, {**row, "area": cell}])
        sys.exit(f"{cell} was taken")
    except (TypeError, ValueError) as error:
        assert "row 1: `area` is " in str(error) and expected in str(error), error
try:
    server.predict(row)
    sys.exit("a row was taken for a list")
except TypeError as error:
    assert "a list of dictionaries" in str(error), error
print(json.dumps({"digest": server.health()["digest"], "contract": client.CONTRACT, "first": both[0]["prediction"]}))
"#;

#[test]
fn one_client_in_python_asks_the_mock_and_then_the_model() {
    let project = trained();
    project.write("client.py", written(&project, "first.toml", "python"));
    project.write("ask.py", ASK);
    let ask = |server: &Server| -> Said {
        let mut python = Command::new("python3");
        python.args(["-W", "error", "ask.py", &format!("http://{}", server.address)]).current_dir(project.path(""));
        said(python.output().expect("python3 is there")).ok()
    };
    let mock = ask(&Server::of(&project, &["mock", "first.toml", "--latency", "none"])).json();
    let model = ask(&Server::of(&project, &["serve", "rents.evenstep"])).json();
    assert!(mock["digest"].as_str().is_some_and(|digest| digest.starts_with("mock:")), "{mock}");
    assert!(model["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{model}");
    assert_eq!(mock["contract"], model["contract"]);
    assert_ne!(mock["first"], model["first"]);
    // Of several models its own is asked, and none other that is the default.
    let other = ["--set", "pipeline.name=other", "--set", "pipeline.seed=9", "--output", "other.evenstep"];
    project.run(&[&["train", "p.toml", "--quiet"][..], &other].concat()).ok();
    let both = ask(&Server::of(&project, &["serve", "other.evenstep", "rents.evenstep"])).json();
    assert_eq!(both["first"], model["first"]);
    assert_eq!(both["digest"], model["digest"], "that of its own, though the default is another");

    // A key as it lies in a file, and one that no header takes and nobody is told.
    let key = project.run(&["key", "api", "crm", "--file", "keys.toml", "--quiet"]).ok().out;
    assert!(key.starts_with("evk_") && key.ends_with('\n'), "a key alone, as a file is to hold it");
    project.write("crm.key", &key);
    let server = Server::of(&project, &["serve", "rents.evenstep", "--api-keys", "keys.toml"]);
    let with = |key: &str| {
        let code = format!("from client import Client\nprint(Client('http://{}', key={key}).health())", server.address);
        said(Command::new("python3").args(["-c", &code]).current_dir(project.path("")).output().expect("python3"))
    };
    with("open('crm.key').read()").ok();
    let refused = with("'evk_sec\\nret'");
    assert!(refused.err.contains("the key holds what no key has") && !refused.err.contains("ret'"), "{}", refused.err);
}

#[test]
fn names_that_mean_something_elsewhere_break_no_client() {
    let project = first();
    let strange = FIRST
        .replace("\"Floor.No\"", r#""a\"\n# OPTIONAL\\ \u2028 NAME""#)
        .replace("name = \"rents\"", r#"name = "\"\"\" NAME *""#)
        .replace("unit = \"square metres\"", "unit = \"*/ \\\"\\\"\\\" \\n import os\"");
    project.write("strange.toml", strange);
    project.write("client.py", written(&project, "strange.toml", "python"));
    let script = "import client; print(list(client.Row.__annotations__), client.Client)";
    let mut python = Command::new("python3");
    let told = said(python.args(["-c", script]).current_dir(project.path("")).output().expect("python3 is there")).ok();
    assert!(told.out.contains("NAME"), "{}", told.out);
    let typescript = written(&project, "strange.toml", "typescript");
    assert_eq!(typescript.matches("*/").count(), typescript.matches("/**").count(), "{typescript}");
}

#[test]
fn a_time_of_day_needs_no_offset_by_the_schema_either() {
    let project = Project::new();
    let more = "at = { type = \"time\" }\nseen = { type = \"datetime\" }\nsent = { type = \"datetime\", zone = \"UTC\" }\nfree = { type = \"time\", format = \"%H.%M\" }\n";
    project.write("times.toml", FIRST.replace("built = ", &format!("{more}built = ")));
    let schema: Value = serde_json::from_str(&written(&project, "times.toml", "json-schema")).expect("JSON");
    let of = |field: &str, key: &str| {
        let field = &schema["properties"][field];
        field["anyOf"].get(0).unwrap_or(field)[key].as_str().unwrap_or_default().to_owned()
    };
    let told = ["at", "seen", "sent", "free"]
        .map(|field| format!("{field}: `{}` `{}`", of(field, "format"), of(field, "pattern")));
    insta::assert_snapshot!(told.join("\n"), @"
    at: `` `^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,6}0*)?)?$`
    seen: `` `^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,6}0*)?)?)?$`
    sent: `date-time` `^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,6}0*)?)?([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)$`
    free: `` ``
    ");
    // As the mock, and so the server, takes it.
    let mock = Server::of(&project, &["mock", "times.toml"]);
    let row = r#"{"area": 5, "Floor.No": 1, "built": null, "at": "17:27:43", "seen": "2024-12-30T17:27", "sent": null, "free": null}"#;
    assert_eq!(mock.post("/predict", "application/json", "", row.as_bytes()).ok().status, 200);
    // A text that stands for null does so for them, too.
    assert_eq!(schema["properties"]["at"]["anyOf"][1]["enum"], json!([""]));
    let row = row.replace("17:27:43", "");
    assert_eq!(mock.post("/predict", "application/json", "", row.as_bytes()).ok().status, 200);
}

#[test]
fn the_schema_names_the_values_that_are_known_where_others_are_let_through() {
    let schema: Value = serde_json::from_str(&written(&first(), "first.toml", "json-schema")).expect("JSON");
    assert_eq!(schema["properties"]["city"]["description"], "known are `Bern`, `Chur`, an empty text is null");
    assert!(schema["properties"]["city"]["enum"].is_null(), "others are no error");
}

#[test]
fn a_bundle_names_the_categories_that_it_takes_where_it_refuses_others() {
    let project = trained();
    let declared = |city: &str| {
        let city = format!("city = {{ type = \"category\", {city} }}\n");
        project.write(
            "other.toml",
            project
                .read("p.toml")
                .replace("city = { type = \"category\", values = [\"Bern\", \"Chur\"], absent = \"null\" }\n", &city),
        );
        project.run(&["train", "other.toml", "--quiet", "--output", "other.evenstep"]).ok();
        let json: Value = serde_json::from_str(&written(&project, "other.evenstep", "json")).expect("JSON");
        let server = Server::of(&project, &["serve", "other.evenstep"]);
        let schema =
            server.get("/openapi.json").ok().json()["components"]["schemas"]["Row"]["properties"]["city"].take();
        (json["columns"]["city"]["values"].clone(), schema["enum"].clone(), schema["description"].clone())
    };
    let (values, taken) = (json!(["Bern", "Chur"]), json!(["Bern", "Chur", "", null]));
    assert_eq!(declared("unseen = \"reject\""), (values.clone(), taken.clone(), Value::Null));
    // What is listed and was never seen is refused like what isn't.
    assert_eq!(declared("unseen = \"reject\", values = [\"Bern\", \"Chur\", \"Rom\"]"), (values, taken, Value::Null));
    let (values, taken, told) = declared("unseen = \"reject\", personal = true");
    assert_eq!((values, taken), (Value::Null, Value::Null), "of people, no value is shown");
    assert_eq!(told, "a category that training never saw is refused, an empty text is null");
}

#[test]
fn the_schema_says_what_an_empty_text_is_and_its_example_keeps_the_bounds() {
    let project = Project::new();
    let spec = "[pipeline]\nname = \"p\"\nseed = 1\n[data]\nsource = \"none.csv\"\ntarget = \"y\"\nMISSING[contract]\ny = { type = \"number\" }\nlow = { type = \"number\", max = -2 }\nyear = { type = \"integer\", min = 1900 }\nday = { type = \"date\", max = \"2000-01-31\" }\nnote = { type = \"text\", missing = \"allow\" }\nname = { type = \"category\", missing = \"reject\" }\n[model]\nuse = \"ridge\"\n";
    let fields = |missing: &str| {
        project.write("p.toml", spec.replace("MISSING", missing));
        let schema: Value = serde_json::from_str(&written(&project, "p.toml", "json-schema")).expect("JSON");
        ["note", "name"].map(|field| {
            let field = &schema["properties"][field];
            (field["minLength"].as_u64(), field["description"].as_str().map(str::to_owned))
        })
    };
    let value = || (None, Some("an empty text is a value".to_owned()));
    assert_eq!(fields("missing = [\"NA\"]\n"), [value(), value()]);
    assert_eq!(fields(""), [(None, Some("an empty text is null".to_owned())), (Some(1), None)]);

    let document: Value = serde_json::from_str(&written(&project, "p.toml", "openapi")).expect("JSON");
    let content = &document["paths"]["/predict"]["post"]["requestBody"]["content"];
    let example = &content["application/json"]["example"];
    assert_eq!(
        (&example["low"], &example["year"], &example["day"]),
        (&json!(-2.0), &json!(1900), &json!("2000-01-31"))
    );
    for (path, kind) in [
        ("/predict", "text/csv"),
        ("/invocations", "text/csv"),
        ("/v2/models/{model}/infer", "application/octet-stream"),
    ] {
        let body = &document["paths"][path]["post"]["requestBody"]["content"][kind];
        assert_eq!(body["schema"]["minLength"], 1, "{path} {kind}");
    }
    // As the mock, and so the server, takes it.
    let mock = Server::of(&project, &["mock", "p.toml"]);
    let ask = |row: &Value| mock.post("/predict", "application/json", "", row.to_string().as_bytes()).status;
    assert_eq!(ask(example), 200);
    let with = |field: &str| {
        let mut row = example.clone();
        row[field] = json!("");
        row
    };
    assert_eq!((ask(&with("note")), ask(&with("name"))), (200, 422));
}
