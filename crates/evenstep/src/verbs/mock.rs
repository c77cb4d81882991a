//! `mock`: serves a contract before any model exists.

use std::process::ExitCode;
use std::time::Duration;

use evenstep_pipeline::mock::{self, Pace};
use evenstep_pipeline::{Latency, PipelineError};
use evenstep_server::{Listening, Models, Options};
use serde_json::json;

use super::serve::{keys, refuse_batch, unserved};
use super::{Answer, kept};
use crate::cli::Mock;
use crate::{Host, output};

pub(crate) fn mock(args: &Mock, host: &Host) -> Answer {
    let keys = keys(&args.reach)?;
    let interface = kept::read(&args.subject, &args.overrides, host)?.interface;
    refuse_batch(&interface)?;
    let latency = latency(args.latency.as_deref(), &interface.serving.latency)?;
    let predictor = mock::predictor(&interface)?;
    let mut told =
        json!({ "model": predictor.name, "version": predictor.version, "digest": predictor.digest, "mock": true });
    if !latency.is_empty() {
        told["latency"] = json!(latency);
    }
    let listening = |Listening { address, .. }: Listening| {
        if host.json {
            told["address"] = json!(address.to_string());
            output::line(&told.to_string());
            return;
        }
        output::line(&format!(
            "no model answers: predictions of `{}` are made up from what each row holds",
            interface.target
        ));
        if let Some(p99) = latency.p99 {
            output::line(&format!("answers take {p99} at most, 99 of a hundred"));
        }
        output::line(&format!("mocking {} at http://{address}/predict", interface.name));
    };
    let options = Options {
        listen: args.reach.listen,
        keys,
        allowed_hosts: args.reach.allow_host.clone(),
        traces: None,
        tls: None,
        admin: None,
        log: None,
        pace: Pace::of(&latency),
        shutdown_delay: Duration::ZERO,
    };
    evenstep_server::serve(Models::of_one(predictor), options, listening).map_err(|error| unserved(&error, None))?;
    Ok(ExitCode::SUCCESS)
}

/// How long answers are to take: as is said here, else as the contract allows.
fn latency(said: Option<&str>, allowed: &Latency) -> Result<Latency, PipelineError> {
    match said {
        None => Ok(*allowed),
        Some("none") => Ok(Latency::default()),
        Some(time) => {
            let p99 = time.parse().map_err(|error| {
                PipelineError::input(format!("`--latency {time}`: {error}"))
                    .help("write `--latency none` for answers at once".to_owned())
            })?;
            Ok(Latency { p99: Some(p99), p50: None })
        }
    }
}
