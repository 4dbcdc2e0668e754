//! Lines for people, and complaints.

use super::mark::{BAD, FAINT, paint, rendered};
use super::width::{columns, fit};
use crate::Failure;
use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether lines for people go to standard error, because somebody reads data from standard output.
static ASIDE: AtomicBool = AtomicBool::new(false);

/// From now on standard output has data alone; what [`say!`] says goes to standard error.
pub(crate) fn say_aside() {
    ASIDE.store(true, Ordering::Relaxed);
}

/// A line on standard output. Somebody who closed the pipe wants no more of it, which is no failure.
macro_rules! say {
    ($($text:tt)*) => {{
        $crate::style::line(format_args!($($text)*));
    }};
}
pub(crate) use say;

/// The same, cut where the terminal ends.
macro_rules! say_short {
    ($($text:tt)*) => {{
        $crate::style::fitted(format_args!($($text)*));
    }};
}
pub(crate) use say_short;

/// A line on standard output, cut where the terminal ends. `false`: nobody reads on.
pub(crate) fn fitted(text: fmt::Arguments<'_>) -> bool {
    written(&fit(rendered(&text.to_string()), columns()))
}

/// What [`say!`] does. `false`: nobody reads on.
pub(crate) fn line(text: fmt::Arguments<'_>) -> bool {
    if ASIDE.load(Ordering::Relaxed) {
        complain(&text.to_string());
        return true;
    }
    written(&rendered(&text.to_string()))
}

/// The same, cut where the terminal ends, and it is known to be out when this returns. Errors: perhaps nobody has seen it.
pub(crate) fn shown(text: fmt::Arguments<'_>) -> std::io::Result<()> {
    if ASIDE.load(Ordering::Relaxed) {
        complain(&text.to_string());
        return Ok(());
    }
    flushed(&fit(rendered(&text.to_string()), columns()))
}

/// Writes what is escaped already, and it is known to be out when this returns.
pub(super) fn flushed(text: &str) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Bytes for a file or a pipe, as they are. Errors: it is a terminal, which would obey them, or they couldn't be written.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    if is_terminal() {
        return Err(Failure::new("the bytes are given to a file or a pipe only").hint("--payload shows them as JSON"));
    }
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| Failure::new(format!("standard output: {error}")))
}

/// Writes what is escaped already.
pub(super) fn written(text: &str) -> bool {
    writeln!(anstream::stdout().lock(), "{text}").is_ok()
}

/// Pages that this program is made of, as they are: manuals and completions. Never anything of others.
pub(crate) fn document(bytes: &[u8]) {
    let _ = std::io::stdout().lock().write_all(bytes);
}

/// Whether standard output is one.
pub(crate) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

pub(crate) fn failure(failure: &Failure) {
    complain(&format!("{} {}", paint(BAD.bold(), "error:"), failure.message));
    failure.details.iter().for_each(|detail| complain(&format!("  {detail}")));
    failure.hint.iter().for_each(|hint| note(hint));
}

/// A line beside the data: what it took, what was left out.
pub(crate) fn note(text: &str) {
    complain(&paint(FAINT, text));
}

/// What a bug says. It may quote what it stumbled over.
pub(crate) fn panicked(panic: &dyn fmt::Display) {
    complain(&format!("{} a bug of this program: {panic}", paint(BAD.bold(), "error:")));
}

fn complain(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", rendered(text));
}
