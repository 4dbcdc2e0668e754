//! Who asks: a bot's backend, by its bearer token, or a customer of its, by a token that the backend signed.
//!
//! A portal's token is a [JSON Web Token](tidings_core::jwt), signed with the backend's own token as the key:
//!
//! | claim | |
//! |---|---|
//! | `sub` | the owner's label |
//! | `aud` | `tidings-endpoints` |
//! | `exp` | when the token ends, in seconds since 1970: at most a day from now |
//! | `nbf` | optional: when it begins |
//! | `scope` | optional: `read`, which changes nothing. Left out: `read write` |

use super::owner;
use super::reply::Reply;
use crate::endpoint::Registered;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use tidings_config::time::Clock;
use tidings_core::bearer::{NotAdmitted, TokenBook, bearer};
use tidings_core::http_api::Request;
use tidings_core::jwt::{Claims, Keys, NotVerified, PORTAL_AUDIENCE};
use tidings_core::ports::SecretStore;

/// Who may ask.
#[derive(Debug)]
pub(super) struct Access {
    tokens: TokenBook,
    keys: Keys,
    clock: Arc<dyn Clock>,
}

/// An admitted caller.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Caller {
    /// The bot's own, with this name in the secret: it sees and changes all.
    Backend(String),
    /// The holder of an owner's token.
    Owner { owner: String, may_write: bool },
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Caller {
    /// For the log.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Backend(name) => name,
            Self::Owner { .. } => "portal",
        }
    }

    pub(super) fn may_write(&self) -> bool {
        match self {
            Self::Backend(_) => true,
            Self::Owner { may_write, .. } => *may_write,
        }
    }

    /// Its own label. `None`: it isn't bound to one.
    pub(super) fn owner(&self) -> Option<&str> {
        match self {
            Self::Backend(_) => None,
            Self::Owner { owner, .. } => Some(owner),
        }
    }

    /// Whether an endpoint is among those that it sees. A sink is the project's, and nobody's here.
    pub(super) fn sees(&self, one: &Registered) -> bool {
        let is_its = self.owner().is_none_or(|owner| !one.of_file && one.status.group.as_deref() == Some(owner));
        one.endpoint.id.sink().is_none() && is_its
    }
}

impl Access {
    pub(super) fn new(tokens: Arc<dyn SecretStore>, clock: &Arc<dyn Clock>, signers_clock: Arc<dyn Clock>) -> Self {
        let keys = Keys::new(Arc::clone(&tokens), Arc::clone(clock), "the keys of the portals' tokens");
        Self { tokens: TokenBook::new(tokens, Arc::clone(clock), "the tokens of the endpoints' API"), keys, clock: signers_clock }
    }

    pub(super) async fn load(&self) {
        self.tokens.load().await;
    }

    pub(super) async fn admit(&self, request: &Request) -> Result<Caller, Reply> {
        let given = request.authorization.as_deref();
        // A backend's own token may have points as well, so both are tried.
        let signed = given.and_then(bearer).filter(|token| token.matches('.').count() == 2);
        if signed.is_some() {
            match self.keys.claims(signed, self.clock.now()).await {
                Ok(claims) => return portal(&claims),
                Err(NotVerified::Invalid(why)) => return Err(Reply::Unauthorized(why)),
                Err(NotVerified::Unavailable) => return Err(Reply::Unavailable),
                Err(NotVerified::Unsigned) => {}
            }
        }
        match self.tokens.admit(given).await {
            Ok(name) => Ok(Caller::Backend(name)),
            Err(NotAdmitted::Unauthorized) => Err(Reply::Unauthorized("send a valid token: Authorization: Bearer …")),
            Err(NotAdmitted::Unavailable) => Err(Reply::Unavailable),
        }
    }
}

fn portal(claims: &Claims) -> Result<Caller, Reply> {
    if claims.aud.as_ref().is_none_or(|aud| aud != PORTAL_AUDIENCE) {
        return Err(Reply::Unauthorized("the token's aud is not tidings-endpoints"));
    }
    let owner = claims.sub.as_ref().and_then(Value::as_str).and_then(|sub| owner(sub).ok());
    let owner = owner.ok_or(Reply::Unauthorized("the token's sub is not an owner's label"))?;
    let may_write = match &claims.scope {
        None => true,
        Some(Value::String(scope)) => scope.split(' ').any(|word| word == "write"),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            return Err(Reply::Unauthorized("the token's scope is not a text"));
        }
    };
    Ok(Caller::Owner { owner, may_write })
}
