//! Every published vector verifies, and no changed request does.
//!
//! The vectors stand in `providers/*.toml`, beside the scheme that they prove: published ones, and ones that an official SDK or
//! an independent tool made. [`changes`] changes each of them in every part that its scheme binds; [`signed`] does the same with
//! requests that are signed here, for the schemes that can be.

mod changes;
mod http_message;
mod parsing;
mod published;
mod requests;
mod signed;
