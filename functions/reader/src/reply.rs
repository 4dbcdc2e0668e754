//! Every reply to a caller, in one table. Only a context contains stored data.

use serde_json::json;
use tidings_config::limits::{MAX_CONTEXT_ANSWER_BYTES, RETRY_AFTER};

/// The reply to a request.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_debug_implementations, reason = "it may hold a context, which mustn't be logged")]
pub enum Reply {
    /// A [`ContextAnswer`](tidings_core::context::ContextAnswer) as JSON. An unknown conversation's is empty.
    Context(String),
    /// The problem with the request.
    BadRequest(&'static str),
    /// The token is missing or wrong: the reply doesn't say which.
    Unauthorized,
    /// The front door has authenticated no caller: the route was deployed without its authorizer.
    Forbidden,
    NotFound,
    MethodNotAllowed,
    /// The context exceeds a function's largest response.
    TooLarge {
        bytes: usize,
    },
    /// The tokens or the table didn't respond.
    Unavailable,
}

impl Reply {
    pub const fn status(&self) -> u16 {
        match self {
            Self::Context(_) => 200,
            Self::BadRequest(_) => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            // The request is valid, and a retry doesn't help.
            Self::TooLarge { .. } => 422,
            Self::Unavailable => 503,
        }
    }

    /// The code for programs: `error` of the body, `outcome` of the log.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Context(_) => "ok",
            Self::BadRequest(_) => "bad_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge { .. } => "too_large",
            Self::Unavailable => "try_again",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Context(_) => "ok".to_owned(),
            Self::BadRequest(why) => (*why).to_owned(),
            Self::Unauthorized => "send a valid token: Authorization: Bearer …".to_owned(),
            Self::Forbidden => "the request has no identity: sign it with AWS Signature Version 4".to_owned(),
            Self::NotFound => "unknown endpoint; allowed: /context/{conversation}".to_owned(),
            Self::MethodNotAllowed => "allowed: GET".to_owned(),
            Self::TooLarge { bytes } => {
                format!(
                    "the context has {bytes} bytes, allowed: {MAX_CONTEXT_ANSWER_BYTES}; read the table instead: docs/reading.md"
                )
            }
            Self::Unavailable => "the context can't be read now; try again".to_owned(),
        }
    }

    /// The JSON body.
    pub fn body(&self) -> String {
        match self {
            Self::Context(json) => json.clone(),
            Self::BadRequest(_)
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::TooLarge { .. }
            | Self::Unavailable => json!({ "error": self.code(), "message": self.message() }).to_string(),
        }
    }

    /// A context is personal data: no cache may store it.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![("content-type", "application/json".to_owned()), ("cache-control", "no-store".to_owned())];
        match self {
            Self::Unauthorized => headers.push(("www-authenticate", "Bearer".to_owned())),
            Self::MethodNotAllowed => headers.push(("allow", "GET".to_owned())),
            Self::Unavailable => headers.push(("retry-after", RETRY_AFTER.as_secs().to_string())),
            Self::Context(_) | Self::BadRequest(_) | Self::Forbidden | Self::NotFound | Self::TooLarge { .. } => {}
        }
        headers
    }
}
