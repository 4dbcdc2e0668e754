//! `tidings` as a user calls it: the real binary with a real `tidings dev`.

#[cfg(unix)]
mod access;
mod attack;
mod captures;
mod commands;
mod deliveries;
mod doctor;
#[cfg(unix)]
mod durable;
mod events;
mod hostile;
mod inspector;
#[cfg(unix)]
mod kills;
mod manual;
mod mcp;
mod presets;
mod privacy;
mod reading;
mod reconcile;
mod reload;
mod replay;
mod rotate;
mod silence;
mod stack;
mod status;
mod support;
mod tenants;
mod trust;
mod webhooks;
mod workbench;
