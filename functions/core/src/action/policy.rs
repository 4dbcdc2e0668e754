//! Decides whether, when and by which channel an action may be sent. Caps are decided for all waiting actions
//! together, in [`super::capped`]. Pure: the person's preferences and the time are arguments.
//!
//! The checks in order: shed under backlog; `emit` passes; expired; opt-in; channel; quiet hours. An action outside
//! its time waits: it is checked again with each event of its conversation.

use super::preferences::{Preference, Preferences};
use super::quiet::quiet_until;
use super::{Intent, PlannedAction};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use tidings_config::limits::MAX_DEFERRAL;
use tidings_config::rules::{Cap, Channel, OptIn, Policy, Priority};
use tidings_config::time::Timestamp;

/// The verdict on an action, before its caps are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Send {
        channel: Option<Channel>,
    },
    /// Quiet hours: check again at this time.
    Defer {
        until: Timestamp,
    },
    Withhold(Withheld),
}

/// Why an action isn't sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Withheld {
    /// It waited longer than a notification may wait.
    Expired,
    /// The person accepts none of the rule's channels.
    NoChannel,
    /// The person opted out, or opt-in is required and the person didn't opt in.
    NoOptIn,
    /// The person's preference exists and can't be read.
    Unreadable(Preference),
    /// Its priority is low, and events are waiting too long.
    Shed,
    /// Too many actions wait already that are as urgent or more urgent.
    NoRoom,
    /// It exceeds a cap, and the cap drops it or newer ones wait.
    OverCap,
    /// With its data it exceeds the largest action.
    TooLarge,
    /// Its facts were overwritten, and the rule says to skip it then.
    Stale,
    /// The date that it should come before is past.
    PastDate,
    /// It would be due further ahead than a reminder may be.
    FarDate,
    /// Its date is the one that was reminded of last.
    SameDate,
}

impl Withheld {
    /// All variants except [`Self::Unreadable`], which has one value for each preference.
    pub const ALL: &'static [Self] = &[
        Self::Expired,
        Self::NoChannel,
        Self::NoOptIn,
        Self::Shed,
        Self::NoRoom,
        Self::OverCap,
        Self::TooLarge,
        Self::Stale,
        Self::PastDate,
        Self::FarDate,
        Self::SameDate,
    ];

    /// Parses the printed form.
    pub fn parse(text: &str) -> Option<Self> {
        let unreadable = || text.strip_prefix("unreadable-preference ").and_then(Preference::parse).map(Self::Unreadable);
        Self::ALL.iter().copied().find(|withheld| withheld.to_string() == text).or_else(unreadable)
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "expired",
            Self::NoChannel => "no-channel",
            Self::NoOptIn => "no-opt-in",
            Self::Unreadable(preference) => return write!(f, "unreadable-preference {preference}"),
            Self::Shed => "shed",
            Self::NoRoom => "no-room",
            Self::OverCap => "over-cap",
            Self::TooLarge => "too-large",
            Self::Stale => "stale",
            Self::PastDate => "past-date",
            Self::FarDate => "far-date",
            Self::SameDate => "same-date",
        })
    }
}

/// The conversation and the time in which a planned action is checked.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    pub conversation: &'a str,
    pub preferences: &'a Preferences,
    pub now: Timestamp,
    /// How long its event waited to be processed.
    pub lag: Duration,
}

/// Applies the policy. If the opt-in or the list of channels can't be read, urgent notifications are withheld too. If
/// quiet hours can't be read, only those are withheld that quiet hours could delay.
pub fn decide(proposal: &PlannedAction, policy: &Policy, at: &Circumstances<'_>) -> Verdict {
    if is_shed(proposal.priority, policy, at.lag) {
        return Verdict::Withhold(Withheld::Shed);
    }
    let Intent::Notify { channels, .. } = &proposal.intent else { return Verdict::Send { channel: None } };
    if proposal.has_expired(at.now) {
        return Verdict::Withhold(Withheld::Expired);
    }
    match notify(channels, proposal.priority == Priority::Urgent, policy, at) {
        Err(unreadable) => Verdict::Withhold(Withheld::Unreadable(unreadable)),
        Ok(Verdict::Defer { until }) if until.since(proposal.since) > MAX_DEFERRAL => Verdict::Withhold(Withheld::Expired),
        Ok(verdict) => verdict,
    }
}

/// Whether an action isn't sent because its event waited so long in a backlog.
pub fn is_shed(priority: Priority, policy: &Policy, lag: Duration) -> bool {
    priority == Priority::Low && policy.shed_after.is_some_and(|most| lag > most.duration())
}

/// `Err`: the person's preference that can't be read.
fn notify(of_the_rule: &[Channel], urgent: bool, policy: &Policy, at: &Circumstances<'_>) -> Result<Verdict, Preference> {
    let opt_in = at.preferences.opt_in.get(Preference::OptIn)?;
    if !opt_in.copied().unwrap_or(policy.opt_in == OptIn::Assumed) {
        return Ok(Verdict::Withhold(Withheld::NoOptIn));
    }
    let chosen = at.preferences.channels.get(Preference::Channels)?;
    let Some(channel) = channel(of_the_rule, chosen, policy, at.conversation) else {
        return Ok(Verdict::Withhold(Withheld::NoChannel));
    };
    let until = if urgent { None } else { quiet_until(&at.preferences.windows(policy)?, at.now) };
    Ok(until.map_or(Verdict::Send { channel }, |until| Verdict::Defer { until }))
}

/// The caps that a notification counts towards: its rule's own and the policy's.
pub fn caps<'p>(proposal: &'p PlannedAction, policy: &Policy) -> impl Iterator<Item = (&'p str, Cap)> + use<'p> {
    let of_the_rule = match &proposal.intent {
        Intent::Notify { cap, .. } => cap.map(|cap| (proposal.rule.as_str(), Cap { overflow: proposal.overflow, ..cap })),
        Intent::Emit { .. } => None,
    };
    let of_all = policy.cap.filter(|_| matches!(proposal.intent, Intent::Notify { .. })).map(|cap| ("", cap));
    [of_the_rule, of_all].into_iter().flatten()
}

/// The best of the rule's channels that the person prefers, else that the policy prefers. `Some(None)`: there is no
/// preference, so the bot uses the conversation's own channel.
fn channel(
    of_the_rule: &[Channel],
    chosen: Option<&Vec<Channel>>,
    policy: &Policy,
    conversation: &str,
) -> Option<Option<Channel>> {
    let own = conversation.split_once(':').and_then(|(begin, _)| Channel::parse(begin));
    let preferred = match (chosen, policy.channels.as_slice()) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Wrote;
    use crate::action::{ActionId, Part};
    use crate::claim::ClaimKey;
    use crate::context::{Fact, Facts, Order, Tie};
    use serde_json::{Value, json};
    use tidings_config::rules::{CapOverflow, ClockTime, QuietHours, Span};

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn proposal(priority: Priority, channels: &[Channel]) -> PlannedAction {
        let cause = ClaimKey::new("s", "e");
        PlannedAction {
            id: ActionId::new(&cause, "r", "notify"),
            rule: "r".into(),
            entity: None,
            time: None,
            tie: Tie::default(),
            nth: 0,
            wrote: Wrote::default(),
            overflow: CapOverflow::default(),
            since: at("2026-11-20T12:00:00Z"),
            cause,
            priority,
            traceparent: None,
            by_provider: Vec::new(),
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

    fn look(proposal: &PlannedAction, policy: &Policy, preferences: &Preferences, conversation: &str, now: &str) -> Verdict {
        decide(proposal, policy, &Circumstances { conversation, preferences, now: at(now), lag: Duration::ZERO })
    }

    const NOON: &str = "2026-11-20T12:00:00Z";

    #[test]
    fn a_person_who_opted_out_is_never_notified() {
        let (assumed, required) = (Policy::default(), Policy { opt_in: OptIn::Required, ..Policy::default() });
        let send = Verdict::Send { channel: None };
        let no = Verdict::Withhold(Withheld::NoOptIn);
        for (policy, facts, expected) in [
            (&assumed, json!({}), send),
            (&assumed, json!({"opt_in": false}), no),
            (&required, json!({}), no),
            (&assumed, json!({"opt_in": null}), send),
            (&required, json!({"opt_in": true}), send),
        ] {
            assert_eq!(look(&proposal(Priority::Normal, &[]), policy, &chosen(facts.clone()), "c", NOON), expected, "{facts}");
            let urgent = look(&proposal(Priority::Urgent, &[]), policy, &chosen(facts), "c", NOON);
            assert_eq!(urgent, expected, "urgency doesn't override an opt-out");
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
    fn quiet_hours_use_the_persons_clock_and_let_urgent_ones_pass() {
        let time = |text: &str| text.parse::<ClockTime>().unwrap();
        let quiet = QuietHours { from: time("22:00"), to: time("07:00").into(), zone: "Europe/Berlin".into(), days: vec![] };
        let policy = Policy { quiet_hours: vec![quiet], ..Policy::default() };
        let send = Verdict::Send { channel: None };
        let defer = |until| Verdict::Defer { until: at(until) };
        for (facts, now, expected) in [
            (json!({}), "2026-11-20T20:59:00Z", send),
            (json!({}), "2026-11-20T21:00:00Z", defer("2026-11-21T06:00:00Z")),
            (json!({}), "2026-11-21T05:59:00Z", defer("2026-11-21T06:00:00Z")),
            (json!({}), "2026-11-21T06:00:00Z", send),
            (json!({"zone": "America/New_York"}), "2026-11-20T21:00:00Z", send),
            (json!({"zone": "America/New_York"}), "2026-11-21T03:00:00Z", defer("2026-11-21T12:00:00Z")),
            (json!({"quiet_from": "20:00"}), "2026-11-20T19:00:00Z", defer("2026-11-21T06:00:00Z")),
            (json!({"quiet_to": "24:00"}), "2026-11-20T21:00:00Z", defer("2026-11-20T23:00:00Z")),
            (json!({"quiet_from": "20:00", "quiet_to": "20:00"}), NOON, Verdict::Withhold(Withheld::Expired)),
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
    fn an_unreadable_preference_withholds_what_it_could_forbid() {
        let policy = Policy::default();
        let unreadable = |preference| Verdict::Withhold(Withheld::Unreadable(preference));
        let send = Verdict::Send { channel: None };
        for (facts, preference) in [
            (json!({"opt_in": "false"}), Preference::OptIn),
            (json!({"opt_in": 0}), Preference::OptIn),
            (json!({"opt_in": "no"}), Preference::OptIn),
            (json!({"opt_in": "true"}), Preference::OptIn),
            (json!({"opt_in": [true]}), Preference::OptIn),
            (json!({"channels": "sms"}), Preference::Channels),
            (json!({"channels": ["sms", 7]}), Preference::Channels),
            (json!({"channels": {"sms": true}}), Preference::Channels),
            (json!({"zone": "-05:00"}), Preference::Zone),
            (json!({"zone": "Europe/Atlantis"}), Preference::Zone),
            (json!({"zone": 5}), Preference::Zone),
            (json!({"quiet_from": "21:00:00", "quiet_to": "07:00"}), Preference::QuietFrom),
            (json!({"quiet_from": "9pm", "quiet_to": "07:00"}), Preference::QuietFrom),
            (json!({"quiet_from": "24:00", "quiet_to": "07:00"}), Preference::QuietFrom),
            (json!({"quiet_from": "21:00", "quiet_to": 7}), Preference::QuietTo),
            (json!({"quiet_from": "21:00"}), Preference::QuietFrom),
            (json!({"quiet_to": "07:00", "quiet_from": null}), Preference::QuietTo),
        ] {
            let chosen = chosen(facts.clone());
            assert_eq!(look(&proposal(Priority::Normal, &[]), &policy, &chosen, "c", NOON), unreadable(preference), "{facts}");
            let urgent = look(&proposal(Priority::Urgent, &[]), &policy, &chosen, "c", NOON);
            let silences_urgent = matches!(preference, Preference::OptIn | Preference::Channels);
            assert_eq!(urgent, if silences_urgent { unreadable(preference) } else { send }, "{facts}");
        }
        assert_eq!(Withheld::Unreadable(Preference::Zone).to_string(), "unreadable-preference zone", "never its value");
        assert_eq!(
            chosen(json!({"opt_in": "no", "zone": "CET+1", "channels": [], "quiet_from": ""})).unreadable(),
            [Preference::OptIn, Preference::Zone, Preference::QuietFrom]
        );
    }

    #[test]
    fn a_deleted_or_expired_preference_counts_as_not_set() {
        let order = Order::at(at(NOON), ClaimKey::new("s", "e"));
        let mut fact = Fact::register(json!("no"), order);
        fact.expires = Some(at("2026-11-20T12:00:01Z"));
        let facts = Facts::from([("opt_in".to_owned(), fact)]);
        let read = |now: &str| Preferences::read(Some(&facts), at(now));
        assert_eq!(read(NOON).unreadable(), [Preference::OptIn]);
        assert_eq!(read("2026-11-20T12:00:01Z").unreadable(), []);
    }

    #[test]
    fn a_notification_never_waits_longer_than_the_limit() {
        let time = |text: &str| text.parse::<ClockTime>().unwrap();
        let quiet = QuietHours { from: time("08:00"), to: time("14:00").into(), zone: "UTC".into(), days: vec![] };
        let policy = Policy { quiet_hours: vec![quiet], ..Policy::default() };
        let none = Preferences::default();
        let one = proposal(Priority::Normal, &[]);
        assert!(!one.has_expired(one.since.plus(MAX_DEFERRAL)));
        let late = one.since.plus(MAX_DEFERRAL + Duration::from_millis(1));
        assert!(one.has_expired(late));
        let now = late.to_string();
        assert_eq!(look(&one, &policy, &none, "c", &now), Verdict::Withhold(Withheld::Expired), "it waited for a link");
        let old = PlannedAction { since: at("2026-11-12T13:59:59Z"), ..one.clone() };
        assert_eq!(look(&old, &policy, &none, "c", NOON), Verdict::Withhold(Withheld::Expired));
        let as_old_as_can_be = PlannedAction { since: at("2026-11-12T14:00:00Z"), ..one };
        assert!(matches!(look(&as_old_as_can_be, &policy, &none, "c", NOON), Verdict::Defer { .. }));
    }

    #[test]
    fn only_low_priority_is_shed() {
        let policy = Policy { shed_after: Some(Span::new(Duration::from_secs(60))), ..Policy::default() };
        let preferences = Preferences::default();
        for (priority, lag, shed) in [
            (Priority::Low, 60, false),
            (Priority::Low, 61, true),
            (Priority::Normal, 3_600, false),
            (Priority::Urgent, 3_600, false),
        ] {
            let lag = Duration::from_secs(lag);
            let at = Circumstances { conversation: "c", preferences: &preferences, now: at(NOON), lag };
            let verdict = decide(&proposal(priority, &[]), &policy, &at);
            assert_eq!(verdict == Verdict::Withhold(Withheld::Shed), shed, "{priority:?} after {lag:?}: {verdict:?}");
        }
    }
}
