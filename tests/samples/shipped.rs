//! The shipped sources and rules accept their providers' events: no sample is dead-lettered.

use crate::world::{NOW, World, events_of};
use std::time::Duration;
use tidings_core::claim::ClaimState;

#[tokio::test]
async fn no_sample_is_dead_lettered_by_the_shipped_rules() {
    let providers = tidings_project::presets();
    let mut seen = 0;
    let mut problems = Vec::new();
    for source in tidings_events::project::sources() {
        let Some(provider) = providers.iter().find(|provider| provider.name == source.provider) else { continue };
        let events = events_of(provider, &source.name);
        assert!(!events.is_empty(), "{} has no samples", provider.name);
        let at = NOW.plus(Duration::from_secs(3_600));
        let world = World::new(tidings_events::project::rules(), tidings_events::project::schemas(), at);
        for event in &events {
            world.process(&[event]).await;
            let claim = world.claim(&event.envelope.claimkey);
            let is_unreadable = event.envelope.unreadable().is_some();
            match claim {
                Some(claim) if claim.state == ClaimState::Processed => {}
                Some(claim) if is_unreadable && claim.state == ClaimState::Dead => {}
                Some(claim) => problems.push(format!("{} ({}): {:?}", event.sample, event.envelope.event_type, claim.reason)),
                None => problems.push(format!("{}: it had no effect", event.sample)),
            }
        }
        seen += events.len();
    }
    assert!(problems.is_empty(), "{} of {seen}:\n{}", problems.len(), problems.join("\n"));
    assert!(seen > 500, "{seen} events of samples");
}
