//! What gRPC is made of: the messages of the Open Inference Protocol, the frame that each is sent in, and the services
//! that tell health and what is served.
//!
//! Nothing here knows what a message is about. `inference.rs` and `inference.bin` are made of `proto/inference.proto` by a
//! test, so that no build needs a compiler for it.

mod fields;
mod frame;
/// Messages of `inference.GRPCInferenceService`.
pub mod inference;
mod services;

pub use frame::{FrameError, framed, framed_bytes, message, parts};
pub use prost::Message;
pub use services::{Watched, reflection, reflection_alpha};

/// What the messages are, for those who ask by reflection.
const DESCRIPTORS: &[u8] = include_bytes!("inference.bin");
