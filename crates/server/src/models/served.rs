//! A bundle that answers, and what is said of it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use axum::http::HeaderValue;
use evenstep_pipeline::trace::Recorder;
use evenstep_pipeline::{Predictor, Time};

use super::Stamp;
use crate::metrics::{Metrics, OfModel};
use crate::openapi;
use crate::together::Together;
use crate::traces::Traces;

/// A bundle that answers.
pub(crate) struct Served {
    pub(crate) predictor: Predictor,
    /// Its OpenAPI document, as it is sent, but for the keys.
    pub(crate) openapi: Bytes,
    /// The same of a model that isn't the default.
    pub(crate) openapi_alone: Bytes,
    /// Its digest, as a header says it.
    pub(crate) digest: HeaderValue,
    /// Those who wait for its answers.
    pub(crate) together: Together,
    /// What is counted of it, from its first answer on.
    counted: OnceLock<OfModel>,
    /// What commits to its rows, from the first on that is traced.
    traced: OnceLock<Arc<Recorder>>,
    /// The file that it was read from, if one is watched.
    pub(super) stamp: Option<Stamp>,
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name(), self.version())
    }
}

impl Served {
    /// A predictor under its own name and version.
    pub(crate) fn new(predictor: Predictor, stamp: Option<Stamp>) -> Served {
        let document = openapi::document(&predictor);
        Served {
            openapi: document.to_string().into(),
            openapi_alone: openapi::alone(document).to_string().into(),
            digest: HeaderValue::from_str(&predictor.digest).expect("a digest is of letters and digits"),
            predictor,
            together: Together::default(),
            counted: OnceLock::new(),
            traced: OnceLock::new(),
            stamp,
        }
    }

    /// The same under a name and version that it is given here; its digest is what it is.
    pub(crate) fn named(mut predictor: Predictor, name: &str, version: &str, stamp: Option<Stamp>) -> Served {
        name.clone_into(&mut predictor.name);
        version.clone_into(&mut predictor.version);
        Served::new(predictor, stamp)
    }

    /// What is counted of the model; looked up once.
    pub(crate) fn counted(&self, metrics: &Metrics) -> &OfModel {
        let budget = self.predictor.serving.latency.p99.map(Time::duration);
        self.counted.get_or_init(|| metrics.of_model(self.name(), &self.predictor.inputs, budget))
    }

    /// What commits to the rows that it answers; looked up once.
    pub(crate) fn recorder(&self, traces: &Traces) -> &Recorder {
        self.traced.get_or_init(|| traces.recorder(&self.predictor))
    }

    pub(crate) fn name(&self) -> &str {
        &self.predictor.name
    }

    pub(crate) fn version(&self) -> &str {
        &self.predictor.version
    }
}
