//! Responses to providers that need another one than ours, at no further cost.

use crate::world::{JSON, NOW, World, header, preset, said, source_of, text};
use lambda_http::{Body, Response};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use tidings_config::limits::MAX_REPLY_BYTES;
use tidings_project::read_sources;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const TEAMS_SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const MESSAGE: &str = r#"{"type":"message","id":"1700000000001","timestamp":"2026-11-20T10:00:00.1Z","channelId":"msteams","conversation":{"id":"19:c@thread.skype;messageid=1"},"text":"<at>bot</at> hi"}"#;

/// A source of a preset, with this `reply`.
fn world(name: &str, secret: &str, reply: Option<&str>) -> World {
    let mut source = source_of(&preset(name));
    source.reply = reply.map(str::to_owned);
    World::of(vec![source], json!({ name: secret }), NOW)
}

/// Signed with Discord's own key.
struct Discord {
    world: World,
    pair: Ed25519KeyPair,
    name: &'static str,
}

impl Discord {
    fn new(name: &'static str) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        Self { world: world(name, &hex::encode(pair.public_key().as_ref()), None), pair, name }
    }

    async fn send(&self, body: &str) -> Response<Body> {
        let signature = hex::encode(self.pair.sign(format!("1795168800{body}").as_bytes()).as_ref());
        let headers = [JSON, ("x-signature-timestamp", "1795168800"), ("x-signature-ed25519", &signature)];
        self.world.ask("POST", self.name, &headers, body).await
    }
}

#[tokio::test]
async fn teams_shows_a_message_and_never_our_json() {
    for (reply, shown) in [
        (None, "Thank you. The answer follows."),
        (Some("One moment, please."), "One moment, please."),
        (Some("\"},{\"type\":\"x\" <b>{reply}</b> \u{1f600}\n"), "\"},{\"type\":\"x\" <b>{reply}</b> \u{1f600}\n"),
    ] {
        let world = world("ms-teams-outgoing", TEAMS_SECRET, reply);
        for what in ["new", "sent again"] {
            let answer = world.signed("ms-teams-outgoing", &[JSON], MESSAGE).await;
            assert_eq!((answer.status().as_u16(), header(&answer, "content-type")), (200, "application/json"), "{what}");
            let activity: Value = serde_json::from_str(text(&answer)).expect("JSON, whatever the text holds");
            assert_eq!(activity, json!({ "type": "message", "text": shown }), "{what}");
        }
        assert_eq!(world.queued().len(), 1);
        assert_eq!(world.calls(), 3, "a claim and a message; a claim that was there");
    }
}

#[tokio::test]
async fn discord_is_answered_by_the_kind_of_interaction() {
    let interactions = [
        (r#"{"id":"1","type":2,"channel_id":"77","user":{"id":"5"},"data":{"id":"1","name":"order"}}"#, r#"{"type":5}"#),
        (
            r#"{"id":"2","type":4,"channel_id":"77","user":{"id":"5"},"data":{"id":"1","name":"order","options":[]}}"#,
            r#"{"type":8,"data":{"choices":[]}}"#,
        ),
        (
            r#"{"id":"3","type":3,"channel_id":"77","user":{"id":"5"},"message":{"id":"9"},"data":{"custom_id":"c","component_type":2}}"#,
            r#"{"type":6}"#,
        ),
        (
            r#"{"id":"4","type":5,"channel_id":"77","user":{"id":"5"},"message":{"id":"9"},"data":{"custom_id":"m"}}"#,
            r#"{"type":6}"#,
        ),
        (r#"{"id":"5","type":5,"channel_id":"77","user":{"id":"5"},"data":{"custom_id":"m"}}"#, r#"{"type":5}"#),
        // A kind of a later version.
        (r#"{"id":"6","type":99,"channel_id":"77","user":{"id":"5"}}"#, r#"{"type":5}"#),
    ];
    for (body, wanted) in interactions {
        let discord = Discord::new("discord-interactions");
        let answer = discord.send(body).await;
        assert_eq!(said(&answer), (200, wanted), "{body}");
        assert_eq!(header(&answer, "content-type"), "application/json");
        assert_eq!((discord.world.queued().len(), discord.world.calls()), (1, 2), "{body}");
        assert_eq!(said(&discord.send(body).await), (200, wanted), "sent again: {body}");
    }
}

#[tokio::test]
async fn discord_s_webhook_events_are_answered_204_with_a_content_type() {
    let discord = Discord::new("discord-webhook-events");
    for body in [
        r#"{"version":1,"application_id":"1","type":0}"#,
        r#"{"version":1,"application_id":"1","type":1,"event":{"type":"APPLICATION_AUTHORIZED","timestamp":"2026-11-20T10:00:00.1","data":{"user":{"id":"5"}}}}"#,
    ] {
        let answer = discord.send(body).await;
        assert_eq!(said(&answer), (204, ""), "{body}");
        assert_eq!(header(&answer, "content-type"), "application/json", "{body}");
    }
}

#[tokio::test]
async fn xero_s_refusals_have_no_body() {
    let world = world("xero", "xero-key", None);
    let body = r#"{"events":[],"lastEventSequence":0,"firstEventSequence":0,"entropy":"QKWJ"}"#;
    let good = world.signed("xero", &[JSON], body).await;
    assert_eq!(said(&good), (200, ""));
    for headers in [&[JSON][..], &[JSON, ("x-xero-signature", "AAAA")], &[JSON, ("x-xero-signature", "*")]] {
        let bad = world.ask("POST", "xero", headers, body).await;
        assert_eq!((said(&bad), bad.headers().len()), ((401, ""), 0), "{headers:?}");
    }
    // For every reason.
    let other = world.ask("POST", "xero", &[("content-type", "text/plain")], body).await;
    assert_eq!((said(&other), other.headers().len()), ((415, ""), 0));
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn a_sources_reply_is_sent_if_its_provider_shows_responses() {
    let message = "Body=hi&From=%2B15551230001&MessageSid=SM1&To=%2B15005550006";
    let status = "From=%2B15005550006&MessageSid=SM1&MessageStatus=failed&To=%2B15551230001";
    let said_by = async |name: &str, secret: &str, reply, headers: &[(&str, &str)], body: &str| {
        let world = world(name, secret, reply);
        let answer = world.signed(name, headers, body).await;
        (answer.status().as_u16(), header(&answer, "content-type").to_owned(), text(&answer).to_owned())
    };
    let seen = |status, content_type: &str, body: &str| (status, content_type.to_owned(), body.to_owned());
    let empty = seen(200, "text/xml", "<Response/>");
    assert_eq!(said_by("twilio", "token", None, &[FORM], message).await, empty);
    assert_eq!(said_by("twilio", "token", Some("hi"), &[FORM], status).await, empty, "nobody is told what became of a message");
    assert_eq!(
        said_by("twilio", "token", Some("a < b & c"), &[FORM], message).await,
        seen(200, "text/xml", "<Response><Message>a &lt; b &amp; c</Message></Response>")
    );
    let command = "command=%2Forder&text=1042&trigger_id=1.2&channel_id=C1&user_id=U1";
    assert_eq!(said_by("slack-slash", "s", None, &[FORM], command).await, seen(200, "", ""));
    assert_eq!(
        said_by("slack-slash", "s", Some("One moment."), &[FORM], command).await,
        seen(200, "application/json", r#"{"response_type":"ephemeral","text":"One moment."}"#)
    );
}

/// A request for menu options gets an empty list, and no error.
#[tokio::test]
async fn slack_s_menus_get_no_options() {
    let payload =
        |kind: &str| format!("payload=%7B%22type%22%3A%22{kind}%22%2C%22action_id%22%3A%22a%22%2C%22value%22%3A%22x%22%7D");
    for (kind, content_type, body) in [
        ("block_suggestion", "application/json", r#"{"options":[]}"#),
        ("dialog_suggestion", "application/json", r#"{"options":[]}"#),
        ("block_actions", "", ""),
        ("view_submission", "", ""),
    ] {
        let world = world("slack-interactivity", "s", None);
        let answer = world.signed("slack-interactivity", &[FORM], &payload(kind)).await;
        assert_eq!((said(&answer), header(&answer, "content-type")), ((200, body), content_type), "{kind}");
        assert_eq!(world.queued().len(), 1, "{kind}: it is an event all the same");
    }
}

#[tokio::test]
async fn an_invoke_of_a_bot_is_answered_200_at_once() {
    let bot = preset("ms-bot-framework");
    for (name, wanted) in [
        ("invoke_of_a_sign_in", json!({})),
        (
            "invoke_of_a_card",
            json!({
                "statusCode": 200,
                "type": "application/vnd.microsoft.activity.message",
                "value": "Thank you. The answer follows.",
            }),
        ),
    ] {
        let vector = bot.vectors.iter().find(|vector| vector.name == name).unwrap();
        let world = World::of_vector(&bot, vector);
        let answer = world.send(vector).await;
        let seen: Value = serde_json::from_str(text(&answer)).unwrap();
        assert_eq!((answer.status().as_u16(), seen), (200, wanted), "{name}");
    }
}

#[test]
fn a_reply_that_nobody_would_see_is_refused_by_the_configuration() {
    let providers = ["github", "ms-teams-outgoing"].map(preset);
    let problem = |provider: &str, reply: &str| {
        let yaml = format!("version: 1\nsources:\n  x: {{ provider: {provider}, reply: {reply:?} }}\n");
        read_sources("sources.yaml", &yaml, &providers).err().map(|report| report.to_string()).unwrap_or_default()
    };
    assert_eq!(problem("ms-teams-outgoing", "One moment."), "");
    assert_eq!(problem("ms-teams-outgoing", &"x".repeat(MAX_REPLY_BYTES)), "");
    assert!(problem("ms-teams-outgoing", &"x".repeat(MAX_REPLY_BYTES + 1)).contains("allowed: 1 to 4096"));
    assert!(problem("ms-teams-outgoing", "").contains("allowed: 1 to 4096"));
    assert!(problem("github", "One moment.").contains("doesn't show responses to people"));
}
