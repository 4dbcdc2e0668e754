//! Lines for people, and error messages.

use super::mark::{BAD, FAINT, paint, rendered};
use super::width::{columns, fit};
use crate::Failure;
use std::fmt;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether lines for people go to standard error, because standard output carries data.
static ASIDE: AtomicBool = AtomicBool::new(false);

/// Whether output was lost, for another reason than a closed pipe.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether output was lost, as on a full disk. A command that lost output has failed.
pub(crate) fn is_output_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Reserves standard output for data. Lines of [`say!`] go to standard error.
pub(crate) fn say_aside() {
    ASIDE.store(true, Ordering::Relaxed);
}

/// Prints a line on standard output. A closed pipe isn't a failure: the reader needs no more output.
macro_rules! say {
    ($($text:tt)*) => {{
        $crate::style::line(format_args!($($text)*));
    }};
}
pub(crate) use say;

/// The same, cut at the terminal's width.
macro_rules! say_short {
    ($($text:tt)*) => {{
        $crate::style::fitted(format_args!($($text)*));
    }};
}
pub(crate) use say_short;

/// Prints a line on standard output, cut at the terminal's width. `false`: it couldn't be written.
pub(crate) fn fitted(text: fmt::Arguments<'_>) -> bool {
    if ASIDE.load(Ordering::Relaxed) {
        complain(&text.to_string());
        return true;
    }
    written(&fit(rendered(&text.to_string()), columns()))
}

/// The function behind [`say!`]. `false`: it couldn't be written.
pub(crate) fn line(text: fmt::Arguments<'_>) -> bool {
    if ASIDE.load(Ordering::Relaxed) {
        complain(&text.to_string());
        return true;
    }
    written(&rendered(&text.to_string()))
}

/// The same, cut at the terminal's width and flushed. Errors: the output may be lost.
pub(crate) fn shown(text: fmt::Arguments<'_>) -> std::io::Result<()> {
    if ASIDE.load(Ordering::Relaxed) {
        complain(&text.to_string());
        return Ok(());
    }
    flushed(&fit(rendered(&text.to_string()), columns()))
}

/// Writes escaped text and flushes it.
pub(super) fn flushed(text: &str) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Writes bytes unchanged to a file or a pipe. Errors: standard output is a terminal, which would interpret them, or
/// the write failed.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    if is_terminal() {
        return Err(Failure::new("raw bytes are written only to a file or a pipe").hint("--payload shows them as JSON"));
    }
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| Failure::new(format!("standard output: {error}")))
}

/// Writes escaped text. `false`: it couldn't be written.
pub(super) fn written(text: &str) -> bool {
    let result = writeln!(anstream::stdout().lock(), "{text}");
    arrived(result)
}

/// Writes manuals and completions unchanged. They are part of this program; others' text is never written so.
pub(crate) fn document(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    let result = out.write_all(bytes).and_then(|()| out.flush());
    drop(out);
    arrived(result);
}

/// Writes the answer to `--help` or `--version`.
pub(crate) fn help(answer: &clap::Error) {
    arrived(answer.print().and_then(|()| std::io::stdout().flush()));
}

/// Remembers that output was lost, and says it once. A closed pipe isn't a failure: its reader needs no more output.
fn arrived(result: std::io::Result<()>) -> bool {
    let Err(error) = result else { return true };
    if error.kind() != ErrorKind::BrokenPipe && !LOST.swap(true, Ordering::Relaxed) {
        failure(&Failure::new(format!("standard output: {error}; the output is incomplete")));
    }
    false
}

/// Whether standard output is a terminal.
pub(crate) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

pub(crate) fn failure(failure: &Failure) {
    complain(&format!("{} {}", paint(BAD.bold(), "error:"), failure.message));
    failure.details.iter().for_each(|detail| complain(&format!("  {detail}")));
    failure.hint.iter().for_each(|hint| note(hint));
}

/// Prints a line in addition to the data: the cost, or what was left out.
pub(crate) fn note(text: &str) {
    complain(&paint(FAINT, text));
}

/// Prints a panic. Its message may quote data of others.
pub(crate) fn panicked(panic: &dyn fmt::Display) {
    complain(&format!("{} this is a bug in tidings: {panic}", paint(BAD.bold(), "error:")));
}

fn complain(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", rendered(text));
}
