//! Classes 9, 10 and 12: what a header or a claim says is never an instruction, and never a 5xx.

use super::{PROVIDERS, captured, nothing_got_in};
use crate::tokens::{NOW_S, claims, send, signed, with};
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Hmac;
use serde_json::{Value, json};
use sha2::Sha256;

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// CVE-2026-22817, CVE-2026-22818, CVE-2026-23993: of every preset whose requests hold a token, with every header that asks for
/// another way of verifying. Nothing is fetched from where a header points.
#[tokio::test]
async fn class_9_a_token_s_header_chooses_nothing() {
    let asks = [
        json!({ "alg": "none" }),
        json!({ "alg": "None", "typ": "JWT" }),
        json!({ "alg": "" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "HS512" }),
        json!({ "alg": "ES256" }),
        json!({ "alg": "PS256" }),
        json!({ "alg": "RS256", "crit": ["b64"], "b64": false }),
        json!({ "alg": "RS256", "crit": [] }),
        json!({ "alg": "RS256", "jku": "https://evil.example/jwks" }),
        json!({ "alg": "RS256", "x5u": "https://evil.example/cert.pem" }),
        json!({ "alg": "RS256", "jwk": { "kty": "oct", "k": "AAAA" }, "kid": "../../etc/passwd" }),
        json!({ "alg": "RS256", "x5c": ["AAAA"] }),
        json!({ "alg": ["RS256"] }),
        json!({ "alg": 1 }),
        json!({}),
    ];
    let mut seen = 0;
    for (provider, vector) in captured().filter(|(provider, _)| provider.scheme.jwt.is_some()) {
        for header in &asks {
            for signature in ["", "AAAA"] {
                let world = World::of_vector(provider, vector);
                let replace = |text: &str| {
                    let (prefix, token) = text.rsplit_once(' ').map_or(("", text), |(p, t)| (p, t));
                    let payload = token.split('.').nth(1)?;
                    Some(format!("{prefix} {}.{payload}.{signature}", part(header)).trim().to_owned())
                };
                let mut changed = vector.clone();
                changed.headers.values_mut().for_each(|value| *value = replace(value).unwrap_or_else(|| value.clone()));
                changed.body = replace(&vector.body)
                    .filter(|_| provider.scheme.jwt.as_ref().is_some_and(|j| j.is_event))
                    .unwrap_or_else(|| vector.body.clone());
                let status = world.send(&changed).await.status().as_u16();
                assert_eq!(status, 401, "{}: {header} {signature}", provider.name);
                nothing_got_in(&world, &provider.name);
                assert!(world.https.asked().iter().all(|url| vector.fetched.contains_key(url)), "{:?}", world.https.asked());
                seen += 1;
            }
        }
    }
    assert!(seen >= 100, "{seen}");
    // With the right key, too, a header that must be understood and isn't is refused.
    for header in [json!({ "alg": "HS256", "crit": ["b64"], "b64": false }), json!({ "alg": "HS256", "crit": ["x"] })] {
        assert_eq!(send(&signed::<Hmac<Sha256>>(header, &claims(&json!({})))).await, 401);
    }
    assert_eq!(send(&signed::<Hmac<Sha256>>(json!({ "alg": "HS256" }), &claims(&json!({})))).await, 202);
}

/// CVE-2026-25537: a claim that is no time is no time that never comes.
#[tokio::test]
async fn class_10_a_claim_of_a_wrong_type_is_refused() {
    for wrong in [json!("9999999999"), json!(true), json!([NOW_S]), json!({ "seconds": NOW_S }), json!(""), json!(1e300)] {
        for claim in ["exp", "nbf"] {
            assert_eq!(with(json!({ claim: wrong })).await, 401, "{claim}: {wrong}");
        }
    }
    for change in [
        json!({ "iat": "soon" }),
        json!({ "iat": [NOW_S] }),
        json!({ "aud": [["us"]] }),
        json!({ "aud": { "us": true } }),
        json!({ "aud": 1 }),
        json!({ "iss": ["they", { "iss": "them" }] }),
        json!({ "hash": ["00"] }),
    ] {
        assert_eq!(with(change.clone()).await, 401, "{change}");
    }
    assert_eq!(with(json!({})).await, 202);
}

/// ubicloud#6099: an algorithm that nobody has, a header in no shape. A stranger's mistake is never our error.
#[tokio::test]
async fn class_12_no_algorithm_or_shape_in_a_header_is_a_5xx() {
    let long = "a".repeat(20_000);
    let values = [
        "md5=00",
        "sha512=00",
        "sha1=",
        "sha256",
        "sha256=zz",
        "=",
        "==",
        ",",
        ",,,,",
        ";",
        "t=,v1=",
        "t=1",
        "v1=00",
        "t=99999999999999999999,v1=00",
        "v1,",
        "v1a,AAAA",
        "v9,AAAA v1,",
        "Bearer",
        "Bearer ",
        "Bearer ..",
        "Bearer e30.e30.",
        "Basic",
        "Basic %%%",
        "Digest x=y",
        "hmac",
        "none",
        "keyId=\"a\",algorithm=\"hmac-md4\",signature=\"00\"",
        "\u{e9}",
        "-1",
        "0x00",
        "null",
        "[]",
        "{}",
        &long,
    ];
    for provider in PROVIDERS.iter() {
        let vector = &provider.vectors[0];
        let world = World::of_vector(provider, vector);
        let headers = world.headers_of(vector);
        for value in values {
            for (n, (name, _)) in headers.iter().enumerate().filter(|(_, (name, _))| !name.eq_ignore_ascii_case("content-type")) {
                // What proves nothing is the provider's to say.
                let signs =
                    provider.scheme.signature.from.0.iter().any(|p| p.header().is_some_and(|h| name.eq_ignore_ascii_case(h)));
                let mut changed = headers.clone();
                changed[n].1 = value.to_owned();
                let status = world.send_with(vector, &changed, vector.body.as_bytes()).await.status().as_u16();
                assert!(status < 500, "{}: {name}: {value:.40}: {status}", provider.name);
                assert!(!signs || (400..500).contains(&status), "{}: {name}: {value:.40}: {status}", provider.name);
            }
        }
    }
}
