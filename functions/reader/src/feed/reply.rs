//! Every reply of the feed, in one table. Only a stream contains stored data.

use serde_json::json;
use tidings_config::limits::{MAX_FEED_PART_BYTES, RETRY_AFTER, STATUS_RETRY};

/// The reply to a request.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_debug_implementations, reason = "it may hold a conversation's updates, which mustn't be logged")]
pub enum FeedReply {
    /// Server-sent events.
    Stream(String),
    /// The answer to a browser that asks what it may send.
    Preflight,
    /// The part was appended. `again`: it had been appended before.
    Appended {
        again: bool,
    },
    /// How far the events of a delivery are.
    Status {
        body: String,
        /// Whether it doesn't change any more by itself.
        ends: bool,
        /// Where the result is.
        result: Option<String>,
    },
    BadRequest(&'static str),
    /// The token is missing, wrong or not valid now.
    Unauthorized(&'static str),
    Forbidden(&'static str),
    NotFound,
    MethodNotAllowed,
    /// Another part comes before this one, or none comes any more.
    Conflict {
        /// The next part. `None`: the message is done.
        next: Option<u64>,
    },
    TooLarge,
    /// The keys or the table didn't respond.
    Unavailable,
}

/// A reply as it is sent.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "it may hold a conversation's updates, which mustn't be logged")]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl FeedReply {
    pub const fn status(&self) -> u16 {
        match self {
            Self::Stream(_) | Self::Appended { again: true } | Self::Status { result: None, .. } => 200,
            Self::Status { result: Some(_), .. } => 303,
            Self::Appended { again: false } => 202,
            Self::Preflight => 204,
            Self::BadRequest(_) => 400,
            Self::Unauthorized(_) => 401,
            Self::Forbidden(_) => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict { .. } => 409,
            Self::TooLarge => 413,
            Self::Unavailable => 503,
        }
    }

    /// The code for programs: `status` or `error` of the body, `outcome` of the log.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Stream(_) | Self::Status { .. } => "ok",
            Self::Preflight => "preflight",
            Self::Appended { again: true } => "duplicate",
            Self::Appended { again: false } => "appended",
            Self::BadRequest(_) => "bad_request",
            Self::Unauthorized(_) => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict { .. } => "conflict",
            Self::TooLarge => "too_large",
            Self::Unavailable => "try_again",
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::Stream(_) | Self::Preflight | Self::Status { .. } => "ok".to_owned(),
            Self::Appended { again: true } => "this part was appended before".to_owned(),
            Self::Appended { again: false } => "appended".to_owned(),
            Self::BadRequest(why) | Self::Unauthorized(why) | Self::Forbidden(why) => (*why).to_owned(),
            Self::NotFound => "there is nothing here; allowed: /feed/{conversation}, /events/{token}".to_owned(),
            Self::MethodNotAllowed => "allowed: GET, POST".to_owned(),
            Self::Conflict { next: Some(next) } => format!("the next part of this message is {next}"),
            Self::Conflict { next: None } => "this message is done".to_owned(),
            Self::TooLarge => format!("the part is too long; allowed: {MAX_FEED_PART_BYTES} bytes of text"),
            Self::Unavailable => "the feed can't be reached now; try again".to_owned(),
        }
    }

    /// Updates are personal data: no cache may store them. `x-accel-buffering` tells proxies to pass them on as they come.
    pub(super) fn into_answer(self, more: Vec<(&'static str, String)>) -> Answer {
        let status = self.status();
        let mut headers = vec![("cache-control", "no-store".to_owned())];
        headers.extend(more);
        match &self {
            Self::Unauthorized(_) => headers.push(("www-authenticate", "Bearer".to_owned())),
            Self::MethodNotAllowed => headers.push(("allow", "GET, POST".to_owned())),
            Self::Unavailable => headers.push(("retry-after", RETRY_AFTER.as_secs().to_string())),
            Self::Status { ends: false, .. } => headers.push(("retry-after", STATUS_RETRY.as_secs().to_string())),
            Self::Status { result: Some(result), .. } => headers.push(("location", result.clone())),
            Self::Status { ends: true, result: None, .. }
            | Self::Stream(_)
            | Self::Preflight
            | Self::Appended { .. }
            | Self::BadRequest(_)
            | Self::Forbidden(_)
            | Self::NotFound
            | Self::Conflict { .. }
            | Self::TooLarge => {}
        }
        let body = match self {
            Self::Stream(text) => {
                headers.extend([("content-type", "text/event-stream".to_owned()), ("x-accel-buffering", "no".to_owned())]);
                text
            }
            Self::Preflight => String::new(),
            Self::Status { body, .. } => {
                headers.push(("content-type", "application/json".to_owned()));
                body
            }
            Self::Appended { .. }
            | Self::BadRequest(_)
            | Self::Unauthorized(_)
            | Self::Forbidden(_)
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Conflict { .. }
            | Self::TooLarge
            | Self::Unavailable => {
                headers.push(("content-type", "application/json".to_owned()));
                let word = if status < 300 { "status" } else { "error" };
                let mut body = json!({ word: self.code(), "message": self.message() });
                if let Self::Conflict { next } = self {
                    body["next"] = json!(next);
                }
                body.to_string()
            }
        };
        Answer { status, headers, body }
    }
}
