//! The JSON Schema of specs, as editors read it. `tests/contract.sh` validates the examples by it.

use serde_json::Value;

use crate::common::{EXAMPLES, Project, examples};

#[test]
fn schema_knows_every_key_of_the_examples() {
    let schema = Project::new().run(&["schema"]).ok().json();
    let known = |table: &Value, key: &str| assert!(table.get(key).is_some(), "no `{key}`");
    for example in EXAMPLES {
        let text = std::fs::read_to_string(examples().join(example).join("pipeline.toml")).expect("it is there");
        let spec: toml::Table = toml::from_str(&text).expect("TOML");
        for (section, value) in &spec {
            known(&schema["properties"], section);
            if let Some(steps) = value.as_array() {
                for step in steps {
                    let used = step["use"].as_str().expect("a name");
                    let properties = &schema["$defs"][format!("step.{used}")]["properties"];
                    step.as_table().expect("a table").keys().for_each(|key| known(properties, key));
                }
            }
        }
    }
}
