//! A chatbot in a few lines: takes actions out of their queue, does each once by its id, and shows it.
//!
//! An action is said when its line was written to standard output. Only then is its id remembered, with `--data` on the disk, and
//! only then is it deleted. Who ends this process between the two hears it again, marked as such; nobody never hears it.
//!
//! What a real one does otherwise: it remembers the ids in one transaction with what it does; and it sends. docs/actions.md has
//! that as an example.

use super::cloud::Cloud;
use super::queues::store::Store;
use crate::style::{FAINT, NAME, STRONG, WARN, paint, short, shown};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_config::time::{Clock, SystemClock};
use tidings_core::action::NOTIFY_TYPE;
use tidings_core::aws::cause;
use tokio::sync::watch;

/// The embedded SQS answers an empty receive at once, so we wait ourselves.
const POLL_PAUSE: Duration = Duration::from_millis(50);

/// As long as an event can come again, its actions can.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What is taken out and not deleted comes back after this: nobody else takes any.
const VISIBILITY_TIMEOUT_SECONDS: i32 = 1;

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
    is_silent: AtomicBool,
}

impl Done {
    /// A text in quotes, or the type of anything else.
    pub(crate) fn what(&self) -> String {
        self.text.as_ref().map_or_else(|| self.action_type.clone(), |text| format!("“{text}”"))
    }
}

impl Chatbot {
    /// From now on nothing is written of what it does, or it is again: a demo tells it in its own words.
    pub(crate) fn be_silent(&self, is_silent: bool) {
        self.is_silent.store(is_silent, Ordering::Relaxed);
    }

    /// What it has done so far, in order.
    pub(crate) fn done(&self) -> Vec<Done> {
        self.done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Polls until `stop` turns true.
    pub(crate) async fn run(self: Arc<Self>, cloud: Arc<Cloud>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let messages = receive(&cloud).await;
            let mut unsaid = false;
            for message in &messages {
                // What comes after one that couldn't be said waits for it.
                unsaid = unsaid || !self.take(message, cloud.store.as_ref()).await;
                if !unsaid {
                    delete(&cloud, message).await;
                }
            }
            if messages.is_empty() || unsaid {
                tokio::select! {
                    () = tokio::time::sleep(POLL_PAUSE) => {}
                    _ = stop.changed() => {}
                }
            }
        }
    }

    /// `true` once it was said.
    async fn take(&self, message: &Message, store: Option<&Arc<Store>>) -> bool {
        let action: Value = message.body().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let id = text(&action["id"]);
        match said_before(store, &id).await {
            // A copy of what an earlier process said.
            Some(true) => return true,
            Some(false) => {}
            None => return false,
        }
        if !self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).contains(&id) {
            let source = text(&action["source"]);
            let action_type = text(&action["type"]);
            let said = action["data"]["text"].as_str().filter(|_| action_type == NOTIFY_TYPE);
            let done = Done {
                conversation: text(&action["conversation"]),
                rule: source.rsplit('/').next().unwrap_or_default().to_owned(),
                text: said.map(str::to_owned),
                action_type,
            };
            if !self.is_silent.load(Ordering::Relaxed)
                && let Err(error) = show(&done, &action["data"], is_again(message))
            {
                tracing::warn!(cause = %error, "can't write what is said; it waits in its queue");
                return false;
            }
            self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(id.clone());
            self.done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(done);
        }
        remember(store, id).await
    }
}

async fn receive(cloud: &Cloud) -> Vec<Message> {
    let received = cloud
        .sqs
        .receive_message()
        .queue_url(&cloud.actions_queue_url)
        .max_number_of_messages(10)
        .visibility_timeout(VISIBILITY_TIMEOUT_SECONDS)
        .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
        .send()
        .await;
    match received {
        Ok(output) => output.messages.unwrap_or_default(),
        Err(error) => {
            tracing::warn!(cause = cause(&error), "can't receive actions");
            Vec::new()
        }
    }
}

/// Whether it was taken out before: somebody may have said it, and ended before that could be remembered.
fn is_again(message: &Message) -> bool {
    let receives = message.attributes().and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount));
    receives.and_then(|count| count.parse::<u32>().ok()).is_some_and(|count| count > 1)
}

/// `None` if that can't be read.
async fn said_before(store: Option<&Arc<Store>>, id: &str) -> Option<bool> {
    let Some(store) = store.cloned() else { return Some(false) };
    let id = id.to_owned();
    let said = tokio::task::spawn_blocking(move || store.is_said(&id)).await;
    said.ok()?.inspect_err(|error| tracing::warn!(cause = %error, "can't read what was said")).ok()
}

/// `true` once it is remembered, or need not be.
async fn remember(store: Option<&Arc<Store>>, id: String) -> bool {
    let Some(store) = store.cloned() else { return true };
    let now = SystemClock.now();
    let since = now.minus(REMEMBERED);
    let remembered = tokio::task::spawn_blocking(move || store.remember_said(&id, now.unix_ms(), since.unix_ms())).await;
    match remembered {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(cause = %error, "can't remember what was said; it waits in its queue");
            false
        }
        Err(_) => false,
    }
}

/// Errors: nobody has seen it.
fn show(done: &Done, data: &Value, again: bool) -> std::io::Result<()> {
    let what = match &done.text {
        Some(text) => paint(STRONG, format!("“{text}”")),
        None => format!("{} {}", done.action_type, paint(FAINT, short(&data.to_string(), 60))),
    };
    let label = paint(NAME, format!("{:<10}", if done.text.is_some() { "says" } else { "does" }));
    let again = if again { paint(WARN, "  perhaps said before: it was taken out of its queue") } else { String::new() };
    let (at, whom) = (super::show::clock(), short(&done.conversation, 28));
    shown(format_args!("{at}  {:<9} {label} {whom:<28} {what}{again}", ""))
}

async fn delete(cloud: &Cloud, message: &Message) {
    let deleted =
        cloud.sqs.delete_message().queue_url(&cloud.actions_queue_url).set_receipt_handle(message.receipt_handle.clone());
    if let Err(error) = deleted.send().await {
        tracing::warn!(cause = cause(&error), "can't delete an action; it comes again, and is known by its id");
    }
}
