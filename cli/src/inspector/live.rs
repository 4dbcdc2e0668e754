//! Events and requests as they come: a stream of server-sent events.
//!
//! The first message has the newest matching events, as `tidings events list` prints them; each later one those that are
//! new or changed their state, as `tidings events tail` does. In `dev` a message also has the new requests. A stream ends
//! with its page, or when the server stops. Nothing is read while no page is open.

use super::Inspector;
use super::answer::Problem;
use super::arguments::of_query;
use super::events::FILTER;
use crate::arguments::options;
use crate::commands::events::list::EventsList;
use crate::commands::events::{Seen, find};
use crate::dev::requests::Received;
use crate::limits::{LIVE_DEV_PAUSE, LIVE_PAUSE, LIVE_STACK_PAUSE};
use crate::stack::Reader;
use crate::target::reader_at;
use axum::extract::{RawQuery, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{Stream, unfold};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Pause between two comments that keep a silent connection open.
const HEARTBEAT: Duration = Duration::from_secs(15);

pub(super) async fn stream(
    State(inspector): State<Arc<Inspector>>,
    RawQuery(query): RawQuery,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let given: EventsList = options(&of_query(query.as_deref(), &FILTER)?, &[])?;
    let reader = reader_at(&inspector.at).await?;
    let changes = inspector.dev.as_ref().map(|dev| dev.workbench.requests().changes());
    let stop = inspector.stop.clone();
    let live = Live { inspector, reader, given, changes, stop, seen: Seen::default(), last_request: None, first: true };
    let messages = unfold(live, |mut live| async move {
        let message = live.next().await?;
        Some((Ok(message), live))
    });
    Ok(Sse::new(messages).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

struct Live {
    inspector: Arc<Inspector>,
    reader: Reader,
    given: EventsList,
    /// Changes of the `dev` in this process.
    changes: Option<watch::Receiver<u64>>,
    stop: watch::Receiver<bool>,
    seen: Seen,
    /// The newest request that was sent.
    last_request: Option<String>,
    first: bool,
}

impl Live {
    /// The next message. `None`: the server stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if !self.first && !self.wait().await {
                return None;
            }
            let message = self.read().await;
            if let Some((name, data)) = message {
                let data = self.inspector.without_secrets(data);
                return Some(Event::default().event(name).data(data.to_string()));
            }
        }
    }

    /// Waits until something may have changed. `false`: the server stops.
    async fn wait(&mut self) -> bool {
        let pause = if self.changes.is_some() { LIVE_DEV_PAUSE } else { LIVE_STACK_PAUSE };
        let changed = async {
            let is_changed = match &mut self.changes {
                Some(changes) => changes.changed().await.is_ok(),
                None => false,
            };
            if !is_changed {
                std::future::pending::<()>().await;
            }
        };
        let waited = async {
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(pause) => {}
            }
            // Changes that come together are one message.
            tokio::time::sleep(LIVE_PAUSE).await;
        };
        tokio::select! {
            () = waited => true,
            _ = self.stop.wait_for(|stop| *stop) => false,
        }
    }

    /// A message with what is new. `None`: nothing is.
    async fn read(&mut self) -> Option<(&'static str, Value)> {
        if let Some(changes) = &mut self.changes {
            changes.mark_unchanged();
        }
        let found = match find(&self.reader, &self.given.filter, self.given.limit, &self.inspector.at).await {
            Ok(found) => found,
            Err(failure) => {
                let first = std::mem::take(&mut self.first);
                let said = json!({ "error": failure.to_string(), "first": first });
                return Some(("problem", said));
            }
        };
        let (read, unknown) = (found.read, found.unknown);
        let mut news = self.seen.news(found.claims);
        news.reverse();
        let requests = self.requests();
        let is_first = std::mem::take(&mut self.first);
        if !is_first && news.is_empty() && requests.is_empty() {
            return None;
        }
        let name = if is_first { "list" } else { "news" };
        Some((name, json!({ "events": news, "requests": requests, "read": read, "unknown": unknown })))
    }

    /// Requests since the last message, newest first.
    fn requests(&mut self) -> Vec<Value> {
        let Some(dev) = &self.inspector.dev else { return Vec::new() };
        let all: Vec<Arc<Received>> = dev.workbench.requests().all();
        let last = self.last_request.as_ref();
        let known = last.and_then(|last| all.iter().position(|one| one.id == *last)).map_or(0, |place| place + 1);
        let new: Vec<Value> = all[known..].iter().rev().map(|one| self.inspector.summary(one)).collect();
        self.last_request = all.last().map(|one| one.id.clone()).or(self.last_request.take());
        new
    }
}
