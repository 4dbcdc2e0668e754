//! Texts for people: a text of the configuration, with the facts known when it is sent.
//!
//! Promises: a text always gives something to send, whatever its length and its values.

mod reader;
mod say;

pub use reader::Reader;
pub use say::{Said, in_a_text, say};
