//! What a request asks of a feed: `GET /feed/{conversation}?after=…` to see it, `POST /feed/{conversation}` to append to it.

use super::reply::FeedReply;
use crate::Request;
use crate::request::{NameError, name};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use tidings_config::limits::{MAX_FEED_APPEND_BYTES, MAX_FEED_PART_BYTES, MAX_FEED_STREAM_ID_BYTES};
use tidings_core::bearer::bearer;
use tidings_core::context::Part;

/// The path before the conversation's name.
pub(crate) const PREFIX: &str = "/feed/";

/// A request whose token isn't verified yet.
#[allow(missing_debug_implementations, reason = "it holds a token and the name of a conversation, which mustn't be logged")]
pub(super) struct Asked {
    pub(super) conversation: String,
    pub(super) token: Option<String>,
    pub(super) what: What,
}

pub(super) enum What {
    /// The updates after this number. `None`: all that are kept.
    View {
        after: Option<u64>,
    },
    Append(Part),
}

/// The body of a request that appends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    id: String,
    sequence: u64,
    #[serde(default)]
    text: String,
    #[serde(default)]
    done: bool,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Result<Self, FeedReply> {
        let conversation = name(&request.path, PREFIX).map_err(|error| match error {
            NameError::NoName => FeedReply::NotFound,
            NameError::Bad(why) => FeedReply::BadRequest(why),
        })?;
        let (mut token, mut after) = (request.authorization.as_deref().and_then(bearer).map(str::to_owned), None);
        for parameter in request.query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name {
                "token" => token = Some(percent_decode_str(value).decode_utf8_lossy().into_owned()),
                "after" => after = Some(value),
                _ => return Err(FeedReply::BadRequest("unknown query parameter; allowed: after, token")),
            }
        }
        let what = match request.method.as_str() {
            // A browser that reconnects sends the parameters of its first request, and the id of the last event in the header.
            "GET" => What::View { after: cursor(request.last_event_id.as_deref().filter(|id| !id.is_empty()).or(after))? },
            "POST" => What::Append(part(&request.body)?),
            _ => return Err(FeedReply::MethodNotAllowed),
        };
        Ok(Self { conversation, token, what })
    }
}

/// 0 is before the first update.
fn cursor(text: Option<&str>) -> Result<Option<u64>, FeedReply> {
    let Some(text) = text else { return Ok(None) };
    match text.parse() {
        Ok(0) => Ok(None),
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(FeedReply::BadRequest("after and Last-Event-ID must be the number of an update")),
    }
}

fn part(body: &str) -> Result<Part, FeedReply> {
    if body.len() > MAX_FEED_APPEND_BYTES {
        return Err(FeedReply::TooLarge);
    }
    let read = serde_json::from_str(body);
    let Body { id, sequence, text, done } = read.map_err(|_| {
        FeedReply::BadRequest(
            "the body must be a JSON object: id (text), sequence (number from 0), text, done (true for the last part)",
        )
    })?;
    if id.is_empty() || id.len() > MAX_FEED_STREAM_ID_BYTES {
        return Err(FeedReply::BadRequest("id is empty or too long; allowed: 128 bytes"));
    }
    if text.len() > MAX_FEED_PART_BYTES {
        return Err(FeedReply::TooLarge);
    }
    Ok(Part { id, sequence, text, done })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, query: &str, header: Option<&str>, body: &str) -> Result<Asked, &'static str> {
        let request = Request {
            method: method.to_owned(),
            path: "/feed/web%3Aann".to_owned(),
            query: query.to_owned(),
            last_event_id: header.map(str::to_owned),
            body: body.to_owned(),
            ..Request::default()
        };
        Asked::of(&request).map_err(|refused| refused.code())
    }

    fn after(query: &str, header: Option<&str>) -> Result<Option<u64>, &'static str> {
        asked("GET", query, header, "").map(|asked| match asked.what {
            What::View { after } => after,
            What::Append(_) => panic!("it is a GET"),
        })
    }

    #[test]
    fn the_header_of_a_reconnect_replaces_the_first_cursor() {
        assert_eq!(after("", None), Ok(None));
        assert_eq!(after("after=7&token=a.b.c", None), Ok(Some(7)));
        assert_eq!(after("after=7", Some("9")), Ok(Some(9)));
        assert_eq!(after("after=7", Some("")), Ok(Some(7)), "no event was received before");
        assert_eq!(after("after=0", None), Ok(None));
        for bad in ["after=x", "after=", "after=-1", "after=1.5", "since=1", "after=99999999999999999999"] {
            assert_eq!(after(bad, None), Err("bad_request"), "{bad}");
        }
        assert_eq!(asked("PUT", "", None, "").map(|_| ()), Err("method_not_allowed"));
    }

    #[test]
    fn a_part_says_where_it_belongs() {
        let of = |body: &str| {
            asked("POST", "", None, body).map(|asked| match asked.what {
                What::Append(part) => part,
                What::View { .. } => panic!("it is a POST"),
            })
        };
        assert_eq!((MAX_FEED_STREAM_ID_BYTES, of(r#"{"id":"m1","sequence":3,"text":"Hel"}"#).unwrap().sequence), (128, 3));
        assert!(of(r#"{"id":"m1","sequence":3,"done":true}"#).unwrap().done, "the last part may have no text");
        for bad in [
            "",
            "[]",
            r#"{"id":"m1"}"#,
            r#"{"id":"","sequence":0}"#,
            r#"{"id":"m","sequence":-1}"#,
            r#"{"id":"m","sequence":0,"x":1}"#,
        ] {
            assert_eq!(of(bad).map(|_| ()), Err("bad_request"), "{bad}");
        }
        let long = |bytes| format!(r#"{{"id":"m","sequence":0,"text":"{}"}}"#, "x".repeat(bytes));
        assert!(of(&long(MAX_FEED_PART_BYTES)).is_ok());
        assert_eq!(of(&long(MAX_FEED_PART_BYTES + 1)).map(|_| ()), Err("too_large"));
    }
}
