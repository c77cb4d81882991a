//! The pipeline: from a spec to an artifact, and from an artifact to predictions.
//!
//! Nothing beneath knows TOML. Fitting (`train`) and applying (`predictor`) are kept apart.

mod absent;
pub mod artifact;
mod as_of;
mod available;
mod called;
pub mod check;
pub mod diff;
mod doubts;
mod error;
mod evaluate;
pub mod explain;
mod file_kind;
mod golden;
pub mod init;
pub mod interface;
pub mod like_id;
pub mod lock;
pub mod look_alike;
mod mixed;
pub mod mock;
mod name;
mod no_numbers;
pub mod parts;
mod permutation;
mod predictor;
pub mod prepare;
pub mod request;
mod retyped;
mod roles;
mod run;
pub mod score;
mod seen;
mod slices;
mod spec;
mod split;
mod steps;
mod target;
pub mod trace;
pub mod train;
pub mod transform;
pub mod verify;

pub use artifact::{Artifact, ArtifactHead, ModelRecord};
pub use available::is_unavailable;
pub use error::{ErrorKind, PipelineError, Whereabouts};
pub use file_kind::FileKind;
pub use interface::Interface;
pub use no_numbers::{Lost, NoNumbers};
pub use predictor::Predictor;
pub use retyped::retyped;
pub use run::{Progress, Run, Silent};
pub use spec::{AsOf, CardSection, Latency, Mode, Override, ServingSection, Spec, Time, json_schema};
pub use split::Split;
