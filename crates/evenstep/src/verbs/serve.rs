//! `serve`: predictions over HTTP, once the golden rows gave their bits.

mod live;
mod loading;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use evenstep_pipeline::trace::Origin;
use evenstep_pipeline::{Interface, Latency, Mode, PipelineError};
use evenstep_server::{
    ActLog, ActLogError, AdminOptions, Bundle, Keyring, Listening, LogFormat, Models, Options, ServeError, TlsFiles,
    path_of,
};
use serde_json::{Value, json};

use self::live::Live;
use self::loading::Loading;
use super::apart::{apart, called_as};
use super::kept::Promised;
use super::{Answer, unusable};
use crate::cli::{self, Reach, Serve};
use crate::{Host, output};

pub(crate) fn serve(args: &Serve, host: &Host) -> Answer {
    if args.check {
        return check_health(args, host);
    }
    if args.bundles.is_empty() && args.config.is_none() {
        return Err(PipelineError::input("nothing to serve was named")
            .help("name bundles, or a file that lists them by `--config FILE`".to_owned()));
    }
    let (keys, admin) = (keys(&args.reach)?, admin(args, host)?);
    let quiet = host.quiet || matches!(args.log, Some(cli::LogFormat::Json));
    let contract = args.contract.as_deref().map(|path| Promised::read(path, host)).transpose()?;
    let loading = Arc::new(Loading::new(args.policy.as_deref(), contract, quiet)?);
    let models = models(args, &loading)?;
    let live = args.trace.as_deref().map(|path| live(path, args, &models, host)).transpose()?;
    let options = Options {
        listen: args.reach.listen,
        keys,
        allowed_hosts: args.reach.allow_host.clone(),
        traces: live.as_ref().map(Live::traces),
        tls: args.tls_cert.clone().zip(args.tls_key.clone()).map(|(certificate, key)| TlsFiles { certificate, key }),
        admin,
        log: args.log.map(|format| match format {
            cli::LogFormat::Json => LogFormat::Json,
            cli::LogFormat::Text => LogFormat::Text,
        }),
        pace: None,
        shutdown_delay: Duration::from_secs(args.shutdown_delay),
    };
    let told = Told {
        served: models.served(),
        latency: models.with_default(|predictor| predictor.serving.latency),
        scheme: if options.tls.is_some() { "https" } else { "http" },
    };
    std::thread::scope(|scope| {
        let (stop, stopped) = channel::<()>();
        let writer = live.as_ref().map(|live| scope.spawn(move || live.write_until(&stopped)));
        let served = evenstep_server::serve(models, options, |listening| {
            live.iter().for_each(Live::begin);
            told.tell(listening, &loading, host);
        })
        .map_err(|error| unserved(&error, args.admin));
        drop(stop);
        let written = writer.map_or(Ok(()), |writer| writer.join().expect("it doesn't panic"));
        served.and(written)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Why nothing is served; who listens elsewhere may say where else to.
pub(super) fn unserved(error: &ServeError, admin: Option<SocketAddr>) -> PipelineError {
    let help = match error {
        ServeError::Listen(at, cause) if cause.kind() == ErrorKind::AddrInUse => {
            let option = if admin == Some(*at) { "admin" } else { "listen" };
            let free = SocketAddr::new(at.ip(), 0);
            Some(format!(
                "another program listens there: end it, or name another port; `--{option} {free}` takes any that is free"
            ))
        }
        _ => None,
    };
    PipelineError::input(error.to_string()).help(help)
}

/// The bundles that the arguments name, or those that a file lists.
fn models(args: &Serve, loading: &Arc<Loading>) -> Result<Models, PipelineError> {
    let models = match &args.config {
        Some(config) => Models::of_config(config, loading.loader()),
        None => {
            let bundles = args.bundles.iter().map(|path| loading.load(Bundle::At(path)));
            Models::of_bundles(bundles.collect::<Result<_, _>>()?, loading.loader())
        }
    };
    models.map_err(|error| match loading.has_refused() {
        true => PipelineError::no(error.to_string()),
        false => PipelineError::input(error.to_string()),
    })
}

/// Who may ask. Beyond this host it has to be said, one way or the other.
pub(super) fn keys(reach: &Reach) -> Result<Option<Keyring>, PipelineError> {
    let Reach { listen, api_keys, insecure, .. } = reach;
    let Some(path) = api_keys else {
        if *insecure || listen.ip().is_loopback() {
            return Ok(None);
        }
        let message = format!("`{listen}` is reached from beyond this host, and no keys are asked for");
        let help = "make one by `evenstep key api NAME` and give `--api-keys api-keys.toml`; or say `--insecure`";
        return Err(PipelineError::input(message).help(help.to_owned()));
    };
    some_keys(path, "make one by `evenstep key api NAME`").map(Some)
}

/// Who may say what is served, and where. Their keys are never sent in the clear beyond this host.
fn admin(args: &Serve, host: &Host) -> Result<Option<AdminOptions>, PipelineError> {
    let Some((listen, path)) = args.admin.zip(args.admin_keys.as_deref()) else { return Ok(None) };
    if listen == args.reach.listen && listen.port() != 0 {
        return Err(PipelineError::input(format!("`--admin` is {listen}, and needs another than `--listen`")));
    }
    if !listen.ip().is_loopback() && args.tls_cert.is_none() {
        let message = format!("`{listen}` is reached from beyond this host, where keys would be read on their way");
        let help = "give `--tls-cert FILE --tls-key FILE`, or a loopback address to `--admin`";
        return Err(PipelineError::input(message).help(help.to_owned()));
    }
    let keys = some_keys(path, "make one by `evenstep key api NAME --file admin-keys.toml`")?;
    let acts = args.admin_log.as_deref().map(|path| ActLog::open(&*host.files, path)).transpose();
    let acts = acts.map_err(|error| {
        let help = match error {
            ActLogError::Broken { .. } => Some("find out who did that, keep the file, and name another one".to_owned()),
            ActLogError::Unusable(..) => None,
        };
        PipelineError::input(error.to_string()).help(help)
    })?;
    Ok(Some(AdminOptions { listen, keys, acts }))
}

fn some_keys(path: &Path, help: &str) -> Result<Keyring, PipelineError> {
    let refused = |error| unusable(path, error);
    let keys = Keyring::open(path).map_err(refused)?;
    if keys.is_empty() {
        let message = format!("`{}` has no keys, so nobody could ask", path.display());
        return Err(PipelineError::input(message).help(help.to_owned()));
    }
    Ok(keys)
}

/// A file is the trace of one artifact; a folder has one of each.
fn live<'a>(path: &'a Path, args: &Serve, models: &Models, host: &'a Host) -> Result<Live<'a>, PipelineError> {
    let is_log_json = matches!(args.log, Some(cli::LogFormat::Json));
    if path.is_dir() {
        return Live::of_all(path, is_log_json, host);
    }
    if args.bundles.len() != 1 || args.admin.is_some() {
        let message = format!("`{}` would be the trace of one bundle, and several may be served", path.display());
        return Err(
            PipelineError::input(message).help("name a folder that is there: each bundle has a trace in it".to_owned())
        );
    }
    apart(args.bundles.iter().map(PathBuf::as_path), [path])?;
    called_as(path, "a trace", "trace")?;
    Live::of_one(path, models.with_default(|predictor| predictor.trace_head(Origin::Serve)), is_log_json, host)
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

/// What is told once requests are taken.
struct Told {
    /// Name, version and digest, the default first.
    served: Vec<(String, String, String)>,
    /// The budget of the default.
    latency: Latency,
    scheme: &'static str,
}

impl Told {
    fn tell(&self, Listening { address, admin }: Listening, loading: &Loading, host: &Host) {
        let noted = loading.take_noted();
        let scheme = self.scheme;
        if !host.json {
            output::line(&format!("{} golden rows give their bits on this host", noted.golden));
            if let Some(p99) = self.latency.p99 {
                output::line(&format!(
                    "answers are to take {p99} at most, 99 of a hundred; `GET /metrics` counts others"
                ));
            }
            for (at, (name, version, _)) in self.served.iter().enumerate() {
                let path = if at == 0 { String::new() } else { path_of(name, version) };
                let what = if self.served.len() == 1 { version.clone() } else { format!("{name} {version}") };
                output::line(&format!("serving {what} at {scheme}://{address}{path}/predict"));
            }
            output::line(&format!("a request to try is on its page, {scheme}://{address}/docs"));
            if let Some(admin) = admin {
                output::line(&format!("told what to serve at {scheme}://{admin}/models"));
            }
            return;
        }
        let of = |(model, version, digest): &(String, String, String)| json!({ "model": model, "version": version, "digest": digest });
        let mut told = of(&self.served[0]);
        let mut add = |name: &str, value: Value| told[name] = value;
        if !noted.environment.is_empty() {
            add("environment", json!(noted.environment));
        }
        if !self.latency.is_empty() {
            add("latency", json!(self.latency));
        }
        if self.served.len() > 1 {
            add("models", self.served.iter().map(of).collect());
        }
        add("address", json!(address.to_string()));
        if let Some(admin) = admin {
            add("admin", json!(admin.to_string()));
        }
        output::line(&told.to_string());
    }
}

/// Asks the server at an address whether it is well; by TLS, if it is said which certificate it shows.
fn check_health(args: &Serve, host: &Host) -> Answer {
    let (well, said) = match evenstep_server::check(args.reach.listen, args.tls_cert.as_deref()) {
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
