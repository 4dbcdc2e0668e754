//! The deployed sender on the embedded cloud: `--channels mock|real`. With `channels.yaml` the processor sends actions to a
//! queue of the sender's; what isn't the sender's goes on to the actions queue, which `--actions-to` consumes as without it.
//!
//! `mock`: no request leaves this process. Each channel is answered as its own vectors say, by a success. `real`: requests go
//! to the providers, with the secrets of `--channel-secrets`.

use super::cloud::Cloud;
use super::mapping::{FAILED_PAUSE, WAIT_SECONDS, messages_of, record};
use super::workbench::Workbench;
use crate::style::{FAINT, NAME, paint, say, short};
use async_trait::async_trait;
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessageAttribute};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use clap::ValueEnum;
use sender::{Ports, Sender};
use serde_json::Value;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::SENDER_TIMEOUT;
use tidings_core::aws::{Http, Outbound, cause};
use tidings_core::ports::{Answered, Call, CallError, HttpsCall};
use tidings_outgoing::{AwsIdentity, ChannelFile, ConfiguredChannel, Expected, Verdict};
use tidings_project::channel;
use tokio::sync::watch;
use zeroize::Zeroizing;

/// Where the requests of channels and sinks go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChannelsTo {
    /// To nobody: each is answered as the vectors of its channel or sink say
    Mock,
    /// To the providers
    Real,
}

/// A sender wired as in `functions/sender/src/main.rs`.
pub(super) fn sender(cloud: &Cloud, channels: Vec<ConfiguredChannel>, to: ChannelsTo) -> Sender {
    let (https, aws): (Arc<dyn HttpsCall>, _) = match to {
        ChannelsTo::Mock => (Arc::new(Mock::of(&channels)), Some(nobody())),
        ChannelsTo::Real => {
            (Arc::new(Outbound::new(&Http::default())), AwsIdentity::of_environment(&|name: &str| std::env::var(name).ok()))
        }
    };
    let ports = Ports {
        sends: Arc::new(cloud.sends()),
        bot: Arc::new(cloud.forwards(&cloud.actions_queue_url)),
        dead_letters: Arc::new(cloud.forwards(&cloud.actions_dead_letter_queue_url)),
        visibility: Arc::new(cloud.sender_visibility()),
        secrets: Arc::new(cloud.channel_secrets()),
        https,
        clock: Arc::clone(&cloud.clock) as _,
    };
    Sender::new(channels, ports, NonZeroU32::MIN, aws)
}

/// A role that signs requests which nobody checks.
pub(super) fn nobody() -> AwsIdentity {
    AwsIdentity {
        access_key_id: "mock".to_owned(),
        secret_access_key: Zeroizing::new("mock".to_owned()),
        session_token: None,
        region: "eu-central-1".to_owned(),
    }
}

/// The event source mapping of the sender's queue, until `stop` turns true. Without channels nothing is received.
pub(super) async fn run(cloud: Arc<Cloud>, workbench: Arc<Workbench>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let Some(sender) = workbench.sender() else {
            tokio::select! {
                () = tokio::time::sleep(FAILED_PAUSE) => {}
                _ = stop.changed() => {}
            }
            continue;
        };
        let messages = tokio::select! {
            messages = receive(&cloud) => messages,
            _ = stop.changed() => continue,
        };
        if messages.is_empty() {
            continue;
        }
        let mut event = SqsEvent::default();
        event.records = messages.iter().map(with_attributes).collect();
        let response = sender.handle(event, SENDER_TIMEOUT).await;
        let kept = |message: &Message| {
            response.batch_item_failures.iter().any(|f| Some(f.item_identifier.as_str()) == message.message_id())
        };
        for message in messages.iter().filter(|message| !kept(message)) {
            let delete = cloud.sqs.delete_message().queue_url(&cloud.sender_queue_url);
            if let Err(error) = delete.set_receipt_handle(message.receipt_handle.clone()).send().await {
                tracing::warn!(cause = cause(&error), "can't delete an action; it is received again, and its claim knows it");
            }
        }
    }
}

async fn receive(cloud: &Cloud) -> Vec<Message> {
    let received = cloud
        .sqs
        .receive_message()
        .queue_url(&cloud.sender_queue_url)
        .max_number_of_messages(cloud.batch_size)
        .wait_time_seconds(WAIT_SECONDS)
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .message_attribute_names("All")
        .send()
        .await;
    messages_of(received).await
}

fn with_attributes(message: &Message) -> aws_lambda_events::event::sqs::SqsMessage {
    let mut record = record(message, None);
    for (name, value) in message.message_attributes.iter().flatten() {
        let mut attribute = SqsMessageAttribute::default();
        attribute.string_value = value.string_value.clone();
        attribute.data_type = Some(value.data_type.clone());
        record.message_attributes.insert(name.clone(), attribute);
    }
    record
}

/// The channels' providers, answering as their vectors do.
#[derive(Debug)]
struct Mock {
    /// With their names in `channels.yaml`.
    channels: Vec<(String, &'static ChannelFile)>,
}

impl Mock {
    fn of(channels: &[ConfiguredChannel]) -> Self {
        let known = |configured: &ConfiguredChannel| Some((configured.name.clone(), channel(&configured.channel.name)?));
        Self { channels: channels.iter().filter_map(known).collect() }
    }
}

#[async_trait]
impl HttpsCall for Mock {
    async fn call(&self, call: &Call) -> Result<Answered, CallError> {
        let host = host(&call.url).to_owned();
        if let Some((status, body)) = self.channels.iter().find_map(|(_, file)| token(file, &host)) {
            return Ok(Answered { status, headers: Vec::new(), body: body.into_bytes() });
        }
        let Some((name, reply)) = self.channels.iter().find_map(|(name, file)| Some((name, success(file, call, &host)?))) else {
            return Err(CallError::Forbidden(format!("no vector of a configured channel calls {host}")));
        };
        let body = String::from_utf8_lossy(&call.body);
        say!("{}  {} {}", paint(FAINT, "mock"), paint(NAME, name), paint(FAINT, short(&body, 100)));
        Ok(Answered { status: reply.status, headers: reply.headers(), body: reply.body.clone().into_bytes() })
    }
}

pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// The answer to a request for a token.
fn token(file: &ChannelFile, at: &str) -> Option<(u16, String)> {
    let token = file.token.as_ref().filter(|token| host(&token.url.to_string()) == at)?;
    let reply = token.vector.as_ref()?.get("reply")?;
    let status = reply.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
    Some((status, reply.get("body")?.as_str()?.to_owned()))
}

/// A success of the vector whose request is the most like this one: the longest common beginning of the addresses.
fn success<'f>(file: &'f ChannelFile, call: &Call, at: &str) -> Option<&'f Expected> {
    let like = |url: &str| url.bytes().zip(call.url.bytes()).take_while(|(a, b)| a == b).count();
    let vectors = file.vectors.iter().filter_map(|vector| {
        let sends = vector.sends.as_ref().filter(|sends| host(&sends.url) == at)?;
        let reply = vector.replies.iter().find(|reply| reply.is == Verdict::Sent)?;
        Some((like(&sends.url), reply))
    });
    vectors.max_by_key(|(like, _)| *like).map(|(_, reply)| reply)
}

/// The visibility timeout of the sender's queue: longer than a batch may take.
pub(super) const HIDDEN_SECONDS: u32 = 60;

const _: () = assert!(Duration::from_secs(HIDDEN_SECONDS as u64).as_secs() > SENDER_TIMEOUT.as_secs());
