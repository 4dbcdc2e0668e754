//! Two channels: Telegram takes no idempotency key, LINE answers a repeated key with 409. Both as they are documented.

use serde_json::{Value, json};
use std::sync::{LazyLock, Mutex, MutexGuard};
use tidings_core::ports::{Answered, Call, CallError};
use tidings_outgoing::{ChannelFile, ConfiguredChannel};

/// The channels' secrets.
pub(super) const SECRETS: &str = r#"{"telegram":"123456:simulated","line":"simulated"}"#;

/// A message that a channel took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) to: String,
    pub(crate) text: String,
    key: Option<String>,
}

/// The channels' servers.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    taken: Mutex<Vec<Taken>>,
}

impl Channel {
    fn lock(&self) -> MutexGuard<'_, Vec<Taken>> {
        self.taken.lock().expect("nothing panics while it holds this")
    }

    /// What they took, in order.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.lock().clone()
    }

    pub(super) fn answer(&self, call: &Call) -> Result<Answered, CallError> {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let key = call.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-line-retry-key"));
        let key = key.map(|(_, value)| value.0.to_string());
        let mut taken = self.lock();
        let is_line = call.url.contains("api.line.me");
        let is_known = key.is_some() && taken.iter().any(|known| known.key == key);
        if !is_known {
            let to = if is_line { text(&body["to"]) } else { text(&body["chat_id"]) };
            let text = if is_line { text(&body["messages"][0]["text"]) } else { text(&body["text"]) };
            taken.push(Taken { to, text, key });
        }
        let nth = taken.len();
        let sent = json!([{ "id": nth.to_string(), "quoteToken": "q" }]);
        let (status, body) = match (is_line, is_known) {
            (false, _) => (200, json!({ "ok": true, "result": { "message_id": nth } })),
            (true, false) => (200, json!({ "sentMessages": sent })),
            (true, true) => (409, json!({ "message": "The retry key is already accepted", "sentMessages": sent })),
        };
        Ok(Answered { status, headers: Vec::new(), body: body.to_string().into_bytes() })
    }
}

/// The channels without their rates: how fast they may be called has tests of its own.
pub(super) fn configured() -> Vec<ConfiguredChannel> {
    static CHANNELS: LazyLock<Vec<ConfiguredChannel>> = LazyLock::new(|| {
        let files = [
            ("telegram", include_str!("../../../../functions/sender/channels/telegram.toml")),
            ("line", include_str!("../../../../functions/sender/channels/line.toml")),
        ];
        let read = |(name, text): (&str, &str)| {
            let file: ChannelFile = toml::from_str(text).expect("a channel's file is valid");
            let mut channel = file.channel();
            channel.limits.per_second = None;
            channel.limits.per_recipient = None;
            ConfiguredChannel { name: name.to_owned(), secret: name.to_owned(), settings: file.defaults(), channel }
        };
        files.map(read).into()
    });
    CHANNELS.clone()
}
