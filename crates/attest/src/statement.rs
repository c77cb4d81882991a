//! What is signed: which artifact it is, what it was made of, and by whom.
//! Source: in-toto Statement v1; SLSA Provenance v1, <https://slsa.dev/spec/v1.0/provenance>.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::AttestError;

/// The kind of statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The kind of predicate: how something was made.
pub const PREDICATE_TYPE: &str = "https://slsa.dev/provenance/v1";
/// How it was made: by a training of a pipeline.
pub const BUILD_TYPE: &str = "https://github.com/evenstep/evenstep/training/v1";

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
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunDetails {
    /// The engine and its host: `id`, `version`.
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
        if statement.kind != STATEMENT_TYPE || statement.predicate_type != PREDICATE_TYPE {
            return Err(AttestError::new(format!(
                "what is signed is a `{}` on `{}`, and a `{STATEMENT_TYPE}` on `{PREDICATE_TYPE}` is wanted",
                statement.kind, statement.predicate_type
            )));
        }
        Ok(statement)
    }

    /// The statement in canonical JSON.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self).expect("a statement is plain data")
    }
}
