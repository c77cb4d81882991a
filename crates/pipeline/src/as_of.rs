//! Training on what was known by a moment: which column says since when a row is known, and its last cell that counts.

use std::collections::BTreeMap;

use evenstep_source::{Known, LeftOut, Source};
use evenstep_table::calendar::DAY;
use evenstep_table::{Clock, ColumnName, Kind, Rule, RuleSpec, calendar, counted};

use crate::roles::Roles;
use crate::spec::{AsOf, Spec};
use crate::{PipelineError, Run};

/// The role and the column that say since when a row is known: `recorded`, else `time`.
pub(crate) fn column(roles: &Roles) -> Option<(&'static str, &ColumnName)> {
    let by = |key: &str| roles.others.iter().find(|(role, _)| *role == key);
    by("recorded").or_else(|| by("time")).map(|(key, column)| (*key, column))
}

/// Which rows were known, if the spec asks for it: by `recorded`, else by `time`.
///
/// # Errors
/// A column whose cells can't be compared with the moment.
pub(crate) fn known(
    spec: &Spec,
    source: &Source,
    roles: &Roles,
    declared: &BTreeMap<ColumnName, RuleSpec>,
    run: &Run<'_>,
) -> Result<Option<Known>, PipelineError> {
    let Some(as_of) = spec.data.as_of else { return Ok(None) };
    let (key, column) = column(roles).expect("a spec with `as_of` names one of them");
    run.progress.stage("look at what was known", Some(source.bytes()));
    let told = |bytes: u64| run.progress.done(bytes, "");
    let evidence = source.infer_column(column, &spec.data.missing, run.workers, &told)?;
    let refused = |error: PipelineError, label: &str| spec.text.point(error, &["data", key], label);
    let undeclared = RuleSpec::default();
    let written = declared.get(column).unwrap_or(&undeclared);
    let zone = spec.data.zone.as_deref();
    let rule = Rule::resolve(written, evidence.kind(), zone).map_err(|error| {
        let said = PipelineError::input(format!("column `{column}`: {}", error.message)).help(error.help);
        spec.text.point(said, &["contract", column.as_str(), error.key], "this rule")
    })?;
    let latest = latest(as_of, &rule, zone).map_err(|wrong| {
        let found = format!("`as_of` goes by `{key}`, and column `{column}`");
        match wrong {
            Wrong::NoMoment => {
                let what = format!("{found} is of type {}: it can't be compared with a moment", rule.kind.word());
                let help = "name a column of dates or datetimes: `recorded = …`, or `time = …`";
                refused(PipelineError::input(what).help(help.to_owned()), "this column")
            }
            Wrong::NoZone => {
                let what = format!("{found} holds no instants, but what clocks on the wall showed: `{as_of}` is an instant");
                let civil = as_of.to_string().trim_end_matches('Z').to_owned();
                let help = format!("say where the clocks hang: [data] zone = \"Europe/Berlin\"; or let `as_of` be what they show: as_of = {civil}");
                spec.text.point(PipelineError::input(what).help(help), &["data", "as_of"], "an instant")
            }
        }
    })?;
    Ok(Some(Known::new(column.clone(), rule, &spec.data.missing, latest)))
}

enum Wrong {
    NoMoment,
    NoZone,
}

/// The last cell that counts, in the column's own unit. A day counts to its end, and a cell that is a day stands for
/// the midnight at its beginning.
fn latest(as_of: AsOf, rule: &Rule, zone: Option<&str>) -> Result<i64, Wrong> {
    // A moment at the end of the calendar is later than every cell.
    let or_last = |micros: Option<i64>| micros.unwrap_or(i64::MAX);
    let civil = |as_of| match as_of {
        AsOf::Day(days) => Ok((i64::from(days) + 1) * DAY - 1),
        AsOf::Civil(micros) => Ok(micros),
        AsOf::Instant(micros) => Ok(or_last(calendar::shown_at(zone.ok_or(Wrong::NoZone)?, micros))),
    };
    let instant = |as_of| {
        let zone = rule.zone.as_deref().unwrap_or("UTC");
        match as_of {
            AsOf::Day(days) => or_last(calendar::instant_when(zone, (i64::from(days) + 1) * DAY).map(|next| next - 1)),
            AsOf::Civil(micros) => or_last(calendar::instant_when(zone, micros)),
            AsOf::Instant(micros) => micros,
        }
    };
    match rule.kind {
        Kind::Date => civil(as_of).map(|micros| micros.div_euclid(DAY)),
        Kind::Datetime(Clock::Civil) => civil(as_of),
        Kind::Datetime(Clock::Instant) => Ok(instant(as_of)),
        _ => Err(Wrong::NoMoment),
    }
}

/// What is to be said of rows and columns that were not known yet.
pub(crate) fn notes(spec: &Spec, left_out: LeftOut, unknown: &[ColumnName]) -> Vec<String> {
    let Some(as_of) = spec.data.as_of else { return Vec::new() };
    let key = if spec.data.recorded.is_some() { "recorded" } else { "time" };
    let later = counted(left_out.later, "row");
    let mut notes = vec![format!("left out for being later than {as_of}, by `{key}`: {later}")];
    if left_out.undated > 0 {
        notes.push(format!("left out for want of a `{key}`: {}", counted(left_out.undated, "row")));
    }
    if !unknown.is_empty() {
        let names: Vec<&str> = unknown.iter().map(ColumnName::as_str).collect();
        notes.push(format!("columns without any value by {as_of}, and so no inputs: {}", names.join(", ")));
    }
    notes
}
