//! Event times that can't be written, and the promise that whatever the receiver sends can be read again.

use crate::support::{ACCEPTED, Harness};
use proptest::prelude::*;
use serde_json::{Value, json};
use tidings_config::time::{MAX_RFC3339, MIN_RFC3339, Timestamp};
use tidings_core::claim::EventField;
use tidings_core::envelope::Envelope;
use tidings_core::memory::log::{counted, lines_with};
use tidings_core::telemetry::Metric;

/// Attack 9, and times that are no times.
#[tokio::test]
async fn an_unwritable_time_becomes_the_time_of_receipt_and_is_counted() {
    let last = MAX_RFC3339.unix_s();
    for (at, read) in [
        (json!(last), Timestamp::from_unix_s(last)),
        (json!(last + 1), None),
        (json!(253_402_300_800_i64), None),
        (json!(1_795_168_800_000_i64), None),
        (json!(1_795_168_800_000_000_i64), None),
        (json!(1_795_168_800_000_000_000_i64), None),
        (json!(i64::MAX), None),
        (json!(u64::MAX), None),
        (json!(-1), None),
        (json!(1.5), Some(Timestamp::from_unix_ms(1_500))),
        (json!("1.5x"), None),
        (json!("soon"), None),
        (json!(true), None),
        (json!(0), Timestamp::from_unix_s(0)),
    ] {
        let harness = Harness::warm().await;
        let before = counted(Metric::FieldUnread).len();
        let answer = harness.send(&harness.signed("clocked", json!({"id": "1", "at": at}).to_string())).await;
        assert_eq!(answer.said(), ACCEPTED, "{at}");
        let event = &harness.queued()[0];
        assert_eq!(
            (event.time, event.order().time),
            (read, read.filter(|t| *t <= event.receivedtime).unwrap_or(event.receivedtime)),
            "{at}"
        );
        let unread: Vec<EventField> = read.is_none().then_some(EventField::Time).into_iter().collect();
        let counts = counted(Metric::FieldUnread).split_off(before);
        assert_eq!(counts, vec![("clocked".to_owned(), "time".to_owned(), 1); unread.len()], "{at}");
        assert_eq!(harness.claim("clocked#1").unwrap().unread, unread, "{at}");
    }
    assert!(lines_with(&["message=unreadable fields", "claim_key=clocked#1", "fields=\"time\""]) > 0);
    assert!(lines_with(&["step=\"unread\"", "fields=\"time\""]) > 0, "`dev` shows it");
}

#[tokio::test]
async fn a_year_before_zero_becomes_the_time_of_receipt() {
    let first = MIN_RFC3339.to_string();
    for (at, read) in [
        (first.as_str(), Some(MIN_RFC3339)),
        ("-000001-12-31T23:59:59.999Z", None),
        ("-009999-01-01T00:00:00Z", None),
        ("+010000-01-01T00:00:00Z", None),
        ("2026-11-20 10:00", None),
    ] {
        let harness = Harness::warm().await;
        harness.send(&harness.signed("dated", json!({"id": "1", "at": at}).to_string())).await;
        assert_eq!(harness.queued()[0].time, read, "{at}");
    }
    let harness = Harness::warm().await;
    let before = counted(Metric::FieldUnread).len();
    for absent in [json!({"id": "1"}), json!({"id": "2", "at": null}), json!({"id": "3", "at": ""})] {
        harness.send(&harness.signed("dated", absent.to_string())).await;
    }
    assert_eq!((counted(Metric::FieldUnread).len(), harness.queued().len()), (before, 3), "what isn't there isn't wrong");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[0-9+TZ:.-]{0,30}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("id|at|type|events|shared|occurred_at|order|sequence|.{0,3}", inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Every queued message can be processed, and no authentic delivery is refused.
    #[test]
    fn every_message_is_read_as_it_was_written(
        body in prop_oneof![value().prop_map(|v| v.to_string().into_bytes()), proptest::collection::vec(any::<u8>(), 0..40)],
        at in value(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let harness = Harness::warm().await;
            let mut sent = 0;
            for source in ["clocked", "dated", "orders", "many", "batch", "whatsapp"] {
                let timed = json!({"id": "1", "type": "a.b", "at": at, "occurred_at": at, "events": [{"type": "t"}, at]}).to_string();
                for body in [body.clone(), timed.into_bytes()] {
                    let answer = harness.send(&harness.signed(source, body)).await;
                    prop_assert!([200, 202].contains(&answer.status), "{source}: {answer:?}");
                }
                let messages = harness.queue.drain();
                sent += messages.len();
                for message in messages {
                    let read = Envelope::decode(&message);
                    prop_assert!(read.is_ok(), "{source}: {read:?}: {message}");
                    prop_assert_eq!(read.unwrap().encode(), message);
                }
            }
            prop_assert!(sent >= 6);
            Ok(())
        })?;
    }
}
