//! Choosing columns: by name, list, type or pattern.

use evenstep_table::{ColumnName, Kind, Schema, did_you_mean, some_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::StepError;

/// The columns that a step works on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "the name of a column, a list of names, or a table of `type`, `pattern` and `except`")]
pub enum Columns {
    /// One column, by name.
    One(String),
    /// Several columns, by name.
    List(Vec<String>),
    /// All columns of a type, or whose name fits a pattern, or both.
    Which(Which),
}

/// Columns by what they are or how they are called.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// `number` (integers too), `integer`, `boolean`, `category`, `text`, `date`, `time` or `datetime`, or a list of them.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Words>,
    /// A name in which `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Names to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// One word or several.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a word or a list of words")]
pub enum Words {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Words {
    /// The words.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Words::One(word) => std::slice::from_ref(word),
            Words::Many(words) => words.as_slice(),
        }
        .iter()
        .map(String::as_str)
    }
}

const TYPES: [&str; 8] = ["number", "integer", "boolean", "category", "text", "date", "time", "datetime"];

impl Columns {
    /// All columns of one type.
    pub fn of_type(word: &str) -> Columns {
        Columns::Which(Which { kind: Some(Words::One(word.to_owned())), ..Which::default() })
    }

    /// The named columns.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Columns {
        Columns::List(names.into_iter().map(str::to_owned).collect())
    }

    /// The chosen columns, in canonical order. Those chosen by name must be of a
    /// type for which `takes` holds; those chosen by pattern are left out if not.
    ///
    /// # Errors
    /// A name that is not there, a type that is none, or a type that the step can't take.
    pub fn resolve(
        &self,
        schema: &Schema,
        expected: &str,
        takes: impl Fn(Kind) -> bool,
    ) -> Result<Vec<ColumnName>, StepError> {
        let names: Vec<&String> = match self {
            Columns::One(name) => vec![name],
            Columns::List(names) => names.iter().collect(),
            Columns::Which(which) => return which.resolve(schema, expected, takes),
        };
        let mut chosen = Vec::new();
        for name in names {
            let (name, kind) = find(schema, name)?;
            if !takes(kind) {
                let message = format!("column `{name}` is of type {}, and this step takes {expected}", kind.word());
                return Err(StepError::of(name, message));
            }
            chosen.push(name.clone());
        }
        chosen.sort();
        chosen.dedup();
        Ok(chosen)
    }
}

impl Which {
    fn resolve(
        &self,
        schema: &Schema,
        expected: &str,
        takes: impl Fn(Kind) -> bool,
    ) -> Result<Vec<ColumnName>, StepError> {
        for word in self.kind.iter().flat_map(Words::iter) {
            if !TYPES.contains(&word) {
                let help = did_you_mean(word, TYPES).unwrap_or_else(|| format!("types are {}", TYPES.join(", ")));
                return Err(StepError::new(format!("no type is called `{word}`")).help(help));
            }
        }
        for name in &self.except {
            find(schema, name)?;
        }
        let of_kind = |kind: Kind| {
            self.kind.as_ref().is_none_or(|words| {
                words.iter().any(|word| word == kind.word() || (word == "number" && kind == Kind::Integer))
            })
        };
        let fits = |name: &str| self.pattern.as_ref().is_none_or(|pattern| matches(pattern, name));
        let chosen: Vec<ColumnName> = schema
            .iter()
            .filter(|(name, kind)| {
                of_kind(**kind) && fits(name.as_str()) && !self.except.iter().any(|out| out == name.as_str())
            })
            .filter(|(_, kind)| takes(**kind))
            .map(|(name, _)| name.clone())
            .collect();
        if chosen.is_empty()
            && let Some(pattern) = &self.pattern
        {
            if !schema.keys().any(|name| matches(pattern, name.as_str())) {
                let message = format!("no column fits the pattern `{pattern}`");
                return Err(StepError::new(message).help(format!("columns at this step: {}", listed(schema))));
            }
            let message = format!("no column that fits the pattern `{pattern}` is of a type that is asked for");
            return Err(StepError::new(message).help(format!("this step takes {expected}")));
        }
        Ok(chosen)
    }
}

/// The column of that name and its type.
///
/// # Errors
/// If there is none, with the name that may have been meant.
pub(crate) fn find<'a>(schema: &'a Schema, name: &str) -> Result<(&'a ColumnName, Kind), StepError> {
    schema.get_key_value(name).map(|(name, kind)| (name, *kind)).ok_or_else(|| {
        let error = StepError::new(format!("there is no column `{name}` here"));
        match did_you_mean(name, schema.keys().map(ColumnName::as_str)) {
            Some(help) => error.help(help),
            None => error.help(format!("columns at this step: {}", listed(schema))),
        }
    })
}

fn listed(schema: &Schema) -> String {
    some_of(schema.keys().map(ColumnName::as_str), 12, ", ")
}

/// Whether the name fits a pattern in which `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_chooses_no_column_says_why() {
        let schema: Schema = [(ColumnName::new("area").expect("a name"), Kind::Category)].into();
        let check = |pattern: &str| {
            let which = Which { pattern: Some(pattern.to_owned()), ..Which::default() };
            let error = Columns::Which(which).resolve(&schema, "numbers", Kind::is_numeric).expect_err("none fits");
            format!("{} | {}", error.message, error.help.unwrap_or_default())
        };
        insta::assert_snapshot!(check("x*"), @"no column fits the pattern `x*` | columns at this step: area");
        insta::assert_snapshot!(check("a*"), @"no column that fits the pattern `a*` is of a type that is asked for | this step takes numbers");
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, fits) in [
            ("num*", "num01", true),
            ("num*", "anum", false),
            ("*Area", "Lot.Area", true),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "a--c", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} on {name}");
        }
    }
}
