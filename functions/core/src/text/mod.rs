//! What people read: a text as its author means it ([`span`]), and as a channel takes it ([`mod@render`]).

pub mod render;
pub mod span;

pub use render::{Format, Rendered, render};
pub use span::{Span, Style, ValueKind};
