//! `tidings` as a person calls it: the real binary against a real `tidings dev`.

#[cfg(unix)]
mod access;
mod captures;
mod commands;
mod deliveries;
mod doctor;
#[cfg(unix)]
mod durable;
mod events;
mod hostile;
#[cfg(unix)]
mod kills;
mod manual;
mod presets;
mod privacy;
mod reading;
mod replay;
mod rotate;
mod stack;
mod status;
mod support;
mod workbench;
