//! `sign`: vouches for a bundle, with a key of one's own.

use std::process::ExitCode;

use evenstep_attest::{Envelope, PrivateKey};
use evenstep_files::Turn;
use evenstep_pipeline::PipelineError;
use serde_json::json;

use super::{Answer, read_bundle, unreadable, unusable, write_files};
use crate::cli::Sign;
use crate::{Host, attestation, output};

pub(crate) fn sign(args: &Sign, host: &Host) -> Answer {
    let bytes = read_bundle(&args.bundle)?;
    let opened = evenstep_bundle::open(&bytes).map_err(|error| unusable(&args.bundle, error))?;
    let pem = std::fs::read_to_string(&args.key).map_err(|error| unreadable(&args.key, &error))?;
    let key = PrivateKey::parse(&pem).map_err(|error| unusable(&args.key, error))?;
    let path = attestation::beside(&args.bundle);
    let _turn = Turn::wait(&path);
    let statement = attestation::statement(&args.bundle, &bytes, &opened.artifact);
    let envelope = attestation::read(&path)?;
    let same = |envelope: &Envelope| {
        envelope
            .statement()
            .is_ok_and(|signed| signed.subject.iter().map(|of| &of.digest).eq([&statement.subject[0].digest]))
    };
    let mut envelope = match envelope {
        Some(envelope) if same(&envelope) => envelope,
        Some(_) if !args.replace => {
            return Err(PipelineError::input(format!("`{}` holds signatures of another bundle", path.display()))
                .help("`--replace` puts yours in their place".to_owned()));
        }
        _ => Envelope::new(&statement),
    };
    envelope.sign(&key).map_err(|error| attestation::refused(&error))?;
    write_files(&host.files, &[(path.as_path(), envelope.text().as_bytes())])?;
    let public = key.public();
    if host.json {
        output::json(&json!({
            "signatures": path,
            "key": public.id(),
            "digest": opened.digest,
            "signed": envelope.signatures.iter().map(|signature| &signature.keyid).collect::<Vec<_>>(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    output::line(&format!("  signed   {}", opened.digest));
    output::line(&format!("  key      {}", public.id()));
    let others = envelope.signatures.len() - 1;
    let beside = if others == 0 { String::new() } else { format!("  (beside {others} of others)") };
    output::line(&format!("  written  {}{beside}", path.display()));
    Ok(ExitCode::SUCCESS)
}
