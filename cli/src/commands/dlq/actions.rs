//! `tidings dlq actions`: lists, shows and redrives dead-lettered actions.
//!
//! Promises: a message is deleted only after the queue of actions has acknowledged it, with its group and its attributes, by
//! which the sender knows that an operator sends it again. Every other message becomes visible again. Never: the text of a
//! message that wasn't asked for.
//!
//! The queue is FIFO: of each conversation the first ten are seen, until they have left it.

use super::outgoing_walk::{Asked, Words, walked};
use crate::Failure;
use crate::confirm::Confirm;
use crate::limits::DEAD_LETTERS_WALK;
use crate::stack::OutgoingLetter;
use crate::style::{BAD, FAINT, NAME, data_of, paint, pretty, say, short};
use crate::target::{TargetOptions, action_letters};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use std::process::ExitCode;
use tidings_config::time::Timestamp;

#[derive(Debug, Args)]
#[command(
    after_help = "A message that the sender dead-lettered has a state and a reason; one that your bot has failed with has none. A \
        redrive sends it again, also what is uncertain: you decide that it may be said twice.\n\
        Messages that are read stay invisible to other consumers until the command ends.\n\nExamples:\n  \
        tidings dlq actions --stack tidings\n  \
        tidings dlq actions --stack tidings --state refused --reason blocked --json\n  \
        tidings dlq actions --stack tidings --id 9f4a8cfa… --payload\n  \
        tidings dlq actions --stack tidings --reason \"not sent within\" --redrive --yes"
)]
pub struct DlqActions {
    /// The action with this id, or with an id that begins so
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Actions of this state: refused, uncertain, or none (your bot failed with it)
    #[arg(long, value_name = "STATE", value_parser = ["refused", "uncertain", "none"])]
    pub state: Option<String>,
    /// A part of the reason, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Also print each action with its data
    #[arg(long)]
    pub payload: bool,
    /// Send them to the queue of actions again
    #[arg(long)]
    pub redrive: bool,
    #[command(flatten)]
    pub confirm: Confirm,
    #[command(flatten)]
    pub target: TargetOptions,
}

/// A dead-lettered action.
#[derive(Clone, Debug, Serialize)]
struct DeadAction {
    id: Option<String>,
    #[serde(rename = "type")]
    action_type: Option<String>,
    cause: Option<String>,
    channel: Option<String>,
    state: Option<String>,
    reason: Option<String>,
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Value>,
}

impl DeadAction {
    fn of(letter: &OutgoingLetter) -> Self {
        let action: Value = serde_json::from_str(&letter.body).unwrap_or_default();
        let text = |name: &str| action.get(name).and_then(Value::as_str).map(str::to_owned);
        let attribute = |name: &str| letter.attributes.get(name).cloned();
        Self {
            id: text("id"),
            action_type: text("type"),
            cause: text("cause"),
            channel: attribute(sender::attribute::CHANNEL),
            state: attribute(sender::attribute::STATE),
            reason: attribute(sender::attribute::REASON),
            at: letter.sent,
            action: Some(action),
        }
    }

    fn is_wanted(&self, options: &DlqActions) -> bool {
        let has = |part: &Option<String>, text: &Option<String>| {
            part.as_ref().is_none_or(|part| text.as_ref().is_some_and(|text| text.to_lowercase().contains(&part.to_lowercase())))
        };
        options.id.as_ref().is_none_or(|id| self.id.as_ref().is_some_and(|own| own.starts_with(id.as_str())))
            && options.state.as_ref().is_none_or(|state| self.state.as_deref().unwrap_or("none") == state)
            && has(&options.reason, &self.reason)
    }

    fn without_data(mut self, keep: bool) -> Self {
        self.action = self.action.filter(|_| keep);
        self
    }
}

pub(crate) async fn run(options: DlqActions) -> Result<ExitCode, Failure> {
    let letters = action_letters(&options.target.at).await?.hiding(DEAD_LETTERS_WALK);
    let asked = Asked { redrive: options.redrive, confirm: options.confirm, json: options.target.json };
    let words = Words { messages: "dead-lettered actions", queue: "the queue of actions" };
    let wanted = |letter: &OutgoingLetter| Some(DeadAction::of(letter)).filter(|dead| dead.is_wanted(&options));
    walked(&letters, &asked, &words, wanted, |dead| show(dead, &options)).await
}

fn show(dead: DeadAction, options: &DlqActions) -> Result<(), Failure> {
    let dead = dead.without_data(options.payload);
    if options.target.json {
        data_of(&dead)?;
        return Ok(());
    }
    let or = |text: &Option<String>, other: &str| text.clone().unwrap_or_else(|| other.to_owned());
    let state = or(&dead.state, "failed");
    let why = or(&dead.reason, "a consumer failed with it 5 times");
    say!(
        "{}  {}  {:<10} {:<14} {}  {}",
        super::print::when(dead.at),
        paint(NAME, short(&or(&dead.id, "?"), 16)),
        state,
        or(&dead.channel, "-"),
        paint(FAINT, or(&dead.cause, "-")),
        paint(BAD, why)
    );
    if let Some(action) = &dead.action {
        pretty(action);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::outgoing_walk::{Found, walk};
    use super::*;
    use crate::confirm::Confirmed;
    use crate::dev::cloud::{Cloud, Options};
    use crate::stack::OutgoingLetters;
    use crate::target::Place;
    use serde_json::json;
    use tidings_core::ports::{ForwardQueue, Forwarded};

    /// A dead-letter queue with what was refused, what is uncertain, and what a bot has failed with.
    async fn cloud() -> (Cloud, OutgoingLetters) {
        let options = Options { dynamodb_port: 0, data: None, secrets: "{}", api_secrets: "{}", visibility_timeout_seconds: 30 };
        let cloud = Cloud::start(options).await.expect("the embedded cloud");
        let dead = cloud.forwards(&cloud.actions_dead_letter_queue_url);
        for (id, state, reason) in
            [("a1", Some("refused"), "the person has Blocked the bot"), ("b2", Some("uncertain"), "no answer"), ("c3", None, "")]
        {
            let attributes = state.map(|state| {
                [(sender::attribute::STATE, state), (sender::attribute::REASON, reason), (sender::attribute::DEAD, "1")]
            });
            let message = Forwarded {
                body: json!({"id": id, "type": "tidings.notify", "cause": "orders#e1", "data": {"text": "hunter2"}}).to_string(),
                group: format!("group-{id}"),
                deduplication: id.to_owned(),
                attributes: attributes.iter().flatten().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            };
            dead.forward(&message).await.expect("sent");
        }
        let letters =
            OutgoingLetters::new(cloud.sqs.clone(), cloud.actions_dead_letter_queue_url.clone(), cloud.sender_queue_url.clone());
        (cloud, letters)
    }

    fn options() -> DlqActions {
        DlqActions {
            id: None,
            state: None,
            reason: None,
            payload: false,
            redrive: false,
            confirm: Confirm::given(),
            target: TargetOptions { at: Place::default(), json: false },
        }
    }

    async fn walked(letters: &OutgoingLetters, options: &DlqActions, confirmed: Option<Confirmed>) -> Found {
        let mut found = Found::default();
        let wanted = |letter: &OutgoingLetter| Some(DeadAction::of(letter)).filter(|dead| dead.is_wanted(options));
        walk(letters, confirmed, &mut found, wanted, |dead| show(dead, options)).await.expect("walked");
        letters.show_again(&found.kept).await;
        found
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn dead_actions_are_found_by_their_id_state_and_reason_and_stay_in_the_queue() {
        let (_cloud, letters) = cloud().await;
        for (options, matched) in [
            (options(), 3),
            (DlqActions { state: Some("refused".to_owned()), ..options() }, 1),
            (DlqActions { state: Some("none".to_owned()), ..options() }, 1),
            (DlqActions { reason: Some("blocked".to_owned()), ..options() }, 1),
            (DlqActions { id: Some("b".to_owned()), ..options() }, 1),
            (DlqActions { id: Some("b".to_owned()), state: Some("refused".to_owned()), ..options() }, 0),
        ] {
            let found = walked(&letters, &options, None).await;
            assert_eq!((found.matched, found.moved, found.failed), (matched, 0, 0), "{options:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_redrive_moves_what_was_asked_for_with_its_group_and_its_attributes() {
        let (cloud, letters) = cloud().await;
        let refused = DlqActions { state: Some("refused".to_owned()), redrive: true, ..options() };
        let found = walked(&letters, &refused, Confirm::given().ask()).await;
        assert_eq!((found.matched, found.moved, found.failed), (1, 1, 0));
        assert_eq!(walked(&letters, &options(), None).await.matched, 2, "the others stay");
        let moved = OutgoingLetters::new(cloud.sqs.clone(), cloud.sender_queue_url.clone(), String::new());
        let moved = moved.take().await.expect("received");
        assert_eq!(moved.len(), 1);
        assert!(moved[0].body.contains("a1"));
        let attribute = |name: &str| moved[0].attributes.get(name).map(String::as_str);
        assert_eq!((attribute(sender::attribute::STATE), attribute(sender::attribute::DEAD)), (Some("refused"), Some("1")));
    }

    #[test]
    fn what_is_shown_of_an_action_has_its_data_only_if_that_was_asked_for() {
        let letter = OutgoingLetter::of_body(r#"{"id":"a1","data":{"text":"hunter2"}}"#);
        let shown = |keep| serde_json::to_string(&DeadAction::of(&letter).without_data(keep)).unwrap();
        assert!(!shown(false).contains("hunter2") && shown(true).contains("hunter2"));
    }
}
