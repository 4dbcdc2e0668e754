//! The protocol of a WebSocket: JSON messages, the same in `tidings dev` and on API Gateway.
//!
//! | a client says | |
//! |---|---|
//! | `{"subscribe": "web:ann", "after": 1795168800250}` | send the updates of this conversation from this number on. Without `after`: all that are kept. With `"token"`: for another conversation than the connection's token is for |
//! | `{"unsubscribe": "web:ann"}` | |
//! | `{"ping": …}` | is answered `{"event": "pong"}`. Every 30 s: it shows both sides that the connection lives |
//!
//! An update is `{"conversation": "web:ann", "id": 1795168800250, "event": "action", "data": {…}}`. `reset` says that
//! updates before its id are no longer kept. `subscribed` and `error` answer a client.

use super::reply::FeedReply;
use super::token::Viewer;
use super::{Batch, FeedApi};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tidings_config::limits::{MAX_SOCKET_MESSAGE_BYTES, MAX_SUBSCRIPTIONS};
use tidings_core::ports::Unavailable;

/// A conversation that a connection is subscribed to.
#[derive(Clone, Debug)]
struct Subscription {
    viewer: Viewer,
    after: Option<u64>,
}

/// One connection.
#[derive(Clone, Debug)]
pub struct Socket {
    /// By the token of the connection.
    viewer: Viewer,
    subscriptions: BTreeMap<String, Subscription>,
}

/// A message of a client.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Heard {
    subscribe: Option<String>,
    after: Option<u64>,
    token: Option<String>,
    unsubscribe: Option<String>,
    ping: Option<Value>,
}

const NOT_READ: &str =
    "allowed: {\"subscribe\": conversation, \"after\": number}, {\"unsubscribe\": conversation}, {\"ping\": …}";

impl Socket {
    /// A connection that was opened with this viewer's token.
    pub fn new(viewer: Viewer) -> Self {
        Self { viewer, subscriptions: BTreeMap::new() }
    }

    /// The answers to a client's message.
    pub async fn hear(&mut self, api: &FeedApi, text: &str) -> Vec<Value> {
        let heard = if text.len() > MAX_SOCKET_MESSAGE_BYTES { None } else { serde_json::from_str::<Heard>(text).ok() };
        let answer = match heard {
            Some(Heard { subscribe: Some(name), after, token, unsubscribe: None, ping: None }) => {
                self.subscribe(api, name, after.filter(|after| *after > 0), token.as_deref()).await
            }
            Some(Heard { unsubscribe: Some(name), subscribe: None, after: None, token: None, ping: None }) => {
                self.subscriptions.remove(&name);
                json!({ "event": "unsubscribed", "conversation": name })
            }
            Some(Heard { ping: Some(_), subscribe: None, unsubscribe: None, after: None, token: None }) => {
                json!({ "event": "pong" })
            }
            Some(Heard { .. }) | None => error(None, "bad_request", NOT_READ),
        };
        vec![answer]
    }

    async fn subscribe(&mut self, api: &FeedApi, name: String, after: Option<u64>, token: Option<&str>) -> Value {
        let viewer = match token {
            None => self.viewer.clone(),
            Some(token) => match api.viewer(Some(token)).await {
                Ok(viewer) => viewer,
                Err(refused) => return refusal(&name, &refused),
            },
        };
        if viewer.conversation() != name {
            return refusal(&name, &FeedReply::Forbidden("the token is for another conversation"));
        }
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS && !self.subscriptions.contains_key(&name) {
            return error(Some(&name), "too_many", "this connection has as many subscriptions as are allowed: 16");
        }
        self.subscriptions.insert(name.clone(), Subscription { viewer, after });
        json!({ "event": "subscribed", "conversation": name, "after": after })
    }

    /// The updates of all its conversations since the last time, and whether there are more. A subscription whose token
    /// has expired ends.
    pub async fn updates(&mut self, api: &FeedApi) -> Result<(Vec<Value>, bool), Unavailable> {
        let (mut messages, mut more, mut over) = (Vec::new(), false, Vec::new());
        for (name, subscription) in &mut self.subscriptions {
            if !api.is_valid(&subscription.viewer) {
                messages.push(error(Some(name), "unauthorized", "the token has expired: subscribe with a new one"));
                over.push(name.clone());
                continue;
            }
            let batch = api.next(&subscription.viewer, subscription.after).await?;
            subscription.after = batch.cursor;
            more |= batch.more;
            messages.extend(said(name, batch));
        }
        self.subscriptions.retain(|name, _| !over.contains(name));
        Ok((messages, more))
    }
}

/// The messages of a batch.
fn said(name: &str, batch: Batch) -> impl Iterator<Item = Value> + use<> {
    let name = name.to_owned();
    let reset = batch
        .lost_up_to
        .map(|lost| json!({ "conversation": name, "id": lost, "event": "reset", "data": { "lost_up_to": lost } }));
    reset.into_iter().chain(
        batch.updates.into_iter().map(
            move |update| json!({ "conversation": name, "id": update.n, "event": update.event.as_str(), "data": update.data }),
        ),
    )
}

fn error(conversation: Option<&str>, code: &str, message: &str) -> Value {
    let mut error = json!({ "event": "error", "error": code, "message": message });
    if let Some(conversation) = conversation {
        error["conversation"] = json!(conversation);
    }
    error
}

fn refusal(conversation: &str, refused: &FeedReply) -> Value {
    error(Some(conversation), refused.code(), &refused.message())
}
