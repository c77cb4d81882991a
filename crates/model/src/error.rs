//! What can go wrong in a model.

use evenstep_table::{ColumnName, did_you_mean};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::peer_names::{self, Answer};

/// A model that can't do what its spec asks, on this data.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    /// What was found and what was expected; columns by name, in backticks.
    pub message: String,
    /// The feature concerned, if it is one.
    pub column: Option<ColumnName>,
    /// What to do about it.
    pub help: Option<String>,
}

impl ModelError {
    /// An error without a column.
    pub fn new(message: impl Into<String>) -> ModelError {
        ModelError { message: message.into(), column: None, help: None }
    }

    /// An error of one feature, which the message names.
    pub fn of(column: &ColumnName, message: impl Into<String>) -> ModelError {
        ModelError { message: message.into(), column: Some(column.clone()), help: None }
    }

    /// The same error with advice.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> ModelError {
        ModelError { help: Some(help.into()), ..self }
    }
}

/// A spec of a model that doesn't read: the parameter concerned, and why.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// The path of the parameter within the table, such as `["early_stopping", "rounds"]`.
    pub path: Vec<String>,
    /// What was found and what was expected.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl ParseError {
    /// Reads a family's spec from its written form; unknown and mistyped parameters are told by path.
    ///
    /// # Errors
    /// The first parameter that doesn't fit.
    pub(crate) fn reading<T: DeserializeOwned>(family: &str, written: Value) -> Result<T, ParseError> {
        serde_path_to_error::deserialize(written).map_err(|error| {
            let path = error.path().iter().map(ToString::to_string).filter(|part| part != "?").collect();
            ParseError::of(family, path, &error.into_inner().to_string())
        })
    }

    fn of(family: &str, mut path: Vec<String>, message: &str) -> ParseError {
        if let Some(rest) = message.strip_prefix("unknown field `")
            && let Some((field, expected)) = rest.split_once('`')
        {
            let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
            if path.last().is_none_or(|last| last != field) {
                path.push(field.to_owned());
            }
            let of_peers = if path.len() == 1 { peer_names::answer(family, field) } else { None };
            let help = of_peers.and_then(|answer| match answer {
                Answer::Called(ours) if known.contains(&ours) => Some(format!("`{field}` is called `{ours}` here")),
                Answer::Called(_) => None,
                Answer::Instead(why) => Some(why.to_owned()),
            });
            let help =
                help.or_else(|| did_you_mean(field, known.iter().copied())).unwrap_or_else(|| match &known[..] {
                    [] => "it takes no parameters".to_owned(),
                    known => format!("it takes {}", known.join(", ")),
                });
            return ParseError { path, message: format!("unknown parameter `{field}`"), help: Some(help) };
        }
        if let Some((message, help)) = peer_names::of_value(&path, message) {
            return ParseError { path, message, help: Some(help) };
        }
        ParseError { path, message: message.replace("missing field", "missing parameter"), help: None }
    }
}
