//! Which dead events a command is about.

use super::walk::Dead;
use crate::arguments::DlqFilter;
use tidings_config::rules::TypePattern;
use tidings_config::time::Timestamp;

/// All that is said must be so.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) source: Option<String>,
    pub(super) event_type: Option<TypePattern>,
    /// A part of it, in any case.
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
