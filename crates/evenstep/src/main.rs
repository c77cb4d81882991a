//! The program.

mod memory;

use std::process::ExitCode;

fn main() -> ExitCode {
    memory::in_small_pages();
    // A server lives long, and gives back what a large request took.
    if !std::env::args_os().any(|arg| arg == "serve" || arg == "mock") {
        memory::keep();
    }
    evenstep_cli::run(std::env::args_os())
}
