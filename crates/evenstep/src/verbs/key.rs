//! `key new`: a private key, and the public one beside it. `key api`: a key for a client of `serve`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use evenstep_attest::PrivateKey;
#[cfg(feature = "serve")]
use evenstep_files::write;
use evenstep_files::{Access, Turn, write_for};
use evenstep_pipeline::PipelineError;
#[cfg(feature = "serve")]
use evenstep_server::ApiKeys;
use serde_json::json;

#[cfg(feature = "serve")]
use super::unusable;
use super::{Answer, file_error};
#[cfg(feature = "serve")]
use crate::cli::KeyApi;
use crate::cli::{Key, KeyNew, KeyVerb};
use crate::{Host, attestation, output};

pub(crate) fn key(args: &Key, host: &Host) -> Answer {
    match &args.verb {
        KeyVerb::New(args) => new(args, host),
        #[cfg(feature = "serve")]
        KeyVerb::Api(args) => api(args, host),
        #[cfg(not(feature = "serve"))]
        KeyVerb::Api(args) => super::left_out::left_out(args),
    }
}

fn new(args: &KeyNew, host: &Host) -> Answer {
    let mut public_path = OsString::from(&args.output);
    public_path.push(".pub");
    let public_path = PathBuf::from(public_path);
    // Of two that are made at once under one name, the second is refused.
    let _turn = Turn::wait(&args.output);
    for path in [&args.output, &public_path] {
        if path.exists() {
            return Err(PipelineError::input(format!("`{}` is there already", path.display()))
                .help("a key that is lost can't be made again: choose another `--output`".to_owned()));
        }
    }
    let private = PrivateKey::generate().map_err(|error| attestation::refused(&error))?;
    let public = private.public();
    let write = |access, path: &Path, text: &str| write_for(access, &host.files, path, text.as_bytes());
    write(Access::Private, &args.output, &private.pem()).map_err(file_error)?;
    write(Access::Public, &public_path, &public.pem()).map_err(file_error)?;
    if host.json {
        output::json(&json!({
            "private": output::path(&args.output),
            "public": output::path(&public_path),
            "key": public.id(),
            "line": public.line(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    output::line(&format!("  private  {}  (nobody else may have it)", args.output.display()));
    output::line(&format!("  public   {}", public_path.display()));
    output::line(&format!("\nfor a policy:\n\n[[key]]\nname = \"…\"\npublic = \"{}\"", public.line()));
    Ok(ExitCode::SUCCESS)
}

#[cfg(feature = "serve")]
fn api(args: &KeyApi, host: &Host) -> Answer {
    let path = args.file.as_path();
    let _turn = Turn::wait(path);
    let is_there = path.exists();
    let mut keys = if is_there { read_keys(path)? } else { ApiKeys::default() };
    let key = keys.add(&args.name, args.requests_per_second).map_err(|error| unusable(path, error))?;
    let text = keys.text();
    // Who else may read one that is there, as the user whom the server runs as, its owner has said.
    let written = match is_there {
        true => write(&host.files, path, text.as_bytes()),
        false => write_for(Access::Private, &host.files, path, text.as_bytes()),
    };
    written.map_err(file_error)?;
    if host.json {
        let per_second = args.requests_per_second;
        output::json(
            &json!({ "name": args.name, "key": key, "file": output::path(path), "requests_per_second": per_second }),
        );
    } else {
        output::line(&key);
        output::note(&format!("only its hash is kept, in {}: give it to {} now", path.display(), args.name));
    }
    Ok(ExitCode::SUCCESS)
}

/// The keys that a server takes.
#[cfg(feature = "serve")]
pub(crate) fn read_keys(path: &Path) -> Result<ApiKeys, PipelineError> {
    let text = evenstep_files::read_short_text(path)
        .map_err(|error| PipelineError::input(format!("`{}` can't be read: {error}", path.display())))?;
    ApiKeys::parse(&text).map_err(|error| unusable(path, error))
}
