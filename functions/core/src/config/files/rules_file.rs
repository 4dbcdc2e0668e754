//! `infra/config/rules.yaml`.
#![cfg(feature = "rules")]

use super::{Checker, Report, did_you_mean, yaml};
use crate::config::OneOrMany;
use crate::config::rules::{ConversationRule, Rule, Rules, TypePattern, is_name};
use crate::limits::MAX_FACTS_PER_RULE;
use crate::rules::Expression;
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    version: Spanned<u32>,
    #[serde(default)]
    conversations: Vec<ConversationEntry>,
    #[serde(default)]
    rules: Vec<RuleEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConversationEntry {
    on: Spanned<OneOrMany<TypePattern>>,
    source: Option<Spanned<OneOrMany<String>>>,
    conversation: Spanned<Scalar>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    name: Spanned<String>,
    on: Spanned<OneOrMany<TypePattern>>,
    source: Option<Spanned<OneOrMany<String>>>,
    entity: Option<Spanned<Scalar>>,
    #[serde(default)]
    set: BTreeMap<String, Spanned<Scalar>>,
    goto: Option<Spanned<String>>,
}

/// An expression. YAML's own `true` and `42` are expressions as well.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self(text)),
            other @ (serde_json::Value::Bool(_) | serde_json::Value::Number(_)) => Ok(Self(other.to_string())),
            serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                Err(serde::de::Error::custom("an expression is one text, as in data.order.id or \"'paid'\""))
            }
        }
    }
}

/// Reads `rules.yaml`. `sources` are the names that `sources.yaml` configures.
pub fn read_rules(file: &str, text: &str, sources: &[String]) -> Result<Rules, Report> {
    let parsed: RulesFile = yaml(file, text)?;
    let mut checker = Checker::new(file);
    checker.version(&parsed.version);

    let mut rules = Rules::default();
    for entry in parsed.conversations {
        about(&mut checker, &entry.on, &entry.source, sources);
        rules.conversations.push(ConversationRule {
            on: entry.on.value,
            source: entry.source.map(|s| s.value).unwrap_or_default(),
            conversation: expression(&mut checker, entry.conversation),
        });
    }
    let mut names = BTreeSet::new();
    for entry in parsed.rules {
        let here = entry.name.referenced;
        name(&mut checker, here, "a rule", &entry.name.value);
        if !names.insert(entry.name.value.clone()) {
            checker.problem(
                here,
                format!("a second rule named {:?}; names are how logs and timelines tell rules apart", entry.name.value),
            );
        }
        about(&mut checker, &entry.on, &entry.source, sources);
        if entry.set.is_empty() && entry.goto.is_none() {
            checker.problem(here, format!("rule {:?} does nothing; give it `set` or `goto`", entry.name.value));
        }
        if entry.set.len() > MAX_FACTS_PER_RULE {
            checker.problem(
                here,
                format!("rule {:?} sets {} facts, allowed: {MAX_FACTS_PER_RULE}", entry.name.value, entry.set.len()),
            );
        }
        rules.rules.push(Rule {
            name: entry.name.value,
            on: entry.on.value,
            source: entry.source.map(|s| s.value).unwrap_or_default(),
            entity: entry.entity.map(|e| expression(&mut checker, e)),
            set: entry
                .set
                .into_iter()
                .map(|(fact, value)| {
                    name(&mut checker, value.referenced, "a fact", &fact);
                    (fact, expression(&mut checker, value))
                })
                .collect(),
            goto: entry.goto.map(|node| {
                name(&mut checker, node.referenced, "a node", &node.value);
                node.value
            }),
        });
    }
    checker.report.into_result(rules)
}

fn name(checker: &mut Checker<'_>, at: Location, what: &str, name: &str) {
    if !is_name(name) {
        checker.problem(
            at,
            format!("{name:?} can't name {what}; allowed are 1 to 64 letters, digits, _ - and ., a letter or _ first"),
        );
    }
}

fn about(
    checker: &mut Checker<'_>,
    on: &Spanned<OneOrMany<TypePattern>>,
    source: &Option<Spanned<OneOrMany<String>>>,
    sources: &[String],
) {
    if on.value.is_empty() {
        checker.problem(on.referenced, "`on` is an empty list: no event could match");
    }
    let Some(source) = source else { return };
    for wanted in source.value.0.iter().filter(|s| !sources.contains(s)) {
        let hint = did_you_mean(wanted, sources.iter().map(String::as_str));
        checker.problem(source.referenced, format!("unknown source {wanted:?}, configured: {}{hint}", sources.join(", ")));
    }
}

fn expression(checker: &mut Checker<'_>, text: Spanned<Scalar>) -> String {
    if let Err(error) = Expression::parse(&text.value.0) {
        checker.problem(text.referenced, error.to_string());
    }
    text.value.0
}
