//! The command line: it reads arguments, calls the crates below, and prints what they say.
//!
//! What a verb does before anything is printed is here for the Python package too, which is to do the same: where
//! outputs go, what is written with them, and how an error reads.

mod attestation;
mod cli;
mod environment;
mod facts;
mod interrupt;
mod output;
mod page;
mod progress;
pub mod proposal;
mod salt;
mod sbom;
pub mod training;
mod verbs;
pub mod verification;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use evenstep_exact::reduce::Workers;
use evenstep_files::{Disk, Files};
use evenstep_pipeline::{PipelineError, Run, Whereabouts};
use evenstep_table::quality::Violation;
use serde_json::json;

pub use verbs::diff::{difference, difference_page};
pub use verbs::inspect::described;
pub use verbs::report::report_page;
pub use verbs::write_files;

use cli::{Cli, Verb};
use progress::Bars;

/// What every verb works with.
struct Host {
    json: bool,
    quiet: bool,
    /// Where everything is written through.
    files: Arc<dyn Files>,
}

impl Host {
    /// Runs `work` with threads and a bar that shows how it goes.
    fn run<T>(&self, threads: usize, work: impl FnOnce(&Run<'_>) -> T) -> T {
        let workers = Workers::threads(threads);
        let bars = Bars::new(self.quiet);
        let result = work(&Run { workers: &workers, progress: &bars, trace: None });
        bars.finish();
        result
    }
}

/// Runs the program with these arguments, of which the first is its name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    interrupt::outlive_large_files();
    if is_of_a_server(&args) {
        interrupt::outlive_hang_up();
    }
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return misused(&with_quotes(error), args.iter().any(|arg| arg == "--json")),
    };
    output::keep_lines_whole();
    if let Err(word) = evenstep_exact::simd::named() {
        let words = evenstep_exact::simd::Level::ALL.map(|level| format!("`{}`", level.word())).join(", ");
        return fail(PipelineError::input(format!("`EVENSTEP_SIMD` is `{word}`, and may be {words}")), cli.json);
    }
    let host = Host { json: cli.json, quiet: cli.quiet, files: Arc::new(Disk) };
    // A signal is a server's own business: it answers first what it was asked.
    if !is_of_a_server(&args) {
        interrupt::watch(Arc::clone(&host.files));
    }
    let result = caught(|| obey(cli.verb.with_dash_as_stdout(), &host));
    match result.and_then(|code| output::finish().map(|()| code)) {
        Ok(code) => code,
        Err(error) => fail(error, host.json),
    }
}

/// Whether the arguments, of which the first is the program, begin a server.
pub fn is_of_a_server(args: &[OsString]) -> bool {
    let verb = args.iter().skip(1).find(|arg| !arg.as_encoded_bytes().starts_with(b"-"));
    verb.is_some_and(|verb| verb == "serve" || verb == "mock")
}

/// A panic as an error: what happened, and where, was said already.
fn caught(work: impl FnOnce() -> verbs::Answer) -> verbs::Answer {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let help = "please report what is said above, with the spec and as few rows as show it";
        Err(PipelineError::bug("this is a bug of ours").help(help.to_owned()))
    })
}

fn obey(verb: Verb, host: &Host) -> verbs::Answer {
    match verb {
        Verb::Init(args) => verbs::init::init(&args, host),
        Verb::Check(args) => verbs::check::check(&args, host),
        Verb::Train(args) => verbs::train::train(&args, host),
        Verb::Score(args) => verbs::score::score(&args, host),
        Verb::Explain(args) => verbs::explain::explain(&args, host),
        #[cfg(feature = "serve")]
        Verb::Serve(args) => verbs::serve::serve(&args, host),
        #[cfg(feature = "serve")]
        Verb::Models(args) => verbs::models::models(&args, host),
        #[cfg(feature = "serve")]
        Verb::Contract(args) => verbs::contract::contract(&args, host),
        #[cfg(feature = "serve")]
        Verb::Mock(args) => verbs::mock::mock(&args, host),
        #[cfg(not(feature = "serve"))]
        Verb::LeftOut(args) => verbs::left_out::left_out(&args),
        Verb::Image(args) => verbs::image::image(&args, host),
        Verb::Verify(args) => verbs::verify::verify(&args, host),
        Verb::Diff(args) => verbs::diff::diff(&args, host),
        Verb::Inspect(args) => verbs::inspect::inspect(&args, host),
        Verb::Report(args) => verbs::report::report(&args, host),
        Verb::Split(args) => verbs::split::split(&args, host),
        Verb::Key(args) => verbs::key::key(&args, host),
        Verb::Sign(args) => verbs::sign::sign(&args, host),
        Verb::Sbom(args) => verbs::sbom::sbom(&args),
        Verb::Schema => Ok(verbs::schema::schema()),
        Verb::Selftest => Ok(verbs::selftest::selftest(host)),
        Verb::Completions(args) => Ok(verbs::completions::completions(&args)),
        Verb::Manual(args) => verbs::manual::manual(&args, host),
    }
}

/// The error as the program shows it, without colours, and without the mark before its first line.
pub fn told(error: &PipelineError) -> String {
    let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor());
    let mut text = String::new();
    let rendered = handler.with_wrap_lines(false).with_links(false).render_report(&mut text, error);
    rendered.expect("a string takes what is written");
    let text = text.trim_start_matches('\n').trim_end();
    text.strip_prefix("  × ").unwrap_or(text).to_owned()
}

/// The error, if an argument too many is a file, with what keeps a shell from making a glob many arguments.
fn with_quotes(mut error: clap::Error) -> clap::Error {
    let is_file = |word: &ContextValue| matches!(word, ContextValue::String(word) if Path::new(word).is_file());
    if error.kind() == ErrorKind::UnknownArgument && error.get(ContextKind::InvalidArg).is_some_and(is_file) {
        let advice = "many files are one argument, a glob in quotes: 'data/*.csv'";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![advice.into()]));
    }
    error
}

/// What clap says of arguments that it can't read, and of those that ask for help.
fn misused(error: &clap::Error, json: bool) -> ExitCode {
    if json && error.use_stderr() {
        let text = error.render().to_string();
        let message = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
        tell(message, None, &Whereabouts::default(), &[]);
    }
    let printed = error.print();
    if !error.use_stderr() {
        output::keep(printed);
    }
    match output::finish() {
        Ok(()) => ExitCode::from(error.exit_code() as u8),
        Err(lost) => fail(lost, json),
    }
}

/// An error, for machines.
fn tell(message: &str, help: Option<&str>, at: &Whereabouts, cells: &[Violation]) {
    let Whereabouts { file, line, column } = at;
    let mut told = json!({ "message": message, "help": help, "file": file, "line": line, "column": column });
    if !cells.is_empty() {
        told["cells"] = json!(cells);
    }
    output::json(&json!({ "error": told }));
}

fn fail(error: PipelineError, json: bool) -> ExitCode {
    let code = error.exit_code();
    if json {
        tell(&error.message, error.help.as_deref(), &error.whereabouts(), error.cells());
    }
    output::error(error);
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_the_program_as_a_bug_of_ours() {
        let error = caught(|| panic!("a bug")).expect_err("it panics");
        assert_eq!((error.exit_code(), error.message.as_str()), (70, "this is a bug of ours"));
        assert!(error.help.is_some_and(|help| help.contains("report")));
        assert!(caught(|| Ok(ExitCode::SUCCESS)).is_ok());
    }
}
