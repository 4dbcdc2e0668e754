//! Posts actions to a bot: `--actions-to URL`.
//!
//! Promises: actions of one conversation are posted one at a time, in order. The next one follows after a 2xx response;
//! an action without one is posted again, with a growing pause. An action leaves its queue after the 2xx response. If
//! this process ends in between, the bot gets the action twice, with the same id.
//! Never: a conversation that waits for another one, within [`AT_ONCE`]; a followed redirect.

use super::actions::{Chatbot, delete, read, receive, receives, show};
use super::cloud::Cloud;
use aws_sdk_sqs::types::Message;
use std::sync::Arc;
use std::time::Duration;
use tidings_core::aws::cause;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Conversations posted in parallel.
const AT_ONCE: usize = 16;

/// Timeout of a post.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Visibility timeout of an action: longer than a post.
const HIDDEN_SECONDS: i32 = 15;

/// The longest pause between two tries.
const MAX_PAUSE_SECONDS: i32 = 60;

const _: () = assert!(TIMEOUT.as_secs() < HIDDEN_SECONDS as u64);

pub(super) async fn run(chatbot: Arc<Chatbot>, cloud: Arc<Cloud>, url: String, mut stop: watch::Receiver<bool>) {
    let agent = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).max_redirects(0).http_status_as_error(false);
    let agent: ureq::Agent = agent.build().into();
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut posts = JoinSet::new();
    while !*stop.borrow() {
        // One at a time: the rest of the conversation stays in the queue.
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await.ok();
            (permit, receive(&cloud, 1, HIDDEN_SECONDS).await)
        };
        let (permit, messages) = tokio::select! {
            next = next => next,
            _ = stop.changed() => continue,
        };
        while posts.try_join_next().is_some() {}
        if let Some(message) = messages.into_iter().next() {
            let (chatbot, cloud, agent, url) = (Arc::clone(&chatbot), Arc::clone(&cloud), agent.clone(), url.clone());
            posts.spawn(async move {
                let _permit = permit;
                push(&chatbot, &cloud, agent, url, &message).await;
            });
        }
    }
    while posts.join_next().await.is_some() {}
}

async fn push(chatbot: &Chatbot, cloud: &Cloud, agent: ureq::Agent, url: String, message: &Message) {
    let (body, receives) = (message.body().unwrap_or_default().to_owned(), receives(message));
    let posted = tokio::task::spawn_blocking(move || post(&agent, &url, body, receives)).await;
    match posted.unwrap_or_else(|error| Err(error.to_string())) {
        Ok(()) => {
            let (id, done, data) = read(message);
            // The bot has the action, so an error of standard output is ignored.
            let _ = show(&done, &data, false);
            chatbot.keep(&id, done);
            delete(cloud, message).await;
        }
        Err(why) => {
            let pause = pause_seconds(receives);
            tracing::warn!(cause = format!("{why}; next attempt in {pause} s"), "the bot has not accepted an action:");
            again(cloud, message, pause).await;
        }
    }
}

fn post(agent: &ureq::Agent, url: &str, body: String, receives: u32) -> Result<(), String> {
    let post = agent.post(url).header("content-type", "application/json").header("tidings-receive-count", receives.to_string());
    match post.send(body) {
        Ok(response) if response.status().is_success() => Ok(()),
        Ok(response) => Err(format!("it answered {}", response.status().as_u16())),
        Err(error) => Err(error.to_string()),
    }
}

/// 1, 2, 4 … seconds, by the number of tries.
fn pause_seconds(tries: u32) -> i32 {
    1_i32.checked_shl(tries.saturating_sub(1)).filter(|pause| (1..MAX_PAUSE_SECONDS).contains(pause)).unwrap_or(MAX_PAUSE_SECONDS)
}

/// Makes the action visible after `seconds`. If this fails, it is visible when its visibility timeout expires.
async fn again(cloud: &Cloud, message: &Message, seconds: i32) {
    let change = cloud.sqs.change_message_visibility().queue_url(&cloud.actions_queue_url).visibility_timeout(seconds);
    if let Err(error) = change.set_receipt_handle(message.receipt_handle.clone()).send().await {
        tracing::warn!(cause = cause(&error), "can't set when an action is sent again");
    }
}

#[cfg(test)]
mod tests {
    use super::pause_seconds;

    #[test]
    fn each_try_waits_twice_as_long_up_to_a_minute() {
        let pauses: Vec<i32> = (1..=8).map(pause_seconds).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!([pause_seconds(32), pause_seconds(33), pause_seconds(u32::MAX)], [60; 3]);
    }
}
