//! `completions`: what a shell completes of the command line.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::{Cli, Completions};
use crate::output;

pub(crate) fn completions(args: &Completions) -> ExitCode {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    output::raw(script);
    ExitCode::SUCCESS
}
