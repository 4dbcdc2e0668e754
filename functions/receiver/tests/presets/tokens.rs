//! JSON Web Tokens: a header never chooses the verification.

use crate::world::{JSON, NOW, World, preset};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha384, Sha512};
use tidings_config::limits::JWT_LEEWAY;
use tidings_project::read_sources;

const SECRET: &str = "a secret that signs tokens";
const BODY: &str = r#"{"id":"1","type":"a.b"}"#;
/// 10:00 of the world.
pub(crate) const NOW_S: i64 = 1_795_168_800;

const SOURCES: &str = r#"
version: 1
sources:
  hashed:
    scheme:
      algorithm: jwt
      jwt: { algorithms: [HS256, HS384] }
      signature: { from: "header:Authorization", written: { prefix: "Bearer " } }
      body_sha256: "jwt:hash"
      expect: { "jwt:aud": ["us", "{secret}"], "jwt:iss": "them" }
      timestamp: { from: "jwt:iat", unit: s, tolerance_seconds: 120 }
    event: [{ id: "{jwt:jti}", type: "{json:type}" }]
"#;

fn world() -> World {
    World::of(read_sources("sources.yaml", SOURCES, &[]).expect("sources"), json!({ "hashed": SECRET }), NOW)
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

pub(crate) fn signed<M: Mac + KeyInit>(header: Value, claims: &Value) -> String {
    let text = format!("{}.{}", part(&header), part(claims));
    let mut mac = <M as KeyInit>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// Valid claims, with these replaced.
pub(crate) fn claims(change: &Value) -> Value {
    let hash = hex::encode(Sha256::digest(BODY));
    let mut claims = json!({ "iss": "them", "aud": "us", "iat": NOW_S, "exp": NOW_S + 60, "jti": "t-1", "hash": hash });
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

pub(crate) async fn send(token: &str) -> u16 {
    let world = world();
    let status =
        world.ask("POST", "hashed", &[JSON, ("authorization", &format!("Bearer {token}"))], BODY).await.status().as_u16();
    assert_eq!((status == 202, world.queued().len()), (status == 202, usize::from(status == 202)));
    status
}

pub(crate) async fn with(change: Value) -> u16 {
    send(&signed::<Hmac<Sha256>>(json!({ "alg": "HS256" }), &claims(&change))).await
}

#[tokio::test]
async fn a_valid_token_is_accepted_and_identifies_its_event() {
    let world = world();
    let token = signed::<Hmac<Sha256>>(json!({ "alg": "HS256", "typ": "JWT" }), &claims(&json!({})));
    let answer = world.ask("POST", "hashed", &[JSON, ("authorization", &format!("bearer {token}"))], BODY).await;
    assert_eq!(answer.status(), 202);
    assert_eq!(world.queued()[0].claimkey.as_str(), "hashed#t-1", "the token covers its id");
    assert_eq!(send(&signed::<Hmac<Sha384>>(json!({ "alg": "HS384" }), &claims(&json!({})))).await, 202);
}

#[tokio::test]
async fn no_header_chooses_the_verification() {
    let right = claims(&json!({}));
    assert_eq!(send(&signed::<Hmac<Sha512>>(json!({ "alg": "HS512" }), &right)).await, 401, "not one of the scheme's");
    assert_eq!(send(&signed::<Hmac<Sha384>>(json!({ "alg": "HS256" }), &right)).await, 401);
    assert_eq!(send(&signed::<Hmac<Sha256>>(json!({ "alg": "hs256" }), &right)).await, 401);
    assert_eq!(send(&signed::<Hmac<Sha256>>(json!({ "alg": "HS256", "crit": ["exp"] }), &right)).await, 401);
    for none in ["none", "None", ""] {
        assert_eq!(send(&format!("{}.{}.", part(&json!({ "alg": none })), part(&right))).await, 401, "{none}");
    }
    // A header may bring a key of its own: nobody looks at it.
    let own = json!({ "alg": "HS256", "jwk": { "kty": "oct", "k": "AAAA" }, "jku": "https://evil.example/jwks" });
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&[0, 0, 0]).unwrap();
    let text = format!("{}.{}", part(&own), part(&right));
    mac.update(text.as_bytes());
    assert_eq!(send(&format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))).await, 401);
}

/// The oldest trick: a public key, which anybody has, as the secret of an HMAC.
#[tokio::test]
async fn a_public_key_makes_no_hmac() {
    let provider = preset("google-chat");
    let vector = &provider.vectors[0];
    let world = World::of_vector(&provider, vector);
    let set: Value = serde_json::from_str(vector.fetched.values().next().unwrap()).unwrap();
    let modulus = URL_SAFE_NO_PAD.decode(set["keys"][0]["n"].as_str().unwrap()).unwrap();
    let claims = json!({ "aud": vector.secret, "iss": "chat@system.gserviceaccount.com", "iat": NOW_S, "exp": NOW_S + 60 });
    let text = format!("{}.{}", part(&json!({ "alg": "HS256", "kid": set["keys"][0]["kid"] })), part(&claims));
    for key in [modulus.as_slice(), vector.secret.as_bytes()] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        let token = format!("Bearer {text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
        assert_eq!(
            world.ask("POST", "google-chat", &[JSON, ("authorization", &token)], vector.body.as_str()).await.status(),
            401
        );
    }
    assert_eq!(world.https.asked().len(), 0, "not worth a fetch");
}

#[tokio::test]
async fn the_times_of_a_token_are_checked_both_ways() {
    let leeway = JWT_LEEWAY.as_secs() as i64;
    for (change, status) in [
        (json!({ "exp": NOW_S - leeway }), 202),
        (json!({ "exp": NOW_S - leeway - 1 }), 401),
        (json!({ "nbf": NOW_S + leeway }), 202),
        (json!({ "nbf": NOW_S + leeway + 1 }), 401),
        (json!({ "iat": NOW_S - 120 }), 202),
        (json!({ "iat": NOW_S - 121 }), 401),
        (json!({ "iat": NOW_S + 121 }), 401),
        (json!({ "exp": (NOW_S + 1) as f64 + 0.5 }), 202),
        (json!({ "exp": null }), 401),
        (json!({ "exp": "never" }), 401),
        (json!({ "iat": null }), 401),
    ] {
        assert_eq!(with(change.clone()).await, status, "{change}");
    }
}

#[tokio::test]
async fn the_claims_of_a_token_must_be_the_expected_ones() {
    for (change, status) in [
        (json!({ "aud": ["others", "us"] }), 202),
        (json!({ "aud": SECRET }), 202),
        (json!({ "aud": ["others"] }), 401),
        (json!({ "aud": null }), 401),
        (json!({ "aud": { "us": 1 } }), 401),
        (json!({ "iss": "they" }), 401),
        (json!({ "hash": null }), 401),
        (json!({ "hash": hex::encode(Sha256::digest("{}")) }), 401),
        (json!({ "hash": "not hex" }), 401),
    ] {
        assert_eq!(with(change.clone()).await, status, "{change}");
    }
}
