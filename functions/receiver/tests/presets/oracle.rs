//! A handshake that gives a MAC to whoever asks is an oracle. Nothing that it says gets a request accepted, at any source that the
//! secret is of.

mod requests;

use crate::world::{NOW, World, source_of};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use proptest::sample::Index;
use requests::{deliver, forgeries, told, written_out};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use tidings_config::handshake::{Answer, Handshake};
use tidings_config::scheme::{Algorithm, KeyEncoding, Written};
use tidings_config::source::{BodyFormat, FORM, Source};
use tidings_config::{OneOrMany, Reference};
use tidings_project::presets as providers;
use tidings_project::read_sources;

/// The shared secret of all sources: an answer of one must not be accepted by another.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Layouts of signed messages in own schemes.
const LAYOUTS: &[&str] = &[
    "{body}",
    "v0:{header:x-time}:{body}",
    "{header:x-time}.{body}",
    "{header:x-time}{body}",
    "{body}{header:x-time}",
    "{header:x-id}",
    "{query:q}{body}",
    "{sig:t}.{body}",
    "{form}",
    "{form:payload}",
    "{json:id}",
    "{json:id}{json:other?}",
    "{method}{body}",
    "a=b{body}",
];

/// What a handshake is asked with: all that a body of any format may be, as far as a URL holds it.
const CHALLENGES: &[&str] = &[
    "12345",
    "0",
    "-1",
    "1e5",
    "-0.5",
    "1E-7",
    "true",
    "false",
    "null",
    "\"text\"",
    "{}",
    "[]",
    "{\"type\":\"a\"}",
    "[1]",
    " 7",
    "7 ",
    "a=b",
    "payload=x",
    "a=1&b=2",
    "id=7",
    "type=order",
    "<a/>",
    "<n><id>1</id></n>",
    "PG4vPg==",
    "PG4+PC9uPg==",
    "payload=PG4vPg==",
    "payloadx",
    "id7",
    "a=b12345",
    "POST12345",
    "POST",
    "v0:1:2",
    "v0:1795168800:12345",
    "1795168800.12345",
    "1795168800",
    "challenge_string",
    "0f",
    "00",
    "20f9f8ed05f77439fe955c977e4c8a53",
    "eyJhIjoxfQ",
    "e30",
    "AAAA",
    "-",
    "_",
    "=",
    "/",
    "+",
];

/// Every unsigned handshake that gives a MAC.
fn oracles(source: &Source) -> Vec<&Handshake> {
    source
        .handshakes
        .iter()
        .filter(|handshake| !handshake.signed && answers(handshake).any(|answer| answer.mac.is_some()))
        .collect()
}

fn answers(handshake: &Handshake) -> impl Iterator<Item = &Answer> {
    let reply = &handshake.reply;
    reply.text.iter().chain(reply.json.values()).chain(reply.headers.values())
}

/// X's handshake and Braintree's, at own schemes of every layout, format and digest.
fn own_sources() -> Vec<Source> {
    let of = |name: &str| source_of(&providers().into_iter().find(|provider| provider.name == name).expect("a preset"));
    let mut sources = Vec::new();
    for base in [of("x-twitter"), of("braintree")] {
        for (n, layout) in LAYOUTS.iter().enumerate() {
            for (format, content_type) in [
                (None, "application/json"),
                (Some(BodyFormat::Form), FORM),
                (Some(BodyFormat::Xml), "text/xml"),
                (Some(BodyFormat::Binary), "application/octet-stream"),
            ] {
                let mut own = base.clone();
                own.name = format!("{}-{n}-{}", base.name, content_type.rsplit('/').next().unwrap());
                own.scheme.algorithm = [Algorithm::HmacSha256, Algorithm::HmacSha1, Algorithm::HmacSha512][n % 3];
                own.scheme.message = Some(layout.parse().unwrap());
                own.scheme.key.encoding = KeyEncoding::Utf8;
                own.scheme.key.named_by = None;
                own.scheme.signature.from = OneOrMany(vec!["header:x-signature".parse().unwrap()]);
                own.scheme.signature.written = match layout.contains("{sig:") {
                    true => Written::Fields { key: "v1".to_owned(), separator: ",".to_owned() },
                    false => Written::Plain,
                };
                (own.body, own.form_xml, own.content_types) = (format, None, OneOrMany(vec![content_type.to_owned()]));
                own.events = serde_json::from_value(json!([{ "type": "anything" }])).unwrap();
                sources.push(own);
            }
        }
    }
    sources
}

/// Sends the handshake. Returns its challenge, and the signatures that the answer may contain.
async fn ask(world: &World, source: &Source, oracle: &Handshake, challenge: &str) -> BTreeSet<String> {
    let place = oracle.when.keys().find_map(|place| if let Reference::Query(name) = place { Some(name) } else { None });
    let place = place.expect("these are asked by a parameter of the query");
    let escaped = utf8_percent_encode(challenge, NON_ALPHANUMERIC);
    let answer = world.ask(oracle.method.as_str(), &format!("{}?{place}={escaped}", source.name), &[], "").await;
    if answer.status().is_success() { written_out(&told(&answer)) } else { BTreeSet::new() }
}

struct Attacked {
    world: World,
    sources: Vec<Source>,
}

impl Attacked {
    fn of(sources: Vec<Source>) -> Self {
        let mut document = json!({});
        for source in &sources {
            let named = source.scheme.key.named_by.as_ref().map(|by| format!("integration_public_key{by}{SECRET}"));
            document[&source.name] = Value::from(named.unwrap_or_else(|| SECRET.to_owned()));
        }
        Self { world: World::of(sources.clone(), document, NOW), sources }
    }

    /// Tries the challenge at every source, with all that the oracles say to it. How often an oracle spoke, and what got in.
    async fn attack(&self, challenge: &str, targets: &[&Source]) -> (BTreeSet<String>, Vec<String>) {
        let (mut answers, mut accepted) = (BTreeSet::new(), Vec::new());
        for asked in &self.sources {
            for oracle in oracles(asked) {
                let signatures = ask(&self.world, asked, oracle, challenge).await;
                let at = targets.iter().filter(|target| target.name == asked.name || target.provider != asked.provider);
                for target in at {
                    for forged in if signatures.is_empty() { Vec::new() } else { forgeries(target, challenge) } {
                        for signature in &signatures {
                            let status = deliver(&self.world, target, &forged, signature).await;
                            if (200..300).contains(&status) {
                                accepted.push(format!("{} by {}: {challenge:?} as {forged:?}", target.name, asked.name));
                            }
                        }
                    }
                }
                answers.extend(signatures);
            }
        }
        (answers, accepted)
    }

    fn nothing_got_in(&self) {
        assert_eq!((self.world.queued().len(), self.world.calls()), (0, 0));
    }
}

fn presets() -> Attacked {
    Attacked::of(providers().iter().filter(|provider| provider.scheme.remote_key.is_none()).map(source_of).collect())
}

/// Attack 3: X's CRC, as it was found.
#[tokio::test]
async fn attack_3_a_crc_answer_never_signs_a_scalar_body() {
    let attacked = presets();
    let x = attacked.sources.iter().find(|source| source.name == "x-twitter").unwrap();
    let mut answered = 0;
    for challenge in ["12345", "null", "true", "false", "-1", "1e5", "0", "1E-7"] {
        let (answers, accepted) = attacked.attack(challenge, &[x]).await;
        assert_eq!(accepted, Vec::<String>::new());
        answered += usize::from(!answers.is_empty());
    }
    assert!(answered > 0, "the handshake speaks, or nothing is tested");
    attacked.nothing_got_in();
}

/// Every challenge at every preset; then the answers themselves as challenges.
#[tokio::test]
async fn no_answer_of_a_preset_s_handshake_gets_a_request_accepted_anywhere() {
    let attacked = presets();
    let signable = |source: &&Source| {
        let places = source.scheme.signature.from.0.iter();
        let outside = |r: &Reference| matches!(r, Reference::Header(_) | Reference::Query(_) | Reference::FormField(_));
        places.into_iter().all(outside) && source.scheme.message.is_some()
    };
    let targets: Vec<&Source> = attacked.sources.iter().filter(signable).collect();
    assert!(targets.len() >= 60, "{}", targets.len());
    let mut spoken = BTreeSet::new();
    let mut next: Vec<String> = CHALLENGES.iter().map(|text| (*text).to_owned()).collect();
    for _ in 0..2 {
        for challenge in &next {
            let (answers, accepted) = attacked.attack(challenge, &targets).await;
            assert_eq!(accepted, Vec::<String>::new());
            spoken.extend(answers);
        }
        next = spoken.iter().take(6).cloned().collect();
    }
    assert!(spoken.len() > 40, "{}", spoken.len());
    attacked.nothing_got_in();
}

/// The same handshakes at own schemes: every layout, every format, also those that the build refuses.
#[tokio::test]
async fn no_answer_of_an_own_scheme_s_handshake_gets_a_request_accepted() {
    let sources = own_sources();
    let mut spoken = 0;
    for source in &sources {
        let attacked = Attacked::of(vec![source.clone()]);
        for challenge in CHALLENGES {
            let (answers, accepted) = attacked.attack(challenge, &[source]).await;
            assert_eq!(accepted, Vec::<String>::new());
            spoken += answers.len();
        }
        attacked.nothing_got_in();
    }
    assert!(spoken > 500, "{spoken}");
}

/// A sibling: the secret of an app stands in two sources, one of which tells a MAC and the other of which takes any bytes.
#[tokio::test]
async fn an_answer_of_one_source_never_signs_for_another_with_its_secret() {
    let x = source_of(&providers().into_iter().find(|provider| provider.name == "x-twitter").unwrap());
    let mut other = x.clone();
    other.name = "ours".to_owned();
    other.provider = "own".to_owned();
    other.handshakes = Vec::new();
    other.events = serde_json::from_value(json!([{ "type": "anything" }])).unwrap();
    other.content_types = OneOrMany(vec!["application/octet-stream".to_owned()]);
    let attacked = Attacked::of(vec![x, other.clone()]);
    for challenge in CHALLENGES {
        let (_, accepted) = attacked.attack(challenge, &[&other]).await;
        assert_eq!(accepted, Vec::<String>::new());
    }
    attacked.nothing_got_in();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// An attacker who asks again and again, each time with something that is made of what was said before.
    #[test]
    fn an_attacker_who_asks_adaptively_gets_nothing_accepted(
        which in any::<Index>(), seeds in proptest::collection::vec("[A-Za-z0-9+/=_.:&<>{}\\[\\]\" -]{1,40}", 1..5), cuts in any::<Index>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
            own_sources().into_iter().chain(presets().sources).filter(|source| !oracles(source).is_empty()).collect()
        });
        let source = SOURCES[which.index(SOURCES.len())].clone();
        let attacked = Attacked::of(vec![source.clone()]);
        let mut challenges = seeds;
        for _ in 0..4 {
            let mut said = Vec::new();
            for challenge in &challenges {
                let (answers, accepted) = runtime.block_on(attacked.attack(challenge, &[&source]));
                prop_assert_eq!(accepted, Vec::<String>::new());
                said.extend(answers);
            }
            challenges = said.iter().take(2).map(|text| text[..1 + cuts.index(text.len())].to_owned()).collect();
        }
        attacked.nothing_got_in();
    }
}

/// A preset with a format of one's own would lose events that are such texts, so the build refuses it.
#[test]
fn a_preset_with_a_mac_handshake_needs_a_format_that_no_challenge_has() {
    let read = |more: &str| {
        let text = format!("version: 1\nsources:\n  x: {{ provider: x-twitter{more} }}\n");
        read_sources("sources.yaml", &text, &providers()).map_err(|report| report.to_string())
    };
    assert!(read("").is_ok() && read(", content_types: [application/json, text/xml]").is_ok());
    for own in [", content_types: application/octet-stream", ", body: binary", ", body: form"] {
        let error = read(own).unwrap_err();
        assert!(
            error.starts_with("sources.yaml:3:6: a handshake gives a MAC of query:crc_token to any caller"),
            "{own}: {error}"
        );
    }
}
