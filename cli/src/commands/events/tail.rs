//! `tidings events tail`: prints events as they arrive and change state.
//!
//! It reads the newest events that match the filter again and again, [`MAX_EVENTS_LISTED`] at most, and prints each
//! event once for each state that it sees. It remembers only the events of the last read. It reports a failed read, and
//! tries again after the pause; a failure of the first read ends it.

use super::find::EventsFilter;
use super::find::{find, line, unknown};
use crate::Failure;
use crate::limits::{EVENTS_LISTED, MAX_EVENTS_LISTED, MIN_TAIL_PAUSE};
use crate::style::{self, data_of, note};
use crate::target::TargetOptions;
use crate::target::reader;
use clap::Args;
use std::collections::HashMap;
use std::pin::pin;
use std::process::ExitCode;
use tidings_config::rules::Span;
use tidings_core::claim::{Claim, ClaimKey, ClaimState};

#[derive(Debug, Args)]
#[command(
    after_help = "Each event is printed once for each of its states, oldest first, beginning with the 50 newest events. Without \
        --conversation each read covers the whole claims table, which is billed. With --json each line is an \
        object.\n\nExamples:\n  \
        tidings events tail\n  \
        tidings events tail --stack tidings --conversation whatsapp:491713920012\n  \
        tidings events tail --stack tidings --state dead --every 1m --json"
)]
pub struct EventsTail {
    #[command(flatten)]
    pub filter: EventsFilter,
    /// Pause between two reads, as in 2s or 1m
    #[arg(long, value_name = "SPAN", default_value = "2s", value_parser = pause)]
    pub every: Span,
    /// Read once, then exit
    #[arg(long)]
    pub once: bool,
    #[command(flatten)]
    pub target: TargetOptions,
}

fn pause(text: &str) -> Result<Span, String> {
    let span: Span = text.parse()?;
    if span.duration() < MIN_TAIL_PAUSE { Err(format!("allowed: {} s or more", MIN_TAIL_PAUSE.as_secs())) } else { Ok(span) }
}

pub(crate) async fn run(options: EventsTail) -> Result<ExitCode, Failure> {
    // One listener for the whole run, so that a Ctrl-C during a read is noticed.
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    tokio::select! {
        heard = &mut interrupted => heard.map_err(|error| Failure::new(format!("can't listen for Ctrl-C: {error}")))?,
        ended = follow(&options) => ended?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs until the output is closed; with `--once`, one read.
async fn follow(options: &EventsTail) -> Result<(), Failure> {
    let EventsTail { filter, every, once, target } = options;
    let reader = reader(target).await?;
    let look = async || find(&reader, filter, MAX_EVENTS_LISTED, &target.at).await;

    let first = look().await?;
    if filter.conversation.is_none() {
        note(&format!(
            "{} claims: the whole table is read every {every}. With --conversation only the conversation's claims are read",
            first.read
        ));
    }
    unknown(&first).iter().for_each(|text| note(text));
    let mut seen = Seen::default();
    let mut news = seen.news(first.claims);
    news.drain(..news.len().saturating_sub(EVENTS_LISTED));
    loop {
        for claim in &news {
            let is_read = if target.json {
                data_of(claim)?
            } else {
                style::line(format_args!("{}", line(claim, filter.conversation.is_some())))
            };
            if !is_read {
                return Ok(());
            }
        }
        if *once {
            return Ok(());
        }
        tokio::time::sleep(every.duration()).await;
        news = match look().await {
            Ok(found) => seen.news(found.claims),
            Err(failure) => {
                note(&format!("{failure}; the next read is in {every}"));
                Vec::new()
            }
        };
    }
}

/// The result of the last read.
#[derive(Debug, Default)]
pub(crate) struct Seen(HashMap<ClaimKey, (ClaimState, bool)>);

impl Seen {
    /// Takes the claims of a read, newest first. Returns those that are new or changed their state, oldest first.
    pub(crate) fn news(&mut self, claims: Vec<Claim>) -> Vec<Claim> {
        let now = claims.iter().map(|claim| (claim.key.clone(), (claim.state, claim.erased.is_some()))).collect();
        let before = std::mem::replace(&mut self.0, now);
        claims.into_iter().rev().filter(|claim| before.get(&claim.key) != self.0.get(&claim.key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_a_second_or_longer() {
        assert!(pause("1s").is_ok() && pause("0s").is_err());
    }

    fn claim(key: &str, state: ClaimState) -> Claim {
        Claim { state, ..Claim::new(ClaimKey::from(key.to_owned())) }
    }

    #[test]
    fn each_state_is_printed_once_and_events_that_are_gone_are_forgotten() {
        let mut seen = Seen::default();
        let mut look = |claims: &[(&str, ClaimState)]| -> Vec<String> {
            let told = seen.news(claims.iter().map(|(key, state)| claim(key, *state)).collect());
            assert_eq!(seen.0.len(), claims.len());
            told.iter().map(|claim| format!("{} {}", claim.key, claim.state)).collect()
        };
        use ClaimState::{Dead, Enqueued, Processed};
        assert_eq!(look(&[("b", Enqueued), ("a", Processed)]), ["a processed", "b enqueued"]);
        assert!(look(&[("b", Enqueued), ("a", Processed)]).is_empty());
        assert_eq!(look(&[("c", Enqueued), ("b", Dead), ("a", Processed)]), ["b dead", "c enqueued"]);
        assert_eq!(look(&[("b", Processed)]), ["b processed"]);
    }
}
