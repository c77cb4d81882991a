//! `key new`: a private key, and the public one beside it.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use evenstep_attest::PrivateKey;
use evenstep_files::{FileError, Output, Private};
use evenstep_pipeline::PipelineError;
use serde_json::json;

use super::{Answer, file_error, write_files};
use crate::cli::{Key, KeyVerb};
use crate::{Host, attestation, output};

pub(crate) fn key(args: &Key, host: &Host) -> Answer {
    let KeyVerb::New(args) = &args.verb;
    let mut public_path = OsString::from(&args.out);
    public_path.push(".pub");
    let public_path = PathBuf::from(public_path);
    for path in [&args.out, &public_path] {
        if path.exists() {
            return Err(PipelineError::input(format!("`{}` is there already", path.display()))
                .help("a key that is lost can't be made again: choose another `--out`".to_owned()));
        }
    }
    let private = PrivateKey::generate().map_err(|error| attestation::refused(&error))?;
    let public = private.public();
    let write = || {
        let mut output = Output::create(Arc::new(Private), &args.out)?;
        output.write_all(private.pem().as_bytes()).map_err(|error| FileError::new(&args.out, "write", error))?;
        output.commit()
    };
    write().map_err(file_error)?;
    write_files(host, &[(public_path.as_path(), public.pem().as_bytes())])?;
    if host.json {
        output::json(&json!({
            "private": args.out,
            "public": public_path,
            "key": public.id(),
            "line": public.line(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    output::line(&format!("  private  {}  (nobody else may have it)", args.out.display()));
    output::line(&format!("  public   {}", public_path.display()));
    output::line(&format!("\nfor a policy:\n\n[[key]]\nname = \"…\"\npublic = \"{}\"", public.line()));
    Ok(ExitCode::SUCCESS)
}
