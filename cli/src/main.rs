//! `tidings`: wires arguments to commands.

mod version;

use std::process::ExitCode;
use tidings_cli::Arguments;

fn main() -> ExitCode {
    tidings_cli::report_panics();
    tidings_cli::run(Arguments::given(version::version()))
}
