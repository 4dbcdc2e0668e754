//! The tools: each with the command that it calls, the arguments that it takes, and what it may do.

use super::schema::{parse, schema};
use crate::Failure;
use crate::commands::context::for_llm;
use crate::commands::context::show::{self as context, ContextShow};
use crate::commands::dlq::drop::{self, DlqDrop};
use crate::commands::dlq::list::{self, DlqList};
use crate::commands::dlq::show::{self as dead, DlqShow};
use crate::commands::dlq::{DlqRedrive, redrive};
use crate::commands::events::find;
use crate::commands::events::list::EventsList;
use crate::commands::events::show::{EventsShow, Shown};
use crate::commands::providers::{ProvidersShow, names_json, shown_json};
use crate::commands::rules::explain::{self, RulesExplain};
use crate::commands::status::{self, StatusOptions};
use crate::fence;
use crate::inspector::redact::without_secret_fields;
use crate::limits::MAX_FENCED_BYTES;
use crate::target::{Place, reader_at};
use serde_json::{Map, Value, json};
use tidings_core::claim::ClaimKey;

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Status,
    EventsList,
    EventsShow,
    DlqList,
    DlqShow,
    Context,
    Explain,
    Providers,
    ProvidersShow,
    DlqRedrive,
    DlqDrop,
}

const EVENTS: [&str; 8] = ["source", "type", "state", "since", "until", "text", "conversation", "limit"];
const DEAD: [&str; 7] = ["since", "until", "source", "type", "reason", "conversation", "key"];
const KEY: [&str; 2] = ["key", "payload"];

impl Tool {
    pub(super) const ALL: [Self; 11] = [
        Self::Status,
        Self::EventsList,
        Self::EventsShow,
        Self::DlqList,
        Self::DlqShow,
        Self::Context,
        Self::Explain,
        Self::Providers,
        Self::ProvidersShow,
        Self::DlqRedrive,
        Self::DlqDrop,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::EventsList => "events_list",
            Self::EventsShow => "events_show",
            Self::DlqList => "dlq_list",
            Self::DlqShow => "dlq_show",
            Self::Context => "context",
            Self::Explain => "explain",
            Self::Providers => "providers",
            Self::ProvidersShow => "providers_show",
            Self::DlqRedrive => "dlq_redrive",
            Self::DlqDrop => "dlq_drop",
        }
    }

    /// Whether it can change something.
    pub(super) const fn writes(self) -> bool {
        match self {
            Self::DlqRedrive | Self::DlqDrop => true,
            Self::Status
            | Self::EventsList
            | Self::EventsShow
            | Self::DlqList
            | Self::DlqShow
            | Self::Context
            | Self::Explain
            | Self::Providers
            | Self::ProvidersShow => false,
        }
    }

    /// Whether what it changes can't be restored.
    pub(super) const fn destroys(self) -> bool {
        matches!(self, Self::DlqDrop)
    }

    /// Whether an answer may hold a payload, and with it a provider's token.
    const fn shows_payloads(self) -> bool {
        matches!(self, Self::EventsShow | Self::DlqShow)
    }

    pub(super) const fn about(self) -> &'static str {
        match self {
            Self::Status => "Health, alarms, backlog, sources and rates, and what to do next, most urgent first",
            Self::EventsList => "The newest events, newest first: their claims",
            Self::EventsShow => "One event: its state, its result, its actions; with its payload if it is stored",
            Self::DlqList => "Dead-lettered events, grouped by reason",
            Self::DlqShow => "One dead-lettered event",
            Self::Context => "What is known of a conversation: its facts, each with who wrote it, and its dialogue node",
            Self::Explain => "Which rules match an event, and why the others don't",
            Self::Providers => "The names of the known webhook providers",
            Self::ProvidersShow => "How a provider signs, how its events are identified, and their types",
            Self::DlqRedrive => "Send dead-lettered events to the events queue again. Without `confirm` a dry run",
            Self::DlqDrop => "Permanently delete dead-lettered events. Without `confirm` a dry run",
        }
    }

    /// The JSON Schema of its input.
    pub(super) fn schema(self) -> Map<String, Value> {
        let mut schema = match self {
            Self::Status => schema::<StatusOptions>(&["over"]),
            Self::EventsList => schema::<EventsList>(&EVENTS),
            Self::EventsShow => schema::<EventsShow>(&KEY),
            Self::DlqList => schema::<DlqList>(&DEAD),
            Self::DlqShow => schema::<DlqShow>(&KEY),
            Self::Context => schema::<ContextShow>(&["conversation"]),
            Self::Explain => schema::<RulesExplain>(&["event"]),
            Self::Providers => schema::<NoArguments>(&[]),
            Self::ProvidersShow => schema::<ProvidersShow>(&["provider", "type"]),
            Self::DlqRedrive => schema::<DlqRedrive>(&DEAD),
            Self::DlqDrop => schema::<DlqDrop>(&DEAD),
        };
        if self.writes()
            && let Some(Value::Object(properties)) = schema.get_mut("properties")
        {
            let what = "The token of a dry run of this tool with the same arguments, after a person has agreed to it";
            properties.insert(super::server::CONFIRM.to_owned(), json!({"type": "string", "description": what}));
        }
        schema
    }

    /// What the tool answers, in a fence. `confirmed`: the change of a dry run is applied. Errors: those of the command.
    pub(super) async fn call(self, given: &Map<String, Value>, at: &Place, confirmed: bool) -> Result<String, Failure> {
        let at = at.clone();
        let mut json = match self {
            Self::Context => {
                let options: ContextShow = parse(given, &["conversation"])?;
                let (context, timeline) = context::found(&options.conversation, &at).await?;
                context::is_known(&options.conversation, &context, &timeline)?;
                return for_llm::text(&context);
            }
            Self::Status => {
                let mut options: StatusOptions = parse(given, &["over"])?;
                options.target.at = at;
                status::json(&options).await
            }
            Self::EventsList => {
                let options: EventsList = parse(given, &EVENTS)?;
                let found = find(&reader_at(&at).await?, &options.filter, options.limit, &at).await?;
                json!({"events": found.claims, "read": found.read, "unknown": found.unknown, "limit": options.limit})
            }
            Self::EventsShow => {
                let options: EventsShow = parse(given, &KEY)?;
                let key = ClaimKey::from(options.key);
                let mut shown = Shown::found(&key, &at).await?;
                shown.event = shown.event.filter(|_| options.payload);
                shown.json()?
            }
            Self::DlqList => {
                let options: DlqList = parse(given, &DEAD)?;
                list::json(&options.filter, &at).await?
            }
            Self::DlqShow => {
                let mut options: DlqShow = parse(given, &KEY)?;
                options.target.at = at;
                dead::json(&options).await?
            }
            Self::Explain => {
                let mut options: RulesExplain = parse(given, &["event"])?;
                options.at = at;
                explain::json_of(&options).await?
            }
            Self::Providers => {
                parse::<NoArguments>(given, &[])?;
                names_json()
            }
            Self::ProvidersShow => shown_json(&parse(given, &["provider", "type"])?)?,
            Self::DlqRedrive => {
                let mut options: DlqRedrive = parse(&with_yes(given, confirmed), &with_yes_name(&DEAD, confirmed))?;
                options.target.at = at;
                redrive::redriven(&options).await?
            }
            Self::DlqDrop => {
                let mut options: DlqDrop = parse(&with_yes(given, confirmed), &with_yes_name(&DEAD, confirmed))?;
                options.target.at = at;
                drop::json(&options).await?
            }
        };
        if self.shows_payloads() {
            without_secret_fields(&mut json);
        }
        fence::value(&json, MAX_FENCED_BYTES)
    }
}

#[derive(Debug, clap::Args)]
struct NoArguments {}

/// The `--yes` of a command, which a taken token stands for.
const YES: &str = "yes";

fn with_yes(given: &Map<String, Value>, confirmed: bool) -> Map<String, Value> {
    let mut given = given.clone();
    // A caller can't give it: it isn't among the names of the tool.
    if confirmed {
        given.insert(YES.to_owned(), true.into());
    }
    given
}

fn with_yes_name<'n>(names: &[&'n str], confirmed: bool) -> Vec<&'n str> {
    names.iter().copied().chain(confirmed.then_some(YES)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_describes_an_object_and_only_those_that_write_take_a_token() {
        for tool in Tool::ALL {
            let schema = tool.schema();
            assert_eq!(schema["type"], "object");
            assert_eq!(schema["additionalProperties"], false);
            assert_eq!(schema["properties"].get("confirm").is_some(), tool.writes(), "{tool:?}");
            assert!(schema["properties"].get("yes").is_none() && schema["properties"].get("stack").is_none(), "{tool:?}");
            assert!(!tool.destroys() || tool.writes());
        }
        assert_eq!(Tool::EventsList.schema()["properties"].as_object().unwrap().len(), EVENTS.len());
        assert_eq!(Tool::DlqDrop.schema()["properties"].as_object().unwrap().len(), DEAD.len() + 1);
    }
}
