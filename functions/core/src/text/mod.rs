//! What people read: a text as its author means it ([`span`]), as a channel takes it ([`mod@render`]), and how a language writes
//! numbers, money and dates ([`locale`]).

pub mod locale;
pub mod render;
pub mod span;

pub use render::{Format, Rendered, render};
pub use span::{Span, Style, ValueKind};
