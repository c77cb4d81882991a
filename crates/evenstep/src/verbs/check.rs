//! `check`: spec, contract and data, without training.

use std::process::ExitCode;

use evenstep_pipeline::check;
use evenstep_table::counted;

use super::kept::Promised;
use super::{Answer, read_spec};
use crate::cli::Check;
use crate::{Host, output};

pub(crate) fn check(args: &Check, host: &Host) -> Answer {
    let spec = read_spec(&args.spec)?;
    let checked = host.run(args.spec.threads, |run| check::check(&spec, run))?;
    if let (Some(contract), Some(interface)) = (&args.contract, &checked.interface) {
        Promised::read(contract, host)?.keep(interface, "the spec")?;
    }
    if host.json {
        output::json(&checked);
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
    if checked.ok {
        output::line(&format!("\n  ok: {} would reach the model", counted(checked.features.len(), "feature")));
        return Ok(ExitCode::SUCCESS);
    }
    output::line(&format!("\n  no: the contract refuses {}", counted(checked.rejected.count, "cell")));
    Ok(ExitCode::from(1))
}
