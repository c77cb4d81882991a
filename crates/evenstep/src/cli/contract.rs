//! What clients may send, told, compared and mocked.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use evenstep_pipeline::Override;

use super::serve::Reach;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Contract {
    #[command(subcommand)]
    pub(crate) verb: Option<ContractVerb>,
    /// A spec, a bundle, or a contract as JSON
    #[arg(required = true)]
    pub(crate) subject: Option<PathBuf>,
    /// How it is told; if not given, as a table, and into a file as its ending says: `.py`, `.ts`, `.proto`, else JSON
    #[arg(long, value_enum)]
    pub(crate) format: Option<ContractFormat>,
    /// Where it goes; stdout if not given
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
    /// Override one value of the spec: `--set serving.extra=ignore`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<Override>,
}

/// How a contract is told.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ContractFormat {
    /// The contract itself, for `contract diff`, `train`, `serve` and `mock`
    Json,
    /// OpenAPI 3.1, as the server tells it
    Openapi,
    /// JSON Schema of a row
    JsonSchema,
    /// Protocol Buffers, messages for rows and predictions
    Proto,
    /// A client in Python
    Python,
    /// A client in TypeScript
    Typescript,
}

#[derive(Subcommand)]
pub(crate) enum ContractVerb {
    /// Say whether clients of one contract can go on with another, change by change
    #[command(after_help = "Example: evenstep contract diff contract.json houses.evenstep")]
    Diff(ContractDiff),
}

#[derive(Args)]
pub(crate) struct ContractDiff {
    /// What clients keep to: a spec, a bundle, or a contract as JSON
    pub(crate) old: PathBuf,
    /// What they are to meet
    pub(crate) new: PathBuf,
}

#[derive(Args)]
pub(crate) struct Mock {
    /// A spec, which may have neither data nor a model; a bundle, or a contract as JSON
    #[arg(default_value = "pipeline.toml")]
    pub(crate) subject: PathBuf,
    /// Override one value of the spec: `--set serving.extra=ignore`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<Override>,
    /// How long 99 of a hundred answers take at most, as `20 ms`, or `none`; as the contract says if not given
    #[arg(long, value_name = "TIME")]
    pub(crate) latency: Option<String>,
    #[command(flatten)]
    pub(crate) reach: Reach,
}
