//! Requests by which a provider asks whether the endpoint is right, unsigned: answered 200, no event, and no call to anything.

use crate::world::{JSON, NOW, World, preset, said, source_of};
use serde_json::json;
use tidings_config::limits::MAX_HANDSHAKE_BODY_BYTES;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn world() -> World {
    let sources = ["slack-slash", "slack-interactivity", "slack", "trello", "intercom"].map(|name| source_of(&preset(name)));
    let secrets = json!({ "slack-slash": "s", "slack-interactivity": "s", "slack": "s", "trello": "t", "intercom": "i" });
    World::of(sources.to_vec(), secrets, NOW)
}

#[tokio::test]
async fn slack_s_certificate_check_is_answered_and_costs_nothing() {
    let world = world();
    for name in ["slack-slash", "slack-interactivity"] {
        for body in ["ssl_check=1&token=abc", "token=abc&ssl_check=1", "ssl_check=1"] {
            let agent = ("user-agent", "Slackbot 1.0 (+https://api.slack.com/robots)");
            assert_eq!(said(&world.ask("POST", name, &[FORM, agent], body).await), (200, ""), "{name} {body}");
        }
        assert_eq!(said(&world.ask("GET", &format!("{name}?ssl_check=1&token=abc"), &[], "").await), (200, ""), "{name}");
    }
    assert_eq!(world.faults.total(), 0, "not even for the secrets");
    assert!(world.queued().is_empty());
}

#[tokio::test]
async fn a_lookalike_of_a_certificate_check_is_verified_like_any_request() {
    let world = world();
    let large = format!("ssl_check=1&x={}", "x".repeat(MAX_HANDSHAKE_BODY_BYTES));
    for (name, content_type, body) in [
        ("slack-slash", FORM, "ssl_check=0"),
        ("slack-slash", FORM, "ssl_check="),
        ("slack-slash", FORM, "ssl_check=1&ssl_check=1"),
        ("slack-slash", FORM, "text=ssl_check%3D1"),
        ("slack-interactivity", FORM, "payload=%26ssl_check%3D1"),
        ("slack-slash", FORM, large.as_str()),
        ("slack", JSON, r#"{"a":"&ssl_check=1&"}"#),
    ] {
        assert_eq!(world.ask("POST", name, &[content_type], body).await.status(), 401, "{name} {}", &body[..20.min(body.len())]);
    }
    // With another content type it isn't a form.
    assert_eq!(world.ask("POST", "slack-slash", &[JSON], "ssl_check=1").await.status(), 415);
    assert_eq!(world.ask("GET", "slack-slash?ssl_check=0", &[], "").await.status(), 405);
}

/// A person's text is never a probe.
#[tokio::test]
async fn a_command_about_ssl_check_is_an_event() {
    let world = world();
    let body = "command=%2Fcheck&text=ssl_check%3D1&trigger_id=1.2&channel_id=C1";
    assert_eq!(world.signed("slack-slash", &[FORM], body).await.status(), 200);
    assert_eq!(world.queued().len(), 1);
}

#[tokio::test]
async fn a_probe_by_head_costs_nothing() {
    let world = world();
    for name in ["trello", "intercom"] {
        assert_eq!(world.ask("HEAD", name, &[], "").await.status(), 200, "{name}");
    }
    assert_eq!(world.faults.total(), 0);
}
