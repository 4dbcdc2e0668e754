//! Says one action: claim, request, answer, record.

use crate::Sender;
use crate::decide::{Begin, Conclusion, Left, conclude, given_up, left};
use crate::incoming::{Incoming, Sayable};
use crate::pause::pause;
use crate::prepare::{Later, Prepared, Ready};
use crate::report::End;
use std::time::Duration;
use tidings_config::limits::{BREAKER_PAUSE, MAX_SEND_WAIT};
use tidings_config::time::Timestamp;
use tidings_core::ports::{Answered, CallError, Unavailable, Wrote};
use tidings_core::send::{SendRecord, SendState};
use tidings_outgoing::{Blame, ConfiguredChannel, Outcome, Reply, classify};

/// Writers that were faster, before the action is looked at again later.
const MAX_TAKEN_OVER: u32 = 4;

/// The pause of a send whose record another sender has changed meanwhile.
const TAKEN_OVER_PAUSE: Duration = Duration::from_secs(1);

/// A send that has a message, a channel and a time.
struct Say<'a> {
    incoming: &'a Incoming,
    action: &'a Sayable,
    configured: &'a ConfiguredChannel,
}

impl Say<'_> {
    /// How long the action has been in its queue.
    fn age(&self, now: Timestamp) -> Duration {
        self.incoming.sent.map(|sent| now.since(sent)).unwrap_or_default()
    }

    fn held(&self, asked: Option<Duration>, reason: impl Into<String>) -> End {
        self.held_for(pause(self.incoming.receive_count, asked), reason)
    }

    fn held_for(&self, pause: Duration, reason: impl Into<String>) -> End {
        // SQS counts whole seconds.
        let pause = Duration::from_secs(pause.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX));
        End::Held { channel: Some(self.configured.name.clone()), pause, reason: reason.into() }
    }

    /// A record behind the stored one.
    fn record(&self, begin: Begin, stored: Option<&SendRecord>, state: SendState, now: Timestamp) -> SendRecord {
        SendRecord {
            cause: self.action.cause.clone(),
            id: self.action.id.clone(),
            version: stored.map_or(1, |stored| stored.version + 1),
            state,
            channel: self.configured.name.clone(),
            tries: begin.tries,
            since: begin.since,
            at: now,
            may_be_sent: begin.may_be_sent,
            message: None,
            reason: None,
            dead: stored.map_or(0, |stored| stored.dead),
            is_dead_lettered: false,
            writer: fastrand::u64(..),
            key: begin.key,
            namespace: self.configured.channel.namespace.clone(),
        }
    }
}

impl Sender {
    pub(crate) async fn say(&self, incoming: &Incoming, action: &Sayable, configured: &ConfiguredChannel) -> End {
        let say = Say { incoming, action, configured };
        let now = self.ports.clock.now();
        let is_too_old = say.age(now) >= MAX_SEND_WAIT;
        let prepared = match self.gate(&say, now) {
            Some(held) if !is_too_old => return held,
            Some(End::Held { reason, .. }) => Prepared::refused(given_up(&reason)),
            Some(_) | None => match self.prepare(configured, action, 0).await {
                Prepared::Later(Later { reason, blame }) => {
                    self.blamed(&say, blame).await;
                    if is_too_old { Prepared::refused(given_up(&reason)) } else { Prepared::Later(Later { reason, blame }) }
                }
                prepared @ (Prepared::Ready(_) | Prepared::Refused { .. }) => prepared,
            },
        };
        let remembered = match &prepared {
            Prepared::Ready(ready) => ready.remembered,
            Prepared::Later(_) | Prepared::Refused { .. } => configured.channel.idempotency.as_ref().map(|key| key.remembered()),
        };
        let (begin, begun) = match self.begin(&say, &prepared, remembered).await {
            Ok(begun) => begun,
            Err(end) => return end,
        };
        let ready = match prepared {
            Prepared::Ready(ready) if begin.key == 0 => ready,
            Prepared::Ready(_) => match self.prepare(configured, action, begin.key).await {
                Prepared::Ready(ready) => ready,
                Prepared::Later(Later { reason, .. }) => {
                    return self
                        .conclude(
                            &say,
                            begin,
                            &begun,
                            Conclusion::Waiting { after: None, reason, may_be_sent: begin.may_be_sent },
                        )
                        .await;
                }
                Prepared::Refused { reason } => return self.conclude(&say, begin, &begun, Conclusion::Refused { reason }).await,
            },
            Prepared::Later(Later { reason, .. }) => return say.held(None, reason),
            Prepared::Refused { .. } => return self.dead_letter(&say, begun).await,
        };
        let conclusion = self.request(&say, begin, ready).await;
        self.conclude(&say, begin, &begun, conclusion).await
    }

    /// Whether the channel's breaker and its rates let it pass. `Some`: it waits.
    fn gate(&self, say: &Say<'_>, now: Timestamp) -> Option<End> {
        let name = &say.configured.name;
        let mut state = self.state();
        if !state.breakers.entry(name.clone()).or_default().allows(now) {
            return Some(say.held(Some(BREAKER_PAUSE), "the channel isn't called for a while, since it failed several times"));
        }
        match state.rates.take(name, say.action.recipient(), &say.configured.channel.limits, now) {
            Ok(()) => None,
            Err(wait) => Some(say.held_for(wait, "the channel's rate")),
        }
    }

    /// Writes that the send begins, or what it has become without a request. Errors: its end, if there is nothing to begin.
    async fn begin(&self, say: &Say<'_>, prepared: &Prepared, remembered: Option<Duration>) -> Result<(Begin, SendRecord), End> {
        let mut stored: Option<SendRecord> = None;
        let mut begin = Begin::first(self.ports.clock.now());
        for _ in 0..MAX_TAKEN_OVER {
            let record = intended(say, begin, stored.as_ref(), prepared, self.ports.clock.now());
            let seen = stored.as_ref().map(|stored| stored.version);
            let found = match self.put(&record, seen).await {
                Ok(Wrote::Yes) => return Ok((begin, record)),
                Ok(Wrote::Other(found)) => found.map(|found| *found),
                Err(error) => return Err(say.held(None, error.to_string())),
            };
            let now = self.ports.clock.now();
            begin = match found.as_ref().map(|found| left(found, say.incoming.redrive, remembered, now)) {
                None => Begin::first(now),
                Some(Left::Begin(begin)) => begin,
                Some(Left::Done) => return Err(End::Known { channel: say.configured.name.clone() }),
                Some(Left::Wait(time)) => return Err(say.held_for(time, "another sender may be sending it")),
                Some(Left::DeadLetter) => match found {
                    Some(found) => return Err(self.dead_letter(say, found).await),
                    None => Begin::first(now),
                },
                Some(Left::GiveUp(reason)) => match found {
                    Some(found) => return Err(self.give_up(say, &found, reason).await),
                    None => Begin::first(now),
                },
            };
            stored = found;
        }
        Err(say.held_for(TAKEN_OVER_PAUSE, "other senders work on it"))
    }

    /// Calls the channel, and tells the breaker.
    async fn request(&self, say: &Say<'_>, begin: Begin, Ready { call, remembered }: Ready) -> Conclusion {
        let answered = self.ports.https.call(&call).await;
        let now = self.ports.clock.now();
        let status = answered.as_ref().map(|answered| answered.status).ok();
        let outcome = match answered {
            Ok(Answered { status, headers, body }) => {
                classify(say.configured.channel.api(), Reply { status, headers: &headers, body: &body }, now)
            }
            Err(error @ CallError::NotSent(_)) => {
                Outcome::Retry { after: None, reason: error.to_string(), hint: None, blame: None }
            }
            Err(error @ CallError::NoAnswer(_)) => Outcome::Unsure { reason: error.to_string() },
            Err(error @ CallError::Forbidden(_)) => {
                Outcome::Refused { reason: error.to_string(), hint: None, blame: Blame::Message }
            }
        };
        match (&outcome, status) {
            (Outcome::Retry { blame: blame @ Some(_), .. }, _) => self.blamed(say, *blame).await,
            (Outcome::Retry { .. } | Outcome::Unsure { .. }, None | Some(500..)) => self.failed(say, now),
            // It answers, and says that it is too much.
            (Outcome::Retry { .. }, _) => {}
            (Outcome::Sent { .. } | Outcome::Refused { .. } | Outcome::Unsure { .. }, _) => self.answered(say),
        }
        conclude(outcome, begin, remembered, say.age(now), now)
    }

    fn answered(&self, say: &Say<'_>) {
        self.state().breakers.entry(say.configured.name.clone()).or_default().answered();
    }

    fn failed(&self, say: &Say<'_>, now: Timestamp) {
        if self.state().breakers.entry(say.configured.name.clone()).or_default().failed(now) {
            tracing::warn!(channel = say.configured.name, "the channel fails: it isn't called for a while");
        }
    }

    /// The channel as a whole is to blame: it isn't called for a while, and its secret is read again.
    async fn blamed(&self, say: &Say<'_>, blame: Option<Blame>) {
        let name = &say.configured.name;
        match blame {
            None | Some(Blame::Message | Blame::Recipient) => return,
            Some(Blame::Secret) => {
                self.tokens.forget(name);
                self.secrets.refused().await;
            }
            Some(Blame::Account) => {}
        }
        if self.state().breakers.entry(name.clone()).or_default().open(self.ports.clock.now()) {
            tracing::error!(channel = name, "the channel refuses its secret or its account: it isn't called for a while");
        }
    }

    /// Records what became of a request.
    async fn conclude(&self, say: &Say<'_>, begin: Begin, begun: &SendRecord, conclusion: Conclusion) -> End {
        let now = self.ports.clock.now();
        let record = |state| say.record(begin, Some(begun), state, now);
        match conclusion {
            Conclusion::Sent { message } => {
                let record = SendRecord { message: message.clone(), ..record(SendState::Sent) };
                self.put_sent(record, begun.version).await;
                End::Sent { channel: say.configured.name.clone(), message, tries: begin.tries }
            }
            Conclusion::Waiting { after, reason, may_be_sent } => {
                let record = SendRecord { reason: Some(reason.clone()), may_be_sent, ..record(SendState::Waiting) };
                // If it can't be written, the send looks interrupted: it is never repeated for that.
                if let Err(error) = self.put(&record, Some(begun.version)).await {
                    tracing::warn!(cause = %error, "a send that waits could not be recorded");
                }
                say.held(after, reason)
            }
            Conclusion::Refused { reason } => self.end(say, begun, record(SendState::Refused), reason).await,
            Conclusion::Uncertain { reason } => self.end(say, begun, record(SendState::Uncertain), reason).await,
        }
    }

    /// Records a send that is over, and dead-letters it.
    async fn end(&self, say: &Say<'_>, stored: &SendRecord, record: SendRecord, reason: String) -> End {
        let record = SendRecord { reason: Some(reason), dead: stored.dead + 1, ..record };
        match self.put(&record, Some(stored.version)).await {
            Ok(Wrote::Yes) => self.dead_letter(say, record).await,
            Ok(Wrote::Other(_)) => say.held_for(TAKEN_OVER_PAUSE, "another sender works on it"),
            Err(error) => say.held(None, error.to_string()),
        }
    }

    async fn give_up(&self, say: &Say<'_>, stored: &SendRecord, reason: &str) -> End {
        let begin = Begin { tries: stored.tries, since: stored.since, key: stored.key, may_be_sent: true };
        let record = say.record(begin, Some(stored), SendState::Uncertain, self.ports.clock.now());
        self.end(say, stored, record, reason.to_owned()).await
    }

    /// Sends it to the dead-letter queue, and records that.
    async fn dead_letter(&self, say: &Say<'_>, record: SendRecord) -> End {
        let reason = record.reason.clone().unwrap_or_default();
        let dead = say.incoming.dead(record.state, &record.channel, &reason, record.dead);
        if let Err(error) = self.ports.dead_letters.forward(&dead).await {
            return say.held(None, format!("the dead-letter queue: {error}"));
        }
        let seen = record.version;
        let (channel, state) = (record.channel.clone(), record.state);
        let listed = SendRecord { version: seen + 1, is_dead_lettered: true, writer: fastrand::u64(..), ..record };
        // Without it a copy of the action is dead-lettered again.
        if let Err(error) = self.put(&listed, Some(seen)).await {
            tracing::warn!(cause = %error, "a dead-lettered send could not be recorded as such");
        }
        End::DeadLettered { channel, state, reason }
    }

    /// A message that was sent is recorded as sent, even if another sender has changed its record meanwhile.
    async fn put_sent(&self, mut record: SendRecord, mut seen: u32) {
        for _ in 0..MAX_TAKEN_OVER {
            match self.put(&record, Some(seen)).await {
                Ok(Wrote::Yes) => return,
                Ok(Wrote::Other(Some(stored))) if stored.state != SendState::Sent => {
                    seen = stored.version;
                    record.version = seen + 1;
                    record.dead = stored.dead;
                }
                Ok(Wrote::Other(_)) => return,
                Err(error) => {
                    tracing::warn!(cause = %error, "a sent action could not be recorded as sent");
                    return;
                }
            }
        }
    }

    /// Writes a record; a second time if the answer is lost, which then says whether the first had an effect.
    async fn put(&self, record: &SendRecord, seen: Option<u32>) -> Result<Wrote, Unavailable> {
        match self.ports.sends.put(record, seen).await {
            Err(_) => self.ports.sends.put(record, seen).await,
            written => written,
        }
    }
}

/// The record of a send that begins, or of what it has become without a request.
fn intended(say: &Say<'_>, begin: Begin, stored: Option<&SendRecord>, prepared: &Prepared, now: Timestamp) -> SendRecord {
    match prepared {
        Prepared::Ready(_) => say.record(begin, stored, SendState::Sending, now),
        Prepared::Later(later) => {
            // No request was begun.
            let record = say.record(begin, stored, SendState::Waiting, now);
            SendRecord { reason: Some(later.reason.clone()), tries: begin.tries.saturating_sub(1), ..record }
        }
        Prepared::Refused { reason } => {
            let state = if begin.may_be_sent { SendState::Uncertain } else { SendState::Refused };
            let record = say.record(begin, stored, state, now);
            SendRecord { reason: Some(reason.clone()), dead: record.dead + 1, ..record }
        }
    }
}
