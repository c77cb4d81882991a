//! A bundle that is to answer: it gives its golden bits here, and what is otherwise than where it was trained is said.

use std::path::Path;

use evenstep_bundle::Opened;
use evenstep_pipeline::{Interface, PipelineError, Predictor};

use super::open_bundle;
use crate::environment::{Difference, SBOM, differences};
use crate::{Host, attestation, output};

/// What answers.
pub(super) struct Loaded {
    pub(super) predictor: Predictor,
    /// What it promises to those who ask.
    pub(super) interface: Interface,
    /// How many golden rows gave their bits.
    #[cfg_attr(not(feature = "serve"), expect(dead_code, reason = "`serve` alone says so"))]
    pub(super) golden: usize,
    /// How engine and host differ from those that trained, as a lock or a signature beside the bundle says.
    pub(super) environment: Vec<Difference>,
}

/// Reads a bundle, compiles it, and lets it prove itself.
///
/// # Errors
/// A file that is no bundle, or one that gives other bits here.
pub(super) fn load(path: &Path, host: &Host) -> Result<Loaded, PipelineError> {
    prove(&open_bundle(path)?, Some(path), host.quiet)
}

/// Compiles a bundle and lets it prove itself. What lies beside its file, if it has one, says where it was trained.
///
/// # Errors
/// A bundle that gives other bits here.
pub(super) fn prove(opened: &Opened, file: Option<&Path>, quiet: bool) -> Result<Loaded, PipelineError> {
    let predictor = opened.predictor()?;
    let digest = &predictor.digest;
    let facts = file.and_then(|file| attestation::known(file, digest));
    let environment = facts.map(|facts| differences(&facts.0, opened.artifact.epochs)).unwrap_or_default();
    if let Some(remark) = remark(&environment).filter(|_| !quiet) {
        output::note(&remark);
    }
    let interface = Interface::of(&opened.artifact)?;
    Ok(Loaded { predictor, interface, golden: opened.artifact.golden.len(), environment })
}

/// One line about what a person may want to know. Processor, kernel and compiler are not among it: golden rows speak for these.
fn remark(environment: &[Difference]) -> Option<String> {
    let told = |name: &str, called: &str| {
        let found = environment.iter().find(|difference| difference.name == name)?;
        Some(format!("{called} {}, and here it is {}", found.then, found.now))
    };
    let told = [told("engine", "engine"), told("build commit", "the engine's commit"), told("fit epoch", "fit epoch")];
    // Another version's are others anyway.
    let libraries = environment.iter().any(|difference| difference.name == SBOM).then(|| "other libraries".to_owned());
    let told: Vec<String> = match told.into_iter().flatten().collect::<Vec<_>>() {
        none if none.is_empty() => libraries.into_iter().collect(),
        some => some,
    };
    let what = told.join("; ");
    (!told.is_empty()).then(|| format!("trained by {what}: the golden rows give the same bits all the same"))
}
