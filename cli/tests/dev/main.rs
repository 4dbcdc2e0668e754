//! `tidings` as a person calls it: the real binary against a real `tidings dev`.

mod captures;
mod commands;
mod doctor;
mod events;
mod hostile;
mod presets;
mod privacy;
mod replay;
mod rotate;
mod stack;
mod status;
mod support;
