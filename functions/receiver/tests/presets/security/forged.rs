//! A property over all presets: without the secret nothing gets in. Whoever captured a request changes it in every way, takes what
//! handshakes answer for signatures, and gets no other event than the one that was captured.

use super::{captured, nothing_got_in};
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tidings_config::provider::{Provider, Vector};
use tidings_config::scheme::Algorithm;
use tidings_config::{Reference, Template};

/// Requests for each vector; 0x7164 is the run that CI repeats.
const ROUNDS: usize = 60;
const SEED: u64 = 0x7164;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % (most.max(1) as u64)).expect("small")
    }

    fn one<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }
}

type Headers = Vec<(String, String)>;

/// What of a captured request may be changed so that it is another one: what is bound. Of what a preset leaves open, its file tells.
struct Attacker<'a> {
    provider: &'a Provider,
    vector: &'a Vector,
    /// What the source's handshakes answered, to whatever was asked.
    told: Vec<String>,
}

impl Attacker<'_> {
    fn binds_body(&self) -> bool {
        self.provider.scheme.covers(&Reference::Body)
    }

    /// Whether the request itself holds the secret: who captured it has it.
    fn holds_secret(&self) -> bool {
        self.provider.scheme.algorithm == Algorithm::Token
    }

    fn is_signature(&self, name: &str) -> bool {
        self.provider.scheme.signature.from.0.iter().any(|place| place.header().is_some_and(|h| name.eq_ignore_ascii_case(h)))
    }

    fn is_signed(&self, name: &str) -> bool {
        let signed = self.provider.scheme.message.iter().flat_map(Template::references);
        signed.into_iter().any(|place| place.header().is_some_and(|h| name.eq_ignore_ascii_case(h)))
    }

    /// One change or several of a captured request.
    fn forge(&self, headers: &Headers, chance: &mut Chance) -> (Headers, Vec<u8>) {
        let (mut headers, mut body) = (headers.clone(), self.vector.body.clone().into_bytes());
        for _ in 0..=chance.below(2) {
            let signatures: Vec<usize> = (0..headers.len()).filter(|n| self.is_signature(&headers[*n].0)).collect();
            let bound: Vec<usize> = (0..headers.len()).filter(|n| self.is_signed(&headers[*n].0)).collect();
            match chance.below(8) {
                0 | 1 if self.binds_body() && !self.holds_secret() => change_body(&mut body, chance),
                2 if !bound.is_empty() => {
                    let at = *chance.one(&bound);
                    headers[at].1 = change_text(&headers[at].1, chance);
                }
                3 if !signatures.is_empty() => {
                    let at = *chance.one(&signatures);
                    headers.push(headers[at].clone());
                    let last = headers.len() - 1;
                    headers[last].1 = change_text(&headers[last].1, chance);
                }
                4 if !signatures.is_empty() && !self.told.is_empty() => {
                    let at = *chance.one(&signatures);
                    headers[at].1 = self.with_told(&headers[at].1, chance);
                    if self.binds_body() {
                        change_body(&mut body, chance);
                    }
                }
                5 if !signatures.is_empty() => {
                    let at = *chance.one(&signatures);
                    headers[at].1 = reheaded(&headers[at].1, chance);
                }
                _ if !signatures.is_empty() => {
                    let at = *chance.one(&signatures);
                    headers[at].1 = change_text(&headers[at].1, chance);
                }
                _ => change_body(&mut body, chance),
            }
        }
        (headers, body)
    }

    /// The signature's text with what a handshake answered in it.
    fn with_told(&self, text: &str, chance: &mut Chance) -> String {
        let told = chance.one(&self.told);
        let cut = text.rfind(['=', ',', '|', ' ']).map_or(0, |at| at + 1);
        format!("{}{told}", &text[..cut])
    }
}

fn change_body(body: &mut Vec<u8>, chance: &mut Chance) {
    let at = chance.below(body.len() + 1);
    match chance.below(6) {
        0 if at < body.len() => body[at] ^= 1 << chance.below(8),
        1 => body.insert(at, *chance.one(b" \n{}[]\"0a\x00\x80")),
        2 if at < body.len() => drop(body.remove(at)),
        3 => body.truncate(at),
        4 => *body = chance.one(&["{}", "[]", "null", "12345", "true", "\"a\"", "", "a=b", "<a/>"]).as_bytes().to_vec(),
        _ => body.extend_from_slice(b" "),
    }
}

/// A text in other letters, cut, lengthened, or another's.
fn change_text(text: &str, chance: &mut Chance) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let at = chance.below(chars.len());
    match chance.below(9) {
        0 if !chars.is_empty() => chars[at] = *chance.one(&['0', 'f', 'A', '=', ',', '/', '-']),
        1 => chars.truncate(at),
        2 => chars.insert(at, *chance.one(&['0', ' ', ',', '='])),
        3 if !chars.is_empty() => drop(chars.remove(at)),
        4 => return text.to_uppercase(),
        5 => return text.replace('+', "-").replace('/', "_"),
        6 => {
            return (*chance.one(&["", "none", "null", "sha1=", "sha256=", "v1=", "t=1,v1=", "v1,", "Bearer ", "Basic Og=="]))
                .to_owned();
        }
        7 => return text.replace("sha256", "sha1").replace("v1", "v0").replace("SHA256", "MD5"),
        _ => chars.reverse(),
    }
    chars.into_iter().collect()
}

/// A token with another header and, at times, no signature.
fn reheaded(text: &str, chance: &mut Chance) -> String {
    let header = *chance.one(&[
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"RS256","crit":["b64"],"b64":false}"#,
        r#"{"alg":"RS256","jku":"https://evil.example/jwks"}"#,
        r#"{"alg":"HS256","kid":"","jwk":{"kty":"oct","k":""}}"#,
    ]);
    let parts: Vec<&str> = text.split('.').collect();
    match parts.as_slice() {
        [first, payload, signature] => {
            let scheme = first.rsplit_once(' ').map_or(String::new(), |(scheme, _)| format!("{scheme} "));
            let signature = *chance.one(&["", *signature, "AAAA"]);
            format!("{scheme}{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(header))
        }
        _ => change_text(text, chance),
    }
}

/// What the source's unsigned handshakes say to texts of this vector.
async fn told(world: &World, provider: &Provider, vector: &Vector) -> Vec<String> {
    let mut told = Vec::new();
    for handshake in provider.handshakes.iter().filter(|handshake| !handshake.signed) {
        for place in handshake.when.keys() {
            let Reference::Query(name) = place else { continue };
            for challenge in [vector.body.as_str(), "12345", "e30", "0f0f", "null", &vector.secret[..0]] {
                let escaped = utf8_percent_encode(challenge, NON_ALPHANUMERIC);
                let answer = world.ask(handshake.method.as_str(), &format!("{}?{name}={escaped}", provider.name), &[], "").await;
                let text = String::from_utf8_lossy(answer.body()).into_owned();
                if answer.status().is_success() {
                    told.extend(text.split(['"', '=', '|', ':']).filter(|piece| piece.len() >= 16).map(str::to_owned));
                }
            }
        }
    }
    let bytes: Vec<Vec<u8>> =
        told.iter().filter_map(|text| STANDARD.decode(text).ok().or_else(|| hex::decode(text).ok())).collect();
    told.extend(bytes.iter().flat_map(|bytes| [hex::encode(bytes), STANDARD.encode(bytes)]));
    told
}

#[tokio::test]
async fn no_request_that_was_made_without_the_secret_is_another_event() {
    let mut chance = Chance(SEED);
    let (mut forged, mut refused) = (0, 0);
    for (provider, vector) in captured() {
        let world = World::of_vector(provider, vector);
        let attacker = Attacker { provider, vector, told: told(&world, provider, vector).await };
        nothing_got_in(&world, "handshakes");
        let genuine = world.headers_of(vector);
        world.send(vector).await;
        // What can't be read is kept under a claim of its own. Of a body that isn't bound somebody can make such a one: once.
        let events = || world.queued().iter().filter(|event| event.unreadable().is_none()).count();
        let unread = || world.queued().len() - events();
        let (known, most_unread) = (events(), unread() + usize::from(!attacker.binds_body()));
        if attacker.holds_secret() && !genuine.iter().any(|(name, _)| attacker.is_signature(name)) {
            // The secret is in the body or the query: nobody captures the one without the other.
            continue;
        }
        for round in 0..ROUNDS {
            let (headers, body) = attacker.forge(&genuine, &mut chance);
            let fit = headers.iter().all(|(_, value)| value.chars().all(|c| (' '..='~').contains(&c)));
            let changed = headers != genuine || body != vector.body.as_bytes();
            if !fit || !changed {
                continue;
            }
            let status = world.send_with(vector, &headers, &body).await.status().as_u16();
            assert!(
                events() == known && unread() <= most_unread,
                "seed {SEED:#x}: {}/{}, round {round}: {headers:?}",
                provider.name,
                vector.name
            );
            forged += 1;
            refused += usize::from(status >= 400);
        }
    }
    assert!(forged > 5_000 && refused > forged / 2, "{refused} of {forged} refused");
}
