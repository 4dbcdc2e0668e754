//! `tidings verify`, as a person calls it: every form of a request, every mistake, and never a secret.
//!
//! [`support::verify`] runs each question twice, for people and as JSON, and looks for the secrets in all that comes out.

mod answers;
mod forms;
mod keys;
mod mistakes;
mod own;
mod support;
mod urls;
