//! The bundle: an artifact as one file, which `unzip -l` can list and nothing can run.
//!
//! A bundle holds no time, host, path or duration: the same training gives the same bytes.

mod archive;
mod bounded;
mod card;
mod consistency;
mod members;
mod sbom;
mod tensors;

pub use archive::{BEGINNING, BYTES_MAX};
pub use consistency::{Consistency, consistency, first_line_of_another_card};
pub use members::{BundleError, Manifest, Member, Members, Opened, artifact, open, pack, peek, seal, unseal};
