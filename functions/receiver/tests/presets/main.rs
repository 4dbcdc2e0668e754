//! The receiver as providers see it: their handshakes, their keys, their bodies, as their own documents have them.

mod also;
mod answers;
mod bodies;
mod captures;
mod captures_raced;
mod challenges;
mod handshakes;
mod late;
mod oracle;
mod probes;
mod remote_keys;
mod security;
mod strangers;
mod tokens;
mod world;
