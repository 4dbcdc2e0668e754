//! What of a request and of an answer is shown.
//!
//! Promises: of a request's headers only known harmless values are shown, and those that the source reads as fields of
//! its events; of any other header its name and its length. Query parameters have no values. A body is shown without
//! what proves its sender, and not at all if it is part of a handshake that contains a secret. Every secret that this
//! process knows is replaced wherever it occurs in an answer.

use super::Inspector;
use crate::dev::requests::Received;
use crate::dev::workbench::Known;
use crate::limits::MAX_BODY_SHOWN;
use http::HeaderName;
use receiver::delivery::Delivery;
use receiver::extract::as_text;
use receiver::handshake;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tidings_config::limits::MAX_EVENTS_PER_DELIVERY;
use tidings_config::scheme::Scheme;
use tidings_config::source::Source;
use tidings_config::{OneOrMany, Reference, Template};
use tidings_core::secrets::parse;

/// Ends of the names of JSON fields that hold a secret by their name, without separators, in lower case. Slack, for one,
/// sends the token of its old scheme with every event.
const SECRET_NAMES: [&str; 9] =
    ["token", "secret", "password", "passwd", "authorization", "apikey", "privatekey", "accesskey", "credential"];

/// Replaces a secret.
const HIDDEN: &str = "[hidden]";

/// Headers whose values say nothing about a secret or a person.
const HARMLESS: [&str; 22] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "host",
    "origin",
    "traceparent",
    "transfer-encoding",
    "user-agent",
    "via",
    "x-amzn-trace-id",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-request-id",
];

impl Inspector {
    /// The same data without the secrets that this process knows.
    pub(super) fn without_secrets(&self, mut data: Value) -> Value {
        if let Some(dev) = &self.dev {
            let secrets = secrets(&dev.workbench.known());
            if !secrets.is_empty() {
                replace(&mut data, &secrets);
            }
        }
        data
    }
}

/// All secrets, the longest first, so that no part of one stays. A secret with a prefix is also one without it.
fn secrets(known: &Known) -> Vec<String> {
    let mut all = BTreeSet::new();
    let prefixes: BTreeSet<&String> =
        known.sources.iter().flat_map(Source::schemes).filter_map(|scheme| scheme.key.strip_prefix.as_ref()).collect();
    for document in [&known.secrets, &known.api_secrets] {
        for secret in parse(document).unwrap_or_default().into_values().flat_map(|OneOrMany(secrets)| secrets) {
            all.extend(prefixes.iter().filter_map(|prefix| secret.strip_prefix(prefix.as_str()).map(str::to_owned)));
            all.insert(secret);
        }
    }
    let mut all: Vec<String> = all.into_iter().filter(|secret| !secret.is_empty()).collect();
    all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    all
}

fn replace(data: &mut Value, secrets: &[String]) {
    match data {
        Value::String(text) => {
            for secret in secrets.iter().filter(|secret| text.contains(secret.as_str())).collect::<Vec<_>>() {
                *text = text.replace(secret.as_str(), HIDDEN);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, secrets)),
        Value::Object(fields) => fields.values_mut().for_each(|value| replace(value, secrets)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The same JSON without the texts of fields that hold a secret by their name.
pub(crate) fn without_secret_fields(data: &mut Value) {
    match data {
        Value::Array(values) => values.iter_mut().for_each(without_secret_fields),
        Value::Object(fields) => {
            for (name, value) in fields {
                if is_secret_name(name)
                    && let Value::String(text) = value
                    && !text.is_empty()
                {
                    HIDDEN.clone_into(text);
                } else {
                    without_secret_fields(value);
                }
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_secret_name(name: &str) -> bool {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    SECRET_NAMES.iter().any(|end| letters.ends_with(end))
}

/// The text with the fields of a JSON body or a form hidden that hold a secret by their name.
fn without_secrets_by_name(text: String) -> String {
    if let Ok(mut json) = serde_json::from_str::<Value>(&text) {
        let before = json.clone();
        without_secret_fields(&mut json);
        return if json == before { text } else { format!("{json:#}") };
    }
    if text.contains(['\n', '{', '<']) || !text.contains('=') {
        return text;
    }
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, value)) if !value.is_empty() && is_secret_name(name) => format!("{name}={HIDDEN}"),
        Some(_) | None => pair.to_owned(),
    };
    text.split('&').map(pair).collect::<Vec<_>>().join("&")
}

/// A request's headers, in their order.
pub(super) fn headers(received: &Received, source: Option<&Source>) -> Vec<Value> {
    let shown = |name: &HeaderName| is_shown(name, source);
    let header = |(name, value): (&HeaderName, &http::HeaderValue)| match value.to_str() {
        Ok(text) if shown(name) => json!({ "name": name.as_str(), "value": text }),
        Ok(_) | Err(_) => json!({ "name": name.as_str(), "hidden_bytes": value.len() }),
    };
    received.delivery.headers.iter().map(header).collect()
}

fn is_shown(name: &HeaderName, source: Option<&Source>) -> bool {
    let is_it = |reference: &Reference| reference.header() == Some(name.as_str());
    let Some(source) = source else { return HARMLESS.contains(&name.as_str()) };
    let is_proof = source.schemes().any(|scheme| proofs(scheme).any(is_it));
    let captured = source.handshakes.iter().filter_map(|handshake| handshake.capture.as_ref());
    let tokens = source.handshakes.iter().filter_map(|handshake| handshake.verify_token.as_ref());
    if is_proof || captured.chain(tokens).any(is_it) {
        return false;
    }
    let is_field = source.events.iter().any(|event| event.references().any(is_it));
    let is_time = source.schemes().filter_map(|scheme| scheme.timestamp.as_ref()).any(|time| is_it(&time.from));
    HARMLESS.contains(&name.as_str()) || is_field || is_time
}

/// The places that prove the sender: the signature, and values that hold the secret.
fn proofs(scheme: &Scheme) -> impl Iterator<Item = &Reference> {
    let is_secret =
        |allowed: &OneOrMany<Template>| allowed.0.iter().flat_map(Template::references).any(|r| *r == Reference::Secret);
    let expected = scheme.expect.iter().filter(move |(_, allowed)| is_secret(allowed)).map(|(place, _)| place);
    scheme.signature.from.0.iter().chain(expected)
}

/// The query's parameters without their values.
pub(super) fn query(delivery: &Delivery) -> Vec<String> {
    let pairs = delivery.query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split('=').next().unwrap_or_default().to_owned()).collect()
}

/// A request's body for people.
pub(super) fn body(received: &Received, source: Option<&Source>) -> Value {
    let (delivery, bytes) = (&received.delivery, received.delivery.body.len());
    let hidden = |why: &str| json!({ "bytes": bytes, "hidden": why });
    if bytes == 0 {
        return Value::Null;
    }
    let Some(source) = source else { return hidden("no source has this path, so it is unknown which parts of it are secret") };
    if is_secret_handshake(source, delivery) {
        return hidden("it is a handshake, which may contain a secret");
    }
    let Ok(text) = std::str::from_utf8(&delivery.body) else { return hidden("it isn't text") };
    match without_proofs(source, delivery, text) {
        Some(text) => {
            let shown: String = text.chars().take(MAX_BODY_SHOWN).collect();
            json!({ "bytes": bytes, "text": shown, "cut": shown.len() < text.len() })
        }
        None => hidden("it proves its sender, and what proves it can't be separated"),
    }
}

/// The reply's body. That of a handshake is derived from a secret.
pub(super) fn reply(received: &Received, source: Option<&Source>) -> Value {
    if source.is_some_and(|source| is_secret_handshake(source, &received.delivery)) {
        return json!({ "hidden": "it answers a handshake, which may contain a secret" });
    }
    let text = String::from_utf8_lossy(&received.reply);
    json!({ "text": text.chars().take(MAX_BODY_SHOWN).collect::<String>() })
}

fn is_secret_handshake(source: &Source, delivery: &Delivery) -> bool {
    let found = [false, true].iter().filter_map(|signed| handshake::find(source, delivery, *signed));
    found
        .into_iter()
        .any(|handshake| handshake.capture.is_some() || handshake.verify_token.is_some() || handshake.confirm.is_some())
}

/// The text with each proof in the body replaced. `None`: a proof stays, or the whole body is one.
fn without_proofs(source: &Source, delivery: &Delivery, text: &str) -> Option<String> {
    let mut text = text.to_owned();
    for place in source.schemes().flat_map(proofs) {
        for value in values(place, delivery)? {
            // As it is written in JSON, and as it is.
            let quoted = Value::from(value.as_str()).to_string();
            let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default();
            text = text.replace(inner, HIDDEN).replace(&value, HIDDEN);
            let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            text = text.replace(&encoded, HIDDEN);
        }
    }
    let stays = |path: &Reference| remaining(path, &text);
    let is_separated = !source.schemes().flat_map(proofs).any(stays);
    is_separated.then(|| without_secrets_by_name(text))
}

/// The values at a place in the body. `None`: the body itself.
fn values(place: &Reference, delivery: &Delivery) -> Option<Vec<String>> {
    if *place == Reference::Body {
        return None;
    }
    if let Some(path) = place.json() {
        let Ok(root) = delivery.body.json() else { return Some(Vec::new()) };
        let found =
            path.places(root, MAX_EVENTS_PER_DELIVERY).into_iter().filter_map(|at| path.find(root, &at).and_then(as_text));
        return Some(found.filter(|value| !value.is_empty()).collect());
    }
    let Some(field) = place.form_field() else { return Some(Vec::new()) };
    let pairs = form_urlencoded::parse(&delivery.body).filter(|(name, _)| name == field);
    Some(pairs.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty()).collect())
}

/// Whether a value other than the replacement is at this place of a JSON text or of a form.
fn remaining(place: &Reference, text: &str) -> bool {
    if let Some(path) = place.json() {
        let Ok(root) = serde_json::from_str::<Value>(text) else { return false };
        let found =
            path.places(&root, MAX_EVENTS_PER_DELIVERY).into_iter().filter_map(|at| path.find(&root, &at).and_then(as_text));
        return found.into_iter().any(|value| !value.is_empty() && value != HIDDEN);
    }
    let Some(field) = place.form_field() else { return false };
    form_urlencoded::parse(text.as_bytes()).any(|(name, value)| name == field && !value.is_empty() && value != HIDDEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources;
    use http::HeaderMap;
    use receiver::Answered;
    use std::sync::Arc;
    use std::time::Duration;
    use tidings_config::time::Timestamp;

    fn received(headers: &[(&str, &str)], query: &str, body: &str) -> Arc<Received> {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect();
        let delivery = Delivery { method: "POST".into(), query: query.into(), headers, body: body.as_bytes().to_vec().into() };
        let requests = crate::dev::requests::Requests::new(Timestamp::from_unix_ms(0));
        let answered =
            Answered { response: lambda_http::Response::new(lambda_http::Body::Empty), refusal: None, is_authentic: false };
        requests.add((Timestamp::from_unix_ms(0), Duration::ZERO), "/webhooks/x".to_owned(), delivery, Vec::new(), &answered);
        requests.all().remove(0)
    }

    fn preset(name: &str) -> Source {
        sources::preset(name).unwrap().source(name)
    }

    #[test]
    fn no_preset_shows_the_headers_or_values_that_prove_its_sender() {
        const CANARY: &str = "c4n4ry-5ecret";
        for provider in tidings_project::presets() {
            let source = provider.source(&provider.name);
            let mut names: Vec<String> = vec!["authorization".to_owned(), "cookie".to_owned(), "x-anything".to_owned()];
            names.extend(source.schemes().flat_map(proofs).filter_map(|place| place.header().map(str::to_owned)));
            let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), CANARY)).collect();
            let one = received(&headers, &format!("token={CANARY}&b"), "");
            let shown = json!({ "headers": super::headers(&one, Some(&source)), "query": query(&one.delivery) }).to_string();
            assert!(!shown.contains(CANARY), "{}: {shown}", provider.name);
            assert!(shown.contains("hidden_bytes") && shown.contains("token"), "{shown}");
        }
    }

    #[test]
    fn a_value_that_proves_the_sender_is_hidden_in_a_body() {
        let mut in_bodies = 0;
        for provider in tidings_project::presets() {
            let source = provider.source(&provider.name);
            for vector in &provider.vectors {
                let one = received(&[("content-type", "application/json")], "", &vector.body);
                let proofs: Vec<String> =
                    source.schemes().flat_map(proofs).filter_map(|place| values(place, &one.delivery)).flatten().collect();
                let shown = body(&one, Some(&source)).to_string();
                for proof in &proofs {
                    in_bodies += 1;
                    assert!(!shown.contains(proof.as_str()), "{}: {shown}", provider.name);
                }
                if source.schemes().flat_map(super::proofs).any(|place| *place == Reference::Body) {
                    assert!(shown.contains("hidden") && !shown.contains("text"), "{}: {shown}", provider.name);
                }
            }
        }
        assert!(in_bodies > 5, "some presets prove the sender in the body: {in_bodies}");
    }

    #[test]
    fn the_fields_of_events_and_the_time_of_a_signature_are_shown() {
        let github = received(&[("x-github-event", "push"), ("x-hub-signature-256", "sha256=00")], "", "{}");
        let shown = Value::from(headers(&github, Some(&preset("github")))).to_string();
        assert!(shown.contains("push") && !shown.contains("sha256=00"), "{shown}");
        let unknown = Value::from(headers(&github, None)).to_string();
        assert!(!unknown.contains("push"), "without a source nothing says what is harmless: {unknown}");
    }

    #[test]
    fn a_field_that_is_named_as_a_secret_is_hidden_in_json_and_in_a_form() {
        let json = r#"{"token":"c4n4ry","a":{"client_secret":"c4n4ry","apiKey":"c4n4ry","tokens":7,"token_type":"bearer","password":null}}"#;
        for text in [json, "token=c4n4ry&a=b&verify_token=c4n4ry"] {
            let shown = body(&received(&[], "", text), Some(&preset("github"))).to_string();
            assert!(!shown.contains("c4n4ry") && shown.contains("hidden"), "{shown}");
        }
        let kept = without_secrets_by_name(json.to_owned());
        assert!(kept.contains("bearer") && kept.contains('7') && kept.contains("null"), "{kept}");
        for text in ["{\"a\": 1.50}", "plain", "a=b", "<token>x</token>", ""] {
            assert_eq!(without_secrets_by_name(text.to_owned()), text, "as it was sent");
        }
    }

    #[test]
    fn every_known_secret_is_replaced_in_every_text() {
        let known = Known {
            sources: vec![preset("standard-webhooks")],
            secrets: r#"{"stripe": ["whsec_abcdef", "whsec_abc"], "empty": ""}"#.to_owned().into(),
            api_secrets: r#"{"orders": "k-77"}"#.to_owned().into(),
        };
        let mut data = json!({ "a": ["x whsec_abcdef y", { "b": "k-77k-77" }], "n": 7, "whsec": "abcdef" });
        replace(&mut data, &secrets(&known));
        let shown = data.to_string();
        assert!(!shown.contains("abc") && !shown.contains("k-77"), "{shown}");
        assert!(!format!("{known:?}").contains("abc"));
    }

    #[test]
    fn a_large_body_is_cut_and_bytes_are_not_shown() {
        let long = received(&[], "", &"é".repeat(MAX_BODY_SHOWN + 1));
        let shown = body(&long, Some(&preset("github")));
        assert_eq!((shown["cut"].clone(), shown["text"].as_str().unwrap().chars().count()), (json!(true), MAX_BODY_SHOWN));
        assert_eq!(body(&received(&[], "", ""), None), Value::Null);
        assert!(body(&received(&[], "", "x"), None)["hidden"].is_string());
    }
}
