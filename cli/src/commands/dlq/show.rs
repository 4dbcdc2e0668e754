//! `tidings dlq show`: shows one dead-lettered event, and with `--payload` its payload.

use crate::Failure;
use crate::style::{self, FAINT, data, paint, pretty, say};
use crate::target::TargetOptions;
use crate::target::reader_at;
use clap::Args;
use receiver::unpacked;
use serde_json::{Value, json};
use std::process::ExitCode;
use tidings_core::claim::{Claim, ClaimKey};
use tidings_core::envelope::Envelope;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings dlq show orders#ord-evt-3666 --stack tidings\n  \
        tidings dlq show orders#ord-evt-3666 --stack tidings --payload\n  \
        tidings dlq show 'orders#unreadable:sha256:…' --stack tidings --bytes > body\n  \
        tidings rules explain orders#ord-evt-3666 --stack tidings    its rules")]
pub struct DlqShow {
    /// The claim key: {source}#{event key}
    pub key: String,
    /// Also print the payload
    #[arg(long)]
    pub payload: bool,
    /// Print only the payload, as it was sent, into a file or a pipe; also for messages that can't be read as an event
    #[arg(long, conflicts_with = "payload")]
    pub bytes: bool,
    #[command(flatten)]
    pub target: TargetOptions,
}

pub(crate) async fn run(options: DlqShow) -> Result<ExitCode, Failure> {
    if options.bytes {
        return bytes(&message(&options).await?);
    }
    let (claim, envelope) = found(&options).await?;
    if options.target.json {
        data(&json!({"claim": claim, "message": envelope}));
        return Ok(ExitCode::SUCCESS);
    }
    match &claim {
        Some(claim) => crate::commands::events::show::print(claim),
        None => say!("{}", paint(FAINT, "its claim has expired or was deleted")),
    }
    pretty(&envelope);
    Ok(ExitCode::SUCCESS)
}

async fn message(options: &DlqShow) -> Result<String, Failure> {
    let (at, key) = (&options.target.at, ClaimKey::from(options.key.clone()));
    let message = super::walk::queue(at).await?.find(&key).await.map_err(super::walk::unread)?;
    message.ok_or_else(|| {
        Failure::new(format!("no message with key {key} in the dead-letter queue")).hint(
            "it was redriven or dropped, it is older than 14 days, or another consumer is reading it: `tidings events \
                show` prints its claim",
        )
    })
}

/// The event's claim and its message.
async fn found(options: &DlqShow) -> Result<(Option<Claim>, Value), Failure> {
    let message = message(options).await?;
    let claim = reader_at(&options.target.at).await?.claim(&ClaimKey::from(options.key.clone())).await;
    let mut envelope: Value = serde_json::from_str(&message).unwrap_or(Value::String(message));
    for name in ["data", "data_base64"] {
        if let Some(data) = envelope.get_mut(name).filter(|_| !options.payload) {
            *data = Value::String("not shown: --payload prints it".to_owned());
        }
    }
    Ok((claim.map_err(super::walk::unread)?, envelope))
}

/// As `--json` prints it.
pub(crate) async fn json(options: &DlqShow) -> Result<Value, Failure> {
    let (claim, message) = found(options).await?;
    Ok(json!({"claim": claim, "message": message}))
}

/// Refuses to write raw bytes to a terminal: a stranger may have written them.
fn bytes(message: &str) -> Result<ExitCode, Failure> {
    let envelope = Envelope::decode(message).map_err(|error| Failure::new(error.to_string()))?;
    let bytes = unpacked(&envelope).unwrap_or_else(|| envelope.data.get().as_bytes().to_vec());
    style::bytes(&bytes)?;
    Ok(ExitCode::SUCCESS)
}
