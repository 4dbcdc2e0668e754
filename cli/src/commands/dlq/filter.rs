//! Which dead events a command is about.

use super::walk::Dead;
use crate::Failure;
use crate::arguments::DlqFilter;
use tidings_core::config::rules::Span;
use tidings_core::time::Timestamp;

/// All that is said must be so.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) source: Option<String>,
    pub(super) event_type: Option<String>,
    /// A part of it, in any case.
    pub(super) reason: Option<String>,
    pub(super) conversation: Option<String>,
    pub(super) key: Option<String>,
}

impl Filter {
    pub(super) fn new(options: &DlqFilter, now: Timestamp) -> Result<Self, Failure> {
        let time = |text: &Option<String>| text.as_deref().map(|text| self::time(text, now)).transpose();
        Ok(Self {
            since: time(&options.since)?,
            until: time(&options.until)?,
            source: options.source.clone(),
            event_type: options.event_type.clone(),
            reason: options.reason.as_ref().map(|reason| reason.to_lowercase()),
            conversation: options.conversation.clone(),
            key: options.key.clone(),
        })
    }

    pub(super) fn takes(&self, dead: &Dead) -> bool {
        let is = |wanted: &Option<String>, seen: Option<&str>| wanted.as_deref().is_none_or(|wanted| seen == Some(wanted));
        self.since.is_none_or(|since| dead.at.is_some_and(|at| at >= since))
            && self.until.is_none_or(|until| dead.at.is_some_and(|at| at <= until))
            && is(&self.source, Some(&dead.source))
            && is(&self.event_type, Some(&dead.event_type))
            && is(&self.conversation, dead.conversation.as_deref())
            && is(&self.key, dead.key.as_ref().map(|key| key.as_str()))
            && self.reason.as_ref().is_none_or(|part| dead.reason.to_lowercase().contains(part))
    }
}

/// A time, or how long ago it was.
fn time(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let ago = || {
        let ago_ms = i64::try_from(text.parse::<Span>().ok()?.duration().as_millis()).ok()?;
        now.unix_ms().checked_sub(ago_ms).filter(|ms| *ms >= 0).map(Timestamp::from_unix_ms)
    };
    Timestamp::parse_rfc3339(text).or_else(ago).ok_or_else(|| {
        Failure::new(format!("{text:?} is no time")).hint("as in 2026-11-24T03:00:00Z, or how long ago it was: 90s, 2h, 7d")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_one_or_how_long_ago_it_was() {
        let now = Timestamp::parse_rfc3339("2026-11-24T03:00:00Z").unwrap();
        assert_eq!(time("2h", now).unwrap(), Timestamp::parse_rfc3339("2026-11-24T01:00:00Z").unwrap());
        assert_eq!(time("2026-11-23T00:00:00Z", now).unwrap(), Timestamp::parse_rfc3339("2026-11-23T00:00:00Z").unwrap());
        for bad in ["", "yesterday", "99999999999d"] {
            assert!(time(bad, now).is_err(), "{bad}");
        }
    }
}
