//! Late genuine requests: retries with their first signature are accepted as long as they come, and have one effect.

use crate::world::{JSON, World, preset, source_of};
use serde_json::json;
use tidings_config::time::Timestamp;
use tidings_project::presets;

const MAILGUN_RETRY: &str = r#"{"signature":{"token":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","timestamp":"1795973200","signature":"2769947b778b0a05ca03d37b1a30499c6bef328052c5538d71007f0afb9f7d7e"},"event-data":{"id":"E2","event":"delivered","recipient":"a@example.com"}}"#;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a time")
}

#[tokio::test]
async fn mailguns_retries_are_accepted_for_eight_hours() {
    let signed = 1_795_973_200;
    for (age_seconds, status) in [(0, 200), (899, 200), (1_800, 200), (28_800, 200), (30_600, 200), (30_601, 401)] {
        let now = Timestamp::from_unix_s(signed + age_seconds).unwrap();
        let world = World::of(vec![source_of(&preset("mailgun"))], json!({ "mailgun": "mg-key" }), now);
        assert_eq!(world.ask("POST", "mailgun", &[JSON], MAILGUN_RETRY).await.status(), status, "{age_seconds} s later");
    }
}

/// Every vector of every preset that signs a time and may send it again as it was: at its last retry, and once more.
#[tokio::test]
async fn a_retry_with_the_first_signature_verifies_until_the_last_and_is_one_event() {
    let mut tried = 0;
    for provider in presets() {
        let Some(timestamp) = &provider.scheme.timestamp else { continue };
        let retried_for = provider.delivery.retried_for_seconds.filter(|_| !provider.delivery.resigned);
        for vector in &provider.vectors {
            // Its time of signing, if the vector's clock stands at it or a little after.
            let world = World::of_vector(&provider, vector);
            let first = world.send(vector).await.status();
            let Some(seconds) = retried_for.filter(|_| first.is_success()) else { continue };
            let queued = world.queued().len();
            let slack = timestamp.tolerance_seconds - seconds;
            world.wait(seconds.saturating_sub(slack.min(10)));
            assert!(world.send(vector).await.status().is_success(), "{}/{}: {seconds} s later", provider.name, vector.name);
            assert_eq!(world.queued().len(), queued, "{}/{}: it is one event", provider.name, vector.name);
            world.wait(2 * timestamp.tolerance_seconds);
            assert_eq!(world.send(vector).await.status(), 401, "{}/{}", provider.name, vector.name);
            tried += 1;
        }
    }
    assert!(tried > 15, "{tried}");
}

#[test]
fn every_preset_with_a_signed_time_states_how_retries_are_signed() {
    for provider in presets() {
        assert_eq!(provider.retry_problems(), Vec::<String>::new(), "{}", provider.name);
        let delivery = &provider.delivery;
        if provider.scheme.timestamp.is_none() {
            assert!(!delivery.resigned && delivery.retried_for_seconds.is_none(), "{}: it signs no time", provider.name);
        }
    }
}

#[test]
fn a_tolerance_shorter_than_the_retries_is_a_problem() {
    let mut provider = preset("mailgun");
    provider.scheme.timestamp.as_mut().unwrap().tolerance_seconds = 28_799;
    assert!(provider.retry_problems().join("").contains("late retries would be refused"));
    provider.delivery.retried_for_seconds = None;
    assert!(provider.retry_problems().join("").contains("set `resigned = true`"));
    provider.delivery.resigned = true;
    assert_eq!(provider.retry_problems(), Vec::<String>::new());
}

#[tokio::test]
async fn a_wide_tolerance_allows_no_second_effect() {
    let now = at("2026-11-29T17:26:45Z");
    let mut world = World::of(vec![source_of(&preset("mailgun"))], json!({ "mailgun": "mg-key" }), now);
    assert_eq!(world.ask("POST", "mailgun", &[JSON], MAILGUN_RETRY).await.status(), 200);
    // Another event under the same signature, which doesn't cover it, still counts as the first.
    let forged = MAILGUN_RETRY.replace("\"delivered\"", "\"failed\"").replace("\"E2\"", "\"E3\"");
    for hours in [0, 1, 3, 4] {
        world.wait(hours * 3_600 - hours);
        world.restart();
        for body in [MAILGUN_RETRY, forged.as_str()] {
            assert_eq!(world.ask("POST", "mailgun", &[JSON], body).await.status(), 200);
        }
    }
    assert_eq!(world.queued().len(), 1, "one signature is one claim");
}

#[tokio::test]
async fn a_subaccount_s_event_verifies_with_either_key() {
    let provider = preset("mailgun");
    for name in ["subaccount", "subaccount_by_its_own_key"] {
        let vector = provider.vectors.iter().find(|vector| vector.name == name).unwrap();
        let world = World::of_vector(&provider, vector);
        assert_eq!(world.send(vector).await.status(), 200, "{name}");
        let mut foreign = vector.clone();
        foreign.secret = "another account's key".to_owned();
        assert_eq!(World::of_vector(&provider, &foreign).send(&foreign).await.status(), 401, "{name}");
    }
}
