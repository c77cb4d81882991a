//! What can go wrong in a model.

use evenstep_table::ColumnName;

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
