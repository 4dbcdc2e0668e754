//! Providers with several schemes: each scheme is accepted, and no other signature.

use crate::world::{NOW, World, preset, said, source_of};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use lambda_http::{Body, Response};
use receiver::delivery::Delivery;
use receiver::verify::{Key, KeyError, sign};
use serde_json::{Value, json};
use tidings_config::provider::{Provider, Vector};
use tidings_core::claim::Sha256Hex;
use tidings_project::{read_provider, read_sources};

fn vector(provider: &Provider, name: &str) -> Vector {
    provider.vectors.iter().find(|vector| vector.name == name).unwrap_or_else(|| panic!("no vector {name}")).clone()
}

async fn send(provider: &Provider, vector: &Vector) -> (World, Response<Body>) {
    let world = World::of_vector(provider, vector);
    let answer = world.send(vector).await;
    (world, answer)
}

#[tokio::test]
async fn the_receiver_accepts_every_vector() {
    for provider in tidings_project::presets() {
        for vector in provider.vectors.iter().filter(|vector| vector.method.is_none() && !vector.body.is_empty()) {
            let (_, answer) = send(&provider, vector).await;
            assert!(answer.status().is_success(), "{}/{}: {answer:?}", provider.name, vector.name);
        }
    }
}

#[tokio::test]
async fn twilio_is_accepted_with_its_token_and_with_a_shared_key() {
    let twilio = preset("twilio");
    for name in
        ["form_duplicate_params", "shared_key", "signed_with_the_port", "json_body", "json_body_shared_key", "form_with_its_hash"]
    {
        let good = vector(&twilio, name);
        let (world, answer) = send(&twilio, &good).await;
        assert_eq!((answer.status().as_u16(), world.queued().len()), (200, 1), "{name}");

        let mut other_body = good.clone();
        other_body.body = other_body.body.replace("hi", "ho").replace("Added", "Gone").replace("1234", "4321");
        let mut other_url = good.clone();
        other_url.url = good.url.as_ref().map(|url| url.replace("webhooks", "webhook").replace("myapp", "yourapp"));
        let mut other_key = good.clone();
        other_key.secret = "54321".to_owned();
        for (what, changed) in [("body", other_body), ("URL", other_url), ("key", other_key)] {
            let (world, answer) = send(&twilio, &changed).await;
            assert_eq!((answer.status().as_u16(), world.queued().len()), (401, 0), "{name}: another {what}");
        }
    }
    // Both secrets of one source are accepted.
    let shared = vector(&twilio, "shared_key");
    let mut both = shared.clone();
    both.secret = "the account's auth token".to_owned();
    let world = World::of_vector(&twilio, &both);
    world.secrets.set(json!({ "twilio": ["the account's auth token", "12345"] }).to_string());
    assert_eq!(world.send(&shared).await.status(), 200);
}

/// The same event is the same, whether Twilio signed with the port or without.
#[tokio::test]
async fn the_form_of_the_url_does_not_change_the_event() {
    let twilio = preset("twilio");
    let with = vector(&twilio, "signed_with_the_port");
    let mut without = with.clone();
    without.headers = vector(&twilio, "signed_without_the_port").headers;
    let world = World::of_vector(&twilio, &with);
    assert_eq!((world.send(&with).await.status().as_u16(), world.send(&without).await.status().as_u16()), (200, 200));
    assert_eq!(world.queued().len(), 1);
}

/// A body that is no form can't have been signed as one, and a form's signature is none of JSON's.
#[tokio::test]
async fn a_signature_of_one_kind_of_body_proves_no_other_kind() {
    let twilio = preset("twilio");
    let good = vector(&twilio, "shared_key");
    let world = World::of_vector(&twilio, &good);
    let mut headers = world.headers_of(&good);
    headers.iter_mut().filter(|(name, _)| name == "content-type").for_each(|(_, value)| *value = "application/json".to_owned());
    assert_eq!(world.send_with(&good, &headers, good.body.as_bytes()).await.status(), 401);
    // Without its hash, a JSON body isn't protected.
    let mut json_body = vector(&twilio, "json_body");
    json_body.url = Some("https://hooks.example.com/webhooks/twilio".to_owned());
    assert_eq!(send(&twilio, &json_body).await.1.status(), 401);
}

/// What signs here for tests and tools does it as the provider would for that kind of body.
#[tokio::test]
async fn a_request_is_signed_by_the_scheme_that_fits() {
    let twilio = preset("twilio");
    let world = World::of_vector(&twilio, &vector(&twilio, "shared_key"));
    for (content_type, body) in [
        ("application/json", r#"{"MessageSid":"SM1","EventType":"onMessageAdded"}"#),
        ("application/x-www-form-urlencoded", "MessageSid=SM1&MessageStatus=sent"),
    ] {
        assert_eq!(world.signed("twilio", &[("content-type", content_type)], body).await.status(), 200, "{content_type}");
    }
    assert_eq!(world.queued().len(), 2);
}

#[tokio::test]
async fn google_chat_is_accepted_with_either_audience() {
    let chat = preset("google-chat");
    for name in ["made_with_pyjwt", "endpoint_url", "endpoint_url_of_the_project", "endpoint_url_as_the_secret"] {
        let good = vector(&chat, name);
        let (world, answer) = send(&chat, &good).await;
        assert_eq!(said(&answer), (200, "{}"), "{name}");
        assert_eq!(world.queued().len(), 1, "{name}");
        assert_eq!(world.https.asked().len(), 1, "{name}: only the key set of its issuer is fetched");
    }
    // The URL is ours to the letter, its query included: who makes an app with another has Google sign another.
    let good = vector(&chat, "endpoint_url");
    for url in ["https://hooks.example.com/webhooks/google-chat", "https://hooks.example.com/webhooks/google-chat?k=4f1d"] {
        let mut other = good.clone();
        other.url = Some(url.to_owned());
        assert_eq!(send(&chat, &other).await.1.status(), 401, "{url}");
    }
    let mut project = vector(&chat, "endpoint_url_of_the_project");
    project.secret = "1234567891".to_owned();
    assert_eq!(send(&chat, &project).await.1.status(), 401, "another project's account");
    let mut key_set = good.clone();
    key_set.fetched = vector(&chat, "made_with_pyjwt")
        .fetched
        .into_values()
        .map(|keys| (good.fetched.keys().next().unwrap().clone(), keys))
        .collect();
    assert_eq!(send(&chat, &key_set).await.1.status(), 401, "signed by another key set's key");
}

#[tokio::test]
async fn the_query_of_a_public_url_must_be_sent() {
    let chat = preset("google-chat");
    let good = vector(&chat, "endpoint_url");
    let yaml = "version: 1\nsources:\n  google-chat: { provider: google-chat, public_url: \"https://hooks.example.com/webhooks/google-chat?k=4f1c\" }\n";
    let sources = read_sources("sources.yaml", yaml, std::slice::from_ref(&chat)).expect("sources");
    let at = tidings_config::time::Timestamp::parse_rfc3339(good.at.as_deref().unwrap()).unwrap();
    let world = World::of(sources, json!({ "google-chat": good.secret }), at);
    good.fetched.iter().for_each(|(url, keys)| world.https.put(url, keys.as_bytes()));
    assert_eq!(world.send(&good).await.status(), 200);
    let mut without = good.clone();
    without.url = Some("https://hooks.example.com/webhooks/google-chat".to_owned());
    assert_eq!(world.send(&without).await.status(), 401);
}

#[tokio::test]
async fn plaid_s_body_time_and_key_are_all_checked() {
    let plaid = preset("plaid");
    for good in &plaid.vectors {
        let (world, answer) = send(&plaid, good).await;
        assert_eq!((answer.status().as_u16(), world.queued().len()), (202, 1), "{}", good.name);
        assert!(world.https.asked().is_empty(), "its key is a secret of ours");
        world.wait(400);
        assert_eq!(world.send(good).await.status(), 401, "{}: signed more than 5 minutes ago", good.name);

        let mut other = good.clone();
        other.body = good.body.replace(": \"", ":  \"");
        assert_eq!(send(&plaid, &other).await.1.status(), 401, "{}: another byte of the body", good.name);
    }
    // Plaid signs with a key that we don't have yet: refused until it is stored, and then taken.
    let good = vector(&plaid, "made_with_pyjwt");
    let mut unknown = good.clone();
    unknown.secret = vector(&plaid, "published_request").secret;
    let world = World::of_vector(&plaid, &unknown);
    assert_eq!(world.send(&good).await.status(), 401);
    world.secrets.set(json!({ "plaid": [good.secret, unknown.secret] }).to_string());
    world.wait(61);
    assert_eq!(world.send(&good).await.status(), 202, "as soon as it is there");
}

/// A token's header can't change the algorithm: a public key is never used for a MAC.
#[tokio::test]
async fn a_public_key_is_never_an_hmac_key() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use hmac::{Hmac, KeyInit, Mac};
    let plaid = preset("plaid");
    let good = vector(&plaid, "made_with_pyjwt");
    let [_, claims, _] = <[&str; 3]>::try_from(good.headers["Plaid-Verification"].split('.').collect::<Vec<_>>()).unwrap();
    for algorithm in ["HS256", "none", "es256", "RS256"] {
        let header = json!({ "alg": algorithm, "kid": "bfbd5111-8e33-4643-8ced-b2e642a72f3c", "typ": "JWT" }).to_string();
        let text = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header));
        let mut mac = <Hmac<sha2::Sha256> as KeyInit>::new_from_slice(good.secret.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        let mut forged = good.clone();
        let token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
        forged.headers.insert("Plaid-Verification".to_owned(), token);
        assert_eq!(send(&plaid, &forged).await.1.status(), 401, "{algorithm}");
    }
}

#[test]
fn a_secret_that_is_not_a_json_web_key_is_refused() {
    let plaid = preset("plaid");
    let key: Value = serde_json::from_str(&plaid.vectors[1].secret).unwrap();
    let prepare = |secret: &Value| Key::prepare(&plaid.scheme, &secret.to_string()).map(|_| ());
    for good in [key.clone(), json!({ "keys": [key] }), json!({ "key": key, "request_id": "x" })] {
        assert_eq!(prepare(&good), Ok(()), "{good}");
    }
    for bad in
        [json!({}), json!({ "keys": [] }), json!("x"), json!([key]), json!({ "kty": "oct", "k": "AAAA" }), json!({ "key": null })]
    {
        assert_eq!(prepare(&bad), Err(KeyError::NotAPublicKey), "{bad}");
    }
}

#[test]
fn ways_of_signing_that_need_two_keys_of_one_secret_are_refused() {
    let twilio = include_str!("../../providers/twilio.toml");
    let problems = |from: &str, to: &str| {
        assert!(twilio.contains(from), "{from}");
        read_provider("twilio.toml", &twilio.replacen(from, to, 1)).err().map(|report| report.to_string()).unwrap_or_default()
    };
    let also = "[[also]]\nalgorithm = \"hmac-sha256\"";
    assert_eq!(problems(also, also), "");
    assert!(
        problems(also, "[[also]]\nkey = { encoding = \"hex\" }\nalgorithm = \"hmac-sha256\"").contains("must make its key as")
    );
    assert!(problems(also, "[[also]]\nalgorithm = \"ed25519\"").contains("the same kind of key"));
    let handshake = "[[handshake]]\nmethod = \"GET\"\nreply = { text = { from = \"query:c\", mac = \"hex\" } }\n\n[[also]]\nalgorithm = \"hmac-sha256\"";
    assert!(problems(also, handshake).contains("checked against one scheme only"));
    assert!(problems("urls = \"twilio\"", "urls = \"any\"").contains("unknown variant"));
}

#[test]
fn no_header_chooses_the_signed_url() {
    let twilio = preset("twilio");
    let good = vector(&twilio, "shared_key");
    let mut source = twilio.source("twilio");
    source.public_url = Some("https://other.example/webhooks/twilio".to_owned());
    let mut headers: HeaderMap =
        good.headers.iter().map(|(n, v)| (n.parse::<http::HeaderName>().unwrap(), v.parse().unwrap())).collect();
    headers.insert("host", "hooks.example.com".parse().unwrap());
    headers.insert("x-forwarded-host", "hooks.example.com".parse().unwrap());
    let delivery =
        receiver::delivery::Delivery { method: "POST".to_owned(), query: String::new(), headers, body: good.body.clone().into() };
    let key = Key::prepare(&source.scheme, &good.secret).unwrap();
    assert!(receiver::verify::verify(&source, &[key], &delivery, crate::world::NOW).is_err());
}

/// A form to Twilio's endpoint with this query, and its signature.
fn twilio_form(query: &str, fields: &[(&str, &str)]) -> (String, String) {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    let body = form.finish();
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))]);
    let source = source_of(&preset("twilio"));
    let mut delivery = Delivery { method: "POST".to_owned(), query: query.to_owned(), headers, body: body.clone().into() };
    let key = Key::prepare(&source.scheme, "a token of Twilio").unwrap();
    sign(&source, &key, &mut delivery, NOW).unwrap();
    (body, delivery.headers["x-twilio-signature"].to_str().unwrap().to_owned())
}

fn twilio_world() -> World {
    World::of(vec![source_of(&preset("twilio"))], json!({ "twilio": "a token of Twilio" }), NOW)
}

/// A form's fields are run together behind the URL, so what somebody wrote in a message stands in the signed text.
#[tokio::test]
async fn a_form_field_is_never_the_hash_of_another_body() {
    let forged = r#"{"SmsStatus":"received","MessageSid":"SMforged","Body":"pay"}"#;
    let hash = Sha256Hex::of(forged.as_bytes());
    let written = format!("hi&bodySHA256={}&x=", hash.digits());
    let fields = [("AccountSid", "AC1"), ("Body", written.as_str()), ("From", "whatsapp:1555"), ("WaId", "1555")];
    let (_, signature) = twilio_form("order=5", &fields);
    let world = twilio_world();
    let run_together: String = fields.iter().map(|(name, value)| format!("{name}{value}")).collect();
    for query in [format!("order=5{run_together}"), format!("order=5{run_together}&bodySHA256={}", hash.digits())] {
        let headers = [("content-type", "application/json"), ("x-twilio-signature", signature.as_str())];
        let answer = world.ask("POST", &format!("twilio?{query}"), &headers, forged.to_owned()).await;
        assert_eq!(answer.status(), 401, "{query}");
    }
    assert!(world.queued().is_empty());
}

/// However a captured request spells its URL, it is the event that Twilio signed.
#[tokio::test]
async fn another_spelling_of_the_url_does_not_change_the_event() {
    let (body, signature) = twilio_form("order=5&to=a", &[("MessageSid", "SM1"), ("SmsStatus", "received"), ("From", "+1555")]);
    let world = twilio_world();
    for query in ["order=5&to=a", "order=5&to=a&", "order=5&&to=a", "&order=5&to=a", "order=5&to=%61"] {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("x-twilio-signature", signature.as_str())];
        let answer = world.ask("POST", &format!("twilio?{query}"), &headers, body.clone()).await;
        assert!([200, 401].contains(&answer.status().as_u16()), "{query}: {answer:?}");
    }
    assert_eq!(world.queued().len(), 1);
}
