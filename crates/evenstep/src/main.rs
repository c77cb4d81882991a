//! The program.

use std::process::ExitCode;

/// An answer of the server makes and drops some hundred small things, which takes less time than by the C library's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    evenstep_cli::run(std::env::args_os())
}
