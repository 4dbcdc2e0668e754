//! A sender with queues, a table and a provider in memory, on one clock.

use crate::crashing::Crashing;
use sender::{Ports, Sender};
use serde_json::{Value, json};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_config::limits::{SENDER_RECEIVES, SENDER_TIMEOUT};
use tidings_config::time::{Clock, Timestamp};
use tidings_core::claim::Sha256Hex;
use tidings_core::memory::{Faults, Life, ManualClock, MemoryCalls, MemoryForwards, MemoryQueue, MemorySecrets, MemorySends};
use tidings_core::ports::{Answered, Call, CallError, Forwarded};
use tidings_core::send::{SendRecord, SendState};
use tidings_outgoing::{ChannelFile, ConfiguredChannel};

pub(crate) const START: Timestamp = Timestamp::from_unix_ms(1_796_040_000_000);

/// The visibility timeout of the actions queue.
pub(crate) const VISIBILITY: Duration = Duration::from_secs(180);

/// A secret that no line may show.
pub(crate) const SECRET: &str = "123456:canary-of-the-token";

/// Messages of a batch.
const BATCH: usize = 10;

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) queue: Arc<MemoryQueue>,
    pub(crate) sends: Arc<MemorySends>,
    pub(crate) bot: Arc<MemoryForwards>,
    pub(crate) dead_letters: Arc<MemoryForwards>,
    pub(crate) secrets: Arc<MemorySecrets>,
    pub(crate) provider: Arc<Provider>,
    pub(crate) life: Arc<Life>,
    pub(crate) channels: Vec<ConfiguredChannel>,
    pub(crate) sender: Sender,
}

/// A provider: what it took, by idempotency key if it knows keys.
pub(crate) struct Provider {
    pub(crate) calls: Arc<MemoryCalls>,
    pub(crate) taken: Arc<Mutex<Vec<Taken>>>,
}

/// A message that the provider took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) to: String,
    pub(crate) text: String,
    pub(crate) key: Option<String>,
}

impl Provider {
    fn new(faults: &Arc<Faults>) -> Self {
        let taken: Arc<Mutex<Vec<Taken>>> = Arc::default();
        let calls = Arc::new(MemoryCalls::new(Arc::clone(faults), accepting(&taken)));
        Self { calls, taken }
    }

    /// The texts that it took, in order.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.taken.lock().unwrap().iter().map(|taken| taken.text.clone()).collect()
    }

    /// It takes everything again.
    pub(crate) fn accept(&self) {
        self.calls.answer_with(accepting(&self.taken));
    }

    /// It answers this and takes nothing.
    pub(crate) fn answer(&self, status: u16, headers: &[(&str, &str)], body: &str) {
        self.calls.answer_with(fixed(status, headers, body));
    }
}

/// An answer to everything.
pub(crate) fn fixed(
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> impl Fn(&Call) -> Result<Answered, CallError> + Send + Sync + 'static {
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let answered = Answered { status, headers, body: body.as_bytes().to_vec() };
    move |_| Ok(answered.clone())
}

/// Telegram and LINE as they are documented: LINE knows a retry key, and answers a repeat with 409.
pub(crate) fn accepting(taken: &Arc<Mutex<Vec<Taken>>>) -> impl Fn(&Call) -> Result<Answered, CallError> + Send + Sync + 'static {
    let taken = Arc::clone(taken);
    move |call| {
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        let key = call.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-line-retry-key"));
        let key = key.map(|(_, value)| value.0.to_string());
        let to = if body["chat_id"].is_null() { &body["to"] } else { &body["chat_id"] };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let message = Taken { to: text(to), text: text(&body["messages"][0]["text"]) + &text(&body["text"]), key };
        let mut taken = taken.lock().unwrap();
        let is_known = message.key.is_some() && taken.iter().any(|known| known.key == message.key);
        if !is_known {
            taken.push(message);
        }
        let nth = taken.len();
        let (status, body) = match (call.url.contains("api.line.me"), is_known) {
            (false, _) => (200, json!({ "ok": true, "result": { "message_id": nth } })),
            (true, false) => (200, json!({ "sentMessages": [{ "id": nth.to_string(), "quoteToken": "q" }] })),
            (true, true) => (
                409,
                json!({ "message": "The retry key is already accepted", "sentMessages": [{ "id": nth.to_string(), "quoteToken": "q" }] }),
            ),
        };
        Ok(Answered { status, headers: Vec::new(), body: body.to_string().into_bytes() })
    }
}

/// A channel as the project's reader makes it.
pub(crate) fn channel(name: &str) -> ConfiguredChannel {
    let text = std::fs::read_to_string(format!("{}/channels/{name}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let file: ChannelFile = toml::from_str(&text).unwrap();
    ConfiguredChannel { name: name.to_owned(), secret: name.to_owned(), settings: file.defaults(), channel: file.channel() }
}

/// Telegram takes no idempotency key, LINE does. Without their rates, which have tests of their own.
pub(crate) fn channels() -> Vec<ConfiguredChannel> {
    let unlimited = |mut configured: ConfiguredChannel| {
        configured.channel.limits.per_second = None;
        configured.channel.limits.per_recipient = None;
        configured
    };
    ["telegram", "line"].map(channel).map(unlimited).into()
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(channels())
    }

    pub(crate) fn with(channels: Vec<ConfiguredChannel>) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let faults = Arc::new(Faults::default());
        let queue = MemoryQueue::on(Arc::clone(&clock), Arc::clone(&faults)).hiding(VISIBILITY);
        let queue = Arc::new(queue.dead_lettering_after(SENDER_RECEIVES));
        let sends = Arc::new(MemorySends::new(Arc::clone(&faults)));
        let (bot, dead_letters) =
            (Arc::new(MemoryForwards::new(Arc::clone(&faults))), Arc::new(MemoryForwards::new(Arc::clone(&faults))));
        let document = json!({ "telegram": SECRET, "line": SECRET }).to_string();
        let secrets = Arc::new(MemorySecrets::new(Arc::clone(&faults), document));
        let provider = Arc::new(Provider::new(&faults));
        let life = Arc::new(Life::default());
        let mut world = Self {
            sender: Sender::new(
                Vec::new(),
                ports(&clock, &queue, &sends, &bot, &dead_letters, &secrets, &provider, &life),
                NonZeroU32::MIN,
                None,
            ),
            clock,
            faults,
            queue,
            sends,
            bot,
            dead_letters,
            secrets,
            provider,
            life,
            channels,
        };
        world.restart();
        world
    }

    /// Another process.
    pub(crate) fn another(&self) -> Sender {
        let ports = ports(
            &self.clock,
            &self.queue,
            &self.sends,
            &self.bot,
            &self.dead_letters,
            &self.secrets,
            &self.provider,
            &self.life,
        );
        Sender::new(self.channels.clone(), ports, NonZeroU32::MIN, None)
    }

    /// A new process takes the place of this one.
    pub(crate) fn restart(&mut self) {
        self.sender = self.another();
    }

    pub(crate) fn put(&self, action: &Value) {
        self.queue.put_fifo(&message(action));
    }

    /// One batch. Returns the ids that stay.
    pub(crate) async fn batch(&self) -> Vec<String> {
        self.batch_by(&self.sender).await
    }

    pub(crate) async fn batch_by(&self, sender: &Sender) -> Vec<String> {
        let event = self.queue.receive(BATCH);
        let response = sender.handle(event.clone(), SENDER_TIMEOUT).await;
        self.queue.settle(&event, &response)
    }

    /// Batches until the queue is empty. The clock moves on to the next message that is visible.
    pub(crate) async fn settle(&self) {
        self.settle_until(START.plus(Duration::from_secs(40 * 3_600))).await;
        assert_eq!(self.queue.messages(), [""; 0], "everything has an end");
    }

    pub(crate) async fn settle_until(&self, until: Timestamp) {
        while let Some(visible) = self.queue.first_visible().filter(|visible| *visible <= until) {
            self.clock.set(visible.max(self.clock.now()));
            let event = self.queue.receive(BATCH);
            if event.records.is_empty() {
                // What is visible waits behind a hidden one of its group.
                let Some(next) = self.queue.next_visible().filter(|next| *next <= until) else { return };
                self.clock.set(next);
                continue;
            }
            let response = self.sender.handle(event.clone(), SENDER_TIMEOUT).await;
            self.queue.settle(&event, &response);
        }
    }

    pub(crate) fn record(&self, id: &str) -> Option<SendRecord> {
        self.sends.records().into_iter().find(|record| record.id.as_str() == hex(id))
    }

    pub(crate) fn state(&self, id: &str) -> Option<SendState> {
        self.record(id).map(|record| record.state)
    }

    /// State and reason of what was dead-lettered, in order.
    pub(crate) fn dead(&self) -> Vec<(String, String)> {
        let value = |message: &Forwarded, name: &str| {
            message
                .attributes
                .iter()
                .find(|(attribute, _)| *attribute == name)
                .map(|(_, value)| value.clone())
                .unwrap_or_default()
        };
        let both = |message: &Forwarded| (value(message, sender::attribute::STATE), value(message, sender::attribute::REASON));
        self.dead_letters.sent().iter().map(both).collect()
    }

    /// Moves what was dead-lettered back, as an operator does.
    pub(crate) fn redrive(&self) {
        for message in self.dead_letters.drain() {
            // Another id: SQS's own redrive isn't deduplicated.
            let deduplication = format!("{}-redriven-{}", message.deduplication, self.clock.now().unix_ms());
            self.queue.put_fifo(&Forwarded { deduplication, ..message });
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "one for each port")]
fn ports(
    clock: &Arc<ManualClock>,
    queue: &Arc<MemoryQueue>,
    sends: &Arc<MemorySends>,
    bot: &Arc<MemoryForwards>,
    dead_letters: &Arc<MemoryForwards>,
    secrets: &Arc<MemorySecrets>,
    provider: &Arc<Provider>,
    life: &Arc<Life>,
) -> Ports {
    Ports {
        sends: Crashing::of(sends, life),
        bot: Crashing::of(bot, life),
        dead_letters: Crashing::of(dead_letters, life),
        visibility: Crashing::of(queue, life),
        secrets: Crashing::of(secrets, life),
        https: Crashing::of(&provider.calls, life),
        clock: Arc::clone(clock) as _,
    }
}

/// An id as an action has it.
pub(crate) fn hex(id: &str) -> String {
    Sha256Hex::of(id.as_bytes()).digits().to_owned()
}

/// A notification.
pub(crate) fn notify(id: &str, conversation: &str, text: &str) -> Value {
    let format = if conversation.starts_with("telegram") { "MarkdownV2" } else { "plain" };
    json!({
        "specversion": "1.0", "id": hex(id), "source": "/tidings/rules/r", "type": "tidings.notify",
        "conversation": conversation, "sequence": "00000000000000000001", "priority": "normal",
        "cause": format!("orders#{id}"), "data": { "text": text, "format": format },
    })
}

/// The message of an action, as the processor sends it.
pub(crate) fn message(action: &Value) -> Forwarded {
    let text = |name: &str| action[name].as_str().unwrap_or_default().to_owned();
    Forwarded {
        body: action.to_string(),
        group: Sha256Hex::of(text("conversation").as_bytes()).digits().to_owned(),
        deduplication: text("id"),
        attributes: Vec::new(),
    }
}
