//! How bundles are loaded, before the first request and while others answer: whole, signed as the policy asks for, and with
//! the bits of their golden rows.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenstep_attest::{Envelope, Policy, sha256};
use evenstep_pipeline::{PipelineError, Predictor, check};
use evenstep_server::{Bundle, Loader};

use super::refuse_batch;
use crate::environment::Difference;
use crate::verbs::kept::Promised;
use crate::verbs::loaded::{Loaded, prove};
use crate::verbs::read_bundle;
use crate::{attestation, output};

/// What every bundle is held to.
pub(super) struct Loading {
    policy: Option<Policy>,
    /// What clients were promised.
    contract: Option<Promised>,
    quiet: bool,
    noted: Mutex<Option<Noted>>,
    /// Whether a bundle isn't signed as the policy asks for, or doesn't keep the contract.
    has_refused: AtomicBool,
}

/// What was noted of those that were loaded.
#[derive(Default)]
pub(super) struct Noted {
    /// How many golden rows gave their bits.
    pub(super) golden: usize,
    /// How engine and host differ from those that trained.
    pub(super) environment: Vec<Difference>,
}

impl Loading {
    pub(super) fn new(
        policy: Option<&Path>,
        contract: Option<Promised>,
        quiet: bool,
    ) -> Result<Loading, PipelineError> {
        let policy = policy.map(attestation::policy).transpose()?.map(|(policy, _)| policy);
        let noted = Mutex::new(Some(Noted::default()));
        Ok(Loading { policy, contract, quiet, noted, has_refused: AtomicBool::new(false) })
    }

    /// The same, as the server calls it.
    pub(super) fn loader(self: &Arc<Loading>) -> Loader {
        let loading = Arc::clone(self);
        Box::new(move |bundle| loading.load(bundle).map_err(|error| loading.in_words(error)))
    }

    /// Whether a bundle was refused, sound as it may be.
    pub(super) fn has_refused(&self) -> bool {
        self.has_refused.load(Ordering::Relaxed)
    }

    pub(super) fn load(&self, bundle: Bundle<'_>) -> Result<Predictor, PipelineError> {
        match bundle {
            Bundle::At(path) => {
                let envelope = || attestation::read(&attestation::beside(path));
                self.prove(&read_bundle(path)?, Some(path), envelope)
            }
            Bundle::Sent { bytes, signatures } => self.prove(bytes, None, || signatures.map(parsed).transpose()),
        }
    }

    /// The bytes that are judged are those that are loaded: nothing is read twice.
    fn prove(
        &self,
        bytes: &[u8],
        file: Option<&Path>,
        envelope: impl FnOnce() -> Result<Option<Envelope>, PipelineError>,
    ) -> Result<Predictor, PipelineError> {
        let at = |what: String| file.map_or(what.clone(), |file| format!("`{}`: {what}", file.display()));
        let unsigned = |why| PipelineError::no(at(format!("not signed as the policy asks for: {why}")));
        let signed = match &self.policy {
            None => None,
            Some(policy) => Some((policy, envelope()?, sha256(bytes))),
        };
        if let Some((policy, envelope, hash)) = &signed {
            attestation::vouched(hash, envelope.as_ref(), policy).map_err(unsigned)?;
        }
        let opened = evenstep_bundle::open(bytes).map_err(|error| PipelineError::input(at(error.to_string())))?;
        if let Some((policy, envelope, hash)) = &signed {
            attestation::judged(hash, &opened, envelope.as_ref(), policy).map_err(unsigned)?;
        }
        let Loaded { predictor, interface, golden, environment } = prove(&opened, file, self.quiet)?;
        refuse_batch(&interface)?;
        if let Some(contract) = &self.contract {
            contract.keep(&interface, "the bundle")?;
        }
        if let Some(note) = check::store_note(&predictor.contract, &predictor.inputs).filter(|_| !self.quiet) {
            output::note(&note);
        }
        if let Some(noted) = self.noted().as_mut() {
            noted.golden += golden;
            noted.environment.extend(environment);
        }
        Ok(predictor)
    }

    /// What was noted until now; from here on nothing is, for nobody asks again.
    pub(super) fn take_noted(&self) -> Noted {
        self.noted().take().unwrap_or_default()
    }

    fn in_words(&self, error: PipelineError) -> String {
        self.has_refused.fetch_or(error.exit_code() == 1, Ordering::Relaxed);
        match error.help {
            Some(help) => format!("{}; {help}", error.message),
            None => error.message,
        }
    }

    fn noted(&self) -> MutexGuard<'_, Option<Noted>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parsed(signatures: &[u8]) -> Result<Envelope, PipelineError> {
    let text = std::str::from_utf8(signatures).map_err(|_| PipelineError::no("the signatures are no text"))?;
    Envelope::parse(text).map_err(|error| PipelineError::no(format!("the signatures: {error}")))
}
