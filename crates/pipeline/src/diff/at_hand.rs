//! Trainings whose traces name no rows, though both have their data: what came in is traced once more, of both alike.

use evenstep_exact::reduce::Workers;
use serde_json::Value;

use super::Side;
use super::reread::unread;
use crate::prepare::prepare;
use crate::trace::{Head, Origin, Recorder, SALT_BYTES, Salt};
use crate::{Run, Silent, Spec};

/// Both sides with traces of what came in, which have one salt; None where that tells no more than is known, or can't be done.
/// Data that are no longer those of the training are told in the notes.
pub(crate) fn traced(a: &Side, b: &Side, notes: &mut Vec<String>, workers: &Workers) -> Option<[Side; 2]> {
    let fingerprint = |side: &Side| Some(side.document.as_ref()?.get("fingerprint")?.clone());
    let are_other_data = fingerprint(a)? != fingerprint(b)?;
    let is_training =
        |side: &Side| side.trace.as_ref().is_none_or(|trace| trace.head.origin == Origin::Train) && side.data.is_some();
    if !are_other_data || can_name_rows(a, b) || ![a, b].into_iter().all(is_training) {
        return None;
    }
    let mut traced = |side| again(side, workers).map_err(|why| notes.push(unread(side, &why))).ok();
    Some([traced(a)??, traced(b)??])
}

/// Whether the traces that there are name rows themselves.
fn can_name_rows(a: &Side, b: &Side) -> bool {
    let has_salt = a.salt.is_some() || b.salt.is_some();
    let share = |(a, b): (&crate::trace::Trace, &crate::trace::Trace)| a.shares_salt_with(b);
    has_salt && a.trace.as_ref().zip(b.trace.as_ref()).is_some_and(share)
}

/// Reads the data as the training did; None without a spec that says how.
///
/// # Errors
/// A sentence on data that can't be read, or are no longer what was trained on.
fn again(side: &Side, workers: &Workers) -> Result<Option<Side>, String> {
    let spec = side.artifact.as_ref().map(|artifact| &artifact.spec).or(side.spec.as_ref());
    let (Some(spec), Some(data), Some(digest)) = (spec, &side.data, &side.digest) else { return Ok(None) };
    let source = data.base.join(&data.source);
    let spec = Spec::from_resolved(spec, &source.to_string_lossy()).map_err(|error| error.message)?;
    let recorder = Recorder::default();
    let run = Run { workers, progress: &Silent, trace: Some(&recorder) };
    let prepared = prepare(&spec, &run).map_err(|error| error.message)?;
    let locked = side.document.as_ref().and_then(|document| document.get("fingerprint")).and_then(Value::as_str);
    if locked != Some(&prepared.fingerprint) {
        return Err("they are no longer what was trained on".to_owned());
    }
    let head = Head { origin: Origin::Train, name: side.name.clone(), digest: digest.clone(), id: prepared.roles.id };
    // Nobody stores these traces, so that there is nothing to hide.
    let salt = Salt::new(&[0; SALT_BYTES]);
    Ok(Some(Side {
        name: side.name.clone(),
        digest: side.digest.clone(),
        document: side.document.clone(),
        artifact: side.artifact.clone(),
        trace: Some(recorder.trace(head, &salt)),
        salt: Some(salt),
        data: side.data.clone(),
        ..Side::default()
    }))
}
