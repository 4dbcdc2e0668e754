//! Whether, when and by which channel an action is sent. Pure: what the person has chosen, what was sent before and the time
//! are given.
//!
//! In this order: shed under backlog; `emit` and done; opt-in; channel; quiet hours; caps. What comes at the wrong time
//! waits: it is looked at anew then.

use super::{Intent, Proposal};
use crate::claim::words;
use crate::config::rules::{Cap, Channel, ClockTime, OptIn, Policy, Priority};
use crate::context::{Facts, Outbox};
use crate::limits::MAX_DEFERRAL;
use crate::time::{Timestamp, Zone};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// What becomes of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Send {
        channel: Option<Channel>,
    },
    /// Look again then.
    Defer {
        until: Timestamp,
    },
    Withhold(Withheld),
}

words! {
    /// Why something isn't sent.
    Withheld {
        /// It waited so long for its time that nobody wants it any more.
        Expired = "expired",
        /// No channel of the person's is one of the rule's.
        NoChannel = "no-channel",
        /// The person doesn't want any, or hasn't said that they do.
        NoOptIn = "no-opt-in",
        /// Of low priority, under backlog.
        Shed = "shed",
        /// Too much waits already, of what is as urgent or more.
        NoRoom = "no-room",
        /// With its data it is larger than may be sent.
        TooLarge = "too-large",
        /// Overtaken, and the rule says to skip it then.
        Stale = "stale",
    }
}

/// What a person has chosen. A fact that is none of ours is as if it weren't there.
#[derive(Clone, Debug, Default)]
pub struct Preferences {
    pub opt_in: Option<bool>,
    /// Best first.
    pub channels: Option<Vec<Channel>>,
    pub zone: Option<Zone>,
    pub quiet_from: Option<ClockTime>,
    pub quiet_to: Option<ClockTime>,
}

impl Preferences {
    /// Of the facts of [`crate::context::PREFERENCES`].
    pub fn read(facts: Option<&Facts>, now: Timestamp) -> Self {
        let value = |name: &str| facts.and_then(|f| f.get(name)).filter(|fact| fact.is_known(now)).map(|fact| &fact.value);
        let text = |name: &str| value(name).and_then(Value::as_str);
        let channel = |value: &Value| Channel::parse(value.as_str()?);
        Self {
            opt_in: value("opt_in").and_then(Value::as_bool),
            channels: value("channels").and_then(Value::as_array).map(|list| list.iter().filter_map(channel).collect()),
            zone: text("zone").and_then(Zone::named),
            quiet_from: text("quiet_from").and_then(|time| time.parse().ok()),
            quiet_to: text("quiet_to").and_then(|time| time.parse().ok()),
        }
    }
}

/// Where and when a proposal is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    pub conversation: &'a str,
    pub preferences: &'a Preferences,
    pub outbox: &'a Outbox,
    pub now: Timestamp,
    /// How long its event has waited to be processed.
    pub lag: Duration,
}

pub fn decide(proposal: &Proposal, policy: &Policy, at: &Circumstances<'_>) -> Verdict {
    let urgent = proposal.priority == Priority::Urgent;
    if proposal.priority == Priority::Low && policy.shed_after.is_some_and(|most| at.lag > most.duration()) {
        return Verdict::Withhold(Withheld::Shed);
    }
    let Intent::Notify { channels, .. } = &proposal.intent else { return Verdict::Send { channel: None } };
    if proposal.has_expired(at.now) {
        return Verdict::Withhold(Withheld::Expired);
    }
    if !at.preferences.opt_in.unwrap_or(policy.opt_in == OptIn::Assumed) {
        return Verdict::Withhold(Withheld::NoOptIn);
    }
    let Some(channel) = channel(channels, policy, at) else { return Verdict::Withhold(Withheld::NoChannel) };
    if urgent {
        return Verdict::Send { channel };
    }
    let until =
        quiet_until(policy, at).max(caps(proposal, policy).filter_map(|(scope, cap)| at.outbox.room(scope, cap, at.now)).max());
    match until {
        None => Verdict::Send { channel },
        Some(until) if until.since(proposal.since) > MAX_DEFERRAL => Verdict::Withhold(Withheld::Expired),
        Some(until) => Verdict::Defer { until },
    }
}

/// The caps that a notification counts for.
pub fn caps<'p>(proposal: &'p Proposal, policy: &Policy) -> impl Iterator<Item = (&'p str, Cap)> {
    let of_the_rule = match &proposal.intent {
        Intent::Notify { cap, .. } => cap.map(|cap| (proposal.rule.as_str(), cap)),
        Intent::Emit { .. } => None,
    };
    let of_all = policy.cap.filter(|_| matches!(proposal.intent, Intent::Notify { .. })).map(|cap| ("", cap));
    [of_the_rule, of_all].into_iter().flatten()
}

/// The best that the person, or else the policy, prefers among those of the rule. `Some(None)`: nobody has said anything, so
/// it is the conversation's own affair.
fn channel(of_the_rule: &[Channel], policy: &Policy, at: &Circumstances<'_>) -> Option<Option<Channel>> {
    let own = at.conversation.split_once(':').and_then(|(begin, _)| Channel::parse(begin));
    let preferred = match (&at.preferences.channels, policy.channels.as_slice()) {
        (Some(chosen), _) => chosen.clone(),
        (None, []) => match own {
            Some(own) => vec![own],
            None if of_the_rule.is_empty() => return Some(None),
            None => of_the_rule.to_vec(),
        },
        (None, configured) => configured.to_vec(),
    };
    preferred.into_iter().find(|channel| of_the_rule.is_empty() || of_the_rule.contains(channel)).map(Some)
}

/// The end of the quiet hours that it is in.
fn quiet_until(policy: &Policy, at: &Circumstances<'_>) -> Option<Timestamp> {
    let configured = policy.quiet_hours.as_ref();
    let from = at.preferences.quiet_from.or(configured.map(|quiet| quiet.from))?;
    let to = at.preferences.quiet_to.or(configured.map(|quiet| quiet.to))?;
    let zone = at.preferences.zone.clone().or_else(|| configured.and_then(|quiet| Zone::named(&quiet.zone)));
    let zone = zone.or_else(|| Zone::named("UTC"))?;
    let (hour, minute) = zone.time_of_day(at.now)?;
    let there = ClockTime { hour, minute };
    let quiet = if from <= to { from <= there && there < to } else { from <= there || there < to };
    if quiet { zone.next(at.now, to.hour, to.minute) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{ActionId, Part};
    use crate::claim::ClaimKey;
    use crate::config::rules::{QuietHours, Span};
    use crate::context::{Fact, Order, Tie};
    use serde_json::json;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn proposal(priority: Priority, channels: &[Channel]) -> Proposal {
        let cause = ClaimKey::new("s", "e");
        Proposal {
            id: ActionId::new(&cause, "r", "notify"),
            rule: "r".into(),
            entity: None,
            time: None,
            tie: Tie::default(),
            since: at("2026-11-20T12:00:00Z"),
            cause,
            priority,
            traceparent: None,
            intent: Intent::Notify {
                text: vec![Part::Words("hello".into())],
                variants: vec![],
                channels: channels.to_vec(),
                cap: None,
            },
        }
    }

    fn chosen(facts: Value) -> Preferences {
        let order = Order::at(at("2026-11-20T12:00:00Z"), ClaimKey::new("s", "e"));
        let facts: Facts = facts
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), Fact::register(value.clone(), order.clone())))
            .collect();
        Preferences::read(Some(&facts), at("2026-11-20T12:00:00Z"))
    }

    fn look(proposal: &Proposal, policy: &Policy, preferences: &Preferences, conversation: &str, now: &str) -> Verdict {
        let outbox = Outbox::default();
        decide(proposal, policy, &Circumstances { conversation, preferences, outbox: &outbox, now: at(now), lag: Duration::ZERO })
    }

    const NOON: &str = "2026-11-20T12:00:00Z";

    #[test]
    fn nobody_is_told_who_does_not_want_to_be() {
        let (assumed, required) = (Policy::default(), Policy { opt_in: OptIn::Required, ..Policy::default() });
        let send = Verdict::Send { channel: None };
        let no = Verdict::Withhold(Withheld::NoOptIn);
        for (policy, facts, expected) in [
            (&assumed, json!({}), send),
            (&assumed, json!({"opt_in": false}), no),
            (&required, json!({}), no),
            (&required, json!({"opt_in": "yes"}), no),
            (&required, json!({"opt_in": true}), send),
        ] {
            assert_eq!(look(&proposal(Priority::Normal, &[]), policy, &chosen(facts.clone()), "c", NOON), expected, "{facts}");
            let urgent = look(&proposal(Priority::Urgent, &[]), policy, &chosen(facts), "c", NOON);
            assert_eq!(urgent, expected, "nothing is that urgent");
        }
    }

    #[test]
    fn the_channel_is_the_persons_then_the_policys_then_the_conversations() {
        let configured = Policy { channels: vec![Channel::Email, Channel::Sms], ..Policy::default() };
        let send = |channel| Verdict::Send { channel };
        let none = Verdict::Withhold(Withheld::NoChannel);
        for (policy, facts, rule, conversation, expected) in [
            (Policy::default(), json!({}), &[][..], "whatsapp:49", send(Some(Channel::Whatsapp))),
            (Policy::default(), json!({}), &[], "github:a/b", send(None)),
            (Policy::default(), json!({}), &[Channel::Slack], "github:a/b", send(Some(Channel::Slack))),
            (Policy::default(), json!({}), &[Channel::Slack], "whatsapp:49", none),
            (configured.clone(), json!({}), &[], "whatsapp:49", send(Some(Channel::Email))),
            (configured.clone(), json!({}), &[Channel::Sms], "whatsapp:49", send(Some(Channel::Sms))),
            (configured.clone(), json!({"channels": ["slack", "pigeon", "sms"]}), &[], "c", send(Some(Channel::Slack))),
            (configured.clone(), json!({"channels": ["slack"]}), &[Channel::Sms], "c", none),
            (configured, json!({"channels": []}), &[], "c", none),
        ] {
            let verdict = look(&proposal(Priority::Normal, rule), &policy, &chosen(facts.clone()), conversation, NOON);
            assert_eq!(verdict, expected, "{facts} {rule:?} {conversation}");
        }
    }

    #[test]
    fn quiet_hours_are_by_the_persons_clock_and_pass_what_is_urgent() {
        let time = |text: &str| text.parse::<ClockTime>().unwrap();
        let quiet = QuietHours { from: time("22:00"), to: time("07:00"), zone: "Europe/Berlin".into() };
        let policy = Policy { quiet_hours: Some(quiet), ..Policy::default() };
        let send = Verdict::Send { channel: None };
        let defer = |until| Verdict::Defer { until: at(until) };
        for (facts, now, expected) in [
            (json!({}), "2026-11-20T20:59:00Z", send),
            (json!({}), "2026-11-20T21:00:00Z", defer("2026-11-21T06:00:00Z")),
            (json!({}), "2026-11-21T05:59:00Z", defer("2026-11-21T06:00:00Z")),
            (json!({}), "2026-11-21T06:00:00Z", send),
            (json!({"zone": "America/New_York"}), "2026-11-20T21:00:00Z", send),
            (json!({"zone": "America/New_York"}), "2026-11-21T03:00:00Z", defer("2026-11-21T12:00:00Z")),
            (json!({"zone": "Europe/Atlantis"}), "2026-11-20T21:00:00Z", defer("2026-11-21T06:00:00Z")),
            (json!({"quiet_from": "12:00", "quiet_to": "14:00"}), "2026-11-20T12:30:00Z", defer("2026-11-20T13:00:00Z")),
            (json!({"quiet_from": "12:00", "quiet_to": "14:00"}), "2026-11-20T21:00:00Z", send),
        ] {
            assert_eq!(
                look(&proposal(Priority::Normal, &[]), &policy, &chosen(facts.clone()), "c", now),
                expected,
                "{facts} {now}"
            );
            assert_eq!(look(&proposal(Priority::Urgent, &[]), &policy, &chosen(facts), "c", now), send);
        }
    }

    #[test]
    fn a_full_cap_waits_for_room_and_not_for_ever() {
        let cap = |at_most, days: u64| Cap { at_most, within: Span::new(Duration::from_secs(days * 86_400)) };
        let policy = Policy { cap: Some(cap(1, 1)), ..Policy::default() };
        let mut outbox = Outbox::default();
        outbox.count("", cap(1, 1), at(NOON));
        let preferences = Preferences::default();
        let circumstances =
            |now| Circumstances { conversation: "c", preferences: &preferences, outbox: &outbox, now, lag: Duration::ZERO };
        let one = proposal(Priority::Normal, &[]);
        assert_eq!(decide(&one, &policy, &circumstances(at(NOON))), Verdict::Defer { until: at("2026-11-21T12:00:00Z") });
        assert_eq!(decide(&one, &policy, &circumstances(at("2026-11-21T12:00:00Z"))), Verdict::Send { channel: None });
        let urgent = proposal(Priority::Urgent, &[]);
        assert_eq!(decide(&urgent, &policy, &circumstances(at(NOON))), Verdict::Send { channel: None });

        assert!(!one.has_expired(one.since.plus(MAX_DEFERRAL)));
        assert!(one.has_expired(one.since.plus(MAX_DEFERRAL + Duration::from_millis(1))));
        let late = one.since.plus(MAX_DEFERRAL + Duration::from_millis(1));
        assert_eq!(decide(&one, &policy, &circumstances(late)), Verdict::Withhold(Withheld::Expired), "it waited for a link");

        let old = Proposal { since: at("2026-11-13T11:59:59Z"), ..one.clone() };
        assert_eq!(decide(&old, &policy, &circumstances(at(NOON))), Verdict::Withhold(Withheld::Expired));
        let as_old_as_can_be = Proposal { since: at("2026-11-13T12:00:00Z"), ..one };
        assert!(matches!(decide(&as_old_as_can_be, &policy, &circumstances(at(NOON))), Verdict::Defer { .. }));
    }

    #[test]
    fn only_what_matters_little_is_shed() {
        let policy = Policy { shed_after: Some(Span::new(Duration::from_secs(60))), ..Policy::default() };
        let preferences = Preferences::default();
        let outbox = Outbox::default();
        for (priority, lag, shed) in [
            (Priority::Low, 60, false),
            (Priority::Low, 61, true),
            (Priority::Normal, 3_600, false),
            (Priority::Urgent, 3_600, false),
        ] {
            let lag = Duration::from_secs(lag);
            let at = Circumstances { conversation: "c", preferences: &preferences, outbox: &outbox, now: at(NOON), lag };
            let verdict = decide(&proposal(priority, &[]), &policy, &at);
            assert_eq!(verdict == Verdict::Withhold(Withheld::Shed), shed, "{priority:?} after {lag:?}: {verdict:?}");
        }
    }
}
