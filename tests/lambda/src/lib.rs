//! Lambda's runtime API on this machine, for the deployed programs, and the HTTP server that it stands on.

pub mod runtime;
pub mod serve;
