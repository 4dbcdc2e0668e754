//! Every reply to a caller, in one table.

use super::route::Method;
use crate::limits::MAX_PORTAL_BODY_BYTES;
use serde_json::{Value, json};
use tidings_config::limits::RETRY_AFTER;

/// The reply to a request.
#[derive(Clone, PartialEq)]
#[allow(missing_debug_implementations, reason = "it may hold a secret, which mustn't be logged")]
pub enum Reply {
    Found(Value),
    Created(Value),
    /// It is done later.
    Accepted(Value),
    Deleted,
    /// All problems of the request.
    BadRequest(Vec<String>),
    Unauthorized(&'static str),
    /// The token may read only.
    Forbidden,
    /// It doesn't exist, or is another's.
    NotFound,
    MethodNotAllowed(&'static [Method]),
    /// Why what is stored doesn't allow it.
    Conflict(String),
    TooLarge,
    /// A store or a secret didn't respond.
    Unavailable,
}

impl Reply {
    pub const fn status(&self) -> u16 {
        match self {
            Self::Found(_) => 200,
            Self::Created(_) => 201,
            Self::Accepted(_) => 202,
            Self::Deleted => 204,
            Self::BadRequest(_) => 400,
            Self::Unauthorized(_) => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed(_) => 405,
            Self::Conflict(_) => 409,
            Self::TooLarge => 413,
            Self::Unavailable => 503,
        }
    }

    /// The code for programs: `error` of the body, `outcome` of the log.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Found(_) => "ok",
            Self::Created(_) => "created",
            Self::Accepted(_) => "accepted",
            Self::Deleted => "deleted",
            Self::BadRequest(_) => "bad_request",
            Self::Unauthorized(_) => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::Conflict(_) => "conflict",
            Self::TooLarge => "too_large",
            Self::Unavailable => "try_again",
        }
    }

    /// The JSON body.
    pub fn body(&self) -> String {
        let message = match self {
            Self::Found(json) | Self::Created(json) | Self::Accepted(json) => return json.to_string(),
            Self::Deleted => return String::new(),
            Self::BadRequest(problems) => problems.join("\n"),
            Self::Unauthorized(why) => (*why).to_owned(),
            Self::Forbidden => "the token may read, and change nothing".to_owned(),
            Self::NotFound => "there is no such endpoint".to_owned(),
            Self::MethodNotAllowed(allowed) => format!("allowed: {}", words(allowed)),
            Self::Conflict(why) => why.clone(),
            Self::TooLarge => format!("the body is too long; allowed: {MAX_PORTAL_BODY_BYTES} bytes"),
            Self::Unavailable => "the endpoints can't be reached now; try again".to_owned(),
        };
        json!({ "error": self.code(), "message": message }).to_string()
    }

    /// No cache may store an answer: it may have a secret.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![("content-type", "application/json".to_owned()), ("cache-control", "no-store".to_owned())];
        match self {
            Self::Unauthorized(_) => headers.push(("www-authenticate", "Bearer".to_owned())),
            Self::MethodNotAllowed(allowed) => headers.push(("allow", words(allowed))),
            Self::Unavailable => headers.push(("retry-after", RETRY_AFTER.as_secs().to_string())),
            Self::Found(_)
            | Self::Created(_)
            | Self::Accepted(_)
            | Self::Deleted
            | Self::BadRequest(_)
            | Self::Forbidden
            | Self::NotFound
            | Self::Conflict(_)
            | Self::TooLarge => {}
        }
        headers
    }
}

fn words(methods: &[Method]) -> String {
    methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", ")
}
