//! The destination of actions: the terminal, standard output as data, or a bot on this machine (`push`). Without a
//! destination they stay in their queue for a consumer with an SDK.
//!
//! The terminal is a small chatbot: it receives actions from their queue, performs each once by its id, and shows it.
//!
//! An action is shown when its line was written to standard output. Only then is its id remembered (with `--data`, on
//! the disk), and only then is it deleted. If the process ends between these steps, the action is shown again and
//! marked as such. No action stays unshown.
//!
//! A real consumer differs: it stores the ids in one transaction with the effect, and sends the messages.
//! docs/actions.md has an example.

use super::cloud::Cloud;
use super::mapping::{WAIT_SECONDS, messages_of};
use super::queues::store::Store;
use crate::style::{FAINT, NAME, STRONG, WARN, data_line, note, paint, short, shown};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use http::Uri;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_config::time::Clock as _;
use tidings_core::action::NOTIFY_TYPE;
use tidings_core::aws::cause;
use tokio::sync::watch;

/// Pause before an action that couldn't be shown is tried again.
const UNSAID_PAUSE: Duration = Duration::from_secs(1);

/// How long ids are remembered. An event can be delivered again for as long, and its actions with it.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Visibility timeout of a received action. No other consumer reads the queue.
const VISIBILITY_TIMEOUT_SECONDS: i32 = 1;

/// The consumer of the actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionsTo {
    /// `dev` receives them and shows them.
    Terminal,
    /// `dev` receives them and prints each as a line of JSON.
    Lines,
    /// `dev` receives them and posts each to this address.
    Url(String),
    /// Another program receives them.
    Queue,
}

impl FromStr for ActionsTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "terminal" => Ok(Self::Terminal),
            "queue" => Ok(Self::Queue),
            "-" => Ok(Self::Lines),
            url => {
                let uri: Option<Uri> = url.parse().ok();
                let is_http = uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
                let refused = || {
                    format!(
                        "{:?}, allowed: terminal, queue, - or an address (http://127.0.0.1:3000/actions)",
                        without_password(url)
                    )
                };
                is_http.then(|| Self::Url(url.to_owned())).ok_or_else(refused)
            }
        }
    }
}

/// An address without its password, for people.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map(|(_, host)| host);
    host.map_or_else(|| url.to_owned(), |host| format!("{scheme}://…@{host}{path}"))
}

/// An action as it was received.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Done {
    pub(crate) conversation: String,
    pub(crate) rule: String,
    pub(crate) action_type: String,
    /// The text of a notification.
    pub(crate) text: Option<String>,
}

/// The result of showing an action that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// It was shown, and that is recorded.
    Shown,
    /// It couldn't be shown or recorded: it is tried again.
    Waits,
    /// Standard output is closed: no action can be shown any more.
    Closed,
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
    /// Stops or restarts the output of actions. The demo prints them in its own way.
    pub(crate) fn be_silent(&self, is_silent: bool) {
        self.is_silent.store(is_silent, Ordering::Relaxed);
    }

    /// The actions performed so far, in order.
    pub(crate) fn done(&self) -> Vec<Done> {
        self.done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Shows actions, or prints them as data, until `stop` turns true or the reader of standard output closes it.
    pub(crate) async fn run(self: Arc<Self>, cloud: Arc<Cloud>, to: ActionsTo, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let messages = tokio::select! {
                messages = receive(&cloud, 10, VISIBILITY_TIMEOUT_SECONDS) => messages,
                _ = stop.changed() => continue,
            };
            let mut taken = Taken::Shown;
            for message in &messages {
                // Actions after one that couldn't be shown wait for it.
                if taken == Taken::Shown {
                    taken = self.take(message, &to, &cloud).await;
                }
                if taken == Taken::Shown {
                    delete(&cloud, message).await;
                }
            }
            if taken == Taken::Closed {
                note("standard output is closed; actions wait in their queue");
                return;
            }
            if taken == Taken::Waits {
                tokio::select! {
                    () = tokio::time::sleep(UNSAID_PAUSE) => {}
                    _ = stop.changed() => {}
                }
            }
        }
    }

    async fn take(&self, message: &Message, to: &ActionsTo, cloud: &Cloud) -> Taken {
        let (id, done, data) = read(message);
        let store = &cloud.store;
        match said_before(store, &id).await {
            // A copy of an action that an earlier process showed.
            Some(true) => return Taken::Shown,
            Some(false) => {}
            None => return Taken::Waits,
        }
        if !self.is_known(&id) {
            let printed = match (to, message.body()) {
                (ActionsTo::Lines, Some(body)) => data_line(body),
                _ => Ok(()),
            };
            let is_silent = self.is_silent.load(Ordering::Relaxed);
            let shown = |()| if is_silent { Ok(()) } else { show(&done, &data, is_again(message)) };
            match printed.and_then(shown) {
                Ok(()) => self.keep(&id, done),
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Taken::Closed,
                Err(error) => {
                    tracing::warn!(cause = %error, "can't write the action; it stays in its queue");
                    return Taken::Waits;
                }
            }
        }
        if remember(cloud, id).await { Taken::Shown } else { Taken::Waits }
    }

    /// `true` if this process performed the action before.
    fn is_known(&self, id: &str) -> bool {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).contains(id)
    }

    /// Records an action as performed.
    pub(super) fn keep(&self, id: &str, done: Done) {
        if self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(id.to_owned()) {
            self.done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(done);
        }
    }
}

/// An action's id, the action, and its data.
pub(super) fn read(message: &Message) -> (String, Done, Value) {
    let mut action: Value = message.body().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (source, action_type) = (text(&action["source"]), text(&action["type"]));
    let said = action["data"]["text"].as_str().filter(|_| action_type == NOTIFY_TYPE);
    let done = Done {
        conversation: text(&action["conversation"]),
        rule: source.rsplit('/').next().unwrap_or_default().to_owned(),
        text: said.map(str::to_owned),
        action_type,
    };
    (text(&action["id"]), done, action["data"].take())
}

/// Receives the next actions, if there are any. They are hidden from other consumers for `hidden_s` seconds.
pub(super) async fn receive(cloud: &Cloud, at_most: i32, hidden_s: i32) -> Vec<Message> {
    let received = cloud
        .sqs
        .receive_message()
        .queue_url(&cloud.actions_queue_url)
        .max_number_of_messages(at_most)
        .visibility_timeout(hidden_s)
        .wait_time_seconds(WAIT_SECONDS)
        .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
        .send()
        .await;
    messages_of(received).await
}

/// Whether the action was received before. An earlier process may have shown it and ended before it recorded that.
fn is_again(message: &Message) -> bool {
    receives(message) > 1
}

/// The receive count.
pub(super) fn receives(message: &Message) -> u32 {
    let count = message.attributes().and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount));
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// `None` if the store can't be read.
async fn said_before(store: &Arc<Store>, id: &str) -> Option<bool> {
    let (store, id) = (Arc::clone(store), id.to_owned());
    let said = tokio::task::spawn_blocking(move || store.is_said(&id)).await;
    said.ok()?.inspect_err(|error| tracing::warn!(cause = %error, "can't read the record of shown actions")).ok()
}

/// `true` once the id is stored.
async fn remember(cloud: &Cloud, id: String) -> bool {
    let (store, now) = (Arc::clone(&cloud.store), cloud.clock.now());
    let since = now.minus(REMEMBERED);
    let remembered = tokio::task::spawn_blocking(move || store.remember_said(&id, now.unix_ms(), since.unix_ms())).await;
    match remembered {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(cause = %error, "can't record the action as shown; it stays in its queue");
            false
        }
        Err(_) => false,
    }
}

/// Errors: the action wasn't shown.
pub(super) fn show(done: &Done, data: &Value, again: bool) -> std::io::Result<()> {
    let what = match &done.text {
        Some(text) => paint(STRONG, format!("“{text}”")),
        None => format!("{} {}", done.action_type, paint(FAINT, short(&data.to_string(), 60))),
    };
    let label = paint(NAME, format!("{:<10}", if done.text.is_some() { "says" } else { "does" }));
    let again = if again { paint(WARN, "  perhaps shown before: it was received from its queue once") } else { String::new() };
    let (at, whom) = (super::show::clock(), short(&done.conversation, 28));
    shown(format_args!("{at}  {:<9} {label} {whom:<28} {what}{again}", ""))
}

pub(super) async fn delete(cloud: &Cloud, message: &Message) {
    let deleted =
        cloud.sqs.delete_message().queue_url(&cloud.actions_queue_url).set_receipt_handle(message.receipt_handle.clone());
    if let Err(error) = deleted.send().await {
        tracing::warn!(cause = cause(&error), "can't delete an action; it is received again, and recognised by its id");
    }
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (url, shown) in [
            ("http://user:pw@host/a@b", "http://…@host/a@b"),
            ("http://u:p@q@host:3000", "http://…@host:3000"),
            ("http://host/a:b@c?d=e@f", "http://host/a:b@c?d=e@f"),
            ("https://user:pw@host?x", "https://…@host?x"),
            ("terminal", "terminal"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
