//! What a contract says of one column: as a person writes it, and with nothing left open.

mod bound;
mod policy;

pub use bound::Bound;
pub(crate) use bound::{BoundKey, order};
pub use policy::{Absent, Available, Invalid, Missing, OutOfRange, Unseen};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::bound::{bound_of, show};
use crate::check::Breach;
use crate::date_format::exchanged;
use crate::number_format::NumberFormat;
use crate::parse::{lacks_digits_of_year, moment};
use crate::{Clock, ColumnName, Kind, NULL_INTEGER};

/// The word for a type in a contract. A datetime with a `zone` is an instant, any other is civil.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TypeWord {
    /// A finite f64.
    Number,
    /// A whole number of 64 bits.
    Integer,
    /// True or false.
    Boolean,
    /// One of a set of strings.
    Category,
    /// A string that is read, not enumerated.
    Text,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A day and a time.
    Datetime,
}

impl From<Kind> for TypeWord {
    fn from(kind: Kind) -> TypeWord {
        match kind {
            Kind::Number => TypeWord::Number,
            Kind::Integer => TypeWord::Integer,
            Kind::Boolean => TypeWord::Boolean,
            Kind::Category => TypeWord::Category,
            Kind::Text => TypeWord::Text,
            Kind::Date => TypeWord::Date,
            Kind::Time => TypeWord::Time,
            Kind::Datetime(_) => TypeWord::Datetime,
        }
    }
}

/// What a person writes about a column; whatever is left out is inferred or has its default.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// The column's type; inferred when left out.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<TypeWord>,
    /// Nulls: `allow` (default) or `reject`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// Cells of another type: `reject` (default), `null` or `quarantine`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<Invalid>,
    /// Categories that are not in `values`, or that training never saw: `other` (default), `null` or `reject`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<Unseen>,
    /// Values below `min` or above `max`: `flag` (default), `clip`, `null` or `reject`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_range: Option<OutOfRange>,
    /// The least allowed value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Bound>,
    /// The greatest allowed value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Bound>,
    /// The allowed categories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
    /// Whether no value may occur twice in training data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<bool>,
    /// The unit of a number, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// How a date, time or datetime is written where it is not ISO 8601: `%d.%m.%Y`. How a number is written in text for
    /// people, by the example of 1234.56: `1.234,56 €`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Makes a datetime an instant, and says where its calendar parts are computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Whether the values tell of people: then no message shows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal: Option<bool>,
    /// Where the value comes from when predicting: `request` (default), `store` or `no`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<Available>,
    /// Rows without the column: `reject` (default) or `null`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<Absent>,
}

/// What is known of a column: its type and policies, with nothing left open.
///
/// Serialised with the keys of [`RuleSpec`], defaults written out where they apply to the type.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(try_from = "RuleSpec", into = "RuleSpec")]
pub struct Rule {
    /// The column's type.
    pub kind: Kind,
    /// What becomes of nulls.
    pub missing: Missing,
    /// What becomes of cells of another type.
    pub invalid: Invalid,
    /// What becomes of unknown categories.
    pub unseen: Unseen,
    /// What becomes of values out of bounds.
    pub out_of_range: OutOfRange,
    /// The least allowed value, in the column's type.
    pub min: Option<Bound>,
    /// The greatest allowed value, in the column's type.
    pub max: Option<Bound>,
    /// The allowed categories, in the order of their bytes.
    pub values: Option<Vec<String>>,
    /// Whether no value may occur twice in training data.
    pub unique: bool,
    /// The unit of a number.
    pub unit: Option<String>,
    /// How a date, time or datetime is written, when not in ISO 8601; how 1234.56 is, when numbers are written for people.
    pub format: Option<String>,
    /// Where an instant's calendar parts are computed; always there for instants, and only there.
    pub zone: Option<String>,
    /// Whether the values tell of people.
    pub personal: bool,
    /// Where the value comes from when predicting.
    pub available: Available,
    /// What becomes of rows without the column.
    pub absent: Absent,
}

/// What is wrong with a rule; the contract names the column.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct RuleError {
    /// The key of the rule that is wrong.
    pub key: &'static str,
    /// What was found, and what was expected.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl RuleError {
    fn new(key: &'static str, message: impl Into<String>, help: impl Into<Option<&'static str>>) -> RuleError {
        RuleError { key, message: message.into(), help: help.into().map(str::to_owned) }
    }
}

impl Rule {
    /// A rule that says nothing but the type.
    pub fn new(kind: Kind) -> Rule {
        Rule {
            kind,
            missing: Missing::default(),
            invalid: Invalid::default(),
            unseen: Unseen::default(),
            out_of_range: OutOfRange::default(),
            min: None,
            max: None,
            values: None,
            unique: false,
            unit: None,
            format: None,
            zone: (kind == Kind::Datetime(Clock::Instant)).then(|| "UTC".to_owned()),
            personal: false,
            available: Available::default(),
            absent: Absent::default(),
        }
    }

    /// The same of a column that no row does without.
    #[must_use]
    pub fn required(&self) -> Rule {
        Rule { missing: Missing::Reject, absent: Absent::Reject, ..self.clone() }
    }

    /// The rule that a person's words and the inferred type make together.
    ///
    /// `zone` is the one that instants have by default (`[data] zone`, else UTC).
    pub fn resolve(spec: &RuleSpec, inferred: Option<Kind>, zone: Option<&str>) -> Result<Rule, RuleError> {
        let kind = match (spec.kind, inferred) {
            (Some(word), inferred) => kind_of(word, spec, inferred)?,
            (None, Some(kind)) => kind,
            (None, None) => {
                return Err(RuleError::new("type", "every value is missing, so its type is unknown", ALL_MISSING));
            }
        };
        let rule = Rule {
            missing: spec.missing.unwrap_or_default(),
            invalid: spec.invalid.unwrap_or_default(),
            unseen: spec.unseen.unwrap_or_default(),
            out_of_range: spec.out_of_range.unwrap_or_default(),
            min: spec.min.as_ref().map(|bound| bound_of(kind, "min", bound)).transpose()?,
            max: spec.max.as_ref().map(|bound| bound_of(kind, "max", bound)).transpose()?,
            values: spec.values.clone(),
            unique: spec.unique.unwrap_or(false),
            unit: spec.unit.clone(),
            format: spec.format.clone(),
            zone: match kind {
                Kind::Datetime(Clock::Instant) => {
                    Some(spec.zone.clone().unwrap_or_else(|| zone.unwrap_or("UTC").to_owned()))
                }
                _ => spec.zone.clone(),
            },
            personal: spec.personal.unwrap_or(false),
            available: spec.available.unwrap_or_default(),
            absent: spec.absent.unwrap_or_default(),
            kind,
        };
        rule.checked(spec)
    }

    /// The format with day and month exchanged, if it reads what the rule's own doesn't.
    pub fn exchanged(&self, text: &str) -> Option<String> {
        let format = self.format.as_deref()?;
        let reads = |format: &str| moment(self.kind, Some(format), text).is_some();
        exchanged(format).filter(|other| reads(other) && !reads(format))
    }

    /// What is wrong with a cell that breaks the rule, for people; `value` is None if it must not be shown.
    pub fn explain(&self, breach: Breach, value: Option<&str>) -> String {
        let text = value;
        let value = value.map_or_else(|| "the value".to_owned(), |value| format!("`{value}`"));
        let bound = |bound: &Option<Bound>| bound.as_ref().map(show).unwrap_or_default();
        let article = if self.kind == Kind::Integer { "an" } else { "a" };
        match breach {
            Breach::Missing => "the value is missing".to_owned(),
            Breach::Invalid => match (self.kind, &self.format) {
                (Kind::Date | Kind::Datetime(_), Some(format))
                    if text.is_some_and(|text| lacks_digits_of_year(format, text)) =>
                {
                    format!("{value} has a year of fewer than four digits, and is to be written as `{format}`")
                }
                (kind, Some(format)) => {
                    let exchanged = text.and_then(|text| self.exchanged(text));
                    let but = exchanged.map(|other| {
                        format!(", but as `{other}`: what reads both ways may have day and month exchanged, too")
                    });
                    format!("{value} is not {article} {} written as `{format}`{}", kind.word(), but.unwrap_or_default())
                }
                (Kind::Datetime(Clock::Instant), _) => {
                    format!("{value} is not an instant in ISO 8601, with `Z` or an offset, to the microsecond")
                }
                (Kind::Datetime(Clock::Civil), _) => {
                    format!("{value} is not a datetime in ISO 8601 without offset, to the microsecond")
                }
                (Kind::Date | Kind::Time, _) => format!("{value} is not a {} in ISO 8601", self.kind.word()),
                (kind, _) => match text.and_then(|text| beyond(kind, text)) {
                    Some(what) => format!("{value} {what}"),
                    None => format!("{value} is not {article} {}", kind.word()),
                },
            },
            Breach::Min => format!("{value} is below `min`, which is {}", bound(&self.min)),
            Breach::Max => format!("{value} is above `max`, which is {}", bound(&self.max)),
            Breach::Values => format!("{value} is not one of `values`"),
            Breach::Unseen => format!("{value} was never seen in training"),
            Breach::Unique => format!("{value} occurs more than once"),
            Breach::Absent => "the column is missing".to_owned(),
            Breach::Unknown => "the column is unknown".to_owned(),
        }
    }

    /// The rule itself, when it is consistent, with its lists in canonical order.
    fn checked(mut self, spec: &RuleSpec) -> Result<Rule, RuleError> {
        let word = self.kind.word();
        let not_for = |key, help| {
            let what = format!("`{key}` means nothing for a column of type {word}");
            Err(RuleError::new(key, what, help))
        };
        if !has_range(self.kind) {
            for (key, declared) in [
                ("min", spec.min.is_some()),
                ("max", spec.max.is_some()),
                ("out_of_range", spec.out_of_range.is_some()),
            ] {
                if declared {
                    return not_for(key, "bounds are for numbers, integers, dates and times");
                }
            }
        }
        if let (Some(min), Some(max)) = (&self.min, &self.max)
            && order(self.kind, min) > order(self.kind, max)
        {
            let what = format!("`min` is {}, above `max`, which is {}", show(min), show(max));
            return Err(RuleError::new("min", what, None));
        }
        if self.kind != Kind::Category {
            if spec.values.is_some() {
                return not_for("values", "`values` lists categories; write `type = \"category\"`, or bounds");
            }
            if spec.unseen.is_some() {
                return not_for("unseen", "only categories can be unseen");
            }
        }
        if let Some(values) = &mut self.values {
            values.sort_unstable();
            if values.is_empty() {
                return Err(RuleError::new("values", "`values` is empty, so every value would be refused", None));
            }
            if let Some(twice) = values.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(RuleError::new("values", format!("`values` lists `{}` twice", twice[0]), None));
            }
        }
        if self.unit.is_some() && !self.kind.is_quantity() {
            return not_for("unit", "units are for numbers and integers");
        }
        let temporal = matches!(self.kind, Kind::Date | Kind::Time | Kind::Datetime(_));
        if let Some(format) = &self.format {
            if self.kind.is_quantity() {
                NumberFormat::parse(format).map_err(|what| RuleError::new("format", what, OF_NUMBERS))?;
            } else if temporal {
                crate::parse::check_format(self.kind, format).map_err(|what| RuleError::new("format", what, FORMAT))?;
            } else {
                return not_for("format", "formats are for numbers, integers, dates, times and datetimes");
            }
        }
        if let Some(zone) = &self.zone {
            if self.kind != Kind::Datetime(Clock::Instant) {
                return not_for("zone", "a zone is for datetimes that are instants, written with `Z` or an offset");
            }
            if jiff::tz::TimeZone::get(zone).is_err() {
                let what = format!("unknown time zone `{zone}`");
                return Err(RuleError::new("zone", what, "zones have names such as `Europe/Berlin` or `UTC`"));
            }
        }
        Ok(self)
    }
}

const ALL_MISSING: &str = "give it a `type` in `[contract]`, or leave the column out";
const OF_NUMBERS: &str = "write it as the column does: `1.234,56`, `$1,234.56` or `1234,56 %`";
const FORMAT: &str =
    "formats are written like `%d.%m.%Y` or `%Y-%m-%d %H:%M:%S`; with hours to twelve, `%I`, goes `%p`";

/// The type that a word means; a datetime's clock comes from its zone, its format, or the data.
fn kind_of(word: TypeWord, spec: &RuleSpec, inferred: Option<Kind>) -> Result<Kind, RuleError> {
    Ok(match word {
        TypeWord::Number => Kind::Number,
        TypeWord::Integer => Kind::Integer,
        TypeWord::Boolean => Kind::Boolean,
        TypeWord::Category => Kind::Category,
        TypeWord::Text => Kind::Text,
        TypeWord::Date => Kind::Date,
        TypeWord::Time => Kind::Time,
        TypeWord::Datetime => {
            let written = spec.format.as_deref().map(crate::parse::format_clock);
            let clock = match (written, &spec.zone, inferred) {
                (Some(Clock::Civil), Some(_), _) => {
                    let what = "the column has a `zone`, but its `format` has no offset, so it holds no instants";
                    return Err(RuleError::new("zone", what, "leave out `zone`, or add `%z` to the format"));
                }
                (Some(clock), ..) => clock,
                (None, Some(_), _) => Clock::Instant,
                (None, None, Some(Kind::Datetime(clock))) => clock,
                (None, None, _) => Clock::Civil,
            };
            Kind::Datetime(clock)
        }
    })
}

fn has_range(kind: Kind) -> bool {
    !matches!(kind, Kind::Boolean | Kind::Category | Kind::Text)
}

impl From<Rule> for RuleSpec {
    fn from(rule: Rule) -> RuleSpec {
        RuleSpec {
            kind: Some(rule.kind.into()),
            missing: Some(rule.missing),
            invalid: Some(rule.invalid),
            unseen: (rule.kind == Kind::Category).then_some(rule.unseen),
            out_of_range: has_range(rule.kind).then_some(rule.out_of_range),
            min: rule.min,
            max: rule.max,
            values: rule.values,
            unique: rule.unique.then_some(true),
            unit: rule.unit,
            format: rule.format,
            zone: rule.zone,
            personal: rule.personal.then_some(true),
            available: Some(rule.available),
            absent: Some(rule.absent),
        }
    }
}

impl TryFrom<RuleSpec> for Rule {
    type Error = RuleError;

    fn try_from(spec: RuleSpec) -> Result<Rule, RuleError> {
        Rule::resolve(&spec, None, None)
    }
}

/// A rule's error together with the column that it is about.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("column `{column}`: {error}")]
pub struct ContractError {
    /// The column.
    pub column: ColumnName,
    /// What is wrong with its rule.
    pub error: RuleError,
}

/// What is wrong with a number that is one, but larger than the column holds.
fn beyond(kind: Kind, text: &str) -> Option<&'static str> {
    // Of one that is told in short, what is shown are digits alone.
    if let Some(start) = text.strip_suffix('…')
        && start.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit())
    {
        return beyond(kind, "1e400");
    }
    let is_written = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let number: f64 = text.parse().ok().filter(|_| is_written)?;
    match kind {
        Kind::Number if number.is_infinite() => Some("is larger than any float of 64 bits"),
        Kind::Integer if number.abs() >= -(NULL_INTEGER as f64) => {
            Some("is beyond the integers, which lie above -2^63 and below 2^63")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule in canonical JSON, or what is wrong.
    fn check(spec: &str) -> String {
        let told = |error: RuleError| match error.help {
            Some(help) => format!("{}: {} (help: {help})", error.key, error.message),
            None => format!("{}: {}", error.key, error.message),
        };
        match serde_json::from_str::<RuleSpec>(spec) {
            Err(error) => error.to_string(),
            Ok(spec) => match Rule::resolve(&spec, None, None) {
                Err(error) => told(error),
                Ok(rule) => serde_json::to_string(&rule).expect("JSON"),
            },
        }
    }

    #[test]
    fn a_rule_is_written_out_with_its_defaults() {
        insta::assert_snapshot!(check(r#"{"type": "number"}"#), @r#"{"type":"number","missing":"allow","invalid":"reject","out_of_range":"flag","available":"request","absent":"reject"}"#);
        insta::assert_snapshot!(check(r#"{"type": "integer", "min": 1.0, "unit": "square feet"}"#), @r#"{"type":"integer","missing":"allow","invalid":"reject","out_of_range":"flag","min":1,"unit":"square feet","available":"request","absent":"reject"}"#);
        insta::assert_snapshot!(check(r#"{"type": "category", "values": ["b", "a"], "unseen": "reject"}"#), @r#"{"type":"category","missing":"allow","invalid":"reject","unseen":"reject","values":["a","b"],"available":"request","absent":"reject"}"#);
        insta::assert_snapshot!(check(r#"{"type": "date", "max": "2024-12-30T00:00", "format": "%d.%m.%Y"}"#), @r#"{"type":"date","missing":"allow","invalid":"reject","out_of_range":"flag","max":"2024-12-30","format":"%d.%m.%Y","available":"request","absent":"reject"}"#);
        insta::assert_snapshot!(check(r#"{"type": "datetime", "zone": "Europe/Berlin", "min": "2024-01-01T01:00+01:00"}"#), @r#"{"type":"datetime","missing":"allow","invalid":"reject","out_of_range":"flag","min":"2024-01-01T00:00:00Z","zone":"Europe/Berlin","available":"request","absent":"reject"}"#);
        insta::assert_snapshot!(check(r#"{"type": "boolean", "personal": true, "available": "no"}"#), @r#"{"type":"boolean","missing":"allow","invalid":"reject","personal":true,"available":"no","absent":"reject"}"#);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        insta::assert_snapshot!(check("{}"), @"type: every value is missing, so its type is unknown (help: give it a `type` in `[contract]`, or leave the column out)");
        insta::assert_snapshot!(check(r#"{"type": "number", "min": 2, "max": 1.5}"#), @"min: `min` is 2, above `max`, which is 1.5");
        insta::assert_snapshot!(check(r#"{"type": "number", "values": ["a"]}"#), @r#"values: `values` means nothing for a column of type number (help: `values` lists categories; write `type = "category"`, or bounds)"#);
        insta::assert_snapshot!(check(r#"{"type": "number", "unseen": "other"}"#), @"unseen: `unseen` means nothing for a column of type number (help: only categories can be unseen)");
        insta::assert_snapshot!(check(r#"{"type": "number", "min": "low"}"#), @"min: `min` is `low`, but a column of type number needs a finite number");
        insta::assert_snapshot!(check(r#"{"type": "integer", "min": 1.5}"#), @"min: `min` is 1.5, but a column of type integer needs a whole number");
        insta::assert_snapshot!(check(r#"{"type": "category", "max": 1}"#), @"max: `max` means nothing for a column of type category (help: bounds are for numbers, integers, dates and times)");
        insta::assert_snapshot!(check(r#"{"type": "category", "values": ["a", "a"]}"#), @"values: `values` lists `a` twice");
        insta::assert_snapshot!(check(r#"{"type": "category", "values": []}"#), @"values: `values` is empty, so every value would be refused");
        insta::assert_snapshot!(check(r#"{"type": "category", "unit": "m"}"#), @"unit: `unit` means nothing for a column of type category (help: units are for numbers and integers)");
        insta::assert_snapshot!(check(r#"{"type": "date", "min": "01/02/2024"}"#), @"min: `min` is `01/02/2024`, but a column of type date needs it as ISO 8601 text, with an offset for instants and without one for others");
        for bound in [r#""max": "9999-12-31T23:59:59-01:00""#, r#""min": "0000-01-01T00:00:00+01:00""#] {
            let refused = check(&format!(r#"{{"type": "datetime", "zone": "UTC", {bound}}}"#));
            assert!(refused.contains("needs it within the years 0000 to 9999"), "{refused}");
        }
        insta::assert_snapshot!(check(r#"{"type": "date", "zone": "UTC"}"#), @"zone: `zone` means nothing for a column of type date (help: a zone is for datetimes that are instants, written with `Z` or an offset)");
        insta::assert_snapshot!(check(r#"{"type": "datetime", "zone": "Mars/Olympus"}"#), @"zone: unknown time zone `Mars/Olympus` (help: zones have names such as `Europe/Berlin` or `UTC`)");
        insta::assert_snapshot!(check(r#"{"type": "datetime", "zone": "UTC", "format": "%Y-%m-%d %H:%M"}"#), @"zone: the column has a `zone`, but its `format` has no offset, so it holds no instants (help: leave out `zone`, or add `%z` to the format)");
        insta::assert_snapshot!(check(r#"{"type": "number", "format": "%Y"}"#), @"format: `%Y` doesn't show how 1234.56 is written (help: write it as the column does: `1.234,56`, `$1,234.56` or `1234,56 %`)");
        insta::assert_snapshot!(check(r#"{"type": "date", "format": "%Y-%q"}"#), @"format: `%Y-%q` is no format: strptime parsing failed: found unrecognized specifier directive `q` (help: formats are written like `%d.%m.%Y` or `%Y-%m-%d %H:%M:%S`; with hours to twelve, `%I`, goes `%p`)");
        insta::assert_snapshot!(check(r#"{"type": "number", "mising": "allow"}"#), @"unknown field `mising`, expected one of `type`, `missing`, `invalid`, `unseen`, `out_of_range`, `min`, `max`, `values`, `unique`, `unit`, `format`, `zone`, `personal`, `available`, `absent` at line 1 column 27");
        insta::assert_snapshot!(check(r#"{"type": "float"}"#), @"unknown variant `float`, expected one of `number`, `integer`, `boolean`, `category`, `text`, `date`, `time`, `datetime` at line 1 column 16");
    }

    #[test]
    fn a_number_that_is_too_large_is_one_though_it_is_told_in_short() {
        let long = format!("{}…", "9".repeat(100));
        for (kind, text, told) in [
            (Kind::Number, long.as_str(), "is larger than any float"),
            (Kind::Integer, long.as_str(), "is beyond the integers"),
            (Kind::Integer, "-12…", "is beyond the integers"),
            (Kind::Number, "12x…", "is not a number"),
        ] {
            assert!(Rule::new(kind).explain(Breach::Invalid, Some(text)).contains(told), "{kind:?} {text}");
        }
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        for spec in [
            r#"{"type": "number", "min": 0.5, "max": 1e300, "out_of_range": "clip"}"#,
            r#"{"type": "datetime", "zone": "Europe/Berlin", "max": "2024-01-01T00:00Z"}"#,
            r#"{"type": "datetime", "max": "2024-01-01"}"#,
            r#"{"type": "category", "values": ["a"], "unique": true, "absent": "null"}"#,
            r#"{"type": "time", "min": "08:00"}"#,
        ] {
            let rule: Rule = serde_json::from_str(spec).expect("consistent");
            let written = serde_json::to_string(&rule).expect("JSON");
            assert_eq!(serde_json::from_str::<Rule>(&written).expect("canonical"), rule);
        }
    }

    #[test]
    fn the_clock_of_a_datetime_comes_from_its_zone_format_or_data() {
        let kind = |spec: &str, inferred| {
            let spec: RuleSpec = serde_json::from_str(spec).expect("a rule");
            Rule::resolve(&spec, inferred, Some("Europe/Berlin")).map(|rule| (rule.kind, rule.zone))
        };
        let instant = Kind::Datetime(Clock::Instant);
        let berlin = || Some("Europe/Berlin".to_owned());
        assert_eq!(kind(r#"{"type": "datetime"}"#, Some(instant)), Ok((instant, berlin())));
        assert_eq!(kind(r#"{"type": "datetime", "zone": "UTC"}"#, None), Ok((instant, Some("UTC".to_owned()))));
        assert_eq!(kind(r#"{"type": "datetime", "format": "%Y-%m-%d %H:%M %z"}"#, None), Ok((instant, berlin())));
        assert_eq!(kind(r#"{"type": "datetime"}"#, None), Ok((Kind::Datetime(Clock::Civil), None)));
        assert_eq!(kind("{}", Some(instant)), Ok((instant, berlin())));
    }
}
