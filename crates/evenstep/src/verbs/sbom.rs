//! `sbom`: what the engine, or a bundle, is made of.

use std::process::ExitCode;

use super::{Answer, open_bundle};
use crate::cli::Sbom;
use crate::{output, sbom};

pub(crate) fn sbom(args: &Sbom) -> Answer {
    match &args.bundle {
        None => output::json(sbom::of_engine()),
        Some(path) => output::json(&open_bundle(path)?.sbom),
    }
    Ok(ExitCode::SUCCESS)
}
