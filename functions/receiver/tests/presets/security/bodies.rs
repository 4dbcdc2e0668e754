//! Classes 6, 11 and 13: what a body is, before and after its signature is known.

use super::{captured, hmac_hex, nothing_got_in, source};
use crate::world::{JSON, NOW, World, said};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tidings_config::limits::MAX_BODY_BYTES;

/// An order's event with 200,000 zeros, by `gzip -9`: 274 bytes.
const COMPRESSED: &str = "\
    H4sIAN+RDGsC/+3KQQpAUBRA0b28MWJqN+r/YuSHlGTvyArMzxne7hlTij7mJdV53+ouqtiOkr+Ul2Ydp1JyenIZ3rEFAAAAAAAA\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAH6L6wa45clEcg0DAA==";

/// CVE-2026-28478: a body is bounded before a byte of it is hashed, and inflates to no more than a body may have.
#[tokio::test]
async fn class_6_a_body_is_bounded_before_it_is_looked_at_and_while_it_is_inflated() {
    let world = World::of(vec![source("github")], json!({ "github": "a key of sixteen bytes" }), NOW);
    let body = STANDARD.decode(COMPRESSED).expect("base64");
    let send = async |body: Vec<u8>, coding: &str| {
        let signed = format!("sha256={}", hmac_hex(b"a key of sixteen bytes", &body));
        let headers = [JSON, ("content-encoding", coding), ("x-hub-signature-256", &signed), ("x-github-event", "issues")];
        said(&world.ask("POST", "github", &headers, body).await).0
    };
    // What inflates to no more than a body may have is what its provider sent; what doesn't inflate is kept as it came.
    for coding in ["gzip", "br", "gzip, gzip"] {
        let status = send(body.clone(), coding).await;
        assert!([200, 202].contains(&status), "{coding}: {status}");
    }
    let kept = world.queued();
    let calls = world.calls();
    // A bomb is refused before it is anything: a megabyte that would be a gigabyte.
    let bomb = body.repeat(MAX_BODY_BYTES / body.len());
    assert_eq!(send(bomb, "gzip").await, 413);
    let of_bytes = |bytes: usize| {
        let mut body = br#"{"pad":""#.to_vec();
        body.resize(bytes - 2, b'a');
        body.extend_from_slice(br#""}"#);
        body
    };
    assert_eq!(send(of_bytes(MAX_BODY_BYTES + 1), "identity").await, 413, "whoever signed it");
    let unsigned = world.ask("POST", "github", &[JSON], of_bytes(MAX_BODY_BYTES + 1)).await;
    assert_eq!(unsigned.status(), 413, "and whoever didn't: it isn't looked at");
    assert_eq!((world.queued().len(), world.calls()), (kept.len(), calls), "and none of those got in");
    assert_ne!(send(of_bytes(1_000), "identity").await, 400, "and what is small enough is looked at");
}

/// CVE-2026-21858: a body is read as what the source says. A type that isn't its own is refused, and another reading of a signed
/// body is none of the sender's to ask for.
#[tokio::test]
async fn class_11_a_content_type_is_one_of_the_source_s_own() {
    for (provider, vector) in captured() {
        for other in [
            "multipart/form-data; boundary=x",
            "text/html",
            "image/png",
            "application/javascript",
            "application/jsonx",
            "json",
            "",
            "*/*",
        ] {
            let world = World::of_vector(provider, vector);
            let mut headers = world.headers_of(vector);
            headers.iter_mut().filter(|(n, _)| n.eq_ignore_ascii_case("content-type")).for_each(|(_, v)| *v = other.to_owned());
            if vector.method.as_deref().is_none_or(|method| method == "POST") {
                let status = world.send_with(vector, &headers, vector.body.as_bytes()).await.status().as_u16();
                // A handshake may have any content type.
                assert!(status == 415 || world.queued().is_empty(), "{}/{}: {other}: {status}", provider.name, vector.name);
            }
            nothing_got_in(&world, &provider.name);
        }
    }
    // A form that is signed isn't read as JSON, nor the other way about.
    let world = World::of(vec![source("slack")], json!({ "slack": "a key of sixteen bytes" }), NOW);
    let answer =
        world.signed("slack", &[("content-type", "application/x-www-form-urlencoded")], r#"{"type":"event_callback"}"#).await;
    assert_eq!(answer.status(), 415);
    nothing_got_in(&world, "slack");
}

/// CVE-2026-9189: a right signature says who wrote it, and nothing of what it says.
#[tokio::test]
async fn class_13_what_is_authentic_is_still_checked() {
    let world = World::of(vec![source("github")], json!({ "github": "a key of sixteen bytes" }), NOW);
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    for body in ["", "not json", "{\"action\":", "\u{0}", "{} {}", "NaN", "{\"a\":1e}", &deep] {
        let answer = world.signed("github", &[JSON, ("x-github-event", "issues")], body).await;
        assert_eq!(answer.status(), 202, "{body:.40}");
    }
    assert!(world.queued().iter().all(|message| message.unreadable().is_some()), "kept as unread, no event of a rule's");
    // A request that the provider signed for another customer is refused.
    for (provider, vector) in captured().filter(|(provider, _)| provider.scheme.remote_key.is_some()) {
        // Where the audience is our URL, that is what is ours: `also::google_chat_is_accepted_with_either_audience`.
        if vector.name == "endpoint_url" {
            continue;
        }
        let mut theirs = vector.clone();
        theirs.secret = format!("{}2", vector.secret);
        let world = World::of_vector(provider, &theirs);
        let status = world.send(vector).await.status().as_u16();
        assert!([401, 503].contains(&status), "{}: {status}", provider.name);
        nothing_got_in(&world, &provider.name);
    }
}
