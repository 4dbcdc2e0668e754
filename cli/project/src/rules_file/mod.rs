//! `rules.yaml`.

mod apis;
mod debounce;
mod effects;
mod facts;
mod policy;
mod reminder;
mod texts;

use super::{Checker, Report, Spanned, did_you_mean, yaml};
use crate::limits::{MAX_JOIN_SHUT, MAX_JOIN_WITHIN};
use apis::{ApiEntry, EnrichEntry, apis, enrich};
use effects::{BranchEntry, Field};
use facts::Kinds;
use policy::PolicyEntry;
use serde::Deserialize;
use serde_saphyr::Location;
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::OneOrMany;
use tidings_config::limits::{MAX_LEGS, MAX_LINKS_PER_EVENT};
use tidings_config::rules::{
    Again, Api, ConversationRule, Effects, IfStale, Join, Leg, Policy, Rule, Rules, Span, TypePattern, ValueEffect, Whose,
    is_name,
};
use tidings_config::schema::Either;
use tidings_expressions::{Expression, Scope};

/// What the chatbot should know and do: event → condition → effects.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RulesFile {
    /// The version of this format.
    #[schemars(extend("const" = super::FORMAT_VERSION))]
    version: Spanned<u32>,
    /// Whose conversation an event belongs to: the first entry that matches the event and has a value.
    #[serde(default)]
    conversations: Vec<ConversationEntry>,
    /// When and how a notification may be sent.
    policy: Option<PolicyEntry>,
    /// APIs that rules may fetch from, by name.
    #[serde(default)]
    #[schemars(extend("propertyNames" = tidings_config::schema::name()))]
    apis: BTreeMap<String, ApiEntry>,
    /// The rules. Every rule that matches an event is applied, in this order.
    #[serde(default)]
    rules: Vec<RuleEntry>,
    /// Events that belong together.
    #[serde(default)]
    joins: Vec<JoinEntry>,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[schemars(extend("oneOf" = [{"required": ["conversation"]}, {"required": ["identity"]}]))]
#[serde(deny_unknown_fields)]
struct ConversationEntry {
    /// Event types.
    on: Spanned<OneOrMany<TypePattern>>,
    /// Only events of these sources match.
    source: Option<Spanned<OneOrMany<String>>>,
    /// Gives the conversation. If it gives `null` or an empty text, the next entry is tried.
    conversation: Option<Spanned<Scalar>>,
    /// Instead of `conversation`: gives an identity, such as `customer:cus_123`. A link names its conversation.
    identity: Option<Spanned<Scalar>>,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    /// The name in logs and timelines. Names are unique.
    #[schemars(extend("pattern" = tidings_config::schema::NAME))]
    name: Spanned<String>,
    /// Event types.
    on: Spanned<OneOrMany<TypePattern>>,
    /// Only events of these sources match.
    source: Option<Spanned<OneOrMany<String>>>,
    /// Gives `true` for events that match.
    when: Option<Spanned<Scalar>>,
    /// An object that is fetched first. All expressions except `when` see it as `fetched`.
    enrich: Option<EnrichEntry>,
    /// Expressions that give identities of the event's conversation.
    link: Option<Spanned<OneOrMany<String>>>,
    /// What happens to its actions if all facts that it sets are already newer.
    if_stale: Option<Spanned<IfStale>>,
    /// Gives the entity of the facts. Default: the event's subject.
    entity: Option<Spanned<Scalar>>,
    /// Facts by name. `null` leaves a fact unchanged.
    #[schemars(extend("propertyNames" = tidings_config::schema::name()))]
    set: Option<effects::SetEntry>,
    /// Facts to delete.
    unset: Option<Spanned<OneOrMany<String>>>,
    /// Counters by name: the whole number to add.
    #[schemars(extend("propertyNames" = tidings_config::schema::name()))]
    count: Option<effects::ValuesEntry>,
    /// Sets by name: the element to add.
    #[schemars(extend("propertyNames" = tidings_config::schema::name()))]
    add: Option<effects::ValuesEntry>,
    /// Sets by name: the element to remove.
    #[schemars(extend("propertyNames" = tidings_config::schema::name()))]
    remove: Option<effects::ValuesEntry>,
    /// The dialogue node to go to.
    #[schemars(extend("pattern" = tidings_config::schema::NAME))]
    goto: Option<Spanned<String>>,
    /// Of its actions.
    priority: Option<Spanned<tidings_config::rules::Priority>>,
    /// A text for the person.
    notify: Option<Spanned<effects::NotifyEntry>>,
    /// Something for the chatbot's engine.
    emit: Option<Spanned<effects::EmitEntry>>,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct JoinEntry {
    /// The name in logs and timelines. Names are unique, including those of rules.
    #[schemars(extend("pattern" = tidings_config::schema::NAME))]
    name: Spanned<String>,
    /// The legs. The join belongs to the conversation of the first leg's event.
    #[schemars(length(min = 2, max = MAX_LEGS))]
    all: Spanned<Vec<Spanned<LegEntry>>>,
    /// Gives the value that the events have in common: a text or a whole number.
    by: Option<Spanned<Scalar>>,
    /// The longest period between the events' own times.
    within: Spanned<Span>,
    /// Whether the join opens again after it ended: for every later event (`each`), or for events this long after its
    /// end (`after 7d`). Default: a key ends once.
    again: Option<Spanned<Again>>,
    /// The effects when all events have happened.
    then: Option<BranchEntry>,
    /// The effects when they haven't happened in time.
    #[serde(rename = "else")]
    otherwise: Option<BranchEntry>,
}

/// An event type, or a pattern with conditions.
#[derive(schemars::JsonSchema)]
#[schemars(with = "Either<TypePattern, WholeLeg>")]
struct LegEntry {
    on: OneOrMany<TypePattern>,
    source: Option<Spanned<OneOrMany<String>>>,
    when: Option<Spanned<Scalar>>,
    by: Option<Spanned<Scalar>>,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct WholeLeg {
    /// Event types.
    on: OneOrMany<TypePattern>,
    /// Only events of these sources match.
    source: Option<Spanned<OneOrMany<String>>>,
    /// Gives `true` for events that match.
    when: Option<Spanned<Scalar>>,
    /// Gives the value that the events have in common. Default: the join's own `by`.
    by: Option<Spanned<Scalar>>,
}

impl<'de> Deserialize<'de> for LegEntry {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = LegEntry;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an event type, or { on: …, source: …, when: …, by: … }")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<LegEntry, E> {
                let pattern = text.parse().map_err(E::custom)?;
                Ok(LegEntry { on: OneOrMany(vec![pattern]), source: None, when: None, by: None })
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<LegEntry, A::Error> {
                let WholeLeg { on, source, when, by } = WholeLeg::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(LegEntry { on, source, when, by })
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// A CEL expression over `event` and `data`. A text needs its own quotes: "'paid'". YAML's `true` and `42` are
/// expressions as well.
/// A missing field is an error; `data.?carrier.orValue('none')` has a default.
#[derive(Clone, schemars::JsonSchema)]
#[schemars(extend("type" = ["string", "boolean", "number"]))]
pub(super) struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self(text)),
            other @ (serde_json::Value::Bool(_) | serde_json::Value::Number(_)) => Ok(Self(other.to_string())),
            serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                Err(serde::de::Error::custom("an expression must be one text, such as data.order.id or \"'paid'\""))
            }
        }
    }
}

/// Reads `rules.yaml`. `sources` are the names in `sources.yaml`.
pub fn read_rules(file: &str, text: &str, sources: &[String]) -> Result<Rules, Report> {
    let parsed: RulesFile = yaml(file, text)?;
    let mut checker = Checker::new(file);
    checker.version(&parsed.version);

    let mut rules = Rules { policy: parsed.policy.map_or_else(Policy::default, |p| p.check(&mut checker)), ..Rules::default() };
    rules.apis = apis(&mut checker, parsed.apis);
    for entry in parsed.conversations {
        if let Some(conversation) = conversation(&mut checker, entry, sources) {
            rules.conversations.push(conversation);
        }
    }
    let mut names = BTreeSet::new();
    let mut kinds = Kinds::default();
    for entry in parsed.rules {
        named(&mut checker, "rule", &entry.name, &mut names);
        rules.rules.push(rule(&mut checker, entry, sources, &rules.apis, &mut kinds));
    }
    for entry in parsed.joins {
        named(&mut checker, "join", &entry.name, &mut names);
        rules.joins.push(join(&mut checker, entry, sources, &mut kinds));
    }
    kinds.mark_prose(&mut rules);
    kinds.finish(&mut checker);
    checker.report.into_result(rules)
}

fn conversation(checker: &mut Checker<'_>, entry: ConversationEntry, sources: &[String]) -> Option<ConversationRule> {
    about(checker, entry.on.referenced, &entry.on.value, &entry.source, sources);
    let whose = match (entry.conversation, entry.identity) {
        (Some(text), None) => Whose::Conversation(expression(checker, text, Scope::Event)),
        (None, Some(text)) => Whose::Identity(expression(checker, text, Scope::Event)),
        (None, None) => {
            checker.problem(entry.on.referenced, "the entry has neither `conversation` nor `identity`: give it one of them");
            return None;
        }
        (Some(_), Some(identity)) => {
            checker.problem(identity.referenced, "the entry has both `conversation` and `identity`: leave one of them out");
            return None;
        }
    };
    let source = entry.source.map(|s| s.value).unwrap_or_default();
    Some(ConversationRule { on: entry.on.value, source, whose })
}

fn rule(
    checker: &mut Checker<'_>,
    entry: RuleEntry,
    sources: &[String],
    apis: &BTreeMap<String, Api>,
    kinds: &mut Kinds,
) -> Rule {
    let (here, name) = (entry.name.referenced, entry.name.value);
    about(checker, entry.on.referenced, &entry.on.value, &entry.source, sources);
    let when = entry.when.map(|text| expression(checker, text, Scope::Event));
    let enrich = entry.enrich.map(|enrich| self::enrich(checker, enrich, apis));
    let scope = if enrich.is_some() { Scope::Enriched } else { Scope::Event };
    let link = entry.link.map(|link| links(checker, &name, link, scope)).unwrap_or_default();
    let if_stale = entry.if_stale.as_ref().map(|s| s.value).unwrap_or_default();
    let fields = Field {
        entity: entry.entity,
        set: entry.set,
        unset: entry.unset,
        values: vec![(ValueEffect::Count, entry.count), (ValueEffect::Add, entry.add), (ValueEffect::Remove, entry.remove)],
        goto: entry.goto,
        priority: entry.priority,
        notify: entry.notify,
        emit: entry.emit,
    };
    let what = format!("rule {name:?}");
    let effects = fields.check(checker, &what, here, scope, kinds);
    if effects.is_empty() && link.is_empty() {
        checker.problem(here, format!("{what} does nothing; give it `set`, `goto`, `notify`, `emit` or `link`"));
    }
    if let Some(stale) = entry.if_stale {
        if !effects.acts() {
            checker.problem(stale.referenced, "`if_stale` is for actions; this rule has neither `notify` nor `emit`");
        } else if !effects.can_be_stale() {
            checker.problem(stale.referenced, "a rule without `set`, `unset` and `goto` is never stale; give it `set` or `goto`");
        }
    }
    let source = entry.source.map(|s| s.value).unwrap_or_default();
    Rule { name, on: entry.on.value, source, when, enrich, link, if_stale, effects }
}

fn links(checker: &mut Checker<'_>, rule: &str, link: Spanned<OneOrMany<String>>, scope: Scope) -> OneOrMany<String> {
    if link.value.is_empty() || link.value.0.len() > MAX_LINKS_PER_EVENT {
        let seen = link.value.0.len();
        checker.problem(link.referenced, format!("rule {rule:?} links {seen} identities, allowed: 1 to {MAX_LINKS_PER_EVENT}"));
    }
    for text in &link.value.0 {
        parse(checker, link.referenced, text, scope);
    }
    link.value
}

fn join(checker: &mut Checker<'_>, entry: JoinEntry, sources: &[String], kinds: &mut Kinds) -> Join {
    let (here, name) = (entry.name.referenced, entry.name.value);
    let legs = entry.all.value.len();
    if !(2..=MAX_LEGS).contains(&legs) {
        checker.problem(entry.all.referenced, format!("join {name:?} waits for {legs} events, allowed: 2 to {MAX_LEGS}"));
    }
    if entry.within.value.duration() > MAX_JOIN_WITHIN {
        let allowed = Span::new(MAX_JOIN_WITHIN);
        checker.problem(entry.within.referenced, format!("a join waits {}, allowed: up to {allowed}", entry.within.value));
    }
    let again = entry.again.map(|again| self::again(checker, &again)).unwrap_or_default();
    let mut all = Vec::new();
    for Spanned { value: leg, referenced, .. } in entry.all.value {
        about(checker, referenced, &leg.on, &leg.source, sources);
        let Some(by) = leg.by.or_else(|| entry.by.clone()) else {
            checker.problem(referenced, format!("join {name:?} needs a `by`, such as by: data.order_id"));
            continue;
        };
        all.push(Leg {
            on: leg.on,
            source: leg.source.map(|s| s.value).unwrap_or_default(),
            when: leg.when.map(|text| expression(checker, text, Scope::Event)),
            by: expression(checker, by, Scope::Event),
        });
    }
    let mut branch = |entry: Option<BranchEntry>, word: &str| match entry {
        None => Effects::default(),
        Some(entry) => {
            let what = format!("join {name:?}, {word}");
            let effects = Field::from(entry).check(checker, &what, here, Scope::Join, kinds);
            let tells = effects.notify.as_ref().is_some_and(|notify| notify.text.facts().next().is_some());
            if (effects.changes_facts() || tells) && effects.entity.is_none() {
                checker.problem(
                    here,
                    format!("{what} sets facts without an entity; give it an `entity`, such as \"'order/' + join.key\""),
                );
            }
            effects
        }
    };
    let then = branch(entry.then, "then");
    let otherwise = branch(entry.otherwise, "else");
    if then.is_empty() && otherwise.is_empty() {
        checker.problem(here, format!("join {name:?} does nothing; give it `then` or `else`"));
    }
    Join { name, all, within: entry.within.value, again, then, otherwise }
}

fn again(checker: &mut Checker<'_>, again: &Spanned<Again>) -> Again {
    if again.value.span().is_some_and(|span| span > MAX_JOIN_SHUT) {
        let allowed = Span::new(MAX_JOIN_SHUT);
        checker.problem(again.referenced, format!("a join reopens {}, allowed: up to {allowed} after its end", again.value));
    }
    again.value
}

fn named(checker: &mut Checker<'_>, what: &str, name: &Spanned<String>, names: &mut BTreeSet<String>) {
    self::name(checker, name.referenced, &format!("a {what}"), &name.value);
    if !names.insert(name.value.clone()) {
        checker.problem(
            name.referenced,
            format!("a second rule named {:?}; names must be unique, since logs and timelines use them", name.value),
        );
    }
}

fn name(checker: &mut Checker<'_>, at: Location, what: &str, name: &str) {
    if !is_name(name) {
        checker.problem(
            at,
            format!(
                "{name:?} isn't a valid name of {what}; allowed: 1 to 64 letters, digits, _ - and ., beginning with a letter or _"
            ),
        );
    }
}

fn about(
    checker: &mut Checker<'_>,
    at: Location,
    on: &OneOrMany<TypePattern>,
    source: &Option<Spanned<OneOrMany<String>>>,
    sources: &[String],
) {
    if on.is_empty() {
        checker.problem(at, "`on` is an empty list: no event could match");
    }
    let Some(source) = source else { return };
    for wanted in source.value.0.iter().filter(|s| !sources.contains(s)) {
        let hint = did_you_mean(wanted, sources.iter().map(String::as_str));
        checker.problem(source.referenced, format!("unknown source {wanted:?}, configured: {}{hint}", sources.join(", ")));
    }
}

fn expression(checker: &mut Checker<'_>, text: Spanned<Scalar>, scope: Scope) -> String {
    parse(checker, text.referenced, &text.value.0, scope);
    text.value.0
}

fn parse(checker: &mut Checker<'_>, at: Location, text: &str, scope: Scope) {
    if let Err(error) = Expression::parse(text, scope) {
        checker.problem(at, error.to_string());
    }
}
