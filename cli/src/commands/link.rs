//! `tidings link`: tells whose conversation an identity is. It is an event like any other, so that it is done once, and what
//! was kept under the identity moves.

use crate::Failure;
use crate::arguments::LinkOptions;
use crate::style::{GOOD, NAME, paint, say};
use crate::target::{events_queue, unreadable};
use serde_json::json;
use std::process::ExitCode;
use tidings_core::due::Due;
use tidings_core::limits::MAX_CONVERSATION_BYTES;
use tidings_core::ports::EventQueue;
use tidings_core::time::{Clock, SystemClock};

pub(crate) async fn run(options: LinkOptions) -> Result<ExitCode, Failure> {
    for (what, name) in [("an identity", &options.identity), ("a conversation", &options.conversation)] {
        if name.is_empty() || name.len() > MAX_CONVERSATION_BYTES {
            return Err(Failure::new(format!("{what} of {} bytes, allowed: 1 to {MAX_CONVERSATION_BYTES}", name.len())));
        }
    }
    if options.identity == options.conversation {
        return Err(Failure::new("an identity can't be linked to itself"));
    }
    let now = SystemClock.now();
    let link = Due::Link { identity: options.identity.clone(), conversation: options.conversation.clone() };
    let envelope = link.envelope(now, now);
    if let Some(queue) = events_queue(&options.target).await? {
        let sent: Result<(), _> = queue.send(&[&envelope.encode()], None).await.into_iter().collect();
        sent.map_err(|error| unreadable(&options.target, &error))?;
    } else {
        let url = format!("{}{}", options.url.trim_end_matches('/'), crate::dev::EVENTS_PATH);
        let body = envelope.encode();
        let sent = tokio::task::spawn_blocking(move || ureq::post(&url).send(body)).await;
        let sent = sent.map_err(|error| Failure::new(error.to_string()))?;
        sent.map_err(|error| {
            Failure::new(format!("{}: {error}", options.url))
                .hint("is `tidings dev` running? start it, give its address with --url, or name a deployed stack with --stack")
        })?;
    }
    if options.target.json {
        say!("{}", json!({"claim_key": envelope.claimkey, "identity": options.identity, "conversation": options.conversation}));
    } else {
        let (identity, conversation) = (paint(NAME, &options.identity), paint(NAME, &options.conversation));
        say!("{} {identity} → {conversation}: tidings events show '{}'", paint(GOOD, "queued"), envelope.claimkey);
    }
    Ok(ExitCode::SUCCESS)
}
