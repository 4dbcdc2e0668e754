//! Commands as a user calls them on a user's own project, without a running `dev`.

mod files;
#[cfg(target_os = "linux")]
mod full_disk;
mod init;
mod known_types;
mod mistakes;
mod owners;
mod support;
