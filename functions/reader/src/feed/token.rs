//! Viewers' tokens: [JSON Web Tokens](tidings_core::jwt) that the bot's backend signs with a key of the feed's secret.
//!
//! | claim | |
//! |---|---|
//! | `sub` | the conversation, whose name must not be empty |
//! | `exp` | when the token ends, in seconds since 1970: at most a day from now |
//! | `nbf` | optional: when it begins |
//! | `scope` | optional: words with spaces between them: `action`, `context` and `message` (what the viewer sees; all, if it is left out), `append` (the bot's own) |

use super::reply::FeedReply;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use tidings_config::limits::{JWT_LEEWAY, MAX_CONVERSATION_BYTES};
use tidings_config::time::{Clock, Timestamp};
use tidings_core::context::UpdateKind;
use tidings_core::jwt::{self, Claims, NotVerified, PORTAL_AUDIENCE};
use tidings_core::ports::SecretStore;

/// Who may see a conversation, as a verified token says. Only [`Keys`] makes one.
#[derive(Clone)]
pub struct Viewer {
    pub(super) conversation: String,
    sees: Vec<UpdateKind>,
    appends: bool,
    ends: Timestamp,
}

/// Its Debug leaves out the conversation.
impl fmt::Debug for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { conversation: _, sees, appends, ends } = self;
        f.debug_struct("Viewer").field("sees", sees).field("appends", appends).field("ends", ends).finish_non_exhaustive()
    }
}

impl Viewer {
    pub fn conversation(&self) -> &str {
        &self.conversation
    }

    pub(super) fn sees(&self, event: UpdateKind) -> bool {
        self.sees.contains(&event)
    }

    pub(super) fn may_append(&self) -> bool {
        self.appends
    }

    pub(super) fn is_valid(&self, now: Timestamp) -> bool {
        now <= self.ends.plus(JWT_LEEWAY)
    }
}

/// The keys that sign viewers' tokens.
#[derive(Debug)]
pub struct Keys(jwt::Keys);

const MALFORMED: FeedReply = FeedReply::Unauthorized("send a valid token: Authorization: Bearer …, or ?token=…");

impl Keys {
    pub fn new(store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>) -> Self {
        Self(jwt::Keys::new(store, clock, "the feed's keys"))
    }

    /// Fetches now. If that fails, the loaded keys stay in use.
    pub(super) async fn load(&self) {
        self.0.load().await;
    }

    pub(super) async fn viewer(&self, token: Option<&str>, now: Timestamp) -> Result<Viewer, FeedReply> {
        match self.0.claims(token, now).await {
            Ok(claims) => viewer(claims),
            Err(NotVerified::Unsigned) => Err(MALFORMED),
            Err(NotVerified::Invalid(why)) => Err(FeedReply::Unauthorized(why)),
            Err(NotVerified::Unavailable) => Err(FeedReply::Unavailable),
        }
    }
}

/// The viewer of a verified token.
fn viewer(claims: Claims) -> Result<Viewer, FeedReply> {
    let refused = |why: &'static str| Err(FeedReply::Unauthorized(why));
    let Some(Value::String(conversation)) = claims.sub else {
        return refused("the token has no sub: the conversation's name, as text");
    };
    if conversation.is_empty() || conversation.len() > MAX_CONVERSATION_BYTES {
        return refused("the token's sub is empty, or longer than 512 bytes");
    }
    // A token for another API, signed with the same key.
    if claims.aud.as_ref().is_some_and(|aud| aud == PORTAL_AUDIENCE) {
        return refused("the token is for endpoints, not for a feed");
    }
    let all = [UpdateKind::Action, UpdateKind::Context, UpdateKind::Message];
    let (sees, appends) = match &claims.scope {
        None => (all.to_vec(), false),
        Some(Value::String(scope)) => {
            let has = |word: &str| scope.split(' ').any(|given| given == word);
            (all.into_iter().filter(|kind| has(kind.as_str())).collect(), has("append"))
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            return refused("the token's scope is not a text");
        }
    };
    Ok(Viewer { conversation, sees, appends, ends: claims.ends })
}
