//! `tidings` as a person calls it: the real binary against a real `tidings dev`.

mod commands;
mod events;
mod presets;
mod privacy;
mod support;
