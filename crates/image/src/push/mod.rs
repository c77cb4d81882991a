//! An image sent to a registry: OCI distribution specification 1.1, without a daemon.

mod challenge;
mod credentials;
mod error;
mod reference;
mod registry;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::Image;
use registry::Registry;

pub use credentials::credentials_file;
pub use error::PushError;
pub use reference::Reference;

/// What a push did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pushed {
    /// The digest that the registry knows the image by: the image's own.
    pub digest: String,
    /// Layers that were sent.
    pub sent: usize,
    /// Layers that were there already.
    pub kept: usize,
}

/// Sends what the registry lacks of an image, and names it.
/// If the registry asks who pushes, `credentials` is the file that `docker login` keeps.
///
/// # Errors
/// A registry that isn't there, doesn't know the credentials, or answers something else than the specification says.
pub fn push(image: &Image, reference: &Reference, credentials: Option<&Path>) -> Result<Pushed, PushError> {
    let mut registry = Registry::new(reference, credentials);
    let mut sent = 0;
    for layer in &image.layers {
        sent += usize::from(registry.offer(layer)?);
    }
    registry.offer(&image.config)?;
    let digest = registry.name(&image.manifest)?;
    Ok(Pushed { digest, sent, kept: image.layers.len() - sent })
}
