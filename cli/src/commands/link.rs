//! `tidings link`: links an identity to a conversation, by the message that any program may send (docs/links.md). The
//! link is processed as an event, so it takes effect once. The data stored under the identity moves to the
//! conversation.

use crate::Failure;
use crate::dev_client::dev_url;
use crate::dev_client::token::Token;
use crate::style::{GOOD, NAME, data, paint, say};
use crate::target::TargetOptions;
use crate::target::{events_show, links_queue, unreadable};
use clap::Args;
use serde_json::json;
use std::process::ExitCode;
use tidings_config::time::{Clock, SystemClock};
use tidings_core::claim::Sha256Hex;
use tidings_core::external_link::ExternalLink;
use tidings_core::ports::EventQueue;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings link customer:cus_123 whatsapp:491713920012\n  \
        tidings link order:1042 whatsapp:491713920012 --stack tidings\n  \
        tidings link phone:491713920012 whatsapp:4915112345678 --move")]
pub struct LinkOptions {
    /// Identity, as `identity` of rules.yaml gives it
    pub identity: String,
    /// Conversation, as `conversation` of rules.yaml gives it
    pub conversation: String,
    /// Move the identity from another conversation, as after a change of number; what is known there stays there
    #[arg(long = "move")]
    pub moves: bool,
    /// Address of `tidings dev`, if no stack is given
    #[arg(long, default_value_t = dev_url(), env = "TIDINGS_URL")]
    pub url: String,
    #[command(flatten)]
    pub target: TargetOptions,
}

const HINT: &str = "is `tidings dev` running? start it, give its address with --url, or give a deployed stack with --stack. If \
                    another user started it, set TIDINGS_DEV_TOKEN to the token that it printed";

pub(crate) async fn run(options: LinkOptions) -> Result<ExitCode, Failure> {
    let now = SystemClock.now();
    let names = Sha256Hex::of(format!("{}\n{}", options.conversation, options.identity).as_bytes());
    let link = ExternalLink {
        id: format!("{}-{}", names.digits(), now.unix_ms()),
        time: now,
        identity: options.identity.clone(),
        conversation: options.conversation.clone(),
        moves: options.moves,
    };
    link.check().map_err(Failure::new)?;
    let message = link.encode();
    let at = &options.target.at;
    if at.stack.is_some() || at.endpoint_url.is_some() {
        let sent: Result<(), _> = links_queue(at).await?.send(&[&message], None).await.into_iter().collect();
        sent.map_err(|error| unreadable(at, &error))?;
    } else {
        let url = format!("{}{}", options.url.trim_end_matches('/'), crate::dev_client::LINKS_PATH);
        let token = Token::of(&url);
        let sent = tokio::task::spawn_blocking(move || post(&url, token.as_ref(), message)).await;
        let sent = sent.map_err(|error| Failure::new(error.to_string()))?;
        sent.map_err(|failure| Failure::new(format!("{}: {failure}", options.url)).hint(HINT))?;
    }
    if options.target.json {
        let (identity, conversation) = (&options.identity, &options.conversation);
        data(&json!({"claim_key": link.claim_key(), "identity": identity, "conversation": conversation, "move": options.moves}));
    } else {
        let (identity, conversation) = (paint(NAME, &options.identity), paint(NAME, &options.conversation));
        let place = match (&at.stack, &at.endpoint_url) {
            (Some(_), _) => Some(at.command(&format!("tidings events show '{}'", link.claim_key()))),
            (None, Some(endpoint)) => events_show(endpoint, link.claim_key()).await,
            (None, None) => events_show(&options.url, link.claim_key()).await,
        };
        let next = place.map_or_else(String::new, |command| format!(": {command}"));
        say!("{} {identity} → {conversation}{next}", paint(GOOD, "queued"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Sends it to the queue of a `tidings dev`, which requires the token.
fn post(url: &str, token: Option<&Token>, message: String) -> Result<(), ureq::Error> {
    let post = ureq::post(url);
    let post = match token {
        Some(token) => post.header("authorization", format!("Bearer {}", token.as_str())),
        None => post,
    };
    post.send(message).map(|_| ())
}
