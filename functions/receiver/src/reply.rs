//! Every reply to a provider, in one table. Replies contain no internal data.

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use lambda_http::{Body, Response};
use serde_json::{Value, json};
use tidings_config::limits;

/// The reply to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// SQS has acknowledged every event of the delivery.
    Accepted,
    /// SQS had acknowledged every event of the delivery before.
    Duplicate,
    /// An authentic delivery without events: some providers probe like this.
    NoEvents,
    Healthy,
    /// The dependencies of an event responded a moment ago.
    Ready,
    /// One of them didn't respond: events may get 503 as well.
    NotReady,
    /// A handshake whose challenge is missing, too long or not printable.
    BadChallenge,
    /// Not a valid HTTP request: an invalid method, header or base64.
    BadRequest,
    /// One body for every reason, so an attacker learns nothing. The reason is logged.
    Unauthentic,
    /// The path or the source doesn't exist.
    NotFound,
    MethodNotAllowed {
        allow: &'static str,
    },
    /// Its address, or its source, sent too many.
    TooMany {
        retry_after_s: u32,
    },
    TooLarge,
    UnsupportedMediaType,
    /// At least one event isn't durable. The others are duplicates next time.
    NotDurable,
    /// The source's secret is missing or couldn't be fetched yet, so a genuine request can't be distinguished from a
    /// forged one. Never 401, after which the provider might drop a genuine event.
    NoSecret,
    /// The same for the provider's public key.
    NoKey,
}

impl Reply {
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Accepted => StatusCode::ACCEPTED,
            Self::Duplicate | Self::NoEvents | Self::Healthy | Self::Ready => StatusCode::OK,
            Self::BadRequest | Self::BadChallenge => StatusCode::BAD_REQUEST,
            Self::Unauthentic => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotDurable | Self::NoSecret | Self::NoKey | Self::NotReady => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The code for programs: `status` of a 2xx, `error` of others.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::NoEvents => "no_events",
            Self::Healthy => "ok",
            Self::Ready => "ready",
            Self::NotReady => "not_ready",
            Self::BadChallenge => "bad_challenge",
            Self::BadRequest => "bad_request",
            Self::Unauthentic => "unauthentic",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::TooMany { .. } => "too_many",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::NotDurable | Self::NoSecret | Self::NoKey => "try_again",
        }
    }

    /// The code for metrics and logs. It may say more than the sender may learn.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotDurable => "not_durable",
            Self::NoSecret => "no_secret",
            Self::NoKey => "no_key",
            Self::Accepted
            | Self::Duplicate
            | Self::NoEvents
            | Self::Healthy
            | Self::Ready
            | Self::NotReady
            | Self::BadChallenge
            | Self::BadRequest
            | Self::Unauthentic
            | Self::NotFound
            | Self::MethodNotAllowed { .. }
            | Self::TooMany { .. }
            | Self::TooLarge
            | Self::UnsupportedMediaType => self.code(),
        }
    }

    /// The message for people.
    fn message(self) -> String {
        match self {
            Self::Accepted => "queued".to_owned(),
            Self::Duplicate => "already received".to_owned(),
            Self::NoEvents => "verified; the delivery contains no events".to_owned(),
            Self::Healthy => "alive".to_owned(),
            Self::Ready => "events are accepted".to_owned(),
            Self::NotReady => "a dependency did not respond".to_owned(),
            Self::BadChallenge => {
                format!("the challenge can't be echoed; allowed: 1 to {} printable ASCII characters", limits::MAX_CHALLENGE_BYTES)
            }
            Self::BadRequest => "this can't be read as an HTTP request".to_owned(),
            Self::Unauthentic => "the request could not be verified".to_owned(),
            Self::NotFound => "no such endpoint".to_owned(),
            Self::MethodNotAllowed { allow } => format!("allowed: {allow}"),
            Self::TooMany { .. } => "too many requests, please send it again later".to_owned(),
            Self::TooLarge => format!("the event is too large; allowed: {} bytes with its envelope", limits::MAX_MESSAGE_BYTES),
            Self::UnsupportedMediaType => "this content type is not accepted here".to_owned(),
            Self::NotDurable | Self::NoSecret | Self::NoKey => "not accepted, please send it again".to_owned(),
        }
    }

    pub fn into_response(self) -> Response<Body> {
        self.with(&[])
    }

    /// The response, with further fields.
    pub fn with(self, more: &[(&str, Value)]) -> Response<Body> {
        let word = if self.status().is_success() { "status" } else { "error" };
        let mut body = json!({ word: self.code(), "message": self.message() });
        for (name, value) in more {
            body[*name] = value.clone();
        }
        let mut response = Response::new(Body::Text(body.to_string()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Self::MethodNotAllowed { allow } = self {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from(limits::RETRY_AFTER.as_secs()));
        }
        if let Self::TooMany { retry_after_s } = self {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        response
    }
}
