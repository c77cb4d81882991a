//! A container image of an engine and a bundle: built from nothing but the two, without a daemon, and with the same
//! digest wherever it is built.
//!
//! The image follows the OCI image specification 1.1: a layer with the engine, a layer with the bundle, both plain tar
//! without times or owners, so that images of one engine share a layer, and images of one bundle too.

mod engine;
mod error;
mod image;
mod layer;
#[cfg(feature = "push")]
mod push;

pub use engine::{Architecture, Engine};
pub use error::ImageError;
pub use image::{Contents, Image};
#[cfg(feature = "push")]
pub use push::{PushError, Pushed, Reference, credentials_file, push};
