//! SQS's responses to a batch, and how the adapter handles them. The embedded SQS accepts a whole batch or none of it,
//! so these responses are recorded. The real SDK and the real adapter read them.

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tidings_core::aws::SqsQueue;
use tidings_core::ports::EventQueue;
use tidings_core::trace::Trace;
use tidings_tests::answers::{Service, answered_by};

const QUEUE_URL: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/tidings-events";

/// An SQS with these responses in order. It records the requests.
#[derive(Default)]
struct Recorded {
    answers: Mutex<VecDeque<(u16, String)>>,
    requests: Mutex<Vec<(String, Value)>>,
}

impl Recorded {
    /// Operation and body of each request.
    fn requests(&self) -> Vec<(String, Value)> {
        self.requests.lock().unwrap().clone()
    }
}

impl Service for Recorded {
    fn answer(&self, operation: &str, body: &[u8]) -> (u16, String) {
        self.requests.lock().unwrap().push((operation.to_owned(), serde_json::from_slice(body).unwrap()));
        self.answers.lock().unwrap().pop_front().expect("an answer for each request")
    }
}

/// The deployed adapter, over an SQS with these answers.
async fn queue(answers: impl IntoIterator<Item = (u16, Value)>) -> (SqsQueue, Arc<Recorded>) {
    let answers = answers.into_iter().map(|(status, body)| (status, body.to_string())).collect();
    queue_saying(answers).await
}

async fn queue_saying(answers: VecDeque<(u16, String)>) -> (SqsQueue, Arc<Recorded>) {
    let recorded = Arc::new(Recorded { answers: Mutex::new(answers), requests: Mutex::default() });
    (SqsQueue::new(aws_sdk_sqs::Client::new(&answered_by(&recorded).await), QUEUE_URL.to_owned()), recorded)
}

fn successful(id: &str) -> Value {
    json!({"Id": id, "MessageId": "a0e0be2d-2ab0-4c89-ab26-22de59f1de53", "MD5OfMessageBody": "99914b932bd37a50b983c5e7c90ae93b"})
}

fn failed(id: &str, sender_fault: bool, code: &str) -> Value {
    json!({"Id": id, "SenderFault": sender_fault, "Code": code, "Message": "the text canary-body-77ab isn't allowed"})
}

/// Per message: `None` if it is acknowledged, otherwise the reason.
async fn said_of(messages: &[&str], answer: Value) -> Vec<Option<String>> {
    let (queue, recorded) = queue([(200, answer)]).await;
    let said = queue.send(messages, None).await.into_iter().map(|answer| answer.err().map(|error| error.to_string())).collect();
    assert_eq!(recorded.requests().len(), 1, "one call, and an entry that failed isn't tried again");
    said
}

fn not_acknowledged(why: &str) -> Option<String> {
    Some(format!("sqs:SendMessage: in a batch: {why}"))
}

#[tokio::test]
async fn a_batch_is_one_call_with_an_entry_for_each_message() {
    let (queue, recorded) = queue([(200, json!({"Successful": [successful("0"), successful("1")], "Failed": []}))]).await;
    assert!(queue.send(&["{\"n\":0}", "{\"n\":1}"], None).await.iter().all(Result::is_ok));
    let entries = json!([{"Id": "0", "MessageBody": "{\"n\":0}"}, {"Id": "1", "MessageBody": "{\"n\":1}"}]);
    let asked = ("AmazonSQS.SendMessageBatch".to_owned(), json!({"QueueUrl": QUEUE_URL, "Entries": entries}));
    assert_eq!(recorded.requests(), [asked]);
}

/// SQS hands out the messages of quiet groups first.
#[tokio::test]
async fn a_fair_queues_messages_name_their_source_and_no_other_queues_do() {
    let long = format!("{{\"source\":\"/webhooks/{}\"}}", "s".repeat(120));
    let messages =
        ["{\"id\":\"1\",\"source\":\"/webhooks/stripe\"}", "{\"id\":\"2\"}", "{\"source\":\"a b\"}", "no JSON", long.as_str()];
    let acknowledged: Vec<Value> = ["0", "1", "2", "3", "4"].map(successful).into();
    let answer = || json!({"Successful": acknowledged, "Failed": []});
    for (fair, expected) in [(true, json!("/webhooks/stripe")), (false, Value::Null)] {
        let (queue, recorded) =
            queue([(200, answer()), (200, json!({"MessageId": "a0e0be2d-2ab0-4c89-ab26-22de59f1de53"}))]).await;
        let queue = queue.by_source(fair);
        assert!(queue.send(&messages, None).await.iter().all(Result::is_ok));
        queue.send(&messages[..1], None).await;
        let requests = recorded.requests();
        let entries = requests[0].1["Entries"].as_array().unwrap();
        let groups: Vec<&Value> = entries.iter().map(|entry| &entry["MessageGroupId"]).collect();
        let none = &Value::Null;
        assert_eq!(
            groups,
            [&expected, none, none, none, none],
            "a message without a source, or with one that SQS refuses, has no group"
        );
        assert_eq!(requests[1].1["MessageGroupId"], expected, "alone");
    }
}

#[tokio::test]
async fn a_trace_goes_with_every_message() {
    const HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let sent =
        json!({"MessageId": "a0e0be2d-2ab0-4c89-ab26-22de59f1de53", "MD5OfMessageBody": "99914b932bd37a50b983c5e7c90ae93b"});
    let batch = json!({"Successful": [successful("0"), successful("1")], "Failed": []});
    let (queue, recorded) = queue([(200, sent), (200, batch)]).await;
    let trace = Trace::parse(HEADER);
    queue.send(&["{}"], trace.as_ref()).await;
    queue.send(&["{}", "{}"], trace.as_ref()).await;
    let attributes = json!({"AWSTraceHeader": {"DataType": "String", "StringValue": HEADER}});
    let requests = recorded.requests();
    assert_eq!(requests[0].1["MessageSystemAttributes"], attributes);
    for n in 0..2 {
        assert_eq!(requests[1].1["Entries"][n]["MessageSystemAttributes"], attributes);
    }
}

#[tokio::test]
async fn a_failed_message_is_not_acknowledged_whether_sender_or_sqs_is_at_fault() {
    let answer = json!({
        "Successful": [successful("3"), successful("1")],
        "Failed": [failed("2", false, "InternalError"), failed("0", true, "InvalidMessageContents")],
    });
    let expected = [not_acknowledged("InvalidMessageContents"), None, not_acknowledged("InternalError"), None];
    assert_eq!(said_of(&["a", "b", "c", "d"], answer).await, expected, "by its id, whatever the order; and no message of SQS's");
}

#[tokio::test]
async fn a_message_missing_in_the_response_is_not_acknowledged() {
    let left_out = || not_acknowledged("the response doesn't list it");
    for answer in [
        json!({"Successful": [successful("0"), successful("2")], "Failed": []}),
        json!({"Successful": [successful("2"), successful("0")]}),
        // Unknown ids, an entry without an id, and a duplicate acknowledge no other message.
        json!({"Successful": [successful("0"), successful("2"), successful("01"), successful("3"), successful("b")], "Failed": []}),
        json!({"Successful": [successful("0"), successful("2"), {"MessageId": "m"}], "Failed": [failed("7", true, "Odd")]}),
        json!({"Successful": [successful("0"), successful("0"), successful("2")], "Failed": []}),
    ] {
        assert_eq!(said_of(&["a", "b", "c"], answer.clone()).await, [None, left_out(), None], "{answer}");
    }
    for answer in [json!({}), json!({"Successful": [], "Failed": []}), json!({"Successful": null, "Failed": null})] {
        assert_eq!(said_of(&["a", "b"], answer.clone()).await, [left_out(), left_out()], "{answer}");
    }
}

#[tokio::test]
async fn a_message_both_successful_and_failed_is_not_acknowledged() {
    let answer = json!({"Successful": [successful("0"), successful("1")], "Failed": [failed("1", false, "InternalError")]});
    assert_eq!(said_of(&["a", "b"], answer).await, [None, not_acknowledged("InternalError")]);
}

#[tokio::test]
async fn a_refused_call_gives_each_message_the_same_error() {
    let refusal = json!({"__type": "com.amazonaws.sqs#BatchRequestTooLong", "message": "Batch requests cannot be longer than 1048576 bytes."});
    let (queue, _) = queue([(400, refusal)]).await;
    let causes: Vec<String> =
        queue.send(&["a", "b"], None).await.into_iter().map(|a| a.expect_err("refused").to_string()).collect();
    assert!(causes[0].contains("BatchRequestTooLong"), "{causes:?}");
    assert_eq!(causes[0], causes[1]);
}

#[tokio::test(start_paused = true)]
async fn an_invalid_response_acknowledges_nothing() {
    for body in ["", "{\"Successful\": [{\"Id\": \"0\"", "<html>", "[]", "{\"Successful\": {\"Id\": \"0\"}}"] {
        let answers = std::iter::repeat_n((200, body.to_owned()), 3).collect();
        let (queue, _) = queue_saying(answers).await;
        assert!(queue.send(&["a", "b"], None).await.iter().all(Result::is_err), "{body}");
    }
}

/// The reason why a single message isn't sent as a batch of one.
#[tokio::test(start_paused = true)]
async fn a_single_message_takes_a_call_that_the_sdk_retries() {
    let failure = json!({"__type": "com.amazonaws.sqs#InternalError", "message": "try again"});
    let sent =
        json!({"MessageId": "a0e0be2d-2ab0-4c89-ab26-22de59f1de53", "MD5OfMessageBody": "99914b932bd37a50b983c5e7c90ae93b"});
    let (queue, recorded) = queue([(500, failure), (200, sent)]).await;
    assert!(queue.send(&["{}"], None).await.iter().all(Result::is_ok));
    let asked = ("AmazonSQS.SendMessage".to_owned(), json!({"QueueUrl": QUEUE_URL, "MessageBody": "{}"}));
    assert_eq!(recorded.requests(), [asked.clone(), asked]);
}
