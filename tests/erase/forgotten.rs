//! Erased data is removed from both tables. Other data isn't changed, and no repeated delivery restores erased data.

use crate::world::{ANN, BOB, World, confirmed, of, tells_of};
use std::collections::BTreeSet;
use tidings_cli::dev::cloud::{CLAIMS_TABLE, CONTEXT_TABLE, DELIVERIES_TABLE, SENDS_TABLE, TIMERS_TABLE};
use tidings_cli::stack::{NotErased, Trail};
use tidings_core::claim::{ClaimKey, ClaimState};
use tidings_core::send::SendRecord;

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_finds_none_of_the_erased_customers_data_and_all_of_the_others() {
    let world = World::new().await;
    world.lived().await;
    let before = world.rows().await;
    let anns = of(&before, ANN);
    // Without these items, the test would show nothing.
    for (partition, key) in [
        ("web:ANNSMARK", "node"),
        ("web:ANNSMARK", "outbox"),
        ("web:ANNSMARK", "updates"),
        ("web:ANNSMARK", "entity#preferences"),
        ("web:ANNSMARK", "entity#order/ANNSMARK-1"),
        ("web:ANNSMARK", "identity#customer:ANNSMARK"),
        ("web:ANNSMARK", "mood#of/some/day"),
        ("customer:ANNSMARK", "link"),
        ("web:ANNSMARK", "identity#phone:ANNSMARK"),
        ("web:ANNSMARK", "link"),
        ("web:ANNSMARK", "deferred"),
        ("customer:ANNSMARK", "entity#order/left"),
        ("phone:ANNSMARK", "link"),
    ] {
        assert!(anns.contains(&(CONTEXT_TABLE, partition.to_owned(), key.to_owned())), "{partition} {key}: {anns:#?}");
    }
    assert_eq!(anns.iter().filter(|(_, partition, _)| partition.starts_with("join#")).count(), 2, "{anns:#?}");

    let timers: Vec<_> =
        anns.iter().filter(|(table, ..)| *table == TIMERS_TABLE).map(|key| format!("{:?}", before[*key])).collect();
    for kind in ["wake", "join"] {
        assert!(timers.iter().any(|timer| timer.contains(kind)), "{kind}: {timers:#?}");
    }

    let of_table =
        |table: &str| anns.iter().filter(|(of, ..)| *of == table).map(|(_, partition, _)| partition.as_str()).collect::<Vec<_>>();
    let [sends, deliveries] = [SENDS_TABLE, DELIVERIES_TABLE].map(of_table);
    assert_eq!((sends.len(), sends.iter().filter(|key| key.starts_with("message:")).count()), (3, 1), "two sends and a status");
    for partition in ["conversation#web:ANNSMARK", "conversation#customer:ANNSMARK", "ep_crm"] {
        assert!(deliveries.contains(&partition), "{partition}: {deliveries:?}");
    }

    let keeps = |rows: &crate::world::Rows| {
        rows.iter().filter(|(_, row)| row.get("event").is_some_and(|event| tells_of(event, ANN))).count()
    };
    assert!(keeps(&before) > 5, "events are kept with their claims: {anns:#?}");

    let found = world.reader().subject_data("web:ANNSMARK", &Trail::default()).await.unwrap();
    let erasure = world.erase(ANN).await;
    assert_eq!(erasure.counts, found.counts(), "what was found is what was deleted");
    assert_eq!(erasure.counts.deferred, 1, "what waits for the morning is in one item");
    assert_eq!(erasure.looks, 3, "all, what had found it, and nothing");

    let after = world.rows().await;
    assert_eq!(of(&after, ANN), BTreeSet::new());
    let [theirs_before, theirs_after] = [&before, &after].map(|rows| {
        let theirs = rows.iter().filter(|(key, row)| !anns.contains(key) && !row.contains_key("erased_at"));
        theirs.collect::<Vec<_>>()
    });
    assert_eq!(theirs_before, theirs_after, "byte for byte");
    // Time decides how the updates of a feed are put into pages.
    let lasting = |key: &&&(&str, String, String)| !key.2.starts_with("update");
    let bobs = of(&after, BOB);
    assert_eq!(bobs.iter().filter(lasting).count(), anns.iter().filter(lasting).count(), "as many were Ann's");
}

/// A copy of an action that comes after the erasure finds the record, and isn't said again.
#[tokio::test(flavor = "multi_thread")]
async fn a_send_keeps_its_state_and_nothing_that_says_to_whom_it_was() {
    let world = World::new().await;
    world.lived().await;
    let paid = ClaimKey::new("orders", "paid-1");
    let before = world.reader().sends(&paid).await.unwrap();
    assert_eq!(before.len(), 2);
    assert!(before.iter().any(|send| send.status.is_some()));
    world.erase(ANN).await;
    let after = world.reader().sends(&paid).await.unwrap();
    for (before, after) in before.iter().zip(&after) {
        let bare = SendRecord { message: None, reason: None, namespace: None, ..before.record.clone() };
        assert_eq!((&after.record, &after.status), (&bare, &None));
    }
    assert_eq!(after.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_keeps_its_key_and_the_attributes_that_a_duplicate_needs() {
    let world = World::new().await;
    world.lived().await;
    world.erase(ANN).await;
    let bare: Vec<_> = world.rows().await.into_iter().filter(|(_, row)| row.contains_key("erased_at")).collect();
    assert!(bare.len() > 10, "{bare:#?}");
    for ((table, key, _), row) in bare {
        assert_eq!(table, CLAIMS_TABLE);
        let allowed = ["pk", "state", "source", "received_at", "processed_at", "expires_at", "erased_at"];
        assert!(row.keys().all(|name| allowed.contains(&name.as_str())), "{key}: {row:?}");
        assert!(row.contains_key("expires_at"), "{key} is not for good");
    }
    let claim = world.reader().claim(&ClaimKey::new("orders", "broken-1")).await.unwrap().unwrap();
    assert_eq!((claim.state, claim.erased, claim.reason), (ClaimState::Processed, Some(world.now()), None));
    assert!(claim.conversation.is_none() && claim.event_id.is_none() && claim.event_type.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_repeated_delivery_restores_erased_data() {
    let world = World::new().await;
    world.lived().await;
    world.erase(ANN).await;
    let (said, erased) = (world.actions.sent().len(), world.rows().await);
    world.everything_comes_again().await;
    for id in ["paid", "likes", "never", "stock", "made", "again", "broken", "unsent", "night"] {
        assert_eq!(world.event(&format!("{id}-1"), "payment.made", ANN).await, 200, "{id}: a duplicate, the dead one as well");
    }
    world.days_pass().await;
    let after = world.rows().await;
    assert_eq!(of(&after, ANN), BTreeSet::new());
    let bare = |rows: &crate::world::Rows| rows.iter().filter(|(_, row)| row.contains_key("erased_at")).count();
    assert_eq!(bare(&after), bare(&erased));
    let since = &world.actions.sent()[said..];
    assert!(since.iter().any(|action| tells_of(action, BOB)), "Bob's came in the morning");
    assert!(!since.iter().any(|action| tells_of(action, ANN)), "and nobody writes to Ann: {since:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_event_makes_a_new_context_of_that_event_alone() {
    let world = World::new().await;
    world.lived().await;
    world.erase(ANN).await;
    assert_eq!(world.event("new-1", "order.likes", ANN).await, 202);
    let context = world.reader().context("web:ANNSMARK", world.now()).await.unwrap();
    assert_eq!(context.entities.keys().collect::<Vec<_>>(), ["preferences"]);
    assert_eq!((context.node, context.identities), (None, vec![]));
    // The identity isn't linked any more, so its new events are its own.
    assert_eq!(world.event("new-2", "payment.made", ANN).await, 202);
    let identity = world.reader().context("customer:ANNSMARK", world.now()).await.unwrap();
    assert_eq!(identity.entities["order/ANNSMARK-1"]["payments"].value, 1);
    assert_eq!(world.erase(ANN).await.counts.claims, 1);
}

/// Held events of an identity without a link are erased by the identity's own name.
#[tokio::test(flavor = "multi_thread")]
async fn an_identity_without_a_link_is_erased_by_its_own_name() {
    let world = World::new().await;
    world.event("held", "payment.made", ANN).await;
    let reader = world.reader();
    let eraser = tidings_cli::stack::Eraser::new(reader.clone(), std::time::Duration::ZERO);
    assert!(of(&world.rows().await, ANN).len() >= 4, "claim, facts, node, what is held");
    let erasure = eraser.erase("customer:ANNSMARK", world.now(), confirmed()).await.unwrap();
    assert_eq!((erasure.counts.deferred, erasure.counts.claims, erasure.looks), (1, 1, 2));
    assert_eq!(of(&world.rows().await, ANN), BTreeSet::new());
    let nothing = eraser.erase("customer:ANNSMARK", world.now(), confirmed()).await.unwrap();
    assert_eq!((nothing.counts, nothing.looks), (Default::default(), 1), "again, and there is nothing to do");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linked_identity_is_reported_and_stays_in_its_conversation() {
    let world = World::new().await;
    world.lived().await;
    let before = world.rows().await;
    let eraser = tidings_cli::stack::Eraser::new(world.reader(), std::time::Duration::ZERO);
    let refused = eraser.erase("customer:ANNSMARK", world.now(), confirmed()).await.unwrap_err();
    assert!(matches!(&refused, NotErased::Identity { conversation } if conversation == "web:ANNSMARK"), "{refused}");
    assert_eq!(world.rows().await, before);
}

/// More than a page of a Query, which is a megabyte.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_of_many_pages_is_exported_and_erased_whole() {
    let world = World::new().await;
    let long = "x".repeat(60_000);
    for n in 0..40 {
        world.put("web:ANNSMARK", &format!("entity#order/{n}"), &long).await;
    }
    let counted = crate::interfering::Interfering::new(|_| Ok(()));
    let subject_data = {
        let client = counted.client(&world.cloud.dynamodb);
        let reader = tidings_cli::stack::Reader::new(client, CLAIMS_TABLE.to_owned(), CONTEXT_TABLE.to_owned());
        reader.subject_data("web:ANNSMARK", &Trail::default()).await.unwrap()
    };
    assert!(counted.calls() >= 4, "{} pages", counted.calls());
    assert_eq!(
        subject_data.export("web:ANNSMARK", world.now())["items"]["web:ANNSMARK"].as_object().map(|items| items.len()),
        Some(40)
    );
    assert_eq!(world.erase(ANN).await.counts.entities, 40);
    assert_eq!(of(&world.rows().await, ANN), BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_waits_is_exported_and_erased_and_its_timer_finds_nothing() {
    let world = World::new().await;
    for id in ["chat-1", "chat-2"] {
        assert_eq!(world.event(id, "order.chat", ANN).await, 202);
    }
    let is_turn = |key: &&(&str, String, String)| key.1.starts_with("turn#");
    let turns = |rows: &crate::world::Rows| rows.keys().filter(is_turn).count();
    let found = world.reader().subject_data("web:ANNSMARK", &Trail::default()).await.unwrap();
    assert_eq!((found.counts().turns, turns(&world.rows().await)), (1, 1));
    let export = found.export("web:ANNSMARK", world.now()).to_string();
    assert!(export.contains("ANNSMARK wrote chat-1") && export.contains("ANNSMARK wrote chat-2"), "{export}");
    let erasure = world.erase(ANN).await;
    assert_eq!((erasure.counts.turns, turns(&world.rows().await)), (1, 0));
    let sent = world.actions.sent().len();
    world.days_pass().await;
    assert_eq!((world.actions.sent().len(), turns(&world.rows().await)), (sent, 0));
    assert!(of(&world.rows().await, ANN).is_empty(), "nothing of it comes back");
}

/// Its event's claim lives for 30 days, and it waits for longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_that_outlives_its_claim_is_exported_and_erased_and_its_timer_finds_nothing() {
    for has_claim in [true, false] {
        let world = World::new().await;
        assert_eq!(world.event("dated-1", "order.dated", ANN).await, 202);
        let is_reminder = |key: &&(&str, String, String)| key.1.starts_with("reminder#");
        let reminders = |rows: &crate::world::Rows| rows.keys().filter(is_reminder).count();
        if !has_claim {
            let mut rows = world.rows().await;
            rows.retain(|(table, _, _), _| *table != CLAIMS_TABLE);
            world.restore(&rows).await;
        }
        let found = world.reader().subject_data("web:ANNSMARK", &Trail::default()).await.unwrap();
        assert_eq!((found.counts().reminders, found.counts().timers, found.counts().claims), (1, 1, usize::from(has_claim)));
        assert!(found.export("web:ANNSMARK", world.now()).to_string().contains("ANNSMARK wrote dated-1"));
        let erasure = world.erase(ANN).await;
        assert_eq!((erasure.counts.reminders, reminders(&world.rows().await)), (1, 0));
        assert!(of(&world.rows().await, ANN).is_empty());
    }
}
