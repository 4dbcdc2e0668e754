//! A text in a neutral form, with values in it, and how a channel and a language write it.
//!
//! Promises: the author's markup and the values are apart until a channel's own writing is known ([`Span`], [`mod@render`]); amounts,
//! numbers and dates keep their digits until a language is known ([`Part`], [`locale`]). Never: a value that becomes markup because of
//! what is in it.

pub mod fields;
pub mod link;
pub mod locale;
mod part;
pub mod render;
mod span;

pub use part::{Argument, Form, Part, Variant, tells_facts, texts_of};
pub use render::{Format, Rendered, render};
pub use span::{Span, Style, ValueKind};
