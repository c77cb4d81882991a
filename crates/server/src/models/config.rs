//! The file that says what to serve, watched.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evenstep_files::{SIGNATURES, beside};
use evenstep_table::did_you_mean;
use serde::Deserialize;

use super::state::{Alias, DEFAULT, Model, check_name};
use super::{Bundle, Loader, Served, Stamp, State, loaded};
use crate::keys::placed;
use crate::limits::{ALIASES_MAX, LIST_MIB_MAX, MODELS_MAX, VERSIONS_MAX};

/// What the file says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The model that answers where none is named; it needn't be said if there is one only.
    default: Option<String>,
    models: BTreeMap<String, Listed>,
}

/// A model.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    /// The bundle of each version, relative to the file.
    versions: BTreeMap<String, PathBuf>,
    #[serde(default)]
    aliases: BTreeMap<String, String>,
}

/// Whether a text says what to serve.
pub(crate) fn check_config(text: &str) -> Result<(), String> {
    Config::parse(text).map(drop)
}

impl Config {
    /// What a text says, if that can be served.
    fn parse(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|error| placed(text, &error))?;
        within("models", config.models.len(), MODELS_MAX)?;
        for (name, listed) in &config.models {
            listed.check(name)?;
        }
        config.check_default()?;
        Ok(config)
    }

    fn check_default(&self) -> Result<(), String> {
        let known = || self.models.keys().map(String::as_str);
        match &self.default {
            None if self.models.len() > 1 => {
                let first = known().next().unwrap_or_default();
                Err(format!("there are several models; say which answers where none is named: `default = \"{first}\"`"))
            }
            Some(name) if !self.models.contains_key(name) => {
                let help = did_you_mean(name, known());
                let help = help.unwrap_or_else(|| format!("these are `{}`", known().collect::<Vec<_>>().join("`, `")));
                Err(format!("`default` is `{name}`, which is not among the models; {help}"))
            }
            _ => Ok(()),
        }
    }

    fn default(&self) -> &str {
        self.default.as_ref().or_else(|| self.models.keys().next()).expect("a model was found")
    }

    /// What the bundles that it lists look like from outside.
    fn stamps(&self, folder: &Path) -> Vec<Stamp> {
        let paths = self.models.values().flat_map(|listed| listed.versions.values());
        let paths = paths.map(|path| folder.join(path));
        // Who signs a bundle that was refused has it looked at again.
        paths.flat_map(|path| [Stamp::of(&beside(&path, SIGNATURES)), Stamp::of(&path)]).collect()
    }
}

impl Listed {
    fn check(&self, model: &str) -> Result<(), String> {
        let named = |what, name: &str| check_name(what, name).map_err(|problem| problem.in_words());
        named("a model", model)?;
        within(&format!("versions of `{model}`"), self.versions.len(), VERSIONS_MAX)?;
        for version in self.versions.keys() {
            named("a version", version)?;
            if version == DEFAULT {
                return Err(format!(
                    "`{DEFAULT}` of `{model}` is no version, but an alias: name it under `[models.{model}.aliases]`"
                ));
            }
        }
        if self.aliases.len() > ALIASES_MAX {
            return Err(format!("`{model}` has {} aliases, and may have {ALIASES_MAX}", self.aliases.len()));
        }
        for (alias, version) in &self.aliases {
            named("an alias", alias)?;
            if self.versions.contains_key(alias) {
                return Err(format!("`{alias}` of `{model}` is a version, so it can't be an alias, too"));
            }
            if !self.versions.contains_key(version) {
                let known: Vec<&str> = self.versions.keys().map(String::as_str).collect();
                let known = known.join("`, `");
                return Err(format!(
                    "alias `{alias}` of `{model}` points at `{version}`, which is not among its versions `{known}`"
                ));
            }
        }
        if self.versions.len() > 1 && !self.aliases.contains_key(DEFAULT) {
            let last = self.versions.keys().next_back().expect("there are several");
            return Err(format!(
                "`{model}` has several versions; say which answers where none is named: `{DEFAULT} = \"{last}\"` \
                 under `[models.{model}.aliases]`"
            ));
        }
        Ok(())
    }

    fn aliases(&self) -> BTreeMap<String, Alias> {
        let sole = self.versions.keys().next().map(|sole| (DEFAULT.to_owned(), Alias::to(sole)));
        let written = self.aliases.iter().map(|(name, version)| (name.clone(), Alias::to(version)));
        sole.into_iter().chain(written).collect()
    }
}

fn within(what: &str, count: usize, max: usize) -> Result<(), String> {
    match count {
        0 => Err(format!("there are no {what}")),
        count if count > max => Err(format!("there are {count} {what}, and may be {max}")),
        _ => Ok(()),
    }
}

/// The file, and what it and the bundles that it lists looked like when they were looked at last.
pub(crate) struct Watched {
    path: PathBuf,
    seen: Option<Seen>,
    /// What it said to serve when that was last taken over.
    given: BTreeSet<String>,
    /// Whether it was refused when it was last read.
    pub(super) is_refused: bool,
}

#[derive(PartialEq, Eq)]
struct Seen {
    /// Its text, or why there is none.
    text: Result<String, String>,
    bundles: Vec<Stamp>,
}

impl Watched {
    pub(crate) fn new(path: &Path) -> Watched {
        Watched { path: path.to_owned(), seen: None, given: BTreeSet::new(), is_refused: false }
    }

    /// Whether something looks otherwise than at the last time that this was asked. What was refused then is not looked at
    /// again until it changes.
    pub(crate) fn changed(&mut self) -> bool {
        let now = self.look();
        let changed = self.seen.as_ref() != Some(&now);
        self.seen = Some(now);
        changed
    }

    fn look(&self) -> Seen {
        let text = evenstep_files::read_text_up_to(&self.path, LIST_MIB_MAX)
            .map_err(|error| format!("`{}` can't be read: {error}", self.path.display()));
        let config = text.as_ref().ok().and_then(|text| Config::parse(text).ok());
        let bundles = config.map_or(Vec::new(), |config| config.stamps(self.folder()));
        Seen { text, bundles }
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// What the file said to serve when this was last asked, if it says something else now, whatever it and the bundles look like.
    pub(crate) fn gives_other(&mut self, state: &State) -> Option<BTreeSet<String>> {
        let before = std::mem::replace(&mut self.given, state.facts());
        (before != self.given).then_some(before)
    }

    /// What the file says, loaded: bundles that are served already as they are, the others anew.
    pub(crate) fn state(&mut self, now: Option<&State>, load: &Loader) -> Result<State, String> {
        let seen = self.seen.take().unwrap_or_else(|| self.look());
        let text = seen.text.clone();
        self.seen = Some(seen);
        let config = text.and_then(|text| Config::parse(&text).map_err(|what| self.at(&what)))?;
        let mut models = BTreeMap::new();
        for (name, listed) in &config.models {
            let mut versions = BTreeMap::new();
            for (version, path) in &listed.versions {
                let path = self.folder().join(path);
                let served = served(now, name, version, &path, load)
                    .map_err(|what| self.at(&format!("version `{version}` of `{name}`: {what}")))?;
                versions.insert(version.clone(), served);
            }
            models.insert(name.clone(), Model { versions, aliases: listed.aliases() });
        }
        Ok(State { default: config.default().to_owned(), models })
    }

    fn at(&self, what: &str) -> String {
        format!("`{}`: {what}", self.path.display())
    }
}

/// A version of a model: what is served, if it was read from this file as it is now, else what is in the file.
fn served(now: Option<&State>, name: &str, version: &str, path: &Path, load: &Loader) -> Result<Arc<Served>, String> {
    // Looked at before it is read: what changes meanwhile is read again at the next look.
    let stamp = Stamp::of(path);
    let there = now.and_then(|now| now.models.get(name)?.versions.get(version));
    if let Some(there) = there.filter(|there| there.stamp.as_ref() == Some(&stamp)) {
        return Ok(Arc::clone(there));
    }
    let predictor = loaded(load, Bundle::At(path))?;
    Ok(Arc::new(Served::named(predictor, name, version, Some(stamp))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_wrong_is_said_with_what_to_write() {
        let said = |text: &str| Config::parse(text).err().unwrap_or_else(|| panic!("it is taken: {text}"));
        let two = "[models.a.versions]\n1 = \"a\"\n2 = \"b\"\n";
        let said = [
            said(""),
            said("[models]"),
            said("[models.a]\nfiles = [\"x\"]"),
            said("[models.a.versions]"),
            said("[models.\"a b\".versions]\n1 = \"a\""),
            said("[models.a.versions]\n\"..\" = \"a\""),
            said("[models.a.versions]\ndefault = \"a\""),
            said(two),
            said(&format!("{two}[models.a.aliases]\ndefault = \"3\"")),
            said(&format!("{two}[models.a.aliases]\ndefault = \"2\"\n1 = \"2\"")),
            said("[models.a.versions]\n1 = \"a\"\n[models.b.versions]\n1 = \"b\""),
            said("default = \"prises\"\n[models.prices.versions]\n1 = \"a\""),
        ];
        insta::assert_snapshot!(said.join("\n---\n"));
        let taken =
            Config::parse(&format!("{two}[models.a.aliases]\ndefault = \"2\"\nold = \"1\"")).expect("it is right");
        assert_eq!(taken.default(), "a");
        assert_eq!(taken.models["a"].aliases()["default"], Alias::to("2"));
    }
}
