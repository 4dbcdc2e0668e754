//! Searches for stored events, with the real SDK and the embedded cloud.

use serde_json::value::RawValue;
use tidings_cli::dev::cloud::{CLAIMS_TABLE, Cloud, Options};
use tidings_cli::stack::Search;
use tidings_cli::stack::StoredFound;
use tidings_config::limits::MAX_STORED_EVENT_BYTES;
use tidings_config::time::Timestamp;
use tidings_core::claim::decide::Committed;
use tidings_core::claim::{ClaimKey, TimelineKey};
use tidings_core::context::Context;
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_core::memory::noted;
use tidings_core::ports::{Commit, ContextStore, DeadLetter, Entry};
use tidings_core::stored_event::StoredEvent;

struct World(Cloud);

const BEGIN_MS: i64 = 1_795_168_800_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_ms(BEGIN_MS + second * 1_000)
}

impl World {
    async fn new() -> Self {
        let options = Options { dynamodb_port: 0, data: None, secrets: "{}", api_secrets: "{}", visibility_timeout_seconds: 30 };
        Self(Cloud::start(options).await.expect("the embedded cloud"))
    }

    /// An event of a conversation, processed at this second. The events occurred in the reverse order.
    async fn processed(&self, id: &str, conversation: &str, second: i64, keep: bool) {
        let key = ClaimKey::new("orders", id);
        let envelope = Envelope::new(NewEnvelope {
            id: id.to_owned(),
            source: "orders".to_owned(),
            event_type: "order.shipped".to_owned(),
            subject: None,
            time: None,
            conversation: None,
            sequence: None,
            received: at(-second),
            claim_key: key.clone(),
            traceparent: None,
            payload: Payload::Json(RawValue::from_string("{}".to_owned()).unwrap()),
        });
        let commit = Commit {
            occurred: TimelineKey::new(at(-second), &key),
            event: StoredEvent::of(&envelope).filter(|_| keep),
            ..noted(&envelope, conversation, at(second))
        };
        assert_eq!(self.0.contexts().commit(&commit).await, Committed::Yes);
    }

    async fn dead(&self, id: &str, conversation: &str, second: i64) {
        let key = ClaimKey::new("orders", id);
        let dead_letter = DeadLetter {
            source: "orders".to_owned(),
            event_type: "order.shipped".to_owned(),
            at: at(second),
            reason: "no".to_owned(),
            receive_count: 5,
            entry: Some(Entry { conversation: conversation.to_owned(), occurred: TimelineKey::new(at(second), &key) }),
            trace_id: None,
            key,
        };
        self.0.contexts().dead_letter(&dead_letter).await.expect("an answer");
    }

    async fn find(&self, of: Option<&Context>, search: &Search, at_most: usize) -> StoredFound {
        self.0.reader().kept(of, search, at_most).await.expect("an answer")
    }
}

fn ids(found: &StoredFound) -> Vec<String> {
    found.events.iter().map(|event| event.envelope().expect("an envelope").id).collect()
}

#[tokio::test]
async fn the_events_processed_first_are_found_in_that_order() {
    let world = World::new().await;
    for (id, second) in [("c", 3), ("a", 1), ("d", 4), ("b2", 2), ("b1", 2)] {
        world.processed(id, "ann", second, true).await;
    }
    for at_most in [5, 6] {
        let found = world.find(None, &Search::default(), at_most).await;
        assert_eq!((ids(&found), found.cut), (["a", "b1", "b2", "c", "d"].map(str::to_owned).to_vec(), None));
    }
    let found = world.find(None, &Search::default(), 4).await;
    assert_eq!((ids(&found), found.cut), (["a", "b1", "b2", "c"].map(str::to_owned).to_vec(), Some(at(3))));
}

#[tokio::test]
async fn all_criteria_must_match_and_claims_without_an_event_are_counted() {
    let world = World::new().await;
    world.processed("a", "ann", 1, true).await;
    world.processed("b", "bob", 2, true).await;
    world.processed("c", "phone:1", 3, true).await;
    world.processed("off", "ann", 4, false).await;
    world.dead("dead", "ann", 5).await;
    // A row of an unknown version.
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let put = world.0.dynamodb.put_item().table_name(CLAIMS_TABLE).item("pk", text("orders#some")).item("state", text("day"));
    put.send().await.expect("an answer");

    let counts = |found: &StoredFound| (ids(found).concat(), found.without, found.dead, found.unknown);
    let all = Search::default();
    assert_eq!(counts(&world.find(None, &all, 9).await), ("abc".to_owned(), 1, 1, 1));
    let mut ann = Context::new("ann");
    assert_eq!(counts(&world.find(Some(&ann), &all, 9).await), ("a".to_owned(), 1, 1, 0));
    ann.identities.push("phone:1".to_owned());
    assert_eq!(counts(&world.find(Some(&ann), &all, 9).await), ("ac".to_owned(), 1, 1, 0));
    assert_eq!(counts(&world.find(Some(&Context::new("nobody")), &all, 9).await), (String::new(), 0, 0, 0));

    let key = |id: &str| Search { key: Some(ClaimKey::new("orders", id)), ..Search::default() };
    for (id, expected) in [("b", ("b", 0, 0)), ("off", ("", 1, 0)), ("dead", ("", 0, 1)), ("never", ("", 0, 0))] {
        let found = world.find(None, &key(id), 9).await;
        assert_eq!((ids(&found).concat().as_str(), found.without, found.dead), expected, "{id}");
    }
    assert_eq!(ids(&world.find(Some(&ann), &key("b"), 9).await), [""; 0], "it is another's");
    // The times of a search are those of processing.
    let since = Search { since: Some(at(2)), until: Some(at(3)), ..Search::default() };
    assert_eq!(counts(&world.find(None, &since, 9).await), ("bc".to_owned(), 0, 0, 1));
    let other = Search { source: Some("stripe".to_owned()), ..Search::default() };
    assert_eq!(counts(&world.find(None, &other, 9).await), (String::new(), 0, 0, 1));
}

/// Without stored events there is no cost: the row is the same as before this feature.
#[tokio::test]
async fn a_claim_without_a_stored_event_has_no_such_attribute() {
    let world = World::new().await;
    world.processed("off", "ann", 1, false).await;
    world.processed("on", "ann", 2, true).await;
    let rows = world.0.dynamodb.scan().table_name(CLAIMS_TABLE).send().await.expect("an answer").items.unwrap();
    let names = |id: &str| {
        let row = rows.iter().find(|row| row["pk"].as_s().unwrap().ends_with(id)).unwrap();
        row.keys().map(String::as_str).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(names("on").difference(&names("off")).collect::<Vec<_>>(), [&"event"]);
    assert!(names("off").is_subset(&names("on")));
}

/// More than a page of a scan or a query, which is a megabyte.
#[tokio::test]
async fn every_page_is_read() {
    let world = World::new().await;
    let large = "x".repeat(MAX_STORED_EVENT_BYTES);
    for n in 0..40 {
        world.processed(&format!("{n:02}"), "ann", n, true).await;
        let text = aws_sdk_dynamodb::types::AttributeValue::S(large.clone());
        let update = world.0.dynamodb.update_item().table_name(CLAIMS_TABLE);
        let key = aws_sdk_dynamodb::types::AttributeValue::S(format!("orders#{n:02}"));
        let update = update.key("pk", key).update_expression("SET event = :event").expression_attribute_values(":event", text);
        update.send().await.expect("an answer");
    }
    for of in [None, Some(&Context::new("ann"))] {
        assert_eq!(world.find(of, &Search::default(), 99).await.events.len(), 40);
    }
}
