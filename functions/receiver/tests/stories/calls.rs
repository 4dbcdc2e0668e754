//! What a request costs: AWS calls of a warm function.

use crate::support::{ACCEPTED, DUPLICATE, Harness, TAKEN, UNAUTHENTIC, order, statuses};
use tidings_config::limits::MAX_OTHER_BODIES;
use tidings_core::memory::Call;

#[tokio::test]
async fn an_accepted_event_is_two_calls() {
    let harness = Harness::warm().await;
    assert_eq!(harness.send(&harness.signed("orders", order("e1", "1"))).await.said(), ACCEPTED);
    assert_eq!([Call::Record, Call::Send, Call::MarkEnqueued].map(|call| harness.count(call)), [1, 1, 0]);
    assert_eq!(harness.calls(), 2);
}

#[tokio::test]
async fn a_duplicate_is_one_call() {
    let harness = Harness::warm().await;
    let delivery = harness.signed("orders", order("e1", "1"));
    harness.send(&delivery).await;
    let before = harness.calls();
    assert_eq!(harness.send(&delivery).await.said(), DUPLICATE);
    assert_eq!((harness.calls() - before, harness.count(Call::Record)), (1, 2));
}

#[tokio::test]
async fn another_body_under_a_known_id_is_one_call_more_the_first_time() {
    let harness = Harness::warm().await;
    harness.send(&harness.signed("orders", order("e1", "1"))).await;
    let mut costs = Vec::new();
    for body in (2..MAX_OTHER_BODIES + 4).chain([2]) {
        let before = harness.calls();
        assert_eq!(harness.send(&harness.signed("orders", order("e1", &body.to_string()))).await.said(), DUPLICATE);
        costs.push(harness.calls() - before);
    }
    let mut expected = vec![2; MAX_OTHER_BODIES];
    expected.extend([1, 1, 1]);
    assert_eq!(costs, expected, "while the claim has room for it, and hasn't it");
}

#[tokio::test]
async fn forged_changed_and_stale_requests_cause_no_call() {
    let harness = Harness::warm().await;
    for case in ["github-forged", "slack-body-changed", "stripe-stale"] {
        assert_eq!(harness.send(&harness.case(case)).await.said(), UNAUTHENTIC, "{case}");
    }
    assert_eq!(harness.faults.total(), 1, "the secrets, when it was warmed up");
}

#[tokio::test]
async fn a_thousand_forged_requests_fetch_the_secrets_once_a_minute() {
    let harness = Harness::warm().await;
    let forged = harness.case("github-forged");
    for _ in 0..1_000 {
        harness.send(&forged).await;
        harness.clock.advance(std::time::Duration::from_millis(180));
    }
    assert_eq!((harness.calls(), harness.count(Call::Fetch)), (0, 3), "INIT, and twice in three minutes");
}

/// The numbers of `docs/decisions/0007-many-events-per-delivery.md`.
#[tokio::test]
async fn a_delivery_of_many_events_is_one_call_for_each_and_one_for_ten() {
    for (events, sends, calls) in [(1, 1, 2), (10, 1, 11), (25, 3, 28)] {
        let harness = Harness::warm().await;
        let ids: Vec<String> = (0..events).map(|n| format!("m{n}")).collect();
        let delivery = harness.signed("whatsapp", statuses(&ids));
        assert_eq!(harness.send(&delivery).await.said(), TAKEN);
        let made = [Call::Record, Call::Send, Call::MarkEnqueued].map(|call| harness.count(call));
        assert_eq!((made, harness.calls()), ([events, sends, 0], calls));
        assert_eq!(harness.send(&delivery).await.said(), DUPLICATE);
        assert_eq!(harness.calls() - calls, events, "a duplicate is one call");
    }
}
