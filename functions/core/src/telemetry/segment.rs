//! A segment of an event's trace: what one function did to it. X-Ray finds it by the event's id and by its conversation.
//!
//! Promises: nothing is sent if Lambda offers no daemon or the trace isn't sampled. If a datagram can't be sent, the
//! segment is lost and the event isn't. Never: a payload, a secret; more text from outside than a log line may have.

use super::{SEGMENT, Shown};
use crate::claim::ClaimKey;
use crate::trace::Trace;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use tidings_config::time::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// One function's work on one event.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Its name in the trace: `receive`, `process`.
    pub name: &'static str,
    pub claim_key: &'a ClaimKey,
    pub event_id: &'a str,
    pub source: &'a str,
    /// The conversation, if known.
    pub conversation: Option<&'a str>,
    /// The outcome, as in the function's log line.
    pub outcome: &'a str,
    /// Whether the outcome is our own failure.
    pub fault: bool,
    pub started: Timestamp,
    pub ended: Timestamp,
}

impl Segment<'_> {
    /// Adds it to a trace, if the trace is sampled.
    pub fn add_to(&self, trace: &Trace) {
        if let Some((trace_id, parent)) = trace.sampled() {
            tracing::info!(target: SEGMENT, document = %self.document(trace_id, parent));
        }
    }

    /// A subsegment in the format of X-Ray's daemon (AWS X-Ray developer guide, "X-Ray segment documents"): times are
    /// in seconds.
    fn document(&self, trace_id: &str, parent: &str) -> Value {
        let seconds = |at: Timestamp| at.since(Timestamp::from_unix_ms(0)).as_secs_f64();
        let mut annotations = json!({
            "event_id": Shown(self.event_id).to_string(),
            "source": self.source,
            "outcome": self.outcome,
        });
        if let Some(conversation) = self.conversation {
            annotations["conversation"] = Shown(conversation).to_string().into();
        }
        json!({
            "name": self.name,
            "id": self.id(parent),
            "trace_id": trace_id,
            "parent_id": parent,
            "type": "subsegment",
            "start_time": seconds(self.started),
            "end_time": seconds(self.ended),
            "fault": self.fault,
            "annotations": annotations,
        })
    }

    /// 64 bits that are unique in the trace: the same event occurs in it again only at another time.
    fn id(&self, parent: &str) -> String {
        let text = format!("{parent}\n{}\n{}\n{}", self.name, self.started.unix_ms(), self.claim_key);
        hex::encode(&Sha256::digest(text)[..8])
    }
}

/// Sends [`Segment`]s to X-Ray's daemon, with one datagram each.
pub(super) struct Datagrams(UdpSocket);

impl Datagrams {
    /// The header that the daemon expects before each document.
    const HEADER: &'static str = "{\"format\":\"json\",\"version\":1}\n";

    /// `None`: the daemon isn't reachable. Nothing is sent yet.
    pub(super) fn to(daemon: SocketAddr) -> Option<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
        socket.connect(daemon).ok()?;
        // If the buffer is full, a segment is lost, and no event waits.
        socket.set_nonblocking(true).ok()?;
        Some(Self(socket))
    }
}

impl<S: Subscriber> Layer<S> for Datagrams {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut datagram = Datagram(Self::HEADER.to_owned());
        event.record(&mut datagram);
        let _ = self.0.send(datagram.0.as_bytes());
    }
}

struct Datagram(String);

impl Visit for Datagram {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "document" {
            self.0.push_str(&format!("{value:?}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tidings_config::limits::MAX_LOGGED_BYTES;
    use tracing_subscriber::layer::SubscriberExt;

    const TRACE: &str = "1-5759e988-bd862e3fe1be46a994272793";

    fn trace(sampled: &str) -> Trace {
        Trace::parse(&format!("Root={TRACE};Parent=53995c3f42cd8ad8{sampled}")).unwrap()
    }

    /// The datagrams that arrive at the daemon when these segments are added.
    fn sent(add: impl FnOnce()) -> Vec<String> {
        let daemon = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let layer = Datagrams::to(daemon.local_addr().unwrap()).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), add);
        daemon.set_nonblocking(true).unwrap();
        let mut buffer = [0; 65_536];
        let datagrams = std::iter::from_fn(|| daemon.recv(&mut buffer).ok().map(|n| buffer[..n].to_vec()));
        datagrams.map(|bytes| String::from_utf8(bytes).unwrap()).collect()
    }

    #[test]
    fn an_event_is_found_by_its_id_and_its_conversation() {
        let key = ClaimKey::from("orders#e1".to_owned());
        let at = Timestamp::from_unix_ms(1_795_168_800_123);
        let segment = Segment {
            name: "process",
            claim_key: &key,
            event_id: "e1",
            source: "orders",
            conversation: Some("whatsapp:49"),
            outcome: "applied",
            fault: false,
            started: at,
            ended: at.plus(Duration::from_millis(20)),
        };
        let seen = sent(|| {
            segment.add_to(&trace(";Sampled=1"));
            // The same a moment later: a retry.
            Segment { started: segment.ended, conversation: None, outcome: "unavailable", fault: true, ..segment }
                .add_to(&trace(";Sampled=1"));
        });
        let documents: Vec<Value> = seen
            .iter()
            .map(|datagram| {
                let (header, document) = datagram.split_once('\n').unwrap();
                assert_eq!(header, r#"{"format":"json","version":1}"#);
                serde_json::from_str(document).unwrap()
            })
            .collect();
        let expected = json!({
            "name": "process", "id": documents[0]["id"], "trace_id": TRACE, "parent_id": "53995c3f42cd8ad8", "type": "subsegment",
            "start_time": 1_795_168_800.123, "end_time": 1_795_168_800.143, "fault": false,
            "annotations": { "event_id": "e1", "conversation": "whatsapp:49", "source": "orders", "outcome": "applied" },
        });
        assert_eq!(documents[0], expected);
        let ids: Vec<&str> = documents.iter().map(|document| document["id"].as_str().unwrap()).collect();
        assert!(ids.iter().all(|id| id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit())) && ids[0] != ids[1], "{ids:?}");
        assert_eq!(documents[1]["annotations"], json!({ "event_id": "e1", "source": "orders", "outcome": "unavailable" }));
        assert_eq!((&documents[1]["fault"], documents.len()), (&json!(true), 2));
    }

    #[test]
    fn outside_text_is_cut_and_an_unsampled_trace_is_left_alone() {
        let (key, at) = (ClaimKey::from("orders#e1".to_owned()), Timestamp::from_unix_ms(0));
        let long = format!("\u{1b}{}", "x".repeat(100_000));
        let segment = Segment {
            name: "receive",
            claim_key: &key,
            event_id: &long,
            source: "orders",
            conversation: Some(&long),
            outcome: "accepted",
            fault: false,
            started: at,
            ended: at,
        };
        let seen = sent(|| segment.add_to(&trace(";Sampled=1")));
        assert!(seen[0].len() < 4 * MAX_LOGGED_BYTES && seen[0].contains(r"\\u{1b}x"), "{seen:?}");
        let unsampled = [trace(";Sampled=0"), trace(""), Trace::parse(&format!("Root={TRACE};Sampled=1")).unwrap()];
        let nothing = sent(|| unsampled.iter().for_each(|trace| segment.add_to(trace)));
        assert!(nothing.is_empty(), "{nothing:?}");
    }

    #[test]
    fn a_missing_daemon_loses_only_the_segment() {
        let gone = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let layer = Datagrams::to(gone).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            for _ in 0..3 {
                tracing::info!(target: SEGMENT, document = "{}");
            }
        });
    }
}
