//! Responses with the provider's own status and body: for durable events, and for refused requests.
//!
//! Promises: the response depends on the request and the configuration, and causes no call. The source's own text
//! can't break out of its place in a JSON or XML body. All refusals with one status are equal.

use crate::extract::Reading;
use crate::json;
use crate::reply::Reply;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use lambda_http::{Body, Response};
use serde_json::Value;
use tidings_config::answers::{REPLY, Refusal, Success};
use tidings_config::source::BodyFormat;
use tidings_config::{OneOrMany, Reference};

/// A 2xx as the provider wants to hear it.
pub(crate) fn success(reply: Reply, reading: &Reading<'_>) -> Response<Body> {
    let request = reading.request();
    let source = request.source();
    let seen = |place: &Reference| match place.json() {
        Some(path) => json::scalar(path, reading.value()?, &[]),
        None => request.value(place),
    };
    let is = |(place, wanted): (&Reference, &OneOrMany<String>)| seen(place).is_some_and(|seen| wanted.takes(&seen));
    let own = source.reply.as_deref();
    let can_be_given = |success: &&Success| !success.holds_reply() || success.reply(own).is_some();
    let found = source.success.0.iter().filter(can_be_given).find(|success| success.when.iter().all(is));
    found.map_or_else(|| reply.into_response(), |success| written(success, reply, own))
}

fn written(success: &Success, reply: Reply, own: Option<&str>) -> Response<Body> {
    let content_type = success.content_type.as_deref();
    let mut response = match &success.body {
        None => reply.into_response(),
        Some(body) if body.is_empty() => Response::new(Body::Empty),
        Some(body) => {
            let text = success.reply(own).map(|text| escaped(text, content_type)).unwrap_or_default();
            Response::new(Body::Text(body.replace(REPLY, &text)))
        }
    };
    *response.status_mut() = StatusCode::from_u16(success.status).unwrap_or(reply.status());
    if let Some(value) = content_type.and_then(|text| HeaderValue::from_str(text).ok()) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

/// Escapes a text for a JSON string or for XML content.
fn escaped(text: &str, content_type: Option<&str>) -> String {
    match content_type.map(BodyFormat::of) {
        Some(BodyFormat::Xml) => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        Some(BodyFormat::Json) | None => {
            let quoted = Value::from(text).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        }
        Some(BodyFormat::Form | BodyFormat::Binary) => text.to_owned(),
    }
}

/// The refusal that the provider expects.
pub(crate) fn refusal(reply: Reply, refusal: Option<&Refusal>) -> Response<Body> {
    let mut response = reply.into_response();
    let Some(refusal) = refusal else { return response };
    if let Some(status) = refusal.unauthentic.filter(|_| reply == Reply::Unauthentic) {
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(reply.status());
    }
    if refusal.empty {
        *response.body_mut() = Body::Empty;
        response.headers_mut().remove(CONTENT_TYPE);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_the_source_stays_in_its_place() {
        let text = "\"},{\"a\":\"<b>&\n";
        let body = format!("{{\"text\":\"{}\"}}", escaped(text, Some("application/json")));
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), serde_json::json!({ "text": text }));
        assert_eq!(escaped("</Message><Dial>&", Some("text/xml")), "&lt;/Message&gt;&lt;Dial&gt;&amp;");
        assert_eq!(escaped("as it is <&\">", Some("text/plain")), "as it is <&\">");
    }
}
