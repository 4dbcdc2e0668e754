//! The demo as a story: deliveries and the bot's replies, in lines of eighty columns.

use super::expected::find;
use crate::delivery::Reply;
use crate::dev::actions::{Chatbot, Done};
use crate::style::{BAD, FAINT, NAME, STRONG, WARN, paint, say_short};
use anstyle::Style;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tidings_core::claim::{Claim, ClaimKey, ClaimState, Outcome};
use tidings_events::Case;

/// The bot is considered done after this time without an action.
const SILENCE: Duration = Duration::from_millis(500);

/// Maximum wait for a bot that doesn't stop.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was printed so far.
#[derive(Default)]
pub(super) struct Story {
    /// Number of the chatbot's actions that were printed.
    told: usize,
    /// The conversations of the story.
    conversations: BTreeSet<String>,
}

impl Story {
    /// Prints the delivery, its result if that is unusual, and the bot's replies.
    pub(super) async fn tell(&mut self, case: &Case, reply: &Reply, claims: &BTreeMap<ClaimKey, Claim>, chatbot: &Chatbot) {
        if self.conversations.is_empty() {
            say_short!("{}", paint(STRONG, "Signed webhooks arrive: late, twice, forged. The results:"));
        }
        let sentence = case.story.as_deref().unwrap_or(&case.about);
        let end = end(case, reply, claims);
        let end = end.map_or_else(String::new, |(style, end)| format!("  {}", paint(style, format!("→ {end}"))));
        say_short!("  {} {sentence}{end}", paint(NAME, format!("{:<9}", case.source)));
        self.conversations.extend(case.expect.events.iter().filter_map(|event| event.conversation.clone()));
        self.listen(chatbot).await;
    }

    /// Prints the bot's new replies in the story's conversations, once no more arrive.
    pub(super) async fn listen(&mut self, chatbot: &Chatbot) {
        let done = all_said(chatbot).await;
        let is_its = |action: &&Done| action.text.is_some() && self.conversations.contains(&action.conversation);
        for action in done.iter().skip(self.told).filter(is_its) {
            say_short!(
                "  {:<9} {}  {}",
                "bot says",
                paint(STRONG, action.what()),
                paint(FAINT, format!("by rule {}", action.rule))
            );
        }
        self.told = done.len();
    }
}

/// An unusual result: a refusal, a duplicate, a dead-lettered or stale event.
fn end(case: &Case, reply: &Reply, claims: &BTreeMap<ClaimKey, Claim>) -> Option<(Style, String)> {
    if reply.word() == "duplicate" {
        return Some((WARN, format!("{} duplicate", reply.status)));
    }
    if !reply.is_success() {
        return Some((BAD, format!("{} {}", reply.status, reply.word())));
    }
    let claim = find(claims, case.expect.events.first()?)?;
    match (claim.state, claim.outcome) {
        (ClaimState::Dead, _) => Some((BAD, "dead-letter queue".to_owned())),
        (_, Some(Outcome::Stale)) => Some((WARN, "stale".to_owned())),
        (_, Some(Outcome::Applied | Outcome::Noted) | None) => None,
    }
}

/// The chatbot's actions, once no more arrive.
async fn all_said(chatbot: &Chatbot) -> Vec<Done> {
    let until = Instant::now() + PATIENCE;
    let (mut done, mut since) = (chatbot.done(), Instant::now());
    while since.elapsed() < SILENCE && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = chatbot.done();
        if now.len() != done.len() {
            (done, since) = (now, Instant::now());
        }
    }
    done
}
