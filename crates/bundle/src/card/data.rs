//! What the model learned from, and how rows were held out.

use evenstep_pipeline::Artifact;
use evenstep_table::profile::ColumnProfile;
use evenstep_table::{Kind, Rule, counted, iso};

use super::markdown::{Markdown, code, number, percent, plain};

/// So many categories of a column are named.
const NAMED: usize = 5;

pub(super) fn of(artifact: &Artifact, card: &mut Markdown) {
    let evaluation = &artifact.evaluation;
    card.heading("Data");
    card.paragraph(&format!(
        "Learned from {}; {} held out, {}.",
        counted(evaluation.training_rows, "row"),
        counted(evaluation.held_out_rows, "row"),
        split(artifact)
    ));
    if let Some(weight) = &artifact.data.weight {
        card.paragraph(&format!("Each row weighs as much as its {} says.", code(weight.as_str())));
    }
    card.paragraph(
        "These are the input columns, as they were in the rows learned from. Lowest and highest values are what the model \
         knows: of values beyond them nothing was measured.",
    );
    let rows = artifact.profile.columns.iter().map(|(name, column)| {
        let rule = artifact.contract.columns.get(name).map(|rule| &**rule);
        [
            code(name.as_str()),
            column.kind.word().to_owned(),
            rule.and_then(|rule| rule.unit.as_deref()).map_or_else(String::new, plain),
            percent(column.nulls, artifact.profile.rows),
            values(column, rule),
        ]
    });
    card.table(["column", "type", "unit", "missing", "values"], rows);
}

/// How it was chosen which rows are held out.
fn split(artifact: &Artifact) -> String {
    let split = &artifact.data.split;
    let by = match (&artifact.data.group, artifact.data.id.as_slice()) {
        (Some(group), _) => format!("whole groups by {}", code(group.as_str())),
        (None, []) => "by the content of each row, so that equal rows are on one side".to_owned(),
        (None, id) => {
            let names: Vec<String> = id.iter().map(|name| code(name.as_str())).collect();
            format!("by {}", names.join(", "))
        }
    };
    let folds = split["folds"].as_u64().filter(|folds| *folds > 1).map_or(String::new(), |folds| {
        let repeats = split["repeats"].as_u64().unwrap_or(1);
        let repeated = if repeats > 1 { format!(", {repeats} times") } else { String::new() };
        format!("; cross-validated in {folds} folds{repeated}")
    });
    format!("chosen {by} (a share of {}, seed {}){folds}", split["test"], split["seed"].to_string().replace('"', ""))
}

/// The values of a column, shortly. Those of columns that tell of people are in no profile.
fn values(column: &ColumnProfile, rule: Option<&Rule>) -> String {
    if rule.is_some_and(|rule| rule.personal) {
        let distinct = column.distinct.map_or_else(String::new, |distinct| format!("; {distinct} distinct"));
        return format!("personal: not shown{distinct}");
    }
    let print = |x: f64| match column.kind {
        Kind::Date | Kind::Time | Kind::Datetime(_) => iso::print_as(column.kind, x as i64),
        Kind::Boolean if x == 0.0 => "false".to_owned(),
        Kind::Boolean => "true".to_owned(),
        _ => number(x),
    };
    match (column.distinct, column.quantiles.as_slice()) {
        (Some(distinct), _) if column.kind == Kind::Category => {
            let named: Vec<String> = column.top.iter().take(NAMED).map(|(value, _)| code(value)).collect();
            let more = if distinct > named.len() as u64 { ", …" } else { "" };
            format!("{distinct} distinct: {}{more}", named.join(", "))
        }
        (Some(distinct), _) => format!("{distinct} distinct"),
        (None, [low, .., high]) if low == high => format!("always {}", print(*low)),
        (None, [low, .., high]) => {
            let median = column.quantiles[column.quantiles.len() / 2];
            format!("{} to {}, median {}", print(*low), print(*high), print(median))
        }
        (None, _) => "none".to_owned(),
    }
}
