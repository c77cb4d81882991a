//! The command line, as clap reads it.

#[cfg(feature = "serve")]
mod contract;
#[cfg(feature = "serve")]
mod serve;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use evenstep_pipeline::Override;
use jiff::civil::Date;

#[cfg(feature = "serve")]
pub(crate) use contract::{Contract, ContractDiff, ContractFormat, ContractVerb, Mock};
#[cfg(feature = "serve")]
pub(crate) use serve::{Admin, LogFormat, Models, ModelsVerb, Reach, Serve};

/// A machine-learning pipeline from research to production as one artifact, with the same
/// bits on both sides.
#[derive(Parser)]
#[command(name = "evenstep", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    /// Print the result as JSON, for machines
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Show no progress and no remarks
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Look at data and propose a commented pipeline.toml that trains as it is
    #[command(after_help = "Example: evenstep init houses.csv --target price --id Order")]
    Init(Init),
    /// Check spec, contract and data, without training
    #[command(after_help = "Example: evenstep check pipeline.toml")]
    Check(Check),
    /// Fit, evaluate, and write lock, bundle, report and trace
    #[command(after_help = "Example: evenstep train pipeline.toml --threads 2")]
    Train(Train),
    /// Score a file with a bundle
    #[command(after_help = "Example: evenstep score houses.evenstep --input new.csv --output scores.csv")]
    Score(Score),
    /// Say what each feature adds to the prediction of each row of a file
    #[command(after_help = "Example: evenstep explain houses.evenstep --input new.csv --output reasons.csv --top 3")]
    Explain(Explain),
    /// Serve bundles over HTTP and gRPC
    #[cfg(feature = "serve")]
    #[command(after_help = "Example: evenstep serve houses.evenstep --listen 127.0.0.1:8080")]
    Serve(Box<Serve>),
    /// Say what a server serves, and change it while it answers
    #[cfg(feature = "serve")]
    #[command(after_help = "Example: evenstep models list --server http://127.0.0.1:9090 --key-file admin.key")]
    Models(Models),
    /// Show what clients may send and are answered, of a bundle, or of a spec before any model exists
    #[cfg(feature = "serve")]
    #[command(after_help = "Example: evenstep contract pipeline.toml --format python --output client.py")]
    Contract(Contract),
    /// Serve a contract before any model exists, by answers that are made up
    #[cfg(feature = "serve")]
    #[command(after_help = "Example: evenstep mock pipeline.toml --listen 127.0.0.1:8080")]
    Mock(Mock),
    /// What `serve` brings, in an engine that was built without it
    #[cfg(not(feature = "serve"))]
    #[command(name = "serve", aliases = ["models", "contract", "mock"], hide = true, disable_help_flag = true)]
    LeftOut(LeftOut),
    /// Make a container image of a bundle and an engine that serves it, without a daemon
    #[command(after_help = "Example: evenstep image houses.evenstep --output image.tar --engine evenstep-static")]
    Image(Image),
    /// Reproduce a training, and prove that the answer is the same
    #[command(after_help = "Example: evenstep verify pipeline.toml --threads 1 --shuffle")]
    Verify(Verify),
    /// Say where two runs part, and why: specs, locks, bundles or traces
    #[command(after_help = "Example: evenstep diff pipeline.toml other/pipeline.toml --html difference.html")]
    Diff(Diff),
    /// Show all that a bundle, a lock or a file of signatures holds
    #[command(after_help = "Example: evenstep inspect houses.evenstep")]
    Inspect(Inspect),
    /// Write a bundle's report, or its model card, as HTML
    #[command(after_help = "Example: evenstep report houses.evenstep --output houses.html")]
    Report(Report),
    /// Say of every row whether it is learned from or held out
    #[command(after_help = "Example: evenstep split pipeline.toml --output split.csv")]
    Split(Split),
    /// Make a key: to sign with, or for a client of `serve`
    #[command(after_help = "Example: evenstep key new --output ana.key")]
    Key(Key),
    /// Vouch for a bundle, with a key of one's own
    #[command(after_help = "Example: evenstep sign houses.evenstep --key ana.key")]
    Sign(Sign),
    /// Print what the engine, or a bundle, is made of, as CycloneDX
    #[command(after_help = "Example: evenstep sbom > evenstep.cdx.json")]
    Sbom(Sbom),
    /// Print the JSON Schema of pipeline.toml, for editors
    #[command(after_help = "Example: evenstep schema > pipeline.schema.json")]
    Schema,
    /// Say whether this host gives the bits that every other host gives
    #[command(after_help = "Example: evenstep selftest")]
    Selftest,
    /// Print what a shell completes of this program's commands
    #[command(after_help = "Example: evenstep completions bash > ~/.local/share/bash-completion/completions/evenstep")]
    Completions(Completions),
    /// Write the manual's pages, for `man`
    #[command(after_help = "Example: evenstep manual --output ~/.local/share/man/man1")]
    Manual(Manual),
}

impl Verb {
    /// The verb with `-`, where a file may be left out for stdout, left out.
    pub(crate) fn with_dash_as_stdout(mut self) -> Verb {
        let output = match &mut self {
            Verb::Score(args) => &mut args.output,
            Verb::Explain(args) => &mut args.output,
            Verb::Report(args) => &mut args.output,
            Verb::Split(args) => &mut args.output,
            #[cfg(feature = "serve")]
            Verb::Contract(args) => &mut args.output,
            _ => return self,
        };
        output.take_if(|path| path.as_os_str() == "-");
        self
    }
}

/// A spec, and changes to it.
#[derive(Args)]
pub(crate) struct SpecArgs {
    /// The spec
    #[arg(default_value = "pipeline.toml")]
    pub(crate) spec: PathBuf,
    /// Override one value of the spec: `--set data.source=other.csv`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<Override>,
    /// Threads to work with, eight for each core at most; one for each if 0 or not given
    #[arg(long, default_value_t = 0, hide_default_value = true, value_parser = from_zero, allow_negative_numbers = true)]
    pub(crate) threads: usize,
}

/// Whatever was said to a verb that isn't there.
#[cfg(not(feature = "serve"))]
#[derive(Args)]
pub(crate) struct LeftOut {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _said: Vec<std::ffi::OsString>,
}

#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// Exit with 1 if a bundle would break this contract: a spec, a bundle, or a contract as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) contract: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Init {
    /// The data: a file, or a glob of many
    pub(crate) data: String,
    /// The column to predict
    #[arg(long)]
    pub(crate) target: String,
    /// The column that tells rows apart; several for a composite one
    #[arg(long)]
    pub(crate) id: Vec<String>,
    /// Where to write the spec
    #[arg(long, short, alias = "out", default_value = "pipeline.toml", value_parser = no_dash())]
    pub(crate) output: PathBuf,
    /// Write over a spec that is already there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args)]
pub(crate) struct Train {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// Where the bundle goes, a file or a folder; lock and report go beside it
    #[arg(long, short, alias = "out", value_parser = no_dash())]
    pub(crate) output: Option<PathBuf>,
    /// Write nothing, and exit with 1, if the digest differs from the lock's
    #[arg(long)]
    pub(crate) frozen: bool,
    /// Write nothing, and exit with 1, if the bundle would break this contract: a spec, a bundle, or a contract as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) contract: Option<PathBuf>,
    /// Write no trace: `diff` then knows of this run what lock and bundle say
    #[arg(long)]
    pub(crate) no_trace: bool,
}

#[derive(Args)]
pub(crate) struct Score {
    /// The bundle
    pub(crate) bundle: PathBuf,
    /// The rows to score: a file, or a glob of many
    #[arg(long)]
    pub(crate) input: String,
    /// Where predictions go; the format follows the extension, stdout is CSV
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
    /// Where a trace of the rows goes, for `diff`
    #[arg(long)]
    pub(crate) trace: Option<PathBuf>,
    /// Threads to work with, eight for each core at most; one for each if 0 or not given
    #[arg(long, default_value_t = 0, hide_default_value = true, value_parser = from_zero, allow_negative_numbers = true)]
    pub(crate) threads: usize,
}

#[derive(Args)]
pub(crate) struct Explain {
    /// The bundle
    pub(crate) bundle: PathBuf,
    /// The rows to explain: a file, or a glob of many
    #[arg(long)]
    pub(crate) input: String,
    /// Where explanations go; the format follows the extension, stdout is CSV
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
    /// Name only so many features a row, those that add or take most
    #[arg(long, value_parser = from_one, allow_negative_numbers = true)]
    pub(crate) top: Option<NonZeroUsize>,
    /// Threads to work with, eight for each core at most; one for each if 0 or not given
    #[arg(long, default_value_t = 0, hide_default_value = true, value_parser = from_zero, allow_negative_numbers = true)]
    pub(crate) threads: usize,
}

#[derive(Args)]
pub(crate) struct Image {
    /// The bundle
    pub(crate) bundle: PathBuf,
    /// Where the image goes, an OCI image layout as a tar
    #[arg(long, short, value_parser = no_dash())]
    pub(crate) output: Option<PathBuf>,
    /// Where it is pushed to, REGISTRY/NAME:TAG, with the credentials that `docker login` keeps
    #[arg(long, value_name = "REFERENCE")]
    pub(crate) push: Option<String>,
    /// The program that serves, linked statically; this program if not given
    #[arg(long)]
    pub(crate) engine: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Verify {
    /// The spec beside its lock, or a bundle
    #[arg(default_value = "pipeline.toml")]
    pub(crate) subject: PathBuf,
    /// Override one value of the spec: `--set data.source=other.csv`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<Override>,
    /// Threads to work with, eight for each core at most; one for each if 0 or not given
    #[arg(long, default_value_t = 0, hide_default_value = true, value_parser = from_zero, allow_negative_numbers = true)]
    pub(crate) threads: usize,
    /// Retrain on rows and columns in another order
    #[arg(long)]
    pub(crate) shuffle: bool,
    /// Fail on a lock that is missing or not as it was committed
    #[arg(long)]
    pub(crate) frozen: bool,
    /// Train the bundle again, on this data: a file, or a glob of many
    #[arg(long)]
    pub(crate) data: Option<String>,
    /// Fail on a bundle that isn't signed by those whom this policy trusts
    #[arg(long)]
    pub(crate) policy: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    pub(crate) verb: KeyVerb,
}

#[derive(Subcommand)]
pub(crate) enum KeyVerb {
    /// Write a new private key, and the public one beside it
    New(KeyNew),
    /// Make a key for a client of `serve`, show it once, and add its hash to a file
    #[cfg(feature = "serve")]
    Api(KeyApi),
    /// The same, in an engine that was built without `serve`
    #[cfg(not(feature = "serve"))]
    #[command(hide = true, disable_help_flag = true)]
    Api(LeftOut),
}

#[derive(Args)]
pub(crate) struct KeyNew {
    /// Where the private key goes; the public one goes beside it, as FILE.pub
    #[arg(long, short, alias = "out", default_value = "evenstep.key", value_parser = no_dash())]
    pub(crate) output: PathBuf,
}

#[cfg(feature = "serve")]
#[derive(Args)]
pub(crate) struct KeyApi {
    /// The client's name
    pub(crate) name: String,
    /// The file of keys that `serve --api-keys` takes; it is made if need be
    #[arg(long, default_value = "api-keys.toml")]
    pub(crate) file: PathBuf,
    /// How often the client may ask, above 0 and up to 1000000, as many at once as in a second; as often as it likes if not given
    #[arg(long, value_name = "NUMBER", value_parser = per_second, allow_negative_numbers = true)]
    pub(crate) requests_per_second: Option<f64>,
}

#[derive(Args)]
pub(crate) struct Sign {
    /// The bundle
    pub(crate) bundle: PathBuf,
    /// The private key
    #[arg(long)]
    pub(crate) key: PathBuf,
    /// The last day on which the signature counts, in UTC, as 2027-12-31; for ever if not given
    #[arg(long, value_name = "DAY")]
    pub(crate) expires: Option<Date>,
    /// Take the place of signatures of another bundle that had this name, or of a statement that says something else
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Args)]
pub(crate) struct Sbom {
    /// The bundle; the engine if none is given
    pub(crate) bundle: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args)]
pub(crate) struct Manual {
    /// The folder that they are written to, one page for each command
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
}

#[derive(Args)]
pub(crate) struct Diff {
    /// A spec, lock, bundle or trace, or a folder with one; what lies beside it is found
    pub(crate) a: PathBuf,
    /// Another one
    pub(crate) b: PathBuf,
    /// Where A's data are, if not where its lock says
    #[arg(long)]
    pub(crate) data_a: Option<String>,
    /// Where B's data are
    #[arg(long)]
    pub(crate) data_b: Option<String>,
    /// Read no data: rows are named, their values are not shown
    #[arg(long)]
    pub(crate) no_data: bool,
    /// Where a page with the pipeline drawn goes
    #[arg(long)]
    pub(crate) html: Option<PathBuf>,
    /// Threads to work with, eight for each core at most; one for each if 0 or not given
    #[arg(long, default_value_t = 0, hide_default_value = true, value_parser = from_zero, allow_negative_numbers = true)]
    pub(crate) threads: usize,
}

#[derive(Args)]
pub(crate) struct Inspect {
    /// The bundle or lock, or the signatures beside a bundle
    pub(crate) subject: PathBuf,
    /// List a bundle's members by its manifest alone, without reading them
    #[arg(long)]
    pub(crate) members: bool,
    /// Print a bundle's model card, as Markdown
    #[arg(long, conflicts_with = "members")]
    pub(crate) card: bool,
    /// Tell the numbers that a bundle's model learned; with `--json` all of them
    #[arg(long, conflicts_with_all = ["members", "card"])]
    pub(crate) model: bool,
}

#[derive(Args)]
pub(crate) struct Report {
    /// The bundle
    pub(crate) bundle: PathBuf,
    /// Where the page goes; stdout if not given
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
    /// Write the model card, not the report
    #[arg(long)]
    pub(crate) card: bool,
}

#[derive(Args)]
pub(crate) struct Split {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// Where the list goes; the format follows the extension, stdout is CSV
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
}

/// How often somebody may ask.
#[cfg(feature = "serve")]
fn per_second(text: &str) -> Result<f64, String> {
    const MAX: f64 = evenstep_server::PER_SECOND_MAX;
    let number = text.parse().ok().filter(|number| *number > 0.0 && *number <= MAX);
    number.ok_or_else(|| format!("it is a number above 0 and up to {MAX}, such as 10 or 0.5"))
}

/// Where files go that go nowhere else: `-`, which is stdout to other verbs, is none.
fn no_dash() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.as_os_str() == "-" {
        true => Err("this goes to a file, and not to stdout; a file of that name is `./-`"),
        false => Ok(path),
    })
}

/// A number of things.
fn from_zero(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "it is a whole number from 0")
}

/// A number of things that must be some.
fn from_one(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "it is a whole number from 1")
}
