//! A command a file, or a folder; `files` for what they read, `page` for what the endpoint says of itself.

pub(crate) mod build;
pub(crate) mod capture;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod context;
pub(crate) mod dlq;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod files;
pub(crate) mod init;
pub(crate) mod link;
pub(crate) mod man;
pub(crate) mod manual;
pub(crate) mod pace;
pub(crate) mod page;
pub(crate) mod providers;
pub(crate) mod replay;
pub(crate) mod rotate;
pub(crate) mod rules;
pub(crate) mod send;
pub(crate) mod status;
pub(crate) mod upgrade;
pub(crate) mod verify;
