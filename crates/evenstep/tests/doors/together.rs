//! Requests that come together are answered together, each as it would be alone.

use evenstep_pipeline::Predictor;
use evenstep_pipeline::request::{answer, answer_together, document};
use serde_json::{Value, json};

use crate::client::JSON;
use crate::common::Project;
use crate::example::Example;

#[test]
fn what_is_answered_together_has_the_bytes_that_it_has_alone() {
    let project = Project::example("titanic");
    project.run(&["train", "--quiet"]).ok();
    let opened = evenstep_bundle::open(&std::fs::read(project.path("titanic.evenstep")).expect("a bundle"));
    let predictor = Predictor::load(&opened.expect("it is whole").artifact).expect("it answers");
    let row = |age: Value, class: &str| json!({ "Name": "x", "PClass": class, "Age": age, "Sex": "male" });
    let many: Vec<Value> = (0..7).map(|n| row(json!(n * 11), "2nd")).collect();
    let usual: Vec<String> = [
        row(json!(29), "1st"),
        json!([]),
        Value::from(many),
        row(Value::Null, "3rd"),
        json!([row(json!(0.5), "1st")]),
        json!({ "Sex": "female", "Age": 3, "PClass": "1st" }),
    ]
    .map(|body| body.to_string())
    .into();
    let bytes = |bodies: &[String]| -> Option<Vec<Vec<u8>>> {
        let bodies: Vec<&[u8]> = bodies.iter().map(String::as_bytes).collect();
        let (answers, _) = answer_together(&predictor, &bodies)?;
        assert_eq!(answers.len(), bodies.len());
        Some(answers.iter().map(|answers| document(&predictor, answers)).collect())
    };
    let alone = |body: &String| document(&predictor, &answer(&predictor, body.as_bytes()).expect("it is usual"));
    for first in 0..usual.len() {
        let turned: Vec<String> = usual[first..].iter().chain(&usual[..first]).cloned().collect();
        for count in 1..=turned.len() {
            let expected: Vec<Vec<u8>> = turned[..count].iter().map(alone).collect();
            assert_eq!(bytes(&turned[..count]).expect("all are usual"), expected);
        }
    }
    assert!(answer_together(&predictor, &[]).is_none());
    // One that is refused, or none of JSON, lets nothing be answered with it, and leaves nothing behind.
    for wrong in [r#"{"Age": "old"}"#, r#"{"Age": 3, "Aged": 3}"#, "[", "7", ""] {
        let with = [usual.clone(), vec![wrong.to_owned()]].concat();
        assert!(bytes(&with).is_none(), "{wrong}");
        assert_eq!(bytes(&usual).expect("all are usual"), usual.iter().map(alone).collect::<Vec<_>>());
    }
}

#[test]
fn many_at_once_each_get_their_own_answer() {
    let example = Example::titanic();
    let probability = |answer: &Value| answer["predictions"][0]["probability"]["1"].clone();
    let ask = |body: &Value| example.server.post("/predict", JSON, "", body.to_string().as_bytes());
    std::thread::scope(|scope| {
        for first in 0..32 {
            let (example, ask) = (&example, &ask);
            scope.spawn(move || {
                for at in (first..example.rows.len()).step_by(32) {
                    let told = ask(&Value::Object(example.rows[at].clone()));
                    assert_eq!(told.status, 200, "{}", told.text());
                    assert_eq!(probability(&told.json()), example.scored[at]["probability_1"], "row {at}");
                    if at % 16 == 0 {
                        let refused = ask(&json!({ "Age": format!("row {at}") }));
                        assert_eq!(refused.status, 422);
                        assert!(refused.text().contains(&format!("row {at}")), "{}", refused.text());
                    }
                }
            });
        }
    });
}
