//! Manual changes: facts set or deleted by hand (`tidings context set` and `unset`), and events applied again
//! (`tidings replay --apply`). Each has a claim of its own, which records the author, the time, the reason and the
//! earlier values.

use crate::action::{Preference, Preferences};
use crate::claim::key::{ClaimKey, Sha256Hex};
use crate::context::{Changes, Fact, FactKind, Facts, Order, PREFERENCES};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use tidings_config::limits::{
    MAX_BATCH_NAME_BYTES, MAX_CONVERSATION_BYTES, MAX_COUNT_STEP, MAX_ELEMENT_BYTES, MAX_FACT_BYTES, MAX_FACTS_PER_RULE,
    MAX_MANUAL_TEXT_BYTES, MAX_RECORDED_VALUE_BYTES, MAX_SET_ELEMENTS, MAX_SUBJECT_BYTES,
};
use tidings_config::rules::{Channel, is_name};
use tidings_config::time::Timestamp;

/// The prefix of the claim keys of corrections. A source's name can't begin with `@`.
const CORRECTION: &str = "@manual#";

/// The prefix of the claim keys of events whose facts are applied again.
const AGAIN: &str = "@again#";

/// The prefix of the claim keys of events whose actions are caused again.
const AGAIN_ACTIONS: &str = "@again-actions#";

/// Facts set or deleted by hand. When applied, they replace the stored values; later events replace them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correction {
    /// A conversation, or an identity. If the identity has a link, its conversation is changed.
    pub of: String,
    /// The author, as the command knows it.
    pub by: String,
    pub reason: String,
    /// Values by entity and name. `null` deletes a fact.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, BTreeMap<String, Value>>,
    /// The new dialogue node. `None`: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeChange>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeChange {
    To(String),
    Nowhere,
}

impl Correction {
    /// Checks it without the stored facts. Errors: the first problem, without a value.
    pub fn check(&self) -> Result<(), String> {
        let length = |what: &str, text: &str, most: usize| match text.len() {
            0 => Err(format!("{what} is empty")),
            seen if seen > most => Err(format!("{what} has {seen} bytes, allowed: 1 to {most}")),
            _ => Ok(()),
        };
        length("the conversation", &self.of, MAX_CONVERSATION_BYTES)?;
        length("the author", &self.by, MAX_MANUAL_TEXT_BYTES)?;
        length("the reason", &self.reason, MAX_MANUAL_TEXT_BYTES)?;
        if self.facts.values().all(BTreeMap::is_empty) && self.node.is_none() {
            return Err("the correction contains no change".to_owned());
        }
        match self.facts.values().map(BTreeMap::len).sum::<usize>() {
            seen if seen > MAX_FACTS_PER_RULE => return Err(format!("{seen} facts, allowed: {MAX_FACTS_PER_RULE}")),
            _ => {}
        }
        if let Some(NodeChange::To(node)) = &self.node
            && !is_name(node)
        {
            return Err(format!("{node:?} isn't a valid name of a node; {NAMES}"));
        }
        for (entity, facts) in &self.facts {
            length("the entity", entity, MAX_SUBJECT_BYTES)?;
            for (name, value) in facts {
                if !is_name(name) {
                    return Err(format!("{name:?} isn't a valid name of a fact; {NAMES}"));
                }
                match value.to_string().len() {
                    seen if seen > MAX_FACT_BYTES => {
                        return Err(format!("{name}: the value has {seen} bytes, allowed: {MAX_FACT_BYTES}"));
                    }
                    _ => {}
                }
                if entity == PREFERENCES {
                    preference(name, value)?;
                }
            }
        }
        Ok(())
    }

    /// The key follows from the content and the time: a correction that is sent twice is claimed once.
    pub fn claim_key(&self, at: Timestamp) -> ClaimKey {
        let content = serde_json::to_string(self).expect("it has string keys and holds only JSON");
        ClaimKey::from(format!("{CORRECTION}{}-{}", at.unix_ms(), Sha256Hex::of(content.as_bytes()).short()))
    }

    /// Whether a claim belongs to a correction.
    pub fn is_key(key: &ClaimKey) -> bool {
        key.as_str().starts_with(CORRECTION)
    }

    pub fn changes(&self) -> Changes {
        let mut changes = Changes::default();
        for (entity, facts) in &self.facts {
            for (name, value) in facts {
                changes.correct(entity, name, value.clone());
            }
        }
        match &self.node {
            Some(NodeChange::To(node)) => changes.correct_node(Value::from(node.as_str())),
            Some(NodeChange::Nowhere) => changes.correct_node(Value::Null),
            None => {}
        }
        changes
    }
}

const NAMES: &str = "allowed: 1 to 64 letters, digits, _ - and ., beginning with a letter or _";

/// Checks a preference. A value that can't be read would withhold notifications.
fn preference(name: &str, value: &Value) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    let order = Order::at(Timestamp::from_unix_ms(0), ClaimKey::of_no_event());
    let facts = Facts::from([(name.to_owned(), Fact::register(value.clone(), order))]);
    let read = Preferences::read(Some(&facts), Timestamp::from_unix_ms(0));
    let Some(preference) = Preference::parse(name) else { return Ok(()) };
    let all_channels = |channels: &Vec<Channel>| Some(channels.len()) == value.as_array().map(Vec::len);
    let (is_read, expected) = match preference {
        Preference::OptIn => (true, "true or false"),
        Preference::Channels => (
            matches!(read.channels.get(preference), Ok(Some(channels)) if all_channels(channels)),
            "a list of channels, such as [\"whatsapp\", \"sms\"]",
        ),
        Preference::Zone => (true, "a time zone, such as Europe/Berlin"),
        Preference::QuietFrom => (true, "a time of day, such as 22:00"),
        Preference::QuietTo => (true, "a time of day, such as 07:00"),
    };
    let is_read = is_read && !read.unreadable().contains(&preference);
    if is_read { Ok(()) } else { Err(format!("{name}: allowed: {expected}")) }
}

/// Whether a stored fact can be set to this value by hand. Errors: the reason, without the value.
pub fn fits(kept: Option<&Fact>, value: &Value) -> Result<(), String> {
    let Some(kept) = kept.filter(|_| !value.is_null()) else { return Ok(()) };
    match (&kept.kind, &kept.ladder) {
        (FactKind::Register, None) => Ok(()),
        (FactKind::Register, Some(ladder)) if ladder.rung(value).is_some() => Ok(()),
        (FactKind::Register, Some(ladder)) => {
            let rungs: Vec<String> = ladder.clone().into();
            Err(format!("is on a ladder, allowed: {}", rungs.join(", ")))
        }
        (FactKind::Counter, _) => match value.as_i64() {
            Some(sum) if (-MAX_COUNT_STEP..=MAX_COUNT_STEP).contains(&sum) => Ok(()),
            Some(_) | None => Err(format!("is a counter, allowed: a whole number from -{MAX_COUNT_STEP} to {MAX_COUNT_STEP}")),
        },
        (FactKind::Set(_), _) => match value.as_array() {
            Some(elements) if elements.len() <= MAX_SET_ELEMENTS && elements.iter().all(is_element) => Ok(()),
            Some(_) | None => Err(format!(
                "is a set, allowed: a list of up to {MAX_SET_ELEMENTS} texts, numbers or booleans of {MAX_ELEMENT_BYTES} bytes each"
            )),
        },
    }
}

fn is_element(value: &Value) -> bool {
    match value {
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string().len() <= MAX_ELEMENT_BYTES,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// The name of a batch of events that are applied again. In one batch each event is applied at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchName(String);

impl FromStr for BatchName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if (1..=MAX_BATCH_NAME_BYTES).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("allowed: 1 to {MAX_BATCH_NAME_BYTES} letters, digits, - _ and ."))
    }
}

impl fmt::Display for BatchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The part of an event that is applied again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its facts and its node.
    Facts,
    /// What it causes: notifications, emitted actions, links.
    Actions,
}

impl BatchName {
    /// The claim key of this second application.
    pub fn claim_key(&self, part: Part, event: &ClaimKey) -> ClaimKey {
        let prefix = match part {
            Part::Facts => AGAIN,
            Part::Actions => AGAIN_ACTIONS,
        };
        ClaimKey::from(format!("{prefix}{}#{event}", self.0))
    }
}

/// Whether a claim belongs to an event or to a second application of it.
pub fn is_of(key: &ClaimKey, event: &ClaimKey) -> bool {
    key == event || applied_again(key).is_some_and(|of| of == event.as_str())
}

/// The claim key of the original event, if this is a second application.
pub fn applied_again(key: &ClaimKey) -> Option<&str> {
    let rest = [AGAIN, AGAIN_ACTIONS].iter().find_map(|prefix| key.as_str().strip_prefix(prefix))?;
    rest.split_once('#').map(|(_, event)| event)
}

/// The record of a manual change in its claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManualChange {
    pub by: String,
    pub reason: String,
    /// The event that was applied again. `None`: facts were set by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<ClaimKey>,
    /// The changes: up to [`MAX_CHANGES_RECORDED`](tidings_config::limits::MAX_CHANGES_RECORDED).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FactChange>,
}

/// One fact, or the node, before and after. `null`: unknown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FactChange {
    /// `order/1042.status`, or `node`.
    pub what: String,
    pub before: Value,
    /// The claim key of the event that had written it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_by: Option<ClaimKey>,
    /// That event's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_time: Option<Timestamp>,
    pub after: Value,
}

impl FactChange {
    /// A long value is recorded by its size, since a claim is bounded.
    pub fn new(what: String, before: Option<&Fact>, after: Option<&Fact>) -> Self {
        let value = |fact: Option<&Fact>| match fact.map_or(Value::Null, |fact| fact.value.clone()) {
            long if long.to_string().len() > MAX_RECORDED_VALUE_BYTES => {
                Value::from(format!("(a value of {} bytes)", long.to_string().len()))
            }
            value => value,
        };
        Self {
            what,
            before: value(before),
            before_by: before.map(|fact| fact.order.key.clone()),
            before_time: before.map(|fact| fact.order.time),
            after: value(after),
        }
    }
}

#[cfg(test)]
mod tests;
