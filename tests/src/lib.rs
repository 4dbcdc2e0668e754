//! What the tests of more than one crate share: one conformance suite per port, the template as data, and files that are
//! generated and held up to date.

pub mod answers;
pub mod conformance;
pub mod golden;
pub mod messages;
pub mod template;
pub mod typescript;
