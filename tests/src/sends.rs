//! The conformance of the sender's ports.

use tidings_config::status::StatusWord;
use tidings_config::time::Timestamp;
use tidings_core::action::ActionId;
use tidings_core::claim::ClaimKey;
use tidings_core::ports::{ForwardQueue, Forwarded, Raised, SendStore, StatusStore, Wrote};
use tidings_core::send::{MessageStatus, SendRecord, SendState, StatusKey};

/// A record, all of whose fields are set.
fn record(version: u32, state: SendState, writer: u64) -> SendRecord {
    SendRecord {
        cause: ClaimKey::new("orders", "e1"),
        id: ActionId::stored("a1".to_owned()),
        version,
        state,
        channel: "telegram".to_owned(),
        tries: 3,
        since: Timestamp::from_unix_ms(1_796_040_000_000),
        at: Timestamp::from_unix_ms(1_796_040_000_123),
        may_be_sent: true,
        message: Some("m".to_owned()),
        reason: Some("r".to_owned()),
        dead: 2,
        is_dead_lettered: true,
        writer,
        key: 1,
        namespace: Some("whatsapp".to_owned()),
    }
}

/// Compare and set, by version.
pub async fn send_store(store: &dyn SendStore) {
    let first = record(1, SendState::Sending, 7);
    assert_eq!(store.put(&first, Some(1)).await, Ok(Wrote::Other(None)), "there is none to replace");
    assert_eq!(store.put(&first, None).await, Ok(Wrote::Yes));
    assert_eq!(store.put(&first, None).await, Ok(Wrote::Yes), "its own write, whose answer was lost");
    let other = record(1, SendState::Sending, 8);
    assert_eq!(store.put(&other, None).await, Ok(Wrote::Other(Some(Box::new(first.clone())))));
    let bare = SendRecord {
        message: None,
        reason: None,
        may_be_sent: false,
        is_dead_lettered: false,
        namespace: None,
        ..record(2, SendState::Sent, u64::MAX)
    };
    assert_eq!(store.put(&bare, Some(1)).await, Ok(Wrote::Yes));
    assert_eq!(store.put(&record(2, SendState::Refused, 9), Some(1)).await, Ok(Wrote::Other(Some(Box::new(bare)))));
    let elsewhere = SendRecord { id: ActionId::stored("a2".to_owned()), ..other };
    assert_eq!(store.put(&elsewhere, None).await, Ok(Wrote::Yes), "another action of the same event");
}

/// Of a message's statuses the highest stays, in whatever order they come.
pub async fn status_store(store: &dyn StatusStore) {
    let now = Timestamp::from_unix_ms(1_795_168_800_000);
    let said = |is, ms| MessageStatus { is, at: Timestamp::from_unix_ms(ms), reason: Some("r".to_owned()) };
    let (one, other) = (StatusKey::of_message("whatsapp", "wamid.1"), StatusKey::of_message("whatsapp", "wamid.2"));
    assert_eq!(store.raise(&one, &said(StatusWord::Delivered, 1), now).await, Ok(Raised::Yes));
    assert_eq!(store.raise(&one, &said(StatusWord::Delivered, 2), now).await, Ok(Raised::Known), "a duplicate");
    assert_eq!(store.raise(&one, &said(StatusWord::Read, 3), now).await, Ok(Raised::Yes));
    for late in [StatusWord::Delivered, StatusWord::Failed, StatusWord::Read] {
        assert_eq!(store.raise(&one, &said(late, 4), now).await, Ok(Raised::Known), "{late}");
    }
    let bare = MessageStatus { reason: None, ..said(StatusWord::Failed, 5) };
    assert_eq!(store.raise(&other, &bare, now).await, Ok(Raised::Yes));
    assert_eq!(store.raise(&other, &said(StatusWord::Delivered, 6), now).await, Ok(Raised::Known));
}

/// Sends messages, with and without attributes.
pub async fn forward_queue(queue: &dyn ForwardQueue, read: impl AsyncFn() -> Option<(String, Vec<(String, String)>)>) {
    let message = |n: u32, attributes: &[(&'static str, &str)]| Forwarded {
        body: format!("{{\"n\":{n}}}"),
        group: "g".to_owned(),
        deduplication: n.to_string(),
        attributes: attributes.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
    };
    assert_eq!(queue.forward(&message(1, &[])).await, Ok(()));
    assert_eq!(queue.forward(&message(2, &[("tidings-reason", "ä \"b\""), ("tidings-dead", "2")])).await, Ok(()));
    assert_eq!(read().await, Some(("{\"n\":1}".to_owned(), vec![])));
    let attributes =
        [("tidings-dead", "2"), ("tidings-reason", "ä \"b\"")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(read().await, Some(("{\"n\":2}".to_owned(), attributes.to_vec())));
}
