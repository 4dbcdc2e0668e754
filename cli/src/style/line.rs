//! Lines for people, and error messages.

use super::mark::{BAD, FAINT, paint, rendered};
use super::width::{columns, fit};
use crate::Failure;
use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether lines for people go to standard error, because standard output carries data.
static ASIDE: AtomicBool = AtomicBool::new(false);

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

/// Prints a line on standard output, cut at the terminal's width. `false`: the reader has closed the pipe.
pub(crate) fn fitted(text: fmt::Arguments<'_>) -> bool {
    written(&fit(rendered(&text.to_string()), columns()))
}

/// The function behind [`say!`]. `false`: the reader has closed the pipe.
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

/// Writes escaped text.
pub(super) fn written(text: &str) -> bool {
    writeln!(anstream::stdout().lock(), "{text}").is_ok()
}

/// Writes manuals and completions unchanged. They are part of this program; others' text is never written so.
pub(crate) fn document(bytes: &[u8]) {
    let _ = std::io::stdout().lock().write_all(bytes);
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
