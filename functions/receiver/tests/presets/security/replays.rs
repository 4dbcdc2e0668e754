//! Classes 4 and 5: a captured request is the same event however it is written, and whoever was restarted meanwhile.

use super::captured;
use crate::world::World;
use tidings_config::provider::{Provider, Vector};

/// The same signature in other letters: cases, alphabets, padding, repeated.
fn rewritten(text: &str) -> Vec<String> {
    let unpadded = text.trim_end_matches('=');
    let twice = [",", " ", ", "].map(|separator| format!("{text}{separator}{text}"));
    let mut all = vec![
        text.to_uppercase(),
        text.to_lowercase(),
        text.replace('+', "-").replace('/', "_"),
        text.replace('-', "+").replace('_', "/"),
        unpadded.to_owned(),
        format!("{unpadded}="),
        format!("{unpadded}=="),
        format!(" {text} "),
        format!("{text},"),
    ];
    all.extend(twice);
    all
}

/// The requests that differ from a captured one in how its signature is written.
fn variants(world: &World, provider: &Provider, vector: &Vector) -> Vec<Vec<(String, String)>> {
    let headers = world.headers_of(vector);
    let mut all = Vec::new();
    for (n, (name, value)) in headers.iter().enumerate() {
        if provider.scheme.signature.from.0.iter().any(|place| place.header().is_some_and(|h| name.eq_ignore_ascii_case(h))) {
            for other in rewritten(value) {
                let mut changed = headers.clone();
                changed[n].1 = other;
                all.push(changed);
            }
            let mut repeated = headers.clone();
            repeated.push(headers[n].clone());
            all.push(repeated);
        }
    }
    all
}

/// The replay key is never the signature's text: whatever still verifies is the event that is known.
#[tokio::test]
async fn class_4_a_signature_in_other_letters_makes_no_other_event() {
    let (mut tried, mut taken) = (0, 0);
    for (provider, vector) in captured() {
        let world = World::of_vector(provider, vector);
        world.send(vector).await;
        let known = world.queued().len();
        for headers in variants(&world, provider, vector) {
            tried += 1;
            taken += usize::from(world.send_with(vector, &headers, vector.body.as_bytes()).await.status().is_success());
            assert_eq!(world.queued().len(), known, "{}/{}: {headers:?}", provider.name, vector.name);
        }
    }
    assert!(tried > 1_000 && taken > 100, "{taken} of {tried} were the same request in other letters");
}

/// CVE-2026-28449: what was seen is in the claims table, not in a container.
#[tokio::test]
async fn class_5_a_replay_to_a_container_that_was_restarted_is_known() {
    let mut events = 0;
    for (provider, vector) in captured() {
        let mut world = World::of_vector(provider, vector);
        world.send(vector).await;
        let known = world.queued().len();
        for _ in 0..3 {
            world.restart();
            world.send(vector).await;
            assert_eq!(world.queued().len(), known, "{}/{}", provider.name, vector.name);
        }
        events += known;
    }
    assert!(events > 100, "{events}");
}
