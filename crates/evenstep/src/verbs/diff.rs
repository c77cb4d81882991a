//! `diff`: where two runs part, and why.

mod page;
mod subject;

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use evenstep_exact::reduce::Workers;
use evenstep_pipeline::PipelineError;
use evenstep_pipeline::diff::{self, Change, Difference, Place, RowChange, State};
use evenstep_table::{ColumnName, counted};
use owo_colors::OwoColorize;

use super::apart::{apart, called_as};
use super::{Answer, write_files};
use crate::cli::Diff;
use crate::{Host, output};

/// So many rows, and so many columns of a stage, are told; JSON has more.
const ROWS_TOLD: usize = 10;
const COLUMNS_TOLD: usize = 4;

/// Where two runs part: each a spec, lock, bundle or trace, or a folder with one; and where its data are, if not where its
/// lock says.
///
/// # Errors
/// A path with none of these.
pub fn difference(
    runs: [(&Path, Option<&str>); 2],
    no_data: bool,
    workers: &Workers,
) -> Result<Difference, PipelineError> {
    let [(a, data_a), (b, data_b)] = runs;
    let mut sides = [subject::read(a, "A")?, subject::read(b, "B")?];
    for (side, data) in sides.iter_mut().zip([data_a, data_b]) {
        subject::set_data(side, data, no_data);
    }
    let [a, b] = &mut sides;
    share(a, b);
    share(b, a);
    let mut difference = diff::diff(a, b, workers);
    if no_data {
        difference.notes.retain(|note| !note.contains(diff::UNREAD));
    }
    Ok(difference)
}

/// A run of the same artifact as another is described by what lies beside that one.
fn share(from: &diff::Side, to: &mut diff::Side) {
    if to.digest.is_some() && to.digest == from.digest && to.document.is_none() {
        to.document = from.document.clone();
        to.artifact = to.artifact.take().or_else(|| from.artifact.clone());
    }
}

/// The page that shows a difference of runs that are called `a` and `b`.
pub fn difference_page(difference: &Difference, a: &str, b: &str) -> String {
    evenstep_report::difference_html(&page::page(difference, a, b))
}

pub(crate) fn diff(args: &Diff, host: &Host) -> Answer {
    apart([args.a.as_path(), &args.b], args.html.as_deref())?;
    args.html.as_deref().map_or(Ok(()), |page| called_as(page, "a page", "html"))?;
    let runs = [(args.a.as_path(), args.data_a.as_deref()), (args.b.as_path(), args.data_b.as_deref())];
    let difference = difference(runs, args.no_data, &Workers::threads(args.threads))?;
    if let Some(path) = &args.html {
        let page = difference_page(&difference, &args.a.display().to_string(), &args.b.display().to_string());
        write_files(&host.files, &[(path.as_path(), page.as_bytes())])?;
    }
    if host.json {
        output::json(&difference);
    } else {
        tell(&difference, args);
    }
    Ok(ExitCode::from(u8::from(!difference.equal)))
}

fn tell(difference: &Difference, args: &Diff) {
    output::line(&format!("  A  {}\n  B  {}\n", args.a.display(), args.b.display()));
    match &difference.first {
        None => {
            let state = if difference.equal { State::Same } else { State::Differs };
            output::coloured(&format!("  {}", paint(&page::nowhere(difference).to_lowercase(), state)));
        }
        Some(place) => tell_place(place),
    }
    if !difference.causes.is_empty() {
        output::line("\nwhy");
        for cause in &difference.causes {
            let likely = if cause.likely { "likely: " } else { "" };
            output::line(&format!("  {likely}{}", cause.text));
        }
    }
    output::line("\nstage by stage");
    let parting = difference.first.as_ref().map(|place| place.stage.as_str());
    for stage in &difference.stages {
        let word = match stage.state {
            State::Same => "same",
            State::Differs => "DIFFERS",
            State::Unknown => "–",
        };
        let mark = if parting == Some(stage.stage.as_str()) { "►" } else { " " };
        let columns = page::columns_told(stage, COLUMNS_TOLD);
        let what = format!("{:32} {columns}", stage.stage);
        let what = output::one_line(what.trim_end());
        output::coloured(&format!("{mark} {}  {what}", paint(&format!("{word:7}"), stage.state)));
    }
    for note in &difference.notes {
        output::line(&format!("\n  note: {note}"));
    }
    if difference.notes.iter().any(|note| note.contains(diff::UNREAD)) {
        output::line(
            "\n  help: `--data-a` and `--data-b` say where the data are now, and a bundle or lock beside a trace how they are read",
        );
    }
}

fn tell_place(place: &Place) {
    let column = place.column.as_ref().map_or(String::new(), |column| format!(", column `{column}`"));
    let said = format!("they part at {}{column}", place.stage);
    output::coloured(&format!("  {}", paint(&output::one_line(&said), State::Differs)));
    for row in place.rows.iter().take(ROWS_TOLD) {
        output::line(&format!("    {}", row_told(row, place.column.as_ref())));
    }
    match (place.many, place.rows.len().saturating_sub(ROWS_TOLD)) {
        (true, _) if place.rows.is_empty() => output::line("    more rows than a trace can name"),
        (true, _) => output::line("    and more"),
        (false, 0) => {}
        (false, more) => output::line(&format!("    and {}", counted(more, "more row"))),
    }
}

/// A row in a line: what became of it, what it is called, and its cells, those of the column where the runs part first.
fn row_told(row: &RowChange, first: Option<&ColumnName>) -> String {
    let cell = |cell: Option<&Option<String>>| match cell {
        Some(Some(text)) => diff::visible(text).into_owned(),
        Some(None) => "missing".to_owned(),
        None => "?".to_owned(),
    };
    let names = row.a.iter().chain(&row.b).flat_map(|cells| cells.keys()).collect::<std::collections::BTreeSet<_>>();
    let mut names: Vec<&ColumnName> = names.into_iter().collect();
    names.sort_by_key(|name| Some(*name) != first);
    let cells = names.iter().take(COLUMNS_TOLD).map(|name| {
        let of = |cells: &Option<diff::Cells>| cell(cells.as_ref().and_then(|cells| cells.get(*name)));
        match row.change {
            Change::Changed => format!("{name}: {} → {}", of(&row.a), of(&row.b)),
            Change::Removed => format!("{name}: {}", of(&row.a)),
            Change::Added => format!("{name}: {}", of(&row.b)),
        }
    });
    let cells: Vec<String> = cells.collect();
    format!("{:9} {}  {}", page::change_word(row.change), page::name_of(row), cells.join(", ")).trim_end().to_owned()
}

fn paint(text: &str, state: State) -> String {
    let is_seen = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    match state {
        State::Same if is_seen => text.green().to_string(),
        State::Differs if is_seen => text.red().to_string(),
        _ => text.to_owned(),
    }
}
