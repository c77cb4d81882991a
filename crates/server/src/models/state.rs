//! What is served at one moment, and how the next one follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evenstep_table::{did_you_mean, some_of};

use super::Served;
use crate::limits::{ALIASES_MAX, EARLIER_MAX, MODELS_MAX, VERSIONS_MAX};
use crate::names::is_name;
use crate::problem::Problem;

/// The alias that says which version answers where none is named. Every model has it.
pub(super) const DEFAULT: &str = "default";
/// So many names are told in an error.
const TOLD: usize = 10;

/// All models at one moment. There is always a default one.
#[derive(Clone)]
pub(crate) struct State {
    pub(super) models: BTreeMap<String, Model>,
    /// The model that answers where none is named.
    pub(super) default: String,
}

/// A model: its versions, and other names of these.
#[derive(Clone, Default)]
pub(super) struct Model {
    pub(super) versions: BTreeMap<String, Arc<Served>>,
    pub(super) aliases: BTreeMap<String, Alias>,
}

/// What an alias points at, and what it pointed at before, the latest last. All of them are loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Alias {
    pub(super) version: String,
    pub(super) earlier: Vec<String>,
}

/// An alias that an administrator pointed, and that points elsewhere now, or is gone.
pub(crate) struct Undone {
    pub(crate) model: String,
    pub(crate) alias: String,
    pub(crate) was: String,
    pub(crate) now: Option<String>,
}

fn alias_fact(model: &str, alias: &str, to: &Alias) -> String {
    format!("alias `{alias}` of `{model}` is `{}`", to.version)
}

impl Alias {
    pub(super) fn to(version: &str) -> Alias {
        Alias { version: version.to_owned(), earlier: Vec::new() }
    }

    fn turn_to(&mut self, version: &str) {
        if self.version != version {
            self.earlier.push(std::mem::replace(&mut self.version, version.to_owned()));
            let too_many = self.earlier.len().saturating_sub(EARLIER_MAX);
            self.earlier.drain(..too_many);
        }
    }

    /// Forgets what is no longer there: what is left turns from each version to another, so that to roll back changes something.
    fn keep(&mut self, is_there: impl Fn(&String) -> bool) {
        self.earlier.retain(is_there);
        self.earlier.dedup();
        self.earlier.pop_if(|earlier| *earlier == self.version);
    }
}

impl State {
    /// One bundle alone.
    pub(super) fn of(served: Arc<Served>) -> State {
        let default = served.name().to_owned();
        let mut state = State { models: BTreeMap::new(), default };
        state.load(served).expect("nothing is in its way");
        state
    }

    /// What is relied on wherever something is looked up.
    pub(super) fn check(&self) {
        assert!(self.models.contains_key(&self.default), "the default model is served");
        for model in self.models.values() {
            assert!(model.aliases.contains_key(DEFAULT), "each model has a default version");
            for alias in model.aliases.values() {
                let mut known = std::iter::once(&alias.version).chain(&alias.earlier);
                assert!(known.all(|version| model.versions.contains_key(version)), "an alias points at what is loaded");
            }
        }
    }

    /// What is served, in sentences: two states of the same answer alike.
    pub(super) fn facts(&self) -> BTreeSet<String> {
        let of_model = |(name, model): (&String, &Model)| {
            let version = |served: &Arc<Served>| {
                format!("version `{}` of `{name}` is {}", served.version(), served.predictor.digest)
            };
            let alias = |(alias, to): (&String, &Alias)| alias_fact(name, alias, to);
            model.versions.values().map(version).chain(model.aliases.iter().map(alias)).collect::<Vec<_>>()
        };
        let default = format!("the default is `{}`", self.default);
        self.models.iter().flat_map(of_model).chain([default]).collect()
    }

    /// Aliases that the next state points elsewhere, or lacks, though nothing that was `given` pointed them where they are: an
    /// administrator did.
    pub(super) fn undone(&self, next: &State, given: &BTreeSet<String>) -> Vec<Undone> {
        let aliases =
            self.models.iter().flat_map(|(model, of)| of.aliases.iter().map(move |(alias, to)| (model, alias, to)));
        let ours = aliases.filter(|(model, alias, to)| !given.contains(&alias_fact(model, alias, to)));
        let undone = ours.filter_map(|(model, alias, Alias { version: was, .. })| {
            let now = next.models.get(model).and_then(|model| model.aliases.get(alias)).map(|to| to.version.clone());
            let (model, alias, was) = (model.clone(), alias.clone(), was.clone());
            (now.as_ref() != Some(&was)).then_some(Undone { model, alias, was, now })
        });
        undone.collect()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Served>> {
        self.models.values().flat_map(|model| model.versions.values())
    }

    /// All bundles, and whether each answers where of its model no version is named.
    pub(crate) fn all_with_default(&self) -> impl Iterator<Item = (&Arc<Served>, bool)> {
        self.models.values().flat_map(|model| {
            let default = model.default();
            model.versions.values().map(move |served| (served, Arc::ptr_eq(served, default)))
        })
    }

    /// The bundle that answers where no model is named.
    pub(crate) fn default(&self) -> &Arc<Served> {
        self.models[&self.default].default()
    }

    /// The bundle of a model, of a version or alias of it, or of what is the default there.
    pub(crate) fn find(&self, model: Option<&str>, version: Option<&str>) -> Result<&Arc<Served>, Problem> {
        let name = model.unwrap_or(&self.default);
        let model = self.model(name)?;
        let Some(version) = version else { return Ok(model.default()) };
        model.find(version).ok_or_else(|| {
            let known = model.versions.keys().chain(model.aliases.keys()).map(String::as_str);
            Problem::unknown(format!("model `{name}` has no version or alias `{version}`; {}", help(version, known)))
        })
    }

    /// The names of a model's versions.
    pub(crate) fn versions(&self, model: &str) -> Vec<&str> {
        self.models.get(model).map_or(Vec::new(), |model| model.versions.keys().map(String::as_str).collect())
    }

    /// Adds a bundle; false if it is there already. A model's first version becomes its default.
    pub(crate) fn load(&mut self, served: Arc<Served>) -> Result<bool, Problem> {
        let (name, version) = (served.name().to_owned(), served.version().to_owned());
        if !self.models.contains_key(&name) && self.models.len() >= MODELS_MAX {
            return Err(Problem::conflict(format!("{MODELS_MAX} models are loaded; unload one first")));
        }
        let model = self.models.entry(name.clone()).or_default();
        if let Some(there) = model.versions.get(&version) {
            if there.predictor.digest == served.predictor.digest {
                return Ok(false);
            }
            let digest = &there.predictor.digest;
            let what =
                format!("version `{version}` of `{name}` is loaded, and is {digest}; load it as another version");
            return Err(Problem::conflict(what));
        }
        if version == DEFAULT || model.aliases.contains_key(&version) {
            return Err(Problem::conflict(format!("`{version}` is an alias of `{name}`; load it as another version")));
        }
        if model.versions.len() >= VERSIONS_MAX {
            let what = format!("{VERSIONS_MAX} versions of `{name}` are loaded; unload one first");
            return Err(Problem::conflict(what));
        }
        model.aliases.entry(DEFAULT.to_owned()).or_insert_with(|| Alias::to(&version));
        model.versions.insert(version, served);
        Ok(true)
    }

    /// Takes a version out, which no alias may point at, and gives it.
    pub(crate) fn unload(&mut self, name: &str, version: &str) -> Result<Arc<Served>, Problem> {
        let model = self.model_mut(name)?;
        model.check_version(name, version)?;
        let pointing = model.aliases.iter().find(|(_, alias)| alias.version == version);
        if let Some((alias, _)) = pointing {
            let what = format!("alias `{alias}` of `{name}` points at version `{version}`; point it elsewhere first");
            return Err(Problem::conflict(what));
        }
        let served = model.versions.remove(version).expect("it was checked");
        for alias in model.aliases.values_mut() {
            alias.keep(|earlier| earlier != version);
        }
        Ok(served)
    }

    /// Takes a model out, with all its versions. The default one stays.
    pub(crate) fn unload_model(&mut self, name: &str) -> Result<(), Problem> {
        self.model(name)?;
        if name == self.default {
            return Err(Problem::conflict(format!("`{name}` answers where no model is named, so it stays")));
        }
        self.models.remove(name);
        Ok(())
    }

    /// Points an alias, perhaps a new one, at a version, and gives that.
    pub(crate) fn point(&mut self, name: &str, alias: &str, version: &str) -> Result<Arc<Served>, Problem> {
        check_name("an alias", alias)?;
        let model = self.model_mut(name)?;
        model.check_version(name, version)?;
        if model.versions.contains_key(alias) {
            return Err(Problem::conflict(format!("`{alias}` is a version of `{name}`, so it can't be an alias, too")));
        }
        if !model.aliases.contains_key(alias) && model.aliases.len() >= ALIASES_MAX {
            return Err(Problem::conflict(format!("`{name}` has {ALIASES_MAX} aliases; delete one first")));
        }
        model.aliases.entry(alias.to_owned()).or_insert_with(|| Alias::to(version)).turn_to(version);
        Ok(Arc::clone(&model.versions[version]))
    }

    /// Points an alias at what it pointed at before, and gives that.
    pub(crate) fn roll_back(&mut self, name: &str, alias: &str) -> Result<Arc<Served>, Problem> {
        let model = self.model_mut(name)?;
        let found = model.alias_mut(name, alias)?;
        let Some(version) = found.earlier.pop() else {
            let what =
                format!("alias `{alias}` of `{name}` pointed at nothing that is loaded before `{}`", found.version);
            return Err(Problem::conflict(what));
        };
        found.version.clone_from(&version);
        Ok(Arc::clone(&model.versions[&version]))
    }

    /// Deletes an alias, and gives what it pointed at. `default` stays.
    pub(crate) fn delete_alias(&mut self, name: &str, alias: &str) -> Result<Arc<Served>, Problem> {
        let model = self.model_mut(name)?;
        model.alias_mut(name, alias)?;
        if alias == DEFAULT {
            return Err(Problem::conflict(format!("every model has an alias `{DEFAULT}`")));
        }
        let deleted = model.aliases.remove(alias).expect("it was found");
        Ok(Arc::clone(&model.versions[&deleted.version]))
    }

    /// Keeps what aliases of the same names pointed at before, as far as it is still there.
    pub(super) fn remember(&mut self, before: &State) {
        for (name, model) in &mut self.models {
            let Some(old) = before.models.get(name) else { continue };
            for (name, alias) in &mut model.aliases {
                let Some(old) = old.aliases.get(name) else { continue };
                let mut past = old.clone();
                past.turn_to(&alias.version);
                past.keep(|version| model.versions.contains_key(version));
                *alias = past;
            }
        }
    }

    pub(super) fn model(&self, name: &str) -> Result<&Model, Problem> {
        self.models.get(name).ok_or_else(|| self.no_model(name))
    }

    fn model_mut(&mut self, name: &str) -> Result<&mut Model, Problem> {
        if !self.models.contains_key(name) {
            return Err(self.no_model(name));
        }
        Ok(self.models.get_mut(name).expect("it was just found"))
    }

    fn no_model(&self, name: &str) -> Problem {
        let help = help(name, self.models.keys().map(String::as_str));
        Problem::unknown(format!("no model `{name}` is served; {help}"))
    }
}

impl Model {
    pub(super) fn default(&self) -> &Arc<Served> {
        &self.versions[&self.aliases[DEFAULT].version]
    }

    fn find(&self, version: &str) -> Option<&Arc<Served>> {
        let aliased = || self.aliases.get(version).and_then(|alias| self.versions.get(&alias.version));
        self.versions.get(version).or_else(aliased)
    }

    fn check_version(&self, name: &str, version: &str) -> Result<(), Problem> {
        if self.versions.contains_key(version) {
            return Ok(());
        }
        let help = help(version, self.versions.keys().map(String::as_str));
        Err(Problem::unknown(format!("model `{name}` has no version `{version}`; {help}")))
    }

    fn alias_mut(&mut self, name: &str, alias: &str) -> Result<&mut Alias, Problem> {
        if !self.aliases.contains_key(alias) {
            let help = help(alias, self.aliases.keys().map(String::as_str));
            return Err(Problem::unknown(format!("model `{name}` has no alias `{alias}`; {help}")));
        }
        Ok(self.aliases.get_mut(alias).expect("it was just found"))
    }
}

/// Refuses a name that can't stand in paths as it is.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), Problem> {
    if is_name(name) {
        return Ok(());
    }
    let name: String = name.chars().take(80).collect();
    Err(Problem::malformed(format!(
        "`{name}` is no name of {what}: it has 1 to 64 letters, digits, `-`, `_` or `.`, and not dots alone"
    )))
}

/// What may have been meant, or what there is.
fn help<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    // A name of a letter or two resembles any other.
    let near = (name.len() > 2).then(|| did_you_mean(name, known.clone())).flatten();
    near.unwrap_or_else(|| {
        let verb = if known.clone().count() == 1 { "is" } else { "are" };
        format!("there {verb} {}", some_of(known.map(|name| format!("`{name}`")), TOLD, ", "))
    })
}
