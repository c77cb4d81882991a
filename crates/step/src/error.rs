//! What can go wrong in a step.

use evenstep_table::ColumnName;

/// A step that can't do what its spec asks, on this data.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct StepError {
    /// What was found and what was expected; columns by name, in backticks.
    pub message: String,
    /// The column concerned, if it is one.
    pub column: Option<ColumnName>,
    /// A value of the column, to be shown unless it tells of people.
    pub value: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
}

impl StepError {
    /// An error without a column.
    pub fn new(message: impl Into<String>) -> StepError {
        StepError { message: message.into(), column: None, value: None, help: None }
    }

    /// An error of one column, which the message names.
    pub fn of(column: &ColumnName, message: impl Into<String>) -> StepError {
        StepError { column: Some(column.clone()), ..StepError::new(message) }
    }

    /// The same error with the value that is wrong.
    #[must_use]
    pub fn value(self, value: &str) -> StepError {
        StepError { value: Some(value.to_owned()), ..self }
    }

    /// The same error with advice.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> StepError {
        StepError { help: Some(help.into()), ..self }
    }
}

/// A spec of a step or model that doesn't read: the parameter concerned, and why.
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
    /// Reads a spec from its written form; unknown and mistyped parameters are told by path.
    ///
    /// # Errors
    /// The first parameter that doesn't fit.
    pub fn reading<T: serde::de::DeserializeOwned>(written: serde_json::Value) -> Result<T, ParseError> {
        serde_path_to_error::deserialize(written).map_err(|error| {
            let mut path: Vec<String> =
                error.path().iter().map(ToString::to_string).filter(|part| part != "?").collect();
            let message = error.into_inner().to_string();
            let mut help = None;
            if let Some(rest) = message.strip_prefix("unknown field `")
                && let Some((field, expected)) = rest.split_once('`')
            {
                let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
                help = evenstep_table::did_you_mean(field, known.iter().copied())
                    .or_else(|| Some(format!("it takes {}", known.join(", "))));
                if path.last().is_none_or(|last| last != field) {
                    path.push(field.to_owned());
                }
                let message = format!("unknown parameter `{field}`");
                return ParseError { path, message, help };
            }
            if let Some(rest) = message.strip_prefix("unknown variant `")
                && let Some((word, expected)) = rest.split_once('`')
            {
                let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
                help = evenstep_table::did_you_mean(word, known.iter().copied())
                    .or_else(|| Some(format!("it is one of {}", known.join(", "))));
                return ParseError { path, message: format!("unknown value `{word}`"), help };
            }
            let message = message.replace("missing field", "missing parameter");
            ParseError { path, message, help }
        })
    }
}
