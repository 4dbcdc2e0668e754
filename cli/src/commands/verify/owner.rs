//! Whose conversation an event belongs to by the project's `conversations`: what the deployed planner decides.

use crate::Failure;
use crate::project::{Location, RULES};
use crate::style::{BAD, paint};
use processor::decode::Message;
use processor::plan::Plan;
use processor::planner::{Fetched, Planner};
use serde::Serialize;
use tidings_config::rules::Rules;
use tidings_core::context::Owner;
use tidings_core::envelope::Envelope;

/// The project's `conversations`, ready to be evaluated.
pub(crate) struct Conversations(Result<Planner, String>);

/// The owner of an event by the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ByRules {
    Conversation(String),
    /// A link names the conversation, now or later.
    Identity(String),
    /// No entry of `conversations` has a value, and the preset gives no conversation: the name of the event's entity.
    Entity(String),
    /// The rules can't be read, or the event's conversation can't be determined.
    Problem(String),
}

impl Conversations {
    /// Those of the project that was named or found, or else of the demo's.
    pub(crate) fn here() -> Self {
        Self::found(Location::here_or_demo())
    }

    /// Those of this project.
    pub(crate) fn of(location: Location) -> Self {
        Self::found(Ok(location))
    }

    fn found(location: Result<Location, Failure>) -> Self {
        let read = || {
            let files = location.and_then(|location| location.files());
            let rules = files.map_err(|failure| failure.to_string())?.read_rules();
            rules.map_err(|_| format!("{RULES} has problems: `tidings check` shows them"))
        };
        let entries = |rules: Rules| Rules { conversations: rules.conversations, ..Rules::default() };
        Self(read().map(|rules| Planner::new(entries(rules))))
    }

    pub(super) fn owner(&self, envelope: &Envelope) -> ByRules {
        let planner = match &self.0 {
            Ok(planner) => planner,
            Err(problem) => return ByRules::Problem(problem.clone()),
        };
        let planned = planner.plan(&Message::new(envelope.clone()), &Fetched::new(), envelope.receivedtime);
        let owner = match planned {
            Ok(Plan::Event(plan)) => plan.owner,
            Ok(
                Plan::Action { .. }
                | Plan::Wake { .. }
                | Plan::Join { .. }
                | Plan::Reminder(_)
                | Plan::Turn(_)
                | Plan::NotYet { .. }
                | Plan::Forgotten,
            ) => {
                return ByRules::Problem("it isn't a provider's event".to_owned());
            }
            Err(failure) => return ByRules::Problem(failure.to_string()),
        };
        match owner {
            Owner::Conversation(name) => ByRules::Conversation(name),
            Owner::Identity(name) if name.starts_with(ENTITY) => ByRules::Entity(name),
            Owner::Identity(name) => ByRules::Identity(name),
        }
    }
}

impl ByRules {
    /// The same with a changed text.
    pub(super) fn map(self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Conversation(name) => Self::Conversation(change(&name)),
            Self::Identity(name) => Self::Identity(change(&name)),
            Self::Entity(name) => Self::Entity(change(&name)),
            Self::Problem(problem) => Self::Problem(change(&problem)),
        }
    }

    /// Its name in the output, and its value.
    pub(super) fn row(&self) -> (&'static str, String) {
        match self {
            Self::Conversation(name) => ("conversation", name.clone()),
            Self::Identity(name) => ("identity", name.clone()),
            Self::Entity(name) => ("entity", name.clone()),
            Self::Problem(problem) => ("conversation", paint(BAD, problem)),
        }
    }
}

/// The beginning of the name of an entity that owns its events.
const ENTITY: &str = "entity:";
