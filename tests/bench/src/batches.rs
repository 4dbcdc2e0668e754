//! Batches of events as the event source mapping hands them to the processor: the corpus's own records, each with an id, a
//! conversation and a time of its own.

use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const CORPUS: &str = include_str!("../../../events/sqs/batch.json");

/// An event of each kind: its type, and whether its rule sends an action.
const PRICED: &str = "order.priced";
const MENTIONED: &str = "app_mention";

/// Whose the events of a batch are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conversations {
    /// All are one conversation's, and about one entity.
    One,
    /// Each is of a conversation of its own.
    Many,
}

/// The first record of the corpus with an event of this type, and the event.
#[derive(Debug)]
pub(crate) struct Template {
    record: Value,
    event: Value,
}

impl Template {
    /// Of an event that sets two facts; and, if there are to be actions, sends one.
    pub(crate) fn new(actions: bool) -> Option<Self> {
        let wanted = if actions { MENTIONED } else { PRICED };
        let corpus: Value = serde_json::from_str(CORPUS).ok()?;
        corpus["Records"].as_array()?.iter().find_map(|record| {
            let event: Value = serde_json::from_str(record["body"].as_str()?).ok()?;
            (event["type"] == wanted).then(|| Self { record: record.clone(), event })
        })
    }

    /// A batch. `number` tells its events from those of other batches.
    pub(crate) fn batch(&self, number: u64, events: usize, conversations: Conversations) -> Bytes {
        let now = Timestamp::now();
        let records = (0..events as u64).map(|n| {
            let id = number * 1000 + n;
            let conversation = match conversations {
                Conversations::One => number,
                Conversations::Many => id,
            };
            let event = self.event(
                id,
                conversation,
                now - SignedDuration::from_millis(i64::try_from(events as u64 - n).unwrap_or_default()),
            );
            let mut record = self.record.clone();
            record["messageId"] = json!(format!("00000000-0000-4000-8000-{id:012}"));
            record["receiptHandle"] = json!(format!("receipt-{id}"));
            record["body"] = json!(event.to_string());
            let ms = json!(now.as_millisecond().to_string());
            record["attributes"]["SentTimestamp"] = ms.clone();
            record["attributes"]["ApproximateFirstReceiveTimestamp"] = ms;
            record
        });
        Bytes::from(json!({ "Records": records.collect::<Vec<_>>() }).to_string())
    }

    /// What it tells happened at this time: those of a batch one after the other.
    fn event(&self, id: u64, conversation: u64, time: Timestamp) -> Value {
        let mut event = self.event.clone();
        let source = event["source"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default().to_owned();
        event["id"] = json!(format!("bench-{id}"));
        event["claimkey"] = json!(format!("{source}#bench-{id}"));
        event["time"] = json!(format!("{time:.3}"));
        event["receivedtime"] = event["time"].clone();
        if event["type"] == PRICED {
            event["subject"] = json!(format!("order/{conversation}"));
            event["partitionkey"] = event["subject"].clone();
            event["data"]["id"] = event["id"].clone();
            event["data"]["order"]["id"] = json!(conversation.to_string());
            event["data"]["order"]["customer_phone"] = json!(format!("+49171{:09}", conversation % 1_000_000_000));
        } else {
            let channel = format!("C0{conversation:08}");
            event["conversation"] = json!(format!("slack:{channel}"));
            event["partitionkey"] = event["conversation"].clone();
            event["data"]["event_id"] = event["id"].clone();
            event["data"]["event"]["channel"] = json!(channel);
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_batch_is_of_one_conversation_or_of_one_for_each_event() {
        for (conversations, expected) in [(Conversations::One, 1), (Conversations::Many, 10)] {
            for actions in [false, true] {
                let batch: Value = serde_json::from_slice(&Template::new(actions).unwrap().batch(3, 10, conversations)).unwrap();
                let events = batch["Records"].as_array().unwrap().iter();
                let events: Vec<Value> = events.map(|r| serde_json::from_str(r["body"].as_str().unwrap()).unwrap()).collect();
                let distinct = |name: &str| events.iter().map(|event| event[name].to_string()).collect::<BTreeSet<_>>().len();
                assert_eq!((distinct("claimkey"), distinct("partitionkey")), (10, expected), "{conversations:?}, {actions}");
            }
        }
    }
}
