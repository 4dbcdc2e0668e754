//! `tidings dlq`: what died, why, and how it comes back.
//!
//! Promises: whatever isn't moved or dropped is shown again; a message leaves the queue only after it was acknowledged elsewhere,
//! so whoever is interrupted has moved some and lost none. One that is in both queues by that has one effect: its claim sees to
//! it. Never: a payload that wasn't asked for.

mod drop;
mod envelopes;
mod filter;
mod list;
mod print;
mod redrive;
mod show;
mod sorted;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use drop::run as drop;
pub(crate) use envelopes::{Found, envelopes};
pub(crate) use list::run as list;
pub(crate) use redrive::run as redrive;
pub(crate) use show::run as show;

use crate::Failure;
use crate::arguments::{DlqFilter, Place};
use crate::target::{dead_letters, now, reader_at};
use filter::Filter;
use tidings_config::limits::DEAD_LETTERS_WALK;
use tidings_core::aws::DeadLetters;
use walk::Walk;

async fn queue(at: &Place) -> Result<DeadLetters, Failure> {
    Ok(dead_letters(at).await?.hiding(DEAD_LETTERS_WALK))
}

async fn walk(filter: &DlqFilter, at: &Place) -> Result<Walk, Failure> {
    let now = now(at).await;
    Ok(Walk::new(queue(at).await?, reader_at(at).await?, Filter::new(filter, now), now))
}
