//! The events queue. A message is acknowledged only if the response lists it as successful. A message that the
//! response lists as failed, or doesn't list, isn't.

use super::cause;
use crate::ports::{EventQueue, Probe, Unavailable};
use crate::trace::Trace;
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchOutput;
use aws_sdk_sqs::types::{
    MessageSystemAttributeNameForSends as AttributeName, MessageSystemAttributeValue, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use tidings_config::time::Timestamp;

/// [`EventQueue`] on SQS.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: Client,
    url: String,
    fair: bool,
}

/// The sender of a message: of a fair queue, SQS hands out the messages of quiet ones first. Nothing else of the envelope is
/// read.
#[derive(Debug, Deserialize)]
struct Sender<'m> {
    #[serde(borrow)]
    source: Cow<'m, str>,
    #[serde(borrow, default)]
    tenant: Option<Cow<'m, str>>,
}

/// The most bytes of a `MessageGroupId`.
const MAX_GROUP_BYTES: usize = 128;

impl SqsQueue {
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url, fair: false }
    }

    /// With `fair`, each message names its source, and its tenant if it has one, as its group. SQS bills requests of such messages higher.
    #[must_use]
    pub fn by_source(self, fair: bool) -> Self {
        Self { fair, ..self }
    }

    /// `None`: the queue isn't fair, or the message has no source. SQS takes each such message as a tenant of its own.
    fn group(&self, message: &str) -> Option<String> {
        let Sender { source, tenant } = self.fair.then(|| serde_json::from_str(message).ok()).flatten()?;
        let of_tenant = tenant.map(|tenant| format!("{source}/{tenant}")).filter(|group| group.len() <= MAX_GROUP_BYTES);
        let group = of_tenant.unwrap_or_else(|| source.into_owned());
        let is_allowed = (1..=MAX_GROUP_BYTES).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_graphic());
        is_allowed.then_some(group)
    }

    async fn send_one(&self, message: &str, trace: Option<&Trace>) -> Result<(), Unavailable> {
        let send = self.client.send_message().queue_url(&self.url).message_body(message);
        let send = send.set_message_group_id(self.group(message)).set_message_system_attributes(trace.map(attributes));
        let sent = send.send().await;
        sent.map(|_| ()).map_err(|error| unavailable(cause(&error)))
    }

    async fn send_many(&self, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        let entry = |(n, message): (usize, &&str)| {
            let entry = SendMessageBatchRequestEntry::builder().id(id(n)).message_body(*message);
            let entry = entry.set_message_group_id(self.group(message));
            entry.set_message_system_attributes(trace.map(attributes)).build().expect("an entry needs its id and its body")
        };
        let entries = messages.iter().enumerate().map(entry).collect();
        match self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await {
            Ok(answer) => (0..messages.len()).map(|n| acknowledged(&answer, &id(n))).collect(),
            Err(error) => {
                let cause = cause(&error);
                messages.iter().map(|_| Err(unavailable(cause.clone()))).collect()
            }
        }
    }
}

#[async_trait]
impl EventQueue for SqsQueue {
    async fn send(&self, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        match messages {
            // A batch of one costs the same. But a failed entry comes in a response with status 200, which the SDK
            // doesn't retry.
            [message] => vec![self.send_one(message, trace).await],
            many => self.send_many(many, trace).await,
        }
    }
}

/// SQS can't send nothing, so the probe asks for the queue's attributes instead.
#[async_trait]
impl Probe for SqsQueue {
    fn name(&self) -> &'static str {
        "queue"
    }

    async fn probe(&self, _at: Timestamp) -> Result<(), Unavailable> {
        let ask = self.client.get_queue_attributes().queue_url(&self.url).attribute_names(QueueAttributeName::QueueArn);
        let asked = ask.send().await;
        asked.map(|_| ()).map_err(|error| Unavailable { call: "sqs:GetQueueAttributes", cause: cause(&error) })
    }
}

/// Attributes that are neither part of the message nor of its size.
fn attributes(trace: &Trace) -> HashMap<AttributeName, MessageSystemAttributeValue> {
    let value = MessageSystemAttributeValue::builder().data_type("String").string_value(trace.to_string());
    HashMap::from([(AttributeName::AwsTraceHeader, value.build().expect("a type is set above"))])
}

/// The id of the n-th message of a batch.
pub(super) fn id(n: usize) -> String {
    n.to_string()
}

/// Whether one entry succeeded. Only the code of an error is used: its message may quote the payload.
pub(super) fn acknowledged(answer: &SendMessageBatchOutput, id: &str) -> Result<(), Unavailable> {
    if let Some(failed) = answer.failed().iter().find(|entry| entry.id() == id) {
        return Err(unavailable(format!("in a batch: {}", failed.code())));
    }
    if answer.successful().iter().any(|entry| entry.id() == id) {
        Ok(())
    } else {
        Err(unavailable("in a batch: the response doesn't list it".to_owned()))
    }
}

pub(super) fn unavailable(cause: String) -> Unavailable {
    Unavailable { call: "sqs:SendMessage", cause }
}
