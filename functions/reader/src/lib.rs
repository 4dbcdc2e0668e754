//! request → admit → read → answer: `GET /context/{conversation}`, for bots without access to DynamoDB.
//!
//! Promises: nothing is read before the caller is admitted; an answer contains only facts that are valid now. Never:
//! a write; a conversation's name, a fact or a token in a log or in an error. A failure is a response, and may be
//! retried.
//!
//! The flow, one file each: [`lambda`] → [`admit`] → `request` → [`reply`].

pub mod admit;
pub mod feed;
pub mod lambda;
pub mod reply;
mod request;

pub use tidings_core::http_api::Request;

use crate::admit::{Access, Admitted};
use crate::reply::Reply;
use crate::request::Asked;
use std::sync::Arc;
use tidings_config::limits::MAX_CONTEXT_ANSWER_BYTES;
use tidings_config::time::{Clock, millis};
use tidings_core::context::ContextAnswer;
use tidings_core::ports::ContextReader;

/// The read API with its dependencies.
#[derive(Debug)]
pub struct ContextApi {
    contexts: Arc<dyn ContextReader>,
    access: Access,
    clock: Arc<dyn Clock>,
}

impl ContextApi {
    pub fn new(contexts: Arc<dyn ContextReader>, access: Access, clock: Arc<dyn Clock>) -> Self {
        Self { contexts, access, clock }
    }

    /// Loads the tokens before the first request. A failure is logged, and retried with the first request.
    pub async fn warm_up(&self) {
        self.access.warm_up().await;
    }

    /// Answers one request. A failure is a reply as well.
    pub async fn answer(&self, request: &Request) -> Reply {
        let started = self.clock.now();
        let (caller, reply) = match self.access.admit(request).await {
            Ok(Admitted { caller }) => (Some(caller), self.read(request).await),
            Err(reply) => (None, reply),
        };
        let (status, outcome) = (reply.status(), reply.code());
        let duration_ms = millis(self.clock.now().since(started));
        tracing::info!(outcome, status, caller, duration_ms, "answered");
        reply
    }

    async fn read(&self, request: &Request) -> Reply {
        let asked = match Asked::of(request) {
            Ok(asked) => asked,
            Err(reply) => return reply,
        };
        let now = self.clock.now();
        match self.contexts.conversation(&asked.conversation, now).await {
            Ok(context) => {
                let answer = ContextAnswer::of(&context, now, asked.details);
                let json = serde_json::to_string(&answer).expect("an answer has string keys and holds only JSON");
                if json.len() > MAX_CONTEXT_ANSWER_BYTES { Reply::TooLarge { bytes: json.len() } } else { Reply::Context(json) }
            }
            Err(error) => {
                tracing::error!(cause = %error, "the context could not be read");
                Reply::Unavailable
            }
        }
    }
}
