//! Messages: send, receive, delete, change of visibility.

use super::known::Attributes;
use super::store::{New, Queue, Receipt, ReceivedMessage, Redrive};
use super::wire::{
    self, Attribute, Batch, Change, MAX_BATCH, MAX_DELAY_S, MAX_VISIBILITY_TIMEOUT_S, MAX_WAIT_S, Receive, Refused, Send,
    at_most, is_wanted,
};
use super::{Part, Queues};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_config::time::Clock as _;
use tidings_core::claim::Sha256Hex;
use tokio::time::Instant;

/// The stored form of an attribute.
#[derive(Serialize, Deserialize)]
struct StoredAttribute {
    data_type: String,
    string_value: Option<String>,
    binary_value: Option<Vec<u8>>,
}

impl Queues {
    pub(super) async fn send(&self, request: Send) -> Result<Value, Refused> {
        let (name, attributes) = self.queue(&request.queue_url)?;
        self.send_to(name, attributes, request).await
    }

    pub(super) async fn send_batch(&self, request: Batch<Send>) -> Result<Value, Refused> {
        let (name, attributes) = self.queue(&request.queue_url)?;
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in request.checked(|entry| &entry.id)? {
            let id = entry.id.clone();
            match self.send_to(name.clone(), attributes, entry).await {
                Ok(mut sent) => {
                    sent["Id"] = id.into();
                    successful.push(sent);
                }
                Err(refused) => failed.push(refused.entry(&id)),
            }
        }
        Ok(json!({ "Successful": successful, "Failed": failed }))
    }

    async fn send_to(&self, name: String, of_queue: &Attributes, request: Send) -> Result<Value, Refused> {
        // If claims can't be written, no event is accepted either.
        if self.disk.fails(Part::Tables) {
            return Err(Refused::internal(&"the tables can't be written"));
        }
        let fifo = is_true(of_queue, "FifoQueue");
        let new = checked(request, fifo, of_queue)?;
        let attributes = stored(&new.message_attributes)?;
        let mut answer = json!({ "MD5OfMessageBody": md5(new.message_body.as_bytes()) });
        if let Some(digest) = attributes_md5(&new.message_attributes) {
            answer["MD5OfMessageAttributes"] = digest.into();
        }
        let delay_s = new.delay_seconds.unwrap_or_else(|| number(of_queue, "DelaySeconds"));
        let sent = self.stored(true, move |store, now_ms| {
            let message = New {
                body: &new.message_body,
                attributes: &attributes,
                delay_s,
                group: new.message_group_id.as_deref().filter(|_| fifo),
                deduplication: new.message_deduplication_id.as_deref().filter(|_| fifo),
            };
            store.send(&name, &message, now_ms)
        });
        let id = sent.await?;
        if fifo {
            answer["SequenceNumber"] = sequence(id.trim_start_matches("m-")).into();
        }
        answer["MessageId"] = id.into();
        Ok(answer)
    }

    pub(super) async fn receive(&self, request: Receive) -> Result<Value, Refused> {
        let (name, attributes) = self.queue(&request.queue_url)?;
        let max = request.max_number_of_messages.unwrap_or(1) as usize;
        if !(1..=MAX_BATCH).contains(&max) {
            return Err(Refused::invalid("MaxNumberOfMessages", &max, "Must be between 1 and 10, if provided"));
        }
        let hidden_s = at_most("VisibilityTimeout", request.visibility_timeout, MAX_VISIBILITY_TIMEOUT_S)?;
        let wait_s = at_most("WaitTimeSeconds", request.wait_time_seconds, MAX_WAIT_S)?;
        let wait_s = wait_s.unwrap_or_else(|| number(attributes, "ReceiveMessageWaitTimeSeconds"));
        let until = Instant::now() + Duration::from_secs(wait_s.into());
        let queue = queue(name, attributes);
        loop {
            // Subscribed before the first look, so that no message in between is missed.
            let mut changes = self.store.changes();
            let taken = self.take(&queue, max, hidden_s).await?;
            if !taken.is_empty() || Instant::now() >= until {
                let messages: Result<Vec<Value>, Refused> = taken.into_iter().map(|taken| message(taken, &request)).collect();
                return Ok(json!({ "Messages": messages? }));
            }
            let (of, name) = (self.clock.now().unix_ms(), queue.name.clone());
            let next_ms = self.stored(false, move |store, now_ms| store.next_visible_ms(&name, now_ms)).await?;
            let next = next_ms.map(|next| Duration::from_millis(u64::try_from(next.saturating_sub(of)).unwrap_or(0)));
            let next = next.map_or(until, |next| until.min(Instant::now() + next));
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }

    async fn take(&self, queue: &Queue, max: usize, hidden_s: Option<u32>) -> Result<Vec<ReceivedMessage>, Refused> {
        let queue = queue.clone();
        self.stored(false, move |store, now_ms| store.receive(&queue, max, hidden_s, now_ms)).await
    }

    pub(super) async fn delete(&self, request: Change) -> Result<Value, Refused> {
        let (name, _) = self.queue(&request.queue_url)?;
        self.delete_from(name, &request).await?;
        Ok(json!({}))
    }

    pub(super) async fn delete_batch(&self, request: Batch<Change>) -> Result<Value, Refused> {
        let (name, _) = self.queue(&request.queue_url)?;
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in request.checked(|entry| &entry.id)? {
            match self.delete_from(name.clone(), &entry).await {
                Ok(()) => successful.push(json!({ "Id": entry.id })),
                Err(refused) => failed.push(refused.entry(&entry.id)),
            }
        }
        Ok(json!({ "Successful": successful, "Failed": failed }))
    }

    async fn delete_from(&self, queue: String, request: &Change) -> Result<(), Refused> {
        let receipt = receipt(&request.receipt_handle)?;
        self.stored(true, move |store, _| store.delete(&queue, &receipt)).await
    }

    pub(super) async fn change_visibility(&self, request: Change) -> Result<Value, Refused> {
        let (name, _) = self.queue(&request.queue_url)?;
        self.hide(name, &request).await?;
        Ok(json!({}))
    }

    pub(super) async fn change_visibility_batch(&self, request: Batch<Change>) -> Result<Value, Refused> {
        let (name, _) = self.queue(&request.queue_url)?;
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in request.checked(|entry| &entry.id)? {
            match self.hide(name.clone(), &entry).await {
                Ok(()) => successful.push(json!({ "Id": entry.id })),
                Err(refused) => failed.push(refused.entry(&entry.id)),
            }
        }
        Ok(json!({ "Successful": successful, "Failed": failed }))
    }

    async fn hide(&self, queue: String, request: &Change) -> Result<(), Refused> {
        let seconds = request.visibility_timeout;
        at_most("VisibilityTimeout", Some(seconds), MAX_VISIBILITY_TIMEOUT_S)?;
        let receipt = receipt(&request.receipt_handle)?;
        let changed = self.stored(true, move |store, now_ms| store.change_visibility(&queue, &receipt, seconds, now_ms));
        if changed.await? { Ok(()) } else { Err(Refused::receipt(&request.receipt_handle)) }
    }
}

/// Checks a message before it is sent to this queue.
fn checked(mut request: Send, fifo: bool, of_queue: &Attributes) -> Result<Send, Refused> {
    let (bytes, most) = (request.message_body.len(), number(of_queue, "MaximumMessageSize") as usize);
    if bytes == 0 {
        return Err(Refused::missing("MessageBody"));
    }
    if bytes > most {
        let message = format!("One or more parameters are invalid. Reason: Message must be shorter than {most} bytes.");
        return Err(Refused::new("InvalidParameterValue", message));
    }
    at_most("DelaySeconds", request.delay_seconds, MAX_DELAY_S)?;
    if !fifo {
        return Ok(request);
    }
    if request.message_group_id.as_deref().is_none_or(str::is_empty) {
        return Err(Refused::missing("MessageGroupId"));
    }
    if let Some(delay) = request.delay_seconds.filter(|delay| *delay > 0) {
        return Err(Refused::invalid(
            "DelaySeconds",
            &delay,
            "The request include parameter that is not valid for this queue type",
        ));
    }
    if request.message_deduplication_id.is_none() {
        if !is_true(of_queue, "ContentBasedDeduplication") {
            let message =
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly";
            return Err(Refused::new("InvalidParameterValue", message));
        }
        request.message_deduplication_id = Some(Sha256Hex::of(request.message_body.as_bytes()).digits().to_owned());
    }
    Ok(request)
}

/// The message as AWS returns it for the requested attributes.
fn message(taken: ReceivedMessage, request: &Receive) -> Result<Value, Refused> {
    let mut system = vec![
        ("SenderId", "tidings-dev".to_owned()),
        ("SentTimestamp", taken.sent_ms.to_string()),
        ("ApproximateReceiveCount", taken.receives.to_string()),
        ("ApproximateFirstReceiveTimestamp", taken.first_received_ms.to_string()),
    ];
    if let Some(group) = taken.group {
        system.push(("MessageGroupId", group));
        system.push(("SequenceNumber", sequence(&taken.sequence.to_string())));
    }
    system.extend(taken.deduplication.map(|id| ("MessageDeduplicationId", id)));
    let asked =
        |name: &str| is_wanted(&request.message_system_attribute_names, name) || is_wanted(&request.attribute_names, name);
    let system: Map<String, Value> =
        system.into_iter().filter(|(name, _)| asked(name)).map(|(name, value)| (name.to_owned(), value.into())).collect();
    let mut of_message = read(&taken.attributes)?;
    of_message.retain(|name, _| is_wanted(&request.message_attribute_names, name));

    let mut message = json!({
        "MessageId": taken.id,
        "ReceiptHandle": taken.receipt,
        "MD5OfBody": md5(taken.body.as_bytes()),
        "Body": taken.body,
    });
    if !system.is_empty() {
        message["Attributes"] = system.into();
    }
    if let Some(digest) = attributes_md5(&of_message) {
        message["MD5OfMessageAttributes"] = digest.into();
        message["MessageAttributes"] = serde_json::to_value(of_message).map_err(|error| Refused::internal(&error))?;
    }
    Ok(message)
}

fn stored(attributes: &BTreeMap<String, Attribute>) -> Result<String, Refused> {
    let mut all = BTreeMap::new();
    for (name, attribute) in attributes {
        let binary = attribute.binary_value.as_ref().map(|value| STANDARD.decode(value)).transpose();
        let binary_value = binary.map_err(|_| Refused::invalid(name, &"BinaryValue", "Must be Base64"))?;
        let (data_type, string_value) = (attribute.data_type.clone(), attribute.string_value.clone());
        all.insert(name, StoredAttribute { data_type, string_value, binary_value });
    }
    serde_json::to_string(&all).map_err(|error| Refused::internal(&error))
}

fn read(attributes: &str) -> Result<BTreeMap<String, Attribute>, Refused> {
    let all: BTreeMap<String, StoredAttribute> = serde_json::from_str(attributes).map_err(|error| Refused::internal(&error))?;
    let attribute = |a: StoredAttribute| Attribute {
        data_type: a.data_type,
        string_value: a.string_value,
        binary_value: a.binary_value.map(|value| STANDARD.encode(value)),
    };
    Ok(all.into_iter().map(|(name, a)| (name, attribute(a))).collect())
}

fn md5(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Md5::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// "Calculating the MD5 message digest for message attributes", developer guide of SQS. `None` without attributes.
fn attributes_md5(attributes: &BTreeMap<String, Attribute>) -> Option<String> {
    fn push(bytes: &mut Vec<u8>, part: &[u8]) {
        bytes.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(part);
    }
    let mut bytes = Vec::new();
    for (name, attribute) in attributes {
        push(&mut bytes, name.as_bytes());
        push(&mut bytes, attribute.data_type.as_bytes());
        match &attribute.binary_value {
            None => {
                bytes.push(1);
                push(&mut bytes, attribute.string_value.as_deref().unwrap_or_default().as_bytes());
            }
            Some(value) => {
                bytes.push(2);
                push(&mut bytes, &STANDARD.decode(value).unwrap_or_default());
            }
        }
    }
    (!attributes.is_empty()).then(|| md5(&bytes))
}

/// The number as twenty digits.
fn sequence(number: &str) -> String {
    format!("{number:0>20}")
}

fn number(attributes: &Attributes, name: &str) -> u32 {
    attributes.get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
}

fn is_true(attributes: &Attributes, name: &str) -> bool {
    attributes.get(name).is_some_and(|value| value == "true")
}

fn queue(name: String, attributes: &Attributes) -> Queue {
    let redrive = attributes.get("RedrivePolicy").and_then(|policy| serde_json::from_str(policy).ok()).and_then(redrive);
    Queue { name, visibility_timeout_s: number(attributes, "VisibilityTimeout"), redrive }
}

fn redrive(policy: Value) -> Option<Redrive> {
    let to = policy["deadLetterTargetArn"].as_str()?.rsplit(':').next()?.to_owned();
    Some(Redrive { to, max_receives: policy["maxReceiveCount"].as_u64()?.try_into().ok()? })
}

fn receipt(handle: &str) -> Result<Receipt, Refused> {
    handle.parse().map_err(|()| wire::Refused::receipt(handle))
}
