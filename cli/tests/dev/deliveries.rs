//! Real providers' deliveries, posted to a running `tidings dev`. `deliveries.yaml` has the kinds and their expected
//! results.
//!
//! The product's signer isn't used, so its errors can't hide errors of the receiver.

use crate::support::{Dev, json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde::Deserialize;
use serde_json::{Value, json as value};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    source: String,
    send: Vec<Delivery>,
    becomes: Vec<BTreeMap<String, Value>>,
    #[serde(default)]
    contexts: BTreeMap<String, Context>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delivery {
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: String,
    /// The expected status. A retry may get any status that isn't a refusal.
    status: Option<u16>,
    /// A retry of an earlier delivery, without a result.
    #[serde(default)]
    again: bool,
    /// Fields of the response, or the whole of a response that isn't JSON.
    answer: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Context {
    node: Option<String>,
    #[serde(default)]
    facts: BTreeMap<String, BTreeMap<String, Value>>,
}

/// The providers' private keys, and a `dev` with their public keys.
struct World {
    dev: Dev,
    discord: Ed25519KeyPair,
    sendgrid: EcdsaKeyPair,
    secrets: PathBuf,
}

/// The bytes before the point of a P-256 key in its SubjectPublicKeyInfo.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07, 0x03, 0x42, 0x00,
];

impl World {
    fn start(name: &str) -> Self {
        let chance = SystemRandom::new();
        let discord = Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&chance).unwrap().as_ref()).unwrap();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let made = EcdsaKeyPair::generate_pkcs8(algorithm, &chance).unwrap();
        let sendgrid = EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &chance).unwrap();
        let public = STANDARD.encode([&P256, sendgrid.public_key().as_ref()].concat());
        let discord_key = hex(discord.public_key().as_ref());
        let secrets = value!({
            "discord-interactions": discord_key, "discord-webhook-events": discord_key, "github": "gh-hunt", "gitlab-token": "gl-hunt",
            "linear": "linear-secret", "mailgun": "mg-key", "meta-instagram": "app-secret",
            "ms-teams-outgoing": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "orders": "orders-secret", "sendgrid": public,
            "sentry": "sentry-secret", "shopify": "shpss_hunt", "slack-interactivity": "slack-secret", "slack-slash": "slack-secret",
            "stripe": "whsec_hunt", "telegram": "tg-secret", "twilio": "twilio-token", "whatsapp": "app-secret", "woocommerce": "wc-secret",
            "xero": "xero-key", "zoom": "zoom-secret",
        });
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.json", std::process::id()));
        std::fs::write(&file, secrets.to_string()).expect("a file");
        let dev = Dev::start(&["--presets", "--secrets", &file.display().to_string()]);
        Self { dev, discord, sendgrid, secrets: file }
    }

    /// Returns the response's status and body.
    fn post(&self, source: &str, headers: &BTreeMap<String, String>, body: &[u8]) -> (u16, String) {
        let mut post = ureq::post(self.url(source)).config().http_status_as_error(false).build();
        if !headers.contains_key("content-type") {
            post = post.header("content-type", "application/json");
        }
        for (name, value) in headers {
            post = post.header(name, value);
        }
        let mut answer = post.send(body).expect("an answer");
        (answer.status().as_u16(), answer.body_mut().read_to_string().expect("text"))
    }

    fn url(&self, source: &str) -> String {
        format!("{}/webhooks/{source}", self.dev.webhooks)
    }

    /// All claims of a source.
    fn claims(&self, source: &str) -> Vec<Value> {
        let listed = json(&self.dev.ask(&["events", "list", "--source", source, "--limit", "1000", "--json"]));
        listed.as_array().cloned().expect("a list")
    }

    /// A source's claims, once none of them is pending.
    fn settled(&self, source: &str) -> Vec<Value> {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let claims = self.claims(source);
            if claims.iter().all(|claim| claim["state"] == "processed" || claim["state"] == "dead") {
                return claims;
            }
            assert!(Instant::now() < until, "{source}: {claims:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Replaces placeholders in «…», the innermost first.
    fn filled(&self, text: &str, source: &str, now: u64, body: &str) -> String {
        let mut text = text.replace("«body»", body);
        while let Some(from) = text.rfind('«') {
            let to = from + text[from..].find('»').expect("an end");
            let inside = &text[from + '«'.len_utf8()..to];
            let (what, argument) = inside.split_once(' ').unwrap_or((inside, ""));
            let mac = |algorithm| {
                let (key, message) = argument.split_once('|').expect("a key and a text");
                hmac::sign(&hmac::Key::new(algorithm, key.as_bytes()), message.as_bytes())
            };
            let said = match what {
                "url" => self.url(source),
                "hex" => hex(mac(hmac::HMAC_SHA256).as_ref()),
                "base64" => STANDARD.encode(mac(hmac::HMAC_SHA256)),
                "sha1" => STANDARD.encode(mac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY)),
                "ed25519" => hex(self.discord.sign(argument.as_bytes()).as_ref()),
                time => {
                    let ago = time.strip_prefix("now").unwrap_or_else(|| panic!("«{time}» is nothing that can be said"));
                    let ago = if ago.is_empty() { 0 } else { ago.trim_start_matches('-').parse().expect("seconds") };
                    (now - ago).to_string()
                }
            };
            text.replace_range(from..to + '»'.len_utf8(), &said);
        }
        text
    }

    /// Posts a case. Reports wrong responses, and returns the new claims.
    fn sent(&self, case: &Case, wrong: &mut Vec<String>) -> Vec<Value> {
        let known: Vec<Value> = self.claims(&case.source).iter().map(|claim| claim["key"].clone()).collect();
        let fresh =
            || -> Vec<Value> { self.settled(&case.source).into_iter().filter(|claim| !known.contains(&claim["key"])).collect() };
        for (n, delivery) in case.send.iter().enumerate() {
            let now = now();
            let body = self.filled(&delivery.body, &case.source, now, "");
            let fill = |(name, text): (&String, &String)| (name.clone(), self.filled(text, &case.source, now, &body));
            let headers = delivery.headers.iter().map(fill).collect();
            let before = if delivery.again { fresh().len() } else { 0 };
            let (status, answer) = self.post(&case.source, &headers, body.as_bytes());
            let at = format!("{}, delivery {}", case.name, n + 1);
            if delivery.again {
                if !(200..300).contains(&status) || fresh().len() != before {
                    wrong.push(format!(
                        "{at}: a retry is answered {status} {answer}, and has {} new claims",
                        fresh().len() - before
                    ));
                }
            } else if Some(status) != delivery.status {
                wrong.push(format!("{at}: {status} {answer}, not {:?}", delivery.status));
            }
            if let Some(expected) = &delivery.answer
                && !is_in(expected, &serde_json::from_str(&answer).unwrap_or(Value::String(answer.clone())))
            {
                wrong.push(format!("{at}: answered {answer:?}, not {expected}"));
            }
        }
        fresh()
    }

    fn context(&self, conversation: &str) -> Value {
        json(&self.dev.ask(&["context", "show", conversation, "--json"]))["context"].take()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.secrets);
    }
}

/// The time in seconds.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_secs()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes it");
        text
    })
}

/// Whether the expected value is present: the fields of an object, or the value itself.
fn is_in(expected: &Value, seen: &Value) -> bool {
    match expected {
        Value::Object(fields) => fields.iter().all(|(name, value)| is_in(value, &seen[name])),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => expected == seen,
    }
}

/// Whether a claim has an event's expected fields.
fn is(claim: &Value, expected: &BTreeMap<String, Value>) -> bool {
    let state = expected.get("state").cloned().unwrap_or_else(|| "processed".into());
    claim["state"] == state
        && expected.iter().all(|(field, value)| match field.as_str() {
            "time" => claim["occurred"].as_str().and_then(|at| at.split('#').next()) == value.as_str(),
            field => claim[field] == *value,
        })
}

#[test]
fn every_delivery_results_in_its_events() {
    let cases: Vec<Case> = serde_saphyr::from_str(include_str!("deliveries.yaml")).expect("deliveries.yaml");
    let world = World::start("deliveries");
    let mut wrong = Vec::new();
    for case in &cases {
        let mut claims = world.sent(case, &mut wrong);
        for expected in &case.becomes {
            match claims.iter().position(|claim| is(claim, expected)) {
                Some(at) => drop(claims.remove(at)),
                None => wrong.push(format!("{}: no event is {expected:?}", case.name)),
            }
        }
        wrong.extend(claims.iter().map(|claim| format!("{}: nobody expected {claim}", case.name)));
        for (conversation, expected) in &case.contexts {
            let context = world.context(conversation);
            if let Some(node) = &expected.node
                && context["node"]["value"] != **node
            {
                wrong.push(format!("{}: {conversation} is at {}, not {node}", case.name, context["node"]));
            }
            for (entity, facts) in &expected.facts {
                for (name, value) in facts {
                    let seen = &context["entities"][entity][name]["value"];
                    if seen != value {
                        wrong.push(format!("{}: {entity} {name} is {seen}, not {value}", case.name));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_delivery_with_a_providers_maximum_of_events_is_accepted() {
    // At most as many of each type as one list can show.
    const TYPES: [&str; 5] = ["processed", "delivered", "open", "click", "bounce"];
    const COUNT: usize = 2_300;
    let world = World::start("sendgrid");
    let event = |n: usize| {
        let (email, id) = (format!("user{n}@example.com"), format!("made-up-{n}"));
        value!({ "email": email, "timestamp": 1795975000, "event": TYPES[n % TYPES.len()], "sg_event_id": id, "sg_message_id": "14c5.0" })
    };
    let body = Value::Array((0..COUNT).map(event).collect()).to_string() + "\r\n";
    let now = now().to_string();
    let signature = world.sendgrid.sign(&SystemRandom::new(), format!("{now}{body}").as_bytes()).expect("a signature");
    let headers = BTreeMap::from([
        ("x-twilio-email-event-webhook-timestamp".to_owned(), now),
        ("x-twilio-email-event-webhook-signature".to_owned(), STANDARD.encode(signature)),
    ]);
    let (status, answer) = world.post("sendgrid", &headers, body.as_bytes());
    assert!((200..300).contains(&status), "{status} {answer}");
    let claimed = TYPES.map(|kind| {
        let listed = world.dev.ask(&["events", "list", "--source", "sendgrid", "--type", kind, "--limit", "1000", "--json"]);
        json(&listed).as_array().map_or(0, Vec::len)
    });
    assert_eq!(claimed.iter().sum::<usize>(), COUNT, "{claimed:?}");
}

#[test]
fn a_message_as_long_as_its_channel_allows_is_processed_by_the_shipped_rules() {
    let world = World::start("long");
    for (n, letter) in ["a", "ж", "猫", "😀"].iter().enumerate() {
        let text = letter.repeat(4_096 / letter.encode_utf16().count());
        let message = value!({ "from": format!("1555000010{n}"), "id": format!("wamid.LONG{n}"), "timestamp": "1795975000", "type": "text", "text": { "body": text } });
        let body = value!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "value": { "messages": [message] }, "field": "messages" }] }] });
        let body = body.to_string();
        let signed = world.filled("sha256=«hex app-secret|«body»»", "whatsapp", 0, &body);
        let headers = BTreeMap::from([("x-hub-signature-256".to_owned(), signed)]);
        assert_eq!(world.post("whatsapp", &headers, body.as_bytes()).0, 200);
        let claims = world.settled("whatsapp");
        let claim = claims.iter().find(|claim| claim["id"] == format!("wamid.LONG{n}")).expect("a claim");
        assert_eq!((&claim["state"], &claim["outcome"]), (&"processed".into(), &"applied".into()), "{claim}");
        let facts = &world.context(&format!("whatsapp:1555000010{n}"))["entities"][format!("customer/1555000010{n}")];
        assert_eq!(facts["last_message"]["value"], text);
    }
}

#[test]
fn a_compressed_body_is_read_whether_signed_before_or_after_compression() {
    const PLAIN: &str = r#"{"action":"created","starred_at":"2026-11-29T18:00:00Z","repository":{"full_name":"o/zip"},"sender":{"login":"alice"}}"#;
    let world = World::start("compressed");
    let compressed = stored(PLAIN.as_bytes());
    let signed =
        |bytes: &[u8]| format!("sha256={}", hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"gh-hunt"), bytes).as_ref()));
    for (delivery, signature) in [("zip-1", signed(PLAIN.as_bytes())), ("zip-2", signed(&compressed))] {
        let headers = [
            ("content-encoding", "gzip"),
            ("x-github-event", "star"),
            ("x-github-delivery", delivery),
            ("x-hub-signature-256", &signature),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let (status, answer) = world.post("github", &headers, &compressed);
        assert_eq!(status, 202, "{delivery}: {answer}");
    }
    let claims = world.settled("github");
    assert_eq!(claims.len(), 2, "{claims:?}");
    assert!(claims.iter().all(|claim| claim["state"] == "processed" && claim["type"] == "star.created"), "{claims:?}");
}

/// A gzip of one uncompressed block.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("one block");
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        (0..8).for_each(|_| crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()));
    }
    let header: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1];
    let lengths = [length.to_le_bytes(), (!length).to_le_bytes()].concat();
    [header, &lengths, bytes, &(!crc).to_le_bytes(), &u32::from(length).to_le_bytes()].concat()
}
