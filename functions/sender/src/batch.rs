//! A batch: conversations run concurrently, the actions of each one after the other. What is held holds those behind it.

use crate::Sender;
use crate::incoming::Incoming;
use crate::pause::pause;
use crate::report::{Answer, End};
use aws_lambda_events::event::sqs::SqsMessage;
use futures::FutureExt;
use futures::future::join_all;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tidings_config::limits::{MAX_SEND_CRASHES, SEND_RESERVE, SEND_TIMEOUT};
use tidings_core::ports::Hide;
use tidings_core::send::SendState;
use tidings_outgoing::route;
use tokio::time::Instant;

/// What isn't begun in this invocation is visible again after this time.
const LEFT_OVER: Duration = Duration::from_secs(1);

/// What stays in the queue.
struct Kept {
    message_id: String,
    hide: Option<Hide>,
}

impl Sender {
    /// Returns the ids of the messages that stay in the queue.
    pub(crate) async fn batch(&self, messages: Vec<SqsMessage>, time_left: Duration) -> Vec<String> {
        let last_start = Instant::now() + time_left.saturating_sub(SEND_TIMEOUT + SEND_RESERVE);
        let mut groups: BTreeMap<String, Vec<Incoming>> = BTreeMap::new();
        for incoming in messages.into_iter().map(Incoming::read) {
            groups.entry(incoming.group.clone()).or_default().push(incoming);
        }
        let kept = join_all(groups.into_values().map(|group| self.one_conversation(group, last_start))).await;
        let kept: Vec<Kept> = kept.into_iter().flatten().collect();
        let hides: Vec<Hide> = kept.iter().filter_map(|kept| kept.hide.clone()).collect();
        if !hides.is_empty() {
            for failed in self.ports.visibility.hide(&hides).await.into_iter().filter_map(Result::err) {
                tracing::warn!(cause = %failed, "a held action is visible again only after its queue's own timeout");
            }
        }
        kept.into_iter().map(|kept| kept.message_id).collect()
    }

    async fn one_conversation(&self, group: Vec<Incoming>, last_start: Instant) -> Vec<Kept> {
        let mut kept = Vec::new();
        let mut behind: Option<Duration> = None;
        for incoming in group {
            let pause = match behind {
                Some(pause) => pause,
                None if Instant::now() > last_start => LEFT_OVER,
                None => {
                    let started = self.ports.clock.now();
                    let end = AssertUnwindSafe(self.one(&incoming)).catch_unwind().await;
                    let end = match end {
                        Ok(end) => end,
                        Err(_) => self.panicked(&incoming).await,
                    };
                    match end.report(&incoming, started, self.ports.clock.now()) {
                        Answer::Delete => continue,
                        Answer::Keep { pause } => pause,
                    }
                }
            };
            // In the order of the queue, so that none becomes visible before the one in front of it.
            behind = Some(pause);
            let hide = incoming.receipt_handle.map(|receipt_handle| Hide { receipt_handle, time: pause });
            kept.push(Kept { message_id: incoming.message_id, hide });
        }
        kept
    }

    async fn one(&self, incoming: &Incoming) -> End {
        let Some(action) = &incoming.action else { return self.forward(incoming).await };
        match route(&self.channels, action.channel(), action.recipient()) {
            None => self.forward(incoming).await,
            Some(configured) => self.say(incoming, action, configured).await,
        }
    }

    /// On to the bot's own queue, as it is.
    async fn forward(&self, incoming: &Incoming) -> End {
        match self.ports.bot.forward(&incoming.forwarded()).await {
            Ok(()) => End::Forwarded,
            Err(error) => End::Held {
                channel: None,
                pause: pause(incoming.receive_count, None),
                reason: format!("the bot's queue: {error}"),
            },
        }
    }

    /// A bug of ours. Its conversation can't wait for its end.
    async fn panicked(&self, incoming: &Incoming) -> End {
        let reason = "the sender panicked".to_owned();
        let held = |reason| End::Held { channel: None, pause: pause(incoming.receive_count, None), reason };
        if incoming.receive_count < MAX_SEND_CRASHES {
            return held(reason);
        }
        let state = SendState::Uncertain;
        match self.ports.dead_letters.forward(&incoming.dead(state, "", &reason, incoming.redrive + 1)).await {
            Ok(()) => End::DeadLettered { channel: String::new(), state, reason },
            Err(error) => held(error.to_string()),
        }
    }
}
