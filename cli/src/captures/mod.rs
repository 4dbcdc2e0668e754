//! Deliveries recorded for tests: redacted, and stored as files that can be signed again.

mod file;
mod redact;

pub(crate) use file::{HERE, Recorded, demo_secret, is_one, read_all};
pub(crate) use redact::{Redactor, Vocabulary};
