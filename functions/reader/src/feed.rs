//! request → token → read → answer: `/feed/{conversation}`, for the people whom a bot talks to.
//!
//! Promises: nothing is read before the token is verified; a viewer sees the conversation that the token names, and
//! no other; a viewer who resumes by number misses no update and gets none twice. Never: a token, a name or an update
//! in a log. A failure is an answer, and may be retried.
//!
//! The flow, one file each: [`token`] → `asked` → [`FeedApi::next`] → [`sse`]. `append` takes what a bot's backend says, and
//! `status` answers `/events/{token}`.

mod append;
mod asked;
pub mod origin;
pub mod reply;
pub mod socket;
pub mod sse;
mod status;
pub mod token;

use self::asked::{Asked, What};
use self::origin::Origins;
use self::reply::{Answer, FeedReply};
use self::token::{Keys, Viewer};
use crate::Request;
use std::sync::Arc;
use tidings_config::limits::{FEED_READS, FEED_REREAD_PAUSE};
use tidings_config::time::{Clock, millis};
use tidings_core::context::{FeedSlice, Update};
use tidings_core::kept::Kept;
use tidings_core::ports::{ContextStore, FeedReader, SecretStore, StatusReader, Unavailable};
use tidings_core::status_url::StatusKey;

/// Reads of updates that a viewer may not see, for one answer.
const MAX_HIDDEN_READS: u32 = 10;

/// The feed with its dependencies.
#[derive(Debug)]
pub struct FeedApi {
    feeds: Arc<dyn FeedReader>,
    keys: Keys,
    origins: Origins,
    /// `None`: nothing may be appended.
    store: Option<Arc<dyn ContextStore>>,
    /// `None`: there are no status URLs.
    status: Option<(Kept<StatusKey>, Arc<dyn StatusReader>)>,
    clock: Arc<dyn Clock>,
    /// The clock of those who sign tokens.
    signers_clock: Arc<dyn Clock>,
}

/// What a viewer gets next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Updates up to this number, after the viewer's cursor, are no longer kept.
    pub lost_up_to: Option<u64>,
    /// The updates that the viewer may see.
    pub updates: Vec<Update>,
    /// The viewer's next cursor. `None`: it has none yet.
    pub cursor: Option<u64>,
    /// Whether the cursor is another than before.
    pub has_moved: bool,
    /// Whether there is more.
    pub more: bool,
}

impl FeedApi {
    /// `secret`: the keys that sign viewers' tokens.
    pub fn new(feeds: Arc<dyn FeedReader>, secret: Arc<dyn SecretStore>, origins: Origins, clock: Arc<dyn Clock>) -> Self {
        Self {
            feeds,
            keys: Keys::new(secret, Arc::clone(&clock)),
            origins,
            store: None,
            status: None,
            signers_clock: Arc::clone(&clock),
            clock,
        }
    }

    /// Takes parts of messages, which are written into this store.
    #[must_use]
    pub fn appending_to(self, store: Arc<dyn ContextStore>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Answers status URLs, by the key in this secret.
    #[must_use]
    pub fn telling_status_by(self, secret: Arc<dyn SecretStore>, claims: Arc<dyn StatusReader>) -> Self {
        let key = |document: &str| StatusKey::new(document).map(|key| vec![key]).ok_or_else(|| "it is too short".to_owned());
        let kept = Kept::new(secret, Arc::clone(&self.clock), "the key of status URLs", key);
        Self { status: Some((kept, claims)), ..self }
    }

    /// Takes tokens by another clock: for `tidings dev`, whose own clock people move ahead.
    #[must_use]
    pub fn verifying_by(self, signers_clock: Arc<dyn Clock>) -> Self {
        Self { signers_clock, ..self }
    }

    /// Loads the keys before the first request. A failure is logged, and retried with the first request.
    pub async fn warm_up(&self) {
        self.keys.load().await;
    }

    /// Answers one request with all that there is now.
    pub async fn answer(&self, request: &Request) -> Answer {
        let started = self.clock.now();
        let reply = self.reply(request).await.unwrap_or_else(|refused| refused);
        let (status, outcome) = (reply.status(), reply.code());
        let duration_ms = millis(self.clock.now().since(started));
        tracing::info!(outcome, status, duration_ms, "answered");
        self.written(reply, request)
    }

    async fn reply(&self, request: &Request) -> Result<FeedReply, FeedReply> {
        if request.method == "OPTIONS" {
            return Ok(FeedReply::Preflight);
        }
        if let Some(status) = self.status(request).await {
            return status;
        }
        let (viewer, asked) = self.admit(request).await?;
        match asked.what {
            What::View { after } => {
                let batch = self.next(&viewer, after).await.map_err(unavailable)?;
                Ok(FeedReply::Stream(sse::buffered(&batch)))
            }
            What::Append(part) => self.append(&viewer, part).await,
        }
    }

    /// A reply as it is sent to this request's origin.
    pub fn written(&self, reply: FeedReply, request: &Request) -> Answer {
        reply.into_answer(self.origins.headers(request.origin.as_deref()))
    }

    /// The viewer of a request, and what is asked for.
    async fn admit(&self, request: &Request) -> Result<(Viewer, Asked), FeedReply> {
        let asked = Asked::of(request)?;
        let viewer = self.viewer(asked.token.as_deref()).await?;
        if viewer.conversation != asked.conversation {
            return Err(FeedReply::Forbidden("the token is for another conversation"));
        }
        Ok((viewer, asked))
    }

    /// The viewer whom a token names.
    pub async fn viewer(&self, token: Option<&str>) -> Result<Viewer, FeedReply> {
        self.keys.viewer(token, self.signers_clock.now()).await
    }

    /// Whether a viewer's token is still valid.
    pub fn is_valid(&self, viewer: &Viewer) -> bool {
        viewer.is_valid(self.signers_clock.now())
    }

    /// The viewer and the cursor of a request for a feed that is held open.
    pub async fn open(&self, request: &Request) -> Result<(Viewer, Option<u64>), FeedReply> {
        match self.admit(request).await? {
            (viewer, Asked { what: What::View { after }, .. }) => Ok((viewer, after)),
            (_, Asked { what: What::Append(_), .. }) => Err(FeedReply::MethodNotAllowed),
        }
    }

    /// The updates after a cursor that the viewer may see. `None`: all that are kept.
    pub async fn next(&self, viewer: &Viewer, after: Option<u64>) -> Result<Batch, Unavailable> {
        let mut batch = Batch { cursor: after, ..Batch::default() };
        for _ in 0..MAX_HIDDEN_READS {
            let slice = self.slice(&viewer.conversation, batch.cursor).await?;
            batch.cursor = slice.cursor().or(batch.cursor);
            batch.lost_up_to = slice.lost_up_to.or(batch.lost_up_to);
            batch.more = slice.more;
            batch.updates.extend(slice.updates.into_iter().filter(|update| viewer.sees(update.event)));
            if !batch.updates.is_empty() || !slice.more {
                break;
            }
        }
        batch.has_moved = batch.cursor != after;
        Ok(batch)
    }

    async fn slice(&self, conversation: &str, after: Option<u64>) -> Result<FeedSlice, Unavailable> {
        let mut reads = 1;
        loop {
            let found = self.feeds.feed(conversation, after.unwrap_or(0)).await?;
            let found = match &found.linked_to {
                Some(to) => self.feeds.feed(to, after.unwrap_or(0)).await?,
                None => found,
            };
            let slice = found.after(after, self.clock.now());
            if !slice.torn || reads == FEED_READS {
                return Ok(slice);
            }
            reads += 1;
            tokio::time::sleep(FEED_REREAD_PAUSE).await;
        }
    }
}

fn unavailable(error: Unavailable) -> FeedReply {
    tracing::error!(cause = %error, "the feed could not be read");
    FeedReply::Unavailable
}
