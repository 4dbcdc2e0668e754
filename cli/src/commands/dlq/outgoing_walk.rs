//! A walk through a dead-letter queue of the ways out. `dlq actions` and `dlq outgoing` share it.
//!
//! Promises: a message is deleted only after the other queue has acknowledged it. Every other message becomes visible again.
//! A walk ends after [`MAX_DEAD_LETTERS`] messages, and says so.
//!
//! Of a FIFO queue the first ten messages of each group are seen, until they have left it.

use crate::Failure;
use crate::confirm::{Confirm, Confirmed};
use crate::limits::MAX_DEAD_LETTERS;
use crate::stack::{OutgoingLetter, OutgoingLetters};
use crate::style::{BAD, FAINT, GOOD, WARN, data, paint, say};
use serde_json::json;
use std::collections::BTreeSet;
use std::process::ExitCode;

/// What is done with the messages that are found.
#[derive(Debug)]
pub(super) struct Asked {
    /// Send them to the other queue again, if that is confirmed.
    pub(super) redrive: bool,
    pub(super) confirm: Confirm,
    pub(super) json: bool,
}

/// What the messages and the other queue are called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) messages: &'static str,
    pub(super) queue: &'static str,
}

/// The result of a walk.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) matched: usize,
    pub(super) moved: usize,
    pub(super) failed: usize,
    /// Whether it ended before the queue did.
    pub(super) stopped: bool,
    /// The messages to make visible again.
    pub(super) kept: Vec<String>,
}

/// Lists or redrives the messages that are `wanted`, and prints the counts. The exit status is 1 if a message that should be
/// moved wasn't.
pub(super) async fn walked<D>(
    letters: &OutgoingLetters,
    asked: &Asked,
    words: &Words,
    wanted: impl Fn(&OutgoingLetter) -> Option<D>,
    show: impl FnMut(D) -> Result<(), Failure>,
) -> Result<ExitCode, Failure> {
    let confirmed = if asked.redrive { asked.confirm.ask() } else { None };
    let mut found = Found::default();
    let walked = walk(letters, confirmed, &mut found, wanted, show).await;
    letters.show_again(&found.kept).await;
    walked?;
    let Found { matched, moved, failed, stopped, kept: _ } = found;
    if asked.json {
        let dry_run = asked.redrive && confirmed.is_none();
        data(&json!({"messages": matched, "moved": moved, "failed": failed, "dry_run": dry_run, "complete": !stopped}));
    } else {
        let Words { messages, queue } = words;
        match (asked.redrive, confirmed) {
            (false, _) => say!("{}", paint(if matched == 0 { GOOD } else { FAINT }, format!("{matched} {messages}"))),
            (true, None) => say!("{}", paint(FAINT, format!("dry run, {matched} would be moved: --yes applies the change"))),
            (true, Some(_)) => {
                say!("{} moved to {queue}", paint(GOOD, moved));
                if failed > 0 {
                    say!("{} weren't acknowledged by it, and stay", paint(WARN, failed));
                }
            }
        }
        if stopped {
            say!("{}", paint(WARN, format!("it stopped after {MAX_DEAD_LETTERS} messages: run it again for the rest")));
        }
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Walks once through the queue. What was done is in `found`, also if it fails.
pub(super) async fn walk<D>(
    letters: &OutgoingLetters,
    confirmed: Option<Confirmed>,
    found: &mut Found,
    wanted: impl Fn(&OutgoingLetter) -> Option<D>,
    mut show: impl FnMut(D) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    while seen.len() < MAX_DEAD_LETTERS {
        let taken = letters.take().await.map_err(super::walk::unread)?;
        let receipts: Vec<String> = taken.iter().map(|letter| letter.receipt.clone()).collect();
        if taken.iter().all(|letter| !seen.insert(letter.id.clone())) {
            found.kept.extend(receipts);
            return Ok(());
        }
        for letter in taken {
            let Some(dead) = wanted(&letter) else {
                found.kept.push(letter.receipt);
                continue;
            };
            found.matched += 1;
            match confirmed {
                None => {
                    found.kept.push(letter.receipt);
                    show(dead)?;
                }
                Some(confirmed) => match letters.redrive(&letter, confirmed).await {
                    Ok(()) => found.moved += 1,
                    Err(error) => {
                        found.failed += 1;
                        found.kept.push(letter.receipt);
                        say!("{} {error}", paint(BAD, "not moved:"));
                    }
                },
            }
        }
    }
    found.stopped = true;
    Ok(())
}
