//! The effects of a rule, or of a branch of a join.

use super::debounce::{DebounceEntry, debounce};
use super::facts::{Kind, Kinds};
use super::policy::{CapEntry, cap};
use super::reminder::{ReminderFields, reminder};
use super::texts::{TextsEntry, texts};
use super::{Scalar, expression, name, parse};
use crate::limits::{MAX_EMIT_FIELDS, MAX_TTL};
use crate::{Checker, Spanned};
use serde::Deserialize;
use serde_saphyr::Location;
use std::collections::BTreeMap;
use tidings_config::OneOrMany;
use tidings_config::limits::{MAX_EVENT_TYPE_BYTES, MAX_FACTS_PER_RULE};
use tidings_config::rules::{
    Assignment, Channel, Effects, Emit, Ladder, Notify, Priority, RESULT_TYPE, Span, TypePattern, ValueEffect, is_name,
};
use tidings_config::schema::Either;
use tidings_expressions::Scope;

pub(super) type ValuesEntry = BTreeMap<String, Spanned<Scalar>>;
pub(super) type SetEntry = BTreeMap<String, Spanned<AssignmentEntry>>;

/// A branch of a join can't change counters and sets: it may be applied again when more of its events arrive.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BranchEntry {
    /// Gives the entity of the facts, from `join.name` and `join.key`.
    entity: Option<Spanned<Scalar>>,
    /// Facts by name. `null` leaves a fact unchanged.
    #[schemars(extend("propertyNames" = tidings_config::schema::name()))]
    set: Option<SetEntry>,
    /// Facts to delete.
    unset: Option<Spanned<OneOrMany<String>>>,
    /// The dialogue node to go to.
    #[schemars(extend("pattern" = tidings_config::schema::NAME))]
    goto: Option<Spanned<String>>,
    /// Of its actions.
    priority: Option<Spanned<Priority>>,
    /// A text for the person.
    notify: Option<Spanned<NotifyEntry>>,
    /// Something for the chatbot's engine.
    emit: Option<Spanned<EmitEntry>>,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NotifyEntry {
    /// The text, or texts by channel and language.
    text: Spanned<TextsEntry>,
    /// The only allowed channels. Default: the channels that the person and the policy prefer.
    channels: Option<Spanned<OneOrMany<Channel>>>,
    /// A cap for each conversation, in addition to the policy's.
    cap: Option<CapEntry>,
    /// Gives the time of which it reminds: it is made then, and a later event moves it. `null` cancels it. For rules,
    /// not for branches of joins.
    at: Option<Spanned<Scalar>>,
    /// It is made so long before that time, up to `366d`.
    before: Option<Spanned<Span>>,
    /// Gives what tells reminders of one conversation apart, such as an appointment. Default: the conversation has one.
    by: Option<Spanned<Scalar>>,
    /// Event types that cancel it.
    unless: Option<Spanned<OneOrMany<TypePattern>>>,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EmitEntry {
    /// The CloudEvents type of the action. `tidings.*` is reserved, except for `tidings.send`, which the sender says.
    #[serde(rename = "type")]
    #[schemars(extend("pattern" = tidings_config::schema::ACTION_TYPE))]
    action_type: Spanned<String>,
    /// Data by name, as expressions.
    #[serde(default)]
    #[schemars(extend("propertyNames" = tidings_config::schema::name()))]
    data: ValuesEntry,
    /// Collects the events of a burst: they become one action. For rules, not for branches of joins.
    debounce: Option<Spanned<DebounceEntry>>,
    /// Gives the time of which it reminds: it is made then, and a later event moves it. `null` cancels it. For rules,
    /// not for branches of joins.
    at: Option<Spanned<Scalar>>,
    /// It is made so long before that time, up to `366d`.
    before: Option<Spanned<Span>>,
    /// Gives what tells reminders of one conversation apart, such as an appointment. Default: the conversation has one.
    by: Option<Spanned<Scalar>>,
    /// Event types that cancel it.
    unless: Option<Spanned<OneOrMany<TypePattern>>>,
}

/// An expression, or one with how long its value is valid, or with the values that it may have.
#[derive(schemars::JsonSchema)]
#[schemars(with = "Either<Scalar, WholeAssignment>")]
pub(super) struct AssignmentEntry {
    value: Scalar,
    ttl: Option<Span>,
    ladder: Option<Ladder>,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct WholeAssignment {
    value: Scalar,
    /// How long the fact is valid after the event's time. Default: without limit.
    ttl: Option<Span>,
    /// The allowed values, lowest first: the fact has the highest value that any event reached, at any time. Default:
    /// the newest event decides.
    ladder: Option<Ladder>,
}

impl<'de> Deserialize<'de> for AssignmentEntry {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = AssignmentEntry;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an expression, or { value: …, ttl: … }, or { value: …, ladder: […] }")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<AssignmentEntry, E> {
                Ok(AssignmentEntry { value: Scalar(text.to_owned()), ttl: None, ladder: None })
            }

            fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<AssignmentEntry, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<AssignmentEntry, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<AssignmentEntry, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<AssignmentEntry, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<AssignmentEntry, E> {
                Err(E::custom("an expression must be one text, such as data.order.id or \"'paid'\""))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, _: A) -> Result<AssignmentEntry, A::Error> {
                self.visit_unit()
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<AssignmentEntry, A::Error> {
                let WholeAssignment { value, ttl, ladder } =
                    WholeAssignment::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(AssignmentEntry { value, ttl, ladder })
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// The fields as written.
pub(super) struct Field {
    pub(super) entity: Option<Spanned<Scalar>>,
    pub(super) set: Option<SetEntry>,
    pub(super) unset: Option<Spanned<OneOrMany<String>>>,
    pub(super) values: Vec<(ValueEffect, Option<ValuesEntry>)>,
    pub(super) goto: Option<Spanned<String>>,
    pub(super) priority: Option<Spanned<Priority>>,
    pub(super) notify: Option<Spanned<NotifyEntry>>,
    pub(super) emit: Option<Spanned<EmitEntry>>,
}

impl From<BranchEntry> for Field {
    fn from(branch: BranchEntry) -> Self {
        let BranchEntry { entity, set, unset, goto, priority, notify, emit } = branch;
        Self { entity, set, unset, values: Vec::new(), goto, priority, notify, emit }
    }
}

impl Field {
    /// `what` is the subject of messages: `rule "order-shipped"`.
    pub(super) fn check(self, checker: &mut Checker<'_>, what: &str, here: Location, scope: Scope, kinds: &mut Kinds) -> Effects {
        let mut effects = Effects {
            entity: self.entity.map(|e| expression(checker, e, scope)),
            unset: self.unset.map(|unset| forgotten(checker, unset, kinds)).unwrap_or_default(),
            ..Effects::default()
        };
        for (effect, entries) in self.values {
            if let Some(entries) = entries {
                effects.values.insert(effect, values(checker, entries, scope, Kind::of(effect), kinds));
            }
        }
        for (fact, entry) in self.set.unwrap_or_default() {
            let at = entry.referenced;
            name(checker, at, "a fact", &fact);
            kinds.set(checker, at, &fact, entry.value.ladder.as_ref());
            if effects.unset.0.contains(&fact) {
                checker.problem(at, format!("{what} sets and unsets {fact:?}; use one of them"));
            }
            let AssignmentEntry { value: Scalar(value), ttl, ladder } = entry.value;
            kinds.holds(&fact, &value);
            parse(checker, at, &value, scope);
            if let Some(ttl) = ttl.filter(|ttl| ttl.duration() > MAX_TTL) {
                checker.problem(
                    at,
                    format!(
                        "`ttl` is {ttl}, allowed: up to {}; leave `ttl` out to keep the fact without limit",
                        Span::new(MAX_TTL)
                    ),
                );
            }
            if ttl.is_some() && ladder.is_some() {
                checker.problem(at, "a fact with a `ladder` never goes down, so it can't have a `ttl`; leave one of them out");
            }
            if let Some(word) = ladder.as_ref().and_then(|ladder| off_ladder(&value, ladder)) {
                checker.problem(at, format!("{word:?} isn't on the ladder of {fact:?}: it would never be set"));
            }
            effects.set.insert(fact, Assignment { value, ttl, ladder });
        }
        let facts = effects.facts();
        if facts > MAX_FACTS_PER_RULE {
            checker.problem(here, format!("{what} sets {facts} facts, allowed: {MAX_FACTS_PER_RULE}"));
        }
        effects.goto = self.goto.map(|node| {
            name(checker, node.referenced, "a node", &node.value);
            node.value
        });
        effects.notify = self.notify.map(|notify| self::notify(checker, what, notify.value, scope, kinds));
        effects.emit = self.emit.map(|emit| self::emit(checker, what, emit, scope));
        if let Some(priority) = self.priority {
            if !effects.acts() {
                checker
                    .problem(priority.referenced, format!("`priority` is for actions; {what} has neither `notify` nor `emit`"));
            }
            effects.priority = priority.value;
        }
        effects
    }
}

/// A literal in the expression that isn't on the ladder.
fn off_ladder(expression: &str, ladder: &Ladder) -> Option<String> {
    let quoted = |quote| expression.strip_prefix(quote)?.strip_suffix(quote);
    let word = quoted('\'').or_else(|| quoted('"'))?;
    let is_plain = !word.contains(['\'', '"', '\\']);
    (is_plain && ladder.rung(&word.into()).is_none()).then(|| word.to_owned())
}

fn values(
    checker: &mut Checker<'_>,
    entries: ValuesEntry,
    scope: Scope,
    kind: Kind,
    kinds: &mut Kinds,
) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (fact, entry) in entries {
        name(checker, entry.referenced, "a fact", &fact);
        kinds.written(checker, entry.referenced, &fact, kind);
        values.insert(fact, expression(checker, entry, scope));
    }
    values
}

fn forgotten(checker: &mut Checker<'_>, unset: Spanned<OneOrMany<String>>, kinds: &mut Kinds) -> OneOrMany<String> {
    for fact in &unset.value.0 {
        name(checker, unset.referenced, "a fact", fact);
        kinds.forgotten(unset.referenced, fact);
    }
    unset.value
}

fn notify(checker: &mut Checker<'_>, what: &str, entry: NotifyEntry, scope: Scope, kinds: &mut Kinds) -> Notify {
    let NotifyEntry { text, channels, cap, at, before, by, unless } = entry;
    let text = texts(checker, text, scope, kinds);
    let channels = channels.map(|channels| {
        if channels.value.is_empty() {
            checker.problem(channels.referenced, "`channels` is an empty list: the text could never be sent");
        }
        channels.value
    });
    let cap = cap.map(|entry| self::cap(checker, entry));
    let reminder = reminder(checker, what, ReminderFields { at, before, by, unless }, scope);
    Notify { text, channels: channels.unwrap_or_default(), cap, reminder }
}

/// The action that the sender says by a channel: docs/channels.md.
pub(super) const SEND: &str = "tidings.send";

fn emit(checker: &mut Checker<'_>, what: &str, entry: Spanned<EmitEntry>, scope: Scope) -> Emit {
    let Spanned { value: EmitEntry { action_type, data, debounce, at, before, by, unless }, referenced, .. } = entry;
    let segments = action_type.value.split('.').all(|segment| !segment.is_empty() && is_type_segment(segment));
    let is_reserved = action_type.value.starts_with("tidings.") && ![RESULT_TYPE, SEND].contains(&action_type.value.as_str());
    if !segments || action_type.value.len() > MAX_EVENT_TYPE_BYTES || is_reserved {
        checker.problem(
            action_type.referenced,
            format!(
                "{:?} isn't a valid type of an action; write it as order.ready: letters, digits, _ and - between dots, up to \
                 {MAX_EVENT_TYPE_BYTES} bytes; tidings.* is reserved, except for tidings.send, which the sender sends by a channel",
                action_type.value
            ),
        );
    }
    if data.len() > MAX_EMIT_FIELDS {
        checker.problem(referenced, format!("{what} emits {} values, allowed: {MAX_EMIT_FIELDS}", data.len()));
    }
    let mut values = BTreeMap::new();
    for (field, entry) in data {
        if !is_name(&field) {
            name(checker, entry.referenced, "a value", &field);
        }
        values.insert(field, expression(checker, entry, scope));
    }
    let debounce = debounce.map(|entry| self::debounce(checker, what, entry, scope, &action_type.value, &values));
    if let Some(at) = &at {
        if debounce.is_some() {
            checker.problem(at.referenced, format!("{what} has both `debounce` and `at`; leave one of them out"));
        }
        if action_type.value == RESULT_TYPE {
            checker.problem(at.referenced, format!("{RESULT_TYPE} is what its event came to, so it has no date; leave `at` out"));
        }
    }
    let reminder = reminder(checker, what, ReminderFields { at, before, by, unless }, scope);
    Emit { action_type: action_type.value, data: values, debounce, reminder }
}

fn is_type_segment(segment: &str) -> bool {
    segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}
