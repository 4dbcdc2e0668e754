//! What a person reads: a text in a neutral form, with values in it, that is written for one channel and one language.
//!
//! Promises: the author's markup and the values are apart until a channel's own writing is known ([`Span`], [`mod@render`]); amounts,
//! numbers and dates keep their digits until a language is known ([`Part`], [`locale`]); a text always gives something to say,
//! however long it is and whatever its values are. Never: a value that becomes markup because of what is in it.

pub mod fields;
pub mod link;
pub mod locale;
mod part;
mod reader;
pub mod render;
mod say;
mod span;

pub use part::{Argument, Form, Part, Variant, tells_facts, texts_of};
pub use reader::Reader;
pub use render::{Format, Rendered, render};
pub use say::{Said, in_a_text, say};
pub use span::{Span, Style, ValueKind};
