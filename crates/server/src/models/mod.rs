//! The models that are served, by name, version and alias. A request takes one bundle out of them and is answered by it
//! wholly, whatever changes meanwhile; a change is seen whole, or not at all.

mod config;
mod contract_change;
mod list;
mod served;
mod stamp;
mod state;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use evenstep_pipeline::Predictor;

pub(crate) use config::{Watched, check_config};
pub(crate) use list::{Told, routes};
pub(crate) use served::Served;
pub(crate) use stamp::Stamp;
pub(crate) use state::{State, Undone, check_name};

use crate::Service;
use crate::names::InPath;
use crate::problem::Problem;

/// Where a bundle comes from.
#[derive(Clone, Copy, Debug)]
pub enum Bundle<'a> {
    /// A file of this host, which whoever started the server names.
    At(&'a Path),
    /// What came over the network.
    Sent {
        /// The bundle's bytes.
        bytes: &'a [u8],
        /// Its signatures, as they lie beside a file.
        signatures: Option<&'a [u8]>,
    },
}

/// Makes a predictor of a bundle: checks that it is whole, that it is signed as the host asks for, and that its golden rows
/// give their bits. What it refuses it says in words.
pub type Loader = Box<dyn Fn(Bundle<'_>) -> Result<Predictor, String> + Send + Sync>;

/// Models that can't be served.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ModelsError(String);

/// What no longer holds once a file was taken over.
pub(crate) struct TakenOver {
    /// All of it, in sentences.
    pub(crate) ended: Vec<String>,
    /// Aliases that an administrator had pointed.
    pub(crate) undone: Vec<Undone>,
    pub(crate) replaced: Replaced,
}

/// What a change replaced, and by what.
pub(crate) struct Replaced {
    pub(crate) before: Arc<State>,
    pub(crate) after: Arc<State>,
}

/// All models that are served.
pub struct Models {
    current: RwLock<Arc<State>>,
    /// Held while a new state is made of the current one.
    changing: Mutex<()>,
    load: Loader,
    /// What is looked at for changes, if there is a file that says what to serve.
    watched: Option<Mutex<Watched>>,
}

impl Models {
    /// The models of bundles, each under its own name and version. The first is the default; of several versions of a
    /// model, the first that is given.
    ///
    /// # Errors
    /// No bundle, or one that is given twice.
    pub fn of_bundles(bundles: Vec<Predictor>, load: Loader) -> Result<Models, ModelsError> {
        let mut bundles = bundles.into_iter().map(|predictor| Arc::new(Served::new(predictor, None)));
        let first = bundles.next().ok_or_else(|| ModelsError("there is no bundle to serve".to_owned()))?;
        let mut state = State::of(first);
        for served in bundles {
            let (name, version) = (served.name().to_owned(), served.version().to_owned());
            match state.load(served) {
                Ok(true) => {}
                Ok(false) => return Err(ModelsError(format!("version `{version}` of `{name}` is given twice"))),
                Err(problem) => return Err(ModelsError(problem.in_words())),
            }
        }
        Ok(Models::at(state, load, None))
    }

    /// One bundle, or a mock, and never another.
    pub fn of_one(predictor: Predictor) -> Models {
        let state = State::of(Arc::new(Served::new(predictor, None)));
        Models::at(state, Box::new(|_| Err("no other bundle is served here".to_owned())), None)
    }

    /// The models that a file lists, which is then watched.
    ///
    /// # Errors
    /// A file that can't be read or doesn't say what to serve, or a bundle that is refused.
    pub fn of_config(path: &Path, load: Loader) -> Result<Models, ModelsError> {
        let mut watched = Watched::new(path);
        let state = watched.state(None, &load).map_err(ModelsError)?;
        watched.gives_other(&state);
        Ok(Models::at(state, load, Some(Mutex::new(watched))))
    }

    fn at(state: State, load: Loader, watched: Option<Mutex<Watched>>) -> Models {
        state.check();
        Models { current: RwLock::new(Arc::new(state)), changing: Mutex::new(()), load, watched }
    }

    /// Name, version and digest of each bundle, the default one first.
    pub fn served(&self) -> Vec<(String, String, String)> {
        let now = self.now();
        let default = now.default();
        let others = now.all().filter(|served| !Arc::ptr_eq(served, default));
        let told = |served: &Arc<Served>| {
            (served.name().to_owned(), served.version().to_owned(), served.predictor.digest.clone())
        };
        std::iter::once(default).chain(others).map(told).collect()
    }

    /// The bundle that answers where no model is named.
    pub fn with_default<T>(&self, look: impl FnOnce(&Predictor) -> T) -> T {
        look(&self.now().default().predictor)
    }

    /// What is served at this moment.
    pub(crate) fn now(&self) -> Arc<State> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what is served, in one step, if the change is found good. Who drops what it replaced gives back what nobody needs any
    /// more.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<T, Problem>,
    ) -> Result<(T, Replaced), Problem> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = State::clone(&self.now());
        let said = change(&mut next)?;
        next.check();
        let after = Arc::new(next);
        let current = &mut *self.current.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(current, Arc::clone(&after));
        Ok((said, Replaced { before, after }))
    }

    /// A bundle that was sent, loaded, but not yet served.
    pub(crate) fn load(&self, bytes: &[u8], signatures: Option<&[u8]>) -> Result<Predictor, String> {
        loaded(&self.load, Bundle::Sent { bytes, signatures })
    }

    /// Whether a file says what to serve.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched.is_some()
    }

    /// Looks whether the file says something else than before, or other bundles lie where it says, and serves these; what no longer
    /// holds then. Nothing was taken over if it says what it said: what an administrator did stands. That is worth a word after it
    /// was refused, or if somebody asks; else None, as if nothing looks otherwise.
    pub(crate) fn look(&self, is_asked: bool) -> Option<Result<Option<TakenOver>, String>> {
        let mut watched = self.watched.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        if !watched.changed() && !is_asked {
            return None;
        }
        let was_refused = watched.is_refused;
        let next = watched.state(Some(&self.now()), &self.load);
        watched.is_refused = next.is_err();
        match next.map(|next| watched.gives_other(&next).map(|given| self.take_over(next, &given))) {
            Ok(None) if !was_refused && !is_asked => None,
            looked => Some(looked),
        }
    }

    /// Serves another state, which remembers where aliases of the present one point; what no longer holds, where the file gave that
    /// until now.
    fn take_over(&self, mut next: State, given: &BTreeSet<String>) -> TakenOver {
        let done = self.change(|state| {
            next.remember(state);
            let ended = state.facts().difference(&next.facts()).cloned().collect();
            let undone = state.undone(&next, given);
            *state = next;
            Ok((ended, undone))
        });
        let ((ended, undone), replaced) = done.expect("nothing in it refuses");
        TakenOver { ended, undone, replaced }
    }
}

/// Loads a bundle. Whatever its bytes do to us, the server goes on.
fn loaded(load: &Loader, bundle: Bundle<'_>) -> Result<Predictor, String> {
    catch_unwind(AssertUnwindSafe(|| load(bundle)))
        .unwrap_or_else(|_| Err("to load the bundle ran into a bug".to_owned()))
}

/// Which model, and which version or alias of it, a path names.
#[derive(serde::Deserialize)]
struct Named {
    model: Option<String>,
    version: Option<String>,
}

/// The bundle that a request is answered by: the one that its path names at this moment, or the default one.
pub(crate) struct Chosen(pub(crate) Arc<Served>);

impl FromRequestParts<Arc<Service>> for Chosen {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Chosen, Problem> {
        let named = InPath::<Named>::from_request_parts(parts, service).await;
        let found = named.and_then(|InPath(named)| {
            let now = service.models.now();
            now.find(named.model.as_deref(), named.version.as_deref()).map(Arc::clone)
        });
        found.map(Chosen).inspect_err(|problem| service.metrics.asked(None, problem.status()))
    }
}
