//! DynamoDB, SQS and Secrets Manager as they answer when all is well. It keeps nothing but counts: no answer gets slower with what was
//! written before.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, Response, StatusCode};
use md5::{Digest, Md5};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tidings_lambda::serve::{Answer, Service};

/// The public demo secrets of the corpus.
pub(crate) const SECRETS: &str = include_str!("../../../events/secrets.json");

/// Calls of one operation, and the bytes of their bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Count {
    pub(crate) calls: u64,
    pub(crate) request_bytes: u64,
    pub(crate) answer_bytes: u64,
}

/// By operation, as in `dynamodb:PutItem`.
pub(crate) type Counts = BTreeMap<String, Count>;

/// AWS for one program.
#[derive(Debug, Default)]
pub(crate) struct Aws {
    counts: Mutex<Counts>,
    /// Whether what a put with a condition wants to write is there already.
    known: AtomicBool,
    number: AtomicU64,
    problems: Mutex<Vec<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Aws {
    pub(crate) fn set_known(&self, known: bool) {
        self.known.store(known, Ordering::Relaxed);
    }

    /// The counts since the last time.
    pub(crate) fn take_counts(&self) -> Counts {
        std::mem::take(&mut *lock(&self.counts))
    }

    /// Calls that no answer is known for.
    pub(crate) fn problems(&self) -> Vec<String> {
        lock(&self.problems).clone()
    }

    fn respond(&self, target: &str, body: &[u8]) -> (StatusCode, Value) {
        let parsed = || serde_json::from_slice::<Value>(body).unwrap_or_default();
        match target {
            "DynamoDB_20120810.PutItem" if self.known.load(Ordering::Relaxed) => lost(parsed()),
            "DynamoDB_20120810.PutItem"
            | "DynamoDB_20120810.UpdateItem"
            | "DynamoDB_20120810.GetItem"
            | "DynamoDB_20120810.DeleteItem"
            | "DynamoDB_20120810.TransactWriteItems" => (StatusCode::OK, json!({})),
            "DynamoDB_20120810.BatchGetItem" => {
                let asked = parsed();
                let tables = asked["RequestItems"].as_object().into_iter().flatten();
                let responses: serde_json::Map<_, _> = tables.map(|(table, _)| (table.clone(), json!([]))).collect();
                (StatusCode::OK, json!({ "Responses": responses, "UnprocessedKeys": {} }))
            }
            "DynamoDB_20120810.Query" => (StatusCode::OK, json!({ "Items": [], "Count": 0, "ScannedCount": 0 })),
            "AmazonSQS.SendMessage" => (StatusCode::OK, self.sent(&parsed())),
            "AmazonSQS.SendMessageBatch" => {
                let asked = parsed();
                let entries = asked["Entries"].as_array().into_iter().flatten();
                let sent = entries.map(|entry| {
                    let mut sent = self.sent(entry);
                    sent["Id"] = entry["Id"].clone();
                    sent
                });
                (StatusCode::OK, json!({ "Successful": sent.collect::<Vec<_>>() }))
            }
            "secretsmanager.GetSecretValue" => {
                let asked = parsed();
                let answer = json!({
                    "ARN": asked["SecretId"],
                    "Name": "tidings",
                    "VersionId": "EXAMPLE1-90ab-cdef-fedc-ba987SECRET1",
                    "SecretString": SECRETS,
                    "VersionStages": ["AWSCURRENT"],
                    "CreatedDate": 1_795_190_400.0,
                });
                (StatusCode::OK, answer)
            }
            unknown => {
                lock(&self.problems).push(format!("the harness's AWS has no {unknown}"));
                (StatusCode::BAD_REQUEST, json!({ "__type": "UnknownOperationException" }))
            }
        }
    }

    /// The answer to one message. An SDK compares the hash.
    fn sent(&self, message: &Value) -> Value {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let body = message["MessageBody"].as_str().unwrap_or_default();
        let mut sent = json!({
            "MessageId": format!("219f8380-5770-4cc2-8c3e-{number:012x}"),
            "MD5OfMessageBody": hex::encode(Md5::digest(body.as_bytes())),
        });
        if message["MessageGroupId"].is_string() {
            sent["SequenceNumber"] = json!(format!("{:020}", 10_000_000_000_000_000_000_u64 + number));
        }
        sent
    }
}

/// The put's item is there already, and got further since.
fn lost(put: Value) -> (StatusCode, Value) {
    let mut answer = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "message": "The conditional request failed",
    });
    if put["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD" {
        let mut item = put["Item"].clone();
        item["state"] = json!({ "S": "processed" });
        answer["Item"] = item;
    }
    (StatusCode::BAD_REQUEST, answer)
}

/// `dynamodb:PutItem` of `DynamoDB_20120810.PutItem`.
fn operation(target: &str) -> String {
    let (service, name) = target.split_once('.').unwrap_or((target, ""));
    let service = match service {
        "DynamoDB_20120810" => "dynamodb",
        "AmazonSQS" => "sqs",
        other => other,
    };
    format!("{service}:{name}")
}

impl Service for Aws {
    async fn answer(&self, request: Request<Bytes>) -> Answer {
        let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or("none").to_owned();
        let (status, answer) = self.respond(&target, request.body());
        let answer = answer.to_string();
        let mut counts = lock(&self.counts);
        let count = counts.entry(operation(&target)).or_default();
        count.calls += 1;
        count.request_bytes += request.body().len() as u64;
        count.answer_bytes += answer.len() as u64;
        drop(counts);
        let content_type =
            if target.starts_with("secretsmanager") { "application/x-amz-json-1.1" } else { "application/x-amz-json-1.0" };
        let response = Response::builder()
            .status(status)
            .header("Server", "Server")
            .header("Content-Type", content_type)
            .header("x-amzn-RequestId", "0ADR5NNKL9DCJ1K4UV8S02CJHNVV4KQNSO5AEMVJF66Q9ASUAAJG")
            .header("x-amz-crc32", crc32fast::hash(answer.as_bytes()).to_string());
        response.body(Full::new(Bytes::from(answer))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_put_is_refused_with_the_item_that_it_would_have_written() {
        let aws = Aws::default();
        let put = br#"{"Item":{"pk":{"S":"a"},"state":{"S":"received"}},"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}"#;
        assert_eq!(aws.respond("DynamoDB_20120810.PutItem", put), (StatusCode::OK, json!({})));
        aws.set_known(true);
        let (status, answer) = aws.respond("DynamoDB_20120810.PutItem", put);
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(answer["Item"], json!({ "pk": { "S": "a" }, "state": { "S": "processed" } }));
        let silent = aws.respond("DynamoDB_20120810.PutItem", br#"{"Item":{"pk":{"S":"a"}}}"#);
        assert!(silent.1.get("Item").is_none(), "who doesn't ask for the item isn't given it");
    }

    #[test]
    fn every_entry_of_a_batch_is_acknowledged_with_its_hash() {
        let batch = br#"{"Entries":[{"Id":"0","MessageBody":"a"},{"Id":"1","MessageBody":"b"}]}"#;
        let (_, answer) = Aws::default().respond("AmazonSQS.SendMessageBatch", batch);
        assert_eq!(answer["Successful"][1]["Id"], "1");
        assert_eq!(answer["Successful"][0]["MD5OfMessageBody"], "0cc175b9c0f1b6a831c399e269772661");
    }

    #[test]
    fn a_call_that_the_harness_does_not_know_is_a_problem() {
        let aws = Aws::default();
        assert_eq!(aws.respond("DynamoDB_20120810.Scan", b"{}").0, StatusCode::BAD_REQUEST);
        assert_eq!(aws.problems(), ["the harness's AWS has no DynamoDB_20120810.Scan"]);
    }
}
