//! Handshakes: computed, bounded, and without a call to the claims or the queue.

use crate::world::{World, header, preset, text};
use lambda_http::{Body, Response};
use serde_json::json;
use tidings_config::limits::{MAX_CHALLENGE_BYTES, MAX_HANDSHAKE_BODY_BYTES};
use tidings_config::provider::Provider;
use tidings_config::time::Timestamp;
use tidings_project::{read_provider, read_sources};

const NOW: Timestamp = Timestamp::from_unix_ms(1_531_420_618_000);

/// A source that signs bodies and gives a MAC to any caller, like X's.
const CRC: &str = r#"
name = "crc"
title = "Like X"
docs = "https://example.com"
secret = "the signing secret"
[evidence]
level = "D"
sources = ["made here"]
[delivery]
retries = "none"
[scheme]
algorithm = "hmac-sha256"
message = "{body}"
signature = { from = "header:x-signature", encoding = "base64", written = { prefix = "sha256=" } }
[success]
status = 204
body = ""
[[handshake]]
method = "GET"
when = { "query:crc_token" = "*" }
reply = { json = { response_token = { from = "query:crc_token", mac = "base64", prefix = "sha256=" } } }
[[handshake]]
signed = true
when = { "json:type" = "1" }
reply = { json = { type = { is = 1 } } }
[[handshake]]
method = "HEAD"
[[handshake]]
method = "OPTIONS"
when = { "header:webhook-request-origin" = "*" }
reply = { headers = { WebHook-Allowed-Origin = { from = "header:webhook-request-origin" }, WebHook-Allowed-Rate = { is = "*" } } }
[[event]]
each = "events[*]"
id = "{json:events[*].id}"
type = "{json:events[*].type}"
[[vector]]
name = "none"
source = "made here"
secret = "s"
headers = {}
body = ""
"#;

fn world() -> World {
    let mut providers: Vec<Provider> = ["slack", "whatsapp", "azure-event-grid"].map(preset).to_vec();
    providers.push(read_provider("crc.toml", CRC).expect("a provider"));
    let yaml = "version: 1\nsources:\n  slack: {provider: slack}\n  whatsapp: {provider: whatsapp}\n  crc: {provider: crc}\n  grid: {provider: azure-event-grid}\n";
    let sources = read_sources("sources.yaml", yaml, &providers).expect("sources");
    let secrets = json!({
        "slack": "slack-secret", "whatsapp": "app-secret", "whatsapp.verify_token": "agreed", "crc": "crc-secret", "grid": "token"
    });
    World::of(sources, secrets, NOW)
}

/// A handshake causes no call except for the secrets.
async fn ask(world: &World, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response<Body> {
    let answer = world.ask(method, path, headers, body).await;
    assert_eq!(world.calls(), 0, "no AWS call but for the secrets");
    answer
}

#[tokio::test]
async fn slack_gets_its_challenge_only_if_it_signed() {
    let world = world();
    let body = r#"{"token":"t","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#;
    let json = ("content-type", "application/json");
    let at = ("x-slack-request-timestamp", "1531420618");
    // printf '%s' 'v0:1531420618:{body}' | openssl dgst -sha256 -hmac slack-secret
    let signed = ("x-slack-signature", "v0=7403c4109595475a84aaf512feeff88bce72260beb72f836c84ba205fe1df726");
    let answer = ask(&world, "POST", "slack", &[json, at, signed], body).await;
    assert_eq!((answer.status().as_u16(), text(&answer)), (200, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"));
    assert_eq!(header(&answer, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(header(&answer, "x-content-type-options"), "nosniff");

    let forged = ("x-slack-signature", "v0=0000000000000000000000000000000000000000000000000000000000000000");
    assert_eq!(ask(&world, "POST", "slack", &[json, at, forged], body).await.status(), 401);
    assert_eq!(ask(&world, "POST", "slack", &[json], body).await.status(), 401);
}

#[tokio::test]
async fn a_body_larger_than_a_handshake_is_ignored() {
    let world = world();
    let validate = |bytes: usize| {
        let head = r#"[{"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","data":{"validationCode":"c0de"}}]"#;
        format!("{head}{}", " ".repeat(bytes - head.len()))
    };
    let answer_to =
        async |bytes: usize| ask(&world, "POST", "grid", &[("content-type", "application/json")], &validate(bytes)).await;
    let answer = answer_to(MAX_HANDSHAKE_BODY_BYTES).await;
    assert_eq!((answer.status().as_u16(), text(&answer)), (200, r#"{"validationResponse":"c0de"}"#));
    assert_eq!(answer_to(MAX_HANDSHAKE_BODY_BYTES + 1).await.status(), 401, "judged like any other request");
}

#[tokio::test]
async fn meta_gets_its_challenge_only_with_the_token_that_was_agreed_on() {
    let world = world();
    let answer_to = async |query: &str| ask(&world, "GET", &format!("whatsapp?{query}"), &[], "").await;
    let answer = answer_to("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=agreed").await;
    assert_eq!((answer.status().as_u16(), text(&answer)), (200, "1158201444"));
    assert_eq!(answer_to("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=guessed").await.status(), 401);
    assert_eq!(answer_to("hub.mode=subscribe&hub.challenge=1158201444").await.status(), 401);
    assert_eq!(answer_to("hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=agreed").await.status(), 405);
}

#[tokio::test]
async fn an_echoed_value_is_bounded_and_printable() {
    let world = world();
    let answer_to = async |challenge: &str| {
        let query = format!("hub.mode=subscribe&hub.verify_token=agreed&hub.challenge={challenge}");
        ask(&world, "GET", &format!("whatsapp?{query}"), &[], "").await.status().as_u16()
    };
    assert_eq!(answer_to(&"7".repeat(MAX_CHALLENGE_BYTES)).await, 200);
    assert_eq!(answer_to(&"7".repeat(MAX_CHALLENGE_BYTES + 1)).await, 400);
    assert_eq!(answer_to("").await, 400);
    assert_eq!(answer_to("a%0d%0ab").await, 400, "no line breaks");
    assert_eq!(answer_to("%C3%A9").await, 400, "no more than ASCII");
}

#[tokio::test]
async fn a_mac_is_made_of_tokens_only() {
    let world = world();
    let answer = ask(&world, "GET", "crc?crc_token=Nzc3&nonce=1", &[], "").await;
    // printf Nzc3 | openssl dgst -sha256 -hmac crc-secret -binary | base64
    assert_eq!(text(&answer), r#"{"response_token":"sha256=i6eVp85JhwyUQG26VloF5VLuzXIJkizrNCyLPpTEr6s="}"#);
    // The MAC of a body is that body's signature, so a handshake must not give it.
    let body = "%7B%22events%22%3A%5B%5D%7D";
    assert_eq!(ask(&world, "GET", &format!("crc?crc_token={body}"), &[], "").await.status(), 400);
}

#[tokio::test]
async fn pings_probes_and_origins() {
    let world = world();
    let json = ("content-type", "application/json");
    // printf '%s' BODY | openssl dgst -sha256 -hmac crc-secret -binary | base64
    let ping = ask(
        &world,
        "POST",
        "crc",
        &[json, ("x-signature", "sha256=4kdIAcYMkjseJ7wFLRz/e2wI4ixLotkJ2n9YA5t/7B8=")],
        r#"{"type":1}"#,
    )
    .await;
    assert_eq!((ping.status().as_u16(), text(&ping)), (200, r#"{"type":1}"#));
    let probe = ask(
        &world,
        "POST",
        "crc",
        &[json, ("x-signature", "sha256=Emj0XwriPQluho2TXvdQH76/zQwvG4WPEVCdeyTEfco=")],
        r#"{"events":[]}"#,
    )
    .await;
    assert_eq!(
        (probe.status().as_u16(), text(&probe)),
        (204, ""),
        "an authentic delivery without events, as this provider wants to hear it"
    );
    assert_eq!(ask(&world, "HEAD", "crc", &[], "").await.status(), 200);
    let origin = ask(&world, "OPTIONS", "crc", &[("webhook-request-origin", "eventemitter.example.com")], "").await;
    assert_eq!(header(&origin, "webhook-allowed-origin"), "eventemitter.example.com");
    assert_eq!(header(&origin, "webhook-allowed-rate"), "*");
    assert_eq!(ask(&world, "OPTIONS", "crc", &[], "").await.status(), 405);
}
