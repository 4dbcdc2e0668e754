//! Deliveries that were recorded for tests: what is left of one when it is redacted, as a file that can be signed again.

mod file;
mod redact;

pub(crate) use file::{HERE, Recorded, demo_secret, is_one, read_all};
pub(crate) use redact::{Redactor, Vocabulary};
