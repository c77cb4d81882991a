//! Where an image goes besides a file.

use evenstep_image::{Image, PushError, Reference, credentials_file};
use evenstep_pipeline::PipelineError;
use serde_json::{Value, json};

/// A place in a registry that was named well.
pub(super) struct Destination(Reference);

impl Destination {
    pub(super) fn new(text: &str) -> Result<Destination, PipelineError> {
        text.parse().map(Destination).map_err(pipeline_error)
    }

    /// What the push did, for machines and for people.
    pub(super) fn push(&self, image: &Image) -> Result<(Value, String), PipelineError> {
        let pushed = evenstep_image::push(image, &self.0, credentials_file().as_deref()).map_err(pipeline_error)?;
        let by_digest = format!("{}/{}@{}", self.0.registry(), self.0.repository(), pushed.digest);
        let told = json!({
            "reference": self.0.to_string(),
            "by_digest": by_digest,
            "layers_sent": pushed.sent,
            "layers_kept": pushed.kept,
        });
        Ok((told, format!("{} ({} layers sent, {} were there)", self.0, pushed.sent, pushed.kept)))
    }
}

fn pipeline_error(error: PushError) -> PipelineError {
    PipelineError::input(error.to_string()).help(error.help())
}
