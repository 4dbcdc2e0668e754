//! A text in a neutral form with values, and how it is written for a channel and a language.
//!
//! Promises: the author's markup and the values stay separate until the channel's syntax is known ([`Span`],
//! [`mod@render`]); amounts, numbers and dates keep their digits until the language is known ([`Part`], [`locale`]).
//! Never: a value whose content becomes markup.

pub mod fields;
pub mod link;
pub mod locale;
mod part;
pub mod render;
mod span;

pub use part::{Argument, Form, Part, Variant, texts_of, uses_facts};
pub use render::{Format, Rendered, render};
pub use span::{Span, Style, ValueKind};
