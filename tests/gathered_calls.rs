//! Simultaneous requests of a batch's records are one call of AWS: the deployed adapters, with recorded responses.

use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tidings_config::rules::Priority;
use tidings_core::action::{Action, ActionId};
use tidings_core::aws::{DynamoContexts, SqsActions};
use tidings_core::claim::ClaimKey;
use tidings_core::context::{ItemKey, Place};
use tidings_core::ports::{ActionQueue, ContextStore};
use tidings_tests::answers::{Service, answered_by};

const TABLE: &str = "context";

/// The SDK doesn't compute this hash.
const MD5: &str = "99914b932bd37a50b983c5e7c90ae93b";

/// A table with an outbox for each conversation. Each partition in `throttled` is left unprocessed for that many calls.
/// The item in `unreadable` isn't a valid one.
#[derive(Default)]
struct Table {
    calls: Mutex<Vec<Vec<String>>>,
    throttled: Mutex<BTreeMap<String, usize>>,
    unreadable: Option<String>,
}

impl Table {
    /// The partitions of each call.
    fn calls(&self) -> Vec<Vec<String>> {
        self.calls.lock().unwrap().clone()
    }
}

impl Service for Table {
    fn answer(&self, operation: &str, body: &[u8]) -> (u16, String) {
        assert_eq!(operation, "DynamoDB_20120810.BatchGetItem");
        let request: Value = serde_json::from_slice(body).unwrap();
        let of = &request["RequestItems"][TABLE];
        assert_eq!(of["ConsistentRead"], true);
        let keys = of["Keys"].as_array().unwrap();
        assert!(keys.len() <= 100, "DynamoDB's own bound");
        let partition = |key: &Value| key["pk"]["S"].as_str().unwrap().to_owned();
        self.calls.lock().unwrap().push(keys.iter().map(partition).collect());
        let (mut rows, mut left) = (Vec::new(), Vec::new());
        for key in keys {
            let mut throttled = self.throttled.lock().unwrap();
            match throttled.get_mut(&partition(key)) {
                Some(times) if *times > 0 => {
                    *times -= 1;
                    left.push(key.clone());
                }
                _ => {
                    let state = if self.unreadable == Some(partition(key)) { "[" } else { r#"{"next":7}"# };
                    rows.push(json!({"pk": key["pk"], "sk": key["sk"], "version": {"N": "3"}, "state": {"S": state}}));
                }
            }
        }
        let mut answer = json!({"Responses": {TABLE: rows}, "UnprocessedKeys": {}});
        if !left.is_empty() {
            answer["UnprocessedKeys"] = json!({TABLE: {"Keys": left, "ConsistentRead": true}});
        }
        (200, answer.to_string())
    }
}

async fn contexts(table: &Arc<Table>) -> DynamoContexts {
    let client = aws_sdk_dynamodb::Client::new(&answered_by(table).await);
    DynamoContexts::new(client, "claims".to_owned(), TABLE.to_owned())
}

fn outbox(conversation: &str) -> BTreeSet<Place> {
    BTreeSet::from([Place::new(conversation, ItemKey::Outbox)])
}

/// For each conversation, whether its outbox was read.
async fn load_all(contexts: &DynamoContexts, conversations: &[String]) -> Vec<Result<bool, String>> {
    let load = |name: &String| {
        let places = outbox(name);
        async move {
            let items = contexts.load(&places).await.map_err(|error| error.to_string())?;
            Ok(items.keys().cloned().collect::<BTreeSet<_>>() == places)
        }
    };
    join_all(conversations.iter().map(load)).await
}

fn names(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("c{n:03}")).collect()
}

#[tokio::test]
async fn loads_of_a_batch_take_one_call_and_each_gets_its_own_items() {
    let table = Arc::new(Table::default());
    let contexts = contexts(&table).await;
    let mut asked = names(0..10);
    // Two records of one conversation: DynamoDB refuses a duplicate key.
    asked.push("c003".to_owned());
    assert_eq!(load_all(&contexts, &asked).await, vec![Ok(true); 11]);
    assert_eq!(table.calls(), [names(0..10)]);
    assert!(contexts.load(&BTreeSet::new()).await.unwrap().is_empty());
    assert_eq!(table.calls().len(), 1, "nothing is asked for nothing");
}

#[tokio::test]
async fn keys_beyond_a_calls_maximum_take_more_calls() {
    let table = Arc::new(Table::default());
    let contexts = contexts(&table).await;
    assert_eq!(load_all(&contexts, &names(0..101)).await, vec![Ok(true); 101]);
    assert_eq!(table.calls(), [names(0..100), names(100..101)]);
}

#[tokio::test]
async fn only_records_that_load_a_throttled_partition_wait_or_fail() {
    let throttled = |times| Mutex::new(BTreeMap::from([("c001".to_owned(), times)]));
    let table = Arc::new(Table { throttled: throttled(2), ..Table::default() });
    assert_eq!(load_all(&contexts(&table).await, &names(0..3)).await, vec![Ok(true); 3]);
    assert_eq!(table.calls(), [names(0..3), names(1..2), names(1..2)]);

    let table = Arc::new(Table { throttled: throttled(100), ..Table::default() });
    let answers = load_all(&contexts(&table).await, &names(0..3)).await;
    assert_eq!((&answers[0], &answers[2]), (&Ok(true), &Ok(true)));
    assert!(answers[1].as_ref().unwrap_err().contains("throttled"), "{answers:?}");
    assert_eq!(table.calls().len(), 4, "it isn't asked for without end");
}

#[tokio::test]
async fn an_unreadable_item_fails_only_the_records_that_load_it() {
    let table = Arc::new(Table { unreadable: Some("c001".to_owned()), ..Table::default() });
    let answers = load_all(&contexts(&table).await, &names(0..3)).await;
    assert_eq!((&answers[0], &answers[2]), (&Ok(true), &Ok(true)));
    assert!(answers[1].as_ref().unwrap_err().contains("unknown version"), "{answers:?}");
}

/// Has no items, and a claim for each event: processed, if it is one of the even ones. The first answer leaves one claim out.
#[derive(Default)]
struct Both {
    /// The number of items and of claims in each call.
    calls: Mutex<Vec<(usize, usize)>>,
}

impl Service for Both {
    fn answer(&self, operation: &str, body: &[u8]) -> (u16, String) {
        assert_eq!(operation, "DynamoDB_20120810.BatchGetItem");
        let request: Value = serde_json::from_str(std::str::from_utf8(body).unwrap()).unwrap();
        let keys = |table: &str| request["RequestItems"][table]["Keys"].as_array().cloned().unwrap_or_default();
        let (items, mut claims) = (keys(TABLE), keys("claims"));
        assert!(claims.is_empty() || request["RequestItems"]["claims"]["ConsistentRead"] == true);
        let mut calls = self.calls.lock().unwrap();
        calls.push((items.len(), claims.len()));
        let left: Vec<Value> = if calls.len() == 1 { claims.drain(..1).collect() } else { Vec::new() };
        let row = |key: &Value| {
            let pk = key["pk"]["S"].as_str().unwrap();
            let state = if pk.ends_with(['0', '2', '4', '6', '8']) { "processed" } else { "received" };
            json!({"pk": key["pk"], "state": {"S": state}, "conversation": {"S": "ann"}, "links": {"L": []}})
        };
        let rows: Vec<Value> = claims.iter().map(row).collect();
        let mut answer = json!({"Responses": {TABLE: [], "claims": rows}, "UnprocessedKeys": {}});
        if !left.is_empty() {
            answer["UnprocessedKeys"] = json!({"claims": {"Keys": left, "ConsistentRead": true}});
        }
        (200, answer.to_string())
    }
}

#[tokio::test]
async fn items_and_the_claims_of_their_events_take_one_call() {
    let both = Arc::new(Both::default());
    let client = aws_sdk_dynamodb::Client::new(&answered_by(&both).await);
    let contexts = DynamoContexts::new(client, "claims".to_owned(), TABLE.to_owned());
    let events = names(0..10);
    let loads = events.iter().map(|name| {
        let (contexts, places, key) = (&contexts, outbox(name), ClaimKey::new("orders", name));
        async move { contexts.load_with_effect(&places, &key).await.unwrap().1.map(|effect| effect.conversation) }
    });
    let processed: Vec<_> = (0..10).map(|n| (n % 2 == 0).then(|| Some("ann".to_owned()))).collect();
    assert_eq!(join_all(loads).await, processed);
    assert_eq!(*both.calls.lock().unwrap(), [(10, 10), (0, 1)], "what is left out is asked for again");
}

/// Accepts actions except those of one group. Records the ids of each call.
#[derive(Default)]
struct Actions {
    calls: Mutex<Vec<Vec<String>>>,
    refused: Option<String>,
}

impl Service for Actions {
    fn answer(&self, operation: &str, body: &[u8]) -> (u16, String) {
        let request: Value = serde_json::from_slice(body).unwrap();
        let id = |message: &Value| message["MessageDeduplicationId"].as_str().unwrap().to_owned();
        match operation {
            "AmazonSQS.SendMessage" => {
                self.calls.lock().unwrap().push(vec![id(&request)]);
                (200, json!({"MessageId": "m", "MD5OfMessageBody": MD5, "SequenceNumber": "1"}).to_string())
            }
            "AmazonSQS.SendMessageBatch" => {
                let entries = request["Entries"].as_array().unwrap();
                assert!((2..=10).contains(&entries.len()), "{} entries", entries.len());
                let mut groups: Vec<&str> = entries.iter().map(|entry| entry["MessageGroupId"].as_str().unwrap()).collect();
                groups.sort_unstable();
                groups.dedup();
                assert_eq!(
                    groups.len(),
                    entries.len(),
                    "one of a conversation at a time: an entry that fails is overtaken by none"
                );
                self.calls.lock().unwrap().push(entries.iter().map(id).collect());
                let (refused, taken): (Vec<&Value>, Vec<&Value>) =
                    entries.iter().partition(|entry| self.refused.as_deref() == Some(&id(entry)));
                let taken: Vec<Value> =
                    taken.iter().map(|e| json!({"Id": e["Id"], "MessageId": "m", "MD5OfMessageBody": MD5})).collect();
                let refused: Vec<Value> =
                    refused.iter().map(|e| json!({"Id": e["Id"], "SenderFault": false, "Code": "InternalError"})).collect();
                (200, json!({"Successful": taken, "Failed": refused}).to_string())
            }
            other => panic!("nobody needs {other}"),
        }
    }
}

async fn actions(queue: &Arc<Actions>) -> SqsActions {
    SqsActions::new(aws_sdk_sqs::Client::new(&answered_by(queue).await), "https://sqs/actions.fifo".to_owned())
}

fn action(conversation: &str, n: usize) -> Action {
    let cause = ClaimKey::new("stripe", &format!("{conversation}-{n}"));
    Action {
        id: ActionId::new(&cause, "paid", "emit"),
        action_type: "order.paid".into(),
        rule: "paid".into(),
        subject: None,
        time: None,
        cause,
        priority: Priority::Normal,
        traceparent: None,
        by_provider: Vec::new(),
        data: json!({}),
    }
}

/// Each conversation sends three actions, each after the previous one is acknowledged, and stops at the first failure.
/// Returns the number for each.
async fn send_all(queue: &SqsActions, conversations: &[String]) -> Vec<usize> {
    let three = |conversation: &String| {
        let all: Vec<Action> = (0..3).map(|n| action(conversation, n)).collect();
        let conversation = conversation.clone();
        async move {
            for (n, action) in all.iter().enumerate() {
                if queue.send(&conversation, n as u64, action).await.is_err() {
                    return n;
                }
            }
            all.len()
        }
    };
    join_all(conversations.iter().map(three)).await
}

#[tokio::test]
async fn actions_of_a_batch_take_one_call_for_each_position_in_a_conversation() {
    let queue = Arc::new(Actions::default());
    assert_eq!(send_all(&actions(&queue).await, &names(0..10)).await, [3; 10]);
    assert_eq!(queue.calls.lock().unwrap().iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 10]);
}

#[tokio::test]
async fn actions_beyond_a_batch_take_more_calls_and_a_single_one_is_sent_alone() {
    let queue = Arc::new(Actions::default());
    assert_eq!(send_all(&actions(&queue).await, &names(0..11)).await, [3; 11]);
    let calls: Vec<usize> = queue.calls.lock().unwrap().iter().map(Vec::len).collect();
    assert_eq!((&calls[..2], calls.iter().sum::<usize>()), (&[10, 1][..], 33), "{calls:?}");
    assert!(calls.iter().all(|entries| *entries <= 10), "{calls:?}");
}

#[tokio::test]
async fn a_failed_entry_fails_only_its_conversation() {
    let refused = action("c004", 1).id.as_str().to_owned();
    let queue = Arc::new(Actions { refused: Some(refused.clone()), ..Actions::default() });
    let mut expected = [3; 10];
    expected[4] = 1;
    assert_eq!(send_all(&actions(&queue).await, &names(0..10)).await, expected);
    let after = action("c004", 2).id.as_str().to_owned();
    let calls = queue.calls.lock().unwrap();
    assert!(calls.iter().flatten().any(|id| *id == refused) && !calls.iter().flatten().any(|id| *id == after));
}
