//! What a person reads: a text of the configuration, with what is known when it is said.
//!
//! Promises: a text always gives something to say, however long it is and whatever its values are.

mod reader;
mod say;

pub use reader::Reader;
pub use say::{Said, in_a_text, say};
