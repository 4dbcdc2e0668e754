//! The servers of the endpoints, of a sink and of the channels: what each took, and which of them fails.

use async_trait::async_trait;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tidings_core::ports::{Answered, Call, CallError, HttpsCall};

/// How one of the nine fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nobody listens.
    Down,
    /// No connection is made within the time that a call has.
    Slow,
    /// It answers 500 and takes nothing.
    Status500,
}

#[derive(Debug, Default)]
pub(crate) struct Internet {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failing: BTreeMap<&'static str, Failure>,
    had: BTreeMap<&'static str, Vec<String>>,
    kafka: Vec<Value>,
}

impl Internet {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fail(&self, who: &'static str, failure: Failure) {
        self.state().failing.insert(who, failure);
    }

    pub(crate) fn recover(&self) {
        self.state().failing.clear();
    }

    pub(crate) fn failure_of(&self, who: &str) -> Option<Failure> {
        self.state().failing.get(who).copied()
    }

    pub(crate) fn had(&self) -> BTreeMap<&'static str, Vec<String>> {
        self.state().had.clone()
    }

    /// The messages that the publisher sent to the queue of Kafka.
    pub(crate) fn take_kafka(&self) -> Vec<Value> {
        std::mem::take(&mut self.state().kafka)
    }

    fn takes(&self, who: &'static str, call: &Call) -> Answered {
        let json: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let (id, body) = match who {
            "topic" => {
                let form: BTreeMap<String, String> = form_urlencoded::parse(&call.body).into_owned().collect();
                let event: Value = serde_json::from_str(&form["Message"]).expect("an event");
                assert_eq!(form["MessageGroupId"], text(&event["conversation"]));
                (text(&event["id"]), String::new())
            }
            "telegram" => (text(&json["text"]), json!({"ok": true, "result": {"message_id": 1}}).to_string()),
            "line" => (text(&json["messages"][0]["text"]), json!({"sentMessages": [{"id": "1", "quoteToken": "q"}]}).to_string()),
            _ => {
                let id = call.headers.iter().find(|(name, _)| name == "webhook-id").map(|(_, id)| id.0.to_string());
                (id.expect("a webhook's id"), String::new())
            }
        };
        self.state().had.entry(who).or_default().push(id);
        Answered { status: 200, headers: Vec::new(), body: body.into_bytes() }
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, and not {value}")).to_owned()
}

/// Whose address it is.
fn whose(url: &str) -> &'static str {
    let hosts = [
        ("crm", "//crm.example.com/"),
        ("erp", "//erp.example.com/"),
        ("bi", "//bi.example.com/"),
        ("topic", "//sns.eu-central-1.amazonaws.com/"),
        ("queue of Kafka", "//sqs.eu-central-1.amazonaws.com/"),
        ("telegram", "//api.telegram.org/"),
        ("line", "//api.line.me/"),
    ];
    hosts.into_iter().find(|(_, host)| url.contains(host)).unwrap_or_else(|| panic!("nobody is at {url}")).0
}

#[async_trait]
impl HttpsCall for Internet {
    async fn call(&self, call: &Call) -> Result<Answered, CallError> {
        let who = whose(&call.url);
        match self.failure_of(who) {
            Some(Failure::Down) => Err(CallError::NotSent("connection refused".to_owned())),
            Some(Failure::Slow) => {
                tokio::time::sleep(call.within).await;
                Err(CallError::NotSent("no connection in time".to_owned()))
            }
            Some(Failure::Status500) => Ok(Answered { status: 500, headers: Vec::new(), body: b"down".to_vec() }),
            None if who == "queue of Kafka" => {
                self.state().kafka.push(serde_json::from_slice(&call.body).expect("a message"));
                Ok(Answered { status: 200, headers: Vec::new(), body: b"{\"MessageId\":\"1\"}".to_vec() })
            }
            None => Ok(self.takes(who, call)),
        }
    }
}
