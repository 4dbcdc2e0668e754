//! Makes the request of an action: its secret, its token, its body.

use crate::Sender;
use crate::incoming::Sayable;
use std::time::Duration;
use tidings_config::limits::SEND_TIMEOUT;
use tidings_core::ports::{Call, Redacted};
use tidings_core::send::id_at_provider;
use tidings_outgoing::limits::MAX_ANSWER_BYTES;
use tidings_outgoing::{Blame, ConfiguredChannel, Rendered, Unrenderable, Values, render};

/// The request of an action, or why there is none.
#[derive(Debug)]
pub(crate) enum Prepared {
    Ready(Ready),
    /// Something of ours is missing: a secret, a token. The action is sent once it is there.
    Later(Later),
    /// The action can't be sent.
    Refused {
        reason: String,
    },
}

/// A request that can be sent.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) call: Call,
    /// How long the provider remembers its idempotency key. `None`: it has none.
    pub(crate) remembered: Option<Duration>,
}

/// Why it can't be sent now.
#[derive(Clone, Debug)]
pub(crate) struct Later {
    pub(crate) reason: String,
    /// What is to blame, if it is more than this action.
    pub(crate) blame: Option<Blame>,
}

impl Prepared {
    pub(crate) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }

    fn later(reason: impl Into<String>, blame: Option<Blame>) -> Self {
        Self::Later(Later { reason: reason.into(), blame })
    }
}

impl Sender {
    /// `key`: which idempotency key it has.
    pub(crate) async fn prepare(&self, configured: &ConfiguredChannel, action: &Sayable, key: u32) -> Prepared {
        let channel = &configured.channel;
        let Some(to) = channel.recipient(action.recipient()) else {
            let forms: Vec<String> = channel.conversation.iter().map(ToString::to_string).collect();
            return Prepared::refused(format!(
                "the conversation's name doesn't say whom {} sends to, allowed: {}; or name the recipient as data.to",
                configured.name,
                forms.join(", ")
            ));
        };
        let secret = if channel.has_secret { self.secrets.get(&configured.secret).await } else { None };
        if channel.has_secret && secret.is_none() {
            return Prepared::later(format!("no secret {:?} in the channels' secrets", configured.secret), Some(Blame::Secret));
        }
        let id = id_at_provider(&action.id, key);
        let mut values = Values {
            action: &action.whole,
            id: &id,
            to: Some(&to),
            secret: secret.as_ref(),
            settings: &configured.settings,
            token: None,
            jwt: None,
            event: None,
        };
        let token = match &channel.token {
            None => None,
            Some(token) => match self.token(configured, token, &values).await {
                Ok(token) => Some(token),
                Err(later) => return Prepared::Later(later),
            },
        };
        values.token = token.as_ref().map(|token| token.as_str());
        match render(channel.api(), &values, self.aws.as_ref(), self.ports.clock.now()) {
            Ok((request, Rendered { method, url, headers, body })) => {
                let headers = headers.into_iter().map(|(name, value)| (name, Redacted(value))).collect();
                let call = Call { method, url, headers, body, within: SEND_TIMEOUT, at_most: MAX_ANSWER_BYTES };
                let key = channel.idempotency.as_ref().filter(|_| request.idempotency);
                Prepared::Ready(Ready { call, remembered: key.map(|key| key.remembered()) })
            }
            Err(Unrenderable::Missing(place)) if place.root == "secret" => {
                Prepared::later(format!("the secret {:?} lacks {place}", configured.secret), Some(Blame::Secret))
            }
            Err(error) if error.may_pass() => Prepared::later(error.to_string(), Some(Blame::Account)),
            Err(error) => Prepared::refused(error.to_string()),
        }
    }
}
