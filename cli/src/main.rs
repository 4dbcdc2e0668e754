//! `tidings`: wires arguments to commands.

use clap::Parser;
use std::process::ExitCode;
use tidings_cli::arguments::Arguments;

fn main() -> ExitCode {
    tidings_cli::run(Arguments::parse())
}
