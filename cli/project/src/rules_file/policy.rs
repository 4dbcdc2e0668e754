//! The policy of notifications.

use crate::limits::{MAX_CAP, MAX_QUIET_WINDOWS};
use crate::{Checker, Spanned};
use serde::Deserialize;
use tidings_config::OneOrMany;
use tidings_config::limits::MAX_CAP_WITHIN;
use tidings_config::rules::{Cap, CapOverflow, Channel, ClockEnd, ClockTime, Day, OptIn, Policy, QuietHours, Span, language_tag};
use tidings_config::time::Zone;

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyEntry {
    /// Who receives notifications.
    opt_in: Option<OptIn>,
    /// The channels, best first. Default: the conversation's own channel.
    channels: Option<Spanned<Vec<Channel>>>,
    /// Periods in which only urgent notifications are sent: one window or a list. Windows that touch form one.
    quiet_hours: Option<Spanned<OneOrMany<QuietHoursEntry>>>,
    /// A cap for each conversation, over all rules.
    cap: Option<CapEntry>,
    /// Low-priority actions are withheld (shed) if their event waited longer than this.
    shed_after: Option<Span>,
    /// The language of texts for persons without a language of their own: `en`, `pt-BR`. Default: English.
    #[schemars(extend("pattern" = tidings_config::schema::LANGUAGE))]
    language: Option<Spanned<String>>,
    /// The IANA time zone of dates in texts, for persons without a zone of their own. Default: that of `quiet_hours`, else UTC.
    zone: Option<Spanned<String>>,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct QuietHoursEntry {
    /// The start, by the person's own clock.
    from: Spanned<ClockTime>,
    /// The end, on the next day if it isn't after `from`. `24:00` is the end of the day.
    to: ClockEnd,
    /// The IANA time zone of persons without a zone of their own, such as `Europe/Berlin`.
    zone: Spanned<String>,
    /// The days on which the window begins. Default: every day.
    days: Option<Spanned<OneOrMany<Day>>>,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CapEntry {
    /// The most notifications in a period.
    #[schemars(range(min = 1, max = MAX_CAP))]
    at_most: Spanned<u32>,
    /// The length of the period.
    within: Spanned<Span>,
    /// What happens to notifications that exceed the cap.
    overflow: Option<CapOverflow>,
}

impl PolicyEntry {
    pub(super) fn check(self, checker: &mut Checker<'_>) -> Policy {
        let channels = self.channels.map(|channels| {
            if channels.value.is_empty() {
                checker.problem(channels.referenced, "`channels` is an empty list: nothing could be sent");
            }
            channels.value
        });
        let quiet_hours = self.quiet_hours.map(|entries| {
            let windows = entries.value.0;
            if windows.is_empty() {
                checker.problem(entries.referenced, "`quiet_hours` is an empty list; leave it out for no quiet hours");
            }
            if windows.len() > MAX_QUIET_WINDOWS {
                let seen = windows.len();
                checker.problem(entries.referenced, format!("{seen} quiet windows, allowed: {MAX_QUIET_WINDOWS}"));
            }
            windows.into_iter().map(|window| window.check(checker)).collect()
        });
        Policy {
            opt_in: self.opt_in.unwrap_or_default(),
            channels: channels.unwrap_or_default(),
            quiet_hours: quiet_hours.unwrap_or_default(),
            cap: self.cap.map(|entry| cap(checker, entry)),
            shed_after: self.shed_after,
            language: self.language.and_then(|language| self::language(checker, &language)),
            zone: self.zone.and_then(|zone| self::zone(checker, &zone)),
        }
    }
}

impl QuietHoursEntry {
    fn check(self, checker: &mut Checker<'_>) -> QuietHours {
        let Self { from, to, zone, days } = self;
        if ClockEnd::from(from.value) == to {
            checker.problem(
                from.referenced,
                format!("quiet from {to} to {to} is ambiguous; write \"00:00\" to \"24:00\" for the whole day, or leave `quiet_hours` out"),
            );
        }
        if Zone::named(&zone.value).is_none() {
            checker.problem(
                zone.referenced,
                format!("unknown time zone {:?}; write it as Europe/Berlin, America/New_York, UTC", zone.value),
            );
        }
        let days = days.map(|days| {
            if days.value.is_empty() {
                checker.problem(days.referenced, "`days` is an empty list; leave it out for every day");
            }
            days.value.0
        });
        QuietHours { from: from.value, to, zone: zone.value, days: days.unwrap_or_default() }
    }
}

fn language(checker: &mut Checker<'_>, language: &Spanned<String>) -> Option<String> {
    let tag = language_tag(&language.value);
    if tag.is_none() {
        checker.problem(language.referenced, format!("{:?} isn't a language; write it as en, de, pt-BR", language.value));
    }
    tag
}

fn zone(checker: &mut Checker<'_>, zone: &Spanned<String>) -> Option<String> {
    if Zone::named(&zone.value).is_none() {
        let what = format!("unknown time zone {:?}; write it as Europe/Berlin, America/New_York, UTC", zone.value);
        checker.problem(zone.referenced, what);
    }
    Some(zone.value.clone())
}

pub(super) fn cap(checker: &mut Checker<'_>, entry: CapEntry) -> Cap {
    let CapEntry { at_most, within, overflow } = entry;
    if !(1..=MAX_CAP).contains(&at_most.value) {
        checker.problem(at_most.referenced, format!("a cap of {}, allowed: 1 to {MAX_CAP}", at_most.value));
    }
    if within.value.duration() > MAX_CAP_WITHIN {
        let allowed = Span::new(MAX_CAP_WITHIN);
        checker.problem(within.referenced, format!("a cap over {}, allowed: up to {allowed}", within.value));
    }
    Cap { at_most: at_most.value, within: within.value, overflow: overflow.unwrap_or_default() }
}
