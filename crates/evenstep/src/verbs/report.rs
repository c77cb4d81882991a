//! `report`: a bundle's report, as a page.

use std::process::ExitCode;

use evenstep_files::Disk;
use evenstep_pipeline::PipelineError;
use serde_json::json;

use super::{Answer, open_bundle};
use crate::cli::Report;
use crate::{Host, output};

pub(crate) fn report(args: &Report, host: &Host) -> Answer {
    let opened = open_bundle(&args.bundle)?;
    let Some(path) = &args.output else {
        output::raw(&opened.report);
        return Ok(ExitCode::SUCCESS);
    };
    evenstep_files::write_all(&Disk, &[(path, opened.report.as_bytes())])
        .map_err(|error| PipelineError::input(error.to_string()))?;
    if host.json {
        output::json(&json!({ "report": path }));
    } else {
        output::line(&format!("{}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}
