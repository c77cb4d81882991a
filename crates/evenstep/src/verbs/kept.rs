//! A contract that was given to clients, read from wherever it stands; and whether something keeps it.

use std::path::{Path, PathBuf};

use evenstep_pipeline::interface::{Comparison, Origin, Verdict, compare};
use evenstep_pipeline::{Interface, Override, PipelineError, Spec};
use evenstep_table::counted;

use super::{unreadable, unusable};
use crate::{Host, output};

/// How every zip begins, and so every bundle.
const ZIP: &[u8] = b"PK";

/// A contract, and the version and digest of the bundle that it was read from, if it was.
pub(super) struct Read {
    pub(super) interface: Interface,
    #[cfg_attr(not(feature = "serve"), expect(dead_code, reason = "`contract` alone tells it"))]
    pub(super) bundle: Option<(String, String)>,
}

/// Reads the contract of a spec, of a bundle, or one that was printed as JSON.
///
/// # Errors
/// A file that is none of these.
pub(super) fn read(path: &Path, overrides: &[Override], host: &Host) -> Result<Read, PipelineError> {
    let bytes = evenstep_files::read_regular(path).map_err(|error| unreadable(path, &error))?;
    let of_file = |error: PipelineError| {
        PipelineError::input(format!("`{}`: {}", path.display(), error.message)).help(error.help)
    };
    let is_spec = !bytes.starts_with(ZIP) && !bytes.trim_ascii_start().starts_with(b"{");
    if !is_spec && !overrides.is_empty() {
        return Err(PipelineError::input(format!("`--set` goes with a spec, and `{}` is none", path.display())));
    }
    if bytes.starts_with(ZIP) {
        let opened = evenstep_bundle::open(&bytes).map_err(|error| unusable(path, error))?;
        let interface = Interface::of(&opened.artifact).map_err(of_file)?;
        return Ok(Read { interface, bundle: Some((opened.artifact.version(), opened.digest)) });
    }
    if bytes.trim_ascii_start().starts_with(b"{") {
        return Ok(Read { interface: Interface::parse(&bytes).map_err(of_file)?, bundle: None });
    }
    let spec = Spec::read_contract(path, overrides)?;
    let (interface, origin) = host.run(0, |run| Interface::of_spec(&spec, run))?;
    if origin == Origin::Declared && !host.quiet {
        output::note("there are no data to look at: the contract is what the spec declares");
    }
    Ok(Read { interface, bundle: None })
}

/// A contract that clients were promised.
pub(super) struct Promised {
    path: PathBuf,
    interface: Interface,
}

impl Promised {
    /// # Errors
    /// A contract that can't be read.
    pub(super) fn read(path: &Path, host: &Host) -> Result<Promised, PipelineError> {
        Ok(Promised { path: path.to_owned(), interface: read(path, &[], host)?.interface })
    }

    /// Refuses what would break clients that keep to it.
    ///
    /// # Errors
    /// The changes that break it.
    pub(super) fn keep(&self, interface: &Interface, what: &str) -> Result<(), PipelineError> {
        let Comparison { compatible, changes } = compare(&self.interface, interface);
        if compatible {
            return Ok(());
        }
        let breaking: Vec<String> =
            changes.iter().filter(|change| change.verdict == Verdict::Breaking).map(|change| change.line()).collect();
        let message = format!(
            "{what} breaks the contract `{}` by {}: {}",
            self.path.display(),
            counted(breaking.len(), "change"),
            breaking.join("; ")
        );
        Err(PipelineError::no(message).help("`evenstep contract diff OLD NEW` tells every change, and why".to_owned()))
    }
}
