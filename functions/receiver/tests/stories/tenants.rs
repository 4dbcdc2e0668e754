//! Many customers of one provider: each has an address and a secret of its own.

use crate::support::{ACCEPTED, Answer, DUPLICATE, Harness, TRY_AGAIN, UNAUTHENTIC, order, secrets};
use receiver::Receiver;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::{MAX_TENANTS_HELD, MAX_UNKNOWN_TENANTS, TENANT_REFRESH, TENANT_RETRY, TENANT_RETRY_FAILED};
use tidings_config::time::Clock;
use tidings_core::memory::log::lines_with;
use tidings_core::memory::{Call, Fault, Faults, MemoryTenants};
use tidings_core::ports::{Replaced, TenantReader, TenantStore};
use tidings_core::tenant::{TenantKey, TenantRecord, TenantSecret};
use tidings_events::SignedRequest;

const READ: Call = Call::ReadTenant;
/// The source with tenants in `support`.
const SHOPS: &str = "shops";

/// A warm receiver with a table of tenants.
struct World {
    harness: Harness,
    table: Arc<MemoryTenants>,
    faults: Arc<Faults>,
}

fn key(source: &str, name: &str) -> TenantKey {
    TenantKey { source: source.to_owned(), name: name.parse().unwrap() }
}

fn secret(name: &str) -> String {
    format!("the secret of {name}, which nobody else has")
}

fn stored(text: &str) -> TenantSecret {
    TenantSecret::from(text)
}

impl World {
    async fn with(tenants: &[&str]) -> Self {
        let faults = Arc::new(Faults::default());
        let table = Arc::new(MemoryTenants::new(Arc::clone(&faults)));
        let harness = Harness::cold(&secrets().to_string()).with_tenants(Arc::clone(&table) as Arc<dyn TenantReader>);
        let world = Self { harness, table, faults };
        for name in tenants {
            world.add(SHOPS, name).await;
        }
        world.harness.receiver.warm_up().await;
        world
    }

    async fn add(&self, source: &str, name: &str) {
        let record = TenantRecord::new(stored(&secret(name)), self.harness.clock.now());
        assert_eq!(self.table.put(&key(source, name), &record).await, Ok(Replaced::Yes));
    }

    async fn change(&self, name: &str, change: impl FnOnce(TenantRecord) -> TenantRecord) {
        let key = key(SHOPS, name);
        let page = self.table.list(None, None, usize::MAX).await.unwrap();
        let (_, record) = page.tenants.into_iter().find(|(one, _)| *one == key).unwrap();
        assert_eq!(self.table.put(&key, &change(record)).await, Ok(Replaced::Yes));
    }

    /// Sent to this tenant, signed with the secret of that one.
    fn request(&self, to: &str, signed_by: &str, id: &str) -> SignedRequest {
        self.request_with(to, &secret(signed_by), id)
    }

    fn request_with(&self, to: &str, secret: &str, id: &str) -> SignedRequest {
        let request = self.harness.signed_with(SHOPS, secret, order(id, "1"));
        SignedRequest { path: format!("/webhooks/{SHOPS}/{to}"), ..request }
    }

    async fn send(&self, to: &str, signed_by: &str, id: &str) -> Answer {
        self.harness.send(&self.request(to, signed_by, id)).await
    }

    /// The reads of the table that this takes.
    async fn reads(&self, of: impl Future<Output = ()>) -> u32 {
        let before = self.faults.count(READ);
        of.await;
        self.faults.count(READ) - before
    }

    fn wait(&self, time: Duration) {
        self.harness.clock.advance(time);
    }
}

#[tokio::test]
async fn an_event_of_a_tenant_is_its_own_and_the_same_id_of_another_is_another_event() {
    let world = World::with(&["acme", "globex"]).await;
    for tenant in ["acme", "globex"] {
        assert_eq!(world.send(tenant, tenant, "e1").await.said(), ACCEPTED, "{tenant}");
        assert_eq!(world.send(tenant, tenant, "e1").await.said(), DUPLICATE, "{tenant}");
    }
    let queued = world.harness.queued();
    let seen: Vec<_> = queued.iter().map(|event| (event.claimkey.as_str(), event.source.as_str())).collect();
    assert_eq!(seen, [("shops/acme#e1", "/webhooks/shops"), ("shops/globex#e1", "/webhooks/shops")]);
    let tenants: Vec<_> = queued.iter().map(|event| event.tenant.as_ref().unwrap().as_str()).collect();
    assert_eq!(tenants, ["acme", "globex"]);
    let conversations: Vec<_> = queued.iter().map(|event| event.conversation.as_deref().unwrap()).collect();
    assert_eq!(conversations, ["tenant/acme/order:1", "tenant/globex/order:1"], "two tenants never share one by default");
    assert_eq!(lines_with(&["tenant=\"acme\"", "received"]), 2);
}

#[tokio::test]
async fn a_body_that_is_no_event_is_the_tenants_as_well() {
    let world = World::with(&["acme"]).await;
    let request = world.harness.signed_with(SHOPS, &secret("acme"), b"{".to_vec());
    let request = SignedRequest { path: format!("/webhooks/{SHOPS}/acme"), ..request };
    assert_eq!(world.harness.send(&request).await.said(), ACCEPTED);
    let [event] = &world.harness.queued()[..] else { panic!("one event") };
    assert!(event.claimkey.as_str().starts_with("shops/acme#unreadable:"), "{}", event.claimkey);
    assert_eq!(event.tenant.as_ref().unwrap().as_str(), "acme");
}

#[tokio::test]
async fn unknown_disabled_forged_and_impossible_tenants_get_one_answer_and_the_log_knows_which() {
    let world = World::with(&["acme", "globex"]).await;
    world.change("globex", |record| record.disabled(world.harness.clock.now())).await;
    let longest = "a".repeat(65);
    let cases = [
        ("acme", "globex", "the signature doesn't match any secret"),
        ("nobody", "acme", "the source has no tenant of this name"),
        ("globex", "globex", "the tenant is disabled"),
        ("a.b", "acme", "the source has no tenant of this name"),
        ("acme/x", "acme", "the source has no tenant of this name"),
        ("", "acme", "the source has no tenant of this name"),
        ("%61cme", "acme", "the source has no tenant of this name"),
        (&longest, "acme", "the source has no tenant of this name"),
    ];
    let mut answers = Vec::new();
    for (to, by, why) in cases {
        let before = lines_with(&["step=\"refused\"", why]);
        let answer = world.send(to, by, "e1").await;
        assert_eq!(answer.said(), UNAUTHENTIC, "{to}");
        assert_eq!(lines_with(&["step=\"refused\"", why]), before + 1, "{to}");
        answers.push(answer);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "status, headers and body are the same");
    assert_eq!(world.harness.calls(), 0, "nothing of AWS beside the reads");
    assert_eq!(world.faults.count(READ), 3 + 1, "one for each name that can be one, and one of this test's own");
}

#[tokio::test]
async fn a_source_with_tenants_has_no_address_of_its_own_and_no_other_source_has_tenants() {
    let world = World::with(&["acme"]).await;
    let own = world.harness.signed_with(SHOPS, &secret("acme"), order("e1", "1"));
    assert_eq!(world.harness.send(&own).await.said(), (404, "not_found"));
    let other = world.harness.signed("orders", order("e1", "1"));
    let other = SignedRequest { path: "/webhooks/orders/acme".to_owned(), ..other };
    assert_eq!(world.harness.send(&other).await.said(), (404, "not_found"));
    assert_eq!((world.harness.calls(), world.faults.count(READ)), (0, 0));
}

#[tokio::test]
async fn a_cold_tenant_is_one_read_and_a_warm_one_none_with_one_tenant_and_with_ten_thousand() {
    for all in [1_usize, 10_000] {
        let world = World::with(&[]).await;
        let names: Vec<String> = (0..all).map(|n| format!("t{n}")).collect();
        for name in &names {
            world.add(SHOPS, name).await;
        }
        assert_eq!(world.faults.count(READ), 0, "INIT reads none");
        for (n, name) in names.iter().step_by(all.div_ceil(5)).enumerate() {
            let cold = world.reads(async { assert_eq!(world.send(name, name, "cold").await.said(), ACCEPTED) }).await;
            let warm = world.reads(async { assert_eq!(world.send(name, name, "warm").await.said(), ACCEPTED) }).await;
            assert_eq!((cold, warm, world.harness.receiver.tenants().held()), (1, 0, (n + 1, 0)), "{name} of {all}");
        }
    }
}

#[tokio::test]
async fn sources_without_tenants_read_none_and_queue_what_they_always_did() {
    let world = World::with(&["acme"]).await;
    assert_eq!(world.harness.send(&world.harness.signed("orders", order("e1", "1"))).await.said(), ACCEPTED);
    assert_eq!((world.faults.count(READ), world.harness.calls()), (0, 2));
    assert_eq!(world.harness.claim("orders#e1").unwrap().source, "orders");
    assert!(!world.harness.queue.messages()[0].contains("tenant"));
    assert_eq!(lines_with(&["received", "orders#e1", "tenant"]), 0);
}

#[tokio::test]
async fn a_tenant_is_read_again_after_five_minutes_and_not_before() {
    let world = World::with(&["acme"]).await;
    let one_less = TENANT_REFRESH - Duration::from_millis(1);
    for (n, (wait, reads)) in
        [(Duration::ZERO, 1), (one_less, 0), (Duration::from_millis(1), 1), (one_less, 0)].into_iter().enumerate()
    {
        world.wait(wait);
        let read = world.reads(async { assert_eq!(world.send("acme", "acme", &n.to_string()).await.said(), ACCEPTED) }).await;
        assert_eq!(read, reads, "{n}");
    }
}

#[tokio::test]
async fn an_unknown_tenant_costs_one_read_a_minute_and_a_forged_one_no_more_and_no_less() {
    let world = World::with(&["acme"]).await;
    world.send("acme", "acme", "e0").await;
    world.wait(TENANT_RETRY);
    let one_less = TENANT_RETRY - Duration::from_millis(1);
    for (wait, reads) in [(Duration::ZERO, 1), (Duration::ZERO, 0), (one_less, 0), (Duration::from_millis(1), 1), (one_less, 0)] {
        world.wait(wait);
        for to in ["nobody", "acme"] {
            let read = world.reads(async { assert_eq!(world.send(to, "globex", "e1").await.said(), UNAUTHENTIC) }).await;
            assert_eq!(read, reads, "{to} after {wait:?}");
        }
    }
}

#[tokio::test]
async fn random_names_are_read_so_often_a_minute_and_no_known_tenant_leaves_or_can_be_told() {
    let world = World::with(&["acme", "globex"]).await;
    world.send("acme", "acme", "e0").await;
    let read = world
        .reads(async {
            for n in 0..MAX_UNKNOWN_TENANTS - 1 {
                assert_eq!(world.send(&format!("x{n}"), "acme", "e1").await.said(), UNAUTHENTIC);
            }
        })
        .await;
    assert_eq!(read as usize, MAX_UNKNOWN_TENANTS - 1);
    assert_eq!(world.send("acme", "x", "e1").await.said(), UNAUTHENTIC, "one may still be read");
    assert_eq!(world.send("last", "x", "e1").await.said(), TRY_AGAIN, "it was the last one");
    let read = world
        .reads(async {
            for n in 0..2 * MAX_UNKNOWN_TENANTS {
                assert_eq!(world.send(&format!("y{n}"), "acme", "e1").await.said(), TRY_AGAIN, "y{n}");
            }
            let answers = [("acme", "x"), ("globex", "x"), ("x1", "x"), ("nobody", "x"), ("a.b", "x")];
            for (to, by) in answers {
                assert_eq!(world.send(to, by, "e1").await.said(), TRY_AGAIN, "{to}: a name can't be told from another");
            }
        })
        .await;
    assert_eq!(read, 0);
    assert_eq!(world.harness.receiver.tenants().held(), (1, MAX_UNKNOWN_TENANTS));
    assert_eq!(world.send("acme", "acme", "e2").await.said(), ACCEPTED, "a tenant that is known notices nothing");
    assert_eq!(world.send("globex", "globex", "e2").await.said(), TRY_AGAIN, "its provider sends it again");
    world.wait(TENANT_RETRY);
    assert_eq!(world.send("globex", "globex", "e2").await.said(), ACCEPTED);
    assert_eq!(world.send("nobody", "x", "e2").await.said(), UNAUTHENTIC);
}

#[tokio::test]
async fn as_many_tenants_as_are_held_stay_and_the_one_that_was_used_longest_ago_leaves() {
    let world = World::with(&[]).await;
    let names: Vec<String> = (0..=MAX_TENANTS_HELD).map(|n| format!("t{n}")).collect();
    for name in &names {
        world.add(SHOPS, name).await;
    }
    for name in &names[..MAX_TENANTS_HELD] {
        world.wait(Duration::from_millis(1));
        assert_eq!(world.send(name, name, "e1").await.said(), ACCEPTED);
    }
    assert_eq!(world.reads(async { drop(world.send("t0", "t0", "e2").await) }).await, 0);
    world.wait(Duration::from_millis(1));
    assert_eq!(world.send(&names[MAX_TENANTS_HELD], &names[MAX_TENANTS_HELD], "e1").await.said(), ACCEPTED);
    assert_eq!(world.harness.receiver.tenants().held(), (MAX_TENANTS_HELD, 0));
    assert_eq!(world.reads(async { drop(world.send("t0", "t0", "e3").await) }).await, 0, "it was used just now");
    assert_eq!(world.reads(async { drop(world.send("t1", "t1", "e3").await) }).await, 1);
}

#[tokio::test]
async fn a_new_secret_is_found_by_a_signature_that_does_not_match_and_the_old_one_ends_at_its_time() {
    let world = World::with(&["acme"]).await;
    world.send("acme", "acme", "e0").await;
    let keep = Duration::from_secs(200);
    world.change("acme", |record| record.rotated(stored("a brand new secret of acme"), keep, world.harness.clock.now())).await;
    let with_new = |id: &str| world.request_with("acme", "a brand new secret of acme", id);
    assert_eq!(world.harness.send(&with_new("e1")).await.said(), UNAUTHENTIC, "it was read less than a minute ago");
    world.wait(TENANT_RETRY);
    assert_eq!(world.harness.send(&with_new("e1")).await.said(), ACCEPTED);
    assert_eq!(world.send("acme", "acme", "e2").await.said(), ACCEPTED, "the one before is still good");
    world.wait(keep - TENANT_RETRY - Duration::from_millis(1));
    assert_eq!(world.send("acme", "acme", "e3").await.said(), ACCEPTED);
    world.wait(Duration::from_millis(1));
    assert_eq!(world.send("acme", "acme", "e4").await.said(), UNAUTHENTIC, "without another read");
    assert_eq!(world.harness.send(&with_new("e4")).await.said(), ACCEPTED);
}

#[tokio::test]
async fn a_disabled_tenant_is_refused_after_five_minutes_and_an_enabled_one_accepted_after_one() {
    let world = World::with(&["acme"]).await;
    assert_eq!(world.send("acme", "acme", "e0").await.said(), ACCEPTED);
    world.change("acme", |record| record.disabled(world.harness.clock.now())).await;
    world.wait(TENANT_REFRESH - Duration::from_millis(1));
    assert_eq!(world.send("acme", "acme", "e1").await.said(), ACCEPTED);
    world.wait(Duration::from_millis(1));
    assert_eq!(world.send("acme", "acme", "e2").await.said(), UNAUTHENTIC);
    world.change("acme", TenantRecord::enabled).await;
    assert_eq!(world.send("acme", "acme", "e3").await.said(), UNAUTHENTIC);
    world.wait(TENANT_RETRY);
    assert_eq!(world.send("acme", "acme", "e3").await.said(), ACCEPTED);
}

#[tokio::test]
async fn while_the_table_is_down_known_tenants_are_served_and_others_are_told_to_try_again() {
    let world = World::with(&["acme", "globex"]).await;
    assert_eq!(world.send("acme", "acme", "e0").await.said(), ACCEPTED);
    world.wait(TENANT_REFRESH);
    world.faults.fail(READ, Fault::Refuse, 1_000);
    let read = world.reads(async { assert_eq!(world.send("acme", "acme", "e1").await.said(), ACCEPTED) }).await;
    assert_eq!(read, 1, "it is due");
    let read = world.reads(async { assert_eq!(world.send("acme", "acme", "e2").await.said(), ACCEPTED) }).await;
    assert_eq!(read, 0, "it was tried a moment ago");
    for (to, by) in [("globex", "globex"), ("nobody", "x"), ("acme", "x"), ("a.b", "x")] {
        assert_eq!(world.send(to, by, "e1").await.said(), TRY_AGAIN, "{to}: a name can't be told from another");
    }
    world.wait(TENANT_RETRY_FAILED - Duration::from_millis(1));
    assert_eq!(world.reads(async { drop(world.send("globex", "globex", "e1").await) }).await, 0);
    world.wait(Duration::from_millis(1));
    world.faults.clear();
    assert_eq!(world.send("globex", "globex", "e1").await.said(), ACCEPTED);
}

#[tokio::test]
async fn a_receiver_without_a_table_answers_503_and_says_which_parameter_is_missing() {
    let world = World::with(&[]).await;
    let harness = Harness::warm().await;
    assert_eq!(harness.send(&world.request("acme", "acme", "e1")).await.said(), TRY_AGAIN);
    assert_eq!(lines_with(&["deploy it with Tenants=true"]), 1);
}

#[tokio::test]
async fn a_request_of_another_tenant_is_refused_although_its_own_would_accept_it() {
    let world = World::with(&["acme", "globex"]).await;
    let captured = world.request("acme", "acme", "e1");
    assert_eq!(world.harness.send(&captured).await.said(), ACCEPTED);
    for to in ["globex", "nobody"] {
        let moved = SignedRequest { path: format!("/webhooks/{SHOPS}/{to}"), ..captured.clone() };
        assert_eq!(world.harness.send(&moved).await.said(), UNAUTHENTIC, "{to}");
    }
    assert_eq!(world.harness.queued().len(), 1);
}

#[tokio::test]
async fn a_scheme_that_signs_the_address_signs_the_tenants_own() {
    let world = World::with(&[]).await;
    world.add("stores", "acme").await;
    world.add("stores", "globex").await;
    for (signed_for, accepted) in [("/acme", true), ("", false), ("/globex", false)] {
        let request = world.harness.signed_for("stores", &secret("acme"), signed_for, order("e1", "1"));
        let request = SignedRequest { path: "/webhooks/stores/acme".to_owned(), ..request };
        assert_eq!(world.harness.send(&request).await.said() == ACCEPTED, accepted, "{signed_for}");
    }
}

#[tokio::test]
async fn no_secret_of_a_tenant_is_ever_logged() {
    let world = World::with(&["acme"]).await;
    world.send("acme", "acme", "e1").await;
    world.send("acme", "x", "e1").await;
    world.change("acme", |record| TenantRecord { secret: stored(" "), ..record }).await;
    world.wait(TENANT_REFRESH);
    assert_eq!(world.send("acme", "acme", "e2").await.said(), TRY_AGAIN, "it may be genuine");
    assert_eq!(lines_with(&["this tenant's secret can't be used", "acme"]), 1);
    assert_eq!(lines_with(&["which nobody else has"]), 0);
    assert!(!format!("{:?} {:?}", world.harness.receiver, world.table).contains("which nobody else has"));
    let _: &Receiver = &world.harness.receiver;
}
