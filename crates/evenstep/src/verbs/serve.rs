//! `serve`: predictions over HTTP, once the golden rows gave their bits.

use std::net::SocketAddr;
use std::process::ExitCode;

use evenstep_pipeline::{PipelineError, Predictor, check};
use serde_json::json;

use super::{Answer, open_bundle};
use crate::cli::Serve;
use crate::{Host, output};

pub(crate) fn serve(args: &Serve, host: &Host) -> Answer {
    let Some(bundle) = &args.bundle else { return check_health(args.listen, host) };
    let opened = open_bundle(bundle)?;
    let predictor = Predictor::load(&opened.artifact)?;
    let told = json!({ "model": predictor.name, "version": predictor.version, "digest": predictor.digest });
    if let Some(note) = check::store_note(&predictor.contract, &predictor.inputs).filter(|_| !host.quiet) {
        output::note(&note);
    }
    let golden = opened.artifact.golden.len();
    evenstep_server::serve(predictor, args.listen, |address| {
        if host.json {
            let mut told = told.clone();
            told["address"] = json!(address.to_string());
            output::line(&told.to_string());
        } else {
            output::line(&format!("{} golden rows give their bits on this host", golden));
            output::line(&format!(
                "serving {} at http://{address}/predict",
                told["version"].as_str().unwrap_or_default()
            ));
        }
    })
    .map_err(|error| PipelineError::input(error.to_string()))?;
    Ok(ExitCode::SUCCESS)
}

/// Asks the server at an address whether it is well.
fn check_health(address: SocketAddr, host: &Host) -> Answer {
    let (well, said) = match evenstep_server::check(address) {
        Ok(said) => (true, said),
        Err(error) => (false, error.to_string()),
    };
    if host.json {
        output::json(&json!({ "well": well, "said": said }));
    } else {
        output::line(said.trim_end());
    }
    Ok(ExitCode::from(u8::from(!well)))
}
