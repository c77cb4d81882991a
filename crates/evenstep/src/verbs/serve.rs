//! `serve`: predictions over HTTP, once the golden rows gave their bits.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use evenstep_pipeline::trace::{Head, Origin, Recorder, Salt};
use evenstep_pipeline::{Interface, Mode, PipelineError, Predictor, check};
use evenstep_server::{ApiKeys, Options};
use serde_json::json;

use super::key::read_keys;
use super::loaded::{Loaded, load};
use super::{Answer, folder_of, kept, write_files};
use crate::cli::Serve;
use crate::{Host, output, salt};

/// How often the trace of what was asked is written.
const TRACE_EVERY: Duration = Duration::from_secs(10);

pub(crate) fn serve(args: &Serve, host: &Host) -> Answer {
    let Some(bundle) = &args.bundle else { return check_health(args.listen, host) };
    let keys = keys(args.listen, args.api_keys.as_deref(), args.insecure)?;
    let Loaded { predictor, interface, golden, environment } = load(bundle, host)?;
    refuse_batch(&interface)?;
    if let Some(contract) = &args.contract {
        kept::keep(contract, &interface, "the bundle", host)?;
    }
    let serving = interface.serving;
    let mut told = json!({ "model": predictor.name, "version": predictor.version, "digest": predictor.digest });
    if !environment.is_empty() {
        told["environment"] = json!(environment);
    }
    if !serving.latency.is_empty() {
        told["latency"] = json!(serving.latency);
    }
    if let Some(note) = check::store_note(&predictor.contract, &predictor.inputs).filter(|_| !host.quiet) {
        output::note(&note);
    }
    let live = args.trace.as_deref().map(|path| Live::start(path, &predictor, host)).transpose()?;
    let recorder = live.as_ref().map(|live| Arc::clone(&live.recorder));
    let listening = |address: std::net::SocketAddr| {
        if host.json {
            let mut told = told.clone();
            told["address"] = json!(address.to_string());
            output::line(&told.to_string());
        } else {
            output::line(&format!("{} golden rows give their bits on this host", golden));
            if let Some(p99) = serving.latency.p99 {
                output::line(&format!(
                    "answers are to take {p99} at most, 99 of a hundred; `GET /metrics` counts others"
                ));
            }
            output::line(&format!(
                "serving {} at http://{address}/predict",
                told["version"].as_str().unwrap_or_default()
            ));
        }
    };
    std::thread::scope(|scope| {
        let (stop, stopped) = channel::<()>();
        let writer = live.as_ref().map(|live| scope.spawn(move || live.write_until(&stopped)));
        let options = Options {
            listen: args.listen,
            keys,
            allowed_hosts: args.allow_host.clone(),
            trace: recorder,
            serving: serving.clone(),
            pace: None,
        };
        let served = evenstep_server::serve(predictor, options, listening)
            .map_err(|error| PipelineError::input(error.to_string()));
        drop(stop);
        let written = writer.map_or(Ok(()), |writer| writer.join().expect("it doesn't panic"));
        served.and(written)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Who may ask. Beyond this host it has to be said, one way or the other.
pub(super) fn keys(
    listen: SocketAddr,
    api_keys: Option<&Path>,
    insecure: bool,
) -> Result<Option<ApiKeys>, PipelineError> {
    let Some(path) = api_keys else {
        if insecure || listen.ip().is_loopback() {
            return Ok(None);
        }
        let message = format!("`{listen}` is reached from beyond this host, and no keys are asked for");
        let help = "make one by `evenstep key api NAME` and give `--api-keys api-keys.toml`; or say `--insecure`";
        return Err(PipelineError::input(message).help(help.to_owned()));
    };
    let keys = read_keys(path)?;
    if keys.is_empty() {
        let message = format!("`{}` has no keys, so nobody could ask", path.display());
        return Err(PipelineError::input(message).help("make one by `evenstep key api NAME`".to_owned()));
    }
    Ok(Some(keys))
}

/// A contract of files alone is not served.
pub(super) fn refuse_batch(interface: &Interface) -> Result<(), PipelineError> {
    if interface.serving.mode != Mode::Batch {
        return Ok(());
    }
    let message = format!("the contract of `{}` is of files alone: `[serving] mode = \"batch\"`", interface.name);
    Err(PipelineError::input(message)
        .help("score files by `evenstep score`, or train with `mode = \"both\"`".to_owned()))
}

/// The trace of live requests, written from time to time.
struct Live<'a> {
    path: &'a Path,
    head: Head,
    salt: Salt,
    recorder: Arc<Recorder>,
    host: &'a Host,
}

impl<'a> Live<'a> {
    /// Begins with an empty trace, so that a place that can't be written is known before the first request.
    fn start(path: &'a Path, predictor: &Predictor, host: &'a Host) -> Result<Live<'a>, PipelineError> {
        let salt = salt::of_project(folder_of(path))?;
        let live = Live { path, head: predictor.trace_head(Origin::Serve), salt, recorder: Arc::default(), host };
        live.write()?;
        Ok(live)
    }

    fn write(&self) -> Result<(), PipelineError> {
        let trace = self.recorder.trace(self.head.clone(), &self.salt);
        write_files(self.host, &[(self.path, trace.to_bytes().as_slice())])
    }

    /// Writes what has been asked since the last time, until the server stops; then once more.
    fn write_until(&self, stopped: &std::sync::mpsc::Receiver<()>) -> Result<(), PipelineError> {
        let mut written = 0;
        loop {
            let is_over = stopped.recv_timeout(TRACE_EVERY) != Err(RecvTimeoutError::Timeout);
            let rows = self.recorder.rows();
            if rows != written {
                // A full disk must not stop the server; the next time may go well.
                match self.write() {
                    Ok(()) => written = rows,
                    Err(error) if is_over => return Err(error),
                    Err(error) => output::note(&format!("the trace was not written: {error}")),
                }
            }
            if is_over {
                return Ok(());
            }
        }
    }
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
