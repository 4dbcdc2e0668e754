//! `tidings verify`: every format of a request, every mistake, and no secret in the output.
//!
//! [`support::verify`] runs each call twice, for people and as JSON, and searches all output for the secrets.

mod answers;
mod forms;
mod http_message;
mod keys;
mod mistakes;
mod own;
mod support;
mod urls;
