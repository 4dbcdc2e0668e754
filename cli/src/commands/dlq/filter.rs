//! Selects the dead-lettered events that a command handles.

use super::dead::Dead;
use crate::commands::when::When;
use clap::Args;
use tidings_config::rules::TypePattern;
use tidings_config::time::Timestamp;

/// The filter options. An event must match all that are given.
#[derive(Clone, Debug, Default, Args)]
pub struct DlqFilter {
    /// Dead-lettered at this time or later: RFC 3339, or how long ago, as in 2h
    #[arg(long, value_name = "TIME")]
    pub since: Option<When>,
    /// Dead-lettered at this time or before
    #[arg(long, value_name = "TIME")]
    pub until: Option<When>,
    /// Events of this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Events of a type, as rules.yaml names it: order.shipped, order.*
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: Option<TypePattern>,
    /// A part of the reason, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Events of this conversation
    #[arg(long, value_name = "NAME")]
    pub conversation: Option<String>,
    /// The event with this claim key
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
}

/// The parsed filter. An event must match all conditions that are given.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) source: Option<String>,
    pub(super) event_type: Option<TypePattern>,
    /// A part of the reason. Case is ignored.
    pub(super) reason: Option<String>,
    pub(super) conversation: Option<String>,
    pub(super) key: Option<String>,
}

impl Filter {
    pub(super) fn new(options: &DlqFilter, now: Timestamp) -> Self {
        Self {
            since: options.since.map(|since| since.from(now)),
            until: options.until.map(|until| until.from(now)),
            source: options.source.clone(),
            event_type: options.event_type.clone(),
            reason: options.reason.as_ref().map(|reason| reason.to_lowercase()),
            conversation: options.conversation.clone(),
            key: options.key.clone(),
        }
    }

    pub(super) fn takes(&self, dead: &Dead) -> bool {
        let is = |wanted: &Option<String>, seen: Option<&str>| wanted.as_deref().is_none_or(|wanted| seen == Some(wanted));
        self.since.is_none_or(|since| dead.at.is_some_and(|at| at >= since))
            && self.until.is_none_or(|until| dead.at.is_some_and(|at| at <= until))
            && is(&self.source, Some(&dead.source))
            && self.event_type.as_ref().is_none_or(|pattern| pattern.matches(&dead.event_type))
            && is(&self.conversation, dead.conversation.as_deref())
            && is(&self.key, dead.key.as_ref().map(|key| key.as_str()))
            && self.reason.as_ref().is_none_or(|part| dead.reason.to_lowercase().contains(part))
    }
}
