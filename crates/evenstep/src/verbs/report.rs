//! `report`: a bundle's report or model card, as a page.

use std::borrow::Cow;
use std::process::ExitCode;

use evenstep_bundle::Opened;
use serde_json::json;

use super::apart::{apart, called_as};
use super::{Answer, open_bundle, write_files};
use crate::cli::Report;
use crate::{Host, output};

/// The report of a bundle, which a stranger may have made, as a page that may be opened.
pub fn report_page(opened: &Opened) -> Cow<'_, str> {
    evenstep_report::harmless(&opened.report)
}

pub(crate) fn report(args: &Report, host: &Host) -> Answer {
    let opened = open_bundle(&args.bundle)?;
    let page = match args.card {
        true => evenstep_report::card_html(&opened.artifact.name, &opened.card),
        false => report_page(&opened).into_owned(),
    };
    let Some(path) = &args.output else {
        if host.json {
            output::json(&json!({ "page": page }));
        } else {
            output::text(&page);
        }
        return Ok(ExitCode::SUCCESS);
    };
    apart([args.bundle.as_path()], [path.as_path()])?;
    called_as(path, "a page", "html")?;
    write_files(&host.files, &[(path, page.as_bytes())])?;
    if host.json {
        output::json(&json!({ "report": output::path(path) }));
    } else {
        output::line(&format!("{}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}
