//! Handshake secrets: stored while a capture window is open, for senders with its token.

use crate::world::{JSON, NOW, World, header, preset, said, source_of};
use lambda_http::{Body, Response};
use serde_json::json;
use tidings_config::limits::{MAX_HANDSHAKE_SECRET_BYTES, SECRETS_RETRY};
use tidings_core::memory::{Call, Fault};

pub(crate) const TOKEN: &str = "3q2-7wC0ffee0123456789";

fn world(window: bool) -> World {
    let sources = ["asana", "notion", "github"].map(|name| source_of(&preset(name))).to_vec();
    let mut document = json!({ "github": "github-secret" });
    if window {
        // NOW is 10:00.
        document["asana.capture"] = json!([TOKEN, "2026-11-20T11:00:00Z"]);
        document["notion.capture"] = json!([TOKEN, "2026-11-20T11:00:00Z"]);
    }
    World::of(sources, document, NOW)
}

/// As Asana documents it: an empty body, and a header that must be returned.
async fn establish(world: &World, token: &str, secret: &str) -> Response<Body> {
    world.ask("POST", &format!("asana?capture={token}"), &[JSON, ("x-hook-secret", secret)], "").await
}

#[tokio::test]
async fn asanas_secret_is_stored_and_verifies_later_requests() {
    let world = world(true);
    let answer = establish(&world, TOKEN, "b537207f20cbfa02357cf448134da559").await;
    assert_eq!(said(&answer), (200, ""));
    assert_eq!(header(&answer, "x-hook-secret"), "b537207f20cbfa02357cf448134da559");
    assert_eq!(world.captured.document(), r#"{"asana":["b537207f20cbfa02357cf448134da559"]}"#);
    assert_eq!((world.calls(), world.faults.count(Call::PutSecret)), (0, 1));

    let body = r#"{"events":[{"action":"changed","resource":{"gid":"1337","resource_type":"task"},"created_at":"2026-11-20T09:59:00.000Z"}]}"#;
    // printf '%s' BODY | openssl dgst -sha256 -hmac b537207f20cbfa02357cf448134da559
    let signed = ("x-hook-signature", "ac1a9673773c88cd9c3c784c22793cadb7b6083b367956529756025353afe41a");
    assert_eq!(world.ask("POST", "asana", &[JSON, signed], body).await.status(), 200);
    assert_eq!(world.queued().len(), 1);
}

#[tokio::test]
async fn notion_s_token_is_stored_for_the_operator_to_paste() {
    let world = world(true);
    let body = r#"{"verification_token":"secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"}"#;
    assert_eq!(world.ask("POST", &format!("notion?capture={TOKEN}"), &[JSON], body).await.status(), 200);
    assert_eq!(world.captured.document(), r#"{"notion":["secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"]}"#);
}

#[tokio::test]
async fn without_a_window_or_its_token_nothing_is_stored() {
    let closed = world(false);
    assert_eq!(establish(&closed, TOKEN, "theirs").await.status(), 401);
    let open = world(true);
    for token in ["", "guessed-0123456789abcdef", "3q2-7wC0ffee012345678"] {
        assert_eq!(establish(&open, token, "theirs").await.status(), 401, "{token}");
    }
    assert_eq!(open.ask("POST", "asana", &[JSON, ("x-hook-secret", "theirs")], "").await.status(), 401);
    open.wait(3_601);
    assert_eq!(establish(&open, TOKEN, "theirs").await.status(), 401, "the window's end");
    for world in [&closed, &open] {
        assert_eq!((world.captured.document().as_str(), world.faults.count(Call::PutSecret)), ("{}", 0));
    }
}

#[tokio::test]
async fn a_window_that_was_opened_a_moment_ago_counts() {
    let world = world(false);
    establish(&world, TOKEN, "ours").await;
    world.secrets.set(json!({ "asana.capture": [TOKEN, "2026-11-20T11:00:00Z"] }).to_string());
    assert_eq!(establish(&world, TOKEN, "ours").await.status(), 401, "fetched within the minute");
    world.wait(SECRETS_RETRY.as_secs());
    assert_eq!(establish(&world, TOKEN, "ours").await.status(), 200);
}

#[tokio::test]
async fn a_handshake_is_answered_only_after_its_secret_is_stored() {
    let world = world(true);
    world.faults.fail(Call::PutSecret, Fault::Refuse, 1);
    assert_eq!(establish(&world, TOKEN, "first").await.status(), 503);
    assert_eq!(world.captured.document(), "{}");
    assert_eq!(establish(&world, TOKEN, "first").await.status(), 200);
    assert_eq!(establish(&world, TOKEN, "first").await.status(), 200, "the same again is stored already");
    assert_eq!(world.faults.count(Call::PutSecret), 2);
    assert_eq!(establish(&world, TOKEN, "second").await.status(), 200);
    assert_eq!(world.captured.document(), r#"{"asana":["second","first"]}"#, "the newest first, the others still verify");
}

#[tokio::test]
async fn an_invalid_handshake_secret_is_refused() {
    let world = world(true);
    assert_eq!(establish(&world, TOKEN, &"s".repeat(MAX_HANDSHAKE_SECRET_BYTES)).await.status(), 200);
    for bad in ["s".repeat(MAX_HANDSHAKE_SECRET_BYTES + 1), "with space".to_owned(), String::new()] {
        assert_eq!(establish(&world, TOKEN, &bad).await.status(), 400, "{bad:.20}");
    }
}

#[tokio::test]
async fn a_receiver_that_may_not_store_says_so() {
    let sources = vec![source_of(&preset("asana"))];
    let document = json!({ "asana.capture": [TOKEN, "2026-11-20T11:00:00Z"] });
    let world = World::without_captured(sources, document, NOW);
    assert_eq!(establish(&world, TOKEN, "ours").await.status(), 503);
}
