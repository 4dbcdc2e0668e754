//! Class 15: of `sha256(secret + text)` anyone can make that of `secret + text + padding + more`. HubSpot's v1 and v2 are such.

use super::{captured, nothing_got_in, source};
use crate::world::{JSON, NOW, World, said};
use http::{HeaderName, HeaderValue};
use receiver::delivery::Delivery;
use receiver::verify::{Key, Rejection, verify};
use serde_json::json;
use sha2::{Digest, Sha256};
use tidings_config::OneOrMany;

/// SHA-256's constants: the first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).
fn constants() -> [u32; 64] {
    let is_prime = |n: &u64| (2..*n).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    let mut primes = (2_u64..).filter(is_prime);
    std::array::from_fn(|_| {
        let prime = u128::from(primes.next().expect("there are more"));
        // The cube root times 2^32, rounded down: its low half is the fraction.
        let (mut low, mut high) = (0_u128, 1_u128 << 36);
        while high - low > 1 {
            let middle = low.midpoint(high);
            if middle.pow(3) <= prime << 96 { low = middle } else { high = middle }
        }
        u32::try_from(low & 0xffff_ffff).expect("32 bits")
    })
}

/// One block (FIPS 180-4, 6.2.2).
fn compress(state: &mut [u32; 8], block: &[u8]) {
    let k = constants();
    let mut w = [0_u32; 64];
    for (n, word) in block.chunks_exact(4).enumerate() {
        w[n] = u32::from_be_bytes(word.try_into().expect("four bytes"));
    }
    for n in 16..64 {
        let s0 = w[n - 15].rotate_right(7) ^ w[n - 15].rotate_right(18) ^ (w[n - 15] >> 3);
        let s1 = w[n - 2].rotate_right(17) ^ w[n - 2].rotate_right(19) ^ (w[n - 2] >> 10);
        w[n] = w[n - 16].wrapping_add(s0).wrapping_add(w[n - 7]).wrapping_add(s1);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for n in 0..64 {
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let t1 = h.wrapping_add(s1).wrapping_add((e & f) ^ (!e & g)).wrapping_add(k[n]).wrapping_add(w[n]);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let t2 = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
    }
    for (old, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *old = old.wrapping_add(new);
    }
}

/// What SHA-256 appends to so many bytes.
fn padding(bytes: usize) -> Vec<u8> {
    let mut padding = vec![0x80];
    padding.resize(1 + (119 - bytes % 64) % 64, 0);
    padding.extend_from_slice(&(bytes as u64 * 8).to_be_bytes());
    padding
}

/// The digest of `hidden + padding + more`, of that of `hidden` and its length alone. And the padding.
fn lengthened(digest: &str, hidden_bytes: usize, more: &[u8]) -> (String, Vec<u8>) {
    let digest = hex::decode(digest).expect("hexadecimal");
    let mut state = [0; 8];
    for (word, bytes) in state.iter_mut().zip(digest.chunks_exact(4)) {
        *word = u32::from_be_bytes(bytes.try_into().expect("four bytes"));
    }
    let glue = padding(hidden_bytes);
    let hashed = hidden_bytes + glue.len();
    let rest = [more, &padding(hashed + more.len())].concat();
    rest.chunks_exact(64).for_each(|block| compress(&mut state, block));
    (state.iter().map(|word| format!("{word:08x}")).collect(), glue)
}

#[test]
fn a_digest_can_be_extended_without_the_secret() {
    for (secret, text, more) in
        [("s", "body", "more"), ("a secret of the length that secrets have", "", "x"), ("k", &"b".repeat(200), &"m".repeat(200))]
    {
        let known = hex::encode(Sha256::digest([secret, text].concat()));
        let (made, glue) = lengthened(&known, secret.len() + text.len(), more.as_bytes());
        let whole = [secret.as_bytes(), text.as_bytes(), &glue, more.as_bytes()].concat();
        assert_eq!(made, hex::encode(Sha256::digest(&whole)));
    }
}

/// The signature of the longer body is right, and the body isn't text any more: the padding begins with 0x80, which follows no
/// character. So it is no event, whatever was appended.
#[tokio::test]
async fn class_15_a_lengthened_body_verifies_and_is_no_event() {
    let mut forged = 0;
    for (provider, vector) in captured().filter(|(provider, _)| ["hubspot-v1", "hubspot-v2"].contains(&provider.name.as_str())) {
        let of = |name: &str| vector.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone());
        let Some(known) = of("X-HubSpot-Signature") else { continue };
        let prefix = match provider.name.as_str() {
            "hubspot-v1" => String::new(),
            _ => format!("{}{}", vector.method.as_deref().unwrap_or("POST"), vector.url.clone().unwrap_or_default()),
        };
        for more in [r#"[{"eventId":1,"subscriptionType":"contact.creation"}]"#, "", " ", "}", "\n"] {
            let hidden = vector.secret.len() + prefix.len() + vector.body.len();
            let (signature, glue) = lengthened(&known, hidden, more.as_bytes());
            let body = [vector.body.as_bytes(), &glue, more.as_bytes()].concat();
            let mut world = World::of_vector(provider, vector);
            let mut headers = world.headers_of(vector);
            headers
                .iter_mut()
                .filter(|(n, _)| n.eq_ignore_ascii_case("X-HubSpot-Signature"))
                .for_each(|(_, v)| v.clone_from(&signature));
            world.restart();
            let answer = world.send_with(vector, &headers, &body).await;
            // A GET isn't an event at all.
            if vector.method.as_deref().is_none_or(|method| method == "POST") {
                assert_eq!(said(&answer).0, 401, "{}/{}: {}", provider.name, vector.name, said(&answer).1);
                forged += 1;
            }
            nothing_got_in(&world, &provider.name);
        }
    }
    assert!(forged >= 10, "{forged}");
}

/// An own scheme of that kind whose events are bytes would take it, so the build refuses it.
#[test]
fn a_source_of_bytes_with_a_digest_that_can_be_lengthened_is_refused() {
    let mut own = source("hubspot-v1");
    assert_eq!(own.problems(), Vec::<String>::new());
    own.content_types = OneOrMany(vec!["application/octet-stream".to_owned()]);
    let problems = own.problems();
    assert!(problems.iter().any(|problem| problem.contains("can extend")), "{problems:?}");
}

/// What can extend is only that: another secret's length, or another body, doesn't verify.
#[tokio::test]
async fn a_guess_of_the_secret_s_length_that_is_wrong_does_not_verify() {
    let (secret, body) = ("0123456789abcdef", r#"[{"eventId":1,"subscriptionType":"a.b"}]"#);
    let known = hex::encode(Sha256::digest([secret, body].concat()));
    let world = World::of(vec![source("hubspot-v1")], json!({ "hubspot-v1": secret }), NOW);
    for guess in 1..64 {
        let (signature, glue) = lengthened(&known, guess + body.len(), b"x");
        let longer = [body.as_bytes(), &glue, b"x"].concat();
        let status =
            world.ask("POST", "hubspot-v1", &[JSON, ("x-hubspot-signature", &signature)], longer.clone()).await.status().as_u16();
        assert_eq!(status, 401, "{guess}");
        // The right guess does verify: what refuses it is that it is no text.
        let delivery = Delivery {
            method: "POST".to_owned(),
            query: String::new(),
            headers: [("content-type", "application/json"), ("x-hubspot-signature", &signature)]
                .into_iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
                .collect(),
            body: longer.into(),
        };
        let own = source("hubspot-v1");
        let keys = [Key::prepare(&own.scheme, secret).unwrap()];
        let rejection = verify(&own, &keys, &delivery, NOW).unwrap_err();
        let expected = if guess == secret.len() { Rejection::Lengthened } else { Rejection::Mismatch };
        assert_eq!(rejection, expected, "{guess}");
    }
    nothing_got_in(&world, "hubspot-v1");
}
