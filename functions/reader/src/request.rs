//! The requested conversation: `/context/{conversation}?details=true`.

use crate::Request;
use crate::reply::Reply;
use percent_encoding::percent_decode_str;
use tidings_config::limits::MAX_CONVERSATION_BYTES;

const PREFIX: &str = "/context/";

/// A valid request.
pub(crate) struct Asked {
    /// The name of a conversation, or of an identity.
    pub(crate) conversation: String,
    pub(crate) details: bool,
}

impl Asked {
    pub(crate) fn of(request: &Request) -> Result<Self, Reply> {
        let found = name(&request.path, PREFIX);
        if !matches!(found, Err(NameError::NoName)) && request.method != "GET" {
            return Err(Reply::MethodNotAllowed);
        }
        let conversation = found.map_err(|error| match error {
            NameError::NoName => Reply::NotFound,
            NameError::Bad(why) => Reply::BadRequest(why),
        })?;
        Ok(Self { conversation, details: details(&request.query)? })
    }
}

/// Why a path names no conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameError {
    /// It is another path.
    NoName,
    Bad(&'static str),
}

/// The name behind this prefix. The path may be percent-encoded or not.
pub(crate) fn name(path: &str, prefix: &str) -> Result<String, NameError> {
    let name = path.strip_prefix(prefix).filter(|name| !name.is_empty()).ok_or(NameError::NoName)?;
    let decoded = percent_decode_str(name).decode_utf8();
    let name = decoded.map_err(|_| NameError::Bad("the name of the conversation is not UTF-8"))?.into_owned();
    if name.len() > MAX_CONVERSATION_BYTES {
        return Err(NameError::Bad("the name of the conversation is too long; allowed: 512 bytes"));
    }
    Ok(name)
}

/// Other parameters are refused, so that a misspelt `details` is noticed.
fn details(query: &str) -> Result<bool, Reply> {
    let mut details = false;
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        details = match parameter {
            "details=true" => true,
            "details=false" => false,
            _ => return Err(Reply::BadRequest("unknown query parameter; allowed: details=true, details=false")),
        };
    }
    Ok(details)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str, query: &str) -> Result<(String, bool), &'static str> {
        let request = Request { method: "GET".into(), path: path.into(), query: query.into(), ..Request::default() };
        Asked::of(&request).map(|asked| (asked.conversation, asked.details)).map_err(|reply| reply.code())
    }

    #[test]
    fn a_name_is_read_encoded_or_decoded() {
        for (path, name) in [
            ("/context/whatsapp%3A491713920012", "whatsapp:491713920012"),
            ("/context/whatsapp:491713920012", "whatsapp:491713920012"),
            ("/context/email%3Aann%2Bcoffee%40example.com", "email:ann+coffee@example.com"),
            ("/context/email:ann+coffee@example.com", "email:ann+coffee@example.com"),
            ("/context/slack%3AC0%2Fthread", "slack:C0/thread"),
            ("/context/slack:C0/thread", "slack:C0/thread"),
            ("/context/web:J%C3%BCrgen", "web:Jürgen"),
            ("/context/100%", "100%"),
        ] {
            assert_eq!(asked(path, ""), Ok((name.to_owned(), false)), "{path}");
        }
        for path in ["/context", "/context/", "/", "", "/contexts/ann", "/health"] {
            assert_eq!(asked(path, ""), Err("not_found"), "{path}");
        }
        assert_eq!(asked("/context/%FF", ""), Err("bad_request"));
    }

    #[test]
    fn a_name_is_as_long_as_a_conversation_name() {
        assert_eq!(MAX_CONVERSATION_BYTES, 512, "the error states this number");
        let path = |bytes| format!("/context/{}", "a".repeat(bytes));
        assert!(asked(&path(MAX_CONVERSATION_BYTES), "").is_ok());
        assert_eq!(asked(&path(MAX_CONVERSATION_BYTES + 1), ""), Err("bad_request"));
    }

    #[test]
    fn details_are_given_on_request() {
        for (query, details) in [("details=true", true), ("details=false", false), ("&details=true", true), ("", false)] {
            assert_eq!(asked("/context/a", query), Ok(("a".to_owned(), details)), "{query}");
        }
        for query in ["detail=true", "details", "details=1", "details=TRUE", "x=y&details=true"] {
            assert_eq!(asked("/context/a", query), Err("bad_request"), "{query}");
        }
    }
}
