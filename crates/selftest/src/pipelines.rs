//! Whole pipelines: trained, loaded with their golden rows replayed, and asked as live systems ask.

use std::collections::BTreeMap;
use std::path::Path;

use evenstep_exact::canonical::{Digest, canonical_json};
use evenstep_exact::reduce::Workers;
use evenstep_pipeline::artifact::DataRoles;
use evenstep_pipeline::prepare::Prepared;
use evenstep_pipeline::{PipelineError, Predictor, Run, Silent, Spec, request, train};
use evenstep_step::sample;
use evenstep_table::quality::Quality;
use evenstep_table::{ColumnName, Contract, RuleSpec, Task, fingerprint};
use serde_json::{Map, Value, json};

use crate::steps::tasks;
use crate::tables::in_parts;
use crate::{Item, REFUSED, hasher};

const ROWS: usize = 500;
const INPUTS: [&str; 8] = ["age", "balance", "born", "children", "city", "income", "member", "month"];

/// The spec of each task: linear for a number, trees for two classes, linear for three.
const SPECS: [&str; 3] = [
    r#"
        [[step]]
        use = "missing_indicator"
        columns = { type = "number" }
        [[step]]
        use = "impute_random_sample"
        columns = ["age"]
        [[step]]
        use = "target_encode"
        columns = ["city"]
        [[step]]
        use = "datetime_parts"
        columns = ["born"]
        [[step]]
        use = "impute_median"
        columns = { type = "number" }
        [[step]]
        use = "impute_most_frequent"
        columns = ["member"]
        [[step]]
        use = "yeo_johnson"
        columns = ["balance"]
        [model]
        use = "ridge"
    "#,
    r#"
        [[step]]
        use = "cap_outliers"
        columns = ["income"]
        [[step]]
        use = "datetime_parts"
        columns = ["born"]
        [model]
        use = "boosted_trees"
        trees = 30
        learning_rate = 0.1
        early_stopping = { rounds = 5 }
    "#,
    r#"
        [[step]]
        use = "datetime_parts"
        columns = ["born"]
        [[step]]
        use = "impute_mean"
        columns = { type = "number" }
        [[step]]
        use = "impute_most_frequent"
        columns = ["city", "member"]
        [[step]]
        use = "one_hot"
        columns = ["city"]
        [[step]]
        use = "standard_scale"
        columns = ["age", "balance", "income"]
        [model]
        use = "logistic_regression"
    "#,
];

pub(crate) fn items(workers: &Workers) -> Vec<Item> {
    let names = ["a number", "two classes", "three classes"];
    let each = names.into_iter().zip(SPECS).zip(tasks()).map(|((name, text), task)| {
        let digest = digest(text, &task, workers).unwrap_or(REFUSED);
        (name.to_owned(), digest)
    });
    each.collect()
}

fn digest(text: &str, task: &Task, workers: &Workers) -> Result<Digest, PipelineError> {
    let head = "[pipeline]\nname = \"selftest\"\nseed = 2026\n[data]\nsource = \"none\"\ntarget = \"target\"\n";
    let spec = Spec::parse(Path::new("selftest.toml"), format!("{head}{text}"))?;
    let run = Run { workers, progress: &Silent, trace: None };
    let trained = train::train_prepared(&spec, prepared(task, workers), &run)?;
    let predictor = Predictor::load(&trained.artifact)?;
    let answers = request::answer(&predictor, &serde_json::to_vec(&requests()).expect("plain data"));
    let mut hasher = hasher();
    hasher.str(&trained.artifact.digest());
    hasher.bytes(&canonical_json(&trained.artifact.evaluation)).bytes(&canonical_json(&trained.artifact.golden));
    match answers {
        Ok(answers) => hasher.bytes(&canonical_json(&answers)),
        Err(refusal) => hasher.str(&format!("{refusal:?}")),
    };
    Ok(hasher.finish())
}

/// Rows as a source would give them, without a source.
fn prepared(task: &Task, workers: &Workers) -> Prepared {
    let people = sample::people(ROWS, task).retain(|name| INPUTS.contains(&name.as_str()));
    let name = |name: &str| ColumnName::new(name).expect("a name");
    let schema = people.schema();
    let declared: BTreeMap<ColumnName, RuleSpec> = schema
        .iter()
        .map(|(name, kind)| {
            let rule = json!({ "type": kind.word(), "min": (name.as_str() == "income").then_some(0) });
            (name.clone(), serde_json::from_value(rule).expect("a rule"))
        })
        .collect();
    let contract = Contract::resolve(&declared, &BTreeMap::new(), None).expect("every type is declared");
    let batches = in_parts(&people, workers.count());
    Prepared {
        fingerprint: fingerprint(&batches, &schema, workers).to_string(),
        batches,
        task: task.clone(),
        contract,
        inputs: schema.into_keys().collect(),
        roles: DataRoles {
            id: Vec::new(),
            target: name("target"),
            weight: None,
            group: None,
            split: json!({ "test": 0.2, "seed": 0, "folds": 0, "repeats": 1 }),
            missing: vec![String::new()],
            as_of: None,
            zone: None,
        },
        quality: Quality::default(),
        source_columns: INPUTS.len() + 1,
        quarantine: Vec::new(),
        notes: Vec::new(),
        mixed: BTreeMap::new(),
    }
}

/// Rows as live systems send them: ordinary ones, nulls, and what training never saw.
fn requests() -> Vec<Map<String, Value>> {
    let row = |age: Value, income: Value, city: Value, born: Value| {
        let row = json!({
            "age": age, "income": income, "city": city, "born": born,
            "balance": 12.5, "children": 2, "member": true, "month": 7,
        });
        row.as_object().expect("an object").clone()
    };
    vec![
        row(json!(33.5), json!(4000), json!("Oslo"), json!("1990-02-28")),
        row(Value::Null, json!(0.1), Value::Null, Value::Null),
        row(json!(1e300), json!(-1), json!("nowhere"), json!("2100-12-31")),
    ]
}
