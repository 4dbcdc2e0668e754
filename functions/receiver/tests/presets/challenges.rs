//! Every preset's handshake, with the request and the reply from the provider's documentation.

use crate::world::{JSON, NOW, World, header, preset, said, source_of};
use lambda_http::{Body, Response};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tidings_project::presets;

/// The source's secret, for all presets that sign with one.
const SECRET: &str = "a secret that signs";

fn world() -> World {
    let mut document = json!({});
    for provider in presets() {
        document[&provider.name] = Value::from(SECRET);
        document[format!("{}.verify_token", provider.name)] = Value::from("agreed");
    }
    document["braintree"] = Value::from("integration_public_key|integration_private_key");
    World::new(document, NOW)
}

/// A documented handshake: the request, and the required reply.
struct Documented {
    preset: &'static str,
    method: &'static str,
    query: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    signed: bool,
    status: u16,
    reply: &'static str,
    content_type: &'static str,
}

impl Documented {
    const fn get(preset: &'static str, query: &'static str, reply: &'static str) -> Self {
        let content_type = "text/plain; charset=utf-8";
        Self { preset, method: "GET", query, headers: &[], body: "", signed: false, status: 200, reply, content_type }
    }

    const fn post(preset: &'static str, body: &'static str, reply: &'static str) -> Self {
        let content_type = "application/json";
        Self { preset, method: "POST", query: "", headers: &[JSON], body, signed: false, status: 200, reply, content_type }
    }

    const fn signed(self) -> Self {
        Self { signed: true, ..self }
    }

    const fn plain(self) -> Self {
        Self { content_type: "text/plain; charset=utf-8", ..self }
    }

    const fn with(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    async fn ask(&self, world: &World) -> Response<Body> {
        if self.signed {
            return world.signed(self.preset, self.headers, self.body).await;
        }
        let path = if self.query.is_empty() { self.preset.to_owned() } else { format!("{}?{}", self.preset, self.query) };
        world.ask(self.method, &path, self.headers, self.body).await
    }
}

const DOCUMENTED: &[Documented] = &[
    Documented::post(
        "slack",
        r#"{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#,
        "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
    )
    .signed()
    .plain(),
    Documented::get("whatsapp", "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=agreed", "1158201444"),
    Documented::get("meta-messenger", "hub.mode=subscribe&hub.verify_token=agreed&hub.challenge=CHALLENGE_ACCEPTED", "CHALLENGE_ACCEPTED"),
    Documented::get("meta-instagram", "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=agreed", "1158201444"),
    Documented::get("dropbox", "challenge=BYmXmDGn5DB4xNfvFbCTdZS8bKwP2hh7", "BYmXmDGn5DB4xNfvFbCTdZS8bKwP2hh7"),
    // printf challenge_string | openssl dgst -sha256 -hmac 'a secret that signs' -binary | base64
    Documented {
        content_type: "application/json",
        ..Documented::get(
            "x-twitter",
            "crc_token=challenge_string&nonce=nonce_string",
            r#"{"response_token":"sha256=YS2XfyxDH1THQypl6Q+IQ2qeLSukeEWOIAQn6YdSqHU="}"#,
        )
    },
    // printf qgg8vlvZRS6UYooatFL8Aw | openssl dgst -sha256 -hmac 'a secret that signs'
    Documented::post(
        "zoom",
        r#"{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1654503849680,"event":"endpoint.url_validation"}"#,
        r#"{"encryptedToken":"126cd01a80c16d1fd18c4e85c49b5d852ec679aecec1bc601ae92893995036d3","plainToken":"qgg8vlvZRS6UYooatFL8Aw"}"#,
    )
    .signed(),
    Documented {
        method: "POST",
        headers: &[("content-type", "text/plain; charset=utf-8")],
        ..Documented::get("ms-graph", "validationToken=Validation%3A+Testing+client+application+reachability", "Validation: Testing client application reachability")
    },
    Documented {
        method: "GET",
        headers: &[("x-okta-verification-challenge", "my_verification_challenge_value")],
        ..Documented::post("okta-event-hook", "", r#"{"verification":"my_verification_challenge_value"}"#)
    },
    Documented::post(
        "twitch-eventsub",
        r#"{"challenge":"pogchamp-kappa-360noscope-vohiyo","subscription":{"id":"f1c2a387-161a-49f9-a165-0f21d7a4e1c4","status":"webhook_callback_verification_pending","type":"channel.follow"}}"#,
        "pogchamp-kappa-360noscope-vohiyo",
    )
    .with(&[
        JSON,
        ("twitch-eventsub-message-id", "e76c6bd4-55c9-4987-8304-da1588d8988b"),
        ("twitch-eventsub-message-type", "webhook_callback_verification"),
    ])
    .signed()
    .plain(),
    Documented::post(
        "azure-event-grid",
        r#"[{"id":"2d1781af-3a4c-4d7c-bd0c-e34b19da4e66","topic":"/subscriptions/x","subject":"","data":{"validationCode":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6"},"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent"}]"#,
        r#"{"validationResponse":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}"#,
    ),
    Documented {
        method: "OPTIONS",
        headers: &[("webhook-request-origin", "eventemitter.example.com"), ("webhook-request-rate", "120")],
        content_type: "",
        ..Documented::post("cloudevents-http", "", "")
    },
    Documented { method: "HEAD", headers: &[], content_type: "", ..Documented::post("trello", "", "") },
    Documented { method: "HEAD", headers: &[], content_type: "", ..Documented::post("intercom", "", "") },
    Documented::post("monday", r#"{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}"#, r#"{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}"#),
    // braintree/challenge of the published vectors: braintree_python tests.
    Documented::get("braintree", "bt_challenge=20f9f8ed05f77439fe955c977e4c8a53", "integration_public_key|d9b899556c966b3f06945ec21311865d35df3ce4"),
    Documented::post("front-app", r#"{"type":"sync"}"#, "c4a11e9e").with(&[JSON, ("x-front-challenge", "c4a11e9e")]).signed().plain(),
    Documented {
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        content_type: "",
        ..Documented::post("woocommerce", "webhook_id=1", "")
    },
];

#[tokio::test]
async fn documented_handshakes_get_their_documented_answers() {
    let world = world();
    for documented in DOCUMENTED {
        let answer = documented.ask(&world).await;
        assert_eq!(said(&answer), (documented.status, documented.reply), "{}", documented.preset);
        assert_eq!(header(&answer, "content-type"), documented.content_type, "{}", documented.preset);
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{}", documented.preset);
    }
    assert_eq!((world.calls(), world.https.asked().len()), (0, 0), "no AWS call, and nothing is fetched");
    let origin = DOCUMENTED.iter().find(|d| d.preset == "cloudevents-http").unwrap().ask(&world).await;
    assert_eq!(header(&origin, "webhook-allowed-origin"), "eventemitter.example.com");
}

#[tokio::test]
async fn a_signed_handshake_is_answered_to_its_provider_only() {
    let world = world();
    for documented in DOCUMENTED.iter().filter(|documented| documented.signed) {
        let answer = world.ask("POST", documented.preset, documented.headers, documented.body).await;
        assert_eq!(answer.status(), 401, "{}", documented.preset);
    }
}

/// Discord signs its ping, and sends one that is signed wrongly to see that it is refused.
#[tokio::test]
async fn discord_gets_its_pong_and_its_401() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let key = hex::encode(pair.public_key().as_ref());
    for (name, ping, pong) in [
        ("discord-interactions", r#"{"type":1}"#, (200, r#"{"type":1}"#)),
        ("discord-webhook-events", r#"{"version":1,"type":0}"#, (204, "")),
    ] {
        let world = World::of(vec![source_of(&preset(name))], json!({ name: key }), NOW);
        let signature = hex::encode(pair.sign(format!("1795168800{ping}").as_bytes()).as_ref());
        let ask = async |signature: &str| {
            let headers = [JSON, ("x-signature-timestamp", "1795168800"), ("x-signature-ed25519", signature)];
            world.ask("POST", name, &headers, ping).await
        };
        assert_eq!(said(&ask(&signature).await), pong, "{name}");
        assert_eq!(ask(&"0".repeat(128)).await.status(), 401, "{name}: the probe");
        assert_eq!(world.calls(), 0);
    }
}

/// LINE's button sends no event; Xero's "intent to receive" is several requests, some of them signed wrongly.
#[tokio::test]
async fn empty_deliveries_are_answered_as_probes() {
    let world = world();
    assert_eq!(
        world.signed("line", &[JSON], r#"{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}"#).await.status(),
        200
    );
    let intent = r#"{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"S0m3r4Nd0mt3xt"}"#;
    assert_eq!(said(&world.signed("xero", &[JSON], intent).await), (200, ""));
    let wrong = world.ask("POST", "xero", &[JSON, ("x-xero-signature", "AAAA")], intent).await;
    assert_eq!(wrong.status(), 401);
    assert_eq!(world.calls(), 0);
}

/// Whoever asks gets a MAC of what they like, so what they like must never be what an event is made of: Braintree's events are
/// base64, which a challenge of letters and digits would be, too.
#[tokio::test]
async fn braintree_s_challenge_signs_no_payload() {
    let world = world();
    let ask =
        async |challenge: &str| world.ask("GET", &format!("braintree?bt_challenge={challenge}"), &[], "").await.status().as_u16();
    assert_eq!(ask("20f9f8ed05f77439fe955c977e4c8a53").await, 200);
    assert_eq!(ask("PG5vdGlmaWNhdGlvbj4").await, 400, "<notification>");
    assert_eq!(ask("20F9F8ED05F77439FE955C977E4C8A53").await, 400);
    assert_eq!(ask(&"a".repeat(33)).await, 400);
}

#[test]
fn every_preset_with_a_handshake_is_tested() {
    let mut shown: BTreeSet<String> = DOCUMENTED.iter().map(|documented| documented.preset.to_owned()).collect();
    // In tests of their own: what is stored, what is fetched, what is signed with a private key.
    shown.extend(["asana", "notion", "aws-sns", "discord-interactions", "discord-webhook-events"].map(str::to_owned));
    // Probes without a challenge: `probes.rs`.
    shown.extend(["slack-interactivity", "slack-slash"].map(str::to_owned));
    let with: BTreeSet<String> = presets().into_iter().filter(|p| !p.handshakes.is_empty()).map(|p| p.name).collect();
    assert_eq!(shown, with);
}
