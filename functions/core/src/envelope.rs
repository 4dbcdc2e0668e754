//! The SQS message body: one event as CloudEvents 1.0 JSON, structured mode.
//!
//! The contract is versioned (`tidingsversion`) and golden-tested (`events/contract/`). The processor reads this
//! version and earlier ones, so that an old receiver and a new processor can run side by side during a deployment. A
//! processor that is older than an event's version refuses it, and the event waits in the dead-letter queue.

use crate::claim::{ClaimKey, sender};
use crate::context::Order;
use crate::unreadable::{EVENT_TYPE, Packed, Unreadable, Why};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use tidings_config::limits::MAX_CLOCK_AHEAD;
use tidings_config::schemas::{EventSchemas, Finding};
use tidings_config::tenant::TenantName;
use tidings_config::time::Timestamp;

/// The versions that this build writes: 4 for a tenant's event, which an older processor mustn't take for one of its
/// source; 3 for an unreadable delivery, which an older processor must not take for an
/// event; 2 for an event with `data_base64`; otherwise 1, so that an older processor reads it.
pub const CONTRACT_VERSION: u16 = 4;

/// The version of an unreadable delivery.
const UNREADABLE_VERSION: u16 = 3;

/// The version of an event with `data_base64`.
const BINARY_VERSION: u16 = 2;

/// The oldest version that this build reads. It is still written.
pub const OLDEST_CONTRACT_VERSION: u16 = 1;

const SPEC_VERSION: &str = "1.0";

/// CloudEvents `source` of internal events. No one else can send one: the receiver only writes sources that begin
/// with `/webhooks/`.
pub const OWN_SOURCE: &str = "/tidings";

// Its Debug prints its identity and leaves out the payload.
/// One event between the receiver and the processor: one message of the events queue.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "Event")]
pub struct Envelope {
    /// CloudEvents' version: `1.0`.
    specversion: String,
    /// The version of this contract: 1 to 4. A reader refuses versions newer than its own.
    tidingsversion: u16,
    /// The provider's event id; the event key if there is none. Don't use it as identity: use `claimkey`.
    pub id: String,
    /// `/webhooks/{source}`
    pub source: String,
    /// The tenant of its source. Absent: the source has none. From version 4 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantName>,
    /// The provider's event type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The entity, such as `order/1042`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The provider's event time. Absent: the provider sends none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// The payload's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataschema: Option<String>,
    /// The media type of the payload.
    pub datacontenttype: String,
    /// Whose context the event belongs to, if the preset knows. `rules.yaml` takes precedence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The provider's own order within the entity: a decimal number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<String>,
    /// The conversation, the entity or the source: the first that is known.
    pub partitionkey: String,
    /// The rank of its type among its source's types. Of events of one time, the one with the higher rank counts as later.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rank: u32,
    /// When the first delivery of this event was received. It orders events without a time of their own.
    pub receivedtime: Timestamp,
    /// When this delivery was received, if it isn't the first. At that time the claim still existed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliveredtime: Option<Timestamp>,
    /// The identity of the event. Each identity is processed once.
    pub claimkey: ClaimKey,
    /// `sha256:…` of the signed bytes, if the claim key has an unsigned part (the provider's id of the delivery).
    /// Events with the same value have the same body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contentkey: Option<String>,
    /// W3C Trace Context, as the provider sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The payload: JSON as sent, byte for byte; a form's fields and XML's elements as objects. `null`, and left out,
    /// if it is neither.
    #[serde(default = "null", skip_serializing_if = "is_null")]
    #[schemars(with = "serde_json::Value")]
    pub data: Box<RawValue>,
    /// Any other payload, as base64. From version 2 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_base64: Option<String>,
    /// Why the delivery couldn't be read as an event: `data_base64` has its bytes. From version 3 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unreadable: Option<Why>,
    /// The place of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unreadableat: Option<String>,
    /// How the bytes were compressed before base64, if they had no room otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datapacked: Option<Packed>,
}

fn null() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}

fn is_zero(rank: &u32) -> bool {
    *rank == 0
}

fn is_null(data: &RawValue) -> bool {
    data.get() == RawValue::NULL.get()
}

/// The payload of an event.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "it holds a payload, which mustn't be logged")]
pub enum Payload {
    Json(Box<RawValue>),
    /// Bytes of this content type, as base64.
    Binary {
        base64: String,
        content_type: String,
    },
}

/// The fields of a new envelope. The versions and the content type are set here.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "it holds a payload, which mustn't be logged")]
pub struct NewEnvelope {
    pub id: String,
    pub source: String,
    pub event_type: String,
    pub subject: Option<String>,
    pub time: Option<Timestamp>,
    pub conversation: Option<String>,
    pub sequence: Option<u64>,
    pub received: Timestamp,
    pub claim_key: ClaimKey,
    pub traceparent: Option<String>,
    pub payload: Payload,
}

/// The fields of a new envelope for bytes that couldn't be read as an event.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "it holds a payload, which mustn't be logged")]
pub struct NewUnreadable {
    pub source: String,
    pub received: Timestamp,
    pub claim_key: ClaimKey,
    pub traceparent: Option<String>,
    pub content_type: String,
    pub base64: String,
    pub packed: Option<Packed>,
    pub unreadable: Unreadable,
}

/// Why a message isn't an envelope. A retry doesn't help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("not an envelope: {0}")]
    Malformed(String),
    #[error("not a link: {0}")]
    Link(String),
    /// The sender may send to the queue, but the message isn't of a kind that the queue accepts.
    #[error("{0}")]
    Misplaced(&'static str),
    #[error("envelope version {seen}, this processor reads {OLDEST_CONTRACT_VERSION} to {CONTRACT_VERSION}")]
    Version { seen: u16 },
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope").field("claimkey", &self.claimkey).field("type", &self.event_type).finish_non_exhaustive()
    }
}

impl Envelope {
    pub fn new(new: NewEnvelope) -> Self {
        let (tidingsversion, datacontenttype, data, data_base64) = match new.payload {
            Payload::Json(data) => (OLDEST_CONTRACT_VERSION, "application/json".to_owned(), data, None),
            Payload::Binary { base64, content_type } => (BINARY_VERSION, content_type, null(), Some(base64)),
        };
        Self {
            specversion: SPEC_VERSION.to_owned(),
            tidingsversion,
            partitionkey: new.conversation.clone().or_else(|| new.subject.clone()).unwrap_or_else(|| new.source.clone()),
            id: new.id,
            source: format!("/webhooks/{}", new.source),
            tenant: None,
            event_type: new.event_type,
            subject: new.subject,
            time: new.time,
            dataschema: None,
            datacontenttype,
            conversation: new.conversation,
            sequence: new.sequence.map(|n| n.to_string()),
            rank: 0,
            receivedtime: new.received,
            deliveredtime: None,
            claimkey: new.claim_key,
            contentkey: None,
            traceparent: new.traceparent,
            data,
            data_base64,
            unreadable: None,
            unreadableat: None,
            datapacked: None,
        }
    }

    /// The envelope of an unreadable delivery.
    pub fn of_unreadable(new: NewUnreadable) -> Self {
        let envelope = Self::new(NewEnvelope {
            id: new.claim_key.as_str().to_owned(),
            source: new.source,
            event_type: EVENT_TYPE.to_owned(),
            subject: None,
            time: None,
            conversation: None,
            sequence: None,
            received: new.received,
            claim_key: new.claim_key,
            traceparent: new.traceparent,
            payload: Payload::Binary { base64: new.base64, content_type: new.content_type },
        });
        let Unreadable { why, at } = new.unreadable;
        Self { tidingsversion: UNREADABLE_VERSION, unreadable: Some(why), unreadableat: at, datapacked: new.packed, ..envelope }
    }

    /// The same event of this tenant. The conversation that its preset knows becomes the tenant's own. `None`: it is unchanged.
    #[must_use]
    pub fn of_tenant(self, tenant: Option<&TenantName>) -> Self {
        let Some(tenant) = tenant else { return self };
        let conversation = self.conversation.map(|name| tenant.owned(&name));
        let partitionkey = conversation.clone().unwrap_or_else(|| tenant.owned(&self.partitionkey));
        Self { tidingsversion: CONTRACT_VERSION, tenant: Some(tenant.clone()), conversation, partitionkey, ..self }
    }

    /// Why it couldn't be read as an event. `None`: it is an event.
    pub fn unreadable(&self) -> Option<Unreadable> {
        self.unreadable.map(|why| Unreadable { why, at: self.unreadableat.clone() })
    }

    /// The message body.
    pub fn encode(&self) -> String {
        sqs_text(serde_json::to_string(self).expect("an envelope has string keys and holds only JSON"))
    }

    /// Parses this version and earlier ones.
    pub fn decode(message: &str) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Version {
            tidingsversion: u16,
        }
        let malformed = |e: serde_json::Error| DecodeError::Malformed(without_input(&e));
        let read: Result<Self, _> = serde_json::from_str(message);
        // Another version may have another shape: of what isn't ours the version is read alone, a second time.
        let seen = match &read {
            Ok(envelope) => envelope.tidingsversion,
            Err(_) => serde_json::from_str::<Version>(message).map_err(malformed)?.tidingsversion,
        };
        if !(OLDEST_CONTRACT_VERSION..=CONTRACT_VERSION).contains(&seen) {
            return Err(DecodeError::Version { seen });
        }
        read.map_err(malformed)
    }

    /// The claim key of a message that can't be decoded, if it has one: it identifies the dead-lettered event.
    pub fn claim_key_of(message: &str) -> Option<ClaimKey> {
        #[derive(Deserialize)]
        struct Key {
            claimkey: ClaimKey,
        }
        serde_json::from_str::<Key>(message).ok().map(|key| key.claimkey)
    }

    /// The event's order. A missing time is replaced by the time of receipt. So is a time further ahead of our clock
    /// than clocks may differ: it would win against all later events.
    pub fn order(&self) -> Order {
        let time = self.time.filter(|time| *time <= self.receivedtime.plus(MAX_CLOCK_AHEAD)).unwrap_or(self.receivedtime);
        Order {
            sequence: self.sequence_number(),
            rank: self.rank,
            received_after_ms: self.receivedtime.unix_ms().saturating_sub(time.unix_ms()),
            ..Order::at(time, self.claimkey.clone())
        }
    }

    /// The time from which the age of its claim counts: a queued delivery has found a claim that wasn't processed.
    pub fn delivered(&self) -> Timestamp {
        self.deliveredtime.unwrap_or(self.receivedtime)
    }

    /// Validates the payload against the schema of its source and type. `None`: it is valid, there is no schema, or
    /// it isn't JSON, which is a failure of its own.
    pub fn validate(&self, schemas: &EventSchemas) -> Option<Finding> {
        let data = serde_json::from_str(self.data.get()).ok()?;
        schemas.validate(self.source_name(), &self.event_type, self.dataschema.as_deref(), &data)
    }

    /// Whether it is an internal event: a timer, a link or a correction.
    pub fn is_ours(&self) -> bool {
        self.source == OWN_SOURCE
    }

    /// `stripe` of `/webhooks/stripe`.
    pub fn source_name(&self) -> &str {
        self.source.strip_prefix("/webhooks/").unwrap_or(&self.source)
    }

    /// Who sent it: its source, or `{source}/{tenant}`.
    pub fn sender(&self) -> Cow<'_, str> {
        sender(self.source_name(), self.tenant.as_ref())
    }

    /// `None`: there is none, or it isn't a number.
    pub fn sequence_number(&self) -> Option<u64> {
        self.sequence.as_deref().and_then(|s| s.parse().ok())
    }
}

/// Replaces characters that SQS doesn't accept. SQS accepts XML's characters only. JSON escapes all others except
/// U+FFFE and U+FFFF, which are escaped here; they can only occur inside strings, so the JSON keeps its meaning.
pub(crate) fn sqs_text(json: String) -> String {
    if json.contains(['\u{FFFE}', '\u{FFFF}']) {
        json.replace('\u{FFFE}', "\\ufffe").replace('\u{FFFF}', "\\uffff")
    } else {
        json
    }
}

/// An error's kind and place. Serde's own message may quote the payload.
fn without_input(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Syntax => "JSON syntax",
        serde_json::error::Category::Data => "a field is missing or of another type",
        serde_json::error::Category::Eof => "truncated",
        serde_json::error::Category::Io => "unreadable",
    };
    format!("{kind}, line {} column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(data: &str) -> Envelope {
        Envelope::new(NewEnvelope {
            id: "evt_1".into(),
            source: "stripe".into(),
            event_type: "invoice.paid".into(),
            subject: Some("invoice/in_1".into()),
            time: Timestamp::from_unix_s(1_795_168_800),
            conversation: None,
            sequence: Some(7),
            received: Timestamp::from_unix_ms(1_795_168_801_250),
            claim_key: ClaimKey::new("stripe", "evt_1"),
            traceparent: None,
            payload: Payload::Json(RawValue::from_string(data.into()).unwrap()),
        })
    }

    #[test]
    fn binary_payloads_are_the_second_version() {
        let payload = Payload::Binary { base64: "/w==".into(), content_type: "application/octet-stream".into() };
        let event = Envelope::new(NewEnvelope {
            id: "1".into(),
            source: "meter".into(),
            event_type: "reading".into(),
            subject: None,
            time: None,
            conversation: None,
            sequence: None,
            received: Timestamp::from_unix_ms(1_795_168_801_250),
            claim_key: ClaimKey::new("meter", "1"),
            traceparent: None,
            payload,
        });
        let golden = include_str!("../../../events/contract/envelope-v2.json");
        let ours: serde_json::Value = serde_json::from_str(&event.encode()).unwrap();
        assert_eq!(ours, serde_json::from_str::<serde_json::Value>(golden).unwrap());
        let read = Envelope::decode(golden).expect("this version reads its own golden file");
        assert_eq!((read.data_base64.as_deref(), read.data.get()), (Some("/w=="), "null"));
    }

    #[test]
    fn an_unreadable_delivery_has_the_third_version() {
        let event = Envelope::of_unreadable(NewUnreadable {
            source: "whatsapp".into(),
            received: Timestamp::from_unix_ms(1_795_168_801_250),
            claim_key: ClaimKey::unreadable("whatsapp", &crate::claim::Sha256Hex::of(b"x"), Some(1)),
            traceparent: None,
            content_type: "application/json".into(),
            base64: "eyJpZCI6MX0=".into(),
            packed: None,
            unreadable: Unreadable { why: Why::NoType, at: Some("entry[0].messages[1]".into()) },
        });
        let golden = include_str!("../../../events/contract/envelope-v3.json");
        let ours: serde_json::Value = serde_json::from_str(&event.encode()).unwrap();
        assert_eq!(ours, serde_json::from_str::<serde_json::Value>(golden).unwrap());
        let read = Envelope::decode(golden).expect("this version reads its own golden file");
        assert_eq!(
            read.unreadable().unwrap().to_string(),
            "unreadable: the event has no type where its source defines it (entry[0].messages[1])"
        );
        assert!(envelope("{}").unreadable().is_none());
    }

    #[test]
    fn an_event_of_a_tenant_has_the_fourth_version_and_a_conversation_of_its_own() {
        let tenant: TenantName = "acme".parse().unwrap();
        let mut event = envelope(r#"{"amount":1.5}"#);
        (event.conversation, event.claimkey) = (Some("stripe:cus_1".to_owned()), ClaimKey::new("stripe/acme", "evt_1"));
        let event = event.of_tenant(Some(&tenant));
        let golden = include_str!("../../../events/contract/envelope-v4.json");
        let ours: serde_json::Value = serde_json::from_str(&event.encode()).unwrap();
        assert_eq!(ours, serde_json::from_str::<serde_json::Value>(golden).unwrap());
        let read = Envelope::decode(golden).expect("this version reads its own golden file");
        assert_eq!((read.source_name(), &*read.sender(), read.tenant.clone()), ("stripe", "stripe/acme", Some(tenant)));
    }

    #[test]
    fn an_event_without_a_tenant_is_byte_for_byte_what_it_was() {
        let event = envelope(r#"{"amount":1.5}"#);
        assert_eq!(event.clone().of_tenant(None).encode(), event.encode());
        assert!(!event.encode().contains("tenant"));
    }

    #[test]
    fn the_contract_is_the_golden_file() {
        let golden = include_str!("../../../events/contract/envelope-v1.json");
        let ours: serde_json::Value = serde_json::from_str(&envelope(r#"{"amount":1.5}"#).encode()).unwrap();
        assert_eq!(ours, serde_json::from_str::<serde_json::Value>(golden).unwrap());
        let read = Envelope::decode(golden).expect("this version reads its own golden file");
        assert_eq!((read.source_name(), read.sequence_number()), ("stripe", Some(7)));
    }

    #[test]
    fn ties_and_the_content_key_travel_in_the_first_version() {
        let mut event = envelope("{}");
        (event.rank, event.contentkey) = (3, Some("sha256:00".into()));
        let read = Envelope::decode(&event.encode()).unwrap();
        assert_eq!((read.tidingsversion, read.rank, read.contentkey.as_deref()), (1, 3, Some("sha256:00")));
        // This event's time, and its receipt 1.25 s later.
        let order = read.order();
        assert_eq!((order.sequence, order.rank, order.received_after_ms), (Some(7), 3, 1_250));
        event.time = None;
        assert_eq!(event.order().received_after_ms, 0, "its time is that of its receipt");
        event.time = Some(event.receivedtime.plus(MAX_CLOCK_AHEAD));
        assert!(event.order().received_after_ms < 0, "its clock is ahead of ours");
    }

    #[test]
    fn the_payload_travels_byte_for_byte() {
        let sent = "{\"n\": 1.0e+2,\n  \"big\": 123456789012345678901234567890, \"s\": \"\\u00e9 \\/\"}";
        let read = Envelope::decode(&envelope(sent).encode()).unwrap();
        assert_eq!(read.data.get(), sent);
    }

    #[test]
    fn characters_that_sqs_refuses_are_escaped() {
        let message = envelope("{\"s\":\"a\u{FFFE}b\u{FFFF}\"}").encode();
        assert!(!message.contains(['\u{FFFE}', '\u{FFFF}']));
        let data: serde_json::Value = serde_json::from_str(Envelope::decode(&message).unwrap().data.get()).unwrap();
        assert_eq!(data["s"], "a\u{FFFE}b\u{FFFF}");
    }

    #[test]
    fn an_error_distinguishes_other_versions_from_other_messages() {
        let newer = envelope("{}").encode().replace("\"tidingsversion\":1", "\"tidingsversion\":5");
        assert_eq!(Envelope::decode(&newer).unwrap_err(), DecodeError::Version { seen: 5 });
        let other_shape = "{\"tidingsversion\":5,\"data\":null,\"type\":7}";
        assert_eq!(Envelope::decode(other_shape).unwrap_err(), DecodeError::Version { seen: 5 });
        for other in ["", "hello", "{}", "[]", "{\"tidingsversion\":1}"] {
            let error = Envelope::decode(other).unwrap_err();
            assert!(matches!(error, DecodeError::Malformed(_)), "{other}: {error}");
        }
    }

    #[test]
    fn a_time_too_far_ahead_counts_as_the_time_of_receipt() {
        let mut event = envelope("{}");
        for (time, expected) in [
            (None, event.receivedtime),
            (Some(event.receivedtime.plus(MAX_CLOCK_AHEAD)), event.receivedtime.plus(MAX_CLOCK_AHEAD)),
            (Some(event.receivedtime.plus(MAX_CLOCK_AHEAD + std::time::Duration::from_millis(1))), event.receivedtime),
            (Timestamp::from_unix_s(0), Timestamp::from_unix_ms(0)),
        ] {
            event.time = time;
            assert_eq!(event.order().time, expected);
        }
    }

    #[test]
    fn debug_never_shows_the_payload() {
        assert!(!format!("{:?}", envelope("{\"card\":\"hunter2\"}")).contains("hunter2"));
    }

    #[test]
    fn an_error_never_quotes_the_payload() {
        let error = Envelope::decode("{\"tidingsversion\":\"hunter2\"}").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
