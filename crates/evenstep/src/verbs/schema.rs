//! `schema`: the JSON Schema of specs, for editors.

use std::process::ExitCode;

use crate::output;

pub(crate) fn schema() -> ExitCode {
    output::json(&evenstep_pipeline::json_schema());
    ExitCode::SUCCESS
}
