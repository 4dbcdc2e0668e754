//! What the stores of the publisher promise: one suite for each, over any adapter.

use publisher::delivery::{Attempt, AttemptResult, Delivery, DeliveryKey, DeliveryState};
use publisher::endpoint::{EndpointRecord, Status};
use publisher::limits::{DUE_PARTITIONS, EVENT_PART_BYTES};
use publisher::ports::{Claimed, DeliveryStore, Due, EndpointStore, StoredMessage};
use std::time::Duration;
use tidings_config::endpoint::{BodyForm, Endpoint, EndpointId};
use tidings_config::limits::{MAX_MESSAGE_BYTES, MAX_TIMER_DELAY};
use tidings_config::rules::Priority;
use tidings_config::time::Timestamp;
use tidings_core::ports::Replaced;

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

fn id(name: &str) -> EndpointId {
    EndpointId::of_name(name).expect("a name")
}

fn endpoint(name: &str) -> Endpoint {
    Endpoint {
        id: id(name),
        url: "https://example.com/".to_owned(),
        events: vec!["order.*".parse().expect("a pattern")],
        when: Some("data.total > 1".to_owned()),
        priority: Priority::Urgent,
        description: Some("ä".to_owned()),
        secret: None,
        format: BodyForm::Standard,
        ed25519: true,
        headers: [("X-Team".to_owned(), "crm".to_owned())].into(),
    }
}

/// A record is written if its version is the one that was read.
pub async fn endpoint_store(store: &dyn EndpointStore) {
    assert_eq!(store.all().await.expect("an answer"), []);
    assert_eq!(store.get(&id("crm")).await.expect("an answer"), None);
    let new = EndpointRecord { id: id("crm"), endpoint: Some(endpoint("crm")), status: Status::default(), version: None };
    assert_eq!(store.put(&new).await, Ok(Replaced::Yes));
    assert_eq!(store.put(&new).await, Ok(Replaced::Changed), "it exists");
    let read = store.get(&id("crm")).await.expect("an answer").expect("a record");
    assert_eq!((&read.endpoint, &read.status), (&new.endpoint, &new.status));
    let disabled = EndpointRecord { status: read.status.disabled(NOW), ..read.clone() };
    assert_eq!(store.put(&disabled).await, Ok(Replaced::Yes));
    assert_eq!(store.put(&disabled).await, Ok(Replaced::Changed), "another version was read");
    let of_file = EndpointRecord { id: id("a"), endpoint: None, status: Status::default(), version: None };
    assert_eq!(store.put(&of_file).await, Ok(Replaced::Yes));
    let all = store.all().await.expect("an answer");
    assert_eq!(all.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), ["ep_a", "ep_crm"]);
    assert_eq!(all[1].status, disabled.status);
    store.delete(&id("crm")).await.expect("an answer");
    store.delete(&id("crm")).await.expect("that there is none isn't an error");
    assert_eq!(store.get(&id("crm")).await.expect("an answer"), None);
    assert_eq!(store.all().await.expect("an answer").len(), 1);
}

fn delivery(n: u64) -> Delivery {
    Delivery {
        key: DeliveryKey { endpoint: id("crm"), delivery: format!("{n:015}-msg_{n}") },
        webhook_id: format!("msg_{n}"),
        event_type: "order.paid".to_owned(),
        conversation: Some("web:ann".to_owned()),
        state: DeliveryState::Pending,
        attempts: 0,
        before: 0,
        created: NOW,
        started: None,
        due: None,
        log: Vec::new(),
        version: None,
    }
}

async fn due(store: &dyn DeliveryStore, by: Timestamp, at_most: usize) -> Vec<Due> {
    let mut all = Vec::new();
    for partition in 0..DUE_PARTITIONS {
        all.extend(store.due(partition, by, at_most).await.expect("an answer"));
    }
    all
}

/// A delivery is claimed once, changes by its version, and is found by its time if that is far away.
pub async fn delivery_store(store: &dyn DeliveryStore) {
    assert_eq!(store.event(&delivery(1)).await, Ok(None));
    let large = format!("{}ä", "ä".repeat(EVENT_PART_BYTES)).chars().take(MAX_MESSAGE_BYTES / 2).collect::<String>();
    for (n, message) in [(1, "{}"), (2, large.as_str())] {
        for conversation in [Some("web:ann"), None] {
            let of = Delivery { conversation: conversation.map(str::to_owned), ..delivery(n) };
            assert_eq!(store.event(&of).await, Ok(None), "another conversation's");
            for endpoints in [[id("crm")], [id("erp")]] {
                let (webhook_id, sort) = (of.webhook_id.as_str(), of.key.delivery.as_str());
                let event = StoredMessage { webhook_id, conversation, delivery: sort, endpoints: &endpoints, message };
                store.put_event(&event, NOW).await.expect("an answer");
            }
            assert_eq!(store.event(&of).await.expect("an answer").as_deref(), Some(message));
        }
    }

    let one = delivery(1);
    assert_eq!(store.get(&one.key).await, Ok(None));
    assert_eq!(store.claim(&one, NOW).await, Ok(Claimed::New));
    let Ok(Claimed::Before(before)) = store.claim(&Delivery { attempts: 5, ..one.clone() }, NOW).await else {
        panic!("claimed twice")
    };
    let read = store.get(&one.key).await.expect("an answer").expect("a delivery");
    assert_eq!((*before, read.attempts), (read.clone(), 0));
    assert_eq!(Delivery { version: None, ..read.clone() }, one);

    let attempt = Attempt {
        number: 1,
        at: NOW,
        ms: 12,
        status: Some(503),
        result: AttemptResult::Refused,
        reason: None,
        answer: "down \u{fffd} \"quoted\"".to_owned(),
    };
    let far = NOW.plus(MAX_TIMER_DELAY + Duration::from_secs(1));
    let waits = Delivery { attempts: 1, due: Some(far), log: vec![attempt], ..read.clone() };
    assert_eq!(store.replace(&waits, NOW).await, Ok(Replaced::Yes));
    assert_eq!(store.replace(&waits, NOW).await, Ok(Replaced::Changed), "another version was read");
    let read = store.get(&one.key).await.expect("an answer").expect("a delivery");
    assert_eq!(Delivery { version: waits.version, ..read.clone() }, waits);

    let found = vec![Due { key: one.key.clone(), due: far, attempts: 1 }];
    assert_eq!(due(store, far, 10).await, found);
    assert_eq!(due(store, far.minus(Duration::from_millis(1)), 10).await, []);
    store.sent(&Due { due: NOW, ..found[0].clone() }).await.expect("it has changed since, which isn't an error");
    assert_eq!(due(store, far, 10).await, found);
    store.sent(&found[0]).await.expect("an answer");
    store.sent(&found[0]).await.expect("the same again");
    assert_eq!(due(store, far, 10).await, []);
    assert_eq!(store.get(&one.key).await.expect("an answer").expect("a delivery"), read, "nothing else has changed");

    let near = Delivery { due: Some(NOW.plus(MAX_TIMER_DELAY)), ..read.clone() };
    assert_eq!(store.replace(&near, NOW).await, Ok(Replaced::Yes));
    assert_eq!(due(store, far, 10).await, [], "a queue can wait so long");

    for n in 2..=7 {
        let one = delivery(n);
        assert_eq!(store.claim(&one, NOW).await, Ok(Claimed::New));
        let one = store.get(&one.key).await.expect("an answer").expect("a delivery");
        let failed = Delivery { state: DeliveryState::Failed, ..one };
        if n % 2 == 0 {
            assert_eq!(store.replace(&failed, NOW).await, Ok(Replaced::Yes));
        }
    }
    let listed = async |state, at_most| {
        let (mut all, mut from) = (Vec::new(), None::<String>);
        loop {
            let page = store.list(&id("crm"), state, from.as_deref(), at_most).await.expect("an answer");
            all.extend(page.deliveries.into_iter().map(|one| one.webhook_id));
            from = page.next;
            if from.is_none() {
                return all;
            }
        }
    };
    for at_most in [1, 2, 3, 100] {
        assert_eq!(listed(None, at_most).await, ["msg_7", "msg_6", "msg_5", "msg_4", "msg_3", "msg_2", "msg_1"], "{at_most}");
        assert_eq!(listed(Some(DeliveryState::Failed), at_most).await, ["msg_6", "msg_4", "msg_2"], "{at_most}");
    }
    assert_eq!(store.list(&id("other"), None, None, 10).await.expect("an answer").deliveries, []);
}
