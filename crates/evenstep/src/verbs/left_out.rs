//! `serve`, `models`, `contract`, `mock` and `key api` of an engine that was built without them.

use evenstep_pipeline::PipelineError;

use super::Answer;
use crate::cli::LeftOut;

pub(crate) fn left_out(_: &LeftOut) -> Answer {
    let help = "build one that has it: `cargo build --release --locked -p evenstep --features serve`, or with `grpc`, \
                too; released engines have both";
    Err(PipelineError::input(
        "this engine was built without `serve`, and so without `models`, `contract`, `mock` and `key api`",
    )
    .help(help.to_owned()))
}
