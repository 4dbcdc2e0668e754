//! The receiver as providers see it: handshakes, keys and bodies from their own documentation.

mod also;
mod answers;
mod attacks;
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
