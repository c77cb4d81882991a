//! `check`: spec, contract and data, without training.

use std::process::ExitCode;

use evenstep_pipeline::{Interface, check};
use evenstep_table::{counted, some_of};
use serde_json::json;

use super::kept::Promised;
use super::locked::Locked;
use super::train::tell_absent;
use super::{Answer, read_spec};
use crate::cli::Check;
use crate::{Host, output};

/// So many fields are named of which nothing is measured.
const FIELDS_TOLD: usize = 5;

pub(crate) fn check(args: &Check, host: &Host) -> Answer {
    let spec = read_spec(&args.spec)?;
    let locked = Locked::beside(&args.spec.spec, &spec.pipeline.name);
    let checked = host.run(args.spec.threads, |run| check::check(&spec, run));
    let mut checked = checked.map_err(|error| locked.with_what_is_lost(&spec, error))?;
    let kinds = checked.columns.iter().map(|(name, column)| (name.clone(), column.kind)).collect();
    let retyped = host.run(args.spec.threads, |run| locked.retyped(&spec, &kinds, run))?;
    checked.notes.splice(..0, retyped);
    if let (Some(contract), Some(interface)) = (&args.contract, &checked.interface) {
        Promised::read(contract, host)?.keep(interface, "the spec")?;
    }
    let may_be_absent = checked.interface.as_ref().map_or_else(Vec::new, Interface::may_be_absent);
    let (evaluation, unmeasured) = locked.without(&may_be_absent);
    if host.json {
        let mut told = json!(checked);
        told["absent"] = json!(evaluation.absent);
        output::json(&told);
        return Ok(ExitCode::from(u8::from(!checked.ok)));
    }
    output::line(&format!("{}, {}\n", counted(checked.rows, "row"), counted(checked.columns.len(), "column")));
    let mut rows = vec![["column", "type", "role", "missing", "distinct", "breaches"].map(str::to_owned).to_vec()];
    for (name, column) in &checked.columns {
        let breaches: Vec<String> =
            column.breaches.iter().map(|(rule, tally)| format!("{} {rule}", tally.count)).collect();
        let distinct = column.distinct.map_or("many".to_owned(), |distinct| distinct.to_string());
        let nulls = if column.nulls == 0 { String::new() } else { column.nulls.to_string() };
        rows.push(vec![name.to_string(), column.kind.into(), column.role.into(), nulls, distinct, breaches.join(", ")]);
    }
    output::table(&rows);
    for note in &checked.notes {
        output::line(&format!("  note: {note}"));
    }
    let breaches = checked.columns.values().flat_map(|column| column.breaches.values());
    for violation in breaches.flat_map(|tally| &tally.first) {
        output::line(&format!("  {violation}"));
    }
    let of_another = if locked.is_of(&spec) { "" } else { ", which was of another spec" };
    tell_absent(&evaluation, &format!(", by the training of `{}`{of_another}", locked.path.display()));
    if !unmeasured.is_empty() {
        let fields = some_of(unmeasured.iter().map(|name| format!("`{name}`")), FIELDS_TOLD, ", ");
        output::line(&format!("\n  `evenstep train` measures what the model loses where requests leave out {fields}"));
    }
    if checked.ok {
        output::line(&format!("\n  ok: {} would reach the model", counted(checked.features.len(), "feature")));
        return Ok(ExitCode::SUCCESS);
    }
    output::line(&format!("\n  no: the contract refuses {}", counted(checked.rejected.count, "cell")));
    Ok(ExitCode::from(1))
}
