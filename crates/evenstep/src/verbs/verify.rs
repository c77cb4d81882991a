//! `verify`: trains again and compares, or proves of a bundle what can be proved of it.

use std::path::Path;
use std::process::ExitCode;

use evenstep_pipeline::{FileKind, PipelineError, Spec};
use evenstep_table::counted;

use super::{Answer, read_bundle};
use crate::cli::Verify;
use crate::environment::Difference;
use crate::verification::{Again, Found, How, of_bundle, of_spec};
use crate::{Host, attestation, output};

/// Of so many libraries is told what they were.
const LIBRARIES_TOLD: usize = 10;

pub(crate) fn verify(args: &Verify, host: &Host) -> Answer {
    let policy = args.policy.as_deref().map(attestation::policy).transpose()?;
    let how = How { shuffle: args.shuffle, frozen: args.frozen, policy };
    FileKind::expect_at(&args.subject, &[FileKind::Spec, FileKind::Bundle])?;
    let is_called_so = FileKind::of(&args.subject) == Some(FileKind::Bundle);
    let by_content = if is_called_so { None } else { bundle_by_content(&args.subject) };
    let found = if is_called_so || by_content.is_some() {
        refuse_for_bundle(args)?;
        let bytes = by_content.map_or_else(|| read_bundle(&args.subject), Ok)?;
        let again = args.data.clone().map(Again::Named);
        host.run(args.threads, |run| of_bundle(&bytes, Some(&args.subject), again, &how, run))?
    } else if args.data.is_some() {
        return Err(PipelineError::input("`--data` goes with a bundle, and this is a spec")
            .help("a spec names its data: `--set data.source=FILE` names others".to_owned()));
    } else {
        let spec = Spec::read(&args.subject, &args.overrides)?;
        host.run(args.threads, |run| of_spec(&args.subject, &spec, &how, run))?
    };
    tell(&found, host);
    Ok(ExitCode::from(u8::from(!found.equal)))
}

/// The bytes of a file that is a bundle whatever it is called, even a damaged one: a spec is text.
fn bundle_by_content(path: &Path) -> Option<Vec<u8>> {
    let bytes = evenstep_files::read_regular(path).ok()?;
    (bytes.starts_with(b"PK") || std::str::from_utf8(&bytes).is_err()).then_some(bytes)
}

/// A bundle holds its spec, and is trained again only where its data are named.
fn refuse_for_bundle(args: &Verify) -> Result<(), PipelineError> {
    let refused = |said: &str, help: &str| Err(PipelineError::input(said).help(help.to_owned()));
    if !args.overrides.is_empty() {
        return refused("`--set` goes with a spec, and this is a bundle", "a bundle's spec is as it was trained");
    }
    if args.frozen {
        return refused(
            "`--frozen` goes with a spec, whose lock is committed, and this is a bundle",
            "`--policy FILE` says who must have signed a bundle",
        );
    }
    if args.shuffle && args.data.is_none() {
        return refused("`--shuffle` trains again, and the data aren't named", "name them: `--data FILE`");
    }
    Ok(())
}

fn tell(found: &Found, host: &Host) {
    if host.json {
        output::json(found);
        return;
    }
    for check in &found.checks {
        let mark = if check.equal { "same   " } else { "DIFFERS" };
        output::line(&format!("  {mark}  {:24} {}", check.name, check.detail));
    }
    output::line("");
    for what in &found.proved {
        output::line(&format!("  proved: {what}"));
    }
    for what in &found.not_proved {
        output::line(&format!("  not proved: {what}"));
    }
    let (libraries, others): (Vec<&Difference>, Vec<&Difference>) =
        found.environment.iter().partition(|difference| difference.is_of_a_library());
    for Difference { name, then, now, matters } in
        others.into_iter().chain(libraries.iter().copied().take(LIBRARIES_TOLD))
    {
        let matters = if *matters { "training may give other bits" } else { "no digest depends on it" };
        // Some of it is what others wrote.
        output::line(&output::one_line(&format!("  {name} was {then}, here it is {now}: {matters}")));
    }
    if let more @ 1.. = libraries.len().saturating_sub(LIBRARIES_TOLD) {
        output::line(&format!("  of more libraries others: {more}; `--json` names each"));
    }
    output::line(&format!("  cost: {:.2} s, {} read", found.cost.seconds, bytes(found.cost.bytes_read)));
    let verdict = if found.equal { "equal" } else { "not equal" };
    output::line(&format!("\n  {verdict}: {}", found.how));
}

/// A size for people.
fn bytes(count: u64) -> String {
    match count {
        0..10_000 => counted(count as usize, "byte"),
        10_000..10_000_000 => format!("{} kB", count / 1000),
        _ => format!("{} MB", count / 1_000_000),
    }
}
