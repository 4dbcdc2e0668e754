//! The requests of `events/attacks`, each against each preset: the right answer, no call, and nothing raw in a log.

use crate::world::{NOW, World, source_of};
use lambda_http::{Body, Request};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::provider::Provider;
use tidings_config::scheme::KeyPreparation;
use tidings_core::memory::log;
use tidings_events::Sample;
use tidings_events::attack::{Attack, Attempt, Made, Victim, attacks};
use tidings_project::presets;

/// The fewest requests that each source gets from a stranger, without those that only some sources can get.
const FEWEST: usize = 300;

/// A secret for each. That of some published vectors is the word `secret`, which an attack guesses.
fn secret(provider: &Provider) -> &str {
    let published = provider.vectors[0].secret.as_str();
    let is_any_text = provider.scheme.key == KeyPreparation::default() && provider.scheme.has_secret_key();
    if is_any_text { "mUQ2wXb8ZrT5kVn1" } else { published }
}

fn document(providers: &[Provider]) -> Value {
    providers.iter().map(|provider| (provider.name.clone(), json!(secret(provider)))).collect::<serde_json::Map<_, _>>().into()
}

fn lambda(request: http::Request<Vec<u8>>) -> Request {
    request.map(Body::Binary)
}

/// Calls this with each attempt against each preset.
async fn each(of: impl Fn(&Attack) -> bool, mut send: impl AsyncFnMut(&Provider, &Attempt<'_>, Made)) {
    let attempts: Vec<Attempt<'_>> = attacks().iter().filter(|attack| of(attack)).flat_map(Attack::attempts).collect();
    for provider in &presets() {
        let source = source_of(provider);
        let Ok(sample) = Sample::of_preset(provider) else { continue };
        let victim = Victim { source: &source, sample, secret: Some(secret(provider)), now: NOW };
        for attempt in &attempts {
            if let Some(made) = attempt.made(&victim) {
                send(provider, attempt, made).await;
            }
        }
    }
}

fn raw(line: &str) -> bool {
    line.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c))
}

#[tokio::test]
async fn a_stranger_s_requests_get_the_right_answer_and_cost_no_call() {
    log::capture();
    let providers = presets();
    let world = World::new(document(&providers), NOW);
    let mut by_source: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    each(
        |attack| !attack.needs_secret(),
        async |provider, attempt, made| {
            *by_source.entry(provider.name.clone()).or_default() += 1;
            let answer = world.receiver.handle(lambda(made.request)).await;
            let status = answer.status().as_u16();
            // A provider whose challenge nobody signs is answered, and that is no event.
            let is_handshake = answer.status().is_success() && !provider.handshakes.is_empty();
            if !attempt.attack.right.allows(status) && !is_handshake {
                wrong.push(format!(
                    "{} {}: {status}, right: {}; {}",
                    provider.name,
                    attempt.name(),
                    attempt.attack.right.shown(),
                    attempt.shown()
                ));
            }
            if (world.calls(), world.queued().len()) != (0, 0) {
                panic!("{} {}: {} calls, {} messages", provider.name, attempt.name(), world.calls(), world.queued().len());
            }
        },
    )
    .await;
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let fewest = by_source.values().min();
    assert!(fewest.is_some_and(|fewest| *fewest >= FEWEST), "{by_source:?}");
    let raw: Vec<String> = log::lines().into_iter().filter(|line| raw(line)).collect();
    assert_eq!(raw, Vec::<String>::new());
}

#[tokio::test]
async fn the_provider_s_own_requests_changed_or_repeated_are_one_event_or_refused() {
    let mut wrong = Vec::new();
    let (mut repeated, mut changed) = (0, 0);
    each(Attack::needs_secret, async |provider, attempt, made| {
        let world = World::of(vec![source_of(provider)], document(std::slice::from_ref(provider)), NOW);
        let mut said = |what: String| wrong.push(format!("{} {}: {what}; {}", provider.name, attempt.name(), attempt.shown()));
        let claims = |world: &World| world.queued().into_iter().map(|event| event.claimkey).collect::<BTreeSet<_>>();
        let Some(first) = made.first else {
            let status = world.receiver.handle(lambda(made.request)).await.status().as_u16();
            if !attempt.attack.right.allows(status) {
                said(format!("{status}, right: {}", attempt.attack.right.shown()));
            }
            changed += 1;
            return;
        };
        world.receiver.handle(lambda(first)).await;
        let known = claims(&world);
        let answer = world.receiver.handle(lambda(made.request)).await;
        if !attempt.attack.right.allows(answer.status().as_u16()) {
            said(answer.status().to_string());
        }
        if claims(&world) != known {
            said(format!("another event: {:?}, first {known:?}", claims(&world)));
        }
        repeated += 1;
    })
    .await;
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(repeated > 1_500 && changed > 1_000, "{repeated} repeated, {changed} changed");
}

#[test]
fn every_attack_has_a_name_of_its_own_a_sentence_and_attempts() {
    let names: BTreeSet<&str> = attacks().iter().map(|attack| attack.name.as_str()).collect();
    assert_eq!(names.len(), attacks().len());
    for attack in attacks() {
        assert!(!attack.about.is_empty() && !attack.attempts().is_empty(), "{}", attack.name);
    }
}
