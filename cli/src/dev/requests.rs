//! The last requests that `dev` received, also those that it refused, for the inspector.
//!
//! Promises: it keeps at most [`MAX_REQUESTS_KEPT`] requests and [`MAX_REQUESTS_KEPT_BYTES`], in memory only; the oldest
//! leave first. A request stays as it was sent, with its signature and whatever secret it contains: only
//! `crate::inspector::redact` decides what of it is shown.

use super::claimed::Claimed;
use crate::limits::{MAX_REQUESTS_KEPT, MAX_REQUESTS_KEPT_BYTES};
use receiver::delivery::Delivery;
use receiver::{Answered, Refusal};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tidings_config::tenant::TenantName;
use tidings_config::time::Timestamp;
use tokio::sync::watch;

/// A request and its answer.
#[derive(Debug)]
pub(crate) struct Received {
    /// Its number since `dev` started, after the time of its start. So it names no other request after a restart.
    pub(crate) id: String,
    /// By this machine's clock.
    pub(crate) at: Timestamp,
    /// How long the answer took.
    pub(crate) took: Duration,
    pub(crate) path: String,
    pub(crate) delivery: Delivery,
    /// Its events. Empty: it was refused, or has none, or is a handshake.
    pub(crate) events: Vec<Claimed>,
    pub(crate) status: u16,
    pub(crate) reply: Vec<u8>,
    /// Why it got no 2xx. The sender doesn't learn it.
    pub(crate) refused: Option<String>,
}

impl Received {
    /// The source in `/webhooks/{source}` and `/webhooks/{source}/{tenant}`. `None`: another path.
    pub(crate) fn source(&self) -> Option<&str> {
        let target = self.path.strip_prefix("/webhooks/")?;
        let (name, tenant) = target.split_once('/').map_or((target, None), |(name, tenant)| (name, Some(tenant)));
        (!name.is_empty() && tenant.is_none_or(|tenant| tenant.parse::<TenantName>().is_ok())).then_some(name)
    }

    pub(crate) fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Its size in memory, about.
    fn bytes(&self) -> usize {
        const REST: usize = 512;
        let headers = self.delivery.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 64);
        let events = self.events.iter().map(|event| event.key.as_str().len() + event.event_type.len() + 48);
        let texts = [self.path.len(), self.delivery.query.len(), self.delivery.body.len(), self.reply.len()];
        headers.chain(events).chain(texts).sum::<usize>() + REST
    }
}

/// The last requests, and a signal after each change of what `dev` stores.
#[derive(Debug)]
pub(crate) struct Requests {
    start: Timestamp,
    kept: Mutex<Kept>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    received: u64,
    bytes: usize,
    requests: VecDeque<Arc<Received>>,
}

impl Requests {
    pub(crate) fn new(start: Timestamp) -> Self {
        Self { start, kept: Mutex::default(), changes: watch::Sender::new(0) }
    }

    /// With the time of arrival, and how long the answer took.
    pub(crate) fn add(
        &self,
        (at, took): (Timestamp, Duration),
        path: String,
        delivery: Delivery,
        events: Vec<Claimed>,
        answered: &Answered,
    ) {
        let Answered { response, refusal, is_authentic: _ } = answered;
        let mut kept = self.kept();
        kept.received += 1;
        let received = Received {
            id: format!("{}-{}", self.start.unix_ms(), kept.received),
            at,
            took,
            path,
            delivery,
            events,
            status: response.status().as_u16(),
            reply: response.body().to_vec(),
            refused: refusal.as_ref().map(why),
        };
        kept.bytes += received.bytes();
        kept.requests.push_back(Arc::new(received));
        while kept.requests.len() > MAX_REQUESTS_KEPT || kept.bytes > MAX_REQUESTS_KEPT_BYTES {
            let Some(oldest) = kept.requests.pop_front() else { break };
            kept.bytes -= oldest.bytes();
        }
        drop(kept);
        self.changed();
    }

    /// The kept requests, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Received>> {
        self.kept().requests.iter().cloned().collect()
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Received>> {
        self.kept().requests.iter().find(|request| request.id == id).cloned()
    }

    /// Tells the inspector that a claim or a request may be new.
    pub(crate) fn changed(&self) {
        self.changes.send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    /// Changes from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn why(refusal: &Refusal) -> String {
    refusal.rejection.as_ref().map_or_else(|| refusal.reply.reason().to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;
    use lambda_http::{Body, Response};

    fn add(requests: &Requests, body: usize) {
        let delivery =
            Delivery { method: "POST".into(), query: String::new(), headers: HeaderMap::new(), body: vec![b'x'; body].into() };
        let answered = Answered { response: Response::new(Body::Empty), refusal: None, is_authentic: false };
        requests.add(
            (Timestamp::from_unix_ms(0), Duration::ZERO),
            "/webhooks/stripe".to_owned(),
            delivery,
            Vec::new(),
            &answered,
        );
    }

    #[test]
    fn requests_are_bounded_in_number_and_in_bytes_and_the_oldest_leave_first() {
        let requests = Requests::new(Timestamp::from_unix_ms(7));
        for _ in 0..MAX_REQUESTS_KEPT + 3 {
            add(&requests, 1);
        }
        let kept = requests.all();
        assert_eq!((kept.len(), kept[0].id.as_str()), (MAX_REQUESTS_KEPT, "7-4"));
        assert!(requests.find("7-3").is_none() && requests.find("7-4").is_some());
        add(&requests, MAX_REQUESTS_KEPT_BYTES - 2_000);
        assert!(requests.all().len() < 4, "{}", requests.all().len());
        let bytes: usize = requests.all().iter().map(|request| request.bytes()).sum();
        assert!(bytes <= MAX_REQUESTS_KEPT_BYTES && bytes == requests.kept().bytes);
        add(&requests, MAX_REQUESTS_KEPT_BYTES);
        assert!(requests.all().is_empty(), "a request that is larger than the whole limit isn't kept");
    }

    #[test]
    fn each_request_is_a_change() {
        let requests = Requests::new(Timestamp::from_unix_ms(0));
        let changes = requests.changes();
        assert!(!changes.has_changed().unwrap());
        add(&requests, 1);
        assert!(changes.has_changed().unwrap());
    }

    #[test]
    fn a_source_is_the_name_in_the_path() {
        let requests = Requests::new(Timestamp::from_unix_ms(0));
        add(&requests, 1);
        let mut one = Arc::into_inner(requests.kept().requests.pop_front().unwrap()).unwrap();
        for (path, source) in [
            ("/webhooks/stripe", Some("stripe")),
            ("/webhooks/", None),
            ("/webhooks/stripe/acme", Some("stripe")),
            ("/webhooks/stripe/a/b", None),
            ("/webhook/stripe", None),
            ("/", None),
        ] {
            one.path = path.to_owned();
            assert_eq!(one.source(), source, "{path}");
        }
    }
}
