//! request → admit → route → read or write → answer: `/endpoints`, for a bot's backend and for its customers.
//!
//! Promises: nothing is read before the caller is admitted; a caller with an owner's token sees and changes that owner's
//! endpoints alone, and gets one answer for what doesn't exist and for what is another's; a secret is in the answer that creates
//! or rotates it, and in no other. Never: a request to an endpoint, a token or a secret in a log. A failure is an answer, and
//! may be retried.
//!
//! The flow, one file each: [`lambda`] → [`admit`] → [`route`] → `endpoints`, `deliveries` → [`reply`]. The bodies are in
//! [`bodies`].

pub mod admit;
pub mod bodies;
mod deliveries;
mod endpoints;
pub mod lambda;
pub mod reply;
pub mod route;

use self::admit::{Access, Caller};
use self::reply::Reply;
use self::route::{Asked, Route};
use crate::book::Book;
use crate::limits::MAX_OWNER_BYTES;
use crate::ports::{DeliveryStore, EndpointStore};
use crate::secrets::SecretBook;
use std::sync::Arc;
use tidings_config::endpoint::Endpoint;
use tidings_config::reach::Reach;
use tidings_config::time::{Clock, millis};
use tidings_core::http_api::Request;
use tidings_core::ports::{SecretStore, TimerQueue, Unavailable};

/// The ports that it needs.
#[derive(Clone, Debug)]
pub struct Ports {
    pub endpoints: Arc<dyn EndpointStore>,
    pub deliveries: Arc<dyn DeliveryStore>,
    /// The deliveries queue.
    pub queue: Arc<dyn TimerQueue>,
    /// The endpoints' secrets.
    pub secrets: Arc<dyn SecretStore>,
    /// The tokens of backends, which are the keys of portals' tokens as well.
    pub tokens: Arc<dyn SecretStore>,
    pub clock: Arc<dyn Clock>,
    /// The clock of those who sign tokens.
    pub signers_clock: Arc<dyn Clock>,
}

/// The API with its dependencies.
#[derive(Debug)]
pub struct Portal {
    access: Access,
    book: Book,
    endpoints: Arc<dyn EndpointStore>,
    deliveries: Arc<dyn DeliveryStore>,
    queue: Arc<dyn TimerQueue>,
    secrets: SecretBook,
    /// What the publisher may reach.
    reach: Reach,
    clock: Arc<dyn Clock>,
}

impl Portal {
    /// `of_file`: the endpoints of the project's file.
    pub fn new(of_file: Vec<Endpoint>, ports: Ports, reach: Reach) -> Self {
        let Ports { endpoints, deliveries, queue, secrets, tokens, clock, signers_clock } = ports;
        Self {
            access: Access::new(tokens, &clock, signers_clock),
            book: Book::new(of_file, Arc::clone(&endpoints), Arc::clone(&clock)),
            endpoints,
            deliveries,
            queue,
            secrets: SecretBook::new(secrets, Arc::clone(&clock)),
            reach,
            clock,
        }
    }

    /// Loads the tokens before the first request. A failure is logged, and retried with the first request.
    pub async fn warm_up(&self) {
        self.access.load().await;
    }

    /// Answers one request. A failure is a reply as well.
    pub async fn answer(&self, request: &Request) -> Reply {
        let started = self.clock.now();
        let admitted = self.access.admit(request).await;
        let (caller, reply) = match &admitted {
            Ok(caller) => (Some(caller.name()), self.admitted(caller, request).await.unwrap_or_else(|refused| refused)),
            Err(reply) => (None, reply.clone()),
        };
        let (status, outcome) = (reply.status(), reply.code());
        let duration_ms = millis(self.clock.now().since(started));
        tracing::info!(outcome, status, caller, method = request.method, duration_ms, "answered");
        reply
    }

    async fn admitted(&self, caller: &Caller, request: &Request) -> Result<Reply, Reply> {
        let Asked { route, method, query } = Asked::of(request)?;
        if method.writes() && !caller.may_write() {
            return Err(Reply::Forbidden);
        }
        match (route, method) {
            (Route::All, route::Method::Get) => self.list(caller, &query).await,
            (Route::All, _) => self.create(caller, request).await,
            (Route::One(id), route::Method::Get) => self.show(caller, &id).await,
            (Route::One(id), route::Method::Patch) => self.patch(caller, &id, &request.body).await,
            (Route::One(id), route::Method::Delete | route::Method::Post) => self.remove(caller, &id).await,
            (Route::Attempts(id), _) => self.attempts(caller, &id, &query).await,
            (Route::Retry(id), _) => self.retry(caller, &id, &request.body).await,
            (Route::Test(id), _) => self.test(caller, &id).await,
            (Route::Rotate(id), _) => self.rotate(caller, &id, request).await,
        }
    }
}

/// A label of an owner.
///
/// # Errors
///
/// It is empty or too long, or has a character that isn't allowed.
pub fn owner(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=MAX_OWNER_BYTES).contains(&text.len()) && text.bytes().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err(format!("it isn't an owner's label; allowed: 1 to {MAX_OWNER_BYTES} letters, digits, '.', '_' and '-'"))
    }
}

fn unavailable(error: Unavailable) -> Reply {
    tracing::error!(cause = %error, "the endpoints could not be read or written");
    Reply::Unavailable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_a_short_plain_label() {
        for good in ["c", "customer-7", "Acme.eu_1", &"a".repeat(MAX_OWNER_BYTES)] {
            assert_eq!(owner(good).as_deref(), Ok(good));
        }
        for bad in ["", "a b", "a/b", "ä", "a\n", "a#b", &"a".repeat(MAX_OWNER_BYTES + 1)] {
            assert!(owner(bad).is_err(), "{bad}");
        }
    }
}
