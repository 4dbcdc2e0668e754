//! The embedded SQS is memory only. With `--data` what is in the queues is written down when `dev` ends, and queued again
//! when it starts. What a `kill -9` takes from a queue is gone here, and so is what isn't due yet; on AWS neither is.

use super::cloud::Cloud;
use crate::Failure;
use aws_sdk_sqs::Client;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The bodies of the messages that were left.
#[derive(Default, Serialize, Deserialize)]
struct Left {
    events: Vec<String>,
    #[serde(default)]
    links: Vec<String>,
    dead: Vec<String>,
}

fn file(folder: &Path) -> PathBuf {
    folder.join("queues.json")
}

/// Queues what the last run left.
pub(super) async fn restore(cloud: &Cloud, folder: &Path) -> Result<(), Failure> {
    let path = file(folder);
    let Ok(json) = fs::read_to_string(&path) else { return Ok(()) };
    let left: Left = serde_json::from_str(&json).map_err(|error| {
        Failure::new(format!("{}: {error}", path.display()))
            .hint("it holds the messages that the last run left; move it away to start without them")
    })?;
    for (url, bodies) in [
        (&cloud.events_queue_url, &left.events),
        (&cloud.links_queue_url, &left.links),
        (&cloud.dead_letter_queue_url, &left.dead),
    ] {
        for body in bodies {
            let sent = cloud.sqs.send_message().queue_url(url).message_body(body).send().await;
            sent.map_err(|error| Failure::new(format!("can't queue what the last run left: {error}")))?;
        }
    }
    Ok(())
}

/// Writes down what is left, when nothing takes from the queues any more.
pub(super) async fn save(cloud: &Cloud, folder: &Path, visibility_timeout_seconds: u32) -> Result<(), Failure> {
    // What a batch gave back is invisible until then.
    tokio::time::sleep(Duration::from_secs(u64::from(visibility_timeout_seconds))).await;
    let left = Left {
        events: take(&cloud.sqs, &cloud.events_queue_url).await?,
        links: take(&cloud.sqs, &cloud.links_queue_url).await?,
        dead: take(&cloud.sqs, &cloud.dead_letter_queue_url).await?,
    };
    let json = serde_json::to_string_pretty(&left).map_err(|error| Failure::new(error.to_string()))?;
    let path = file(folder);
    fs::write(&path, json).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

async fn take(sqs: &Client, url: &str) -> Result<Vec<String>, Failure> {
    let mut bodies = Vec::new();
    loop {
        let received = sqs.receive_message().queue_url(url).max_number_of_messages(10).visibility_timeout(300).send().await;
        let messages =
            received.map_err(|error| Failure::new(format!("can't read what is left: {error}")))?.messages.unwrap_or_default();
        if messages.is_empty() {
            return Ok(bodies);
        }
        bodies.extend(messages.into_iter().filter_map(|message| message.body));
    }
}
