//! Classes 1 to 3: no request is accepted without a key.

use super::{captured, hmac_hex, nothing_got_in, source};
use crate::world::{JSON, NOW, World};
use serde_json::{Value, json};
use tidings_config::scheme::Algorithm;
use tidings_core::memory::{Call, Fault};

/// CVE-2026-39969, CVE-2026-33143: a request without its signature, or with one of another key, of every preset.
#[tokio::test]
async fn class_1_every_preset_checks_its_signature() {
    for (provider, vector) in captured() {
        let name = format!("{}/{}", provider.name, vector.name);
        let mut unsigned = vector.clone();
        for place in &provider.scheme.signature.from.0 {
            if let Some(header) = place.header() {
                unsigned.headers.retain(|name, _| !name.eq_ignore_ascii_case(header));
            }
        }
        if unsigned.headers.len() < vector.headers.len() {
            let world = World::of_vector(provider, vector);
            let status = world.send(&unsigned).await.status().as_u16();
            // Some vectors are of a GET, which is no event.
            assert!([400, 401, 405].contains(&status), "{name}: {status}");
            nothing_got_in(&world, &name);
        }
        // The provider's own key aside, the secret alone makes a request ours; or our URL, where it is the audience.
        if provider.name == "google-chat" && vector.name == "endpoint_url" {
            continue;
        }
        let mut other = vector.clone();
        other.secret = vector.secret.chars().rev().collect();
        let world = World::of_vector(provider, &other);
        let status = world.send(vector).await.status().as_u16();
        assert!([401, 405, 503].contains(&status), "{name}: {status}");
        nothing_got_in(&world, &name);
    }
}

/// CVE-2026-41432, GHSA-27g9-x3x6-4m35: with such a key anyone can sign. It is no key, and its source answers 503.
#[tokio::test]
async fn class_2_an_empty_blank_or_placeholder_key_signs_nothing() {
    let body = r#"{"action":"opened"}"#;
    for key in ["", " ", "\t", "\n \n", "changeme", "CHANGE_ME", "replace-me", "<your secret>", "${SECRET}", "{{secret}}", "TODO"]
    {
        for document in [json!({ "github": key }), json!({ "github": [key] }), json!({ "github": [key, key] })] {
            let world = World::of(vec![source("github")], document.clone(), NOW);
            let signed = format!("sha256={}", hmac_hex(key.as_bytes(), body.as_bytes()));
            let headers = [JSON, ("x-hub-signature-256", &signed), ("x-github-event", "issues"), ("x-github-delivery", "d-1")];
            assert_eq!(world.ask("POST", "github", &headers, body).await.status(), 503, "{document}");
            nothing_got_in(&world, key);
        }
    }
    // The same request is taken with a key that is one: it is the key that is refused.
    let world = World::of(vec![source("github")], json!({ "github": ["", "a key that nobody knows"] }), NOW);
    let signed = format!("sha256={}", hmac_hex(b"a key that nobody knows", body.as_bytes()));
    let headers = [JSON, ("x-hub-signature-256", &signed), ("x-github-event", "issues"), ("x-github-delivery", "d-1")];
    assert_eq!(world.ask("POST", "github", &headers, body).await.status(), 202);
    let empty = format!("sha256={}", hmac_hex(b"", body.as_bytes()));
    let headers = [JSON, ("x-hub-signature-256", &empty), ("x-github-event", "issues"), ("x-github-delivery", "d-2")];
    assert_eq!(world.ask("POST", "github", &headers, body).await.status(), 401);
}

/// CVE-2026-26319: without the provider's public key every request would be as good as any other.
#[tokio::test]
async fn class_3_nothing_is_taken_while_there_is_no_public_key() {
    let mut seen = 0;
    for (provider, vector) in captured() {
        let signed_with_own = matches!(
            provider.scheme.algorithm,
            Algorithm::Ed25519 | Algorithm::EcdsaP256 | Algorithm::RsaSha256 | Algorithm::RsaSha256OrSha1
        );
        let public = signed_with_own || provider.scheme.remote_key.is_some();
        if !public {
            continue;
        }
        seen += 1;
        for secret in [Value::Null, json!(""), json!([])] {
            let document = if secret.is_null() { json!({}) } else { json!({ provider.name.as_str(): secret }) };
            let mut blank = vector.clone();
            blank.secret = String::new();
            let world = World::of_vector(provider, &blank);
            world.secrets.set(document.to_string());
            assert_eq!(world.send(vector).await.status(), 503, "{}", provider.name);
            nothing_got_in(&world, &provider.name);
        }
        if provider.scheme.remote_key.is_some() {
            let world = World::of_vector(provider, vector);
            world.faults.fail(Call::Get, Fault::Refuse, 1);
            assert_eq!(world.send(vector).await.status(), 503, "{}", provider.name);
            nothing_got_in(&world, &provider.name);
        }
    }
    assert!(seen >= 10, "{seen}");
}
