//! `sign`: vouches for a bundle, with a key of one's own.

use std::path::Path;
use std::process::ExitCode;

use evenstep_attest::{Difference, Envelope, PrivateKey, Statement, sha256};
use evenstep_files::Turn;
use evenstep_pipeline::PipelineError;
use serde_json::json;

use super::init::for_shell;
use super::{Answer, read_bundle, unreadable, unusable, write_files};
use crate::cli::Sign;
use crate::environment::SBOM;
use crate::verification::{FACTS, How, of_bundle};
use crate::{Host, attestation, output};

pub(crate) fn sign(args: &Sign, host: &Host) -> Answer {
    if let Some(last) = args.expires.filter(|last| *last < attestation::today()) {
        return Err(PipelineError::input(format!("`{last}` is over, so the signature would never count"))
            .help("give the last day on which it is to count, in UTC".to_owned()));
    }
    let bytes = read_bundle(&args.bundle)?;
    let opened = evenstep_bundle::open(&bytes).map_err(|error| unusable(&args.bundle, error))?;
    let pem = evenstep_files::read_short_text(&args.key).map_err(|error| unreadable(&args.key, &error))?;
    let key = PrivateKey::parse(&pem).map_err(|error| unusable(&args.key, error))?;
    hold_together(args, &bytes, host)?;
    if let Some(note) = is_open_to_others(&args.key).filter(|_| !host.quiet) {
        output::note(&note);
    }
    let path = attestation::beside(&args.bundle);
    let _turn = Turn::wait(&path);
    let name = args.bundle.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    let facts = attestation::facts(&args.bundle, &opened.digest);
    let has_facts = facts.is_some();
    if !has_facts && !host.quiet {
        output::note(&match attestation::other_lock_beside(&args.bundle) {
            Some((lock, digest)) => format!("`{}` beside the bundle is of another artifact, {digest}", lock.display()),
            None => "no lock lies beside the bundle: engine, commit, host and times of its training are not signed"
                .to_owned(),
        });
    }
    let own = attestation::statement(&name, &sha256(&bytes), &opened.artifact, facts.unwrap_or_default());
    let own = args.expires.into_iter().fold(own, Statement::until);
    // What is signed is always the statement of who signs: of what lies there, signatures of the same alone are kept.
    let mut envelope = Envelope::new(&own);
    let beside = match attestation::read(&path) {
        Err(_) if args.replace => None,
        Err(error) => {
            return Err(
                error.help("`--replace` puts your statement, and your signature alone, in its place".to_owned())
            );
        }
        Ok(beside) => beside,
    };
    match beside {
        Some(beside) if beside.says_the_same(&envelope) => envelope = beside,
        Some(beside) if !args.replace => return Err(says_otherwise(&path, &beside, &own, has_facts)),
        _ => {}
    }
    envelope.sign(&key).map_err(|error| attestation::refused(&error))?;
    write_files(&host.files, &[(path.as_path(), envelope.text().as_bytes())])?;
    let public = key.public();
    if host.json {
        output::json(&json!({
            "signatures": output::path(&path),
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

/// Refuses what `verify` refuses: a bundle whose parts say different things, or the lock beside it something else.
fn hold_together(args: &Sign, bytes: &[u8], host: &Host) -> Result<(), PipelineError> {
    let found = host.run(1, |run| of_bundle(bytes, Some(&args.bundle), None, &How::default(), run))?;
    let differing: Vec<String> = found
        .checks
        .iter()
        // Facts that are not those of an earlier statement are told with that statement.
        .filter(|check| !check.equal && check.name != FACTS)
        .map(|check| format!("{}: {}", check.name, check.detail))
        .collect();
    if differing.is_empty() {
        return Ok(());
    }
    let shown = args.bundle.display();
    Err(PipelineError::no(format!("`{shown}` isn't what it says, and isn't signed: {}", differing.join("; ")))
        .help(format!("`evenstep verify {}` tells more", for_shell(&args.bundle))))
}

/// A remark on a private key that not only its owner can read.
fn is_open_to_others(key: &Path) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(key).ok()?.permissions().mode();
        let told = || format!("others than its owner may use `{0}`: `chmod 600 {1}`", key.display(), for_shell(key));
        (mode & 0o077 != 0).then(told)
    }
    #[cfg(not(unix))]
    {
        let _ = key;
        None
    }
}

/// Why the statement beside the bundle isn't signed: it differs from one's own, which bundle and lock determine.
fn says_otherwise(path: &Path, beside: &Envelope, own: &Statement, has_facts: bool) -> PipelineError {
    let there = path.display();
    let theirs = match beside.statement() {
        Ok(theirs) => theirs,
        Err(error) => {
            return PipelineError::input(format!("`{there}`: {error}"))
                .help("`--replace` puts a statement of yours in its place".to_owned());
        }
    };
    if theirs.subject.iter().map(|of| &of.digest).ne([&own.subject[0].digest]) {
        return PipelineError::input(format!("`{there}` holds signatures of another bundle"))
            .help("`--replace` puts yours in their place".to_owned());
    }
    let differences = own.differences(&theirs);
    // What differs with the libraries of an engine is told by its own bill.
    let differences = match differences.iter().any(|difference| difference.field.ends_with(SBOM)) {
        true => own.clone().without_libraries().differences(&theirs.clone().without_libraries()),
        false => differences,
    };
    let told: String = match differences.as_slice() {
        [] => " the same in another form".to_owned(),
        some => some.iter().map(|difference: &Difference| format!("\n{difference}")).collect(),
    };
    let (endless, last) = (theirs.clone().without_end(), theirs.last_day().ok().flatten());
    let theirs_have_facts = !endless.predicate.run_details.metadata.is_empty();
    let differ_in_end_alone = own.clone().without_end() == endless;
    let facts = match (has_facts, theirs_have_facts) {
        _ if differ_in_end_alone => match last {
            Some(last) => format!("with `--expires {last}` you sign the same"),
            None => "it was signed without `--expires`: without it you sign the same".to_owned(),
        },
        (true, false) => {
            "it was signed where no lock of the bundle's digest lay beside it, so it says nothing of host, times and \
                          engine: where none lies you sign the same"
                .to_owned()
        }
        (true, true) => {
            "host, times and engine are those of the lock beside the bundle, so all sign with one lock, one engine and \
                         one `--expires`"
                .to_owned()
        }
        (false, _) => {
            "no lock of its digest lies beside the bundle, so nothing can be said of host, times and engine: put that \
                       of the training there"
                .to_owned()
        }
    };
    PipelineError::input(format!("`{there}` says something else than you would sign:{told}"))
        .help(format!("{facts}; `--replace` puts your statement, and your signature alone, in its place"))
}
