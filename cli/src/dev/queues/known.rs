//! The queues of `template.yaml`, with its attributes. They are fixed at start. [`super::store`] contains their
//! messages.

use super::wire::{Prefix, QueueNameRequest, QueueUrlRequest, Refused};
use super::{ACCOUNT, REGION};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

pub(super) type Attributes = HashMap<String, String>;

/// A queue to create.
#[derive(Debug)]
pub(crate) struct New<'a> {
    pub(crate) name: &'a str,
    pub(crate) fifo: bool,
    pub(crate) max_message_bytes: u64,
    pub(crate) retention_seconds: u64,
    pub(crate) visibility_timeout_seconds: u32,
    /// The dead-letter queue's name, and the number of receives before a message moves there.
    pub(crate) redrive: Option<(&'a str, u32)>,
}

/// All queues, by name.
#[derive(Debug)]
pub(crate) struct Known {
    /// The address of the embedded SQS, with which queue URLs begin.
    endpoint: String,
    queues: BTreeMap<String, Attributes>,
}

impl Known {
    pub(crate) fn new<'a>(endpoint: &str, queues: impl IntoIterator<Item = New<'a>>) -> Self {
        let queues = queues.into_iter().map(|queue| (queue.name.to_owned(), attributes(&queue))).collect();
        Self { endpoint: endpoint.to_owned(), queues }
    }

    /// The name and the attributes of the queue with this URL.
    pub(super) fn find(&self, url: &str) -> Result<(&str, &Attributes), Refused> {
        let name = url.rsplit('/').next().unwrap_or_default();
        let (name, attributes) = self.queues.get_key_value(name).ok_or_else(Refused::no_queue)?;
        Ok((name, attributes))
    }

    pub(super) fn url_of(&self, request: &QueueNameRequest) -> Result<Value, Refused> {
        let (name, _) = self.find(&request.queue_name)?;
        Ok(json!({ "QueueUrl": self.url(name) }))
    }

    pub(super) fn list(&self, request: &Prefix) -> Value {
        let names = self.queues.keys().filter(|name| name.starts_with(&request.queue_name_prefix));
        json!({ "QueueUrls": names.map(|name| self.url(name)).collect::<Vec<_>>() })
    }

    /// The queues whose dead-letter queue this is.
    pub(super) fn sources_of(&self, request: &QueueUrlRequest) -> Result<Value, Refused> {
        let (name, _) = self.find(&request.queue_url)?;
        let target = format!("\"{}\"", arn(name));
        let redrives = |attributes: &Attributes| attributes.get("RedrivePolicy").is_some_and(|policy| policy.contains(&target));
        let sources = self.queues.iter().filter(|(_, attributes)| redrives(attributes));
        // This name is in lower case in SQS's model.
        Ok(json!({ "queueUrls": sources.map(|(name, _)| self.url(name)).collect::<Vec<_>>() }))
    }

    fn url(&self, name: &str) -> String {
        super::queue_url_at(&self.endpoint, name)
    }
}

pub(crate) fn arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

fn attributes(queue: &New<'_>) -> Attributes {
    let mut all = vec![
        ("QueueArn", arn(queue.name)),
        ("DelaySeconds", "0".to_owned()),
        ("MaximumMessageSize", queue.max_message_bytes.to_string()),
        ("MessageRetentionPeriod", queue.retention_seconds.to_string()),
        ("ReceiveMessageWaitTimeSeconds", "0".to_owned()),
        ("VisibilityTimeout", queue.visibility_timeout_seconds.to_string()),
    ];
    if queue.fifo {
        all.push(("FifoQueue", "true".to_owned()));
    }
    if let Some((target, max_receives)) = queue.redrive {
        let policy = json!({ "deadLetterTargetArn": arn(target), "maxReceiveCount": max_receives });
        all.push(("RedrivePolicy", policy.to_string()));
    }
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
