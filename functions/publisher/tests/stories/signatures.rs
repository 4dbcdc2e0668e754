//! How webhooks are signed, by which secrets.

use crate::support::{HOUR, World, endpoint, event, header};
use publisher::limits::ROTATION;
use publisher::secrets::Secrets;
use std::time::Duration;
use tidings_config::endpoint::Endpoint;
use tidings_config::time::Clock;

async fn signatures(world: &World, id: &str) -> Vec<String> {
    world.publish(&event(id)).await;
    world.pass(Duration::from_secs(1)).await;
    let (_, call) = world.servers.calls().pop().unwrap();
    header(&call, "webhook-signature").split(' ').map(str::to_owned).collect()
}

#[tokio::test]
async fn both_secrets_sign_while_they_rotate_and_one_afterwards() {
    let world = World::new(vec![endpoint("crm")]);
    assert_eq!(signatures(&world, "e1").await.len(), 1);
    let now = world.clock.now();
    let id = "ep_crm".parse().unwrap();
    world.publisher.endpoints().change(&id, |status| Some(status.rotated(ROTATION, now))).await.unwrap();
    assert_eq!(signatures(&world, "e2").await.len(), 2);
    world.pass(ROTATION + HOUR).await;
    assert_eq!(signatures(&world, "e3").await.len(), 1);
}

#[tokio::test]
async fn named_secrets_of_the_document_sign() {
    let world = World::new(vec![Endpoint { secret: Some("crm".to_owned()), ..endpoint("crm") }]);
    assert_eq!(signatures(&world, "e1").await.len(), 2, "the newest, and the one before");
    let missing = World::new(vec![Endpoint { secret: Some("gone".to_owned()), ..endpoint("crm") }]);
    missing.publish(&event("e1")).await;
    missing.pass(Duration::from_secs(1)).await;
    assert_eq!((missing.servers.calls().len(), missing.delivery().attempts), (0, 0), "nothing is sent unsigned");
}

#[tokio::test]
async fn an_endpoint_that_asks_for_it_gets_an_ed25519_signature_too() {
    let world = World::new(vec![Endpoint { ed25519: true, ..endpoint("crm") }]);
    let signatures = signatures(&world, "e1").await;
    assert!(signatures.len() == 2 && signatures[0].starts_with("v1,") && signatures[1].starts_with("v1a,"), "{signatures:?}");
}

#[tokio::test]
async fn no_secret_is_shown_by_debug() {
    let secrets = Secrets::read(crate::support::SECRETS).unwrap();
    assert!(!format!("{secrets:?}").contains("whsec") && !format!("{secrets:?}").contains("0123"));
    let world = World::new(vec![endpoint("crm")]);
    signatures(&world, "e1").await;
    let (_, call) = world.servers.calls().pop().unwrap();
    assert!(!format!("{call:?}").contains("v1,"), "{call:?}");
    assert!(!format!("{:?}", world.publisher).contains("0123456789"));
}
