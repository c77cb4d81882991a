//! Reading a spec: every error points into the text.

use std::collections::BTreeMap;
use std::path::Path;
use std::string::FromUtf8Error;

use evenstep_source::Source;
use evenstep_table::{RuleSpec, calendar, did_you_mean};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    CardSection, DataSection, Override, PipelineSection, ReportSection, ServingSection, Spec, SpecText, overrides,
    peer_names, wording,
};
use crate::{FileKind, PipelineError};

/// The file's shape, before steps and model are looked up in their catalogues.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    /// What it is called, and where every draw comes from.
    pipeline: PipelineSection,
    /// Where rows come from, and what columns are for.
    data: DataSection,
    /// What live systems send, by column.
    #[serde(default)]
    contract: BTreeMap<String, RuleSpec>,
    /// Feature engineering, in order.
    #[serde(default)]
    #[schemars(with = "Vec<serde_json::Map<String, Value>>")]
    step: Vec<toml::Table>,
    /// What learns; a contract can do without.
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    model: Option<toml::Table>,
    /// What is measured.
    #[serde(default)]
    report: ReportSection,
    /// How requests are taken.
    #[serde(default)]
    serving: ServingSection,
    /// What only people can say of the model.
    #[serde(default)]
    card: CardSection,
}

/// Each fold and each repetition is a training, or a scoring of all rows held out.
const REPEATED_MAX: u32 = 1000;

impl Spec {
    /// Reads a spec from its file, with some values overridden: `data.source=other.csv`.
    ///
    /// # Errors
    /// A file that isn't there, or whatever [`Spec::parse`] refuses.
    pub fn read(path: &Path, overrides: &[Override]) -> Result<Spec, PipelineError> {
        Spec::read_contract(path, overrides)?.complete()
    }

    /// The same of a spec that may say no more than its contract: it needs neither `source` nor `[model]`.
    ///
    /// # Errors
    /// As [`Spec::read`].
    pub fn read_contract(path: &Path, overrides: &[Override]) -> Result<Spec, PipelineError> {
        FileKind::expect_at(path, &[FileKind::Spec])?;
        let bytes = evenstep_files::read_regular(path).map_err(|error| {
            let writes_one = || "`evenstep init DATA --target COLUMN` writes one".to_owned();
            let is_missing = error.kind() == std::io::ErrorKind::NotFound;
            let help = is_missing.then(|| evenstep_source::near(path).unwrap_or_else(writes_one));
            PipelineError::input(format!("`{}` can't be read: {error}", path.display())).help(help).of_file(path)
        })?;
        let text = String::from_utf8(bytes).map_err(|error| no_utf8(path, &error))?;
        Spec::parse_contract(path, Spec::overridden(path, text, overrides)?)
    }

    /// Reads a spec from its text.
    ///
    /// # Errors
    /// TOML that doesn't parse, an unknown section, step, model or parameter, a wrong type.
    pub fn parse(path: &Path, text: String) -> Result<Spec, PipelineError> {
        Spec::parse_contract(path, text)?.complete()
    }

    /// The text with some values overridden.
    ///
    /// # Errors
    /// A text that is no TOML, or that has no table for a value.
    pub fn overridden(path: &Path, text: String, overrides: &[Override]) -> Result<String, PipelineError> {
        if overrides.is_empty() { Ok(text) } else { overrides::apply(path, text, overrides) }
    }

    /// Reads a spec from its text, for rows that are at hand: it needn't say where they come from.
    ///
    /// # Errors
    /// As [`Spec::parse`].
    pub fn parse_over(path: &Path, text: String, rows: Source) -> Result<Spec, PipelineError> {
        Spec::parse_contract(path, text)?.over(rows).complete()
    }

    /// The spec, if it says all that a training needs.
    fn complete(self) -> Result<Spec, PipelineError> {
        let lacks = |said: &str| {
            PipelineError::input(said).help("`evenstep contract` and `evenstep mock` alone can do without".to_owned())
        };
        if self.data.source.is_empty() && self.rows.is_none() {
            let source = ["data", "source"];
            return Err(match self.text.has(&source) {
                true => self.text.point(lacks("`source` names no file"), &source, "here"),
                false => self.text.point(lacks("missing key `source`"), &["data"], "here"),
            });
        }
        if !self.text.has(&["model"]) {
            return Err(self.text.point(lacks("missing key `model`"), &["pipeline"], "no `[model]` beside it"));
        }
        Ok(self)
    }

    /// The same of a spec that may say no more than its contract.
    ///
    /// # Errors
    /// As [`Spec::parse`].
    pub fn parse_contract(path: &Path, text: String) -> Result<Spec, PipelineError> {
        let text = SpecText::new(path, text);
        let written = read_toml(&text)?;
        let mut steps = Vec::new();
        for (index, table) in written.step.into_iter().enumerate() {
            let place = ["step".to_owned(), index.to_string()];
            let (name, rest) = take_use(&text, &place, table)?;
            let step = evenstep_step::parse(&name, rest)
                .map_err(|error| pointed(&text, &place, &error.path, error.message, error.help))?;
            steps.push(step);
        }
        let place = ["model".to_owned()];
        let (name, rest) = match written.model {
            Some(table) => take_use(&text, &place, table)?,
            None => ("dummy".to_owned(), Value::Object(serde_json::Map::new())),
        };
        let model = evenstep_model::parse(&name, rest)
            .map_err(|error| pointed(&text, &place, &error.path, error.message, error.help))?;
        let spec = Spec {
            pipeline: written.pipeline,
            data: written.data,
            contract: written.contract,
            steps,
            model,
            report: written.report,
            serving: written.serving,
            card: written.card,
            rows: None,
            text,
        };
        spec.validate()?;
        Ok(spec)
    }

    fn validate(&self) -> Result<(), PipelineError> {
        let refuse = |message: &str, keys: &[&str], label: &str| {
            Err(self.text.point(PipelineError::input(message), keys, label))
        };
        if let Err(message) = crate::name::check(&self.pipeline.name) {
            return refuse(message, &["pipeline", "name"], "the name");
        }
        if !(0.0..1.0).contains(&self.data.split.test) {
            return refuse("`test` is a fraction from 0 up to 1", &["data", "split", "test"], "not a fraction");
        }
        if self.data.split.folds == 1 {
            return refuse("`folds` is 0 for none, or at least 2", &["data", "split", "folds"], "one fold is none");
        }
        let split = &self.data.split;
        if split.repeats > 1 && split.folds == 0 {
            return refuse("`repeats` is how often there are other `folds`", &["data", "split", "repeats"], "of what?");
        }
        let counts: [(u32, &[&str]); 3] = [
            (split.folds, &["data", "split", "folds"]),
            (split.repeats, &["data", "split", "repeats"]),
            (self.report.permutation, &["report", "permutation"]),
        ];
        if let Some((_, keys)) = counts.into_iter().find(|(count, _)| *count > REPEATED_MAX) {
            let message = format!("`{}` is {REPEATED_MAX} at most", keys[keys.len() - 1]);
            return refuse(&message, keys, "too often");
        }
        let id = self.data.id.list();
        if let Some(name) = id.iter().enumerate().find_map(|(at, name)| id[..at].contains(name).then_some(name)) {
            return refuse(&format!("`id` names `{name}` twice"), &["data", "id"], "named here");
        }
        if let Some(zone) = self.data.zone.as_ref().filter(|zone| !calendar::is_zone(zone)) {
            let error = PipelineError::input(format!("unknown time zone `{zone}`"))
                .help("zones have names such as `Europe/Berlin` or `UTC`".to_owned());
            return Err(self.text.point(error, &["data", "zone"], "not known"));
        }
        if self.data.as_of.is_some() && self.data.recorded.is_none() && self.data.time.is_none() {
            let error = PipelineError::input("`as_of` needs a column that says since when a row is known").help(
                "name it: `recorded = \"loaded_at\"`, when the row was written down, or `time = \"sold_at\"`, when its event happened"
                    .to_owned(),
            );
            return Err(self.text.point(error, &["data", "as_of"], "by which column?"));
        }
        if let Some((keys, message, help)) = self.serving.wrong() {
            let keys: Vec<&str> = std::iter::once("serving").chain(keys.iter().copied()).collect();
            return Err(self.text.point(PipelineError::input(message).help(help.to_owned()), &keys, "here"));
        }
        self.model.check_hyperparameters().map_err(|error| self.blame_model(error))?;
        for metric in &self.report.metrics {
            if let Err(error) = evenstep_model::metric::find(metric) {
                let error = PipelineError::input(error.message).help(error.help);
                return Err(self.text.point(error, &["report", "metrics"], "named here"));
            }
        }
        Ok(())
    }
}

/// Where a number stands that is none, or has no bound: JSON has nothing for it but null, which says that it isn't set.
fn not_finite(value: &toml::Value) -> Option<Vec<String>> {
    let within = |key: String, value: &toml::Value| {
        let mut path = not_finite(value)?;
        path.insert(0, key);
        Some(path)
    };
    match value {
        toml::Value::Float(number) => (!number.is_finite()).then(Vec::new),
        toml::Value::Table(table) => table.iter().find_map(|(key, value)| within(key.clone(), value)),
        toml::Value::Array(all) => all.iter().enumerate().find_map(|(at, value)| within(at.to_string(), value)),
        _ => None,
    }
}

/// Takes `use = "…"` out of a table; the rest are parameters.
fn take_use(text: &SpecText, place: &[String], mut table: toml::Table) -> Result<(String, Value), PipelineError> {
    let keys: Vec<&str> = place.iter().map(String::as_str).collect();
    if let Some(within) = not_finite(&toml::Value::Table(table.clone())) {
        let key = within.last().cloned().unwrap_or_default();
        let keys: Vec<&str> = keys.iter().copied().chain(within.iter().map(String::as_str)).collect();
        let error = PipelineError::input(format!("`{key}` is nan or an infinity, but a number is expected"));
        return Err(text.point(error, &keys, "here"));
    }
    match table.remove("use") {
        Some(toml::Value::String(name)) => {
            let value = serde_json::to_value(table)
                .map_err(|error| PipelineError::input(format!("`{name}` has a parameter that is no value: {error}")))?;
            Ok((name, value))
        }
        Some(_) => Err(text.point(PipelineError::input("`use` is a name in quotes"), &keys, "here")),
        None => {
            let example = if keys.first() == Some(&"step") { "impute_median" } else { "boosted_trees" };
            let error = PipelineError::input("this table says not what to `use`")
                .help(format!("add a line such as `use = \"{example}\"`"));
            Err(text.point(error, &keys, "no `use` in here"))
        }
    }
}

fn pointed(text: &SpecText, place: &[String], path: &[String], message: String, help: Option<String>) -> PipelineError {
    let path = if path.is_empty() && message.starts_with("unknown step") || message.starts_with("unknown model") {
        vec!["use".to_owned()]
    } else {
        path.to_vec()
    };
    let keys: Vec<&str> = place.iter().chain(&path).map(String::as_str).collect();
    let (message, help) = match help {
        None => wording::plain(&path, &message),
        help => (message, help),
    };
    let label = if message.starts_with("unknown") { "not known" } else { "here" };
    text.point(PipelineError::input(message).help(help), &keys, label)
}

/// The file's sections; what doesn't fit is pointed at.
fn read_toml(text: &SpecText) -> Result<Written, PipelineError> {
    // It takes no integer that TOML doesn't promise, and it is by what errors point into the text.
    toml_edit::Document::parse(text.text.as_str()).map_err(|error| text.unreadable(&error))?;
    let reader = toml::Deserializer::parse(&text.text).map_err(|error| from_toml(text, &[], &error))?;
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let path: Vec<String> = error.path().iter().map(ToString::to_string).collect();
        from_toml(text, &path, error.inner())
    })
}

/// A text of another encoding, with the place where that shows.
fn no_utf8(path: &Path, error: &FromUtf8Error) -> PipelineError {
    let (bytes, end) = (error.as_bytes(), error.utf8_error().valid_up_to());
    let before = String::from_utf8_lossy(&bytes[..end]);
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let place = format!("line {}, column {column}", before.matches('\n').count() + 1);
    let is_utf_16 = [[0xff, 0xfe], [0xfe, 0xff]].iter().any(|mark| bytes.starts_with(mark));
    let found = if is_utf_16 { "it is UTF-16" } else { "the file may be Latin-1" };
    PipelineError::input(format!("`{}` is no UTF-8: {place}", path.display()))
        .help(format!("{found}: save it as UTF-8, which is what a spec is written in"))
        .of_file(path)
}

/// What is meant by a key that `[data]` or the rule of a column doesn't have, if that is where it stands.
fn meant(text: &SpecText, path: &[String], field: &str) -> Option<String> {
    let (section, column) = match path {
        [section, key] if section == "data" && key == field => return peer_names::of_data(field),
        [section, column, ..] if section == "contract" => (section, column),
        _ => return None,
    };
    // `Lot.Frontage = { … }` is a table within another, to TOML.
    let dotted = text.has_table(&[section, column, field]);
    let quoted = || "a name with a dot is written in quotes: \"Lot.Frontage\" = { … }".to_owned();
    if dotted { Some(quoted()) } else { peer_names::of_rule(field) }
}

/// What the TOML reader found, with our suggestions.
fn from_toml(text: &SpecText, path: &[String], error: &toml::de::Error) -> PipelineError {
    let message = error.message();
    let (said, help) = match wording::unknown("field", message) {
        Some((field, known)) => {
            let near = || did_you_mean(field, known.iter().copied());
            let help = meant(text, path, field).or_else(near);
            let help = help.unwrap_or_else(|| format!("known here: {}", known.join(", ")));
            (format!("unknown key `{field}`"), Some(help))
        }
        None => wording::plain(path, message.lines().next().unwrap_or_default()),
    };
    let said = PipelineError::input(said).help(help);
    match error.span() {
        Some(span) => text.point_at(said, span),
        None => said,
    }
}
