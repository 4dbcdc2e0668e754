//! A chatbot in a few lines: takes actions out of their queue, does each once by its id, and shows it.
//!
//! What a real one does otherwise: it remembers the ids where they outlive it, in one transaction with what it does; and it
//! sends. docs/actions.md has that as an example.

use super::cloud::Cloud;
use crate::style::{FAINT, NAME, STRONG, paint, say, short};
use aws_sdk_sqs::types::Message;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_core::action::NOTIFY_TYPE;
use tidings_core::aws::cause;
use tokio::sync::watch;

/// The embedded SQS answers an empty receive at once, so we wait ourselves.
const POLL_PAUSE: Duration = Duration::from_millis(50);

/// An action as it was received.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Done {
    pub(crate) conversation: String,
    pub(crate) rule: String,
    pub(crate) action_type: String,
    /// Of a notification.
    pub(crate) text: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Chatbot {
    known: Mutex<BTreeSet<String>>,
    done: Mutex<Vec<Done>>,
}

impl Chatbot {
    /// What it has done so far, in order.
    pub(crate) fn done(&self) -> Vec<Done> {
        self.done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Polls until `stop` turns true.
    pub(crate) async fn run(self: Arc<Self>, cloud: Arc<Cloud>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let received =
                cloud.sqs.receive_message().queue_url(&cloud.actions_queue_url).max_number_of_messages(10).send().await;
            let messages = match received {
                Ok(output) => output.messages.unwrap_or_default(),
                Err(error) => {
                    tracing::warn!(cause = cause(&error), "can't receive actions");
                    Vec::new()
                }
            };
            for message in &messages {
                self.take(message);
                delete(&cloud, message).await;
            }
            if messages.is_empty() {
                tokio::select! {
                    () = tokio::time::sleep(POLL_PAUSE) => {}
                    _ = stop.changed() => {}
                }
            }
        }
    }

    fn take(&self, message: &Message) {
        let action: Value = message.body().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if !self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(text(&action["id"])) {
            return;
        }
        let source = text(&action["source"]);
        let action_type = text(&action["type"]);
        let said = action["data"]["text"].as_str().filter(|_| action_type == NOTIFY_TYPE);
        let done = Done {
            conversation: text(&action["conversation"]),
            rule: source.rsplit('/').next().unwrap_or_default().to_owned(),
            text: said.map(str::to_owned),
            action_type,
        };
        show(&done, &action["data"]);
        self.done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(done);
    }
}

fn show(done: &Done, data: &Value) {
    let what = match &done.text {
        Some(text) => paint(STRONG, format!("“{text}”")),
        None => format!("{} {}", done.action_type, paint(FAINT, short(&data.to_string(), 60))),
    };
    let label = paint(NAME, format!("{:<10}", if done.text.is_some() { "says" } else { "does" }));
    say!("{}  {:<9} {label} {:<28} {what}", super::show::clock(), "", short(&done.conversation, 28));
}

async fn delete(cloud: &Cloud, message: &Message) {
    let deleted =
        cloud.sqs.delete_message().queue_url(&cloud.actions_queue_url).set_receipt_handle(message.receipt_handle.clone());
    if let Err(error) = deleted.send().await {
        tracing::warn!(cause = cause(&error), "can't delete an action; it comes again, and is known by its id");
    }
}
