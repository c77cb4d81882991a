//! Column names: how everything is reached, since positions mean nothing.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A column's name, verbatim; never empty. Ordered by its UTF-8 bytes, the canonical order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ColumnName(Arc<str>);

impl ColumnName {
    /// None for an empty name.
    pub fn new(name: &str) -> Option<ColumnName> {
        (!name.is_empty()).then(|| ColumnName(name.into()))
    }

    /// The name of a column made from this one: `age_missing` from `age` and `missing`.
    #[must_use]
    pub fn with_suffix(&self, suffix: &str) -> ColumnName {
        ColumnName([&self.0, "_", suffix].concat().into())
    }

    /// The name of an indicator of one value: `sex=female`.
    #[must_use]
    pub fn equal_to(&self, value: &str) -> ColumnName {
        ColumnName(format!("{}={value}", self.0).into())
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ColumnName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        ColumnName::new(&name).ok_or("no column has an empty name")
    }
}

impl From<ColumnName> for String {
    fn from(name: ColumnName) -> String {
        name.0.as_ref().to_owned()
    }
}

impl Borrow<str> for ColumnName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ColumnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ColumnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}
