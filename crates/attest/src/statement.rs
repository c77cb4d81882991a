//! What is signed: which artifact it is, what it was made of, and by whom.
//! Source: in-toto Statement v1; SLSA Provenance v1, <https://slsa.dev/spec/v1.0/provenance>.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::AttestError;

/// The kind of statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The kind of predicate: how something was made.
pub const PREDICATE_TYPE: &str = "https://slsa.dev/provenance/v1";
/// How it was made: by a training of a pipeline.
pub const BUILD_TYPE: &str = "https://github.com/evenstep/evenstep/training/v1";

/// The last day on which it counts, in UTC; a field of ours among SLSA's.
const EXPIRES: &str = "evenstep_expiresOn";

/// The repository whose commit was checked out, among the dependencies.
const REPOSITORY: &str = "repository";
/// What the engine is called among them.
const ENGINE: &str = "engine";
/// How the package URLs of the engine and its libraries begin.
const PACKAGE: &str = "pkg:cargo/";

/// A statement that something was made in some way.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// What was made.
    pub subject: Vec<Resource>,
    /// [`PREDICATE_TYPE`].
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// How.
    pub predicate: Predicate,
}

/// How something was made, in the words of SLSA.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Predicate {
    /// From what, and with which parameters.
    pub build_definition: BuildDefinition,
    /// By whom, and when.
    pub run_details: RunDetails,
}

/// From what something was made.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuildDefinition {
    /// [`BUILD_TYPE`].
    pub build_type: String,
    /// What a person chose.
    pub external_parameters: Map<String, Value>,
    /// What the engine chose.
    pub internal_parameters: Map<String, Value>,
    /// What went in.
    pub resolved_dependencies: Vec<Resource>,
}

/// By whom something was made.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunDetails {
    /// The engine: `id`, `version`.
    pub builder: Map<String, Value>,
    /// When: `startedOn`, `finishedOn`.
    pub metadata: Map<String, Value>,
}

/// Something with a digest.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// What it is called.
    pub name: String,
    /// Where it is, if that can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Its digests, by the name of the algorithm.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digest: BTreeMap<String, String>,
    /// What else there is to say of it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub annotations: Map<String, Value>,
}

impl Resource {
    /// Something of which one digest is known.
    pub fn new(name: &str, algorithm: &str, digest: &str) -> Resource {
        let digest = [(algorithm.to_owned(), digest.to_owned())].into();
        Resource { name: name.to_owned(), digest, ..Resource::default() }
    }

    /// Whether it says something of the run that made an artifact; of all others, the artifact itself is proof.
    fn is_of_the_run(&self) -> bool {
        self.name == REPOSITORY || self.is_a_package()
    }

    fn is_a_package(&self) -> bool {
        self.uri.as_ref().is_some_and(|uri| uri.starts_with(PACKAGE))
    }
}

impl Statement {
    /// A statement of how something was made.
    pub fn new(subject: Resource, build_definition: BuildDefinition, run_details: RunDetails) -> Statement {
        Statement {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![subject],
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: Predicate { build_definition, run_details },
        }
    }

    /// Reads a statement.
    ///
    /// # Errors
    /// Bytes that are no such statement.
    pub fn parse(bytes: &[u8]) -> Result<Statement, AttestError> {
        let statement: Statement = serde_json::from_slice(bytes).map_err(|error| {
            AttestError::new(format!("what is signed is no statement on how an artifact was made: {error}"))
        })?;
        if statement.bytes() != bytes {
            return Err(AttestError::new(
                "what is signed is not in canonical form: another program wrote it, or somebody changed it",
            ));
        }
        if statement.kind != STATEMENT_TYPE || statement.predicate_type != PREDICATE_TYPE {
            return Err(AttestError::new(format!(
                "what is signed is a `{}` on `{}`, and a `{STATEMENT_TYPE}` on `{PREDICATE_TYPE}` is wanted",
                statement.kind, statement.predicate_type
            )));
        }
        Ok(statement)
    }

    /// The same, that counts up to a day and no longer.
    pub fn until(mut self, last: Date) -> Statement {
        self.predicate.run_details.metadata.insert(EXPIRES.to_owned(), last.to_string().into());
        self
    }

    /// The same, that counts for ever.
    pub fn without_end(mut self) -> Statement {
        self.predicate.run_details.metadata.remove(EXPIRES);
        self
    }

    /// The same without the engine's libraries, which are many.
    pub fn without_libraries(mut self) -> Statement {
        let dependencies = &mut self.predicate.build_definition.resolved_dependencies;
        dependencies.retain(|dependency| dependency.name == ENGINE || !dependency.is_a_package());
        self
    }

    /// The last day on which it counts, in UTC, if it doesn't for ever.
    ///
    /// # Errors
    /// A day that is none.
    pub fn last_day(&self) -> Result<Option<Date>, AttestError> {
        let Some(said) = self.predicate.run_details.metadata.get(EXPIRES) else { return Ok(None) };
        let day = said.as_str().and_then(|day| day.parse().ok()).filter(|day: &Date| *said == day.to_string());
        let no_day =
            || AttestError::new(format!("what is signed counts until {}, which is no day", foreign(&said.to_string())));
        day.map(Some).ok_or_else(no_day)
    }

    /// What the artifact alone determines: without its file's name, and without what is known of the run that made it.
    pub fn without_facts(&self) -> Statement {
        let mut determined = self.clone();
        determined.subject.iter_mut().for_each(|subject| subject.name.clear());
        determined.predicate.run_details = RunDetails::default();
        let dependencies = &mut determined.predicate.build_definition.resolved_dependencies;
        dependencies.retain(|dependency| !dependency.is_of_the_run());
        determined
    }

    /// All that is said, each under the path of its field; what is in a list goes by its name, if no other has it.
    pub fn fields(&self) -> BTreeMap<String, Value> {
        let mut fields = BTreeMap::new();
        flatten(&serde_json::to_value(self).expect("a statement is plain data"), String::new(), &mut fields);
        fields
    }

    /// Where another statement says something else.
    pub fn differences(&self, other: &Statement) -> Vec<Difference> {
        let (ours, theirs) = (self.fields(), other.fields());
        let paths: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let told = |value: Option<&Value>| value.map_or("nothing".to_owned(), |value| foreign(&value.to_string()));
        paths
            .into_iter()
            .filter(|path| ours.get(*path) != theirs.get(*path))
            .map(|path| Difference { field: foreign(path), theirs: told(theirs.get(path)), ours: told(ours.get(path)) })
            .collect()
    }

    /// The statement in canonical JSON.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self).expect("a statement is plain data")
    }
}

/// A field in which two statements differ.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Difference {
    /// Its path.
    pub field: String,
    /// What the other statement says.
    pub theirs: String,
    /// What this one says.
    pub ours: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is {} there, and {} here", self.field, self.theirs, self.ours)
    }
}

fn flatten(value: &Value, path: String, fields: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(value, path, fields);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            fn named(item: &Value) -> Option<&str> {
                item.get("name").and_then(Value::as_str)
            }
            let mut times = BTreeMap::<&str, usize>::new();
            items.iter().filter_map(named).for_each(|name| *times.entry(name).or_default() += 1);
            for (at, item) in items.iter().enumerate() {
                let place = named(item).filter(|name| !name.is_empty() && times[name] == 1);
                let place = place.map_or_else(|| at.to_string(), str::to_owned);
                flatten(item, format!("{path}[{place}]"), fields);
            }
        }
        _ => drop(fields.insert(path, value.clone())),
    }
}

/// What an envelope says, whoever wrote it: hardly longer than a digest, in one line.
pub(crate) fn foreign(text: &str) -> String {
    let short: String = text.chars().take(100).collect();
    let cut = if short.len() < text.len() { "…" } else { "" };
    short.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.into() }).collect::<String>()
        + cut
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn statement(change: impl FnOnce(&mut Statement)) -> Statement {
        let made = BuildDefinition {
            build_type: BUILD_TYPE.to_owned(),
            external_parameters: Map::from_iter([("pipeline".to_owned(), json!("house"))]),
            internal_parameters: Map::new(),
            resolved_dependencies: vec![
                Resource::new("data", "evenstep-fp1", "11"),
                Resource { uri: Some("pkg:cargo/evenstep@1".to_owned()), ..Resource::new("engine", "gitCommit", "22") },
            ],
        };
        let mut statement = Statement::new(Resource::new("h.evenstep", "sha256", "33"), made, RunDetails::default());
        change(&mut statement);
        statement
    }

    #[test]
    fn a_statement_is_written_in_one_way() {
        let bytes = statement(|_| ()).bytes();
        assert_eq!(Statement::parse(&bytes), Ok(statement(|_| ())));
        for other in [[&bytes[..], b"  "].concat(), [b" ", &bytes[..]].concat()] {
            let error = Statement::parse(&other).expect_err("blanks").to_string();
            assert!(error.starts_with("what is signed is not in canonical form"), "{error}");
        }
    }

    #[test]
    fn each_field_that_differs_is_named_with_what_both_say() {
        let check = |change: fn(&mut Statement), expected: &[&str]| {
            let differences = statement(|_| ()).differences(&statement(change));
            assert_eq!(differences.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
        };
        check(|_| (), &[]);
        check(
            |other| drop(other.predicate.build_definition.resolved_dependencies.remove(1)),
            &[
                r#"`predicate.buildDefinition.resolvedDependencies[engine].digest.gitCommit` is nothing there, and "22" here"#,
                r#"`predicate.buildDefinition.resolvedDependencies[engine].name` is nothing there, and "engine" here"#,
                r#"`predicate.buildDefinition.resolvedDependencies[engine].uri` is nothing there, and "pkg:cargo/evenstep@1" here"#,
            ],
        );
        check(
            |other| {
                let named = |name: &str| ("pipeline".to_owned(), json!(name));
                other.predicate.build_definition.external_parameters = Map::from_iter([named("a\nb")]);
            },
            &[r#"`predicate.buildDefinition.externalParameters.pipeline` is "a\nb" there, and "house" here"#],
        );
    }

    #[test]
    fn what_the_artifact_determines_is_all_but_its_files_name_and_the_run() {
        let same = |change: fn(&mut Statement)| statement(|_| ()).without_facts() == statement(change).without_facts();
        assert!(same(|other| other.subject[0].name = "renamed".to_owned()));
        assert!(same(|other| drop(other.predicate.build_definition.resolved_dependencies.pop())));
        assert!(same(|other| drop(other.predicate.run_details.metadata.insert("finishedOn".to_owned(), json!("now")))));
        assert!(!same(|other| other.subject[0].annotations = Map::from_iter([("more".to_owned(), json!(1))])));
        assert!(!same(|other| {
            other.predicate.build_definition.resolved_dependencies[0] = Resource::new("data", "evenstep-fp1", "44");
        }));
        assert!(!same(|other| {
            other.predicate.build_definition.resolved_dependencies.push(Resource::new("more", "sha256", "44"));
        }));
    }
}
