//! The outcome of a planned action, as data. Metrics, erasure and commands read it; no code depends on a sentence.
//!
//! A claim stores each outcome as JSON. The previous version stored sentences; they are parsed only here.

use super::{Intent, PlannedAction, Withheld};
use serde::{Deserialize, Serialize};
use std::fmt;
use tidings_config::time::Timestamp;

/// The effect of a rule that an action comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    Notify,
    Emit,
}

impl ActionKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Emit => "emit",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Notify, Self::Emit].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The outcome of a planned action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionOutcome {
    /// The rule or the join of the action.
    pub rule: String,
    pub kind: ActionKind,
    pub became: Became,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It is in the outbox, and sent as soon as the queue responds.
    Queued,
    /// It waits for quiet hours to end, or for room under a cap.
    WaitsUntil(Timestamp),
    /// It waits for the link of its identity.
    WaitsForLink,
    /// It is an event of a turn, whose action is sent when the turn ends. The previous version shows it as stored.
    Collected,
    /// It is made at this time, unless a later event moves or cancels it. The previous version shows it as stored.
    Scheduled(Timestamp),
    /// Its event has no date, or cancels it: none waits. The previous version shows it as stored.
    NoDate,
    /// It is the newest of several that form one message, which is in the outbox.
    Digest {
        count: u64,
    },
    Withheld(Withheld),
    /// Only from earlier versions: it became a message of the queue that is visible at that time.
    PutOff(Timestamp),
}

/// One line of a claim about an action, or about a value that had no room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionNote {
    /// An outcome and how often it occurred: a burst may repeat it hundreds of times.
    Became { outcome: ActionOutcome, times: u32 },
    /// A text for people. No code interprets it.
    Text(String),
}

#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    outcome: ActionOutcome,
    #[serde(default = "once", skip_serializing_if = "is_once")]
    times: u32,
}

const fn once() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_once(times: &u32) -> bool {
    *times == 1
}

impl PlannedAction {
    pub const fn kind(&self) -> ActionKind {
        match &self.intent {
            Intent::Notify { .. } => ActionKind::Notify,
            Intent::Emit { .. } => ActionKind::Emit,
        }
    }

    pub fn became(&self, became: Became) -> ActionOutcome {
        ActionOutcome { rule: self.rule.clone(), kind: self.kind(), became }
    }
}

impl ActionNote {
    /// Each outcome once, in the order of first occurrence; withheld ones with their number.
    pub fn of(outcomes: &[ActionOutcome]) -> Vec<Self> {
        let mut notes: Vec<(&ActionOutcome, u32)> = Vec::new();
        for outcome in outcomes {
            let is_withheld = matches!(outcome.became, Became::Withheld(_));
            match notes.iter_mut().find(|(noted, _)| is_withheld && *noted == outcome) {
                Some((_, times)) => *times += 1,
                None => notes.push((outcome, 1)),
            }
        }
        notes.into_iter().map(|(outcome, times)| Self::Became { outcome: outcome.clone(), times }).collect()
    }

    /// Whether the action was sent unchanged. Then no further line is needed.
    pub fn is_queued(&self) -> bool {
        self.outcome().is_some_and(|outcome| outcome.became == Became::Queued)
    }

    pub fn outcome(&self) -> Option<&ActionOutcome> {
        match self {
            Self::Became { outcome, .. } => Some(outcome),
            Self::Text(_) => None,
        }
    }

    /// The form that a claim stores.
    pub fn store(&self) -> String {
        match self {
            Self::Became { outcome, times } => {
                let stored = Stored { outcome: outcome.clone(), times: *times };
                serde_json::to_string(&stored).expect("it has string keys and holds only JSON")
            }
            Self::Text(text) => text.clone(),
        }
    }

    /// Parses the form that a claim stores, of this version or the previous one.
    pub fn read(stored: String) -> Self {
        let read = serde_json::from_str(&stored).ok().or_else(|| sentence(&stored));
        read.map_or(Self::Text(stored), |Stored { outcome, times }| Self::Became { outcome, times })
    }
}

/// Parses a sentence of the previous version: `paid/notify withheld: stale ×6`.
fn sentence(text: &str) -> Option<Stored> {
    let (text, times) = match text.rsplit_once(" ×") {
        Some((text, times)) => (text, times.parse().ok()?),
        None => (text, 1),
    };
    let (label, became) = text.split_once(' ')?;
    let (rule, kind) = label.rsplit_once('/')?;
    let outcome = ActionOutcome { rule: rule.to_owned(), kind: ActionKind::parse(kind)?, became: became_of(became)? };
    Some(Stored { outcome, times })
}

fn became_of(text: &str) -> Option<Became> {
    let time = |prefix| text.strip_prefix(prefix).and_then(Timestamp::parse_rfc3339);
    match text {
        "queued" => return Some(Became::Queued),
        "held until its identity is linked" => return Some(Became::WaitsForLink),
        _ => {}
    }
    let waits = time("waits until ").map(Became::WaitsUntil).or_else(|| time("deferred until ").map(Became::PutOff));
    let digest = || Some(Became::Digest { count: text.strip_prefix("queued: a digest of ")?.parse().ok()? });
    let withheld = || text.strip_prefix("withheld: ").and_then(Withheld::parse).map(Became::Withheld);
    waits.or_else(digest).or_else(withheld)
}

impl fmt::Display for ActionOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} ", self.rule, self.kind.as_str())?;
        match self.became {
            Became::Queued => f.write_str("queued"),
            Became::WaitsUntil(until) => write!(f, "waits until {until}"),
            Became::WaitsForLink => f.write_str("held until its identity is linked"),
            Became::Collected => f.write_str("collected: sent with its turn"),
            Became::Scheduled(due) => write!(f, "scheduled for {due}"),
            Became::NoDate => f.write_str("not scheduled: no date"),
            Became::Digest { count } => write!(f, "queued: a digest of {count}"),
            Became::Withheld(why) => write!(f, "withheld: {why}"),
            Became::PutOff(until) => write!(f, "deferred until {until}"),
        }
    }
}

impl fmt::Display for ActionNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Became { outcome, times: 1 } => write!(f, "{outcome}"),
            Self::Became { outcome, times } => write!(f, "{outcome} ×{times}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Serialised as a sentence, for people and their programs.
impl Serialize for ActionNote {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Preference;

    fn outcomes() -> Vec<Became> {
        let at = Timestamp::from_unix_ms(1_795_168_800_250);
        let withheld = Withheld::ALL.iter().copied();
        let unreadable = Preference::ALL.iter().copied().map(Withheld::Unreadable);
        [Became::Queued, Became::WaitsUntil(at), Became::WaitsForLink, Became::Digest { count: 7 }, Became::PutOff(at)]
            .into_iter()
            .chain(withheld.chain(unreadable).map(Became::Withheld))
            .collect()
    }

    #[test]
    fn a_stored_note_and_a_sentence_of_the_previous_version_are_read() {
        for (became, times) in outcomes().into_iter().zip([1, 6].into_iter().cycle()) {
            for kind in [ActionKind::Notify, ActionKind::Emit] {
                let outcome = ActionOutcome { rule: "stock/paid".into(), kind, became };
                let note = ActionNote::Became { outcome, times };
                assert_eq!(ActionNote::read(note.store()), note);
                assert_eq!(ActionNote::read(note.to_string()), note, "the version before stored {note}");
            }
        }
    }

    #[test]
    fn a_note_is_stored_as_compact_data() {
        let outcome = ActionOutcome { rule: "paid".into(), kind: ActionKind::Notify, became: Became::Queued };
        let note = |became, times| ActionNote::Became { outcome: ActionOutcome { became, ..outcome.clone() }, times };
        assert_eq!(note(Became::Queued, 1).store(), r#"{"rule":"paid","kind":"notify","became":"queued"}"#);
        let collected = note(Became::Collected, 1);
        assert_eq!(collected.store(), r#"{"rule":"paid","kind":"notify","became":"collected"}"#);
        assert_eq!(ActionNote::read(collected.store()), collected);
        let scheduled = note(Became::Scheduled(Timestamp::from_unix_ms(0)), 1);
        let stored = r#"{"rule":"paid","kind":"notify","became":{"scheduled":"1970-01-01T00:00:00.000Z"}}"#;
        assert_eq!((scheduled.store().as_str(), ActionNote::read(stored.into())), (stored, scheduled));
        let none = note(Became::NoDate, 1);
        assert_eq!(ActionNote::read(none.store()), none);
        let dropped = note(Became::Withheld(Withheld::OverCap), 6).store();
        assert_eq!(dropped, r#"{"rule":"paid","kind":"notify","became":{"withheld":"over-cap"},"times":6}"#);
    }

    #[test]
    fn a_text_that_is_not_an_outcome_is_kept_unchanged() {
        for text in ["order/1.pages dropped: 1 element", "status/set.status dropped: no rung", "a/notify danced", "", "{", "{}"] {
            assert_eq!(ActionNote::read(text.to_owned()), ActionNote::Text(text.to_owned()));
        }
    }
}
