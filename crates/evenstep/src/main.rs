//! The program.

mod memory;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    memory::in_small_pages();
    let args: Vec<OsString> = std::env::args_os().collect();
    // A server lives long, and gives back what a large request took.
    if !evenstep_cli::is_of_a_server(&args) {
        memory::keep();
    }
    evenstep_cli::run(args)
}
