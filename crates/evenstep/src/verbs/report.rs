//! `report`: a bundle's report or model card, as a page.

use std::process::ExitCode;

use serde_json::json;

use super::apart::{apart, called_as};
use super::{Answer, open_bundle, write_files};
use crate::cli::Report;
use crate::{Host, output};

pub(crate) fn report(args: &Report, host: &Host) -> Answer {
    let opened = open_bundle(&args.bundle)?;
    let page = if args.card { evenstep_report::card_html(&opened.artifact.name, &opened.card) } else { opened.report };
    let Some(path) = &args.output else {
        if host.json {
            output::json(&json!({ "page": page }));
        } else {
            output::raw(&page);
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
